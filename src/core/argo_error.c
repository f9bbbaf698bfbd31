
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * One failure, in neutral terms.
 */


#include "argo_error.h"

#include <stdarg.h>


static void argo_error_fill(argo_error_t *err, ngx_uint_t status,
    const char *code, const char *param);
static ngx_int_t argo_error_length(const char *format, va_list args,
    size_t *len);
static void argo_error_print(u_char *p, const char *format, va_list args);
static u_char *argo_error_int(u_char *end, ngx_int_t n);


ngx_int_t
argo_error_set(argo_error_t *err, ngx_uint_t status, const char *code,
    const char *param, const char *message)
{
    argo_error_fill(err, status, code, param);

    err->message.len = ngx_strlen(message);
    err->message.data = (u_char *) message;

    return NGX_DECLINED;
}


ngx_int_t
argo_error_setf(ngx_pool_t *pool, argo_error_t *err, ngx_uint_t status,
    const char *code, const char *param, const char *format, ...)
{
    size_t     len;
    u_char    *p;
    va_list    args;
    ngx_int_t  rc;

    va_start(args, format);
    rc = argo_error_length(format, args, &len);
    va_end(args);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    va_start(args, format);
    argo_error_print(p, format, args);
    va_end(args);

    argo_error_fill(err, status, code, param);

    err->message.len = len;
    err->message.data = p;

    return NGX_DECLINED;
}


argo_error_e
argo_error_type(ngx_uint_t status)
{
    switch (status) {

    case 401:
        return ARGO_ERROR_AUTHENTICATION;

    case 403:
        return ARGO_ERROR_PERMISSION;

    case 404:
        return ARGO_ERROR_NOT_FOUND;

    case 408:
    case 504:
        return ARGO_ERROR_TIMEOUT;

    case 413:
        return ARGO_ERROR_TOO_LARGE;

    case 429:
        return ARGO_ERROR_RATE_LIMIT;

    case 503:
    case 529:
        return ARGO_ERROR_OVERLOADED;
    }

    if (status >= 400 && status < 500) {
        return ARGO_ERROR_INVALID_REQUEST;
    }

    return ARGO_ERROR_SERVER;
}


static void
argo_error_fill(argo_error_t *err, ngx_uint_t status, const char *code,
    const char *param)
{
    err->status = status;
    err->type = argo_error_type(status);

    ngx_str_null(&err->code);
    ngx_str_null(&err->param);
    ngx_str_null(&err->request_id);

    if (code) {
        err->code.len = ngx_strlen(code);
        err->code.data = (u_char *) code;
    }

    if (param) {
        err->param.len = ngx_strlen(param);
        err->param.data = (u_char *) param;
    }
}


static ngx_int_t
argo_error_length(const char *format, va_list args, size_t *len)
{
    u_char     *end, number[NGX_INT_T_LEN];
    size_t      n;
    ngx_str_t  *s;

    n = 0;
    end = number + sizeof(number);

    for ( /* void */ ; *format; format++) {

        switch (*format) {

        case 'z':
            n += ngx_strlen(va_arg(args, const char *));
            break;

        case 'V':
            s = va_arg(args, ngx_str_t *);
            n += s->len;
            break;

        case 'i':
            n += end - argo_error_int(end, va_arg(args, ngx_int_t));
            break;

        default:
            return NGX_ERROR;
        }
    }

    *len = n;

    return NGX_OK;
}


static void
argo_error_print(u_char *p, const char *format, va_list args)
{
    u_char      *end, *digits, number[NGX_INT_T_LEN];
    ngx_str_t   *s;
    const char  *z;

    end = number + sizeof(number);

    for ( /* void */ ; *format; format++) {

        switch (*format) {

        case 'z':
            z = va_arg(args, const char *);
            p = ngx_cpymem(p, z, ngx_strlen(z));
            break;

        case 'V':
            s = va_arg(args, ngx_str_t *);

            /* memcpy() from NULL is undefined even for no bytes */
            if (s->len) {
                p = ngx_cpymem(p, s->data, s->len);
            }

            break;

        default: /* 'i' */
            digits = argo_error_int(end, va_arg(args, ngx_int_t));
            p = ngx_cpymem(p, digits, end - digits);
        }
    }

    *p = '\0';
}


/* Prints backwards from end; returns where the number starts. */

static u_char *
argo_error_int(u_char *end, ngx_int_t n)
{
    ngx_uint_t  u;

    /* the smallest integer has no positive counterpart */
    u = (n < 0) ? 0 - (ngx_uint_t) n : (ngx_uint_t) n;

    do {
        *--end = (u_char) ('0' + u % 10);
        u /= 10;
    } while (u);

    if (n < 0) {
        *--end = '-';
    }

    return end;
}
