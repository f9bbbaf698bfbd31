
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Models as Google's clients name and list them.
 */


#ifndef _ARGO_GEMINI_MODELS_H_INCLUDED_
#define _ARGO_GEMINI_MODELS_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"
#include "argo_model.h"
#include "argo_out.h"


/* rows of a page, where the client does not say how many, and at most */
#define ARGO_GEMINI_PAGE      50
#define ARGO_GEMINI_MAX_PAGE  1000


typedef enum {
    ARGO_GEMINI_GET = 0,                /* none: the model itself is meant */
    ARGO_GEMINI_GENERATE,
    ARGO_GEMINI_STREAM,
    ARGO_GEMINI_COUNT,
    ARGO_GEMINI_NOT_SERVED              /* Google's, and not ours: 404 */
} argo_gemini_method_e;


typedef struct {
    ngx_uint_t    size;                 /* rows */
    ngx_str_t     token;                /* the name of the last row before;
                                           len 0: from the first on */
} argo_gemini_page_t;


/*
 * Takes apart what follows ".../models/" in a path, unescaped: the model, in
 * which there may be colons and slashes, and behind the last colon a method,
 * if it is the name of one.  NGX_DECLINED: no model is named.
 */
ngx_int_t argo_gemini_path(const ngx_str_t *item, ngx_str_t *model,
    argo_gemini_method_e *method);

/*
 * Reads the arguments pageSize and pageToken, unescaped; len 0: not given.
 * NGX_DECLINED with err.
 */
ngx_int_t argo_gemini_read_page(const ngx_str_t *size,
    const ngx_str_t *token, argo_gemini_page_t *page, argo_error_t *err);

/*
 * Writes the body of GET /v1beta/models, or a page of it.  Models that have
 * no method to be called by are left out.  NGX_DECLINED with err, before
 * anything is written: the token is none that was given.
 */
ngx_int_t argo_gemini_write_models(const argo_model_table_t *table,
    const argo_gemini_page_t *page, argo_out_t *out, argo_error_t *err);

/*
 * Writes the body of GET /v1beta/models/{name}, which is the model's row of
 * the list, or that of the alias by which it was asked for.
 */
void argo_gemini_write_one(const argo_model_table_t *table,
    const argo_model_t *model, const ngx_str_t *asked, argo_out_t *out);

/* Writes one model under that name. */
void argo_gemini_write_model(const argo_model_t *model,
    const ngx_str_t *name, argo_out_t *out);


#endif /* _ARGO_GEMINI_MODELS_H_INCLUDED_ */
