
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Tools in requests for chat completions: those that a client offers, and
 * calls and results in its history, in the present form and in the older one
 * of "functions".
 */


#ifndef _ARGO_OPENAI_TOOLS_H_INCLUDED_
#define _ARGO_OPENAI_TOOLS_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"
#include "argo_ir.h"
#include "argo_json.h"


/* what a request has of them; NULL: not said */

typedef struct {
    argo_json_t     *tools;
    argo_json_t     *tool_choice;
    argo_json_t     *functions;
    argo_json_t     *function_call;
    argo_json_t     *parallel;
} argo_openai_tools_t;


/* Reads the tools offered into req. */
ngx_int_t argo_openai_read_tools(ngx_pool_t *pool, argo_request_t *req,
    const argo_openai_tools_t *members, argo_error_t *err);

/*
 * Reads tool_calls and function_call of an assistant's message, appending a
 * part for each call at *last, and marks them taken.
 */
ngx_int_t argo_openai_read_calls(ngx_pool_t *pool, argo_message_t *message,
    argo_part_t **last, argo_error_t *err);

/*
 * Makes the parts of a tool's message one result.  A function's (of the role
 * ARGO_ROLE_OTHER) becomes a tool's, which answers the call of that name in
 * caller, the latest message of the assistant's or NULL.
 */
ngx_int_t argo_openai_read_result(ngx_pool_t *pool, argo_message_t *message,
    const argo_message_t *caller, argo_error_t *err);


#endif /* _ARGO_OPENAI_TOOLS_H_INCLUDED_ */
