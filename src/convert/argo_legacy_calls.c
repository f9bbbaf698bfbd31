
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Tool calls of a reply: those that ARGO gives as such, those that it has
 * printed into the text, and those that a model was asked to write there.
 */


#include "argo_legacy.h"
#include "argo_python.h"
#include "argo_tool.h"


/* list, call, its members */
#define ARGO_LEGACY_CALL_DEPTH  2

/* how often a text may be read over in search of a printed call */
#define ARGO_LEGACY_MAX_PASSES  16

#define ARGO_LEGACY_CALL        "<tool_call>"
#define ARGO_LEGACY_CALL_END    "</tool_call>"


static ngx_int_t argo_legacy_emit_call(argo_stream_t *st,
    const ngx_str_t *id, const ngx_str_t *name, const ngx_str_t *args,
    ngx_uint_t escaped);
static ngx_int_t argo_legacy_emit_plain(argo_stream_t *st, u_char *p,
    size_t n);

static ngx_int_t argo_legacy_read_printed(argo_stream_t *st,
    argo_json_t *node);
static u_char *argo_legacy_find_printed(const ngx_str_t *text);
static ngx_uint_t argo_legacy_begins_call(const u_char *p, size_t n);
static ngx_int_t argo_legacy_read_literals(const u_char **p,
    const u_char *end, argo_out_t *out);
static ngx_int_t argo_legacy_parse_printed(argo_stream_t *st,
    const u_char *p, const u_char *end, argo_json_t **calls);
static ngx_uint_t argo_legacy_is_call(argo_stream_t *st,
    const argo_json_t *node);

static ngx_int_t argo_legacy_read_tagged(argo_stream_t *st,
    argo_json_t *node);
static ngx_int_t argo_legacy_read_tag(argo_stream_t *st, u_char *p,
    u_char *end, ngx_str_t *name, ngx_str_t *args);
static u_char *argo_legacy_find(u_char *p, u_char *end, const char *what,
    size_t len);
static ngx_uint_t argo_legacy_is_space(const u_char *p, const u_char *end);


/* what the members of a printed call may be, to know where one begins */

static const ngx_str_t  argo_legacy_call_members[] = {
    ngx_string("id'"),
    ngx_string("type'"),
    ngx_string("name'"),
    ngx_string("input'"),
    ngx_string("caller'"),
    ngx_string("cache_control'")
};


#define ARGO_LEGACY_NMEMBERS                                                  \
    (sizeof(argo_legacy_call_members) / sizeof(argo_legacy_call_members[0]))


/*
 * A call in any vendor's form: OpenAI's {"id","function":{"name",
 * "arguments":"{}"}}, Anthropic's {"id","name","input":{}}, Google's
 * {"id":null,"name","args":{}}.
 */

ngx_int_t
argo_legacy_read_call(argo_stream_t *st, argo_json_t *node)
{
    ngx_str_t     id, text, args_text;
    argo_json_t  *function, *name, *args;

    function = argo_json_get(node, "function");

    if (function == NULL) {
        function = node;
    }

    name = argo_json_get(function, "name");
    args = argo_json_get(function, "arguments");

    if (args == NULL) {
        args = argo_json_get(function, "input");
    }

    if (args == NULL) {
        args = argo_json_get(function, "args");
    }

    if (name == NULL || name->type != ARGO_JSON_STRING || name->raw.len <= 2
        || args == NULL)
    {
        return argo_legacy_bad_reply(st, "a tool call in ARGO's reply has no "
                                         "name or no arguments");
    }

    id = argo_json_inner(argo_json_get(node, "id"));
    text = argo_json_inner(name);

    switch (args->type) {

    case ARGO_JSON_STRING:
        args_text = argo_json_inner(args);
        break;

    case ARGO_JSON_OBJECT:
        args_text = args->raw;
        break;

    case ARGO_JSON_NULL:
        ngx_str_set(&args_text, "{}");
        break;

    default:
        return argo_legacy_bad_reply(st, "the arguments of a tool call in "
                                         "ARGO's reply are neither text nor "
                                         "an object");
    }

    return argo_legacy_emit_call(st, &id, &text, &args_text,
                                 args->type == ARGO_JSON_STRING);
}


static ngx_int_t
argo_legacy_emit_call(argo_stream_t *st, const ngx_str_t *id,
    const ngx_str_t *name, const ngx_str_t *args, ngx_uint_t escaped)
{
    ngx_int_t     rc;
    argo_event_t  ev;

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_TOOL_START;
    ev.index = st->tool_calls;
    ev.id = *id;
    ev.name = *name;

    rc = argo_stream_emit(st, &ev);

    if (rc != NGX_OK || args->len == 0) {
        return rc;
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_TOOL_ARGS;
    ev.index = st->tool_calls - 1;
    ev.text = *args;
    ev.escaped = escaped ? 1 : 0;

    return argo_stream_emit(st, &ev);
}


static ngx_int_t
argo_legacy_emit_plain(argo_stream_t *st, u_char *p, size_t n)
{
    argo_event_t  ev;

    if (n == 0) {
        return NGX_OK;
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_TEXT;
    ev.text.data = p;
    ev.text.len = n;

    return argo_stream_emit(st, &ev);
}


ngx_int_t
argo_legacy_read_text(argo_stream_t *st, argo_json_t *node,
    ngx_uint_t native)
{
    if (native || !argo_tool_callable(st->request)) {
        return argo_legacy_emit_text(st, node);
    }

    if (st->request->target->family == ARGO_FAMILY_OTHER) {
        return argo_legacy_read_tagged(st, node);
    }

    return argo_legacy_read_printed(st, node);
}


/*
 * When Claude says something and calls tools as well, ARGO may print the
 * calls behind the text, as Python shows them, and give no calls:
 *
 *     I'll look:{'id': 'toolu_1', 'input': {'a': 1}, 'name': 'f', ...}
 *
 * Only if everything from there to the end is such calls, of tools that the
 * client has offered, is it taken for them; if anything is not as it should
 * be, the text is left as it is.
 */

static ngx_int_t
argo_legacy_read_printed(argo_stream_t *st, argo_json_t *node)
{
    u_char       *p;
    ngx_int_t     rc;
    ngx_str_t     text;
    argo_json_t  *calls, *call;

    if (argo_json_text(st->pool, node, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    p = argo_legacy_find_printed(&text);

    if (p == NULL) {
        return argo_legacy_emit_text(st, node);
    }

    rc = argo_legacy_parse_printed(st, p, text.data + text.len, &calls);

    if (rc == NGX_DECLINED) {
        return argo_legacy_emit_text(st, node);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_legacy_emit_plain(st, text.data, p - text.data);

    for (call = calls->child; call && rc == NGX_OK; call = call->next) {
        rc = argo_legacy_read_call(st, call);
    }

    return rc;
}


/* Where literals begin that go on to the end; NULL: nowhere. */

static u_char *
argo_legacy_find_printed(const ngx_str_t *text)
{
    u_char        *p, *end;
    size_t         left;
    const u_char  *q;

    if (text->len == 0) {
        return NULL;
    }

    p = text->data;
    end = p + text->len;
    left = text->len * ARGO_LEGACY_MAX_PASSES;

    while ((p = memchr(p, '{', end - p)) != NULL) {

        if (argo_legacy_begins_call(p, end - p)) {
            q = p;

            if (argo_legacy_read_literals(&q, end, NULL) == NGX_OK) {
                return p;
            }

            if ((size_t) (q - p) >= left) {
                return NULL;
            }

            left -= q - p;
        }

        p++;
    }

    return NULL;
}


static ngx_uint_t
argo_legacy_begins_call(const u_char *p, size_t n)
{
    ngx_uint_t        i;
    const ngx_str_t  *member;

    if (n < 2 || p[1] != '\'') {
        return 0;
    }

    p += 2;
    n -= 2;

    for (i = 0; i < ARGO_LEGACY_NMEMBERS; i++) {
        member = &argo_legacy_call_members[i];

        if (n >= member->len
            && ngx_memcmp(p, member->data, member->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* Dicts to the end; out is NULL, or gets them as the items of a list. */

static ngx_int_t
argo_legacy_read_literals(const u_char **p, const u_char *end,
    argo_out_t *out)
{
    for ( ;; ) {

        if (argo_python_to_json(p, end, out) != NGX_OK) {
            return NGX_DECLINED;
        }

        while (*p < end && argo_legacy_is_space(*p, *p + 1)) {
            (*p)++;
        }

        if (*p == end) {
            return NGX_OK;
        }

        if (**p != '{') {
            return NGX_DECLINED;
        }

        if (out) {
            argo_out_lit(out, ",");
        }
    }
}


/* NGX_DECLINED: not all of them are calls that the client could expect. */

static ngx_int_t
argo_legacy_parse_printed(argo_stream_t *st, const u_char *p,
    const u_char *end, argo_json_t **calls)
{
    ngx_int_t      rc;
    ngx_str_t      text;
    argo_out_t     out;
    argo_json_t   *call;
    argo_error_t   ignored;

    argo_out_init(&out, st->pool, 4096, NULL, 1);

    argo_out_lit(&out, "[");
    (void) argo_legacy_read_literals(&p, end, &out);
    argo_out_lit(&out, "]");

    if (argo_out_flatten(&out, st->pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = argo_json_parse(st->pool, &text, ARGO_LEGACY_CALL_DEPTH, calls,
                         &ignored);
    if (rc != NGX_OK) {
        return rc;
    }

    for (call = (*calls)->child; call; call = call->next) {
        if (!argo_legacy_is_call(st, call)) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
argo_legacy_is_call(argo_stream_t *st, const argo_json_t *node)
{
    ngx_str_t     text;
    argo_json_t  *type, *input;

    type = argo_json_get(node, "type");

    if (type && !argo_json_is(type, "tool_use")) {
        return 0;
    }

    text = argo_json_inner(argo_json_get(node, "id"));

    if (text.len < 6 || ngx_memcmp(text.data, "toolu_", 6) != 0) {
        return 0;
    }

    input = argo_json_get(node, "input");

    if (input == NULL || input->type != ARGO_JSON_OBJECT) {
        return 0;
    }

    text = argo_json_inner(argo_json_get(node, "name"));

    return text.len && argo_tool_find(st->request, &text) != NULL;
}


/*
 * The form that the instructions ask for.  What is not in it, or calls no
 * tool that there is, stays as the model wrote it.
 */

static ngx_int_t
argo_legacy_read_tagged(argo_stream_t *st, argo_json_t *node)
{
    u_char     *p, *tag, *next, *close, *done, *end;
    ngx_int_t   rc;
    ngx_str_t   text, name, args, none;

    if (argo_json_text(st->pool, node, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_str_set(&none, "");

    p = text.data;
    done = p;
    end = p + text.len;

    for ( ;; ) {
        close = argo_legacy_find(p, end, ARGO_LEGACY_CALL_END,
                                 sizeof(ARGO_LEGACY_CALL_END) - 1);
        if (close == NULL) {
            break;
        }

        /* of several the last: the others have not been closed */

        tag = NULL;
        next = p;

        while ((next = argo_legacy_find(next, close, ARGO_LEGACY_CALL,
                                        sizeof(ARGO_LEGACY_CALL) - 1)))
        {
            tag = next;
            next += sizeof(ARGO_LEGACY_CALL) - 1;
        }

        p = close + sizeof(ARGO_LEGACY_CALL_END) - 1;

        if (tag == NULL) {
            continue;
        }

        rc = argo_legacy_read_tag(st, tag + sizeof(ARGO_LEGACY_CALL) - 1,
                                  close, &name, &args);

        if (rc == NGX_DECLINED) {
            continue;
        }

        if (rc == NGX_OK && !argo_legacy_is_space(done, tag)) {
            rc = argo_legacy_emit_plain(st, done, tag - done);
        }

        if (rc == NGX_OK) {
            rc = argo_legacy_emit_call(st, &none, &name, &args, 0);
        }

        if (rc != NGX_OK) {
            return rc;
        }

        done = p;
    }

    if (done == text.data) {
        return argo_legacy_emit_text(st, node);
    }

    if (argo_legacy_is_space(done, end)) {
        return NGX_OK;
    }

    return argo_legacy_emit_plain(st, done, end - done);
}


static ngx_int_t
argo_legacy_read_tag(argo_stream_t *st, u_char *p, u_char *end,
    ngx_str_t *name, ngx_str_t *args)
{
    ngx_int_t      rc;
    ngx_str_t      text;
    argo_json_t   *root, *node;
    argo_error_t   ignored;

    text.data = p;
    text.len = end - p;

    rc = argo_json_parse(st->pool, &text, 1, &root, &ignored);
    if (rc != NGX_OK) {
        return rc;
    }

    *name = argo_json_inner(argo_json_get(root, "name"));

    if (name->len == 0 || argo_tool_find(st->request, name) == NULL) {
        return NGX_DECLINED;
    }

    node = argo_json_get(root, "arguments");

    if (node == NULL || node->type == ARGO_JSON_NULL) {
        ngx_str_set(args, "{}");
        return NGX_OK;
    }

    *args = node->raw;

    return (node->type == ARGO_JSON_OBJECT) ? NGX_OK : NGX_DECLINED;
}


static u_char *
argo_legacy_find(u_char *p, u_char *end, const char *what, size_t len)
{
    while ((size_t) (end - p) >= len) {

        p = memchr(p, what[0], end - p - len + 1);

        if (p == NULL || ngx_memcmp(p, what, len) == 0) {
            return p;
        }

        p++;
    }

    return NULL;
}


static ngx_uint_t
argo_legacy_is_space(const u_char *p, const u_char *end)
{
    while (p < end) {

        if (*p != ' ' && *p != '\t' && *p != CR && *p != LF) {
            return 0;
        }

        p++;
    }

    return 1;
}
