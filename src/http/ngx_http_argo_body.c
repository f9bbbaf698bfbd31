
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The client's body, in one piece; and the body of a subrequest.
 */


#include "ngx_http_argo.h"


static ngx_int_t ngx_http_argo_map_body(ngx_http_request_t *r,
    ngx_chain_t *cl, ngx_str_t *body);
static void ngx_http_argo_unmap_body(void *data);
static ngx_int_t ngx_http_argo_join_body(ngx_chain_t *cl, ngx_str_t *body);
static off_t ngx_http_argo_body_size(ngx_chain_t *in);


ngx_int_t
ngx_http_argo_read_body(ngx_http_request_t *r, ngx_str_t *body)
{
    off_t         size;
    u_char       *p;
    ssize_t       n;
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    ngx_str_null(body);

    if (r->request_body == NULL || r->request_body->bufs == NULL) {
        return NGX_OK;
    }

    cl = r->request_body->bufs;

    if (cl->next == NULL && !cl->buf->in_file) {
        body->data = cl->buf->pos;
        body->len = cl->buf->last - cl->buf->pos;
        return NGX_OK;
    }

    rc = ngx_http_argo_map_body(r, cl, body);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_argo_join_body(cl, body);
    }

    if (rc != NGX_DECLINED) {
        return rc;
    }

    size = ngx_http_argo_body_size(cl);

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;

    for ( /* void */ ; cl; cl = cl->next) {
        b = cl->buf;

        if (!b->in_file) {
            p = ngx_cpymem(p, b->pos, b->last - b->pos);
            continue;
        }

        while (b->file_pos < b->file_last) {

            n = ngx_read_file(b->file, p, b->file_last - b->file_pos,
                              b->file_pos);
            if (n <= 0) {
                ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                              "the client's body could not be read back "
                              "from its temporary file");
                return NGX_ERROR;
            }

            p += n;
            b->file_pos += n;
        }
    }

    body->len = p - body->data;

    return NGX_OK;
}


/*
 * A temporary file that holds all of a body is not read but mapped: what is
 * in the page cache already need not be copied.  Its name is gone, so nobody
 * can cut it short.
 */

static ngx_int_t
ngx_http_argo_map_body(ngx_http_request_t *r, ngx_chain_t *cl,
    ngx_str_t *body)
{
    void                *p;
    int                  flags;
    ngx_buf_t           *b;
    ngx_str_t           *map;
    ngx_pool_cleanup_t  *cln;

    b = cl->buf;

    if (cl->next || b->file_pos != 0 || b->file_last == 0
        || r->request_body_in_persistent_file)
    {
        return NGX_DECLINED;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_str_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    flags = MAP_PRIVATE;

#ifdef MAP_POPULATE
    /* one call in place of a fault for each few pages */
    flags |= MAP_POPULATE;
#endif

    p = mmap(NULL, (size_t) b->file_last, PROT_READ, flags, b->file->fd, 0);

    if (p == MAP_FAILED) {
        /* not each file system can do it: it is read */
        return NGX_DECLINED;
    }

    body->data = p;
    body->len = (size_t) b->file_last;

    map = cln->data;
    *map = *body;

    cln->handler = ngx_http_argo_unmap_body;

    return NGX_OK;
}


static void
ngx_http_argo_unmap_body(void *data)
{
    ngx_str_t *map = data;

    (void) munmap(map->data, map->len);
}


/*
 * What came with the header is in another buffer, for which nginx has left
 * room in that of the rest.
 */

static ngx_int_t
ngx_http_argo_join_body(ngx_chain_t *cl, ngx_str_t *body)
{
    size_t      n;
    ngx_buf_t  *first, *rest;

    if (cl->next == NULL || cl->next->next) {
        return NGX_DECLINED;
    }

    first = cl->buf;
    rest = cl->next->buf;

    if (first->in_file || rest->in_file || first->end == rest->end) {
        /* of a file, or pieces of one buffer */
        return NGX_DECLINED;
    }

    n = first->last - first->pos;

    if ((size_t) (rest->end - rest->last) < n) {
        return NGX_DECLINED;
    }

    ngx_memmove(rest->pos + n, rest->pos, rest->last - rest->pos);
    ngx_memcpy(rest->pos, first->pos, n);

    rest->last += n;
    first->pos = first->last;

    body->data = rest->pos;
    body->len = rest->last - rest->pos;

    return NGX_OK;
}


static off_t
ngx_http_argo_body_size(ngx_chain_t *in)
{
    off_t  size;

    for (size = 0; in; in = in->next) {
        size += in->buf->in_file ? in->buf->file_last - in->buf->file_pos
                                 : in->buf->last - in->buf->pos;
    }

    return size;
}


ngx_int_t
ngx_http_argo_set_body(ngx_http_request_t *sr, ngx_chain_t *body, size_t size)
{
    ngx_http_request_body_t  *rb;

    /* also for an empty body: the one inherited is the client's */

    rb = ngx_pcalloc(sr->pool, sizeof(ngx_http_request_body_t));
    if (rb == NULL) {
        return NGX_ERROR;
    }

    rb->bufs = body;
    rb->buf = body ? body->buf : NULL;

    sr->request_body = rb;
    sr->headers_in.content_length_n = body ? (off_t) size : -1;

    return NGX_OK;
}
