
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The events of a streamed message folded into the message itself, for a
 * client that speaks Anthropic's language and wants it whole: what upstream
 * has not been asked for is not left out, what is not known is kept.  The
 * outcome is the same as that of Anthropic's own libraries.
 */


#include "argo_anthropic_back.h"
#include "argo_json_write.h"


/* message, usage, its members */
#define ARGO_FOLD_DEPTH  2

#define ARGO_FOLD_BLOCK  4096


typedef struct argo_fold_block_s  argo_fold_block_t;

/* one block of the content: as it began, and what its deltas add */

struct argo_fold_block_s {
    ngx_str_t            start;
    argo_out_t           text;      /* escaped */
    argo_out_t           thinking;  /* escaped */
    argo_out_t           signature; /* escaped; the last counts */
    argo_out_t           input;     /* plain JSON */
    argo_out_t           citations; /* items of the list */
    argo_fold_block_t   *next;
};


struct argo_anthropic_fold_s {
    argo_stream_t       *st;
    ngx_str_t            message;
    ngx_str_t            delta;
    ngx_str_t            usage;
    argo_fold_block_t   *blocks;
    argo_fold_block_t   *last;
    size_t               size;      /* of all that is kept, in bytes */
};


/* a member of a block that a delta adds to */

typedef struct {
    ngx_str_t            name;
    ngx_str_t            before;
    ngx_str_t            after;
    argo_out_t          *out;
    unsigned             append:1;  /* to what the block began with */
    unsigned             used:1;
} argo_fold_part_t;


static ngx_int_t argo_fold_keep(argo_anthropic_fold_t *fold,
    const argo_json_t *node, ngx_str_t *kept);
static ngx_int_t argo_fold_add(argo_anthropic_fold_t *fold, argo_out_t *out,
    const ngx_str_t *text);
static ngx_int_t argo_fold_input(argo_anthropic_fold_t *fold,
    const ngx_str_t *escaped);
static ngx_int_t argo_fold_too_long(argo_anthropic_fold_t *fold);

static ngx_int_t argo_fold_parse(argo_anthropic_fold_t *fold,
    const ngx_str_t *text, argo_json_t **root);
static void argo_fold_write_member(const argo_json_t *node,
    const argo_json_t *value, argo_out_t *out);
static const argo_json_t *argo_fold_final(const argo_json_t *message,
    const argo_json_t *delta, const argo_json_t *node);
static ngx_int_t argo_fold_write_message(argo_anthropic_fold_t *fold,
    const argo_json_t *message, const argo_json_t *delta,
    const argo_json_t *usage, argo_out_t *out);
static void argo_fold_overlay(const argo_json_t *obj,
    const argo_json_t *more, argo_out_t *out);
static ngx_int_t argo_fold_write_blocks(argo_anthropic_fold_t *fold,
    argo_out_t *out);
static ngx_int_t argo_fold_write_block(argo_anthropic_fold_t *fold,
    argo_fold_block_t *block, argo_out_t *out);
static void argo_fold_write_part(const argo_fold_part_t *part,
    const argo_json_t *node, argo_out_t *out);

static ngx_int_t argo_fold_finish_input(argo_anthropic_fold_t *fold,
    argo_fold_block_t *block);
static size_t argo_fold_repair(const ngx_str_t *text, u_char *open,
    size_t *nopen);
static u_char *argo_fold_token(u_char *p, u_char *end, ngx_uint_t *whole);


argo_anthropic_fold_t *
argo_anthropic_fold_create(argo_stream_t *st, const argo_json_t *message)
{
    argo_anthropic_fold_t  *fold;

    fold = ngx_pcalloc(st->pool, sizeof(argo_anthropic_fold_t));
    if (fold == NULL) {
        return NULL;
    }

    fold->st = st;

    if (argo_fold_keep(fold, message, &fold->message) != NGX_OK) {
        return NULL;
    }

    return fold;
}


ngx_int_t
argo_anthropic_fold_block(argo_anthropic_fold_t *fold,
    const argo_json_t *node)
{
    ngx_pool_t         *pool;
    argo_fold_block_t  *block;

    pool = fold->st->pool;

    block = ngx_pcalloc(pool, sizeof(argo_fold_block_t));
    if (block == NULL) {
        return NGX_ERROR;
    }

    if (argo_fold_keep(fold, node, &block->start) != NGX_OK) {
        return NGX_ERROR;
    }

    argo_out_init(&block->text, pool, ARGO_FOLD_BLOCK, NULL, 1);
    argo_out_init(&block->thinking, pool, ARGO_FOLD_BLOCK, NULL, 1);
    argo_out_init(&block->signature, pool, ARGO_FOLD_BLOCK, NULL, 1);
    argo_out_init(&block->input, pool, ARGO_FOLD_BLOCK, NULL, 1);
    argo_out_init(&block->citations, pool, ARGO_FOLD_BLOCK, NULL, 1);

    if (fold->last) {
        fold->last->next = block;

    } else {
        fold->blocks = block;
    }

    fold->last = block;

    return NGX_OK;
}


ngx_int_t
argo_anthropic_fold_delta(argo_anthropic_fold_t *fold,
    const argo_json_t *delta)
{
    ngx_str_t           text;
    argo_json_t        *type, *node;
    argo_fold_block_t  *block;

    block = fold->last;
    type = argo_json_get(delta, "type");

    if (argo_json_is(type, "text_delta")) {
        text = argo_json_inner(argo_json_get(delta, "text"));

        return argo_fold_add(fold, &block->text, &text);
    }

    if (argo_json_is(type, "input_json_delta")) {
        text = argo_json_inner(argo_json_get(delta, "partial_json"));

        return argo_fold_input(fold, &text);
    }

    if (argo_json_is(type, "thinking_delta")) {
        text = argo_json_inner(argo_json_get(delta, "thinking"));

        return argo_fold_add(fold, &block->thinking, &text);
    }

    if (argo_json_is(type, "signature_delta")) {
        text = argo_json_inner(argo_json_get(delta, "signature"));

        block->signature.free = argo_out_take(&block->signature);
        block->signature.buf = NULL;

        return argo_fold_add(fold, &block->signature, &text);
    }

    node = argo_json_is(type, "citations_delta")
           ? argo_json_get(delta, "citation") : NULL;

    if (node == NULL) {
        return NGX_OK;
    }

    if (block->citations.size) {
        argo_out_lit(&block->citations, ",");
    }

    return argo_fold_add(fold, &block->citations, &node->raw);
}


ngx_int_t
argo_anthropic_fold_end(argo_anthropic_fold_t *fold,
    const argo_json_t *delta, const argo_json_t *usage)
{
    if (fold->size > ARGO_STREAM_MAX_TEXT) {
        return argo_fold_too_long(fold);
    }

    if (delta && delta->type == ARGO_JSON_OBJECT
        && argo_fold_keep(fold, delta, &fold->delta) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (usage && usage->type == ARGO_JSON_OBJECT
        && argo_fold_keep(fold, usage, &fold->usage) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
argo_fold_too_long(argo_anthropic_fold_t *fold)
{
    return argo_error_set(&fold->st->error, 502, "upstream_invalid_reply",
                          NULL, "ARGO's reply is too long");
}


static ngx_int_t
argo_fold_keep(argo_anthropic_fold_t *fold, const argo_json_t *node,
    ngx_str_t *kept)
{
    fold->size += node->raw.len;

    return argo_stream_keep(fold->st, &node->raw, kept);
}


static ngx_int_t
argo_fold_add(argo_anthropic_fold_t *fold, argo_out_t *out,
    const ngx_str_t *text)
{
    fold->size += text->len;

    if (fold->size > ARGO_STREAM_MAX_TEXT) {
        return argo_fold_too_long(fold);
    }

    argo_out_str(out, text);

    return out->failed ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
argo_fold_input(argo_anthropic_fold_t *fold, const ngx_str_t *escaped)
{
    u_char     *p, *end, plain[256];
    size_t      n;
    ngx_int_t   rc;
    ngx_str_t   text;

    p = escaped->data;
    end = p + escaped->len;

    while (p < end) {
        n = argo_json_unescape(&p, end, plain, sizeof(plain));

        if (n == 0) {
            break;
        }

        text.data = plain;
        text.len = n;

        rc = argo_fold_add(fold, &fold->last->input, &text);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


ngx_int_t
argo_anthropic_fold_write(argo_anthropic_fold_t *fold, argo_out_t *out)
{
    ngx_int_t           rc;
    argo_json_t        *message, *delta, *usage;
    argo_fold_block_t  *block;

    for (block = fold->blocks; block; block = block->next) {

        rc = argo_fold_finish_input(fold, block);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (argo_fold_parse(fold, &fold->message, &message) != NGX_OK
        || argo_fold_parse(fold, &fold->delta, &delta) != NGX_OK
        || argo_fold_parse(fold, &fold->usage, &usage) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = argo_fold_write_message(fold, message, delta, usage, out);

    return (rc == NGX_OK && out->failed) ? NGX_ERROR : rc;
}


/* Parts of what was valid: it can fail only for memory. */

static ngx_int_t
argo_fold_parse(argo_anthropic_fold_t *fold, const ngx_str_t *text,
    argo_json_t **root)
{
    argo_error_t  ignored;

    *root = NULL;

    if (text->len == 0) {
        return NGX_OK;
    }

    return argo_json_parse(fold->st->pool, text, ARGO_FOLD_DEPTH, root,
                           &ignored);
}


static ngx_int_t
argo_fold_write_message(argo_anthropic_fold_t *fold,
    const argo_json_t *message, const argo_json_t *delta,
    const argo_json_t *usage, argo_out_t *out)
{
    ngx_uint_t          first, content;
    const argo_json_t  *node, *value;

    first = 1;
    content = 0;

    argo_out_lit(out, "{");

    for (node = message->child; node; node = node->next) {

        value = argo_fold_final(message, delta, node);

        if (value == NULL) {
            continue;
        }

        if (!first) {
            argo_out_lit(out, ",");
        }

        first = 0;

        if (argo_str_is(&node->name, "content")) {
            argo_out_lit(out, "\"content\":");
            content = 1;

            if (argo_fold_write_blocks(fold, out) != NGX_OK) {
                return NGX_ERROR;
            }

        } else if (argo_str_is(&node->name, "model")) {
            argo_out_lit(out, "\"model\":");
            argo_json_write_string(out, &fold->st->request->model);

        } else if (argo_str_is(&node->name, "usage")) {
            argo_out_lit(out, "\"usage\":");
            argo_fold_overlay(node, usage, out);

        } else {
            argo_fold_write_member(node, value, out);
        }
    }

    if (!content) {
        argo_out_write(out, ",", !first);
        argo_out_lit(out, "\"content\":");
        first = 0;

        if (argo_fold_write_blocks(fold, out) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    for (node = delta ? delta->child : NULL; node; node = node->next) {

        if (argo_json_find(message, (char *) node->name.data, node->name.len)
            == NULL)
        {
            argo_out_lit(out, ",");
            argo_fold_write_member(node, node, out);
        }
    }

    if (usage && argo_json_get(message, "usage") == NULL) {
        argo_out_lit(out, ",\"usage\":");
        argo_out_ref(out, usage->raw.data, usage->raw.len);
    }

    argo_out_lit(out, "}");

    return NGX_OK;
}


/*
 * What a member of the message is at the end; NULL: it is not there.  How it
 * stopped is what the last delta says, also if it says nothing.
 */

static const argo_json_t *
argo_fold_final(const argo_json_t *message, const argo_json_t *delta,
    const argo_json_t *node)
{
    const argo_json_t  *last;

    last = argo_json_find(message, (char *) node->name.data, node->name.len);

    if (last != node) {
        /* of several the last counts, in the place of the last */
        return NULL;
    }

    last = argo_json_find(delta, (char *) node->name.data, node->name.len);

    if (last && last->type != ARGO_JSON_NULL) {
        return last;
    }

    if (argo_str_is(&node->name, "stop_reason")
        || argo_str_is(&node->name, "stop_sequence")
        || argo_str_is(&node->name, "stop_details"))
    {
        return last ? last : (delta ? NULL : node);
    }

    return node;
}


static void
argo_fold_write_member(const argo_json_t *node, const argo_json_t *value,
    argo_out_t *out)
{
    argo_out_lit(out, "\"");
    argo_json_write_text(out, node->name.data, node->name.len);
    argo_out_lit(out, "\":");
    argo_out_ref(out, value->raw.data, value->raw.len);
}


/* Counters that are not said, or are null, stay as they were. */

static void
argo_fold_overlay(const argo_json_t *obj, const argo_json_t *more,
    argo_out_t *out)
{
    ngx_uint_t          first;
    const argo_json_t  *node, *value;

    if (obj->type != ARGO_JSON_OBJECT) {
        obj = more ? more : obj;
        argo_out_ref(out, obj->raw.data, obj->raw.len);
        return;
    }

    argo_out_lit(out, "{");
    first = 1;

    for (node = obj->child; node; node = node->next) {

        value = argo_json_find(more, (char *) node->name.data,
                               node->name.len);

        if (value == NULL || value->type == ARGO_JSON_NULL) {
            value = node;
        }

        if (!first) {
            argo_out_lit(out, ",");
        }

        argo_fold_write_member(node, value, out);
        first = 0;
    }

    for (node = more ? more->child : NULL; node; node = node->next) {

        if (node->type == ARGO_JSON_NULL
            || argo_json_find(obj, (char *) node->name.data, node->name.len))
        {
            continue;
        }

        if (!first) {
            argo_out_lit(out, ",");
        }

        argo_fold_write_member(node, node, out);
        first = 0;
    }

    argo_out_lit(out, "}");
}


static ngx_int_t
argo_fold_write_blocks(argo_anthropic_fold_t *fold, argo_out_t *out)
{
    argo_fold_block_t  *block;

    argo_out_lit(out, "[");

    for (block = fold->blocks; block; block = block->next) {

        if (argo_fold_write_block(fold, block, out) != NGX_OK) {
            return NGX_ERROR;
        }

        if (block->next) {
            argo_out_lit(out, ",");
        }
    }

    argo_out_lit(out, "]");

    return NGX_OK;
}


static ngx_int_t
argo_fold_write_block(argo_anthropic_fold_t *fold, argo_fold_block_t *block,
    argo_out_t *out)
{
    ngx_uint_t         i, first;
    argo_json_t       *root, *node;
    argo_fold_part_t   parts[] = {
        { ngx_string("text"), ngx_string("\""), ngx_string("\""),
          &block->text, 1, 0 },
        { ngx_string("thinking"), ngx_string("\""), ngx_string("\""),
          &block->thinking, 1, 0 },
        { ngx_string("signature"), ngx_string("\""), ngx_string("\""),
          &block->signature, 0, 0 },
        { ngx_string("input"), ngx_null_string, ngx_null_string,
          &block->input, 0, 0 },
        { ngx_string("citations"), ngx_string("["), ngx_string("]"),
          &block->citations, 1, 0 }
    };

    if (argo_fold_parse(fold, &block->start, &root) != NGX_OK) {
        return NGX_ERROR;
    }

    argo_out_lit(out, "{");
    first = 1;

    for (node = root->child; node; node = node->next) {

        if (!first) {
            argo_out_lit(out, ",");
        }

        first = 0;

        for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {

            if (parts[i].out->size && !parts[i].used
                && parts[i].name.len == node->name.len
                && ngx_memcmp(parts[i].name.data, node->name.data,
                              node->name.len) == 0)
            {
                break;
            }
        }

        if (i < sizeof(parts) / sizeof(parts[0])) {
            argo_fold_write_part(&parts[i], node, out);
            parts[i].used = 1;

        } else {
            argo_fold_write_member(node, node, out);
        }
    }

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {

        if (parts[i].out->size && !parts[i].used) {

            if (!first) {
                argo_out_lit(out, ",");
            }

            argo_fold_write_part(&parts[i], NULL, out);
            first = 0;
        }
    }

    argo_out_lit(out, "}");

    return NGX_OK;
}


/* node: what the block began with, or NULL */

static void
argo_fold_write_part(const argo_fold_part_t *part, const argo_json_t *node,
    argo_out_t *out)
{
    ngx_uint_t  list;

    list = (part->before.len && part->before.data[0] == '[');

    argo_out_lit(out, "\"");
    argo_out_str(out, &part->name);
    argo_out_lit(out, "\":");
    argo_out_str(out, &part->before);

    if (part->append && node && node->raw.len > 2
        && node->type == (list ? ARGO_JSON_ARRAY : ARGO_JSON_STRING))
    {
        argo_out_ref(out, node->raw.data + 1, node->raw.len - 2);

        if (list && node->count) {
            argo_out_lit(out, ",");
        }
    }

    argo_stream_copy(out, part->out);
    argo_out_str(out, &part->after);
}


/*
 * A call may be cut by a limit: then its input is what was whole in it, as
 * in Anthropic's libraries.
 */

static ngx_int_t
argo_fold_finish_input(argo_anthropic_fold_t *fold, argo_fold_block_t *block)
{
    size_t         keep, n, nopen;
    u_char         open[ARGO_JSON_MAX_DEPTH];
    ngx_int_t      rc;
    ngx_str_t      text;
    ngx_pool_t    *pool;
    argo_json_t   *root;
    argo_error_t   ignored;

    if (block->input.size == 0) {
        return NGX_OK;
    }

    pool = fold->st->pool;

    if (argo_out_flatten(&block->input, pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = argo_json_parse(pool, &text, 0, &root, &ignored);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    keep = argo_fold_repair(&text, open, &nopen);

    argo_out_init(&block->input, pool, keep + sizeof(open), NULL, 1);

    if (keep == 0) {
        argo_out_lit(&block->input, "{}");
    }

    argo_out_write(&block->input, text.data, keep);

    for (n = nopen; keep && n > 0; n--) {
        argo_out_write(&block->input, open[n - 1] == '{' ? "}" : "]", 1);
    }

    if (argo_out_flatten(&block->input, pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = argo_json_parse(pool, &text, 0, &root, &ignored);

    if (rc == NGX_DECLINED) {
        return argo_error_set(&fold->st->error, 502,
                              "upstream_invalid_reply", NULL,
                              "the input of a tool call in ARGO's reply is "
                              "not valid JSON");
    }

    return rc;
}


/*
 * How much of a text that breaks off can stay: up to its last whole value;
 * open has the brackets that are open there.
 */

static size_t
argo_fold_repair(const ngx_str_t *text, u_char *open, size_t *nopen)
{
    u_char      *p, *q, *end, *keep;
    size_t       n;
    ngx_uint_t   whole, key;

    p = text->data;
    end = p + text->len;
    keep = p;
    n = 0;
    key = 0;
    *nopen = 0;

    while (p < end) {

        q = p + 1;
        whole = 0;

        switch (*p) {

        case ' ':
        case '\t':
        case CR:
        case LF:
            break;

        case '{':
        case '[':
            if (n == ARGO_JSON_MAX_DEPTH) {
                return 0;
            }

            open[n++] = *p;
            key = (*p == '{');
            whole = 1;
            break;

        case '}':
        case ']':
            if (n == 0) {
                return 0;
            }

            n--;
            whole = 1;
            break;

        case ',':
            key = (n && open[n - 1] == '{');
            break;

        case ':':
            key = 0;
            break;

        default:
            q = argo_fold_token(p, end, &whole);

            if (key) {
                /* a name is nothing without its value */
                whole = 0;
            }
        }

        if (whole) {
            keep = q;
            *nopen = n;
        }

        p = q;
    }

    return keep - text->data;
}


/* Moves behind a string, a number or a word; whole: it does not break off. */

static u_char *
argo_fold_token(u_char *p, u_char *end, ngx_uint_t *whole)
{
    u_char     *start;
    ngx_str_t   word;

    start = p;

    if (*p != '"') {

        while (p < end && memchr(" \t\r\n{}[],:\"", *p, 11) == NULL) {
            p++;
        }

        /* more digits may have followed, but nothing behind a whole word */

        word.data = start;
        word.len = p - start;

        *whole = (p < end || argo_str_is(&word, "true")
                  || argo_str_is(&word, "false")
                  || argo_str_is(&word, "null"));

        return p;
    }

    for (p++; p < end; p++) {

        if (*p == '"') {
            *whole = 1;
            return p + 1;
        }

        if (*p == '\\' && p + 1 < end) {
            p++;
        }
    }

    *whole = 0;

    return end;
}
