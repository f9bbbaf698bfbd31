
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's chat completions, what a client sends.  Knows JSON and argo_ir.h,
 * nothing of HTTP and nothing of what upstream speaks.
 */


#include "argo_openai_chat.h"
#include "argo_openai.h"
#include "argo_openai_tools.h"
#include "argo_part.h"


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
    ARGO_CHAT_RESPONSE_FORMAT,
    ARGO_CHAT_TOOLS,
    ARGO_CHAT_TOOL_CHOICE,
    ARGO_CHAT_FUNCTIONS,
    ARGO_CHAT_FUNCTION_CALL,
    ARGO_CHAT_PARALLEL_TOOL_CALLS,
    ARGO_CHAT_NMEMBERS
};


static ngx_int_t argo_openai_chat_read_values(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t **found, argo_error_t *err);
static ngx_int_t argo_openai_chat_read_format(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t *node, argo_error_t *err);
static ngx_int_t argo_openai_chat_read_schema(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *schema);
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
static void argo_openai_chat_read_cache(argo_message_t *message);
static ngx_int_t argo_openai_chat_read_thoughts(argo_openai_place_t *at,
    argo_message_t *message, argo_part_t ***last);
static ngx_int_t argo_openai_chat_read_thought(argo_openai_place_t *at,
    argo_json_t *node, argo_part_t ***last);
static ngx_uint_t argo_openai_chat_may_lack_content(argo_message_t *message);
static ngx_int_t argo_openai_chat_read_part(argo_openai_place_t *at,
    argo_json_t *node, argo_part_t *part);
static ngx_int_t argo_openai_chat_read_image(argo_openai_place_t *at,
    argo_json_t *image, argo_part_t *part);
static void argo_openai_chat_read_file(argo_json_t *file,
    argo_part_t *part);


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
    { "response_format", ARGO_OPENAI_OBJECT, "an object" },
    { "tools", ARGO_OPENAI_IS(ARRAY) | ARGO_OPENAI_IS(NULL), "an array" },
    { "tool_choice", ARGO_OPENAI_STRING | ARGO_OPENAI_OBJECT,
      "a string or an object" },
    { "functions", ARGO_OPENAI_IS(ARRAY) | ARGO_OPENAI_IS(NULL), "an array" },
    { "function_call", ARGO_OPENAI_STRING | ARGO_OPENAI_OBJECT,
      "a string or an object" },
    { "parallel_tool_calls", ARGO_OPENAI_BOOL, "a boolean" }
};


/* what a request's front is if the client speaks of functions, not of tools */

u_char  argo_openai_chat_functions;


ngx_int_t
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
    ngx_int_t     rc;
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

    rc = argo_openai_read_params(pool, req, err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_openai_chat_read_format(pool, req,
                                      found[ARGO_CHAT_RESPONSE_FORMAT], err);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_openai_read_stream_options(pool,
                                           found[ARGO_CHAT_STREAM_OPTIONS],
                                           req, err);
}


/* A form that is not known goes up as it came. */

static ngx_int_t
argo_openai_chat_read_format(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *node, argo_error_t *err)
{
    argo_json_t          *type;
    argo_openai_place_t   at;

    type = argo_json_get(node, "type");

    if (argo_json_is(type, "json_object")) {
        req->format.type = ARGO_FORMAT_JSON_OBJECT;
        return NGX_OK;
    }

    if (!argo_json_is(type, "json_schema")) {

        if (argo_json_is(type, "text")) {
            req->format.type = ARGO_FORMAT_TEXT;

        } else if (node) {
            node->taken = 0;
        }

        return NGX_OK;
    }

    ngx_memzero(&at, sizeof(argo_openai_place_t));

    at.pool = pool;
    at.err = err;
    at.part = -1;

    return argo_openai_chat_read_schema(&at, req,
                                        argo_json_get(node, "json_schema"));
}


static ngx_int_t
argo_openai_chat_read_schema(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *schema)
{
    argo_json_t    *name;
    argo_format_t  *format;

    if (schema == NULL) {
        return argo_openai_missing(at, "response_format.json_schema");
    }

    if (schema->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, "response_format.json_schema",
                                    "an object", schema);
    }

    name = argo_json_get(schema, "name");

    if (name == NULL) {
        return argo_openai_missing(at, "response_format.json_schema.name");
    }

    if (name->type != ARGO_JSON_STRING) {
        return argo_openai_mistyped(at, "response_format.json_schema.name",
                                    "a string", name);
    }

    format = &req->format;

    format->type = ARGO_FORMAT_JSON_SCHEMA;
    format->name = name;
    format->description = argo_json_get(schema, "description");
    format->schema = argo_json_get(schema, "schema");
    format->strict = argo_json_get(schema, "strict");

    return NGX_OK;
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

    req->front = members.functions ? &argo_openai_chat_functions : NULL;

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

    argo_openai_chat_read_cache(message);

    switch (message->role) {

    case ARGO_ROLE_ASSISTANT:
        *caller = message;

        last = &message->parts;

        rc = argo_openai_chat_read_thoughts(at, message, &last);
        if (rc != NGX_OK) {
            return rc;
        }

        while (*last) {
            last = &(*last)->next;
        }

        return argo_openai_read_calls(at->pool, message, last, at->err);

    case ARGO_ROLE_TOOL:
    case ARGO_ROLE_OTHER:
        return argo_openai_read_result(at->pool, message, *caller, at->err);

    default:
        return NGX_OK;
    }
}


/* Some clients mark a message, where others mark the last part of it. */

static void
argo_openai_chat_read_cache(argo_message_t *message)
{
    argo_part_t  *part;
    argo_json_t  *cache;

    part = message->parts;
    cache = argo_json_get(message->node, "cache_control");

    if (part == NULL || cache == NULL || cache->type != ARGO_JSON_OBJECT) {
        return;
    }

    while (part->next) {
        part = part->next;
    }

    if (part->cache == NULL) {
        part->cache = cache;
    }
}


/*
 * Claude's thoughts, as we have told them, before all else that was said.
 * Blocks have signatures; text alone has none, and is of no use to Claude.
 */

static ngx_int_t
argo_openai_chat_read_thoughts(argo_openai_place_t *at,
    argo_message_t *message, argo_part_t ***last)
{
    ngx_int_t     rc;
    argo_json_t  *list, *text, *node;
    argo_part_t  *part, *rest;

    list = argo_json_get(message->node, "thinking_blocks");
    text = argo_json_get(message->node, "reasoning_content");

    rest = message->parts;

    if (list && list->type == ARGO_JSON_ARRAY) {

        for (node = list->child; node; node = node->next) {

            rc = argo_openai_chat_read_thought(at, node, last);
            if (rc != NGX_OK) {
                return rc;
            }
        }

    } else if (text && text->type == ARGO_JSON_STRING && text->raw.len > 2) {

        part = ngx_pcalloc(at->pool, sizeof(argo_part_t));
        if (part == NULL) {
            return NGX_ERROR;
        }

        part->type = ARGO_PART_REASONING;
        part->text = argo_json_inner(text);
        part->node = text;

        **last = part;
        *last = &part->next;
    }

    **last = rest;

    return NGX_OK;
}


static ngx_int_t
argo_openai_chat_read_thought(argo_openai_place_t *at, argo_json_t *node,
    argo_part_t ***last)
{
    argo_json_t  *type, *text, *signature;
    argo_part_t  *part;

    type = argo_json_get(node, "type");
    text = NULL;

    if (argo_json_is(type, "thinking")) {
        text = argo_chat_get_string(node, "thinking");
        signature = argo_chat_get_string(node, "signature");

    } else if (argo_json_is(type, "redacted_thinking")) {
        signature = argo_chat_get_string(node, "data");

    } else {
        return NGX_OK;
    }

    part = ngx_pcalloc(at->pool, sizeof(argo_part_t));
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->type = ARGO_PART_REASONING;
    part->vendor = ARGO_FAMILY_ANTHROPIC;
    part->node = node;
    part->redacted = argo_json_is(type, "redacted_thinking") ? 1 : 0;

    if (text) {
        part->text = argo_json_inner(text);
    }

    if (signature) {
        part->signature = argo_json_inner(signature);
    }

    **last = part;
    *last = &part->next;

    return NGX_OK;
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
    argo_json_t  *type, *text, *cache;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, "", "an object", node);
    }

    part->raw = node;
    part->node = node;

    cache = argo_json_get(node, "cache_control");

    if (cache && cache->type == ARGO_JSON_OBJECT) {
        part->cache = cache;
    }

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

        if (argo_json_is(type, "file")) {
            argo_openai_chat_read_file(argo_json_get(node, "file"), part);
        }

        return argo_openai_name_place(at, "", &part->param);
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

        part->detail = argo_json_get(image, "detail");

        if (url->type != ARGO_JSON_STRING) {
            return argo_openai_mistyped(at, ".image_url.url", "a string",
                                        url);
        }

    } else if (image->type != ARGO_JSON_STRING) {
        return argo_openai_mistyped(at, ".image_url", "an object", image);
    }

    return argo_openai_read_image(at, ".image_url", url, part);
}


/* A file that lies somewhere else is known to OpenAI alone. */

static void
argo_openai_chat_read_file(argo_json_t *file, argo_part_t *part)
{
    argo_json_t  *data, *name;

    data = argo_chat_get_string(file, "file_data");
    name = argo_chat_get_string(file, "filename");

    if (data == NULL) {
        return;
    }

    part->text = argo_json_inner(data);

    if (!argo_part_has_data(part)) {
        ngx_str_null(&part->text);
        return;
    }

    part->type = ARGO_PART_FILE;

    if (name) {
        part->name = argo_json_inner(name);
    }
}
