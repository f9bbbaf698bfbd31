
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's Responses.  Every stream is put together again by the rules of the
 * protocol alone, event by event, and must come to what the unary reply says;
 * replies are fed whole, cut in two at each byte, and byte by byte.
 */


#include "argo_responses.h"


typedef struct {
    const char      *name;
    const char      *in;
    const char      *out;               /* what goes up */
} request_t;


typedef struct {
    const char      *name;
    const char      *in;
    const char      *code;
    const char      *param;
} wrong_t;


static const char  hi[] = "{\"model\":\"gpt-4o\",\"input\":\"Hi\"}";


/* ---- requests */

#define UP(model, messages, rest)                                             \
    "{\"model\":\"" model "\",\"user\":\"jdoe\",\"messages\":[" messages "]"  \
    rest "}"

#define USER_HI       "{\"role\":\"user\",\"content\":\"Hi\"}"
#define SAID(role, s) "{\"role\":\"" role "\",\"content\":\"" s "\"}"
#define IN(rest)      "{\"model\":\"gpt-4o\",\"input\":\"Hi\"" rest "}"
#define ITEMS(items)  "{\"model\":\"gpt-4o\",\"input\":[" items "]}"
#define MSG(role, content)                                                    \
    "{\"type\":\"message\",\"role\":\"" role "\",\"content\":" content "}"
#define FC(id, name, args)                                                    \
    "{\"type\":\"function_call\",\"id\":\"fc_1\",\"call_id\":\"" id "\","     \
    "\"name\":\"" name "\",\"arguments\":\"" args "\",\"status\":"            \
    "\"completed\"}"
#define FCO(id, output)                                                       \
    "{\"type\":\"function_call_output\",\"call_id\":\"" id "\","              \
    "\"output\":" output "}"
#define CALLED(id, args)                                                      \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":"                  \
    "{\"name\":\"f\",\"arguments\":\"" args "\"}}"
#define RESULT(id, content)                                                   \
    "{\"role\":\"tool\",\"content\":" content ",\"tool_call_id\":\"" id "\"}"
#define TOOL          "{\"type\":\"function\",\"name\":\"f\","                \
                      "\"description\":\"d\",\"parameters\":"                 \
                      "{\"type\":\"object\"},\"strict\":true}"
#define UP_TOOL       "{\"type\":\"function\",\"function\":{\"name\":\"f\","  \
                      "\"description\":\"d\",\"parameters\":"                 \
                      "{\"type\":\"object\"},\"strict\":true}}"
#define TOOL_G        "{\"type\":\"function\",\"name\":\"g\"}"


static const request_t  requests[] = {

    { "a string", hi, UP("gpt4o", USER_HI, "") },

    { "instructions",
      IN(",\"instructions\":\"Be \\\"short\\\"\""),
      UP("gpt4o", SAID("system", "Be \\\"short\\\"") "," USER_HI, "") },

    { "empty and null instructions", IN(",\"instructions\":\"\""),
      UP("gpt4o", USER_HI, "") },

    { "null for everything",
      IN(",\"instructions\":null,\"stream\":null,\"tools\":null,"
         "\"tool_choice\":null,\"parallel_tool_calls\":null,"
         "\"max_output_tokens\":null,\"text\":null,\"reasoning\":null,"
         "\"temperature\":null,\"top_p\":null,\"metadata\":null,"
         "\"previous_response_id\":null,\"conversation\":null,"
         "\"background\":null,\"prompt\":null,\"truncation\":null,"
         "\"store\":null,\"include\":null,\"user\":null,\"n\":null,"
         "\"service_tier\":null,\"max_tool_calls\":null"),
      UP("gpt4o", USER_HI, "") },

    { "what is not for a chat",
      IN(",\"store\":true,\"metadata\":{\"a\":\"b\"},\"include\":[\"x\"],"
         "\"truncation\":\"auto\",\"top_logprobs\":0,\"user\":\"eve\","
         "\"client_metadata\":{\"a\":\"b\"},\"context_management\":[],"
         "\"max_tool_calls\":2,\"background\":false,"
         "\"stream_options\":{\"include_obfuscation\":false}"),
      UP("gpt4o", USER_HI, "") },

    { "what means the same to a chat",
      IN(",\"temperature\":0.10,\"top_p\":1e-1,\"service_tier\":\"auto\","
         "\"prompt_cache_key\":\"k\",\"safety_identifier\":\"s\","
         "\"new_thing\":{\"x\":[1]}"),
      UP("gpt4o", USER_HI, ",\"temperature\":0.10,\"top_p\":1e-1,"
         "\"service_tier\":\"auto\",\"prompt_cache_key\":\"k\","
         "\"safety_identifier\":\"s\",\"new_thing\":{\"x\":[1]}") },

    { "another user by an escaped name", IN(",\"\\u0075ser\":\"eve\""),
      UP("gpt4o", USER_HI, "") },

    { "a limit", IN(",\"max_output_tokens\":50"),
      UP("gpt4o", USER_HI, ",\"max_tokens\":50") },

    { "a limit for a later model",
      "{\"model\":\"gpt-5\",\"input\":\"Hi\",\"max_output_tokens\":50}",
      UP("gpt5", USER_HI, ",\"max_completion_tokens\":50") },

    { "a limit for o3",
      "{\"model\":\"o3\",\"input\":\"Hi\",\"max_output_tokens\":50}",
      UP("gpto3", USER_HI, ",\"max_completion_tokens\":50") },

    { "a limit for Claude",
      "{\"model\":\"claude-opus-4.6\",\"input\":\"Hi\","
      "\"max_output_tokens\":50000}",
      UP("claudeopus46", USER_HI, ",\"max_tokens\":21000") },

    { "a limit for Gemini",
      "{\"model\":\"gemini-2.5-pro\",\"input\":\"Hi\","
      "\"max_output_tokens\":50}",
      UP("gemini25pro", USER_HI, ",\"max_tokens\":50") },

    { "effort and verbosity",
      IN(",\"reasoning\":{\"effort\":\"low\",\"summary\":\"auto\"},"
         "\"text\":{\"verbosity\":\"high\"}"),
      UP("gpt4o", USER_HI, ",\"reasoning_effort\":\"low\","
         "\"verbosity\":\"high\"") },

    { "effort and verbosity for Claude",
      "{\"model\":\"claude-opus-4.6\",\"input\":\"Hi\","
      "\"reasoning\":{\"effort\":\"low\"},\"text\":{\"verbosity\":\"low\"}}",
      UP("claudeopus46", USER_HI, "") },

    { "text as the format", IN(",\"text\":{\"format\":{\"type\":\"text\"}}"),
      UP("gpt4o", USER_HI, "") },

    { "a JSON object as the format",
      IN(",\"text\":{\"format\":{\"type\":\"json_object\"}}"),
      UP("gpt4o", USER_HI, ",\"response_format\":{\"type\":"
         "\"json_object\"}") },

    { "a schema as the format",
      IN(",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\","
         "\"schema\":{\"type\":\"object\",\"x\":1.0},\"strict\":true,"
         "\"description\":\"d\"}}"),
      UP("gpt4o", USER_HI, ",\"response_format\":{\"type\":\"json_schema\","
         "\"json_schema\":{\"name\":\"n\",\"description\":\"d\",\"schema\":"
         "{\"type\":\"object\",\"x\":1.0},\"strict\":true}}") },

    { "a schema with nothing but what it must have",
      IN(",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\","
         "\"schema\":{},\"strict\":null}}"),
      UP("gpt4o", USER_HI, ",\"response_format\":{\"type\":\"json_schema\","
         "\"json_schema\":{\"name\":\"n\",\"schema\":{}}}") },

    { "all roles, with and without a type",
      ITEMS("{\"role\":\"developer\",\"content\":\"a\"},"
            MSG("system", "\"b\"") "," MSG("user", "\"c\"") ","
            "{\"id\":\"msg_1\",\"role\":\"assistant\",\"content\":\"d\","
            "\"status\":\"completed\",\"phase\":\"final_answer\"}"),
      UP("gpt4o", SAID("system", "a") "," SAID("system", "b") ","
         SAID("user", "c") "," SAID("assistant", "d"), "") },

    { "parts",
      ITEMS(MSG("user", "[{\"type\":\"input_text\",\"text\":\"one\"},"
                "{\"type\":\"input_text\",\"text\":\"two\"}]") ","
            MSG("assistant", "[{\"type\":\"output_text\",\"text\":\"three\","
                "\"annotations\":[],\"logprobs\":[]}]") ","
            MSG("assistant", "[{\"type\":\"refusal\",\"refusal\":\"no\"}]")),
      UP("gpt4o", "{\"role\":\"user\",\"content\":[{\"type\":\"text\","
         "\"text\":\"one\"},{\"type\":\"text\",\"text\":\"two\"}]},"
         SAID("assistant", "three") "," SAID("assistant", "no"), "") },

    { "an image",
      ITEMS(MSG("user", "[{\"type\":\"input_text\",\"text\":\"see\"},"
                "{\"type\":\"input_image\",\"detail\":\"low\","
                "\"image_url\":\"data:image\\/png;base64,AAA=\"},"
                "{\"type\":\"input_image\",\"detail\":null,\"image_url\":"
                "\"DATA:image/png;base64,BBB=\"}]")),
      UP("gpt4o", "{\"role\":\"user\",\"content\":[{\"type\":\"text\","
         "\"text\":\"see\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
         "\"data:image\\/png;base64,AAA=\",\"detail\":\"low\"}},"
         "{\"type\":\"image_url\",\"image_url\":{\"url\":"
         "\"DATA:image/png;base64,BBB=\"}}]}", "") },

    { "a call and its output",
      ITEMS(MSG("user", "\"u\"") "," FC("c1", "f", "{\\\"x\\\":1}") ","
            FCO("c1", "\"one\"")),
      UP("gpt4o", SAID("user", "u") ",{\"role\":\"assistant\",\"content\":"
         "\"\",\"tool_calls\":[" CALLED("c1", "{\\\"x\\\":1}") "]},"
         RESULT("c1", "\"one\""), "") },

    { "calls at once, with words before and thoughts between",
      ITEMS(MSG("user", "\"u\"") ","
            "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[]},"
            MSG("assistant", "[{\"type\":\"output_text\",\"text\":\"w\"}]")
            "," FC("c1", "f", "{}") ","
            "{\"type\":\"reasoning\",\"id\":\"rs_2\",\"summary\":[],"
            "\"encrypted_content\":\"zzz\"}," FC("c2", "f", "{}") ","
            FCO("c1", "\"one\"") ","
            FCO("c2", "[{\"type\":\"input_text\",\"text\":\"two\"}]")),
      UP("gpt4o", SAID("user", "u") ",{\"role\":\"assistant\",\"content\":"
         "\"w\",\"tool_calls\":[" CALLED("c1", "{}") "," CALLED("c2", "{}")
         "]}," RESULT("c1", "\"one\"") "," RESULT("c2", "\"two\""), "") },

    { "words between a call and its output join the call",
      ITEMS(MSG("user", "\"u\"") "," FC("c1", "f", "{}") ","
            MSG("assistant", "\"w\"") "," FCO("c1", "\"one\"")),
      UP("gpt4o", SAID("user", "u") ",{\"role\":\"assistant\",\"content\":"
         "[{\"type\":\"text\",\"text\":\"w\"}],\"tool_calls\":["
         CALLED("c1", "{}") "]}," RESULT("c1", "\"one\""), "") },

    { "one after the other",
      ITEMS(MSG("user", "\"u\"") "," FC("c1", "f", "{}") ","
            FCO("c1", "\"one\"") "," FC("c2", "f", "{}") ","
            FCO("c2", "[]")),
      UP("gpt4o", SAID("user", "u") ",{\"role\":\"assistant\",\"content\":"
         "\"\",\"tool_calls\":[" CALLED("c1", "{}") "]},"
         RESULT("c1", "\"one\"") ",{\"role\":\"assistant\",\"content\":"
         "\"\",\"tool_calls\":[" CALLED("c2", "{}") "]},"
         RESULT("c2", "\"\""), "") },

    { "tools", IN(",\"tools\":[" TOOL "]"),
      UP("gpt4o", USER_HI, ",\"tools\":[" UP_TOOL "]") },

    { "an empty list of tools", IN(",\"tools\":[]"),
      UP("gpt4o", USER_HI, "") },

    { "tools as an item",
      ITEMS("{\"type\":\"additional_tools\",\"role\":\"developer\","
            "\"tools\":[" TOOL "]}," MSG("user", "\"Hi\"")),
      UP("gpt4o", USER_HI, ",\"tools\":[" UP_TOOL "]") },

    { "any tool", IN(",\"tools\":[" TOOL "],\"tool_choice\":\"required\""),
      UP("gpt4o", USER_HI, ",\"tools\":[" UP_TOOL "],\"tool_choice\":"
         "\"required\"") },

    { "no tool", IN(",\"tools\":[" TOOL "],\"tool_choice\":\"none\""),
      UP("gpt4o", USER_HI, ",\"tools\":[" UP_TOOL "],\"tool_choice\":"
         "\"none\"") },

    { "a named tool, one at a time",
      IN(",\"tools\":[" TOOL "],\"parallel_tool_calls\":false,"
         "\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"}"),
      UP("gpt4o", USER_HI, ",\"tools\":[" UP_TOOL "],\"tool_choice\":"
         "{\"type\":\"function\",\"function\":{\"name\":\"f\"}},"
         "\"parallel_tool_calls\":false") },

    { "a choice of tools",
      IN(",\"tools\":[" TOOL_G "," TOOL "],\"tool_choice\":{\"type\":"
         "\"allowed_tools\",\"mode\":\"required\",\"tools\":["
         "{\"type\":\"function\",\"name\":\"f\"},"
         "{\"type\":\"function\",\"name\":\"\\u0066\"}]}"),
      UP("gpt4o", USER_HI, ",\"tools\":[" UP_TOOL "],\"tool_choice\":"
         "\"required\"") },

    { NULL, NULL, NULL }
};


static const wrong_t  wrongs[] = {

    { "nothing", "{\"model\":\"gpt-4o\"}", "missing_required_parameter",
      "input" },
    { "null", "{\"model\":\"gpt-4o\",\"input\":null}",
      "missing_required_parameter", "input" },
    { "a number", "{\"model\":\"gpt-4o\",\"input\":1}", "invalid_type",
      "input" },
    { "no items", ITEMS(""), "empty_array", "input" },
    { "thoughts alone", ITEMS("{\"type\":\"reasoning\",\"summary\":[]}"),
      "invalid_value", "input" },

    { "previous_response_id", IN(",\"previous_response_id\":\"resp_1\""),
      "unsupported_parameter", "previous_response_id" },
    { "conversation", IN(",\"conversation\":{\"id\":\"c\"}"),
      "unsupported_parameter", "conversation" },
    { "background", IN(",\"background\":true"), "unsupported_parameter",
      "background" },
    { "prompt", IN(",\"prompt\":{\"id\":\"p\"}"), "unsupported_parameter",
      "prompt" },
    { "messages", IN(",\"messages\":[]"), "unsupported_parameter",
      "messages" },
    { "messages by an escaped name", IN(",\"\\u006dessages\":[]"),
      "unsupported_parameter", "messages" },
    { "functions", IN(",\"functions\":[]"), "unsupported_parameter",
      "functions" },
    { "function_call", IN(",\"function_call\":\"auto\""),
      "unsupported_parameter", "function_call" },
    { "n", IN(",\"n\":2"), "unsupported_parameter", "n" },
    { "max_tokens", IN(",\"max_tokens\":2"), "unsupported_parameter",
      "max_tokens" },
    { "max_completion_tokens", IN(",\"max_completion_tokens\":2"),
      "unsupported_parameter", "max_completion_tokens" },
    { "response_format", IN(",\"response_format\":{}"),
      "unsupported_parameter", "response_format" },
    { "reasoning_effort", IN(",\"reasoning_effort\":\"low\""),
      "unsupported_parameter", "reasoning_effort" },
    { "verbosity", IN(",\"verbosity\":\"low\""), "unsupported_parameter",
      "verbosity" },

    { "a model's type", "{\"model\":1,\"input\":\"Hi\"}", "invalid_type",
      "model" },
    { "instructions' type", IN(",\"instructions\":[]"), "invalid_type",
      "instructions" },
    { "stream's type", IN(",\"stream\":1"), "invalid_type", "stream" },
    { "background's type", IN(",\"background\":1"), "invalid_type",
      "background" },
    { "temperature's type", IN(",\"temperature\":\"1\""), "invalid_type",
      "temperature" },
    { "max_output_tokens' type", IN(",\"max_output_tokens\":\"1\""),
      "invalid_type", "max_output_tokens" },
    { "metadata's type", IN(",\"metadata\":[]"), "invalid_type",
      "metadata" },
    { "reasoning's type", IN(",\"reasoning\":\"low\""), "invalid_type",
      "reasoning" },
    { "the effort's type", IN(",\"reasoning\":{\"effort\":1}"),
      "invalid_type", "reasoning.effort" },
    { "text's type", IN(",\"text\":\"json\""), "invalid_type", "text" },
    { "the verbosity's type", IN(",\"text\":{\"verbosity\":1}"),
      "invalid_type", "text.verbosity" },
    { "the format's type", IN(",\"text\":{\"format\":\"json\"}"),
      "invalid_type", "text.format" },
    { "a format without a type", IN(",\"text\":{\"format\":{}}"),
      "missing_required_parameter", "text.format.type" },
    { "a format of another type",
      IN(",\"text\":{\"format\":{\"type\":\"grammar\"}}"), "invalid_value",
      "text.format.type" },
    { "a schema without a name",
      IN(",\"text\":{\"format\":{\"type\":\"json_schema\",\"schema\":{}}}"),
      "missing_required_parameter", "text.format.name" },
    { "a schema without a schema",
      IN(",\"text\":{\"format\":{\"type\":\"json_schema\","
         "\"name\":\"n\"}}"),
      "missing_required_parameter", "text.format.schema" },
    { "a schema that is a string",
      IN(",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\","
         "\"schema\":\"s\"}}"),
      "invalid_type", "text.format.schema" },
    { "a schema strict in another way",
      IN(",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\","
         "\"schema\":{},\"strict\":1}}"),
      "invalid_type", "text.format.strict" },

    { "an item that is a string", ITEMS("\"x\""), "invalid_type",
      "input[0]" },
    { "an item without a type", ITEMS(MSG("user", "\"a\"") ",{}"),
      "missing_required_parameter", "input[1].type" },
    { "an item's type that is a number", ITEMS("{\"type\":1}"),
      "invalid_type", "input[0].type" },
    { "a reference", ITEMS("{\"type\":\"item_reference\",\"id\":\"i\"}"),
      "unsupported_value", "input[0].type" },
    { "a reference without a type", ITEMS("{\"id\":\"i\"}"),
      "unsupported_value", "input[0]" },
    { "a custom call without a name",
      ITEMS("{\"type\":\"custom_tool_call\",\"call_id\":\"c\"}"),
      "missing_required_parameter", "input[0].name" },
    { "a custom call without its input",
      ITEMS("{\"type\":\"custom_tool_call\",\"call_id\":\"c\","
            "\"name\":\"x\",\"arguments\":\"{}\"}"),
      "missing_required_parameter", "input[0].input" },
    { "a custom call's output without an id",
      ITEMS("{\"type\":\"custom_tool_call_output\"}"),
      "missing_required_parameter", "input[0].call_id" },
    { "a local shell call without an id",
      ITEMS("{\"type\":\"local_shell_call\"}"),
      "missing_required_parameter", "input[0].call_id" },
    { "a local shell call without an action",
      ITEMS("{\"type\":\"local_shell_call\",\"call_id\":\"c\"}"),
      "missing_required_parameter", "input[0]" },
    { "a patch that is text",
      ITEMS("{\"type\":\"apply_patch_call\",\"call_id\":\"c\","
            "\"operation\":\"p\"}"), "invalid_type", "input[0]" },
    { "a local shell call's output without an id",
      ITEMS("{\"type\":\"local_shell_call_output\"}"),
      "missing_required_parameter", "input[0].call_id" },
    { "a namespace that is no string",
      ITEMS("{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":"
            "\"f\",\"namespace\":1,\"arguments\":\"{}\"}"),
      "invalid_type", "input[0].namespace" },
    { "a compaction",
      ITEMS("{\"type\":\"compaction\",\"encrypted_content\":\"e\"}"),
      "unsupported_value", "input[0].type" },
    { "thoughts' signature",
      ITEMS("{\"type\":\"reasoning\",\"encrypted_content\":1}"),
      "invalid_type", "input[0].encrypted_content" },
    { "thoughts' summary",
      ITEMS("{\"type\":\"reasoning\",\"summary\":\"s\"}"),
      "invalid_type", "input[0].summary" },
    { "a computer call", ITEMS("{\"type\":\"computer_call\"}"),
      "unsupported_value", "input[0].type" },
    { "a web search call alone", ITEMS("{\"type\":\"web_search_call\"}"),
      "invalid_value", "input" },

    { "no role", ITEMS("{\"type\":\"message\",\"content\":\"a\"}"),
      "missing_required_parameter", "input[0].role" },
    { "the role's type",
      ITEMS("{\"type\":\"message\",\"role\":1,\"content\":\"a\"}"),
      "invalid_type", "input[0].role" },
    { "another role", ITEMS(MSG("tool", "\"a\"")), "invalid_value",
      "input[0].role" },
    { "no content", ITEMS("{\"type\":\"message\",\"role\":\"user\"}"),
      "missing_required_parameter", "input[0].content" },
    { "the content's type", ITEMS(MSG("user", "null")), "invalid_type",
      "input[0].content" },
    { "no parts", ITEMS(MSG("user", "[]")), "empty_array",
      "input[0].content" },
    { "a part that is a string", ITEMS(MSG("user", "[\"a\"]")),
      "invalid_type", "input[0].content[0]" },
    { "a part without a type", ITEMS(MSG("user", "[{}]")),
      "missing_required_parameter", "input[0].content[0].type" },
    { "a part without text",
      ITEMS(MSG("user", "[{\"type\":\"input_text\",\"text\":\"a\"},"
                "{\"type\":\"input_text\"}]")),
      "missing_required_parameter", "input[0].content[1].text" },
    { "a text that is none",
      ITEMS(MSG("user", "[{\"type\":\"input_text\",\"text\":1}]")),
      "invalid_type", "input[0].content[0].text" },
    { "a refusal without one",
      ITEMS(MSG("assistant", "[{\"type\":\"refusal\"}]")),
      "missing_required_parameter", "input[0].content[0].refusal" },
    { "a file",
      ITEMS(MSG("user", "[{\"type\":\"input_file\",\"file_id\":\"f\"}]")),
      "unsupported_value", "input[0].content[0]" },
    { "a file that is not one",
      ITEMS(MSG("user", "[{\"type\":\"input_file\",\"file_data\":"
                "\"f\"}]")),
      "invalid_value", "input[0].content[0].file_data" },
    { "sound", ITEMS(MSG("user", "[{\"type\":\"input_audio\"}]")),
      "unsupported_value", "input[0].content[0].type" },
    { "an image without one",
      ITEMS(MSG("user", "[{\"type\":\"input_image\"}]")),
      "missing_required_parameter", "input[0].content[0].image_url" },
    { "an image by file",
      ITEMS(MSG("user", "[{\"type\":\"input_image\",\"file_id\":\"f\"}]")),
      "unsupported_value", "input[0].content[0].file_id" },
    { "an image's URL that is an object",
      ITEMS(MSG("user", "[{\"type\":\"input_image\",\"image_url\":{}}]")),
      "invalid_type", "input[0].content[0].image_url" },
    { "an image's detail",
      ITEMS(MSG("user", "[{\"type\":\"input_image\",\"detail\":1,"
                "\"image_url\":\"data:,\"}]")),
      "invalid_type", "input[0].content[0].detail" },
    { "an image by URL",
      ITEMS(MSG("user", "[{\"type\":\"input_image\",\"image_url\":"
                "\"https://example.org/a.png\"}]")),
      "unsupported_value", "input[0].content[0].image_url" },

    { "a call without an id",
      ITEMS("{\"type\":\"function_call\",\"name\":\"f\","
            "\"arguments\":\"{}\"}"),
      "missing_required_parameter", "input[0].call_id" },
    { "a call without a name",
      ITEMS("{\"type\":\"function_call\",\"call_id\":\"c\","
            "\"arguments\":\"{}\"}"),
      "missing_required_parameter", "input[0].name" },
    { "a call without arguments",
      ITEMS("{\"type\":\"function_call\",\"call_id\":\"c\","
            "\"name\":\"f\"}"),
      "missing_required_parameter", "input[0].arguments" },
    { "arguments that are no text",
      ITEMS("{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\","
            "\"arguments\":{}}"),
      "invalid_type", "input[0].arguments" },
    { "an output without an id",
      ITEMS("{\"type\":\"function_call_output\",\"output\":\"o\"}"),
      "missing_required_parameter", "input[0].call_id" },
    { "an output without one",
      ITEMS("{\"type\":\"function_call_output\",\"call_id\":\"c\"}"),
      "missing_required_parameter", "input[0].output" },
    { "an output that is an object", ITEMS(FCO("c", "{}")), "invalid_type",
      "input[0].output" },
    { "a file as an output",
      ITEMS(FC("c", "f", "{}") ","
            FCO("c", "[{\"type\":\"input_file\"}]")),
      "missing_required_parameter", "input[1].output[0].file_data" },
    { "sound as an output",
      ITEMS(FC("c", "f", "{}") ","
            FCO("c", "[{\"type\":\"input_audio\"}]")),
      "unsupported_value", "input[1].output[0].type" },
    { "an output of no call",
      ITEMS(MSG("user", "\"u\"") "," FCO("c", "\"o\"")), NULL,
      "input[1].call_id" },

    { "tools' type", IN(",\"tools\":{}"), "invalid_type", "tools" },
    { "a tool that is a string", IN(",\"tools\":[\"f\"]"), "invalid_type",
      "tools[0]" },
    { "a tool without a type", IN(",\"tools\":[{\"name\":\"f\"}]"),
      "missing_required_parameter", "tools[0].type" },
    { "a tool without a name", IN(",\"tools\":[{\"type\":\"function\"}]"),
      "missing_required_parameter", "tools[0].name" },
    { "a tool with an empty name",
      IN(",\"tools\":[{\"type\":\"function\",\"name\":\"\"}]"),
      "invalid_value", "tools[0].name" },
    { "a tool's parameters",
      IN(",\"tools\":[" TOOL ",{\"type\":\"function\",\"name\":\"g\","
         "\"parameters\":[]}]"),
      "invalid_type", "tools[1].parameters" },
    { "a tool's description",
      IN(",\"tools\":[{\"type\":\"function\",\"name\":\"g\","
         "\"description\":1}]"),
      "invalid_type", "tools[0].description" },
    { "a tool's strict",
      IN(",\"tools\":[{\"type\":\"function\",\"name\":\"g\","
         "\"strict\":\"yes\"}]"),
      "invalid_type", "tools[0].strict" },
    { "a computer", IN(",\"tools\":[" TOOL ","
                       "{\"type\":\"computer_use_preview\"}]"),
      "unsupported_value", "tools[1].type" },
    { "a custom tool without a name",
      IN(",\"tools\":[{\"type\":\"custom\"}]"),
      "missing_required_parameter", "tools[0].name" },
    { "a custom tool's format",
      IN(",\"tools\":[{\"type\":\"custom\",\"name\":\"c\","
         "\"format\":\"text\"}]"),
      "invalid_type", "tools[0].format" },
    { "a namespace without tools",
      IN(",\"tools\":[{\"type\":\"namespace\",\"name\":\"n\"}]"),
      "missing_required_parameter", "tools[0].tools" },
    { "a namespace without a name",
      IN(",\"tools\":[{\"type\":\"namespace\",\"tools\":[]}]"),
      "missing_required_parameter", "tools[0].name" },
    { "a namespace in a namespace",
      IN(",\"tools\":[{\"type\":\"namespace\",\"name\":\"n\",\"tools\":"
         "[{\"type\":\"namespace\",\"name\":\"m\",\"tools\":[]}]}]"),
      "unsupported_value", "tools[0].type" },
    { "more tools without tools",
      ITEMS("{\"type\":\"additional_tools\"}"),
      "missing_required_parameter", "input[0].tools" },
    { "more tools that are none",
      ITEMS("{\"type\":\"additional_tools\",\"tools\":{}}"),
      "invalid_type", "input[0].tools" },
    { "more tools, one not known",
      ITEMS("{\"type\":\"additional_tools\",\"tools\":[" TOOL ","
            "{\"type\":\"computer\"}]}"),
      "unsupported_value", "input[0].tools[1].type" },

    { "another choice", IN(",\"tool_choice\":\"any\""), "invalid_value",
      "tool_choice" },
    { "the choice's type", IN(",\"tool_choice\":1"), "invalid_type",
      "tool_choice" },
    { "a choice without a type", IN(",\"tool_choice\":{}"),
      "missing_required_parameter", "tool_choice.type" },
    { "a hosted tool as the choice",
      IN(",\"tool_choice\":{\"type\":\"web_search_preview\"}"),
      "unsupported_value", "tool_choice.type" },
    { "a choice of another kind",
      IN(",\"tool_choice\":{\"type\":\"computer\"}"),
      "unsupported_value", "tool_choice.type" },
    { "a choice of a shell that is not there",
      IN(",\"tools\":[" TOOL "],\"tool_choice\":{\"type\":"
         "\"local_shell\"}"), "invalid_value", "tool_choice" },
    { "allowed tools, none that is offered",
      IN(",\"tools\":[" TOOL "],\"tool_choice\":{\"type\":"
         "\"allowed_tools\",\"mode\":\"auto\",\"tools\":["
         "{\"type\":\"web_search\"}]}"),
      "unsupported_value", "tool_choice.tools" },
    { "logprobs", IN(",\"top_logprobs\":2"), "unsupported_parameter",
      "top_logprobs" },
    { "logprobs in another way",
      IN(",\"include\":[\"message.output_text.logprobs\"]"),
      "unsupported_parameter", "include" },
    { "a choice without a name",
      IN(",\"tool_choice\":{\"type\":\"function\"}"),
      "missing_required_parameter", "tool_choice.name" },
    { "a choice of a tool that is not there",
      IN(",\"tools\":[" TOOL "],\"tool_choice\":{\"type\":\"function\","
         "\"name\":\"g\"}"),
      "invalid_value", "tool_choice" },
    { "allowed tools without a mode",
      IN(",\"tools\":[" TOOL "],\"tool_choice\":{\"type\":"
         "\"allowed_tools\",\"tools\":[{\"name\":\"f\"}]}"),
      "missing_required_parameter", "tool_choice.mode" },
    { "allowed tools in another mode",
      IN(",\"tools\":[" TOOL "],\"tool_choice\":{\"type\":"
         "\"allowed_tools\",\"mode\":\"x\",\"tools\":[{\"name\":\"f\"}]}"),
      "invalid_value", "tool_choice.mode" },
    { "allowed tools, none",
      IN(",\"tools\":[" TOOL "],\"tool_choice\":{\"type\":"
         "\"allowed_tools\",\"mode\":\"auto\",\"tools\":[]}"),
      "missing_required_parameter", "tool_choice.tools" },
    { "allowed tools that are not there",
      IN(",\"tools\":[" TOOL "],\"tool_choice\":{\"type\":"
         "\"allowed_tools\",\"mode\":\"auto\",\"tools\":[\"f\"]}"),
      "missing_required_parameter", "tool_choice.name" },

    { NULL, NULL, NULL, NULL }
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

        front_read(pool, &argo_openai_responses_front, &argo_legacy_back,
                   &json, &r);

        if (is(r.rc, NGX_OK, "%s: accepted", t->name)) {
            is_str(&r.body, t->out, "%s: goes up", t->name);

        } else {
            test_show("message", r.err.message.data, r.err.message.len);
        }

        ngx_destroy_pool(pool);
    }
}


static void
test_wrongs(void)
{
    ngx_str_t         json;
    ngx_pool_t       *pool;
    const wrong_t    *t;
    front_request_t   r;

    for (t = wrongs; t->name; t++) {
        pool = test_pool();
        json = front_str(t->in);

        front_read(pool, &argo_openai_responses_front, &argo_legacy_back,
                   &json, &r);

        if (!ok(r.rc == NGX_DECLINED && r.err.status == 400
                && front_is(&r.err.param, t->param)
                && (t->code == NULL || front_is(&r.err.code, t->code))
                && r.err.message.len, "%s: 400, %s", t->name, t->param))
        {
            printf("# %d\n", (int) r.rc);
            test_show("code", r.err.code.data, r.err.code.len);
            test_show("param", r.err.param.data, r.err.param.len);
            test_show("body", r.body.data, r.body.len);
        }

        ngx_destroy_pool(pool);
    }
}


static void
test_values(void)
{
    ngx_str_t         json;
    ngx_pool_t       *pool;
    front_request_t   r;

    pool = test_pool();

    json = front_str("{\"model\":\"gpt-\\u0034o\",\"input\":\"Hi\","
                     "\"stream\":true}");
    front_read(pool, &argo_openai_responses_front, &argo_legacy_back, &json,
               &r);

    is_str(&r.req.model, "gpt-4o", "the model as it was asked for");
    is(r.req.stream, 1, "a stream");
    is(r.req.include_usage, 0, "usage needs no asking");
    is(r.call.frame, ARGO_FRAME_RAW, "streamed from ARGO as well");
    ok(r.req.next == NULL, "one call");

    json = front_str("{\"model\":\"nonesuch\",\"input\":\"Hi\"}");
    front_read(pool, &argo_openai_responses_front, &argo_legacy_back, &json,
               &r);

    is(r.err.status, 404, "an unknown model");

    ngx_destroy_pool(pool);
}


/* ---- replies */

static void
read_request(ngx_pool_t *pool, const char *json, front_request_t *r)
{
    ngx_str_t  *s;

    s = ngx_palloc(pool, sizeof(ngx_str_t));
    if (s == NULL) {
        abort();
    }

    *s = front_str(json);

    if (front_read(pool, &argo_openai_responses_front, &argo_legacy_back, s,
                   r) != NGX_OK)
    {
        abort();
    }
}

static void
run_text(ngx_pool_t *pool, front_reply_t *reply, argo_request_t *req,
    const ngx_str_t *text, size_t cut, ngx_uint_t complete)
{
    front_begin(pool, reply, &argo_openai_responses_front,
                &argo_legacy_back, req, STREAM);
    front_feed(reply, text, cut, complete);
    front_end(pool, reply);
}


static const char  *texts[] = {
    "",
    "a",
    "Hi there! I'm a model.",
    "a\"b\\c\n\t\r\x01/",
    "\xc3\xa9t\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
    "cut \xe2\x82",
    " \n ",
    "**IMPORTANT AUTHENTICATION NOTICE FROM ARG",
    NULL
};


static void
test_texts(void)
{
    size_t            cut, bad;
    fold_t            whole, fold;
    ngx_str_t         text;
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    front_reply_t     unary, reply;
    front_request_t   r;

    for (i = 0; texts[i]; i++) {
        pool = test_pool();
        read_request(pool, hi, &r);
        text = front_str(texts[i]);
        bad = 0;

        run_text(pool, &reply, &r.req, &text, WHOLE, 1);
        fold_stream(pool, &whole, &reply.bytes);

        ok(reply.rc == NGX_OK && whole.wrong == NULL
           && front_is(&whole.last, "response.completed"),
           "\"%s\": a right stream%s%s", texts[i],
           whole.wrong ? ": " : "", whole.wrong ? whole.wrong : "");

        for (cut = 1; cut <= text.len; cut++) {
            run_text(pool, &reply, &r.req, &text,
                     cut == text.len ? BYTES : cut, 1);
            fold_stream(pool, &fold, &reply.bytes);

            if (reply.rc != NGX_OK || fold.wrong
                || !front_same(&fold.response, &whole.response)
                || !front_same(&fold.order, &whole.order))
            {
                bad++;
            }
        }

        is(bad, 0, "\"%s\": the same, however cut", texts[i]);

        front_begin(pool, &unary, &argo_openai_responses_front,
                    &argo_legacy_back, &r.req, UNARY);
        front_feed(&unary, &text, WHOLE, 1);
        front_end(pool, &unary);

        is_mem(unary.bytes.data, unary.bytes.len, whole.response.data,
               whole.response.len, "\"%s\": unary is what the events come to",
               texts[i]);

        ngx_destroy_pool(pool);
    }
}


static void
test_truncated(void)
{
    size_t            cut, bad;
    fold_t            whole, fold;
    ngx_str_t         text;
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    argo_json_t      *root;
    argo_error_t      err;
    front_reply_t     reply;
    front_request_t   r;

    for (i = 0; texts[i]; i++) {
        pool = test_pool();
        read_request(pool, hi, &r);
        text = front_str(texts[i]);
        bad = 0;

        run_text(pool, &reply, &r.req, &text, WHOLE, 0);
        fold_stream(pool, &whole, &reply.bytes);

        if (!reply.st.started) {
            ok(reply.rc == NGX_DECLINED && reply.bytes.len == 0
               && reply.st.error.status == 502,
               "\"%s\", cut: nothing was sent", texts[i]);

        } else {
            ok(reply.rc == NGX_DECLINED && whole.wrong == NULL
               && front_is(&whole.last, "error"),
               "\"%s\", cut: failed, then an error", texts[i]);

            argo_json_parse(pool, &whole.response, 5, &root, &err);

            ok(front_raw_is(root, "status", "\"failed\"")
               && front_raw_is(root, "error.code", "\"server_error\"")
               && front_raw_is(root, "usage", "null")
               && front_raw_is(root, "output.0.status", "\"incomplete\""),
               "\"%s\", cut: says so", texts[i]);
        }

        for (cut = 1; cut <= text.len; cut++) {
            run_text(pool, &reply, &r.req, &text,
                     cut == text.len ? BYTES : cut, 0);
            fold_stream(pool, &fold, &reply.bytes);

            if (reply.rc != NGX_DECLINED || fold.wrong
                || !front_same(&fold.response, &whole.response)
                || !front_same(&fold.order, &whole.order))
            {
                bad++;
            }
        }

        is(bad, 0, "\"%s\", cut: the same, however fed", texts[i]);

        ngx_destroy_pool(pool);
    }
}

#define MSG_ID   "\"msg_" FRONT_ID "_"
#define OUTPUT   "{\"type\":\"output_text\",\"annotations\":[],"              \
                 "\"logprobs\":[],\"text\":"


static void
test_items(void)
{
    fold_t            fold;
    ngx_str_t         unary;
    ngx_pool_t       *pool;
    argo_json_t      *root;
    argo_error_t      err;
    front_request_t   r;

    argo_event_t  mixed[] = {
        REASONING("think"), REASONING("ing"),
        TEXT("Let me "), TEXT("\"see\""),
        CALL(0, "call_A", "f"), ARGS(0, "{\"x\""), ARGS(0, ":1}"),
        CALL(1, "", "g\\u0041"),
        TEXT("more"),
        CALL(2, "call_C", "f"), ARGS(2, "{}"),
        FINISH(ARGO_FINISH_TOOL_CALLS)
    };

    argo_event_t  refusal[] = {
        TEXT("Well: "), REFUSAL("I can"), REFUSAL("not"), TEXT("!"),
        FINISH(ARGO_FINISH_STOP)
    };

    pool = test_pool();
    read_request(pool, hi, &r);

    set_script(mixed, count(mixed));
    run_script(pool, &r.req, "everything", &fold, &unary);

    argo_json_parse(pool, &unary, 6, &root, &err);

    ok(front_raw_is(root, "output.0",
                    "{\"id\":\"rs_" FRONT_ID "_0\",\"type\":\"reasoning\","
                    "\"summary\":[{\"type\":\"summary_text\",\"text\":"
                    "\"thinking\"}]}"), "thoughts");
    ok(front_raw_is(root, "output.1",
                    "{\"id\":" MSG_ID "1\",\"type\":\"message\",\"status\":"
                    "\"completed\",\"role\":\"assistant\",\"content\":["
                    OUTPUT "\"Let me \\\"see\\\"\"}]}"), "a message");
    ok(front_raw_is(root, "output.2",
                    "{\"id\":\"fc_" FRONT_ID "_2\",\"type\":"
                    "\"function_call\",\"status\":\"completed\","
                    "\"arguments\":\"{\\\"x\\\":1}\",\"call_id\":"
                    "\"call_A\",\"name\":\"f\"}"), "a call");
    ok(front_raw_is(root, "output.3",
                    "{\"id\":\"fc_" FRONT_ID "_3\",\"type\":"
                    "\"function_call\",\"status\":\"completed\","
                    "\"arguments\":\"\",\"call_id\":\"call_" FRONT_ID
                    "_1\",\"name\":\"g\\u0041\"}"),
       "a call without an id and without arguments");
    ok(front_raw_is(root, "output.4.content.0.text", "\"more\"")
       && front_raw_is(root, "output.5.call_id", "\"call_C\""),
       "a message between calls keeps its place");
    ok(front_raw_is(root, "status", "\"completed\""), "and is complete");

    set_script(refusal, count(refusal));
    run_script(pool, &r.req, "a refusal", &fold, &unary);

    argo_json_parse(pool, &unary, 6, &root, &err);

    ok(front_raw_is(root, "output.0.content",
                    "[" OUTPUT "\"Well: \"},{\"type\":\"refusal\","
                    "\"refusal\":\"I cannot\"}," OUTPUT "\"!\"}]"),
       "its parts");

    ngx_destroy_pool(pool);
}


static void
test_incomplete(void)
{
    fold_t            fold;
    ngx_str_t         unary;
    ngx_pool_t       *pool;
    argo_json_t      *root;
    argo_error_t      err;
    front_request_t   r;

    argo_event_t  length[] = {
        TEXT("one"), CALL(0, "call_A", "f"), ARGS(0, "{\"x"),
        { .type = ARGO_EVENT_USAGE,
          .usage = { 1234567, 89, 1000, 0, 64, 1 } },
        FINISH(ARGO_FINISH_LENGTH)
    };

    argo_event_t  filter[] = { TEXT("one"),
                               FINISH(ARGO_FINISH_CONTENT_FILTER) };
    argo_event_t  nothing[] = { FINISH(ARGO_FINISH_LENGTH) };

    pool = test_pool();
    read_request(pool, hi, &r);

    set_script(length, count(length));
    run_script(pool, &r.req, "too long", &fold, &unary);

    argo_json_parse(pool, &unary, 6, &root, &err);

    ok(front_is(&fold.last, "response.incomplete")
       && front_raw_is(root, "status", "\"incomplete\"")
       && front_raw_is(root, "incomplete_details",
                       "{\"reason\":\"max_output_tokens\"}")
       && front_raw_is(root, "output.0.status", "\"completed\"")
       && front_raw_is(root, "output.1.status", "\"incomplete\""),
       "too long: the last item was cut");
    ok(front_raw_is(root, "usage",
                    "{\"input_tokens\":1234567,\"input_tokens_details\":"
                    "{\"cached_tokens\":1000,\"cache_write_tokens\":0},"
                    "\"output_tokens\":89,\"output_tokens_details\":"
                    "{\"reasoning_tokens\":64},\"total_tokens\":1234656}"),
       "too long: usage as upstream told it");

    set_script(filter, count(filter));
    run_script(pool, &r.req, "filtered", &fold, &unary);

    argo_json_parse(pool, &unary, 6, &root, &err);

    ok(front_is(&fold.last, "response.incomplete")
       && front_raw_is(root, "incomplete_details",
                       "{\"reason\":\"content_filter\"}"),
       "filtered: says so");

    set_script(nothing, count(nothing));
    run_script(pool, &r.req, "nothing at all", &fold, &unary);

    argo_json_parse(pool, &unary, 6, &root, &err);

    ok(front_raw_is(root, "output.0.content", "[" OUTPUT "\"\"}]")
       && front_raw_is(root, "output.0.status", "\"incomplete\""),
       "nothing at all: an empty message");

    ngx_destroy_pool(pool);
}


/* ---- failures */

typedef struct {
    ngx_uint_t       status;
    const char      *code;              /* upstream's */
    const char      *type;
    const char      *told;
} failure_t;


static const failure_t  failures[] = {
    { 502, "upstream_incomplete", "server_error", "server_error" },
    { 504, "upstream_timeout", "server_error", "server_error" },
    { 500, NULL, "server_error", "server_error" },
    { 429, "rate_limit_exceeded", "rate_limit_error",
      "rate_limit_exceeded" },
    { 429, "insufficient_quota", "rate_limit_error", "insufficient_quota" },
    { 429, "tokens", "rate_limit_error", "rate_limit_exceeded" },
    { 400, "context_length_exceeded", "invalid_request_error",
      "context_length_exceeded" },
    { 400, NULL, "invalid_request_error", "invalid_prompt" },
    { 403, "argo_access_denied", "permission_error", "invalid_prompt" },
    { 401, NULL, "authentication_error", "invalid_prompt" },
    { 0, NULL, NULL, NULL }
};


static void
test_failures(void)
{
    u_char            *p;
    fold_t             fold;
    ngx_str_t          text;
    ngx_uint_t         open;
    ngx_pool_t        *pool;
    argo_json_t       *root;
    argo_error_t       err;
    front_event_t      ev;
    front_reply_t      reply;
    front_request_t    r;
    const failure_t   *t;

    for (t = failures; t->status; t++) {

        for (open = 0; open < 2; open++) {
            pool = test_pool();
            read_request(pool, hi, &r);

            front_begin(pool, &reply, &argo_openai_responses_front,
                        &argo_legacy_back, &r.req, STREAM);

            if (open) {
                /* heartbeats have been sent, and nothing else */
                reply.st.open = 1;

            } else {
                ngx_str_set(&text, "some text");
                front_push(&reply, text.data, text.len);
            }

            argo_error_set(&err, t->status, t->code, NULL, "It \"broke\"");
            reply.rc = argo_stream_fail(&reply.st, &err, &reply.out);
            front_end(pool, &reply);

            fold_stream(pool, &fold, &reply.bytes);

            ok(reply.rc == NGX_DECLINED && fold.wrong == NULL
               && front_is(&fold.last, "error"),
               "%d %s%s: a right stream", (int) t->status,
               t->code ? t->code : "", open ? ", at once" : "");

            argo_json_parse(pool, &fold.response, 4, &root, &err);

            ok(front_raw_is(root, "status", "\"failed\"")
               && front_raw_is(root, "error.message",
                               "\"It \\\"broke\\\"\"")
               && argo_json_text_is(front_at(root, "error.code"), t->told,
                                    strlen(t->told))
               && argo_json_get(root, "output")->count == !open,
               "%d %s%s: told in the response", (int) t->status,
               t->code ? t->code : "", open ? ", at once" : "");

            /* the last event, taken apart alone */

            p = reply.bytes.data + reply.bytes.len - 13;

            while (memcmp(p, "event: error\n", 13) != 0) {
                p--;
            }

            front_event(pool, &p, reply.bytes.data + reply.bytes.len, &ev);

            ok(argo_json_text_is(front_at(ev.root, "error.type"), t->type,
                                 strlen(t->type))
               && argo_json_text_is(front_at(ev.root, "code"), t->told,
                                    strlen(t->told))
               && front_raw_is(ev.root, "param", "null")
               && front_raw_is(ev.root, "message", "\"It \\\"broke\\\"\"")
               && argo_json_get(ev.root, "error")->count == 4,
               "%d %s%s: told as an error", (int) t->status,
               t->code ? t->code : "", open ? ", at once" : "");

            ngx_destroy_pool(pool);
        }
    }
}


static void
test_too_long(void)
{
    u_char           *block;
    ngx_str_t         s;
    ngx_uint_t        i, n;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    n = 1024 * 1024;
    block = malloc(n);

    if (block == NULL) {
        abort();
    }

    memset(block, 'a', n);

    pool = test_pool();
    read_request(pool, hi, &r);

    front_begin(pool, &reply, &argo_openai_responses_front,
                &argo_legacy_back, &r.req, STREAM);

    for (i = 0; i < 65 && reply.rc == NGX_OK; i++) {

        /* what has been written is taken as the glue would */

        argo_out_init(&reply.out, pool, 64 * 1024, NULL, 0);
        reply.rc = argo_stream_push(&reply.st, block, n, &reply.out);
    }

    is(i, 65, "64 MB of text are kept");
    ok(reply.rc == NGX_DECLINED
       && argo_str_is(&reply.st.error.code, "upstream_invalid_reply"),
       "and not a byte more");

    argo_out_flatten(&reply.out, pool, &s);

    ok(s.len > 13 && memcmp(s.data, "event: response.failed\n", 23) == 0,
       "which the client is told");

    ngx_destroy_pool(pool);
    free(block);
}


/* ---- what a response says of its request */

static void
test_echo(void)
{
    fold_t            fold;
    ngx_str_t         text, unary;
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    argo_json_t      *root;
    argo_error_t      err;
    front_reply_t     reply;
    front_request_t   r;

    static const char  *said[] = {
        "instructions", "\"Be\"",
        "max_output_tokens", "50",
        "max_tool_calls", "3",
        "metadata", "{ \"a\": \"b\" }",
        "parallel_tool_calls", "false",
        "previous_response_id", "null",
        "prompt_cache_key", "\"k\"",
        "reasoning", "{\"effort\":\"low\",\"summary\":\"auto\"}",
        "safety_identifier", "\"s\"",
        "service_tier", "\"flex\"",
        "store", "false",
        "temperature", "0.10",
        "text", "{\"format\":{\"type\":\"json_object\"},"
                "\"verbosity\":\"low\"}",
        "tool_choice", "\"auto\"",
        "tools", "[{\"type\":\"function\",\"name\":\"f\","
                 "\"description\":null,\"parameters\":{  \"type\": "
                 "\"object\"},\"strict\":false}]",
        "top_logprobs", "0",
        "top_p", "1",
        "truncation", "\"auto\"",
        "user", "null",
        "model", "\"gpt-4o\"",
        NULL
    };

    static const char  *unsaid[] = {
        "background", "false",
        "error", "null",
        "incomplete_details", "null",
        "instructions", "null",
        "max_output_tokens", "null",
        "max_tool_calls", "null",
        "metadata", "{}",
        "object", "\"response\"",
        "created_at", "1776449057",
        "id", "\"resp_" FRONT_ID "\"",
        "parallel_tool_calls", "true",
        "previous_response_id", "null",
        "prompt_cache_key", "null",
        "reasoning", "{\"effort\":null,\"summary\":null}",
        "safety_identifier", "null",
        "service_tier", "\"default\"",
        "status", "\"completed\"",
        "store", "false",
        "temperature", "null",
        "text", "{\"format\":{\"type\":\"text\"}}",
        "tool_choice", "\"auto\"",
        "tools", "[]",
        "top_logprobs", "0",
        "top_p", "null",
        "truncation", "\"disabled\"",
        "usage.output_tokens_details.reasoning_tokens", "0",
        "user", "null",
        NULL
    };

    pool = test_pool();

    /* line feeds are blanks to JSON, and no event may have one */

    read_request(pool, "{\"model\":\"gpt-4o\",\r\n\"input\":\"Hi\","
                 "\"instructions\":\"Be\",\"max_output_tokens\":50,"
                 "\"max_tool_calls\":3,\"metadata\":{\r\n \"a\": \"b\"\n }\n"
                 ",\"parallel_tool_calls\":false,\"prompt_cache_key\":\"k\","
                 "\"reasoning\":{\"effort\":\"low\",\"summary\":\"auto\"},"
                 "\"safety_identifier\":\"s\",\"service_tier\":\"flex\","
                 "\"store\":true,\"temperature\":0.10,\"text\":{\"format\":"
                 "{\"type\":\n\"json_object\"},\"verbosity\":\"low\"},"
                 "\"tool_choice\":\"auto\",\"tools\":[{\"type\":"
                 "\"function\",\"name\":\"f\",\"parameters\":{\n  \"type\": "
                 "\"object\"\n}}],\"top_logprobs\":0,\"top_p\":1,"
                 "\"truncation\":\"auto\",\"user\":\"eve\"}", &r);

    ngx_str_set(&text, "{\"response\":\"x\"}");

    run_body(pool, &reply, &argo_legacy_back, &r.req, &text, STREAM);
    fold_stream(pool, &fold, &reply.bytes);

    ok(fold.wrong == NULL, "a request of several lines: a right stream%s%s",
       fold.wrong ? ": " : "", fold.wrong ? fold.wrong : "");

    run_body(pool, &reply, &argo_legacy_back, &r.req, &text, UNARY);
    unary = reply.bytes;

    is_mem(unary.data, unary.len, fold.response.data, fold.response.len,
           "and unary the same");

    argo_json_parse(pool, &unary, 6, &root, &err);

    for (i = 0; said[i]; i += 2) {
        ok(front_raw_is(root, said[i], said[i + 1]), "said: %s", said[i]);
    }

    read_request(pool, hi, &r);
    run_body(pool, &reply, &argo_legacy_back, &r.req, &text, UNARY);

    argo_json_parse(pool, &reply.bytes, 6, &root, &err);

    for (i = 0; unsaid[i]; i += 2) {
        ok(front_raw_is(root, unsaid[i], unsaid[i + 1]), "not said: %s",
           unsaid[i]);
    }

    ngx_destroy_pool(pool);
}


/* ---- recordings of OpenAI's own */

/* members that say nothing of what ARGO does */

static const char  *foreign[] = {
    "billing", "completed_at", "frequency_penalty", "moderation", "phase",
    "presence_penalty", "prompt_cache_retention", "obfuscation", "verbosity",
    NULL
};


/* Every member of theirs is in ours, at all depths; lists by first items. */

static ngx_uint_t
has_members(argo_json_t *theirs, argo_json_t *ours, const char *what)
{
    ngx_uint_t    i, found;
    argo_json_t  *node, *mine;

    if (theirs->type == ARGO_JSON_ARRAY && theirs->child) {

        if (ours->type != ARGO_JSON_ARRAY || ours->child == NULL) {
            printf("# %s: no list\n", what);
            return 0;
        }

        return has_members(theirs->child, ours->child, what);
    }

    if (theirs->type != ARGO_JSON_OBJECT) {
        return 1;
    }

    found = 1;

    for (node = theirs->child; node; node = node->next) {

        for (i = 0; foreign[i] && !front_is(&node->name, foreign[i]); i++) {
            /* void */
        }

        if (foreign[i]) {
            continue;
        }

        mine = argo_json_find(ours, (char *) node->name.data,
                              node->name.len);

        if (mine == NULL) {
            printf("# %s: no member %.*s\n", what, (int) node->name.len,
                   node->name.data);
            found = 0;
            continue;
        }

        /* what a client has said is echoed as it said it */

        if (!front_is(&node->name, "tools")
            && !front_is(&node->name, "tool_choice")
            && !front_is(&node->name, "format")
            && !has_members(node, mine, what))
        {
            found = 0;
        }
    }

    return found;
}


static argo_json_t *
find_event(ngx_pool_t *pool, const ngx_str_t *bytes, const ngx_str_t *name)
{
    u_char         *p, *end;
    front_event_t   ev;

    p = bytes->data;
    end = p + bytes->len;

    while (p < end && front_event(pool, &p, end, &ev) == NULL) {
        if (front_same(&ev.name, name)) {
            return ev.root;
        }
    }

    return NULL;
}


static void
compare_stream(const char *file, argo_event_t *events, ngx_uint_t n)
{
    u_char           *p, *end;
    ngx_str_t         theirs, body, order;
    ngx_uint_t        missing;
    ngx_pool_t       *pool;
    fold_t            fold;
    argo_json_t      *ours;
    front_event_t     ev;
    front_reply_t     reply;
    front_request_t   r;

    pool = test_pool();
    read_request(pool, IN(",\"tools\":[" TOOL "]"), &r);

    theirs = front_file(pool, file);

    ngx_str_set(&body, "");
    set_script(events, n);
    run_body(pool, &reply, &script_back, &r.req, &body, STREAM);

    fold_stream(pool, &fold, &reply.bytes);
    order = fold.order;

    memset(&fold, 0, sizeof(fold_t));
    missing = 0;

    p = theirs.data;
    end = p + theirs.len;

    while (p < end) {

        if (front_event(pool, &p, end, &ev) != NULL) {
            missing++;
            break;
        }

        ours = find_event(pool, &reply.bytes, &ev.name);

        if (ours == NULL || !has_members(ev.root, ours, file)) {
            missing++;
        }

        fold_note(pool, &fold, &ev.name);
        fold.last = ev.name;
    }

    is(missing, 0, "%s: every member of every event", file);
    is_mem(order.data, order.len, fold.order.data, fold.order.len,
           "%s: the order of its events", file);

    ngx_destroy_pool(pool);
}


static void
compare_order(const char *file, argo_event_t *events, ngx_uint_t n)
{
    u_char           *p, *q, *end;
    fold_t            fold;
    ngx_str_t         theirs, body, expected;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    pool = test_pool();
    read_request(pool, hi, &r);

    theirs = front_file(pool, file);

    ngx_str_set(&body, "");
    set_script(events, n);
    run_body(pool, &reply, &script_back, &r.req, &body, STREAM);
    fold_stream(pool, &fold, &reply.bytes);

    /* "response.created x1" */

    expected.data = ngx_palloc(pool, theirs.len);
    expected.len = 0;

    p = theirs.data;
    end = p + theirs.len;

    while (p < end) {
        q = memchr(p, ' ', end - p);

        if (q == NULL) {
            break;
        }

        memcpy(expected.data + expected.len, p, q - p);
        expected.len += q - p;
        expected.data[expected.len++] = '\n';

        p = memchr(q, '\n', end - q);
        p = p ? p + 1 : end;
    }

    is_mem(fold.order.data, fold.order.len, expected.data, expected.len,
           "%s: the order of its events", file);

    ngx_destroy_pool(pool);
}


static void
compare_body(const char *file, argo_event_t *events, ngx_uint_t n)
{
    ngx_str_t         theirs, body;
    ngx_pool_t       *pool;
    argo_json_t      *a, *b;
    argo_error_t      err;
    front_reply_t     reply;
    front_request_t   r;

    pool = test_pool();
    read_request(pool, hi, &r);

    theirs = front_file(pool, file);

    ngx_str_set(&body, "");
    set_script(events, n);
    run_body(pool, &reply, &script_back, &r.req, &body, UNARY);

    ok(argo_json_parse(pool, &theirs, 8, &a, &err) == NGX_OK
       && argo_json_parse(pool, &reply.bytes, 8, &b, &err) == NGX_OK
       && has_members(a, b, file), "%s: every member", file);

    ngx_destroy_pool(pool);
}


static void
test_recorded(void)
{
    argo_event_t  text[] = { TEXT("a"), TEXT("b"),
                             FINISH(ARGO_FINISH_STOP) };
    argo_event_t  cut[] = { TEXT("a"), TEXT("b"),
                            FINISH(ARGO_FINISH_LENGTH) };
    argo_event_t  call[] = { CALL(0, "c", "f"), ARGS(0, "{"), ARGS(0, "}"),
                             FINISH(ARGO_FINISH_TOOL_CALLS) };

    compare_stream("openai-responses-stream-text.sse", text, count(text));
    compare_stream("openai-responses-stream-tool-followup.sse", text,
                   count(text));
    compare_stream("openai-responses-stream-incomplete.sse", cut,
                   count(cut));
    compare_stream("openai-responses-stream-tool-call.sse", call,
                   count(call));

    compare_order("responses-event-order-text.txt", text, count(text));

    compare_body("openai-responses-text.json", text, count(text));
    compare_body("openai-responses-tool-call.json", call, count(call));
}


/* ---- memory */

static ngx_int_t
sweep_once(const ngx_str_t *json, const ngx_str_t *reply_body,
    ngx_uint_t stream)
{
    ngx_int_t         rc;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    pool = ngx_create_pool(4096, NULL);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = front_read(pool, &argo_openai_responses_front, &argo_legacy_back,
                    json, &r);

    if (rc == NGX_OK) {
        run_body(pool, &reply, &argo_legacy_back, &r.req, reply_body,
                 stream);
        rc = reply.rc;
    }

    ngx_destroy_pool(pool);

    return rc;
}


static void
sweep(const char *name, const char *in, const char *back, ngx_int_t expected)
{
    size_t      bad;
    ngx_str_t   json, body;
    ngx_int_t   rc;
    ngx_uint_t  i, stream, n;

    json = front_str(in);
    body = front_str(back);
    bad = 0;
    n = 0;
    rc = NGX_ERROR;

    (void) front_models();

    for (stream = 0; stream < 2; stream++) {

        for (i = 1; i < 10000; i++) {
            ngx_shim_fail(i);
            rc = sweep_once(&json, &body, stream);

            if (!ngx_shim_failed()) {
                break;
            }

            n++;
            bad += (rc != NGX_ERROR);
        }

        bad += (rc != expected);
    }

    ngx_shim_fail(0);

    ok(bad == 0 && n > 20, "%s: each of %d allocations may fail", name,
       (int) n);
}


static void
test_memory(void)
{
    sweep("tools",
          "{\"model\":\"gpt-4o\",\"instructions\":\"Be\",\"input\":["
          MSG("user", "[{\"type\":\"input_text\",\"text\":\"one\"},"
              "{\"type\":\"input_image\",\"image_url\":\"data:,\"}]") ","
          FC("c1", "f", "{}") "," FCO("c1", "\"one\"") ","
          "{\"type\":\"additional_tools\",\"tools\":[" TOOL_G "]}],"
          "\"tools\":[" TOOL "],\"tool_choice\":{\"type\":"
          "\"allowed_tools\",\"mode\":\"auto\",\"tools\":[{\"name\":"
          "\"f\"}]},\"text\":{\"format\":{\"type\":\"json_object\"}}}",
          "{\"response\":{\"content\":\"w\",\"tool_calls\":[{\"id\":\"c\","
          "\"type\":\"function\",\"function\":{\"name\":\"f\","
          "\"arguments\":\"{}\"}}]}}", NGX_OK);

    sweep("text", hi, "{\"response\":\"some text\"}", NGX_OK);

    sweep("a denial", hi,
          "{\"response\":\"IMPORTANT AUTHENTICATION NOTICE FROM ARGO\"}",
          NGX_DECLINED);
}


int
main(void)
{
    test_requests();
    test_wrongs();
    test_values();
    test_texts();
    test_truncated();
    test_items();
    test_incomplete();
    test_failures();
    test_too_long();
    test_echo();
    test_recorded();
    test_memory();

    return front_done();
}
