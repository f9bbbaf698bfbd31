
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as server-sent events.  What must hold:
 *
 *     the events do not depend on how the bytes were cut
 *     they are those that the standard's algorithm, line by line, finds
 *     their lines are those that came, byte by byte
 *     an event's data is a part of its lines where it says so
 *     what is written of an event reads as the same event
 */


#include "argo_fuzz.h"


/* as the standard has it: a buffer for each field, a line at a time */

typedef struct {
    const u_char  *p;
    const u_char  *end;
    u_char        *data;
    size_t         len;
    ngx_str_t      name;
    ngx_uint_t     lines;               /* of data */
    ngx_str_t      raw;
} fuzz_plain_t;


static ngx_uint_t
fuzz_plain_line(fuzz_plain_t *plain, ngx_str_t *line)
{
    line->data = (u_char *) plain->p;

    for ( /* void */ ; plain->p < plain->end; plain->p++) {

        if (*plain->p != '\n' && *plain->p != '\r') {
            continue;
        }

        line->len = plain->p - line->data;

        if (*plain->p == '\r' && plain->p + 1 < plain->end
            && plain->p[1] == '\n')
        {
            plain->p++;
        }

        plain->p++;

        return 1;
    }

    return 0;
}


static void
fuzz_plain_field(fuzz_plain_t *plain, const ngx_str_t *line)
{
    u_char     *colon;
    ngx_str_t   field, value;

    field = *line;
    ngx_str_null(&value);

    colon = line->len ? memchr(line->data, ':', line->len) : NULL;

    if (colon) {
        field.len = colon - line->data;
        value.data = colon + 1;
        value.len = line->len - field.len - 1;

        if (value.len && value.data[0] == ' ') {
            value.data++;
            value.len--;
        }
    }

    if (argo_str_is(&field, "event")) {
        plain->name = value;
    }

    if (!argo_str_is(&field, "data")) {
        return;
    }

    if (plain->lines++) {
        plain->data[plain->len++] = '\n';
    }

    if (value.len) {
        memcpy(plain->data + plain->len, value.data, value.len);
        plain->len += value.len;
    }
}


/* The next event; 0: there is none. */

static ngx_uint_t
fuzz_plain_next(fuzz_plain_t *plain)
{
    ngx_str_t  line;

    plain->len = 0;
    plain->lines = 0;
    ngx_str_null(&plain->name);
    plain->raw.data = (u_char *) plain->p;

    while (fuzz_plain_line(plain, &line)) {

        if (line.len) {
            fuzz_plain_field(plain, &line);
            continue;
        }

        plain->raw.len = line.data - plain->raw.data;

        if (plain->lines) {
            return 1;
        }

        ngx_str_null(&plain->name);
        plain->raw.data = (u_char *) plain->p;
    }

    return 0;
}


/* An event that is written anew is the same. */

static void
fuzz_again(ngx_pool_t *pool, const argo_sse_event_t *ev)
{
    u_char            *p;
    ngx_str_t          bytes;
    argo_out_t         out;
    argo_sse_t         sse;
    argo_sse_event_t   again;

    if (memchr(ev->data.data, '\r', ev->data.len)) {
        /* joined lines end with line feeds alone, so this can't be */
        abort();
    }

    argo_out_init(&out, pool, 64, NULL, 1);
    argo_sse_write(&out, &ev->name, &ev->data);
    bytes = fuzz_flat(pool, &out);

    memset(&sse, 0, sizeof(argo_sse_t));
    sse.pool = pool;
    p = bytes.data;

    FUZZ_CHECK(argo_sse_next(&sse, &p, bytes.data + bytes.len, &again)
               == NGX_OK);
    FUZZ_CHECK(fuzz_same(&ev->data, &again.data));
    FUZZ_CHECK(fuzz_same(&ev->name, &again.name));
    FUZZ_CHECK(p == bytes.data + bytes.len);
}


static void
fuzz_event(ngx_pool_t *pool, fuzz_plain_t *plain, const argo_sse_event_t *ev)
{
    ngx_str_t  data;

    FUZZ_CHECK(fuzz_plain_next(plain));

    data.data = plain->data;
    data.len = plain->len;

    FUZZ_CHECK(fuzz_same(&data, &ev->data));
    FUZZ_CHECK(fuzz_same(&plain->name, &ev->name));
    FUZZ_CHECK(fuzz_same(&plain->raw, &ev->raw));

    if (ev->inside && ev->data.len) {
        FUZZ_CHECK(ev->data.data >= ev->raw.data
                   && ev->data.data + ev->data.len
                      <= ev->raw.data + ev->raw.len);
    }

    fuzz_again(pool, ev);
}


static void
fuzz_cut(const u_char *data, size_t size, size_t most)
{
    size_t             n;
    u_char            *piece, *p;
    ngx_int_t          rc;
    ngx_pool_t        *pool;
    argo_sse_t         sse;
    fuzz_plain_t       plain;
    argo_sse_event_t   ev;

    pool = ngx_create_pool(4096, NULL);
    FUZZ_CHECK(pool);

    memset(&plain, 0, sizeof(fuzz_plain_t));
    plain.p = data;
    plain.end = data + size;
    plain.data = malloc(size + 1);
    FUZZ_CHECK(plain.data);

    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        plain.p += 3;
    }

    memset(&sse, 0, sizeof(argo_sse_t));
    sse.pool = pool;

    while (size) {
        n = most ? 1 + fuzz_chance(most) : size;
        n = ngx_min(n, size);

        piece = malloc(n);
        FUZZ_CHECK(piece);
        memcpy(piece, data, n);

        p = piece;

        while ((rc = argo_sse_next(&sse, &p, piece + n, &ev)) == NGX_OK) {
            fuzz_event(pool, &plain, &ev);
        }

        FUZZ_CHECK(rc == NGX_AGAIN && p == piece + n);

        free(piece);

        data += n;
        size -= n;
    }

    FUZZ_CHECK(!fuzz_plain_next(&plain));

    free(plain.data);
    ngx_destroy_pool(pool);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);

    fuzz_cut(data, size, 0);
    fuzz_cut(data, size, 1);
    fuzz_cut(data, size, 4);
    fuzz_cut(data, size, 60);

    return 0;
}
