
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * A request for ARGO's native messages.  One that a client has sent in this
 * language goes up as it came, but for what must be changed; of any other
 * client's it is written anew.
 */


#include "argo_anthropic_back.h"
#include "argo_json_write.h"
#include "argo_legacy.h"
#include "argo_part.h"
#include "argo_request.h"
#include "argo_rules.h"


#define ARGO_ANTHROPIC_WRITE_BLOCK  4096

/* the most tools that are told of because the history has calls of them */
#define ARGO_ANTHROPIC_MAX_PAST     128

#define ARGO_ANTHROPIC_ONLY_JSON                                              \
    "Answer with JSON and nothing else: no other text before or after it, "   \
    "and no code fences around it."


static ngx_int_t argo_anthropic_splice(const argo_request_t *req,
    argo_out_t *out);
static ngx_int_t argo_anthropic_splice_messages(const argo_request_t *req,
    argo_patch_t *patch);
static ngx_int_t argo_anthropic_splice_system(const argo_request_t *req,
    argo_patch_t *patch);
static ngx_int_t argo_anthropic_splice_tools(const argo_request_t *req,
    argo_patch_t *patch);
static argo_out_t *argo_anthropic_output(ngx_pool_t *pool);
static ngx_uint_t argo_anthropic_rewrites(const argo_request_t *req);
static ngx_int_t argo_anthropic_quote(ngx_pool_t *pool,
    const ngx_str_t *text, ngx_str_t *quoted);

static void argo_anthropic_write_limit(const argo_request_t *req,
    argo_out_t *out);
static void argo_anthropic_write_systems(const argo_request_t *req,
    argo_out_t *out);
static void argo_anthropic_write_format(const argo_request_t *req,
    argo_out_t *out);
static void argo_anthropic_write_number(const char *name,
    const argo_json_t *node, argo_out_t *out);
static void argo_anthropic_write_stop(const argo_request_t *req,
    argo_out_t *out);
static void argo_anthropic_write_thinking(const argo_request_t *req,
    argo_out_t *out);

static void argo_anthropic_write_tools(const argo_request_t *req,
    argo_out_t *out);
static void argo_anthropic_write_tool(const argo_request_t *req,
    const argo_tool_t *tool, argo_out_t *out);
static void argo_anthropic_edit_tool(const argo_request_t *req,
    const argo_tool_t *tool, argo_out_t *out);
static void argo_anthropic_write_schema(const argo_request_t *req,
    const argo_json_t *schema, argo_out_t *out);
static void argo_anthropic_write_past_tools(const argo_request_t *req,
    argo_out_t *out);
static ngx_uint_t argo_anthropic_is_told(const argo_part_t **told,
    ngx_uint_t n, const argo_part_t *call);
static void argo_anthropic_write_choice(const argo_request_t *req,
    argo_out_t *out);


void
argo_anthropic_write_request(const argo_request_t *req,
    const argo_call_t *call, argo_out_t *out)
{
    (void) call;

    if (req->dialect == ARGO_DIALECT_MESSAGES) {

        if (argo_anthropic_splice(req, out) != NGX_OK) {
            out->failed = 1;
        }

        return;
    }

    argo_out_lit(out, "{\"model\":");
    argo_json_write_string(out, &req->target->id);
    argo_anthropic_write_limit(req, out);
    argo_out_lit(out, ",\"stream\":true");
    argo_anthropic_write_systems(req, out);
    argo_anthropic_write_tools(req, out);

    argo_out_lit(out, ",\"messages\":[");
    argo_anthropic_write_messages(req, out);
    argo_out_lit(out, "]");

    argo_anthropic_write_number("temperature", req->temperature, out);
    argo_anthropic_write_number("top_p", req->top_p, out);
    argo_anthropic_write_number("top_k", req->top_k, out);
    argo_anthropic_write_stop(req, out);
    argo_anthropic_write_thinking(req, out);

    argo_out_lit(out, ",\"metadata\":{\"user_id\":");
    argo_json_write_string(out, &req->user);
    argo_out_lit(out, "}}");
}


static ngx_int_t
argo_anthropic_splice(const argo_request_t *req, argo_out_t *out)
{
    ngx_str_t            user;
    argo_patch_t         patch;
    argo_member_edit_t   members[2];

    ngx_str_set(&members[0].name, "model");
    ngx_str_set(&members[1].name, "stream");
    ngx_str_set(&members[1].value, "true");

    if (argo_anthropic_quote(out->pool, &req->target->id, &members[0].value)
        != NGX_OK
        || argo_anthropic_quote(out->pool, &req->user, &user) != NGX_OK)
    {
        return NGX_ERROR;
    }

    argo_patch_init(&patch, out->pool, &req->document);

    if (argo_patch_members(&patch, req->root, members, 2) != NGX_OK
        || argo_anthropic_patch_identity(req, &patch, &user) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (argo_anthropic_rewrites(req)
        && argo_anthropic_splice_messages(req, &patch) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (req->rewrite_tools
        && argo_anthropic_splice_tools(req, &patch) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (argo_request_patch(req, &patch) != NGX_OK) {
        return NGX_ERROR;
    }

    argo_patch_write(&patch, out);

    return NGX_OK;
}


/* Whoever a client says it is, ARGO knows it by the name it is bound to. */

ngx_int_t
argo_anthropic_patch_identity(const argo_request_t *req,
    argo_patch_t *patch, const ngx_str_t *user)
{
    const argo_json_t   *node, *member;
    argo_member_edit_t   edit;

    for (node = req->root->child; node; node = node->next) {

        if (node->dropped) {
            continue;
        }

        if (argo_str_is(&node->name, "user")) {

            if (argo_patch_edit(patch, node->raw.data,
                                node->raw.data + node->raw.len, user)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            continue;
        }

        if (!argo_str_is(&node->name, "metadata")) {
            continue;
        }

        member = argo_json_get(node, "user_id");

        if (member == NULL || member->dropped) {
            continue;
        }

        ngx_str_set(&edit.name, "user_id");
        edit.value = *user;

        if (argo_patch_members(patch, node, &edit, 1) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Also images that have been fetched are put into messages written anew. */

static ngx_uint_t
argo_anthropic_rewrites(const argo_request_t *req)
{
    const argo_part_t     *part, *inner;
    const argo_message_t  *message;

    if (req->rewrite_messages) {
        return 1;
    }

    for (message = req->messages; message; message = message->next) {

        for (part = message->parts; part; part = part->next) {

            if (part->data) {
                return 1;
            }

            for (inner = part->parts; inner; inner = inner->next) {
                if (inner->data) {
                    return 1;
                }
            }
        }
    }

    return 0;
}


static ngx_int_t
argo_anthropic_splice_messages(const argo_request_t *req,
    argo_patch_t *patch)
{
    argo_out_t         *out;
    const argo_json_t  *node;

    node = argo_json_get(req->root, "messages");

    if (node == NULL || node->dropped) {
        return NGX_OK;
    }

    out = argo_anthropic_output(patch->pool);
    if (out == NULL) {
        return NGX_ERROR;
    }

    argo_out_lit(out, "[");
    argo_anthropic_write_messages(req, out);
    argo_out_lit(out, "]");

    if (out->failed || argo_patch_replace(patch, node, out) != NGX_OK) {
        return NGX_ERROR;
    }

    return req->rewrite_messages ? argo_anthropic_splice_system(req, patch)
                                 : NGX_OK;
}


/* What the system says may have come among the messages. */

static ngx_int_t
argo_anthropic_splice_system(const argo_request_t *req, argo_patch_t *patch)
{
    argo_out_t          *out;
    const argo_json_t   *node;
    argo_member_edit_t   member;

    node = argo_json_get(req->root, "system");

    if ((node == NULL || node->dropped) && !argo_anthropic_has_system(req)) {
        return NGX_OK;
    }

    out = argo_anthropic_output(patch->pool);
    if (out == NULL) {
        return NGX_ERROR;
    }

    argo_out_lit(out, "[");
    argo_anthropic_write_system(req, out);
    argo_out_lit(out, "]");

    if (node && !node->dropped) {
        return argo_patch_replace(patch, node, out);
    }

    ngx_str_set(&member.name, "system");

    if (argo_out_flatten(out, patch->pool, &member.value) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_patch_members(patch, req->root, &member, 1);
}


static ngx_int_t
argo_anthropic_splice_tools(const argo_request_t *req, argo_patch_t *patch)
{
    argo_out_t         *out;
    const argo_json_t  *node;
    const argo_tool_t  *tool;

    node = argo_json_get(req->root, "tools");

    if (node == NULL || node->dropped) {
        return NGX_OK;
    }

    out = argo_anthropic_output(patch->pool);
    if (out == NULL) {
        return NGX_ERROR;
    }

    argo_out_lit(out, "[");

    for (tool = req->tools; tool; tool = tool->next) {
        argo_anthropic_edit_tool(req, tool, out);

        if (tool->next) {
            argo_out_lit(out, ",");
        }
    }

    argo_out_lit(out, "]");

    return out->failed ? NGX_ERROR : argo_patch_replace(patch, node, out);
}


/* All of a tool but its schema is as it came. */

static void
argo_anthropic_edit_tool(const argo_request_t *req, const argo_tool_t *tool,
    argo_out_t *out)
{
    const argo_json_t  *node;

    if (tool->parameters == NULL || req->profile == NULL
        || !argo_rules_schema_refused(req->profile, tool->parameters))
    {
        argo_out_ref(out, tool->node->raw.data, tool->node->raw.len);
        return;
    }

    argo_out_lit(out, "{");

    for (node = tool->node->child; node; node = node->next) {

        if (node == tool->parameters) {
            argo_out_lit(out, "\"input_schema\":");
            argo_rules_write_schema(req->profile, node, out);

        } else {
            argo_out_ref(out, node->start, node->raw.data + node->raw.len
                                           - node->start);
        }

        if (node->next) {
            argo_out_lit(out, ",");
        }
    }

    argo_out_lit(out, "}");
}


static argo_out_t *
argo_anthropic_output(ngx_pool_t *pool)
{
    argo_out_t  *out;

    out = ngx_palloc(pool, sizeof(argo_out_t));
    if (out == NULL) {
        return NULL;
    }

    argo_out_init(out, pool, ARGO_ANTHROPIC_WRITE_BLOCK, NULL, 0);

    return out;
}


static ngx_int_t
argo_anthropic_quote(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *quoted)
{
    argo_out_t  out;

    argo_out_init(&out, pool, text->len + 16, NULL, 1);
    argo_json_write_string(&out, text);

    return argo_out_flatten(&out, pool, quoted);
}


/* Anthropic must be told how much may be answered. */

static void
argo_anthropic_write_limit(const argo_request_t *req, argo_out_t *out)
{
    const argo_json_t  *limit;

    limit = req->max_tokens ? req->max_tokens : req->max_completion_tokens;

    if (limit == NULL) {
        limit = req->max_output;
    }

    argo_out_lit(out, ",\"max_tokens\":");

    if (limit) {
        argo_out_ref(out, limit->raw.data, limit->raw.len);

    } else if (req->profile && req->profile->default_output) {
        argo_out_int(out, req->profile->default_output);

    } else if (req->target->max_output) {
        argo_out_int(out, req->target->max_output);

    } else {
        argo_out_int(out, ARGO_ANTHROPIC_MAX_TOKENS);
    }
}


static void
argo_anthropic_write_systems(const argo_request_t *req, argo_out_t *out)
{
    ngx_uint_t  said, format;

    said = argo_anthropic_has_system(req);

    format = (req->format.type == ARGO_FORMAT_JSON_OBJECT
              || req->format.type == ARGO_FORMAT_JSON_SCHEMA)
             && !argo_anthropic_answers_by_tool(req);

    if (!said && !format) {
        return;
    }

    argo_out_lit(out, ",\"system\":[");
    argo_anthropic_write_system(req, out);

    if (format) {
        argo_out_write(out, ",", said);
        argo_anthropic_write_format(req, out);
    }

    argo_out_lit(out, "]");
}


/* The form of the answer in words, where there is no other way to ask. */

static void
argo_anthropic_write_format(const argo_request_t *req, argo_out_t *out)
{
    argo_json_t  *schema;

    schema = (req->format.type == ARGO_FORMAT_JSON_SCHEMA)
             ? req->format.schema : NULL;

    argo_out_lit(out, "{\"type\":\"text\",\"text\":\""
                      ARGO_ANTHROPIC_ONLY_JSON);

    if (schema) {
        argo_out_lit(out, " It must conform to this JSON schema: ");
        argo_json_write_text(out, schema->raw.data, schema->raw.len);

    } else {
        argo_out_lit(out, " It must be an object.");
    }

    argo_out_lit(out, "\"}");
}


static void
argo_anthropic_write_number(const char *name, const argo_json_t *node,
    argo_out_t *out)
{
    if (node && node->type == ARGO_JSON_NUMBER) {
        argo_legacy_write_member(name, node, out);
    }
}


/* Claude takes a list, of what is more than blanks. */

static void
argo_anthropic_write_stop(const argo_request_t *req, argo_out_t *out)
{
    ngx_str_t           text;
    ngx_uint_t          n;
    const argo_json_t  *node;

    if (req->stop == NULL) {
        return;
    }

    if (req->stop->type == ARGO_JSON_ARRAY && req->stop->child == NULL
        && req->stop->count)
    {
        /* the tree does not reach into it */
        argo_legacy_write_member("stop_sequences", req->stop, out);
        return;
    }

    n = 0;
    node = (req->stop->type == ARGO_JSON_ARRAY) ? req->stop->child
                                                : req->stop;

    for ( /* void */ ; node; node = node->next) {
        text = argo_json_inner(node);

        if (!argo_part_is_blank(&text)) {

            if (n++ == 0) {
                argo_out_lit(out, ",\"stop_sequences\":[");

            } else {
                argo_out_lit(out, ",");
            }

            argo_out_ref(out, node->raw.data, node->raw.len);
        }

        if (node == req->stop) {
            break;
        }
    }

    if (n) {
        argo_out_lit(out, "]");
    }
}


static void
argo_anthropic_write_thinking(const argo_request_t *req, argo_out_t *out)
{
    const argo_thinking_t  *thinking;

    thinking = &req->thinking;

    switch (thinking->type) {

    case ARGO_THINKING_DISABLED:
        argo_out_lit(out, ",\"thinking\":{\"type\":\"disabled\"}");
        break;

    case ARGO_THINKING_ENABLED:
        argo_out_lit(out, ",\"thinking\":{\"type\":\"enabled\"");
        argo_legacy_write_member("budget_tokens", thinking->budget, out);
        argo_legacy_write_member("display", thinking->display, out);
        argo_out_lit(out, "}");
        break;

    case ARGO_THINKING_ADAPTIVE:
        argo_out_lit(out, ",\"thinking\":{\"type\":\"adaptive\"");
        argo_legacy_write_member("display", thinking->display, out);
        argo_out_lit(out, "}");
        break;

    default: /* ARGO_THINKING_NONE_SAID */
        break;
    }

    if (req->effort && req->effort->type == ARGO_JSON_STRING) {
        argo_out_lit(out, ",\"output_config\":{\"effort\":");
        argo_out_ref(out, req->effort->raw.data, req->effort->raw.len);
        argo_out_lit(out, "}");
    }
}


static void
argo_anthropic_write_tools(const argo_request_t *req, argo_out_t *out)
{
    ngx_uint_t           answer;
    const argo_tool_t   *tool;
    const argo_json_t   *about;

    answer = argo_anthropic_answers_by_tool(req);

    if (req->tools == NULL && !answer) {
        argo_anthropic_write_past_tools(req, out);
        return;
    }

    argo_out_lit(out, ",\"tools\":[");

    for (tool = req->tools; tool; tool = tool->next) {
        argo_anthropic_write_tool(req, tool, out);

        if (tool->next || answer) {
            argo_out_lit(out, ",");
        }
    }

    if (answer) {
        about = req->format.description;

        argo_out_lit(out, "{\"name\":\"" ARGO_ANTHROPIC_ANSWER "\","
                          "\"description\":");

        if (about && about->type == ARGO_JSON_STRING && about->raw.len > 2) {
            argo_out_ref(out, about->raw.data, about->raw.len);

        } else {
            argo_out_lit(out, "\"Gives the final answer to the user.\"");
        }

        argo_out_lit(out, ",\"input_schema\":");
        argo_anthropic_write_schema(req, req->format.schema, out);
        argo_out_lit(out, "}");
    }

    argo_out_lit(out, "]");

    argo_anthropic_write_choice(req, out);
}


static void
argo_anthropic_write_tool(const argo_request_t *req, const argo_tool_t *tool,
    argo_out_t *out)
{
    argo_out_lit(out, "{\"name\":\"");
    argo_out_str(out, &tool->name);
    argo_out_lit(out, "\"");

    if (tool->description && tool->description->type == ARGO_JSON_STRING) {
        argo_legacy_write_member("description", tool->description, out);
    }

    argo_out_lit(out, ",\"input_schema\":");

    if (tool->custom) {
        argo_out_lit(out, "{\"type\":\"object\",\"properties\":{\"input\":"
                          "{\"type\":\"string\"}},\"required\":[\"input\"]}");

    } else {
        argo_anthropic_write_schema(req, tool->parameters, out);
    }

    argo_anthropic_write_cache(tool->cache, tool->raw, out);
    argo_out_lit(out, "}");
}


/* Claude takes no schema but of an object, and wants to be told so. */

static void
argo_anthropic_write_schema(const argo_request_t *req,
    const argo_json_t *schema, argo_out_t *out)
{
    if (schema == NULL || schema->type != ARGO_JSON_OBJECT
        || argo_anthropic_is_empty(schema))
    {
        argo_out_lit(out, "{\"type\":\"object\",\"properties\":{}}");
        return;
    }

    if (req->profile) {
        argo_rules_write_schema(req->profile, schema, out);
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


/*
 * Claude refuses a conversation with calls in it if it is not told of tools:
 * a client that offers none any more may not have one called, either.
 */

static void
argo_anthropic_write_past_tools(const argo_request_t *req, argo_out_t *out)
{
    ngx_uint_t             n;
    const argo_part_t     *part, *told[ARGO_ANTHROPIC_MAX_PAST];
    const argo_message_t  *message;

    n = 0;

    for (message = req->messages; message; message = message->next) {

        for (part = message->parts; part; part = part->next) {

            if (part->type != ARGO_PART_TOOL_CALL
                || n == ARGO_ANTHROPIC_MAX_PAST
                || argo_anthropic_is_told(told, n, part))
            {
                continue;
            }

            if (n == 0) {
                argo_out_lit(out, ",\"tools\":[");

            } else {
                argo_out_lit(out, ",");
            }

            told[n++] = part;

            argo_out_lit(out, "{\"name\":\"");
            argo_out_str(out, &part->name);
            argo_out_lit(out, "\",\"input_schema\":{\"type\":\"object\","
                              "\"properties\":{}}}");
        }
    }

    if (n) {
        argo_out_lit(out, "],\"tool_choice\":{\"type\":\"none\"}");
    }
}


static ngx_uint_t
argo_anthropic_is_told(const argo_part_t **told, ngx_uint_t n,
    const argo_part_t *call)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {

        if (told[i]->name.len == call->name.len
            && ngx_memcmp(told[i]->name.data, call->name.data,
                          call->name.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static void
argo_anthropic_write_choice(const argo_request_t *req, argo_out_t *out)
{
    ngx_uint_t  single;

    single = (req->parallel == ARGO_PARALLEL_NO);

    if (argo_anthropic_answers_by_tool(req)) {

        if (req->tools && req->tool_choice != ARGO_TOOL_CHOICE_NONE) {
            /* one of the client's, or the answer */
            argo_out_lit(out, ",\"tool_choice\":{\"type\":\"any\"");

        } else {
            argo_out_lit(out, ",\"tool_choice\":{\"type\":\"tool\",\"name\":"
                              "\"" ARGO_ANTHROPIC_ANSWER "\"");
            single = 1;
        }

    } else {

        switch (req->tool_choice) {

        case ARGO_TOOL_CHOICE_NONE:
            argo_out_lit(out, ",\"tool_choice\":{\"type\":\"none\"}");
            return;

        case ARGO_TOOL_CHOICE_REQUIRED:
            argo_out_lit(out, ",\"tool_choice\":{\"type\":\"any\"");
            break;

        case ARGO_TOOL_CHOICE_NAMED:
            argo_out_lit(out, ",\"tool_choice\":{\"type\":\"tool\","
                              "\"name\":\"");
            argo_out_str(out, &req->tool_name);
            argo_out_lit(out, "\"");
            break;

        case ARGO_TOOL_CHOICE_AUTO:
            argo_out_lit(out, ",\"tool_choice\":{\"type\":\"auto\"");
            break;

        default: /* ARGO_TOOL_CHOICE_NONE_SAID */

            if (!single) {
                return;
            }

            argo_out_lit(out, ",\"tool_choice\":{\"type\":\"auto\"");
        }
    }

    if (single) {
        argo_out_lit(out, ",\"disable_parallel_tool_use\":true");
    }

    argo_out_lit(out, "}");
}
