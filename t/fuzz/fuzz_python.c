
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as a Python literal.  What must hold:
 *
 *     only to check a literal gives the same verdict and the same end
 *     what was converted is JSON
 *     that JSON is a Python literal as well, and gives itself
 *     less of the same bytes is never the same literal, unless it is a number
 */


#include "ngx_shim.h"
#include "argo_json.h"
#include "argo_out.h"
#include "argo_python.h"

#include <stdio.h>


#define FUZZ_CHECK(condition)                                                 \
    if (!(condition)) {                                                       \
        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);       \
        abort();                                                              \
    }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static ngx_int_t
fuzz_convert(ngx_pool_t *pool, const u_char **p, const u_char *end,
    ngx_str_t *json)
{
    ngx_int_t   rc;
    argo_out_t  out;

    argo_out_init(&out, pool, 256, NULL, 1);

    rc = argo_python_to_json(p, end, &out);

    if (rc == NGX_OK) {
        FUZZ_CHECK(argo_out_flatten(&out, pool, json) == NGX_OK);
    }

    return rc;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_int_t      rc;
    ngx_str_t      json, again;
    ngx_pool_t    *pool;
    argo_json_t   *root;
    argo_error_t   err;
    const u_char  *p, *q, *end;

    pool = ngx_create_pool(4096, NULL);
    FUZZ_CHECK(pool != NULL);

    p = data;
    q = data;

    rc = fuzz_convert(pool, &p, data + size, &json);

    FUZZ_CHECK(argo_python_to_json(&q, data + size, NULL) == rc);
    FUZZ_CHECK(p == q && p >= data && p <= data + size);

    if (rc == NGX_OK) {
        FUZZ_CHECK(p > data);
        FUZZ_CHECK(argo_json_parse(pool, &json, 100, &root, &err) == NGX_OK);

        q = json.data;
        end = json.data + json.len;

        FUZZ_CHECK(fuzz_convert(pool, &q, end, &again) == NGX_OK);
        FUZZ_CHECK(q == end);
        FUZZ_CHECK(again.len == json.len
                   && memcmp(again.data, json.data, json.len) == 0);

        if (root->type != ARGO_JSON_NUMBER) {
            q = data;
            FUZZ_CHECK(argo_python_to_json(&q, p - 1, NULL) != NGX_OK);
        }
    }

    ngx_destroy_pool(pool);

    return 0;
}
