
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as what follows ".../models/" in a path of Google's API, and as
 * the arguments of its list of models.  What must hold:
 *
 *     a path is a model that is named and a method, and nothing is left out
 *     a page is JSON, or declined with an error that has all its parts
 *     from a page's token the next one goes on, until all models were there
 */


#include "argo_fuzz.h"

#include "argo_gemini.h"
#include "argo_gemini_models.h"


static const struct {
    const char            *name;
    argo_gemini_method_e   method;

} fuzz_methods[] = {
    { "generateContent", ARGO_GEMINI_GENERATE },
    { "streamGenerateContent", ARGO_GEMINI_STREAM },
    { "countTokens", ARGO_GEMINI_COUNT }
};


#define FUZZ_NMETHODS  (sizeof(fuzz_methods) / sizeof(fuzz_methods[0]))


static void
fuzz_path(const ngx_str_t *item)
{
    size_t                 len;
    u_char                *behind;
    ngx_str_t              model;
    ngx_uint_t             i;
    argo_gemini_method_e   method;

    if (argo_gemini_path(item, &model, &method) != NGX_OK) {
        return;
    }

    FUZZ_CHECK(model.len > 0 && model.data >= item->data
               && model.data + model.len <= item->data + item->len);

    FUZZ_CHECK(model.data == item->data
               || (model.data == item->data + 7
                   && memcmp(item->data, "models/", 7) == 0));

    behind = model.data + model.len;
    len = item->data + item->len - behind;

    FUZZ_CHECK((method == ARGO_GEMINI_GET) == (len == 0));
    FUZZ_CHECK(len == 0 || *behind == ':');

    for (i = 0; i < FUZZ_NMETHODS; i++) {
        FUZZ_CHECK((method == fuzz_methods[i].method)
                   == (len == strlen(fuzz_methods[i].name) + 1
                       && memcmp(behind + 1, fuzz_methods[i].name, len - 1)
                          == 0));
    }
}


/* The rows of a page, and the token of the next one. */

static ngx_uint_t
fuzz_page(ngx_pool_t *pool, const argo_gemini_page_t *page, ngx_str_t *next)
{
    ngx_int_t      rc;
    ngx_str_t      text;
    argo_out_t     out;
    argo_json_t   *root, *rows, *token;
    argo_error_t   err;

    ngx_str_null(next);

    argo_out_init(&out, pool, 4096, NULL, 0);
    rc = argo_gemini_write_models(fuzz_table, page, &out, &err);

    if (rc != NGX_OK) {
        FUZZ_CHECK(rc == NGX_DECLINED && out.size == 0);
        fuzz_error(pool, &argo_gemini_front, &err);
        return 0;
    }

    text = fuzz_flat(pool, &out);
    root = fuzz_json(pool, &text, 3);
    FUZZ_CHECK(root != NULL);

    rows = argo_json_get(root, "models");
    FUZZ_CHECK(rows == NULL || rows->count <= page->size);

    token = argo_json_get(root, "nextPageToken");

    if (token) {
        FUZZ_CHECK(argo_json_text(pool, token, next) == NGX_OK);
    }

    return rows ? rows->count : 0;
}


static void
fuzz_pages(ngx_pool_t *pool, argo_gemini_page_t *page)
{
    ngx_str_t           next;
    ngx_uint_t          n;
    argo_gemini_page_t  all;

    n = fuzz_page(pool, page, &next);

    if (page->token.len) {
        return;
    }

    while (next.len) {
        page->token = next;
        n += fuzz_page(pool, page, &next);
    }

    all.size = ARGO_GEMINI_MAX_PAGE;
    ngx_str_null(&all.token);

    FUZZ_CHECK(fuzz_page(pool, &all, &next) == n && next.len == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char              *copy;
    ngx_str_t            text, token;
    argo_out_t           out;
    ngx_pool_t          *pool;
    argo_error_t         err;
    argo_gemini_page_t   page;
    const argo_model_t  *model;

    fuzz_open();
    fuzz_begin(data, size);

    pool = ngx_create_pool(4096, NULL);
    copy = malloc(size ? size : 1);
    FUZZ_CHECK(pool && copy);

    if (size) {
        memcpy(copy, data, size);
    }

    text.data = copy;
    text.len = size;

    fuzz_path(&text);

    /* "size token", or a token alone */

    token.data = size ? memchr(text.data, ' ', size) : NULL;

    if (token.data) {
        text.len = token.data - text.data;
        token.data++;
        token.len = size - text.len - 1;

    } else {
        token = text;
        text.len = 0;
    }

    if (argo_gemini_read_page(&text, &token, &page, &err) == NGX_OK) {
        FUZZ_CHECK(page.size > 0 && page.size <= ARGO_GEMINI_MAX_PAGE);
        fuzz_pages(pool, &page);

    } else {
        fuzz_error(pool, &argo_gemini_front, &err);
    }

    model = argo_model_find(fuzz_table, &token);

    if (model) {
        argo_out_init(&out, pool, 512, NULL, 0);
        argo_gemini_write_model(model, &token, &out);
        text = fuzz_flat(pool, &out);
        FUZZ_CHECK(fuzz_json(pool, &text, 2) != NULL);
    }

    free(copy);
    ngx_destroy_pool(pool);

    return 0;
}
