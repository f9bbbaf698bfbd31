
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Whether ARGO's native messages can do what a client asks for, and what of
 * it they have no word for: docs/conversion/anthropic-upstream.md has the
 * tables.  A request in Anthropic's own language is not judged here.
 */


#include "argo_anthropic_back.h"
#include "argo_part.h"
#include "argo_request.h"
#include "argo_rules.h"
#include "argo_tool.h"


/* of a response_format that the tree does not reach into */
#define ARGO_ANTHROPIC_FORMAT_DEPTH  6


typedef enum {
    ARGO_GAP_DROP = 0,
    ARGO_GAP_REFUSE,                /* unless it says nothing */
    ARGO_GAP_KEEP                   /* written from the neutral form */
} argo_anthropic_gap_e;


typedef struct {
    ngx_str_t              name;
    argo_anthropic_gap_e   what;
    const char            *why;
} argo_anthropic_gap_t;


typedef struct {
    ngx_pool_t            *pool;
    argo_request_t        *req;
    argo_error_t          *err;
    argo_message_t        *message;     /* that an error would be about */
    ngx_uint_t             part;        /* of its content */
    ngx_uint_t             ids;         /* that were made up */
    unsigned               unsigned_thought:1;
    unsigned               detail:1;    /* of an image was said */
    unsigned               names:1;     /* messages have some */
} argo_anthropic_plan_t;


static ngx_int_t argo_anthropic_tell_signatures(argo_anthropic_plan_t *plan);
static ngx_int_t argo_anthropic_tell_thoughts(argo_anthropic_plan_t *plan);
static ngx_int_t argo_anthropic_check_params(argo_anthropic_plan_t *plan);
static ngx_int_t argo_anthropic_check_members(argo_anthropic_plan_t *plan);
static const argo_anthropic_gap_t *argo_anthropic_gap(const ngx_str_t *name);
static ngx_uint_t argo_anthropic_says_nothing(const argo_json_t *node);
static ngx_int_t argo_anthropic_drop_params(argo_anthropic_plan_t *plan);
static ngx_int_t argo_anthropic_check_stop(argo_anthropic_plan_t *plan);
static ngx_int_t argo_anthropic_read_format(argo_anthropic_plan_t *plan);
static ngx_int_t argo_anthropic_check_format(argo_anthropic_plan_t *plan);

static ngx_int_t argo_anthropic_check_tools(argo_anthropic_plan_t *plan);
static ngx_uint_t argo_anthropic_is_name(const ngx_str_t *name);
static ngx_int_t argo_anthropic_wrong_tool(argo_anthropic_plan_t *plan,
    const argo_tool_t *tool, const char *code, const char *what);

static ngx_int_t argo_anthropic_check_messages(argo_anthropic_plan_t *plan);
static ngx_int_t argo_anthropic_check_message(argo_anthropic_plan_t *plan);
static ngx_int_t argo_anthropic_check_part(argo_anthropic_plan_t *plan,
    argo_part_t *part);
static ngx_int_t argo_anthropic_check_call(argo_anthropic_plan_t *plan,
    argo_part_t *call);
static ngx_int_t argo_anthropic_check_data(argo_anthropic_plan_t *plan,
    const argo_part_t *part);
static ngx_uint_t argo_anthropic_is_base64(const ngx_str_t *url);
static ngx_int_t argo_anthropic_check_result(argo_anthropic_plan_t *plan,
    argo_part_t *result);
static ngx_int_t argo_anthropic_wrong_part(argo_anthropic_plan_t *plan,
    const char *code, const char *what);

static ngx_int_t argo_anthropic_pair(argo_anthropic_plan_t *plan,
    const argo_anthropic_turn_t *before, const argo_anthropic_turn_t *turn);
static argo_part_t *argo_anthropic_match(
    const argo_anthropic_turn_t *before, const argo_part_t *result);
static ngx_int_t argo_anthropic_check_turns(argo_anthropic_plan_t *plan);

static ngx_int_t argo_anthropic_check_thinking(argo_anthropic_plan_t *plan);
static ngx_uint_t argo_anthropic_thought(const argo_request_t *req);


/*
 * Members of OpenAI's requests that nobody has taken before.  What only tunes
 * an answer is left out and told; what would make it another is refused.
 */

static const argo_anthropic_gap_t  argo_anthropic_gaps[] = {
    { ngx_string("temperature"), ARGO_GAP_KEEP, NULL },
    { ngx_string("top_p"), ARGO_GAP_KEEP, NULL },
    { ngx_string("top_k"), ARGO_GAP_KEEP, NULL },
    { ngx_string("stop"), ARGO_GAP_KEEP, NULL },
    { ngx_string("max_tokens"), ARGO_GAP_KEEP, NULL },
    { ngx_string("max_completion_tokens"), ARGO_GAP_KEEP, NULL },
    { ngx_string("reasoning_effort"), ARGO_GAP_KEEP, NULL },
    { ngx_string("thinking"), ARGO_GAP_KEEP, NULL },
    { ngx_string("response_format"), ARGO_GAP_KEEP, NULL },
    { ngx_string("stream_options"), ARGO_GAP_KEEP, NULL },

    { ngx_string("audio"), ARGO_GAP_REFUSE,
      " is not supported: Claude does not speak" },
    { ngx_string("web_search_options"), ARGO_GAP_REFUSE,
      " is not supported: ARGO runs no tools of its own" },
    { ngx_string("top_logprobs"), ARGO_GAP_REFUSE,
      " is not supported: Claude gives no log probabilities" },

    { ngx_string("prediction"), ARGO_GAP_DROP, NULL },
    { ngx_string("seed"), ARGO_GAP_DROP, NULL },
    { ngx_string("frequency_penalty"), ARGO_GAP_DROP, NULL },
    { ngx_string("presence_penalty"), ARGO_GAP_DROP, NULL },
    { ngx_string("logit_bias"), ARGO_GAP_DROP, NULL },
    { ngx_string("service_tier"), ARGO_GAP_DROP, NULL },
    { ngx_string("metadata"), ARGO_GAP_DROP, NULL },
    { ngx_string("store"), ARGO_GAP_DROP, NULL },
    { ngx_string("prompt_cache_key"), ARGO_GAP_DROP, NULL },
    { ngx_string("prompt_cache_retention"), ARGO_GAP_DROP, NULL },
    { ngx_string("safety_identifier"), ARGO_GAP_DROP, NULL },
    { ngx_string("verbosity"), ARGO_GAP_DROP, NULL },
    { ngx_string("modalities"), ARGO_GAP_DROP, NULL }
};


#define ARGO_ANTHROPIC_NGAPS                                                  \
    (sizeof(argo_anthropic_gaps) / sizeof(argo_anthropic_gaps[0]))

#define ARGO_ANTHROPIC_UNKNOWN  "unknown to Anthropic's messages"


/* the lists of messages and of their parts, as each dialect names them */

static const char *const  argo_anthropic_places[][2] = {
    [ARGO_DIALECT_CHAT] = { "messages[", "].content[" },
    [ARGO_DIALECT_COMPLETIONS] = { "messages[", "].content[" },
    [ARGO_DIALECT_RESPONSES] = { "input[", "].content[" },
    [ARGO_DIALECT_EMBEDDINGS] = { "messages[", "].content[" },
    [ARGO_DIALECT_MESSAGES] = { "messages[", "].content[" },
    [ARGO_DIALECT_GEMINI] = { "contents[", "].parts[" },
    [ARGO_DIALECT_LEGACY] = { "messages[", "].content[" }
};


ngx_int_t
argo_anthropic_plan_call(ngx_pool_t *pool, const argo_request_t *req,
    ngx_uint_t pseudo, argo_call_t *call, argo_error_t *err)
{
    ngx_int_t              rc;
    ngx_uint_t             i;
    argo_anthropic_plan_t  plan;

    static ngx_int_t  (*const checks[])(argo_anthropic_plan_t *plan) = {
        argo_anthropic_check_params,
        argo_anthropic_check_members,
        argo_anthropic_drop_params,
        argo_anthropic_check_stop,
        argo_anthropic_check_tools,
        argo_anthropic_check_format,
        argo_anthropic_check_messages,
        argo_anthropic_check_turns,
        argo_anthropic_check_thinking
    };

    (void) pseudo;

    ngx_str_set(&call->tail, "v1/messages");
    ngx_str_set(&call->accept, "text/event-stream");
    call->frame = ARGO_FRAME_SSE;
    call->auth = ARGO_AUTH_ANTHROPIC;

    ngx_memzero(&plan, sizeof(argo_anthropic_plan_t));

    plan.pool = pool;
    plan.err = err;

    /* notes are a part of the plan */
    plan.req = (argo_request_t *) req;

    if (req->dialect == ARGO_DIALECT_MESSAGES) {
        return argo_anthropic_tell_signatures(&plan);
    }

    for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {

        rc = checks[i](&plan);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* Gemini's calls are signed by a block that the front has taken out. */

static ngx_int_t
argo_anthropic_tell_signatures(argo_anthropic_plan_t *plan)
{
    argo_part_t     *part;
    argo_message_t  *message;

    for (message = plan->req->messages; message; message = message->next) {

        for (part = message->parts; part; part = part->next) {

            if (part->type == ARGO_PART_TOOL_CALL && part->signature.len) {
                return argo_anthropic_tell_thoughts(plan);
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_tell_thoughts(argo_anthropic_plan_t *plan)
{
    return argo_request_note(plan->pool, plan->req, "reasoning",
                             "of the history dropped: Claude takes back only "
                             "its own, with its signature");
}


static ngx_int_t
argo_anthropic_check_params(argo_anthropic_plan_t *plan)
{
    int64_t                n;
    const argo_json_t     *modality;
    const argo_request_t  *req;

    req = plan->req;

    if (req->n && (argo_json_int(req->n, &n) != NGX_OK || n != 1)) {
        return argo_error_set(plan->err, 400, "unsupported_parameter", "n",
                              "n must be 1: Claude gives one choice");
    }

    if (req->logprobs && req->logprobs->type == ARGO_JSON_TRUE) {
        return argo_error_set(plan->err, 400, "unsupported_parameter",
                              "logprobs", "logprobs is not supported: Claude "
                              "gives no log probabilities");
    }

    modality = argo_json_get(req->root, "modalities");

    if (modality == NULL || modality->taken) {
        return NGX_OK;
    }

    for (modality = modality->child; modality; modality = modality->next) {

        if (!argo_json_is(modality, "text")) {
            return argo_error_set(plan->err, 400, "unsupported_parameter",
                                  "modalities", "modalities must be text "
                                  "alone: Claude gives nothing else");
        }
    }

    return NGX_OK;
}


/* What of OpenAI's language has been left to us; of others' it is unknown. */

static ngx_int_t
argo_anthropic_check_members(argo_anthropic_plan_t *plan)
{
    argo_json_t                 *node;
    argo_request_t              *req;
    const argo_anthropic_gap_t  *gap;

    req = plan->req;

    if (argo_anthropic_read_format(plan) != NGX_OK) {
        return NGX_ERROR;
    }

    for (node = req->root->child; node; node = node->next) {

        if (node->taken) {
            continue;
        }

        if (node->type == ARGO_JSON_NULL) {
            /* as if it were not there */
            node->taken = 1;
            continue;
        }

        gap = (req->dialect == ARGO_DIALECT_GEMINI)
              ? NULL : argo_anthropic_gap(&node->name);

        if (gap == NULL || gap->what == ARGO_GAP_DROP) {
            continue;
        }

        if (gap->what == ARGO_GAP_REFUSE
            && !argo_anthropic_says_nothing(node))
        {
            return argo_error_setf(plan->pool, plan->err, 400,
                                   "unsupported_parameter",
                                   (char *) gap->name.data, "zz",
                                   (char *) gap->name.data, gap->why);
        }

        node->taken = 1;
    }

    return argo_request_drop_untaken(plan->pool, req, req->root,
                                     ARGO_ANTHROPIC_UNKNOWN);
}


static const argo_anthropic_gap_t *
argo_anthropic_gap(const ngx_str_t *name)
{
    ngx_uint_t                   i;
    const argo_anthropic_gap_t  *gap;

    for (i = 0; i < ARGO_ANTHROPIC_NGAPS; i++) {
        gap = &argo_anthropic_gaps[i];

        if (gap->name.len == name->len
            && ngx_memcmp(gap->name.data, name->data, name->len) == 0)
        {
            return gap;
        }
    }

    return NULL;
}


static ngx_uint_t
argo_anthropic_says_nothing(const argo_json_t *node)
{
    int64_t  n;

    switch (node->type) {

    case ARGO_JSON_FALSE:
        return 1;

    case ARGO_JSON_NUMBER:
        return argo_json_int(node, &n) == NGX_OK && n == 0;

    default:
        return 0;
    }
}


/* Parameters that a front has taken, and that Claude has no word for. */

static ngx_int_t
argo_anthropic_drop_params(argo_anthropic_plan_t *plan)
{
    ngx_uint_t        i;
    argo_json_t     **node, **nodes[4];
    argo_request_t   *req;

    static const char *const  names[4] = {
        "seed", "frequency_penalty", "presence_penalty", "verbosity"
    };

    req = plan->req;

    nodes[0] = &req->seed;
    nodes[1] = &req->frequency_penalty;
    nodes[2] = &req->presence_penalty;
    nodes[3] = &req->verbosity;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        node = nodes[i];

        if (*node == NULL) {
            continue;
        }

        if (!(*node)->dropped
            && argo_request_note(plan->pool, req, names[i],
                                 "dropped: " ARGO_ANTHROPIC_UNKNOWN)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        *node = NULL;
    }

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_check_stop(argo_anthropic_plan_t *plan)
{
    ngx_str_t           text;
    ngx_uint_t          blank;
    const argo_json_t  *node, *stop;

    stop = plan->req->stop;

    if (stop == NULL) {
        return NGX_OK;
    }

    if (stop->type == ARGO_JSON_NULL) {
        plan->req->stop = NULL;
        return NGX_OK;
    }

    blank = 0;
    node = (stop->type == ARGO_JSON_ARRAY) ? stop->child : stop;

    for ( /* void */ ; node; node = node->next) {

        if (node->type != ARGO_JSON_STRING) {
            return argo_error_set(plan->err, 400, "invalid_type", "stop",
                                  "stop must be a string or an array of "
                                  "strings");
        }

        text = argo_json_inner(node);
        blank |= argo_part_is_blank(&text);

        if (node == stop) {
            break;
        }
    }

    if (!blank) {
        return NGX_OK;
    }

    return argo_request_note(plan->pool, plan->req, "stop",
                             "blank sequences dropped: Claude refuses them");
}


/* Chat completions have it in the place that is theirs. */

static ngx_int_t
argo_anthropic_read_format(argo_anthropic_plan_t *plan)
{
    argo_json_t    *node, *type;
    argo_format_t  *format;

    format = &plan->req->format;

    if (format->type != ARGO_FORMAT_NONE_SAID
        || plan->req->dialect != ARGO_DIALECT_CHAT)
    {
        return NGX_OK;
    }

    node = argo_json_get(plan->req->root, "response_format");
    type = argo_json_get(node, "type");

    if (argo_json_is(type, "json_object")) {
        format->type = ARGO_FORMAT_JSON_OBJECT;

    } else if (argo_json_is(type, "json_schema")) {
        node = argo_json_get(node, "json_schema");

        format->type = ARGO_FORMAT_JSON_SCHEMA;
        format->name = argo_json_get(node, "name");
        format->description = argo_json_get(node, "description");
        format->schema = argo_json_get(node, "schema");
        format->strict = argo_json_get(node, "strict");
    }

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_check_format(argo_anthropic_plan_t *plan)
{
    ngx_int_t       rc;
    ngx_str_t       name;
    argo_json_t    *schema;
    argo_error_t    ignored;
    argo_format_t  *format;

    format = &plan->req->format;

    if (format->type != ARGO_FORMAT_JSON_SCHEMA) {
        return NGX_OK;
    }

    schema = format->schema;

    if (schema && schema->type == ARGO_JSON_OBJECT && schema->child == NULL
        && !argo_anthropic_is_empty(schema))
    {
        /* too deep for the tree, or written by the front */

        rc = argo_json_parse(plan->pool, &schema->raw,
                             ARGO_ANTHROPIC_FORMAT_DEPTH, &schema, &ignored);
        if (rc != NGX_OK) {
            return NGX_ERROR;
        }

        format->schema = schema;
    }

    if (schema == NULL || schema->type != ARGO_JSON_OBJECT) {
        /* any object will do */
        format->type = ARGO_FORMAT_JSON_OBJECT;
        return NGX_OK;
    }

    ngx_str_set(&name, ARGO_ANTHROPIC_ANSWER);

    if (argo_anthropic_answers_by_tool(plan->req)
        && argo_tool_find(plan->req, &name))
    {
        return argo_error_set(plan->err, 400, "invalid_value", "tools",
                              "a tool must not have the name "
                              ARGO_ANTHROPIC_ANSWER ": an answer by a schema "
                              "is asked for by it");
    }

    return NGX_OK;
}


ngx_uint_t
argo_anthropic_is_empty(const argo_json_t *obj)
{
    return memchr(obj->raw.data, '"', obj->raw.len) == NULL;
}


ngx_uint_t
argo_anthropic_answers_by_tool(const argo_request_t *req)
{
    return req->format.type == ARGO_FORMAT_JSON_SCHEMA
           && req->dialect != ARGO_DIALECT_MESSAGES
           && req->tool_choice != ARGO_TOOL_CHOICE_REQUIRED
           && req->tool_choice != ARGO_TOOL_CHOICE_NAMED
           && argo_json_is(argo_json_get(req->format.schema, "type"),
                           "object");
}


ngx_uint_t
argo_anthropic_must_call(const argo_request_t *req)
{
    return argo_anthropic_answers_by_tool(req)
           || (req->tools && (req->tool_choice == ARGO_TOOL_CHOICE_REQUIRED
                              || req->tool_choice
                                 == ARGO_TOOL_CHOICE_NAMED));
}


static ngx_int_t
argo_anthropic_check_tools(argo_anthropic_plan_t *plan)
{
    ngx_uint_t          strict;
    const argo_tool_t  *tool;

    strict = 0;

    for (tool = plan->req->tools; tool; tool = tool->next) {

        if (tool->type) {
            return argo_anthropic_wrong_tool(plan, tool,
                                      "unsupported_parameter",
                                      ".type must be function: ARGO runs no "
                                      "other tools for Claude");
        }

        if (!argo_anthropic_is_name(&tool->name)) {
            return argo_anthropic_wrong_tool(plan, tool, "invalid_value",
                                      " has a name that Claude does not "
                                      "take: it must be of 1 to 128 letters, "
                                      "digits, \"_\" and \"-\"");
        }

        if (tool->strict && tool->strict->type == ARGO_JSON_TRUE) {
            strict = 1;
        }
    }

    if (!strict) {
        return NGX_OK;
    }

    return argo_request_note(plan->pool, plan->req, "strict",
                             "dropped: " ARGO_ANTHROPIC_UNKNOWN);
}


static ngx_uint_t
argo_anthropic_is_name(const ngx_str_t *name)
{
    u_char  c;
    size_t  i;

    if (name->len == 0 || name->len > ARGO_ANTHROPIC_MAX_NAME) {
        return 0;
    }

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
              || (c >= 'a' && c <= 'z') || c == '_' || c == '-'))
        {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
argo_anthropic_wrong_tool(argo_anthropic_plan_t *plan,
    const argo_tool_t *tool, const char *code, const char *what)
{
    ngx_int_t     rc;
    argo_error_t  place;

    if (argo_error_setf(plan->pool, &place, 400, NULL, NULL, "ziz", "tools[",
                        (ngx_int_t) tool->index,
                        *what == '.' ? "].type" : "]")
        != NGX_DECLINED)
    {
        return NGX_ERROR;
    }

    rc = argo_error_setf(plan->pool, plan->err, 400, code, NULL, "Vz",
                         &place.message,
                         *what == '.' ? what + sizeof(".type") - 1 : what);

    if (rc == NGX_DECLINED) {
        plan->err->param = place.message;
    }

    return rc;
}


static ngx_int_t
argo_anthropic_check_messages(argo_anthropic_plan_t *plan)
{
    ngx_int_t        rc;
    ngx_uint_t       users, silent;
    argo_message_t  *message;

    users = 0;
    silent = 1;

    for (message = plan->req->messages; message; message = message->next) {

        plan->message = message;
        plan->part = 0;

        rc = argo_anthropic_check_message(plan);
        if (rc != NGX_OK) {
            return rc;
        }

        if (message->role == ARGO_ROLE_USER) {
            users++;
        }

        if (argo_anthropic_speaks(plan->req, message)) {
            silent = 0;
        }
    }

    if (users && silent) {
        return argo_error_set(plan->err, 400, "invalid_value", "messages",
                              "all messages are blank: Claude needs "
                              "something to answer");
    }

    if (plan->detail
        && argo_request_note(plan->pool, plan->req, "detail",
                             "of images dropped: unknown to Anthropic's "
                             "messages")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (plan->names
        && argo_request_note(plan->pool, plan->req, "name",
                             "of messages dropped: unknown to Anthropic's "
                             "messages")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return plan->unsigned_thought ? argo_anthropic_tell_thoughts(plan)
                                  : NGX_OK;
}


static ngx_int_t
argo_anthropic_check_message(argo_anthropic_plan_t *plan)
{
    ngx_int_t     rc;
    argo_part_t  *part;

    if (plan->req->dialect == ARGO_DIALECT_CHAT
        && plan->message->role != ARGO_ROLE_TOOL
        && argo_json_get(plan->message->node, "name"))
    {
        plan->names = 1;
    }

    for (part = plan->message->parts; part; part = part->next) {

        if (part->type == ARGO_PART_TOOL_RESULT) {
            rc = argo_anthropic_check_result(plan, part);

        } else if (plan->message->role == ARGO_ROLE_SYSTEM
                   && part->type != ARGO_PART_TEXT)
        {
            rc = argo_anthropic_wrong_part(plan, "unsupported_value",
                                           "must be text: Claude's system "
                                           "prompt has nothing else");

        } else {
            rc = argo_anthropic_check_part(plan, part);
        }

        if (rc != NGX_OK) {
            return rc;
        }

        if (part->type != ARGO_PART_REASONING
            || plan->req->dialect == ARGO_DIALECT_GEMINI)
        {
            plan->part++;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_check_part(argo_anthropic_plan_t *plan, argo_part_t *part)
{
    argo_json_t  *refusal;

    if (part->type != ARGO_PART_REASONING && part->signature.len) {
        /* Google's */
        plan->unsigned_thought = 1;
    }

    if (part->detail && !argo_json_is(part->detail, "auto")) {
        plan->detail = 1;
    }

    switch (part->type) {

    case ARGO_PART_TOOL_CALL:
        return argo_anthropic_check_call(plan, part);

    case ARGO_PART_REASONING:

        if (!argo_anthropic_is_shown(plan->req, part)) {
            plan->unsigned_thought = 1;
        }

        return NGX_OK;

    case ARGO_PART_IMAGE:
    case ARGO_PART_FILE:
        return argo_anthropic_check_data(plan, part);

    case ARGO_PART_OTHER:
        refusal = argo_json_get(part->raw, "refusal");

        if (refusal && refusal->type == ARGO_JSON_STRING) {
            return NGX_OK;
        }

        return argo_anthropic_wrong_part(plan, "unsupported_value",
                                         "is of a type that Claude does not "
                                         "take");

    default:
        return NGX_OK;
    }
}


/* Data that is not base64, or is of a type that has no block. */

static ngx_int_t
argo_anthropic_check_data(argo_anthropic_plan_t *plan,
    const argo_part_t *part)
{
    ngx_str_t  mime;

    if (!argo_part_has_data(part)) {
        return NGX_OK;
    }

    if (part->data == NULL && part->mime.len == 0
        && !argo_anthropic_is_base64(&part->text))
    {
        return argo_anthropic_wrong_part(plan, "invalid_value",
                                         "must have its data in base64");
    }

    if (part->type != ARGO_PART_FILE) {
        return NGX_OK;
    }

    mime = argo_part_mime(part);

    if (argo_str_is(&mime, "application/pdf")
        || argo_str_is(&mime, "application\\/pdf"))
    {
        return NGX_OK;
    }

    return argo_anthropic_wrong_part(plan, "unsupported_value",
                                     "must be a PDF: Claude reads no other "
                                     "files");
}


/* A data URL says before its comma how it is written. */

static ngx_uint_t
argo_anthropic_is_base64(const ngx_str_t *url)
{
    size_t   i, n;
    u_char  *comma;

    static const char  base64[] = ";base64";

    comma = memchr(url->data, ',', url->len);
    n = sizeof(base64) - 1;

    if (comma == NULL || (size_t) (comma - url->data) < n) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (ngx_tolower(*(comma - n + i)) != base64[i]) {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
argo_anthropic_check_result(argo_anthropic_plan_t *plan, argo_part_t *result)
{
    ngx_int_t     rc;
    argo_part_t  *part;

    result->peer = NULL;

    for (part = result->parts; part; part = part->next) {

        rc = argo_anthropic_check_part(plan, part);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* OpenAI's arguments are a text; Claude wants what it says. */

static ngx_int_t
argo_anthropic_check_call(argo_anthropic_plan_t *plan, argo_part_t *call)
{
    u_char        *p;
    ngx_int_t      rc;
    ngx_str_t      text;
    argo_json_t   *root;
    argo_error_t   ignored, made;

    call->peer = NULL;

    if (!argo_anthropic_is_name(&call->name)) {
        return argo_anthropic_wrong_part(plan, "invalid_value",
                                         "calls a tool by a name that Claude "
                                         "does not take");
    }

    if (call->id.len == 0) {
        /* Claude's calls have one */

        if (argo_error_setf(plan->pool, &made, 400, NULL, NULL, "zi",
                            "call_", (ngx_int_t) plan->ids++)
            != NGX_DECLINED)
        {
            return NGX_ERROR;
        }

        call->id = made.message;
    }

    if (call->custom || (call->args && call->args->type == ARGO_JSON_OBJECT)
        || argo_part_is_blank(&call->text))
    {
        return NGX_OK;
    }

    /* no escape is shorter than what it stands for */

    text.data = ngx_pnalloc(plan->pool, call->text.len);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    p = call->text.data;
    text.len = argo_json_unescape(&p, p + call->text.len, text.data,
                                  call->text.len);

    rc = argo_json_parse(plan->pool, &text, 0, &root, &ignored);

    if (rc == NGX_ERROR || (rc == NGX_OK && root->type == ARGO_JSON_OBJECT)) {
        return rc;
    }

    if (call->param.len == 0) {
        return argo_error_set(plan->err, 400, "invalid_value", NULL,
                              "the arguments of a tool call must be a JSON "
                              "object");
    }

    rc = argo_error_setf(plan->pool, plan->err, 400, "invalid_value", NULL,
                         "Vz", &call->param, " must be a JSON object in a "
                         "string: this model's tools take nothing else");

    if (rc == NGX_DECLINED) {
        plan->err->param = call->param;
    }

    return rc;
}


static ngx_int_t
argo_anthropic_wrong_part(argo_anthropic_plan_t *plan, const char *code,
    const char *what)
{
    ngx_int_t           rc;
    argo_error_t        place;
    const char *const  *names;

    names = argo_anthropic_places[plan->req->dialect];

    if (argo_error_setf(plan->pool, &place, 400, NULL, NULL, "ziziz",
                        names[0], (ngx_int_t) plan->message->index, names[1],
                        (ngx_int_t) plan->part, "]")
        != NGX_DECLINED)
    {
        return NGX_ERROR;
    }

    rc = argo_error_setf(plan->pool, plan->err, 400, code, NULL, "Vzz",
                         &place.message, " ", what);

    if (rc == NGX_DECLINED) {
        plan->err->param = place.message;
    }

    return rc;
}


static ngx_int_t
argo_anthropic_check_turns(argo_anthropic_plan_t *plan)
{
    ngx_int_t               rc;
    argo_message_t         *next;
    argo_anthropic_turn_t   turn, before;

    ngx_memzero(&before, sizeof(argo_anthropic_turn_t));

    next = plan->req->messages;

    while (argo_anthropic_next_turn(plan->req, &next, &turn) == NGX_OK) {

        if (!turn.assistant) {
            rc = argo_anthropic_pair(plan, &before, &turn);
            if (rc != NGX_OK) {
                return rc;
            }
        }

        before = turn;
    }

    return NGX_OK;
}


/*
 * Pairs the calls of a turn with the results of the next.  A result that
 * answers nothing is refused: to leave it out would be to drop, unseen, what
 * the client wants the model to know.
 */

static ngx_int_t
argo_anthropic_pair(argo_anthropic_plan_t *plan,
    const argo_anthropic_turn_t *before, const argo_anthropic_turn_t *turn)
{
    ngx_uint_t       n;
    argo_part_t     *call, *result;
    argo_message_t  *message;

    n = 0;

    for (message = before->first;
         message != before->end;
         message = message->next)
    {
        for (call = message->parts; call; call = call->next) {
            if (call->type == ARGO_PART_TOOL_CALL
                && ++n > ARGO_ANTHROPIC_MAX_CALLS)
            {
                return argo_error_set(plan->err, 400, "invalid_value",
                                      "messages", "a message has more than "
                                      "512 tool calls");
            }
        }
    }

    for (message = turn->first;
         message != turn->end;
         message = message->next)
    {
        result = message->parts;

        if (message->role != ARGO_ROLE_TOOL || result == NULL) {
            continue;
        }

        call = argo_anthropic_match(before, result);

        if (call == NULL) {
            return argo_tool_unpaired(plan->pool, result, plan->err);
        }

        call->peer = result;
        result->peer = call;
    }

    return NGX_OK;
}


/* Google's results may have no id: then names and order tell. */

static argo_part_t *
argo_anthropic_match(const argo_anthropic_turn_t *before,
    const argo_part_t *result)
{
    argo_part_t     *call;
    argo_message_t  *message;

    for (message = before->first;
         message != before->end;
         message = message->next)
    {
        for (call = message->parts; call; call = call->next) {

            if (call->type != ARGO_PART_TOOL_CALL || call->peer) {
                continue;
            }

            if (result->id.len ? argo_tool_same(&call->id, &result->id)
                               : (result->name.len == 0
                                  || argo_tool_same(&call->name,
                                                    &result->name)))
            {
                return call;
            }
        }
    }

    return NULL;
}


/*
 * Claude does not think where it is made to call a tool; and where it goes on
 * after calls it wants to see what it thought before them, which clients of
 * other languages do not keep.
 */

static ngx_int_t
argo_anthropic_check_thinking(argo_anthropic_plan_t *plan)
{
    const char      *why;
    argo_request_t  *req;

    req = plan->req;

    if (req->thinking.type != ARGO_THINKING_ENABLED
        && req->thinking.type != ARGO_THINKING_ADAPTIVE)
    {
        return NGX_OK;
    }

    if (argo_anthropic_must_call(req)) {
        why = "dropped: a call is asked for that must be made";

    } else if (req->thinking.type == ARGO_THINKING_ENABLED
               && !argo_anthropic_thought(req))
    {
        why = "dropped: the history has calls without their thinking";

    } else {
        return NGX_OK;
    }

    req->thinking.type = (req->profile == NULL
                          || (req->profile->thinking & ARGO_THINKS_DISABLED))
                         ? ARGO_THINKING_DISABLED : ARGO_THINKING_NONE_SAID;

    return argo_request_note(plan->pool, req, "thinking", why);
}


/* False if the last of the assistant's turns calls tools without thinking. */

static ngx_uint_t
argo_anthropic_thought(const argo_request_t *req)
{
    argo_part_t            *part;
    argo_message_t         *next, *message;
    argo_anthropic_turn_t   turn, last;

    ngx_memzero(&last, sizeof(argo_anthropic_turn_t));

    next = req->messages;

    while (argo_anthropic_next_turn(req, &next, &turn) == NGX_OK) {

        if (turn.assistant) {
            last = turn;
        }
    }

    for (message = last.first; message != last.end; message = message->next) {

        for (part = message->parts; part; part = part->next) {

            if (!argo_anthropic_is_shown(req, part)) {
                continue;
            }

            if (part->type == ARGO_PART_REASONING) {
                return 1;
            }

            if (part->type == ARGO_PART_TOOL_CALL) {
                return 0;
            }
        }
    }

    return 1;
}
