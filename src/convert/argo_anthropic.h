
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Anthropic's messages: what the front and the back share.
 */


#ifndef _ARGO_ANTHROPIC_H_INCLUDED_
#define _ARGO_ANTHROPIC_H_INCLUDED_


#include "argo_core.h"
#include "argo_dialect.h"
#include "argo_error.h"
#include "argo_ir.h"
#include "argo_json.h"
#include "argo_out.h"
#include "argo_stream.h"


/*
 * argo_anthropic.c: both directions
 */

/* What a stop_reason means, and how a meaning is said; NULL: none. */
argo_finish_e argo_anthropic_finish(const argo_json_t *reason);
const char *argo_anthropic_stop_reason(argo_finish_e finish);

/*
 * Overlays *usage with what a usage object says: members that are missing or
 * null leave it as it was.  True if there was any.
 */
ngx_uint_t argo_anthropic_read_usage(const argo_json_t *node,
    argo_usage_t *usage);

/*
 * Writes a usage object: all input members and output_tokens.
 */
void argo_anthropic_write_usage(const argo_usage_t *usage, argo_out_t *out);


#endif /* _ARGO_ANTHROPIC_H_INCLUDED_ */
