
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Python literals, as repr() prints them: ARGO is a Python program, and some
 * of what it sends are its data structures, printed.
 */


#ifndef _ARGO_PYTHON_H_INCLUDED_
#define _ARGO_PYTHON_H_INCLUDED_


#include "argo_core.h"
#include "argo_out.h"


/* deepest nesting; well below what is accepted of JSON */
#define ARGO_PYTHON_MAX_DEPTH  64


/*
 * Reads the literal that begins at *src and appends it as JSON; out may be
 * NULL to have it only checked.  Known are dict, list, tuple, str, int,
 * float, None, True and False, also JSON's own names for the last three, and
 * strings with line ends in them.  Keys that are no strings become ones.
 *
 * NGX_OK: *src is behind the literal.  NGX_DECLINED: it is none, is not
 * complete, has no form in JSON (inf, bytes) or is too deep; *src is where
 * reading stopped, and what was appended is of no use.
 */
ngx_int_t argo_python_to_json(const u_char **src, const u_char *end,
    argo_out_t *out);


#endif /* _ARGO_PYTHON_H_INCLUDED_ */
