
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The models: ARGO's own list, which all workers share, and what clients are
 * told of it.
 *
 * The list is kept in the zone in a compact form, replaced as a whole.  Each
 * worker makes tables of it, one for each set of aliases in the
 * configuration, and makes them anew when it sees that the list is another.
 * A request holds on to its table; the last one to let go frees it.
 *
 * Which list a location goes by depends on where its upstream leads, and that
 * is known by the server and the prefix alone.
 */


#include "ngx_http_argo.h"
#include "argo_json_write.h"
#include "argo_gemini_models.h"
#include "argo_model_list.h"


/* room for slab's own needs and for what is shared */
#define NGX_HTTP_ARGO_MIN_ZONE      (8 * ngx_pagesize)

/* a list may be replaced by another worker while we merge ours with it */
#define NGX_HTTP_ARGO_LIST_TRIES    3

/* Anthropic's highest */
#define NGX_HTTP_ARGO_MAX_PAGE      1000


/* in the zone: the list behind one way to ARGO */

struct ngx_http_argo_list_s {
    ngx_http_argo_list_t        *next;
    ngx_http_argo_flight_t       flight;
    ngx_uint_t                   generation;    /* 0: there is none yet */
    u_char                      *packed;
    size_t                       size;
    size_t                       len;           /* of name */
    u_char                       name[1];
};


/* a worker's table; the configuration and each request hold it */

typedef struct {
    argo_model_table_t          *table;
    ngx_pool_t                  *pool;
    ngx_uint_t                   generation;
    ngx_uint_t                   holders;
} ngx_http_argo_table_t;


/* of the configuration: one list with one set of aliases */

struct ngx_http_argo_models_s {
    ngx_str_t                    name;          /* of the list */
    ngx_http_argo_list_t        *list;          /* NULL: no room for it */
    argo_model_table_t          *builtin;
    ngx_array_t                 *aliases;
    ngx_http_argo_table_t       *current;       /* NULL: none was made yet */
};


typedef struct {
    ngx_uint_t                   models;
    ngx_uint_t                   names;
    ngx_uint_t                   chat;
    ngx_uint_t                   embeddings;
} ngx_http_argo_count_t;


/* what a refresh keeps until it is over */

typedef struct {
    ngx_http_argo_fetch_t        fetch;         /* first: it is found by it */
    ngx_http_argo_count_t        before;
} ngx_http_argo_refresh_t;


static ngx_int_t ngx_http_argo_fetch_models(ngx_http_request_t *r,
    ngx_http_argo_fetch_t *fetch, time_t age);
static ngx_int_t ngx_http_argo_take_models(ngx_http_request_t *r,
    ngx_http_argo_fetch_t *fetch);
static ngx_int_t ngx_http_argo_read_models(ngx_http_request_t *r,
    ngx_http_argo_fetch_t *fetch, ngx_pool_t *pool);
static ngx_int_t ngx_http_argo_copy_list(ngx_slab_pool_t *slab,
    ngx_pool_t *pool, ngx_http_argo_list_t *shared, argo_model_list_t *list,
    ngx_uint_t *generation);
static ngx_int_t ngx_http_argo_replace_list(ngx_slab_pool_t *slab,
    ngx_http_argo_list_t *shared, const argo_model_list_t *list,
    ngx_uint_t generation);
static void ngx_http_argo_make_table(ngx_http_request_t *r,
    ngx_http_argo_models_t *models);
static void ngx_http_argo_release_table(void *data);
static void ngx_http_argo_release_models(void *data);
static void ngx_http_argo_models_body_handler(ngx_http_request_t *r);
static void ngx_http_argo_models_resume(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static ngx_int_t ngx_http_argo_send_models(ngx_http_request_t *r);
static ngx_int_t ngx_http_argo_models_headers(ngx_http_request_t *r,
    ngx_uint_t live);
static ngx_int_t ngx_http_argo_read_page(ngx_http_request_t *r,
    argo_model_page_t *page, argo_error_t *err);
static ngx_int_t ngx_http_argo_arg(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);
static ngx_int_t ngx_http_argo_write_gemini(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_model_table_t *table, argo_out_t *out,
    argo_error_t *err);
static void ngx_http_argo_refresh_body_handler(ngx_http_request_t *r);
static void ngx_http_argo_refresh_resume(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
static ngx_int_t ngx_http_argo_refreshed(ngx_http_request_t *r,
    const ngx_http_argo_count_t *before);
static ngx_int_t ngx_http_argo_not_refreshed(ngx_http_request_t *r,
    argo_error_t *err);
static void ngx_http_argo_count(const argo_model_table_t *table,
    ngx_http_argo_count_t *count);
static ngx_str_t ngx_http_argo_server_address(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *cscf);
static ngx_int_t ngx_http_argo_init_zone(ngx_shm_zone_t *zone, void *data);
static ngx_http_argo_list_t *ngx_http_argo_find_list(
    ngx_http_argo_shared_t *shared, ngx_slab_pool_t *slab,
    const ngx_str_t *name);


/* ---- ARGO's list */

static ngx_int_t
ngx_http_argo_fetch_models(ngx_http_request_t *r,
    ngx_http_argo_fetch_t *fetch, time_t age)
{
    ngx_http_argo_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    if (alcf->api == NGX_HTTP_ARGO_API_NATIVE) {
        ngx_str_set(&fetch->call.how.tail, "v1/models");

    } else {
        ngx_str_set(&fetch->call.how.tail, "api/v1/models/");
    }

    ngx_str_set(&fetch->call.how.accept, "application/json");
    fetch->call.how.frame = ARGO_FRAME_JSON;

    fetch->flight = &alcf->live->list->flight;
    fetch->take = ngx_http_argo_take_models;
    fetch->what = "ARGO's list of models";

    return ngx_http_argo_fetch(r, fetch, age);
}


static ngx_int_t
ngx_http_argo_take_models(ngx_http_request_t *r, ngx_http_argo_fetch_t *fetch)
{
    ngx_int_t    rc;
    ngx_pool_t  *pool;

    /* the request may be a stream of many minutes */

    pool = ngx_create_pool(NGX_HTTP_ARGO_BLOCK, r->connection->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_argo_read_models(r, fetch, pool);

    ngx_destroy_pool(pool);

    return rc;
}


static ngx_int_t
ngx_http_argo_read_models(ngx_http_request_t *r, ngx_http_argo_fetch_t *fetch,
    ngx_pool_t *pool)
{
    ngx_int_t                   rc;
    ngx_uint_t                  try, generation;
    argo_model_list_t           list, before;
    ngx_http_argo_list_t       *shared;
    ngx_http_argo_loc_conf_t   *alcf;
    ngx_http_argo_main_conf_t  *amcf;

    rc = argo_model_list_parse(pool, &fetch->call.reply, &list,
                               &fetch->error);
    if (rc != NGX_OK) {
        return rc;
    }

    if (list.bad || list.duplicates || list.excess) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "rows of ARGO's list of models were left out: %ui "
                      "invalid, %ui duplicate, %ui too many",
                      list.bad, list.duplicates, list.excess);
    }

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);
    amcf = ngx_http_get_module_main_conf(r, ngx_http_argo_module);

    shared = alcf->live->list;

    for (try = 0; try < NGX_HTTP_ARGO_LIST_TRIES; try++) {

        if (ngx_http_argo_copy_list(fetch->slab, pool, shared, &before,
                                    &generation)
            != NGX_OK
            || argo_model_list_date(pool, &list, &before,
                                    amcf->shared->created, ngx_time())
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        rc = ngx_http_argo_replace_list(fetch->slab, shared, &list,
                                        generation);

        if (rc == NGX_OK) {
            return NGX_OK;
        }

        if (rc == NGX_DECLINED) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "ARGO's list of models does not fit in the shared "
                          "zone \"%V\": %uz bytes for %ui models; "
                          "\"argo_zone\" must be larger, what was known "
                          "before stays in use",
                          &amcf->zone->shm.name, argo_model_list_size(&list),
                          list.nrows);

            fetch->told = 1;

            return argo_error_set(&fetch->error,
                                  NGX_HTTP_INTERNAL_SERVER_ERROR,
                                  "zone_too_small", NULL,
                                  "ARGO's list of models does not fit in the "
                                  "gateway's shared memory");
        }
    }

    return argo_error_set(&fetch->error, NGX_HTTP_SERVICE_UNAVAILABLE,
                          "busy", NULL,
                          "The list of models was refreshed by others");
}


/* A copy of the list that is shared now, empty if there is none. */

static ngx_int_t
ngx_http_argo_copy_list(ngx_slab_pool_t *slab, ngx_pool_t *pool,
    ngx_http_argo_list_t *shared, argo_model_list_t *list,
    ngx_uint_t *generation)
{
    ngx_str_t  packed;

    ngx_shmtx_lock(&slab->mutex);

    *generation = shared->generation;

    packed.len = shared->size;
    packed.data = ngx_pnalloc(pool, packed.len + 1);

    if (packed.data) {
        ngx_memcpy(packed.data, shared->packed, packed.len);
    }

    ngx_shmtx_unlock(&slab->mutex);

    if (packed.data == NULL) {
        return NGX_ERROR;
    }

    return argo_model_list_unpack(pool, &packed, list);
}


/*
 * NGX_AGAIN if the list is no longer of that generation, NGX_DECLINED if
 * there is no room.
 */

static ngx_int_t
ngx_http_argo_replace_list(ngx_slab_pool_t *slab,
    ngx_http_argo_list_t *shared, const argo_model_list_t *list,
    ngx_uint_t generation)
{
    u_char  *p;
    size_t   size;

    size = argo_model_list_size(list);

    ngx_shmtx_lock(&slab->mutex);

    if (shared->generation != generation) {
        ngx_shmtx_unlock(&slab->mutex);
        return NGX_AGAIN;
    }

    p = ngx_slab_alloc_locked(slab, size);

    if (p == NULL) {
        ngx_shmtx_unlock(&slab->mutex);
        return NGX_DECLINED;
    }

    argo_model_list_pack(list, p);

    if (shared->packed) {
        ngx_slab_free_locked(slab, shared->packed);
    }

    shared->packed = p;
    shared->size = size;
    shared->generation++;

    ngx_shmtx_unlock(&slab->mutex);

    return NGX_OK;
}


/* ---- tables */

argo_model_table_t *
ngx_http_argo_models(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_argo_ctx_t       *ctx;
    ngx_http_argo_models_t    *models;
    ngx_http_argo_loc_conf_t  *alcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    if (ctx->models) {
        return ctx->models;
    }

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    ctx->models = alcf->models;

    models = alcf->live;

    if (models == NULL || models->list == NULL
        || models->list->generation == 0)
    {
        return ctx->models;
    }

    if (models->current == NULL
        || models->current->generation != models->list->generation)
    {
        ngx_http_argo_make_table(r, models);
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (cln && models->current) {
        cln->handler = ngx_http_argo_release_table;
        cln->data = models->current;

        models->current->holders++;

        ctx->models = models->current->table;
    }

    return ctx->models;
}


/* Makes the table of the list; the one before stays if that fails. */

static void
ngx_http_argo_make_table(ngx_http_request_t *r, ngx_http_argo_models_t *models)
{
    ngx_pool_t                 *pool;
    argo_model_list_t           list;
    ngx_http_argo_table_t      *table;
    ngx_http_argo_main_conf_t  *amcf;

    amcf = ngx_http_get_module_main_conf(r, ngx_http_argo_module);

    pool = ngx_create_pool(NGX_HTTP_ARGO_BLOCK, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    table = ngx_palloc(pool, sizeof(ngx_http_argo_table_t));
    if (table == NULL) {
        goto failed;
    }

    if (ngx_http_argo_copy_list((ngx_slab_pool_t *) amcf->zone->shm.addr,
                                pool, models->list, &list,
                                &table->generation)
        != NGX_OK)
    {
        goto failed;
    }

    table->pool = pool;
    table->holders = 1;

    table->table = argo_model_table_create_live(pool, &list,
                                          models->aliases
                                          ? models->aliases->elts : NULL,
                                          models->aliases
                                          ? models->aliases->nelts : 0);
    if (table->table == NULL) {
        goto failed;
    }

    if (models->current) {
        ngx_http_argo_release_table(models->current);
    }

    models->current = table;

    return;

failed:

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "no memory for the table of models, the one before stays "
                  "in use");

    ngx_destroy_pool(pool);
}


static void
ngx_http_argo_release_table(void *data)
{
    ngx_http_argo_table_t *table = data;

    if (--table->holders == 0) {
        ngx_destroy_pool(table->pool);
    }
}


/* The configuration is no longer used, or the process ends. */

static void
ngx_http_argo_release_models(void *data)
{
    ngx_http_argo_models_t *models = data;

    if (models->current) {
        ngx_http_argo_release_table(models->current);
        models->current = NULL;
    }
}


void
ngx_http_argo_touch_models(ngx_http_request_t *r)
{
    ngx_http_argo_fetch_t     *fetch;
    ngx_http_argo_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    if (alcf->live == NULL || alcf->live->list == NULL
        || alcf->models_refresh == 0
        || !ngx_http_argo_fetch_due(&alcf->live->list->flight,
                                    alcf->models_refresh))
    {
        return;
    }

    /* if there is no memory, the request itself will tell */

    fetch = ngx_pcalloc(r->pool, sizeof(ngx_http_argo_fetch_t));
    if (fetch == NULL) {
        return;
    }

    fetch->call.detached = 1;

    (void) ngx_http_argo_fetch_models(r, fetch, alcf->models_refresh);
}


/* ---- GET /v1/models */

/*
 * The very first list is waited for, unless another request is already at
 * it: without it a client would not see what it can have.  After that the
 * list at hand is served, and the next one fetched meanwhile.
 */

ngx_int_t
ngx_http_argo_models_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_argo_ctx_t       *ctx;
    ngx_http_argo_list_t      *list;
    ngx_http_argo_loc_conf_t  *alcf;

    static ngx_str_t           google[] = {
        ngx_string("x-goog-api-client"),
        ngx_string("x-goog-api-key")
    };

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    if (ngx_http_argo_find_header(&r->headers_in.headers, &google[0])
        || ngx_http_argo_find_header(&r->headers_in.headers, &google[1]))
    {
        /* its SDK asks at the path that OpenAI's does */
        ctx->front = &argo_gemini_front;
    }

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    list = alcf->live ? alcf->live->list : NULL;

    if (list && alcf->models_refresh && list->generation == 0
        && list->flight.failures == 0
        && ngx_http_argo_fetch_due(&list->flight, alcf->models_refresh))
    {
        rc = ngx_http_read_client_request_body(r,
                                           ngx_http_argo_models_body_handler);

        return (rc >= NGX_HTTP_SPECIAL_RESPONSE) ? rc : NGX_DONE;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_argo_touch_models(r);

    return ngx_http_argo_send_models(r);
}


static void
ngx_http_argo_models_body_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_argo_ctx_t       *ctx;
    ngx_http_argo_fetch_t     *fetch;
    ngx_http_argo_loc_conf_t  *alcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);
    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    fetch = ngx_pcalloc(r->pool, sizeof(ngx_http_argo_fetch_t));
    if (fetch == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    r->write_event_handler = ngx_http_argo_wake;
    ctx->resume = ngx_http_argo_models_resume;

    rc = ngx_http_argo_fetch_models(r, fetch, alcf->models_refresh);

    if (rc == NGX_OK) {
        rc = ngx_http_argo_watch_client(r);
    }

    if (rc == NGX_OK) {
        return;
    }

    ctx->resume = NULL;

    ngx_http_finalize_request(r, (rc == NGX_DECLINED)
                                 ? ngx_http_argo_send_models(r)
                                 : NGX_HTTP_INTERNAL_SERVER_ERROR);
}


static void
ngx_http_argo_models_resume(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    if (!ctx->calls->ended) {
        return;
    }

    ctx->resume = NULL;
    r->read_event_handler = ngx_http_block_reading;

    ngx_http_finalize_request(r, ngx_http_argo_send_models(r));
}


static ngx_int_t
ngx_http_argo_send_models(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    argo_out_t                  out;
    argo_error_t                err;
    argo_model_page_t           page;
    argo_model_table_t         *table;
    const argo_model_t         *model;
    ngx_http_argo_ctx_t        *ctx;
    ngx_http_argo_loc_conf_t   *alcf;
    ngx_http_argo_main_conf_t  *amcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);
    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);
    amcf = ngx_http_get_module_main_conf(r, ngx_http_argo_module);

    table = ngx_http_argo_models(r);

    if (ngx_http_argo_models_headers(r, table != alcf->models) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);

    if (ctx->front->dialect == ARGO_DIALECT_GEMINI) {
        rc = ngx_http_argo_write_gemini(r, ctx, table, &out, &err);

    } else if (ctx->item.len == 0) {

        rc = ngx_http_argo_read_page(r, &page, &err);

        if (rc == NGX_OK) {
            rc = argo_model_write_page(table, &page, amcf->shared->created,
                                       &out, &err);
        }

    } else {

        rc = argo_model_resolve(r->pool, table, &ctx->item, &model, &err);

        if (rc == NGX_OK) {
            argo_model_write_one(model, &ctx->item, amcf->shared->created,
                                 &out);
        }
    }

    if (rc == NGX_DECLINED) {
        return ngx_http_argo_send_error(r, &err);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_argo_send(r, NGX_HTTP_OK, &out);
}


/* The list, or one of it, as Google's clients read it. */

static ngx_int_t
ngx_http_argo_write_gemini(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx,
    argo_model_table_t *table, argo_out_t *out, argo_error_t *err)
{
    ngx_int_t              rc;
    ngx_str_t              name, size, token;
    argo_gemini_page_t     page;
    const argo_model_t    *model;
    argo_gemini_method_e   method;

    if (ctx->item.len) {
        (void) argo_gemini_path(&ctx->item, &name, &method);

        rc = argo_model_resolve(r->pool, table, &name, &model, err);

        if (rc == NGX_OK) {
            argo_gemini_write_one(table, model, &name, out);
        }

        return rc;
    }

    if (ngx_http_argo_arg(r, "pageSize", &size) == NGX_ERROR
        || ngx_http_argo_arg(r, "pageToken", &token) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    rc = argo_gemini_read_page(&size, &token, &page, err);

    return (rc == NGX_OK)
           ? argo_gemini_write_models(table, &page, out, err) : rc;
}


static ngx_int_t
ngx_http_argo_models_headers(ngx_http_request_t *r, ngx_uint_t live)
{
    time_t                     age;
    ngx_str_t                  value;
    ngx_http_argo_loc_conf_t  *alcf;

    static ngx_str_t           source[] = {
        ngx_string("builtin"),
        ngx_string("live")
    };

    if (ngx_http_argo_add_header(r, "x-argo-models-source", &source[live])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!live) {
        return NGX_OK;
    }

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    age = ngx_time() - alcf->live->list->flight.fetched;

    value.data = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%T", ngx_max(age, 0)) - value.data;

    return ngx_http_argo_add_header(r, "x-argo-models-age", &value);
}


static ngx_int_t
ngx_http_argo_read_page(ngx_http_request_t *r, argo_model_page_t *page,
    argo_error_t *err)
{
    ngx_int_t  rc, limit;
    ngx_str_t  value;

    static const ngx_str_t  version = ngx_string("anthropic-version");

    ngx_memzero(page, sizeof(argo_model_page_t));

    rc = ngx_http_argo_arg(r, "limit", &value);

    if (rc == NGX_OK) {
        limit = ngx_atoi(value.data, value.len);

        if (limit == NGX_ERROR || limit == 0) {
            return argo_error_set(err, NGX_HTTP_BAD_REQUEST, "invalid_value",
                                  "limit", "The value of \"limit\" must be a "
                                  "number from 1 to 1000");
        }

        page->limit = ngx_min(limit, NGX_HTTP_ARGO_MAX_PAGE);
    }

    if (rc == NGX_ERROR
        || ngx_http_argo_arg(r, "after_id", &page->after) == NGX_ERROR
        || ngx_http_argo_arg(r, "before_id", &page->before) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    /* OpenAI's clients have no pages, and Anthropic's may omit the header */

    page->anthropic = page->limit || page->after.data || page->before.data
                      || ngx_http_argo_find_header(&r->headers_in.headers,
                                                   &version);

    return NGX_OK;
}


/* The value of an argument, unescaped; NGX_DECLINED if there is none. */

static ngx_int_t
ngx_http_argo_arg(ngx_http_request_t *r, const char *name, ngx_str_t *value)
{
    u_char     *src, *dst;
    ngx_str_t   arg;

    ngx_str_null(value);

    if (ngx_http_arg(r, (u_char *) name, ngx_strlen(name), &arg) != NGX_OK
        || arg.len == 0)
    {
        return NGX_DECLINED;
    }

    dst = ngx_pnalloc(r->pool, arg.len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    value->data = dst;
    src = arg.data;

    ngx_unescape_uri(&dst, &src, arg.len, 0);

    value->len = dst - value->data;

    return NGX_OK;
}


/* ---- POST /refresh */

ngx_int_t
ngx_http_argo_refresh_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = ngx_http_read_client_request_body(r,
                                          ngx_http_argo_refresh_body_handler);

    return (rc >= NGX_HTTP_SPECIAL_RESPONSE) ? rc : NGX_DONE;
}


static void
ngx_http_argo_refresh_body_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    argo_error_t               err;
    ngx_http_argo_ctx_t       *ctx;
    ngx_http_argo_refresh_t   *refresh;
    ngx_http_argo_loc_conf_t  *alcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);
    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    if (alcf->live->list == NULL) {
        argo_error_set(&err, NGX_HTTP_INTERNAL_SERVER_ERROR, "zone_too_small",
                       NULL, "The gateway's shared memory has no room for a "
                       "list of models");

        ngx_http_finalize_request(r, ngx_http_argo_not_refreshed(r, &err));
        return;
    }

    refresh = ngx_pcalloc(r->pool, sizeof(ngx_http_argo_refresh_t));
    if (refresh == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_argo_count(ngx_http_argo_models(r), &refresh->before);

    r->write_event_handler = ngx_http_argo_wake;
    ctx->resume = ngx_http_argo_refresh_resume;

    refresh->fetch.told = 1;

    rc = ngx_http_argo_fetch_models(r, &refresh->fetch,
                                    NGX_HTTP_ARGO_FETCH_NOW);

    if (rc == NGX_OK) {
        rc = ngx_http_argo_watch_client(r);
    }

    if (rc != NGX_OK) {
        ctx->resume = NULL;
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


static void
ngx_http_argo_refresh_resume(ngx_http_request_t *r, ngx_http_argo_ctx_t *ctx)
{
    ngx_int_t                 rc;
    ngx_http_argo_refresh_t  *refresh;

    if (!ctx->calls->ended) {
        return;
    }

    ctx->resume = NULL;
    r->read_event_handler = ngx_http_block_reading;

    refresh = ctx->calls->data;

    if (refresh->fetch.error.status) {
        rc = ngx_http_argo_not_refreshed(r, &refresh->fetch.error);

    } else {
        rc = ngx_http_argo_refreshed(r, &refresh->before);
    }

    ngx_http_finalize_request(r, rc);
}


static ngx_int_t
ngx_http_argo_refreshed(ngx_http_request_t *r,
    const ngx_http_argo_count_t *before)
{
    argo_out_t              out;
    ngx_http_argo_ctx_t    *ctx;
    ngx_http_argo_count_t   now;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    /* the table of before is held by the request as well */

    ctx->models = NULL;

    ngx_http_argo_count(ngx_http_argo_models(r), &now);

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);

    argo_out_lit(&out, "{\"status\":\"ok\",\"message\":\"Model list refreshed "
                 "successfully\",\"previous\":{\"unique_models\":");
    argo_out_int(&out, before->models);
    argo_out_lit(&out, ",\"total_aliases\":");
    argo_out_int(&out, before->names);
    argo_out_lit(&out, "},\"current\":{\"unique_models\":");
    argo_out_int(&out, now.models);
    argo_out_lit(&out, ",\"total_aliases\":");
    argo_out_int(&out, now.names);
    argo_out_lit(&out, ",\"chat_models\":");
    argo_out_int(&out, now.chat);
    argo_out_lit(&out, ",\"embed_models\":");
    argo_out_int(&out, now.embeddings);
    argo_out_lit(&out, "}}");

    return ngx_http_argo_send(r, NGX_HTTP_OK, &out);
}


/*
 * Programs that manage a gateway look at "status" and "message", clients of
 * the API at "error": give both.  Nothing here is the client's fault.
 */

static ngx_int_t
ngx_http_argo_not_refreshed(ngx_http_request_t *r, argo_error_t *err)
{
    argo_out_t            out, text;
    ngx_str_t             error, message;
    ngx_http_argo_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);

    if (err->status < NGX_HTTP_INTERNAL_SERVER_ERROR
        || err->status > NGX_HTTP_GATEWAY_TIME_OUT)
    {
        err->status = NGX_HTTP_BAD_GATEWAY;
        err->type = ARGO_ERROR_SERVER;
    }

    ngx_http_argo_log_error(r, err);

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);
    argo_out_init(&text, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);

    ctx->front->write_error(err, &text);

    if (argo_out_flatten(&text, r->pool, &error) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    (void) argo_out_take(&text);

    argo_out_lit(&text, "Refresh failed: ");
    argo_out_str(&text, &err->message);

    if (argo_out_flatten(&text, r->pool, &message) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    argo_out_lit(&out, "{\"status\":\"error\",\"message\":");
    argo_json_write_string(&out, &message);
    argo_out_lit(&out, ",");

    /* the members of the error's object, and its closing brace */

    argo_out_write(&out, error.data + 1, error.len - 1);

    return ngx_http_argo_send(r, err->status, &out);
}


static void
ngx_http_argo_count(const argo_model_table_t *table,
    ngx_http_argo_count_t *count)
{
    ngx_uint_t  i;

    count->models = table->nmodels;
    count->names = table->nnames;
    count->chat = 0;

    for (i = 0; i < table->nmodels; i++) {
        if (table->models[i].kind == ARGO_MODEL_CHAT) {
            count->chat++;
        }
    }

    count->embeddings = count->models - count->chat;
}


/* ---- configuration */

ngx_int_t
ngx_http_argo_merge_live(ngx_conf_t *cf, ngx_http_argo_loc_conf_t *conf)
{
    ngx_str_t                   name, address;
    ngx_uint_t                  i;
    ngx_pool_cleanup_t         *cln;
    ngx_http_argo_models_t     *models, **all;
    ngx_http_core_srv_conf_t   *cscf;
    ngx_http_argo_main_conf_t  *amcf;

    amcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_argo_module);
    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    if (amcf->zone == NULL || conf->upstream.len == 0) {
        return NGX_OK;
    }

    address = ngx_http_argo_server_address(cf, cscf);

    name.len = address.len + 1 + cscf->server_name.len + conf->upstream.len;
    name.data = ngx_pnalloc(cf->pool, name.len);
    if (name.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(name.data, "%V %V%V", &address, &cscf->server_name,
                       &conf->upstream);

    all = amcf->models.elts;

    for (i = 0; i < amcf->models.nelts; i++) {
        if (all[i]->builtin == conf->models && all[i]->name.len == name.len
            && ngx_memcmp(all[i]->name.data, name.data, name.len) == 0)
        {
            conf->live = all[i];
            return NGX_OK;
        }
    }

    models = ngx_pcalloc(cf->pool, sizeof(ngx_http_argo_models_t));
    all = ngx_array_push(&amcf->models);
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (models == NULL || all == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_argo_release_models;
    cln->data = models;

    models->name = name;
    models->builtin = conf->models;
    models->aliases = conf->aliases;

    *all = models;
    conf->live = models;

    return NGX_OK;
}


/* The first address that a server listens on tells it from its namesakes. */

static ngx_str_t
ngx_http_argo_server_address(ngx_conf_t *cf, ngx_http_core_srv_conf_t *cscf)
{
    ngx_str_t                    none;
    ngx_uint_t                   i, k, n;
    ngx_http_conf_port_t        *port;
    ngx_http_conf_addr_t        *addr;
    ngx_http_core_srv_conf_t   **servers;
    ngx_http_core_main_conf_t   *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    port = cmcf->ports ? cmcf->ports->elts : NULL;

    for (i = 0; port && i < cmcf->ports->nelts; i++) {
        addr = port[i].addrs.elts;

        for (k = 0; k < port[i].addrs.nelts; k++) {
            servers = addr[k].servers.elts;

            for (n = 0; n < addr[k].servers.nelts; n++) {
                if (servers[n] == cscf) {
                    return addr[k].opt.addr_text;
                }
            }
        }
    }

    ngx_str_null(&none);

    return none;
}


char *
ngx_http_argo_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_argo_main_conf_t *amcf = conf;

    ssize_t     size;
    ngx_str_t  *value;

    if (amcf->zone) {
        return "is duplicate";
    }

    value = cf->args->elts;

    size = ngx_parse_size(&value[2]);

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid size \"%V\" in \"%V\": a number with "
                           "\"k\" or \"m\" is needed, such as \"4m\"",
                           &value[2], &cmd->name);
        return NGX_CONF_ERROR;
    }

    if (size < (ssize_t) NGX_HTTP_ARGO_MIN_ZONE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the size \"%V\" in \"%V\" is too small: at "
                           "least %uzk are needed",
                           &value[2], &cmd->name,
                           (size_t) NGX_HTTP_ARGO_MIN_ZONE / 1024);
        return NGX_CONF_ERROR;
    }

    amcf->zone = ngx_shared_memory_add(cf, &value[1], size,
                                       &ngx_http_argo_module);
    if (amcf->zone == NULL) {
        return NGX_CONF_ERROR;
    }

    amcf->zone->init = ngx_http_argo_init_zone;
    amcf->zone->data = amcf;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_argo_init_zone(ngx_shm_zone_t *zone, void *data)
{
    ngx_http_argo_main_conf_t *before = data;

    ngx_uint_t                  i;
    ngx_slab_pool_t            *slab;
    ngx_http_argo_models_t    **models;
    ngx_http_argo_main_conf_t  *amcf;

    amcf = zone->data;
    slab = (ngx_slab_pool_t *) zone->shm.addr;

    if (before) {
        /* a reload: what was shared stays */
        amcf->shared = before->shared;

    } else if (zone->shm.exists) {
        amcf->shared = slab->data;

    } else {
        amcf->shared = ngx_slab_calloc(slab, sizeof(ngx_http_argo_shared_t));
        if (amcf->shared == NULL) {
            return NGX_ERROR;
        }

        amcf->shared->created = ngx_time();

        slab->data = amcf->shared;

        /* we say it ourselves, and what it means */
        slab->log_nomem = 0;
    }

    models = amcf->models.elts;

    for (i = 0; i < amcf->models.nelts; i++) {

        models[i]->list = ngx_http_argo_find_list(amcf->shared, slab,
                                                  &models[i]->name);
        if (models[i]->list == NULL) {
            ngx_log_error(NGX_LOG_ERR, zone->shm.log, 0,
                          "the shared zone \"%V\" has no room for the list "
                          "of models of \"%V\": \"argo_zone\" must be "
                          "larger, the built-in models are used",
                          &zone->shm.name, &models[i]->name);
        }
    }

    return NGX_OK;
}


/*
 * Finds the list of that name, or makes an empty one.  Old workers may be
 * using the zone at the same time.
 */

static ngx_http_argo_list_t *
ngx_http_argo_find_list(ngx_http_argo_shared_t *shared, ngx_slab_pool_t *slab,
    const ngx_str_t *name)
{
    ngx_http_argo_list_t  *list;

    ngx_shmtx_lock(&slab->mutex);

    for (list = shared->lists; list; list = list->next) {

        if (list->len == name->len
            && ngx_memcmp(list->name, name->data, name->len) == 0)
        {
            goto done;
        }
    }

    list = ngx_slab_calloc_locked(slab,
                            offsetof(ngx_http_argo_list_t, name) + name->len);

    if (list) {
        list->len = name->len;
        ngx_memcpy(list->name, name->data, name->len);

        list->next = shared->lists;
        shared->lists = list;
    }

done:

    ngx_shmtx_unlock(&slab->mutex);

    return list;
}
