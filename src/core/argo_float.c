
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Single-precision floats and the numerals that JSON writes them as.
 *
 * Reading: the first 19 digits are taken as an integer and scaled by powers
 * of ten in double arithmetic.  What comes out is off by a few units of the
 * double's last place at most, which decides nothing unless it is next to
 * the middle between two floats; then, once in some ten million numbers, the
 * whole numeral is compared with that middle in integers.
 */


#include "argo_float.h"
#include "argo_base64.h"


/* digits that a uint64_t takes for sure */
#define ARGO_FLOAT_DIGITS   19

/* powers of ten that are exact in a double */
#define ARGO_FLOAT_POWERS   22

/*
 * With up to 19 digits before it, a lesser exponent makes less than half of
 * the smallest float, a greater one makes more than the largest.
 */
#define ARGO_FLOAT_MIN_EXP  -66
#define ARGO_FLOAT_MAX_EXP  39

/* how far the scaled double may be off, in units of its last place */
#define ARGO_FLOAT_MARGIN   16

/* 64 digits times 10^111 or 2^150, whichever is larger, in 32-bit words */
#define ARGO_FLOAT_WORDS    24


/* digits * 10 ^ exponent, with the sign beside it */

typedef struct {
    uint64_t    digits;
    int         exponent;
    ngx_uint_t  negative;
    ngx_uint_t  significant;        /* digits but leading zeros */
} argo_decimal_t;


typedef struct {
    uint32_t    words[ARGO_FLOAT_WORDS];    /* the lowest first */
    ngx_uint_t  n;
} argo_big_t;


static const u_char *argo_float_scan(const u_char *p, const u_char *end,
    argo_decimal_t *d);
static const u_char *argo_float_exponent(const u_char *p, const u_char *end,
    int *exponent);
static void argo_float_rescan(const u_char *p, const u_char *end,
    argo_decimal_t *d);
static ngx_int_t argo_float_nearest(const u_char *p, const u_char *end,
    const argo_decimal_t *d, float *value);
static ngx_int_t argo_float_round(const u_char *p, const u_char *end,
    double v, float *value);
static double argo_float_scale(const argo_decimal_t *d);
static int argo_float_compare(const u_char *p, const u_char *end,
    uint32_t middle, int exponent);
static void argo_big_set(argo_big_t *big, uint32_t n);
static void argo_big_multiply(argo_big_t *big, uint32_t factor, uint32_t more);
static void argo_big_scale(argo_big_t *big, ngx_uint_t twos, ngx_uint_t tens);
static int argo_big_compare(const argo_big_t *a, const argo_big_t *b);

static void argo_float_shortest(float value, uint64_t *digits,
    int *exponent);
static void argo_float_middles(float value, double *low, double *high);
static int argo_float_magnitude(double v);
static u_char *argo_float_format(u_char *p, uint64_t digits, int exponent);


static const double  argo_float_powers[ARGO_FLOAT_POWERS + 1] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13,
    1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
};


/*
 * Eight characters at a time: those that are digits become their values, and
 * the others are told by bits.
 */

#if (NGX_HAVE_LITTLE_ENDIAN)

#define ARGO_FLOAT_EIGHT  1

static inline uint64_t
argo_float_load(const u_char *p)
{
    uint64_t  w;

    ngx_memcpy(&w, p, sizeof(uint64_t));

    return w ^ 0x3030303030303030;
}


/* the highest bit of each byte that is no digit */

static inline uint64_t
argo_float_others(uint64_t w)
{
    return (((w & 0x7f7f7f7f7f7f7f7f) + 0x7676767676767676) | w)
           & 0x8080808080808080;
}


static inline uint64_t
argo_float_eight(uint64_t w)
{
    w = w * 10 + (w >> 8);

    return (((w & 0x000000ff000000ff) * 0x000f424000000064)
            + (((w >> 16) & 0x000000ff000000ff) * 0x0000271000000001)) >> 32;
}

#endif


/*
 * Adds a run of digits.  The number overflows beyond 19 of them, which the
 * caller sees by their count.
 */

static inline const u_char *
argo_float_run(const u_char *p, const u_char *end, uint64_t *digits)
{
    uint64_t  n;

#if (ARGO_FLOAT_EIGHT)

    uint64_t                w, others;
    ngx_uint_t              k;

    static const uint32_t   powers[] = {
        1, 10, 100, 1000, 10000, 100000, 1000000, 10000000
    };

    n = *digits;

    while (end - p >= 8) {

        w = argo_float_load(p);
        others = argo_float_others(w);

        if (others == 0) {
            n = n * 100000000 + argo_float_eight(w);
            p += 8;
            continue;
        }

        k = __builtin_ctzll(others) >> 3;

        if (k) {
            /* zeros before them, in place of what follows */
            n = n * powers[k] + argo_float_eight(w << (64 - 8 * k));
        }

        *digits = n;

        return p + k;
    }

#else
    n = *digits;
#endif

    for ( /* void */ ; p < end && (u_char) (*p - '0') <= 9; p++) {
        n = n * 10 + (*p - '0');
    }

    *digits = n;

    return p;
}


const u_char *
argo_float_read(const u_char *p, const u_char *end, float *value)
{
    const u_char    *next;
    argo_decimal_t   d;

    next = argo_float_scan(p, end, &d);

    if (next == NULL || next - p > ARGO_FLOAT_MAX_NUMERAL) {
        return NULL;
    }

    if (d.significant > ARGO_FLOAT_DIGITS) {
        argo_float_rescan(p, next, &d);
    }

    if (argo_float_nearest(p, next, &d, value) != NGX_OK) {
        return NULL;
    }

    if (d.negative) {
        *value = -*value;
    }

    return next;
}


const u_char *
argo_float_skip(const u_char *p, const u_char *end)
{
    float          ignored;
    const u_char  *start;

#if (ARGO_FLOAT_EIGHT)

    uint64_t       others;

    start = p;

    if (p < end && *p == '-') {
        p++;
    }

    /* what most numbers of a vector are like: nought, and a fraction */

    if (end - p > 11 && p[0] == '0' && p[1] == '.') {

        p += 2;

        if ((u_char) (*p - '0') > 9) {
            return NULL;
        }

        do {
            others = argo_float_others(argo_float_load(p));
            p += others ? __builtin_ctzll(others) >> 3 : 8;
        } while (others == 0 && end - p >= 8);

        if (others && (*p | 0x20) != 'e') {
            return (p - start <= ARGO_FLOAT_MAX_NUMERAL) ? p : NULL;
        }
    }

#else
    start = p;
#endif

    return argo_float_read(start, end, &ignored);
}


/* JSON's grammar for numbers. */

static const u_char *
argo_float_scan(const u_char *p, const u_char *end, argo_decimal_t *d)
{
    const u_char  *start, *first;

    d->digits = 0;
    d->exponent = 0;
    d->negative = 0;

    if (p < end && *p == '-') {
        d->negative = 1;
        p++;
    }

    start = p;
    p = argo_float_run(p, end, &d->digits);

    if (p == start || (*start == '0' && p - start > 1)) {
        return NULL;
    }

    d->significant = p - start;

    if (p < end && *p == '.') {

        start = ++p;

        if (d->digits == 0) {

            d->significant = 0;

            while (p < end && *p == '0') {
                p++;
            }
        }

        first = p;
        p = argo_float_run(p, end, &d->digits);

        if (p == start) {
            return NULL;
        }

        d->significant += p - first;
        d->exponent = -(int) ngx_min(p - start, ARGO_FLOAT_MAX_NUMERAL);
    }

    if (p < end && (*p | 0x20) == 'e') {
        return argo_float_exponent(p + 1, end, &d->exponent);
    }

    return p;
}


static const u_char *
argo_float_exponent(const u_char *p, const u_char *end, int *exponent)
{
    int            n, sign;
    const u_char  *start;

    sign = 1;

    if (p < end && (*p == '-' || *p == '+')) {
        sign = (*p++ == '-') ? -1 : 1;
    }

    start = p;

    for (n = 0; p < end && (u_char) (*p - '0') <= 9; p++) {
        n = ngx_min(n * 10 + (*p - '0'), 10000);
    }

    *exponent += sign * n;

    return (p == start) ? NULL : p;
}


/* Takes the first 19 digits alone. */

static void
argo_float_rescan(const u_char *p, const u_char *end, argo_decimal_t *d)
{
    ngx_uint_t  n;

    d->digits = 0;
    d->exponent += (int) (d->significant - ARGO_FLOAT_DIGITS);

    for (n = 0; n < ARGO_FLOAT_DIGITS && p < end; p++) {

        if ((u_char) (*p - '0') <= 9) {
            d->digits = d->digits * 10 + (*p - '0');
            n += (d->digits != 0);
        }
    }
}


static ngx_int_t
argo_float_nearest(const u_char *p, const u_char *end,
    const argo_decimal_t *d, float *value)
{
    double    v;
    uint64_t  bits;

    if (d->digits == 0 || d->exponent < ARGO_FLOAT_MIN_EXP) {
        *value = 0;
        return NGX_OK;
    }

    if (d->exponent > ARGO_FLOAT_MAX_EXP) {
        return NGX_DECLINED;
    }

    v = argo_float_scale(d);

    ngx_memcpy(&bits, &v, sizeof(uint64_t));

    /* the 29 bits that a float has no room for, against their middle */

    bits = (bits & 0x1fffffff) - (0x10000000 - ARGO_FLOAT_MARGIN);

    if (bits > 2 * ARGO_FLOAT_MARGIN && v > 0x1p-120 && v < 0x1p120) {
        *value = (float) v;
        return NGX_OK;
    }

    return argo_float_round(p, end, v, value);
}


static double
argo_float_scale(const argo_decimal_t *d)
{
    int     n;
    double  v;

    v = (double) d->digits;

    for (n = -d->exponent; n > ARGO_FLOAT_POWERS; n -= ARGO_FLOAT_POWERS) {
        v /= argo_float_powers[ARGO_FLOAT_POWERS];
    }

    if (n >= 0) {
        return v / argo_float_powers[n];
    }

    for (n = -n; n > ARGO_FLOAT_POWERS; n -= ARGO_FLOAT_POWERS) {
        v *= argo_float_powers[ARGO_FLOAT_POWERS];
    }

    return v * argo_float_powers[n];
}


/*
 * If both ends of an interval around v that holds the true value round to
 * the same float, so does the true value.  Else it is decided exactly which
 * side of the middle between the two it lies on.
 */

static ngx_int_t
argo_float_round(const u_char *p, const u_char *end, double v, float *value)
{
    int       exponent, side;
    float     low, high;
    uint32_t  bits, mantissa;

    low = (float) (v * (1 - 0x1p-48));
    high = (float) (v * (1 + 0x1p-48));

    if (low != high) {
        ngx_memcpy(&bits, &low, sizeof(uint32_t));

        mantissa = bits & 0x7fffff;
        exponent = (int) (bits >> 23);

        if (exponent) {
            mantissa |= 0x800000;
            exponent--;
        }

        /* the middle: 2^-149 is the unit of the smallest floats */

        side = argo_float_compare(p, end, mantissa * 2 + 1, exponent - 150);

        if (side > 0 || (side == 0 && (mantissa & 1))) {
            low = high;
        }
    }

    *value = low;

    return (low > 0x1.fffffep127f) ? NGX_DECLINED : NGX_OK;
}


/* The numeral from p to end without its sign, against middle * 2^exponent. */

static int
argo_float_compare(const u_char *p, const u_char *end, uint32_t middle,
    int exponent)
{
    int         tens;
    argo_big_t  a, b;
    ngx_uint_t  fraction;

    argo_big_set(&a, 0);
    argo_big_set(&b, middle);

    tens = 0;
    fraction = 0;

    for ( /* void */ ; p < end; p++) {

        if ((u_char) (*p - '0') <= 9) {
            argo_big_multiply(&a, 10, *p - '0');
            tens -= fraction;

        } else if (*p == '.') {
            fraction = 1;

        } else if (*p != '-') {
            (void) argo_float_exponent(p + 1, end, &tens);
            break;
        }
    }

    argo_big_scale(&a, (exponent < 0) ? -exponent : 0, (tens > 0) ? tens : 0);
    argo_big_scale(&b, (exponent > 0) ? exponent : 0, (tens < 0) ? -tens : 0);

    return argo_big_compare(&a, &b);
}


static void
argo_big_set(argo_big_t *big, uint32_t n)
{
    big->words[0] = n;
    big->n = (n != 0);
}


/* big = big * factor + more */

static void
argo_big_multiply(argo_big_t *big, uint32_t factor, uint32_t more)
{
    uint64_t    carry;
    ngx_uint_t  i;

    carry = more;

    for (i = 0; i < big->n; i++) {
        carry += (uint64_t) big->words[i] * factor;
        big->words[i] = (uint32_t) carry;
        carry >>= 32;
    }

    if (carry && big->n < ARGO_FLOAT_WORDS) {
        big->words[big->n++] = (uint32_t) carry;
    }
}


static void
argo_big_scale(argo_big_t *big, ngx_uint_t twos, ngx_uint_t tens)
{
    for ( /* void */ ; tens >= 9; tens -= 9) {
        argo_big_multiply(big, 1000000000, 0);
    }

    while (tens--) {
        argo_big_multiply(big, 10, 0);
    }

    for ( /* void */ ; twos >= 31; twos -= 31) {
        argo_big_multiply(big, 0x80000000, 0);
    }

    argo_big_multiply(big, (uint32_t) 1 << twos, 0);
}


static int
argo_big_compare(const argo_big_t *a, const argo_big_t *b)
{
    ngx_uint_t  i;

    if (a->n != b->n) {
        return (a->n > b->n) ? 1 : -1;
    }

    for (i = a->n; i-- > 0; /* void */ ) {
        if (a->words[i] != b->words[i]) {
            return (a->words[i] > b->words[i]) ? 1 : -1;
        }
    }

    return 0;
}


u_char *
argo_float_write(u_char *p, float value)
{
    int       exponent;
    uint32_t  bits;
    uint64_t  digits;

    ngx_memcpy(&bits, &value, sizeof(uint32_t));

    if (bits & 0x80000000) {
        *p++ = '-';
        value = -value;
    }

    if (value == 0) {
        *p++ = '0';
        *p++ = '.';
        *p++ = '0';
        return p;
    }

    argo_float_shortest(value, &digits, &exponent);

    while (digits % 10 == 0) {
        digits /= 10;
        exponent++;
    }

    return argo_float_format(p, digits, exponent);
}


/*
 * Finds the fewest digits that read back as the same float: those that lie
 * between the middles to its neighbours.  Nine always do.  Less than six are
 * tried for the smallest numbers only: others have zeros at their end then.
 */

static void
argo_float_shortest(float value, uint64_t *digits, int *exponent)
{
    double          low, high, near;
    argo_decimal_t  d;

    argo_float_middles(value, &low, &high);

    /* what can't be told for sure costs a digit more */

    low *= 1 + 0x1p-48;
    high *= 1 - 0x1p-48;

    *exponent = argo_float_magnitude(value)
                - ((value < 0x1p-126f) ? 1 : 6);

    for ( ;; ) {

        d.digits = 1;
        d.exponent = -*exponent;

        *digits = (uint64_t) (value * argo_float_scale(&d) + 0.5);

        d.digits = *digits;
        d.exponent = *exponent;

        near = argo_float_scale(&d);

        if ((near > low && near < high) || *digits > 999999999) {
            break;
        }

        (*exponent)--;
    }
}


/* A positive float's borders to the ones below and above it. */

static void
argo_float_middles(float value, double *low, double *high)
{
    float     below, above;
    uint32_t  bits;

    ngx_memcpy(&bits, &value, sizeof(uint32_t));

    bits--;
    ngx_memcpy(&below, &bits, sizeof(float));

    bits += 2;
    ngx_memcpy(&above, &bits, sizeof(float));

    *low = ((double) below + value) / 2;
    *high = (bits == 0x7f800000) ? 0x1p128 : ((double) above + value) / 2;
}


/* How many digits a positive number has before its point. */

static int
argo_float_magnitude(double v)
{
    int  n;

    n = 0;

    for ( /* void */ ; v < 1e-22; v *= 1e22) {
        n -= 22;
    }

    for ( /* void */ ; v >= 1; v /= 10) {
        n++;
    }

    for ( /* void */ ; v < 0.1; v *= 10) {
        n--;
    }

    return n;
}


/* Like Python's repr(): an exponent only for what is very large or small. */

static u_char *
argo_float_format(u_char *p, uint64_t digits, int exponent)
{
    int     n, point;
    u_char  text[NGX_INT64_LEN], *q, *end;

    end = text + sizeof(text);
    q = end;

    do {
        *--q = (u_char) ('0' + digits % 10);
        digits /= 10;
    } while (digits);

    point = (int) (end - q) + exponent;

    if (point < -3 || point > 16) {

        *p++ = *q++;

        if (q < end) {
            *p++ = '.';
            p = ngx_cpymem(p, q, end - q);
        }

        *p++ = 'e';
        *p++ = (point > 0) ? '+' : '-';

        n = (point > 0) ? point - 1 : 1 - point;

        *p++ = (u_char) ('0' + n / 10);
        *p++ = (u_char) ('0' + n % 10);

        return p;
    }

    if (point <= 0) {

        *p++ = '0';
        *p++ = '.';

        for (n = point; n < 0; n++) {
            *p++ = '0';
        }

        return ngx_cpymem(p, q, end - q);
    }

    for (n = 0; n < point; n++) {
        *p++ = (q < end) ? *q++ : '0';
    }

    *p++ = '.';

    if (q == end) {
        *p++ = '0';
    }

    return ngx_cpymem(p, q, end - q);
}


void
argo_float_write_base64(const float *p, ngx_uint_t n, argo_out_t *out)
{
    argo_base64_t  base64;

    argo_base64_init(&base64);

#if (NGX_HAVE_LITTLE_ENDIAN)

    argo_base64_write(&base64, (const u_char *) p, n * sizeof(float), out);

#else

    uint32_t       bits;

    for ( /* void */ ; n; n--, p++) {
        ngx_memcpy(&bits, p, sizeof(uint32_t));
        bits = __builtin_bswap32(bits);
        argo_base64_write(&base64, (u_char *) &bits, sizeof(uint32_t), out);
    }

#endif

    argo_base64_end(&base64, out);
}
