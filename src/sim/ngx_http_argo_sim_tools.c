
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Tool calls, in the three forms of the vendors.  The arguments are made
 * from the tool's JSON schema and from nothing else.
 */


#include "ngx_http_argo_sim.h"


#define NGX_HTTP_ARGO_SIM_ID_LEN  24


static argo_json_t *ngx_http_argo_sim_choice(const argo_json_t *choice);
static argo_json_t *ngx_http_argo_sim_schema(const argo_json_t *function);
static void ngx_http_argo_sim_write_id(const ngx_http_argo_sim_ctx_t *ctx,
    const char *prefix, const argo_json_t *name, argo_out_t *out);
static void ngx_http_argo_sim_write_members(const argo_json_t *root,
    const argo_json_t *schema, ngx_uint_t depth, argo_out_t *out);
static void ngx_http_argo_sim_write_value(const argo_json_t *root,
    const argo_json_t *schema, const ngx_str_t *name, ngx_uint_t depth,
    argo_out_t *out);
static argo_json_t *ngx_http_argo_sim_reference(const argo_json_t *root,
    const argo_json_t *ref);
static argo_json_t *ngx_http_argo_sim_constant(const argo_json_t *schema);
static argo_json_t *ngx_http_argo_sim_variant(const argo_json_t *schema);
static argo_json_t *ngx_http_argo_sim_type(const argo_json_t *schema);
static ngx_uint_t ngx_http_argo_sim_type_is(const argo_json_t *type,
    const char *name);


argo_json_t *
ngx_http_argo_sim_tool(const ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_str_t     wanted;
    argo_json_t  *tool, *function, *choice, *name;

    if (ctx->tools == NULL) {
        return NULL;
    }

    choice = argo_json_get(ctx->root, "tool_choice");

    if (choice
        && (argo_json_is(choice, "none") || argo_json_is(choice, "NONE")))
    {
        return NULL;
    }

    choice = ngx_http_argo_sim_choice(choice);

    if (choice && argo_json_is(choice, "none")) {
        return NULL;
    }

    if (choice == NULL) {
        return ngx_http_argo_sim_tool_function(ctx->model->family,
                                               ctx->tools->child);
    }

    wanted = argo_json_inner(choice);

    for (tool = ctx->tools->child; tool; tool = tool->next) {
        function = ngx_http_argo_sim_tool_function(ctx->model->family, tool);
        name = argo_json_get(function, "name");

        if (argo_json_inner(name).len == wanted.len
            && ngx_memcmp(argo_json_inner(name).data, wanted.data, wanted.len)
               == 0)
        {
            return function;
        }
    }

    return NULL;
}


/*
 * The name that tool_choice asks for, in the form of any vendor; the string
 * "none" where an object says so; or NULL.
 */

static argo_json_t *
ngx_http_argo_sim_choice(const argo_json_t *choice)
{
    argo_json_t  *type, *name, *names;

    if (choice == NULL || choice->type != ARGO_JSON_OBJECT) {
        return NULL;
    }

    type = argo_json_get(choice, "type");

    if (type && argo_json_is(type, "none")) {
        return type;
    }

    name = argo_json_get(choice, "name");

    if (name == NULL) {
        names = argo_json_get(choice, "function");
        name = names ? argo_json_get(names, "name") : NULL;
    }

    if (name == NULL) {
        names = argo_json_get(choice, "allowed_function_names");
        name = names ? names->child : NULL;
    }

    return (name && name->type == ARGO_JSON_STRING) ? name : NULL;
}


argo_json_t *
ngx_http_argo_sim_tool_function(ngx_http_argo_sim_family_e family,
    const argo_json_t *tool)
{
    argo_json_t  *function, *name;

    function = (argo_json_t *) tool;

    if (family == NGX_HTTP_ARGO_SIM_OPENAI) {
        function = argo_json_get(tool, "function");
    }

    name = function ? argo_json_get(function, "name") : NULL;

    return (name && name->type == ARGO_JSON_STRING) ? function : NULL;
}


argo_json_t *
ngx_http_argo_sim_tool_result(const ngx_http_argo_sim_ctx_t *ctx)
{
    argo_json_t  *message, *role, *content, *part, *type;

    message = ngx_http_argo_sim_last(ctx->messages);

    if (message == NULL) {
        return NULL;
    }

    role = argo_json_get(message, "role");
    content = argo_json_get(message, "content");

    if (role == NULL || content == NULL) {
        return NULL;
    }

    if (argo_json_is(role, "tool") || argo_json_is(role, "function")) {
        return content;
    }

    if (content->type != ARGO_JSON_ARRAY) {
        return NULL;
    }

    part = ngx_http_argo_sim_last(content);
    type = part ? argo_json_get(part, "type") : NULL;

    return (type && argo_json_is(type, "tool_result"))
           ? argo_json_get(part, "content") : NULL;
}


ngx_int_t
ngx_http_argo_sim_tool_call(ngx_http_request_t *r,
    const ngx_http_argo_sim_ctx_t *ctx, argo_json_t *tool, argo_out_t *out)
{
    ngx_str_t     text;
    argo_out_t    arguments;
    argo_json_t  *name, *schema;

    name = argo_json_get(tool, "name");
    schema = ngx_http_argo_sim_schema(tool);

    switch (ctx->model->family) {

    case NGX_HTTP_ARGO_SIM_ANTHROPIC:

        argo_out_lit(out, "{\"id\":\"");
        ngx_http_argo_sim_write_id(ctx, "toolu_vrtx_", name, out);
        argo_out_lit(out, "\",\"input\":");
        ngx_http_argo_sim_write_object(schema, out);
        argo_out_lit(out, ",\"name\":");
        argo_out_str(out, &name->raw);
        argo_out_lit(out, ",\"type\":\"tool_use\"}");

        return NGX_OK;

    case NGX_HTTP_ARGO_SIM_GOOGLE:

        argo_out_lit(out, "{\"id\":null,\"args\":");
        ngx_http_argo_sim_write_object(schema, out);
        argo_out_lit(out, ",\"name\":");
        argo_out_str(out, &name->raw);
        argo_out_lit(out, "}");

        return NGX_OK;

    default: /* NGX_HTTP_ARGO_SIM_OPENAI */

        argo_out_init(&arguments, r->pool, 1024, NULL, 1);
        ngx_http_argo_sim_write_object(schema, &arguments);

        if (argo_out_flatten(&arguments, r->pool, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        argo_out_lit(out, "{\"function\":{\"arguments\":");
        argo_json_write_string(out, &text);
        argo_out_lit(out, ",\"name\":");
        argo_out_str(out, &name->raw);
        argo_out_lit(out, "},\"id\":\"");
        ngx_http_argo_sim_write_id(ctx, "call_", name, out);
        argo_out_lit(out, "\",\"type\":\"function\"}");

        return NGX_OK;
    }
}


static argo_json_t *
ngx_http_argo_sim_schema(const argo_json_t *function)
{
    argo_json_t  *schema;

    schema = argo_json_get(function, "parameters");

    return schema ? schema : argo_json_get(function, "input_schema");
}


/* The same for the same conversation, another in its next round. */

static void
ngx_http_argo_sim_write_id(const ngx_http_argo_sim_ctx_t *ctx,
    const char *prefix, const argo_json_t *name, argo_out_t *out)
{
    u_char             id[NGX_HTTP_ARGO_SIM_ID_LEN];
    uint64_t           state;
    ngx_str_t         *said;
    ngx_uint_t         i;
    static const char  digits[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    said = ctx->messages ? &ctx->messages->raw : &ctx->prompt->raw;

    state = ngx_http_argo_sim_hash(0, said->data, said->len);
    state = ngx_http_argo_sim_hash(state, name->raw.data, name->raw.len);

    for (i = 0; i < NGX_HTTP_ARGO_SIM_ID_LEN; i++) {
        id[i] = digits[ngx_http_argo_sim_draw(&state) % (sizeof(digits) - 1)];
    }

    ngx_http_argo_sim_write(out, prefix);
    argo_out_write(out, id, NGX_HTTP_ARGO_SIM_ID_LEN);
}


void
ngx_http_argo_sim_write_object(const argo_json_t *schema, argo_out_t *out)
{
    ngx_http_argo_sim_write_members(schema, schema, 0, out);
}


/* Depth counts references as well, which may go round in circles. */

static void
ngx_http_argo_sim_write_members(const argo_json_t *root,
    const argo_json_t *schema, ngx_uint_t depth, argo_out_t *out)
{
    ngx_str_t     name;
    ngx_uint_t    first;
    argo_json_t  *required, *properties, *item, *property;

    required = schema ? argo_json_get(schema, "required") : NULL;
    properties = schema ? argo_json_get(schema, "properties") : NULL;

    argo_out_lit(out, "{");

    first = 1;
    item = (required && required->type == ARGO_JSON_ARRAY) ? required->child
                                                           : NULL;

    for ( /* void */ ; item; item = item->next) {

        if (item->type != ARGO_JSON_STRING) {
            continue;
        }

        name = argo_json_inner(item);

        /* a name that needs escapes finds no schema and gets a string */
        property = properties ? argo_json_find(properties, (char *) name.data,
                                               name.len)
                              : NULL;

        if (!first) {
            argo_out_lit(out, ",");
        }

        first = 0;

        argo_out_str(out, &item->raw);
        argo_out_lit(out, ":");
        ngx_http_argo_sim_write_value(root, property, &name, depth + 1, out);
    }

    argo_out_lit(out, "}");
}


static void
ngx_http_argo_sim_write_value(const argo_json_t *root,
    const argo_json_t *schema, const ngx_str_t *name, ngx_uint_t depth,
    argo_out_t *out)
{
    argo_json_t  *value, *type;

    if (depth > ARGO_JSON_MAX_DEPTH) {
        argo_out_lit(out, "null");
        return;
    }

    value = schema ? argo_json_get(schema, "$ref") : NULL;

    if (value) {
        ngx_http_argo_sim_write_value(root,
                                  ngx_http_argo_sim_reference(root, value),
                                  name, depth + 1, out);
        return;
    }

    value = schema ? ngx_http_argo_sim_constant(schema) : NULL;

    if (value) {
        argo_out_str(out, &value->raw);
        return;
    }

    value = schema ? ngx_http_argo_sim_variant(schema) : NULL;

    if (value) {
        ngx_http_argo_sim_write_value(root, value, name, depth + 1, out);
        return;
    }

    type = ngx_http_argo_sim_type(schema);

    if (ngx_http_argo_sim_type_is(type, "object")) {
        ngx_http_argo_sim_write_members(root, schema, depth, out);

    } else if (ngx_http_argo_sim_type_is(type, "array")) {
        argo_out_lit(out, "[");
        ngx_http_argo_sim_write_value(root, argo_json_get(schema, "items"),
                                      name, depth + 1, out);
        argo_out_lit(out, "]");

    } else if (ngx_http_argo_sim_type_is(type, "integer")) {
        argo_out_lit(out, "1");

    } else if (ngx_http_argo_sim_type_is(type, "number")) {
        argo_out_lit(out, "1.5");

    } else if (ngx_http_argo_sim_type_is(type, "boolean")) {
        argo_out_lit(out, "true");

    } else if (ngx_http_argo_sim_type_is(type, "null")) {
        argo_out_lit(out, "null");

    } else {
        argo_out_lit(out, "\"");
        argo_out_str(out, name);
        argo_out_lit(out, "\"");
    }
}


/* "#/$defs/Name", with any number of names, or "#". */

static argo_json_t *
ngx_http_argo_sim_reference(const argo_json_t *root, const argo_json_t *ref)
{
    u_char       *p, *slash, *end;
    ngx_str_t     path;
    argo_json_t  *node;

    if (ref->type != ARGO_JSON_STRING) {
        return NULL;
    }

    path = argo_json_inner(ref);
    end = path.data + path.len;

    if (path.len == 1 && path.data[0] == '#') {
        return (argo_json_t *) root;
    }

    if (path.len < 2 || ngx_strncmp(path.data, "#/", 2) != 0) {
        return NULL;
    }

    node = (argo_json_t *) root;

    for (p = path.data + 2; node && p <= end; p = slash + 1) {
        slash = ngx_strlchr(p, end, '/');

        if (slash == NULL) {
            slash = end;
        }

        node = argo_json_find(node, (char *) p, slash - p);
    }

    return node;
}


static argo_json_t *
ngx_http_argo_sim_constant(const argo_json_t *schema)
{
    argo_json_t  *value;

    value = argo_json_get(schema, "const");

    if (value) {
        return value;
    }

    value = argo_json_get(schema, "enum");

    return value ? value->child : NULL;
}


static argo_json_t *
ngx_http_argo_sim_variant(const argo_json_t *schema)
{
    ngx_uint_t    i;
    argo_json_t  *value;

    static const char  *names[] = { "anyOf", "oneOf", "allOf", NULL };

    for (i = 0; names[i]; i++) {
        value = argo_json_find(schema, names[i], 5);

        if (value && value->child) {
            return value->child;
        }
    }

    return NULL;
}


/* "string", or the first of ["string", "null"]; or NULL. */

static argo_json_t *
ngx_http_argo_sim_type(const argo_json_t *schema)
{
    argo_json_t  *type;

    type = schema ? argo_json_get(schema, "type") : NULL;

    if (type && type->type == ARGO_JSON_ARRAY) {
        type = type->child;
    }

    return (type && type->type == ARGO_JSON_STRING) ? type : NULL;
}


/* Gemini writes the names of types in capitals. */

static ngx_uint_t
ngx_http_argo_sim_type_is(const argo_json_t *type, const char *name)
{
    ngx_str_t  text;

    if (type == NULL) {
        return 0;
    }

    text = argo_json_inner(type);

    return text.len == ngx_strlen(name)
           && ngx_strncasecmp(text.data, (u_char *) name, text.len) == 0;
}
