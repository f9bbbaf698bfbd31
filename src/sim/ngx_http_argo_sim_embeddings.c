
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * POST v1/embeddings.
 */


#include "ngx_http_argo_sim_native.h"


static ngx_int_t ngx_http_argo_sim_embedding(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *input, ngx_uint_t i, ngx_uint_t base64,
    argo_out_t *out);


ngx_int_t
ngx_http_argo_sim_embeddings(ngx_http_argo_sim_talk_t *talk)
{
    argo_out_t                  out;
    argo_json_t                *input, *node;
    ngx_uint_t                  i, base64;
    ngx_http_argo_sim_ctx_t    *ctx;
    ngx_http_argo_sim_print_t   print;

    ctx = talk->ctx;

    if (ngx_http_argo_sim_member(ctx->root, "dimensions")) {
        return ngx_http_argo_sim_refuse(talk, "dimensions", NULL,
                   "This model does not support specifying dimensions.");
    }

    node = ngx_http_argo_sim_member(ctx->root, "encoding_format");
    base64 = node && argo_json_is(node, "base64");

    if (node && !base64 && !argo_json_is(node, "float")) {
        return ngx_http_argo_sim_refuse(talk, "encoding_format",
                   "invalid_value", "Invalid value for 'encoding_format': "
                   "expected 'float' or 'base64'.");
    }

    input = argo_json_get(ctx->root, "input");

    argo_out_init(&out, talk->request->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL,
                  1);

    print.out = &out;
    print.python = 0;

    ngx_http_argo_sim_print(&print, "{'data':[");

    node = (input->type == ARGO_JSON_STRING) ? input : input->child;

    for (i = 0; node; i++) {

        if (ngx_http_argo_sim_embedding(talk, node, i, base64, &out)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        node = (node == input) ? NULL : node->next;
    }

    talk->input_tokens = ngx_http_argo_sim_tokens(input);

    ngx_http_argo_sim_print(&print,
        "],'model':%s,'object':'list','usage':{'prompt_tokens':%i,"
        "'total_tokens':%i}}",
        &talk->model, (ngx_int_t) talk->input_tokens,
        (ngx_int_t) talk->input_tokens);

    return ngx_http_argo_sim_json(talk->request, ctx, NGX_HTTP_OK, &out);
}


static ngx_int_t
ngx_http_argo_sim_embedding(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *input, ngx_uint_t i, ngx_uint_t base64,
    argo_out_t *out)
{
    ngx_int_t                   rc;
    ngx_str_t                   text;
    ngx_http_request_t         *r;
    ngx_http_argo_sim_print_t   print;

    r = talk->request;

    print.out = out;
    print.python = 0;

    if (argo_json_text(r->pool, input, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_argo_sim_print(&print, i ? ",{'embedding':" : "{'embedding':");

    if (base64) {
        rc = ngx_http_argo_sim_write_vector_base64(r, talk->ctx->model, &text,
                                                   out);
    } else {
        rc = ngx_http_argo_sim_write_vector(r, talk->ctx->model, &text, out);
    }

    ngx_http_argo_sim_print(&print, ",'index':%i,'object':'embedding'}",
                            (ngx_int_t) i);

    return rc;
}
