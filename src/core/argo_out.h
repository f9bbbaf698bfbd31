
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Append-only output: a chain of nginx buffers that the glue can hand to a
 * filter or a request body as it is.  A failed allocation is remembered
 * (out->failed) and makes every later call a no-op, so writers need not
 * check each call; whoever takes the chain checks once.
 */


#ifndef _ARGO_OUT_H_INCLUDED_
#define _ARGO_OUT_H_INCLUDED_


#include "argo_core.h"


/* shorter references are copied: a chain link costs more than the copy */
#define ARGO_OUT_MIN_REF  512


typedef struct {
    ngx_pool_t     *pool;
    ngx_chain_t    *first;          /* what has been written */
    ngx_chain_t   **last;
    ngx_chain_t    *free;           /* emptied blocks, to be used again */
    ngx_buf_t      *buf;            /* the block being filled, or NULL */
    size_t          block;          /* largest size of a new block */
    size_t          next;           /* size of the next one */
    size_t          size;           /* bytes written since init or take */
    ngx_buf_tag_t   tag;            /* marks our blocks for recycling */
    unsigned        copy:1;         /* references are copied as well */
    unsigned        failed:1;
} argo_out_t;


/*
 * Makes an empty output.  Blocks come from the free list, else from the pool:
 * the first is small, and each twice the one before, up to "block" bytes.
 * With "copy" nothing written is referred to later: use it where the source
 * is a buffer that will be used again.
 */
void argo_out_init(argo_out_t *out, ngx_pool_t *pool, size_t block,
    ngx_buf_tag_t tag, ngx_uint_t copy);

/* Appends a copy of n bytes. */
void argo_out_write(argo_out_t *out, const void *p, size_t n);

/* Appends n bytes that stay where they are until the chain has been sent. */
void argo_out_ref(argo_out_t *out, u_char *p, size_t n);

/* Appends a decimal integer. */
void argo_out_int(argo_out_t *out, int64_t n);

/*
 * Detaches and returns what was written, NULL if nothing was; size becomes 0
 * and the free list stays.  Check out->failed first.
 */
ngx_chain_t *argo_out_take(argo_out_t *out);

/* Appends what was written to another output, which is empty afterwards. */
void argo_out_move(argo_out_t *out, argo_out_t *from);

/*
 * Appends references to what was written to another output, which must stay
 * as it is.
 */
void argo_out_share(argo_out_t *out, const argo_out_t *from);

/*
 * Gives what was written as one piece of the given pool, a copy if need be.
 * What is written to the output afterwards does not change it.  Returns
 * NGX_ERROR if there is no memory or the output had failed.
 */
ngx_int_t argo_out_flatten(argo_out_t *out, ngx_pool_t *pool, ngx_str_t *s);


#define argo_out_lit(out, literal)                                            \
    argo_out_write(out, literal, sizeof(literal) - 1)

#define argo_out_str(out, s)  argo_out_write(out, (s)->data, (s)->len)


#endif /* _ARGO_OUT_H_INCLUDED_ */
