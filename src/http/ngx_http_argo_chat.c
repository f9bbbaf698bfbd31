
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The life of a converted request: the body is read and understood, ARGO is
 * called, and what came back is given to the client.  The part in between, a
 * streamed reply on its way, is in ngx_http_argo_filter.c.
 */


#include "ngx_http_argo.h"

#include <openssl/rand.h>


static void ngx_http_argo_chat_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_argo_start(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);
static ngx_int_t ngx_http_argo_pass(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_request_t *req, argo_error_t *err);
static ngx_int_t ngx_http_argo_bind_user(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);
static ngx_int_t ngx_http_argo_read_request(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);
static ngx_int_t ngx_http_argo_resolve(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);
static ngx_int_t ngx_http_argo_init_stream(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static ngx_int_t ngx_http_argo_random(u_char *p, size_t n);
static void ngx_http_argo_resume(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static ngx_int_t ngx_http_argo_finish_stream(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static ngx_int_t ngx_http_argo_finish_body(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static ngx_int_t ngx_http_argo_check_reply(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);


ngx_int_t
ngx_http_argo_chat_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_argo_chat_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


static void
ngx_http_argo_chat_body_handler(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    argo_error_t          err;
    ngx_http_argo_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    rc = ngx_http_argo_start(r, ctx, &err);

    if (rc == NGX_OK) {
        return;
    }

    ctx->resume = NULL;

    if (rc == NGX_DECLINED) {
        rc = ngx_http_argo_send_error(r, &err);

    } else {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, rc);
}


/*
 * From the client's body to the call of ARGO.  NGX_OK: the call is under
 * way and ngx_http_argo_resume() will be called.
 */

static ngx_int_t
ngx_http_argo_start(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_error_t *err)
{
    ngx_int_t  rc;

    rc = ngx_http_argo_bind_user(r, ctx, err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_argo_read_request(r, ctx, err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_argo_resolve(r, ctx, err);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_argo_init_stream(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    /* the content phase has set it to a handler that does nothing */

    r->write_event_handler = ngx_http_argo_wake;
    ctx->resume = ngx_http_argo_resume;

    return ngx_http_argo_pass(r, ctx, &ctx->request, err);
}


/* Calls ARGO for one request; a client's may be made of several. */

static ngx_int_t
ngx_http_argo_pass(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_request_t *req, argo_error_t *err)
{
    ngx_int_t                  rc;
    argo_out_t                 out;
    ngx_http_argo_call_t      *call;
    ngx_http_argo_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    call = ngx_pcalloc(r->pool, sizeof(ngx_http_argo_call_t));
    if (call == NULL) {
        return NGX_ERROR;
    }

    rc = ctx->back->plan_call(r->pool, req, alcf->pseudo, &call->how, err);
    if (rc != NGX_OK) {
        return rc;
    }

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);

    ctx->back->write_request(req, &call->how, &out);

    if (out.failed) {
        return NGX_ERROR;
    }

    call->method = NGX_HTTP_POST;
    call->size = out.size;
    call->body = argo_out_take(&out);

    ctx->pass = call;

    return ngx_http_argo_start_call(r, call);
}


static ngx_int_t
ngx_http_argo_bind_user(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_error_t *err)
{
    ngx_http_argo_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    if (ngx_http_complex_value(r, alcf->user, &ctx->user) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->user.len == 0) {
        return argo_error_set(err, NGX_HTTP_UNAUTHORIZED, "missing_user",
                              NULL, "The gateway could not tell which ARGO "
                              "user you are; its administrator knows what "
                              "credential it expects");
    }

    ctx->request.user = ctx->user;

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_read_request(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_error_t *err)
{
    ngx_int_t        rc;
    ngx_str_t        body;
    argo_request_t  *req;

    req = &ctx->request;

    if (ngx_http_argo_read_body(r, &body) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = argo_json_parse(r->pool, &body, ctx->front->tree_depth, &req->root,
                         err);
    if (rc != NGX_OK) {
        return rc;
    }

    if (req->root->type != ARGO_JSON_OBJECT) {
        return argo_error_setf(r->pool, err, NGX_HTTP_BAD_REQUEST,
                               "invalid_type", NULL,
                               "zz", "The request body must be an object, "
                               "not ", argo_json_type_name(req->root));
    }

    return ctx->front->read_request(r->pool, req, err);
}


static ngx_int_t
ngx_http_argo_resolve(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_error_t *err)
{
    ngx_int_t                  rc;
    argo_request_t            *req;
    ngx_http_argo_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    req = &ctx->request;

    if (req->model.len == 0) {

        if (alcf->default_model.len == 0) {
            return argo_error_set(err, NGX_HTTP_BAD_REQUEST,
                                  "missing_required_parameter", "model",
                                  "The parameter \"model\" is missing");
        }

        req->model = alcf->default_model;
    }

    rc = argo_model_resolve(r->pool, alcf->models, &req->model, &req->target,
                            err);
    if (rc != NGX_OK) {
        return rc;
    }

    if (req->target->kind != ARGO_MODEL_CHAT) {
        return argo_error_setf(r->pool, err, NGX_HTTP_BAD_REQUEST,
                               "unsupported_model", "model", "zVz",
                               "The model \"", &req->model,
                               "\" makes embeddings and can't chat");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_init_stream(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    argo_env_t  env;

    ctx->stream = ngx_palloc(r->pool, sizeof(argo_stream_t));
    if (ctx->stream == NULL) {
        return NGX_ERROR;
    }

    env.now = ngx_time();
    env.random = ngx_http_argo_random;

    /* upstream's buffer is used again as soon as we have read it: copy */

    argo_out_init(&ctx->out, r->pool, NGX_HTTP_ARGO_BLOCK,
                  (ngx_buf_tag_t) &ngx_http_argo_module, 1);

    return argo_stream_init(ctx->stream, r->pool, ctx->front, ctx->back,
                            &ctx->request, &env);
}


static ngx_int_t
ngx_http_argo_random(u_char *p, size_t n)
{
    return RAND_bytes(p, (int) n) == 1 ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_argo_resume(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (!ctx->pass->ended) {
        return;
    }

    ctx->resume = NULL;

    if (ctx->pass->streaming) {
        rc = ngx_http_argo_finish_stream(r, ctx);

    } else {
        rc = ngx_http_argo_finish_body(r, ctx);
    }

    ngx_http_finalize_request(r, rc);
}


static ngx_int_t
ngx_http_argo_finish_stream(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_int_t       rc;
    argo_error_t    err;
    argo_stream_t  *st;

    st = ctx->stream;

    rc = ngx_http_argo_check_transfer(r, ctx->pass, &err);

    if (rc == NGX_OK) {
        rc = argo_stream_end(st, 1, &ctx->out);

    } else {
        rc = argo_stream_fail(st, &err, &ctx->out);
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {

        if (!r->header_sent) {
            return ngx_http_argo_send_error(r, &st->error);
        }

        ngx_http_argo_log_error(r, &st->error);
    }

    rc = ngx_http_argo_send_stream_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_argo_send_last(r, &ctx->out);
}


static ngx_int_t
ngx_http_argo_finish_body(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_int_t     rc;
    argo_out_t    out;
    argo_error_t  err;

    rc = ngx_http_argo_check_reply(r, ctx, &err);

    if (rc == NGX_DECLINED) {
        return ngx_http_argo_send_error(r, &err);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* the reply stays where it is until the client has it */

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);

    rc = argo_stream_body(ctx->stream, &ctx->pass->reply, &out);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!ctx->request.stream) {
        return (rc == NGX_OK)
               ? ngx_http_argo_send(r, NGX_HTTP_OK, &out)
               : ngx_http_argo_send_error(r, &ctx->stream->error);
    }

    if (rc == NGX_DECLINED) {

        if (!r->header_sent) {
            return ngx_http_argo_send_error(r, &ctx->stream->error);
        }

        ngx_http_argo_log_error(r, &ctx->stream->error);
    }

    rc = ngx_http_argo_send_stream_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_argo_send_last(r, &out);
}


/* NGX_OK: a JSON reply of success is there, whole */

static ngx_int_t
ngx_http_argo_check_reply(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_error_t *err)
{
    ngx_int_t              rc;
    ngx_http_argo_call_t  *call;

    call = ctx->pass;

    rc = ngx_http_argo_check_transfer(r, call, err);
    if (rc != NGX_OK) {
        return rc;
    }

    if (call->error.status) {
        /* found wrong by the filters */
        *err = call->error;
        return NGX_DECLINED;
    }

    if (call->status == NGX_HTTP_OK) {
        return NGX_OK;
    }

    ctx->retry_after = call->retry_after;

    rc = ctx->back->read_error(r->pool, call->status, &call->reply, err);

    return (rc == NGX_OK) ? NGX_DECLINED : rc;
}
