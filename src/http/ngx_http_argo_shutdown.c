
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * "worker_shutdown_timeout" makes nginx close what an old worker still has,
 * one connection after the other, and without a word: a client could not tell
 * that from a broken network.  Here each of our requests is ended before with
 * an error, in the stream or as a response.
 *
 * nginx tells nobody beforehand.  But it takes the connections in the order
 * of its table, and a worker's first one after those that listen, which is
 * taken before there are any clients, comes before theirs: that is a file of
 * ours which nothing is ever read from.
 */


#include "ngx_http_argo.h"


static void ngx_http_argo_shutdown_handler(ngx_event_t *rev);
static void ngx_http_argo_shutdown_request(ngx_http_argo_ctx_t *ctx);
static void ngx_http_argo_shutdown_call(ngx_http_argo_call_t *call);
static ngx_http_argo_call_t *ngx_http_argo_awaited_call(
    ngx_http_argo_ctx_t *ctx);
static void ngx_http_argo_forget(void *data);


/* of this worker; the connection is NULL where there is no limit of time */

static ngx_queue_t        ngx_http_argo_live;
static ngx_connection_t  *ngx_http_argo_watch;


ngx_int_t
ngx_http_argo_init_shutdown(ngx_cycle_t *cycle)
{
    ngx_fd_t           fd;
    ngx_core_conf_t   *ccf;
    ngx_connection_t  *c;

    ngx_queue_init(&ngx_http_argo_live);

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (ccf->shutdown_timeout == 0 || ngx_process == NGX_PROCESS_HELPER) {
        return NGX_OK;
    }

    fd = ngx_open_file((u_char *) "/dev/null", NGX_FILE_RDONLY, NGX_FILE_OPEN,
                       0);
    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, ngx_errno,
                      ngx_open_file_n " \"/dev/null\" failed");
        return NGX_OK;
    }

    c = ngx_get_connection(fd, cycle->log);

    if (c == NULL) {
        (void) ngx_close_file(fd);
        return NGX_OK;
    }

    c->read->handler = ngx_http_argo_shutdown_handler;
    c->read->log = cycle->log;
    c->write->log = cycle->log;

    ngx_http_argo_watch = c;

    return NGX_OK;
}


void
ngx_http_argo_exit_shutdown(ngx_cycle_t *cycle)
{
    if (ngx_http_argo_watch) {
        ngx_close_connection(ngx_http_argo_watch);
        ngx_http_argo_watch = NULL;
    }
}


ngx_int_t
ngx_http_argo_note_request(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_http_cleanup_t  *cln;

    if (ngx_http_argo_watch == NULL || ctx->noted) {
        return NGX_OK;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_argo_forget;
    cln->data = ctx;

    ctx->noted = 1;
    ngx_queue_insert_tail(&ngx_http_argo_live, &ctx->live);

    return NGX_OK;
}


static void
ngx_http_argo_forget(void *data)
{
    ngx_http_argo_ctx_t *ctx = data;

    ngx_queue_remove(&ctx->live);
    ngx_queue_init(&ctx->live);
}


static void
ngx_http_argo_shutdown_handler(ngx_event_t *rev)
{
    ngx_queue_t          *q;
    ngx_connection_t     *c;
    ngx_http_argo_ctx_t  *ctx;

    c = rev->data;

    if (!c->close) {
        return;
    }

    ngx_http_argo_watch = NULL;

    while (!ngx_queue_empty(&ngx_http_argo_live)) {

        q = ngx_queue_head(&ngx_http_argo_live);
        ctx = ngx_queue_data(q, ngx_http_argo_ctx_t, live);

        /* it may be gone when the next one is looked at */

        ngx_http_argo_forget(ctx);
        ngx_http_argo_shutdown_request(ctx);
    }

    ngx_close_connection(c);
}


static void
ngx_http_argo_shutdown_request(ngx_http_argo_ctx_t *ctx)
{
    ngx_http_argo_call_t  *call;

    ctx->shutdown = 1;

    if (ngx_http_argo_end_images(ctx)) {
        return;
    }

    call = ngx_http_argo_awaited_call(ctx);

    if (call) {
        ngx_http_argo_shutdown_call(call);
    }
}


/*
 * Ends the call that a request waits for as if its time were over: then the
 * request goes the way of any that ARGO failed.
 */

static void
ngx_http_argo_shutdown_call(ngx_http_argo_call_t *call)
{
    ngx_event_t          *rev;
    ngx_resolver_ctx_t   *rctx;
    ngx_http_upstream_t  *u;

    u = call->sr->upstream;

    if (u == NULL || u->cleanup == NULL) {
        return;
    }

    if (u->peer.connection == NULL) {

        rctx = u->resolved ? u->resolved->ctx : NULL;

        if (rctx) {
            rctx->state = NGX_RESOLVE_TIMEDOUT;
            rctx->handler(rctx);
        }

        return;
    }

    /* no other server is to be tried */
    u->peer.tries = 0;

    rev = u->peer.connection->read;

    rev->delayed = 0;
    rev->timedout = 1;

    rev->handler(rev);
}


static ngx_http_argo_call_t *
ngx_http_argo_awaited_call(ngx_http_argo_ctx_t *ctx)
{
    ngx_http_argo_call_t  *call;

    if (ctx->pass) {
        return ctx->pass->ended ? NULL : ctx->pass;
    }

    for (call = ctx->calls; call; call = call->next) {
        if (!call->ended && !call->detached && call->uri.len == 0) {
            return call;
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_argo_shutdown_error(argo_error_t *err)
{
    return argo_error_set(err, NGX_HTTP_SERVICE_UNAVAILABLE,
                          "gateway_shutdown", NULL,
                          "The gateway was restarted, and this took longer "
                          "than it could wait");
}
