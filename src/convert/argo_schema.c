
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Whether a schema has something in it that is refused: one pass over the
 * text, which is valid JSON, without a tree.
 */


#include "argo_schema.h"


typedef struct {
    const argo_profile_t  *profile;
    unsigned               refused:1;
} argo_schema_scan_t;


/* what has been seen of one schema */

typedef struct {
    u_char      *properties;
    u_char      *required;
    ngx_str_t    type;              /* inside of a string; len 0: none */
    unsigned     listed:1;          /* the type is no string */
    unsigned     any:1;             /* anyOf */
    unsigned     choice:1;          /* anyOf, oneOf, allOf */
    unsigned     items:1;
    unsigned     ref:1;
} argo_schema_seen_t;


static u_char *argo_schema_scan(argo_schema_scan_t *scan, u_char *p,
    ngx_uint_t top);
static u_char *argo_schema_scan_member(argo_schema_scan_t *scan,
    argo_schema_seen_t *seen, const ngx_str_t *name, u_char *p);
static u_char *argo_schema_scan_one(argo_schema_scan_t *scan, u_char *p);
static u_char *argo_schema_scan_map(argo_schema_scan_t *scan, u_char *p);
static u_char *argo_schema_scan_enum(argo_schema_scan_t *scan, u_char *p);
static void argo_schema_judge(argo_schema_scan_t *scan,
    const argo_schema_seen_t *seen);
static void argo_schema_judge_top(argo_schema_scan_t *scan,
    const argo_schema_seen_t *seen);
static ngx_uint_t argo_schema_names(u_char *required, u_char *properties);
static ngx_uint_t argo_schema_has(u_char *properties,
    const ngx_str_t *name);
static ngx_uint_t argo_schema_listed(const ngx_array_t *words,
    const ngx_str_t *name);
static u_char *argo_schema_skip(u_char *p);
static u_char *argo_schema_skip_string(u_char *p);
static u_char *argo_schema_skip_blanks(u_char *p);
static u_char *argo_schema_next(u_char *p);


ngx_uint_t
argo_schema_refused(const argo_profile_t *profile, const argo_json_t *schema,
    ngx_uint_t top)
{
    argo_schema_scan_t  scan;

    if (schema == NULL || schema->type != ARGO_JSON_OBJECT
        || (profile->schema_only == NULL && profile->schema_drop == NULL
            && !(top && (profile->schema_object
                         || profile->schema_properties))))
    {
        return 0;
    }

    scan.profile = profile;
    scan.refused = 0;

    (void) argo_schema_scan(&scan, schema->raw.data, top);

    return scan.refused;
}


ngx_uint_t
argo_schema_refuses(const argo_profile_t *profile, const ngx_str_t *name)
{
    return (profile->schema_only
            && !argo_schema_listed(profile->schema_only, name))
           || (profile->schema_drop
               && argo_schema_listed(profile->schema_drop, name));
}


ngx_uint_t
argo_schema_known_format(const ngx_str_t *raw)
{
    return argo_str_is(raw, "\"date-time\"") || argo_str_is(raw, "\"enum\"")
           || argo_str_is(raw, "\"int32\"") || argo_str_is(raw, "\"int64\"")
           || argo_str_is(raw, "\"float\"")
           || argo_str_is(raw, "\"double\"");
}


static ngx_uint_t
argo_schema_listed(const ngx_array_t *words, const ngx_str_t *name)
{
    ngx_str_t   *word;
    ngx_uint_t   i;

    word = words->elts;

    for (i = 0; i < words->nelts; i++) {

        if (word[i].len == name->len
            && ngx_memcmp(word[i].data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* Returns what follows the value at p. */

static u_char *
argo_schema_scan(argo_schema_scan_t *scan, u_char *p, ngx_uint_t top)
{
    ngx_str_t           name;
    argo_schema_seen_t  seen;

    if (*p != '{') {

        /* true and false are schemas, though not of all */

        if (scan->profile->schema_only) {
            scan->refused = 1;
        }

        return argo_schema_skip(p);
    }

    ngx_memzero(&seen, sizeof(argo_schema_seen_t));

    p = argo_schema_next(p);

    while (*p != '}' && !scan->refused) {

        name.data = p + 1;
        p = argo_schema_skip_string(p);
        name.len = p - 1 - name.data;

        /* behind the colon */
        p = argo_schema_next(argo_schema_skip_blanks(p));

        /* a name that is escaped is looked at in the tree */

        if (memchr(name.data, '\\', name.len)
            || argo_schema_refuses(scan->profile, &name))
        {
            scan->refused = 1;
            break;
        }

        p = argo_schema_scan_member(scan, &seen, &name, p);
        p = argo_schema_skip_blanks(p);

        if (*p == ',') {
            p = argo_schema_next(p);
        }
    }

    if (scan->refused) {
        return p;
    }

    if (scan->profile->schema_only) {
        argo_schema_judge(scan, &seen);
    }

    if (top) {
        argo_schema_judge_top(scan, &seen);
    }

    return p + 1;
}


static u_char *
argo_schema_scan_member(argo_schema_scan_t *scan, argo_schema_seen_t *seen,
    const ngx_str_t *name, u_char *p)
{
    u_char     *end;
    ngx_str_t   value;

    switch (argo_schema_kind(name)) {

    case ARGO_SCHEMA_MAP:

        if (argo_str_is(name, "properties")) {
            seen->properties = p;
        }

        return argo_schema_scan_map(scan, p);

    case ARGO_SCHEMA_ONE:

        if (argo_str_is(name, "items")) {
            seen->items = 1;

            if (*p == '[' && scan->profile->schema_only) {
                scan->refused = 1;
            }

        } else if (argo_str_is(name, "anyOf")) {
            seen->any = 1;
            seen->choice = 1;

        } else if (argo_str_is(name, "oneOf") || argo_str_is(name, "allOf")) {
            seen->choice = 1;
        }

        return argo_schema_scan_one(scan, p);

    case ARGO_SCHEMA_TYPE:

        end = argo_schema_skip(p);

        if (*p == '"') {
            seen->type.data = p + 1;
            seen->type.len = end - 1 - seen->type.data;

        } else {
            seen->listed = 1;
        }

        return end;

    case ARGO_SCHEMA_ENUM:
        return scan->profile->schema_only ? argo_schema_scan_enum(scan, p)
                                          : argo_schema_skip(p);

    default: /* ARGO_SCHEMA_VALUE */

        if (argo_str_is(name, "required")) {
            seen->required = p;

        } else if (argo_str_is(name, "$ref")) {
            seen->ref = 1;
        }

        end = argo_schema_skip(p);

        if (scan->profile->schema_only && argo_str_is(name, "format")) {
            value.data = p;
            value.len = end - p;

            if (!argo_schema_known_format(&value)) {
                scan->refused = 1;
            }
        }

        return end;
    }
}


static u_char *
argo_schema_scan_one(argo_schema_scan_t *scan, u_char *p)
{
    if (*p != '[') {
        return argo_schema_scan(scan, p, 0);
    }

    p = argo_schema_next(p);

    while (*p != ']') {
        p = argo_schema_scan(scan, p, 0);

        if (scan->refused) {
            return p;
        }

        p = argo_schema_skip_blanks(p);

        if (*p == ',') {
            p = argo_schema_next(p);
        }
    }

    return p + 1;
}


static u_char *
argo_schema_scan_map(argo_schema_scan_t *scan, u_char *p)
{
    if (*p != '{') {
        return argo_schema_skip(p);
    }

    p = argo_schema_next(p);

    while (*p != '}') {
        p = argo_schema_skip_blanks(argo_schema_skip_string(p));
        p = argo_schema_scan(scan, argo_schema_next(p), 0);

        if (scan->refused) {
            return p;
        }

        p = argo_schema_skip_blanks(p);

        if (*p == ',') {
            p = argo_schema_next(p);
        }
    }

    return p + 1;
}


/* strings that are not empty */

static u_char *
argo_schema_scan_enum(argo_schema_scan_t *scan, u_char *p)
{
    if (*p != '[') {
        scan->refused = 1;
        return p;
    }

    p = argo_schema_next(p);

    while (*p != ']') {

        if (*p != '"' || p[1] == '"') {
            scan->refused = 1;
            return p;
        }

        p = argo_schema_skip_blanks(argo_schema_skip_string(p));

        if (*p == ',') {
            p = argo_schema_next(p);
        }
    }

    return p + 1;
}


/* What Google's subset wants each schema to have. */

static void
argo_schema_judge(argo_schema_scan_t *scan, const argo_schema_seen_t *seen)
{
    if (seen->listed || (seen->type.len == 0 && !seen->any)
        || argo_str_is(&seen->type, "null")
        || (argo_str_is(&seen->type, "array") && !seen->items)
        || (seen->required
            && !argo_schema_names(seen->required, seen->properties)))
    {
        scan->refused = 1;
    }
}


static void
argo_schema_judge_top(argo_schema_scan_t *scan,
    const argo_schema_seen_t *seen)
{
    if (scan->profile->schema_object
        && (seen->listed || seen->type.len == 0 || seen->ref || seen->choice))
    {
        scan->refused = 1;
    }

    if (scan->profile->schema_properties && seen->properties == NULL
        && argo_str_is(&seen->type, "object"))
    {
        scan->refused = 1;
    }
}


/* True if all that is required is there. */

static ngx_uint_t
argo_schema_names(u_char *required, u_char *properties)
{
    u_char      *p;
    ngx_str_t    name;
    ngx_uint_t   n;

    p = required;

    if (*p != '[' || (properties && *properties != '{')) {
        return 0;
    }

    p = argo_schema_next(p);

    for (n = 0; *p != ']'; n++) {

        if (*p != '"' || n == ARGO_SCHEMA_MAX_REQUIRED
            || properties == NULL)
        {
            return 0;
        }

        name.data = p;
        p = argo_schema_skip_string(p);
        name.len = p - name.data;

        if (!argo_schema_has(properties, &name)) {
            return 0;
        }

        p = argo_schema_skip_blanks(p);

        if (*p == ',') {
            p = argo_schema_next(p);
        }
    }

    return 1;
}


static ngx_uint_t
argo_schema_has(u_char *properties, const ngx_str_t *name)
{
    u_char  *p, *start;

    p = argo_schema_next(properties);

    while (*p != '}') {
        start = p;
        p = argo_schema_skip_string(p);

        if ((size_t) (p - start) == name->len
            && ngx_memcmp(start, name->data, name->len) == 0)
        {
            return 1;
        }

        p = argo_schema_next(argo_schema_skip_blanks(p));
        p = argo_schema_skip_blanks(argo_schema_skip(p));

        if (*p == ',') {
            p = argo_schema_next(p);
        }
    }

    return 0;
}


argo_schema_kind_e
argo_schema_kind(const ngx_str_t *name)
{
    ngx_uint_t  i;

    static const struct {
        ngx_str_t            name;
        argo_schema_kind_e   kind;
    } kinds[] = {
        { ngx_string("type"), ARGO_SCHEMA_TYPE },
        { ngx_string("enum"), ARGO_SCHEMA_ENUM },
        { ngx_string("properties"), ARGO_SCHEMA_MAP },
        { ngx_string("patternProperties"), ARGO_SCHEMA_MAP },
        { ngx_string("dependentSchemas"), ARGO_SCHEMA_MAP },
        { ngx_string("$defs"), ARGO_SCHEMA_MAP },
        { ngx_string("definitions"), ARGO_SCHEMA_MAP },
        { ngx_string("items"), ARGO_SCHEMA_ONE },
        { ngx_string("prefixItems"), ARGO_SCHEMA_ONE },
        { ngx_string("additionalItems"), ARGO_SCHEMA_ONE },
        { ngx_string("unevaluatedItems"), ARGO_SCHEMA_ONE },
        { ngx_string("contains"), ARGO_SCHEMA_ONE },
        { ngx_string("additionalProperties"), ARGO_SCHEMA_ONE },
        { ngx_string("unevaluatedProperties"), ARGO_SCHEMA_ONE },
        { ngx_string("propertyNames"), ARGO_SCHEMA_ONE },
        { ngx_string("anyOf"), ARGO_SCHEMA_ONE },
        { ngx_string("oneOf"), ARGO_SCHEMA_ONE },
        { ngx_string("allOf"), ARGO_SCHEMA_ONE },
        { ngx_string("not"), ARGO_SCHEMA_ONE },
        { ngx_string("if"), ARGO_SCHEMA_ONE },
        { ngx_string("then"), ARGO_SCHEMA_ONE },
        { ngx_string("else"), ARGO_SCHEMA_ONE },
        { ngx_null_string, ARGO_SCHEMA_VALUE }
    };

    for (i = 0; kinds[i].name.len; i++) {

        if (kinds[i].name.len == name->len
            && ngx_memcmp(kinds[i].name.data, name->data, name->len) == 0)
        {
            break;
        }
    }

    return kinds[i].kind;
}


/* What follows a value. */

static u_char *
argo_schema_skip(u_char *p)
{
    ngx_uint_t  depth;

    if (*p == '"') {
        return argo_schema_skip_string(p);
    }

    if (*p != '{' && *p != '[') {

        while (*p != ',' && *p != '}' && *p != ']' && *p > ' ') {
            p++;
        }

        return p;
    }

    depth = 0;

    do {
        switch (*p) {

        case '"':
            p = argo_schema_skip_string(p);
            continue;

        case '{':
        case '[':
            depth++;
            break;

        case '}':
        case ']':
            depth--;
            break;

        default:
            break;
        }

        p++;

    } while (depth);

    return p;
}


static u_char *
argo_schema_skip_string(u_char *p)
{
    for (p++; *p != '"'; p++) {
        if (*p == '\\') {
            p++;
        }
    }

    return p + 1;
}


static u_char *
argo_schema_skip_blanks(u_char *p)
{
    while (*p == ' ' || *p == '\t' || *p == CR || *p == LF) {
        p++;
    }

    return p;
}


/* Behind the character at p and the blanks that follow it. */

static u_char *
argo_schema_next(u_char *p)
{
    return argo_schema_skip_blanks(p + 1);
}
