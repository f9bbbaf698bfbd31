
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as ARGO's reply: as bare text and as JSON, to a client that
 * wants a stream, one that wants its usage too, one that wants one piece;
 * complete and cut.  What must hold are the laws of argo_stream.h:
 *
 *     1. the output does not depend on how the input was cut
 *     2. every frame is valid alone, also after an error
 *     3. a reply that ends without FINISH is an error; none is invented
 *
 * and that a refusal comes before anything was written.
 */


#include "ngx_shim.h"
#include "argo_reply.h"

#include "argo_dialect.h"
#include "argo_stream.h"


#define FUZZ_CHECK(condition)                                                 \
    if (!(condition)) {                                                       \
        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);       \
        abort();                                                              \
    }

#define FUZZ_UNARY   0
#define FUZZ_STREAM  1
#define FUZZ_USAGE   2
#define FUZZ_MODES   3

#define FUZZ_WHOLE   0
#define FUZZ_BYTES   1
#define FUZZ_SHORT   2                  /* random pieces */
#define FUZZ_LONG    3
#define FUZZ_CUTS    4

/* longer input is not tried in every way: each frame is parsed again */
#define FUZZ_SMALL   48


typedef struct {
    ngx_int_t       rc;
    argo_stream_t  *st;
    argo_out_t      out;
    ngx_str_t       bytes;
    reply_t         reply;
    argo_usage_t    usage;
} fuzz_run_t;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static argo_request_t  fuzz_request;
static uint64_t        fuzz_seed;


static ngx_uint_t
fuzz_random(ngx_uint_t n)
{
    fuzz_seed ^= fuzz_seed << 13;
    fuzz_seed ^= fuzz_seed >> 7;
    fuzz_seed ^= fuzz_seed << 17;

    return fuzz_seed % n;
}


static ngx_int_t
fuzz_id(u_char *p, size_t n)
{
    memset(p, 7, n);
    return NGX_OK;
}


static void
fuzz_open(void)
{
    argo_error_t  err;

    /* referred to from here: it lives as long as the process */
    static ngx_pool_t  *pool;

    static ngx_str_t  document =
        ngx_string("{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\","
                   "\"content\":\"Hello\"}]}");

    pool = ngx_create_pool(4096, NULL);

    FUZZ_CHECK(pool != NULL
               && argo_json_parse(pool, &document, 6, &fuzz_request.root,
                                  &err) == NGX_OK
               && argo_openai_chat_front.read_request(pool, &fuzz_request,
                                                      &err) == NGX_OK);
}


static void
fuzz_start(ngx_pool_t *pool, fuzz_run_t *run, ngx_uint_t mode)
{
    static const argo_env_t  env = { 1776449057, fuzz_id };

    memset(run, 0, sizeof(fuzz_run_t));

    fuzz_request.stream = (mode != FUZZ_UNARY);
    fuzz_request.include_usage = (mode == FUZZ_USAGE);

    argo_out_init(&run->out, pool, 1024, NULL, mode != FUZZ_UNARY);

    run->st = ngx_palloc(pool, sizeof(argo_stream_t));

    FUZZ_CHECK(run->st != NULL
               && argo_stream_init(run->st, pool, &argo_openai_chat_front,
                                   &argo_legacy_back, &fuzz_request, &env)
                  == NGX_OK);
}


/* What holds for every reply. */

static void
fuzz_end(ngx_pool_t *pool, fuzz_run_t *run, ngx_uint_t mode)
{
    argo_out_t     out;
    argo_json_t   *root;
    argo_error_t   err;

    FUZZ_CHECK(run->rc == NGX_OK || run->rc == NGX_DECLINED);

    run->bytes = reply_flat(pool, &run->out);
    argo_stream_usage(run->st, &run->usage);

    if (run->rc == NGX_DECLINED) {
        FUZZ_CHECK(run->st->failed && !run->st->finished);
        FUZZ_CHECK(run->st->error.status >= 400
                   && run->st->error.message.len > 0);

        if (!run->st->started) {
            FUZZ_CHECK(run->bytes.len == 0);

            argo_out_init(&out, pool, 64, NULL, 0);
            argo_openai_chat_front.write_error(&run->st->error, &out);
            run->bytes = reply_flat(pool, &out);
            mode = FUZZ_UNARY;
        }
    }

    if (mode == FUZZ_UNARY) {
        FUZZ_CHECK(argo_json_parse(pool, &run->bytes, 8, &root, &err)
                   == NGX_OK);
        FUZZ_CHECK((argo_json_get(root, "error") == NULL)
                   == (run->rc == NGX_OK));
        return;
    }

    reply_read(pool, &run->bytes, &run->reply);

    if (run->reply.wrong) {
        fprintf(stderr, "%s\n", run->reply.wrong);
    }

    FUZZ_CHECK(run->reply.wrong == NULL);
    FUZZ_CHECK(run->reply.starts == 1);
    FUZZ_CHECK(run->reply.done == (run->rc == NGX_OK));
    FUZZ_CHECK(run->reply.errors == (run->rc == NGX_DECLINED));
    FUZZ_CHECK(run->reply.usages == (run->rc == NGX_OK
                                     && mode == FUZZ_USAGE));

    FUZZ_CHECK(run->reply.nulls
               == (mode == FUZZ_USAGE ? run->reply.frames
                                        - run->reply.usages
                                        - run->reply.errors
                                        - run->reply.done : 0));
}


static void
fuzz_same(fuzz_run_t *a, fuzz_run_t *b, ngx_uint_t mode)
{
    FUZZ_CHECK(a->rc == b->rc);
    FUZZ_CHECK(a->st->started == b->st->started);
    FUZZ_CHECK(a->usage.completion == b->usage.completion);

    if (mode == FUZZ_UNARY || !a->st->started) {
        FUZZ_CHECK(a->bytes.len == b->bytes.len
                   && memcmp(a->bytes.data, b->bytes.data, a->bytes.len)
                      == 0);
        return;
    }

    FUZZ_CHECK(a->reply.text.len == b->reply.text.len
               && memcmp(a->reply.text.data, b->reply.text.data,
                         a->reply.text.len) == 0);
    FUZZ_CHECK(a->reply.rest.len == b->reply.rest.len
               && memcmp(a->reply.rest.data, b->reply.rest.data,
                         a->reply.rest.len) == 0);
}


/* Feeds bare text in pieces that are gone after each call. */

static void
fuzz_text(ngx_pool_t *pool, fuzz_run_t *run, const uint8_t *data,
    size_t size, ngx_uint_t cut, ngx_uint_t complete, ngx_uint_t mode)
{
    size_t   n, most;
    u_char  *piece;

    fuzz_start(pool, run, mode);

    most = (cut == FUZZ_SHORT) ? 4 : 24;

    while (size && !run->st->failed) {

        n = (cut == FUZZ_WHOLE) ? size
            : (cut == FUZZ_BYTES) ? 1 : 1 + fuzz_random(most);
        n = ngx_min(n, size);

        piece = malloc(n);
        FUZZ_CHECK(piece != NULL);
        memcpy(piece, data, n);

        run->rc = argo_stream_push(run->st, piece, n, &run->out);

        memset(piece, 0xdb, n);
        free(piece);

        FUZZ_CHECK(run->rc == (run->st->failed ? NGX_DECLINED : NGX_OK));

        data += n;
        size -= n;
    }

    run->rc = argo_stream_end(run->st, complete, &run->out);

    FUZZ_CHECK(complete || run->rc == NGX_DECLINED);

    fuzz_end(pool, run, mode);
}


static void
fuzz_body(ngx_pool_t *pool, fuzz_run_t *run, const uint8_t *data,
    size_t size, ngx_uint_t mode)
{
    ngx_str_t  body;

    fuzz_start(pool, run, mode);

    body.data = (u_char *) data;
    body.len = size;

    run->rc = argo_stream_body(run->st, &body, &run->out);

    fuzz_end(pool, run, mode);
}


/* A unary reply and a stream of the same are the same. */

static void
fuzz_agree(ngx_pool_t *pool, fuzz_run_t *unary, fuzz_run_t *stream)
{
    ngx_str_t      text;
    argo_json_t   *root, *message, *content;
    argo_error_t   err;

    FUZZ_CHECK(unary->rc == stream->rc);

    if (unary->rc != NGX_OK) {
        FUZZ_CHECK(unary->st->error.status == stream->st->error.status);
        return;
    }

    FUZZ_CHECK(unary->usage.completion == stream->usage.completion);

    FUZZ_CHECK(argo_json_parse(pool, &unary->bytes, 8, &root, &err)
               == NGX_OK);

    message = argo_json_get(argo_json_get(root, "choices")->child,
                            "message");
    content = argo_json_get(message, "content");
    text = argo_json_inner(content);

    FUZZ_CHECK(content && text.len == stream->reply.text.len
               && memcmp(text.data, stream->reply.text.data, text.len) == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         i;
    ngx_uint_t     mode, only, cut, complete;
    ngx_pool_t    *pool;
    argo_error_t   err;
    fuzz_run_t     whole, run, bodies[FUZZ_MODES];

    if (fuzz_request.root == NULL) {
        fuzz_open();
    }

    fuzz_seed = 0x9e3779b97f4a7c15;

    for (i = 0; i < size; i++) {
        fuzz_seed = (fuzz_seed ^ data[i]) * 0x100000001b3;
    }

    fuzz_seed |= 1;

    only = (size > FUZZ_SMALL) ? fuzz_random(FUZZ_MODES) : FUZZ_MODES;

    for (mode = 0; mode < FUZZ_MODES; mode++) {

        if (only < FUZZ_MODES && mode != only) {
            continue;
        }

        for (complete = 0; complete < 2; complete++) {
            pool = ngx_create_pool(4096, NULL);
            FUZZ_CHECK(pool != NULL);

            fuzz_text(pool, &whole, data, size, FUZZ_WHOLE, complete, mode);

            for (cut = FUZZ_BYTES; cut < FUZZ_CUTS; cut++) {

                if (size > FUZZ_SMALL && cut != FUZZ_LONG) {
                    continue;
                }

                fuzz_text(pool, &run, data, size, cut, complete, mode);
                fuzz_same(&whole, &run, mode);
            }

            ngx_destroy_pool(pool);
        }
    }

    pool = ngx_create_pool(4096, NULL);
    FUZZ_CHECK(pool != NULL);

    for (mode = 0; mode < FUZZ_MODES; mode++) {
        fuzz_body(pool, &bodies[mode], data, size, mode);
    }

    fuzz_agree(pool, &bodies[FUZZ_UNARY], &bodies[FUZZ_STREAM]);
    fuzz_agree(pool, &bodies[FUZZ_UNARY], &bodies[FUZZ_USAGE]);

    /* the same bytes as the body of an error */

    whole.bytes.data = (u_char *) data;
    whole.bytes.len = size;

    FUZZ_CHECK(argo_legacy_back.read_error(pool, 500, &whole.bytes, &err)
               == NGX_OK);
    FUZZ_CHECK(err.status == 500 && err.message.len > 0);

    ngx_destroy_pool(pool);

    return 0;
}
