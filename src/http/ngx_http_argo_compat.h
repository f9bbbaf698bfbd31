
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Every test of nginx_version in the project.
 */


#ifndef _NGX_HTTP_ARGO_COMPAT_H_INCLUDED_
#define _NGX_HTTP_ARGO_COMPAT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* before it a subrequest made in an HTTP/2 body handler never starts */
#if (nginx_version < 1019003)
#error "ngx_http_argo_module needs nginx 1.19.3 or newer"
#endif


/* header elements are linked to others of the same name */
#if (nginx_version >= 1023000)
#define ngx_http_argo_elt_init(h)  (h)->next = NULL
#else
#define ngx_http_argo_elt_init(h)
#endif


/*
 * A worker that proxies unbuffered from a TLS upstream never leaves its loop
 * if TLS fails while the client does not read (ticket 2418)
 */
#if (nginx_version < 1023003 && NGX_HTTP_SSL)
#define NGX_HTTP_ARGO_TLS_SPINS  1
#endif


#endif /* _NGX_HTTP_ARGO_COMPAT_H_INCLUDED_ */
