
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's text completions, one prompt and several: what goes up, what is
 * refused, and replies, fed whole, cut in two at each byte, and byte by byte.
 */


#include "argo_front.h"


#define HEAD                                                                  \
    "{\"id\":\"cmpl-" FRONT_ID "\",\"object\":\"text_completion\","           \
    "\"created\":1776449057,\"model\":\"gpt-4o\",\"choices\":["

#define USAGE(p, c, t)                                                        \
    "\"usage\":{\"prompt_tokens\":" p ",\"completion_tokens\":" c ","         \
    "\"total_tokens\":" t ",\"prompt_tokens_details\":{\"cached_tokens\":0,"  \
    "\"audio_tokens\":0},\"completion_tokens_details\":"                      \
    "{\"reasoning_tokens\":0,\"audio_tokens\":0,"                             \
    "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}"

#define CHOICE(text, index, finish)                                           \
    "{\"text\":\"" text "\",\"index\":" index ",\"logprobs\":null,"           \
    "\"finish_reason\":" finish "}"

#define DONE  "data: [DONE]\n\n"

#define MAX_CHOICES  128


typedef struct {
    const char      *name;
    const char      *in;
    const char      *out;
} request_t;


typedef struct {
    const char      *name;
    const char      *in;
    const char      *code;
    const char      *param;
} wrong_t;


/* what a stream comes to */

typedef struct {
    const char      *wrong;
    char             text[MAX_CHOICES][1024];       /* escaped */
    size_t           len[MAX_CHOICES];
    ngx_uint_t       finished[MAX_CHOICES];
    ngx_str_t        id;
    ngx_uint_t       frames;
    ngx_uint_t       nulls;             /* "usage":null */
    ngx_str_t        usage;
    ngx_uint_t       errors;
    ngx_uint_t       done;
} fold_t;


static const char  one[] = "{\"model\":\"gpt-4o\",\"prompt\":\"Hi\"}";
static const char  three[] =
    "{\"model\":\"gpt-4o\",\"prompt\":[\"one\",\"two two two\",\"3\"]}";


#define P(rest)  "{\"model\":\"gpt-4o\",\"prompt\":\"Hi\"" rest "}"
#define UP(model, prompt, rest)                                               \
    "{\"model\":\"" model "\",\"user\":\"jdoe\",\"messages\":[{\"role\":"     \
    "\"user\",\"content\":\"" prompt "\"}]" rest "}"


static const request_t  requests[] = {

    { "a prompt", one, UP("gpt4o", "Hi", "") },

    { "a prompt with escapes",
      "{\"prompt\":\"a\\n\\u00e9\\ud83d\\ude00\\\"\",\"model\":\"gpt-4o\"}",
      UP("gpt4o", "a\\n\\u00e9\\ud83d\\ude00\\\"", "") },

    { "an empty prompt", "{\"prompt\":\"\",\"model\":\"gpt-4o\"}",
      UP("gpt4o", "", "") },

    { "one in a list", "{\"prompt\":[\"Hi\"],\"model\":\"gpt-4o\"}",
      UP("gpt4o", "Hi", "") },

    { "others as they came",
      P(",\"temperature\":0.70,\"stop\":[\"a\",\"b\"],\"seed\":"
        "12345678901234567890,\"logit_bias\":{\"50256\":-100},"
        "\"frequency_penalty\":1e0,\"new_thing\":null"),
      UP("gpt4o", "Hi", ",\"temperature\":0.70,\"stop\":[\"a\",\"b\"],"
         "\"seed\":12345678901234567890,\"logit_bias\":{\"50256\":-100},"
         "\"frequency_penalty\":1e0,\"new_thing\":null") },

    { "what is as if it had not been said",
      P(",\"n\":1,\"best_of\":1,\"echo\":false,\"suffix\":\"\","
        "\"logprobs\":null,\"stream\":false,\"stream_options\":null,"
        "\"user\":\"eve\",\"max_tokens\":null,\"tools\":[],"
        "\"messages\":null"),
      UP("gpt4o", "Hi", "") },

    { "null for what may be null",
      P(",\"n\":null,\"best_of\":null,\"echo\":null,\"suffix\":null"),
      UP("gpt4o", "Hi", "") },

    { "another user by an escaped name", P(",\"u\\u0073er\":\"eve\""),
      UP("gpt4o", "Hi", "") },

    { "a limit", P(",\"max_tokens\":16"),
      UP("gpt4o", "Hi", ",\"max_tokens\":16") },

    { "a limit for a later model",
      "{\"model\":\"gpt-5\",\"prompt\":\"Hi\",\"max_tokens\":16}",
      UP("gpt5", "Hi", ",\"max_completion_tokens\":16") },

    { "a limit for Claude",
      "{\"model\":\"claude-opus-4.6\",\"prompt\":\"Hi\","
      "\"max_tokens\":16}",
      UP("claudeopus46", "Hi", ",\"max_tokens\":16") },

    { NULL, NULL, NULL }
};


static const wrong_t  wrongs[] = {

    { "no prompt", "{\"model\":\"gpt-4o\"}", "missing_required_parameter",
      "prompt" },
    { "null", "{\"model\":\"gpt-4o\",\"prompt\":null}",
      "missing_required_parameter", "prompt" },
    { "a number", "{\"model\":\"gpt-4o\",\"prompt\":1}", "invalid_type",
      "prompt" },
    { "an object", "{\"model\":\"gpt-4o\",\"prompt\":{}}", "invalid_type",
      "prompt" },
    { "an empty list", "{\"model\":\"gpt-4o\",\"prompt\":[]}",
      "empty_array", "prompt" },
    /* there are no tables here; with them: t/argo_completions.t */
    { "tokens", "{\"model\":\"gpt-4o\",\"prompt\":[1,2]}",
      "unsupported_value", "prompt" },
    { "lists of tokens", "{\"model\":\"gpt-4o\",\"prompt\":[[1,2],[3]]}",
      "unsupported_value", "prompt" },
    { "an empty list of tokens", "{\"model\":\"gpt-4o\",\"prompt\":[[]]}",
      "invalid_value", "prompt[0]" },
    { "text, then tokens", "{\"model\":\"gpt-4o\",\"prompt\":[\"a\",1]}",
      "invalid_type", "prompt[1]" },
    { "text, then a list of tokens",
      "{\"model\":\"gpt-4o\",\"prompt\":[\"a\",[1]]}",
      "unsupported_value", "prompt" },
    { "a list of lists of text",
      "{\"model\":\"gpt-4o\",\"prompt\":[\"a\",[\"b\"]]}", "invalid_type",
      "prompt[1]" },
    { "a list with null", "{\"model\":\"gpt-4o\",\"prompt\":[null]}",
      "invalid_type", "prompt[0]" },
    { "a list with an object", "{\"model\":\"gpt-4o\",\"prompt\":[{}]}",
      "invalid_type", "prompt[0]" },

    { "n", P(",\"n\":2"), "unsupported_parameter", "n" },
    { "n of zero", P(",\"n\":0"), "invalid_value", "n" },
    { "a part of n", P(",\"n\":1.5"), "invalid_value", "n" },
    { "n's type", P(",\"n\":\"1\""), "invalid_type", "n" },
    { "best_of", P(",\"best_of\":3"), "unsupported_parameter", "best_of" },
    { "best_of's type", P(",\"best_of\":[]"), "invalid_type", "best_of" },
    { "echo", P(",\"echo\":true"), "unsupported_parameter", "echo" },
    { "echo's type", P(",\"echo\":1"), "invalid_type", "echo" },
    { "suffix", P(",\"suffix\":\"end\""), "unsupported_parameter",
      "suffix" },
    { "suffix's type", P(",\"suffix\":1"), "invalid_type", "suffix" },
    { "logprobs", P(",\"logprobs\":5"), "unsupported_parameter",
      "logprobs" },
    { "logprobs of none", P(",\"logprobs\":0"), "unsupported_parameter",
      "logprobs" },
    { "messages", P(",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"),
      "unsupported_parameter", "messages" },
    { "messages by an escaped name", P(",\"message\\u0073\":[]"),
      "unsupported_parameter", "messages" },
    { "tools", P(",\"tools\":[{\"type\":\"function\"}]"),
      "unsupported_parameter", "tools" },

    { "a model's type", "{\"model\":null,\"prompt\":\"Hi\"}",
      "invalid_type", "model" },
    { "stream's type", P(",\"stream\":\"yes\""), "invalid_type", "stream" },
    { "stream_options' type", P(",\"stream_options\":true"), "invalid_type",
      "stream_options" },
    { "include_usage's type",
      P(",\"stream_options\":{\"include_usage\":1}"), "invalid_type",
      "stream_options.include_usage" },
    { "max_tokens' type", P(",\"max_tokens\":\"1\""), "invalid_type",
      "max_tokens" },

    { NULL, NULL, NULL, NULL }
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

        front_read(pool, &argo_openai_completions_front, &argo_legacy_back,
                   &json, &r);

        if (is(r.rc, NGX_OK, "%s: accepted", t->name)) {
            is_str(&r.body, t->out, "%s: goes up", t->name);

        } else {
            test_show("message", r.err.message.data, r.err.message.len);
        }

        ngx_destroy_pool(pool);
    }
}


static void
test_wrongs(void)
{
    ngx_str_t         json;
    ngx_pool_t       *pool;
    const wrong_t    *t;
    front_request_t   r;

    for (t = wrongs; t->name; t++) {
        pool = test_pool();
        json = front_str(t->in);

        front_read(pool, &argo_openai_completions_front, &argo_legacy_back,
                   &json, &r);

        if (!ok(r.rc == NGX_DECLINED && r.err.status == 400
                && front_is(&r.err.param, t->param)
                && front_is(&r.err.code, t->code) && r.err.message.len,
                "%s: 400, %s", t->name, t->param))
        {
            test_show("code", r.err.code.data, r.err.code.len);
            test_show("param", r.err.param.data, r.err.param.len);
            test_show("body", r.body.data, r.body.len);
        }

        ngx_destroy_pool(pool);
    }
}


/* How many prompts a request may have. */

static void
test_many(void)
{
    char             *json, *p, expected[256];
    ngx_str_t         s, body;
    ngx_uint_t        i, n;
    argo_out_t        out;
    ngx_pool_t       *pool;
    argo_request_t   *req;
    front_request_t   r;

    json = malloc(8192);
    if (json == NULL) {
        abort();
    }

    for (n = 128; n < 130; n++) {
        pool = test_pool();

        p = json + sprintf(json, "{\"model\":\"gpt-4o\",\"seed\":7,"
                           "\"stream\":true,\"stream_options\":"
                           "{\"include_usage\":true},\"prompt\":[");

        for (i = 0; i < n; i++) {
            p += sprintf(p, "%s\"p%d\"", i ? "," : "", (int) i);
        }

        sprintf(p, "]}");

        s = front_str(json);
        front_read(pool, &argo_openai_completions_front, &argo_legacy_back,
                   &s, &r);

        if (n == 129) {
            ok(r.rc == NGX_DECLINED && r.err.status == 400
               && front_is(&r.err.param, "prompt")
               && front_is(&r.err.code, "array_above_max_length"),
               "129 prompts: 400");

            ngx_destroy_pool(pool);
            break;
        }

        i = 0;

        for (req = &r.req; req; req = req->next) {

            if (req->choice != i++ || !req->stream || !req->include_usage
                || !front_is(&req->model, "gpt-4o"))
            {
                break;
            }

            argo_out_init(&out, pool, 512, NULL, 0);
            argo_legacy_back.write_request(req, &r.call, &out);
            argo_out_flatten(&out, pool, &body);

            sprintf(expected, UP("gpt4o", "p%d", ",\"seed\":7"),
                    (int) i - 1);

            if (!front_is(&body, expected)) {
                test_show("body", body.data, body.len);
                break;
            }
        }

        ok(req == NULL && i == 128, "128 prompts: 128 requests in order");

        ngx_destroy_pool(pool);
    }

    free(json);
}


/* ---- replies */

static void
read_request(ngx_pool_t *pool, const char *json, front_request_t *r)
{
    ngx_str_t  *s;

    s = ngx_palloc(pool, sizeof(ngx_str_t));
    if (s == NULL) {
        abort();
    }

    *s = front_str(json);

    if (front_read(pool, &argo_openai_completions_front, &argo_legacy_back,
                   s, r) != NGX_OK)
    {
        abort();
    }
}


static void
fold_frame(fold_t *fold, argo_json_t *root)
{
    int64_t        n;
    ngx_str_t      id, text;
    argo_json_t   *choice, *finish, *usage;

    if (argo_json_get(root, "error")) {
        fold->errors++;
        return;
    }

    id = front_raw(root, "id");

    if (fold->frames == 0) {
        fold->id = id;
    }

    fold->frames++;

    if (!front_same(&id, &fold->id)) {
        fold->wrong = "the id changes";
    }

    if (!front_raw_is(root, "object", "\"text_completion\"")
        || !front_raw_is(root, "created", "1776449057")
        || !front_raw_is(root, "model", "\"gpt-4o\""))
    {
        fold->wrong = "a frame's object, created or model";
    }

    usage = argo_json_get(root, "usage");
    choice = argo_json_get(root, "choices");

    if (usage && usage->type == ARGO_JSON_OBJECT) {

        if (fold->usage.len || choice->count) {
            fold->wrong = "usage twice, or with choices";
        }

        fold->usage = usage->raw;
        return;
    }

    fold->nulls += (usage != NULL);

    if (choice == NULL || choice->count != 1 || fold->usage.len) {
        fold->wrong = "not one choice, or one behind the usage";
        return;
    }

    choice = choice->child;

    if (argo_json_int(argo_json_get(choice, "index"), &n) != NGX_OK || n < 0
        || n >= MAX_CHOICES || fold->finished[n]
        || (n > 0 && !fold->finished[n - 1]))
    {
        fold->wrong = "choices out of order";
        return;
    }

    if (!front_raw_is(choice, "logprobs", "null")) {
        fold->wrong = "no logprobs";
    }

    text = argo_json_inner(argo_json_get(choice, "text"));
    finish = argo_json_get(choice, "finish_reason");

    if (finish == NULL) {
        fold->wrong = "no finish_reason";
        return;
    }

    if (finish->type == ARGO_JSON_STRING) {
        fold->finished[n] = 1;

        if (text.len) {
            fold->wrong = "text in the last chunk of a choice";
        }

        return;
    }

    if (text.len == 0 || fold->len[n] + text.len > sizeof(fold->text[n])) {
        fold->wrong = "a chunk without text";
        return;
    }

    memcpy(fold->text[n] + fold->len[n], text.data, text.len);
    fold->len[n] += text.len;
}


static void
fold_stream(ngx_pool_t *pool, fold_t *fold, const ngx_str_t *bytes)
{
    u_char         *p, *end;
    front_event_t   ev;

    memset(fold, 0, sizeof(fold_t));

    p = bytes->data;
    end = p + bytes->len;

    while (p < end && fold->wrong == NULL) {

        if (fold->done || fold->errors) {
            fold->wrong = "a frame behind the last";
            return;
        }

        fold->wrong = front_event(pool, &p, end, &ev);

        if (fold->wrong) {
            return;
        }

        if (ev.name.len) {
            fold->wrong = "an event line";
            return;
        }

        if (ev.root == NULL) {
            fold->done++;
            continue;
        }

        fold_frame(fold, ev.root);
    }
}


/*
 * Feeds replies, one for each request; the last may be cut short.  A text
 * that begins with '{' is a document.
 */

static void
run(ngx_pool_t *pool, front_reply_t *reply, argo_request_t *req,
    const char **texts, size_t cut, ngx_uint_t complete, ngx_uint_t stream)
{
    ngx_str_t       text;
    ngx_uint_t      i;

    front_begin(pool, reply, &argo_openai_completions_front,
                &argo_legacy_back, req, stream);

    for (i = 0; reply->rc == NGX_OK; i++) {

        text = front_str(texts[i]);

        if (text.len && text.data[0] == '{') {
            reply->rc = argo_stream_body(&reply->st, &text, &reply->out);

        } else {
            front_feed(reply, &text, (cut == BYTES || cut < text.len)
                                     ? cut : WHOLE,
                       complete || reply->st.request->next);
        }

        if (reply->rc != NGX_OK || reply->st.request->next == NULL) {
            break;
        }

        reply->rc = argo_stream_next(&reply->st, reply->st.request->next);
    }

    if (reply->rc != NGX_ERROR) {
        front_end(pool, reply);
    }
}


static void
test_one(void)
{
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    static const char  *texts[] = { "Hello \"you\"" };
    static const char  *body[] = { "{\"response\":\"a\\u00e9\"}" };

    pool = test_pool();
    read_request(pool, one, &r);

    run(pool, &reply, &r.req, texts, WHOLE, 1, UNARY);
    is_str(&reply.bytes, HEAD CHOICE("Hello \\\"you\\\"", "0", "\"stop\"")
           "]," USAGE("1", "3", "4") "}", "unary, of bare text");

    run(pool, &reply, &r.req, body, WHOLE, 1, UNARY);
    is_str(&reply.bytes, HEAD CHOICE("a\\u00e9", "0", "\"stop\"")
           "]," USAGE("1", "2", "3") "}", "unary, of a document");

    run(pool, &reply, &r.req, texts, 6, 1, STREAM);
    is_str(&reply.bytes,
           "data: " HEAD CHOICE("Hello ", "0", "null") "]}\n\n"
           "data: " HEAD CHOICE("\\\"you\\\"", "0", "null") "]}\n\n"
           "data: " HEAD CHOICE("", "0", "\"stop\"") "]}\n\n" DONE,
           "a stream");

    r.req.include_usage = 1;
    run(pool, &reply, &r.req, texts, WHOLE, 1, STREAM);
    is_str(&reply.bytes,
           "data: " HEAD CHOICE("Hello \\\"you\\\"", "0", "null")
           "],\"usage\":null}\n\n"
           "data: " HEAD CHOICE("", "0", "\"stop\"")
           "],\"usage\":null}\n\n"
           "data: " HEAD "]," USAGE("1", "3", "4") "}\n\n" DONE,
           "a stream with its usage");

    run(pool, &reply, &r.req, body, WHOLE, 1, STREAM);
    is_str(&reply.bytes,
           "data: " HEAD CHOICE("a\\u00e9", "0", "null")
           "],\"usage\":null}\n\n"
           "data: " HEAD CHOICE("", "0", "\"stop\"")
           "],\"usage\":null}\n\n"
           "data: " HEAD "]," USAGE("1", "2", "3") "}\n\n" DONE,
           "a stream of a document");

    ngx_destroy_pool(pool);
}


static const char  *replies[][3] = {
    { "first", "second \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "third" },
    { "", "x", "" },
    { "cut \xe2\x82", "\x82\xac", "**IMPORTANT" },
    { "{\"response\":\"a whole one\"}", "bare", "{\"response\":\"\"}" },
    { "\n\n## **", "   ", "{\"response\":\"\\n \\u002a\"}" }
};


static void
test_several(void)
{
    size_t            cut, bad;
    fold_t            whole, fold;
    ngx_str_t         unary, text;
    ngx_uint_t        i, j;
    ngx_pool_t       *pool;
    argo_json_t      *root;
    argo_error_t      err;
    front_reply_t     reply;
    front_request_t   r;

    static const char  *paths[] = { "choices.0", "choices.1", "choices.2" };

    for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        pool = test_pool();
        read_request(pool, three, &r);
        r.req.include_usage = 1;
        r.req.next->include_usage = 1;
        r.req.next->next->include_usage = 1;
        bad = 0;

        run(pool, &reply, &r.req, replies[i], WHOLE, 1, STREAM);
        fold_stream(pool, &whole, &reply.bytes);

        ok(reply.rc == NGX_OK && whole.wrong == NULL && whole.done == 1
           && whole.finished[2] && whole.nulls == whole.frames - 1
           && whole.usage.len, "three, %d: a right stream%s%s", (int) i,
           whole.wrong ? ": " : "", whole.wrong ? whole.wrong : "");

        for (cut = 1; cut <= 20; cut++) {
            run(pool, &reply, &r.req, replies[i], cut == 20 ? BYTES : cut, 1,
                STREAM);
            fold_stream(pool, &fold, &reply.bytes);

            if (reply.rc != NGX_OK || fold.wrong || fold.done != 1
                || fold.nulls != fold.frames - 1
                || memcmp(fold.text, whole.text, sizeof(fold.text))
                || !front_same(&fold.usage, &whole.usage))
            {
                bad++;
            }
        }

        is(bad, 0, "three, %d: the same, however cut", (int) i);

        run(pool, &reply, &r.req, replies[i], WHOLE, 1, UNARY);
        unary = reply.bytes;
        bad = 0;

        if (argo_json_parse(pool, &unary, 5, &root, &err) != NGX_OK
            || argo_json_get(root, "choices")->count != 3)
        {
            bad++;

        } else {
            for (j = 0; j < 3; j++) {
                text = argo_json_inner(argo_json_get(front_at(root,
                                                              paths[j]),
                                                     "text"));

                if (text.len != whole.len[j]
                    || memcmp(text.data, whole.text[j], text.len)
                    || argo_json_get(front_at(root, paths[j]), "index")
                           ->raw.data[0] != '0' + j)
                {
                    bad++;
                }
            }

            text = front_raw(root, "usage");
            bad += !front_same(&text, &whole.usage);
        }

        is(bad, 0, "three, %d: unary says the same", (int) i);

        ngx_destroy_pool(pool);
    }
}


/* the estimates of each prompt and each answer, added up */

static void
test_usage(void)
{
    fold_t            fold;
    ngx_pool_t       *pool;
    argo_usage_t      usage;
    front_reply_t     reply;
    front_request_t   r;

    static const char  *texts[] = { "aaaa", "bbbbbbbb", "c" };

    pool = test_pool();
    read_request(pool, three, &r);

    run(pool, &reply, &r.req, texts, WHOLE, 1, UNARY);

    is_str(&reply.bytes, HEAD CHOICE("aaaa", "0", "\"stop\"") ","
           CHOICE("bbbbbbbb", "1", "\"stop\"") ","
           CHOICE("c", "2", "\"stop\"") "]," USAGE("5", "4", "9") "}",
           "choices in order, with the usage of all");

    argo_stream_usage(&reply.st, &usage);

    ok(usage.prompt == 5 && usage.completion == 4 && !usage.known,
       "an estimate");

    run(pool, &reply, &r.req, texts, WHOLE, 1, STREAM);
    fold_stream(pool, &fold, &reply.bytes);

    ok(fold.wrong == NULL && fold.usage.len == 0 && fold.nulls == 0
       && fold.done, "a stream has none if it was not asked for");

    /* told by upstream for one, estimated for another */

    front_begin(pool, &reply, &argo_openai_completions_front,
                &argo_legacy_back, &r.req, UNARY);

    reply.st.usage.known = 1;
    reply.st.usage.prompt = 100;
    reply.st.usage.cached = 60;
    reply.st.usage.completion = 10;
    reply.st.usage.reasoning = 7;
    reply.st.begun = 1;
    argo_stream_end(&reply.st, 1, &reply.out);

    is(argo_stream_next(&reply.st, r.req.next), NGX_OK, "the next");

    (void) argo_stream_count_prompt(&reply.st, NGX_MAX_SIZE_T_VALUE);
    argo_stream_usage(&reply.st, &usage);

    ok(usage.prompt == 103 && usage.completion == 10 && usage.cached == 60
       && usage.reasoning == 7 && !usage.known,
       "what is told is added to what is estimated");

    ngx_destroy_pool(pool);
}


/* What a reply left behind must not be found in the next. */

static void
test_next(void)
{
    char              blanks[700], document[560], *p;
    ngx_str_t         s;
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    argo_json_t      *root;
    argo_error_t      err;
    front_reply_t     reply;
    front_request_t   r;
    const char       *texts[3];

    memset(blanks, ' ', sizeof(blanks));
    blanks[sizeof(blanks) - 1] = '\0';

    /* few enough to be held back, and more than would be copied */

    p = document + sprintf(document, "{\"response\":\"");

    for (i = 0; i < 86; i++) {
        p += sprintf(p, "\\u0020");
    }

    sprintf(p, "\"}");

    pool = test_pool();
    read_request(pool, three, &r);

    texts[0] = document;
    texts[1] = "\n\n\n";
    texts[2] = blanks;

    run(pool, &reply, &r.req, texts, WHOLE, 1, UNARY);

    ok(argo_json_parse(pool, &reply.bytes, 5, &root, &err) == NGX_OK
       && argo_json_text(pool, front_at(root, "choices.0.text"), &s)
          == NGX_OK
       && s.len == 86 && strspn((char *) s.data, " ") == 86
       && front_raw_is(root, "choices.1.text", "\"\\n\\n\\n\"")
       && front_raw(root, "choices.2.text").len == 699 + 2,
       "what was held back stays what it was");

    front_begin(pool, &reply, &argo_openai_completions_front,
                &argo_legacy_back, &r.req, UNARY);

    is(argo_stream_next(&reply.st, r.req.next), NGX_ERROR,
       "no next before the first has finished");

    ngx_destroy_pool(pool);
}


#define DENIED                                                                \
    "**IMPORTANT AUTHENTICATION NOTICE FROM ARGO**\n\nACCESS DENIED"


static void
test_failures(void)
{
    size_t            cut, bad;
    fold_t            whole, fold;
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    static const char  *denied_first[] = { DENIED, "x", "y" };
    static const char  *denied_last[] = { "x", "y", DENIED };
    static const char  *not_json[] = { "x", "{]", "y" };

    for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {

        if (replies[i][2][0] == '{') {
            /* a document that was cut never comes here */
            continue;
        }

        pool = test_pool();
        read_request(pool, three, &r);
        bad = 0;

        run(pool, &reply, &r.req, replies[i], WHOLE, 0, UNARY);
        ok(reply.rc == NGX_DECLINED && reply.bytes.len == 0
           && reply.st.error.status == 502,
           "the last of three cut, %d: unary fails whole", (int) i);

        run(pool, &reply, &r.req, replies[i], WHOLE, 0, STREAM);
        fold_stream(pool, &whole, &reply.bytes);

        ok(reply.rc == NGX_DECLINED && whole.wrong == NULL
           && whole.errors == 1 && !whole.done && whole.finished[1]
           && !whole.finished[2],
           "the last of three cut, %d: an error and no end", (int) i);

        for (cut = 1; cut <= 20; cut++) {
            run(pool, &reply, &r.req, replies[i], cut == 20 ? BYTES : cut, 0,
                STREAM);
            fold_stream(pool, &fold, &reply.bytes);

            if (reply.rc != NGX_DECLINED || fold.wrong || fold.errors != 1
                || memcmp(fold.text, whole.text, sizeof(fold.text)))
            {
                bad++;
            }
        }

        is(bad, 0, "the last of three cut, %d: the same, however fed",
           (int) i);

        ngx_destroy_pool(pool);
    }

    pool = test_pool();
    read_request(pool, three, &r);

    run(pool, &reply, &r.req, denied_first, BYTES, 1, STREAM);
    ok(reply.rc == NGX_DECLINED && reply.bytes.len == 0
       && reply.st.error.status == 403, "denied at first: nothing was sent");

    run(pool, &reply, &r.req, denied_last, BYTES, 1, UNARY);
    ok(reply.rc == NGX_DECLINED && reply.bytes.len == 0
       && reply.st.error.status == 403, "denied at last: unary fails whole");

    run(pool, &reply, &r.req, denied_last, BYTES, 1, STREAM);
    fold_stream(pool, &fold, &reply.bytes);
    ok(reply.rc == NGX_DECLINED && fold.wrong == NULL && fold.errors == 1
       && fold.finished[1] && fold.len[2] == 0,
       "denied at last: an error in the stream");

    run(pool, &reply, &r.req, not_json, WHOLE, 1, UNARY);
    ok(reply.rc == NGX_DECLINED && reply.bytes.len == 0
       && reply.st.error.status == 502, "no JSON: unary fails whole");

    is(argo_stream_next(&reply.st, r.req.next), NGX_ERROR,
       "no next after a failure");

    ngx_destroy_pool(pool);
}


/* ---- a recording of OpenAI's own */

static void
test_recorded(void)
{
    u_char           *p, *q, *end, *last;
    ngx_str_t         theirs;
    ngx_uint_t        missing, n;
    ngx_pool_t       *pool;
    argo_json_t      *node, *mine;
    front_event_t     a, b;
    front_reply_t     reply;
    front_request_t   r;

    static const char  *texts[] = { "some text" };

    pool = test_pool();
    read_request(pool, one, &r);
    r.req.include_usage = 1;

    theirs = front_file(pool, "completions-stream.sse");
    run(pool, &reply, &r.req, texts, 4, 1, STREAM);

    p = theirs.data;
    end = p + theirs.len;
    q = reply.bytes.data;
    last = q + reply.bytes.len;
    missing = 0;
    n = 0;

    /* text, the end of the text, the usage, [DONE] */

    while (p < end && front_event(pool, &p, end, &a) == NULL) {

        if (n++ > 0 && a.root && front_raw_is(a.root,
                                              "choices.0.finish_reason",
                                              "null"))
        {
            continue;
        }

        do {
            if (q == last || front_event(pool, &q, last, &b) != NULL) {
                missing++;
                break;
            }

        } while (n > 1 && b.root
                 && front_raw_is(b.root, "choices.0.finish_reason", "null"));

        if ((a.root == NULL) != (b.root == NULL)) {
            missing++;
            break;
        }

        for (node = a.root ? a.root->child : NULL; node; node = node->next) {

            mine = argo_json_find(b.root, (char *) node->name.data,
                                  node->name.len);

            if (mine == NULL
                && !front_is(&node->name, "obfuscation")
                && !front_is(&node->name, "system_fingerprint"))
            {
                printf("# no %.*s\n", (int) node->name.len,
                       node->name.data);
                missing++;
            }
        }
    }

    ok(n == 7 && missing == 0 && q == last,
       "every member of every kind of frame, in this order");

    ngx_destroy_pool(pool);
}


static ngx_int_t
sweep_once(ngx_uint_t stream)
{
    ngx_int_t         rc;
    ngx_str_t         json;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    pool = ngx_create_pool(4096, NULL);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    json = front_str(three);
    rc = front_read(pool, &argo_openai_completions_front, &argo_legacy_back,
                    &json, &r);

    if (rc == NGX_OK) {
        run(pool, &reply, &r.req, replies[3], WHOLE, 1, stream);
        rc = reply.rc;
    }

    ngx_destroy_pool(pool);

    return rc;
}


static void
test_memory(void)
{
    size_t      bad;
    ngx_int_t   rc;
    ngx_uint_t  i, stream, n;

    bad = 0;
    n = 0;

    (void) front_models();

    for (stream = 0; stream < 2; stream++) {

        for (i = 1; i < 10000; i++) {
            ngx_shim_fail(i);
            rc = sweep_once(stream);

            if (!ngx_shim_failed()) {
                break;
            }

            n++;
            bad += (rc != NGX_ERROR);
        }

        bad += (rc != NGX_OK);
    }

    ngx_shim_fail(0);

    ok(bad == 0 && n > 50, "each of %d allocations may fail", (int) n);
}


int
main(void)
{
    test_requests();
    test_wrongs();
    test_many();
    test_one();
    test_several();
    test_usage();
    test_next();
    test_failures();
    test_recorded();
    test_memory();

    return front_done();
}
