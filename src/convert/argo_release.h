
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What a release feed says the latest version is.
 */


#ifndef _ARGO_RELEASE_H_INCLUDED_
#define _ARGO_RELEASE_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"
#include "argo_semver.h"


/*
 * Finds the latest version in a JSON document: an object with "tag_name",
 * "version", "latest" or "dist-tags" (of which "latest" counts); or an array
 * of such objects, of which the highest version counts that is neither a
 * draft nor, unless pre is set, a pre-release.  The slices of latest are in
 * the pool or in the document.  NGX_DECLINED with err if there is none.
 */
ngx_int_t argo_release_latest(ngx_pool_t *pool, const ngx_str_t *document,
    ngx_uint_t pre, argo_semver_t *latest, argo_error_t *err);


#endif /* _ARGO_RELEASE_H_INCLUDED_ */
