
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * A sign of life for clients, and for proxies before us, that close what is
 * silent.  It is a comment, or white space in a stream of JSON, which no
 * client takes for data, and it hides nothing: how long ARGO may be silent is
 * for proxy_read_timeout to say, which ends the call, and the heartbeat with
 * it.
 *
 * The first heartbeat takes the response header with it.  Refusals come in
 * far less than the interval, so they keep their status; what fails later is
 * told in the stream.
 */


#include "ngx_http_argo.h"


static ngx_uint_t ngx_http_argo_beat(ngx_http_argo_ctx_t *ctx);
static void ngx_http_argo_heartbeat_handler(ngx_event_t *ev);
static void ngx_http_argo_cleanup_heartbeat(void *data);


ngx_int_t
ngx_http_argo_start_heartbeat(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_event_t               *ev;
    ngx_http_cleanup_t        *cln;
    ngx_http_argo_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    if (alcf->heartbeat == 0) {
        return NGX_OK;
    }

    ev = ngx_pcalloc(r->pool, sizeof(ngx_event_t));
    if (ev == NULL) {
        return NGX_ERROR;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_argo_cleanup_heartbeat;
    cln->data = ctx;

    ev->handler = ngx_http_argo_heartbeat_handler;
    ev->data = r;
    ev->log = r->connection->log;
    ev->cancelable = 1;

    ctx->heartbeat = ev;
    ctx->sent = ngx_current_msec;

    ngx_add_timer(ev, alcf->heartbeat);

    return NGX_OK;
}


void
ngx_http_argo_stop_heartbeat(ngx_http_argo_ctx_t *ctx)
{
    if (ctx->heartbeat && ctx->heartbeat->timer_set) {
        ngx_del_timer(ctx->heartbeat);
    }

    ctx->heartbeat = NULL;
}


static void
ngx_http_argo_cleanup_heartbeat(void *data)
{
    ngx_http_argo_stop_heartbeat(data);
}


/* Writes what the client's dialect has for it; 0: there is no place for one. */

static ngx_uint_t
ngx_http_argo_beat(ngx_http_argo_ctx_t *ctx)
{
    ngx_uint_t           events;
    const argo_front_t  *front;

    front = ctx->front;

    events = front->stream_type.len >= sizeof("text/event-stream") - 1
             && ngx_strncmp(front->stream_type.data, "text/event-stream",
                            sizeof("text/event-stream") - 1)
                == 0;

    /* white space may stand before a JSON array as well as in it */

    if (front->heartbeat.len && (ctx->stream->started || !events)) {
        argo_out_write(&ctx->out, front->heartbeat.data,
                       front->heartbeat.len);
        return 1;
    }

    if (!events) {
        return 0;
    }

    argo_out_lit(&ctx->out, ": heartbeat\n\n");

    return 1;
}


static void
ngx_http_argo_heartbeat_handler(ngx_event_t *ev)
{
    ngx_int_t                  rc;
    ngx_msec_t                 silent;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_argo_ctx_t       *ctx;
    ngx_http_argo_loc_conf_t  *alcf;

    r = ev->data;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);
    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    /* output does not set the timer anew, which would cost more than this */

    silent = ngx_current_msec - ctx->sent;

    if (silent < alcf->heartbeat) {
        ngx_add_timer(ev, alcf->heartbeat - silent);
        return;
    }

    /* what waits for a slow client keeps the connection alive as well */

    if (!ctx->pass->ended && ctx->in == NULL && ctx->busy == NULL
        && ngx_http_argo_beat(ctx))
    {
        ctx->stream->open = 1;

        rc = ctx->out.failed
             ? NGX_ERROR : ngx_http_argo_pass_down(ctx->pass->sr, ctx, 0);

        if (rc == NGX_ERROR) {
            c->error = 1;
            ngx_http_finalize_request(ctx->pass->sr, NGX_ERROR);
            ngx_http_run_posted_requests(c);
            return;
        }
    }

    ctx->sent = ngx_current_msec;

    ngx_add_timer(ev, alcf->heartbeat);

    ngx_http_run_posted_requests(c);
}
