
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * How much a model shall think, from the words of one vendor to those of
 * another: OpenAI's and ARGO's other models take an effort, Claude thinking
 * and an effort or a budget, as the model is.
 */


#include "argo_rules_apply.h"


#define ARGO_RULES_BLOCK  128


/* docs/rules.md has this table; budgets are the least of an effort */

static const struct {
    ngx_str_t    name;
    ngx_uint_t   effort;
    int64_t      budget;                /* tokens; 0: it does not think */
    int64_t      from;                  /* budgets from here on are of it */

} argo_rules_efforts[] = {

    { ngx_string("\"none\""), ARGO_EFFORT_NONE, 0, 0 },
    { ngx_string("\"minimal\""), ARGO_EFFORT_MINIMAL, 0, 1 },
    { ngx_string("\"low\""), ARGO_EFFORT_LOW, 2048, 1024 },
    { ngx_string("\"medium\""), ARGO_EFFORT_MEDIUM, 8192, 4096 },
    { ngx_string("\"high\""), ARGO_EFFORT_HIGH, 16384, 16384 },
    { ngx_string("\"xhigh\""), ARGO_EFFORT_XHIGH, 32768, 32768 },
    { ngx_string("\"max\""), ARGO_EFFORT_MAX, 65536, 65536 }
};


#define ARGO_RULES_NEFFORTS                                                   \
    (sizeof(argo_rules_efforts) / sizeof(argo_rules_efforts[0]))


static ngx_int_t argo_rules_to_effort(argo_rules_job_t *job);
static ngx_int_t argo_rules_effort_with_tools(argo_rules_job_t *job);
static ngx_int_t argo_rules_to_thinking(argo_rules_job_t *job);
static ngx_int_t argo_rules_think_from_effort(argo_rules_job_t *job);
static ngx_int_t argo_rules_think_enabled(argo_rules_job_t *job);
static ngx_int_t argo_rules_think_adaptive(argo_rules_job_t *job);
static ngx_int_t argo_rules_dont_think(argo_rules_job_t *job,
    const char *why);
static ngx_int_t argo_rules_check_thinking(argo_rules_job_t *job);
static ngx_uint_t argo_rules_unthought(const argo_request_t *req);

static ngx_uint_t argo_rules_effort(const argo_json_t *node);
static ngx_uint_t argo_rules_effort_of(int64_t budget);
static int64_t argo_rules_budget_of(ngx_uint_t effort);
static ngx_uint_t argo_rules_nearest(ngx_uint_t efforts, ngx_uint_t effort);
static ngx_int_t argo_rules_set_effort(argo_rules_job_t *job,
    ngx_uint_t effort, const char *why);
static ngx_int_t argo_rules_fit_effort(argo_rules_job_t *job);
static ngx_int_t argo_rules_drop_reasoning(argo_rules_job_t *job,
    const char *why);
static ngx_int_t argo_rules_drop_thinking(argo_rules_job_t *job,
    const char *why);
static ngx_int_t argo_rules_set_thinking(argo_rules_job_t *job,
    argo_thinking_e type, int64_t budget, const char *why);
static ngx_int_t argo_rules_enable(argo_rules_job_t *job, int64_t budget,
    const char *why);


ngx_int_t
argo_rules_apply_thinking(argo_rules_job_t *job)
{
    argo_family_e  family;

    family = job->req->target->family;

    switch (job->upstream) {

    case ARGO_DIALECT_MESSAGES:
        return argo_rules_to_thinking(job);

    case ARGO_DIALECT_LEGACY:

        /* of others nothing is known, and their clients' words go up */

        if (family != ARGO_FAMILY_OPENAI) {
            return NGX_OK;
        }

        return argo_rules_fit_effort(job);

    default:
        return argo_rules_to_effort(job);
    }
}


/* For chat completions and Responses. */

static ngx_int_t
argo_rules_to_effort(argo_rules_job_t *job)
{
    int64_t           budget;
    ngx_uint_t        effort;
    argo_request_t   *req;
    argo_thinking_e   type;

    req = job->req;
    type = req->thinking.type;
    effort = 0;

    if (type == ARGO_THINKING_DISABLED) {
        effort = ARGO_EFFORT_NONE;

    } else if (type == ARGO_THINKING_ENABLED && !argo_rules_said(req->effort)
               && req->thinking.budget
               && argo_json_int(req->thinking.budget, &budget) == NGX_OK)
    {
        effort = argo_rules_effort_of(budget);
    }

    if (effort && job->profile->efforts) {

        effort = argo_rules_nearest(job->profile->efforts, effort);

        if (argo_rules_drop_thinking(job, "told as an effort") != NGX_OK
            || argo_rules_set_effort(job, effort, "for thinking") != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else if (argo_rules_drop_thinking(job, job->profile->efforts
                                             ? "the model decides"
                                             : "the model does not take it")
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (argo_rules_fit_effort(job) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_rules_effort_with_tools(job);
}


static ngx_int_t
argo_rules_effort_with_tools(argo_rules_job_t *job)
{
    argo_request_t  *req;

    static const char  *why = "the model does not take it with tools";

    req = job->req;

    if (job->profile->tools_effort || req->tools == NULL
        || job->upstream != ARGO_DIALECT_CHAT || !argo_rules_said(req->effort)
        || argo_rules_effort(req->effort) == ARGO_EFFORT_NONE)
    {
        return NGX_OK;
    }

    job->reasons = 0;

    if (job->profile->efforts & ARGO_EFFORT_NONE) {
        return argo_rules_set_effort(job, ARGO_EFFORT_NONE, why);
    }

    return argo_rules_drop(job, &req->effort,
                           argo_rules_name(job, ARGO_RULES_EFFORT), why);
}


/* For Anthropic's messages. */

static ngx_int_t
argo_rules_to_thinking(argo_rules_job_t *job)
{
    ngx_int_t        rc;
    argo_request_t  *req;

    req = job->req;
    rc = NGX_OK;

    if (req->thinking.node && req->thinking.type == ARGO_THINKING_NONE_SAID
        && !job->spliced
        && argo_rules_drop_thinking(job, "it has no type that is known")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    switch (req->thinking.type) {

    case ARGO_THINKING_ENABLED:
        rc = argo_rules_think_enabled(job);
        break;

    case ARGO_THINKING_ADAPTIVE:
        rc = argo_rules_think_adaptive(job);
        break;

    case ARGO_THINKING_DISABLED:

        if (!(job->profile->thinking & ARGO_THINKS_DISABLED)) {
            rc = argo_rules_drop_thinking(job, "the model does not take it");
        }

        break;

    default: /* ARGO_THINKING_NONE_SAID */

        if (argo_rules_said(req->effort)) {
            rc = argo_rules_think_from_effort(job);
        }
    }

    if (rc != NGX_OK || argo_rules_check_thinking(job) != NGX_OK) {
        return NGX_ERROR;
    }

    job->thinks = (req->thinking.type == ARGO_THINKING_ENABLED
                   || req->thinking.type == ARGO_THINKING_ADAPTIVE
                   || (req->thinking.type == ARGO_THINKING_NONE_SAID
                       && (job->profile->thinking & ARGO_THINKS_DEFAULT)));

    return argo_rules_fit_effort(job);
}


static ngx_int_t
argo_rules_think_from_effort(argo_rules_job_t *job)
{
    ngx_uint_t       effort;
    const char      *name;
    argo_request_t  *req;

    req = job->req;
    effort = argo_rules_effort(req->effort);
    name = argo_rules_name(job, ARGO_RULES_EFFORT);

    if (effort == ARGO_EFFORT_NONE || effort == ARGO_EFFORT_MINIMAL) {

        if (job->spliced && (job->profile->efforts & effort)) {
            return NGX_OK;
        }

        if (argo_rules_drop(job, &req->effort, name,
                            "told as no thinking")
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if ((job->profile->thinking & ARGO_THINKS_DEFAULT)
            && (job->profile->thinking & ARGO_THINKS_DISABLED))
        {
            return argo_rules_set_thinking(job, ARGO_THINKING_DISABLED, 0,
                                           "for the effort");
        }

        return NGX_OK;
    }

    if (job->spliced || effort == 0) {
        return NGX_OK;
    }

    if (job->profile->thinking & ARGO_THINKS_ADAPTIVE) {
        return argo_rules_set_thinking(job, ARGO_THINKING_ADAPTIVE, 0,
                                       "for the effort");
    }

    if (!(job->profile->thinking & ARGO_THINKS_ENABLED)) {
        return argo_rules_drop(job, &req->effort, name,
                               "the model does not think");
    }

    if (argo_rules_enable(job, argo_rules_budget_of(effort), "for the effort")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return argo_rules_drop(job, &req->effort, name, "told as a budget");
}


static ngx_int_t
argo_rules_think_enabled(argo_rules_job_t *job)
{
    int64_t          n, limit;
    ngx_uint_t       effort;
    argo_json_t    **field;
    argo_request_t  *req;

    req = job->req;

    if (req->thinking.budget == NULL
        || argo_json_int(req->thinking.budget, &n) != NGX_OK)
    {
        n = 0;
    }

    if (job->profile->thinking & ARGO_THINKS_ENABLED) {
        field = argo_rules_limit(req);

        if (n >= ARGO_RULES_MIN_BUDGET
            && (field == NULL || argo_json_int(*field, &limit) != NGX_OK
                || n < limit))
        {
            return NGX_OK;
        }

        return argo_rules_enable(job, n, "budgets are of 1024 tokens at the "
                                         "least and below the limit");
    }

    if (!(job->profile->thinking & ARGO_THINKS_ADAPTIVE)) {
        return argo_rules_drop_thinking(job, "the model does not think");
    }

    if (argo_rules_set_thinking(job, ARGO_THINKING_ADAPTIVE, 0,
                                "the model takes no budget")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (n == 0 || job->profile->efforts == 0 || argo_rules_said(req->effort))
    {
        return NGX_OK;
    }

    effort = argo_rules_nearest(job->profile->efforts,
                                argo_rules_effort_of(n));

    return argo_rules_set_effort(job, effort, "for the budget");
}


static ngx_int_t
argo_rules_think_adaptive(argo_rules_job_t *job)
{
    ngx_uint_t       effort;
    argo_request_t  *req;

    req = job->req;

    if (job->profile->thinking & ARGO_THINKS_ADAPTIVE) {

        if (argo_json_get(req->thinking.node, "budget_tokens") == NULL) {
            return NGX_OK;
        }

        return argo_rules_set_thinking(job, ARGO_THINKING_ADAPTIVE, 0,
                                       "it has no budget");
    }

    if (!(job->profile->thinking & ARGO_THINKS_ENABLED)) {
        return argo_rules_drop_thinking(job, "the model does not think");
    }

    effort = argo_rules_said(req->effort) ? argo_rules_effort(req->effort)
                                          : 0;

    if (argo_rules_enable(job, argo_rules_budget_of(effort),
                          "the model needs a budget")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (effort == 0) {
        return NGX_OK;
    }

    return argo_rules_drop(job, &req->effort,
                           argo_rules_name(job, ARGO_RULES_EFFORT),
                           "told as a budget");
}


/* Anthropic refuses to think in some conversations. */

static ngx_int_t
argo_rules_check_thinking(argo_rules_job_t *job)
{
    argo_request_t   *req;
    argo_thinking_e   type;

    req = job->req;
    type = req->thinking.type;

    if (type == ARGO_THINKING_DISABLED
        || (type == ARGO_THINKING_NONE_SAID
            && !(job->profile->thinking & ARGO_THINKS_DEFAULT)))
    {
        return NGX_OK;
    }

    if (req->tools && (req->tool_choice == ARGO_TOOL_CHOICE_REQUIRED
                       || req->tool_choice == ARGO_TOOL_CHOICE_NAMED))
    {
        return argo_rules_dont_think(job, "tool_choice asks for a call");
    }

    if (type == ARGO_THINKING_ENABLED && argo_rules_unthought(req)) {
        return argo_rules_dont_think(job, "the turn has begun without");
    }

    return NGX_OK;
}


/*
 * A turn of the assistant that goes on, behind the results of its calls or
 * as a text begun, must have begun with its thinking.  What a user says
 * together with results does not end it.
 */

static ngx_uint_t
argo_rules_unthought(const argo_request_t *req)
{
    ngx_uint_t             results;
    const argo_message_t  *message, *last;

    last = NULL;
    results = 0;

    for (message = req->messages; message; message = message->next) {

        switch (message->role) {

        case ARGO_ROLE_ASSISTANT:

            /* the first of a turn begins it */

            if (last == NULL) {
                last = message;
            }

            results = 0;
            break;

        case ARGO_ROLE_TOOL:
            results = 1;
            break;

        case ARGO_ROLE_USER:

            if (!results) {
                last = NULL;
            }

            break;

        default:
            break;
        }
    }

    if (last == NULL) {
        return 0;
    }

    return last->parts == NULL
           || last->parts->type != ARGO_PART_REASONING
           || last->parts->vendor != ARGO_FAMILY_ANTHROPIC
           || last->parts->signature.len == 0;
}


static ngx_int_t
argo_rules_dont_think(argo_rules_job_t *job, const char *why)
{
    if (job->profile->thinking & ARGO_THINKS_DISABLED) {
        return argo_rules_set_thinking(job, ARGO_THINKING_DISABLED, 0, why);
    }

    return argo_rules_drop_thinking(job, why);
}


/* 0: none that is known */

static ngx_uint_t
argo_rules_effort(const argo_json_t *node)
{
    ngx_uint_t  i;

    for (i = 0; i < ARGO_RULES_NEFFORTS; i++) {

        if (argo_json_text_is(node,
                              (char *) argo_rules_efforts[i].name.data + 1,
                              argo_rules_efforts[i].name.len - 2))
        {
            return argo_rules_efforts[i].effort;
        }
    }

    return 0;
}


static ngx_uint_t
argo_rules_effort_of(int64_t budget)
{
    ngx_uint_t  i;

    for (i = ARGO_RULES_NEFFORTS - 1; i > 0; i--) {

        if (budget >= argo_rules_efforts[i].from) {
            break;
        }
    }

    return argo_rules_efforts[i].effort;
}


/* 0: the effort is not known */

static int64_t
argo_rules_budget_of(ngx_uint_t effort)
{
    ngx_uint_t  i;

    for (i = 0; i < ARGO_RULES_NEFFORTS; i++) {

        if (argo_rules_efforts[i].effort == effort) {
            return argo_rules_efforts[i].budget;
        }
    }

    return 0;
}


/*
 * The effort itself, else the next lower one, else the next higher one; but
 * who wants some thinking does not get none.
 */

static ngx_uint_t
argo_rules_nearest(ngx_uint_t efforts, ngx_uint_t effort)
{
    ngx_uint_t  bit, least;

    least = (effort >= ARGO_EFFORT_LOW) ? ARGO_EFFORT_LOW : ARGO_EFFORT_NONE;

    for (bit = effort; bit >= least && bit; bit >>= 1) {
        if (efforts & bit) {
            return bit;
        }
    }

    for (bit = effort; bit <= ARGO_EFFORT_MAX; bit <<= 1) {
        if (efforts & bit) {
            return bit;
        }
    }

    return (efforts & ARGO_EFFORT_MINIMAL) ? ARGO_EFFORT_MINIMAL
                                           : ARGO_EFFORT_NONE;
}


/* An effort that goes up is one that the model knows. */

static ngx_int_t
argo_rules_fit_effort(argo_rules_job_t *job)
{
    ngx_uint_t       effort, nearest;
    argo_request_t  *req;

    static const char  *why = "the model does not take it";

    req = job->req;

    if (job->profile->efforts == 0 && job->spliced
        && job->upstream == ARGO_DIALECT_RESPONSES)
    {
        return argo_rules_drop_reasoning(job, why);
    }

    if (!argo_rules_said(req->effort)) {
        return NGX_OK;
    }

    if (job->profile->efforts == 0) {
        return argo_rules_drop(job, &req->effort,
                               argo_rules_name(job, ARGO_RULES_EFFORT), why);
    }

    effort = argo_rules_effort(req->effort);

    if (effort == 0) {

        /* nobody knows it: upstream shall say so */

        return NGX_OK;
    }

    nearest = argo_rules_nearest(job->profile->efforts, effort);

    job->reasons = (!job->profile->effort_sampling
                    && nearest != ARGO_EFFORT_NONE);

    if (nearest == effort) {
        return NGX_OK;
    }

    return argo_rules_set_effort(job, nearest,
                                 "the nearest that the model takes");
}


/* All that Responses' clients ask for that only a model has that reasons. */

static ngx_int_t
argo_rules_drop_reasoning(argo_rules_job_t *job, const char *why)
{
    argo_json_t     *node, *include, *item;
    argo_request_t  *req;

    req = job->req;
    req->effort = NULL;

    node = argo_json_get(req->root, "reasoning");

    if (argo_rules_said(node)
        && argo_rules_drop(job, &node, "reasoning", why) != NGX_OK)
    {
        return NGX_ERROR;
    }

    include = argo_json_get(req->root, "include");

    if (include == NULL || include->type != ARGO_JSON_ARRAY) {
        return NGX_OK;
    }

    for (item = include->child; item; item = item->next) {

        if (!argo_json_is(item, "reasoning.encrypted_content")) {
            continue;
        }

        if (include->count == 1) {
            return argo_rules_drop(job, &include, "include", why);
        }

        node = item;

        return argo_request_drop(job->pool, req, include, &node,
                                 "reasoning.encrypted_content", why);
    }

    return NGX_OK;
}


static ngx_int_t
argo_rules_set_effort(argo_rules_job_t *job, ngx_uint_t effort,
    const char *why)
{
    ngx_uint_t        i;
    const char       *name;
    argo_json_t      *parent;
    argo_request_t   *req;
    const ngx_str_t  *value;

    req = job->req;

    for (i = 0; argo_rules_efforts[i].effort != effort; i++) {
        /* it is one of them */
    }

    value = &argo_rules_efforts[i].name;

    if (req->effort) {
        return argo_rules_set(job, &req->effort, ARGO_JSON_STRING,
                              argo_rules_name(job, ARGO_RULES_EFFORT), value,
                              why);
    }

    /* its place, in a request that is spliced */

    if (job->upstream == ARGO_DIALECT_CHAT) {
        name = "reasoning_effort";
        parent = NULL;

    } else {
        name = "effort";
        parent = NULL;

        if (job->spliced) {
            parent = (job->upstream == ARGO_DIALECT_MESSAGES)
                     ? argo_json_get(req->root, "output_config")
                     : argo_json_get(req->root, "reasoning");
        }

        if (parent && parent->type != ARGO_JSON_OBJECT) {
            parent->taken = 1;
            parent->dropped = 1;
            parent = NULL;
        }
    }

    return argo_request_add(job->pool, req, parent,
                            (job->upstream == ARGO_DIALECT_MESSAGES)
                            ? "output_config"
                            : (job->upstream == ARGO_DIALECT_RESPONSES)
                              ? "reasoning" : NULL,
                            &req->effort, ARGO_JSON_STRING, name, value, why);
}


static ngx_int_t
argo_rules_drop_thinking(argo_rules_job_t *job, const char *why)
{
    ngx_int_t         rc;
    argo_thinking_t  *thinking;

    thinking = &job->req->thinking;
    rc = NGX_OK;

    if (thinking->node) {
        rc = argo_rules_drop(job, &thinking->node,
                             argo_rules_name(job, ARGO_RULES_THINKING), why);
    }

    ngx_memzero(thinking, sizeof(argo_thinking_t));

    return rc;
}


/* All that is said of thinking, anew. */

static ngx_int_t
argo_rules_set_thinking(argo_rules_job_t *job, argo_thinking_e type,
    int64_t budget, const char *why)
{
    ngx_str_t         value, number;
    argo_out_t        out;
    argo_thinking_t  *thinking;

    static const char  *types[] = { "", "disabled", "enabled", "adaptive" };

    thinking = &job->req->thinking;
    ngx_str_null(&number);

    argo_out_init(&out, job->pool, ARGO_RULES_BLOCK, NULL, 1);

    if (type == ARGO_THINKING_ENABLED) {
        argo_out_int(&out, budget);

        if (argo_out_flatten(&out, job->pool, &number) != NGX_OK) {
            return NGX_ERROR;
        }

        (void) argo_out_take(&out);
    }

    argo_out_lit(&out, "{\"type\":\"");
    argo_out_write(&out, types[type], ngx_strlen(types[type]));
    argo_out_lit(&out, "\"");

    if (number.len) {
        argo_out_lit(&out, ",\"budget_tokens\":");
        argo_out_str(&out, &number);
    }

    if (thinking->display && type != ARGO_THINKING_DISABLED) {
        argo_out_lit(&out, ",\"display\":");
        argo_out_str(&out, &thinking->display->raw);

    } else {
        thinking->display = NULL;
    }

    argo_out_lit(&out, "}");

    if (argo_out_flatten(&out, job->pool, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    thinking->type = type;
    thinking->budget = NULL;

    if (number.len) {
        thinking->budget = argo_request_node(job->pool, ARGO_JSON_NUMBER,
                                             &number);
        if (thinking->budget == NULL) {
            return NGX_ERROR;
        }
    }

    return argo_rules_set(job, &thinking->node, ARGO_JSON_OBJECT,
                          thinking->node
                          ? argo_rules_name(job, ARGO_RULES_THINKING)
                          : "thinking",
                          &value, why);
}


/*
 * Thinking with a budget (0: four fifths of the limit), which is a part of
 * the limit: the smaller one of the two gives way, unless nothing would be
 * left.
 */

static ngx_int_t
argo_rules_enable(argo_rules_job_t *job, int64_t budget, const char *why)
{
    int64_t        limit, most;
    argo_json_t  **field;

    field = argo_rules_limit(job->req);

    if (field && argo_json_int(*field, &limit) == NGX_OK && limit > 0) {

        most = limit - limit / 5;

        if (budget == 0 || budget > most) {
            budget = most;
        }

        if (budget < ARGO_RULES_MIN_BUDGET) {
            budget = ARGO_RULES_MIN_BUDGET;
        }

        if (limit <= budget
            && argo_rules_set_int(job, field,
                                  argo_rules_name(job, ARGO_RULES_MAX_OUTPUT),
                                  limit + budget,
                                  "the budget for thinking is a part of it")
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (budget < ARGO_RULES_MIN_BUDGET) {
        budget = ARGO_RULES_MIN_BUDGET;
    }

    return argo_rules_set_thinking(job, ARGO_THINKING_ENABLED, budget, why);
}
