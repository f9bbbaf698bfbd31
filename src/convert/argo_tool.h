
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Tools of a request, as fronts and backs both need them.
 */


#ifndef _ARGO_TOOL_H_INCLUDED_
#define _ARGO_TOOL_H_INCLUDED_


#include "argo_core.h"
#include "argo_ir.h"


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


#endif /* _ARGO_TOOL_H_INCLUDED_ */
