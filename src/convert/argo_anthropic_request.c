
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Anthropic's Messages, what a client sends, but for the conversation: that
 * is in argo_anthropic_blocks.c.  What is not known here stays untaken: a
 * service that is Anthropic's gets it as it came.  The tables are in
 * docs/conversion/anthropic.md.
 */


#include "argo_anthropic_front.h"
#include "argo_request.h"
#include "argo_tool.h"


#define ARGO_ANTHROPIC_UNKNOWN  "only Anthropic's API has it"


enum {
    ARGO_ANTHROPIC_MODEL = 0,
    ARGO_ANTHROPIC_MAX_TOKENS,
    ARGO_ANTHROPIC_MESSAGES,
    ARGO_ANTHROPIC_SYSTEM,
    ARGO_ANTHROPIC_TOOLS,
    ARGO_ANTHROPIC_TOOL_CHOICE,
    ARGO_ANTHROPIC_STOP,
    ARGO_ANTHROPIC_STREAM,
    ARGO_ANTHROPIC_TEMPERATURE,
    ARGO_ANTHROPIC_TOP_P,
    ARGO_ANTHROPIC_TOP_K,
    ARGO_ANTHROPIC_THINKING,
    ARGO_ANTHROPIC_CONFIG,
    ARGO_ANTHROPIC_FORMAT,
    ARGO_ANTHROPIC_THREAD,
    ARGO_ANTHROPIC_NMEMBERS
};


typedef struct {
    const char           *name;
    unsigned              types;        /* that are accepted */
} argo_anthropic_member_t;


typedef struct {
    const char           *name;
    argo_thinking_e       type;
} argo_anthropic_thinking_t;


typedef struct {
    const char           *name;
    argo_tool_choice_e    choice;
} argo_anthropic_choice_t;


static ngx_int_t argo_anthropic_read(ngx_pool_t *pool, argo_request_t *req,
    ngx_uint_t count, argo_error_t *err);
static ngx_int_t argo_anthropic_adapt(ngx_pool_t *pool, argo_request_t *req,
    argo_dialect_e upstream, argo_error_t *err);
static ngx_int_t argo_anthropic_read_root(argo_anthropic_place_t *at,
    argo_json_t *root, argo_json_t **found);
static void argo_anthropic_take(argo_json_t *node, argo_json_t **found);
static ngx_int_t argo_anthropic_read_values(argo_anthropic_place_t *at,
    argo_request_t *req, argo_json_t **found);
static ngx_int_t argo_anthropic_read_limit(argo_anthropic_place_t *at,
    argo_request_t *req, argo_json_t *limit);
static ngx_int_t argo_anthropic_read_stop(argo_anthropic_place_t *at,
    argo_request_t *req, argo_json_t *stop);
static ngx_int_t argo_anthropic_read_thinking(argo_anthropic_place_t *at,
    argo_request_t *req, argo_json_t *node);
static ngx_int_t argo_anthropic_read_config(argo_anthropic_place_t *at,
    argo_request_t *req, argo_json_t *config);
static ngx_int_t argo_anthropic_read_format(argo_anthropic_place_t *at,
    argo_request_t *req, argo_json_t *node, const char *type,
    const char *schema);
static ngx_int_t argo_anthropic_read_tools(argo_anthropic_place_t *at,
    argo_request_t *req, argo_json_t *list);
static ngx_int_t argo_anthropic_read_tool(argo_anthropic_place_t *at,
    argo_json_t *node, argo_tool_t *tool);
static ngx_int_t argo_anthropic_read_choice(argo_anthropic_place_t *at,
    argo_request_t *req, argo_json_t *choice);
static ngx_int_t argo_anthropic_read_chosen(argo_anthropic_place_t *at,
    argo_request_t *req, argo_json_t *choice);


/* in the order of the enum */

static const argo_anthropic_member_t
    argo_anthropic_members[ARGO_ANTHROPIC_NMEMBERS] =
{
    { "model", ARGO_ANTHROPIC_IS(STRING) },
    { "max_tokens", ARGO_ANTHROPIC_IS(NUMBER) },
    { "messages", ARGO_ANTHROPIC_IS(ARRAY) },
    { "system", ARGO_ANTHROPIC_IS(STRING) | ARGO_ANTHROPIC_IS(ARRAY) },
    { "tools", ARGO_ANTHROPIC_IS(ARRAY) },
    { "tool_choice", ARGO_ANTHROPIC_IS(OBJECT) },
    { "stop_sequences", ARGO_ANTHROPIC_IS(ARRAY) },
    { "stream", ARGO_ANTHROPIC_BOOL },
    { "temperature", ARGO_ANTHROPIC_IS(NUMBER) },
    { "top_p", ARGO_ANTHROPIC_IS(NUMBER) },
    { "top_k", ARGO_ANTHROPIC_IS(NUMBER) },
    { "thinking", ARGO_ANTHROPIC_IS(OBJECT) },
    { "output_config", ARGO_ANTHROPIC_IS(OBJECT) },
    { "output_format", ARGO_ANTHROPIC_IS(OBJECT) },
    { "thread", ARGO_ANTHROPIC_IS(OBJECT) }
};


/* thoughts of a kind that is not known here are upstream's to judge */

static const argo_anthropic_thinking_t  argo_anthropic_thinkings[] = {
    { "enabled", ARGO_THINKING_ENABLED },
    { "adaptive", ARGO_THINKING_ADAPTIVE },
    { "disabled", ARGO_THINKING_DISABLED }
};


#define ARGO_ANTHROPIC_NTHINKINGS                                             \
    (sizeof(argo_anthropic_thinkings) / sizeof(argo_anthropic_thinkings[0]))


static const argo_anthropic_choice_t  argo_anthropic_choices[] = {
    { "auto", ARGO_TOOL_CHOICE_AUTO },
    { "any", ARGO_TOOL_CHOICE_REQUIRED },
    { "tool", ARGO_TOOL_CHOICE_NAMED },
    { "none", ARGO_TOOL_CHOICE_NONE }
};


#define ARGO_ANTHROPIC_NCHOICES                                               \
    (sizeof(argo_anthropic_choices) / sizeof(argo_anthropic_choices[0]))


ngx_int_t
argo_anthropic_read_request(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err)
{
    return argo_anthropic_read(pool, req, 0, err);
}


ngx_int_t
argo_anthropic_read_count_request(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err)
{
    return argo_anthropic_read(pool, req, 1, err);
}


static ngx_int_t
argo_anthropic_read(ngx_pool_t *pool, argo_request_t *req, ngx_uint_t count,
    argo_error_t *err)
{
    ngx_int_t                rc;
    argo_json_t             *found[ARGO_ANTHROPIC_NMEMBERS];
    argo_anthropic_place_t   at;

    ngx_memzero(&at, sizeof(argo_anthropic_place_t));

    at.pool = pool;
    at.err = err;
    at.block = -1;
    at.inner = -1;
    at.fetch_images = (req->fetch_images || count);

    req->adapt = argo_anthropic_adapt;

    rc = argo_anthropic_read_root(&at, req->root, found);
    if (rc != NGX_OK) {
        return rc;
    }

    if (found[ARGO_ANTHROPIC_THREAD]) {
        return argo_anthropic_wrong(&at, "thread",
                                    ARGO_ANTHROPIC_THREAD_CODE,
                                    "The gateway keeps no threads; send the "
                                    "whole conversation in messages");
    }

    if (found[ARGO_ANTHROPIC_MAX_TOKENS] == NULL && !count) {
        return argo_anthropic_missing(&at, "max_tokens");
    }

    if (found[ARGO_ANTHROPIC_MESSAGES] == NULL) {
        return argo_anthropic_missing(&at, "messages");
    }

    rc = argo_anthropic_read_values(&at, req, found);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_anthropic_read_messages(&at, req,
                                      found[ARGO_ANTHROPIC_SYSTEM],
                                      found[ARGO_ANTHROPIC_MESSAGES]);
    if (rc != NGX_OK) {
        return rc;
    }

    req->tools = NULL;
    req->last_tool = &req->tools;

    if (found[ARGO_ANTHROPIC_TOOLS]) {
        rc = argo_anthropic_read_tools(&at, req, found[ARGO_ANTHROPIC_TOOLS]);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (found[ARGO_ANTHROPIC_TOOL_CHOICE] == NULL) {
        return NGX_OK;
    }

    return argo_anthropic_read_choice(&at, req,
                                      found[ARGO_ANTHROPIC_TOOL_CHOICE]);
}


/*
 * For an API that is not Anthropic's: what only tunes is left out and told,
 * what would change the answer is refused.
 */

static ngx_int_t
argo_anthropic_adapt(ngx_pool_t *pool, argo_request_t *req,
    argo_dialect_e upstream, argo_error_t *err)
{
    ngx_int_t     rc;
    argo_json_t  *node;

    (void) upstream;

    node = argo_json_get(req->root, "mcp_servers");

    if (node && node->count) {
        return argo_error_set(err, 400, "unsupported_parameter",
                              "mcp_servers",
                              "mcp_servers: This model's API connects to "
                              "none; run their tools yourself");
    }

    rc = argo_request_drop_untaken(pool, req, req->root,
                                   ARGO_ANTHROPIC_UNKNOWN);

    node = argo_json_get(req->root, "output_config");

    if (rc == NGX_OK && node && node->type == ARGO_JSON_OBJECT) {
        rc = argo_request_drop_untaken(pool, req, node,
                                       ARGO_ANTHROPIC_UNKNOWN);
    }

    if (rc == NGX_OK && req->thinking.node
        && req->thinking.type == ARGO_THINKING_NONE_SAID)
    {
        /* of a type that is not known here */

        rc = argo_request_drop(pool, req, NULL, &req->thinking.node,
                               "thinking", ARGO_ANTHROPIC_UNKNOWN);
    }

    return rc;
}


static ngx_int_t
argo_anthropic_read_root(argo_anthropic_place_t *at, argo_json_t *root,
    argo_json_t **found)
{
    ngx_int_t                       rc;
    ngx_uint_t                      i;
    argo_json_t                    *node;
    const argo_anthropic_member_t  *member;

    ngx_memzero(found, ARGO_ANTHROPIC_NMEMBERS * sizeof(argo_json_t *));

    for (node = root->child; node; node = node->next) {
        argo_anthropic_take(node, found);
    }

    for (i = 0; i < ARGO_ANTHROPIC_NMEMBERS; i++) {
        member = &argo_anthropic_members[i];

        if (found[i] && found[i]->type == ARGO_JSON_NULL) {
            found[i] = NULL;
        }

        if (found[i] == NULL) {
            continue;
        }

        rc = argo_anthropic_check(at, member->name, member->types, found[i]);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* of several with one name the last counts, and all are understood */

static void
argo_anthropic_take(argo_json_t *node, argo_json_t **found)
{
    ngx_uint_t   i;
    const char  *name;

    for (i = 0; i < ARGO_ANTHROPIC_NMEMBERS; i++) {
        name = argo_anthropic_members[i].name;

        if (ngx_strlen(name) == node->name.len
            && ngx_memcmp(name, node->name.data, node->name.len) == 0)
        {
            node->taken = 1;
            found[i] = node;
            return;
        }
    }
}


static ngx_int_t
argo_anthropic_read_values(argo_anthropic_place_t *at, argo_request_t *req,
    argo_json_t **found)
{
    ngx_int_t     rc;
    argo_json_t  *node;

    node = found[ARGO_ANTHROPIC_MODEL];

    if (node && argo_json_text(at->pool, node, &req->model) != NGX_OK) {
        return NGX_ERROR;
    }

    node = found[ARGO_ANTHROPIC_STREAM];
    req->stream = (node && node->type == ARGO_JSON_TRUE);

    req->temperature = found[ARGO_ANTHROPIC_TEMPERATURE];
    req->top_p = found[ARGO_ANTHROPIC_TOP_P];
    req->top_k = found[ARGO_ANTHROPIC_TOP_K];

    rc = argo_anthropic_read_limit(at, req, found[ARGO_ANTHROPIC_MAX_TOKENS]);

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_stop(at, req, found[ARGO_ANTHROPIC_STOP]);
    }

    if (rc == NGX_OK && found[ARGO_ANTHROPIC_THINKING]) {
        rc = argo_anthropic_read_thinking(at, req,
                                          found[ARGO_ANTHROPIC_THINKING]);
    }

    if (rc == NGX_OK && found[ARGO_ANTHROPIC_FORMAT]) {
        rc = argo_anthropic_read_format(at, req, found[ARGO_ANTHROPIC_FORMAT],
                                        "output_format.type",
                                        "output_format.schema");
    }

    if (rc == NGX_OK && found[ARGO_ANTHROPIC_CONFIG]) {
        rc = argo_anthropic_read_config(at, req,
                                        found[ARGO_ANTHROPIC_CONFIG]);
    }

    return rc;
}


static ngx_int_t
argo_anthropic_read_limit(argo_anthropic_place_t *at, argo_request_t *req,
    argo_json_t *limit)
{
    int64_t  n;

    if (limit == NULL) {
        return NGX_OK;
    }

    if (argo_json_int(limit, &n) != NGX_OK) {
        return argo_anthropic_wrong(at, "max_tokens", "invalid_type",
                                    "Input should be a valid integer");
    }

    if (n < 1) {
        return argo_anthropic_wrong(at, "max_tokens", "invalid_value",
                                    "Input should be greater than or equal "
                                    "to 1");
    }

    req->max_output = limit;

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_read_stop(argo_anthropic_place_t *at, argo_request_t *req,
    argo_json_t *stop)
{
    ngx_int_t     rc;
    argo_json_t  *node;

    if (stop == NULL || stop->count == 0) {
        return NGX_OK;
    }

    at->list = "stop_sequences";
    at->item = 0;
    at->block = -1;

    for (node = stop->child; node; node = node->next) {

        rc = argo_anthropic_check(at, "", ARGO_ANTHROPIC_IS(STRING), node);
        if (rc != NGX_OK) {
            return rc;
        }

        at->item++;
    }

    at->list = NULL;
    req->stop = stop;

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_read_thinking(argo_anthropic_place_t *at, argo_request_t *req,
    argo_json_t *node)
{
    ngx_int_t         rc;
    ngx_uint_t        i;
    const char       *name;
    argo_json_t      *type;
    argo_thinking_t  *thinking;

    thinking = &req->thinking;
    thinking->node = node;

    rc = argo_anthropic_read_member(at, node, "thinking.type",
                                    ARGO_ANTHROPIC_IS(STRING), &type);

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_optional(at, node, "thinking.display",
                                          ARGO_ANTHROPIC_IS(STRING),
                                          &thinking->display);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < ARGO_ANTHROPIC_NTHINKINGS; i++) {
        name = argo_anthropic_thinkings[i].name;

        if (argo_json_text_is(type, name, ngx_strlen(name))) {
            thinking->type = argo_anthropic_thinkings[i].type;
            break;
        }
    }

    if (thinking->type != ARGO_THINKING_ENABLED) {
        return NGX_OK;
    }

    return argo_anthropic_read_member(at, node,
                                      "thinking.enabled.budget_tokens",
                                      ARGO_ANTHROPIC_IS(NUMBER),
                                      &thinking->budget);
}


static ngx_int_t
argo_anthropic_read_config(argo_anthropic_place_t *at, argo_request_t *req,
    argo_json_t *config)
{
    ngx_int_t     rc;
    argo_json_t  *format;

    format = NULL;

    rc = argo_anthropic_read_optional(at, config, "output_config.effort",
                                      ARGO_ANTHROPIC_IS(STRING),
                                      &req->effort);

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_optional(at, config, "output_config.format",
                                          ARGO_ANTHROPIC_IS(OBJECT), &format);
    }

    if (rc != NGX_OK || format == NULL) {
        return rc;
    }

    return argo_anthropic_read_format(at, req, format,
                                      "output_config.format.type",
                                      "output_config.format.schema");
}


static ngx_int_t
argo_anthropic_read_format(argo_anthropic_place_t *at, argo_request_t *req,
    argo_json_t *node, const char *type, const char *schema)
{
    ngx_int_t       rc;
    argo_json_t    *value;
    argo_format_t  *format;

    static ngx_str_t  name = ngx_string("\"answer\"");

    format = &req->format;

    rc = argo_anthropic_read_member(at, node, type, ARGO_ANTHROPIC_IS(STRING),
                                    &value);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!argo_json_is(value, "json_schema")) {
        return argo_anthropic_wrong(at, type, "invalid_value",
                                    "Input should be 'json_schema'");
    }

    rc = argo_anthropic_read_member(at, node, schema,
                                    ARGO_ANTHROPIC_IS(OBJECT), &value);
    if (rc != NGX_OK) {
        return rc;
    }

    format->type = ARGO_FORMAT_JSON_SCHEMA;
    format->schema = value;

    /* it has none here, and must have one elsewhere */

    format->name = argo_request_node(at->pool, ARGO_JSON_STRING, &name);

    return format->name ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
argo_anthropic_read_tools(argo_anthropic_place_t *at, argo_request_t *req,
    argo_json_t *list)
{
    ngx_int_t     rc;
    argo_json_t  *node;
    argo_tool_t  *tool;

    at->list = "tools";
    at->item = 0;
    at->block = -1;

    for (node = list->child; node; node = node->next) {

        tool = ngx_pcalloc(at->pool, sizeof(argo_tool_t));
        if (tool == NULL) {
            return NGX_ERROR;
        }

        tool->index = at->item;
        tool->node = node;

        rc = argo_anthropic_read_tool(at, node, tool);
        if (rc != NGX_OK) {
            return rc;
        }

        *req->last_tool = tool;
        req->last_tool = &tool->next;

        at->item++;
    }

    at->list = NULL;

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_read_tool(argo_anthropic_place_t *at, argo_json_t *node,
    argo_tool_t *tool)
{
    ngx_int_t     rc;
    argo_json_t  *type, *name;

    type = NULL;
    name = NULL;

    rc = argo_anthropic_check(at, "", ARGO_ANTHROPIC_IS(OBJECT), node);

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_optional(at, node, ".type",
                                          ARGO_ANTHROPIC_IS(STRING), &type);
    }

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_optional(at, node, ".cache_control",
                                          ARGO_ANTHROPIC_IS(OBJECT),
                                          &tool->cache);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (type && !argo_json_is(type, "custom")) {
        /* one that Anthropic has defined, or runs itself */
        tool->type = type;
        return NGX_OK;
    }

    rc = argo_anthropic_read_member(at, node, ".custom.name",
                                    ARGO_ANTHROPIC_IS(STRING), &name);

    if (rc == NGX_OK && name->raw.len == 2) {
        rc = argo_anthropic_wrong(at, ".custom.name", "invalid_value",
                                  "String should have at least 1 character");
    }

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_optional(at, node, ".custom.description",
                                          ARGO_ANTHROPIC_IS(STRING),
                                          &tool->description);
    }

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_optional(at, node, ".custom.strict",
                                          ARGO_ANTHROPIC_BOOL, &tool->strict);
    }

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_member(at, node, ".custom.input_schema",
                                        ARGO_ANTHROPIC_IS(OBJECT),
                                        &tool->parameters);
    }

    if (rc == NGX_OK) {
        tool->name = argo_json_inner(name);
    }

    return rc;
}


static ngx_int_t
argo_anthropic_read_choice(argo_anthropic_place_t *at, argo_request_t *req,
    argo_json_t *choice)
{
    ngx_int_t     rc;
    ngx_uint_t    i;
    const char   *name;
    argo_json_t  *type, *single;

    single = NULL;

    rc = argo_anthropic_read_member(at, choice, "tool_choice.type",
                                    ARGO_ANTHROPIC_IS(STRING), &type);

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_optional(at, choice,
                                       "tool_choice.disable_parallel_tool_use",
                                       ARGO_ANTHROPIC_BOOL, &single);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < ARGO_ANTHROPIC_NCHOICES; i++) {
        name = argo_anthropic_choices[i].name;

        if (argo_json_text_is(type, name, ngx_strlen(name))) {
            break;
        }
    }

    if (i == ARGO_ANTHROPIC_NCHOICES) {
        return argo_anthropic_wrong(at, "tool_choice.type", "invalid_value",
                                    "Input should be 'auto', 'any', 'tool' "
                                    "or 'none'");
    }

    if (req->tools == NULL) {
        /* "auto" and "none" are what happens anyway */

        if (argo_anthropic_choices[i].choice == ARGO_TOOL_CHOICE_AUTO
            || argo_anthropic_choices[i].choice == ARGO_TOOL_CHOICE_NONE)
        {
            return NGX_OK;
        }

        return argo_anthropic_wrong(at, "tool_choice", "invalid_value",
                                    "tool_choice may only be specified while "
                                    "providing tools");
    }

    req->tool_choice = argo_anthropic_choices[i].choice;

    if (single) {
        req->parallel = (single->type == ARGO_JSON_TRUE) ? ARGO_PARALLEL_NO
                                                         : ARGO_PARALLEL_YES;
    }

    if (req->tool_choice != ARGO_TOOL_CHOICE_NAMED) {
        return NGX_OK;
    }

    return argo_anthropic_read_chosen(at, req, choice);
}


static ngx_int_t
argo_anthropic_read_chosen(argo_anthropic_place_t *at, argo_request_t *req,
    argo_json_t *choice)
{
    ngx_int_t           rc;
    argo_json_t        *name;
    const argo_tool_t  *tool;

    rc = argo_anthropic_read_member(at, choice, "tool_choice.tool.name",
                                    ARGO_ANTHROPIC_IS(STRING), &name);
    if (rc != NGX_OK) {
        return rc;
    }

    req->tool_name = argo_json_inner(name);

    if (argo_tool_find(req, &req->tool_name)) {
        return NGX_OK;
    }

    /* the names of those that Anthropic has defined are its own affair */

    for (tool = req->tools; tool; tool = tool->next) {
        if (tool->type) {
            return NGX_OK;
        }
    }

    return argo_anthropic_wrong(at, "tool_choice.tool.name", "invalid_value",
                                "Tool not found in provided tools");
}


ngx_int_t
argo_anthropic_read_optional(argo_anthropic_place_t *at, argo_json_t *obj,
    const char *member, unsigned types, argo_json_t **node)
{
    const char  *name;

    name = strrchr(member, '.');
    name = name ? name + 1 : member;

    *node = argo_json_find(obj, name, ngx_strlen(name));

    if (*node == NULL) {
        return NGX_OK;
    }

    (*node)->taken = 1;

    if ((*node)->type == ARGO_JSON_NULL) {
        *node = NULL;
        return NGX_OK;
    }

    return argo_anthropic_check(at, member, types, *node);
}


ngx_int_t
argo_anthropic_read_member(argo_anthropic_place_t *at, argo_json_t *obj,
    const char *member, unsigned types, argo_json_t **node)
{
    ngx_int_t  rc;

    rc = argo_anthropic_read_optional(at, obj, member, types, node);

    if (rc == NGX_OK && *node == NULL) {
        return argo_anthropic_missing(at, member);
    }

    return rc;
}


ngx_int_t
argo_anthropic_check(argo_anthropic_place_t *at, const char *member,
    unsigned types, const argo_json_t *node)
{
    const char  *what;

    if (types & (1u << node->type)) {
        return NGX_OK;
    }

    switch (types) {

    case ARGO_ANTHROPIC_IS(STRING):
        what = "Input should be a valid string";
        break;

    case ARGO_ANTHROPIC_IS(NUMBER):
        what = "Input should be a valid number";
        break;

    case ARGO_ANTHROPIC_BOOL:
        what = "Input should be a valid boolean";
        break;

    case ARGO_ANTHROPIC_IS(ARRAY):
        what = "Input should be a valid list";
        break;

    case ARGO_ANTHROPIC_IS(OBJECT):
        what = "Input should be a valid dictionary";
        break;

    default:
        what = "Input should be a valid string or a valid list";
    }

    return argo_anthropic_wrong(at, member, "invalid_type", what);
}


ngx_int_t
argo_anthropic_name_place(argo_anthropic_place_t *at, const char *member,
    ngx_str_t *name)
{
    ngx_int_t     rc;
    argo_error_t  place;

    if (at->list == NULL) {
        rc = argo_error_setf(at->pool, &place, 400, NULL, NULL, "z", member);

    } else if (at->item == -1) {
        rc = argo_error_setf(at->pool, &place, 400, NULL, NULL, "zz",
                             at->list, member);

    } else if (at->block == -1) {
        rc = argo_error_setf(at->pool, &place, 400, NULL, NULL, "zziz",
                             at->list, ".", at->item, member);

    } else if (at->inner == -1) {
        rc = argo_error_setf(at->pool, &place, 400, NULL, NULL, "zziziz",
                             at->list, ".", at->item, ".content.", at->block,
                             member);

    } else {
        rc = argo_error_setf(at->pool, &place, 400, NULL, NULL, "zziziziz",
                             at->list, ".", at->item, ".content.", at->block,
                             ".content.", at->inner, member);
    }

    if (rc != NGX_DECLINED) {
        return NGX_ERROR;
    }

    *name = place.message;

    return NGX_OK;
}


ngx_int_t
argo_anthropic_missing(argo_anthropic_place_t *at, const char *member)
{
    return argo_anthropic_wrong(at, member, "missing_required_parameter",
                                "Field required");
}


ngx_int_t
argo_anthropic_wrong(argo_anthropic_place_t *at, const char *member,
    const char *code, const char *what)
{
    ngx_int_t  rc;
    ngx_str_t  param;

    if (argo_anthropic_name_place(at, member, &param) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = argo_error_setf(at->pool, at->err, 400, code, NULL, "Vzz", &param,
                         ": ", what);

    if (rc == NGX_DECLINED) {
        at->err->param = param;
    }

    return rc;
}
