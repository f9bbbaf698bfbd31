
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * JSON documents that come one after the other and are alike, as the events
 * of streams are: most differ from one that was before in the texts of strings
 * and in numbers alone, and its tree needs but new slices.
 */


#ifndef _ARGO_JSON_FORM_H_INCLUDED_
#define _ARGO_JSON_FORM_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"
#include "argo_json.h"


/* documents with more than that are parsed each by itself */
#define ARGO_JSON_FORM_SIZE   2048
#define ARGO_JSON_FORM_NODES  96

/* and more than that are not even compared */
#define ARGO_JSON_FORM_MATCH  (4 * ARGO_JSON_FORM_SIZE)

/* kept at once: the kinds of events that a worker's streams are made of */
#define ARGO_JSON_FORMS       16

/* so many in succession that were not alike, and none is compared any more */
#define ARGO_JSON_FORM_TRIES  8


/* where a node is in the document that was learnt */

typedef struct {
    uint16_t      start;
    uint16_t      raw;
    uint16_t      end;              /* of raw */
    uint8_t       before;           /* texts and numbers that end before
                                       start, */
    uint8_t       within;           /* before end */
} argo_json_place_t;


typedef struct {
    size_t              len;        /* of document */
    ngx_uint_t          tree_depth;
    ngx_uint_t          n;          /* of nodes; 0: nothing is learnt */
    ngx_uint_t          ntexts;     /* of nodes that vary */
    uint8_t             texts[ARGO_JSON_FORM_NODES];    /* which they are */
    argo_json_place_t   places[ARGO_JSON_FORM_NODES];
    argo_json_t         nodes[ARGO_JSON_FORM_NODES];    /* as in document */
    u_char              document[ARGO_JSON_FORM_SIZE];
} argo_json_form_t;


/* begins zeroed; may be shared by many successions of documents */

typedef struct {
    ngx_uint_t          next;       /* to be learnt anew */
    argo_json_form_t    forms[ARGO_JSON_FORMS];
} argo_json_forms_t;


/* one succession of documents; begins zeroed */

typedef struct {
    uint16_t            last;       /* which form the one before had */
    uint16_t            tries;
} argo_json_likes_t;


/*
 * The same as argo_json_parse(), but that the tree may be a form's: it lives
 * until the next call with these forms, in which it may be changed.
 */
ngx_int_t argo_json_parse_alike(argo_json_forms_t *forms,
    argo_json_likes_t *likes, ngx_pool_t *pool, const ngx_str_t *document,
    ngx_uint_t tree_depth, argo_json_t **root, argo_error_t *err);


#endif /* _ARGO_JSON_FORM_H_INCLUDED_ */
