
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Google's API: what is asked for is a method behind a colon in the path, and
 * the model is there as well, not in the body.
 */


#include "ngx_http_argo.h"
#include "argo_gemini_models.h"


static ngx_int_t ngx_http_argo_gemini_generate(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, ngx_uint_t stream);
static ngx_int_t ngx_http_argo_gemini_not_allowed(ngx_http_request_t *r,
    ngx_str_t *allow, const char *message);
static ngx_int_t ngx_http_argo_gemini_refuse(ngx_http_request_t *r,
    ngx_uint_t status, const char *code, const char *message);


ngx_int_t
ngx_http_argo_gemini_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_str_t              model;
    ngx_http_argo_ctx_t   *ctx;
    argo_gemini_method_e   method;

    static ngx_str_t       read = ngx_string("GET, HEAD");
    static ngx_str_t       post = ngx_string("POST");

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    ngx_str_null(&model);
    method = ARGO_GEMINI_GET;

    rc = argo_gemini_path(&ctx->item, &model, &method);

    if (method == ARGO_GEMINI_NOT_SERVED) {
        return ngx_http_argo_gemini_refuse(r, NGX_HTTP_NOT_FOUND,
                                           "unknown_url",
                                           "This method is not served here");
    }

    if (method == ARGO_GEMINI_GET) {

        if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
            return ngx_http_argo_models_handler(r);
        }

        if (r->method == NGX_HTTP_POST) {
            return ngx_http_argo_gemini_refuse(r, NGX_HTTP_NOT_FOUND,
                                               "unknown_url",
                                               "There is no such method");
        }

        return ngx_http_argo_gemini_not_allowed(r, &read,
                                                "Models can only be read");
    }

    if (r->method != NGX_HTTP_POST) {
        return ngx_http_argo_gemini_not_allowed(r, &post,
                                              "This method is called by POST");
    }

    if (rc != NGX_OK) {
        return ngx_http_argo_gemini_refuse(r, NGX_HTTP_NOT_FOUND,
                                           "model_not_found",
                                           "The path names no model");
    }

    ctx->request.model = model;

    if (method == ARGO_GEMINI_COUNT) {
        return ngx_http_argo_count_handler(r);
    }

    return ngx_http_argo_gemini_generate(r, ctx,
                                         method == ARGO_GEMINI_STREAM);
}


/* Without "alt=sse" a stream is the items of a JSON array. */

static ngx_int_t
ngx_http_argo_gemini_generate(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    ngx_uint_t stream)
{
    ngx_str_t  alt;

    ctx->request.stream = stream ? 1 : 0;

    if (stream
        && (ngx_http_arg(r, (u_char *) "alt", sizeof("alt") - 1, &alt)
            != NGX_OK
            || !argo_str_is(&alt, "sse")))
    {
        ctx->front = &argo_gemini_array_front;
    }

    return ngx_http_argo_chat_handler(r);
}


static ngx_int_t
ngx_http_argo_gemini_not_allowed(ngx_http_request_t *r, ngx_str_t *allow,
    const char *message)
{
    if (ngx_http_argo_add_header(r, "Allow", allow) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_argo_gemini_refuse(r, NGX_HTTP_NOT_ALLOWED,
                                       "method_not_allowed", message);
}


static ngx_int_t
ngx_http_argo_gemini_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, const char *message)
{
    ngx_int_t     rc;
    argo_error_t  err;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    argo_error_set(&err, status, code, NULL, message);

    return ngx_http_argo_send_error(r, &err);
}
