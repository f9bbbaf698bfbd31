
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Tools of a request, as fronts and backs both need them.
 */


#ifndef _ARGO_TOOL_H_INCLUDED_
#define _ARGO_TOOL_H_INCLUDED_


#include "argo_core.h"
#include "argo_ir.h"


/* calls of a message: pairing them takes time by their square */
#define ARGO_TOOL_MAX_CALLS  512


/* True if two slices of escaped text stand for the same text. */
ngx_uint_t argo_tool_same(const ngx_str_t *a, const ngx_str_t *b);

/* Finds a function of the request by its name, escaped; NULL: none. */
const argo_tool_t *argo_tool_find(const argo_request_t *req,
    const ngx_str_t *name);

/*
 * True if the model has tools and may call them: what looks like a call in
 * its answer is one.
 */
ngx_uint_t argo_tool_callable(const argo_request_t *req);

/*
 * Pairs the calls of a message with the results that follow it: sets peer of
 * both, NULL where there is none.  NGX_DECLINED with err: there are too many,
 * or a result answers nothing.
 */
ngx_int_t argo_tool_pair(ngx_pool_t *pool, const argo_request_t *req,
    argo_message_t *message, argo_error_t *err);

/* Refuses a result that answers nothing; NGX_DECLINED with err. */
ngx_int_t argo_tool_unpaired(ngx_pool_t *pool, const argo_part_t *result,
    argo_error_t *err);


#endif /* _ARGO_TOOL_H_INCLUDED_ */
