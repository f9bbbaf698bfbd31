
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What only the simulator can have made, so that it can refuse what has been
 * changed on the way: signatures of thinking, and sealed reasoning.
 */


#include "ngx_http_argo_sim_native.h"


#define NGX_HTTP_ARGO_SIM_SIGNATURE_LEN  248
#define NGX_HTTP_ARGO_SIM_NONCE_LEN  24
#define NGX_HTTP_ARGO_SIM_PROOF_LEN  104


static void ngx_http_argo_sim_fill(u_char *p, size_t n, uint64_t state);


/* A function of the text, in the alphabet of base64, as Anthropic's. */

ngx_int_t
ngx_http_argo_sim_sign(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *signature)
{
    u_char  *p;

    p = ngx_pnalloc(pool, NGX_HTTP_ARGO_SIM_SIGNATURE_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    signature->data = p;
    signature->len = NGX_HTTP_ARGO_SIM_SIGNATURE_LEN;

    p = ngx_cpymem(p, "EvwB", 4);

    ngx_http_argo_sim_fill(p, NGX_HTTP_ARGO_SIM_SIGNATURE_LEN - 4,
                           ngx_http_argo_sim_hash(1, text->data, text->len));

    return NGX_OK;
}


/* A nonce, and what follows from it. */

ngx_int_t
ngx_http_argo_sim_seal(const ngx_http_argo_sim_talk_t *talk,
    const char *prefix, ngx_str_t *seal)
{
    u_char           *p;
    size_t            len;
    const ngx_str_t  *raw;

    len = ngx_strlen(prefix);
    raw = &talk->ctx->root->raw;

    seal->len = len + NGX_HTTP_ARGO_SIM_NONCE_LEN
                + NGX_HTTP_ARGO_SIM_PROOF_LEN;

    seal->data = ngx_pnalloc(talk->request->pool, seal->len);
    if (seal->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(seal->data, prefix, len);

    ngx_http_argo_sim_fill(p, NGX_HTTP_ARGO_SIM_NONCE_LEN,
                           ngx_http_argo_sim_hash(2, raw->data, raw->len));

    ngx_http_argo_sim_fill(p + NGX_HTTP_ARGO_SIM_NONCE_LEN,
                           NGX_HTTP_ARGO_SIM_PROOF_LEN,
                           ngx_http_argo_sim_hash(3, p,
                                              NGX_HTTP_ARGO_SIM_NONCE_LEN));

    return NGX_OK;
}


ngx_uint_t
ngx_http_argo_sim_sealed(const char *prefix, const ngx_str_t *seal)
{
    u_char  *p, proof[NGX_HTTP_ARGO_SIM_PROOF_LEN];
    size_t   len;

    len = ngx_strlen(prefix);

    if (seal->len != len + NGX_HTTP_ARGO_SIM_NONCE_LEN + sizeof(proof)
        || ngx_memcmp(seal->data, prefix, len) != 0)
    {
        return 0;
    }

    p = seal->data + len;

    ngx_http_argo_sim_fill(proof, sizeof(proof),
                           ngx_http_argo_sim_hash(3, p,
                                              NGX_HTTP_ARGO_SIM_NONCE_LEN));

    return ngx_memcmp(p + NGX_HTTP_ARGO_SIM_NONCE_LEN, proof, sizeof(proof))
           == 0;
}


static void
ngx_http_argo_sim_fill(u_char *p, size_t n, uint64_t state)
{
    static const char  digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    while (n--) {
        *p++ = digits[ngx_http_argo_sim_draw(&state) % 64];
    }
}
