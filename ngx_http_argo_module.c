
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Directives and configuration; what they do is in src/http/.
 */


#include "ngx_http_argo.h"


static void *ngx_http_argo_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_argo_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_argo_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static void ngx_http_argo_inherit_endpoint(ngx_conf_t *cf,
    ngx_http_argo_loc_conf_t *conf, ngx_http_argo_loc_conf_t *prev);
static char *ngx_http_argo_merge_models(ngx_conf_t *cf,
    ngx_http_argo_loc_conf_t *conf, ngx_http_argo_loc_conf_t *prev);
static char *ngx_http_argo_check_endpoint(ngx_conf_t *cf,
    ngx_http_argo_loc_conf_t *conf);
static char *ngx_http_argo_check_default(ngx_conf_t *cf,
    ngx_http_argo_loc_conf_t *conf, const char *directive,
    const ngx_str_t *name, argo_model_kind_e kind);
static char *ngx_http_argo_missing(ngx_conf_t *cf,
    ngx_http_argo_loc_conf_t *conf, const char *remedy);
static ngx_int_t ngx_http_argo_postconfiguration(ngx_conf_t *cf);
static char *ngx_http_argo_endpoint(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_argo_upstream(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_argo_upstream_api(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_argo_model(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_argo_version_feed(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_conf_enum_t  ngx_http_argo_stream_modes[] = {
    { ngx_string("real"), 0 },
    { ngx_string("pseudo"), 1 },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_http_argo_commands[] = {

    { ngx_string("argo_endpoint"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_argo_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("argo_upstream"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_argo_upstream,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("argo_upstream_api"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_argo_upstream_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("argo_native_responses"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_argo_loc_conf_t, responses),
      NULL },

    { ngx_string("argo_user"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_argo_loc_conf_t, user),
      NULL },

    { ngx_string("argo_stream"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_argo_loc_conf_t, pseudo),
      ngx_http_argo_stream_modes },

    { ngx_string("argo_heartbeat"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_argo_loc_conf_t, heartbeat),
      NULL },

    { ngx_string("argo_model"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE2,
      ngx_http_argo_model,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("argo_model_rules"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_argo_model_rules,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_argo_loc_conf_t, rules),
      NULL },

    { ngx_string("argo_default_model"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_argo_loc_conf_t, default_model),
      NULL },

    { ngx_string("argo_default_embedding_model"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_argo_loc_conf_t, default_embedding_model),
      NULL },

    { ngx_string("argo_models_refresh"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_argo_loc_conf_t, models_refresh),
      NULL },

    { ngx_string("argo_image_fetch"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_argo_image_fetch,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("argo_image_http"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_argo_loc_conf_t, image.http),
      NULL },

    { ngx_string("argo_image_ports"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_argo_image_ports,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("argo_image_allow"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_argo_image_networks,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_argo_loc_conf_t, image.allow),
      NULL },

    { ngx_string("argo_image_deny"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_argo_image_networks,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_argo_loc_conf_t, image.deny),
      NULL },

    { ngx_string("argo_image_limits"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_argo_image_limits,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("argo_version_feed"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_argo_version_feed,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("argo_tokenizer"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_argo_tokenizer,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("argo_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      ngx_http_argo_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_argo_module_ctx = {
    ngx_http_argo_add_variables,           /* preconfiguration */
    ngx_http_argo_postconfiguration,       /* postconfiguration */

    ngx_http_argo_create_main_conf,        /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_argo_create_loc_conf,         /* create location configuration */
    ngx_http_argo_merge_loc_conf           /* merge location configuration */
};


ngx_module_t  ngx_http_argo_module = {
    NGX_MODULE_V1,
    &ngx_http_argo_module_ctx,             /* module context */
    ngx_http_argo_commands,                /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_argo_init_shutdown,           /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_argo_exit_shutdown,           /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_argo_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_argo_main_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_argo_main_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->zone = NULL;
     *     conf->shared = NULL;
     *     conf->request_id = 0;
     *     conf->tokenizer_dir = { 0, NULL };
     *     conf->tokenizer = { NULL };
     *     conf->rules = NULL;
     */

    conf->work = argo_work_create(cf->pool);
    if (conf->work == NULL) {
        return NULL;
    }

    if (ngx_array_init(&conf->models, cf->pool, 4,
                       sizeof(ngx_http_argo_models_t *))
        != NGX_OK)
    {
        return NULL;
    }

    return conf;
}


static void *
ngx_http_argo_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_argo_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_argo_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->endpoint = NULL;
     *     conf->file = { 0, NULL };
     *     conf->line = 0;
     *     conf->upstream = { 0, NULL };
     *     conf->models = NULL;
     *     conf->rules = NULL;
     *     conf->default_model = { 0, NULL };
     *     conf->default_embedding_model = { 0, NULL };
     *     conf->live = NULL;
     *     conf->version_feed = { 0, NULL };
     */

    conf->api = NGX_CONF_UNSET_UINT;
    conf->responses = NGX_CONF_UNSET;
    conf->user = NGX_CONF_UNSET_PTR;
    conf->pseudo = NGX_CONF_UNSET_UINT;
    conf->heartbeat = NGX_CONF_UNSET_MSEC;
    conf->aliases = NGX_CONF_UNSET_PTR;
    conf->models_refresh = NGX_CONF_UNSET;

    ngx_http_argo_init_image_conf(&conf->image);

    return conf;
}


static char *
ngx_http_argo_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_argo_loc_conf_t *prev = parent;
    ngx_http_argo_loc_conf_t *conf = child;

    ngx_conf_merge_str_value(conf->upstream, prev->upstream, "");
    ngx_conf_merge_ptr_value(conf->user, prev->user, NULL);
    ngx_conf_merge_uint_value(conf->pseudo, prev->pseudo, 0);
    ngx_conf_merge_msec_value(conf->heartbeat, prev->heartbeat, 15000);
    ngx_conf_merge_str_value(conf->default_model, prev->default_model, "");
    ngx_conf_merge_str_value(conf->default_embedding_model,
                             prev->default_embedding_model, "");
    ngx_conf_merge_sec_value(conf->models_refresh, prev->models_refresh,
                             24 * 60 * 60);
    ngx_conf_merge_str_value(conf->version_feed, prev->version_feed, "");

    ngx_http_argo_merge_image_conf(&conf->image, &prev->image);

    ngx_conf_merge_uint_value(conf->api, prev->api, NGX_HTTP_ARGO_API_NATIVE);
    ngx_conf_merge_value(conf->responses, prev->responses, 1);

    if (ngx_http_argo_merge_models(cf, conf, prev) != NGX_CONF_OK
        || ngx_http_argo_merge_rules(cf, &conf->rules, prev->rules)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_http_argo_inherit_endpoint(cf, conf, prev);

    return ngx_http_argo_check_endpoint(cf, conf);
}


/*
 * An endpoint belongs to its location, but the blocks "if" and
 * "limit_except" within it are locations of their own to nginx.
 */

static void
ngx_http_argo_inherit_endpoint(ngx_conf_t *cf,
    ngx_http_argo_loc_conf_t *conf, ngx_http_argo_loc_conf_t *prev)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (!clcf->noname || conf->endpoint || clcf->handler) {
        return;
    }

    conf->endpoint = prev->endpoint;
    conf->file = prev->file;
    conf->line = prev->line;

    if (clcf->lmt_excpt && conf->endpoint) {
        clcf->handler = ngx_http_argo_handler;
    }
}


/*
 * Aliases of an inner level take the place of those of the outer one; a
 * table is made once for each level that has aliases of its own.
 */

static char *
ngx_http_argo_merge_models(ngx_conf_t *cf, ngx_http_argo_loc_conf_t *conf,
    ngx_http_argo_loc_conf_t *prev)
{
    ngx_uint_t                 n;
    argo_model_alias_t        *aliases;
    ngx_http_argo_loc_conf_t  *owner;

    owner = (conf->aliases == NGX_CONF_UNSET_PTR) ? prev : conf;

    if (owner->models == NULL) {

        aliases = NULL;
        n = 0;

        if (owner->aliases != NGX_CONF_UNSET_PTR && owner->aliases) {
            aliases = owner->aliases->elts;
            n = owner->aliases->nelts;
        }

        owner->models = argo_model_table_create(cf->pool, aliases, n);
        if (owner->models == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    conf->models = owner->models;

    ngx_conf_merge_ptr_value(conf->aliases, prev->aliases, NULL);

    return NGX_CONF_OK;
}


static char *
ngx_http_argo_check_endpoint(ngx_conf_t *cf, ngx_http_argo_loc_conf_t *conf)
{
    ngx_http_argo_main_conf_t  *amcf;

    if (conf->endpoint == NULL) {
        return NGX_CONF_OK;
    }

    amcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_argo_module);

    if (conf->endpoint->zone && amcf->zone == NULL) {
        return ngx_http_argo_missing(cf, conf,
                                     "\"argo_zone argo 4m;\" in the block "
                                     "\"http\"");
    }

    if (conf->endpoint->handler == ngx_http_argo_version_handler
        && conf->version_feed.len && amcf->zone == NULL)
    {
        return ngx_http_argo_missing(cf, conf,
                                     "\"argo_zone argo 4m;\" in the block "
                                     "\"http\", for \"argo_version_feed\"");
    }

    if (ngx_http_argo_merge_live(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (!conf->endpoint->upstream) {
        return NGX_CONF_OK;
    }

    if (conf->upstream.len == 0) {
        return ngx_http_argo_missing(cf, conf,
                                     "\"argo_upstream /argo/;\", the prefix "
                                     "of the internal location that passes "
                                     "to ARGO");
    }

    if (conf->endpoint->service) {
        return NGX_CONF_OK;
    }

    if (conf->user == NULL) {
        return ngx_http_argo_missing(cf, conf,
                                     "\"argo_user name;\", the ARGO user in "
                                     "whose name requests are made");
    }

    if (ngx_http_argo_check_image_conf(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_argo_check_default(cf, conf, "argo_default_model",
                                    &conf->default_model, ARGO_MODEL_CHAT)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_argo_check_default(cf, conf,
                                       "argo_default_embedding_model",
                                       &conf->default_embedding_model,
                                       ARGO_MODEL_EMBEDDING);
}


static char *
ngx_http_argo_check_default(ngx_conf_t *cf, ngx_http_argo_loc_conf_t *conf,
    const char *directive, const ngx_str_t *name, argo_model_kind_e kind)
{
    const argo_model_t  *model;

    if (name->len == 0) {
        return NGX_CONF_OK;
    }

    model = argo_model_find(conf->models, name);

    if (model && model->kind == kind) {
        return NGX_CONF_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"%s %V\" is not %s model that is known, for "
                  "\"argo_endpoint\" in %V:%ui; \"argo_model alias id;\" "
                  "makes one known",
                  directive, name,
                  (kind == ARGO_MODEL_CHAT) ? "a chat" : "an embedding",
                  &conf->file, conf->line);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_argo_missing(ngx_conf_t *cf, ngx_http_argo_loc_conf_t *conf,
    const char *remedy)
{
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"argo_endpoint %V\" needs %s in %V:%ui",
                  &conf->endpoint->name, remedy, &conf->file, conf->line);

    return NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_argo_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;
    ngx_http_argo_main_conf_t  *amcf;

    static ngx_str_t            name = ngx_string("request_id");

    amcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_argo_module);

    amcf->request_id = ngx_http_get_variable_index(cf, &name);

    if (amcf->request_id == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (ngx_http_argo_open_tokenizer(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_argo_hide_key;

    return ngx_http_argo_filter_init(cf);
}


static char *
ngx_http_argo_endpoint(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_argo_loc_conf_t *alcf = conf;

    ngx_str_t                 *value, names;
    ngx_http_core_loc_conf_t  *clcf;

    if (alcf->endpoint) {
        return "is duplicate";
    }

    value = cf->args->elts;

    alcf->endpoint = ngx_http_argo_find_endpoint(&value[1]);

    if (alcf->endpoint == NULL) {

        if (ngx_http_argo_endpoint_names(cf->pool, &names) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown endpoint \"%V\" in \"%V\": it can be "
                           "auto, %V",
                           &value[1], &cmd->name, &names);
        return NGX_CONF_ERROR;
    }

    /* what an endpoint needs may be set later; then this is where it is */

    alcf->file = cf->conf_file->file.name;
    alcf->line = cf->conf_file->line;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    clcf->handler = ngx_http_argo_handler;

    return NGX_CONF_OK;
}


static char *
ngx_http_argo_upstream(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_argo_loc_conf_t *alcf = conf;

    ngx_str_t  *value;

    if (alcf->upstream.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0 || value[1].data[0] != '/'
        || value[1].data[value[1].len - 1] != '/')
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid prefix \"%V\" in \"%V\": it must begin "
                           "and end with \"/\", as the internal location "
                           "does that it names",
                           &value[1], &cmd->name);
        return NGX_CONF_ERROR;
    }

    alcf->upstream = value[1];

    return NGX_CONF_OK;
}


static char *
ngx_http_argo_upstream_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_argo_loc_conf_t *alcf = conf;

    ngx_str_t  *value;

    if (alcf->api != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (argo_str_is(&value[1], "native")) {
        alcf->api = NGX_HTTP_ARGO_API_NATIVE;

    } else if (argo_str_is(&value[1], "legacy")) {
        alcf->api = NGX_HTTP_ARGO_API_LEGACY;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"%V\": it can be "
                           "\"native\" or \"legacy\"",
                           &value[1], &cmd->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_argo_model(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_argo_loc_conf_t *alcf = conf;

    ngx_str_t           *value;
    argo_model_alias_t  *alias;

    value = cf->args->elts;

    if (value[1].len == 0 || value[1].len > ARGO_MODEL_MAX_NAME
        || value[2].len == 0 || value[2].len > ARGO_MODEL_MAX_NAME)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" takes a name for clients and ARGO's id, "
                           "each of at most %d characters",
                           &cmd->name, ARGO_MODEL_MAX_NAME);
        return NGX_CONF_ERROR;
    }

    if (alcf->aliases == NGX_CONF_UNSET_PTR) {

        alcf->aliases = ngx_array_create(cf->pool, 4,
                                         sizeof(argo_model_alias_t));
        if (alcf->aliases == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    alias = ngx_array_push(alcf->aliases);
    if (alias == NULL) {
        return NGX_CONF_ERROR;
    }

    alias->alias = value[1];
    alias->id = value[2];

    return NGX_CONF_OK;
}


static char *
ngx_http_argo_version_feed(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_argo_loc_conf_t *alcf = conf;

    ngx_str_t  *value;

    if (alcf->version_feed.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0 || value[1].data[0] != '/') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid URI \"%V\" in \"%V\": it must begin with "
                           "\"/\" and lead to an internal location that "
                           "passes to the feed",
                           &value[1], &cmd->name);
        return NGX_CONF_ERROR;
    }

    alcf->version_feed = value[1];

    return NGX_CONF_OK;
}
