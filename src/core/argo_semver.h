
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Version numbers by the rules of Semantic Versioning 2.0.0.
 */


#ifndef _ARGO_SEMVER_H_INCLUDED_
#define _ARGO_SEMVER_H_INCLUDED_


#include "argo_core.h"


/* a longer text is no version; bounds what is kept and compared */
#define ARGO_SEMVER_MAX_LEN  64


/* slices of the text that was parsed */

typedef struct {
    ngx_str_t  text;            /* without a leading "v" */
    ngx_str_t  numbers[3];      /* major, minor, patch */
    ngx_str_t  pre;             /* behind the dash; len 0: none */
} argo_semver_t;


/*
 * Parses a version, with or without the "v" that tags have.  NGX_DECLINED
 * if it is none.
 */
ngx_int_t argo_semver_parse(const ngx_str_t *s, argo_semver_t *version);

/*
 * Less than, equal to or greater than 0 as a precedes b, is as high, or
 * follows.  Build metadata does not count.
 */
ngx_int_t argo_semver_cmp(const argo_semver_t *a, const argo_semver_t *b);


#endif /* _ARGO_SEMVER_H_INCLUDED_ */
