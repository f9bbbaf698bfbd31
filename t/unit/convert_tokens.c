
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * argo_tokens.h: which encoding is a model's, escaped text, and the
 * estimate.
 */


#include "argo_test.h"
#include "argo_bpe_plain.h"
#include "argo_tokens.h"


static uint64_t
test_count(ngx_pool_t *pool, const argo_tokenizer_t *tokenizer,
    const char *model, const char *text, ngx_uint_t escaped)
{
    ngx_str_t      id, copy;
    argo_tokens_t  t;

    id.data = (u_char *) model;
    id.len = strlen(model);
    copy = test_copy(text, strlen(text));

    argo_tokens_init(&t, pool, tokenizer, &id);

    if (escaped) {
        argo_tokens_add_escaped(&t, copy.data, copy.len);

    } else {
        argo_tokens_add(&t, copy.data, copy.len);
    }

    test_free(&copy);

    return argo_tokens_count(&t);
}


static void
test_rules(void)
{
    size_t                     i;
    ngx_str_t                  id;
    const argo_tokens_rule_t  *rule;

    static const struct {
        const char            *id;
        argo_encoding_e        encoding;
        ngx_uint_t             own;
    } cases[] = {
        { "gpt35", ARGO_ENCODING_CL100K, 1 },
        { "gpt4", ARGO_ENCODING_CL100K, 1 },
        { "gpt4turbo", ARGO_ENCODING_CL100K, 1 },
        { "gpt4o", ARGO_ENCODING_O200K, 1 },
        { "gpt4olatest", ARGO_ENCODING_O200K, 1 },
        { "gpt41nano", ARGO_ENCODING_O200K, 1 },
        { "gpt5", ARGO_ENCODING_O200K, 1 },
        { "gpt56terra", ARGO_ENCODING_O200K, 1 },
        { "gpto1", ARGO_ENCODING_O200K, 1 },
        { "gpto4mini", ARGO_ENCODING_O200K, 1 },
        { "ada002", ARGO_ENCODING_CL100K, 1 },
        { "v3large", ARGO_ENCODING_CL100K, 1 },
        { "claudeopus48", ARGO_ENCODING_CL100K, 0 },
        { "gemini25pro", ARGO_ENCODING_CL100K, 0 },
        { "gpt", ARGO_ENCODING_CL100K, 0 },
        { "", ARGO_ENCODING_CL100K, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        id.data = (u_char *) cases[i].id;
        id.len = strlen(cases[i].id);

        rule = argo_tokens_rule(&id);

        is(rule->encoding, cases[i].encoding, "encoding of \"%s\"",
           cases[i].id);
        is(rule->own, cases[i].own, "\"%s\", its own", cases[i].id);
    }
}


static void
test_estimate(ngx_pool_t *pool)
{
    ngx_str_t         id;
    argo_tokens_t     t;
    argo_tokenizer_t  none;

    ngx_memzero(&none, sizeof(argo_tokenizer_t));

    is(test_count(pool, NULL, "gpt4o", "hello", 0), 2, "estimate");
    is(test_count(pool, &none, "gpt4o", "hello", 0), 2, "no tables");
    is(test_count(pool, NULL, "gpt4o", "a\\n\\u5b57\\ud83d\\ude00", 1), 3,
       "estimate of escapes");

    ngx_str_set(&id, "gpt4o");
    argo_tokens_init(&t, pool, &none, &id);
    argo_tokens_add_message(&t, 1);
    argo_tokens_add_reply(&t);
    argo_tokens_end(&t);
    is(argo_tokens_count(&t), 0, "nothing beyond texts in an estimate");
    is(argo_tokens_exact(&t), 0, "estimate is not exact");
}


static void
test_escaped(ngx_pool_t *pool, const argo_tokenizer_t *tokenizer)
{
    size_t  i;
    char    escaped[8192], plain[8192];

    static const char * const  pairs[][2] = {
        { "hello world", "hello world" },
        { "a\\n\\tb\\\"c\\\\", "a\n\tb\"c\\" },
        { "\\u0061bc", "abc" },
        { "\\u5b57 \\ud83d\\ude00", "\xe5\xad\x97 \xf0\x9f\x98\x80" },
        { "\\ud83d", "\xef\xbf\xbd" },
        { "\\u0000x", "" }
    };

    for (i = 0; i < 5; i++) {
        is(test_count(pool, tokenizer, "gpt4o", pairs[i][0], 1),
           test_count(pool, tokenizer, "gpt4o", pairs[i][1], 0),
           "escaped \"%s\"", pairs[i][0]);
    }

    is(test_count(pool, tokenizer, "gpt4o", pairs[5][0], 1), 2,
       "escaped NUL");

    /* longer than what is unescaped at once, at each distance to its end */

    for (i = 2030; i < 2070; i++) {
        memset(escaped, 'a', i);
        strcpy(escaped + i, "\\ud83d\\ude00");
        escaped[0] = '\\';
        escaped[1] = 't';
        memset(plain, 'a', i);
        strcpy(plain + i - 1, "\xf0\x9f\x98\x80");
        plain[0] = '\t';

        is(test_count(pool, tokenizer, "gpt4o", escaped, 1),
           test_count(pool, tokenizer, "gpt4o", plain, 0),
           "escaped, %d bytes", (int) i);
    }

    /* the last backslash is no escape, and counted as it stands */

    is(test_count(pool, tokenizer, "gpt4o", "wrong \\", 1),
       test_count(pool, tokenizer, "gpt4o", "wrong \\", 0), "no JSON");
}


static void
test_chat(ngx_pool_t *pool, const argo_tokenizer_t *tokenizer)
{
    ngx_str_t      id;
    ngx_uint_t     i;
    argo_tokens_t  t;

    /* what ARGO was seen to report for these, for models of GPT-5 */

    static const char * const  texts[] = {
        "Hello, Claude", "Hello!", "Can you describe LLMs to me?"
    };

    ngx_str_set(&id, "gpt5mini");
    argo_tokens_init(&t, pool, tokenizer, &id);

    for (i = 0; i < 3; i++) {
        argo_tokens_add(&t, (u_char *) texts[i], strlen(texts[i]));
        argo_tokens_end(&t);
        argo_tokens_add_message(&t, i == 1);

        if (i == 0) {
            argo_tokens_add_reply(&t);
            is(argo_tokens_count(&t), 9, "a chat of one message");
        }
    }

    is(argo_tokens_count(&t), 30, "a chat of three messages");
    ok(argo_tokens_exact(&t), "exact");

    ngx_str_set(&id, "claudeopus48");
    argo_tokens_init(&t, pool, tokenizer, &id);
    argo_tokens_add(&t, (u_char *) "Hello, Claude", 13);
    argo_tokens_add_message(&t, 0);
    is(argo_tokens_count(&t), 3, "another vendor's model");
    is(argo_tokens_exact(&t), 0, "not exact");
}


int
main(void)
{
    int                i;
    plain_t            plain[ARGO_ENCODINGS];
    ngx_pool_t        *pool;
    argo_tokenizer_t   tokenizer;

    pool = test_pool();

    test_rules();
    test_estimate(pool);

    for (i = 0; i < ARGO_ENCODINGS; i++) {

        if (!plain_open(&plain[i], pool,
                        (char *) argo_encoding_names[i].data))
        {
            break;
        }

        tokenizer.encodings[i] = &plain[i].bpe;
    }

    if (i == ARGO_ENCODINGS) {
        test_escaped(pool, &tokenizer);
        test_chat(pool, &tokenizer);
    }

    while (i > 0) {
        plain_close(&plain[--i]);
    }

    ngx_destroy_pool(pool);

    return done();
}
