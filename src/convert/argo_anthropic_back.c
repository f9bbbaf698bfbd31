
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * ARGO's native messages, the API that it has for Claude: its replies.  A
 * call is always streamed upstream, so that no answer is too long for it.
 * Knows JSON and argo_ir.h, nothing of HTTP and nothing of what the client
 * speaks, but that the reply is handed on as it came if that is the same.
 */


#include "argo_anthropic_back.h"
#include "argo_json_write.h"
#include "argo_legacy.h"
#include "argo_tool.h"


/* event, message, usage, cache_creation, its members */
#define ARGO_ANTHROPIC_EVENT_DEPTH  4

/* event, delta, its members */
#define ARGO_ANTHROPIC_DELTA_DEPTH  2

/* reply, content, block, its members */
#define ARGO_ANTHROPIC_REPLY_DEPTH  3

/* of the input of a custom tool */
#define ARGO_ANTHROPIC_BLOCK        1024

#define ARGO_ANTHROPIC_DENIED_ID    "msg_blocked_"


/* what the block that is open is, as far as it matters here */

typedef enum {
    ARGO_ANTHROPIC_CLOSED = 0,
    ARGO_ANTHROPIC_TEXT,
    ARGO_ANTHROPIC_TOOL,
    ARGO_ANTHROPIC_CUSTOM,          /* a tool that takes free text */
    ARGO_ANTHROPIC_FORMAT,          /* the tool that answers by a schema */
    ARGO_ANTHROPIC_THINKING,
    ARGO_ANTHROPIC_OTHER            /* nothing that other dialects know */
} argo_anthropic_block_e;


typedef struct {
    argo_usage_t              usage;
    argo_anthropic_block_e    block;
    int64_t                   index;        /* of the block */
    ngx_str_t                 signature;    /* of its thinking; kept */
    argo_out_t                input;        /* of a custom tool; escaped */
    ngx_uint_t                ncalls;
    argo_finish_e             finish;
    ngx_str_t                 sequence;     /* that it stopped at; kept */
    argo_anthropic_fold_t    *fold;
    void                     *other;        /* state of the other back */
    unsigned                  delegated:1;  /* the reply is a chat's */
    unsigned                  empty:1;      /* a call without arguments yet */
} argo_anthropic_reply_t;


typedef ngx_int_t (*argo_anthropic_event_pt)(argo_stream_t *st,
    argo_json_t *root);

typedef struct {
    const char               *type;
    size_t                    len;
    argo_anthropic_event_pt   read;
} argo_anthropic_event_t;


static ngx_int_t argo_anthropic_start_reply(argo_stream_t *st);
static ngx_int_t argo_anthropic_read_event(argo_stream_t *st,
    const argo_sse_event_t *frame);
static ngx_int_t argo_anthropic_handle(argo_stream_t *st, argo_json_t *root,
    const argo_sse_event_t *frame);
static ngx_int_t argo_anthropic_delegate(argo_stream_t *st,
    const argo_sse_event_t *frame);
static ngx_int_t argo_anthropic_forward(argo_stream_t *st, argo_json_t *root,
    const argo_sse_event_t *frame);
static ngx_int_t argo_anthropic_forward_named(argo_stream_t *st,
    argo_json_t *root, const argo_sse_event_t *frame);
static ngx_int_t argo_anthropic_read_failure(argo_stream_t *st,
    argo_json_t *root, const ngx_str_t *body);

static ngx_int_t argo_anthropic_on_start(argo_stream_t *st,
    argo_json_t *root);
static ngx_int_t argo_anthropic_on_block(argo_stream_t *st,
    argo_json_t *root);
static ngx_int_t argo_anthropic_on_delta(argo_stream_t *st,
    argo_json_t *root);
static ngx_int_t argo_anthropic_on_stop(argo_stream_t *st,
    argo_json_t *root);
static ngx_int_t argo_anthropic_on_end(argo_stream_t *st, argo_json_t *root);
static ngx_int_t argo_anthropic_on_message_stop(argo_stream_t *st,
    argo_json_t *root);
static ngx_int_t argo_anthropic_order(argo_stream_t *st);

static ngx_int_t argo_anthropic_begin(argo_stream_t *st,
    argo_json_t *message);
static ngx_int_t argo_anthropic_open(argo_stream_t *st, argo_json_t *block);
static ngx_int_t argo_anthropic_open_tool(argo_stream_t *st,
    argo_json_t *block);
static ngx_int_t argo_anthropic_input(argo_stream_t *st,
    const ngx_str_t *text, ngx_uint_t escaped);
static ngx_int_t argo_anthropic_close(argo_stream_t *st);
static ngx_int_t argo_anthropic_close_custom(argo_stream_t *st);
static ngx_int_t argo_anthropic_emit_sign(argo_stream_t *st,
    const ngx_str_t *signature, ngx_uint_t redacted);
static ngx_int_t argo_anthropic_sign(argo_stream_t *st, argo_json_t *node);
static ngx_int_t argo_anthropic_say(argo_stream_t *st, argo_event_e type,
    const ngx_str_t *text, ngx_uint_t escaped);
static ngx_int_t argo_anthropic_string(argo_stream_t *st, argo_event_e type,
    const argo_json_t *node);
static ngx_int_t argo_anthropic_reason(argo_stream_t *st,
    const argo_json_t *delta);
static ngx_int_t argo_anthropic_emit_usage(argo_stream_t *st,
    const argo_json_t *usage);
static ngx_int_t argo_anthropic_finish_reply(argo_stream_t *st);

static ngx_int_t argo_anthropic_read_response(argo_stream_t *st,
    const ngx_str_t *body);
static ngx_int_t argo_anthropic_read_message(argo_stream_t *st,
    argo_json_t *root, argo_json_t *content);
static ngx_int_t argo_anthropic_respond(argo_stream_t *st, argo_json_t *root,
    const ngx_str_t *body);
static ngx_int_t argo_anthropic_read_end(argo_stream_t *st);
static ngx_int_t argo_anthropic_edit_model(argo_stream_t *st,
    argo_patch_t *patch, ngx_pool_t *pool, const ngx_str_t *document,
    const argo_json_t *message);


const argo_back_t  argo_anthropic_back = {
    ngx_string("anthropic"),
    ARGO_DIALECT_MESSAGES,
    argo_anthropic_plan_call,
    argo_anthropic_write_request,
    argo_anthropic_start_reply,
    argo_anthropic_read_response,
    NULL,
    argo_anthropic_read_event,
    argo_anthropic_read_end,
    argo_legacy_read_error
};


#define ARGO_ANTHROPIC_EVENT(type, read)                                      \
    { type, sizeof(type) - 1, read }

/* the most frequent first */

static const argo_anthropic_event_t  argo_anthropic_events[] = {
    ARGO_ANTHROPIC_EVENT("content_block_delta", argo_anthropic_on_delta),
    ARGO_ANTHROPIC_EVENT("content_block_start", argo_anthropic_on_block),
    ARGO_ANTHROPIC_EVENT("content_block_stop", argo_anthropic_on_stop),
    ARGO_ANTHROPIC_EVENT("message_start", argo_anthropic_on_start),
    ARGO_ANTHROPIC_EVENT("message_delta", argo_anthropic_on_end),
    ARGO_ANTHROPIC_EVENT("message_stop", argo_anthropic_on_message_stop)
};


#define ARGO_ANTHROPIC_NEVENTS                                                \
    (sizeof(argo_anthropic_events) / sizeof(argo_anthropic_events[0]))


static ngx_int_t
argo_anthropic_start_reply(argo_stream_t *st)
{
    argo_anthropic_reply_t  *reply;

    reply = ngx_pcalloc(st->pool, sizeof(argo_anthropic_reply_t));
    if (reply == NULL) {
        return NGX_ERROR;
    }

    st->back_state = reply;

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_read_event(argo_stream_t *st, const argo_sse_event_t *frame)
{
    ngx_int_t                rc;
    argo_json_t             *root;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;

    if (reply->delegated) {
        return argo_anthropic_delegate(st, frame);
    }

    if (argo_str_is(&frame->data, "[DONE]")) {
        /* another API's end, which says nothing here */
        return NGX_OK;
    }

    rc = argo_stream_parse(st, &frame->data,
                           argo_str_is(&frame->name, "content_block_delta")
                           ? ARGO_ANTHROPIC_DELTA_DEPTH
                           : ARGO_ANTHROPIC_EVENT_DEPTH, &root);

    if (rc == NGX_DECLINED) {
        return argo_legacy_bad_reply(st, "an event of ARGO's reply is not "
                                         "valid JSON");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    return argo_anthropic_handle(st, root, frame);
}


static ngx_int_t
argo_anthropic_handle(argo_stream_t *st, argo_json_t *root,
    const argo_sse_event_t *frame)
{
    ngx_int_t                      rc;
    ngx_str_t                      name;
    ngx_uint_t                     i;
    argo_json_t                   *type, *error;
    const argo_anthropic_event_t  *event;

    type = argo_json_get(root, "type");

    if (type && type->type == ARGO_JSON_STRING) {
        name = argo_json_inner(type);

    } else {
        name = frame->name;
    }

    for (i = 0; i < ARGO_ANTHROPIC_NEVENTS; i++) {
        event = &argo_anthropic_events[i];

        if (name.len == event->len
            && ngx_memcmp(name.data, event->type, event->len) == 0)
        {
            rc = event->read(st, root);
            goto done;
        }
    }

    error = argo_json_get(root, "error");

    if (argo_str_is(&name, "error")
        || (error && error->type != ARGO_JSON_NULL))
    {
        return argo_anthropic_read_failure(st, root, &frame->data);
    }

    if (type == NULL && argo_json_get(root, "choices")) {
        return argo_anthropic_delegate(st, frame);
    }

    /* ping, and what is not known yet */

    rc = NGX_OK;

done:

    if (rc != NGX_OK || !st->splice || st->collect) {
        return rc;
    }

    return argo_anthropic_forward(st, root, frame);
}


/*
 * ARGO has answered in the form of chat completions, which it has been seen
 * to do on this path: the reply is read by those who know that form.
 */

static ngx_int_t
argo_anthropic_delegate(argo_stream_t *st, const argo_sse_event_t *frame)
{
    ngx_int_t                rc;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;

    if (!reply->delegated) {

        if (st->begun) {
            return argo_anthropic_order(st);
        }

        reply->delegated = 1;

        st->splice = 0;
        st->back_state = NULL;

        if (argo_openai_chat_back.start_reply
            && argo_openai_chat_back.start_reply(st) != NGX_OK)
        {
            st->back_state = reply;
            return NGX_ERROR;
        }

    } else {
        st->back_state = reply->other;
    }

    rc = argo_openai_chat_back.read_event(st, frame);

    reply->other = st->back_state;
    st->back_state = reply;

    return rc;
}


/* The client gets each event as it came: only the model's name is its own. */

static ngx_int_t
argo_anthropic_forward(argo_stream_t *st, argo_json_t *root,
    const argo_sse_event_t *frame)
{
    ngx_int_t      rc;
    argo_json_t   *message;
    argo_patch_t   patch;

    message = argo_json_is(argo_json_get(root, "type"), "message_start")
              ? argo_json_get(root, "message") : NULL;

    if (message) {
        rc = argo_anthropic_edit_model(st, &patch, st->scratch, &frame->data,
                                       message);
        if (rc != NGX_OK) {
            return rc;
        }

        return argo_stream_forward(st, frame, &patch);
    }

    if (frame->name.len == 0) {
        return argo_anthropic_forward_named(st, root, frame);
    }

    return argo_stream_forward(st, frame, NULL);
}


/* Anthropic's clients pass over events that have no name. */

static ngx_int_t
argo_anthropic_forward_named(argo_stream_t *st, argo_json_t *root,
    const argo_sse_event_t *frame)
{
    argo_out_t         out;
    argo_json_t       *type;
    argo_sse_event_t   named;

    type = argo_json_get(root, "type");

    if (type == NULL || type->type != ARGO_JSON_STRING) {
        return argo_stream_forward(st, frame, NULL);
    }

    argo_out_init(&out, st->scratch, frame->raw.len + 64, NULL, 1);

    named = *frame;
    named.name = argo_json_inner(type);

    argo_out_lit(&out, "event: ");
    argo_out_str(&out, &named.name);
    argo_out_lit(&out, "\n");
    argo_out_str(&out, &frame->raw);

    if (argo_out_flatten(&out, st->scratch, &named.raw) != NGX_OK) {
        return NGX_ERROR;
    }

    named.inside = 0;

    return argo_stream_forward(st, &named, NULL);
}


static ngx_int_t
argo_anthropic_edit_model(argo_stream_t *st, argo_patch_t *patch,
    ngx_pool_t *pool, const ngx_str_t *document, const argo_json_t *message)
{
    argo_out_t          out;
    argo_member_edit_t  member;

    argo_out_init(&out, pool, st->request->model.len + 16, NULL, 1);
    argo_json_write_string(&out, &st->request->model);

    ngx_str_set(&member.name, "model");

    if (argo_out_flatten(&out, pool, &member.value) != NGX_OK) {
        return NGX_ERROR;
    }

    argo_patch_init(patch, pool, document);

    return argo_patch_members(patch, message, &member, 1);
}


/* A failure inside a success. */

static ngx_int_t
argo_anthropic_read_failure(argo_stream_t *st, argo_json_t *root,
    const ngx_str_t *body)
{
    ngx_str_t     copy;
    ngx_uint_t    status;
    argo_json_t  *error;

    error = argo_json_get(root, "error");

    /* Anthropic's own status for it, which clients wait upon */

    status = argo_json_is(argo_json_get(error, "type"), "overloaded_error")
             ? 529 : 200;

    copy.len = body->len;
    copy.data = ngx_pnalloc(st->pool, copy.len);

    if (copy.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(copy.data, body->data, copy.len);

    if (argo_legacy_read_error(st->pool, status, &copy, &st->error)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return argo_stream_reject(st);
}


static ngx_int_t
argo_anthropic_order(argo_stream_t *st)
{
    return argo_legacy_bad_reply(st, "the events of ARGO's reply are not in "
                                     "their order");
}


static ngx_int_t
argo_anthropic_on_start(argo_stream_t *st, argo_json_t *root)
{
    ngx_int_t                rc;
    argo_json_t             *message;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;
    message = argo_json_get(root, "message");

    if (st->begun || message == NULL || message->type != ARGO_JSON_OBJECT) {
        return argo_anthropic_order(st);
    }

    rc = argo_anthropic_begin(st, message);

    if (rc != NGX_OK || !st->splice || !st->collect) {
        return rc;
    }

    reply->fold = argo_anthropic_fold_create(st, message);

    return reply->fold ? NGX_OK : NGX_ERROR;
}


/* What a message tells before its content. */

static ngx_int_t
argo_anthropic_begin(argo_stream_t *st, argo_json_t *message)
{
    size_t        len;
    ngx_int_t     rc;
    ngx_str_t     id;
    argo_event_t  ev;

    id = argo_json_inner(argo_json_get(message, "id"));
    len = sizeof(ARGO_ANTHROPIC_DENIED_ID) - 1;

    if (id.len >= len
        && ngx_memcmp(id.data, ARGO_ANTHROPIC_DENIED_ID, len) == 0)
    {
        argo_error_set(&st->error, 403, "argo_access_denied", NULL,
                       "ARGO denied access: it does not know the user name "
                       "of this request as an authorized user of its API");
        return argo_stream_reject(st);
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_START;

    rc = argo_stream_emit(st, &ev);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_anthropic_emit_usage(st, argo_json_get(message, "usage"));
}


static ngx_int_t
argo_anthropic_emit_usage(argo_stream_t *st, const argo_json_t *usage)
{
    argo_event_t             ev;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;

    if (!argo_anthropic_read_usage(usage, &reply->usage)) {
        return NGX_OK;
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_USAGE;
    ev.usage = reply->usage;

    return argo_stream_emit(st, &ev);
}


static ngx_int_t
argo_anthropic_on_block(argo_stream_t *st, argo_json_t *root)
{
    ngx_int_t                rc;
    argo_json_t             *block;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;
    block = argo_json_get(root, "content_block");

    if (!st->begun || st->ending || reply->block != ARGO_ANTHROPIC_CLOSED
        || block == NULL || block->type != ARGO_JSON_OBJECT
        || argo_json_int(argo_json_get(root, "index"), &reply->index)
           != NGX_OK)
    {
        return argo_anthropic_order(st);
    }

    rc = argo_anthropic_open(st, block);

    if (rc != NGX_OK || reply->fold == NULL) {
        return rc;
    }

    return argo_anthropic_fold_block(reply->fold, block);
}


/* A block, with what it begins with: in a stream that is seldom anything. */

static ngx_int_t
argo_anthropic_open(argo_stream_t *st, argo_json_t *block)
{
    ngx_int_t                rc;
    argo_json_t             *type, *node;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;
    type = argo_json_get(block, "type");

    ngx_str_null(&reply->signature);

    if (argo_json_is(type, "text")) {
        reply->block = ARGO_ANTHROPIC_TEXT;

        return argo_anthropic_string(st, ARGO_EVENT_TEXT,
                                     argo_json_get(block, "text"));
    }

    if (argo_json_is(type, "tool_use")) {
        return argo_anthropic_open_tool(st, block);
    }

    if (argo_json_is(type, "thinking")) {
        reply->block = ARGO_ANTHROPIC_THINKING;

        rc = argo_anthropic_string(st, ARGO_EVENT_REASONING,
                                   argo_json_get(block, "thinking"));
        if (rc != NGX_OK) {
            return rc;
        }

        return argo_anthropic_sign(st, argo_json_get(block, "signature"));
    }

    reply->block = ARGO_ANTHROPIC_OTHER;

    if (argo_json_is(type, "redacted_thinking")) {

        node = argo_json_get(block, "data");

        if (node && node->type == ARGO_JSON_STRING) {
            reply->signature = argo_json_inner(node);

            return argo_anthropic_emit_sign(st, &reply->signature, 1);
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_open_tool(argo_stream_t *st, argo_json_t *block)
{
    ngx_int_t                rc;
    argo_json_t             *name, *input;
    argo_event_t             ev;
    const argo_tool_t       *tool;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;
    name = argo_json_get(block, "name");
    input = argo_json_get(block, "input");

    if (name == NULL || name->type != ARGO_JSON_STRING || name->raw.len <= 2)
    {
        return argo_legacy_bad_reply(st, "a tool call in ARGO's reply has no "
                                         "name");
    }

    reply->empty = 1;

    if (argo_json_is(name, ARGO_ANTHROPIC_ANSWER)
        && argo_anthropic_answers_by_tool(st->request))
    {
        reply->block = ARGO_ANTHROPIC_FORMAT;

    } else {
        ngx_memzero(&ev, sizeof(argo_event_t));

        ev.type = ARGO_EVENT_TOOL_START;
        ev.index = st->tool_calls;
        ev.id = argo_json_inner(argo_json_get(block, "id"));
        ev.name = argo_json_inner(name);

        tool = argo_tool_find(st->request, &ev.name);

        ev.custom = (tool && tool->custom) ? 1 : 0;

        reply->block = ev.custom ? ARGO_ANTHROPIC_CUSTOM
                                 : ARGO_ANTHROPIC_TOOL;
        reply->ncalls++;

        if (ev.custom) {
            argo_out_init(&reply->input, st->pool, ARGO_ANTHROPIC_BLOCK,
                          NULL, 1);
        }

        rc = argo_stream_emit(st, &ev);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (input == NULL || input->type != ARGO_JSON_OBJECT
        || input->count == 0)
    {
        return NGX_OK;
    }

    return argo_anthropic_input(st, &input->raw, 0);
}


/* A piece of a call's input, which is JSON. */

static ngx_int_t
argo_anthropic_input(argo_stream_t *st, const ngx_str_t *text,
    ngx_uint_t escaped)
{
    argo_event_t             ev;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;

    if (text->len == 0) {
        return NGX_OK;
    }

    reply->empty = 0;

    switch (reply->block) {

    case ARGO_ANTHROPIC_TOOL:
        ngx_memzero(&ev, sizeof(argo_event_t));

        ev.type = ARGO_EVENT_TOOL_ARGS;
        ev.index = st->tool_calls - 1;
        ev.text = *text;
        ev.escaped = escaped ? 1 : 0;

        return argo_stream_emit(st, &ev);

    case ARGO_ANTHROPIC_FORMAT:
        return argo_anthropic_say(st, ARGO_EVENT_TEXT, text, escaped);

    case ARGO_ANTHROPIC_CUSTOM:

        if (reply->input.size + text->len > ARGO_STREAM_MAX_TEXT) {
            return argo_legacy_bad_reply(st, "ARGO's reply is too long");
        }

        if (escaped) {
            argo_out_str(&reply->input, text);

        } else {
            argo_json_write_text(&reply->input, text->data, text->len);
        }

        return reply->input.failed ? NGX_ERROR : NGX_OK;

    default:
        return NGX_OK;
    }
}


static ngx_int_t
argo_anthropic_on_delta(argo_stream_t *st, argo_json_t *root)
{
    int64_t                  index;
    ngx_int_t                rc;
    ngx_str_t                text;
    argo_json_t             *delta, *type;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;
    delta = argo_json_get(root, "delta");

    if (reply->block == ARGO_ANTHROPIC_CLOSED
        || delta == NULL || delta->type != ARGO_JSON_OBJECT
        || argo_json_int(argo_json_get(root, "index"), &index) != NGX_OK
        || index != reply->index)
    {
        return argo_anthropic_order(st);
    }

    type = argo_json_get(delta, "type");
    rc = NGX_OK;

    if (argo_json_is(type, "text_delta")) {

        if (reply->block == ARGO_ANTHROPIC_TEXT) {
            rc = argo_anthropic_string(st, ARGO_EVENT_TEXT,
                                       argo_json_get(delta, "text"));
        }

    } else if (argo_json_is(type, "input_json_delta")) {
        text = argo_json_inner(argo_json_get(delta, "partial_json"));
        rc = argo_anthropic_input(st, &text, 1);

    } else if (reply->block != ARGO_ANTHROPIC_THINKING) {
        /* citations, and what belongs to blocks that are passed over */

    } else if (argo_json_is(type, "thinking_delta")) {
        rc = argo_anthropic_string(st, ARGO_EVENT_REASONING,
                                   argo_json_get(delta, "thinking"));

    } else if (argo_json_is(type, "signature_delta")) {
        rc = argo_anthropic_sign(st, argo_json_get(delta, "signature"));
    }

    if (rc != NGX_OK || reply->fold == NULL) {
        return rc;
    }

    rc = argo_anthropic_fold_delta(reply->fold, delta);

    return (rc == NGX_DECLINED) ? argo_stream_reject(st) : rc;
}


/* It is told when the block ends: the last one counts. */

static ngx_int_t
argo_anthropic_sign(argo_stream_t *st, argo_json_t *node)
{
    ngx_str_t                text;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;
    text = argo_json_inner(node);

    if (text.len == 0) {
        return NGX_OK;
    }

    if (text.len > reply->signature.len) {
        return argo_stream_keep(st, &text, &reply->signature);
    }

    ngx_memcpy(reply->signature.data, text.data, text.len);
    reply->signature.len = text.len;

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_on_stop(argo_stream_t *st, argo_json_t *root)
{
    int64_t                  index;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;

    if (reply->block == ARGO_ANTHROPIC_CLOSED
        || argo_json_int(argo_json_get(root, "index"), &index) != NGX_OK
        || index != reply->index)
    {
        return argo_anthropic_order(st);
    }

    return argo_anthropic_close(st);
}


static ngx_int_t
argo_anthropic_close(argo_stream_t *st)
{
    ngx_str_t                none;
    argo_anthropic_block_e   block;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;
    block = reply->block;

    switch (block) {

    case ARGO_ANTHROPIC_CUSTOM:
        reply->block = ARGO_ANTHROPIC_CLOSED;
        return argo_anthropic_close_custom(st);

    case ARGO_ANTHROPIC_THINKING:
        reply->block = ARGO_ANTHROPIC_CLOSED;

        if (reply->signature.len) {
            return argo_anthropic_emit_sign(st, &reply->signature, 0);
        }

        return NGX_OK;

    case ARGO_ANTHROPIC_TOOL:
    case ARGO_ANTHROPIC_FORMAT:

        if (reply->empty) {
            /* no arguments are an empty object */
            ngx_str_set(&none, "{}");

            if (argo_anthropic_input(st, &none, 1) != NGX_OK) {
                return st->failed ? NGX_DECLINED : NGX_ERROR;
            }
        }

        break;

    default:
        break;
    }

    reply->block = ARGO_ANTHROPIC_CLOSED;

    return NGX_OK;
}


/* For upstream it was a function of one string. */

static ngx_int_t
argo_anthropic_close_custom(argo_stream_t *st)
{
    u_char                  *p;
    ngx_int_t                rc;
    ngx_str_t                escaped, text;
    argo_json_t             *root, *input;
    argo_event_t             ev;
    argo_error_t             ignored;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;

    if (reply->empty) {
        return NGX_OK;
    }

    if (argo_out_flatten(&reply->input, st->pool, &escaped) != NGX_OK) {
        return NGX_ERROR;
    }

    text.data = ngx_pnalloc(st->pool, escaped.len);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    p = escaped.data;
    text.len = argo_json_unescape(&p, p + escaped.len, text.data,
                                  escaped.len);

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_TOOL_ARGS;
    ev.index = st->tool_calls - 1;
    ev.escaped = 1;

    rc = argo_json_parse(st->pool, &text, 1, &root, &ignored);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    input = (rc == NGX_OK) ? argo_json_get(root, "input") : NULL;

    /* what has another form is handed on: the client's tool shall judge */

    ev.text = (input && input->type == ARGO_JSON_STRING)
              ? argo_json_inner(input) : escaped;

    return ev.text.len ? argo_stream_emit(st, &ev) : NGX_OK;
}


static ngx_int_t
argo_anthropic_on_end(argo_stream_t *st, argo_json_t *root)
{
    ngx_int_t                rc;
    argo_json_t             *delta, *usage;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;
    delta = argo_json_get(root, "delta");
    usage = argo_json_get(root, "usage");

    if (!st->begun || reply->block != ARGO_ANTHROPIC_CLOSED) {
        return argo_anthropic_order(st);
    }

    rc = argo_anthropic_emit_usage(st, usage);

    if (rc == NGX_OK) {
        rc = argo_anthropic_reason(st, delta);
    }

    if (rc != NGX_OK || reply->fold == NULL) {
        return rc;
    }

    rc = argo_anthropic_fold_end(reply->fold, delta, usage);

    return (rc == NGX_DECLINED) ? argo_stream_reject(st) : rc;
}


/* Why the reply has ended, if that is told here. */

static ngx_int_t
argo_anthropic_reason(argo_stream_t *st, const argo_json_t *delta)
{
    ngx_str_t                text;
    argo_finish_e            finish;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;
    finish = argo_anthropic_finish(argo_json_get(delta, "stop_reason"));

    if (finish == ARGO_FINISH_NONE || st->ending) {
        return NGX_OK;
    }

    /* the call of the tool that answers by a schema is none to the client */

    if (finish == ARGO_FINISH_TOOL_CALLS && reply->ncalls == 0) {
        finish = ARGO_FINISH_STOP;

    } else if (finish == ARGO_FINISH_STOP && reply->ncalls) {
        finish = ARGO_FINISH_TOOL_CALLS;
    }

    reply->finish = finish;
    st->ending = 1;

    if (finish != ARGO_FINISH_STOP_SEQUENCE) {
        return NGX_OK;
    }

    text = argo_json_inner(argo_json_get(delta, "stop_sequence"));

    return argo_stream_keep(st, &text, &reply->sequence);
}


static ngx_int_t
argo_anthropic_on_message_stop(argo_stream_t *st, argo_json_t *root)
{
    (void) root;

    if (!st->begun) {
        return argo_anthropic_order(st);
    }

    if (!st->ending) {
        argo_error_set(&st->error, 502, "upstream_incomplete", NULL,
                       "ARGO's reply ended before it was complete");
        return argo_stream_reject(st);
    }

    return argo_anthropic_finish_reply(st);
}


static ngx_int_t
argo_anthropic_finish_reply(argo_stream_t *st)
{
    ngx_int_t                rc;
    argo_event_t             ev;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;

    if (reply->fold) {
        /* not yet: it can fail, and then nothing must have been written */

        argo_out_init(&reply->input, st->pool, ARGO_ANTHROPIC_BLOCK, NULL, 0);

        rc = argo_anthropic_fold_write(reply->fold, &reply->input);

        if (rc != NGX_OK) {
            return (rc == NGX_DECLINED) ? argo_stream_reject(st) : rc;
        }
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_FINISH;
    ev.finish = reply->finish;
    ev.text = reply->sequence;
    ev.escaped = 1;

    rc = argo_stream_emit(st, &ev);

    if (rc != NGX_OK || reply->fold == NULL) {
        return rc;
    }

    st->started = 1;

    argo_out_share(st->out, &reply->input);

    return st->out->failed ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
argo_anthropic_read_end(argo_stream_t *st)
{
    ngx_int_t                rc;
    argo_sse_event_t         frame;
    argo_anthropic_reply_t  *reply;

    reply = st->back_state;

    if (reply->delegated) {
        st->back_state = reply->other;
        rc = argo_openai_chat_back.read_end(st);
        st->back_state = reply;

        return rc;
    }

    if (!st->begun || !st->ending) {
        return NGX_OK;
    }

    rc = argo_anthropic_finish_reply(st);

    if (rc != NGX_OK || !st->splice || st->collect) {
        return rc;
    }

    /* the transfer ended after all was said but this */

    ngx_memzero(&frame, sizeof(argo_sse_event_t));

    ngx_str_set(&frame.raw, "event: message_stop\n"
                            "data: {\"type\":\"message_stop\"}\n");

    return argo_stream_forward(st, &frame, NULL);
}


static ngx_int_t
argo_anthropic_read_response(argo_stream_t *st, const ngx_str_t *body)
{
    ngx_int_t      rc;
    argo_json_t   *root, *content, *error;
    argo_error_t   ignored;

    rc = argo_json_parse(st->pool, body, ARGO_ANTHROPIC_REPLY_DEPTH, &root,
                         &ignored);

    if (rc == NGX_DECLINED) {
        return argo_legacy_bad_reply(st, "ARGO's reply is not valid JSON");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    content = argo_json_get(root, "content");

    if (content && content->type == ARGO_JSON_ARRAY) {
        return argo_anthropic_read_message(st, root, content);
    }

    error = argo_json_get(root, "error");

    if (argo_json_is(argo_json_get(root, "type"), "error")
        || (error && error->type != ARGO_JSON_NULL))
    {
        return argo_anthropic_read_failure(st, root, body);
    }

    if (argo_json_get(root, "choices")) {
        st->splice = 0;
        st->back_state = NULL;

        if (argo_openai_chat_back.start_reply
            && argo_openai_chat_back.start_reply(st) != NGX_OK)
        {
            return NGX_ERROR;
        }

        return argo_openai_chat_back.read_response(st, body);
    }

    if (argo_legacy_explain(st->pool, root, body, &st->error) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_stream_reject(st);
}


static ngx_int_t
argo_anthropic_read_message(argo_stream_t *st, argo_json_t *root,
    argo_json_t *content)
{
    ngx_int_t     rc;
    argo_json_t  *block;

    rc = argo_anthropic_begin(st, root);

    for (block = content->child; block && rc == NGX_OK; block = block->next) {

        if (block->type != ARGO_JSON_OBJECT) {
            return argo_legacy_bad_reply(st, "a content block in ARGO's "
                                             "reply is not an object");
        }

        rc = argo_anthropic_open(st, block);

        if (rc == NGX_OK) {
            rc = argo_anthropic_close(st);
        }
    }

    if (rc == NGX_OK) {
        rc = argo_anthropic_reason(st, root);
    }

    if (rc != NGX_OK || !st->ending) {
        return rc;
    }

    rc = argo_anthropic_finish_reply(st);

    if (rc != NGX_OK || !st->splice) {
        return rc;
    }

    return argo_anthropic_respond(st, root, &st->body);
}


static ngx_int_t
argo_anthropic_respond(argo_stream_t *st, argo_json_t *root,
    const ngx_str_t *body)
{
    argo_patch_t  patch;

    if (argo_anthropic_edit_model(st, &patch, st->pool, body, root)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    st->started = 1;

    argo_patch_write(&patch, st->out);

    return st->out->failed ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
argo_anthropic_emit_sign(argo_stream_t *st, const ngx_str_t *signature,
    ngx_uint_t redacted)
{
    argo_event_t  ev;

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_SIGNATURE;
    ev.vendor = ARGO_FAMILY_ANTHROPIC;
    ev.text = *signature;
    ev.escaped = 1;
    ev.redacted = redacted ? 1 : 0;

    return argo_stream_emit(st, &ev);
}


static ngx_int_t
argo_anthropic_string(argo_stream_t *st, argo_event_e type,
    const argo_json_t *node)
{
    ngx_str_t  text;

    text = argo_json_inner(node);

    return argo_anthropic_say(st, type, &text, 1);
}


static ngx_int_t
argo_anthropic_say(argo_stream_t *st, argo_event_e type,
    const ngx_str_t *text, ngx_uint_t escaped)
{
    argo_event_t  ev;

    if (text->len == 0) {
        return NGX_OK;
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = type;
    ev.text = *text;
    ev.escaped = escaped ? 1 : 0;

    return argo_stream_emit(st, &ev);
}
