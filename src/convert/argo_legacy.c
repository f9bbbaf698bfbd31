
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * ARGO's own API, the first that it had: chat, one JSON document, and
 * streamchat, bare text.  Knows JSON and argo_ir.h, nothing of HTTP and
 * nothing of what the client speaks.
 */


#include "argo_legacy.h"
#include "argo_fault.h"
#include "argo_json_write.h"


/* reply, response, tool_calls, call, function, arguments */
#define ARGO_LEGACY_REPLY_DEPTH  5

/* error, detail, entry, loc, its items */
#define ARGO_LEGACY_ERROR_DEPTH  4

/*
 * ARGO refuses at once a Claude call that is not streamed and may take more
 * than ten minutes, by an estimate from max_tokens; this much has been seen
 * to pass.
 */
#define ARGO_LEGACY_CLAUDE_MAX_TOKENS      21000
#define ARGO_LEGACY_CLAUDE_MAX_TOKENS_TEXT  "21000"


typedef struct {
    ngx_uint_t  (*found)(const argo_request_t *req);
    const char   *param;
    const char   *message;
} argo_legacy_gap_t;


static ngx_int_t argo_legacy_plan_call(ngx_pool_t *pool,
    const argo_request_t *req, ngx_uint_t pseudo, argo_call_t *call,
    argo_error_t *err);
static ngx_uint_t argo_legacy_many_choices(const argo_request_t *req);
static ngx_uint_t argo_legacy_logprobs(const argo_request_t *req);

static void argo_legacy_write_request(const argo_request_t *req,
    const argo_call_t *call, argo_out_t *out);
static void argo_legacy_write_limits(const argo_request_t *req,
    const argo_call_t *call, argo_out_t *out);
static const char *argo_legacy_limit_name(const argo_model_t *target);
static void argo_legacy_write_style(const argo_request_t *req,
    argo_out_t *out);
static void argo_legacy_write_word(const argo_request_t *req,
    const char *name, const argo_json_t *node, argo_out_t *out);
static ngx_uint_t argo_legacy_over_limit(const argo_json_t *node);

static ngx_int_t argo_legacy_read_response(argo_stream_t *st,
    const ngx_str_t *body);
static ngx_int_t argo_legacy_read_object(argo_stream_t *st,
    argo_json_t *response);
static ngx_int_t argo_legacy_read_blocks(argo_stream_t *st,
    argo_json_t *list, ngx_uint_t native);
static ngx_int_t argo_legacy_no_response(argo_stream_t *st,
    argo_json_t *root, const char *message);

static ngx_int_t argo_legacy_read_bytes(argo_stream_t *st, u_char *p,
    size_t n);
static size_t argo_legacy_carry(argo_stream_t *st, u_char *p, size_t n,
    u_char *whole, size_t *len);
static ngx_int_t argo_legacy_read_end(argo_stream_t *st);

static argo_json_t *argo_legacy_reply_text(argo_json_t *root);
static ngx_int_t argo_legacy_emit(argo_stream_t *st, argo_event_e type);
static ngx_int_t argo_legacy_emit_finish(argo_stream_t *st);

static ngx_int_t argo_legacy_read_fault(ngx_pool_t *pool, argo_json_t *root,
    argo_fault_t *fault);
static ngx_int_t argo_legacy_error_text(ngx_pool_t *pool, argo_json_t *root,
    ngx_str_t *text);
static ngx_int_t argo_legacy_detail(ngx_pool_t *pool, argo_json_t *detail,
    ngx_str_t *text);
static ngx_int_t argo_legacy_error_member(ngx_pool_t *pool,
    argo_json_t *error, const char *name, ngx_str_t *value);
static ngx_uint_t argo_legacy_is_html(const ngx_str_t *body);


const argo_back_t  argo_legacy_back = {
    ngx_string("legacy"),
    ARGO_DIALECT_LEGACY,
    argo_legacy_plan_call,
    argo_legacy_write_request,
    NULL,
    argo_legacy_read_response,
    argo_legacy_read_bytes,
    NULL,
    argo_legacy_read_end,
    argo_legacy_read_error
};


/* what a client may ask for and this API can't do */

static const argo_legacy_gap_t  argo_legacy_gaps[] = {

    /* a reply is one text: a second choice has no place in it */
    { argo_legacy_many_choices, "n",
      "n must be 1: ARGO's legacy API gives one choice" },

    /* a reply has nothing but text */
    { argo_legacy_logprobs, "logprobs",
      "logprobs is not supported: ARGO's legacy API does not give them" }
};


#define ARGO_LEGACY_NGAPS                                                     \
    (sizeof(argo_legacy_gaps) / sizeof(argo_legacy_gaps[0]))


static ngx_int_t
argo_legacy_plan_call(ngx_pool_t *pool, const argo_request_t *req,
    ngx_uint_t pseudo, argo_call_t *call, argo_error_t *err)
{
    ngx_int_t                 rc;
    ngx_uint_t                i;
    const argo_legacy_gap_t  *gap;

    for (i = 0; i < ARGO_LEGACY_NGAPS; i++) {
        gap = &argo_legacy_gaps[i];

        if (gap->found(req)) {
            return argo_error_set(err, 400, "unsupported_parameter",
                                  gap->param, gap->message);
        }
    }

    rc = argo_legacy_adapt(pool, req, err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_legacy_check_tools(pool, req, err);
    if (rc != NGX_OK) {
        return rc;
    }

    /* streamchat has no form for tool calls */

    if (req->stream && !pseudo && req->tools == NULL) {
        ngx_str_set(&call->tail, "api/v1/resource/streamchat/");
        ngx_str_set(&call->accept, "text/plain");
        call->frame = ARGO_FRAME_RAW;

        return NGX_OK;
    }

    ngx_str_set(&call->tail, "api/v1/resource/chat/");
    ngx_str_set(&call->accept, "application/json");
    call->frame = ARGO_FRAME_JSON;

    return NGX_OK;
}


static ngx_uint_t
argo_legacy_many_choices(const argo_request_t *req)
{
    int64_t  n;

    return req->n && (argo_json_int(req->n, &n) != NGX_OK || n != 1);
}


static ngx_uint_t
argo_legacy_logprobs(const argo_request_t *req)
{
    return req->logprobs && req->logprobs->type == ARGO_JSON_TRUE;
}


static void
argo_legacy_write_request(const argo_request_t *req, const argo_call_t *call,
    argo_out_t *out)
{
    argo_out_lit(out, "{\"model\":");
    argo_json_write_string(out, &req->target->id);
    argo_out_lit(out, ",\"user\":");
    argo_json_write_string(out, &req->user);
    argo_out_lit(out, ",\"messages\":[");

    argo_legacy_write_messages(req, out);

    argo_out_lit(out, "]");

    argo_legacy_write_untaken(req->root, out);
    argo_legacy_write_params(req, out);
    argo_legacy_write_limits(req, call, out);
    argo_legacy_write_style(req, out);
    argo_legacy_write_tools(req, out);

    argo_out_lit(out, "}");
}


static void
argo_legacy_write_limits(const argo_request_t *req, const argo_call_t *call,
    argo_out_t *out)
{
    const argo_json_t  *limit;

    if (req->target->family != ARGO_FAMILY_ANTHROPIC) {
        argo_legacy_write_member("max_tokens", req->max_tokens, out);
        argo_legacy_write_member("max_completion_tokens",
                                 req->max_completion_tokens, out);
        argo_legacy_write_member(argo_legacy_limit_name(req->target),
                                 req->max_output, out);
        return;
    }

    /* for Claude ARGO reads max_tokens and nothing else */

    limit = req->max_tokens ? req->max_tokens : req->max_completion_tokens;

    if (limit == NULL) {
        limit = req->max_output;
    }

    if (limit && call->frame == ARGO_FRAME_JSON
        && argo_legacy_over_limit(limit))
    {
        argo_out_lit(out, ",\"max_tokens\":"
                          ARGO_LEGACY_CLAUDE_MAX_TOKENS_TEXT);
        return;
    }

    argo_legacy_write_member("max_tokens", limit, out);
}


/* OpenAI's later models refuse the name that all others take. */

static const char *
argo_legacy_limit_name(const argo_model_t *target)
{
    if (target->family == ARGO_FAMILY_OPENAI
        && (target->id.len < 4
            || (ngx_memcmp(target->id.data, "gpt3", 4) != 0
                && ngx_memcmp(target->id.data, "gpt4", 4) != 0)))
    {
        return "max_completion_tokens";
    }

    return "max_tokens";
}


/*
 * What dialects other than chat completions say in places of their own.
 * Other vendors' models have no word for the last two.
 */

static void
argo_legacy_write_style(const argo_request_t *req, argo_out_t *out)
{
    const argo_format_t  *format;

    format = &req->format;

    if (format->type == ARGO_FORMAT_JSON_OBJECT) {
        argo_out_lit(out, ",\"response_format\":{\"type\":\"json_object\"}");
    }

    if (format->type == ARGO_FORMAT_JSON_SCHEMA) {
        argo_out_lit(out, ",\"response_format\":{\"type\":\"json_schema\","
                          "\"json_schema\":{\"name\":");
        argo_out_ref(out, format->name->raw.data, format->name->raw.len);
        argo_legacy_write_member("description", format->description, out);
        argo_legacy_write_member("schema", format->schema, out);
        argo_legacy_write_member("strict", format->strict, out);
        argo_out_lit(out, "}}");
    }

    if (req->target->family == ARGO_FAMILY_OPENAI) {
        argo_legacy_write_word(req, "reasoning_effort", req->effort, out);
        argo_legacy_write_word(req, "verbosity", req->verbosity, out);
    }
}


/* OpenAI's clients have it where it goes up with what nobody has taken. */

static void
argo_legacy_write_word(const argo_request_t *req, const char *name,
    const argo_json_t *node, argo_out_t *out)
{
    if (node && !node->taken
        && (req->dialect == ARGO_DIALECT_CHAT
            || req->dialect == ARGO_DIALECT_COMPLETIONS))
    {
        return;
    }

    argo_legacy_write_member(name, node, out);
}


static ngx_uint_t
argo_legacy_over_limit(const argo_json_t *node)
{
    size_t   i;
    int64_t  n;

    if (argo_json_int(node, &n) == NGX_OK) {
        return n > ARGO_LEGACY_CLAUDE_MAX_TOKENS;
    }

    /* too large even for an integer, or no integer: that ARGO shall judge */

    for (i = 0; i < node->raw.len; i++) {
        if (node->raw.data[i] < '0' || node->raw.data[i] > '9') {
            return 0;
        }
    }

    return 1;
}


/* name and value in one piece, with what is between them */

void
argo_legacy_write_untaken(const argo_json_t *obj, argo_out_t *out)
{
    const argo_json_t  *member;

    if (obj == NULL) {
        return;
    }

    for (member = obj->child; member; member = member->next) {

        if (!member->taken) {
            argo_out_lit(out, ",");
            argo_out_ref(out, member->start, member->raw.data
                                             + member->raw.len
                                             - member->start);
        }
    }
}


void
argo_legacy_write_member(const char *name, const argo_json_t *node,
    argo_out_t *out)
{
    if (node == NULL) {
        return;
    }

    argo_out_lit(out, ",\"");
    argo_out_write(out, name, ngx_strlen(name));
    argo_out_lit(out, "\":");
    argo_out_ref(out, node->raw.data, node->raw.len);
}


static ngx_int_t
argo_legacy_read_response(argo_stream_t *st, const ngx_str_t *body)
{
    ngx_int_t      rc;
    argo_json_t   *root, *response;

    rc = argo_json_parse(st->pool, body, ARGO_LEGACY_REPLY_DEPTH, &root,
                         &st->error);

    if (rc == NGX_DECLINED) {
        return argo_legacy_bad_reply(st, "ARGO's reply is not valid JSON");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    response = argo_json_get(root, "response");

    if (response == NULL || response->type == ARGO_JSON_NULL) {
        return argo_legacy_no_response(st, root,
                                       "ARGO's reply has no \"response\"");
    }

    rc = argo_legacy_emit(st, ARGO_EVENT_START);
    if (rc != NGX_OK) {
        return rc;
    }

    switch (response->type) {

    case ARGO_JSON_STRING:
        rc = argo_legacy_read_text(st, response, 0);
        break;

    case ARGO_JSON_OBJECT:
        rc = argo_legacy_read_object(st, response);
        break;

    default:
        return argo_legacy_bad_reply(st, "\"response\" in ARGO's reply is "
                                         "neither a string nor an object");
    }

    return (rc == NGX_OK) ? argo_legacy_emit_finish(st) : rc;
}


static ngx_int_t
argo_legacy_read_object(argo_stream_t *st, argo_json_t *response)
{
    ngx_int_t     rc;
    ngx_uint_t    native;
    argo_json_t  *content, *calls, *call;

    content = argo_json_get(response, "content");
    calls = argo_json_get(response, "tool_calls");

    if (content == NULL && calls == NULL) {
        return argo_legacy_no_response(st, response,
                                       "\"response\" in ARGO's reply has "
                                       "neither content nor tool_calls");
    }

    native = (calls && calls->type == ARGO_JSON_ARRAY && calls->count);

    if (content && content->type != ARGO_JSON_NULL) {

        if (content->type == ARGO_JSON_STRING) {
            rc = argo_legacy_read_text(st, content, native);

        } else if (content->type == ARGO_JSON_ARRAY) {
            rc = argo_legacy_read_blocks(st, content, native);

        } else {
            rc = argo_legacy_bad_reply(st, "\"content\" in ARGO's reply is "
                                           "neither text nor a list");
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (calls == NULL || calls->type == ARGO_JSON_NULL) {
        return NGX_OK;
    }

    if (calls->type != ARGO_JSON_ARRAY) {
        return argo_legacy_bad_reply(st, "\"tool_calls\" in ARGO's reply is "
                                         "not a list");
    }

    for (call = calls->child; call; call = call->next) {
        rc = argo_legacy_read_call(st, call);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* Claude's content: its text is put together, its thoughts are left out. */

static ngx_int_t
argo_legacy_read_blocks(argo_stream_t *st, argo_json_t *list,
    ngx_uint_t native)
{
    ngx_int_t     rc;
    ngx_uint_t    listed;
    argo_json_t  *block, *type, *text;

    /* calls that are also listed by themselves would come twice */
    listed = native;

    for (block = list->child; block; block = block->next) {
        if (argo_json_is(argo_json_get(block, "type"), "tool_use")) {
            native = 1;
        }
    }

    for (block = list->child; block; block = block->next) {

        type = argo_json_get(block, "type");
        rc = NGX_OK;

        if (argo_json_is(type, "text")) {
            text = argo_json_get(block, "text");

            if (text == NULL || text->type != ARGO_JSON_STRING) {
                return argo_legacy_bad_reply(st, "a text block in ARGO's "
                                                 "reply has no text");
            }

            rc = argo_legacy_read_text(st, text, native);

        } else if (argo_json_is(type, "tool_use")) {
            rc = listed ? NGX_OK : argo_legacy_read_call(st, block);

        } else if (type == NULL) {
            rc = argo_legacy_bad_reply(st, "a content block in ARGO's reply "
                                           "has no type");
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* A reply of success that has something else instead of a response. */

static ngx_int_t
argo_legacy_no_response(argo_stream_t *st, argo_json_t *root,
    const char *message)
{
    ngx_int_t     rc;
    argo_fault_t  fault;

    rc = argo_legacy_read_fault(st->pool, root, &fault);

    if (rc == NGX_DECLINED) {
        return argo_legacy_bad_reply(st, message);
    }

    if (rc != NGX_OK
        || argo_fault_read(st->pool, 200, &fault, &st->error) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return argo_stream_reject(st);
}


ngx_int_t
argo_legacy_bad_reply(argo_stream_t *st, const char *message)
{
    argo_error_set(&st->error, 502, "upstream_invalid_reply", NULL, message);

    return argo_stream_reject(st);
}


static ngx_int_t
argo_legacy_read_bytes(argo_stream_t *st, u_char *p, size_t n)
{
    u_char         lead[ARGO_UTF8_MAX_HELD + 1];
    size_t         used;
    ngx_int_t      rc;
    argo_event_t   ev;

    if (!st->begun) {
        rc = argo_legacy_emit(st, ARGO_EVENT_START);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_TEXT;
    ev.lead.data = lead;

    if (st->ncarry) {
        used = argo_legacy_carry(st, p, n, lead, &ev.lead.len);
        p += used;
        n -= used;
    }

    if (n) {
        ev.text.data = p;
        ev.text.len = argo_utf8_whole(p, n);

        st->ncarry = n - ev.text.len;
        ngx_memcpy(st->carry, p + ev.text.len, st->ncarry);
    }

    if (ev.lead.len + ev.text.len == 0) {
        return NGX_OK;
    }

    return argo_stream_emit(st, &ev);
}


/*
 * Goes on with a character that had been cut.  When it is whole, or can't
 * become so, it is copied and *len set.  Returns how many bytes of p it took.
 */

static size_t
argo_legacy_carry(argo_stream_t *st, u_char *p, size_t n, u_char *whole,
    size_t *len)
{
    size_t      had, size;
    ngx_uint_t  valid;

    had = st->ncarry;
    size = had + ngx_min(n, ARGO_UTF8_MAX_HELD + 1 - had);

    ngx_memcpy(whole, st->carry, had);
    ngx_memcpy(whole + had, p, size - had);

    if (argo_utf8_whole(whole, size) == 0) {
        ngx_memcpy(st->carry, whole, size);
        st->ncarry = size;
        *len = 0;

        return size - had;
    }

    /* what was carried is part of it: it was the beginning of a character */

    *len = argo_utf8_next(whole, size, &valid);
    st->ncarry = 0;

    return *len - had;
}


static ngx_int_t
argo_legacy_read_end(argo_stream_t *st)
{
    ngx_int_t      rc;
    argo_event_t   ev;

    if (!st->begun) {
        rc = argo_legacy_emit(st, ARGO_EVENT_START);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (st->ncarry) {
        ngx_memzero(&ev, sizeof(argo_event_t));

        ev.type = ARGO_EVENT_TEXT;
        ev.text.data = st->carry;
        ev.text.len = st->ncarry;

        st->ncarry = 0;

        rc = argo_stream_emit(st, &ev);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return argo_legacy_emit_finish(st);
}


static ngx_int_t
argo_legacy_emit(argo_stream_t *st, argo_event_e type)
{
    argo_event_t  ev;

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = type;

    return argo_stream_emit(st, &ev);
}


ngx_int_t
argo_legacy_emit_text(argo_stream_t *st, argo_json_t *node)
{
    argo_event_t  ev;

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_TEXT;
    ev.text = argo_json_inner(node);
    ev.escaped = 1;

    return argo_stream_emit(st, &ev);
}


/* ARGO does not say why a reply ended; that it was cut can't be told. */

static ngx_int_t
argo_legacy_emit_finish(argo_stream_t *st)
{
    argo_event_t  ev;

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_FINISH;
    ev.finish = st->tool_calls ? ARGO_FINISH_TOOL_CALLS : ARGO_FINISH_STOP;

    return argo_stream_emit(st, &ev);
}


/* What a chat would answer, in the form of any of ARGO's APIs. */

static argo_json_t *
argo_legacy_reply_text(argo_json_t *root)
{
    argo_json_t  *list;

    list = argo_json_get(root, "choices");

    if (list && list->type == ARGO_JSON_ARRAY && list->child) {
        return argo_json_get(argo_json_get(list->child, "message"),
                             "content");
    }

    list = argo_json_get(root, "content");

    if (list && list->type == ARGO_JSON_ARRAY && list->child) {
        return argo_json_get(list->child, "text");
    }

    return argo_json_get(root, "response");
}


ngx_int_t
argo_legacy_explain(ngx_pool_t *pool, argo_json_t *root,
    const ngx_str_t *body, argo_error_t *err)
{
    ngx_int_t     rc;
    ngx_str_t     text;
    argo_soft_t   soft;
    argo_fault_t  fault;

    rc = argo_json_text(pool, argo_legacy_reply_text(root), &text);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_memzero(&soft, sizeof(argo_soft_t));

    if (rc == NGX_OK
        && argo_soft_check(&soft, text.data, text.len, err) == NGX_DECLINED)
    {
        return NGX_OK;
    }

    if (rc == NGX_OK && argo_fault_is_sentence(&text)) {
        ngx_memzero(&fault, sizeof(argo_fault_t));
        fault.message = text;

        return argo_fault_read(pool, 200, &fault, err);
    }

    return argo_legacy_read_error(pool, 200, body, err);
}


ngx_int_t
argo_legacy_read_error(ngx_pool_t *pool, ngx_uint_t status,
    const ngx_str_t *body, argo_error_t *err)
{
    ngx_int_t      rc;
    argo_json_t   *root;
    argo_error_t   ignored;
    argo_fault_t   fault;

    rc = argo_json_parse(pool, body, ARGO_LEGACY_ERROR_DEPTH, &root,
                         &ignored);

    if (rc == NGX_OK) {
        rc = argo_legacy_read_fault(pool, root, &fault);
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        ngx_memzero(&fault, sizeof(argo_fault_t));

        if (argo_error_setf(pool, &ignored, status, NULL, NULL, "ziz",
                            "ARGO answered ", (ngx_int_t) status,
                            argo_legacy_is_html(body)
                            ? " with an HTML page"
                            : " with no usable message")
            != NGX_DECLINED)
        {
            return NGX_ERROR;
        }

        fault.message = ignored.message;
    }

    return argo_fault_read(pool, status, &fault, err);
}


/* What an error's body tells; NGX_DECLINED if it is nothing. */

static ngx_int_t
argo_legacy_read_fault(ngx_pool_t *pool, argo_json_t *root,
    argo_fault_t *fault)
{
    ngx_int_t     rc;
    argo_json_t  *error;

    ngx_memzero(fault, sizeof(argo_fault_t));

    rc = argo_legacy_error_text(pool, root, &fault->message);
    if (rc != NGX_OK) {
        return rc;
    }

    error = argo_json_get(root, "error");

    if (argo_legacy_error_member(pool, error, "type", &fault->type) != NGX_OK
        || argo_legacy_error_member(pool, error, "code", &fault->code)
           != NGX_OK
        || argo_legacy_error_member(pool, error, "param", &fault->param)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * The text of an error, wherever it is; NGX_DECLINED if nowhere.
 */

static ngx_int_t
argo_legacy_error_text(ngx_pool_t *pool, argo_json_t *root, ngx_str_t *text)
{
    ngx_int_t     rc;
    argo_json_t  *error, *node;

    error = argo_json_get(root, "error");
    node = argo_json_get(error, "message");

    if (node == NULL) {
        node = error;
    }

    rc = argo_json_text(pool, node, text);

    if (rc == NGX_DECLINED) {
        rc = argo_legacy_detail(pool, argo_json_get(root, "detail"), text);
    }

    if (rc == NGX_DECLINED) {
        rc = argo_json_text(pool, argo_json_get(root, "message"), text);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    return text->len ? NGX_OK : NGX_DECLINED;
}


/*
 * FastAPI's "detail": a string, or a list of what is wrong where:
 * [{"loc":["body","messages",0],"msg":"field required"}].
 */

static ngx_int_t
argo_legacy_detail(ngx_pool_t *pool, argo_json_t *detail, ngx_str_t *text)
{
    ngx_int_t     rc;
    ngx_str_t     part;
    argo_out_t    out;
    argo_json_t  *entry, *msg, *loc, *step;

    if (detail == NULL || detail->type != ARGO_JSON_ARRAY) {
        return argo_json_text(pool, detail, text);
    }

    argo_out_init(&out, pool, 256, NULL, 1);

    for (entry = detail->child; entry; entry = entry->next) {

        msg = argo_json_get(entry, "msg");
        loc = argo_json_get(entry, "loc");

        if (msg == NULL || msg->type != ARGO_JSON_STRING) {
            continue;
        }

        if (out.size > ARGO_FAULT_MAX_MESSAGE) {
            break;
        }

        if (out.size) {
            argo_out_lit(&out, "; ");
        }

        for (step = loc ? loc->child : NULL; step; step = step->next) {

            rc = argo_json_text(pool, step, &part);

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            /* an index is a number: as it stands */

            argo_out_str(&out, (rc == NGX_OK) ? &part : &step->raw);

            if (step->next) {
                argo_out_lit(&out, ".");

            } else {
                argo_out_lit(&out, ": ");
            }
        }

        if (argo_json_text(pool, msg, &part) != NGX_OK) {
            return NGX_ERROR;
        }

        argo_out_str(&out, &part);
    }

    if (out.size == 0 && !out.failed) {
        return NGX_DECLINED;
    }

    return argo_out_flatten(&out, pool, text);
}


static ngx_int_t
argo_legacy_error_member(ngx_pool_t *pool, argo_json_t *error,
    const char *name, ngx_str_t *value)
{
    argo_json_t  *node;

    node = argo_json_find(error, name, ngx_strlen(name));

    if (node == NULL || node->type != ARGO_JSON_STRING
        || node->raw.len <= 2)
    {
        return NGX_OK;
    }

    return argo_json_text(pool, node, value);
}


static ngx_uint_t
argo_legacy_is_html(const ngx_str_t *body)
{
    size_t  i;

    for (i = 0; i < body->len; i++) {
        switch (body->data[i]) {

        case ' ':
        case '\t':
        case CR:
        case LF:
            break;

        default:
            return body->data[i] == '<';
        }
    }

    return 0;
}
