
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Who the client says that it is.  ARGO knows account names only, and clients
 * have other keys in their settings too: a key must never be sent on as a
 * name, nor be written to a log as one.
 */


#include "ngx_http_argo.h"


/* the longest name that is taken for an account's, and for any user's */
#define NGX_HTTP_ARGO_MAX_ACCOUNT  32
#define NGX_HTTP_ARGO_MAX_USER     128


static ngx_int_t ngx_http_argo_find_credential(ngx_http_request_t *r,
    ngx_str_t *value);
static ngx_str_t *ngx_http_argo_hidden_key(ngx_http_request_t *r);
static void ngx_http_argo_key_cleanup(void *data);
static void ngx_http_argo_find_key(ngx_str_t *args, ngx_str_t *value);
static void ngx_http_argo_cover_key(ngx_str_t *s, ngx_uint_t inside);
static ngx_uint_t ngx_http_argo_is_account(const ngx_str_t *name);


/* in the order in which they count */

static ngx_str_t  ngx_http_argo_key_headers[] = {
    ngx_string("x-api-key"),
    ngx_string("api-key"),
    ngx_string("x-goog-api-key"),
    ngx_null_string
};


/* how the keys of vendors begin, those that are short enough for a name */

static ngx_str_t  ngx_http_argo_key_prefixes[] = {
    ngx_string("sk-"),
    ngx_string("sk_"),
    ngx_string("pk-"),
    ngx_string("pk_"),
    ngx_string("rk-"),
    ngx_string("gsk_"),
    ngx_string("xai-"),
    ngx_string("hf_"),
    ngx_string("aiza"),
    ngx_string("key-"),
    ngx_string("ghp_"),
    ngx_string("eyj"),                  /* a JSON web token */
    ngx_null_string
};


ngx_int_t
ngx_http_argo_credential(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_str_t  value;

    if (ngx_http_argo_find_credential(r, &value) != NGX_OK
        || !ngx_http_argo_is_account(&value))
    {
        return NGX_DECLINED;
    }

    name->data = ngx_pnalloc(r->pool, value.len);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    name->len = value.len;

    ngx_strlow(name->data, value.data, value.len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_find_credential(ngx_http_request_t *r, ngx_str_t *value)
{
    ngx_str_t        *name, *key;
    ngx_table_elt_t  *h;

    h = r->headers_in.authorization;

    if (h && h->value.len) {
        *value = h->value;

        if (value->len > sizeof("Bearer ") - 1
            && ngx_strncasecmp(value->data, (u_char *) "Bearer ",
                               sizeof("Bearer ") - 1)
               == 0)
        {
            value->data += sizeof("Bearer ") - 1;
            value->len -= sizeof("Bearer ") - 1;
        }

        return NGX_OK;
    }

    for (name = ngx_http_argo_key_headers; name->len; name++) {

        h = ngx_http_argo_find_header(&r->headers_in.headers, name);

        if (h && h->value.len) {
            *value = h->value;
            return NGX_OK;
        }
    }

    key = ngx_http_argo_hidden_key(r);

    if (key) {
        *value = *key;
        return NGX_OK;
    }

    return NGX_DECLINED;
}


/*
 * What has been covered is kept in a cleanup of the pool, as nginx's realip
 * module keeps addresses: contexts are zeroed by redirects.
 */

ngx_int_t
ngx_http_argo_hide_key(ngx_http_request_t *r)
{
    ngx_str_t                  value, *key;
    ngx_pool_cleanup_t        *cln;
    ngx_http_argo_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);

    if (alcf->endpoint == NULL || r != r->main || r->args.len == 0) {
        return NGX_DECLINED;
    }

    ngx_http_argo_find_key(&r->args, &value);

    /* it comes here again when a location is left for another */

    if (value.len && ngx_http_argo_hidden_key(r) == NULL) {

        cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_str_t));
        if (cln == NULL) {
            return NGX_ERROR;
        }

        key = cln->data;

        key->len = value.len;
        key->data = ngx_pstrdup(r->pool, &value);
        if (key->data == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_http_argo_key_cleanup;
    }

    /* one place in memory or three, by the version of HTTP */

    ngx_http_argo_cover_key(&r->args, 1);
    ngx_http_argo_cover_key(&r->unparsed_uri, 0);
    ngx_http_argo_cover_key(&r->request_line, 0);

    return NGX_DECLINED;
}


static ngx_str_t *
ngx_http_argo_hidden_key(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_argo_key_cleanup) {
            return cln->data;
        }
    }

    return NULL;
}


/* only marks what it is a cleanup of */

static void
ngx_http_argo_key_cleanup(void *data)
{
    ngx_str_t *key = data;

    ngx_explicit_memzero(key->data, key->len);
}


/* The first argument "key" that is not empty; len 0: there is none. */

static void
ngx_http_argo_find_key(ngx_str_t *args, ngx_str_t *value)
{
    u_char     *p, *last;
    ngx_str_t   rest;

    rest = *args;

    ngx_str_null(value);

    while (rest.len) {
        last = rest.data + rest.len;
        p = ngx_strlchr(rest.data, last, '&');

        if (p == NULL) {
            p = last;
        }

        if (p - rest.data > 4
            && ngx_strncasecmp(rest.data, (u_char *) "key=", 4) == 0)
        {
            value->data = rest.data + 4;
            value->len = p - value->data;
            return;
        }

        rest.data = (p < last) ? p + 1 : last;
        rest.len = last - rest.data;
    }
}


/* Covers the values of all arguments "key", as nginx knows arguments. */

static void
ngx_http_argo_cover_key(ngx_str_t *s, ngx_uint_t inside)
{
    u_char  *p, *last;

    p = s->data;
    last = p + s->len;

    while (p < last) {

        if (!inside) {
            inside = (*p == '?' || *p == '&');
            p++;
            continue;
        }

        inside = 0;

        if (last - p < 4 || ngx_strncasecmp(p, (u_char *) "key=", 4) != 0) {
            continue;
        }

        for (p += 4; p < last && *p != '&' && *p != ' '; p++) {
            *p = '*';
        }
    }
}


/* a letter, then letters, digits and single ".", "_" or "-" between them */

static ngx_uint_t
ngx_http_argo_is_account(const ngx_str_t *name)
{
    u_char      c, last;
    size_t      i;
    ngx_str_t  *prefix;

    if (name->len == 0 || name->len > NGX_HTTP_ARGO_MAX_ACCOUNT) {
        return 0;
    }

    for (prefix = ngx_http_argo_key_prefixes; prefix->len; prefix++) {

        if (name->len >= prefix->len
            && ngx_strncasecmp(name->data, prefix->data, prefix->len) == 0)
        {
            return 0;
        }
    }

    last = '.';

    for (i = 0; i < name->len; i++) {
        c = (u_char) (name->data[i] | 0x20);

        if (c >= 'a' && c <= 'z') {
            last = c;
            continue;
        }

        c = name->data[i];

        if (i == 0) {
            return 0;
        }

        if (c < '0' || c > '9') {

            if ((c != '.' && c != '_' && c != '-')
                || last == '.' || last == '_' || last == '-')
            {
                return 0;
            }
        }

        last = c;
    }

    return last != '.' && last != '_' && last != '-';
}


ngx_uint_t
ngx_http_argo_valid_user(const ngx_str_t *name)
{
    size_t  i;

    if (name->len == 0 || name->len > NGX_HTTP_ARGO_MAX_USER) {
        return 0;
    }

    for (i = 0; i < name->len; i++) {

        if (name->data[i] <= ' ' || name->data[i] >= 0x7f
            || name->data[i] == '"' || name->data[i] == '\\')
        {
            return 0;
        }
    }

    return 1;
}
