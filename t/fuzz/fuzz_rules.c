
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as lines of rules, as a tool's schema, and as a client's request
 * to which the built-in rules are applied.  What must hold:
 *
 *     a line is taken, or declined with a message
 *     a schema that is JSON is written as JSON, whoever it is for, and not
 *         larger than is allowed
 *     a request is declined with an error, or goes up as JSON
 *     what is told of it can be part of a header
 */


#include "ngx_shim.h"

#include "argo_dialect.h"
#include "argo_json.h"
#include "argo_model.h"
#include "argo_rules.h"
#include "argo_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define FUZZ_CHECK(condition)                                                 \
    if (!(condition)) {                                                       \
        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);       \
        abort();                                                              \
    }

#define FUZZ_WORDS  32


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const char  *fuzz_names[] = {
    "gpt-5", "gpt-4o", "gpt-5.6-sol", "gpt-5.2", "gemini-2.5-pro",
    "claude-opus-5", "claude-opus-4-6", "claude-haiku-4-5",
    "claude-3-5-haiku"
};


#define FUZZ_NNAMES  (sizeof(fuzz_names) / sizeof(fuzz_names[0]))


static const argo_front_t  *fuzz_fronts[] = {
    &argo_openai_chat_front, &argo_openai_completions_front,
    &argo_openai_responses_front, &argo_anthropic_front, &argo_gemini_front
};


#define FUZZ_NFRONTS  (sizeof(fuzz_fronts) / sizeof(fuzz_fronts[0]))


static ngx_pool_t          *fuzz_pool;
static argo_rules_t        *fuzz_builtin;
static argo_model_table_t  *fuzz_models;


static void
fuzz_init(void)
{
    if (fuzz_models) {
        return;
    }

    fuzz_pool = ngx_create_pool(4096, NULL);
    FUZZ_CHECK(fuzz_pool != NULL);

    fuzz_builtin = argo_rules_create(fuzz_pool);
    FUZZ_CHECK(fuzz_builtin != NULL);
    FUZZ_CHECK(argo_rules_add_builtin(fuzz_builtin) == NGX_OK);

    fuzz_models = argo_model_table_create(fuzz_pool, NULL, 0);
    FUZZ_CHECK(fuzz_models != NULL);
}


static const argo_model_t *
fuzz_model(ngx_uint_t which)
{
    ngx_str_t            name;
    const argo_model_t  *model;

    name.data = (u_char *) fuzz_names[which % FUZZ_NNAMES];
    name.len = strlen(fuzz_names[which % FUZZ_NNAMES]);

    model = argo_model_find(fuzz_models, &name);
    FUZZ_CHECK(model != NULL);

    return model;
}


/* ---- lines, of words between blanks */

static void
fuzz_lines(ngx_pool_t *pool, u_char *p, u_char *end)
{
    ngx_int_t      rc;
    ngx_str_t      words[FUZZ_WORDS];
    ngx_uint_t     n;
    argo_error_t   err;
    argo_rules_t  *rules;

    rules = argo_rules_create(pool);
    FUZZ_CHECK(rules != NULL);

    while (p < end) {

        for (n = 0; p < end && *p != '\n' && n < FUZZ_WORDS; n++) {
            words[n].data = p;

            while (p < end && *p != ' ' && *p != '\n') {
                p++;
            }

            words[n].len = p - words[n].data;

            if (p < end && *p == ' ') {
                p++;
            }
        }

        while (p < end && *p++ != '\n') {
            /* void */
        }

        memset(&err, 0, sizeof(argo_error_t));

        rc = argo_rules_add(rules, words, n, &err);

        FUZZ_CHECK(rc == NGX_OK || rc == NGX_DECLINED);
        FUZZ_CHECK(rc == NGX_OK || err.message.len);
    }

    for (n = 0; n < FUZZ_NNAMES; n++) {
        FUZZ_CHECK(argo_rules_profile(rules, fuzz_model(n)) != NULL);
    }
}


/* ---- a schema */

static void
fuzz_schema(ngx_pool_t *pool, ngx_str_t *text, ngx_uint_t which)
{
    ngx_str_t              made;
    argo_out_t             out;
    argo_json_t           *root;
    argo_error_t           err;
    const argo_profile_t  *profile;

    if (argo_json_parse(pool, text, which % 5, &root, &err) != NGX_OK) {
        return;
    }

    profile = argo_rules_profile(fuzz_builtin, fuzz_model(which));
    FUZZ_CHECK(profile != NULL);

    argo_out_init(&out, pool, 512, NULL, 0);
    argo_schema_write(profile, root, which & 1, &out);
    FUZZ_CHECK(argo_out_flatten(&out, pool, &made) == NGX_OK);

    if (root->type == ARGO_JSON_OBJECT
        && !argo_schema_refused(profile, root, which & 1))
    {
        FUZZ_CHECK(made.len == root->raw.len
                   && memcmp(made.data, root->raw.data, made.len) == 0);
    }

    FUZZ_CHECK(made.len <= 3 * text->len + 2 * ARGO_SCHEMA_MAX_SIZE);

    FUZZ_CHECK(argo_json_parse(pool, &made, 0, &root, &err) == NGX_OK
               || argo_str_is(&err.code, "json_too_deep"));
}


/* ---- a request */

static void
fuzz_told(const argo_request_t *req)
{
    size_t          i;
    argo_change_t  *change;

    for (change = req->changes; change; change = change->next) {
        FUZZ_CHECK(change->note.len > 0);

        for (i = 0; i < change->note.len; i++) {
            FUZZ_CHECK(change->note.data[i] >= ' '
                       && change->note.data[i] <= '~');
        }
    }
}


static void
fuzz_request(ngx_pool_t *pool, ngx_str_t *text, ngx_uint_t which)
{
    ngx_int_t            rc;
    ngx_str_t            made;
    argo_out_t           out;
    argo_call_t          call;
    argo_json_t         *root;
    argo_error_t         err;
    argo_request_t       req;
    const argo_back_t   *back;
    const argo_front_t  *front;

    front = fuzz_fronts[which % FUZZ_NFRONTS];

    memset(&req, 0, sizeof(argo_request_t));
    memset(&err, 0, sizeof(argo_error_t));
    memset(&call, 0, sizeof(argo_call_t));

    req.document = *text;
    req.dialect = front->dialect;

    rc = argo_json_parse(pool, text, front->tree_depth, &req.root, &err);

    if (rc == NGX_OK && req.root->type != ARGO_JSON_OBJECT) {
        return;
    }

    if (rc == NGX_OK) {
        rc = front->read_request(pool, &req, &err);
    }

    if (rc != NGX_OK) {
        return;
    }

    req.target = fuzz_model(which / FUZZ_NFRONTS);
    req.profile = argo_rules_profile(fuzz_builtin, req.target);
    req.next = NULL;
    ngx_str_set(&req.user, "jdoe");

    back = argo_back_route(front->dialect, req.target->family, 1);

    if (req.adapt && front->dialect != back->dialect) {
        rc = req.adapt(pool, &req, back->dialect, &err);
    }

    if (rc == NGX_OK) {
        rc = argo_rules_apply(pool, &req, back->dialect, &err);
    }

    if (rc == NGX_OK) {
        rc = back->plan_call(pool, &req, 0, &call, &err);
    }

    FUZZ_CHECK(rc == NGX_OK || rc == NGX_DECLINED);
    FUZZ_CHECK(rc == NGX_OK || (err.status && err.message.len));

    fuzz_told(&req);

    if (rc != NGX_OK) {
        return;
    }

    argo_out_init(&out, pool, 512, NULL, 0);
    back->write_request(&req, &call, &out);

    FUZZ_CHECK(argo_out_flatten(&out, pool, &made) == NGX_OK);
    FUZZ_CHECK(argo_json_parse(pool, &made, 0, &root, &err) == NGX_OK
               || argo_str_is(&err.code, "json_too_deep"));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t       i;
    u_char      *copy;
    ngx_str_t    text;
    ngx_uint_t   which;
    ngx_pool_t  *pool;

    fuzz_init();

    /* chance that is the same each time for the same input */

    which = 0;

    for (i = 0; i < size; i++) {
        which = which * 31 + data[i];
    }

    which %= FUZZ_NNAMES * FUZZ_NFRONTS;

    pool = ngx_create_pool(4096, NULL);
    FUZZ_CHECK(pool != NULL);

    /* of its own size, so that reading behind it is seen */

    copy = malloc(size ? size : 1);
    FUZZ_CHECK(copy != NULL);

    if (size) {
        memcpy(copy, data, size);
    }

    text.data = copy;
    text.len = size;

    fuzz_lines(pool, text.data, text.data + text.len);
    fuzz_schema(pool, &text, which);
    fuzz_request(pool, &text, which);

    ngx_destroy_pool(pool);
    free(copy);

    return 0;
}
