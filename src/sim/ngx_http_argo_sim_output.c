
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Sending a reply: at once or piece by piece, to its end or to a fault.
 *
 * nginx frames what passes its filters, so a broken frame has to be made
 * around it.  What serves, as seen with nginx 1.22.1 and 1.26.3:
 *
 *   - The chunked filter looks at r->chunked for each call.  Once the header
 *     with "Transfer-Encoding: chunked" has been sent, clearing the flag
 *     lets our bytes pass as they are: a chunk's size line that promises
 *     more than follows, or something that is no chunk at all.
 *
 *   - Nothing compares the bytes of a body with its Content-Length.
 *
 *   - With c->error set, ngx_http_finalize_request() terminates the request
 *     without an end of the body, keepalive or lingering, and a TLS
 *     connection is dropped without a close_notify.  The request's body has
 *     been read, so the kernel sends a FIN after what was written before;
 *     with a linger time of 0 it sends a RST instead.
 */


#include "ngx_http_argo_sim.h"


/* after so many pieces in a row others have their turn */
#define NGX_HTTP_ARGO_SIM_BATCH  64

/* the longest piece of a stream that has no chunk size given */
#define NGX_HTTP_ARGO_SIM_PIECE  64


static void ngx_http_argo_sim_timer_handler(ngx_event_t *ev);
static void ngx_http_argo_sim_write_handler(ngx_http_request_t *r);
static void ngx_http_argo_sim_pump(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static ngx_int_t ngx_http_argo_sim_begin(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static ngx_int_t ngx_http_argo_sim_send_header(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static ngx_int_t ngx_http_argo_sim_set_headers(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static ngx_table_elt_t *ngx_http_argo_sim_header(ngx_http_request_t *r,
    const char *name, const char *text, const ngx_str_t *value);
static ngx_int_t ngx_http_argo_sim_flush(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static ngx_int_t ngx_http_argo_sim_send_piece(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static u_char *ngx_http_argo_sim_piece(ngx_http_argo_sim_ctx_t *ctx);
static u_char *ngx_http_argo_sim_event_end(u_char *p, u_char *end);
static ngx_int_t ngx_http_argo_sim_output(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, u_char *start, u_char *end,
    ngx_uint_t last);
static ngx_int_t ngx_http_argo_sim_end(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static void ngx_http_argo_sim_break(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static void ngx_http_argo_sim_watch(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);


static u_char  ngx_http_argo_sim_stray_head[] =
    "HTTP/1.1 502 Bad Gateway" CRLF
    "Server: nginx" CRLF
    "Content-Type: text/html" CRLF
    "Content-Length: 0" CRLF
    "Connection: close" CRLF CRLF;


void
ngx_http_argo_sim_start(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_http_argo_sim_options_t   *options;
    ngx_http_argo_sim_loc_conf_t  *aslcf;

    options = &ctx->options;

    if (ctx->refusal) {
        ngx_memzero(options, sizeof(ngx_http_argo_sim_options_t));
    }

    ctx->pos = ctx->body.data;
    ctx->last = ctx->pos + ctx->body.len;

    if (options->fault) {

        if (options->fault_default) {
            options->fault_at = 0;

            if (options->fault == NGX_HTTP_ARGO_SIM_FAULT_BADCHUNK) {
                options->fault_at = ctx->body.len / 2;
            }
        }

        ctx->last = ctx->pos + options->fault_at;

        if (options->fault == NGX_HTTP_ARGO_SIM_FAULT_END) {
            ctx->body.len = options->fault_at;
            options->fault = NGX_HTTP_ARGO_SIM_FAULT_NONE;
            options->fault_default = 0;
        }
    }

    if (ctx->streamed || options->chunk) {
        aslcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_sim_module);
        ctx->interval = aslcf->interval;
    }

    if (options->interval) {
        ctx->interval = options->interval;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_argo_sim_write_handler;

    ctx->timer.handler = ngx_http_argo_sim_timer_handler;
    ctx->timer.data = r->connection;
    ctx->timer.log = r->connection->log;

    if (options->delay) {
        ngx_add_timer(&ctx->timer, options->delay);
        ngx_http_argo_sim_watch(r, ctx);
        return;
    }

    ngx_http_argo_sim_pump(r, ctx);
}


static void
ngx_http_argo_sim_timer_handler(ngx_event_t *ev)
{
    ngx_connection_t         *c;
    ngx_http_request_t       *r;
    ngx_http_argo_sim_ctx_t  *ctx;

    c = ev->data;
    r = c->data;

    ngx_http_set_log_request(c->log, r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_sim_module);

    ngx_http_argo_sim_pump(r, ctx);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_argo_sim_write_handler(ngx_http_request_t *r)
{
    ngx_event_t              *wev;
    ngx_connection_t         *c;
    ngx_http_argo_sim_ctx_t  *ctx;

    c = r->connection;
    wev = c->write;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT,
                      "client timed out");
        c->timedout = 1;
        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_sim_module);

    /* a delay before the header: sockets are writable all the time */

    if (!ctx->started) {
        return;
    }

    ngx_http_argo_sim_pump(r, ctx);
}


static void
ngx_http_argo_sim_pump(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_int_t   rc;
    ngx_uint_t  n;

    rc = ctx->started ? NGX_OK : ngx_http_argo_sim_begin(r, ctx);

    for (n = 0; rc == NGX_OK; n++) {

        rc = ngx_http_argo_sim_flush(r, ctx);

        if (rc != NGX_OK) {
            break;
        }

        if (ctx->timer.timer_set || ctx->timer.posted) {
            rc = NGX_AGAIN;
            break;
        }

        if (ctx->pos == ctx->last) {
            rc = ngx_http_argo_sim_end(r, ctx);
            continue;
        }

        if (n == NGX_HTTP_ARGO_SIM_BATCH) {
            ngx_post_event(&ctx->timer, &ngx_posted_next_events);
            rc = NGX_AGAIN;
            break;
        }

        rc = ngx_http_argo_sim_send_piece(r, ctx);

        if (rc == NGX_OK && ctx->interval && ctx->pos != ctx->last) {
            ngx_add_timer(&ctx->timer, ctx->interval);
        }
    }

    if (rc == NGX_AGAIN) {
        ngx_http_argo_sim_watch(r, ctx);
        return;
    }

    if (rc == NGX_DONE) {
        return;
    }

    ngx_http_finalize_request(r, rc);
}


/*
 * The header, or what a fault does in its place.  Like all that follows,
 * returns NGX_OK to go on, NGX_AGAIN to wait for an event, or NGX_DONE when
 * the request has ended.
 */

static ngx_int_t
ngx_http_argo_sim_begin(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_int_t                     rc;
    ngx_http_argo_sim_options_t  *options;

    ctx->started = 1;

    options = &ctx->options;

    if (options->fault_default
        && options->fault != NGX_HTTP_ARGO_SIM_FAULT_BADCHUNK)
    {
        if (options->fault == NGX_HTTP_ARGO_SIM_FAULT_STALL) {
            return NGX_AGAIN;
        }

        ngx_http_argo_sim_break(r, ctx);
        return NGX_DONE;
    }

    rc = ngx_http_argo_sim_send_header(r, ctx);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return NGX_ERROR;
    }

    if (r->header_only) {
        ctx->finished = 1;
        ngx_http_finalize_request(r, rc);
        return NGX_DONE;
    }

    /* nothing else would carry the header along in time */

    if (ctx->streamed || (options->fault && ctx->pos == ctx->last)) {

        if (ngx_http_send_special(r, NGX_HTTP_FLUSH) == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_send_header(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_http_argo_sim_options_t  *options;

    options = &ctx->options;

    r->headers_out.status = ctx->status;
    r->headers_out.content_type = ctx->type;

    if (options->type.len) {
        r->headers_out.content_type = options->type;

        if (argo_str_is(&options->type, "none")) {
            r->headers_out.content_type.len = 0;
        }
    }

    r->headers_out.content_type_len = r->headers_out.content_type.len;

    if (!ctx->streamed && options->fault != NGX_HTTP_ARGO_SIM_FAULT_BADCHUNK) {
        r->headers_out.content_length_n = ctx->body.len;
    }

    if (ngx_http_argo_sim_set_headers(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_send_header(r);
}


static ngx_int_t
ngx_http_argo_sim_set_headers(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx)
{
    u_char                       *p;
    ngx_str_t                     number;
    ngx_table_elt_t              *h;
    ngx_http_argo_sim_options_t  *options;

    options = &ctx->options;

    h = ngx_http_argo_sim_header(r, "Strict-Transport-Security",
                                 "max-age=31536000; includeSubDomains", NULL);

    if (h && ctx->route
        && (ctx->streamed
            || (ctx->route->kind & (NGX_HTTP_ARGO_SIM_TALK
                                    |NGX_HTTP_ARGO_SIM_MESSAGES))))
    {
        h = ngx_http_argo_sim_header(r, "Vary", "Accept-Encoding", NULL);
    }

    if (h && ctx->events && ctx->route->kind == NGX_HTTP_ARGO_SIM_MESSAGES) {
        h = ngx_http_argo_sim_header(r, "Cache-Control", "no-cache", NULL);
    }

    if (h && ctx->allow.len) {
        h = ngx_http_argo_sim_header(r, "Allow", NULL, &ctx->allow);
    }

    if (h && options->gzip) {
        h = ngx_http_argo_sim_header(r, "Content-Encoding", "gzip", NULL);
        r->headers_out.content_encoding = h;
    }

    if (h && ctx->location.len) {
        h = ngx_http_argo_sim_header(r, "Location", NULL, &ctx->location);
        r->headers_out.location = h;
    }

    if (h && options->retry_after) {

        p = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
        if (p == NULL) {
            return NGX_ERROR;
        }

        number.data = p;
        number.len = ngx_sprintf(p, "%ui", options->retry_after) - p;

        h = ngx_http_argo_sim_header(r, "Retry-After", NULL, &number);
    }

    return h ? NGX_OK : NGX_ERROR;
}


static ngx_table_elt_t *
ngx_http_argo_sim_header(ngx_http_request_t *r, const char *name,
    const char *text, const ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NULL;
    }

    /* also clears "next", which nginx has since 1.23.0 */
    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);

    if (value) {
        h->value = *value;

    } else {
        h->value.data = (u_char *) text;
        h->value.len = ngx_strlen(text);
    }

    return h;
}


/* What nginx still holds of the header and earlier pieces. */

static ngx_int_t
ngx_http_argo_sim_flush(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_event_t               *wev;
    ngx_chain_t               *out;
    ngx_connection_t          *c;
    ngx_http_core_loc_conf_t  *clcf;

    c = r->connection;
    wev = c->write;

    if ((r->buffered || c->buffered) && !wev->delayed) {

        if (ngx_http_output_filter(r, NULL) == NGX_ERROR) {
            return NGX_ERROR;
        }

        out = NULL;
        ngx_chain_update_chains(r->pool, &ctx->free, &ctx->busy, &out,
                                (ngx_buf_tag_t) &ngx_http_argo_sim_module);
    }

    if (!r->buffered && !c->buffered) {

        if (wev->timer_set && !wev->delayed) {
            ngx_del_timer(wev);
        }

        return NGX_OK;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_argo_sim_send_piece(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx)
{
    u_char      *p, *start, *end;
    ngx_uint_t   last;

    start = ctx->pos;
    end = ngx_http_argo_sim_piece(ctx);

    if (end > ctx->last) {

        /* a piece that is cut leaves a cut chunk behind */

        if (r->chunked
            && ctx->options.fault != NGX_HTTP_ARGO_SIM_FAULT_BADCHUNK)
        {
            p = ngx_pnalloc(r->pool, NGX_SIZE_T_LEN + sizeof(CRLF) - 1);
            if (p == NULL) {
                return NGX_ERROR;
            }

            r->chunked = 0;

            if (ngx_http_argo_sim_output(r, ctx, p,
                                         ngx_sprintf(p, "%xz" CRLF,
                                                     (size_t) (end - start)),
                                         0)
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }

        end = ctx->last;
    }

    /* the end of a stream comes on its own, as it does from ARGO */

    last = !ctx->streamed && !ctx->options.fault && end == ctx->last;

    ctx->pos = end;

    return ngx_http_argo_sim_output(r, ctx, start, end, last);
}


/* The end of the piece that starts at ctx->pos, faults aside. */

static u_char *
ngx_http_argo_sim_piece(ngx_http_argo_sim_ctx_t *ctx)
{
    u_char  *p, *end;
    size_t   n;

    p = ctx->pos;
    end = ctx->body.data + ctx->body.len;

    if (ctx->options.chunk) {
        n = ngx_min(ctx->options.chunk, (size_t) (end - p));
        return p + n;
    }

    if (!ctx->streamed) {
        return end;
    }

    if (ctx->events) {
        return ngx_http_argo_sim_event_end(p, end);
    }

    return ngx_http_argo_sim_word(p, end, ctx->options.chunks ? 2 : 1);
}


/* An event and the empty line behind it. */

static u_char *
ngx_http_argo_sim_event_end(u_char *p, u_char *end)
{
    for ( /* void */ ; p + 1 < end; p++) {

        if (p[0] == LF && p[1] == LF) {
            return p + 2;
        }
    }

    return end;
}


u_char *
ngx_http_argo_sim_word(u_char *p, u_char *end, ngx_uint_t blanks)
{
    size_t  n;

    for (n = 0; p + n < end && n < NGX_HTTP_ARGO_SIM_PIECE; n++) {

        if ((p[n] == ' ' || p[n] == '\n') && --blanks == 0) {
            return p + n + 1;
        }
    }

    /* not within a UTF-8 character */

    while (p + n < end && n > NGX_HTTP_ARGO_SIM_PIECE - 4
           && (p[n] & 0xc0) == 0x80)
    {
        n--;
    }

    return p + n;
}


static ngx_int_t
ngx_http_argo_sim_output(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx,
    u_char *start, u_char *end, ngx_uint_t last)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t  *out;

    out = ngx_chain_get_free_buf(r->pool, &ctx->free);
    if (out == NULL) {
        return NGX_ERROR;
    }

    b = out->buf;

    ngx_memzero(b, sizeof(ngx_buf_t));

    b->tag = (ngx_buf_tag_t) &ngx_http_argo_sim_module;
    b->start = start;
    b->pos = start;
    b->last = end;
    b->end = end;
    b->memory = 1;
    b->flush = last ? 0 : 1;
    b->last_buf = last ? 1 : 0;
    b->last_in_chain = b->last_buf;

    rc = ngx_http_output_filter(r, out);

    ngx_chain_update_chains(r->pool, &ctx->free, &ctx->busy, &out,
                            (ngx_buf_tag_t) &ngx_http_argo_sim_module);

    /* what could not be sent shows in c->buffered */

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


/* All bytes up to the end or the fault have been given to the kernel. */

static ngx_int_t
ngx_http_argo_sim_end(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_int_t  rc;

    switch (ctx->options.fault) {

    case NGX_HTTP_ARGO_SIM_FAULT_NONE:
        break;

    case NGX_HTTP_ARGO_SIM_FAULT_STALL:
        return NGX_AGAIN;

    case NGX_HTTP_ARGO_SIM_FAULT_BADCHUNK:

        /* goes on with something that is no chunk, and is cut after it */

        r->chunked = 0;

        ctx->body.data = ngx_http_argo_sim_stray_head;
        ctx->body.len = sizeof(ngx_http_argo_sim_stray_head) - 1;
        ctx->pos = ctx->body.data;
        ctx->last = ctx->pos + ctx->body.len;
        ctx->options.chunk = ctx->body.len;
        ctx->options.fault = NGX_HTTP_ARGO_SIM_FAULT_CUT;

        return NGX_OK;

    default: /* cut, reset */
        ngx_http_argo_sim_break(r, ctx);
        return NGX_DONE;
    }

    rc = NGX_OK;

    if (ctx->streamed || ctx->body.len == 0) {
        rc = ngx_http_send_special(r, NGX_HTTP_LAST);
    }

    ctx->finished = 1;

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


static void
ngx_http_argo_sim_break(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    struct linger      linger;
    ngx_connection_t  *c;

    c = r->connection;

    if (ctx->options.fault == NGX_HTTP_ARGO_SIM_FAULT_RESET) {
        linger.l_onoff = 1;
        linger.l_linger = 0;

        if (setsockopt(c->fd, SOL_SOCKET, SO_LINGER,
                       (const void *) &linger, sizeof(struct linger))
            == -1)
        {
            ngx_log_error(NGX_LOG_ALERT, c->log, ngx_socket_errno,
                          "setsockopt(SO_LINGER) failed");
        }
    }

    ctx->faulted = 1;
    c->error = 1;

    ngx_http_finalize_request(r, NGX_ERROR);
}


/* From now on the client's going away ends the request. */

static void
ngx_http_argo_sim_watch(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_event_t  *rev;

    if (ctx->watched) {
        return;
    }

    ctx->watched = 1;

    rev = r->connection->read;

    if (rev->ready) {
        /* it may have gone while its body was read */
        ngx_post_event(rev, &ngx_posted_events);
        return;
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
    }
}
