
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's chat completions, as a client speaks them.  Knows JSON and
 * argo_ir.h, nothing of HTTP and nothing of what upstream speaks.
 */


#include "argo_openai.h"
#include "argo_openai_tools.h"
#include "argo_stream.h"


/* root, messages, message, tool_calls, call, function, name */
#define ARGO_CHAT_TREE_DEPTH  6

#define ARGO_CHAT_BLOCK       512

#define ARGO_CHAT_TEXT        "{\"index\":0,\"delta\":{\"content\":\""
#define ARGO_CHAT_DELTA       "{\"index\":0,\"delta\":{"
#define ARGO_CHAT_DELTA_END   "},\"logprobs\":null,\"finish_reason\":null}"
#define ARGO_CHAT_END         "]}\n\n"
#define ARGO_CHAT_USAGE_END   "],\"usage\":null}\n\n"


enum {
    ARGO_CHAT_MODEL = 0,
    ARGO_CHAT_MESSAGES,
    ARGO_CHAT_USER,
    ARGO_CHAT_STREAM,
    ARGO_CHAT_STREAM_OPTIONS,
    ARGO_CHAT_MAX_TOKENS,
    ARGO_CHAT_MAX_COMPLETION_TOKENS,
    ARGO_CHAT_N,
    ARGO_CHAT_LOGPROBS,
    ARGO_CHAT_TOOLS,
    ARGO_CHAT_TOOL_CHOICE,
    ARGO_CHAT_FUNCTIONS,
    ARGO_CHAT_FUNCTION_CALL,
    ARGO_CHAT_PARALLEL_TOOL_CALLS,
    ARGO_CHAT_NMEMBERS
};


static ngx_int_t argo_openai_chat_read_request(ngx_pool_t *pool,
    argo_request_t *req, argo_error_t *err);
static ngx_int_t argo_openai_chat_read_values(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t **found, argo_error_t *err);
static ngx_int_t argo_openai_chat_read_tools(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t **found, argo_error_t *err);
static ngx_int_t argo_openai_chat_read_messages(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t *list, argo_error_t *err);
static ngx_int_t argo_openai_chat_read_message(argo_openai_place_t *at,
    argo_json_t *node, argo_message_t *message, argo_message_t **caller);
static ngx_int_t argo_openai_chat_read_role(argo_openai_place_t *at,
    argo_message_t *message);
static ngx_int_t argo_openai_chat_read_content(argo_openai_place_t *at,
    argo_json_t *content, argo_message_t *message);
static ngx_uint_t argo_openai_chat_may_lack_content(argo_message_t *message);
static ngx_int_t argo_openai_chat_read_part(argo_openai_place_t *at,
    argo_json_t *node, argo_part_t *part);
static ngx_int_t argo_openai_chat_read_image(argo_openai_place_t *at,
    argo_json_t *image, argo_part_t *part);

static ngx_int_t argo_openai_chat_start_stream(argo_stream_t *st);
static void argo_openai_chat_write_event(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_chat_write_tool(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_chat_write_function(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_chat_write_finish(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_chat_write_end(argo_stream_t *st, argo_out_t *out);
static void argo_openai_chat_write_response(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_chat_write_calls(argo_stream_t *st, argo_out_t *out);
static const char *argo_openai_chat_reason(const argo_stream_t *st);


const argo_front_t  argo_openai_chat_front = {
    ngx_string("openai_chat"),
    ngx_string("text/event-stream; charset=utf-8"),
    ARGO_CHAT_TREE_DEPTH,
    argo_openai_chat_read_request,
    argo_openai_chat_start_stream,
    argo_openai_chat_write_event,
    argo_openai_chat_write_response,
    argo_openai_write_error,
    NULL,
    0,
    0
};


/* in the order of the enum above */

static const argo_openai_member_t  argo_chat_members[ARGO_CHAT_NMEMBERS] = {
    { "model", ARGO_OPENAI_IS(STRING), "a string" },
    { "messages", ARGO_OPENAI_IS(ARRAY), "an array" },

    /* whatever it is, the bound name takes its place */
    { "user", ARGO_OPENAI_ANY, "" },

    { "stream", ARGO_OPENAI_BOOL, "a boolean" },
    { "stream_options", ARGO_OPENAI_OBJECT, "an object" },
    { "max_tokens", ARGO_OPENAI_NUMBER, "a number" },
    { "max_completion_tokens", ARGO_OPENAI_NUMBER, "a number" },
    { "n", ARGO_OPENAI_NUMBER, "a number" },
    { "logprobs", ARGO_OPENAI_BOOL, "a boolean" },
    { "tools", ARGO_OPENAI_IS(ARRAY) | ARGO_OPENAI_IS(NULL), "an array" },
    { "tool_choice", ARGO_OPENAI_STRING | ARGO_OPENAI_OBJECT,
      "a string or an object" },
    { "functions", ARGO_OPENAI_IS(ARRAY) | ARGO_OPENAI_IS(NULL), "an array" },
    { "function_call", ARGO_OPENAI_STRING | ARGO_OPENAI_OBJECT,
      "a string or an object" },
    { "parallel_tool_calls", ARGO_OPENAI_BOOL, "a boolean" }
};


/* where a request keeps it: the client speaks of functions, not of tools */

static u_char  argo_chat_functions;


static ngx_int_t
argo_openai_chat_read_request(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t     rc;
    argo_json_t  *found[ARGO_CHAT_NMEMBERS];

    rc = argo_openai_read_members(pool, req->root, argo_chat_members,
                                  ARGO_CHAT_NMEMBERS, found, err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_openai_chat_read_values(pool, req, found, err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_openai_chat_read_tools(pool, req, found, err);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_openai_chat_read_messages(pool, req,
                                          found[ARGO_CHAT_MESSAGES], err);
}


static ngx_int_t
argo_openai_chat_read_values(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t **found, argo_error_t *err)
{
    int64_t       n;
    argo_json_t  *node;

    node = found[ARGO_CHAT_MODEL];

    if (node && argo_json_text(pool, node, &req->model) != NGX_OK) {
        return NGX_ERROR;
    }

    node = found[ARGO_CHAT_STREAM];
    req->stream = (node && node->type == ARGO_JSON_TRUE);

    node = found[ARGO_CHAT_N];

    if (node && (argo_json_int(node, &n) != NGX_OK || n < 1)) {
        return argo_error_set(err, 400, "invalid_value", "n",
                              "n must be a positive integer");
    }

    req->n = node;
    req->logprobs = found[ARGO_CHAT_LOGPROBS];
    req->max_tokens = found[ARGO_CHAT_MAX_TOKENS];
    req->max_completion_tokens = found[ARGO_CHAT_MAX_COMPLETION_TOKENS];

    return argo_openai_read_stream_options(pool,
                                           found[ARGO_CHAT_STREAM_OPTIONS],
                                           req, err);
}


static ngx_int_t
argo_openai_chat_read_tools(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t **found, argo_error_t *err)
{
    argo_openai_tools_t  members;

    members.tools = found[ARGO_CHAT_TOOLS];
    members.tool_choice = found[ARGO_CHAT_TOOL_CHOICE];
    members.functions = found[ARGO_CHAT_FUNCTIONS];
    members.function_call = found[ARGO_CHAT_FUNCTION_CALL];
    members.parallel = found[ARGO_CHAT_PARALLEL_TOOL_CALLS];

    /* an empty list is as none */

    if (members.tools && members.tools->count == 0) {
        members.tools = NULL;
    }

    if (members.functions && members.functions->count == 0) {
        members.functions = NULL;
    }

    req->front = members.functions ? &argo_chat_functions : NULL;

    return argo_openai_read_tools(pool, req, &members, err);
}


static ngx_int_t
argo_openai_chat_read_messages(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *list, argo_error_t *err)
{
    ngx_int_t             rc;
    argo_json_t          *node;
    argo_message_t       *message, *caller;
    argo_openai_place_t   at;

    if (list == NULL) {
        return argo_error_set(err, 400, "missing_required_parameter",
                              "messages", "messages is missing");
    }

    if (list->count == 0) {
        return argo_error_set(err, 400, "empty_array", "messages",
                              "messages must have at least one message");
    }

    ngx_memzero(&at, sizeof(argo_openai_place_t));

    at.pool = pool;
    at.err = err;
    at.list = "messages";
    at.parts = ".content";
    at.fetch_images = req->fetch_images;

    req->messages = NULL;
    req->last_message = &req->messages;

    caller = NULL;

    for (node = list->child; node; node = node->next) {

        message = ngx_pcalloc(pool, sizeof(argo_message_t));
        if (message == NULL) {
            return NGX_ERROR;
        }

        message->index = at.item;
        at.part = -1;

        rc = argo_openai_chat_read_message(&at, node, message, &caller);
        if (rc != NGX_OK) {
            return rc;
        }

        *req->last_message = message;
        req->last_message = &message->next;

        at.item++;
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_chat_read_message(argo_openai_place_t *at, argo_json_t *node,
    argo_message_t *message, argo_message_t **caller)
{
    ngx_int_t      rc;
    argo_json_t   *member, *content;
    argo_part_t  **last;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, "", "an object", node);
    }

    message->node = node;
    content = NULL;

    for (member = node->child; member; member = member->next) {

        if (argo_str_is(&member->name, "role")) {
            message->role_node = member;
            member->taken = 1;

        } else if (argo_str_is(&member->name, "content")) {
            content = member;
            member->taken = 1;
        }
    }

    rc = argo_openai_chat_read_role(at, message);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_openai_chat_read_content(at, content, message);
    if (rc != NGX_OK) {
        return rc;
    }

    switch (message->role) {

    case ARGO_ROLE_ASSISTANT:
        *caller = message;

        for (last = &message->parts; *last; last = &(*last)->next) {
            /* void */
        }

        return argo_openai_read_calls(at->pool, message, last, at->err);

    case ARGO_ROLE_TOOL:
    case ARGO_ROLE_OTHER:
        return argo_openai_read_result(at->pool, message, *caller, at->err);

    default:
        return NGX_OK;
    }
}


static ngx_int_t
argo_openai_chat_read_role(argo_openai_place_t *at, argo_message_t *message)
{
    argo_json_t  *node;

    node = message->role_node;

    if (node == NULL) {
        return argo_openai_missing(at, ".role");
    }

    if (node->type != ARGO_JSON_STRING) {
        return argo_openai_mistyped(at, ".role", "a string", node);
    }

    if (argo_json_is(node, "user")) {
        message->role = ARGO_ROLE_USER;

    } else if (argo_json_is(node, "assistant")) {
        message->role = ARGO_ROLE_ASSISTANT;

    } else if (argo_json_is(node, "system")
               || argo_json_is(node, "developer"))
    {
        message->role = ARGO_ROLE_SYSTEM;

    } else if (argo_json_is(node, "tool")) {
        message->role = ARGO_ROLE_TOOL;

    } else if (argo_json_is(node, "function")) {
        message->role = ARGO_ROLE_OTHER;

    } else {
        return argo_openai_wrong(at, ".role", "invalid_value",
                                 "must be one of system, developer, user, "
                                 "assistant, tool and function");
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_chat_read_content(argo_openai_place_t *at, argo_json_t *content,
    argo_message_t *message)
{
    ngx_int_t      rc;
    argo_part_t   *part, **last;
    argo_json_t   *node;

    if (content == NULL) {
        return argo_openai_chat_may_lack_content(message)
               ? NGX_OK : argo_openai_missing(at, ".content");
    }

    switch (content->type) {

    case ARGO_JSON_NULL:
        return NGX_OK;

    case ARGO_JSON_STRING:
        part = ngx_pcalloc(at->pool, sizeof(argo_part_t));
        if (part == NULL) {
            return NGX_ERROR;
        }

        part->text = argo_json_inner(content);

        message->parts = part;
        message->string = 1;

        return NGX_OK;

    case ARGO_JSON_ARRAY:
        break;

    default:
        return argo_openai_mistyped(at, ".content", "a string or an array",
                                    content);
    }

    if (content->count == 0) {
        return argo_openai_wrong(at, ".content", "empty_array",
                                 "must have at least one part");
    }

    last = &message->parts;
    at->part = 0;

    for (node = content->child; node; node = node->next) {

        part = ngx_pcalloc(at->pool, sizeof(argo_part_t));
        if (part == NULL) {
            return NGX_ERROR;
        }

        rc = argo_openai_chat_read_part(at, node, part);
        if (rc != NGX_OK) {
            return rc;
        }

        *last = part;
        last = &part->next;

        at->part++;
    }

    return NGX_OK;
}


/* An assistant that called a tool or refused has said nothing else. */

static ngx_uint_t
argo_openai_chat_may_lack_content(argo_message_t *message)
{
    argo_json_t  *member;

    if (message->role != ARGO_ROLE_ASSISTANT) {
        return 0;
    }

    for (member = message->node->child; member; member = member->next) {

        if (member->type != ARGO_JSON_NULL
            && (argo_str_is(&member->name, "tool_calls")
                || argo_str_is(&member->name, "function_call")
                || argo_str_is(&member->name, "refusal")
                || argo_str_is(&member->name, "audio")))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
argo_openai_chat_read_part(argo_openai_place_t *at, argo_json_t *node,
    argo_part_t *part)
{
    argo_json_t  *type, *text;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, "", "an object", node);
    }

    part->raw = node;

    type = argo_json_get(node, "type");

    if (type == NULL) {
        return argo_openai_missing(at, ".type");
    }

    if (type->type != ARGO_JSON_STRING) {
        return argo_openai_mistyped(at, ".type", "a string", type);
    }

    if (argo_json_is(type, "image_url")) {
        return argo_openai_chat_read_image(at,
                                           argo_json_get(node, "image_url"),
                                           part);
    }

    if (!argo_json_is(type, "text")) {
        part->type = ARGO_PART_OTHER;
        return NGX_OK;
    }

    text = argo_json_get(node, "text");

    if (text == NULL) {
        return argo_openai_missing(at, ".text");
    }

    if (text->type != ARGO_JSON_STRING) {
        return argo_openai_mistyped(at, ".text", "a string", text);
    }

    part->type = ARGO_PART_TEXT;
    part->text = argo_json_inner(text);

    return NGX_OK;
}


static ngx_int_t
argo_openai_chat_read_image(argo_openai_place_t *at, argo_json_t *image,
    argo_part_t *part)
{
    argo_json_t  *url;

    if (image == NULL) {
        return argo_openai_missing(at, ".image_url");
    }

    url = image;

    if (image->type == ARGO_JSON_OBJECT) {
        url = argo_json_get(image, "url");

        if (url == NULL) {
            return argo_openai_missing(at, ".image_url.url");
        }

        if (url->type != ARGO_JSON_STRING) {
            return argo_openai_mistyped(at, ".image_url.url", "a string",
                                        url);
        }

    } else if (image->type != ARGO_JSON_STRING) {
        return argo_openai_mistyped(at, ".image_url", "an object", image);
    }

    return argo_openai_read_image(at, ".image_url", url, part);
}


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

    case ARGO_EVENT_TOOL_START:
    case ARGO_EVENT_TOOL_ARGS:

        if (st->request->front == &argo_chat_functions) {
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
        /* this dialect has no place for REASONING; USAGE goes with FINISH */
        break;
    }
}


/* id and name only once: clients put together what they get */

static void
argo_openai_chat_write_tool(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    argo_out_write(out, st->head.data, st->head_len);
    argo_out_lit(out, ARGO_CHAT_DELTA "\"tool_calls\":[{\"index\":");
    argo_out_int(out, ev->index);

    if (ev->type == ARGO_EVENT_TOOL_START) {
        argo_out_lit(out, ",\"id\":\"");
        argo_openai_write_call_id(st, &ev->id, ev->index, out);
        argo_out_lit(out, "\",\"type\":\"function\","
                          "\"function\":{\"name\":\"");
        argo_out_str(out, &ev->name);
        argo_out_lit(out, "\",\"arguments\":\"\"}}]");

    } else {
        argo_out_lit(out, ",\"function\":{\"arguments\":\"");
        argo_openai_write_text(ev, out);
        argo_out_lit(out, "\"}}]");
    }

    argo_out_lit(out, ARGO_CHAT_DELTA_END);
    argo_openai_chat_write_end(st, out);
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
argo_openai_chat_write_calls(argo_stream_t *st, argo_out_t *out)
{
    ngx_uint_t               i;
    const argo_tool_call_t  *call;

    if (st->request->front == &argo_chat_functions) {
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
        argo_out_lit(out, "\",\"type\":\"function\","
                          "\"function\":{\"name\":\"");
        argo_out_str(out, &call->name);
        argo_out_lit(out, "\",\"arguments\":\"");
        argo_stream_copy(out, &call->args);
        argo_out_lit(out, "\"}}");

        i++;
    }

    argo_out_lit(out, "]");
}


static const char *
argo_openai_chat_reason(const argo_stream_t *st)
{
    if (st->finish == ARGO_FINISH_TOOL_CALLS
        && st->request->front == &argo_chat_functions)
    {
        return "function_call";
    }

    return argo_openai_finish_reason(st->finish);
}
