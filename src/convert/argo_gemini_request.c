
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Google's generateContent, what a client sends: all but its contents, which
 * are read in argo_gemini_contents.c.  docs/conversion/gemini.md has the
 * tables.
 */


#include "argo_gemini.h"
#include "argo_tool.h"

#include <stddef.h>


#define ARGO_GEMINI_UNKNOWN  "no word for it at ARGO"


/* a parameter, by the field of the request that it becomes */

typedef struct {
    const char       *path;
    size_t            field;
} argo_gemini_value_t;


/* what is refused where it says something */

typedef struct {
    const char       *name;
    const char       *message;
} argo_gemini_gap_t;


static ngx_int_t argo_gemini_read_body(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *root);
static ngx_int_t argo_gemini_check(argo_openai_place_t *at,
    argo_json_t *root);
static ngx_int_t argo_gemini_read_config(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *config);
static ngx_int_t argo_gemini_read_number(argo_openai_place_t *at,
    argo_json_t *obj, const char *path, argo_json_t **value);
static ngx_int_t argo_gemini_check_config(argo_openai_place_t *at,
    argo_json_t *config);
static ngx_int_t argo_gemini_check_modalities(argo_openai_place_t *at,
    argo_json_t *list);
static ngx_int_t argo_gemini_read_stop(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *config);
static ngx_int_t argo_gemini_read_format(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *config);
static ngx_int_t argo_gemini_read_thinking(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *config);
static ngx_int_t argo_gemini_read_budget(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *budget);
static ngx_int_t argo_gemini_read_level(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *level);

static ngx_int_t argo_gemini_read_tools(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *tools);
static ngx_int_t argo_gemini_read_tool(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *node);
static ngx_int_t argo_gemini_read_function(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *node, argo_tool_t *tool);
static ngx_int_t argo_gemini_read_parameters(argo_openai_place_t *at,
    argo_json_t *node, argo_tool_t *tool);
static ngx_int_t argo_gemini_read_choice(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *config);
static ngx_int_t argo_gemini_read_mode(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *mode);
static ngx_int_t argo_gemini_read_allowed(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *names);


enum {
    ARGO_GEMINI_MODEL = 0,
    ARGO_GEMINI_CONTENTS,
    ARGO_GEMINI_SYSTEM,
    ARGO_GEMINI_CONFIG,
    ARGO_GEMINI_NMEMBERS
};


static const argo_openai_member_t
    argo_gemini_members[ARGO_GEMINI_NMEMBERS] =
{
    { "model", ARGO_OPENAI_STRING, "a string" },
    { "contents", ARGO_OPENAI_IS(ARRAY) | ARGO_OPENAI_OBJECT, "an array" },
    { "systemInstruction", ARGO_OPENAI_OBJECT, "an object" },
    { "generationConfig", ARGO_OPENAI_OBJECT, "an object" }
};


enum {
    ARGO_GEMINI_MIME = 0,
    ARGO_GEMINI_SCHEMA,
    ARGO_GEMINI_JSON_SCHEMA,
    ARGO_GEMINI_NFORMAT
};


static const argo_openai_member_t
    argo_gemini_format_members[ARGO_GEMINI_NFORMAT] =
{
    { "generationConfig.responseMimeType", ARGO_OPENAI_STRING, "a string" },
    { "generationConfig.responseSchema", ARGO_OPENAI_OBJECT, "an object" },
    { "generationConfig.responseJsonSchema", ARGO_OPENAI_OBJECT,
      "an object" }
};


enum {
    ARGO_GEMINI_LEVEL = 0,
    ARGO_GEMINI_THOUGHTS,
    ARGO_GEMINI_NTHINKING
};


static const argo_openai_member_t
    argo_gemini_thinking_members[ARGO_GEMINI_NTHINKING] =
{
    { "generationConfig.thinkingConfig.thinkingLevel", ARGO_OPENAI_STRING,
      "a string" },
    { "generationConfig.thinkingConfig.includeThoughts", ARGO_OPENAI_BOOL,
      "a boolean" }
};


enum {
    ARGO_GEMINI_PARAMETERS = 0,
    ARGO_GEMINI_JSON_PARAMETERS,
    ARGO_GEMINI_NPARAMETERS
};


static const argo_openai_member_t
    argo_gemini_parameter_members[ARGO_GEMINI_NPARAMETERS] =
{
    { ".parameters", ARGO_OPENAI_OBJECT, "an object" },
    { ".parametersJsonSchema", ARGO_OPENAI_OBJECT, "an object" }
};


enum {
    ARGO_GEMINI_MODE = 0,
    ARGO_GEMINI_ALLOWED,
    ARGO_GEMINI_NCHOICE
};


static const argo_openai_member_t
    argo_gemini_choice_members[ARGO_GEMINI_NCHOICE] =
{
    { "toolConfig.functionCallingConfig.mode", ARGO_OPENAI_STRING,
      "a string" },
    { "toolConfig.functionCallingConfig.allowedFunctionNames",
      ARGO_OPENAI_IS(ARRAY), "an array" }
};


static const argo_gemini_value_t  argo_gemini_values[] = {
    { "generationConfig.maxOutputTokens",
      offsetof(argo_request_t, max_output) },
    { "generationConfig.temperature",
      offsetof(argo_request_t, temperature) },
    { "generationConfig.topP", offsetof(argo_request_t, top_p) },
    { "generationConfig.topK", offsetof(argo_request_t, top_k) },
    { "generationConfig.seed", offsetof(argo_request_t, seed) },
    { "generationConfig.presencePenalty",
      offsetof(argo_request_t, presence_penalty) },
    { "generationConfig.frequencyPenalty",
      offsetof(argo_request_t, frequency_penalty) }
};


#define ARGO_GEMINI_NVALUES                                                   \
    (sizeof(argo_gemini_values) / sizeof(argo_gemini_values[0]))


static const argo_gemini_gap_t  argo_gemini_gaps[] = {
    { "cachedContent",
      "is not supported: the gateway keeps no contents; send them all" }
};


#define ARGO_GEMINI_NGAPS                                                     \
    (sizeof(argo_gemini_gaps) / sizeof(argo_gemini_gaps[0]))


ngx_int_t
argo_gemini_read_request(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t             rc;
    argo_json_t          *root;
    argo_openai_place_t   at;

    req->front = ngx_pcalloc(pool, sizeof(argo_gemini_request_t));
    if (req->front == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&at, sizeof(argo_openai_place_t));

    at.pool = pool;
    at.err = err;
    at.part = -1;

    /* to count its tokens, a request may be handed in as a whole */

    rc = argo_gemini_get(&at, req->root, "generateContentRequest",
                         ARGO_OPENAI_OBJECT, "an object", &root);
    if (rc != NGX_OK) {
        return rc;
    }

    if (root == NULL) {
        root = req->root;
    }

    rc = argo_gemini_read_body(&at, req, root);

    if (rc == NGX_OK) {
        rc = argo_request_drop_untaken(pool, req, root, ARGO_GEMINI_UNKNOWN);
    }

    if (rc == NGX_OK && root != req->root) {
        rc = argo_request_drop_untaken(pool, req, req->root,
                                       ARGO_GEMINI_UNKNOWN);
    }

    return rc;
}


static ngx_int_t
argo_gemini_read_body(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *root)
{
    ngx_int_t     rc;
    argo_json_t  *found[ARGO_GEMINI_NMEMBERS];

    rc = argo_gemini_check(at, root);

    if (rc == NGX_OK) {
        rc = argo_gemini_get_all(at, root, argo_gemini_members,
                                 ARGO_GEMINI_NMEMBERS, found);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    /* the path says it; what some clients repeat here is not asked */

    if (found[ARGO_GEMINI_MODEL] && req->model.len == 0
        && argo_json_text(at->pool, found[ARGO_GEMINI_MODEL], &req->model)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (found[ARGO_GEMINI_CONFIG]) {
        rc = argo_gemini_read_config(at, req, found[ARGO_GEMINI_CONFIG]);
    }

    if (rc == NGX_OK) {
        rc = argo_gemini_read_tools(at, req, root);
    }

    if (rc == NGX_OK) {
        rc = argo_gemini_read_choice(at, req, root);
    }

    if (rc == NGX_OK) {
        rc = argo_gemini_read_contents(at->pool, req,
                                       found[ARGO_GEMINI_CONTENTS],
                                       found[ARGO_GEMINI_SYSTEM], at->err);
    }

    return rc;
}


ngx_uint_t
argo_gemini_named(const ngx_str_t *name, const char *camel)
{
    u_char       c;
    size_t       i;
    const char  *p;

    i = 0;

    for (p = camel; *p; p++) {

        if (i == name->len) {
            return 0;
        }

        c = name->data[i++];

        if (c == '_' && *p >= 'A' && *p <= 'Z' && i < name->len) {

            if (name->data[i++] != ngx_tolower(*p)) {
                return 0;
            }

        } else if (c != (u_char) *p) {
            return 0;
        }
    }

    return i == name->len;
}


argo_json_t *
argo_gemini_find(const argo_json_t *obj, const char *name)
{
    argo_json_t  *node, *found;

    if (obj == NULL || obj->type != ARGO_JSON_OBJECT) {
        return NULL;
    }

    found = NULL;

    for (node = obj->child; node; node = node->next) {
        if (argo_gemini_named(&node->name, name)) {
            node->taken = 1;
            found = node;
        }
    }

    return (found && found->type != ARGO_JSON_NULL) ? found : NULL;
}


ngx_int_t
argo_gemini_get(argo_openai_place_t *at, const argo_json_t *obj,
    const char *path, unsigned types, const char *expected,
    argo_json_t **node)
{
    const char  *name;

    name = path + ngx_strlen(path);

    while (name > path && name[-1] != '.') {
        name--;
    }

    *node = argo_gemini_find(obj, name);

    if (*node && !(types & (1u << (*node)->type))) {
        return argo_openai_mistyped(at, path, expected, *node);
    }

    return NGX_OK;
}


ngx_int_t
argo_gemini_get_all(argo_openai_place_t *at, const argo_json_t *obj,
    const argo_openai_member_t *members, ngx_uint_t n, argo_json_t **found)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    rc = NGX_OK;

    for (i = 0; i < n; i++) {

        found[i] = NULL;

        if (rc == NGX_OK) {
            rc = argo_gemini_get(at, obj, members[i].name, members[i].types,
                                 members[i].expected, &found[i]);
        }
    }

    return rc;
}


ngx_uint_t
argo_gemini_begins(const ngx_str_t *text, const char *word)
{
    size_t  i, len;

    len = ngx_strlen(word);

    if (text->len < len) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if (ngx_tolower(text->data[i]) != ngx_tolower(word[i])) {
            return 0;
        }
    }

    return 1;
}


ngx_uint_t
argo_gemini_is(const argo_json_t *node, const char *word)
{
    ngx_str_t  inner;

    if (node->type != ARGO_JSON_STRING) {
        return 0;
    }

    inner = argo_json_inner(node);

    return inner.len == ngx_strlen(word) && argo_gemini_begins(&inner, word);
}


static ngx_int_t
argo_gemini_check(argo_openai_place_t *at, argo_json_t *root)
{
    ngx_uint_t    i;
    argo_json_t  *node;

    for (i = 0; i < ARGO_GEMINI_NGAPS; i++) {

        node = argo_gemini_find(root, argo_gemini_gaps[i].name);

        if (node && !(node->type == ARGO_JSON_STRING && node->raw.len == 2)) {
            return argo_openai_wrong(at, argo_gemini_gaps[i].name,
                                     "unsupported_parameter",
                                     argo_gemini_gaps[i].message);
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_gemini_read_config(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *config)
{
    ngx_int_t     rc;
    ngx_uint_t    i;
    argo_json_t  *value;

    for (i = 0; i < ARGO_GEMINI_NVALUES; i++) {

        rc = argo_gemini_read_number(at, config, argo_gemini_values[i].path,
                                     &value);
        if (rc != NGX_OK) {
            return rc;
        }

        *(argo_json_t **) ((u_char *) req + argo_gemini_values[i].field)
            = value;
    }

    rc = argo_gemini_check_config(at, config);

    if (rc == NGX_OK) {
        rc = argo_gemini_read_stop(at, req, config);
    }

    if (rc == NGX_OK) {
        rc = argo_gemini_read_format(at, req, config);
    }

    if (rc == NGX_OK) {
        rc = argo_gemini_read_thinking(at, req, config);
    }

    if (rc == NGX_OK) {
        rc = argo_request_drop_untaken(at->pool, req, config,
                                       ARGO_GEMINI_UNKNOWN);
    }

    return rc;
}


/* Google's JSON takes numbers in strings as well. */

static ngx_int_t
argo_gemini_read_number(argo_openai_place_t *at, argo_json_t *obj,
    const char *path, argo_json_t **value)
{
    ngx_int_t      rc;
    ngx_str_t      inner;
    argo_json_t   *root;
    argo_error_t   ignored;

    rc = argo_gemini_get(at, obj, path,
                         ARGO_OPENAI_NUMBER | ARGO_OPENAI_IS(STRING),
                         "a number", value);

    if (rc != NGX_OK || *value == NULL
        || (*value)->type == ARGO_JSON_NUMBER)
    {
        return rc;
    }

    inner = argo_json_inner(*value);

    rc = argo_json_parse(at->pool, &inner, 0, &root, &ignored);

    if (rc == NGX_DECLINED
        || (rc == NGX_OK && root->type != ARGO_JSON_NUMBER))
    {
        return argo_openai_mistyped(at, path, "a number", *value);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    *value = argo_request_node(at->pool, ARGO_JSON_NUMBER, &root->raw);

    return *value ? NGX_OK : NGX_ERROR;
}


/* what would make the answer another one than was asked for */

static ngx_int_t
argo_gemini_check_config(argo_openai_place_t *at, argo_json_t *config)
{
    int64_t       n;
    ngx_int_t     rc;
    argo_json_t  *node;

    rc = argo_gemini_read_number(at, config,
                                 "generationConfig.candidateCount", &node);
    if (rc != NGX_OK) {
        return rc;
    }

    if (node && (argo_json_int(node, &n) != NGX_OK || n != 1)) {
        return argo_openai_wrong(at, "generationConfig.candidateCount",
                                 "unsupported_parameter",
                                 "must be 1: ARGO gives one answer");
    }

    rc = argo_gemini_get(at, config, "generationConfig.responseLogprobs",
                         ARGO_OPENAI_BOOL, "a boolean", &node);
    if (rc != NGX_OK) {
        return rc;
    }

    if (node && node->type == ARGO_JSON_TRUE) {
        return argo_openai_wrong(at, "generationConfig.responseLogprobs",
                                 "unsupported_parameter",
                                 "must not be true: the gateway has none to "
                                 "give");
    }

    rc = argo_gemini_get(at, config, "generationConfig.responseModalities",
                         ARGO_OPENAI_IS(ARRAY), "an array", &node);

    if (rc != NGX_OK || node == NULL) {
        return rc;
    }

    return argo_gemini_check_modalities(at, node);
}


static ngx_int_t
argo_gemini_check_modalities(argo_openai_place_t *at, argo_json_t *list)
{
    argo_json_t  *node;

    for (node = list->child; node; node = node->next) {

        if (!argo_gemini_is(node, "TEXT")
            && !argo_gemini_is(node, "MODALITY_UNSPECIFIED"))
        {
            return argo_openai_wrong(at,
                                     "generationConfig.responseModalities",
                                     "unsupported_value",
                                     "must have nothing but TEXT: ARGO "
                                     "answers with text");
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_gemini_read_stop(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *config)
{
    ngx_int_t     rc;
    argo_json_t  *list, *node;

    rc = argo_gemini_get(at, config, "generationConfig.stopSequences",
                         ARGO_OPENAI_IS(ARRAY), "an array", &list);

    if (rc != NGX_OK || list == NULL || list->count == 0) {
        return rc;
    }

    for (node = list->child; node; node = node->next) {

        if (node->type != ARGO_JSON_STRING) {
            return argo_openai_wrong(at, "generationConfig.stopSequences",
                                     "invalid_type",
                                     "must be an array of strings");
        }
    }

    req->stop = list;

    return NGX_OK;
}


static ngx_int_t
argo_gemini_read_format(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *config)
{
    ngx_int_t     rc;
    ngx_str_t     name;
    argo_json_t  *mime, *schema, *found[ARGO_GEMINI_NFORMAT];

    rc = argo_gemini_get_all(at, config, argo_gemini_format_members,
                             ARGO_GEMINI_NFORMAT, found);
    if (rc != NGX_OK) {
        return rc;
    }

    mime = found[ARGO_GEMINI_MIME];
    schema = found[ARGO_GEMINI_JSON_SCHEMA];

    if (schema == NULL) {
        schema = found[ARGO_GEMINI_SCHEMA];
    }

    if (mime && argo_gemini_is(mime, "application/json")) {
        req->format.type = ARGO_FORMAT_JSON_OBJECT;

    } else if (mime && mime->raw.len > 2
               && !argo_gemini_is(mime, "text/plain"))
    {
        return argo_openai_wrong(at, "generationConfig.responseMimeType",
                                 "unsupported_value",
                                 "must be text/plain or application/json");
    }

    if (schema == NULL) {
        return NGX_OK;
    }

    /* the name has no meaning but to those who want one */

    ngx_str_set(&name, "\"response\"");

    req->format.type = ARGO_FORMAT_JSON_SCHEMA;
    req->format.name = argo_request_node(at->pool, ARGO_JSON_STRING, &name);

    if (req->format.name == NULL) {
        return NGX_ERROR;
    }

    return argo_gemini_schema(at->pool, schema,
                              schema == found[ARGO_GEMINI_SCHEMA],
                              &req->format.schema, at->err);
}


static ngx_int_t
argo_gemini_read_thinking(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *config)
{
    ngx_int_t               rc;
    ngx_str_t               display;
    argo_json_t            *thinking, *budget, *thoughts;
    argo_json_t            *found[ARGO_GEMINI_NTHINKING];
    argo_gemini_request_t  *front;

    rc = argo_gemini_get(at, config, "generationConfig.thinkingConfig",
                         ARGO_OPENAI_OBJECT, "an object", &thinking);

    if (rc != NGX_OK || thinking == NULL) {
        return rc;
    }

    rc = argo_gemini_read_number(at, thinking,
                       "generationConfig.thinkingConfig.thinkingBudget",
                       &budget);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_gemini_get_all(at, thinking, argo_gemini_thinking_members,
                             ARGO_GEMINI_NTHINKING, found);

    if (rc == NGX_OK && budget) {
        rc = argo_gemini_read_budget(at, req, budget);
    }

    if (rc == NGX_OK && found[ARGO_GEMINI_LEVEL]) {
        rc = argo_gemini_read_level(at, req, found[ARGO_GEMINI_LEVEL]);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    thoughts = found[ARGO_GEMINI_THOUGHTS];
    req->thinking.node = budget ? thinking : NULL;

    front = req->front;
    front->thoughts = (thoughts && thoughts->type == ARGO_JSON_TRUE);

    if (front->thoughts) {

        /* some models do not show them unless they are told to */

        ngx_str_set(&display, "\"summarized\"");

        req->thinking.display = argo_request_node(at->pool, ARGO_JSON_STRING,
                                                  &display);
        if (req->thinking.display == NULL) {
            return NGX_ERROR;
        }
    }

    return argo_request_drop_untaken(at->pool, req, thinking,
                                     ARGO_GEMINI_UNKNOWN);
}


/* 0 is none, -1 as much as the model likes */

static ngx_int_t
argo_gemini_read_budget(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *budget)
{
    int64_t  n;

    if (argo_json_int(budget, &n) != NGX_OK || n < -1) {
        return argo_openai_wrong(at,
                       "generationConfig.thinkingConfig.thinkingBudget",
                       "invalid_value", "must be an integer, -1 or more");
    }

    if (n == 0) {
        req->thinking.type = ARGO_THINKING_DISABLED;

    } else if (n == -1) {
        req->thinking.type = ARGO_THINKING_ADAPTIVE;

    } else {
        req->thinking.type = ARGO_THINKING_ENABLED;
        req->thinking.budget = budget;
    }

    return NGX_OK;
}


static ngx_int_t
argo_gemini_read_level(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *level)
{
    ngx_uint_t  i;

    static const char  *words[] = { "minimal", "low", "medium", "high" };

    static ngx_str_t  efforts[] = {
        ngx_string("\"minimal\""),
        ngx_string("\"low\""),
        ngx_string("\"medium\""),
        ngx_string("\"high\"")
    };

    if (level->raw.len == 2
        || argo_gemini_is(level, "THINKING_LEVEL_UNSPECIFIED"))
    {
        return NGX_OK;
    }

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {

        if (!argo_gemini_is(level, words[i])) {
            continue;
        }

        if (req->thinking.type != ARGO_THINKING_NONE_SAID) {
            return argo_openai_wrong(at, "generationConfig.thinkingConfig",
                                     "invalid_value",
                                     "can't have both thinkingBudget and "
                                     "thinkingLevel");
        }

        req->effort = argo_request_node(at->pool, ARGO_JSON_STRING,
                                        &efforts[i]);

        return req->effort ? NGX_OK : NGX_ERROR;
    }

    return argo_openai_wrong(at,
                       "generationConfig.thinkingConfig.thinkingLevel",
                       "invalid_value",
                       "must be one of MINIMAL, LOW, MEDIUM and HIGH");
}


static ngx_int_t
argo_gemini_read_tools(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *root)
{
    ngx_int_t     rc;
    argo_json_t  *tools, *node;

    req->tools = NULL;
    req->last_tool = &req->tools;

    rc = argo_gemini_get(at, root, "tools",
                         ARGO_OPENAI_IS(ARRAY) | ARGO_OPENAI_OBJECT,
                         "an array", &tools);

    if (rc != NGX_OK || tools == NULL) {
        return rc;
    }

    at->list = "tools";
    at->item = 0;
    at->parts = ".functionDeclarations";
    at->part = -1;

    for (node = (tools->type == ARGO_JSON_ARRAY) ? tools->child : tools;
         node;
         node = (tools->type == ARGO_JSON_ARRAY) ? node->next : NULL)
    {
        rc = argo_gemini_read_tool(at, req, node);
        if (rc != NGX_OK) {
            return rc;
        }

        at->item++;
    }

    at->list = NULL;

    return NGX_OK;
}


static ngx_int_t
argo_gemini_read_tool(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *node)
{
    ngx_int_t      rc;
    argo_tool_t   *tool;
    argo_json_t   *list, *function, *other;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, "", "an object", node);
    }

    rc = argo_gemini_get(at, node, ".functionDeclarations",
                         ARGO_OPENAI_IS(ARRAY) | ARGO_OPENAI_OBJECT,
                         "an array", &list);
    if (rc != NGX_OK) {
        return rc;
    }

    for (other = node->child; other; other = other->next) {

        if (!other->taken && other->type != ARGO_JSON_NULL) {

            /* an answer without a search is not the one that was asked for */

            return argo_openai_wrong(at, "", "unsupported_value",
                                     "must have nothing but "
                                     "functionDeclarations: ARGO runs no "
                                     "tools of its own");
        }
    }

    if (list == NULL) {
        return NGX_OK;
    }

    at->part = 0;

    for (function = (list->type == ARGO_JSON_ARRAY) ? list->child : list;
         function;
         function = (list->type == ARGO_JSON_ARRAY) ? function->next : NULL)
    {
        tool = ngx_pcalloc(at->pool, sizeof(argo_tool_t));
        if (tool == NULL) {
            return NGX_ERROR;
        }

        tool->index = at->part;

        rc = argo_gemini_read_function(at, req, function, tool);
        if (rc != NGX_OK) {
            return rc;
        }

        *req->last_tool = tool;
        req->last_tool = &tool->next;

        at->part++;
    }

    at->part = -1;

    return NGX_OK;
}


static ngx_int_t
argo_gemini_read_function(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *node, argo_tool_t *tool)
{
    ngx_int_t     rc;
    argo_json_t  *name;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, "", "an object", node);
    }

    rc = argo_gemini_get(at, node, ".name", ARGO_OPENAI_STRING, "a string",
                         &name);

    if (rc == NGX_OK && (name == NULL || name->raw.len == 2)) {
        rc = argo_openai_missing(at, ".name");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    tool->node = node;
    tool->name = argo_json_inner(name);

    rc = argo_gemini_get(at, node, ".description", ARGO_OPENAI_STRING,
                         "a string", &tool->description);

    if (rc == NGX_OK) {
        rc = argo_gemini_read_parameters(at, node, tool);
    }

    if (rc == NGX_OK) {
        rc = argo_request_drop_untaken(at->pool, req, node,
                                       ARGO_GEMINI_UNKNOWN);
    }

    return rc;
}


static ngx_int_t
argo_gemini_read_parameters(argo_openai_place_t *at, argo_json_t *node,
    argo_tool_t *tool)
{
    ngx_int_t     rc;
    argo_json_t  *schema, *openapi, *found[ARGO_GEMINI_NPARAMETERS];

    rc = argo_gemini_get_all(at, node, argo_gemini_parameter_members,
                             ARGO_GEMINI_NPARAMETERS, found);
    if (rc != NGX_OK) {
        return rc;
    }

    schema = found[ARGO_GEMINI_JSON_PARAMETERS];
    openapi = found[ARGO_GEMINI_PARAMETERS];

    if (schema && openapi) {
        return argo_openai_wrong(at, ".parametersJsonSchema",
                                 "invalid_value",
                                 "is another way to say parameters: a "
                                 "function can't have both");
    }

    if (schema == NULL && openapi == NULL) {
        return NGX_OK;
    }

    return argo_gemini_schema(at->pool, schema ? schema : openapi,
                              schema == NULL, &tool->parameters, at->err);
}


static ngx_int_t
argo_gemini_read_choice(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *root)
{
    ngx_int_t     rc;
    argo_json_t  *config, *calling, *names, *found[ARGO_GEMINI_NCHOICE];

    rc = argo_gemini_get(at, root, "toolConfig", ARGO_OPENAI_OBJECT,
                         "an object", &config);

    if (rc != NGX_OK || config == NULL) {
        return rc;
    }

    rc = argo_gemini_get(at, config, "toolConfig.functionCallingConfig",
                         ARGO_OPENAI_OBJECT, "an object", &calling);

    if (rc == NGX_OK) {
        rc = argo_request_drop_untaken(at->pool, req, config,
                                       ARGO_GEMINI_UNKNOWN);
    }

    if (rc != NGX_OK || calling == NULL) {
        return rc;
    }

    rc = argo_gemini_get_all(at, calling, argo_gemini_choice_members,
                             ARGO_GEMINI_NCHOICE, found);

    if (rc == NGX_OK) {
        rc = argo_request_drop_untaken(at->pool, req, calling,
                                       ARGO_GEMINI_UNKNOWN);
    }

    if (rc == NGX_OK) {
        rc = argo_gemini_read_mode(at, req, found[ARGO_GEMINI_MODE]);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    names = found[ARGO_GEMINI_ALLOWED];

    if (names && names->count) {
        return argo_gemini_read_allowed(at, req, names);
    }

    if (req->tool_choice == ARGO_TOOL_CHOICE_REQUIRED && req->tools == NULL) {
        return argo_openai_wrong(at, "toolConfig.functionCallingConfig.mode",
                                 "invalid_value",
                                 "asks for a call, but there are no "
                                 "functions");
    }

    return NGX_OK;
}


static ngx_int_t
argo_gemini_read_mode(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *mode)
{
    if (mode == NULL || mode->raw.len == 2
        || argo_gemini_is(mode, "MODE_UNSPECIFIED"))
    {
        req->tool_choice = ARGO_TOOL_CHOICE_NONE_SAID;

    } else if (argo_gemini_is(mode, "AUTO")) {
        req->tool_choice = ARGO_TOOL_CHOICE_AUTO;

    } else if (argo_gemini_is(mode, "NONE")) {
        req->tool_choice = ARGO_TOOL_CHOICE_NONE;

    } else if (argo_gemini_is(mode, "ANY")) {
        req->tool_choice = ARGO_TOOL_CHOICE_REQUIRED;

    } else if (argo_gemini_is(mode, "VALIDATED")) {
        req->tool_choice = ARGO_TOOL_CHOICE_AUTO;

        if (argo_request_note(at->pool, req, "mode",
                              "VALIDATED is AUTO at ARGO")
            != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else {
        return argo_openai_wrong(at, "toolConfig.functionCallingConfig.mode",
                                 "invalid_value",
                                 "must be one of AUTO, ANY, NONE and "
                                 "VALIDATED");
    }

    return NGX_OK;
}


/* The functions that may be called are those that the model is told of. */

static ngx_int_t
argo_gemini_read_allowed(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *names)
{
    ngx_str_t       inner;
    ngx_uint_t      n;
    argo_json_t    *name;
    argo_tool_t    *tool, *next;
    const char     *path;

    path = "toolConfig.functionCallingConfig.allowedFunctionNames";

    for (name = names->child; name; name = name->next) {

        inner = argo_json_inner(name);

        if (name->type != ARGO_JSON_STRING
            || argo_tool_find(req, &inner) == NULL)
        {
            return argo_openai_wrong(at, path, "invalid_value",
                                     "must be names of functions that are "
                                     "declared");
        }
    }

    tool = req->tools;
    req->tools = NULL;
    req->last_tool = &req->tools;
    n = 0;

    for ( /* void */ ; tool; tool = next) {
        next = tool->next;
        tool->next = NULL;

        for (name = names->child; name; name = name->next) {
            inner = argo_json_inner(name);

            if (argo_tool_same(&inner, &tool->name)) {
                break;
            }
        }

        if (name) {
            *req->last_tool = tool;
            req->last_tool = &tool->next;
            n++;
        }
    }

    if (n == 1 && req->tool_choice == ARGO_TOOL_CHOICE_REQUIRED) {
        req->tool_choice = ARGO_TOOL_CHOICE_NAMED;
        req->tool_name = req->tools->name;
    }

    return NGX_OK;
}
