
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The life of a converted request: the body is read and understood, ARGO is
 * called, and what came back is given to the client.  The part in between, a
 * streamed reply on its way, is in ngx_http_argo_filter.c.
 */


#include "ngx_http_argo.h"
#include "argo_rules.h"

#include <openssl/rand.h>


/* random bytes that are drawn at once: ids of some dozen replies */
#define NGX_HTTP_ARGO_DRAWN  1024


static ngx_int_t ngx_http_argo_start(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);
static ngx_int_t ngx_http_argo_adapt(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);
static ngx_int_t ngx_http_argo_proceed(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);
static void ngx_http_argo_resume_images(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static void ngx_http_argo_check_start(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, ngx_int_t rc, argo_error_t *err);
static ngx_int_t ngx_http_argo_pass(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_request_t *req, argo_error_t *err);
static ngx_int_t ngx_http_argo_read_request(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);
static ngx_int_t ngx_http_argo_init_stream(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static void ngx_http_argo_resume(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static ngx_int_t ngx_http_argo_finish(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static ngx_int_t ngx_http_argo_go_on(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_out_t *out);
static ngx_uint_t ngx_http_argo_has_reply(ngx_http_argo_call_t *call);
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


void
ngx_http_argo_chat_body_handler(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    argo_error_t          err;
    ngx_http_argo_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    rc = ngx_http_argo_start(r, ctx, &err);

    ngx_http_argo_check_start(r, ctx, rc, &err);
}


static void
ngx_http_argo_check_start(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    ngx_int_t rc, argo_error_t *err)
{
    if (rc == NGX_OK) {
        return;
    }

    ctx->resume = NULL;

    if (rc == NGX_DECLINED) {
        rc = ngx_http_argo_send_error(r, err);

    } else {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, rc);
}


/*
 * From the client's body to the call of ARGO.  NGX_OK: the call, or one for
 * an image, is under way and ctx->resume will be called.
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

    rc = ngx_http_argo_adapt(r, ctx, err);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_argo_init_stream(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    /* the content phase has set it to a handler that does nothing */

    r->write_event_handler = ngx_http_argo_wake;

    return ngx_http_argo_proceed(r, ctx, err);
}


/* Chooses the API by which ARGO is called, and makes the request fit. */

static ngx_int_t
ngx_http_argo_adapt(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_error_t *err)
{
    ngx_int_t                  rc;
    argo_request_t            *req;
    ngx_http_argo_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    if (ctx->back) {
        /* the endpoint's own: nothing is converted */
        return NGX_OK;
    }

    if (alcf->api == NGX_HTTP_ARGO_API_LEGACY) {
        ctx->back = &argo_legacy_back;

    } else {
        ctx->back = argo_back_route(ctx->front->dialect,
                                    ctx->request.target->family,
                                    alcf->responses);
    }

    for (req = &ctx->request; req; req = req->next) {

        req->target = ctx->request.target;
        req->profile = ngx_http_argo_rules_profile(r, req->target);

        if (req->profile == NULL) {
            return NGX_ERROR;
        }

        rc = NGX_OK;

        if (req->adapt && ctx->front->dialect != ctx->back->dialect) {
            rc = req->adapt(ctx->pool, req, ctx->back->dialect, err);
        }

        if (rc == NGX_OK) {
            rc = argo_rules_apply(ctx->pool, req, ctx->back->dialect, err);
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_proceed(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_error_t *err)
{
    ngx_int_t  rc;

    rc = ngx_http_argo_fetch_images(r, ctx, err);

    if (rc == NGX_AGAIN) {
        ctx->resume = ngx_http_argo_resume_images;
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    ctx->resume = ngx_http_argo_resume;

    rc = ngx_http_argo_pass(r, ctx, &ctx->request, err);

    if (rc == NGX_OK) {
        ngx_http_argo_touch_models(r);
        rc = ngx_http_argo_count_ahead(r, ctx);
    }

    if (rc == NGX_OK && ctx->request.stream && !ctx->front->bare) {
        return ngx_http_argo_start_heartbeat(r, ctx);
    }

    return rc;
}


static void
ngx_http_argo_resume_images(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_int_t     rc;
    argo_error_t  err;

    rc = ngx_http_argo_proceed(r, ctx, &err);

    ngx_http_argo_check_start(r, ctx, rc, &err);
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

    rc = ctx->back->plan_call(ctx->pool, req, alcf->pseudo, &call->how, err);
    if (rc != NGX_OK) {
        return rc;
    }

    argo_out_init(&out, ctx->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);

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


ngx_int_t
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

    if (!ngx_http_argo_valid_user(&ctx->user)) {
        ngx_str_null(&ctx->user);

        return argo_error_set(err, NGX_HTTP_UNAUTHORIZED, "invalid_user",
                              NULL, "The name that the gateway has for you "
                              "can't be an ARGO user's");
    }

    ctx->request.user = ctx->user;

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_read_request(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_error_t *err)
{
    ngx_int_t                   rc;
    ngx_http_argo_loc_conf_t   *alcf;
    ngx_http_argo_main_conf_t  *amcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);
    amcf = ngx_http_get_module_main_conf(r, ngx_http_argo_module);

    rc = ngx_http_argo_parse_body(r, ctx, ctx->front->tree_depth, err);
    if (rc != NGX_OK) {
        return rc;
    }

    ctx->request.dialect = ctx->front->dialect;
    ctx->request.tokenizer = &amcf->tokenizer;
    ctx->request.fetch_images = (alcf->image.fetch.len != 0);

    return ctx->front->read_request(ctx->pool, &ctx->request, err);
}


ngx_int_t
ngx_http_argo_parse_body(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    ngx_uint_t tree_depth, argo_error_t *err)
{
    ngx_int_t        rc;
    ngx_str_t        body;
    argo_request_t  *req;

    req = &ctx->request;

    if (ngx_http_argo_read_body(r, &body) != NGX_OK) {
        return NGX_ERROR;
    }

    req->document = body;

    ctx->pool = ngx_http_argo_get_pool(r, body.len);
    if (ctx->pool == NULL) {
        return NGX_ERROR;
    }

    rc = argo_json_parse(ctx->pool, &body, tree_depth, &req->root, err);
    if (rc != NGX_OK) {
        return rc;
    }

    if (req->root->type != ARGO_JSON_OBJECT) {
        return argo_error_setf(r->pool, err, NGX_HTTP_BAD_REQUEST,
                               "invalid_type", NULL,
                               "zz", "The request body must be an object, "
                               "not ", argo_json_type_name(req->root));
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_argo_resolve(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_error_t *err)
{
    ngx_int_t                  rc;
    ngx_str_t                 *name;
    argo_request_t            *req;
    ngx_http_argo_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    req = &ctx->request;

    if (req->model.len == 0) {

        name = (ctx->endpoint->kind == ARGO_MODEL_CHAT)
               ? &alcf->default_model : &alcf->default_embedding_model;

        if (name->len == 0) {
            return argo_error_set(err, NGX_HTTP_BAD_REQUEST,
                                  "missing_required_parameter", "model",
                                  "The parameter \"model\" is missing");
        }

        req->model = *name;
    }

    rc = argo_model_resolve(r->pool, ngx_http_argo_models(r), &req->model,
                            &req->target, err);
    if (rc != NGX_OK) {
        return rc;
    }

    if (req->target->kind != ctx->endpoint->kind) {
        return argo_error_setf(r->pool, err, NGX_HTTP_BAD_REQUEST,
                               "unsupported_model", "model", "zVz",
                               "The model \"", &req->model,
                               (req->target->kind == ARGO_MODEL_CHAT)
                               ? "\" chats and can't make embeddings"
                               : "\" makes embeddings and can't chat");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_init_stream(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    argo_env_t                  env;
    ngx_http_argo_main_conf_t  *amcf;

    amcf = ngx_http_get_module_main_conf(r, ngx_http_argo_module);

    ctx->stream = ngx_palloc(r->pool, sizeof(argo_stream_t));
    if (ctx->stream == NULL) {
        return NGX_ERROR;
    }

    env.now = ngx_time();
    env.random = ngx_http_argo_random;

    /* upstream's buffer is used again as soon as we have read it: copy */

    argo_out_init(&ctx->out, r->pool, NGX_HTTP_ARGO_STREAM_BLOCK,
                  (ngx_buf_tag_t) &ngx_http_argo_module, 1);

    if (argo_stream_init(ctx->stream, r->pool, ctx->front, ctx->back,
                         &ctx->request, &env)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->stream->work = amcf->work;

    return ngx_http_argo_get_id(r, &ctx->stream->request_id);
}


/* a call of OpenSSL costs more than all the rest of an id */

ngx_int_t
ngx_http_argo_random(u_char *p, size_t n)
{
    static u_char  drawn[NGX_HTTP_ARGO_DRAWN];
    static size_t  left;

    if (n > sizeof(drawn)) {
        return NGX_ERROR;
    }

    if (n > left) {

        if (RAND_bytes(drawn, sizeof(drawn)) != 1) {
            return NGX_ERROR;
        }

        left = sizeof(drawn);
    }

    left -= n;
    ngx_memcpy(p, drawn + left, n);

    return NGX_OK;
}


static void
ngx_http_argo_resume(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (!ctx->pass->ended) {
        return;
    }

    ctx->resume = NULL;

    rc = ngx_http_argo_finish(r, ctx);

    /* NGX_AGAIN: the next of several calls is under way */

    if (ctx->resume == NULL) {
        ngx_http_argo_stop_heartbeat(ctx);
        ngx_http_finalize_request(r, rc);
    }
}


/* What is to be done when a call is over; returns as a content handler. */

static ngx_int_t
ngx_http_argo_finish(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_int_t       rc;
    argo_out_t     *out, body;
    argo_error_t    err;
    argo_stream_t  *st;

    st = ctx->stream;
    out = &ctx->out;

    rc = ngx_http_argo_check_reply(r, ctx, &err);

    if (rc == NGX_OK && ctx->pass->streaming) {
        rc = argo_stream_end(st, 1, out);

    } else if (rc == NGX_OK) {

        /* the reply stays where it is until the client has it */

        out = &body;
        argo_out_init(out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);

        rc = argo_stream_body(st, &ctx->pass->reply, out);

    } else if (rc == NGX_DECLINED) {

        if (ctx->front->verbatim && ngx_http_argo_has_reply(ctx->pass)) {
            ngx_http_argo_log_error(r, &err);
            return ngx_http_argo_send_reply(r, ctx->pass);
        }

        rc = argo_stream_fail(st, &err, out);
    }

    if (rc == NGX_OK && st->request->next) {
        return ngx_http_argo_go_on(r, ctx, out);
    }

    if (rc == NGX_DECLINED) {

        if (!r->header_sent) {
            return ngx_http_argo_send_error(r, &st->error);
        }

        ngx_http_argo_log_error(r, &st->error);

        if (ctx->front->bare) {
            /* the client must not take what it has for the whole */
            return NGX_ERROR;
        }
    }

    if (rc == NGX_ERROR) {
        return r->header_sent ? NGX_ERROR : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!ctx->request.stream) {
        return ngx_http_argo_send(r, NGX_HTTP_OK, out);
    }

    rc = ngx_http_argo_send_stream_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_argo_send_last(r, out);
}


/* One of several replies is complete: sends it on and makes the next call. */

static ngx_int_t
ngx_http_argo_go_on(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_out_t *out)
{
    ngx_int_t        rc;
    argo_error_t     err;
    argo_request_t  *req;

    req = ctx->stream->request->next;

    req->target = ctx->request.target;
    req->model = ctx->request.model;
    req->user = ctx->request.user;
    req->tokenizer = ctx->request.tokenizer;

    if (ctx->request.stream && out->size) {

        rc = ngx_http_argo_send_stream_header(r);

        if (rc == NGX_ERROR || rc > NGX_OK) {
            return NGX_ERROR;
        }

        if (ngx_http_argo_send_flush(r, out) == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    rc = argo_stream_next(ctx->stream, req);

    if (rc == NGX_OK) {
        rc = ngx_http_argo_pass(r, ctx, req, &err);
    }

    if (rc == NGX_OK) {
        ctx->resume = ngx_http_argo_resume;
        return NGX_AGAIN;
    }

    /* the first has been planned alike, so this is no fault of the client's */

    return r->header_sent ? NGX_ERROR : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/* ARGO has answered with something that can go to the client as it is */

static ngx_uint_t
ngx_http_argo_has_reply(ngx_http_argo_call_t *call)
{
    return call->status >= NGX_HTTP_BAD_REQUEST && call->last
           && call->error.status == 0;
}


/* NGX_OK: a reply of success is there, whole */

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
