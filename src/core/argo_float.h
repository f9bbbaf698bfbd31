
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Single-precision floats and the numerals that JSON writes them as.  What
 * the C library has for this depends on the locale.
 */


#ifndef _ARGO_FLOAT_H_INCLUDED_
#define _ARGO_FLOAT_H_INCLUDED_


#include "argo_core.h"
#include "argo_out.h"


/*
 * The longest numeral that is read.  A float written out by way of a double
 * has at most 25 characters.
 */
#define ARGO_FLOAT_MAX_NUMERAL  64

/* the longest that is written, and some room */
#define ARGO_FLOAT_LEN  24


/*
 * Reads the JSON number that begins at p, to the nearest float, of two
 * equally near ones the even one.  Returns what follows it; NULL if there is
 * no number, a longer one than ARGO_FLOAT_MAX_NUMERAL, or one that is larger
 * than any float.
 */
const u_char *argo_float_read(const u_char *p, const u_char *end,
    float *value);

/* The same without the value, and faster. */
const u_char *argo_float_skip(const u_char *p, const u_char *end);

/*
 * Writes the shortest JSON number that reads back as the same float, which
 * must be finite: at most ARGO_FLOAT_LEN bytes.  Returns what follows it.
 */
u_char *argo_float_write(u_char *p, float value);

/* Writes n floats as little-endian bytes in base64. */
void argo_float_write_base64(const float *p, ngx_uint_t n, argo_out_t *out);


#endif /* _ARGO_FLOAT_H_INCLUDED_ */
