
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Writing JSON.  Slices go out as they are (argo_out_write, argo_out_ref);
 * here is only what turns plain text into the inside of a string.
 */


#ifndef _ARGO_JSON_WRITE_H_INCLUDED_
#define _ARGO_JSON_WRITE_H_INCLUDED_


#include "argo_core.h"
#include "argo_out.h"


/*
 * Escapes plain text, without quotes.  Bytes that are not UTF-8 become
 * U+FFFD, one for each maximal ill-formed part (the Unicode standard's
 * recommended practice, as in the WHATWG decoder).
 */
void argo_json_write_text(argo_out_t *out, const u_char *p, size_t n);

/* The same in quotes. */
void argo_json_write_string(argo_out_t *out, const ngx_str_t *s);

/* A string in quotes, or null if s->data is NULL. */
void argo_json_write_string_or_null(argo_out_t *out, const ngx_str_t *s);


#endif /* _ARGO_JSON_WRITE_H_INCLUDED_ */
