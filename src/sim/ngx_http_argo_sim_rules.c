
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What single models refuse, as data: a model that is not like its family
 * is changed here and nowhere else.  docs/simulator.md tells what was seen
 * of ARGO and what its vendors document.
 */


#include "ngx_http_argo_sim_native.h"


#define T1      NGX_HTTP_ARGO_SIM_TEMPERATURE_ONE
#define NOT     NGX_HTTP_ARGO_SIM_NO_TEMPERATURE
#define NOP     NGX_HTTP_ARGO_SIM_NO_TOP_P
#define XOR     NGX_HTTP_ARGO_SIM_NOT_BOTH
#define NOMAX   NGX_HTTP_ARGO_SIM_NO_MAX_TOKENS
#define NOTOOL  NGX_HTTP_ARGO_SIM_NO_EFFORT_TOOLS
#define ENAB    NGX_HTTP_ARGO_SIM_THINK_ENABLED
#define ADAPT   NGX_HTTP_ARGO_SIM_THINK_ADAPTIVE
#define ALWAYS  NGX_HTTP_ARGO_SIM_ALWAYS_THINKS
#define PHASE   NGX_HTTP_ARGO_SIM_HAS_PHASE
#define PARTS   NGX_HTTP_ARGO_SIM_DIES_OF_PARTS

/* efforts, from the lowest to the highest */

#define LMH     (NGX_HTTP_ARGO_SIM_EFFORT_LOW|NGX_HTTP_ARGO_SIM_EFFORT_MEDIUM \
                 |NGX_HTTP_ARGO_SIM_EFFORT_HIGH)
#define MINLMH  (NGX_HTTP_ARGO_SIM_EFFORT_MINIMAL|LMH)
#define NLMH    (NGX_HTTP_ARGO_SIM_EFFORT_NONE|LMH)
#define NLMHX   (NLMH|NGX_HTTP_ARGO_SIM_EFFORT_XHIGH)
#define LMHXM   (LMH|NGX_HTTP_ARGO_SIM_EFFORT_XHIGH                           \
                 |NGX_HTTP_ARGO_SIM_EFFORT_MAX)


/*
 * id, names, flags, efforts, reasoning tokens, least and most tokens.
 * gpt4o and the o-series refuse max_tokens; sampling rules of claudeopus* and
 * those against both apply on v1/messages only (see check_sampling()).
 */

static const ngx_http_argo_sim_rule_t  ngx_http_argo_sim_rules[] = {

    { "gpt35", "gpt-35-turbo", "aiops-gpt-35-turbo", 0, 0, 0, 0, 4096 },
    { "gpt35large", "gpt-35-turbo-16k", "aiops-gpt-35-turbo-16k",
      0, 0, 0, 0, 16384 },
    { "gpt4", "gpt-4", "aiops-gpt-4", 0, 0, 0, 0, 8192 },
    { "gpt4large", "gpt-4-32k", "aiops-gpt-4-32k", 0, 0, 0, 0, 32768 },
    { "gpt4turbo", "gpt-4-turbo-2024-04-09", "aiops-gpt-4-turbo",
      0, 0, 0, 0, 4096 },
    { "gpt4o", "gpt-4o-2024-11-20", "aiops-cels-gpt-4o",
      NOMAX, 0, 0, 0, 16384 },
    { "gpt41", "gpt-4.1-2025-04-14", "aiops-cels-gpt-4-1",
      0, 0, 0, 0, 16384 },
    { "gpt41mini", "gpt-4.1-mini-2025-04-14", "aiops-cels-gpt-4-1-mini",
      0, 0, 0, 0, 16384 },
    { "gpt41nano", "gpt-4.1-nano-2025-04-14", "aiops-cels-gpt-4-1-nano",
      0, 0, 0, 0, 16384 },

    { "gpto1preview", "o1-preview-2024-09-12", "aiops-o1-preview",
      NOT|NOP|NOMAX, LMH, 64, 0, 32768 },
    { "gpto1mini", "o1-mini-2024-09-12", "aiops-o1-mini",
      NOT|NOP|NOMAX, LMH, 64, 0, 65536 },
    { "gpto1", "o1-2024-12-17", "aiops-o1",
      NOT|NOP|NOMAX, LMH, 64, 0, 100000 },
    { "gpto3mini", "o3-mini-2025-01-31", "aiops-o3-mini",
      NOT|NOP|NOMAX, LMH, 64, 0, 100000 },
    { "gpto3", "o3-2025-04-16", "aiops-o3",
      NOT|NOP|NOMAX, LMH, 64, 0, 100000 },
    { "gpto4mini", "o4-mini-2025-04-16", "aiops-o4-mini",
      NOT|NOP|NOMAX, LMH, 0, 0, 100000 },

    { "gpt5", "gpt-5-2025-08-07", "aiops-cels-gpt-5",
      T1|NOP, MINLMH, 64, 0, 128000 },
    { "gpt5mini", "gpt-5-mini-2025-08-07", "aiops-cels-gpt-5-mini",
      T1|NOP, MINLMH, 0, 0, 128000 },
    { "gpt5nano", "gpt-5-nano-2025-08-07", "aiops-cels-gpt-5-nano",
      T1|NOP, MINLMH, 0, 0, 128000 },
    { "gpt51", "gpt-5.1-2025-11-13", "aiops-cels-gpt-5-1",
      0, NLMH, 0, 0, 128000 },
    { "gpt52", "gpt-5.2-2025-12-11", "aiops-cels-gpt-5-2",
      0, NLMHX, 0, 0, 128000 },
    { "gpt54", "gpt-5.4-2026-03-05", "aiops-cels-gpt-5-4",
      NOTOOL|PHASE, NLMHX, 0, 0, 128000 },
    { "gpt54mini", "gpt-5.4-mini-2026-03-17", "aiops-cels-gpt-5-4-mini",
      NOTOOL|PHASE, NLMHX, 0, 0, 128000 },
    { "gpt54nano", "gpt-5.4-nano-2026-03-17", "aiops-cels-gpt-5-4-nano",
      NOTOOL|PHASE, NLMHX, 0, 0, 128000 },
    { "gpt55", "gpt-5.5-2026-04-23", "aiops-cels-gpt-5-5",
      T1|NOP|PHASE, NLMHX, 0, 0, 128000 },
    { "gpt56sol", "gpt-5.6-sol", "aiops-cels-gpt-5-6-sol",
      T1|NOTOOL|PHASE, NLMHX, 0, 0, 128000 },
    { "gpt56terra", "gpt-5.6-terra", "aiops-cels-gpt-5-6-terra",
      T1|NOTOOL|PHASE, NLMHX, 0, 0, 128000 },
    { "gpt56luna", "gpt-5.6-luna", "aiops-cels-gpt-5-6-luna",
      T1|NOTOOL|PHASE, NLMHX, 0, 0, 128000 },

    { "gemini25pro", "gemini25pro", NULL, 0, 0, 0, 65, 65536 },
    { "gemini25flash", "gemini25flash", NULL, 0, 0, 0, 65, 64536 },
    { "gemini35flash", "gemini35flash", NULL, PARTS, 0, 0, 2048, 65536 },
    { "gemini31flashlite", "gemini31flashlite", NULL, 0, 0, 0, 0, 65536 },

    { "claudeopus5", "claude-opus-5", NULL,
      NOT|NOP|ADAPT|ALWAYS, LMHXM, 0, 0, 128000 },
    { "claudeopus48", "claude-opus-4-8", NULL,
      NOT|NOP|ADAPT, LMHXM, 0, 0, 128000 },
    { "claudeopus47", "claude-opus-4-7", NULL,
      NOT|NOP|ADAPT, LMHXM, 0, 0, 128000 },
    { "claudeopus46", "claude-opus-4-6", NULL,
      XOR|ENAB|ADAPT, 0, 0, 0, 128000 },
    { "claudeopus45", "claude-opus-4-5-20251101", NULL,
      XOR|ENAB, 0, 0, 0, 64000 },
    { "claudeopus41", "claude-opus-4-1-20250805", NULL,
      XOR|ENAB, 0, 0, 0, 32000 },
    { "claudeopus4", "claude-opus-4-20250514", NULL,
      ENAB, 0, 0, 0, 32000 },
    { "claudehaiku45", "claude-haiku-4-5-20251001", NULL,
      XOR|ENAB, 0, 0, 0, 64000 },
    { "claudesonnet5", "claude-sonnet-5", NULL,
      T1|NOP|ADAPT, LMHXM, 0, 0, 128000 },
    { "claudesonnet46", "claude-sonnet-4-6", NULL,
      XOR|ENAB|ADAPT, 0, 0, 0, 64000 },
    { "claudesonnet45", "claude-sonnet-4-5-20250929", NULL,
      XOR|ENAB, 0, 0, 0, 64000 },
    { "claudesonnet4", "claude-sonnet-4-20250514", NULL,
      ENAB, 0, 0, 0, 64000 },
    { "claudesonnet37", "claude-3-7-sonnet-20250219", NULL,
      ENAB, 0, 0, 0, 128000 },
    { "claudesonnet35v2", "claude-3-5-sonnet-20241022", NULL,
      0, 0, 0, 0, 8192 },
    { "claudehaiku35", "claude-3-5-haiku-20241022", NULL,
      0, 0, 0, 0, 8192 },

    { "ada002", "text-embedding-ada-002", NULL, 0, 0, 0, 0, 0 },
    { "v3small", "text-embedding-3-small", NULL, 0, 0, 0, 0, 0 },
    { "v3large", "text-embedding-3-large", NULL, 0, 0, 0, 0, 0 },

    { NULL, NULL, NULL, 0, 0, 0, 0, 0 }
};


static const struct {
    const char  *name;
    ngx_uint_t   bit;
    ngx_uint_t   tokens;                    /* hidden */

} ngx_http_argo_sim_efforts[] = {

    { "none", NGX_HTTP_ARGO_SIM_EFFORT_NONE, 0 },
    { "minimal", NGX_HTTP_ARGO_SIM_EFFORT_MINIMAL, 0 },
    { "low", NGX_HTTP_ARGO_SIM_EFFORT_LOW, 64 },
    { "medium", NGX_HTTP_ARGO_SIM_EFFORT_MEDIUM, 128 },
    { "high", NGX_HTTP_ARGO_SIM_EFFORT_HIGH, 192 },
    { "xhigh", NGX_HTTP_ARGO_SIM_EFFORT_XHIGH, 256 },
    { "max", NGX_HTTP_ARGO_SIM_EFFORT_MAX, 320 },
    { NULL, 0, 0 }
};


static u_char *ngx_http_argo_sim_effort_list(ngx_uint_t efforts, u_char *p);


const ngx_http_argo_sim_rule_t *
ngx_http_argo_sim_rule(const ngx_http_argo_sim_model_t *model)
{
    const ngx_http_argo_sim_rule_t  *rule;

    for (rule = ngx_http_argo_sim_rules; rule->id; rule++) {

        if (ngx_strcmp(rule->id, model->id.data) == 0) {
            return rule;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_argo_sim_effort(const argo_json_t *effort)
{
    ngx_uint_t   i;
    const char  *name;

    for (i = 0; ngx_http_argo_sim_efforts[i].name; i++) {
        name = ngx_http_argo_sim_efforts[i].name;

        if (argo_json_text_is(effort, name, ngx_strlen(name))) {
            return ngx_http_argo_sim_efforts[i].bit;
        }
    }

    return NGX_HTTP_ARGO_SIM_EFFORT_UNKNOWN;
}


ngx_uint_t
ngx_http_argo_sim_effort_tokens(ngx_uint_t effort)
{
    ngx_uint_t  i;

    for (i = 0; ngx_http_argo_sim_efforts[i].name; i++) {

        if (ngx_http_argo_sim_efforts[i].bit == effort) {
            return ngx_http_argo_sim_efforts[i].tokens;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_argo_sim_check_effort(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *effort, const char *param)
{
    u_char      list[128];
    ngx_str_t   value;
    ngx_uint_t  bit, efforts;

    efforts = talk->rule->efforts;
    bit = ngx_http_argo_sim_effort(effort);

    if (talk->ctx->model->family == NGX_HTTP_ARGO_SIM_ANTHROPIC) {

        if (efforts && !(bit & efforts)) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "output_config.effort: Input should be 'low', "
                       "'medium', 'high', 'xhigh' or 'max'");
        }

        return NGX_OK;
    }

    if (efforts == 0) {
        return ngx_http_argo_sim_refuse(talk, param, "unsupported_parameter",
                   "Unsupported parameter: '%s' is not supported with this "
                   "model.", param);
    }

    if (bit & efforts) {
        return NGX_OK;
    }

    *ngx_http_argo_sim_effort_list(efforts, list) = '\0';

    value = argo_json_inner(effort);

    return ngx_http_argo_sim_refuse(talk, param, "unsupported_value",
               "Unsupported value: '%V' is not supported with the '%s' "
               "model. Supported values are: %s.", &value,
               talk->rule->snapshot, list);
}


/* 'low', 'medium', and 'high' */

static u_char *
ngx_http_argo_sim_effort_list(ngx_uint_t efforts, u_char *p)
{
    ngx_uint_t  i, left;

    for (i = 0; ngx_http_argo_sim_efforts[i].name; i++) {

        if (!(efforts & ngx_http_argo_sim_efforts[i].bit)) {
            continue;
        }

        left = efforts & ~(2 * ngx_http_argo_sim_efforts[i].bit - 1);

        p = ngx_sprintf(p, "'%s'%s", ngx_http_argo_sim_efforts[i].name,
                        left == 0 ? ""
                        : (left & (left - 1)) ? ", " : ", and ");
    }

    return p;
}
