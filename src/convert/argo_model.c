
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The model table and the resolution of names.  Names are compared by a key
 * in which case, separators, prefixes and decorations don't count; whatever
 * else a name holds stays in its key, so that it can't become equal to a
 * model's by losing it.
 */


#include <stdlib.h>
#include <time.h>

#include "argo_model.h"
#include "argo_model_list.h"
#include "argo_json_write.h"
#include "argo_utf8.h"


/* names that are farther from a listed one are not worth mentioning */
#define ARGO_MODEL_MAX_EDITS  3

/* shorter parts of a name say nothing */
#define ARGO_MODEL_MIN_PART   3

/* longer keys are near to no model's; bounds the work */
#define ARGO_MODEL_MAX_NEAR   48

#define ARGO_MODEL_NNEAR      3

/* of a name that is no model's, how much the client is told again */
#define ARGO_MODEL_MAX_SAID   64

/* a key holds a date, if any, behind the rest */
#define ARGO_MODEL_DATE_LEN   8

/*
 * Of one model: two listed names, for an embedding's fixed name and for that
 * which ARGO gives; its id, its display name; two names more that the
 * built-in data has for it.
 */
#define ARGO_MODEL_MAX_NAMES  8


typedef struct {
    u_char                data[ARGO_MODEL_MAX_NAME];
    size_t                len;
    size_t                stem;         /* without the date */
} argo_model_key_t;


typedef struct {
    const char           *id;
    const char           *display;
    argo_family_e         family;
    argo_model_kind_e     kind;
    ngx_uint_t            context;
    ngx_uint_t            max_output;
    ngx_uint_t            deprecated;
} argo_model_row_t;


typedef struct {
    const char           *id;
    const char           *name;
} argo_model_extra_t;


/* a table while it is being made */

typedef struct {
    ngx_pool_t           *pool;
    argo_model_table_t   *table;
    ngx_uint_t            nbase;        /* models that no alias brought */
    ngx_str_t            *ids;          /* keys of their ids */
    argo_model_name_t    *names;        /* listed and, behind them, others */
    ngx_uint_t            nnames;
    ngx_uint_t            checking;     /* names must not be others' ids */
} argo_model_build_t;


typedef struct {
    const argo_model_name_t  *name;
    ngx_uint_t                edits;
} argo_model_near_t;


static ngx_int_t argo_model_key(const ngx_str_t *name, argo_model_key_t *key);
static void argo_model_trim(u_char **p, u_char **end);
static ngx_uint_t argo_model_strip_prefix(u_char **p, u_char *end);
static void argo_model_strip_suffix(u_char *p, u_char **end);
static size_t argo_model_date(u_char *p, u_char *end, u_char *digits);
static const argo_model_t *argo_model_lookup(const argo_model_table_t *table,
    const u_char *key, size_t len);
static argo_model_table_t *argo_model_build(ngx_pool_t *pool,
    const argo_model_list_t *list, const argo_model_alias_t *aliases,
    ngx_uint_t naliases);
static ngx_int_t argo_model_add_models(argo_model_build_t *b,
    const argo_model_list_t *list, ngx_uint_t naliases);
static ngx_int_t argo_model_add_entry(argo_model_build_t *b,
    const argo_model_entry_t *entry);
static void argo_model_set_row(argo_model_t *model,
    const argo_model_row_t *row);
static void argo_model_guess(argo_model_t *model, const ngx_str_t *owned_by);
static const argo_model_row_t *argo_model_row(const ngx_str_t *id);
static ngx_int_t argo_model_copy(ngx_pool_t *pool, ngx_str_t *dst,
    const ngx_str_t *src);
static ngx_int_t argo_model_add_ids(argo_model_build_t *b);
static ngx_int_t argo_model_add_aliases(argo_model_build_t *b,
    const argo_model_alias_t *aliases, ngx_uint_t naliases);
static ngx_int_t argo_model_add_all_listed(argo_model_build_t *b);
static ngx_int_t argo_model_add_listed(argo_model_build_t *b,
    const argo_model_t *model, const ngx_str_t *display);
static ngx_int_t argo_model_add_others(argo_model_build_t *b);
static ngx_int_t argo_model_add_extras(argo_model_build_t *b);
static argo_model_t *argo_model_target(argo_model_build_t *b,
    const ngx_str_t *id);
static ngx_int_t argo_model_add_name(argo_model_build_t *b,
    const argo_model_t *model, const ngx_str_t *name, ngx_uint_t copy);
static ngx_uint_t argo_model_is_id(argo_model_build_t *b,
    const argo_model_t *model, const argo_model_key_t *key);
static ngx_int_t argo_model_sort(argo_model_build_t *b);
static int ngx_libc_cdecl argo_model_cmp(const void *one, const void *two);
static argo_family_e argo_model_family(const ngx_str_t *id);
static ngx_uint_t argo_model_holds(const u_char *key, size_t len,
    const u_char *part, size_t n);
static ngx_uint_t argo_model_edits(const u_char *a, size_t alen,
    const u_char *b, size_t blen);
static ngx_uint_t argo_model_nearest(const argo_model_table_t *table,
    const ngx_str_t *name, argo_model_near_t *near);
static ngx_int_t argo_model_page_name(const argo_model_page_t *page,
    const argo_model_name_t *listed, u_char *buf, ngx_str_t *name);
static ngx_int_t argo_model_page_find(const argo_model_table_t *table,
    const argo_model_page_t *page, const ngx_str_t *id, ngx_uint_t *n);
static void argo_model_write_rows(const argo_model_table_t *table,
    const argo_model_page_t *page, ngx_uint_t first, ngx_uint_t last,
    time_t created, argo_out_t *out);
static void argo_model_write(const argo_model_t *model, const ngx_str_t *name,
    time_t created, argo_out_t *out);
static void argo_model_write_time(time_t t, argo_out_t *out);


static const argo_model_row_t  argo_model_rows[] = {

#define ARGO_MODEL(id, display, family, kind, context, output, deprecated)    \
    { id, display, ARGO_FAMILY_##family, ARGO_MODEL_##kind, context, output,  \
      deprecated },
#define ARGO_NAME(id, name)

#include "argo_models.inc"

#undef ARGO_MODEL
#undef ARGO_NAME
};


static const argo_model_extra_t  argo_model_extras[] = {

#define ARGO_MODEL(id, display, family, kind, context, output, deprecated)
#define ARGO_NAME(id, name)                                                   \
    { id, name },

#include "argo_models.inc"

#undef ARGO_MODEL
#undef ARGO_NAME
};


#define ARGO_MODEL_NROWS                                                      \
    (sizeof(argo_model_rows) / sizeof(argo_model_rows[0]))
#define ARGO_MODEL_NEXTRAS                                                    \
    (sizeof(argo_model_extras) / sizeof(argo_model_extras[0]))


static const ngx_str_t  argo_model_owners[] = {
    ngx_string("argo"),
    ngx_string("openai"),
    ngx_string("anthropic"),
    ngx_string("google")
};


static const ngx_str_t  argo_model_prefixes[] = {
    ngx_string("argo:"),
    ngx_string("argo/"),
    ngx_string("models/"),
    ngx_string("openai/"),
    ngx_string("openai:"),
    ngx_string("anthropic/"),
    ngx_string("anthropic:"),
    ngx_string("google/"),
    ngx_string("google:"),
    ngx_null_string
};


argo_model_table_t *
argo_model_table_create(ngx_pool_t *pool, const argo_model_alias_t *aliases,
    ngx_uint_t naliases)
{
    return argo_model_build(pool, NULL, aliases, naliases);
}


argo_model_table_t *
argo_model_table_create_live(ngx_pool_t *pool, const argo_model_list_t *list,
    const argo_model_alias_t *aliases, ngx_uint_t naliases)
{
    return argo_model_build(pool, list, aliases, naliases);
}


static argo_model_table_t *
argo_model_build(ngx_pool_t *pool, const argo_model_list_t *list,
    const argo_model_alias_t *aliases, ngx_uint_t naliases)
{
    ngx_uint_t           n;
    argo_model_build_t   b;

    ngx_memzero(&b, sizeof(argo_model_build_t));

    b.pool = pool;

    b.table = ngx_pcalloc(pool, sizeof(argo_model_table_t));
    if (b.table == NULL) {
        return NULL;
    }

    if (argo_model_add_models(&b, list, naliases) != NGX_OK
        || argo_model_add_ids(&b) != NGX_OK)
    {
        return NULL;
    }

    n = (b.nbase + naliases) * ARGO_MODEL_MAX_NAMES + ARGO_MODEL_NEXTRAS
        + naliases;

    b.names = ngx_pcalloc(pool, n * sizeof(argo_model_name_t));
    if (b.names == NULL) {
        return NULL;
    }

    /* the first name with a key keeps it: so aliases come first */

    if (argo_model_add_aliases(&b, aliases, naliases) != NGX_OK) {
        return NULL;
    }

    b.checking = 1;

    if (argo_model_add_all_listed(&b) != NGX_OK) {
        return NULL;
    }

    b.table->names = b.names;
    b.table->nnames = b.nnames;

    if (argo_model_add_others(&b) != NGX_OK
        || argo_model_add_extras(&b) != NGX_OK
        || argo_model_sort(&b) != NGX_OK)
    {
        return NULL;
    }

    return b.table;
}


/* The models: ARGO's or, without a list of ARGO's, those built in. */

static ngx_int_t
argo_model_add_models(argo_model_build_t *b, const argo_model_list_t *list,
    ngx_uint_t naliases)
{
    ngx_uint_t           i, k, n;
    argo_model_table_t  *table;

    table = b->table;

    /* an alias may bring a model along */

    n = ARGO_MODEL_NROWS + naliases + (list ? list->nrows : 0);

    table->models = ngx_pcalloc(b->pool, n * sizeof(argo_model_t));
    if (table->models == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; list && i < list->nrows; i++) {
        if (argo_model_add_entry(b, &list->rows[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    n = table->nmodels;

    for (i = 0; i < ARGO_MODEL_NROWS; i++) {

        if (list) {

            if (argo_model_rows[i].kind != ARGO_MODEL_EMBEDDING) {
                continue;
            }

            for (k = 0; k < n; k++) {
                if (argo_model_row(&table->models[k].id)
                    == &argo_model_rows[i])
                {
                    break;
                }
            }

            if (k < n) {
                continue;
            }
        }

        argo_model_set_row(&table->models[table->nmodels++],
                           &argo_model_rows[i]);
    }

    b->nbase = table->nmodels;

    return NGX_OK;
}


static ngx_int_t
argo_model_add_entry(argo_model_build_t *b, const argo_model_entry_t *entry)
{
    argo_model_t            *model;
    const argo_model_row_t  *row;

    model = &b->table->models[b->table->nmodels++];

    row = argo_model_row(&entry->id);

    if (row) {
        argo_model_set_row(model, row);
    }

    if (argo_model_copy(b->pool, &model->id, &entry->id) != NGX_OK
        || argo_model_copy(b->pool, &model->display, &entry->display)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    model->created = entry->created;

    if (row == NULL) {
        argo_model_guess(model, &entry->owned_by);
    }

    if (entry->owned_by.len == 0) {
        model->owned_by = argo_model_owners[model->family];
        return NGX_OK;
    }

    return argo_model_copy(b->pool, &model->owned_by, &entry->owned_by);
}


static void
argo_model_set_row(argo_model_t *model, const argo_model_row_t *row)
{
    model->id.data = (u_char *) row->id;
    model->id.len = ngx_strlen(row->id);
    model->display.data = (u_char *) row->display;
    model->display.len = ngx_strlen(row->display);
    model->owned_by = argo_model_owners[row->family];
    model->family = row->family;
    model->kind = row->kind;
    model->context = row->context;
    model->max_output = row->max_output;
    model->deprecated = row->deprecated;
}


/* What can be told of a model that is new, by its id and its owner. */

static void
argo_model_guess(argo_model_t *model, const ngx_str_t *owned_by)
{
    size_t      i;
    ngx_uint_t  family;

    model->family = argo_model_family(&model->id);

    for (family = ARGO_FAMILY_OPENAI;
         model->family == ARGO_FAMILY_OTHER && family <= ARGO_FAMILY_GOOGLE;
         family++)
    {
        if (owned_by->len == argo_model_owners[family].len
            && ngx_memcmp(owned_by->data, argo_model_owners[family].data,
                          owned_by->len) == 0)
        {
            model->family = family;
        }
    }

    if ((model->id.len >= 3 && ngx_memcmp(model->id.data, "ada", 3) == 0)
        || (model->id.len >= 2 && ngx_memcmp(model->id.data, "v3", 2) == 0))
    {
        model->kind = ARGO_MODEL_EMBEDDING;
    }

    for (i = 0; i + 5 <= model->id.len; i++) {
        if (ngx_memcmp(model->id.data + i, "embed", 5) == 0) {
            model->kind = ARGO_MODEL_EMBEDDING;
        }
    }
}


static const argo_model_row_t *
argo_model_row(const ngx_str_t *id)
{
    ngx_uint_t  i;

    for (i = 0; i < ARGO_MODEL_NROWS; i++) {
        if (ngx_strlen(argo_model_rows[i].id) == id->len
            && ngx_memcmp(argo_model_rows[i].id, id->data, id->len) == 0)
        {
            return &argo_model_rows[i];
        }
    }

    return NULL;
}


ngx_uint_t
argo_model_is_builtin(const ngx_str_t *id)
{
    return argo_model_row(id) != NULL;
}


static ngx_int_t
argo_model_copy(ngx_pool_t *pool, ngx_str_t *dst, const ngx_str_t *src)
{
    dst->data = ngx_pnalloc(pool, src->len + 1);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(dst->data, src->data, src->len);
    dst->len = src->len;

    return NGX_OK;
}


/*
 * An id is its model's, whatever other model has a name that looks the same;
 * so names are compared with the keys of all ids before they are added.
 */

static ngx_int_t
argo_model_add_ids(argo_model_build_t *b)
{
    ngx_str_t          s;
    ngx_uint_t         i;
    argo_model_key_t   key;

    b->ids = ngx_pcalloc(b->pool, b->nbase * sizeof(ngx_str_t));
    if (b->ids == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < b->nbase; i++) {

        if (argo_model_key(&b->table->models[i].id, &key) != NGX_OK) {
            continue;
        }

        s.data = key.data;
        s.len = key.len;

        if (argo_model_copy(b->pool, &b->ids[i], &s) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_model_add_aliases(argo_model_build_t *b,
    const argo_model_alias_t *aliases, ngx_uint_t naliases)
{
    ngx_uint_t     i;
    argo_model_t  *model;

    for (i = 0; i < naliases; i++) {
        model = argo_model_target(b, &aliases[i].id);
        if (model == NULL) {
            return NGX_ERROR;
        }

        if (argo_model_add_name(b, model, &aliases[i].alias, 1) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < b->nnames; i++) {
        b->names[i].alias = 1;
    }

    return NGX_OK;
}


/*
 * The model an alias points at: by its id; by a name that a model's id or
 * display name has, since ARGO would refuse such a name itself; or a new
 * one.
 */

static argo_model_t *
argo_model_target(argo_model_build_t *b, const ngx_str_t *id)
{
    ngx_uint_t               i;
    argo_model_t            *model;
    argo_model_key_t         key, own;
    const argo_model_row_t  *row;

    for (i = 0; i < b->table->nmodels; i++) {
        model = &b->table->models[i];

        if (model->id.len == id->len
            && ngx_memcmp(model->id.data, id->data, id->len) == 0)
        {
            return model;
        }
    }

    if (argo_model_key(id, &key) == NGX_OK) {

        for (i = 0; i < b->nbase; i++) {
            model = &b->table->models[i];

            if (argo_model_key(&model->display, &own) == NGX_OK
                && own.len == key.len
                && ngx_memcmp(own.data, key.data, key.len) == 0)
            {
                return model;
            }

            if (b->ids[i].len == key.len
                && ngx_memcmp(b->ids[i].data, key.data, key.len) == 0)
            {
                return model;
            }
        }
    }

    model = &b->table->models[b->table->nmodels++];

    row = argo_model_row(id);

    if (row) {
        /* ARGO does not list it; the administrator knows better */
        argo_model_set_row(model, row);
        return model;
    }

    if (argo_model_copy(b->pool, &model->id, id) != NGX_OK) {
        return NULL;
    }

    model->display = model->id;
    model->family = argo_model_family(id);
    model->owned_by = argo_model_owners[model->family];

    return model;
}


/* An embedding's names stay, whatever name for people ARGO gives it. */

static ngx_int_t
argo_model_add_all_listed(argo_model_build_t *b)
{
    ngx_str_t                display;
    ngx_uint_t               i;
    argo_model_t            *model;
    const argo_model_row_t  *row;

    for (i = 0; i < b->nbase; i++) {
        model = &b->table->models[i];
        row = argo_model_row(&model->id);

        if (row && row->kind == ARGO_MODEL_EMBEDDING) {
            display.data = (u_char *) row->display;
            display.len = ngx_strlen(row->display);

            if (argo_model_add_listed(b, model, &display) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        if (argo_model_add_listed(b, model, &model->display) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * The names that clients know: the display name with dashes; for the o
 * series the same behind "gpt-"; for Claude the generation before the
 * codename as well, which is how its makers once wrote it.
 */

static ngx_int_t
argo_model_add_listed(argo_model_build_t *b, const argo_model_t *model,
    const ngx_str_t *display)
{
    u_char     *p, *last, *codename, *generation, *rest;
    u_char      buf[ARGO_MODEL_MAX_NAME], other[ARGO_MODEL_MAX_NAME];
    size_t      i;
    ngx_str_t   name;

    last = ngx_cpymem(buf, "argo:", 5);

    for (i = 0; i < display->len; i++) {
        *last++ = (display->data[i] == ' ')
                  ? '-' : ngx_tolower(display->data[i]);
    }

    name.data = buf;
    name.len = last - buf;

    if (argo_model_add_name(b, model, &name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    name.data = other;

    if (model->id.len > 4 && ngx_memcmp(model->id.data, "gpto", 4) == 0) {
        p = ngx_cpymem(other, "argo:gpt-", 9);
        p = ngx_cpymem(p, buf + 5, last - buf - 5);
        name.len = p - other;

        return argo_model_add_name(b, model, &name, 1);
    }

    if (model->id.len <= 6 || ngx_memcmp(model->id.data, "claude", 6) != 0) {
        return NGX_OK;
    }

    codename = memchr(buf, '-', last - buf);
    if (codename == NULL) {
        return NGX_OK;
    }

    codename++;

    generation = memchr(codename, '-', last - codename);
    if (generation == NULL) {
        return NGX_OK;
    }

    generation++;

    rest = memchr(generation, '-', last - generation);
    if (rest == NULL) {
        rest = last;
    }

    p = ngx_cpymem(other, buf, codename - buf);
    p = ngx_cpymem(p, generation, rest - generation);
    *p++ = '-';
    p = ngx_cpymem(p, codename, generation - codename - 1);
    p = ngx_cpymem(p, rest, last - rest);
    name.len = p - other;

    return argo_model_add_name(b, model, &name, 1);
}


static ngx_int_t
argo_model_add_others(argo_model_build_t *b)
{
    ngx_str_t                display;
    ngx_uint_t               i;
    argo_model_t            *model;
    const argo_model_row_t  *row;

    for (i = 0; i < b->table->nmodels; i++) {
        model = &b->table->models[i];

        if (argo_model_add_name(b, model, &model->id, 0) != NGX_OK
            || argo_model_add_name(b, model, &model->display, 0) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    /* names that clients may know though ARGO has changed them */

    for (i = 0; i < b->nbase; i++) {
        model = &b->table->models[i];
        row = argo_model_row(&model->id);

        if (row == NULL) {
            continue;
        }

        display.data = (u_char *) row->display;
        display.len = ngx_strlen(row->display);

        if (argo_model_add_listed(b, model, &display) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_model_add_extras(argo_model_build_t *b)
{
    ngx_str_t                  name;
    ngx_uint_t                 i, k;
    argo_model_t              *model;
    const argo_model_extra_t  *extra;

    for (i = 0; i < ARGO_MODEL_NEXTRAS; i++) {
        extra = &argo_model_extras[i];

        name.data = (u_char *) extra->name;
        name.len = ngx_strlen(extra->name);

        for (k = 0; k < b->nbase; k++) {
            model = &b->table->models[k];

            if (ngx_strlen(extra->id) == model->id.len
                && ngx_memcmp(model->id.data, extra->id, model->id.len) == 0)
            {
                if (argo_model_add_name(b, model, &name, 0) != NGX_OK) {
                    return NGX_ERROR;
                }

                break;
            }
        }
    }

    return NGX_OK;
}


/*
 * Adds a name unless its key is taken, or is another model's id.  With copy
 * the name is copied.
 */

static ngx_int_t
argo_model_add_name(argo_model_build_t *b, const argo_model_t *model,
    const ngx_str_t *name, ngx_uint_t copy)
{
    u_char             *p;
    ngx_uint_t          i, other;
    argo_model_key_t    key;
    argo_model_name_t  *added;

    if (argo_model_key(name, &key) != NGX_OK) {
        return NGX_OK;
    }

    other = 0;

    for (i = 0; i < b->nnames; i++) {
        if (b->names[i].key.len == key.len
            && ngx_memcmp(b->names[i].key.data, key.data, key.len) == 0)
        {
            return NGX_OK;
        }

        other |= (b->names[i].model == model && !b->names[i].alias);
    }

    if (b->checking && argo_model_is_id(b, model, &key)) {
        return NGX_OK;
    }

    added = &b->names[b->nnames];

    p = ngx_pnalloc(b->pool, key.len + (copy ? name->len : 0));
    if (p == NULL) {
        return NGX_ERROR;
    }

    added->key.data = p;
    added->key.len = key.len;
    p = ngx_cpymem(p, key.data, key.len);

    added->name = *name;

    if (copy) {
        ngx_memcpy(p, name->data, name->len);
        added->name.data = p;
    }

    added->model = model;
    added->other = other;
    b->nnames++;

    return NGX_OK;
}


/* True if the key is that of another model's id, and not of this one's. */

static ngx_uint_t
argo_model_is_id(argo_model_build_t *b, const argo_model_t *model,
    const argo_model_key_t *key)
{
    ngx_uint_t  i, found;

    found = 0;

    for (i = 0; i < b->nbase; i++) {

        if (b->ids[i].len != key->len
            || ngx_memcmp(b->ids[i].data, key->data, key->len) != 0)
        {
            continue;
        }

        if (&b->table->models[i] == model) {
            return 0;
        }

        found = 1;
    }

    return found;
}


static ngx_int_t
argo_model_sort(argo_model_build_t *b)
{
    ngx_uint_t           i;
    argo_model_table_t  *table;

    table = b->table;

    table->keys = ngx_palloc(b->pool,
                             b->nnames * sizeof(argo_model_name_t *));
    if (table->keys == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < b->nnames; i++) {
        table->keys[i] = &b->names[i];
    }

    table->nkeys = b->nnames;

    qsort(table->keys, table->nkeys, sizeof(argo_model_name_t *),
          argo_model_cmp);

    return NGX_OK;
}


static int ngx_libc_cdecl
argo_model_cmp(const void *one, const void *two)
{
    int                       rc;
    const argo_model_name_t  *a, *b;

    a = *(argo_model_name_t *const *) one;
    b = *(argo_model_name_t *const *) two;

    rc = ngx_memcmp(a->key.data, b->key.data,
                    ngx_min(a->key.len, b->key.len));
    if (rc != 0) {
        return rc;
    }

    return (a->key.len > b->key.len) - (a->key.len < b->key.len);
}


static argo_family_e
argo_model_family(const ngx_str_t *id)
{
    ngx_uint_t  i;

    static const struct {
        ngx_str_t      prefix;
        argo_family_e  family;
    } families[] = {
        { ngx_string("gpt"), ARGO_FAMILY_OPENAI },
        { ngx_string("ada"), ARGO_FAMILY_OPENAI },
        { ngx_string("v3"), ARGO_FAMILY_OPENAI },
        { ngx_string("claude"), ARGO_FAMILY_ANTHROPIC },
        { ngx_string("gemini"), ARGO_FAMILY_GOOGLE },
        { ngx_null_string, ARGO_FAMILY_OTHER }
    };

    for (i = 0; families[i].prefix.len; i++) {
        if (id->len >= families[i].prefix.len
            && ngx_memcmp(id->data, families[i].prefix.data,
                          families[i].prefix.len) == 0)
        {
            return families[i].family;
        }
    }

    return ARGO_FAMILY_OTHER;
}


/* NGX_DECLINED if a name is too long or nothing is left of it. */

static ngx_int_t
argo_model_key(const ngx_str_t *name, argo_model_key_t *key)
{
    u_char  *p, *end;
    u_char   digits[ARGO_MODEL_DATE_LEN];
    size_t   date;

    if (name->len == 0) {
        return NGX_DECLINED;
    }

    p = name->data;
    end = p + name->len;

    argo_model_trim(&p, &end);

    if (end - p > ARGO_MODEL_MAX_NAME) {
        return NGX_DECLINED;
    }

    while (argo_model_strip_prefix(&p, end)) {
        argo_model_trim(&p, &end);
    }

    argo_model_strip_suffix(p, &end);

    date = argo_model_date(p, end, digits);
    end -= date;

    key->len = 0;

    for ( /* void */ ; p < end; p++) {
        switch (*p) {

        case '-':
        case '_':
        case '.':
        case ' ':
            break;

        default:
            key->data[key->len++] = ngx_tolower(*p);
        }
    }

    if (key->len == 0) {
        return NGX_DECLINED;
    }

    key->stem = key->len;

    if (date) {
        /* fits: the date took at least as much of the name */
        ngx_memcpy(key->data + key->len, digits, ARGO_MODEL_DATE_LEN);
        key->len += ARGO_MODEL_DATE_LEN;
    }

    return NGX_OK;
}


static void
argo_model_trim(u_char **p, u_char **end)
{
    while (*p < *end
           && (**p == ' ' || **p == '\t' || **p == CR || **p == LF))
    {
        (*p)++;
    }

    while (*p < *end
           && ((*end)[-1] == ' ' || (*end)[-1] == '\t'
               || (*end)[-1] == CR || (*end)[-1] == LF))
    {
        (*end)--;
    }
}


static ngx_uint_t
argo_model_strip_prefix(u_char **p, u_char *end)
{
    size_t            i;
    const ngx_str_t  *prefix;

    for (prefix = argo_model_prefixes; prefix->len; prefix++) {

        if ((size_t) (end - *p) < prefix->len) {
            continue;
        }

        for (i = 0; i < prefix->len; i++) {
            if (ngx_tolower((*p)[i]) != prefix->data[i]) {
                break;
            }
        }

        if (i == prefix->len) {
            *p += prefix->len;
            return 1;
        }
    }

    return 0;
}


/* "[1m]": how clients ask for a longer context; ARGO has no such variants */

static void
argo_model_strip_suffix(u_char *p, u_char **end)
{
    u_char  *open;

    while (*end > p && (*end)[-1] == ']') {

        for (open = *end - 1; open > p && *open != '['; open--) {
            /* void */
        }

        if (*open != '[') {
            return;
        }

        *end = open;
        argo_model_trim(&p, end);
    }
}


/*
 * The length of a date at the end of a name, with its separator: "-20250514",
 * "@20250514", "-2025-05-14"; 0 if there is none, or nothing else.
 */

static size_t
argo_model_date(u_char *p, u_char *end, u_char *digits)
{
    size_t       len;
    u_char      *date;
    ngx_uint_t   i, month, day;

    if (end - p > 11 && end[-3] == '-' && end[-6] == '-' && end[-11] == '-') {
        date = end - 10;
        len = 11;

        ngx_memcpy(digits, date, 4);
        ngx_memcpy(digits + 4, date + 5, 2);
        ngx_memcpy(digits + 6, date + 8, 2);

    } else if (end - p > 9 && (end[-9] == '-' || end[-9] == '@')) {
        date = end - 8;
        len = 9;

        ngx_memcpy(digits, date, ARGO_MODEL_DATE_LEN);

    } else {
        return 0;
    }

    for (i = 0; i < ARGO_MODEL_DATE_LEN; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return 0;
        }
    }

    month = (digits[4] - '0') * 10 + digits[5] - '0';
    day = (digits[6] - '0') * 10 + digits[7] - '0';

    if (digits[0] != '2' || digits[1] != '0'
        || month < 1 || month > 12 || day < 1 || day > 31)
    {
        return 0;
    }

    return len;
}


const argo_model_t *
argo_model_find(const argo_model_table_t *table, const ngx_str_t *name)
{
    argo_model_key_t     key;
    const argo_model_t  *model;

    if (argo_model_key(name, &key) != NGX_OK) {
        return NULL;
    }

    model = argo_model_lookup(table, key.data, key.len);

    if (model == NULL && key.stem < key.len) {
        model = argo_model_lookup(table, key.data, key.stem);
    }

    return model;
}


static const argo_model_t *
argo_model_lookup(const argo_model_table_t *table, const u_char *key,
    size_t len)
{
    int                       rc;
    ngx_uint_t                low, high, mid;
    const argo_model_name_t  *name;

    low = 0;
    high = table->nkeys;

    while (low < high) {
        mid = low + (high - low) / 2;
        name = table->keys[mid];

        rc = ngx_memcmp(key, name->key.data, ngx_min(len, name->key.len));
        if (rc == 0) {
            rc = (len > name->key.len) - (len < name->key.len);
        }

        if (rc == 0) {
            return name->model;
        }

        if (rc < 0) {
            high = mid;

        } else {
            low = mid + 1;
        }
    }

    return NULL;
}


ngx_int_t
argo_model_resolve(ngx_pool_t *pool, const argo_model_table_t *table,
    const ngx_str_t *name, const argo_model_t **model, argo_error_t *err)
{
    ngx_str_t           said;
    ngx_uint_t          n;
    const char         *more;
    argo_model_near_t   near[ARGO_MODEL_NNEAR];

    static const char   unknown[] = "\" does not exist here";
    static const char   all[] = "? GET /v1/models lists all";

    *model = argo_model_find(table, name);

    if (*model != NULL) {
        return NGX_OK;
    }

    said = *name;
    more = "";

    if (said.len > ARGO_MODEL_MAX_SAID) {
        said.len = argo_utf8_whole(said.data, ARGO_MODEL_MAX_SAID);
        more = "...";
    }

    n = argo_model_nearest(table, name, near);

    switch (n) {

    case 0:
        return argo_error_setf(pool, err, 404, "model_not_found", "model",
                               "zVzzz", "The model \"", &said, more, unknown,
                               "; GET /v1/models lists those that do");

    case 1:
        return argo_error_setf(pool, err, 404, "model_not_found", "model",
                               "zVzzzVz", "The model \"", &said, more,
                               unknown, "; did you mean ",
                               &near[0].name->name, all);

    case 2:
        return argo_error_setf(pool, err, 404, "model_not_found", "model",
                               "zVzzzVzVz", "The model \"", &said, more,
                               unknown, "; did you mean ",
                               &near[0].name->name, " or ",
                               &near[1].name->name, all);

    default:
        return argo_error_setf(pool, err, 404, "model_not_found", "model",
                               "zVzzzVzVzVz", "The model \"", &said, more,
                               unknown, "; did you mean ",
                               &near[0].name->name, ", ",
                               &near[1].name->name, " or ",
                               &near[2].name->name, all);
    }
}


/*
 * Finds up to three listed names that a name may have been meant for, one a
 * model, nearest first.
 */

static ngx_uint_t
argo_model_nearest(const argo_model_table_t *table, const ngx_str_t *name,
    argo_model_near_t *near)
{
    ngx_uint_t                i, k, n, edits;
    argo_model_key_t          key;
    const argo_model_name_t  *listed;

    if (argo_model_key(name, &key) != NGX_OK
        || key.stem > ARGO_MODEL_MAX_NEAR)
    {
        return 0;
    }

    n = 0;

    for (i = 0; i < table->nnames; i++) {
        listed = &table->names[i];

        edits = argo_model_edits(key.data, key.stem, listed->key.data,
                                 listed->key.len);

        /* a part of a name, or one with more behind it: "sonnet" */

        if (argo_model_holds(listed->key.data, listed->key.len, key.data,
                             key.stem)
            || argo_model_holds(key.data, key.stem, listed->key.data,
                                listed->key.len))
        {
            edits = ngx_min(edits, ARGO_MODEL_MAX_EDITS);
        }

        if (edits > ARGO_MODEL_MAX_EDITS || edits >= key.stem) {
            continue;
        }

        /* a deprecated model comes after others that are as near */

        edits = 2 * edits + (listed->model->deprecated ? 1 : 0);

        for (k = 0; k < n && near[k].name->model != listed->model; k++) {
            /* void */
        }

        if (k < n) {
            /* the same model again; its names are as good as each other */

            if (edits >= near[k].edits) {
                continue;
            }

            n--;
            ngx_memmove(&near[k], &near[k + 1],
                        (n - k) * sizeof(argo_model_near_t));
        }

        for (k = n; k > 0 && near[k - 1].edits > edits; k--) {
            if (k < ARGO_MODEL_NNEAR) {
                near[k] = near[k - 1];
            }
        }

        if (k < ARGO_MODEL_NNEAR) {
            near[k].name = listed;
            near[k].edits = edits;
            n = ngx_min(n + 1, ARGO_MODEL_NNEAR);
        }
    }

    return n;
}


static ngx_uint_t
argo_model_holds(const u_char *key, size_t len, const u_char *part,
    size_t n)
{
    size_t  i;

    if (n < ARGO_MODEL_MIN_PART) {
        return 0;
    }

    for (i = 0; i + n <= len; i++) {
        if (ngx_memcmp(key + i, part, n) == 0) {
            return 1;
        }
    }

    return 0;
}


/* Levenshtein's distance; anything beyond what is of interest is "far". */

static ngx_uint_t
argo_model_edits(const u_char *a, size_t alen, const u_char *b, size_t blen)
{
    size_t      i, j;
    ngx_uint_t  diagonal, above, best, least;
    ngx_uint_t  row[ARGO_MODEL_MAX_NEAR + 1];

    if (alen > ARGO_MODEL_MAX_NEAR || alen > blen + ARGO_MODEL_MAX_EDITS
        || blen > alen + ARGO_MODEL_MAX_EDITS)
    {
        return ARGO_MODEL_MAX_EDITS + 1;
    }

    for (i = 0; i <= alen; i++) {
        row[i] = i;
    }

    for (j = 1; j <= blen; j++) {
        diagonal = row[0];
        row[0] = j;
        least = j;

        for (i = 1; i <= alen; i++) {
            above = row[i];

            best = diagonal + (a[i - 1] != b[j - 1]);
            best = ngx_min(best, above + 1);
            best = ngx_min(best, row[i - 1] + 1);

            row[i] = best;
            diagonal = above;
            least = ngx_min(least, best);
        }

        if (least > ARGO_MODEL_MAX_EDITS) {
            return least;
        }
    }

    return row[alen];
}


void
argo_model_write_list(const argo_model_table_t *table, time_t created,
    argo_out_t *out)
{
    argo_error_t        err;
    argo_model_page_t   page;

    ngx_memzero(&page, sizeof(argo_model_page_t));

    (void) argo_model_write_page(table, &page, created, out, &err);
}


ngx_int_t
argo_model_write_page(const argo_model_table_t *table,
    const argo_model_page_t *page, time_t created, argo_out_t *out,
    argo_error_t *err)
{
    u_char      buf[ARGO_MODEL_MAX_NAME];
    ngx_str_t   name;
    ngx_uint_t  i, n, first, last, more;

    first = 0;
    last = table->nnames;

    if (page->after.data
        && argo_model_page_find(table, page, &page->after, &first) != NGX_OK)
    {
        return argo_error_set(err, 400, "invalid_value", "after_id",
                              "The value of \"after_id\" is no id of the "
                              "list");
    }

    if (page->before.data
        && argo_model_page_find(table, page, &page->before, &last) != NGX_OK)
    {
        return argo_error_set(err, 400, "invalid_value", "before_id",
                              "The value of \"before_id\" is no id of the "
                              "list");
    }

    if (page->after.data) {
        first++;
    }

    n = 0;

    for (i = first; i < last; i++) {
        if (argo_model_page_name(page, &table->names[i], buf, &name)
            == NGX_OK)
        {
            n++;
        }
    }

    more = (page->limit && n > page->limit);

    /* a page before a row ends with that row's neighbour */

    while (page->limit && n > page->limit) {

        i = (page->before.data && !page->after.data) ? first++ : --last;

        if (argo_model_page_name(page, &table->names[i], buf, &name)
            == NGX_OK)
        {
            n--;
        }
    }

    argo_out_lit(out, "{\"object\":\"list\",\"data\":[");
    argo_model_write_rows(table, page, first, last, created, out);

    if (more) {
        argo_out_lit(out, ",\"has_more\":true}");

    } else {
        argo_out_lit(out, ",\"has_more\":false}");
    }

    return NGX_OK;
}


/* The rows, the end of their array, and the ids of the first and last. */

static void
argo_model_write_rows(const argo_model_table_t *table,
    const argo_model_page_t *page, ngx_uint_t first, ngx_uint_t last,
    time_t created, argo_out_t *out)
{
    u_char               buf[2][ARGO_MODEL_MAX_NAME];
    ngx_str_t            one, end;
    ngx_uint_t           i;
    const argo_model_t  *model;

    ngx_str_null(&one);
    ngx_str_null(&end);

    for (i = first; i < last; i++) {

        if (argo_model_page_name(page, &table->names[i],
                                 buf[one.data ? 1 : 0], &end)
            != NGX_OK)
        {
            continue;
        }

        if (one.data == NULL) {
            one = end;

        } else {
            argo_out_lit(out, ",");
        }

        model = table->names[i].model;

        argo_model_write(model, &end,
                         model->created ? model->created : created, out);
    }

    argo_out_lit(out, "],\"first_id\":");
    argo_json_write_string_or_null(out, &one);
    argo_out_lit(out, ",\"last_id\":");
    argo_json_write_string_or_null(out, &end);
}


/* The id under which a name is listed; NGX_DECLINED if it is not. */

static ngx_int_t
argo_model_page_name(const argo_model_page_t *page,
    const argo_model_name_t *listed, u_char *buf, ngx_str_t *name)
{
    if (!page->anthropic) {
        *name = listed->name;
        return NGX_OK;
    }

    return argo_model_plain_name(listed, buf, name);
}


ngx_int_t
argo_model_plain_name(const argo_model_name_t *listed, u_char *buf,
    ngx_str_t *name)
{
    size_t  i;

    if (listed->alias) {
        *name = listed->name;
        return NGX_OK;
    }

    if (listed->other) {
        return NGX_DECLINED;
    }

    name->data = buf;
    name->len = 0;

    /* each such name was made with a prefix */

    for (i = sizeof("argo:") - 1; i < listed->name.len; i++) {

        buf[name->len++] = (listed->name.data[i] == '.'
                            && listed->model->family == ARGO_FAMILY_ANTHROPIC)
                           ? '-' : listed->name.data[i];
    }

    return NGX_OK;
}


static ngx_int_t
argo_model_page_find(const argo_model_table_t *table,
    const argo_model_page_t *page, const ngx_str_t *id, ngx_uint_t *n)
{
    u_char      buf[ARGO_MODEL_MAX_NAME];
    ngx_str_t   name;
    ngx_uint_t  i;

    for (i = 0; i < table->nnames; i++) {

        if (argo_model_page_name(page, &table->names[i], buf, &name) == NGX_OK
            && name.len == id->len
            && ngx_memcmp(name.data, id->data, id->len) == 0)
        {
            *n = i;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


void
argo_model_write_one(const argo_model_t *model, const ngx_str_t *name,
    time_t created, argo_out_t *out)
{
    argo_model_write(model, name, model->created ? model->created : created,
                     out);
}


static void
argo_model_write(const argo_model_t *model, const ngx_str_t *name,
    time_t created, argo_out_t *out)
{
    argo_out_lit(out, "{\"id\":");
    argo_json_write_string(out, name);
    argo_out_lit(out, ",\"object\":\"model\",\"created\":");
    argo_out_int(out, created);
    argo_out_lit(out, ",\"owned_by\":");
    argo_json_write_string(out, &model->owned_by);
    argo_out_lit(out, ",\"type\":\"model\",\"display_name\":");
    argo_json_write_string(out, &model->display);
    argo_out_lit(out, ",\"created_at\":\"");
    argo_model_write_time(created, out);
    argo_out_lit(out, "\",\"argo_internal_id\":");
    argo_json_write_string(out, &model->id);

    if (model->context) {
        argo_out_lit(out, ",\"context_window\":");
        argo_out_int(out, model->context);
    }

    if (model->max_output) {
        argo_out_lit(out, ",\"max_output_tokens\":");
        argo_out_int(out, model->max_output);
    }

    if (model->deprecated) {
        argo_out_lit(out, ",\"deprecated\":true");
    }

    argo_out_lit(out, "}");
}


static void
argo_model_write_time(time_t t, argo_out_t *out)
{
    u_char      *p;
    u_char       buf[sizeof("YYYY-MM-DDTHH:MM:SSZ") - 1];
    ngx_uint_t   i, value;
    struct tm    tm;

    static const char  separators[] = "--T::Z";

    ngx_memzero(&tm, sizeof(struct tm));

    gmtime_r(&t, &tm);

    p = buf;

    value = tm.tm_year + 1900;
    *p++ = '0' + value / 1000 % 10;
    *p++ = '0' + value / 100 % 10;

    for (i = 0; i < 6; i++) {
        switch (i) {
        case 1:
            value = tm.tm_mon + 1;
            break;
        case 2:
            value = tm.tm_mday;
            break;
        case 3:
            value = tm.tm_hour;
            break;
        case 4:
            value = tm.tm_min;
            break;
        case 5:
            value = tm.tm_sec;
            break;
        }

        *p++ = '0' + value / 10 % 10;
        *p++ = '0' + value % 10;
        *p++ = separators[i];
    }

    argo_out_write(out, buf, p - buf);
}
