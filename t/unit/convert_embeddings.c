
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * argo_embeddings.h: requests, and replies that are cut anywhere.
 */


#include "argo_base64.h"
#include "argo_embeddings.h"

#include "argo_test.h"


/* pushes of a reply: from the first cut, or whole */
#define WHOLE  ((size_t) -1)


typedef struct {
    const char  *body;
    const char  *param;
    const char  *code;
} bad_t;


typedef struct {
    const char  *name;
    const char  *body;
    const char  *expected;      /* NULL: fails */
    ngx_uint_t   status;        /* then */
    ngx_uint_t   dimensions;
    ngx_uint_t   base64;
    ngx_uint_t   native;
} reply_t;


static void test_requests(void);
static void test_bad_requests(void);
static void test_models(void);
static void test_calls(void);
static void test_replies(void);
static void test_long_vectors(void);
static void test_limits(void);
static void test_no_memory(void);
static ngx_int_t read_request(ngx_pool_t *pool, const ngx_str_t *body,
    argo_embeddings_request_t *req, argo_error_t *err);
static ngx_int_t convert(ngx_pool_t *pool, const reply_t *test,
    argo_embeddings_reply_t *reply, size_t a, size_t b);
static ngx_uint_t agrees(const reply_t *test, size_t a, size_t b);
static size_t decode(const ngx_str_t *text, u_char *dst);


/* two inputs of a second call, unless there are dimensions */

static const reply_t  replies[] = {

    { "as ARGO writes it", "{\"embedding\":[[0.0123,-0.0456],[1,2e-3]]}",
      ",{\"object\":\"embedding\",\"index\":16,\"embedding\":[0.0123,-0.0456]}"
      ",{\"object\":\"embedding\",\"index\":17,\"embedding\":[1,2e-3]}",
      0, 0, 0, 0 },

    { "white space", " {\n\"embedding\" : [ [ 1 ,\t2 ] , [ 3, 4\r\n] ] } \n",
      ",{\"object\":\"embedding\",\"index\":16,\"embedding\":[ 1 ,\t2 ]}"
      ",{\"object\":\"embedding\",\"index\":17,\"embedding\":[ 3, 4\r\n]}",
      0, 0, 0, 0 },

    { "other members", "{\"a\":{\"embedding\":[[9]],\"x\":[{}]},\"b\":\"\\\"]"
      "\",\"c\":-1.5e3,\"embedding\":[[1],[2]],\"d\":null,\"e\":[\"}\"],"
      "\"f\":true}",
      ",{\"object\":\"embedding\",\"index\":16,\"embedding\":[1]}"
      ",{\"object\":\"embedding\",\"index\":17,\"embedding\":[2]}",
      0, 0, 0, 0 },

    { "names alike", "{\"embeddings\":[[9]],\"embeddin\":1,\"\":2,"
      "\"embedding_which_is_a_very_long_name_and_longer_than_all_escapes\":"
      "[[9]],\"embedding\":[[1],[2]]}",
      ",{\"object\":\"embedding\",\"index\":16,\"embedding\":[1]}"
      ",{\"object\":\"embedding\",\"index\":17,\"embedding\":[2]}",
      0, 0, 0, 0 },

    { "escaped name", "{\"\\u0065\\u006d\\u0062\\u0065\\u0064\\u0064\\u0069"
      "\\u006e\\u0067\":[[1],[2]]}",
      ",{\"object\":\"embedding\",\"index\":16,\"embedding\":[1]}"
      ",{\"object\":\"embedding\",\"index\":17,\"embedding\":[2]}",
      0, 0, 0, 0 },

    { "another name escaped", "{\"embedding\\u0000\":[[9]],"
      "\"\\\"embedding\":[[9]]}", NULL, 502, 0, 0, 0 },

    { "base64", "{\"embedding\":[[1,-2.5,0.1],[-0,3e-45]]}", NULL, 502, 0,
      1, 0 },

    { "base64 of three", "{\"embedding\":[[1,-2.5,0.1],[1, -2.5, 0.1]]}",
      ",{\"object\":\"embedding\",\"index\":16,\"embedding\":"
      "\"AACAPwAAIMDNzMw9\"},{\"object\":\"embedding\",\"index\":17,"
      "\"embedding\":\"AACAPwAAIMDNzMw9\"}", 0, 0, 1, 0 },

    { "base64 of one", "{\"embedding\":[[1],[-0.0]]}",
      ",{\"object\":\"embedding\",\"index\":16,\"embedding\":\"AACAPw==\"}"
      ",{\"object\":\"embedding\",\"index\":17,\"embedding\":\"AAAAgA==\"}",
      0, 0, 1, 0 },

    { "fewer dimensions", "{\"embedding\":[[3,4,12],[0,0.0,5]]}",
      ",{\"object\":\"embedding\",\"index\":16,\"embedding\":[0.6,0.8]}"
      ",{\"object\":\"embedding\",\"index\":17,\"embedding\":[0.0,0.0]}",
      0, 2, 0, 0 },

    { "fewer dimensions in base64", "{\"embedding\":[[-9,4,12],[7,0.0,5]]}",
      ",{\"object\":\"embedding\",\"index\":16,\"embedding\":\"AACAvw==\"}"
      ",{\"object\":\"embedding\",\"index\":17,\"embedding\":\"AACAPw==\"}",
      0, 1, 1, 0 },

    { "as many dimensions", "{\"embedding\":[[3,4],[0.1,0.25]]}",
      ",{\"object\":\"embedding\",\"index\":16,\"embedding\":[3.0,4.0]}"
      ",{\"object\":\"embedding\",\"index\":17,\"embedding\":[0.1,0.25]}",
      0, 2, 0, 0 },

    { "too few numbers", "{\"embedding\":[[3,4],[5,6]]}", NULL, 502, 3, 0, 0 },
    { "too few vectors", "{\"embedding\":[[3,4]]}", NULL, 502, 0, 0, 0 },
    { "too many vectors", "{\"embedding\":[[3],[4],[5]]}", NULL, 502, 0, 0, 0 },
    { "no vectors", "{\"embedding\":[]}", NULL, 502, 0, 0, 0 },
    { "empty vectors", "{\"embedding\":[[],[]]}", NULL, 502, 0, 0, 0 },
    { "lengths", "{\"embedding\":[[3],[4,5]]}", NULL, 502, 0, 0, 0 },
    { "two lists", "{\"embedding\":[[3],[4]],\"embedding\":[[3],[4]]}", NULL,
      502, 0, 0, 0 },
    { "numbers alone", "{\"embedding\":[3,4]}", NULL, 502, 0, 0, 0 },
    { "deeper", "{\"embedding\":[[[3]],[[4]]]}", NULL, 502, 0, 0, 0 },
    { "a string", "{\"embedding\":\"abc\"}", NULL, 502, 0, 0, 0 },
    { "strings", "{\"embedding\":[[\"3\"],[4]]}", NULL, 502, 0, 0, 0 },
    { "null", "{\"embedding\":null}", NULL, 502, 0, 0, 0 },
    { "nulls", "{\"embedding\":[[null],[4]]}", NULL, 502, 0, 0, 0 },
    { "NaN", "{\"embedding\":[[NaN],[4]]}", NULL, 502, 0, 0, 0 },
    { "NaN, base64", "{\"embedding\":[[NaN],[4]]}", NULL, 502, 0, 1, 0 },
    { "Infinity", "{\"embedding\":[[-Infinity],[4]]}", NULL, 502, 0, 1, 0 },
    { "too large", "{\"embedding\":[[3.4028236e38],[4]]}", NULL, 502, 0, 0, 0 },
    { "too large, base64", "{\"embedding\":[[3.4028236e38],[4]]}", NULL, 502,
      0, 1, 0 },
    { "two numbers", "{\"embedding\":[[3 4],[4]]}", NULL, 502, 0, 0, 0 },
    { "no number", "{\"embedding\":[[3,],[4]]}", NULL, 502, 0, 0, 0 },
    { "no first number", "{\"embedding\":[[,3],[4]]}", NULL, 502, 0, 0, 0 },
    { "no comma", "{\"embedding\":[[3][4]]}", NULL, 502, 0, 0, 0 },
    { "comma at the end", "{\"embedding\":[[3],[4],]}", NULL, 502, 0, 0, 0 },
    { "half a number", "{\"embedding\":[[3.],[4]]}", NULL, 502, 0, 0, 0 },
    { "zeros before", "{\"embedding\":[[03],[4]]}", NULL, 502, 0, 0, 0 },
    { "long numeral", "{\"embedding\":[[0.1111111111111111111111111111111111"
      "1111111111111111111111111111111],[4]]}", NULL, 502, 0, 0, 0 },
    { "text behind", "{\"embedding\":[[3],[4]]}x", NULL, 502, 0, 0, 0 },
    { "two objects", "{\"embedding\":[[3],[4]]}{}", NULL, 502, 0, 0, 0 },
    { "cut", "{\"embedding\":[[3],[4]]", NULL, 502, 0, 0, 0 },
    { "cut in a vector", "{\"embedding\":[[3],[4", NULL, 502, 0, 0, 0 },
    { "no value", "{\"a\":,\"embedding\":[[3],[4]]}", NULL, 502, 0, 0, 0 },
    { "no colon", "{\"a\",\"embedding\":[[3],[4]]}", NULL, 502, 0, 0, 0 },
    { "no name", "{1:2,\"embedding\":[[3],[4]]}", NULL, 502, 0, 0, 0 },
    { "an array", "[[3],[4]]", NULL, 502, 0, 0, 0 },
    { "nothing", "", NULL, 502, 0, 0, 0 },
    { "an empty object", "{}", NULL, 502, 0, 0, 0 },
    { "a page", "<html><body>canary</body></html>", NULL, 502, 0, 0, 0 },
    { "an answer", "{\"response\":\"Hello\"}", NULL, 502, 0, 0, 0 },
    { "response of no text", "{\"response\":[1]}", NULL, 502, 0, 0, 0 },

    { "denial", "{\"response\":\"\\u26a0\\ufe0f **IMPORTANT AUTHENTICATION "
      "NOTICE FROM ARGO** \\u26a0\\ufe0f\\n\\n**ACCESS DENIED**\"}", NULL,
      403, 0, 0, 0 },

    { "misuse", "{\"response\":\"You passed a messages field along with a "
      "system and or prompt field. Please only pass messages with any system "
      "and user prompts included, or only pass system and prompt alone.\"}",
      NULL, 400, 0, 0, 0 },

    { "vendor's failure", "{\"response\":\"Error code: 429 - "
      "RESOURCE_EXHAUSTED\"}", NULL, 429, 0, 0, 0 },

    { "error", "{\"error\":{\"message\":\"Broken\"}}", NULL, 502, 0, 0, 0 },
    { "detail", "{\"detail\":\"Broken\"}", NULL, 502, 0, 0, 0 },

    { "native", "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\","
      "\"index\":0,\"embedding\":[1,2]},{\"embedding\":[3, 4],\"index\":1 ,"
      "\"x\":{\"embedding\":[[7]]}}],\"model\":\"m\",\"usage\":"
      "{\"prompt_tokens\":7,\"total_tokens\":7}}",
      ",{\"object\":\"embedding\",\"index\":16,\"embedding\":[1,2]}"
      ",{\"object\":\"embedding\",\"index\":17,\"embedding\":[3, 4]}",
      0, 0, 0, 1 },

    { "native: base64", "{\"data\":[{\"embedding\":[1]},{\"embedding\":[2]}]}",
      ",{\"object\":\"embedding\",\"index\":16,\"embedding\":\"AACAPw==\"}"
      ",{\"object\":\"embedding\",\"index\":17,\"embedding\":\"AAAAQA==\"}",
      0, 0, 1, 1 },

    { "native: another order", "{\"data\":[{\"embedding\":[1],\"index\":1},"
      "{\"embedding\":[2],\"index\":0}]}", NULL, 502, 0, 0, 1 },

    { "native: an index that is none", "{\"data\":[{\"index\":-0,"
      "\"embedding\":[1]},{\"embedding\":[2]}]}", NULL, 502, 0, 0, 1 },

    { "native: an item without a vector", "{\"data\":[{\"index\":0},"
      "{\"embedding\":[2],\"index\":1}]}", NULL, 502, 0, 0, 1 },

    { "native: two vectors in an item", "{\"data\":[{\"embedding\":[1],"
      "\"embedding\":[1]}]}", NULL, 502, 0, 0, 1 },

    { "native: too few", "{\"data\":[{\"embedding\":[1]}]}",
      NULL, 502, 0, 0, 1 },

    { "native: too many", "{\"data\":[{\"embedding\":[1]},"
      "{\"embedding\":[1]},{\"embedding\":[1]}]}", NULL, 502, 0, 0, 1 },

    { "native: ARGO's own form", "{\"embedding\":[[1],[2]]}",
      NULL, 502, 0, 0, 1 },

    { "native: bare vectors", "{\"data\":[[1],[2]]}", NULL, 502, 0, 0, 1 },

    { "native: a denial", "{\"choices\":[{\"message\":{\"content\":"
      "\"\\n\\n**IMPORTANT AUTHENTICATION NOTICE FROM ARGO** x\"}}]}",
      NULL, 403, 0, 0, 1 },

    { NULL, NULL, NULL, 0, 0, 0, 0 }
};


int
main(void)
{
    test_requests();
    test_bad_requests();
    test_models();
    test_calls();
    test_replies();
    test_long_vectors();
    test_limits();
    test_no_memory();

    return done();
}


static void
test_requests(void)
{
    ngx_str_t                   body;
    ngx_pool_t                 *pool;
    argo_error_t                err;
    argo_embeddings_request_t   req;

    pool = test_pool();

    body = STR("{\"model\":\"v3\\u0073mall\",\"input\":\"a b\"}");

    is(read_request(pool, &body, &req, &err), NGX_OK, "a request");
    is_str(&req.model, "v3small", "its model");
    is(req.ninputs, 1, "one input");
    is_str(&req.inputs[0]->raw, "\"a b\"", "as it stands");
    is(req.dimensions, 0, "no dimensions");
    is(req.base64, 0, "no base64");
    ok(argo_tokens_count(&req.prompt) > 0, "tokens are counted");

    body = STR("{\"input\":[\"a\",\"\\n\"],\"encoding_format\":\"base64\","
               "\"dimensions\":256,\"user\":\"x\",\"model\":null}");

    is(read_request(pool, &body, &req, &err), NGX_OK, "with all members");
    is(req.model.len, 0, "no model");
    is(req.ninputs, 2, "two inputs");
    is_str(&req.inputs[1]->raw, "\"\\n\"", "as they stand");
    is(req.dimensions, 256, "dimensions");
    is(req.base64, 1, "base64");

    body = STR("{\"input\":\"a\",\"encoding_format\":null,"
               "\"dimensions\":null}");

    is(read_request(pool, &body, &req, &err), NGX_OK, "with nulls");
    is(req.dimensions, 0, "dimensions of null");
    is(req.base64, 0, "format of null");

    body = STR("{\"input\":\"a\",\"encoding_format\":\"float\","
               "\"dimensions\":1.0}");

    is(read_request(pool, &body, &req, &err), NGX_OK, "format float");
    is(req.base64, 0, "is no base64");
    is(req.dimensions, 1, "dimensions with a point");

    ngx_destroy_pool(pool);
}


static void
test_bad_requests(void)
{
    ngx_str_t                   body;
    ngx_uint_t                  i;
    ngx_pool_t                 *pool;
    argo_error_t                err;
    argo_embeddings_request_t   req;

    static const bad_t          bad[] = {
        { "{}", "input", "missing_required_parameter" },
        { "{\"input\":null}", "input", "missing_required_parameter" },
        { "{\"input\":\"\"}", "input", "invalid_value" },
        { "{\"input\":[]}", "input", "empty_array" },
        { "{\"input\":[\"\"]}", "input[0]", "invalid_value" },
        { "{\"input\":[\"a\",\"b\",\"\"]}", "input[2]", "invalid_value" },
        { "{\"input\":{}}", "input", "invalid_type" },
        { "{\"input\":false}", "input", "invalid_type" },
        { "{\"input\":7}", "input", "invalid_type" },
        { "{\"input\":[\"a\",7]}", "input[1]", "invalid_type" },
        { "{\"input\":[null]}", "input[0]", "invalid_type" },
        { "{\"input\":[{\"a\":1}]}", "input[0]", "invalid_type" },
        { "{\"input\":[1,2]}", "input", "unsupported_value" },
        { "{\"input\":[[1,2],[3]]}", "input", "unsupported_value" },
        { "{\"input\":\"a\",\"model\":7}", "model", "invalid_type" },
        { "{\"input\":\"a\",\"encoding_format\":\"hex\"}", "encoding_format",
          "invalid_value" },
        { "{\"input\":\"a\",\"encoding_format\":7}", "encoding_format",
          "invalid_type" },
        { "{\"input\":\"a\",\"dimensions\":0}", "dimensions",
          "invalid_value" },
        { "{\"input\":\"a\",\"dimensions\":-1}", "dimensions",
          "invalid_value" },
        { "{\"input\":\"a\",\"dimensions\":2.5}", "dimensions",
          "invalid_value" },
        { "{\"input\":\"a\",\"dimensions\":1e2}", "dimensions",
          "invalid_value" },
        { "{\"input\":\"a\",\"dimensions\":99999999999999999999}",
          "dimensions", "invalid_value" },
        { "{\"input\":\"a\",\"dimensions\":4294967297}", "dimensions",
          "invalid_value" },
        { "{\"input\":\"a\",\"dimensions\":\"2\"}", "dimensions",
          "invalid_type" },
        { NULL, NULL, NULL }
    };

    for (i = 0; bad[i].body; i++) {
        pool = test_pool();

        body.data = (u_char *) bad[i].body;
        body.len = strlen(bad[i].body);

        is(read_request(pool, &body, &req, &err), NGX_DECLINED, "%s",
           bad[i].body);
        is(err.status, 400, "its status");
        is_str(&err.param, bad[i].param, "its param");
        is_str(&err.code, bad[i].code, "its code");

        ngx_destroy_pool(pool);
    }
}


static void
test_models(void)
{
    ngx_uint_t                 i;
    argo_error_t               err;
    argo_model_t               model;
    argo_embeddings_request_t  req;

    static const struct {
        const char            *id;
        ngx_uint_t             dimensions;
        const char            *code;
    } models[] = {
        { "v3small", 0, NULL },
        { "v3small", 1, NULL },
        { "v3small", 1536, NULL },
        { "v3small", 1537, "invalid_value" },
        { "v3large", 3072, NULL },
        { "v3large", 3073, "invalid_value" },
        { "ada002", 0, NULL },
        { "ada002", 1536, "unsupported_parameter" },
        { "v3", 1, "unsupported_parameter" },
        { NULL, 0, NULL }
    };

    for (i = 0; models[i].id; i++) {
        ngx_memzero(&req, sizeof(req));
        ngx_memzero(&model, sizeof(model));

        model.id.data = (u_char *) models[i].id;
        model.id.len = strlen(models[i].id);
        req.target = &model;
        req.dimensions = models[i].dimensions;

        is(argo_embeddings_check_model(&req, &err),
           models[i].code ? NGX_DECLINED : NGX_OK, "%d dimensions of %s",
           (int) models[i].dimensions, models[i].id);

        if (models[i].code) {
            is_str(&err.param, "dimensions", "param");
            is_str(&err.code, models[i].code, "code");
        }
    }
}


static void
test_calls(void)
{
    ngx_str_t                   body, text;
    argo_out_t                  out;
    ngx_pool_t                 *pool;
    argo_error_t                err;
    argo_model_t                model;
    argo_embeddings_request_t   req;

    pool = test_pool();

    body = STR("{\"model\":\"a\\\"b\",\"input\":[\"one\",\"\\u0074wo\","
               "\"three\"]}");

    (void) read_request(pool, &body, &req, &err);

    ngx_memzero(&model, sizeof(model));
    ngx_str_set(&model.id, "v3small");
    req.target = &model;
    ngx_str_set(&req.user, "j\"doe");

    argo_out_init(&out, pool, 4096, NULL, 0);
    argo_embeddings_write_call(&req, 1, 2, &out);
    (void) argo_out_flatten(&out, pool, &text);
    is_str(&text, "{\"user\":\"j\\\"doe\",\"model\":\"v3small\","
           "\"prompt\":[\"\\u0074wo\",\"three\"]}", "a call");

    req.prompt.ascii = 28;
    req.prompt.wide = 0;

    argo_out_init(&out, pool, 4096, NULL, 0);
    argo_embeddings_write_start(&out);
    argo_embeddings_write_end(&req, &out);
    (void) argo_out_flatten(&out, pool, &text);
    is_str(&text, "{\"object\":\"list\",\"data\":[],\"model\":\"a\\\"b\","
           "\"usage\":{\"prompt_tokens\":7,\"total_tokens\":7}}",
           "what stands around the vectors");

    ngx_destroy_pool(pool);
}


/* Each reply whole, in single bytes, in two pieces, and in three. */

static void
test_replies(void)
{
    size_t          a, b, n;
    ngx_uint_t      i, bad;
    const reply_t  *test;

    for (i = 0; replies[i].name; i++) {
        test = &replies[i];
        n = strlen(test->body);

        ok(agrees(test, WHOLE, WHOLE), "%s", test->name);
        ok(agrees(test, 0, 0), "%s, in single bytes", test->name);

        bad = 0;

        for (a = 1; a < n; a++) {
            bad += !agrees(test, a, WHOLE);

            for (b = a + 1; n < 100 && b < n; b++) {
                bad += !agrees(test, a, b);
            }
        }

        is(bad, 0, "%s, in pieces", test->name);
    }
}


/* What is long enough for the fast way and for several rows of base64. */

static void
test_long_vectors(void)
{
    float                    value;
    size_t                   n, size;
    u_char                  *bytes, *p;
    ngx_str_t                text, inner;
    ngx_uint_t               i, k, bad;
    ngx_pool_t              *pool;
    reply_t                  test;
    static char              body[400000];
    static char              numbers[8000][32];
    argo_embeddings_reply_t  reply;

    static const ngx_uint_t  lengths[] = { 1, 2, 3, 767, 768, 769, 1536,
                                           1537, 2304, 3072, 3999 };

    ngx_memzero(&test, sizeof(test));
    test.body = body;
    test.base64 = 1;

    srandom(1);

    for (k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {

        n = lengths[k];
        size = sprintf(body, "{\"embedding\":[");

        for (i = 0; i < n * 2; i++) {
            sprintf(numbers[i], "%.17g", (random() / 2147483647. - .5) / 10);
            size += sprintf(body + size, "%s%s%s", (i == n) ? "],["
                            : i ? (k & 1) ? "," : ", " : "[", numbers[i],
                            (i == n * 2 - 1) ? "]]}" : "");
        }

        for (test.base64 = 0; test.base64 < 2; test.base64++) {
            pool = test_pool();
            bytes = ngx_palloc(pool, n * 8 + 16);

            bad = (convert(pool, &test, &reply, 4096, WHOLE) != NGX_OK);
            (void) argo_out_flatten(&reply.out, pool, &text);

            p = (u_char *) strstr((char *) text.data, "\"embedding\":") + 12;

            for (i = 0; test.base64 && i < n * 2 && !bad; i++) {

                if (i % n == 0) {
                    inner.data = p + 1 + i / n * (argo_base64_length(n * 4)
                                 + sizeof("\"},{\"object\":\"embedding\","
                                          "\"index\":17,\"embedding\":\"")
                                 - 1);
                    inner.len = argo_base64_length(n * 4);
                    bad += (decode(&inner, bytes) != n * 4);
                }

                memcpy(&value, bytes + i % n * 4, sizeof(float));
                bad += (value != strtof(numbers[i], NULL));
            }

            for (i = 0; !test.base64 && i < n * 2 && !bad; i++) {

                p = (u_char *) strstr((char *) p, numbers[i]);

                if (p == NULL) {
                    bad++;
                    break;
                }
            }

            is(bad, 0, "two vectors of %d numbers, %s", (int) n,
               test.base64 ? "base64" : "numerals");

            ngx_destroy_pool(pool);
        }
    }
}


static void
test_limits(void)
{
    size_t                      n;
    u_char                     *blank;
    ngx_uint_t                  i;
    ngx_pool_t                 *pool;
    argo_embeddings_reply_t     reply;
    argo_embeddings_request_t   req;

    pool = test_pool();

    ngx_memzero(&req, sizeof(req));
    ngx_memzero(&reply, sizeof(reply));

    is(argo_embeddings_init_reply(&reply, pool, &req, 0, 1), NGX_OK,
       "without a row");

    n = 1024 * 1024;
    blank = ngx_palloc(pool, n);
    memset(blank, ' ', n);

    for (i = 0; i < ARGO_EMBEDDINGS_MAX_REPLY / n; i++) {
        (void) argo_embeddings_push(&reply, blank, n);
    }

    ok(!reply.failed, "a reply of the largest size");
    (void) argo_embeddings_push(&reply, blank, 1);
    ok(reply.failed, "is refused when a byte more comes");

    (void) argo_embeddings_push(&reply, (u_char *) "{\"embedding\":[[1]]}",
                                19);
    is((long long) reply.out.size, 0, "and nothing of the rest is taken");
    is(argo_embeddings_end(&reply), NGX_DECLINED, "up to its end");

    /* used again */

    req.base64 = 1;
    reply.row = NULL;

    (void) argo_embeddings_init_reply(&reply, pool, &req, 16, 1);
    (void) argo_embeddings_push(&reply, (u_char *) "{\"embedding\":[[1]]}",
                                19);
    is(argo_embeddings_end(&reply), NGX_OK, "a reply after it");
    blank = (u_char *) reply.row;
    (void) argo_embeddings_init_reply(&reply, pool, &req, 32, 1);
    ok((u_char *) reply.row == blank, "the row is used again");

    ngx_destroy_pool(pool);
}


static void
test_no_memory(void)
{
    ngx_int_t                   rc;
    ngx_str_t                   body;
    ngx_uint_t                  i, k, bad, failed;
    ngx_pool_t                 *pool;
    argo_error_t                err;
    argo_embeddings_reply_t     reply;
    argo_embeddings_request_t   req;

    bad = 0;

    for (i = 1; /* void */ ; i++) {
        pool = test_pool();
        body = STR("{\"input\":[\"a\",\"\"],\"model\":\"v\\u0033\"}");

        ngx_shim_fail(i);
        rc = read_request(pool, &body, &req, &err);
        failed = ngx_shim_failed();
        ngx_shim_fail(0);

        bad += (rc != (failed ? NGX_ERROR : NGX_DECLINED));

        ngx_destroy_pool(pool);

        if (!failed) {
            break;
        }
    }

    is(bad, 0, "no memory for a request");
    ok(i > 3, "%d allocations were made to fail", (int) i - 1);

    bad = 0;

    for (k = 0; replies[k].name; k++) {
        for (i = 1; /* void */ ; i++) {
            pool = test_pool();

            ngx_shim_fail(i);
            rc = convert(pool, &replies[k], &reply, WHOLE, WHOLE);
            failed = ngx_shim_failed();
            ngx_shim_fail(0);

            bad += (rc != (failed ? NGX_ERROR
                           : replies[k].expected ? NGX_OK : NGX_DECLINED));

            ngx_destroy_pool(pool);

            if (!failed) {
                break;
            }
        }
    }

    is(bad, 0, "no memory for replies");
}


static ngx_int_t
read_request(ngx_pool_t *pool, const ngx_str_t *body,
    argo_embeddings_request_t *req, argo_error_t *err)
{
    static const argo_model_t  small = { .id = ngx_string("v3small") };

    ngx_int_t  rc;

    ngx_memzero(req, sizeof(argo_embeddings_request_t));

    rc = argo_json_parse(pool, body, ARGO_EMBEDDINGS_TREE_DEPTH, &req->root,
                         err);

    if (rc == NGX_OK) {
        rc = argo_embeddings_read_request(pool, req, err);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    /* without tables, as the test of tokens has them: ids can't be decoded */

    req->target = &small;

    return argo_embeddings_decode(pool, req, NULL, err);
}


/*
 * Converts a reply that comes in pieces which end at a and b; a is 0: in
 * single bytes.  Each piece is a copy, behind whose end nothing may be read.
 */

static ngx_int_t
convert(ngx_pool_t *pool, const reply_t *test, argo_embeddings_reply_t *reply,
    size_t a, size_t b)
{
    size_t                     n, at, next;
    ngx_int_t                  rc;
    ngx_str_t                  piece;
    argo_embeddings_request_t  req;

    ngx_memzero(&req, sizeof(req));
    ngx_memzero(reply, sizeof(argo_embeddings_reply_t));

    req.base64 = test->base64;
    req.dimensions = test->dimensions;
    req.native = test->native;

    rc = argo_embeddings_init_reply(reply, pool, &req, 16, 2);

    n = strlen(test->body);

    for (at = 0; at < n && rc == NGX_OK; at = next) {
        next = (a == 0) ? at + 1 : (at < a) ? a : (at < b) ? b : n;
        next = ngx_min(next, n);

        piece = test_copy(test->body + at, next - at);
        rc = argo_embeddings_push(reply, piece.data, piece.len);
        test_free(&piece);
    }

    return (rc == NGX_OK) ? argo_embeddings_end(reply) : rc;
}


static ngx_uint_t
agrees(const reply_t *test, size_t a, size_t b)
{
    ngx_int_t                rc;
    ngx_str_t                text;
    ngx_uint_t               passed;
    ngx_pool_t              *pool;
    argo_embeddings_reply_t  reply;

    pool = test_pool();

    rc = convert(pool, test, &reply, a, b);

    if (test->expected == NULL) {
        passed = (rc == NGX_DECLINED && reply.error.message.len
                  && reply.error.status == test->status);

        if (!passed) {
            printf("# rc %d, status %d\n", (int) rc,
                   (int) reply.error.status);
        }

    } else {
        (void) argo_out_flatten(&reply.out, pool, &text);

        passed = (rc == NGX_OK && text.len == strlen(test->expected)
                  && memcmp(text.data, test->expected, text.len) == 0);

        if (!passed) {
            test_show("got", text.data, text.len);
        }
    }

    ngx_destroy_pool(pool);

    return passed;
}


/* Base64, read plainly; returns the bytes. */

static size_t
decode(const ngx_str_t *text, u_char *dst)
{
    u_char      *start;
    size_t       i;
    uint32_t     bits;
    const char  *letter;

    static const char  letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    start = dst;
    bits = 0;

    for (i = 0; i < text->len; i++) {

        letter = strchr(letters, text->data[i]);

        if (letter == NULL || *letter == '\0') {
            return (text->data[i] == '=') ? (size_t) (dst - start) : 0;
        }

        bits = bits << 6 | (uint32_t) (letter - letters);

        if (i % 4) {
            *dst++ = (u_char) (bits >> (6 - i % 4 * 2));
        }
    }

    return dst - start;
}
