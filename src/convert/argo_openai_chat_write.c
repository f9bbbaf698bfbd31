
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * A request for chat completions, written from argo_ir.h: what is around its
 * messages.
 */


#include "argo_openai_chat.h"
#include "argo_json_write.h"
#include "argo_legacy.h"
#include "argo_rules.h"
#include "argo_schema.h"


/* what a custom tool's input is, as a function's one argument */

#define ARGO_CHAT_CUSTOM                                                      \
    "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"  \
    "\"required\":[\"input\"]"


static void argo_chat_write_params(const argo_request_t *req,
    argo_out_t *out);
static void argo_chat_write_param(const argo_request_t *req,
    const char *name, const argo_json_t *node, argo_out_t *out);
static ngx_uint_t argo_chat_goes_up(const argo_request_t *req,
    const argo_json_t *node);
static void argo_chat_write_limit(const argo_request_t *req,
    argo_out_t *out);
static void argo_chat_write_format(const argo_request_t *req,
    argo_out_t *out);
static void argo_chat_write_tools(const argo_request_t *req,
    argo_out_t *out);
static void argo_chat_write_tool(const argo_request_t *req,
    const argo_tool_t *tool, argo_out_t *out);
static void argo_chat_write_choice(const argo_request_t *req,
    argo_out_t *out);


void
argo_chat_write_own(const argo_request_t *req, const argo_call_t *call,
    argo_out_t *out)
{
    argo_out_lit(out, "{\"model\":");
    argo_json_write_string(out, &req->target->id);
    argo_out_lit(out, ",\"user\":");
    argo_json_write_string(out, &req->user);

    if (call->frame == ARGO_FRAME_SSE) {
        /* usage is asked for whether or not the client wants it */
        argo_out_lit(out, ",\"stream\":true,\"stream_options\":"
                          "{\"include_usage\":true}");
    }

    argo_out_lit(out, ",\"messages\":[");
    argo_chat_write_messages(req, out);
    argo_out_lit(out, "]");

    if (req->dialect == ARGO_DIALECT_COMPLETIONS
        || req->dialect == ARGO_DIALECT_RESPONSES)
    {
        argo_legacy_write_untaken(req->root, out);
    }

    argo_chat_write_params(req, out);
    argo_chat_write_limit(req, out);
    argo_chat_write_format(req, out);
    argo_chat_write_tools(req, out);

    argo_out_lit(out, "}");
}


static void
argo_chat_write_params(const argo_request_t *req, argo_out_t *out)
{
    argo_chat_write_param(req, "temperature", req->temperature, out);
    argo_chat_write_param(req, "top_p", req->top_p, out);
    argo_chat_write_param(req, "stop", req->stop, out);
    argo_chat_write_param(req, "seed", req->seed, out);
    argo_chat_write_param(req, "frequency_penalty", req->frequency_penalty,
                          out);
    argo_chat_write_param(req, "presence_penalty", req->presence_penalty,
                          out);
    argo_chat_write_param(req, "reasoning_effort", req->effort, out);
    argo_chat_write_param(req, "verbosity", req->verbosity, out);
}


static void
argo_chat_write_param(const argo_request_t *req, const char *name,
    const argo_json_t *node, argo_out_t *out)
{
    if (node && !node->dropped && !argo_chat_goes_up(req, node)) {
        argo_legacy_write_member(name, node, out);
    }
}


/* True if it is a member that is written as it came. */

static ngx_uint_t
argo_chat_goes_up(const argo_request_t *req, const argo_json_t *node)
{
    const argo_json_t  *member;

    if (node->taken
        || (req->dialect != ARGO_DIALECT_COMPLETIONS
            && req->dialect != ARGO_DIALECT_RESPONSES))
    {
        return 0;
    }

    for (member = req->root->child; member; member = member->next) {
        if (member == node) {
            return 1;
        }
    }

    return 0;
}


static void
argo_chat_write_limit(const argo_request_t *req, argo_out_t *out)
{
    ngx_str_t           name;
    const argo_json_t  *limit;

    limit = req->max_output;

    if (limit == NULL) {
        limit = req->max_completion_tokens ? req->max_completion_tokens
                                           : req->max_tokens;
    }

    if (limit == NULL) {
        return;
    }

    if (req->profile && req->profile->limit.len) {
        name = req->profile->limit;

    } else if (req->target->family == ARGO_FAMILY_OPENAI) {
        ngx_str_set(&name, "max_completion_tokens");

    } else {
        /* for others ARGO reads no other name */
        ngx_str_set(&name, "max_tokens");
    }

    argo_out_lit(out, ",\"");
    argo_out_str(out, &name);
    argo_out_lit(out, "\":");
    argo_out_ref(out, limit->raw.data, limit->raw.len);
}


static void
argo_chat_write_format(const argo_request_t *req, argo_out_t *out)
{
    const argo_format_t  *format;

    format = &req->format;

    if (format->type == ARGO_FORMAT_JSON_OBJECT) {
        argo_out_lit(out, ",\"response_format\":{\"type\":\"json_object\"}");
    }

    if (format->type != ARGO_FORMAT_JSON_SCHEMA) {
        return;
    }

    argo_out_lit(out, ",\"response_format\":{\"type\":\"json_schema\","
                      "\"json_schema\":{\"name\":");

    if (format->name) {
        argo_out_ref(out, format->name->raw.data, format->name->raw.len);

    } else {
        /* not every dialect names it, but this one must */
        argo_out_lit(out, "\"response\"");
    }

    argo_legacy_write_member("description", format->description, out);

    if (req->profile && format->schema
        && argo_schema_refused(req->profile, format->schema, 0))
    {
        argo_out_lit(out, ",\"schema\":");
        argo_schema_write(req->profile, format->schema, 0, out);

    } else {
        argo_legacy_write_member("schema", format->schema, out);
    }

    argo_legacy_write_member("strict", format->strict, out);
    argo_out_lit(out, "}}");
}


static void
argo_chat_write_tools(const argo_request_t *req, argo_out_t *out)
{
    const argo_tool_t  *tool;

    if (req->tools == NULL) {
        return;
    }

    argo_out_lit(out, ",\"tools\":[");

    for (tool = req->tools; tool; tool = tool->next) {
        argo_chat_write_tool(req, tool, out);

        if (tool->next) {
            argo_out_lit(out, ",");
        }
    }

    argo_out_lit(out, "]");

    argo_chat_write_choice(req, out);
}


static void
argo_chat_write_tool(const argo_request_t *req, const argo_tool_t *tool,
    argo_out_t *out)
{
    if (tool->raw) {
        argo_out_ref(out, tool->raw->raw.data, tool->raw->raw.len);
        return;
    }

    argo_out_lit(out, "{\"type\":\"function\",\"function\":{\"name\":\"");
    argo_out_str(out, &tool->name);
    argo_out_lit(out, "\"");

    argo_legacy_write_member("description", tool->description, out);

    if (tool->custom) {
        argo_out_lit(out, ",\"parameters\":" ARGO_CHAT_CUSTOM);

        if (req->target->family == ARGO_FAMILY_OPENAI) {
            /* Vertex refuses the word */
            argo_out_lit(out, ",\"additionalProperties\":false");
        }

        argo_out_lit(out, "}");

    } else if (req->profile
               && argo_rules_schema_refused(req->profile, tool->parameters))
    {
        argo_out_lit(out, ",\"parameters\":");
        argo_rules_write_schema(req->profile, tool->parameters, out);

    } else {
        argo_legacy_write_member("parameters", tool->parameters, out);
    }

    argo_legacy_write_member("strict", tool->strict, out);
    argo_out_lit(out, "}}");
}


/*
 * Other vendors' models call tools if they like, unless told otherwise: ARGO
 * has failed on what says just that.
 */

static void
argo_chat_write_choice(const argo_request_t *req, argo_out_t *out)
{
    ngx_uint_t  openai;

    openai = (req->target->family == ARGO_FAMILY_OPENAI);

    switch (req->tool_choice) {

    case ARGO_TOOL_CHOICE_AUTO:
        if (openai) {
            argo_out_lit(out, ",\"tool_choice\":\"auto\"");
        }

        break;

    case ARGO_TOOL_CHOICE_NONE:
        argo_out_lit(out, ",\"tool_choice\":\"none\"");
        break;

    case ARGO_TOOL_CHOICE_REQUIRED:
        argo_out_lit(out, ",\"tool_choice\":\"required\"");
        break;

    case ARGO_TOOL_CHOICE_NAMED:
        argo_out_lit(out, ",\"tool_choice\":{\"type\":\"function\","
                          "\"function\":{\"name\":\"");
        argo_out_str(out, &req->tool_name);
        argo_out_lit(out, "\"}}");
        break;

    default: /* ARGO_TOOL_CHOICE_NONE_SAID */
        break;
    }

    if (req->parallel == ARGO_PARALLEL_NOT_SAID
        || req->target->family == ARGO_FAMILY_GOOGLE)
    {
        return;
    }

    if (req->parallel == ARGO_PARALLEL_YES) {
        argo_out_lit(out, ",\"parallel_tool_calls\":true");

    } else {
        argo_out_lit(out, ",\"parallel_tool_calls\":false");
    }
}
