
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Tools in requests for chat completions.  Knows JSON and argo_ir.h, nothing
 * of what upstream makes of them.
 */


#include "argo_openai_tools.h"
#include "argo_openai.h"
#include "argo_tool.h"


/* where the members of a function are, for errors */

typedef struct {
    const char      *name;
    const char      *description;
    const char      *parameters;
    const char      *strict;
} argo_openai_paths_t;


static ngx_int_t argo_openai_read_tool(argo_openai_place_t *at,
    argo_json_t *node, argo_tool_t *tool);
static ngx_int_t argo_openai_read_custom(argo_openai_place_t *at,
    argo_json_t *node, argo_tool_t *tool);
static argo_json_t *argo_openai_cache(const argo_json_t *node);
static ngx_int_t argo_openai_read_function(argo_openai_place_t *at,
    const argo_openai_paths_t *paths, argo_json_t *function,
    argo_tool_t *tool);
static ngx_int_t argo_openai_optional(argo_openai_place_t *at,
    argo_json_t *obj, const char *path, const char *name, unsigned types,
    const char *expected, argo_json_t **found);
static ngx_int_t argo_openai_read_choice(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t *choice, argo_error_t *err);
static ngx_int_t argo_openai_read_named(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *choice, const char *member,
    const char *path, const char *name);
static ngx_int_t argo_openai_read_allowed(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *allowed);
static ngx_int_t argo_openai_read_function_choice(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t *choice, argo_error_t *err);
static ngx_int_t argo_openai_read_choice_word(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *choice, const char *path,
    ngx_uint_t function);
static ngx_int_t argo_openai_check_choice(argo_request_t *req,
    const char *param, argo_error_t *err);
static ngx_int_t argo_openai_read_call(argo_openai_place_t *at,
    argo_json_t *node, argo_part_t *part);
static ngx_int_t argo_openai_read_custom_call(argo_openai_place_t *at,
    argo_json_t *node, argo_part_t *part);
static void argo_openai_read_signature(argo_json_t *node,
    argo_part_t *part);
static ngx_int_t argo_openai_read_function_call(argo_openai_place_t *at,
    argo_json_t *node, argo_part_t *part);
static ngx_int_t argo_openai_read_arguments(argo_openai_place_t *at,
    argo_json_t *function, const char *path, argo_part_t *part);
static ngx_int_t argo_openai_name(argo_openai_place_t *at, argo_json_t *obj,
    const char *path, const char *member, ngx_str_t *name);


static const argo_openai_paths_t  argo_openai_tool_paths = {
    ".function.name",
    ".function.description",
    ".function.parameters",
    ".function.strict"
};


static const argo_openai_paths_t  argo_openai_function_paths = {
    ".name",
    ".description",
    ".parameters",
    ".strict"
};


ngx_int_t
argo_openai_read_tools(ngx_pool_t *pool, argo_request_t *req,
    const argo_openai_tools_t *members, argo_error_t *err)
{
    ngx_int_t             rc;
    argo_json_t          *node, *list;
    argo_tool_t          *tool;
    argo_openai_place_t   at;

    if (members->tools && members->functions) {
        return argo_error_set(err, 400, "invalid_value", "functions",
                              "functions is the older form of tools: a "
                              "request can't have both");
    }

    ngx_memzero(&at, sizeof(argo_openai_place_t));

    at.pool = pool;
    at.err = err;
    at.list = members->tools ? "tools" : "functions";
    at.part = -1;

    list = members->tools ? members->tools : members->functions;

    req->tools = NULL;
    req->last_tool = &req->tools;

    for (node = list ? list->child : NULL; node; node = node->next) {

        tool = ngx_pcalloc(pool, sizeof(argo_tool_t));
        if (tool == NULL) {
            return NGX_ERROR;
        }

        tool->index = at.item;
        tool->node = node;
        tool->cache = argo_openai_cache(node);

        if (members->tools) {
            rc = argo_openai_read_tool(&at, node, tool);

        } else {
            rc = argo_openai_read_function(&at, &argo_openai_function_paths,
                                           node, tool);
        }

        if (rc != NGX_OK) {
            return rc;
        }

        *req->last_tool = tool;
        req->last_tool = &tool->next;

        at.item++;
    }

    req->parallel = ARGO_PARALLEL_NOT_SAID;

    if (members->parallel) {
        req->parallel = (members->parallel->type == ARGO_JSON_TRUE)
                        ? ARGO_PARALLEL_YES : ARGO_PARALLEL_NO;
    }

    if (members->functions == NULL) {
        return argo_openai_read_choice(pool, req, members->tool_choice, err);
    }

    /* an answer of the older form has room for one call */

    req->parallel = ARGO_PARALLEL_NO;

    return argo_openai_read_function_choice(pool, req,
                                            members->function_call, err);
}


static ngx_int_t
argo_openai_read_tool(argo_openai_place_t *at, argo_json_t *node,
    argo_tool_t *tool)
{
    ngx_int_t     rc;
    argo_json_t  *type, *function;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, "", "an object", node);
    }

    rc = argo_openai_read_string(at, node, ".type", &type);
    if (rc != NGX_OK) {
        return rc;
    }

    tool->raw = node;

    if (argo_json_is(type, "custom")) {
        return argo_openai_read_custom(at, node, tool);
    }

    if (!argo_json_is(type, "function")) {
        /* who can use it knows what it is */
        tool->type = type;
        return NGX_OK;
    }

    function = argo_json_get(node, "function");

    if (function == NULL) {
        return argo_openai_missing(at, ".function");
    }

    if (function->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, ".function", "an object", function);
    }

    return argo_openai_read_function(at, &argo_openai_tool_paths, function,
                                     tool);
}


/* Its input is text, of a form that only OpenAI can be told. */

static ngx_int_t
argo_openai_read_custom(argo_openai_place_t *at, argo_json_t *node,
    argo_tool_t *tool)
{
    ngx_int_t     rc;
    argo_json_t  *custom;

    custom = argo_json_get(node, "custom");

    if (custom == NULL) {
        return argo_openai_missing(at, ".custom");
    }

    if (custom->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, ".custom", "an object", custom);
    }

    rc = argo_openai_name(at, custom, ".custom.name", "name", &tool->name);
    if (rc != NGX_OK) {
        return rc;
    }

    tool->custom = 1;

    return argo_openai_optional(at, custom, ".custom.description",
                                "description", ARGO_OPENAI_STRING,
                                "a string", &tool->description);
}


static argo_json_t *
argo_openai_cache(const argo_json_t *node)
{
    argo_json_t  *cache;

    cache = argo_json_get(node, "cache_control");

    return (cache && cache->type == ARGO_JSON_OBJECT) ? cache : NULL;
}


static ngx_int_t
argo_openai_read_function(argo_openai_place_t *at,
    const argo_openai_paths_t *paths, argo_json_t *function,
    argo_tool_t *tool)
{
    ngx_int_t  rc;

    if (function->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, "", "an object", function);
    }

    rc = argo_openai_name(at, function, paths->name, "name", &tool->name);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_openai_optional(at, function, paths->description,
                              "description", ARGO_OPENAI_STRING, "a string",
                              &tool->description);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_openai_optional(at, function, paths->parameters, "parameters",
                              ARGO_OPENAI_OBJECT, "an object",
                              &tool->parameters);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_openai_optional(at, function, paths->strict, "strict",
                                ARGO_OPENAI_BOOL, "a boolean",
                                &tool->strict);
}


static ngx_int_t
argo_openai_optional(argo_openai_place_t *at, argo_json_t *obj,
    const char *path, const char *name, unsigned types, const char *expected,
    argo_json_t **found)
{
    argo_json_t  *node;

    *found = NULL;

    node = argo_json_find(obj, name, ngx_strlen(name));

    if (node == NULL || node->type == ARGO_JSON_NULL) {
        return NGX_OK;
    }

    if (!(types & (1u << node->type))) {
        return argo_openai_mistyped(at, path, expected, node);
    }

    *found = node;

    return NGX_OK;
}


static ngx_int_t
argo_openai_read_choice(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *choice, argo_error_t *err)
{
    argo_json_t          *type;
    argo_openai_place_t   at;

    req->tool_choice = ARGO_TOOL_CHOICE_NONE_SAID;

    if (choice == NULL) {
        return NGX_OK;
    }

    ngx_memzero(&at, sizeof(argo_openai_place_t));

    at.pool = pool;
    at.err = err;
    at.part = -1;

    if (choice->type == ARGO_JSON_STRING) {
        return argo_openai_read_choice_word(&at, req, choice, "tool_choice",
                                            0);
    }

    type = argo_json_get(choice, "type");

    if (type == NULL) {
        return argo_openai_missing(&at, "tool_choice.type");
    }

    if (type->type != ARGO_JSON_STRING) {
        return argo_openai_mistyped(&at, "tool_choice.type", "a string",
                                    type);
    }

    if (argo_json_is(type, "allowed_tools")) {
        return argo_openai_read_allowed(&at, req,
                                        argo_json_get(choice,
                                                      "allowed_tools"));
    }

    if (argo_json_is(type, "custom")) {
        return argo_openai_read_named(&at, req, choice, "custom",
                                      "tool_choice.custom",
                                      "tool_choice.custom.name");
    }

    if (!argo_json_is(type, "function")) {
        return argo_openai_wrong(&at, "tool_choice.type",
                                 "unsupported_value", "must be function, "
                                 "custom or allowed_tools: no other kind of "
                                 "tool can be chosen");
    }

    return argo_openai_read_named(&at, req, choice, "function",
                                  "tool_choice.function",
                                  "tool_choice.function.name");
}


static ngx_int_t
argo_openai_read_named(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *choice, const char *member, const char *path,
    const char *name)
{
    ngx_int_t     rc;
    argo_json_t  *node;

    node = argo_json_find(choice, member, ngx_strlen(member));

    if (node == NULL) {
        return argo_openai_missing(at, path);
    }

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, path, "an object", node);
    }

    rc = argo_openai_name(at, node, name, "name", &req->tool_name);
    if (rc != NGX_OK) {
        return rc;
    }

    req->tool_choice = ARGO_TOOL_CHOICE_NAMED;

    return argo_openai_check_choice(req, "tool_choice", at->err);
}


/* Which tools these are is told to OpenAI alone. */

static ngx_int_t
argo_openai_read_allowed(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *allowed)
{
    argo_json_t  *mode;

    if (allowed == NULL) {
        return argo_openai_missing(at, "tool_choice.allowed_tools");
    }

    if (allowed->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, "tool_choice.allowed_tools",
                                    "an object", allowed);
    }

    mode = argo_json_get(allowed, "mode");

    req->tool_choice = argo_json_is(mode, "required")
                       ? ARGO_TOOL_CHOICE_REQUIRED : ARGO_TOOL_CHOICE_AUTO;

    return argo_openai_check_choice(req, "tool_choice", at->err);
}


static ngx_int_t
argo_openai_read_function_choice(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *choice, argo_error_t *err)
{
    ngx_int_t            rc;
    argo_openai_place_t  at;

    req->tool_choice = ARGO_TOOL_CHOICE_NONE_SAID;

    if (choice == NULL) {
        return NGX_OK;
    }

    ngx_memzero(&at, sizeof(argo_openai_place_t));

    at.pool = pool;
    at.err = err;
    at.part = -1;

    if (choice->type == ARGO_JSON_STRING) {
        return argo_openai_read_choice_word(&at, req, choice,
                                            "function_call", 1);
    }

    rc = argo_openai_name(&at, choice, "function_call.name", "name",
                          &req->tool_name);
    if (rc != NGX_OK) {
        return rc;
    }

    req->tool_choice = ARGO_TOOL_CHOICE_NAMED;

    return argo_openai_check_choice(req, "function_call", err);
}


static ngx_int_t
argo_openai_read_choice_word(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *choice, const char *path, ngx_uint_t function)
{
    if (argo_json_is(choice, "auto")) {
        req->tool_choice = ARGO_TOOL_CHOICE_AUTO;

    } else if (argo_json_is(choice, "none")) {
        req->tool_choice = ARGO_TOOL_CHOICE_NONE;

    } else if (!function && argo_json_is(choice, "required")) {
        req->tool_choice = ARGO_TOOL_CHOICE_REQUIRED;

    } else {
        return argo_openai_wrong(at, path, "invalid_value", function
                                 ? "must be none, auto or an object"
                                 : "must be none, auto, required or an "
                                   "object");
    }

    return argo_openai_check_choice(req, path, at->err);
}


/* What asks for a call needs a tool that can be called. */

static ngx_int_t
argo_openai_check_choice(argo_request_t *req, const char *param,
    argo_error_t *err)
{
    switch (req->tool_choice) {

    case ARGO_TOOL_CHOICE_NAMED:

        if (argo_tool_find(req, &req->tool_name) == NULL) {
            return argo_error_set(err, 400, "invalid_value", param,
                                  "the function that is to be called is not "
                                  "one of those offered");
        }

        return NGX_OK;

    case ARGO_TOOL_CHOICE_REQUIRED:

        if (req->tools == NULL) {
            return argo_error_set(err, 400, "invalid_value", param,
                                  "tool_choice asks for a call, but there "
                                  "are no tools");
        }

        return NGX_OK;

    default:
        return NGX_OK;
    }
}


ngx_int_t
argo_openai_read_calls(ngx_pool_t *pool, argo_message_t *message,
    argo_part_t **last, argo_error_t *err)
{
    ngx_int_t             rc;
    argo_json_t          *calls, *call, *member;
    argo_part_t          *part;
    argo_openai_place_t   at;

    calls = NULL;
    call = NULL;

    for (member = message->node->child; member; member = member->next) {

        if (argo_str_is(&member->name, "tool_calls")) {
            calls = member;
            member->taken = 1;

        } else if (argo_str_is(&member->name, "function_call")) {
            call = member;
            member->taken = 1;
        }
    }

    ngx_memzero(&at, sizeof(argo_openai_place_t));

    at.pool = pool;
    at.err = err;
    at.list = "messages";
    at.item = message->index;
    at.parts = ".tool_calls";
    at.part = -1;

    if (calls && calls->type != ARGO_JSON_NULL) {

        if (calls->type != ARGO_JSON_ARRAY) {
            return argo_openai_mistyped(&at, ".tool_calls", "an array",
                                        calls);
        }

        at.part = 0;

        for (member = calls->child; member; member = member->next) {

            part = ngx_pcalloc(pool, sizeof(argo_part_t));
            if (part == NULL) {
                return NGX_ERROR;
            }

            rc = argo_openai_read_call(&at, member, part);
            if (rc != NGX_OK) {
                return rc;
            }

            *last = part;
            last = &part->next;

            at.part++;
        }

        at.part = -1;
    }

    if (call == NULL || call->type == ARGO_JSON_NULL) {
        return NGX_OK;
    }

    part = ngx_pcalloc(pool, sizeof(argo_part_t));
    if (part == NULL) {
        return NGX_ERROR;
    }

    *last = part;

    return argo_openai_read_function_call(&at, call, part);
}


static ngx_int_t
argo_openai_read_call(argo_openai_place_t *at, argo_json_t *node,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *type, *function;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, "", "an object", node);
    }

    type = argo_json_get(node, "type");

    if (type && type->type != ARGO_JSON_STRING) {
        return argo_openai_mistyped(at, ".type", "a string", type);
    }

    if (type && !argo_json_is(type, "function")
        && !argo_json_is(type, "custom"))
    {
        return argo_openai_wrong(at, ".type", "unsupported_value",
                                 "must be function or custom");
    }

    rc = argo_openai_name(at, node, ".id", "id", &part->id);
    if (rc != NGX_OK) {
        return rc;
    }

    part->type = ARGO_PART_TOOL_CALL;
    part->node = node;
    part->raw = type ? node : NULL;

    argo_openai_read_signature(node, part);

    if (argo_json_is(type, "custom")) {
        return argo_openai_read_custom_call(at, node, part);
    }

    function = argo_json_get(node, "function");

    if (function == NULL) {
        return argo_openai_missing(at, ".function");
    }

    if (function->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, ".function", "an object", function);
    }

    rc = argo_openai_name(at, function, ".function.name", "name",
                          &part->name);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_openai_read_arguments(at, function, ".function.arguments",
                                      part);
}


static ngx_int_t
argo_openai_read_custom_call(argo_openai_place_t *at, argo_json_t *node,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *custom, *input;

    custom = argo_json_get(node, "custom");

    if (custom == NULL) {
        return argo_openai_missing(at, ".custom");
    }

    if (custom->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, ".custom", "an object", custom);
    }

    rc = argo_openai_name(at, custom, ".custom.name", "name", &part->name);
    if (rc != NGX_OK) {
        return rc;
    }

    input = argo_json_get(custom, "input");

    if (input == NULL) {
        return argo_openai_missing(at, ".custom.input");
    }

    if (input->type != ARGO_JSON_STRING) {
        return argo_openai_mistyped(at, ".custom.input", "a string", input);
    }

    part->custom = 1;
    part->text = argo_json_inner(input);

    return argo_openai_name_place(at, ".custom.input", &part->param);
}


/* Google's models want it back, as it was told with the call. */

static void
argo_openai_read_signature(argo_json_t *node, argo_part_t *part)
{
    node = argo_json_get(node, "extra_content");
    node = argo_json_get(argo_json_get(node, "google"), "thought_signature");

    if (node && node->type == ARGO_JSON_STRING) {
        part->signature = argo_json_inner(node);
        part->vendor = ARGO_FAMILY_GOOGLE;
    }
}


/* The older form has no id: one is made, the same each time it is sent. */

static ngx_int_t
argo_openai_read_function_call(argo_openai_place_t *at, argo_json_t *node,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_error_t  id;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, ".function_call", "an object", node);
    }

    rc = argo_openai_name(at, node, ".function_call.name", "name",
                          &part->name);
    if (rc != NGX_OK) {
        return rc;
    }

    if (argo_error_setf(at->pool, &id, 400, NULL, NULL, "zi",
                        "call_function_", at->item)
        != NGX_DECLINED)
    {
        return NGX_ERROR;
    }

    part->type = ARGO_PART_TOOL_CALL;
    part->node = node;
    part->id = id.message;

    return argo_openai_read_arguments(at, node, ".function_call.arguments",
                                      part);
}


static ngx_int_t
argo_openai_read_arguments(argo_openai_place_t *at, argo_json_t *function,
    const char *path, argo_part_t *part)
{
    argo_json_t  *node;

    node = argo_json_get(function, "arguments");

    if (node == NULL || node->type == ARGO_JSON_NULL) {
        /* a call without any: to be written as such */
        part->raw = NULL;

    } else if (node->type != ARGO_JSON_STRING) {
        return argo_openai_mistyped(at, path, "a string", node);
    }

    part->text = argo_json_inner(node);

    return argo_openai_name_place(at, path, &part->param);
}


ngx_int_t
argo_openai_read_result(ngx_pool_t *pool, argo_message_t *message,
    const argo_message_t *caller, argo_error_t *err)
{
    ngx_int_t             rc;
    argo_json_t          *member;
    argo_part_t          *part, *call;
    argo_openai_place_t   at;

    part = ngx_pcalloc(pool, sizeof(argo_part_t));
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->type = ARGO_PART_TOOL_RESULT;
    part->node = message->node;
    part->parts = message->parts;
    part->string = message->string;

    message->parts = part;
    message->string = 0;

    ngx_memzero(&at, sizeof(argo_openai_place_t));

    at.pool = pool;
    at.err = err;
    at.list = "messages";
    at.item = message->index;
    at.part = -1;

    for (member = message->node->child; member; member = member->next) {

        if (argo_str_is(&member->name, "tool_call_id")) {
            member->taken = 1;

        } else if (argo_str_is(&member->name, "name")
                   && (member->type == ARGO_JSON_STRING
                       || member->type == ARGO_JSON_NULL))
        {
            part->name = argo_json_inner(member);
            member->taken = 1;
        }
    }

    if (message->role == ARGO_ROLE_TOOL) {
        rc = argo_openai_name(&at, message->node, ".tool_call_id",
                              "tool_call_id", &part->id);
        if (rc != NGX_OK) {
            return rc;
        }

        return argo_openai_name_place(&at, ".tool_call_id", &part->param);
    }

    rc = argo_openai_name(&at, message->node, ".name", "name", &part->name);
    if (rc != NGX_OK) {
        return rc;
    }

    message->role = ARGO_ROLE_TOOL;

    for (call = caller ? caller->parts : NULL; call; call = call->next) {

        if (call->type == ARGO_PART_TOOL_CALL
            && argo_tool_same(&call->name, &part->name))
        {
            part->id = call->id;
            break;
        }
    }

    /* without an id it answers nothing, and will be refused as such */

    return argo_openai_name_place(&at, ".name", &part->param);
}


/* A member that must be there and be a text that is not empty. */

static ngx_int_t
argo_openai_name(argo_openai_place_t *at, argo_json_t *obj, const char *path,
    const char *member, ngx_str_t *name)
{
    argo_json_t  *node;

    node = argo_json_find(obj, member, ngx_strlen(member));

    if (node == NULL) {
        return argo_openai_missing(at, path);
    }

    if (node->type != ARGO_JSON_STRING) {
        return argo_openai_mistyped(at, path, "a string", node);
    }

    *name = argo_json_inner(node);

    if (name->len == 0) {
        return argo_openai_wrong(at, path, "invalid_value",
                                 "must not be empty");
    }

    return NGX_OK;
}
