
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * argo_count.h: a prompt counted in steps comes to what it comes to at once;
 * argo_token_ids.h: ids become the text that they were made of.
 */


#include "argo_test.h"
#include "argo_bpe_plain.h"
#include "argo_front.h"

#include "argo_count.h"
#include "argo_embeddings.h"
#include "argo_token_ids.h"


static const char  request[] =
    "{\"model\":\"gpt4o\",\"max_tokens\":9,\"system\":\"Be \\\"brief\\\".\","
    "\"tools\":[{\"name\":\"get_weather\",\"description\":\"of a c\\u0069ty\","
    "\"input_schema\":{\"type\":\"object\",\"properties\":{\"city\":"
    "{\"type\":\"string\"}}}}],"
    "\"messages\":[{\"role\":\"user\",\"content\":\"\\ud83d\\ude00\\ud83d"
    "\\ude00 \\u4e2d\\u6587\\u4e2d\\u6587 J\xc3\xbcrgen\\n\\n\\t\\\\ud83d x\"},"
    "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":"
    "\"I look\"},{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":"
    "\"get_weather\",\"input\":{\"city\":\"K\\u00f6ln\"}}]},"
    "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
    "\"tool_use_id\":\"toolu_1\",\"content\":[{\"type\":\"text\",\"text\":"
    "\"rain, 7 \xc2\xb0" "C\"}]},{\"type\":\"image\",\"source\":{\"type\":"
    "\"base64\",\"media_type\":\"image/png\",\"data\":\"AAAA\"}},"
    "{\"type\":\"text\",\"text\":\"\"},{\"type\":\"text\",\"text\":"
    "\"And?\"}]}]}";


static void
test_steps(const argo_tokenizer_t *tokenizer, const char *name)
{
    size_t            n;
    uint64_t          whole;
    ngx_str_t         json;
    ngx_uint_t        bad, steps;
    ngx_pool_t       *pool;
    argo_count_t      count;
    argo_tokens_t     t;
    front_request_t   r;

    pool = test_pool();
    json = front_str(request);

    is(front_read(pool, &argo_anthropic_front, &argo_legacy_back, &json, &r),
       NGX_OK, "%s: the request is read", name);

    r.req.tokenizer = tokenizer;

    argo_count_prompt(&t, pool, &r.req);
    whole = argo_tokens_count(&t);

    ok(whole > 40, "%s: there is something to count", name);

    bad = 0;
    steps = 0;

    for (n = 1; n < 600; n++) {
        argo_count_begin(&count, &t, pool, &r.req);

        while (argo_count_step(&count, n) == NGX_AGAIN) {
            steps++;
        }

        bad += (argo_tokens_count(&t) != whole);

        /* asked once more it has nothing more to count */
        bad += (argo_count_step(&count, n) != NGX_OK
                || argo_tokens_count(&t) != whole);
    }

    is(bad, 0, "%s: in steps of any size", name);
    ok(steps > 1000, "%s: which there were", name);

    is(argo_count_request(pool, &r.req), whole + 765,
       "%s: and what an image comes to", name);

    ngx_destroy_pool(pool);
}


static void
test_ids(const argo_tokenizer_t *tokenizer)
{
    size_t            i;
    ngx_int_t         rc;
    ngx_str_t         json, id;
    ngx_pool_t       *pool;
    argo_json_t      *root, *text;
    argo_error_t      err;
    argo_tokenizer_t  none;

    static const struct {
        const char   *ids;
        const char   *text;             /* NULL: refused */
    } cases[] = {
        { "[15339, 1917]", "\"hello world\"" },
        { "[ 15339\n,1917 ]", "\"hello world\"" },
        { "[1,198]", "\"\\\"\\n\"" },
        { "[-1]", NULL },
        { "[1.5]", NULL },
        { "[1e1]", NULL },
        { "[15339,\"a\"]", NULL },
        { "[15339,[1]]", NULL },
        { "[99999999]", NULL },
        { "[99999999999999999999999]", NULL },
        { "[true]", NULL }
    };

    ngx_str_set(&id, "v3small");
    ngx_memzero(&none, sizeof(argo_tokenizer_t));

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pool = test_pool();
        json = front_str(cases[i].ids);

        (void) argo_json_parse(pool, &json, 0, &root, &err);

        rc = argo_token_ids_decode(pool, tokenizer, &id, root, &text, "ids",
                                   &err);

        is(rc, cases[i].text ? NGX_OK : NGX_DECLINED, "ids %s",
           cases[i].ids);

        if (rc == NGX_OK && cases[i].text) {
            is_str(&text->raw, cases[i].text, "what they stand for");

        } else {
            is_str(&err.code, "invalid_value", "there is a table");
            is_str(&err.param, "ids", "the parameter");
        }

        is(argo_token_ids_decode(pool, &none, &id, root, &text, "ids", &err),
           NGX_DECLINED, "without a table");
        is_str(&err.code, "unsupported_value", "which is why");

        ngx_destroy_pool(pool);
    }
}


int
main(void)
{
    int               i;
    plain_t           plain[ARGO_ENCODINGS];
    ngx_pool_t       *pool;
    argo_tokenizer_t  tokenizer;

    pool = test_pool();

    test_steps(NULL, "estimate");

    for (i = 0; i < ARGO_ENCODINGS; i++) {

        if (!plain_open(&plain[i], pool,
                        (char *) argo_encoding_names[i].data))
        {
            break;
        }

        tokenizer.encodings[i] = &plain[i].bpe;
    }

    if (i == ARGO_ENCODINGS) {
        test_steps(&tokenizer, "counted");
        test_ids(&tokenizer);
    }

    while (i > 0) {
        plain_close(&plain[--i]);
    }

    ngx_destroy_pool(pool);

    return front_done();
}
