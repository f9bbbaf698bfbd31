
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Server-sent events: the stream taken apart, cut anywhere, by all of its
 * grammar (CR, LF, CRLF, a byte order mark, comments, several data lines);
 * and written.
 */


#ifndef _ARGO_SSE_H_INCLUDED_
#define _ARGO_SSE_H_INCLUDED_


#include "argo_core.h"
#include "argo_out.h"


/* a longer event is refused; holds a reply with its encrypted reasoning */
#define ARGO_SSE_MAX_EVENT  (16 * 1024 * 1024)


/* one event; slices point into the input or the framer, until its next call */

typedef struct {
    ngx_str_t      name;            /* of "event"; len 0: none */
    ngx_str_t      data;            /* its lines, joined by line feeds */
    ngx_str_t      raw;             /* all of its lines, without the empty
                                       one that ends it */
    unsigned       inside:1;        /* data is a part of raw */
} argo_sse_event_t;


/* begins zeroed, with the pool that an unfinished event is kept in */

typedef struct {
    ngx_pool_t    *pool;
    u_char        *buf;             /* an event that is not whole yet */
    size_t         size;            /* of buf */
    size_t         len;             /* used of buf */
    size_t         line;            /* where its last line begins */
    size_t         scanned;         /* how far that has no end */
    u_char        *joined;          /* data of several lines */
    size_t         joined_size;
    unsigned       begun:1;         /* past a byte order mark */
    unsigned       taken:1;         /* what is in buf has been given out */
    unsigned       cr:1;            /* the byte before was a CR: a line feed
                                       belongs to it */
} argo_sse_t;


/*
 * Takes bytes from *p up to end, of which *p is moved behind what was taken.
 * NGX_OK: *ev is an event with data; NGX_AGAIN: all was taken, more is
 * needed; NGX_DECLINED: an event is too long; NGX_ERROR: no memory.  Memory is
 * taken only for an event that is cut, and used again for the next.
 */
ngx_int_t argo_sse_next(argo_sse_t *sse, u_char **p, u_char *end,
    argo_sse_event_t *ev);

/* Begins another stream with the memory of the one before. */
void argo_sse_reset(argo_sse_t *sse);

/* True if the stream has begun an event that did not end. */
ngx_uint_t argo_sse_unfinished(const argo_sse_t *sse);

/* Writes an event; data may have line feeds, name may be of length 0. */
void argo_sse_write(argo_out_t *out, const ngx_str_t *name,
    const ngx_str_t *data);


#endif /* _ARGO_SSE_H_INCLUDED_ */
