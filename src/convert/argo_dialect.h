
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Dialects: what a client speaks is a front, what an upstream speaks is a
 * back.  They meet in argo_ir.h, so that n + m files serve n x m pairs.  A
 * dialect is one file and one row in argo_dialect.c.
 */


#ifndef _ARGO_DIALECT_H_INCLUDED_
#define _ARGO_DIALECT_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"
#include "argo_ir.h"
#include "argo_json.h"
#include "argo_out.h"
#include "argo_sse.h"


typedef enum {
    ARGO_FRAME_JSON = 0,            /* one JSON document */
    ARGO_FRAME_RAW,                 /* bare text; its end is the transfer's */
    ARGO_FRAME_SSE                  /* server-sent events */
} argo_frame_e;


/* where ARGO wants the user's name besides the body */

typedef enum {
    ARGO_AUTH_BODY = 0,             /* nowhere else */
    ARGO_AUTH_BEARER,
    ARGO_AUTH_ANTHROPIC             /* x-api-key, and Anthropic's headers */
} argo_auth_e;


/* one call to upstream, as the back wants it made */

typedef struct {
    ngx_str_t       tail;           /* of the URI, below ARGO's base */
    ngx_str_t       accept;
    argo_frame_e    frame;          /* of a successful reply; a request for
                                       SSE may also be answered with JSON */
    argo_auth_e     auth;
} argo_call_t;


/*
 * Reads the request's tree (req->root, an object) into req.  NGX_DECLINED
 * with err if the client sent something wrong.
 */
typedef ngx_int_t (*argo_read_request_pt)(ngx_pool_t *pool,
    argo_request_t *req, argo_error_t *err);

/*
 * Prepares what is the same in every event of a streamed reply (st->head),
 * from the pool.  NGX_ERROR: no memory.
 */
typedef ngx_int_t (*argo_start_stream_pt)(argo_stream_t *st);

/*
 * Writes one event of a streamed reply.  Memory from the pool must not be
 * taken here: a stream has any number of events.
 */
typedef void (*argo_write_event_pt)(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);

/*
 * Takes an event of a reply to itself, for write_response() or for a later
 * event, in st->state; before write_event() if the reply is streamed.  May
 * take memory from the pool for a new item, and in blocks for text.
 * NGX_DECLINED: too much, st->error says so.
 */
typedef ngx_int_t (*argo_collect_event_pt)(argo_stream_t *st,
    const argo_event_t *ev);

/*
 * Writes the whole of what was collected: each of st->choices, or where there
 * can be but one, st->text and so on.
 */
typedef void (*argo_write_response_pt)(argo_stream_t *st, argo_out_t *out);

/* Writes the body of an error response. */
typedef void (*argo_write_error_pt)(const argo_error_t *err,
    argo_out_t *out);


typedef struct {
    ngx_str_t                name;
    argo_dialect_e           dialect;
    ngx_str_t                stream_type;     /* content type of a stream */
    ngx_str_t                heartbeat;       /* what a stream takes for one:
                                                 of events, once it has begun,
                                                 and a comment before; len 0:
                                                 a comment at any time */
    ngx_uint_t               tree_depth;      /* of a request's tree, for
                                                 argo_json_parse() */
    argo_read_request_pt     read_request;
    argo_start_stream_pt     start_stream;
    argo_write_event_pt      write_event;
    argo_write_response_pt   write_response;
    argo_write_error_pt      write_error;
    argo_collect_event_pt    collect_event;   /* NULL: unary replies only, by
                                                 argo_stream.c */
    unsigned                 bare:1;      /* a stream has no form for errors:
                                             it is broken off */
    unsigned                 verbatim:1;  /* a reply that is no success goes
                                             to the client as it came */
} argo_front_t;


/*
 * Decides how upstream is called for a request and says so in call.
 * NGX_DECLINED with err if upstream can't do what the client asked for.
 */
typedef ngx_int_t (*argo_plan_call_pt)(ngx_pool_t *pool,
    const argo_request_t *req, ngx_uint_t pseudo, argo_call_t *call,
    argo_error_t *err);

/* Writes the body that goes up; slices of the client's body are referred to. */
typedef void (*argo_write_request_pt)(const argo_request_t *req,
    const argo_call_t *call, argo_out_t *out);

/*
 * Turns a whole JSON reply (200) into events, with argo_stream_emit().  What
 * is made in st->scratch is gone when it returns.
 */
typedef ngx_int_t (*argo_read_response_pt)(argo_stream_t *st,
    const ngx_str_t *body);

/* Turns bytes of a streamed reply into events; cut anywhere. */
typedef ngx_int_t (*argo_read_bytes_pt)(argo_stream_t *st, u_char *p,
    size_t n);

/*
 * Turns one server-sent event into events.  If st->splice is set it also
 * hands the event on with argo_stream_forward(), after what it emitted.  Trees
 * are made in st->scratch, which is emptied after each event.
 */
typedef ngx_int_t (*argo_read_event_pt)(argo_stream_t *st,
    const argo_sse_event_t *frame);

/*
 * Prepares st->back_state for a reply, of which a stream may have several,
 * from st->pool.  NGX_ERROR: no memory.
 */
typedef ngx_int_t (*argo_start_reply_pt)(argo_stream_t *st);

/*
 * The transfer has ended: emits what is left, and FINISH, if upstream has
 * said before that the reply is complete or, in raw text, the end says so.
 */
typedef ngx_int_t (*argo_read_end_pt)(argo_stream_t *st);

/*
 * Understands the body of a reply that was not 200: fills err from status
 * and whatever the body says.  Returns NGX_OK or NGX_ERROR (memory).
 */
typedef ngx_int_t (*argo_read_error_pt)(ngx_pool_t *pool, ngx_uint_t status,
    const ngx_str_t *body, argo_error_t *err);


typedef struct {
    ngx_str_t                name;
    argo_dialect_e           dialect;     /* a front of the same is spliced */
    argo_plan_call_pt        plan_call;
    argo_write_request_pt    write_request;
    argo_start_reply_pt      start_reply;     /* NULL: nothing to prepare */
    argo_read_response_pt    read_response;
    argo_read_bytes_pt       read_bytes;      /* NULL: never raw */
    argo_read_event_pt       read_event;      /* NULL: never SSE */
    argo_read_end_pt         read_end;
    argo_read_error_pt       read_error;
} argo_back_t;


extern const argo_front_t  argo_openai_chat_front;
extern const argo_front_t  argo_openai_completions_front;
extern const argo_front_t  argo_openai_responses_front;
extern const argo_front_t  argo_anthropic_front;
extern const argo_front_t  argo_gemini_front;         /* SSE */
extern const argo_front_t  argo_gemini_array_front;   /* a JSON array */
extern const argo_front_t  argo_direct_front;
extern const argo_front_t  argo_direct_embed_front;
extern const argo_back_t   argo_openai_chat_back;
extern const argo_back_t   argo_openai_responses_back;
extern const argo_back_t   argo_anthropic_back;
extern const argo_back_t   argo_legacy_back;
extern const argo_back_t   argo_direct_chat_back;
extern const argo_back_t   argo_direct_embed_back;


/* Find a dialect by its name; NULL if there is none. */
const argo_front_t *argo_front_find(const ngx_str_t *name);
const argo_back_t *argo_back_find(const ngx_str_t *name);

/*
 * The native API of ARGO by which a model of the family is called best for a
 * client: the table is in docs/routing.md.  responses: ARGO's Responses API
 * may be used.
 */
const argo_back_t *argo_back_route(argo_dialect_e client,
    argo_family_e family, ngx_uint_t responses);


#endif /* _ARGO_DIALECT_H_INCLUDED_ */
