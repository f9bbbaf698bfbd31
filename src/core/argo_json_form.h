
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * JSON documents that come one after the other and are alike, as the events
 * of a stream are: most differ from the one before in the texts of strings
 * alone, and its tree needs but new slices.
 */


#ifndef _ARGO_JSON_FORM_H_INCLUDED_
#define _ARGO_JSON_FORM_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"
#include "argo_json.h"


/* documents with more than that are parsed each by itself */
#define ARGO_JSON_FORM_SIZE   768
#define ARGO_JSON_FORM_NODES  32

/* so many in succession that were not alike, and none is compared any more */
#define ARGO_JSON_FORM_TRIES  8


/* where a node is in the document that was learnt */

typedef struct {
    uint16_t      start;
    uint16_t      raw;
    uint16_t      end;              /* of raw */
    uint8_t       before;           /* texts that end before start, */
    uint8_t       within;           /* before end */
} argo_json_place_t;


/* begins zeroed */

typedef struct {
    size_t              len;        /* of document */
    ngx_uint_t          tree_depth;
    ngx_uint_t          n;          /* of nodes; 0: nothing is learnt */
    ngx_uint_t          tries;
    argo_json_place_t   places[ARGO_JSON_FORM_NODES];
    argo_json_t         nodes[ARGO_JSON_FORM_NODES];    /* as in document */
    u_char              document[ARGO_JSON_FORM_SIZE];
} argo_json_form_t;


/*
 * The same as argo_json_parse(), but that the tree may be the form's: it lives
 * until the next call, in which it may be changed.
 */
ngx_int_t argo_json_parse_alike(argo_json_form_t *form, ngx_pool_t *pool,
    const ngx_str_t *document, ngx_uint_t tree_depth, argo_json_t **root,
    argo_error_t *err);


#endif /* _ARGO_JSON_FORM_H_INCLUDED_ */
