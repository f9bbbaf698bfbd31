
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What the files of the legacy dialect share; nobody else's business.
 */


#ifndef _ARGO_LEGACY_H_INCLUDED_
#define _ARGO_LEGACY_H_INCLUDED_


#include "argo_core.h"
#include "argo_dialect.h"
#include "argo_error.h"
#include "argo_ir.h"
#include "argo_json.h"
#include "argo_out.h"
#include "argo_stream.h"


/* stands for the result that a tool call never got */
#define ARGO_LEGACY_NO_RESULT  "[no result]"


/*
 * argo_legacy_tools.c: the tools of a request.  The check also pairs calls
 * and results in its history (part->peer), which the writers rely on.
 */

ngx_int_t argo_legacy_check_tools(ngx_pool_t *pool,
    const argo_request_t *req, argo_error_t *err);
void argo_legacy_write_tools(const argo_request_t *req, argo_out_t *out);


/* argo_legacy_history.c: the list of messages, without its brackets */

void argo_legacy_write_messages(const argo_request_t *req, argo_out_t *out);


/*
 * argo_legacy_adapt.c: what other dialects than OpenAI's have in forms of
 * their own, and parameters that are not to go up as they came
 */

ngx_int_t argo_legacy_adapt(ngx_pool_t *pool, const argo_request_t *req,
    argo_error_t *err);
void argo_legacy_write_params(const argo_request_t *req, argo_out_t *out);


/*
 * argo_legacy_prompt.c: tools for models whose vendor's form of them is not
 * known.  All that is written is the inside of a JSON string.
 */

void argo_legacy_write_instructions(const argo_request_t *req,
    argo_out_t *out);
void argo_legacy_write_call_text(const argo_part_t *call, argo_out_t *out);
void argo_legacy_write_result_head(const argo_part_t *call, argo_out_t *out);
void argo_legacy_write_result_tail(argo_out_t *out);


/*
 * argo_legacy_calls.c: tool calls of a reply.  read_call() takes one in any
 * vendor's form; read_text() takes text that may have some in it, whether a
 * fault or the prompt has put them there: native says that the reply has
 * calls of its own, and then the text has none.
 */

ngx_int_t argo_legacy_read_call(argo_stream_t *st, argo_json_t *node);
ngx_int_t argo_legacy_read_text(argo_stream_t *st, argo_json_t *node,
    ngx_uint_t native);


/* argo_legacy.c */

/*
 * What all of ARGO's APIs have in common: the body of a reply that was not
 * 200, whatever its form (FastAPI's, a vendor's, a page of HTML).
 */
ngx_int_t argo_legacy_read_error(ngx_pool_t *pool, ngx_uint_t status,
    const ngx_str_t *body, argo_error_t *err);

ngx_int_t argo_legacy_bad_reply(argo_stream_t *st, const char *message);

/*
 * Says in err why a reply with status 200 has another form than it should: a
 * refusal in the form of a chat's, a failure in it, an error object.  NGX_OK
 * or NGX_ERROR (memory).
 */
ngx_int_t argo_legacy_explain(ngx_pool_t *pool, argo_json_t *root,
    const ngx_str_t *body, argo_error_t *err);

ngx_int_t argo_legacy_emit_text(argo_stream_t *st, argo_json_t *node);
void argo_legacy_write_untaken(const argo_json_t *obj, argo_out_t *out);
void argo_legacy_write_member(const char *name, const argo_json_t *node,
    argo_out_t *out);


#endif /* _ARGO_LEGACY_H_INCLUDED_ */
