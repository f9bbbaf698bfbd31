
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Chat completions on both sides: documents by chance must come out as they
 * went in, but for what is meant to be another.  What that is, is found here
 * by a scanner of its own.  ARGO_UNIT_DOCUMENTS is how many documents are
 * tried, 100,000 if it is not said.
 */


#include "argo_front.h"
#include "argo_generate.h"


#define DOCUMENTS    100000

#define ASKED        "\"gpt-4o\""


/* a member of an object, as it stands */

typedef struct {
    u_char          *start;             /* of its name */
    ngx_str_t        name;              /* unescaped */
    u_char           text[64];
    u_char          *value;
    u_char          *end;               /* of its value */
} member_t;


typedef struct {
    size_t           len;
    u_char           buf[2 * GEN_SIZE];
} text_t;


static gen_t   gen;
static text_t  expected, got;


static void
put(text_t *t, const void *p, size_t n)
{
    if (t->len + n > sizeof(t->buf)) {
        abort();
    }

    memcpy(t->buf + t->len, p, n);
    t->len += n;
}


#define PUT(t, literal)  put(t, literal, sizeof(literal) - 1)


static u_char *
skip_blank(u_char *p)
{
    while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t') {
        p++;
    }

    return p;
}


/* Behind a string, or a value of any kind; documents are right. */

static u_char *
skip_string(u_char *p)
{
    for (p++; *p != '"'; p++) {
        p += (*p == '\\');
    }

    return p + 1;
}


static u_char *
skip_value(u_char *p)
{
    ngx_uint_t  depth;

    if (*p == '"') {
        return skip_string(p);
    }

    if (*p != '{' && *p != '[') {

        while (*p != ',' && *p != '}' && *p != ']' && *p > ' ') {
            p++;
        }

        return p;
    }

    depth = 0;

    do {
        if (*p == '"') {
            p = skip_string(p);
            continue;
        }

        depth += (*p == '{' || *p == '[');
        depth -= (*p == '}' || *p == ']');
        p++;

    } while (depth);

    return p;
}


/* The next member at p, which is behind a brace or a comma; NULL: none. */

static u_char *
next_member(u_char *p, member_t *m)
{
    size_t   n;
    u_char  *q;

    p = skip_blank(p);

    if (*p == '}') {
        return NULL;
    }

    m->start = p;
    n = 0;

    for (q = p + 1; *q != '"' && n < sizeof(m->text); q++) {

        if (*q == '\\' && q[1] == 'u') {
            m->text[n++] = (u_char) strtoul((char[]) { q[4], q[5], '\0' },
                                            NULL, 16);
            q += 5;

        } else {
            m->text[n++] = *q;
        }
    }

    m->name.data = m->text;
    m->name.len = n;

    m->value = skip_blank(skip_blank(skip_string(p)) + 1);
    m->end = skip_value(m->value);

    p = skip_blank(m->end);

    return (*p == ',') ? p + 1 : p;
}


static ngx_uint_t
named(const member_t *m, const char *name)
{
    return front_is(&m->name, name);
}


static ngx_uint_t
valued(const member_t *m, const char *value)
{
    return (size_t) (m->end - m->value) == strlen(value)
           && memcmp(m->value, value, m->end - m->value) == 0;
}


/* the last of a name is what counts */

static ngx_uint_t
find(u_char *object, const char *name, member_t *found)
{
    u_char      *p;
    member_t     m;
    ngx_uint_t   there;

    there = 0;

    for (p = object + 1; (p = next_member(p, &m)) != NULL; ) {
        if (named(&m, name)) {
            *found = m;
            there = 1;
        }
    }

    return there;
}


/* The value of stream_options, with the usage asked for. */

static void
put_options(u_char *value)
{
    u_char    *p, *last;
    member_t   m, usage;

    if (*value != '{') {
        PUT(&expected, "{\"include_usage\":true}");
        return;
    }

    last = value;

    if (!find(value, "include_usage", &usage)) {
        PUT(&expected, "{\"include_usage\":true");

        if (*skip_blank(value + 1) != '}') {
            PUT(&expected, ",");
        }

        last = value + 1;

    } else if (!valued(&usage, "true")) {

        for (p = value + 1; (p = next_member(p, &m)) != NULL; ) {

            if (named(&m, "include_usage")) {
                put(&expected, last, m.value - last);
                PUT(&expected, "true");
                last = m.end;
            }
        }
    }

    put(&expected, last, skip_value(value) - last);
}


/* What goes to ARGO for a request. */

static ngx_uint_t
expect_request(const ngx_str_t *in)
{
    u_char      *p, *root, *last;
    member_t     m, options;
    ngx_uint_t   stream, has_options;

    expected.len = 0;
    root = skip_blank(in->data);
    stream = find(root, "stream", &m) && valued(&m, "true");
    has_options = find(root, "stream_options", &options);

    put(&expected, in->data, root + 1 - in->data);

    if (!find(root, "user", &m)) {
        PUT(&expected, "\"user\":\"jdoe\",");
    }

    if (stream && !has_options) {
        PUT(&expected, "\"stream_options\":{\"include_usage\":true},");
    }

    last = root + 1;

    for (p = root + 1; (p = next_member(p, &m)) != NULL; ) {

        if (named(&m, "model")) {
            put(&expected, last, m.value - last);
            PUT(&expected, "\"gpt4o\"");
            last = m.end;

        } else if (named(&m, "user")) {
            put(&expected, last, m.value - last);
            PUT(&expected, "\"jdoe\"");
            last = m.end;

        } else if (stream && has_options && m.start == options.start) {
            put(&expected, last, m.value - last);
            put_options(m.value);
            last = m.end;
        }
    }

    put(&expected, last, in->data + in->len - last);

    return stream;
}


static void
tell(const char *what, uint64_t seed, const ngx_str_t *in,
    const ngx_str_t *out)
{
    printf("# seed %llu: %s\n", (unsigned long long) seed, what);
    test_show("in", in->data, in->len);
    test_show("out", out->data, out->len);
    test_show("expected", expected.buf, expected.len);
}


static ngx_uint_t
try_request(void)
{
    uint64_t          seed;
    ngx_str_t         in;
    ngx_uint_t        stream;
    ngx_pool_t       *pool;
    front_request_t   r;

    seed = gen.seed;
    in = gen_request(&gen, GEN_CHAT);
    gen.buf[in.len] = '\0';
    stream = expect_request(&in);

    pool = test_pool();

    (void) front_read(pool, &argo_openai_chat_front, &argo_openai_chat_back,
                      &in, &r);

    if (r.rc != NGX_OK || r.req.stream != stream
        || r.body.len != expected.len
        || memcmp(r.body.data, expected.buf, expected.len) != 0)
    {
        tell("a request", seed, &in, r.rc == NGX_OK ? &r.body
                                                    : &r.err.message);
        ngx_destroy_pool(pool);
        return 1;
    }

    ngx_destroy_pool(pool);

    return 0;
}


/* Tokens of a value, blanks and commas left out, each with an end. */

static void
put_tokens(text_t *t, u_char *p, u_char *end)
{
    u_char  *q;

    while ((p = skip_blank(p)) < end) {

        if (*p == ',') {
            p++;
            continue;
        }

        q = (*p == '{' || *p == '[' || *p == '}' || *p == ']' || *p == ':')
            ? p + 1 : skip_value(p);

        if (*p != '"' && q != p + 1) {
            for (q = p; q < end && *q > ' ' && !strchr(",:{}[]", *q); q++) {
                /* void */
            }
        }

        put(t, p, q - p);
        PUT(t, "\x1f");
        p = q;
    }
}


static void
put_member(const member_t *m)
{
    put_tokens(&expected, m->start, m->end);
}


/* A message, or a delta of one that is not the first. */

static void
put_message(u_char *value, ngx_uint_t whole)
{
    u_char      *p;
    member_t     m;
    ngx_uint_t   null;

    PUT(&expected, "{\x1f");

    if (whole && !find(value, "content", &m)) {
        PUT(&expected, "\"content\"\x1f:\x1fnull\x1f");
    }

    if (whole && !find(value, "refusal", &m)) {
        PUT(&expected, "\"refusal\"\x1f:\x1fnull\x1f");
    }

    for (p = value + 1; (p = next_member(p, &m)) != NULL; ) {

        null = valued(&m, "null");

        if (((named(&m, "function_call") || named(&m, "audio")) && null)
            || (named(&m, "tool_calls") && (null || valued(&m, "[]")))
            || (!whole && null && (named(&m, "role")
                                   || named(&m, "refusal"))))
        {
            continue;
        }

        put_member(&m);
    }

    PUT(&expected, "}\x1f");
}


static void
put_choices(u_char *value, ngx_uint_t whole)
{
    u_char    *p, *choice;
    member_t   m;

    choice = skip_blank(value + 1);

    PUT(&expected, "[\x1f{\x1f");

    for (p = choice + 1; (p = next_member(p, &m)) != NULL; ) {

        if (named(&m, whole ? "message" : "delta")) {
            put_tokens(&expected, m.start, m.value);
            put_message(m.value, whole);

        } else {
            put_member(&m);
        }
    }

    PUT(&expected, "}\x1f]\x1f");
}


/* What a client gets of a reply, or of a chunk. */

static void
expect_reply(const ngx_str_t *in, ngx_uint_t whole)
{
    u_char      *p, *root;
    member_t     m;
    ngx_uint_t   usage;

    expected.len = 0;
    root = skip_blank(in->data);
    usage = find(root, "usage", &m) && !valued(&m, "null");

    PUT(&expected, "{\x1f");

    if (!find(root, "model", &m)) {
        PUT(&expected, "\"model\"\x1f:\x1f" ASKED "\x1f");
    }

    for (p = root + 1; (p = next_member(p, &m)) != NULL; ) {

        if (named(&m, "model")) {
            put_tokens(&expected, m.start, m.value);
            PUT(&expected, ASKED "\x1f");

        } else if (named(&m, "choices")) {
            put_tokens(&expected, m.start, m.value);
            put_choices(m.value, whole);

        } else if (!named(&m, "usage") || whole || !usage) {
            put_member(&m);
        }
    }

    PUT(&expected, "}\x1f");
}


static ngx_uint_t
differs(const char *what, uint64_t seed, const ngx_str_t *in,
    const ngx_str_t *out)
{
    static u_char  copy[2 * GEN_SIZE];

    got.len = 0;

    if (out->len && out->len < sizeof(copy)) {
        /* the scanner looks at the byte behind it */
        memcpy(copy, out->data, out->len);
        copy[out->len] = '\0';
        put_tokens(&got, copy, copy + out->len);
    }

    if (got.len == expected.len
        && memcmp(got.buf, expected.buf, got.len) == 0)
    {
        return 0;
    }

    tell(what, seed, in, out);

    return 1;
}


static ngx_uint_t
try_reply(argo_request_t *req)
{
    uint64_t        seed;
    ngx_str_t       in;
    ngx_uint_t      bad;
    ngx_pool_t     *pool;
    front_reply_t   reply;

    seed = gen.seed;
    in = gen_reply(&gen, GEN_CHAT);
    gen.buf[in.len] = '\0';
    expect_reply(&in, 1);

    pool = test_pool();

    (void) front_begin(pool, &reply, &argo_openai_chat_front,
                       &argo_openai_chat_back, req, UNARY);

    reply.rc = argo_stream_body(&reply.st, &in, &reply.out);

    bad = front_end(pool, &reply) != NGX_OK
          || differs("a reply", seed, &in, &reply.bytes);

    if (reply.rc != NGX_OK) {
        tell("a reply failed", seed, &in, &reply.st.error.message);
    }

    ngx_destroy_pool(pool);

    return bad;
}


/* A chunk between a first one and a last one, cut somewhere. */

static ngx_uint_t
try_chunk(argo_request_t *req)
{
    size_t          first;
    uint64_t        seed;
    ngx_str_t       in, out;
    ngx_uint_t      bad;
    ngx_pool_t     *pool;
    front_reply_t   reply;

    static u_char   stream[GEN_SIZE + 1024];

    static const char  begin[] =
        "data: {\"model\":" ASKED ",\"choices\":[{\"index\":0,\"delta\":"
        "{\"role\":\"assistant\",\"content\":\"x\"},"
        "\"finish_reason\":null}]}\n\n";
    static const char  end[] =
        "data: {\"model\":" ASKED ",\"choices\":[{\"index\":0,\"delta\":{},"
        "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

    seed = gen.seed;
    in = gen_chunk(&gen);
    gen.buf[in.len] = '\0';
    expect_reply(&in, 0);

    first = sizeof(begin) - 1;

    memcpy(stream, begin, first);
    memcpy(stream + first, "data: ", 6);
    memcpy(stream + first + 6, in.data, in.len);
    memcpy(stream + first + 6 + in.len, "\n\n", 2);
    memcpy(stream + first + 8 + in.len, end, sizeof(end) - 1);

    out.data = stream;
    out.len = first + 8 + in.len + sizeof(end) - 1;

    pool = test_pool();

    (void) front_begin(pool, &reply, &argo_openai_chat_front,
                       &argo_openai_chat_back, req, STREAM);
    (void) front_feed(&reply, &out, gen_random(&gen, out.len), 1);
    (void) front_end(pool, &reply);

    /* what is around it comes as it went */

    bad = reply.rc != NGX_OK || reply.bytes.len < first + sizeof(end) + 7
          || memcmp(reply.bytes.data, begin, first) != 0
          || memcmp(reply.bytes.data + reply.bytes.len + 1 - sizeof(end),
                    end, sizeof(end) - 1)
             != 0;

    if (bad) {
        tell("what is around a chunk", seed, &in, &reply.bytes);

    } else {
        out.data = reply.bytes.data + first + 6;
        out.len = reply.bytes.len - first - sizeof(end) + 1 - 8;
        bad = differs("a chunk", seed, &in, &out);
    }

    ngx_destroy_pool(pool);

    return bad;
}


int
main(void)
{
    ngx_str_t         json;
    ngx_uint_t        i, n, requests, replies, chunks;
    ngx_pool_t       *pool;
    const char       *documents;
    front_request_t   r;

    documents = getenv("ARGO_UNIT_DOCUMENTS");
    n = documents ? strtoul(documents, NULL, 10) : DOCUMENTS;

    gen.seed = 20261122;
    requests = 0;
    replies = 0;
    chunks = 0;

    for (i = 0; i < n / 2 && requests < 5; i++) {
        requests += try_request();
    }

    is(requests, 0, "%lu requests go up as they came",
       (unsigned long) (n / 2));

    pool = test_pool();
    json = STR("{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\","
               "\"content\":\"Hi\"}]}");

    is(front_read(pool, &argo_openai_chat_front, &argo_openai_chat_back,
                  &json, &r), NGX_OK, "a request");

    for (i = 0; i < n / 4 && replies < 5; i++) {
        replies += try_reply(&r.req);
    }

    is(replies, 0, "%lu replies come down as they came",
       (unsigned long) (n / 4));

    for (i = 0; i < n / 4 && chunks < 5; i++) {
        chunks += try_chunk(&r.req);
    }

    is(chunks, 0, "%lu chunks of streams come down as they came",
       (unsigned long) (n / 4));

    ngx_destroy_pool(pool);

    return front_done();
}
