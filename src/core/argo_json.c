
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * JSON as a tree of slices of the document, by a scanner of our own that
 * takes what is valid in one pass.  What it does not take is given to yajl,
 * which says what is wrong with it.
 */


#include "argo_json.h"
#include "argo_utf8.h"

#include <yajl/yajl_parse.h>


/*
 * A small document should not take more of a request's pool than it needs.
 * What is larger than 4095 bytes would not come from a block of a pool.
 */
#define ARGO_JSON_FIRST_SLAB  16
#define ARGO_JSON_LAST_SLAB   (4095 / sizeof(argo_json_t))

/* longest UTF-8 form of what an escape stands for */
#define ARGO_JSON_MAX_CHAR    4

#define argo_json_blank(c)                                                    \
    ((c) <= ' '                                                               \
     && ((c) == ' ' || (c) == '\n' || (c) == '\r' || (c) == '\t'))

#define argo_json_digit(c)  ((c) >= '0' && (c) <= '9')

#define argo_json_is_plain(c)                                                 \
    ((c) >= 0x20 && (c) < 0x80 && (c) != '"' && (c) != '\\')


/* what follows the backslash of an escape of two characters */

static const u_char  argo_json_simples[256] = {
    ['"'] = 1, ['\\'] = 1, ['/'] = 1, ['b'] = 1, ['f'] = 1, ['n'] = 1,
    ['r'] = 1, ['t'] = 1
};


/* an array or object that has not ended; without a node below tree_depth */

typedef struct {
    argo_json_t          *node;
    argo_json_t         **last;     /* where the next child is linked */
    u_char                end;      /* what closes it */
    unsigned              begun:1;  /* something is in it */
} argo_json_open_t;


typedef struct {
    ngx_pool_t           *pool;
    argo_error_t         *err;

    u_char               *start;
    u_char               *end;
    u_char               *pos;      /* what has not been scanned yet */

    ngx_uint_t            depth;    /* of the next value */
    ngx_uint_t            tree_depth;

    argo_json_t          *root;
    argo_json_t          *slab;
    ngx_uint_t            left;     /* nodes in the slab */
    ngx_uint_t            size;     /* of the slab */
    ngx_uint_t            nodes;

    u_char               *key;      /* of the next value: its opening quote */
    ngx_str_t             name;

    unsigned              limit:1;  /* err is set: it has come to one */

    argo_json_open_t      open[ARGO_JSON_MAX_DEPTH];
} argo_json_parser_t;


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


static ngx_int_t argo_json_scan(argo_json_parser_t *ps);
static ngx_int_t argo_json_scan_value(argo_json_parser_t *ps);
static ngx_int_t argo_json_scan_key(argo_json_parser_t *ps);
static ngx_int_t argo_json_open(argo_json_parser_t *ps, argo_json_e type);
static void argo_json_close(argo_json_parser_t *ps);
static ngx_int_t argo_json_add(argo_json_parser_t *ps, argo_json_e type,
    u_char *start, u_char *end, ngx_uint_t escaped);
static ngx_int_t argo_json_grow(argo_json_parser_t *ps);
static inline u_char *argo_json_skip_blank(u_char *p, u_char *end);
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
static u_char *argo_json_digits(u_char *p, u_char *end);
static u_char *argo_json_literal(u_char *p, u_char *end, const char *word,
    size_t len);

static ngx_int_t argo_json_explain(argo_json_parser_t *ps);
static ngx_int_t argo_json_invalid(argo_json_parser_t *ps, u_char *p,
    const char *reason);
static ngx_int_t argo_json_syntax(argo_json_parser_t *ps, yajl_handle hand,
    u_char *p);
static u_char *argo_json_bad_byte(u_char *p, u_char *end,
    const char **reason);

static u_char *argo_json_escape(u_char *p, u_char *end, uint32_t *ch);
static u_char *argo_json_hex(u_char *p, u_char *end, uint32_t *unit);
static size_t argo_json_encode(u_char *dst, uint32_t ch);


ngx_int_t
argo_json_parse(ngx_pool_t *pool, const ngx_str_t *document,
    ngx_uint_t tree_depth, argo_json_t **root, argo_error_t *err)
{
    ngx_int_t            rc;
    argo_json_parser_t   ps;

    /* what is open is set when it is opened */
    ngx_memzero(&ps, offsetof(argo_json_parser_t, open));

    ps.pool = pool;
    ps.err = err;
    ps.tree_depth = tree_depth;

    if (document->len) {
        ps.start = document->data;
        ps.end = document->data + document->len;
    }

    ps.pos = argo_json_skip_blank(ps.start, ps.end);

    if (ps.pos == ps.end) {
        return argo_error_set(err, 400, "invalid_json", NULL,
                              "the JSON document is empty");
    }

    rc = argo_json_scan(&ps);

    if (rc == NGX_OK) {
        *root = ps.root;
    }

    return (rc == NGX_DECLINED && !ps.limit) ? argo_json_explain(&ps) : rc;
}


argo_json_t *
argo_json_find(const argo_json_t *obj, const char *name, size_t len)
{
    argo_json_t  *node, *found;

    if (obj == NULL || obj->type != ARGO_JSON_OBJECT) {
        return NULL;
    }

    found = NULL;

    for (node = obj->child; node; node = node->next) {

        /* most names of the same length begin differently */

        if (node->name.len == len
            && (len == 0 || *node->name.data == (u_char) *name)
            && ngx_memcmp(node->name.data, name, len) == 0)
        {
            found = node;
        }
    }

    return found;
}


ngx_str_t
argo_json_inner(const argo_json_t *node)
{
    ngx_str_t  inner;

    if (node == NULL || node->type != ARGO_JSON_STRING) {
        ngx_str_set(&inner, "");
        return inner;
    }

    inner.len = node->raw.len - 2;
    inner.data = node->raw.data + 1;

    return inner;
}


/* A node that is not a string gets NGX_DECLINED. */

ngx_int_t
argo_json_text(ngx_pool_t *pool, const argo_json_t *node, ngx_str_t *text)
{
    u_char     *p, *dst;
    ngx_str_t   inner;

    if (node == NULL || node->type != ARGO_JSON_STRING) {
        return NGX_DECLINED;
    }

    inner = argo_json_inner(node);

    if (!node->escaped) {
        *text = inner;
        return NGX_OK;
    }

    /* no escape is shorter than what it stands for */

    dst = ngx_pnalloc(pool, inner.len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    p = inner.data;

    text->data = dst;
    text->len = argo_json_unescape(&p, p + inner.len, dst, inner.len);

    return NGX_OK;
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


ngx_uint_t
argo_json_text_is(const argo_json_t *node, const char *text, size_t len)
{
    u_char     *p, *end, buf[64];
    size_t      n;
    ngx_str_t   inner;

    if (node == NULL || node->type != ARGO_JSON_STRING) {
        return 0;
    }

    inner = argo_json_inner(node);

    if (!node->escaped) {
        return inner.len == len && ngx_memcmp(inner.data, text, len) == 0;
    }

    p = inner.data;
    end = p + inner.len;

    while (p < end) {
        n = argo_json_unescape(&p, end, buf, sizeof(buf));

        if (n == 0 || n > len || ngx_memcmp(buf, text, n) != 0) {
            return 0;
        }

        text += n;
        len -= n;
    }

    return len == 0;
}


/*
 * 2.0 counts as an integer, as in JSON Schema: some languages have no other
 * number to write.  Exponents do not.
 */

ngx_int_t
argo_json_int(const argo_json_t *node, int64_t *value)
{
    u_char    *p, *end;
    uint64_t   n, max;

    if (node == NULL || node->type != ARGO_JSON_NUMBER) {
        return NGX_DECLINED;
    }

    p = node->raw.data;
    end = p + node->raw.len;

    max = INT64_MAX;

    if (*p == '-') {
        max++;
        p++;
    }

    for (n = 0; p < end && *p >= '0' && *p <= '9'; p++) {

        if (n > (max - (*p - '0')) / 10) {
            return NGX_DECLINED;
        }

        n = n * 10 + (*p - '0');
    }

    if (p < end && *p == '.') {
        do {
            p++;
        } while (p < end && *p == '0');
    }

    if (p < end) {
        return NGX_DECLINED;
    }

    /* through unsigned: the smallest integer cannot be negated */
    *value = (int64_t) (*node->raw.data == '-' ? 0 - n : n);

    return NGX_OK;
}


const char *
argo_json_type_name(const argo_json_t *node)
{
    if (node == NULL) {
        return "nothing";
    }

    switch (node->type) {

    case ARGO_JSON_NULL:
        return "null";

    case ARGO_JSON_FALSE:
    case ARGO_JSON_TRUE:
        return "a boolean";

    case ARGO_JSON_NUMBER:
        return "a number";

    case ARGO_JSON_STRING:
        return "a string";

    case ARGO_JSON_ARRAY:
        return "an array";

    default: /* ARGO_JSON_OBJECT */
        return "an object";
    }
}


/* NGX_DECLINED: it is not valid, or too much. */

static ngx_int_t
argo_json_scan(argo_json_parser_t *ps)
{
    u_char             c;
    ngx_int_t          rc;
    argo_json_open_t  *open;

    for ( ;; ) {
        rc = argo_json_scan_value(ps);
        if (rc != NGX_OK) {
            return rc;
        }

        /* a value has ended, or an array or object has begun */

        for ( ;; ) {
            ps->pos = argo_json_skip_blank(ps->pos, ps->end);

            if (ps->depth == 0) {
                return (ps->pos == ps->end) ? NGX_OK : NGX_DECLINED;
            }

            if (ps->pos == ps->end) {
                return NGX_DECLINED;
            }

            open = &ps->open[ps->depth - 1];
            c = *ps->pos;

            if (c == open->end) {
                ps->pos++;
                argo_json_close(ps);
                continue;
            }

            if (open->begun) {

                if (c != ',') {
                    return NGX_DECLINED;
                }

                ps->pos = argo_json_skip_blank(ps->pos + 1, ps->end);
            }

            break;
        }

        open->begun = 1;

        if (open->end == '}') {
            rc = argo_json_scan_key(ps);
            if (rc != NGX_OK) {
                return rc;
            }
        }
    }
}


static ngx_int_t
argo_json_scan_value(argo_json_parser_t *ps)
{
    u_char       *start, *p;
    ngx_uint_t    escaped;
    argo_json_e   type;

    start = ps->pos;
    escaped = 0;

    if (start == ps->end) {
        return NGX_DECLINED;
    }

    switch (*start) {

    case '{':
        return argo_json_open(ps, ARGO_JSON_OBJECT);

    case '[':
        return argo_json_open(ps, ARGO_JSON_ARRAY);

    case '"':
        type = ARGO_JSON_STRING;
        p = argo_json_skip_string(start, ps->end, &escaped);
        break;

    case 'n':
        type = ARGO_JSON_NULL;
        p = argo_json_literal(start, ps->end, "null", 4);
        break;

    case 't':
        type = ARGO_JSON_TRUE;
        p = argo_json_literal(start, ps->end, "true", 4);
        break;

    case 'f':
        type = ARGO_JSON_FALSE;
        p = argo_json_literal(start, ps->end, "false", 5);
        break;

    default:
        type = ARGO_JSON_NUMBER;
        p = argo_json_skip_number(start, ps->end);
        break;
    }

    if (p == NULL) {
        return NGX_DECLINED;
    }

    ps->pos = p;

    if (ps->depth > ps->tree_depth) {
        /* a value without a node: at most its parent has one */

        if (ps->depth == ps->tree_depth + 1) {
            ps->open[ps->tree_depth].node->count++;
        }

        return NGX_OK;
    }

    return argo_json_add(ps, type, start, p, escaped);
}


/* The name of a member, up to its value. */

static ngx_int_t
argo_json_scan_key(argo_json_parser_t *ps)
{
    u_char      *p, *start, *src;
    ngx_uint_t   escaped;

    start = ps->pos;
    escaped = 0;

    if (start == ps->end || *start != '"') {
        return NGX_DECLINED;
    }

    p = argo_json_skip_string(start, ps->end, &escaped);
    if (p == NULL) {
        return NGX_DECLINED;
    }

    ps->pos = argo_json_skip_blank(p, ps->end);

    if (ps->pos == ps->end || *ps->pos != ':') {
        return NGX_DECLINED;
    }

    ps->pos = argo_json_skip_blank(ps->pos + 1, ps->end);

    if (ps->depth > ps->tree_depth) {
        return NGX_OK;
    }

    ps->key = start;
    ps->name.data = start + 1;
    ps->name.len = p - start - 2;

    if (escaped && ps->name.len) {
        src = ps->name.data;

        ps->name.data = ngx_pnalloc(ps->pool, ps->name.len);
        if (ps->name.data == NULL) {
            return NGX_ERROR;
        }

        ps->name.len = argo_json_unescape(&src, p - 1, ps->name.data,
                                          ps->name.len);
    }

    return NGX_OK;
}


static ngx_int_t
argo_json_open(argo_json_parser_t *ps, argo_json_e type)
{
    ngx_int_t          rc;
    argo_json_open_t  *open;

    if (ps->depth == ARGO_JSON_MAX_DEPTH) {
        ps->limit = 1;
        return argo_error_setf(ps->pool, ps->err, 400, "json_too_deep",
                               NULL, "ziz", "JSON is nested deeper than ",
                               (ngx_int_t) ARGO_JSON_MAX_DEPTH, " levels");
    }

    open = &ps->open[ps->depth];

    open->end = (type == ARGO_JSON_OBJECT) ? '}' : ']';
    open->begun = 0;

    if (ps->depth > ps->tree_depth) {

        if (ps->depth == ps->tree_depth + 1) {
            ps->open[ps->tree_depth].node->count++;
        }

    } else {
        rc = argo_json_add(ps, type, ps->pos, ps->pos + 1, 0);
        if (rc != NGX_OK) {
            return rc;
        }

        open->node = ps->slab - 1;
        open->last = &open->node->child;
    }

    ps->depth++;
    ps->pos++;

    return NGX_OK;
}


static void
argo_json_close(argo_json_parser_t *ps)
{
    argo_json_t  *node;

    ps->depth--;

    if (ps->depth <= ps->tree_depth) {
        node = ps->open[ps->depth].node;
        node->raw.len = ps->pos - node->raw.data;
    }
}


static ngx_int_t
argo_json_add(argo_json_parser_t *ps, argo_json_e type, u_char *start,
    u_char *end, ngx_uint_t escaped)
{
    ngx_int_t          rc;
    argo_json_t       *node;
    argo_json_open_t  *parent;

    if (ps->left == 0) {
        rc = argo_json_grow(ps);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    ps->left--;
    node = ps->slab++;

    ngx_memzero(node, sizeof(argo_json_t));

    node->type = type;
    node->escaped = escaped;
    node->raw.len = end - start;
    node->raw.data = start;
    node->start = start;

    if (ps->key) {
        node->name = ps->name;
        node->start = ps->key;
        ps->key = NULL;
    }

    if (ps->depth == 0) {
        ps->root = node;
        return NGX_OK;
    }

    parent = &ps->open[ps->depth - 1];

    *parent->last = node;
    parent->last = &node->next;
    parent->node->count++;

    return NGX_OK;
}


static ngx_int_t
argo_json_grow(argo_json_parser_t *ps)
{
    if (ps->nodes == ARGO_JSON_MAX_NODES) {
        ps->limit = 1;
        return argo_error_setf(ps->pool, ps->err, 400, "json_too_large",
                               NULL, "ziz", "JSON has more than ",
                               (ngx_int_t) ARGO_JSON_MAX_NODES, " values");
    }

    ps->size = (ps->size == 0) ? ARGO_JSON_FIRST_SLAB
                               : ngx_min(ps->size * 2, ARGO_JSON_LAST_SLAB);

    ps->left = ngx_min(ps->size, ARGO_JSON_MAX_NODES - ps->nodes);
    ps->nodes += ps->left;

    ps->slab = ngx_palloc(ps->pool, ps->left * sizeof(argo_json_t));

    return ps->slab ? NGX_OK : NGX_ERROR;
}


static inline u_char *
argo_json_skip_blank(u_char *p, u_char *end)
{
    while (p < end && argo_json_blank(*p)) {
        p++;
    }

    return p;
}


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


static u_char *
argo_json_skip_long(u_char *p, u_char *end, ngx_uint_t *escaped)
{
    u_char        buf[ARGO_JSON_BLOCK];
    ngx_uint_t    n, ended;
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


u_char *
argo_json_skip_number(u_char *p, u_char *end)
{
    if (*p == '-' && ++p == end) {
        return NULL;
    }

    /* nothing may follow a zero but a fraction or an exponent */

    p = (*p == '0') ? p + 1 : argo_json_digits(p, end);

    if (p && p < end && *p == '.') {
        p = argo_json_digits(p + 1, end);
    }

    if (p && p < end && (*p | 0x20) == 'e') {
        p++;

        if (p < end && (*p == '+' || *p == '-')) {
            p++;
        }

        p = argo_json_digits(p, end);
    }

    return p;
}


/* NULL if there is not a single one */

static u_char *
argo_json_digits(u_char *p, u_char *end)
{
    if (p == end || !argo_json_digit(*p)) {
        return NULL;
    }

    do {
        p++;
    } while (p < end && argo_json_digit(*p));

    return p;
}


static u_char *
argo_json_literal(u_char *p, u_char *end, const char *word, size_t len)
{
    if ((size_t) (end - p) < len || ngx_memcmp(p, word, len) != 0) {
        return NULL;
    }

    return p + len;
}


/* Finds what is wrong with a document that the scanner did not take. */

static ngx_int_t
argo_json_explain(argo_json_parser_t *ps)
{
    u_char       *p;
    ngx_int_t     rc;
    const char   *reason;
    yajl_handle   hand;
    yajl_status   status;

    p = argo_json_bad_byte(ps->start, ps->end, &reason);
    if (p) {
        return argo_json_invalid(ps, p, reason);
    }

    hand = yajl_alloc(NULL, NULL, NULL);
    if (hand == NULL) {
        return NGX_ERROR;
    }

    /* done above, and more strictly: yajl lets surrogates and the like pass */
    (void) yajl_config(hand, yajl_dont_validate_strings, 1);

    status = yajl_parse(hand, ps->start, ps->end - ps->start);

    if (status != yajl_status_ok) {
        rc = argo_json_syntax(ps, hand,
                              ps->start + yajl_get_bytes_consumed(hand));

    } else if (yajl_complete_parse(hand) != yajl_status_ok) {
        rc = argo_json_syntax(ps, hand, ps->end);

    } else {
        /* it overlooks a string that is begun behind the root */
        rc = argo_json_invalid(ps, ps->pos, "trailing garbage");
    }

    yajl_free(hand);

    return rc;
}


static ngx_int_t
argo_json_invalid(argo_json_parser_t *ps, u_char *p, const char *reason)
{
    return argo_error_setf(ps->pool, ps->err, 400, "invalid_json", NULL,
                           "zizz", "invalid JSON at byte ",
                           (ngx_int_t) (p - ps->start), ": ", reason);
}


/* Makes an error of yajl's own words, without its decoration. */

static ngx_int_t
argo_json_syntax(argo_json_parser_t *ps, yajl_handle hand, u_char *p)
{
    char       *text, *reason, *colon;
    size_t      len;
    ngx_int_t   rc;

    /* not verbose: that would quote the document */
    text = (char *) yajl_get_error(hand, 0, NULL, 0);
    if (text == NULL) {
        return NGX_ERROR;
    }

    /* "lexical error: invalid char in json text.\n" */

    len = ngx_strlen(text);

    while (len && (text[len - 1] == '\n' || text[len - 1] == '.')) {
        text[--len] = '\0';
    }

    reason = text;

    colon = strstr(text, " error: ");
    if (colon) {
        reason = colon + sizeof(" error: ") - 1;
    }

    rc = argo_json_invalid(ps, p, reason);

    yajl_free_error(hand, (u_char *) text);

    return rc;
}


/*
 * Finds what yajl would let pass: bytes that are not UTF-8, and vertical tab
 * and form feed, which it takes for white space.  NULL if there is nothing.
 */

static u_char *
argo_json_bad_byte(u_char *p, u_char *end, const char **reason)
{
    u_char      *bad;
    size_t       len;
    ngx_uint_t   valid;

    *reason = "control character";

    bad = memchr(p, '\v', end - p);
    if (bad == NULL) {
        bad = memchr(p, '\f', end - p);
    }

    if (bad) {
        return bad;
    }

    *reason = "ill-formed UTF-8";

    while (p < end) {
        len = argo_utf8_next(p, end - p, &valid);
        if (!valid) {
            return p;
        }

        p += len;
    }

    return NULL;
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
