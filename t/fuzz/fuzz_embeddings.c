
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as ARGO's reply with vectors, and as a client's request for
 * them.  What must hold:
 *
 *     what comes out does not depend on how the reply was cut
 *     what comes out is JSON, with one vector for each input
 *     base64 has the numbers that the numerals mean
 *     a request that is accepted makes calls that are JSON
 */


#include "ngx_shim.h"
#include "argo_base64.h"
#include "argo_embeddings.h"

#include <stdio.h>
#include <stdlib.h>


#define FUZZ_CHECK(condition)                                                 \
    if (!(condition)) {                                                       \
        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);       \
        abort();                                                              \
    }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static ngx_int_t
fuzz_convert(ngx_pool_t *pool, const argo_embeddings_request_t *req,
    const uint8_t *data, size_t size, size_t piece, ngx_str_t *text)
{
    size_t                   at, n;
    ngx_int_t                rc;
    ngx_str_t                copy;
    argo_embeddings_reply_t  reply;

    ngx_memzero(&reply, sizeof(reply));

    FUZZ_CHECK(argo_embeddings_init_reply(&reply, pool, req, 0,
                                          req->ninputs) == NGX_OK);

    for (at = 0; at < size; at += n) {
        n = ngx_min(piece, size - at);

        copy.len = n;
        copy.data = malloc(n);
        memcpy(copy.data, data + at, n);

        FUZZ_CHECK(argo_embeddings_push(&reply, copy.data, n) == NGX_OK);

        free(copy.data);
    }

    rc = argo_embeddings_end(&reply);

    if (rc != NGX_OK) {
        FUZZ_CHECK(rc == NGX_DECLINED && reply.error.status >= 400
                   && reply.error.message.len);
        ngx_str_null(text);
        return rc;
    }

    argo_embeddings_write_end(req, &reply.out);

    FUZZ_CHECK(argo_out_flatten(&reply.out, pool, text) == NGX_OK);

    return NGX_OK;
}


/* The items of data. */

static argo_json_t *
fuzz_items(ngx_pool_t *pool, const ngx_str_t *text, ngx_uint_t n)
{
    ngx_str_t     whole;
    argo_out_t    out;
    argo_json_t  *root, *data;
    argo_error_t  err;

    argo_out_init(&out, pool, 4096, NULL, 1);
    argo_embeddings_write_start(&out);
    argo_out_str(&out, text);

    FUZZ_CHECK(argo_out_flatten(&out, pool, &whole) == NGX_OK);
    FUZZ_CHECK(argo_json_parse(pool, &whole, 4, &root, &err) == NGX_OK
               || argo_str_is(&err.code, "json_too_large"));

    if (root == NULL) {
        return NULL;
    }

    data = argo_json_get(root, "data");

    FUZZ_CHECK(data && data->count == n);

    return data->child;
}


static void
fuzz_same(ngx_pool_t *pool, argo_json_t *numerals, argo_json_t *base64)
{
    float           a;
    ngx_str_t       inner, text;
    argo_out_t      out;
    argo_json_t    *number;
    argo_base64_t   state;

    inner = argo_json_inner(argo_json_get(base64, "embedding"));

    numerals = argo_json_get(numerals, "embedding");

    argo_out_init(&out, pool, 512, NULL, 1);
    argo_base64_init(&state);

    for (number = numerals->child; number; number = number->next) {
        FUZZ_CHECK(argo_float_read(number->raw.data, number->raw.data
                                   + number->raw.len, &a));
        argo_base64_write(&state, (u_char *) &a, sizeof(float), &out);
    }

    argo_base64_end(&state, &out);

    FUZZ_CHECK(argo_out_flatten(&out, pool, &text) == NGX_OK);
    FUZZ_CHECK(text.len == inner.len
               && memcmp(text.data, inner.data, text.len) == 0);
}


static void
fuzz_reply(ngx_pool_t *pool, uint8_t how, const uint8_t *data, size_t size)
{
    ngx_int_t                   rc;
    ngx_str_t                   whole, other;
    argo_json_t                *a, *b;
    argo_embeddings_request_t   req;

    ngx_memzero(&req, sizeof(req));

    req.base64 = how & 1;
    req.dimensions = (how & 2) ? (how >> 6) + 1 : 0;
    req.ninputs = ((how >> 2) & 1) + 1;

    rc = fuzz_convert(pool, &req, data, size, size + 1, &whole);

    FUZZ_CHECK(fuzz_convert(pool, &req, data, size, (how >> 3) + 1, &other)
               == rc);
    FUZZ_CHECK(whole.len == other.len
               && (whole.len == 0
                   || memcmp(whole.data, other.data, whole.len) == 0));

    if (rc != NGX_OK) {
        return;
    }

    a = fuzz_items(pool, &whole, req.ninputs);

    if (req.base64 || req.dimensions || a == NULL) {
        return;
    }

    req.base64 = 1;

    FUZZ_CHECK(fuzz_convert(pool, &req, data, size, 3, &other) == NGX_OK);

    for (b = fuzz_items(pool, &other, req.ninputs); a; a = a->next) {
        fuzz_same(pool, a, b);
        b = b->next;
    }
}


static void
fuzz_request(ngx_pool_t *pool, const uint8_t *data, size_t size)
{
    ngx_int_t                   rc;
    ngx_str_t                   document, text;
    argo_out_t                  out;
    argo_error_t                err;
    argo_json_t                *root;
    argo_model_t                model;
    argo_embeddings_request_t   req;

    ngx_memzero(&req, sizeof(req));
    ngx_memzero(&model, sizeof(model));

    document.data = malloc(size ? size : 1);
    document.len = size;

    if (size) {
        memcpy(document.data, data, size);
    }

    rc = argo_json_parse(pool, &document, ARGO_EMBEDDINGS_TREE_DEPTH,
                         &req.root, &err);

    if (rc == NGX_OK) {
        rc = argo_embeddings_read_request(pool, &req, &err);
        FUZZ_CHECK(rc == NGX_OK || (rc == NGX_DECLINED && err.status == 400
                                    && err.message.len));
    }

    if (rc == NGX_OK) {
        ngx_str_set(&model.id, "v3small");
        req.target = &model;
        ngx_str_set(&req.user, "j");

        argo_out_init(&out, pool, 4096, NULL, 0);
        argo_embeddings_write_call(&req, 0, req.ninputs, &out);

        FUZZ_CHECK(argo_out_flatten(&out, pool, &text) == NGX_OK);
        FUZZ_CHECK(argo_json_parse(pool, &text, 2, &root, &err) == NGX_OK);
        FUZZ_CHECK(argo_json_get(root, "prompt")->count == req.ninputs);
    }

    free(document.data);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t       i;
    uint8_t      how;
    ngx_pool_t  *pool;

    /* chance that is the same each time for the same input */

    how = 0;

    for (i = 0; i < size; i++) {
        how = how * 31 + data[i];
    }

    pool = ngx_create_pool(4096, NULL);

    fuzz_reply(pool, how, data, size);
    fuzz_request(pool, data, size);

    ngx_destroy_pool(pool);

    return 0;
}
