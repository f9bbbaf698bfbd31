
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as a client's request for text completions, for a response, and
 * for ARGO's own API; and, where one was understood, what answers it.  What
 * must hold:
 *
 *     it is converted, or declined with an error that has all its parts
 *     what goes up is JSON, with our user everywhere, our model, and
 *         messages once
 *     what is passed on is the same but for the user and the model
 *     a reply to it is well formed, whatever the request repeats of itself
 */


#include "argo_fuzz.h"


typedef struct {
    const argo_front_t   *front;
    const argo_back_t    *back;
    const char           *model;        /* if the request names no other */
} fuzz_pair_t;


static const fuzz_pair_t  fuzz_pairs[] = {
    { &argo_openai_completions_front, &argo_legacy_back, "gpt-4o" },
    { &argo_openai_completions_front, &argo_legacy_back, "claude-opus-4.6" },
    { &argo_openai_responses_front, &argo_legacy_back, "gpt-5" },
    { &argo_openai_responses_front, &argo_legacy_back, "claude-opus-4.6" },
    { &argo_openai_responses_front, &argo_legacy_back, "gemini-2.5-pro" },
    { &argo_direct_front, &argo_direct_chat_back, "gpt-4o" },
    { NULL, NULL, NULL }
};


/* An error of what these read: theirs is the fault, and it has a code. */

static void
fuzz_refused(ngx_pool_t *pool, const argo_front_t *front,
    const argo_error_t *err)
{
    FUZZ_CHECK(err->status == 400 || err->status == 404);
    FUZZ_CHECK(err->code.len > 0);

    fuzz_error(pool, front, err);
}


/* A conversation as it goes up. */

static void
fuzz_messages(argo_json_t *root, const argo_front_t *front)
{
    ngx_uint_t    n;
    argo_json_t  *node;

    n = 0;

    for (node = root->child; node; node = node->next) {
        n += argo_str_is(&node->name, "messages");

        FUZZ_CHECK(!argo_str_is(&node->name, "stream"));

        if (front == &argo_openai_completions_front) {
            FUZZ_CHECK(!argo_str_is(&node->name, "prompt"));

        } else {
            FUZZ_CHECK(!argo_str_is(&node->name, "input"));
            FUZZ_CHECK(!argo_str_is(&node->name, "instructions"));
        }
    }

    FUZZ_CHECK(n == 1);

    node = argo_json_get(root, "messages");
    FUZZ_CHECK(node->type == ARGO_JSON_ARRAY && node->count > 0);
}


/* The two documents, member by member. */

static void
fuzz_passed(argo_json_t *theirs, argo_json_t *ours)
{
    argo_json_t  *a, *b;

    a = theirs->child;

    for (b = ours->child; b; b = b->next) {

        if (argo_str_is(&b->name, "user")
            || argo_str_is(&b->name, "model"))
        {
            if (a && a->name.len == b->name.len
                && memcmp(a->name.data, b->name.data, b->name.len) == 0)
            {
                a = a->next;
            }

            continue;
        }

        FUZZ_CHECK(a != NULL);
        FUZZ_CHECK(a->raw.len == b->raw.len
                   && memcmp(a->raw.data, b->raw.data, b->raw.len) == 0);

        a = a->next;
    }

    FUZZ_CHECK(a == NULL);
}


static void
fuzz_request(ngx_pool_t *pool, const fuzz_pair_t *pair, argo_request_t *req,
    const argo_call_t *call)
{
    ngx_str_t      body;
    argo_out_t     out;
    argo_json_t   *root, *node;
    argo_error_t   err;

    argo_out_init(&out, pool, 64, NULL, 0);
    pair->back->write_request(req, call, &out);
    body = fuzz_flat(pool, &out);

    FUZZ_CHECK(argo_json_parse(pool, &body, 3, &root, &err) == NGX_OK);
    FUZZ_CHECK(root->type == ARGO_JSON_OBJECT);

    for (node = root->child; node; node = node->next) {

        if (argo_str_is(&node->name, "user")) {
            FUZZ_CHECK(argo_json_is(node, "jdoe"));
        }

        if (argo_str_is(&node->name, "model")) {
            FUZZ_CHECK(argo_json_text_is(node,
                                         (char *) req->target->id.data,
                                         req->target->id.len));
        }
    }

    FUZZ_CHECK(argo_json_get(root, "user") && argo_json_get(root, "model"));

    if (pair->front == &argo_direct_front) {
        fuzz_passed(req->root, root);

    } else {
        fuzz_messages(root, pair->front);
    }
}


static void
fuzz_events(ngx_pool_t *pool, const ngx_str_t *bytes)
{
    u_char        *p, *end, *eol;
    ngx_str_t      data;
    argo_json_t   *root;
    argo_error_t   err;

    p = bytes->data;
    end = p + bytes->len;

    while (p < end) {

        if (end - p > 7 && memcmp(p, "event: ", 7) == 0) {
            p = memchr(p, '\n', end - p);
            FUZZ_CHECK(p != NULL);
            p++;
        }

        FUZZ_CHECK(end - p > 6 && memcmp(p, "data: ", 6) == 0);

        eol = memchr(p, '\n', end - p);
        FUZZ_CHECK(eol && eol + 1 < end && eol[1] == '\n');

        data.data = p + 6;
        data.len = eol - data.data;
        p = eol + 2;

        FUZZ_CHECK(memchr(data.data, '\r', data.len) == NULL);

        if (data.len == 6 && memcmp(data.data, "[DONE]", 6) == 0) {
            continue;
        }

        FUZZ_CHECK(argo_json_parse(pool, &data, 2, &root, &err) == NGX_OK);
    }
}


/* An answer to each of the requests. */

static void
fuzz_reply(ngx_pool_t *pool, const fuzz_pair_t *pair, argo_request_t *req,
    ngx_uint_t stream)
{
    ngx_str_t        body, bytes;
    argo_out_t       out;
    argo_json_t     *root;
    argo_error_t     err;
    argo_stream_t    st;
    argo_request_t  *one;

    for (one = req; one; one = one->next) {
        one->stream = stream;
    }

    argo_out_init(&out, pool, 64, NULL, stream);

    FUZZ_CHECK(argo_stream_init(&st, pool, pair->front, pair->back, req,
                                &fuzz_env)
               == NGX_OK);

    ngx_str_set(&body, "{\"response\":\"an \\\"answer\\\"\"}");

    for ( ;; ) {
        FUZZ_CHECK(argo_stream_body(&st, &body, &out) == NGX_OK);

        if (st.request->next == NULL) {
            break;
        }

        FUZZ_CHECK(argo_stream_next(&st, st.request->next) == NGX_OK);
    }

    bytes = fuzz_flat(pool, &out);

    if (pair->front == &argo_direct_front) {
        FUZZ_CHECK(bytes.len == body.len
                   && memcmp(bytes.data, body.data, body.len) == 0);
        return;
    }

    if (stream) {
        fuzz_events(pool, &bytes);

    } else {
        FUZZ_CHECK(argo_json_parse(pool, &bytes, 3, &root, &err) == NGX_OK);
    }
}


static void
fuzz_pair(ngx_pool_t *pool, const fuzz_pair_t *pair, ngx_str_t *document)
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
        rc = pair->front->read_request(pool, &req, &err);
    }

    if (rc == NGX_OK && req.model.len
        && argo_model_resolve(pool, fuzz_table, &req.model, &req.target,
                              &err) != NGX_OK)
    {
        fuzz_refused(pool, pair->front, &err);
    }

    if (rc == NGX_OK && req.target == NULL) {
        req.model.data = (u_char *) pair->model;
        req.model.len = strlen(pair->model);

        rc = argo_model_resolve(pool, fuzz_table, &req.model, &req.target,
                                &err);
    }

    for (one = &req; rc == NGX_OK && one; one = one->next) {
        one->model = req.model;
        one->target = req.target;
        ngx_str_set(&one->user, "jdoe");
    }

    for (one = &req; rc == NGX_OK && one && one->adapt; one = one->next) {
        rc = one->adapt(pool, one, pair->back->dialect, &err);
    }

    if (rc == NGX_OK) {
        rc = pair->back->plan_call(pool, &req, 0, &call, &err);
    }

    if (rc != NGX_OK) {
        FUZZ_CHECK(rc == NGX_DECLINED);
        fuzz_refused(pool, pair->front, &err);
        return;
    }

    for (one = &req; one; one = one->next) {
        fuzz_request(pool, pair, one, &call);
    }

    fuzz_reply(pool, pair, &req, 0);
    fuzz_reply(pool, pair, &req, 1);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t           document;
    ngx_pool_t         *pool;
    const fuzz_pair_t  *pair;

    fuzz_open();

    document.data = (u_char *) data;
    document.len = size;

    for (pair = fuzz_pairs; pair->front; pair++) {
        pool = ngx_create_pool(4096, NULL);
        FUZZ_CHECK(pool != NULL);

        fuzz_pair(pool, pair, &document);

        ngx_destroy_pool(pool);
    }

    return 0;
}
