
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Schemas said in other words.  What is one schema in the output may be made
 * of several: of what a reference stands for and of the members of "allOf".
 */


#include "argo_schema.h"
#include "argo_json_write.h"


typedef struct {
    argo_json_t  *parts[ARGO_SCHEMA_MAX_PARTS];
    ngx_uint_t    n;
    ngx_uint_t    sure;             /* of the first ones all holds; of those
                                       behind them, one */
    unsigned      nullable:1;
    unsigned      endless:1;        /* it would hold itself */
} argo_schema_parts_t;


typedef struct {
    const argo_profile_t  *profile;
    argo_json_t           *root;
    argo_out_t            *out;
    size_t                 limit;   /* of out->size */
    argo_json_t           *refs[ARGO_SCHEMA_MAX_REFS];
    ngx_uint_t             nrefs;   /* being followed */
    ngx_uint_t             steps;   /* made to find what they stand for */
    unsigned               subset:1;
    unsigned               first:1; /* member of an object */
} argo_schema_writer_t;


static void argo_schema_write_one(argo_schema_writer_t *w,
    argo_json_t *node, ngx_uint_t top);
static void argo_schema_gather(argo_schema_writer_t *w, argo_json_t *node,
    ngx_uint_t top, argo_schema_parts_t *parts);
static void argo_schema_gather_ref(argo_schema_writer_t *w,
    argo_json_t *ref, argo_schema_parts_t *parts);
static void argo_schema_gather_list(argo_schema_writer_t *w,
    argo_json_t *list, argo_schema_parts_t *parts);
static argo_json_t *argo_schema_resolve(argo_schema_writer_t *w,
    const argo_json_t *ref);
static ngx_uint_t argo_schema_same(const argo_json_t *node, const u_char *p,
    size_t n);
static argo_json_t *argo_schema_sole(argo_json_t *list,
    ngx_uint_t *nullable);
static ngx_uint_t argo_schema_is_null(const argo_json_t *schema);

static argo_json_t *argo_schema_find(const argo_schema_parts_t *parts,
    const char *name);
static void argo_schema_write_type(argo_schema_writer_t *w,
    argo_schema_parts_t *parts, ngx_uint_t top);
static void argo_schema_write_types(argo_schema_writer_t *w,
    argo_schema_parts_t *parts, argo_json_t *list);
static void argo_schema_guess_type(argo_schema_writer_t *w,
    argo_schema_parts_t *parts, ngx_uint_t top);
static void argo_schema_write_members(argo_schema_writer_t *w,
    argo_schema_parts_t *parts, ngx_uint_t part, ngx_uint_t top);
static ngx_uint_t argo_schema_merged(const ngx_str_t *name, ngx_uint_t top);
static void argo_schema_write_member(argo_schema_writer_t *w,
    argo_schema_parts_t *parts, argo_json_t *member);
static void argo_schema_write_other(argo_schema_writer_t *w,
    argo_schema_parts_t *parts, argo_json_t *member);
static void argo_schema_write_properties(argo_schema_writer_t *w,
    argo_schema_parts_t *parts, ngx_uint_t top);
static void argo_schema_write_required(argo_schema_writer_t *w,
    argo_schema_parts_t *parts);
static ngx_uint_t argo_schema_there(argo_schema_writer_t *w,
    const argo_schema_parts_t *parts, const argo_json_t *item);
static argo_json_t *argo_schema_property(const argo_schema_parts_t *parts,
    ngx_uint_t n, const argo_json_t *name);
static void argo_schema_write_enum(argo_schema_writer_t *w,
    argo_json_t *list);
static void argo_schema_write_list(argo_schema_writer_t *w,
    const char *name, argo_schema_parts_t *parts, argo_json_t *list);
static void argo_schema_write_map(argo_schema_writer_t *w,
    argo_json_t *map);
static void argo_schema_begin(argo_schema_writer_t *w, const char *name);

static ngx_uint_t argo_schema_refuses_name(const argo_schema_writer_t *w,
    const char *name);


void
argo_schema_write(const argo_profile_t *profile, const argo_json_t *schema,
    ngx_uint_t top, argo_out_t *out)
{
    argo_json_t           *root;
    argo_error_t           err;
    argo_schema_writer_t   w;

    if (schema == NULL || schema->type == ARGO_JSON_NULL) {
        argo_out_lit(out, "{\"type\":\"object\",\"properties\":{}}");
        return;
    }

    if (!argo_schema_refused(profile, schema, top)) {
        argo_out_ref(out, schema->raw.data, schema->raw.len);
        return;
    }

    /* its nodes may end before the schema does */

    if (argo_json_parse(out->pool, &schema->raw, ARGO_JSON_MAX_DEPTH, &root,
                        &err)
        != NGX_OK)
    {
        out->failed = 1;
        return;
    }

    ngx_memzero(&w, sizeof(argo_schema_writer_t));

    w.profile = profile;
    w.root = root;
    w.out = out;
    w.limit = out->size + schema->raw.len + ARGO_SCHEMA_MAX_SIZE;
    w.subset = (profile->schema_only != NULL);

    argo_schema_write_one(&w, root, top);
}


static void
argo_schema_write_one(argo_schema_writer_t *w, argo_json_t *node,
    ngx_uint_t top)
{
    ngx_uint_t            i, nrefs;
    argo_schema_parts_t   parts;

    if (node->type != ARGO_JSON_OBJECT) {

        if (w->subset) {
            argo_out_lit(w->out, "{\"type\":\"string\"}");

        } else {
            argo_out_ref(w->out, node->raw.data, node->raw.len);
        }

        return;
    }

    ngx_memzero(&parts, sizeof(argo_schema_parts_t));

    nrefs = w->nrefs;

    argo_schema_gather(w, node, top, &parts);

    argo_out_lit(w->out, "{");
    w->first = 1;

    argo_schema_write_type(w, &parts, top);

    for (i = 0; i < parts.n; i++) {
        argo_schema_write_members(w, &parts, i, top);
    }

    argo_schema_write_properties(w, &parts, top);
    argo_schema_write_required(w, &parts);

    if (parts.nullable && w->subset) {
        argo_schema_begin(w, "nullable");
        argo_out_lit(w->out, "true");
    }

    argo_out_lit(w->out, "}");

    w->first = 0;
    w->nrefs = nrefs;
}


/* Finds what is to become one schema. */

static void
argo_schema_gather(argo_schema_writer_t *w, argo_json_t *node,
    ngx_uint_t top, argo_schema_parts_t *parts)
{
    ngx_uint_t    nullable;
    argo_json_t  *list, *sole, *ref;

    if (node->type != ARGO_JSON_OBJECT || parts->n == ARGO_SCHEMA_MAX_PARTS) {
        return;
    }

    parts->parts[parts->n++] = node;
    parts->sure = parts->n;

    ref = argo_json_get(node, "$ref");

    if (ref && (top || argo_schema_refuses_name(w, "$ref"))) {
        argo_schema_gather_ref(w, ref, parts);
    }

    list = argo_json_get(node, "allOf");

    if (list && (top || argo_schema_refuses_name(w, "allOf"))) {
        argo_schema_gather_list(w, list, parts);
        parts->sure = parts->n;
    }

    list = argo_json_get(node, "anyOf");

    if (list == NULL) {
        list = argo_json_get(node, "oneOf");
    }

    if (list == NULL) {
        return;
    }

    nullable = 0;
    sole = (w->subset || top) ? argo_schema_sole(list, &nullable) : NULL;

    if (sole) {
        argo_schema_gather(w, sole, 0, parts);
        parts->nullable |= nullable;
        parts->sure = parts->n;

    } else if (top) {
        argo_schema_gather_list(w, list, parts);
    }
}


static void
argo_schema_gather_ref(argo_schema_writer_t *w, argo_json_t *ref,
    argo_schema_parts_t *parts)
{
    ngx_uint_t    i;
    argo_json_t  *target;

    target = argo_schema_resolve(w, ref);

    if (target == NULL || w->nrefs == ARGO_SCHEMA_MAX_REFS
        || w->out->size > w->limit)
    {
        parts->endless = 1;
        return;
    }

    for (i = 0; i < w->nrefs; i++) {
        if (w->refs[i] == target) {
            parts->endless = 1;
            return;
        }
    }

    w->refs[w->nrefs++] = target;

    argo_schema_gather(w, target, 0, parts);
}


static void
argo_schema_gather_list(argo_schema_writer_t *w, argo_json_t *list,
    argo_schema_parts_t *parts)
{
    ngx_uint_t    sure;
    argo_json_t  *item;

    sure = parts->sure;

    for (item = list->child; item; item = item->next) {
        argo_schema_gather(w, item, 0, parts);
    }

    parts->sure = sure;
}


/* "#", "#/$defs/Name", with "~0", "~1" and "%24" in names. */

static argo_json_t *
argo_schema_resolve(argo_schema_writer_t *w, const argo_json_t *ref)
{
    u_char       *p, *end, *slash;
    ngx_str_t     path;
    argo_json_t  *node, *member;

    if (ref->type != ARGO_JSON_STRING) {
        return NULL;
    }

    path = argo_json_inner(ref);

    if (path.len == 0 || path.data[0] != '#') {
        return NULL;
    }

    node = w->root;
    p = path.data + 1;
    end = path.data + path.len;

    while (p < end) {

        if (*p++ != '/') {
            return NULL;
        }

        slash = memchr(p, '/', end - p);

        if (slash == NULL) {
            slash = end;
        }

        if (node->type != ARGO_JSON_OBJECT) {
            return NULL;
        }

        for (member = node->child; member; member = member->next) {

            if (w->steps++ == ARGO_SCHEMA_MAX_STEPS) {
                w->steps--;
                return NULL;
            }

            if (argo_schema_same(member, p, slash - p)) {
                break;
            }
        }

        if (member == NULL) {
            return NULL;
        }

        node = member;
        p = slash;
    }

    return (node->type == ARGO_JSON_OBJECT) ? node : NULL;
}


/* The name of a member, and as it is written in a pointer. */

static ngx_uint_t
argo_schema_same(const argo_json_t *node, const u_char *p, size_t n)
{
    size_t         i;
    u_char         c;
    const u_char  *end;

    end = p + n;

    for (i = 0; p < end; i++) {
        c = *p++;

        if (c == '~' && p < end && (*p == '0' || *p == '1')) {
            c = (*p++ == '0') ? '~' : '/';

        } else if (c == '%' && end - p >= 2 && p[0] == '2' && p[1] == '4') {
            c = '$';
            p += 2;
        }

        if (i == node->name.len || node->name.data[i] != c) {
            return 0;
        }
    }

    return i == node->name.len;
}


/* The one schema of a list that is not null's; NULL: there are more. */

static argo_json_t *
argo_schema_sole(argo_json_t *list, ngx_uint_t *nullable)
{
    argo_json_t  *item, *sole;

    sole = NULL;

    for (item = list->child; item; item = item->next) {

        if (argo_schema_is_null(item)) {
            *nullable = 1;
            continue;
        }

        if (sole) {
            return NULL;
        }

        sole = item;
    }

    return sole;
}


static ngx_uint_t
argo_schema_is_null(const argo_json_t *schema)
{
    argo_json_t  *type;

    type = argo_json_get(schema, "type");

    return type && argo_json_is(type, "null");
}


static ngx_uint_t
argo_schema_refuses_name(const argo_schema_writer_t *w, const char *name)
{
    ngx_str_t  s;

    s.data = (u_char *) name;
    s.len = ngx_strlen(name);

    return argo_schema_refuses(w->profile, &s);
}


/* The member of the first part that has it. */

static argo_json_t *
argo_schema_find(const argo_schema_parts_t *parts, const char *name)
{
    ngx_uint_t    i;
    argo_json_t  *member;

    for (i = 0; i < parts->n; i++) {
        member = argo_json_find(parts->parts[i], name, ngx_strlen(name));

        if (member) {
            return member;
        }
    }

    return NULL;
}


static void
argo_schema_write_type(argo_schema_writer_t *w, argo_schema_parts_t *parts,
    ngx_uint_t top)
{
    argo_json_t  *type;

    type = argo_schema_find(parts, "type");

    if (type && top && w->profile->schema_object
        && type->type != ARGO_JSON_STRING)
    {
        argo_schema_begin(w, "type");
        argo_out_lit(w->out, "\"object\"");
        return;
    }

    if (type && type->type == ARGO_JSON_ARRAY && w->subset) {
        argo_schema_write_types(w, parts, type);
        return;
    }

    if (type == NULL || (w->subset && type->type != ARGO_JSON_STRING)) {
        argo_schema_guess_type(w, parts, top);
        return;
    }

    argo_schema_begin(w, "type");

    if (w->subset && argo_json_is(type, "null")) {

        /* there is no type of nothing but null */

        argo_out_lit(w->out, "\"string\"");
        parts->nullable = 1;
        return;
    }

    argo_out_ref(w->out, type->raw.data, type->raw.len);

    if (w->subset && argo_json_is(type, "array")
        && argo_schema_find(parts, "items") == NULL)
    {
        argo_out_lit(w->out, ",\"items\":{\"type\":\"string\"}");
    }
}


/* ["string", "null"]: one of them may be said, and that there may be none. */

static void
argo_schema_write_types(argo_schema_writer_t *w, argo_schema_parts_t *parts,
    argo_json_t *list)
{
    ngx_uint_t    n;
    argo_json_t  *item, *sole;

    n = 0;
    sole = NULL;

    for (item = list->child; item; item = item->next) {

        if (argo_json_is(item, "null")) {
            parts->nullable = 1;

        } else if (item->type == ARGO_JSON_STRING) {
            sole = sole ? sole : item;
            n++;
        }
    }

    if (n == 0) {
        argo_schema_begin(w, "type");
        argo_out_lit(w->out, "\"string\"");
        return;
    }

    if (n == 1 || argo_schema_find(parts, "anyOf")
        || argo_schema_find(parts, "oneOf"))
    {
        argo_schema_begin(w, "type");
        argo_out_ref(w->out, sole->raw.data, sole->raw.len);

        if (argo_json_is(sole, "array")
            && argo_schema_find(parts, "items") == NULL)
        {
            argo_out_lit(w->out, ",\"items\":{\"type\":\"string\"}");
        }

        return;
    }

    argo_schema_begin(w, "anyOf");
    argo_out_lit(w->out, "[");

    for (item = sole, n = 0; item; item = item->next) {

        if (item->type != ARGO_JSON_STRING || argo_json_is(item, "null")) {
            continue;
        }

        if (n++) {
            argo_out_lit(w->out, ",");
        }

        argo_out_lit(w->out, "{\"type\":");
        argo_out_ref(w->out, item->raw.data, item->raw.len);

        if (argo_json_is(item, "array")) {
            argo_out_lit(w->out, ",\"items\":{\"type\":\"string\"}");
        }

        argo_out_lit(w->out, "}");
    }

    argo_out_lit(w->out, "]");
}


/* Where a type must be said and is not. */

static void
argo_schema_guess_type(argo_schema_writer_t *w, argo_schema_parts_t *parts,
    ngx_uint_t top)
{
    const char  *type;

    if (top && w->profile->schema_object) {
        type = "\"object\"";

    } else if (!w->subset || argo_schema_find(parts, "anyOf")
               || argo_schema_find(parts, "oneOf"))
    {
        return;

    } else if (parts->endless || argo_schema_find(parts, "properties")) {
        type = "\"object\"";

    } else if (argo_schema_find(parts, "items")) {
        type = "\"array\"";

    } else {
        type = "\"string\"";
    }

    argo_schema_begin(w, "type");
    argo_out_write(w->out, type, ngx_strlen(type));
}


/* Those that no part before has. */

static void
argo_schema_write_members(argo_schema_writer_t *w,
    argo_schema_parts_t *parts, ngx_uint_t part, ngx_uint_t top)
{
    ngx_uint_t    i, n;
    argo_json_t  *member;

    n = 0;

    for (member = parts->parts[part]->child; member; member = member->next) {

        if (n++ == ARGO_SCHEMA_MAX_NAMES) {
            break;
        }

        if (argo_schema_merged(&member->name, top)) {
            continue;
        }

        for (i = 0; i < part; i++) {
            if (argo_json_find(parts->parts[i], (char *) member->name.data,
                               member->name.len))
            {
                break;
            }
        }

        if (i == part) {
            argo_schema_write_member(w, parts, member);
        }
    }
}


/* What is written elsewhere. */

static ngx_uint_t
argo_schema_merged(const ngx_str_t *name, ngx_uint_t top)
{
    if (argo_str_is(name, "type") || argo_str_is(name, "properties")
        || argo_str_is(name, "required"))
    {
        return 1;
    }

    return top && (argo_str_is(name, "$ref") || argo_str_is(name, "allOf")
                   || argo_str_is(name, "anyOf")
                   || argo_str_is(name, "oneOf"));
}


static void
argo_schema_write_member(argo_schema_writer_t *w,
    argo_schema_parts_t *parts, argo_json_t *member)
{
    ngx_uint_t         nullable;
    const ngx_str_t   *name;

    name = &member->name;

    if (w->subset && argo_schema_merged(name, 1)
        && !argo_str_is(name, "allOf") && !argo_str_is(name, "$ref"))
    {
        /* anyOf and oneOf: of one schema it is that schema */

        nullable = 0;

        if (argo_schema_sole(member, &nullable) == NULL
            && (argo_str_is(name, "anyOf")
                || argo_schema_find(parts, "anyOf") == NULL))
        {
            argo_schema_write_list(w, "anyOf", parts, member);
        }

        return;
    }

    if (!argo_schema_refuses(w->profile, name)) {
        argo_schema_write_other(w, parts, member);
        return;
    }

    if (argo_str_is(name, "const")) {

        if (argo_schema_find(parts, "enum") == NULL
            && (!w->subset || (member->type == ARGO_JSON_STRING
                               && member->raw.len > 2)))
        {
            argo_schema_begin(w, "enum");
            argo_out_lit(w->out, "[");
            argo_out_ref(w->out, member->raw.data, member->raw.len);
            argo_out_lit(w->out, "]");
        }

    } else if (argo_str_is(name, "oneOf")) {

        if (argo_schema_find(parts, "anyOf") == NULL) {
            argo_schema_write_list(w, "anyOf", parts, member);
        }

    } else if (member->type == ARGO_JSON_NUMBER
               && ((argo_str_is(name, "exclusiveMinimum")
                    && argo_schema_find(parts, "minimum") == NULL)
                   || (argo_str_is(name, "exclusiveMaximum")
                       && argo_schema_find(parts, "maximum") == NULL)))
    {
        argo_schema_begin(w, argo_str_is(name, "exclusiveMinimum")
                             ? "minimum" : "maximum");
        argo_out_ref(w->out, member->raw.data, member->raw.len);
    }
}


static void
argo_schema_write_other(argo_schema_writer_t *w,
    argo_schema_parts_t *parts, argo_json_t *member)
{
    argo_json_t       *item;
    const ngx_str_t   *name;

    name = &member->name;

    if (w->subset && argo_str_is(name, "format")
        && !argo_schema_known_format(&member->raw))
    {
        return;
    }

    if (w->subset && argo_str_is(name, "enum")) {
        argo_schema_write_enum(w, member);
        return;
    }

    if (!w->first) {
        argo_out_lit(w->out, ",");
    }

    w->first = 0;

    argo_json_write_string(w->out, name);
    argo_out_lit(w->out, ":");

    switch (argo_schema_kind(name)) {

    case ARGO_SCHEMA_MAP:
        argo_schema_write_map(w, member);
        break;

    case ARGO_SCHEMA_ONE:

        if (member->type != ARGO_JSON_ARRAY) {
            argo_schema_write_one(w, member, 0);
            break;
        }

        if (w->subset && argo_str_is(name, "items")) {

            /* a list of them, one for each place */

            if (member->child) {
                argo_schema_write_one(w, member->child, 0);

            } else {
                argo_out_lit(w->out, "{\"type\":\"string\"}");
            }

            break;
        }

        argo_out_lit(w->out, "[");

        for (item = member->child; item; item = item->next) {

            if (item != member->child) {
                argo_out_lit(w->out, ",");
            }

            argo_schema_write_one(w, item, 0);
        }

        argo_out_lit(w->out, "]");
        break;

    default:
        argo_out_ref(w->out, member->raw.data, member->raw.len);
    }
}


static void
argo_schema_write_properties(argo_schema_writer_t *w,
    argo_schema_parts_t *parts, ngx_uint_t top)
{
    ngx_uint_t    i, n, begun;
    argo_json_t  *list, *member;

    begun = 0;
    n = 0;

    for (i = 0; i < parts->n; i++) {
        list = argo_json_get(parts->parts[i], "properties");

        if (list == NULL || list->type != ARGO_JSON_OBJECT
            || (i && n + list->count > ARGO_SCHEMA_MAX_MERGED))
        {
            continue;
        }

        if (!begun) {
            argo_schema_begin(w, "properties");
            argo_out_lit(w->out, "{");
            begun = 1;
        }

        for (member = list->child; member; member = member->next) {

            if (i && argo_schema_property(parts, i, member)) {
                continue;
            }

            if (n++) {
                argo_out_lit(w->out, ",");
            }

            argo_json_write_string(w->out, &member->name);
            argo_out_lit(w->out, ":");
            argo_schema_write_one(w, member, 0);
        }
    }

    if (begun) {
        argo_out_lit(w->out, "}");

    } else if (top && w->profile->schema_properties) {
        argo_schema_begin(w, "properties");
        argo_out_lit(w->out, "{}");
    }
}


/* The property in one of the first n parts. */

static argo_json_t *
argo_schema_property(const argo_schema_parts_t *parts, ngx_uint_t n,
    const argo_json_t *name)
{
    ngx_uint_t    i;
    argo_json_t  *list, *member;

    for (i = 0; i < n; i++) {
        list = argo_json_get(parts->parts[i], "properties");
        member = list ? argo_json_find(list, (char *) name->name.data,
                                       name->name.len)
                      : NULL;
        if (member) {
            return member;
        }
    }

    return NULL;
}


static void
argo_schema_write_required(argo_schema_writer_t *w,
    argo_schema_parts_t *parts)
{
    ngx_uint_t    i, n, names;
    argo_json_t  *list, *item;

    n = 0;

    for (i = 0; i < parts->sure; i++) {
        list = argo_json_get(parts->parts[i], "required");

        if (list == NULL || list->type != ARGO_JSON_ARRAY) {
            continue;
        }

        names = 0;

        for (item = list->child; item; item = item->next) {

            if (item->type != ARGO_JSON_STRING
                || (w->subset
                    && (names++ == ARGO_SCHEMA_MAX_NAMES
                        || !argo_schema_there(w, parts, item))))
            {
                continue;
            }

            if (n++ == 0) {
                argo_schema_begin(w, "required");
                argo_out_lit(w->out, "[");

            } else {
                argo_out_lit(w->out, ",");
            }

            argo_out_ref(w->out, item->raw.data, item->raw.len);
        }
    }

    if (n) {
        argo_out_lit(w->out, "]");
    }
}


/* Google refuses to require what is not described. */

static ngx_uint_t
argo_schema_there(argo_schema_writer_t *w, const argo_schema_parts_t *parts,
    const argo_json_t *item)
{
    ngx_str_t    text;
    argo_json_t  name;

    if (argo_json_text(w->out->pool, item, &text) != NGX_OK) {
        w->out->failed = 1;
        return 0;
    }

    ngx_memzero(&name, sizeof(argo_json_t));
    name.name = text;

    return argo_schema_property(parts, parts->n, &name) != NULL;
}


/* of strings that are not empty */

static void
argo_schema_write_enum(argo_schema_writer_t *w, argo_json_t *list)
{
    ngx_uint_t    n;
    argo_json_t  *item;

    n = 0;

    for (item = list->child; item; item = item->next) {

        if (item->type != ARGO_JSON_STRING || item->raw.len == 2) {
            continue;
        }

        if (n++ == 0) {
            argo_schema_begin(w, "enum");
            argo_out_lit(w->out, "[");

        } else {
            argo_out_lit(w->out, ",");
        }

        argo_out_ref(w->out, item->raw.data, item->raw.len);
    }

    if (n) {
        argo_out_lit(w->out, "]");
    }
}


static void
argo_schema_write_list(argo_schema_writer_t *w, const char *name,
    argo_schema_parts_t *parts, argo_json_t *list)
{
    ngx_uint_t    n;
    argo_json_t  *item;

    argo_schema_begin(w, name);
    argo_out_lit(w->out, "[");

    n = 0;

    for (item = list->child; item; item = item->next) {

        if (w->subset && argo_schema_is_null(item)) {
            parts->nullable = 1;
            continue;
        }

        if (n++) {
            argo_out_lit(w->out, ",");
        }

        argo_schema_write_one(w, item, 0);
    }

    argo_out_lit(w->out, "]");
}


static void
argo_schema_write_map(argo_schema_writer_t *w, argo_json_t *map)
{
    argo_json_t  *member;

    if (map->type != ARGO_JSON_OBJECT) {
        argo_out_ref(w->out, map->raw.data, map->raw.len);
        return;
    }

    argo_out_lit(w->out, "{");

    for (member = map->child; member; member = member->next) {

        if (member != map->child) {
            argo_out_lit(w->out, ",");
        }

        argo_json_write_string(w->out, &member->name);
        argo_out_lit(w->out, ":");
        argo_schema_write_one(w, member, 0);
    }

    argo_out_lit(w->out, "}");
}


static void
argo_schema_begin(argo_schema_writer_t *w, const char *name)
{
    if (!w->first) {
        argo_out_lit(w->out, ",");
    }

    w->first = 0;

    argo_out_lit(w->out, "\"");
    argo_out_write(w->out, name, ngx_strlen(name));
    argo_out_lit(w->out, "\":");
}
