
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Token counts where upstream tells none: exact for a model whose encoding
 * is known and whose table is there, and an estimate otherwise, which is one
 * token for each four bytes of ASCII and one for each other character.
 * Cutting the text differently gives the same count.
 */


#ifndef _ARGO_TOKENS_H_INCLUDED_
#define _ARGO_TOKENS_H_INCLUDED_


#include "argo_core.h"
#include "argo_bpe.h"


typedef enum {
    ARGO_ENCODING_CL100K = 0,
    ARGO_ENCODING_O200K,
    ARGO_ENCODINGS
} argo_encoding_e;


/* The encodings that there are tables of; NULL: none. */

struct argo_tokenizer_s {
    const argo_bpe_t   *encodings[ARGO_ENCODINGS];
};


/*
 * How a family of models counts.  What a chat costs beyond its texts is what
 * OpenAI's own API has been seen to add.
 */

typedef struct {
    ngx_str_t           prefix;     /* of ARGO's model id */
    argo_encoding_e     encoding;
    ngx_uint_t          message;    /* tokens for each message, */
    ngx_uint_t          assistant;  /*    and more for an assistant's */
    ngx_uint_t          reply;      /* for the begin of the reply */
    ngx_uint_t          own;        /* the encoding is the model's own: its
                                       counts are no estimates */
} argo_tokens_rule_t;

/* Never NULL. */
const argo_tokens_rule_t *argo_tokens_rule(const ngx_str_t *id);

/* The name of an encoding, and of its table's file but for ".argo". */
extern const ngx_str_t  argo_encoding_names[ARGO_ENCODINGS];


typedef struct {
    const argo_tokens_rule_t  *rule;        /* NULL: estimate */
    argo_bpe_counter_t         counter;
    uint64_t                   overhead;    /* of a chat */
    uint64_t                   ascii;       /* bytes below 0x80 */
    uint64_t                   wide;        /* characters beyond ASCII */
} argo_tokens_t;


/*
 * Begins to count, for the model of ARGO's id.  Estimates if tokenizer is
 * NULL or has no table, as does a zeroed argo_tokens_t.
 */
void argo_tokens_init(argo_tokens_t *t, ngx_pool_t *pool,
    const argo_tokenizer_t *tokenizer, const ngx_str_t *id);

/* Counts plain UTF-8 text. */
void argo_tokens_add(argo_tokens_t *t, const u_char *p, size_t n);

/*
 * Counts the inside of a JSON string as the text it stands for: an escape is
 * one character.  An escape must not be cut, nor two that are one character.
 */
void argo_tokens_add_escaped(argo_tokens_t *t, const u_char *p, size_t n);

/* Ends a text: no token reaches from it into the next one. */
void argo_tokens_end(argo_tokens_t *t);

/* What a chat costs beyond its texts; no part of an estimate. */
void argo_tokens_add_message(argo_tokens_t *t, ngx_uint_t assistant);
void argo_tokens_add_reply(argo_tokens_t *t);

/* The count so far, in tokens. */
uint64_t argo_tokens_count(const argo_tokens_t *t);

/* True if the count is what the model itself would count. */
ngx_uint_t argo_tokens_exact(const argo_tokens_t *t);


#endif /* _ARGO_TOKENS_H_INCLUDED_ */
