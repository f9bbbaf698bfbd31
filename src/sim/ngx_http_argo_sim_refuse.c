
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * How ARGO passes on what a vendor refuses: the exception of the vendor's
 * Python library, printed, in the error object of the route.
 */


#include "ngx_http_argo_sim_native.h"


#define NGX_HTTP_ARGO_SIM_MAX_TEXT  2048


static ngx_int_t ngx_http_argo_sim_format(ngx_http_argo_sim_talk_t *talk,
    ngx_str_t *text, const char *format, va_list args);
static void ngx_http_argo_sim_repr(argo_out_t *out, const ngx_str_t *text);
static void ngx_http_argo_sim_repr_text(argo_out_t *out, const char *text);
static ngx_int_t ngx_http_argo_sim_exception(ngx_http_argo_sim_talk_t *talk,
    const char *param, const char *code, const ngx_str_t *text,
    ngx_str_t *exception);
static ngx_int_t ngx_http_argo_sim_wrap(ngx_http_argo_sim_talk_t *talk,
    ngx_uint_t status, const char *type, const ngx_str_t *text);


ngx_int_t
ngx_http_argo_sim_refuse(ngx_http_argo_sim_talk_t *talk, const char *param,
    const char *code, const char *format, ...)
{
    va_list    args;
    ngx_int_t  rc;
    ngx_str_t  text, exception;

    va_start(args, format);
    rc = ngx_http_argo_sim_format(talk, &text, format, args);
    va_end(args);

    if (rc != NGX_OK
        || ngx_http_argo_sim_exception(talk, param, code, &text, &exception)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* the exceptions of Google's library ARGO takes for its own */

    if (talk->ctx->model
        && talk->ctx->model->family == NGX_HTTP_ARGO_SIM_GOOGLE)
    {
        return ngx_http_argo_sim_wrap(talk, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                      "ClientError", &exception);
    }

    return ngx_http_argo_sim_wrap(talk, NGX_HTTP_BAD_REQUEST,
                                  "BadRequestError", &exception);
}


ngx_int_t
ngx_http_argo_sim_fail(ngx_http_argo_sim_talk_t *talk, ngx_uint_t status,
    const char *type, const char *format, ...)
{
    va_list    args;
    ngx_int_t  rc;
    ngx_str_t  text;

    va_start(args, format);
    rc = ngx_http_argo_sim_format(talk, &text, format, args);
    va_end(args);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_argo_sim_wrap(talk, status, type, &text);
}


static ngx_int_t
ngx_http_argo_sim_format(ngx_http_argo_sim_talk_t *talk, ngx_str_t *text,
    const char *format, va_list args)
{
    u_char  *p;

    p = ngx_pnalloc(talk->request->pool, NGX_HTTP_ARGO_SIM_MAX_TEXT);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    text->len = ngx_vslprintf(p, p + NGX_HTTP_ARGO_SIM_MAX_TEXT, format, args)
                - p;

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_exception(ngx_http_argo_sim_talk_t *talk,
    const char *param, const char *code, const ngx_str_t *text,
    ngx_str_t *exception)
{
    ngx_str_t                   id;
    argo_out_t                  out;
    ngx_pool_t                 *pool;
    ngx_http_argo_sim_family_e  family;

    pool = talk->request->pool;

    family = talk->ctx->model ? talk->ctx->model->family
                              : NGX_HTTP_ARGO_SIM_OPENAI;

    argo_out_init(&out, pool, 1024, NULL, 1);

    switch (family) {

    case NGX_HTTP_ARGO_SIM_ANTHROPIC:

        if (ngx_http_argo_sim_id(talk, "req_vrtx_011C", 20, 0, 0, &id)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        argo_out_lit(&out, "Error code: 400 - {'type': 'error', 'error': "
                           "{'type': 'invalid_request_error', 'message': ");
        ngx_http_argo_sim_repr(&out, text);
        argo_out_lit(&out, "}, 'request_id': '");
        argo_out_str(&out, &id);
        argo_out_lit(&out, "'}");
        break;

    case NGX_HTTP_ARGO_SIM_GOOGLE:

        argo_out_lit(&out, "400 INVALID_ARGUMENT. {'error': {'code': 400, "
                           "'message': ");
        ngx_http_argo_sim_repr(&out, text);
        argo_out_lit(&out, ", 'status': 'INVALID_ARGUMENT'}}");
        break;

    default: /* NGX_HTTP_ARGO_SIM_OPENAI */

        argo_out_lit(&out, "Error code: 400 - {'error': {'message': ");
        ngx_http_argo_sim_repr(&out, text);
        argo_out_lit(&out, ", 'type': 'invalid_request_error', 'param': ");
        ngx_http_argo_sim_repr_text(&out, param);
        argo_out_lit(&out, ", 'code': ");
        ngx_http_argo_sim_repr_text(&out, code);
        argo_out_lit(&out, "}}");
    }

    return argo_out_flatten(&out, pool, exception);
}


/* A string as Python's repr() prints it. */

static void
ngx_http_argo_sim_repr(argo_out_t *out, const ngx_str_t *text)
{
    u_char  *p, *end, quote;

    p = text->data;
    end = p + text->len;

    quote = (ngx_strlchr(p, end, '\'') && !ngx_strlchr(p, end, '"')) ? '"'
                                                                     : '\'';

    argo_out_write(out, &quote, 1);

    for ( /* void */ ; p < end; p++) {

        if (*p == quote || *p == '\\') {
            argo_out_lit(out, "\\");
        }

        if (*p == '\n') {
            argo_out_lit(out, "\\n");
            continue;
        }

        argo_out_write(out, p, 1);
    }

    argo_out_write(out, &quote, 1);
}


static void
ngx_http_argo_sim_repr_text(argo_out_t *out, const char *text)
{
    ngx_str_t  s;

    if (text == NULL) {
        argo_out_lit(out, "None");
        return;
    }

    s.data = (u_char *) text;
    s.len = ngx_strlen(text);

    ngx_http_argo_sim_repr(out, &s);
}


static ngx_int_t
ngx_http_argo_sim_wrap(ngx_http_argo_sim_talk_t *talk, ngx_uint_t status,
    const char *type, const ngx_str_t *text)
{
    argo_out_t                 out;
    ngx_http_argo_sim_print_t  print;

    argo_out_init(&out, talk->request->pool, 1024, NULL, 1);

    print.out = &out;
    print.python = 0;

    if (talk->ctx->route->kind
        & (NGX_HTTP_ARGO_SIM_MESSAGES|NGX_HTTP_ARGO_SIM_COUNT))
    {
        switch (status) {

        case NGX_HTTP_BAD_REQUEST:
            type = "invalid_request_error";
            break;

        case NGX_HTTP_UNAUTHORIZED:
            type = "authentication_error";
            break;

        default:
            type = "api_error";
        }

        ngx_http_argo_sim_print(&print,
            "{'type':'error','error':{'type':'%z','message':%s}}",
            type, text);

    } else {
        ngx_http_argo_sim_print(&print,
            "{'error':{'message':%s,'type':'%z','code':'internal_error'}}",
            text, type);
    }

    talk->ctx->refusal = 1;

    return ngx_http_argo_sim_decline(
               ngx_http_argo_sim_json(talk->request, talk->ctx, status,
                                      &out));
}
