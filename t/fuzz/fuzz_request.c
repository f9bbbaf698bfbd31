
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as a client's request.  What must hold:
 *
 *     it is converted, or declined with an error that has all its parts
 *     what goes up is JSON, with one model, one user, ours, and messages
 *     what is not for upstream does not go up
 *     a conversation goes up whole: no message is lost, none is made but
 *         the one for a conversation without a user
 *     an error's body is JSON
 *     what goes up, sent by a client, goes up the same way again
 */


#include "ngx_shim.h"
#include "argo_reply.h"

#include "argo_dialect.h"
#include "argo_model.h"


#define FUZZ_CHECK(condition)                                                 \
    if (!(condition)) {                                                       \
        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);       \
        abort();                                                              \
    }


static const char  *fuzz_fallback[] = {
    "gpt-4o", "claude-opus-4-6", "gemini-2.5-pro"
};


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static argo_model_table_t  *fuzz_models;


static ngx_uint_t
fuzz_count(argo_json_t *obj, const char *name)
{
    ngx_uint_t    n;
    argo_json_t  *member;

    n = 0;

    for (member = obj->child; member; member = member->next) {
        n += (member->name.len == strlen(name)
              && memcmp(member->name.data, name, member->name.len) == 0);
    }

    return n;
}


static void
fuzz_error(ngx_pool_t *pool, const argo_error_t *err)
{
    ngx_str_t      s;
    argo_out_t     out;
    argo_json_t   *root;
    argo_error_t   parse;

    FUZZ_CHECK(err->status == 400 || err->status == 404);
    FUZZ_CHECK(err->message.len > 0 && err->code.len > 0);

    argo_out_init(&out, pool, 64, NULL, 0);
    argo_openai_chat_front.write_error(err, &out);
    s = reply_flat(pool, &out);

    FUZZ_CHECK(argo_json_parse(pool, &s, 3, &root, &parse) == NGX_OK);
    FUZZ_CHECK(argo_json_get(root, "error")->count == 4);
}


/* Converts a document; an empty body if it was declined. */

static ngx_str_t
fuzz_convert(ngx_pool_t *pool, ngx_str_t *document, const char *fallback,
    ngx_uint_t pseudo, argo_request_t *req, argo_call_t *call)
{
    ngx_int_t      rc;
    ngx_str_t      body;
    argo_out_t     out;
    argo_error_t   err;

    memset(req, 0, sizeof(argo_request_t));
    ngx_str_null(&body);

    rc = argo_json_parse(pool, document, argo_openai_chat_front.tree_depth,
                         &req->root, &err);

    if (rc == NGX_OK && req->root->type != ARGO_JSON_OBJECT) {
        return body;
    }

    if (rc == NGX_OK) {
        rc = argo_openai_chat_front.read_request(pool, req, &err);
    }

    if (rc == NGX_OK
        && argo_model_resolve(pool, fuzz_models, &req->model, &req->target,
                              &err) != NGX_OK)
    {
        fuzz_error(pool, &err);

        req->model.data = (u_char *) fallback;
        req->model.len = strlen(fallback);

        rc = argo_model_resolve(pool, fuzz_models, &req->model, &req->target,
                                &err);
    }

    req->user.data = (u_char *) "jdoe";
    req->user.len = 4;

    if (rc == NGX_OK) {
        rc = argo_legacy_back.plan_call(pool, req, pseudo, call, &err);
    }

    if (rc != NGX_OK) {
        FUZZ_CHECK(rc == NGX_DECLINED);
        fuzz_error(pool, &err);

        return body;
    }

    argo_out_init(&out, pool, 64, NULL, 0);
    argo_legacy_back.write_request(req, call, &out);

    body = reply_flat(pool, &out);
    FUZZ_CHECK(body.len > 0);

    return body;
}


static ngx_uint_t
fuzz_messages(argo_request_t *req)
{
    ngx_uint_t       n;
    argo_message_t  *message;

    n = 0;

    for (message = req->messages; message; message = message->next) {
        n++;
    }

    return n;
}


static void
fuzz_check(ngx_pool_t *pool, argo_request_t *req, argo_call_t *call,
    ngx_str_t *body)
{
    int64_t        limit;
    ngx_uint_t     n;
    argo_json_t   *root, *node;
    argo_error_t   err;

    FUZZ_CHECK(argo_json_parse(pool, body, 3, &root, &err) == NGX_OK);
    FUZZ_CHECK(root->type == ARGO_JSON_OBJECT);

    FUZZ_CHECK(fuzz_count(root, "model") == 1);
    FUZZ_CHECK(fuzz_count(root, "user") == 1);
    FUZZ_CHECK(fuzz_count(root, "messages") == 1);
    FUZZ_CHECK(fuzz_count(root, "stream") == 0);
    FUZZ_CHECK(fuzz_count(root, "stream_options") == 0);
    FUZZ_CHECK(fuzz_count(root, "n") == 0);
    FUZZ_CHECK(fuzz_count(root, "max_tokens") <= 1);
    FUZZ_CHECK(fuzz_count(root, "tools") == (req->tools != NULL));

    FUZZ_CHECK(argo_json_is(argo_json_get(root, "user"), "jdoe"));
    FUZZ_CHECK(argo_json_text_is(argo_json_get(root, "model"),
                                 (char *) req->target->id.data,
                                 req->target->id.len));

    n = argo_json_get(root, "messages")->count;
    FUZZ_CHECK(n == fuzz_messages(req) || n == fuzz_messages(req) + 1);

    if (req->target->family == ARGO_FAMILY_OPENAI) {
        FUZZ_CHECK(n == fuzz_messages(req));
    }

    for (node = argo_json_get(root, "messages")->child; node;
         node = node->next)
    {
        FUZZ_CHECK(fuzz_count(node, "role") == 1);
        FUZZ_CHECK(fuzz_count(node, "content") == 1);
        FUZZ_CHECK(!argo_json_is(argo_json_get(node, "role"), "developer"));
        FUZZ_CHECK(argo_json_get(node, "content")->type != ARGO_JSON_NULL);
    }

    node = argo_json_get(root, "max_tokens");

    if (req->target->family == ARGO_FAMILY_ANTHROPIC
        && call->frame == ARGO_FRAME_JSON
        && argo_json_int(node, &limit) == NGX_OK)
    {
        FUZZ_CHECK(limit <= 21000);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t         document, body, again;
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    argo_call_t       call;
    argo_request_t    req;

    /* referred to from here: it lives as long as the process */
    static ngx_pool_t  *models;

    if (fuzz_models == NULL) {
        models = ngx_create_pool(4096, NULL);
        FUZZ_CHECK(models != NULL);

        fuzz_models = argo_model_table_create(models, NULL, 0);
        FUZZ_CHECK(fuzz_models != NULL);
    }

    for (i = 0; i < 3; i++) {
        pool = ngx_create_pool(4096, NULL);
        FUZZ_CHECK(pool != NULL);

        document.data = (u_char *) data;
        document.len = size;

        body = fuzz_convert(pool, &document, fuzz_fallback[i], i, &req,
                            &call);

        if (body.len) {
            fuzz_check(pool, &req, &call, &body);

            again = fuzz_convert(pool, &body, fuzz_fallback[i], i, &req,
                                 &call);

            FUZZ_CHECK(again.len > 0);
            fuzz_check(pool, &req, &call, &again);

            body = fuzz_convert(pool, &again, fuzz_fallback[i], i, &req,
                                &call);

            FUZZ_CHECK(body.len == again.len
                       && memcmp(body.data, again.data, body.len) == 0);
        }

        ngx_destroy_pool(pool);
    }

    return 0;
}
