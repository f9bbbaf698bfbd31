
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What the fuzz targets of conversions share.
 */


#ifndef _ARGO_FUZZ_H_INCLUDED_
#define _ARGO_FUZZ_H_INCLUDED_


#include "ngx_shim.h"

#include "argo_dialect.h"
#include "argo_json.h"
#include "argo_model.h"
#include "argo_rules.h"
#include "argo_sse.h"
#include "argo_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define FUZZ_CHECK(condition)                                                 \
    if (!(condition)) {                                                       \
        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);       \
        abort();                                                              \
    }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static uint64_t             fuzz_seed;

static argo_model_table_t  *fuzz_table;
static argo_rules_t        *fuzz_rules;


/* Chance that is the same each time for the same input. */

static inline void
fuzz_begin(const uint8_t *data, size_t size)
{
    size_t  i;

    fuzz_seed = 0x9e3779b97f4a7c15;

    for (i = 0; i < size; i++) {
        fuzz_seed = (fuzz_seed ^ data[i]) * 0x100000001b3;
    }

    fuzz_seed |= 1;
}


static inline size_t
fuzz_chance(size_t n)
{
    fuzz_seed ^= fuzz_seed << 13;
    fuzz_seed ^= fuzz_seed >> 7;
    fuzz_seed ^= fuzz_seed << 17;

    return (size_t) (fuzz_seed % n);
}


static inline ngx_int_t
fuzz_random(u_char *p, size_t n)
{
    memset(p, 7, n);

    return NGX_OK;
}


static const argo_env_t  fuzz_env = { 1776449057, fuzz_random };


/* The models and the rules that are built in. */

static inline void
fuzz_open(void)
{
    /* referred to from here: it lives as long as the process */
    static ngx_pool_t  *pool;

    if (pool) {
        return;
    }

    pool = ngx_create_pool(4096, NULL);
    FUZZ_CHECK(pool != NULL);

    fuzz_table = argo_model_table_create(pool, NULL, 0);
    fuzz_rules = argo_rules_create(pool);

    FUZZ_CHECK(fuzz_table != NULL && fuzz_rules != NULL
               && argo_rules_add_builtin(fuzz_rules) == NGX_OK);
}


static inline ngx_uint_t
fuzz_same(const ngx_str_t *a, const ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


static inline ngx_str_t
fuzz_flat(ngx_pool_t *pool, argo_out_t *out)
{
    ngx_str_t  s;

    FUZZ_CHECK(argo_out_flatten(out, pool, &s) == NGX_OK);

    return s;
}


/*
 * The tree of what must be JSON; NULL: it is more than the parser takes,
 * since things may be put around what was just within its limits.
 */

static inline argo_json_t *
fuzz_json(ngx_pool_t *pool, const ngx_str_t *text, ngx_uint_t depth)
{
    argo_json_t   *root;
    argo_error_t   err;

    if (argo_json_parse(pool, text, depth, &root, &err) != NGX_OK) {

        if (argo_str_is(&err.code, "invalid_json")) {
            fprintf(stderr, "%.*s\n", (int) text->len, text->data);
        }

        FUZZ_CHECK(!argo_str_is(&err.code, "invalid_json"));
        return NULL;
    }

    return root;
}


/* An error that a client's request is answered with. */

static inline void
fuzz_error(ngx_pool_t *pool, const argo_front_t *front,
    const argo_error_t *err)
{
    size_t        i;
    ngx_str_t     text;
    argo_out_t    out;
    argo_json_t  *root;

    FUZZ_CHECK(err->status >= 400 && err->status < 600);
    FUZZ_CHECK(err->message.len > 0);

    for (i = 0; i < err->code.len; i++) {
        FUZZ_CHECK(err->code.data[i] >= 0x20);
    }

    argo_out_init(&out, pool, 64, NULL, 0);
    front->write_error(err, &out);
    text = fuzz_flat(pool, &out);

    root = fuzz_json(pool, &text, 3);

    FUZZ_CHECK(root && argo_json_get(root, "error"));
}


#endif /* _ARGO_FUZZ_H_INCLUDED_ */
