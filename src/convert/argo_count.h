
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * How many tokens a request's prompt has: what usage says where upstream
 * says nothing, and the answer to a client that asks before it sends.  The
 * rules are in docs/tokens.md and docs/messages.md.
 */


#ifndef _ARGO_COUNT_H_INCLUDED_
#define _ARGO_COUNT_H_INCLUDED_


#include "argo_core.h"
#include "argo_ir.h"
#include "argo_out.h"
#include "argo_tokens.h"


/* A count of a prompt, which may be long, in steps. */

typedef struct {
    argo_tokens_t         *tokens;
    const argo_message_t  *message;     /* where it is */
    const argo_part_t     *part;
    const argo_part_t     *result;      /* whose parts these are */
    const argo_tool_t     *tool;
    ngx_uint_t             field;
    ngx_str_t              text;        /* what is left of a text */
    unsigned               plain:1;     /* it is not escaped */
    unsigned               done:1;
} argo_count_t;


/* Begins to count; the request must stay until all is counted. */
void argo_count_begin(argo_count_t *c, argo_tokens_t *t, ngx_pool_t *pool,
    const argo_request_t *req);

/* Counts about n bytes more.  NGX_AGAIN: there are more; NGX_OK: all is. */
ngx_int_t argo_count_step(argo_count_t *c, size_t n);

/* Does both, at once. */
void argo_count_prompt(argo_tokens_t *t, ngx_pool_t *pool,
    const argo_request_t *req);

/*
 * The estimate for a client that asks: the texts, and what images and files
 * come to by a rule of thumb.  At least 1.  The request has been read and its
 * model resolved.
 */
uint64_t argo_count_request(ngx_pool_t *pool, const argo_request_t *req);

/* The same of a prompt whose texts have been counted in t. */
uint64_t argo_count_total(const argo_tokens_t *t, const argo_request_t *req);

/*
 * Write it as the vendors do: {"input_tokens":n}, {"object":...,
 * "input_tokens":n}, {"totalTokens":n,...}.
 */
void argo_count_write_anthropic(uint64_t n, argo_out_t *out);
void argo_count_write_openai(uint64_t n, argo_out_t *out);
void argo_count_write_gemini(uint64_t n, argo_out_t *out);


#endif /* _ARGO_COUNT_H_INCLUDED_ */
