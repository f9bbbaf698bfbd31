
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What is done to a request on its way up, and told: members dropped,
 * replaced and added, by a rule for the model or because upstream has no word
 * for them.  Whoever changes a parameter does so here, so that a request that
 * is spliced and one that is written anew come out alike.
 */


#ifndef _ARGO_REQUEST_H_INCLUDED_
#define _ARGO_REQUEST_H_INCLUDED_


#include "argo_core.h"
#include "argo_ir.h"
#include "argo_json.h"
#include "argo_patch.h"


/* a longer name of a member is not told */
#define ARGO_REQUEST_MAX_NAME  64

/* more members that nobody knows are not told one by one */
#define ARGO_REQUEST_MAX_TOLD  32


/*
 * In all of these a name that occurs several times in an object is taken
 * care of, and a parameter may be changed more than once.
 */

/*
 * Drops a parameter: *field, a member of parent (NULL: of the root), becomes
 * NULL.  "why" ends the note, which begins with "name dropped: ".  NGX_ERROR:
 * no memory.
 */
ngx_int_t argo_request_drop(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *parent, argo_json_t **field, const char *name,
    const char *why);

/*
 * Gives a parameter another value, JSON text of the type given; *field
 * becomes a node of it that is marked taken.  If *field is NULL it is added to
 * the root, under name, in a request that is spliced.
 */
ngx_int_t argo_request_set(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *parent, argo_json_t **field, argo_json_e type,
    const char *name, const ngx_str_t *value, const char *why);

/*
 * Adds a parameter that was not said, *field is NULL: to parent, or to the
 * root.  object is the name of the object that it belongs in, which is added
 * if parent is NULL; or NULL: it belongs in the root.
 */
ngx_int_t argo_request_add(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *parent, const char *object, argo_json_t **field,
    argo_json_e type, const char *name, const ngx_str_t *value,
    const char *why);

/* Puts an item, JSON, at the beginning of a list of a spliced request. */
ngx_int_t argo_request_add_item(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *list, const char *name, const ngx_str_t *value,
    const char *why);

/* Gives a parameter of the root another name. */
ngx_int_t argo_request_rename(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *node, const char *from, const char *to, const char *why);

/*
 * Only tells.  NGX_ERROR: no memory.  What is said of a client's member names
 * it as the documentation does, never its value.
 */
ngx_int_t argo_request_note(ngx_pool_t *pool, argo_request_t *req,
    const char *name, const char *what);

/*
 * Tells of each member of obj that nobody has taken that it is dropped, and
 * marks it taken; for a back whose API knows nothing of it.  Names that could
 * break a header's line are told as "a member".
 */
ngx_int_t argo_request_drop_untaken(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *obj, const char *why);

/*
 * Edits patch, which has been begun with the request's document, by the
 * changes; a member added is put at the beginning of the root.
 */
ngx_int_t argo_request_patch(const argo_request_t *req,
    argo_patch_t *patch);

/* A node that is no part of the document: JSON text of the type given. */
argo_json_t *argo_request_node(ngx_pool_t *pool, argo_json_e type,
    const ngx_str_t *value);


#endif /* _ARGO_REQUEST_H_INCLUDED_ */
