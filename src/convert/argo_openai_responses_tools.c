
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's Responses: the tools that a client offers.  Upstream, if it is
 * another API, knows functions only: tools of other kinds that the client
 * runs become such, groups of them are taken apart, and what OpenAI would run
 * is left out.  docs/conversion/responses.md has the tables.
 */


#include "argo_openai_responses.h"
#include "argo_json_write.h"
#include "argo_request.h"
#include "argo_tool.h"


/* the namespace that a model takes for none */
#define ARGO_RESPONSES_DEFAULT_SPACE  "functions"

/* what stands between a namespace and a name */
#define ARGO_RESPONSES_JOINT          "__"

/* a hash at the end of a name that would not be its own, "_01234567" */
#define ARGO_RESPONSES_HASH           9

#define ARGO_RESPONSES_BLOCK          1024


static ngx_int_t argo_openai_responses_read_tool(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *node, const ngx_str_t *space,
    ngx_uint_t index);
static ngx_int_t argo_openai_responses_read_space(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *node, ngx_uint_t index);
static ngx_int_t argo_openai_responses_read_definition(
    argo_openai_place_t *at, argo_json_t *node, argo_responses_kind_e kind,
    argo_tool_t *tool);
static ngx_int_t argo_openai_responses_read_custom(argo_openai_place_t *at,
    argo_json_t *node, argo_tool_t *tool);
static ngx_int_t argo_openai_responses_fill(argo_openai_place_t *at,
    argo_responses_kind_e kind, argo_tool_t *tool);
static ngx_int_t argo_openai_responses_add_tool(argo_openai_place_t *at,
    argo_request_t *req, argo_responses_tool_t *tool);
static ngx_int_t argo_openai_responses_literal(ngx_pool_t *pool,
    const char *text, argo_json_t **node);
static const char *argo_openai_responses_hosted(const argo_json_t *type);

static const argo_responses_tool_t *argo_openai_responses_find(
    const argo_request_t *req, argo_responses_kind_e kind,
    const ngx_str_t *space, const ngx_str_t *name);
static ngx_uint_t argo_openai_responses_same_space(const ngx_str_t *a,
    const ngx_str_t *b);
static ngx_uint_t argo_openai_responses_no_space(const ngx_str_t *space);
static ngx_int_t argo_openai_responses_join(ngx_pool_t *pool,
    const ngx_str_t *space, const ngx_str_t *name, ngx_uint_t salt,
    ngx_str_t *flat);
static ngx_uint_t argo_openai_responses_clean(u_char *p, size_t n);
static void argo_openai_responses_hash(const ngx_str_t *space,
    const ngx_str_t *name, ngx_uint_t salt, u_char *p);

static ngx_int_t argo_openai_responses_read_mode(argo_openai_place_t *at,
    argo_request_t *req, const char *member, argo_json_t *mode);
static ngx_int_t argo_openai_responses_read_allowed(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *choice);
static ngx_int_t argo_openai_responses_allow(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *list);
static ngx_int_t argo_openai_responses_read_name(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *obj,
    const argo_responses_tool_t **tool);


/* in the order of the enum in the header */

const argo_responses_kind_t  argo_responses_kinds[ARGO_RESPONSES_NKINDS] = {

    { "function", "function_call", "function_call_output", "fc_",
      "arguments", NULL, NULL, NULL },

    { "custom", "custom_tool_call", "custom_tool_call_output", "ctc_",
      "input", NULL, NULL,
      "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\","
      "\"description\":\"The whole input of the tool, as plain text\"}},"
      "\"required\":[\"input\"],\"additionalProperties\":false}" },

    { "local_shell", "local_shell_call", "local_shell_call_output", "lsh_",
      "action", "local_shell",
      "Runs a command on the user's computer and gives back its output.",
      "{\"type\":\"object\",\"properties\":{\"command\":{\"type\":\"array\","
      "\"items\":{\"type\":\"string\"},\"description\":\"The program and "
      "its arguments\"},\"working_directory\":{\"type\":\"string\"},"
      "\"timeout_ms\":{\"type\":\"integer\"},\"env\":{\"type\":\"object\","
      "\"additionalProperties\":{\"type\":\"string\"}}},"
      "\"required\":[\"command\"],\"additionalProperties\":false}" },

    { "shell", "shell_call", "shell_call_output", "sh_", "action", "shell",
      "Runs commands in a shell on the user's computer and gives back their "
      "output.",
      "{\"type\":\"object\",\"properties\":{\"commands\":{\"type\":"
      "\"array\",\"items\":{\"type\":\"string\"},\"description\":\"Command "
      "lines; they are run at the same time\"},\"timeout_ms\":{\"type\":"
      "\"integer\"},\"max_output_length\":{\"type\":\"integer\"}},"
      "\"required\":[\"commands\"],\"additionalProperties\":false}" },

    { "apply_patch", "apply_patch_call", "apply_patch_call_output", "apc_",
      "operation", "apply_patch",
      "Creates, changes or deletes a file of the user's.",
      "{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"string\","
      "\"enum\":[\"create_file\",\"update_file\",\"delete_file\"]},"
      "\"path\":{\"type\":\"string\"},\"diff\":{\"type\":\"string\","
      "\"description\":\"The change in the V4A format; not needed to delete "
      "a file\"}},\"required\":[\"type\",\"path\"],"
      "\"additionalProperties\":false}" },

    { "tool_search", "tool_search_call", "tool_search_output", "tsc_",
      "arguments", "tool_search",
      "Searches for tools, which can be called after that.",
      "{\"type\":\"object\",\"properties\":{\"query\":{\"type\":"
      "\"string\"}},\"required\":[\"query\"]}" }
};


/* what OpenAI would run, and what is told of it */

static const char  *argo_responses_hosted[] = {
    "web_search dropped: only OpenAI runs it",
    "web_search_2025_08_26 dropped: only OpenAI runs it",
    "web_search_preview dropped: only OpenAI runs it",
    "web_search_preview_2025_03_11 dropped: only OpenAI runs it",
    "file_search dropped: only OpenAI runs it",
    "code_interpreter dropped: only OpenAI runs it",
    "image_generation dropped: only OpenAI runs it",
    "mcp dropped: only OpenAI runs it"
};


#define ARGO_RESPONSES_NHOSTED                                                \
    (sizeof(argo_responses_hosted) / sizeof(argo_responses_hosted[0]))


ngx_int_t
argo_openai_responses_read_tools(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *list)
{
    ngx_int_t     rc;
    ngx_int_t    *index;
    argo_json_t  *node;

    static const ngx_str_t  none = ngx_null_string;

    /* tools of the request are its items, tools of an item are its parts */

    index = (at->part == -1) ? &at->item : &at->part;

    for (node = list->child, *index = 0; node; node = node->next) {

        rc = argo_openai_responses_read_tool(at, req, node, &none, *index);
        if (rc != NGX_OK) {
            return rc;
        }

        (*index)++;
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_tool(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *node, const ngx_str_t *space, ngx_uint_t index)
{
    ngx_int_t               rc;
    ngx_uint_t              i;
    const char             *hosted;
    argo_json_t            *type;
    argo_responses_tool_t  *tool;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, "", "an object", node);
    }

    rc = argo_openai_read_string(at, node, ".type", &type);
    if (rc != NGX_OK) {
        return rc;
    }

    if (argo_json_is(type, "namespace") && space->len == 0) {
        return argo_openai_responses_read_space(at, req, node, index);
    }

    hosted = argo_openai_responses_hosted(type);

    if (hosted) {
        return argo_openai_responses_note(at->pool, req, "tools", hosted);
    }

    if (argo_json_is(type, "tool_search")
        && !argo_json_is(argo_json_get(node, "execution"), "client"))
    {
        return argo_openai_responses_note(at->pool, req, "tools",
                                          "tool_search dropped: only OpenAI "
                                          "runs it");
    }

    for (i = 0; i < ARGO_RESPONSES_NKINDS; i++) {
        if (argo_json_text_is(type, argo_responses_kinds[i].tool,
                              ngx_strlen(argo_responses_kinds[i].tool)))
        {
            break;
        }
    }

    if (i == ARGO_RESPONSES_NKINDS) {
        return argo_openai_wrong(at, ".type", "unsupported_value",
                                 "must be function, custom, namespace, "
                                 "local_shell, shell, apply_patch or "
                                 "tool_search: the model that was asked for "
                                 "has no other kind");
    }

    tool = ngx_pcalloc(at->pool, sizeof(argo_responses_tool_t));
    if (tool == NULL) {
        return NGX_ERROR;
    }

    tool->tool = ngx_pcalloc(at->pool, sizeof(argo_tool_t));
    if (tool->tool == NULL) {
        return NGX_ERROR;
    }

    tool->kind = i;
    tool->space = *space;
    tool->tool->index = index;
    tool->tool->node = node;

    rc = argo_openai_responses_read_definition(at, node, tool->kind,
                                               tool->tool);
    if (rc != NGX_OK) {
        return rc;
    }

    tool->name = tool->tool->name;

    return argo_openai_responses_add_tool(at, req, tool);
}


/* A group: its tools are named as if they were there themselves. */

static ngx_int_t
argo_openai_responses_read_space(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *node, ngx_uint_t index)
{
    ngx_int_t     rc;
    ngx_str_t     space;
    argo_json_t  *name, *tools, *tool;

    rc = argo_openai_read_string(at, node, ".name", &name);
    if (rc != NGX_OK) {
        return rc;
    }

    tools = argo_json_get(node, "tools");

    if (tools == NULL) {
        return argo_openai_missing(at, ".tools");
    }

    if (tools->type != ARGO_JSON_ARRAY) {
        return argo_openai_mistyped(at, ".tools", "an array", tools);
    }

    space = argo_json_inner(name);

    if (space.len == 0) {
        return argo_openai_wrong(at, ".name", "invalid_value",
                                 "must not be empty");
    }

    for (tool = tools->child; tool; tool = tool->next) {
        rc = argo_openai_responses_read_tool(at, req, tool, &space, index);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_definition(argo_openai_place_t *at,
    argo_json_t *node, argo_responses_kind_e kind, argo_tool_t *tool)
{
    ngx_int_t     rc;
    argo_json_t  *name;

    rc = NGX_OK;

    if (argo_responses_kinds[kind].name == NULL) {

        rc = argo_openai_read_string(at, node, ".name", &name);
        if (rc != NGX_OK) {
            return rc;
        }

        tool->name = argo_json_inner(name);

        if (tool->name.len == 0) {
            return argo_openai_wrong(at, ".name", "invalid_value",
                                     "must not be empty");
        }
    }

    if (kind == ARGO_RESPONSES_CUSTOM) {
        rc = argo_openai_responses_read_custom(at, node, tool);

    } else if (kind == ARGO_RESPONSES_FUNCTION
               || kind == ARGO_RESPONSES_TOOL_SEARCH)
    {
        rc = argo_openai_responses_read_optional(at, node, ".description",
                                                 ARGO_OPENAI_STRING,
                                                 "a string",
                                                 &tool->description);

        if (rc == NGX_OK) {
            rc = argo_openai_responses_read_optional(at, node, ".parameters",
                                                     ARGO_OPENAI_OBJECT,
                                                     "an object",
                                                     &tool->parameters);
        }

        if (rc == NGX_OK) {
            rc = argo_openai_responses_read_optional(at, node, ".strict",
                                                     ARGO_OPENAI_BOOL,
                                                     "a boolean",
                                                     &tool->strict);
        }
    }

    return (rc == NGX_OK) ? argo_openai_responses_fill(at, kind, tool) : rc;
}


/*
 * Nothing but OpenAI's own API can hold a model to a grammar: it goes with
 * the description, so that the model knows it at least.
 */

static ngx_int_t
argo_openai_responses_read_custom(argo_openai_place_t *at, argo_json_t *node,
    argo_tool_t *tool)
{
    ngx_int_t     rc;
    ngx_str_t     text;
    argo_out_t    out;
    argo_json_t  *format, *syntax, *definition;

    rc = argo_openai_responses_read_optional(at, node, ".description",
                                             ARGO_OPENAI_STRING, "a string",
                                             &tool->description);

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_optional(at, node, ".format",
                                                 ARGO_OPENAI_OBJECT,
                                                 "an object", &format);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    tool->custom = 1;

    definition = argo_json_get(format, "definition");

    if (definition == NULL || definition->type != ARGO_JSON_STRING) {
        return NGX_OK;
    }

    argo_out_init(&out, at->pool, ARGO_RESPONSES_BLOCK, NULL, 0);
    argo_out_lit(&out, "\"");

    if (tool->description) {
        text = argo_json_inner(tool->description);
        argo_out_ref(&out, text.data, text.len);
        argo_out_lit(&out, "\\n\\n");
    }

    argo_out_lit(&out, "The input must follow this grammar");

    syntax = argo_json_get(format, "syntax");

    if (syntax && syntax->type == ARGO_JSON_STRING) {
        text = argo_json_inner(syntax);
        argo_out_lit(&out, " (");
        argo_out_str(&out, &text);
        argo_out_lit(&out, ")");
    }

    text = argo_json_inner(definition);

    argo_out_lit(&out, ":\\n");
    argo_out_ref(&out, text.data, text.len);
    argo_out_lit(&out, "\"");

    if (argo_out_flatten(&out, at->pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    tool->description = argo_request_node(at->pool, ARGO_JSON_STRING, &text);

    return tool->description ? NGX_OK : NGX_ERROR;
}


/* What the client need not say, since OpenAI's models know it. */

static ngx_int_t
argo_openai_responses_fill(argo_openai_place_t *at,
    argo_responses_kind_e kind, argo_tool_t *tool)
{
    const argo_responses_kind_t  *known;

    known = &argo_responses_kinds[kind];

    if (known->name) {
        tool->name.data = (u_char *) known->name;
        tool->name.len = ngx_strlen(known->name);
    }

    if (tool->description == NULL && known->description
        && argo_openai_responses_literal(at->pool, known->description,
                                         &tool->description)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (tool->parameters == NULL && known->parameters
        && argo_openai_responses_literal(at->pool, known->parameters,
                                         &tool->parameters)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* A node of ours: JSON, or the text of a string. */

static ngx_int_t
argo_openai_responses_literal(ngx_pool_t *pool, const char *text,
    argo_json_t **node)
{
    ngx_str_t     json;
    argo_out_t    out;
    argo_error_t  ignored;

    argo_out_init(&out, pool, ARGO_RESPONSES_BLOCK, NULL, 0);

    if (*text == '{') {
        argo_openai_write_name(&out, text);

    } else {
        argo_out_lit(&out, "\"");
        argo_json_write_text(&out, (u_char *) text, ngx_strlen(text));
        argo_out_lit(&out, "\"");
    }

    if (argo_out_flatten(&out, pool, &json) != NGX_OK
        || argo_json_parse(pool, &json, ARGO_JSON_MAX_DEPTH, node, &ignored)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Of two with one name the later counts: clients repeat what they loaded. */

static ngx_int_t
argo_openai_responses_add_tool(argo_openai_place_t *at, argo_request_t *req,
    argo_responses_tool_t *tool)
{
    argo_tool_t               *old;
    argo_responses_tool_t     *past;
    argo_responses_request_t  *front;

    front = req->front;

    for (past = front->tools; past; past = past->next) {

        if (argo_openai_responses_same_space(&past->space, &tool->space)
            && argo_tool_same(&past->name, &tool->name))
        {
            old = past->tool;

            tool->tool->name = past->flat;
            tool->tool->next = old->next;

            past->kind = tool->kind;
            past->space = tool->space;
            *old = *tool->tool;

            return NGX_OK;
        }
    }

    if (argo_openai_responses_flat_name(at->pool, req, tool->kind,
                                        &tool->space, &tool->name,
                                        &tool->flat)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    tool->tool->name = tool->flat;

    *front->last_tool = tool;
    front->last_tool = &tool->next;

    *req->last_tool = tool->tool;
    req->last_tool = &tool->tool->next;

    return NGX_OK;
}


static const char *
argo_openai_responses_hosted(const argo_json_t *type)
{
    ngx_uint_t   i;
    const char  *note;

    for (i = 0; i < ARGO_RESPONSES_NHOSTED; i++) {
        note = argo_responses_hosted[i];

        if (argo_json_text_is(type, note, strchr(note, ' ') - note)) {
            return note;
        }
    }

    return NULL;
}


const argo_responses_tool_t *
argo_openai_responses_tool(const argo_request_t *req, const ngx_str_t *flat)
{
    argo_responses_tool_t     *tool;
    argo_responses_request_t  *front;

    front = req->front;

    for (tool = front->tools; tool; tool = tool->next) {
        if (argo_tool_same(&tool->flat, flat)) {
            return tool;
        }
    }

    return NULL;
}


ngx_int_t
argo_openai_responses_flat_name(ngx_pool_t *pool, const argo_request_t *req,
    argo_responses_kind_e kind, const ngx_str_t *space, const ngx_str_t *name,
    ngx_str_t *flat)
{
    ngx_uint_t                    salt;
    const argo_responses_tool_t  *tool;

    tool = argo_openai_responses_find(req, kind, space, name);

    if (tool) {
        *flat = tool->flat;
        return NGX_OK;
    }

    if (argo_responses_kinds[kind].name) {
        flat->data = (u_char *) argo_responses_kinds[kind].name;
        flat->len = ngx_strlen(flat->data);

    } else if (argo_openai_responses_join(pool, space, name, 0, flat)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* as many tries as there are tools, and one of them is free */

    for (salt = 1; argo_openai_responses_tool(req, flat); salt++) {

        if (argo_openai_responses_join(pool, space, name, salt, flat)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* By what the client calls it; what has no name of its own by its kind. */

static const argo_responses_tool_t *
argo_openai_responses_find(const argo_request_t *req,
    argo_responses_kind_e kind, const ngx_str_t *space, const ngx_str_t *name)
{
    argo_responses_tool_t     *tool;
    argo_responses_request_t  *front;

    front = req->front;

    for (tool = front->tools; tool; tool = tool->next) {

        if (argo_responses_kinds[kind].name) {
            if (tool->kind == kind) {
                return tool;
            }

            continue;
        }

        if (argo_tool_same(&tool->name, name)
            && argo_responses_kinds[tool->kind].name == NULL
            && argo_openai_responses_same_space(&tool->space, space))
        {
            return tool;
        }
    }

    return NULL;
}


static ngx_uint_t
argo_openai_responses_same_space(const ngx_str_t *a, const ngx_str_t *b)
{
    return argo_tool_same(a, b)
           || (argo_openai_responses_no_space(a)
               && argo_openai_responses_no_space(b));
}


static ngx_uint_t
argo_openai_responses_no_space(const ngx_str_t *space)
{
    static const ngx_str_t  none =
                                ngx_string(ARGO_RESPONSES_DEFAULT_SPACE);

    return space->len == 0 || argo_tool_same(space, &none);
}


/*
 * "space__name", or a name alone as it is.  With a salt, or where that could
 * not be a name, it is made so, and ends with a hash.
 */

static ngx_int_t
argo_openai_responses_join(ngx_pool_t *pool, const ngx_str_t *space,
    const ngx_str_t *name, ngx_uint_t salt, ngx_str_t *flat)
{
    size_t       n;
    u_char      *p, *src;
    ngx_uint_t   bare, changed;

    bare = argo_openai_responses_no_space(space);

    if (bare && salt == 0) {
        *flat = *name;
        return NGX_OK;
    }

    n = space->len + sizeof(ARGO_RESPONSES_JOINT) - 1 + name->len;

    flat->data = ngx_pnalloc(pool, n + ARGO_RESPONSES_HASH);
    if (flat->data == NULL) {
        return NGX_ERROR;
    }

    p = flat->data;

    if (!bare) {
        src = space->data;
        p += argo_json_unescape(&src, src + space->len, p, space->len);
        p = ngx_cpymem(p, ARGO_RESPONSES_JOINT,
                       sizeof(ARGO_RESPONSES_JOINT) - 1);
    }

    src = name->data;
    p += argo_json_unescape(&src, src + name->len, p, name->len);

    flat->len = p - flat->data;
    changed = argo_openai_responses_clean(flat->data, flat->len);

    if (salt || changed || flat->len > ARGO_RESPONSES_MAX_NAME) {
        flat->len = ngx_min(flat->len,
                            ARGO_RESPONSES_MAX_NAME - ARGO_RESPONSES_HASH);

        argo_openai_responses_hash(space, name, salt,
                                   flat->data + flat->len);

        flat->len += ARGO_RESPONSES_HASH;
    }

    return NGX_OK;
}


/* Upstreams take letters, digits and these; true if something else was. */

static ngx_uint_t
argo_openai_responses_clean(u_char *p, size_t n)
{
    size_t      i;
    ngx_uint_t  changed;

    changed = 0;

    for (i = 0; i < n; i++) {

        if ((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z')
            || (p[i] >= '0' && p[i] <= '9') || p[i] == '_' || p[i] == '-')
        {
            continue;
        }

        p[i] = '_';
        changed = 1;
    }

    return changed;
}


/* FNV-1a of what is escaped: the same names always get the same */

static void
argo_openai_responses_hash(const ngx_str_t *space, const ngx_str_t *name,
    ngx_uint_t salt, u_char *p)
{
    size_t      i;
    uint32_t    hash;

    static const char  digits[] = "0123456789abcdef";

    hash = 2166136261u ^ (uint32_t) salt;

    for (i = 0; i < space->len; i++) {
        hash = (hash ^ space->data[i]) * 16777619u;
    }

    hash = (hash ^ '/') * 16777619u;

    for (i = 0; i < name->len; i++) {
        hash = (hash ^ name->data[i]) * 16777619u;
    }

    *p++ = '_';

    for (i = 0; i < 8; i++) {
        *p++ = digits[(hash >> (28 - 4 * i)) & 0xf];
    }
}


ngx_int_t
argo_openai_responses_read_choice(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *choice)
{
    ngx_int_t                     rc;
    argo_json_t                  *type;
    const argo_responses_tool_t  *tool;

    if (choice->type == ARGO_JSON_STRING) {
        return argo_openai_responses_read_mode(at, req, "tool_choice",
                                               choice);
    }

    rc = argo_openai_responses_read_optional(at, choice, "tool_choice.type",
                                             ARGO_OPENAI_IS(STRING),
                                             "a string", &type);
    if (rc != NGX_OK) {
        return rc;
    }

    if (type == NULL) {
        return argo_openai_missing(at, "tool_choice.type");
    }

    if (argo_json_is(type, "allowed_tools")) {
        return argo_openai_responses_read_allowed(at, req, choice);
    }

    if (argo_openai_responses_hosted(type)) {
        return argo_openai_wrong(at, "tool_choice.type", "unsupported_value",
                                 "names a tool that only OpenAI's own "
                                 "service runs");
    }

    rc = argo_openai_responses_read_name(at, req, choice, &tool);

    if (rc == NGX_OK) {
        req->tool_choice = ARGO_TOOL_CHOICE_NAMED;
        req->tool_name = tool->flat;
    }

    return rc;
}


static ngx_int_t
argo_openai_responses_read_mode(argo_openai_place_t *at, argo_request_t *req,
    const char *member, argo_json_t *mode)
{
    if (argo_json_is(mode, "auto")) {
        req->tool_choice = ARGO_TOOL_CHOICE_AUTO;

    } else if (argo_json_is(mode, "none")) {
        req->tool_choice = ARGO_TOOL_CHOICE_NONE;

    } else if (argo_json_is(mode, "required")) {
        req->tool_choice = ARGO_TOOL_CHOICE_REQUIRED;

    } else {
        return argo_openai_wrong(at, member, "invalid_value",
                                 "must be one of none, auto and required");
    }

    return NGX_OK;
}


/* The others are not offered at all, which upstreams understand. */

static ngx_int_t
argo_openai_responses_read_allowed(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *choice)
{
    ngx_int_t     rc;
    argo_json_t  *mode, *list;

    list = NULL;

    rc = argo_openai_responses_read_optional(at, choice, "tool_choice.mode",
                                             ARGO_OPENAI_IS(STRING),
                                             "a string", &mode);

    if (rc == NGX_OK && mode == NULL) {
        return argo_openai_missing(at, "tool_choice.mode");
    }

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_mode(at, req, "tool_choice.mode",
                                             mode);
    }

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_optional(at, choice,
                                                 "tool_choice.tools",
                                                 ARGO_OPENAI_IS(ARRAY),
                                                 "an array", &list);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (list == NULL || list->count == 0) {
        return argo_openai_missing(at, "tool_choice.tools");
    }

    return argo_openai_responses_allow(at, req, list);
}


static ngx_int_t
argo_openai_responses_allow(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *list)
{
    ngx_int_t                     rc;
    argo_json_t                  *node;
    argo_tool_t                  *tool, *allowed, **last;
    const argo_responses_tool_t  *found;

    allowed = NULL;
    last = &allowed;

    for (node = list->child; node; node = node->next) {

        if (argo_openai_responses_hosted(argo_json_get(node, "type"))) {
            /* it is not offered anyway */
            continue;
        }

        rc = argo_openai_responses_read_name(at, req, node, &found);
        if (rc != NGX_OK) {
            return rc;
        }

        for (tool = allowed; tool; tool = tool->next) {
            if (tool->name.data == found->tool->name.data) {
                break;
            }
        }

        if (tool) {
            /* named twice */
            continue;
        }

        tool = ngx_palloc(at->pool, sizeof(argo_tool_t));
        if (tool == NULL) {
            return NGX_ERROR;
        }

        *tool = *found->tool;
        tool->next = NULL;

        *last = tool;
        last = &tool->next;
    }

    if (allowed == NULL) {
        return argo_openai_wrong(at, "tool_choice.tools",
                                 "unsupported_value", "names nothing but "
                                 "tools that only OpenAI's own service "
                                 "runs");
    }

    req->tools = allowed;
    req->last_tool = last;

    return NGX_OK;
}


/* The tool that a choice is about. */

static ngx_int_t
argo_openai_responses_read_name(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *obj, const argo_responses_tool_t **tool)
{
    ngx_int_t               rc;
    ngx_str_t               name, space;
    ngx_uint_t              kind;
    argo_json_t            *type, *node;

    ngx_str_null(&name);
    ngx_str_null(&space);

    type = argo_json_get(obj, "type");

    for (kind = 0; kind < ARGO_RESPONSES_NKINDS; kind++) {
        if (argo_json_text_is(type, argo_responses_kinds[kind].tool,
                              ngx_strlen(argo_responses_kinds[kind].tool)))
        {
            break;
        }
    }

    if (kind == ARGO_RESPONSES_NKINDS && type) {
        return argo_openai_wrong(at, "tool_choice.type", "unsupported_value",
                                 "must be function, custom or allowed_tools, "
                                 "or name a tool that the client runs");
    }

    if (kind == ARGO_RESPONSES_NKINDS) {
        kind = ARGO_RESPONSES_FUNCTION;
    }

    if (argo_responses_kinds[kind].name == NULL) {

        rc = argo_openai_responses_read_optional(at, obj, "tool_choice.name",
                                                 ARGO_OPENAI_IS(STRING),
                                                 "a string", &node);
        if (rc != NGX_OK) {
            return rc;
        }

        if (node == NULL) {
            return argo_openai_missing(at, "tool_choice.name");
        }

        name = argo_json_inner(node);

        rc = argo_openai_responses_read_optional(at, obj,
                                                 "tool_choice.namespace",
                                                 ARGO_OPENAI_STRING,
                                                 "a string", &node);
        if (rc != NGX_OK) {
            return rc;
        }

        if (node) {
            space = argo_json_inner(node);
        }
    }

    *tool = argo_openai_responses_find(req, kind, &space, &name);

    if (*tool == NULL) {
        return argo_openai_wrong(at, "tool_choice", "invalid_value",
                                 "names a tool that is not among tools");
    }

    return NGX_OK;
}
