
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Models as Google's clients name and list them.  Knows the table of models,
 * nothing of HTTP.
 */


#include "argo_gemini_models.h"
#include "argo_json_write.h"


#define ARGO_GEMINI_PREFIX  "models/"


typedef struct {
    ngx_str_t              name;
    argo_gemini_method_e   method;
} argo_gemini_method_t;


static ngx_int_t argo_gemini_name(const argo_model_name_t *listed,
    u_char *buf, ngx_str_t *name);
static void argo_gemini_write_methods(const argo_model_t *model,
    argo_out_t *out);


static const argo_gemini_method_t  argo_gemini_methods[] = {
    { ngx_string("generateContent"), ARGO_GEMINI_GENERATE },
    { ngx_string("streamGenerateContent"), ARGO_GEMINI_STREAM },
    { ngx_string("countTokens"), ARGO_GEMINI_COUNT },
    { ngx_string("embedContent"), ARGO_GEMINI_NOT_SERVED },
    { ngx_string("batchEmbedContents"), ARGO_GEMINI_NOT_SERVED },
    { ngx_string("asyncBatchEmbedContent"), ARGO_GEMINI_NOT_SERVED },
    { ngx_string("batchGenerateContent"), ARGO_GEMINI_NOT_SERVED },
    { ngx_string("bidiGenerateContent"), ARGO_GEMINI_NOT_SERVED },
    { ngx_string("generateAnswer"), ARGO_GEMINI_NOT_SERVED },
    { ngx_string("computeTokens"), ARGO_GEMINI_NOT_SERVED },
    { ngx_string("predict"), ARGO_GEMINI_NOT_SERVED },
    { ngx_string("predictLongRunning"), ARGO_GEMINI_NOT_SERVED }
};


#define ARGO_GEMINI_NMETHODS                                                  \
    (sizeof(argo_gemini_methods) / sizeof(argo_gemini_methods[0]))


ngx_int_t
argo_gemini_path(const ngx_str_t *item, ngx_str_t *model,
    argo_gemini_method_e *method)
{
    size_t            len;
    ngx_uint_t        i;
    const ngx_str_t  *name;

    *model = *item;
    *method = ARGO_GEMINI_GET;

    for (len = item->len; len; len--) {
        if (item->data[len - 1] == ':') {
            break;
        }
    }

    for (i = 0; len && i < ARGO_GEMINI_NMETHODS; i++) {
        name = &argo_gemini_methods[i].name;

        if (item->len - len == name->len
            && ngx_memcmp(item->data + len, name->data, name->len) == 0)
        {
            *method = argo_gemini_methods[i].method;
            model->len = len - 1;
            break;
        }
    }

    /* some clients name the resource where its last part would do */

    len = sizeof(ARGO_GEMINI_PREFIX) - 1;

    if (model->len >= len
        && ngx_memcmp(model->data, ARGO_GEMINI_PREFIX, len) == 0)
    {
        model->data += len;
        model->len -= len;
    }

    return model->len ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
argo_gemini_read_page(const ngx_str_t *size, const ngx_str_t *token,
    argo_gemini_page_t *page, argo_error_t *err)
{
    u_char      c;
    size_t      i;
    ngx_uint_t  n;

    page->size = ARGO_GEMINI_PAGE;
    page->token = *token;

    for (i = 0, n = 0; i < size->len; i++) {
        c = size->data[i];

        if (c < '0' || c > '9') {
            return argo_error_set(err, 400, "invalid_value", "pageSize",
                                  "pageSize must be a positive integer");
        }

        n = ngx_min(n * 10 + (c - '0'), ARGO_GEMINI_MAX_PAGE);
    }

    /* 0 is as nothing, as it is to Google */

    if (n) {
        page->size = n;
    }

    return NGX_OK;
}


ngx_int_t
argo_gemini_write_models(const argo_model_table_t *table,
    const argo_gemini_page_t *page, argo_out_t *out, argo_error_t *err)
{
    u_char      buf[2][ARGO_MODEL_MAX_NAME];
    ngx_str_t   name, last;
    ngx_uint_t  i, n, first;

    first = 0;

    if (page->token.len) {

        for (i = 0; i < table->nnames; i++) {

            if (argo_gemini_name(&table->names[i], buf[0], &name) == NGX_OK
                && name.len == page->token.len
                && ngx_memcmp(name.data, page->token.data, name.len) == 0)
            {
                break;
            }
        }

        if (i == table->nnames) {
            return argo_error_set(err, 400, "invalid_value", "pageToken",
                                  "pageToken is not one that was given");
        }

        first = i + 1;
    }

    argo_out_lit(out, "{\"models\":[");

    n = 0;
    ngx_str_null(&last);

    for (i = first; i < table->nnames; i++) {

        if (argo_gemini_name(&table->names[i], buf[n % 2], &name) != NGX_OK) {
            continue;
        }

        if (n == page->size) {
            break;
        }

        if (n++) {
            argo_out_lit(out, ",");
        }

        argo_gemini_write_model(table->names[i].model, &name, out);
        last = name;
    }

    argo_out_lit(out, "]");

    if (i < table->nnames && last.len) {
        argo_out_lit(out, ",\"nextPageToken\":");
        argo_json_write_string(out, &last);
    }

    argo_out_lit(out, "}");

    return NGX_OK;
}


/* NGX_DECLINED: it is not listed */

static ngx_int_t
argo_gemini_name(const argo_model_name_t *listed, u_char *buf,
    ngx_str_t *name)
{
    return (listed->model->kind == ARGO_MODEL_CHAT)
           ? argo_model_plain_name(listed, buf, name) : NGX_DECLINED;
}


void
argo_gemini_write_one(const argo_model_table_t *table,
    const argo_model_t *model, const ngx_str_t *asked, argo_out_t *out)
{
    u_char      buf[ARGO_MODEL_MAX_NAME];
    ngx_str_t   name, found;
    ngx_uint_t  i;

    found = *asked;

    for (i = 0; i < table->nnames; i++) {

        if (table->names[i].model != model
            || argo_model_plain_name(&table->names[i], buf, &name) != NGX_OK)
        {
            continue;
        }

        if (!table->names[i].alias) {
            found = name;
            break;
        }

        if (name.len == asked->len
            && ngx_memcmp(name.data, asked->data, name.len) == 0)
        {
            break;
        }
    }

    argo_gemini_write_model(model, &found, out);
}


void
argo_gemini_write_model(const argo_model_t *model, const ngx_str_t *name,
    argo_out_t *out)
{
    argo_out_lit(out, "{\"name\":\"" ARGO_GEMINI_PREFIX);
    argo_json_write_text(out, name->data, name->len);
    argo_out_lit(out, "\",\"baseModelId\":");
    argo_json_write_string(out, &model->id);
    argo_out_lit(out, ",\"version\":\"001\",\"displayName\":");
    argo_json_write_string(out, &model->display);
    argo_out_lit(out, ",\"description\":\"");
    argo_json_write_text(out, model->display.data, model->display.len);
    argo_out_lit(out, ", from ");
    argo_json_write_text(out, model->owned_by.data, model->owned_by.len);
    argo_out_lit(out, ", on ARGO\"");

    if (model->context) {
        argo_out_lit(out, ",\"inputTokenLimit\":");
        argo_out_int(out, model->context);
    }

    if (model->max_output) {
        argo_out_lit(out, ",\"outputTokenLimit\":");
        argo_out_int(out, model->max_output);
    }

    argo_gemini_write_methods(model, out);
    argo_out_lit(out, "}");
}


static void
argo_gemini_write_methods(const argo_model_t *model, argo_out_t *out)
{
    argo_out_lit(out, ",\"supportedGenerationMethods\":[");

    if (model->kind == ARGO_MODEL_CHAT) {
        argo_out_lit(out, "\"generateContent\",\"countTokens\","
                          "\"streamGenerateContent\"");
    }

    argo_out_lit(out, "]");
}
