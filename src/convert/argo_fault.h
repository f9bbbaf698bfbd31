
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What upstream says when it has failed.  ARGO calls its vendors through
 * their Python libraries, and what these raise comes as text: printed dicts,
 * status numbers, traces of retries; with a status of ARGO's own or even with
 * 200.  Here it becomes an error that a client can act upon.
 */


#ifndef _ARGO_FAULT_H_INCLUDED_
#define _ARGO_FAULT_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"


/* longer messages help nobody; bytes */
#define ARGO_FAULT_MAX_MESSAGE  2048


/* what the body of a failure had in it; len 0: nothing */

typedef struct {
    ngx_str_t    message;           /* plain text */
    ngx_str_t    type;
    ngx_str_t    code;
    ngx_str_t    param;
} argo_fault_t;


/*
 * Fills err from the status of upstream's reply (200: the failure came as a
 * success) and from what it says; fault is changed on the way.  Returns
 * NGX_OK or NGX_ERROR (memory).
 */
ngx_int_t argo_fault_read(ngx_pool_t *pool, ngx_uint_t status,
    argo_fault_t *fault, argo_error_t *err);

/*
 * True if the whole of a text is what ARGO says of a failure, and nothing
 * that a model would answer.
 */
ngx_uint_t argo_fault_is_sentence(const ngx_str_t *text);


#endif /* _ARGO_FAULT_H_INCLUDED_ */
