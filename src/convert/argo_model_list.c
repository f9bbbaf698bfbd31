
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The two formats of ARGO's list differ in what "id" means: in the newer one
 * it is the name for people, beside "internal_id"; in the older one it is
 * the internal id, beside "model_name".
 *
 * A packed list is, for each row, the lengths of its three strings, a byte
 * each; its date, eight bytes; and the strings.  A row without a display
 * name is a model that is gone.
 */


#include "argo_model_list.h"
#include "argo_json.h"
#include "argo_utf8.h"


/* the document, "data", a row, its members */
#define ARGO_MODEL_LIST_DEPTH  3

#define ARGO_MODEL_PACKED      (3 + sizeof(int64_t))


static ngx_int_t argo_model_list_read(ngx_pool_t *pool,
    const argo_json_t *node, argo_model_entry_t *row);
static ngx_int_t argo_model_list_text(ngx_pool_t *pool,
    const argo_json_t *node, size_t max, ngx_str_t *text);
static ngx_uint_t argo_model_list_printable(const ngx_str_t *text);
static const argo_model_entry_t *argo_model_list_find(
    const argo_model_entry_t *rows, ngx_uint_t n, const ngx_str_t *id);
static u_char *argo_model_list_pack_row(const argo_model_entry_t *row,
    u_char *p);
static u_char *argo_model_list_unpack_row(u_char *p, u_char *end,
    argo_model_entry_t *row);


ngx_int_t
argo_model_list_parse(ngx_pool_t *pool, const ngx_str_t *document,
    argo_model_list_t *list, argo_error_t *err)
{
    ngx_int_t            rc;
    ngx_uint_t           n;
    argo_json_t         *root, *data, *node;
    argo_model_entry_t  *row;

    ngx_memzero(list, sizeof(argo_model_list_t));

    rc = argo_json_parse(pool, document, ARGO_MODEL_LIST_DEPTH, &root, err);

    if (rc == NGX_DECLINED) {
        return argo_error_set(err, 502, "upstream_invalid_reply", NULL,
                              "ARGO's list of models is not valid JSON");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    data = argo_json_get(root, "data");

    if (data == NULL || data->type != ARGO_JSON_ARRAY) {
        return argo_error_set(err, 502, "upstream_invalid_reply", NULL,
                              "ARGO's list of models has no rows");
    }

    n = ngx_min(data->count, ARGO_MODEL_MAX_ROWS);

    list->rows = ngx_pcalloc(pool, (n + 1) * sizeof(argo_model_entry_t));
    if (list->rows == NULL) {
        return NGX_ERROR;
    }

    for (node = data->child; node; node = node->next) {

        if (list->nrows == ARGO_MODEL_MAX_ROWS) {
            list->excess++;
            continue;
        }

        row = &list->rows[list->nrows];

        rc = argo_model_list_read(pool, node, row);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            list->bad++;

        } else if (argo_model_list_find(list->rows, list->nrows, &row->id)) {
            list->duplicates++;

        } else {
            list->nrows++;
        }
    }

    if (list->nrows == 0) {
        return argo_error_set(err, 502, "upstream_invalid_reply", NULL,
                              "ARGO's list of models has no valid row");
    }

    return NGX_OK;
}


static ngx_int_t
argo_model_list_read(ngx_pool_t *pool, const argo_json_t *node,
    argo_model_entry_t *row)
{
    ngx_int_t           rc;
    ngx_uint_t          i;
    const argo_json_t  *id, *display;

    id = argo_json_get(node, "internal_id");

    if (id == NULL || id->type == ARGO_JSON_NULL) {
        id = argo_json_get(node, "id");
    }

    display = argo_json_get(node, "model_name");

    if (display == NULL || display->type == ARGO_JSON_NULL) {
        display = argo_json_get(node, "id");
    }

    rc = argo_model_list_text(pool, id, ARGO_MODEL_MAX_ID, &row->id);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_model_list_text(pool, display, ARGO_MODEL_MAX_DISPLAY,
                              &row->display);
    if (rc != NGX_OK) {
        return rc;
    }

    /* ids go into paths and logs, and none has ever had a blank in it */

    for (i = 0; i < row->id.len; i++) {
        if (row->id.data[i] <= ' ' || row->id.data[i] > '~') {
            return NGX_DECLINED;
        }
    }

    /* not worth losing a model */

    rc = argo_model_list_text(pool, argo_json_get(node, "owned_by"),
                              ARGO_MODEL_MAX_OWNER, &row->owned_by);

    if (rc == NGX_DECLINED) {
        ngx_str_null(&row->owned_by);
        return NGX_OK;
    }

    return rc;
}


static ngx_int_t
argo_model_list_text(ngx_pool_t *pool, const argo_json_t *node, size_t max,
    ngx_str_t *text)
{
    if (node == NULL || node->type != ARGO_JSON_STRING) {
        return NGX_DECLINED;
    }

    if (argo_json_text(pool, node, text) != NGX_OK) {
        return NGX_ERROR;
    }

    while (text->len && text->data[0] == ' ') {
        text->data++;
        text->len--;
    }

    while (text->len && text->data[text->len - 1] == ' ') {
        text->len--;
    }

    if (text->len == 0 || text->len > max
        || !argo_model_list_printable(text))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_uint_t
argo_model_list_printable(const ngx_str_t *text)
{
    u_char      *p, *end;
    size_t       n;
    ngx_uint_t   valid;

    p = text->data;
    end = p + text->len;

    while (p < end) {
        n = argo_utf8_next(p, end - p, &valid);

        if (!valid || *p < ' ' || *p == 0x7f) {
            return 0;
        }

        p += n;
    }

    return 1;
}


static const argo_model_entry_t *
argo_model_list_find(const argo_model_entry_t *rows, ngx_uint_t n,
    const ngx_str_t *id)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (rows[i].id.len == id->len
            && ngx_memcmp(rows[i].id.data, id->data, id->len) == 0)
        {
            return &rows[i];
        }
    }

    return NULL;
}


ngx_int_t
argo_model_list_date(ngx_pool_t *pool, argo_model_list_t *list,
    const argo_model_list_t *before, time_t since, time_t now)
{
    ngx_uint_t                 i, n;
    const argo_model_entry_t  *row, *known;

    for (i = 0; i < list->nrows; i++) {
        known = NULL;

        if (before) {
            known = argo_model_list_find(before->rows, before->nrows,
                                         &list->rows[i].id);
            if (known == NULL) {
                known = argo_model_list_find(before->gone, before->ngone,
                                             &list->rows[i].id);
            }
        }

        if (known) {
            list->rows[i].created = known->created;

        } else {
            list->rows[i].created = argo_model_is_builtin(&list->rows[i].id)
                                    ? since : now;
        }
    }

    list->ngone = 0;

    if (before == NULL) {
        return NGX_OK;
    }

    n = before->nrows + before->ngone;

    list->gone = ngx_pcalloc(pool, (ngx_min(n, ARGO_MODEL_MAX_GONE) + 1)
                                   * sizeof(argo_model_entry_t));
    if (list->gone == NULL) {
        return NGX_ERROR;
    }

    /* those that have left just now come first, should there be too many */

    for (i = 0; i < n && list->ngone < ARGO_MODEL_MAX_GONE; i++) {
        row = (i < before->nrows) ? &before->rows[i]
                                  : &before->gone[i - before->nrows];

        if (argo_model_list_find(list->rows, list->nrows, &row->id)) {
            continue;
        }

        list->gone[list->ngone].id = row->id;
        list->gone[list->ngone++].created = row->created;
    }

    return NGX_OK;
}


size_t
argo_model_list_size(const argo_model_list_t *list)
{
    size_t      size;
    ngx_uint_t  i;

    size = 0;

    for (i = 0; i < list->nrows; i++) {
        size += ARGO_MODEL_PACKED + list->rows[i].id.len
                + list->rows[i].display.len + list->rows[i].owned_by.len;
    }

    for (i = 0; i < list->ngone; i++) {
        size += ARGO_MODEL_PACKED + list->gone[i].id.len;
    }

    return size;
}


void
argo_model_list_pack(const argo_model_list_t *list, u_char *p)
{
    ngx_uint_t  i;

    for (i = 0; i < list->nrows; i++) {
        p = argo_model_list_pack_row(&list->rows[i], p);
    }

    for (i = 0; i < list->ngone; i++) {
        p = argo_model_list_pack_row(&list->gone[i], p);
    }
}


static u_char *
argo_model_list_pack_row(const argo_model_entry_t *row, u_char *p)
{
    int64_t  created;

    *p++ = (u_char) row->id.len;
    *p++ = (u_char) row->display.len;
    *p++ = (u_char) row->owned_by.len;

    created = row->created;

    p = ngx_cpymem(p, &created, sizeof(int64_t));
    p = ngx_cpymem(p, row->id.data, row->id.len);

    if (row->display.len) {
        p = ngx_cpymem(p, row->display.data, row->display.len);
    }

    if (row->owned_by.len) {
        p = ngx_cpymem(p, row->owned_by.data, row->owned_by.len);
    }

    return p;
}


ngx_int_t
argo_model_list_unpack(ngx_pool_t *pool, const ngx_str_t *packed,
    argo_model_list_t *list)
{
    u_char              *p, *end;
    ngx_uint_t           n;
    argo_model_entry_t   row;

    ngx_memzero(list, sizeof(argo_model_list_t));

    p = packed->data;
    end = p + packed->len;

    for (n = 0; p < end; n++) {
        p = argo_model_list_unpack_row(p, end, &row);
        if (p == NULL) {
            return NGX_ERROR;
        }

        if (row.display.len) {

            if (list->ngone) {
                return NGX_ERROR;
            }

            list->nrows++;

        } else {
            list->ngone++;
        }
    }

    if (list->nrows > ARGO_MODEL_MAX_ROWS
        || list->ngone > ARGO_MODEL_MAX_GONE)
    {
        return NGX_ERROR;
    }

    list->rows = ngx_pcalloc(pool, (n + 1) * sizeof(argo_model_entry_t));
    if (list->rows == NULL) {
        return NGX_ERROR;
    }

    list->gone = list->rows + list->nrows;

    p = packed->data;

    for (n = 0; p < end; n++) {
        p = argo_model_list_unpack_row(p, end, &list->rows[n]);
    }

    return NGX_OK;
}


/* Returns what follows the row, or NULL if it is none. */

static u_char *
argo_model_list_unpack_row(u_char *p, u_char *end, argo_model_entry_t *row)
{
    int64_t  created;

    if ((size_t) (end - p) < ARGO_MODEL_PACKED) {
        return NULL;
    }

    row->id.len = p[0];
    row->display.len = p[1];
    row->owned_by.len = p[2];

    ngx_memcpy(&created, p + 3, sizeof(int64_t));

    row->created = (time_t) created;

    p += ARGO_MODEL_PACKED;

    if (row->id.len == 0 || row->id.len > ARGO_MODEL_MAX_ID
        || row->display.len > ARGO_MODEL_MAX_DISPLAY
        || row->owned_by.len > ARGO_MODEL_MAX_OWNER
        || (size_t) (end - p)
           < row->id.len + row->display.len + row->owned_by.len)
    {
        return NULL;
    }

    row->id.data = p;
    row->display.data = row->id.data + row->id.len;
    row->owned_by.data = row->display.data + row->display.len;

    return row->owned_by.data + row->owned_by.len;
}
