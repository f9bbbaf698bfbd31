
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * POST v1/messages and v1/messages/count_tokens: the request.
 */


#include "ngx_http_argo_sim_native.h"


#define NGX_HTTP_ARGO_SIM_MAX_CACHED  4


static ngx_int_t ngx_http_argo_sim_message_request(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_message_limits(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_message_roles(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_message_said(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_message_tools(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_message_tool(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *tool, ngx_uint_t i);
static ngx_int_t ngx_http_argo_sim_message_choice(
    ngx_http_argo_sim_talk_t *talk);
static ngx_uint_t ngx_http_argo_sim_cache_controls(const argo_json_t *node);


ngx_int_t
ngx_http_argo_sim_messages(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t     rc;
    argo_json_t  *root, *node;

    rc = ngx_http_argo_sim_message_limits(talk);

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_check_foreign(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_check_sampling(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_message_request(talk);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    root = talk->ctx->root;

    talk->stop = ngx_http_argo_sim_member(root, "stop_sequences");

    node = ngx_http_argo_sim_member(root, "output_config");
    node = node ? ngx_http_argo_sim_member(node, "format") : NULL;

    if (node == NULL) {
        node = ngx_http_argo_sim_member(root, "output_format");
    }

    talk->schema = node ? argo_json_get(node, "schema") : NULL;

    if (ngx_http_argo_sim_talk(talk) != NGX_OK) {
        return NGX_ERROR;
    }

    if (talk->ctx->options.answer == NGX_HTTP_ARGO_SIM_REPLY_OPENAI) {
        return ngx_http_argo_sim_write_completion(talk);
    }

    return ngx_http_argo_sim_write_message(talk);
}


ngx_int_t
ngx_http_argo_sim_count_tokens(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t                  rc;
    argo_out_t                 out;
    ngx_http_argo_sim_print_t  print;

    rc = ngx_http_argo_sim_message_request(talk);

    if (rc != NGX_OK) {
        return rc;
    }

    argo_out_init(&out, talk->request->pool, 64, NULL, 1);

    print.out = &out;
    print.python = 0;

    ngx_http_argo_sim_print(&print, "{'input_tokens':%i}",
                            (ngx_int_t) talk->input_tokens);

    return ngx_http_argo_sim_json(talk->request, talk->ctx, NGX_HTTP_OK,
                                  &out);
}


/* What both routes look at. */

static ngx_int_t
ngx_http_argo_sim_message_request(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t     rc;
    ngx_uint_t    n;
    argo_json_t  *root;

    root = talk->ctx->root;

    rc = ngx_http_argo_sim_check_thinking(talk);

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_message_tools(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_message_choice(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_message_roles(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_check_blocks(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_message_said(talk);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    n = ngx_http_argo_sim_cache_controls(root);

    if (n > NGX_HTTP_ARGO_SIM_MAX_CACHED) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "A maximum of %d blocks with cache_control may be "
                   "provided. Found %ui.", NGX_HTTP_ARGO_SIM_MAX_CACHED, n);
    }

    talk->cached = (n != 0);

    talk->input_tokens = ngx_http_argo_sim_tokens(talk->ctx->messages)
                         + ngx_http_argo_sim_tokens(
                               argo_json_get(root, "system"))
                         + ngx_http_argo_sim_tokens(
                               argo_json_get(root, "tools"));

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_message_limits(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t  rc;

    if (ngx_http_argo_sim_member(talk->ctx->root, "max_tokens") == NULL) {
        return ngx_http_argo_sim_fail(talk, NGX_HTTP_BAD_REQUEST, NULL,
                                      "max_tokens is required");
    }

    rc = ngx_http_argo_sim_check_limits(talk, "max_tokens");

    if (rc == NGX_OK && !talk->stream
        && talk->limit > NGX_HTTP_ARGO_SIM_MAX_UNARY_TOKENS)
    {
        return ngx_http_argo_sim_fail(talk, NGX_HTTP_INTERNAL_SERVER_ERROR,
                   NULL, "Streaming is required for operations that may take "
                   "longer than 10 minutes. See https://github.com/anthropics"
                   "/anthropic-sdk-python#long-requests for more details");
    }

    return rc;
}


static ngx_int_t
ngx_http_argo_sim_message_roles(ngx_http_argo_sim_talk_t *talk)
{
    ngx_uint_t    i;
    argo_json_t  *message, *role;

    message = talk->ctx->messages->child;

    if (message == NULL) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "messages: at least one message is required");
    }

    for (i = 0; message; i++, message = message->next) {
        role = argo_json_get(message, "role");

        if (role == NULL) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "messages.%ui.role: Field required", i);
        }

        if (argo_json_is(role, "system")) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "messages: Unexpected role \"system\". The Messages "
                       "API accepts a top-level `system` parameter, not "
                       "\"system\" as an input message role.");
        }

        if (argo_json_is(role, "assistant")) {
            talk->later = 1;

        } else if (!argo_json_is(role, "user")) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "messages.%ui.role: Input should be 'user' or "
                       "'assistant'", i);
        }
    }

    if (!argo_json_is(argo_json_get(talk->ctx->messages->child, "role"),
                      "user"))
    {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "messages: first message must use the \"user\" role");
    }

    return NGX_OK;
}


/* What the user said last, or the results at the end. */

static ngx_int_t
ngx_http_argo_sim_message_said(ngx_http_argo_sim_talk_t *talk)
{
    argo_json_t  *message, *content, *part, *type;

    message = talk->ctx->messages->child;

    for ( /* void */ ; message; message = message->next) {

        talk->answered = 0;

        if (!argo_json_is(argo_json_get(message, "role"), "user")) {
            continue;
        }

        content = argo_json_get(message, "content");
        part = (content && content->type == ARGO_JSON_ARRAY) ? content->child
                                                             : NULL;

        for ( /* void */ ; part; part = part->next) {
            type = argo_json_get(part, "type");

            if (type && argo_json_is(type, "tool_result")
                && ngx_http_argo_sim_add_result(talk,
                                      argo_json_get(part, "content"))
                   != NGX_OK)
            {
                return NGX_ERROR;
            }
        }

        if (!talk->answered
            && ngx_http_argo_sim_content(talk->request->pool, content,
                                         &talk->said)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_message_tools(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t     rc;
    ngx_uint_t    i;
    argo_json_t  *tools, *tool;

    tools = ngx_http_argo_sim_member(talk->ctx->root, "tools");
    tool = tools ? tools->child : NULL;

    for (i = 0; tool; i++, tool = tool->next) {

        rc = ngx_http_argo_sim_message_tool(talk, tool, i);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_message_tool(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *tool, ngx_uint_t i)
{
    u_char        param[64];
    ngx_int_t     rc;
    argo_json_t  *type, *name, *schema;

    type = ngx_http_argo_sim_member(tool, "type");

    if (type && !argo_json_is(type, "custom")) {

        if (argo_json_is(type, "function")) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "tools.%ui: Input tag 'function' found using 'type' "
                       "does not match any of the expected tags: 'bash_"
                       "20250124', 'custom', 'text_editor_20250124', "
                       "'text_editor_20250429', 'text_editor_20250728', "
                       "'web_search_20250305'", i);
        }

        /* one of the vendor's own: it is not ours to call */
        return NGX_OK;
    }

    name = ngx_http_argo_sim_member(tool, "name");

    if (name == NULL || name->type != ARGO_JSON_STRING) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "tools.%ui.custom.name: Field required", i);
    }

    *ngx_snprintf(param, sizeof(param) - 1, "tools.%ui.custom.name", i)
        = '\0';
    rc = ngx_http_argo_sim_check_name(talk, name, (char *) param, 128);

    if (rc != NGX_OK) {
        return rc;
    }

    schema = ngx_http_argo_sim_member(tool, "input_schema");

    if (schema == NULL) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "tools.%ui.custom.input_schema: Field required", i);
    }

    rc = ngx_http_argo_sim_check_schema(talk, schema, i);

    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_argo_sim_offer(talk, NGX_HTTP_ARGO_SIM_FUNCTION, name,
                                   schema, NULL);
}


static ngx_int_t
ngx_http_argo_sim_message_choice(ngx_http_argo_sim_talk_t *talk)
{
    ngx_str_t     tag;
    argo_json_t  *choice, *type, *node;

    choice = ngx_http_argo_sim_member(talk->ctx->root, "tool_choice");

    if (choice == NULL) {
        return NGX_OK;
    }

    type = argo_json_get(choice, "type");

    if (choice->type != ARGO_JSON_OBJECT) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "tool_choice: Input should be a valid dictionary or "
                   "object to extract fields from");
    }

    if (type == NULL || type->type != ARGO_JSON_STRING) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "tool_choice: Unable to extract tag using discriminator "
                   "'type'");
    }

    if (talk->offers.nelts == 0
        && !ngx_http_argo_sim_member(talk->ctx->root, "tools"))
    {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "tool_choice may only be specified while providing "
                   "tools.");
    }

    node = argo_json_get(choice, "disable_parallel_tool_use");
    talk->single = (node && node->type == ARGO_JSON_TRUE);

    if (argo_json_is(type, "none")) {
        talk->choice = NGX_HTTP_ARGO_SIM_CHOICE_NONE;

    } else if (argo_json_is(type, "any")) {
        talk->choice = NGX_HTTP_ARGO_SIM_CHOICE_REQUIRED;

    } else if (argo_json_is(type, "tool")) {
        node = argo_json_get(choice, "name");

        if (node == NULL || node->type != ARGO_JSON_STRING) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "tool_choice.tool.name: Field required");
        }

        talk->choice = NGX_HTTP_ARGO_SIM_CHOICE_NAMED;
        talk->chosen = argo_json_inner(node);

        if (ngx_http_argo_sim_find_offer(talk, &talk->chosen) == NULL) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "Tool '%V' not found in provided tools",
                       &talk->chosen);
        }

    } else if (!argo_json_is(type, "auto")) {
        tag = argo_json_inner(type);
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "tool_choice: Input tag '%V' found using 'type' does not "
                   "match any of the expected tags: 'any', 'auto', 'none', "
                   "'tool'", &tag);
    }

    return NGX_OK;
}


/* In what is a request's own; a tool's arguments have no blocks. */

static ngx_uint_t
ngx_http_argo_sim_cache_controls(const argo_json_t *node)
{
    ngx_uint_t    n;
    argo_json_t  *child;

    n = 0;

    for (child = node->child; child; child = child->next) {

        if (argo_str_is(&child->name, "cache_control")) {
            n += (child->type == ARGO_JSON_OBJECT);

        } else if (!argo_str_is(&child->name, "input")
                   && !argo_str_is(&child->name, "input_schema"))
        {
            n += ngx_http_argo_sim_cache_controls(child);
        }
    }

    return n;
}
