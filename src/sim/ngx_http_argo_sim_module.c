
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Directives of the simulator, its routes, and the life of a request.
 */


#include "ngx_http_argo_sim.h"


#define NGX_HTTP_ARGO_SIM_MAX_ROUTES  16


/* of this worker since it was started */

typedef struct {
    ngx_uint_t  requests;
    ngx_uint_t  active;
    ngx_uint_t  aborted;
    ngx_uint_t  completed;
    ngx_uint_t  routes[NGX_HTTP_ARGO_SIM_MAX_ROUTES];
} ngx_http_argo_sim_stats_t;


static ngx_int_t ngx_http_argo_sim_handler(ngx_http_request_t *r);
static void ngx_http_argo_sim_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_argo_sim_reply(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static ngx_int_t ngx_http_argo_sim_find_route(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static ngx_uint_t ngx_http_argo_sim_same_but_slash(const ngx_str_t *path,
    const ngx_str_t *tail);
static ngx_int_t ngx_http_argo_sim_redirect(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, const ngx_http_argo_sim_route_t *route);
static ngx_int_t ngx_http_argo_sim_post(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static ngx_int_t ngx_http_argo_sim_body(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_http_argo_sim_report(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static void ngx_http_argo_sim_cleanup(void *data);

static char *ngx_http_argo_sim(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_argo_sim_users(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static void *ngx_http_argo_sim_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_argo_sim_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);


static const ngx_http_argo_sim_route_t  ngx_http_argo_sim_routes[] = {

    { ngx_string("api/v1/resource/chat/"),
      NGX_HTTP_POST, ngx_string("POST"), NGX_HTTP_ARGO_SIM_CHAT },

    { ngx_string("api/v1/resource/streamchat/"),
      NGX_HTTP_POST, ngx_string("POST"), NGX_HTTP_ARGO_SIM_STREAM },

    { ngx_string("api/v1/resource/embed/"),
      NGX_HTTP_POST, ngx_string("POST"), NGX_HTTP_ARGO_SIM_EMBED },

    { ngx_string("api/v1/resource/health/"),
      NGX_HTTP_GET, ngx_string("GET"), NGX_HTTP_ARGO_SIM_HEALTH },

    { ngx_string("api/v1/models/"),
      NGX_HTTP_GET, ngx_string("GET"), NGX_HTTP_ARGO_SIM_MODELS },

    { ngx_string("v1/models"),
      NGX_HTTP_GET, ngx_string("GET"), NGX_HTTP_ARGO_SIM_MODELS },

    { ngx_string("v1/chat/completions"),
      NGX_HTTP_POST, ngx_string("POST"), NGX_HTTP_ARGO_SIM_COMPLETIONS },

    { ngx_string("v1/messages"),
      NGX_HTTP_POST, ngx_string("POST"), NGX_HTTP_ARGO_SIM_MESSAGES },

    { ngx_string("v1/messages/count_tokens"),
      NGX_HTTP_POST, ngx_string("POST"), NGX_HTTP_ARGO_SIM_COUNT },

    { ngx_string("v1/responses"),
      NGX_HTTP_POST, ngx_string("POST"), NGX_HTTP_ARGO_SIM_RESPONSES },

    { ngx_string("v1/embeddings"),
      NGX_HTTP_POST, ngx_string("POST"), NGX_HTTP_ARGO_SIM_EMBEDDINGS },

    { ngx_string("sim/stats"),
      NGX_HTTP_GET, ngx_string("GET"), NGX_HTTP_ARGO_SIM_STATS },

    { ngx_null_string, 0, ngx_null_string, 0 }
};


static ngx_http_argo_sim_stats_t  ngx_http_argo_sim_stats;


static ngx_command_t  ngx_http_argo_sim_commands[] = {

    { ngx_string("argo_simulator"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_argo_sim,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("argo_simulator_users"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_argo_sim_users,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("argo_simulator_interval"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_argo_sim_loc_conf_t, interval),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_argo_sim_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_argo_sim_create_loc_conf,     /* create location configuration */
    ngx_http_argo_sim_merge_loc_conf       /* merge location configuration */
};


ngx_module_t  ngx_http_argo_sim_module = {
    NGX_MODULE_V1,
    &ngx_http_argo_sim_module_ctx,         /* module context */
    ngx_http_argo_sim_commands,            /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_argo_sim_handler(ngx_http_request_t *r)
{
    ngx_int_t                 rc;
    ngx_http_cleanup_t       *cln;
    ngx_http_argo_sim_ctx_t  *ctx;

    if (r != r->main) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "the ARGO simulator was reached by a subrequest: "
                      "it needs a connection of its own (proxy_pass)");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_argo_sim_ctx_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->request = r;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_argo_sim_cleanup;
    cln->data = ctx;

    ngx_http_set_ctx(r, ctx, ngx_http_argo_sim_module);

    if (ngx_http_argo_sim_find_route(r, ctx) == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->route && ctx->route->kind != NGX_HTTP_ARGO_SIM_STATS) {
        ctx->counted = 1;
        ngx_http_argo_sim_stats.requests++;
        ngx_http_argo_sim_stats.active++;
        ngx_http_argo_sim_stats.routes[ctx->route
                                       - ngx_http_argo_sim_routes]++;
    }

    /* always read, so that a refusal or a cut leaves nothing unread */

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_argo_sim_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


static void
ngx_http_argo_sim_body_handler(ngx_http_request_t *r)
{
    argo_error_t              err;
    ngx_int_t                 rc;
    ngx_http_argo_sim_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_argo_sim_module);

    rc = NGX_OK;

    if (ctx->route && ctx->route->kind != NGX_HTTP_ARGO_SIM_STATS) {
        rc = ngx_http_argo_sim_options(r, ctx, &err);
    }

    if (rc == NGX_OK && ctx->status == 0) {
        rc = ngx_http_argo_sim_reply(r, ctx);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_check_fault(r, ctx, &err);
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_argo_sim_detail(r, ctx, NGX_HTTP_BAD_REQUEST,
                                      &err.message);
    }

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_argo_sim_start(r, ctx);
}


static ngx_int_t
ngx_http_argo_sim_reply(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (ctx->options.body != NGX_HTTP_ARGO_SIM_BODY_ANSWER) {
        return ngx_http_argo_sim_failure(r, ctx);
    }

    switch (ctx->route->kind) {

    case NGX_HTTP_ARGO_SIM_STATS:
        return ngx_http_argo_sim_report(r, ctx);

    case NGX_HTTP_ARGO_SIM_HEALTH:
        rc = ngx_http_argo_sim_literal(r, ctx, NGX_HTTP_OK,
                                       "{\"status\":\"healthy\"}");
        break;

    case NGX_HTTP_ARGO_SIM_MODELS:
        rc = ngx_http_argo_sim_model_list(r, ctx);
        break;

    default: /* a POST */
        rc = ngx_http_argo_sim_post(r, ctx);
    }

    if (rc != NGX_OK || ctx->refusal) {
        return rc;
    }

    if (ctx->options.status) {
        ctx->status = ctx->options.status;
    }

    if (ctx->options.malformed) {
        /* no beginning of a JSON object is JSON */
        ctx->body.len /= 2;
    }

    return NGX_OK;
}


/* Without a route the context holds a reply. */

static ngx_int_t
ngx_http_argo_sim_find_route(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_str_t                         tail;
    ngx_http_core_loc_conf_t         *clcf;
    const ngx_http_argo_sim_route_t  *route;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    tail = r->uri;
    tail.data += ngx_min(clcf->name.len, tail.len);
    tail.len -= ngx_min(clcf->name.len, tail.len);

    if (tail.len && tail.data[0] == '/') {
        tail.data++;
        tail.len--;
    }

    for (route = ngx_http_argo_sim_routes; route->path.len; route++) {

        if (tail.len == route->path.len
            && ngx_memcmp(tail.data, route->path.data, tail.len) == 0)
        {
            if (r->method == route->method) {
                ctx->route = route;
                return NGX_OK;
            }

            ctx->allow = route->allow;
            return ngx_http_argo_sim_literal(r, ctx, NGX_HTTP_NOT_ALLOWED,
                                       "{\"detail\":\"Method Not Allowed\"}");
        }
    }

    for (route = ngx_http_argo_sim_routes; route->path.len; route++) {

        if (ngx_http_argo_sim_same_but_slash(&route->path, &tail)) {
            return ngx_http_argo_sim_redirect(r, ctx, route);
        }
    }

    return ngx_http_argo_sim_literal(r, ctx, NGX_HTTP_NOT_FOUND,
                                     "{\"detail\":\"Not Found\"}");
}


static ngx_uint_t
ngx_http_argo_sim_same_but_slash(const ngx_str_t *path, const ngx_str_t *tail)
{
    const ngx_str_t  *shorter, *longer;

    shorter = (path->len < tail->len) ? path : tail;
    longer = (path->len < tail->len) ? tail : path;

    return longer->len == shorter->len + 1
           && longer->data[shorter->len] == '/'
           && ngx_memcmp(longer->data, shorter->data, shorter->len) == 0;
}


static ngx_int_t
ngx_http_argo_sim_redirect(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, const ngx_http_argo_sim_route_t *route)
{
    size_t                     len;
    u_char                    *p;
    uintptr_t                  escape;
    ngx_str_t                 *name;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    name = &clcf->name;
    escape = 2 * ngx_escape_uri(NULL, name->data, name->len, NGX_ESCAPE_URI);

    len = name->len + escape + 1 + route->path.len + 1 + r->args.len;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->location.data = p;

    if (escape) {
        p = (u_char *) ngx_escape_uri(p, name->data, name->len,
                                      NGX_ESCAPE_URI);

    } else {
        p = ngx_cpymem(p, name->data, name->len);
    }

    if (p[-1] != '/') {
        *p++ = '/';
    }

    p = ngx_cpymem(p, route->path.data, route->path.len);

    if (r->args.len) {
        *p++ = '?';
        p = ngx_cpymem(p, r->args.data, r->args.len);
    }

    ctx->location.len = p - ctx->location.data;
    ctx->status = NGX_HTTP_TEMPORARY_REDIRECT;
    ctx->refusal = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_post(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_int_t  rc;
    ngx_str_t  document;

    if (ngx_http_argo_sim_body(r, &document) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->route->kind & NGX_HTTP_ARGO_SIM_NATIVE) {
        rc = ngx_http_argo_sim_native(r, ctx, &document);

        return (rc == NGX_DECLINED) ? NGX_OK : rc;
    }

    rc = ngx_http_argo_sim_check(r, ctx, &document);

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->options.noresponse) {
        return ngx_http_argo_sim_literal(r, ctx, NGX_HTTP_OK,
                                         "{\"result\":\"nothing\"}");
    }

    if (ctx->route->kind == NGX_HTTP_ARGO_SIM_EMBED) {
        return ngx_http_argo_sim_embed(r, ctx);
    }

    return ngx_http_argo_sim_answer(r, ctx);
}


static ngx_int_t
ngx_http_argo_sim_body(ngx_http_request_t *r, ngx_str_t *body)
{
    size_t        size;
    u_char       *p;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    ngx_str_null(body);

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    size = 0;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    if (size == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;
    body->len = size;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;
        size = ngx_buf_size(b);

        if (b->in_file) {
            n = ngx_read_file(b->file, p, size, b->file_pos);

            if (n != (ssize_t) size) {
                return NGX_ERROR;
            }

        } else if (size) {
            ngx_memcpy(p, b->pos, size);
        }

        p += size;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_argo_sim_literal(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx,
    ngx_uint_t status, const char *json)
{
    argo_out_t  out;

    argo_out_init(&out, r->pool, ngx_strlen(json), NULL, 1);

    ngx_http_argo_sim_write(&out, json);

    ctx->refusal = (status != NGX_HTTP_OK);

    return ngx_http_argo_sim_json(r, ctx, status, &out);
}


static ngx_int_t
ngx_http_argo_sim_report(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    argo_out_t                        out;
    ngx_uint_t                        i, first;
    ngx_http_argo_sim_stats_t        *stats;
    const ngx_http_argo_sim_route_t  *route;

    stats = &ngx_http_argo_sim_stats;

    argo_out_init(&out, r->pool, 256, NULL, 1);

    argo_out_lit(&out, "{\"requests\":");
    argo_out_int(&out, stats->requests);
    argo_out_lit(&out, ",\"active\":");
    argo_out_int(&out, stats->active);
    argo_out_lit(&out, ",\"aborted\":");
    argo_out_int(&out, stats->aborted);
    argo_out_lit(&out, ",\"completed\":");
    argo_out_int(&out, stats->completed);
    argo_out_lit(&out, ",\"routes\":{");

    first = 1;
    route = ngx_http_argo_sim_routes;

    for (i = 0; route[i].path.len; i++) {

        if (stats->routes[i] == 0) {
            continue;
        }

        argo_out_write(&out, first ? "\"" : ",\"", first ? 1 : 2);
        argo_out_str(&out, &route[i].path);
        argo_out_lit(&out, "\":");
        argo_out_int(&out, stats->routes[i]);
        first = 0;
    }

    argo_out_lit(&out, "}}");

    return ngx_http_argo_sim_json(r, ctx, NGX_HTTP_OK, &out);
}


static void
ngx_http_argo_sim_cleanup(void *data)
{
    ngx_http_argo_sim_ctx_t *ctx = data;

    ngx_connection_t  *c;

    if (ctx->timer.timer_set) {
        ngx_del_timer(&ctx->timer);
    }

    if (ctx->timer.posted) {
        ngx_delete_posted_event(&ctx->timer);
    }

    if (!ctx->counted) {
        return;
    }

    ngx_http_argo_sim_stats.active--;

    c = ctx->request->connection;

    /* carrying out a fault marks the connection as broken */

    if (ctx->faulted || (ctx->finished && !c->error && !c->timedout)) {
        ngx_http_argo_sim_stats.completed++;

    } else {
        ngx_http_argo_sim_stats.aborted++;
    }
}


static char *
ngx_http_argo_sim(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_argo_sim_loc_conf_t *aslcf = conf;

    ngx_http_core_loc_conf_t  *clcf;

    if (aslcf->enable != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

#if (NGX_PCRE)
    if (clcf->regex) {
        return "needs a location given by prefix: its routes are what "
               "follows the prefix";
    }
#endif

    if (clcf->named) {
        return "needs a location given by prefix: its routes are what "
               "follows the prefix";
    }

    aslcf->enable = 1;
    clcf->handler = ngx_http_argo_sim_handler;

    return NGX_CONF_OK;
}


static char *
ngx_http_argo_sim_users(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_argo_sim_loc_conf_t *aslcf = conf;

    ngx_str_t   *user, *value;
    ngx_uint_t   i;

    if (aslcf->users == NGX_CONF_UNSET_PTR) {

        aslcf->users = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
        if (aslcf->users == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        user = ngx_array_push(aslcf->users);
        if (user == NULL) {
            return NGX_CONF_ERROR;
        }

        *user = value[i];
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_argo_sim_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_argo_sim_loc_conf_t  *aslcf;

    aslcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_argo_sim_loc_conf_t));
    if (aslcf == NULL) {
        return NULL;
    }

    aslcf->enable = NGX_CONF_UNSET;
    aslcf->users = NGX_CONF_UNSET_PTR;
    aslcf->interval = NGX_CONF_UNSET_MSEC;

    return aslcf;
}


static char *
ngx_http_argo_sim_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_argo_sim_loc_conf_t *prev = parent;
    ngx_http_argo_sim_loc_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->users, prev->users, NULL);
    ngx_conf_merge_msec_value(conf->interval, prev->interval, 0);

    return NGX_CONF_OK;
}
