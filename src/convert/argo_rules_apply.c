
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The profile of a model applied to a request: limits, sampling and what else
 * is one member.  A request that needs nothing is not changed.
 */


#include "argo_rules_apply.h"
#include "argo_float.h"


/*
 * ARGO refuses at once a Claude call on chat completions that is not streamed
 * and may take more than ten minutes; this much has been seen to pass.
 */
#define ARGO_RULES_UNARY_TOKENS  21000

#define ARGO_RULES_BLOCK  64

/* with thinking Anthropic takes no less of top_p */
#define ARGO_RULES_MIN_TOP_P  0.95f


static void argo_rules_adopt(argo_rules_job_t *job);
static ngx_int_t argo_rules_apply_limits(argo_rules_job_t *job);
static ngx_int_t argo_rules_name_limit(argo_rules_job_t *job);
static ngx_int_t argo_rules_default_limit(argo_rules_job_t *job);
static ngx_int_t argo_rules_cap_limit(argo_rules_job_t *job,
    argo_json_t **field, const char *name);
static ngx_uint_t argo_rules_all_digits(const argo_json_t *node);

static ngx_int_t argo_rules_apply_sampling(argo_rules_job_t *job);
static ngx_int_t argo_rules_sampling_with(argo_rules_job_t *job);
static ngx_int_t argo_rules_sample(argo_rules_job_t *job,
    argo_json_t **field, argo_rules_param_e param, argo_takes_e takes);
static ngx_int_t argo_rules_cap_temperature(argo_rules_job_t *job);
static ngx_uint_t argo_rules_is_one(const argo_json_t *node);
static ngx_uint_t argo_rules_float(const argo_json_t *node, float *value);

static ngx_int_t argo_rules_apply_drops(argo_rules_job_t *job);
static argo_json_t **argo_rules_field(argo_request_t *req,
    const ngx_str_t *name);
static ngx_int_t argo_rules_drop_member(argo_rules_job_t *job,
    const ngx_str_t *word);
static argo_json_t *argo_rules_parent(const argo_request_t *req,
    const argo_json_t *node);


/* those of OpenAI's chat completions, Responses, Anthropic's and Google's */

static const char  *argo_rules_names[ARGO_RULES_NPARAMS][4] = {
    { "temperature", "temperature", "temperature",
      "generationConfig.temperature" },
    { "top_p", "top_p", "top_p", "generationConfig.topP" },
    { "top_k", "top_k", "top_k", "generationConfig.topK" },
    { "reasoning_effort", "reasoning.effort", "output_config.effort",
      "generationConfig.thinkingConfig.thinkingLevel" },
    { "thinking", "thinking", "thinking",
      "generationConfig.thinkingConfig" },
    { "max_tokens", "max_output_tokens", "max_tokens",
      "generationConfig.maxOutputTokens" },
    { "messages", "input", "messages", "contents" }
};


ngx_int_t
argo_rules_apply(ngx_pool_t *pool, argo_request_t *req,
    argo_dialect_e upstream, argo_error_t *err)
{
    argo_rules_job_t  job;

    if (req->profile == NULL) {
        return NGX_OK;
    }

    ngx_memzero(&job, sizeof(argo_rules_job_t));

    job.pool = pool;
    job.req = req;
    job.profile = req->profile;
    job.upstream = upstream;
    job.spliced = (req->dialect == upstream);

    argo_rules_adopt(&job);

    if (argo_rules_apply_limits(&job) != NGX_OK
        || argo_rules_apply_thinking(&job) != NGX_OK
        || argo_rules_apply_sampling(&job) != NGX_OK
        || argo_rules_apply_drops(&job) != NGX_OK
        || argo_rules_apply_messages(&job) != NGX_OK
        || argo_rules_apply_tools(&job) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * Parameters of other vendors that clients of chat completions send for these
 * vendors' models.
 */

static void
argo_rules_adopt(argo_rules_job_t *job)
{
    argo_json_t      *node, *type;
    argo_request_t   *req;
    argo_thinking_t  *thinking;

    req = job->req;
    thinking = &req->thinking;

    if (req->dialect != ARGO_DIALECT_CHAT || req->root == NULL
        || job->upstream == ARGO_DIALECT_LEGACY)
    {
        return;
    }

    node = argo_json_get(req->root, "top_k");

    if (req->top_k == NULL && argo_rules_said(node) && !node->dropped) {
        req->top_k = node;
    }

    node = argo_json_get(req->root, "thinking");

    if (thinking->node || !argo_rules_said(node) || node->dropped) {
        return;
    }

    thinking->node = node;
    thinking->budget = argo_json_get(node, "budget_tokens");
    thinking->display = argo_json_get(node, "display");

    type = argo_json_get(node, "type");

    if (type == NULL) {
        return;
    }

    if (argo_json_is(type, "enabled")) {
        thinking->type = ARGO_THINKING_ENABLED;

    } else if (argo_json_is(type, "adaptive")) {
        thinking->type = ARGO_THINKING_ADAPTIVE;

    } else if (argo_json_is(type, "disabled")) {
        thinking->type = ARGO_THINKING_DISABLED;
    }
}


const char *
argo_rules_name(const argo_rules_job_t *job, argo_rules_param_e param)
{
    switch (job->req->dialect) {

    case ARGO_DIALECT_RESPONSES:
        return argo_rules_names[param][1];

    case ARGO_DIALECT_MESSAGES:
        return argo_rules_names[param][2];

    case ARGO_DIALECT_GEMINI:
        return argo_rules_names[param][3];

    default:
        return argo_rules_names[param][0];
    }
}


ngx_uint_t
argo_rules_said(const argo_json_t *node)
{
    return node && node->type != ARGO_JSON_NULL;
}


ngx_int_t
argo_rules_drop(argo_rules_job_t *job, argo_json_t **field, const char *name,
    const char *why)
{
    argo_json_t  *parent;

    parent = argo_rules_parent(job->req, *field);

    if (parent && parent->count == 1) {

        /* nothing would be left of it */

        (*field)->taken = 1;
        *field = NULL;

        return argo_request_drop(job->pool, job->req, NULL, &parent, name,
                                 why);
    }

    return argo_request_drop(job->pool, job->req, parent, field, name, why);
}


ngx_int_t
argo_rules_set(argo_rules_job_t *job, argo_json_t **field, argo_json_e type,
    const char *name, const ngx_str_t *value, const char *why)
{
    return argo_request_set(job->pool, job->req,
                            argo_rules_parent(job->req, *field), field, type,
                            name, value, why);
}


ngx_int_t
argo_rules_set_int(argo_rules_job_t *job, argo_json_t **field,
    const char *name, int64_t n, const char *why)
{
    ngx_str_t   value;
    argo_out_t  out;

    argo_out_init(&out, job->pool, ARGO_RULES_BLOCK, NULL, 1);
    argo_out_int(&out, n);

    if (argo_out_flatten(&out, job->pool, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_rules_set(job, field, ARGO_JSON_NUMBER, name, &value, why);
}


/* The object that a member is in, if that is not the root. */

static argo_json_t *
argo_rules_parent(const argo_request_t *req, const argo_json_t *node)
{
    argo_json_t  *obj, *member;

    if (node == NULL || req->root == NULL) {
        return NULL;
    }

    for (obj = req->root->child; obj; obj = obj->next) {

        if (obj == node) {
            return NULL;
        }

        if (obj->type != ARGO_JSON_OBJECT
            || node->raw.data < obj->raw.data
            || node->raw.data >= obj->raw.data + obj->raw.len)
        {
            continue;
        }

        for (member = obj->child; member; member = member->next) {
            if (member == node) {
                return obj;
            }
        }
    }

    return NULL;
}


argo_json_t **
argo_rules_limit(argo_request_t *req)
{
    if (argo_rules_said(req->max_tokens)) {
        return &req->max_tokens;
    }

    if (argo_rules_said(req->max_completion_tokens)) {
        return &req->max_completion_tokens;
    }

    return argo_rules_said(req->max_output) ? &req->max_output : NULL;
}


static ngx_int_t
argo_rules_apply_limits(argo_rules_job_t *job)
{
    argo_request_t  *req;

    req = job->req;

    if (job->upstream != ARGO_DIALECT_LEGACY
        && (argo_rules_name_limit(job) != NGX_OK
            || argo_rules_default_limit(job) != NGX_OK))
    {
        return NGX_ERROR;
    }

    if (argo_rules_cap_limit(job, &req->max_tokens, "max_tokens") != NGX_OK
        || argo_rules_cap_limit(job, &req->max_completion_tokens,
                                "max_completion_tokens")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return argo_rules_cap_limit(job, &req->max_output,
                                argo_rules_name(job, ARGO_RULES_MAX_OUTPUT));
}


/* Of two limits the one stays whose name the model knows; or it gets that. */

static ngx_int_t
argo_rules_name_limit(argo_rules_job_t *job)
{
    ngx_str_t        limit;
    argo_json_t     *node;
    argo_request_t  *req;

    req = job->req;
    limit = job->profile->limit;

    if (job->upstream == ARGO_DIALECT_MESSAGES) {
        ngx_str_null(&limit);
    }

    if (argo_rules_said(req->max_tokens)
        && argo_rules_said(req->max_completion_tokens))
    {
        return argo_str_is(&limit, "max_tokens")
               ? argo_rules_drop(job, &req->max_completion_tokens,
                                 "max_completion_tokens",
                                 "max_tokens is given as well")
               : argo_rules_drop(job, &req->max_tokens, "max_tokens",
                                 "max_completion_tokens is given as well");
    }

    if (argo_str_is(&limit, "max_completion_tokens")
        && argo_rules_said(req->max_tokens))
    {
        node = req->max_tokens;
        req->max_completion_tokens = node;
        req->max_tokens = NULL;

        return argo_request_rename(job->pool, req, node, "max_tokens",
                                   "max_completion_tokens",
                                   "the model takes max_completion_tokens");
    }

    if (argo_str_is(&limit, "max_tokens")
        && argo_rules_said(req->max_completion_tokens))
    {
        node = req->max_completion_tokens;
        req->max_tokens = node;
        req->max_completion_tokens = NULL;

        return argo_request_rename(job->pool, req, node,
                                   "max_completion_tokens", "max_tokens",
                                   "the model takes max_tokens");
    }

    return NGX_OK;
}


/* ARGO fails without a limit for Claude. */

static ngx_int_t
argo_rules_default_limit(argo_rules_job_t *job)
{
    ngx_uint_t       n;
    argo_request_t  *req;

    req = job->req;
    n = job->profile->default_output;

    if (n == 0 || argo_rules_limit(req)
        || (job->upstream != ARGO_DIALECT_MESSAGES
            && job->upstream != ARGO_DIALECT_CHAT))
    {
        return NGX_OK;
    }

    if (job->upstream == ARGO_DIALECT_CHAT && !req->stream
        && n > ARGO_RULES_UNARY_TOKENS)
    {
        n = ARGO_RULES_UNARY_TOKENS;
    }

    req->max_tokens = NULL;

    return argo_rules_set_int(job, &req->max_tokens, "max_tokens", n,
                              "the model needs a limit");
}


static ngx_int_t
argo_rules_cap_limit(argo_rules_job_t *job, argo_json_t **field,
    const char *name)
{
    int64_t                n, max;
    const argo_profile_t  *profile;

    if (!argo_rules_said(*field)) {
        return NGX_OK;
    }

    profile = job->profile;
    max = profile->max_output;

    /* a back may stream what its client does not, but not this one */

    if (profile->default_output && job->upstream == ARGO_DIALECT_CHAT
        && !job->req->stream && (max == 0 || max > ARGO_RULES_UNARY_TOKENS))
    {
        max = ARGO_RULES_UNARY_TOKENS;
    }

    if (argo_json_int(*field, &n) != NGX_OK) {

        if (!argo_rules_all_digits(*field)) {
            return NGX_OK;
        }

        n = NGX_MAX_INT_T_VALUE;
    }

    if (max && n > max) {
        return argo_rules_set_int(job, field, name, max,
                                  "the model gives no more");
    }

    if (n > 0 && n < (int64_t) profile->min_output) {
        return argo_rules_set_int(job, field, name, profile->min_output,
                                  "the model fails with less");
    }

    return NGX_OK;
}


/* too large even for an integer */

static ngx_uint_t
argo_rules_all_digits(const argo_json_t *node)
{
    size_t  i;

    for (i = 0; i < node->raw.len; i++) {
        if (node->raw.data[i] < '0' || node->raw.data[i] > '9') {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
argo_rules_apply_sampling(argo_rules_job_t *job)
{
    argo_request_t        *req;
    const argo_profile_t  *profile;

    req = job->req;
    profile = job->profile;

    if (argo_rules_sample(job, &req->temperature, ARGO_RULES_TEMPERATURE,
                          profile->temperature)
        != NGX_OK
        || argo_rules_sample(job, &req->top_p, ARGO_RULES_TOP_P,
                             profile->top_p)
           != NGX_OK
        || argo_rules_sample(job, &req->top_k, ARGO_RULES_TOP_K,
                             profile->top_k)
           != NGX_OK
        || argo_rules_sampling_with(job) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (profile->exclusive && argo_rules_said(req->temperature)
        && argo_rules_said(req->top_p)
        && argo_rules_drop(job, &req->top_p,
                           argo_rules_name(job, ARGO_RULES_TOP_P),
                           "the model does not take it with temperature")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return argo_rules_cap_temperature(job);
}


/* What does not go together with thinking. */

static ngx_int_t
argo_rules_sampling_with(argo_rules_job_t *job)
{
    float            value;
    argo_request_t  *req;

    static const char  *why = "the model does not take it while it thinks";

    req = job->req;

    if (!job->thinks && !job->reasons) {
        return NGX_OK;
    }

    if (argo_rules_said(req->temperature)
        && !argo_rules_is_one(req->temperature)
        && argo_rules_drop(job, &req->temperature,
                           argo_rules_name(job, ARGO_RULES_TEMPERATURE), why)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (argo_rules_said(req->top_p)
        && (job->reasons || !argo_rules_float(req->top_p, &value)
            || value < ARGO_RULES_MIN_TOP_P)
        && !argo_rules_is_one(req->top_p)
        && argo_rules_drop(job, &req->top_p,
                           argo_rules_name(job, ARGO_RULES_TOP_P), why)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (job->thinks && argo_rules_said(req->top_k)) {
        return argo_rules_drop(job, &req->top_k,
                               argo_rules_name(job, ARGO_RULES_TOP_K), why);
    }

    return NGX_OK;
}


static ngx_int_t
argo_rules_sample(argo_rules_job_t *job, argo_json_t **field,
    argo_rules_param_e param, argo_takes_e takes)
{
    if (takes == ARGO_TAKES_ANY || !argo_rules_said(*field)) {
        return NGX_OK;
    }

    if (takes == ARGO_TAKES_NONE) {
        return argo_rules_drop(job, field, argo_rules_name(job, param),
                               "the model does not take it");
    }

    if (argo_rules_is_one(*field)) {
        return NGX_OK;
    }

    return argo_rules_drop(job, field, argo_rules_name(job, param),
                           "the model takes only 1");
}


/* OpenAI's clients go up to 2. */

static ngx_int_t
argo_rules_cap_temperature(argo_rules_job_t *job)
{
    float            value;
    ngx_str_t        text;
    argo_out_t       out;
    ngx_uint_t       max, unit, digit;
    argo_request_t  *req;

    req = job->req;
    max = job->profile->temperature_max;

    if (max == 0 || !argo_rules_said(req->temperature)
        || !argo_rules_float(req->temperature, &value)
        || value * 1000 <= (float) max)
    {
        return NGX_OK;
    }

    argo_out_init(&out, job->pool, ARGO_RULES_BLOCK, NULL, 1);
    argo_out_int(&out, max / 1000);

    max %= 1000;

    if (max) {
        argo_out_lit(&out, ".");
    }

    for (unit = 100; max; unit /= 10) {
        digit = max / unit;
        argo_out_int(&out, digit);
        max -= digit * unit;
    }

    if (argo_out_flatten(&out, job->pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_rules_set(job, &req->temperature, ARGO_JSON_NUMBER,
                          argo_rules_name(job, ARGO_RULES_TEMPERATURE), &text,
                          "the model takes no more");
}


static ngx_uint_t
argo_rules_is_one(const argo_json_t *node)
{
    float  value;

    return argo_rules_float(node, &value) && value == 1;
}


static ngx_uint_t
argo_rules_float(const argo_json_t *node, float *value)
{
    return node->type == ARGO_JSON_NUMBER
           && argo_float_read(node->raw.data, node->raw.data + node->raw.len,
                              value)
              != NULL;
}


/* Other parameters that a model refuses. */

static ngx_int_t
argo_rules_apply_drops(argo_rules_job_t *job)
{
    ngx_str_t   *word;
    ngx_uint_t   i;

    if (job->profile->drop == NULL) {
        return NGX_OK;
    }

    word = job->profile->drop->elts;

    for (i = 0; i < job->profile->drop->nelts; i++) {

        if (argo_rules_drop_member(job, &word[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_rules_drop_member(argo_rules_job_t *job, const ngx_str_t *word)
{
    char          *name;
    argo_json_t   *node, **field;

    node = NULL;
    field = argo_rules_field(job->req, word);

    if (field == NULL || *field == NULL) {

        /* a name is of the dialect that the model is spoken to in */

        if (job->req->dialect == ARGO_DIALECT_GEMINI
            || job->req->root == NULL)
        {
            return NGX_OK;
        }

        node = argo_json_find(job->req->root, (char *) word->data, word->len);
        field = &node;
    }

    if (*field == NULL) {
        return NGX_OK;
    }

    name = ngx_pnalloc(job->pool, word->len + 1);
    if (name == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(name, word->data, word->len);
    name[word->len] = '\0';

    return argo_rules_drop(job, field, name, "the model does not take it");
}


static argo_json_t **
argo_rules_field(argo_request_t *req, const ngx_str_t *name)
{
    ngx_uint_t  i;

    const struct {
        ngx_str_t      name;
        argo_json_t  **field;
    } fields[] = {
        { ngx_string("stop"), &req->stop },
        { ngx_string("stop_sequences"), &req->stop },
        { ngx_string("seed"), &req->seed },
        { ngx_string("frequency_penalty"), &req->frequency_penalty },
        { ngx_string("presence_penalty"), &req->presence_penalty },
        { ngx_string("n"), &req->n },
        { ngx_string("logprobs"), &req->logprobs },
        { ngx_string("verbosity"), &req->verbosity },
        { ngx_null_string, NULL }
    };

    for (i = 0; fields[i].name.len; i++) {

        if (fields[i].name.len == name->len
            && ngx_memcmp(fields[i].name.data, name->data, name->len) == 0)
        {
            return fields[i].field;
        }
    }

    return NULL;
}
