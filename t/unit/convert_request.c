
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Requests: OpenAI chat completions read, ARGO's legacy API written.
 */


#include "argo_test.h"
#include "argo_reply.h"

#include "argo_dialect.h"
#include "argo_model.h"


#define USER  "{\"role\":\"user\",\"content\":\"hi\"}"
#define UP    "{\"model\":\"gpt4o\",\"user\":\"jdoe\",\"messages\":["
#define REQ   "{\"model\":\"gpt-4o\",\"messages\":["
#define MSG   "{\"model\":\"gpt-4o\",\"messages\":[" USER "]"
#define OUT   UP USER "]"


typedef struct {
    argo_request_t       req;
    argo_call_t          call;
    argo_error_t         err;
    ngx_str_t            body;
} request_t;


typedef struct {
    const char  *name;
    const char  *in;
    const char  *out;
} good_t;


typedef struct {
    const char  *name;
    const char  *in;
    const char  *code;
    const char  *param;                 /* NULL: none */
    const char  *message;               /* a part of it */
} bad_t;


static argo_model_table_t  *models;


static ngx_int_t
convert(ngx_pool_t *pool, request_t *rq, const char *in, size_t len,
    ngx_uint_t pseudo)
{
    ngx_int_t   rc;
    ngx_str_t   document;
    argo_out_t  out;

    memset(rq, 0, sizeof(request_t));

    document.data = (u_char *) in;
    document.len = len;

    rc = argo_json_parse(pool, &document, argo_openai_chat_front.tree_depth,
                         &rq->req.root, &rq->err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_openai_chat_front.read_request(pool, &rq->req, &rq->err);
    if (rc != NGX_OK) {
        return rc;
    }

    if (rq->req.model.len == 0) {
        rq->req.model = STR("argo:gpt-4o");
    }

    rc = argo_model_resolve(pool, models, &rq->req.model, &rq->req.target,
                            &rq->err);
    if (rc != NGX_OK) {
        return rc;
    }

    rq->req.user = STR("jdoe");

    rc = argo_legacy_back.plan_call(pool, &rq->req, pseudo, &rq->call,
                                    &rq->err);
    if (rc != NGX_OK) {
        return rc;
    }

    argo_out_init(&out, pool, 4096, NULL, 0);
    argo_legacy_back.write_request(&rq->req, &rq->call, &out);

    return argo_out_flatten(&out, pool, &rq->body);
}


static const good_t  good[] = {

    { "the least", MSG "}", OUT "}" },

    { "no model: the caller's default",
      "{\"messages\":[" USER "]}", OUT "}" },

    { "an empty model name is none",
      "{\"model\":\"\",\"messages\":[" USER "]}", OUT "}" },

    { "a model name with escapes",
      "{\"model\":\"argo:gpt\\u002d4o\",\"messages\":[" USER "]}", OUT "}" },

    /* user */

    { "the client's user is not sent", MSG ",\"user\":\"root\"}", OUT "}" },
    { "nor two of them", "{\"user\":\"a\",\"model\":\"gpt-4o\","
      "\"user\":\"b\",\"messages\":[" USER "],\"user\":\"c\"}", OUT "}" },
    { "nor one in escapes", MSG ",\"us\\u0065r\":\"root\"}", OUT "}" },
    { "nor one of another type", MSG ",\"user\":{\"a\":[1]}}", OUT "}" },

    /* members that are not ours */

    { "unknown members, as they came",
      MSG ",\"temperature\": 0.10,\"x\":{\"y\" : [ 1e400 , null ]},"
      "\"seed\":12345678901234567890,\"na\\u006de\":\"\\ud800\\u0000\"}",
      OUT ",\"temperature\": 0.10,\"x\":{\"y\" : [ 1e400 , null ]},"
      "\"seed\":12345678901234567890,\"na\\u006de\":\"\\ud800\\u0000\"}" },

    { "their order and duplicates",
      "{\"z\":1,\"a\":2,\"model\":\"gpt-4o\",\"z\":3,\"messages\":[" USER
      "],\"m\" : \"n\"}", OUT ",\"z\":1,\"a\":2,\"z\":3,\"m\" : \"n\"}" },

    { "stream and its options are not sent",
      MSG ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
      OUT "}" },

    { "null is as good as nothing",
      MSG ",\"stream\":null,\"stream_options\":null,\"n\":null,"
      "\"logprobs\":null,\"tools\":null,\"tool_choice\":null,"
      "\"max_tokens\":null,\"parallel_tool_calls\":null}", OUT "}" },

    { "n of 1 and logprobs false are what they would be anyway",
      MSG ",\"n\":1,\"logprobs\":false}", OUT "}" },

    { "the last of several counts",
      "{\"model\":7,\"messages\":3,\"stream\":\"x\",\"n\":5,"
      "\"model\":\"gpt-4o\",\"messages\":[" USER "],\"stream\":false,"
      "\"n\":1}", OUT "}" },

    { "blanks everywhere",
      " \n{ \"model\" : \"gpt-4o\" ,\r\n\t\"messages\" : [ { \"role\" : "
      "\"user\" , \"content\" : \"hi\" } ] } \n", OUT "}" },

    /* limits */

    { "limits for OpenAI's models",
      MSG ",\"max_tokens\":50000,\"max_completion_tokens\":60000}",
      OUT ",\"max_tokens\":50000,\"max_completion_tokens\":60000}" },

    { "a limit that is no integer",
      MSG ",\"max_tokens\":1e3}", OUT ",\"max_tokens\":1e3}" },

    { "Claude: max_tokens",
      "{\"model\":\"claude-opus-4.6\",\"messages\":[" USER
      "],\"max_tokens\":21000}",
      "{\"model\":\"claudeopus46\",\"user\":\"jdoe\",\"messages\":[" USER
      "],\"max_tokens\":21000}" },

    { "Claude: max_tokens has a cap",
      "{\"model\":\"claude-opus-4.6\",\"messages\":[" USER
      "],\"max_tokens\":21001}",
      "{\"model\":\"claudeopus46\",\"user\":\"jdoe\",\"messages\":[" USER
      "],\"max_tokens\":21000}" },

    { "Claude: a number beyond all integers has it too",
      "{\"model\":\"claude-opus-4.6\",\"messages\":[" USER
      "],\"max_tokens\":99999999999999999999999}",
      "{\"model\":\"claudeopus46\",\"user\":\"jdoe\",\"messages\":[" USER
      "],\"max_tokens\":21000}" },

    { "Claude: what is no integer is for ARGO to judge",
      "{\"model\":\"claude-opus-4.6\",\"messages\":[" USER
      "],\"max_tokens\":1e9}",
      "{\"model\":\"claudeopus46\",\"user\":\"jdoe\",\"messages\":[" USER
      "],\"max_tokens\":1e9}" },

    { "Claude: max_completion_tokens under the name that is read",
      "{\"model\":\"claude-opus-4.6\",\"messages\":[" USER
      "],\"max_completion_tokens\":100}",
      "{\"model\":\"claudeopus46\",\"user\":\"jdoe\",\"messages\":[" USER
      "],\"max_tokens\":100}" },

    { "Claude: both",
      "{\"model\":\"claude-opus-4.6\",\"messages\":[" USER
      "],\"max_completion_tokens\":100,\"max_tokens\":200}",
      "{\"model\":\"claudeopus46\",\"user\":\"jdoe\",\"messages\":[" USER
      "],\"max_tokens\":200}" },

    { "Claude, streamed: no cap",
      "{\"model\":\"claude-opus-4.6\",\"stream\":true,\"messages\":[" USER
      "],\"max_tokens\":32000}",
      "{\"model\":\"claudeopus46\",\"user\":\"jdoe\",\"messages\":[" USER
      "],\"max_tokens\":32000}" },

    /* roles and content */

    { "developer is system, in any spelling",
      REQ "{\"role\":\"developer\",\"content\":\"a\"},"
      "{\"role\":\"d\\u0065veloper\",\"content\":\"b\"}," USER "]}",
      UP "{\"role\":\"system\",\"content\":\"a\"},"
      "{\"role\":\"system\",\"content\":\"b\"}," USER "]}" },

    { "members of a message",
      REQ "{\"name\":\"n\\u00e9\",\"role\":\"user\",\"content\":\"hi\","
      "\"x\" : 1}]}",
      UP "{\"role\":\"user\",\"content\":\"hi\",\"name\":\"n\\u00e9\","
      "\"x\" : 1}]}" },

    { "the last role and content count, once",
      REQ "{\"role\":1,\"content\":2,\"role\":\"user\",\"content\":\"hi\"}"
      "]}", OUT "}" },

    { "null becomes an empty text",
      REQ USER ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
      "{\"id\":\"c\"}]},{\"role\":\"user\",\"content\":null}]}",
      UP USER ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
      "{\"id\":\"c\"}]},{\"role\":\"user\",\"content\":\"\"}]}" },

    { "no content beside tool_calls, function_call, refusal",
      REQ USER ",{\"role\":\"assistant\",\"tool_calls\":[1]},"
      "{\"role\":\"assistant\",\"function_call\":{}},"
      "{\"role\":\"assistant\",\"refusal\":\"no\"}]}",
      UP USER ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[1]},"
      "{\"role\":\"assistant\",\"content\":\"\",\"function_call\":{}},"
      "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":\"no\"}]}" },

    { "tool and function",
      REQ USER ",{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"r\"}"
      ",{\"role\":\"function\",\"name\":\"f\",\"content\":\"r\"}]}",
      UP USER ",{\"role\":\"tool\",\"content\":\"r\",\"tool_call_id\":\"c\"}"
      ",{\"role\":\"function\",\"content\":\"r\",\"name\":\"f\"}]}" },

    { "escapes in content stay",
      REQ "{\"role\":\"user\",\"content\":\"\\u00e9\\\\\\/\\ud83d\\ude00\"}]}",
      UP "{\"role\":\"user\",\"content\":\"\\u00e9\\\\\\/\\ud83d\\ude00\"}"
      "]}" },

    { "parts",
      REQ "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}"
      " , { \"type\" : \"image_url\", \"image_url\" : { \"url\":"
      "\"data:image/png;base64,AA==\", \"detail\":\"low\" } },"
      "{\"type\":\"image_url\",\"image_url\":\"DATA:,\"},"
      "{\"type\":\"image_url\",\"image_url\":{\"url\":\"d\\u0061ta:\\/\"}},"
      "{\"type\":\"input_audio\",\"input_audio\":{\"x\":[[[[1]]]]}}]}]}",
      UP "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
      "{ \"type\" : \"image_url\", \"image_url\" : { \"url\":"
      "\"data:image/png;base64,AA==\", \"detail\":\"low\" } },"
      "{\"type\":\"image_url\",\"image_url\":\"DATA:,\"},"
      "{\"type\":\"image_url\",\"image_url\":{\"url\":\"d\\u0061ta:\\/\"}},"
      "{\"type\":\"input_audio\",\"input_audio\":{\"x\":[[[[1]]]]}}]}]}" },

    /* a conversation without a user */

    { "OpenAI: no user message is added",
      REQ "{\"role\":\"system\",\"content\":\"s\"}]}",
      UP "{\"role\":\"system\",\"content\":\"s\"}]}" },

    { "Claude: one is added",
      "{\"model\":\"claude-opus-4.6\",\"messages\":["
      "{\"role\":\"system\",\"content\":\"s\"}]}",
      "{\"model\":\"claudeopus46\",\"user\":\"jdoe\",\"messages\":["
      "{\"role\":\"system\",\"content\":\"s\"},"
      "{\"role\":\"user\",\"content\":\"[continue]\"}]}" },

    { "Gemini: one is added",
      "{\"model\":\"gemini-2.5-pro\",\"messages\":["
      "{\"role\":\"assistant\",\"content\":\"s\"}]}",
      "{\"model\":\"gemini25pro\",\"user\":\"jdoe\",\"messages\":["
      "{\"role\":\"assistant\",\"content\":\"s\"},"
      "{\"role\":\"user\",\"content\":\"[continue]\"}]}" },

    { "Gemini: not if there is one",
      "{\"model\":\"gemini-2.5-pro\",\"messages\":[" USER
      ",{\"role\":\"assistant\",\"content\":\"s\"}]}",
      "{\"model\":\"gemini25pro\",\"user\":\"jdoe\",\"messages\":[" USER
      ",{\"role\":\"assistant\",\"content\":\"s\"}]}" },

    /* tools */

    { "tools, as they came",
      MSG ",\"tool_choice\":\"auto\",\"parallel_tool_calls\":false,"
      "\"tools\": [ {\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"parameters\":{\"a\":{\"b\":{\"c\":{\"d\":1}}}}}} ]}",
      OUT ",\"tools\":[ {\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"parameters\":{\"a\":{\"b\":{\"c\":{\"d\":1}}}}}} ],"
      "\"tool_choice\":\"auto\",\"parallel_tool_calls\":false}" },

    { "an empty list is none",
      MSG ",\"tools\":[],\"tool_choice\":\"none\"}", OUT "}" },

    { "also for Claude",
      "{\"model\":\"claude-opus-4.6\",\"messages\":[" USER
      "],\"tools\":[],\"parallel_tool_calls\":true}",
      "{\"model\":\"claudeopus46\",\"user\":\"jdoe\",\"messages\":[" USER
      "]}" },

    { NULL, NULL, NULL }
};


static const bad_t  bad[] = {


    { "model a number", "{\"model\":7,\"messages\":[" USER "]}",
      "invalid_type", "model", "model must be a string, not a number" },
    { "model null", "{\"model\":null,\"messages\":[" USER "]}",
      "invalid_type", "model", "not null" },
    { "stream a string", MSG ",\"stream\":\"true\"}",
      "invalid_type", "stream", "a boolean" },
    { "stream a number", MSG ",\"stream\":1}",
      "invalid_type", "stream", "a boolean" },
    { "stream_options a boolean", MSG ",\"stream_options\":true}",
      "invalid_type", "stream_options", "an object" },
    { "include_usage a number",
      MSG ",\"stream_options\":{\"include_usage\":1}}",
      "invalid_type", "stream_options.include_usage", "a boolean" },
    { "max_tokens a string", MSG ",\"max_tokens\":\"5\"}",
      "invalid_type", "max_tokens", "a number" },
    { "max_completion_tokens a list", MSG ",\"max_completion_tokens\":[]}",
      "invalid_type", "max_completion_tokens", "a number" },
    { "n a string", MSG ",\"n\":\"2\"}", "invalid_type", "n", "a number" },
    { "n zero", MSG ",\"n\":0}", "invalid_value", "n", "positive" },
    { "n negative", MSG ",\"n\":-1}", "invalid_value", "n", "positive" },
    { "n a fraction", MSG ",\"n\":1.5}", "invalid_value", "n", "positive" },
    { "logprobs a number", MSG ",\"logprobs\":5}",
      "invalid_type", "logprobs", "a boolean" },
    { "tools an object", MSG ",\"tools\":{}}",
      "invalid_type", "tools", "an array" },
    { "tool_choice a boolean", MSG ",\"tool_choice\":true}",
      "invalid_type", "tool_choice", "a string or an object" },
    { "parallel_tool_calls a string", MSG ",\"parallel_tool_calls\":\"\"}",
      "invalid_type", "parallel_tool_calls", "a boolean" },

    { "no messages", "{\"model\":\"gpt-4o\"}",
      "missing_required_parameter", "messages", "missing" },
    { "messages null", "{\"model\":\"gpt-4o\",\"messages\":null}",
      "invalid_type", "messages", "an array, not null" },
    { "messages a string", "{\"model\":\"gpt-4o\",\"messages\":\"hi\"}",
      "invalid_type", "messages", "an array, not a string" },
    { "messages an object", "{\"model\":\"gpt-4o\",\"messages\":{}}",
      "invalid_type", "messages", "an array" },
    { "messages empty", REQ "]}", "empty_array", "messages", "one message" },
    { "messages, the last counts", MSG ",\"messages\":[]}",
      "empty_array", "messages", "" },
    { "a message a string", REQ USER ",\"hi\"]}",
      "invalid_type", "messages[1]", "an object, not a string" },
    { "a message null", REQ "null]}", "invalid_type", "messages[0]", "" },

    { "no role", REQ USER "," USER ",{\"content\":\"x\"}]}",
      "missing_required_parameter", "messages[2].role", "missing" },
    { "role a number", REQ "{\"role\":1,\"content\":\"x\"}]}",
      "invalid_type", "messages[0].role", "a string, not a number" },
    { "role null", REQ "{\"role\":null,\"content\":\"x\"}]}",
      "invalid_type", "messages[0].role", "" },
    { "an unknown role", REQ "{\"role\":\"bot\",\"content\":\"x\"}]}",
      "invalid_value", "messages[0].role", "must be one of system" },
    { "an empty role", REQ "{\"role\":\"\",\"content\":\"x\"}]}",
      "invalid_value", "messages[0].role", "" },
    { "a role in upper case", REQ "{\"role\":\"User\",\"content\":\"x\"}]}",
      "invalid_value", "messages[0].role", "" },

    { "no content", REQ "{\"role\":\"user\"}]}",
      "missing_required_parameter", "messages[0].content", "missing" },
    { "no content of the system's", REQ "{\"role\":\"system\"}," USER "]}",
      "missing_required_parameter", "messages[0].content", "" },
    { "no content of a tool's", REQ USER ",{\"role\":\"tool\"}]}",
      "missing_required_parameter", "messages[1].content", "" },
    { "no content of an assistant's that did nothing",
      REQ USER ",{\"role\":\"assistant\",\"tool_calls\":null}]}",
      "missing_required_parameter", "messages[1].content", "" },
    { "tool_calls do not excuse a user",
      REQ "{\"role\":\"user\",\"tool_calls\":[1]}]}",
      "missing_required_parameter", "messages[0].content", "" },
    { "content a number", REQ "{\"role\":\"user\",\"content\":1}]}",
      "invalid_type", "messages[0].content", "a string or an array" },
    { "content an object", REQ "{\"role\":\"user\",\"content\":{}}]}",
      "invalid_type", "messages[0].content", "" },
    { "content without parts", REQ "{\"role\":\"user\",\"content\":[]}]}",
      "empty_array", "messages[0].content", "one part" },

    { "a part a string", REQ "{\"role\":\"user\",\"content\":[\"a\"]}]}",
      "invalid_type", "messages[0].content[0]", "an object, not a string" },
    { "a part without type",
      REQ USER ",{\"role\":\"user\",\"content\":[{\"type\":\"text\","
      "\"text\":\"\"},{\"text\":\"a\"}]}]}",
      "missing_required_parameter", "messages[1].content[1].type", "" },
    { "a part's type a number",
      REQ "{\"role\":\"user\",\"content\":[{\"type\":1}]}]}",
      "invalid_type", "messages[0].content[0].type", "a string" },
    { "a text part without text",
      REQ "{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]}",
      "missing_required_parameter", "messages[0].content[0].text", "" },
    { "a text part's text null",
      REQ "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":null}]"
      "}]}", "invalid_type", "messages[0].content[0].text", "not null" },
    { "an image without one",
      REQ "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}",
      "missing_required_parameter", "messages[0].content[0].image_url", "" },
    { "an image a number",
      REQ "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
      "\"image_url\":1}]}]}",
      "invalid_type", "messages[0].content[0].image_url", "" },
    { "an image without URL",
      REQ "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
      "\"image_url\":{}}]}]}",
      "missing_required_parameter", "messages[0].content[0].image_url.url",
      "" },
    { "an image's URL a number",
      REQ "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
      "\"image_url\":{\"url\":1}}]}]}",
      "invalid_type", "messages[0].content[0].image_url.url", "" },
    { "an image on the web",
      REQ "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
      "\"image_url\":{\"url\":\"https://example.com/a.png\"}}]}]}",
      "unsupported_value", "messages[0].content[0].image_url",
      "ARGO does not fetch images" },
    { "an image on the web, escaped, bare",
      REQ "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
      "\"image_url\":\"http:\\/\\/example.com\\/a.png\"}]}]}",
      "unsupported_value", "messages[0].content[0].image_url",
      "data URL" },
    { "an image's empty URL",
      REQ "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
      "\"image_url\":\"\"}]}]}",
      "unsupported_value", "messages[0].content[0].image_url", "" },

    /* what this upstream can't do */

    { "n of 2", MSG ",\"n\":2}", "unsupported_parameter", "n", "one choice" },
    { "logprobs", MSG ",\"logprobs\":true}",
      "unsupported_parameter", "logprobs", "" },
    { "tools for Claude",
      "{\"model\":\"claude-opus-4.6\",\"messages\":[" USER
      "],\"tools\":[{}]}", "unsupported_parameter", "tools", "OpenAI" },
    { "tools for Gemini",
      "{\"model\":\"gemini-2.5-pro\",\"messages\":[" USER
      "],\"tools\":[{}]}", "unsupported_parameter", "tools", "" },

    { NULL, NULL, NULL, NULL, NULL }
};


static void
test_good(void)
{
    ngx_str_t      in;
    ngx_pool_t    *pool;
    argo_json_t   *root;
    request_t      rq;
    argo_error_t   err;
    const good_t  *t;

    for (t = good; t->name; t++) {
        pool = test_pool();
        in = test_copy(t->in, strlen(t->in));

        if (is(convert(pool, &rq, (char *) in.data, in.len, 0), NGX_OK,
               "%s", t->name))
        {
            is_str(&rq.body, t->out, "%s: body", t->name);
            is(argo_json_parse(pool, &rq.body, 4, &root, &err), NGX_OK,
               "%s: which is JSON", t->name);

        } else {
            printf("# %.*s\n", (int) rq.err.message.len,
                   rq.err.message.data);
        }

        test_free(&in);
        ngx_destroy_pool(pool);
    }
}


static void
test_wrong(void)
{
    ngx_str_t     in;
    ngx_pool_t   *pool;
    request_t     rq;
    const bad_t  *t;

    for (t = bad; t->name; t++) {
        pool = test_pool();
        in = test_copy(t->in, strlen(t->in));

        if (is(convert(pool, &rq, (char *) in.data, in.len, 0),
               NGX_DECLINED, "%s", t->name))
        {
            is(rq.err.status, 400, "%s: status", t->name);
            is(rq.err.type, ARGO_ERROR_INVALID_REQUEST, "%s: type", t->name);
            is_str(&rq.err.code, t->code, "%s: code", t->name);

            if (t->param) {
                is_str(&rq.err.param, t->param, "%s: param", t->name);

            } else {
                ok(rq.err.param.data == NULL, "%s: no param", t->name);
            }

            rq.body = test_copy(rq.err.message.data, rq.err.message.len + 1);
            rq.body.data[rq.err.message.len] = '\0';

            if (!ok(strstr((char *) rq.body.data, t->message) != NULL,
                    "%s: message", t->name))
            {
                printf("# %s\n", rq.body.data);
            }

            test_free(&rq.body);
        }

        test_free(&in);
        ngx_destroy_pool(pool);
    }
}


static void
test_plan(void)
{
    ngx_pool_t  *pool;
    request_t    rq;

    static const char  unary[] = MSG "}";
    static const char  stream[] = MSG ",\"stream\":true}";
    static const char  tools[] = MSG ",\"stream\":true,\"tools\":[{}],"
                                 "\"stream_options\":"
                                 "{\"include_usage\":true}}";

    pool = test_pool();

    convert(pool, &rq, unary, strlen(unary), 0);
    is_str(&rq.call.tail, "api/v1/resource/chat/", "unary: where");
    is_str(&rq.call.accept, "application/json", "unary: what");
    is(rq.call.frame, ARGO_FRAME_JSON, "unary: frame");
    is(rq.req.stream, 0, "unary: no stream");

    convert(pool, &rq, stream, strlen(stream), 0);
    is_str(&rq.call.tail, "api/v1/resource/streamchat/", "stream: where");
    is_str(&rq.call.accept, "text/plain", "stream: what");
    is(rq.call.frame, ARGO_FRAME_RAW, "stream: frame");
    is(rq.req.stream, 1, "stream: a stream");
    is(rq.req.include_usage, 0, "stream: no usage asked for");

    convert(pool, &rq, stream, strlen(stream), 1);
    is_str(&rq.call.tail, "api/v1/resource/chat/", "pseudo-stream: where");
    is(rq.call.frame, ARGO_FRAME_JSON, "pseudo-stream: frame");
    is(rq.req.stream, 1, "pseudo-stream: a stream for the client");

    convert(pool, &rq, tools, strlen(tools), 0);
    is_str(&rq.call.tail, "api/v1/resource/chat/", "tools: where");
    is(rq.call.frame, ARGO_FRAME_JSON, "tools: frame");
    is(rq.req.include_usage, 1, "usage asked for");

    ngx_destroy_pool(pool);
}


/* What another dialect would hand in: parts that were no chat parts. */

static void
test_foreign_parts(void)
{
    ngx_pool_t        *pool;
    ngx_str_t          body, model;
    argo_out_t         out;
    argo_call_t        call;
    argo_part_t        parts[2];
    argo_error_t       err;
    argo_message_t     message;
    argo_request_t     req;

    pool = test_pool();

    memset(parts, 0, sizeof(parts));
    memset(&message, 0, sizeof(message));
    memset(&req, 0, sizeof(req));

    parts[0].type = ARGO_PART_TEXT;
    parts[0].text = STR("a\\n");
    parts[0].next = &parts[1];
    parts[1].type = ARGO_PART_IMAGE;
    parts[1].text = STR("data:,");

    message.role = ARGO_ROLE_USER;
    message.parts = parts;

    model = STR("gpt-4o");
    (void) argo_model_resolve(pool, models, &model, &req.target, &err);

    req.messages = &message;
    req.user = STR("j\"doe");

    argo_legacy_back.plan_call(pool, &req, 0, &call, &err);
    argo_out_init(&out, pool, 4096, NULL, 0);
    argo_legacy_back.write_request(&req, &call, &out);
    body = reply_flat(pool, &out);

    is_str(&body, "{\"model\":\"gpt4o\",\"user\":\"j\\\"doe\",\"messages\":["
                  "{\"role\":\"user\",\"content\":[{\"type\":\"text\","
                  "\"text\":\"a\\n\"},{\"type\":\"image_url\",\"image_url\":"
                  "{\"url\":\"data:,\"}}]}]}", "parts that must be written");

    ngx_destroy_pool(pool);
}


/* A large image is neither copied nor changed. */

static void
test_large(void)
{
    size_t        size, before;
    char         *in, *p;
    ngx_pool_t   *pool;
    argo_out_t    out;
    request_t     rq;

    size = 4 * 1024 * 1024;
    in = malloc(size + 1024);
    pool = test_pool();

    p = in + sprintf(in, REQ "{\"role\":\"user\",\"content\":[{\"type\":"
                     "\"image_url\",\"image_url\":{\"url\":"
                     "\"data:image/png;base64,");
    before = p - in;
    memset(p, 'A', size);
    p += size;
    p += sprintf(p, "\"}}]}],\"temperature\":1}");

    is(convert(pool, &rq, in, p - in, 0), NGX_OK, "a large image");
    ok(rq.body.len > size && rq.body.len < size + 1024, "is sent");

    argo_out_init(&out, pool, 4096, NULL, 0);
    argo_legacy_back.write_request(&rq.req, &rq.call, &out);

    ok(out.first->next && out.first->next->buf->pos <= (u_char *) in + before
       && out.first->next->buf->last >= (u_char *) in + before + size,
       "from where it came in");

    ngx_destroy_pool(pool);
    free(in);
}


static void
test_memory(void)
{
    ngx_int_t    rc;
    ngx_uint_t   n, wrong, failed;
    ngx_pool_t  *pool;
    request_t    rq;

    static const char  in[] =
        REQ "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
        "\"a\"}]}," USER "],\"model\":\"gpt\\u002d4o\",\"x\":1}";

    static const char  declined[] =
        REQ "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}";

    wrong = 0;

    for (n = 1; /* void */ ; n++) {
        pool = test_pool();

        ngx_shim_fail(n);
        rc = convert(pool, &rq, in, sizeof(in) - 1, 0);

        failed = ngx_shim_failed();
        ngx_shim_fail(0);
        ngx_destroy_pool(pool);

        if (!failed) {
            break;
        }

        wrong += (rc != NGX_ERROR);
    }

    is(wrong, 0, "no memory, at each of %d places", (int) n - 1);
    is(rc, NGX_OK, "and with it");

    for (n = 1; /* void */ ; n++) {
        pool = test_pool();

        ngx_shim_fail(n);
        rc = convert(pool, &rq, declined, sizeof(declined) - 1, 0);

        failed = ngx_shim_failed();
        ngx_shim_fail(0);
        ngx_destroy_pool(pool);

        if (!failed) {
            break;
        }

        wrong += (rc != NGX_ERROR);
    }

    is(wrong, 0, "no memory for an error, at each of %d places",
       (int) n - 1);
    is(rc, NGX_DECLINED, "and with it");
}


int
main(void)
{
    ngx_pool_t  *pool;

    pool = test_pool();
    models = argo_model_table_create(pool, NULL, 0);

    test_good();
    test_wrong();
    test_plan();
    test_foreign_parts();
    test_large();
    test_memory();

    ngx_destroy_pool(pool);

    return done();
}
