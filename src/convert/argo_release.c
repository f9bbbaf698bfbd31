
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The forms in which package registries and forges tell of releases.  All
 * of them are JSON; which one it is, its members say.
 */


#include "argo_release.h"
#include "argo_json.h"


/* the feed, a release, "dist-tags", its member */
#define ARGO_RELEASE_DEPTH  3


static ngx_int_t argo_release_read(ngx_pool_t *pool, const argo_json_t *node,
    argo_semver_t *version);
static ngx_int_t argo_release_text(ngx_pool_t *pool, const argo_json_t *node,
    argo_semver_t *version);
static ngx_uint_t argo_release_is(const argo_json_t *node, const char *name,
    size_t len);


ngx_int_t
argo_release_latest(ngx_pool_t *pool, const ngx_str_t *document,
    ngx_uint_t pre, argo_semver_t *latest, argo_error_t *err)
{
    ngx_int_t       rc;
    ngx_uint_t      found;
    argo_json_t    *root, *node;
    argo_semver_t   version;

    rc = argo_json_parse(pool, document, ARGO_RELEASE_DEPTH, &root, err);

    if (rc == NGX_DECLINED) {
        return argo_error_set(err, 502, "upstream_invalid_reply", NULL,
                              "The release feed is not valid JSON");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    found = 0;

    if (root->type != ARGO_JSON_ARRAY) {
        rc = argo_release_read(pool, root, latest);

        if (rc != NGX_DECLINED) {
            return rc;
        }

    } else {

        for (node = root->child; node; node = node->next) {

            if (argo_release_is(node, "draft", sizeof("draft") - 1)
                || (!pre && argo_release_is(node, "prerelease",
                                            sizeof("prerelease") - 1)))
            {
                continue;
            }

            rc = argo_release_read(pool, node, &version);

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            if (rc == NGX_DECLINED || (version.pre.len && !pre)) {
                continue;
            }

            if (!found || argo_semver_cmp(&version, latest) > 0) {
                *latest = version;
                found = 1;
            }
        }

        if (found) {
            return NGX_OK;
        }
    }

    return argo_error_set(err, 502, "upstream_invalid_reply", NULL,
                          "The release feed names no version");
}


static ngx_int_t
argo_release_read(ngx_pool_t *pool, const argo_json_t *node,
    argo_semver_t *version)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    static const ngx_str_t  names[] = {
        ngx_string("tag_name"),
        ngx_string("version"),
        ngx_string("latest"),
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {

        rc = argo_release_text(pool, argo_json_find(node,
                               (char *) names[i].data, names[i].len),
                               version);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    node = argo_json_get(node, "dist-tags");

    return argo_release_text(pool, argo_json_get(node, "latest"), version);
}


static ngx_int_t
argo_release_text(ngx_pool_t *pool, const argo_json_t *node,
    argo_semver_t *version)
{
    ngx_str_t  text;

    if (node == NULL || node->type != ARGO_JSON_STRING) {
        return NGX_DECLINED;
    }

    if (argo_json_text(pool, node, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_semver_parse(&text, version);
}


static ngx_uint_t
argo_release_is(const argo_json_t *node, const char *name, size_t len)
{
    const argo_json_t  *value;

    value = argo_json_find(node, name, len);

    return value && value->type == ARGO_JSON_TRUE;
}
