
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What the files of ARGO's native messages share; nobody else's business.
 */


#ifndef _ARGO_ANTHROPIC_BACK_H_INCLUDED_
#define _ARGO_ANTHROPIC_BACK_H_INCLUDED_


#include "argo_anthropic.h"
#include "argo_patch.h"


/* the most tool calls in one turn; bounds the work of pairing them */
#define ARGO_ANTHROPIC_MAX_CALLS  512

/* the longest name of a tool */
#define ARGO_ANTHROPIC_MAX_NAME   128

/* the tool that a model calls to answer by a schema */
#define ARGO_ANTHROPIC_ANSWER     "argo_answer"

/* Anthropic wants a limit: what is said if nobody knows one */
#define ARGO_ANTHROPIC_MAX_TOKENS  4096


/* argo_anthropic_plan.c */

ngx_int_t argo_anthropic_plan_call(ngx_pool_t *pool,
    const argo_request_t *req, ngx_uint_t pseudo, argo_call_t *call,
    argo_error_t *err);

/* True if the answer comes as a call of the tool above. */
ngx_uint_t argo_anthropic_answers_by_tool(const argo_request_t *req);

/* True if an object has no members; its tree is not needed. */
ngx_uint_t argo_anthropic_is_empty(const argo_json_t *obj);

/* True if the model must call a tool. */
ngx_uint_t argo_anthropic_must_call(const argo_request_t *req);


/* argo_anthropic_write.c */

void argo_anthropic_write_request(const argo_request_t *req,
    const argo_call_t *call, argo_out_t *out);

/*
 * Has each "user" and "metadata.user_id" of a request of messages replaced by
 * user, a JSON string: whoever its client says it is.
 */
ngx_int_t argo_anthropic_patch_identity(const argo_request_t *req,
    argo_patch_t *patch, const ngx_str_t *user);


/*
 * argo_anthropic_turns.c: the conversation.  A turn is all that one side says
 * until the other does: messages in a row become one, the results of tools
 * first.
 */

typedef struct {
    argo_message_t  *first;
    argo_message_t  *end;           /* the first that does not belong to it */
    unsigned         assistant:1;
} argo_anthropic_turn_t;


/*
 * Finds the next turn; *next is where to look for it, and is moved behind it.
 * NGX_DONE: there is none.
 */
ngx_int_t argo_anthropic_next_turn(const argo_request_t *req,
    argo_message_t **next, argo_anthropic_turn_t *turn);

/* True if the message belongs to a turn: it has something to say. */
ngx_uint_t argo_anthropic_speaks(const argo_request_t *req,
    const argo_message_t *message);

/* True if the part is written. */
ngx_uint_t argo_anthropic_is_shown(const argo_request_t *req,
    const argo_part_t *part);

/* What an assistant's message of OpenAI's has in place of content, or NULL. */
argo_json_t *argo_anthropic_refusal(const argo_request_t *req,
    const argo_message_t *message);

/* The list of messages, without its brackets. */
void argo_anthropic_write_messages(const argo_request_t *req,
    argo_out_t *out);

/* The list of blocks of "system", without its brackets. */
void argo_anthropic_write_system(const argo_request_t *req, argo_out_t *out);

/* True if there is anything to write there. */
ngx_uint_t argo_anthropic_has_system(const argo_request_t *req);

/* A part's or a tool's cache_control, as a member behind others. */
void argo_anthropic_write_cache(const argo_json_t *cache,
    const argo_json_t *raw, argo_out_t *out);


/* argo_anthropic_fold.c: a stream folded into the one message it tells of */

typedef struct argo_anthropic_fold_s  argo_anthropic_fold_t;

/* Takes message_start's message.  NULL: no memory. */
argo_anthropic_fold_t *argo_anthropic_fold_create(argo_stream_t *st,
    const argo_json_t *message);

/* Takes a block, a delta of the last one, the delta and usage at the end. */
ngx_int_t argo_anthropic_fold_block(argo_anthropic_fold_t *fold,
    const argo_json_t *block);
ngx_int_t argo_anthropic_fold_delta(argo_anthropic_fold_t *fold,
    const argo_json_t *delta);
ngx_int_t argo_anthropic_fold_end(argo_anthropic_fold_t *fold,
    const argo_json_t *delta, const argo_json_t *usage);

/*
 * Writes the message.  NGX_DECLINED, with st->error: a tool's input is no
 * JSON; nothing has been written.
 */
ngx_int_t argo_anthropic_fold_write(argo_anthropic_fold_t *fold,
    argo_out_t *out);


#endif /* _ARGO_ANTHROPIC_BACK_H_INCLUDED_ */
