
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Replies: ARGO's legacy API read, OpenAI chat completions written.  Every
 * streamed reply is fed whole, cut in two at each byte, and byte by byte.
 */


#include "argo_test.h"
#include "argo_reply.h"

#include "argo_json_write.h"
#include "argo_model.h"
#include "argo_stream.h"


#define NOTICE                                                                \
    "\n\n\xe2\x9a\xa0\xef\xb8\x8f **IMPORTANT AUTHENTICATION NOTICE FROM "    \
    "ARGO** \xe2\x9a\xa0\xef\xb8\x8f\n\n\xf0\x9f\x9a\xab **ACCESS DENIED** "  \
    "\xf0\x9f\x9a\xab\n\nThe username 'jdoe' is not authorized to use the "   \
    "Argo Gateway API. Your ANL account was found but you do not appear in "  \
    "the authorized users list for your division.\n\n** END NOTICE FROM "     \
    "ARGO **\n"

#define MISUSE                                                                \
    "You passed a messages field along with a system and or prompt field. "   \
    "Please only pass messages with any system and user prompts included, "   \
    "or only pass system and prompt alone."

#define HEAD                                                                  \
    "data: {\"id\":\"chatcmpl-0123456789ABCDEFGHIJKLMNOPQRS\",\"object\":"    \
    "\"chat.completion.chunk\",\"created\":1776449057,\"model\":"             \
    "\"gpt-\\\"4_o\",\"choices\":["

#define UNARY  0
#define STREAM 1
#define USAGE  3                        /* STREAM, and usage asked for */

#define UNFED  (~(size_t) 0)


typedef struct {
    ngx_int_t        rc;
    argo_stream_t   *st;
    argo_out_t       out;
    ngx_str_t        bytes;
    reply_t          reply;
    ngx_uint_t       pushes;
} run_t;


/* an answer of bare text; out is it as the inside of a JSON string */

typedef struct {
    const char      *name;
    ngx_str_t        in;
    const char      *out;               /* NULL: refused */
    const char      *code;
    ngx_uint_t       status;
} text_t;


static argo_request_t  request;


static ngx_int_t
fixed_random(u_char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        p[i] = (u_char) i;
    }

    return NGX_OK;
}


static ngx_int_t
no_random(u_char *p, size_t n)
{
    (void) p;
    (void) n;

    return NGX_ERROR;
}


static const argo_env_t  env = { 1776449057, fixed_random };


static ngx_int_t
start(ngx_pool_t *pool, run_t *run, const argo_back_t *back, ngx_uint_t mode)
{
    memset(run, 0, sizeof(run_t));

    request.stream = (mode & STREAM) ? 1 : 0;
    request.include_usage = (mode == USAGE);

    argo_out_init(&run->out, pool, 512, NULL, (mode & STREAM) != 0);

    run->st = ngx_palloc(pool, sizeof(argo_stream_t));
    if (run->st == NULL) {
        return NGX_ERROR;
    }

    return argo_stream_init(run->st, pool, &argo_openai_chat_front, back,
                            &request, &env);
}


/* Each piece lies in memory of its own, which is gone after the call. */

static ngx_int_t
push(run_t *run, const u_char *p, size_t n)
{
    ngx_str_t  piece;

    if (n == 0 || run->rc == NGX_DECLINED || run->rc == NGX_ERROR) {
        return run->rc;
    }

    piece = test_copy(p, n);
    run->rc = argo_stream_push(run->st, piece.data, piece.len, &run->out);
    run->pushes++;
    test_free(&piece);

    return run->rc;
}


static void
finish(ngx_pool_t *pool, run_t *run, ngx_uint_t mode)
{
    run->bytes = reply_flat(pool, &run->out);

    if (mode & STREAM) {
        reply_read(pool, &run->bytes, &run->reply);
    }
}


/* Feeds text cut at "cut" (UNFED: byte by byte) and ends it. */

static void
feed(ngx_pool_t *pool, run_t *run, const ngx_str_t *text, size_t cut,
    ngx_uint_t complete, ngx_uint_t mode)
{
    size_t  i;

    run->rc = start(pool, run, &argo_legacy_back, mode);

    if (run->rc != NGX_OK) {
        return;
    }

    if (cut == UNFED) {
        for (i = 0; i < text->len; i++) {
            push(run, text->data + i, 1);
        }

    } else {
        push(run, text->data, cut);
        push(run, text->data + cut, text->len - cut);
    }

    if (run->rc != NGX_ERROR) {
        run->rc = argo_stream_end(run->st, complete, &run->out);
    }

    finish(pool, run, mode);
}


static void
body(ngx_pool_t *pool, run_t *run, const ngx_str_t *json, ngx_uint_t mode)
{
    run->rc = start(pool, run, &argo_legacy_back, mode);

    if (run->rc == NGX_OK) {
        run->rc = argo_stream_body(run->st, json, &run->out);
        finish(pool, run, mode);
    }
}


static ngx_uint_t
same(const ngx_str_t *a, const ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


static const text_t  texts[] = {

    /* ordinary text */
    { "nothing", STR(""), "", NULL, 0 },
    { "a letter", STR("a"), "a", NULL, 0 },
    { "a sentence", STR("Hi there! I'm a model."),
      "Hi there! I'm a model.", NULL, 0 },
    { "what must be escaped", STR("a\"b\\c\n\t\r\b\f\x01\x00\x7f/"),
      "a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001\\u0000\x7f/", NULL, 0 },
    { "blanks", STR(" \n \r\n\t"), " \\n \\r\\n\\t", NULL, 0 },

    /* characters of each length, at the start, inside, at the end */
    { "two bytes", STR("\xc3\xa9t\xc3\xa9 \xdf\xbf\xc2\x80"),
      "\xc3\xa9t\xc3\xa9 \xdf\xbf\xc2\x80", NULL, 0 },
    { "three bytes", STR("\xe2\x82\xac 5 \xe0\xa0\x80\xef\xbf\xbf"),
      "\xe2\x82\xac 5 \xe0\xa0\x80\xef\xbf\xbf", NULL, 0 },
    { "four bytes", STR("\xf0\x9f\x98\x80 \xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
      "\xf0\x9f\x98\x80 \xf0\x90\x80\x80\xf4\x8f\xbf\xbf", NULL, 0 },
    { "all lengths", STR("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"),
      "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", NULL, 0 },

    /* what is no UTF-8: one U+FFFD for each maximal part */
    { "a cut character, then text", STR("a\xe2\x82z"),
      "a\xef\xbf\xbdz", NULL, 0 },
    { "a cut character at the end", STR("a\xf0\x9f\x98"),
      "a\xef\xbf\xbd", NULL, 0 },
    { "a cut one before another", STR("\xf0\x9f\xe2\x82\xac"),
      "\xef\xbf\xbd\xe2\x82\xac", NULL, 0 },
    { "two cut ones", STR("\xe2\x82\xf0\x9f"),
      "\xef\xbf\xbd\xef\xbf\xbd", NULL, 0 },
    { "continuation bytes alone", STR("\x80\xbf z"),
      "\xef\xbf\xbd\xef\xbf\xbd z", NULL, 0 },
    { "overlong and surrogates", STR("\xc0\xaf\xe0\x80\x80\xed\xa0\x80!"),
      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd!", NULL, 0 },
    { "beyond Unicode", STR("\xf4\x90\x80\x80\xff"),
      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
      NULL, 0 },

    /* ARGO itself */
    { "the notice", STR(NOTICE), NULL, "argo_access_denied", 403 },
    { "the notice, bare", STR("IMPORTANT AUTHENTICATION NOTICE FROM ARGO"),
      NULL, "argo_access_denied", 403 },
    { "the notice in another dress",
      STR("## Authentication Notice from Argo\nThe name could not be"),
      NULL, "argo_access_denied", 403 },
    { "the misuse sentence", STR(MISUSE), NULL, "argo_rejected", 400 },
    { "the misuse sentence behind blanks", STR("\n " MISUSE), NULL,
      "argo_rejected", 400 },

    /* not ARGO itself */
    { "an honest quote",
      STR("The text \"IMPORTANT AUTHENTICATION NOTICE FROM ARGO\" means"),
      "The text \\\"IMPORTANT AUTHENTICATION NOTICE FROM ARGO\\\" means",
      NULL, 0 },
    { "a quote at the start",
      STR("\"Important authentication notice from ARGO\" is"),
      "\\\"Important authentication notice from ARGO\\\" is", NULL, 0 },
    { "a quoted block", STR("> You passed a messages field along with"),
      "> You passed a messages field along with", NULL, 0 },
    { "almost the notice",
      STR("IMPORTANT AUTHENTICATION NOTICE FROM ARGONNE"),
      NULL, "argo_access_denied", 403 },
    { "the notice, cut", STR("**IMPORTANT AUTHENTICATION NOTICE FROM ARG"),
      "**IMPORTANT AUTHENTICATION NOTICE FROM ARG", NULL, 0 },
    { "another notice", STR("IMPORTANT AUTHENTICATION NOTICE FROM THE"),
      "IMPORTANT AUTHENTICATION NOTICE FROM THE", NULL, 0 },
    { "important", STR("**Important:** read"), "**Important:** read",
      NULL, 0 },
    { "you passed", STR("You passed the exam"), "You passed the exam",
      NULL, 0 },
    { "decoration alone", STR("** \xe2\x9a\xa0\xef\xb8\x8f #"),
      "** \xe2\x9a\xa0\xef\xb8\x8f #", NULL, 0 },
    { "decoration that ends in mid-character", STR("*\xe2\x9a"),
      "*\xef\xbf\xbd", NULL, 0 },
    { "another warning sign", STR("\xe2\x9a\xa1 \xf0\x9f\x9a\x80 AUTHENT"),
      "\xe2\x9a\xa1 \xf0\x9f\x9a\x80 AUTHENT", NULL, 0 },
    { "a heading", STR("# IMPORTANT\n"), "# IMPORTANT\\n", NULL, 0 },

    { NULL, STR(""), NULL, NULL, 0 }
};


static void
check_text(const text_t *t, run_t *run, ngx_uint_t mode, size_t *bad)
{
    ngx_str_t   expected;
    reply_t    *reply;

    reply = &run->reply;

    if (t->out == NULL) {

        if (run->rc != NGX_DECLINED || run->st->started || run->bytes.len
            || run->st->error.status != t->status
            || !same(&run->st->error.code,
                     &(ngx_str_t) { strlen(t->code), (u_char *) t->code }))
        {
            (*bad)++;
        }

        return;
    }

    expected.data = (u_char *) t->out;
    expected.len = strlen(t->out);

    if (run->rc != NGX_OK || reply->wrong || reply->done != 1
        || reply->starts != 1 || reply->finishes != 1
        || !same(&reply->text, &expected)
        || reply->texts > run->pushes + 1
        || reply->usages != (mode == USAGE)
        || reply->nulls != (mode == USAGE ? reply->frames - 2 : 0))
    {
        if (reply->wrong) {
            printf("# %s\n", reply->wrong);
        }

        (*bad)++;
    }
}


/* Law 1 and 2, on replies that end well. */

static void
test_texts(void)
{
    run_t          whole, run;
    size_t         cut, bad, differ;
    ngx_pool_t    *pool;
    const text_t  *t;

    for (t = texts; t->name; t++) {
        pool = test_pool();
        bad = 0;
        differ = 0;

        feed(pool, &whole, &t->in, 0, 1, STREAM);
        check_text(t, &whole, STREAM, &bad);

        for (cut = 1; cut <= t->in.len; cut++) {
            feed(pool, &run, &t->in, cut == t->in.len ? UNFED : cut, 1,
                 STREAM);
            check_text(t, &run, STREAM, &bad);

            if (!same(&run.reply.rest, &whole.reply.rest)) {
                differ++;
            }
        }

        feed(pool, &whole, &t->in, 0, 1, USAGE);
        feed(pool, &run, &t->in, UNFED, 1, USAGE);
        check_text(t, &run, USAGE, &bad);

        if (!same(&run.reply.rest, &whole.reply.rest)) {
            differ++;
        }

        is(bad, 0, "%s: right, however cut", t->name);
        is(differ, 0, "%s: the same, however cut", t->name);

        ngx_destroy_pool(pool);
    }
}


/* Law 3: the same replies without their end. */

static void
test_truncated(void)
{
    run_t          whole, run;
    size_t         cut, bad;
    ngx_pool_t    *pool;
    const text_t  *t;

    for (t = texts; t->name; t++) {
        pool = test_pool();
        bad = 0;

        feed(pool, &whole, &t->in, 0, 0, STREAM);

        if (whole.rc != NGX_DECLINED || whole.reply.wrong
            || whole.reply.done || whole.reply.finishes
            || whole.reply.errors != whole.st->started
            || (whole.bytes.len != 0) != whole.st->started)
        {
            bad++;
        }

        if (t->out && (whole.st->error.status != 502
            || !argo_str_is(&whole.st->error.code, "upstream_incomplete")))
        {
            bad++;
        }

        for (cut = 1; cut <= t->in.len; cut++) {
            feed(pool, &run, &t->in, cut == t->in.len ? UNFED : cut, 0,
                 STREAM);

            if (run.rc != NGX_DECLINED || run.reply.wrong
                || run.st->started != whole.st->started
                || !same(&run.st->error.code, &whole.st->error.code)
                || !same(&run.reply.text, &whole.reply.text)
                || !same(&run.reply.rest, &whole.reply.rest))
            {
                bad++;
            }
        }

        is(bad, 0, "%s: truncated, however cut", t->name);

        ngx_destroy_pool(pool);
    }
}


/* What is held back is bounded, and no more than is needed. */

static void
test_hold(void)
{
    run_t        run;
    u_char       text[2 * ARGO_SOFT_HOLD];
    size_t       n, bad;
    ngx_str_t    s;
    ngx_pool_t  *pool;

    pool = test_pool();

    start(pool, &run, &argo_legacy_back, STREAM);
    push(&run, (u_char *) "T", 1);
    ok(run.out.size > 0, "an ordinary letter goes out at once");

    start(pool, &run, &argo_legacy_back, STREAM);
    push(&run, (u_char *) "**Y", 3);
    is(run.out.size, 0, "a letter of the misuse sentence waits");
    push(&run, (u_char *) "es", 2);
    ok(run.out.size > 0, "until it is another");

    argo_stream_end(run.st, 1, &run.out);
    finish(pool, &run, STREAM);
    is_str(&run.reply.text, "**Yes", "all of it comes");
    is(run.reply.texts, 1, "in one piece");

    memset(text, '\n', sizeof(text));

    bad = 0;

    for (n = ARGO_SOFT_HOLD - 8; n < ARGO_SOFT_HOLD + 8; n++) {
        memset(text, '\n', n);
        memcpy(text + n, NOTICE, 100);

        s.data = text;
        s.len = n + 100;

        feed(pool, &run, &s, UNFED, 1, STREAM);

        if (run.rc != NGX_OK || run.reply.wrong
            || run.reply.text.len < 2 * n)
        {
            bad++;
        }

        feed(pool, &run, &s, n, 1, STREAM);

        if (run.rc != NGX_OK || run.reply.wrong
            || run.reply.text.len < 2 * n)
        {
            bad++;
        }
    }

    is(bad, 0, "what comes too late is text");

    /* a held character that is cut at the very end of what can be held */

    memset(text, '*', sizeof(text));
    memcpy(text + ARGO_SOFT_HOLD - 1, "\xf0\x9f\x9a\xab!", 5);

    s.data = text;
    s.len = ARGO_SOFT_HOLD + 4;

    for (n = 1; n < s.len; n++) {
        feed(pool, &run, &s, n, 1, STREAM);

        if (run.rc != NGX_OK || run.reply.wrong
            || !same(&run.reply.text, &s))
        {
            bad++;
        }
    }

    feed(pool, &run, &s, UNFED, 1, STREAM);
    is_mem(run.reply.text.data, run.reply.text.len, s.data, s.len,
           "a character at the end of what is held");
    is(bad, 0, "however cut");

    ngx_destroy_pool(pool);
}


static void
test_frames(void)
{
    run_t        run;
    ngx_str_t    s;
    ngx_pool_t  *pool;

    pool = test_pool();

    s = STR("Hi\n");
    feed(pool, &run, &s, 0, 1, STREAM);

    is_str(&run.bytes,
           HEAD "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":"
           "\"\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":null}"
           "]}\n\n"
           HEAD "{\"index\":0,\"delta\":{\"content\":\"Hi\\n\"},"
           "\"logprobs\":null,\"finish_reason\":null}]}\n\n"
           HEAD "{\"index\":0,\"delta\":{},\"logprobs\":null,"
           "\"finish_reason\":\"stop\"}]}\n\n"
           "data: [DONE]\n\n", "a stream");

    feed(pool, &run, &s, 0, 1, USAGE);

    is_str(&run.bytes,
           HEAD "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":"
           "\"\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":null}"
           "],\"usage\":null}\n\n"
           HEAD "{\"index\":0,\"delta\":{\"content\":\"Hi\\n\"},"
           "\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n"
           HEAD "{\"index\":0,\"delta\":{},\"logprobs\":null,"
           "\"finish_reason\":\"stop\"}],\"usage\":null}\n\n"
           HEAD "],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1,"
           "\"total_tokens\":4,\"prompt_tokens_details\":"
           "{\"cached_tokens\":0,\"audio_tokens\":0},"
           "\"completion_tokens_details\":{\"reasoning_tokens\":0,"
           "\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
           "\"rejected_prediction_tokens\":0}}}\n\n"
           "data: [DONE]\n\n", "a stream with usage");

    feed(pool, &run, &s, 0, 0, STREAM);

    is_str(&run.bytes,
           HEAD "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":"
           "\"\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":null}"
           "]}\n\n"
           HEAD "{\"index\":0,\"delta\":{\"content\":\"Hi\\n\"},"
           "\"logprobs\":null,\"finish_reason\":null}]}\n\n"
           "data: {\"error\":{\"message\":\"ARGO's reply ended before it was "
           "complete\",\"type\":\"server_error\",\"param\":null,\"code\":"
           "\"upstream_incomplete\"}}\n\n", "a stream that was cut");

    s = STR("{\"response\":\"H\\u00ef\\n\"}");
    body(pool, &run, &s, UNARY);

    is_str(&run.bytes,
           "{\"id\":\"chatcmpl-0123456789ABCDEFGHIJKLMNOPQRS\",\"object\":"
           "\"chat.completion\",\"created\":1776449057,\"model\":"
           "\"gpt-\\\"4_o\",\"choices\":[{\"index\":0,\"message\":"
           "{\"role\":\"assistant\",\"content\":\"H\\u00ef\\n\",\"refusal\":"
           "null,\"annotations\":[]},\"logprobs\":null,\"finish_reason\":"
           "\"stop\"}],\"usage\":{\"prompt_tokens\":3,"
           "\"completion_tokens\":2,\"total_tokens\":5,"
           "\"prompt_tokens_details\":{\"cached_tokens\":0,"
           "\"audio_tokens\":0},\"completion_tokens_details\":"
           "{\"reasoning_tokens\":0,\"audio_tokens\":0,"
           "\"accepted_prediction_tokens\":0,"
           "\"rejected_prediction_tokens\":0}}}", "a unary reply");

    s = STR("{\"response\":{\"content\":\"\",\"tool_calls\":[{\"function\":"
            "{\"arguments\":\"{\\\"a\\\":1}\",\"name\":\"f\"},\"id\":\"c1\","
            "\"type\":\"function\"}]}}");
    body(pool, &run, &s, STREAM);

    is_str(&run.bytes,
           HEAD "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":"
           "\"\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":null}"
           "]}\n\n"
           HEAD "{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":"
           "\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
           "\"arguments\":\"\"}}]},\"logprobs\":null,\"finish_reason\":null}"
           "]}\n\n"
           HEAD "{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,"
           "\"function\":{\"arguments\":\"{\\\"a\\\":1}\"}}]},"
           "\"logprobs\":null,\"finish_reason\":null}]}\n\n"
           HEAD "{\"index\":0,\"delta\":{},\"logprobs\":null,"
           "\"finish_reason\":\"tool_calls\"}]}\n\n"
           "data: [DONE]\n\n", "a call, streamed");

    ngx_destroy_pool(pool);
}


typedef struct {
    const char  *name;
    const char  *in;
    const char  *content;               /* raw; NULL: refused */
    const char  *calls;                 /* raw; NULL: none */
    const char  *code;
} form_t;


static const form_t  forms[] = {

    { "a string", "{\"response\":\"Hello! \\u00e9\\ud83d\\ude00\"}",
      "\"Hello! \\u00e9\\ud83d\\ude00\"", NULL, NULL },
    { "an empty string", "{\"response\":\"\"}", "\"\"", NULL, NULL },
    { "with other members", " {\"a\":[1],\"response\":\"x\",\"b\":{}} ",
      "\"x\"", NULL, NULL },
    { "the last of two", "{\"response\":1,\"response\":\"x\"}",
      "\"x\"", NULL, NULL },
    { "an object", "{\"response\":{\"content\":\"x\"}}",
      "\"x\"", NULL, NULL },
    { "content null", "{\"response\":{\"content\":null,\"tool_calls\":[]}}",
      "\"\"", NULL, NULL },
    { "tool_calls null",
      "{\"response\":{\"content\":\"x\",\"tool_calls\":null}}",
      "\"x\"", NULL, NULL },
    { "a leaked call stays text",
      "{\"response\":{\"content\":\"x{'id': 'toolu_1'}\",\"tool_calls\":[]}}",
      "\"x{'id': 'toolu_1'}\"", NULL, NULL },
    { "blocks",
      "{\"response\":{\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\"}"
      ",{\"type\":\"text\",\"text\":\"a\"},{\"text\":\"b\\n\",\"type\":"
      "\"text\"},{\"type\":\"text\",\"text\":\"\"}]}}",
      "\"ab\\n\"", NULL, NULL },
    { "no blocks", "{\"response\":{\"content\":[]}}", "\"\"", NULL, NULL },

    { "a call", "{\"response\":{\"content\":\"\",\"tool_calls\":["
      "{\"function\":{\"arguments\":\"{\\\"a\\\":\\\"\\u00e9\\\"}\","
      "\"name\":\"f\"},\"id\":\"call_1\",\"type\":\"function\"}]}}",
      "null", "[{\"id\":\"call_1\",\"type\":\"function\",\"function\":"
      "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":\\\"\\u00e9\\\"}\"}}]",
      NULL },
    { "calls and text, no arguments", "{\"response\":{\"content\":\"x\","
      "\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"\"}},{\"id\":\"2\",\"function\":{\"name\":\"g\","
      "\"arguments\":\"{}\"}}]}}",
      "\"x\"", "[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":"
      "\"f\",\"arguments\":\"\"}},{\"id\":\"2\",\"type\":\"function\","
      "\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]", NULL },
    { "a call without content", "{\"response\":{\"tool_calls\":[{\"id\":"
      "\"1\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}}",
      "null", "[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":"
      "\"f\",\"arguments\":\"{}\"}}]", NULL },
    { "arguments that are an object", "{\"response\":{\"tool_calls\":["
      "{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":"
      "{\"a\": \"b\\n\"}}}]}}",
      "null", "[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":"
      "\"f\",\"arguments\":\"{\\\"a\\\": \\\"b\\\\n\\\"}\"}}]", NULL },
    { "Anthropic's call", "{\"response\":{\"content\":null,\"tool_calls\":["
      "{\"id\":\"toolu_1\",\"input\":{\"a\":1},\"name\":\"f\",\"type\":"
      "\"tool_use\",\"cache_control\":null}]}}",
      "null", "[{\"id\":\"toolu_1\",\"type\":\"function\",\"function\":"
      "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]", NULL },
    { "Anthropic's call among blocks", "{\"response\":{\"content\":["
      "{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"tool_use\",\"id\":"
      "\"t\",\"name\":\"f\",\"input\":{}}]}}",
      "\"x\"", "[{\"id\":\"t\",\"type\":\"function\",\"function\":{\"name\":"
      "\"f\",\"arguments\":\"{}\"}}]", NULL },
    { "Google's call, without an id", "{\"response\":{\"content\":\"\","
      "\"tool_calls\":[{\"id\":null,\"args\":{\"a\":1},\"name\":\"f\"}]}}",
      "null", "[{\"id\":\"call_0123456789ABCDEFGHIJKLMNOPQRS_0\",\"type\":"
      "\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
      "\"{\\\"a\\\":1}\"}}]", NULL },

    { "the notice", "{\"response\":\"\\n\\n\\u26a0\\ufe0f **IMPORTANT "
      "AUTHENTICATION NOTICE FROM ARGO** \\u26a0\\ufe0f\\n\"}",
      NULL, NULL, "argo_access_denied" },
    { "the notice, all in escapes",
      "{\"response\":\"\\u0041\\u0055\\u0054\\u0048\\u0045\\u004e\\u0054"
      "\\u0049\\u0043\\u0041\\u0054\\u0049\\u004f\\u004e\\u0020\\u004e"
      "\\u004f\\u0054\\u0049\\u0043\\u0045\\u0020\\u0046\\u0052\\u004f"
      "\\u004d\\u0020\\u0041\\u0052\\u0047\\u004f!\"}",
      NULL, NULL, "argo_access_denied" },
    { "the notice in an object",
      "{\"response\":{\"content\":\"" "**IMPORTANT AUTHENTICATION NOTICE "
      "FROM ARGO**\",\"tool_calls\":[]}}",
      NULL, NULL, "argo_access_denied" },
    { "the notice over two blocks", "{\"response\":{\"content\":["
      "{\"type\":\"text\",\"text\":\"IMPORTANT AUTHENTI\"},"
      "{\"type\":\"text\",\"text\":\"CATION NOTICE FROM ARGO\"}]}}",
      NULL, NULL, "argo_access_denied" },
    { "the misuse sentence", "{\"response\":\"" MISUSE "\"}",
      NULL, NULL, "argo_rejected" },
    { "an honest quote",
      "{\"response\":\"It says: IMPORTANT AUTHENTICATION NOTICE FROM ARGO\"}",
      "\"It says: IMPORTANT AUTHENTICATION NOTICE FROM ARGO\"", NULL, NULL },
    { "a held beginning, over blocks", "{\"response\":{\"content\":["
      "{\"type\":\"text\",\"text\":\"IMPORTANT \"},"
      "{\"type\":\"text\",\"text\":\"AUTHENTICATION\"},"
      "{\"type\":\"text\",\"text\":\"!\"}]}}",
      "\"IMPORTANT AUTHENTICATION!\"", NULL, NULL },
    { "a held beginning before a call", "{\"response\":{\"content\":"
      "\"You\",\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"{}\"}}]}}",
      "\"You\"", "[{\"id\":\"1\",\"type\":\"function\",\"function\":"
      "{\"name\":\"f\",\"arguments\":\"{}\"}}]", NULL },

    { "nothing", "", NULL, NULL, "upstream_invalid_reply" },
    { "HTML", "<html></html>", NULL, NULL, "upstream_invalid_reply" },
    { "half of it", "{\"response\":\"Hel", NULL, NULL,
      "upstream_invalid_reply" },
    { "something behind it", "{\"response\":\"x\"} x", NULL, NULL,
      "upstream_invalid_reply" },
    { "an array", "[\"response\"]", NULL, NULL, "upstream_invalid_reply" },
    { "a bare string", "\"response\"", NULL, NULL,
      "upstream_invalid_reply" },
    { "no response", "{\"answer\":\"x\"}", NULL, NULL,
      "upstream_invalid_reply" },
    { "response null", "{\"response\":null}", NULL, NULL,
      "upstream_invalid_reply" },
    { "response a number", "{\"response\":5}", NULL, NULL,
      "upstream_invalid_reply" },
    { "response a list", "{\"response\":[\"x\"]}", NULL, NULL,
      "upstream_invalid_reply" },
    { "an empty object", "{\"response\":{}}", NULL, NULL,
      "upstream_invalid_reply" },
    { "content a number", "{\"response\":{\"content\":1}}", NULL, NULL,
      "upstream_invalid_reply" },
    { "content of strings", "{\"response\":{\"content\":[\"x\"]}}", NULL,
      NULL, "upstream_invalid_reply" },
    { "a text block without text",
      "{\"response\":{\"content\":[{\"type\":\"text\"}]}}", NULL, NULL,
      "upstream_invalid_reply" },
    { "tool_calls an object",
      "{\"response\":{\"content\":\"\",\"tool_calls\":{}}}", NULL, NULL,
      "upstream_invalid_reply" },
    { "a call a string",
      "{\"response\":{\"content\":\"\",\"tool_calls\":[\"f\"]}}", NULL, NULL,
      "upstream_invalid_reply" },
    { "a call without name", "{\"response\":{\"content\":\"\","
      "\"tool_calls\":[{\"function\":{\"arguments\":\"{}\"}}]}}", NULL, NULL,
      "upstream_invalid_reply" },
    { "a call without arguments", "{\"response\":{\"content\":\"\","
      "\"tool_calls\":[{\"function\":{\"name\":\"f\"}}]}}", NULL, NULL,
      "upstream_invalid_reply" },
    { "an error in a 200", "{\"error\":{\"message\":\"oops\"}}", NULL, NULL,
      "upstream_invalid_reply" },

    { NULL, NULL, NULL, NULL, NULL }
};


/* Puts the calls of a stream together, as the body of a reply has them. */

static ngx_str_t
fold_calls(ngx_pool_t *pool, const ngx_str_t *frames)
{
    u_char        *p, *end, *last;
    int64_t        index;
    ngx_int_t      n;
    ngx_str_t      data, s;
    argo_out_t     out;
    argo_json_t   *root, *call, *function;
    argo_error_t   err;

    argo_out_init(&out, pool, 4096, NULL, 1);

    n = -1;

    for (p = frames->data, end = p + frames->len; p < end; p = last + 2) {
        last = memchr(p, '\n', end - p);
        data.data = p + 6;
        data.len = last - data.data;

        if (argo_json_parse(pool, &data, 10, &root, &err) != NGX_OK) {
            continue;
        }

        call = argo_json_get(argo_json_get(argo_json_get(root, "choices")
                                           ->child, "delta"), "tool_calls");
        if (call == NULL) {
            continue;
        }

        call = call->child;
        function = argo_json_get(call, "function");

        if (argo_json_int(argo_json_get(call, "index"), &index) != NGX_OK) {
            return STR("no index");
        }

        s = argo_json_inner(argo_json_get(function, "arguments"));

        if (index == n) {

            if (call->count != 2 || function->count != 1) {
                return STR("more than arguments");
            }

            argo_out_str(&out, &s);
            continue;
        }

        if (index != n + 1) {
            return STR("an index is missing");
        }

        if (n == -1) {
            argo_out_lit(&out, "[");

        } else {
            argo_out_lit(&out, "\"}},");
        }

        n = index;

        argo_out_lit(&out, "{\"id\":");
        argo_out_str(&out, &argo_json_get(call, "id")->raw);
        argo_out_lit(&out, ",\"type\":");
        argo_out_str(&out, &argo_json_get(call, "type")->raw);
        argo_out_lit(&out, ",\"function\":{\"name\":");
        argo_out_str(&out, &argo_json_get(function, "name")->raw);
        argo_out_lit(&out, ",\"arguments\":\"");
        argo_out_str(&out, &s);
    }

    if (n >= 0) {
        argo_out_lit(&out, "\"}}]");
    }

    return reply_flat(pool, &out);
}


static void
test_form(ngx_pool_t *pool, const form_t *t)
{
    run_t          unary, stream;
    ngx_str_t      json, calls;
    argo_json_t   *root, *choice, *message, *node;
    argo_usage_t   one, two;
    argo_error_t   err;

    json = test_copy(t->in, strlen(t->in));

    body(pool, &unary, &json, UNARY);
    body(pool, &stream, &json, USAGE);

    if (t->content == NULL) {
        is(unary.rc, NGX_DECLINED, "%s: refused", t->name);
        is_str(&unary.st->error.code, t->code, "%s: code", t->name);
        is(unary.bytes.len, 0, "%s: nothing written", t->name);
        is(stream.rc, NGX_DECLINED, "%s: refused, streamed", t->name);
        is_str(&stream.st->error.code, t->code, "%s: code, streamed",
               t->name);

        if (stream.st->started) {
            ok(stream.reply.wrong == NULL && stream.reply.errors == 1
               && stream.reply.done == 0, "%s: in-band error", t->name);

        } else {
            is(stream.bytes.len, 0, "%s: nothing streamed", t->name);
        }

        test_free(&json);
        return;
    }

    is(unary.rc, NGX_OK, "%s", t->name);
    is(stream.rc, NGX_OK, "%s: streamed", t->name);

    if (!is(argo_json_parse(pool, &unary.bytes, 10, &root, &err), NGX_OK,
            "%s: JSON", t->name))
    {
        test_free(&json);
        return;
    }

    choice = argo_json_get(root, "choices")->child;
    message = argo_json_get(choice, "message");
    node = argo_json_get(message, "content");

    is_str(&node->raw, t->content, "%s: content", t->name);

    calls = argo_json_inner(node);
    ok(same(&stream.reply.text, &calls), "%s: the same text streamed",
       t->name);
    ok(stream.reply.wrong == NULL && stream.reply.done == 1,
       "%s: a good stream", t->name);

    node = argo_json_get(message, "tool_calls");

    if (t->calls) {
        is_str(&node->raw, t->calls, "%s: calls", t->name);

        calls = fold_calls(pool, &stream.reply.rest);
        is_str(&calls, t->calls, "%s: the same calls streamed", t->name);

    } else {
        ok(node == NULL, "%s: no calls", t->name);
    }

    ok(argo_json_text_is(argo_json_get(choice, "finish_reason"),
                         t->calls ? "tool_calls" : "stop",
                         t->calls ? 10 : 4), "%s: finish", t->name);

    argo_stream_usage(unary.st, &one);
    argo_stream_usage(stream.st, &two);
    ok(one.prompt == two.prompt && one.completion == two.completion
       && one.prompt == 3, "%s: usage", t->name);

    test_free(&json);
}


static void
test_forms(void)
{
    ngx_pool_t    *pool;
    const form_t  *t;

    for (t = forms; t->name; t++) {
        pool = test_pool();
        test_form(pool, t);
        ngx_destroy_pool(pool);
    }
}


/* The same text as bare text and as JSON: the same reply, the same usage. */

static void
test_agreement(void)
{
    run_t          raw, json, unary, collected;
    ngx_str_t      s;
    argo_out_t     out;
    ngx_pool_t    *pool;
    const text_t  *t;
    argo_usage_t   u1, u2, u3, u4;

    for (t = texts; t->name; t++) {
        pool = test_pool();

        argo_out_init(&out, pool, 256, NULL, 1);
        argo_out_lit(&out, "{\"response\":\"");
        argo_json_write_text(&out, t->in.data, t->in.len);
        argo_out_lit(&out, "\"}");
        s = reply_flat(pool, &out);

        feed(pool, &raw, &t->in, UNFED, 1, STREAM);
        body(pool, &json, &s, STREAM);
        body(pool, &unary, &s, UNARY);
        feed(pool, &collected, &t->in, UNFED, 1, UNARY);

        is(json.rc, raw.rc, "%s: JSON and bare text", t->name);
        ok(same(&json.reply.text, &raw.reply.text)
           && same(&json.reply.rest, &raw.reply.rest),
           "%s: stream the same", t->name);
        argo_stream_usage(raw.st, &u1);
        argo_stream_usage(json.st, &u2);
        argo_stream_usage(unary.st, &u3);
        argo_stream_usage(collected.st, &u4);

        ok(u2.completion == u3.completion && u1.completion == u4.completion,
           "%s: usage, streamed or not", t->name);

        /* but for bytes that were no text: each counts before its repair */

        if (t->out && strstr(t->out, "\xef\xbf\xbd") == NULL) {
            is(u1.completion, u2.completion, "%s: usage", t->name);
            ok(same(&unary.bytes, &collected.bytes),
               "%s: and are the same in one piece", t->name);
        }

        ngx_destroy_pool(pool);
    }
}


/* An event takes nothing from the pool: ten thousand take as much as one. */

static void
test_memory_use(void)
{
    run_t         run;
    ngx_uint_t    i, before;
    ngx_pool_t   *pool;
    ngx_chain_t  *cl, *next;

    pool = test_pool();

    start(pool, &run, &argo_legacy_back, STREAM);

    before = 0;

    for (i = 0; i < 10000; i++) {

        if (i == 10) {
            ngx_shim_fail(0);
            before = ngx_shim_count();
        }

        if (push(&run, (u_char *) "caf\xc3\xa9 \xf0\x9f\x98\x80\n",
                 10 + i % 3) != NGX_OK)
        {
            break;
        }

        for (cl = argo_out_take(&run.out); cl; cl = next) {
            next = cl->next;
            cl->next = run.out.free;
            run.out.free = cl;
        }
    }

    is(i, 10000, "ten thousand pieces");
    is(ngx_shim_count(), before, "no allocation for any of them");

    ngx_destroy_pool(pool);
}


static void
test_fail(void)
{
    run_t          run;
    ngx_str_t      s;
    ngx_pool_t    *pool;
    argo_error_t   err;

    pool = test_pool();

    argo_error_set(&err, 504, "upstream_timeout", NULL, "ARGO timed out");

    start(pool, &run, &argo_legacy_back, STREAM);
    is(argo_stream_fail(run.st, &err, &run.out), NGX_DECLINED,
       "a failure before the start");
    ok(!run.st->started && run.out.size == 0, "nothing is written");
    is(run.st->error.status, 504, "the error is kept");
    is(argo_stream_push(run.st, (u_char *) "x", 1, &run.out), NGX_DECLINED,
       "nothing is taken any more");
    is(argo_stream_end(run.st, 1, &run.out), NGX_DECLINED,
       "nor an end");
    is(argo_stream_fail(run.st, &err, &run.out), NGX_DECLINED,
       "nor another failure");
    is(run.out.size, 0, "and still nothing is written");

    start(pool, &run, &argo_legacy_back, STREAM);
    push(&run, (u_char *) "**", 2);
    is(argo_stream_fail(run.st, &err, &run.out), NGX_DECLINED,
       "a failure while text is held");
    is(run.out.size, 0, "the held text is dropped");

    start(pool, &run, &argo_legacy_back, STREAM);
    push(&run, (u_char *) "Hi", 2);
    is(argo_stream_fail(run.st, &err, &run.out), NGX_DECLINED,
       "a failure after the start");
    is(argo_stream_fail(run.st, &err, &run.out), NGX_DECLINED, "again");
    finish(pool, &run, STREAM);
    ok(run.reply.wrong == NULL && run.reply.errors == 1
       && run.reply.done == 0 && run.reply.finishes == 0,
       "is told in the stream, once");

    start(pool, &run, &argo_legacy_back, STREAM);
    push(&run, (u_char *) "Hi", 2);
    is(argo_stream_end(run.st, 1, &run.out), NGX_OK, "a finished reply");
    is(argo_stream_fail(run.st, &err, &run.out), NGX_OK, "can't fail");
    is(argo_stream_end(run.st, 0, &run.out), NGX_OK, "nor be cut");
    is(push(&run, (u_char *) "Ho", 2), NGX_OK, "nor go on");
    s = STR("{\"response\":\"x\"}");
    is(argo_stream_body(run.st, &s, &run.out), NGX_OK, "nor begin again");
    finish(pool, &run, STREAM);
    ok(run.reply.wrong == NULL && run.reply.done == 1, "it is as it was");

    start(pool, &run, &argo_legacy_back, UNARY);
    push(&run, (u_char *) "Hi", 2);
    is(argo_stream_fail(run.st, &err, &run.out), NGX_DECLINED,
       "a unary reply that fails");
    ok(!run.st->started && run.out.size == 0, "is not begun");

    ngx_destroy_pool(pool);
}


/* A back that emits what a test wants, to try the rules of events. */

static const argo_event_t  *script;
static size_t               script_len;


static ngx_int_t
script_bytes(argo_stream_t *st, u_char *p, size_t n)
{
    size_t        i;
    ngx_int_t     rc;
    argo_event_t  ev;

    (void) p;
    (void) n;

    for (i = 0; i < script_len; i++) {
        ev = script[i];
        rc = argo_stream_emit(st, &ev);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
script_body(argo_stream_t *st, const ngx_str_t *json)
{
    return script_bytes(st, json->data, json->len);
}


static ngx_int_t
script_end(argo_stream_t *st)
{
    (void) st;

    return NGX_OK;
}


static const argo_back_t  script_back = {
    ngx_string("script"), ARGO_DIALECT_LEGACY, NULL, NULL, NULL,
    script_body, script_bytes, NULL, script_end, NULL
};


static void
play(ngx_pool_t *pool, run_t *run, const argo_event_t *events, size_t n,
    ngx_uint_t mode)
{
    ngx_str_t  s;

    script = events;
    script_len = n;

    start(pool, run, &script_back, mode);
    s = STR("x");

    if (mode & STREAM) {
        run->rc = push(run, s.data, s.len);

        if (run->rc == NGX_OK) {
            run->rc = argo_stream_end(run->st, 1, &run->out);
        }

    } else {
        run->rc = argo_stream_body(run->st, &s, &run->out);
    }

    finish(pool, run, mode);
}

#define PLAY(run, events, mode)                                               \
    play(pool, run, events, sizeof(events) / sizeof(events[0]), mode)


static void
test_order(void)
{
    run_t          run;
    ngx_pool_t    *pool;
    argo_error_t   err;

    const argo_event_t  start_ev = { .type = ARGO_EVENT_START };
    const argo_event_t  stop = { .type = ARGO_EVENT_FINISH,
                                 .finish = ARGO_FINISH_LENGTH };
    const argo_event_t  filter = { .type = ARGO_EVENT_FINISH,
                                   .finish = ARGO_FINISH_CONTENT_FILTER };
    const argo_event_t  text = { .type = ARGO_EVENT_TEXT, .escaped = 1,
                                 .text = STR("t\\n") };
    const argo_event_t  plain = { .type = ARGO_EVENT_TEXT,
                                  .lead = STR("\""), .text = STR("\n") };
    const argo_event_t  held = { .type = ARGO_EVENT_TEXT, .escaped = 1,
                                 .text = STR("\\u002a") };
    const argo_event_t  refusal = { .type = ARGO_EVENT_REFUSAL,
                                    .text = STR("no\"") };
    const argo_event_t  thought = { .type = ARGO_EVENT_REASONING,
                                    .text = STR("hm") };
    const argo_event_t  call0 = { .type = ARGO_EVENT_TOOL_START,
                                  .name = STR("f"), .id = STR("c") };
    const argo_event_t  args0 = { .type = ARGO_EVENT_TOOL_ARGS,
                                  .text = STR("{}") };
    const argo_event_t  call1 = { .type = ARGO_EVENT_TOOL_START, .index = 1,
                                  .name = STR("g") };
    const argo_event_t  usage = { .type = ARGO_EVENT_USAGE, .usage = { 10,
                                  20, 3, 0, 4, 0 } };
    const argo_event_t  error = { .type = ARGO_EVENT_ERROR, .error = &err };

    const argo_event_t  no_start[] = { text };
    const argo_event_t  two_starts[] = { start_ev, start_ev };
    const argo_event_t  after_end[] = { start_ev, stop, text };
    const argo_event_t  two_ends[] = { start_ev, stop, stop };
    const argo_event_t  error_after[] = { start_ev, stop, error };
    const argo_event_t  no_call[] = { start_ev, args0 };
    const argo_event_t  call_gap[] = { start_ev, call1 };
    const argo_event_t  call_twice[] = { start_ev, call0, call0 };
    const argo_event_t  old_args[] = { start_ev, call0, call1, args0 };
    const argo_event_t  no_end[] = { start_ev, text };
    const argo_event_t  error_first[] = { error };
    const argo_event_t  error_later[] = { start_ev, text, error, text };
    const argo_event_t  error_held[] = { start_ev, held, error };
    const argo_event_t  refused[] = { start_ev, refusal, thought, filter };
    const argo_event_t  known[] = { start_ev, usage, text, plain, stop };
    const argo_event_t  mixed[] = { start_ev, held, plain, stop };
    const argo_event_t  only_held[] = { start_ev, held, stop };
    const argo_event_t  calls[] = { start_ev, held, call0, args0, args0,
                                    call1, stop };

    pool = test_pool();

    argo_error_set(&err, 429, "rate_limit_exceeded", NULL, "slow down");

    PLAY(&run, no_start, STREAM);
    is(run.rc, NGX_ERROR, "no START");
    PLAY(&run, two_starts, STREAM);
    is(run.rc, NGX_ERROR, "two STARTs");
    PLAY(&run, after_end, STREAM);
    is(run.rc, NGX_ERROR, "TEXT after FINISH");
    PLAY(&run, two_ends, STREAM);
    is(run.rc, NGX_ERROR, "two FINISHes");
    PLAY(&run, error_after, STREAM);
    is(run.rc, NGX_ERROR, "ERROR after FINISH");
    PLAY(&run, no_call, STREAM);
    is(run.rc, NGX_ERROR, "arguments without a call");
    PLAY(&run, call_gap, STREAM);
    is(run.rc, NGX_ERROR, "a call's index left out");
    PLAY(&run, call_twice, STREAM);
    is(run.rc, NGX_ERROR, "a call's index twice");
    PLAY(&run, old_args, STREAM);
    is(run.rc, NGX_ERROR, "arguments of a call that is over");

    PLAY(&run, no_end, STREAM);
    is(run.rc, NGX_DECLINED, "no FINISH is an error");
    is_str(&run.st->error.code, "upstream_incomplete", "of this code");
    ok(run.reply.errors == 1 && run.reply.done == 0, "and told so");

    PLAY(&run, no_end, UNARY);
    is(run.rc, NGX_DECLINED, "no FINISH in one body");
    is_str(&run.st->error.code, "upstream_incomplete", "is the same");
    is(run.bytes.len, 0, "and nothing is written");

    PLAY(&run, error_first, STREAM);
    is(run.rc, NGX_DECLINED, "ERROR at once");
    is(run.st->error.status, 429, "keeps its status");
    is(run.bytes.len, 0, "and nothing is written");

    PLAY(&run, error_later, STREAM);
    is(run.rc, NGX_DECLINED, "ERROR later");
    ok(run.reply.wrong == NULL && run.reply.errors == 1, "is in the stream");
    ok(run.bytes.len > 20 && strstr((char *) run.reply.rest.data,
       "\"type\":\"server_error\",\"param\":null,\"code\":"
       "\"rate_limit_exceeded\"") != NULL, "as one that can be retried");

    PLAY(&run, error_held, STREAM);
    is(run.bytes.len, 0, "ERROR drops what was held");

    PLAY(&run, refused, STREAM);
    is(run.rc, NGX_OK, "a refusal, streamed");
    is_str(&run.reply.refusal, "no\\\"", "it is there");
    is(run.reply.text.len, 0, "and no text");
    ok(strstr((char *) run.bytes.data, "\"content_filter\"") != NULL,
       "nor its reason");

    PLAY(&run, refused, UNARY);
    is(run.rc, NGX_OK, "a refusal");
    ok(strstr((char *) run.bytes.data, "\"content\":null,\"refusal\":"
              "\"no\\\"\",\"reasoning_content\":\"hm\",\"annotations\"")
       != NULL, "is not content");

    PLAY(&run, known, USAGE);
    is(run.rc, NGX_OK, "usage that upstream told");
    is_str(&run.reply.text, "t\\n\\\"\\n", "escaped and plain text");
    ok(strstr((char *) run.bytes.data, "\"usage\":{\"prompt_tokens\":10,"
              "\"completion_tokens\":20,\"total_tokens\":30,"
              "\"prompt_tokens_details\":{\"cached_tokens\":3,"
              "\"audio_tokens\":0},\"completion_tokens_details\":"
              "{\"reasoning_tokens\":4,") != NULL, "goes to the client");
    ok(strstr((char *) run.bytes.data, "\"finish_reason\":\"length\"")
       != NULL, "and why it ended");

    PLAY(&run, mixed, STREAM);
    is_str(&run.reply.text, "\\u002a\\\"\\n", "held escaped, then plain");
    PLAY(&run, mixed, UNARY);
    ok(strstr((char *) run.bytes.data, "\"content\":\"\\u002a\\\"\\n\"")
       != NULL, "and in one piece");

    PLAY(&run, only_held, STREAM);
    is_str(&run.reply.text, "\\u002a", "held to the end");

    PLAY(&run, calls, STREAM);
    is_str(&run.reply.text, "\\u002a", "held until a call");
    ok(run.reply.wrong == NULL && run.reply.done == 1, "two calls");

    PLAY(&run, calls, UNARY);
    ok(strstr((char *) run.bytes.data, "\"tool_calls\":[{\"id\":\"c\","
              "\"type\":\"function\",\"function\":{\"name\":\"f\","
              "\"arguments\":\"{}{}\"}},{\"id\":"
              "\"call_0123456789ABCDEFGHIJKLMNOPQRS_1\",\"type\":"
              "\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}"
              "}]") != NULL, "collected");

    ngx_destroy_pool(pool);
}


static void
test_limit(void)
{
    run_t        run;
    size_t       i;
    u_char      *text;
    ngx_pool_t  *pool;

    pool = test_pool();
    text = malloc(1024 * 1024);
    memset(text, 'a', 1024 * 1024);

    start(pool, &run, &argo_legacy_back, UNARY);
    run.st->text.block = 1024 * 1024;

    for (i = 0; i < 64; i++) {
        push(&run, text, 1024 * 1024);
    }

    is(run.rc, NGX_OK, "as much text as is collected");
    is(push(&run, text, 1), NGX_DECLINED, "and one byte more");
    is(run.st->error.status, 502, "is an error");
    is(run.out.size, 0, "and nothing is written");

    start(pool, &run, &argo_legacy_back, STREAM);
    argo_out_init(&run.out, pool, 1024 * 1024, NULL, 1);
    run.out.next = run.out.block;
    push(&run, text, 1024 * 1024);
    ok(run.rc == NGX_OK && run.out.size > 1024 * 1024,
       "a large piece is streamed");

    free(text);
    ngx_destroy_pool(pool);
}


typedef struct {
    const char  *name;
    ngx_uint_t   status;
    const char  *in;
    const char  *message;
    ngx_uint_t   out_status;
    const char  *type;
    const char  *param;                 /* NULL: null */
    const char  *code;
} error_case_t;


static const error_case_t  errors[] = {

    { "an error object", 400, "{\"error\":{\"message\":\"bad \\u00e9\","
      "\"type\":\"BadRequestError\",\"param\":\"top_p\",\"code\":\"oops\"}}",
      "bad \xc3\xa9", 400, "invalid_request_error", "top_p", "oops" },
    { "param and code null", 400, "{\"error\":{\"message\":\"bad\","
      "\"param\":null,\"code\":null}}", "bad", 400,
      "invalid_request_error", NULL, NULL },
    { "a code that is a number", 400,
      "{\"error\":{\"message\":\"bad\",\"code\":400}}", "bad", 400,
      "invalid_request_error", NULL, NULL },
    { "empty code and param", 400,
      "{\"error\":{\"message\":\"bad\",\"code\":\"\",\"param\":\"\"}}",
      "bad", 400, "invalid_request_error", NULL, NULL },
    { "error a string", 422, "{\"error\":\"bad\"}", "bad", 422,
      "invalid_request_error", NULL, NULL },
    { "detail a string", 401, "{\"detail\":\"who?\"}", "who?", 401,
      "authentication_error", NULL, NULL },
    { "detail a list", 422, "{\"detail\":[{\"loc\":[\"body\",\"messages\",0,"
      "\"content\"],\"msg\":\"field required\",\"type\":\"missing\"},"
      "{\"msg\":\"and more\",\"loc\":[]},{\"type\":\"x\"}]}",
      "body.messages.0.content: field required; and more", 422,
      "invalid_request_error", NULL, NULL },
    { "detail a list without text", 422, "{\"detail\":[{},1]}",
      "ARGO answered 422 with no usable message", 422,
      "invalid_request_error", NULL, NULL },
    { "message", 500, "{\"message\":\"failed\"}", "failed", 500,
      "server_error", NULL, NULL },
    { "an empty message", 500, "{\"message\":\"\"}",
      "ARGO answered 500 with no usable message", 500, "server_error", NULL,
      NULL },
    { "error an empty object", 503, "{\"error\":{}}",
      "ARGO answered 503 with no usable message", 503, "server_error", NULL,
      NULL },
    { "an object without any", 500, "{\"x\":1}",
      "ARGO answered 500 with no usable message", 500, "server_error", NULL,
      NULL },
    { "HTML", 502, " \r\n\t<html><h1>502 Bad Gateway</h1></html>",
      "ARGO answered 502 with an HTML page", 502, "server_error", NULL,
      NULL },
    { "bare text", 500, "Internal Server Error",
      "ARGO answered 500 with no usable message", 500, "server_error", NULL,
      NULL },
    { "nothing", 504, "", "ARGO answered 504 with no usable message", 504,
      "server_error", NULL, NULL },
    { "blanks", 504, " ", "ARGO answered 504 with no usable message", 504,
      "server_error", NULL, NULL },
    { "an array", 500, "[1]", "ARGO answered 500 with no usable message",
      500, "server_error", NULL, NULL },
    { "403", 403, "{\"detail\":\"no\"}", "no", 403, "permission_error",
      NULL, NULL },
    { "404", 404, "{\"detail\":\"Not Found\"}", "Not Found", 404,
      "invalid_request_error", NULL, NULL },
    { "408", 408, "{\"detail\":\"slow\"}", "slow", 408, "server_error",
      NULL, NULL },
    { "413", 413, "{\"detail\":\"large\"}", "large", 413,
      "invalid_request_error", NULL, NULL },
    { "429", 429, "{\"detail\":\"slow down\"}", "slow down", 429,
      "rate_limit_error", NULL, "rate_limit_exceeded" },
    { "429 with a code", 429, "{\"error\":{\"message\":\"slow down\","
      "\"code\":\"tokens\"}}", "slow down", 429, "rate_limit_error", NULL,
      "tokens" },
    { "529", 529, "{\"detail\":\"busy\"}", "busy", 529, "server_error",
      NULL, NULL },
    { "a redirect", 307, "", "ARGO answered 307 with no usable message", 502,
      "server_error", NULL, "upstream_invalid_reply" },
    { "409", 409, "{\"error\":{\"message\":\"x\",\"code\":\"y\"}}", "x", 502,
      "server_error", NULL, "upstream_invalid_reply" },
    { "204", 204, "", "ARGO answered 204 with no usable message", 502,
      "server_error", NULL, "upstream_invalid_reply" },
    { "600", 600, "", "ARGO answered 600 with no usable message", 502,
      "server_error", NULL, "upstream_invalid_reply" },

    { NULL, 0, NULL, NULL, 0, NULL, NULL, NULL }
};


static void
test_errors(void)
{
    ngx_str_t         in, out_bytes;
    ngx_pool_t       *pool;
    argo_out_t        out;
    argo_json_t      *root, *error, *node;
    argo_error_t      err, parse;
    const error_case_t   *t;

    for (t = errors; t->name; t++) {
        pool = test_pool();
        in = test_copy(t->in, strlen(t->in));

        is(argo_legacy_back.read_error(pool, t->status, &in, &err), NGX_OK,
           "error: %s", t->name);
        is(err.status, t->out_status, "error: %s: status", t->name);
        is_str(&err.message, t->message, "error: %s: message", t->name);

        argo_out_init(&out, pool, 256, NULL, 0);
        argo_openai_chat_front.write_error(&err, &out);
        out_bytes = reply_flat(pool, &out);

        is(argo_json_parse(pool, &out_bytes, 4, &root, &parse), NGX_OK,
           "error: %s: JSON", t->name);

        error = argo_json_get(root, "error");
        is(error->count, 4, "error: %s: four keys", t->name);
        ok(argo_json_text_is(argo_json_get(error, "type"), t->type,
                             strlen(t->type)), "error: %s: type", t->name);

        node = argo_json_get(error, "param");
        ok(t->param ? argo_json_text_is(node, t->param, strlen(t->param))
                    : node->type == ARGO_JSON_NULL,
           "error: %s: param", t->name);

        node = argo_json_get(error, "code");
        ok(t->code ? argo_json_text_is(node, t->code, strlen(t->code))
                   : node->type == ARGO_JSON_NULL,
           "error: %s: code", t->name);

        test_free(&in);
        ngx_destroy_pool(pool);
    }
}


static void
test_long_error(void)
{
    size_t         i;
    u_char        *p;
    ngx_str_t      in;
    ngx_pool_t    *pool;
    argo_error_t   err;

    pool = test_pool();

    in.data = malloc(100 * 1024);
    p = in.data + sprintf((char *) in.data, "{\"detail\":\"x");

    for (i = 0; i < 30000; i++) {
        p = (u_char *) memcpy(p, "\xe2\x82\xac", 3) + 3;
    }

    p += sprintf((char *) p, "\"}");
    in.len = p - in.data;

    is(argo_legacy_back.read_error(pool, 500, &in, &err), NGX_OK,
       "a long error");
    ok(err.message.len > 2000 && err.message.len <= 2048,
       "is cut (%d)", (int) err.message.len);
    is(err.message.len % 3, 1, "between characters");

    free(in.data);
    ngx_destroy_pool(pool);
}


/* A list of what is wrong that does not end. */

static void
test_long_detail(void)
{
    size_t         i;
    u_char        *p;
    ngx_str_t      in;
    ngx_pool_t    *pool;
    argo_error_t   err;

    pool = test_pool();

    in.data = malloc(100 * 1024);
    p = in.data + sprintf((char *) in.data, "{\"detail\":[");

    for (i = 0; i < 1000; i++) {
        p += sprintf((char *) p, "{\"loc\":[\"body\",%d],\"msg\":\"bad\"},",
                     (int) i);
    }

    p += sprintf((char *) p - 1, "]}") - 1;
    in.len = p - in.data;

    is(argo_legacy_back.read_error(pool, 422, &in, &err), NGX_OK,
       "a long detail");
    ok(err.message.len > 2000 && err.message.len <= 2048,
       "is cut (%d)", (int) err.message.len);
    ok(memcmp(err.message.data, "body.0: bad; body.1: bad; ", 26) == 0,
       "and begins with the first");

    free(in.data);
    ngx_destroy_pool(pool);
}


/* Escapes alone: more bytes than can be held, and still not judged. */

static void
test_long_escapes(void)
{
    run_t        run;
    size_t       i;
    u_char      *p, buf[8 * ARGO_SOFT_HOLD];
    ngx_str_t    s;
    ngx_pool_t  *pool;

    pool = test_pool();

    p = buf + sprintf((char *) buf, "{\"response\":\"");

    for (i = 0; i < ARGO_SOFT_HOLD - 1; i++) {
        p += sprintf((char *) p, "\\u002a");
    }

    p += sprintf((char *) p, "\"}");

    s.data = buf;
    s.len = p - buf;

    body(pool, &run, &s, STREAM);
    is(run.rc, NGX_OK, "a text of escapes");
    is(run.reply.text.len, 6 * (ARGO_SOFT_HOLD - 1), "all of it comes");

    ngx_destroy_pool(pool);
}


/* A reply without memory, at every allocation. */

static void
test_sweep(const char *name, const char *text, ngx_uint_t json,
    ngx_uint_t mode, ngx_int_t expected)
{
    run_t        run;
    ngx_uint_t   n, wrong, failed;
    ngx_str_t    s;
    ngx_pool_t  *pool;

    s.data = (u_char *) text;
    s.len = strlen(text);
    wrong = 0;

    for (n = 1; /* void */ ; n++) {
        pool = test_pool();
        ngx_shim_fail(n);

        run.rc = start(pool, &run, &argo_legacy_back, mode);

        if (run.rc == NGX_OK) {

            if (json) {
                run.rc = argo_stream_body(run.st, &s, &run.out);

            } else {
                push(&run, s.data, s.len);

                if (run.rc != NGX_ERROR) {
                    run.rc = argo_stream_end(run.st, 1, &run.out);
                }
            }
        }

        failed = ngx_shim_failed();
        ngx_shim_fail(0);
        ngx_destroy_pool(pool);

        if (!failed) {
            break;
        }

        wrong += (run.rc != NGX_ERROR);
    }

    is(wrong, 0, "%s: no memory, at each of %d places", name, (int) n - 1);
    is(run.rc, expected, "%s: and with it", name);
}


static void
test_error_sweep(const char *text)
{
    ngx_int_t      rc;
    ngx_uint_t     n, wrong, failed;
    ngx_str_t      s;
    ngx_pool_t    *pool;
    argo_error_t   err;

    s.data = (u_char *) text;
    s.len = strlen(text);
    wrong = 0;

    for (n = 1; /* void */ ; n++) {
        pool = test_pool();
        ngx_shim_fail(n);
        rc = argo_legacy_back.read_error(pool, 500, &s, &err);
        failed = ngx_shim_failed();
        ngx_shim_fail(0);
        ngx_destroy_pool(pool);

        if (!failed) {
            break;
        }

        wrong += (rc != NGX_ERROR);
    }

    is(wrong, 0, "%s: no memory, at each of %d places", text, (int) n - 1);
    is(rc, NGX_OK, "and with it");
}


static void
test_sweeps(void)
{
    static const char  calls[] =
        "{\"response\":{\"content\":[{\"type\":\"text\",\"text\":\"x\"}],"
        "\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\","
        "\"arguments\":{}}},{\"id\":\"2\",\"function\":{\"name\":\"f\","
        "\"arguments\":\"{}\"}}]}}";

    test_sweep("unary", "{\"response\":\"Hello\"}", 1, UNARY, NGX_OK);
    test_sweep("pseudo-stream", "{\"response\":\"Hello\"}", 1, USAGE,
               NGX_OK);
    test_sweep("calls", calls, 1, UNARY, NGX_OK);
    test_sweep("calls, streamed", calls, 1, STREAM, NGX_OK);
    test_sweep("stream", "Hello\n\xc3\xa9", 0, USAGE, NGX_OK);
    test_sweep("collected stream", "Hello\n\xc3\xa9", 0, UNARY, NGX_OK);
    test_sweep("an error in a 200", "{\"error\":\"x\\u0041\"}", 1, UNARY,
               NGX_DECLINED);

    test_error_sweep("{\"detail\":[{\"loc\":[\"a\\u0041\",1],\"msg\":"
                     "\"b\\u0041\"}]}");
    test_error_sweep("{\"error\":{\"message\":\"a\\u0041\",\"code\":"
                     "\"b\\u0041\",\"param\":\"c\\u0041\"}}");
    test_error_sweep("<html>");
}


static void
test_init(void)
{
    run_t         run;
    ngx_pool_t   *pool;
    argo_env_t    bad_env;
    argo_usage_t  usage;

    pool = test_pool();

    start(pool, &run, &argo_legacy_back, STREAM);
    is(argo_stream_count_prompt(run.st, NGX_MAX_SIZE_T_VALUE), NGX_OK,
       "the prompt is counted at leisure");
    argo_stream_usage(run.st, &usage);
    is(usage.prompt, 3, "all of it");
    is(usage.completion, 0, "the completion is not there");
    is(usage.known, 0, "both are estimates");

    bad_env = env;
    bad_env.random = no_random;

    is(argo_stream_init(run.st, pool, &argo_openai_chat_front,
                        &argo_legacy_back, &request, &bad_env), NGX_ERROR,
       "no random bytes");

    ngx_destroy_pool(pool);
}


static void
test_registry(void)
{
    ngx_str_t  name;

    name = STR("openai_chat");
    ok(argo_front_find(&name) == &argo_openai_chat_front, "the front");
    ok(argo_back_find(&name) == &argo_openai_chat_back,
       "and the back of the same name");

    name = STR("legacy");
    ok(argo_back_find(&name) == &argo_legacy_back, "the back");
    ok(argo_front_find(&name) == NULL, "which is no front");

    name = STR("legac");
    ok(argo_back_find(&name) == NULL, "half a name");
}


static void
test_tokens(void)
{
    size_t         i;
    ngx_uint_t     bad;
    argo_tokens_t  t, cut;

    static const struct {
        ngx_str_t   text;
        ngx_uint_t  escaped;
        uint64_t    count;
    } counts[] = {
        { STR(""), 0, 0 },
        { STR("a"), 0, 1 },
        { STR("abcd"), 0, 1 },
        { STR("abcde"), 0, 2 },
        { STR("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), 0, 3 },
        { STR("a\xc3\xa9"), 0, 2 },
        { STR("\\n\\t\\\"\\\\"), 1, 1 },
        { STR("\\n\\t\\\"\\\\/"), 1, 2 },
        { STR("\\u0041\\u0042"), 1, 1 },
        { STR("\\u00e9"), 1, 1 },
        { STR("\\u00E9\\u20aC"), 1, 2 },
        { STR("\\ud83d\\ude00"), 1, 1 },
        { STR("\\uD83D\\uDE00x"), 1, 2 },
        { STR("\\ud83d\\ud83d"), 1, 2 },
        { STR("\\ude00"), 1, 1 },
        { STR("\\ud83d"), 1, 1 },
        { STR("\\ud83d\\n"), 1, 2 },
        { STR("abc\\u0064"), 1, 1 }
    };

    for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        memset(&t, 0, sizeof(t));

        if (counts[i].escaped) {
            argo_tokens_add_escaped(&t, counts[i].text.data,
                                    counts[i].text.len);

        } else {
            argo_tokens_add(&t, counts[i].text.data, counts[i].text.len);
        }

        is(argo_tokens_count(&t), counts[i].count, "tokens, %d", (int) i);
    }

    memset(&t, 0, sizeof(t));
    argo_tokens_add(&t, (u_char *) NOTICE, sizeof(NOTICE) - 1);
    bad = 0;

    for (i = 0; i < sizeof(NOTICE); i++) {
        memset(&cut, 0, sizeof(cut));
        argo_tokens_add(&cut, (u_char *) NOTICE, i);
        argo_tokens_add(&cut, (u_char *) NOTICE + i, sizeof(NOTICE) - 1 - i);
        bad += (argo_tokens_count(&cut) != argo_tokens_count(&t));
    }

    is(bad, 0, "tokens, however cut");
}


int
main(void)
{
    ngx_pool_t    *pool;
    argo_error_t   err;
    ngx_str_t      document;

    pool = test_pool();

    document = STR("{\"model\":\"gpt-\\\"4_o\",\"messages\":["
                   "{\"role\":\"user\",\"content\":\"h\\u0069!\"},"
                   "{\"role\":\"user\",\"content\":[{\"type\":\"text\","
                   "\"text\":\"\\u00e9\"},{\"type\":\"image_url\","
                   "\"image_url\":{\"url\":\"data:,AAAAAAAAAAAA\"}},"
                   "{\"type\":\"text\",\"text\":\"12\"}]}]}");

    if (argo_json_parse(pool, &document, argo_openai_chat_front.tree_depth,
                        &request.root, &err) != NGX_OK
        || argo_openai_chat_front.read_request(pool, &request, &err)
           != NGX_OK)
    {
        ok(0, "the request");
        return done();
    }

    test_registry();
    test_init();
    test_tokens();
    test_frames();
    test_texts();
    test_truncated();
    test_hold();
    test_forms();
    test_agreement();
    test_order();
    test_fail();
    test_limit();
    test_errors();
    test_long_error();
    test_long_detail();
    test_long_escapes();
    test_memory_use();
    test_sweeps();

    ngx_destroy_pool(pool);

    return done();
}
