
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Append-only output: a chain of nginx buffers.
 */


#include "argo_out.h"


/* the rest of a block that is worth a buffer of its own */
#define ARGO_OUT_MIN_REST  128

/* a first block, which is all that most events and small documents need */
#define ARGO_OUT_FIRST     512

/* who asks for more than that knows what is to come: all at once */
#define ARGO_OUT_WHOLE     4096


static ngx_uint_t argo_out_trim(argo_out_t *out, ngx_pool_t *pool);
static ngx_int_t argo_out_block(argo_out_t *out);
static ngx_chain_t *argo_out_free_block(argo_out_t *out);
static ngx_int_t argo_out_split(argo_out_t *out);
static ngx_chain_t *argo_out_link(argo_out_t *out);
static void argo_out_append(argo_out_t *out, ngx_chain_t *cl);


void
argo_out_init(argo_out_t *out, ngx_pool_t *pool, size_t block,
    ngx_buf_tag_t tag, ngx_uint_t copy)
{
    ngx_memzero(out, sizeof(argo_out_t));

    out->pool = pool;
    out->last = &out->first;
    out->block = block;
    out->next = (block > ARGO_OUT_WHOLE) ? block
                                         : ngx_min(block, ARGO_OUT_FIRST);
    out->tag = tag;
    out->copy = copy ? 1 : 0;
}


void
argo_out_write(argo_out_t *out, const void *p, size_t n)
{
    size_t         size;
    ngx_buf_t     *b;
    const u_char  *src = p;

    if (out->failed) {
        return;
    }

    while (n) {
        b = out->buf;

        if (b == NULL || b->last == b->end) {

            if (argo_out_block(out) != NGX_OK) {
                out->failed = 1;
                return;
            }

            b = out->buf;
        }

        size = ngx_min(n, (size_t) (b->end - b->last));

        b->last = ngx_cpymem(b->last, src, size);
        out->size += size;

        src += size;
        n -= size;
    }
}


void
argo_out_ref(argo_out_t *out, u_char *p, size_t n)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (out->copy || n < ARGO_OUT_MIN_REF) {
        argo_out_write(out, p, n);
        return;
    }

    if (out->failed) {
        return;
    }

    cl = argo_out_link(out);

    if (cl == NULL || argo_out_split(out) != NGX_OK) {
        out->failed = 1;
        return;
    }

    b = cl->buf;

    b->start = p;
    b->pos = p;
    b->last = p + n;
    b->end = p + n;
    b->memory = 1;

    argo_out_append(out, cl);

    out->size += n;
}


void
argo_out_int(argo_out_t *out, int64_t n)
{
    u_char    *p, *end, number[NGX_INT64_LEN];
    uint64_t   u;

    end = number + sizeof(number);
    p = end;

    /* the smallest integer has no positive counterpart */
    u = (n < 0) ? 0 - (uint64_t) n : (uint64_t) n;

    do {
        *--p = (u_char) ('0' + u % 10);
        u /= 10;
    } while (u);

    if (n < 0) {
        *--p = '-';
    }

    argo_out_write(out, p, end - p);
}


ngx_chain_t *
argo_out_take(argo_out_t *out)
{
    ngx_chain_t  *cl;

    if (out->failed) {
        return NULL;
    }

    cl = out->first;

    out->first = NULL;
    out->last = &out->first;
    out->buf = NULL;
    out->size = 0;

    return cl;
}


void
argo_out_move(argo_out_t *out, argo_out_t *from)
{
    size_t        size;
    ngx_chain_t  *cl, *next;

    if (from->failed) {
        out->failed = 1;
    }

    if (out->failed) {
        return;
    }

    size = from->size;

    /* what is moved must not be written to by either of them */

    out->buf = NULL;

    for (cl = argo_out_take(from); cl; cl = next) {
        next = cl->next;
        argo_out_append(out, cl);
    }

    out->size += size;
}


void
argo_out_share(argo_out_t *out, const argo_out_t *from)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (from->failed) {
        out->failed = 1;
    }

    for (cl = from->first; cl; cl = cl->next) {
        b = cl->buf;
        argo_out_ref(out, b->pos, b->last - b->pos);
    }
}


ngx_int_t
argo_out_flatten(argo_out_t *out, ngx_pool_t *pool, ngx_str_t *s)
{
    u_char       *p;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (out->failed) {
        return NGX_ERROR;
    }

    if (out->size == 0) {
        ngx_str_set(s, "");
        return NGX_OK;
    }

    if (argo_out_trim(out, pool)) {
        s->data = out->buf->pos;
        s->len = out->size;
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, out->size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    s->len = out->size;
    s->data = p;

    for (cl = out->first; cl; cl = cl->next) {
        b = cl->buf;
        p = ngx_cpymem(p, b->pos, b->last - b->pos);
    }

    return NGX_OK;
}


/*
 * A single block of that pool is in one piece already.  It is ended, and what
 * is left of it goes back, as far as nothing else has been taken since.
 */

static ngx_uint_t
argo_out_trim(argo_out_t *out, ngx_pool_t *pool)
{
    ngx_buf_t   *b;
    ngx_pool_t  *p;

    b = out->buf;

    if (b == NULL || out->pool != pool || out->tag
        || out->first->buf != b || out->first->next)
    {
        return 0;
    }

    for (p = pool->current; p; p = p->d.next) {

        if (p->d.last == b->end) {
            p->d.last = b->last;
            break;
        }
    }

    b->end = b->last;

    return 1;
}


/* Appends an empty block and makes it the one being filled. */

static ngx_int_t
argo_out_block(argo_out_t *out)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    cl = argo_out_free_block(out);

    if (cl == NULL) {

        if (out->block == 0) {
            return NGX_ERROR;
        }

        cl = argo_out_link(out);
        if (cl == NULL) {
            return NGX_ERROR;
        }

        b = cl->buf;

        b->start = ngx_pnalloc(out->pool, out->next);
        if (b->start == NULL) {
            return NGX_ERROR;
        }

        b->pos = b->start;
        b->last = b->start;
        b->end = b->start + out->next;
        b->tag = out->tag;
        b->temporary = 1;

        out->next = ngx_min(2 * out->next, out->block);
    }

    argo_out_append(out, cl);
    out->buf = cl->buf;

    return NGX_OK;
}


static ngx_chain_t *
argo_out_free_block(argo_out_t *out)
{
    u_char       *start, *end;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    while (out->free) {
        cl = out->free;
        out->free = cl->next;

        b = cl->buf;

        start = b->start;
        end = b->end;

        if (start == end) {

            /* a bare flush with our tag has come back */

            ngx_free_chain(out->pool, cl);
            continue;
        }

        /* flags of its last journey, such as flush or last_in_chain */

        ngx_memzero(b, sizeof(ngx_buf_t));

        b->start = start;
        b->pos = start;
        b->last = start;
        b->end = end;
        b->tag = out->tag;
        b->temporary = 1;

        return cl;
    }

    return NULL;
}


/*
 * Ends the block being filled, so that a reference can follow.  Its rest
 * goes to the free list as a block of its own: else a document with many
 * references would take a whole block for the few bytes between two of them.
 */

static ngx_int_t
argo_out_split(argo_out_t *out)
{
    ngx_buf_t    *b, *rest;
    ngx_chain_t  *cl;

    b = out->buf;
    out->buf = NULL;

    if (b == NULL || b->end - b->last < ARGO_OUT_MIN_REST) {
        return NGX_OK;
    }

    cl = argo_out_link(out);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    rest = cl->buf;

    rest->start = b->last;
    rest->pos = b->last;
    rest->last = b->last;
    rest->end = b->end;
    rest->tag = out->tag;
    rest->temporary = 1;

    b->end = b->last;

    cl->next = out->free;
    out->free = cl;

    return NGX_OK;
}


static ngx_chain_t *
argo_out_link(argo_out_t *out)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = ngx_calloc_buf(out->pool);
    if (b == NULL) {
        return NULL;
    }

    cl = out->pool->chain;

    if (cl) {
        out->pool->chain = cl->next;

    } else {
        cl = ngx_palloc(out->pool, sizeof(ngx_chain_t));
        if (cl == NULL) {
            return NULL;
        }
    }

    cl->buf = b;
    cl->next = NULL;

    return cl;
}


static void
argo_out_append(argo_out_t *out, ngx_chain_t *cl)
{
    cl->next = NULL;

    *out->last = cl;
    out->last = &cl->next;
}
