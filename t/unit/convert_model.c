
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The model table: which names resolve to which model, which must not, and
 * the lists that clients get.
 */


#include "argo_test.h"
#include "argo_reply.h"

#include "argo_model.h"


typedef struct {
    const char  *name;
    const char  *id;                    /* NULL: no model */
} model_case_t;


static const model_case_t  cases[] = {

    /* the listed names */
    { "argo:gpt-3.5-turbo", "gpt35" },
    { "argo:gpt-3.5-turbo-16k", "gpt35large" },
    { "argo:gpt-4", "gpt4" },
    { "argo:gpt-4-32k", "gpt4large" },
    { "argo:gpt-4-turbo", "gpt4turbo" },
    { "argo:gpt-4o", "gpt4o" },
    { "argo:gpt-4o-latest", "gpt4olatest" },
    { "argo:o1-preview", "gpto1preview" },
    { "argo:gpt-o1-preview", "gpto1preview" },
    { "argo:o1-mini", "gpto1mini" },
    { "argo:o1", "gpto1" },
    { "argo:gpt-o1", "gpto1" },
    { "argo:o3-mini", "gpto3mini" },
    { "argo:gpt-o3-mini", "gpto3mini" },
    { "argo:o3", "gpto3" },
    { "argo:o4-mini", "gpto4mini" },
    { "argo:gpt-4.1", "gpt41" },
    { "argo:gpt-4.1-mini", "gpt41mini" },
    { "argo:gpt-4.1-nano", "gpt41nano" },
    { "argo:gpt-5", "gpt5" },
    { "argo:gpt-5-mini", "gpt5mini" },
    { "argo:gpt-5-nano", "gpt5nano" },
    { "argo:gpt-5.1", "gpt51" },
    { "argo:gpt-5.2", "gpt52" },
    { "argo:gpt-5.4", "gpt54" },
    { "argo:gpt-5.4-mini", "gpt54mini" },
    { "argo:gpt-5.4-nano", "gpt54nano" },
    { "argo:gpt-5.5", "gpt55" },
    { "argo:gpt-5.6-sol", "gpt56sol" },
    { "argo:gpt-5.6-terra", "gpt56terra" },
    { "argo:gpt-5.6-luna", "gpt56luna" },
    { "argo:gemini-2.5-pro", "gemini25pro" },
    { "argo:gemini-2.5-flash", "gemini25flash" },
    { "argo:gemini-3.5-flash", "gemini35flash" },
    { "argo:gemini-3.1-flash-lite", "gemini31flashlite" },
    { "argo:claude-opus-5", "claudeopus5" },
    { "argo:claude-5-opus", "claudeopus5" },
    { "argo:claude-opus-4.8", "claudeopus48" },
    { "argo:claude-opus-4.7", "claudeopus47" },
    { "argo:claude-opus-4.6", "claudeopus46" },
    { "argo:claude-4.6-opus", "claudeopus46" },
    { "argo:claude-opus-4.5", "claudeopus45" },
    { "argo:claude-opus-4.1", "claudeopus41" },
    { "argo:claude-opus-4", "claudeopus4" },
    { "argo:claude-4-opus", "claudeopus4" },
    { "argo:claude-haiku-4.5", "claudehaiku45" },
    { "argo:claude-haiku-3.5", "claudehaiku35" },
    { "argo:claude-3.5-haiku", "claudehaiku35" },
    { "argo:claude-sonnet-5", "claudesonnet5" },
    { "argo:claude-sonnet-4.6", "claudesonnet46" },
    { "argo:claude-sonnet-4.5", "claudesonnet45" },
    { "argo:claude-sonnet-4", "claudesonnet4" },
    { "argo:claude-sonnet-3.7", "claudesonnet37" },
    { "argo:claude-sonnet-3.5-v2", "claudesonnet35v2" },
    { "argo:claude-3.5-sonnet-v2", "claudesonnet35v2" },
    { "argo:text-embedding-ada-002", "ada002" },
    { "argo:text-embedding-3-small", "v3small" },
    { "argo:text-embedding-3-large", "v3large" },

    /* ARGO's own ids and display names */
    { "gpt4o", "gpt4o" },
    { "gpto3mini", "gpto3mini" },
    { "claudesonnet35v2", "claudesonnet35v2" },
    { "gpt56terra", "gpt56terra" },
    { "v3small", "v3small" },
    { "GPT-5.6 Sol", "gpt56sol" },
    { "Claude Sonnet 4.6", "claudesonnet46" },
    { "Gemini 3.1 Flash Lite", "gemini31flashlite" },
    { "Text Embedding Ada 002", "ada002" },

    /* the holes of the known scheme */
    { "argo:claude-sonnet-4-6", "claudesonnet46" },
    { "claude-opus-4-6[1m]", "claudeopus46" },
    { "argo:claude-opus-4-6[1m]", "claudeopus46" },
    { "claude-3-5-sonnet-20241022", "claudesonnet35v2" },
    { "argo:gpt4o", "gpt4o" },
    { "argo/gpt-4o", "gpt4o" },
    { "models/gemini-2.5-pro", "gemini25pro" },

    /* prefixes, in any case and number */
    { "openai/gpt-4o", "gpt4o" },
    { "openai:gpt-4o", "gpt4o" },
    { "openai/gpt52", "gpt52" },
    { "openai/argo:gpt-4o", "gpt4o" },
    { "argo:openai/gpt-4o", "gpt4o" },
    { "argo:argo:gpt-4o", "gpt4o" },
    { "ARGO:GPT-4O", "gpt4o" },
    { "OpenAI/GPT-4o", "gpt4o" },
    { "anthropic/claude-opus-4.6", "claudeopus46" },
    { "anthropic/claude-opus-4-6", "claudeopus46" },
    { "anthropic:claude-opus-4-6", "claudeopus46" },
    { "google/gemini-2.5-pro", "gemini25pro" },
    { "google/models/gemini-2.5-pro", "gemini25pro" },
    { "argo: gpt-4o", "gpt4o" },

    /* blanks around, other separators, any case */
    { "  gpt-4o\t", "gpt4o" },
    { "\r\ngpt-4o\r\n", "gpt4o" },
    { "GPT-4.1-MINI", "gpt41mini" },
    { "gpt_4_1_mini", "gpt41mini" },
    { "gpt 4.1 mini", "gpt41mini" },
    { "gpt-41", "gpt41" },
    { "gpt-4-1", "gpt41" },
    { "gpt-5-4-nano", "gpt54nano" },
    { "gemini-2-5-flash", "gemini25flash" },
    { "Claude-Opus-4_7", "claudeopus47" },

    /* both Claude word orders, dots or dashes */
    { "claude-4-6-opus", "claudeopus46" },
    { "claude-4-5-sonnet", "claudesonnet45" },
    { "claude-3-7-sonnet", "claudesonnet37" },
    { "claude-3.7-sonnet", "claudesonnet37" },
    { "claude-3-5-haiku", "claudehaiku35" },
    { "claude-haiku-3-5", "claudehaiku35" },
    { "claude-4-sonnet", "claudesonnet4" },
    { "claude-3-5-sonnet-v2", "claudesonnet35v2" },

    /* dates */
    { "gpt-4o-2024-08-06", "gpt4o" },
    { "gpt-4-turbo-2024-04-09", "gpt4turbo" },
    { "o1-2024-12-17", "gpto1" },
    { "o3-mini-2025-01-31", "gpto3mini" },
    { "gpt-5-mini-2025-08-07", "gpt5mini" },
    { "gpt-4.1-nano-2025-04-14", "gpt41nano" },
    { "claude-sonnet-4-20250514", "claudesonnet4" },
    { "claude-opus-4@20250514", "claudeopus4" },
    { "claude-opus-4-1-20250805", "claudeopus41" },
    { "claude-opus-4-5-20251101", "claudeopus45" },
    { "claude-haiku-4-5-20251001", "claudehaiku45" },
    { "claude-haiku-4-5-20251001[1m]", "claudehaiku45" },
    { "claude-3-7-sonnet-20250219", "claudesonnet37" },
    { "claude-3-7-sonnet@20250219", "claudesonnet37" },
    { "claude-3-5-haiku-20241022", "claudehaiku35" },
    { "claude-3-5-sonnet-v2@20241022", "claudesonnet35v2" },
    { "claude-3-5-sonnet@20241022", "claudesonnet35v2" },
    { "anthropic/claude-3-5-sonnet-20241022", "claudesonnet35v2" },

    /* names of the data file */
    { "claude-3-5-sonnet-latest", "claudesonnet35v2" },
    { "claude-3-5-haiku-latest", "claudehaiku35" },
    { "claude-3-7-sonnet-latest", "claudesonnet37" },
    { "claude-sonnet-4-0", "claudesonnet4" },
    { "claude-opus-4-0", "claudeopus4" },
    { "chatgpt-4o-latest", "gpt4olatest" },

    /* other models: never one of ours instead */
    { "gpt-4-0613", NULL },
    { "gpt-4-0314", NULL },
    { "gpt-4-1106-preview", NULL },
    { "gpt-4-turbo-preview", NULL },
    { "gpt-3.5-turbo-0125", NULL },
    { "gpt-4o-mini", NULL },
    { "gpt-4o-mini-2024-07-18", NULL },
    { "gpt-4.10", NULL },
    { "gpt-4.11", NULL },
    { "gpt-5.1-mini", NULL },
    { "gpt-5-1mini", NULL },
    { "gpt-5.1-codex", NULL },
    { "gpt-5-chat-latest", NULL },
    { "gpt-5-pro", NULL },
    { "gpt-5.6", NULL },
    { "gpt-45", NULL },
    { "gpt", NULL },
    { "gpt-", NULL },
    { "o", NULL },
    { "o1-pro", NULL },
    { "o3-mini-high", NULL },
    { "o3-pro", NULL },
    { "o4", NULL },
    { "claude", NULL },
    { "claude-4", NULL },
    { "claude-opus", NULL },
    { "claude-sonnet", NULL },
    { "claude-3-opus-20240229", NULL },
    { "claude-3-haiku-20240307", NULL },
    { "claude-3-5-sonnet", NULL },
    { "claude-3-5-sonnet-20240620", NULL },
    { "claude-3-5-sonnet@20240620", NULL },
    { "claude-sonnet-3.5", NULL },
    { "claude-opus-46-1m", NULL },
    { "claude-4-opus-6", NULL },
    { "gemini", NULL },
    { "gemini-2.5", NULL },
    { "gemini-2.5-flash-lite", NULL },
    { "gemini-1.5-pro", NULL },
    { "text-embedding-3", NULL },
    { "text-embedding-004", NULL },

    /* what looks like a model's name and something else */
    { "gpt-4:o", NULL },
    { "gpt-4/o", NULL },
    { "gpt-4@1", NULL },
    { "gpt-4+1", NULL },
    { "gpt-4o:free", NULL },
    { "gpt-4o:latest", NULL },
    { "azure/gpt-4o", NULL },
    { "ollama:gpt-4o", NULL },
    { "gpt-4\xc3\xb6", NULL },
    { "gpt-4\xe2\x80\x93" "1", NULL },
    { "gpt-4o[1m", NULL },
    { "gpt-4o]", NULL },
    { "gpt-4o[1m]x", NULL },
    { "gpt-4o-2024-13-06", NULL },
    { "gpt-4o-2024-00-06", NULL },
    { "gpt-4o-2024-08-32", NULL },
    { "gpt-4o-1924-08-06", NULL },
    { "gpt-4o-2024-8-6", NULL },
    { "gpt-4o@2024-08-06", NULL },
    { "gpt-4o20240806", NULL },
    { "gpt-4o-20240806-1", NULL },
    { "gpt-4o-20240806-20240806", NULL },
    { "2024-08-06", NULL },
    { "-20240806", NULL },
    { "argo:", NULL },
    { "argo", NULL },
    { "[1m]", NULL },
    { "]", NULL },
    { "[", NULL },
    { "-", NULL },
    { "...", NULL },
    { " ", NULL },
    { "", NULL },
    { NULL, NULL }
};


static void
test_names(const argo_model_table_t *table)
{
    ngx_str_t            name, copy;
    const model_case_t  *c;
    const argo_model_t  *model;

    for (c = cases; c->name; c++) {
        name.data = (u_char *) c->name;
        name.len = strlen(c->name);

        copy = test_copy(name.data, name.len);
        model = argo_model_find(table, &copy);
        test_free(&copy);

        if (c->id == NULL) {
            if (!ok(model == NULL, "'%s' is no model", c->name)) {
                printf("# got %s\n", model->id.data);
            }

            continue;
        }

        if (!ok(model && strcmp((char *) model->id.data, c->id) == 0,
                "'%s' is %s", c->name, c->id))
        {
            printf("# got %s\n", model ? (char *) model->id.data : "none");
        }
    }
}


static void
test_long_names(const argo_model_table_t *table)
{
    u_char     buf[4 * ARGO_MODEL_MAX_NAME];
    ngx_str_t  name;

    ngx_str_null(&name);

    ok(argo_model_find(table, &name) == NULL, "no name at all");

    memset(buf, ' ', sizeof(buf));
    memcpy(buf + sizeof(buf) - 6, "gpt-4o", 6);

    name.data = buf;
    name.len = sizeof(buf);

    ok(argo_model_find(table, &name) != NULL, "blanks around are free");

    memset(buf, '-', sizeof(buf) - 6);

    ok(argo_model_find(table, &name) == NULL, "a too long name");

    name.data = buf + sizeof(buf) - ARGO_MODEL_MAX_NAME;
    name.len = ARGO_MODEL_MAX_NAME;

    ok(argo_model_find(table, &name) != NULL, "a name as long as allowed");

    memset(buf, 'x', sizeof(buf));

    name.data = buf;
    name.len = ARGO_MODEL_MAX_NAME;

    ok(argo_model_find(table, &name) == NULL, "a long unknown name");
}


/* Every listed name finds the model that it is listed for. */

static void
test_listed(const argo_model_table_t *table)
{
    ngx_uint_t                i, bad, dup, k;
    const argo_model_name_t  *names;

    bad = 0;
    dup = 0;
    names = table->names;

    for (i = 0; i < table->nnames; i++) {

        if (argo_model_find(table, &names[i].name) != names[i].model) {
            printf("# %.*s\n", (int) names[i].name.len, names[i].name.data);
            bad++;
        }

        for (k = 0; k < i; k++) {
            if (names[i].name.len == names[k].name.len
                && memcmp(names[i].name.data, names[k].name.data,
                          names[i].name.len) == 0)
            {
                dup++;
            }
        }
    }

    is(bad, 0, "every listed name finds its model");
    is(dup, 0, "no name is listed twice");
    is(table->nmodels, 50, "every model is there");
    ok(table->nnames > table->nmodels, "Claude and the o series have two");

    for (i = 0; i < table->nmodels; i++) {
        if (argo_model_find(table, &table->models[i].id)
            != &table->models[i]
            || argo_model_find(table, &table->models[i].display)
               != &table->models[i])
        {
            bad++;
        }
    }

    is(bad, 0, "every id and display name finds its model");

    for (i = 1; i < table->nkeys; i++) {
        if (table->keys[i]->key.len == table->keys[i - 1]->key.len
            && memcmp(table->keys[i]->key.data, table->keys[i - 1]->key.data,
                      table->keys[i]->key.len) == 0)
        {
            bad++;
        }
    }

    is(bad, 0, "no two names have the same key");
}


static const argo_model_t *
find(const argo_model_table_t *table, const char *name)
{
    ngx_str_t  s;

    s.data = (u_char *) name;
    s.len = strlen(name);

    return argo_model_find(table, &s);
}


static void
test_rows(const argo_model_table_t *table)
{
    const argo_model_t  *model;

    model = find(table, "gpt-4o");
    is_str(&model->display, "GPT-4o", "display name");
    is_str(&model->owned_by, "openai", "owner");
    is(model->family, ARGO_FAMILY_OPENAI, "family");
    is(model->kind, ARGO_MODEL_CHAT, "kind");
    is(model->context, 128000, "context");
    is(model->max_output, 16384, "output limit");
    is(model->deprecated, 0, "not deprecated");

    model = find(table, "claude-sonnet-3.7");
    is(model->family, ARGO_FAMILY_ANTHROPIC, "family of a Claude");
    is_str(&model->owned_by, "anthropic", "owner of a Claude");
    is(model->deprecated, 1, "deprecated");

    model = find(table, "gemini-2.5-pro");
    is(model->family, ARGO_FAMILY_GOOGLE, "family of a Gemini");
    is_str(&model->owned_by, "google", "owner of a Gemini");

    model = find(table, "text-embedding-3-small");
    is(model->kind, ARGO_MODEL_EMBEDDING, "kind of an embedding model");
}


static void
test_aliases(void)
{
    ngx_pool_t            *pool;
    argo_model_table_t    *table;
    const argo_model_t    *model;

    argo_model_alias_t  aliases[] = {
        { STR("fast"), STR("gpt5nano") },
        { STR("gpt-4o-mini"), STR("gpt5mini") },
        { STR("gpt-4o"), STR("gpt5") },
        { STR("Team:Best/1"), STR("claudeopus5") },
        { STR("next"), STR("claudeopus6") },
        { STR("next-again"), STR("claudeopus6") },
        { STR("dashed"), STR("gpt-5.4-mini") },
        { STR("strange"), STR("llama4") },
        { STR("embed"), STR("V3-Small") },
    };

    pool = test_pool();

    table = argo_model_table_create(pool, aliases,
                                    sizeof(aliases) / sizeof(aliases[0]));

    if (!ok(table != NULL, "a table with aliases")) {
        return;
    }

    is_str(&find(table, "fast")->id, "gpt5nano", "an alias");
    is_str(&find(table, "argo:FAST")->id, "gpt5nano",
           "an alias in any case, with a prefix");
    is_str(&find(table, "gpt-4o-mini")->id, "gpt5mini",
           "an alias for another vendor's name");
    is_str(&find(table, "gpt-4o-mini-2024-07-18")->id, "gpt5mini",
           "an alias and a date");
    is_str(&find(table, "argo:gpt-4o")->id, "gpt5",
           "an alias wins over a built-in name");
    is_str(&find(table, "team:best/1")->id, "claudeopus5",
           "an alias with unusual letters");
    ok(find(table, "team:best1") == NULL, "which are not ignored");
    is_str(&find(table, "dashed")->id, "gpt54mini",
           "an alias that points at a listed name");

    is_str(&find(table, "embed")->id, "v3small",
           "an alias that points at an id in another form");

    model = find(table, "next");
    is_str(&model->id, "claudeopus6", "an id that is not built in");
    is(model->family, ARGO_FAMILY_ANTHROPIC, "its family");
    is_str(&model->owned_by, "anthropic", "its owner");
    is_str(&model->display, "claudeopus6", "its display name");
    ok(find(table, "claudeopus6") == model, "it is found by its id");
    ok(find(table, "next-again") == model, "and is there once");

    model = find(table, "strange");
    is(model->family, ARGO_FAMILY_OTHER, "an unknown family");
    is_str(&model->owned_by, "argo", "its owner");

    is_str(&table->names[0].name, "fast", "aliases are listed first");

    ngx_destroy_pool(pool);
}


static void
test_resolve(const argo_model_table_t *table)
{
    char                 said[256], expected[400];
    ngx_uint_t           i;
    ngx_pool_t          *pool;
    ngx_str_t            name;
    argo_error_t         err;
    const argo_model_t  *model;

    static const struct {
        const char  *name;
        const char  *message;
    } near[] = {
        { "gpt-5-minni", "argo:gpt-5-mini, argo:gpt-5.4-mini or" },
        { "claude-sonet-4.6", "argo:claude-sonnet-4.6" },
        { "argo:gtp-4o", "argo:gpt-4o" },
        { "gemini-2.5-prp", "did you mean argo:gemini-2.5-pro?" },
        { "o3-mini-high", "argo:o3-mini" },
        { "gemini-2.5", "mean argo:gemini-2.5-pro or argo:gemini-2.5-flash?" },
        { "claude-4.6-opu", "did you mean argo:claude-4.6-opus, " },
        { "sonnet", "argo:claude-sonnet-5, argo:claude-sonnet-4.6 or" },
        { "llama-3", "; GET /v1/models lists those that do" },
        { "x", "; GET /v1/models lists those that do" },
        { "", "; GET /v1/models lists those that do" },
        { "[", "; GET /v1/models lists those that do" },
        { "a-name-that-is-far-longer-than-that-of-any-model-in-the-world",
          "; GET /v1/models lists those that do" }
    };

    pool = test_pool();

    name = STR("argo:gpt-4o");
    is(argo_model_resolve(pool, table, &name, &model, &err), NGX_OK,
       "a known model");
    is_str(&model->id, "gpt4o", "is resolved");

    for (i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
        name.data = (u_char *) near[i].name;
        name.len = strlen(near[i].name);

        is(argo_model_resolve(pool, table, &name, &model, &err),
           NGX_DECLINED, "'%s' is declined", near[i].name);
        is(err.status, 404, "404");
        is(err.type, ARGO_ERROR_NOT_FOUND, "type");
        is_str(&err.code, "model_not_found", "code");
        is_str(&err.param, "model", "param");

        sprintf(said, "The model \"%s\" does not exist here; ", near[i].name);

        if (!ok(strstr((char *) err.message.data, near[i].message) != NULL
                && strstr((char *) err.message.data, said)
                   == (char *) err.message.data
                && strstr((char *) err.message.data, "GET /v1/models lists "),
                "message"))
        {
            printf("# %s\n", err.message.data);
        }
    }

    /* the beginning of a long one, without a part of a character */

    memset(said, 'x', 200);
    memcpy(said + 62, "\xe2\x82\xac", 3);
    name.data = (u_char *) said;
    name.len = 200;

    (void) argo_model_resolve(pool, table, &name, &model, &err);

    said[62] = '\0';
    sprintf(expected, "The model \"%s...\" does not exist here; "
            "GET /v1/models lists those that do", said);
    is_str(&err.message, expected, "the beginning of a long name is told");

    ngx_destroy_pool(pool);
}


static void
test_lists(const argo_model_table_t *table)
{
    ngx_uint_t     n, bad;
    ngx_pool_t    *pool;
    ngx_str_t      json, name;
    argo_out_t     out;
    argo_json_t   *root, *row;
    argo_error_t   err;

    pool = test_pool();

    argo_out_init(&out, pool, 4096, NULL, 0);
    argo_model_write_list(table, 951782399, &out);
    json = reply_flat(pool, &out);

    is(argo_json_parse(pool, &json, 8, &root, &err), NGX_OK,
       "the list is JSON");
    ok(argo_json_is(argo_json_get(root, "object"), "list"), "object list");
    is(argo_json_get(root, "has_more")->type, ARGO_JSON_FALSE, "has_more");
    is_str(&argo_json_get(root, "first_id")->raw, "\"argo:gpt-3.5-turbo\"",
           "first_id");
    is_str(&argo_json_get(root, "last_id")->raw,
           "\"argo:text-embedding-3-large\"", "last_id");

    n = 0;
    bad = 0;

    for (row = argo_json_get(root, "data")->child; row; row = row->next) {
        n++;

        if (!argo_json_is(argo_json_get(row, "object"), "model")
            || !argo_json_is(argo_json_get(row, "type"), "model")
            || !argo_json_is(argo_json_get(row, "created_at"),
                             "2000-02-28T23:59:59Z")
            || argo_json_get(row, "created")->raw.len != 9
            || argo_json_get(row, "id")->type != ARGO_JSON_STRING
            || argo_json_get(row, "owned_by")->type != ARGO_JSON_STRING
            || argo_json_get(row, "display_name")->type != ARGO_JSON_STRING
            || argo_json_get(row, "argo_internal_id")->type
               != ARGO_JSON_STRING)
        {
            bad++;
        }
    }

    is(n, table->nnames, "a row for each listed name");
    is(bad, 0, "every row has all that both SDKs want");

    argo_out_init(&out, pool, 4096, NULL, 0);
    name = STR("a \"quoted\" name");
    argo_model_write_one(find(table, "gpt-4o"), &name, 1776449057, &out);
    json = reply_flat(pool, &out);

    is_str(&json, "{\"id\":\"a \\\"quoted\\\" name\",\"object\":\"model\","
                  "\"created\":1776449057,\"owned_by\":\"openai\","
                  "\"type\":\"model\",\"display_name\":\"GPT-4o\","
                  "\"created_at\":\"2026-04-17T18:04:17Z\","
                  "\"argo_internal_id\":\"gpt4o\",\"context_window\":128000,"
                  "\"max_output_tokens\":16384}", "one model");

    argo_out_init(&out, pool, 4096, NULL, 0);
    name = STR("claudeopus48");
    argo_model_write_one(find(table, "claudeopus48"), &name, 951868800,
                         &out);
    json = reply_flat(pool, &out);

    is_str(&json, "{\"id\":\"claudeopus48\",\"object\":\"model\","
                  "\"created\":951868800,\"owned_by\":\"anthropic\","
                  "\"type\":\"model\",\"display_name\":\"Claude Opus 4.8\","
                  "\"created_at\":\"2000-03-01T00:00:00Z\","
                  "\"argo_internal_id\":\"claudeopus48\"}",
           "a model of unknown limits");

    ngx_destroy_pool(pool);
}


static void
test_memory(void)
{
    ngx_uint_t           n, bad, failed;
    ngx_pool_t          *pool;
    ngx_int_t            rc;
    ngx_str_t            name;
    argo_error_t         err;
    argo_model_table_t  *table;
    const argo_model_t  *model;

    argo_model_alias_t  alias = { STR("next"), STR("claudeopus6") };

    bad = 0;

    for (n = 1; /* void */ ; n++) {
        pool = test_pool();

        ngx_shim_fail(n);
        table = argo_model_table_create(pool, &alias, 1);

        failed = ngx_shim_failed();
        ngx_shim_fail(0);

        if (!failed) {
            break;
        }

        bad += (table != NULL);
        ngx_destroy_pool(pool);
    }

    is(bad, 0, "a table without memory: %d failures", (int) n - 1);
    ok(n > table->nnames, "each name was tried");

    name = STR("gpt-5-minni");
    ngx_shim_fail(1);
    rc = argo_model_resolve(pool, table, &name, &model, &err);
    ngx_shim_fail(0);

    is(rc, NGX_ERROR, "no memory for the message");

    ngx_destroy_pool(pool);
}


int
main(void)
{
    ngx_pool_t          *pool;
    argo_model_table_t  *table;

    pool = test_pool();

    table = argo_model_table_create(pool, NULL, 0);

    if (!ok(table != NULL, "the built-in table")) {
        return done();
    }

    test_names(table);
    test_long_names(table);
    test_listed(table);
    test_rows(table);
    test_aliases();
    test_resolve(table);
    test_lists(table);
    test_memory();

    ngx_destroy_pool(pool);

    return done();
}
