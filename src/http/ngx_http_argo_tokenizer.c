
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The files of the token tables.  They are mapped while the configuration is
 * read, and workers inherit that: there is one copy for all of them, that of
 * the kernel's page cache.
 */


#include "ngx_http_argo.h"


/* more than any table has */
#define NGX_HTTP_ARGO_MAX_TABLE  (1024 * 1024 * 1024)

#define NGX_HTTP_ARGO_TABLE_REMEDY                                            \
    "\"make\" makes the tables, \"make install\" puts them beside the "       \
    "module, \"argo_tokenizer off;\" does without"


typedef struct {
    u_char      *data;
    size_t       size;
} ngx_http_argo_mapping_t;


static ngx_int_t ngx_http_argo_module_dir(ngx_conf_t *cf, ngx_str_t *dir);
static ngx_int_t ngx_http_argo_open_table(ngx_conf_t *cf, ngx_str_t *path,
    const ngx_str_t *encoding, ngx_uint_t needed, argo_bpe_t **bpe);
static ngx_int_t ngx_http_argo_map_table(ngx_conf_t *cf, ngx_str_t *path,
    ngx_uint_t needed, ngx_http_argo_mapping_t **mapping);
static void ngx_http_argo_unmap_table(void *data);


char *
ngx_http_argo_tokenizer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_argo_main_conf_t *amcf = conf;

    ngx_str_t  *value;

    if (amcf->tokenizer_dir.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "needs a directory";
    }

    amcf->tokenizer_dir = value[1];

    if (ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_conf_full_name(cf->cycle, &amcf->tokenizer_dir, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_argo_open_tokenizer(ngx_conf_t *cf)
{
    u_char                     *p;
    ngx_int_t                   rc;
    ngx_str_t                   dir, path;
    ngx_uint_t                  i;
    argo_bpe_t                 *bpe;
    const ngx_str_t            *name;
    ngx_http_argo_main_conf_t  *amcf;

    amcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_argo_module);

    dir = amcf->tokenizer_dir;

    if (dir.len == 3 && ngx_strncmp(dir.data, "off", 3) == 0) {
        return NGX_OK;
    }

    if (dir.len == 0 && ngx_http_argo_module_dir(cf, &dir) != NGX_OK) {
        return NGX_OK;
    }

    for (i = 0; i < ARGO_ENCODINGS; i++) {
        name = &argo_encoding_names[i];

        path.len = dir.len + 1 + name->len + sizeof(".argo") - 1;
        path.data = ngx_pnalloc(cf->pool, path.len + 1);
        if (path.data == NULL) {
            return NGX_ERROR;
        }

        p = ngx_sprintf(path.data, "%V/%V.argo", &dir, name);
        *p = '\0';

        rc = ngx_http_argo_open_table(cf, &path, name,
                                      amcf->tokenizer_dir.len != 0, &bpe);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            amcf->tokenizer.encodings[i] = bpe;
        }
    }

    return NGX_OK;
}


/* The directory that the module was loaded from, if that can be told. */

static ngx_int_t
ngx_http_argo_module_dir(ngx_conf_t *cf, ngx_str_t *dir)
{
    const char  *slash;
    Dl_info      info;

    if (dladdr(&ngx_http_argo_module, &info) == 0
        || info.dli_fname == NULL)
    {
        return NGX_DECLINED;
    }

    slash = strrchr(info.dli_fname, '/');
    if (slash == NULL) {
        return NGX_DECLINED;
    }

    dir->data = (u_char *) info.dli_fname;
    dir->len = slash - info.dli_fname;

    return NGX_OK;
}


/* NGX_DECLINED: there is none, and none is needed. */

static ngx_int_t
ngx_http_argo_open_table(ngx_conf_t *cf, ngx_str_t *path,
    const ngx_str_t *encoding, ngx_uint_t needed, argo_bpe_t **bpe)
{
    ngx_int_t                 rc;
    const char               *problem;
    ngx_http_argo_mapping_t  *mapping;

    rc = ngx_http_argo_map_table(cf, path, needed, &mapping);
    if (rc != NGX_OK) {
        return rc;
    }

    *bpe = ngx_pcalloc(cf->pool, sizeof(argo_bpe_t));
    if (*bpe == NULL) {
        return NGX_ERROR;
    }

    rc = argo_bpe_open(*bpe, cf->pool, encoding, mapping->data,
                       mapping->size, &problem);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%V\" %s: " NGX_HTTP_ARGO_TABLE_REMEDY, path,
                      problem);
        return NGX_ERROR;
    }

    return rc;
}


static ngx_int_t
ngx_http_argo_map_table(ngx_conf_t *cf, ngx_str_t *path, ngx_uint_t needed,
    ngx_http_argo_mapping_t **mapping)
{
    off_t                size;
    u_char              *data;
    ngx_fd_t             fd;
    ngx_err_t            err;
    ngx_file_info_t      fi;
    ngx_pool_cleanup_t  *cleanup;

    cleanup = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_http_argo_mapping_t));
    if (cleanup == NULL) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        err = ngx_errno;

        if (!needed && (err == NGX_ENOENT || err == NGX_ENOTDIR)) {
            return NGX_DECLINED;
        }

        ngx_log_error(NGX_LOG_EMERG, cf->log, err,
                      ngx_open_file_n " \"%V\" failed: "
                      NGX_HTTP_ARGO_TABLE_REMEDY, path);
        return NGX_ERROR;
    }

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno,
                      ngx_fd_info_n " \"%V\" failed", path);
        (void) ngx_close_file(fd);
        return NGX_ERROR;
    }

    size = ngx_file_size(&fi);

    if (!ngx_is_file(&fi) || size == 0 || size > NGX_HTTP_ARGO_MAX_TABLE) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%V\" is not a token table: "
                      NGX_HTTP_ARGO_TABLE_REMEDY, path);
        (void) ngx_close_file(fd);
        return NGX_ERROR;
    }

    data = mmap(NULL, (size_t) size, PROT_READ, MAP_SHARED, fd, 0);
    err = ngx_errno;

    (void) ngx_close_file(fd);

    if (data == MAP_FAILED) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, err,
                      "mmap(\"%V\", %O) failed", path, size);
        return NGX_ERROR;
    }

    *mapping = cleanup->data;
    (*mapping)->data = data;
    (*mapping)->size = (size_t) size;

    cleanup->handler = ngx_http_argo_unmap_table;

    return NGX_OK;
}


static void
ngx_http_argo_unmap_table(void *data)
{
    ngx_http_argo_mapping_t *mapping = data;

    (void) munmap(mapping->data, mapping->size);
}
