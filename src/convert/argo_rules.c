
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Rules for models: lines of words become the profile of a model.  What they
 * mean for a request is in argo_rules_apply.c, for its tools in
 * argo_schema.c.
 */


#include "argo_rules.h"
#include "argo_model.h"
#include "argo_schema.h"


/* larger numbers of tokens, images or characters are a slip of the pen */
#define ARGO_RULES_MAX_NUMBER  100000000

#define ARGO_RULES_ALL_EFFORTS  0x7f
#define ARGO_RULES_ALL_THINKING                                               \
    (ARGO_THINKS_ENABLED|ARGO_THINKS_ADAPTIVE|ARGO_THINKS_DISABLED)


typedef enum {
    ARGO_RULE_TEMPERATURE = 0,
    ARGO_RULE_TOP_P,
    ARGO_RULE_TOP_K,
    ARGO_RULE_EXCLUSIVE,
    ARGO_RULE_EFFORT_SAMPLING,
    ARGO_RULE_THINKING,
    ARGO_RULE_EFFORTS,
    ARGO_RULE_TOOLS_EFFORT,
    ARGO_RULE_LIMIT,
    ARGO_RULE_MAX_OUTPUT,
    ARGO_RULE_MIN_OUTPUT,
    ARGO_RULE_DEFAULT_OUTPUT,
    ARGO_RULE_MAX_IMAGES,
    ARGO_RULE_DEVELOPER,
    ARGO_RULE_NULL_CONTENT,
    ARGO_RULE_BLANK_TEXT,
    ARGO_RULE_PAIR_CALLS,
    ARGO_RULE_LONE_CHOICE,
    ARGO_RULE_MAX_DESCRIPTION,
    ARGO_RULE_SCHEMA_OBJECT,
    ARGO_RULE_SCHEMA_PROPERTIES,
    ARGO_RULE_SCHEMA_ONLY,
    ARGO_RULE_SCHEMA_DROP,
    ARGO_RULE_DROP
} argo_rule_e;


typedef struct argo_rule_s  argo_rule_t;

/* NGX_DECLINED: these are no values of the rule */
typedef ngx_int_t (*argo_rules_read_pt)(ngx_pool_t *pool, argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n);


typedef struct {
    argo_rule_e          rule;
    ngx_str_t            name;
    argo_rules_read_pt   read;
    const char          *expected;
} argo_rules_kind_t;


struct argo_rule_s {
    ngx_str_t                 patterns; /* joined by commas */
    const argo_rules_kind_t  *kind;
    ngx_uint_t                value;
    ngx_uint_t                max;      /* in thousandths */
    ngx_array_t              *words;    /* of ngx_str_t; NULL: off */
    argo_rule_t              *next;
};


typedef struct argo_rules_entry_s  argo_rules_entry_t;

struct argo_rules_entry_s {
    ngx_str_t                 id;
    argo_profile_t            profile;
    argo_rules_entry_t       *next;
};


struct argo_rules_s {
    ngx_pool_t               *pool;
    argo_rule_t              *first;
    argo_rule_t             **last;
    argo_rules_entry_t       *entries;
};


typedef struct {
    ngx_str_t                 name;
    ngx_uint_t                value;
} argo_rules_value_t;


typedef struct {
    const char               *patterns;
    const char               *rule;
    const char               *values;
} argo_rules_line_t;


static ngx_int_t argo_rules_read_takes(ngx_pool_t *pool, argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n);
static ngx_int_t argo_rules_read_max(const ngx_str_t *value,
    ngx_uint_t *max);
static ngx_int_t argo_rules_read_flag(ngx_pool_t *pool, argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n);
static ngx_int_t argo_rules_read_number(ngx_pool_t *pool, argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n);
static ngx_int_t argo_rules_read_limit(ngx_pool_t *pool, argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n);
static ngx_int_t argo_rules_read_thinking(ngx_pool_t *pool,
    argo_rule_t *rule, const ngx_str_t *values, ngx_uint_t n);
static ngx_int_t argo_rules_read_efforts(ngx_pool_t *pool,
    argo_rule_t *rule, const ngx_str_t *values, ngx_uint_t n);
static ngx_int_t argo_rules_read_bits(argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n, const argo_rules_value_t *known);
static ngx_int_t argo_rules_read_words(ngx_pool_t *pool, argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n);
static ngx_int_t argo_rules_read_drop(ngx_pool_t *pool, argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n);
static ngx_uint_t argo_rules_find_value(const argo_rules_value_t *known,
    const ngx_str_t *name, ngx_uint_t *value);

static const argo_rules_kind_t *argo_rules_find_kind(const ngx_str_t *name);
static ngx_int_t argo_rules_unknown(argo_rules_t *rules,
    const ngx_str_t *name, argo_error_t *err);
static ngx_uint_t argo_rules_is_pattern(const ngx_str_t *patterns);
static ngx_uint_t argo_rules_match(const ngx_str_t *patterns,
    const ngx_str_t *id);
static ngx_uint_t argo_rules_glob(u_char *p, u_char *end,
    const ngx_str_t *id);
static ngx_int_t argo_rules_copy(ngx_pool_t *pool, ngx_str_t *dst,
    const ngx_str_t *src);
static void argo_rules_use(argo_profile_t *profile, const argo_rule_t *rule);
static void argo_rules_use_flag(argo_profile_t *profile,
    const argo_rule_t *rule);


static const argo_rules_kind_t  argo_rules_kinds[] = {

    { ARGO_RULE_TEMPERATURE, ngx_string("temperature"),
      argo_rules_read_takes,
      "any, one or none, and with any also \"max=\" and a number" },
    { ARGO_RULE_TOP_P, ngx_string("top_p"),
      argo_rules_read_takes, "any, one or none" },
    { ARGO_RULE_TOP_K, ngx_string("top_k"),
      argo_rules_read_takes, "any, one or none" },
    { ARGO_RULE_EXCLUSIVE, ngx_string("exclusive"),
      argo_rules_read_flag, "on or off" },
    { ARGO_RULE_EFFORT_SAMPLING, ngx_string("effort_sampling"),
      argo_rules_read_flag, "on or off" },
    { ARGO_RULE_THINKING, ngx_string("thinking"),
      argo_rules_read_thinking,
      "off, or of enabled, adaptive, disabled and default those that are "
      "true" },
    { ARGO_RULE_EFFORTS, ngx_string("efforts"),
      argo_rules_read_efforts,
      "off, or of none, minimal, low, medium, high, xhigh and max those that "
      "are taken" },
    { ARGO_RULE_TOOLS_EFFORT, ngx_string("tools_effort"),
      argo_rules_read_flag, "on or off" },
    { ARGO_RULE_LIMIT, ngx_string("limit"),
      argo_rules_read_limit, "any, max_tokens or max_completion_tokens" },
    { ARGO_RULE_MAX_OUTPUT, ngx_string("max_output"),
      argo_rules_read_number, "off or a number of tokens" },
    { ARGO_RULE_MIN_OUTPUT, ngx_string("min_output"),
      argo_rules_read_number, "off or a number of tokens" },
    { ARGO_RULE_DEFAULT_OUTPUT, ngx_string("default_output"),
      argo_rules_read_number, "off or a number of tokens" },
    { ARGO_RULE_MAX_IMAGES, ngx_string("max_images"),
      argo_rules_read_number, "off or a number of images" },
    { ARGO_RULE_DEVELOPER, ngx_string("developer"),
      argo_rules_read_flag, "on or off" },
    { ARGO_RULE_NULL_CONTENT, ngx_string("null_content"),
      argo_rules_read_flag, "on or off" },
    { ARGO_RULE_BLANK_TEXT, ngx_string("blank_text"),
      argo_rules_read_flag, "on or off" },
    { ARGO_RULE_PAIR_CALLS, ngx_string("pair_calls"),
      argo_rules_read_flag, "on or off" },
    { ARGO_RULE_LONE_CHOICE, ngx_string("lone_choice"),
      argo_rules_read_flag, "on or off" },
    { ARGO_RULE_MAX_DESCRIPTION, ngx_string("max_description"),
      argo_rules_read_number, "off or a number of bytes" },
    { ARGO_RULE_SCHEMA_OBJECT, ngx_string("schema_object"),
      argo_rules_read_flag, "on or off" },
    { ARGO_RULE_SCHEMA_PROPERTIES, ngx_string("schema_properties"),
      argo_rules_read_flag, "on or off" },
    { ARGO_RULE_SCHEMA_ONLY, ngx_string("schema_only"),
      argo_rules_read_words, "off or keywords of JSON Schema" },
    { ARGO_RULE_SCHEMA_DROP, ngx_string("schema_drop"),
      argo_rules_read_words, "off or keywords of JSON Schema" },
    { ARGO_RULE_DROP, ngx_string("drop"),
      argo_rules_read_drop,
      "off or names of parameters, but for those without which a request is "
      "none" }
};


#define ARGO_RULES_NKINDS                                                     \
    (sizeof(argo_rules_kinds) / sizeof(argo_rules_kinds[0]))


static const argo_rules_value_t  argo_rules_takes[] = {
    { ngx_string("any"), ARGO_TAKES_ANY },
    { ngx_string("one"), ARGO_TAKES_ONE },
    { ngx_string("none"), ARGO_TAKES_NONE },
    { ngx_null_string, 0 }
};


static const argo_rules_value_t  argo_rules_flags[] = {
    { ngx_string("on"), 1 },
    { ngx_string("off"), 0 },
    { ngx_null_string, 0 }
};


static const argo_rules_value_t  argo_rules_efforts[] = {
    { ngx_string("none"), ARGO_EFFORT_NONE },
    { ngx_string("minimal"), ARGO_EFFORT_MINIMAL },
    { ngx_string("low"), ARGO_EFFORT_LOW },
    { ngx_string("medium"), ARGO_EFFORT_MEDIUM },
    { ngx_string("high"), ARGO_EFFORT_HIGH },
    { ngx_string("xhigh"), ARGO_EFFORT_XHIGH },
    { ngx_string("max"), ARGO_EFFORT_MAX },
    { ngx_null_string, 0 }
};


static const argo_rules_value_t  argo_rules_thinking[] = {
    { ngx_string("enabled"), ARGO_THINKS_ENABLED },
    { ngx_string("adaptive"), ARGO_THINKS_ADAPTIVE },
    { ngx_string("disabled"), ARGO_THINKS_DISABLED },
    { ngx_string("default"), ARGO_THINKS_DEFAULT },
    { ngx_null_string, 0 }
};


static const argo_rules_line_t  argo_rules_builtin[] = {

#define ARGO_RULE(patterns, rule, values)  { patterns, rule, values },
#include "argo_rules.inc"
#undef ARGO_RULE

    { NULL, NULL, NULL }
};


argo_rules_t *
argo_rules_create(ngx_pool_t *pool)
{
    argo_rules_t  *rules;

    rules = ngx_pcalloc(pool, sizeof(argo_rules_t));
    if (rules == NULL) {
        return NULL;
    }

    rules->pool = pool;
    rules->last = &rules->first;

    return rules;
}


ngx_int_t
argo_rules_add_builtin(argo_rules_t *rules)
{
    u_char                   *p, *end;
    ngx_str_t                 words[ARGO_RULES_MAX_WORD];
    ngx_uint_t                n;
    argo_error_t              err;
    const argo_rules_line_t  *line;

    for (line = argo_rules_builtin; line->patterns; line++) {

        words[0].data = (u_char *) line->patterns;
        words[0].len = ngx_strlen(line->patterns);
        words[1].data = (u_char *) line->rule;
        words[1].len = ngx_strlen(line->rule);

        n = 2;
        p = (u_char *) line->values;
        end = p + ngx_strlen(line->values);

        while (p < end && n < ARGO_RULES_MAX_WORD) {
            words[n].data = p;

            while (p < end && *p != ' ') {
                p++;
            }

            words[n].len = p++ - words[n].data;
            n++;
        }

        if (argo_rules_add(rules, words, n, &err) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
argo_rules_add(argo_rules_t *rules, const ngx_str_t *words, ngx_uint_t n,
    argo_error_t *err)
{
    ngx_int_t     rc;
    argo_rule_t  *rule;

    if (n < 3) {
        return argo_error_set(err, 400, NULL, NULL,
                              "a rule has a pattern of model ids, a name and "
                              "values, as \"claudeopus* temperature none;\" "
                              "has");
    }

    if (!argo_rules_is_pattern(&words[0])) {
        return argo_error_setf(rules->pool, err, 400, NULL, NULL, "zVzz",
                               "\"", &words[0], "\" is no pattern of model "
                               "ids: it has letters, digits, \"-\", \"_\", "
                               "\".\" and, for anything, \"*\"; ",
                               "several are joined by commas");
    }

    rule = ngx_pcalloc(rules->pool, sizeof(argo_rule_t));
    if (rule == NULL) {
        return NGX_ERROR;
    }

    rule->kind = argo_rules_find_kind(&words[1]);

    if (rule->kind == NULL) {
        return argo_rules_unknown(rules, &words[1], err);
    }

    rc = rule->kind->read(rules->pool, rule, &words[2], n - 2);

    if (rc == NGX_DECLINED) {
        return argo_error_setf(rules->pool, err, 400, NULL, NULL, "zVzz",
                               "invalid value of the rule \"", &words[1],
                               "\": it takes ", rule->kind->expected);
    }

    if (rc != NGX_OK
        || argo_rules_copy(rules->pool, &rule->patterns, &words[0]) != NGX_OK)
    {
        return NGX_ERROR;
    }

    *rules->last = rule;
    rules->last = &rule->next;

    return NGX_OK;
}


static ngx_int_t
argo_rules_unknown(argo_rules_t *rules, const ngx_str_t *name,
    argo_error_t *err)
{
    u_char      *p;
    size_t       len;
    ngx_str_t    known;
    ngx_uint_t   i;

    len = 0;

    for (i = 0; i < ARGO_RULES_NKINDS; i++) {
        len += argo_rules_kinds[i].name.len + sizeof(", ") - 1;
    }

    p = ngx_pnalloc(rules->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    known.data = p;

    for (i = 0; i < ARGO_RULES_NKINDS; i++) {

        if (i) {
            p = ngx_cpymem(p, ", ", sizeof(", ") - 1);
        }

        p = ngx_cpymem(p, argo_rules_kinds[i].name.data,
                       argo_rules_kinds[i].name.len);
    }

    known.len = p - known.data;

    return argo_error_setf(rules->pool, err, 400, NULL, NULL, "zVzV",
                           "unknown rule \"", name, "\": there are ", &known);
}


static const argo_rules_kind_t *
argo_rules_find_kind(const ngx_str_t *name)
{
    ngx_uint_t        i;
    const ngx_str_t  *known;

    for (i = 0; i < ARGO_RULES_NKINDS; i++) {
        known = &argo_rules_kinds[i].name;

        if (known->len == name->len
            && ngx_memcmp(known->data, name->data, name->len) == 0)
        {
            return &argo_rules_kinds[i];
        }
    }

    return NULL;
}


static ngx_uint_t
argo_rules_find_value(const argo_rules_value_t *known, const ngx_str_t *name,
    ngx_uint_t *value)
{
    for ( /* void */ ; known->name.len; known++) {

        if (known->name.len == name->len
            && ngx_memcmp(known->name.data, name->data, name->len) == 0)
        {
            *value = known->value;
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
argo_rules_read_takes(ngx_pool_t *pool, argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n)
{
    if (!argo_rules_find_value(argo_rules_takes, &values[0], &rule->value)) {
        return NGX_DECLINED;
    }

    if (n == 1) {
        return NGX_OK;
    }

    if (n > 2 || rule->value != ARGO_TAKES_ANY
        || rule->kind->rule != ARGO_RULE_TEMPERATURE)
    {
        return NGX_DECLINED;
    }

    return argo_rules_read_max(&values[1], &rule->max);
}


/* "max=1.5", up to three decimals */

static ngx_int_t
argo_rules_read_max(const ngx_str_t *value, ngx_uint_t *max)
{
    u_char      *p, *end;
    ngx_uint_t   n, unit;

    p = value->data;
    end = p + value->len;

    if (value->len < 5 || ngx_memcmp(p, "max=", 4) != 0) {
        return NGX_DECLINED;
    }

    n = 0;
    unit = 1000;

    for (p += 4; p < end; p++) {

        if (*p == '.' && unit == 1000 && p[-1] != '=' && p + 1 < end) {
            n *= unit;
            unit = 100;
            continue;
        }

        if (*p < '0' || *p > '9' || n > ARGO_RULES_MAX_NUMBER || unit == 0) {
            return NGX_DECLINED;
        }

        if (unit == 1000) {
            n = n * 10 + (*p - '0');
            continue;
        }

        n += (*p - '0') * unit;
        unit /= 10;
    }

    *max = (unit == 1000) ? n * 1000 : n;

    return *max ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
argo_rules_read_flag(ngx_pool_t *pool, argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n)
{
    return (n == 1 && argo_rules_find_value(argo_rules_flags, &values[0],
                                            &rule->value))
           ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
argo_rules_read_number(ngx_pool_t *pool, argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n)
{
    size_t  i;

    if (n != 1 || values[0].len == 0) {
        return NGX_DECLINED;
    }

    if (argo_str_is(&values[0], "off")) {
        rule->value = 0;
        return NGX_OK;
    }

    rule->value = 0;

    for (i = 0; i < values[0].len; i++) {

        if (values[0].data[i] < '0' || values[0].data[i] > '9') {
            return NGX_DECLINED;
        }

        rule->value = rule->value * 10 + (values[0].data[i] - '0');

        if (rule->value > ARGO_RULES_MAX_NUMBER) {
            return NGX_DECLINED;
        }
    }

    return rule->value ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
argo_rules_read_limit(ngx_pool_t *pool, argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n)
{
    if (n != 1) {
        return NGX_DECLINED;
    }

    if (argo_str_is(&values[0], "any")) {
        return NGX_OK;
    }

    if (!argo_str_is(&values[0], "max_tokens")
        && !argo_str_is(&values[0], "max_completion_tokens"))
    {
        return NGX_DECLINED;
    }

    return argo_rules_read_words(pool, rule, values, n);
}


static ngx_int_t
argo_rules_read_thinking(ngx_pool_t *pool, argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n)
{
    return argo_rules_read_bits(rule, values, n, argo_rules_thinking);
}


static ngx_int_t
argo_rules_read_efforts(ngx_pool_t *pool, argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n)
{
    return argo_rules_read_bits(rule, values, n, argo_rules_efforts);
}


static ngx_int_t
argo_rules_read_bits(argo_rule_t *rule, const ngx_str_t *values,
    ngx_uint_t n, const argo_rules_value_t *known)
{
    ngx_uint_t  i, bit;

    rule->value = 0;

    if (n == 1 && argo_str_is(&values[0], "off")) {
        return NGX_OK;
    }

    for (i = 0; i < n; i++) {

        if (!argo_rules_find_value(known, &values[i], &bit)) {
            return NGX_DECLINED;
        }

        rule->value |= bit;
    }

    return NGX_OK;
}


static ngx_int_t
argo_rules_read_words(ngx_pool_t *pool, argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n)
{
    size_t       k;
    u_char       c;
    ngx_str_t   *word;
    ngx_uint_t   i;

    rule->words = NULL;

    if (n == 1 && argo_str_is(&values[0], "off")) {
        return NGX_OK;
    }

    for (i = 0; i < n; i++) {

        if (values[i].len == 0 || values[i].len > ARGO_RULES_MAX_WORD) {
            return NGX_DECLINED;
        }

        for (k = 0; k < values[i].len; k++) {
            c = values[i].data[k];

            if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                  || (c >= '0' && c <= '9') || c == '_' || c == '-'
                  || c == '$'))
            {
                return NGX_DECLINED;
            }
        }
    }

    rule->words = ngx_palloc(pool, sizeof(ngx_array_t));
    if (rule->words == NULL) {
        return NGX_ERROR;
    }

    if (ngx_array_init(rule->words, pool, n, sizeof(ngx_str_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    word = rule->words->elts;
    rule->words->nelts = n;

    for (i = 0; i < n; i++) {

        if (argo_rules_copy(pool, &word[i], &values[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_rules_read_drop(ngx_pool_t *pool, argo_rule_t *rule,
    const ngx_str_t *values, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {

        if (argo_str_is(&values[i], "model")
            || argo_str_is(&values[i], "messages")
            || argo_str_is(&values[i], "input")
            || argo_str_is(&values[i], "user")
            || argo_str_is(&values[i], "stream"))
        {
            return NGX_DECLINED;
        }
    }

    return argo_rules_read_words(pool, rule, values, n);
}


static ngx_int_t
argo_rules_copy(ngx_pool_t *pool, ngx_str_t *dst, const ngx_str_t *src)
{
    dst->len = src->len;

    dst->data = ngx_pnalloc(pool, src->len);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(dst->data, src->data, src->len);

    return NGX_OK;
}


static ngx_uint_t
argo_rules_is_pattern(const ngx_str_t *patterns)
{
    u_char  c;
    size_t  i, len;

    len = 0;

    for (i = 0; i < patterns->len; i++) {
        c = patterns->data[i];

        if (c == ',') {

            if (len == 0) {
                return 0;
            }

            len = 0;
            continue;
        }

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'
              || c == '*'))
        {
            return 0;
        }

        len++;
    }

    return len > 0;
}


static ngx_uint_t
argo_rules_match(const ngx_str_t *patterns, const ngx_str_t *id)
{
    u_char  *p, *end, *comma;

    p = patterns->data;
    end = p + patterns->len;

    for ( ;; ) {
        comma = memchr(p, ',', end - p);

        if (argo_rules_glob(p, comma ? comma : end, id)) {
            return 1;
        }

        if (comma == NULL) {
            return 0;
        }

        p = comma + 1;
    }
}


/* Each "*" takes as little as it can, and more if what follows does not fit. */

static ngx_uint_t
argo_rules_glob(u_char *p, u_char *end, const ngx_str_t *id)
{
    u_char  *q, *last, *star, *from;

    q = id->data;
    last = q + id->len;
    star = NULL;
    from = NULL;

    while (q < last) {

        if (p < end && *p == '*') {
            star = p++;
            from = q;
            continue;
        }

        if (p < end && *p == *q) {
            p++;
            q++;
            continue;
        }

        if (star == NULL) {
            return 0;
        }

        p = star + 1;
        q = ++from;
    }

    while (p < end && *p == '*') {
        p++;
    }

    return p == end;
}


const argo_profile_t *
argo_rules_profile(argo_rules_t *rules, const argo_model_t *model)
{
    argo_rule_t         *rule;
    argo_profile_t      *profile;
    argo_rules_entry_t  *entry;

    for (entry = rules->entries; entry; entry = entry->next) {

        if (entry->id.len == model->id.len
            && ngx_memcmp(entry->id.data, model->id.data, model->id.len) == 0)
        {
            return &entry->profile;
        }
    }

    entry = ngx_pcalloc(rules->pool, sizeof(argo_rules_entry_t));
    if (entry == NULL) {
        return NULL;
    }

    /* tables of models come and go */

    if (argo_rules_copy(rules->pool, &entry->id, &model->id) != NGX_OK) {
        return NULL;
    }

    profile = &entry->profile;

    profile->efforts = ARGO_RULES_ALL_EFFORTS;
    profile->thinking = ARGO_RULES_ALL_THINKING;
    profile->developer = 1;
    profile->null_content = 1;
    profile->blank_text = 1;
    profile->lone_choice = 1;
    profile->tools_effort = 1;
    profile->effort_sampling = 1;

    for (rule = rules->first; rule; rule = rule->next) {

        if (argo_rules_match(&rule->patterns, &model->id)) {
            argo_rules_use(profile, rule);
        }
    }

    entry->next = rules->entries;
    rules->entries = entry;

    return profile;
}


static void
argo_rules_use(argo_profile_t *profile, const argo_rule_t *rule)
{
    ngx_str_t  *word;

    switch (rule->kind->rule) {

    case ARGO_RULE_TEMPERATURE:
        profile->temperature = rule->value;
        profile->temperature_max = rule->max;
        break;

    case ARGO_RULE_TOP_P:
        profile->top_p = rule->value;
        break;

    case ARGO_RULE_TOP_K:
        profile->top_k = rule->value;
        break;

    case ARGO_RULE_THINKING:
        profile->thinking = rule->value;
        break;

    case ARGO_RULE_EFFORTS:
        profile->efforts = rule->value;
        break;

    case ARGO_RULE_LIMIT:
        ngx_str_null(&profile->limit);

        if (rule->words) {
            word = rule->words->elts;
            profile->limit = *word;
        }

        break;

    case ARGO_RULE_MAX_OUTPUT:
        profile->max_output = rule->value;
        break;

    case ARGO_RULE_MIN_OUTPUT:
        profile->min_output = rule->value;
        break;

    case ARGO_RULE_DEFAULT_OUTPUT:
        profile->default_output = rule->value;
        break;

    case ARGO_RULE_MAX_IMAGES:
        profile->max_images = rule->value;
        break;

    case ARGO_RULE_MAX_DESCRIPTION:
        profile->max_description = rule->value;
        break;

    case ARGO_RULE_SCHEMA_ONLY:
        profile->schema_only = rule->words;
        break;

    case ARGO_RULE_SCHEMA_DROP:
        profile->schema_drop = rule->words;
        break;

    case ARGO_RULE_DROP:
        profile->drop = rule->words;
        break;

    default:
        argo_rules_use_flag(profile, rule);
        break;
    }
}


static void
argo_rules_use_flag(argo_profile_t *profile, const argo_rule_t *rule)
{
    unsigned  on;

    on = rule->value ? 1 : 0;

    switch (rule->kind->rule) {

    case ARGO_RULE_EXCLUSIVE:
        profile->exclusive = on;
        break;

    case ARGO_RULE_EFFORT_SAMPLING:
        profile->effort_sampling = on;
        break;

    case ARGO_RULE_TOOLS_EFFORT:
        profile->tools_effort = on;
        break;

    case ARGO_RULE_DEVELOPER:
        profile->developer = on;
        break;

    case ARGO_RULE_NULL_CONTENT:
        profile->null_content = on;
        break;

    case ARGO_RULE_BLANK_TEXT:
        profile->blank_text = on;
        break;

    case ARGO_RULE_PAIR_CALLS:
        profile->pair_calls = on;
        break;

    case ARGO_RULE_LONE_CHOICE:
        profile->lone_choice = on;
        break;

    case ARGO_RULE_SCHEMA_OBJECT:
        profile->schema_object = on;
        break;

    default: /* ARGO_RULE_SCHEMA_PROPERTIES */
        profile->schema_properties = on;
        break;
    }
}


void
argo_rules_write_schema(const argo_profile_t *profile,
    const argo_json_t *schema, argo_out_t *out)
{
    argo_schema_write(profile, schema, 1, out);
}


ngx_uint_t
argo_rules_schema_refused(const argo_profile_t *profile,
    const argo_json_t *schema)
{
    return argo_schema_refused(profile, schema, 1);
}
