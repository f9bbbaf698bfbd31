
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Changes to a request, and what is told of them.
 */


#include "argo_request.h"


#define ARGO_REQUEST_BLOCK  128


static argo_change_t *argo_request_change(ngx_pool_t *pool,
    argo_request_t *req, const char *name, const char *what,
    const char *why);
static argo_change_t *argo_request_add_within(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t *parent, const char *object,
    const char *name, const ngx_str_t *value, const char *why);
static argo_change_t *argo_request_made(const argo_request_t *req,
    const argo_json_t *node);
static void argo_request_only(const argo_request_t *req,
    argo_json_t *parent, const argo_json_t *node);
static ngx_uint_t argo_request_tellable(const ngx_str_t *name);
static ngx_int_t argo_request_patch_added(const argo_request_t *req,
    argo_patch_t *patch);
static ngx_int_t argo_request_patch_item(const argo_change_t *change,
    argo_patch_t *patch);
static ngx_int_t argo_request_patch_object(const argo_request_t *req,
    const argo_change_t *first, argo_patch_t *patch);
static ngx_int_t argo_request_patch_values(const argo_request_t *req,
    argo_patch_t *patch);
static ngx_int_t argo_request_patch_drops(const argo_request_t *req,
    argo_patch_t *patch);
static const argo_json_t *argo_request_parent(const argo_request_t *req,
    const argo_change_t *change);


ngx_int_t
argo_request_drop(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *parent, argo_json_t **field, const char *name,
    const char *why)
{
    argo_json_t    *node;
    argo_change_t  *change, *made;

    made = argo_request_made(req, *field);

    change = argo_request_change(pool, req, name, " dropped: ", why);
    if (change == NULL) {
        return NGX_ERROR;
    }

    node = *field;

    if (made) {

        /* what was added is not, what was changed goes as it came */

        node = made->node;

        if (node == NULL) {
            made->edit = 0;
        }

    } else {
        change->parent = parent;
        change->node = node;
        change->edit = 1;
    }

    if (node) {
        node->taken = 1;
        node->dropped = 1;

        argo_request_only(req, made ? made->parent : parent, node);
    }

    *field = NULL;

    return NGX_OK;
}


ngx_int_t
argo_request_set(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *parent, argo_json_t **field, argo_json_e type,
    const char *name, const ngx_str_t *value, const char *why)
{
    argo_json_t    *node;
    argo_change_t  *change, *made;

    if (*field == NULL) {
        return argo_request_add(pool, req, parent, NULL, field, type, name,
                                value, why);
    }

    made = argo_request_made(req, *field);

    change = argo_request_change(pool, req, name, " changed: ", why);
    if (change == NULL) {
        return NGX_ERROR;
    }

    node = argo_request_node(pool, type, value);
    if (node == NULL) {
        return NGX_ERROR;
    }

    if (made) {
        made->value = *value;

    } else {
        change->parent = parent;
        change->node = *field;
        change->value = *value;
        change->edit = 1;

        argo_request_only(req, parent, *field);
    }

    (*field)->taken = 1;
    *field = node;

    return NGX_OK;
}


ngx_int_t
argo_request_add(ngx_pool_t *pool, argo_request_t *req, argo_json_t *parent,
    const char *object, argo_json_t **field, argo_json_e type,
    const char *name, const ngx_str_t *value, const char *why)
{
    argo_json_t    *node;
    argo_change_t  *change;

    node = argo_request_node(pool, type, value);
    if (node == NULL) {
        return NGX_ERROR;
    }

    if (object) {
        change = argo_request_add_within(pool, req, parent, object, name,
                                         value, why);
    } else {
        change = argo_request_change(pool, req, name, " added: ", why);
    }

    if (change == NULL) {
        return NGX_ERROR;
    }

    change->parent = parent;
    change->edit = 1;

    if (change->name.len == 0) {
        change->name.data = (u_char *) name;
        change->name.len = ngx_strlen(name);
        change->value = *value;
    }

    *field = node;

    return NGX_OK;
}


ngx_int_t
argo_request_add_item(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *list, const char *name, const ngx_str_t *value,
    const char *why)
{
    argo_change_t  *change;

    change = argo_request_change(pool, req, name, " added: ", why);
    if (change == NULL) {
        return NGX_ERROR;
    }

    change->parent = list;
    change->value = *value;
    change->edit = 1;

    return NGX_OK;
}


/* "object.name" is told; without a parent the object is added as well. */

static argo_change_t *
argo_request_add_within(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *parent, const char *object, const char *name,
    const ngx_str_t *value, const char *why)
{
    char           *full;
    u_char         *p;
    argo_out_t      out;
    argo_change_t  *change;

    full = ngx_pnalloc(pool, ngx_strlen(object) + ngx_strlen(name)
                             + sizeof("."));
    if (full == NULL) {
        return NULL;
    }

    p = ngx_cpymem(full, object, ngx_strlen(object));
    *p++ = '.';
    ngx_memcpy(p, name, ngx_strlen(name) + 1);

    change = argo_request_change(pool, req, full, " added: ", why);

    if (change == NULL || parent) {
        return change;
    }

    argo_out_init(&out, pool, ARGO_REQUEST_BLOCK, NULL, 1);
    argo_out_lit(&out, "{\"");
    argo_out_write(&out, name, ngx_strlen(name));
    argo_out_lit(&out, "\":");
    argo_out_str(&out, value);
    argo_out_lit(&out, "}");

    if (argo_out_flatten(&out, pool, &change->value) != NGX_OK) {
        return NULL;
    }

    change->name.data = (u_char *) object;
    change->name.len = ngx_strlen(object);

    return change;
}


ngx_int_t
argo_request_rename(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *node, const char *from, const char *to, const char *why)
{
    argo_change_t  *change;

    change = argo_request_change(pool, req, from, " renamed: ", why);
    if (change == NULL) {
        return NGX_ERROR;
    }

    change->node = node;
    change->value = node->raw;
    change->name.data = (u_char *) to;
    change->name.len = ngx_strlen(to);
    change->edit = 1;

    node->taken = 1;

    argo_request_only(req, NULL, node);

    return NGX_OK;
}


/* The edit by which a parameter has come to be what it is; NULL: none. */

static argo_change_t *
argo_request_made(const argo_request_t *req, const argo_json_t *node)
{
    argo_change_t  *change;

    for (change = req->changes; change; change = change->next) {

        if (change->edit && change->value.data
            && change->value.data == node->raw.data)
        {
            return change;
        }
    }

    return NULL;
}


/* Others of the same name are not sent: some parsers would take those. */

static void
argo_request_only(const argo_request_t *req, argo_json_t *parent,
    const argo_json_t *node)
{
    argo_json_t  *obj, *other;

    obj = parent ? parent : req->root;

    if (obj == NULL || obj->type == ARGO_JSON_ARRAY || node->name.len == 0) {
        return;
    }

    for (other = obj->child; other; other = other->next) {

        if (other != node && other->name.len == node->name.len
            && ngx_memcmp(other->name.data, node->name.data, node->name.len)
               == 0)
        {
            other->taken = 1;
            other->dropped = 1;
        }
    }
}


ngx_int_t
argo_request_note(ngx_pool_t *pool, argo_request_t *req, const char *name,
    const char *what)
{
    return argo_request_change(pool, req, name, ": ", what) ? NGX_OK
                                                            : NGX_ERROR;
}


/* A client may send any number of them, and it is told of some. */

ngx_int_t
argo_request_drop_untaken(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *obj, const char *why)
{
    char           *name;
    ngx_uint_t      n;
    argo_json_t    *node;
    argo_change_t  *change;

    n = 0;

    for (node = obj->child; node; node = node->next) {

        if (node->taken) {
            continue;
        }

        node->taken = 1;
        node->dropped = 1;

        if (n++ > ARGO_REQUEST_MAX_TOLD) {
            continue;
        }

        name = "a member";

        if (n > ARGO_REQUEST_MAX_TOLD) {
            name = "other members";

        } else if (argo_request_tellable(&node->name)) {

            name = ngx_pnalloc(pool, node->name.len + 1);
            if (name == NULL) {
                return NGX_ERROR;
            }

            ngx_memcpy(name, node->name.data, node->name.len);
            name[node->name.len] = '\0';
        }

        change = argo_request_change(pool, req, name, " dropped: ", why);
        if (change == NULL) {
            return NGX_ERROR;
        }

        change->parent = (obj == req->root) ? NULL : obj;
        change->node = node;
        change->edit = 1;
    }

    return NGX_OK;
}


/* letters, digits and what joins them: nothing that ends a word or a line */

static ngx_uint_t
argo_request_tellable(const ngx_str_t *name)
{
    u_char  c;
    size_t  i;

    if (name->len == 0 || name->len > ARGO_REQUEST_MAX_NAME) {
        return 0;
    }

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))
        {
            return 0;
        }
    }

    return 1;
}


static argo_change_t *
argo_request_change(ngx_pool_t *pool, argo_request_t *req, const char *name,
    const char *what, const char *why)
{
    u_char         *p;
    size_t          len[3];
    argo_change_t  *change;

    change = ngx_pcalloc(pool, sizeof(argo_change_t));
    if (change == NULL) {
        return NULL;
    }

    len[0] = ngx_strlen(name);
    len[1] = ngx_strlen(what);
    len[2] = ngx_strlen(why);

    p = ngx_pnalloc(pool, len[0] + len[1] + len[2]);
    if (p == NULL) {
        return NULL;
    }

    change->note.data = p;
    change->note.len = len[0] + len[1] + len[2];

    p = ngx_cpymem(p, name, len[0]);
    p = ngx_cpymem(p, what, len[1]);
    ngx_memcpy(p, why, len[2]);

    if (req->last_change == NULL) {
        req->last_change = &req->changes;
    }

    *req->last_change = change;
    req->last_change = &change->next;

    return change;
}


argo_json_t *
argo_request_node(ngx_pool_t *pool, argo_json_e type, const ngx_str_t *value)
{
    argo_json_t  *node;

    node = ngx_pcalloc(pool, sizeof(argo_json_t));
    if (node == NULL) {
        return NULL;
    }

    node->type = type;
    node->raw = *value;
    node->start = value->data;
    node->taken = 1;

    return node;
}


ngx_int_t
argo_request_patch(const argo_request_t *req, argo_patch_t *patch)
{
    if (argo_request_patch_added(req, patch) != NGX_OK
        || argo_request_patch_values(req, patch) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return argo_request_patch_drops(req, patch);
}


/* What is added to one object is put there at once. */

static ngx_int_t
argo_request_patch_added(const argo_request_t *req, argo_patch_t *patch)
{
    const argo_change_t  *change, *past;

    for (change = req->changes; change; change = change->next) {

        if (!change->edit || change->node || change->value.data == NULL
            || argo_request_parent(req, change)->dropped)
        {
            continue;
        }

        for (past = req->changes; past != change; past = past->next) {
            if (past->edit && past->node == NULL && past->value.data
                && past->parent == change->parent)
            {
                break;
            }
        }

        if (change->parent && change->parent->type == ARGO_JSON_ARRAY) {

            if (argo_request_patch_item(change, patch) != NGX_OK) {
                return NGX_ERROR;
            }

        } else if (past == change
                   && argo_request_patch_object(req, change, patch) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_request_patch_item(const argo_change_t *change, argo_patch_t *patch)
{
    u_char             *p;
    argo_out_t          out;
    ngx_str_t           text;
    const argo_json_t  *item;

    argo_out_init(&out, patch->pool, ARGO_REQUEST_BLOCK, NULL, 1);
    argo_out_str(&out, &change->value);

    for (item = change->parent->child; item; item = item->next) {

        if (!item->dropped) {
            argo_out_lit(&out, ",");
            break;
        }
    }

    if (argo_out_flatten(&out, patch->pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    p = change->parent->raw.data + 1;

    return argo_patch_edit(patch, p, p, &text);
}


static ngx_int_t
argo_request_patch_object(const argo_request_t *req,
    const argo_change_t *first, argo_patch_t *patch)
{
    ngx_uint_t            n;
    argo_member_edit_t   *members;
    const argo_change_t  *change;

    n = 0;

    for (change = first; change; change = change->next) {
        n++;
    }

    members = ngx_palloc(patch->pool, n * sizeof(argo_member_edit_t));
    if (members == NULL) {
        return NGX_ERROR;
    }

    n = 0;

    for (change = first; change; change = change->next) {

        if (change->edit && change->node == NULL && change->value.data
            && change->parent == first->parent)
        {
            members[n].name = change->name;
            members[n].value = change->value;
            n++;
        }
    }

    return argo_patch_members(patch, argo_request_parent(req, first), members,
                              n);
}


static ngx_int_t
argo_request_patch_values(const argo_request_t *req, argo_patch_t *patch)
{
    const argo_json_t    *node;
    const argo_change_t  *change;

    for (change = req->changes; change; change = change->next) {

        node = change->node;

        if (!change->edit || node == NULL || change->value.data == NULL
            || node->dropped || argo_request_parent(req, change)->dropped)
        {
            continue;
        }

        if (change->name.len
            && argo_patch_rename(patch, node, &change->name) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (change->value.data != node->raw.data
            && argo_patch_edit(patch, node->raw.data,
                               node->raw.data + node->raw.len,
                               &change->value)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Each object that members were dropped of is edited once. */

static ngx_int_t
argo_request_patch_drops(const argo_request_t *req, argo_patch_t *patch)
{
    const argo_json_t    *parent;
    const argo_change_t  *change, *past;

    if (argo_patch_drop(patch, req->root) != NGX_OK) {
        return NGX_ERROR;
    }

    for (change = req->changes; change; change = change->next) {

        parent = argo_request_parent(req, change);

        if (!change->edit || parent == req->root || parent->dropped) {
            continue;
        }

        for (past = req->changes; past != change; past = past->next) {
            if (past->edit && argo_request_parent(req, past) == parent) {
                break;
            }
        }

        if (past == change && argo_patch_drop(patch, parent) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static const argo_json_t *
argo_request_parent(const argo_request_t *req, const argo_change_t *change)
{
    return change->parent ? change->parent : req->root;
}
