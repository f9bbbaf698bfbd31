
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Anthropic's messages and OpenAI's Responses on both sides: replies by
 * chance, streams and bodies, must come down as they went in, but for the
 * model's name.  (Chat completions: convert_splice.c; requests of these two:
 * convert_anthropic_back.c, convert_responses_native.c.)
 * ARGO_UNIT_DOCUMENTS is how many documents are tried, an event being one:
 * 100,000 of each dialect if it is not said.
 */


#include "argo_front.h"
#include "argo_generate.h"


#define DOCUMENTS  100000

#define MARK       "\"@model@\""
#define ASKED_GPT  "\"argo:gpt-5\""
#define ASKED      "\"claude-opus-4.6\""


typedef struct {
    size_t      len;
    u_char      buf[8 * GEN_SIZE];
} text_t;


static gen_t        gen;
static text_t       in, expected;
static const char  *asked;


static void
put(text_t *t, const void *p, size_t n)
{
    if (t->len + n > sizeof(t->buf)) {
        abort();
    }

    memcpy(t->buf + t->len, p, n);
    t->len += n;
}


static void
put_both(const char *text)
{
    put(&in, text, strlen(text));
    put(&expected, text, strlen(text));
}


/* What has been generated: as upstream says it, and as the client gets it. */

static void
put_generated(void)
{
    u_char      *p, *mark, *end;
    const char  *model;

    static const char  *models[] = {
        "\"claude-haiku-4-5-20251001\"", "\"\"", "\"m\\u006fdel\\/\"",
        "\"\\ud83d\\ude00\\u0000\\ud800\"", "\"argo:gpt-5\""
    };

    p = gen.buf;
    end = p + gen.len;

    while ((mark = memmem(p, end - p, MARK, sizeof(MARK) - 1)) != NULL) {
        put(&in, p, mark - p);
        put(&expected, p, mark - p);

        model = models[gen_random(&gen, 5)];

        put(&in, model, strlen(model));
        put(&expected, asked, strlen(asked));

        p = mark + sizeof(MARK) - 1;
    }

    put(&in, p, end - p);
    put(&expected, p, end - p);
}


static void
put_event(const char *name, const gen_member_t *members)
{
    size_t  i;

    gen.len = 0;
    gen_object(&gen, members, 0, 1);

    for (i = 0; i < gen.len; i++) {
        if (gen.buf[i] == '\n' || gen.buf[i] == '\r') {
            gen.buf[i] = ' ';
        }
    }

    put_both("event: ");
    put_both(name);
    put_both("\ndata: ");
    put_generated();
    put_both("\n\n");
}


static void
gen_mark(gen_t *g)
{
    gen_text(g, MARK);
}


#define LITERAL(name, text)                                                   \
    static void name(gen_t *g) { gen_text(g, text); }


/* ---- Anthropic's */

LITERAL(a_start, "\"message_start\"")
LITERAL(a_block, "\"content_block_start\"")
LITERAL(a_delta, "\"content_block_delta\"")
LITERAL(a_block_stop, "\"content_block_stop\"")
LITERAL(a_message_delta, "\"message_delta\"")
LITERAL(a_stop, "\"message_stop\"")
LITERAL(a_ping, "\"ping\"")
LITERAL(a_strange, "\"strange_event\"")
LITERAL(a_text_delta, "\"text_delta\"")
LITERAL(a_strange_delta, "\"strange_delta\"")
LITERAL(a_none, "[]")
LITERAL(a_empty, "\"\"")


static const gen_member_t  a_usage_members[] = {
    { "input_tokens", gen_max_tokens, 90 },
    { "output_tokens", gen_max_tokens, 100 },
    { "cache_read_input_tokens", gen_null, 40 },
    { "service_tier", gen_unknown, 40 },
    { NULL, NULL, 0 }
};


static void
a_usage(gen_t *g)
{
    gen_object(g, a_usage_members, 0, 1);
}


static void
a_message(gen_t *g)
{
    static const gen_member_t  members[] = {
        { "id", gen_string, 100 },
        { "type", gen_message_type, 100 },
        { "role", gen_assistant, 100 },
        { "model", gen_mark, 100 },
        { "model", gen_mark, 10 },
        { "content", a_none, 100 },
        { "stop_reason", gen_null, 90 },
        { "stop_sequence", gen_null, 60 },
        { "usage", a_usage, 100 },
        { NULL, NULL, 0 }
    };

    gen_object(g, members, 0, 1);
}


static void
a_text_block(gen_t *g)
{
    static const gen_member_t  members[] = {
        { "type", gen_text_type, 100 },
        { "text", a_empty, 100 },
        { "citations", gen_null, 50 },
        { NULL, NULL, 0 }
    };

    gen_object(g, members, 0, 1);
}


static void
a_text(gen_t *g)
{
    static const gen_member_t  text[] = {
        { "type", a_text_delta, 100 },
        { "text", gen_said, 100 },
        { NULL, NULL, 0 }
    };

    static const gen_member_t  strange[] = {
        { "type", a_strange_delta, 100 },
        { "model", gen_unknown, 30 },
        { NULL, NULL, 0 }
    };

    gen_object(g, gen_random(g, 8) ? text : strange, 0, 1);
}


static void
a_end(gen_t *g)
{
    static const gen_member_t  members[] = {
        { "stop_reason", gen_end_turn, 100 },
        { "stop_sequence", gen_null, 60 },
        { "stop_details", gen_unknown, 40 },
        { NULL, NULL, 0 }
    };

    gen_object(g, members, 0, 1);
}


static ngx_uint_t
anthropic_stream(void)
{
    ngx_uint_t  i, n;

    static const gen_member_t  start[] = {
        { "type", a_start, 100 },
        { "message", a_message, 100 },
        { NULL, NULL, 0 }
    };

    static const gen_member_t  block[] = {
        { "type", a_block, 100 },
        { "index", gen_zero, 100 },
        { "content_block", a_text_block, 100 },
        { NULL, NULL, 0 }
    };

    static const gen_member_t  delta[] = {
        { "type", a_delta, 100 },
        { "index", gen_zero, 100 },
        { "delta", a_text, 100 },
        { "model", gen_unknown, 10 },
        { NULL, NULL, 0 }
    };

    static const gen_member_t  other[] = {
        { "type", a_strange, 100 },
        { "model", gen_unknown, 40 },
        { "message", gen_unknown, 40 },
        { "delta", gen_unknown, 40 },
        { NULL, NULL, 0 }
    };

    static const gen_member_t  ping[] = {
        { "type", a_ping, 100 },
        { NULL, NULL, 0 }
    };

    static const gen_member_t  block_stop[] = {
        { "type", a_block_stop, 100 },
        { "index", gen_zero, 100 },
        { NULL, NULL, 0 }
    };

    static const gen_member_t  end[] = {
        { "type", a_message_delta, 100 },
        { "delta", a_end, 100 },
        { "usage", a_usage, 100 },
        { NULL, NULL, 0 }
    };

    static const gen_member_t  stop[] = {
        { "type", a_stop, 100 },
        { NULL, NULL, 0 }
    };

    n = 1 + gen_random(&gen, 6);

    put_event("message_start", start);
    put_event("content_block_start", block);

    for (i = 0; i < n; i++) {
        switch (gen_random(&gen, 6)) {

        case 0:
            put_event("ping", ping);
            break;

        case 1:
            put_event("strange_event", other);
            break;

        default:
            put_event("content_block_delta", delta);
        }
    }

    put_event("content_block_stop", block_stop);
    put_event("message_delta", end);
    put_event("message_stop", stop);

    return n + 5;
}


static void
anthropic_body(void)
{
    static const gen_member_t  members[] = {
        { "id", gen_string, 100 },
        { "type", gen_message_type, 100 },
        { "role", gen_assistant, 100 },
        { "model", gen_mark, 100 },
        { "model", gen_mark, 10 },
        { "content", gen_message_content, 100 },
        { "stop_reason", gen_end_turn, 100 },
        { "stop_sequence", gen_null, 60 },
        { "container", gen_unknown, 30 },
        { "usage", a_usage, 100 },
        { NULL, NULL, 0 }
    };

    gen_object(&gen, members, 0, 1);
}


/* ---- OpenAI's */

LITERAL(r_created, "\"response.created\"")
LITERAL(r_delta, "\"response.output_text.delta\"")
LITERAL(r_strange, "\"response.strange\"")
LITERAL(r_completed, "\"response.completed\"")
LITERAL(r_object, "\"response\"")
LITERAL(r_running, "\"in_progress\"")
LITERAL(r_done, "\"completed\"")
LITERAL(r_time, "1790470929.50")
LITERAL(r_output_text, "\"output_text\"")
LITERAL(r_usage, "{\"input_tokens\" :1, \"output_tokens\":2,"
                 "\"total_tokens\":3}")


static void
r_part(gen_t *g)
{
    static const gen_member_t  members[] = {
        { "type", r_output_text, 100 },
        { "text", gen_said, 100 },
        { "annotations", gen_unknown, 60 },
        { "logprobs", a_none, 60 },
        { NULL, NULL, 0 }
    };

    gen_text(g, "[");
    gen_object(g, members, 0, 1);
    gen_text(g, "]");
}


static void
r_output(gen_t *g)
{
    static const gen_member_t  members[] = {
        { "type", gen_message_type, 100 },
        { "id", gen_string, 90 },
        { "role", gen_assistant, 100 },
        { "status", r_done, 100 },
        { "phase", gen_null, 50 },
        { "content", r_part, 100 },
        { NULL, NULL, 0 }
    };

    gen_text(g, "[");
    gen_object(g, members, 0, 1);
    gen_text(g, "]");
}


static const gen_member_t  r_whole[] = {
    { "id", gen_string, 100 },
    { "object", r_object, 100 },
    { "created_at", r_time, 100 },
    { "status", r_done, 100 },
    { "model", gen_mark, 100 },
    { "model", gen_mark, 10 },
    { "error", gen_null, 60 },
    { "output", r_output, 100 },
    { "temperature", gen_number, 60 },
    { "metadata", gen_unknown, 40 },
    { "tools", gen_unknown, 40 },
    { "usage", r_usage, 100 },
    { NULL, NULL, 0 }
};


static void
r_response(gen_t *g)
{
    gen_object(g, r_whole, 0, 1);
}


static void
r_begun(gen_t *g)
{
    static const gen_member_t  members[] = {
        { "id", gen_string, 100 },
        { "object", r_object, 100 },
        { "created_at", r_time, 100 },
        { "status", r_running, 100 },
        { "model", gen_mark, 100 },
        { "output", a_none, 100 },
        { "usage", gen_null, 60 },
        { NULL, NULL, 0 }
    };

    gen_object(g, members, 0, 1);
}


static ngx_uint_t
responses_stream(void)
{
    ngx_uint_t  i, n;

    static const gen_member_t  created[] = {
        { "type", r_created, 100 },
        { "sequence_number", gen_number, 90 },
        { "response", r_begun, 100 },
        { NULL, NULL, 0 }
    };

    static const gen_member_t  delta[] = {
        { "type", r_delta, 100 },
        { "sequence_number", gen_number, 90 },
        { "item_id", gen_string, 90 },
        { "output_index", gen_zero, 90 },
        { "content_index", gen_zero, 90 },
        { "delta", gen_said, 100 },
        { "logprobs", gen_unknown, 40 },
        { "obfuscation", gen_string, 40 },
        { NULL, NULL, 0 }
    };

    static const gen_member_t  other[] = {
        { "type", r_strange, 100 },
        { "sequence_number", gen_number, 90 },
        { "model", gen_unknown, 40 },
        { "item", gen_unknown, 40 },
        { NULL, NULL, 0 }
    };

    static const gen_member_t  completed[] = {
        { "type", r_completed, 100 },
        { "sequence_number", gen_number, 90 },
        { "response", r_response, 100 },
        { NULL, NULL, 0 }
    };

    n = 1 + gen_random(&gen, 6);

    put_event("response.created", created);

    for (i = 0; i < n; i++) {

        if (gen_random(&gen, 4)) {
            put_event("response.output_text.delta", delta);

        } else {
            put_event("response.strange", other);
        }
    }

    put_event("response.completed", completed);

    return n + 2;
}


static void
responses_body(void)
{
    gen_object(&gen, r_whole, 0, 1);
}


/* ---- both */

typedef struct {
    const char          *name;
    const argo_front_t  *front;
    const argo_back_t   *back;
    const char          *request;
    const char          *asked;
    ngx_uint_t         (*stream)(void);
    void               (*body)(void);
} pair_t;


static const pair_t  pairs[] = {

    { "messages", &argo_anthropic_front, &argo_anthropic_back,
      "{\"model\":" ASKED ",\"max_tokens\":9,\"messages\":[{\"role\":"
      "\"user\",\"content\":\"Hi\"}]}", ASKED,
      anthropic_stream, anthropic_body },

    { "responses", &argo_openai_responses_front, &argo_openai_responses_back,
      "{\"model\":" ASKED_GPT ",\"input\":\"Hi\"}", ASKED_GPT,
      responses_stream, responses_body }
};


static ngx_uint_t
differs(const char *what, uint64_t seed, const front_reply_t *got)
{
    if (got->rc == NGX_OK && got->bytes.len == expected.len
        && memcmp(got->bytes.data, expected.buf, expected.len) == 0)
    {
        return 0;
    }

    printf("# seed %llu: %s: %ld\n", (unsigned long long) seed, what,
           (long) got->rc);
    test_show("error", got->st.error.message.data,
              got->st.error.message.len);
    test_show("in", in.buf, in.len);
    test_show("got", got->bytes.data, got->bytes.len);
    test_show("expected", expected.buf, expected.len);

    return 1;
}


static ngx_uint_t
try_stream(const pair_t *pair, argo_request_t *req, ngx_uint_t *bad)
{
    uint64_t        seed;
    ngx_str_t       text;
    ngx_uint_t      n;
    ngx_pool_t     *pool;
    front_reply_t   got;

    seed = gen.seed;
    in.len = 0;
    expected.len = 0;

    n = pair->stream();

    text.data = in.buf;
    text.len = in.len;

    pool = test_pool();

    (void) front_begin(pool, &got, pair->front, pair->back, req, STREAM);
    (void) front_feed(&got, &text, gen_random(&gen, text.len), 1);
    (void) front_end(pool, &got);

    *bad += differs("a stream", seed, &got);

    ngx_destroy_pool(pool);

    return n;
}


static void
try_body(const pair_t *pair, argo_request_t *req, ngx_uint_t *bad)
{
    uint64_t        seed;
    ngx_str_t       text;
    ngx_pool_t     *pool;
    front_reply_t   got;

    seed = gen.seed;
    in.len = 0;
    expected.len = 0;
    gen.len = 0;

    gen_blank(&gen);
    pair->body();
    gen_blank(&gen);
    put_generated();

    text.data = in.buf;
    text.len = in.len;

    pool = test_pool();

    (void) front_begin(pool, &got, pair->front, pair->back, req, UNARY);
    got.rc = argo_stream_body(&got.st, &text, &got.out);
    (void) front_end(pool, &got);

    *bad += differs("a body", seed, &got);

    ngx_destroy_pool(pool);
}


static void
check(const pair_t *pair, ngx_uint_t documents)
{
    ngx_str_t         json;
    ngx_uint_t        i, n, bad;
    ngx_pool_t       *pool;
    front_request_t   r;

    pool = test_pool();
    json = front_str(pair->request);
    asked = pair->asked;

    is(front_read(pool, pair->front, pair->back, &json, &r), NGX_OK,
       "%s: asked for", pair->name);

    bad = 0;

    for (n = 0; n < documents / 2 && bad < 3; /* void */) {
        n += try_stream(pair, &r.req, &bad);
    }

    is(bad, 0, "%s: %lu events come down as they came", pair->name,
       (unsigned long) n);

    bad = 0;

    for (i = 0; i < documents / 2 && bad < 3; i++) {
        try_body(pair, &r.req, &bad);
    }

    is(bad, 0, "%s: %lu bodies come down as they came", pair->name,
       (unsigned long) i);

    ngx_destroy_pool(pool);
}


int
main(void)
{
    ngx_uint_t   i, documents;
    const char  *said;

    said = getenv("ARGO_UNIT_DOCUMENTS");
    documents = said ? strtoul(said, NULL, 10) : DOCUMENTS;

    gen.seed = 20261122;

    for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        check(&pairs[i], documents);
    }

    return front_done();
}
