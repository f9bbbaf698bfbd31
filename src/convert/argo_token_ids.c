
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Token ids in place of text.
 */


#include "argo_token_ids.h"
#include "argo_json_write.h"
#include "argo_out.h"
#include "argo_request.h"


/* no encoding has as many tokens */
#define ARGO_TOKEN_IDS_MAX    10000000

/* of text; tokens are about four bytes */
#define ARGO_TOKEN_IDS_BLOCK  4096


static ngx_int_t argo_token_ids_read(u_char **p, u_char *end, uint64_t *id);


ngx_int_t
argo_token_ids_decode(ngx_pool_t *pool, const argo_tokenizer_t *tokenizer,
    const ngx_str_t *id, const argo_json_t *array, argo_json_t **text,
    const char *param, argo_error_t *err)
{
    u_char            *p, *end;
    uint64_t           token;
    ngx_int_t          rc;
    ngx_str_t          bytes, json;
    argo_out_t         plain, out;
    const argo_bpe_t  *bpe;

    bpe = tokenizer
          ? tokenizer->encodings[argo_tokens_rule(id)->encoding] : NULL;

    if (bpe == NULL) {
        return argo_error_setf(pool, err, 400, "unsupported_value", param,
                               "zz", param, " must be text: ARGO does not "
                               "take token ids, and without its token tables "
                               "the gateway can't decode them");
    }

    /* a character may be of several tokens: put together, then escaped */

    argo_out_init(&plain, pool, ARGO_TOKEN_IDS_BLOCK, NULL, 1);

    p = array->raw.data + 1;
    end = array->raw.data + array->raw.len;

    for ( ;; ) {
        rc = argo_token_ids_read(&p, end, &token);

        if (rc == NGX_DONE) {
            break;
        }

        if (rc != NGX_OK || argo_bpe_decode(bpe, token, &bytes) != NGX_OK) {
            return argo_error_setf(pool, err, 400, "invalid_value", param,
                                   "zz", param, " has what is no token id of "
                                   "the model's encoding");
        }

        argo_out_str(&plain, &bytes);
    }

    if (argo_out_flatten(&plain, pool, &bytes) != NGX_OK) {
        return NGX_ERROR;
    }

    argo_out_init(&out, pool, ARGO_TOKEN_IDS_BLOCK, NULL, 1);
    argo_json_write_string(&out, &bytes);

    if (argo_out_flatten(&out, pool, &json) != NGX_OK) {
        return NGX_ERROR;
    }

    *text = argo_request_node(pool, ARGO_JSON_STRING, &json);
    if (*text == NULL) {
        return NGX_ERROR;
    }

    (*text)->escaped = 1;

    return NGX_OK;
}


/* Reads the next number of a valid array; NGX_DONE at its end. */

static ngx_int_t
argo_token_ids_read(u_char **p, u_char *end, uint64_t *id)
{
    u_char      *q;
    ngx_uint_t   digits;

    for (q = *p; q < end; q++) {

        if (*q == ']') {
            return NGX_DONE;
        }

        if (*q != ',' && *q != ' ' && *q != '\n' && *q != '\r'
            && *q != '\t')
        {
            break;
        }
    }

    *id = 0;
    digits = 0;

    for ( /* void */ ; q < end && *q >= '0' && *q <= '9'; q++) {

        *id = *id * 10 + (*q - '0');

        if (*id > ARGO_TOKEN_IDS_MAX) {
            return NGX_DECLINED;
        }

        digits++;
    }

    *p = q;

    /* neither a fraction nor anything else may follow */

    return (digits && q < end && *q != '.' && *q != 'e' && *q != 'E')
           ? NGX_OK : NGX_DECLINED;
}
