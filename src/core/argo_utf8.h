
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * UTF-8 that may be cut anywhere.
 */


#ifndef _ARGO_UTF8_H_INCLUDED_
#define _ARGO_UTF8_H_INCLUDED_


#include "argo_core.h"


/* the most bytes of one character that can wait for the rest of it */
#define ARGO_UTF8_MAX_HELD  3


/*
 * How many of the n bytes can go out: all but an unfinished character at the
 * end (at most three bytes) that more bytes could still make whole.
 */
size_t argo_utf8_whole(const u_char *p, size_t n);

/*
 * Reads the character at p.  Returns its length and *valid = 1; or the
 * length of the maximal ill-formed part (at least 1) and *valid = 0.
 * n must be at least 1.
 */
size_t argo_utf8_next(const u_char *p, size_t n, ngx_uint_t *valid);


#endif /* _ARGO_UTF8_H_INCLUDED_ */
