
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's chat completions, as a client speaks them.  Knows JSON and
 * argo_ir.h, nothing of HTTP and nothing of what upstream speaks.
 */


#include "argo_dialect.h"
#include "argo_json_write.h"
#include "argo_stream.h"


/* root, messages, message, content, part, image_url, url */
#define ARGO_CHAT_TREE_DEPTH  6

#define ARGO_CHAT_BLOCK       512

#define ARGO_CHAT_TEXT        "{\"index\":0,\"delta\":{\"content\":\""
#define ARGO_CHAT_DELTA       "{\"index\":0,\"delta\":{"
#define ARGO_CHAT_DELTA_END   "},\"logprobs\":null,\"finish_reason\":null}"
#define ARGO_CHAT_END         "]}\n\n"
#define ARGO_CHAT_USAGE_END   "],\"usage\":null}\n\n"


/* what a member's value may be */

#define ARGO_CHAT_IS(type)    (1u << ARGO_JSON_##type)
#define ARGO_CHAT_ANY         ((1u << (ARGO_JSON_OBJECT + 1)) - 1)
#define ARGO_CHAT_BOOL                                                        \
    (ARGO_CHAT_IS(TRUE) | ARGO_CHAT_IS(FALSE) | ARGO_CHAT_IS(NULL))


typedef struct {
    const char       *name;
    unsigned          types;
    const char       *expected;
} argo_chat_member_t;


/* the place in a request that an error is about */

typedef struct {
    ngx_pool_t       *pool;
    argo_error_t     *err;
    ngx_int_t         message;
    ngx_int_t         part;             /* -1: the message itself */
} argo_chat_place_t;


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
    ARGO_CHAT_PARALLEL_TOOL_CALLS,
    ARGO_CHAT_NMEMBERS
};


static ngx_int_t argo_openai_chat_read_request(ngx_pool_t *pool,
    argo_request_t *req, argo_error_t *err);
static ngx_int_t argo_openai_chat_read_members(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t **found, argo_error_t *err);
static ngx_int_t argo_openai_chat_read_values(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t **found, argo_error_t *err);
static ngx_int_t argo_openai_chat_read_messages(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t *list, argo_error_t *err);
static ngx_int_t argo_openai_chat_read_message(argo_chat_place_t *at,
    argo_json_t *node, argo_message_t *message);
static ngx_int_t argo_openai_chat_read_role(argo_chat_place_t *at,
    argo_message_t *message);
static ngx_int_t argo_openai_chat_read_content(argo_chat_place_t *at,
    argo_json_t *content, argo_message_t *message);
static ngx_uint_t argo_openai_chat_may_lack_content(argo_message_t *message);
static ngx_int_t argo_openai_chat_read_part(argo_chat_place_t *at,
    argo_json_t *node, argo_part_t *part);
static ngx_int_t argo_openai_chat_read_image(argo_chat_place_t *at,
    argo_json_t *image, argo_part_t *part);
static ngx_uint_t argo_openai_chat_is_data_url(argo_json_t *url);
static ngx_int_t argo_openai_chat_missing(argo_chat_place_t *at,
    const char *member);
static ngx_int_t argo_openai_chat_mistyped(argo_chat_place_t *at,
    const char *member, const char *expected, argo_json_t *node);
static ngx_int_t argo_openai_chat_wrong(argo_chat_place_t *at,
    const char *member, const char *code, const char *what);
static ngx_int_t argo_openai_chat_param(argo_chat_place_t *at,
    const char *member, ngx_str_t *param);

static ngx_int_t argo_openai_chat_start_stream(argo_stream_t *st);
static void argo_openai_chat_write_event(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_chat_write_text(const argo_event_t *ev,
    argo_out_t *out);
static void argo_openai_chat_write_tool(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_chat_write_finish(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_chat_write_end(argo_stream_t *st, argo_out_t *out);
static void argo_openai_chat_write_response(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_chat_write_calls(argo_stream_t *st, argo_out_t *out);
static void argo_openai_chat_write_call_id(argo_stream_t *st,
    const ngx_str_t *id, ngx_uint_t index, argo_out_t *out);
static void argo_openai_chat_write_top(argo_stream_t *st, const char *object,
    argo_out_t *out);
static void argo_openai_chat_write_usage(argo_stream_t *st, argo_out_t *out);
static void argo_openai_chat_write_error(const argo_error_t *err,
    argo_out_t *out);
static void argo_openai_chat_write_error_as(const argo_error_t *err,
    const char *type, argo_out_t *out);


const argo_front_t  argo_openai_chat_front = {
    ngx_string("openai_chat"),
    ngx_string("text/event-stream; charset=utf-8"),
    ARGO_CHAT_TREE_DEPTH,
    argo_openai_chat_read_request,
    argo_openai_chat_start_stream,
    argo_openai_chat_write_event,
    argo_openai_chat_write_response,
    argo_openai_chat_write_error
};


/* in the order of the enum above */

static const argo_chat_member_t  argo_chat_members[ARGO_CHAT_NMEMBERS] = {
    { "model", ARGO_CHAT_IS(STRING), "a string" },
    { "messages", ARGO_CHAT_IS(ARRAY), "an array" },

    /* whatever it is, the bound name takes its place */
    { "user", ARGO_CHAT_ANY, "" },

    { "stream", ARGO_CHAT_BOOL, "a boolean" },
    { "stream_options", ARGO_CHAT_IS(OBJECT) | ARGO_CHAT_IS(NULL),
      "an object" },
    { "max_tokens", ARGO_CHAT_IS(NUMBER) | ARGO_CHAT_IS(NULL), "a number" },
    { "max_completion_tokens", ARGO_CHAT_IS(NUMBER) | ARGO_CHAT_IS(NULL),
      "a number" },
    { "n", ARGO_CHAT_IS(NUMBER) | ARGO_CHAT_IS(NULL), "a number" },
    { "logprobs", ARGO_CHAT_BOOL, "a boolean" },
    { "tools", ARGO_CHAT_IS(ARRAY) | ARGO_CHAT_IS(NULL), "an array" },
    { "tool_choice", ARGO_CHAT_IS(STRING) | ARGO_CHAT_IS(OBJECT)
      | ARGO_CHAT_IS(NULL), "a string or an object" },
    { "parallel_tool_calls", ARGO_CHAT_BOOL, "a boolean" }
};


static const char  *argo_chat_finish[] = {
    "stop",                             /* ARGO_FINISH_NONE: never sent */
    "stop",
    "length",
    "tool_calls",
    "content_filter"
};


static ngx_int_t
argo_openai_chat_read_request(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t     rc;
    argo_json_t  *found[ARGO_CHAT_NMEMBERS];

    rc = argo_openai_chat_read_members(pool, req, found, err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_openai_chat_read_values(pool, req, found, err);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_openai_chat_read_messages(pool, req,
                                          found[ARGO_CHAT_MESSAGES], err);
}


/* Finds the known members; the last of several counts, null is as none. */

static ngx_int_t
argo_openai_chat_read_members(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t **found, argo_error_t *err)
{
    ngx_uint_t                 i;
    argo_json_t               *node;
    const argo_chat_member_t  *member;

    for (i = 0; i < ARGO_CHAT_NMEMBERS; i++) {
        found[i] = NULL;
    }

    for (node = req->root->child; node; node = node->next) {

        for (i = 0; i < ARGO_CHAT_NMEMBERS; i++) {
            member = &argo_chat_members[i];

            if (ngx_strlen(member->name) == node->name.len
                && ngx_memcmp(member->name, node->name.data, node->name.len)
                   == 0)
            {
                node->taken = 1;
                found[i] = node;
                break;
            }
        }
    }

    for (i = 0; i < ARGO_CHAT_NMEMBERS; i++) {
        member = &argo_chat_members[i];

        if (found[i] == NULL) {
            continue;
        }

        if (!(member->types & (1u << found[i]->type))) {
            return argo_error_setf(pool, err, 400, "invalid_type",
                                   member->name, "zzzzz", member->name,
                                   " must be ", member->expected, ", not ",
                                   argo_json_type_name(found[i]));
        }

        if (found[i]->type == ARGO_JSON_NULL) {
            found[i] = NULL;
        }
    }

    return NGX_OK;
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

    node = argo_json_get(found[ARGO_CHAT_STREAM_OPTIONS], "include_usage");

    if (node) {
        if (!(ARGO_CHAT_BOOL & (1u << node->type))) {
            return argo_error_setf(pool, err, 400, "invalid_type",
                                   "stream_options.include_usage", "zz",
                                   "stream_options.include_usage must be a "
                                   "boolean, not ",
                                   argo_json_type_name(node));
        }

        req->include_usage = (node->type == ARGO_JSON_TRUE);
    }

    node = found[ARGO_CHAT_N];

    if (node && (argo_json_int(node, &n) != NGX_OK || n < 1)) {
        return argo_error_set(err, 400, "invalid_value", "n",
                              "n must be a positive integer");
    }

    req->n = node;
    req->logprobs = found[ARGO_CHAT_LOGPROBS];
    req->max_tokens = found[ARGO_CHAT_MAX_TOKENS];
    req->max_completion_tokens = found[ARGO_CHAT_MAX_COMPLETION_TOKENS];

    req->tools = found[ARGO_CHAT_TOOLS];

    if (req->tools && req->tools->count == 0) {
        req->tools = NULL;
    }

    req->tool_choice = found[ARGO_CHAT_TOOL_CHOICE];
    req->parallel_tool_calls = found[ARGO_CHAT_PARALLEL_TOOL_CALLS];

    return NGX_OK;
}


static ngx_int_t
argo_openai_chat_read_messages(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *list, argo_error_t *err)
{
    ngx_int_t          rc;
    argo_json_t       *node;
    argo_message_t    *message;
    argo_chat_place_t  at;

    if (list == NULL) {
        return argo_error_set(err, 400, "missing_required_parameter",
                              "messages", "messages is missing");
    }

    if (list->count == 0) {
        return argo_error_set(err, 400, "empty_array", "messages",
                              "messages must have at least one message");
    }

    at.pool = pool;
    at.err = err;
    at.message = 0;

    req->messages = NULL;
    req->last_message = &req->messages;

    for (node = list->child; node; node = node->next) {

        message = ngx_pcalloc(pool, sizeof(argo_message_t));
        if (message == NULL) {
            return NGX_ERROR;
        }

        at.part = -1;

        rc = argo_openai_chat_read_message(&at, node, message);
        if (rc != NGX_OK) {
            return rc;
        }

        *req->last_message = message;
        req->last_message = &message->next;

        at.message++;
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_chat_read_message(argo_chat_place_t *at, argo_json_t *node,
    argo_message_t *message)
{
    ngx_int_t     rc;
    argo_json_t  *member, *content;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_chat_mistyped(at, "", "an object", node);
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

    return argo_openai_chat_read_content(at, content, message);
}


static ngx_int_t
argo_openai_chat_read_role(argo_chat_place_t *at, argo_message_t *message)
{
    argo_json_t  *node;

    node = message->role_node;

    if (node == NULL) {
        return argo_openai_chat_missing(at, ".role");
    }

    if (node->type != ARGO_JSON_STRING) {
        return argo_openai_chat_mistyped(at, ".role", "a string", node);
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
        return argo_openai_chat_wrong(at, ".role", "invalid_value",
                                      "must be one of system, developer, "
                                      "user, assistant, tool and function");
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_chat_read_content(argo_chat_place_t *at, argo_json_t *content,
    argo_message_t *message)
{
    ngx_int_t      rc;
    argo_part_t   *part, **last;
    argo_json_t   *node;

    if (content == NULL) {
        return argo_openai_chat_may_lack_content(message)
               ? NGX_OK : argo_openai_chat_missing(at, ".content");
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
        return argo_openai_chat_mistyped(at, ".content",
                                         "a string or an array", content);
    }

    if (content->count == 0) {
        return argo_openai_chat_wrong(at, ".content", "empty_array",
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
argo_openai_chat_read_part(argo_chat_place_t *at, argo_json_t *node,
    argo_part_t *part)
{
    argo_json_t  *type, *text;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_chat_mistyped(at, "", "an object", node);
    }

    part->raw = node;

    type = argo_json_get(node, "type");

    if (type == NULL) {
        return argo_openai_chat_missing(at, ".type");
    }

    if (type->type != ARGO_JSON_STRING) {
        return argo_openai_chat_mistyped(at, ".type", "a string", type);
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
        return argo_openai_chat_missing(at, ".text");
    }

    if (text->type != ARGO_JSON_STRING) {
        return argo_openai_chat_mistyped(at, ".text", "a string", text);
    }

    part->type = ARGO_PART_TEXT;
    part->text = argo_json_inner(text);

    return NGX_OK;
}


static ngx_int_t
argo_openai_chat_read_image(argo_chat_place_t *at, argo_json_t *image,
    argo_part_t *part)
{
    argo_json_t  *url;

    if (image == NULL) {
        return argo_openai_chat_missing(at, ".image_url");
    }

    url = image;

    if (image->type == ARGO_JSON_OBJECT) {
        url = argo_json_get(image, "url");

        if (url == NULL) {
            return argo_openai_chat_missing(at, ".image_url.url");
        }

        if (url->type != ARGO_JSON_STRING) {
            return argo_openai_chat_mistyped(at, ".image_url.url",
                                             "a string", url);
        }

    } else if (image->type != ARGO_JSON_STRING) {
        return argo_openai_chat_mistyped(at, ".image_url", "an object",
                                         image);
    }

    if (!argo_openai_chat_is_data_url(url)) {
        return argo_openai_chat_wrong(at, ".image_url", "unsupported_value",
                                      "must hold a data URL: ARGO does not "
                                      "fetch images");
    }

    part->type = ARGO_PART_IMAGE;
    part->text = argo_json_inner(url);

    return NGX_OK;
}


static ngx_uint_t
argo_openai_chat_is_data_url(argo_json_t *url)
{
    u_char     *p, scheme[5];
    size_t      i, n;
    ngx_str_t   inner;

    /* an image may have megabytes: only its beginning is unescaped */

    inner = argo_json_inner(url);
    p = inner.data;

    n = argo_json_unescape(&p, p + inner.len, scheme, sizeof(scheme));

    if (n != sizeof(scheme)) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        scheme[i] = ngx_tolower(scheme[i]);
    }

    return ngx_memcmp(scheme, "data:", sizeof(scheme)) == 0;
}


static ngx_int_t
argo_openai_chat_missing(argo_chat_place_t *at, const char *member)
{
    return argo_openai_chat_wrong(at, member, "missing_required_parameter",
                                  "is missing");
}


static ngx_int_t
argo_openai_chat_mistyped(argo_chat_place_t *at, const char *member,
    const char *expected, argo_json_t *node)
{
    ngx_int_t  rc;
    ngx_str_t  param;

    if (argo_openai_chat_param(at, member, &param) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = argo_error_setf(at->pool, at->err, 400, "invalid_type", NULL,
                         "Vzzzz", &param, " must be ", expected, ", not ",
                         argo_json_type_name(node));

    if (rc == NGX_DECLINED) {
        at->err->param = param;
    }

    return rc;
}


static ngx_int_t
argo_openai_chat_wrong(argo_chat_place_t *at, const char *member,
    const char *code, const char *what)
{
    ngx_int_t  rc;
    ngx_str_t  param;

    if (argo_openai_chat_param(at, member, &param) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = argo_error_setf(at->pool, at->err, 400, code, NULL, "Vzz", &param,
                         " ", what);

    if (rc == NGX_DECLINED) {
        at->err->param = param;
    }

    return rc;
}


/* "messages[2].content[0].type" */

static ngx_int_t
argo_openai_chat_param(argo_chat_place_t *at, const char *member,
    ngx_str_t *param)
{
    ngx_int_t     rc;
    argo_error_t  place;

    if (at->part == -1) {
        rc = argo_error_setf(at->pool, &place, 400, NULL, NULL, "zizz",
                             "messages[", at->message, "]", member);

    } else {
        rc = argo_error_setf(at->pool, &place, 400, NULL, NULL, "zizizz",
                             "messages[", at->message, "].content[",
                             at->part, "]", member);
    }

    if (rc != NGX_DECLINED) {
        return NGX_ERROR;
    }

    *param = place.message;

    return NGX_OK;
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
    argo_openai_chat_write_top(st, "chat.completion.chunk", &out);
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
        argo_openai_chat_write_text(ev, out);

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
        argo_openai_chat_write_text(ev, out);
        argo_out_lit(out, "\"" ARGO_CHAT_DELTA_END);
        argo_openai_chat_write_end(st, out);
        break;

    case ARGO_EVENT_TOOL_START:
    case ARGO_EVENT_TOOL_ARGS:
        argo_openai_chat_write_tool(st, ev, out);
        break;

    case ARGO_EVENT_FINISH:
        argo_openai_chat_write_finish(st, ev, out);
        break;

    case ARGO_EVENT_ERROR:
        /* whatever it was: only this type tells clients to try again */
        argo_out_lit(out, "data: ");
        argo_openai_chat_write_error_as(ev->error, "server_error", out);
        argo_out_lit(out, "\n\n");
        break;

    default:
        /* this dialect has no place for REASONING; USAGE goes with FINISH */
        break;
    }
}


static void
argo_openai_chat_write_text(const argo_event_t *ev, argo_out_t *out)
{
    if (ev->escaped) {
        argo_out_write(out, ev->lead.data, ev->lead.len);
        argo_out_ref(out, ev->text.data, ev->text.len);
        return;
    }

    argo_json_write_text(out, ev->lead.data, ev->lead.len);
    argo_json_write_text(out, ev->text.data, ev->text.len);
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
        argo_openai_chat_write_call_id(st, &ev->id, ev->index, out);
        argo_out_lit(out, "\",\"type\":\"function\","
                          "\"function\":{\"name\":\"");
        argo_out_str(out, &ev->name);
        argo_out_lit(out, "\",\"arguments\":\"\"}}]");

    } else {
        argo_out_lit(out, ",\"function\":{\"arguments\":\"");
        argo_openai_chat_write_text(ev, out);
        argo_out_lit(out, "\"}}]");
    }

    argo_out_lit(out, ARGO_CHAT_DELTA_END);
    argo_openai_chat_write_end(st, out);
}


static void
argo_openai_chat_write_finish(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    const char  *reason;

    reason = argo_chat_finish[ev->finish];

    argo_out_write(out, st->head.data, st->head_len);
    argo_out_lit(out, ARGO_CHAT_DELTA "},\"logprobs\":null,"
                      "\"finish_reason\":\"");
    argo_out_write(out, reason, ngx_strlen(reason));
    argo_out_lit(out, "\"}");
    argo_openai_chat_write_end(st, out);

    if (st->request->include_usage) {
        argo_out_write(out, st->head.data, st->head_len);
        argo_out_lit(out, "],\"usage\":");
        argo_openai_chat_write_usage(st, out);
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

    argo_openai_chat_write_top(st, "chat.completion", out);

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

    reason = argo_chat_finish[st->finish];

    argo_out_lit(out, ",\"annotations\":[]},\"logprobs\":null,"
                      "\"finish_reason\":\"");
    argo_out_write(out, reason, ngx_strlen(reason));
    argo_out_lit(out, "\"}],\"usage\":");
    argo_openai_chat_write_usage(st, out);
    argo_out_lit(out, "}");
}


static void
argo_openai_chat_write_calls(argo_stream_t *st, argo_out_t *out)
{
    ngx_uint_t               i;
    const argo_tool_call_t  *call;

    argo_out_lit(out, ",\"tool_calls\":[");

    i = 0;

    for (call = st->calls; call; call = call->next) {

        if (i > 0) {
            argo_out_lit(out, ",");
        }

        argo_out_lit(out, "{\"id\":\"");
        argo_openai_chat_write_call_id(st, &call->id, i, out);
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


/* clients need an id to answer a call; not every upstream gives one */

static void
argo_openai_chat_write_call_id(argo_stream_t *st, const ngx_str_t *id,
    ngx_uint_t index, argo_out_t *out)
{
    if (id->len) {
        argo_out_str(out, id);
        return;
    }

    argo_out_lit(out, "call_");
    argo_out_write(out, st->id, ARGO_ID_LEN);
    argo_out_lit(out, "_");
    argo_out_int(out, index);
}


static void
argo_openai_chat_write_top(argo_stream_t *st, const char *object,
    argo_out_t *out)
{
    argo_out_lit(out, "{\"id\":\"chatcmpl-");
    argo_out_write(out, st->id, ARGO_ID_LEN);
    argo_out_lit(out, "\",\"object\":\"");
    argo_out_write(out, object, ngx_strlen(object));
    argo_out_lit(out, "\",\"created\":");
    argo_out_int(out, st->env.now);
    argo_out_lit(out, ",\"model\":");
    argo_json_write_string(out, &st->request->model);
}


static void
argo_openai_chat_write_usage(argo_stream_t *st, argo_out_t *out)
{
    argo_usage_t  usage;

    argo_stream_usage(st, &usage);

    argo_out_lit(out, "{\"prompt_tokens\":");
    argo_out_int(out, usage.prompt);
    argo_out_lit(out, ",\"completion_tokens\":");
    argo_out_int(out, usage.completion);
    argo_out_lit(out, ",\"total_tokens\":");
    argo_out_int(out, usage.prompt + usage.completion);
    argo_out_lit(out, ",\"prompt_tokens_details\":{\"cached_tokens\":");
    argo_out_int(out, usage.cached);
    argo_out_lit(out, ",\"audio_tokens\":0},"
                      "\"completion_tokens_details\":{\"reasoning_tokens\":");
    argo_out_int(out, usage.reasoning);
    argo_out_lit(out, ",\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
                      "\"rejected_prediction_tokens\":0}}");
}


static void
argo_openai_chat_write_error(const argo_error_t *err, argo_out_t *out)
{
    const char  *type;

    switch (err->type) {

    case ARGO_ERROR_INVALID_REQUEST:
    case ARGO_ERROR_NOT_FOUND:
    case ARGO_ERROR_TOO_LARGE:
        type = "invalid_request_error";
        break;

    case ARGO_ERROR_AUTHENTICATION:
        type = "authentication_error";
        break;

    case ARGO_ERROR_PERMISSION:
        type = "permission_error";
        break;

    case ARGO_ERROR_RATE_LIMIT:
        type = "rate_limit_error";
        break;

    default:
        type = "server_error";
    }

    argo_openai_chat_write_error_as(err, type, out);
}


static void
argo_openai_chat_write_error_as(const argo_error_t *err, const char *type,
    argo_out_t *out)
{
    argo_out_lit(out, "{\"error\":{\"message\":");
    argo_json_write_string(out, &err->message);
    argo_out_lit(out, ",\"type\":\"");
    argo_out_write(out, type, ngx_strlen(type));
    argo_out_lit(out, "\",\"param\":");
    argo_json_write_string_or_null(out, &err->param);
    argo_out_lit(out, ",\"code\":");
    argo_json_write_string_or_null(out, &err->code);
    argo_out_lit(out, "}}");
}
