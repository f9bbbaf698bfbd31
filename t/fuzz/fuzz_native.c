
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as a request of each kind of client, for each of ARGO's APIs
 * that may serve it, with the rules for its model applied.  What must hold:
 *
 *     it is converted, or declined with an error that has all its parts
 *     what goes up is JSON of our model and of our user alone
 *     what is sent on as it came is so byte by byte, if nothing was to change
 *     what is told of the changes fits in a line of a header
 *     the same once more gives the same
 *     the prompt can be counted
 */


#include "argo_fuzz_request.h"


/* one or more of each vendor, of which the rules say different things */

static const char  *fuzz_openai[] = { "gpt4o", "gpto3mini", "gpt5", "gpt54",
                                      "gpt41nano", "gpto1preview" };
static const char  *fuzz_google[] = { "gemini25pro", "gemini35flash" };
static const char  *fuzz_claude[] = { "claudeopus46", "claudehaiku45",
                                      "claudesonnet45", "claudeopus47" };

#define FUZZ_ONE_OF(list)                                                     \
    list[fuzz_chance(sizeof(list) / sizeof(list[0]))]


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t    document;
    const char  *models[3];

    fuzz_open();
    fuzz_begin(data, size);

    models[0] = FUZZ_ONE_OF(fuzz_openai);
    models[1] = FUZZ_ONE_OF(fuzz_google);
    models[2] = FUZZ_ONE_OF(fuzz_claude);

    /* in memory of its own, so that a byte too many is seen */

    document.len = size;
    document.data = malloc(size ? size : 1);
    FUZZ_CHECK(document.data);

    if (size) {
        memcpy(document.data, data, size);
    }

    fuzz_all_pairs(models, 3, &document);

    free(document.data);

    return 0;
}
