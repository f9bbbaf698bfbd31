
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Server-sent events.  Line ends are sought once over each byte; an event
 * that came in one piece is read where it is.
 */


#include "argo_sse.h"


#define ARGO_SSE_BUFFER  512

#define ARGO_SSE_BOM     "\xEF\xBB\xBF"

/* how far the two ends of a line are sought at once, at first */
#define ARGO_SSE_WINDOW  1024

/* most events have one line or two, of which the ends are sought only once */
#define ARGO_SSE_LINES   4


/* where lines are sought: an unfinished one begins at line */

typedef struct {
    u_char      *line;
    u_char      *scanned;           /* from here */
    u_char      *end;
    u_char      *ends[ARGO_SSE_LINES];  /* of the event's first lines */
    ngx_uint_t   n;                 /* of these */
    unsigned     cr:1;              /* it ended with a CR that came last */
} argo_sse_scan_t;


static ngx_int_t argo_sse_end_line(argo_sse_t *sse, u_char **p);
static ngx_int_t argo_sse_find(argo_sse_scan_t *scan, u_char **empty,
    u_char **next);
static u_char *argo_sse_line_end(u_char *p, u_char *end);
static ngx_int_t argo_sse_keep(argo_sse_t *sse, u_char *p, size_t n);
static ngx_int_t argo_sse_read(argo_sse_t *sse, const argo_sse_scan_t *scan,
    argo_sse_event_t *ev);
static void argo_sse_split(u_char *line, u_char *last, ngx_str_t *field,
    ngx_str_t *value);
static u_char *argo_sse_next_line(u_char *last, u_char *end);
static ngx_int_t argo_sse_join(argo_sse_t *sse, argo_sse_event_t *ev,
    const ngx_str_t *value);
static ngx_int_t argo_sse_reserve(ngx_pool_t *pool, u_char **buf,
    size_t *size, size_t used, size_t needed);


void
argo_sse_reset(argo_sse_t *sse)
{
    sse->len = 0;
    sse->line = 0;
    sse->scanned = 0;
    sse->begun = 0;
    sse->taken = 0;
    sse->cr = 0;
}


ngx_uint_t
argo_sse_unfinished(const argo_sse_t *sse)
{
    return sse->len != 0 && !sse->taken;
}


ngx_int_t
argo_sse_next(argo_sse_t *sse, u_char **p, u_char *end,
    argo_sse_event_t *ev)
{
    u_char           *start, *empty, *next;
    size_t            had;
    ngx_int_t         rc;
    argo_sse_scan_t   scan;

    do {
        if (sse->taken) {
            sse->taken = 0;
            sse->len = 0;
        }

        if (sse->cr && *p < end && argo_sse_end_line(sse, p) != NGX_OK) {
            return NGX_ERROR;
        }

        if (*p == end) {
            return NGX_AGAIN;
        }

        start = *p;
        had = sse->len;

        if (had) {
            if (argo_sse_keep(sse, start, end - start) != NGX_OK) {
                return NGX_ERROR;
            }

            scan.line = sse->buf + sse->line;
            scan.scanned = sse->buf + sse->scanned;
            scan.end = sse->buf + sse->len;

        } else {
            scan.line = start;
            scan.scanned = start;
            scan.end = end;
        }

        rc = argo_sse_find(&scan, &empty, &next);

        if (rc == NGX_AGAIN) {
            *p = end;

            if (had == 0
                && argo_sse_keep(sse, start, end - start) != NGX_OK)
            {
                return NGX_ERROR;
            }

            start = had ? sse->buf : start;

            sse->line = scan.line - start;
            sse->scanned = scan.scanned - start;
            sse->cr = scan.cr;

            return (sse->len > ARGO_SSE_MAX_EVENT) ? NGX_DECLINED
                                                   : NGX_AGAIN;
        }

        sse->cr = scan.cr;

        if (had) {
            *p = start + (next - sse->buf - had);
            sse->taken = 1;
            ev->raw.data = sse->buf;

            /* some of its lines may have been found before */
            scan.n = 0;

        } else {
            *p = next;
            ev->raw.data = start;
        }

        ev->raw.len = empty - ev->raw.data;

        rc = argo_sse_read(sse, &scan, ev);

        /* an event without data is none */

    } while (rc == NGX_AGAIN);

    return rc;
}


/*
 * A CR was the last byte: an LF that comes first now belongs to it, and to
 * the event, which is handed on as it came.
 */

static ngx_int_t
argo_sse_end_line(argo_sse_t *sse, u_char **p)
{
    sse->cr = 0;

    if (**p != LF) {
        return NGX_OK;
    }

    if (sse->len) {
        if (argo_sse_keep(sse, *p, 1) != NGX_OK) {
            return NGX_ERROR;
        }

        sse->line++;
        sse->scanned++;
    }

    (*p)++;

    return NGX_OK;
}


/*
 * Finds an empty line, and what comes behind it.  NGX_AGAIN: there is none;
 * scan says where to go on.
 */

static ngx_int_t
argo_sse_find(argo_sse_scan_t *scan, u_char **empty, u_char **next)
{
    u_char  *p, *line;

    scan->cr = 0;
    scan->n = 0;

    for ( ;; ) {
        p = argo_sse_line_end(scan->scanned, scan->end);

        if (p == NULL) {
            scan->scanned = scan->end;
            return NGX_AGAIN;
        }

        line = scan->line;

        scan->cr = (*p == CR && p + 1 == scan->end);

        scan->line = argo_sse_next_line(p, scan->end);
        scan->scanned = scan->line;

        if (p == line) {
            *empty = line;
            *next = scan->line;
            return NGX_OK;
        }

        if (scan->n < ARGO_SSE_LINES) {
            scan->ends[scan->n++] = p;
        }
    }
}


/*
 * Lines may end with either, so each is sought no further than twice as far
 * as the other is found: the work is that of the line's length.
 */

static u_char *
argo_sse_line_end(u_char *p, u_char *end)
{
    u_char  *lf, *cr;
    size_t   n, window;

    if (p < end && (*p == LF || *p == CR)) {
        return p;
    }

    for (window = ARGO_SSE_WINDOW; p < end; window *= 2) {
        n = ngx_min(window, (size_t) (end - p));

        lf = memchr(p, LF, n);
        cr = memchr(p, CR, lf ? (size_t) (lf - p) : n);

        if (cr || lf) {
            return cr ? cr : lf;
        }

        p += n;
    }

    return NULL;
}


static ngx_int_t
argo_sse_keep(argo_sse_t *sse, u_char *p, size_t n)
{
    if (argo_sse_reserve(sse->pool, &sse->buf, &sse->size, sse->len,
                         sse->len + n)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(sse->buf + sse->len, p, n);
    sse->len += n;

    return NGX_OK;
}


/* NGX_AGAIN: it has no data, which makes it no event */

static ngx_int_t
argo_sse_read(argo_sse_t *sse, const argo_sse_scan_t *scan,
    argo_sse_event_t *ev)
{
    u_char      *p, *end, *last;
    ngx_str_t    field, value;
    ngx_uint_t   i, lines;

    p = ev->raw.data;
    end = p + ev->raw.len;

    if (!sse->begun) {
        sse->begun = 1;

        if (ev->raw.len >= 3 && ngx_memcmp(p, ARGO_SSE_BOM, 3) == 0) {
            /* a part of the stream that none of its events has */
            p += 3;
            ev->raw.data += 3;
            ev->raw.len -= 3;
        }
    }

    lines = 0;
    ev->inside = 1;

    ngx_str_null(&ev->name);
    ngx_str_null(&ev->data);

    for (i = 0; p < end; i++) {

        last = (i < scan->n) ? scan->ends[i] : argo_sse_line_end(p, end);

        if (last == NULL) {
            last = end;
        }

        argo_sse_split(p, last, &field, &value);

        p = argo_sse_next_line(last, end);

        if (argo_str_is(&field, "event")) {
            ev->name = value;

        } else if (argo_str_is(&field, "data")) {

            if (lines++ == 0) {
                ev->data = value;

            } else if (argo_sse_join(sse, ev, &value) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

    return lines ? NGX_OK : NGX_AGAIN;
}


/* Takes a line apart that ends at last. */

static void
argo_sse_split(u_char *line, u_char *last, ngx_str_t *field, ngx_str_t *value)
{
    u_char  *colon;

    colon = memchr(line, ':', last - line);

    field->data = line;
    field->len = (colon ? colon : last) - line;

    value->data = colon ? colon + 1 : last;

    if (value->data < last && *value->data == ' ') {
        value->data++;
    }

    value->len = last - value->data;
}


/* What is behind the end of a line, which may be that of everything. */

static u_char *
argo_sse_next_line(u_char *last, u_char *end)
{
    if (last == end) {
        return end;
    }

    if (*last == CR && last + 1 < end && last[1] == LF) {
        last++;
    }

    return last + 1;
}


static ngx_int_t
argo_sse_join(argo_sse_t *sse, argo_sse_event_t *ev, const ngx_str_t *value)
{
    size_t  len, used;

    len = ev->data.len;
    used = ev->inside ? 0 : len;

    if (argo_sse_reserve(sse->pool, &sse->joined, &sse->joined_size, used,
                         len + 1 + value->len)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ev->inside) {
        ev->inside = 0;
        ngx_memcpy(sse->joined, ev->data.data, len);
    }

    sse->joined[len] = LF;
    ngx_memcpy(sse->joined + len + 1, value->data, value->len);

    ev->data.data = sse->joined;
    ev->data.len = len + 1 + value->len;

    return NGX_OK;
}


/* Makes room in a buffer, of which "used" bytes are kept. */

static ngx_int_t
argo_sse_reserve(ngx_pool_t *pool, u_char **buf, size_t *size, size_t used,
    size_t needed)
{
    u_char  *new;
    size_t   n;

    if (needed <= *size) {
        return NGX_OK;
    }

    n = ngx_max(ngx_max(*size * 2, ARGO_SSE_BUFFER), needed);

    new = ngx_pnalloc(pool, n);
    if (new == NULL) {
        return NGX_ERROR;
    }

    if (*size) {
        ngx_memcpy(new, *buf, used);
        (void) ngx_pfree(pool, *buf);
    }

    *buf = new;
    *size = n;

    return NGX_OK;
}


void
argo_sse_write(argo_out_t *out, const ngx_str_t *name, const ngx_str_t *data)
{
    u_char  *p, *end, *lf;

    if (name->len) {
        argo_out_lit(out, "event: ");
        argo_out_str(out, name);
        argo_out_lit(out, "\n");
    }

    p = data->data;
    end = p + data->len;

    for ( ;; ) {
        lf = memchr(p, LF, end - p);

        argo_out_lit(out, "data: ");
        argo_out_write(out, p, (lf ? lf : end) - p);
        argo_out_lit(out, "\n");

        if (lf == NULL) {
            break;
        }

        p = lf + 1;
    }

    argo_out_lit(out, "\n");
}
