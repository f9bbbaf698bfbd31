
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What the files of chat completions share, a client's and ARGO's native
 * ones; nobody else's business.
 */


#ifndef _ARGO_OPENAI_CHAT_H_INCLUDED_
#define _ARGO_OPENAI_CHAT_H_INCLUDED_


#include "argo_core.h"
#include "argo_dialect.h"
#include "argo_error.h"
#include "argo_ir.h"
#include "argo_json.h"
#include "argo_out.h"
#include "argo_patch.h"
#include "argo_stream.h"


/* the most tool calls in one message; bounds the work of pairing them */
#define ARGO_CHAT_MAX_CALLS    512

/* the most choices of a reply; OpenAI allows as many */
#define ARGO_CHAT_MAX_CHOICES  128

/* what stands for something that has no text, where text must be */
#define ARGO_CHAT_CONTINUE     "[continue]"
#define ARGO_CHAT_NO_RESULT    "[no result]"
#define ARGO_CHAT_NO_OUTPUT    "[no output]"
#define ARGO_CHAT_SEE_IMAGE    "[see the images below]"
#define ARGO_CHAT_FAILED       "[failed] "


/* argo_openai_chat_request.c: what a client sends */

ngx_int_t argo_openai_chat_read_request(ngx_pool_t *pool,
    argo_request_t *req, argo_error_t *err);

/* a request's front is its address if the client has functions, not tools */
extern u_char  argo_openai_chat_functions;


/* argo_openai_chat_history.c: messages from the neutral form */

/*
 * Pairs calls and results (part->peer), which the writers rely on, and finds
 * what chat completions have no form for.
 */
ngx_int_t argo_chat_check_messages(ngx_pool_t *pool,
    const argo_request_t *req, argo_error_t *err);

/* The list of messages, without its brackets. */
void argo_chat_write_messages(const argo_request_t *req, argo_out_t *out);

/* One message that calls no tools. */
void argo_chat_write_one(const argo_request_t *req,
    const argo_message_t *message, argo_out_t *out);

/*
 * Calls and the results that follow, for a request whose client speaks chat
 * completions: each call in a message of its own, before its result.
 */
void argo_chat_write_pairs(const argo_request_t *req,
    const argo_message_t *message, argo_out_t *out);

/* The last of the results that follow a message, or the message itself. */
const argo_message_t *argo_chat_last_result(const argo_message_t *message);

/* How many tools a message calls. */
ngx_uint_t argo_chat_count_calls(const argo_message_t *message);

/* True if Gemini would refuse the conversation: no user speaks in it. */
ngx_uint_t argo_chat_lacks_user(const argo_request_t *req);

/* True if text of nothing but blanks would be refused. */
ngx_uint_t argo_chat_refuses_blank(const argo_request_t *req);

/* A part of a message's content. */
void argo_chat_write_part(const argo_part_t *part, argo_out_t *out);


/* argo_openai_chat_write.c: all else from the neutral form */

void argo_chat_write_own(const argo_request_t *req, const argo_call_t *call,
    argo_out_t *out);


/* argo_openai_chat_splice.c: a request sent on as it came */

ngx_int_t argo_chat_plan_splice(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err);
void argo_chat_write_spliced(const argo_request_t *req,
    const argo_call_t *call, argo_out_t *out);


/* argo_openai_chat_read.c: replies */

/* one choice of a reply */

typedef struct argo_chat_choice_s  argo_chat_choice_t;

struct argo_chat_choice_s {
    int64_t              index;
    int64_t              call;          /* upstream's index of the call now */
    ngx_uint_t           ncalls;
    ngx_str_t            id;            /* of the call now; escaped */
    argo_finish_e        finish;
    argo_chat_choice_t  *next;
    unsigned             named:1;       /* its role has been told */
    unsigned             whole:1;       /* of a reply that is no stream */
    unsigned             empty:1;       /* the call has no arguments yet */
};


typedef struct {
    argo_chat_choice_t  *choices;
    ngx_uint_t           nchoices;
    ngx_uint_t           finished;
    ngx_uint_t           expected;      /* of choices */
    ngx_str_t            model;         /* as JSON: what the client asked */
    ngx_str_t            head;          /* id and time, as members */
    unsigned             usage:1;       /* the client has got it */
} argo_chat_reply_t;


ngx_int_t argo_chat_start_reply(argo_stream_t *st);
ngx_int_t argo_chat_read_response(argo_stream_t *st, const ngx_str_t *body);
ngx_int_t argo_chat_read_event(argo_stream_t *st,
    const argo_sse_event_t *frame);
ngx_int_t argo_chat_read_end(argo_stream_t *st);


/*
 * argo_openai_chat_message.c: a message of a reply, or a delta of one, to
 * events; and to edits of patch, unless that is NULL.
 */

ngx_int_t argo_chat_read_message(argo_stream_t *st,
    argo_chat_choice_t *choice, argo_json_t *message, argo_patch_t *patch);

/* A member that is a string and not empty; NULL for anything else. */
argo_json_t *argo_chat_string(const argo_json_t *obj, const char *name,
    size_t len);

#define argo_chat_get_string(obj, literal)                                    \
    argo_chat_string(obj, literal, sizeof(literal) - 1)


#endif /* _ARGO_OPENAI_CHAT_H_INCLUDED_ */
