
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Base64 (RFC 4648) of bytes that come in pieces, cut anywhere.
 */


#ifndef _ARGO_BASE64_H_INCLUDED_
#define _ARGO_BASE64_H_INCLUDED_


#include "argo_core.h"
#include "argo_out.h"


/* how many characters n bytes become */
#define argo_base64_length(n)  (((n) + 2) / 3 * 4)


typedef struct {
    u_char      carry[2];               /* not yet a group of three */
    size_t      ncarry;
} argo_base64_t;


void argo_base64_init(argo_base64_t *base64);

/* Writes what is complete; n may be 0. */
void argo_base64_write(argo_base64_t *base64, const u_char *p, size_t n,
    argo_out_t *out);

/* Writes what is left, with its padding. */
void argo_base64_end(argo_base64_t *base64, argo_out_t *out);


#endif /* _ARGO_BASE64_H_INCLUDED_ */
