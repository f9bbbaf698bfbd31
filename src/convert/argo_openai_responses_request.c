
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's Responses, what a client sends: items become the messages of a
 * conversation.  What needs a memory that outlives the request, or a tool
 * that someone else runs, is refused by name.  docs/responses.md has the
 * tables.
 */


#include "argo_openai_responses.h"
#include "argo_request.h"
#include "argo_tool.h"


#define ARGO_RESPONSES_STATELESS                                              \
    " is not supported: the gateway keeps no responses; send the whole "      \
    "conversation in input"

#define ARGO_RESPONSES_MOVED  " is not a parameter of responses: use "


/* what is refused, if it is found in the way that makes it so */

typedef struct {
    ngx_uint_t            member;
    ngx_uint_t            only_true;
    const char           *message;
} argo_responses_gap_t;


/* what another API has no place for, and does not change the answer's sense */

typedef struct {
    ngx_uint_t            member;
    const char           *name;
    const char           *what;
} argo_responses_drop_t;


static ngx_int_t argo_openai_responses_read_foreign(ngx_pool_t *pool,
    argo_request_t *req, argo_error_t *err);
static ngx_int_t argo_openai_responses_check(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t **found, argo_error_t *err);
static ngx_int_t argo_openai_responses_check_logprobs(argo_json_t **found,
    argo_error_t *err);
static ngx_int_t argo_openai_responses_read_names(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t **found);
static ngx_int_t argo_openai_responses_read_values(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t **found, argo_error_t *err);

static ngx_int_t argo_openai_responses_read_text(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *text);
static ngx_int_t argo_openai_responses_read_format(argo_openai_place_t *at,
    argo_format_t *format, argo_json_t *node);

static ngx_int_t argo_openai_responses_read_input(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t **found, argo_error_t *err);
static ngx_int_t argo_openai_responses_add_text(ngx_pool_t *pool,
    argo_request_t *req, argo_role_e role, argo_json_t *text);

static ngx_int_t argo_openai_responses_adapt(ngx_pool_t *pool,
    argo_request_t *req, argo_dialect_e upstream, argo_error_t *err);
static ngx_int_t argo_openai_responses_adapt_message(ngx_pool_t *pool,
    argo_request_t *req, argo_message_t *message, argo_dialect_e upstream,
    argo_error_t *err);


/* in the order of the enum in the header */

static const argo_openai_member_t
    argo_responses_members[ARGO_RESPONSES_NMEMBERS] =
{
    { "model", ARGO_OPENAI_STRING, "a string" },
    { "input", ARGO_OPENAI_STRING | ARGO_OPENAI_IS(ARRAY),
      "a string or an array" },
    { "instructions", ARGO_OPENAI_STRING, "a string" },
    { "stream", ARGO_OPENAI_BOOL, "a boolean" },
    { "stream_options", ARGO_OPENAI_OBJECT, "an object" },

    /* whatever it is, the bound name takes its place */
    { "user", ARGO_OPENAI_ANY, "" },

    { "tools", ARGO_OPENAI_IS(ARRAY) | ARGO_OPENAI_IS(NULL), "an array" },
    { "tool_choice", ARGO_OPENAI_STRING | ARGO_OPENAI_IS(OBJECT),
      "a string or an object" },
    { "parallel_tool_calls", ARGO_OPENAI_BOOL, "a boolean" },
    { "max_output_tokens", ARGO_OPENAI_NUMBER, "a number" },
    { "max_tool_calls", ARGO_OPENAI_NUMBER, "a number" },
    { "text", ARGO_OPENAI_OBJECT, "an object" },
    { "reasoning", ARGO_OPENAI_OBJECT, "an object" },
    { "temperature", ARGO_OPENAI_NUMBER, "a number" },
    { "top_p", ARGO_OPENAI_NUMBER, "a number" },
    { "top_logprobs", ARGO_OPENAI_NUMBER, "a number" },
    { "include", ARGO_OPENAI_IS(ARRAY) | ARGO_OPENAI_IS(NULL), "an array" },
    { "truncation", ARGO_OPENAI_STRING, "a string" },
    { "metadata", ARGO_OPENAI_OBJECT, "an object" },
    { "store", ARGO_OPENAI_BOOL, "a boolean" },
    { "service_tier", ARGO_OPENAI_STRING, "a string" },
    { "prompt_cache_key", ARGO_OPENAI_STRING, "a string" },
    { "safety_identifier", ARGO_OPENAI_STRING, "a string" },

    /* what no other API has a place for */
    { "client_metadata", ARGO_OPENAI_ANY, "" },
    { "context_management", ARGO_OPENAI_ANY, "" },

    /* what is refused */
    { "previous_response_id", ARGO_OPENAI_ANY, "" },
    { "conversation", ARGO_OPENAI_ANY, "" },
    { "background", ARGO_OPENAI_BOOL, "a boolean" },
    { "prompt", ARGO_OPENAI_ANY, "" },
    { "messages", ARGO_OPENAI_ANY, "" },
    { "functions", ARGO_OPENAI_ANY, "" },
    { "function_call", ARGO_OPENAI_ANY, "" },
    { "n", ARGO_OPENAI_ANY, "" },
    { "max_tokens", ARGO_OPENAI_ANY, "" },
    { "max_completion_tokens", ARGO_OPENAI_ANY, "" },
    { "response_format", ARGO_OPENAI_ANY, "" },
    { "reasoning_effort", ARGO_OPENAI_ANY, "" },
    { "verbosity", ARGO_OPENAI_ANY, "" }
};


static const argo_responses_gap_t  argo_responses_gaps[] = {

    { ARGO_RESPONSES_PREVIOUS, 0, ARGO_RESPONSES_STATELESS },
    { ARGO_RESPONSES_CONVERSATION, 0, ARGO_RESPONSES_STATELESS },

    { ARGO_RESPONSES_BACKGROUND, 1,
      " is not supported: the gateway keeps no responses that could be "
      "fetched later" },

    { ARGO_RESPONSES_PROMPT, 0,
      " is not supported: the gateway keeps no prompt templates" },

    /* chat completions' names: taken as they are they would change meaning */

    { ARGO_RESPONSES_MESSAGES, 0, ARGO_RESPONSES_MOVED "input" },
    { ARGO_RESPONSES_FUNCTIONS, 0, ARGO_RESPONSES_MOVED "tools" },
    { ARGO_RESPONSES_FUNCTION_CALL, 0, ARGO_RESPONSES_MOVED "tool_choice" },
    { ARGO_RESPONSES_N, 0, " is not a parameter of responses" },
    { ARGO_RESPONSES_MAX_TOKENS, 0,
      ARGO_RESPONSES_MOVED "max_output_tokens" },
    { ARGO_RESPONSES_MAX_COMPLETION, 0,
      ARGO_RESPONSES_MOVED "max_output_tokens" },
    { ARGO_RESPONSES_FORMAT, 0, ARGO_RESPONSES_MOVED "text.format" },
    { ARGO_RESPONSES_EFFORT, 0, ARGO_RESPONSES_MOVED "reasoning.effort" },
    { ARGO_RESPONSES_VERBOSITY, 0, ARGO_RESPONSES_MOVED "text.verbosity" }
};


#define ARGO_RESPONSES_NGAPS                                                  \
    (sizeof(argo_responses_gaps) / sizeof(argo_responses_gaps[0]))


/* members that mean the same to a chat upstream, and go up as they came */

static const ngx_uint_t  argo_responses_same[] = {
    ARGO_RESPONSES_TEMPERATURE,
    ARGO_RESPONSES_TOP_P,
    ARGO_RESPONSES_SERVICE_TIER,
    ARGO_RESPONSES_CACHE_KEY,
    ARGO_RESPONSES_SAFETY
};


#define ARGO_RESPONSES_NSAME                                                  \
    (sizeof(argo_responses_same) / sizeof(argo_responses_same[0]))


static const argo_responses_drop_t  argo_responses_drops[] = {

    { ARGO_RESPONSES_MAX_TOOL_CALLS, "max_tool_calls",
      "dropped: nobody else runs tools by itself" },
    { ARGO_RESPONSES_CLIENT_METADATA, "client_metadata",
      "dropped: only OpenAI's Responses have it" },
    { ARGO_RESPONSES_CONTEXT, "context_management",
      "dropped: only OpenAI's Responses have it" }
};


#define ARGO_RESPONSES_NDROPS                                                 \
    (sizeof(argo_responses_drops) / sizeof(argo_responses_drops[0]))


/*
 * What of a request only OpenAI's own API can serve is no error yet: the
 * model that is asked for, and so the API, is found by what is read here.
 */

ngx_int_t
argo_openai_responses_read_request(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t                   rc;
    argo_responses_request_t   *front;

    front = ngx_pcalloc(pool, sizeof(argo_responses_request_t));
    if (front == NULL) {
        return NGX_ERROR;
    }

    front->last_tool = &front->tools;

    req->front = front;
    req->adapt = argo_openai_responses_adapt;
    req->messages = NULL;
    req->last_message = &req->messages;
    req->tools = NULL;
    req->last_tool = &req->tools;

    rc = argo_openai_read_members(pool, req->root, argo_responses_members,
                                  ARGO_RESPONSES_NMEMBERS, front->found, err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_openai_responses_read_names(pool, req, front->found);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_openai_responses_read_foreign(pool, req, &front->refusal);

    if (rc == NGX_DECLINED) {
        front->refused = 1;
        rc = NGX_OK;
    }

    return rc;
}


static ngx_int_t
argo_openai_responses_read_names(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t **found)
{
    ngx_uint_t    i;
    argo_json_t  *node;

    for (i = 0; i < ARGO_RESPONSES_NSAME; i++) {
        if (found[argo_responses_same[i]]) {
            found[argo_responses_same[i]]->taken = 0;
        }
    }

    node = found[ARGO_RESPONSES_MODEL];

    if (node && argo_json_text(pool, node, &req->model) != NGX_OK) {
        return NGX_ERROR;
    }

    node = found[ARGO_RESPONSES_STREAM];
    req->stream = (node && node->type == ARGO_JSON_TRUE);

    node = found[ARGO_RESPONSES_PARALLEL];

    if (node) {
        req->parallel = (node->type == ARGO_JSON_TRUE)
                        ? ARGO_PARALLEL_YES : ARGO_PARALLEL_NO;
    }

    req->max_output = found[ARGO_RESPONSES_MAX_OUTPUT];
    req->temperature = found[ARGO_RESPONSES_TEMPERATURE];
    req->top_p = found[ARGO_RESPONSES_TOP_P];

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_foreign(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t                  rc;
    argo_responses_request_t  *front;

    front = req->front;

    /* rules for the model need the values on any way */

    rc = argo_openai_responses_read_values(pool, req, front->found, err);

    if (rc == NGX_OK) {
        rc = argo_openai_responses_check(pool, req, front->found, err);
    }

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_input(pool, req, front->found, err);
    }

    return rc;
}


static ngx_int_t
argo_openai_responses_check(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t **found, argo_error_t *err)
{
    ngx_uint_t                    i;
    const char                   *name;
    argo_json_t                  *node;
    const argo_responses_gap_t   *gap;
    const argo_responses_drop_t  *drop;

    for (i = 0; i < ARGO_RESPONSES_NGAPS; i++) {
        gap = &argo_responses_gaps[i];
        node = found[gap->member];

        if (node == NULL
            || (gap->only_true && node->type != ARGO_JSON_TRUE))
        {
            continue;
        }

        name = argo_responses_members[gap->member].name;

        return argo_error_setf(pool, err, 400, "unsupported_parameter", name,
                               "zz", name, gap->message);
    }

    for (i = 0; i < ARGO_RESPONSES_NDROPS; i++) {
        drop = &argo_responses_drops[i];

        if (found[drop->member]
            && argo_openai_responses_note(pool, req, drop->name, drop->what)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (argo_json_is(found[ARGO_RESPONSES_TRUNCATION], "auto")
        && argo_openai_responses_note(pool, req, "truncation",
                                      "dropped: a conversation that is too "
                                      "long is an error")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return argo_openai_responses_check_logprobs(found, err);
}


static ngx_int_t
argo_openai_responses_check_logprobs(argo_json_t **found, argo_error_t *err)
{
    int64_t       n;
    argo_json_t  *node;

    node = found[ARGO_RESPONSES_TOP_LOGPROBS];

    if (node && (argo_json_int(node, &n) != NGX_OK || n != 0)) {
        return argo_error_set(err, 400, "unsupported_parameter",
                              "top_logprobs", "top_logprobs is not "
                              "supported for this model");
    }

    node = found[ARGO_RESPONSES_INCLUDE];

    for (node = node ? node->child : NULL; node; node = node->next) {

        if (argo_json_is(node, "message.output_text.logprobs")) {
            return argo_error_set(err, 400, "unsupported_parameter",
                                  "include", "message.output_text.logprobs "
                                  "is not supported for this model");
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_values(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t **found, argo_error_t *err)
{
    ngx_int_t             rc;
    argo_openai_place_t   at;

    ngx_memzero(&at, sizeof(argo_openai_place_t));

    at.pool = pool;
    at.err = err;

    rc = argo_openai_responses_read_optional(&at,
                                             found[ARGO_RESPONSES_REASONING],
                                             "reasoning.effort",
                                             ARGO_OPENAI_STRING, "a string",
                                             &req->effort);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_openai_responses_read_text(&at, req,
                                           found[ARGO_RESPONSES_TEXT]);
}


static ngx_int_t
argo_openai_responses_read_text(argo_openai_place_t *at, argo_request_t *req,
    argo_json_t *text)
{
    ngx_int_t     rc;
    argo_json_t  *format;

    rc = argo_openai_responses_read_optional(at, text, "text.verbosity",
                                             ARGO_OPENAI_STRING, "a string",
                                             &req->verbosity);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_openai_responses_read_optional(at, text, "text.format",
                                             ARGO_OPENAI_OBJECT, "an object",
                                             &format);

    if (rc != NGX_OK || format == NULL) {
        return rc;
    }

    return argo_openai_responses_read_format(at, &req->format, format);
}


static ngx_int_t
argo_openai_responses_read_format(argo_openai_place_t *at,
    argo_format_t *format, argo_json_t *node)
{
    ngx_int_t     rc;
    argo_json_t  *type;

    rc = argo_openai_responses_read_optional(at, node, "text.format.type",
                                             ARGO_OPENAI_IS(STRING),
                                             "a string", &type);
    if (rc != NGX_OK) {
        return rc;
    }

    if (type == NULL) {
        return argo_openai_missing(at, "text.format.type");
    }

    if (argo_json_is(type, "text")) {
        format->type = ARGO_FORMAT_TEXT;
        return NGX_OK;
    }

    if (argo_json_is(type, "json_object")) {
        format->type = ARGO_FORMAT_JSON_OBJECT;
        return NGX_OK;
    }

    if (!argo_json_is(type, "json_schema")) {
        return argo_openai_wrong(at, "text.format.type", "invalid_value",
                                 "must be one of text, json_object and "
                                 "json_schema");
    }

    format->type = ARGO_FORMAT_JSON_SCHEMA;

    rc = argo_openai_responses_read_optional(at, node, "text.format.name",
                                             ARGO_OPENAI_IS(STRING),
                                             "a string", &format->name);

    if (rc == NGX_OK && format->name == NULL) {
        return argo_openai_missing(at, "text.format.name");
    }

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_optional(at, node,
                                                 "text.format.schema",
                                                 ARGO_OPENAI_IS(OBJECT),
                                                 "an object",
                                                 &format->schema);
    }

    if (rc == NGX_OK && format->schema == NULL) {
        return argo_openai_missing(at, "text.format.schema");
    }

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_optional(at, node,
                                                 "text.format.description",
                                                 ARGO_OPENAI_STRING,
                                                 "a string",
                                                 &format->description);
    }

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_optional(at, node,
                                                 "text.format.strict",
                                                 ARGO_OPENAI_BOOL,
                                                 "a boolean",
                                                 &format->strict);
    }

    return rc;
}


ngx_int_t
argo_openai_responses_read_optional(argo_openai_place_t *at,
    argo_json_t *obj, const char *member, unsigned types,
    const char *expected, argo_json_t **node)
{
    size_t       len;
    const char  *name;

    len = ngx_strlen(member);
    name = member + len;

    while (name > member && name[-1] != '.') {
        name--;
    }

    *node = argo_json_find(obj, name, member + len - name);

    if (*node && !(types & (1u << (*node)->type))) {
        return argo_openai_mistyped(at, member, expected, *node);
    }

    if (*node && (*node)->type == ARGO_JSON_NULL) {
        *node = NULL;
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_input(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t **found, argo_error_t *err)
{
    ngx_int_t             rc;
    argo_json_t          *input, *node;
    argo_openai_place_t   at;

    ngx_memzero(&at, sizeof(argo_openai_place_t));

    at.pool = pool;
    at.err = err;
    at.list = "tools";
    at.part = -1;

    node = found[ARGO_RESPONSES_INSTRUCTIONS];

    if (node && node->raw.len > 2
        && argo_openai_responses_add_text(pool, req, ARGO_ROLE_SYSTEM, node)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    input = found[ARGO_RESPONSES_INPUT];

    if (input == NULL) {
        return argo_error_set(err, 400, "missing_required_parameter",
                              "input", "input is missing");
    }

    if (found[ARGO_RESPONSES_TOOLS]) {
        rc = argo_openai_responses_read_tools(&at, req,
                                              found[ARGO_RESPONSES_TOOLS]);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (input->type == ARGO_JSON_STRING) {
        rc = argo_openai_responses_add_text(pool, req, ARGO_ROLE_USER, input);

    } else {
        rc = argo_openai_responses_read_items(pool, req, input, err);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    node = found[ARGO_RESPONSES_TOOL_CHOICE];

    if (node == NULL) {
        return NGX_OK;
    }

    at.list = NULL;

    return argo_openai_responses_read_choice(&at, req, node);
}


static ngx_int_t
argo_openai_responses_add_text(ngx_pool_t *pool, argo_request_t *req,
    argo_role_e role, argo_json_t *text)
{
    argo_part_t     *part;
    argo_message_t  *message;

    message = ngx_pcalloc(pool, sizeof(argo_message_t));
    part = ngx_pcalloc(pool, sizeof(argo_part_t));

    if (message == NULL || part == NULL) {
        return NGX_ERROR;
    }

    part->text = argo_json_inner(text);
    part->node = text;

    message->role = role;
    message->parts = part;
    message->string = 1;

    *req->last_message = message;
    req->last_message = &message->next;

    return NGX_OK;
}


ngx_int_t
argo_openai_responses_note(ngx_pool_t *pool, argo_request_t *req,
    const char *name, const char *what)
{
    argo_responses_note_t     *note, **last;
    argo_responses_request_t  *front;

    front = req->front;

    for (last = &front->notes; *last; last = &(*last)->next) {

        if (strcmp((*last)->name, name) == 0
            && strcmp((*last)->what, what) == 0)
        {
            return NGX_OK;
        }
    }

    note = ngx_pcalloc(pool, sizeof(argo_responses_note_t));
    if (note == NULL) {
        return NGX_ERROR;
    }

    note->name = name;
    note->what = what;

    *last = note;

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_adapt(ngx_pool_t *pool, argo_request_t *req,
    argo_dialect_e upstream, argo_error_t *err)
{
    ngx_int_t                  rc;
    argo_message_t            *message;
    argo_responses_note_t     *note;
    argo_responses_request_t  *front;

    front = req->front;

    if (front->refused) {
        *err = front->refusal;
        return NGX_DECLINED;
    }

    for (message = req->messages; message; message = message->next) {
        rc = argo_openai_responses_adapt_message(pool, req, message,
                                                 upstream, err);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    for (note = front->notes; note; note = note->next) {
        if (argo_request_note(pool, req, note->name, note->what) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (req->tools == NULL && req->tool_choice != ARGO_TOOL_CHOICE_REQUIRED) {

        /* about tools that are no more; upstreams refuse both alone */

        req->tool_choice = ARGO_TOOL_CHOICE_NONE_SAID;
        req->parallel = ARGO_PARALLEL_NOT_SAID;
    }

    return NGX_OK;
}


/* Thoughts are for the vendor alone whose model had them. */

static ngx_int_t
argo_openai_responses_adapt_message(ngx_pool_t *pool, argo_request_t *req,
    argo_message_t *message, argo_dialect_e upstream, argo_error_t *err)
{
    ngx_uint_t     dropped, texts, others;
    argo_part_t   *part, **last;

    dropped = 0;
    texts = 0;
    others = 0;
    last = &message->parts;

    for (part = message->parts; part; part = part->next) {

        if (part->type == ARGO_PART_FILE
            && upstream == ARGO_DIALECT_LEGACY)
        {
            if (argo_error_setf(pool, err, 400, "unsupported_value", NULL,
                                "Vz", &part->param, " is a file: ARGO's "
                                "legacy API takes text and images")
                == NGX_ERROR)
            {
                return NGX_ERROR;
            }

            err->param = part->param;

            return NGX_DECLINED;
        }

        if (part->signature.len
            && (part->vendor != req->target->family
                || upstream == ARGO_DIALECT_LEGACY))
        {
            ngx_str_null(&part->signature);
        }

        if (part->type == ARGO_PART_REASONING && part->signature.len == 0) {

            if (argo_openai_responses_note(pool, req, "input",
                                           "reasoning dropped: another model "
                                           "can't read it")
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            dropped = 1;
            continue;
        }

        texts += (part->type == ARGO_PART_TEXT);
        others += (part->type != ARGO_PART_TEXT
                   && part->type != ARGO_PART_TOOL_CALL);

        *last = part;
        last = &part->next;
    }

    *last = NULL;

    if (dropped) {
        message->string = (texts == 1 && others == 0);
    }

    return NGX_OK;
}
