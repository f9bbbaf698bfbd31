
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * POST v1/chat/completions: the request, for the models of all vendors.
 */


#include "ngx_http_argo_sim_native.h"


#define NGX_HTTP_ARGO_SIM_MAX_IMAGES  50
#define NGX_HTTP_ARGO_SIM_MAX_DESCRIPTION  4096


static ngx_int_t ngx_http_argo_sim_completion_limits(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_completion_history(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_completion_message(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *message, ngx_uint_t i,
    argo_json_t **open);
static ngx_int_t ngx_http_argo_sim_completion_content(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *message, ngx_uint_t i);
static ngx_int_t ngx_http_argo_sim_completion_result(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *message, ngx_uint_t i,
    const argo_json_t *open);
static ngx_int_t ngx_http_argo_sim_completion_closed(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *open,
    const argo_json_t *message, ngx_uint_t i);
static argo_json_t *ngx_http_argo_sim_find_call(const argo_json_t *message,
    const argo_json_t *id);
static ngx_int_t ngx_http_argo_sim_unpaired(ngx_http_argo_sim_talk_t *talk);
static ngx_uint_t ngx_http_argo_sim_count_images(const argo_json_t *content);
static ngx_int_t ngx_http_argo_sim_completion_tools(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_completion_tool(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *tool, ngx_uint_t i);
static ngx_int_t ngx_http_argo_sim_completion_choice(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_completion_format(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_completion_alone(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_completion_effort(
    ngx_http_argo_sim_talk_t *talk);


ngx_int_t
ngx_http_argo_sim_completions(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t                 rc;
    argo_json_t              *parallel;
    ngx_http_argo_sim_ctx_t  *ctx;

    ctx = talk->ctx;

    rc = ngx_http_argo_sim_check_foreign(talk);

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_completion_limits(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_completion_history(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_check_sampling(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_completion_tools(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_completion_choice(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_completion_effort(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_completion_format(talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_completion_alone(talk);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    parallel = ngx_http_argo_sim_member(ctx->root, "parallel_tool_calls");
    talk->single = (parallel && parallel->type == ARGO_JSON_FALSE);
    talk->stop = ngx_http_argo_sim_member(ctx->root, "stop");

    talk->input_tokens = ngx_http_argo_sim_tokens(ctx->messages)
                         + ngx_http_argo_sim_tokens(
                               argo_json_get(ctx->root, "tools"));

    if (ngx_http_argo_sim_talk(talk) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_argo_sim_write_completion(talk);
}


static ngx_int_t
ngx_http_argo_sim_completion_limits(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t                    rc;
    argo_json_t                 *root;
    ngx_http_argo_sim_family_e   family;

    root = talk->ctx->root;
    family = talk->ctx->model->family;

    if ((talk->rule->flags & NGX_HTTP_ARGO_SIM_NO_MAX_TOKENS)
        && ngx_http_argo_sim_member(root, "max_tokens"))
    {
        return ngx_http_argo_sim_refuse(talk, "max_tokens",
                   "unsupported_parameter", "Unsupported parameter: "
                   "'max_tokens' is not supported with this model. Use "
                   "'max_completion_tokens' instead.");
    }

    rc = ngx_http_argo_sim_check_limits(talk, "max_tokens");

    if (rc == NGX_OK && family == NGX_HTTP_ARGO_SIM_OPENAI) {
        rc = ngx_http_argo_sim_check_limits(talk, "max_completion_tokens");
    }

    if (rc == NGX_OK && family == NGX_HTTP_ARGO_SIM_ANTHROPIC
        && !talk->stream
        && (talk->limit == 0
            || talk->limit > NGX_HTTP_ARGO_SIM_MAX_UNARY_TOKENS))
    {
        return ngx_http_argo_sim_fail(talk, NGX_HTTP_INTERNAL_SERVER_ERROR,
                   "ValueError", "Streaming is required for operations that "
                   "may take longer than 10 minutes. See https://github.com/"
                   "anthropics/anthropic-sdk-python#long-requests for more "
                   "details");
    }

    return rc;
}


static ngx_int_t
ngx_http_argo_sim_completion_history(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t                    rc;
    ngx_uint_t                   i, users, images;
    argo_json_t                 *messages, *message, *role, *open;
    ngx_http_argo_sim_family_e   family;

    messages = talk->ctx->messages;
    family = talk->ctx->model->family;
    open = NULL;
    users = 0;
    images = 0;

    message = messages->child;

    if (message == NULL && family == NGX_HTTP_ARGO_SIM_OPENAI) {
        return ngx_http_argo_sim_refuse(talk, "messages", "empty_array",
                   "Invalid 'messages': empty array. Expected an array with "
                   "minimum length 1, but got an empty array instead.");
    }

    for (i = 0; message; i++, message = message->next) {

        rc = ngx_http_argo_sim_completion_message(talk, message, i, &open);

        if (rc != NGX_OK) {
            return rc;
        }

        role = argo_json_get(message, "role");
        users += argo_json_is(role, "user");
        images += ngx_http_argo_sim_count_images(
                      argo_json_get(message, "content"));
    }

    rc = ngx_http_argo_sim_completion_closed(talk, open, NULL, i);

    if (rc != NGX_OK) {
        return rc;
    }

    if (family == NGX_HTTP_ARGO_SIM_OPENAI
        && images > NGX_HTTP_ARGO_SIM_MAX_IMAGES)
    {
        return ngx_http_argo_sim_refuse(talk, "messages", "too_many_images",
                   "Invalid request: too many images. Expected at most %d, "
                   "but got %ui instead.", NGX_HTTP_ARGO_SIM_MAX_IMAGES,
                   images);
    }

    if (users == 0 && family == NGX_HTTP_ARGO_SIM_GOOGLE) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "Unable to submit request because it must have at least "
                   "one contents field with a turn of the user.");
    }

    if (users == 0 && family == NGX_HTTP_ARGO_SIM_ANTHROPIC) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "messages: at least one message is required");
    }

    return NGX_OK;
}


/* open: the message with calls that wait for their results; or NULL. */

static ngx_int_t
ngx_http_argo_sim_completion_message(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *message, ngx_uint_t i, argo_json_t **open)
{
    u_char        param[64];
    ngx_int_t     rc;
    ngx_str_t     text;
    argo_json_t  *role, *calls;

    role = argo_json_get(message, "role");

    *ngx_snprintf(param, sizeof(param) - 1, "messages[%ui].role", i) = '\0';

    if (role == NULL || role->type != ARGO_JSON_STRING) {
        return ngx_http_argo_sim_refuse(talk, (char *) param,
                   "missing_required_parameter",
                   "Missing required parameter: '%s'.", param);
    }

    if (argo_json_is(role, "developer")) {

        /* not the reason, but what ARGO says */

        *ngx_snprintf(param, sizeof(param) - 1, "messages[%ui].tool_calls", i)
            = '\0';
        return ngx_http_argo_sim_refuse(talk, (char *) param,
                   "unknown_parameter", "Unknown parameter: '%s'.", param);
    }

    if (argo_json_is(role, "tool")) {
        return ngx_http_argo_sim_completion_result(talk, message, i, *open);
    }

    rc = ngx_http_argo_sim_completion_closed(talk, *open, message, i);

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_completion_content(talk, message, i);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    *open = NULL;
    talk->answered = 0;

    if (argo_json_is(role, "assistant")) {
        talk->later = 1;

        calls = ngx_http_argo_sim_member(message, "tool_calls");

        if (calls && calls->child) {
            *open = (argo_json_t *) message;
        }

    } else if (argo_json_is(role, "user")) {
        return ngx_http_argo_sim_content(talk->request->pool,
                                         argo_json_get(message, "content"),
                                         &talk->said);

    } else if (!argo_json_is(role, "system")
               && !argo_json_is(role, "function"))
    {
        text = argo_json_inner(role);
        return ngx_http_argo_sim_refuse(talk, (char *) param,
                   "invalid_value", "Invalid value: '%V'. Supported values "
                   "are: 'system', 'assistant', 'user', 'function', and "
                   "'tool'.", &text);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_completion_content(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *message, ngx_uint_t i)
{
    u_char                       param[64];
    ngx_str_t                    text;
    argo_json_t                 *role, *content;
    ngx_http_argo_sim_family_e   family;

    role = argo_json_get(message, "role");
    content = ngx_http_argo_sim_member(message, "content");
    family = talk->ctx->model->family;

    if (content == NULL && family == NGX_HTTP_ARGO_SIM_GOOGLE) {
        return ngx_http_argo_sim_fail(talk, NGX_HTTP_INTERNAL_SERVER_ERROR,
                   "TypeError", "'NoneType' object is not iterable");
    }

    if (content == NULL && !argo_json_is(role, "assistant")) {
        *ngx_snprintf(param, sizeof(param) - 1, "messages.[%ui].content", i)
            = '\0';
        return ngx_http_argo_sim_refuse(talk, (char *) param, NULL,
                   "Invalid value for 'content': expected a string, got "
                   "null.");
    }

    if (family == NGX_HTTP_ARGO_SIM_ANTHROPIC && argo_json_is(role, "user")) {

        if (ngx_http_argo_sim_content(talk->request->pool, content, &text)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (ngx_http_argo_sim_blank(&text)) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "messages: text content blocks must contain "
                       "non-whitespace text");
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_completion_result(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *message, ngx_uint_t i, const argo_json_t *open)
{
    u_char                       param[64];
    ngx_str_t                    text;
    argo_json_t                 *id, *content;
    ngx_http_argo_sim_family_e   family;

    family = talk->ctx->model->family;
    id = argo_json_get(message, "tool_call_id");
    content = ngx_http_argo_sim_member(message, "content");

    if (content == NULL && family == NGX_HTTP_ARGO_SIM_GOOGLE) {
        return ngx_http_argo_sim_fail(talk, NGX_HTTP_INTERNAL_SERVER_ERROR,
                   "TypeError", "'NoneType' object is not iterable");
    }

    if (open && ngx_http_argo_sim_find_call(open, id)) {
        return ngx_http_argo_sim_add_result(talk, content);
    }

    if (family == NGX_HTTP_ARGO_SIM_GOOGLE) {
        return ngx_http_argo_sim_unpaired(talk);
    }

    *ngx_snprintf(param, sizeof(param) - 1, "messages.[%ui].%s", i,
                  open ? "tool_call_id" : "role") = '\0';

    if (open == NULL) {
        return ngx_http_argo_sim_refuse(talk, (char *) param, NULL,
                   "Invalid parameter: messages with role 'tool' must be a "
                   "response to a preceeding message with 'tool_calls'.");
    }

    ngx_str_set(&text, "");

    if (id && id->type == ARGO_JSON_STRING) {
        text = argo_json_inner(id);
    }

    return ngx_http_argo_sim_refuse(talk, (char *) param, NULL,
               "Invalid parameter: 'tool_call_id' of '%V' not found in "
               "'tool_calls' of previous message.", &text);
}


/* message: what follows the results; NULL at the end. */

static ngx_int_t
ngx_http_argo_sim_completion_closed(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *open, const argo_json_t *message, ngx_uint_t i)
{
    u_char        param[64];
    ngx_str_t     text;
    argo_json_t  *call, *calls, *result, *id, *answered;

    if (open == NULL) {
        return NGX_OK;
    }

    calls = argo_json_get(open, "tool_calls");

    if (talk->ctx->model->family == NGX_HTTP_ARGO_SIM_GOOGLE
        && calls->count > 1)
    {
        /* ARGO takes the answers apart */
        return ngx_http_argo_sim_unpaired(talk);
    }

    for (call = calls->child; call; call = call->next) {
        id = argo_json_get(call, "id");

        for (result = open->next; result != message; result = result->next) {
            answered = argo_json_get(result, "tool_call_id");

            if (id && answered
                && id->raw.len == answered->raw.len
                && ngx_memcmp(id->raw.data, answered->raw.data, id->raw.len)
                   == 0)
            {
                break;
            }
        }

        if (result != message) {
            continue;
        }

        if (talk->ctx->model->family == NGX_HTTP_ARGO_SIM_GOOGLE) {
            return ngx_http_argo_sim_unpaired(talk);
        }

        ngx_str_set(&text, "");

        if (id && id->type == ARGO_JSON_STRING) {
            text = argo_json_inner(id);
        }

        *ngx_snprintf(param, sizeof(param) - 1, "messages.[%ui].role", i)
            = '\0';
        return ngx_http_argo_sim_refuse(talk, (char *) param, NULL,
                   "An assistant message with 'tool_calls' must be followed "
                   "by tool messages responding to each 'tool_call_id'. The "
                   "following tool_call_ids did not have response messages: "
                   "%V", &text);
    }

    return NGX_OK;
}


static argo_json_t *
ngx_http_argo_sim_find_call(const argo_json_t *message, const argo_json_t *id)
{
    argo_json_t  *call, *member;

    if (id == NULL) {
        return NULL;
    }

    call = argo_json_get(message, "tool_calls")->child;

    for ( /* void */ ; call; call = call->next) {
        member = argo_json_get(call, "id");

        if (member && member->raw.len == id->raw.len
            && ngx_memcmp(member->raw.data, id->raw.data, id->raw.len) == 0)
        {
            return call;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_argo_sim_unpaired(ngx_http_argo_sim_talk_t *talk)
{
    return ngx_http_argo_sim_refuse(talk, NULL, NULL,
               "Please ensure that the number of function response parts is "
               "equal to the number of function call parts of the function "
               "call turn.");
}


static ngx_uint_t
ngx_http_argo_sim_count_images(const argo_json_t *content)
{
    ngx_uint_t    n;
    argo_json_t  *part, *type;

    n = 0;

    if (content == NULL || content->type != ARGO_JSON_ARRAY) {
        return 0;
    }

    for (part = content->child; part; part = part->next) {
        type = argo_json_get(part, "type");
        n += type && argo_json_is(type, "image_url");
    }

    return n;
}


static ngx_int_t
ngx_http_argo_sim_completion_tools(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t     rc;
    ngx_uint_t    i;
    argo_json_t  *tools, *tool;

    tools = ngx_http_argo_sim_member(talk->ctx->root, "tools");
    tool = tools ? tools->child : NULL;

    for (i = 0; tool; i++, tool = tool->next) {

        rc = ngx_http_argo_sim_completion_tool(talk, tool, i);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_completion_tool(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *tool, ngx_uint_t i)
{
    u_char        param[64];
    ngx_int_t     rc;
    ngx_uint_t    custom;
    argo_json_t  *type, *function, *name, *schema, *description;

    type = argo_json_get(tool, "type");

    custom = (type && argo_json_is(type, "custom")
              && talk->ctx->model->family == NGX_HTTP_ARGO_SIM_OPENAI);

    function = custom ? argo_json_get(tool, "custom")
                      : argo_json_get(tool, "function");

    name = function ? argo_json_get(function, "name") : NULL;

    if (name == NULL || name->type != ARGO_JSON_STRING) {

        if (talk->ctx->model->family == NGX_HTTP_ARGO_SIM_GOOGLE) {
            return ngx_http_argo_sim_fail(talk,
                       NGX_HTTP_INTERNAL_SERVER_ERROR, "KeyError",
                       function ? "'name'" : "'function'");
        }

        *ngx_snprintf(param, sizeof(param) - 1, "tools[%ui].%s%s", i,
                      custom ? "custom" : "function",
                      function ? ".name" : "") = '\0';
        return ngx_http_argo_sim_refuse(talk, (char *) param,
                   "missing_required_parameter",
                   "Missing required parameter: '%s'.", param);
    }

    *ngx_snprintf(param, sizeof(param) - 1, "tools[%ui].%s.name", i,
                  custom ? "custom" : "function") = '\0';
    rc = ngx_http_argo_sim_check_name(talk, name, (char *) param, 64);

    if (rc != NGX_OK) {
        return rc;
    }

    description = argo_json_get(function, "description");

    if (custom && description
        && argo_json_inner(description).len
           > NGX_HTTP_ARGO_SIM_MAX_DESCRIPTION)
    {
        *ngx_snprintf(param, sizeof(param) - 1,
                      "tools[%ui].custom.description", i) = '\0';
        return ngx_http_argo_sim_refuse(talk, (char *) param,
                   "string_above_max_length", "Invalid '%s': string too "
                   "long. Expected a string with maximum length %d, but got "
                   "a string with length %uz instead.", param,
                   NGX_HTTP_ARGO_SIM_MAX_DESCRIPTION,
                   argo_json_inner(description).len);
    }

    schema = custom ? NULL : ngx_http_argo_sim_member(function, "parameters");

    if (schema) {
        rc = ngx_http_argo_sim_check_schema(talk, schema, i);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_http_argo_sim_offer(talk, custom ? NGX_HTTP_ARGO_SIM_CUSTOM
                                                : NGX_HTTP_ARGO_SIM_FUNCTION,
                                   name, schema, NULL);
}


static ngx_int_t
ngx_http_argo_sim_completion_choice(ngx_http_argo_sim_talk_t *talk)
{
    argo_json_t  *choice, *name;

    choice = ngx_http_argo_sim_member(talk->ctx->root, "tool_choice");

    if (choice == NULL) {
        return NGX_OK;
    }

    if (talk->offers.nelts == 0
        && talk->ctx->model->family == NGX_HTTP_ARGO_SIM_OPENAI)
    {
        return ngx_http_argo_sim_refuse(talk, "tool_choice", NULL,
                   "Invalid value for 'tool_choice': 'tool_choice' is only "
                   "allowed when 'tools' are specified.");
    }

    if (choice->type == ARGO_JSON_STRING
        && talk->ctx->model->family == NGX_HTTP_ARGO_SIM_ANTHROPIC)
    {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "tool_choice: Input should be a valid dictionary or "
                   "object to extract fields from");
    }

    if (argo_json_is(choice, "none")) {
        talk->choice = NGX_HTTP_ARGO_SIM_CHOICE_NONE;
        return NGX_OK;
    }

    if (argo_json_is(choice, "required")) {
        talk->choice = NGX_HTTP_ARGO_SIM_CHOICE_REQUIRED;
        return NGX_OK;
    }

    name = argo_json_get(choice, "function");

    if (name == NULL) {
        name = argo_json_get(choice, "custom");
    }

    name = name ? argo_json_get(name, "name") : argo_json_get(choice, "name");

    if (name && name->type == ARGO_JSON_STRING) {
        talk->choice = NGX_HTTP_ARGO_SIM_CHOICE_NAMED;
        talk->chosen = argo_json_inner(name);

        if (ngx_http_argo_sim_find_offer(talk, &talk->chosen) == NULL) {
            return ngx_http_argo_sim_refuse(talk, "tool_choice", NULL,
                       "Invalid value for 'tool_choice': no tool with the "
                       "name '%V' is in 'tools'.", &talk->chosen);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_completion_format(ngx_http_argo_sim_talk_t *talk)
{
    argo_json_t  *format, *type, *node;

    format = ngx_http_argo_sim_member(talk->ctx->root, "response_format");
    type = format ? argo_json_get(format, "type") : NULL;

    if (type == NULL) {
        return NGX_OK;
    }

    if (argo_json_is(type, "json_object")) {
        talk->object = 1;
        return NGX_OK;
    }

    if (!argo_json_is(type, "json_schema")) {
        return NGX_OK;
    }

    node = argo_json_get(format, "json_schema");
    node = node ? argo_json_get(node, "schema") : NULL;

    if (node == NULL) {
        return ngx_http_argo_sim_refuse(talk, "response_format.json_schema",
                   "missing_required_parameter", "Missing required "
                   "parameter: 'response_format.json_schema.schema'.");
    }

    talk->schema = node;

    if (talk->ctx->model->family == NGX_HTTP_ARGO_SIM_GOOGLE) {
        return ngx_http_argo_sim_check_schema(talk, node, 0);
    }

    return NGX_OK;
}


/* What OpenAI takes together with something else only. */

static ngx_int_t
ngx_http_argo_sim_completion_alone(ngx_http_argo_sim_talk_t *talk)
{
    argo_json_t  *root;

    root = talk->ctx->root;

    if (talk->ctx->model->family != NGX_HTTP_ARGO_SIM_OPENAI) {
        return NGX_OK;
    }

    if (talk->offers.nelts == 0
        && ngx_http_argo_sim_member(root, "parallel_tool_calls"))
    {
        return ngx_http_argo_sim_refuse(talk, "parallel_tool_calls", NULL,
                   "Invalid value for 'parallel_tool_calls': "
                   "'parallel_tool_calls' is only allowed when 'tools' are "
                   "specified.");
    }

    if (!talk->stream && ngx_http_argo_sim_member(root, "stream_options")) {
        return ngx_http_argo_sim_refuse(talk, "stream_options", NULL,
                   "The 'stream_options' parameter is only allowed when "
                   "'stream' is enabled.");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_completion_effort(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i, bit;
    argo_json_t                *effort;
    ngx_http_argo_sim_offer_t  *offer;

    if (talk->ctx->model->family != NGX_HTTP_ARGO_SIM_OPENAI) {
        return NGX_OK;
    }

    effort = ngx_http_argo_sim_member(talk->ctx->root, "reasoning_effort");
    talk->reasoning = talk->rule->reasoning;

    if (effort == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_argo_sim_check_effort(talk, effort, "reasoning_effort");

    if (rc != NGX_OK) {
        return rc;
    }

    bit = ngx_http_argo_sim_effort(effort);
    talk->reasoning = ngx_http_argo_sim_effort_tokens(bit);

    if (!(talk->rule->flags & NGX_HTTP_ARGO_SIM_NO_EFFORT_TOOLS)
        || bit == NGX_HTTP_ARGO_SIM_EFFORT_NONE)
    {
        return NGX_OK;
    }

    offer = talk->offers.elts;

    for (i = 0; i < talk->offers.nelts; i++) {

        if (offer[i].kind == NGX_HTTP_ARGO_SIM_FUNCTION) {
            return ngx_http_argo_sim_refuse(talk, "reasoning_effort", NULL,
                       "Function tools with reasoning_effort are not "
                       "supported for %s in /v1/chat/completions. To use "
                       "function tools, use /v1/responses or set "
                       "reasoning_effort to 'none'.", talk->rule->snapshot);
        }
    }

    return NGX_OK;
}
