
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Parameters of a request against the rules of its model.
 */


#include "ngx_http_argo_sim_native.h"

#include "argo_float.h"


static ngx_uint_t ngx_http_argo_sim_is_one(const argo_json_t *number);
static ngx_int_t ngx_http_argo_sim_refuse_temperature(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *number);
static ngx_int_t ngx_http_argo_sim_check_budget(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *thinking);
static ngx_int_t ngx_http_argo_sim_check_thinking_with(
    ngx_http_argo_sim_talk_t *talk);


/*
 * Of Claude's newer models v1/messages refused in May 2026 what
 * v1/chat/completions dropped in September.
 */

ngx_int_t
ngx_http_argo_sim_check_sampling(ngx_http_argo_sim_talk_t *talk)
{
    float                     value;
    ngx_uint_t                claude, flags;
    argo_json_t              *temperature, *top_p;
    ngx_http_argo_sim_ctx_t  *ctx;

    ctx = talk->ctx;
    flags = talk->rule->flags;
    claude = (ctx->model->family == NGX_HTTP_ARGO_SIM_ANTHROPIC);

    temperature = ngx_http_argo_sim_member(ctx->root, "temperature");
    top_p = ngx_http_argo_sim_member(ctx->root, "top_p");

    if (claude && ctx->route->kind == NGX_HTTP_ARGO_SIM_COMPLETIONS) {
        flags &= ~(NGX_HTTP_ARGO_SIM_NOT_BOTH
                   |NGX_HTTP_ARGO_SIM_NO_TEMPERATURE);

        if (!(flags & NGX_HTTP_ARGO_SIM_TEMPERATURE_ONE)) {
            flags &= ~NGX_HTTP_ARGO_SIM_NO_TOP_P;
        }
    }

    if (temperature
        && ((flags & NGX_HTTP_ARGO_SIM_NO_TEMPERATURE)
            || ((flags & NGX_HTTP_ARGO_SIM_TEMPERATURE_ONE)
                && !ngx_http_argo_sim_is_one(temperature))))
    {
        return ngx_http_argo_sim_refuse_temperature(talk, temperature);
    }

    if (top_p && (flags & NGX_HTTP_ARGO_SIM_NO_TOP_P)) {
        return claude
               ? ngx_http_argo_sim_refuse(talk, NULL, NULL,
                     "`top_p` is deprecated for this model.")
               : ngx_http_argo_sim_refuse(talk, "top_p",
                     "unsupported_parameter", "Unsupported parameter: 'top_p' "
                     "is not supported with this model.");
    }

    if (temperature && top_p && (flags & NGX_HTTP_ARGO_SIM_NOT_BOTH)) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "`temperature` and `top_p` cannot both be specified for "
                   "this model. Please use only one.");
    }

    if (claude && temperature
        && argo_float_read(temperature->raw.data,
                           temperature->raw.data + temperature->raw.len,
                           &value)
        && value > 1)
    {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                                        "temperature: range: 0..1");
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_argo_sim_is_one(const argo_json_t *number)
{
    float  value;

    return number->type == ARGO_JSON_NUMBER
           && argo_float_read(number->raw.data,
                              number->raw.data + number->raw.len, &value)
           && value == 1;
}


static ngx_int_t
ngx_http_argo_sim_refuse_temperature(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *number)
{
    int64_t  n;

    if (talk->ctx->model->family == NGX_HTTP_ARGO_SIM_ANTHROPIC) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "`temperature` is deprecated for this model.");
    }

    if (talk->rule->flags & NGX_HTTP_ARGO_SIM_NO_TEMPERATURE) {
        return ngx_http_argo_sim_refuse(talk, "temperature",
                   "unsupported_parameter", "Unsupported parameter: "
                   "'temperature' is not supported with this model.");
    }

    /* Python has read a float */

    return ngx_http_argo_sim_refuse(talk, "temperature", "unsupported_value",
               "Unsupported value: 'temperature' does not support %V%s with "
               "this model. Only the default (1) value is supported.",
               &number->raw,
               argo_json_int(number, &n) == NGX_OK
               && ngx_strlchr(number->raw.data,
                              number->raw.data + number->raw.len, '.') == NULL
               ? ".0" : "");
}


/* What another vendor's clients send is left behind by some conversions. */

ngx_int_t
ngx_http_argo_sim_check_foreign(ngx_http_argo_sim_talk_t *talk)
{
    ngx_uint_t    i;
    const char  **names;

    static const char  *openai[] = {
        "max_completion_tokens", "max_output_tokens", "response_format",
        "reasoning_effort", "reasoning", "stream_options", "n", "logprobs",
        "top_logprobs", "parallel_tool_calls", "frequency_penalty",
        "presence_penalty", "stop", "seed", "logit_bias", "functions",
        "function_call", "input", "instructions", NULL
    };

    static const char  *anthropic[] = {
        "thinking", "output_config", "stop_sequences", "system", "top_k",
        "max_output_tokens", "input", "instructions", NULL
    };

    static const char  *others[] = {
        "messages", "max_tokens", "max_completion_tokens", "functions",
        "function_call", "response_format", "reasoning_effort", "n", "stop",
        "seed", "logprobs", "logit_bias", "presence_penalty",
        "frequency_penalty", "system", "thinking", "output_config",
        "stop_sequences", "top_k", NULL
    };

    switch (talk->ctx->route->kind) {

    case NGX_HTTP_ARGO_SIM_MESSAGES:
        names = openai;
        break;

    case NGX_HTTP_ARGO_SIM_RESPONSES:
        names = others;
        break;

    default: /* NGX_HTTP_ARGO_SIM_COMPLETIONS */

        if (talk->ctx->model->family != NGX_HTTP_ARGO_SIM_OPENAI) {
            return NGX_OK;
        }

        names = anthropic;
    }

    for (i = 0; names[i]; i++) {

        if (ngx_http_argo_sim_member(talk->ctx->root, names[i]) == NULL) {
            continue;
        }

        if (names == openai) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "%s: Extra inputs are not permitted", names[i]);
        }

        if (names == others) {
            return ngx_http_argo_sim_refuse(talk, names[i],
                       "unknown_parameter", "Unknown parameter: '%s'.",
                       names[i]);
        }

        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "Unrecognized request argument supplied: %s", names[i]);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_argo_sim_check_limits(ngx_http_argo_sim_talk_t *talk,
    const char *name)
{
    int64_t                          n;
    argo_json_t                     *node;
    const ngx_http_argo_sim_rule_t  *rule;

    rule = talk->rule;
    node = ngx_http_argo_sim_member(talk->ctx->root, name);

    if (node == NULL) {
        return NGX_OK;
    }

    if (argo_json_int(node, &n) != NGX_OK || n < 1) {
        return ngx_http_argo_sim_refuse(talk, name,
                   "integer_below_min_value", "Invalid '%s': integer below "
                   "minimum value. Expected a value >= 1, but got %V instead.",
                   name, &node->raw);
    }

    switch (talk->ctx->model->family) {

    case NGX_HTTP_ARGO_SIM_ANTHROPIC:

        if (rule->max_tokens && n > (int64_t) rule->max_tokens) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "max_tokens: %L > %ui, which is the maximum allowed "
                       "number of output tokens for %s", n, rule->max_tokens,
                       rule->snapshot);
        }

        break;

    case NGX_HTTP_ARGO_SIM_GOOGLE:

        if (rule->max_tokens && n > (int64_t) rule->max_tokens) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "Unable to submit request because it has a "
                       "maxOutputTokens value of %L but the supported range "
                       "is from 1 (inclusive) to %ui (exclusive). Update the "
                       "value and try again.", n, rule->max_tokens + 1);
        }

        if (n < (int64_t) rule->min_tokens) {

            /* thinking has eaten all of them */

            return ngx_http_argo_sim_fail(talk,
                       NGX_HTTP_INTERNAL_SERVER_ERROR,
                       (rule->flags & NGX_HTTP_ARGO_SIM_DIES_OF_PARTS)
                       ? "AttributeError" : "TypeError",
                       (rule->flags & NGX_HTTP_ARGO_SIM_DIES_OF_PARTS)
                       ? "'NoneType' object has no attribute 'parts'"
                       : "'NoneType' object is not iterable");
        }

        break;

    default: /* NGX_HTTP_ARGO_SIM_OPENAI */

        if (rule->max_tokens && n > (int64_t) rule->max_tokens) {
            return ngx_http_argo_sim_refuse(talk, name, "invalid_value",
                       "%s is too large: %L. This model supports at most %ui "
                       "completion tokens, whereas you provided %L.", name,
                       n, rule->max_tokens, n);
        }
    }

    talk->limit = n;

    return NGX_OK;
}


/* Claude's "thinking" and "output_config". */

ngx_int_t
ngx_http_argo_sim_check_thinking(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t     rc;
    ngx_str_t     tag;
    ngx_uint_t    flags;
    argo_json_t  *root, *thinking, *type, *node;

    root = talk->ctx->root;
    flags = talk->rule->flags;

    talk->think = (flags & NGX_HTTP_ARGO_SIM_ALWAYS_THINKS) ? 1 : 0;

    node = ngx_http_argo_sim_member(root, "output_config");
    node = node ? ngx_http_argo_sim_member(node, "effort") : NULL;

    thinking = ngx_http_argo_sim_member(root, "thinking");
    type = thinking ? argo_json_get(thinking, "type") : NULL;

    if (thinking && (type == NULL || type->type != ARGO_JSON_STRING)) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                                        "thinking.type: Field required");
    }

    rc = NGX_OK;

    if (type && argo_json_is(type, "disabled")) {
        talk->think = 0;

    } else if (type && argo_json_is(type, "enabled")) {
        rc = ngx_http_argo_sim_check_budget(talk, thinking);

    } else if (type && argo_json_is(type, "adaptive")
               && (flags & NGX_HTTP_ARGO_SIM_THINK_ADAPTIVE))
    {
        if (argo_json_get(thinking, "budget_tokens")) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "thinking.adaptive.budget_tokens: Extra inputs are "
                       "not permitted");
        }

        talk->think = 1;

    } else if (type) {
        tag = argo_json_inner(type);
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "thinking: Input tag '%V' found using 'type' does not "
                   "match any of the expected tags: %s'disabled', 'enabled'",
                   &tag, (flags & NGX_HTTP_ARGO_SIM_THINK_ADAPTIVE)
                         ? "'adaptive', " : "");
    }

    if (rc == NGX_OK && node) {
        rc = ngx_http_argo_sim_check_effort(talk, node, NULL);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    node = thinking ? argo_json_get(thinking, "display") : NULL;
    talk->omitted = node && argo_json_is(node, "omitted");

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_check_budget(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *thinking)
{
    int64_t       n;
    argo_json_t  *budget;

    if (!(talk->rule->flags & NGX_HTTP_ARGO_SIM_THINK_ENABLED)) {

        if (!(talk->rule->flags & NGX_HTTP_ARGO_SIM_THINK_ADAPTIVE)) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "'%s' does not support thinking.",
                       talk->rule->snapshot);
        }

        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "\"thinking.type.enabled\" is not supported for this "
                   "model. Use \"thinking.type.adaptive\" and "
                   "\"output_config.effort\" to control thinking behavior.");
    }

    budget = ngx_http_argo_sim_member(thinking, "budget_tokens");

    if (budget == NULL || argo_json_int(budget, &n) != NGX_OK) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "thinking.enabled.budget_tokens: Field required");
    }

    if (n < 1024) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "thinking.enabled.budget_tokens: Input should be greater "
                   "than or equal to 1024");
    }

    if (n >= (int64_t) talk->limit
        && talk->ctx->route->kind == NGX_HTTP_ARGO_SIM_MESSAGES)
    {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "`max_tokens` must be greater than "
                   "`thinking.budget_tokens`. Please consult our "
                   "documentation at https://docs.claude.com/en/docs/"
                   "build-with-claude/extended-thinking"
                   "#max-tokens-and-context-window-size");
    }

    talk->think = 1;

    return ngx_http_argo_sim_check_thinking_with(talk);
}


/* What Anthropic does not allow together with a budget. */

static ngx_int_t
ngx_http_argo_sim_check_thinking_with(ngx_http_argo_sim_talk_t *talk)
{
    argo_json_t  *root, *node, *type;

    root = talk->ctx->root;

    node = ngx_http_argo_sim_member(root, "temperature");

    if (node && !ngx_http_argo_sim_is_one(node)) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "`temperature` may only be set to 1 when thinking is "
                   "enabled. Please consult our documentation at https://"
                   "docs.claude.com/en/docs/build-with-claude/"
                   "extended-thinking#important-considerations-when-using-"
                   "extended-thinking");
    }

    if (ngx_http_argo_sim_member(root, "top_k")) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "`top_k` must be unset when thinking is enabled. Please "
                   "consult our documentation at https://docs.claude.com/en/"
                   "docs/build-with-claude/extended-thinking"
                   "#important-considerations-when-using-extended-thinking");
    }

    node = ngx_http_argo_sim_member(root, "tool_choice");
    type = node ? argo_json_get(node, "type") : NULL;

    if (type && (argo_json_is(type, "any") || argo_json_is(type, "tool"))) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "Thinking may not be enabled when tool_choice forces tool "
                   "use.");
    }

    return NGX_OK;
}
