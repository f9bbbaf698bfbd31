
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The estimate of token counts.  Only sums are kept, so that it does not
 * matter in which pieces the text comes.
 */


#include "argo_tokens.h"


#define ARGO_TOKENS_ASCII  4        /* bytes of ASCII text in a token */


static size_t argo_tokens_add_escape(argo_tokens_t *t, const u_char *p,
    size_t n);
static ngx_int_t argo_tokens_hex(const u_char *p, size_t n);


void
argo_tokens_add(argo_tokens_t *t, const u_char *p, size_t n)
{
    size_t  i, ascii, wide;

    ascii = 0;
    wide = 0;

    /* no branches: compilers make vector code of it */

    for (i = 0; i < n; i++) {
        ascii += (p[i] < 0x80);
        wide += (p[i] >= 0xc0);
    }

    t->ascii += ascii;
    t->wide += wide;
}


void
argo_tokens_add_escaped(argo_tokens_t *t, const u_char *p, size_t n)
{
    size_t         used;
    const u_char  *end, *next;

    if (n == 0) {
        return;
    }

    end = p + n;

    while (p < end) {
        next = memchr(p, '\\', end - p);
        if (next == NULL) {
            next = end;
        }

        argo_tokens_add(t, p, next - p);
        p = next;

        if (p < end) {
            used = argo_tokens_add_escape(t, p, end - p);
            p += used;
        }
    }
}


/* p is at a backslash; returns the length of the escape */

static size_t
argo_tokens_add_escape(argo_tokens_t *t, const u_char *p, size_t n)
{
    ngx_int_t  code, low;

    if (n < 2 || p[1] != 'u') {
        t->ascii++;
        return ngx_min(n, 2);
    }

    code = argo_tokens_hex(p + 2, n - 2);

    if (code >= 0 && code < 0x80) {
        t->ascii++;
        return 6;
    }

    t->wide++;

    if (code >= 0xd800 && code < 0xdc00
        && n >= 12 && p[6] == '\\' && p[7] == 'u')
    {
        low = argo_tokens_hex(p + 8, n - 8);

        if (low >= 0xdc00 && low < 0xe000) {
            return 12;
        }
    }

    return ngx_min(n, 6);
}


static ngx_int_t
argo_tokens_hex(const u_char *p, size_t n)
{
    u_char      c;
    ngx_int_t   value;
    ngx_uint_t  i;

    if (n < 4) {
        return -1;
    }

    value = 0;

    for (i = 0; i < 4; i++) {
        c = p[i] | 0x20;

        if (c >= '0' && c <= '9') {
            value = value * 16 + c - '0';

        } else if (c >= 'a' && c <= 'f') {
            value = value * 16 + c - 'a' + 10;

        } else {
            return -1;
        }
    }

    return value;
}


uint64_t
argo_tokens_count(const argo_tokens_t *t)
{
    return (t->ascii + ARGO_TOKENS_ASCII - 1) / ARGO_TOKENS_ASCII + t->wide;
}
