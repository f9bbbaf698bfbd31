
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Embeddings: the inputs are shared out to as many calls of ARGO as its
 * limit asks for, some of them under way at a time.  Each reply is converted
 * as it comes, and what it became waits for those before it: the client gets
 * all vectors in order, or one error.
 */


#include "ngx_http_argo.h"
#include "argo_embeddings.h"
#include "argo_legacy.h"


/* calls of one request that are under way at a time */
#define NGX_HTTP_ARGO_EMBEDDINGS_CALLS  4


/* a place for a call that is under way */

typedef struct {
    ngx_http_argo_call_t       *call;       /* NULL: free */
    argo_out_t                 *part;       /* for what the reply becomes */
    argo_embeddings_reply_t     reply;
} ngx_http_argo_embeddings_slot_t;


typedef struct {
    argo_embeddings_request_t        request;
    argo_out_t                      *parts;     /* one a call, in order */
    ngx_uint_t                       nparts;
    ngx_uint_t                       begun;     /* of the parts */
    ngx_http_argo_embeddings_slot_t *slots;
    ngx_uint_t                       nslots;
    ngx_uint_t                       active;    /* of the slots */
    argo_error_t                     error;     /* the first; status 0: none */
    unsigned                         broken:1;  /* no memory */
} ngx_http_argo_embeddings_t;


static void ngx_http_argo_embeddings_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_argo_embeddings_start(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);
static ngx_int_t ngx_http_argo_embeddings_read(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);
static ngx_int_t ngx_http_argo_embeddings_share(ngx_http_request_t *r,
    ngx_http_argo_embeddings_t *em);
static ngx_int_t ngx_http_argo_embeddings_next(ngx_http_request_t *r,
    ngx_http_argo_embeddings_t *em);
static ngx_int_t ngx_http_argo_embeddings_call(ngx_http_request_t *r,
    ngx_http_argo_embeddings_t *em, ngx_http_argo_embeddings_slot_t *slot);
static ngx_int_t ngx_http_argo_embeddings_bytes(ngx_http_request_t *r,
    ngx_http_argo_call_t *call, u_char *p, size_t n);
static void ngx_http_argo_embeddings_done(ngx_http_request_t *r,
    ngx_http_argo_call_t *call);
static ngx_int_t ngx_http_argo_embeddings_check(ngx_http_request_t *r,
    ngx_http_argo_call_t *call, argo_error_t *err);
static void ngx_http_argo_embeddings_resume(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static void ngx_http_argo_embeddings_end(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static ngx_int_t ngx_http_argo_embeddings_finish(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static void ngx_http_argo_embeddings_cleanup(void *data);


ngx_int_t
ngx_http_argo_embeddings_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r,
                                       ngx_http_argo_embeddings_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


static void
ngx_http_argo_embeddings_body_handler(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    argo_error_t          err;
    ngx_http_argo_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    rc = ngx_http_argo_embeddings_start(r, ctx, &err);

    if (rc == NGX_OK) {
        return;
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_argo_send_error(r, &err);

    } else {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, rc);
}


/*
 * From the client's body to the first calls.  NGX_OK: they are under way, or
 * what they failed with has been dealt with.
 */

static ngx_int_t
ngx_http_argo_embeddings_start(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err)
{
    ngx_int_t                    rc;
    ngx_http_cleanup_t          *cln;
    ngx_http_argo_embeddings_t  *em;

    rc = ngx_http_argo_bind_user(r, ctx, err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_argo_embeddings_read(r, ctx, err);
    if (rc != NGX_OK) {
        return rc;
    }

    em = ctx->data;

    cln = ngx_http_cleanup_add(r, 0);

    if (cln == NULL || ngx_http_argo_embeddings_share(r, em) != NGX_OK) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_argo_embeddings_cleanup;
    cln->data = ctx;

    /* the content phase has set it to a handler that does nothing */

    r->write_event_handler = ngx_http_argo_wake;
    ctx->resume = ngx_http_argo_embeddings_resume;

    if (ngx_http_argo_embeddings_next(r, em) != NGX_OK
        || ngx_http_argo_watch_client(r) != NGX_OK)
    {
        em->broken = 1;
        ngx_http_argo_embeddings_end(r, ctx);
        return NGX_OK;
    }

    ngx_http_argo_touch_models(r);

    return NGX_OK;
}


/* Understands the request; ctx->request has what the log wants of it. */

static ngx_int_t
ngx_http_argo_embeddings_read(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_error_t *err)
{
    ngx_int_t                   rc;
    argo_embeddings_request_t  *req;
    ngx_http_argo_loc_conf_t   *alcf;
    ngx_http_argo_main_conf_t  *amcf;

    static const ngx_str_t      model = ngx_string("v3");

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    rc = ngx_http_argo_parse_body(r, ctx, ARGO_EMBEDDINGS_TREE_DEPTH, err);
    if (rc != NGX_OK) {
        return rc;
    }

    ctx->data = ngx_pcalloc(r->pool, sizeof(ngx_http_argo_embeddings_t));
    if (ctx->data == NULL) {
        return NGX_ERROR;
    }

    req = &((ngx_http_argo_embeddings_t *) ctx->data)->request;

    req->root = ctx->request.root;
    req->user = ctx->user;
    req->native = (alcf->api == NGX_HTTP_ARGO_API_NATIVE);
    req->known = req->native;

    /* all models for embeddings count in the same way */

    amcf = ngx_http_get_module_main_conf(r, ngx_http_argo_module);

    argo_tokens_init(&req->prompt, r->pool, &amcf->tokenizer, &model);

    rc = argo_embeddings_read_request(ctx->pool, req, err);

    ctx->request.model = req->model;

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_argo_resolve(r, ctx, err);
    if (rc != NGX_OK) {
        return rc;
    }

    req->model = ctx->request.model;
    req->target = ctx->request.target;

    rc = argo_embeddings_decode(ctx->pool, req, &amcf->tokenizer, err);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_embeddings_check_model(req, err);
}


static ngx_int_t
ngx_http_argo_embeddings_share(ngx_http_request_t *r,
    ngx_http_argo_embeddings_t *em)
{
    ngx_uint_t  i;

    em->nparts = (em->request.ninputs + ARGO_EMBEDDINGS_BATCH - 1)
                 / ARGO_EMBEDDINGS_BATCH;

    em->nslots = ngx_min(em->nparts, NGX_HTTP_ARGO_EMBEDDINGS_CALLS);

    em->parts = ngx_palloc(r->pool, em->nparts * sizeof(argo_out_t));

    em->slots = ngx_pcalloc(r->pool, em->nslots
                                    * sizeof(ngx_http_argo_embeddings_slot_t));

    if (em->parts == NULL || em->slots == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < em->nparts; i++) {
        argo_out_init(&em->parts[i], r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 1);
    }

    return NGX_OK;
}


/* Starts as many calls as there may be. */

static ngx_int_t
ngx_http_argo_embeddings_next(ngx_http_request_t *r,
    ngx_http_argo_embeddings_t *em)
{
    ngx_uint_t  i;

    for (i = 0; i < em->nslots && em->begun < em->nparts; i++) {

        if (em->slots[i].call) {
            continue;
        }

        if (ngx_http_argo_embeddings_call(r, em, &em->slots[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_embeddings_call(ngx_http_request_t *r,
    ngx_http_argo_embeddings_t *em, ngx_http_argo_embeddings_slot_t *slot)
{
    argo_out_t             out;
    ngx_uint_t             first, n;
    ngx_http_argo_call_t  *call;

    first = em->begun * ARGO_EMBEDDINGS_BATCH;
    n = ngx_min(em->request.ninputs - first, ARGO_EMBEDDINGS_BATCH);

    if (argo_embeddings_init_reply(&slot->reply, r->pool, &em->request, first,
                                   n)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);

    argo_embeddings_write_call(&em->request, first, n, &out);

    call = ngx_pcalloc(r->pool, sizeof(ngx_http_argo_call_t));

    if (call == NULL || out.failed) {
        return NGX_ERROR;
    }

    if (em->request.native) {
        ngx_str_set(&call->how.tail, "v1/embeddings");
        call->how.auth = ARGO_AUTH_BEARER;

    } else {
        ngx_str_set(&call->how.tail, "api/v1/resource/embed/");
    }

    ngx_str_set(&call->how.accept, "application/json");
    call->how.frame = ARGO_FRAME_JSON;

    call->method = NGX_HTTP_POST;
    call->size = out.size;
    call->body = argo_out_take(&out);
    call->background = 1;
    call->bytes = ngx_http_argo_embeddings_bytes;
    call->done = ngx_http_argo_embeddings_done;
    call->data = slot;

    if (ngx_http_argo_start_call(r, call) != NGX_OK) {
        return NGX_ERROR;
    }

    slot->call = call;
    slot->part = &em->parts[em->begun++];
    em->active++;

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_embeddings_bytes(ngx_http_request_t *r,
    ngx_http_argo_call_t *call, u_char *p, size_t n)
{
    ngx_http_argo_embeddings_slot_t  *slot;

    slot = call->data;

    return argo_embeddings_push(&slot->reply, p, n);
}


static void
ngx_http_argo_embeddings_done(ngx_http_request_t *r,
    ngx_http_argo_call_t *call)
{
    ngx_int_t                         rc;
    argo_error_t                      err;
    ngx_http_argo_ctx_t              *ctx;
    ngx_http_argo_embeddings_t       *em;
    ngx_http_argo_embeddings_slot_t  *slot;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    em = ctx->data;
    slot = call->data;

    rc = ngx_http_argo_embeddings_check(r, call, &err);

    if (rc == NGX_OK) {
        argo_out_move(slot->part, &slot->reply.out);

        em->request.told += slot->reply.tokens;
        em->request.known &= slot->reply.known;

    } else if (rc == NGX_DECLINED && em->error.status == 0) {

        em->error = err;

        /* the one that the log tells of */

        ctx->pass = call;
        ctx->retry_after = call->retry_after;

    } else if (rc == NGX_ERROR) {
        em->broken = 1;
    }

    slot->call = NULL;
    em->active--;
}


/* NGX_OK: the vectors are there, all that were asked for. */

static ngx_int_t
ngx_http_argo_embeddings_check(ngx_http_request_t *r,
    ngx_http_argo_call_t *call, argo_error_t *err)
{
    ngx_int_t                         rc;
    ngx_http_argo_embeddings_slot_t  *slot;

    slot = call->data;

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
        rc = argo_embeddings_end(&slot->reply);

        *err = slot->reply.error;

        return rc;
    }

    rc = argo_legacy_read_error(r->pool, call->status, &call->reply, err);

    return (rc == NGX_OK) ? NGX_DECLINED : rc;
}


static void
ngx_http_argo_embeddings_resume(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx)
{
    ngx_http_argo_embeddings_t  *em;

    em = ctx->data;

    if (em->error.status == 0 && !em->broken) {

        if (ngx_http_argo_embeddings_next(r, em) != NGX_OK) {
            em->broken = 1;

        } else if (em->active) {
            return;
        }
    }

    ngx_http_argo_embeddings_end(r, ctx);
}


static void
ngx_http_argo_embeddings_end(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_uint_t                   i;
    ngx_http_argo_embeddings_t  *em;

    em = ctx->data;

    ctx->resume = NULL;
    r->read_event_handler = ngx_http_block_reading;

    /* what others of the calls still bring would be thrown away */

    for (i = 0; i < em->nslots; i++) {
        if (em->slots[i].call) {
            ngx_http_argo_cancel_call(em->slots[i].call);
        }
    }

    ngx_http_finalize_request(r, ngx_http_argo_embeddings_finish(r, ctx));
}


/* Returns as a content handler. */

static ngx_int_t
ngx_http_argo_embeddings_finish(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx)
{
    argo_out_t                   out;
    ngx_uint_t                   i;
    ngx_http_argo_embeddings_t  *em;

    em = ctx->data;

    if (em->broken) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (em->error.status) {
        return ngx_http_argo_send_error(r, &em->error);
    }

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 1);

    argo_embeddings_write_start(&out);

    for (i = 0; i < em->nparts; i++) {
        argo_out_move(&out, &em->parts[i]);
    }

    argo_embeddings_write_end(&em->request, &out);

    ctx->usage.prompt = argo_embeddings_usage(&em->request);
    ctx->usage.known = em->request.known;
    ctx->counted = 1;

    return ngx_http_argo_send(r, NGX_HTTP_OK, &out);
}


/* Nobody else tells that the client went away while calls are under way. */

static void
ngx_http_argo_embeddings_cleanup(void *data)
{
    ngx_http_argo_ctx_t *ctx = data;

    if (ctx->resume && ctx->error.status == 0) {
        argo_error_set(&ctx->error, NGX_HTTP_CLIENT_CLOSED_REQUEST,
                       "client_closed", NULL, "The client went away");
    }
}
