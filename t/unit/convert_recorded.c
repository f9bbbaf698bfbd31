
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Every recorded stream of ARGO and of the vendors, through every encoder of
 * clients, compared with what is checked in: t/fixtures/clients/CLIENT/NAME
 * has the stream, and NAME.json the body for a client that wants one.  Each
 * byte of it is once the first of a piece, and it comes byte by byte as well.
 * t/sdk/recorded.test.mjs gives what is checked in to the SDKs.
 *
 * With ARGO_UPDATE_GOLD set the files are written; read them before you
 * believe in them.
 */


#include "argo_front.h"

#include <sys/stat.h>


#define DIR        "t/fixtures/clients"

/* of a longer one only the sum is checked in */
#define LONG       (24 * 1024)

/* bytes to be fed for all the cuts of a pair, about */
#define WORK       (4 * 1024 * 1024)


typedef struct {
    const char          *name;
    const argo_front_t  *front;
    const char          *request;       /* "%s": the model */
} client_t;


typedef struct {
    const char          *name;
    const argo_back_t   *back;
    const char          *model;
    ngx_uint_t           status;        /* of the error that it is; 0: none */
} recording_t;


/* one of many streams */

typedef struct {
    const client_t      *client;
    const recording_t   *rec;
    ngx_str_t            text;
    size_t               sent;
    front_request_t      request;
    front_reply_t        got;
} live_t;


#define TOOL(before, after)                                                   \
    "{" before "\"name\":\"get_weather\"" after "}"


static const client_t  clients[] = {

    { "chat", &argo_openai_chat_front,
      "{\"model\":\"%s\",\"stream\":true,\"stream_options\":"
      "{\"include_usage\":true},\"messages\":[{\"role\":\"user\","
      "\"content\":\"Hi\"}],\"tools\":[{\"type\":\"function\","
      "\"function\":" TOOL("", "") "}]}" },

    { "completions", &argo_openai_completions_front,
      "{\"model\":\"%s\",\"stream\":true,\"stream_options\":"
      "{\"include_usage\":true},\"prompt\":\"Hi\"}" },

    { "responses", &argo_openai_responses_front,
      "{\"model\":\"%s\",\"stream\":true,\"input\":\"Hi\",\"tools\":["
      TOOL("\"type\":\"function\",", ",\"parameters\":{}") "]}" },

    { "messages", &argo_anthropic_front,
      "{\"model\":\"%s\",\"stream\":true,\"max_tokens\":1000,\"messages\":["
      "{\"role\":\"user\",\"content\":\"Hi\"}],\"thinking\":{\"type\":"
      "\"enabled\",\"budget_tokens\":1024},\"tools\":["
      TOOL("", ",\"input_schema\":{}") "]}" },

    { "gemini", &argo_gemini_front,
      "{\"contents\":[{\"parts\":[{\"text\":\"Hi\"}]}],\"generationConfig\":"
      "{\"thinkingConfig\":{\"includeThoughts\":true}},\"tools\":["
      "{\"functionDeclarations\":[" TOOL("", "") "]}]}" },

    { "gemini-array", &argo_gemini_array_front,
      "{\"contents\":[{\"parts\":[{\"text\":\"Hi\"}]}],\"generationConfig\":"
      "{\"thinkingConfig\":{\"includeThoughts\":true}},\"tools\":["
      "{\"functionDeclarations\":[" TOOL("", "") "]}]}" }
};


#define CHAT       &argo_openai_chat_back, "gpt-5-mini"
#define RESPONSES  &argo_openai_responses_back, "gpt-5-mini"
#define CLAUDE     &argo_anthropic_back, "claude-haiku-4.5"

static const recording_t  recordings[] = {
    { "argo-chat-stream-image", CHAT, 0 },
    { "argo-chat-stream-long-text", CHAT, 0 },
    { "argo-chat-stream-starved", CHAT, 0 },
    { "argo-chat-stream-system-text", CHAT, 0 },
    { "argo-chat-stream-text", CHAT, 0 },
    { "argo-chat-stream-tool-call", CHAT, 0 },
    { "openai-capture-chat-stream-text", CHAT, 0 },
    { "openai-chat-stream-text", CHAT, 0 },
    { "openai-chat-stream-tool-call", CHAT, 0 },
    { "openai-chat-stream-tool-followup", CHAT, 0 },
    { "openai-denied", CHAT, 403 },

    { "anthropic-argo-image", CLAUDE, 0 },
    { "anthropic-argo-long", CLAUDE, 0 },
    { "anthropic-argo-prefill", CLAUDE, 0 },
    { "anthropic-argo-system", CLAUDE, 0 },
    { "anthropic-text", CLAUDE, 0 },
    { "anthropic-thinking", CLAUDE, 0 },
    { "anthropic-tool", CLAUDE, 0 },
    { "argo-messages-stream-text", CLAUDE, 0 },
    { "argo-messages-stream-tool-call", CLAUDE, 0 },

    { "openai-responses-stream-incomplete", RESPONSES, 0 },
    { "openai-responses-stream-text", RESPONSES, 0 },
    { "openai-responses-stream-tool-call", RESPONSES, 0 },
    { "openai-responses-stream-tool-followup", RESPONSES, 0 }
};


#define count(array)  (sizeof(array) / sizeof(array[0]))


/* ARGO's Responses serve clients of the same API alone. */

static ngx_uint_t
serves(const client_t *client, const recording_t *rec)
{
    return rec->back != &argo_openai_responses_back
           || client->front == &argo_openai_responses_front;
}


static void
ask(ngx_pool_t *pool, const client_t *client, const recording_t *rec,
    front_request_t *r)
{
    char        text[1024];
    ngx_str_t   json;

    (void) snprintf(text, sizeof(text), client->request, rec->model);

    json.len = strlen(text);
    json.data = ngx_pnalloc(pool, json.len);
    memcpy(json.data, text, json.len);

    memset(r, 0, sizeof(front_request_t));

    r->req.document = json;
    r->req.dialect = client->front->dialect;
    r->req.model = front_str(rec->model);
    ngx_str_set(&r->req.user, "jdoe");

    if (argo_json_parse(pool, &json, client->front->tree_depth,
                        &r->req.root, &r->err)
        != NGX_OK
        || client->front->read_request(pool, &r->req, &r->err) != NGX_OK
        || argo_model_resolve(pool, front_models(), &r->req.model,
                              &r->req.target, &r->err)
           != NGX_OK
        || rec->back->plan_call(pool, &r->req, 0, &r->call, &r->err)
           != NGX_OK)
    {
        test_show("request", r->err.message.data, r->err.message.len);
        abort();
    }
}


/* In pieces of "size" bytes, of which the first has "first". */

static void
reply(ngx_pool_t *pool, const client_t *client, const recording_t *rec,
    argo_request_t *req, const ngx_str_t *text, size_t first, size_t size,
    ngx_uint_t stream, front_reply_t *got)
{
    size_t  from, to;

    (void) front_begin(pool, got, client->front, rec->back, req, stream);

    from = 0;
    to = first;

    while (from < text->len) {
        front_push(got, text->data + from, to - from);
        from = to;
        to = ngx_min(from + size, text->len);
    }

    if (got->rc == NGX_OK) {
        got->rc = argo_stream_end(&got->st, 1, &got->out);
    }

    (void) front_end(pool, got);
}


static void
write_file(const char *path, const ngx_str_t *text)
{
    FILE  *f;

    f = fopen(path, "wb");

    if (f == NULL || fwrite(text->data, 1, text->len, f) != text->len
        || fclose(f) != 0)
    {
        perror(path);
        exit(1);
    }
}


/* What is checked in for a long text: its length and a sum. */

static ngx_str_t
sum_of(ngx_pool_t *pool, const ngx_str_t *text)
{
    size_t      i;
    uint64_t    sum;
    ngx_str_t   s;

    sum = 0xcbf29ce484222325;

    for (i = 0; i < text->len; i++) {
        sum = (sum ^ text->data[i]) * 0x100000001b3;
    }

    s.data = ngx_pnalloc(pool, 64);
    s.len = sprintf((char *) s.data, "%lu bytes, %016llx\n",
                    (unsigned long) text->len, (unsigned long long) sum);
    return s;
}


static void
compare(ngx_pool_t *pool, const client_t *client, const recording_t *rec,
    const char *suffix, const ngx_str_t *got, ngx_uint_t is_long)
{
    char        name[128], path[256];
    ngx_str_t   text, expected;

    text = is_long ? sum_of(pool, got) : *got;

    (void) snprintf(name, sizeof(name), "%s/%s%s", client->name, rec->name,
                    suffix);

    if (is_long) {
        /* x.sse is x-sse.txt */
        (void) snprintf(name + strlen(name) - strlen(suffix), 16, "-%s.txt",
                        suffix + 1);
    }

    if (getenv("ARGO_UPDATE_GOLD")) {
        (void) snprintf(path, sizeof(path), DIR "/%s", client->name);
        (void) mkdir(DIR, 0755);
        (void) mkdir(path, 0755);

        (void) snprintf(path, sizeof(path), DIR "/%s", name);
        write_file(path, &text);
    }

    (void) snprintf(path, sizeof(path), "../clients/%s", name);
    expected = front_file(pool, path);

    is_mem(text.data, text.len, expected.data, expected.len, "%s: %s%s",
           rec->name, client->name, suffix);
}


static void
check_cuts(const client_t *client, const recording_t *rec,
    argo_request_t *req, const ngx_str_t *text, const front_reply_t *whole)
{
    size_t          first, size;
    ngx_uint_t      bad;
    ngx_pool_t     *pool;
    front_reply_t   got;

    size = WORK / text->len;
    size = ngx_max(size, 8);
    size = ngx_min(size, text->len);

    bad = 0;

    for (first = 0; first < size; first++) {
        pool = test_pool();

        reply(pool, client, rec, req, text, first ? first : 1,
              first ? size : 1, STREAM, &got);

        if (got.rc != whole->rc || !front_same(&got.bytes, &whole->bytes)) {

            if (bad++ == 0) {
                printf("# pieces of %lu behind %lu: %ld\n",
                       (unsigned long) size, (unsigned long) first,
                       (long) got.rc);
                test_show("got", got.bytes.data, got.bytes.len);
            }
        }

        ngx_destroy_pool(pool);
    }

    is(bad, 0, "%s: %s: the same, wherever it is cut", rec->name,
       client->name);
}


/* Nothing has been sent: the client gets the error as its status. */

static void
check_refused(const client_t *client, const recording_t *rec,
    const front_reply_t *got)
{
    ok(got->rc == NGX_DECLINED && got->bytes.len == 0
       && got->st.error.status == rec->status, "%s: %s: %lu", rec->name,
       client->name, (unsigned long) rec->status);
}


static void
check(const client_t *client, const recording_t *rec)
{
    char              name[128];
    ngx_str_t         text;
    ngx_uint_t        is_long, same;
    ngx_pool_t       *pool;
    front_reply_t     whole, unary;
    front_request_t   r;

    pool = test_pool();

    (void) snprintf(name, sizeof(name), "%s.sse", rec->name);
    text = front_file(pool, name);
    is_long = (text.len > LONG);

    ask(pool, client, rec, &r);
    reply(pool, client, rec, &r.req, &text, text.len, text.len, STREAM,
          &whole);

    if (rec->status) {
        check_refused(client, rec, &whole);

    } else if (is(whole.rc, NGX_OK, "%s: %s: a stream", rec->name,
                  client->name))
    {
        compare(pool, client, rec,
                (client->front == &argo_gemini_array_front) ? ".json"
                                                            : ".sse",
                &whole.bytes, is_long);
    }

    check_cuts(client, rec, &r.req, &text, &whole);

    same = (rec->back == &argo_openai_chat_back
            && client->front == &argo_openai_chat_front)
           || client->front == &argo_gemini_array_front;

    if (!same && rec->status == 0) {

        /* a body is not spliced of chunks: its call would be unary, too */

        reply(pool, client, rec, &r.req, &text, text.len, text.len, UNARY,
              &unary);

        if (is(unary.rc, NGX_OK, "%s: %s: a body", rec->name, client->name)) {
            compare(pool, client, rec, ".json", &unary.bytes, is_long);
        }
    }

    ngx_destroy_pool(pool);
}


/*
 * All of them at a time, a piece of each in turn, as a worker has them: what
 * serves one event serves that of another stream next.
 */

static ngx_uint_t
begin_all(ngx_pool_t *pool, argo_work_t *work, live_t *live)
{
    char        name[128];
    ngx_uint_t  i, n;
    live_t     *l;

    n = 0;

    for (i = 0; i < count(recordings) * count(clients); i++) {

        l = &live[n];
        l->rec = &recordings[i / count(clients)];
        l->client = &clients[i % count(clients)];

        if (!serves(l->client, l->rec) || l->rec->status) {
            continue;
        }

        (void) snprintf(name, sizeof(name), "%s.sse", l->rec->name);
        l->text = front_file(pool, name);
        l->sent = 0;

        ask(pool, l->client, l->rec, &l->request);

        (void) front_begin(pool, &l->got, l->client->front, l->rec->back,
                           &l->request.req, STREAM);
        l->got.st.work = work;

        n++;
    }

    return n;
}


static void
check_together(size_t size)
{
    size_t        part;
    live_t       *l;
    ngx_uint_t    i, n, left;
    ngx_pool_t   *pool;
    argo_work_t  *work;

    static live_t  live[count(recordings) * count(clients)];

    pool = test_pool();

    work = argo_work_create(pool);
    if (work == NULL) {
        abort();
    }

    n = begin_all(pool, work, live);

    do {
        left = 0;

        for (i = 0; i < n; i++) {
            l = &live[i];

            part = ngx_min(size, l->text.len - l->sent);
            front_push(&l->got, l->text.data + l->sent, part);

            l->sent += part;
            left += l->text.len - l->sent;
        }

    } while (left);

    for (i = 0; i < n; i++) {
        l = &live[i];

        if (l->got.rc == NGX_OK) {
            l->got.rc = argo_stream_end(&l->got.st, 1, &l->got.out);
        }

        (void) front_end(pool, &l->got);

        is(l->got.rc, NGX_OK, "%s: %s: among %lu", l->rec->name,
           l->client->name, (unsigned long) n);

        compare(pool, l->client, l->rec,
                (l->client->front == &argo_gemini_array_front) ? ".json"
                                                               : ".sse",
                &l->got.bytes, l->text.len > LONG);
    }

    ngx_destroy_pool(pool);
}


int
main(void)
{
    ngx_uint_t  i, j;

    for (i = 0; i < count(recordings); i++) {

        for (j = 0; j < count(clients); j++) {

            if (serves(&clients[j], &recordings[i])) {
                check(&clients[j], &recordings[i]);
            }
        }
    }

    check_together(1);
    check_together(100);
    check_together(1000);

    return front_done();
}
