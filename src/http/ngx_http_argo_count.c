
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * How many tokens a request would be, for clients that ask before they send
 * it.  For Claude ARGO is asked, which knows; where it does not, and for all
 * other models, it is counted here.  A header says which it was.
 *
 * A long text is counted in steps, between which the worker serves others.
 */


#include "ngx_http_argo.h"
#include "argo_anthropic_back.h"
#include "argo_anthropic_front.h"
#include "argo_count.h"
#include "argo_json_write.h"
#include "argo_legacy.h"
#include "argo_patch.h"


/* bytes in one step: a millisecond, some at the worst; docs/tokens.md */
#define NGX_HTTP_ARGO_COUNT_STEP  (64 * 1024)


typedef struct {
    ngx_event_t           event;
    ngx_http_request_t   *request;
    argo_stream_t        *stream;   /* whose prompt it is; NULL: a request for
                                       nothing but the count */
    argo_count_t          count;
    argo_tokens_t         tokens;
} ngx_http_argo_counting_t;


static void ngx_http_argo_count_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_argo_count_start(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);
static ngx_int_t ngx_http_argo_count_read(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);
static ngx_int_t ngx_http_argo_count_ask(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static ngx_int_t ngx_http_argo_count_body(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, ngx_http_argo_call_t *call);
static void ngx_http_argo_count_resume(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static ngx_int_t ngx_http_argo_count_finish(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static ngx_int_t ngx_http_argo_count_told(ngx_http_request_t *r,
    ngx_http_argo_call_t *call, int64_t *n);
static ngx_int_t ngx_http_argo_count_here(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static ngx_int_t ngx_http_argo_count_result(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, ngx_http_argo_counting_t *counting);
static ngx_http_argo_counting_t *ngx_http_argo_counting(
    ngx_http_request_t *r);
static void ngx_http_argo_count_event(ngx_event_t *ev);
static void ngx_http_argo_count_cleanup(void *data);
static ngx_int_t ngx_http_argo_count_send(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, uint64_t n, const char *source);


ngx_int_t
ngx_http_argo_count_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r,
                                           ngx_http_argo_count_body_handler);

    return (rc >= NGX_HTTP_SPECIAL_RESPONSE) ? rc : NGX_DONE;
}


static void
ngx_http_argo_count_body_handler(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    argo_error_t          err;
    ngx_http_argo_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    rc = ngx_http_argo_count_start(r, ctx, &err);

    if (rc == NGX_AGAIN) {
        return;
    }

    ctx->resume = NULL;

    if (rc == NGX_DECLINED) {
        rc = ngx_http_argo_send_error(r, &err);

    } else if (rc == NGX_ERROR) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;

    } else {
        rc = ngx_http_argo_count_here(r, ctx);

        if (rc == NGX_DONE) {
            return;
        }
    }

    ngx_http_finalize_request(r, rc);
}


/*
 * NGX_AGAIN: ARGO has been asked; NGX_OK: it is to be counted here, also what
 * ARGO would refuse as it is and would be given in another form.
 */

static ngx_int_t
ngx_http_argo_count_start(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_error_t *err)
{
    ngx_int_t                  rc;
    ngx_http_argo_loc_conf_t  *alcf;

    rc = ngx_http_argo_bind_user(r, ctx, err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_argo_count_read(r, ctx, err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_argo_resolve(r, ctx, err);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->front->dialect == ARGO_DIALECT_RESPONSES) {

        /* what only a service that keeps responses could count is refused */

        return ctx->request.adapt(ctx->pool, &ctx->request,
                                  ARGO_DIALECT_CHAT, err);
    }

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    if (alcf->api != NGX_HTTP_ARGO_API_NATIVE
        || ctx->request.target->family != ARGO_FAMILY_ANTHROPIC
        || ctx->request.rewrite_messages
        || ctx->front->dialect != ARGO_DIALECT_MESSAGES)
    {
        return NGX_OK;
    }

    r->write_event_handler = ngx_http_argo_wake;
    ctx->resume = ngx_http_argo_count_resume;

    return (ngx_http_argo_count_ask(r, ctx) == NGX_OK) ? NGX_AGAIN
                                                       : NGX_ERROR;
}


static ngx_int_t
ngx_http_argo_count_read(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_error_t *err)
{
    ngx_int_t                   rc;
    ngx_http_argo_main_conf_t  *amcf;

    rc = ngx_http_argo_parse_body(r, ctx, ctx->front->tree_depth, err);
    if (rc != NGX_OK) {
        return rc;
    }

    amcf = ngx_http_get_module_main_conf(r, ngx_http_argo_module);

    ctx->request.dialect = ctx->front->dialect;
    ctx->request.tokenizer = &amcf->tokenizer;

    /* an image is only counted: its URL need not be fetched */

    ctx->request.fetch_images = 1;

    return (ctx->front->dialect == ARGO_DIALECT_MESSAGES)
           ? argo_anthropic_read_count_request(ctx->pool, &ctx->request, err)
           : ctx->front->read_request(ctx->pool, &ctx->request, err);
}


static ngx_int_t
ngx_http_argo_count_ask(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_http_argo_call_t  *call;

    call = ngx_pcalloc(r->pool, sizeof(ngx_http_argo_call_t));
    if (call == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&call->how.tail, "v1/messages/count_tokens");
    ngx_str_set(&call->how.accept, "application/json");
    call->how.frame = ARGO_FRAME_JSON;
    call->how.auth = ARGO_AUTH_ANTHROPIC;
    call->method = NGX_HTTP_POST;

    if (ngx_http_argo_count_body(r, ctx, call) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->pass = call;

    return ngx_http_argo_start_call(r, call);
}


/* The client's own body, but for the names of the model and of the user. */

static ngx_int_t
ngx_http_argo_count_body(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    ngx_http_argo_call_t *call)
{
    ngx_str_t            user;
    argo_out_t           out;
    argo_patch_t         patch;
    argo_member_edit_t   model;

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);
    argo_json_write_string(&out, &ctx->request.target->id);

    if (argo_out_flatten(&out, r->pool, &model.value) != NGX_OK) {
        return NGX_ERROR;
    }

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);
    argo_json_write_string(&out, &ctx->user);

    if (argo_out_flatten(&out, r->pool, &user) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_str_set(&model.name, "model");

    argo_patch_init(&patch, ctx->pool, &ctx->request.document);

    /* a user that nobody named is none of Anthropic's members */

    if (argo_patch_members(&patch, ctx->request.root, &model, 1) != NGX_OK
        || argo_anthropic_patch_identity(&ctx->request, &patch, &user)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    argo_out_init(&out, ctx->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);
    argo_patch_write(&patch, &out);

    if (out.failed) {
        return NGX_ERROR;
    }

    call->size = out.size;
    call->body = argo_out_take(&out);

    return NGX_OK;
}


static void
ngx_http_argo_count_resume(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (!ctx->pass->ended) {
        return;
    }

    ctx->resume = NULL;

    rc = ngx_http_argo_count_finish(r, ctx);

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }
}


/*
 * What is wrong with the request, ARGO knows best; that it can't count now is
 * no reason to leave the client without a number.
 */

static ngx_int_t
ngx_http_argo_count_finish(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    int64_t                n;
    ngx_int_t              rc;
    argo_error_t           err;
    ngx_http_argo_call_t  *call;

    call = ctx->pass;

    rc = ngx_http_argo_check_transfer(r, call, &err);

    if (rc == NGX_OK && call->status == NGX_HTTP_OK
        && call->error.status == 0)
    {
        rc = ngx_http_argo_count_told(r, call, &n);

        if (rc == NGX_OK) {
            return ngx_http_argo_count_send(r, ctx, (uint64_t) n,
                                            "upstream");
        }

        if (rc == NGX_ERROR) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (rc != NGX_OK || call->status < NGX_HTTP_BAD_REQUEST
        || call->status >= NGX_HTTP_INTERNAL_SERVER_ERROR
        || call->status == NGX_HTTP_NOT_FOUND
        || call->status == NGX_HTTP_NOT_ALLOWED
        || call->status == NGX_HTTP_TOO_MANY_REQUESTS)
    {
        return ngx_http_argo_count_here(r, ctx);
    }

    if (argo_legacy_read_error(r->pool, call->status, &call->reply, &err)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_argo_send_error(r, &err);
}


/* NGX_DECLINED: the reply tells no number */

static ngx_int_t
ngx_http_argo_count_told(ngx_http_request_t *r, ngx_http_argo_call_t *call,
    int64_t *n)
{
    ngx_int_t      rc;
    argo_json_t   *root, *count;
    argo_error_t   ignored;

    rc = argo_json_parse(r->pool, &call->reply, 1, &root, &ignored);
    if (rc != NGX_OK) {
        return rc;
    }

    count = argo_json_get(root, "input_tokens");

    return (count && argo_json_int(count, n) == NGX_OK && *n > 0)
           ? NGX_OK : NGX_DECLINED;
}


/* NGX_DONE: there is more than one step to it */

static ngx_int_t
ngx_http_argo_count_here(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_http_argo_counting_t  *counting;

    counting = ngx_http_argo_counting(r);
    if (counting == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    argo_count_begin(&counting->count, &counting->tokens, r->pool,
                     &ctx->request);

    if (argo_count_step(&counting->count, NGX_HTTP_ARGO_COUNT_STEP)
        == NGX_AGAIN)
    {
        ngx_post_event(&counting->event, &ngx_posted_next_events);
        return NGX_DONE;
    }

    return ngx_http_argo_count_result(r, ctx, counting);
}


static ngx_int_t
ngx_http_argo_count_result(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    ngx_http_argo_counting_t *counting)
{
    ngx_uint_t                 own;
    const argo_tokens_rule_t  *rule;

    rule = argo_tokens_rule(&ctx->request.target->id);

    own = rule->own
          && ctx->request.tokenizer->encodings[rule->encoding] != NULL;

    return ngx_http_argo_count_send(r, ctx,
                                    argo_count_total(&counting->tokens,
                                                     &ctx->request),
                                    own ? "counted" : "estimate");
}


ngx_int_t
ngx_http_argo_count_ahead(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_http_argo_counting_t  *counting;

    if (ctx->request.document.len <= NGX_HTTP_ARGO_COUNT_STEP
        || ctx->stream->splice
        || (ctx->back->dialect != ARGO_DIALECT_LEGACY
            && ctx->front->dialect != ARGO_DIALECT_MESSAGES))
    {
        /* little to count, or nothing at all */
        return NGX_OK;
    }

    counting = ngx_http_argo_counting(r);
    if (counting == NULL) {
        return NGX_ERROR;
    }

    counting->stream = ctx->stream;

    ngx_post_event(&counting->event, &ngx_posted_next_events);

    return NGX_OK;
}


static ngx_http_argo_counting_t *
ngx_http_argo_counting(ngx_http_request_t *r)
{
    ngx_http_cleanup_t        *cln;
    ngx_http_argo_counting_t  *counting;

    counting = ngx_pcalloc(r->pool, sizeof(ngx_http_argo_counting_t));
    if (counting == NULL) {
        return NULL;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_argo_count_cleanup;
    cln->data = counting;

    counting->request = r;
    counting->event.handler = ngx_http_argo_count_event;
    counting->event.data = counting;
    counting->event.log = r->connection->log;

    return counting;
}


static void
ngx_http_argo_count_event(ngx_event_t *ev)
{
    ngx_int_t                  rc;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_argo_ctx_t       *ctx;
    ngx_http_argo_counting_t  *counting;

    counting = ev->data;
    r = counting->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    rc = counting->stream
         ? argo_stream_count_prompt(counting->stream,
                                    NGX_HTTP_ARGO_COUNT_STEP)
         : argo_count_step(&counting->count, NGX_HTTP_ARGO_COUNT_STEP);

    if (rc == NGX_AGAIN) {
        ngx_post_event(ev, &ngx_posted_next_events);
        return;
    }

    if (counting->stream) {
        return;
    }

    ngx_http_finalize_request(r,
                              ngx_http_argo_count_result(r, ctx, counting));

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_argo_count_cleanup(void *data)
{
    ngx_http_argo_counting_t *counting = data;

    if (counting->event.posted) {
        ngx_delete_posted_event(&counting->event);
    }
}


static ngx_int_t
ngx_http_argo_count_send(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    uint64_t n, const char *source)
{
    ngx_str_t   value;
    argo_out_t  out;

    value.data = (u_char *) source;
    value.len = ngx_strlen(source);

    if (ngx_http_argo_add_header(r, "x-argo-token-count", &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);

    switch (ctx->front->dialect) {

    case ARGO_DIALECT_MESSAGES:
        argo_count_write_anthropic(n, &out);
        break;

    case ARGO_DIALECT_RESPONSES:
        argo_count_write_openai(n, &out);
        break;

    default:
        argo_count_write_gemini(n, &out);
    }

    return ngx_http_argo_send(r, NGX_HTTP_OK, &out);
}
