
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The client's body, in one piece; and the body of a subrequest.
 */


#include "ngx_http_argo.h"


static ngx_int_t ngx_http_argo_join_body(ngx_chain_t *cl, ngx_str_t *body);
static off_t ngx_http_argo_body_size(ngx_chain_t *in);


ngx_int_t
ngx_http_argo_read_body(ngx_http_request_t *r, ngx_str_t *body)
{
    off_t         size;
    u_char       *p;
    ssize_t       n;
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

    if (ngx_http_argo_join_body(cl, body) == NGX_OK) {
        return NGX_OK;
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
