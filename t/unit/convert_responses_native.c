
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's Responses over ARGO's own Responses: what goes through must come
 * out as it was but for the model's name, however it is cut; and every
 * failure must be told in the way that fits what the client has seen.
 */


#include "argo_front.h"
#include "argo_request.h"
#include "argo_rules.h"


#define DOCUMENTS  100000

/* what a client asks for, in all that is not recorded */
#define ASKED      "argo:gpt-4o"


typedef struct {
    const char      *name;
    const char      *in;
    const char      *out;
} request_t;


typedef struct {
    const char      *name;
    const char      *in;
    ngx_uint_t       status;
    const char      *code;
} failure_t;


static const argo_front_t  *const  front = &argo_openai_responses_front;
static const argo_back_t   *const  back = &argo_openai_responses_back;


/* ---- requests */

static const request_t  requests[] = {

    { "a string", "{\"model\":\"" ASKED "\",\"input\":\"Hi\"}",
      "{\"model\":\"gpt4o\",\"input\":\"Hi\"}" },

    { "blanks, numbers, escapes, the order of names",
      "\n{ \"input\" : \"H\\u0069\\/\" ,\"temperature\": 1.50e0,\n"
      "\"model\":\"" ASKED "\" , \"x\":[ 1 , {\"model\":\"m\"} ] }\n",
      "\n{ \"input\" : \"H\\u0069\\/\" ,\"temperature\": 1.50e0,\n"
      "\"model\":\"gpt4o\" , \"x\":[ 1 , {\"model\":\"m\"} ] }\n" },

    { "the user, twice, once by an escaped name",
      "{\"user\":\"eve\",\"model\":\"" ASKED "\",\"input\":\"Hi\","
      "\"us\\u0065r\":{\"a\":1}}",
      "{\"user\":\"jdoe\",\"model\":\"gpt4o\",\"input\":\"Hi\","
      "\"us\\u0065r\":\"jdoe\"}" },

    { "what needs a memory",
      "{\"model\":\"" ASKED "\",\"previous_response_id\":\"resp_1\","
      "\"store\":true,\"background\":true,\"conversation\":\"c\","
      "\"input\":[{\"type\":\"item_reference\",\"id\":\"i\"},{\"id\":\"j\"}]"
      ",\"prompt\":{\"id\":\"p\"}}",
      "{\"model\":\"gpt4o\",\"previous_response_id\":\"resp_1\","
      "\"store\":true,\"background\":true,\"conversation\":\"c\","
      "\"input\":[{\"type\":\"item_reference\",\"id\":\"i\"},{\"id\":\"j\"}]"
      ",\"prompt\":{\"id\":\"p\"}}" },

    { "what only OpenAI runs",
      "{\"model\":\"" ASKED "\",\"input\":\"Hi\",\"tools\":["
      "{\"type\":\"web_search\"},{\"type\":\"new_kind\",\"x\":1},"
      "{\"type\":\"custom\",\"name\":\"c\",\"format\":{\"type\":\"grammar\","
      "\"syntax\":\"lark\",\"definition\":\"start: x\"}},"
      "{\"type\":\"namespace\",\"name\":\"n\",\"tools\":[]}],"
      "\"tool_choice\":{\"type\":\"web_search\"},\"top_logprobs\":5,"
      "\"include\":[\"message.output_text.logprobs\"],\"n\":2}",
      "{\"model\":\"gpt4o\",\"input\":\"Hi\",\"tools\":["
      "{\"type\":\"web_search\"},{\"type\":\"new_kind\",\"x\":1},"
      "{\"type\":\"custom\",\"name\":\"c\",\"format\":{\"type\":\"grammar\","
      "\"syntax\":\"lark\",\"definition\":\"start: x\"}},"
      "{\"type\":\"namespace\",\"name\":\"n\",\"tools\":[]}],"
      "\"tool_choice\":{\"type\":\"web_search\"},\"top_logprobs\":5,"
      "\"include\":[\"message.output_text.logprobs\"],\"n\":2}" },

    { "items of new kinds, images and files that are elsewhere",
      "{\"model\":\"" ASKED "\",\"input\":[{\"type\":\"new_item\"},"
      "{\"role\":\"user\",\"content\":[{\"type\":\"input_image\","
      "\"image_url\":\"https://example.org/a.png\"},{\"type\":"
      "\"input_file\",\"file_id\":\"f\"}]}]}",
      "{\"model\":\"gpt4o\",\"input\":[{\"type\":\"new_item\"},"
      "{\"role\":\"user\",\"content\":[{\"type\":\"input_image\","
      "\"image_url\":\"https://example.org/a.png\"},{\"type\":"
      "\"input_file\",\"file_id\":\"f\"}]}]}" },

    { "thoughts of other vendors' models, and OpenAI's",
      "{\"model\":\"" ASKED "\",\"input\":[ {\"type\":\"reasoning\",\"id\":"
      "\"rs_1\",\"encrypted_content\":\"anthropic:c2ln\"}, {\"role\":"
      "\"user\",\"content\":\"Hi\"},{\"type\":\"reasoning\",\"summary\":[],"
      "\"encrypted_content\":\"google:c2ln\"},{\"type\":\"reasoning\","
      "\"encrypted_content\":\"anthropic-redacted:c2ln\"},"
      "{\"type\":\"reasoning\",\"id\":\"rs_Ab1_0\",\"summary\":[]},"
      "{\"type\":\"reasoning\",\"encrypted_content\":null},"
      "{\"type\":\"reasoning\",\"id\":\"rs_Ab1_0\",\"encrypted_content\":"
      "\"gAAA\"}, {\"type\":\"reasoning\",\"id\":\"rs_01ab\"}]}",
      "{\"model\":\"gpt4o\",\"input\":[ {\"role\":"
      "\"user\",\"content\":\"Hi\"},"
      "{\"type\":\"reasoning\",\"id\":\"rs_Ab1_0\",\"encrypted_content\":"
      "\"gAAA\"}, {\"type\":\"reasoning\",\"id\":\"rs_01ab\"}]}" },

    { NULL, NULL, NULL }
};


static void
test_requests(void)
{
    ngx_str_t         json;
    ngx_pool_t       *pool;
    front_request_t   r;
    const request_t  *t;

    for (t = requests; t->name; t++) {
        pool = test_pool();
        json = front_str(t->in);

        front_read(pool, front, back, &json, &r);

        if (is(r.rc, NGX_OK, "%s: accepted", t->name)) {
            is_str(&r.body, t->out, "%s: goes up", t->name);

        } else {
            test_show("message", r.err.message.data, r.err.message.len);
        }

        ok(front_is(&r.call.tail, "v1/responses")
           && front_is(&r.call.accept, "application/json")
           && r.call.frame == ARGO_FRAME_JSON
           && r.call.auth == ARGO_AUTH_BEARER, "%s: the call", t->name);

        ngx_destroy_pool(pool);
    }
}


/* Plans and writes a request that has been read. */

static ngx_str_t
write_up(ngx_pool_t *pool, front_request_t *r, ngx_uint_t pseudo)
{
    ngx_str_t   body;
    argo_out_t  out;

    argo_out_init(&out, pool, 512, NULL, 0);
    ngx_memzero(&r->call, sizeof(argo_call_t));

    if (back->plan_call(pool, &r->req, pseudo, &r->call, &r->err) != NGX_OK) {
        ngx_str_set(&body, "refused");
        return body;
    }

    back->write_request(&r->req, &r->call, &out);

    if (argo_out_flatten(&out, pool, &body) != NGX_OK) {
        ngx_str_set(&body, "failed");
    }

    return body;
}


static void
test_streamed(void)
{
    ngx_str_t         json, body;
    ngx_pool_t       *pool;
    front_request_t   r;

    pool = test_pool();
    json = front_str("{\"model\":\"" ASKED "\",\"input\":\"Hi\",\"stream\":"
                     "true,\"stream_options\":{\"include_obfuscation\":"
                     "false}}");

    front_read(pool, front, back, &json, &r);

    ok(front_is(&r.call.accept, "text/event-stream")
       && r.call.frame == ARGO_FRAME_SSE, "a stream: the call");
    is_str(&r.body, "{\"model\":\"gpt4o\",\"input\":\"Hi\",\"stream\":true,"
           "\"stream_options\":{\"include_obfuscation\":false}}",
           "a stream: goes up");

    body = write_up(pool, &r, 1);

    ok(front_is(&r.call.accept, "application/json")
       && r.call.frame == ARGO_FRAME_JSON, "one that is made here: the call");
    is_str(&body, "{\"model\":\"gpt4o\",\"input\":\"Hi\",\"stream\":false,"
           "\"stream_options\":null}", "one that is made here: goes up");

    r.req.dialect = ARGO_DIALECT_CHAT;

    is(back->plan_call(pool, &r.req, 0, &r.call, &r.err), NGX_DECLINED,
       "for no other dialect");

    ngx_destroy_pool(pool);
}


/* what a rule for the model does */

static void
test_rules(void)
{
    ngx_str_t         json, body, one, low;
    argo_out_t        url;
    ngx_pool_t       *pool;
    argo_json_t      *reasoning;
    front_request_t   r;

    pool = test_pool();
    json = front_str("{\"model\":\"" ASKED "\", \"reasoning\" : {\"effort\":"
                     "\"xhigh\" , \"summary\":\"auto\"},\"temperature\":0.5,"
                     "\"top_p\":0.5,\"max_output_tokens\":1,\"input\":\"Hi\""
                     "}");

    ngx_str_set(&one, "1");
    ngx_str_set(&low, "\"low\"");

    front_read(pool, front, back, &json, &r);
    is(r.rc, NGX_OK, "a request for rules");

    reasoning = argo_json_get(r.req.root, "reasoning");

    ok(r.req.temperature && r.req.top_p && r.req.effort && r.req.max_output,
       "rules find the parameters");

    argo_request_drop(pool, &r.req, NULL, &r.req.temperature, "temperature",
                      "t");
    argo_request_drop(pool, &r.req, NULL, &r.req.top_p, "top_p", "t");
    argo_request_set(pool, &r.req, NULL, &r.req.max_output,
                     ARGO_JSON_NUMBER, "max_output_tokens", &one, "t");
    argo_request_set(pool, &r.req, reasoning, &r.req.effort,
                     ARGO_JSON_STRING, "reasoning.effort", &low, "t");

    body = write_up(pool, &r, 0);
    is_str(&body, "{\"model\":\"gpt4o\", \"reasoning\" : {\"effort\":"
           "\"low\" , \"summary\":\"auto\"},\"max_output_tokens\":1,"
           "\"input\":\"Hi\"}", "values replaced and dropped");

    front_read(pool, front, back, &json, &r);
    argo_request_drop(pool, &r.req, argo_json_get(r.req.root, "reasoning"),
                      &r.req.effort, "reasoning.effort", "t");

    body = write_up(pool, &r, 0);
    is_str(&body, "{\"model\":\"gpt4o\", \"reasoning\" : {"
           "\"summary\":\"auto\"},\"temperature\":0.5,\"top_p\":0.5,"
           "\"max_output_tokens\":1,\"input\":\"Hi\"}",
           "the effort dropped by name of its object");

    front_read(pool, front, back, &json, &r);
    argo_request_drop(pool, &r.req, NULL, &r.req.effort, "reasoning.effort",
                      "t");

    body = write_up(pool, &r, 0);
    is_str(&body, "{\"model\":\"gpt4o\", \"reasoning\" : {"
           "\"summary\":\"auto\"},\"temperature\":0.5,\"top_p\":0.5,"
           "\"max_output_tokens\":1,\"input\":\"Hi\"}",
           "the effort dropped without it");

    /* an image that the gateway has fetched */

    json = front_str("{\"model\":\"" ASKED "\",\"input\":[{\"role\":\"user\""
                     ",\"content\":[{\"type\":\"input_image\",\"detail\":"
                     "\"low\", \"image_url\": \"https:\\/\\/x/a.png\" }]}]}");

    memset(&r, 0, sizeof(front_request_t));
    r.req.fetch_images = 1;
    r.req.document = json;
    r.req.dialect = ARGO_DIALECT_RESPONSES;
    r.rc = argo_json_parse(pool, &json, front->tree_depth, &r.req.root,
                           &r.err);

    is(front->read_request(pool, &r.req, &r.err), NGX_OK, "a URL");

    if (ok(r.req.messages && r.req.messages->parts
           && r.req.messages->parts->remote, "... that is to be fetched"))
    {
        argo_out_init(&url, pool, 64, NULL, 1);
        argo_out_lit(&url, "data:image/png;base64,AAAA");

        r.req.messages->parts->data = &url;
        ngx_str_set(&r.req.user, "jdoe");
        (void) argo_model_resolve(pool, front_models(), &r.req.model,
                                  &r.req.target, &r.err);

        body = write_up(pool, &r, 0);
        is_str(&body, "{\"model\":\"gpt4o\",\"input\":[{\"role\":\"user\""
               ",\"content\":[{\"type\":\"input_image\",\"detail\":"
               "\"low\", \"image_url\": \"data:image/png;base64,AAAA\" }]}]}",
               "... is in its place");
    }

    ngx_destroy_pool(pool);
}


/* the same by the rules themselves: no more images, a schema's form */

static void
test_profile(void)
{
    ngx_str_t         json, body;
    ngx_pool_t       *pool;
    argo_profile_t    profile;
    front_request_t   r;

    pool = test_pool();
    json = front_str("{\"model\":\"" ASKED "\", \"tools\":[{\"type\":"
                     "\"namespace\",\"name\":\"n\",\"tools\":[{\"type\":"
                     "\"function\",\"name\":\"f\",\"parameters\": {}},"
                     "{\"type\":\"custom\",\"name\":\"c\"}]}],"
                     "\"input\":[{\"role\":\"user\",\"content\":["
                     "{\"type\":\"input_image\",\"image_url\":\"data:,\"},"
                     " {\"type\":\"input_image\",\"image_url\":\"data:,\"}"
                     "]}],\"top_p\":1}");

    front_read(pool, front, back, &json, &r);

    memset(&profile, 0, sizeof(argo_profile_t));
    profile.max_images = 1;
    profile.schema_object = 1;
    r.req.profile = &profile;

    is(argo_rules_apply(pool, &r.req, ARGO_DIALECT_RESPONSES, &r.err),
       NGX_OK, "rules");

    body = write_up(pool, &r, 0);
    is_str(&body, "{\"model\":\"gpt4o\", \"tools\":[{\"type\":"
           "\"namespace\",\"name\":\"n\",\"tools\":[{\"type\":"
           "\"function\",\"name\":\"f\",\"parameters\": "
           "{\"type\":\"object\"}},"
           "{\"type\":\"custom\",\"name\":\"c\"}]}],"
           "\"input\":[{\"role\":\"user\",\"content\":["
           "{\"type\":\"input_text\",\"text\":\"[image left out]\"},"
           " {\"type\":\"input_image\",\"image_url\":\"data:,\"}"
           "]}],\"top_p\":1}", "... are followed");

    ngx_destroy_pool(pool);
}


/*
 * Requests made up at random, and beside them what must go up: the generator
 * knows where it puts what is to change.
 */

static uint32_t  dice_state;


static uint32_t
dice(uint32_t n)
{
    dice_state = dice_state * 1664525u + 1013904223u;

    return (dice_state >> 8) % n;
}


typedef struct {
    char    in[4096];
    char    out[4096];
    size_t  nin;
    size_t  nout;
} pair_t;


static void
put2(pair_t *pair, const char *in, const char *out)
{
    memcpy(pair->in + pair->nin, in, strlen(in));
    pair->nin += strlen(in);
    memcpy(pair->out + pair->nout, out, strlen(out));
    pair->nout += strlen(out);
}


static void
put(pair_t *pair, const char *s)
{
    put2(pair, s, s);
}


static void
put_blank(pair_t *pair)
{
    static const char  *blanks[] = { "", "", "", " ", "\n", "\t ", "\r\n" };

    put(pair, blanks[dice(7)]);
}


static void
put_value(pair_t *pair, ngx_uint_t depth)
{
    ngx_uint_t  i, n;

    static const char  *values[] = {
        "null", "true", "false", "0", "-0", "1.50e+3", "12345678901234567890",
        "\"\"", "\"model\"", "\"\\u00e9\\ud83d\\ude00\\/\"", "\"\xc3\xa9\"",
        "\"a\\\"b\\\\\"", "[]", "{}", "1E-2"
    };

    n = dice(depth > 3 ? 15 : 19);

    if (n < 15) {
        put(pair, values[n]);
        return;
    }

    put(pair, n < 17 ? "[" : "{");
    put_blank(pair);

    for (i = dice(4); i; i--) {

        if (n >= 17) {
            put(pair, dice(2) ? "\"model\"" : "\"us\\u0065r\"");
            put_blank(pair);
            put(pair, ":");
            put_blank(pair);
        }

        put_value(pair, depth + 1);
        put_blank(pair);

        if (i > 1) {
            put(pair, ",");
            put_blank(pair);
        }
    }

    put(pair, n < 17 ? "]" : "}");
}


static void
put_member(pair_t *pair, ngx_uint_t which)
{
    ngx_uint_t  i;

    static const char  *others[] = {
        "\"zzz\"", "\"\"", "\"x\\u0079\"", "\"moderation\"", "\"new_list\"",
        "\"client_metadata\"", "\"context_management\"",
        "\"previous_response_id\"", "\"conversation\"", "\"prompt\"",
        "\"messages\"", "\"max_tokens\"", "\"response_format\""
    };

    switch (which) {

    case 0:
        put(pair, dice(4) ? "\"model\"" : "\"\\u006dodel\"");
        put_blank(pair);
        put(pair, ":");
        put_blank(pair);
        put2(pair, "\"" ASKED "\"", "\"gpt4o\"");
        return;

    case 1:
        put(pair, "\"input\":");

        if (dice(2)) {
            put(pair, "\"Hi\"");

        } else {
            put(pair, "[{\"role\":\"user\",\"content\":\"Hi\"},");
            put_value(pair, 2);
            put(pair, "]");
        }

        return;

    case 2:
        put(pair, dice(4) ? "\"user\"" : "\"use\\u0072\"");
        put(pair, ":");
        put_blank(pair);

        /* whatever it is, it is replaced */

        i = pair->nout;
        put_value(pair, 2);
        pair->nout = i;
        put2(pair, "", "\"jdoe\"");

        return;

    default:
        put(pair, others[dice(13)]);
        put_blank(pair);
        put(pair, ":");
        put_blank(pair);
        put_value(pair, 1);
    }
}


static void
test_generated(void)
{
    ngx_uint_t        i, j, n, model, user, bad;
    ngx_str_t         json;
    ngx_pool_t       *pool;
    front_request_t   r;

    static pair_t  pair;

    bad = 0;

    for (i = 0; i < DOCUMENTS && bad < 3; i++) {
        pair.nin = 0;
        pair.nout = 0;

        dice_state = (uint32_t) i * 2654435761u;

        put_blank(&pair);
        put(&pair, "{");
        put_blank(&pair);

        n = 2 + dice(6);
        model = dice(n);
        user = (model + 1 + dice(n - 1)) % n;

        for (j = 0; j < n; j++) {
            put_member(&pair, (j == model) ? 0
                              : (j == user && dice(2)) ? 2
                              : dice(4) ? 3 : 1);
            put_blank(&pair);

            if (j + 1 < n) {
                put(&pair, ",");
                put_blank(&pair);
            }
        }

        put(&pair, "}");
        put_blank(&pair);

        pool = test_pool();
        json.data = (u_char *) pair.in;
        json.len = pair.nin;

        front_read(pool, front, back, &json, &r);

        if (r.rc != NGX_OK || r.body.len != pair.nout
            || memcmp(r.body.data, pair.out, pair.nout) != 0)
        {
            bad++;
            printf("# document %d: %d\n", (int) i, (int) r.rc);
            test_show("in", json.data, json.len);
            test_show("expected", (u_char *) pair.out, pair.nout);
            test_show("got", r.body.data, r.body.len);
        }

        ngx_destroy_pool(pool);
    }

    ok(bad == 0, "%d documents go up as they came", (int) i);
}


/* ---- streams */

/* The model's name wherever it is a member, as the client asked for it. */

static ngx_str_t
renamed(ngx_pool_t *pool, const ngx_str_t *text, const char *is,
    const char *asked)
{
    u_char     *p, *end;
    char        from[128], to[128];
    size_t      n;
    ngx_str_t   s;

    (void) snprintf(from, sizeof(from), "\"model\":%s\"%s\"",
                    strstr(is, " ") ? " " : "", is + strspn(is, " "));
    (void) snprintf(to, sizeof(to), "\"model\":%s\"%s\"",
                    strstr(is, " ") ? " " : "", asked);

    n = strlen(from);

    s.data = ngx_palloc(pool, text->len + 256);
    s.len = 0;

    if (s.data == NULL) {
        abort();
    }

    p = text->data;
    end = p + text->len;

    while (p < end) {

        if ((size_t) (end - p) >= n && memcmp(p, from, n) == 0) {
            memcpy(s.data + s.len, to, strlen(to));
            s.len += strlen(to);
            p += n;
            continue;
        }

        s.data[s.len++] = *p++;
    }

    return s;
}


static void
begin(ngx_pool_t *pool, front_request_t *r, ngx_uint_t stream)
{
    static ngx_str_t  json[2] = {
        ngx_string("{\"model\":\"" ASKED "\",\"input\":\"Hi\"}"),
        ngx_string("{\"model\":\"" ASKED "\",\"input\":\"Hi\","
                   "\"stream\":true}")
    };

    if (front_read(pool, front, back, &json[stream], r) != NGX_OK) {
        abort();
    }
}


static ngx_int_t
feed(ngx_pool_t *pool, front_reply_t *reply, const ngx_str_t *text,
    size_t cut, ngx_uint_t stream)
{
    front_request_t  *r;

    r = ngx_pcalloc(pool, sizeof(front_request_t));

    if (r == NULL) {
        abort();
    }

    begin(pool, r, stream);

    if (front_begin(pool, reply, front, back, &r->req, stream) == NGX_OK) {
        front_feed(reply, text, cut, 1);
    }

    front_end(pool, reply);

    return reply->rc;
}


static void
test_recorded(void)
{
    size_t          cut, bad;
    ngx_str_t       text, expected;
    ngx_uint_t      i;
    ngx_pool_t     *pool, *kept;
    argo_usage_t    usage;
    front_reply_t   reply;

    static const struct {
        const char     *name;
        size_t          step;
        argo_finish_e   finish;
        uint64_t        prompt;
        uint64_t        completion;

    } files[] = {
        { "openai-responses-stream-text.sse", 1, ARGO_FINISH_STOP, 23, 9 },
        { "openai-responses-stream-tool-call.sse", 3,
          ARGO_FINISH_TOOL_CALLS, 54, 18 },
        { "openai-responses-stream-tool-followup.sse", 3, ARGO_FINISH_STOP,
          0, 0 },
        { "openai-responses-stream-incomplete.sse", 3, ARGO_FINISH_LENGTH,
          37, 16 }
    };

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        kept = test_pool();
        text = front_file(kept, files[i].name);
        expected = renamed(kept, &text, "gpt-5.4-nano-2026-03-17", ASKED);
        bad = 0;

        for (cut = 0; cut <= text.len; cut += files[i].step) {
            pool = test_pool();

            feed(pool, &reply, &text, cut, STREAM);

            if (reply.rc != NGX_OK || !front_same(&reply.bytes, &expected)) {
                bad++;

                if (bad == 1) {
                    printf("# cut at %d: %d\n", (int) cut, (int) reply.rc);
                    test_show("got", reply.bytes.data, reply.bytes.len);
                }
            }

            ngx_destroy_pool(pool);
        }

        pool = test_pool();

        feed(pool, &reply, &text, BYTES, STREAM);
        argo_stream_usage(&reply.st, &usage);

        ok(bad == 0 && reply.rc == NGX_OK
           && front_same(&reply.bytes, &expected),
           "%s: as it came, cut anywhere", files[i].name);
        ok(reply.st.finish == files[i].finish && reply.st.usage.known
           && (files[i].prompt == 0
               || (usage.prompt == files[i].prompt
                   && usage.completion == files[i].completion)),
           "%s: its end and its usage are known", files[i].name);

        ngx_destroy_pool(pool);
        ngx_destroy_pool(kept);
    }
}


#define EVENT(type, rest)                                                     \
    "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"
#define SEQ(n)         ",\"sequence_number\":" #n
#define RESPONSE(status, rest)                                                \
    ",\"response\":{\"id\":\"resp_9\",\"object\":\"response\","               \
    "\"created_at\":1790470929.0,\"status\":\"" status "\","                  \
    "\"model\":\"aiops-cels-gpt-4o\"" rest "}"
#define RENAMED(status, rest)                                                 \
    ",\"response\":{\"id\":\"resp_9\",\"object\":\"response\","               \
    "\"created_at\":1790470929.0,\"status\":\"" status "\","                  \
    "\"model\":\"" ASKED "\"" rest "}"
#define BEGUN          EVENT("response.created",                              \
                             RESPONSE("in_progress", ",\"output\":[]") SEQ(0))
#define BEGUN_OUT      EVENT("response.created",                              \
                             RENAMED("in_progress", ",\"output\":[]") SEQ(0))
#define DELTA(s, n)    EVENT("response.output_text.delta",                    \
                             ",\"delta\":\"" s "\"" SEQ(n))
#define COMPLETED(n)   EVENT("response.completed",                            \
                             RESPONSE("completed", ",\"output\":[]") SEQ(n))
#define COMPLETED_OUT(n)                                                      \
                       EVENT("response.completed",                            \
                             RENAMED("completed", ",\"output\":[]") SEQ(n))
#define FAILED(n)      EVENT("response.failed", RESPONSE("failed",            \
                             ",\"error\":{\"code\":\"rate_limit_exceeded\","  \
                             "\"message\":\"Slow down\"}") SEQ(n))


/* Feeds all of it in three ways, which must come to the same. */

static ngx_int_t
feed_all(ngx_pool_t *pool, front_reply_t *reply, const char *in)
{
    size_t           cut;
    ngx_str_t        text;
    front_reply_t    other;

    text = front_str(in);

    feed(pool, reply, &text, WHOLE, STREAM);

    for (cut = 0; cut < 60; cut++) {
        feed(pool, &other, &text, cut ? text.len * cut / 60 : BYTES, STREAM);

        if (other.rc != reply->rc
            || !front_same(&other.bytes, &reply->bytes)
            || other.st.error.status != reply->st.error.status)
        {
            ok(0, "cut in another way it is another reply");
            break;
        }
    }

    return reply->rc;
}


static void
test_forms(void)
{
    const request_t  *t;
    ngx_pool_t       *pool;
    front_reply_t     reply;

    static const request_t  forms[] = {

        { "what is not known", BEGUN DELTA("Hello", 1)
          EVENT("response.new_thing", ",\"x\":[1]") COMPLETED(3),
          BEGUN_OUT DELTA("Hello", 1)
          EVENT("response.new_thing", ",\"x\":[1]") COMPLETED_OUT(3) },

        { "events without names",
          "data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}"
          "\n\ndata: {\"response\":{\"model\":\"m\"},"
          "\"type\":\"response.completed\"}\n\n",
          "event: response.output_text.delta\n"
          "data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}"
          "\n\nevent: response.completed\n"
          "data: {\"response\":{\"model\":\"" ASKED "\"},"
          "\"type\":\"response.completed\"}\n\n" },

        { "comments and ids", ": alone\n\nid: 1\n" BEGUN
          "id: 2\n: c\n" COMPLETED(1),
          "id: 1\n" BEGUN_OUT "id: 2\n: c\n" COMPLETED_OUT(1) },

        { "what follows the end",
          BEGUN DELTA("Hello", 1) COMPLETED(2) "data: [DONE]\n\n",
          BEGUN_OUT DELTA("Hello", 1) COMPLETED_OUT(2) },

        { "a reply that is only thoughts and calls", BEGUN
          EVENT("response.reasoning_summary_text.delta", ",\"delta\":\"t\"")
          EVENT("response.output_item.added", ",\"item\":{\"type\":"
                "\"custom_tool_call\",\"call_id\":\"c\",\"name\":\"n\"}")
          EVENT("response.custom_tool_call_input.delta", ",\"delta\":\"t\"")
          COMPLETED(4), BEGUN_OUT
          EVENT("response.reasoning_summary_text.delta", ",\"delta\":\"t\"")
          EVENT("response.output_item.added", ",\"item\":{\"type\":"
                "\"custom_tool_call\",\"call_id\":\"c\",\"name\":\"n\"}")
          EVENT("response.custom_tool_call_input.delta", ",\"delta\":\"t\"")
          COMPLETED_OUT(4) },

        { "one that fails later: upstream's own word",
          BEGUN DELTA("Hello", 1) FAILED(2) "data: x\n\n",
          BEGUN_OUT DELTA("Hello", 1)
          EVENT("response.failed", RENAMED("failed",
                ",\"error\":{\"code\":\"rate_limit_exceeded\","
                "\"message\":\"Slow down\"}") SEQ(2)) },

        { NULL, NULL, NULL }
    };

    for (t = forms; t->name; t++) {
        pool = test_pool();

        feed_all(pool, &reply, t->in);

        is(reply.rc, strstr(t->in, "failed") ? NGX_DECLINED : NGX_OK,
           "%s: read", t->name);
        is_str(&reply.bytes, t->out, "%s: handed on", t->name);

        ngx_destroy_pool(pool);
    }
}


#define DENIAL  "# IMPORTANT AUTHENTICATION NOTICE FROM ARGO: no account"
#define CHUNK(s)                                                              \
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":"   \
    "[{\"index\":0,\"delta\":{\"content\":\"" s "\"}}]}\n\n"


/* before the client has seen anything: a failure is an HTTP error */

static const failure_t  failures[] = {

    { "response.failed at once", FAILED(0), 429, "rate_limit_exceeded" },
    { "response.failed after the start", BEGUN FAILED(1), 429,
      "rate_limit_exceeded" },
    { "an error event", BEGUN
      EVENT("error", ",\"code\":\"server_error\",\"message\":\"Oh\","
            "\"param\":null" SEQ(1)), 502, NULL },
    { "an error object", "data: {\"error\":{\"message\":\"Oh\",\"type\":"
      "\"invalid_request_error\",\"code\":\"c\",\"param\":\"p\"}}\n\n", 400,
      "c" },
    { "an error that is a string", "data: {\"error\":\"Oh\"}\n\n", 502,
      NULL },
    { "nothing", "", 502, "upstream_incomplete" },
    { "a start alone", BEGUN, 502, "upstream_incomplete" },
    { "no JSON", "data: {\n\n", 502, "upstream_invalid_reply" },
    { "no object", "data: 1\n\n", 502, "upstream_invalid_reply" },
    { "a denial in deltas", BEGUN DELTA("# IMPORTANT AUTHENTICATION ", 1)
      DELTA("NOTICE FROM ARGO", 2) DELTA(": no", 3), 403,
      "argo_access_denied" },
    { "a denial in a chat's form", CHUNK("# IMPORTANT AUTHENTICATION ")
      CHUNK("NOTICE FROM ARGO: no account"), 403, "argo_access_denied" },
    { "another API", CHUNK("Hello") CHUNK("there"), 502,
      "upstream_invalid_reply" },
    { "an event without a type", "data: {\"a\":1}\n\n", 502,
      "upstream_invalid_reply" },

    { NULL, NULL, 0, NULL }
};


static void
test_failures(void)
{
    ngx_pool_t       *pool;
    front_reply_t     reply;
    const failure_t  *t;

    for (t = failures; t->name; t++) {
        pool = test_pool();

        feed_all(pool, &reply, t->in);

        if (!ok(reply.rc == NGX_DECLINED && reply.bytes.len == 0
                && !reply.st.started && reply.st.error.status == t->status
                && (t->code == NULL
                    || front_is(&reply.st.error.code, t->code))
                && reply.st.error.message.len,
                "%s: an error with %d", t->name, (int) t->status))
        {
            printf("# %d, status %d\n", (int) reply.rc,
                   (int) reply.st.error.status);
            test_show("message", reply.st.error.message.data,
                      reply.st.error.message.len);
            test_show("code", reply.st.error.code.data,
                      reply.st.error.code.len);
            test_show("bytes", reply.bytes.data, reply.bytes.len);
        }

        ngx_destroy_pool(pool);
    }
}


/*
 * After the first event a failure is told in the stream, as the response that
 * upstream had begun, and numbered on.
 */

static void
check_told(const char *name, front_reply_t *reply, ngx_uint_t shown,
    ngx_pool_t *pool)
{
    u_char         *p, *end;
    int64_t         n;
    ngx_uint_t      i, failed, completed;
    const char     *wrong;
    front_event_t   ev;

    p = reply->bytes.data;
    end = p + reply->bytes.len;
    wrong = NULL;
    failed = 0;
    completed = 0;

    for (i = 0; p < end && wrong == NULL; i++) {

        wrong = front_event(pool, &p, end, &ev);

        if (wrong) {
            break;
        }

        if (argo_json_int(argo_json_get(ev.root, "sequence_number"), &n)
            != NGX_OK || (ngx_uint_t) n != i)
        {
            wrong = "the sequence has a gap";
        }

        completed += front_is(&ev.name, "response.completed")
                     || front_is(&ev.name, "response.incomplete");

        if (front_is(&ev.name, "response.failed")) {
            failed++;

            if (shown && (!front_raw_is(ev.root, "response.id", "\"resp_9\"")
                          || !front_raw_is(ev.root, "response.created_at",
                                           "1790470929.0")))
            {
                wrong = "it is another response that has failed";
            }

            if (!front_raw_is(ev.root, "response.model",
                              "\"" ASKED "\"")
                || !front_raw_is(ev.root, "response.status", "\"failed\"")
                || front_at(ev.root, "response.error.message") == NULL)
            {
                wrong = "a failed response that does not say so";
            }
        }
    }

    if (!ok(wrong == NULL && failed == 1 && completed == 0
            && reply->rc == NGX_DECLINED && front_is(&ev.name, "error"),
            "%s: told in the stream", name))
    {
        printf("# %s\n", wrong ? wrong : "not told once");
        test_show("bytes", reply->bytes.data, reply->bytes.len);
    }
}


static void
test_told(void)
{
    size_t           cut;
    ngx_str_t        text;
    ngx_uint_t       i;
    ngx_pool_t      *pool;
    argo_error_t     err;
    front_reply_t    reply;
    front_request_t  r;

    static const char  *told[] = {
        BEGUN DELTA("Hello", 1), "a cut",
        BEGUN DELTA("Hello", 1) EVENT("error", ",\"message\":\"Oh\"" SEQ(2)),
        "an error event",
        BEGUN DELTA("Hello", 1) "data: {\"error\":{\"message\":\"Oh\"}}\n\n",
        "an error object",
        BEGUN DELTA("Hello", 1) "data: {\n\n", "no JSON"
    };

    for (i = 0; i < sizeof(told) / sizeof(told[0]); i += 2) {
        pool = test_pool();
        feed_all(pool, &reply, told[i]);
        check_told(told[i + 1], &reply, 1, pool);
        ngx_destroy_pool(pool);
    }

    /* a cut anywhere, also in the middle of the last event */

    text = front_str(BEGUN DELTA("Hello", 1) DELTA("b", 2) COMPLETED(3));

    for (cut = sizeof(BEGUN DELTA("Hello", 1)); cut < text.len; cut += 13) {
        pool = test_pool();
        begin(pool, &r, STREAM);
        front_begin(pool, &reply, front, back, &r.req, STREAM);
        front_push(&reply, text.data, cut);
        reply.rc = argo_stream_end(&reply.st, 1, &reply.out);
        front_end(pool, &reply);
        check_told("cut", &reply, 1, pool);
        ngx_destroy_pool(pool);
    }

    /* a header alone has been sent, for a heartbeat */

    pool = test_pool();
    begin(pool, &r, STREAM);
    front_begin(pool, &reply, front, back, &r.req, STREAM);
    reply.st.open = 1;
    text = front_str(BEGUN FAILED(1));
    front_push(&reply, text.data, text.len);
    front_end(pool, &reply);
    check_told("a header alone", &reply, 1, pool);
    ngx_destroy_pool(pool);

    /* what the glue knows */

    pool = test_pool();
    begin(pool, &r, STREAM);
    front_begin(pool, &reply, front, back, &r.req, STREAM);
    text = front_str(BEGUN DELTA("Hello", 1));
    front_push(&reply, text.data, text.len);
    argo_error_set(&err, 504, "upstream_timeout", NULL, "late");
    reply.rc = argo_stream_fail(&reply.st, &err, &reply.out);
    front_end(pool, &reply);
    check_told("a timeout", &reply, 1, pool);
    ngx_destroy_pool(pool);
}


/* ---- documents */

static ngx_int_t
give(ngx_pool_t *pool, front_reply_t *reply, const ngx_str_t *body,
    ngx_uint_t stream)
{
    front_request_t  *r;

    r = ngx_pcalloc(pool, sizeof(front_request_t));

    if (r == NULL) {
        abort();
    }

    begin(pool, r, stream);

    if (front_begin(pool, reply, front, back, &r->req, stream) == NGX_OK) {
        reply->rc = argo_stream_body(&reply->st, body, &reply->out);
    }

    front_end(pool, reply);

    return reply->rc;
}


#define BODY(rest)                                                            \
    "{\"id\":\"resp_1\", \"created_at\":1790470929.0,\"model\":"              \
    "\"aiops-cels-gpt-5-5\",\"object\":\"response\"," rest "}"
#define BODY_OUT(rest)                                                        \
    "{\"id\":\"resp_1\", \"created_at\":1790470929.0,\"model\":"              \
    "\"" ASKED "\",\"object\":\"response\"," rest "}"
#define MESSAGE(s)                                                            \
    "{\"id\":\"msg_1\",\"content\":[{\"annotations\":[],\"text\":\"" s "\","  \
    "\"type\":\"output_text\",\"logprobs\":[]}],\"role\":\"assistant\","      \
    "\"status\":\"completed\",\"type\":\"message\",\"phase\":"                \
    "\"final_answer\"}"
#define STARVED                                                               \
    "\"error\":null,\"incomplete_details\":{\"reason\":"                      \
    "\"max_output_tokens\"},\"status\":\"incomplete\",\"output\":[{\"id\":"   \
    "\"rs_1\",\"summary\":[],\"type\":\"reasoning\",\"content\":[],"          \
    "\"encrypted_content\":\"gAAA\"}]"


static void
test_bodies(void)
{
    ngx_str_t       body, expected;
    ngx_uint_t      i;
    ngx_pool_t     *pool;
    front_reply_t   reply;

    static const request_t  bodies[] = {
        { "as ARGO has been seen to write it",
          BODY("\"output\":[" MESSAGE("pong") "],\"top_p\":0.98"),
          BODY_OUT("\"output\":[" MESSAGE("pong") "],\"top_p\":0.98") },
        { "starved", BODY(STARVED), BODY_OUT(STARVED) },
        { "in the background", BODY("\"status\":\"queued\",\"output\":[]"),
          BODY_OUT("\"status\":\"queued\",\"output\":[]") },
        { NULL, NULL, NULL }
    };

    static const struct {
        const char     *file;
        const char     *model;
        argo_finish_e   finish;

    } files[] = {
        { "openai-responses-text.json", " gpt-5.4-nano-2026-03-17",
          ARGO_FINISH_STOP },
        { "openai-responses-tool-call.json", " gpt-5.4-nano-2026-03-17",
          ARGO_FINISH_TOOL_CALLS },
        { "openai-responses-incomplete.json", " gpt-5", ARGO_FINISH_LENGTH }
    };

    for (i = 0; bodies[i].name; i++) {
        pool = test_pool();
        body = front_str(bodies[i].in);
        is(give(pool, &reply, &body, UNARY), NGX_OK, "%s: read",
           bodies[i].name);
        is_str(&reply.bytes, bodies[i].out, "%s: as it came",
               bodies[i].name);
        ngx_destroy_pool(pool);
    }

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        pool = test_pool();
        body = front_file(pool, files[i].file);
        expected = renamed(pool, &body, files[i].model, ASKED);

        is(give(pool, &reply, &body, UNARY), NGX_OK, "%s: read",
           files[i].file);
        is_mem(reply.bytes.data, reply.bytes.len, expected.data,
               expected.len, "%s: as it came", files[i].file);
        ok(reply.st.finish == files[i].finish && reply.st.usage.known,
           "%s: its end is known", files[i].file);

        ngx_destroy_pool(pool);
    }
}


static void
test_bad_bodies(void)
{
    ngx_str_t         body;
    ngx_uint_t        stream;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    const failure_t  *t;

    static const failure_t  bad[] = {
        { "no JSON", "{", 502, "upstream_invalid_reply" },
        { "an error", "{\"error\":{\"message\":\"Error code: 429 - x\"}}",
          429, "rate_limit_exceeded" },
        { "a failed response", BODY("\"status\":\"failed\",\"output\":[],"
          "\"error\":{\"code\":\"server_error\",\"message\":\"Oh\"}"), 502,
          NULL },
        { "one that does not say why",
          BODY("\"status\":\"failed\",\"output\":[]"), 502, NULL },
        { "a denial", BODY("\"output\":[" MESSAGE(DENIAL) "]"), 403,
          "argo_access_denied" },
        { "a denial as a chat", "{\"choices\":[{\"message\":{\"content\":\""
          DENIAL "\"}}]}", 403, "argo_access_denied" },
        { "a denial of the legacy API", "{\"response\":\"" DENIAL "\"}", 403,
          "argo_access_denied" },
        { "a chat", "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}",
          502, "upstream_invalid_reply" },
        { "nothing", "{}", 502, NULL },
        { "a list", "[]", 502, NULL },
        { NULL, NULL, 0, NULL }
    };

    for (t = bad; t->name; t++) {
        for (stream = 0; stream < 2; stream++) {
            pool = test_pool();
            body = front_str(t->in);

            give(pool, &reply, &body, stream);

            if (!ok(reply.rc == NGX_DECLINED && reply.bytes.len == 0
                    && reply.st.error.status == t->status
                    && (t->code == NULL
                        || front_is(&reply.st.error.code, t->code)),
                    "%s: %d", t->name, (int) t->status))
            {
                printf("# %d, status %d\n", (int) reply.rc,
                       (int) reply.st.error.status);
                test_show("code", reply.st.error.code.data,
                          reply.st.error.code.len);
            }

            ngx_destroy_pool(pool);
        }
    }

    pool = test_pool();
    body = front_file(pool, "openai-responses-error.json");
    give(pool, &reply, &body, UNARY);
    ok(reply.rc == NGX_DECLINED && reply.st.error.status == 502
       && front_is(&reply.st.error.message, "ARGO failed: The model failed "
                   "to produce a response."),
       "a recorded failure");
    ngx_destroy_pool(pool);
}


/* asked for a stream, ARGO answers with a document, and the other way round */

static void
test_crossed(void)
{
    u_char          *p, *end;
    ngx_str_t        body, text;
    ngx_pool_t      *pool;
    const char      *wrong;
    front_event_t    ev;
    front_reply_t    reply;

    pool = test_pool();

    body = front_str(BODY("\"output\":[{\"type\":\"reasoning\",\"id\":"
               "\"rs_1\",\"summary\":[{\"type\":\"summary_text\",\"text\":"
               "\"think\"}],\"encrypted_content\":\"gAAA\"},"
               MESSAGE("pong") ",{\"type\":\"function_call\",\"call_id\":"
               "\"c1\",\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"},"
               "{\"type\":\"custom_tool_call\",\"call_id\":\"c2\",\"name\":"
               "\"g\",\"input\":\"free \\\"text\\\"\"},{\"type\":"
               "\"web_search_call\",\"id\":\"ws\"}],\"usage\":{"
               "\"input_tokens\":7,\"input_tokens_details\":{"
               "\"cached_tokens\":3},\"output_tokens\":5,"
               "\"output_tokens_details\":{\"reasoning_tokens\":2}}"));

    is(give(pool, &reply, &body, STREAM), NGX_OK, "a document for a stream");

    p = reply.bytes.data;
    end = p + reply.bytes.len;
    wrong = NULL;

    while (p < end && wrong == NULL) {
        wrong = front_event(pool, &p, end, &ev);
    }

    ok(wrong == NULL && front_is(&ev.name, "response.completed"),
       "... becomes one");
    ok(front_raw_is(ev.root, "response.output.0.encrypted_content",
                    "\"gAAA\"")
       && front_raw_is(ev.root, "response.output.0.summary.0.text",
                       "\"think\"")
       && front_raw_is(ev.root, "response.output.1.content.0.text",
                       "\"pong\"")
       && front_raw_is(ev.root, "response.output.2.arguments",
                       "\"{\\\"x\\\":1}\"")
       && front_raw_is(ev.root, "response.output.3.input",
                       "\"free \\\"text\\\"\"")
       && front_raw_is(ev.root, "response.output.3.type",
                       "\"custom_tool_call\"")
       && front_at(ev.root, "response.output.4") == NULL,
       "... with all its items");
    ok(front_raw_is(ev.root, "response.usage.input_tokens", "7")
       && front_raw_is(ev.root,
                       "response.usage.input_tokens_details.cached_tokens",
                       "3")
       && front_raw_is(ev.root, "response.usage.output_tokens_details."
                       "reasoning_tokens", "2"), "... and its usage");

    text = front_str(BEGUN DELTA("Hello", 1) COMPLETED(2));

    is(feed(pool, &reply, &text, BYTES, UNARY), NGX_OK,
       "a stream for a document");
    is_str(&reply.bytes, "{\"id\":\"resp_9\",\"object\":\"response\","
           "\"created_at\":1790470929.0,\"status\":\"completed\","
           "\"model\":\"" ASKED "\",\"output\":[]}", "... becomes one");

    text = front_str(BEGUN DELTA("Hello", 1));

    ok(feed(pool, &reply, &text, BYTES, UNARY) == NGX_DECLINED
       && reply.bytes.len == 0, "... but not without its end");

    text = front_str(BEGUN DELTA("Hello", 1) EVENT("response.completed", ""));

    ok(feed(pool, &reply, &text, BYTES, UNARY) == NGX_DECLINED
       && reply.bytes.len == 0, "... nor without the response");

    ngx_destroy_pool(pool);
}


/* ---- memory */

static ngx_uint_t
pieces(const ngx_pool_t *pool)
{
    ngx_uint_t               n;
    const ngx_pool_large_t  *large;

    n = 0;

    for (large = pool->large; large; large = large->next) {
        n++;
    }

    return n;
}


/* A stream of any length takes no more of the request's memory. */

static void
test_steady(void)
{
    ngx_str_t        text;
    ngx_uint_t       i, before;
    ngx_pool_t      *pool, *other;
    argo_out_t       out;
    front_reply_t    reply;
    front_request_t  r;

    pool = test_pool();
    begin(pool, &r, STREAM);
    front_begin(pool, &reply, front, back, &r.req, STREAM);

    text = front_str(BEGUN DELTA("Hello", 1));
    front_push(&reply, text.data, text.len);

    text = front_str("data: {\"type\":\"response.output_text.delta\","
                     "\"delta\":\"word \"}\n\n" DELTA("b", 7)
                     EVENT("response.in_progress",
                           RESPONSE("in_progress", "")));
    before = 0;

    for (i = 0; i < 1000; i++) {
        other = test_pool();
        argo_out_init(&out, other, 4096, NULL, 1);

        if (argo_stream_push(&reply.st, text.data, text.len, &out)
            != NGX_OK || out.size < text.len)
        {
            ok(0, "more of a stream");
            ngx_destroy_pool(other);
            break;
        }

        ngx_destroy_pool(other);

        if (i == 10) {
            before = pieces(pool);
        }
    }

    ok(before && pieces(pool) - before < 8,
       "a thousand events take nothing (%d, %d)", (int) before,
       (int) pieces(pool));

    ngx_destroy_pool(pool);
}


static ngx_int_t
sweep_once(const ngx_str_t *json, const ngx_str_t *text, ngx_uint_t stream)
{
    ngx_int_t         rc;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    pool = ngx_create_pool(4096, NULL);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = front_read(pool, front, back, json, &r);

    if (rc == NGX_OK) {
        front_begin(pool, &reply, front, back, &r.req, stream);

        if (reply.rc != NGX_OK) {
            rc = reply.rc;

        } else if (stream) {
            rc = front_feed(&reply, text, text->len / 2, 1);

        } else {
            rc = argo_stream_body(&reply.st, text, &reply.out);
        }

        if (rc == NGX_OK) {
            rc = front_end(pool, &reply);
        }
    }

    ngx_destroy_pool(pool);

    return rc;
}


static void
sweep(const char *name, const char *in, const char *reply, ngx_uint_t stream,
    ngx_int_t expected)
{
    size_t      bad;
    ngx_str_t   json, text;
    ngx_int_t   rc;
    ngx_uint_t  i;

    json = front_str(in);
    text = front_str(reply);
    bad = 0;

    (void) front_models();

    for (i = 1; i < 10000; i++) {
        ngx_shim_fail(i);
        rc = sweep_once(&json, &text, stream);

        if (!ngx_shim_failed()) {
            bad += (rc != expected);
            break;
        }

        bad += (rc != NGX_ERROR);
    }

    ngx_shim_fail(0);

    ok(bad == 0 && i > 20, "%s: each of %d allocations may fail", name,
       (int) i);
}


static void
test_memory(void)
{
    static const char  hi[] = "{\"model\":\"" ASKED "\",\"input\":\"Hi\","
                              "\"user\":\"eve\"}";

    sweep("a stream", hi, BEGUN DELTA("Hello", 1)
          "data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}"
          "\n\n" COMPLETED(2), STREAM, NGX_OK);
    sweep("a failure", hi, BEGUN DELTA("Hello", 1) FAILED(2), STREAM,
          NGX_DECLINED);
    sweep("a document", hi, BODY("\"output\":[" MESSAGE("pong")
          ",{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\","
          "\"namespace\":\"n\",\"arguments\":\"{}\"}]"), UNARY, NGX_OK);
    sweep("a denial", hi, BODY("\"output\":[" MESSAGE(DENIAL) "]"), UNARY,
          NGX_DECLINED);
    sweep("an error", hi, "{\"error\":{\"message\":\"Oh\",\"code\":\"c\"}}",
          UNARY, NGX_DECLINED);
}


int
main(void)
{
    test_requests();
    test_streamed();
    test_rules();
    test_profile();
    test_generated();
    test_recorded();
    test_forms();
    test_failures();
    test_told();
    test_bodies();
    test_bad_bodies();
    test_crossed();
    test_steady();
    test_memory();

    return front_done();
}
