
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Stand-ins for nginx's pool functions, so that core/ and convert/ can be
 * tested without nginx.  Every allocation is a malloc() of its own and of
 * just the size asked for: a sanitizer or valgrind sees any overrun.
 */


#include "ngx_shim.h"


static void *ngx_shim_alloc(ngx_pool_t *pool, size_t size);
static void *ngx_shim_malloc(size_t size);
static void ngx_shim_free_all(ngx_pool_t *pool);


static ngx_uint_t  ngx_shim_fail_at;
static ngx_uint_t  ngx_shim_hit;
static ngx_uint_t  ngx_shim_allocs;
static ngx_uint_t  ngx_shim_live;


void
ngx_shim_fail(ngx_uint_t n)
{
    ngx_shim_fail_at = n;
    ngx_shim_hit = 0;
    ngx_shim_allocs = 0;
}


ngx_uint_t
ngx_shim_failed(void)
{
    return ngx_shim_hit;
}


ngx_uint_t
ngx_shim_count(void)
{
    return ngx_shim_allocs;
}


ngx_uint_t
ngx_shim_pools(void)
{
    return ngx_shim_live;
}


ngx_pool_t *
ngx_create_pool(size_t size, ngx_log_t *log)
{
    ngx_pool_t  *pool;

    pool = ngx_shim_malloc(sizeof(ngx_pool_t));
    if (pool == NULL) {
        return NULL;
    }

    ngx_memzero(pool, sizeof(ngx_pool_t));

    pool->current = pool;
    pool->max = size;
    pool->log = log;

    ngx_shim_live++;

    return pool;
}


void
ngx_destroy_pool(ngx_pool_t *pool)
{
    ngx_shim_free_all(pool);
    free(pool);

    ngx_shim_live--;
}


void
ngx_reset_pool(ngx_pool_t *pool)
{
    ngx_shim_free_all(pool);
}


void *
ngx_palloc(ngx_pool_t *pool, size_t size)
{
    void  *p;

    p = ngx_shim_alloc(pool, size);

    if (p) {
        /* what a real pool returns is not zeroed either */
        memset(p, 0xa5, size);
    }

    return p;
}


void *
ngx_pnalloc(ngx_pool_t *pool, size_t size)
{
    return ngx_palloc(pool, size);
}


void *
ngx_pcalloc(ngx_pool_t *pool, size_t size)
{
    void  *p;

    p = ngx_shim_alloc(pool, size);

    if (p) {
        ngx_memzero(p, size);
    }

    return p;
}


ngx_int_t
ngx_pfree(ngx_pool_t *pool, void *p)
{
    ngx_pool_large_t  *large, **next;

    for (next = &pool->large; *next; next = &(*next)->next) {

        if ((*next)->alloc == p) {
            large = *next;
            *next = large->next;

            free(large->alloc);
            free(large);

            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


void *
ngx_alloc(size_t size, ngx_log_t *log)
{
    (void) log;

    return ngx_shim_malloc(size);
}


void *
ngx_calloc(size_t size, ngx_log_t *log)
{
    void  *p;

    (void) log;

    p = ngx_shim_malloc(size);

    if (p) {
        ngx_memzero(p, size);
    }

    return p;
}


static void *
ngx_shim_alloc(ngx_pool_t *pool, size_t size)
{
    ngx_pool_large_t  *large;

    large = malloc(sizeof(ngx_pool_large_t));
    if (large == NULL) {
        abort();
    }

    large->alloc = ngx_shim_malloc(size);

    if (large->alloc == NULL) {
        free(large);
        return NULL;
    }

    large->next = pool->large;
    pool->large = large;

    return large->alloc;
}


static void *
ngx_shim_malloc(size_t size)
{
    void  *p;

    ngx_shim_allocs++;

    if (ngx_shim_allocs == ngx_shim_fail_at) {
        ngx_shim_hit = 1;
        return NULL;
    }

    p = malloc(size ? size : 1);

    if (p == NULL) {
        abort();
    }

    return p;
}


ngx_pool_cleanup_t *
ngx_pool_cleanup_add(ngx_pool_t *p, size_t size)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_palloc(p, sizeof(ngx_pool_cleanup_t));
    if (cln == NULL) {
        return NULL;
    }

    cln->data = NULL;

    if (size) {
        cln->data = ngx_palloc(p, size);
        if (cln->data == NULL) {
            return NULL;
        }
    }

    cln->handler = NULL;
    cln->next = p->cleanup;

    p->cleanup = cln;

    return cln;
}


static void
ngx_shim_free_all(ngx_pool_t *pool)
{
    ngx_pool_large_t    *large;
    ngx_pool_cleanup_t  *cln;

    for (cln = pool->cleanup; cln; cln = cln->next) {
        if (cln->handler) {
            cln->handler(cln->data);
        }
    }

    while (pool->large) {
        large = pool->large;
        pool->large = large->next;

        free(large->alloc);
        free(large);
    }

    pool->cleanup = NULL;
    pool->chain = NULL;
}
