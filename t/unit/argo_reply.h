
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What the tests of replies share: taking an event stream apart again, and
 * checking what holds for every one.  Written against the protocol, not
 * against what the module writes.
 */


#ifndef _ARGO_REPLY_H_INCLUDED_
#define _ARGO_REPLY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "argo_core.h"
#include "argo_error.h"
#include "argo_json.h"
#include "argo_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


typedef struct {
    const char   *wrong;            /* what is wrong with it, or NULL */
    ngx_str_t     text;             /* of all content deltas, escaped */
    ngx_str_t     rest;             /* the other frames, as they are */
    ngx_str_t     refusal;          /* of all refusal deltas, escaped */
    ngx_uint_t    frames;
    ngx_uint_t    texts;            /* content deltas, the first not counted */
    ngx_uint_t    starts;
    ngx_uint_t    finishes;
    ngx_uint_t    usages;
    ngx_uint_t    nulls;            /* frames with "usage":null */
    ngx_uint_t    errors;
    ngx_uint_t    done;
} reply_t;


static inline ngx_str_t
reply_flat(ngx_pool_t *pool, argo_out_t *out)
{
    ngx_str_t  s;

    if (argo_out_flatten(out, pool, &s) != NGX_OK) {
        ngx_str_null(&s);
    }

    return s;
}


static inline void
reply_append(ngx_str_t *to, const u_char *p, size_t n)
{
    memcpy(to->data + to->len, p, n);
    to->len += n;
}


/* Returns 1 if the frame was a content delta with text in it. */

static inline ngx_uint_t
reply_frame(reply_t *reply, argo_json_t *root)
{
    ngx_str_t     inner;
    argo_json_t  *choice, *delta, *content, *usage;

    if (argo_json_get(root, "error")) {
        reply->errors++;

        if (root->count != 1) {
            reply->wrong = "an error frame holds something else";
        }

        return 0;
    }

    if (!argo_json_is(argo_json_get(root, "object"),
                      "chat.completion.chunk"))
    {
        reply->wrong = "a frame's object is not chat.completion.chunk";
        return 0;
    }

    usage = argo_json_get(root, "usage");

    if (usage && usage->type == ARGO_JSON_NULL) {
        reply->nulls++;
    }

    if (usage && usage->type == ARGO_JSON_OBJECT) {
        reply->usages++;

        if (argo_json_get(root, "choices")->count != 0) {
            reply->wrong = "the usage frame has choices";
        }

        return 0;
    }

    choice = argo_json_get(root, "choices");

    if (choice == NULL || choice->count != 1) {
        reply->wrong = "a frame has not one choice";
        return 0;
    }

    choice = choice->child;
    delta = argo_json_get(choice, "delta");

    if (delta == NULL || argo_json_get(choice, "logprobs") == NULL
        || argo_json_get(choice, "finish_reason") == NULL)
    {
        reply->wrong = "a choice lacks a required member";
        return 0;
    }

    if (reply->finishes) {
        reply->wrong = "a delta after the finish";
    }

    if (argo_json_get(choice, "finish_reason")->type == ARGO_JSON_STRING) {
        reply->finishes++;

        if (delta->count != 0) {
            reply->wrong = "the finish frame's delta is not empty";
        }

        return 0;
    }

    if (argo_json_get(delta, "role")) {
        reply->starts++;

        if (reply->frames != 1) {
            reply->wrong = "the role is not in the first frame";
        }

        return 0;
    }

    if (reply->starts != 1) {
        reply->wrong = "a delta before the role";
    }

    content = argo_json_get(delta, "refusal");

    if (content) {
        inner = argo_json_inner(content);
        reply_append(&reply->refusal, inner.data, inner.len);
        return 0;
    }

    content = argo_json_get(delta, "content");

    if (content == NULL) {
        return 0;
    }

    inner = argo_json_inner(content);

    if (inner.len == 0) {
        reply->wrong = "an empty content delta";
    }

    reply->texts++;
    reply_append(&reply->text, inner.data, inner.len);

    return 1;
}


/*
 * Takes an event stream apart.  Whatever breaks a rule that holds for every
 * stream is named in reply->wrong.
 */

static inline void
reply_read(ngx_pool_t *pool, const ngx_str_t *sse, reply_t *reply)
{
    u_char        *p, *end, *last;
    ngx_str_t      data;
    argo_json_t   *root;
    argo_error_t   err;

    memset(reply, 0, sizeof(reply_t));

    reply->text.data = ngx_palloc(pool, sse->len + 1);
    reply->rest.data = ngx_palloc(pool, sse->len + 1);
    reply->refusal.data = ngx_palloc(pool, sse->len + 1);

    if (reply->text.data == NULL || reply->rest.data == NULL
        || reply->refusal.data == NULL)
    {
        abort();
    }

    p = sse->data;
    end = p + sse->len;

    while (p < end) {

        last = memchr(p, '\n', end - p);

        if (last == NULL || last + 1 == end || last[1] != '\n') {
            reply->wrong = "a frame does not end with an empty line";
            return;
        }

        if (last - p < 6 || memcmp(p, "data: ", 6) != 0) {
            reply->wrong = "a frame has no data";
            return;
        }

        data.data = p + 6;
        data.len = last - data.data;

        if (reply->done || reply->errors) {
            reply->wrong = "a frame after the last";
            return;
        }

        reply->frames++;

        if (data.len == 6 && memcmp(data.data, "[DONE]", 6) == 0) {
            reply->done++;
            reply_append(&reply->rest, p, last + 2 - p);
            p = last + 2;
            continue;
        }

        if (argo_json_parse(pool, &data, 8, &root, &err) != NGX_OK
            || root->type != ARGO_JSON_OBJECT)
        {
            reply->wrong = "a frame's data is not a JSON object";
            return;
        }

        if (!reply_frame(reply, root)) {
            reply_append(&reply->rest, p, last + 2 - p);
        }

        if (reply->wrong) {
            return;
        }

        p = last + 2;
    }

    if (reply->done && (reply->finishes != 1 || reply->errors)) {
        reply->wrong = "[DONE] without a finish";
    }

    if (reply->usages > 1) {
        reply->wrong = "usage more than once";
    }
}


#endif /* _ARGO_REPLY_H_INCLUDED_ */
