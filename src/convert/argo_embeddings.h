
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Embeddings: OpenAI's request and response around ARGO's lists of vectors.
 * A reply is converted as it comes, so that its numbers are held once.
 * Knows JSON, nothing of HTTP.
 */


#ifndef _ARGO_EMBEDDINGS_H_INCLUDED_
#define _ARGO_EMBEDDINGS_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"
#include "argo_float.h"
#include "argo_json.h"
#include "argo_model.h"
#include "argo_out.h"
#include "argo_tokens.h"


/* root, input, its items */
#define ARGO_EMBEDDINGS_TREE_DEPTH  2

/* OpenAI's limit for one request, and ARGO's for one call */
#define ARGO_EMBEDDINGS_MAX_INPUTS  2048
#define ARGO_EMBEDDINGS_BATCH       16

/* one reply to ARGO's largest batch is about 1 MB */
#define ARGO_EMBEDDINGS_MAX_REPLY   (64 * 1024 * 1024)

/*
 * Numbers that are turned into base64 at once: three of them are twelve
 * bytes, and so many make no padding.
 */
#define ARGO_EMBEDDINGS_ROW         768

/* with every letter of "embedding" escaped */
#define ARGO_EMBEDDINGS_MAX_NAME    54

/* of a reply, what is kept to find the text of an error in it */
#define ARGO_EMBEDDINGS_HEAD        8192


typedef struct {
    argo_json_t          *root;
    ngx_str_t             model;        /* as asked for, unescaped */
    const argo_model_t   *target;       /* resolved; set by the caller */
    ngx_str_t             user;         /* the bound ARGO name; by the caller */
    argo_json_t         **inputs;       /* strings, or arrays of token ids
                                           that are not decoded yet */
    ngx_uint_t            ninputs;
    ngx_uint_t            dimensions;   /* 0: the model's own */
    argo_tokens_t         prompt;
    uint64_t              told;         /* tokens, by ARGO, of all calls */
    unsigned              base64:1;
    unsigned              native:1;     /* ARGO's API of OpenAI's form; by the
                                           caller */
    unsigned              known:1;      /* told is of all calls so far */
} argo_embeddings_request_t;


/*
 * The conversion of one reply.  May be initialized again for another one of
 * the same request, when out has been taken; the row is kept.
 */

typedef struct {
    ngx_pool_t           *pool;
    argo_out_t            out;          /* items of data, each but the
                                           very first behind a comma */
    argo_error_t          error;
    ngx_uint_t            first;        /* index of the first input */
    ngx_uint_t            expected;     /* vectors */
    ngx_uint_t            dimensions;   /* 0: as many as come */

    ngx_uint_t            state;
    ngx_uint_t            level;        /* of the object whose members come */
    ngx_uint_t            depth;        /* of what is skipped */
    uint64_t              integer;      /* of a member that is counted */
    uint64_t              tokens;       /* told by ARGO */
    ngx_uint_t            vectors;      /* seen so far */
    ngx_uint_t            length;       /* of the first vector */
    ngx_uint_t            numbers;      /* of this vector */
    float                *row;          /* of these, what is kept */
    ngx_uint_t            filled;
    ngx_uint_t            room;         /* in the row; 0: none is needed */
    u_char                name[ARGO_EMBEDDINGS_MAX_NAME];
    size_t                name_len;     /* of a member, as it stands */
    u_char                numeral[ARGO_FLOAT_MAX_NUMERAL];
    size_t                numeral_len;  /* of one that was cut */
    u_char                head[ARGO_EMBEDDINGS_HEAD];
    size_t                head_len;
    size_t                seen;         /* bytes of the reply */

    unsigned              base64:1;
    unsigned              escape:1;     /* behind a backslash */
    unsigned              native:1;
    unsigned              found:1;      /* the list of vectors */
    unsigned              item:1;       /* the vector of this item */
    unsigned              index:1;      /* the scalar is an item's index */
    unsigned              usage:1;      /* ... or the tokens of the prompt */
    unsigned              known:1;      /* tokens were told */
    unsigned              failed:1;     /* the form is wrong */
} argo_embeddings_reply_t;


/*
 * Reads a request's tree.  NGX_DECLINED with err if the client sent
 * something wrong.
 */
ngx_int_t argo_embeddings_read_request(ngx_pool_t *pool,
    argo_embeddings_request_t *req, argo_error_t *err);

/* What only the model's name can decide: "dimensions". */
ngx_int_t argo_embeddings_check_model(const argo_embeddings_request_t *req,
    argo_error_t *err);

/*
 * Makes text of inputs that are token ids, once the model is known; counts
 * them.  NGX_DECLINED with err if they can't be decoded.
 */
ngx_int_t argo_embeddings_decode(ngx_pool_t *pool,
    argo_embeddings_request_t *req, const argo_tokenizer_t *tokenizer,
    argo_error_t *err);

/* Writes the body of a call for n inputs from first on. */
void argo_embeddings_write_call(const argo_embeddings_request_t *req,
    ngx_uint_t first, ngx_uint_t n, argo_out_t *out);

/* Prepares the conversion of the reply to that call; zeroed at first. */
ngx_int_t argo_embeddings_init_reply(argo_embeddings_reply_t *reply,
    ngx_pool_t *pool, const argo_embeddings_request_t *req, ngx_uint_t first,
    ngx_uint_t n);

/* Takes bytes of it, cut anywhere.  NGX_ERROR: no memory. */
ngx_int_t argo_embeddings_push(argo_embeddings_reply_t *reply, u_char *p,
    size_t n);

/*
 * The reply has come whole.  NGX_DECLINED with reply->error if it is not
 * what was asked for: a denial, an error, a wrong number of vectors.
 */
ngx_int_t argo_embeddings_end(argo_embeddings_reply_t *reply);

/* The tokens of all inputs: as ARGO told, else as counted. */
uint64_t argo_embeddings_usage(const argo_embeddings_request_t *req);

/* Write what stands around the items of data. */
void argo_embeddings_write_start(argo_out_t *out);
void argo_embeddings_write_end(const argo_embeddings_request_t *req,
    argo_out_t *out);


#endif /* _ARGO_EMBEDDINGS_H_INCLUDED_ */
