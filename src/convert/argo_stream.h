
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * One reply on its way from upstream to the client: the back turns bytes
 * into events, the order of events is enforced here, soft errors are
 * recognised here, and the front turns events into bytes.  Unary and
 * streamed replies, on either side, take this same path.
 *
 * Laws, which the tests check at every byte border and the fuzzer on
 * anything:
 *
 *   1. The output does not depend on how the input was cut.
 *   2. Every frame that is written is valid alone, also after an error.
 *   3. A reply that ends without FINISH is an error; none is ever invented.
 */


#ifndef _ARGO_STREAM_H_INCLUDED_
#define _ARGO_STREAM_H_INCLUDED_


#include "argo_core.h"
#include "argo_count.h"
#include "argo_dialect.h"
#include "argo_error.h"
#include "argo_ir.h"
#include "argo_json_form.h"
#include "argo_out.h"
#include "argo_patch.h"
#include "argo_soft.h"
#include "argo_sse.h"
#include "argo_tokens.h"
#include "argo_utf8.h"


#define ARGO_ID_LEN  29             /* random letters and digits of an id */

/* text that waits to be judged, and a character that had been cut */
#define ARGO_STREAM_HOLD  (ARGO_SOFT_HOLD_FAILURE + ARGO_UTF8_MAX_HELD + 1)

/* the most text that is collected for a unary reply, in bytes */
#define ARGO_STREAM_MAX_TEXT  (64 * 1024 * 1024)


/*
 * What is needed for one event, or one reply that came whole, and for no
 * longer: many streams may have it in common, since each call of the functions
 * below ends before that of another stream begins.
 */

typedef struct {
    ngx_pool_t          *pool;      /* whose log is the scratch pool's */
    ngx_pool_t          *scratch;
    argo_json_forms_t    forms;     /* of events that came */
} argo_work_t;


/* a tool call that was collected for a unary reply */

typedef struct argo_tool_call_s  argo_tool_call_t;

struct argo_tool_call_s {
    ngx_str_t            id;        /* escaped */
    ngx_str_t            name;      /* escaped */
    ngx_str_t            signature; /* Google's; escaped */
    argo_out_t           args;      /* JSON text, escaped */
    argo_tool_call_t    *next;
};


/* one of the replies that a client's request asked for, collected */

typedef struct argo_choice_s  argo_choice_t;

struct argo_choice_s {
    ngx_uint_t           index;
    argo_out_t           text;      /* escaped */
    argo_out_t           refusal;   /* escaped */
    argo_out_t           reasoning; /* escaped */
    argo_tool_call_t    *calls;
    argo_finish_e        finish;
    argo_choice_t       *next;
};


struct argo_stream_s {
    ngx_pool_t          *pool;
    const argo_front_t  *front;
    const argo_back_t   *back;
    argo_request_t      *request;   /* whose reply this is */
    argo_env_t           env;       /* as it was at the start */
    argo_out_t          *out;       /* where events are written now */

    argo_sse_t           sse;
    argo_work_t         *work;      /* by who made the stream, behind
                                       argo_stream_init(); NULL: one of its
                                       own is made */
    ngx_pool_t          *scratch;   /* for one event of upstream's; work's */
    argo_json_likes_t    likes;     /* the events before */
    argo_out_t           frames;    /* handed on, but not judged yet */

    u_char               id[ARGO_ID_LEN];
    ngx_str_t            head;      /* of a text event; by the front */
    size_t               head_len;  /* what of it begins other events too */
    argo_count_t         count;     /* of the prompt; not done until it is
                                       needed */
    argo_tokens_t        prompt;
    argo_tokens_t        completion;
    argo_event_e         counted;   /* the last thing in completion */
    argo_usage_t         usage;
    argo_usage_t         past;      /* of the replies before this one */
    argo_finish_e        finish;
    argo_error_t         error;
    ngx_str_t            request_id;    /* for errors in a stream; by the
                                           caller; len 0: not to be told */
    ngx_uint_t           tool_calls;            /* seen so far */

    argo_soft_t          soft;
    u_char              *held;      /* text not yet judged */
    size_t               held_size;
    size_t               nheld;
    size_t               ncarry;

    /* a unary reply is collected here */
    argo_out_t           text;      /* escaped */
    argo_out_t           refusal;   /* escaped */
    argo_out_t           reasoning; /* escaped */
    argo_tool_call_t    *calls;
    argo_tool_call_t    *last_call;
    ngx_str_t            body;      /* a whole reply, as it came */

    argo_choice_t       *choices;   /* that have finished, this one too */
    argo_choice_t       *last_choice;

    ngx_str_t            stop_sequence; /* that FINISH told; escaped */

    void                *state;     /* of the front */
    void                *back_state;

    unsigned             collect:1; /* the client wants one body */
    unsigned             splice:1;  /* one dialect on both sides: events are
                                       only looked at; by the back */
    unsigned             ending:1;  /* upstream has said that the reply is
                                       complete, what follows is additional;
                                       by the back */
    unsigned             escaped:1; /* held text is escaped */
    unsigned             begun:1;   /* START has come */
    unsigned             judged:1;  /* not a soft error */
    unsigned             open:1;    /* the client has a response header, so
                                       that an error must go in-band */
    unsigned             started:1; /* the client has been sent something */
    unsigned             finished:1;
    unsigned             failed:1;  /* error is set; nothing more comes */

    u_char               carry[ARGO_UTF8_MAX_HELD];
};


/* Makes an empty one, which lives as long as the pool; NULL: no memory. */
argo_work_t *argo_work_create(ngx_pool_t *pool);


/*
 * Prepares a reply to req (read, resolved, bound to a user).  Everything is
 * taken from the pool, which must outlive it.  NGX_ERROR: no memory or no
 * random bytes.
 */
ngx_int_t argo_stream_init(argo_stream_t *st, ngx_pool_t *pool,
    const argo_front_t *front, const argo_back_t *back,
    argo_request_t *req, const argo_env_t *env);

/*
 * The three ways in: bytes of a streamed reply, a whole JSON reply, the end
 * of the transfer (complete: its framing says that all of it came).  After
 * argo_stream_body() no argo_stream_end() is needed; the body must stay where
 * it is until out has been sent.
 *
 * What the client is to get is appended to out.  NGX_DECLINED: the reply
 * has failed, st->error says how; if st->started, the error has also been
 * written in-band, else nothing has been written and the client can still be
 * given an error response.  NGX_ERROR: no memory.
 */
ngx_int_t argo_stream_push(argo_stream_t *st, u_char *p, size_t n,
    argo_out_t *out);
ngx_int_t argo_stream_body(argo_stream_t *st, const ngx_str_t *body,
    argo_out_t *out);
ngx_int_t argo_stream_end(argo_stream_t *st, ngx_uint_t complete,
    argo_out_t *out);

/*
 * Fails the reply for a reason that the glue knows (a timeout, a reset).
 * Does nothing if it has finished or failed.  Returns like the above.
 */
ngx_int_t argo_stream_fail(argo_stream_t *st, const argo_error_t *err,
    argo_out_t *out);

/*
 * A client's request may be a list of requests, each of which is a call of
 * its own, one after the other.  When argo_stream_end() or argo_stream_body()
 * has returned NGX_OK and st->request->next is set, only one of the replies
 * has finished: begin the next with argo_stream_next(), plan and write its
 * request, and feed its reply in as before.  What the client is to get once
 * (id, time, the sum of the usage, [DONE]) is kept; a unary response is
 * written when the last reply has finished, so all bodies given to
 * argo_stream_body() must stay until out has been sent.  A failure of one
 * reply is a failure of the whole.
 *
 * NGX_ERROR: the reply before has not finished.
 */
ngx_int_t argo_stream_next(argo_stream_t *st, argo_request_t *req);

/*
 * For backs: hands on one event.  NGX_DECLINED if the reply has failed,
 * also by this event: the back stops and returns it.
 */
ngx_int_t argo_stream_emit(argo_stream_t *st, argo_event_t *ev);

/*
 * For backs: makes the tree of an event's data, or of a whole reply, which
 * lives until read_event or read_response returns, or until the next call.
 * NGX_DECLINED: it is not JSON.
 */
ngx_int_t argo_stream_parse(argo_stream_t *st, const ngx_str_t *data,
    ngx_uint_t tree_depth, argo_json_t **root);

/* For backs: fails the reply with st->error, which the back has set. */
ngx_int_t argo_stream_reject(argo_stream_t *st);

/*
 * For backs, while st->splice and not st->collect: hands an event on, as it
 * came but for the edits of patch (NULL: none), which was begun with
 * frame->data.  It is held while text before it has not been judged.
 */
ngx_int_t argo_stream_forward(argo_stream_t *st,
    const argo_sse_event_t *frame, const argo_patch_t *patch);

/*
 * For fronts: keeps a slice of an event for later; it is copied, unless it is
 * of a whole reply.
 */
ngx_int_t argo_stream_keep(argo_stream_t *st, const ngx_str_t *text,
    ngx_str_t *kept);

/*
 * Counts about n bytes more of the prompt, which is done at the latest when
 * the reply needs it.  NGX_AGAIN: there are more, NGX_OK: all is counted.
 */
ngx_int_t argo_stream_count_prompt(argo_stream_t *st, size_t n);

/* For fronts: appends what was collected in from. */
void argo_stream_copy(argo_out_t *out, const argo_out_t *from);

/*
 * The usage so far, of all replies: upstream's if known, else what was counted
 * here: the prompt's tokens are 0 until argo_stream_count_prompt() is done.
 */
void argo_stream_usage(const argo_stream_t *st, argo_usage_t *usage);


#endif /* _ARGO_STREAM_H_INCLUDED_ */
