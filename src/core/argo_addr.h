
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Addresses of the Internet as text and as numbers, and whether one is of
 * the public Internet.  Knows no names: these are somebody else's to resolve.
 */


#ifndef _ARGO_ADDR_H_INCLUDED_
#define _ARGO_ADDR_H_INCLUDED_


#include "argo_core.h"


#define ARGO_ADDR_V4  4
#define ARGO_ADDR_V6  16


/* in network order */

typedef struct {
    u_char      data[ARGO_ADDR_V6];
    size_t      len;                    /* ARGO_ADDR_V4 or _V6 */
} argo_addr_t;


/*
 * Reads an address that stands alone.  Of IPv4 four decimal numbers without
 * leading zeros are accepted and none of the shorter, octal and hexadecimal
 * forms that libraries know; of IPv6 the forms of RFC 4291, without a zone.
 * NGX_DECLINED: it is none.
 */
ngx_int_t argo_addr_parse_v4(argo_addr_t *addr, const u_char *p, size_t n);
ngx_int_t argo_addr_parse_v6(argo_addr_t *addr, const u_char *p, size_t n);

/*
 * True if the address is of a single host that can be anywhere on the public
 * Internet: not of this machine, a private network, a link, a cloud's
 * metadata, documentation, a group, or reserved; nor an IPv6 address that
 * stands for such an IPv4 address.
 */
ngx_uint_t argo_addr_public(const argo_addr_t *addr);


#endif /* _ARGO_ADDR_H_INCLUDED_ */
