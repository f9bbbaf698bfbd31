
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What models take and refuse: the rules from the configuration, and what
 * was done by them, for the log and for the client.
 */


#include "ngx_http_argo.h"
#include "argo_rules.h"


/* a longer value of the header is cut at a change */
#define NGX_HTTP_ARGO_MAX_CHANGES  1024


static char *ngx_http_argo_read_rules(ngx_conf_t *cf, argo_rules_t *rules,
    ngx_str_t *name);
static char *ngx_http_argo_rules_line(ngx_conf_t *cf, ngx_command_t *dummy,
    void *conf);
static ngx_uint_t ngx_http_argo_is_told(const argo_request_t *req,
    const argo_request_t *last, const argo_change_t *change);
static ngx_uint_t ngx_http_argo_print_change(ngx_str_t *value,
    const ngx_str_t *note);


char *
ngx_http_argo_model_rules(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    argo_rules_t **rules;

    char        *p = conf;
    char        *rv;
    ngx_str_t   *value;
    ngx_uint_t   i, n;

    rules = (argo_rules_t **) (p + cmd->offset);

    if (*rules) {
        return "is duplicate";
    }

    *rules = argo_rules_create(cf->pool);
    if (*rules == NULL) {
        return NGX_CONF_ERROR;
    }

    /* the parser uses the array of arguments for each line of a file */

    n = cf->args->nelts;

    value = ngx_palloc(cf->pool, n * sizeof(ngx_str_t));
    if (value == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(value, cf->args->elts, n * sizeof(ngx_str_t));

    i = 1;

    if (argo_str_is(&value[1], "none")) {
        i = 2;

    } else {

        if (argo_rules_add_builtin(*rules) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        if (argo_str_is(&value[1], "builtin")) {
            i = 2;
        }
    }

    for ( /* void */ ; i < n; i++) {

        rv = ngx_http_argo_read_rules(cf, *rules, &value[i]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_argo_read_rules(ngx_conf_t *cf, argo_rules_t *rules,
    ngx_str_t *name)
{
    char        *rv;
    ngx_str_t    file;
    ngx_conf_t   save;

    file = *name;

    if (file.len == 0 || argo_str_is(&file, "none")
        || argo_str_is(&file, "builtin"))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid file \"%V\" in \"argo_model_rules\": it "
                           "takes \"builtin\" or \"none\", which must be "
                           "first, and files of rules", name);
        return NGX_CONF_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, &file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    save = *cf;

    cf->handler = ngx_http_argo_rules_line;
    cf->handler_conf = (void *) rules;

    rv = ngx_conf_parse(cf, &file);

    *cf = save;

    return rv;
}


static char *
ngx_http_argo_rules_line(ngx_conf_t *cf, ngx_command_t *dummy, void *conf)
{
    argo_rules_t *rules = conf;

    ngx_int_t     rc;
    argo_error_t  err;

    rc = argo_rules_add(rules, cf->args->elts, cf->args->nelts, &err);

    if (rc == NGX_DECLINED) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%V", &err.message);
    }

    return (rc == NGX_OK) ? NGX_CONF_OK : NGX_CONF_ERROR;
}


char *
ngx_http_argo_merge_rules(ngx_conf_t *cf, argo_rules_t **rules,
    argo_rules_t *prev)
{
    ngx_http_argo_main_conf_t  *amcf;

    if (*rules) {
        return NGX_CONF_OK;
    }

    if (prev) {
        *rules = prev;
        return NGX_CONF_OK;
    }

    /* one set for all locations that say nothing */

    amcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_argo_module);

    if (amcf->rules == NULL) {

        amcf->rules = argo_rules_create(cf->pool);

        if (amcf->rules == NULL
            || argo_rules_add_builtin(amcf->rules) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    *rules = amcf->rules;

    return NGX_CONF_OK;
}


const argo_profile_t *
ngx_http_argo_rules_profile(ngx_http_request_t *r, const argo_model_t *model)
{
    ngx_http_argo_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    return argo_rules_profile(alcf->rules, model);
}


ngx_int_t
ngx_http_argo_tell_changes(ngx_http_request_t *r, const argo_request_t *req)
{
    ngx_str_t              value;
    ngx_uint_t             cut;
    const argo_change_t   *change;
    const argo_request_t  *each;

    for (each = req; each && each->changes == NULL; each = each->next) {
        /* void */
    }

    if (each == NULL) {
        return NGX_OK;
    }

    value.len = 0;

    value.data = ngx_pnalloc(r->pool, NGX_HTTP_ARGO_MAX_CHANGES);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    cut = 0;

    for (each = req; each; each = each->next) {

        for (change = each->changes; change; change = change->next) {

            if (ngx_http_argo_is_told(req, each, change)) {
                continue;
            }

            ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                          "argo rule: %V", &change->note);

            if (!cut) {
                cut = ngx_http_argo_print_change(&value, &change->note);
            }
        }
    }

    return ngx_http_argo_add_header(r, "x-argo-changes", &value);
}


/* Several requests of one client's are mostly changed alike. */

static ngx_uint_t
ngx_http_argo_is_told(const argo_request_t *req, const argo_request_t *last,
    const argo_change_t *change)
{
    const argo_change_t  *past;

    for ( /* void */ ; req; req = req->next) {

        for (past = req->changes; past; past = past->next) {

            if (past == change) {
                return 0;
            }

            if (past->note.len == change->note.len
                && ngx_memcmp(past->note.data, change->note.data,
                              change->note.len)
                   == 0)
            {
                return 1;
            }
        }

        if (req == last) {
            break;
        }
    }

    return 0;
}


/* True if there is no room for it; what says so is always left. */

static ngx_uint_t
ngx_http_argo_print_change(ngx_str_t *value, const ngx_str_t *note)
{
    u_char      *p, c;
    size_t       i;
    ngx_str_t    text;
    ngx_uint_t   cut;

    static const ngx_str_t  dots = ngx_string("...");

    text = *note;

    cut = (text.len + 2 * (sizeof("; ") - 1) + dots.len
           > NGX_HTTP_ARGO_MAX_CHANGES - value->len);

    if (cut) {
        text = dots;
    }

    p = value->data + value->len;

    if (value->len) {
        *p++ = ';';
        *p++ = ' ';
    }

    for (i = 0; i < text.len; i++) {
        c = text.data[i];
        *p++ = (c < 0x20 || c > 0x7e) ? '?' : c;
    }

    value->len = p - value->data;

    return cut;
}
