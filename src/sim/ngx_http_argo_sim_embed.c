
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Embeddings: a vector of length 1 that depends on the text and the model
 * alone.  Integers all the way, so that every machine gives the same digits.
 */


#include "ngx_http_argo_sim.h"

#include "argo_float.h"


/* a component is a multiple of 10^-10, as many digits as OpenAI's have */
#define NGX_HTTP_ARGO_SIM_UNIT  10000000000LL
#define NGX_HTTP_ARGO_SIM_DIGITS  10

/* below it Python writes an exponent: 10^-4 */
#define NGX_HTTP_ARGO_SIM_SMALL  1000000LL

/* before scaling; the sum of 3072 squares stays below 2^64 */
#define NGX_HTTP_ARGO_SIM_RANGE_BITS  26


static int64_t *ngx_http_argo_sim_vector(ngx_http_request_t *r,
    const ngx_http_argo_sim_model_t *model, const ngx_str_t *text);
static uint64_t ngx_http_argo_sim_root(uint64_t square);
static void ngx_http_argo_sim_write_float(argo_out_t *out, int64_t n);


ngx_int_t
ngx_http_argo_sim_embed(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_str_t     text;
    argo_out_t    out;
    argo_json_t  *prompt;

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL, 1);

    argo_out_lit(&out, "{\"embedding\":[");

    for (prompt = ctx->prompt->child; prompt; prompt = prompt->next) {

        if (prompt != ctx->prompt->child) {
            argo_out_lit(&out, ",");
        }

        if (argo_json_text(r->pool, prompt, &text) != NGX_OK
            || ngx_http_argo_sim_write_vector(r, ctx->model, &text, &out)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    argo_out_lit(&out, "]}");

    return ngx_http_argo_sim_json(r, ctx, NGX_HTTP_OK, &out);
}


ngx_int_t
ngx_http_argo_sim_write_vector(ngx_http_request_t *r,
    const ngx_http_argo_sim_model_t *model, const ngx_str_t *text,
    argo_out_t *out)
{
    int64_t     *vector;
    ngx_uint_t   i;

    vector = ngx_http_argo_sim_vector(r, model, text);
    if (vector == NULL) {
        return NGX_ERROR;
    }

    argo_out_lit(out, "[");

    for (i = 0; i < model->dimensions; i++) {

        if (i) {
            argo_out_lit(out, ",");
        }

        ngx_http_argo_sim_write_float(out, vector[i]);
    }

    argo_out_lit(out, "]");

    return NGX_OK;
}


ngx_int_t
ngx_http_argo_sim_write_vector_base64(ngx_http_request_t *r,
    const ngx_http_argo_sim_model_t *model, const ngx_str_t *text,
    argo_out_t *out)
{
    float       *floats;
    int64_t     *vector;
    ngx_uint_t   i;

    vector = ngx_http_argo_sim_vector(r, model, text);
    if (vector == NULL) {
        return NGX_ERROR;
    }

    floats = ngx_palloc(r->pool, model->dimensions * sizeof(float));
    if (floats == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < model->dimensions; i++) {
        floats[i] = (float) ((double) vector[i] / NGX_HTTP_ARGO_SIM_UNIT);
    }

    argo_out_lit(out, "\"");
    argo_float_write_base64(floats, model->dimensions, out);
    argo_out_lit(out, "\"");

    return NGX_OK;
}


/* The numbers, in units of 10^-10. */

static int64_t *
ngx_http_argo_sim_vector(ngx_http_request_t *r,
    const ngx_http_argo_sim_model_t *model, const ngx_str_t *text)
{
    int64_t     *vector, length;
    uint64_t     state, square;
    ngx_uint_t   i;

    vector = ngx_palloc(r->pool, model->dimensions * sizeof(int64_t));
    if (vector == NULL) {
        return NULL;
    }

    state = ngx_http_argo_sim_hash(0, model->id.data, model->id.len);
    state = ngx_http_argo_sim_hash(state, text->data, text->len);

    square = 0;

    for (i = 0; i < model->dimensions; i++) {
        vector[i] = (int64_t) (ngx_http_argo_sim_draw(&state)
                               >> (63 - NGX_HTTP_ARGO_SIM_RANGE_BITS))
                    - ((int64_t) 1 << NGX_HTTP_ARGO_SIM_RANGE_BITS);

        square += (uint64_t) (vector[i] * vector[i]);
    }

    length = ngx_http_argo_sim_root(square);

    if (length == 0) {
        length = 1;
    }

    for (i = 0; i < model->dimensions; i++) {
        vector[i] = vector[i] * NGX_HTTP_ARGO_SIM_UNIT / length;
    }

    return vector;
}


/* Bit by bit. */

static uint64_t
ngx_http_argo_sim_root(uint64_t square)
{
    uint64_t  root, bit;

    root = 0;

    for (bit = (uint64_t) 1 << 62; bit; bit >>= 2) {

        if (square >= root + bit) {
            square -= root + bit;
            root = (root >> 1) + bit;

        } else {
            root >>= 1;
        }
    }

    return root;
}


/* n / 10^10, as Python prints a float: the shortest digits, 5.6e-05. */

static void
ngx_http_argo_sim_write_float(argo_out_t *out, int64_t n)
{
    u_char      digits[NGX_INT64_LEN];
    ngx_int_t   len, point;

    if (n < 0) {
        argo_out_lit(out, "-");
        n = -n;
    }

    if (n >= NGX_HTTP_ARGO_SIM_UNIT) {
        argo_out_lit(out, "1.0");
        return;
    }

    if (n == 0) {
        argo_out_lit(out, "0.0");
        return;
    }

    if (n < NGX_HTTP_ARGO_SIM_SMALL) {

        /* the first digit stands before the point */

        len = ngx_sprintf(digits, "%L", n) - digits;
        point = NGX_HTTP_ARGO_SIM_DIGITS - len + 1;

        while (len > 1 && digits[len - 1] == '0') {
            len--;
        }

        argo_out_write(out, digits, 1);

        if (len > 1) {
            argo_out_lit(out, ".");
            argo_out_write(out, digits + 1, len - 1);
        }

        len = ngx_sprintf(digits, "e-%02i", point) - digits;
        argo_out_write(out, digits, len);

        return;
    }

    len = ngx_sprintf(digits, "%010L", n) - digits;

    while (digits[len - 1] == '0') {
        len--;
    }

    argo_out_lit(out, "0.");
    argo_out_write(out, digits, len);
}


/* FNV-1a, 64 bits. */

uint64_t
ngx_http_argo_sim_hash(uint64_t seed, const u_char *p, size_t n)
{
    uint64_t  hash;

    hash = seed ^ 0xcbf29ce484222325ULL;

    while (n--) {
        hash ^= *p++;
        hash *= 0x100000001b3ULL;
    }

    return hash;
}


/* SplitMix64. */

uint64_t
ngx_http_argo_sim_draw(uint64_t *state)
{
    uint64_t  n;

    *state += 0x9e3779b97f4a7c15ULL;

    n = *state;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9ULL;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebULL;

    return n ^ (n >> 31);
}
