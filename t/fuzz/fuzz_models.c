
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as ARGO's list of models, as a packed list and as a release
 * feed.  What must hold of a list that is accepted:
 *
 *     rows are within their limits, each id is there once
 *     packed and unpacked it is the same
 *     every name that is listed is found, and means its model; so does every
 *     id that no other one looks like
 *     what clients get is JSON, for OpenAI's as for Anthropic's, and pages
 *     put together are the whole
 */


#include "ngx_shim.h"
#include "argo_json.h"
#include "argo_model.h"
#include "argo_model_list.h"
#include "argo_release.h"
#include "argo_utf8.h"

#include <stdio.h>
#include <stdlib.h>


#define FUZZ_CHECK(condition)                                                 \
    if (!(condition)) {                                                       \
        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);       \
        abort();                                                              \
    }


#define FUZZ_VERSIONS  32


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static ngx_uint_t
fuzz_same(const ngx_str_t *a, const ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


static void
fuzz_rows(const argo_model_list_t *list)
{
    size_t                     n, len;
    ngx_uint_t                 i, k, valid;
    const argo_model_entry_t  *row;

    FUZZ_CHECK(list->nrows > 0 && list->nrows <= ARGO_MODEL_MAX_ROWS);

    for (i = 0; i < list->nrows; i++) {
        row = &list->rows[i];

        FUZZ_CHECK(row->id.len > 0 && row->id.len <= ARGO_MODEL_MAX_ID);
        FUZZ_CHECK(row->display.len > 0
                   && row->display.len <= ARGO_MODEL_MAX_DISPLAY);
        FUZZ_CHECK(row->owned_by.len <= ARGO_MODEL_MAX_OWNER);

        for (n = 0; n < row->id.len; n++) {
            FUZZ_CHECK(row->id.data[n] > ' ' && row->id.data[n] < 0x7f);
        }

        for (n = 0; n < row->display.len; n += len) {
            len = argo_utf8_next(row->display.data + n, row->display.len - n,
                                 &valid);
            FUZZ_CHECK(valid && row->display.data[n] >= ' ');
        }

        for (k = 0; k < i; k++) {
            FUZZ_CHECK(!fuzz_same(&list->rows[k].id, &row->id));
        }
    }
}


static void
fuzz_pack(ngx_pool_t *pool, const argo_model_list_t *list,
    argo_model_list_t *again)
{
    ngx_str_t   packed;
    ngx_uint_t  i;

    packed.len = argo_model_list_size(list);
    packed.data = ngx_pnalloc(pool, packed.len);
    FUZZ_CHECK(packed.data != NULL);

    argo_model_list_pack(list, packed.data);

    FUZZ_CHECK(argo_model_list_unpack(pool, &packed, again) == NGX_OK);
    FUZZ_CHECK(again->nrows == list->nrows && again->ngone == list->ngone);

    for (i = 0; i < list->nrows; i++) {
        FUZZ_CHECK(fuzz_same(&again->rows[i].id, &list->rows[i].id));
        FUZZ_CHECK(fuzz_same(&again->rows[i].display,
                             &list->rows[i].display));
        FUZZ_CHECK(fuzz_same(&again->rows[i].owned_by,
                             &list->rows[i].owned_by));
        FUZZ_CHECK(again->rows[i].created == list->rows[i].created);
    }
}


/* The rows of a page; their ids are counted, and the last one returned. */

static ngx_uint_t
fuzz_page(ngx_pool_t *pool, const argo_model_table_t *table,
    const argo_model_page_t *page, ngx_str_t *last, ngx_uint_t *more)
{
    ngx_str_t            text, id;
    argo_out_t           out;
    argo_json_t         *root, *node;
    argo_error_t         err;
    const argo_model_t  *model;

    argo_out_init(&out, pool, 4096, NULL, 0);

    FUZZ_CHECK(argo_model_write_page(table, page, 1, &out, &err) == NGX_OK);
    FUZZ_CHECK(argo_out_flatten(&out, pool, &text) == NGX_OK);
    FUZZ_CHECK(argo_json_parse(pool, &text, 3, &root, &err) == NGX_OK);

    for (node = argo_json_get(root, "data")->child; node; node = node->next) {

        FUZZ_CHECK(argo_json_text(pool, argo_json_get(node, "id"), &id)
                   == NGX_OK);
        *last = id;

        /* what is listed can be asked for, and is what the row says */

        model = argo_model_find(table, &id);
        FUZZ_CHECK(model != NULL);

        FUZZ_CHECK(argo_json_text(pool,
                                  argo_json_get(node, "argo_internal_id"),
                                  &id)
                   == NGX_OK);
        FUZZ_CHECK(fuzz_same(&id, &model->id));
    }

    *more = (argo_json_get(root, "has_more")->type == ARGO_JSON_TRUE);

    return argo_json_get(root, "data")->count;
}


static void
fuzz_pages(ngx_pool_t *pool, const argo_model_table_t *table,
    ngx_uint_t anthropic)
{
    ngx_str_t           last, end;
    ngx_uint_t          n, sum, more;
    argo_model_page_t   page;

    ngx_memzero(&page, sizeof(argo_model_page_t));
    page.anthropic = anthropic;

    n = fuzz_page(pool, table, &page, &end, &more);
    FUZZ_CHECK(!more);

    if (!anthropic) {
        FUZZ_CHECK(n == table->nnames);
    }

    sum = 0;
    page.limit = n / 3 + 1;

    do {
        sum += fuzz_page(pool, table, &page, &last, &more);
        page.after = last;

    } while (more);

    FUZZ_CHECK(sum == n);
    FUZZ_CHECK(fuzz_same(&last, &end));
}


static void
fuzz_table(ngx_pool_t *pool, const argo_model_list_t *list)
{
    ngx_uint_t           i;
    argo_model_table_t  *table;
    const argo_model_t  *model;

    table = argo_model_table_create_live(pool, list, NULL, 0);
    FUZZ_CHECK(table != NULL);
    FUZZ_CHECK(table->nmodels >= list->nrows);

    for (i = 0; i < table->nnames; i++) {
        FUZZ_CHECK(argo_model_find(table, &table->names[i].name)
                   == table->names[i].model);
    }

    for (i = 1; i < table->nkeys; i++) {
        FUZZ_CHECK(!fuzz_same(&table->keys[i]->key,
                              &table->keys[i - 1]->key));
    }

    for (i = 0; i < list->nrows; i++) {

        model = argo_model_find(table, &list->rows[i].id);

        /* an id may be nothing but what does not count in a name */

        if (model && !fuzz_same(&model->id, &list->rows[i].id)) {
            FUZZ_CHECK(argo_model_find(table, &model->id) == model);
        }
    }

    fuzz_pages(pool, table, 0);
    fuzz_pages(pool, table, 1);
}


static void
fuzz_order(const argo_semver_t *a, const argo_semver_t *b,
    const argo_semver_t *c)
{
    ngx_int_t  ab, ba, bc, ac;

    ab = argo_semver_cmp(a, b);
    ba = argo_semver_cmp(b, a);
    bc = argo_semver_cmp(b, c);
    ac = argo_semver_cmp(a, c);

    FUZZ_CHECK((ab < 0) == (ba > 0) && (ab == 0) == (ba == 0));
    FUZZ_CHECK(ab > 0 || bc > 0 || ac <= 0);
    FUZZ_CHECK(ab < 0 || bc < 0 || ac >= 0);
}


/* Lines as versions: their order is one. */

static void
fuzz_versions(const ngx_str_t *input)
{
    size_t          i, k;
    u_char         *p, *end;
    ngx_str_t       line;
    argo_semver_t   versions[FUZZ_VERSIONS];

    p = input->data;
    end = p + input->len;

    for (i = 0; p < end && i < FUZZ_VERSIONS; p += line.len + 1) {
        line.data = p;

        while (p < end && *p != '\n') {
            p++;
        }

        line.len = p - line.data;
        p = line.data;

        if (argo_semver_parse(&line, &versions[i]) == NGX_OK) {
            FUZZ_CHECK(line.len <= ARGO_SEMVER_MAX_LEN + 1);
            i++;
        }
    }

    for (k = 0; k < i; k++) {
        FUZZ_CHECK(argo_semver_cmp(&versions[k], &versions[k]) == 0);

        if (k) {
            fuzz_order(&versions[k - 1], &versions[k], &versions[0]);
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t           input;
    ngx_pool_t         *pool;
    argo_error_t        err;
    argo_semver_t       latest, again;
    argo_model_list_t   list, unpacked, later;

    pool = ngx_create_pool(4096, NULL);

    input.data = ngx_pnalloc(pool, size + 1);
    FUZZ_CHECK(input.data != NULL);

    memcpy(input.data, data, size);
    input.len = size;

    if (argo_model_list_parse(pool, &input, &list, &err) == NGX_OK) {

        fuzz_rows(&list);

        FUZZ_CHECK(argo_model_list_date(pool, &list, NULL, 1, 2) == NGX_OK);
        fuzz_pack(pool, &list, &unpacked);
        fuzz_table(pool, &unpacked);

        /* half of it is gone the next time */

        later = list;
        later.nrows = (list.nrows + 1) / 2;

        FUZZ_CHECK(argo_model_list_date(pool, &later, &unpacked, 1, 3)
                   == NGX_OK);
        FUZZ_CHECK(later.ngone == list.nrows - later.nrows);
        fuzz_pack(pool, &later, &unpacked);
    }

    fuzz_versions(&input);

    if (argo_model_list_unpack(pool, &input, &list) == NGX_OK && list.nrows) {
        FUZZ_CHECK(argo_model_table_create_live(pool, &list, NULL, 0)
                   != NULL);
    }

    if (argo_release_latest(pool, &input, size & 1, &latest, &err) == NGX_OK)
    {
        FUZZ_CHECK(argo_semver_parse(&latest.text, &again) == NGX_OK);
        FUZZ_CHECK(argo_semver_cmp(&latest, &again) == 0);
    }

    ngx_destroy_pool(pool);

    return 0;
}
