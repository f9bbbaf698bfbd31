
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * URLs of http and https, read strictly: what two programs could understand
 * in two ways is refused.
 */


#ifndef _ARGO_URL_H_INCLUDED_
#define _ARGO_URL_H_INCLUDED_


#include "argo_addr.h"
#include "argo_core.h"


/* a longer one is refused */
#define ARGO_URL_MAX  4096


/*
 * All slices are of text, and what can't be part of a line of an HTTP
 * request is in none of them.
 */

typedef struct {
    ngx_str_t       text;       /* the whole, normalized, no fragment */
    ngx_str_t       authority;  /* host, and the port unless it is usual */
    ngx_str_t       host;       /* in lower case; IPv6 in brackets */
    ngx_str_t       uri;        /* path and query */
    ngx_str_t       path;
    in_port_t       port;
    argo_addr_t     addr;       /* len 0: the host is a name */
    unsigned        tls:1;
} argo_url_t;


/*
 * Reads an absolute URL.  NGX_DECLINED: it can't be used, *why continues a
 * sentence that begins with what it is the URL of.
 */
ngx_int_t argo_url_parse(ngx_pool_t *pool, const ngx_str_t *text,
    argo_url_t *url, const char **why);

/* The same for a reference, as of a redirect, that may be relative. */
ngx_int_t argo_url_resolve(ngx_pool_t *pool, const argo_url_t *base,
    const ngx_str_t *reference, argo_url_t *url, const char **why);


#endif /* _ARGO_URL_H_INCLUDED_ */
