
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What goes to the client: headers, whole bodies, the ends of streams, and
 * errors in the client's dialect.
 */


#include "ngx_http_argo.h"


#define NGX_HTTP_ARGO_API_VERSION  "2020-10-01"


static ngx_int_t ngx_http_argo_add_headers(ngx_http_request_t *r);
static ngx_int_t ngx_http_argo_add_retry_after(ngx_http_request_t *r,
    ngx_uint_t status);
static void ngx_http_argo_set_json(ngx_http_request_t *r, size_t size);
static ngx_int_t ngx_http_argo_send_body(ngx_http_request_t *r,
    argo_out_t *out);
static ngx_int_t ngx_http_argo_close_chain(ngx_http_request_t *r,
    argo_out_t *out, ngx_chain_t **chain);
static void ngx_http_argo_page_error(ngx_uint_t status, argo_error_t *err);


/* What an error page of nginx means to a client of the API. */

typedef struct {
    ngx_uint_t   status;
    const char  *code;
    const char  *message;
} ngx_http_argo_page_t;


static const ngx_http_argo_page_t  ngx_http_argo_pages[] = {

    { NGX_HTTP_UNAUTHORIZED, NULL,
      "The gateway asks for credentials, or does not accept these" },

    { NGX_HTTP_FORBIDDEN, NULL,
      "The gateway does not allow this" },

    { NGX_HTTP_NOT_FOUND, "unknown_url",
      "There is nothing at this path" },

    { NGX_HTTP_NOT_ALLOWED, "method_not_allowed",
      "This method is not allowed here" },

    { NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, "request_too_large",
      "The request body is larger than the gateway accepts "
      "(client_max_body_size)" },

    { NGX_HTTP_TOO_MANY_REQUESTS, "rate_limit_exceeded",
      "The gateway's limit for requests has been reached" },

    { NGX_HTTP_SERVICE_UNAVAILABLE, NULL,
      "The gateway is busy; please try again later" },

    { 0, NULL, "The gateway could not serve this request" }
};


ngx_int_t
ngx_http_argo_send(ngx_http_request_t *r, ngx_uint_t status, argo_out_t *out)
{
    r->headers_out.status = status;

    ngx_http_argo_set_json(r, out->size);

    return ngx_http_argo_send_body(r, out);
}


ngx_int_t
ngx_http_argo_send_reply(ngx_http_request_t *r, ngx_http_argo_call_t *call)
{
    argo_out_t  out;

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);
    argo_out_ref(&out, call->reply.data, call->reply.len);

    r->headers_out.status = call->status;

    ngx_http_argo_set_json(r, out.size);

    r->headers_out.content_type = call->content_type;
    r->headers_out.content_type_len = call->content_type.len;

    if (ngx_http_argo_add_retry_after(r, call->status) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_argo_send_body(r, &out);
}


static ngx_int_t
ngx_http_argo_send_body(ngx_http_request_t *r, argo_out_t *out)
{
    ngx_int_t     rc;
    ngx_chain_t  *chain;

    if (ngx_http_argo_add_headers(r) != NGX_OK
        || ngx_http_argo_close_chain(r, out, &chain) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, chain);
}


ngx_int_t
ngx_http_argo_send_error(ngx_http_request_t *r, const argo_error_t *err)
{
    argo_out_t            out;
    argo_error_t          told;
    ngx_http_argo_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    ngx_http_argo_log_error(r, err);

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);

    told = *err;

    if (ngx_http_argo_get_id(r, &told.request_id) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->front->write_error(&told, &out);

    if (ngx_http_argo_add_retry_after(r, err->status) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_argo_send(r, err->status, &out);
}


ngx_int_t
ngx_http_argo_send_stream_header(ngx_http_request_t *r)
{
    u_char               *p;
    const ngx_str_t      *type;
    ngx_http_argo_ctx_t  *ctx;

    static ngx_str_t      no_cache = ngx_string("no-cache");
    static ngx_str_t      no = ngx_string("no");

    if (r->header_sent) {
        return NGX_OK;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    ctx->own = 1;

    r->headers_out.status = NGX_HTTP_OK;
    type = &ctx->front->stream_type;

    r->headers_out.content_type = *type;
    r->headers_out.content_type_lowcase = NULL;
    ngx_str_null(&r->headers_out.charset);

    /* without parameters, as gzip_types and the like look at it */

    p = ngx_strlchr(type->data, type->data + type->len, ';');

    r->headers_out.content_type_len = p ? (size_t) (p - type->data)
                                        : type->len;

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);

    r->disable_not_modified = 1;

    /* the last one is for an nginx in front of this one */

    if (ngx_http_argo_add_header(r, "Cache-Control", &no_cache) != NGX_OK
        || ngx_http_argo_add_header(r, "X-Accel-Buffering", &no) != NGX_OK
        || ngx_http_argo_add_headers(r) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_send_header(r);
}


ngx_int_t
ngx_http_argo_send_flush(ngx_http_request_t *r, argo_out_t *out)
{
    ngx_chain_t  *chain, *cl;

    if (out->failed) {
        return NGX_ERROR;
    }

    chain = argo_out_take(out);

    for (cl = chain; cl; cl = cl->next) {
        cl->buf->flush = (cl->next == NULL);
        cl->buf->last_in_chain = 0;
    }

    return ngx_http_output_filter(r, chain);
}


ngx_int_t
ngx_http_argo_send_last(ngx_http_request_t *r, argo_out_t *out)
{
    ngx_chain_t  *chain;

    if (ngx_http_argo_close_chain(r, out, &chain) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_output_filter(r, chain);
}


/* Takes what was written to out, and marks its last buffer as the last. */

static ngx_int_t
ngx_http_argo_close_chain(ngx_http_request_t *r, argo_out_t *out,
    ngx_chain_t **chain)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (out->failed) {
        return NGX_ERROR;
    }

    *chain = argo_out_take(out);

    if (*chain == NULL) {

        b = ngx_calloc_buf(r->pool);
        cl = ngx_alloc_chain_link(r->pool);

        if (b == NULL || cl == NULL) {
            return NGX_ERROR;
        }

        cl->buf = b;
        cl->next = NULL;

        *chain = cl;
    }

    for (cl = *chain; cl->next; cl = cl->next) {
        /* blocks that are used again keep the flags they had */
        cl->buf->flush = 0;
        cl->buf->last_in_chain = 0;
    }

    cl->buf->flush = 0;
    cl->buf->last_buf = 1;
    cl->buf->last_in_chain = 1;

    return NGX_OK;
}


static void
ngx_http_argo_set_json(ngx_http_request_t *r, size_t size)
{
    ngx_http_argo_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    ctx->own = 1;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    ngx_str_null(&r->headers_out.charset);

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);

    r->headers_out.content_length_n = size;
}


/* the headers that SDKs show to their users, each vendor's its own */

static ngx_int_t
ngx_http_argo_add_headers(ngx_http_request_t *r)
{
    ngx_str_t             value;
    ngx_http_argo_ctx_t  *ctx;

    static ngx_str_t      version = ngx_string(NGX_HTTP_ARGO_API_VERSION);

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    if (ngx_http_argo_get_id(r, &value) != NGX_OK
        || ngx_http_argo_add_header(r, "x-request-id", &value) != NGX_OK
        || ngx_http_argo_tell_changes(r, &ctx->request) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->front->dialect == ARGO_DIALECT_MESSAGES) {
        return ngx_http_argo_add_header(r, "request-id", &value);
    }

    if (ctx->front->dialect == ARGO_DIALECT_GEMINI) {
        return NGX_OK;
    }

    if (ngx_http_argo_add_header(r, "openai-version", &version) != NGX_OK) {
        return NGX_ERROR;
    }

    value.data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%M",
                            (ngx_msec_t) ngx_http_argo_elapsed(r))
                - value.data;

    return ngx_http_argo_add_header(r, "openai-processing-ms", &value);
}


/*
 * nginx's own id of the request, so that its logs can be searched for it.  If
 * nobody has asked for $request_id yet, it is made here, with fewer calls of
 * OpenSSL, and kept where nginx keeps it.
 */

ngx_int_t
ngx_http_argo_get_id(ngx_http_request_t *r, ngx_str_t *id)
{
    u_char                      bytes[16];
    ngx_http_variable_value_t  *vv;
    ngx_http_argo_main_conf_t  *amcf;

    amcf = ngx_http_get_module_main_conf(r, ngx_http_argo_module);

    vv = &r->variables[amcf->request_id];

    if (!vv->valid) {

        id->data = ngx_pnalloc(r->pool, 2 * sizeof(bytes));

        if (id->data == NULL
            || ngx_http_argo_random(bytes, sizeof(bytes)) != NGX_OK)
        {
            return NGX_ERROR;
        }

        vv->data = id->data;
        vv->len = ngx_hex_dump(id->data, bytes, sizeof(bytes)) - id->data;
        vv->valid = 1;
        vv->no_cacheable = 0;
        vv->not_found = 0;
    }

    id->data = vv->data;
    id->len = vv->len;

    return NGX_OK;
}


ngx_int_t
ngx_http_argo_add_header(ngx_http_request_t *r, const char *name,
    const ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_http_argo_elt_init(h);

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;

    return NGX_OK;
}


/* SDKs wait as long as they are told; without, they try again at once */

static ngx_int_t
ngx_http_argo_add_retry_after(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_http_argo_ctx_t  *ctx;

    static ngx_str_t      seconds = ngx_string("5");

    if (status != NGX_HTTP_TOO_MANY_REQUESTS
        && status != NGX_HTTP_SERVICE_UNAVAILABLE)
    {
        return NGX_OK;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    return ngx_http_argo_add_header(r, "Retry-After",
                                    ctx->retry_after.len ? &ctx->retry_after
                                                         : &seconds);
}


ngx_int_t
ngx_http_argo_replace_page(ngx_http_request_t *r)
{
    argo_out_t            out;
    argo_error_t          err;
    ngx_http_argo_ctx_t  *ctx;

    /* what nginx refuses early has not come to the rewrite phase */

    if (ngx_http_argo_hide_key(r) == NGX_ERROR) {
        return NGX_ERROR;
    }

    ctx = ngx_http_argo_get_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_http_argo_page_error(r->headers_out.status, &err);

    if (ngx_http_argo_get_id(r, &err.request_id) != NGX_OK) {
        return NGX_ERROR;
    }

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);

    ctx->front->write_error(&err, &out);

    if (ctx->error.status == 0) {
        ctx->error = err;
    }

    ngx_http_argo_set_json(r, out.size);

    if (ngx_http_argo_add_retry_after(r, err.status) != NGX_OK
        || ngx_http_argo_add_headers(r) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_argo_close_chain(r, &out, &ctx->page);
}


static void
ngx_http_argo_page_error(ngx_uint_t status, argo_error_t *err)
{
    const ngx_http_argo_page_t  *page;

    for (page = ngx_http_argo_pages; page->status; page++) {
        if (page->status == status) {
            break;
        }
    }

    argo_error_set(err, status, page->code, NULL, page->message);
}


ngx_msec_int_t
ngx_http_argo_elapsed(ngx_http_request_t *r)
{
    ngx_time_t      *tp;
    ngx_msec_int_t   ms;

    tp = ngx_timeofday();

    ms = (ngx_msec_int_t) ((tp->sec - r->start_sec) * 1000
                           + ((ngx_msec_int_t) tp->msec
                              - (ngx_msec_int_t) r->start_msec));

    return ngx_max(ms, 0);
}


void
ngx_http_argo_log_error(ngx_http_request_t *r, const argo_error_t *err)
{
    ngx_uint_t            level;
    ngx_str_t             code;
    ngx_http_argo_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    ctx->error = *err;

    ngx_http_argo_log_code(err, &code);

    level = (err->status < NGX_HTTP_INTERNAL_SERVER_ERROR) ? NGX_LOG_INFO
                                                           : NGX_LOG_ERR;

    /* the message may quote what the client or ARGO said: not for a log */

    if (ctx->pass && ctx->pass->status) {
        ngx_log_error(level, r->connection->log, 0,
                      "request failed with status %ui, code \"%V\", "
                      "upstream answered %ui",
                      err->status, &code, ctx->pass->status);
        return;
    }

    ngx_log_error(level, r->connection->log, 0,
                  "request failed with status %ui, code \"%V\"",
                  err->status, &code);
}


/*
 * ARGO and its vendors choose codes, and may put into them what they like: a
 * line of a log is to have none but those that look like one.
 */

void
ngx_http_argo_log_code(const argo_error_t *err, ngx_str_t *code)
{
    u_char      ch;
    ngx_uint_t  i;

    *code = err->code;

    if (code->data == NULL) {
        ngx_str_set(code, "-");
        return;
    }

    if (code->len > NGX_HTTP_ARGO_MAX_CODE) {
        ngx_str_set(code, "(odd)");
        return;
    }

    for (i = 0; i < code->len; i++) {
        ch = code->data[i];

        if ((ch < '0' || ch > '9') && (ch < 'A' || ch > 'Z')
            && (ch < 'a' || ch > 'z') && ch != '_' && ch != '-' && ch != '.')
        {
            ngx_str_set(code, "(odd)");
            return;
        }
    }
}
