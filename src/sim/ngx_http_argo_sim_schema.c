
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What the vendors refuse of JSON schemas and of tools' names.
 */


#include "ngx_http_argo_sim_native.h"


static const char *ngx_http_argo_sim_refused_keyword(
    const argo_json_t *schema);
static const char *ngx_http_argo_sim_refused_below(const argo_json_t *list);


/* of Google's subset of JSON Schema these are no part */

static const char  *ngx_http_argo_sim_keywords[] = {
    "$schema",
    "$ref",
    "$defs",
    "additionalProperties",
    "const",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "patternProperties",
    "oneOf",
    "not",
    NULL
};


ngx_int_t
ngx_http_argo_sim_check_schema(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *schema, ngx_uint_t tool)
{
    const char   *keyword;
    argo_json_t  *type;

    switch (talk->ctx->model->family) {

    case NGX_HTTP_ARGO_SIM_GOOGLE:

        keyword = ngx_http_argo_sim_refused_keyword(schema);

        if (keyword) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "Invalid JSON payload received. Unknown name \"%s\" "
                       "at 'tools[0].function_declarations[%ui].parameters': "
                       "Cannot find field.", keyword, tool);
        }

        return NGX_OK;

    case NGX_HTTP_ARGO_SIM_ANTHROPIC:

        type = argo_json_get(schema, "type");

        if (type == NULL) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "tools.%ui.custom.input_schema.type: Field required",
                       tool);
        }

        if (!argo_json_is(type, "object")) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "tools.%ui.custom.input_schema.type: Input should be "
                       "'object'", tool);
        }

        if (argo_json_get(schema, "oneOf") || argo_json_get(schema, "allOf")
            || argo_json_get(schema, "anyOf"))
        {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "tools.%ui.custom.input_schema: input_schema does not "
                       "support oneOf, allOf, or anyOf at the top level",
                       tool);
        }

        return NGX_OK;

    default: /* NGX_HTTP_ARGO_SIM_OPENAI */

        type = argo_json_get(schema, "type");

        if (schema->type == ARGO_JSON_OBJECT && schema->child
            && (type == NULL || !argo_json_is(type, "object")))
        {
            return ngx_http_argo_sim_refuse(talk, "tools",
                       "invalid_function_parameters",
                       "Invalid schema for function in tools[%ui]: schema "
                       "must be a JSON Schema of 'type: \"object\"', got "
                       "'type: \"None\"'.", tool);
        }

        return NGX_OK;
    }
}


/* Names of properties are none of the schema's own. */

static const char *
ngx_http_argo_sim_refused_keyword(const argo_json_t *schema)
{
    ngx_str_t    *name;
    const char   *keyword;
    ngx_uint_t    i;
    argo_json_t  *member;

    if (schema == NULL || schema->type != ARGO_JSON_OBJECT) {
        return NULL;
    }

    for (member = schema->child; member; member = member->next) {
        name = &member->name;

        for (i = 0; ngx_http_argo_sim_keywords[i]; i++) {
            keyword = ngx_http_argo_sim_keywords[i];

            if (name->len == ngx_strlen(keyword)
                && ngx_memcmp(name->data, keyword, name->len) == 0)
            {
                return keyword;
            }
        }

        keyword = NULL;

        if (argo_str_is(name, "properties") || argo_str_is(name, "anyOf")
            || argo_str_is(name, "allOf"))
        {
            keyword = ngx_http_argo_sim_refused_below(member);

        } else if (argo_str_is(name, "items")) {
            keyword = ngx_http_argo_sim_refused_keyword(member);
        }

        if (keyword) {
            return keyword;
        }
    }

    return NULL;
}


static const char *
ngx_http_argo_sim_refused_below(const argo_json_t *list)
{
    const char   *keyword;
    argo_json_t  *schema;

    for (schema = list->child; schema; schema = schema->next) {
        keyword = ngx_http_argo_sim_refused_keyword(schema);

        if (keyword) {
            return keyword;
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_argo_sim_check_name(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *name, const char *param, size_t max)
{
    u_char      c;
    size_t      i;
    ngx_str_t   text;

    text = argo_json_inner(name);

    for (i = 0; i < text.len; i++) {
        c = text.data[i] | 0x20;

        if ((c < 'a' || c > 'z')
            && (text.data[i] < '0' || text.data[i] > '9')
            && text.data[i] != '_' && text.data[i] != '-')
        {
            break;
        }
    }

    if (text.len && i == text.len && text.len <= max) {
        return NGX_OK;
    }

    if (talk->ctx->model->family == NGX_HTTP_ARGO_SIM_ANTHROPIC) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "%s: String should match pattern "
                   "'^[a-zA-Z0-9_-]{1,%uz}$'", param, max);
    }

    if (i == text.len && text.len) {
        return ngx_http_argo_sim_refuse(talk, param,
                   "string_above_max_length", "Invalid '%s': string too "
                   "long. Expected a string with maximum length %uz, but got "
                   "a string with length %uz instead.", param, max, text.len);
    }

    return ngx_http_argo_sim_refuse(talk, param, "invalid_value",
               "Invalid '%s': string does not match pattern. Expected a "
               "string that matches the pattern '^[a-zA-Z0-9_-]+$'.", param);
}
