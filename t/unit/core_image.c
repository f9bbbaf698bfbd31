
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * argo_base64.h and argo_image.h: bytes that come in pieces, at every split;
 * what is an image and what is none.
 */


#include "argo_test.h"
#include "argo_base64.h"
#include "argo_float.h"
#include "argo_image.h"


#define test_rows(table)  (sizeof(table) / sizeof((table)[0]))


static ngx_str_t
test_take(argo_out_t *out)
{
    ngx_str_t  s;

    if (argo_out_flatten(out, out->pool, &s) != NGX_OK) {
        abort();
    }

    return s;
}


/* Encodes in three pieces. */

static ngx_str_t
test_encode(ngx_pool_t *pool, const ngx_str_t *in, size_t a, size_t b)
{
    argo_out_t     out;
    argo_base64_t  base64;

    argo_out_init(&out, pool, 64, NULL, 0);
    argo_base64_init(&base64);

    argo_base64_write(&base64, in->data, a, &out);
    argo_base64_write(&base64, in->data + a, b - a, &out);
    argo_base64_write(&base64, in->data + b, in->len - b, &out);
    argo_base64_end(&base64, &out);

    return test_take(&out);
}


/* Reads it back as RFC 4648 says, with nothing of what wrote it. */

static size_t
test_decode(const ngx_str_t *text, u_char *dst)
{
    u_char      *p, *start;
    size_t       i;
    uint32_t     bits;
    const char  *at;

    static const char  digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    start = dst;

    for (p = text->data; p < text->data + text->len; p += 4) {
        bits = 0;

        for (i = 0; i < 4; i++) {
            at = (p[i] == '=') ? digits : strchr(digits, p[i]);

            if (at == NULL || p[i] == '\0') {
                return (size_t) -1;
            }

            bits = bits << 6 | (uint32_t) (at - digits);
        }

        *dst++ = (u_char) (bits >> 16);

        if (p[2] != '=') {
            *dst++ = (u_char) (bits >> 8);
        }

        if (p[3] != '=') {
            *dst++ = (u_char) bits;
        }
    }

    return dst - start;
}


static void
test_base64(ngx_pool_t *pool)
{
    u_char      bytes[256], back[3072], large[2048];
    size_t      a, b, n, bad;
    ngx_str_t   in, s, whole;
    ngx_uint_t  i;

    static const struct {
        const char  *in;
        const char  *out;
    } rows[] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" }
    };

    for (i = 0; i < test_rows(rows); i++) {
        in = test_copy(rows[i].in, strlen(rows[i].in));
        s = test_encode(pool, &in, 0, 0);
        is_str(&s, rows[i].out, "base64 of \"%s\"", rows[i].in);
        is((long long) argo_base64_length(in.len), (long long) s.len,
           "length of base64 of \"%s\"", rows[i].in);
        test_free(&in);
    }

    for (i = 0; i < 256; i++) {
        bytes[i] = (u_char) (i * 167 + 13);
    }

    bad = 0;

    for (n = 0; n <= 20; n++) {
        in = test_copy(bytes, n);
        whole = test_encode(pool, &in, 0, 0);

        if (test_decode(&whole, back) != n || memcmp(back, bytes, n) != 0) {
            bad++;
        }

        for (a = 0; a <= n; a++) {
            for (b = a; b <= n; b++) {
                s = test_encode(pool, &in, a, b);

                if (s.len != whole.len
                    || memcmp(s.data, whole.data, s.len) != 0)
                {
                    bad++;
                }
            }
        }

        test_free(&in);
    }

    is((long long) bad, 0, "the same at every split");

    /* more than is written at once */

    for (i = 0; i < sizeof(large); i++) {
        large[i] = (u_char) (i * 31 + i / 256);
    }

    bad = 0;

    for (n = sizeof(large) - 3; n <= sizeof(large); n++) {
        in = test_copy(large, n);
        s = test_encode(pool, &in, 0, 1);

        if (test_decode(&s, back) != n || memcmp(back, large, n) != 0) {
            bad++;
        }

        test_free(&in);
    }

    is((long long) bad, 0, "long input reads back the same");
}


static void
test_images(ngx_pool_t *pool)
{
    size_t        n, split;
    ngx_int_t     rc;
    ngx_str_t     in, s;
    ngx_uint_t    i, bad;
    argo_out_t    out;
    argo_image_t  image;

    static const struct {
        ngx_str_t    in;
        const char  *out;           /* NULL: no image */
    } rows[] = {
        { ngx_string("\x89PNG\r\n\x1a\nabcdefg"),
          "data:image/png;base64,iVBORw0KGgphYmNkZWZn" },
        { ngx_string("\xff\xd8\xff\xe0" "abcdefghi"),
          "data:image/jpeg;base64,/9j/4GFiY2RlZmdoaQ==" },
        { ngx_string("GIF87aabcdef"),
          "data:image/gif;base64,R0lGODdhYWJjZGVm" },
        { ngx_string("GIF89aabcdefg"),
          "data:image/gif;base64,R0lGODlhYWJjZGVmZw==" },
        { ngx_string("RIFF\0\0\0\0WEBPVP8 "),
          "data:image/webp;base64,UklGRgAAAABXRUJQVlA4IA==" },
        { ngx_string(""), NULL },
        { ngx_string("\x89PNG\r\n\x1a\nabc"), NULL },
        { ngx_string("\x89PNG\n\x1a\nabcdefgh"), NULL },
        { ngx_string("\xff\xd8 abcdefghijk"), NULL },
        { ngx_string("GIF88aabcdefg"), NULL },
        { ngx_string("RIFF\0\0\0\0WAVEfmt "), NULL },
        { ngx_string("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), NULL },
        { ngx_string("<!DOCTYPE html><html></html>"), NULL },
        { ngx_string("{\"secret\":\"value\"}"), NULL },
        { ngx_string("BM\0\0\0\0\0\0\0\0\0\0\0\0"), NULL },
        { ngx_string(" \x89PNG\r\n\x1a\nabcdef"), NULL }
    };

    for (i = 0; i < test_rows(rows); i++) {

        bad = 0;

        for (split = 0; split <= rows[i].in.len; split++) {

            argo_out_init(&out, pool, 64, NULL, 0);
            argo_image_init(&image, &out);

            in = test_copy(rows[i].in.data, split);
            rc = argo_image_write(&image, in.data, in.len);
            test_free(&in);

            n = rows[i].in.len - split;

            if (rc == NGX_OK) {
                in = test_copy(rows[i].in.data + split, n);
                rc = argo_image_write(&image, in.data, in.len);
                test_free(&in);
            }

            if (rc == NGX_OK) {
                rc = argo_image_end(&image);
            }

            s = test_take(&out);

            if (rows[i].out == NULL) {
                bad += (rc != NGX_DECLINED || s.len);
                continue;
            }

            bad += (rc != NGX_OK || s.len != strlen(rows[i].out)
                    || memcmp(s.data, rows[i].out, s.len) != 0);
        }

        is((long long) bad, 0, "image %lu, %s", (unsigned long) i,
           rows[i].out ? rows[i].out : "refused");
    }
}


static void
test_no_memory(void)
{
    ngx_uint_t    i;
    ngx_pool_t   *pool;
    argo_out_t    out;
    argo_image_t  image;

    for (i = 1; i <= 3; i++) {
        pool = test_pool();

        argo_out_init(&out, pool, 64, NULL, 0);
        argo_image_init(&image, &out);

        ngx_shim_fail(i);
        is(argo_image_write(&image, (u_char *) "GIF89aabcdefg", 13),
           NGX_ERROR, "allocation %lu fails", (unsigned long) i);
        ngx_shim_fail(0);

        ngx_destroy_pool(pool);
    }

    pool = test_pool();

    argo_out_init(&out, pool, 38, NULL, 0);
    argo_image_init(&image, &out);

    is(argo_image_write(&image, (u_char *) "GIF89aabcdefg", 13), NGX_OK,
       "the first block is full");

    ngx_shim_fail(1);
    is(argo_image_end(&image), NGX_ERROR, "no memory for the end");
    ngx_shim_fail(0);

    ngx_destroy_pool(pool);
}


/* what is shared is written twice and not copied */

static void
test_share(ngx_pool_t *pool)
{
    char          text[2048];
    u_char       *start;
    ngx_str_t     s;
    ngx_uint_t    i;
    argo_out_t    from, out;
    ngx_chain_t  *cl;

    for (i = 0; i < sizeof(text); i++) {
        text[i] = (char) ('a' + i % 26);
    }

    argo_out_init(&from, pool, 1024, NULL, 0);
    argo_out_write(&from, text, sizeof(text));

    argo_out_init(&out, pool, 1024, NULL, 0);
    argo_out_lit(&out, "<");
    argo_out_share(&out, &from);
    argo_out_lit(&out, "|");
    argo_out_share(&out, &from);
    argo_out_lit(&out, ">");

    is((long long) out.size, 2 * sizeof(text) + 3, "size of what was shared");

    start = from.first->buf->pos;
    i = 0;

    for (cl = out.first; cl; cl = cl->next) {
        i += (cl->buf->pos == start);
    }

    is((long long) i, 2, "the same memory twice");

    s = test_take(&out);
    ok(s.len == 2 * sizeof(text) + 3
       && memcmp(s.data + 1, text, sizeof(text)) == 0
       && memcmp(s.data + 2 + sizeof(text), text, sizeof(text)) == 0,
       "the same text twice");

    s = test_take(&from);
    is_mem(s.data, s.len, text, sizeof(text), "and it is still there");

    from.failed = 1;
    argo_out_share(&out, &from);
    ok(out.failed, "what has failed can't be shared");
}


static void
test_floats(ngx_pool_t *pool)
{
    ngx_str_t    s;
    ngx_uint_t   i;
    argo_out_t   out;

    static const float  row[5] = { 1, -2.5f, 0.1f, -0.0f, 3e-45f };

    static const char  *expected[] = {
        "", "AACAPw==", "AACAPwAAIMA=", "AACAPwAAIMDNzMw9",
        "AACAPwAAIMDNzMw9AAAAgA==", "AACAPwAAIMDNzMw9AAAAgAIAAAA="
    };

    for (i = 0; i < 6; i++) {
        argo_out_init(&out, pool, 64, NULL, 1);
        argo_float_write_base64(row, i, &out);
        argo_out_flatten(&out, pool, &s);

        is_str(&s, expected[i], "base64 of %d floats", (int) i);
    }
}


int
main(void)
{
    ngx_pool_t  *pool;

    pool = test_pool();

    test_base64(pool);
    test_floats(pool);
    test_images(pool);
    test_share(pool);

    ngx_destroy_pool(pool);

    test_no_memory();

    return done();
}
