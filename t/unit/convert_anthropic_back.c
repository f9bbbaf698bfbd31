
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * ARGO's native messages: what goes up from clients of each language, what is
 * refused, requests that are spliced, and replies, recorded and made up,
 * fed whole and cut at each byte, through each client's front.
 */


#include "argo_front.h"
#include "argo_request.h"


/* of the requests that are made up */
#define GENERATED  100000


#define CHAT(rest)                                                            \
    "{\"model\":\"claude-opus-4.6\",\"max_tokens\":9" rest "}"
#define SAID(list)  CHAT(",\"messages\":[" list "]")
#define HI          "{\"role\":\"user\",\"content\":\"Hi\"}"

#define UP_HEAD                                                               \
    "{\"model\":\"claudeopus46\",\"max_tokens\":9,\"stream\":true"
#define UP_TAIL     ",\"metadata\":{\"user_id\":\"jdoe\"}}"
#define UP_HI                                                                 \
    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}]}"
#define UP(before, list, rest)                                                \
    UP_HEAD before ",\"messages\":[" list "]" rest UP_TAIL

#define CALL(id, args)                                                        \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":"                  \
    "{\"name\":\"f\",\"arguments\":\"" args "\"}}"
#define CALLS(list)                                                           \
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" list "]}"
#define RESULT(id, text)                                                      \
    "{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"" text "\"}"
#define TOOL                                                                  \
    ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","        \
    "\"parameters\":{\"type\":\"object\",\"properties\":{}}}}]"
#define UP_TOOL                                                               \
    "{\"name\":\"f\",\"input_schema\":{\"type\":\"object\","                  \
    "\"properties\":{}}}"
#define UP_TOOLS    ",\"tools\":[" UP_TOOL "]"
#define UP_USE(id, input)                                                     \
    "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"f\",\"input\":"      \
    input "}"
#define UP_RESULT(id, content)                                                \
    "{\"type\":\"tool_result\",\"tool_use_id\":\"" id "\",\"content\":"       \
    content "}"
#define UP_USER(list)       "{\"role\":\"user\",\"content\":[" list "]}"
#define UP_ASSISTANT(list)  "{\"role\":\"assistant\",\"content\":[" list "]}"
#define UP_TEXT(text)       "{\"type\":\"text\",\"text\":\"" text "\"}"

#define SCHEMA                                                                \
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}"
#define FORMAT(schema)                                                        \
    ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"         \
    "{\"name\":\"n\",\"schema\":" schema "}}"
#define UP_ANSWER                                                             \
    "{\"name\":\"argo_answer\",\"description\":\"Gives the final answer to "  \
    "the user.\",\"input_schema\":" SCHEMA "}"

#define ONLY_JSON                                                             \
    "Answer with JSON and nothing else: no other text before or after it, "   \
    "and no code fences around it. "


typedef struct {
    const char      *name;
    const char      *in;
    const char      *out;               /* NULL: refused */
    const char      *code;
    const char      *param;
} request_t;


static const request_t  requests[] = {

    { "text", SAID(HI), UP("", UP_HI, ""), NULL, NULL },

    { "system texts, wherever they are",
      SAID("{\"role\":\"system\",\"content\":\"one\"}," HI ","
           "{\"role\":\"developer\",\"content\":[{\"type\":\"text\","
           "\"text\":\"two\",\"cache_control\":{\"type\":\"ephemeral\"}}]}"),
      UP(",\"system\":[" UP_TEXT("one") ",{\"type\":\"text\",\"text\":"
         "\"two\",\"cache_control\":{\"type\":\"ephemeral\"}}]", UP_HI, ""),
      NULL, NULL },

    { "only a system text",
      SAID("{\"role\":\"system\",\"content\":\"one\"}"),
      UP(",\"system\":[" UP_TEXT("one") "]", UP_USER(UP_TEXT("[continue]")),
         ""), NULL, NULL },

    { "users in a row", SAID(HI "," HI),
      UP("", UP_USER(UP_TEXT("Hi") "," UP_TEXT("Hi")), ""), NULL, NULL },

    { "an assistant begins",
      SAID("{\"role\":\"assistant\",\"content\":\"Yes?\"}," HI),
      UP("", UP_USER(UP_TEXT("[continue]")) ","
         UP_ASSISTANT(UP_TEXT("Yes?")) "," UP_HI, ""), NULL, NULL },

    { "a beginning, trimmed",
      SAID(HI ",{\"role\":\"assistant\",\"content\":\"A\\\\n \\n\\t \"}"),
      UP("", UP_HI "," UP_ASSISTANT(UP_TEXT("A\\\\n")), ""), NULL, NULL },

    { "blank texts, whatever way they are written",
      SAID(HI ",{\"role\":\"assistant\",\"content\":\"\\u0009 \\u000a\\u0020\""
           "}," HI),
      UP("", UP_USER(UP_TEXT("Hi") "," UP_TEXT("Hi")), ""), NULL, NULL },

    { "a beginning, trimmed of blanks that are written as escapes",
      SAID(HI ",{\"role\":\"assistant\",\"content\":"
           "\"A\\u0009 \\u000D\\u0020\\u000b\"}"),
      UP("", UP_HI "," UP_ASSISTANT(UP_TEXT("A")), ""), NULL, NULL },

    { "blank texts",
      SAID(HI ",{\"role\":\"assistant\",\"content\":\" \\n\"}," HI),
      UP("", UP_USER(UP_TEXT("Hi") "," UP_TEXT("Hi")), ""), NULL, NULL },

    { "a refusal is what was said",
      SAID(HI ",{\"role\":\"assistant\",\"content\":null,"
           "\"refusal\":\"No\"}," HI),
      UP("", UP_HI "," UP_ASSISTANT(UP_TEXT("No")) "," UP_HI, ""),
      NULL, NULL },

    { "calls and their results",
      CHAT(TOOL ",\"messages\":[" HI ","
           CALLS(CALL("c1", "{\\\"a\\\": 1}") "," CALL("c.2", ""))
           "," RESULT("c.2", "two") "," RESULT("c1", "one") "," HI "]"),
      UP(UP_TOOLS, UP_HI ","
         UP_ASSISTANT(UP_USE("c1", "{\"a\": 1}") "," UP_USE("c_2e2", "{}"))
         "," UP_USER(UP_RESULT("c_2e2", "\"two\"") ","
                     UP_RESULT("c1", "\"one\"") "," UP_TEXT("Hi")), ""),
      NULL, NULL },

    { "results behind what the user says",
      CHAT(TOOL ",\"messages\":[" HI "," CALLS(CALL("c1", "{}")) "," HI ","
           RESULT("c1", "one") "]"),
      UP(UP_TOOLS, UP_HI "," UP_ASSISTANT(UP_USE("c1", "{}")) ","
         UP_USER(UP_RESULT("c1", "\"one\"") "," UP_TEXT("Hi")), ""),
      NULL, NULL },

    { "calls without results",
      CHAT(TOOL ",\"messages\":[" HI ","
           CALLS(CALL("c1", "{}") "," CALL("c2", "{}")) ","
           RESULT("c1", "one") "," HI "]"),
      UP(UP_TOOLS, UP_HI ","
         UP_ASSISTANT(UP_USE("c1", "{}") "," UP_USE("c2", "{}")) ","
         UP_USER(UP_RESULT("c1", "\"one\"") ","
                 UP_RESULT("c2", "\"[no result]\"") "," UP_TEXT("Hi")), ""),
      NULL, NULL },

    { "calls at the end",
      CHAT(TOOL ",\"messages\":[" HI "," CALLS(CALL("c1", "{}")) "]"),
      UP(UP_TOOLS, UP_HI "," UP_ASSISTANT(UP_USE("c1", "{}")) ","
         UP_USER(UP_RESULT("c1", "\"[no result]\"")), ""), NULL, NULL },

    { "a history of tools that are not offered any more",
      SAID(HI "," CALLS(CALL("c1", "{}")) "," RESULT("c1", "one")),
      UP(",\"tools\":[" UP_TOOL "],\"tool_choice\":{\"type\":\"none\"}",
         UP_HI "," UP_ASSISTANT(UP_USE("c1", "{}")) ","
         UP_USER(UP_RESULT("c1", "\"one\"")), ""), NULL, NULL },

    { "an image",
      SAID("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
           "\"image_url\":{\"url\":\"data:image/png;base64,iVBORw0KGgo=\"}},"
           "{\"type\":\"text\",\"text\":\"What?\"}]}"),
      UP("", UP_USER("{\"type\":\"image\",\"source\":{\"type\":\"base64\","
                     "\"media_type\":\"image/png\",\"data\":"
                     "\"iVBORw0KGgo=\"}}," UP_TEXT("What?")), ""),
      NULL, NULL },

    { "parameters",
      CHAT(",\"temperature\":0.50,\"top_p\":1e0,\"stop\":\"\\u0045ND\","
           "\"messages\":[" HI "],\"seed\":7,\"frequency_penalty\":1,"
           "\"service_tier\":\"auto\",\"logit_bias\":{\"1\":2},\"n\":1,"
           "\"user\":\"eve\",\"metadata\":{\"user_id\":\"eve\"},"
           "\"logprobs\":false,\"modalities\":[\"text\"],\"new\":{}"),
      UP("", UP_HI, ",\"temperature\":0.50,\"top_p\":1e0,"
         "\"stop_sequences\":[\"\\u0045ND\"]"), NULL, NULL },

    { "stop sequences, some of them blank",
      CHAT(",\"stop\":[\" \",\"a\",\"\",\"b\"],\"messages\":[" HI "]"),
      UP("", UP_HI, ",\"stop_sequences\":[\"a\",\"b\"]"), NULL, NULL },

    { "nothing but blank stop sequences",
      CHAT(",\"stop\":[\"\\n\"],\"messages\":[" HI "]"),
      UP("", UP_HI, ""), NULL, NULL },

    { "a tool that must be called",
      CHAT(TOOL ",\"tool_choice\":\"required\",\"parallel_tool_calls\":false,"
           "\"messages\":[" HI "]"),
      UP(UP_TOOLS ",\"tool_choice\":{\"type\":\"any\","
         "\"disable_parallel_tool_use\":true}", UP_HI, ""), NULL, NULL },

    { "a tool that is named",
      CHAT(TOOL ",\"tool_choice\":{\"type\":\"function\",\"function\":"
           "{\"name\":\"f\"}},\"messages\":[" HI "]"),
      UP(UP_TOOLS ",\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}",
         UP_HI, ""), NULL, NULL },

    { "a schema",
      CHAT(FORMAT(SCHEMA) ",\"messages\":[" HI "]"),
      UP(",\"tools\":[" UP_ANSWER "],\"tool_choice\":{\"type\":\"tool\","
         "\"name\":\"argo_answer\",\"disable_parallel_tool_use\":true}",
         UP_HI, ""), NULL, NULL },

    { "a schema, and tools",
      CHAT(FORMAT(SCHEMA) TOOL ",\"messages\":[" HI "]"),
      UP(",\"tools\":[" UP_TOOL "," UP_ANSWER "],\"tool_choice\":"
         "{\"type\":\"any\"}", UP_HI, ""), NULL, NULL },

    { "a schema of no object",
      CHAT(FORMAT("{\"type\":\"array\"}") ",\"messages\":[" HI "]"),
      UP(",\"system\":[" UP_TEXT(ONLY_JSON "It must conform to this JSON "
         "schema: {\\\"type\\\":\\\"array\\\"}") "]", UP_HI, ""),
      NULL, NULL },

    { "any object",
      CHAT(",\"response_format\":{\"type\":\"json_object\"},\"messages\":["
           HI "]"),
      UP(",\"system\":[" UP_TEXT(ONLY_JSON "It must be an object.") "]",
         UP_HI, ""), NULL, NULL },

    { "no limit",
      "{\"model\":\"claude-opus-4.6\",\"messages\":[" HI "]}",
      "{\"model\":\"claudeopus46\",\"max_tokens\":LIMIT,\"stream\":true,"
      "\"messages\":[" UP_HI "]" UP_TAIL, NULL, NULL },

    { "n", CHAT(",\"n\":2,\"messages\":[" HI "]"), NULL,
      "unsupported_parameter", "n" },
    { "logprobs", CHAT(",\"logprobs\":true,\"messages\":[" HI "]"), NULL,
      "unsupported_parameter", "logprobs" },
    { "audio", CHAT(",\"audio\":{},\"messages\":[" HI "]"), NULL,
      "unsupported_parameter", "audio" },
    { "modalities",
      CHAT(",\"modalities\":[\"text\",\"audio\"],\"messages\":[" HI "]"),
      NULL, "unsupported_parameter", "modalities" },
    { "web search", CHAT(",\"web_search_options\":{},\"messages\":[" HI "]"),
      NULL, "unsupported_parameter", "web_search_options" },
    { "stop's type", CHAT(",\"stop\":[1],\"messages\":[" HI "]"), NULL,
      "invalid_type", "stop" },
    { "a blank conversation",
      SAID("{\"role\":\"user\",\"content\":\" \"}"), NULL, "invalid_value",
      "messages" },
    { "arguments that are no object",
      SAID(HI "," CALLS(CALL("c1", "[1]")) "," RESULT("c1", "one")), NULL,
      "invalid_value", "messages[1].tool_calls[0].function.arguments" },
    { "arguments that are no JSON",
      SAID(HI "," CALLS(CALL("c1", "{")) "," RESULT("c1", "one")), NULL,
      "invalid_value", "messages[1].tool_calls[0].function.arguments" },
    { "a result that answers nothing",
      SAID(HI "," CALLS(CALL("c1", "{}")) "," RESULT("c2", "one")), NULL,
      "invalid_value", "messages[2].tool_call_id" },
    { "a second result",
      SAID(HI "," CALLS(CALL("c1", "{}")) "," RESULT("c1", "one") ","
           RESULT("c1", "two")), NULL,
      "invalid_value", "messages[3].tool_call_id" },
    { "a result before any call", SAID(RESULT("c1", "one")), NULL,
      "invalid_value", "messages[0].tool_call_id" },
    { "an image that is not base64",
      SAID("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
           "\"a\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
           "\"data:image/png,abc\"}}]}"), NULL,
      "invalid_value", "messages[0].content[1]" },
    { "audio in a message",
      SAID("{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\","
           "\"input_audio\":{\"data\":\"\",\"format\":\"wav\"}}]}"), NULL,
      "unsupported_value", "messages[0].content[0]" },
    { "a name that Claude does not take",
      CHAT(",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"
           "\"a.b\"}}],\"messages\":[" HI "]"), NULL, "invalid_value",
      "tools[0]" },
    { "the answer's name",
      CHAT(FORMAT(SCHEMA) ",\"tools\":[{\"type\":\"function\",\"function\":"
           "{\"name\":\"argo_answer\"}}],\"messages\":[" HI "]"), NULL,
      "invalid_value", "tools" },

    { NULL, NULL, NULL, NULL, NULL }
};


/* Puts the limit that the model has in the place of LIMIT. */

static ngx_str_t
expected(ngx_pool_t *pool, const char *text, const argo_request_t *req)
{
    u_char      *p;
    ngx_str_t    s;
    const char  *limit;

    limit = strstr(text, "LIMIT");

    s.data = ngx_pnalloc(pool, strlen(text) + 32);

    if (limit == NULL) {
        p = ngx_cpymem(s.data, text, strlen(text));

    } else {
        p = ngx_cpymem(s.data, text, limit - text);
        p += sprintf((char *) p, "%lu", (unsigned long)
                     (req->target->max_output ? req->target->max_output
                                              : 4096));
        p = ngx_cpymem(p, limit + 5, strlen(limit + 5));
    }

    s.len = p - s.data;

    return s;
}


static void
test_requests(void)
{
    ngx_str_t         json, out;
    ngx_pool_t       *pool;
    front_request_t   r;
    const request_t  *t;

    for (t = requests; t->name; t++) {

        pool = test_pool();
        json = front_str(t->in);

        front_read(pool, &argo_openai_chat_front, &argo_anthropic_back,
                   &json, &r);

        if (t->out) {
            out = expected(pool, t->out, &r.req);

            is(r.rc, NGX_OK, "request, %s: taken", t->name);
            is_mem(r.body.data, r.body.len, out.data, out.len,
                   "request, %s", t->name);
            is_str(&r.call.tail, "v1/messages", "request, %s: path", t->name);
            is(r.call.frame, ARGO_FRAME_SSE, "request, %s: a stream",
               t->name);
            is(r.call.auth, ARGO_AUTH_ANTHROPIC, "request, %s: auth",
               t->name);

        } else {
            is(r.rc, NGX_DECLINED, "refused, %s", t->name);
            is(r.err.status, 400, "refused, %s: status", t->name);
            is_str(&r.err.code, t->code, "refused, %s: code", t->name);
            is_str(&r.err.param, t->param, "refused, %s: param", t->name);
        }

        ngx_destroy_pool(pool);
    }
}



static const argo_model_t *
claude(ngx_pool_t *pool)
{
    ngx_str_t            name;
    argo_error_t         err;
    const argo_model_t  *model;

    ngx_str_set(&name, "claude-opus-4.6");

    if (argo_model_resolve(pool, front_models(), &name, &model, &err)
        != NGX_OK)
    {
        abort();
    }

    return model;
}


/* requests of clients that speak other languages */

typedef struct {
    const char          *name;
    const argo_front_t  *front;
    const char          *in;
    const char          *out;
} other_t;


#define UP_CUSTOM                                                             \
    "{\"name\":\"exec\",\"description\":\"runs\",\"input_schema\":"           \
    "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"  \
    "\"required\":[\"input\"]}}"

static const other_t  others[] = {

    { "chat, thinking handed back", &argo_openai_chat_front,
      CHAT(",\"reasoning_effort\":\"high\",\"messages\":[" HI ","
           "{\"role\":\"assistant\",\"content\":\"Yo\","
           "\"reasoning_content\":\"Hm\",\"thinking_blocks\":[{\"type\":"
           "\"thinking\",\"thinking\":\"H\\u006d\",\"signature\":\"s+/=\"},"
           "{\"type\":\"redacted_thinking\",\"data\":\"d+/=\"}]}," HI "]"),
      UP("", UP_HI ","
         UP_ASSISTANT("{\"type\":\"thinking\",\"thinking\":\"H\\u006d\","
                      "\"signature\":\"s+/=\"},{\"type\":"
                      "\"redacted_thinking\",\"data\":\"d+/=\"},"
                      UP_TEXT("Yo")) "," UP_HI,
         ",\"output_config\":{\"effort\":\"high\"}") },

    { "chat, thinking without a signature", &argo_openai_chat_front,
      SAID(HI ",{\"role\":\"assistant\",\"content\":\"Yo\","
           "\"reasoning_content\":\"Hm\"}," HI),
      UP("", UP_HI "," UP_ASSISTANT(UP_TEXT("Yo")) "," UP_HI, "") },

    { "chat, a document", &argo_openai_chat_front,
      SAID("{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":"
           "{\"filename\":\"a.pdf\",\"file_data\":"
           "\"data:application/pdf;base64,AAAA\"}}]}"),
      UP("", UP_USER("{\"type\":\"document\",\"source\":{\"type\":\"base64\","
                     "\"media_type\":\"application/pdf\",\"data\":\"AAAA\"},"
                     "\"title\":\"a.pdf\"}"), "") },

    { "chat, marks for the cache", &argo_openai_chat_front,
      SAID("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
           "\"a\",\"cache_control\":{\"type\":\"ephemeral\"}}]}"),
      UP("", UP_USER("{\"type\":\"text\",\"text\":\"a\",\"cache_control\":"
                     "{\"type\":\"ephemeral\"}}"), "") },

    { "responses, reasoning handed back", &argo_openai_responses_front,
      "{\"model\":\"claude-opus-4.6\",\"max_output_tokens\":9,\"input\":["
      HI ",{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\","
      "\"text\":\"Hm\"}],\"encrypted_content\":\"anthropic:s+/=\"},"
      "{\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":"
      "\"anthropic-redacted:d+/=\"},{\"type\":\"reasoning\",\"summary\":[],"
      "\"encrypted_content\":\"gAAA\"},{\"type\":\"custom_tool_call\","
      "\"call_id\":\"c1\",\"name\":\"exec\",\"input\":\"ls \\\"x\\\"\"},"
      "{\"type\":\"custom_tool_call_output\",\"call_id\":\"c1\","
      "\"output\":\"ok\"}],\"tools\":[{\"type\":\"custom\",\"name\":"
      "\"exec\",\"description\":\"runs\"}]}",
      UP(",\"tools\":[" UP_CUSTOM "]", UP_HI ","
         UP_ASSISTANT("{\"type\":\"thinking\",\"thinking\":\"Hm\","
                      "\"signature\":\"s+/=\"},{\"type\":"
                      "\"redacted_thinking\",\"data\":\"d+/=\"},"
                      "{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":"
                      "\"exec\",\"input\":{\"input\":\"ls \\\"x\\\"\"}}") ","
         UP_USER(UP_RESULT("c1", "\"ok\"")), "") },

    { "gemini, calls without ids", &argo_gemini_front,
      "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]},"
      "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\","
      "\"args\":{\"a\":1}}},{\"functionCall\":{\"name\":\"f\",\"args\":{}}}]"
      "},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":"
      "\"f\",\"response\":{\"output\":\"1\"}}},{\"functionResponse\":"
      "{\"name\":\"f\",\"response\":{\"output\":\"2\"}}}]}],"
      "\"generationConfig\":{\"maxOutputTokens\":9,\"topK\":4,"
      "\"stopSequences\":[\"x\"],\"seed\":1},\"tools\":["
      "{\"functionDeclarations\":[{\"name\":\"f\",\"parameters\":"
      "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"}}}}]"
      "}]}",
      UP(",\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\","
         "\"properties\":{\"a\":{\"type\":\"string\"}}}}]", UP_HI ","
         UP_ASSISTANT(UP_USE("call_0", "{\"a\":1}") ","
                      UP_USE("call_1", "{}")) ","
         UP_USER(UP_RESULT("call_0", "\"1\"") ","
                 UP_RESULT("call_1", "\"2\"")),
         ",\"top_k\":4,\"stop_sequences\":[\"x\"]") },

    { "completions", &argo_openai_completions_front,
      "{\"model\":\"claude-opus-4.6\",\"prompt\":\"Hi\",\"max_tokens\":9,"
      "\"temperature\":0,\"suffix\":null}",
      UP("", UP_HI, ",\"temperature\":0") },

    { NULL, NULL, NULL, NULL }
};


static void
test_others(void)
{
    ngx_str_t         json;
    argo_out_t        out;
    ngx_pool_t       *pool;
    const other_t    *t;
    front_request_t   r;

    for (t = others; t->name; t++) {
        pool = test_pool();
        json = front_str(t->in);

        memset(&r, 0, sizeof(front_request_t));

        r.req.document = json;
        r.req.dialect = t->front->dialect;
        ngx_str_set(&r.req.user, "jdoe");

        /* in Gemini's language it is in the path */
        ngx_str_set(&r.req.model, "claude-opus-4.6");

        r.rc = argo_json_parse(pool, &json, t->front->tree_depth,
                               &r.req.root, &r.err);

        if (r.rc == NGX_OK) {
            r.rc = t->front->read_request(pool, &r.req, &r.err);
        }

        r.req.target = claude(pool);

        if (r.rc == NGX_OK && r.req.adapt) {
            r.rc = r.req.adapt(pool, &r.req, ARGO_DIALECT_MESSAGES, &r.err);
        }

        if (r.rc == NGX_OK) {
            r.rc = argo_anthropic_back.plan_call(pool, &r.req, 0, &r.call,
                                                 &r.err);
        }

        is(r.rc, NGX_OK, "%s: taken", t->name);

        if (r.rc == NGX_OK) {
            argo_out_init(&out, pool, 512, NULL, 0);
            argo_anthropic_back.write_request(&r.req, &r.call, &out);
            is(argo_out_flatten(&out, pool, &r.body), NGX_OK, "%s: written",
               t->name);
        }

        is_str(&r.body, t->out, "%s", t->name);

        ngx_destroy_pool(pool);
    }
}


/* What is dropped is told. */

static void
test_notes(void)
{
    size_t           len;
    ngx_str_t        json;
    ngx_uint_t       i, found;
    ngx_pool_t      *pool;
    argo_change_t   *change;
    front_request_t  r;

    static const char *const  names[] = {
        "seed", "frequency_penalty", "service_tier", "logit_bias", "stop",
        "new", "store", "verbosity", "strict", "thinking", "reasoning",
        "detail", "name"
    };

    pool = test_pool();
    json = front_str(CHAT(",\"seed\":1,\"frequency_penalty\":1,\"store\":"
                          "true,\"service_tier\":\"auto\",\"logit_bias\":{},"
                          "\"stop\":[\"\"],\"new\":1,\"verbosity\":\"low\","
                          "\"thinking\":{\"type\":\"adaptive\"},"
                          "\"tool_choice\":\"required\",\"tools\":[{\"type\":"
                          "\"function\",\"function\":{\"name\":\"f\","
                          "\"strict\":true}}],\"messages\":[{\"role\":"
                          "\"user\",\"name\":\"n\",\"content\":[{\"type\":"
                          "\"image_url\",\"image_url\":{\"url\":\"data:"
                          "image/png;base64,AAAA\",\"detail\":\"low\"}}]},"
                          "{\"role\":\"assistant\",\"tool_calls\":[{"
                          "\"id\":\"c\",\"type\":\"function\",\"function\":{"
                          "\"name\":\"f\",\"arguments\":\"{}\"},"
                          "\"extra_content\":{\"google\":{"
                          "\"thought_signature\":\"s\"}}}]}," HI "]"));

    front_read(pool, &argo_openai_chat_front, &argo_anthropic_back, &json,
               &r);

    is(r.rc, NGX_OK, "notes: taken");

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        len = strlen(names[i]);
        found = 0;

        for (change = r.req.changes; change; change = change->next) {
            found += (change->note.len > len
                      && memcmp(change->note.data, names[i], len) == 0
                      && (change->note.data[len] == ' '
                          || change->note.data[len] == ':'));
        }

        is(found, 1, "notes: %s", names[i]);
    }

    ngx_destroy_pool(pool);
}


/* which way a reply takes to its client */

typedef struct {
    const char          *name;
    const argo_front_t  *front;
    const char          *request;
} way_t;


#define ASK_TOOLS                                                             \
    "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]"

static const way_t  ways[] = {
    { "chat", &argo_openai_chat_front,
      "{\"model\":\"claude-opus-4.6\"," ASK_TOOLS "}" },
    { "responses", &argo_openai_responses_front,
      "{\"model\":\"claude-opus-4.6\",\"input\":\"Hi\"}" },
    { "messages", &argo_anthropic_front,
      "{\"model\":\"claude-opus-4.6\",\"max_tokens\":9," ASK_TOOLS "}" }
};

#define NWAYS  (sizeof(ways) / sizeof(ways[0]))

#define CHAT_WAY      (&ways[0])
#define MESSAGES_WAY  (&ways[2])


static ngx_int_t
ask_text(ngx_pool_t *pool, const way_t *way, const char *text,
    front_request_t *r)
{
    ngx_str_t  json;

    json = front_str(text);

    return front_read(pool, way->front, &argo_anthropic_back, &json, r);
}


/* A reply fed in from the first byte, cut at "cut". */

static ngx_int_t
feed(ngx_pool_t *pool, const way_t *way, const char *request,
    ngx_uint_t stream, const ngx_str_t *in, size_t cut, ngx_uint_t complete,
    front_request_t *r, front_reply_t *reply)
{
    memset(reply, 0, sizeof(front_reply_t));

    reply->rc = ask_text(pool, way, request, r);

    if (reply->rc != NGX_OK) {
        return reply->rc;
    }

    if (front_begin(pool, reply, way->front, &argo_anthropic_back, &r->req,
                    stream)
        == NGX_OK)
    {
        front_feed(reply, in, cut, complete);
    }

    (void) front_end(pool, reply);

    return reply->rc;
}


static const char *const  streams[] = {
    "argo-messages-stream-text.sse",
    "argo-messages-stream-tool-call.sse",
    "anthropic-argo-prefill.sse",
    "anthropic-argo-system.sse",
    "anthropic-text.sse",
    "anthropic-thinking.sse",
    "anthropic-tool.sse",
    "anthropic-argo-image.sse",
    "anthropic-argo-long.sse",
    NULL
};


/* Behind which byte the reply is complete, although more may follow. */

static size_t
complete_at(const ngx_str_t *in)
{
    u_char  *p, *end;

    end = in->data + in->len;

    for (p = in->data; end - p > 20; p++) {
        if (memcmp(p, "event: message_delta", 20) == 0) {
            break;
        }
    }

    for ( /* void */ ; p + 1 < end; p++) {
        if (p[0] == '\n' && p[1] == '\n') {
            break;
        }
    }

    return p + 2 - in->data;
}


/* The same whatever the cuts, and an error if it breaks off. */

static void
test_cuts(void)
{
    size_t           cut, step, done_at;
    ngx_str_t        in, part;
    ngx_uint_t       i, w, stream, same, wrong;
    ngx_pool_t      *pool, *whole_pool;
    front_reply_t    whole, reply;
    front_request_t  r;

    for (i = 0; streams[i]; i++) {
        for (w = 0; w < NWAYS; w++) {
            for (stream = UNARY; stream <= STREAM; stream++) {

                whole_pool = test_pool();
                in = front_file(whole_pool, streams[i]);
                done_at = complete_at(&in);

                feed(whole_pool, &ways[w], ways[w].request, stream, &in,
                     WHOLE, 1, &r, &whole);

                is(whole.rc, NGX_OK, "%s, %s, %lu", streams[i], ways[w].name,
                   (unsigned long) stream);

                same = 1;
                wrong = 0;
                step = (in.len > 3000) ? in.len / 150 : 1;

                for (cut = 1; cut < in.len; cut += step) {
                    pool = test_pool();
                    feed(pool, &ways[w], ways[w].request, stream, &in, cut,
                         1, &r, &reply);

                    same &= (reply.rc == NGX_OK
                             && front_same(&reply.bytes, &whole.bytes));
                    ngx_destroy_pool(pool);
                }

                pool = test_pool();
                feed(pool, &ways[w], ways[w].request, stream, &in, BYTES, 1,
                     &r, &reply);
                same &= (reply.rc == NGX_OK
                         && front_same(&reply.bytes, &whole.bytes));
                ngx_destroy_pool(pool);

                ok(same, "%s, %s, %lu: cut", streams[i], ways[w].name,
                   (unsigned long) stream);

                for (cut = 0; cut < in.len; cut += step) {
                    pool = test_pool();

                    part = in;
                    part.len = cut;

                    feed(pool, &ways[w], ways[w].request, stream, &part,
                         WHOLE, cut & 1, &r, &reply);

                    if (cut < done_at) {
                        wrong += (reply.rc != NGX_DECLINED);

                    } else {
                        wrong += (reply.rc != NGX_OK);
                    }

                    ngx_destroy_pool(pool);
                }

                is(wrong, 0, "%s, %s, %lu: broken off", streams[i],
                   ways[w].name, (unsigned long) stream);

                ngx_destroy_pool(whole_pool);
            }
        }
    }
}


/* Recorded by the test itself: a spliced stream is what came, but a name. */

static void
test_spliced_streams(void)
{
    u_char          *p, *q, *end;
    ngx_str_t        in, out;
    ngx_uint_t       i, edits;
    ngx_pool_t      *pool;
    front_reply_t    reply;
    front_request_t  r;

    static const char *const  names[] = {
        "claude-haiku-4-5-20251001", "claude-opus-4-7"
    };

    for (i = 0; streams[i]; i++) {
        pool = test_pool();
        in = front_file(pool, streams[i]);

        feed(pool, MESSAGES_WAY, MESSAGES_WAY->request, STREAM, &in, WHOLE,
             1, &r, &reply);

        out.data = ngx_pnalloc(pool, in.len + 64);
        q = out.data;
        end = in.data + in.len;
        edits = 0;

        for (p = in.data; p < end; /* void */ ) {

            if (end - p > 25 && edits == 0
                && (memcmp(p, names[0], strlen(names[0])) == 0
                    || memcmp(p, names[1], strlen(names[1])) == 0))
            {
                p += strlen(names[memcmp(p, names[0], strlen(names[0]))
                                  == 0 ? 0 : 1]);
                q = ngx_cpymem(q, "claude-opus-4.6", 15);
                edits++;
                continue;
            }

            *q++ = *p++;
        }

        while (q - out.data > 2 && memcmp(q - 3, "\n\n\n", 3) == 0) {
            q--;
        }

        out.len = q - out.data;

        is(edits, 1, "%s spliced: one name", streams[i]);
        is_mem(reply.bytes.data, reply.bytes.len, out.data, out.len,
               "%s spliced", streams[i]);

        ngx_destroy_pool(pool);
    }
}


/* Documents that say the same, whatever their order and escapes. */

static ngx_uint_t
equal(ngx_pool_t *pool, argo_json_t *a, argo_json_t *b)
{
    ngx_str_t     s, t;
    argo_json_t  *x, *y;

    if (a == NULL || b == NULL || a->type != b->type || a->count != b->count)
    {
        return 0;
    }

    switch (a->type) {

    case ARGO_JSON_STRING:
        return argo_json_text(pool, a, &s) == NGX_OK
               && argo_json_text(pool, b, &t) == NGX_OK
               && front_same(&s, &t);

    case ARGO_JSON_NUMBER:
        return front_same(&a->raw, &b->raw);

    case ARGO_JSON_ARRAY:
        for (x = a->child, y = b->child; x && y; x = x->next, y = y->next) {
            if (!equal(pool, x, y)) {
                return 0;
            }
        }

        return x == NULL && y == NULL;

    case ARGO_JSON_OBJECT:
        for (x = a->child; x; x = x->next) {

            y = argo_json_find(b, (char *) x->name.data, x->name.len);

            if (!argo_str_is(&x->name, "model") && !equal(pool, x, y)) {
                printf("# differs: %.*s\n", (int) x->name.len,
                       (char *) x->name.data);
                return 0;
            }
        }

        return 1;

    default:
        return 1;
    }
}


static void
test_folded(void)
{
    char             name[64];
    ngx_str_t        in, golden;
    ngx_uint_t       i;
    ngx_pool_t      *pool;
    argo_json_t     *got, *expected;
    argo_error_t     err;
    front_reply_t    reply;
    front_request_t  r;

    static const char *const  names[] = {
        "all", "cut", "empty", "argo-text", "argo-prefill", "thinking",
        "tool", NULL
    };

    for (i = 0; names[i]; i++) {
        pool = test_pool();

        (void) sprintf(name, "../anthropic-fold/%s.sse", names[i]);
        in = front_file(pool, name);
        (void) sprintf(name, "../anthropic-fold/%s.json", names[i]);
        golden = front_file(pool, name);

        feed(pool, MESSAGES_WAY, MESSAGES_WAY->request, UNARY, &in, BYTES, 1,
             &r, &reply);

        is(reply.rc, NGX_OK, "folded, %s", names[i]);

        got = NULL;
        expected = NULL;

        (void) argo_json_parse(pool, &reply.bytes, 20, &got, &err);
        (void) argo_json_parse(pool, &golden, 20, &expected, &err);

        if (!ok(equal(pool, got, expected), "folded, %s: as the SDK has it",
                names[i]))
        {
            test_show("got", reply.bytes.data, reply.bytes.len);
        }

        ok(front_raw_is(got, "model", "\"claude-opus-4.6\""),
           "folded, %s: the client's name of the model", names[i]);

        ngx_destroy_pool(pool);
    }
}


#define EVENT(type, rest)                                                     \
    "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"
#define START                                                                 \
    EVENT("message_start", ",\"message\":{\"id\":\"msg_1\",\"type\":"         \
          "\"message\",\"role\":\"assistant\",\"content\":[],\"model\":"      \
          "\"m\",\"stop_reason\":null,\"usage\":{\"input_tokens\":3,"         \
          "\"cache_read_input_tokens\":4,\"cache_creation_input_tokens\":5,"  \
          "\"output_tokens\":1}}")
#define BLOCK(i, block)                                                       \
    EVENT("content_block_start", ",\"index\":" i ",\"content_block\":" block)
#define DELTA(i, delta)                                                       \
    EVENT("content_block_delta", ",\"index\":" i ",\"delta\":" delta)
#define STOP(i)  EVENT("content_block_stop", ",\"index\":" i)
#define TEXT(i, text)                                                         \
    BLOCK(i, "{\"type\":\"text\",\"text\":\"\"}")                             \
    DELTA(i, "{\"type\":\"text_delta\",\"text\":\"" text "\"}") STOP(i)
#define USE(i, name, input)                                                   \
    BLOCK(i, "{\"type\":\"tool_use\",\"id\":\"t" i "\",\"name\":\"" name      \
          "\",\"input\":{}}")                                                 \
    DELTA(i, "{\"type\":\"input_json_delta\",\"partial_json\":\"\"}")         \
    DELTA(i, "{\"type\":\"input_json_delta\",\"partial_json\":\"" input       \
          "\"}") STOP(i)
#define END(reason)                                                           \
    EVENT("message_delta", ",\"delta\":{\"stop_reason\":" reason              \
          ",\"stop_sequence\":null},\"usage\":{\"output_tokens\":7}")         \
    EVENT("message_stop", "")
#define FAULT(type, text)                                                     \
    EVENT("error", ",\"error\":{\"type\":\"" type "\",\"message\":\"" text    \
          "\"}")


/* a reply to chat completions: members of the answer */

typedef struct {
    const char      *name;
    const char      *ask;               /* more of the request */
    const char      *in;
    const char      *content;
    const char      *calls;             /* of the first, its arguments */
    const char      *finish;
} answer_t;


static const answer_t  answers[] = {

    { "text", "", START TEXT("0", "Hel\\u006co") END("\"end_turn\""),
      "\"Hel\\u006co\"", NULL, "\"stop\"" },

    { "two blocks of text", "",
      START TEXT("0", "a") TEXT("1", "b") END("\"max_tokens\""),
      "\"ab\"", NULL, "\"length\"" },

    { "a call", TOOL,
      START USE("0", "f", "{\\\"a\\\":1}") END("\"tool_use\""), "null",
      "\"{\\\"a\\\":1}\"", "\"tool_calls\"" },

    { "a call without arguments", TOOL,
      START USE("0", "f", "") END("\"tool_use\""), "null", "\"{}\"",
      "\"tool_calls\"" },

    { "a call that begins with its arguments", TOOL,
      START BLOCK("0", "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\","
                  "\"input\":{\"a\":\"\\u00e9\"}}") STOP("0")
      END("\"tool_use\""), "null", "\"{\\\"a\\\":\\\"\\\\u00e9\\\"}\"",
      "\"tool_calls\"" },

    { "an answer by a schema", FORMAT(SCHEMA),
      START USE("0", "argo_answer", "{\\\"a\\\":1}") END("\"tool_use\""),
      "\"{\\\"a\\\":1}\"", NULL, "\"stop\"" },

    { "an answer by a schema, cut", FORMAT(SCHEMA),
      START USE("0", "argo_answer", "{\\\"a\\\":") END("\"max_tokens\""),
      "\"{\\\"a\\\":\"", NULL, "\"length\"" },

    { "a refusal", "", START TEXT("0", "No") END("\"refusal\""), "\"No\"",
      NULL, "\"content_filter\"" },

    { "what only Claude has", "",
      START BLOCK("0", "{\"type\":\"server_tool_use\",\"id\":\"s\","
                  "\"name\":\"web_search\",\"input\":{}}")
      DELTA("0", "{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}")
      STOP("0") EVENT("ping", "") EVENT("new_event", ",\"index\":9")
      BLOCK("1", "{\"type\":\"new\"}") DELTA("1", "{\"type\":\"new_delta\"}")
      STOP("1") TEXT("2", "a") END("\"pause_turn\""), "\"a\"", NULL,
      "\"stop\"" },

    { "events without names", "",
      "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"}}\n\n"
      "data:{\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
      "{\"type\":\"text\",\"text\":\"a\"}}\r\n\r\n"
      "data: {\"type\":\"content_block_stop\",\ndata: \"index\":0}\n\n"
      ": a comment\n\n" END("\"new_reason\""), "\"a\"", NULL, "\"stop\"" },

    { "chunks of chat completions", "",
      "data: {\"id\":\"\",\"choices\":[],\"created\":0,\"model\":\"\","
      "\"object\":\"\"}\n\n"
      "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"Hi\","
      "\"role\":\"assistant\"},\"finish_reason\":null,\"index\":0}],"
      "\"created\":1,\"model\":\"m\",\"object\":\"chat.completion.chunk\"}"
      "\n\ndata: {\"id\":\"c\",\"choices\":[{\"delta\":{},"
      "\"finish_reason\":\"length\",\"index\":0}],\"created\":1,\"model\":"
      "\"m\",\"object\":\"chat.completion.chunk\"}\n\ndata: [DONE]\n\n",
      "\"Hi\"", NULL, "\"length\"" },

    { NULL, NULL, NULL, NULL, NULL, NULL }
};


static void
test_answers(void)
{
    char              ask[1024];
    ngx_str_t         in;
    ngx_pool_t       *pool;
    argo_json_t      *root;
    argo_error_t      err;
    front_reply_t     reply;
    const answer_t   *t;
    front_request_t   r;

    for (t = answers; t->name; t++) {
        pool = test_pool();
        in = front_str(t->in);

        (void) sprintf(ask, CHAT(",\"messages\":[" HI "]%s"), t->ask);

        feed(pool, CHAT_WAY, ask, UNARY, &in, BYTES, 1, &r, &reply);

        is(reply.rc, NGX_OK, "answer, %s", t->name);

        root = NULL;
        (void) argo_json_parse(pool, &reply.bytes, 20, &root, &err);

        ok(front_raw_is(root, "choices.0.message.content", t->content),
           "answer, %s: content", t->name);
        ok(front_raw_is(root, "choices.0.finish_reason", t->finish),
           "answer, %s: finish", t->name);

        if (t->calls) {
            ok(front_raw_is(root, "choices.0.message.tool_calls.0.function."
                            "arguments", t->calls), "answer, %s: call",
               t->name);

        } else {
            ok(front_at(root, "choices.0.message.tool_calls.0") == NULL,
               "answer, %s: no call", t->name);
        }

        feed(pool, CHAT_WAY, ask, STREAM, &in, BYTES, 1, &r, &reply);
        is(reply.rc, NGX_OK, "answer, %s: streamed", t->name);

        feed(pool, MESSAGES_WAY, MESSAGES_WAY->request, UNARY, &in, BYTES, 1,
             &r, &reply);
        is(reply.rc, NGX_OK, "answer, %s: messages", t->name);

        root = NULL;
        (void) argo_json_parse(pool, &reply.bytes, 20, &root, &err);

        ok(front_raw_is(root, "type", "\"message\"")
           || front_at(root, "id") != NULL, "answer, %s: a message", t->name);

        feed(pool, MESSAGES_WAY, MESSAGES_WAY->request, STREAM, &in, BYTES,
             1, &r, &reply);
        is(reply.rc, NGX_OK, "answer, %s: messages, streamed", t->name);

        ngx_destroy_pool(pool);
    }
}


/* A custom tool's input is free text: for Claude it is a string in JSON. */

static void
test_custom(void)
{
    ngx_str_t        in;
    ngx_uint_t       stream, i;
    ngx_pool_t      *pool;
    argo_json_t     *root;
    argo_error_t     err;
    front_reply_t    reply;
    front_request_t  r;

    static const char  ask[] =
        "{\"model\":\"claude-opus-4.6\",\"input\":\"Hi\",\"tools\":["
        "{\"type\":\"custom\",\"name\":\"exec\"}]}";

    static const char  *inputs[][2] = {
        { "{\\\"input\\\": \\\"ls \\\\\\\"x\\\\\\\"\\\"}",
          "\"ls \\\"x\\\"\"" },
        { "not JSON", "\"not JSON\"" },
        { "{\\\"other\\\":1}", "\"{\\\"other\\\":1}\"" }
    };

    for (i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        for (stream = UNARY; stream <= STREAM; stream++) {

            pool = test_pool();
            in.data = ngx_pnalloc(pool, 4096);
            in.len = sprintf((char *) in.data, START USE("0", "exec", "%s")
                             END("\"tool_use\""), inputs[i][0]);

            feed(pool, &ways[1], ask, stream, &in, BYTES, 1, &r, &reply);

            is(reply.rc, NGX_OK, "custom tool, %lu", (unsigned long) i);

            if (stream == UNARY) {
                root = NULL;
                (void) argo_json_parse(pool, &reply.bytes, 20, &root, &err);

                ok(front_raw_is(root, "output.0.type",
                                "\"custom_tool_call\""),
                   "custom tool, %lu: its call", (unsigned long) i);
                ok(front_raw_is(root, "output.0.input", inputs[i][1]),
                   "custom tool, %lu: its input", (unsigned long) i);
            }

            ngx_destroy_pool(pool);
        }
    }
}


static void
test_usage(void)
{
    ngx_str_t        in;
    ngx_pool_t      *pool;
    argo_json_t     *root;
    argo_error_t     err;
    front_reply_t    reply;
    front_request_t  r;

    pool = test_pool();
    in = front_str(START TEXT("0", "a") END("\"end_turn\""));

    feed(pool, CHAT_WAY, CHAT_WAY->request, UNARY, &in, WHOLE, 1, &r,
         &reply);

    root = NULL;
    (void) argo_json_parse(pool, &reply.bytes, 20, &root, &err);

    ok(front_raw_is(root, "usage.prompt_tokens", "12"), "usage: prompt");
    ok(front_raw_is(root, "usage.completion_tokens", "7"), "usage: answer");
    ok(front_raw_is(root, "usage.prompt_tokens_details.cached_tokens", "4"),
       "usage: cached");

    is(reply.st.usage.cache_write, 5, "usage: written to the cache");

    ngx_destroy_pool(pool);
}


/* a stream that fails */

typedef struct {
    const char      *name;
    const char      *in;
    ngx_uint_t       status;
    const char      *code;              /* NULL: none */
} fault_t;


static const fault_t  faults[] = {

    { "overloaded", START FAULT("overloaded_error", "Overloaded"), 529,
      NULL },
    { "a limit", FAULT("rate_limit_error", "Slow down"), 429,
      "rate_limit_exceeded" },
    { "an invalid request",
      FAULT("invalid_request_error", "max_tokens is required"), 400, NULL },
    { "the vendor's, printed",
      START FAULT("api_error", "{'type': 'error', 'error': {'type': "
                  "'api_error', 'message': 'Internal server error'}}"),
      502, "upstream_error" },
    { "without its event's name",
      "data: {\"error\":{\"message\":\"Error code: 429 - slow\"}}\n\n", 429,
      "rate_limit_exceeded" },

    { "a denied user",
      EVENT("message_start", ",\"message\":{\"id\":\"msg_blocked_jdoe_1\","
            "\"content\":[]}"), 403, "argo_access_denied" },
    { "a denial's text",
      START TEXT("0", "\\n\\n**IMPORTANT AUTHENTICATION NOTICE FROM ARGO**")
      END("\"end_turn\""), 403, "argo_access_denied" },

    { "two beginnings", START START, 502, "upstream_invalid_reply" },
    { "no beginning", TEXT("0", "a"), 502, "upstream_invalid_reply" },
    { "an end without a beginning", END("\"end_turn\""), 502,
      "upstream_invalid_reply" },
    { "a delta of no block",
      START DELTA("0", "{\"type\":\"text_delta\",\"text\":\"a\"}"), 502,
      "upstream_invalid_reply" },
    { "a delta of another block",
      START BLOCK("0", "{\"type\":\"text\",\"text\":\"\"}")
      DELTA("1", "{\"type\":\"text_delta\",\"text\":\"a\"}"), 502,
      "upstream_invalid_reply" },
    { "the end of no block", START STOP("0"), 502,
      "upstream_invalid_reply" },
    { "a block in a block",
      START BLOCK("0", "{\"type\":\"text\",\"text\":\"\"}")
      BLOCK("1", "{\"type\":\"text\",\"text\":\"\"}"), 502,
      "upstream_invalid_reply" },
    { "an end in a block",
      START BLOCK("0", "{\"type\":\"text\",\"text\":\"\"}")
      END("\"end_turn\""), 502, "upstream_invalid_reply" },
    { "a tool without a name",
      START BLOCK("0", "{\"type\":\"tool_use\",\"id\":\"t\"}"), 502,
      "upstream_invalid_reply" },
    { "no JSON", START "event: ping\ndata: {\n\n", 502,
      "upstream_invalid_reply" },
    { "chunks in its midst", START "data: {\"choices\":[]}\n\n", 502,
      "upstream_invalid_reply" },
    { "an end without a reason", START TEXT("0", "a") END("null"), 502,
      "upstream_incomplete" },
    { "no end", START TEXT("0", "a"), 502, "upstream_incomplete" },
    { "nothing", "", 502, "upstream_incomplete" },
    { "pings", EVENT("ping", ""), 502, "upstream_incomplete" },

    { NULL, NULL, 0, NULL }
};


static void
test_faults(void)
{
    ngx_str_t         in;
    ngx_uint_t        w, stream;
    ngx_pool_t       *pool;
    const fault_t    *t;
    front_reply_t     reply;
    front_request_t   r;

    for (t = faults; t->name; t++) {
        for (w = 0; w < NWAYS; w++) {
            for (stream = UNARY; stream <= STREAM; stream++) {

                pool = test_pool();
                in = front_str(t->in);

                feed(pool, &ways[w], ways[w].request, stream, &in, BYTES, 1,
                     &r, &reply);

                is(reply.rc, NGX_DECLINED, "fault, %s, %s", t->name,
                   ways[w].name);
                is(reply.st.error.status, t->status, "fault, %s, %s: status",
                   t->name, ways[w].name);

                if (t->code) {
                    is_str(&reply.st.error.code, t->code,
                           "fault, %s, %s: code", t->name, ways[w].name);
                }

                if (!reply.st.started) {
                    is(reply.bytes.len, 0, "fault, %s, %s: nothing written",
                       t->name, ways[w].name);
                }

                ngx_destroy_pool(pool);
            }
        }
    }
}


/* a whole reply, though a stream was asked for */

typedef struct {
    const char      *name;
    const char      *file;              /* NULL: in */
    const char      *in;
    ngx_uint_t       status;            /* 0: a success */
    const char      *code;
    const char      *content;           /* for chat */
} body_t;


static const body_t  bodies[] = {
    { "text", "anthropic-text.json", NULL, 0, NULL,
      "\"Hello! It's nice to meet you. How can I help you today?\"" },
    { "a call", "argo-messages-tool-call.json", NULL, 0, NULL, "null" },
    { "denied", "anthropic-denied.json", NULL, 403, "argo_access_denied",
      NULL },
    { "an error", "anthropic-unsigned.json", NULL, 400, NULL, NULL },
    { "overloaded", NULL, "{\"type\":\"error\",\"error\":{\"type\":"
      "\"overloaded_error\",\"message\":\"Overloaded\"}}", 529, NULL, NULL },
    { "thinking", NULL, "{\"id\":\"m\",\"content\":[{\"type\":\"thinking\","
      "\"thinking\":\"Hm\",\"signature\":\"c2ln\"},{\"type\":"
      "\"redacted_thinking\",\"data\":\"ZGF0YQ==\"},{\"type\":\"text\","
      "\"text\":\"a\"}],\"model\":\"m\",\"stop_reason\":\"end_turn\"}", 0,
      NULL, "\"a\"" },
    { "a chat's", NULL, "{\"id\":\"c\",\"object\":\"chat.completion\","
      "\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":"
      "{\"role\":\"assistant\",\"content\":\"Hi\"},\"finish_reason\":"
      "\"stop\"}]}", 0, NULL, "\"Hi\"" },
    { "no end", NULL, "{\"content\":[],\"stop_reason\":null}", 502,
      "upstream_incomplete", NULL },
    { "no JSON", NULL, "Bad Gateway", 502, "upstream_invalid_reply", NULL },
    { "no message", NULL, "{}", 502, "upstream_invalid_reply", NULL },
    { "a list", NULL, "[]", 502, "upstream_invalid_reply", NULL },
    { "a block that is none", NULL, "{\"content\":[1],\"stop_reason\":"
      "\"end_turn\"}", 502, "upstream_invalid_reply", NULL },
    { NULL, NULL, NULL, 0, NULL, NULL }
};


static void
test_bodies(void)
{
    ngx_str_t         in;
    ngx_uint_t        w, stream;
    ngx_pool_t       *pool;
    argo_json_t      *root, *came;
    argo_error_t      err;
    const body_t     *t;
    front_reply_t     reply;
    front_request_t   r;

    for (t = bodies; t->name; t++) {
        for (w = 0; w < NWAYS; w++) {
            for (stream = UNARY; stream <= STREAM; stream++) {

                pool = test_pool();
                in = t->file ? front_file(pool, t->file) : front_str(t->in);

                (void) ask_text(pool, &ways[w], ways[w].request, &r);
                (void) front_begin(pool, &reply, ways[w].front,
                                   &argo_anthropic_back, &r.req, stream);
                reply.rc = argo_stream_body(&reply.st, &in, &reply.out);
                (void) front_end(pool, &reply);

                if (t->status) {
                    is(reply.rc, NGX_DECLINED, "body, %s, %s", t->name,
                       ways[w].name);
                    is(reply.st.error.status, t->status,
                       "body, %s, %s: status", t->name, ways[w].name);

                    if (t->code) {
                        is_str(&reply.st.error.code, t->code,
                               "body, %s, %s: code", t->name, ways[w].name);
                    }

                    ngx_destroy_pool(pool);
                    continue;
                }

                is(reply.rc, NGX_OK, "body, %s, %s", t->name, ways[w].name);

                if (stream == UNARY) {
                    root = NULL;
                    (void) argo_json_parse(pool, &reply.bytes, 20, &root,
                                           &err);

                    if (w == 0) {
                        ok(front_raw_is(root, "choices.0.message.content",
                                        t->content),
                           "body, %s, chat: content", t->name);

                    } else if (&ways[w] == MESSAGES_WAY && t->in == NULL) {
                        came = NULL;
                        (void) argo_json_parse(pool, &in, 20, &came, &err);

                        ok(equal(pool, root, came)
                           && front_raw_is(root, "model",
                                           "\"claude-opus-4.6\""),
                           "body, %s, messages: as it came", t->name);
                    }
                }

                ngx_destroy_pool(pool);
            }
        }
    }
}


/* a request in Anthropic's own language */

typedef struct {
    const char      *name;
    const char      *in;
    const char      *out;
    const char      *drop;              /* a member that a rule drops */
    unsigned         messages:1;        /* a rule wants them written anew */
} splice_t;


static const splice_t  splices[] = {

    { "as it came",
      " {\"max_tokens\" : 10, \"messages\":[{\"content\":\"\\u0048i\","
      "\"role\":\"user\"}],\r\n\"model\":\"claude-opus-4.6\" ,"
      "\"stream\":true,\"new\":[1.50,null]} ",
      " {\"max_tokens\" : 10, \"messages\":[{\"content\":\"\\u0048i\","
      "\"role\":\"user\"}],\r\n\"model\":\"claudeopus46\" ,"
      "\"stream\":true,\"new\":[1.50,null]} ", NULL, 0 },

    { "a unary one is streamed",
      "{\"model\":\"claude-opus-4.6\",\"max_tokens\":9,\"stream\":false,"
      "\"messages\":[" HI "]}",
      "{\"model\":\"claudeopus46\",\"max_tokens\":9,\"stream\":true,"
      "\"messages\":[" HI "]}", NULL, 0 },

    { "nothing said of a stream",
      "{\"model\":\"claude-opus-4.6\",\"max_tokens\":9,"
      "\"messages\":[" HI "]}",
      "{\"stream\":true,\"model\":\"claudeopus46\",\"max_tokens\":9,"
      "\"messages\":[" HI "]}", NULL, 0 },

    { "who it is",
      "{\"model\":\"claude-opus-4.6\",\"max_tokens\":9,\"stream\":true,"
      "\"user\":{\"a\":1},\"metadata\":{\"x\":1,\"user\\u005fid\":\"eve\"},"
      "\"messages\":[" HI "]}",
      "{\"model\":\"claudeopus46\",\"max_tokens\":9,\"stream\":true,"
      "\"user\":\"jdoe\",\"metadata\":{\"x\":1,\"user\\u005fid\":\"jdoe\"},"
      "\"messages\":[" HI "]}", NULL, 0 },

    { "twice who it is",
      "{\"model\":\"x\",\"metadata\":{\"user_id\":\"a\"},\"max_tokens\":9,"
      "\"metadata\":{\"user_id\":\"b\",\"user_id\":null},\"stream\":true,"
      "\"model\":\"claude-opus-4.6\",\"messages\":[" HI "]}",
      "{\"model\":\"claudeopus46\",\"metadata\":{\"user_id\":\"jdoe\"},"
      "\"max_tokens\":9,\"metadata\":{\"user_id\":\"jdoe\","
      "\"user_id\":\"jdoe\"},\"stream\":true,\"model\":\"claudeopus46\","
      "\"messages\":[" HI "]}", NULL, 0 },

    { "a rule drops a member",
      "{\"temperature\":1,\"model\":\"claude-opus-4.6\",\"max_tokens\":9,"
      "\"messages\":[" HI "]}",
      "{\"stream\":true,\"model\":\"claudeopus46\",\"max_tokens\":9,"
      "\"messages\":[" HI "]}", "temperature", 0 },

    { "a rule drops who it is",
      "{\"stream\":true,\"model\":\"claude-opus-4.6\",\"max_tokens\":9,"
      "\"messages\":[" HI "],\"metadata\":{\"user_id\":\"eve\"}}",
      "{\"stream\":true,\"model\":\"claudeopus46\",\"max_tokens\":9,"
      "\"messages\":[" HI "]}", "metadata", 0 },

    { "messages written anew",
      "{\"stream\":true,\"model\":\"claude-opus-4.6\",\"max_tokens\":9,"
      "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},"
      "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
      "\"thinking\": \"Hm\\u0041\",\"signature\":\"s\"},{\"type\":\"text\","
      "\"text\":\" \"},{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\","
      "\"input\":{ }}]},{\"role\":\"user\",\"content\":[{\"type\":"
      "\"tool_result\",\"tool_use_id\":\"t\",\"content\":\"r\","
      "\"cache_control\":{\"type\":\"ephemeral\"}},{\"type\":\"text\","
      "\"text\":\"go\"}]}]}",
      "{\"stream\":true,\"model\":\"claudeopus46\",\"max_tokens\":9,"
      "\"messages\":[" UP_HI ","
      "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
      "\"thinking\": \"Hm\\u0041\",\"signature\":\"s\"},"
      "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\","
      "\"input\":{ }}]},{\"role\":\"user\",\"content\":[{\"type\":"
      "\"tool_result\",\"tool_use_id\":\"t\",\"content\":\"r\","
      "\"cache_control\":{\"type\":\"ephemeral\"}},{\"type\":\"text\","
      "\"text\":\"go\"}]}]}", NULL, 1 },

    { "a system text among the messages",
      "{\"stream\":true,\"model\":\"claude-opus-4.6\",\"max_tokens\":9,"
      "\"system\":\"a\",\"messages\":[" HI ",{\"role\":\"system\","
      "\"content\":\"b\"}]}",
      "{\"stream\":true,\"model\":\"claudeopus46\",\"max_tokens\":9,"
      "\"system\":[" UP_TEXT("a") "," UP_TEXT("b") "],\"messages\":["
      UP_HI "]}", NULL, 1 },

    { "the only system text among the messages",
      "{\"stream\":true,\"model\":\"claude-opus-4.6\",\"max_tokens\":9,"
      "\"messages\":[{\"role\":\"system\",\"content\":\"b\"}," HI "]}",
      "{\"system\":[" UP_TEXT("b") "],\"stream\":true,"
      "\"model\":\"claudeopus46\",\"max_tokens\":9,\"messages\":["
      UP_HI "]}", NULL, 1 },

    { NULL, NULL, NULL, NULL, 0 }
};


/* The way of a request in Anthropic's language, with a rule's changes. */

static ngx_int_t
splice_text(ngx_pool_t *pool, const ngx_str_t *json, const char *drop,
    ngx_uint_t messages, const argo_model_t *target, front_request_t *r)
{
    argo_out_t    out;
    argo_json_t  *node;

    memset(r, 0, sizeof(front_request_t));

    r->req.document = *json;
    r->req.dialect = ARGO_DIALECT_MESSAGES;
    r->req.target = target;
    ngx_str_set(&r->req.user, "jdoe");

    r->rc = argo_json_parse(pool, json, argo_anthropic_front.tree_depth,
                            &r->req.root, &r->err);

    if (r->rc == NGX_OK) {
        r->rc = argo_anthropic_front.read_request(pool, &r->req, &r->err);
    }

    if (r->rc == NGX_OK && drop) {
        node = argo_json_find(r->req.root, drop, strlen(drop));

        if (node) {
            r->rc = argo_request_drop(pool, &r->req, NULL, &node, drop,
                                      "the model refuses it");
        }
    }

    if (r->rc != NGX_OK) {
        return r->rc;
    }

    r->req.rewrite_messages = messages;
    r->rc = argo_anthropic_back.plan_call(pool, &r->req, 0, &r->call,
                                          &r->err);

    if (r->rc == NGX_OK) {
        argo_out_init(&out, pool, 512, NULL, 0);
        argo_anthropic_back.write_request(&r->req, &r->call, &out);
        r->rc = argo_out_flatten(&out, pool, &r->body);
    }

    return r->rc;
}


static void
test_splices(void)
{
    ngx_str_t         json;
    ngx_pool_t       *pool;
    const splice_t   *t;
    front_request_t   r;

    for (t = splices; t->name; t++) {
        pool = test_pool();
        json = front_str(t->in);

        splice_text(pool, &json, t->drop, t->messages, claude(pool), &r);

        is(r.rc, NGX_OK, "spliced, %s: taken", t->name);
        is_str(&r.body, t->out, "spliced, %s", t->name);

        ngx_destroy_pool(pool);
    }
}


/* An image that has been fetched takes the place of its URL. */

static void
test_fetched(void)
{
    ngx_str_t         json;
    argo_out_t        out, url;
    ngx_pool_t       *pool;
    argo_part_t      *part;
    argo_message_t   *message;
    front_request_t   r;

    static const char  in[] =
        "{\"stream\":true,\"model\":\"claude-opus-4.6\",\"system\":\"s\","
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\","
        "\"source\":{\"type\":\"url\",\"url\":\"http://a/b.png\"},"
        "\"cache_control\":{\"type\":\"ephemeral\"}},{\"type\":\"text\", "
        "\"text\":\"x\"}]}],\"max_tokens\":9}";

    pool = test_pool();
    json = front_str(in);

    memset(&r, 0, sizeof(front_request_t));

    r.req.document = json;
    r.req.dialect = ARGO_DIALECT_MESSAGES;
    r.req.fetch_images = 1;
    r.req.target = claude(pool);
    ngx_str_set(&r.req.user, "jdoe");

    r.rc = argo_json_parse(pool, &json, argo_anthropic_front.tree_depth,
                           &r.req.root, &r.err);

    if (r.rc == NGX_OK) {
        r.rc = argo_anthropic_front.read_request(pool, &r.req, &r.err);
    }

    is(r.rc, NGX_OK, "fetched: taken");

    argo_out_init(&url, pool, 512, NULL, 1);
    argo_out_lit(&url, "data:image/png;base64,AAAA");

    for (message = r.req.messages; message; message = message->next) {
        for (part = message->parts; part; part = part->next) {
            if (part->type == ARGO_PART_IMAGE) {
                part->data = &url;
            }
        }
    }

    (void) argo_anthropic_back.plan_call(pool, &r.req, 0, &r.call, &r.err);

    argo_out_init(&out, pool, 512, NULL, 0);
    argo_anthropic_back.write_request(&r.req, &r.call, &out);
    (void) argo_out_flatten(&out, pool, &r.body);

    is_str(&r.body, "{\"stream\":true,\"model\":\"claudeopus46\",\"system\":"
           "\"s\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
           "\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
           "\"image/png\",\"data\":\"AAAA\"},\"cache_control\":{\"type\":"
           "\"ephemeral\"}},{\"type\":\"text\", \"text\":\"x\"}]}],"
           "\"max_tokens\":9}", "fetched");

    ngx_destroy_pool(pool);
}


/*
 * Generated requests in Anthropic's language.  What is expected is written
 * beside what is sent: another hand than the one that is tested.
 */

typedef struct {
    u_char           in[8192];
    u_char           out[8192];
    size_t           nin;
    size_t           nout;
    uint64_t         seed;
} gen_t;


static ngx_uint_t
dice(gen_t *g, ngx_uint_t n)
{
    g->seed ^= g->seed << 13;
    g->seed ^= g->seed >> 7;
    g->seed ^= g->seed << 17;

    return (g->seed >> 11) % n;
}


static void
put_in(gen_t *g, const char *s)
{
    size_t  n;

    n = strlen(s);
    memcpy(g->in + g->nin, s, n);
    g->nin += n;
}


static void
put_out(gen_t *g, const char *s)
{
    size_t  n;

    n = strlen(s);
    memcpy(g->out + g->nout, s, n);
    g->nout += n;
}


static void
put(gen_t *g, const char *s)
{
    put_in(g, s);
    put_out(g, s);
}


static void
put_space(gen_t *g)
{
    static const char *const  spaces[] = {
        "", "", "", "", "", " ", "\n", "\t ", "\r\n  "
    };

    put(g, spaces[dice(g, sizeof(spaces) / sizeof(spaces[0]))]);
}


static void
put_string(gen_t *g)
{
    ngx_uint_t  i;

    static const char *const  pieces[] = {
        "a", "Hi there", "\\n", "\\u00e9", "\xc3\xa9", "\\\"", "\\\\",
        "\\ud83d\\ude00", "\xf0\x9f\x98\x80", " ", "model", "\\/", "{", "}",
        "\\ud800", "user_id", ","
    };

    put(g, "\"x");

    for (i = dice(g, 6); i; i--) {
        put(g, pieces[dice(g, sizeof(pieces) / sizeof(pieces[0]))]);
    }

    put(g, "\"");
}


static void
put_value(gen_t *g, ngx_uint_t depth)
{
    ngx_uint_t  i, n;

    static const char *const  scalars[] = {
        "null", "true", "false", "0", "-1.50", "1e+2",
        "12345678901234567890", "[]", "{}"
    };

    switch (dice(g, depth ? 5 : 3)) {

    case 0:
        put_string(g);
        return;

    case 3:
    case 4:
        n = dice(g, 3) + 1;
        put(g, "{");

        for (i = 0; i < n; i++) {
            put(g, i ? "," : "");
            put_space(g);
            put_string(g);
            put_space(g);
            put(g, ":");
            put_space(g);
            put_value(g, depth - 1);
            put_space(g);
        }

        put(g, "}");
        return;

    default:
        put(g, scalars[dice(g, sizeof(scalars) / sizeof(scalars[0]))]);
    }
}


static void
put_name(gen_t *g, const char *name, const char *escaped)
{
    put(g, dice(g, 8) ? name : escaped);
    put_space(g);
    put(g, ":");
    put_space(g);
}


/* A value that the module has to replace. */

static void
put_changed(gen_t *g, const char *to)
{
    size_t  nout;

    nout = g->nout;
    put_value(g, 2);
    g->nout = nout;
    put_out(g, to);
}


static void
put_message(gen_t *g, ngx_uint_t i)
{
    static const char *const  blocks[] = {
        "{\"type\":\"text\",\"text\":\"a\\u0062\"}",
        "{ \"text\" : \"b\" , \"type\" : \"text\",\"cache_control\":"
        "{\"type\":\"ephemeral\"} }",
        "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
        "\"image/png\",\"data\":\"iVBORw0KGgo=\"}}",
        "{\"type\":\"new_block\",\"what\":[1, 2]}"
    };

    put(g, "{");
    put_space(g);
    put(g, (i & 1) ? "\"role\":\"assistant\"," : "\"role\":\"user\",");
    put_name(g, "\"content\"", "\"c\\u006fntent\"");

    if (dice(g, 2)) {
        put_string(g);

    } else {
        put(g, "[");
        put(g, blocks[dice(g, 2)]);

        if (!(i & 1) && dice(g, 2)) {
            put(g, ",");
            put_space(g);
            put(g, blocks[dice(g, sizeof(blocks) / sizeof(blocks[0]))]);
        }

        put(g, "]");
    }

    put_space(g);
    put(g, "}");
}


/* One of the members; which is said by n, once each. */

static void
put_member(gen_t *g, ngx_uint_t n)
{
    ngx_uint_t  i, count;

    switch (n) {

    case 0:
        put_name(g, "\"model\"", "\"m\\u006fdel\"");
        put_in(g, "\"claude-opus-4.6\"");
        put_out(g, "\"claudeopus46\"");
        return;

    case 1:
        put_name(g, "\"max_tokens\"", "\"max\\u005ftokens\"");
        put(g, dice(g, 2) ? "1024" : "9");
        return;

    case 2:
        put_name(g, "\"messages\"", "\"mess\\u0061ges\"");
        put(g, "[");
        count = dice(g, 3) + 1;

        for (i = 0; i < count; i++) {
            put(g, i ? "," : "");
            put_space(g);
            put_message(g, i);
        }

        put(g, "]");
        return;

    case 3:
        put_name(g, "\"user\"", "\"us\\u0065r\"");
        put_changed(g, "\"jdoe\"");
        return;

    case 4:
        put_name(g, "\"metadata\"", "\"meta\\u0064ata\"");
        put(g, "{\"user_id\":");
        put_changed(g, "\"jdoe\"");

        if (dice(g, 2)) {
            put(g, ",");
            put_string(g);
            put(g, ":");
            put_value(g, 2);
        }

        put(g, "}");
        return;

    case 5:
        put_name(g, "\"stream\"", "\"stre\\u0061m\"");
        put_in(g, dice(g, 2) ? "true" : "false");
        put_out(g, "true");
        return;

    case 6:
        put(g, "\"temperature\":");
        put(g, dice(g, 2) ? "0.50" : "1");
        return;

    case 7:
        put(g, "\"system\":");
        put_string(g);
        return;

    default:
        put_string(g);
        put(g, ":");
        put_value(g, 3);
    }
}


static void
generate(gen_t *g)
{
    ngx_uint_t  i, j, n, stream, member, order[10];

    g->nin = 0;
    g->nout = 0;

    put_space(g);
    put(g, "{");

    n = 3;
    stream = 0;
    order[0] = 0;
    order[1] = 1;
    order[2] = 2;

    for (i = 3; i < 10; i++) {

        if (dice(g, 2)) {
            stream |= (i == 5);
            order[n++] = i;
        }
    }

    for (i = n - 1; i; i--) {
        j = dice(g, i + 1);

        member = order[i];
        order[i] = order[j];
        order[j] = member;
    }

    if (!stream) {
        put_out(g, "\"stream\":true,");
    }

    for (i = 0; i < n; i++) {
        put(g, i ? "," : "");
        put_space(g);
        put_member(g, order[i]);
        put_space(g);
    }

    put(g, "}");
    put_space(g);
}


static void
test_generated(void)
{
    gen_t                *g;
    ngx_str_t             json;
    ngx_uint_t            i, bad;
    ngx_pool_t           *pool;
    front_request_t       r;
    const argo_model_t   *target;

    g = malloc(sizeof(gen_t));
    if (g == NULL) {
        abort();
    }

    g->seed = 0x9e3779b97f4a7c15;

    pool = test_pool();
    target = claude(pool);
    ngx_destroy_pool(pool);

    bad = 0;

    for (i = 0; i < GENERATED; i++) {
        generate(g);

        pool = test_pool();
        json.data = g->in;
        json.len = g->nin;

        splice_text(pool, &json, NULL, 0, target, &r);

        if (r.rc != NGX_OK || r.body.len != g->nout
            || memcmp(r.body.data, g->out, g->nout) != 0)
        {
            if (bad++ < 3) {
                printf("# rc %ld, %.*s\n", (long) r.rc,
                       (int) r.err.message.len, (char *) r.err.message.data);
                test_show("in", g->in, g->nin);
                test_show("got", r.body.data, r.body.len);
                test_show("expected", g->out, g->nout);
            }
        }

        ngx_destroy_pool(pool);
    }

    is(bad, 0, "%lu requests as they came but for the edits",
       (unsigned long) GENERATED);

    free(g);
}


/* No event may take memory that stays: a stream has any number of them. */

static ngx_uint_t
taken(ngx_pool_t *pool)
{
    ngx_uint_t         n;
    ngx_pool_large_t  *large;

    n = 0;

    for (large = pool->large; large; large = large->next) {
        n++;
    }

    return n;
}


static void
test_memory(void)
{
    ngx_uint_t        w, i, before;
    ngx_pool_t       *pool, *out_pool;
    argo_out_t        out;
    front_request_t   r;
    front_reply_t     reply;

    static u_char  start[] = START
                             BLOCK("0", "{\"type\":\"text\",\"text\":\"\"}")
                             DELTA("0", "{\"type\":\"text_delta\","
                                   "\"text\":\"begun\"}");
    static u_char  delta[] = DELTA("0", "{\"type\":\"text_delta\","
                                   "\"text\":\"more\"}")
                             EVENT("ping", "");

    for (w = 0; w < NWAYS; w++) {
        pool = test_pool();

        (void) ask_text(pool, &ways[w], ways[w].request, &r);
        (void) front_begin(pool, &reply, ways[w].front,
                           &argo_anthropic_back, &r.req, STREAM);

        out_pool = test_pool();
        argo_out_init(&out, out_pool, 4096, NULL, 1);

        (void) argo_stream_push(&reply.st, start, sizeof(start) - 1, &out);
        (void) argo_stream_push(&reply.st, delta, sizeof(delta) - 1, &out);

        before = taken(pool);

        for (i = 0; i < 2000; i++) {
            if (argo_stream_push(&reply.st, delta, sizeof(delta) - 1, &out)
                != NGX_OK)
            {
                break;
            }
        }

        is(i, 2000, "memory, %s: taken", ways[w].name);

        if (ways[w].front->collect_event == NULL
            || &ways[w] == MESSAGES_WAY)
        {
            is(taken(pool), before, "memory, %s: none for events",
               ways[w].name);

        } else {
            ok(taken(pool) - before < 64, "memory, %s: blocks for text",
               ways[w].name);
        }

        ngx_destroy_pool(out_pool);
        ngx_destroy_pool(pool);
    }
}


/* Each allocation fails in turn: an error, and never a wrong answer. */

static ngx_int_t
whole_way(ngx_pool_t *pool, const way_t *way, const char *request,
    ngx_uint_t stream, const ngx_str_t *in, front_reply_t *reply)
{
    front_request_t  r;

    return feed(pool, way, request, stream, in, in->len / 2, 1, &r, reply);
}


static void
test_no_memory(void)
{
    ngx_str_t       in;
    ngx_uint_t      i, w, n, stream, wrong;
    ngx_pool_t     *pool, *whole_pool;
    front_reply_t   whole, reply;

    static const char  chat[] =
        CHAT(TOOL FORMAT(SCHEMA) ",\"seed\":1,\"stop\":[\" \",\"a\"],"
             "\"messages\":[" HI "," CALLS(CALL("c1", "{\\\"a\\\":1}")
             "," CALL("c.2", "")) "," RESULT("c.2", "two") "," HI "]");

    static const char  messages[] =
        "{\"model\":\"claude-opus-4.6\",\"max_tokens\":9,\"metadata\":"
        "{\"user_id\":\"eve\"},\"messages\":[" HI "]}";

    static const char  body[] =
        START TEXT("0", "a") USE("1", "f", "{\\\"a\\\":1")
        BLOCK("2", "{\"type\":\"thinking\",\"thinking\":\"\"}")
        DELTA("2", "{\"type\":\"thinking_delta\",\"thinking\":\"Hm\"}")
        DELTA("2", "{\"type\":\"signature_delta\",\"signature\":\"s\"}")
        STOP("2") END("\"max_tokens\"");

    in = front_str(body);

    for (w = 0; w < NWAYS; w += 2) {
        for (stream = UNARY; stream <= STREAM; stream++) {

            whole_pool = test_pool();

            ngx_shim_fail(0);
            whole_way(whole_pool, &ways[w], w ? messages : chat, stream, &in,
                      &whole);
            n = ngx_shim_count();

            is(whole.rc, NGX_OK, "no memory, %s, %lu: but there is",
               ways[w].name, (unsigned long) stream);

            wrong = 0;

            for (i = 1; i <= n; i++) {
                pool = test_pool();

                ngx_shim_fail(i);
                whole_way(pool, &ways[w], w ? messages : chat, stream, &in,
                          &reply);

                if (ngx_shim_failed() ? reply.rc != NGX_ERROR
                                      : reply.rc != NGX_OK)
                {
                    wrong++;
                    printf("# allocation %lu: %ld\n", (unsigned long) i,
                           (long) reply.rc);
                }

                ngx_shim_fail(0);
                ngx_destroy_pool(pool);
            }

            is(wrong, 0, "no memory, %s, %lu: an error", ways[w].name,
               (unsigned long) stream);

            ngx_destroy_pool(whole_pool);
        }
    }
}


int
main(void)
{
    test_requests();
    test_others();
    test_notes();
    test_splices();
    test_fetched();
    test_generated();
    test_answers();
    test_custom();
    test_usage();
    test_spliced_streams();
    test_folded();
    test_bodies();
    test_faults();
    test_memory();
    test_no_memory();
    test_cuts();

    return front_done();
}
