
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The two halves of OpenAI's Responses API: how a request is read, and how a
 * reply is written, which repeats much of the request.
 */


#ifndef _ARGO_OPENAI_RESPONSES_H_INCLUDED_
#define _ARGO_OPENAI_RESPONSES_H_INCLUDED_


#include "argo_openai.h"


/*
 * root, input, items, their contents, parts, members; tools of an item take
 * as many
 */
#define ARGO_RESPONSES_TREE_DEPTH  5


enum {
    ARGO_RESPONSES_MODEL = 0,
    ARGO_RESPONSES_INPUT,
    ARGO_RESPONSES_INSTRUCTIONS,
    ARGO_RESPONSES_STREAM,
    ARGO_RESPONSES_STREAM_OPTIONS,
    ARGO_RESPONSES_USER,
    ARGO_RESPONSES_TOOLS,
    ARGO_RESPONSES_TOOL_CHOICE,
    ARGO_RESPONSES_PARALLEL,
    ARGO_RESPONSES_MAX_OUTPUT,
    ARGO_RESPONSES_MAX_TOOL_CALLS,
    ARGO_RESPONSES_TEXT,
    ARGO_RESPONSES_REASONING,
    ARGO_RESPONSES_TEMPERATURE,
    ARGO_RESPONSES_TOP_P,
    ARGO_RESPONSES_TOP_LOGPROBS,
    ARGO_RESPONSES_INCLUDE,
    ARGO_RESPONSES_TRUNCATION,
    ARGO_RESPONSES_METADATA,
    ARGO_RESPONSES_STORE,
    ARGO_RESPONSES_SERVICE_TIER,
    ARGO_RESPONSES_CACHE_KEY,
    ARGO_RESPONSES_SAFETY,
    ARGO_RESPONSES_PREVIOUS,
    ARGO_RESPONSES_CONVERSATION,
    ARGO_RESPONSES_BACKGROUND,
    ARGO_RESPONSES_PROMPT,
    ARGO_RESPONSES_MESSAGES,
    ARGO_RESPONSES_FUNCTIONS,
    ARGO_RESPONSES_FUNCTION_CALL,
    ARGO_RESPONSES_N,
    ARGO_RESPONSES_MAX_TOKENS,
    ARGO_RESPONSES_MAX_COMPLETION,
    ARGO_RESPONSES_FORMAT,
    ARGO_RESPONSES_EFFORT,
    ARGO_RESPONSES_VERBOSITY,
    ARGO_RESPONSES_NMEMBERS
};


/* what a reply says of its request: req->front; NULL: not said */

typedef struct {
    argo_json_t  *found[ARGO_RESPONSES_NMEMBERS];
} argo_responses_request_t;


ngx_int_t argo_openai_responses_read_request(ngx_pool_t *pool,
    argo_request_t *req, argo_error_t *err);


#endif /* _ARGO_OPENAI_RESPONSES_H_INCLUDED_ */
