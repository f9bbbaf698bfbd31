
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Variables.  They tell of the main request also in its subrequests, and may
 * change while it is served, so none is cached.
 */


#include "ngx_http_argo.h"


typedef enum {
    NGX_HTTP_ARGO_VAR_ENDPOINT = 0,
    NGX_HTTP_ARGO_VAR_MODEL,
    NGX_HTTP_ARGO_VAR_UPSTREAM_MODEL,
    NGX_HTTP_ARGO_VAR_UPSTREAM_API,
    NGX_HTTP_ARGO_VAR_USER,
    NGX_HTTP_ARGO_VAR_STREAM,
    NGX_HTTP_ARGO_VAR_PROMPT_TOKENS,
    NGX_HTTP_ARGO_VAR_COMPLETION_TOKENS,
    NGX_HTTP_ARGO_VAR_TOTAL_TOKENS,
    NGX_HTTP_ARGO_VAR_TTFT,
    NGX_HTTP_ARGO_VAR_FINISH_REASON,
    NGX_HTTP_ARGO_VAR_ERROR,
    NGX_HTTP_ARGO_VAR_UPSTREAM_CALLS,
    NGX_HTTP_ARGO_VAR_CACHED_TOKENS,
    NGX_HTTP_ARGO_VAR_REASONING_TOKENS
} ngx_http_argo_variable_e;


static ngx_int_t ngx_http_argo_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_argo_credential_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_argo_text_variable(ngx_http_argo_ctx_t *ctx,
    ngx_uint_t which, ngx_str_t *value);
static ngx_int_t ngx_http_argo_number_variable(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, ngx_uint_t which, ngx_str_t *value);
static ngx_int_t ngx_http_argo_get_usage(ngx_http_argo_ctx_t *ctx,
    argo_usage_t *usage);


/* by argo_finish_e; OpenAI's words, whatever the client speaks */

static ngx_str_t  ngx_http_argo_finish_names[] = {
    ngx_null_string,
    ngx_string("stop"),
    ngx_string("length"),
    ngx_string("tool_calls"),
    ngx_string("content_filter"),
    ngx_string("stop"),
    ngx_string("stop"),
    ngx_string("length")
};


/* by argo_error_e; for errors without a code */

static ngx_str_t  ngx_http_argo_error_names[] = {
    ngx_string("invalid_request"),
    ngx_string("authentication"),
    ngx_string("permission"),
    ngx_string("not_found"),
    ngx_string("too_large"),
    ngx_string("rate_limit"),
    ngx_string("server"),
    ngx_string("overloaded"),
    ngx_string("timeout")
};


static ngx_http_variable_t  ngx_http_argo_vars[] = {

    { ngx_string("argo_endpoint"), NULL, ngx_http_argo_variable,
      NGX_HTTP_ARGO_VAR_ENDPOINT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_model"), NULL, ngx_http_argo_variable,
      NGX_HTTP_ARGO_VAR_MODEL, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_upstream_model"), NULL, ngx_http_argo_variable,
      NGX_HTTP_ARGO_VAR_UPSTREAM_MODEL, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_upstream_api"), NULL, ngx_http_argo_variable,
      NGX_HTTP_ARGO_VAR_UPSTREAM_API, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_user"), NULL, ngx_http_argo_variable,
      NGX_HTTP_ARGO_VAR_USER, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_stream"), NULL, ngx_http_argo_variable,
      NGX_HTTP_ARGO_VAR_STREAM, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_prompt_tokens"), NULL, ngx_http_argo_variable,
      NGX_HTTP_ARGO_VAR_PROMPT_TOKENS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_completion_tokens"), NULL, ngx_http_argo_variable,
      NGX_HTTP_ARGO_VAR_COMPLETION_TOKENS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_total_tokens"), NULL, ngx_http_argo_variable,
      NGX_HTTP_ARGO_VAR_TOTAL_TOKENS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_cached_tokens"), NULL, ngx_http_argo_variable,
      NGX_HTTP_ARGO_VAR_CACHED_TOKENS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_reasoning_tokens"), NULL, ngx_http_argo_variable,
      NGX_HTTP_ARGO_VAR_REASONING_TOKENS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_credential"), NULL, ngx_http_argo_credential_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_ttft"), NULL, ngx_http_argo_variable,
      NGX_HTTP_ARGO_VAR_TTFT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_finish_reason"), NULL, ngx_http_argo_variable,
      NGX_HTTP_ARGO_VAR_FINISH_REASON, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_error"), NULL, ngx_http_argo_variable,
      NGX_HTTP_ARGO_VAR_ERROR, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_upstream_calls"), NULL, ngx_http_argo_variable,
      NGX_HTTP_ARGO_VAR_UPSTREAM_CALLS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_argo_add_variables(ngx_conf_t *cf)
{
    ngx_uint_t            i;
    ngx_http_variable_t  *var, *v;

    static ngx_http_variable_t  *tables[] = {
        ngx_http_argo_vars,
        ngx_http_argo_image_vars,
        NULL
    };

    for (i = 0; tables[i]; i++) {
        for (v = tables[i]; v->name.len; v++) {

            var = ngx_http_add_variable(cf, &v->name, v->flags);
            if (var == NULL) {
                return NGX_ERROR;
            }

            var->get_handler = v->get_handler;
            var->data = v->data;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_int_t             rc;
    ngx_str_t             value;
    ngx_http_argo_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r->main, ngx_http_argo_module);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_str_null(&value);

    rc = ngx_http_argo_text_variable(ctx, data, &value);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_argo_number_variable(r, ctx, data, &value);
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (value.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = value.data;
    v->len = value.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_credential_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_int_t  rc;
    ngx_str_t  name;

    /* of the client's own headers: those of a subrequest are ours */

    rc = ngx_http_argo_credential(r->main, &name);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = name.data;
    v->len = name.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_text_variable(ngx_http_argo_ctx_t *ctx, ngx_uint_t which,
    ngx_str_t *value)
{
    switch (which) {

    case NGX_HTTP_ARGO_VAR_ENDPOINT:
        if (ctx->endpoint) {
            *value = ctx->endpoint->name;
        }

        return NGX_OK;

    case NGX_HTTP_ARGO_VAR_MODEL:
        *value = ctx->request.model;
        return NGX_OK;

    case NGX_HTTP_ARGO_VAR_UPSTREAM_MODEL:
        if (ctx->request.target) {
            *value = ctx->request.target->id;
        }

        return NGX_OK;

    case NGX_HTTP_ARGO_VAR_UPSTREAM_API:
        if (ctx->back) {
            *value = ctx->back->name;
        }

        return NGX_OK;

    case NGX_HTTP_ARGO_VAR_USER:
        *value = ctx->user;
        return NGX_OK;

    case NGX_HTTP_ARGO_VAR_STREAM:
        if (ctx->request.root) {
            if (ctx->request.stream) {
                ngx_str_set(value, "1");

            } else {
                ngx_str_set(value, "0");
            }
        }

        return NGX_OK;

    case NGX_HTTP_ARGO_VAR_FINISH_REASON:
        if (ctx->stream) {
            *value = ngx_http_argo_finish_names[ctx->stream->finish];
        }

        return NGX_OK;

    case NGX_HTTP_ARGO_VAR_ERROR:
        if (ctx->error.status && ctx->error.code.data) {
            ngx_http_argo_log_code(&ctx->error, value);

        } else if (ctx->error.status) {
            *value = ngx_http_argo_error_names[ctx->error.type];
        }

        return NGX_OK;

    default:
        return NGX_DECLINED;
    }
}


static ngx_int_t
ngx_http_argo_number_variable(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    ngx_uint_t which, ngx_str_t *value)
{
    u_char        *p;
    argo_usage_t   usage;

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN + sizeof(".000") - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value->data = p;

    if (which == NGX_HTTP_ARGO_VAR_TTFT) {

        if (ctx->ttft != -1) {
            p = ngx_sprintf(p, "%T.%03M", (time_t) ctx->ttft / 1000,
                            (ngx_msec_t) ctx->ttft % 1000);
        }

    } else if (which == NGX_HTTP_ARGO_VAR_UPSTREAM_CALLS) {
        p = ngx_sprintf(p, "%ui", ctx->ncalls);

    } else if (ngx_http_argo_get_usage(ctx, &usage) == NGX_OK) {

        if (which == NGX_HTTP_ARGO_VAR_PROMPT_TOKENS) {
            p = ngx_sprintf(p, "%uL", usage.prompt);

        } else if (which == NGX_HTTP_ARGO_VAR_COMPLETION_TOKENS) {
            p = ngx_sprintf(p, "%uL", usage.completion);

        } else if (which == NGX_HTTP_ARGO_VAR_TOTAL_TOKENS) {
            p = ngx_sprintf(p, "%uL", usage.prompt + usage.completion);

        } else if (!usage.known) {

            /* nobody has told, and it can't be estimated */

        } else if (which == NGX_HTTP_ARGO_VAR_CACHED_TOKENS) {
            p = ngx_sprintf(p, "%uL", usage.cached);

        } else {
            p = ngx_sprintf(p, "%uL", usage.reasoning);
        }
    }

    value->len = p - value->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_get_usage(ngx_http_argo_ctx_t *ctx, argo_usage_t *usage)
{
    if (ctx->counted) {
        *usage = ctx->usage;
        return NGX_OK;
    }

    if (ctx->stream && (ctx->stream->started || ctx->stream->finished)) {

        /* a reply that did not come to its end has not needed the count */

        (void) argo_stream_count_prompt(ctx->stream, NGX_MAX_SIZE_T_VALUE);

        argo_stream_usage(ctx->stream, usage);
        return NGX_OK;
    }

    return NGX_DECLINED;
}
