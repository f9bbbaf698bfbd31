
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * ARGO's models, and which one a client means by a name.
 */


#ifndef _ARGO_MODEL_H_INCLUDED_
#define _ARGO_MODEL_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"
#include "argo_out.h"


/* a longer name is no model's; bounds the work on names that clients send */
#define ARGO_MODEL_MAX_NAME  128


typedef enum {
    ARGO_FAMILY_OTHER = 0,
    ARGO_FAMILY_OPENAI,
    ARGO_FAMILY_ANTHROPIC,
    ARGO_FAMILY_GOOGLE
} argo_family_e;


typedef enum {
    ARGO_MODEL_CHAT = 0,
    ARGO_MODEL_EMBEDDING
} argo_model_kind_e;


/* one name under which clients know a model */

typedef struct {
    ngx_str_t             name;         /* as listed: "argo:gpt-4o" */
    ngx_str_t             key;          /* compact form, for comparing */
    const argo_model_t   *model;
    unsigned              alias:1;      /* the administrator's */
    unsigned              other:1;      /* the model has been listed before */
} argo_model_name_t;


struct argo_model_s {
    ngx_str_t             id;           /* ARGO's internal id: "gpt4o" */
    ngx_str_t             display;      /* "GPT-4o" */
    ngx_str_t             owned_by;
    argo_family_e         family;
    argo_model_kind_e     kind;
    ngx_uint_t            context;      /* tokens; 0: unknown */
    ngx_uint_t            max_output;   /* tokens; 0: unknown */
    ngx_uint_t            deprecated;
    time_t                created;      /* when first seen; 0: not known */
};


/*
 * A table is immutable once made: requests may keep pointers into it for as
 * long as its pool lives.
 */

typedef struct {
    argo_model_t         *models;       /* in listing order */
    ngx_uint_t            nmodels;
    argo_model_name_t    *names;        /* listed ones, in listing order */
    ngx_uint_t            nnames;
    argo_model_name_t   **keys;         /* all names sorted by key */
    ngx_uint_t            nkeys;
} argo_model_table_t;


typedef struct argo_model_list_s   argo_model_list_t;
typedef struct argo_model_entry_s  argo_model_entry_t;


/* an administrator's own name for a model (argo_model) */

typedef struct {
    ngx_str_t             alias;
    ngx_str_t             id;
} argo_model_alias_t;


/*
 * Makes the table from the built-in data (argo_models.inc) and the
 * administrator's aliases, which win over built-in names; an alias may point
 * at an id that is not built in: such a model gets its family from the id.
 * Everything is taken from the pool.  Returns NULL if there is no memory.
 */
argo_model_table_t *argo_model_table_create(ngx_pool_t *pool,
    const argo_model_alias_t *aliases, ngx_uint_t naliases);

/*
 * The same from ARGO's own list, which is copied.  Of the built-in data
 * there stay the limits and additional names of the models listed, and the
 * models for embeddings, listed or not.
 */
argo_model_table_t *argo_model_table_create_live(ngx_pool_t *pool,
    const argo_model_list_t *list, const argo_model_alias_t *aliases,
    ngx_uint_t naliases);

/* True if the built-in data has a model of this id. */
ngx_uint_t argo_model_is_builtin(const ngx_str_t *id);

/*
 * Finds the model that a client means: any case, with or without "argo:",
 * "argo/", "models/", "openai/", "anthropic/", "google/", a bracketed suffix
 * ("[1m]"), a date, with dots or dashes, both Claude word orders.  Returns
 * NULL if there is none; a name is never replaced by a guess.
 */
const argo_model_t *argo_model_find(const argo_model_table_t *table,
    const ngx_str_t *name);

/*
 * Like argo_model_find(), with err set when there is none: 404, code
 * "model_not_found", param "model", the message quoting the name, if need be
 * its beginning, and naming up to three near matches and the list.
 * NGX_DECLINED then, NGX_ERROR without memory.
 */
ngx_int_t argo_model_resolve(ngx_pool_t *pool,
    const argo_model_table_t *table, const ngx_str_t *name,
    const argo_model_t **model, argo_error_t *err);

/*
 * A part of the list, and its form.  Anthropic's clients ask for parts, and
 * some of them pass over every id that does not begin with "claude".
 */

typedef struct {
    ngx_uint_t            limit;        /* rows; 0: all of them */
    ngx_str_t             after;        /* data == NULL: from the first on */
    ngx_str_t             before;       /* data == NULL: up to the last */
    unsigned              anthropic:1;  /* ids without "argo:", one a model,
                                           Claude's as their maker has them */
} argo_model_page_t;


/*
 * Writes the body of GET /v1/models: a superset of OpenAI's and Anthropic's
 * list objects, one row a listed name.  created is in seconds, UTC, for
 * models that have no date of their own.
 */
void argo_model_write_list(const argo_model_table_t *table, time_t created,
    argo_out_t *out);

/*
 * Writes a part of the list.  NGX_DECLINED with err, before anything is
 * written, if the row before or behind which the part lies is not listed.
 */
ngx_int_t argo_model_write_page(const argo_model_table_t *table,
    const argo_model_page_t *page, time_t created, argo_out_t *out,
    argo_error_t *err);

/*
 * The name under which clients of Anthropic and Google have a listed one:
 * without "argo:", one a model, Claude's as their maker has them; an alias as
 * it is.  It means the same model as the name does.  buf has room for
 * ARGO_MODEL_MAX_NAME bytes; NGX_DECLINED: it is not listed for them.
 */
ngx_int_t argo_model_plain_name(const argo_model_name_t *listed, u_char *buf,
    ngx_str_t *name);

/* Writes the body of GET /v1/models/{id}; the id echoed is the one asked. */
void argo_model_write_one(const argo_model_t *model, const ngx_str_t *name,
    time_t created, argo_out_t *out);


#endif /* _ARGO_MODEL_H_INCLUDED_ */
