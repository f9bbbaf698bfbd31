
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * ARGO's models of the year 2026, those that it calls deprecated included.
 */


#include "ngx_http_argo_sim.h"


static void ngx_http_argo_sim_owner(argo_out_t *out,
    ngx_http_argo_sim_family_e family);


#define ngx_http_argo_sim_chat(name, id, family)                              \
    { ngx_string(name), ngx_string(id), NGX_HTTP_ARGO_SIM_ ## family, 0, 0 }

#define ngx_http_argo_sim_embedding(name, id, dimensions)                     \
    { ngx_string(name), ngx_string(id), NGX_HTTP_ARGO_SIM_OPENAI,             \
      dimensions, 0 }


static const ngx_http_argo_sim_model_t  ngx_http_argo_sim_models[] = {

    ngx_http_argo_sim_chat("GPT-3.5 Turbo", "gpt35", OPENAI),
    ngx_http_argo_sim_chat("GPT-3.5 Turbo 16K", "gpt35large", OPENAI),
    ngx_http_argo_sim_chat("GPT-4", "gpt4", OPENAI),
    ngx_http_argo_sim_chat("GPT-4 32K", "gpt4large", OPENAI),
    ngx_http_argo_sim_chat("GPT-4 Turbo", "gpt4turbo", OPENAI),
    ngx_http_argo_sim_chat("GPT-4o", "gpt4o", OPENAI),
    ngx_http_argo_sim_chat("o1-preview", "gpto1preview", OPENAI),

    { ngx_string("GPT-4o Latest"), ngx_string("gpt4olatest"),
      NGX_HTTP_ARGO_SIM_OPENAI, 0, 1 },

    ngx_http_argo_sim_chat("o1-mini", "gpto1mini", OPENAI),
    ngx_http_argo_sim_chat("o3-mini", "gpto3mini", OPENAI),
    ngx_http_argo_sim_chat("o1", "gpto1", OPENAI),
    ngx_http_argo_sim_chat("o3", "gpto3", OPENAI),
    ngx_http_argo_sim_chat("o4-mini", "gpto4mini", OPENAI),
    ngx_http_argo_sim_chat("GPT-4.1", "gpt41", OPENAI),
    ngx_http_argo_sim_chat("GPT-4.1-mini", "gpt41mini", OPENAI),
    ngx_http_argo_sim_chat("GPT-4.1-nano", "gpt41nano", OPENAI),
    ngx_http_argo_sim_chat("GPT-5", "gpt5", OPENAI),
    ngx_http_argo_sim_chat("GPT-5-mini", "gpt5mini", OPENAI),
    ngx_http_argo_sim_chat("GPT-5-nano", "gpt5nano", OPENAI),
    ngx_http_argo_sim_chat("GPT-5.1", "gpt51", OPENAI),
    ngx_http_argo_sim_chat("GPT-5.2", "gpt52", OPENAI),
    ngx_http_argo_sim_chat("GPT-5.4", "gpt54", OPENAI),
    ngx_http_argo_sim_chat("GPT-5.4-mini", "gpt54mini", OPENAI),
    ngx_http_argo_sim_chat("GPT-5.4-nano", "gpt54nano", OPENAI),
    ngx_http_argo_sim_chat("GPT-5.5", "gpt55", OPENAI),
    ngx_http_argo_sim_chat("GPT-5.6 Sol", "gpt56sol", OPENAI),
    ngx_http_argo_sim_chat("GPT-5.6 Terra", "gpt56terra", OPENAI),
    ngx_http_argo_sim_chat("GPT-5.6 Luna", "gpt56luna", OPENAI),

    ngx_http_argo_sim_chat("Gemini 2.5 Pro", "gemini25pro", GOOGLE),
    ngx_http_argo_sim_chat("Gemini 2.5 Flash", "gemini25flash", GOOGLE),
    ngx_http_argo_sim_chat("Gemini 3.5 Flash", "gemini35flash", GOOGLE),
    ngx_http_argo_sim_chat("Gemini 3.1 Flash Lite", "gemini31flashlite",
                           GOOGLE),

    ngx_http_argo_sim_chat("Claude Opus 5", "claudeopus5", ANTHROPIC),
    ngx_http_argo_sim_chat("Claude Opus 4.8", "claudeopus48", ANTHROPIC),
    ngx_http_argo_sim_chat("Claude Opus 4.7", "claudeopus47", ANTHROPIC),
    ngx_http_argo_sim_chat("Claude Opus 4.6", "claudeopus46", ANTHROPIC),
    ngx_http_argo_sim_chat("Claude Opus 4.5", "claudeopus45", ANTHROPIC),
    ngx_http_argo_sim_chat("Claude Opus 4.1", "claudeopus41", ANTHROPIC),
    ngx_http_argo_sim_chat("Claude Opus 4", "claudeopus4", ANTHROPIC),
    ngx_http_argo_sim_chat("Claude Haiku 4.5", "claudehaiku45", ANTHROPIC),
    ngx_http_argo_sim_chat("Claude Sonnet 5", "claudesonnet5", ANTHROPIC),
    ngx_http_argo_sim_chat("Claude Sonnet 4.6", "claudesonnet46", ANTHROPIC),
    ngx_http_argo_sim_chat("Claude Sonnet 4.5", "claudesonnet45", ANTHROPIC),
    ngx_http_argo_sim_chat("Claude Sonnet 4", "claudesonnet4", ANTHROPIC),
    ngx_http_argo_sim_chat("Claude Sonnet 3.7", "claudesonnet37", ANTHROPIC),
    ngx_http_argo_sim_chat("Claude Sonnet 3.5 v2", "claudesonnet35v2",
                           ANTHROPIC),
    ngx_http_argo_sim_chat("Claude Haiku 3.5", "claudehaiku35", ANTHROPIC),

    ngx_http_argo_sim_embedding("Text Embedding Ada 002", "ada002", 1536),
    ngx_http_argo_sim_embedding("Text Embedding 3 Small", "v3small", 1536),
    ngx_http_argo_sim_embedding("Text Embedding 3 Large", "v3large", 3072),

    { ngx_null_string, ngx_null_string, 0, 0, 0 }
};


const ngx_http_argo_sim_model_t *
ngx_http_argo_sim_find_model(const ngx_str_t *id)
{
    const ngx_http_argo_sim_model_t  *model;

    for (model = ngx_http_argo_sim_models; model->id.len; model++) {

        if (model->id.len == id->len
            && ngx_memcmp(model->id.data, id->data, id->len) == 0)
        {
            return model;
        }
    }

    return NULL;
}


const ngx_http_argo_sim_model_t *
ngx_http_argo_sim_find_name(const ngx_str_t *name)
{
    ngx_str_t                         id;
    ngx_uint_t                        i;
    const ngx_http_argo_sim_model_t  *model;

    static const struct {
        const char  *name;
        const char  *id;
    } official[] = {
        { "text-embedding-ada-002", "ada002" },
        { "text-embedding-3-small", "v3small" },
        { "text-embedding-3-large", "v3large" },
        { NULL, NULL }
    };

    for (model = ngx_http_argo_sim_models; model->id.len; model++) {

        if (model->name.len == name->len
            && ngx_memcmp(model->name.data, name->data, name->len) == 0)
        {
            return model;
        }
    }

    for (i = 0; official[i].name; i++) {

        if (ngx_strlen(official[i].name) == name->len
            && ngx_memcmp(official[i].name, name->data, name->len) == 0)
        {
            id.data = (u_char *) official[i].id;
            id.len = ngx_strlen(official[i].id);

            return ngx_http_argo_sim_find_model(&id);
        }
    }

    return ngx_http_argo_sim_find_model(name);
}


/* A list for an error message. */

void
ngx_http_argo_sim_write_ids(argo_out_t *out, ngx_uint_t embedding)
{
    ngx_uint_t                        first;
    const ngx_http_argo_sim_model_t  *model;

    first = 1;

    for (model = ngx_http_argo_sim_models; model->id.len; model++) {

        if ((model->dimensions != 0) != (embedding != 0)) {
            continue;
        }

        if (!first) {
            argo_out_lit(out, ", ");
        }

        argo_out_str(out, &model->id);
        first = 0;
    }
}


ngx_int_t
ngx_http_argo_sim_model_list(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx)
{
    argo_out_t                        out;
    const ngx_http_argo_sim_model_t  *model;

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL, 1);

    argo_out_lit(&out, "{\"object\":\"list\",\"data\":[");

    for (model = ngx_http_argo_sim_models; model->id.len; model++) {

        if (model != ngx_http_argo_sim_models) {
            argo_out_lit(&out, ",");
        }

        argo_out_lit(&out, "{\"id\":");
        argo_json_write_string(&out, &model->name);
        argo_out_lit(&out, ",\"internal_id\":");
        argo_json_write_string(&out, &model->id);

        /* ARGO has no better date than that of the call */
        argo_out_lit(&out, ",\"object\":\"model\",\"created\":");
        argo_out_int(&out, ngx_time());

        argo_out_lit(&out, ",\"owned_by\":");
        ngx_http_argo_sim_owner(&out, model->family);
        argo_out_lit(&out, "}");
    }

    argo_out_lit(&out, "]}");

    return ngx_http_argo_sim_json(r, ctx, NGX_HTTP_OK, &out);
}


static void
ngx_http_argo_sim_owner(argo_out_t *out, ngx_http_argo_sim_family_e family)
{
    switch (family) {

    case NGX_HTTP_ARGO_SIM_ANTHROPIC:
        argo_out_lit(out, "\"anthropic\"");
        break;

    case NGX_HTTP_ARGO_SIM_GOOGLE:
        argo_out_lit(out, "\"google\"");
        break;

    default: /* NGX_HTTP_ARGO_SIM_OPENAI */
        argo_out_lit(out, "\"openai\"");
    }
}
