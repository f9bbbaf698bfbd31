
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * ARGO's own API, the first that it had: chat, one JSON document, and
 * streamchat, bare text.  Knows JSON and argo_ir.h, nothing of HTTP and
 * nothing of what the client speaks.
 */


#include "argo_dialect.h"
#include "argo_json_write.h"
#include "argo_stream.h"


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

/* longer texts of upstream's errors help nobody */
#define ARGO_LEGACY_MAX_MESSAGE  2048


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
static ngx_uint_t argo_legacy_foreign_tools(const argo_request_t *req);

static void argo_legacy_write_request(const argo_request_t *req,
    const argo_call_t *call, argo_out_t *out);
static ngx_uint_t argo_legacy_lacks_user(const argo_request_t *req);
static void argo_legacy_write_message(const argo_message_t *message,
    argo_out_t *out);
static void argo_legacy_write_content(const argo_message_t *message,
    argo_out_t *out);
static void argo_legacy_write_part(const argo_part_t *part, argo_out_t *out);
static void argo_legacy_write_limits(const argo_request_t *req,
    const argo_call_t *call, argo_out_t *out);
static ngx_uint_t argo_legacy_over_limit(const argo_json_t *node);
static void argo_legacy_write_tools(const argo_request_t *req,
    argo_out_t *out);
static void argo_legacy_write_untaken(const argo_json_t *obj,
    argo_out_t *out);
static void argo_legacy_write_member(const char *name,
    const argo_json_t *node, argo_out_t *out);

static ngx_int_t argo_legacy_read_response(argo_stream_t *st,
    const ngx_str_t *body);
static ngx_int_t argo_legacy_read_object(argo_stream_t *st,
    argo_json_t *response);
static ngx_int_t argo_legacy_read_blocks(argo_stream_t *st,
    argo_json_t *list);
static ngx_int_t argo_legacy_read_call(argo_stream_t *st, argo_json_t *node);
static ngx_int_t argo_legacy_no_response(argo_stream_t *st,
    argo_json_t *root);
static ngx_int_t argo_legacy_bad_reply(argo_stream_t *st,
    const char *message);

static ngx_int_t argo_legacy_read_bytes(argo_stream_t *st, u_char *p,
    size_t n);
static size_t argo_legacy_carry(argo_stream_t *st, u_char *p, size_t n,
    u_char *whole, size_t *len);
static ngx_int_t argo_legacy_read_end(argo_stream_t *st);

static ngx_int_t argo_legacy_emit(argo_stream_t *st, argo_event_e type);
static ngx_int_t argo_legacy_emit_text(argo_stream_t *st, argo_json_t *node);
static ngx_int_t argo_legacy_emit_finish(argo_stream_t *st);

static ngx_int_t argo_legacy_read_error(ngx_pool_t *pool, ngx_uint_t status,
    const ngx_str_t *body, argo_error_t *err);
static ngx_int_t argo_legacy_error_text(ngx_pool_t *pool, argo_json_t *root,
    ngx_str_t *text);
static ngx_int_t argo_legacy_detail(ngx_pool_t *pool, argo_json_t *detail,
    ngx_str_t *text);
static ngx_int_t argo_legacy_error_member(ngx_pool_t *pool,
    argo_json_t *error, const char *name, ngx_str_t *value);
static ngx_uint_t argo_legacy_is_html(const ngx_str_t *body);
static ngx_uint_t argo_legacy_keep_status(ngx_uint_t status);


const argo_back_t  argo_legacy_back = {
    ngx_string("legacy"),
    argo_legacy_plan_call,
    argo_legacy_write_request,
    argo_legacy_read_response,
    argo_legacy_read_bytes,
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
      "logprobs is not supported: ARGO's legacy API does not give them" },

    /*
     * ARGO hands the list on as it is, and these vendors have their own form
     * of it; what they make of OpenAI's is an error 500 or a text in which
     * the call is hidden
     */
    { argo_legacy_foreign_tools, "tools",
      "tools are supported for OpenAI's models only" }
};


#define ARGO_LEGACY_NGAPS                                                     \
    (sizeof(argo_legacy_gaps) / sizeof(argo_legacy_gaps[0]))


static ngx_int_t
argo_legacy_plan_call(ngx_pool_t *pool, const argo_request_t *req,
    ngx_uint_t pseudo, argo_call_t *call, argo_error_t *err)
{
    ngx_uint_t                i;
    const argo_legacy_gap_t  *gap;

    (void) pool;

    for (i = 0; i < ARGO_LEGACY_NGAPS; i++) {
        gap = &argo_legacy_gaps[i];

        if (gap->found(req)) {
            return argo_error_set(err, 400, "unsupported_parameter",
                                  gap->param, gap->message);
        }
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


static ngx_uint_t
argo_legacy_foreign_tools(const argo_request_t *req)
{
    return req->tools && req->target->family != ARGO_FAMILY_OPENAI;
}


static void
argo_legacy_write_request(const argo_request_t *req, const argo_call_t *call,
    argo_out_t *out)
{
    argo_message_t  *message;

    argo_out_lit(out, "{\"model\":");
    argo_json_write_string(out, &req->target->id);
    argo_out_lit(out, ",\"user\":");
    argo_json_write_string(out, &req->user);
    argo_out_lit(out, ",\"messages\":[");

    for (message = req->messages; message; message = message->next) {

        argo_legacy_write_message(message, out);

        if (message->next) {
            argo_out_lit(out, ",");
        }
    }

    if (argo_legacy_lacks_user(req)) {

        if (req->messages) {
            argo_out_lit(out, ",");
        }

        argo_out_lit(out, "{\"role\":\"user\",\"content\":\"[continue]\"}");
    }

    argo_out_lit(out, "]");

    argo_legacy_write_untaken(req->root, out);
    argo_legacy_write_limits(req, call, out);

    if (req->tools) {
        argo_legacy_write_tools(req, out);
    }

    argo_out_lit(out, "}");
}


/* Claude and Gemini refuse a conversation in which no user speaks. */

static ngx_uint_t
argo_legacy_lacks_user(const argo_request_t *req)
{
    argo_message_t  *message;

    if (req->target->family != ARGO_FAMILY_ANTHROPIC
        && req->target->family != ARGO_FAMILY_GOOGLE)
    {
        return 0;
    }

    for (message = req->messages; message; message = message->next) {
        if (message->role == ARGO_ROLE_USER) {
            return 0;
        }
    }

    return 1;
}


static void
argo_legacy_write_message(const argo_message_t *message, argo_out_t *out)
{
    argo_out_lit(out, "{\"role\":");

    switch (message->role) {

    case ARGO_ROLE_SYSTEM:
        /* ARGO does not know "developer" */
        argo_out_lit(out, "\"system\"");
        break;

    case ARGO_ROLE_USER:
        argo_out_lit(out, "\"user\"");
        break;

    case ARGO_ROLE_ASSISTANT:
        argo_out_lit(out, "\"assistant\"");
        break;

    case ARGO_ROLE_TOOL:
        argo_out_lit(out, "\"tool\"");
        break;

    default: /* ARGO_ROLE_OTHER */
        argo_out_str(out, &message->role_node->raw);
    }

    argo_out_lit(out, ",\"content\":");
    argo_legacy_write_content(message, out);

    argo_legacy_write_untaken(message->node, out);

    argo_out_lit(out, "}");
}


static void
argo_legacy_write_content(const argo_message_t *message, argo_out_t *out)
{
    argo_part_t  *part;

    if (message->parts == NULL) {
        /* null makes ARGO's Gemini path fail */
        argo_out_lit(out, "\"\"");
        return;
    }

    if (message->string) {
        argo_out_lit(out, "\"");
        argo_out_ref(out, message->parts->text.data,
                     message->parts->text.len);
        argo_out_lit(out, "\"");
        return;
    }

    argo_out_lit(out, "[");

    for (part = message->parts; part; part = part->next) {

        argo_legacy_write_part(part, out);

        if (part->next) {
            argo_out_lit(out, ",");
        }
    }

    argo_out_lit(out, "]");
}


static void
argo_legacy_write_part(const argo_part_t *part, argo_out_t *out)
{
    if (part->raw) {
        argo_out_ref(out, part->raw->raw.data, part->raw->raw.len);
        return;
    }

    if (part->type == ARGO_PART_IMAGE) {
        argo_out_lit(out, "{\"type\":\"image_url\",\"image_url\":"
                          "{\"url\":\"");
        argo_out_ref(out, part->text.data, part->text.len);
        argo_out_lit(out, "\"}}");
        return;
    }

    argo_out_lit(out, "{\"type\":\"text\",\"text\":\"");
    argo_out_ref(out, part->text.data, part->text.len);
    argo_out_lit(out, "\"}");
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
        return;
    }

    /* for Claude ARGO reads max_tokens and nothing else */

    limit = req->max_tokens ? req->max_tokens : req->max_completion_tokens;

    if (limit && call->frame == ARGO_FRAME_JSON
        && argo_legacy_over_limit(limit))
    {
        argo_out_lit(out, ",\"max_tokens\":"
                          ARGO_LEGACY_CLAUDE_MAX_TOKENS_TEXT);
        return;
    }

    argo_legacy_write_member("max_tokens", limit, out);
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


static void
argo_legacy_write_tools(const argo_request_t *req, argo_out_t *out)
{
    argo_legacy_write_member("tools", req->tools, out);
    argo_legacy_write_member("tool_choice", req->tool_choice, out);
    argo_legacy_write_member("parallel_tool_calls", req->parallel_tool_calls,
                             out);
}


/* name and value in one piece, with what is between them */

static void
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


static void
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

    if (response == NULL) {
        return argo_legacy_no_response(st, root);
    }

    rc = argo_legacy_emit(st, ARGO_EVENT_START);
    if (rc != NGX_OK) {
        return rc;
    }

    switch (response->type) {

    case ARGO_JSON_STRING:
        rc = argo_legacy_emit_text(st, response);
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
    argo_json_t  *content, *calls, *call;

    content = argo_json_get(response, "content");
    calls = argo_json_get(response, "tool_calls");

    if (content == NULL && calls == NULL) {
        return argo_legacy_bad_reply(st, "\"response\" in ARGO's reply has "
                                         "neither content nor tool_calls");
    }

    if (content && content->type != ARGO_JSON_NULL) {

        if (content->type == ARGO_JSON_STRING) {
            rc = argo_legacy_emit_text(st, content);

        } else if (content->type == ARGO_JSON_ARRAY) {
            rc = argo_legacy_read_blocks(st, content);

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
argo_legacy_read_blocks(argo_stream_t *st, argo_json_t *list)
{
    ngx_int_t     rc;
    argo_json_t  *block, *type, *text;

    for (block = list->child; block; block = block->next) {

        type = argo_json_get(block, "type");
        rc = NGX_OK;

        if (argo_json_is(type, "text")) {
            text = argo_json_get(block, "text");

            if (text == NULL || text->type != ARGO_JSON_STRING) {
                return argo_legacy_bad_reply(st, "a text block in ARGO's "
                                                 "reply has no text");
            }

            rc = argo_legacy_emit_text(st, text);

        } else if (argo_json_is(type, "tool_use")) {
            rc = argo_legacy_read_call(st, block);

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


/*
 * A call in any vendor's form: OpenAI's {"id","function":{"name",
 * "arguments":"{}"}}, Anthropic's {"id","name","input":{}}, Google's
 * {"id":null,"name","args":{}}.
 */

static ngx_int_t
argo_legacy_read_call(argo_stream_t *st, argo_json_t *node)
{
    ngx_int_t      rc;
    argo_json_t   *function, *id, *name, *args;
    argo_event_t   ev;

    function = argo_json_get(node, "function");

    if (function == NULL) {
        function = node;
    }

    id = argo_json_get(node, "id");
    name = argo_json_get(function, "name");
    args = argo_json_get(function, "arguments");

    if (args == NULL) {
        args = argo_json_get(function, "input");
    }

    if (args == NULL) {
        args = argo_json_get(function, "args");
    }

    if (name == NULL || name->type != ARGO_JSON_STRING || name->raw.len <= 2
        || args == NULL
        || (args->type != ARGO_JSON_STRING && args->type != ARGO_JSON_OBJECT))
    {
        return argo_legacy_bad_reply(st, "a tool call in ARGO's reply has no "
                                         "name or no arguments");
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_TOOL_START;
    ev.index = st->tool_calls;
    ev.id = argo_json_inner(id);
    ev.name = argo_json_inner(name);

    rc = argo_stream_emit(st, &ev);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_TOOL_ARGS;
    ev.index = st->tool_calls - 1;

    if (args->type == ARGO_JSON_STRING) {
        ev.text = argo_json_inner(args);
        ev.escaped = 1;

    } else {
        ev.text = args->raw;
    }

    return ev.text.len ? argo_stream_emit(st, &ev) : NGX_OK;
}


static ngx_int_t
argo_legacy_no_response(argo_stream_t *st, argo_json_t *root)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    rc = argo_legacy_error_text(st->pool, root, &text);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        return argo_legacy_bad_reply(st, "ARGO's reply has no \"response\"");
    }

    rc = argo_error_setf(st->pool, &st->error, 502, "upstream_invalid_reply",
                         NULL, "zV", "ARGO answered 200 with an error: ",
                         &text);

    return (rc == NGX_DECLINED) ? argo_stream_reject(st) : rc;
}


static ngx_int_t
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


static ngx_int_t
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


static ngx_int_t
argo_legacy_read_error(ngx_pool_t *pool, ngx_uint_t status,
    const ngx_str_t *body, argo_error_t *err)
{
    ngx_int_t      rc;
    ngx_str_t      text, code, param;
    argo_json_t   *root, *error;
    argo_error_t   ignored;

    ngx_str_null(&text);
    ngx_str_null(&code);
    ngx_str_null(&param);

    rc = argo_json_parse(pool, body, ARGO_LEGACY_ERROR_DEPTH, &root,
                         &ignored);

    if (rc == NGX_OK) {
        rc = argo_legacy_error_text(pool, root, &text);

        if (rc != NGX_ERROR) {
            error = argo_json_get(root, "error");

            if (argo_legacy_error_member(pool, error, "code", &code)
                != NGX_OK
                || argo_legacy_error_member(pool, error, "param", &param)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (text.len) {
        rc = argo_error_setf(pool, err, status, NULL, NULL, "V", &text);

    } else {
        rc = argo_error_setf(pool, err, status, NULL, NULL, "ziz",
                             "ARGO answered ", (ngx_int_t) status,
                             argo_legacy_is_html(body)
                             ? " with an HTML page"
                             : " with no usable message");
    }

    if (rc != NGX_DECLINED) {
        return NGX_ERROR;
    }

    if (!argo_legacy_keep_status(status)) {
        err->status = 502;
        err->type = argo_error_type(502);
        ngx_str_set(&err->code, "upstream_invalid_reply");

        return NGX_OK;
    }

    err->code = code;
    err->param = param;

    if (status == 429 && code.data == NULL) {
        ngx_str_set(&err->code, "rate_limit_exceeded");
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

    if (text->len == 0) {
        return NGX_DECLINED;
    }

    if (text->len > ARGO_LEGACY_MAX_MESSAGE) {
        text->len = argo_utf8_whole(text->data, ARGO_LEGACY_MAX_MESSAGE);
    }

    return NGX_OK;
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

        if (out.size > ARGO_LEGACY_MAX_MESSAGE) {
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


/* Statuses whose meaning for the client is the same as for us. */

static ngx_uint_t
argo_legacy_keep_status(ngx_uint_t status)
{
    switch (status) {

    case 400:
    case 401:
    case 403:
    case 404:
    case 408:
    case 413:
    case 422:
    case 429:
        return 1;
    }

    return status >= 500 && status <= 599;
}
