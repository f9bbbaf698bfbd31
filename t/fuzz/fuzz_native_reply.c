
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as a reply of each of ARGO's native APIs, as events and as one
 * document, for each kind of client.  What must hold:
 *
 *     what the client gets is the same however the reply was cut
 *     a stream is events of JSON, a unary reply is JSON, also after an error
 *     a client is told of the end if and only if upstream has told of it
 *     a reply that has failed says so, once
 *     events of text take nothing from the request's memory, each by itself
 */


#define _GNU_SOURCE                     /* memmem() */

#include "argo_fuzz.h"


#define FUZZ_SMALL  2048

/* text that is collected takes blocks, each twice the one before */
#define FUZZ_BLOCKS  12


typedef enum {
    FUZZ_WHOLE = 0,
    FUZZ_BYTES,
    FUZZ_SHORT,
    FUZZ_LONG,
    FUZZ_CUTS
} fuzz_cut_e;


typedef struct {
    const argo_front_t   *front;
    const argo_back_t    *back;
    const char           *model;
} fuzz_pair_t;


/* what a client got of a reply */

typedef struct {
    ngx_int_t        rc;
    argo_stream_t   *st;
    argo_out_t       out;
    ngx_str_t        bytes;
    argo_usage_t     usage;
} fuzz_run_t;


static const fuzz_pair_t  fuzz_pairs[] = {
    { &argo_openai_chat_front, &argo_openai_chat_back, "gpt4o" },
    { &argo_openai_completions_front, &argo_openai_chat_back, "gpt4o" },
    { &argo_openai_responses_front, &argo_openai_chat_back, "gpt5" },
    { &argo_anthropic_front, &argo_openai_chat_back, "gemini25pro" },
    { &argo_gemini_front, &argo_openai_chat_back, "gemini25pro" },
    { &argo_gemini_array_front, &argo_openai_chat_back, "gpt4o" },
    { &argo_openai_chat_front, &argo_anthropic_back, "claudeopus46" },
    { &argo_openai_completions_front, &argo_anthropic_back, "claudeopus46" },
    { &argo_openai_responses_front, &argo_anthropic_back, "claudeopus46" },
    { &argo_anthropic_front, &argo_anthropic_back, "claudeopus46" },
    { &argo_gemini_front, &argo_anthropic_back, "claudeopus46" },
    { &argo_gemini_array_front, &argo_anthropic_back, "claudeopus46" },
    { &argo_openai_responses_front, &argo_openai_responses_back, "gpt5" },
    { NULL, NULL, NULL }
};


/* what each kind of client has asked */

static const struct {
    argo_dialect_e   dialect;
    const char      *document;

} fuzz_asked[] = {
    { ARGO_DIALECT_CHAT, "{\"model\":\"m\",\"n\":1,\"messages\":[{\"role\":"
      "\"user\",\"content\":\"Hi\"}],\"tools\":[{\"type\":\"custom\","
      "\"custom\":{\"name\":\"run\"}},{\"type\":\"function\",\"function\":"
      "{\"name\":\"get\"}}]}" },
    { ARGO_DIALECT_COMPLETIONS, "{\"model\":\"m\",\"prompt\":\"Hi\"}" },
    { ARGO_DIALECT_RESPONSES, "{\"model\":\"m\",\"input\":\"Hi\",\"tools\":"
      "[{\"type\":\"custom\",\"name\":\"run\"},{\"type\":\"function\","
      "\"name\":\"get\"},{\"type\":\"local_shell\"}]}" },
    { ARGO_DIALECT_MESSAGES, "{\"model\":\"m\",\"max_tokens\":9,\"messages\":"
      "[{\"role\":\"user\",\"content\":\"Hi\"}]}" },
    { ARGO_DIALECT_GEMINI, "{\"contents\":[{\"parts\":[{\"text\":\"Hi\"}]}],"
      "\"generationConfig\":{\"thinkingConfig\":{\"includeThoughts\":true}}}" }
};


#define FUZZ_NASKED  (sizeof(fuzz_asked) / sizeof(fuzz_asked[0]))


/* The end, as each client would read it. */

static const struct {
    const argo_front_t  *front;
    const char          *end;
    ngx_uint_t           last;          /* it is the very end */

} fuzz_ends[] = {
    { &argo_openai_chat_front, "data: [DONE]\n\n", 1 },
    { &argo_openai_completions_front, "data: [DONE]\n\n", 1 },
    { &argo_anthropic_front, "\"type\":\"message_stop\"", 0 }
};


#define FUZZ_NENDS  (sizeof(fuzz_ends) / sizeof(fuzz_ends[0]))


static void
fuzz_ask(ngx_pool_t *pool, const fuzz_pair_t *pair, argo_request_t *req,
    ngx_uint_t stream)
{
    size_t         i;
    argo_error_t   err;

    memset(req, 0, sizeof(argo_request_t));

    for (i = 0; fuzz_asked[i].dialect != pair->front->dialect; i++) {
        FUZZ_CHECK(i + 1 < FUZZ_NASKED);
    }

    req->dialect = pair->front->dialect;
    req->document.data = (u_char *) fuzz_asked[i].document;
    req->document.len = strlen(fuzz_asked[i].document);

    req->model.data = (u_char *) pair->model;
    req->model.len = strlen(pair->model);

    FUZZ_CHECK(argo_model_resolve(pool, fuzz_table, &req->model,
                                  &req->target, &err) == NGX_OK);

    FUZZ_CHECK(argo_json_parse(pool, &req->document,
                               pair->front->tree_depth, &req->root, &err)
               == NGX_OK);
    FUZZ_CHECK(pair->front->read_request(pool, req, &err) == NGX_OK);

    req->stream = stream;
    ngx_str_set(&req->user, "jdoe");
}


static void
fuzz_start(ngx_pool_t *pool, const fuzz_pair_t *pair, fuzz_run_t *run,
    argo_request_t *req)
{
    memset(run, 0, sizeof(fuzz_run_t));

    argo_out_init(&run->out, pool, 1024, NULL, req->stream);

    run->st = ngx_palloc(pool, sizeof(argo_stream_t));

    FUZZ_CHECK(run->st != NULL
               && argo_stream_init(run->st, pool, pair->front, pair->back,
                                   req, &fuzz_env) == NGX_OK);
}


/* Events; returns how many, and the last. */

static ngx_uint_t
fuzz_events(ngx_pool_t *pool, const ngx_str_t *bytes, ngx_uint_t *errors,
    ngx_str_t *last)
{
    u_char            *p, *end;
    ngx_uint_t         n;
    ngx_pool_t        *one;
    argo_sse_t         sse;
    argo_json_t       *root;
    argo_sse_event_t   ev;

    memset(&sse, 0, sizeof(argo_sse_t));
    sse.pool = pool;

    p = bytes->data;
    end = p + bytes->len;

    *errors = 0;
    n = 0;

    while (argo_sse_next(&sse, &p, end, &ev) == NGX_OK) {

        n++;
        *last = ev.raw;

        if (argo_str_is(&ev.data, "[DONE]")) {
            continue;
        }

        one = ngx_create_pool(4096, NULL);
        FUZZ_CHECK(one != NULL);

        root = fuzz_json(one, &ev.data, 2);

        if (root && argo_json_get(root, "error")
            && argo_json_get(root, "error")->type == ARGO_JSON_OBJECT
            && !argo_json_get(root, "id"))
        {
            (*errors)++;
        }

        ngx_destroy_pool(one);
    }

    FUZZ_CHECK(p == end && !argo_sse_unfinished(&sse));

    return n;
}


static ngx_uint_t
fuzz_has(const ngx_str_t *s, const char *text)
{
    return s->len && memmem(s->data, s->len, text, strlen(text)) != NULL;
}


/* A stream that was begun. */

static void
fuzz_stream(ngx_pool_t *pool, const fuzz_pair_t *pair, fuzz_run_t *run)
{
    size_t        i, n;
    ngx_str_t     last;
    ngx_uint_t    errors, told;

    if (pair->front == &argo_gemini_array_front) {
        /* behind the end there is nothing, so all of it is JSON */
        (void) fuzz_json(pool, &run->bytes, 1);
        return;
    }

    ngx_str_null(&last);
    (void) fuzz_events(pool, &run->bytes, &errors, &last);

    if (pair->front->dialect != pair->back->dialect) {
        FUZZ_CHECK(errors == (run->rc != NGX_OK)
                   || pair->front == &argo_openai_responses_front);
    }

    for (i = 0; i < FUZZ_NENDS; i++) {

        if (fuzz_ends[i].front != pair->front) {
            continue;
        }

        if (fuzz_ends[i].last) {
            n = strlen(fuzz_ends[i].end);
            told = run->bytes.len >= n
                   && memcmp(run->bytes.data + run->bytes.len - n,
                             fuzz_ends[i].end, n) == 0;

        } else {
            told = fuzz_has(&last, fuzz_ends[i].end);
        }

        FUZZ_CHECK(told == (run->rc == NGX_OK)
                   || (!told && pair->front->dialect == pair->back->dialect
                       && run->rc == NGX_OK));
    }
}


/* What holds for every reply. */

static void
fuzz_end(ngx_pool_t *pool, const fuzz_pair_t *pair, fuzz_run_t *run)
{
    argo_json_t  *root;

    FUZZ_CHECK(run->rc == NGX_OK || run->rc == NGX_DECLINED);
    FUZZ_CHECK((run->rc == NGX_OK) == (run->st->finished
                                       && !run->st->failed));

    run->bytes = fuzz_flat(pool, &run->out);
    argo_stream_usage(run->st, &run->usage);

    if (run->rc == NGX_DECLINED) {
        FUZZ_CHECK(run->st->failed);

        fuzz_error(pool, pair->front, &run->st->error);

        if (!run->st->started) {
            FUZZ_CHECK(run->bytes.len == 0);
            return;
        }
    }

    if (!run->st->collect) {
        fuzz_stream(pool, pair, run);
        return;
    }

    FUZZ_CHECK(run->rc == NGX_OK);

    root = fuzz_json(pool, &run->bytes, 4);

    FUZZ_CHECK(root == NULL || root->type == ARGO_JSON_OBJECT);
}


/* Upstream's own words for its end, which may be written in other letters. */

static void
fuzz_finished(const fuzz_pair_t *pair, const fuzz_run_t *run,
    const ngx_str_t *input)
{
    if (run->rc != NGX_OK || fuzz_has(input, "\\u")
        || fuzz_has(input, "\\/"))
    {
        return;
    }

    /* ARGO has answered calls of one API in the form of another */

    FUZZ_CHECK(fuzz_has(input, "finish_reason")
               || fuzz_has(input, "stop_reason")
               || fuzz_has(input, "message_stop")
               || fuzz_has(input, "[DONE]")
               || fuzz_has(input, "response.completed")
               || fuzz_has(input, "response.incomplete")
               || fuzz_has(input, "\"status\"")
               || fuzz_has(input, "\"response\""));

    (void) pair;
}


static void
fuzz_push(ngx_pool_t *pool, const fuzz_pair_t *pair, fuzz_run_t *run,
    argo_request_t *req, const ngx_str_t *input, ngx_uint_t cut,
    ngx_uint_t complete)
{
    size_t   n, left;
    u_char  *p, *piece;

    fuzz_start(pool, pair, run, req);

    p = input->data;

    for (left = input->len; left && !run->st->failed; left -= n) {

        n = (cut == FUZZ_WHOLE) ? left
            : (cut == FUZZ_BYTES) ? 1
            : 1 + fuzz_chance(cut == FUZZ_SHORT ? 8 : 200);
        n = ngx_min(n, left);

        piece = malloc(n);
        FUZZ_CHECK(piece != NULL);
        memcpy(piece, p, n);

        run->rc = argo_stream_push(run->st, piece, n, &run->out);

        memset(piece, 0xdb, n);
        free(piece);

        FUZZ_CHECK(run->rc == (run->st->failed ? NGX_DECLINED : NGX_OK));

        p += n;
    }

    run->rc = argo_stream_end(run->st, complete, &run->out);

    fuzz_end(pool, pair, run);
}


static void
fuzz_compare(const fuzz_run_t *a, const fuzz_run_t *b)
{
    FUZZ_CHECK(a->rc == b->rc);
    FUZZ_CHECK(a->st->started == b->st->started);
    FUZZ_CHECK(a->usage.prompt == b->usage.prompt);
    FUZZ_CHECK(a->usage.completion == b->usage.completion);
    FUZZ_CHECK(a->st->error.status == b->st->error.status);
    FUZZ_CHECK(fuzz_same(&a->bytes, &b->bytes));
}


static void
fuzz_pair(const fuzz_pair_t *pair, const ngx_str_t *input, ngx_uint_t stream)
{
    ngx_uint_t       cut, complete;
    ngx_pool_t      *pool;
    fuzz_run_t       whole, run;
    argo_request_t   req;

    pool = ngx_create_pool(4096, NULL);
    FUZZ_CHECK(pool != NULL);

    fuzz_ask(pool, pair, &req, stream);

    for (complete = 0; complete < 2; complete++) {

        fuzz_push(pool, pair, &whole, &req, input, FUZZ_WHOLE, complete);
        fuzz_finished(pair, &whole, input);

        for (cut = FUZZ_BYTES; cut < FUZZ_CUTS; cut++) {

            if (input->len > FUZZ_SMALL && cut != FUZZ_LONG) {
                continue;
            }

            fuzz_push(pool, pair, &run, &req, input, cut, complete);
            fuzz_compare(&whole, &run);
        }
    }

    /* the same bytes as a document */

    fuzz_start(pool, pair, &run, &req);
    run.rc = argo_stream_body(run.st, input, &run.out);
    fuzz_end(pool, pair, &run);
    fuzz_finished(pair, &run, input);

    ngx_destroy_pool(pool);
}


/* How many pieces of memory a pool has given. */

static ngx_uint_t
fuzz_pieces(const ngx_pool_t *pool)
{
    ngx_uint_t               n;
    const ngx_pool_large_t  *large;

    n = 0;

    for (large = pool->large; large; large = large->next) {
        n++;
    }

    return n;
}


/* A long stream of text, for which no memory may be taken as it goes on. */

static void
fuzz_memory(const fuzz_pair_t *pair)
{
    size_t           i;
    u_char           frame[512];
    ngx_str_t        s;
    ngx_uint_t       pieces;
    ngx_pool_t      *pool, *sent;
    fuzz_run_t       run;
    const char      *delta;
    argo_request_t   req;

    pool = ngx_create_pool(4096, NULL);
    FUZZ_CHECK(pool != NULL);

    fuzz_ask(pool, pair, &req, 1);
    fuzz_start(pool, pair, &run, &req);

    delta = (pair->back == &argo_openai_chat_back)
            ? "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":"
              "\"some text\"}}]}\n\n"
            : (pair->back == &argo_anthropic_back)
            ? "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
              "{\"type\":\"text_delta\",\"text\":\"some text\"}}\n\n"
            : "data: {\"type\":\"response.output_text.delta\",\"delta\":"
              "\"some text\"}\n\n";

    if (pair->back == &argo_anthropic_back) {
        ngx_str_set(&s, "data: {\"type\":\"message_start\",\"message\":{"
                    "\"usage\":{\"input_tokens\":1}}}\n\ndata: {\"type\":"
                    "\"content_block_start\",\"index\":0,\"content_block\":"
                    "{\"type\":\"text\",\"text\":\"\"}}\n\n");

        FUZZ_CHECK(argo_stream_push(run.st, s.data, s.len, &run.out)
                   == NGX_OK);
    }

    pieces = 0;

    for (i = 0; i < 200; i++) {
        sent = ngx_create_pool(4096, NULL);
        FUZZ_CHECK(sent != NULL);

        argo_out_init(&run.out, sent, 1024, NULL, 1);

        s.len = strlen(delta);
        memcpy(frame, delta, s.len);

        FUZZ_CHECK(argo_stream_push(run.st, frame, s.len, &run.out)
                   == NGX_OK);
        FUZZ_CHECK(run.out.size > 0);

        if (i == 10) {
            pieces = fuzz_pieces(pool);
        }

        ngx_destroy_pool(sent);
    }

    FUZZ_CHECK(fuzz_pieces(pool) <= pieces + FUZZ_BLOCKS);

    ngx_destroy_pool(pool);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t              only;
    ngx_str_t           input;
    const fuzz_pair_t  *pair;

    if (fuzz_table == NULL) {
        fuzz_open();

        for (pair = fuzz_pairs; pair->front; pair++) {
            fuzz_memory(pair);
        }
    }

    fuzz_begin(data, size);

    input.len = size;
    input.data = malloc(size ? size : 1);
    FUZZ_CHECK(input.data);

    if (size) {
        memcpy(input.data, data, size);
    }

    /* all of them are tried, though not by each input */

    only = fuzz_chance(3);

    for (pair = fuzz_pairs; pair->front; pair++) {

        if (fuzz_chance(3) == only) {
            fuzz_pair(pair, &input, 1);
        }

        if (fuzz_chance(3) == only) {
            fuzz_pair(pair, &input, 0);
        }
    }

    free(input.data);

    return 0;
}
