
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The request header X-Argo-Sim: "key=value, key, ...".  Whatever is not
 * understood, or would change nothing, is refused: a test must not pass
 * because its fault did not happen.
 */


#include "ngx_http_argo_sim.h"


typedef enum {
    NGX_HTTP_ARGO_SIM_FLAG = 0,             /* takes no value */
    NGX_HTTP_ARGO_SIM_NUMBER,
    NGX_HTTP_ARGO_SIM_WORD,                 /* one of a list */
    NGX_HTTP_ARGO_SIM_STRING,
    NGX_HTTP_ARGO_SIM_PLACE                 /* of a fault: a number or none */
} ngx_http_argo_sim_value_e;


/* in the order of the key table */

typedef enum {
    NGX_HTTP_ARGO_SIM_KEY_STATUS = 0,
    NGX_HTTP_ARGO_SIM_KEY_BODY,
    NGX_HTTP_ARGO_SIM_KEY_TEXT,
    NGX_HTTP_ARGO_SIM_KEY_SIZE,
    NGX_HTTP_ARGO_SIM_KEY_CHUNKS,
    NGX_HTTP_ARGO_SIM_KEY_CHUNK,
    NGX_HTTP_ARGO_SIM_KEY_DELAY,
    NGX_HTTP_ARGO_SIM_KEY_INTERVAL,
    NGX_HTTP_ARGO_SIM_KEY_CUT,
    NGX_HTTP_ARGO_SIM_KEY_RESET,
    NGX_HTTP_ARGO_SIM_KEY_STALL,
    NGX_HTTP_ARGO_SIM_KEY_BADCHUNK,
    NGX_HTTP_ARGO_SIM_KEY_MALFORMED,
    NGX_HTTP_ARGO_SIM_KEY_NORESPONSE,
    NGX_HTTP_ARGO_SIM_KEY_TYPE,
    NGX_HTTP_ARGO_SIM_KEY_GZIP,
    NGX_HTTP_ARGO_SIM_KEY_RETRY_AFTER,
    NGX_HTTP_ARGO_SIM_KEY_END,
    NGX_HTTP_ARGO_SIM_KEY_ANSWER,
    NGX_HTTP_ARGO_SIM_KEY_AFTER,
    NGX_HTTP_ARGO_SIM_KEY_ERROR_TYPE,
    NGX_HTTP_ARGO_SIM_KEY_REDACTED,
    NGX_HTTP_ARGO_SIM_KEY_REFUSAL,
    NGX_HTTP_ARGO_SIM_KEY_PING,
    NGX_HTTP_ARGO_SIM_KEY_NOUSAGE
} ngx_http_argo_sim_key_e;


#define ngx_http_argo_sim_given(options, key)                                 \
    ((options)->given & ((ngx_uint_t) 1 << NGX_HTTP_ARGO_SIM_KEY_##key))


typedef struct {
    ngx_str_t         name;
    ngx_uint_t        routes;               /* mask: where it has effect */
    ngx_uint_t        type;                 /* ngx_http_argo_sim_value_e */
    size_t            offset;               /* in the options */
    ngx_int_t         min;                  /* of a number */
    ngx_int_t         max;
    const ngx_str_t  *words;
    ngx_uint_t        fault;                /* of a place */
} ngx_http_argo_sim_key_t;


static ngx_int_t ngx_http_argo_sim_parse(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, ngx_str_t *header, argo_error_t *err);
static ngx_int_t ngx_http_argo_sim_set(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, ngx_str_t *name, ngx_str_t *value,
    argo_error_t *err);
static const ngx_http_argo_sim_key_t *ngx_http_argo_sim_find_key(
    const ngx_str_t *name);
static ngx_int_t ngx_http_argo_sim_value(const ngx_http_argo_sim_key_t *key,
    ngx_str_t *value, ngx_http_argo_sim_options_t *options);
static ngx_int_t ngx_http_argo_sim_number(const ngx_http_argo_sim_key_t *key,
    const ngx_str_t *value, ngx_uint_t *number);
static ngx_int_t ngx_http_argo_sim_combination(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, argo_error_t *err);
static const char *ngx_http_argo_sim_contradiction(
    const ngx_http_argo_sim_options_t *options, ngx_uint_t kind);
static const char *ngx_http_argo_sim_unfit(ngx_http_request_t *r,
    ngx_uint_t fault);
static const char *ngx_http_argo_sim_untimely(
    const ngx_http_argo_sim_ctx_t *ctx);
static void ngx_http_argo_sim_trim(ngx_str_t *s);


/* in the order of their enums, from the value 1 on */

static const ngx_str_t  ngx_http_argo_sim_texts[] = {
    ngx_string("denied"),
    ngx_string("denied2"),
    ngx_string("misuse"),
    ngx_string("nonetype"),
    ngx_string("quote"),
    ngx_string("lorem"),
    ngx_string("utf8"),
    ngx_string("empty"),
    ngx_null_string
};


static const ngx_str_t  ngx_http_argo_sim_bodies[] = {
    ngx_string("json"),
    ngx_string("html"),
    ngx_string("detail"),
    ngx_string("detail_array"),
    ngx_string("error_string"),
    ngx_string("empty"),
    ngx_null_string
};


static const ngx_str_t  ngx_http_argo_sim_answers[] = {
    ngx_string("error"),
    ngx_string("event"),
    ngx_string("failed"),
    ngx_string("openai"),
    ngx_null_string
};


#define NGX_HTTP_ARGO_SIM_MAX_MS  (3600 * 1000)
#define NGX_HTTP_ARGO_SIM_MAX_SIZE  (64 * 1024 * 1024)
#define NGX_HTTP_ARGO_SIM_MAX_CHUNKS  1000000

#define ngx_http_argo_sim_offset(field)                                       \
    offsetof(ngx_http_argo_sim_options_t, field)


static const ngx_http_argo_sim_key_t  ngx_http_argo_sim_keys[] = {

    { ngx_string("status"), NGX_HTTP_ARGO_SIM_ANY,
      NGX_HTTP_ARGO_SIM_NUMBER, ngx_http_argo_sim_offset(status),
      200, 599, NULL, 0 },

    { ngx_string("body"), NGX_HTTP_ARGO_SIM_ANY,
      NGX_HTTP_ARGO_SIM_WORD, ngx_http_argo_sim_offset(body),
      0, 0, ngx_http_argo_sim_bodies, 0 },

    { ngx_string("text"),
      NGX_HTTP_ARGO_SIM_TALK|NGX_HTTP_ARGO_SIM_NATIVE_TALK,
      NGX_HTTP_ARGO_SIM_WORD, ngx_http_argo_sim_offset(text),
      0, 0, ngx_http_argo_sim_texts, 0 },

    { ngx_string("size"),
      NGX_HTTP_ARGO_SIM_TALK|NGX_HTTP_ARGO_SIM_NATIVE_TALK,
      NGX_HTTP_ARGO_SIM_NUMBER, ngx_http_argo_sim_offset(size),
      1, NGX_HTTP_ARGO_SIM_MAX_SIZE, NULL, 0 },

    { ngx_string("chunks"),
      NGX_HTTP_ARGO_SIM_TALK|NGX_HTTP_ARGO_SIM_NATIVE_TALK,
      NGX_HTTP_ARGO_SIM_NUMBER, ngx_http_argo_sim_offset(chunks),
      1, NGX_HTTP_ARGO_SIM_MAX_CHUNKS, NULL, 0 },

    { ngx_string("chunk"), NGX_HTTP_ARGO_SIM_ANY,
      NGX_HTTP_ARGO_SIM_NUMBER, ngx_http_argo_sim_offset(chunk),
      1, NGX_HTTP_ARGO_SIM_MAX_SIZE, NULL, 0 },

    { ngx_string("delay"), NGX_HTTP_ARGO_SIM_ANY,
      NGX_HTTP_ARGO_SIM_NUMBER, ngx_http_argo_sim_offset(delay),
      1, NGX_HTTP_ARGO_SIM_MAX_MS, NULL, 0 },

    { ngx_string("interval"), NGX_HTTP_ARGO_SIM_ANY,
      NGX_HTTP_ARGO_SIM_NUMBER, ngx_http_argo_sim_offset(interval),
      0, NGX_HTTP_ARGO_SIM_MAX_MS, NULL, 0 },

    { ngx_string("cut"), NGX_HTTP_ARGO_SIM_ANY,
      NGX_HTTP_ARGO_SIM_PLACE, ngx_http_argo_sim_offset(fault_at),
      0, NGX_HTTP_ARGO_SIM_MAX_SIZE, NULL, NGX_HTTP_ARGO_SIM_FAULT_CUT },

    { ngx_string("reset"), NGX_HTTP_ARGO_SIM_ANY,
      NGX_HTTP_ARGO_SIM_PLACE, ngx_http_argo_sim_offset(fault_at),
      0, NGX_HTTP_ARGO_SIM_MAX_SIZE, NULL, NGX_HTTP_ARGO_SIM_FAULT_RESET },

    { ngx_string("stall"), NGX_HTTP_ARGO_SIM_ANY,
      NGX_HTTP_ARGO_SIM_PLACE, ngx_http_argo_sim_offset(fault_at),
      0, NGX_HTTP_ARGO_SIM_MAX_SIZE, NULL, NGX_HTTP_ARGO_SIM_FAULT_STALL },

    { ngx_string("badchunk"), NGX_HTTP_ARGO_SIM_ANY,
      NGX_HTTP_ARGO_SIM_PLACE, ngx_http_argo_sim_offset(fault_at),
      0, NGX_HTTP_ARGO_SIM_MAX_SIZE, NULL, NGX_HTTP_ARGO_SIM_FAULT_BADCHUNK },

    { ngx_string("malformed"), NGX_HTTP_ARGO_SIM_JSON,
      NGX_HTTP_ARGO_SIM_FLAG, ngx_http_argo_sim_offset(malformed),
      0, 0, NULL, 0 },

    { ngx_string("noresponse"),
      NGX_HTTP_ARGO_SIM_CHAT|NGX_HTTP_ARGO_SIM_EMBED
      |NGX_HTTP_ARGO_SIM_NATIVE,
      NGX_HTTP_ARGO_SIM_FLAG, ngx_http_argo_sim_offset(noresponse),
      0, 0, NULL, 0 },

    { ngx_string("type"), NGX_HTTP_ARGO_SIM_ANY,
      NGX_HTTP_ARGO_SIM_STRING, ngx_http_argo_sim_offset(type),
      0, 0, NULL, 0 },

    { ngx_string("gzip"), NGX_HTTP_ARGO_SIM_ANY,
      NGX_HTTP_ARGO_SIM_FLAG, ngx_http_argo_sim_offset(gzip),
      0, 0, NULL, 0 },

    { ngx_string("retry_after"), NGX_HTTP_ARGO_SIM_ANY,
      NGX_HTTP_ARGO_SIM_NUMBER, ngx_http_argo_sim_offset(retry_after),
      1, 3600, NULL, 0 },

    { ngx_string("end"),
      NGX_HTTP_ARGO_SIM_STREAM|NGX_HTTP_ARGO_SIM_NATIVE_TALK,
      NGX_HTTP_ARGO_SIM_PLACE, ngx_http_argo_sim_offset(fault_at),
      0, NGX_HTTP_ARGO_SIM_MAX_SIZE, NULL, NGX_HTTP_ARGO_SIM_FAULT_END },

    { ngx_string("answer"), NGX_HTTP_ARGO_SIM_NATIVE,
      NGX_HTTP_ARGO_SIM_WORD, ngx_http_argo_sim_offset(answer),
      0, 0, ngx_http_argo_sim_answers, 0 },

    { ngx_string("after"), NGX_HTTP_ARGO_SIM_NATIVE_TALK,
      NGX_HTTP_ARGO_SIM_NUMBER, ngx_http_argo_sim_offset(after),
      0, NGX_HTTP_ARGO_SIM_MAX_CHUNKS, NULL, 0 },

    { ngx_string("error_type"), NGX_HTTP_ARGO_SIM_NATIVE,
      NGX_HTTP_ARGO_SIM_STRING, ngx_http_argo_sim_offset(error_type),
      0, 0, NULL, 0 },

    { ngx_string("redacted"), NGX_HTTP_ARGO_SIM_MESSAGES,
      NGX_HTTP_ARGO_SIM_FLAG, ngx_http_argo_sim_offset(redacted),
      0, 0, NULL, 0 },

    { ngx_string("refusal"), NGX_HTTP_ARGO_SIM_NATIVE_TALK,
      NGX_HTTP_ARGO_SIM_FLAG, ngx_http_argo_sim_offset(refusal),
      0, 0, NULL, 0 },

    { ngx_string("ping"), NGX_HTTP_ARGO_SIM_MESSAGES,
      NGX_HTTP_ARGO_SIM_FLAG, ngx_http_argo_sim_offset(ping),
      0, 0, NULL, 0 },

    { ngx_string("nousage"), NGX_HTTP_ARGO_SIM_COMPLETIONS,
      NGX_HTTP_ARGO_SIM_FLAG, ngx_http_argo_sim_offset(nousage),
      0, 0, NULL, 0 },

    { ngx_null_string, 0, 0, 0, 0, 0, NULL, 0 }
};


ngx_int_t
ngx_http_argo_sim_options(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx,
    argo_error_t *err)
{
    ngx_int_t         rc;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &r->headers_in.headers.part;

    for ( /* void */ ; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len != sizeof("x-argo-sim") - 1
                || ngx_strncmp(h[i].lowcase_key, "x-argo-sim", h[i].key.len)
                   != 0)
            {
                continue;
            }

            rc = ngx_http_argo_sim_parse(r, ctx, &h[i].value, err);

            if (rc != NGX_OK) {
                return rc;
            }
        }
    }

    return ngx_http_argo_sim_combination(r, ctx, err);
}


static ngx_int_t
ngx_http_argo_sim_parse(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx,
    ngx_str_t *header, argo_error_t *err)
{
    u_char     *p, *end, *next, *equals;
    ngx_int_t   rc;
    ngx_str_t   name, value;

    end = header->data + header->len;

    for (p = header->data; p < end; p = next + 1) {

        next = ngx_strlchr(p, end, ',');

        if (next == NULL) {
            next = end;
        }

        equals = ngx_strlchr(p, next, '=');

        name.data = p;
        name.len = (equals ? equals : next) - p;

        ngx_str_null(&value);

        if (equals) {
            value.data = equals + 1;
            value.len = next - value.data;
            ngx_http_argo_sim_trim(&value);
        }

        ngx_http_argo_sim_trim(&name);

        rc = ngx_http_argo_sim_set(r, ctx, &name, &value, err);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* A value with data == NULL was not given at all. */

static ngx_int_t
ngx_http_argo_sim_set(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx,
    ngx_str_t *name, ngx_str_t *value, argo_error_t *err)
{
    ngx_uint_t                      bit;
    ngx_http_argo_sim_options_t    *options;
    const ngx_http_argo_sim_key_t  *key;

    options = &ctx->options;

    key = ngx_http_argo_sim_find_key(name);

    if (key == NULL) {
        return argo_error_setf(r->pool, err, NGX_HTTP_BAD_REQUEST, NULL, NULL,
                               "zVz", "X-Argo-Sim: unknown key \"", name,
                               "\"");
    }

    bit = (ngx_uint_t) 1 << (key - ngx_http_argo_sim_keys);

    if (options->given & bit) {
        return argo_error_setf(r->pool, err, NGX_HTTP_BAD_REQUEST, NULL, NULL,
                               "zVz", "X-Argo-Sim: \"", name,
                               "\" is given twice");
    }

    if (!(key->routes & ctx->route->kind)) {
        return argo_error_setf(r->pool, err, NGX_HTTP_BAD_REQUEST, NULL, NULL,
                               "zVzVz", "X-Argo-Sim: \"", name,
                               "\" has no effect on ", &ctx->route->path, "");
    }

    if (key->fault && options->fault) {
        return argo_error_set(err, NGX_HTTP_BAD_REQUEST, NULL, NULL,
                              key->fault == NGX_HTTP_ARGO_SIM_FAULT_END
                              || options->fault == NGX_HTTP_ARGO_SIM_FAULT_END
                              ? "X-Argo-Sim: end leaves nothing for cut, "
                                "reset, stall and badchunk"
                              : "X-Argo-Sim: only one of cut, reset, stall "
                                "and badchunk is possible");
    }

    if (ngx_http_argo_sim_value(key, value, options) != NGX_OK) {
        return argo_error_setf(r->pool, err, NGX_HTTP_BAD_REQUEST, NULL, NULL,
                               "zVzVz", "X-Argo-Sim: invalid value of \"",
                               name, "\": \"", value, "\"");
    }

    options->given |= bit;

    return NGX_OK;
}


static const ngx_http_argo_sim_key_t *
ngx_http_argo_sim_find_key(const ngx_str_t *name)
{
    const ngx_http_argo_sim_key_t  *key;

    for (key = ngx_http_argo_sim_keys; key->name.len; key++) {

        if (key->name.len == name->len
            && ngx_memcmp(key->name.data, name->data, name->len) == 0)
        {
            return key;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_argo_sim_value(const ngx_http_argo_sim_key_t *key, ngx_str_t *value,
    ngx_http_argo_sim_options_t *options)
{
    ngx_uint_t        i, *number;
    const ngx_str_t  *word;

    number = (ngx_uint_t *) ((u_char *) options + key->offset);

    switch (key->type) {

    case NGX_HTTP_ARGO_SIM_FLAG:

        *number = 1;
        return value->data ? NGX_DECLINED : NGX_OK;

    case NGX_HTTP_ARGO_SIM_STRING:

        *(ngx_str_t *) number = *value;
        return value->len ? NGX_OK : NGX_DECLINED;

    case NGX_HTTP_ARGO_SIM_WORD:

        for (i = 0; key->words[i].len; i++) {
            word = &key->words[i];

            if (word->len == value->len
                && ngx_memcmp(word->data, value->data, word->len) == 0)
            {
                *number = i + 1;
                return NGX_OK;
            }
        }

        return NGX_DECLINED;

    case NGX_HTTP_ARGO_SIM_PLACE:

        options->fault = key->fault;

        if (value->data == NULL) {
            options->fault_default = 1;
            return NGX_OK;
        }

        /* fall through */

    default: /* NGX_HTTP_ARGO_SIM_NUMBER */

        return ngx_http_argo_sim_number(key, value, number);
    }
}


static ngx_int_t
ngx_http_argo_sim_number(const ngx_http_argo_sim_key_t *key,
    const ngx_str_t *value, ngx_uint_t *number)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR || n < key->min || n > key->max) {
        return NGX_DECLINED;
    }

    /* these have no body by definition */

    if (key == &ngx_http_argo_sim_keys[NGX_HTTP_ARGO_SIM_KEY_STATUS]
        && (n == NGX_HTTP_NO_CONTENT || n == NGX_HTTP_NOT_MODIFIED))
    {
        return NGX_DECLINED;
    }

    *number = n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_combination(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, argo_error_t *err)
{
    const char                   *reason;
    ngx_http_argo_sim_options_t  *options;

    options = &ctx->options;

    if (options->status >= NGX_HTTP_SPECIAL_RESPONSE
        && options->body == NGX_HTTP_ARGO_SIM_BODY_ANSWER)
    {
        options->body = NGX_HTTP_ARGO_SIM_BODY_DETAIL;
    }

    reason = ngx_http_argo_sim_contradiction(options, ctx->route->kind);

    if (reason == NULL) {
        reason = ngx_http_argo_sim_unfit(r, options->fault);
    }

    if (reason) {
        return argo_error_setf(r->pool, err, NGX_HTTP_BAD_REQUEST, NULL, NULL,
                               "zz", "X-Argo-Sim: ", reason);
    }

    return NGX_OK;
}


static const char *
ngx_http_argo_sim_contradiction(const ngx_http_argo_sim_options_t *options,
    ngx_uint_t kind)
{
    if (options->body != NGX_HTTP_ARGO_SIM_BODY_ANSWER) {

        if (options->text || options->chunks || options->noresponse
            || options->malformed)
        {
            return "text, chunks, noresponse and malformed need an answer, "
                   "which status and body replace";
        }

        if (options->answer || options->redacted || options->refusal
            || options->ping || options->nousage
            || options->fault == NGX_HTTP_ARGO_SIM_FAULT_END)
        {
            return "answer, redacted, refusal, ping, nousage and end need an "
                   "answer, which status and body replace";
        }

        /* of a failure nothing is streamed */
        kind = NGX_HTTP_ARGO_SIM_CHAT;
    }

    if (options->noresponse
        && (options->text || options->chunks || options->malformed))
    {
        return "noresponse leaves nothing for text, chunks and malformed";
    }

    if (options->noresponse
        && (options->answer || options->refusal || options->redacted
            || options->ping || options->nousage))
    {
        return "noresponse leaves nothing for answer, refusal, redacted, "
               "ping and nousage";
    }

    if ((ngx_http_argo_sim_given(options, AFTER)
         && options->answer != NGX_HTTP_ARGO_SIM_REPLY_EVENT
         && options->answer != NGX_HTTP_ARGO_SIM_REPLY_FAILED)
        || (options->error_type.len
            && (options->answer == NGX_HTTP_ARGO_SIM_REPLY_ANSWER
                || options->answer == NGX_HTTP_ARGO_SIM_REPLY_OPENAI)))
    {
        return "after and error_type need an answer that is an error";
    }

    if (options->chunks && (options->text || options->chunk)) {
        return "chunks has a text and a size of chunks of its own";
    }

    if (options->refusal && (options->text || options->chunks)) {
        return "refusal has a text of its own";
    }

    if (options->size && options->text != NGX_HTTP_ARGO_SIM_TEXT_LOREM) {
        return "size needs text=lorem";
    }

    if (ngx_http_argo_sim_given(options, INTERVAL)
        && !(kind & (NGX_HTTP_ARGO_SIM_STREAM|NGX_HTTP_ARGO_SIM_NATIVE_TALK))
        && !options->chunk)
    {
        return "interval needs chunk where the reply is not a stream";
    }

    return NULL;
}


static const char *
ngx_http_argo_sim_unfit(ngx_http_request_t *r, ngx_uint_t fault)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (fault == NGX_HTTP_ARGO_SIM_FAULT_NONE
        || fault == NGX_HTTP_ARGO_SIM_FAULT_END)
    {
        return NULL;
    }

    if (r->http_version > NGX_HTTP_VERSION_11) {
        return "cut, reset, stall and badchunk need HTTP/1.x";
    }

    if (fault == NGX_HTTP_ARGO_SIM_FAULT_BADCHUNK) {
        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        if (r->http_version < NGX_HTTP_VERSION_11
            || !clcf->chunked_transfer_encoding)
        {
            return "badchunk needs a reply that can be chunked (HTTP/1.1)";
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_argo_sim_check_fault(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, argo_error_t *err)
{
    const char                   *reason;
    ngx_http_argo_sim_options_t  *options;

    options = &ctx->options;

    if (ctx->refusal) {
        return NGX_OK;
    }

    reason = ngx_http_argo_sim_untimely(ctx);

    if (reason) {
        return argo_error_setf(r->pool, err, NGX_HTTP_BAD_REQUEST, NULL, NULL,
                               "zz", "X-Argo-Sim: ", reason);
    }

    if (options->fault == NGX_HTTP_ARGO_SIM_FAULT_NONE
        || options->fault_default)
    {
        return NGX_OK;
    }

    /* where there is a length, nothing would be missing at the very end */

    if (options->fault_at > ctx->body.len
        || (options->fault_at == ctx->body.len
            && (!ctx->streamed
                || options->fault == NGX_HTTP_ARGO_SIM_FAULT_END)
            && options->fault != NGX_HTTP_ARGO_SIM_FAULT_BADCHUNK))
    {
        return argo_error_setf(r->pool, err, NGX_HTTP_BAD_REQUEST, NULL, NULL,
                               "zizi", "X-Argo-Sim: a fault after ",
                               (ngx_int_t) options->fault_at,
                               " bytes would not happen: the body's length "
                               "is ", (ngx_int_t) ctx->body.len);
    }

    return NGX_OK;
}


/* What only the reply shows: on native routes a member asks for a stream. */

static const char *
ngx_http_argo_sim_untimely(const ngx_http_argo_sim_ctx_t *ctx)
{
    const ngx_http_argo_sim_options_t  *options;

    options = &ctx->options;

    if (options->fault == NGX_HTTP_ARGO_SIM_FAULT_END && !ctx->streamed) {
        return "end needs a stream";
    }

    if (ctx->route == NULL
        || !(ctx->route->kind & NGX_HTTP_ARGO_SIM_NATIVE))
    {
        return NULL;
    }

    if (ctx->streamed && options->malformed) {
        return "malformed has no effect on a stream";
    }

    if (!ctx->streamed && (options->ping || options->nousage)) {
        return "ping and nousage need a stream";
    }

    if (options->answer == NGX_HTTP_ARGO_SIM_REPLY_OPENAI
        && ctx->route->kind != NGX_HTTP_ARGO_SIM_MESSAGES)
    {
        return "answer=openai needs v1/messages";
    }

    if (!ctx->streamed && !options->chunk
        && ngx_http_argo_sim_given(options, INTERVAL))
    {
        return "interval needs chunk where the reply is not a stream";
    }

    return NULL;
}


static void
ngx_http_argo_sim_trim(ngx_str_t *s)
{
    while (s->len && (s->data[0] == ' ' || s->data[0] == '\t')) {
        s->data++;
        s->len--;
    }

    while (s->len
           && (s->data[s->len - 1] == ' ' || s->data[s->len - 1] == '\t'))
    {
        s->len--;
    }
}
