
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * argo_json_write.h: plain text to JSON strings.
 */


#include "argo_test.h"
#include "argo_json_write.h"


static ngx_str_t
test_text(ngx_pool_t *pool, const void *p, size_t n)
{
    ngx_str_t   s, in;
    argo_out_t  out;

    in = test_copy(p, n);

    argo_out_init(&out, pool, 64, NULL, 0);
    argo_json_write_text(&out, in.data, in.len);

    if (argo_out_flatten(&out, pool, &s) != NGX_OK) {
        abort();
    }

    test_free(&in);

    return s;
}


static void
test_bytes(ngx_pool_t *pool)
{
    u_char       c;
    char         expected[16];
    ngx_str_t    s;
    ngx_uint_t   i;

    for (i = 0; i < 0x80; i++) {
        c = (u_char) i;

        switch (c) {

        case '"':
            strcpy(expected, "\\\"");
            break;

        case '\\':
            strcpy(expected, "\\\\");
            break;

        case '\b':
            strcpy(expected, "\\b");
            break;

        case '\f':
            strcpy(expected, "\\f");
            break;

        case '\n':
            strcpy(expected, "\\n");
            break;

        case '\r':
            strcpy(expected, "\\r");
            break;

        case '\t':
            strcpy(expected, "\\t");
            break;

        default:
            if (c < 0x20) {
                sprintf(expected, "\\u%04x", c);

            } else {
                expected[0] = (char) c;
                expected[1] = '\0';
            }
        }

        s = test_text(pool, &c, 1);
        is_str(&s, expected, "the byte %02x", c);
    }
}


/* A special byte at every place of runs of every length round eight. */

static void
test_places(ngx_pool_t *pool)
{
    char        in[40], expected[80];
    size_t      i, k, n, len;
    ngx_str_t   s;
    ngx_uint_t  bad;

    static const struct {
        const char  *in;
        const char  *out;
    } table[] = {
        { "\"", "\\\"" },
        { "\\", "\\\\" },
        { "\n", "\\n" },
        { "\x1f", "\\u001f" },
        { " ", " " },
        { "!", "!" },
        { "#", "#" },
        { "[", "[" },
        { "]", "]" },
        { "\x7f", "\x7f" },
        { "\xc3\xa9", "\xc3\xa9" },
        { "\xe2\x80\xa8", "\xe2\x80\xa8" },
        { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
        { "\x80", "\xef\xbf\xbd" },
        { "\xff", "\xef\xbf\xbd" },
        { "\xe2\x82", "\xef\xbf\xbd" },
        { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }
    };

    bad = 0;

    for (k = 0; k < sizeof(table) / sizeof(table[0]); k++) {

        for (n = 0; n < 27; n++) {

            for (i = 0; i <= n; i++) {
                len = 0;

                memset(in, 'a', n);
                memcpy(in + i, table[k].in, strlen(table[k].in));
                memset(in + i + strlen(table[k].in), 'b', n - i);
                len = n + strlen(table[k].in);

                memset(expected, 'a', i);
                strcpy(expected + i, table[k].out);
                memset(expected + i + strlen(table[k].out), 'b', n - i);

                s = test_text(pool, in, len);

                if (s.len != n + strlen(table[k].out)
                    || memcmp(s.data, expected, s.len) != 0)
                {
                    bad++;
                }
            }
        }
    }

    is((long long) bad, 0, "special bytes at every place");
}


static void
test_table(ngx_pool_t *pool)
{
    size_t     i;
    ngx_str_t  s;

#define R "\xef\xbf\xbd"

    static const struct {
        const char  *name;
        const char  *in;
        const char  *out;
    } table[] = {
        { "nothing", "", "" },
        { "solidus", "a/b", "a/b" },
        { "quotes side by side", "\"\"\\\\\"", "\\\"\\\"\\\\\\\\\\\"" },
        { "line separators", "\xe2\x80\xa8\xe2\x80\xa9",
          "\xe2\x80\xa8\xe2\x80\xa9" },
        { "last character", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
        { "above it", "\xf4\x90\x80\x80", R R R R },
        { "overlong", "\xc0\x80\xe0\x80\x80", R R R R R },
        { "surrogates", "\xed\xa0\xbd\xed\xb8\x80", R R R R R R },
        { "cut characters", "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf" "A",
          R R R R "A" },
        { "cut at the end", "abc\xf0\x9f\x98", "abc" R },
        { "continuation bytes", "\x80" "a\xbf\xbf", R "a" R R },
        { "replacement itself", R, R },
        { "byte order mark", "\xef\xbb\xbf" "a", "\xef\xbb\xbf" "a" }
    };

#undef R

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        s = test_text(pool, table[i].in, strlen(table[i].in));
        is_str(&s, table[i].out, "%s", table[i].name);
    }
}


static void
test_strings(ngx_pool_t *pool)
{
    ngx_str_t   s, none;
    argo_out_t  out;

    ngx_str_null(&none);

    argo_out_init(&out, pool, 4, NULL, 0);

    argo_json_write_string(&out, &STR("a\0\"b"));
    argo_out_lit(&out, ",");
    argo_json_write_string(&out, &STR(""));
    argo_out_lit(&out, ",");
    argo_json_write_string(&out, &none);
    argo_out_lit(&out, ",");
    argo_json_write_string_or_null(&out, &none);
    argo_out_lit(&out, ",");
    argo_json_write_string_or_null(&out, &STR(""));
    argo_out_lit(&out, ",");
    argo_json_write_string_or_null(&out, &STR("x"));

    (void) argo_out_flatten(&out, pool, &s);

    is_str(&s, "\"a\\u0000\\\"b\",\"\",\"\",null,\"\",\"x\"",
           "strings in quotes, and none");
}


static void
test_no_memory(void)
{
    ngx_uint_t   i, bad;
    ngx_pool_t  *pool;
    argo_out_t   out;

    bad = 0;

    for (i = 1; i < 1000; i++) {
        pool = test_pool();

        argo_out_init(&out, pool, 3, NULL, 0);

        ngx_shim_fail(i);

        argo_json_write_string(&out, &STR("ab\n\xff\xe2\x82\xac\x01"));

        if (!ngx_shim_failed()) {
            ngx_destroy_pool(pool);
            break;
        }

        if (!out.failed) {
            bad++;
        }

        ngx_shim_fail(0);
        ngx_destroy_pool(pool);
    }

    ngx_shim_fail(0);

    ok(i > 10 && i < 1000, "%lu allocations were made to fail",
       (unsigned long) i - 1);
    is((long long) bad, 0, "each is remembered");
}


int
main(void)
{
    ngx_pool_t  *pool;

    pool = test_pool();

    test_bytes(pool);
    test_places(pool);
    test_table(pool);
    test_strings(pool);

    ngx_destroy_pool(pool);

    test_no_memory();

    return done();
}
