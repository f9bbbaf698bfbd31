
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * ARGO's own list of models: what is read from its reply, how it is packed,
 * and the table that is made of it.
 */


#include "argo_test.h"

#include "argo_json.h"
#include "argo_model.h"
#include "argo_model_list.h"
#include "argo_out.h"

#include <stdlib.h>


#define RECORDING  "t/fixtures/models/argo-2026-04.json"

#define X50  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

#define SINCE  1000
#define NOW    2000


typedef struct {
    const char  *row;
    const char  *id;                    /* NULL: the row is left out */
    const char  *display;
    const char  *owned_by;
} row_case_t;


static const row_case_t  rows[] = {

    /* the newer format and the older one */
    { "{\"id\":\"GPT-4o\",\"internal_id\":\"gpt4o\",\"object\":\"model\","
      "\"created\":1776396463,\"owned_by\":\"openai\"}",
      "gpt4o", "GPT-4o", "openai" },
    { "{\"id\":\"gpt35\",\"model_name\":\"GPT-3.5 Turbo\"}",
      "gpt35", "GPT-3.5 Turbo", "" },

    /* either, not quite */
    { "{\"id\":\"gpt4o\"}", "gpt4o", "gpt4o", "" },
    { "{\"id\":\"a\",\"internal_id\":\"b\",\"model_name\":\"c\"}",
      "b", "c", "" },
    { "{\"id\":\"gpt4o\",\"internal_id\":null,\"model_name\":null}",
      "gpt4o", "gpt4o", "" },
    { "{\"id\":\" GPT-4o  \",\"internal_id\":\" gpt4o \"}",
      "gpt4o", "GPT-4o", "" },
    { "{\"id\":\"GPT\\u002d4o\",\"internal\\u005fid\":\"gpt\\u0034o\"}",
      "gpt4o", "GPT-4o", "" },
    { "{\"id\":\"Modell \xc3\xa4\",\"internal_id\":\"m\"}",
      "m", "Modell \xc3\xa4", "" },
    { "{\"id\":\"first\",\"id\":\"gpt4o\"}", "gpt4o", "gpt4o", "" },
    { "{\"id\":\"org/model:1.0\"}", "org/model:1.0", "org/model:1.0", "" },

    /* an owner that is wrong is none */
    { "{\"id\":\"m\",\"owned_by\":7}", "m", "m", "" },
    { "{\"id\":\"m\",\"owned_by\":\"\"}", "m", "m", "" },
    { "{\"id\":\"m\",\"owned_by\":\"" X50 "\"}", "m", "m", "" },
    { "{\"id\":\"m\",\"owned_by\":\"a\\nb\"}", "m", "m", "" },

    /* rows that are wrong */
    { "null", NULL, NULL, NULL },
    { "true", NULL, NULL, NULL },
    { "7", NULL, NULL, NULL },
    { "\"gpt4o\"", NULL, NULL, NULL },
    { "[]", NULL, NULL, NULL },
    { "{}", NULL, NULL, NULL },
    { "{\"internal_id\":\"gpt4o\"}", NULL, NULL, NULL },
    { "{\"model_name\":\"GPT-4o\"}", NULL, NULL, NULL },
    { "{\"id\":null}", NULL, NULL, NULL },
    { "{\"id\":7}", NULL, NULL, NULL },
    { "{\"id\":{}}", NULL, NULL, NULL },
    { "{\"id\":[\"gpt4o\"]}", NULL, NULL, NULL },
    { "{\"id\":\"\"}", NULL, NULL, NULL },
    { "{\"id\":\"   \"}", NULL, NULL, NULL },
    { "{\"id\":\"GPT-4o\",\"internal_id\":7}", NULL, NULL, NULL },
    { "{\"id\":\"GPT-4o\",\"internal_id\":\"\"}", NULL, NULL, NULL },
    { "{\"id\":\"gpt4o\",\"model_name\":\"\"}", NULL, NULL, NULL },
    { "{\"id\":\"Claude Sonnet 4.6\"}", NULL, NULL, NULL },
    { "{\"id\":\"GPT-4o\",\"internal_id\":\"gpt 4o\"}", NULL, NULL, NULL },
    { "{\"id\":\"GPT-4o\",\"internal_id\":\"gpt\\t4o\"}", NULL, NULL, NULL },
    { "{\"id\":\"GPT-4o\",\"internal_id\":\"gpt\\u00004o\"}", NULL, NULL,
      NULL },
    { "{\"id\":\"GPT-4o\",\"internal_id\":\"\xc3\xa4\"}", NULL, NULL, NULL },
    { "{\"id\":\"a\\u0000b\",\"internal_id\":\"m\"}", NULL, NULL, NULL },
    { "{\"id\":\"a\\r\\nb\",\"internal_id\":\"m\"}", NULL, NULL, NULL },
    { "{\"id\":\"a\\u007fb\",\"internal_id\":\"m\"}", NULL, NULL, NULL },
    { "{\"id\":\"x" X50 X50 "\",\"internal_id\":\"m\"}", NULL, NULL, NULL },
    { "{\"id\":\"m\",\"internal_id\":\"x" X50 X50 "\"}", NULL, NULL, NULL }
};


/* documents that are no list */

static const char  *documents[] = {
    "",
    " ",
    "null",
    "[]",
    "{}",
    "\"data\"",
    "<html>502 Bad Gateway</html>",
    "{\"data\":null}",
    "{\"data\":{}}",
    "{\"data\":\"x\"}",
    "{\"data\":[]}",
    "{\"data\":[null]}",
    "{\"data\":[{}]}",
    "{\"data\":[[{\"id\":\"gpt4o\"}]]}",
    "{\"Data\":[{\"id\":\"gpt4o\"}]}",
    "{\"data\":[{\"id\":\"gpt4o\"}],\"data\":[]}",
    "{\"data\":[{\"id\":\"gpt4o\"}]}}",
    "{\"data\":[{\"id\":\"gpt4o\"}",
    "{\"data\":[{\"id\":\"gpt4o\"},]}",
    "[{\"id\":\"gpt4o\"}]",
    "{\"detail\":\"Not Found\"}"
};


#define count_of(array)  (sizeof(array) / sizeof(array[0]))


static ngx_int_t
parse(ngx_pool_t *pool, const char *text, argo_model_list_t *list)
{
    ngx_str_t     document;
    argo_error_t  err;

    document.data = (u_char *) text;
    document.len = strlen(text);

    return argo_model_list_parse(pool, &document, list, &err);
}


/* A list of rows that are all good. */

static argo_model_list_t *
make(ngx_pool_t *pool, const char *text)
{
    argo_model_list_t  *list;

    list = ngx_palloc(pool, sizeof(argo_model_list_t));

    if (list == NULL || parse(pool, text, list) != NGX_OK || list->bad) {
        printf("Bail out! a list of the test is wrong: %s\n", text);
        exit(1);
    }

    return list;
}


static const char *
id_of(const argo_model_table_t *table, const char *name)
{
    static char          id[ARGO_MODEL_MAX_NAME + 1];
    ngx_str_t            s;
    const argo_model_t  *model;

    s.data = (u_char *) name;
    s.len = strlen(name);

    model = argo_model_find(table, &s);

    if (model == NULL) {
        return "none";
    }

    memcpy(id, model->id.data, model->id.len);
    id[model->id.len] = '\0';

    return id;
}


static const argo_model_t *
model_of(const argo_model_table_t *table, const char *id)
{
    ngx_uint_t  i;

    for (i = 0; i < table->nmodels; i++) {
        if (table->models[i].id.len == strlen(id)
            && memcmp(table->models[i].id.data, id, strlen(id)) == 0)
        {
            return &table->models[i];
        }
    }

    return NULL;
}


static ngx_uint_t
is_listed(const argo_model_table_t *table, const char *name)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < table->nnames; i++) {
        if (table->names[i].name.len == strlen(name)
            && memcmp(table->names[i].name.data, name, strlen(name)) == 0)
        {
            n++;
        }
    }

    return n;
}


static void
resolves(const argo_model_table_t *table, const char *name, const char *id)
{
    const char  *found;

    found = id_of(table, name);

    ok(strcmp(found, id) == 0, "%s is %s%s%s", name, id,
       strcmp(found, id) ? ", not " : "", strcmp(found, id) ? found : "");
}


static ngx_str_t
read_recording(void)
{
    FILE       *f;
    ngx_str_t   s;

    s.data = malloc(65536);
    f = fopen(RECORDING, "r");

    if (s.data == NULL || f == NULL) {
        printf("Bail out! %s can't be read\n", RECORDING);
        exit(1);
    }

    s.len = fread(s.data, 1, 65536, f);
    fclose(f);

    return s;
}


/* ---- parsing */

static void
test_rows(void)
{
    char                 text[1024];
    ngx_uint_t           i;
    ngx_pool_t          *pool;
    const row_case_t    *c;
    argo_model_list_t    list;

    for (i = 0; i < count_of(rows); i++) {
        c = &rows[i];
        pool = test_pool();

        /* a good row behind it shows that only this one is lost */

        snprintf(text, sizeof(text), "{\"object\":\"list\",\"data\":[%s,"
                 "{\"id\":\"good\"}]}", c->row);

        if (is(parse(pool, text, &list), NGX_OK, "row %s", c->row)) {

            is(list.nrows, c->id ? 2 : 1, "rows");
            is(list.bad, c->id ? 0 : 1, "bad rows");
            is(list.duplicates + list.excess, 0, "others left out");
            is_str(&list.rows[list.nrows - 1].id, "good", "the next row");

            if (c->id && list.nrows == 2) {
                is_str(&list.rows[0].id, c->id, "id");
                is_str(&list.rows[0].display, c->display, "display name");
                is(list.rows[0].owned_by.len, strlen(c->owned_by),
                   "owner's length");
            }
        }

        ngx_destroy_pool(pool);
    }
}


static void
test_documents(void)
{
    ngx_str_t           document;
    ngx_uint_t          i;
    ngx_pool_t         *pool;
    argo_error_t        err;
    argo_model_list_t   list;

    for (i = 0; i < count_of(documents); i++) {
        pool = test_pool();
        document = test_copy(documents[i], strlen(documents[i]));

        err.status = 0;

        is(argo_model_list_parse(pool, &document, &list, &err), NGX_DECLINED,
           "no list: %s", documents[i]);
        is(err.status, 502, "status");
        is_str(&err.code, "upstream_invalid_reply", "code");

        test_free(&document);
        ngx_destroy_pool(pool);
    }
}


static void
test_duplicates(void)
{
    ngx_pool_t         *pool;
    argo_model_list_t   list;

    pool = test_pool();

    is(parse(pool, "{\"data\":[{\"id\":\"A\",\"internal_id\":\"a\"},"
             "{\"id\":\"B\",\"internal_id\":\"a\"},{\"id\":\"a\"},"
             "{\"id\":\"A\",\"internal_id\":\"b\"},7]}", &list),
       NGX_OK, "duplicates");
    is(list.nrows, 2, "rows that are left");
    is(list.duplicates, 2, "duplicates are counted");
    is(list.bad, 1, "bad ones by themselves");
    is_str(&list.rows[0].display, "A", "the first one stays");
    is_str(&list.rows[1].id, "b", "a name may be there twice");

    ngx_destroy_pool(pool);
}


static void
test_caps(void)
{
    char               *text, *p;
    size_t              size;
    ngx_uint_t          i;
    ngx_pool_t         *pool;
    argo_model_list_t   list, again;
    ngx_str_t           packed;

    pool = test_pool();

    p = text = malloc(600 * 300);

    p += sprintf(p, "{\"data\":[");

    /* each as long as can be */

    for (i = 0; i < 600; i++) {
        p += sprintf(p, "%s{\"id\":\"d%04lu%.91s\",\"internal_id\":"
                     "\"i%04lu%.59s\",\"owned_by\":\"%.32s\"}", i ? "," : "",
                     (unsigned long) i, X50 X50, (unsigned long) i,
                     X50 X50, X50);
    }

    sprintf(p, "]}");

    is(parse(pool, text, &list), NGX_OK, "many rows");
    is(list.nrows, ARGO_MODEL_MAX_ROWS, "no more rows than the cap");
    is(list.excess, 600 - ARGO_MODEL_MAX_ROWS, "the others are counted");
    is(list.bad + list.duplicates, 0, "none is wrong");

    is(argo_model_list_date(pool, &list, NULL, SINCE, NOW), NGX_OK, "dated");

    size = argo_model_list_size(&list);
    is(size, ARGO_MODEL_MAX_ROWS * (11 + 64 + 96 + 32), "packed size");

    packed.len = size;
    packed.data = malloc(size);

    argo_model_list_pack(&list, packed.data);

    is(argo_model_list_unpack(pool, &packed, &again), NGX_OK, "unpacked");
    is(again.nrows, list.nrows, "all of them");
    is(again.rows[511].owned_by.len, 32, "the last one's owner");

    ok(argo_model_table_create_live(pool, &again, NULL, 0) != NULL,
       "a table of the longest rows");

    free(packed.data);
    free(text);
    ngx_destroy_pool(pool);
}


static void
test_recording(void)
{
    ngx_int_t           rc;
    ngx_str_t           recording, part;
    ngx_uint_t          wrong;
    ngx_pool_t         *pool;
    argo_error_t        err;
    argo_model_list_t   list;

    recording = read_recording();

    pool = test_pool();

    is(argo_model_list_parse(pool, &recording, &list, &err), NGX_OK,
       "the recorded list");
    is(list.nrows, 38, "its models");
    is(list.bad + list.duplicates + list.excess, 0, "none left out");
    is_str(&list.rows[0].id, "gpt35", "first id");
    is_str(&list.rows[0].display, "GPT-3.5 Turbo", "first name");
    is_str(&list.rows[37].id, "v3large", "last id");
    is_str(&list.rows[22].owned_by, "google", "an owner");

    ngx_destroy_pool(pool);

    wrong = 0;

    /* blanks behind the end don't count as cut */

    while (recording.len && recording.data[recording.len - 1] != '}') {
        recording.len--;
    }

    for (part.len = 0; part.len < recording.len; part.len++) {
        pool = test_pool();

        part = test_copy(recording.data, part.len);

        rc = argo_model_list_parse(pool, &part, &list, &err);

        if (rc != NGX_DECLINED) {
            printf("# cut at %lu: %ld\n", (unsigned long) part.len,
                   (long) rc);
            wrong++;
        }

        test_free(&part);
        ngx_destroy_pool(pool);
    }

    is(wrong, 0, "cut anywhere it is no list");

    test_free(&recording);
}


/* ---- packing */

static void
test_pack(void)
{
    u_char             *bytes;
    ngx_int_t           rc;
    ngx_str_t           packed, part;
    ngx_uint_t          good, wrong;
    ngx_pool_t         *pool;
    argo_model_list_t  *list, *before, again;

    pool = test_pool();

    before = make(pool, "{\"data\":[{\"id\":\"old\",\"owned_by\":\"x\"}]}");
    is(argo_model_list_date(pool, before, NULL, SINCE, -5), NGX_OK,
       "a date before 1970");

    list = make(pool, "{\"data\":[{\"id\":\"Name A\",\"internal_id\":\"a\","
                "\"owned_by\":\"o\"},{\"id\":\"b\"}]}");
    is(argo_model_list_date(pool, list, before, SINCE, NOW), NGX_OK, "dated");

    packed.len = argo_model_list_size(list);
    is(packed.len, 3 * 11 + (1 + 6 + 1) + (1 + 1) + 3, "size");

    packed.data = bytes = malloc(packed.len);
    argo_model_list_pack(list, bytes);

    is(argo_model_list_unpack(pool, &packed, &again), NGX_OK, "unpacked");
    is(again.nrows, 2, "rows");
    is(again.ngone, 1, "gone ones");
    is_str(&again.rows[0].id, "a", "id");
    is_str(&again.rows[0].display, "Name A", "display name");
    is_str(&again.rows[0].owned_by, "o", "owner");
    is(again.rows[0].created, NOW, "date");
    is_str(&again.rows[1].display, "b", "another display name");
    is(again.rows[1].owned_by.len, 0, "no owner");
    is_str(&again.gone[0].id, "old", "gone id");
    is(again.gone[0].created, -5, "gone date");

    /* cut, it is refused but between rows */

    good = 0;
    wrong = 0;

    for (part.len = 0; part.len <= packed.len; part.len++) {
        part = test_copy(bytes, part.len);

        rc = argo_model_list_unpack(pool, &part, &again);

        if (rc == NGX_OK) {
            good++;

        } else if (rc != NGX_ERROR) {
            wrong++;
        }

        test_free(&part);
    }

    is(good, 4, "whole rows alone can be unpacked");
    is(wrong, 0, "parts of rows are refused");

    bytes[0] = 0;
    is(argo_model_list_unpack(pool, &packed, &again), NGX_ERROR,
       "a row without an id is refused");

    bytes[0] = 255;
    is(argo_model_list_unpack(pool, &packed, &again), NGX_ERROR,
       "an id too long is refused");

    free(bytes);
    ngx_destroy_pool(pool);
}


static void
test_dates(void)
{
    ngx_uint_t          i;
    ngx_pool_t         *pool;
    argo_model_list_t  *first, *second, *third, *last;

    pool = test_pool();

    first = make(pool, "{\"data\":[{\"id\":\"gpt4o\"},{\"id\":\"new\"}]}");
    (void) argo_model_list_date(pool, first, NULL, SINCE, NOW);

    is(first->rows[0].created, SINCE, "a built-in model has its date");
    is(first->rows[1].created, NOW, "a new one has today's");
    is(first->ngone, 0, "none is gone");

    second = make(pool, "{\"data\":[{\"id\":\"newer\"},{\"id\":\"new\"}]}");
    (void) argo_model_list_date(pool, second, first, SINCE, NOW + 10);

    is(second->rows[0].created, NOW + 10, "the next one");
    is(second->rows[1].created, NOW, "a known one keeps its date");
    is(second->ngone, 1, "one is gone");
    is_str(&second->gone[0].id, "gpt4o", "its id");

    third = make(pool, "{\"data\":[{\"id\":\"other\"}]}");
    (void) argo_model_list_date(pool, third, second, SINCE, NOW + 20);

    is(third->ngone, 3, "all are gone");

    last = make(pool, "{\"data\":[{\"id\":\"new\"},{\"id\":\"gpt4o\"},"
                "{\"id\":\"newer\"}]}");
    (void) argo_model_list_date(pool, last, third, 5, NOW + 30);

    is(last->rows[0].created, NOW, "back again, its date is the first");
    is(last->rows[1].created, SINCE, "also that of a built-in one");
    is(last->rows[2].created, NOW + 10, "and of the newer one");
    is(last->ngone, 1, "only one is gone now");

    /* those that are gone are not remembered without end */

    third->gone = ngx_pcalloc(pool, 1000 * sizeof(argo_model_entry_t));

    for (i = 0; i < 1000; i++) {
        third->gone[i].id.data = ngx_pnalloc(pool, 8);
        third->gone[i].id.len = sprintf((char *) third->gone[i].id.data,
                                        "g%04lu", (unsigned long) i);
    }

    third->ngone = 1000;

    (void) argo_model_list_date(pool, last, third, SINCE, NOW);

    is(last->ngone, ARGO_MODEL_MAX_GONE, "no more than the cap");
    is_str(&last->gone[0].id, "other", "the last to leave come first");

    ngx_destroy_pool(pool);
}


/* ---- the table */

static void
test_table(void)
{
    ngx_pool_t                *pool;
    const argo_model_t        *model;
    argo_model_list_t         *list;
    argo_model_table_t        *table;

    static argo_model_alias_t  aliases[] = {
        { ngx_string("fast"), ngx_string("gpt9") },
        { ngx_string("gone"), ngx_string("claudeopus4") },
        { ngx_string("lab"), ngx_string("labmodel") },
        { ngx_string("gpt-4o"), ngx_string("gpt9") },
        { ngx_string("by name"), ngx_string("GPT 9") }
    };

    pool = test_pool();

    list = make(pool, "{\"data\":["
                "{\"id\":\"GPT-4o\",\"internal_id\":\"gpt4o\","
                "\"owned_by\":\"azure\"},"
                "{\"id\":\"GPT-9\",\"internal_id\":\"gpt9\"},"
                "{\"id\":\"o9-mini\",\"internal_id\":\"gpto9mini\"},"
                "{\"id\":\"Claude Saga 6.5 v2\",\"internal_id\":"
                "\"claudesaga65v2\"},"
                "{\"id\":\"Claude\",\"internal_id\":\"claudex\"},"
                "{\"id\":\"Claude Sonnet 3.5 (old)\",\"internal_id\":"
                "\"claudesonnet35v2\"},"
                "{\"id\":\"Sonnet 7\",\"internal_id\":\"sonnet7\","
                "\"owned_by\":\"anthropic\"},"
                "{\"id\":\"Text Embed 4\",\"internal_id\":\"embed4\"},"
                "{\"id\":\"Small Embedding\",\"internal_id\":\"v3small\"},"
                "{\"id\":\"Odd\",\"internal_id\":\"odd\"}]}");

    (void) argo_model_list_date(pool, list, NULL, SINCE, NOW);

    table = argo_model_table_create_live(pool, list, NULL, 0);

    if (!ok(table != NULL, "a table")) {
        ngx_destroy_pool(pool);
        return;
    }

    is(table->nmodels, 12, "ARGO's models and two of the embeddings");

    resolves(table, "argo:gpt-9", "gpt9");
    resolves(table, "GPT-9", "gpt9");
    resolves(table, "gpto9mini", "gpto9mini");
    resolves(table, "argo:gpt-o9-mini", "gpto9mini");
    resolves(table, "o9-mini", "gpto9mini");
    resolves(table, "claude-saga-6-5-v2", "claudesaga65v2");
    resolves(table, "argo:claude-6.5-saga-v2", "claudesaga65v2");
    resolves(table, "claude", "claudex");
    resolves(table, "odd", "odd");

    is(is_listed(table, "argo:gpt-9"), 1, "listed");
    is(is_listed(table, "argo:claude-6.5-saga-v2"), 1, "listed both ways");
    is(is_listed(table, "argo:claude"), 1, "a name of one part");

    /* what is built in is merged for those that ARGO has */

    model = model_of(table, "gpt4o");
    is(model->context, 128000, "limit");
    is(model->max_output, 16384, "other limit");
    is_str(&model->owned_by, "azure", "ARGO's own word on the owner");
    is(model->family, ARGO_FAMILY_OPENAI, "family");
    is(model->created, SINCE, "date");

    model = model_of(table, "claudesonnet35v2");
    is(model->deprecated, 1, "deprecated");
    is_str(&model->display, "Claude Sonnet 3.5 (old)", "ARGO's own name");
    is(is_listed(table, "argo:claude-sonnet-3.5-(old)"), 1, "which is listed");
    is(is_listed(table, "argo:claude-sonnet-3.5-v2"), 0,
       "the one of before is not");
    resolves(table, "argo:claude-sonnet-3.5-v2", "claudesonnet35v2");
    resolves(table, "claude-3.5-sonnet-v2", "claudesonnet35v2");
    resolves(table, "claude-3-5-sonnet-20241022", "claudesonnet35v2");

    /* what ARGO does not have is not there, but for embeddings */

    resolves(table, "gpt5", "none");
    resolves(table, "argo:gemini-2.5-pro", "none");
    resolves(table, "text-embedding-ada-002", "ada002");
    resolves(table, "argo:text-embedding-3-large", "v3large");
    resolves(table, "argo:text-embedding-3-small", "v3small");
    resolves(table, "small-embedding", "v3small");
    is(is_listed(table, "argo:text-embedding-3-small"), 1,
       "an embedding's name stays listed");
    is(is_listed(table, "argo:small-embedding"), 1, "beside ARGO's");
    is(is_listed(table, "argo:text-embedding-ada-002"), 1,
       "also of one that ARGO does not list");

    /* what a new model is */

    is(model_of(table, "gpt9")->family, ARGO_FAMILY_OPENAI, "by its id");
    is(model_of(table, "sonnet7")->family, ARGO_FAMILY_ANTHROPIC,
       "by its owner");
    is(model_of(table, "odd")->family, ARGO_FAMILY_OTHER, "unknown");
    is_str(&model_of(table, "odd")->owned_by, "argo", "whose owner is ARGO");
    is(model_of(table, "embed4")->kind, ARGO_MODEL_EMBEDDING, "embedding");
    is(model_of(table, "sonnet7")->kind, ARGO_MODEL_CHAT, "chat");

    /* the administrator's aliases */

    table = argo_model_table_create_live(pool, list, aliases,
                                         count_of(aliases));

    if (ok(table != NULL, "a table with aliases")) {
        resolves(table, "fast", "gpt9");
        resolves(table, "gone", "claudeopus4");
        resolves(table, "lab", "labmodel");
        resolves(table, "gpt-4o", "gpt9");
        resolves(table, "argo:gpt4o", "gpt9");
        resolves(table, "by name", "gpt9");
        is(table->nmodels, 14, "two that ARGO does not list");
        is(model_of(table, "claudeopus4")->context, 200000,
           "one of them is built in");
        is(is_listed(table, "fast"), 1, "an alias is listed");
        is(is_listed(table, "argo:claude-opus-4"), 0,
           "its model's other names are not");
    }

    ngx_destroy_pool(pool);
}


/* An id is its model's, whatever others are called. */

static void
test_conflicts(void)
{
    ngx_pool_t          *pool;
    argo_model_list_t   *list;
    argo_model_table_t  *table;

    pool = test_pool();

    list = make(pool, "{\"data\":["
                "{\"id\":\"GPT-4\",\"internal_id\":\"gpt4o\"},"
                "{\"id\":\"GPT-4o\",\"internal_id\":\"gpt4\"},"
                "{\"id\":\"Same\",\"internal_id\":\"one\"},"
                "{\"id\":\"same\",\"internal_id\":\"two\"},"
                "{\"id\":\"a-b\"},{\"id\":\"ab\"}]}");

    table = argo_model_table_create_live(pool, list, NULL, 0);

    if (ok(table != NULL, "a table of conflicts")) {
        resolves(table, "gpt4o", "gpt4o");
        resolves(table, "gpt4", "gpt4");
        resolves(table, "same", "one");
        resolves(table, "two", "two");
        resolves(table, "ab", "a-b");
    }

    ngx_destroy_pool(pool);
}


/* ---- pages */

static ngx_str_t
page_of(ngx_pool_t *pool, const argo_model_table_t *table, ngx_uint_t limit,
    const char *after, const char *before, ngx_uint_t anthropic)
{
    ngx_int_t           rc;
    ngx_str_t           text, row;
    argo_out_t          out;
    argo_json_t        *root, *node;
    argo_error_t        err;
    argo_model_page_t   page;

    ngx_memzero(&page, sizeof(argo_model_page_t));

    page.limit = limit;
    page.anthropic = anthropic;

    if (after) {
        page.after.data = (u_char *) after;
        page.after.len = strlen(after);
    }

    if (before) {
        page.before.data = (u_char *) before;
        page.before.len = strlen(before);
    }

    argo_out_init(&out, pool, 512, NULL, 0);

    rc = argo_model_write_page(table, &page, NOW, &out, &err);

    if (rc == NGX_DECLINED) {
        return err.param;
    }

    if (argo_out_flatten(&out, pool, &text) != NGX_OK
        || argo_json_parse(pool, &text, 3, &root, &err) != NGX_OK)
    {
        return STR("invalid");
    }

    /* ids, a plus sign if there is more, first and last */

    argo_out_init(&out, pool, 512, NULL, 0);

    for (node = argo_json_get(root, "data")->child; node; node = node->next) {
        row = argo_json_inner(argo_json_get(node, "id"));
        argo_out_str(&out, &row);
        argo_out_lit(&out, " ");
    }

    if (argo_json_get(root, "has_more")->type == ARGO_JSON_TRUE) {
        argo_out_lit(&out, "+ ");
    }

    argo_out_str(&out, &argo_json_get(root, "first_id")->raw);
    argo_out_str(&out, &argo_json_get(root, "last_id")->raw);

    if (argo_out_flatten(&out, pool, &text) != NGX_OK) {
        return STR("no memory");
    }

    return text;
}


static void
test_pages(void)
{
    ngx_str_t                  s;
    ngx_uint_t                 i;
    ngx_pool_t                *pool;
    argo_model_list_t         *list;
    argo_model_table_t        *table;

    static argo_model_alias_t  alias = {
        ngx_string("My.Own"), ngx_string("gptx")
    };

    static const struct {
        ngx_uint_t   limit;
        const char  *after;
        const char  *before;
        ngx_uint_t   anthropic;
        const char  *expected;
    } pages[] = {

        { 0, NULL, NULL, 0, "My.Own argo:gpt-x.1 argo:claude-opus-4.6 "
          "argo:claude-4.6-opus argo:text-embedding-ada-002 "
          "argo:text-embedding-3-small argo:text-embedding-3-large "
          "\"My.Own\"\"argo:text-embedding-3-large\"" },

        { 0, NULL, NULL, 1, "My.Own gpt-x.1 claude-opus-4-6 "
          "text-embedding-ada-002 text-embedding-3-small "
          "text-embedding-3-large \"My.Own\"\"text-embedding-3-large\"" },

        { 2, NULL, NULL, 1, "My.Own gpt-x.1 + \"My.Own\"\"gpt-x.1\"" },

        { 2, "gpt-x.1", NULL, 1, "claude-opus-4-6 text-embedding-ada-002 + "
          "\"claude-opus-4-6\"\"text-embedding-ada-002\"" },

        { 2, "text-embedding-ada-002", NULL, 1, "text-embedding-3-small "
          "text-embedding-3-large "
          "\"text-embedding-3-small\"\"text-embedding-3-large\"" },

        { 2, "text-embedding-3-large", NULL, 1, "nullnull" },
        { 0, "text-embedding-3-large", NULL, 1, "nullnull" },

        { 1, NULL, "claude-opus-4-6", 1, "gpt-x.1 + \"gpt-x.1\"\"gpt-x.1\"" },

        { 2, NULL, "claude-opus-4-6", 1, "My.Own gpt-x.1 "
          "\"My.Own\"\"gpt-x.1\"" },

        { 3, NULL, "text-embedding-3-small", 1, "gpt-x.1 claude-opus-4-6 "
          "text-embedding-ada-002 + \"gpt-x.1\"\"text-embedding-ada-002\"" },

        { 1, "My.Own", "text-embedding-ada-002", 1, "gpt-x.1 + "
          "\"gpt-x.1\"\"gpt-x.1\"" },

        { 2, "text-embedding-ada-002", "My.Own", 1, "nullnull" },

        { 6, NULL, NULL, 1, "My.Own gpt-x.1 claude-opus-4-6 "
          "text-embedding-ada-002 text-embedding-3-small "
          "text-embedding-3-large \"My.Own\"\"text-embedding-3-large\"" },

        { 1000, NULL, NULL, 0, "My.Own argo:gpt-x.1 argo:claude-opus-4.6 "
          "argo:claude-4.6-opus argo:text-embedding-ada-002 "
          "argo:text-embedding-3-small argo:text-embedding-3-large "
          "\"My.Own\"\"argo:text-embedding-3-large\"" },

        { 1, "argo:gpt-x.1", NULL, 0, "argo:claude-opus-4.6 + "
          "\"argo:claude-opus-4.6\"\"argo:claude-opus-4.6\"" },

        { 2, "nothing", NULL, 1, "after_id" },
        { 2, "argo:gpt-x.1", NULL, 1, "after_id" },
        { 2, NULL, "", 1, "before_id" },
        { 2, NULL, "claude-4-6-opus", 1, "before_id" }
    };

    pool = test_pool();

    list = make(pool, "{\"data\":["
                "{\"id\":\"GPT-X.1\",\"internal_id\":\"gptx\"},"
                "{\"id\":\"Claude Opus 4.6\",\"internal_id\":"
                "\"claudeopus46\"}]}");

    table = argo_model_table_create_live(pool, list, &alias, 1);

    if (ok(table != NULL, "a table for pages")) {

        for (i = 0; i < count_of(pages); i++) {
            s = page_of(pool, table, pages[i].limit, pages[i].after,
                        pages[i].before, pages[i].anthropic);
            is_str(&s, pages[i].expected, "page, limit %lu, after %s, "
                   "before %s", (unsigned long) pages[i].limit,
                   pages[i].after ? pages[i].after : "-",
                   pages[i].before ? pages[i].before : "-");
        }

        /* what is listed for Anthropic's clients means the same model */

        resolves(table, "claude-opus-4-6", "claudeopus46");
        resolves(table, "gpt-x.1", "gptx");
        resolves(table, "My.Own", "gptx");
    }

    ngx_destroy_pool(pool);
}


/* ---- memory */

static ngx_int_t
everything(ngx_pool_t *pool, const ngx_str_t *document,
    const argo_model_list_t *before)
{
    ngx_int_t           rc;
    ngx_str_t           packed;
    argo_error_t        err;
    argo_model_list_t   list, again;

    rc = argo_model_list_parse(pool, document, &list, &err);
    if (rc != NGX_OK) {
        return rc;
    }

    if (argo_model_list_date(pool, &list, before, SINCE, NOW) != NGX_OK) {
        return NGX_ERROR;
    }

    packed.len = argo_model_list_size(&list);
    packed.data = ngx_pnalloc(pool, packed.len);
    if (packed.data == NULL) {
        return NGX_ERROR;
    }

    argo_model_list_pack(&list, packed.data);

    rc = argo_model_list_unpack(pool, &packed, &again);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_model_table_create_live(pool, &again, NULL, 0) ? NGX_OK
                                                               : NGX_ERROR;
}


static void
test_memory(void)
{
    ngx_int_t           rc;
    ngx_str_t           document;
    ngx_uint_t          n, wrong;
    ngx_pool_t         *pool, *other;
    argo_model_list_t  *before;

    other = test_pool();
    before = make(other, "{\"data\":[{\"id\":\"gone\"},{\"id\":\"gpt4o\"}]}");

    document = STR("{\"data\":[{\"id\":\"GPT\\u002d4o\",\"internal_id\":"
                   "\"gpt4o\",\"owned_by\":\"a\\u0062c\"},{\"id\":"
                   "\"Claude New 7\",\"internal_id\":\"claude\\u006eew7\"},"
                   "{\"id\":\"o9\",\"internal_id\":\"gpto9\"}]}");

    wrong = 0;

    for (n = 1; n < 10000; n++) {
        pool = test_pool();

        ngx_shim_fail(n);
        rc = everything(pool, &document, before);

        if (!ngx_shim_failed()) {
            ngx_shim_fail(0);
            is(rc, NGX_OK, "with enough memory");
            ngx_destroy_pool(pool);
            break;
        }

        ngx_shim_fail(0);

        if (rc != NGX_ERROR) {
            printf("# allocation %lu: %ld\n", (unsigned long) n, (long) rc);
            wrong++;
        }

        ngx_destroy_pool(pool);
    }

    is(wrong, 0, "each of %lu allocations may fail", (unsigned long) n - 1);
    ok(n > 20 && n < 10000, "there were some");

    ngx_destroy_pool(other);
}


int
main(void)
{
    test_rows();
    test_documents();
    test_duplicates();
    test_caps();
    test_recording();
    test_pack();
    test_dates();
    test_table();
    test_conflicts();
    test_pages();
    test_memory();

    return done();
}
