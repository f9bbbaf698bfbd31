
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Images that a request names by URL: fetched, and sent up as data URLs.
 *
 * The URLs are the client's, and the gateway stands where clients do not: it
 * must not become their way to what only it can reach.  So a host's name is
 * resolved here, every address is judged, and the internal location that
 * fetches is given the very address by variables of the one call.  It has
 * nothing to resolve, so no second answer of a name server can lead it to
 * another place.  A redirect goes the same way from its beginning.
 */


#include "ngx_http_argo.h"

#include "argo_addr.h"
#include "argo_image.h"
#include "argo_url.h"


/* images of one request that are fetched at the same time */
#define NGX_HTTP_ARGO_IMAGE_PARALLEL   4

#define NGX_HTTP_ARGO_IMAGE_REDIRECTS  3

/* addresses of a host that are tried, if nobody is at the first ones */
#define NGX_HTTP_ARGO_IMAGE_ADDRESSES  3

/* of a reply that is no image, nothing is wanted */
#define NGX_HTTP_ARGO_IMAGE_REPLY      (64 * 1024)

#define NGX_HTTP_ARGO_IMAGE_BLOCK      (32 * 1024)


typedef enum {
    NGX_HTTP_ARGO_IMAGE_NEW = 0,        /* its URL is valid */
    NGX_HTTP_ARGO_IMAGE_RESOLVING,
    NGX_HTTP_ARGO_IMAGE_RESOLVED,       /* addresses that may be used */
    NGX_HTTP_ARGO_IMAGE_CALLING,
    NGX_HTTP_ARGO_IMAGE_ENDED,          /* the call is over */
    NGX_HTTP_ARGO_IMAGE_DONE
} ngx_http_argo_image_e;


typedef enum {
    NGX_HTTP_ARGO_IMAGE_VAR_SCHEME = 0,
    NGX_HTTP_ARGO_IMAGE_VAR_ADDRESS,
    NGX_HTTP_ARGO_IMAGE_VAR_HOST,
    NGX_HTTP_ARGO_IMAGE_VAR_NAME,
    NGX_HTTP_ARGO_IMAGE_VAR_URI
} ngx_http_argo_image_variable_e;


typedef struct ngx_http_argo_image_s  ngx_http_argo_image_t;


typedef struct {
    ngx_sockaddr_t             sockaddr;
    socklen_t                  socklen;
    ngx_str_t                  text;        /* with the port */
} ngx_http_argo_image_addr_t;


struct ngx_http_argo_image_s {
    ngx_http_argo_images_t    *images;
    ngx_http_argo_image_t     *next;
    argo_part_t               *part;        /* the first one that names it */
    ngx_uint_t                 uses;

    ngx_http_argo_image_e      state;
    ngx_str_t                  text;        /* of the URL that was named */
    argo_url_t                 url;         /* where it is sought now */
    ngx_uint_t                 redirects;
    ngx_resolver_ctx_t        *resolving;
    ngx_uint_t                 naddrs;
    ngx_uint_t                 addr;        /* the one in use */
    ngx_http_argo_image_addr_t addrs[NGX_HTTP_ARGO_IMAGE_ADDRESSES];

    ngx_http_argo_call_t      *call;
    ngx_str_t                  location;    /* of a redirect */
    size_t                     size;
    argo_image_t               reader;
    argo_out_t                 data;        /* the data URL */
    unsigned                   active:1;
};


struct ngx_http_argo_images_s {
    ngx_http_request_t        *request;
    ngx_http_argo_image_t     *first;
    ngx_http_argo_image_t    **last;
    ngx_uint_t                 n;
    ngx_uint_t                 active;
    uint64_t                   total;       /* bytes of data URLs */
    ngx_event_t                timer;
    argo_error_t               error;       /* status 0: none */
    unsigned                   over:1;
    unsigned                   stepping:1;  /* need not be woken */
};


static ngx_int_t ngx_http_argo_images_start(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static ngx_int_t ngx_http_argo_images_collect(
    ngx_http_argo_images_t *images, argo_part_t *part);
static ngx_int_t ngx_http_argo_images_add(ngx_http_argo_images_t *images,
    argo_part_t *part);
static ngx_int_t ngx_http_argo_images_step(ngx_http_argo_images_t *images);
static void ngx_http_argo_images_stop(ngx_http_argo_images_t *images);
static void ngx_http_argo_images_cleanup(void *data);
static void ngx_http_argo_images_timeout(ngx_event_t *ev);
static void ngx_http_argo_images_wake(ngx_http_argo_images_t *images);

static ngx_int_t ngx_http_argo_image_advance(ngx_http_argo_image_t *image);
static ngx_int_t ngx_http_argo_image_check_url(ngx_http_argo_image_t *image);
static ngx_int_t ngx_http_argo_image_resolve(ngx_http_argo_image_t *image);
static void ngx_http_argo_image_resolved(ngx_resolver_ctx_t *rctx);
static void ngx_http_argo_image_add_literal(ngx_http_argo_image_t *image);
static void ngx_http_argo_image_add_addr(ngx_http_argo_image_t *image,
    struct sockaddr *sockaddr, socklen_t socklen);
static ngx_uint_t ngx_http_argo_image_may_fetch(
    ngx_http_argo_image_conf_t *conf, struct sockaddr *sockaddr);

static ngx_int_t ngx_http_argo_image_call(ngx_http_argo_image_t *image);
static void ngx_http_argo_image_cancel(ngx_http_argo_call_t *call);
static void ngx_http_argo_image_header(ngx_http_request_t *sr,
    ngx_http_argo_call_t *call);
static ngx_uint_t ngx_http_argo_image_is_from(ngx_http_request_t *sr,
    ngx_http_argo_image_t *image);
static ngx_int_t ngx_http_argo_image_bytes(ngx_http_request_t *sr,
    ngx_http_argo_call_t *call, u_char *p, size_t n);
static void ngx_http_argo_image_done(ngx_http_request_t *r,
    ngx_http_argo_call_t *call);
static ngx_int_t ngx_http_argo_image_judge(ngx_http_argo_image_t *image);
static ngx_int_t ngx_http_argo_image_redirect(ngx_http_argo_image_t *image);

static ngx_int_t ngx_http_argo_image_too_large(ngx_http_argo_image_t *image,
    const char *what, size_t limit);
static ngx_int_t ngx_http_argo_image_misconfigured(
    ngx_http_argo_image_t *image);
static ngx_int_t ngx_http_argo_image_fail(ngx_http_argo_image_t *image,
    const char *code, const char *why);
static ngx_int_t ngx_http_argo_images_fail(ngx_http_argo_images_t *images,
    const argo_part_t *part, const char *code, const char *why);

static ngx_int_t ngx_http_argo_image_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_argo_image_text(ngx_http_argo_image_t *image,
    ngx_uint_t which, ngx_str_t *value);
static ngx_int_t ngx_http_argo_image_ignore_accel(ngx_http_request_t *sr);
static ngx_int_t ngx_http_argo_image_limit(ngx_http_argo_image_conf_t *conf,
    ngx_str_t *value);


ngx_http_variable_t  ngx_http_argo_image_vars[] = {

    { ngx_string("argo_image_scheme"), NULL, ngx_http_argo_image_variable,
      NGX_HTTP_ARGO_IMAGE_VAR_SCHEME, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_image_address"), NULL, ngx_http_argo_image_variable,
      NGX_HTTP_ARGO_IMAGE_VAR_ADDRESS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_image_host"), NULL, ngx_http_argo_image_variable,
      NGX_HTTP_ARGO_IMAGE_VAR_HOST, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_image_name"), NULL, ngx_http_argo_image_variable,
      NGX_HTTP_ARGO_IMAGE_VAR_NAME, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("argo_image_uri"), NULL, ngx_http_argo_image_variable,
      NGX_HTTP_ARGO_IMAGE_VAR_URI, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


#define ngx_http_argo_image_conf(images)                                      \
    (&((ngx_http_argo_loc_conf_t *)                                           \
       ngx_http_get_module_loc_conf((images)->request,                        \
                                    ngx_http_argo_module))->image)


ngx_int_t
ngx_http_argo_fetch_images(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_error_t *err)
{
    ngx_int_t                rc;
    ngx_http_argo_images_t  *images;

    if (!ctx->request.fetch_images) {
        return NGX_OK;
    }

    rc = NGX_OK;

    if (ctx->images == NULL) {
        rc = ngx_http_argo_images_start(r, ctx);
    }

    images = ctx->images;

    if (rc == NGX_OK) {
        images->stepping = 1;
        rc = ngx_http_argo_images_step(images);
        images->stepping = 0;
    }

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (images) {
        ngx_http_argo_images_stop(images);
    }

    r->read_event_handler = ngx_http_block_reading;

    if (rc == NGX_DECLINED) {
        *err = images->error;
    }

    return rc;
}


static ngx_int_t
ngx_http_argo_images_start(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_int_t                    rc;
    argo_message_t              *message;
    argo_request_t              *req;
    ngx_http_cleanup_t          *cln;
    ngx_http_argo_images_t      *images;
    ngx_http_argo_image_conf_t  *conf;

    images = ngx_pcalloc(r->pool, sizeof(ngx_http_argo_images_t));
    if (images == NULL) {
        return NGX_ERROR;
    }

    images->request = r;
    images->last = &images->first;

    ctx->images = images;

    /* all that can be refused is, before anybody is asked for anything */

    for (req = &ctx->request; req; req = req->next) {
        for (message = req->messages; message; message = message->next) {

            rc = ngx_http_argo_images_collect(images, message->parts);
            if (rc != NGX_OK) {
                return rc;
            }
        }
    }

    if (images->first == NULL) {
        return NGX_OK;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_argo_images_cleanup;
    cln->data = images;

    conf = ngx_http_argo_image_conf(images);

    images->timer.handler = ngx_http_argo_images_timeout;
    images->timer.data = images;
    images->timer.log = r->connection->log;

    ngx_add_timer(&images->timer, conf->time);

    if (ngx_http_argo_note_request(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_argo_watch_client(r);
}


static ngx_int_t
ngx_http_argo_images_collect(ngx_http_argo_images_t *images,
    argo_part_t *part)
{
    ngx_int_t  rc;

    for ( /* void */ ; part; part = part->next) {

        rc = NGX_OK;

        if (part->type == ARGO_PART_TOOL_RESULT) {
            rc = ngx_http_argo_images_collect(images, part->parts);

        } else if (part->type == ARGO_PART_IMAGE && part->remote) {
            rc = ngx_http_argo_images_add(images, part);

        } else if (part->type == ARGO_PART_IMAGE) {
            images->total += part->text.len;
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_images_add(ngx_http_argo_images_t *images, argo_part_t *part)
{
    u_char                      *p;
    ngx_int_t                    rc;
    ngx_str_t                    text;
    const char                  *why;
    argo_url_t                   url;
    ngx_http_argo_image_t       *image;
    ngx_http_argo_image_conf_t  *conf;

    conf = ngx_http_argo_image_conf(images);

    /* one byte more than is accepted */

    text.data = ngx_pnalloc(images->request->pool, ARGO_URL_MAX + 1);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    p = part->text.data;

    text.len = argo_json_unescape(&p, part->text.data + part->text.len,
                                  text.data, ARGO_URL_MAX + 1);

    if (p != part->text.data + part->text.len) {
        /* what did not fit may have been a character of several bytes */
        return ngx_http_argo_images_fail(images, part, "invalid_image_url",
                                         "is too long");
    }

    rc = argo_url_parse(images->request->pool, &text, &url, &why);

    if (rc == NGX_DECLINED) {
        return ngx_http_argo_images_fail(images, part, "invalid_image_url",
                                         why);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    for (image = images->first; image; image = image->next) {

        if (image->text.len == url.text.len
            && ngx_memcmp(image->text.data, url.text.data, url.text.len) == 0)
        {
            image->uses++;
            part->data = &image->data;
            return NGX_OK;
        }
    }

    if (images->n == conf->count) {
        return ngx_http_argo_images_fail(images, part, "too_many_images",
                                         "is one image more than the gateway "
                                         "fetches for one request");
    }

    image = ngx_pcalloc(images->request->pool, sizeof(ngx_http_argo_image_t));
    if (image == NULL) {
        return NGX_ERROR;
    }

    image->images = images;
    image->part = part;
    image->uses = 1;
    image->text = url.text;
    image->url = url;

    part->data = &image->data;

    *images->last = image;
    images->last = &image->next;
    images->n++;

    return ngx_http_argo_image_check_url(image);
}


/* Does what can be done now; NGX_AGAIN: something is being waited for. */

static ngx_int_t
ngx_http_argo_images_step(ngx_http_argo_images_t *images)
{
    ngx_int_t               rc;
    ngx_uint_t              left;
    ngx_http_argo_image_t  *image;

    left = 0;

    for (image = images->first; image; image = image->next) {

        if (images->error.status) {
            return NGX_DECLINED;
        }

        rc = ngx_http_argo_image_advance(image);
        if (rc != NGX_OK) {
            return rc;
        }

        if (image->state != NGX_HTTP_ARGO_IMAGE_DONE) {
            left++;
        }
    }

    return left ? NGX_AGAIN : NGX_OK;
}


static void
ngx_http_argo_images_stop(ngx_http_argo_images_t *images)
{
    ngx_http_argo_image_t  *image;

    ngx_http_argo_images_cleanup(images);

    for (image = images->first; image; image = image->next) {
        if (image->call && !image->call->ended) {
            ngx_http_argo_image_cancel(image->call);
        }
    }
}


static void
ngx_http_argo_images_cleanup(void *data)
{
    ngx_http_argo_images_t *images = data;

    ngx_http_argo_image_t  *image;

    images->over = 1;

    if (images->timer.timer_set) {
        ngx_del_timer(&images->timer);
    }

    for (image = images->first; image; image = image->next) {

        if (image->resolving) {
            ngx_resolve_name_done(image->resolving);
            image->resolving = NULL;
        }
    }
}


static void
ngx_http_argo_images_timeout(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_http_argo_image_t   *image;
    ngx_http_argo_images_t  *images;

    images = ev->data;
    c = images->request->connection;

    ngx_http_set_log_request(c->log, images->request);

    for (image = images->first; image; image = image->next) {

        if (image->state != NGX_HTTP_ARGO_IMAGE_DONE) {
            (void) ngx_http_argo_image_fail(image, "image_fetch_failed",
                                            "could not be fetched within the "
                                            "time that the gateway allows");
            break;
        }
    }

    ngx_http_run_posted_requests(c);
}


/* The worker ends: it is nothing that the client has done. */

ngx_uint_t
ngx_http_argo_end_images(ngx_http_argo_ctx_t *ctx)
{
    ngx_connection_t        *c;
    ngx_http_argo_image_t   *image;
    ngx_http_argo_images_t  *images;

    images = ctx->images;

    if (images == NULL || images->over) {
        return 0;
    }

    c = images->request->connection;

    ngx_http_set_log_request(c->log, images->request);

    if (images->error.status == 0) {
        (void) ngx_http_argo_shutdown_error(&images->error);
    }

    for (image = images->first; image; image = image->next) {
        if (image->call) {
            image->call->error = images->error;
        }
    }

    ngx_http_argo_images_wake(images);
    ngx_http_run_posted_requests(c);

    return 1;
}


/* As when a call is over: posted twice, it could be finalized twice. */

static void
ngx_http_argo_images_wake(ngx_http_argo_images_t *images)
{
    ngx_http_argo_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(images->request, ngx_http_argo_module);

    if (images->stepping || ctx->resume == NULL || ctx->woken) {
        return;
    }

    if (ngx_http_post_request(images->request, NULL) == NGX_OK) {
        ctx->woken = 1;
    }
}


static ngx_int_t
ngx_http_argo_image_advance(ngx_http_argo_image_t *image)
{
    ngx_int_t                rc;
    ngx_http_argo_images_t  *images;

    images = image->images;

    for ( ;; ) {

        switch (image->state) {

        case NGX_HTTP_ARGO_IMAGE_NEW:

            if (!image->active) {

                if (images->active == NGX_HTTP_ARGO_IMAGE_PARALLEL) {
                    return NGX_OK;
                }

                image->active = 1;
                images->active++;
            }

            rc = ngx_http_argo_image_resolve(image);
            break;

        case NGX_HTTP_ARGO_IMAGE_RESOLVED:
            rc = ngx_http_argo_image_call(image);
            break;

        case NGX_HTTP_ARGO_IMAGE_ENDED:
            rc = ngx_http_argo_image_judge(image);

            if (image->state == NGX_HTTP_ARGO_IMAGE_DONE) {
                images->active--;
            }

            break;

        default: /* RESOLVING, CALLING, DONE */
            return NGX_OK;
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }
}


/* What the configuration says about a URL, apart from its host. */

static ngx_int_t
ngx_http_argo_image_check_url(ngx_http_argo_image_t *image)
{
    in_port_t                   *port;
    ngx_uint_t                   i;
    ngx_http_argo_image_conf_t  *conf;

    conf = ngx_http_argo_image_conf(image->images);

    if (!image->url.tls && !conf->http) {
        return ngx_http_argo_image_fail(image, "invalid_image_url",
                                        "must begin with https://");
    }

    if (conf->ports == NULL) {

        if (image->url.port == 443 || image->url.port == 80) {
            return NGX_OK;
        }

    } else {
        port = conf->ports->elts;

        for (i = 0; i < conf->ports->nelts; i++) {
            if (port[i] == image->url.port) {
                return NGX_OK;
            }
        }
    }

    return ngx_http_argo_image_fail(image, "invalid_image_url",
                                    "has a port in it that the gateway does "
                                    "not fetch from");
}


static ngx_int_t
ngx_http_argo_image_resolve(ngx_http_argo_image_t *image)
{
    ngx_http_request_t        *r;
    ngx_resolver_ctx_t        *rctx;
    ngx_http_core_loc_conf_t  *clcf;

    r = image->images->request;

    image->naddrs = 0;
    image->addr = 0;

    if (image->url.addr.len) {
        ngx_http_argo_image_add_literal(image);
        image->state = NGX_HTTP_ARGO_IMAGE_RESOLVED;
        return NGX_OK;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    rctx = ngx_resolve_start(clcf->resolver, NULL);

    if (rctx == NULL || rctx == NGX_NO_RESOLVER) {
        return NGX_ERROR;
    }

    rctx->name = image->url.host;
    rctx->handler = ngx_http_argo_image_resolved;
    rctx->data = image;
    rctx->timeout = clcf->resolver_timeout;

    image->state = NGX_HTTP_ARGO_IMAGE_RESOLVING;
    image->resolving = rctx;

    if (ngx_resolve_name(rctx) != NGX_OK) {
        image->resolving = NULL;
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Called at once if the answer is known, and then nobody is to be woken. */

static void
ngx_http_argo_image_resolved(ngx_resolver_ctx_t *rctx)
{
    ngx_uint_t              i, v6, async;
    struct sockaddr        *sockaddr;
    ngx_connection_t       *c;
    ngx_http_argo_image_t  *image;

    image = rctx->data;
    c = image->images->request->connection;
    async = rctx->async;

    ngx_http_set_log_request(c->log, image->images->request);

    image->resolving = NULL;
    image->state = NGX_HTTP_ARGO_IMAGE_RESOLVED;

    if (rctx->state) {
        ngx_log_error(NGX_LOG_INFO, c->log, 0,
                      "host \"%V\" of an image could not be resolved (%i: %s)",
                      &rctx->name, rctx->state,
                      ngx_resolver_strerror(rctx->state));

        rctx->naddrs = 0;
    }

    /* a machine may have no way to IPv6, and there's no waiting for that */

    for (v6 = 0; v6 < 2; v6++) {

        for (i = 0; i < rctx->naddrs; i++) {
            sockaddr = rctx->addrs[i].sockaddr;

            if ((sockaddr->sa_family != AF_INET) == v6) {
                ngx_http_argo_image_add_addr(image, sockaddr,
                                             rctx->addrs[i].socklen);
            }
        }
    }

    ngx_resolve_name_done(rctx);

    if (async) {
        ngx_http_argo_images_wake(image->images);
        ngx_http_run_posted_requests(c);
    }
}


static void
ngx_http_argo_image_add_literal(ngx_http_argo_image_t *image)
{
    argo_addr_t          *addr;
    struct sockaddr_in    sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6   sin6;
#endif

    addr = &image->url.addr;

    if (addr->len == ARGO_ADDR_V4) {
        ngx_memzero(&sin, sizeof(struct sockaddr_in));

        sin.sin_family = AF_INET;
        ngx_memcpy(&sin.sin_addr, addr->data, ARGO_ADDR_V4);

        ngx_http_argo_image_add_addr(image, (struct sockaddr *) &sin,
                                     sizeof(struct sockaddr_in));
        return;
    }

#if (NGX_HAVE_INET6)

    ngx_memzero(&sin6, sizeof(struct sockaddr_in6));

    sin6.sin6_family = AF_INET6;
    ngx_memcpy(&sin6.sin6_addr, addr->data, ARGO_ADDR_V6);

    ngx_http_argo_image_add_addr(image, (struct sockaddr *) &sin6,
                                 sizeof(struct sockaddr_in6));

#endif
}


static void
ngx_http_argo_image_add_addr(ngx_http_argo_image_t *image,
    struct sockaddr *sockaddr, socklen_t socklen)
{
    u_char                      *p;
    ngx_http_request_t          *r;
    ngx_http_argo_image_addr_t  *addr;

    r = image->images->request;

    if (image->naddrs == NGX_HTTP_ARGO_IMAGE_ADDRESSES) {
        return;
    }

    p = ngx_pnalloc(r->pool, NGX_SOCKADDR_STRLEN);
    if (p == NULL) {
        return;
    }

    addr = &image->addrs[image->naddrs];

    ngx_memcpy(&addr->sockaddr, sockaddr, socklen);
    ngx_inet_set_port(&addr->sockaddr.sockaddr, image->url.port);

    addr->socklen = socklen;
    addr->text.data = p;
    addr->text.len = ngx_sock_ntop(&addr->sockaddr.sockaddr, socklen, p,
                                   NGX_SOCKADDR_STRLEN, 1);

    if (!ngx_http_argo_image_may_fetch(ngx_http_argo_image_conf(image->images),
                                       sockaddr))
    {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "nothing is fetched from %V, an address of the image "
                      "host \"%V\"", &addr->text, &image->url.host);
        return;
    }

    image->naddrs++;
}


static ngx_uint_t
ngx_http_argo_image_may_fetch(ngx_http_argo_image_conf_t *conf,
    struct sockaddr *sockaddr)
{
    argo_addr_t           addr;
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    if (conf->allow && ngx_cidr_match(sockaddr, conf->allow) == NGX_OK) {
        return 1;
    }

    if (conf->deny && ngx_cidr_match(sockaddr, conf->deny) == NGX_OK) {
        return 0;
    }

    switch (sockaddr->sa_family) {

    case AF_INET:
        sin = (struct sockaddr_in *) sockaddr;

        addr.len = ARGO_ADDR_V4;
        ngx_memcpy(addr.data, &sin->sin_addr, ARGO_ADDR_V4);
        break;

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sockaddr;

        addr.len = ARGO_ADDR_V6;
        ngx_memcpy(addr.data, &sin6->sin6_addr, ARGO_ADDR_V6);
        break;
#endif

    default:
        return 0;
    }

    return argo_addr_public(&addr);
}


static ngx_int_t
ngx_http_argo_image_call(ngx_http_argo_image_t *image)
{
    ngx_http_request_t    *r;
    ngx_http_argo_call_t  *call;

    r = image->images->request;

    if (image->naddrs == 0) {

        /* which of the two it is would tell of names that are not public */

        return ngx_http_argo_image_fail(image, "image_fetch_failed",
                                        "names a host that does not exist or "
                                        "has no address that the gateway "
                                        "fetches from");
    }

    call = ngx_pcalloc(r->pool, sizeof(ngx_http_argo_call_t));
    if (call == NULL) {
        return NGX_ERROR;
    }

    call->uri = ngx_http_argo_image_conf(image->images)->fetch;
    call->method = NGX_HTTP_GET;
    call->background = 1;
    call->detached = 1;
    call->limit = NGX_HTTP_ARGO_IMAGE_REPLY;
    call->header = ngx_http_argo_image_header;
    call->bytes = ngx_http_argo_image_bytes;
    call->done = ngx_http_argo_image_done;
    call->data = image;

    ngx_str_set(&call->how.accept,
                "image/png, image/jpeg, image/gif, image/webp");

    image->call = call;
    image->state = NGX_HTTP_ARGO_IMAGE_CALLING;

    ngx_str_null(&image->location);

    argo_out_init(&image->data, r->pool, NGX_HTTP_ARGO_IMAGE_BLOCK, NULL, 0);
    argo_image_init(&image->reader, &image->data);

    return ngx_http_argo_start_call(r, call);
}


/*
 * Ends a call that nobody needs any more, as the end of the whole request
 * would: what its server still has to say could take for ever.
 */

static void
ngx_http_argo_image_cancel(ngx_http_argo_call_t *call)
{
    ngx_http_upstream_t  *u;
    ngx_http_cleanup_pt   cleanup;

    call->ended = 1;

    u = call->sr->upstream;

    /* one that has not been begun will find no address */

    if (u && u->cleanup) {
        cleanup = *u->cleanup;
        cleanup(call->sr);
    }
}


static void
ngx_http_argo_image_header(ngx_http_request_t *sr, ngx_http_argo_call_t *call)
{
    ngx_table_elt_t             *h;
    ngx_http_argo_image_t       *image;
    ngx_http_argo_image_conf_t  *conf;

    static const ngx_str_t  location = ngx_string("Location");

    image = call->data;
    conf = ngx_http_argo_image_conf(image->images);

    if (!ngx_http_argo_image_is_from(sr, image)) {
        ngx_log_error(NGX_LOG_ERR, sr->connection->log, 0,
                      "the location \"%V\" that \"argo_image_fetch\" names "
                      "has not fetched from the address that it was given: "
                      "\"proxy_pass $argo_image_scheme://"
                      "$argo_image_address$argo_image_uri;\" is needed, and "
                      "no cache", &conf->fetch);

        (void) ngx_http_argo_image_misconfigured(image);
        return;
    }

    if (call->status != NGX_HTTP_OK) {

        /* its body says nothing more, however long it is */

        h = ngx_http_argo_find_header(&sr->headers_out.headers, &location);

        if (h) {
            image->location = h->value;
        }

        ngx_http_argo_image_done(sr->parent, call);
        return;
    }

    if (sr->headers_out.content_length_n > (off_t) conf->size) {
        (void) ngx_http_argo_image_too_large(image, "is an image of more "
                                             "than ", conf->size);
    }
}


/* Whether a reply has come from the address that was judged. */

static ngx_uint_t
ngx_http_argo_image_is_from(ngx_http_request_t *sr,
    ngx_http_argo_image_t *image)
{
    ngx_http_upstream_t         *u;
    ngx_http_argo_image_addr_t  *addr;

    u = sr->upstream;
    addr = &image->addrs[image->addr];

    if (u == NULL || u->peer.sockaddr == NULL) {
        return 0;
    }

#if (NGX_HTTP_SSL)
    if (u->ssl != image->url.tls) {
        return 0;
    }
#endif

    return ngx_cmp_sockaddr(u->peer.sockaddr, u->peer.socklen,
                            &addr->sockaddr.sockaddr, addr->socklen, 1)
           == NGX_OK;
}


static ngx_int_t
ngx_http_argo_image_bytes(ngx_http_request_t *sr, ngx_http_argo_call_t *call,
    u_char *p, size_t n)
{
    ngx_int_t                    rc;
    ngx_http_argo_image_t       *image;
    ngx_http_argo_images_t      *images;
    ngx_http_argo_image_conf_t  *conf;

    image = call->data;
    images = image->images;
    conf = ngx_http_argo_image_conf(images);

    if (images->over || images->error.status) {
        return NGX_OK;
    }

    if (n > conf->size - image->size) {
        (void) ngx_http_argo_image_too_large(image, "is an image of more "
                                             "than ", conf->size);
        return NGX_OK;
    }

    image->size += n;

    /* as it goes up, as often as it does */

    images->total += (uint64_t) n * image->uses * 4 / 3;

    if (images->total > conf->total) {
        (void) ngx_http_argo_image_too_large(image, "makes the images of "
                                             "this request together, as data "
                                             "URLs, larger than ",
                                             conf->total);
        return NGX_OK;
    }

    rc = argo_image_write(&image->reader, p, n);

    if (rc == NGX_DECLINED) {
        (void) ngx_http_argo_image_fail(image, "unsupported_image",
                                        "is not a PNG, JPEG, GIF or WebP "
                                        "image");
        return NGX_OK;
    }

    return rc;
}


static void
ngx_http_argo_image_done(ngx_http_request_t *r, ngx_http_argo_call_t *call)
{
    ngx_http_argo_image_t  *image;

    image = call->data;

    image->state = NGX_HTTP_ARGO_IMAGE_ENDED;

    if (!image->images->over) {
        ngx_http_argo_images_wake(image->images);
    }
}


/* What a call has come to. */

static ngx_int_t
ngx_http_argo_image_judge(ngx_http_argo_image_t *image)
{
    ngx_int_t              rc;
    argo_error_t           why;
    ngx_http_argo_call_t  *call;

    call = image->call;

    if (!call->ended) {
        ngx_http_argo_image_cancel(call);
    }

    if (call->sr->upstream == NULL
        || (call->rc == NGX_HTTP_INTERNAL_SERVER_ERROR && call->status == 0))
    {
        ngx_log_error(NGX_LOG_ERR, call->sr->connection->log, 0,
                      "the location \"%V\" that \"argo_image_fetch\" names "
                      "is not configured as it must be",
                      &ngx_http_argo_image_conf(image->images)->fetch);

        return ngx_http_argo_image_misconfigured(image);
    }

    if (call->status == 0 || call->rc >= NGX_HTTP_SPECIAL_RESPONSE) {

        if (image->addr + 1 < image->naddrs) {
            image->addr++;
            image->state = NGX_HTTP_ARGO_IMAGE_RESOLVED;
            return NGX_OK;
        }

        return ngx_http_argo_image_fail(image, "image_fetch_failed",
                                        call->rc == NGX_HTTP_GATEWAY_TIME_OUT
                                        ? "could not be fetched: its server "
                                          "did not answer in time"
                                        : "could not be fetched: its server "
                                          "could not be reached");
    }

    if (image->location.len && call->status < NGX_HTTP_BAD_REQUEST) {
        return ngx_http_argo_image_redirect(image);
    }

    if (call->status != NGX_HTTP_OK) {

        rc = argo_error_setf(image->images->request->pool, &why, 400, NULL,
                             NULL, "zi", "could not be fetched: its server "
                             "answered ", (ngx_int_t) call->status);

        return (rc == NGX_DECLINED)
               ? ngx_http_argo_image_fail(image, "image_fetch_failed",
                                          (char *) why.message.data)
               : NGX_ERROR;
    }

    if (call->error.status) {
        return ngx_http_argo_image_fail(image, "image_fetch_failed",
                                        "could not be fetched: its server "
                                        "sent it in a form that the gateway "
                                        "has not asked for");
    }

    if (!call->last || call->rc != NGX_OK) {
        return ngx_http_argo_image_fail(image, "image_fetch_failed",
                                        "could not be fetched: its server "
                                        "broke off in the middle");
    }

    rc = argo_image_end(&image->reader);

    if (rc == NGX_DECLINED) {
        return ngx_http_argo_image_fail(image, "unsupported_image",
                                        "is not a PNG, JPEG, GIF or WebP "
                                        "image");
    }

    image->state = NGX_HTTP_ARGO_IMAGE_DONE;

    return rc;
}


static ngx_int_t
ngx_http_argo_image_redirect(ngx_http_argo_image_t *image)
{
    ngx_int_t    rc;
    const char  *why;
    argo_url_t   url;

    switch (image->call->status) {

    case NGX_HTTP_MOVED_PERMANENTLY:
    case NGX_HTTP_MOVED_TEMPORARILY:
    case NGX_HTTP_SEE_OTHER:
    case NGX_HTTP_TEMPORARY_REDIRECT:
    case NGX_HTTP_PERMANENT_REDIRECT:
        break;

    default:
        return ngx_http_argo_image_fail(image, "image_fetch_failed",
                                        "could not be fetched: its server "
                                        "answered with a redirect of an "
                                        "unknown kind");
    }

    if (image->redirects == NGX_HTTP_ARGO_IMAGE_REDIRECTS) {
        return ngx_http_argo_image_fail(image, "image_fetch_failed",
                                        "could not be fetched: its server "
                                        "redirects too often");
    }

    image->redirects++;

    rc = argo_url_resolve(image->images->request->pool, &image->url,
                          &image->location, &url, &why);

    if (rc == NGX_DECLINED) {
        return ngx_http_argo_image_fail(image, "image_fetch_failed",
                                        "could not be fetched: its server "
                                        "redirects to an invalid URL");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (image->url.tls && !url.tls) {
        return ngx_http_argo_image_fail(image, "image_fetch_failed",
                                        "could not be fetched: its server "
                                        "redirects from https to http");
    }

    image->url = url;
    image->state = NGX_HTTP_ARGO_IMAGE_NEW;

    return ngx_http_argo_image_check_url(image);
}


static ngx_int_t
ngx_http_argo_image_too_large(ngx_http_argo_image_t *image, const char *what,
    size_t limit)
{
    argo_error_t  why;

    if (argo_error_setf(image->images->request->pool, &why, 400, NULL, NULL,
                        "ziz", what, (ngx_int_t) limit, " bytes")
        != NGX_DECLINED)
    {
        return NGX_ERROR;
    }

    return ngx_http_argo_image_fail(image, "image_too_large",
                                    (char *) why.message.data);
}


static ngx_int_t
ngx_http_argo_image_misconfigured(ngx_http_argo_image_t *image)
{
    ngx_http_argo_images_t  *images;

    images = image->images;

    if (images->error.status == 0) {
        argo_error_set(&images->error, NGX_HTTP_INTERNAL_SERVER_ERROR,
                       "configuration", NULL,
                       "The gateway's way to images is not configured as it "
                       "must be; its error log says more");
    }

    if (image->call) {
        image->call->error = images->error;
    }

    ngx_http_argo_images_wake(images);

    return NGX_DECLINED;
}


/* Ends it all, when the request is woken; a query may hold a key: no log. */

static ngx_int_t
ngx_http_argo_image_fail(ngx_http_argo_image_t *image, const char *code,
    const char *why)
{
    ngx_int_t                rc;
    ngx_http_argo_images_t  *images;

    images = image->images;

    if (images->error.status) {
        return NGX_DECLINED;
    }

    ngx_log_error(NGX_LOG_INFO, images->request->connection->log, 0,
                  "image \"%s://%V%V\" %s",
                  image->url.tls ? "https" : "http", &image->url.authority,
                  &image->url.path, why);

    rc = ngx_http_argo_images_fail(images, image->part, code, why);

    if (rc == NGX_DECLINED && image->call) {
        /* the filters take nothing more of it */
        image->call->error = images->error;
    }

    ngx_http_argo_images_wake(images);

    return rc;
}


static ngx_int_t
ngx_http_argo_images_fail(ngx_http_argo_images_t *images,
    const argo_part_t *part, const char *code, const char *why)
{
    ngx_int_t  rc;

    rc = argo_error_setf(images->request->pool, &images->error,
                         NGX_HTTP_BAD_REQUEST, code, NULL, "Vzz",
                         &part->param, " ", why);

    if (rc == NGX_DECLINED) {
        images->error.param = part->param;
    }

    return rc;
}


/*
 * Subrequests share the values of variables, so these are never cached, and
 * tell each of its own call.
 */

static ngx_int_t
ngx_http_argo_image_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t               value;
    ngx_http_argo_ctx_t    *ctx;
    ngx_http_argo_call_t   *call;
    ngx_http_argo_image_t  *image;

    call = (r == r->main) ? NULL : ngx_http_argo_find_call(r, &ctx);

    if (call == NULL || call->done != ngx_http_argo_image_done) {
        v->not_found = 1;
        return NGX_OK;
    }

    image = call->data;

    if (call->ended || image->call != call
        || ngx_http_argo_image_ignore_accel(r) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_argo_image_text(image, data, &value);

    v->data = value.data;
    v->len = value.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static void
ngx_http_argo_image_text(ngx_http_argo_image_t *image, ngx_uint_t which,
    ngx_str_t *value)
{
    switch (which) {

    case NGX_HTTP_ARGO_IMAGE_VAR_SCHEME:

        if (image->url.tls) {
            ngx_str_set(value, "https");

        } else {
            ngx_str_set(value, "http");
        }

        break;

    case NGX_HTTP_ARGO_IMAGE_VAR_ADDRESS:
        *value = image->addrs[image->addr].text;
        break;

    case NGX_HTTP_ARGO_IMAGE_VAR_HOST:
        *value = image->url.authority;
        break;

    case NGX_HTTP_ARGO_IMAGE_VAR_NAME:
        *value = image->url.host;
        break;

    default: /* NGX_HTTP_ARGO_IMAGE_VAR_URI */
        *value = image->url.uri;
    }
}


/*
 * A server that is anybody's must not choose a location of ours, whatever the
 * one that fetches says about X-Accel-Redirect.  When the address is asked
 * for, nginx has not yet set what is changed here; when the headers are made,
 * it has.
 */

static ngx_int_t
ngx_http_argo_image_ignore_accel(ngx_http_request_t *sr)
{
    ngx_http_upstream_t       *u;
    ngx_http_upstream_conf_t  *conf;

    u = sr->upstream;

    if (u == NULL || u->conf == NULL
        || (u->conf->ignore_headers & NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT))
    {
        return NGX_OK;
    }

    conf = ngx_palloc(sr->pool, sizeof(ngx_http_upstream_conf_t));
    if (conf == NULL) {
        return NGX_ERROR;
    }

    *conf = *u->conf;

    conf->ignore_headers |= NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT
                            |NGX_HTTP_UPSTREAM_IGN_XA_LIMIT_RATE;
    u->conf = conf;

    return NGX_OK;
}


void
ngx_http_argo_init_image_conf(ngx_http_argo_image_conf_t *conf)
{
    ngx_str_null(&conf->fetch);

    conf->http = NGX_CONF_UNSET;
    conf->ports = NGX_CONF_UNSET_PTR;
    conf->allow = NGX_CONF_UNSET_PTR;
    conf->deny = NGX_CONF_UNSET_PTR;
    conf->count = NGX_CONF_UNSET_UINT;
    conf->size = NGX_CONF_UNSET_SIZE;
    conf->total = NGX_CONF_UNSET_SIZE;
    conf->time = NGX_CONF_UNSET_MSEC;
}


void
ngx_http_argo_merge_image_conf(ngx_http_argo_image_conf_t *conf,
    ngx_http_argo_image_conf_t *prev)
{
    if (conf->fetch.data == NULL) {
        conf->fetch = prev->fetch;
    }

    ngx_conf_init_value(conf->http, prev->http);
    ngx_conf_init_ptr_value(conf->ports, prev->ports);
    ngx_conf_init_ptr_value(conf->allow, prev->allow);
    ngx_conf_init_ptr_value(conf->deny, prev->deny);
    ngx_conf_init_uint_value(conf->count, prev->count);
    ngx_conf_init_size_value(conf->size, prev->size);
    ngx_conf_init_size_value(conf->total, prev->total);
    ngx_conf_init_msec_value(conf->time, prev->time);

    ngx_conf_init_value(conf->http, 0);
    ngx_conf_init_ptr_value(conf->ports, NULL);
    ngx_conf_init_ptr_value(conf->allow, NULL);
    ngx_conf_init_ptr_value(conf->deny, NULL);
    ngx_conf_init_uint_value(conf->count, 20);
    ngx_conf_init_size_value(conf->size, 10 * 1024 * 1024);
    ngx_conf_init_size_value(conf->total, 20 * 1024 * 1024);
    ngx_conf_init_msec_value(conf->time, 60000);
}


ngx_int_t
ngx_http_argo_check_image_conf(ngx_conf_t *cf, ngx_http_argo_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (conf->image.fetch.len == 0) {
        return NGX_OK;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->resolver && clcf->resolver->connections.nelts) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"argo_image_fetch %V\" needs \"resolver address;\", the "
                  "name server that knows the hosts of images, for "
                  "\"argo_endpoint\" in %V:%ui",
                  &conf->image.fetch, &conf->file, conf->line);

    return NGX_ERROR;
}


char *
ngx_http_argo_image_fetch(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_argo_loc_conf_t *alcf = conf;

    ngx_str_t  *value;

    if (alcf->image.fetch.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (argo_str_is(&value[1], "off")) {
        ngx_str_set(&alcf->image.fetch, "");
        return NGX_CONF_OK;
    }

    if (value[1].len == 0 || value[1].data[0] != '/') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid prefix \"%V\" in \"%V\": it must begin "
                           "with \"/\", as the internal location does that "
                           "it names, or be \"off\"",
                           &value[1], &cmd->name);
        return NGX_CONF_ERROR;
    }

    alcf->image.fetch = value[1];

    return NGX_CONF_OK;
}


char *
ngx_http_argo_image_ports(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_argo_loc_conf_t *alcf = conf;

    ngx_int_t    n;
    in_port_t   *port;
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (alcf->image.ports != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    alcf->image.ports = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                         sizeof(in_port_t));
    if (alcf->image.ports == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        n = ngx_atoi(value[i].data, value[i].len);

        if (n < 1 || n > 65535) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid port \"%V\" in \"%V\"",
                               &value[i], &cmd->name);
            return NGX_CONF_ERROR;
        }

        port = ngx_array_push(alcf->image.ports);
        if (port == NULL) {
            return NGX_CONF_ERROR;
        }

        *port = (in_port_t) n;
    }

    return NGX_CONF_OK;
}


/* argo_image_allow and argo_image_deny; cmd->offset says which */

char *
ngx_http_argo_image_networks(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_int_t     rc;
    ngx_str_t    *value;
    ngx_cidr_t   *cidr;
    ngx_uint_t    i;
    ngx_array_t **networks;

    networks = (ngx_array_t **) (p + cmd->offset);

    if (*networks == NGX_CONF_UNSET_PTR) {
        *networks = ngx_array_create(cf->pool, 4, sizeof(ngx_cidr_t));
        if (*networks == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        cidr = ngx_array_push(*networks);
        if (cidr == NULL) {
            return NGX_CONF_ERROR;
        }

        rc = ngx_ptocidr(&value[i], cidr);

        if (rc == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid network \"%V\" in \"%V\": it must be "
                               "an address or one with a mask, "
                               "\"10.1.0.0/16\"",
                               &value[i], &cmd->name);
            return NGX_CONF_ERROR;
        }

        if (rc == NGX_DONE) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "low address bits of %V are meaningless",
                               &value[i]);
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_argo_image_limits(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_argo_loc_conf_t *alcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_argo_image_limit(&alcf->image, &value[i]) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" in \"%V\": it can "
                               "be \"count=20\", \"size=10m\", \"total=20m\" "
                               "or \"time=60s\"",
                               &value[i], &cmd->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_argo_image_limit(ngx_http_argo_image_conf_t *conf, ngx_str_t *value)
{
    ssize_t      size;
    ngx_int_t    n;
    ngx_str_t    text;
    ngx_uint_t   is_size;

    is_size = ngx_strncmp(value->data, "size=", 5) == 0;

    if (is_size || ngx_strncmp(value->data, "total=", 6) == 0) {

        text.data = value->data + (is_size ? 5 : 6);
        text.len = value->data + value->len - text.data;

        size = ngx_parse_size(&text);

        if (size == NGX_ERROR || size == 0) {
            return NGX_ERROR;
        }

        if (is_size) {
            conf->size = size;

        } else {
            conf->total = size;
        }

        return NGX_OK;
    }

    if (ngx_strncmp(value->data, "count=", 6) == 0) {
        n = ngx_atoi(value->data + 6, value->len - 6);

        if (n == NGX_ERROR || n == 0) {
            return NGX_ERROR;
        }

        conf->count = n;

        return NGX_OK;
    }

    if (ngx_strncmp(value->data, "time=", 5) == 0) {
        text.data = value->data + 5;
        text.len = value->len - 5;

        n = ngx_parse_time(&text, 0);

        if (n == NGX_ERROR || n == 0) {
            return NGX_ERROR;
        }

        conf->time = (ngx_msec_t) n;

        return NGX_OK;
    }

    return NGX_ERROR;
}
