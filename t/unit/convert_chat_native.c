
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * ARGO's native chat completions: requests that are sent on with edits, and
 * those that are written from other dialects; replies in the forms of several
 * vendors; recorded streams, cut at each byte, against what is checked in.
 */


#include "argo_front.h"

#include "argo_request.h"
#include "argo_rules.h"


#define HI      "{\"role\":\"user\",\"content\":\"Hi\"}"
#define ASK     "{\"model\":\"gpt-4o\",\"messages\":[" HI "]}"

#define CHUNK(rest)  "data: {\"id\":\"c\",\"created\":1,\"model\":\"m\"," rest \
                     "}\n\n"
#define CAME(rest)   "data: {\"id\":\"c\",\"created\":1,\"model\":"          \
                     "\"gpt-4o\"," rest "}\n\n"
#define DELTA(delta) "\"choices\":[{\"index\":0,\"delta\":{" delta "},"      \
                     "\"finish_reason\":null}]"
#define FINAL(why)   "\"choices\":[{\"index\":0,\"delta\":{},"               \
                     "\"finish_reason\":\"" why "\"}]"
#define DONE         "data: [DONE]\n\n"

#define WHOLE_REPLY(message, why)                                             \
    "{\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{"   \
    message "},\"finish_reason\":" why "}]}"
#define WHOLE_CAME(message, why)                                              \
    "{\"id\":\"c\",\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,"           \
    "\"message\":{" message "},\"finish_reason\":" why "}]}"


/* bits of what a model refuses */

#define R_DEVELOPER  0x01
#define R_NULL       0x02
#define R_BLANK      0x04
#define R_PAIRS      0x08
#define R_REWRITE    0x0f


typedef struct {
    const char      *name;
    ngx_uint_t       refuses;
    const char      *in;
    const char      *out;               /* NULL: refused */
    const char      *param;
} splice_t;


typedef struct {
    const char      *name;
    const char      *in;
    const char      *out;               /* NULL: an error */
    const char      *code;
    ngx_uint_t       status;
} reply_case_t;


static ngx_int_t
read_splice(ngx_pool_t *pool, ngx_uint_t refuses, const char *in,
    front_request_t *r, argo_profile_t *profile)
{
    argo_out_t           out;
    const argo_back_t   *back;
    const argo_front_t  *front;

    front = &argo_openai_chat_front;
    back = &argo_openai_chat_back;

    memset(r, 0, sizeof(front_request_t));
    memset(profile, 0, sizeof(argo_profile_t));

    profile->developer = !(refuses & R_DEVELOPER);
    profile->null_content = !(refuses & R_NULL);
    profile->blank_text = !(refuses & R_BLANK);
    profile->pair_calls = (refuses & R_PAIRS) != 0;

    r->req.document = front_str(in);
    r->req.dialect = front->dialect;

    r->rc = argo_json_parse(pool, &r->req.document, front->tree_depth,
                            &r->req.root, &r->err);

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

    ngx_str_set(&r->req.user, "jdoe");

    if (refuses) {
        r->req.profile = profile;
        r->req.rewrite_messages = 1;
    }

    r->rc = back->plan_call(pool, &r->req, 0, &r->call, &r->err);

    if (r->rc == NGX_OK) {
        argo_out_init(&out, pool, 512, NULL, 0);
        back->write_request(&r->req, &r->call, &out);
        r->rc = argo_out_flatten(&out, pool, &r->body);
    }

    return r->rc;
}


#define G(messages)  "{\"model\":\"gemini-2.5-pro\",\"messages\":[" messages  \
                     "]}"
#define UP(messages) "{\"user\":\"jdoe\",\"model\":\"gemini25pro\","          \
                     "\"messages\":[" messages "]}"
#define CALL(id)     "{\"id\":\"" id "\",\"type\":\"function\",\"function\":" \
                     "{\"name\":\"f\",\"arguments\":\"{}\"}}"
#define TOOL         "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}"
#define SIGNED(id)   "{\"id\":\"" id "\",\"type\":\"function\",\"function\":" \
                     "{\"name\":\"f\",\"arguments\":\"{}\"},"                \
                     "\"extra_content\":{\"google\":"                       \
                     "{\"thought_signature\":\"c2ln\"}}}"
#define RESULT(id)   "{\"role\":\"tool\",\"tool_call_id\":\"" id "\", "       \
                     "\"content\":\"" id "\"}"


static const splice_t  splices[] = {

    { "as it came", 0,
      " {\"messages\" : [" HI "],\n\"model\":\"gpt-4o\", \"user\":1.10 }\n",
      " {\"messages\" : [" HI "],\n\"model\":\"gpt4o\", \"user\":\"jdoe\" }"
      "\n", NULL },

    { "names twice, and escaped", 0,
      "{\"model\":\"x\",\"us\\u0065r\":null,\"messages\":[" HI "],"
      "\"user\":[],\"\\u006dodel\":\"gpt-4o\"}",
      "{\"model\":\"gpt4o\",\"us\\u0065r\":\"jdoe\",\"messages\":[" HI "],"
      "\"user\":\"jdoe\",\"\\u006dodel\":\"gpt4o\"}", NULL },

    { "a stream", 0,
      "{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[" HI "]}",
      "{\"user\":\"jdoe\",\"stream_options\":{\"include_usage\":true},"
      "\"model\":\"gpt4o\",\"stream\":true,\"messages\":[" HI "]}", NULL },

    { "a stream with options", 0,
      "{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[" HI "],"
      "\"stream_options\":{\"include_obfuscation\": false}}",
      "{\"user\":\"jdoe\",\"model\":\"gpt4o\",\"stream\":true,"
      "\"messages\":[" HI "],\"stream_options\":{\"include_usage\":true,"
      "\"include_obfuscation\": false}}", NULL },

    { "a stream without usage", 0,
      "{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[" HI "],"
      "\"stream_options\":{\"include_usage\": false}}",
      "{\"user\":\"jdoe\",\"model\":\"gpt4o\",\"stream\":true,"
      "\"messages\":[" HI "],\"stream_options\":{\"include_usage\": true}}",
      NULL },

    { "what only OpenAI knows", 0,
      "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"developer\","
      "\"content\":[{\"type\":\"input_audio\",\"input_audio\":{}}]},"
      "{\"role\":\"assistant\",\"content\":null,\"refusal\":\"no\"}," HI
      "],\"functions\":[{\"name\":\"f\"}],\"function_call\":\"auto\","
      "\"n\":3,\"logprobs\":true,\"prediction\":{}}",
      "{\"user\":\"jdoe\",\"model\":\"gpt4o\",\"messages\":[{\"role\":"
      "\"developer\","
      "\"content\":[{\"type\":\"input_audio\",\"input_audio\":{}}]},"
      "{\"role\":\"assistant\",\"content\":null,\"refusal\":\"no\"}," HI
      "],\"functions\":[{\"name\":\"f\"}],\"function_call\":\"auto\","
      "\"n\":3,\"logprobs\":true,\"prediction\":{}}", NULL },

    { "custom and allowed tools", 0,
      "{\"model\":\"gpt-4o\",\"messages\":[" HI "],\"tools\":[{\"type\":"
      "\"custom\",\"custom\":{\"name\":\"c\",\"format\":{\"type\":"
      "\"text\"}}}],\"tool_choice\":{\"type\":\"allowed_tools\","
      "\"allowed_tools\":{\"mode\":\"required\",\"tools\":[]}}}",
      "{\"user\":\"jdoe\",\"model\":\"gpt4o\",\"messages\":[" HI "],"
      "\"tools\":[{\"type\":"
      "\"custom\",\"custom\":{\"name\":\"c\",\"format\":{\"type\":"
      "\"text\"}}}],\"tool_choice\":{\"type\":\"allowed_tools\","
      "\"allowed_tools\":{\"mode\":\"required\",\"tools\":[]}}}", NULL },

    { "Claude's thoughts are not OpenAI's", 0,
      "{\"model\":\"gpt-4o\",\"messages\":[" HI ",{\"role\":\"assistant\","
      "\"reasoning_content\":\"hm\", \"content\":\"a\",\"thinking_blocks\":"
      "[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"s\"}]}]}",
      "{\"user\":\"jdoe\",\"model\":\"gpt4o\",\"messages\":[" HI ",{\"role\":"
      "\"assistant\",\"content\":\"a\"}]}", NULL },

    { "Gemini's signatures are not OpenAI's", 0,
      "{\"model\":\"gpt-4o\",\"messages\":[" HI ",{\"role\":\"assistant\","
      "\"content\":null,\"tool_calls\":[" SIGNED("a") ", " CALL("b") "]},"
      RESULT("a") "," RESULT("b") "]}",
      "{\"user\":\"jdoe\",\"model\":\"gpt4o\",\"messages\":[" HI ",{\"role\":"
      "\"assistant\",\"content\":null,\"tool_calls\":[" CALL("a") ", "
      CALL("b") "]}," RESULT("a") "," RESULT("b") "]}", NULL },

    { "but they are Gemini's", 0,
      G(HI ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
        SIGNED("a") "]}," RESULT("a")),
      UP(HI ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
         SIGNED("a") "]}," RESULT("a")), NULL },

    { "a choice that is no choice, for Gemini", 0,
      "{\"model\":\"gemini-2.5-pro\",\"tool_choice\" : \"auto\","
      "\"messages\":[" HI "],\"tools\":[]}",
      "{\"user\":\"jdoe\",\"model\":\"gemini25pro\","
      "\"messages\":[" HI "],\"tools\":[]}", NULL },

    { "one that is, for Gemini", 0,
      "{\"model\":\"gemini-2.5-pro\",\"tool_choice\" : \"required\","
      "\"messages\":[" HI "],\"tools\":[" TOOL "]}",
      "{\"user\":\"jdoe\",\"model\":\"gemini25pro\",\"tool_choice\" : "
      "\"required\",\"messages\":[" HI "],\"tools\":[" TOOL "]}", NULL },

    { "the developer", R_DEVELOPER,
      "{\"model\":\"gpt-4o\",\"messages\":[{\"role\": \"developer\","
      "\"content\":\"x\", \"name\":\"n\"}," HI "]}",
      "{\"user\":\"jdoe\",\"model\":\"gpt4o\",\"messages\":[{\"role\": "
      "\"system\",\"content\":\"x\", \"name\":\"n\"}," HI "]}", NULL },

    { "content of null", R_NULL,
      G(HI ",{\"role\":\"assistant\",\"content\" : null,\"tool_calls\":["
        CALL("a") "]}," RESULT("a") ",{\"role\":\"assistant\","
        "\"tool_calls\":[" CALL("b") "]}," RESULT("b")),
      UP(HI ",{\"role\":\"assistant\",\"content\" : \"\",\"tool_calls\":["
         CALL("a") "]}," RESULT("a") ",{\"content\":\"\",\"role\":"
         "\"assistant\",\"tool_calls\":[" CALL("b") "]}," RESULT("b")),
      NULL },

    { "a refusal for others than OpenAI's", R_NULL,
      G(HI ",{\"role\":\"assistant\",\"content\":null,\"refusal\":\"n\\u006f"
        "\"}"),
      UP(HI ",{\"role\":\"assistant\",\"content\":\"n\\u006f\",\"refusal\":"
         "\"n\\u006f\"}"), NULL },

    { "blanks", R_BLANK,
      G("{\"role\":\"system\",\"content\":\" \\n\"},{\"role\":\"user\","
        "\"content\":\"\"},{\"role\":\"assistant\",\"content\":\" \"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
        "{\"type\":\"text\",\"text\":\"\\t\"},"
        "{\"type\":\"text\",\"text\":\"\\u0009\\u000B\\f\\u0020\"}]}"),
      UP("{\"role\":\"user\",\"content\":\"[continue]\"},{\"role\":\"user\","
         "\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}"), NULL },

    { "parallel calls", R_PAIRS,
      G(HI ",{\"role\":\"assistant\",\"content\":\"t\",\"tool_calls\":["
        CALL("a") "," CALL("b") "],\"x\":1}," RESULT("b") "," RESULT("a")
        "," HI),
      UP(HI ",{\"role\":\"assistant\",\"content\":\"t\",\"tool_calls\":["
         CALL("a") "],\"x\":1}," RESULT("a") ",{\"role\":\"assistant\","
         "\"content\":\"\",\"tool_calls\":[" CALL("b") "]}," RESULT("b") ","
         HI), NULL },

    { "one call, one result", R_PAIRS,
      G(HI ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[ "
        CALL("a") " ]}, " RESULT("a")),
      UP(HI ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[ "
         CALL("a") " ]}, " RESULT("a")), NULL },

    { "a call that was never answered", R_PAIRS,
      G(HI ",{\"role\":\"assistant\",\"tool_calls\":[" CALL("a") ","
        CALL("b") "]}," RESULT("b") "," HI),
      UP(HI ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
         CALL("a") "]},{\"role\":\"tool\",\"tool_call_id\":\"a\",\"name\":"
         "\"f\",\"content\":\"[no result]\"},{\"role\":\"assistant\","
         "\"content\":\"\",\"tool_calls\":[" CALL("b") "]}," RESULT("b") ","
         HI), NULL },

    { "results by position", R_PAIRS,
      G(HI ",{\"role\":\"assistant\",\"tool_calls\":[" CALL("a") ","
        CALL("b") "]}," RESULT("x") "," RESULT("y")),
      UP(HI ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
         CALL("a") "]}," RESULT("x") ",{\"role\":\"assistant\","
         "\"content\":\"\",\"tool_calls\":[" CALL("b") "]}," RESULT("y")),
      NULL },

    { "calls at the end", R_PAIRS,
      G(HI ",{\"role\":\"assistant\",\"tool_calls\":[" CALL("a") ","
        CALL("b") "]}"),
      UP(HI ",{\"role\":\"assistant\",\"tool_calls\":[" CALL("a") ","
         CALL("b") "]}"), NULL },

    { "a result of no call", R_PAIRS,
      G(HI ",{\"role\":\"assistant\",\"tool_calls\":[" CALL("a") ","
        CALL("b") "]}," RESULT("a") "," RESULT("b") "," RESULT("c")),
      NULL, "messages[4].tool_call_id" },

    { "n of no number", 0,
      "{\"model\":\"gpt-4o\",\"messages\":[" HI "],\"n\":0}", NULL, "n" },

    { "temperature of no number", 0,
      "{\"model\":\"gpt-4o\",\"messages\":[" HI "],\"temperature\":\"1\"}",
      NULL, "temperature" },

    { NULL, 0, NULL, NULL, NULL }
};


static void
test_splices(void)
{
    ngx_pool_t       *pool;
    argo_profile_t    profile;
    front_request_t   r;
    const splice_t   *t;

    for (t = splices; t->name; t++) {
        pool = test_pool();

        (void) read_splice(pool, t->refuses, t->in, &r, &profile);

        if (t->out == NULL) {
            is(r.rc, NGX_DECLINED, "%s", t->name);
            is_str(&r.err.param, t->param, "%s: param", t->name);

        } else if (is(r.rc, NGX_OK, "%s", t->name)) {
            is_str(&r.body, t->out, "%s: goes up", t->name);

        } else {
            test_show("message", r.err.message.data, r.err.message.len);
        }

        ngx_destroy_pool(pool);
    }
}


static void
test_splice_failures(void)
{
    ngx_uint_t        i, n;
    ngx_pool_t       *pool;
    argo_profile_t    profile;
    front_request_t   r;
    const splice_t   *t;

    n = 0;

    for (t = splices; t->name; t++) {

        for (i = 1; i < 500; i++) {
            pool = test_pool();

            ngx_shim_fail(i);
            (void) read_splice(pool, t->refuses, t->in, &r, &profile);

            if (!ngx_shim_failed()) {
                ngx_destroy_pool(pool);
                break;
            }

            n += (r.rc != NGX_ERROR && r.rc != NGX_DECLINED);

            ngx_destroy_pool(pool);
        }

        ngx_shim_fail(0);
    }

    is(n, 0, "each allocation may fail");
}


/* A parameter that a rule has changed, and others of its name. */

static void
test_changes(void)
{
    ngx_str_t         value;
    argo_out_t        out;
    ngx_pool_t       *pool;
    argo_profile_t    profile;
    front_request_t   r;

    pool = test_pool();

    is(read_splice(pool, 0, "{\"temperature\":0.1,\"model\":\"gpt-4o\","
                   "\"max_tokens\":5,\"top_p\":1,\"messages\":[" HI "],"
                   "\"temperature\":0.2,\"top_p\":0.5}", &r, &profile),
       NGX_OK, "parameters twice");

    ok(r.req.temperature && !r.req.temperature->taken, "are not taken");
    value = STR("1");

    if (argo_request_drop(pool, &r.req, NULL, &r.req.temperature,
                          "temperature", "not taken") != NGX_OK
        || argo_request_set(pool, &r.req, NULL, &r.req.top_p,
                            ARGO_JSON_NUMBER, "top_p", &value, "only 1")
           != NGX_OK
        || argo_request_rename(pool, &r.req, r.req.max_tokens, "max_tokens",
                               "max_completion_tokens", "its name")
           != NGX_OK)
    {
        abort();
    }

    argo_out_init(&out, pool, 512, NULL, 0);
    argo_openai_chat_back.write_request(&r.req, &r.call, &out);

    is(argo_out_flatten(&out, pool, &r.body), NGX_OK, "and changed");
    is_str(&r.body, "{\"user\":\"jdoe\",\"model\":\"gpt4o\","
                    "\"max_completion_tokens\":5,\"messages\":[" HI "],"
                    "\"top_p\":1}", "are what the rules say, once");

    ngx_destroy_pool(pool);
}


/* ---- what other dialects say, made by hand */

static argo_part_t *
part(ngx_pool_t *pool, argo_part_e type, const char *text)
{
    argo_part_t  *p;

    p = ngx_pcalloc(pool, sizeof(argo_part_t));

    if (p == NULL) {
        abort();
    }

    p->type = type;
    p->text = front_str(text);

    return p;
}


static argo_message_t *
say(argo_request_t *req, ngx_pool_t *pool, argo_role_e role, argo_part_t *p)
{
    argo_message_t  *message;

    message = ngx_pcalloc(pool, sizeof(argo_message_t));

    if (message == NULL) {
        abort();
    }

    message->role = role;
    message->parts = p;

    *req->last_message = message;
    req->last_message = &message->next;

    return message;
}


static argo_part_t *
call_part(ngx_pool_t *pool, const char *id, const char *name,
    const char *args)
{
    argo_part_t  *p;

    p = part(pool, ARGO_PART_TOOL_CALL, args);
    p->id = front_str(id);
    p->name = front_str(name);

    return p;
}


static argo_part_t *
result_part(ngx_pool_t *pool, const char *id, argo_part_t *parts)
{
    argo_part_t  *p;

    p = part(pool, ARGO_PART_TOOL_RESULT, "");
    p->id = front_str(id);
    p->parts = parts;

    return p;
}


static void
begin(ngx_pool_t *pool, front_request_t *r, const char *model)
{
    memset(r, 0, sizeof(front_request_t));

    r->req.dialect = ARGO_DIALECT_MESSAGES;
    r->req.document = STR("{\"top_k\":3,\"strange\":1}");
    r->req.last_message = &r->req.messages;
    r->req.last_tool = &r->req.tools;
    r->req.model = front_str(model);

    ngx_str_set(&r->req.user, "jdoe");

    if (argo_json_parse(pool, &r->req.document, 3, &r->req.root, &r->err)
        != NGX_OK
        || argo_model_resolve(pool, front_models(), &r->req.model,
                              &r->req.target, &r->err)
           != NGX_OK)
    {
        abort();
    }

    r->req.top_k = r->req.root->child;
    r->req.top_k->taken = 1;
}


static ngx_int_t
finish(ngx_pool_t *pool, front_request_t *r)
{
    argo_out_t  out;

    r->rc = argo_openai_chat_back.plan_call(pool, &r->req, 0, &r->call,
                                            &r->err);
    if (r->rc == NGX_OK) {
        argo_out_init(&out, pool, 512, NULL, 0);
        argo_openai_chat_back.write_request(&r->req, &r->call, &out);
        r->rc = argo_out_flatten(&out, pool, &r->body);
    }

    return r->rc;
}


/* A conversation with all that a message may have. */

static void
converse(ngx_pool_t *pool, argo_request_t *req)
{
    argo_part_t  *p;
    argo_json_t  *args;

    static const ngx_str_t  object = ngx_string("{\"a\": \"\\n\"}");

    p = part(pool, ARGO_PART_TEXT, "one");
    p->next = part(pool, ARGO_PART_TEXT, "two");
    say(req, pool, ARGO_ROLE_SYSTEM, p);

    p = part(pool, ARGO_PART_TEXT, "look");
    p->next = part(pool, ARGO_PART_IMAGE, "QUJD");
    ngx_str_set(&p->next->mime, "image/png");
    p->next->next = part(pool, ARGO_PART_FILE, "JVBE");
    ngx_str_set(&p->next->next->mime, "application/pdf");
    ngx_str_set(&p->next->next->name, "a.pdf");
    say(req, pool, ARGO_ROLE_USER, p);

    p = part(pool, ARGO_PART_REASONING, "hm");
    p->next = part(pool, ARGO_PART_TEXT, "so");
    p->next->next = call_part(pool, "t1", "f", "");
    args = argo_request_node(pool, ARGO_JSON_OBJECT, &object);
    p->next->next->args = args;
    p->next->next->next = call_part(pool, "t2", "g", "{\\\"b\\\":1}");
    p->next->next->next->next = call_part(pool, "t3", "c", "x\\ny");
    p->next->next->next->next->custom = 1;
    say(req, pool, ARGO_ROLE_ASSISTANT, p);

    p = part(pool, ARGO_PART_TEXT, "r2");
    p->next = part(pool, ARGO_PART_TEXT, "r2b");
    say(req, pool, ARGO_ROLE_TOOL, result_part(pool, "t2", p))
        ->parts->failed = 1;

    p = part(pool, ARGO_PART_IMAGE, "data:image/gif;base64,R0lG");
    say(req, pool, ARGO_ROLE_TOOL, result_part(pool, "t1", p));

    say(req, pool, ARGO_ROLE_USER, part(pool, ARGO_PART_TEXT, "go on"));
}


static void
test_own(void)
{
    ngx_str_t         text;
    ngx_pool_t       *pool;
    argo_tool_t      *tool;
    front_request_t   r;

    static const ngx_str_t  number = ngx_string("0.5");
    static const ngx_str_t  limit = ngx_string("100");
    static const ngx_str_t  low = ngx_string("\"low\"");
    static const ngx_str_t  schema = ngx_string("{\"type\":\"object\"}");

    pool = test_pool();

    begin(pool, &r, "gpt-5");
    converse(pool, &r.req);

    r.req.stream = 1;
    r.req.temperature = argo_request_node(pool, ARGO_JSON_NUMBER, &number);
    r.req.max_output = argo_request_node(pool, ARGO_JSON_NUMBER, &limit);
    r.req.effort = argo_request_node(pool, ARGO_JSON_STRING, &low);
    r.req.format.type = ARGO_FORMAT_JSON_SCHEMA;
    r.req.format.schema = argo_request_node(pool, ARGO_JSON_OBJECT, &schema);

    tool = ngx_pcalloc(pool, sizeof(argo_tool_t));
    ngx_str_set(&tool->name, "f");
    tool->parameters = r.req.format.schema;
    tool->cache = r.req.root;
    r.req.tools = tool;

    tool = ngx_pcalloc(pool, sizeof(argo_tool_t));
    ngx_str_set(&tool->name, "c");
    tool->custom = 1;
    r.req.tools->next = tool;
    r.req.tool_choice = ARGO_TOOL_CHOICE_NAMED;
    ngx_str_set(&r.req.tool_name, "f");
    r.req.parallel = ARGO_PARALLEL_NO;

    is(finish(pool, &r), NGX_OK, "another dialect's request");
    is_str(&r.call.tail, "v1/chat/completions", "goes to chat completions");
    is_str(&r.call.accept, "text/event-stream", "as a stream");
    ok(r.call.frame == ARGO_FRAME_SSE && r.call.auth == ARGO_AUTH_BEARER,
       "of events, with the name in a header");

    is_str(&r.body,
        "{\"model\":\"gpt5\",\"user\":\"jdoe\",\"stream\":true,"
        "\"stream_options\":{\"include_usage\":true},\"messages\":["
        "{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":"
        "\"one\"},{\"type\":\"text\",\"text\":\"two\"}]},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
        "\"look\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
        "\"data:image/png;base64,QUJD\"}},{\"type\":\"file\",\"file\":"
        "{\"filename\":\"a.pdf\",\"file_data\":"
        "\"data:application/pdf;base64,JVBE\"}}]},"
        "{\"role\":\"assistant\",\"content\":\"so\",\"tool_calls\":["
        "{\"id\":\"t1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
        "\"arguments\":\"{\\\"a\\\": \\\"\\\\n\\\"}\"}},"
        "{\"id\":\"t2\",\"type\":\"function\",\"function\":{\"name\":\"g\","
        "\"arguments\":\"{\\\"b\\\":1}\"}},"
        "{\"id\":\"t3\",\"type\":\"function\",\"function\":{\"name\":\"c\","
        "\"arguments\":\"{\\\"input\\\":\\\"x\\\\ny\\\"}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"t2\",\"content\":"
        "\"[failed] r2\\nr2b\"},"
        "{\"role\":\"tool\",\"tool_call_id\":\"t1\",\"content\":"
        "\"[see the images below]\"},"
        "{\"role\":\"tool\",\"tool_call_id\":\"t3\",\"content\":"
        "\"[no result]\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
        "\"[result of f, t1]\"},{\"type\":\"image_url\",\"image_url\":"
        "{\"url\":\"data:image/gif;base64,R0lG\"}}]},"
        "{\"role\":\"user\",\"content\":\"go on\"}],"
        "\"temperature\":0.5,\"reasoning_effort\":\"low\","
        "\"max_completion_tokens\":100,\"response_format\":{\"type\":"
        "\"json_schema\",\"json_schema\":{\"name\":\"response\",\"schema\":"
        "{\"type\":\"object\"}}},\"tools\":[{\"type\":\"function\","
        "\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}}},"
        "{\"type\":\"function\",\"function\":{\"name\":\"c\",\"parameters\":"
        "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":"
        "\"string\"}},\"required\":[\"input\"],\"additionalProperties\":"
        "false}}}],\"tool_choice\":{\"type\":\"function\",\"function\":"
        "{\"name\":\"f\"}},\"parallel_tool_calls\":false}",
        "written in its language");

    ok(r.req.changes && r.req.changes->next && r.req.changes->next->next,
       "and what it has no word for is told");

    if (r.req.changes) {
        text = r.req.changes->note;
        is_str(&text, "top_k dropped: unknown to chat completions",
               "each by its name");
    }

    ngx_destroy_pool(pool);
    pool = test_pool();

    begin(pool, &r, "gemini-2.5-pro");
    converse(pool, &r.req);

    is(finish(pool, &r), NGX_OK, "the same for Gemini");
    is_str(&r.body,
        "{\"model\":\"gemini25pro\",\"user\":\"jdoe\",\"messages\":["
        "{\"role\":\"system\",\"content\":\"one\\n\\ntwo\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
        "\"look\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
        "\"data:image/png;base64,QUJD\"}},{\"type\":\"file\",\"file\":"
        "{\"filename\":\"a.pdf\",\"file_data\":"
        "\"data:application/pdf;base64,JVBE\"}}]},"
        "{\"role\":\"assistant\",\"content\":\"so\",\"tool_calls\":["
        "{\"id\":\"t1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
        "\"arguments\":\"{\\\"a\\\": \\\"\\\\n\\\"}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"t1\",\"name\":\"f\","
        "\"content\":\"[see the images below]\"},"
        "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
        "{\"id\":\"t2\",\"type\":\"function\",\"function\":{\"name\":\"g\","
        "\"arguments\":\"{\\\"b\\\":1}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"t2\",\"name\":\"g\","
        "\"content\":\"[failed] r2\\nr2b\"},"
        "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
        "{\"id\":\"t3\",\"type\":\"function\",\"function\":{\"name\":\"c\","
        "\"arguments\":\"{\\\"input\\\":\\\"x\\\\ny\\\"}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"t3\",\"name\":\"c\","
        "\"content\":\"[no result]\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
        "\"[result of f, t1]\"},{\"type\":\"image_url\",\"image_url\":"
        "{\"url\":\"data:image/gif;base64,R0lG\"}}]},"
        "{\"role\":\"user\",\"content\":\"go on\"}]}",
        "is a call and its result, each in turn");

    ngx_destroy_pool(pool);
    pool = test_pool();

    begin(pool, &r, "gemini-2.5-pro");
    say(&r.req, pool, ARGO_ROLE_USER, part(pool, ARGO_PART_TEXT, "Hi"));

    tool = ngx_pcalloc(pool, sizeof(argo_tool_t));
    if (tool == NULL) {
        abort();
    }

    ngx_str_set(&tool->name, "c");
    tool->custom = 1;
    r.req.tools = tool;

    is(finish(pool, &r), NGX_OK, "a custom tool for Gemini");
    is_str(&r.body,
        "{\"model\":\"gemini25pro\",\"user\":\"jdoe\",\"messages\":["
        "{\"role\":\"user\",\"content\":\"Hi\"}],\"tools\":[{\"type\":"
        "\"function\",\"function\":{\"name\":\"c\",\"parameters\":"
        "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":"
        "\"string\"}},\"required\":[\"input\"]}}}]}",
        "has no keyword that Vertex refuses");

    ngx_destroy_pool(pool);
}


static void
test_gaps(void)
{
    ngx_pool_t       *pool;
    front_request_t   r;

    static const ngx_str_t  two = ngx_string("2");
    static const ngx_str_t  yes = ngx_string("true");

    pool = test_pool();

    begin(pool, &r, "gpt-5");
    say(&r.req, pool, ARGO_ROLE_USER, part(pool, ARGO_PART_TEXT, "Hi"));
    r.req.n = argo_request_node(pool, ARGO_JSON_NUMBER, &two);
    is(finish(pool, &r), NGX_DECLINED, "two choices");
    is_str(&r.err.param, "n", "are refused by name");

    r.req.n = NULL;
    r.req.logprobs = argo_request_node(pool, ARGO_JSON_TRUE, &yes);
    is(finish(pool, &r), NGX_DECLINED, "logprobs");
    is_str(&r.err.param, "logprobs", "too");

    begin(pool, &r, "gpt-5");
    say(&r.req, pool, ARGO_ROLE_USER,
        part(pool, ARGO_PART_FILE, "https://example.org/a.pdf"));
    ngx_str_set(&r.req.messages->parts->param, "messages[0].content[0]");
    is(finish(pool, &r), NGX_DECLINED, "a file that lies elsewhere");
    is_str(&r.err.param, "messages[0].content[0]", "is named");

    begin(pool, &r, "gpt-5");
    say(&r.req, pool, ARGO_ROLE_TOOL, result_part(pool, "x", NULL));
    is(finish(pool, &r), NGX_DECLINED, "a result of no call");

    begin(pool, &r, "gpt-5");
    r.req.tools = ngx_pcalloc(pool, sizeof(argo_tool_t));
    r.req.tools->type = r.req.root;
    is(finish(pool, &r), NGX_DECLINED, "a tool of the vendor's");
    is_str(&r.err.param, "tools[0].type", "is named");

    begin(pool, &r, "gemini-2.5-pro");
    say(&r.req, pool, ARGO_ROLE_SYSTEM, part(pool, ARGO_PART_TEXT, "s"));
    is(finish(pool, &r), NGX_OK, "nobody asks Gemini");
    is_str(&r.body, "{\"model\":\"gemini25pro\",\"user\":\"jdoe\","
           "\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
           "{\"role\":\"user\",\"content\":\"[continue]\"}]}", "so we do");

    ngx_destroy_pool(pool);
}


/* ---- replies, sent on */

static const reply_case_t  bodies[] = {

    { "OpenAI's", WHOLE_REPLY("\"role\":\"assistant\",\"content\":\"a\","
      "\"refusal\":null,\"annotations\":[],\"audio\":null,"
      "\"function_call\":null,\"tool_calls\":null", "\"stop\""),
      WHOLE_CAME("\"role\":\"assistant\",\"content\":\"a\","
      "\"refusal\":null,\"annotations\":[]", "\"stop\""), NULL, 0 },
    { "Gemini's", WHOLE_REPLY("\"role\":\"assistant\",\"content\":\"a\","
      "\"tool_calls\":null", "\"stop\""),
      WHOLE_CAME("\"refusal\":null,\"role\":\"assistant\",\"content\":\"a\"",
      "\"stop\""), NULL, 0 },
    { "calls without ids", WHOLE_REPLY("\"content\":null,\"refusal\":null,"
      "\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":"
      "{\"a\": 1}}},{\"id\":\"\",\"type\":null,\"function\":{\"name\":\"g\","
      "\"arguments\":\"{}\"}}]", "\"tool_calls\""),
      WHOLE_CAME("\"content\":null,\"refusal\":null,"
      "\"tool_calls\":[{\"id\":\"call_" FRONT_ID "_0\",\"type\":"
      "\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
      "\"{\\\"a\\\": 1}\"}},{\"id\":\"call_" FRONT_ID "_1\",\"type\":"
      "\"function\",\"function\":{\"name\":\"g\","
      "\"arguments\":\"{}\"}}]", "\"tool_calls\""), NULL, 0 },
    { "Claude's reason", WHOLE_REPLY("\"content\":\"a\",\"refusal\":null",
      "\"end_turn\""), WHOLE_CAME("\"content\":\"a\",\"refusal\":null",
      "\"end_turn\""), NULL, 0 },

    { "no JSON", "{\"choices\":[", NULL, "upstream_invalid_reply", 502 },
    { "an array", "[]", NULL, "upstream_invalid_reply", 502 },
    { "no choices", "{\"choices\":[]}", NULL, "upstream_invalid_reply",
      502 },
    { "choices of null", "{\"choices\":null}", NULL,
      "upstream_invalid_reply", 502 },
    { "a choice of null", "{\"choices\":[null]}", NULL,
      "upstream_invalid_reply", 502 },
    { "no message", "{\"choices\":[{\"finish_reason\":\"stop\"}]}", NULL,
      "upstream_invalid_reply", 502 },
    { "content of a number", WHOLE_REPLY("\"content\":1", "\"stop\""), NULL,
      "upstream_invalid_reply", 502 },
    { "calls of an object", WHOLE_REPLY("\"tool_calls\":{}", "\"stop\""),
      NULL, "upstream_invalid_reply", 502 },
    { "a call without name", WHOLE_REPLY("\"tool_calls\":[{}]", "\"stop\""),
      NULL, "upstream_invalid_reply", 502 },
    { "arguments of a list", WHOLE_REPLY("\"tool_calls\":[{\"function\":"
      "{\"name\":\"f\",\"arguments\":[]}}]", "\"stop\""), NULL,
      "upstream_invalid_reply", 502 },
    { "a reason of a number", WHOLE_REPLY("\"content\":\"a\"", "1"), NULL,
      "upstream_invalid_reply", 502 },
    { "no reason", WHOLE_REPLY("\"content\":\"a\"", "null"), NULL,
      "upstream_incomplete", 502 },
    { "a denial", WHOLE_REPLY("\"content\":\"**IMPORTANT AUTHENTICATION "
      "NOTICE FROM ARGO**\"", "\"stop\""), NULL, "argo_access_denied", 403 },
    { "an error", "{\"error\":{\"message\":\"Error code: 429 - "
      "RESOURCE_EXHAUSTED\",\"type\":\"x\"}}",
      NULL, "rate_limit_exceeded", 429 },
    { "an error beside choices", "{\"error\":{\"message\":\"Error code: 429 "
      "- RESOURCE_EXHAUSTED\"},\"choices\":[]}", NULL,
      "rate_limit_exceeded", 429 },

    { NULL, NULL, NULL, NULL, 0 }
};


static void
prepare(ngx_pool_t *pool, front_request_t *r, const char *json)
{
    ngx_str_t  s;

    s = front_str(json);

    if (front_read(pool, &argo_openai_chat_front, &argo_openai_chat_back, &s,
                   r)
        != NGX_OK)
    {
        abort();
    }
}


static void
test_bodies(void)
{
    ngx_str_t            s;
    ngx_uint_t           i, bad;
    ngx_pool_t          *pool;
    front_reply_t        reply;
    front_request_t      r;
    const reply_case_t  *t;

    for (t = bodies; t->name; t++) {
        pool = test_pool();
        prepare(pool, &r, ASK);
        s = front_str(t->in);

        (void) front_begin(pool, &reply, &argo_openai_chat_front,
                           &argo_openai_chat_back, &r.req, UNARY);
        reply.rc = argo_stream_body(&reply.st, &s, &reply.out);
        (void) front_end(pool, &reply);

        if (t->out) {
            is(reply.rc, NGX_OK, "%s", t->name);
            is_str(&reply.bytes, t->out, "%s: comes down", t->name);

        } else {
            is(reply.rc, NGX_DECLINED, "%s", t->name);
            is_str(&reply.st.error.code, t->code, "%s: code", t->name);
            is(reply.st.error.status, t->status, "%s: status", t->name);
            is(reply.bytes.len, 0, "%s: nothing is written", t->name);
        }

        ngx_destroy_pool(pool);

        bad = 0;

        for (i = 1; i < 500; i++) {
            pool = test_pool();
            prepare(pool, &r, ASK);

            ngx_shim_fail(i);

            if (front_begin(pool, &reply, &argo_openai_chat_front,
                            &argo_openai_chat_back, &r.req, UNARY) == NGX_OK)
            {
                reply.rc = argo_stream_body(&reply.st, &s, &reply.out);
            }

            bad += ngx_shim_failed() && reply.rc == NGX_OK;
            ngx_destroy_pool(pool);

            if (!ngx_shim_failed()) {
                break;
            }
        }

        ngx_shim_fail(0);
        is(bad, 0, "%s: each allocation may fail", t->name);
    }
}


static const reply_case_t  streams[] = {

    { "ARGO's form",
      CHUNK("\"choices\":[],\"prompt_filter_results\":[]")
      CHUNK(DELTA("\"content\": \"\", \"function_call\": null, \"refusal\": "
            "null, \"role\": \"assistant\", \"tool_calls\": null"))
      CHUNK(DELTA("\"content\": \"a\", \"function_call\": null, \"refusal\":"
            " null, \"role\": null, \"tool_calls\": null"))
      CHUNK(FINAL("stop"))
      CHUNK("\"choices\":[],\"usage\":{\"prompt_tokens\":1}") DONE,
      CAME(DELTA("\"content\": \"\", \"refusal\": "
            "null, \"role\": \"assistant\""))
      CAME(DELTA("\"content\": \"a\""))
      CAME(FINAL("stop")) DONE, NULL, 0 },

    { "the role each time", CHUNK(DELTA("\"role\":\"assistant\","
      "\"content\":\"a\"")) CHUNK(DELTA("\"role\":\"assistant\","
      "\"content\":\"b\"")) CHUNK(FINAL("stop")) DONE,
      CAME(DELTA("\"role\":\"assistant\",\"content\":\"a\""))
      CAME(DELTA("\"content\":\"b\"")) CAME(FINAL("stop")) DONE, NULL, 0 },

    { "usage with a choice", CHUNK(DELTA("\"content\":\"a\"")
      ",\"usage\":{\"prompt_tokens\":1}") CHUNK(FINAL("stop")) DONE,
      CAME(DELTA("\"content\":\"a\"")) CAME(FINAL("stop")) DONE, NULL, 0 },

    { "no finish_reason", CHUNK("\"choices\":[{\"delta\":{\"content\":"
      "\"a\"}}]") CHUNK(FINAL("stop")) DONE,
      CAME("\"choices\":[{\"finish_reason\":null,\"delta\":{\"content\":"
      "\"a\"}}]") CAME(FINAL("stop")) DONE, NULL, 0 },

    { "calls as Gemini sends them", CHUNK(DELTA("\"tool_calls\":["
      "{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
      "{\"index\":0,\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]"))
      CHUNK(FINAL("stop")) DONE,
      CAME(DELTA("\"tool_calls\":["
      "{\"id\":\"call_" FRONT_ID "_0\",\"type\":\"function\",\"index\":0,"
      "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
      "{\"id\":\"call_" FRONT_ID "_1\",\"type\":\"function\",\"index\":1,"
      "\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]"))
      CAME(FINAL("stop")) DONE, NULL, 0 },

    { "a name in each part", CHUNK(DELTA("\"tool_calls\":[{\"index\":0,"
      "\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"{\"}}]")) CHUNK(DELTA("\"tool_calls\":[{\"index\":0,"
      "\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"}\"}}]")) CHUNK(FINAL("tool_calls")) DONE,
      CAME(DELTA("\"tool_calls\":[{\"index\":0,"
      "\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"{\"}}]")) CAME(DELTA("\"tool_calls\":[{\"index\":0,"
      "\"function\":{\"arguments\":\"}\"}}]")) CAME(FINAL("tool_calls"))
      DONE, NULL, 0 },

    { "a second call", CHUNK(DELTA("\"tool_calls\":[{\"index\":0,"
      "\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"\"}}]")) CHUNK(DELTA("\"tool_calls\":[{\"index\":1,"
      "\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"\"}}]")) CHUNK(DELTA("\"tool_calls\":[{\"index\":0,"
      "\"function\":{\"arguments\":\"x\"}}]")) CHUNK(FINAL("tool_calls"))
      DONE,
      CAME(DELTA("\"tool_calls\":[{\"index\":0,"
      "\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"\"}}]")) CAME(DELTA("\"tool_calls\":[{\"index\":1,"
      "\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"\"}}]")) CAME(DELTA("\"tool_calls\":[{\"index\":0,"
      "\"function\":{\"arguments\":\"x\"}}]")) CAME(FINAL("tool_calls"))
      DONE, NULL, 0 },

    { "functions", CHUNK(DELTA("\"role\":\"assistant\",\"content\":null,"
      "\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}"))
      CHUNK(DELTA("\"function_call\":{\"name\":null,\"arguments\":\"{}\"}"))
      CHUNK(FINAL("function_call")) DONE,
      CAME(DELTA("\"role\":\"assistant\",\"content\":null,"
      "\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}"))
      CAME(DELTA("\"function_call\":{\"arguments\":\"{}\"}"))
      CAME(FINAL("function_call")) DONE, NULL, 0 },

    { "line ends of all kinds", "data: {\"model\":\"m\",\"choices\":[{"
      "\"index\":0,\"delta\":{\"content\":\"a\"},\r"
      "data: \"finish_reason\":\"stop\"}]}\r\r: hm\r\n\r\ndata:[DONE]\r\n"
      "\r\n",
      "data: {\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,\"delta\":"
      "{\"content\":\"a\"},\ndata: \"finish_reason\":\"stop\"}]}\n\n" DONE,
      NULL, 0 },

    { "no [DONE]", CHUNK(DELTA("\"content\":\"a\"")) CHUNK(FINAL("stop")),
      CAME(DELTA("\"content\":\"a\"")) CAME(FINAL("stop")) DONE, NULL, 0 },

    { "two [DONE]", CHUNK(DELTA("\"content\":\"a\"")) CHUNK(FINAL("stop"))
      DONE DONE, CAME(DELTA("\"content\":\"a\"")) CAME(FINAL("stop")) DONE,
      NULL, 0 },

    { "what comes behind it", CHUNK(DELTA("\"content\":\"a\""))
      CHUNK(FINAL("stop")) DONE "data: {\n\n",
      CAME(DELTA("\"content\":\"a\"")) CAME(FINAL("stop")) DONE, NULL, 0 },

    { "a denial, held", CHUNK(DELTA("\"role\":\"assistant\"")) CHUNK(DELTA(
      "\"content\":\"IMPORTANT AUTHENTI\"")) CHUNK(DELTA("\"content\":"
      "\"CATION NOTICE FROM ARGO\"")) CHUNK(FINAL("stop")) DONE, NULL,
      "argo_access_denied", 403 },

    { "an error at once", "data: {\"error\":{\"message\":\"Error code: 429 "
      "- RESOURCE_EXHAUSTED\"}}\n\n", NULL, "rate_limit_exceeded", 429 },

    { "no JSON at once", "data: {\n\n", NULL, "upstream_invalid_reply",
      502 },
    { "no event", "", NULL, "upstream_incomplete", 502 },
    { "[DONE] at once", DONE, NULL, "upstream_incomplete", 502 },
    { "choices of a string", "data: {\"choices\":\"\"}\n\n", NULL,
      "upstream_invalid_reply", 502 },

    { NULL, NULL, NULL, NULL, 0 }
};


static ngx_int_t
run(ngx_pool_t *pool, front_reply_t *reply, const argo_front_t *front,
    argo_request_t *req, const ngx_str_t *s, size_t cut)
{
    if (front_begin(pool, reply, front, &argo_openai_chat_back, req, STREAM)
        == NGX_OK)
    {
        (void) front_feed(reply, s, cut, 1);
    }

    return front_end(pool, reply);
}


static void
check_stream(const reply_case_t *t)
{
    size_t            cut, bad;
    ngx_str_t         s, out;
    ngx_uint_t        i;
    ngx_pool_t       *pool, *one;
    front_reply_t     reply;
    front_request_t   r;

    pool = test_pool();
    prepare(pool, &r, ASK);
    s = front_str(t->in);

    (void) run(pool, &reply, &argo_openai_chat_front, &r.req, &s, WHOLE);

    if (t->out) {
        is(reply.rc, NGX_OK, "%s", t->name);
        is_str(&reply.bytes, t->out, "%s: comes down", t->name);

    } else {
        is(reply.rc, NGX_DECLINED, "%s", t->name);
        is_str(&reply.st.error.code, t->code, "%s: code", t->name);
        is(reply.st.error.status, t->status, "%s: status", t->name);
        is(reply.bytes.len, 0, "%s: nothing is written", t->name);
    }

    out = reply.bytes;
    bad = 0;

    for (cut = 1; cut <= s.len; cut++) {
        one = test_pool();
        (void) run(one, &reply, &argo_openai_chat_front, &r.req, &s,
                   cut == s.len ? BYTES : cut);
        bad += !front_same(&reply.bytes, &out)
               || (reply.rc == NGX_OK) != (t->out != NULL);
        ngx_destroy_pool(one);
    }

    is(bad, 0, "%s: the same, however cut", t->name);

    bad = 0;

    for (i = 1; i < 1000; i++) {
        one = test_pool();
        ngx_shim_fail(i);
        (void) run(one, &reply, &argo_openai_chat_front, &r.req, &s, BYTES);
        bad += ngx_shim_failed() && reply.rc == NGX_OK;
        ngx_destroy_pool(one);

        if (!ngx_shim_failed()) {
            break;
        }
    }

    ngx_shim_fail(0);
    is(bad, 0, "%s: each allocation may fail", t->name);

    ngx_destroy_pool(pool);
}


/* What fails later is told in the stream. */

static void
test_later(void)
{
    ngx_str_t         s;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    pool = test_pool();
    prepare(pool, &r, ASK);

    s = STR(CHUNK(DELTA("\"content\":\"Hello you\"")));
    (void) run(pool, &reply, &argo_openai_chat_front, &r.req, &s, WHOLE);
    is(reply.rc, NGX_DECLINED, "a stream that was cut");
    is_str(&reply.bytes, CAME(DELTA("\"content\":\"Hello you\""))
           "data: {\"error\":{\"message\":\"ARGO's reply ended before it was "
           "complete\",\"type\":\"server_error\",\"param\":null,\"code\":"
           "\"upstream_incomplete\"}}\n\n", "says so, and no [DONE]");

    s = STR(CHUNK(DELTA("\"content\":\"Hello you\"")) "data: {\"error\":"
            "{\"message\":\"Error code: 429 - RESOURCE_EXHAUSTED\"}}\n\n"
            DONE);
    (void) run(pool, &reply, &argo_openai_chat_front, &r.req, &s, WHOLE);
    is(reply.rc, NGX_DECLINED, "a stream with an error in it");
    is_str(&reply.st.error.code, "rate_limit_exceeded", "has its code");
    ok(reply.bytes.len > 20 && memcmp(reply.bytes.data + reply.bytes.len - 4,
                                      "}}\n\n", 4) == 0, "at its end");

    ngx_destroy_pool(pool);
}


static void
test_usage(void)
{
    ngx_str_t         s;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    static const char  estimate[] =
        "data: {\"id\":\"c\",\"created\":1,\"object\":"
        "\"chat.completion.chunk\",\"model\":\"gpt-4o\",\"choices\":[],"
        "\"usage\":{\"prompt_tokens\":";

    pool = test_pool();
    prepare(pool, &r, "{\"model\":\"gpt-4o\",\"stream\":true,"
            "\"stream_options\":{\"include_usage\":true},\"messages\":["
            HI "]}");

    s = STR(CHUNK(DELTA("\"content\":\"Hi\"") ",\"usage\":null")
            CHUNK(FINAL("stop") ",\"usage\":null")
            CHUNK("\"choices\":[],\"usage\":{\"prompt_tokens\":7,"
                  "\"completion_tokens\":2,\"prompt_tokens_details\":"
                  "{\"cached_tokens\":3}}") DONE);

    (void) run(pool, &reply, &argo_openai_chat_front, &r.req, &s, WHOLE);
    is(reply.rc, NGX_OK, "usage that was asked for");
    is_str(&reply.bytes, CAME(DELTA("\"content\":\"Hi\"") ",\"usage\":null")
            CAME(FINAL("stop") ",\"usage\":null")
            CAME("\"choices\":[],\"usage\":{\"prompt_tokens\":7,"
                  "\"completion_tokens\":2,\"prompt_tokens_details\":"
                  "{\"cached_tokens\":3}}") DONE, "comes as it went");
    ok(reply.st.usage.known && reply.st.usage.prompt == 7
       && reply.st.usage.cached == 3, "and is known");

    s = STR(CHUNK(DELTA("\"content\":\"Hi\"")) CHUNK(FINAL("stop")) DONE);
    (void) run(pool, &reply, &argo_openai_chat_front, &r.req, &s, WHOLE);
    is(reply.rc, NGX_OK, "usage that upstream does not tell");
    s.len = sizeof(CAME(DELTA("\"content\":\"Hi\"")) CAME(FINAL("stop"))) - 1;
    ok(reply.bytes.len > s.len + sizeof(estimate) - 1
       && memcmp(reply.bytes.data + s.len, estimate, sizeof(estimate) - 1)
          == 0, "is an estimate");

    ngx_destroy_pool(pool);
}


/* Several choices end each for itself. */

static void
test_choices(void)
{
    ngx_str_t         s;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    static const char  in[] =
        CHUNK("\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"},"
              "\"finish_reason\":null}]")
        CHUNK(DELTA("\"content\":\"a\""))
        CHUNK(FINAL("stop"))
        CHUNK("\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":"
              "\"length\"}]") DONE;
    static const char  out[] =
        CAME("\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"},"
             "\"finish_reason\":null}]")
        CAME(DELTA("\"content\":\"a\""))
        CAME(FINAL("stop"))
        CAME("\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":"
             "\"length\"}]") DONE;

    pool = test_pool();
    prepare(pool, &r, "{\"model\":\"gpt-4o\",\"n\":2,\"messages\":[" HI
            "]}");

    s = STR(in);
    (void) run(pool, &reply, &argo_openai_chat_front, &r.req, &s, WHOLE);
    is(reply.rc, NGX_OK, "two choices");
    is_str(&reply.bytes, out, "come as they went");
    is(reply.st.finish, ARGO_FINISH_STOP, "and the first one counts");

    s.len -= sizeof(CHUNK("\"choices\":[{\"index\":1,\"delta\":{},"
                    "\"finish_reason\":\"length\"}]") DONE) - 1;
    (void) run(pool, &reply, &argo_openai_chat_front, &r.req, &s, WHOLE);
    is(reply.rc, NGX_DECLINED, "one of them is not enough");

    ngx_destroy_pool(pool);
}


/* ---- what a client of chat completions gets of Claude, and sends back */

static const argo_event_t  *played;
static ngx_uint_t           nplayed;


static ngx_int_t
play_event(argo_stream_t *st, const argo_sse_event_t *frame)
{
    ngx_uint_t    i;
    ngx_int_t     rc;
    argo_event_t  ev;

    (void) frame;

    for (i = 0; i < nplayed; i++) {
        ev = played[i];
        rc = argo_stream_emit(st, &ev);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
play_body(argo_stream_t *st, const ngx_str_t *body)
{
    (void) body;

    return play_event(st, NULL);
}


static ngx_int_t
play_end(argo_stream_t *st)
{
    (void) st;

    return NGX_OK;
}


static const argo_back_t  player = {
    .name = ngx_string("player"),
    .dialect = ARGO_DIALECT_MESSAGES,
    .read_response = play_body,
    .read_event = play_event,
    .read_end = play_end
};


#define FRONT(choice)                                                         \
    "data: {\"id\":\"chatcmpl-" FRONT_ID "\",\"object\":"                    \
    "\"chat.completion.chunk\",\"created\":1776449057,\"model\":"            \
    "\"gpt-4o\",\"choices\":[{\"index\":0,\"delta\":{" choice "}]}\n\n"
#define MORE  "},\"logprobs\":null,\"finish_reason\":null"


static void
test_thoughts(void)
{
    ngx_str_t         s;
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    static const argo_event_t  events[] = {
        { .type = ARGO_EVENT_START },
        { .type = ARGO_EVENT_REASONING, .text = STR("h\"") },
        { .type = ARGO_EVENT_REASONING, .text = STR("m\\n"), .escaped = 1 },
        { .type = ARGO_EVENT_SIGNATURE, .vendor = ARGO_FAMILY_ANTHROPIC,
          .text = STR("s1"), .escaped = 1 },
        { .type = ARGO_EVENT_SIGNATURE, .vendor = ARGO_FAMILY_ANTHROPIC,
          .text = STR("d2"), .escaped = 1, .redacted = 1 },
        { .type = ARGO_EVENT_TEXT, .text = STR("Hello you"), .escaped = 1 },
        { .type = ARGO_EVENT_TOOL_START, .id = STR("a"), .name = STR("f"),
          .signature = STR("g==") },
        { .type = ARGO_EVENT_TOOL_ARGS, .text = STR("{}"), .escaped = 1 },
        { .type = ARGO_EVENT_TOOL_START, .index = 1, .id = STR("b"),
          .name = STR("c"), .custom = 1 },
        { .type = ARGO_EVENT_TOOL_ARGS, .index = 1, .text = STR("x\ny") },
        { .type = ARGO_EVENT_FINISH, .finish = ARGO_FINISH_CONTEXT }
    };

    static const char  whole[] =
        "{\"id\":\"chatcmpl-" FRONT_ID "\",\"object\":\"chat.completion\","
        "\"created\":1776449057,\"model\":\"gpt-4o\",\"choices\":["
        "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
        "\"Hello you\",\"refusal\":null,\"reasoning_content\":"
        "\"h\\\"m\\n\",\"thinking_blocks\":[{\"type\":\"thinking\","
        "\"thinking\":\"h\\\"m\\n\",\"signature\":\"s1\"},{\"type\":"
        "\"redacted_thinking\",\"data\":\"d2\"}],\"tool_calls\":["
        "{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
        "\"arguments\":\"{}\"},\"extra_content\":{\"google\":{"
        "\"thought_signature\":\"g==\"}}},{\"id\":\"b\",\"type\":"
        "\"custom\",\"custom\":{\"name\":\"c\",\"input\":\"x\\ny\"}}],"
        "\"annotations\":[]},\"logprobs\":null,\"finish_reason\":"
        "\"length\"}]";

    played = events;
    nplayed = sizeof(events) / sizeof(events[0]);

    pool = test_pool();
    prepare(pool, &r, ASK);
    s = STR("data: x\n\n");

    (void) front_begin(pool, &reply, &argo_openai_chat_front, &player,
                       &r.req, STREAM);
    (void) front_feed(&reply, &s, WHOLE, 1);
    (void) front_end(pool, &reply);

    is(reply.rc, NGX_OK, "thoughts in a stream");
    is_str(&reply.bytes,
        FRONT("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null"
              MORE)
        FRONT("\"reasoning_content\":\"h\\\"\"" MORE)
        FRONT("\"reasoning_content\":\"m\\n\"" MORE)
        FRONT("\"thinking_blocks\":[{\"index\":0,\"type\":\"thinking\","
              "\"thinking\":\"h\\\"m\\n\",\"signature\":\"s1\"}]" MORE)
        FRONT("\"thinking_blocks\":[{\"index\":1,\"type\":"
              "\"redacted_thinking\",\"data\":\"d2\"}]" MORE)
        FRONT("\"content\":\"Hello you\"" MORE)
        FRONT("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":"
              "\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
              "\"\"},\"extra_content\":{\"google\":{"
              "\"thought_signature\":\"g==\"}}}]" MORE)
        FRONT("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
              "\"{}\"}}]" MORE)
        FRONT("\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"type\":"
              "\"custom\",\"custom\":{\"name\":\"c\",\"input\":\"\"}}]"
              MORE)
        FRONT("\"tool_calls\":[{\"index\":1,\"custom\":{\"input\":"
              "\"x\\ny\"}}]" MORE)
        FRONT("},\"logprobs\":null,\"finish_reason\":\"length\"") DONE,
        "are told, and signed");

    for (i = 1; i < 100; i++) {
        ngx_shim_fail(i);

        if (front_begin(pool, &reply, &argo_openai_chat_front, &player,
                        &r.req, UNARY)
            == NGX_OK)
        {
            reply.rc = argo_stream_body(&reply.st, &s, &reply.out);
        }

        if (!ngx_shim_failed()) {
            break;
        }

        if (reply.rc == NGX_OK) {
            ok(0, "no memory, %lu", (unsigned long) i);
        }
    }

    ngx_shim_fail(0);
    (void) front_end(pool, &reply);

    is(reply.rc, NGX_OK, "thoughts in one body");

    if (reply.bytes.len > sizeof(whole) - 1) {
        reply.bytes.len = sizeof(whole) - 1;
    }

    is_str(&reply.bytes, whole, "are there");

    ngx_destroy_pool(pool);
}


static void
test_history(void)
{
    ngx_pool_t       *pool;
    argo_part_t      *p;
    front_request_t   r;

    pool = test_pool();

    prepare(pool, &r, "{\"model\":\"gpt-4o\",\"top_k\":3,\"thinking\":"
        "{\"type\":\"enabled\",\"budget_tokens\":1024},"
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
        "{\"name\":\"n\",\"schema\":{}}},\"messages\":["
        "{\"role\":\"system\",\"content\":\"s\",\"cache_control\":{}},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
        "\"a\",\"cache_control\":{}},{\"type\":\"file\",\"file\":{"
        "\"file_data\":\"data:application/pdf;base64,JVBE\",\"filename\":"
        "\"a.pdf\"}},{\"type\":\"file\",\"file\":{\"file_id\":\"x\"}}]},"
        "{\"role\":\"assistant\",\"content\":\"b\",\"thinking_blocks\":["
        "{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"s1\"},"
        "{\"type\":\"redacted_thinking\",\"data\":\"d2\"}],"
        "\"tool_calls\":[{\"id\":\"a\",\"type\":\"custom\",\"custom\":"
        "{\"name\":\"c\",\"input\":\"x\"}},{\"id\":\"b\",\"type\":"
        "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"},"
        "\"extra_content\":{\"google\":{\"thought_signature\":\"g\"}}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"r\"},"
        "{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":\"r\"}]}");

    ok(r.req.top_k && !r.req.top_k->taken, "top_k");
    is(r.req.thinking.type, ARGO_THINKING_ENABLED, "thinking");
    ok(r.req.thinking.budget != NULL, "and its budget");
    is(r.req.format.type, ARGO_FORMAT_JSON_SCHEMA, "the form of the answer");
    ok(r.req.messages->parts->cache != NULL, "a message is marked");

    p = r.req.messages->next->parts;
    ok(p->cache && p->node && p->raw, "a part is marked");
    p = p->next;
    ok(p->type == ARGO_PART_FILE && front_is(&p->name, "a.pdf"), "a file");
    ok(p->next->type == ARGO_PART_OTHER, "a file that lies elsewhere");

    p = r.req.messages->next->next->parts;
    ok(p->type == ARGO_PART_REASONING && front_is(&p->text, "hm")
       && front_is(&p->signature, "s1")
       && p->vendor == ARGO_FAMILY_ANTHROPIC && !p->redacted, "a thought");
    p = p->next;
    ok(p->type == ARGO_PART_REASONING && front_is(&p->signature, "d2")
       && p->redacted, "a secret one");
    p = p->next;
    ok(p->type == ARGO_PART_TEXT && front_is(&p->text, "b"), "the text");
    p = p->next;
    ok(p->type == ARGO_PART_TOOL_CALL && p->custom
       && front_is(&p->text, "x") && front_is(&p->name, "c"),
       "a call of a custom tool");
    p = p->next;
    ok(p->type == ARGO_PART_TOOL_CALL && !p->custom
       && front_is(&p->signature, "g")
       && p->vendor == ARGO_FAMILY_GOOGLE, "a call that Google has signed");

    ngx_destroy_pool(pool);
}


/* ---- recorded streams */

static ngx_str_t
text_of(ngx_pool_t *pool, ngx_str_t *sse, const char *event,
    const char *path, ngx_uint_t *ends, const char *end)
{
    u_char         *p;
    ngx_str_t       text, piece;
    const char     *wrong;
    argo_json_t    *node;
    front_event_t   ev;

    text.data = ngx_palloc(pool, sse->len + 1);
    text.len = 0;
    *ends = 0;
    p = sse->data;

    while (p < sse->data + sse->len) {
        wrong = front_event(pool, &p, sse->data + sse->len, &ev);

        if (wrong) {
            printf("# %s\n", wrong);
            *ends = 99;
            break;
        }

        *ends += front_is(ev.root ? &ev.name : &ev.data, end);

        if (*event && !front_is(&ev.name, event)) {
            continue;
        }

        node = front_at(ev.root, path);

        if (node && node->type == ARGO_JSON_STRING
            && argo_json_text(pool, node, &piece) == NGX_OK)
        {
            memcpy(text.data + text.len, piece.data, piece.len);
            text.len += piece.len;
        }
    }

    return text;
}


static void
check_other(const char *name, const ngx_str_t *s, const ngx_str_t *gold,
    const argo_front_t *front, const char *request, const char *event,
    const char *path, const char *end)
{
    size_t            cut, step, bad;
    ngx_str_t         json, out, text;
    ngx_uint_t        ends;
    ngx_pool_t       *pool, *one;
    front_reply_t     reply;
    front_request_t   r;

    pool = test_pool();
    json = front_str(request);

    if (!is(front_read(pool, front, &argo_openai_chat_back, &json, &r),
            NGX_OK, "%s, %s: asked for", name, front->name.data))
    {
        ngx_destroy_pool(pool);
        return;
    }

    (void) run(pool, &reply, front, &r.req, s, WHOLE);
    out = reply.bytes;

    is(reply.rc, NGX_OK, "%s, %s", name, front->name.data);
    text = text_of(pool, &out, event, path, &ends, end);
    is_mem(text.data, text.len, gold->data, gold->len, "%s, %s: its text",
           name, front->name.data);
    is(ends, 1, "%s, %s: one end", name, front->name.data);

    step = 1 + s->len / 6;
    bad = 0;

    for (cut = 1; cut < s->len; cut += step) {
        one = test_pool();
        (void) run(one, &reply, front, &r.req, s, cut);
        bad += !front_same(&reply.bytes, &out);
        ngx_destroy_pool(one);
    }

    is(bad, 0, "%s, %s: the same, however cut", name, front->name.data);

    ngx_destroy_pool(pool);
}


static void
test_recorded(void)
{
    char              path[128];
    size_t            cut, step, bad;
    ngx_str_t         s, gold, text, got;
    ngx_uint_t        i, ends;
    ngx_pool_t       *pool, *one;
    front_reply_t     reply;
    front_request_t   r;

    static const char  *names[] = {
        "argo-chat-stream-text", "argo-chat-stream-image",
        "argo-chat-stream-starved", "argo-chat-stream-system-text",
        "argo-chat-stream-tool-call", "openai-chat-stream-text",
        "openai-chat-stream-tool-followup", "openai-chat-stream-tool-call",
        "openai-capture-chat-stream-text", "argo-chat-stream-long-text"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        pool = test_pool();
        prepare(pool, &r, ASK);

        (void) snprintf(path, sizeof(path), "%s.sse", names[i]);
        s = front_file(pool, path);
        (void) snprintf(path, sizeof(path), "gold-chat/%s.gold.txt",
                        names[i]);
        text = front_file(pool, path);

        (void) run(pool, &reply, &argo_openai_chat_front, &r.req, &s, WHOLE);
        is(reply.rc, NGX_OK, "%s", names[i]);
        gold = reply.bytes;

        if (s.len < 100 * 1024) {
            (void) snprintf(path, sizeof(path), "gold-chat/%s.gold.sse",
                            names[i]);
            gold = front_file(pool, path);
            is_mem(reply.bytes.data, reply.bytes.len, gold.data, gold.len,
                   "%s: as checked in", names[i]);
        }

        got = text_of(pool, &reply.bytes, "", "choices.0.delta.content",
                      &ends, "[DONE]");
        is_mem(got.data, got.len, text.data, text.len, "%s: its text",
               names[i]);
        is(ends, 1, "%s: one end", names[i]);

        /* at every byte; the larger ones at some of them */

        step = (s.len < 8 * 1024) ? 1 : 1 + s.len / 20;
        bad = 0;

        for (cut = 1; cut < s.len; cut += step) {
            one = test_pool();
            (void) run(one, &reply, &argo_openai_chat_front, &r.req, &s,
                       cut);
            bad += !front_same(&reply.bytes, &gold);
            ngx_destroy_pool(one);
        }

        one = test_pool();
        (void) run(one, &reply, &argo_openai_chat_front, &r.req, &s, BYTES);
        bad += !front_same(&reply.bytes, &gold);
        ngx_destroy_pool(one);

        is(bad, 0, "%s: the same, however cut", names[i]);

        check_other(names[i], &s, &text, &argo_openai_completions_front,
                    "{\"model\":\"gpt-4o\",\"stream\":true,\"prompt\":"
                    "\"Hi\"}", "", "choices.0.text", "[DONE]");
        check_other(names[i], &s, &text, &argo_openai_responses_front,
                    "{\"model\":\"gpt-4o\",\"stream\":true,\"input\":"
                    "\"Hi\",\"tools\":[{\"type\":\"function\",\"name\":"
                    "\"get_weather\",\"parameters\":{}}]}",
                    "response.output_text.delta", "delta",
                    strstr(names[i], "starved") || strstr(names[i], "long")
                    || strstr(names[i], "capture")
                    ? "response.incomplete" : "response.completed");

        ngx_destroy_pool(pool);
    }
}


int
main(void)
{
    const reply_case_t  *t;

    test_splices();
    test_splice_failures();
    test_changes();
    test_own();
    test_gaps();
    test_bodies();

    for (t = streams; t->name; t++) {
        check_stream(t);
    }

    test_later();
    test_usage();
    test_choices();
    test_thoughts();
    test_history();
    test_recorded();

    return front_done();
}
