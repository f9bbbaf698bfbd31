
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's chat completions, what a client gets.  Knows JSON and argo_ir.h,
 * nothing of HTTP and nothing of what upstream speaks.
 */


#include "argo_openai_chat.h"
#include "argo_json_write.h"
#include "argo_openai.h"


/*
 * root, messages, message, tool_calls, call, extra_content, google,
 * thought_signature
 */
#define ARGO_CHAT_TREE_DEPTH  7

#define ARGO_CHAT_BLOCK       512

#define ARGO_CHAT_TEXT        "{\"index\":0,\"delta\":{\"content\":\""
#define ARGO_CHAT_DELTA       "{\"index\":0,\"delta\":{"
#define ARGO_CHAT_DELTA_END   "},\"logprobs\":null,\"finish_reason\":null}"
#define ARGO_CHAT_END         "]}\n\n"
#define ARGO_CHAT_USAGE_END   "],\"usage\":null}\n\n"


/* a call that was collected */

typedef struct {
    argo_tool_call_t    call;
    unsigned            custom:1;
} argo_chat_collected_t;


/* what is kept from one event to the next */

typedef struct {
    argo_out_t          thought;        /* not signed yet; escaped */
    argo_out_t          blocks;         /* thinking_blocks, collected */
    ngx_uint_t          nblocks;
    unsigned            custom:1;       /* the call now is of such a tool */
} argo_chat_front_t;


static ngx_int_t argo_openai_chat_start_stream(argo_stream_t *st);
static void argo_openai_chat_write_event(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_chat_write_reasoning(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_chat_write_block(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_chat_write_thought(argo_chat_front_t *front,
    const argo_event_t *ev, ngx_uint_t stream, argo_out_t *out);
static void argo_openai_chat_write_tool(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_chat_write_function(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_chat_write_finish(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_chat_write_end(argo_stream_t *st, argo_out_t *out);
static void argo_openai_chat_write_response(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_chat_write_reasons(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_chat_write_calls(argo_stream_t *st, argo_out_t *out);
static void argo_openai_chat_write_signature(const ngx_str_t *signature,
    argo_out_t *out);
static const char *argo_openai_chat_reason(const argo_stream_t *st);

static argo_chat_front_t *argo_openai_chat_state(argo_stream_t *st);
static ngx_int_t argo_openai_chat_collect_event(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_openai_chat_collect_unary(argo_stream_t *st,
    argo_chat_front_t *front, const argo_event_t *ev);
static ngx_int_t argo_openai_chat_collect_call(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_openai_chat_append(argo_stream_t *st, argo_out_t *out,
    const argo_event_t *ev);


const argo_front_t  argo_openai_chat_front = {
    ngx_string("openai_chat"),
    ARGO_DIALECT_CHAT,
    ngx_string("text/event-stream; charset=utf-8"),
    ngx_null_string,
    ARGO_CHAT_TREE_DEPTH,
    argo_openai_chat_read_request,
    argo_openai_chat_start_stream,
    argo_openai_chat_write_event,
    argo_openai_chat_write_response,
    argo_openai_write_error,
    argo_openai_chat_collect_event,
    0,
    0
};


/*
 * Most of a chunk is the same in all of a stream: it is made once, so that
 * an event is a few copies.
 */

static ngx_int_t
argo_openai_chat_start_stream(argo_stream_t *st)
{
    argo_out_t  out;

    argo_out_init(&out, st->pool, ARGO_CHAT_BLOCK, NULL, 1);

    argo_out_lit(&out, "data: ");
    argo_openai_write_top(st, "chatcmpl-", "chat.completion.chunk", &out);
    argo_out_lit(&out, ",\"choices\":[");

    st->head_len = out.size;

    argo_out_lit(&out, ARGO_CHAT_TEXT);

    return argo_out_flatten(&out, st->pool, &st->head);
}


static void
argo_openai_chat_write_event(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    switch (ev->type) {

    case ARGO_EVENT_TEXT:
        argo_out_str(out, &st->head);
        argo_openai_write_text(ev, out);

        if (st->request->include_usage) {
            argo_out_lit(out, "\"" ARGO_CHAT_DELTA_END ARGO_CHAT_USAGE_END);

        } else {
            argo_out_lit(out, "\"" ARGO_CHAT_DELTA_END ARGO_CHAT_END);
        }

        break;

    case ARGO_EVENT_START:
        argo_out_write(out, st->head.data, st->head_len);
        argo_out_lit(out, ARGO_CHAT_DELTA "\"role\":\"assistant\","
                          "\"content\":\"\",\"refusal\":null"
                          ARGO_CHAT_DELTA_END);
        argo_openai_chat_write_end(st, out);
        break;

    case ARGO_EVENT_REFUSAL:
        argo_out_write(out, st->head.data, st->head_len);
        argo_out_lit(out, ARGO_CHAT_DELTA "\"refusal\":\"");
        argo_openai_write_text(ev, out);
        argo_out_lit(out, "\"" ARGO_CHAT_DELTA_END);
        argo_openai_chat_write_end(st, out);
        break;

    case ARGO_EVENT_REASONING:
        argo_openai_chat_write_reasoning(st, ev, out);
        break;

    case ARGO_EVENT_SIGNATURE:
        argo_openai_chat_write_block(st, ev, out);
        break;

    case ARGO_EVENT_TOOL_START:
    case ARGO_EVENT_TOOL_ARGS:

        if (st->request->front == &argo_openai_chat_functions) {
            argo_openai_chat_write_function(st, ev, out);

        } else {
            argo_openai_chat_write_tool(st, ev, out);
        }

        break;

    case ARGO_EVENT_FINISH:
        argo_openai_chat_write_finish(st, ev, out);
        break;

    case ARGO_EVENT_ERROR:
        argo_openai_write_error_event(ev->error, out);
        break;

    default:
        /* USAGE goes with FINISH */
        break;
    }
}


/* what DeepSeek has begun, and most clients understand by now */

static void
argo_openai_chat_write_reasoning(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    argo_out_write(out, st->head.data, st->head_len);
    argo_out_lit(out, ARGO_CHAT_DELTA "\"reasoning_content\":\"");
    argo_openai_write_text(ev, out);
    argo_out_lit(out, "\"" ARGO_CHAT_DELTA_END);
    argo_openai_chat_write_end(st, out);
}


/* A thought is told once more, signed, so that it can be sent back. */

static void
argo_openai_chat_write_block(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    argo_chat_front_t  *front;

    front = st->state;

    if (ev->vendor == ARGO_FAMILY_ANTHROPIC) {
        argo_out_write(out, st->head.data, st->head_len);
        argo_out_lit(out, ARGO_CHAT_DELTA "\"thinking_blocks\":[");
        argo_openai_chat_write_thought(front, ev, 1, out);
        argo_out_lit(out, "]" ARGO_CHAT_DELTA_END);
        argo_openai_chat_write_end(st, out);
    }

    /* its memory serves for the next one */

    front->thought.free = argo_out_take(&front->thought);
}


static void
argo_openai_chat_write_thought(argo_chat_front_t *front,
    const argo_event_t *ev, ngx_uint_t stream, argo_out_t *out)
{
    argo_out_lit(out, "{");

    if (stream) {
        /* OpenAI's library puts lists together by it, and by nothing else */
        argo_out_lit(out, "\"index\":");
        argo_out_int(out, front->nblocks++);
        argo_out_lit(out, ",");
    }

    if (ev->redacted) {
        argo_out_lit(out, "\"type\":\"redacted_thinking\",\"data\":\"");

    } else {
        argo_out_lit(out, "\"type\":\"thinking\",\"thinking\":\"");
        argo_stream_copy(out, &front->thought);
        argo_out_lit(out, "\",\"signature\":\"");
    }

    argo_openai_write_text(ev, out);
    argo_out_lit(out, "\"}");
}


/* id and name only once: clients put together what they get */

static void
argo_openai_chat_write_tool(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    ngx_uint_t          custom;
    argo_chat_front_t  *front;

    front = st->state;
    custom = front->custom;

    argo_out_write(out, st->head.data, st->head_len);
    argo_out_lit(out, ARGO_CHAT_DELTA "\"tool_calls\":[{\"index\":");
    argo_out_int(out, ev->index);

    if (ev->type == ARGO_EVENT_TOOL_START) {
        argo_out_lit(out, ",\"id\":\"");
        argo_openai_write_call_id(st, &ev->id, ev->index, out);

        if (custom) {
            argo_out_lit(out, "\",\"type\":\"custom\","
                              "\"custom\":{\"name\":\"");
            argo_out_str(out, &ev->name);
            argo_out_lit(out, "\",\"input\":\"\"}");

        } else {
            argo_out_lit(out, "\",\"type\":\"function\","
                              "\"function\":{\"name\":\"");
            argo_out_str(out, &ev->name);
            argo_out_lit(out, "\",\"arguments\":\"\"}");
        }

        argo_openai_chat_write_signature(&ev->signature, out);

    } else {

        if (custom) {
            argo_out_lit(out, ",\"custom\":{\"input\":\"");

        } else {
            argo_out_lit(out, ",\"function\":{\"arguments\":\"");
        }

        argo_openai_write_text(ev, out);
        argo_out_lit(out, "\"}");
    }

    argo_out_lit(out, "}]" ARGO_CHAT_DELTA_END);
    argo_openai_chat_write_end(st, out);
}


/* Google's, which its models want back */

static void
argo_openai_chat_write_signature(const ngx_str_t *signature, argo_out_t *out)
{
    if (signature->len) {
        argo_out_lit(out, ",\"extra_content\":{\"google\":"
                          "{\"thought_signature\":\"");
        argo_out_str(out, signature);
        argo_out_lit(out, "\"}}");
    }
}


/* the older form: one call, without an id */

static void
argo_openai_chat_write_function(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    if (ev->index > 0) {
        /* the model was told not to; there is no place for it */
        return;
    }

    argo_out_write(out, st->head.data, st->head_len);

    if (ev->type == ARGO_EVENT_TOOL_START) {
        argo_out_lit(out, ARGO_CHAT_DELTA "\"function_call\":{\"name\":\"");
        argo_out_str(out, &ev->name);
        argo_out_lit(out, "\",\"arguments\":\"\"}");

    } else {
        argo_out_lit(out, ARGO_CHAT_DELTA "\"function_call\":"
                          "{\"arguments\":\"");
        argo_openai_write_text(ev, out);
        argo_out_lit(out, "\"}");
    }

    argo_out_lit(out, ARGO_CHAT_DELTA_END);
    argo_openai_chat_write_end(st, out);
}


static void
argo_openai_chat_write_finish(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    const char  *reason;

    reason = argo_openai_chat_reason(st);

    argo_out_write(out, st->head.data, st->head_len);
    argo_out_lit(out, ARGO_CHAT_DELTA "},\"logprobs\":null,"
                      "\"finish_reason\":\"");
    argo_out_write(out, reason, ngx_strlen(reason));
    argo_out_lit(out, "\"}");
    argo_openai_chat_write_end(st, out);

    if (st->request->include_usage) {
        argo_out_write(out, st->head.data, st->head_len);
        argo_out_lit(out, "],\"usage\":");
        argo_openai_write_usage(st, out);
        argo_out_lit(out, "}\n\n");
    }

    argo_out_lit(out, "data: [DONE]\n\n");
}


/* who asked for usage gets the key in every chunk */

static void
argo_openai_chat_write_end(argo_stream_t *st, argo_out_t *out)
{
    if (st->request->include_usage) {
        argo_out_lit(out, ARGO_CHAT_USAGE_END);

    } else {
        argo_out_lit(out, ARGO_CHAT_END);
    }
}


static void
argo_openai_chat_write_response(argo_stream_t *st, argo_out_t *out)
{
    const char  *reason;

    argo_openai_write_top(st, "chatcmpl-", "chat.completion", out);

    argo_out_lit(out, ",\"choices\":[{\"index\":0,\"message\":"
                      "{\"role\":\"assistant\",\"content\":");

    if (st->text.size == 0 && (st->calls || st->refusal.size)) {
        argo_out_lit(out, "null");

    } else {
        argo_out_lit(out, "\"");
        argo_stream_copy(out, &st->text);
        argo_out_lit(out, "\"");
    }

    argo_out_lit(out, ",\"refusal\":");

    if (st->refusal.size == 0) {
        argo_out_lit(out, "null");

    } else {
        argo_out_lit(out, "\"");
        argo_stream_copy(out, &st->refusal);
        argo_out_lit(out, "\"");
    }

    argo_openai_chat_write_reasons(st, out);

    if (st->calls) {
        argo_openai_chat_write_calls(st, out);
    }

    reason = argo_openai_chat_reason(st);

    argo_out_lit(out, ",\"annotations\":[]},\"logprobs\":null,"
                      "\"finish_reason\":\"");
    argo_out_write(out, reason, ngx_strlen(reason));
    argo_out_lit(out, "\"}],\"usage\":");
    argo_openai_write_usage(st, out);
    argo_out_lit(out, "}");
}


static void
argo_openai_chat_write_reasons(argo_stream_t *st, argo_out_t *out)
{
    argo_chat_front_t  *front;

    front = st->state;

    if (st->reasoning.size) {
        argo_out_lit(out, ",\"reasoning_content\":\"");
        argo_stream_copy(out, &st->reasoning);
        argo_out_lit(out, "\"");
    }

    if (front && front->blocks.size) {
        argo_out_lit(out, ",\"thinking_blocks\":[");
        argo_stream_copy(out, &front->blocks);
        argo_out_lit(out, "]");
    }
}


static void
argo_openai_chat_write_calls(argo_stream_t *st, argo_out_t *out)
{
    ngx_uint_t               i;
    const argo_tool_call_t  *call;

    if (st->request->front == &argo_openai_chat_functions) {
        argo_out_lit(out, ",\"function_call\":{\"name\":\"");
        argo_out_str(out, &st->calls->name);
        argo_out_lit(out, "\",\"arguments\":\"");
        argo_stream_copy(out, &st->calls->args);
        argo_out_lit(out, "\"}");

        return;
    }

    argo_out_lit(out, ",\"tool_calls\":[");

    i = 0;

    for (call = st->calls; call; call = call->next) {

        if (i > 0) {
            argo_out_lit(out, ",");
        }

        argo_out_lit(out, "{\"id\":\"");
        argo_openai_write_call_id(st, &call->id, i, out);

        if (((const argo_chat_collected_t *) call)->custom) {
            argo_out_lit(out, "\",\"type\":\"custom\","
                              "\"custom\":{\"name\":\"");
            argo_out_str(out, &call->name);
            argo_out_lit(out, "\",\"input\":\"");

        } else {
            argo_out_lit(out, "\",\"type\":\"function\","
                              "\"function\":{\"name\":\"");
            argo_out_str(out, &call->name);
            argo_out_lit(out, "\",\"arguments\":\"");
        }

        argo_stream_copy(out, &call->args);
        argo_out_lit(out, "\"}");
        argo_openai_chat_write_signature(&call->signature, out);
        argo_out_lit(out, "}");

        i++;
    }

    argo_out_lit(out, "]");
}


static const char *
argo_openai_chat_reason(const argo_stream_t *st)
{
    if (st->finish == ARGO_FINISH_TOOL_CALLS
        && st->request->front == &argo_openai_chat_functions)
    {
        return "function_call";
    }

    return argo_openai_finish_reason(st->finish);
}


static argo_chat_front_t *
argo_openai_chat_state(argo_stream_t *st)
{
    argo_chat_front_t  *front;

    if (st->state) {
        return st->state;
    }

    front = ngx_pcalloc(st->pool, sizeof(argo_chat_front_t));
    if (front == NULL) {
        return NULL;
    }

    argo_out_init(&front->thought, st->pool, ARGO_CHAT_BLOCK, NULL, 1);
    argo_out_init(&front->blocks, st->pool, ARGO_CHAT_BLOCK, NULL, 1);

    st->state = front;

    return front;
}


static ngx_int_t
argo_openai_chat_collect_event(argo_stream_t *st, const argo_event_t *ev)
{
    ngx_int_t           rc;
    argo_chat_front_t  *front;

    front = argo_openai_chat_state(st);
    if (front == NULL) {
        return NGX_ERROR;
    }

    if (ev->type == ARGO_EVENT_TOOL_START) {
        front->custom = ev->custom;
    }

    if (ev->type == ARGO_EVENT_REASONING) {

        rc = argo_openai_chat_append(st, &front->thought, ev);
        if (rc != NGX_OK) {
            return rc;
        }

    } else if (ev->type != ARGO_EVENT_SIGNATURE && front->thought.size) {

        /* nobody has signed it */
        front->thought.free = argo_out_take(&front->thought);
    }

    return st->collect ? argo_openai_chat_collect_unary(st, front, ev)
                       : NGX_OK;
}


static ngx_int_t
argo_openai_chat_collect_unary(argo_stream_t *st, argo_chat_front_t *front,
    const argo_event_t *ev)
{
    switch (ev->type) {

    case ARGO_EVENT_TEXT:
        return argo_openai_chat_append(st, &st->text, ev);

    case ARGO_EVENT_REFUSAL:
        return argo_openai_chat_append(st, &st->refusal, ev);

    case ARGO_EVENT_REASONING:
        return argo_openai_chat_append(st, &st->reasoning, ev);

    case ARGO_EVENT_TOOL_START:
    case ARGO_EVENT_TOOL_ARGS:
        return argo_openai_chat_collect_call(st, ev);

    case ARGO_EVENT_SIGNATURE:

        if (ev->vendor == ARGO_FAMILY_ANTHROPIC) {

            if (front->blocks.size) {
                argo_out_lit(&front->blocks, ",");
            }

            argo_openai_chat_write_thought(front, ev, 0, &front->blocks);
        }

        front->thought.free = argo_out_take(&front->thought);

        return (front->blocks.failed || front->thought.failed) ? NGX_ERROR
                                                               : NGX_OK;

    default: /* ARGO_EVENT_FINISH */
        return NGX_OK;
    }
}


static ngx_int_t
argo_openai_chat_collect_call(argo_stream_t *st, const argo_event_t *ev)
{
    argo_tool_call_t       *call;
    argo_chat_collected_t  *collected;

    if (ev->type == ARGO_EVENT_TOOL_ARGS) {
        return argo_openai_chat_append(st, &st->last_call->args, ev);
    }

    collected = ngx_pcalloc(st->pool, sizeof(argo_chat_collected_t));
    if (collected == NULL) {
        return NGX_ERROR;
    }

    collected->custom = ev->custom;
    call = &collected->call;

    if (argo_stream_keep(st, &ev->id, &call->id) != NGX_OK
        || argo_stream_keep(st, &ev->name, &call->name) != NGX_OK
        || argo_stream_keep(st, &ev->signature, &call->signature) != NGX_OK)
    {
        return NGX_ERROR;
    }

    argo_out_init(&call->args, st->pool, ARGO_CHAT_BLOCK, NULL,
                  st->text.copy);

    if (st->last_call) {
        st->last_call->next = call;

    } else {
        st->calls = call;
    }

    st->last_call = call;

    return NGX_OK;
}


static ngx_int_t
argo_openai_chat_append(argo_stream_t *st, argo_out_t *out,
    const argo_event_t *ev)
{
    if (out->size + ev->lead.len + ev->text.len > ARGO_STREAM_MAX_TEXT) {
        return argo_error_set(&st->error, 502, "upstream_invalid_reply",
                              NULL, "ARGO's reply is too long");
    }

    if (!ev->escaped) {
        argo_json_write_text(out, ev->lead.data, ev->lead.len);
        argo_json_write_text(out, ev->text.data, ev->text.len);

    } else {
        /* lead is what was held: it is never where it came from */
        argo_out_write(out, ev->lead.data, ev->lead.len);
        argo_out_ref(out, ev->text.data, ev->text.len);
    }

    return out->failed ? NGX_ERROR : NGX_OK;
}
