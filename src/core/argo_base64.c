
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Base64 of bytes that come in pieces.
 */


#include "argo_base64.h"


/* groups that are written at once */
#define ARGO_BASE64_GROUPS  256


static void argo_base64_group(const u_char *p, u_char *dst);


static const u_char  argo_base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";


void
argo_base64_init(argo_base64_t *base64)
{
    base64->ncarry = 0;
}


void
argo_base64_write(argo_base64_t *base64, const u_char *p, size_t n,
    argo_out_t *out)
{
    u_char  group[3], text[ARGO_BASE64_GROUPS * 4], *dst;
    size_t  i;

    if (base64->ncarry + n < 3) {

        for (i = 0; i < n; i++) {
            base64->carry[base64->ncarry++] = p[i];
        }

        return;
    }

    if (base64->ncarry) {

        for (i = 0; i < base64->ncarry; i++) {
            group[i] = base64->carry[i];
        }

        while (i < 3) {
            group[i++] = *p++;
            n--;
        }

        base64->ncarry = 0;

        argo_base64_group(group, text);
        argo_out_write(out, text, 4);
    }

    while (n >= 3) {
        dst = text;

        for (i = 0; i < ARGO_BASE64_GROUPS && n >= 3; i++) {
            argo_base64_group(p, dst);
            dst += 4;
            p += 3;
            n -= 3;
        }

        argo_out_write(out, text, dst - text);
    }

    while (n) {
        base64->carry[base64->ncarry++] = *p++;
        n--;
    }
}


void
argo_base64_end(argo_base64_t *base64, argo_out_t *out)
{
    u_char  group[3], text[4];

    if (base64->ncarry == 0) {
        return;
    }

    group[0] = base64->carry[0];
    group[1] = (base64->ncarry == 2) ? base64->carry[1] : 0;
    group[2] = 0;

    argo_base64_group(group, text);

    text[3] = '=';

    if (base64->ncarry == 1) {
        text[2] = '=';
    }

    base64->ncarry = 0;

    argo_out_write(out, text, 4);
}


static void
argo_base64_group(const u_char *p, u_char *dst)
{
    dst[0] = argo_base64_digits[p[0] >> 2];
    dst[1] = argo_base64_digits[(p[0] & 0x03) << 4 | p[1] >> 4];
    dst[2] = argo_base64_digits[(p[1] & 0x0f) << 2 | p[2] >> 6];
    dst[3] = argo_base64_digits[p[2] & 0x3f];
}
