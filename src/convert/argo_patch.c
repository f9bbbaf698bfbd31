
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Edits by byte range.
 */


#include "argo_patch.h"


#define ARGO_PATCH_BLOCK  256


static ngx_int_t argo_patch_insert(argo_patch_t *patch,
    const argo_json_t *obj, const argo_member_edit_t *members, ngx_uint_t n);
static ngx_uint_t argo_patch_has(const argo_json_t *obj,
    const ngx_str_t *name);
static ngx_uint_t argo_patch_is(const argo_json_t *node,
    const ngx_str_t *name);


void
argo_patch_init(argo_patch_t *patch, ngx_pool_t *pool,
    const ngx_str_t *document)
{
    patch->pool = pool;
    patch->document = *document;
    patch->edits = NULL;
    patch->last = NULL;
}


ngx_int_t
argo_patch_edit(argo_patch_t *patch, u_char *start, u_char *end,
    const ngx_str_t *text)
{
    u_char       *from;
    argo_edit_t  *edit;

    from = patch->last ? patch->last->end : patch->document.data;

    if (start < from || end < start
        || end > patch->document.data + patch->document.len)
    {
        return NGX_ERROR;
    }

    edit = ngx_palloc(patch->pool, sizeof(argo_edit_t));
    if (edit == NULL) {
        return NGX_ERROR;
    }

    edit->start = start;
    edit->end = end;
    edit->text = *text;
    edit->next = NULL;

    if (patch->last) {
        patch->last->next = edit;

    } else {
        patch->edits = edit;
    }

    patch->last = edit;

    return NGX_OK;
}


ngx_int_t
argo_patch_members(argo_patch_t *patch, const argo_json_t *obj,
    const argo_member_edit_t *members, ngx_uint_t n)
{
    ngx_uint_t    i;
    argo_json_t  *node;

    if (argo_patch_insert(patch, obj, members, n) != NGX_OK) {
        return NGX_ERROR;
    }

    for (node = obj->child; node; node = node->next) {

        for (i = 0; i < n; i++) {

            if (!argo_patch_is(node, &members[i].name)) {
                continue;
            }

            if (argo_patch_edit(patch, node->raw.data,
                                node->raw.data + node->raw.len,
                                &members[i].value)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            break;
        }
    }

    return NGX_OK;
}


/* Puts the members that are not there behind the opening brace. */

static ngx_int_t
argo_patch_insert(argo_patch_t *patch, const argo_json_t *obj,
    const argo_member_edit_t *members, ngx_uint_t n)
{
    u_char      *start;
    ngx_str_t    text;
    ngx_uint_t   i;
    argo_out_t   out;

    argo_out_init(&out, patch->pool, ARGO_PATCH_BLOCK, NULL, 1);

    for (i = 0; i < n; i++) {

        if (argo_patch_has(obj, &members[i].name)) {
            continue;
        }

        if (out.size) {
            argo_out_lit(&out, ",");
        }

        argo_out_lit(&out, "\"");
        argo_out_str(&out, &members[i].name);
        argo_out_lit(&out, "\":");
        argo_out_str(&out, &members[i].value);
    }

    if (out.failed) {
        return NGX_ERROR;
    }

    if (out.size == 0) {
        return NGX_OK;
    }

    if (obj->child) {
        argo_out_lit(&out, ",");
    }

    if (argo_out_flatten(&out, patch->pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    start = obj->raw.data + 1;

    return argo_patch_edit(patch, start, start, &text);
}


static ngx_uint_t
argo_patch_has(const argo_json_t *obj, const ngx_str_t *name)
{
    argo_json_t  *node;

    for (node = obj->child; node; node = node->next) {

        if (argo_patch_is(node, name)) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
argo_patch_is(const argo_json_t *node, const ngx_str_t *name)
{
    return node->name.len == name->len
           && ngx_memcmp(node->name.data, name->data, name->len) == 0;
}


void
argo_patch_write(const argo_patch_t *patch, argo_out_t *out)
{
    u_char             *p;
    const argo_edit_t  *edit;

    p = patch->document.data;

    for (edit = patch->edits; edit; edit = edit->next) {
        argo_out_ref(out, p, edit->start - p);
        argo_out_ref(out, edit->text.data, edit->text.len);
        p = edit->end;
    }

    argo_out_ref(out, p, patch->document.data + patch->document.len - p);
}
