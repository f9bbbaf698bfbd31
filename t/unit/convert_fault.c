
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What ARGO says when it fails: bodies of errors, errors in replies of
 * success, and texts of its own in place of an answer.
 */


#include "argo_test.h"
#include "argo_reply.h"

#include "argo_dialect.h"
#include "argo_fault.h"
#include "argo_json_write.h"
#include "argo_model.h"
#include "argo_stream.h"


#define NONE  "'NoneType' object is not iterable"

#define POOL                                                                  \
    "HTTPSConnectionPool(host='oauth2.googleapis.com', port=443): Max "       \
    "retries exceeded with url: /token (Caused by NewConnectionError('"       \
    "<urllib3.connection.HTTPSConnection object at 0x7f40310a8400>: Failed "  \
    "to establish a new connection'))"

#define PROXY_ERROR(message)                                                  \
    "{\"error\":{\"message\":\"" message "\",\"type\":\"BadRequestError\","   \
    "\"code\":\"internal_error\"}}"


typedef struct {
    const char     *name;
    ngx_uint_t      in;
    const char     *body;
    ngx_uint_t      status;
    argo_error_e    type;
    const char     *code;               /* NULL: none */
    const char     *param;              /* NULL: none */
    const char     *message;
} fault_t;


typedef struct {
    const char     *name;
    const char     *text;
    ngx_uint_t      status;             /* 0: an ordinary answer */
    const char     *code;
    const char     *message;            /* a part of it */
} sentence_t;


static argo_request_t  request;


static ngx_int_t
fixed_random(u_char *p, size_t n)
{
    memset(p, 0, n);

    return NGX_OK;
}


static const argo_env_t  env = { 1776449057, fixed_random };


static const fault_t  faults[] = {

    /* the vendors' errors, unwrapped */

    { "OpenAI's", 400, PROXY_ERROR("Error code: 400 - {'error': {'message': "
      "\\\"Unsupported parameter: 'top_p' is not supported with this model."
      "\\\", 'type': 'invalid_request_error', 'param': 'top_p', 'code': "
      "'unsupported_parameter'}}"), 400, ARGO_ERROR_INVALID_REQUEST,
      "unsupported_parameter", "top_p", "Unsupported parameter: 'top_p' is "
      "not supported with this model." },
    { "OpenAI's, with null", 400, PROXY_ERROR("Error code: 400 - {'error': "
      "{'message': 'No.', 'type': 'invalid_request_error', 'param': None, "
      "'code': None}}"), 400, ARGO_ERROR_INVALID_REQUEST, NULL, NULL, "No." },
    { "Anthropic's", 400, "{\"type\":\"error\",\"error\":{\"type\":"
      "\"invalid_request_error\",\"message\":\"Error code: 400 - {'type': "
      "'error', 'error': {'type': 'invalid_request_error', 'message': "
      "'tools.0: it\\\\'s wrong'}, 'request_id': 'req_vrtx_1'}\"}}", 400,
      ARGO_ERROR_INVALID_REQUEST, NULL, NULL, "tools.0: it's wrong" },
    { "Anthropic's, bare", 400, "{\"type\":\"error\",\"error\":{\"type\":"
      "\"invalid_request_error\",\"message\":\"max_tokens is required\"}}",
      400, ARGO_ERROR_INVALID_REQUEST, NULL, NULL, "max_tokens is required" },
    { "Google's", 500, PROXY_ERROR("400 INVALID_ARGUMENT. {'error': {'code': "
      "400, 'message': 'Bad parts.', 'status': 'INVALID_ARGUMENT'}}"), 400,
      ARGO_ERROR_INVALID_REQUEST, NULL, NULL, "Bad parts." },
    { "a dict alone", 500, "{\"detail\":\"{'type': 'error', 'error': {"
      "'type': 'api_error', 'message': 'Internal server error'}}\"}", 500,
      ARGO_ERROR_SERVER, NULL, NULL, "Internal server error" },
    { "twice wrapped", 500, PROXY_ERROR("Error code: 500 - {'error': "
      "{'message': \\\"Error code: 404 - {'error': {'message': 'Gone', "
      "'code': 'model_not_found'}}\\\"}}"), 404, ARGO_ERROR_NOT_FOUND,
      "model_not_found", NULL, "Gone" },
    { "wrapped in words", 400, PROXY_ERROR("BadRequestError: Error code: 400 "
      "- {'error': {'message': 'x'}}"), 400, ARGO_ERROR_INVALID_REQUEST,
      NULL, NULL, "x" },
    { "a message that is a string", 400, PROXY_ERROR("Error code: 400 - "
      "{'error': 'x'}"), 400, ARGO_ERROR_INVALID_REQUEST, NULL, NULL, "x" },
    { "JSON instead of Python", 400, PROXY_ERROR("Error code: 400 - "
      "{\\\"error\\\": {\\\"message\\\": \\\"x\\\", \\\"param\\\": null}}"),
      400, ARGO_ERROR_INVALID_REQUEST, NULL, NULL, "x" },
    { "what can't be read stays", 400, PROXY_ERROR("Error code: 400 - "
      "{'error': {'message': 'x'"), 400, ARGO_ERROR_INVALID_REQUEST,
      "internal_error", NULL, "Error code: 400 - {'error': {'message': 'x'" },
    { "nothing in it", 400, PROXY_ERROR("Error code: 400 - {'a': 1}"), 400,
      ARGO_ERROR_INVALID_REQUEST, "internal_error", NULL,
      "Error code: 400 - {'a': 1}" },

    /* the number in the text wins over ARGO's own status */

    { "400 in a 500", 500, "{\"detail\":\"Error code: 400 - {'error': {"
      "'message': 'x'}}\"}", 400, ARGO_ERROR_INVALID_REQUEST, NULL, NULL,
      "x" },
    { "422 in a 500", 500, "{\"detail\":\"Error code: 422 - {'detail': "
      "'x'}\"}", 422, ARGO_ERROR_INVALID_REQUEST, NULL, NULL, "x" },
    { "403 in a 500", 500, "{\"detail\":\"Error code: 403 - {'error': {"
      "'message': 'x'}}\"}", 403, ARGO_ERROR_PERMISSION, NULL, NULL, "x" },
    { "401 in a 500", 500, "{\"detail\":\"Error code: 401 - {'error': {"
      "'message': 'x'}}\"}", 401, ARGO_ERROR_AUTHENTICATION, NULL, NULL,
      "x" },
    { "500 in a 502", 502, "{\"detail\":\"Error code: 500 - {'error': {"
      "'message': 'x'}}\"}", 502, ARGO_ERROR_SERVER, NULL, NULL, "x" },
    { "a number that is no status", 500, "{\"detail\":\"Error code: 123 - "
      "x\"}", 500, ARGO_ERROR_SERVER, NULL, NULL, "Error code: 123 - x" },
    { "a number at the start", 500, "{\"detail\":\"400 of 500 have failed\"}",
      500, ARGO_ERROR_SERVER, NULL, NULL, "400 of 500 have failed" },

    /* limits before anything else */

    { "429", 429, "{\"detail\":\"Error code: 429 - RESOURCE_EXHAUSTED\"}",
      429, ARGO_ERROR_RATE_LIMIT, "rate_limit_exceeded", NULL,
      "Error code: 429 - RESOURCE_EXHAUSTED" },
    { "429 with a code", 429, "{\"error\":{\"message\":\"x\",\"code\":"
      "\"tokens\"}}", 429, ARGO_ERROR_RATE_LIMIT, "tokens", NULL, "x" },
    { "a code that is none", 400, "{\"error\":{\"message\":\"x\",\"code\":"
      "\"a\\nb\"}}", 400, ARGO_ERROR_INVALID_REQUEST, NULL, NULL, "x" },
    { "429 in a 500", 500, "{\"detail\":\"Error code: 429 - {'error': {"
      "'message': 'x', 'type': 'invalid_request_error'}}\"}", 429,
      ARGO_ERROR_RATE_LIMIT, "rate_limit_exceeded", NULL, "x" },
    { "429 behind retries", 500, "{\"detail\":\"HTTPSConnectionPool(host='x',"
      " port=443): Max retries exceeded (Caused by ResponseError('too many "
      "429 error responses'))\"}", 429, ARGO_ERROR_RATE_LIMIT,
      "rate_limit_exceeded", NULL, "HTTPSConnectionPool(host='x', port=443): "
      "Max retries exceeded (Caused by ResponseError('too many 429 error "
      "responses'))" },

    { "overloaded in a 500", 500, "{\"type\":\"error\",\"error\":{\"type\":"
      "\"overloaded_error\",\"message\":\"Overloaded\"}}", 503,
      ARGO_ERROR_OVERLOADED, "upstream_overloaded", NULL, "Overloaded" },
    { "529 in a 500", 500, "{\"detail\":\"Error code: 529 - {'type': "
      "'error', 'error': {'message': 'Overloaded'}}\"}", 529,
      ARGO_ERROR_OVERLOADED, "upstream_overloaded", NULL, "Overloaded" },
    { "529", 529, "{\"error\":{\"type\":\"overloaded_error\",\"message\":"
      "\"Busy\"}}", 529, ARGO_ERROR_OVERLOADED, NULL, NULL, "Busy" },

    { "streaming required", 500, PROXY_ERROR("Streaming is required for "
      "operations that may take longer than 10 minutes"), 400,
      ARGO_ERROR_INVALID_REQUEST, "streaming_required", "max_tokens",
      "ARGO refuses a Claude call that is not streamed and may take long: "
      "lower max_tokens, or ask for a stream without tools (Streaming is "
      "required for operations that may take longer than 10 minutes)" },

    { "an outage", 500, "{\"detail\":\"HTTPSConnectionPool(host='x')\"}",
      502, ARGO_ERROR_SERVER, "upstream_outage", NULL,
      "ARGO's backend failed: neither the request nor this gateway is at "
      "fault, try again later (HTTPSConnectionPool(host='x'))" },
    { "an outage with a number that is a port", 500,
      PROXY_ERROR("Max retries exceeded, port=401"), 502, ARGO_ERROR_SERVER,
      "upstream_outage", NULL, "ARGO's backend failed: neither the request "
      "nor this gateway is at fault, try again later (Max retries exceeded, "
      "port=401)" },
    { "an outage that looks like the client's", 403, "{\"detail\":\"no token "
      "from oauth2.googleapis.com\"}", 502, ARGO_ERROR_SERVER,
      "upstream_outage", NULL, "ARGO's backend failed: neither the request "
      "nor this gateway is at fault, try again later (no token from "
      "oauth2.googleapis.com)" },
    { "no outage: a bad request about such a place", 400, "{\"detail\":"
      "\"can't read storage.googleapis.com/x\"}", 400,
      ARGO_ERROR_INVALID_REQUEST, NULL, NULL,
      "can't read storage.googleapis.com/x" },

    { "NoneType", 500, "{\"error\":{\"message\":\"" NONE "\",\"type\":"
      "\"TypeError\",\"code\":\"internal_error\"}}", 500, ARGO_ERROR_SERVER,
      "internal_error", NULL, "ARGO failed inside: " NONE },
    { "NoneType of a Gemini that thought too long", 500, "{\"detail\":"
      "\"'NoneType' object has no attribute 'parts'\"}", 500,
      ARGO_ERROR_SERVER, NULL, NULL, "ARGO failed inside: 'NoneType' object "
      "has no attribute 'parts' (a Gemini model may have spent all of its "
      "max_tokens on thoughts)" },

    /* nothing to be made of it */

    { "403", 403, "{\"detail\":\"no\"}", 403, ARGO_ERROR_PERMISSION, NULL,
      NULL, "no" },
    { "422", 422, "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"m\"}]}", 422,
      ARGO_ERROR_INVALID_REQUEST, NULL, NULL, "body: m" },
    { "502", 502, "<html>", 502, ARGO_ERROR_SERVER, NULL, NULL,
      "ARGO answered 502 with an HTML page" },
    { "409", 409, "{\"error\":{\"message\":\"x\",\"code\":\"y\"}}", 502,
      ARGO_ERROR_SERVER, "upstream_invalid_reply", NULL, "x" },

    /* errors in a success */

    { "200 with an error", 200, "{\"error\":{\"message\":\"oops\"}}", 502,
      ARGO_ERROR_SERVER, "upstream_invalid_reply", NULL,
      "ARGO answered 200 with an error: oops" },
    { "200 with Anthropic's", 200, "{\"type\":\"error\",\"error\":{\"type\":"
      "\"api_error\",\"message\":\"{'type': 'error', 'error': {'type': "
      "'api_error', 'message': 'Internal server error'}}\"}}", 502,
      ARGO_ERROR_SERVER, "upstream_error", NULL,
      "ARGO failed: Internal server error" },
    { "200 with a bad request", 200, "{\"response\":null,\"error\":{"
      "\"message\":\"x\",\"type\":\"invalid_request_error\",\"param\":"
      "\"n\"}}", 400, ARGO_ERROR_INVALID_REQUEST, NULL, "n", "x" },
    { "200 with no permission", 200, "{\"error\":{\"message\":\"x\","
      "\"type\":\"permission_error\"}}", 403, ARGO_ERROR_PERMISSION, NULL,
      NULL, "x" },
    { "200 with overloaded", 200, "{\"error\":{\"message\":\"x\",\"type\":"
      "\"overloaded_error\"}}", 503, ARGO_ERROR_OVERLOADED,
      "upstream_overloaded", NULL, "x" },
    { "200 with a limit", 200, "{\"error\":\"Error code: 429 - slow "
      "down\"}", 429, ARGO_ERROR_RATE_LIMIT, "rate_limit_exceeded", NULL,
      "Error code: 429 - slow down" },
    { "200 with detail NoneType", 200, "{\"detail\":\"" NONE "\"}", 502,
      ARGO_ERROR_SERVER, "upstream_error", NULL,
      "ARGO failed inside: " NONE },
    { "200 with an error in the response", 200, "{\"response\":{\"error\":{"
      "\"message\":\"Error code: 400 - {'error': {'message': 'x'}}\"}}}",
      400, ARGO_ERROR_INVALID_REQUEST, NULL, NULL, "x" },
    { "200 with nothing", 200, "{\"response\":null}", 502, ARGO_ERROR_SERVER,
      "upstream_invalid_reply", NULL, "ARGO's reply has no \"response\"" },
};


#define NFAULTS  (sizeof(faults) / sizeof(faults[0]))


static const sentence_t  sentences[] = {

    { "NoneType", NONE, 502, "upstream_error", NONE },
    { "with blanks around", "\n " NONE " \r\n", 502, "upstream_error", NONE },
    { "no attribute", "'NoneType' object has no attribute 'parts'", 502,
      "upstream_error", "max_tokens" },
    { "no assignment", "'NoneType' object does not support item assignment",
      502, "upstream_error", "" },
    { "Error code", "Error code: 400 - {'error': {'message': 'It\\'s bad', "
      "'code': 'c'}}", 400, "c", "It's bad" },
    { "Error code and a word", "Error code: 429 - RESOURCE_EXHAUSTED\n", 429,
      "rate_limit_exceeded", "RESOURCE_EXHAUSTED" },
    { "retries", POOL, 502, "upstream_outage", "ARGO's backend failed" },

    /* a model may well say these */

    { "quoted first", NONE " means that a value is missing.", 0, NULL, NULL },
    { "quoted in a sentence", "It says: " NONE, 0, NULL, NULL },
    { "in quotes", "\"" NONE "\"", 0, NULL, NULL },
    { "with a full stop", NONE ".", 0, NULL, NULL },
    { "half of it", "'NoneType' object ", 0, NULL, NULL },
    { "another sentence", "'NoneType' object is not what I meant", 0, NULL,
      NULL },
    { "Error code, explained", "Error code: 400 - {'error': 'x'} is what you "
      "get", 0, NULL, NULL },
    { "Error code, a list of them", "Error code: 400 - Bad Request\n"
      "Error code: 404 - Not Found", 0, NULL, NULL },
    { "Error code, not closed", "Error code: 400 - {'error': 'x'", 0, NULL,
      NULL },
    { "Error code, no number", "Error code: E12 - x", 0, NULL, NULL },
    { "retries, explained", POOL " is what I got.", 0, NULL, NULL },
    { "a pool in Python", "HTTPSConnectionPool(host='x', port=443)", 0, NULL,
      NULL },
    { "retries in a block", "```\n" POOL "\n```", 0, NULL, NULL },
};


#define NSENTENCES  (sizeof(sentences) / sizeof(sentences[0]))


static ngx_int_t
open_stream(ngx_pool_t *pool, argo_stream_t *st, argo_out_t *out,
    ngx_uint_t stream)
{
    argo_out_init(out, pool, 512, NULL, stream);
    request.stream = stream ? 1 : 0;

    return argo_stream_init(st, pool, &argo_openai_chat_front,
                            &argo_legacy_back, &request, &env);
}


static void
test_faults(void)
{
    ngx_int_t       rc;
    ngx_str_t       body;
    ngx_uint_t      i;
    ngx_pool_t     *pool;
    argo_out_t      out;
    argo_error_t    err;
    argo_stream_t  *st;
    const fault_t  *t;

    for (i = 0; i < NFAULTS; i++) {
        t = &faults[i];

        pool = test_pool();
        body = test_copy(t->body, strlen(t->body));

        if (t->in == 200) {
            st = ngx_palloc(pool, sizeof(argo_stream_t));
            open_stream(pool, st, &out, 0);

            rc = argo_stream_body(st, &body, &out);
            err = st->error;

            is(rc, NGX_DECLINED, "%s: refused", t->name);
            is(out.size, 0, "%s: nothing written", t->name);

        } else {
            rc = argo_legacy_back.read_error(pool, t->in, &body, &err);
            is(rc, NGX_OK, "%s", t->name);
        }

        is(err.status, t->status, "%s: status", t->name);
        is(err.type, t->type, "%s: type", t->name);
        is_str(&err.message, t->message, "%s: message", t->name);

        if (t->code) {
            is_str(&err.code, t->code, "%s: code", t->name);

        } else {
            ok(err.code.len == 0 && err.code.data == NULL, "%s: no code",
               t->name);
        }

        if (t->param) {
            is_str(&err.param, t->param, "%s: param", t->name);

        } else {
            ok(err.param.len == 0 && err.param.data == NULL, "%s: no param",
               t->name);
        }

        test_free(&body);
        ngx_destroy_pool(pool);
    }
}


static void
test_message_limit(void)
{
    size_t          n;
    char           *body, *p;
    ngx_str_t       s;
    ngx_pool_t     *pool;
    argo_error_t    err;

    pool = test_pool();
    body = malloc(64 * 1024);

    p = body + sprintf(body, "{\"detail\":\"Error code: 400 - {'error': {"
                       "'message': '");

    for (n = 0; n < 3000; n++) {
        p += sprintf(p, "\xc3\xa9");
    }

    p += sprintf(p, "'}}\"}");

    s.data = (u_char *) body;
    s.len = p - body;

    is(argo_legacy_back.read_error(pool, 400, &s, &err), NGX_OK,
       "a long message");
    ok(err.message.len <= ARGO_FAULT_MAX_MESSAGE
       && err.message.len > ARGO_FAULT_MAX_MESSAGE - 4, "is cut");
    is(err.message.data[0], 0xc3, "after it was unwrapped");
    is(argo_utf8_whole(err.message.data, err.message.len), err.message.len,
       "and between characters");

    free(body);
    ngx_destroy_pool(pool);
}


/* As a stream, cut in two everywhere, and as the text of a whole reply. */

static void
check_text(const char *name, const ngx_str_t *text, ngx_uint_t status,
    const char *code, const char *message)
{
    char            buf[512];
    size_t          cut;
    ngx_int_t       rc;
    ngx_str_t       piece, body, bytes;
    reply_t         reply;
    ngx_uint_t      wrong, i;
    ngx_pool_t     *pool;
    argo_out_t      out, json;
    argo_stream_t  *st;

    wrong = 0;

    for (cut = 0; cut <= text->len; cut++) {
        pool = test_pool();
        st = ngx_palloc(pool, sizeof(argo_stream_t));

        open_stream(pool, st, &out, 1);

        rc = NGX_OK;

        for (i = 0; i < 2; i++) {
            piece = test_copy(text->data + (i ? cut : 0),
                              i ? text->len - cut : cut);

            if (rc == NGX_OK) {
                rc = argo_stream_push(st, piece.data, piece.len, &out);
            }

            test_free(&piece);
        }

        if (rc == NGX_OK) {
            rc = argo_stream_end(st, 1, &out);
        }

        bytes = reply_flat(pool, &out);

        if (status) {
            wrong += (rc != NGX_DECLINED || bytes.len
                      || st->error.status != status);

        } else {
            reply_read(pool, &bytes, &reply);
            argo_out_init(&json, pool, 4096, NULL, 1);
            argo_json_write_text(&json, text->data, text->len);
            body = reply_flat(pool, &json);

            wrong += (rc != NGX_OK || reply.wrong || reply.done != 1
                      || reply.text.len != body.len
                      || memcmp(reply.text.data, body.data, body.len) != 0);
        }

        ngx_destroy_pool(pool);
    }

    is(wrong, 0, "%s: streamed, however cut", name);

    for (i = 0; i < 2; i++) {
        pool = test_pool();
        st = ngx_palloc(pool, sizeof(argo_stream_t));

        open_stream(pool, st, &out, i);

        argo_out_init(&json, pool, 4096, NULL, 1);
        argo_out_lit(&json, "{\"response\":\"");
        argo_json_write_text(&json, text->data, text->len);
        argo_out_lit(&json, "\"}");
        body = reply_flat(pool, &json);

        rc = argo_stream_body(st, &body, &out);

        is(rc, status ? NGX_DECLINED : NGX_OK, "%s: whole", name);

        if (status) {
            is(out.size, 0, "%s: nothing written", name);
            is(st->error.status, status, "%s: status", name);
            is_str(&st->error.code, code, "%s: code", name);

            snprintf(buf, sizeof(buf), "%.*s", (int) st->error.message.len,
                     st->error.message.data);

            if (!ok(strstr(buf, message) != NULL, "%s: message", name)) {
                printf("# %s\n", buf);
            }
        }

        ngx_destroy_pool(pool);
    }
}


static void
test_sentences(void)
{
    ngx_str_t          text;
    ngx_uint_t         i;
    const sentence_t  *t;

    for (i = 0; i < NSENTENCES; i++) {
        t = &sentences[i];

        text.data = (u_char *) t->text;
        text.len = strlen(t->text);

        check_text(t->name, &text, t->status, t->code, t->message);
    }
}


/* What is held back is bounded; a sentence that is too long is an answer. */

static void
test_hold(void)
{
    size_t          n;
    ngx_int_t       rc;
    ngx_uint_t      i;
    ngx_str_t       text;
    ngx_pool_t     *pool;
    argo_out_t      out;
    argo_stream_t  *st;

    static u_char  buf[2 * ARGO_SOFT_HOLD_FAILURE];

    for (i = 0; i < 2; i++) {
        n = ARGO_SOFT_HOLD_FAILURE + i;

        memset(buf, 'A', sizeof(buf));
        memcpy(buf, "Error code: 500 - ", 18);

        pool = test_pool();
        st = ngx_palloc(pool, sizeof(argo_stream_t));
        open_stream(pool, st, &out, 1);

        text.data = buf;
        text.len = n - 1;

        rc = argo_stream_push(st, text.data, text.len, &out);
        is(rc, NGX_OK, "a long failure");
        is(out.size, 0, "is held back");

        rc = argo_stream_push(st, buf + n - 1, 1, &out);
        ok(rc == NGX_OK && (out.size != 0) == (i == 1),
           i ? "but not longer" : "to the last byte");

        rc = argo_stream_end(st, 1, &out);
        is(rc, i ? NGX_OK : NGX_DECLINED, i ? "and is an answer"
                                            : "and is a failure");

        ngx_destroy_pool(pool);
    }

    /* the beginning of a failure that goes on as an answer */

    pool = test_pool();
    st = ngx_palloc(pool, sizeof(argo_stream_t));
    open_stream(pool, st, &out, 1);

    (void) argo_stream_push(st, (u_char *) "Error code: ", 12, &out);
    is(out.size, 0, "a beginning is held back");
    (void) argo_stream_push(st, (u_char *) "E", 1, &out);
    ok(out.size > 0, "until it is another");

    ngx_destroy_pool(pool);
}


/* A failure behind a call, or with one, is what the model said. */

static void
test_with_calls(void)
{
    ngx_str_t       body;
    ngx_pool_t     *pool;
    argo_out_t      out;
    argo_stream_t  *st;

    pool = test_pool();
    st = ngx_palloc(pool, sizeof(argo_stream_t));
    open_stream(pool, st, &out, 0);

    body = STR("{\"response\":{\"content\":\"" NONE "\",\"tool_calls\":[{"
               "\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":"
               "\"f\",\"arguments\":\"{}\"}}]}}");

    is(argo_stream_body(st, &body, &out), NGX_OK, "a failure and a call");

    ngx_destroy_pool(pool);
}


static void
test_memory(void)
{
    ngx_int_t       rc;
    ngx_str_t       body;
    ngx_uint_t      n, wrong, failed, i;
    ngx_pool_t     *pool;
    argo_out_t      out;
    argo_error_t    err;
    argo_stream_t  *st;

    static const ngx_str_t  bodies[] = {
        ngx_string(PROXY_ERROR("Error code: 400 - {'error': {'message': "
                               "'a\\\\nb', 'type': '\\\\x41', 'param': 'p', "
                               "'code': 'c'}}")),
        ngx_string("<html>"),
        ngx_string("{\"error\":{\"message\":\"Error code: 400 - {'error': "
                   "{'message': 'a'}}\"}}"),
        ngx_string("{\"response\":\"" NONE "\"}")
    };

    for (i = 0; i < 4; i++) {
        body = bodies[i];
        wrong = 0;

        for (n = 1; /* void */ ; n++) {
            pool = test_pool();

            st = ngx_palloc(pool, sizeof(argo_stream_t));
            open_stream(pool, st, &out, 0);

            ngx_shim_fail(n);

            if (i < 2) {
                rc = argo_legacy_back.read_error(pool, 400, &body, &err);

            } else {
                rc = argo_stream_body(st, &body, &out);
            }

            failed = ngx_shim_failed();
            ngx_shim_fail(0);
            ngx_destroy_pool(pool);

            if (!failed) {
                break;
            }

            wrong += (rc != NGX_ERROR);
        }

        is(wrong, 0, "no memory, at each of %d places", (int) n - 1);
        is(rc, (i < 2) ? NGX_OK : NGX_DECLINED, "and with it");
    }
}


int
main(void)
{
    ngx_pool_t          *pool;
    argo_error_t         err;
    argo_model_table_t  *models;

    pool = test_pool();
    models = argo_model_table_create(pool, NULL, 0);

    request.model = STR("gpt-4o");
    request.user = STR("jdoe");

    (void) argo_model_resolve(pool, models, &request.model, &request.target,
                              &err);

    test_faults();
    test_message_limit();
    test_sentences();
    test_hold();
    test_with_calls();
    test_memory();

    ngx_destroy_pool(pool);

    return done();
}
