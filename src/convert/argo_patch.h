
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * A document that is sent on as it came but for some places: a list of
 * edits by byte range, between which the original bytes go out untouched.
 */


#ifndef _ARGO_PATCH_H_INCLUDED_
#define _ARGO_PATCH_H_INCLUDED_


#include "argo_core.h"
#include "argo_json.h"
#include "argo_out.h"


typedef struct argo_edit_s  argo_edit_t;

/* the bytes from start to end give way to text; start == end: it is added */

struct argo_edit_s {
    u_char            *start;
    u_char            *end;
    ngx_str_t          text;
    const argo_out_t  *out;             /* in place of text; NULL: text */
    argo_edit_t       *next;
};


/* a member of an object, and what its value is to be, as JSON */

typedef struct {
    ngx_str_t       name;
    ngx_str_t       value;
} argo_member_edit_t;


typedef struct {
    ngx_pool_t     *pool;
    ngx_str_t       document;
    argo_edit_t    *edits;              /* in the order of the document */
    argo_edit_t    *last;
} argo_patch_t;


/* Begins with a document, which must stay until the output has been sent. */
void argo_patch_init(argo_patch_t *patch, ngx_pool_t *pool,
    const ngx_str_t *document);

/*
 * Adds an edit; text must stay as well.  Edits may be added in any order, and
 * do not overlap: NGX_ERROR if one does, or without memory.
 */
ngx_int_t argo_patch_edit(argo_patch_t *patch, u_char *start, u_char *end,
    const ngx_str_t *text);

/* Puts what was written to out, which must stay, in the place of a value. */
ngx_int_t argo_patch_replace(argo_patch_t *patch, const argo_json_t *node,
    const argo_out_t *out);

/* Leaves out the members, or items, of obj that are marked dropped. */
ngx_int_t argo_patch_drop(argo_patch_t *patch, const argo_json_t *obj);

/* Gives a member another name, the inside of a JSON string. */
ngx_int_t argo_patch_rename(argo_patch_t *patch, const argo_json_t *node,
    const ngx_str_t *name);

/*
 * Gives members of the object new values: each occurrence of a name, also an
 * escaped one.  A member that does not occur, or is marked dropped, is put at
 * the beginning of the object.
 */
ngx_int_t argo_patch_members(argo_patch_t *patch, const argo_json_t *obj,
    const argo_member_edit_t *members, ngx_uint_t n);

/* Writes the document with its edits. */
void argo_patch_write(const argo_patch_t *patch, argo_out_t *out);


#endif /* _ARGO_PATCH_H_INCLUDED_ */
