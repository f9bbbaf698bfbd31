
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Embeddings: OpenAI's request, ARGO's, and what stands around the vectors
 * of a response.
 */


#include "argo_embeddings.h"
#include "argo_json_write.h"
#include "argo_token_ids.h"


typedef struct {
    ngx_str_t     id;
    ngx_uint_t    length;
} argo_embeddings_length_t;


static ngx_int_t argo_embeddings_read_format(ngx_pool_t *pool,
    argo_embeddings_request_t *req, argo_error_t *err);
static ngx_int_t argo_embeddings_read_dimensions(ngx_pool_t *pool,
    argo_embeddings_request_t *req, argo_error_t *err);
static ngx_int_t argo_embeddings_read_inputs(ngx_pool_t *pool,
    argo_embeddings_request_t *req, argo_error_t *err);
static ngx_int_t argo_embeddings_check_input(ngx_pool_t *pool,
    argo_json_t *item, ngx_int_t index, argo_error_t *err);


/*
 * Models that are trained so that the first numbers of a vector mean
 * something alone, and the lengths of their vectors.
 */

static const argo_embeddings_length_t  argo_embeddings_lengths[] = {
    { ngx_string("v3small"), 1536 },
    { ngx_string("v3large"), 3072 },
    { ngx_null_string, 0 }
};


ngx_int_t
argo_embeddings_read_request(ngx_pool_t *pool, argo_embeddings_request_t *req,
    argo_error_t *err)
{
    ngx_int_t     rc;
    argo_json_t  *node;

    node = argo_json_get(req->root, "model");

    if (node && node->type != ARGO_JSON_NULL) {

        if (node->type != ARGO_JSON_STRING) {
            return argo_error_setf(pool, err, 400, "invalid_type", "model",
                                   "zz", "model must be a string, not ",
                                   argo_json_type_name(node));
        }

        if (argo_json_text(pool, node, &req->model) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    rc = argo_embeddings_read_format(pool, req, err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_embeddings_read_dimensions(pool, req, err);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_embeddings_read_inputs(pool, req, err);
}


static ngx_int_t
argo_embeddings_read_format(ngx_pool_t *pool, argo_embeddings_request_t *req,
    argo_error_t *err)
{
    argo_json_t  *node;

    node = argo_json_get(req->root, "encoding_format");

    if (node == NULL || node->type == ARGO_JSON_NULL) {
        return NGX_OK;
    }

    if (node->type != ARGO_JSON_STRING) {
        return argo_error_setf(pool, err, 400, "invalid_type",
                               "encoding_format", "zz",
                               "encoding_format must be a string, not ",
                               argo_json_type_name(node));
    }

    if (argo_json_is(node, "base64")) {
        req->base64 = 1;
        return NGX_OK;
    }

    if (argo_json_is(node, "float")) {
        return NGX_OK;
    }

    return argo_error_set(err, 400, "invalid_value", "encoding_format",
                          "encoding_format must be float or base64");
}


static ngx_int_t
argo_embeddings_read_dimensions(ngx_pool_t *pool,
    argo_embeddings_request_t *req, argo_error_t *err)
{
    int64_t       n;
    argo_json_t  *node;

    node = argo_json_get(req->root, "dimensions");

    if (node == NULL || node->type == ARGO_JSON_NULL) {
        return NGX_OK;
    }

    if (node->type != ARGO_JSON_NUMBER) {
        return argo_error_setf(pool, err, 400, "invalid_type", "dimensions",
                               "zz", "dimensions must be an integer, not ",
                               argo_json_type_name(node));
    }

    if (argo_json_int(node, &n) != NGX_OK || n < 1 || n > NGX_MAX_INT32_VALUE)
    {
        return argo_error_set(err, 400, "invalid_value", "dimensions",
                              "dimensions must be an integer that the model "
                              "allows, at least 1");
    }

    req->dimensions = (ngx_uint_t) n;

    return NGX_OK;
}


static ngx_int_t
argo_embeddings_read_inputs(ngx_pool_t *pool, argo_embeddings_request_t *req,
    argo_error_t *err)
{
    ngx_int_t     rc;
    ngx_str_t     text;
    ngx_uint_t    i, n;
    argo_json_t  *input, *item;

    input = argo_json_get(req->root, "input");

    if (input == NULL || input->type == ARGO_JSON_NULL) {
        return argo_error_set(err, 400, "missing_required_parameter",
                              "input", "input is missing");
    }

    n = 1;
    item = input;

    if (input->type == ARGO_JSON_ARRAY) {

        if (input->count == 0) {
            return argo_error_set(err, 400, "empty_array", "input",
                                  "input must have at least one text");
        }

        n = input->count;
        item = input->child;

        if (item->type == ARGO_JSON_NUMBER) {
            /* one text, as token ids */
            n = 1;
            item = input;
        }
    }

    if (n > ARGO_EMBEDDINGS_MAX_INPUTS) {
        return argo_error_setf(pool, err, 400, "array_above_max_length",
                               "input", "ziz", "input may have at most ",
                               (ngx_int_t) ARGO_EMBEDDINGS_MAX_INPUTS,
                               " texts");
    }

    req->inputs = ngx_palloc(pool, n * sizeof(argo_json_t *));
    if (req->inputs == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {

        rc = argo_embeddings_check_input(pool, item,
                                         (item == input) ? -1 : (ngx_int_t) i,
                                         err);
        if (rc != NGX_OK) {
            return rc;
        }

        if (item->type == ARGO_JSON_STRING) {
            text = argo_json_inner(item);
            argo_tokens_add_escaped(&req->prompt, text.data, text.len);
            argo_tokens_end(&req->prompt);
        }

        req->inputs[i] = item;
        item = item->next;
    }

    req->ninputs = n;

    return NGX_OK;
}


static ngx_int_t
argo_embeddings_check_input(ngx_pool_t *pool, argo_json_t *item,
    ngx_int_t index, argo_error_t *err)
{
    ngx_int_t      rc;
    ngx_str_t      param;
    const char    *code, *what, *more;
    argo_error_t   place;

    if (item->type == ARGO_JSON_ARRAY && item->count) {
        /* token ids: what they are is known when the model is */
        return NGX_OK;
    }

    if (item->type == ARGO_JSON_ARRAY) {
        code = "invalid_value";
        what = " must not be empty";
        more = "";

    } else if (item->type != ARGO_JSON_STRING) {
        code = "invalid_type";
        what = " must be a text, not ";
        more = argo_json_type_name(item);

    } else if (item->raw.len == 2) {
        code = "invalid_value";
        what = " must not be empty";
        more = "";

    } else {
        return NGX_OK;
    }

    if (index == -1) {
        ngx_str_set(&param, "input");

    } else {
        rc = argo_error_setf(pool, &place, 400, NULL, NULL, "ziz", "input[",
                             index, "]");
        if (rc != NGX_DECLINED) {
            return rc;
        }

        param = place.message;
    }

    rc = argo_error_setf(pool, err, 400, code, NULL, "Vzz", &param, what,
                         more);
    if (rc == NGX_DECLINED) {
        err->param = param;
    }

    return rc;
}


ngx_int_t
argo_embeddings_decode(ngx_pool_t *pool, argo_embeddings_request_t *req,
    const argo_tokenizer_t *tokenizer, argo_error_t *err)
{
    ngx_int_t     rc;
    ngx_str_t     text;
    ngx_uint_t    i;
    argo_json_t  *node;

    for (i = 0; i < req->ninputs; i++) {

        if (req->inputs[i]->type != ARGO_JSON_ARRAY) {
            continue;
        }

        rc = argo_token_ids_decode(pool, tokenizer, &req->target->id,
                                   req->inputs[i], &node, "input", err);
        if (rc != NGX_OK) {
            return rc;
        }

        text = argo_json_inner(node);
        argo_tokens_add_escaped(&req->prompt, text.data, text.len);
        argo_tokens_end(&req->prompt);

        req->inputs[i] = node;
    }

    return NGX_OK;
}


ngx_int_t
argo_embeddings_check_model(const argo_embeddings_request_t *req,
    argo_error_t *err)
{
    const ngx_str_t                 *id;
    const argo_embeddings_length_t  *own;

    if (req->dimensions == 0) {
        return NGX_OK;
    }

    id = &req->target->id;

    for (own = argo_embeddings_lengths; own->length; own++) {

        if (own->id.len == id->len
            && ngx_memcmp(own->id.data, id->data, id->len) == 0)
        {
            break;
        }
    }

    if (own->length == 0) {
        return argo_error_set(err, 400, "unsupported_parameter",
                              "dimensions",
                              "dimensions is not supported by this model");
    }

    if (req->dimensions > own->length) {
        return argo_error_set(err, 400, "invalid_value", "dimensions",
                              "dimensions is larger than the model's own");
    }

    return NGX_OK;
}


void
argo_embeddings_write_call(const argo_embeddings_request_t *req,
    ngx_uint_t first, ngx_uint_t n, argo_out_t *out)
{
    ngx_uint_t  i;

    argo_out_lit(out, "{\"user\":");
    argo_json_write_string(out, &req->user);
    argo_out_lit(out, ",\"model\":");
    argo_json_write_string(out, &req->target->id);

    if (req->native) {
        argo_out_lit(out, ",\"input\":[");

    } else {
        argo_out_lit(out, ",\"prompt\":[");
    }

    for (i = first; i < first + n; i++) {

        if (i > first) {
            argo_out_lit(out, ",");
        }

        argo_out_ref(out, req->inputs[i]->raw.data, req->inputs[i]->raw.len);
    }

    argo_out_lit(out, "]}");
}


uint64_t
argo_embeddings_usage(const argo_embeddings_request_t *req)
{
    return req->known ? req->told : argo_tokens_count(&req->prompt);
}


void
argo_embeddings_write_start(argo_out_t *out)
{
    argo_out_lit(out, "{\"object\":\"list\",\"data\":[");
}


void
argo_embeddings_write_end(const argo_embeddings_request_t *req,
    argo_out_t *out)
{
    uint64_t  tokens;

    tokens = argo_embeddings_usage(req);

    argo_out_lit(out, "],\"model\":");
    argo_json_write_string(out, &req->model);
    argo_out_lit(out, ",\"usage\":{\"prompt_tokens\":");
    argo_out_int(out, tokens);
    argo_out_lit(out, ",\"total_tokens\":");
    argo_out_int(out, tokens);
    argo_out_lit(out, "}}");
}
