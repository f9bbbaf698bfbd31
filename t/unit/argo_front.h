
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What the tests of fronts share: a request read, resolved and written for
 * upstream; a reply fed in, whole or in pieces; an event stream taken apart.
 */


#ifndef _ARGO_FRONT_H_INCLUDED_
#define _ARGO_FRONT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "argo_test.h"

#include "argo_dialect.h"
#include "argo_json.h"
#include "argo_model.h"
#include "argo_stream.h"

#include <stdlib.h>
#include <string.h>


#define FRONT_NOW    1776449057
#define FRONT_ID     "0123456789ABCDEFGHIJKLMNOPQRS"

#define UNARY        0
#define STREAM       1

#define WHOLE        0                  /* a reply fed in one piece */
#define BYTES        (~(size_t) 0)      /* ... byte by byte */


typedef struct {
    ngx_int_t        rc;
    argo_request_t   req;
    argo_error_t     err;
    argo_call_t      call;
    ngx_str_t        body;              /* as it goes upstream */
} front_request_t;


typedef struct {
    ngx_int_t        rc;
    argo_stream_t    st;
    argo_out_t       out;
    ngx_str_t        bytes;             /* what the client gets */
} front_reply_t;


/* one event of a stream */

typedef struct {
    ngx_str_t        name;              /* len 0: no event line */
    ngx_str_t        data;
    argo_json_t     *root;              /* NULL: [DONE] */
} front_event_t;


static inline ngx_int_t
front_random(u_char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        p[i] = (u_char) i;
    }

    return NGX_OK;
}


static const argo_env_t  front_env = { FRONT_NOW, front_random };


static ngx_pool_t          *front_pool;
static argo_model_table_t  *front_table;


static inline argo_model_table_t *
front_models(void)
{
    if (front_table == NULL) {
        front_pool = test_pool();
        front_table = argo_model_table_create(front_pool, NULL, 0);

        if (front_table == NULL) {
            abort();
        }
    }

    return front_table;
}


/* In place of done(). */

static inline int
front_done(void)
{
    if (front_pool) {
        ngx_destroy_pool(front_pool);
    }

    return done();
}


static inline ngx_str_t
front_str(const char *s)
{
    ngx_str_t  str;

    str.data = (u_char *) s;
    str.len = strlen(s);

    return str;
}


static inline ngx_uint_t
front_is(const ngx_str_t *s, const char *text)
{
    return s->len == strlen(text)
           && (s->len == 0 || memcmp(s->data, text, s->len) == 0);
}


static inline ngx_uint_t
front_same(const ngx_str_t *a, const ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


/* The way of a request as far as it gets; all that it says is in r. */

static inline ngx_int_t
front_read(ngx_pool_t *pool, const argo_front_t *front,
    const argo_back_t *back, const ngx_str_t *json, front_request_t *r)
{
    argo_out_t       out;
    argo_request_t  *req;

    memset(r, 0, sizeof(front_request_t));

    r->req.document = *json;
    r->req.dialect = front->dialect;
    r->rc = argo_json_parse(pool, json, front->tree_depth, &r->req.root,
                            &r->err);

    if (r->rc == NGX_OK) {
        r->rc = front->read_request(pool, &r->req, &r->err);
    }

    if (r->rc == NGX_OK) {
        r->rc = argo_model_resolve(pool, front_models(), &r->req.model,
                                   &r->req.target, &r->err);
    }

    if (r->rc != NGX_OK) {
        return r->rc;
    }

    for (req = &r->req; req; req = req->next) {
        req->target = r->req.target;
        ngx_str_set(&req->user, "jdoe");
    }

    for (req = &r->req; req; req = req->next) {

        if (req->adapt == NULL || front->dialect == back->dialect) {
            continue;
        }

        r->rc = req->adapt(pool, req, back->dialect, &r->err);

        if (r->rc != NGX_OK) {
            return r->rc;
        }
    }

    r->rc = back->plan_call(pool, &r->req, 0, &r->call, &r->err);

    if (r->rc == NGX_OK) {
        argo_out_init(&out, pool, 512, NULL, 0);
        back->write_request(&r->req, &r->call, &out);
        r->rc = argo_out_flatten(&out, pool, &r->body);
    }

    return r->rc;
}


static inline ngx_int_t
front_begin(ngx_pool_t *pool, front_reply_t *reply,
    const argo_front_t *front, const argo_back_t *back, argo_request_t *req,
    ngx_uint_t stream)
{
    argo_request_t  *one;

    memset(reply, 0, sizeof(front_reply_t));

    for (one = req; one; one = one->next) {
        one->stream = stream;
    }

    /* as the glue has it: a stream's source is used again, a body stays */

    argo_out_init(&reply->out, pool, 512, NULL, stream);

    reply->rc = argo_stream_init(&reply->st, pool, front, back, req,
                                 &front_env);
    return reply->rc;
}


static inline ngx_int_t
front_end(ngx_pool_t *pool, front_reply_t *reply)
{
    if (argo_out_flatten(&reply->out, pool, &reply->bytes) != NGX_OK) {
        reply->rc = NGX_ERROR;
    }

    return reply->rc;
}


/* Each piece lies in memory of its own, which is gone after the call. */

static inline void
front_push(front_reply_t *reply, const u_char *p, size_t n)
{
    ngx_str_t  piece;

    if (n == 0 || reply->rc != NGX_OK) {
        return;
    }

    piece = test_copy(p, n);
    reply->rc = argo_stream_push(&reply->st, piece.data, piece.len,
                                 &reply->out);
    test_free(&piece);
}


/* Bare text, cut in two at "cut", or not, or everywhere. */

static inline ngx_int_t
front_feed(front_reply_t *reply, const ngx_str_t *text, size_t cut,
    ngx_uint_t complete)
{
    size_t  i;

    if (reply->rc != NGX_OK) {
        return reply->rc;
    }

    if (cut == BYTES) {
        for (i = 0; i < text->len; i++) {
            front_push(reply, text->data + i, 1);
        }

    } else {
        front_push(reply, text->data, cut);
        front_push(reply, text->data + cut, text->len - cut);
    }

    if (reply->rc != NGX_ERROR) {
        reply->rc = argo_stream_end(&reply->st, complete, &reply->out);
    }

    return reply->rc;
}


/* The next event at *p, which is moved behind it.  Returns what is wrong. */

static inline const char *
front_event(ngx_pool_t *pool, u_char **p, u_char *end, front_event_t *ev)
{
    u_char        *eol;
    argo_error_t   err;

    memset(ev, 0, sizeof(front_event_t));

    if (end - *p > 7 && memcmp(*p, "event: ", 7) == 0) {
        eol = memchr(*p, '\n', end - *p);

        if (eol == NULL) {
            return "an event line without its end";
        }

        ev->name.data = *p + 7;
        ev->name.len = eol - ev->name.data;
        *p = eol + 1;
    }

    if (end - *p < 6 || memcmp(*p, "data: ", 6) != 0) {
        return "an event without data";
    }

    eol = memchr(*p, '\n', end - *p);

    if (eol == NULL || eol + 1 == end || eol[1] != '\n') {
        return "an event that does not end with an empty line";
    }

    ev->data.data = *p + 6;
    ev->data.len = eol - ev->data.data;
    *p = eol + 2;

    if (front_is(&ev->data, "[DONE]")) {
        return NULL;
    }

    if (memchr(ev->data.data, '\r', ev->data.len)) {
        return "a carriage return in an event";
    }

    if (argo_json_parse(pool, &ev->data, 12, &ev->root, &err) != NGX_OK
        || ev->root->type != ARGO_JSON_OBJECT)
    {
        return "an event's data is not a JSON object";
    }

    return NULL;
}


/* A member by a path with dots and numbers: "choices.0.text". */

static inline argo_json_t *
front_at(argo_json_t *node, const char *path)
{
    size_t       n;
    ngx_uint_t   i;
    const char  *dot;

    while (node && *path) {

        dot = strchr(path, '.');
        n = dot ? (size_t) (dot - path) : strlen(path);

        if (node->type == ARGO_JSON_ARRAY) {
            i = strtoul(path, NULL, 10);
            node = node->child;

            while (node && i--) {
                node = node->next;
            }

        } else {
            node = argo_json_find(node, path, n);
        }

        path += dot ? n + 1 : n;
    }

    return node;
}


/* The raw slice at a path; len 0 if there is nothing. */

static inline ngx_str_t
front_raw(argo_json_t *node, const char *path)
{
    ngx_str_t  none;

    node = front_at(node, path);

    if (node == NULL) {
        ngx_str_null(&none);
        return none;
    }

    return node->raw;
}


static inline ngx_uint_t
front_raw_is(argo_json_t *node, const char *path, const char *expected)
{
    ngx_str_t  raw;

    raw = front_raw(node, path);

    return front_is(&raw, expected);
}


/*
 * A recorded answer, by its name.  The tests run in the root of the
 * repository.  A stream's last event may have lost its empty line.
 */

static inline ngx_str_t
front_file(ngx_pool_t *pool, const char *name)
{
    char        path[1024];
    long        size;
    FILE       *f;
    ngx_str_t   s;

    (void) snprintf(path, sizeof(path), "t/fixtures/recorded/%s", name);

    f = fopen(path, "rb");

    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0) {
        perror(path);
        exit(1);
    }

    rewind(f);

    s.len = size;
    s.data = ngx_palloc(pool, size + 2);

    if (s.data == NULL || fread(s.data, 1, s.len, f) != s.len) {
        perror(path);
        exit(1);
    }

    fclose(f);

    while (s.len > 1 && strstr(name, ".sse")
           && memcmp(s.data + s.len - 2, "\n\n", 2) != 0)
    {
        s.data[s.len++] = '\n';
    }

    return s;
}


#endif /* _ARGO_FRONT_H_INCLUDED_ */
