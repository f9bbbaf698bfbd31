
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * UTF-8 that may be cut anywhere: Unicode's table 3-7, byte by byte.
 */


#include "argo_utf8.h"


static size_t argo_utf8_need(u_char c);


size_t
argo_utf8_whole(const u_char *p, size_t n)
{
    size_t      i;
    ngx_uint_t  valid;

    for (i = 1; i <= ARGO_UTF8_MAX_HELD && i <= n; i++) {

        if ((p[n - i] & 0xc0) == 0x80) {
            continue;
        }

        if (argo_utf8_need(p[n - i]) > i
            && argo_utf8_next(p + n - i, i, &valid) == i)
        {
            return n - i;
        }

        return n;
    }

    return n;
}


size_t
argo_utf8_next(const u_char *p, size_t n, ngx_uint_t *valid)
{
    u_char  c, low, high;
    size_t  i, need;

    c = p[0];
    *valid = 1;

    if (c < 0x80) {
        return 1;
    }

    need = argo_utf8_need(c);

    if (need == 0) {
        *valid = 0;
        return 1;
    }

    /*
     * the second byte decides on overlong forms, surrogates and what is
     * above U+10FFFF
     */

    low = (c == 0xe0) ? 0xa0 : (c == 0xf0) ? 0x90 : 0x80;
    high = (c == 0xed) ? 0x9f : (c == 0xf4) ? 0x8f : 0xbf;

    for (i = 1; i < need; i++) {

        if (i == n || p[i] < low || p[i] > high) {
            *valid = 0;
            return i;
        }

        low = 0x80;
        high = 0xbf;
    }

    return need;
}


/* The length that a character's first byte promises; 0 if it cannot be one. */

static size_t
argo_utf8_need(u_char c)
{
    if (c < 0x80) {
        return 1;
    }

    if (c < 0xc2 || c > 0xf4) {
        return 0;
    }

    return (c < 0xe0) ? 2 : (c < 0xf0) ? 3 : 4;
}
