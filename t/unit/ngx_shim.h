
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What a test can do with the stand-ins for nginx's pool functions.
 */


#ifndef _NGX_SHIM_H_INCLUDED_
#define _NGX_SHIM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* The n-th allocation from now on fails (1 is the next one); 0: none. */
void ngx_shim_fail(ngx_uint_t n);

/* True if the allocation asked for with ngx_shim_fail() has been reached. */
ngx_uint_t ngx_shim_failed(void);

/* Allocations made since the last ngx_shim_fail(). */
ngx_uint_t ngx_shim_count(void);

/* Pools that have not been destroyed. */
ngx_uint_t ngx_shim_pools(void);


#endif /* _NGX_SHIM_H_INCLUDED_ */
