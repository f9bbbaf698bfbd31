
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The registry of dialects: one row each.
 */


#include "argo_dialect.h"


static const argo_front_t  *argo_fronts[] = {
    &argo_openai_chat_front,
    &argo_openai_completions_front,
    &argo_openai_responses_front,
    &argo_anthropic_front,
    &argo_gemini_front,
    &argo_gemini_array_front,
    &argo_direct_front,
    &argo_direct_embed_front,
    NULL
};


static const argo_back_t  *argo_backs[] = {
    &argo_legacy_back,
    &argo_openai_chat_back,
    &argo_openai_responses_back,
    &argo_anthropic_back,
    &argo_direct_chat_back,
    &argo_direct_embed_back,
    NULL
};


const argo_front_t *
argo_front_find(const ngx_str_t *name)
{
    ngx_uint_t  i;

    for (i = 0; argo_fronts[i] != NULL; i++) {
        if (argo_fronts[i]->name.len == name->len
            && ngx_memcmp(argo_fronts[i]->name.data, name->data, name->len)
               == 0)
        {
            return argo_fronts[i];
        }
    }

    return NULL;
}


const argo_back_t *
argo_back_find(const ngx_str_t *name)
{
    ngx_uint_t  i;

    for (i = 0; argo_backs[i] != NULL; i++) {
        if (argo_backs[i]->name.len == name->len
            && ngx_memcmp(argo_backs[i]->name.data, name->data, name->len)
               == 0)
        {
            return argo_backs[i];
        }
    }

    return NULL;
}


const argo_back_t *
argo_back_route(argo_dialect_e client, argo_family_e family,
    ngx_uint_t responses)
{
    if (family == ARGO_FAMILY_ANTHROPIC) {
        return &argo_anthropic_back;
    }

    if (client == ARGO_DIALECT_RESPONSES && family == ARGO_FAMILY_OPENAI
        && responses)
    {
        return &argo_openai_responses_back;
    }

    return &argo_openai_chat_back;
}
