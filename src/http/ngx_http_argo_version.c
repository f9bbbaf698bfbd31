
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What the gateway says of itself: its version, and what there is of it.
 *
 * The latest version is told by a feed that the administrator names.  It is
 * asked once a day, in the background of a request for the version, which is
 * answered with what is known by then.
 */


#include "ngx_http_argo.h"
#include "argo_json_write.h"
#include "argo_release.h"


#define NGX_HTTP_ARGO_RELEASE_AGE  (24 * 60 * 60)


static void ngx_http_argo_touch_release(ngx_http_request_t *r);
static ngx_int_t ngx_http_argo_take_release(ngx_http_request_t *r,
    ngx_http_argo_fetch_t *fetch);
static time_t ngx_http_argo_latest(ngx_http_request_t *r, u_char *buf,
    argo_semver_t *latest);
static void ngx_http_argo_current(argo_semver_t *version);
static void ngx_http_argo_write_route(argo_out_t *out,
    const ngx_http_argo_endpoint_t *ep);


ngx_int_t
ngx_http_argo_version_handler(ngx_http_request_t *r)
{
    u_char         buf[ARGO_SEMVER_MAX_LEN];
    time_t         checked;
    ngx_int_t      rc;
    argo_out_t     out;
    argo_semver_t  current, latest;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_argo_touch_release(r);

    ngx_http_argo_current(&current);

    checked = ngx_http_argo_latest(r, buf, &latest);

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);

    argo_out_lit(&out, "{\"version\":\"" ARGO_VERSION "\",\"latest\":");

    if (checked == 0) {
        argo_out_lit(&out, "null,\"up_to_date\":null,\"message\":null,"
                           "\"checked_at\":null}");

        return ngx_http_argo_send(r, NGX_HTTP_OK, &out);
    }

    argo_json_write_string(&out, &latest.text);

    if (argo_semver_cmp(&current, &latest) >= 0) {
        argo_out_lit(&out, ",\"up_to_date\":true,\"message\":null");

    } else {
        argo_out_lit(&out, ",\"up_to_date\":false,\"message\":\"Version ");
        argo_json_write_text(&out, latest.text.data, latest.text.len);
        argo_out_lit(&out, " is available; this is " ARGO_VERSION "\"");
    }

    argo_out_lit(&out, ",\"checked_at\":");
    argo_out_int(&out, checked);
    argo_out_lit(&out, "}");

    return ngx_http_argo_send(r, NGX_HTTP_OK, &out);
}


static void
ngx_http_argo_touch_release(ngx_http_request_t *r)
{
    ngx_http_argo_fetch_t      *fetch;
    ngx_http_argo_loc_conf_t   *alcf;
    ngx_http_argo_main_conf_t  *amcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);
    amcf = ngx_http_get_module_main_conf(r, ngx_http_argo_module);

    if (alcf->version_feed.len == 0
        || !ngx_http_argo_fetch_due(&amcf->shared->release,
                                    NGX_HTTP_ARGO_RELEASE_AGE))
    {
        return;
    }

    /* without memory there will be another time */

    fetch = ngx_pcalloc(r->pool, sizeof(ngx_http_argo_fetch_t));
    if (fetch == NULL) {
        return;
    }

    fetch->call.uri = alcf->version_feed;
    ngx_str_set(&fetch->call.how.accept, "application/json");
    fetch->call.how.frame = ARGO_FRAME_JSON;
    fetch->call.detached = 1;

    fetch->flight = &amcf->shared->release;
    fetch->take = ngx_http_argo_take_release;
    fetch->what = "the release feed";

    (void) ngx_http_argo_fetch(r, fetch, NGX_HTTP_ARGO_RELEASE_AGE);
}


static ngx_int_t
ngx_http_argo_take_release(ngx_http_request_t *r, ngx_http_argo_fetch_t *fetch)
{
    ngx_int_t                   rc;
    ngx_pool_t                 *pool;
    argo_semver_t               current, latest;
    ngx_http_argo_main_conf_t  *amcf;

    pool = ngx_create_pool(NGX_HTTP_ARGO_BLOCK, r->connection->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    ngx_http_argo_current(&current);

    rc = argo_release_latest(pool, &fetch->call.reply, current.pre.len != 0,
                             &latest, &fetch->error);
    if (rc != NGX_OK) {
        goto done;
    }

    amcf = ngx_http_get_module_main_conf(r, ngx_http_argo_module);

    ngx_shmtx_lock(&fetch->slab->mutex);

    amcf->shared->latest_len = latest.text.len;
    ngx_memcpy(amcf->shared->latest, latest.text.data, latest.text.len);

    ngx_shmtx_unlock(&fetch->slab->mutex);

    if (argo_semver_cmp(&current, &latest) < 0) {
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "ngx_http_argo_module %V is available, this is "
                      ARGO_VERSION, &latest.text);
    }

done:

    ngx_destroy_pool(pool);

    return rc;
}


/* What is known of the latest version, and since when; 0: nothing. */

static time_t
ngx_http_argo_latest(ngx_http_request_t *r, u_char *buf, argo_semver_t *latest)
{
    time_t                      checked;
    ngx_str_t                   text;
    ngx_slab_pool_t            *slab;
    ngx_http_argo_loc_conf_t   *alcf;
    ngx_http_argo_main_conf_t  *amcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_module);
    amcf = ngx_http_get_module_main_conf(r, ngx_http_argo_module);

    if (alcf->version_feed.len == 0) {
        return 0;
    }

    slab = (ngx_slab_pool_t *) amcf->zone->shm.addr;

    ngx_shmtx_lock(&slab->mutex);

    checked = amcf->shared->release.fetched;
    text.len = amcf->shared->latest_len;
    ngx_memcpy(buf, amcf->shared->latest, text.len);

    ngx_shmtx_unlock(&slab->mutex);

    text.data = buf;

    return (argo_semver_parse(&text, latest) == NGX_OK) ? checked : 0;
}


static void
ngx_http_argo_current(argo_semver_t *version)
{
    static ngx_str_t  text = ngx_string(ARGO_VERSION);

    (void) argo_semver_parse(&text, version);
}


ngx_int_t
ngx_http_argo_root_handler(ngx_http_request_t *r)
{
    ngx_int_t                        rc;
    argo_out_t                       out;
    const ngx_http_argo_endpoint_t  *ep;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_BLOCK, NULL, 0);

    argo_out_lit(&out, "{\"message\":\"A gateway to ARGO for clients of the "
                       "OpenAI, Anthropic and Gemini APIs\","
                       "\"name\":\"ngx_http_argo_module\","
                       "\"version\":\"" ARGO_VERSION "\",\"routes\":[");

    for (ep = ngx_http_argo_endpoints; ep->name.len; ep++) {

        if (ep != ngx_http_argo_endpoints) {
            argo_out_lit(&out, ",");
        }

        ngx_http_argo_write_route(&out, ep);
    }

    argo_out_lit(&out, "]}");

    return ngx_http_argo_send(r, NGX_HTTP_OK, &out);
}


static void
ngx_http_argo_write_route(argo_out_t *out, const ngx_http_argo_endpoint_t *ep)
{
    u_char     *p, *end;
    ngx_str_t   method;

    argo_out_lit(out, "{\"path\":\"/");

    if (ep->beta) {
        argo_out_lit(out, "v1beta/");

    } else if (!ep->service) {
        argo_out_lit(out, "v1/");
    }

    argo_json_write_text(out, ep->path.data, ep->path.len);
    argo_out_lit(out, "\",\"methods\":[");

    p = ep->allow.data;
    end = p + ep->allow.len;

    while (p < end) {
        method.data = p;

        while (p < end && *p != ',') {
            p++;
        }

        method.len = p - method.data;

        if (method.data != ep->allow.data) {
            argo_out_lit(out, ",");
        }

        argo_json_write_string(out, &method);

        while (p < end && (*p == ',' || *p == ' ')) {
            p++;
        }
    }

    argo_out_lit(out, "]}");
}
