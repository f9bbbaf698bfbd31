
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The call to ARGO: a subrequest to the internal location, which carries
 * what we choose and nothing of the client's.
 */


#include "ngx_http_argo.h"


static ngx_int_t ngx_http_argo_call_uri(ngx_http_request_t *r,
    ngx_http_argo_call_t *call, ngx_str_t *uri, ngx_str_t *args);
static ngx_int_t ngx_http_argo_set_headers(ngx_http_request_t *sr,
    ngx_http_argo_call_t *call);
static ngx_int_t ngx_http_argo_set_credential(ngx_http_request_t *sr,
    ngx_http_argo_call_t *call);
static ngx_int_t ngx_http_argo_user_agent(ngx_http_request_t *r,
    ngx_http_argo_call_t *call, ngx_str_t *value);
static ngx_table_elt_t *ngx_http_argo_push_header(ngx_http_request_t *sr,
    const char *name, const char *lowcase, const ngx_str_t *value);
static ngx_int_t ngx_http_argo_call_done(ngx_http_request_t *sr, void *data,
    ngx_int_t rc);


ngx_int_t
ngx_http_argo_start_call(ngx_http_request_t *r, ngx_http_argo_call_t *call)
{
    ngx_str_t                    uri, args;
    ngx_uint_t                   flags;
    ngx_http_request_t          *sr;
    ngx_http_argo_ctx_t         *ctx;
    ngx_http_post_subrequest_t  *ps;

    static ngx_str_t             post = ngx_string("POST");

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    if (!call->detached && ngx_http_argo_note_request(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_argo_call_uri(r, call, &uri, &args) != NGX_OK) {
        return NGX_ERROR;
    }

    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));
    if (ps == NULL) {
        return NGX_ERROR;
    }

    ps->handler = ngx_http_argo_call_done;
    ps->data = call;

    flags = call->background ? NGX_HTTP_SUBREQUEST_BACKGROUND : 0;

    if (ngx_http_subrequest(r, &uri, args.len ? &args : NULL, &sr, ps, flags)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (call->method == NGX_HTTP_POST) {

        /*
         * Both are needed: with the method left at GET, proxy_next_upstream
         * would send a call that has been paid for once more.
         */

        sr->method = NGX_HTTP_POST;
        sr->method_name = post;
    }

    if (ngx_http_argo_set_headers(sr, call) != NGX_OK
        || ngx_http_argo_set_body(sr, call->body, call->size) != NGX_OK)
    {
        /* it must not run with the client's own headers: end it all */
        r->connection->error = 1;
        return NGX_ERROR;
    }

    call->sr = sr;
    call->next = ctx->calls;

    ctx->calls = call;

    if (!call->detached) {
        ctx->ncalls++;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_call_uri(ngx_http_request_t *r, ngx_http_argo_call_t *call,
    ngx_str_t *uri, ngx_str_t *args)
{
    u_char                    *p;
    ngx_http_argo_loc_conf_t  *alcf;

    ngx_str_null(args);

    if (call->uri.len) {
        *uri = call->uri;

        p = ngx_strlchr(uri->data, uri->data + uri->len, '?');

        if (p) {
            args->data = p + 1;
            args->len = uri->data + uri->len - args->data;
            uri->len = p - uri->data;
        }

        return NGX_OK;
    }

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    uri->len = alcf->upstream.len + call->how.tail.len;
    uri->data = ngx_pnalloc(r->pool, uri->len);
    if (uri->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(uri->data, alcf->upstream.data, alcf->upstream.len);
    ngx_memcpy(p, call->how.tail.data, call->how.tail.len);

    return NGX_OK;
}


/*
 * The headers of a subrequest are a copy of the parent's whose list still is
 * the parent's: begin anew, so that no credential, cookie or hop-by-hop
 * header can go up, and so that $http_* in the internal location can't say
 * what the client sent.
 */

static ngx_int_t
ngx_http_argo_set_headers(ngx_http_request_t *sr, ngx_http_argo_call_t *call)
{
    ngx_str_t               agent;
    ngx_table_elt_t        *h;
    ngx_http_headers_in_t  *in;

    static ngx_str_t        json = ngx_string("application/json");
    static ngx_str_t        identity = ngx_string("identity");

    if (ngx_http_argo_user_agent(sr->parent, call, &agent) != NGX_OK) {
        return NGX_ERROR;
    }

    in = &sr->headers_in;

    ngx_memzero(in, sizeof(ngx_http_headers_in_t));

    /* $host and $http_host name the virtual server, not the client */

    in->server = sr->parent->headers_in.server;
    in->host = sr->parent->headers_in.host;
    in->content_length_n = -1;

    if (ngx_list_init(&in->headers, sr->pool, 8, sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (call->method == NGX_HTTP_POST) {

        h = ngx_http_argo_push_header(sr, "Content-Type", "content-type",
                                      &json);
        if (h == NULL) {
            return NGX_ERROR;
        }

        in->content_type = h;
    }

    h = ngx_http_argo_push_header(sr, "User-Agent", "user-agent", &agent);
    if (h == NULL) {
        return NGX_ERROR;
    }

    in->user_agent = h;

    if (call->how.auth != ARGO_AUTH_BODY
        && ngx_http_argo_set_credential(sr, call) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* a stream that is compressed would come in lumps */

    if (ngx_http_argo_push_header(sr, "Accept", "accept", &call->how.accept)
        == NULL
        || ngx_http_argo_push_header(sr, "Accept-Encoding", "accept-encoding",
                                     &identity)
        == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * The user's name where ARGO's native APIs look for it, and of the client's
 * headers those that are a part of Anthropic's API.
 */

static ngx_int_t
ngx_http_argo_set_credential(ngx_http_request_t *sr,
    ngx_http_argo_call_t *call)
{
    u_char               *p;
    ngx_str_t             value;
    ngx_table_elt_t      *h;
    ngx_http_argo_ctx_t  *ctx;

    static ngx_str_t      version = ngx_string("2023-06-01");
    static ngx_str_t      names[] = {
        ngx_string("anthropic-version"),
        ngx_string("anthropic-beta")
    };

    ctx = ngx_http_get_module_ctx(sr->parent, ngx_http_argo_module);

    if (call->how.auth == ARGO_AUTH_BEARER) {

        value.len = sizeof("Bearer ") - 1 + ctx->user.len;
        value.data = ngx_pnalloc(sr->pool, value.len);
        if (value.data == NULL) {
            return NGX_ERROR;
        }

        p = ngx_cpymem(value.data, "Bearer ", sizeof("Bearer ") - 1);
        ngx_memcpy(p, ctx->user.data, ctx->user.len);

        h = ngx_http_argo_push_header(sr, "Authorization", "authorization",
                                      &value);
        if (h == NULL) {
            return NGX_ERROR;
        }

        sr->headers_in.authorization = h;

        return NGX_OK;
    }

    if (ngx_http_argo_push_header(sr, "x-api-key", "x-api-key", &ctx->user)
        == NULL)
    {
        return NGX_ERROR;
    }

    h = ngx_http_argo_find_header(&sr->parent->headers_in.headers, &names[0]);

    if (ngx_http_argo_push_header(sr, "anthropic-version",
                                  "anthropic-version",
                                  h ? &h->value : &version)
        == NULL)
    {
        return NGX_ERROR;
    }

    h = ngx_http_argo_find_header(&sr->parent->headers_in.headers, &names[1]);

    if (h && ngx_http_argo_push_header(sr, "anthropic-beta", "anthropic-beta",
                                       &h->value)
             == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * ARGO's operator asks for the gateway's name followed by the client's own,
 * which is nobody else's business, nor that of calls that are not its own.
 */

static ngx_int_t
ngx_http_argo_user_agent(ngx_http_request_t *r, ngx_http_argo_call_t *call,
    ngx_str_t *value)
{
    u_char           *p;
    size_t            len;
    ngx_table_elt_t  *h;

    static ngx_str_t  name = ngx_string("ngx_http_argo_module/" ARGO_VERSION);

    *value = name;

    h = r->headers_in.user_agent;

    if (h == NULL || h->value.len == 0 || call->uri.len || call->detached) {
        return NGX_OK;
    }

    len = ngx_min(h->value.len, NGX_HTTP_ARGO_MAX_AGENT);

    p = ngx_pnalloc(r->pool, name.len + 1 + len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value->data = p;
    value->len = name.len + 1 + len;

    p = ngx_cpymem(p, name.data, name.len);
    *p++ = ' ';
    ngx_memcpy(p, h->value.data, len);

    return NGX_OK;
}


static ngx_table_elt_t *
ngx_http_argo_push_header(ngx_http_request_t *sr, const char *name,
    const char *lowcase, const ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&sr->headers_in.headers);
    if (h == NULL) {
        return NULL;
    }

    ngx_http_argo_elt_init(h);

    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->lowcase_key = (u_char *) lowcase;
    h->hash = ngx_hash_key(h->lowcase_key, h->key.len);
    h->value = *value;

    return h;
}


/*
 * May be called more than once, and is called before nginx would make an
 * error page: with NGX_OK none is made.
 */

static ngx_int_t
ngx_http_argo_call_done(ngx_http_request_t *sr, void *data, ngx_int_t rc)
{
    ngx_http_argo_call_t *call = data;

    ngx_http_request_t   *r;
    ngx_http_argo_ctx_t  *ctx;

    r = sr->parent;
    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    /* makes $upstream_* tell of this call in the main request's log line */

    if (!call->detached) {
        r->upstream_states = sr->upstream_states;
    }

    if (sr->connection->error
        || rc == NGX_HTTP_CLIENT_CLOSED_REQUEST
        || rc == NGX_HTTP_REQUEST_TIME_OUT
        || rc == NGX_HTTP_CLOSE)
    {
        if (ctx->error.status == 0) {
            argo_error_set(&ctx->error, NGX_HTTP_CLIENT_CLOSED_REQUEST,
                           "client_closed", NULL, "The client went away");
        }

        return rc;
    }

    if (call->ended) {
        return NGX_OK;
    }

    call->ended = 1;
    call->rc = rc;

    if (!call->background) {
        /* the core wakes the parent */
        return NGX_OK;
    }

    if (call->done) {
        call->done(r, call);
    }

    if (ctx->resume && !ctx->woken && !call->detached) {

        /* twice posted, it could be finalized twice by nginx before 1.31.3 */

        ctx->woken = 1;

        if (ngx_http_post_request(r, NULL) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * Upstream's own cleanup handler, which nginx calls when a request is cut
 * short, ends the subrequest as well: it gives back what the subrequest holds
 * of the main request.  One that has no upstream yet can't be reached, and
 * goes on to an end that nobody waits for.
 */

void
ngx_http_argo_cancel_call(ngx_http_argo_call_t *call)
{
    ngx_http_upstream_t  *u;

    u = call->sr->upstream;

    if (call->ended || u == NULL || u->cleanup == NULL) {
        return;
    }

    call->ended = 1;
    call->sr->write_event_handler = ngx_http_request_empty_handler;

    (*u->cleanup)(call->sr);
}


void
ngx_http_argo_wake(ngx_http_request_t *r)
{
    ngx_http_argo_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    ctx->woken = 0;

    if (ctx->resume) {
        ctx->resume(r, ctx);
    }
}


/*
 * While a foreground call is active, its upstream watches the client; with
 * background calls nobody does, and what the client has given up would go on
 * to be paid for.
 */

ngx_int_t
ngx_http_argo_watch_client(ngx_http_request_t *r)
{
    r->read_event_handler = ngx_http_test_reading;

    return ngx_handle_read_event(r->connection->read, 0);
}


ngx_http_argo_call_t *
ngx_http_argo_find_call(ngx_http_request_t *sr, ngx_http_argo_ctx_t **ctx)
{
    ngx_http_argo_call_t  *call;

    *ctx = ngx_http_get_module_ctx(sr->parent, ngx_http_argo_module);

    if (*ctx == NULL) {
        return NULL;
    }

    for (call = (*ctx)->calls; call; call = call->next) {
        if (call->sr == sr) {
            return call;
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_argo_check_transfer(ngx_http_request_t *r, ngx_http_argo_call_t *call,
    argo_error_t *err)
{
    ngx_http_argo_ctx_t  *ctx;

    if (call->sr->upstream == NULL
        && call->rc == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE)
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "the body for ARGO is larger than "
                      "\"client_max_body_size\" of the location \"%V\", "
                      "which should be 0", &call->sr->uri);

        return argo_error_set(err, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                              "request_too_large", NULL,
                              "The request is too large for the gateway");
    }

    if (call->sr->upstream == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "the location \"%V\" that \"argo_upstream\" names "
                      "answered %i without a \"proxy_pass\"",
                      &call->sr->uri, call->rc);

        return argo_error_set(err, NGX_HTTP_INTERNAL_SERVER_ERROR,
                              "configuration", NULL,
                              "The gateway's way to ARGO is not configured "
                              "as it must be; its error log says more");
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    if (ctx->shutdown && call->rc != NGX_OK && call->status == 0) {
        return ngx_http_argo_shutdown_error(err);
    }

    if (call->rc == NGX_HTTP_GATEWAY_TIME_OUT
        || (call->timed_out && call->status < NGX_HTTP_BAD_REQUEST))
    {
        if (ctx->shutdown) {
            return ngx_http_argo_shutdown_error(err);
        }

        return argo_error_set(err, NGX_HTTP_GATEWAY_TIME_OUT,
                              "upstream_timeout", NULL,
                              "ARGO did not answer in time");
    }

    if (call->status == 0 || call->rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return argo_error_set(err, NGX_HTTP_BAD_GATEWAY,
                              "upstream_unreachable", NULL,
                              "ARGO could not be reached, or closed the "
                              "connection without an answer");
    }

    /* an error is known by its status, however much of its body came */

    if ((call->rc != NGX_OK || !call->last)
        && call->status < NGX_HTTP_BAD_REQUEST)
    {
        return argo_error_set(err, NGX_HTTP_BAD_GATEWAY,
                              "upstream_incomplete", NULL,
                              "ARGO's reply was cut off before its end");
    }

    return NGX_OK;
}


ngx_table_elt_t *
ngx_http_argo_find_header(ngx_list_t *headers, const ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &headers->part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].hash && h[i].key.len == name->len
            && ngx_strncasecmp(h[i].key.data, name->data, name->len) == 0)
        {
            return &h[i];
        }
    }
}
