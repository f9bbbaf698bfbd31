
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * JSON as a tree of slices of the document.  yajl checks the grammar and
 * says where tokens end; the slices are taken from the document itself.
 */


#include "argo_json.h"
#include "argo_utf8.h"

#include <yajl/yajl_parse.h>


/* a small document should not take more of a request's pool than it needs */
#define ARGO_JSON_FIRST_SLAB  16
#define ARGO_JSON_LAST_SLAB   1024

/* longest UTF-8 form of what an escape stands for */
#define ARGO_JSON_MAX_CHAR    4

#define argo_json_blank(c)                                                    \
    ((c) == ' ' || (c) == '\n' || (c) == '\r' || (c) == '\t')


typedef struct {
    argo_json_t          *node;
    argo_json_t         **last;     /* where the next child is linked */
} argo_json_open_t;


typedef struct {
    yajl_handle           hand;
    ngx_pool_t           *pool;
    argo_error_t         *err;
    ngx_int_t             rc;       /* why a callback stopped yajl */

    u_char               *start;
    u_char               *end;
    u_char               *pos;      /* behind the last token with a node */

    ngx_uint_t            depth;    /* of the next value */
    ngx_uint_t            tree_depth;
    argo_json_open_t      open[ARGO_JSON_MAX_DEPTH];

    argo_json_t          *root;
    argo_json_t          *slab;
    ngx_uint_t            left;     /* nodes in the slab */
    ngx_uint_t            size;     /* of the slab */
    ngx_uint_t            nodes;

    u_char               *key;      /* of the next value: its opening quote */
    ngx_str_t             name;
} argo_json_parser_t;


static ngx_int_t argo_json_run(argo_json_parser_t *ps);
static ngx_int_t argo_json_invalid(argo_json_parser_t *ps, u_char *p,
    const char *reason);
static ngx_int_t argo_json_syntax(argo_json_parser_t *ps, u_char *p);
static u_char *argo_json_bad_byte(u_char *p, u_char *end,
    const char **reason);
static u_char *argo_json_skip_blank(u_char *p, u_char *end);

static int argo_json_on_null(void *ctx);
static int argo_json_on_boolean(void *ctx, int value);
static int argo_json_on_number(void *ctx, const char *p, size_t n);
static int argo_json_on_string(void *ctx, const u_char *p, size_t n);
static int argo_json_on_start_map(void *ctx);
static int argo_json_on_key(void *ctx, const u_char *p, size_t n);
static int argo_json_on_start_array(void *ctx);
static int argo_json_on_end(void *ctx);

static int argo_json_open(argo_json_parser_t *ps, argo_json_e type);
static int argo_json_bare(argo_json_parser_t *ps);
static argo_json_t *argo_json_add(argo_json_parser_t *ps, argo_json_e type,
    u_char *start, u_char *end);
static argo_json_t *argo_json_alloc(argo_json_parser_t *ps);
static u_char *argo_json_token(argo_json_parser_t *ps);

static u_char *argo_json_escape(u_char *p, u_char *end, uint32_t *ch);
static u_char *argo_json_hex(u_char *p, u_char *end, uint32_t *unit);
static size_t argo_json_encode(u_char *dst, uint32_t ch);


static const yajl_callbacks  argo_json_callbacks = {
    argo_json_on_null,
    argo_json_on_boolean,
    NULL,
    NULL,
    argo_json_on_number,
    argo_json_on_string,
    argo_json_on_start_map,
    argo_json_on_key,
    argo_json_on_end,
    argo_json_on_start_array,
    argo_json_on_end
};


ngx_int_t
argo_json_parse(ngx_pool_t *pool, const ngx_str_t *document,
    ngx_uint_t tree_depth, argo_json_t **root, argo_error_t *err)
{
    u_char              *p;
    ngx_int_t            rc;
    const char          *reason;
    argo_json_parser_t   ps;

    ngx_memzero(&ps, sizeof(argo_json_parser_t));

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

    p = argo_json_bad_byte(ps.pos, ps.end, &reason);
    if (p) {
        return argo_json_invalid(&ps, p, reason);
    }

    ps.hand = yajl_alloc(&argo_json_callbacks, NULL, &ps);
    if (ps.hand == NULL) {
        return NGX_ERROR;
    }

    /* done above, and more strictly: yajl lets surrogates and the like pass */
    (void) yajl_config(ps.hand, yajl_dont_validate_strings, 1);

    rc = argo_json_run(&ps);

    yajl_free(ps.hand);

    if (rc == NGX_OK) {
        *root = ps.root;
    }

    return rc;
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

        if (node->name.len == len
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
            run = memchr(p, '\\', end - p);
            n = (run ? run : end) - p;

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


static ngx_int_t
argo_json_run(argo_json_parser_t *ps)
{
    u_char       *p;
    yajl_status   status;

    status = yajl_parse(ps->hand, ps->start, ps->end - ps->start);

    if (status == yajl_status_error) {
        return argo_json_syntax(ps, ps->start
                                    + yajl_get_bytes_consumed(ps->hand));
    }

    if (status == yajl_status_ok) {
        status = yajl_complete_parse(ps->hand);

        if (status == yajl_status_error) {
            return argo_json_syntax(ps, ps->end);
        }
    }

    if (status == yajl_status_client_canceled) {
        return ps->rc;
    }

    /* yajl overlooks a string that is begun behind the root and not ended */

    p = ps->root->raw.data + ps->root->raw.len;
    p = argo_json_skip_blank(p, ps->end);

    if (p != ps->end) {
        return argo_json_invalid(ps, p, "trailing garbage");
    }

    return NGX_OK;
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
argo_json_syntax(argo_json_parser_t *ps, u_char *p)
{
    char       *text, *reason, *colon;
    size_t      len;
    ngx_int_t   rc;

    /* not verbose: that would quote the document */
    text = (char *) yajl_get_error(ps->hand, 0, NULL, 0);
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

    yajl_free_error(ps->hand, (u_char *) text);

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
    uint64_t     v;
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

        if (end - p >= (ssize_t) sizeof(uint64_t)) {
            ngx_memcpy(&v, p, sizeof(uint64_t));

            if ((v & 0x8080808080808080) == 0) {
                p += sizeof(uint64_t);
                continue;
            }
        }

        len = argo_utf8_next(p, end - p, &valid);
        if (!valid) {
            return p;
        }

        p += len;
    }

    return NULL;
}


static u_char *
argo_json_skip_blank(u_char *p, u_char *end)
{
    while (p < end && argo_json_blank(*p)) {
        p++;
    }

    return p;
}


static int
argo_json_on_null(void *ctx)
{
    u_char              *end;
    argo_json_parser_t  *ps = ctx;

    if (ps->depth > ps->tree_depth) {
        return argo_json_bare(ps);
    }

    end = ps->start + yajl_get_bytes_consumed(ps->hand);

    return argo_json_add(ps, ARGO_JSON_NULL, end - 4, end) != NULL;
}


static int
argo_json_on_boolean(void *ctx, int value)
{
    u_char              *end;
    argo_json_parser_t  *ps = ctx;

    if (ps->depth > ps->tree_depth) {
        return argo_json_bare(ps);
    }

    end = ps->start + yajl_get_bytes_consumed(ps->hand);

    if (value) {
        return argo_json_add(ps, ARGO_JSON_TRUE, end - 4, end) != NULL;
    }

    return argo_json_add(ps, ARGO_JSON_FALSE, end - 5, end) != NULL;
}


static int
argo_json_on_number(void *ctx, const char *p, size_t n)
{
    u_char              *start = (u_char *) p;
    argo_json_parser_t  *ps = ctx;

    if (ps->depth > ps->tree_depth) {
        return argo_json_bare(ps);
    }

    if (start < ps->start || start >= ps->end) {

        /* a number that ends the document: yajl has kept a copy of it */

        start = argo_json_token(ps);
        n = ps->end - start;
    }

    return argo_json_add(ps, ARGO_JSON_NUMBER, start, start + n) != NULL;
}


static int
argo_json_on_string(void *ctx, const u_char *p, size_t n)
{
    u_char              *start = (u_char *) p;
    argo_json_t         *node;
    argo_json_parser_t  *ps = ctx;

    if (ps->depth > ps->tree_depth) {
        return argo_json_bare(ps);
    }

    if (start >= ps->start && start < ps->end) {
        return argo_json_add(ps, ARGO_JSON_STRING, start - 1, start + n + 1)
               != NULL;
    }

    /* yajl's copy: the string had something to unescape */

    node = argo_json_add(ps, ARGO_JSON_STRING, argo_json_token(ps),
                         ps->start + yajl_get_bytes_consumed(ps->hand));
    if (node == NULL) {
        return 0;
    }

    node->escaped = 1;

    return 1;
}


static int
argo_json_on_start_map(void *ctx)
{
    return argo_json_open(ctx, ARGO_JSON_OBJECT);
}


static int
argo_json_on_start_array(void *ctx)
{
    return argo_json_open(ctx, ARGO_JSON_ARRAY);
}


static int
argo_json_on_key(void *ctx, const u_char *p, size_t n)
{
    u_char              *end, *src, *start = (u_char *) p;
    argo_json_parser_t  *ps = ctx;

    if (ps->depth > ps->tree_depth) {
        return 1;
    }

    if (start >= ps->start && start < ps->end) {
        ps->key = start - 1;
        ps->name.len = n;
        ps->name.data = start;
        ps->pos = start + n + 1;
        return 1;
    }

    /*
     * unescaped here again, by the rules of all other strings: yajl's copy
     * has '?' for a lone surrogate
     */

    end = ps->start + yajl_get_bytes_consumed(ps->hand);

    ps->key = argo_json_token(ps);
    ps->pos = end;

    src = ps->key + 1;
    end--;

    ps->name.data = ngx_pnalloc(ps->pool, end - src);
    if (ps->name.data == NULL) {
        ps->rc = NGX_ERROR;
        return 0;
    }

    ps->name.len = argo_json_unescape(&src, end, ps->name.data, end - src);

    return 1;
}


static int
argo_json_on_end(void *ctx)
{
    argo_json_t         *node;
    argo_json_parser_t  *ps = ctx;

    ps->depth--;

    if (ps->depth > ps->tree_depth) {
        return 1;
    }

    ps->pos = ps->start + yajl_get_bytes_consumed(ps->hand);

    node = ps->open[ps->depth].node;
    node->raw.len = ps->pos - node->raw.data;

    return 1;
}


static int
argo_json_open(argo_json_parser_t *ps, argo_json_e type)
{
    u_char       *end;
    argo_json_t  *node;

    if (ps->depth == ARGO_JSON_MAX_DEPTH) {
        ps->rc = argo_error_setf(ps->pool, ps->err, 400, "json_too_deep",
                                 NULL, "ziz", "JSON is nested deeper than ",
                                 (ngx_int_t) ARGO_JSON_MAX_DEPTH, " levels");
        return 0;
    }

    if (ps->depth > ps->tree_depth) {
        (void) argo_json_bare(ps);
        ps->depth++;
        return 1;
    }

    end = ps->start + yajl_get_bytes_consumed(ps->hand);

    node = argo_json_add(ps, type, end - 1, end);
    if (node == NULL) {
        return 0;
    }

    ps->open[ps->depth].node = node;
    ps->open[ps->depth].last = &node->child;
    ps->depth++;

    return 1;
}


/* A value without a node: at most its parent has one. */

static int
argo_json_bare(argo_json_parser_t *ps)
{
    if (ps->depth == ps->tree_depth + 1) {
        ps->open[ps->tree_depth].node->count++;
    }

    return 1;
}


static argo_json_t *
argo_json_add(argo_json_parser_t *ps, argo_json_e type, u_char *start,
    u_char *end)
{
    argo_json_t       *node;
    argo_json_open_t  *parent;

    node = argo_json_alloc(ps);
    if (node == NULL) {
        return NULL;
    }

    ngx_memzero(node, sizeof(argo_json_t));

    node->type = type;
    node->raw.len = end - start;
    node->raw.data = start;
    node->start = start;

    if (ps->key) {
        node->name = ps->name;
        node->start = ps->key;
        ps->key = NULL;
    }

    ps->pos = end;

    if (ps->depth == 0) {
        ps->root = node;
        return node;
    }

    parent = &ps->open[ps->depth - 1];

    *parent->last = node;
    parent->last = &node->next;
    parent->node->count++;

    return node;
}


static argo_json_t *
argo_json_alloc(argo_json_parser_t *ps)
{
    if (ps->nodes == ARGO_JSON_MAX_NODES) {
        ps->rc = argo_error_setf(ps->pool, ps->err, 400, "json_too_large",
                                 NULL, "ziz", "JSON has more than ",
                                 (ngx_int_t) ARGO_JSON_MAX_NODES, " values");
        return NULL;
    }

    if (ps->left == 0) {
        ps->size = (ps->size == 0) ? ARGO_JSON_FIRST_SLAB
                                   : ngx_min(ps->size * 2, ARGO_JSON_LAST_SLAB);

        ps->slab = ngx_palloc(ps->pool, ps->size * sizeof(argo_json_t));
        if (ps->slab == NULL) {
            ps->rc = NGX_ERROR;
            return NULL;
        }

        ps->left = ps->size;
    }

    ps->nodes++;
    ps->left--;

    return ps->slab++;
}


/*
 * Where the current token begins, for the few that yajl hands over as a
 * copy: behind the previous one there are only separators.
 */

static u_char *
argo_json_token(argo_json_parser_t *ps)
{
    u_char  *p;

    for (p = ps->pos; argo_json_blank(*p) || *p == ',' || *p == ':'; p++) {
        /* void */
    }

    return p;
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
