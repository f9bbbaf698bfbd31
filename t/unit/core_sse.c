
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Server-sent events: each stream is fed whole, cut in two at each byte, and
 * byte by byte, each piece in memory of its own, and must come to what a
 * plain reader of the standard makes of it.
 */


#include "argo_test.h"

#include "argo_sse.h"


#define MAX_EVENTS  2048
#define MAX_TEXT    (64 * 1024)

#define WHOLE       0
#define BYTES       (~(size_t) 0)


typedef struct {
    ngx_uint_t   n;
    size_t       len;
    char         text[MAX_TEXT];    /* name, data, the end of an event */
    ngx_int_t    rc;
    ngx_uint_t   unfinished;
    ngx_uint_t   bad;               /* slices that are not where they say */
    uint64_t     raw;               /* a sum of what would be handed on */
} got_t;


typedef struct {
    const char  *name;
    ngx_str_t    in;
    const char  *out;               /* name|data; for each */
} case_t;


static got_t  whole, other, plain;


static const case_t  cases[] = {

    { "nothing", STR(""), "" },
    { "an event", STR("data: a\n\n"), "|a;" },
    { "no blank", STR("data:a\n\n"), "|a;" },
    { "two blanks", STR("data:  a\n\n"), "| a;" },
    { "a tab", STR("data:\ta\n\n"), "|\ta;" },
    { "no data", STR("event: x\n\n"), "" },
    { "empty data", STR("data:\n\n"), "|;" },
    { "empty data, a blank", STR("data: \n\n"), "|;" },
    { "no colon", STR("data\n\n"), "|;" },
    { "a name", STR("event: x\ndata: a\n\n"), "x|a;" },
    { "a name behind", STR("data: a\nevent: x\n\n"), "x|a;" },
    { "the last name", STR("event: x\nevent:y\ndata: a\n\n"), "y|a;" },
    { "a name taken back", STR("event: x\nevent\ndata: a\n\n"), "|a;" },
    { "a name does not stay", STR("event: x\ndata: a\n\ndata: b\n\n"),
      "x|a;|b;" },
    { "a name without data does not stay",
      STR("event: x\n\ndata: b\n\n"), "|b;" },
    { "two lines", STR("data: a\ndata: b\n\n"), "|a\nb;" },
    { "three lines, one empty", STR("data: a\ndata\ndata:c\n\n"),
      "|a\n\nc;" },
    { "lines with others between",
      STR("data: a\n: hm\nid: 1\nretry: 5\nother\ndata: b\n\n"), "|a\nb;" },
    { "a comment", STR(": hm\n\ndata: a\n\n"), "|a;" },
    { "a comment inside", STR("data: a\n:\ndata: b\n\n"), "|a\nb;" },
    { "an empty comment", STR(":\n\n:\n\n"), "" },
    { "another field", STR("dat: a\ndatas: b\nDATA: c\n\n"), "" },
    { "a field with a blank", STR(" data: a\n\n"), "" },
    { "a colon in data", STR("data: a: b:c\n\n"), "|a: b:c;" },
    { "empty lines", STR("\n\n\ndata: a\n\n\n\n\ndata: b\n\n"), "|a;|b;" },
    { "an event that does not end", STR("data: a\n"), "" },
    { "one that has not ended its line", STR("data: a\n\ndata: b"), "|a;" },
    { "carriage returns", STR("data: a\rdata: b\r\rdata: c\r\r"),
      "|a\nb;|c;" },
    { "both", STR("data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n"),
      "|a\nb;|c;" },
    { "mixed", STR("data: a\r\rdata: b\n\r\ndata: c\r\n\ndata: d\n\r"
                   "data: e\r\n\r"), "|a;|b;|c;|d;|e;" },
    { "a line feed before a carriage return", STR("data: a\n\rdata: b\n\n"),
      "|a;|b;" },
    { "ends with a carriage return", STR("data: a\r\n\r"), "|a;" },
    { "a mark", STR("\xEF\xBB\xBF" "data: a\n\n"), "|a;" },
    { "a mark and a comment", STR("\xEF\xBB\xBF:x\n\ndata: a\n\n"), "|a;" },
    { "a mark later", STR("data: a\n\n\xEF\xBB\xBF" "data: b\n\n"), "|a;" },
    { "half a mark", STR("\xEF\xBB" "data: a\n\ndata: b\n\n"), "|b;" },
    { "two marks", STR("\xEF\xBB\xBF\xEF\xBB\xBF" "data: a\n\ndata: b\n\n"),
      "|b;" },
    { "a mark alone", STR("\xEF\xBB\xBF\n\ndata: b\n\n"), "|b;" },
    { "a NUL", STR("data: a\0b\n\n"), "|a\\0b;" },
    { "what is no UTF-8", STR("data: \xff\xc3\n\n"), "|\xff\xc3;" },
    { "the last one", STR("data: {\"a\":1}\n\ndata: [DONE]\n\n"),
      "|{\"a\":1};|[DONE];" },

    { NULL, STR(""), NULL }
};


static void
add(got_t *got, const u_char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n && got->len + 3 < MAX_TEXT; i++) {

        if (p[i] == '\0') {
            got->text[got->len++] = '\\';
            got->text[got->len++] = '0';

        } else {
            got->text[got->len++] = p[i];
        }
    }

    got->text[got->len] = '\0';
}


static void
take(got_t *got, argo_sse_event_t *ev)
{
    size_t  i;

    got->n++;

    for (i = 0; i < ev->raw.len; i++) {
        got->raw = (got->raw ^ ev->raw.data[i]) * 0x100000001b3;
    }

    add(got, ev->name.data, ev->name.len);
    add(got, (u_char *) "|", 1);
    add(got, ev->data.data, ev->data.len);
    add(got, (u_char *) ";", 1);

    if (ev->inside && (ev->data.data < ev->raw.data
                       || ev->data.data + ev->data.len
                          > ev->raw.data + ev->raw.len))
    {
        got->bad++;
    }

    /* its lines, whole */

    if (ev->raw.len == 0 || (ev->raw.data[ev->raw.len - 1] != '\n'
                             && ev->raw.data[ev->raw.len - 1] != '\r'))
    {
        got->bad++;
    }
}


static void
push(argo_sse_t *sse, got_t *got, const u_char *p, size_t n)
{
    u_char            *pos, *end;
    ngx_str_t          piece;
    argo_sse_event_t   ev;

    if (got->rc != NGX_AGAIN) {
        return;
    }

    piece = test_copy(p, n);
    pos = piece.data;
    end = pos + n;

    while ((got->rc = argo_sse_next(sse, &pos, end, &ev)) == NGX_OK) {
        take(got, &ev);
    }

    if (got->rc == NGX_AGAIN && pos != end) {
        got->bad++;
    }

    test_free(&piece);
}


static void
feed(got_t *got, const ngx_str_t *in, size_t cut)
{
    size_t       i;
    argo_sse_t   sse;
    ngx_pool_t  *pool;

    pool = test_pool();

    memset(got, 0, offsetof(got_t, text) + 1);
    memset(&sse, 0, sizeof(argo_sse_t));

    got->rc = NGX_AGAIN;
    got->bad = 0;
    got->raw = 0;
    sse.pool = pool;

    if (cut == BYTES) {
        for (i = 0; i < in->len; i++) {
            push(&sse, got, in->data + i, 1);
        }

    } else {
        push(&sse, got, in->data, cut);
        push(&sse, got, in->data + cut, in->len - cut);
    }

    got->unfinished = argo_sse_unfinished(&sse);

    ngx_destroy_pool(pool);
}


/* The standard's own steps, a line at a time. */

static void
read_plainly(got_t *got, const ngx_str_t *in)
{
    size_t       field, value, end, i;
    u_char      *p;
    got_t       *event;
    ngx_uint_t   lines;

    static got_t   data;
    static u_char  name[MAX_TEXT];
    static size_t  name_len;

    memset(got, 0, offsetof(got_t, text) + 1);

    event = &data;
    event->len = 0;
    name_len = 0;
    lines = 0;
    p = in->data;
    i = (in->len >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0) ? 3 : 0;

    while (i < in->len) {

        for (end = i; end < in->len && p[end] != '\r' && p[end] != '\n';
             end++)
        {
            /* void */
        }

        if (end == in->len) {
            return;
        }

        if (end == i) {

            if (lines) {
                add(got, name, name_len);
                add(got, (u_char *) "|", 1);
                add(got, (u_char *) event->text, event->len);
                add(got, (u_char *) ";", 1);
                got->n++;
            }

            event->len = 0;
            name_len = 0;
            lines = 0;

        } else {

            for (field = i; field < end && p[field] != ':'; field++) {
                /* void */
            }

            value = (field < end) ? field + 1 : end;

            if (value < end && p[value] == ' ') {
                value++;
            }

            if (field - i == 4 && memcmp(p + i, "data", 4) == 0) {

                if (lines++) {
                    add(event, (u_char *) "\n", 1);
                }

                add(event, p + value, end - value);
            }

            if (field - i == 5 && memcmp(p + i, "event", 5) == 0) {
                name_len = end - value;
                memcpy(name, p + value, name_len);
            }
        }

        i = end + 1;

        if (p[end] == '\r' && i < in->len && p[i] == '\n') {
            i++;
        }
    }
}


static ngx_uint_t
same(const got_t *a, const got_t *b)
{
    return a->n == b->n && a->len == b->len && a->bad == 0 && b->bad == 0
           && (a->len == 0 || memcmp(a->text, b->text, a->len) == 0);
}


static void
test_cases(void)
{
    size_t         cut, bad;
    ngx_str_t      text;
    const case_t  *t;

    for (t = cases; t->name; t++) {

        feed(&whole, &t->in, WHOLE);
        text.data = (u_char *) whole.text;
        text.len = whole.len;

        is_str(&text, t->out, "%s", t->name);

        read_plainly(&plain, &t->in);
        ok(same(&whole, &plain), "%s: by the standard", t->name);

        bad = 0;

        for (cut = 1; cut < t->in.len; cut++) {
            feed(&other, &t->in, cut);
            bad += !same(&other, &whole) || other.raw != whole.raw
                   || other.unfinished != whole.unfinished;
        }

        feed(&other, &t->in, BYTES);
        bad += !same(&other, &whole) || other.raw != whole.raw
               || other.unfinished != whole.unfinished;

        is(bad, 0, "%s: the same, however cut", t->name);
    }
}


/* Streams of a few kinds of bytes, of which all the grammar is made. */

static void
test_random(void)
{
    size_t       n, cut;
    u_char       buf[96];
    uint32_t     seed;
    ngx_str_t    in;
    ngx_uint_t   i, bad, events;
    const char  *piece;

    static const char  *pieces[] = {
        "\n", "\r", "\r\n", "\n\n", "data", ":", " ", "data: x", "event: e",
        "\xEF\xBB\xBF", "a", ": c", "data:", "\r\r", "id: 1"
    };

    seed = 1;
    bad = 0;
    events = 0;

    for (i = 0; i < 20000; i++) {

        for (n = 0; n < sizeof(buf) - 16; n += strlen(piece)) {
            seed = seed * 1664525 + 1013904223;

            if ((seed >> 8) % 24 == 0) {
                break;
            }

            piece = pieces[(seed >> 13) % (sizeof(pieces)
                                           / sizeof(pieces[0]))];
            memcpy(buf + n, piece, strlen(piece));
        }

        in.data = buf;
        in.len = n;

        read_plainly(&plain, &in);
        feed(&whole, &in, WHOLE);

        seed = seed * 1664525 + 1013904223;
        cut = n ? (seed >> 10) % n : 0;

        feed(&other, &in, cut);
        bad += !same(&whole, &plain) || !same(&other, &plain);

        feed(&other, &in, BYTES);
        bad += !same(&other, &plain);

        events += plain.n;
    }

    is(bad, 0, "20,000 streams by chance are read by the standard");
    ok(events > 5000, "which have events in them");
}


/* An event that came in one piece is not copied; no memory is taken. */

static void
test_memory(void)
{
    u_char            *p, *end;
    argo_sse_t         sse;
    ngx_pool_t        *pool;
    ngx_uint_t         i, n;
    argo_sse_event_t   ev;

    static u_char  in[] = "event: x\ndata: abc\n\n";
    static u_char  half[] = "data: abc";
    static u_char  rest[] = "def\n\n";

    pool = test_pool();
    memset(&sse, 0, sizeof(argo_sse_t));
    sse.pool = pool;

    ngx_shim_fail(0);
    p = in;
    end = in + sizeof(in) - 1;

    is(argo_sse_next(&sse, &p, end, &ev), NGX_OK, "an event in one piece");
    ok(ev.data.data == in + 15 && ev.inside, "is where it was");
    ok(ev.raw.data == in && ev.raw.len == sizeof(in) - 2, "with its lines");
    is(argo_sse_next(&sse, &p, end, &ev), NGX_AGAIN, "and no more");
    is(ngx_shim_count(), 0, "without memory");
    is(argo_sse_unfinished(&sse), 0, "nothing is left");

    for (i = 0; i < 1000; i++) {
        p = half;
        (void) argo_sse_next(&sse, &p, half + sizeof(half) - 1, &ev);
        p = rest;

        if (argo_sse_next(&sse, &p, rest + sizeof(rest) - 1, &ev) != NGX_OK
            || ev.data.len != 6)
        {
            break;
        }
    }

    is(i, 1000, "1,000 events that were cut");
    n = ngx_shim_count();
    is(n, 1, "take memory once");

    p = half;
    (void) argo_sse_next(&sse, &p, half + sizeof(half) - 1, &ev);
    is(argo_sse_unfinished(&sse), 1, "half an event");
    argo_sse_reset(&sse);
    is(argo_sse_unfinished(&sse), 0, "is gone with its stream");

    p = in;
    is(argo_sse_next(&sse, &p, end, &ev), NGX_OK, "another stream");
    is(ngx_shim_count(), n, "uses its memory");

    ngx_destroy_pool(pool);
}


static void
test_failures(void)
{
    u_char            *p;
    argo_sse_t         sse;
    ngx_int_t          rc;
    ngx_uint_t         i;
    ngx_pool_t        *pool;
    argo_sse_event_t   ev;

    static u_char  one[] = "data: a\ndat";
    static u_char  two[] = "a: b\n\n";

    for (i = 1; i < 10; i++) {
        pool = test_pool();
        memset(&sse, 0, sizeof(argo_sse_t));
        sse.pool = pool;

        ngx_shim_fail(i);

        p = one;
        rc = argo_sse_next(&sse, &p, one + sizeof(one) - 1, &ev);

        if (rc == NGX_AGAIN) {
            p = two;
            rc = argo_sse_next(&sse, &p, two + sizeof(two) - 1, &ev);
        }

        ngx_destroy_pool(pool);

        if (!ngx_shim_failed()) {
            is(rc, NGX_OK, "an event of two lines that was cut");
            break;
        }

        is(rc, NGX_ERROR, "no memory, %lu", (unsigned long) i);
    }

    ngx_shim_fail(0);
}


static void
test_limits(void)
{
    u_char            *buf, *p;
    size_t             size, fed;
    argo_sse_t         sse;
    ngx_int_t          rc;
    ngx_pool_t        *pool;
    argo_sse_event_t   ev;

    size = 1024 * 1024;
    buf = malloc(size);
    pool = test_pool();

    if (buf == NULL) {
        abort();
    }

    memset(&sse, 0, sizeof(argo_sse_t));
    sse.pool = pool;

    /* as long as it may be, in lines as short as can be */

    memset(buf, '\r', size);

    for (fed = 1; fed < size; fed += 2) {
        buf[fed] = 'x';
    }

    buf[0] = ':';

    for (fed = 0; fed + size <= ARGO_SSE_MAX_EVENT - size; fed += size) {
        p = buf;
        rc = argo_sse_next(&sse, &p, buf + size, &ev);
        buf[0] = 'x';

        if (rc != NGX_AGAIN) {
            break;
        }

        /* the lines must not make an empty one between two pieces */
        buf[0] = (buf[size - 1] == '\r') ? 'y' : buf[0];
    }

    is(argo_sse_unfinished(&sse), 1, "15 MB of short lines");

    p = (u_char *) "\rdata: a\r\r";
    is(argo_sse_next(&sse, &p, p + 10, &ev), NGX_OK, "are one event");
    is_str(&ev.data, "a", "with its data");

    argo_sse_reset(&sse);
    memset(buf, 'x', size);
    rc = NGX_AGAIN;

    for (fed = 0; rc == NGX_AGAIN && fed < 2 * ARGO_SSE_MAX_EVENT;
         fed += size)
    {
        p = buf;
        rc = argo_sse_next(&sse, &p, buf + size, &ev);
    }

    is(rc, NGX_DECLINED, "an event that is too long");
    ok(fed > ARGO_SSE_MAX_EVENT && fed <= ARGO_SSE_MAX_EVENT + size,
       "is refused as soon as it is");

    ngx_destroy_pool(pool);
    free(buf);
}


static void
test_write(void)
{
    ngx_str_t    s;
    argo_out_t   out;
    ngx_pool_t  *pool;

    static const ngx_str_t  none = ngx_string("");
    static const ngx_str_t  name = ngx_string("message_start");
    static const ngx_str_t  data = ngx_string("{\"a\":1}");
    static const ngx_str_t  lines = ngx_string("a\n\nb\n");

    pool = test_pool();

    argo_out_init(&out, pool, 16, NULL, 1);
    argo_sse_write(&out, &none, &data);
    argo_sse_write(&out, &name, &data);
    argo_sse_write(&out, &none, &lines);
    argo_sse_write(&out, &none, &none);

    if (argo_out_flatten(&out, pool, &s) != NGX_OK) {
        abort();
    }

    is_str(&s, "data: {\"a\":1}\n\n"
               "event: message_start\ndata: {\"a\":1}\n\n"
               "data: a\ndata: \ndata: b\ndata: \n\n"
               "data: \n\n", "what is written");

    feed(&whole, &s, WHOLE);
    s.data = (u_char *) whole.text;
    s.len = whole.len;

    is_str(&s, "|{\"a\":1};message_start|{\"a\":1};|a\n\nb\n;|;",
           "is what is read");

    ngx_destroy_pool(pool);
}


int
main(void)
{
    test_cases();
    test_random();
    test_memory();
    test_failures();
    test_limits();
    test_write();

    return done();
}
