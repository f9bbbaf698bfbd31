
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Data in a part of a message, an image's or a file's: as a URL with the data
 * in it, as OpenAI's APIs have it, or apart from its type, as the others do;
 * and whether there is anything in a text.
 */


#ifndef _ARGO_PART_H_INCLUDED_
#define _ARGO_PART_H_INCLUDED_


#include "argo_core.h"
#include "argo_ir.h"
#include "argo_out.h"


/*
 * True if a text, escaped, has nothing in it but blanks of ASCII, whatever way
 * they are written: a model's vendor sees them unescaped.
 */
ngx_uint_t argo_part_is_blank(const ngx_str_t *text);

/* A text, escaped, without the blanks at its end. */
ngx_str_t argo_part_trim(const ngx_str_t *text);

/* True if the part has its data with it; else text is the URL of a place. */
ngx_uint_t argo_part_has_data(const argo_part_t *part);

/*
 * The type of the data, as the inside of a JSON string; len 0 if the part has
 * no data.  For an image that was fetched it points into its data URL.
 */
ngx_str_t argo_part_mime(const argo_part_t *part);

/* Writes the data, base64. */
void argo_part_write_data(const argo_part_t *part, argo_out_t *out);

/* Writes a data URL, or the URL that text is; the inside of a JSON string. */
void argo_part_write_url(const argo_part_t *part, argo_out_t *out);


#endif /* _ARGO_PART_H_INCLUDED_ */
