
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Strings of JSON: where they end, and what they stand for.  Most bytes of any
 * document are in strings, so they are looked at many at a time, in vectors
 * that gcc and clang make for any processor.
 */


#include "argo_json.h"
#include "argo_utf8.h"


/* longest UTF-8 form of what an escape stands for */
#define ARGO_JSON_MAX_CHAR    4

#define argo_json_is_plain(c)                                                 \
    ((c) >= 0x20 && (c) < 0x80 && (c) != '"' && (c) != '\\')


/* what follows the backslash of an escape of two characters */

static const u_char  argo_json_simples[256] = {
    ['"'] = 1, ['\\'] = 1, ['/'] = 1, ['b'] = 1, ['f'] = 1, ['n'] = 1,
    ['r'] = 1, ['t'] = 1
};


/* as many bytes as are compared at once */
#define ARGO_JSON_LANES  16
#define ARGO_JSON_ALL    0xffff

/* after so many a string is long, and blocks are looked at */
#define ARGO_JSON_SHORT  4

/* a bit of a mask for each of its bytes */
#define ARGO_JSON_BLOCK  64
#define ARGO_JSON_EVEN   UINT64_C(0x5555555555555555)

typedef signed char  argo_json_lanes_t
    __attribute__((vector_size(ARGO_JSON_LANES)));

#if defined(__SSE2__)
typedef char  argo_json_chars_t __attribute__((vector_size(ARGO_JSON_LANES)));
#endif


/* What is where in a block within a string. */

typedef struct {
    uint64_t              quotes;   /* escaped ones, too */
    uint64_t              slashes;  /* that is, backslashes */
    uint64_t              low;      /* not plain: controls, beyond ASCII */
} argo_json_block_t;


static u_char *argo_json_skip_short(u_char *p, u_char *end,
    ngx_uint_t *escaped);
static u_char *argo_json_skip_long(u_char *p, u_char *end,
    ngx_uint_t *escaped) __attribute__((noinline));
static inline u_char *argo_json_skip_block(u_char *p, u_char *end,
    const u_char *block, ngx_uint_t *escaped, ngx_uint_t *ended);
static u_char *argo_json_skip_odd(u_char *p, u_char *end,
    ngx_uint_t *escaped);
static u_char *argo_json_skip_wide(u_char *p, u_char *end);
static inline u_char *argo_json_skip_plain(u_char *p, u_char *end);
static inline ngx_uint_t argo_json_all_plain(const u_char *p);
static inline void argo_json_look(argo_json_block_t *block, const u_char *p);
static inline uint64_t argo_json_after_escapes(uint64_t slashes);
static inline uint64_t argo_json_look_simples(const u_char *p);
static inline argo_json_lanes_t argo_json_simple(argo_json_lanes_t v);
static inline uint64_t argo_json_masks(argo_json_lanes_t v0,
    argo_json_lanes_t v1, argo_json_lanes_t v2, argo_json_lanes_t v3);
static inline uint32_t argo_json_odd(const u_char *p);
static inline argo_json_lanes_t argo_json_lanes(const u_char *p, ngx_uint_t n);
static inline argo_json_lanes_t argo_json_plains(argo_json_lanes_t v);
static inline uint32_t argo_json_mask(argo_json_lanes_t v);
static inline u_char *argo_json_skip_escape(u_char *p, u_char *end);
static u_char *argo_json_escape(u_char *p, u_char *end, uint32_t *ch);
static u_char *argo_json_hex(u_char *p, u_char *end, uint32_t *unit);
static size_t argo_json_encode(u_char *dst, uint32_t ch);


/* Most strings are short and plain: names, roles, tokens of a stream. */

u_char *
argo_json_skip_string(u_char *p, u_char *end, ngx_uint_t *escaped)
{
    u_char    *at;
    uint32_t   odd;

    p++;

    if (end - p >= ARGO_JSON_LANES) {

        odd = argo_json_odd(p);

        if (odd) {
            at = p + __builtin_ctz(odd);

            if (*at == '"') {
                return at + 1;
            }
        }
    }

    return argo_json_skip_short(p, end, escaped);
}


/* The beginning of a string, a vector at a time. */

static u_char *
argo_json_skip_short(u_char *p, u_char *end, ngx_uint_t *escaped)
{
    u_char      *at;
    uint32_t     odd;
    ngx_uint_t   n;

    for (n = 0; end - p >= ARGO_JSON_LANES; n++) {

        if (n == ARGO_JSON_SHORT) {
            return argo_json_skip_long(p, end, escaped);
        }

        odd = argo_json_odd(p);

        if (odd == 0) {
            p += ARGO_JSON_LANES;
            continue;
        }

        /* escapes seldom come alone: use all that is known */

        do {
            at = p + __builtin_ctz(odd);

            if (*at == '"') {
                return at + 1;
            }

            if (*at != '\\' || at + 1 == end || !argo_json_simples[at[1]]) {
                break;
            }

            *escaped = 1;
            at += 2;
            odd &= ~(uint32_t) 0 << (at - p);

        } while (odd);

        p = odd ? argo_json_skip_odd(at, end, escaped)
                : ngx_max(at, p + ARGO_JSON_LANES);

        if (p == NULL) {
            return NULL;
        }
    }

    return argo_json_skip_long(p, end, escaped);
}


/* The rest of a string, a block at a time, escapes and all. */

static u_char *
argo_json_skip_long(u_char *p, u_char *end, ngx_uint_t *escaped)
{
    u_char         buf[ARGO_JSON_BLOCK];
    ngx_uint_t     n, ended;
    const u_char  *block;

    ended = 0;

    for (n = 0; /* void */ ; n++) {

        /* what is not plain seldom comes alone */

        if (n % ARGO_JSON_SHORT == 0) {
            p = argo_json_skip_plain(p, end);
        }

        block = p;

        if (end - p < ARGO_JSON_BLOCK) {

            /* zeroes can't be in a string: it ends before them or not at all */

            ngx_memzero(buf, sizeof(buf));
            ngx_memcpy(buf, p, end - p);

            block = buf;
        }

        p = argo_json_skip_block(p, end, block, escaped, &ended);

        if (p == NULL || ended) {
            return p;
        }
    }
}


/*
 * block is what begins at p, not within an escape, behind end filled up with
 * zeroes.  Returns what is to be looked at next, or is behind the string, if
 * it has ended; NULL: something can't be in a string.
 */

static inline u_char *
argo_json_skip_block(u_char *p, u_char *end, const u_char *block,
    ngx_uint_t *escaped, ngx_uint_t *ended)
{
    u_char             *next;
    uint64_t            after, wrong, inside;
    ngx_uint_t          at;
    argo_json_block_t   b;

    argo_json_look(&b, block);

    after = argo_json_after_escapes(b.slashes);
    wrong = b.low;

    if (after & ~b.quotes) {
        wrong |= after & ~(b.quotes | argo_json_look_simples(block));
    }

    b.quotes &= ~after;

    /* all that is below the quote that ends it, or all */

    inside = b.quotes ? (b.quotes & -b.quotes) - 1 : ~(uint64_t) 0;

    *escaped |= (b.slashes & inside) != 0;

    for (wrong &= inside; wrong; /* void */ ) {

        at = __builtin_ctzll(wrong);

        if (after >> at & 1) {

            if (argo_json_skip_escape(p + at - 1, end) == NULL) {
                return NULL;
            }

            /* digits are plain */

            wrong &= wrong - 1;
            continue;
        }

        if (block[at] < 0x80) {
            return NULL;
        }

        next = argo_json_skip_wide(p + at, end);

        if (next == NULL) {
            return NULL;
        }

        if (next - p >= ARGO_JSON_BLOCK) {
            return next;
        }

        wrong &= ~(uint64_t) 0 << (next - p);
    }

    if (b.quotes) {
        *ended = 1;
        return p + __builtin_ctzll(b.quotes) + 1;
    }

    if (b.slashes >> (ARGO_JSON_BLOCK - 1) && ~b.slashes
        && (__builtin_clzll(~b.slashes) & 1))
    {
        /* an escape that has only begun is looked at again */
        return p + ARGO_JSON_BLOCK - 1;
    }

    return p + ARGO_JSON_BLOCK;
}


/* Escapes and characters beyond ASCII; NULL: it can't be in a string. */

static u_char *
argo_json_skip_odd(u_char *p, u_char *end, ngx_uint_t *escaped)
{
    if (*p < 0x20) {
        return NULL;
    }

    while (p < end && *p == '\\') {
        *escaped = 1;

        p = argo_json_skip_escape(p, end);
        if (p == NULL) {
            return NULL;
        }
    }

    return argo_json_skip_wide(p, end);
}


/* Characters beyond ASCII, if there are any; NULL: they are not UTF-8. */

static u_char *
argo_json_skip_wide(u_char *p, u_char *end)
{
    size_t      len;
    ngx_uint_t  valid;

    while (p < end && *p >= 0x80) {
        len = argo_utf8_next(p, end - p, &valid);
        if (!valid) {
            return NULL;
        }

        p += len;
    }

    return p;
}


u_char *
argo_json_plain(u_char *p, u_char *end)
{
    uint32_t  odd;

    while (end - p >= ARGO_JSON_LANES) {

        odd = argo_json_odd(p);

        if (odd) {
            return p + __builtin_ctz(odd);
        }

        p = argo_json_skip_plain(p + ARGO_JSON_LANES, end);
    }

    while (p < end && argo_json_is_plain(*p)) {
        p++;
    }

    return p;
}


/* Skips what is plain, in large steps; what is not may begin in the next. */

static inline u_char *
argo_json_skip_plain(u_char *p, u_char *end)
{
    while (end - p >= ARGO_JSON_BLOCK && argo_json_all_plain(p)) {
        p += ARGO_JSON_BLOCK;
    }

    return p;
}


static inline ngx_uint_t
argo_json_all_plain(const u_char *p)
{
    argo_json_lanes_t  v;

    v = argo_json_plains(argo_json_lanes(p, 0))
        & argo_json_plains(argo_json_lanes(p, 1))
        & argo_json_plains(argo_json_lanes(p, 2))
        & argo_json_plains(argo_json_lanes(p, 3));

    return argo_json_mask(v) == ARGO_JSON_ALL;
}


static inline void
argo_json_look(argo_json_block_t *block, const u_char *p)
{
    argo_json_lanes_t  v0, v1, v2, v3;

    v0 = argo_json_lanes(p, 0);
    v1 = argo_json_lanes(p, 1);
    v2 = argo_json_lanes(p, 2);
    v3 = argo_json_lanes(p, 3);

    block->quotes = argo_json_masks(v0 == '"', v1 == '"', v2 == '"',
                                    v3 == '"');

    block->slashes = argo_json_masks(v0 == '\\', v1 == '\\', v2 == '\\',
                                     v3 == '\\');

    /* signed, so that bytes of 0x80 and more are below as well */

    block->low = ~argo_json_masks(v0 > 0x1f, v1 > 0x1f, v2 > 0x1f, v3 > 0x1f);
}


/*
 * What an escape is followed by: an odd number of backslashes in succession.
 * The sum carries a bit from the first one behind the last.  This is how it
 * is done in G. Langdale, D. Lemire, "Parsing Gigabytes of JSON per Second",
 * 2019.  Backslashes that are escaped are not told: they may follow anyhow.
 */

static inline uint64_t
argo_json_after_escapes(uint64_t slashes)
{
    uint64_t  first, even, odd;

    first = slashes & ~(slashes << 1);

    even = slashes + (first & ARGO_JSON_EVEN);
    odd = slashes + (first & ~ARGO_JSON_EVEN);

    return ((even & ~ARGO_JSON_EVEN) | (odd & ARGO_JSON_EVEN)) & ~slashes;
}


/* The second characters of escapes that have no more than two, but for "\"". */

static inline uint64_t
argo_json_look_simples(const u_char *p)
{
    return argo_json_masks(argo_json_simple(argo_json_lanes(p, 0)),
                           argo_json_simple(argo_json_lanes(p, 1)),
                           argo_json_simple(argo_json_lanes(p, 2)),
                           argo_json_simple(argo_json_lanes(p, 3)));
}


static inline argo_json_lanes_t
argo_json_simple(argo_json_lanes_t v)
{
    /* "b" and "r", "f" and "n" differ in one bit each */

    return (v == '/') | (v == 't') | ((v & ~('b' ^ 'r')) == 'b')
           | ((v & ~('f' ^ 'n')) == 'f');
}


/* A bit for each lane of four. */

static inline uint64_t
argo_json_masks(argo_json_lanes_t v0, argo_json_lanes_t v1,
    argo_json_lanes_t v2, argo_json_lanes_t v3)
{
    uint64_t  low, high;

    low = argo_json_mask(v0) | argo_json_mask(v1) << ARGO_JSON_LANES;
    high = argo_json_mask(v2) | argo_json_mask(v3) << ARGO_JSON_LANES;

    return low | high << 2 * ARGO_JSON_LANES;
}


/* Which of the next bytes can't stand in a string as they are, a bit each. */

static inline uint32_t
argo_json_odd(const u_char *p)
{
    return argo_json_mask(argo_json_plains(argo_json_lanes(p, 0)))
           ^ ARGO_JSON_ALL;
}


/* The lanes of a block are four times as many. */

static inline argo_json_lanes_t
argo_json_lanes(const u_char *p, ngx_uint_t n)
{
    argo_json_lanes_t  v;

    ngx_memcpy(&v, p + n * ARGO_JSON_LANES, sizeof(argo_json_lanes_t));

    return v;
}


/* A lane has all bits if its byte is plain, and else none. */

static inline argo_json_lanes_t
argo_json_plains(argo_json_lanes_t v)
{
    /* signed, so that bytes of 0x80 and more are below as well */

    return (v > 0x1f) & ~((v == '"') | (v == '\\'));
}


/* A bit for each lane. */

static inline uint32_t
argo_json_mask(argo_json_lanes_t v)
{
#if defined(__SSE2__)

    return (uint32_t) __builtin_ia32_pmovmskb128((argo_json_chars_t) v);

#else

    uint32_t    mask;
    ngx_uint_t  i;

    mask = 0;

    for (i = 0; i < ARGO_JSON_LANES; i++) {
        mask |= (uint32_t) (v[i] & 1) << i;
    }

    return mask;

#endif
}


/* What is behind the escape at p, or NULL if there is no such one. */

static inline u_char *
argo_json_skip_escape(u_char *p, u_char *end)
{
    uint32_t  unit;

    if (end - p < 2) {
        return NULL;
    }

    if (argo_json_simples[p[1]]) {
        return p + 2;
    }

    return (p[1] == 'u') ? argo_json_hex(p, end, &unit) : NULL;
}


size_t
argo_json_unescape(u_char **src, u_char *end, u_char *dst, size_t size)
{
    u_char    *p, *next, *run, *start, buf[ARGO_JSON_MAX_CHAR];
    size_t     n;
    uint32_t   ch;

    p = *src;
    start = dst;

    while (p < end) {

        if (*p != '\\') {
            /* no further than can be written: the text may be an image */

            n = ngx_min((size_t) (end - p), size);
            n += (n < (size_t) (end - p));

            run = memchr(p, '\\', n);

            if (run) {
                n = run - p;
            }

            if (n > size) {
                n = argo_utf8_whole(p, size);
                ngx_memcpy(dst, p, n);
                dst += n;
                p += n;
                break;
            }

            dst = ngx_cpymem(dst, p, n);
            size -= n;
            p += n;
            continue;
        }

        next = argo_json_escape(p, end, &ch);
        if (next == NULL) {
            break;
        }

        n = argo_json_encode(buf, ch);
        if (n > size) {
            break;
        }

        dst = ngx_cpymem(dst, buf, n);
        size -= n;
        p = next;
    }

    *src = p;

    return dst - start;
}


/*
 * Decodes the escape at p.  Returns what is behind it, or NULL if it is cut
 * off; a surrogate without its other half is U+FFFD.
 */

static u_char *
argo_json_escape(u_char *p, u_char *end, uint32_t *ch)
{
    u_char    *next;
    uint32_t   low;

    if (end - p < 2) {
        return NULL;
    }

    switch (p[1]) {

    case 'b':
        *ch = '\b';
        return p + 2;

    case 'f':
        *ch = '\f';
        return p + 2;

    case 'n':
        *ch = '\n';
        return p + 2;

    case 'r':
        *ch = '\r';
        return p + 2;

    case 't':
        *ch = '\t';
        return p + 2;

    case 'u':
        break;

    default: /* '"', '\\', '/' */
        *ch = p[1];
        return p + 2;
    }

    p = argo_json_hex(p, end, ch);

    if (p == NULL || (*ch & 0xf800) != 0xd800) {
        return p;
    }

    if (*ch < 0xdc00) {
        next = argo_json_hex(p, end, &low);

        if (next && (low & 0xfc00) == 0xdc00) {
            *ch = 0x10000 + ((*ch & 0x3ff) << 10) + (low & 0x3ff);
            return next;
        }
    }

    *ch = 0xfffd;

    return p;
}


/* Reads the six characters of a \uXXXX; NULL if that is not what is there. */

static u_char *
argo_json_hex(u_char *p, u_char *end, uint32_t *unit)
{
    u_char      c;
    uint32_t    n;
    ngx_uint_t  i;

    if (end - p < 6 || p[0] != '\\' || p[1] != 'u') {
        return NULL;
    }

    n = 0;

    for (i = 2; i < 6; i++) {
        c = p[i];

        if (c >= '0' && c <= '9') {
            n = n * 16 + (c - '0');
            continue;
        }

        c |= 0x20;

        if (c < 'a' || c > 'f') {
            return NULL;
        }

        n = n * 16 + (c - 'a' + 10);
    }

    *unit = n;

    return p + 6;
}


static size_t
argo_json_encode(u_char *dst, uint32_t ch)
{
    if (ch < 0x80) {
        dst[0] = (u_char) ch;
        return 1;
    }

    if (ch < 0x800) {
        dst[0] = (u_char) (0xc0 | (ch >> 6));
        dst[1] = (u_char) (0x80 | (ch & 0x3f));
        return 2;
    }

    if (ch < 0x10000) {
        dst[0] = (u_char) (0xe0 | (ch >> 12));
        dst[1] = (u_char) (0x80 | ((ch >> 6) & 0x3f));
        dst[2] = (u_char) (0x80 | (ch & 0x3f));
        return 3;
    }

    dst[0] = (u_char) (0xf0 | (ch >> 18));
    dst[1] = (u_char) (0x80 | ((ch >> 12) & 0x3f));
    dst[2] = (u_char) (0x80 | ((ch >> 6) & 0x3f));
    dst[3] = (u_char) (0x80 | (ch & 0x3f));

    return 4;
}
