
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The little of TAP that the unit tests need.  Include once, in the file
 * with main(); end main() with "return done();".
 */


#ifndef _ARGO_TEST_H_INCLUDED_
#define _ARGO_TEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_shim.h"

#include <stdarg.h>
#include <stdio.h>


static ngx_uint_t  test_run;
static ngx_uint_t  test_bad;


/* Prints a slice for a diagnostic, with what is not printable in hex. */

static inline void
test_show(const char *label, const u_char *p, size_t n)
{
    size_t  i;

    printf("# %10s: \"", label);

    for (i = 0; i < n && i < 400; i++) {
        if (p[i] >= 0x20 && p[i] < 0x7f) {
            putchar(p[i]);

        } else {
            printf("\\x%02x", p[i]);
        }
    }

    printf("\"%s (%lu bytes)\n", (i < n) ? "..." : "", (unsigned long) n);
}


static inline int __attribute__((format(printf, 2, 0)))
test_result(int passed, const char *format, va_list args)
{
    char  *p, name[256];

    test_run++;

    if (!passed) {
        test_bad++;
    }

    (void) vsnprintf(name, sizeof(name), format, args);

    /* a '#' would begin a TAP directive, a line feed a line */

    for (p = name; *p; p++) {
        if (*p == '#' || (u_char) *p < 0x20) {
            *p = '.';
        }
    }

    printf("%sok %lu - %s\n", passed ? "" : "not ", (unsigned long) test_run,
           name);

    return passed;
}


static inline int __attribute__((format(printf, 2, 3)))
ok(int passed, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    (void) test_result(passed, format, args);
    va_end(args);

    return passed;
}


static inline int __attribute__((format(printf, 3, 4)))
is(long long got, long long expected, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    (void) test_result(got == expected, format, args);
    va_end(args);

    if (got != expected) {
        printf("# %10s: %lld\n# %10s: %lld\n", "got", got, "expected",
               expected);
    }

    return got == expected;
}


static inline int __attribute__((format(printf, 5, 6)))
is_mem(const void *got, size_t n, const void *expected, size_t len,
    const char *format, ...)
{
    int      passed;
    va_list  args;

    passed = (n == len && (n == 0 || memcmp(got, expected, n) == 0));

    va_start(args, format);
    (void) test_result(passed, format, args);
    va_end(args);

    if (!passed) {
        test_show("got", got, n);
        test_show("expected", expected, len);
    }

    return passed;
}


static inline int __attribute__((format(printf, 3, 4)))
is_str(const ngx_str_t *got, const char *expected, const char *format, ...)
{
    int      passed;
    size_t   len;
    va_list  args;

    len = strlen(expected);
    passed = (got->len == len
              && (len == 0 || memcmp(got->data, expected, len) == 0));

    va_start(args, format);
    (void) test_result(passed, format, args);
    va_end(args);

    if (!passed) {
        test_show("got", got->data, got->len);
        test_show("expected", (u_char *) expected, len);
    }

    return passed;
}


/* A string literal as ngx_str_t, with its NUL bytes inside if it has any. */

#define STR(literal)                                                          \
    ((ngx_str_t) { sizeof(literal) - 1, (u_char *) literal })


/*
 * A copy of n bytes in a malloc() of their own, so that reading past their
 * end is seen; test_free() it.
 */

static inline ngx_str_t
test_copy(const void *p, size_t n)
{
    ngx_str_t  s;

    s.len = n;
    s.data = malloc(n ? n : 1);

    if (s.data == NULL) {
        abort();
    }

    if (n) {
        memcpy(s.data, p, n);
    }

    return s;
}


static inline void
test_free(ngx_str_t *s)
{
    free(s->data);
}


static inline ngx_pool_t *
test_pool(void)
{
    ngx_pool_t  *pool;

    pool = ngx_create_pool(4096, NULL);

    if (pool == NULL) {
        abort();
    }

    return pool;
}


/* Prints the plan; returns what main() should. */

static inline int
done(void)
{
    is((long long) ngx_shim_pools(), 0, "every pool was destroyed");

    printf("1..%lu\n", (unsigned long) test_run);

    return test_bad ? 1 : 0;
}


#endif /* _ARGO_TEST_H_INCLUDED_ */
