
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The patterns that cut a text into pieces, matched by hand.  Of cl100k_base
 * (that nothing is said of case means (?i:) in both):
 *
 *     's|'t|'re|'ve|'m|'ll|'d
 *     [^\r\n\p{L}\p{N}]?\p{L}+
 *     \p{N}{1,3}
 *      ?[^\s\p{L}\p{N}]+[\r\n]*
 *     \s*[\r\n]+
 *     \s+(?!\S)
 *     \s+
 *
 * and of o200k_base, U being [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] and W being
 * [\p{Ll}\p{Lm}\p{Lo}\p{M}]:
 *
 *     [^\r\n\p{L}\p{N}]?U*W+('s|'t|'re|'ve|'m|'ll|'d)?
 *     [^\r\n\p{L}\p{N}]?U+W*('s|'t|'re|'ve|'m|'ll|'d)?
 *     \p{N}{1,3}
 *      ?[^\s\p{L}\p{N}]+[\r\n/]*
 *     \s*[\r\n]+
 *     \s+(?!\S)
 *     \s+
 *
 * The first alternative that matches is taken, as long as it can be.  Each
 * function reads a piece once, from its begin to what decides on its end.
 */


#include "argo_bpe.h"
#include "argo_bpe_class.inc"


/* a character's class; made into tables by t/tokens/classes.mjs */

#define ARGO_BPE_UPPER    0x01      /* Lu, Lt */
#define ARGO_BPE_LOWER    0x02      /* Ll */
#define ARGO_BPE_LETTER   0x04      /* Lm, Lo */
#define ARGO_BPE_MARK     0x08      /* M */
#define ARGO_BPE_NUMBER   0x10      /* N */
#define ARGO_BPE_SPACE    0x20      /* White_Space */
#define ARGO_BPE_NEWLINE  0x40      /* CR, LF */
#define ARGO_BPE_OTHER    0x80

#define ARGO_BPE_LETTERS  (ARGO_BPE_UPPER|ARGO_BPE_LOWER|ARGO_BPE_LETTER)
#define ARGO_BPE_HEAD     (ARGO_BPE_UPPER|ARGO_BPE_LETTER|ARGO_BPE_MARK)
#define ARGO_BPE_TAIL     (ARGO_BPE_LOWER|ARGO_BPE_LETTER|ARGO_BPE_MARK)
#define ARGO_BPE_SIGN     (ARGO_BPE_OTHER|ARGO_BPE_MARK)

/* what contraction() returns if more text is needed */
#define ARGO_BPE_CUT      16


static const u_char *argo_bpe_run(const u_char *p, const u_char *end,
    ngx_uint_t classes);
static size_t argo_bpe_word(const u_char *p, const u_char *end,
    ngx_uint_t c, const u_char *q, ngx_uint_t final);
static size_t argo_bpe_rest(const u_char *p, const u_char *end,
    ngx_uint_t final, ngx_uint_t c, const u_char *q, ngx_uint_t slash);
static size_t argo_bpe_number(const u_char *p, const u_char *end,
    ngx_uint_t final);
static size_t argo_bpe_blank(const u_char *p, const u_char *end,
    ngx_uint_t final);
static size_t argo_bpe_contraction(const u_char *p, const u_char *end,
    ngx_uint_t final);


/* The class of the character at p, which has *n bytes. */

static ngx_inline ngx_uint_t
argo_bpe_class(const u_char *p, size_t *n)
{
    uint32_t  ch;

    if (p[0] < 0x80) {
        *n = 1;
        return argo_bpe_class_blocks[0][p[0]];
    }

    if (p[0] < 0xe0) {
        *n = 2;
        ch = (p[0] & 0x1f) << 6 | (p[1] & 0x3f);

    } else if (p[0] < 0xf0) {
        *n = 3;
        ch = (p[0] & 0x0f) << 12 | (p[1] & 0x3f) << 6 | (p[2] & 0x3f);

    } else {
        *n = 4;
        ch = (uint32_t) (p[0] & 0x07) << 18 | (p[1] & 0x3f) << 12
             | (p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    }

    return argo_bpe_class_blocks[argo_bpe_class_index[ch >> 7]][ch & 0x7f];
}


size_t
argo_bpe_split_cl100k(const u_char *p, const u_char *end, ngx_uint_t final)
{
    size_t         n;
    ngx_uint_t     c;
    const u_char  *q;

    if (*p == '\'') {
        n = argo_bpe_contraction(p, end, final);

        if (n) {
            return (n == ARGO_BPE_CUT) ? 0 : n;
        }
    }

    c = argo_bpe_class(p, &n);
    q = p + n;

    if (c & ARGO_BPE_LETTERS) {
        q = argo_bpe_run(q, end, ARGO_BPE_LETTERS);

        return (q == end && !final) ? 0 : q - p;
    }

    if (!(c & (ARGO_BPE_NUMBER|ARGO_BPE_NEWLINE))) {

        if (q == end) {
            return final ? n : 0;
        }

        if (argo_bpe_class(q, &n) & ARGO_BPE_LETTERS) {
            q = argo_bpe_run(q + n, end, ARGO_BPE_LETTERS);

            return (q == end && !final) ? 0 : q - p;
        }
    }

    return argo_bpe_rest(p, end, final, c, q, 0);
}


size_t
argo_bpe_split_o200k(const u_char *p, const u_char *end, ngx_uint_t final)
{
    size_t         n;
    ngx_uint_t     c;
    const u_char  *q;

    c = argo_bpe_class(p, &n);
    q = p + n;

    if (!(c & (ARGO_BPE_NUMBER|ARGO_BPE_NEWLINE))) {

        if (q == end && !final) {
            return 0;
        }

        n = argo_bpe_word(p, end, c, (c & ARGO_BPE_LETTERS) ? p : q, final);

        if (n) {
            return (n == (size_t) -1) ? 0 : n;
        }
    }

    return argo_bpe_rest(p, end, final, c, q, 1);
}


/*
 * The first two alternatives of o200k_base.  c is the class of the character
 * at p; q is where the letters begin, at p or behind it.  Returns 0 if there
 * is no word, -1 if that depends on what follows.
 */

static size_t
argo_bpe_word(const u_char *p, const u_char *end, ngx_uint_t c,
    const u_char *q, ngx_uint_t final)
{
    size_t         n;
    ngx_uint_t     d;
    const u_char  *start, *back;

    start = q;
    back = NULL;
    d = 0;
    n = 0;

    while (q < end) {
        d = argo_bpe_class(q, &n);

        if (!(d & ARGO_BPE_HEAD)) {
            break;
        }

        q += n;

        if (d & ARGO_BPE_TAIL) {
            back = q;
        }
    }

    if (q == end && !final) {
        return -1;
    }

    if (q < end && (d & ARGO_BPE_LOWER)) {
        q = argo_bpe_run(q + n, end, ARGO_BPE_TAIL);

        if (q == end && !final) {
            return -1;
        }

    } else if (back) {
        /* U* gives back what W+ needs: up to the last that can be either */
        q = back;

    } else if (c & ARGO_BPE_MARK) {
        /* then not taken as what comes before the letters, but as W+ */
        q = start;

    } else if (q == start) {
        return 0;
    }

    if (q < end && *q == '\'') {
        n = argo_bpe_contraction(q, end, final);

        if (n == ARGO_BPE_CUT) {
            return -1;
        }

        q += n;
    }

    return q - p;
}


/* What is no word; c is the class of the character at p, q is behind it. */

static size_t
argo_bpe_rest(const u_char *p, const u_char *end, ngx_uint_t final,
    ngx_uint_t c, const u_char *q, ngx_uint_t slash)
{
    size_t  n;

    if (c & ARGO_BPE_NUMBER) {
        return argo_bpe_number(p, end, final);
    }

    if (!(c & ARGO_BPE_SIGN)
        && (*p != ' ' || q == end
            || !(argo_bpe_class(q, &n) & ARGO_BPE_SIGN)))
    {
        return argo_bpe_blank(p, end, final);
    }

    q = argo_bpe_run(q, end, ARGO_BPE_SIGN);

    while (q < end
           && (*q == CR || *q == LF || (slash && *q == '/')))
    {
        q++;
    }

    return (q == end && !final) ? 0 : q - p;
}


static const u_char *
argo_bpe_run(const u_char *p, const u_char *end, ngx_uint_t classes)
{
    size_t  n;

    while (p < end && (argo_bpe_class(p, &n) & classes)) {
        p += n;
    }

    return p;
}


static size_t
argo_bpe_number(const u_char *p, const u_char *end, ngx_uint_t final)
{
    size_t         n;
    ngx_uint_t     i;
    const u_char  *q;

    q = p;

    for (i = 0; i < 3; i++) {

        if (q == end) {
            return final ? q - p : 0;
        }

        if (!(argo_bpe_class(q, &n) & ARGO_BPE_NUMBER)) {
            break;
        }

        q += n;
    }

    return q - p;
}


/*
 * White space: up to the last line end in it, else all at the end of the
 * text, else all but the last character, which goes with what follows.
 */

static size_t
argo_bpe_blank(const u_char *p, const u_char *end, ngx_uint_t final)
{
    size_t         n;
    ngx_uint_t     c;
    const u_char  *q, *line, *last;

    q = p;
    line = NULL;
    last = p;

    while (q < end) {
        c = argo_bpe_class(q, &n);

        if (!(c & (ARGO_BPE_SPACE|ARGO_BPE_NEWLINE))) {
            break;
        }

        last = q;
        q += n;

        if (c & ARGO_BPE_NEWLINE) {
            line = q;
        }
    }

    if (q == end && !final) {
        return 0;
    }

    if (line) {
        return line - p;
    }

    return (q == end || last == p) ? q - p : last - p;
}


/*
 * The length of a contraction that begins with the apostrophe at p; 0 if it
 * is none.  The long s is an "s" of another case as well.
 */

static size_t
argo_bpe_contraction(const u_char *p, const u_char *end, ngx_uint_t final)
{
    u_char  c;

    if (end - p < 2) {
        return final ? 0 : ARGO_BPE_CUT;
    }

    c = p[1] | 0x20;

    switch (c) {

    case 's':
    case 't':
    case 'm':
    case 'd':
        return 2;

    case 'r':
    case 'v':
    case 'l':
        if (end - p < 3) {
            return final ? 0 : ARGO_BPE_CUT;
        }

        return ((p[2] | 0x20) == ((c == 'l') ? 'l' : 'e')) ? 3 : 0;

    default:
        return (p[1] == 0xc5 && p[2] == 0xbf) ? 3 : 0;
    }
}
