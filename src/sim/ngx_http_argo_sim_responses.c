
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * POST v1/responses: the request.
 */


#include "ngx_http_argo_sim_native.h"


/* OpenAI's least max_output_tokens */
#define NGX_HTTP_ARGO_SIM_MIN_OUTPUT  16


typedef enum {
    NGX_HTTP_ARGO_SIM_ITEM_MESSAGE = 0,
    NGX_HTTP_ARGO_SIM_ITEM_CALL,
    NGX_HTTP_ARGO_SIM_ITEM_OUTPUT,
    NGX_HTTP_ARGO_SIM_ITEM_REASONING,
    NGX_HTTP_ARGO_SIM_ITEM_TOOLS,
    NGX_HTTP_ARGO_SIM_ITEM_REFERENCE,
    NGX_HTTP_ARGO_SIM_ITEM_OTHER,
    NGX_HTTP_ARGO_SIM_ITEM_UNKNOWN
} ngx_http_argo_sim_item_e;


static ngx_int_t ngx_http_argo_sim_response_members(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_response_limits(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_response_input(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_response_item(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *input,
    argo_json_t *item, ngx_uint_t i);
static ngx_uint_t ngx_http_argo_sim_item_kind(const argo_json_t *item);
static ngx_int_t ngx_http_argo_sim_response_message(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *item, ngx_uint_t i);
static ngx_int_t ngx_http_argo_sim_response_result(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *input,
    const argo_json_t *item);
static ngx_int_t ngx_http_argo_sim_response_call(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *item);
static ngx_int_t ngx_http_argo_sim_response_reasoning(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *item);
static ngx_int_t ngx_http_argo_sim_response_tools(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *tools,
    const argo_json_t *space);
static ngx_int_t ngx_http_argo_sim_response_tool(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *tool,
    const argo_json_t *space, ngx_uint_t i);
static ngx_int_t ngx_http_argo_sim_response_choice(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_response_effort(
    ngx_http_argo_sim_talk_t *talk);
static ngx_uint_t ngx_http_argo_sim_same(const argo_json_t *a,
    const argo_json_t *b);


ngx_int_t
ngx_http_argo_sim_responses(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t     rc;
    argo_json_t  *root, *node;

    root = talk->ctx->root;

    rc = ngx_http_argo_sim_response_members(talk);

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_response_limits(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_check_sampling(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_response_tools(talk,
                 ngx_http_argo_sim_member(root, "tools"), NULL);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_response_input(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_response_choice(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_response_effort(talk);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    node = ngx_http_argo_sim_member(root, "parallel_tool_calls");
    talk->single = (node && node->type == ARGO_JSON_FALSE);

    node = ngx_http_argo_sim_member(root, "text");
    node = node ? ngx_http_argo_sim_member(node, "format") : NULL;

    if (node) {
        talk->schema = ngx_http_argo_sim_member(node, "schema");

        node = argo_json_get(node, "type");
        talk->object = node && argo_json_is(node, "json_object");
    }

    talk->input_tokens = ngx_http_argo_sim_tokens(argo_json_get(root, "input"))
                         + ngx_http_argo_sim_tokens(
                               argo_json_get(root, "instructions"))
                         + ngx_http_argo_sim_tokens(
                               argo_json_get(root, "tools"));

    if (ngx_http_argo_sim_talk(talk) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_argo_sim_write_response(talk);
}


/* What belongs to other endpoints, and state that is not kept. */

static ngx_int_t
ngx_http_argo_sim_response_members(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t     rc;
    ngx_str_t     id;
    argo_json_t  *node;

    rc = ngx_http_argo_sim_check_foreign(talk);

    if (rc != NGX_OK) {
        return rc;
    }

    node = ngx_http_argo_sim_member(talk->ctx->root, "previous_response_id");

    if (node && node->type == ARGO_JSON_STRING) {
        id = argo_json_inner(node);
        return ngx_http_argo_sim_refuse(talk, "previous_response_id",
                   "previous_response_not_found",
                   "Previous response with id '%V' not found.", &id);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_response_limits(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t  rc;

    rc = ngx_http_argo_sim_check_limits(talk, "max_output_tokens");

    if (rc == NGX_OK && talk->limit
        && talk->limit < NGX_HTTP_ARGO_SIM_MIN_OUTPUT)
    {
        return ngx_http_argo_sim_refuse(talk, "max_output_tokens",
                   "integer_below_min_value", "Invalid 'max_output_tokens': "
                   "integer below minimum value. Expected a value >= %d, but "
                   "got %ui instead.", NGX_HTTP_ARGO_SIM_MIN_OUTPUT,
                   talk->limit);
    }

    return rc;
}


static ngx_int_t
ngx_http_argo_sim_response_input(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t     rc;
    ngx_uint_t    i;
    argo_json_t  *input, *item;

    input = argo_json_get(talk->ctx->root, "input");

    if (input->type == ARGO_JSON_STRING) {
        return argo_json_text(talk->request->pool, input, &talk->said);
    }

    item = input->child;

    for (i = 0; item; i++, item = item->next) {

        rc = ngx_http_argo_sim_response_item(talk, input, item, i);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_response_item(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *input, argo_json_t *item, ngx_uint_t i)
{
    u_char        param[64];
    ngx_str_t     text;
    argo_json_t  *node;

    switch (ngx_http_argo_sim_item_kind(item)) {

    case NGX_HTTP_ARGO_SIM_ITEM_MESSAGE:
        return ngx_http_argo_sim_response_message(talk, item, i);

    case NGX_HTTP_ARGO_SIM_ITEM_CALL:
        return ngx_http_argo_sim_response_call(talk, item);

    case NGX_HTTP_ARGO_SIM_ITEM_OUTPUT:
        return ngx_http_argo_sim_response_result(talk, input, item);

    case NGX_HTTP_ARGO_SIM_ITEM_REASONING:
        return ngx_http_argo_sim_response_reasoning(talk, item);

    case NGX_HTTP_ARGO_SIM_ITEM_TOOLS:
        return ngx_http_argo_sim_response_tools(talk,
                   ngx_http_argo_sim_member(item, "tools"), NULL);

    case NGX_HTTP_ARGO_SIM_ITEM_OTHER:
        return NGX_OK;

    case NGX_HTTP_ARGO_SIM_ITEM_REFERENCE:

        node = argo_json_get(item, "id");
        ngx_str_set(&text, "");

        if (node && node->type == ARGO_JSON_STRING) {
            text = argo_json_inner(node);
        }

        return ngx_http_argo_sim_refuse(talk, "input", NULL,
                   "Item with id '%V' not found. Items are not persisted "
                   "when `store` is set to false. Try again with `store` set "
                   "to true, or remove this item from your input.", &text);

    default:
        break;
    }

    text = argo_json_inner(argo_json_get(item, "type"));

    *ngx_snprintf(param, sizeof(param) - 1, "input[%ui].type", i) = '\0';

    return ngx_http_argo_sim_refuse(talk, (char *) param, "invalid_value",
               "Invalid value: '%V'. Supported values are: "
               "'additional_tools', 'custom_tool_call', "
               "'custom_tool_call_output', 'function_call', "
               "'function_call_output', 'item_reference', "
               "'local_shell_call', 'local_shell_call_output', 'message', "
               "and 'reasoning'.", &text);
}


static ngx_uint_t
ngx_http_argo_sim_item_kind(const argo_json_t *item)
{
    ngx_uint_t    i;
    argo_json_t  *type;

    static const struct {
        const char  *type;
        ngx_uint_t   kind;
    } kinds[] = {
        { "message", NGX_HTTP_ARGO_SIM_ITEM_MESSAGE },
        { "function_call", NGX_HTTP_ARGO_SIM_ITEM_CALL },
        { "custom_tool_call", NGX_HTTP_ARGO_SIM_ITEM_CALL },
        { "local_shell_call", NGX_HTTP_ARGO_SIM_ITEM_CALL },
        { "function_call_output", NGX_HTTP_ARGO_SIM_ITEM_OUTPUT },
        { "custom_tool_call_output", NGX_HTTP_ARGO_SIM_ITEM_OUTPUT },
        { "local_shell_call_output", NGX_HTTP_ARGO_SIM_ITEM_OUTPUT },
        { "reasoning", NGX_HTTP_ARGO_SIM_ITEM_REASONING },
        { "additional_tools", NGX_HTTP_ARGO_SIM_ITEM_TOOLS },
        { "item_reference", NGX_HTTP_ARGO_SIM_ITEM_REFERENCE },
        { "compaction", NGX_HTTP_ARGO_SIM_ITEM_OTHER },
        { "mcp_call", NGX_HTTP_ARGO_SIM_ITEM_OTHER },
        { "web_search_call", NGX_HTTP_ARGO_SIM_ITEM_OTHER },
        { NULL, 0 }
    };

    type = argo_json_get(item, "type");

    if (type == NULL) {
        return NGX_HTTP_ARGO_SIM_ITEM_MESSAGE;
    }

    for (i = 0; kinds[i].type; i++) {

        if (argo_json_text_is(type, kinds[i].type,
                              ngx_strlen(kinds[i].type)))
        {
            return kinds[i].kind;
        }
    }

    return NGX_HTTP_ARGO_SIM_ITEM_UNKNOWN;
}


static ngx_int_t
ngx_http_argo_sim_response_message(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *item, ngx_uint_t i)
{
    u_char        param[64];
    ngx_str_t     text;
    argo_json_t  *role, *content;

    role = argo_json_get(item, "role");
    content = ngx_http_argo_sim_member(item, "content");

    talk->answered = 0;

    if (role == NULL || content == NULL || role->type != ARGO_JSON_STRING) {
        *ngx_snprintf(param, sizeof(param) - 1, "input[%ui].%s", i,
                      content ? "role" : "content") = '\0';
        return ngx_http_argo_sim_refuse(talk, (char *) param,
                   "missing_required_parameter",
                   "Missing required parameter: '%s'.", param);
    }

    if (argo_json_is(role, "user")) {
        return ngx_http_argo_sim_content(talk->request->pool, content,
                                         &talk->said);
    }

    if (argo_json_is(role, "assistant")) {
        talk->later = 1;
        return NGX_OK;
    }

    if (argo_json_is(role, "system") || argo_json_is(role, "developer")) {
        return NGX_OK;
    }

    text = argo_json_inner(role);

    *ngx_snprintf(param, sizeof(param) - 1, "input[%ui]", i) = '\0';

    return ngx_http_argo_sim_refuse(talk, (char *) param, "invalid_value",
               "Invalid value: '%V'. Supported values are: 'assistant', "
               "'system', 'developer', and 'user'.", &text);
}


static ngx_int_t
ngx_http_argo_sim_response_result(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *input, const argo_json_t *item)
{
    ngx_str_t     text;
    argo_json_t  *id, *call;

    id = argo_json_get(item, "call_id");

    for (call = input->child; call != item; call = call->next) {

        if (ngx_http_argo_sim_item_kind(call) == NGX_HTTP_ARGO_SIM_ITEM_CALL
            && ngx_http_argo_sim_same(argo_json_get(call, "call_id"), id))
        {
            return ngx_http_argo_sim_add_result(talk,
                                                argo_json_get(item, "output"));
        }
    }

    ngx_str_set(&text, "");

    if (id && id->type == ARGO_JSON_STRING) {
        text = argo_json_inner(id);
    }

    return ngx_http_argo_sim_refuse(talk, "input", NULL,
               "No tool call found for function call output with call_id "
               "%V.", &text);
}


static ngx_int_t
ngx_http_argo_sim_response_call(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *item)
{
    ngx_str_t     text;
    argo_json_t  *id, *output;

    talk->later = 1;
    talk->answered = 0;

    id = argo_json_get(item, "call_id");

    for (output = item->next; output; output = output->next) {

        if (ngx_http_argo_sim_item_kind(output)
            == NGX_HTTP_ARGO_SIM_ITEM_OUTPUT
            && ngx_http_argo_sim_same(argo_json_get(output, "call_id"), id))
        {
            return NGX_OK;
        }
    }

    ngx_str_set(&text, "");

    if (id && id->type == ARGO_JSON_STRING) {
        text = argo_json_inner(id);
    }

    return ngx_http_argo_sim_refuse(talk, "input", NULL,
               "No tool output found for function call %V.", &text);
}


/* Nothing is kept here: it has to come back sealed, as it was handed out. */

static ngx_int_t
ngx_http_argo_sim_response_reasoning(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *item)
{
    ngx_str_t     text, id;
    argo_json_t  *sealed, *node;

    talk->later = 1;

    sealed = ngx_http_argo_sim_member(item, "encrypted_content");
    node = argo_json_get(item, "id");

    ngx_str_set(&id, "");

    if (node && node->type == ARGO_JSON_STRING) {
        id = argo_json_inner(node);
    }

    if (sealed == NULL) {
        return ngx_http_argo_sim_refuse(talk, "input", NULL,
                   "Item with id '%V' not found. Items are not persisted "
                   "when `store` is set to false. Try again with `store` set "
                   "to true, or remove this item from your input.", &id);
    }

    ngx_str_set(&text, "");

    if (sealed->type == ARGO_JSON_STRING
        && argo_json_text(talk->request->pool, sealed, &text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!ngx_http_argo_sim_sealed("gAAAAABq", &text)) {
        return ngx_http_argo_sim_refuse(talk, NULL,
                   "invalid_encrypted_content", "The encrypted content for "
                   "item %V could not be verified. Reason: Encrypted content "
                   "could not be decrypted or parsed.", &id);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_response_tools(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *tools, const argo_json_t *space)
{
    ngx_int_t     rc;
    ngx_uint_t    i;
    argo_json_t  *tool;

    tool = tools ? tools->child : NULL;

    for (i = 0; tool; i++, tool = tool->next) {

        rc = ngx_http_argo_sim_response_tool(talk, tool, space, i);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* As deep as the document at most. */

static ngx_int_t
ngx_http_argo_sim_response_tool(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *tool, const argo_json_t *space, ngx_uint_t i)
{
    u_char        param[64];
    ngx_int_t     rc;
    ngx_uint_t    custom;
    argo_json_t  *type, *name, *schema;

    type = argo_json_get(tool, "type");
    name = ngx_http_argo_sim_member(tool, "name");

    if (type && argo_json_is(type, "local_shell")) {
        return ngx_http_argo_sim_offer(talk, NGX_HTTP_ARGO_SIM_SHELL, NULL,
                                       NULL, NULL);
    }

    if (type && argo_json_is(type, "namespace")) {
        return ngx_http_argo_sim_response_tools(talk,
                   ngx_http_argo_sim_member(tool, "tools"), name);
    }

    custom = (type && argo_json_is(type, "custom"));

    if (type && !custom && !argo_json_is(type, "function")) {
        /* one of the vendor's own: it is not ours to call */
        return NGX_OK;
    }

    *ngx_snprintf(param, sizeof(param) - 1, "tools[%ui].%s", i,
                  type ? "name" : "type") = '\0';

    if (type == NULL || name == NULL || name->type != ARGO_JSON_STRING) {
        return ngx_http_argo_sim_refuse(talk, (char *) param,
                   "missing_required_parameter",
                   "Missing required parameter: '%s'.", param);
    }

    rc = ngx_http_argo_sim_check_name(talk, name, (char *) param, 128);

    if (rc != NGX_OK) {
        return rc;
    }

    schema = custom ? NULL : ngx_http_argo_sim_member(tool, "parameters");

    if (schema) {
        rc = ngx_http_argo_sim_check_schema(talk, schema, i);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_http_argo_sim_offer(talk, custom ? NGX_HTTP_ARGO_SIM_CUSTOM
                                                : NGX_HTTP_ARGO_SIM_FUNCTION,
                                   name, schema, space);
}


static ngx_int_t
ngx_http_argo_sim_response_choice(ngx_http_argo_sim_talk_t *talk)
{
    argo_json_t  *choice, *type, *name;

    choice = ngx_http_argo_sim_member(talk->ctx->root, "tool_choice");

    if (choice == NULL) {
        return NGX_OK;
    }

    type = argo_json_get(choice, "type");
    name = argo_json_get(choice, "name");

    if (type && (argo_json_is(type, "function")
                 || argo_json_is(type, "custom")))
    {
        if (name == NULL || name->type != ARGO_JSON_STRING) {
            return ngx_http_argo_sim_refuse(talk, "tool_choice.name",
                       "missing_required_parameter", "Missing required "
                       "parameter: 'tool_choice.name'.");
        }

        talk->choice = NGX_HTTP_ARGO_SIM_CHOICE_NAMED;
        talk->chosen = argo_json_inner(name);

        if (ngx_http_argo_sim_find_offer(talk, &talk->chosen) == NULL) {
            return ngx_http_argo_sim_refuse(talk, "tool_choice", NULL,
                       "Tool choice '%V' not found in 'tools' parameter.",
                       &talk->chosen);
        }

    } else if (argo_json_is(choice, "none")) {
        talk->choice = NGX_HTTP_ARGO_SIM_CHOICE_NONE;

    } else if (argo_json_is(choice, "required")) {
        talk->choice = NGX_HTTP_ARGO_SIM_CHOICE_REQUIRED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_response_effort(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t     rc;
    argo_json_t  *effort;

    effort = ngx_http_argo_sim_member(talk->ctx->root, "reasoning");
    effort = effort ? ngx_http_argo_sim_member(effort, "effort") : NULL;

    talk->reasoning = talk->rule->reasoning;

    if (effort == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_argo_sim_check_effort(talk, effort, "reasoning.effort");

    if (rc != NGX_OK) {
        return rc;
    }

    talk->reasoning = ngx_http_argo_sim_effort_tokens(
                          ngx_http_argo_sim_effort(effort));

    return NGX_OK;
}


static ngx_uint_t
ngx_http_argo_sim_same(const argo_json_t *a, const argo_json_t *b)
{
    return a && b && a->raw.len == b->raw.len
           && ngx_memcmp(a->raw.data, b->raw.data, a->raw.len) == 0;
}
