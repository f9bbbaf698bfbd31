
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * argo_error.h: constant and assembled messages, types of statuses.
 */


#include "argo_test.h"
#include "argo_error.h"


static void
test_types(void)
{
    size_t  i;

    static const struct {
        ngx_uint_t    status;
        argo_error_e  type;
    } table[] = {
        { 0, ARGO_ERROR_SERVER },
        { 200, ARGO_ERROR_SERVER },
        { 302, ARGO_ERROR_SERVER },
        { 400, ARGO_ERROR_INVALID_REQUEST },
        { 401, ARGO_ERROR_AUTHENTICATION },
        { 403, ARGO_ERROR_PERMISSION },
        { 404, ARGO_ERROR_NOT_FOUND },
        { 405, ARGO_ERROR_INVALID_REQUEST },
        { 408, ARGO_ERROR_TIMEOUT },
        { 409, ARGO_ERROR_INVALID_REQUEST },
        { 413, ARGO_ERROR_TOO_LARGE },
        { 422, ARGO_ERROR_INVALID_REQUEST },
        { 429, ARGO_ERROR_RATE_LIMIT },
        { 499, ARGO_ERROR_INVALID_REQUEST },
        { 500, ARGO_ERROR_SERVER },
        { 502, ARGO_ERROR_SERVER },
        { 503, ARGO_ERROR_OVERLOADED },
        { 504, ARGO_ERROR_TIMEOUT },
        { 529, ARGO_ERROR_OVERLOADED },
        { 599, ARGO_ERROR_SERVER },
        { 600, ARGO_ERROR_SERVER }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        is(argo_error_type(table[i].status), table[i].type,
           "type of status %lu", (unsigned long) table[i].status);
    }
}


static void
test_set(void)
{
    argo_error_t  err;

    memset(&err, 0xa5, sizeof(err));

    is(argo_error_set(&err, 404, "model_not_found", "model", "no such model"),
       NGX_DECLINED, "a constant error");
    is(err.status, 404, "its status");
    is(err.type, ARGO_ERROR_NOT_FOUND, "its type");
    is_str(&err.code, "model_not_found", "its code");
    is_str(&err.param, "model", "its param");
    is_str(&err.message, "no such model", "its message");

    memset(&err, 0xa5, sizeof(err));

    is(argo_error_set(&err, 500, NULL, NULL, ""), NGX_DECLINED,
       "an error of nothing but a status");
    ok(err.code.data == NULL && err.code.len == 0, "it has no code");
    ok(err.param.data == NULL && err.param.len == 0, "it has no param");
    ok(err.message.data != NULL && err.message.len == 0, "an empty message");
}


static void
test_setf(void)
{
    ngx_str_t      s, empty;
    ngx_int_t      rc;
    ngx_pool_t    *pool;
    argo_error_t   err, before;

    pool = test_pool();

    s = STR("messages");
    ngx_str_null(&empty);

    memset(&err, 0xa5, sizeof(err));

    rc = argo_error_setf(pool, &err, 400, "invalid_type", "messages",
                         "VziziV", &s, " has ", (ngx_int_t) 3,
                         " of at most ", (ngx_int_t) -20, &empty);

    is(rc, NGX_DECLINED, "an assembled error");
    is(err.status, 400, "its status");
    is(err.type, ARGO_ERROR_INVALID_REQUEST, "its type");
    is_str(&err.code, "invalid_type", "its code");
    is_str(&err.param, "messages", "its param");
    is_str(&err.message, "messages has 3 of at most -20", "its message");
    is(err.message.data[err.message.len], 0, "a NUL behind it");

    rc = argo_error_setf(pool, &err, 400, NULL, NULL, "iziziz",
                         (ngx_int_t) 0, " ", (ngx_int_t) NGX_MAX_INT_T_VALUE,
                         " ", (ngx_int_t) -NGX_MAX_INT_T_VALUE - 1, "");

    is(rc, NGX_DECLINED, "integers at their limits");
    is_str(&err.message, "0 9223372036854775807 -9223372036854775808",
           "are printed in full");
    ok(err.code.data == NULL && err.param.data == NULL, "no code, no param");

    is(argo_error_setf(pool, &err, 400, NULL, NULL, ""), NGX_DECLINED,
       "an empty format");
    is(err.message.len, 0, "an empty message");

    before = err;

    is(argo_error_setf(pool, &err, 500, "c", "p", "zd", "a", 1), NGX_ERROR,
       "an unknown letter");
    ok(memcmp(&before, &err, sizeof(err)) == 0, "leaves the error alone");

    ngx_shim_fail(1);

    is(argo_error_setf(pool, &err, 500, "c", "p", "z", "text"), NGX_ERROR,
       "no memory");
    ok(ngx_shim_failed(), "an allocation was made to fail");
    ok(memcmp(&before, &err, sizeof(err)) == 0, "leaves the error alone");

    ngx_shim_fail(0);

    ngx_destroy_pool(pool);
}


int
main(void)
{
    test_types();
    test_set();
    test_setf();

    return done();
}
