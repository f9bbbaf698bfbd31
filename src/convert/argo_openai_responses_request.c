
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's Responses, what a client sends: items become the messages of a
 * conversation.  What needs a memory that outlives the request, or a tool
 * that someone else runs, is refused by name.  docs/responses.md has the
 * tables.
 */


#include "argo_openai_responses.h"
#include "argo_tool.h"


#define ARGO_RESPONSES_STATELESS                                              \
    " is not supported: the gateway keeps no responses; send the whole "      \
    "conversation in input"

#define ARGO_RESPONSES_MOVED  " is not a parameter of responses: use "


/* what is refused, if it is found in the way that makes it so */

typedef struct {
    ngx_uint_t            member;
    ngx_uint_t            only_true;
    const char           *message;
} argo_responses_gap_t;


/* input on its way to messages */

typedef struct {
    argo_openai_place_t   at;
    argo_request_t       *req;
    argo_message_t       *assistant;    /* that the next item may join */
    argo_part_t         **last;         /* of its parts */
    ngx_uint_t            messages;     /* made of items */
    unsigned              calls:1;      /* it has called a tool */
} argo_responses_reader_t;


typedef ngx_int_t (*argo_responses_item_pt)(argo_responses_reader_t *in,
    argo_json_t *item);

typedef struct {
    const char               *type;
    argo_responses_item_pt    read;
} argo_responses_item_type_t;


static ngx_int_t argo_openai_responses_check(ngx_pool_t *pool,
    argo_json_t **found, argo_error_t *err);
static ngx_int_t argo_openai_responses_read_values(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t **found, argo_error_t *err);

static ngx_int_t argo_openai_responses_read_text(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *text);
static ngx_int_t argo_openai_responses_read_format(argo_openai_place_t *at,
    argo_format_t *format, argo_json_t *node);
static ngx_int_t argo_openai_responses_read_optional(argo_openai_place_t *at,
    argo_json_t *obj, const char *member, unsigned types,
    const char *expected, argo_json_t **node);

static ngx_int_t argo_openai_responses_read_tools(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *list);
static ngx_int_t argo_openai_responses_read_tool(argo_openai_place_t *at,
    argo_json_t *node, argo_tool_t *tool);
static ngx_int_t argo_openai_responses_read_choice(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *choice);
static ngx_int_t argo_openai_responses_read_mode(argo_openai_place_t *at,
    argo_request_t *req, const char *member, argo_json_t *mode);
static ngx_int_t argo_openai_responses_read_allowed(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *choice);
static ngx_int_t argo_openai_responses_read_name(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *obj, ngx_str_t *name);

static ngx_int_t argo_openai_responses_read_input(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t **found, argo_error_t *err);
static ngx_int_t argo_openai_responses_read_items(
    argo_responses_reader_t *in, argo_json_t *input);
static ngx_int_t argo_openai_responses_read_item(argo_responses_reader_t *in,
    argo_json_t *item);
static ngx_int_t argo_openai_responses_read_message(
    argo_responses_reader_t *in, argo_json_t *item);
static ngx_int_t argo_openai_responses_read_role(argo_responses_reader_t *in,
    argo_json_t *item, argo_role_e *role);
static ngx_int_t argo_openai_responses_read_call(argo_responses_reader_t *in,
    argo_json_t *item);
static ngx_int_t argo_openai_responses_read_output(
    argo_responses_reader_t *in, argo_json_t *item);
static ngx_int_t argo_openai_responses_read_reasoning(
    argo_responses_reader_t *in, argo_json_t *item);
static ngx_int_t argo_openai_responses_read_more_tools(
    argo_responses_reader_t *in, argo_json_t *item);
static ngx_int_t argo_openai_responses_read_content(
    argo_responses_reader_t *in, const char *member, argo_json_t *content,
    argo_part_t **parts, ngx_uint_t *string);
static ngx_int_t argo_openai_responses_read_part(argo_openai_place_t *at,
    argo_json_t *node, argo_part_t *part);
static ngx_int_t argo_openai_responses_read_image(argo_openai_place_t *at,
    argo_json_t *node, argo_part_t *part);
static argo_message_t *argo_openai_responses_add_message(
    argo_responses_reader_t *in, argo_role_e role);
static ngx_int_t argo_openai_responses_add_text(argo_responses_reader_t *in,
    argo_role_e role, argo_json_t *text);


/* in the order of the enum in the header */

static const argo_openai_member_t
    argo_responses_members[ARGO_RESPONSES_NMEMBERS] =
{
    { "model", ARGO_OPENAI_STRING, "a string" },
    { "input", ARGO_OPENAI_STRING | ARGO_OPENAI_IS(ARRAY),
      "a string or an array" },
    { "instructions", ARGO_OPENAI_STRING, "a string" },
    { "stream", ARGO_OPENAI_BOOL, "a boolean" },
    { "stream_options", ARGO_OPENAI_OBJECT, "an object" },

    /* whatever it is, the bound name takes its place */
    { "user", ARGO_OPENAI_ANY, "" },

    { "tools", ARGO_OPENAI_IS(ARRAY) | ARGO_OPENAI_IS(NULL), "an array" },
    { "tool_choice", ARGO_OPENAI_STRING | ARGO_OPENAI_IS(OBJECT),
      "a string or an object" },
    { "parallel_tool_calls", ARGO_OPENAI_BOOL, "a boolean" },
    { "max_output_tokens", ARGO_OPENAI_NUMBER, "a number" },
    { "max_tool_calls", ARGO_OPENAI_NUMBER, "a number" },
    { "text", ARGO_OPENAI_OBJECT, "an object" },
    { "reasoning", ARGO_OPENAI_OBJECT, "an object" },
    { "temperature", ARGO_OPENAI_NUMBER, "a number" },
    { "top_p", ARGO_OPENAI_NUMBER, "a number" },
    { "top_logprobs", ARGO_OPENAI_NUMBER, "a number" },
    { "include", ARGO_OPENAI_IS(ARRAY) | ARGO_OPENAI_IS(NULL), "an array" },
    { "truncation", ARGO_OPENAI_STRING, "a string" },
    { "metadata", ARGO_OPENAI_OBJECT, "an object" },
    { "store", ARGO_OPENAI_BOOL, "a boolean" },
    { "service_tier", ARGO_OPENAI_STRING, "a string" },
    { "prompt_cache_key", ARGO_OPENAI_STRING, "a string" },
    { "safety_identifier", ARGO_OPENAI_STRING, "a string" },

    /* what is refused */
    { "previous_response_id", ARGO_OPENAI_ANY, "" },
    { "conversation", ARGO_OPENAI_ANY, "" },
    { "background", ARGO_OPENAI_BOOL, "a boolean" },
    { "prompt", ARGO_OPENAI_ANY, "" },
    { "messages", ARGO_OPENAI_ANY, "" },
    { "functions", ARGO_OPENAI_ANY, "" },
    { "function_call", ARGO_OPENAI_ANY, "" },
    { "n", ARGO_OPENAI_ANY, "" },
    { "max_tokens", ARGO_OPENAI_ANY, "" },
    { "max_completion_tokens", ARGO_OPENAI_ANY, "" },
    { "response_format", ARGO_OPENAI_ANY, "" },
    { "reasoning_effort", ARGO_OPENAI_ANY, "" },
    { "verbosity", ARGO_OPENAI_ANY, "" }
};


static const argo_responses_gap_t  argo_responses_gaps[] = {

    { ARGO_RESPONSES_PREVIOUS, 0, ARGO_RESPONSES_STATELESS },
    { ARGO_RESPONSES_CONVERSATION, 0, ARGO_RESPONSES_STATELESS },

    { ARGO_RESPONSES_BACKGROUND, 1,
      " is not supported: the gateway keeps no responses that could be "
      "fetched later" },

    { ARGO_RESPONSES_PROMPT, 0,
      " is not supported: the gateway keeps no prompt templates" },

    /* chat completions' names: taken as they are they would change meaning */

    { ARGO_RESPONSES_MESSAGES, 0, ARGO_RESPONSES_MOVED "input" },
    { ARGO_RESPONSES_FUNCTIONS, 0, ARGO_RESPONSES_MOVED "tools" },
    { ARGO_RESPONSES_FUNCTION_CALL, 0, ARGO_RESPONSES_MOVED "tool_choice" },
    { ARGO_RESPONSES_N, 0, " is not a parameter of responses" },
    { ARGO_RESPONSES_MAX_TOKENS, 0,
      ARGO_RESPONSES_MOVED "max_output_tokens" },
    { ARGO_RESPONSES_MAX_COMPLETION, 0,
      ARGO_RESPONSES_MOVED "max_output_tokens" },
    { ARGO_RESPONSES_FORMAT, 0, ARGO_RESPONSES_MOVED "text.format" },
    { ARGO_RESPONSES_EFFORT, 0, ARGO_RESPONSES_MOVED "reasoning.effort" },
    { ARGO_RESPONSES_VERBOSITY, 0, ARGO_RESPONSES_MOVED "text.verbosity" }
};


#define ARGO_RESPONSES_NGAPS                                                  \
    (sizeof(argo_responses_gaps) / sizeof(argo_responses_gaps[0]))


/* members that mean the same to a chat upstream, and go up as they came */

static const ngx_uint_t  argo_responses_same[] = {
    ARGO_RESPONSES_TEMPERATURE,
    ARGO_RESPONSES_TOP_P,
    ARGO_RESPONSES_SERVICE_TIER,
    ARGO_RESPONSES_CACHE_KEY,
    ARGO_RESPONSES_SAFETY
};


#define ARGO_RESPONSES_NSAME                                                  \
    (sizeof(argo_responses_same) / sizeof(argo_responses_same[0]))


static const argo_responses_item_type_t  argo_responses_items[] = {
    { "message", argo_openai_responses_read_message },
    { "function_call", argo_openai_responses_read_call },
    { "function_call_output", argo_openai_responses_read_output },
    { "reasoning", argo_openai_responses_read_reasoning },
    { "additional_tools", argo_openai_responses_read_more_tools }
};


#define ARGO_RESPONSES_NITEMS                                                 \
    (sizeof(argo_responses_items) / sizeof(argo_responses_items[0]))


ngx_int_t
argo_openai_responses_read_request(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    argo_json_t               **found;
    argo_responses_request_t   *front;

    front = ngx_palloc(pool, sizeof(argo_responses_request_t));
    if (front == NULL) {
        return NGX_ERROR;
    }

    req->front = front;
    found = front->found;

    rc = argo_openai_read_members(pool, req->root, argo_responses_members,
                                  ARGO_RESPONSES_NMEMBERS, found, err);
    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < ARGO_RESPONSES_NSAME; i++) {
        if (found[argo_responses_same[i]]) {
            found[argo_responses_same[i]]->taken = 0;
        }
    }

    rc = argo_openai_responses_check(pool, found, err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_openai_responses_read_values(pool, req, found, err);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_openai_responses_read_input(pool, req, found, err);
}


static ngx_int_t
argo_openai_responses_check(ngx_pool_t *pool, argo_json_t **found,
    argo_error_t *err)
{
    ngx_uint_t                   i;
    const char                  *name;
    argo_json_t                 *node;
    const argo_responses_gap_t  *gap;

    for (i = 0; i < ARGO_RESPONSES_NGAPS; i++) {
        gap = &argo_responses_gaps[i];
        node = found[gap->member];

        if (node == NULL
            || (gap->only_true && node->type != ARGO_JSON_TRUE))
        {
            continue;
        }

        name = argo_responses_members[gap->member].name;

        return argo_error_setf(pool, err, 400, "unsupported_parameter", name,
                               "zz", name, gap->message);
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_values(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t **found, argo_error_t *err)
{
    ngx_int_t             rc;
    argo_json_t          *node;
    argo_openai_place_t   at;

    node = found[ARGO_RESPONSES_MODEL];

    if (node && argo_json_text(pool, node, &req->model) != NGX_OK) {
        return NGX_ERROR;
    }

    node = found[ARGO_RESPONSES_STREAM];
    req->stream = (node && node->type == ARGO_JSON_TRUE);

    node = found[ARGO_RESPONSES_PARALLEL];

    if (node) {
        req->parallel = (node->type == ARGO_JSON_TRUE)
                        ? ARGO_PARALLEL_YES : ARGO_PARALLEL_NO;
    }

    req->max_output = found[ARGO_RESPONSES_MAX_OUTPUT];

    at.pool = pool;
    at.err = err;
    at.list = NULL;

    rc = argo_openai_responses_read_text(&at, req,
                                         found[ARGO_RESPONSES_TEXT]);
    if (rc != NGX_OK) {
        return rc;
    }

    node = found[ARGO_RESPONSES_REASONING];

    return argo_openai_responses_read_optional(&at, node, "reasoning.effort",
                                               ARGO_OPENAI_STRING,
                                               "a string", &req->effort);
}


static ngx_int_t
argo_openai_responses_read_text(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *text)
{
    ngx_int_t     rc;
    argo_json_t  *format;

    rc = argo_openai_responses_read_optional(at, text, "text.verbosity",
                                             ARGO_OPENAI_STRING, "a string",
                                             &req->verbosity);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_openai_responses_read_optional(at, text, "text.format",
                                             ARGO_OPENAI_OBJECT, "an object",
                                             &format);

    if (rc != NGX_OK || format == NULL) {
        return rc;
    }

    return argo_openai_responses_read_format(at, &req->format, format);
}


static ngx_int_t
argo_openai_responses_read_format(argo_openai_place_t *at,
    argo_format_t *format, argo_json_t *node)
{
    ngx_int_t     rc;
    argo_json_t  *type;

    rc = argo_openai_responses_read_optional(at, node, "text.format.type",
                                             ARGO_OPENAI_IS(STRING),
                                             "a string", &type);
    if (rc != NGX_OK) {
        return rc;
    }

    if (type == NULL) {
        return argo_openai_missing(at, "text.format.type");
    }

    if (argo_json_is(type, "text")) {
        format->type = ARGO_FORMAT_TEXT;
        return NGX_OK;
    }

    if (argo_json_is(type, "json_object")) {
        format->type = ARGO_FORMAT_JSON_OBJECT;
        return NGX_OK;
    }

    if (!argo_json_is(type, "json_schema")) {
        return argo_openai_wrong(at, "text.format.type", "invalid_value",
                                 "must be one of text, json_object and "
                                 "json_schema");
    }

    format->type = ARGO_FORMAT_JSON_SCHEMA;

    rc = argo_openai_responses_read_optional(at, node, "text.format.name",
                                             ARGO_OPENAI_IS(STRING),
                                             "a string", &format->name);

    if (rc == NGX_OK && format->name == NULL) {
        return argo_openai_missing(at, "text.format.name");
    }

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_optional(at, node,
                                                 "text.format.schema",
                                                 ARGO_OPENAI_IS(OBJECT),
                                                 "an object",
                                                 &format->schema);
    }

    if (rc == NGX_OK && format->schema == NULL) {
        return argo_openai_missing(at, "text.format.schema");
    }

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_optional(at, node,
                                                 "text.format.description",
                                                 ARGO_OPENAI_STRING,
                                                 "a string",
                                                 &format->description);
    }

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_optional(at, node,
                                                 "text.format.strict",
                                                 ARGO_OPENAI_BOOL,
                                                 "a boolean",
                                                 &format->strict);
    }

    return rc;
}


/*
 * Finds a member that need not be there, by the last part of a name with
 * dots; null is as none if it is among the types.
 */

static ngx_int_t
argo_openai_responses_read_optional(argo_openai_place_t *at,
    argo_json_t *obj, const char *member, unsigned types,
    const char *expected, argo_json_t **node)
{
    size_t       len;
    const char  *name;

    len = ngx_strlen(member);
    name = member + len;

    while (name > member && name[-1] != '.') {
        name--;
    }

    *node = argo_json_find(obj, name, member + len - name);

    if (*node && !(types & (1u << (*node)->type))) {
        return argo_openai_mistyped(at, member, expected, *node);
    }

    if (*node && (*node)->type == ARGO_JSON_NULL) {
        *node = NULL;
    }

    return NGX_OK;
}


/* at names the list itself, or the item that has it in at->parts */

static ngx_int_t
argo_openai_responses_read_tools(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *list)
{
    ngx_int_t      rc;
    ngx_int_t     *index;
    argo_tool_t   *tool;
    argo_json_t   *node;

    /* tools of the request are its items, tools of an item are its parts */

    index = (at->part == -1) ? &at->item : &at->part;

    for (node = list->child, *index = 0; node; node = node->next) {

        tool = ngx_pcalloc(at->pool, sizeof(argo_tool_t));
        if (tool == NULL) {
            return NGX_ERROR;
        }

        tool->index = *index;

        rc = argo_openai_responses_read_tool(at, node, tool);
        if (rc != NGX_OK) {
            return rc;
        }

        *req->last_tool = tool;
        req->last_tool = &tool->next;

        (*index)++;
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_tool(argo_openai_place_t *at, argo_json_t *node,
    argo_tool_t *tool)
{
    ngx_int_t     rc;
    argo_json_t  *type, *name;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, "", "an object", node);
    }

    rc = argo_openai_read_string(at, node, ".type", &type);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!argo_json_is(type, "function")) {
        return argo_openai_wrong(at, ".type", "unsupported_value",
                                 "must be function: ARGO runs no tools of "
                                 "its own and takes no other kind");
    }

    rc = argo_openai_read_string(at, node, ".name", &name);
    if (rc != NGX_OK) {
        return rc;
    }

    tool->name = argo_json_inner(name);

    if (tool->name.len == 0) {
        return argo_openai_wrong(at, ".name", "invalid_value",
                                 "must not be empty");
    }

    rc = argo_openai_responses_read_optional(at, node, ".description",
                                             ARGO_OPENAI_STRING, "a string",
                                             &tool->description);

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_optional(at, node, ".parameters",
                                                 ARGO_OPENAI_OBJECT,
                                                 "an object",
                                                 &tool->parameters);
    }

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_optional(at, node, ".strict",
                                                 ARGO_OPENAI_BOOL,
                                                 "a boolean", &tool->strict);
    }

    return rc;
}


static ngx_int_t
argo_openai_responses_read_choice(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *choice)
{
    ngx_int_t     rc;
    argo_json_t  *type;

    if (choice->type == ARGO_JSON_STRING) {
        return argo_openai_responses_read_mode(at, req, "tool_choice",
                                               choice);
    }

    rc = argo_openai_responses_read_optional(at, choice, "tool_choice.type",
                                             ARGO_OPENAI_IS(STRING),
                                             "a string", &type);
    if (rc != NGX_OK) {
        return rc;
    }

    if (type == NULL) {
        return argo_openai_missing(at, "tool_choice.type");
    }

    if (argo_json_is(type, "function")) {
        req->tool_choice = ARGO_TOOL_CHOICE_NAMED;

        return argo_openai_responses_read_name(at, req, choice,
                                               &req->tool_name);
    }

    if (argo_json_is(type, "allowed_tools")) {
        return argo_openai_responses_read_allowed(at, req, choice);
    }

    return argo_openai_wrong(at, "tool_choice.type", "unsupported_value",
                             "must be function or allowed_tools: ARGO runs "
                             "no tools of its own");
}


static ngx_int_t
argo_openai_responses_read_mode(argo_openai_place_t *at, argo_request_t *req,
    const char *member, argo_json_t *mode)
{
    if (argo_json_is(mode, "auto")) {
        req->tool_choice = ARGO_TOOL_CHOICE_AUTO;

    } else if (argo_json_is(mode, "none")) {
        req->tool_choice = ARGO_TOOL_CHOICE_NONE;

    } else if (argo_json_is(mode, "required")) {
        req->tool_choice = ARGO_TOOL_CHOICE_REQUIRED;

    } else {
        return argo_openai_wrong(at, member, "invalid_value",
                                 "must be one of none, auto and required");
    }

    return NGX_OK;
}


/* The others are not offered at all, which upstreams understand. */

static ngx_int_t
argo_openai_responses_read_allowed(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *choice)
{
    ngx_int_t      rc;
    ngx_str_t      name;
    argo_json_t   *mode, *list, *node;
    argo_tool_t   *tool, *allowed, **last;

    list = NULL;

    rc = argo_openai_responses_read_optional(at, choice, "tool_choice.mode",
                                             ARGO_OPENAI_IS(STRING),
                                             "a string", &mode);

    if (rc == NGX_OK && mode == NULL) {
        return argo_openai_missing(at, "tool_choice.mode");
    }

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_mode(at, req, "tool_choice.mode",
                                             mode);
    }

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_optional(at, choice,
                                                 "tool_choice.tools",
                                                 ARGO_OPENAI_IS(ARRAY),
                                                 "an array", &list);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (list == NULL || list->count == 0) {
        return argo_openai_missing(at, "tool_choice.tools");
    }

    allowed = NULL;
    last = &allowed;

    for (node = list->child; node; node = node->next) {

        rc = argo_openai_responses_read_name(at, req, node, &name);
        if (rc != NGX_OK) {
            return rc;
        }

        for (tool = allowed; tool; tool = tool->next) {
            if (argo_tool_same(&tool->name, &name)) {
                break;
            }
        }

        if (tool) {
            /* named twice */
            continue;
        }

        tool = ngx_palloc(at->pool, sizeof(argo_tool_t));
        if (tool == NULL) {
            return NGX_ERROR;
        }

        *tool = *argo_tool_find(req, &name);
        tool->next = NULL;

        *last = tool;
        last = &tool->next;
    }

    req->tools = allowed;
    req->last_tool = last;

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_name(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *obj, ngx_str_t *name)
{
    ngx_int_t     rc;
    argo_json_t  *node;

    rc = argo_openai_responses_read_optional(at, obj, "tool_choice.name",
                                             ARGO_OPENAI_IS(STRING),
                                             "a string", &node);
    if (rc != NGX_OK) {
        return rc;
    }

    if (node == NULL) {
        return argo_openai_missing(at, "tool_choice.name");
    }

    *name = argo_json_inner(node);

    if (argo_tool_find(req, name) == NULL) {
        return argo_openai_wrong(at, "tool_choice", "invalid_value",
                                 "names a function that is not among tools");
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_input(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t **found, argo_error_t *err)
{
    ngx_int_t                 rc;
    argo_json_t              *input, *node;
    argo_responses_reader_t   in;

    ngx_memzero(&in, sizeof(argo_responses_reader_t));

    in.req = req;
    in.at.pool = pool;
    in.at.err = err;
    in.at.fetch_images = req->fetch_images;

    req->messages = NULL;
    req->last_message = &req->messages;
    req->tools = NULL;
    req->last_tool = &req->tools;

    node = found[ARGO_RESPONSES_INSTRUCTIONS];

    if (node && node->raw.len > 2
        && argo_openai_responses_add_text(&in, ARGO_ROLE_SYSTEM, node)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    input = found[ARGO_RESPONSES_INPUT];

    if (input == NULL) {
        return argo_error_set(err, 400, "missing_required_parameter",
                              "input", "input is missing");
    }

    in.at.list = "tools";
    in.at.part = -1;

    if (found[ARGO_RESPONSES_TOOLS]) {
        rc = argo_openai_responses_read_tools(&in.at, req,
                                              found[ARGO_RESPONSES_TOOLS]);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (input->type == ARGO_JSON_STRING) {
        rc = argo_openai_responses_add_text(&in, ARGO_ROLE_USER, input);

    } else {
        rc = argo_openai_responses_read_items(&in, input);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    node = found[ARGO_RESPONSES_TOOL_CHOICE];

    if (node == NULL) {
        return NGX_OK;
    }

    in.at.list = NULL;

    return argo_openai_responses_read_choice(&in.at, req, node);
}


static ngx_int_t
argo_openai_responses_read_items(argo_responses_reader_t *in,
    argo_json_t *input)
{
    ngx_int_t     rc;
    argo_json_t  *item;

    if (input->count == 0) {
        return argo_error_set(in->at.err, 400, "empty_array", "input",
                              "input must have at least one item");
    }

    in->at.list = "input";
    in->at.item = 0;
    in->messages = 0;

    for (item = input->child; item; item = item->next) {

        in->at.part = -1;

        rc = argo_openai_responses_read_item(in, item);
        if (rc != NGX_OK) {
            return rc;
        }

        in->at.item++;
    }

    if (in->messages == 0) {
        return argo_error_set(in->at.err, 400, "invalid_value", "input",
                              "input must have an item that says something");
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_item(argo_responses_reader_t *in,
    argo_json_t *item)
{
    ngx_int_t     rc;
    ngx_uint_t    i;
    argo_json_t  *type;

    if (item->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(&in->at, "", "an object", item);
    }

    type = argo_json_get(item, "type");

    if (type == NULL || type->type == ARGO_JSON_NULL) {

        /* only messages may go without, and references */

        if (argo_json_get(item, "role")) {
            return argo_openai_responses_read_message(in, item);
        }

        if (argo_json_get(item, "id")) {
            return argo_openai_wrong(&in->at, "", "unsupported_value",
                                     "refers to an earlier item: the "
                                     "gateway keeps none");
        }
    }

    rc = argo_openai_read_string(&in->at, item, ".type", &type);
    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < ARGO_RESPONSES_NITEMS; i++) {

        if (argo_json_text_is(type, argo_responses_items[i].type,
                              ngx_strlen(argo_responses_items[i].type)))
        {
            return argo_responses_items[i].read(in, item);
        }
    }

    if (argo_json_is(type, "item_reference")) {
        return argo_openai_wrong(&in->at, ".type", "unsupported_value",
                                 "must not be item_reference: the gateway "
                                 "keeps no items");
    }

    return argo_openai_wrong(&in->at, ".type", "unsupported_value",
                             "must be one of message, function_call, "
                             "function_call_output and reasoning: a chat "
                             "has no place for others");
}


static ngx_int_t
argo_openai_responses_read_message(argo_responses_reader_t *in,
    argo_json_t *item)
{
    ngx_int_t         rc;
    ngx_uint_t        string;
    argo_role_e       role;
    argo_json_t      *content;
    argo_part_t      *parts;
    argo_message_t   *message;

    rc = argo_openai_responses_read_role(in, item, &role);
    if (rc != NGX_OK) {
        return rc;
    }

    content = argo_json_get(item, "content");

    if (content == NULL) {
        return argo_openai_missing(&in->at, ".content");
    }

    rc = argo_openai_responses_read_content(in, ".content", content, &parts,
                                            &string);
    if (rc != NGX_OK) {
        return rc;
    }

    if (parts == NULL) {
        return argo_openai_wrong(&in->at, ".content", "empty_array",
                                 "must have at least one part");
    }

    if (role == ARGO_ROLE_ASSISTANT && in->calls) {

        /* a call's results must follow it: what was said joins the call */

        message = in->assistant;
        message->string = 0;

    } else {
        message = argo_openai_responses_add_message(in, role);
        if (message == NULL) {
            return NGX_ERROR;
        }

        message->string = string ? 1 : 0;
    }

    *in->last = parts;

    while (*in->last) {
        in->last = &(*in->last)->next;
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_role(argo_responses_reader_t *in,
    argo_json_t *item, argo_role_e *role)
{
    ngx_int_t     rc;
    argo_json_t  *node;

    *role = ARGO_ROLE_OTHER;

    rc = argo_openai_read_string(&in->at, item, ".role", &node);
    if (rc != NGX_OK) {
        return rc;
    }

    if (argo_json_is(node, "user")) {
        *role = ARGO_ROLE_USER;

    } else if (argo_json_is(node, "assistant")) {
        *role = ARGO_ROLE_ASSISTANT;

    } else if (argo_json_is(node, "system")
               || argo_json_is(node, "developer"))
    {
        *role = ARGO_ROLE_SYSTEM;

    } else {
        return argo_openai_wrong(&in->at, ".role", "invalid_value",
                                 "must be one of user, assistant, system "
                                 "and developer");
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_call(argo_responses_reader_t *in,
    argo_json_t *item)
{
    ngx_int_t     rc;
    argo_json_t  *id, *name, *arguments;
    argo_part_t  *part;

    rc = argo_openai_read_string(&in->at, item, ".call_id", &id);

    if (rc == NGX_OK) {
        rc = argo_openai_read_string(&in->at, item, ".name", &name);
    }

    if (rc == NGX_OK) {
        rc = argo_openai_read_string(&in->at, item, ".arguments",
                                     &arguments);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    part = ngx_pcalloc(in->at.pool, sizeof(argo_part_t));
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->type = ARGO_PART_TOOL_CALL;
    part->id = argo_json_inner(id);
    part->name = argo_json_inner(name);
    part->text = argo_json_inner(arguments);

    if (argo_openai_name_place(&in->at, ".arguments", &part->param)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* calls made at once, and what was said before, are one message */

    if (in->assistant == NULL
        && argo_openai_responses_add_message(in, ARGO_ROLE_ASSISTANT) == NULL)
    {
        return NGX_ERROR;
    }

    *in->last = part;
    in->last = &part->next;
    in->calls = 1;

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_output(argo_responses_reader_t *in,
    argo_json_t *item)
{
    ngx_int_t         rc;
    ngx_uint_t        string;
    argo_json_t      *id, *output;
    argo_part_t      *part;

    rc = argo_openai_read_string(&in->at, item, ".call_id", &id);
    if (rc != NGX_OK) {
        return rc;
    }

    output = argo_json_get(item, "output");

    if (output == NULL) {
        return argo_openai_missing(&in->at, ".output");
    }

    part = ngx_pcalloc(in->at.pool, sizeof(argo_part_t));
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->type = ARGO_PART_TOOL_RESULT;
    part->id = argo_json_inner(id);

    rc = argo_openai_responses_read_content(in, ".output", output,
                                            &part->parts, &string);
    if (rc != NGX_OK) {
        return rc;
    }

    part->string = string ? 1 : 0;

    if (argo_openai_name_place(&in->at, ".call_id", &part->param) != NGX_OK
        || argo_openai_responses_add_message(in, ARGO_ROLE_TOOL) == NULL)
    {
        return NGX_ERROR;
    }

    *in->last = part;

    return NGX_OK;
}


/*
 * What a model thought can be read only by the service that made it, and a
 * chat has no place for it: it is left out, as a chat client would do.
 */

static ngx_int_t
argo_openai_responses_read_reasoning(argo_responses_reader_t *in,
    argo_json_t *item)
{
    (void) in;
    (void) item;

    return NGX_OK;
}


/* some clients hand in their tools as an item */

static ngx_int_t
argo_openai_responses_read_more_tools(argo_responses_reader_t *in,
    argo_json_t *item)
{
    argo_json_t  *tools;

    tools = argo_json_get(item, "tools");

    if (tools == NULL) {
        return argo_openai_missing(&in->at, ".tools");
    }

    if (tools->type != ARGO_JSON_ARRAY) {
        return argo_openai_mistyped(&in->at, ".tools", "an array", tools);
    }

    in->at.parts = ".tools";
    in->at.part = 0;

    return argo_openai_responses_read_tools(&in->at, in->req, tools);
}


/* Reads a string or a list of parts; *parts is NULL for an empty list. */

static ngx_int_t
argo_openai_responses_read_content(argo_responses_reader_t *in,
    const char *member, argo_json_t *content, argo_part_t **parts,
    ngx_uint_t *string)
{
    ngx_int_t      rc;
    argo_part_t   *part, **last;
    argo_json_t   *node;

    *parts = NULL;
    last = parts;

    if (content->type == ARGO_JSON_STRING) {
        part = ngx_pcalloc(in->at.pool, sizeof(argo_part_t));
        if (part == NULL) {
            return NGX_ERROR;
        }

        part->text = argo_json_inner(content);

        *parts = part;
        *string = 1;

        return NGX_OK;
    }

    if (content->type != ARGO_JSON_ARRAY) {
        return argo_openai_mistyped(&in->at, member,
                                    "a string or an array", content);
    }

    in->at.parts = member;
    in->at.part = 0;

    for (node = content->child; node; node = node->next) {

        part = ngx_pcalloc(in->at.pool, sizeof(argo_part_t));
        if (part == NULL) {
            return NGX_ERROR;
        }

        rc = argo_openai_responses_read_part(&in->at, node, part);
        if (rc != NGX_OK) {
            return rc;
        }

        *last = part;
        last = &part->next;

        in->at.part++;
    }

    in->at.part = -1;

    /* one text is what every upstream takes as a string */

    *string = (content->count == 1 && (*parts)->type == ARGO_PART_TEXT);

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_part(argo_openai_place_t *at, argo_json_t *node,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *type, *text;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, "", "an object", node);
    }

    rc = argo_openai_read_string(at, node, ".type", &type);
    if (rc != NGX_OK) {
        return rc;
    }

    if (argo_json_is(type, "input_image")) {
        return argo_openai_responses_read_image(at, node, part);
    }

    if (argo_json_is(type, "input_text") || argo_json_is(type, "output_text")
        || argo_json_is(type, "text"))
    {
        rc = argo_openai_read_string(at, node, ".text", &text);

    } else if (argo_json_is(type, "refusal")) {
        rc = argo_openai_read_string(at, node, ".refusal", &text);

    } else {
        return argo_openai_wrong(at, ".type", "unsupported_value",
                                 "must be one of input_text, input_image, "
                                 "output_text and refusal: ARGO takes text "
                                 "and images");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    part->type = ARGO_PART_TEXT;
    part->text = argo_json_inner(text);

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_image(argo_openai_place_t *at, argo_json_t *node,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *url;

    rc = argo_openai_responses_read_optional(at, node, ".image_url",
                                             ARGO_OPENAI_STRING, "a string",
                                             &url);
    if (rc != NGX_OK) {
        return rc;
    }

    if (url == NULL && argo_json_get(node, "file_id")) {
        return argo_openai_wrong(at, ".file_id", "unsupported_value",
                                 "can't be used: the gateway keeps no files");
    }

    if (url == NULL) {
        return argo_openai_missing(at, ".image_url");
    }

    rc = argo_openai_responses_read_optional(at, node, ".detail",
                                             ARGO_OPENAI_STRING, "a string",
                                             &part->detail);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_openai_read_image(at, ".image_url", url, part);
}


static argo_message_t *
argo_openai_responses_add_message(argo_responses_reader_t *in,
    argo_role_e role)
{
    argo_message_t  *message;

    message = ngx_pcalloc(in->at.pool, sizeof(argo_message_t));
    if (message == NULL) {
        return NULL;
    }

    message->role = role;
    message->index = in->at.item;

    *in->req->last_message = message;
    in->req->last_message = &message->next;

    in->assistant = (role == ARGO_ROLE_ASSISTANT) ? message : NULL;
    in->last = &message->parts;
    in->calls = 0;
    in->messages++;

    return message;
}


static ngx_int_t
argo_openai_responses_add_text(argo_responses_reader_t *in, argo_role_e role,
    argo_json_t *text)
{
    argo_part_t     *part;
    argo_message_t  *message;

    message = argo_openai_responses_add_message(in, role);

    part = ngx_pcalloc(in->at.pool, sizeof(argo_part_t));

    if (message == NULL || part == NULL) {
        return NGX_ERROR;
    }

    part->text = argo_json_inner(text);

    message->parts = part;
    message->string = 1;

    return NGX_OK;
}
