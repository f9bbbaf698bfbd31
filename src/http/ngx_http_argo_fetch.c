
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Calls whose result all workers share: one at a time for each purpose,
 * whichever worker makes it, and after a failure not again at once.
 *
 * There are no requests but those of clients, so one of theirs makes the
 * call, in the background.  That holds the client's connection, and the line
 * in the access log, until the call is over, though its own reply went out
 * long before.  A call that nobody waits for is therefore begun where there
 * is something else to wait for; if it takes longer, the client is told that
 * the connection will be closed.
 */


#include "ngx_http_argo.h"
#include "argo_legacy.h"


/* a worker that died meanwhile does not keep others from it for ever */
#define NGX_HTTP_ARGO_MAX_FLIGHT  120

/* seconds until the next try after a failure, doubled with each one */
#define NGX_HTTP_ARGO_MIN_RETRY   10
#define NGX_HTTP_ARGO_MAX_RETRY   600


static ngx_int_t ngx_http_argo_take_off(ngx_http_argo_fetch_t *fetch,
    time_t age);
static void ngx_http_argo_land(ngx_http_argo_fetch_t *fetch,
    ngx_uint_t success);
static void ngx_http_argo_fetch_done(ngx_http_request_t *r,
    ngx_http_argo_call_t *call);
static ngx_int_t ngx_http_argo_check_fetch(ngx_http_request_t *r,
    ngx_http_argo_fetch_t *fetch);
static void ngx_http_argo_fetch_cleanup(void *data);


ngx_uint_t
ngx_http_argo_fetch_due(const ngx_http_argo_flight_t *flight, time_t age)
{
    time_t  now;

    now = ngx_time();

    /* any time that lies too far ahead was told by a clock that was wrong */

    if (flight->until > now && flight->until <= now + NGX_HTTP_ARGO_MAX_FLIGHT)
    {
        return 0;
    }

    if (flight->next > now && flight->next <= now + NGX_HTTP_ARGO_MAX_RETRY) {
        return 0;
    }

    return flight->fetched == 0 || flight->fetched > now
           || now - flight->fetched >= age;
}


ngx_int_t
ngx_http_argo_fetch(ngx_http_request_t *r, ngx_http_argo_fetch_t *fetch,
    time_t age)
{
    ngx_pool_cleanup_t         *cln;
    ngx_http_argo_main_conf_t  *amcf;

    amcf = ngx_http_get_module_main_conf(r, ngx_http_argo_module);

    fetch->slab = (ngx_slab_pool_t *) amcf->zone->shm.addr;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_argo_take_off(fetch, age) != NGX_OK) {
        return NGX_DECLINED;
    }

    /* the request may end before the call does: the client goes away */

    cln->handler = ngx_http_argo_fetch_cleanup;
    cln->data = fetch;

    fetch->call.background = 1;
    fetch->call.method = NGX_HTTP_GET;
    fetch->call.limit = NGX_HTTP_ARGO_MAX_FETCH;
    fetch->call.done = ngx_http_argo_fetch_done;
    fetch->call.data = fetch;

    if (ngx_http_argo_start_call(r, &fetch->call) != NGX_OK) {
        return NGX_ERROR;
    }

    if (fetch->call.detached && r->http_version < NGX_HTTP_VERSION_20
        && r->keepalive && !r->header_sent)
    {
        /* the next request on it would wait for the call to end */

        r->keepalive = 0;
        fetch->keepalive = 1;
    }

    return NGX_OK;
}


/* Takes the right to fetch; NGX_DECLINED if another has it, or it's early. */

static ngx_int_t
ngx_http_argo_take_off(ngx_http_argo_fetch_t *fetch, time_t age)
{
    ngx_int_t                rc;
    ngx_http_argo_flight_t  *flight;

    flight = fetch->flight;

    ngx_shmtx_lock(&fetch->slab->mutex);

    if (age == NGX_HTTP_ARGO_FETCH_NOW
        || ngx_http_argo_fetch_due(flight, age))
    {
        flight->until = ngx_time() + NGX_HTTP_ARGO_MAX_FLIGHT;
        fetch->aloft = 1;
        rc = NGX_OK;

    } else {
        rc = NGX_DECLINED;
    }

    ngx_shmtx_unlock(&fetch->slab->mutex);

    return rc;
}


static void
ngx_http_argo_land(ngx_http_argo_fetch_t *fetch, ngx_uint_t success)
{
    time_t                   wait;
    ngx_uint_t               i;
    ngx_http_argo_flight_t  *flight;

    flight = fetch->flight;
    fetch->aloft = 0;

    ngx_shmtx_lock(&fetch->slab->mutex);

    flight->until = 0;

    if (success) {
        flight->fetched = ngx_time();
        flight->next = 0;
        flight->failures = 0;

    } else {
        wait = NGX_HTTP_ARGO_MIN_RETRY;

        for (i = 0; i < flight->failures && wait < NGX_HTTP_ARGO_MAX_RETRY;
             i++)
        {
            wait *= 2;
        }

        flight->next = ngx_time() + ngx_min(wait, NGX_HTTP_ARGO_MAX_RETRY);
        flight->failures++;
    }

    ngx_shmtx_unlock(&fetch->slab->mutex);
}


static void
ngx_http_argo_fetch_done(ngx_http_request_t *r, ngx_http_argo_call_t *call)
{
    ngx_int_t               rc;
    ngx_str_t               code;
    ngx_http_argo_fetch_t  *fetch;

    fetch = call->data;

    rc = ngx_http_argo_check_fetch(r, fetch);

    if (rc == NGX_OK) {
        rc = fetch->take(r, fetch);
    }

    if (rc == NGX_ERROR) {
        argo_error_set(&fetch->error, NGX_HTTP_INTERNAL_SERVER_ERROR,
                       "no_memory", NULL, "The gateway has no memory left");
    }

    ngx_http_argo_land(fetch, rc == NGX_OK);

    if (rc != NGX_OK && !fetch->told) {
        ngx_http_argo_log_code(&fetch->error, &code);

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "%s could not be fetched: code \"%V\", upstream "
                      "answered %ui",
                      fetch->what, &code, call->status);
    }

    if (fetch->keepalive && !r->header_sent) {
        r->keepalive = 1;
    }
}


/* NGX_OK: a reply of success is there, whole */

static ngx_int_t
ngx_http_argo_check_fetch(ngx_http_request_t *r, ngx_http_argo_fetch_t *fetch)
{
    ngx_int_t              rc;
    ngx_http_argo_call_t  *call;

    call = &fetch->call;

    /* what is not ARGO may be a file as well: any location of this server */

    if (call->uri.len == 0 || call->sr->upstream) {

        rc = ngx_http_argo_check_transfer(r, call, &fetch->error);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (call->error.status) {
        fetch->error = call->error;
        return NGX_DECLINED;
    }

    if (call->status == NGX_HTTP_OK && call->rc == NGX_OK) {
        return NGX_OK;
    }

    if (call->uri.len) {
        return argo_error_set(&fetch->error, NGX_HTTP_BAD_GATEWAY,
                              "upstream_invalid_reply", NULL,
                              "The reply is no success");
    }

    rc = argo_legacy_read_error(r->pool, call->status, &call->reply,
                                &fetch->error);

    return (rc == NGX_OK) ? NGX_DECLINED : rc;
}


static void
ngx_http_argo_fetch_cleanup(void *data)
{
    ngx_http_argo_fetch_t *fetch = data;

    if (fetch->aloft) {
        ngx_http_argo_land(fetch, 0);
    }
}
