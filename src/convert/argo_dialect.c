
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
    &argo_direct_front,
    &argo_direct_embed_front,
    NULL
};


static const argo_back_t  *argo_backs[] = {
    &argo_legacy_back,
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
