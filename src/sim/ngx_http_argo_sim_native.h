
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What the native routes have in common: a request in neutral terms, the
 * answer to it, refusals in the words of the model's vendor, and JSON
 * written as ARGO writes it.
 */


#ifndef _NGX_HTTP_ARGO_SIM_NATIVE_H_INCLUDED_
#define _NGX_HTTP_ARGO_SIM_NATIVE_H_INCLUDED_


#include "ngx_http_argo_sim.h"


/* what a model accepts and does: the rows of ngx_http_argo_sim_rules.c */

#define NGX_HTTP_ARGO_SIM_TEMPERATURE_ONE    0x0001
#define NGX_HTTP_ARGO_SIM_NO_TEMPERATURE     0x0002
#define NGX_HTTP_ARGO_SIM_NO_TOP_P           0x0004
#define NGX_HTTP_ARGO_SIM_NOT_BOTH           0x0008
#define NGX_HTTP_ARGO_SIM_NO_MAX_TOKENS      0x0010
#define NGX_HTTP_ARGO_SIM_NO_EFFORT_TOOLS    0x0020
#define NGX_HTTP_ARGO_SIM_THINK_ENABLED      0x0040
#define NGX_HTTP_ARGO_SIM_THINK_ADAPTIVE     0x0080
#define NGX_HTTP_ARGO_SIM_ALWAYS_THINKS      0x0100
#define NGX_HTTP_ARGO_SIM_HAS_PHASE          0x0200
#define NGX_HTTP_ARGO_SIM_DIES_OF_PARTS      0x0400

#define NGX_HTTP_ARGO_SIM_EFFORT_NONE        0x01
#define NGX_HTTP_ARGO_SIM_EFFORT_MINIMAL     0x02
#define NGX_HTTP_ARGO_SIM_EFFORT_LOW         0x04
#define NGX_HTTP_ARGO_SIM_EFFORT_MEDIUM      0x08
#define NGX_HTTP_ARGO_SIM_EFFORT_HIGH        0x10
#define NGX_HTTP_ARGO_SIM_EFFORT_XHIGH       0x20
#define NGX_HTTP_ARGO_SIM_EFFORT_MAX         0x40
#define NGX_HTTP_ARGO_SIM_EFFORT_UNKNOWN     0x80


typedef struct {
    const char  *id;
    const char  *snapshot;          /* the vendor's name of it */
    const char  *deployment;        /* Azure's, of /v1/responses */
    ngx_uint_t   flags;
    ngx_uint_t   efforts;           /* mask; 0 of Claude: whatever is sent */
    ngx_uint_t   reasoning;         /* tokens where no effort is asked for */
    ngx_uint_t   min_tokens;        /* with less the backend fails */
    ngx_uint_t   max_tokens;        /* 0: not known */
} ngx_http_argo_sim_rule_t;


typedef enum {
    NGX_HTTP_ARGO_SIM_FUNCTION = 0,
    NGX_HTTP_ARGO_SIM_CUSTOM,               /* its input is plain text */
    NGX_HTTP_ARGO_SIM_SHELL
} ngx_http_argo_sim_tool_e;


typedef enum {
    NGX_HTTP_ARGO_SIM_CHOICE_AUTO = 0,
    NGX_HTTP_ARGO_SIM_CHOICE_NONE,
    NGX_HTTP_ARGO_SIM_CHOICE_REQUIRED,
    NGX_HTTP_ARGO_SIM_CHOICE_NAMED
} ngx_http_argo_sim_choice_e;


typedef enum {
    NGX_HTTP_ARGO_SIM_STOP = 0,
    NGX_HTTP_ARGO_SIM_STOP_SEQUENCE,
    NGX_HTTP_ARGO_SIM_LENGTH,
    NGX_HTTP_ARGO_SIM_CALLS,
    NGX_HTTP_ARGO_SIM_REFUSAL
} ngx_http_argo_sim_finish_e;


/* a tool that the request offers */

typedef struct {
    ngx_str_t     name;             /* as it stands in a JSON string */
    ngx_str_t     space;            /* the namespace around it, or NULL */
    ngx_uint_t    kind;             /* ngx_http_argo_sim_tool_e */
    argo_json_t  *schema;           /* or NULL */
} ngx_http_argo_sim_offer_t;


/* a tool that the answer calls */

typedef struct {
    const ngx_http_argo_sim_offer_t  *offer;
    ngx_str_t                         id;
    ngx_str_t                         item;         /* of /v1/responses */
    ngx_str_t                         arguments;    /* JSON, or custom text */
} ngx_http_argo_sim_call_t;


typedef struct {
    ngx_http_request_t              *request;
    ngx_http_argo_sim_ctx_t         *ctx;
    const ngx_http_argo_sim_rule_t  *rule;

    /* the request */
    ngx_str_t                        said;          /* last, by the user */
    ngx_str_t                        results;       /* of tools, at the end */
    ngx_array_t                      offers;        /* ..._sim_offer_t */
    ngx_uint_t                       choice;        /* ..._sim_choice_e */
    ngx_str_t                        chosen;
    argo_json_t                     *stop;          /* string, list or NULL */
    argo_json_t                     *schema;        /* of the answer */
    ngx_uint_t                       limit;         /* tokens; 0: none */
    ngx_uint_t                       reasoning;     /* hidden tokens */
    unsigned                         stream:1;
    unsigned                         single:1;      /* no parallel calls */
    unsigned                         object:1;      /* any JSON object */
    unsigned                         answered:1;    /* by tools */
    unsigned                         think:1;
    unsigned                         omitted:1;     /* thinking not shown */
    unsigned                         later:1;       /* not the first turn */
    unsigned                         cached:1;      /* cache_control */

    /* the answer */
    ngx_str_t                        id;
    ngx_str_t                        model;
    ngx_str_t                        text;
    ngx_str_t                        thinking;
    ngx_str_t                        signature;
    ngx_str_t                        sequence;      /* that stopped it */
    ngx_array_t                      calls;         /* ..._sim_call_t */
    ngx_uint_t                       finish;        /* ..._sim_finish_e */
    ngx_uint_t                       input_tokens;  /* all of them */
    ngx_uint_t                       output_tokens;
    ngx_uint_t                       reasoning_tokens;
    ngx_uint_t                       thought;       /* tokens, shown */
    ngx_uint_t                       cache_read;
    ngx_uint_t                       cache_creation;
    unsigned                         blocked:1;     /* a denial */
} ngx_http_argo_sim_talk_t;


/* Routes: the checked request in, the reply out. */

ngx_int_t ngx_http_argo_sim_completions(ngx_http_argo_sim_talk_t *talk);
ngx_int_t ngx_http_argo_sim_messages(ngx_http_argo_sim_talk_t *talk);
ngx_int_t ngx_http_argo_sim_count_tokens(ngx_http_argo_sim_talk_t *talk);
ngx_int_t ngx_http_argo_sim_responses(ngx_http_argo_sim_talk_t *talk);
ngx_int_t ngx_http_argo_sim_embeddings(ngx_http_argo_sim_talk_t *talk);

/* The shapes of an answer. */

ngx_int_t ngx_http_argo_sim_write_completion(ngx_http_argo_sim_talk_t *talk);
ngx_int_t ngx_http_argo_sim_write_message(ngx_http_argo_sim_talk_t *talk);
ngx_int_t ngx_http_argo_sim_write_response(ngx_http_argo_sim_talk_t *talk);


/* The answer: from the request's part of the talk makes all of the other. */

ngx_int_t ngx_http_argo_sim_talk(ngx_http_argo_sim_talk_t *talk);

/* A denial instead, in the shape of an answer. */
ngx_int_t ngx_http_argo_sim_block(ngx_http_argo_sim_talk_t *talk,
    ngx_uint_t which);

/* What the calls are made of; name and schema may be NULL. */
ngx_int_t ngx_http_argo_sim_offer(ngx_http_argo_sim_talk_t *talk,
    ngx_uint_t kind, const argo_json_t *name, argo_json_t *schema,
    const argo_json_t *space);

/* The end of a fragment of arguments: a word, or what is between words. */
u_char *ngx_http_argo_sim_fragment(u_char *p, u_char *end);

/* The end of a piece of the answer's text. */
u_char *ngx_http_argo_sim_piece_of(const ngx_http_argo_sim_talk_t *talk,
    u_char *p, u_char *end);

/* The offer of that name, or NULL. */
const ngx_http_argo_sim_offer_t *ngx_http_argo_sim_find_offer(
    const ngx_http_argo_sim_talk_t *talk, const ngx_str_t *name);

/* Appends a result of a tool to those that the answer will quote. */
ngx_int_t ngx_http_argo_sim_add_result(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *content);

/* Tokens of a value: four bytes of each string in it are one. */
ngx_uint_t ngx_http_argo_sim_tokens(const argo_json_t *node);


/*
 * Ids and seals: the same for the same request.  A seal is a secret that
 * only the simulator can have made: of a text, or of nothing else.
 */

ngx_int_t ngx_http_argo_sim_id(const ngx_http_argo_sim_talk_t *talk,
    const char *prefix, ngx_uint_t n, ngx_uint_t hex, ngx_uint_t index,
    ngx_str_t *id);
ngx_int_t ngx_http_argo_sim_sign(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *signature);
ngx_int_t ngx_http_argo_sim_seal(const ngx_http_argo_sim_talk_t *talk,
    const char *prefix, ngx_str_t *seal);
ngx_uint_t ngx_http_argo_sim_sealed(const char *prefix,
    const ngx_str_t *seal);


/* Rules. */

const ngx_http_argo_sim_rule_t *ngx_http_argo_sim_rule(
    const ngx_http_argo_sim_model_t *model);

/* The bit of an effort's name. */
ngx_uint_t ngx_http_argo_sim_effort(const argo_json_t *effort);

/* How many hidden tokens an effort costs. */
ngx_uint_t ngx_http_argo_sim_effort_tokens(ngx_uint_t effort);

/*
 * Checks against the rules and the vendor's habits.  NGX_DECLINED: refused,
 * the context holds the reply.
 */

ngx_int_t ngx_http_argo_sim_check_foreign(ngx_http_argo_sim_talk_t *talk);
ngx_int_t ngx_http_argo_sim_check_sampling(ngx_http_argo_sim_talk_t *talk);
ngx_int_t ngx_http_argo_sim_check_limits(ngx_http_argo_sim_talk_t *talk,
    const char *name);
ngx_int_t ngx_http_argo_sim_check_effort(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *effort, const char *param);
ngx_int_t ngx_http_argo_sim_check_thinking(ngx_http_argo_sim_talk_t *talk);
ngx_int_t ngx_http_argo_sim_check_schema(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *schema, ngx_uint_t tool);
ngx_int_t ngx_http_argo_sim_check_name(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *name, const char *param, size_t max);
ngx_int_t ngx_http_argo_sim_check_blocks(ngx_http_argo_sim_talk_t *talk);


/*
 * Refusals.  The text is formatted as ngx_sprintf() does.  The first is
 * what a vendor says, wrapped up as ARGO does for this route and model;
 * param and code may be NULL and are OpenAI's.  The other is ARGO's own.
 */

ngx_int_t ngx_http_argo_sim_refuse(ngx_http_argo_sim_talk_t *talk,
    const char *param, const char *code, const char *format, ...);
ngx_int_t ngx_http_argo_sim_fail(ngx_http_argo_sim_talk_t *talk,
    ngx_uint_t status, const char *type, const char *format, ...);


/*
 * JSON.  The template is JSON with ' for ", and may hold
 *
 *     %s  ngx_str_t *, a string in quotes; null where data is NULL
 *     %t  ngx_str_t *, the same without the quotes
 *     %r  ngx_str_t *, as it is
 *     %z  const char *, as it is
 *     %i  ngx_int_t
 */

typedef struct {
    argo_out_t  *out;
    unsigned     python:1;          /* as json.dumps(): blanks, ASCII */
} ngx_http_argo_sim_print_t;

void ngx_http_argo_sim_print(const ngx_http_argo_sim_print_t *print,
    const char *format, ...);

/* Appends a member of random length, so that a piece's does not show. */
void ngx_http_argo_sim_obfuscate(const ngx_http_argo_sim_print_t *print,
    uint64_t *noise);

/* Takes what was written as a stream of events. */
ngx_int_t ngx_http_argo_sim_events(ngx_http_argo_sim_talk_t *talk,
    argo_out_t *out);

/* A member as it came, or what stands for it; root may be NULL. */
ngx_str_t ngx_http_argo_sim_echo(const argo_json_t *root, const char *name,
    const char *absent);


#endif /* _NGX_HTTP_ARGO_SIM_NATIVE_H_INCLUDED_ */
