
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Google's schemas, a part of OpenAPI's with types in capitals, become JSON
 * Schema.  What is JSON Schema already is not touched.
 */


#include "argo_gemini.h"


typedef enum {
    ARGO_GEMINI_PLAIN = 0,          /* not looked into */
    ARGO_GEMINI_ONE,                /* a schema, or a list of them */
    ARGO_GEMINI_MAP,                /* of names to schemas */
    ARGO_GEMINI_INT                 /* may be written as a string */
} argo_gemini_keyword_e;


typedef struct {
    const char             *name;
    argo_gemini_keyword_e   kind;
} argo_gemini_keyword_t;


typedef struct {
    argo_out_t              out;
    unsigned                openapi:1;
    unsigned                changed:1;
} argo_gemini_schema_t;


static void argo_gemini_write_schema(argo_gemini_schema_t *s,
    const argo_json_t *node);
static void argo_gemini_write_keyword(argo_gemini_schema_t *s,
    const argo_json_t *node, ngx_uint_t nullable);
static void argo_gemini_write_value(argo_gemini_schema_t *s,
    const argo_json_t *node, argo_gemini_keyword_e kind,
    const char *additional);
static void argo_gemini_write_map(argo_gemini_schema_t *s,
    const argo_json_t *node);
static void argo_gemini_write_int(argo_gemini_schema_t *s,
    const argo_json_t *node);
static void argo_gemini_write_types(argo_gemini_schema_t *s,
    const argo_json_t *node, ngx_uint_t nullable);
static void argo_gemini_write_type(argo_gemini_schema_t *s,
    const argo_json_t *node);
static ngx_uint_t argo_gemini_is_left_out(argo_gemini_schema_t *s,
    const argo_json_t *node);
static const char *argo_gemini_null(const argo_json_t *node,
    ngx_uint_t typed);
static const argo_gemini_keyword_t *argo_gemini_keyword(
    argo_gemini_schema_t *s, const ngx_str_t *name);


static const argo_gemini_keyword_t  argo_gemini_keywords[] = {
    { "properties", ARGO_GEMINI_MAP },
    { "items", ARGO_GEMINI_ONE },
    { "required", ARGO_GEMINI_PLAIN },
    { "anyOf", ARGO_GEMINI_ONE },
    { "additionalProperties", ARGO_GEMINI_ONE },
    { "oneOf", ARGO_GEMINI_ONE },
    { "allOf", ARGO_GEMINI_ONE },
    { "not", ARGO_GEMINI_ONE },
    { "prefixItems", ARGO_GEMINI_ONE },
    { "patternProperties", ARGO_GEMINI_MAP },
    { "$defs", ARGO_GEMINI_MAP },
    { "defs", ARGO_GEMINI_MAP },
    { "definitions", ARGO_GEMINI_MAP },
    { "minItems", ARGO_GEMINI_INT },
    { "maxItems", ARGO_GEMINI_INT },
    { "minLength", ARGO_GEMINI_INT },
    { "maxLength", ARGO_GEMINI_INT },
    { "minProperties", ARGO_GEMINI_INT },
    { "maxProperties", ARGO_GEMINI_INT }
};


#define ARGO_GEMINI_NKEYWORDS                                                 \
    (sizeof(argo_gemini_keywords) / sizeof(argo_gemini_keywords[0]))


static const char  *argo_gemini_types[] = {
    "string",
    "number",
    "integer",
    "boolean",
    "array",
    "object",
    "null"
};


#define ARGO_GEMINI_NTYPES                                                    \
    (sizeof(argo_gemini_types) / sizeof(argo_gemini_types[0]))


ngx_int_t
argo_gemini_schema(ngx_pool_t *pool, argo_json_t *node, ngx_uint_t openapi,
    argo_json_t **schema, argo_error_t *err)
{
    ngx_int_t              rc;
    ngx_str_t              text;
    argo_json_t           *root;
    argo_gemini_schema_t   s;

    *schema = node;

    /* the request's own tree does not go as deep as a schema may */

    rc = argo_json_parse(pool, &node->raw, ARGO_JSON_MAX_DEPTH, &root, err);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memzero(&s, sizeof(argo_gemini_schema_t));

    s.openapi = openapi ? 1 : 0;
    argo_out_init(&s.out, pool, 1024, NULL, 0);

    argo_gemini_write_schema(&s, root);

    if (s.out.failed) {
        return NGX_ERROR;
    }

    if (!s.changed) {
        return NGX_OK;
    }

    if (argo_out_flatten(&s.out, pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    /* what is sent up is looked into as any other schema */

    rc = argo_json_parse(pool, &text, ARGO_JSON_MAX_DEPTH, schema, err);

    if (rc == NGX_OK) {
        (*schema)->taken = 1;
    }

    return rc;
}


static void
argo_gemini_write_schema(argo_gemini_schema_t *s, const argo_json_t *node)
{
    ngx_uint_t          nullable, written;
    const argo_json_t  *member;

    if (node->type != ARGO_JSON_OBJECT) {
        argo_out_ref(&s->out, node->raw.data, node->raw.len);
        return;
    }

    member = argo_json_get(node, "nullable");
    nullable = (s->openapi && member && member->type == ARGO_JSON_TRUE);
    written = 0;

    argo_out_lit(&s->out, "{");

    for (member = node->child; member; member = member->next) {

        if (argo_gemini_is_left_out(s, member)) {
            s->changed = 1;
            continue;
        }

        if (written) {
            argo_out_lit(&s->out, ",");
        }

        written = 1;

        if (argo_str_is(&member->name, "enum")
            || argo_gemini_named(&member->name, "anyOf"))
        {
            /* whether null is among the values depends on what is beside */

            argo_gemini_write_keyword(s, member, nullable
                                      && argo_gemini_null(member,
                                             argo_json_get(node, "type")
                                             != NULL));
            continue;
        }

        argo_gemini_write_keyword(s, member, nullable);
    }

    argo_out_lit(&s->out, "}");
}


/* what says null in a list of values or schemas; NULL: it need not */

static const char *
argo_gemini_null(const argo_json_t *node, ngx_uint_t typed)
{
    const argo_json_t  *value;

    if (node->type != ARGO_JSON_ARRAY) {
        return NULL;
    }

    if (!argo_str_is(&node->name, "enum")) {
        return typed ? NULL : "{\"type\":\"null\"}";
    }

    for (value = node->child; value; value = value->next) {
        if (value->type == ARGO_JSON_NULL) {
            return NULL;
        }
    }

    return "null";
}


static ngx_uint_t
argo_gemini_is_left_out(argo_gemini_schema_t *s, const argo_json_t *node)
{
    if (!s->openapi) {
        return 0;
    }

    return argo_str_is(&node->name, "nullable")
           || argo_gemini_named(&node->name, "propertyOrdering")
           || (argo_str_is(&node->name, "type")
               && argo_gemini_is(node, "TYPE_UNSPECIFIED"));
}


static void
argo_gemini_write_keyword(argo_gemini_schema_t *s, const argo_json_t *node,
    ngx_uint_t nullable)
{
    size_t                        len;
    const char                   *additional;
    argo_gemini_keyword_e         kind;
    const argo_gemini_keyword_t  *keyword;

    keyword = argo_gemini_keyword(s, &node->name);
    kind = keyword ? keyword->kind : ARGO_GEMINI_PLAIN;
    additional = nullable ? argo_gemini_null(node, 0) : NULL;

    len = keyword ? ngx_strlen(keyword->name) : 0;

    if (keyword && len != node->name.len) {
        argo_out_lit(&s->out, "\"");
        argo_out_write(&s->out, keyword->name, len);
        argo_out_lit(&s->out, "\":");
        s->changed = 1;

    } else {
        argo_out_write(&s->out, node->start, node->raw.data - node->start);
    }

    if (argo_str_is(&node->name, "type")) {
        argo_gemini_write_types(s, node, nullable);

    } else if (argo_str_is(&node->name, "enum")) {
        argo_gemini_write_value(s, node, ARGO_GEMINI_PLAIN, additional);

    } else {
        argo_gemini_write_value(s, node, kind,
                                (keyword
                                 && ngx_strcmp(keyword->name, "anyOf") == 0)
                                ? additional : NULL);
    }
}


static const argo_gemini_keyword_t *
argo_gemini_keyword(argo_gemini_schema_t *s, const ngx_str_t *name)
{
    ngx_uint_t   i;
    const char  *keyword;

    for (i = 0; i < ARGO_GEMINI_NKEYWORDS; i++) {
        keyword = argo_gemini_keywords[i].name;

        if (s->openapi ? argo_gemini_named(name, keyword)
                       : (name->len == ngx_strlen(keyword)
                          && ngx_memcmp(name->data, keyword, name->len)
                             == 0))
        {
            return &argo_gemini_keywords[i];
        }
    }

    return NULL;
}


static void
argo_gemini_write_value(argo_gemini_schema_t *s, const argo_json_t *node,
    argo_gemini_keyword_e kind, const char *additional)
{
    const argo_json_t  *item;

    if (kind == ARGO_GEMINI_INT) {
        argo_gemini_write_int(s, node);
        return;
    }

    if (kind == ARGO_GEMINI_MAP && node->type == ARGO_JSON_OBJECT) {
        argo_gemini_write_map(s, node);
        return;
    }

    if (kind == ARGO_GEMINI_ONE && node->type != ARGO_JSON_ARRAY) {
        argo_gemini_write_schema(s, node);
        return;
    }

    if (node->type != ARGO_JSON_ARRAY
        || (kind == ARGO_GEMINI_PLAIN && additional == NULL))
    {
        argo_out_ref(&s->out, node->raw.data, node->raw.len);
        return;
    }

    argo_out_lit(&s->out, "[");

    for (item = node->child; item; item = item->next) {

        if (kind == ARGO_GEMINI_PLAIN) {
            argo_out_ref(&s->out, item->raw.data, item->raw.len);

        } else {
            argo_gemini_write_schema(s, item);
        }

        if (item->next || additional) {
            argo_out_lit(&s->out, ",");
        }
    }

    if (additional) {
        argo_out_write(&s->out, additional, ngx_strlen(additional));
        s->changed = 1;
    }

    argo_out_lit(&s->out, "]");
}


static void
argo_gemini_write_map(argo_gemini_schema_t *s, const argo_json_t *node)
{
    const argo_json_t  *member;

    argo_out_lit(&s->out, "{");

    for (member = node->child; member; member = member->next) {

        argo_out_write(&s->out, member->start,
                       member->raw.data - member->start);
        argo_gemini_write_schema(s, member);

        if (member->next) {
            argo_out_lit(&s->out, ",");
        }
    }

    argo_out_lit(&s->out, "}");
}


/* integers of 64 bits are strings in Google's JSON */

static void
argo_gemini_write_int(argo_gemini_schema_t *s, const argo_json_t *node)
{
    size_t     i;
    ngx_str_t  inner;

    inner = argo_json_inner(node);

    for (i = 0; i < inner.len; i++) {
        if (inner.data[i] < '0' || inner.data[i] > '9') {
            break;
        }
    }

    if (node->type != ARGO_JSON_STRING || i == 0 || i < inner.len
        || (i > 1 && inner.data[0] == '0'))
    {
        argo_out_str(&s->out, &node->raw);
        return;
    }

    argo_out_str(&s->out, &inner);
    s->changed = 1;
}


static void
argo_gemini_write_types(argo_gemini_schema_t *s, const argo_json_t *node,
    ngx_uint_t nullable)
{
    const argo_json_t  *item;

    if (node->type == ARGO_JSON_STRING) {

        if (!nullable) {
            argo_gemini_write_type(s, node);
            return;
        }

        argo_out_lit(&s->out, "[");
        argo_gemini_write_type(s, node);
        argo_out_lit(&s->out, ",\"null\"]");
        s->changed = 1;

        return;
    }

    if (node->type != ARGO_JSON_ARRAY) {
        argo_out_str(&s->out, &node->raw);
        return;
    }

    argo_out_lit(&s->out, "[");

    for (item = node->child; item; item = item->next) {
        argo_gemini_write_type(s, item);

        if (item->next) {
            argo_out_lit(&s->out, ",");
        }
    }

    argo_out_lit(&s->out, "]");
}


static void
argo_gemini_write_type(argo_gemini_schema_t *s, const argo_json_t *node)
{
    ngx_uint_t   i;
    const char  *type;

    for (i = 0; i < ARGO_GEMINI_NTYPES; i++) {
        type = argo_gemini_types[i];

        if (!argo_gemini_is(node, type)
            || argo_json_text_is(node, type, ngx_strlen(type)))
        {
            continue;
        }

        argo_out_lit(&s->out, "\"");
        argo_out_write(&s->out, type, ngx_strlen(type));
        argo_out_lit(&s->out, "\"");
        s->changed = 1;

        return;
    }

    argo_out_str(&s->out, &node->raw);
}
