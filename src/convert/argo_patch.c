
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
    argo_edit_t  *edit, **at;

    if (start < patch->document.data || end < start
        || end > patch->document.data + patch->document.len)
    {
        return NGX_ERROR;
    }

    /* most are added in order */

    at = (patch->last && patch->last->end <= start)
         ? &patch->last->next : &patch->edits;

    while (*at && (*at)->end <= start) {
        at = &(*at)->next;
    }

    if (*at && (*at)->start < end) {
        return NGX_ERROR;
    }

    edit = ngx_palloc(patch->pool, sizeof(argo_edit_t));
    if (edit == NULL) {
        return NGX_ERROR;
    }

    edit->start = start;
    edit->end = end;
    edit->text = *text;
    edit->out = NULL;
    edit->next = *at;

    *at = edit;

    if (edit->next == NULL) {
        patch->last = edit;
    }

    return NGX_OK;
}


ngx_int_t
argo_patch_replace(argo_patch_t *patch, const argo_json_t *node,
    const argo_out_t *out)
{
    argo_edit_t  *edit;

    static const ngx_str_t  none = ngx_null_string;

    if (argo_patch_edit(patch, node->raw.data,
                        node->raw.data + node->raw.len, &none)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (edit = patch->edits; edit; edit = edit->next) {

        if (edit->start == node->raw.data && edit->end > edit->start) {
            edit->out = out;
            break;
        }
    }

    return NGX_OK;
}


/*
 * A run of dropped members takes one comma with it: the one behind it, or if
 * nothing is kept there the one before it.
 */

ngx_int_t
argo_patch_drop(argo_patch_t *patch, const argo_json_t *obj)
{
    u_char             *start, *end;
    const argo_json_t  *node, *kept;

    static const ngx_str_t  none = ngx_null_string;

    kept = NULL;
    node = obj->child;

    while (node) {

        if (!node->dropped) {
            kept = node;
            node = node->next;
            continue;
        }

        start = node->start;
        end = node->raw.data + node->raw.len;

        for (node = node->next; node && node->dropped; node = node->next) {
            end = node->raw.data + node->raw.len;
        }

        if (node) {
            end = node->start;

        } else if (kept) {
            start = kept->raw.data + kept->raw.len;
        }

        if (argo_patch_edit(patch, start, end, &none) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
argo_patch_rename(argo_patch_t *patch, const argo_json_t *node,
    const ngx_str_t *name)
{
    u_char  *p;

    /* a member's name is a valid string: its quote will come */

    for (p = node->start + 1; *p != '"'; p++) {
        if (*p == '\\') {
            p++;
        }
    }

    return argo_patch_edit(patch, node->start + 1, p, name);
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

            if (node->dropped || !argo_patch_is(node, &members[i].name)) {
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
    u_char             *start;
    ngx_str_t           text;
    ngx_uint_t          i;
    argo_out_t          out;
    const argo_json_t  *node;

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

    for (node = obj->child; node; node = node->next) {
        if (!node->dropped) {
            argo_out_lit(&out, ",");
            break;
        }
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

        if (!node->dropped && argo_patch_is(node, name)) {
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

        if (edit->out) {
            argo_out_share(out, edit->out);

        } else {
            argo_out_ref(out, edit->text.data, edit->text.len);
        }

        p = edit->end;
    }

    argo_out_ref(out, p, patch->document.data + patch->document.len - p);
}
