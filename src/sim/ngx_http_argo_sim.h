
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * A simulator of ARGO inside nginx; docs/simulator.md says what it does.
 * Uses nginx's HTTP API and src/core, and shares nothing with the gateway
 * that it is there to test.
 */


#ifndef _NGX_HTTP_ARGO_SIM_H_INCLUDED_
#define _NGX_HTTP_ARGO_SIM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "argo_core.h"
#include "argo_error.h"
#include "argo_json.h"
#include "argo_json_write.h"
#include "argo_out.h"


#define NGX_HTTP_ARGO_SIM_BLOCK  16384      /* of output being built */

/* at which chat without streaming is refused for Claude */
#define NGX_HTTP_ARGO_SIM_MAX_UNARY_TOKENS  21000

#define NGX_HTTP_ARGO_SIM_MAX_PROMPTS  16


/* routes, also as a mask of those that an option makes sense for */

#define NGX_HTTP_ARGO_SIM_CHAT         0x0001
#define NGX_HTTP_ARGO_SIM_STREAM       0x0002
#define NGX_HTTP_ARGO_SIM_EMBED        0x0004
#define NGX_HTTP_ARGO_SIM_MODELS       0x0008
#define NGX_HTTP_ARGO_SIM_HEALTH       0x0010
#define NGX_HTTP_ARGO_SIM_STATS        0x0020

#define NGX_HTTP_ARGO_SIM_COMPLETIONS  0x0040
#define NGX_HTTP_ARGO_SIM_MESSAGES     0x0080
#define NGX_HTTP_ARGO_SIM_COUNT        0x0100
#define NGX_HTTP_ARGO_SIM_RESPONSES    0x0200
#define NGX_HTTP_ARGO_SIM_EMBEDDINGS   0x0400

#define NGX_HTTP_ARGO_SIM_TALK                                                \
    (NGX_HTTP_ARGO_SIM_CHAT|NGX_HTTP_ARGO_SIM_STREAM)

#define NGX_HTTP_ARGO_SIM_LEGACY                                              \
    (NGX_HTTP_ARGO_SIM_TALK|NGX_HTTP_ARGO_SIM_EMBED)

#define NGX_HTTP_ARGO_SIM_NATIVE_TALK                                         \
    (NGX_HTTP_ARGO_SIM_COMPLETIONS|NGX_HTTP_ARGO_SIM_MESSAGES                 \
     |NGX_HTTP_ARGO_SIM_RESPONSES)

#define NGX_HTTP_ARGO_SIM_NATIVE                                              \
    (NGX_HTTP_ARGO_SIM_NATIVE_TALK|NGX_HTTP_ARGO_SIM_COUNT                    \
     |NGX_HTTP_ARGO_SIM_EMBEDDINGS)

/* those that are given "messages" */
#define NGX_HTTP_ARGO_SIM_HISTORY                                             \
    (NGX_HTTP_ARGO_SIM_COMPLETIONS|NGX_HTTP_ARGO_SIM_MESSAGES                 \
     |NGX_HTTP_ARGO_SIM_COUNT)

#define NGX_HTTP_ARGO_SIM_JSON                                                \
    (NGX_HTTP_ARGO_SIM_CHAT|NGX_HTTP_ARGO_SIM_EMBED                           \
     |NGX_HTTP_ARGO_SIM_MODELS|NGX_HTTP_ARGO_SIM_HEALTH                       \
     |NGX_HTTP_ARGO_SIM_NATIVE)

#define NGX_HTTP_ARGO_SIM_ANY                                                 \
    (NGX_HTTP_ARGO_SIM_JSON|NGX_HTTP_ARGO_SIM_STREAM)


typedef enum {
    NGX_HTTP_ARGO_SIM_OPENAI = 0,
    NGX_HTTP_ARGO_SIM_ANTHROPIC,
    NGX_HTTP_ARGO_SIM_GOOGLE
} ngx_http_argo_sim_family_e;


typedef enum {
    NGX_HTTP_ARGO_SIM_TEXT_ANSWER = 0,
    NGX_HTTP_ARGO_SIM_TEXT_DENIED,
    NGX_HTTP_ARGO_SIM_TEXT_DENIED2,
    NGX_HTTP_ARGO_SIM_TEXT_MISUSE,
    NGX_HTTP_ARGO_SIM_TEXT_NONETYPE,
    NGX_HTTP_ARGO_SIM_TEXT_QUOTE,
    NGX_HTTP_ARGO_SIM_TEXT_LOREM,
    NGX_HTTP_ARGO_SIM_TEXT_UTF8,
    NGX_HTTP_ARGO_SIM_TEXT_EMPTY
} ngx_http_argo_sim_text_e;


typedef enum {
    NGX_HTTP_ARGO_SIM_BODY_ANSWER = 0,
    NGX_HTTP_ARGO_SIM_BODY_JSON,
    NGX_HTTP_ARGO_SIM_BODY_HTML,
    NGX_HTTP_ARGO_SIM_BODY_DETAIL,
    NGX_HTTP_ARGO_SIM_BODY_DETAIL_ARRAY,
    NGX_HTTP_ARGO_SIM_BODY_ERROR_STRING,
    NGX_HTTP_ARGO_SIM_BODY_EMPTY
} ngx_http_argo_sim_body_e;


typedef enum {
    NGX_HTTP_ARGO_SIM_FAULT_NONE = 0,
    NGX_HTTP_ARGO_SIM_FAULT_CUT,
    NGX_HTTP_ARGO_SIM_FAULT_RESET,
    NGX_HTTP_ARGO_SIM_FAULT_STALL,
    NGX_HTTP_ARGO_SIM_FAULT_BADCHUNK,
    NGX_HTTP_ARGO_SIM_FAULT_END
} ngx_http_argo_sim_fault_e;


typedef enum {
    NGX_HTTP_ARGO_SIM_REPLY_ANSWER = 0,
    NGX_HTTP_ARGO_SIM_REPLY_ERROR,
    NGX_HTTP_ARGO_SIM_REPLY_EVENT,
    NGX_HTTP_ARGO_SIM_REPLY_FAILED,
    NGX_HTTP_ARGO_SIM_REPLY_OPENAI
} ngx_http_argo_sim_reply_e;


typedef struct {
    ngx_str_t                   name;       /* as the list shows it */
    ngx_str_t                   id;         /* as a request names it */
    ngx_http_argo_sim_family_e  family;
    ngx_uint_t                  dimensions; /* of an embedding; 0: chat */
    ngx_uint_t                  refused;    /* listed, but does not work */
} ngx_http_argo_sim_model_t;


typedef struct {
    ngx_str_t   path;                       /* below the location */
    ngx_uint_t  method;
    ngx_str_t   allow;
    ngx_uint_t  kind;
} ngx_http_argo_sim_route_t;


/* what the request header X-Argo-Sim asks for; all zero: the plain answer */

typedef struct {
    ngx_uint_t  given;                      /* mask: rows of the key table */
    ngx_uint_t  status;
    ngx_uint_t  body;                       /* ngx_http_argo_sim_body_e */
    ngx_uint_t  text;                       /* ngx_http_argo_sim_text_e */
    ngx_uint_t  fault;                      /* ngx_http_argo_sim_fault_e */
    ngx_uint_t  fault_at;                   /* bytes of the body before it */
    ngx_uint_t  fault_default;              /* no number of bytes was given */
    ngx_uint_t  delay;                      /* ms */
    ngx_uint_t  interval;                   /* ms */
    ngx_uint_t  chunk;
    ngx_uint_t  chunks;
    ngx_uint_t  size;
    ngx_uint_t  retry_after;
    ngx_str_t   type;
    ngx_uint_t  malformed;
    ngx_uint_t  noresponse;
    ngx_uint_t  gzip;
    ngx_uint_t  answer;                     /* ngx_http_argo_sim_reply_e */
    ngx_uint_t  after;                      /* events before an error's */
    ngx_str_t   error_type;
    ngx_uint_t  redacted;
    ngx_uint_t  refusal;
    ngx_uint_t  ping;
    ngx_uint_t  nousage;
} ngx_http_argo_sim_options_t;


typedef struct {
    ngx_flag_t    enable;
    ngx_array_t  *users;                    /* of ngx_str_t; NULL: any */
    ngx_msec_t    interval;
} ngx_http_argo_sim_loc_conf_t;


typedef struct {
    ngx_http_request_t               *request;
    const ngx_http_argo_sim_route_t  *route;
    ngx_http_argo_sim_options_t       options;

    /* the request, once it has been checked */
    argo_json_t                      *root;
    argo_json_t                      *messages;     /* or NULL */
    argo_json_t                      *prompt;       /* or NULL */
    argo_json_t                      *tools;        /* a list that holds some */
    const ngx_http_argo_sim_model_t  *model;
    ngx_str_t                         user;

    /* the reply */
    ngx_uint_t                        status;
    ngx_str_t                         type;
    ngx_str_t                         location;
    ngx_str_t                         allow;
    ngx_str_t                         body;

    /* sending it */
    u_char                           *pos;
    u_char                           *last;         /* the end, or a fault */
    ngx_msec_t                        interval;
    ngx_event_t                       timer;
    ngx_chain_t                      *free;
    ngx_chain_t                      *busy;

    unsigned                          counted:1;
    unsigned                          streamed:1;   /* has no length */
    unsigned                          events:1;     /* and is made of SSE */
    unsigned                          refusal:1;    /* options don't apply */
    unsigned                          started:1;
    unsigned                          watched:1;    /* for a client's abort */
    unsigned                          finished:1;   /* all handed to nginx */
    unsigned                          faulted:1;    /* a fault ended it */
} ngx_http_argo_sim_ctx_t;


extern ngx_module_t  ngx_http_argo_sim_module;


/*
 * Options.  NGX_DECLINED with err.message for what is unknown, wrong, or
 * would have no effect on this route.
 */

ngx_int_t ngx_http_argo_sim_options(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, argo_error_t *err);

/* The same for faults that the reply at hand is too short for. */
ngx_int_t ngx_http_argo_sim_check_fault(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, argo_error_t *err);


/*
 * The body of a POST: what ARGO accepts.  NGX_DECLINED: the context holds
 * the refusal, or the sentence that ARGO answers instead.
 */

ngx_int_t ngx_http_argo_sim_check(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, const ngx_str_t *document);

/* Its parts that the native routes have in common with the legacy ones. */

ngx_int_t ngx_http_argo_sim_check_document(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, const ngx_str_t *document);
ngx_int_t ngx_http_argo_sim_check_fields(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);

/* Why the user is refused, a text to be said; or 0. */
ngx_uint_t ngx_http_argo_sim_denial(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);

/* The refusal of a name that is no model, or does not work. */
ngx_int_t ngx_http_argo_sim_invalid_model(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, const ngx_str_t *id);
ngx_int_t ngx_http_argo_sim_dead_model(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);

/* NGX_DECLINED for NGX_OK: the reply stands, the request goes no further. */
ngx_int_t ngx_http_argo_sim_decline(ngx_int_t rc);

/* A member that is not null; or NULL. */
argo_json_t *ngx_http_argo_sim_member(const argo_json_t *root,
    const char *name);

/* White space, or nothing at all. */
ngx_uint_t ngx_http_argo_sim_blank(const ngx_str_t *text);


/* A POST to a native route, from its body to its reply.  Returns as above. */

ngx_int_t ngx_http_argo_sim_native(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, const ngx_str_t *document);


/* Replies: set status, type and body in the context.  NGX_OK or NGX_ERROR. */

ngx_int_t ngx_http_argo_sim_answer(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
ngx_int_t ngx_http_argo_sim_embed(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
ngx_int_t ngx_http_argo_sim_model_list(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
ngx_int_t ngx_http_argo_sim_failure(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);

/* The answer to what the user said, and "chunk 1 chunk 2 ". */
ngx_int_t ngx_http_argo_sim_compose(ngx_http_request_t *r,
    const ngx_str_t *said, ngx_str_t *text);
ngx_int_t ngx_http_argo_sim_numbered(ngx_http_request_t *r,
    ngx_uint_t chunks, ngx_str_t *text);

/*
 * The end of the piece of a text that begins at p: a word and one blank
 * behind it, or two of them; at most 64 bytes.
 */
u_char *ngx_http_argo_sim_word(u_char *p, u_char *end, ngx_uint_t blanks);

/* A text in the shape of the route. */
ngx_int_t ngx_http_argo_sim_say(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, const ngx_str_t *text);

/* A text that does not depend on what the user said. */
ngx_int_t ngx_http_argo_sim_text(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, ngx_uint_t which, ngx_str_t *text);

/* {"detail":"..."} and {"error":{"message":...}}, as refusals. */
ngx_int_t ngx_http_argo_sim_detail(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, ngx_uint_t status, const ngx_str_t *text);
ngx_int_t ngx_http_argo_sim_error(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, ngx_uint_t status, const char *type,
    const char *code, const char *text);

/* Takes what was written as a JSON body. */
ngx_int_t ngx_http_argo_sim_json(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, ngx_uint_t status, argo_out_t *out);

/* {"result":"nothing"} and the like. */
ngx_int_t ngx_http_argo_sim_literal(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, ngx_uint_t status, const char *json);

/* Appends a nul-terminated text to any output. */
void ngx_http_argo_sim_write(argo_out_t *out, const char *text);

/* The last of a list, or NULL. */
argo_json_t *ngx_http_argo_sim_last(const argo_json_t *list);


/*
 * Tools.  A tool stands for what has its name: the tool itself, or the
 * function in it.
 */

/* The one to call, or NULL: none was sent, or tool_choice forbids it. */
argo_json_t *ngx_http_argo_sim_tool(const ngx_http_argo_sim_ctx_t *ctx);

/* NULL if the tool is not of the form that the model's vendor has. */
argo_json_t *ngx_http_argo_sim_tool_function(
    ngx_http_argo_sim_family_e family, const argo_json_t *tool);

/* The content of the result, if the last message is one; or NULL. */
argo_json_t *ngx_http_argo_sim_tool_result(
    const ngx_http_argo_sim_ctx_t *ctx);

/* Writes an item of "tool_calls". */
ngx_int_t ngx_http_argo_sim_tool_call(ngx_http_request_t *r,
    const ngx_http_argo_sim_ctx_t *ctx, argo_json_t *tool, argo_out_t *out);

/* An object with what the schema requires. */
void ngx_http_argo_sim_write_object(const argo_json_t *schema,
    argo_out_t *out);

/* The text of a message's content: a string or a list of parts. */
ngx_int_t ngx_http_argo_sim_content(ngx_pool_t *pool,
    const argo_json_t *content, ngx_str_t *text);


/* Models: NULL if there is none of that id. */

const ngx_http_argo_sim_model_t *ngx_http_argo_sim_find_model(
    const ngx_str_t *id);

/* The same by any name that the native routes know. */
const ngx_http_argo_sim_model_t *ngx_http_argo_sim_find_name(
    const ngx_str_t *name);

void ngx_http_argo_sim_write_ids(argo_out_t *out, ngx_uint_t embedding);


/* Appends the vector of a text. */
ngx_int_t ngx_http_argo_sim_write_vector(ngx_http_request_t *r,
    const ngx_http_argo_sim_model_t *model, const ngx_str_t *text,
    argo_out_t *out);

/* The same as little-endian floats in base64. */
ngx_int_t ngx_http_argo_sim_write_vector_base64(ngx_http_request_t *r,
    const ngx_http_argo_sim_model_t *model, const ngx_str_t *text,
    argo_out_t *out);


/* A hash that is the same everywhere, and numbers drawn from it. */

uint64_t ngx_http_argo_sim_hash(uint64_t seed, const u_char *p, size_t n);
uint64_t ngx_http_argo_sim_draw(uint64_t *state);


/* Sends the reply of the context, now or bit by bit, and ends the request. */

void ngx_http_argo_sim_start(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);


#endif /* _NGX_HTTP_ARGO_SIM_H_INCLUDED_ */
