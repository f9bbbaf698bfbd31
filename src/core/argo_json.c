
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

#define argo_json_blank(c)                                                    \
    ((c) <= ' '                                                               \
     && ((c) == ' ' || (c) == '\n' || (c) == '\r' || (c) == '\t'))

#define argo_json_digit(c)  ((c) >= '0' && (c) <= '9')


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


static ngx_int_t argo_json_scan(argo_json_parser_t *ps);
static ngx_int_t argo_json_scan_value(argo_json_parser_t *ps);
static ngx_int_t argo_json_scan_key(argo_json_parser_t *ps);
static ngx_int_t argo_json_open(argo_json_parser_t *ps, argo_json_e type);
static void argo_json_close(argo_json_parser_t *ps);
static ngx_int_t argo_json_add(argo_json_parser_t *ps, argo_json_e type,
    u_char *start, u_char *end, ngx_uint_t escaped);
static ngx_int_t argo_json_grow(argo_json_parser_t *ps);
static inline u_char *argo_json_skip_blank(u_char *p, u_char *end);
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
