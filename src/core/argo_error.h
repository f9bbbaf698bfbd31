
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * One failure, in neutral terms.  Only the client's dialect turns it into
 * text; only the glue logs it.
 */


#ifndef _ARGO_ERROR_H_INCLUDED_
#define _ARGO_ERROR_H_INCLUDED_


#include "argo_core.h"


typedef enum {
    ARGO_ERROR_INVALID_REQUEST = 0,
    ARGO_ERROR_AUTHENTICATION,
    ARGO_ERROR_PERMISSION,
    ARGO_ERROR_NOT_FOUND,
    ARGO_ERROR_TOO_LARGE,
    ARGO_ERROR_RATE_LIMIT,
    ARGO_ERROR_SERVER,              /* ours or ARGO's; a retry may help */
    ARGO_ERROR_OVERLOADED,
    ARGO_ERROR_TIMEOUT
} argo_error_e;


struct argo_error_s {
    ngx_uint_t    status;           /* HTTP status for the client */
    argo_error_e  type;
    ngx_str_t     message;          /* plain text, no user content */
    ngx_str_t     param;            /* data == NULL: none */
    ngx_str_t     code;             /* data == NULL: none */
    ngx_str_t     request_id;       /* len 0: not to be told; by the glue */
};


/*
 * Sets *err from literals that live as long as the program; code and param
 * may be NULL.  Returns NGX_DECLINED, so that a caller can return it.
 */
ngx_int_t argo_error_set(argo_error_t *err, ngx_uint_t status,
    const char *code, const char *param, const char *message);

/*
 * The same with a message put together in the pool: a list of nul-terminated
 * "const char *" and "ngx_str_t *" is told apart by format, one letter an
 * argument: 'z' const char *, 'V' ngx_str_t *, 'i' ngx_int_t.  Returns
 * NGX_DECLINED, or NGX_ERROR if there is no memory.
 */
ngx_int_t argo_error_setf(ngx_pool_t *pool, argo_error_t *err,
    ngx_uint_t status, const char *code, const char *param,
    const char *format, ...);

/* The type that goes with an HTTP status when nothing better is known. */
argo_error_e argo_error_type(ngx_uint_t status);


#endif /* _ARGO_ERROR_H_INCLUDED_ */
