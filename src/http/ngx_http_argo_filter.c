
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The filters see two things: the reply of ARGO in its subrequest, which is
 * either collected or converted on its way; and, on the main request, an
 * error page of nginx that API clients could not read.
 */


#include "ngx_http_argo.h"


/* how much may wait for a client before the upstream is no longer read */
#define NGX_HTTP_ARGO_WINDOW  (64 * 1024)

/* how much of a stream is taken before other connections have a turn */
#define NGX_HTTP_ARGO_TURN    (16 * 1024)


static ngx_int_t ngx_http_argo_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_argo_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static void ngx_http_argo_reply_header(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, ngx_http_argo_call_t *call);
static void ngx_http_argo_upstream_done(ngx_http_request_t *r,
    ngx_int_t rc);
static void ngx_http_argo_check_header(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, ngx_http_argo_call_t *call);
static ngx_uint_t ngx_http_argo_type_is(ngx_http_request_t *r,
    const char *type, size_t len);
static ngx_int_t ngx_http_argo_collect(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, ngx_http_argo_call_t *call, ngx_chain_t *in);
static ngx_int_t ngx_http_argo_collect_bytes(ngx_http_request_t *r,
    ngx_http_argo_call_t *call, u_char *p, size_t n);
static ngx_int_t ngx_http_argo_stream(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, ngx_chain_t *in);
static void ngx_http_argo_pause(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static void ngx_http_argo_yield(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static ngx_int_t ngx_http_argo_convert(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, ngx_uint_t *last);
static ngx_int_t ngx_http_argo_page_body(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, ngx_chain_t *in);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static ngx_int_t
ngx_http_argo_header_filter(ngx_http_request_t *r)
{
    ngx_http_argo_ctx_t       *ctx;
    ngx_http_argo_call_t      *call;
    ngx_http_argo_loc_conf_t  *alcf;

    if (r != r->main) {

        call = ngx_http_argo_find_call(r, &ctx);

        if (call) {
            ngx_http_argo_reply_header(r, ctx, call);
        }

        return ngx_http_next_header_filter(r);
    }

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    if (alcf->endpoint && r->headers_out.status >= NGX_HTTP_BAD_REQUEST) {

        ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

        if (ctx == NULL || !ctx->own) {

            if (ngx_http_argo_replace_page(r) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_argo_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_http_argo_ctx_t   *ctx;
    ngx_http_argo_call_t  *call;

    if (r != r->main) {

        call = ngx_http_argo_find_call(r, &ctx);

        if (call == NULL) {
            return ngx_http_next_body_filter(r, in);
        }

        if (call->streaming) {
            return ngx_http_argo_stream(r, ctx, in);
        }

        return ngx_http_argo_collect(r, ctx, call, in);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    if (ctx && ctx->page) {
        return ngx_http_argo_page_body(r, ctx, in);
    }

    return ngx_http_next_body_filter(r, in);
}


static void
ngx_http_argo_reply_header(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    ngx_http_argo_call_t *call)
{
    ngx_table_elt_t  *h;

    static const ngx_str_t  retry_after = ngx_string("Retry-After");

    r->filter_need_in_memory = 1;

    /*
     * The same switch as X-Accel-Buffering, looked at after the header
     * filters: buffered, a stream could come in one piece at its end, and a
     * slow client would make nginx write the reply to disk.
     */

    if (r->upstream) {
        r->upstream->buffering = 0;

        call->finalize = r->upstream->finalize_request;
        r->upstream->finalize_request = ngx_http_argo_upstream_done;
    }

    call->status = r->headers_out.status;
    call->content_type = r->headers_out.content_type;

    if (!call->detached) {
        r->parent->upstream_states = r->upstream_states;
    }

    h = ngx_http_argo_find_header(&r->headers_out.headers, &retry_after);

    if (h) {
        call->retry_after = h->value;
    }
    ngx_http_argo_check_header(r, ctx, call);

    if (call->header) {
        call->header(r, call);
    }
}


/*
 * Once the header has been passed on, nginx ends a reply that timed out as
 * one that was cut; only here it says which it was.
 */

static void
ngx_http_argo_upstream_done(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_argo_ctx_t   *ctx;
    ngx_http_argo_call_t  *call;

    call = ngx_http_argo_find_call(r, &ctx);

    if (call) {
        call->timed_out = (rc == NGX_HTTP_GATEWAY_TIME_OUT);
        call->finalize(r, rc);
    }
}


/* Decides how the body is to be taken, or that it can't be. */

static void
ngx_http_argo_check_header(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    ngx_http_argo_call_t *call)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (u && u->headers_in.x_accel_redirect
        && !(u->conf->ignore_headers & NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT))
    {
        /* this is not ARGO's reply but something of this server */

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "upstream sent \"X-Accel-Redirect\", which "
                      "\"proxy_ignore_headers\" should name");

        argo_error_set(&call->error, NGX_HTTP_BAD_GATEWAY,
                       "upstream_invalid_reply", NULL,
                       "ARGO's reply asks for a redirect within the gateway");
        return;
    }

    if (r->headers_out.content_encoding
        && r->headers_out.content_encoding->value.len)
    {
        argo_error_set(&call->error, NGX_HTTP_BAD_GATEWAY,
                       "upstream_invalid_reply", NULL,
                       "ARGO's reply is compressed, though it was asked not "
                       "to be");
        return;
    }

    /* what is not ARGO's, who asked for it will judge */

    if (call->status != NGX_HTTP_OK || call->uri.len) {
        return;
    }

    if (ngx_http_argo_type_is(r, "application/json",
                              sizeof("application/json") - 1))
    {
        return;
    }

    if (call->how.frame == ARGO_FRAME_SSE
        && ngx_http_argo_type_is(r, "text/event-stream",
                                 sizeof("text/event-stream") - 1))
    {
        /* events tell their end: it need not be the transfer that does */
        call->streaming = (call == ctx->pass);
        return;
    }

    if (call->how.frame != ARGO_FRAME_RAW
        || !ngx_http_argo_type_is(r, "text/plain", sizeof("text/plain") - 1))
    {
        argo_error_set(&call->error, NGX_HTTP_BAD_GATEWAY,
                       "upstream_invalid_reply", NULL,
                       "ARGO's reply is of an unexpected content type");
        return;
    }

    if (u && !u->headers_in.chunked && u->headers_in.content_length_n == -1) {

        /* bare text that ends with the connection: a cut can't be told */

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "upstream sent a stream without a length or chunks, "
                      "so that its end can't be told from a cut: "
                      "\"proxy_http_version 1.1\" is needed");

        argo_error_set(&call->error, NGX_HTTP_BAD_GATEWAY,
                       "upstream_invalid_reply", NULL,
                       "ARGO's stream came in a form whose end can't be told "
                       "from a cut");
        return;
    }

    call->streaming = (call == ctx->pass);
}


static ngx_uint_t
ngx_http_argo_type_is(ngx_http_request_t *r, const char *type, size_t len)
{
    ngx_str_t  *value;

    value = &r->headers_out.content_type;

    return value->len >= len
           && ngx_strncasecmp(value->data, (u_char *) type, len) == 0
           && (value->len == len || value->data[len] == ';'
               || value->data[len] == ' ');
}


static ngx_int_t
ngx_http_argo_collect(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    ngx_http_argo_call_t *call, ngx_chain_t *in)
{
    size_t                   n;
    ngx_buf_t               *b;
    ngx_chain_t             *cl;
    ngx_http_argo_bytes_pt   take;

    if (in == NULL && ctx->busy && call == ctx->pass) {
        /* a heartbeat that the client did not take at once */
        return ngx_http_argo_pass_down(r, ctx, 0);
    }

    /* an error's body is collected, whoever takes that of a success */

    take = (call->bytes && call->status == NGX_HTTP_OK)
           ? call->bytes : ngx_http_argo_collect_bytes;

    for (cl = in; cl; cl = cl->next) {
        b = cl->buf;

        n = ngx_buf_in_memory(b) ? b->last - b->pos : 0;

        if (n && ctx->ttft == -1 && !call->detached) {
            ctx->ttft = ngx_http_argo_elapsed(r);
        }

        if (n && call->error.status == 0
            && take(r, call, b->pos, n) != NGX_OK)
        {
            return NGX_ERROR;
        }

        b->pos = b->last;
        b->file_pos = b->file_last;

        if (b->last_buf || b->last_in_chain) {
            call->last = 1;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_collect_bytes(ngx_http_request_t *r, ngx_http_argo_call_t *call,
    u_char *p, size_t n)
{
    off_t    length;
    size_t   size, limit;
    u_char  *new;

    limit = call->limit ? call->limit : NGX_HTTP_ARGO_MAX_REPLY;

    if (n > limit - call->reply.len) {
        argo_error_set(&call->error, NGX_HTTP_BAD_GATEWAY,
                       "upstream_invalid_reply", NULL,
                       "ARGO's reply is larger than the gateway accepts");
        return NGX_OK;
    }

    if (n > call->reply_size - call->reply.len) {

        length = r->headers_out.content_length_n;

        size = ngx_max(call->reply_size * 2, NGX_HTTP_ARGO_BLOCK);
        size = ngx_max(size, call->reply.len + n);

        if (call->reply_size == 0 && length > (off_t) size
            && length <= (off_t) limit)
        {
            size = (size_t) length;
        }

        new = ngx_pnalloc(r->pool, size);
        if (new == NULL) {
            return NGX_ERROR;
        }

        if (call->reply_size) {
            ngx_memcpy(new, call->reply.data, call->reply.len);
            (void) ngx_pfree(r->pool, call->reply.data);
        }

        call->reply.data = new;
        call->reply_size = size;
    }

    ngx_memcpy(call->reply.data + call->reply.len, p, n);
    call->reply.len += n;

    return NGX_OK;
}


/*
 * The loop is that of nginx's gunzip filter.  Input is held back, and with
 * it the upstream, only while downstream is really blocked: stopped for any
 * other reason, nothing would ever wake us again.
 */

static ngx_int_t
ngx_http_argo_stream(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    ngx_chain_t *in)
{
    ngx_int_t   rc;
    ngx_uint_t  last;

    if (in && ngx_chain_add_copy(r->pool, &ctx->in, in) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!ctx->request.stream) {
        /* a client that wants one body gets it when all of it is there */

        rc = ngx_http_argo_convert(r, ctx, &last);
        ngx_http_argo_yield(r, ctx);

        return rc;
    }

    if (ctx->busy || in == NULL) {

        rc = ngx_http_argo_pass_down(r, ctx, 0);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    while (ctx->in && ctx->busy == NULL) {

        last = 0;

        if (ngx_http_argo_convert(r, ctx, &last) != NGX_OK
            || ngx_http_argo_pass_down(r, ctx, last) == NGX_ERROR)
        {
            return NGX_ERROR;
        }
    }

    ngx_http_argo_pause(r, ctx);
    ngx_http_argo_yield(r, ctx);

    if (ctx->in) {
        r->buffered |= NGX_HTTP_ARGO_BUFFERED;
        return NGX_AGAIN;
    }

    r->buffered &= ~NGX_HTTP_ARGO_BUFFERED;

    return ctx->busy ? NGX_AGAIN : NGX_OK;
}


/*
 * With input held back nginx goes on to read as long as upstream's buffer has
 * room, and where it spins, a failed TLS connection stays ready for ever.  So
 * it is not ready while input is held; when the client reads again, this
 * filter is called before nginx looks.
 */

static void
ngx_http_argo_pause(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
#if (NGX_HTTP_ARGO_TLS_SPINS)

    ngx_connection_t  *c;

    c = r->upstream ? r->upstream->peer.connection : NULL;

    if (c == NULL || c->ssl == NULL) {
        return;
    }

    if (ctx->in && c->read->ready) {
        c->read->ready = 0;
        ctx->paused = 1;

    } else if (ctx->in == NULL && ctx->paused) {
        c->read->ready = 1;
        ctx->paused = 0;
    }

#else

    (void) r;
    (void) ctx;

#endif
}


/*
 * nginx reads an upstream as long as there is something, which with one that
 * floods is for ever: converting takes longer than sending.  So now and then
 * it is not ready, until all others have been looked at.
 */

static void
ngx_http_argo_yield(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_event_t  *rev;

    if (ctx->taken < NGX_HTTP_ARGO_TURN || ctx->in || ctx->pass->last) {
        return;
    }

    ctx->taken = 0;

    if (r->upstream == NULL || r->upstream->peer.connection == NULL) {
        return;
    }

    rev = r->upstream->peer.connection->read;

    if (!rev->ready || rev->eof || rev->error) {
        return;
    }

    rev->ready = 0;

    /* what has come meanwhile may have been seen before the posted event */

    if (rev->posted) {
        ngx_delete_posted_event(rev);
    }

    ngx_post_event(rev, &ngx_posted_next_events);
}


static ngx_int_t
ngx_http_argo_convert(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    ngx_uint_t *last)
{
    size_t        n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    while (ctx->in && (ctx->out.size < NGX_HTTP_ARGO_WINDOW
                       || !ctx->request.stream))
    {
        cl = ctx->in;
        b = cl->buf;

        n = ngx_buf_in_memory(b) ? b->last - b->pos : 0;

        if (n) {
            ctx->taken += n;

            if (ctx->ttft == -1) {
                ctx->ttft = ngx_http_argo_elapsed(r);
            }

            /* a reply that has failed takes nothing more: drain it */

            if (!ctx->stream->failed
                && argo_stream_push(ctx->stream, b->pos, n, &ctx->out)
                   == NGX_ERROR)
            {
                return NGX_ERROR;
            }
        }

        b->pos = b->last;

        if (b->last_buf || b->last_in_chain) {
            ctx->pass->last = 1;
            *last = 1;
        }

        ctx->in = cl->next;
        ngx_free_chain(r->pool, cl);
    }

    return ctx->out.failed ? NGX_ERROR : NGX_OK;
}


/* Sends on what has been converted: one flush for one read of upstream. */

ngx_int_t
ngx_http_argo_pass_down(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    ngx_uint_t last)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t  *out, *cl;

    out = argo_out_take(&ctx->out);

    if (out) {

        rc = ngx_http_argo_send_stream_header(r->parent);

        if (rc == NGX_ERROR || rc > NGX_OK) {
            return NGX_ERROR;
        }

        for (cl = out; cl->next; cl = cl->next) {
            cl->buf->flush = 0;
            cl->buf->last_in_chain = 0;
        }

        cl->buf->flush = 1;
        cl->buf->last_in_chain = last;

        ctx->sent = ngx_current_msec;

    } else if (!r->parent->header_sent) {

        /*
         * Text that has not been judged yet, or a reply that has failed:
         * what becomes of it, the parent will say.
         */

        return NGX_OK;

    } else if (last) {

        b = ngx_calloc_buf(r->pool);
        out = ngx_alloc_chain_link(r->pool);

        if (b == NULL || out == NULL) {
            return NGX_ERROR;
        }

        b->sync = 1;
        b->last_in_chain = 1;

        out->buf = b;
        out->next = NULL;
    }

    rc = ngx_http_next_body_filter(r, out);

    ngx_chain_update_chains(r->pool, &ctx->out.free, &ctx->busy, &out,
                            (ngx_buf_tag_t) &ngx_http_argo_module);

    return rc;
}


static ngx_int_t
ngx_http_argo_page_body(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    ngx_chain_t *in)
{
    ngx_uint_t    last;
    ngx_chain_t  *cl, *page;

    last = 0;

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;

        if (cl->buf->last_buf) {
            last = 1;
        }
    }

    if (!last) {
        return NGX_OK;
    }

    page = ctx->page;
    ctx->page = NULL;

    return ngx_http_next_body_filter(r, page);
}


ngx_int_t
ngx_http_argo_filter_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_argo_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_argo_body_filter;

    return NGX_OK;
}
