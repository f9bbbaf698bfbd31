
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Floats and numerals, against what the C library makes of them.
 */


#include "argo_float.h"

#include "argo_test.h"

#include <math.h>
#include <stdlib.h>


#define ROUNDS  400000


typedef struct {
    const char  *text;
    float        value;
} number_t;


static void test_table(void);
static void test_grammar(void);
static void test_ends(void);
static void test_random(void);
static void test_write(void);
static uint64_t random_bits(void);
static size_t random_numeral(char *p, size_t size);
static int read_number(const char *text, float *value);


int
main(void)
{
    test_table();
    test_grammar();
    test_ends();
    test_random();
    test_write();

    return done();
}


static void
test_table(void)
{
    float       value;
    ngx_uint_t  i;

    static const number_t  numbers[] = {
        { "0", 0 },
        { "-0", -0.0f },
        { "-0.0", -0.0f },
        { "0e5", 0 },
        { "0.000e-99999999999999", 0 },
        { "1", 1 },
        { "-1", -1 },
        { "0.1", 0.1f },
        { "1E2", 100 },
        { "1e+2", 100 },
        { "3.25e-2", 0.0325f },
        { "16777216", 16777216 },

        /* halfway between two floats: the even one */
        { "16777217", 16777216 },
        { "16777219", 16777220 },
        { "16777217.0000000000000000000000000000000000000000000000000000",
          16777216 },
        { "16777217.0000000000000000000000000000000000000000000000000001",
          16777218 },
        { "16777216.9999999999999999999999999999999999999999999999999999",
          16777216 },
        { "1.00000005960464477539062", 1 },
        { "1.000000059604644775390625", 1 },
        { "1.000000059604644775390626", 0x1.000002p0f },
        { "-1.000000178813934326171875", -0x1.000004p0f },

        /* the smallest ones */
        { "1.1754943508222875e-38", 0x1p-126f },
        { "1.1754942106924411e-38", 0x1.fffffcp-127f },
        { "1.4012984643248170e-45", 0x1p-149f },
        { "1e-45", 0x1p-149f },
        { "7.006492321624085354618e-46", 0 },
        { "7.006492321624085354618649e-46", 0x1p-149f },
        { "7.0064923216240862e-46", 0x1p-149f },
        { "1e-46", 0 },
        { "-1e-46", -0.0f },
        { "1e-400", 0 },
        { "0.0000000000000000000000000000000000000000000014013", 0x1p-149f },

        /* the largest ones */
        { "3.4028234663852886e38", 0x1.fffffep127f },
        { "3.4028235e38", 0x1.fffffep127f },
        { "340282356779733661637539395458142568447", 0x1.fffffep127f },
        { "-3.4028234663852886e+38", -0x1.fffffep127f },
        { "0.00000000000000000000000000000000000001e38", 1 },
        { "100000000000000000000000000000000000000e-38", 1 },
        { NULL, 0 }
    };

    for (i = 0; numbers[i].text; i++) {
        ok(read_number(numbers[i].text, &value)
           && memcmp(&value, &numbers[i].value, sizeof(float)) == 0,
           "%s", numbers[i].text);
    }
}


static void
test_grammar(void)
{
    float       value;
    ngx_uint_t  i;

    static const char  *wrong[] = {
        "", "-", "+1", ".5", "1.", "-.5", "01", "-01", "00", "1e", "1e+",
        "1.e5", "1.5e", "NaN", "Infinity", "-Infinity", "inf", "0x10", "1_0",
        "--1", "1.5.5x", "1e5.5", "1-", "e5", " 1", "1 ", "1,", "0.", "0.x",
        "0.1e", "0.12345678x", "0.1234567890123456x",

        /* larger than any float */
        "3.4028236e38", "340282356779733661637539395458142568448", "1e39",
        "-1e39", "1e400", "1e99999999999999999999", "0.1e40",

        /* longer than any numeral */
        "0.000000000000000000000000000000000000000000000000000000000000000",
        "1000000000000000000000000000000000000000000000000000000000000000e-60",
        NULL
    };

    for (i = 0; wrong[i]; i++) {
        ok(!read_number(wrong[i], &value), "no number: %s", wrong[i]);
    }
}


/* Nothing behind the end is read, wherever that is. */

static void
test_ends(void)
{
    float          value;
    size_t         i, n;
    ngx_str_t      copy;
    ngx_uint_t     bad;
    const u_char  *p;

    static const char  text[] = "-0.0123456789012345678e-05";

    bad = 0;
    n = sizeof(text) - 1;

    for (i = 0; i <= n; i++) {
        copy = test_copy(text, i);

        p = argo_float_read(copy.data, copy.data + i, &value);

        if (p && p != copy.data + i) {
            bad++;
        }

        if (argo_float_skip(copy.data, copy.data + i) != p) {
            bad++;
        }

        test_free(&copy);
    }

    is(bad, 0, "a numeral that ends anywhere");
}


static void
test_random(void)
{
    char           text[ARGO_FLOAT_MAX_NUMERAL + 2];
    float          value, expected;
    size_t         n;
    ngx_uint_t     i, bad;
    const u_char  *p, *end;

    bad = 0;

    for (i = 0; i < ROUNDS; i++) {

        n = random_numeral(text, sizeof(text) - 1);

        expected = strtof(text, NULL);
        end = (u_char *) text + n;
        text[n] = ',';

        p = argo_float_read((u_char *) text, end + 1, &value);

        if (isinf(expected) ? p != NULL
            : (p != end || memcmp(&value, &expected, sizeof(float)) != 0))
        {
            printf("# %.*s: %a, not %a\n", (int) n, text, value, expected);
            bad++;
        }

        if (argo_float_skip((u_char *) text, end + 1) != p) {
            printf("# %.*s is not skipped alike\n", (int) n, text);
            bad++;
        }
    }

    is(bad, 0, "%d random numerals", ROUNDS);
}


static void
test_write(void)
{
    char        text[ARGO_FLOAT_LEN + 1], digits[32];
    float       value, back;
    u_char     *p;
    uint32_t    bits;
    ngx_uint_t  i, bad, longer;

    static const number_t  numbers[] = {
        { "0.0", 0 }, { "-0.0", -0.0f }, { "1.0", 1 }, { "-2.5", -2.5f },
        { "0.1", 0.1f }, { "0.0001", 0.0001f }, { "1e-05", 0.00001f },
        { "1.25e-10", 1.25e-10f }, { "123456.79", 123456.789f },
        { "1e+16", 1e16f }, { "1000000000000000.0", 1e15f },
        { "3.4028235e+38", 0x1.fffffep127f }, { "1e-45", 0x1p-149f },
        { "1.1754944e-38", 0x1p-126f }, { "0.33333334", 1 / 3.f },
        { "16777216.0", 16777216 },
        { NULL, 0 }
    };

    for (i = 0; numbers[i].text; i++) {
        p = argo_float_write((u_char *) text, numbers[i].value);
        is_mem(text, p - (u_char *) text, numbers[i].text,
               strlen(numbers[i].text), "written: %s", numbers[i].text);
    }

    bad = 0;
    longer = 0;

    for (i = 0; i < ROUNDS; i++) {

        bits = (uint32_t) random_bits();
        memcpy(&value, &bits, sizeof(float));

        if (!isfinite(value)) {
            continue;
        }

        p = argo_float_write((u_char *) text, value);
        *p = '\0';

        if (p - (u_char *) text > ARGO_FLOAT_LEN || !read_number(text, &back)
            || memcmp(&back, &value, sizeof(float)) != 0
            || strtof(text, NULL) != value)
        {
            printf("# %a is written as %s\n", value, text);
            bad++;
        }

        /* eight digits would do, and none were saved */

        snprintf(digits, sizeof(digits), "%.7e", value);

        if (fabsf(value) < 1 && strtof(digits, NULL) == value
            && strcspn(text, "e") - strspn(text, "-0.") > 9)
        {
            longer++;
        }
    }

    is(bad, 0, "random floats come back");
    is(longer, 0, "random floats are short");
}


/* xorshift; the same numbers each time */

static uint64_t
random_bits(void)
{
    static uint64_t  state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;

    return state;
}


static size_t
random_numeral(char *p, size_t size)
{
    int       n;
    float     f, next;
    double    d;
    uint64_t  bits;

    bits = random_bits();

    memcpy(&d, &bits, sizeof(double));
    memcpy(&f, &bits, sizeof(float));

    switch (random_bits() % 6) {

    case 0: /* as Python writes numbers of vectors */
        n = snprintf(p, size, "%.17g", (double) (int64_t) bits / 1e20);
        break;

    case 1:
        n = snprintf(p, size, "%.17g", isfinite(d) ? d : 0.5);
        break;

    case 2:
        n = snprintf(p, size, "%.9g", isfinite(f) ? (double) f : 0.5);
        break;

    case 3: /* halfway between two floats, written to different lengths */
        f = isfinite(f) ? fabsf(f) : 1;
        next = nextafterf(f, INFINITY);
        d = isinf(next) ? 0x1.ffffffp127 : ((double) f + next) / 2;
        n = snprintf(p, size, "%.*e", (int) (random_bits() % 55), d);
        break;

    case 4:
        n = snprintf(p, size, "%s%llu.%llue%d", (bits & 1) ? "-" : "",
                     (unsigned long long) (bits >> (random_bits() % 64)),
                     (unsigned long long) (random_bits()
                                           >> (random_bits() % 64)),
                     (int) (random_bits() % 140) - 90);
        break;

    default:
        n = snprintf(p, size, "%.*f", (int) (random_bits() % 50),
                     (double) (int64_t) bits / pow(10, 18 + bits % 30));
    }

    if ((size_t) n >= size) {
        n = snprintf(p, size, "0.5");
    }

    return n;
}


static int
read_number(const char *text, float *value)
{
    int            passed;
    size_t         n;
    ngx_str_t      copy;
    const u_char  *end, *p;

    n = strlen(text);
    copy = test_copy(text, n);
    end = copy.data + n;

    p = argo_float_read(copy.data, end, value);
    passed = (p == end);

    if (argo_float_skip(copy.data, end) != p) {
        printf("# skipped otherwise: %s\n", text);
        passed = 0;
    }

    test_free(&copy);

    return passed;
}
