
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The list of models, and the shared zone.
 */


#include "ngx_http_argo.h"


/* room for slab's own needs and for what is shared */
#define NGX_HTTP_ARGO_MIN_ZONE  (8 * ngx_pagesize)


static time_t ngx_http_argo_created(ngx_http_request_t *r);
static ngx_int_t ngx_http_argo_init_zone(ngx_shm_zone_t *zone, void *data);


ngx_int_t
ngx_http_argo_models_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    argo_out_t                 out;
    argo_error_t               err;
    const argo_model_t        *model;
    ngx_http_argo_ctx_t       *ctx;
    ngx_http_argo_loc_conf_t  *alcf;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_module);
    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);

    if (ctx->item.len == 0) {
        argo_model_write_list(alcf->models, ngx_http_argo_created(r), &out);
        return ngx_http_argo_send(r, NGX_HTTP_OK, &out);
    }

    rc = argo_model_resolve(r->pool, alcf->models, &ctx->item, &model, &err);

    if (rc == NGX_DECLINED) {
        return ngx_http_argo_send_error(r, &err);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    argo_model_write_one(model, &ctx->item, ngx_http_argo_created(r), &out);

    return ngx_http_argo_send(r, NGX_HTTP_OK, &out);
}


/*
 * Clients sort and cache by this time, so it must be the same in all workers
 * and after a reload; ARGO's own is the time of the call and of no use.
 */

static time_t
ngx_http_argo_created(ngx_http_request_t *r)
{
    ngx_http_argo_shared_t     *shared;
    ngx_http_argo_main_conf_t  *amcf;

    amcf = ngx_http_get_module_main_conf(r, ngx_http_argo_module);

    shared = amcf->zone->data;

    return shared->created;
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

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_argo_init_zone(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t         *pool;
    ngx_http_argo_shared_t  *shared;

    if (data) {
        /* a reload: what was shared stays */
        zone->data = data;
        return NGX_OK;
    }

    pool = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) {
        zone->data = pool->data;
        return NGX_OK;
    }

    shared = ngx_slab_calloc(pool, sizeof(ngx_http_argo_shared_t));
    if (shared == NULL) {
        return NGX_ERROR;
    }

    shared->created = ngx_time();

    pool->data = shared;
    zone->data = shared;

    return NGX_OK;
}
