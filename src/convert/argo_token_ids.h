
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Token ids that a client sends in place of text, as LangChain does: ARGO
 * takes text alone.
 */


#ifndef _ARGO_TOKEN_IDS_H_INCLUDED_
#define _ARGO_TOKEN_IDS_H_INCLUDED_


#include "argo_bpe.h"
#include "argo_core.h"
#include "argo_error.h"
#include "argo_json.h"
#include "argo_tokens.h"


/*
 * Makes a node, a JSON string in memory of the pool, of an array of token ids
 * of the encoding of ARGO's model id.  Ids that end within a character leave
 * U+FFFD.  NGX_DECLINED with err, 400 for the client's parameter param: there
 * is no table of the encoding, or an id is none of it, or no number.
 */
ngx_int_t argo_token_ids_decode(ngx_pool_t *pool,
    const argo_tokenizer_t *tokenizer, const ngx_str_t *id,
    const argo_json_t *array, argo_json_t **text, const char *param,
    argo_error_t *err);


#endif /* _ARGO_TOKEN_IDS_H_INCLUDED_ */
