
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * argo_utf8.h, against a decoder of its own that is slow and plain.
 */


#include "argo_test.h"
#include "argo_utf8.h"


/* Encodes without looking: also surrogates and what is above U+10FFFF. */

static size_t
test_encode(u_char *p, uint32_t ch, size_t len)
{
    size_t  i;

    static const u_char  lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    if (len == 1) {
        p[0] = (u_char) ch;
        return 1;
    }

    for (i = len - 1; i > 0; i--) {
        p[i] = (u_char) (0x80 | (ch & 0x3f));
        ch >>= 6;
    }

    p[0] = (u_char) (lead[len] | ch);

    return len;
}


static size_t
test_length(uint32_t ch)
{
    return (ch < 0x80) ? 1 : (ch < 0x800) ? 2 : (ch < 0x10000) ? 3 : 4;
}


static int
test_is_char(uint32_t ch)
{
    return ch <= 0x10ffff && (ch < 0xd800 || ch > 0xdfff);
}


/*
 * All beginnings of all characters, to look up what can still become one:
 * 1 for a whole character, 2 for a part of one.
 */

static u_char  test_two[0x10000];
static u_char  test_three[0x1000000];


static void
test_build(void)
{
    u_char    p[4];
    size_t    n;
    uint32_t  ch;

    for (ch = 0x80; ch <= 0x10ffff; ch++) {

        if (!test_is_char(ch)) {
            continue;
        }

        n = test_encode(p, ch, test_length(ch));

        test_two[p[0] << 8 | p[1]] = (n == 2) ? 1 : 2;

        if (n > 2) {
            test_three[p[0] << 16 | p[1] << 8 | p[2]] = (n == 3) ? 1 : 2;
        }
    }
}


/* The same answer as argo_utf8_next(), found by looking it up. */

static size_t
test_next(const u_char *p, size_t n, ngx_uint_t *valid)
{
    u_char  state;

    *valid = 1;

    if (p[0] < 0x80) {
        return 1;
    }

    *valid = 0;

    if (n < 2) {
        return 1;
    }

    state = test_two[p[0] << 8 | p[1]];

    if (state == 0) {
        return 1;
    }

    if (state == 1) {
        *valid = 1;
        return 2;
    }

    if (n < 3) {
        return 2;
    }

    state = test_three[p[0] << 16 | p[1] << 8 | p[2]];

    if (state == 0) {
        return 2;
    }

    if (state == 1) {
        *valid = 1;
        return 3;
    }

    if (n < 4 || (p[3] & 0xc0) != 0x80) {
        return 3;
    }

    *valid = 1;

    return 4;
}


static void
test_chars(void)
{
    u_char      p[4];
    size_t      n, i;
    uint32_t    ch;
    ngx_uint_t  valid, bad_next, bad_cut, bad_whole;

    bad_next = 0;
    bad_cut = 0;
    bad_whole = 0;

    for (ch = 0; ch <= 0x10ffff; ch++) {

        if (!test_is_char(ch)) {
            continue;
        }

        n = test_encode(p, ch, test_length(ch));

        if (argo_utf8_next(p, n, &valid) != n || !valid) {
            bad_next++;
        }

        if (argo_utf8_whole(p, n) != n) {
            bad_whole++;
        }

        for (i = 1; i < n; i++) {

            if (argo_utf8_next(p, i, &valid) != i || valid) {
                bad_cut++;
            }

            if (argo_utf8_whole(p, i) != 0) {
                bad_whole++;
            }
        }
    }

    is((long long) bad_next, 0, "every character is read");
    is((long long) bad_cut, 0, "every cut character is one ill-formed part");
    is((long long) bad_whole, 0, "every cut character is held back");
}


static void
test_not_chars(void)
{
    u_char      p[4];
    size_t      n, len;
    uint32_t    ch;
    ngx_uint_t  valid, bad;

    bad = 0;

    for (len = 2; len <= 4; len++) {

        for (ch = 0; ch < (len == 2 ? 0x80u : len == 3 ? 0x800u : 0x10000u);
             ch++)
        {
            n = test_encode(p, ch, len);

            if (argo_utf8_next(p, n, &valid) != 1 || valid
                || argo_utf8_whole(p, n) != n)
            {
                bad++;
            }
        }
    }

    is((long long) bad, 0, "no overlong form is read or waited for");

    bad = 0;

    for (ch = 0xd800; ch <= 0xdfff; ch++) {
        n = test_encode(p, ch, 3);

        if (argo_utf8_next(p, n, &valid) != 1 || valid
            || argo_utf8_whole(p, 2) != 2)
        {
            bad++;
        }
    }

    is((long long) bad, 0, "no surrogate is");

    bad = 0;

    for (ch = 0x110000; ch <= 0x1fffff; ch++) {
        n = test_encode(p, ch, 4);

        if (argo_utf8_next(p, n, &valid) != 1 || valid
            || argo_utf8_whole(p, 2) != 2)
        {
            bad++;
        }
    }

    is((long long) bad, 0, "nothing above U+10FFFF is");
}


/* All two bytes, and all three with a fourth that does and does not fit. */

static void
test_all_bytes(void)
{
    u_char      p[4];
    size_t      n;
    uint32_t    i;
    ngx_uint_t  valid, expected, bad;

    static const u_char  fourth[] = { 0x00, 0x7f, 0x80, 0xbf, 0xc2, 0xff };

    bad = 0;

    for (i = 0; i < 0x1000000; i++) {
        p[0] = (u_char) (i >> 16);
        p[1] = (u_char) (i >> 8);
        p[2] = (u_char) i;
        p[3] = fourth[i % sizeof(fourth)];

        for (n = (p[0] < 0xc0) ? 4 : 1; n <= 4; n++) {

            if (argo_utf8_next(p, n, &valid) != test_next(p, n, &expected)
                || valid != expected)
            {
                bad++;
            }
        }
    }

    is((long long) bad, 0, "all sequences of three bytes, cut anywhere");
}


/*
 * What is held back must be what could still become a character: the last
 * ill-formed part, if more bytes would make it whole.
 */

static size_t
test_whole(const u_char *p, size_t n)
{
    size_t      i, len;
    ngx_uint_t  valid;

    for (i = 0; i < n; i += len) {
        len = test_next(p + i, n - i, &valid);

        if (!valid && i + len == n && p[i] >= 0xc2 && p[i] <= 0xf4) {
            return i;
        }
    }

    return n;
}


static void
test_held(void)
{
    u_char    p[8];
    size_t    i, n, got, bad, held;
    uint32_t  seed;

    static const u_char  bytes[] = {
        'a', 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1,
        0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff
    };

    bad = 0;
    held = 0;
    seed = 1;

    for (i = 0; i < 2000000; i++) {

        for (n = 0; n < i % 8; n++) {
            seed = seed * 1664525 + 1013904223;
            p[n] = bytes[(seed >> 16) % sizeof(bytes)];
        }

        got = argo_utf8_whole(p, n);

        if (got != test_whole(p, n) || n - got > ARGO_UTF8_MAX_HELD) {
            bad++;
        }

        if (got != n) {
            held++;
        }
    }

    is((long long) bad, 0, "what is held back of random bytes");
    ok(held > 1000, "something was held back");
    is((long long) argo_utf8_whole(NULL, 0), 0, "nothing of nothing");
}


static void
test_table(void)
{
    size_t       i, n, len;
    ngx_uint_t   valid;
    const char  *p;
    char         shape[32], *q;

    /* the Unicode standard's own examples of maximal ill-formed parts */

    static const struct {
        const char  *bytes;
        const char  *shape;     /* of each part: length, ! if ill-formed */
    } table[] = {
        { "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", "1!1!1!1!1!1!1!1!1" },
        { "\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", "1!1!1!1!1!1!1!1!1" },
        { "\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", "1!1!1!1!1!11!1!1" },
        { "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "2!1!3!2!1" },
        { "\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9", "342" },
        { "\xf0\x9f\x98", "3!" },
        { "\xf8\x88\x80\x80\x80", "1!1!1!1!1!" }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        p = table[i].bytes;
        n = strlen(p);
        q = shape;

        while (n) {
            len = argo_utf8_next((const u_char *) p, n, &valid);

            *q++ = (char) ('0' + len);

            if (!valid) {
                *q++ = '!';
            }

            p += len;
            n -= len;
        }

        is_mem(shape, q - shape, table[i].shape, strlen(table[i].shape),
               "parts of example %lu", (unsigned long) i);
    }
}


int
main(void)
{
    test_build();
    test_chars();
    test_not_chars();
    test_all_bytes();
    test_held();
    test_table();

    return done();
}
