
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Memory in which a large request is converted.  Its tree and its conversation
 * are some thousand small things, and malloc() gives what they took
 * back to the kernel at the end of each request, to fetch it page by page for
 * the next.  So a worker keeps a few pools, with blocks larger than those of
 * a request.
 */


#include "ngx_http_argo.h"


/* requests with smaller bodies take what they need from their own pool */
#define NGX_HTTP_ARGO_LARGE_BODY   (64 * 1024)

#define NGX_HTTP_ARGO_POOL_BLOCK   (64 * 1024)

/* of blocks in a pool, and of pools: what a worker keeps at most is 4 MB */
#define NGX_HTTP_ARGO_KEPT_BLOCKS  16
#define NGX_HTTP_ARGO_KEPT_POOLS   4


static void ngx_http_argo_release_pool(void *data);
static ngx_uint_t ngx_http_argo_keeps_pool(ngx_pool_t *pool);


/* a worker's; what it keeps goes with it */

static ngx_pool_t  *ngx_http_argo_pools[NGX_HTTP_ARGO_KEPT_POOLS];
static ngx_uint_t   ngx_http_argo_npools;


ngx_pool_t *
ngx_http_argo_get_pool(ngx_http_request_t *r, size_t size)
{
    ngx_pool_t          *pool;
    ngx_pool_cleanup_t  *cln;

    if (size < NGX_HTTP_ARGO_LARGE_BODY) {
        return r->pool;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    if (ngx_http_argo_npools) {
        pool = ngx_http_argo_pools[--ngx_http_argo_npools];
        pool->log = r->connection->log;

    } else {
        pool = ngx_create_pool(NGX_HTTP_ARGO_POOL_BLOCK, r->connection->log);
        if (pool == NULL) {
            return NULL;
        }
    }

    cln->handler = ngx_http_argo_release_pool;
    cln->data = pool;

    return pool;
}


static void
ngx_http_argo_release_pool(void *data)
{
    ngx_pool_t *pool = data;

    /* that of the connection ends before the pool */
    pool->log = ngx_cycle->log;

    if (!ngx_http_argo_keeps_pool(pool)) {
        ngx_destroy_pool(pool);
        return;
    }

    ngx_reset_pool(pool);

    ngx_http_argo_pools[ngx_http_argo_npools++] = pool;
}


static ngx_uint_t
ngx_http_argo_keeps_pool(ngx_pool_t *pool)
{
#if (NGX_DEBUG_PALLOC)

    /* what is used after its request should be seen */

    return 0;

#else

    ngx_uint_t   n;

    for (n = 0; pool; pool = pool->d.next) {
        n++;
    }

    return n <= NGX_HTTP_ARGO_KEPT_BLOCKS
           && ngx_http_argo_npools < NGX_HTTP_ARGO_KEPT_POOLS;

#endif
}
