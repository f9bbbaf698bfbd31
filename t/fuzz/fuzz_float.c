
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as a numeral, as floats, and as what becomes base64.  What must
 * hold:
 *
 *     a numeral means the float that the C library reads, or there is none
 *     it ends where JSON's grammar has its end, also where it is skipped
 *     a float that was written is a JSON number and reads as the same float
 *     base64 has the bytes, however they were cut; and floats as well
 */


#include "argo_fuzz.h"

#include "argo_base64.h"
#include "argo_float.h"

#include <math.h>


#define FUZZ_FLOATS  64


static const u_char *
fuzz_digits(const u_char *p, const u_char *end)
{
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }

    return p;
}


/* Where the JSON number ends that begins at p; NULL: there is none. */

static const u_char *
fuzz_number(const u_char *p, const u_char *end)
{
    const u_char  *q;

    p += (p < end && *p == '-');

    q = fuzz_digits(p, end);

    if (q == p || (*p == '0' && q > p + 1)) {
        return NULL;
    }

    p = q;

    if (p < end && *p == '.') {
        q = fuzz_digits(p + 1, end);
        if (q == p + 1) {
            return NULL;
        }

        p = q;
    }

    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        p += (p < end && (*p == '+' || *p == '-'));

        q = fuzz_digits(p, end);
        if (q == p) {
            return NULL;
        }

        p = q;
    }

    return p;
}


static void
fuzz_numeral(const u_char *data, size_t size)
{
    char           text[ARGO_FLOAT_MAX_NUMERAL + 1];
    float          ours, theirs;
    const u_char  *p, *end;

    end = fuzz_number(data, data + size);
    p = argo_float_read(data, data + size, &ours);

    FUZZ_CHECK(argo_float_skip(data, data + size) == p
               || (p == NULL && end != NULL));

    if (end == NULL || end - data > ARGO_FLOAT_MAX_NUMERAL) {
        FUZZ_CHECK(p == NULL);
        return;
    }

    memcpy(text, data, end - data);
    text[end - data] = '\0';

    theirs = strtof(text, NULL);

    if (isinf(theirs)) {
        FUZZ_CHECK(p == NULL);
        return;
    }

    FUZZ_CHECK(p == end);
    FUZZ_CHECK(memcmp(&ours, &theirs, sizeof(float)) == 0);
}


static void
fuzz_write(float value)
{
    float    again;
    u_char   text[ARGO_FLOAT_LEN], *end;

    end = argo_float_write(text, value);

    FUZZ_CHECK(end > text && end <= text + ARGO_FLOAT_LEN);
    FUZZ_CHECK(fuzz_number(text, end) == end);
    FUZZ_CHECK(argo_float_read(text, end, &again) == end);
    FUZZ_CHECK(memcmp(&again, &value, sizeof(float)) == 0);

    fuzz_numeral(text, end - text);
}


/* Plainly, a group of three after the other. */

static void
fuzz_plain(const u_char *p, size_t n, u_char *text)
{
    u_char        group[3];
    size_t        i, len;

    static const char  digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (i = 0; i < n; i += 3) {
        len = ngx_min(3, n - i);

        memset(group, 0, 3);
        memcpy(group, p + i, len);

        *text++ = digits[group[0] >> 2];
        *text++ = digits[(group[0] & 3) << 4 | group[1] >> 4];
        *text++ = (len > 1) ? digits[(group[1] & 15) << 2 | group[2] >> 6]
                            : '=';
        *text++ = (len > 2) ? digits[group[2] & 63] : '=';
    }
}


static void
fuzz_base64(ngx_pool_t *pool, const u_char *data, size_t size)
{
    size_t          i, n;
    u_char         *expected;
    ngx_str_t       text;
    argo_out_t      out;
    argo_base64_t   base64;

    n = argo_base64_length(size);

    expected = ngx_pnalloc(pool, n + 1);
    FUZZ_CHECK(expected != NULL);

    fuzz_plain(data, size, expected);

    argo_out_init(&out, pool, 64, NULL, 0);
    argo_base64_init(&base64);

    for (i = 0; i < size; i += n) {
        n = fuzz_chance(8);
        n = ngx_min(n, size - i);
        argo_base64_write(&base64, data + i, n, &out);
    }

    argo_base64_end(&base64, &out);
    text = fuzz_flat(pool, &out);

    FUZZ_CHECK(text.len == argo_base64_length(size));
    FUZZ_CHECK(text.len == 0 || memcmp(text.data, expected, text.len) == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    float        floats[FUZZ_FLOATS];
    size_t       i, n;
    u_char      *copy;
    u_char       expected[argo_base64_length(FUZZ_FLOATS * sizeof(float))];
    ngx_str_t    text;
    argo_out_t   out;
    ngx_pool_t  *pool;

    fuzz_begin(data, size);

    pool = ngx_create_pool(4096, NULL);
    copy = malloc(size ? size : 1);
    FUZZ_CHECK(pool && copy);

    if (size) {
        memcpy(copy, data, size);
    }

    fuzz_numeral(copy, size);
    fuzz_base64(pool, copy, size);

    n = ngx_min(size / sizeof(float), FUZZ_FLOATS);

    if (n) {
        memcpy(floats, copy, n * sizeof(float));
    }

    for (i = 0; i < n; i++) {
        if (isfinite(floats[i])) {
            fuzz_write(floats[i]);
        }
    }

    fuzz_plain(copy, n * sizeof(float), expected);

    argo_out_init(&out, pool, 64, NULL, 0);
    argo_float_write_base64(floats, n, &out);
    text = fuzz_flat(pool, &out);

    FUZZ_CHECK(text.len == argo_base64_length(n * sizeof(float)));
    FUZZ_CHECK(memcmp(text.data, expected, text.len) == 0);

    free(copy);
    ngx_destroy_pool(pool);

    return 0;
}
