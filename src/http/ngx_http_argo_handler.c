
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The table of routes, the choice of one by path, and the content handler
 * that all of them share.
 */


#include "ngx_http_argo.h"


static ngx_int_t ngx_http_argo_health_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_argo_path(ngx_http_request_t *r, ngx_uint_t try,
    ngx_str_t *path, ngx_uint_t *beta);
static u_char *ngx_http_argo_skip_version(u_char *p, size_t n, u_char *last,
    ngx_uint_t *beta);
static ngx_uint_t ngx_http_argo_version_at(u_char *p, u_char *last,
    ngx_uint_t *beta);
static void ngx_http_argo_find_item(ngx_http_request_t *r,
    const ngx_http_argo_endpoint_t *ep, ngx_str_t *item);
static ngx_uint_t ngx_http_argo_match(const ngx_http_argo_endpoint_t *ep,
    const ngx_str_t *path, ngx_str_t *item);
static const argo_front_t *ngx_http_argo_guess_front(ngx_str_t *uri);
static ngx_uint_t ngx_http_argo_wants_socket(ngx_http_request_t *r);


#define NGX_HTTP_ARGO_READ  (NGX_HTTP_GET|NGX_HTTP_HEAD)
#define NGX_HTTP_ARGO_ANY   (~(ngx_uint_t) 0)

/* nginx has no name for it */
#define NGX_HTTP_ARGO_UPGRADE_REQUIRED  426

#define ngx_http_argo_post_endpoint(name, path, front, back, kind)            \
    { ngx_string(name), ngx_string(path), ngx_string("POST"),                 \
      NGX_HTTP_POST, ngx_http_argo_chat_handler, front, back, kind,           \
      1, 0, 0, 0, 0 }

#define ngx_http_argo_get_endpoint(name, path, handler, zone, item, service)  \
    { ngx_string(name), ngx_string(path), ngx_string("GET, HEAD"),            \
      NGX_HTTP_ARGO_READ, handler, NULL, NULL, ARGO_MODEL_CHAT,               \
      0, zone, item, service, 0 }


const ngx_http_argo_endpoint_t  ngx_http_argo_endpoints[] = {

    ngx_http_argo_post_endpoint("chat_completions", "chat/completions",
                                &argo_openai_chat_front, NULL,
                                ARGO_MODEL_CHAT),

    ngx_http_argo_post_endpoint("completions", "completions",
                                &argo_openai_completions_front, NULL,
                                ARGO_MODEL_CHAT),

    ngx_http_argo_post_endpoint("responses", "responses",
                                &argo_openai_responses_front, NULL,
                                ARGO_MODEL_CHAT),

    { ngx_string("input_tokens"), ngx_string("responses/input_tokens"),
      ngx_string("POST"), NGX_HTTP_POST, ngx_http_argo_count_handler,
      &argo_openai_responses_front, NULL, ARGO_MODEL_CHAT, 1, 0, 0, 0, 0 },

    ngx_http_argo_post_endpoint("chat", "chat", &argo_direct_front,
                                &argo_direct_chat_back, ARGO_MODEL_CHAT),

    ngx_http_argo_post_endpoint("embed", "embed", &argo_direct_embed_front,
                                &argo_direct_embed_back,
                                ARGO_MODEL_EMBEDDING),

    { ngx_string("embeddings"), ngx_string("embeddings"), ngx_string("POST"),
      NGX_HTTP_POST, ngx_http_argo_embeddings_handler, NULL, NULL,
      ARGO_MODEL_EMBEDDING, 1, 0, 0, 0, 0 },

    ngx_http_argo_post_endpoint("messages", "messages",
                                &argo_anthropic_front, NULL,
                                ARGO_MODEL_CHAT),

    { ngx_string("count_tokens"), ngx_string("messages/count_tokens"),
      ngx_string("POST"), NGX_HTTP_POST, ngx_http_argo_count_handler,
      &argo_anthropic_front, NULL, ARGO_MODEL_CHAT, 1, 0, 0, 0, 0 },

    /*
     * Calls of a method are told from the list by their form, not the path,
     * and what is allowed goes by that: the handler looks at it.
     */

    { ngx_string("gemini"), ngx_string("models"),
      ngx_string("GET, HEAD, POST"), NGX_HTTP_ARGO_ANY,
      ngx_http_argo_gemini_handler, &argo_gemini_front, NULL,
      ARGO_MODEL_CHAT, 1, 1, 1, 0, 1 },

    ngx_http_argo_get_endpoint("models", "models",
                               ngx_http_argo_models_handler, 1, 1, 0),

    { ngx_string("refresh"), ngx_string("refresh"), ngx_string("POST"),
      NGX_HTTP_POST, ngx_http_argo_refresh_handler, NULL, NULL,
      ARGO_MODEL_CHAT, 1, 1, 0, 1, 0 },

    ngx_http_argo_get_endpoint("health", "health",
                               ngx_http_argo_health_handler, 0, 0, 1),

    ngx_http_argo_get_endpoint("version", "version",
                               ngx_http_argo_version_handler, 0, 0, 1),

    ngx_http_argo_get_endpoint("root", "", ngx_http_argo_root_handler,
                               0, 0, 1),

    { ngx_null_string, ngx_null_string, ngx_null_string, 0, NULL, NULL, NULL,
      ARGO_MODEL_CHAT, 0, 0, 0, 0, 0 }
};


/* stands for all of them, so it needs what any of them needs */

const ngx_http_argo_endpoint_t  ngx_http_argo_auto = {
    ngx_string("auto"), ngx_null_string, ngx_null_string, 0, NULL, NULL, NULL,
    ARGO_MODEL_CHAT, 1, 1, 0, 0, 0
};


const ngx_http_argo_endpoint_t *
ngx_http_argo_find_endpoint(ngx_str_t *name)
{
    const ngx_http_argo_endpoint_t  *ep;

    if (argo_str_is(name, "auto")) {
        return &ngx_http_argo_auto;
    }

    for (ep = ngx_http_argo_endpoints; ep->name.len; ep++) {

        if (ep->name.len == name->len
            && ngx_strncmp(ep->name.data, name->data, name->len) == 0)
        {
            return ep;
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_argo_endpoint_names(ngx_pool_t *pool, ngx_str_t *names)
{
    u_char                          *p;
    size_t                           len;
    const ngx_http_argo_endpoint_t  *ep;

    len = 0;

    for (ep = ngx_http_argo_endpoints; ep->name.len; ep++) {
        len += ep->name.len + sizeof(", ") - 1;
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    names->data = p;

    for (ep = ngx_http_argo_endpoints; ep->name.len; ep++) {

        if (p != names->data) {
            p = ngx_cpymem(p, ", ", sizeof(", ") - 1);
        }

        p = ngx_cpymem(p, ep->name.data, ep->name.len);
    }

    names->len = p - names->data;

    return NGX_OK;
}


const ngx_http_argo_endpoint_t *
ngx_http_argo_route(ngx_http_request_t *r, ngx_str_t *item)
{
    ngx_str_t                        path;
    ngx_uint_t                       i, beta;
    ngx_http_argo_loc_conf_t        *alcf;
    const ngx_http_argo_endpoint_t  *ep;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    ngx_str_null(item);

    if (alcf->endpoint != &ngx_http_argo_auto) {
        /* the administrator has said which one, the path may be any */
        ngx_http_argo_find_item(r, alcf->endpoint, item);
        return alcf->endpoint;
    }

    for (i = 0; ngx_http_argo_path(r, i, &path, &beta) == NGX_OK; i++) {

        for (ep = ngx_http_argo_endpoints; ep->name.len; ep++) {

            if (ngx_http_argo_match(ep, &path, item)
                && (ep->beta == beta
                    || (ep->beta && r->method == NGX_HTTP_POST)))
            {
                return ep;
            }
        }
    }

    return NULL;
}


/*
 * The path below the API's prefix, which is taken first for all up to a
 * segment "v1" or "v1beta" (a location may be named "/v1/chat/"), then for the
 * location's name.  r->uri has been unescaped by nginx, so what stands there
 * for an item's name may hold any character.  NGX_DECLINED after the last
 * try.
 */

static ngx_int_t
ngx_http_argo_path(ngx_http_request_t *r, ngx_uint_t try, ngx_str_t *path,
    ngx_uint_t *beta)
{
    size_t                     len;
    u_char                    *p, *last;
    ngx_uint_t                 prefix;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    prefix = !clcf->exact_match && r->uri.len >= clcf->name.len
             && ngx_strncmp(r->uri.data, clcf->name.data, clcf->name.len)
                == 0;

#if (NGX_PCRE)
    prefix = prefix && clcf->regex == NULL;
#endif

    last = r->uri.data + r->uri.len;
    len = prefix ? clcf->name.len : r->uri.len;

    *beta = 0;

    switch (try) {

    case 0:
        p = ngx_http_argo_skip_version(r->uri.data, len, last, beta);
        break;

    case 1:
        p = r->uri.data + (prefix ? len : 0);
        break;

    default:
        return NGX_DECLINED;
    }

    while (p < last && *p == '/') {
        p++;
    }

    p += ngx_http_argo_version_at(p, last, beta);

    path->data = p;
    path->len = last - p;

    return NGX_OK;
}


/*
 * What follows the last segment "v1" or "v1beta" that begins within the first
 * n bytes; p if there is none.
 */

static u_char *
ngx_http_argo_skip_version(u_char *p, size_t n, u_char *last,
    ngx_uint_t *beta)
{
    u_char      *end, *found;
    ngx_uint_t   len;

    found = p;

    for (end = p + n; p < end; p++) {

        if (*p != '/') {
            continue;
        }

        len = ngx_http_argo_version_at(p + 1, last, beta);

        if (len && p + 1 + len <= last && p[len] == '/') {
            found = p + 1 + len;
        }
    }

    return found;
}


/* The length of a segment that names a version, and of the slash behind it */

static ngx_uint_t
ngx_http_argo_version_at(u_char *p, u_char *last, ngx_uint_t *beta)
{
    size_t  len;

    if (last - p >= 6 && ngx_strncmp(p, "v1beta", 6) == 0) {
        len = 6;

    } else if (last - p >= 2 && ngx_strncmp(p, "v1", 2) == 0) {
        len = 2;

    } else {
        return 0;
    }

    if (p + len < last && p[len] != '/') {
        return 0;
    }

    *beta = (len == 6);

    return (p + len < last) ? len + 1 : len;
}


static ngx_uint_t
ngx_http_argo_match(const ngx_http_argo_endpoint_t *ep, const ngx_str_t *path,
    ngx_str_t *item)
{
    if (path->len < ep->path.len
        || ngx_strncmp(path->data, ep->path.data, ep->path.len) != 0)
    {
        return 0;
    }

    if (path->len == ep->path.len) {
        return 1;
    }

    if (!ep->item || path->data[ep->path.len] != '/') {
        return 0;
    }

    item->data = path->data + ep->path.len + 1;
    item->len = path->len - ep->path.len - 1;

    return 1;
}


static void
ngx_http_argo_find_item(ngx_http_request_t *r,
    const ngx_http_argo_endpoint_t *ep, ngx_str_t *item)
{
    u_char     *p, *last;
    ngx_str_t   path;

    if (!ep->item) {
        return;
    }

    last = r->uri.data + r->uri.len;

    for (p = r->uri.data; p < last; p++) {

        if (*p != '/') {
            continue;
        }

        path.data = p + 1;
        path.len = last - p - 1;

        if (ngx_http_argo_match(ep, &path, item) && item->len) {
            return;
        }
    }
}


ngx_http_argo_ctx_t *
ngx_http_argo_get_ctx(ngx_http_request_t *r)
{
    ngx_http_argo_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    if (ctx) {
        return ctx;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_argo_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    ngx_http_set_ctx(r, ctx, ngx_http_argo_module);

    ctx->endpoint = ngx_http_argo_route(r, &ctx->item);
    ctx->front = &argo_openai_chat_front;

    if (ctx->endpoint == NULL) {
        ctx->front = ngx_http_argo_guess_front(&r->uri);

    } else if (ctx->endpoint->front) {
        ctx->front = ctx->endpoint->front;
    }

    if (ctx->endpoint && ctx->endpoint->back) {
        ctx->back = ctx->endpoint->back;
    }

    ctx->ttft = -1;

    return ctx;
}


/* whose client it is that asks for what is not there */

static const argo_front_t *
ngx_http_argo_guess_front(ngx_str_t *uri)
{
    if (ngx_strlcasestrn(uri->data, uri->data + uri->len,
                         (u_char *) "/v1beta/", sizeof("/v1beta/") - 2))
    {
        return &argo_gemini_front;
    }

    if (ngx_strlcasestrn(uri->data, uri->data + uri->len,
                         (u_char *) "/messages/", sizeof("/messages/") - 2))
    {
        return &argo_anthropic_front;
    }

    return &argo_openai_chat_front;
}


/*
 * Codex tries a web socket first, and takes any other refusal than 426 for a
 * fault that may pass.
 */

static ngx_uint_t
ngx_http_argo_wants_socket(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    static ngx_str_t  upgrade = ngx_string("upgrade");

    if (r->method != NGX_HTTP_GET) {
        return 0;
    }

    h = ngx_http_argo_find_header(&r->headers_in.headers, &upgrade);

    return h && ngx_strcasestrn(h->value.data, "websocket", 9 - 1) != NULL;
}


ngx_int_t
ngx_http_argo_handler(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    argo_error_t          err;
    ngx_http_argo_ctx_t  *ctx;

    if (r != r->main) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "a subrequest came to a location with "
                      "\"argo_endpoint\": \"argo_upstream\" must name the "
                      "prefix of a location with \"proxy_pass\"");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx = ngx_http_argo_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->endpoint == NULL) {
        argo_error_set(&err, NGX_HTTP_NOT_FOUND, "unknown_url", NULL,
                       "There is nothing at this path");

    } else if (ngx_http_argo_wants_socket(r)) {
        argo_error_set(&err, NGX_HTTP_ARGO_UPGRADE_REQUIRED,
                       "upgrade_not_supported", NULL,
                       "There are no web sockets here: use POST");

    } else if (!(r->method & ctx->endpoint->methods)) {
        rc = ngx_http_argo_add_header(r, "Allow", &ctx->endpoint->allow);
        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        argo_error_set(&err, NGX_HTTP_NOT_ALLOWED, "method_not_allowed",
                       NULL, "This method is not allowed here; the header "
                       "\"Allow\" says which are");

    } else {
        return ctx->endpoint->handler(r);
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_argo_send_error(r, &err);
}


static ngx_int_t
ngx_http_argo_health_handler(ngx_http_request_t *r)
{
    ngx_int_t   rc;
    argo_out_t  out;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);
    argo_out_lit(&out, "{\"status\":\"healthy\"}");

    return ngx_http_argo_send(r, NGX_HTTP_OK, &out);
}
