
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * ARGO's own API passed on, and the edits of a document that it is done
 * with: what is not replaced must come out as it went in, byte by byte.
 */


#include "argo_front.h"
#include "argo_patch.h"


typedef struct {
    const char      *name;
    const char      *in;
    const char      *out;
} request_t;


typedef struct {
    const char      *name;
    const char      *in;
    ngx_uint_t       status;            /* 200: passed on */
    const char      *code;
} reply_t;


static const char  chat[] = "{\"model\":\"gpt-4o\",\"prompt\":[\"Hi\"]}";


static const request_t  requests[] = {

    { "both are there",
      "{\"user\":\"eve\",\"model\":\"gpt-4o\",\"prompt\":[\"Hi\"]}",
      "{\"user\":\"jdoe\",\"model\":\"gpt4o\",\"prompt\":[\"Hi\"]}" },

    { "none is there", "{\"prompt\":[\"Hi\"],\"model\":\"argo:gpt-4o\"}",
      "{\"user\":\"jdoe\",\"prompt\":[\"Hi\"],\"model\":\"gpt4o\"}" },

    { "every occurrence, also under escaped names",
      "{\"model\":\"x\",\"\\u006dodel\":\"gpt-4o\",\"user\":1,\"us\\u0065r\":"
      "{\"a\":[]},\"user\":null}",
      "{\"model\":\"gpt4o\",\"\\u006dodel\":\"gpt4o\",\"user\":\"jdoe\","
      "\"us\\u0065r\":\"jdoe\",\"user\":\"jdoe\"}" },

    { "blanks and order",
      " \r\n{ \"stop\" : [ ] ,\n\t\"model\"\t: \"gpt-4o\" , \"user\" :\"x\"}"
      "\n\n",
      " \r\n{ \"stop\" : [ ] ,\n\t\"model\"\t: \"gpt4o\" , \"user\" :"
      "\"jdoe\"}\n\n" },

    { "values that must not be touched",
      "{\"model\":\"gpt-4o\",\"user\":\"\",\"a\":1e400,\"a\":1.0,\"b\":"
      "\"\\ud800\\u0000\",\"c\":123456789012345678901234567890,\"d\":{\"user\":"
      "\"eve\",\"model\":\"x\"}}",
      "{\"model\":\"gpt4o\",\"user\":\"jdoe\",\"a\":1e400,\"a\":1.0,\"b\":"
      "\"\\ud800\\u0000\",\"c\":123456789012345678901234567890,\"d\":{\"user\":"
      "\"eve\",\"model\":\"x\"}}" },

    { "names that are others",
      "{\"Model\":\"a\",\"model \":\"b\",\"users\":\"c\",\"model\":"
      "\"gpt-4o\",\"user\":\"\"}",
      "{\"Model\":\"a\",\"model \":\"b\",\"users\":\"c\",\"model\":\"gpt4o\","
      "\"user\":\"jdoe\"}" },

    { "a stream stays one",
      "{\"stream\":true,\"model\":\"gpt-4o\",\"user\":\"\"}",
      "{\"stream\":true,\"model\":\"gpt4o\",\"user\":\"jdoe\"}" },

    { NULL, NULL, NULL }
};


static void
test_requests(void)
{
    ngx_str_t         json;
    ngx_pool_t       *pool;
    front_request_t   r;
    const request_t  *t;

    for (t = requests; t->name; t++) {
        pool = test_pool();
        json = front_str(t->in);

        front_read(pool, &argo_direct_front, &argo_direct_chat_back, &json,
                   &r);

        is(r.rc, NGX_OK, "%s: accepted", t->name);
        is_str(&r.body, t->out, "%s: goes up", t->name);

        ngx_destroy_pool(pool);
    }
}


static void
test_calls(void)
{
    ngx_str_t         json;
    argo_out_t        out;
    ngx_pool_t       *pool;
    argo_call_t       call;
    argo_error_t      err;
    front_request_t   r;

    pool = test_pool();

    json = front_str(chat);
    front_read(pool, &argo_direct_front, &argo_direct_chat_back, &json, &r);

    is_str(&r.call.tail, "api/v1/resource/chat/", "chat");
    is_str(&r.call.accept, "application/json", "chat takes JSON");
    is(r.call.frame, ARGO_FRAME_JSON, "chat is a document");

    json = front_str("{\"model\":\"gpt-4o\",\"stream\":true}");
    front_read(pool, &argo_direct_front, &argo_direct_chat_back, &json, &r);

    is_str(&r.call.tail, "api/v1/resource/streamchat/", "streamchat");
    is_str(&r.call.accept, "text/plain", "streamchat takes text");
    is(r.call.frame, ARGO_FRAME_RAW, "streamchat is bare");

    argo_direct_chat_back.plan_call(pool, &r.req, 1, &call, &err);
    is(call.frame, ARGO_FRAME_RAW, "also where streams are made otherwise");

    json = front_str("{\"model\":\"v3small\",\"stream\":true,\"prompt\":[]}");
    front_read(pool, &argo_direct_embed_front, &argo_direct_embed_back,
               &json, &r);

    is_str(&r.call.tail, "api/v1/resource/embed/", "embed");
    is(r.call.frame, ARGO_FRAME_JSON, "embed is a document");
    is(r.req.stream, 0, "embed never streams");
    is_str(&r.body, "{\"user\":\"jdoe\",\"model\":\"v3small\",\"stream\":"
           "true,\"prompt\":[]}", "embed goes up");

    json = front_str("{\"model\":[],\"prompt\":[]}");
    front_read(pool, &argo_direct_front, &argo_direct_chat_back, &json, &r);

    ok(r.rc == NGX_DECLINED && r.err.status == 400
       && front_is(&r.err.param, "model"), "a model that is no string: 400");

    /* the caller may have a default */

    memset(&r, 0, sizeof(front_request_t));
    json = front_str("{ }");
    r.req.document = json;

    argo_json_parse(pool, &json, 1, &r.req.root, &err);

    is(argo_direct_front.read_request(pool, &r.req, &err), NGX_OK,
       "no model is no error of its own");
    is(r.req.model.len, 0, "and told by an empty name");

    json = front_str("gpt-4o");
    argo_model_resolve(pool, front_models(), &json, &r.req.target, &err);
    ngx_str_set(&r.req.user, "j\"doe");

    argo_out_init(&out, pool, 64, NULL, 0);
    argo_direct_chat_back.write_request(&r.req, &r.call, &out);
    argo_out_flatten(&out, pool, &r.body);

    is_str(&r.body, "{\"user\":\"j\\\"doe\",\"model\":\"gpt4o\" }",
           "both are put into an empty object");

    ngx_destroy_pool(pool);
}


static const reply_t  documents[] = {
    { "an answer", "{\"response\":\"Hello! \\u00e9 1.10\"}\n", 200, NULL },
    { "an answer in other words",
      " {\n \"x\" : 1e400, \"response\" : \"a\" }\r\n", 200, NULL },
    { "an empty answer", "{\"response\":\"\"}", 200, NULL },
    { "calls of tools",
      "{\"response\":{\"content\":null,\"tool_calls\":[{\"id\":\"c\"}]}}",
      200, NULL },
    { "blocks", "{\"response\":{\"content\":[{\"type\":\"text\"}]}}", 200,
      NULL },
    { "something else", "{\"response\":[1,2]}", 200, NULL },
    { "null", "{\"response\":null}", 200, NULL },
    { "an honest quote",
      "{\"response\":\"It says: IMPORTANT AUTHENTICATION NOTICE FROM "
      "ARGO\"}", 200, NULL },
    { "a denial",
      "{\"response\":\"\\n\\n\\u26a0 **IMPORTANT AUTHENTICATION NOTICE FROM "
      "ARGO** ...\"}", 403, "argo_access_denied" },
    { "a denial among tools",
      "{\"response\":{\"content\":\"**Important authentication notice from "
      "Argo**\",\"tool_calls\":[]}}", 403, "argo_access_denied" },
    { "misuse",
      "{\"response\":\"You passed a messages field along with a system and "
      "or prompt field. Please\"}", 400, "argo_rejected" },
    { "an error", "{\"error\":{\"message\":\"quota\"}}", 502,
      "upstream_invalid_reply" },
    { "another error", "{\"detail\":\"no\"}", 502,
      "upstream_invalid_reply" },
    { "no answer", "{}", 502, "upstream_invalid_reply" },
    { "a list", "[]", 502, "upstream_invalid_reply" },
    { "HTML", "<html>502</html>", 502, "upstream_invalid_reply" },
    { "half of it", "{\"response\":\"Hel", 502, "upstream_invalid_reply" },
    { "nothing", "", 502, "upstream_invalid_reply" },
    { NULL, NULL, 0, NULL }
};


static void
test_documents(void)
{
    ngx_str_t         json, body;
    ngx_uint_t        stream;
    ngx_pool_t       *pool;
    const reply_t    *t;
    front_reply_t     reply;
    front_request_t   r;

    for (t = documents; t->name; t++) {

        for (stream = 0; stream < 2; stream++) {
            pool = test_pool();
            json = front_str(chat);
            body = front_str(t->in);

            front_read(pool, &argo_direct_front, &argo_direct_chat_back,
                       &json, &r);
            front_begin(pool, &reply, &argo_direct_front,
                        &argo_direct_chat_back, &r.req, stream);

            reply.rc = argo_stream_body(&reply.st, &body, &reply.out);
            front_end(pool, &reply);

            if (t->status == 200) {
                ok(reply.rc == NGX_OK && front_same(&reply.bytes, &body),
                   "%s%s: as it came", t->name,
                   stream ? ", for a stream" : "");

            } else {
                ok(reply.rc == NGX_DECLINED && reply.bytes.len == 0
                   && !reply.st.started
                   && reply.st.error.status == t->status
                   && front_is(&reply.st.error.code, t->code),
                   "%s%s: %d", t->name, stream ? ", for a stream" : "",
                   (int) t->status);
            }

            ngx_destroy_pool(pool);
        }
    }
}


static void
test_embeddings(void)
{
    ngx_str_t         json, body;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    pool = test_pool();

    json = front_str("{\"model\":\"v3small\",\"prompt\":[\"a\"]}");
    front_read(pool, &argo_direct_embed_front, &argo_direct_embed_back,
               &json, &r);

    front_begin(pool, &reply, &argo_direct_embed_front,
                &argo_direct_embed_back, &r.req, UNARY);
    body = front_str("{ \"embedding\":[[0.10,-1E-7,12345678901234567890]]}");
    reply.rc = argo_stream_body(&reply.st, &body, &reply.out);
    front_end(pool, &reply);

    ok(reply.rc == NGX_OK && front_same(&reply.bytes, &body),
       "vectors as they came");

    front_begin(pool, &reply, &argo_direct_embed_front,
                &argo_direct_embed_back, &r.req, UNARY);
    body = front_str("{\"response\":\"a\"}");
    reply.rc = argo_stream_body(&reply.st, &body, &reply.out);

    ok(reply.rc == NGX_DECLINED && reply.st.error.status == 502,
       "no vectors: 502");

    front_begin(pool, &reply, &argo_direct_embed_front,
                &argo_direct_embed_back, &r.req, UNARY);
    body = front_str("{\"response\":\"**Important authentication notice "
                     "from Argo**\"}");
    reply.rc = argo_stream_body(&reply.st, &body, &reply.out);

    ok(reply.rc == NGX_DECLINED && reply.st.error.status == 403
       && reply.out.size == 0, "a denial in their place: 403");

    ngx_destroy_pool(pool);
}


typedef struct {
    const char      *name;
    ngx_str_t        in;
    ngx_uint_t       status;
} stream_t;


static const stream_t  streams[] = {
    { "nothing", ngx_string(""), 200 },
    { "text", ngx_string("Hello \"you\"\n\\ \x01"), 200 },
    { "bytes that are no text",
      ngx_string("a\x00\xff\xfe\xc3(\xe2\x82\xf0\x9f\x98"), 200 },
    { "characters", ngx_string("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
      200 },
    { "blanks", ngx_string("  \n ## **"), 200 },
    { "almost a denial",
      ngx_string("**IMPORTANT AUTHENTICATION NOTICE FROM ARG"), 200 },
    { "an honest quote", ngx_string("> IMPORTANT AUTHENTICATION NOTICE"),
      200 },
    { "a denial",
      ngx_string("\n\xe2\x9a\xa0\xef\xb8\x8f **IMPORTANT AUTHENTICATION "
                 "NOTICE FROM ARGO**"), 403 },
    { NULL, ngx_null_string, 0 }
};


static void
test_streams(void)
{
    size_t            cut, bad;
    ngx_str_t         json;
    ngx_uint_t        complete;
    ngx_pool_t       *pool;
    const stream_t   *t;
    front_reply_t     reply;
    front_request_t   r;

    for (t = streams; t->name; t++) {
        bad = 0;

        for (complete = 0; complete < 2; complete++) {

            for (cut = 0; cut <= t->in.len; cut++) {
                pool = test_pool();
                json = front_str(chat);

                front_read(pool, &argo_direct_front, &argo_direct_chat_back,
                           &json, &r);
                front_begin(pool, &reply, &argo_direct_front,
                            &argo_direct_chat_back, &r.req, STREAM);
                front_feed(&reply, &t->in, cut == t->in.len ? BYTES : cut,
                           complete);

                if (reply.rc != NGX_ERROR) {
                    front_end(pool, &reply);
                }

                if (t->status != 200) {
                    bad += (reply.rc != NGX_DECLINED || reply.bytes.len
                            || reply.st.started
                            || reply.st.error.status != t->status);

                } else if (complete) {
                    bad += (reply.rc != NGX_OK
                            || !front_same(&reply.bytes, &t->in));

                } else {
                    /* what had to go out is out, and no word of an error */
                    bad += (reply.rc != NGX_DECLINED
                            || reply.st.error.status != 502
                            || reply.bytes.len > t->in.len
                            || (reply.bytes.len
                                && memcmp(reply.bytes.data, t->in.data,
                                          reply.bytes.len)));
                }

                ngx_destroy_pool(pool);
            }
        }

        is(bad, 0, "%s: as it came, however cut", t->name);
    }
}


/* The beginning is held only until it is clear what it is. */

static void
test_hold(void)
{
    ngx_str_t         json;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    pool = test_pool();
    json = front_str(chat);

    front_read(pool, &argo_direct_front, &argo_direct_chat_back, &json, &r);
    front_begin(pool, &reply, &argo_direct_front, &argo_direct_chat_back,
                &r.req, STREAM);

    front_push(&reply, (u_char *) " *", 2);
    is(reply.out.size, 0, "decoration is held");

    front_push(&reply, (u_char *) "\xc3", 1);
    is(reply.out.size, 3, "half a character is enough to tell");

    front_push(&reply, (u_char *) "\xa9\xe2", 2);
    is(reply.out.size, 5, "and none is held after that");

    ngx_destroy_pool(pool);
}


static void
test_flags(void)
{
    ngx_str_t  name;

    ok(argo_direct_front.bare && argo_direct_front.verbatim
       && argo_direct_embed_front.bare && argo_direct_embed_front.verbatim,
       "no form for errors in a stream, errors of ARGO's as they come");

    ngx_str_set(&name, "direct");
    ok(argo_front_find(&name) == &argo_direct_front, "found by its name");

    ngx_str_set(&name, "direct_embed");
    ok(argo_front_find(&name) == &argo_direct_embed_front
       && argo_back_find(&name) == &argo_direct_embed_back, "and the others");

    ngx_str_set(&name, "direct_chat");
    ok(argo_back_find(&name) == &argo_direct_chat_back, "and the last");
}


static void
test_errors(void)
{
    ngx_str_t      body;
    ngx_pool_t    *pool;
    argo_error_t   err;

    pool = test_pool();

    body = front_str("{\"error\":{\"message\":\"no such model\"}}");

    is(argo_direct_chat_back.read_error(pool, 404, &body, &err), NGX_OK,
       "an error is understood, for the log");
    ok(err.status == 404 && err.message.len > 0, "with its status");

    ngx_destroy_pool(pool);
}


/* ---- edits */

static void
test_edits(void)
{
    u_char        *p;
    ngx_str_t      doc, a, b, none, s;
    argo_out_t     out;
    ngx_pool_t    *pool;
    argo_patch_t   patch;

    pool = test_pool();

    ngx_str_set(&doc, "0123456789");
    ngx_str_set(&a, "AAA");
    ngx_str_set(&b, "B");
    ngx_str_set(&none, "");
    p = doc.data;

    argo_patch_init(&patch, pool, &doc);
    argo_out_init(&out, pool, 4, NULL, 1);
    argo_patch_write(&patch, &out);
    argo_out_flatten(&out, pool, &s);
    is_str(&s, "0123456789", "no edits");

    is(argo_patch_edit(&patch, p, p, &a), NGX_OK, "one at the start");
    is(argo_patch_edit(&patch, p, p + 1, &b), NGX_OK, "one behind it");
    is(argo_patch_edit(&patch, p + 1, p + 3, &none), NGX_OK, "one that cuts");
    is(argo_patch_edit(&patch, p + 9, p + 10, &a), NGX_OK, "one at the end");
    is(argo_patch_edit(&patch, p + 10, p + 10, &b), NGX_OK, "one behind it");

    argo_out_init(&out, pool, 4, NULL, 1);
    argo_patch_write(&patch, &out);
    argo_out_flatten(&out, pool, &s);
    is_str(&s, "AAAB345678AAAB", "all of them");

    argo_patch_init(&patch, pool, &doc);
    is(argo_patch_edit(&patch, p + 4, p + 6, &a), NGX_OK, "an edit");
    is(argo_patch_edit(&patch, p + 5, p + 7, &b), NGX_ERROR,
       "none may lie across it");
    is(argo_patch_edit(&patch, p + 1, p + 2, &b), NGX_OK,
       "one may come before it");
    is(argo_patch_edit(&patch, p + 8, p + 7, &b), NGX_ERROR,
       "none may end before its start");
    is(argo_patch_edit(&patch, p + 8, p + 11, &b), NGX_ERROR,
       "none may leave the document");

    ngx_destroy_pool(pool);
}


static ngx_int_t
sweep_once(ngx_uint_t stream)
{
    ngx_int_t         rc;
    ngx_str_t         json, body;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    pool = ngx_create_pool(4096, NULL);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    json = front_str(chat);
    rc = front_read(pool, &argo_direct_front, &argo_direct_chat_back, &json,
                    &r);

    if (rc == NGX_OK) {
        front_begin(pool, &reply, &argo_direct_front, &argo_direct_chat_back,
                    &r.req, stream);

        if (stream) {
            body = front_str("some text");
            front_feed(&reply, &body, 4, 1);

        } else if (reply.rc == NGX_OK) {
            body = front_str("{\"response\":\"some text\"}");
            reply.rc = argo_stream_body(&reply.st, &body, &reply.out);
        }

        if (reply.rc != NGX_ERROR) {
            front_end(pool, &reply);
        }

        rc = reply.rc;
    }

    ngx_destroy_pool(pool);

    return rc;
}


static void
test_memory(void)
{
    size_t      bad;
    ngx_int_t   rc;
    ngx_uint_t  i, stream, n;

    bad = 0;
    n = 0;

    (void) front_models();

    for (stream = 0; stream < 2; stream++) {

        for (i = 1; i < 10000; i++) {
            ngx_shim_fail(i);
            rc = sweep_once(stream);

            if (!ngx_shim_failed()) {
                break;
            }

            n++;
            bad += (rc != NGX_ERROR);
        }

        bad += (rc != NGX_OK);
    }

    ngx_shim_fail(0);

    ok(bad == 0 && n > 20, "each of %d allocations may fail", (int) n);
}


int
main(void)
{
    test_requests();
    test_calls();
    test_documents();
    test_embeddings();
    test_streams();
    test_hold();
    test_flags();
    test_errors();
    test_edits();
    test_memory();

    return front_done();
}
