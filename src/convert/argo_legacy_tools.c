
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The tools of a request.  ARGO hands them on as they are, so they must have
 * the form that the model's vendor wants.
 */


#include "argo_legacy.h"
#include "argo_part.h"
#include "argo_tool.h"


static ngx_int_t argo_legacy_check_types(ngx_pool_t *pool,
    const argo_request_t *req, argo_error_t *err);
static ngx_int_t argo_legacy_check_calls(ngx_pool_t *pool,
    const argo_request_t *req, argo_message_t *message, argo_error_t *err);
static ngx_int_t argo_legacy_check_arguments(ngx_pool_t *pool,
    const argo_part_t *call, argo_error_t *err);

static void argo_legacy_write_openai_tool(const argo_tool_t *tool,
    argo_out_t *out);
static void argo_legacy_write_claude_tool(const argo_tool_t *tool,
    argo_out_t *out);
static void argo_legacy_write_claude_schema(const argo_json_t *schema,
    argo_out_t *out);
static void argo_legacy_write_gemini_tool(const argo_tool_t *tool,
    argo_out_t *out);
static void argo_legacy_write_name(const ngx_str_t *name, argo_out_t *out);
static void argo_legacy_write_openai_choice(const argo_request_t *req,
    argo_out_t *out);
static void argo_legacy_write_claude_choice(const argo_request_t *req,
    argo_out_t *out);
static void argo_legacy_write_gemini_choice(const argo_request_t *req,
    argo_out_t *out);


ngx_int_t
argo_legacy_check_tools(ngx_pool_t *pool, const argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t        rc;
    argo_part_t     *part;
    argo_message_t  *message;

    rc = argo_legacy_check_types(pool, req, err);
    if (rc != NGX_OK) {
        return rc;
    }

    for (message = req->messages; message; message = message->next) {

        if (message->role == ARGO_ROLE_TOOL) {
            /* those that answer something have been passed over */
            return argo_tool_unpaired(pool, message->parts, err);
        }

        for (part = message->parts; part; part = part->next) {
            if (part->type == ARGO_PART_TOOL_CALL) {
                break;
            }
        }

        if (part == NULL) {
            continue;
        }

        rc = argo_legacy_check_calls(pool, req, message, err);
        if (rc != NGX_OK) {
            return rc;
        }

        rc = argo_tool_pair(pool, req, message, err);
        if (rc != NGX_OK) {
            return rc;
        }

        while (message->next && message->next->role == ARGO_ROLE_TOOL) {
            message = message->next;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_legacy_check_types(ngx_pool_t *pool, const argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t           rc;
    argo_error_t        place;
    const argo_tool_t  *tool;

    for (tool = req->tools; tool; tool = tool->next) {

        if (tool->type == NULL && !(tool->custom && tool->raw)) {
            continue;
        }

        /* ARGO's own API runs no tools, and knows no others than functions */

        if (argo_error_setf(pool, &place, 400, NULL, NULL, "ziz", "tools[",
                            (ngx_int_t) tool->index, "].type")
            != NGX_DECLINED)
        {
            return NGX_ERROR;
        }

        rc = argo_error_setf(pool, err, 400, "unsupported_parameter", NULL,
                             "Vz", &place.message, " must be function: "
                             "ARGO's legacy API has no other tools");

        if (rc == NGX_DECLINED) {
            err->param = place.message;
        }

        return rc;
    }

    return NGX_OK;
}


static ngx_int_t
argo_legacy_check_calls(ngx_pool_t *pool, const argo_request_t *req,
    argo_message_t *message, argo_error_t *err)
{
    ngx_int_t     rc;
    argo_part_t  *call;

    if (req->target->family != ARGO_FAMILY_ANTHROPIC
        && req->target->family != ARGO_FAMILY_GOOGLE)
    {
        return NGX_OK;
    }

    for (call = message->parts; call; call = call->next) {

        if (call->type != ARGO_PART_TOOL_CALL) {
            continue;
        }

        rc = argo_legacy_check_arguments(pool, call, err);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* OpenAI's arguments are a text; these vendors want what it says. */

static ngx_int_t
argo_legacy_check_arguments(ngx_pool_t *pool, const argo_part_t *call,
    argo_error_t *err)
{
    u_char        *p;
    ngx_int_t      rc;
    ngx_str_t      text;
    argo_json_t   *root;
    argo_error_t   ignored;

    if (argo_part_is_blank(&call->text)) {
        return NGX_OK;
    }

    /* no escape is shorter than what it stands for */

    text.data = ngx_pnalloc(pool, call->text.len);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    p = call->text.data;
    text.len = argo_json_unescape(&p, p + call->text.len, text.data,
                                  call->text.len);

    rc = argo_json_parse(pool, &text, 0, &root, &ignored);

    if (rc == NGX_ERROR || (rc == NGX_OK && root->type == ARGO_JSON_OBJECT)) {
        return rc;
    }

    if (call->param.len == 0) {
        return argo_error_set(err, 400, "invalid_value", NULL,
                              "the arguments of a tool call must be a JSON "
                              "object");
    }

    rc = argo_error_setf(pool, err, 400, "invalid_value", NULL, "Vz",
                         &call->param, " must be a JSON object in a string: "
                         "this model's tools take nothing else");

    if (rc == NGX_DECLINED) {
        err->param = call->param;
    }

    return rc;
}


void
argo_legacy_write_tools(const argo_request_t *req, argo_out_t *out)
{
    const argo_tool_t  *tool;

    if (req->tools == NULL || req->target->family == ARGO_FAMILY_OTHER) {
        return;
    }

    argo_out_lit(out, ",\"tools\":[");

    for (tool = req->tools; tool; tool = tool->next) {

        switch (req->target->family) {

        case ARGO_FAMILY_ANTHROPIC:
            argo_legacy_write_claude_tool(tool, out);
            break;

        case ARGO_FAMILY_GOOGLE:
            argo_legacy_write_gemini_tool(tool, out);
            break;

        default: /* ARGO_FAMILY_OPENAI */
            argo_legacy_write_openai_tool(tool, out);
        }

        if (tool->next) {
            argo_out_lit(out, ",");
        }
    }

    argo_out_lit(out, "]");

    switch (req->target->family) {

    case ARGO_FAMILY_ANTHROPIC:
        argo_legacy_write_claude_choice(req, out);
        break;

    case ARGO_FAMILY_GOOGLE:
        argo_legacy_write_gemini_choice(req, out);
        break;

    default: /* ARGO_FAMILY_OPENAI */
        argo_legacy_write_openai_choice(req, out);
    }
}


static void
argo_legacy_write_openai_tool(const argo_tool_t *tool, argo_out_t *out)
{
    if (tool->raw) {
        argo_out_ref(out, tool->raw->raw.data, tool->raw->raw.len);
        return;
    }

    argo_out_lit(out, "{\"type\":\"function\",\"function\":{");
    argo_legacy_write_name(&tool->name, out);
    argo_legacy_write_member("description", tool->description, out);
    argo_legacy_write_member("parameters", tool->parameters, out);
    argo_legacy_write_member("strict", tool->strict, out);
    argo_out_lit(out, "}}");
}


static void
argo_legacy_write_claude_tool(const argo_tool_t *tool, argo_out_t *out)
{
    argo_json_t  *cache;

    argo_out_lit(out, "{");
    argo_legacy_write_name(&tool->name, out);
    argo_legacy_write_member("description", tool->description, out);
    argo_out_lit(out, ",\"input_schema\":");
    argo_legacy_write_claude_schema(tool->parameters, out);
    argo_out_lit(out, ",\"cache_control\":");

    /* not OpenAI's, but clients that know of Claude send it */
    cache = argo_json_get(tool->raw, "cache_control");

    if (cache) {
        argo_out_ref(out, cache->raw.data, cache->raw.len);

    } else {
        argo_out_lit(out, "null");
    }

    argo_out_lit(out, ",\"type\":\"custom\"}");
}


/* Claude takes no schema but of an object, and wants to be told so. */

static void
argo_legacy_write_claude_schema(const argo_json_t *schema, argo_out_t *out)
{
    if (schema == NULL || schema->count == 0) {
        argo_out_lit(out, "{\"type\":\"object\",\"properties\":{}}");
        return;
    }

    if (schema->child == NULL || argo_json_get(schema, "type")) {
        /* as it came, also if the tree does not reach into it */
        argo_out_ref(out, schema->raw.data, schema->raw.len);
        return;
    }

    argo_out_lit(out, "{\"type\":\"object\",");
    argo_out_ref(out, schema->raw.data + 1, schema->raw.len - 1);
}


static void
argo_legacy_write_gemini_tool(const argo_tool_t *tool, argo_out_t *out)
{
    argo_out_lit(out, "{");
    argo_legacy_write_name(&tool->name, out);
    argo_legacy_write_member("description", tool->description, out);
    argo_legacy_write_member("parameters", tool->parameters, out);
    argo_out_lit(out, "}");
}


static void
argo_legacy_write_name(const ngx_str_t *name, argo_out_t *out)
{
    argo_out_lit(out, "\"name\":\"");
    argo_out_str(out, name);
    argo_out_lit(out, "\"");
}


static void
argo_legacy_write_openai_choice(const argo_request_t *req, argo_out_t *out)
{
    switch (req->tool_choice) {

    case ARGO_TOOL_CHOICE_AUTO:
        argo_out_lit(out, ",\"tool_choice\":\"auto\"");
        break;

    case ARGO_TOOL_CHOICE_NONE:
        argo_out_lit(out, ",\"tool_choice\":\"none\"");
        break;

    case ARGO_TOOL_CHOICE_REQUIRED:
        argo_out_lit(out, ",\"tool_choice\":\"required\"");
        break;

    case ARGO_TOOL_CHOICE_NAMED:
        argo_out_lit(out, ",\"tool_choice\":{\"type\":\"function\","
                          "\"function\":{");
        argo_legacy_write_name(&req->tool_name, out);
        argo_out_lit(out, "}}");
        break;

    default: /* ARGO_TOOL_CHOICE_NONE_SAID */
        break;
    }

    switch (req->parallel) {

    case ARGO_PARALLEL_YES:
        argo_out_lit(out, ",\"parallel_tool_calls\":true");
        break;

    case ARGO_PARALLEL_NO:
        argo_out_lit(out, ",\"parallel_tool_calls\":false");
        break;

    default: /* ARGO_PARALLEL_NOT_SAID */
        break;
    }
}


/* Claude has parallel_tool_calls in here, turned about. */

static void
argo_legacy_write_claude_choice(const argo_request_t *req, argo_out_t *out)
{
    switch (req->tool_choice) {

    case ARGO_TOOL_CHOICE_NONE:
        argo_out_lit(out, ",\"tool_choice\":{\"type\":\"none\"}");
        return;

    case ARGO_TOOL_CHOICE_AUTO:
        argo_out_lit(out, ",\"tool_choice\":{\"type\":\"auto\"");
        break;

    case ARGO_TOOL_CHOICE_REQUIRED:
        argo_out_lit(out, ",\"tool_choice\":{\"type\":\"any\"");
        break;

    case ARGO_TOOL_CHOICE_NAMED:
        argo_out_lit(out, ",\"tool_choice\":{\"type\":\"tool\",");
        argo_legacy_write_name(&req->tool_name, out);
        break;

    default: /* ARGO_TOOL_CHOICE_NONE_SAID */

        if (req->parallel != ARGO_PARALLEL_NO) {
            return;
        }

        argo_out_lit(out, ",\"tool_choice\":{\"type\":\"auto\"");
    }

    if (req->parallel == ARGO_PARALLEL_NO) {
        argo_out_lit(out, ",\"disable_parallel_tool_use\":true}");

    } else {
        argo_out_lit(out, ",\"disable_parallel_tool_use\":false}");
    }
}


static void
argo_legacy_write_gemini_choice(const argo_request_t *req, argo_out_t *out)
{
    switch (req->tool_choice) {

    case ARGO_TOOL_CHOICE_AUTO:
        argo_out_lit(out, ",\"tool_choice\":\"AUTO\"");
        break;

    case ARGO_TOOL_CHOICE_NONE:
        argo_out_lit(out, ",\"tool_choice\":\"NONE\"");
        break;

    case ARGO_TOOL_CHOICE_REQUIRED:
        argo_out_lit(out, ",\"tool_choice\":\"ANY\"");
        break;

    case ARGO_TOOL_CHOICE_NAMED:
        argo_out_lit(out, ",\"tool_choice\":{\"mode\":\"FUNCTION_CALLING\","
                          "\"allowed_function_names\":[\"");
        argo_out_str(out, &req->tool_name);
        argo_out_lit(out, "\"]}");
        break;

    default: /* ARGO_TOOL_CHOICE_NONE_SAID */
        break;
    }
}
