
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * A request of any client's on its way up, with what must hold of it.
 */


#ifndef _ARGO_FUZZ_REQUEST_H_INCLUDED_
#define _ARGO_FUZZ_REQUEST_H_INCLUDED_


#include "argo_fuzz.h"

#include "argo_anthropic_front.h"
#include "argo_count.h"


#define FUZZ_USER  "j\"d\\oe"


typedef struct {
    const argo_front_t   *front;
    const argo_back_t    *back;
} fuzz_pair_t;


static const fuzz_pair_t  fuzz_pairs[] = {
    { &argo_openai_chat_front, &argo_openai_chat_back },
    { &argo_openai_chat_front, &argo_anthropic_back },
    { &argo_openai_chat_front, &argo_legacy_back },
    { &argo_openai_completions_front, &argo_openai_chat_back },
    { &argo_openai_completions_front, &argo_anthropic_back },
    { &argo_openai_completions_front, &argo_legacy_back },
    { &argo_openai_responses_front, &argo_openai_responses_back },
    { &argo_openai_responses_front, &argo_openai_chat_back },
    { &argo_openai_responses_front, &argo_anthropic_back },
    { &argo_openai_responses_front, &argo_legacy_back },
    { &argo_anthropic_front, &argo_openai_chat_back },
    { &argo_anthropic_front, &argo_anthropic_back },
    { &argo_anthropic_front, &argo_legacy_back },
    { &argo_gemini_front, &argo_openai_chat_back },
    { &argo_gemini_front, &argo_anthropic_back },
    { &argo_gemini_front, &argo_legacy_back },
    { NULL, NULL }
};


static ngx_uint_t
fuzz_is_identity(const ngx_str_t *name)
{
    return argo_str_is(name, "model") || argo_str_is(name, "user")
           || argo_str_is(name, "stream")
           || argo_str_is(name, "stream_options")
           || argo_str_is(name, "metadata");
}


static const argo_json_t *
fuzz_next(const argo_json_t *node)
{
    while (node && fuzz_is_identity(&node->name)) {
        node = node->next;
    }

    return node;
}


/* Two documents whose members are the same but for those of our own. */

static void
fuzz_untouched(argo_request_t *req, const argo_json_t *ours)
{
    const argo_json_t    *a, *b, *list;
    const argo_change_t  *change;

    if (req->rewrite_messages || req->rewrite_tools) {
        return;
    }

    for (change = req->changes; change; change = change->next) {
        if (change->edit) {
            return;
        }
    }

    list = argo_json_get(req->root, "input");

    for (a = list ? list->child : NULL; a; a = a->next) {
        if (a->dropped) {
            /* what another model has thought */
            return;
        }
    }

    a = fuzz_next(req->root->child);
    b = fuzz_next(ours->child);

    while (a && b) {
        FUZZ_CHECK(fuzz_same(&a->name, &b->name));
        FUZZ_CHECK(fuzz_same(&a->raw, &b->raw));

        a = fuzz_next(a->next);
        b = fuzz_next(b->next);
    }

    FUZZ_CHECK(a == NULL && b == NULL);
}


/* Whoever the client says it is, it is this one. */

static void
fuzz_identity(const argo_back_t *back, const argo_request_t *req,
    const argo_json_t *root)
{
    const ngx_str_t    *id;
    const argo_json_t  *node, *member;

    id = &req->target->id;

    for (node = root->child; node; node = node->next) {

        if (argo_str_is(&node->name, "user")) {
            FUZZ_CHECK(argo_json_is(node, FUZZ_USER));
        }

        if (argo_str_is(&node->name, "model")) {
            FUZZ_CHECK(argo_json_text_is(node, (char *) id->data, id->len));
        }

        if (back != &argo_anthropic_back
            || !argo_str_is(&node->name, "metadata"))
        {
            continue;
        }

        for (member = node->child; member; member = member->next) {
            if (argo_str_is(&member->name, "user_id")) {
                FUZZ_CHECK(argo_json_is(member, FUZZ_USER));
            }
        }
    }

    FUZZ_CHECK(argo_json_get(root, "model"));

    /* where it is not in the body it is in a header */

    FUZZ_CHECK(argo_json_get(root, "user") || back == &argo_anthropic_back
               || back == &argo_openai_responses_back);
}


static void
fuzz_notes(const argo_request_t *req)
{
    size_t                i;
    const argo_change_t  *change;

    for (change = req->changes; change; change = change->next) {
        FUZZ_CHECK(change->note.len > 0);

        for (i = 0; i < change->note.len; i++) {
            FUZZ_CHECK(change->note.data[i] >= 0x20
                       && change->note.data[i] < 0x7f);
        }
    }
}


static void
fuzz_write(ngx_pool_t *pool, const fuzz_pair_t *pair, argo_request_t *req,
    const argo_call_t *call)
{
    ngx_str_t     body, again;
    argo_out_t    out;
    argo_json_t  *root;

    argo_out_init(&out, pool, 64, NULL, 0);
    pair->back->write_request(req, call, &out);
    body = fuzz_flat(pool, &out);

    root = fuzz_json(pool, &body, 2);

    if (root) {
        FUZZ_CHECK(root->type == ARGO_JSON_OBJECT);

        fuzz_identity(pair->back, req, root);

        if (pair->front->dialect == pair->back->dialect) {
            fuzz_untouched(req, root);
        }
    }

    argo_out_init(&out, pool, 64, NULL, 1);
    pair->back->write_request(req, call, &out);
    again = fuzz_flat(pool, &out);

    FUZZ_CHECK(fuzz_same(&body, &again));

    fuzz_notes(req);
}


static void
fuzz_count(ngx_pool_t *pool, const fuzz_pair_t *pair, argo_request_t *req)
{
    ngx_int_t      rc;
    argo_usage_t   usage;
    argo_stream_t  st;

    FUZZ_CHECK(argo_count_request(pool, req) > 0);

    FUZZ_CHECK(argo_stream_init(&st, pool, pair->front, pair->back, req,
                                &fuzz_env)
               == NGX_OK);

    do {
        rc = argo_stream_count_prompt(&st, 1 + fuzz_chance(64));
    } while (rc == NGX_AGAIN);

    FUZZ_CHECK(rc == NGX_OK);

    argo_stream_usage(&st, &usage);
}


/* From the client's document to a request that can be planned. */

static ngx_int_t
fuzz_read(ngx_pool_t *pool, const fuzz_pair_t *pair, const char *model,
    argo_request_t *req, argo_error_t *err)
{
    ngx_int_t  rc;

    req->dialect = pair->front->dialect;
    req->fetch_images = fuzz_chance(2);

    if (pair->front->dialect == ARGO_DIALECT_GEMINI) {
        req->model.data = (u_char *) model;
        req->model.len = strlen(model);
        req->stream = fuzz_chance(2);
    }

    rc = pair->front->read_request(pool, req, err);

    if (rc != NGX_OK) {
        return rc;
    }

    if (req->model.len
        && argo_model_resolve(pool, fuzz_table, &req->model, &req->target,
                              err) != NGX_OK)
    {
        fuzz_error(pool, pair->front, err);
        req->target = NULL;
    }

    if (req->target == NULL || req->target->kind != ARGO_MODEL_CHAT) {
        req->model.data = (u_char *) model;
        req->model.len = strlen(model);

        FUZZ_CHECK(argo_model_resolve(pool, fuzz_table, &req->model,
                                      &req->target, err) == NGX_OK);
    }

    return NGX_OK;
}


/* True if ARGO's API is one for the model. */

static ngx_uint_t
fuzz_serves(const fuzz_pair_t *pair, argo_family_e family)
{
    return pair->back == &argo_legacy_back
           || argo_back_route(pair->front->dialect, family, 0) == pair->back
           || argo_back_route(pair->front->dialect, family, 1) == pair->back;
}


static ngx_int_t
fuzz_adapt(ngx_pool_t *pool, const fuzz_pair_t *pair, argo_request_t *first,
    argo_error_t *err)
{
    ngx_int_t        rc;
    argo_request_t  *req;

    for (req = first; req; req = req->next) {
        req->model = first->model;
        req->target = first->target;
        req->user.data = (u_char *) FUZZ_USER;
        req->user.len = sizeof(FUZZ_USER) - 1;

        req->profile = argo_rules_profile(fuzz_rules, req->target);
        FUZZ_CHECK(req->profile != NULL);

        rc = NGX_OK;

        if (req->adapt && pair->front->dialect != pair->back->dialect) {
            rc = req->adapt(pool, req, pair->back->dialect, err);
        }

        if (rc == NGX_OK) {
            rc = argo_rules_apply(pool, req, pair->back->dialect, err);
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static void
fuzz_pair(ngx_pool_t *pool, const fuzz_pair_t *pair, const char *model,
    const ngx_str_t *document)
{
    ngx_int_t        rc;
    argo_call_t      call;
    argo_error_t     err;
    argo_request_t   req, *one;

    memset(&req, 0, sizeof(argo_request_t));
    req.document = *document;

    rc = argo_json_parse(pool, document, pair->front->tree_depth, &req.root,
                         &err);

    if (rc == NGX_OK && req.root->type != ARGO_JSON_OBJECT) {
        return;
    }

    if (rc == NGX_OK) {
        rc = fuzz_read(pool, pair, model, &req, &err);
    }

    if (rc == NGX_OK && !fuzz_serves(pair, req.target->family)) {
        return;
    }

    if (rc == NGX_OK) {
        rc = fuzz_adapt(pool, pair, &req, &err);
    }

    for (one = &req; rc == NGX_OK && one; one = one->next) {
        memset(&call, 0, sizeof(argo_call_t));

        rc = pair->back->plan_call(pool, one, fuzz_chance(4) == 0, &call,
                                   &err);

        if (rc == NGX_OK) {
            FUZZ_CHECK(call.tail.len && call.accept.len);
            fuzz_write(pool, pair, one, &call);
        }
    }

    if (rc != NGX_OK) {
        FUZZ_CHECK(rc == NGX_DECLINED);
        fuzz_error(pool, pair->front, &err);
        return;
    }

    fuzz_count(pool, pair, &req);
}


/* The same as a request for a count of tokens. */

static void
fuzz_count_body(ngx_pool_t *pool, const ngx_str_t *document)
{
    ngx_int_t        rc;
    ngx_str_t        text;
    argo_out_t       out;
    argo_error_t     err;
    argo_request_t   req;

    memset(&req, 0, sizeof(argo_request_t));

    req.document = *document;
    req.dialect = ARGO_DIALECT_MESSAGES;
    req.fetch_images = 1;

    rc = argo_json_parse(pool, document, argo_anthropic_front.tree_depth,
                         &req.root, &err);

    if (rc == NGX_OK && req.root->type != ARGO_JSON_OBJECT) {
        return;
    }

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_count_request(pool, &req, &err);
    }

    if (rc != NGX_OK) {
        FUZZ_CHECK(rc == NGX_DECLINED);
        fuzz_error(pool, &argo_anthropic_front, &err);
        return;
    }

    argo_out_init(&out, pool, 64, NULL, 0);
    argo_count_write_anthropic(argo_count_request(pool, &req), &out);
    text = fuzz_flat(pool, &out);

    FUZZ_CHECK(fuzz_json(pool, &text, 1) != NULL);
}


static inline void
fuzz_all_pairs(const char *const *models, ngx_uint_t n,
    const ngx_str_t *document)
{
    ngx_uint_t          i;
    ngx_pool_t         *pool;
    const fuzz_pair_t  *pair;

    pool = ngx_create_pool(4096, NULL);
    FUZZ_CHECK(pool != NULL);

    fuzz_count_body(pool, document);

    ngx_destroy_pool(pool);

    for (pair = fuzz_pairs; pair->front; pair++) {
        for (i = 0; i < n; i++) {
            pool = ngx_create_pool(4096, NULL);
            FUZZ_CHECK(pool != NULL);

            fuzz_pair(pool, pair, models[i], document);

            ngx_destroy_pool(pool);
        }
    }
}


#endif /* _ARGO_FUZZ_REQUEST_H_INCLUDED_ */
