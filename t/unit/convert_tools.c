
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Tools: OpenAI chat completions read and written, ARGO's legacy API written
 * and read, for each family of models.  docs/tools.md has the rules.
 */


#include "argo_test.h"
#include "argo_reply.h"

#include "argo_dialect.h"
#include "argo_model.h"
#include "argo_stream.h"


#define HI       "{\"role\":\"user\",\"content\":\"hi\"}"
#define F        "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}"
#define TOOLS    ",\"tools\":[" F "]"

#define CALL(id, name, args)                                                  \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\""      \
    name "\",\"arguments\":\"" args "\"}}"

#define ASKED(content, calls)                                                 \
    "{\"role\":\"assistant\",\"content\":" content ",\"tool_calls\":["        \
    calls "]}"

#define TOLD(id, content)                                                     \
    "{\"role\":\"tool\",\"content\":" content ",\"tool_call_id\":\"" id "\"}"

#define TOLD_AS(id, name, content)                                            \
    "{\"role\":\"tool\",\"content\":" content ",\"tool_call_id\":\"" id       \
    "\",\"name\":\"" name "\"}"

#define USES(content, uses)                                                   \
    "{\"role\":\"assistant\",\"content\":[" content uses "]}"

#define TEXT(text)  "{\"type\":\"text\",\"text\":\"" text "\"}"

#define USE(id, name, input)                                                  \
    "{\"id\":\"" id "\",\"input\":" input ",\"name\":\"" name                 \
    "\",\"type\":\"tool_use\",\"cache_control\":null}"

#define RESULT(id, content)                                                   \
    "{\"type\":\"tool_result\",\"tool_use_id\":\"" id "\",\"content\":"       \
    content "}"

#define RESULTS(results)  "{\"role\":\"user\",\"content\":[" results "]}"

#define GCALL(id, name, args)                                                 \
    "{\"id\":\"" id "\",\"name\":\"" name "\",\"args\":" args "}"

#define SCHEMA  "{\"type\":\"object\",\"properties\":{}}"

#define CLAUDE(name)                                                          \
    ",\"tools\":[{\"name\":\"" name "\",\"input_schema\":" SCHEMA             \
    ",\"cache_control\":null,\"type\":\"custom\"}]"

#define FULL                                                                  \
    "{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":"    \
    "\"say \\\"a\\\"\",\"parameters\":{\"type\":\"object\",\"properties\":"   \
    "{\"x\":{\"y\":[1e400]}}},\"strict\":true}}"

#define PROMPT  "Call a tool only where it is of use."


typedef enum { GPT = 0, OPUS, PRO, LLAMA } who_e;


typedef struct {
    const char      *name;
    who_e            who;
    const char      *messages;
    const char      *members;
    const char      *out_messages;
    const char      *out_members;
} good_t;


typedef struct {
    const char      *name;
    who_e            who;
    const char      *messages;
    const char      *members;
    const char      *code;
    const char      *param;             /* NULL: none */
    const char      *message;           /* a part of it */
} bad_t;


typedef struct {
    const char      *name;
    who_e            who;
    const char      *members;           /* of the request */
    const char      *reply;
    const char      *content;           /* raw */
    const char      *calls;             /* raw, of "tool_calls"; or NULL */
    const char      *call;              /* raw, of "function_call"; or NULL */
} reply_row_t;


typedef struct {
    argo_request_t   req;
    argo_call_t      call;
    argo_error_t     err;
    ngx_str_t        body;
} request_t;


static argo_model_table_t  *models;

static const char  *names[] = { "gpt-4o", "claude-opus-4.6",
                                "gemini-2.5-pro", "llama" };
static const char  *ids[] = { "gpt4o", "claudeopus46", "gemini25pro",
                              "llama4" };


static ngx_int_t
fixed_random(u_char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        p[i] = (u_char) i;
    }

    return NGX_OK;
}


static const argo_env_t  env = { 1776449057, fixed_random };


static ngx_str_t
print(const char *format, ...)
{
    va_list     args;
    ngx_str_t   s;
    static char buf[64 * 1024];

    va_start(args, format);
    s.len = vsnprintf(buf, sizeof(buf), format, args);
    va_end(args);

    s.data = (u_char *) buf;

    return s;
}


static ngx_int_t
open_request(ngx_pool_t *pool, request_t *rq, const ngx_str_t *document)
{
    ngx_int_t  rc;

    memset(rq, 0, sizeof(request_t));

    rc = argo_json_parse(pool, document, argo_openai_chat_front.tree_depth,
                         &rq->req.root, &rq->err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_openai_chat_front.read_request(pool, &rq->req, &rq->err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_model_resolve(pool, models, &rq->req.model, &rq->req.target,
                            &rq->err);
    if (rc != NGX_OK) {
        return rc;
    }

    rq->req.user = STR("jdoe");

    return argo_legacy_back.plan_call(pool, &rq->req, 0, &rq->call,
                                      &rq->err);
}


static ngx_int_t
convert(ngx_pool_t *pool, request_t *rq, const ngx_str_t *document)
{
    ngx_int_t   rc;
    argo_out_t  out;

    rc = open_request(pool, rq, document);

    if (rc != NGX_OK) {
        return rc;
    }

    argo_out_init(&out, pool, 4096, NULL, 0);
    argo_legacy_back.write_request(&rq->req, &rq->call, &out);

    return argo_out_flatten(&out, pool, &rq->body);
}


static const good_t  good[] = {

    /* tools */

    { "OpenAI: as they came", GPT, HI, ",\"tools\":[" FULL " , " F "]",
      HI, ",\"tools\":[" FULL "," F "]" },

    { "Claude", OPUS, HI, ",\"tools\":[" FULL "," F "]", HI,
      ",\"tools\":[{\"name\":\"f\",\"description\":\"say \\\"a\\\"\","
      "\"input_schema\":{\"type\":\"object\",\"properties\":{\"x\":{\"y\":"
      "[1e400]}}},\"cache_control\":null,\"type\":\"custom\"},{\"name\":"
      "\"f\",\"input_schema\":" SCHEMA ",\"cache_control\":null,\"type\":"
      "\"custom\"}]" },

    { "Claude: null is nothing", OPUS, HI, ",\"tools\":[{\"type\":"
      "\"function\",\"function\":{\"name\":\"f\",\"description\":null,"
      "\"parameters\":null,\"strict\":null}}]", HI, CLAUDE("f") },

    { "Claude: a schema without a type", OPUS, HI, ",\"tools\":[{\"type\":"
      "\"function\",\"function\":{\"name\":\"f\",\"parameters\":"
      "{\"properties\":{}}}}]", HI,
      ",\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\","
      "\"properties\":{}},\"cache_control\":null,\"type\":\"custom\"}]" },

    { "Claude: an empty schema", OPUS, HI, ",\"tools\":[{\"type\":"
      "\"function\",\"function\":{\"name\":\"f\",\"parameters\":{}}}]", HI,
      CLAUDE("f") },

    { "Claude: a cache that the client asks for", OPUS, HI,
      ",\"tools\":[{\"cache_control\":{\"type\":\"ephemeral\"},\"type\":"
      "\"function\",\"function\":{\"name\":\"f\"}}]", HI,
      ",\"tools\":[{\"name\":\"f\",\"input_schema\":" SCHEMA
      ",\"cache_control\":{\"type\":\"ephemeral\"},\"type\":\"custom\"}]" },

    { "Gemini", PRO, HI, ",\"tools\":[" FULL "," F "]", HI,
      ",\"tools\":[{\"name\":\"f\",\"description\":\"say \\\"a\\\"\","
      "\"parameters\":{\"type\":\"object\",\"properties\":{\"x\":{\"y\":"
      "[1e400]}}}},{\"name\":\"f\"}]" },

    { "names stay escaped", OPUS, HI, ",\"tools\":[{\"type\":\"f\\u0075"
      "nction\",\"function\":{\"name\":\"\\u0066\"}}]", HI,
      CLAUDE("\\u0066") },

    { "no tools", OPUS, HI, ",\"tools\":[],\"tool_choice\":\"auto\","
      "\"parallel_tool_calls\":false", HI, "" },

    /* tool_choice */

    { "OpenAI: auto", GPT, HI, TOOLS ",\"tool_choice\":\"auto\"", HI,
      TOOLS ",\"tool_choice\":\"auto\"" },
    { "OpenAI: none", GPT, HI, TOOLS ",\"tool_choice\":\"none\"", HI,
      TOOLS ",\"tool_choice\":\"none\"" },
    { "OpenAI: required", GPT, HI, TOOLS ",\"tool_choice\":\"required\"", HI,
      TOOLS ",\"tool_choice\":\"required\"" },
    { "OpenAI: one", GPT, HI, TOOLS ",\"tool_choice\":{\"type\":"
      "\"function\",\"function\":{\"name\":\"\\u0066\"}}", HI,
      TOOLS ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":"
      "\"\\u0066\"}}" },
    { "OpenAI: parallel", GPT, HI, TOOLS ",\"parallel_tool_calls\":true", HI,
      TOOLS ",\"parallel_tool_calls\":true" },
    { "OpenAI: not parallel", GPT, HI, ",\"tool_choice\":\"auto\","
      "\"parallel_tool_calls\":false" TOOLS, HI,
      TOOLS ",\"tool_choice\":\"auto\",\"parallel_tool_calls\":false" },

    { "Claude: auto", OPUS, HI, TOOLS ",\"tool_choice\":\"auto\"", HI,
      CLAUDE("f") ",\"tool_choice\":{\"type\":\"auto\","
      "\"disable_parallel_tool_use\":false}" },
    { "Claude: auto, not parallel", OPUS, HI, TOOLS ",\"tool_choice\":"
      "\"auto\",\"parallel_tool_calls\":false", HI,
      CLAUDE("f") ",\"tool_choice\":{\"type\":\"auto\","
      "\"disable_parallel_tool_use\":true}" },
    { "Claude: required", OPUS, HI, TOOLS ",\"tool_choice\":\"required\","
      "\"parallel_tool_calls\":true", HI,
      CLAUDE("f") ",\"tool_choice\":{\"type\":\"any\","
      "\"disable_parallel_tool_use\":false}" },
    { "Claude: none", OPUS, HI, TOOLS ",\"tool_choice\":\"none\","
      "\"parallel_tool_calls\":false", HI,
      CLAUDE("f") ",\"tool_choice\":{\"type\":\"none\"}" },
    { "Claude: one", OPUS, HI, TOOLS ",\"tool_choice\":{\"type\":"
      "\"function\",\"function\":{\"name\":\"f\"}}", HI,
      CLAUDE("f") ",\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\","
      "\"disable_parallel_tool_use\":false}" },
    { "Claude: not parallel alone", OPUS, HI,
      TOOLS ",\"parallel_tool_calls\":false", HI,
      CLAUDE("f") ",\"tool_choice\":{\"type\":\"auto\","
      "\"disable_parallel_tool_use\":true}" },
    { "Claude: parallel alone", OPUS, HI,
      TOOLS ",\"parallel_tool_calls\":true", HI, CLAUDE("f") },

    { "Gemini: auto", PRO, HI, TOOLS ",\"tool_choice\":\"auto\"", HI,
      ",\"tools\":[{\"name\":\"f\"}],\"tool_choice\":\"AUTO\"" },
    { "Gemini: required", PRO, HI, TOOLS ",\"tool_choice\":\"required\","
      "\"parallel_tool_calls\":true", HI,
      ",\"tools\":[{\"name\":\"f\"}],\"tool_choice\":\"ANY\"" },
    { "Gemini: none", PRO, HI, TOOLS ",\"tool_choice\":\"none\"", HI,
      ",\"tools\":[{\"name\":\"f\"}],\"tool_choice\":\"NONE\"" },
    { "Gemini: one", PRO, HI, TOOLS ",\"tool_choice\":{\"type\":"
      "\"function\",\"function\":{\"name\":\"f\"}}", HI,
      ",\"tools\":[{\"name\":\"f\"}],\"tool_choice\":{\"mode\":"
      "\"FUNCTION_CALLING\",\"allowed_function_names\":[\"f\"]}" },

    /* functions */

    { "functions, OpenAI", GPT, HI, ",\"functions\":[{\"name\":\"f\","
      "\"description\":\"d\",\"parameters\":{\"a\":1}}],\"function_call\":"
      "\"auto\"", HI, ",\"tools\":[{\"type\":\"function\",\"function\":"
      "{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"a\":1}}}],"
      "\"tool_choice\":\"auto\",\"parallel_tool_calls\":false" },
    { "functions, Claude", OPUS, HI, ",\"functions\":[{\"name\":\"f\"}],"
      "\"function_call\":{\"name\":\"f\"}", HI,
      CLAUDE("f") ",\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\","
      "\"disable_parallel_tool_use\":true}" },
    { "functions that may not be called", PRO, HI, ",\"functions\":[{"
      "\"name\":\"f\"}],\"function_call\":\"none\"", HI,
      ",\"tools\":[{\"name\":\"f\"}],\"tool_choice\":\"NONE\"" },
    { "no functions", GPT, HI, ",\"functions\":[],\"function_call\":"
      "\"none\"", HI, "" },
    { "a function's call and result", GPT,
      HI ",{\"role\":\"assistant\",\"content\":null,\"function_call\":"
      "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}},{\"role\":"
      "\"function\",\"name\":\"f\",\"content\":\"r\"}", "",
      HI "," ASKED("\"\"", CALL("call_function_1", "f", "{\\\"a\\\":1}")) ","
      TOLD_AS("call_function_1", "f", "\"r\""), "" },
    { "the same for Claude", OPUS,
      HI ",{\"role\":\"assistant\",\"function_call\":{\"name\":\"f\"}},"
      "{\"role\":\"function\",\"name\":\"\\u0066\",\"content\":\"r\"}", "",
      HI "," USES("", USE("call_function_1", "f", "{}")) ","
      RESULTS(RESULT("call_function_1", "\"r\"")), "" },

    /* history */

    { "OpenAI: as it came", GPT,
      HI "," ASKED("\"x\"", CALL("a", "f", "{ }") "," CALL("b", "g", "no "
      "JSON")) "," TOLD("b", "\"2\"") "," TOLD("a", "\"1\"") "," HI, "",
      HI "," ASKED("\"x\"", CALL("a", "f", "{ }") "," CALL("b", "g", "no "
      "JSON")) "," TOLD("b", "\"2\"") "," TOLD("a", "\"1\"") "," HI, "" },

    { "OpenAI: with members of its own", GPT,
      HI ",{\"role\":\"assistant\",\"refusal\":null,\"tool_calls\":["
      CALL("a", "f", "") "],\"x\":1},{\"role\":\"tool\",\"tool_call_id\":"
      "\"a\",\"name\":\"f\",\"content\":\"1\",\"y\":2}", "",
      HI ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
      CALL("a", "f", "") "],\"refusal\":null,\"x\":1},{\"role\":\"tool\","
      "\"content\":\"1\",\"tool_call_id\":\"a\",\"name\":\"f\",\"y\":2}",
      "" },

    { "OpenAI: a call without type and arguments is given them", GPT,
      HI ",{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\","
      "\"function\":{\"name\":\"f\"}}]}," TOLD("a", "\"1\""), "",
      HI "," ASKED("\"\"", CALL("a", "f", "{}")) "," TOLD("a", "\"1\""),
      "" },

    { "Claude", OPUS,
      HI "," ASKED("\"x\\ny\"", CALL("toolu_1", "f", "{\\\"a\\\": "
      "\\\"\\u00e9\\\\n\\\\u0041\\\"}")) "," TOLD("toolu_1", "\"r\\n\""), "",
      HI "," USES(TEXT("x\\ny") ",", USE("toolu_1", "f",
      "{\"a\": \"\xc3\xa9\\n\\u0041\"}")) ","
      RESULTS(RESULT("toolu_1", "\"r\\n\"")), "" },

    { "Claude: results in one message, in their order", OPUS,
      HI "," ASKED("null", CALL("a", "f", "{}") "," CALL("b", "g",
      " \\n")) "," TOLD("b", "[" TEXT("2") "]") "," TOLD_AS("a", "f", "null")
      "," HI, "",
      HI "," USES("", USE("a", "f", "{}") "," USE("b", "g", "{}")) ","
      RESULTS(RESULT("b", "[" TEXT("2") "]") "," RESULT("a", "\"\"")) ","
      HI, "" },

    { "Claude: blank text beside calls is left out", OPUS,
      HI "," ASKED("\" \\n\\t\"", CALL("a", "f", "{}")) ","
      ASKED("[" TEXT("") "," TEXT("x") "]", CALL("b", "f", "{}")), "",
      HI "," USES("", USE("a", "f", "{}")) ","
      RESULTS(RESULT("a", "\"[no result]\"")) ","
      USES(TEXT("x") ",", USE("b", "f", "{}")), "" },

    { "Claude: what else a client sends back", OPUS,
      HI ",{\"role\":\"assistant\",\"content\":\"x\",\"refusal\":null,"
      "\"annotations\":[],\"audio\":null,\"function_call\":null,"
      "\"tool_calls\":null,\"z\":1}," HI, "",
      HI ",{\"role\":\"assistant\",\"content\":\"x\",\"z\":1}," HI, "" },

    { "Claude: a cache at a result", OPUS,
      HI "," ASKED("\"\"", CALL("a", "f", "{}")) ",{\"role\":\"tool\","
      "\"tool_call_id\":\"a\",\"content\":\"1\",\"cache_control\":{\"type\":"
      "\"ephemeral\"}}", "",
      HI "," USES("", USE("a", "f", "{}")) "," RESULTS("{\"type\":"
      "\"tool_result\",\"tool_use_id\":\"a\",\"content\":\"1\","
      "\"cache_control\":{\"type\":\"ephemeral\"}}"), "" },

    { "Claude: ids that another vendor made", OPUS,
      HI "," ASKED("\"\"", CALL("functions.f:0", "f", "{}")) ","
      TOLD("functions\\u002ef:0", "\"1\""), "",
      HI "," USES("", USE("functions_f_0", "f", "{}")) ","
      RESULTS(RESULT("functions_f_0", "\"1\"")), "" },

    { "Claude: a result is of the user", OPUS,
      ASKED("\"\"", CALL("a", "f", "{}")) "," TOLD("a", "\"1\""), "",
      USES("", USE("a", "f", "{}")) "," RESULTS(RESULT("a", "\"1\"")), "" },

    { "Gemini", PRO,
      HI "," ASKED("\"x\"", CALL("a", "f", "{\\\"b\\\":[1]}")) ","
      TOLD("a", "\"1\""), "",
      HI ",{\"role\":\"assistant\",\"content\":\"x\",\"tool_calls\":["
      GCALL("a", "f", "{\"b\":[1]}") "]}," TOLD_AS("a", "f", "\"1\""), "" },

    { "Gemini: parallel calls one by one", PRO,
      HI "," ASKED("\"x\"", CALL("a", "f", "{}") "," CALL("b", "g", "") ","
      CALL("c", "h", "{}")) "," TOLD("c", "\"3\"") "," TOLD("a", "\"1\"")
      "," TOLD("b", "\"2\"") "," HI, "",
      HI ",{\"role\":\"assistant\",\"content\":\"x\",\"tool_calls\":["
      GCALL("a", "f", "{}") "]}," TOLD_AS("a", "f", "\"1\"")
      ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
      GCALL("b", "g", "{}") "]}," TOLD_AS("b", "g", "\"2\"")
      ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
      GCALL("c", "h", "{}") "]}," TOLD_AS("c", "h", "\"3\"") "," HI, "" },

    { "Gemini: by id, then by position", PRO,
      HI "," ASKED("\"\"", CALL("a", "f", "{}") "," CALL("b", "g", "{}") ","
      CALL("c", "h", "{}")) "," TOLD("x", "\"1\"") "," TOLD("b", "\"2\"")
      "," TOLD("y", "\"3\""), "",
      HI ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
      GCALL("a", "f", "{}") "]}," TOLD_AS("a", "f", "\"1\"")
      ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
      GCALL("b", "g", "{}") "]}," TOLD_AS("b", "g", "\"2\"")
      ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
      GCALL("c", "h", "{}") "]}," TOLD_AS("c", "h", "\"3\""), "" },

    { "Gemini: calls at the end stay together", PRO,
      HI "," ASKED("\"\"", CALL("a", "f", "{}") "," CALL("b", "g", "{}")),
      "",
      HI ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
      GCALL("a", "f", "{}") "," GCALL("b", "g", "{}") "]}", "" },

    /* the same id more than once */

    { "the same id in each turn", OPUS,
      HI "," ASKED("\"\"", CALL("a", "f", "{}")) "," TOLD("a", "\"1\"") ","
      ASKED("\"\"", CALL("a", "f", "{}")) "," TOLD("a", "\"2\""), "",
      HI "," USES("", USE("a", "f", "{}")) ","
      RESULTS(RESULT("a", "\"1\"")) ","
      USES("", USE("a", "f", "{}")) ","
      RESULTS(RESULT("a", "\"2\"")), "" },

    { "the same id twice in a turn", PRO,
      HI "," ASKED("\"\"", CALL("a", "f", "{}") "," CALL("a", "g", "{}"))
      "," TOLD("a", "\"1\"") "," TOLD("a", "\"2\""), "",
      HI ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
      GCALL("a", "f", "{}") "]}," TOLD_AS("a", "f", "\"1\"")
      ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
      GCALL("a", "g", "{}") "]}," TOLD_AS("a", "g", "\"2\""), "" },

    /* calls that were never answered */

    { "OpenAI: a result is made up", GPT,
      HI "," ASKED("\"\"", CALL("a", "f", "{}") "," CALL("b", "g", "{}"))
      "," TOLD("b", "\"2\"") "," HI, "",
      HI "," ASKED("\"\"", CALL("a", "f", "{}") "," CALL("b", "g", "{}"))
      "," TOLD("b", "\"2\"") "," TOLD("a", "\"[no result]\"") "," HI, "" },

    { "OpenAI: not at the end", GPT,
      HI "," ASKED("\"\"", CALL("a", "f", "{}")), "",
      HI "," ASKED("\"\"", CALL("a", "f", "{}")), "" },

    { "Claude: a result is made up", OPUS,
      HI "," ASKED("\"\"", CALL("a", "f", "{}")) "," HI, "",
      HI "," USES("", USE("a", "f", "{}")) ","
      RESULTS(RESULT("a", "\"[no result]\"")) "," HI, "" },

    { "Claude: not at the end", OPUS,
      HI "," ASKED("\"\"", CALL("a", "f", "{}")), "",
      HI "," USES("", USE("a", "f", "{}")), "" },

    { "Claude: before the message that is added", OPUS,
      ASKED("\"\"", CALL("a", "f", "{}")), "",
      USES("", USE("a", "f", "{}")) ","
      RESULTS(RESULT("a", "\"[no result]\""))
      ",{\"role\":\"user\",\"content\":\"[continue]\"}", "" },

    { "Gemini: a result is made up", PRO,
      HI "," ASKED("\"\"", CALL("a", "f", "{}")) "," HI, "",
      HI ",{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
      GCALL("a", "f", "{}") "]}," TOLD_AS("a", "f", "\"[no result]\"") ","
      HI, "" },

    /* a vendor that is not known */

    { "others: no tools, no prompt", LLAMA, HI, ",\"x\":1", HI, ",\"x\":1" },
    { "others: none, no prompt", LLAMA, HI,
      TOOLS ",\"tool_choice\":\"none\"", HI, "" },
    { "others: history as text", LLAMA,
      HI "," ASKED("\"x\"", CALL("a", "f", "{\\\"b\\\":\\\"\\\\n\\\"}") ","
      CALL("b", "g", "")) "," TOLD("b", "\"2\\n\"") "," HI, "",
      HI ",{\"role\":\"assistant\",\"content\":\"x\\n"
      "<tool_call>{\\\"name\\\":\\\"f\\\",\\\"arguments\\\":"
      "{\\\"b\\\":\\\"\\\\n\\\"}}</tool_call>\\n"
      "<tool_call>{\\\"name\\\":\\\"g\\\",\\\"arguments\\\":{}}</tool_call>"
      "\"},{\"role\":\"user\",\"content\":\"<tool_result name=\\\"f\\\">"
      "[no result]</tool_result>\\n<tool_result name=\\\"g\\\">2\\n"
      "</tool_result>\\n\"}," HI, "" },
    { "others: a picture in a result", LLAMA,
      HI "," ASKED("\"\"", CALL("a", "f", "{}")) "," TOLD("a", "[{\"type\":"
      "\"image_url\",\"image_url\":{\"url\":\"data:,\"}}]"), "",
      HI ",{\"role\":\"assistant\",\"content\":\"<tool_call>{\\\"name\\\":"
      "\\\"f\\\",\\\"arguments\\\":{}}</tool_call>\"},{\"role\":\"user\","
      "\"content\":[{\"type\":\"text\",\"text\":\"<tool_result name="
      "\\\"f\\\">\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
      "\"data:,\"}},{\"type\":\"text\",\"text\":\"</tool_result>\\n\"}]}",
      "" },

    { NULL, 0, NULL, NULL, NULL, NULL }
};


static const bad_t  bad[] = {

    { "a tool a string", GPT, HI, ",\"tools\":[\"f\"]", "invalid_type",
      "tools[0]", "an object, not a string" },
    { "no type", GPT, HI, ",\"tools\":[" F ",{}]",
      "missing_required_parameter", "tools[1].type", "" },
    { "type a number", GPT, HI, ",\"tools\":[{\"type\":1}]", "invalid_type",
      "tools[0].type", "a string" },
    { "no function", GPT, HI, ",\"tools\":[{\"type\":\"function\"}]",
      "missing_required_parameter", "tools[0].function", "" },
    { "function a list", GPT, HI,
      ",\"tools\":[{\"type\":\"function\",\"function\":[]}]",
      "invalid_type", "tools[0].function", "an object" },
    { "no name", GPT, HI,
      ",\"tools\":[{\"type\":\"function\",\"function\":{}}]",
      "missing_required_parameter", "tools[0].function.name", "" },
    { "an empty name", GPT, HI,
      ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"\"}}]",
      "invalid_value", "tools[0].function.name", "not be empty" },
    { "name null", GPT, HI,
      ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":null}}]",
      "invalid_type", "tools[0].function.name", "" },
    { "description a number", GPT, HI, ",\"tools\":[{\"type\":\"function\","
      "\"function\":{\"name\":\"f\",\"description\":1}}]",
      "invalid_type", "tools[0].function.description", "a string" },
    { "parameters a string", OPUS, HI, ",\"tools\":[{\"type\":\"function\","
      "\"function\":{\"name\":\"f\",\"parameters\":\"{}\"}}]",
      "invalid_type", "tools[0].function.parameters", "an object" },
    { "strict a string", GPT, HI, ",\"tools\":[{\"type\":\"function\","
      "\"function\":{\"name\":\"f\",\"strict\":\"\"}}]",
      "invalid_type", "tools[0].function.strict", "a boolean" },
    { "a custom tool", GPT, HI, ",\"tools\":[" F ",{\"type\":\"custom\","
      "\"custom\":{\"name\":\"c\"}}]", "unsupported_parameter",
      "tools[1].type", "function" },
    { "a custom tool without a name", GPT, HI, ",\"tools\":[" F ",{\"type\":"
      "\"custom\",\"custom\":{}}]", "missing_required_parameter",
      "tools[1].custom.name", "" },
    { "a tool of the vendor's", OPUS, HI, ",\"tools\":[{\"type\":"
      "\"web_search\"}]", "unsupported_parameter", "tools[0].type", "" },

    { "tool_choice another word", GPT, HI, TOOLS ",\"tool_choice\":\"any\"",
      "invalid_value", "tool_choice", "none, auto, required" },
    { "tool_choice required, no tools", GPT, HI,
      ",\"tool_choice\":\"required\"", "invalid_value", "tool_choice",
      "no tools" },
    { "tool_choice without type", GPT, HI, TOOLS ",\"tool_choice\":{}",
      "missing_required_parameter", "tool_choice.type", "" },
    { "tool_choice of allowed tools", GPT, HI, TOOLS ",\"tool_choice\":"
      "{\"type\":\"allowed_tools\"}", "missing_required_parameter",
      "tool_choice.allowed_tools", "" },
    { "tool_choice of another kind", GPT, HI, TOOLS ",\"tool_choice\":"
      "{\"type\":\"web_search\"}", "unsupported_value",
      "tool_choice.type", "must be function" },
    { "tool_choice of another tool", GPT, HI, TOOLS ",\"tool_choice\":"
      "{\"type\":\"function\",\"function\":{\"name\":\"g\"}}",
      "invalid_value", "tool_choice", "not one of those offered" },
    { "tool_choice of a tool, no tools", GPT, HI, ",\"tool_choice\":"
      "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}",
      "invalid_value", "tool_choice", "" },
    { "tool_choice without function", GPT, HI, TOOLS ",\"tool_choice\":"
      "{\"type\":\"function\"}", "missing_required_parameter",
      "tool_choice.function", "" },
    { "tool_choice without name", GPT, HI, TOOLS ",\"tool_choice\":"
      "{\"type\":\"function\",\"function\":{}}",
      "missing_required_parameter", "tool_choice.function.name", "" },

    { "functions and tools", GPT, HI, TOOLS ",\"functions\":[{\"name\":"
      "\"f\"}]", "invalid_value", "functions", "both" },
    { "a function without name", GPT, HI, ",\"functions\":[{}]",
      "missing_required_parameter", "functions[0].name", "" },
    { "a function a number", GPT, HI, ",\"functions\":[1]", "invalid_type",
      "functions[0]", "" },
    { "function_call required", GPT, HI, ",\"functions\":[{\"name\":\"f\"}],"
      "\"function_call\":\"required\"", "invalid_value", "function_call",
      "" },
    { "function_call of another", GPT, HI, ",\"functions\":[{\"name\":"
      "\"f\"}],\"function_call\":{\"name\":\"g\"}", "invalid_value",
      "function_call", "" },

    { "tool_calls a string", GPT, HI ",{\"role\":\"assistant\","
      "\"tool_calls\":\"\"}", "", "invalid_type", "messages[1].tool_calls",
      "an array" },
    { "a call a number", GPT, HI ",{\"role\":\"assistant\",\"tool_calls\":"
      "[1]}", "", "invalid_type", "messages[1].tool_calls[0]", "" },
    { "a call without id", GPT, HI ",{\"role\":\"assistant\",\"tool_calls\":"
      "[" CALL("a", "f", "") ",{\"type\":\"function\",\"function\":{\"name\":"
      "\"f\"}}]}", "", "missing_required_parameter",
      "messages[1].tool_calls[1].id", "" },
    { "a call of another kind", GPT, HI ",{\"role\":\"assistant\","
      "\"tool_calls\":[{\"id\":\"a\",\"type\":\"mcp\"}]}", "",
      "unsupported_value", "messages[1].tool_calls[0].type", "" },
    { "a call without function", GPT, HI ",{\"role\":\"assistant\","
      "\"tool_calls\":[{\"id\":\"a\"}]}", "", "missing_required_parameter",
      "messages[1].tool_calls[0].function", "" },
    { "a call without name", GPT, HI ",{\"role\":\"assistant\","
      "\"tool_calls\":[{\"id\":\"a\",\"function\":{}}]}", "",
      "missing_required_parameter",
      "messages[1].tool_calls[0].function.name", "" },
    { "arguments an object", GPT, HI ",{\"role\":\"assistant\","
      "\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\","
      "\"arguments\":{}}}]}", "", "invalid_type",
      "messages[1].tool_calls[0].function.arguments", "a string" },
    { "function_call a string", GPT, HI ",{\"role\":\"assistant\","
      "\"function_call\":\"f\"}", "", "invalid_type",
      "messages[1].function_call", "" },

    { "Claude: arguments that are no JSON", OPUS,
      HI "," ASKED("\"\"", CALL("a", "f", "{}") "," CALL("b", "f",
      "{\\\"a\\\":")) "," TOLD("a", "\"1\""), "", "invalid_value",
      "messages[1].tool_calls[1].function.arguments", "a JSON object" },
    { "Gemini: arguments that are no object", PRO,
      HI "," ASKED("\"\"", CALL("a", "f", "[1]")), "", "invalid_value",
      "messages[1].tool_calls[0].function.arguments", "a JSON object" },
    { "Claude: a function's arguments", OPUS,
      HI ",{\"role\":\"assistant\",\"function_call\":{\"name\":\"f\","
      "\"arguments\":\"1\"}}", "", "invalid_value",
      "messages[1].function_call.arguments", "" },

    { "no tool_call_id", GPT, HI ",{\"role\":\"tool\",\"content\":\"x\"}",
      "", "missing_required_parameter", "messages[1].tool_call_id", "" },
    { "tool_call_id null", GPT, HI ",{\"role\":\"tool\",\"content\":\"x\","
      "\"tool_call_id\":null}", "", "invalid_type",
      "messages[1].tool_call_id", "" },
    { "tool_call_id empty", GPT, HI "," TOLD("", "\"x\""), "",
      "invalid_value", "messages[1].tool_call_id", "" },
    { "a function's result without name", GPT, HI ",{\"role\":\"function\","
      "\"content\":\"x\"}", "", "missing_required_parameter",
      "messages[1].name", "" },

    { "a result without a call", GPT, HI "," TOLD("a", "\"x\""), "",
      "invalid_value", "messages[1].tool_call_id", "no unanswered" },
    { "a result of another call", OPUS,
      HI "," ASKED("\"\"", CALL("a", "f", "{}")) "," TOLD("b", "\"x\""), "",
      "invalid_value", "messages[2].tool_call_id", "" },
    { "a second result", PRO,
      HI "," ASKED("\"\"", CALL("a", "f", "{}")) "," TOLD("a", "\"x\"") ","
      TOLD("a", "\"y\""), "", "invalid_value", "messages[3].tool_call_id",
      "" },
    { "a result of the turn before", GPT,
      HI "," ASKED("\"\"", CALL("a", "f", "{}")) "," HI ","
      TOLD("a", "\"x\""), "", "invalid_value", "messages[3].tool_call_id",
      "" },
    { "Gemini: more results than calls", PRO,
      HI "," ASKED("\"\"", CALL("a", "f", "{}")) "," TOLD("x", "\"1\"") ","
      TOLD("y", "\"2\""), "", "invalid_value", "messages[2].tool_call_id",
      "" },
    { "a function's result without a call", LLAMA, HI ",{\"role\":"
      "\"function\",\"name\":\"f\",\"content\":\"x\"}", "", "invalid_value",
      "messages[1].name", "" },

    { NULL, 0, NULL, NULL, NULL, NULL, NULL }
};


#define LEAK(id, name, input)                                                 \
    "{'id': '" id "', 'input': " input ", 'name': '" name                     \
    "', 'type': 'tool_use', 'cache_control': None}"

#define LEAKED(text)                                                          \
    "{\"response\":{\"content\":\"" text "\",\"tool_calls\":[]}}"

#define ONE  "[" CALL("toolu_1", "f", "{\\\"a\\\":1}") "]"

#define MADE "call_0123456789ABCDEFGHIJKLMNOPQRS_"

#define TAG(text)  "<tool_call>" text "</tool_call>"


static const reply_row_t  replies[] = {

    { "OpenAI's calls", GPT, TOOLS, "{\"response\":{\"content\":\"x\","
      "\"tool_calls\":[" CALL("c1", "f", "{\\\"a\\\":1}") ","
      CALL("c2", "f", "") "]}}", "\"x\"",
      "[" CALL("c1", "f", "{\\\"a\\\":1}") "," CALL("c2", "f", "") "]",
      NULL },
    { "Claude's calls", OPUS, TOOLS, "{\"response\":{\"content\":null,"
      "\"tool_calls\":[{\"id\":\"toolu_1\",\"input\":{\"a\":1},\"name\":"
      "\"f\",\"type\":\"tool_use\",\"cache_control\":null}]}}", "null", ONE,
      NULL },
    { "Gemini's calls", PRO, TOOLS, "{\"response\":{\"content\":\"\","
      "\"tool_calls\":[{\"id\":null,\"args\":{\"a\":1},\"name\":\"f\"},"
      "{\"id\":null,\"args\":null,\"name\":\"f\"}]}}", "null",
      "[" CALL(MADE "0", "f", "{\\\"a\\\":1}") "," CALL(MADE "1", "f", "{}")
      "]", NULL },
    { "a call whose id is a number", PRO, TOOLS, "{\"response\":{"
      "\"tool_calls\":[{\"id\":7,\"args\":{},\"name\":\"f\"}]}}", "null",
      "[" CALL(MADE "0", "f", "{}") "]", NULL },
    { "blocks", OPUS, TOOLS, "{\"response\":{\"content\":[{\"type\":"
      "\"text\",\"text\":\"x\"},{\"type\":\"tool_use\",\"id\":\"toolu_1\","
      "\"name\":\"f\",\"input\":{\"a\":1}}],\"tool_calls\":[]}}", "\"x\"",
      ONE, NULL },
    { "blocks and the same calls", OPUS, TOOLS, "{\"response\":{\"content\":"
      "[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"tool_use\",\"id\":"
      "\"toolu_1\",\"name\":\"f\",\"input\":{\"a\":1}}],\"tool_calls\":["
      "{\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{\"a\":1}}]}}", "\"x\"",
      ONE, NULL },
    { "a call of a tool that was not offered", GPT, TOOLS,
      "{\"response\":{\"content\":\"\",\"tool_calls\":["
      CALL("c", "g", "{}") "]}}", "null", "[" CALL("c", "g", "{}") "]",
      NULL },

    /* printed calls */

    { "printed", OPUS, TOOLS, LEAKED("Look: " LEAK("toolu_1", "f",
      "{'a': 1}")), "\"Look: \"", ONE, NULL },
    { "printed, in a plain reply", OPUS, TOOLS, "{\"response\":\"Look:\\n"
      LEAK("toolu_1", "f", "{'a': 1}") "\"}", "\"Look:\\n\"", ONE, NULL },
    { "printed, in a block", OPUS, TOOLS, "{\"response\":{\"content\":["
      "{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b"
      LEAK("toolu_1", "f", "{'a': 1}") "\"}]}}", "\"ab\"", ONE, NULL },
    { "printed, no text", OPUS, TOOLS, LEAKED(LEAK("toolu_1", "f",
      "{'a': 1}")), "null", ONE, NULL },
    { "printed, type first, a line end behind it", OPUS, TOOLS,
      LEAKED("x{'type': 'tool_use', 'id': 'toolu_1', 'name': 'f', 'input': "
      "{'a': 1}}\\n"), "\"x\"", ONE, NULL },
    { "printed, a caller", OPUS, TOOLS,
      LEAKED("x{'caller': {'type': 'direct'}, 'id': 'toolu_1', 'input': "
      "{'a': 1}, 'name': 'f', 'type': 'tool_use'}"), "\"x\"", ONE, NULL },
    { "printed, several", OPUS, TOOLS,
      LEAKED("x" LEAK("toolu_1", "f", "{'a': 1}") " "
      LEAK("toolu_2", "f", "{}")), "\"x\"",
      "[" CALL("toolu_1", "f", "{\\\"a\\\":1}") ","
      CALL("toolu_2", "f", "{}") "]", NULL },
    { "printed, all that Python has", OPUS, TOOLS,
      LEAKED("\\u00e9" LEAK("toolu_1", "f", "{'it': \\\"it's\\\", 'q': "
      "'\\\\'\\\\n\\\\x41\\\\u20ac', 'l': [None, True, (1.5, -2)]}")),
      "\"\xc3\xa9\"", "[" CALL("toolu_1", "f",
      "{\\\"it\\\":\\\"it's\\\",\\\"q\\\":\\\"'\\\\nA\xe2\x82\xac\\\","
      "\\\"l\\\":[null,true,[1.5,-2]]}") "]", NULL },
    { "printed, a dict in the text before", OPUS, TOOLS,
      LEAKED("Use {'id': 1} so:" LEAK("toolu_1", "f", "{'a': 1}")),
      "\"Use {'id': 1} so:\"", ONE, NULL },
    { "printed, a call in an argument", OPUS, TOOLS,
      LEAKED("x" LEAK("toolu_1", "f", "{'a': \\\"" LEAK("toolu_9", "f", "{}")
      "\\\"}")), "\"x\"",
      "[" CALL("toolu_1", "f", "{\\\"a\\\":\\\"" LEAK("toolu_9", "f", "{}")
      "\\\"}") "]", NULL },

    { "printed, but no tools were offered", OPUS, "",
      LEAKED("x" LEAK("toolu_1", "f", "{'a': 1}")),
      "\"x" LEAK("toolu_1", "f", "{'a': 1}") "\"", NULL, NULL },
    { "printed, but none may be called", OPUS,
      TOOLS ",\"tool_choice\":\"none\"",
      LEAKED("x" LEAK("toolu_1", "f", "{'a': 1}")),
      "\"x" LEAK("toolu_1", "f", "{'a': 1}") "\"", NULL, NULL },
    { "printed, but beside calls", OPUS, TOOLS, "{\"response\":{\"content\":"
      "\"x" LEAK("toolu_2", "f", "{}") "\",\"tool_calls\":[{\"id\":"
      "\"toolu_1\",\"input\":{\"a\":1},\"name\":\"f\"}]}}",
      "\"x" LEAK("toolu_2", "f", "{}") "\"", ONE, NULL },
    { "printed, an unknown name", OPUS, TOOLS,
      LEAKED("x" LEAK("toolu_1", "g", "{}")),
      "\"x" LEAK("toolu_1", "g", "{}") "\"", NULL, NULL },
    { "printed, one unknown name of two", OPUS, TOOLS,
      LEAKED("x" LEAK("toolu_1", "f", "{}") LEAK("toolu_2", "g", "{}")),
      "\"x" LEAK("toolu_1", "f", "{}") LEAK("toolu_2", "g", "{}") "\"",
      NULL, NULL },
    { "printed, another id", OPUS, TOOLS,
      LEAKED("x" LEAK("call_1", "f", "{}")),
      "\"x" LEAK("call_1", "f", "{}") "\"", NULL, NULL },
    { "printed, input no dict", OPUS, TOOLS,
      LEAKED("x" LEAK("toolu_1", "f", "'{}'")),
      "\"x" LEAK("toolu_1", "f", "'{}'") "\"", NULL, NULL },
    { "printed, text behind it", OPUS, TOOLS,
      LEAKED(LEAK("toolu_1", "f", "{}") " is a call."),
      "\"" LEAK("toolu_1", "f", "{}") " is a call.\"", NULL, NULL },
    { "printed, cut", OPUS, TOOLS,
      LEAKED("x{'id': 'toolu_1', 'input': {}, 'name': 'f'"),
      "\"x{'id': 'toolu_1', 'input': {}, 'name': 'f'\"", NULL, NULL },
    { "printed, another type", OPUS, TOOLS,
      LEAKED("{'id': 'toolu_1', 'input': {}, 'name': 'f', 'type': 'x'}"),
      "\"{'id': 'toolu_1', 'input': {}, 'name': 'f', 'type': 'x'}\"", NULL,
      NULL },
    { "a dict in an answer", OPUS, TOOLS, LEAKED("A dict: {'a': 1}"),
      "\"A dict: {'a': 1}\"", NULL, NULL },

    /* tags */

    { "a tag", LLAMA, TOOLS, LEAKED("Look:\\n" TAG("{\\\"name\\\":"
      "\\\"f\\\",\\\"arguments\\\":{\\\"a\\\":1}}") "\\n"), "\"Look:\\n\"",
      "[" CALL(MADE "0", "f", "{\\\"a\\\":1}") "]", NULL },
    { "tags and text", LLAMA, TOOLS, "{\"response\":\""
      TAG("\\n{\\\"name\\\": \\\"f\\\"}\\n") "\\n" TAG("{\\\"name\\\":"
      "\\\"f\\\",\\\"arguments\\\":{}}") "end\"}", "\"end\"",
      "[" CALL(MADE "0", "f", "{}") "," CALL(MADE "1", "f", "{}") "]",
      NULL },
    { "a tag of an unknown tool", LLAMA, TOOLS, "{\"response\":\"x"
      TAG("{\\\"name\\\":\\\"g\\\",\\\"arguments\\\":{}}") "\"}",
      "\"x" TAG("{\\\"name\\\":\\\"g\\\",\\\"arguments\\\":{}}") "\"", NULL,
      NULL },
    { "a tag with something else in it", LLAMA, TOOLS, "{\"response\":\"x"
      TAG("f()") " " TAG("{\\\"name\\\":\\\"f\\\",\\\"arguments\\\":[]}")
      TAG("") "\"}", "\"x" TAG("f()") " "
      TAG("{\\\"name\\\":\\\"f\\\",\\\"arguments\\\":[]}") TAG("") "\"",
      NULL, NULL },
    { "tags that are not closed", LLAMA, TOOLS, "{\"response\":\"</tool_call>"
      "<tool_call><tool_call>{\\\"name\\\":\\\"f\\\"}</tool_call><tool_call>"
      "{\"}", "\"</tool_call><tool_call><tool_call>{\"",
      "[" CALL(MADE "0", "f", "{}") "]", NULL },
    { "a tag, but no tools were offered", LLAMA, "", "{\"response\":\""
      TAG("{\\\"name\\\":\\\"f\\\"}") "\"}",
      "\"" TAG("{\\\"name\\\":\\\"f\\\"}") "\"", NULL, NULL },
    { "a tag, but not of this family", GPT, TOOLS, "{\"response\":\""
      TAG("{\\\"name\\\":\\\"f\\\"}") "\"}",
      "\"" TAG("{\\\"name\\\":\\\"f\\\"}") "\"", NULL, NULL },

    /* functions */

    { "a call for a client of functions", GPT, ",\"functions\":[{\"name\":"
      "\"f\"}]", "{\"response\":{\"content\":\"\",\"tool_calls\":["
      CALL("c", "f", "{\\\"a\\\":1}") "]}}", "null", NULL,
      "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}" },
    { "there is room for one", OPUS, ",\"functions\":[{\"name\":\"f\"}]",
      LEAKED("x" LEAK("toolu_1", "f", "{}") LEAK("toolu_2", "f",
      "{'a': 1}")), "\"x\"", NULL, "{\"name\":\"f\",\"arguments\":\"{}\"}" },
    { "text for a client of functions", GPT, ",\"functions\":[{\"name\":"
      "\"f\"}]", "{\"response\":{\"content\":\"x\",\"tool_calls\":[]}}",
      "\"x\"", NULL, NULL },

    { NULL, 0, NULL, NULL, NULL, NULL, NULL }
};


static void
test_good(void)
{
    ngx_str_t      in, out;
    ngx_pool_t    *pool;
    argo_json_t   *root;
    request_t      rq;
    argo_error_t   err;
    const good_t  *t;

    for (t = good; t->name; t++) {
        pool = test_pool();

        in = print("{\"model\":\"%s\",\"messages\":[%s]%s}", names[t->who],
                   t->messages, t->members);
        in = test_copy(in.data, in.len);

        if (is(convert(pool, &rq, &in), NGX_OK, "%s", t->name)) {
            out = print("{\"model\":\"%s\",\"user\":\"jdoe\",\"messages\":"
                        "[%s]%s}", ids[t->who], t->out_messages,
                        t->out_members);

            is_mem(rq.body.data, rq.body.len, out.data, out.len, "%s: body",
                   t->name);
            is(argo_json_parse(pool, &rq.body, 4, &root, &err), NGX_OK,
               "%s: which is JSON", t->name);
            is(rq.call.frame, ARGO_FRAME_JSON, "%s: frame", t->name);

        } else {
            printf("# %.*s\n", (int) rq.err.message.len,
                   rq.err.message.data);
        }

        test_free(&in);
        ngx_destroy_pool(pool);
    }
}


static void
test_refused(void)
{
    char           message[512];
    ngx_str_t      in;
    ngx_pool_t    *pool;
    request_t      rq;
    const bad_t   *t;

    for (t = bad; t->name; t++) {
        pool = test_pool();

        in = print("{\"model\":\"%s\",\"messages\":[%s]%s}", names[t->who],
                   t->messages, t->members);
        in = test_copy(in.data, in.len);

        if (is(convert(pool, &rq, &in), NGX_DECLINED, "%s", t->name)) {
            is(rq.err.status, 400, "%s: status", t->name);
            is_str(&rq.err.code, t->code, "%s: code", t->name);
            is_str(&rq.err.param, t->param, "%s: param", t->name);

            snprintf(message, sizeof(message), "%.*s",
                     (int) rq.err.message.len, rq.err.message.data);

            if (!ok(strstr(message, t->message) != NULL, "%s: message",
                    t->name))
            {
                printf("# %s\n", message);
            }
        }

        test_free(&in);
        ngx_destroy_pool(pool);
    }
}


/* The request of a reply, and the reply converted. */

static ngx_int_t
answer(ngx_pool_t *pool, const ngx_str_t *request, const ngx_str_t *reply,
    ngx_uint_t stream, ngx_str_t *bytes, argo_error_t *err)
{
    ngx_int_t       rc;
    request_t       rq;
    argo_out_t      out;
    argo_stream_t  *st;

    rc = open_request(pool, &rq, request);

    if (rc != NGX_OK) {
        *err = rq.err;
        return rc;
    }

    rq.req.stream = stream ? 1 : 0;

    st = ngx_palloc(pool, sizeof(argo_stream_t));
    if (st == NULL) {
        return NGX_ERROR;
    }

    rc = argo_stream_init(st, pool, &argo_openai_chat_front,
                          &argo_legacy_back, &rq.req, &env);
    if (rc != NGX_OK) {
        return rc;
    }

    argo_out_init(&out, pool, 512, NULL, stream);

    rc = argo_stream_body(st, reply, &out);

    *err = st->error;

    if (rc != NGX_OK) {
        return rc;
    }

    return argo_out_flatten(&out, pool, bytes);
}


/*
 * Puts the calls of a stream together, as a body has them; checks on the way
 * that each delta has just what it should.
 */

static ngx_str_t
fold(ngx_pool_t *pool, const ngx_str_t *frames, ngx_uint_t function)
{
    u_char        *p, *end, *last;
    int64_t        index;
    ngx_int_t      n;
    ngx_str_t      data, s;
    argo_out_t     out;
    argo_json_t   *root, *call, *delta;
    argo_error_t   err;

    argo_out_init(&out, pool, 4096, NULL, 1);

    n = -1;

    for (p = frames->data, end = p + frames->len; p < end; p = last + 2) {
        last = memchr(p, '\n', end - p);
        data.data = p + 6;
        data.len = last - data.data;

        if (argo_json_parse(pool, &data, 10, &root, &err) != NGX_OK) {
            continue;
        }

        delta = argo_json_get(argo_json_get(root, "choices")->child,
                              "delta");

        if (function) {
            call = argo_json_get(delta, "function_call");

            if (call == NULL) {
                continue;
            }

            s = argo_json_inner(argo_json_get(call, "arguments"));

            if (n == -1) {
                if (call->count != 2 || s.len) {
                    return STR("not a start");
                }

                argo_out_lit(&out, "{\"name\":");
                argo_out_str(&out, &argo_json_get(call, "name")->raw);
                argo_out_lit(&out, ",\"arguments\":\"");
                n = 0;

            } else if (call->count != 1) {
                return STR("more than arguments");
            }

            argo_out_str(&out, &s);
            continue;
        }

        call = argo_json_get(delta, "tool_calls");

        if (call == NULL) {
            continue;
        }

        if (call->count != 1 || delta->count != 1) {
            return STR("not one call");
        }

        call = call->child;
        delta = argo_json_get(call, "function");
        s = argo_json_inner(argo_json_get(delta, "arguments"));

        if (argo_json_int(argo_json_get(call, "index"), &index) != NGX_OK) {
            return STR("no index");
        }

        if (index == n) {

            if (call->count != 2 || delta->count != 1) {
                return STR("more than arguments");
            }

            argo_out_str(&out, &s);
            continue;
        }

        if (index != n + 1 || call->count != 4 || delta->count != 2
            || s.len)
        {
            return STR("not a start");
        }

        if (n == -1) {
            argo_out_lit(&out, "[");

        } else {
            argo_out_lit(&out, "\"}},");
        }

        n = index;

        argo_out_lit(&out, "{\"id\":");
        argo_out_str(&out, &argo_json_get(call, "id")->raw);
        argo_out_lit(&out, ",\"type\":");
        argo_out_str(&out, &argo_json_get(call, "type")->raw);
        argo_out_lit(&out, ",\"function\":{\"name\":");
        argo_out_str(&out, &argo_json_get(delta, "name")->raw);
        argo_out_lit(&out, ",\"arguments\":\"");
    }

    if (n >= 0 && function) {
        argo_out_lit(&out, "\"}");

    } else if (n >= 0) {
        argo_out_lit(&out, "\"}}]");
    }

    return reply_flat(pool, &out);
}


static void
test_replies(void)
{
    reply_t             folded;
    ngx_str_t           request, json, unary, stream, s;
    const char         *reason;
    ngx_pool_t         *pool;
    argo_json_t        *root, *choice, *message, *node;
    argo_error_t        err;
    const reply_row_t  *t;

    for (t = replies; t->name; t++) {
        pool = test_pool();

        request = print("{\"model\":\"%s\",\"messages\":[" HI "]%s}",
                        names[t->who], t->members);
        request = test_copy(request.data, request.len);
        json = test_copy(t->reply, strlen(t->reply));

        if (!is(answer(pool, &request, &json, 0, &unary, &err), NGX_OK,
                "%s", t->name)
            || !is(answer(pool, &request, &json, 1, &stream, &err), NGX_OK,
                   "%s: streamed", t->name)
            || !is(argo_json_parse(pool, &unary, 10, &root, &err), NGX_OK,
                   "%s: JSON", t->name))
        {
            goto next;
        }

        reason = t->calls ? "tool_calls" : t->call ? "function_call" : "stop";

        choice = argo_json_get(root, "choices")->child;
        message = argo_json_get(choice, "message");

        is_str(&argo_json_get(message, "content")->raw, t->content,
               "%s: content", t->name);
        s = argo_json_inner(argo_json_get(choice, "finish_reason"));
        is_str(&s, reason, "%s: finish", t->name);

        node = argo_json_get(message, "tool_calls");

        if (t->calls && node) {
            is_str(&node->raw, t->calls, "%s: calls", t->name);

        } else {
            ok(t->calls == NULL && node == NULL, "%s: no calls", t->name);
        }

        node = argo_json_get(message, "function_call");

        if (t->call && node) {
            is_str(&node->raw, t->call, "%s: call", t->name);

        } else {
            ok(t->call == NULL && node == NULL, "%s: no call", t->name);
        }

        reply_read(pool, &stream, &folded);

        ok(folded.wrong == NULL && folded.done == 1, "%s: a good stream",
           t->name);

        s = argo_json_inner(argo_json_get(message, "content"));
        is_mem(folded.text.data, folded.text.len, s.data, s.len,
               "%s: the same text streamed", t->name);

        s = fold(pool, &stream, 0);
        is_str(&s, t->calls ? t->calls : "", "%s: the same calls streamed",
               t->name);
        s = fold(pool, &stream, 1);
        is_str(&s, t->call ? t->call : "", "%s: the same call streamed",
               t->name);
        s = print("\"finish_reason\":\"%s\"", reason);
        ok(memmem(stream.data, stream.len, s.data, s.len) != NULL,
           "%s: the same finish streamed", t->name);

    next:

        test_free(&request);
        test_free(&json);
        ngx_destroy_pool(pool);
    }
}


/* With an unknown vendor's model the tools are told of in words. */

static void
test_prompt(void)
{
    char          *content;
    ngx_str_t      in, text;
    ngx_pool_t    *pool;
    request_t      rq;
    argo_json_t   *root, *message;
    argo_error_t   err;

    static const struct {
        const char  *name;
        const char  *messages;
        const char  *members;
        const char  *parts[4];
    } rows[] = {
        { "a system message of its own", HI, ",\"tools\":[" FULL "," F "]",
          { "[{\"name\":\"f\",\"description\":\"say \\\"a\\\"\","
            "\"parameters\":{\"type\":\"object\",\"properties\":{\"x\":"
            "{\"y\":[1e400]}}}},\n{\"name\":\"f\"}]\n",
            "<tool_call>{\"name\":\"NAME\",", "several calls",
            PROMPT } },
        { "in the client's", "{\"role\":\"system\",\"content\":\"Be\\nkind."
          "\"}," HI, TOOLS ",\"tool_choice\":\"required\","
          "\"parallel_tool_calls\":false",
          { "Be\nkind.\n\nYou have tools.", "at most one call",
            "must call a tool.", "" } },
        { "one tool", "{\"role\":\"developer\",\"content\":[" TEXT("a") ","
          TEXT("b") "]}," HI, TOOLS ",\"tool_choice\":{\"type\":"
          "\"function\",\"function\":{\"name\":\"f\"}}",
          { "ab\n\nYou have", "must call the tool f.", "", "" } },
    };

    size_t      i, j;
    ngx_uint_t  found;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pool = test_pool();

        in = print("{\"model\":\"llama\",\"messages\":[%s]%s}",
                   rows[i].messages, rows[i].members);
        in = test_copy(in.data, in.len);

        is(convert(pool, &rq, &in), NGX_OK, "prompt, %s", rows[i].name);
        is(argo_json_parse(pool, &rq.body, 5, &root, &err), NGX_OK,
           "prompt, %s: JSON", rows[i].name);
        is(root->count, 3, "prompt, %s: no tools", rows[i].name);

        message = argo_json_get(root, "messages")->child;
        ok(argo_json_is(argo_json_get(message, "role"), "system"),
           "prompt, %s: system", rows[i].name);
        (void) argo_json_text(pool, argo_json_get(message, "content"),
                              &text);
        ok(message->next && message->next->next == NULL
           && argo_json_is(argo_json_get(message->next, "role"), "user"),
           "prompt, %s: user", rows[i].name);

        content = malloc(text.len + 1);
        memcpy(content, text.data, text.len);
        content[text.len] = '\0';

        found = 0;

        for (j = 0; j < 4; j++) {
            found += (strstr(content, rows[i].parts[j]) != NULL);
        }

        if (!is(found, 4, "prompt, %s: text", rows[i].name)) {
            printf("# %s\n", content);
        }

        is(rq.call.frame, ARGO_FRAME_JSON, "prompt, %s: frame",
           rows[i].name);

        free(content);
        test_free(&in);
        ngx_destroy_pool(pool);
    }
}


/* What another dialect hands in has no nodes to be copied. */

static void
test_foreign(void)
{
    ngx_str_t        body, model;
    ngx_uint_t       i;
    ngx_pool_t      *pool;
    argo_out_t       out;
    argo_call_t      call;
    argo_part_t      parts[3];
    argo_tool_t      tool;
    argo_error_t     err;
    argo_message_t   messages[2];
    argo_request_t   req;

    static const char  *expected[] = {
        "[" ASKED("\"\"", CALL("a", "f", "{}")) "," TOLD("a", "\"1\"")
        "]," "\"tools\":[" F "]",
        "[" USES("", USE("a", "f", "{}")) "," RESULTS(RESULT("a", "\"1\""))
        "]" CLAUDE("f")
    };

    pool = test_pool();

    for (i = 0; i < 2; i++) {
        memset(parts, 0, sizeof(parts));
        memset(&tool, 0, sizeof(tool));
        memset(messages, 0, sizeof(messages));
        memset(&req, 0, sizeof(req));

        parts[0].type = ARGO_PART_TOOL_CALL;
        parts[0].id = STR("a");
        parts[0].name = STR("f");
        parts[1].type = ARGO_PART_TOOL_RESULT;
        parts[1].id = STR("a");
        parts[1].parts = &parts[2];
        parts[1].string = 1;
        parts[2].type = ARGO_PART_TEXT;
        parts[2].text = STR("1");

        messages[0].role = ARGO_ROLE_ASSISTANT;
        messages[0].parts = &parts[0];
        messages[0].next = &messages[1];
        messages[1].role = ARGO_ROLE_TOOL;
        messages[1].parts = &parts[1];

        tool.name = STR("f");

        model = (i == 0) ? STR("gpt-4o") : STR("claude-opus-4.6");
        (void) argo_model_resolve(pool, models, &model, &req.target, &err);

        req.messages = messages;
        req.tools = &tool;
        req.user = STR("jdoe");

        is(argo_legacy_back.plan_call(pool, &req, 0, &call, &err), NGX_OK,
           "parts of another dialect");

        argo_out_init(&out, pool, 4096, NULL, 0);
        argo_legacy_back.write_request(&req, &call, &out);
        body = reply_flat(pool, &out);

        ok(memmem(body.data, body.len, expected[i], strlen(expected[i]))
           != NULL, "are written");

        parts[1].id = STR("b");

        is(argo_legacy_back.plan_call(pool, &req, 0, &call, &err),
           NGX_DECLINED, "a result without a call");
        ok(err.param.data == NULL, "and without a place");

        parts[0].text = STR("[]");

        is(argo_legacy_back.plan_call(pool, &req, 0, &call, &err),
           NGX_DECLINED, "arguments that are no object");
    }

    ngx_destroy_pool(pool);
}


static void
test_many(void)
{
    char         *in, *p;
    ngx_str_t     document;
    ngx_uint_t    i, n;
    ngx_pool_t   *pool;
    request_t     rq;

    in = malloc(200 * 1024);

    for (n = 512; n <= 513; n++) {
        pool = test_pool();

        p = in + sprintf(in, "{\"model\":\"gemini-2.5-pro\",\"messages\":["
                         HI ",{\"role\":\"assistant\",\"tool_calls\":[");

        for (i = 0; i < n; i++) {
            p += sprintf(p, "%s" CALL("c%d", "f", "{}"), i ? "," : "",
                         (int) i);
        }

        p += sprintf(p, "]}");

        for (i = 0; i < n; i++) {
            p += sprintf(p, "," TOLD("c%d", "\"%d\""),
                         (int) (n - 1 - i), (int) i);
        }

        p += sprintf(p, "]}");

        document.data = (u_char *) in;
        document.len = p - in;

        if (n == 512) {
            is(convert(pool, &rq, &document), NGX_OK, "512 calls");

        } else {
            is(convert(pool, &rq, &document), NGX_DECLINED, "513 calls");
            is_str(&rq.err.param, "messages", "513 calls: param");
        }

        ngx_destroy_pool(pool);
    }

    free(in);
}


/* A text made to be searched again and again is not. */

static void
test_search(void)
{
    size_t        n;
    char         *text, *p;
    ngx_str_t     request, json, bytes;
    ngx_uint_t    i;
    ngx_pool_t   *pool;
    argo_error_t  err;

    text = malloc(4 * 1024 * 1024);
    pool = test_pool();
    request = STR("{\"model\":\"claude-opus-4.6\",\"messages\":[" HI "]"
                  TOOLS "}");

    p = text + sprintf(text, "{\"response\":\"");

    for (i = 0; i < 100000; i++) {
        p += sprintf(p, "{'id': [");
    }

    p += sprintf(p, "\"}");

    json.data = (u_char *) text;
    json.len = n = p - text;

    is(answer(pool, &request, &json, 0, &bytes, &err), NGX_OK,
       "many beginnings, all open");
    ok(bytes.len > n, "are text");

    p = text + sprintf(text, "{\"response\":\"");

    for (i = 0; i < 100000; i++) {
        p += sprintf(p, "{'id': 1}");
    }

    p += sprintf(p, "!\"}");

    json.len = n = p - text;

    is(answer(pool, &request, &json, 0, &bytes, &err), NGX_OK,
       "many dicts, and something behind them");
    ok(bytes.len > n, "are text, too");

    free(text);
    ngx_destroy_pool(pool);
}


static void
test_memory(void)
{
    size_t        i;
    ngx_int_t     rc;
    ngx_str_t     in, bytes;
    ngx_uint_t    n, wrong, failed;
    ngx_pool_t   *pool;
    request_t     rq;
    argo_error_t  err;

    static const ngx_str_t  requests[] = {
        ngx_string("{\"model\":\"gpt-4o\",\"messages\":[" HI ","
                   ASKED("\"x\"", CALL("a", "f", "{}") ","
                         CALL("b", "f", "{}")) "," TOLD("b", "\"1\"") "," HI
                   "]" TOOLS ",\"tool_choice\":\"auto\"}"),
        ngx_string("{\"model\":\"claude-opus-4.6\",\"messages\":[" HI ","
                   ASKED("\"x\"", CALL("a", "f", "{\\\"a\\\":1}") ","
                         CALL("b", "f", "{}")) "," TOLD("b", "\"1\"") "," HI
                   "]" TOOLS ",\"tool_choice\":\"auto\"}"),
        ngx_string("{\"model\":\"gemini-2.5-pro\",\"messages\":[" HI ","
                   "{\"role\":\"assistant\",\"function_call\":{\"name\":"
                   "\"f\"}},{\"role\":\"function\",\"name\":\"f\","
                   "\"content\":\"x\"}],\"functions\":[{\"name\":\"f\"}]}"),
        ngx_string("{\"model\":\"llama\",\"messages\":[" HI ","
                   ASKED("\"x\"", CALL("a", "f", "{}")) ","
                   TOLD("a", "\"1\"") "]" TOOLS "}")
    };

    static const ngx_str_t  refused[] = {
        ngx_string("{\"model\":\"gpt-4o\",\"messages\":[" HI ","
                   TOLD("b", "\"1\"") "]}"),
        ngx_string("{\"model\":\"gpt-4o\",\"messages\":[" HI
                   "],\"tools\":[{\"type\":\"custom\"}]}"),
        ngx_string("{\"model\":\"claude-opus-4.6\",\"messages\":[" HI ","
                   ASKED("\"x\"", CALL("a", "f", "{\\\"a\\\":}")) "]}")
    };

    static const ngx_str_t  answers[] = {
        ngx_string("{\"response\":{\"content\":\"\",\"tool_calls\":["
                   CALL("c1", "f", "{\\\"a\\\":1}") "]}}"),
        ngx_string(LEAKED("x" LEAK("toolu_1", "f", "{'a': '\\\\n'}")
                          LEAK("toolu_2", "f", "{}"))),
        ngx_string("{\"response\":\"\\n" TAG("{\\\"name\\\":\\\"f\\\"}")
                   "\"}")
    };

    for (i = 0; i < 4 + 3 + 2 * 3; i++) {
        wrong = 0;

        for (n = 1; /* void */ ; n++) {
            pool = test_pool();

            ngx_shim_fail(n);

            if (i < 4) {
                rc = convert(pool, &rq, &requests[i]);

            } else if (i < 7) {
                rc = convert(pool, &rq, &refused[i - 4]);

            } else {
                in = (i == 9 || i == 12) ? requests[3] : requests[1];
                rc = answer(pool, &in, &answers[(i - 7) % 3], i >= 10,
                            &bytes, &err);
            }

            failed = ngx_shim_failed();
            ngx_shim_fail(0);
            ngx_destroy_pool(pool);

            if (!failed) {
                break;
            }

            wrong += (rc != NGX_ERROR);
        }

        is(wrong, 0, "no memory in case %d, at each of %d places", (int) i,
           (int) n - 1);
        is(rc, (i >= 4 && i < 7) ? NGX_DECLINED : NGX_OK, "and with it");
    }
}


int
main(void)
{
    ngx_pool_t          *pool;
    argo_model_alias_t   alias;

    pool = test_pool();

    alias.alias = STR("llama");
    alias.id = STR("llama4");

    models = argo_model_table_create(pool, &alias, 1);

    test_good();
    test_refused();
    test_replies();
    test_prompt();
    test_foreign();
    test_many();
    test_search();
    test_memory();

    ngx_destroy_pool(pool);

    return done();
}
