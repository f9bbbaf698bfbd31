
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as lines of rules for models, and requests of each kind of client
 * that meet such rules.  What must hold:
 *
 *     a line is taken, or declined with a message
 *     whatever the rules say, what goes up is JSON of our model and of our
 *         user, or the request is declined with an error that has all its
 *         parts
 */


#include "argo_fuzz_request.h"


#define FUZZ_WORDS  32


static const char  *fuzz_models[] = { "gpt5", "gpt4o", "claudeopus46",
                                      "gemini25pro" };

static const char  *fuzz_documents[] = {
    "{\"temperature\":1.5,\"top_p\":0.5,\"top_k\":3,\"stop\":[\"x\"],"
    "\"reasoning_effort\":\"low\",\"max_tokens\":5,\"seed\":1,"
    "\"response_format\":{\"type\":\"json_object\"},"
    "\"max_completion_tokens\":6,\"tool_choice\":\"auto\",\"tools\":"
    "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":"
    "{\"type\":\"object\",\"properties\":{\"type\":{\"anyOf\":[{\"$ref\":"
    "\"#/$defs/a\"},{\"pattern\":\"x\"}]}},\"$defs\":{\"a\":true}}}}],"
    "\"messages\":[{\"role\":\"developer\",\"content\":\" \"},"
    "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":"
    "{\"url\":\"data:image/png;base64,iVBORw0KGgo=\"}}]},"
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
    "{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
    "\"arguments\":\"{}\"}},{\"id\":\"b\",\"type\":\"function\","
    "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
    "{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":\"1\"},"
    "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"2\"}]}",

    "{\"max_tokens\":4000,\"thinking\":{\"type\":\"enabled\","
    "\"budget_tokens\":2000},\"temperature\":0.5,\"top_k\":4,\"top_p\":1,"
    "\"output_config\":{\"effort\":\"max\"},\"metadata\":{\"user_id\":"
    "\"x\"},\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":"
    "\"object\",\"properties\":{\"a\":{\"format\":\"x\"}},\"$schema\":"
    "\"y\"}}],\"tool_choice\":{\"type\":\"any\"},\"messages\":"
    "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\" \"},"
    "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
    "\"image/png\",\"data\":\"iVBORw0KGgo=\"}}]}]}",

    "{\"input\":[{\"role\":\"developer\",\"content\":\"x\"},{\"role\":"
    "\"user\",\"content\":[{\"type\":\"input_image\",\"image_url\":"
    "\"data:image/png;base64,iVBORw0KGgo=\"}]}],\"reasoning\":{\"effort\":"
    "\"minimal\",\"summary\":\"auto\"},\"max_output_tokens\":1,"
    "\"temperature\":2,\"text\":{\"verbosity\":\"low\"},\"tools\":[{\"type\":"
    "\"custom\",\"name\":\"r\",\"description\":\"long\"},{\"type\":"
    "\"function\",\"name\":\"f\",\"parameters\":{\"oneOf\":[]}}]}",

    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"x\"}]}],"
    "\"generationConfig\":{\"temperature\":0,\"topP\":0.1,\"topK\":1,"
    "\"maxOutputTokens\":1,\"thinkingConfig\":{\"thinkingBudget\":1}},"
    "\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"parameters\":"
    "{\"type\":\"OBJECT\"}}]}]}",
};


#define FUZZ_NMODELS     (sizeof(fuzz_models) / sizeof(fuzz_models[0]))
#define FUZZ_NDOCUMENTS  (sizeof(fuzz_documents) / sizeof(fuzz_documents[0]))


static void
fuzz_line(u_char *p, u_char *end)
{
    ngx_int_t      rc;
    ngx_str_t      words[FUZZ_WORDS];
    ngx_uint_t     n;
    argo_error_t   err;

    n = 0;

    while (p < end && n < FUZZ_WORDS) {

        if (*p == ' ' || *p == ';') {
            p++;
            continue;
        }

        words[n].data = p;

        while (p < end && *p != ' ' && *p != ';') {
            p++;
        }

        words[n].len = p - words[n].data;
        n++;
    }

    if (n) {
        rc = argo_rules_add(fuzz_rules, words, n, &err);

        FUZZ_CHECK(rc == NGX_OK
                   || (rc == NGX_DECLINED && err.message.len > 0));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char        *copy, *p, *end, *eol;
    ngx_str_t      document;
    ngx_uint_t     i;
    ngx_pool_t    *pool;
    argo_rules_t  *builtin;

    fuzz_open();
    fuzz_begin(data, size);

    pool = ngx_create_pool(4096, NULL);
    copy = malloc(size + 1);
    FUZZ_CHECK(pool && copy);

    builtin = fuzz_rules;
    fuzz_rules = argo_rules_create(pool);
    FUZZ_CHECK(fuzz_rules);

    if (size && (data[0] & 1)) {
        FUZZ_CHECK(argo_rules_add_builtin(fuzz_rules) == NGX_OK);
    }

    if (size) {
        memcpy(copy, data, size);
    }

    end = copy + size;

    for (p = copy; p < end; p = eol + 1) {
        eol = memchr(p, '\n', end - p);
        eol = eol ? eol : end;

        fuzz_line(p, eol);
    }

    for (i = 0; i < FUZZ_NDOCUMENTS; i++) {
        document.data = (u_char *) fuzz_documents[i];
        document.len = strlen(fuzz_documents[i]);

        fuzz_all_pairs(fuzz_models, FUZZ_NMODELS, &document);
    }

    fuzz_rules = builtin;

    free(copy);
    ngx_destroy_pool(pool);

    return 0;
}
