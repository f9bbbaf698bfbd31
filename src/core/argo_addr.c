
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Addresses of the Internet.
 */


#include "argo_addr.h"


typedef struct {
    u_char      prefix[ARGO_ADDR_V6];
    ngx_uint_t  bits;
} argo_addr_block_t;


static ngx_uint_t argo_addr_in(const u_char *addr,
    const argo_addr_block_t *block);
static ngx_uint_t argo_addr_public_v4(const u_char *addr);
static ngx_uint_t argo_addr_public_v6(const u_char *addr);
static ngx_int_t argo_addr_group(const u_char **p, const u_char *end,
    u_char *group);


/* IANA's special-purpose registry, and what clouds have added to it */

static const argo_addr_block_t  argo_addr_special_v4[] = {
    { { 0 }, 8 },                       /* this network */
    { { 10 }, 8 },                      /* private */
    { { 100, 64 }, 10 },                /* shared by a provider's customers */
    { { 127 }, 8 },                     /* loopback */
    { { 168, 63, 129, 16 }, 32 },       /* Azure's host */
    { { 169, 254 }, 16 },               /* link-local, metadata of clouds */
    { { 172, 16 }, 12 },                /* private */
    { { 192, 0, 0 }, 24 },              /* protocols */
    { { 192, 0, 2 }, 24 },              /* documentation */
    { { 192, 88, 99 }, 24 },            /* relays to 6to4, abandoned */
    { { 192, 168 }, 16 },               /* private */
    { { 198, 18 }, 15 },                /* benchmarks */
    { { 198, 51, 100 }, 24 },           /* documentation */
    { { 203, 0, 113 }, 24 },            /* documentation */
    { { 224 }, 4 },                     /* multicast */
    { { 240 }, 4 }                      /* reserved, broadcast */
};


/* all that is public is in here ... */

static const argo_addr_block_t  argo_addr_global_v6 = { { 0x20 }, 3 };


/* ... but for these */

static const argo_addr_block_t  argo_addr_special_v6[] = {
    { { 0x20, 0x01 }, 23 },             /* protocols, Teredo */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 },  /* documentation */
    { { 0x3f, 0xff }, 20 }              /* documentation */
};


/* IPv6 addresses with an IPv4 address in them, which is what counts */

static const argo_addr_block_t  argo_addr_6to4 = { { 0x20, 0x02 }, 16 };

static const argo_addr_block_t  argo_addr_nat64 = {
    { 0x00, 0x64, 0xff, 0x9b }, 96
};


#define argo_addr_nblocks(table)  (sizeof(table) / sizeof((table)[0]))


ngx_int_t
argo_addr_parse_v4(argo_addr_t *addr, const u_char *p, size_t n)
{
    ngx_uint_t     i, value;
    const u_char  *start, *end;

    end = p + n;

    for (i = 0; i < ARGO_ADDR_V4; i++) {

        if (i && (p == end || *p++ != '.')) {
            return NGX_DECLINED;
        }

        start = p;
        value = 0;

        while (p < end && *p >= '0' && *p <= '9' && p - start < 3) {
            value = value * 10 + (*p++ - '0');
        }

        if (p == start || value > 255 || (*start == '0' && p - start > 1)) {
            return NGX_DECLINED;
        }

        addr->data[i] = (u_char) value;
    }

    addr->len = ARGO_ADDR_V4;

    return (p == end) ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
argo_addr_parse_v6(argo_addr_t *addr, const u_char *p, size_t n)
{
    u_char         groups[ARGO_ADDR_V6];
    size_t         used, gap;
    argo_addr_t    v4;
    const u_char  *end, *next;

    end = p + n;
    used = 0;
    gap = ARGO_ADDR_V6 + 1;             /* there is none */

    if (n >= 2 && p[0] == ':' && p[1] == ':') {
        gap = 0;
        p += 2;
    }

    while (p < end) {

        if (used == ARGO_ADDR_V6) {
            return NGX_DECLINED;
        }

        next = p;

        if (argo_addr_group(&next, end, &groups[used]) != NGX_OK) {
            return NGX_DECLINED;
        }

        if (next < end && *next == '.') {

            if (used + ARGO_ADDR_V4 > ARGO_ADDR_V6
                || argo_addr_parse_v4(&v4, p, end - p) != NGX_OK)
            {
                return NGX_DECLINED;
            }

            ngx_memcpy(&groups[used], v4.data, ARGO_ADDR_V4);
            used += ARGO_ADDR_V4;
            break;
        }

        used += 2;
        p = next;

        if (p == end) {
            break;
        }

        /* a colon, and what it promises */

        if (*p++ != ':' || p == end) {
            return NGX_DECLINED;
        }

        if (*p == ':') {

            if (gap <= ARGO_ADDR_V6) {
                return NGX_DECLINED;
            }

            gap = used;
            p++;
        }
    }

    if (gap > ARGO_ADDR_V6) {

        if (used != ARGO_ADDR_V6) {
            return NGX_DECLINED;
        }

        gap = used;

    } else if (used == ARGO_ADDR_V6) {
        /* the gap would stand for nothing */
        return NGX_DECLINED;
    }

    ngx_memzero(addr->data, ARGO_ADDR_V6);
    ngx_memcpy(addr->data, groups, gap);
    ngx_memcpy(addr->data + ARGO_ADDR_V6 - (used - gap), groups + gap,
               used - gap);

    addr->len = ARGO_ADDR_V6;

    return NGX_OK;
}


/* One to four hexadecimal digits; group has room for two bytes. */

static ngx_int_t
argo_addr_group(const u_char **p, const u_char *end, u_char *group)
{
    u_char         c;
    ngx_uint_t     value;
    const u_char  *start;

    start = *p;
    value = 0;

    while (*p < end && *p - start < 4) {

        c = (u_char) (**p | 0x20);

        if (**p >= '0' && **p <= '9') {
            value = value * 16 + (**p - '0');

        } else if (c >= 'a' && c <= 'f') {
            value = value * 16 + (c - 'a' + 10);

        } else {
            break;
        }

        (*p)++;
    }

    if (*p == start) {
        return NGX_DECLINED;
    }

    group[0] = (u_char) (value >> 8);
    group[1] = (u_char) value;

    return NGX_OK;
}


ngx_uint_t
argo_addr_public(const argo_addr_t *addr)
{
    switch (addr->len) {

    case ARGO_ADDR_V4:
        return argo_addr_public_v4(addr->data);

    case ARGO_ADDR_V6:
        return argo_addr_public_v6(addr->data);

    default:
        return 0;
    }
}


static ngx_uint_t
argo_addr_public_v4(const u_char *addr)
{
    ngx_uint_t  i;

    for (i = 0; i < argo_addr_nblocks(argo_addr_special_v4); i++) {
        if (argo_addr_in(addr, &argo_addr_special_v4[i])) {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
argo_addr_public_v6(const u_char *addr)
{
    ngx_uint_t  i;

    if (argo_addr_in(addr, &argo_addr_nat64)) {
        return argo_addr_public_v4(addr + 12);
    }

    if (argo_addr_in(addr, &argo_addr_6to4)) {
        return argo_addr_public_v4(addr + 2);
    }

    if (!argo_addr_in(addr, &argo_addr_global_v6)) {
        return 0;
    }

    for (i = 0; i < argo_addr_nblocks(argo_addr_special_v6); i++) {
        if (argo_addr_in(addr, &argo_addr_special_v6[i])) {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
argo_addr_in(const u_char *addr, const argo_addr_block_t *block)
{
    u_char      mask;
    ngx_uint_t  bytes, rest;

    bytes = block->bits / 8;
    rest = block->bits % 8;

    if (ngx_memcmp(addr, block->prefix, bytes) != 0) {
        return 0;
    }

    if (rest == 0) {
        return 1;
    }

    mask = (u_char) (0xff << (8 - rest));

    return (addr[bytes] & mask) == (block->prefix[bytes] & mask);
}
