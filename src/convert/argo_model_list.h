
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * ARGO's own list of models: read from its reply, and packed into one piece
 * of memory that processes can share.
 */


#ifndef _ARGO_MODEL_LIST_H_INCLUDED_
#define _ARGO_MODEL_LIST_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"
#include "argo_model.h"


/* bounds what a table costs; ARGO has about forty models */
#define ARGO_MODEL_MAX_ROWS     512

/* how many models that have left the list are remembered */
#define ARGO_MODEL_MAX_GONE     512

/*
 * Longest parts of a row.  Names made of a display name must stay shorter
 * than ARGO_MODEL_MAX_NAME.
 */
#define ARGO_MODEL_MAX_ID       64
#define ARGO_MODEL_MAX_DISPLAY  96
#define ARGO_MODEL_MAX_OWNER    32


/* one model, as ARGO tells of it */

struct argo_model_entry_s {
    ngx_str_t            id;            /* internal id */
    ngx_str_t            display;
    ngx_str_t            owned_by;      /* len 0: not told */
    time_t               created;       /* when we first saw it */
};


struct argo_model_list_s {
    argo_model_entry_t  *rows;
    ngx_uint_t           nrows;
    argo_model_entry_t  *gone;          /* no longer listed: id and date */
    ngx_uint_t           ngone;

    /* rows that were left out */
    ngx_uint_t           bad;
    ngx_uint_t           duplicates;
    ngx_uint_t           excess;
};


/*
 * Reads ARGO's reply, of either format.  A row that is wrong is left out and
 * counted; NGX_DECLINED with err if the whole is wrong or no row is good.
 * Strings are in the document or in the pool.
 */
ngx_int_t argo_model_list_parse(ngx_pool_t *pool, const ngx_str_t *document,
    argo_model_list_t *list, argo_error_t *err);

/*
 * Dates the rows: a model that the list before (or NULL) knew keeps its
 * date, one of the built-in table has the date since, others have now.
 * Models that were known and are no longer listed are remembered; their
 * strings stay where they are.
 */
ngx_int_t argo_model_list_date(ngx_pool_t *pool, argo_model_list_t *list,
    const argo_model_list_t *before, time_t since, time_t now);

/* The size of a list when packed. */
size_t argo_model_list_size(const argo_model_list_t *list);

/* Packs a list into that many bytes. */
void argo_model_list_pack(const argo_model_list_t *list, u_char *p);

/*
 * The list that was packed; its strings are in the packed bytes.  NGX_ERROR
 * if there is no memory, or if these are no packed list.
 */
ngx_int_t argo_model_list_unpack(ngx_pool_t *pool, const ngx_str_t *packed,
    argo_model_list_t *list);


#endif /* _ARGO_MODEL_LIST_H_INCLUDED_ */
