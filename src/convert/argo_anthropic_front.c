
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Anthropic's Messages, what a client gets: a message of content blocks, at
 * once or as events; and errors.  Blocks begin with the first thing in them,
 * so that their indexes have no gaps.  Knows argo_ir.h, nothing of HTTP and
 * nothing of what upstream speaks.
 */


#include "argo_anthropic.h"
#include "argo_anthropic_front.h"
#include "argo_json_write.h"
#include "argo_openai.h"


/* of what is kept; a usual reply fits in one */
#define ARGO_ANTHROPIC_BLOCK  4096


typedef enum {
    ARGO_ANTHROPIC_TEXT = 0,
    ARGO_ANTHROPIC_THOUGHT,
    ARGO_ANTHROPIC_REDACTED,
    ARGO_ANTHROPIC_CALL
} argo_anthropic_block_e;


typedef struct argo_anthropic_block_s  argo_anthropic_block_t;

struct argo_anthropic_block_s {
    argo_anthropic_block_e     type;
    ngx_uint_t                 call;        /* which of the calls it is */
    ngx_str_t                  id;          /* of the call; escaped */
    ngx_str_t                  name;        /* of the tool; escaped */
    ngx_str_t                  signature;   /* or redacted data; escaped */
    const char                *prefix;      /* of the data */
    argo_out_t                 text;        /* a call's arguments; escaped */
    ngx_str_t                  input;       /* they, as JSON */
    argo_anthropic_block_t    *next;
};


/* st->state */

typedef struct {
    argo_anthropic_block_t    *blocks;      /* of a unary reply */
    argo_anthropic_block_t    *last;
    size_t                     size;        /* of all texts */

    /* how far a stream is */
    ngx_uint_t                 index;       /* of the block, or the next */
    argo_anthropic_block_e     type;        /* of the block that is open */
    unsigned                   open:1;

    unsigned                   closed:1;    /* the next text begins a block */
    unsigned                   refused:1;
} argo_anthropic_state_t;


typedef struct {
    argo_error_e          type;
    const char           *name;
} argo_anthropic_error_t;


static ngx_int_t argo_anthropic_start_stream(argo_stream_t *st);

static ngx_int_t argo_anthropic_collect_event(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_anthropic_collect_text(argo_stream_t *st,
    const argo_event_t *ev, argo_anthropic_block_e type);
static ngx_int_t argo_anthropic_collect_signature(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_anthropic_collect_call(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_anthropic_append(argo_stream_t *st,
    const argo_event_t *ev);
static argo_anthropic_block_t *argo_anthropic_add_block(argo_stream_t *st,
    argo_anthropic_block_e type);
static ngx_int_t argo_anthropic_collect_finish(argo_stream_t *st);
static ngx_int_t argo_anthropic_read_input(argo_stream_t *st,
    argo_anthropic_block_t *block);
static ngx_int_t argo_anthropic_bad_input(argo_stream_t *st);

static void argo_anthropic_write_event(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_anthropic_write_start(argo_stream_t *st, argo_out_t *out);
static void argo_anthropic_open(argo_stream_t *st,
    argo_anthropic_block_e type, argo_out_t *out);
static void argo_anthropic_close(argo_stream_t *st, argo_out_t *out);
static void argo_anthropic_write_delta(argo_stream_t *st, const char *type,
    const char *member, const argo_event_t *ev, argo_out_t *out);
static void argo_anthropic_write_thought(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_anthropic_write_signature(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_anthropic_write_redacted(argo_stream_t *st,
    const char *prefix, const ngx_str_t *data, argo_out_t *out);
static void argo_anthropic_write_call(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_anthropic_write_finish(argo_stream_t *st, argo_out_t *out);
static void argo_anthropic_begin(const char *name, argo_out_t *out);
static void argo_anthropic_begin_block(argo_stream_t *st, const char *name,
    argo_out_t *out);

static void argo_anthropic_write_response(argo_stream_t *st,
    argo_out_t *out);
static void argo_anthropic_write_head(argo_stream_t *st, argo_out_t *out);
static void argo_anthropic_write_block(argo_stream_t *st,
    const argo_anthropic_block_t *block, argo_out_t *out);
static void argo_anthropic_write_outcome(argo_stream_t *st, argo_out_t *out);
static const char *argo_anthropic_outcome(argo_stream_t *st);
static void argo_anthropic_write_call_id(const argo_stream_t *st,
    const ngx_str_t *id, ngx_uint_t index, argo_out_t *out);
static ngx_uint_t argo_anthropic_wants_thoughts(const argo_stream_t *st);
static ngx_uint_t argo_anthropic_wants_signature(const argo_stream_t *st,
    const argo_event_t *ev);

static void argo_anthropic_write_error(const argo_error_t *err,
    argo_out_t *out);
static const char *argo_anthropic_error_type(const argo_error_t *err);


const argo_front_t  argo_anthropic_front = {
    ngx_string("anthropic"),
    ARGO_DIALECT_MESSAGES,
    ngx_string("text/event-stream; charset=utf-8"),
    ngx_string("event: ping\ndata: {\"type\":\"ping\"}\n\n"),
    ARGO_ANTHROPIC_TREE_DEPTH,
    argo_anthropic_read_request,
    argo_anthropic_start_stream,
    argo_anthropic_write_event,
    argo_anthropic_write_response,
    argo_anthropic_write_error,
    argo_anthropic_collect_event,
    0,
    0
};


static const argo_anthropic_error_t  argo_anthropic_errors[] = {
    { ARGO_ERROR_INVALID_REQUEST, "invalid_request_error" },
    { ARGO_ERROR_AUTHENTICATION, "authentication_error" },
    { ARGO_ERROR_PERMISSION, "permission_error" },
    { ARGO_ERROR_NOT_FOUND, "not_found_error" },
    { ARGO_ERROR_TOO_LARGE, "request_too_large" },
    { ARGO_ERROR_RATE_LIMIT, "rate_limit_error" },
    { ARGO_ERROR_OVERLOADED, "overloaded_error" },
    { ARGO_ERROR_TIMEOUT, "timeout_error" }
};


#define ARGO_ANTHROPIC_NERRORS                                                \
    (sizeof(argo_anthropic_errors) / sizeof(argo_anthropic_errors[0]))


static ngx_int_t
argo_anthropic_start_stream(argo_stream_t *st)
{
    st->state = ngx_pcalloc(st->pool, sizeof(argo_anthropic_state_t));

    return st->state ? NGX_OK : NGX_ERROR;
}


/* A stream needs nothing of what has gone out. */

static ngx_int_t
argo_anthropic_collect_event(argo_stream_t *st, const argo_event_t *ev)
{
    argo_anthropic_state_t  *state;

    if (st->state == NULL && argo_anthropic_start_stream(st) != NGX_OK) {
        return NGX_ERROR;
    }

    state = st->state;

    if (ev->type == ARGO_EVENT_REFUSAL) {
        state->refused = 1;
    }

    if (!st->collect) {
        return NGX_OK;
    }

    switch (ev->type) {

    case ARGO_EVENT_TEXT:
    case ARGO_EVENT_REFUSAL:
        return argo_anthropic_collect_text(st, ev, ARGO_ANTHROPIC_TEXT);

    case ARGO_EVENT_REASONING:
        if (!argo_anthropic_wants_thoughts(st)) {
            return NGX_OK;
        }

        return argo_anthropic_collect_text(st, ev, ARGO_ANTHROPIC_THOUGHT);

    case ARGO_EVENT_SIGNATURE:
        return argo_anthropic_collect_signature(st, ev);

    case ARGO_EVENT_TOOL_START:
        return argo_anthropic_collect_call(st, ev);

    case ARGO_EVENT_TOOL_ARGS:
        return argo_anthropic_append(st, ev);

    default: /* ARGO_EVENT_FINISH */
        return argo_anthropic_collect_finish(st);
    }
}


static ngx_int_t
argo_anthropic_collect_text(argo_stream_t *st, const argo_event_t *ev,
    argo_anthropic_block_e type)
{
    argo_anthropic_state_t  *state;

    state = st->state;

    if (ev->lead.len + ev->text.len == 0) {
        return NGX_OK;
    }

    if ((state->last == NULL || state->last->type != type || state->closed)
        && argo_anthropic_add_block(st, type) == NULL)
    {
        return NGX_ERROR;
    }

    return argo_anthropic_append(st, ev);
}


static ngx_int_t
argo_anthropic_collect_signature(argo_stream_t *st, const argo_event_t *ev)
{
    argo_anthropic_block_t  *block;
    argo_anthropic_state_t  *state;

    state = st->state;

    if (!argo_anthropic_wants_signature(st, ev)) {
        state->closed = 1;
        return NGX_OK;
    }

    if (ev->redacted || ev->vendor == ARGO_FAMILY_GOOGLE) {
        block = argo_anthropic_add_block(st, ARGO_ANTHROPIC_REDACTED);

    } else if (state->last && state->last->type == ARGO_ANTHROPIC_THOUGHT
               && !state->closed)
    {
        block = state->last;

    } else {
        /* thoughts that are not shown have a signature all the same */
        block = argo_anthropic_add_block(st, ARGO_ANTHROPIC_THOUGHT);
    }

    if (block == NULL) {
        return NGX_ERROR;
    }

    if (ev->vendor == ARGO_FAMILY_GOOGLE) {
        block->prefix = ARGO_ANTHROPIC_GOOGLE;
    }

    state->closed = 1;

    return argo_stream_keep(st, &ev->text, &block->signature);
}


static ngx_int_t
argo_anthropic_collect_call(argo_stream_t *st, const argo_event_t *ev)
{
    argo_anthropic_block_t  *block;

    if (ev->signature.len) {
        block = argo_anthropic_add_block(st, ARGO_ANTHROPIC_REDACTED);
        if (block == NULL) {
            return NGX_ERROR;
        }

        block->prefix = ARGO_ANTHROPIC_GOOGLE;

        if (argo_stream_keep(st, &ev->signature, &block->signature)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    block = argo_anthropic_add_block(st, ARGO_ANTHROPIC_CALL);
    if (block == NULL) {
        return NGX_ERROR;
    }

    block->call = ev->index;

    if (argo_stream_keep(st, &ev->id, &block->id) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_stream_keep(st, &ev->name, &block->name);
}


static ngx_int_t
argo_anthropic_append(argo_stream_t *st, const argo_event_t *ev)
{
    argo_out_t              *text;
    argo_anthropic_state_t  *state;

    state = st->state;
    text = &state->last->text;

    if (state->size + ev->lead.len + ev->text.len > ARGO_STREAM_MAX_TEXT) {
        return argo_error_set(&st->error, 502, "upstream_invalid_reply",
                              NULL, "ARGO's reply is too long");
    }

    state->size += ev->lead.len + ev->text.len;

    argo_openai_write_text(ev, text);

    return text->failed ? NGX_ERROR : NGX_OK;
}


static argo_anthropic_block_t *
argo_anthropic_add_block(argo_stream_t *st, argo_anthropic_block_e type)
{
    argo_anthropic_block_t  *block;
    argo_anthropic_state_t  *state;

    state = st->state;

    block = ngx_pcalloc(st->pool, sizeof(argo_anthropic_block_t));
    if (block == NULL) {
        return NULL;
    }

    block->type = type;
    block->prefix = "";

    /* a body that stays can be referred to */

    argo_out_init(&block->text, st->pool, ARGO_ANTHROPIC_BLOCK, NULL,
                  st->text.copy);

    if (state->last) {
        state->last->next = block;

    } else {
        state->blocks = block;
    }

    state->last = block;
    state->closed = 0;

    return block;
}


static ngx_int_t
argo_anthropic_collect_finish(argo_stream_t *st)
{
    ngx_int_t                rc;
    argo_anthropic_block_t  *block;
    argo_anthropic_state_t  *state;

    state = st->state;

    for (block = state->blocks; block; block = block->next) {

        if (block->type != ARGO_ANTHROPIC_CALL) {
            continue;
        }

        rc = argo_anthropic_read_input(st, block);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* Arguments come as a string, and go out as the object that is in it. */

static ngx_int_t
argo_anthropic_read_input(argo_stream_t *st, argo_anthropic_block_t *block)
{
    u_char        *p;
    ngx_int_t      rc;
    ngx_str_t      text;
    argo_json_t   *root;
    argo_error_t   ignored;

    if (argo_out_flatten(&block->text, st->pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    block->input.data = ngx_pnalloc(st->pool, text.len + 1);
    if (block->input.data == NULL) {
        return NGX_ERROR;
    }

    p = text.data;
    block->input.len = argo_json_unescape(&p, p + text.len,
                                          block->input.data, text.len);

    for (p = block->input.data;
         p < block->input.data + block->input.len;
         p++)
    {
        if (*p != ' ' && *p != '\t' && *p != CR && *p != LF) {
            break;
        }
    }

    if (p == block->input.data + block->input.len) {
        /* of a tool that takes none */
        ngx_str_set(&block->input, "{}");
        return NGX_OK;
    }

    rc = argo_json_parse(st->pool, &block->input, 0, &root, &ignored);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED || root->type != ARGO_JSON_OBJECT) {
        return argo_anthropic_bad_input(st);
    }

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_bad_input(argo_stream_t *st)
{
    if (st->finish == ARGO_FINISH_LENGTH) {
        /* no fault of upstream's: the same again would end the same */

        return argo_error_set(&st->error, 400, "max_tokens_too_low",
                              "max_tokens",
                              "max_tokens: The reply reached its limit "
                              "within the input of a tool call; a higher "
                              "one is needed");
    }

    return argo_error_set(&st->error, 502, "upstream_invalid_reply", NULL,
                          "the arguments of a tool call in ARGO's reply are "
                          "not a JSON object");
}


static void
argo_anthropic_write_event(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    switch (ev->type) {

    case ARGO_EVENT_START:
        argo_anthropic_write_start(st, out);
        break;

    case ARGO_EVENT_TEXT:
    case ARGO_EVENT_REFUSAL:
        if (ev->lead.len + ev->text.len) {
            argo_anthropic_open(st, ARGO_ANTHROPIC_TEXT, out);
            argo_anthropic_write_delta(st, "text_delta", "text", ev, out);
        }

        break;

    case ARGO_EVENT_REASONING:
        argo_anthropic_write_thought(st, ev, out);
        break;

    case ARGO_EVENT_SIGNATURE:
        argo_anthropic_write_signature(st, ev, out);
        break;

    case ARGO_EVENT_TOOL_START:
        argo_anthropic_write_call(st, ev, out);
        break;

    case ARGO_EVENT_TOOL_ARGS:
        argo_anthropic_write_delta(st, "input_json_delta", "partial_json",
                                   ev, out);
        break;

    case ARGO_EVENT_FINISH:
        argo_anthropic_write_finish(st, out);
        break;

    case ARGO_EVENT_ERROR:
        argo_out_lit(out, "event: error\ndata: ");
        argo_anthropic_write_error(ev->error, out);
        argo_out_lit(out, "\n\n");
        break;

    default: /* ARGO_EVENT_USAGE goes with FINISH */
        break;
    }
}


/* The ping is what this vendor's own service sends, and some wait for. */

static void
argo_anthropic_write_start(argo_stream_t *st, argo_out_t *out)
{
    argo_usage_t  usage;

    argo_stream_usage(st, &usage);

    if (!usage.known) {
        /* what is counted begins with the first text */
        usage.completion = 0;
    }

    argo_anthropic_begin("message_start", out);
    argo_out_lit(out, ",\"message\":{");
    argo_anthropic_write_head(st, out);
    argo_out_lit(out, ",\"content\":[],\"stop_reason\":null,"
                      "\"stop_sequence\":null,\"usage\":");
    argo_anthropic_write_usage(&usage, out);
    argo_out_lit(out, "}}\n\n");

    argo_out_lit(out, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
}


/* Begins a block, unless one of the type is open; calls have one each. */

static void
argo_anthropic_open(argo_stream_t *st, argo_anthropic_block_e type,
    argo_out_t *out)
{
    argo_anthropic_state_t  *state;

    state = st->state;

    if (state->open && state->type == type && type != ARGO_ANTHROPIC_CALL) {
        return;
    }

    argo_anthropic_close(st, out);

    state->open = 1;
    state->type = type;

    argo_anthropic_begin_block(st, "content_block_start", out);
    argo_out_lit(out, ",\"content_block\":{\"type\":\"");

    switch (type) {

    case ARGO_ANTHROPIC_TEXT:
        argo_out_lit(out, "text\",\"text\":\"\"}}\n\n");
        break;

    case ARGO_ANTHROPIC_THOUGHT:
        argo_out_lit(out, "thinking\",\"thinking\":\"\","
                          "\"signature\":\"\"}}\n\n");
        break;

    default: /* the rest is the caller's */
        break;
    }
}


static void
argo_anthropic_close(argo_stream_t *st, argo_out_t *out)
{
    argo_anthropic_state_t  *state;

    state = st->state;

    if (!state->open) {
        return;
    }

    argo_anthropic_begin_block(st, "content_block_stop", out);
    argo_out_lit(out, "}\n\n");

    state->open = 0;
    state->index++;
}


static void
argo_anthropic_write_delta(argo_stream_t *st, const char *type,
    const char *member, const argo_event_t *ev, argo_out_t *out)
{
    argo_anthropic_begin_block(st, "content_block_delta", out);
    argo_out_lit(out, ",\"delta\":{\"type\":\"");
    argo_openai_write_name(out, type);
    argo_out_lit(out, "\",\"");
    argo_openai_write_name(out, member);
    argo_out_lit(out, "\":\"");

    if (ev) {
        argo_openai_write_text(ev, out);
    }

    argo_out_lit(out, "\"}}\n\n");
}


static void
argo_anthropic_write_thought(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    if (ev->lead.len + ev->text.len == 0
        || !argo_anthropic_wants_thoughts(st))
    {
        return;
    }

    argo_anthropic_open(st, ARGO_ANTHROPIC_THOUGHT, out);
    argo_anthropic_write_delta(st, "thinking_delta", "thinking", ev, out);
}


static void
argo_anthropic_write_signature(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    if (!argo_anthropic_wants_signature(st, ev)) {
        argo_anthropic_close(st, out);
        return;
    }

    if (ev->vendor == ARGO_FAMILY_GOOGLE) {
        argo_anthropic_write_redacted(st, ARGO_ANTHROPIC_GOOGLE, &ev->text,
                                      out);
        return;
    }

    if (ev->redacted) {
        argo_anthropic_write_redacted(st, "", &ev->text, out);
        return;
    }

    argo_anthropic_open(st, ARGO_ANTHROPIC_THOUGHT, out);
    argo_anthropic_begin_block(st, "content_block_delta", out);
    argo_out_lit(out, ",\"delta\":{\"type\":\"signature_delta\","
                      "\"signature\":\"");
    argo_out_str(out, &ev->text);
    argo_out_lit(out, "\"}}\n\n");
    argo_anthropic_close(st, out);
}


static void
argo_anthropic_write_redacted(argo_stream_t *st, const char *prefix,
    const ngx_str_t *data, argo_out_t *out)
{
    argo_anthropic_open(st, ARGO_ANTHROPIC_REDACTED, out);
    argo_out_lit(out, "redacted_thinking\",\"data\":\"");
    argo_openai_write_name(out, prefix);
    argo_out_str(out, data);
    argo_out_lit(out, "\"}}\n\n");
    argo_anthropic_close(st, out);
}


/* An empty piece comes first: without any, some clients have no input. */

static void
argo_anthropic_write_call(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    if (ev->signature.len) {
        argo_anthropic_write_redacted(st, ARGO_ANTHROPIC_GOOGLE,
                                      &ev->signature, out);
    }

    argo_anthropic_open(st, ARGO_ANTHROPIC_CALL, out);
    argo_out_lit(out, "tool_use\",\"id\":\"");
    argo_anthropic_write_call_id(st, &ev->id, ev->index, out);
    argo_out_lit(out, "\",\"name\":\"");
    argo_out_str(out, &ev->name);
    argo_out_lit(out, "\",\"input\":{}}}\n\n");

    argo_anthropic_write_delta(st, "input_json_delta", "partial_json", NULL,
                               out);
}


static void
argo_anthropic_write_finish(argo_stream_t *st, argo_out_t *out)
{
    argo_usage_t  usage;

    argo_stream_usage(st, &usage);

    argo_anthropic_close(st, out);

    argo_anthropic_begin("message_delta", out);
    argo_out_lit(out, ",\"delta\":{");
    argo_anthropic_write_outcome(st, out);
    argo_out_lit(out, "},\"usage\":");
    argo_anthropic_write_usage(&usage, out);
    argo_out_lit(out, "}\n\n");

    argo_anthropic_begin("message_stop", out);
    argo_out_lit(out, "}\n\n");
}


static void
argo_anthropic_begin(const char *name, argo_out_t *out)
{
    size_t  len;

    len = ngx_strlen(name);

    argo_out_lit(out, "event: ");
    argo_out_write(out, name, len);
    argo_out_lit(out, "\ndata: {\"type\":\"");
    argo_out_write(out, name, len);
    argo_out_lit(out, "\"");
}


static void
argo_anthropic_begin_block(argo_stream_t *st, const char *name,
    argo_out_t *out)
{
    argo_anthropic_state_t  *state;

    state = st->state;

    argo_anthropic_begin(name, out);
    argo_out_lit(out, ",\"index\":");
    argo_out_int(out, state->index);
}


static void
argo_anthropic_write_response(argo_stream_t *st, argo_out_t *out)
{
    argo_usage_t             usage;
    argo_anthropic_block_t  *block;
    argo_anthropic_state_t  *state;

    state = st->state;

    argo_stream_usage(st, &usage);

    argo_out_lit(out, "{");
    argo_anthropic_write_head(st, out);
    argo_out_lit(out, ",\"content\":[");

    for (block = state->blocks; block; block = block->next) {

        argo_anthropic_write_block(st, block, out);

        if (block->next) {
            argo_out_lit(out, ",");
        }
    }

    argo_out_lit(out, "],");
    argo_anthropic_write_outcome(st, out);
    argo_out_lit(out, ",\"usage\":");
    argo_anthropic_write_usage(&usage, out);
    argo_out_lit(out, "}");
}


static void
argo_anthropic_write_head(argo_stream_t *st, argo_out_t *out)
{
    argo_out_lit(out, "\"id\":\"msg_");
    argo_out_write(out, st->id, ARGO_ID_LEN);
    argo_out_lit(out, "\",\"type\":\"message\",\"role\":\"assistant\","
                      "\"model\":");
    argo_json_write_string(out, &st->request->model);
}


static void
argo_anthropic_write_block(argo_stream_t *st,
    const argo_anthropic_block_t *block, argo_out_t *out)
{
    switch (block->type) {

    case ARGO_ANTHROPIC_THOUGHT:
        argo_out_lit(out, "{\"type\":\"thinking\",\"thinking\":\"");
        argo_stream_copy(out, &block->text);
        argo_out_lit(out, "\",\"signature\":\"");
        argo_out_str(out, &block->signature);
        argo_out_lit(out, "\"}");
        break;

    case ARGO_ANTHROPIC_REDACTED:
        argo_out_lit(out, "{\"type\":\"redacted_thinking\",\"data\":\"");
        argo_openai_write_name(out, block->prefix);
        argo_out_str(out, &block->signature);
        argo_out_lit(out, "\"}");
        break;

    case ARGO_ANTHROPIC_CALL:
        argo_out_lit(out, "{\"type\":\"tool_use\",\"id\":\"");
        argo_anthropic_write_call_id(st, &block->id, block->call, out);
        argo_out_lit(out, "\",\"name\":\"");
        argo_out_str(out, &block->name);
        argo_out_lit(out, "\",\"input\":");
        argo_out_ref(out, block->input.data, block->input.len);
        argo_out_lit(out, "}");
        break;

    default: /* ARGO_ANTHROPIC_TEXT */
        argo_out_lit(out, "{\"type\":\"text\",\"text\":\"");
        argo_stream_copy(out, &block->text);
        argo_out_lit(out, "\"}");
    }
}


static void
argo_anthropic_write_outcome(argo_stream_t *st, argo_out_t *out)
{
    const char  *reason;

    reason = argo_anthropic_outcome(st);

    argo_out_lit(out, "\"stop_reason\":\"");
    argo_openai_write_name(out, reason);
    argo_out_lit(out, "\",\"stop_sequence\":");

    if (st->finish == ARGO_FINISH_STOP_SEQUENCE && st->stop_sequence.len) {
        argo_out_lit(out, "\"");
        argo_out_str(out, &st->stop_sequence);
        argo_out_lit(out, "\"");

    } else {
        argo_out_lit(out, "null");
    }
}


/* Who runs tools looks at this, and not every upstream says it. */

static const char *
argo_anthropic_outcome(argo_stream_t *st)
{
    argo_anthropic_state_t  *state;

    state = st->state;

    if (st->finish != ARGO_FINISH_STOP
        && st->finish != ARGO_FINISH_TOOL_CALLS)
    {
        return argo_anthropic_stop_reason(st->finish);
    }

    if (state->refused) {
        return "refusal";
    }

    return st->tool_calls ? "tool_use" : "end_turn";
}


/*
 * An id comes back with the result of the call: upstream's is given away as
 * it is, if this dialect allows its characters.  Of others each gets a
 * form of its own, so that two calls stay two.
 */

static void
argo_anthropic_write_call_id(const argo_stream_t *st, const ngx_str_t *id,
    ngx_uint_t index, argo_out_t *out)
{
    u_char  c, hex[3];
    size_t  i;

    static const char  digits[] = "0123456789abcdef";

    if (id->len == 0) {
        argo_out_lit(out, "toolu_");
        argo_out_write(out, st->id, ARGO_ID_LEN);
        argo_out_lit(out, "_");
        argo_out_int(out, index);
        return;
    }

    for (i = 0; i < id->len; i++) {
        c = id->data[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z')
            && !(c >= 'a' && c <= 'z') && c != '_' && c != '-')
        {
            break;
        }
    }

    if (i == id->len) {
        argo_out_str(out, id);
        return;
    }

    argo_out_lit(out, "toolu_");

    for (i = 0; i < id->len; i++) {
        c = id->data[i];

        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
            || (c >= 'a' && c <= 'z') || c == '_')
        {
            argo_out_write(out, &c, 1);
            continue;
        }

        hex[0] = '-';
        hex[1] = digits[c >> 4];
        hex[2] = digits[c & 0xf];

        argo_out_write(out, hex, sizeof(hex));
    }
}


/* Who has said that there be none does not expect their blocks. */

static ngx_uint_t
argo_anthropic_wants_thoughts(const argo_stream_t *st)
{
    const argo_thinking_t  *thinking;

    thinking = &st->request->thinking;

    return thinking->type != ARGO_THINKING_DISABLED
           && !argo_json_is(thinking->display, "omitted");
}


/*
 * OpenAI's has no form that a client of this dialect would give back; without
 * Gemini's its next turn would be refused.
 */

static ngx_uint_t
argo_anthropic_wants_signature(const argo_stream_t *st,
    const argo_event_t *ev)
{
    if (ev->text.len == 0) {
        return 0;
    }

    if (ev->vendor == ARGO_FAMILY_GOOGLE) {
        return 1;
    }

    return ev->vendor == ARGO_FAMILY_ANTHROPIC
           && argo_anthropic_wants_thoughts(st);
}


static void
argo_anthropic_write_error(const argo_error_t *err, argo_out_t *out)
{
    argo_out_lit(out, "{\"type\":\"error\",\"error\":{\"type\":\"");
    argo_openai_write_name(out, argo_anthropic_error_type(err));
    argo_out_lit(out, "\",\"message\":");
    argo_json_write_string(out, &err->message);

    if (argo_str_is(&err->code, ARGO_ANTHROPIC_THREAD_CODE)) {
        argo_out_lit(out, ",\"details\":{\"error_code\":\""
                          ARGO_ANTHROPIC_THREAD_CODE
                          "\",\"unsupported\":[\"thread\"]}");
    }

    argo_out_lit(out, "}");

    if (err->request_id.len) {
        argo_out_lit(out, ",\"request_id\":");
        argo_json_write_string(out, &err->request_id);
    }

    argo_out_lit(out, "}");
}


static const char *
argo_anthropic_error_type(const argo_error_t *err)
{
    ngx_uint_t  i;

    if (err->status == 402) {
        return "billing_error";
    }

    for (i = 0; i < ARGO_ANTHROPIC_NERRORS; i++) {
        if (argo_anthropic_errors[i].type == err->type) {
            return argo_anthropic_errors[i].name;
        }
    }

    return "api_error";
}
