
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as a JSON document and as plain text.  What must hold:
 *
 *     the parser accepts just what a plain reading of RFC 8259 does
 *     every slice of the tree is a document that gives the same value
 *     a tree of less depth is the beginning of the full one
 *     text that was unescaped and written again reads as the same text
 *     plain text, whatever its bytes, is written as a valid string
 */


#include "ngx_shim.h"
#include "argo_json.h"
#include "argo_json_write.h"
#include "argo_utf8.h"

#include <stdio.h>


#define FUZZ_CHECK(condition)                                                 \
    if (!(condition)) {                                                       \
        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);       \
        abort();                                                              \
    }


typedef struct {
    const u_char  *p;
    const u_char  *end;
    ngx_uint_t     depth;
} fuzz_reader_t;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ngx_uint_t fuzz_value(fuzz_reader_t *in);


static void
fuzz_blank(fuzz_reader_t *in)
{
    while (in->p < in->end && *in->p && strchr(" \t\r\n", *in->p)) {
        in->p++;
    }
}


static ngx_uint_t
fuzz_byte(fuzz_reader_t *in, u_char c)
{
    if (in->p < in->end && *in->p == c) {
        in->p++;
        return 1;
    }

    return 0;
}


static ngx_uint_t
fuzz_digits(fuzz_reader_t *in)
{
    const u_char  *start;

    start = in->p;

    while (in->p < in->end && *in->p >= '0' && *in->p <= '9') {
        in->p++;
    }

    return in->p > start;
}


static ngx_uint_t
fuzz_number(fuzz_reader_t *in)
{
    (void) fuzz_byte(in, '-');

    if (!fuzz_byte(in, '0') && !fuzz_digits(in)) {
        return 0;
    }

    if (fuzz_byte(in, '.') && !fuzz_digits(in)) {
        return 0;
    }

    if (fuzz_byte(in, 'e') || fuzz_byte(in, 'E')) {

        if (!fuzz_byte(in, '+')) {
            (void) fuzz_byte(in, '-');
        }

        return fuzz_digits(in);
    }

    return 1;
}


static ngx_uint_t
fuzz_string(fuzz_reader_t *in)
{
    size_t      i, len;
    ngx_uint_t  valid;

    if (!fuzz_byte(in, '"')) {
        return 0;
    }

    while (in->p < in->end) {

        if (*in->p == '"') {
            in->p++;
            return 1;
        }

        if (*in->p < 0x20) {
            return 0;
        }

        if (*in->p != '\\') {
            len = argo_utf8_next(in->p, in->end - in->p, &valid);

            if (!valid) {
                return 0;
            }

            in->p += len;
            continue;
        }

        if (++in->p == in->end || *in->p == '\0') {
            return 0;
        }

        if (*in->p != 'u') {

            if (strchr("\"\\/bfnrt", *in->p) == NULL) {
                return 0;
            }

            in->p++;
            continue;
        }

        in->p++;

        for (i = 0; i < 4; i++, in->p++) {
            if (in->p == in->end || *in->p == '\0'
                || strchr("0123456789abcdefABCDEF", *in->p) == NULL)
            {
                return 0;
            }
        }
    }

    return 0;
}


static ngx_uint_t
fuzz_word(fuzz_reader_t *in, const char *word)
{
    for ( /* void */ ; *word; word++) {
        if (!fuzz_byte(in, (u_char) *word)) {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
fuzz_container(fuzz_reader_t *in, u_char close)
{
    in->p++;

    if (in->depth++ == ARGO_JSON_MAX_DEPTH) {
        return 0;
    }

    fuzz_blank(in);

    if (fuzz_byte(in, close)) {
        in->depth--;
        return 1;
    }

    do {
        fuzz_blank(in);

        if (close == '}') {

            if (!fuzz_string(in)) {
                return 0;
            }

            fuzz_blank(in);

            if (!fuzz_byte(in, ':')) {
                return 0;
            }

            fuzz_blank(in);
        }

        if (!fuzz_value(in)) {
            return 0;
        }

        fuzz_blank(in);

    } while (fuzz_byte(in, ','));

    in->depth--;

    return fuzz_byte(in, close);
}


static ngx_uint_t
fuzz_value(fuzz_reader_t *in)
{
    if (in->p == in->end) {
        return 0;
    }

    switch (*in->p) {

    case '{':
        return fuzz_container(in, '}');

    case '[':
        return fuzz_container(in, ']');

    case '"':
        return fuzz_string(in);

    case 't':
        return fuzz_word(in, "true");

    case 'f':
        return fuzz_word(in, "false");

    case 'n':
        return fuzz_word(in, "null");

    default:
        return fuzz_number(in);
    }
}


static ngx_uint_t
fuzz_is_json(const u_char *p, size_t n)
{
    fuzz_reader_t  in;

    in.p = p;
    in.end = p + n;
    in.depth = 0;

    fuzz_blank(&in);

    if (!fuzz_value(&in)) {
        return 0;
    }

    fuzz_blank(&in);

    return in.p == in.end;
}


static ngx_str_t
fuzz_flatten(argo_out_t *out, ngx_pool_t *pool)
{
    ngx_str_t  s;

    FUZZ_CHECK(argo_out_flatten(out, pool, &s) == NGX_OK);

    return s;
}


static void
fuzz_text(ngx_pool_t *pool, const argo_json_t *node)
{
    u_char         piece[7], *src;
    size_t         n, total;
    ngx_str_t      s, text, again, inner;
    argo_out_t     out;
    argo_json_t   *root;
    argo_error_t   err;

    FUZZ_CHECK(argo_json_text(pool, node, &text) == NGX_OK);
    FUZZ_CHECK(argo_json_text_is(node, (char *) text.data, text.len));
    FUZZ_CHECK(node->escaped == (text.len != node->raw.len - 2));

    inner = argo_json_inner(node);
    src = inner.data;
    total = 0;

    while (src < inner.data + inner.len) {
        n = argo_json_unescape(&src, inner.data + inner.len, piece,
                               sizeof(piece));

        FUZZ_CHECK(n > 0 && total + n <= text.len
                   && memcmp(text.data + total, piece, n) == 0
                   && argo_utf8_whole(piece, n) == n);

        total += n;
    }

    FUZZ_CHECK(total == text.len);

    argo_out_init(&out, pool, 64, NULL, 0);
    argo_json_write_string(&out, &text);
    s = fuzz_flatten(&out, pool);

    FUZZ_CHECK(argo_json_parse(pool, &s, 0, &root, &err) == NGX_OK);
    FUZZ_CHECK(argo_json_text(pool, root, &again) == NGX_OK);
    FUZZ_CHECK(again.len == text.len
               && ngx_memcmp(again.data, text.data, text.len) == 0);
}


/* Two trees of the same bytes, the second perhaps of less depth. */

static void
fuzz_same(const argo_json_t *a, const argo_json_t *b, ngx_uint_t depth)
{
    const argo_json_t  *x, *y;

    FUZZ_CHECK(a->type == b->type && a->raw.len == b->raw.len
               && ngx_memcmp(a->raw.data, b->raw.data, a->raw.len) == 0
               && a->count == b->count && a->escaped == b->escaped);

    if (depth == 0) {
        FUZZ_CHECK(b->child == NULL);
        return;
    }

    y = b->child;

    for (x = a->child; x; x = x->next) {
        FUZZ_CHECK(y != NULL && x->name.len == y->name.len
                   && (x->name.data == NULL) == (y->name.data == NULL)
                   && x->raw.data - x->start == y->raw.data - y->start);
        FUZZ_CHECK(x->name.len == 0
                   || ngx_memcmp(x->name.data, y->name.data, x->name.len)
                      == 0);

        fuzz_same(x, y, depth - 1);

        y = y->next;
    }

    FUZZ_CHECK(y == NULL);
}


static void
fuzz_walk(ngx_pool_t *pool, const argo_json_t *node, const ngx_str_t *document)
{
    u_char             *end;
    int64_t             n;
    argo_json_t        *again;
    argo_error_t        err;
    const argo_json_t  *child;

    end = document->data + document->len;

    FUZZ_CHECK(node->raw.data >= document->data && node->raw.len > 0
               && node->raw.len <= (size_t) (end - node->raw.data)
               && node->start >= document->data
               && node->start <= node->raw.data);
    FUZZ_CHECK((node->start == node->raw.data) == (node->name.data == NULL));
    FUZZ_CHECK(node->name.data == NULL || *node->start == '"');

    FUZZ_CHECK(argo_json_parse(pool, &node->raw, ARGO_JSON_MAX_DEPTH, &again,
                               &err)
               == NGX_OK);
    fuzz_same(node, again, ARGO_JSON_MAX_DEPTH);

    if (node->type == ARGO_JSON_STRING) {
        fuzz_text(pool, node);
    }

    (void) argo_json_int(node, &n);

    for (child = node->child; child; child = child->next) {

        if (child->name.data) {
            again = argo_json_find(node, (char *) child->name.data,
                                   child->name.len);
            FUZZ_CHECK(again && again->start >= child->start);
        }

        fuzz_walk(pool, child, document);
    }
}


static void
fuzz_plain(ngx_pool_t *pool, const ngx_str_t *text)
{
    size_t         i, len, whole;
    ngx_str_t      s, t;
    ngx_uint_t     valid, all;
    argo_out_t     out;
    argo_json_t   *root;
    argo_error_t   err;

    argo_out_init(&out, pool, 64, NULL, 0);
    argo_json_write_string(&out, text);
    s = fuzz_flatten(&out, pool);

    FUZZ_CHECK(fuzz_is_json(s.data, s.len));
    FUZZ_CHECK(argo_json_parse(pool, &s, 0, &root, &err) == NGX_OK);
    FUZZ_CHECK(argo_json_text(pool, root, &t) == NGX_OK);

    all = 1;

    for (i = 0; i < text->len; i += len) {
        len = argo_utf8_next(text->data + i, text->len - i, &valid);
        all &= valid;
    }

    FUZZ_CHECK(!all || (t.len == text->len
                        && ngx_memcmp(t.data, text->data, t.len) == 0));

    /* in two parts, the first without what must wait for the second */

    whole = argo_utf8_whole(text->data, text->len / 2);

    FUZZ_CHECK(text->len / 2 - whole <= ARGO_UTF8_MAX_HELD);

    argo_out_init(&out, pool, 7, NULL, 0);
    argo_out_lit(&out, "\"");
    argo_json_write_text(&out, text->data, whole);
    argo_json_write_text(&out, text->data + whole, text->len - whole);
    argo_out_lit(&out, "\"");
    t = fuzz_flatten(&out, pool);

    FUZZ_CHECK(s.len == t.len && ngx_memcmp(s.data, t.data, s.len) == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         i;
    ngx_int_t      rc;
    ngx_str_t      document;
    ngx_uint_t     depth;
    ngx_pool_t    *pool;
    argo_json_t   *root, *part;
    argo_error_t   err;

    /* chance that is the same each time for the same input */

    depth = size * 31;

    for (i = 0; i < size; i++) {
        depth += data[i];
    }

    depth %= 8;

    document.len = size;
    document.data = (u_char *) data;

    pool = ngx_create_pool(4096, NULL);

    rc = argo_json_parse(pool, &document, ARGO_JSON_MAX_DEPTH, &root, &err);

    FUZZ_CHECK(rc == (fuzz_is_json(document.data, document.len)
                      ? NGX_OK : NGX_DECLINED));

    if (rc == NGX_OK) {
        FUZZ_CHECK(argo_json_parse(pool, &document, depth, &part, &err)
                   == NGX_OK);
        fuzz_same(root, part, depth);
        fuzz_walk(pool, root, &document);

    } else {
        FUZZ_CHECK(err.status == 400 && err.code.len && err.message.len);
        FUZZ_CHECK(argo_json_parse(pool, &document, depth, &part, &err)
                   == NGX_DECLINED);
    }

    fuzz_plain(pool, &document);

    ngx_destroy_pool(pool);

    return 0;
}
