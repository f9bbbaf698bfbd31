
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Google's generateContent.  Requests are compared by what they come to mean,
 * one word a part.  Streams and arrays are put together again and must come
 * to what the unary reply says; replies are fed whole, cut in two at each
 * byte, and byte by byte.
 */


#include "argo_front.h"

#include "argo_gemini.h"
#include "argo_gemini_models.h"
#include "argo_json_write.h"



#define MAX_WORDS  8192

#define count(a)  (sizeof(a) / sizeof((a)[0]))

#define SAYS(s)   "{\"model\":\"gpt-4o\",\"contents\":[" s "]}"
#define USER(s)   "{\"role\":\"user\",\"parts\":[" s "]}"
#define MODEL(s)  "{\"role\":\"model\",\"parts\":[" s "]}"
#define SAID(s)   "{\"text\":\"" s "\"}"
#define HI        USER(SAID("Hi"))
#define WITH(s)   "{\"model\":\"gpt-4o\",\"contents\":[" HI "]," s "}"
#define CONFIG(s) WITH("\"generationConfig\":{" s "}")
#define F(n)      "{\"name\":\"" n "\"}"
#define TOOLS(s)  WITH("\"tools\":[{\"functionDeclarations\":[" s "]}]")


typedef struct {
    const char      *name;
    const char      *in;
    const char      *out;
} pair_t;


typedef struct {
    const char      *in;
    const char      *code;
    const char      *param;
} wrong_t;


/* ---- what a request means, in words */

static void
word(char *buf, const char *head, const ngx_str_t *s, const char *tail)
{
    size_t  len;

    len = strlen(buf);

    (void) snprintf(buf + len, MAX_WORDS - len, "%s%.*s%s", head,
                    s ? (int) s->len : 0, s ? (char *) s->data : "", tail);
}


static void
tell_parts(char *buf, const argo_part_t *part)
{
    static const char  *types[] = {
        "text(", "image(", "call(", "result(", "thought(", "file(", "other("
    };

    for ( /* void */ ; part; part = part->next) {

        word(buf, types[part->type], NULL, "");

        if (part->type == ARGO_PART_TOOL_CALL
            || part->type == ARGO_PART_TOOL_RESULT)
        {
            word(buf, "", &part->id, " ");
            word(buf, "", &part->name, part->failed ? " failed " : " ");
        }

        if (part->mime.len) {
            word(buf, "", &part->mime, " ");
        }

        word(buf, "", part->args ? &part->args->raw : &part->text, "");

        if (part->parts) {
            tell_parts(buf, part->parts);
        }

        if (part->signature.len) {
            word(buf, part->redacted ? " redacted "
                      : part->vendor == ARGO_FAMILY_GOOGLE ? " google "
                                                           : " signed ",
                 &part->signature, "");
        }

        word(buf, part->string ? "!" : "", NULL, ")");
    }
}


/* a message is "user! ..." if it is one that could be a string */

static const char *
tell(const argo_request_t *req)
{
    const argo_message_t  *message;

    static char  buf[MAX_WORDS];

    static const char  *roles[] = {
        "system", "user", "assistant", "tool", "other"
    };

    buf[0] = '\0';

    for (message = req->messages; message; message = message->next) {
        word(buf, roles[message->role], NULL, message->string ? "! " : " ");
        tell_parts(buf, message->parts);
        word(buf, "", NULL, message->next ? "; " : "");
    }

    return buf;
}


static ngx_int_t
read_one(ngx_pool_t *pool, const char *json, front_request_t *r)
{
    ngx_str_t  *s;

    s = ngx_palloc(pool, sizeof(ngx_str_t));
    if (s == NULL) {
        return NGX_ERROR;
    }

    *s = front_str(json);

    return front_read(pool, &argo_gemini_front, &argo_legacy_back, s, r);
}


/* without upstream, which may change what it does not take */

static ngx_int_t
read_only(ngx_pool_t *pool, const char *json, argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t  rc;

    memset(req, 0, sizeof(argo_request_t));
    memset(err, 0, sizeof(argo_error_t));

    req->document = front_str(json);

    rc = argo_json_parse(pool, &req->document, ARGO_GEMINI_TREE_DEPTH,
                         &req->root, err);

    return (rc == NGX_OK) ? argo_gemini_read_request(pool, req, err) : rc;
}


/* "anthropic:" and two blocks, in the alphabet of URLs, without padding */

#define SEALED                                                                \
    "YW50aHJvcGljOlt7InRoaW5raW5nIjoiYeKCrD8-XG4iLCJzaWduYXR1cmUiOiJTaWc"     \
    "ifSx7ImRhdGEiOiJEYXRhPz8_In1d"

/* the same as an encoder writes it */

#define SEALED_STD                                                            \
    "YW50aHJvcGljOlt7InRoaW5raW5nIjoiYeKCrD8+XG4iLCJzaWduYXR1cmUiOiJTaWc"     \
    "ifSx7ImRhdGEiOiJEYXRhPz8/In1d"

#define UNSEALED  "thought(a\xe2\x82\xac?>\\n signed Sig)"                    \
                  "thought( redacted Data??\?)"


static const pair_t  contents[] = {

    { "a text", SAYS(HI), "user! text(Hi)" },
    { "without a role", SAYS("{\"parts\":[{\"text\":\"Hi\"}]}"),
      "user! text(Hi)" },
    { "an empty role", SAYS("{\"role\":\"\",\"parts\":[{\"text\":\"Hi\"}]}"),
      "user! text(Hi)" },
    { "one content, no list",
      "{\"model\":\"gpt-4o\",\"contents\":{\"parts\":{\"text\":\"Hi\"}}}",
      "user! text(Hi)" },
    { "two texts", SAYS(USER(SAID("a") "," SAID("b"))),
      "user text(a)text(b)" },
    { "escapes stay", SAYS(USER(SAID("\\u00e9\\n\\\"\xc3\xa9"))),
      "user! text(\\u00e9\\n\\\"\xc3\xa9)" },
    { "the last of two members counts",
      SAYS(USER("{\"text\":\"a\",\"text\":\"b\"}")), "user! text(b)" },
    { "null is as nothing",
      SAYS(USER("{\"text\":\"a\",\"inlineData\":null,\"thought\":null,"
                "\"thoughtSignature\":null}")), "user! text(a)" },
    { "a wrapped request, to be counted",
      "{\"generateContentRequest\":{\"model\":\"models/gpt-4o\","
      "\"contents\":[" HI "]}}", "user! text(Hi)" },

    { "a system's instruction",
      WITH("\"systemInstruction\":{\"role\":\"user\",\"parts\":["
           SAID("Be") "]}"), "system! text(Be); user! text(Hi)" },
    { "in snake_case, in two parts",
      WITH("\"system_instruction\":{\"parts\":[" SAID("a") "," SAID("b")
           "]}"), "system text(a)text(b); user! text(Hi)" },
    { "one part, no list",
      WITH("\"systemInstruction\":{\"parts\":" SAID("a") "}"),
      "system! text(a); user! text(Hi)" },
    { "an empty one",
      WITH("\"systemInstruction\":{\"parts\":[" SAID("") "]}"),
      "user! text(Hi)" },
    { "one without parts", WITH("\"systemInstruction\":{}"),
      "user! text(Hi)" },

    { "a conversation", SAYS(HI "," MODEL(SAID("Yes")) "," HI),
      "user! text(Hi); assistant! text(Yes); user! text(Hi)" },
    { "an answer in pieces is one again",
      SAYS(HI "," MODEL(SAID("Y") "," SAID("e")) "," MODEL(SAID("s"))
           "," MODEL(SAID(""))),
      "user! text(Hi); assistant! text(Yes)" },
    { "an answer that failed is left out",
      SAYS(HI "," MODEL("") "," HI "," "{\"role\":\"model\"}"),
      "user! text(Hi); user! text(Hi)" },
    { "pieces around a call",
      SAYS(HI "," MODEL(SAID("a")) "," MODEL(SAID("b")) ","
           MODEL("{\"functionCall\":{\"name\":\"f\"}}") ","
           MODEL(SAID("c") "," SAID("d"))),
      "user! text(Hi); assistant text(ab)call(call_0 f {})text(cd)" },

    { "an image", SAYS(USER("{\"inlineData\":{\"mimeType\":\"image/png\","
                            "\"data\":\"QUJD\"}}")),
      "user image(image/png QUJD)" },
    { "in snake_case, of a type in capitals",
      SAYS(USER("{\"inline_data\":{\"mime_type\":\"IMAGE/PNG\","
                "\"data\":\"QUI=\"}}")), "user image(IMAGE/PNG QUI=)" },
    { "data in the alphabet of URLs",
      SAYS(USER("{\"inlineData\":{\"mimeType\":\"image/png\","
                "\"data\":\"-_8\"}}")), "user image(image/png +/8=)" },
    { "data without its padding",
      SAYS(USER("{\"inlineData\":{\"mimeType\":\"image/png\","
                "\"data\":\"QQ\"}}")), "user image(image/png QQ==)" },
    { "data with escapes in it",
      SAYS(USER("{\"inlineData\":{\"mimeType\":\"image/png\","
                "\"data\":\"\\/\\u0051==\"}}")),
      "user image(image/png /Q==)" },
    { "a file", SAYS(USER("{\"inlineData\":{\"mimeType\":"
                          "\"application/pdf\",\"displayName\":\"a.pdf\","
                          "\"data\":\"QUJD\"}}")),
      "user file(application/pdf QUJD)" },
    { "an image's data URL",
      SAYS(USER("{\"fileData\":{\"fileUri\":\"data:image/png;base64,QQ==\"}"
                "}")), "user image(data:image/png;base64,QQ==)" },

    { "a call", SAYS(HI "," MODEL("{\"functionCall\":{\"id\":\"c1\","
                                  "\"name\":\"f\",\"args\":{\"a\":[1]}}}")),
      "user! text(Hi); assistant call(c1 f {\"a\":[1]})" },
    { "in snake_case, without arguments",
      SAYS(HI "," MODEL("{\"function_call\":{\"name\":\"f\",\"args\":null,"
                        "\"id\":\"\"}}")),
      "user! text(Hi); assistant call(call_0 f {})" },
    { "calls and results by their ids",
      SAYS(HI "," MODEL("{\"functionCall\":{\"id\":\"a\",\"name\":\"f\"}},"
                        "{\"functionCall\":{\"id\":\"b\",\"name\":\"f\"}}")
           "," USER("{\"functionResponse\":{\"id\":\"b\",\"name\":\"f\","
                    "\"response\":{\"output\":\"2\"}}},"
                    "{\"functionResponse\":{\"id\":\"a\",\"name\":\"f\","
                    "\"response\":{\"output\":\"1\"}}}")),
      "user! text(Hi); assistant call(a f {})call(b f {}); "
      "tool result(b f text(2)!); tool result(a f text(1)!)" },
    { "by their names and their order",
      SAYS(HI "," MODEL("{\"functionCall\":{\"name\":\"f\"}},"
                        "{\"functionCall\":{\"name\":\"g\"}},"
                        "{\"functionCall\":{\"name\":\"f\"}}")
           "," "{\"role\":\"function\",\"parts\":["
               "{\"functionResponse\":{\"name\":\"g\"}},"
               "{\"function_response\":{\"name\":\"f\","
               "\"response\":{\"output\":\"1\"}}},"
               "{\"functionResponse\":{\"name\":\"f\","
               "\"response\":{\"output\":\"2\"}}}]}"),
      "user! text(Hi); assistant call(call_0 f {})call(call_1 g {})"
      "call(call_2 f {}); tool result(call_1 g text()!); "
      "tool result(call_0 f text(1)!); tool result(call_2 f text(2)!)" },
    { "numbers go on in the next turn",
      SAYS(HI "," MODEL("{\"functionCall\":{\"name\":\"f\"}}") ","
           USER("{\"functionResponse\":{\"name\":\"f\"}}") ","
           MODEL("{\"functionCall\":{\"name\":\"f\"}}") ","
           USER("{\"functionResponse\":{\"name\":\"f\"}}")),
      "user! text(Hi); assistant call(call_0 f {}); "
      "tool result(call_0 f text()!); assistant call(call_1 f {}); "
      "tool result(call_1 f text()!)" },
    { "an id that only the result has",
      SAYS(HI "," MODEL("{\"functionCall\":{\"name\":\"f\"}}") ","
           USER("{\"functionResponse\":{\"id\":\"x\",\"name\":\"f\"}}")),
      "user! text(Hi); assistant call(call_0 f {}); "
      "tool result(call_0 f text()!)" },
    { "an id with the name before it",
      SAYS(HI "," MODEL("{\"functionCall\":{\"id\":\"f__call_ABC\","
                        "\"name\":\"f\"}}") ","
           USER("{\"functionResponse\":{\"id\":\"f__call_ABC\","
                "\"name\":\"f\"}}")),
      "user! text(Hi); assistant call(call_ABC f {}); "
      "tool result(call_ABC f text()!)" },
    { "ids that are too long or have odd letters",
      SAYS(HI "," MODEL("{\"functionCall\":{\"id\":"
                        "\"12345678901234567890123456789012345678901\","
                        "\"name\":\"f\"}},{\"functionCall\":{\"id\":\"a.b\","
                        "\"name\":\"g\"}}") ","
           USER("{\"functionResponse\":{\"id\":\"a.b\",\"name\":\"g\"}},"
                "{\"functionResponse\":{\"id\":"
                "\"12345678901234567890123456789012345678901\","
                "\"name\":\"f\"}}")),
      "user! text(Hi); assistant call(call_0 f {})call(call_1 g {}); "
      "tool result(call_1 g text()!); tool result(call_0 f text()!)" },
    { "a result of no call is left to who must pair them",
      SAYS(USER("{\"functionResponse\":{\"name\":\"f\"}}")),
      "tool result(call_0 f text()!)" },
    { "results come before what is said with them",
      SAYS(HI "," MODEL("{\"functionCall\":{\"name\":\"f\"}}") ","
           USER(SAID("so") ",{\"functionResponse\":{\"name\":\"f\"}},"
                SAID("on"))),
      "user! text(Hi); assistant call(call_0 f {}); "
      "tool result(call_0 f text()!); user text(so)text(on)" },

    { "results by other words",
      SAYS(USER("{\"functionResponse\":{\"name\":\"f\","
                "\"response\":{\"result\":\"a\"}}},"
                "{\"functionResponse\":{\"name\":\"f\","
                "\"response\":{\"name\":\"f\",\"content\":\"b\"}}},"
                "{\"functionResponse\":{\"name\":\"f\","
                "\"response\":{\"error\":\"c\"}}}")),
      "tool result(call_0 f text(a)!); tool result(call_1 f text(b)!); "
      "tool result(call_2 f failed text(c)!)" },
    { "results that are no text",
      SAYS(USER("{\"functionResponse\":{\"name\":\"f\","
                "\"response\":{\"output\":{\"a\":\"\\\"\"}}}},"
                "{\"functionResponse\":{\"name\":\"f\","
                "\"response\":{\"a\":1,\"output\":\"x\"}}},"
                "{\"functionResponse\":{\"name\":\"f\","
                "\"response\":{\"name\":\"g\",\"output\":\"x\"}}}")),
      "tool result(call_0 f text({\\\"a\\\":\\\"\\\\\\\"\\\"})!); "
      "tool result(call_1 f text({\\\"a\\\":1,\\\"output\\\":\\\"x\\\"})!); "
      "tool result(call_2 f "
      "text({\\\"name\\\":\\\"g\\\",\\\"output\\\":\\\"x\\\"})!)" },
    { "a result with an image",
      SAYS(USER("{\"functionResponse\":{\"name\":\"f\","
                "\"response\":{\"output\":\"a\"},\"parts\":[{\"inlineData\":"
                "{\"mimeType\":\"image/png\",\"data\":\"QUJD\"}}]}}")),
      "tool result(call_0 f text(a)image(image/png QUJD))" },

    { "code that was run",
      SAYS(HI "," MODEL("{\"executableCode\":{\"language\":\"PYTHON\","
                        "\"code\":\"1+\\n1\"}},{\"codeExecutionResult\":"
                        "{\"outcome\":\"OUTCOME_OK\",\"output\":\"2\"}}")),
      "user! text(Hi); assistant! "
      "text(```\\n1+\\n1\\n```\\n```\\n2\\n```\\n)" },

    { "thoughts are not sent back",
      SAYS(HI "," MODEL("{\"text\":\"Hm\",\"thought\":true},"
                        SAID("Yes"))),
      "user! text(Hi); assistant! text(Yes)" },
    { "what Google signed keeps its signature",
      SAYS(HI "," MODEL("{\"text\":\"a\",\"thoughtSignature\":\"c2ln\"},"
                        "{\"functionCall\":{\"name\":\"f\"},"
                        "\"thought_signature\":\"skip_it\"}")),
      "user! text(Hi); assistant! text(a google c2ln)"
      "call(call_0 f {} google skip_it)" },
    { "Claude's thoughts are in a signature",
      SAYS(HI "," MODEL("{\"text\":\"Hm\",\"thought\":true},"
                        "{\"functionCall\":{\"name\":\"f\"},"
                        "\"thoughtSignature\":\"" SEALED "\"}")),
      "user! text(Hi); assistant " UNSEALED "call(call_0 f {})" },
    { "in the other alphabet, escaped, of a text in pieces",
      SAYS(HI "," MODEL("{\"text\":\"a\",\"thoughtSignature\":\""
                        "\\u0059" "W50aHJvcGljOlt7InRoaW5raW5nIjoiYeKCrD8+"
                        "XG4iLCJzaWduYXR1cmUiOiJTaWcifSx7ImRhdGEiOiJEYXRh"
                        "Pz8\\/In1d\"}") "," MODEL(SAID("b"))),
      "user! text(Hi); assistant " UNSEALED "text(ab)" },
    { "of an empty text",
      SAYS(HI "," MODEL("{\"text\":\"\",\"thoughtSignature\":\"" SEALED_STD
                        "\"},{\"text\":\"b\"}")),
      "user! text(Hi); assistant " UNSEALED "text(b)" },
    { "a part of nothing but a signature",
      SAYS(HI "," MODEL("{\"thoughtSignature\":\"" SEALED "\"}")),
      "user! text(Hi); assistant " UNSEALED }
};


static void
test_contents(void)
{
    ngx_int_t        rc;
    ngx_str_t        got;
    ngx_uint_t       i;
    ngx_pool_t      *pool;
    argo_error_t     err;
    argo_request_t   req;

    for (i = 0; i < count(contents); i++) {
        pool = test_pool();

        rc = read_only(pool, contents[i].in, &req, &err);

        if (ok(rc == NGX_OK, "%s: read", contents[i].name)) {
            got = front_str(tell(&req));
            is_str(&got, contents[i].out, "%s", contents[i].name);

        } else {
            test_show("error", err.message.data, err.message.len);
        }

        ngx_destroy_pool(pool);
    }
}


static const wrong_t  wrongs[] = {

    { "{\"contents\":[" HI "],\"generationConfig\":[]}", "invalid_type",
      "generationConfig" },
    { "{}", "missing_required_parameter", "contents" },
    { "{\"contents\":null}", "missing_required_parameter", "contents" },
    { "{\"contents\":[]}", "empty_array", "contents" },
    { SAYS(MODEL("")), "empty_array", "contents" },
    { "{\"contents\":\"Hi\"}", "invalid_type", "contents" },
    { "{\"model\":1}", "invalid_type", "model" },
    { "{\"generateContentRequest\":1}", "invalid_type",
      "generateContentRequest" },
    { "{\"generateContentRequest\":{}}", "missing_required_parameter",
      "contents" },
    { SAYS("1"), "invalid_type", "contents[0]" },
    { SAYS(HI ",{\"role\":\"system\",\"parts\":[{\"text\":\"\"}]}"),
      "invalid_value", "contents[1].role" },
    { SAYS("{\"role\":1}"), "invalid_type", "contents[0].role" },
    { SAYS("{\"role\":\"user\"}"), "missing_required_parameter",
      "contents[0].parts" },
    { SAYS(USER("")), "missing_required_parameter", "contents[0].parts" },
    { SAYS("{\"parts\":1}"), "invalid_type", "contents[0].parts" },
    { SAYS(USER("1")), "invalid_type", "contents[0].parts[0]" },
    { SAYS(USER("{}")), "unsupported_value", "contents[0].parts[0]" },
    { SAYS(USER("{\"toolCall\":{}}")), "unsupported_value",
      "contents[0].parts[0]" },
    { SAYS(USER("{\"text\":\"a\",\"functionCall\":{}}")), "invalid_value",
      "contents[0].parts[0]" },
    { SAYS(HI "," HI "," USER(SAID("a") ",{\"text\":1}")), "invalid_type",
      "contents[2].parts[1].text" },
    { SAYS(USER("{\"text\":\"a\",\"thought\":1}")), "invalid_type",
      "contents[0].parts[0].thought" },
    { SAYS(USER("{\"text\":\"a\",\"thoughtSignature\":1}")), "invalid_type",
      "contents[0].parts[0].thoughtSignature" },
    { SAYS(MODEL("{\"text\":\"a\",\"thoughtSignature\":\"YW50aHJvcGljO\"},"
                 "{\"text\":\"a\",\"thoughtSignature\":\"YW50aHJvcGljOlt7"
                 "fV0=\"}")), "invalid_value",
      "contents[0].parts[1].thoughtSignature" },
    { SAYS(MODEL("{\"text\":\"a\",\"thoughtSignature\":\"YW50aHJvcGljOg==\"}"
                 )), "invalid_value",
      "contents[0].parts[0].thoughtSignature" },
    { SAYS(MODEL("{\"text\":\"a\",\"thoughtSignature\":\"YW50aHJvcGljOg!=\"}"
                 )), "invalid_value",
      "contents[0].parts[0].thoughtSignature" },
    { SAYS(MODEL("{\"text\":\"a\",\"thoughtSignature\":\"YW50aHJvcGljOnt9\"}"
                 )), "invalid_value",
      "contents[0].parts[0].thoughtSignature" },

    { SAYS(USER("{\"inlineData\":1}")), "invalid_type",
      "contents[0].parts[0].inlineData" },
    { SAYS(USER("{\"inlineData\":{\"data\":\"QUJD\"}}")), "invalid_value",
      "contents[0].parts[0].inlineData" },
    { SAYS(USER("{\"inlineData\":{\"mimeType\":\"image/png\"}}")),
      "invalid_value", "contents[0].parts[0].inlineData" },
    { SAYS(USER("{\"inlineData\":{\"mimeType\":\"image/png\","
                "\"data\":\"\"}}")), "invalid_value",
      "contents[0].parts[0].inlineData" },
    { SAYS(USER("{\"inlineData\":{\"mimeType\":\"image/png\","
                "\"data\":\"A\"}}")), "invalid_value",
      "contents[0].parts[0].inlineData" },
    { SAYS(USER("{\"inlineData\":{\"mimeType\":\"image/png\","
                "\"data\":\"QU*D\"}}")), "invalid_value",
      "contents[0].parts[0].inlineData" },
    { SAYS(USER("{\"inlineData\":{\"mimeType\":\"image/png\","
                "\"data\":\"Q===\"}}")), "invalid_value",
      "contents[0].parts[0].inlineData" },
    { SAYS(USER("{\"fileData\":{}}")), "missing_required_parameter",
      "contents[0].parts[0].fileData.fileUri" },
    { SAYS(USER("{\"fileData\":1}")), "missing_required_parameter",
      "contents[0].parts[0].fileData.fileUri" },
    { SAYS(USER("{\"fileData\":{\"fileUri\":\"gs://a/b\"}}")),
      "unsupported_value", "contents[0].parts[0].fileData.fileUri" },
    { SAYS(USER("{\"file_data\":{\"file_uri\":\"https://a/b.pdf\","
                "\"mime_type\":\"application/pdf\"}}")),
      "unsupported_value", "contents[0].parts[0].fileData.fileUri" },
    { SAYS(USER("{\"fileData\":{\"fileUri\":\"https://a/b.png\"}}")),
      "unsupported_value", "contents[0].parts[0].fileData.fileUri" },
    { SAYS(USER("{\"executableCode\":{\"code\":1}}")), "invalid_type",
      "contents[0].parts[0]" },

    { SAYS(USER("{\"functionCall\":{\"name\":\"f\"}}")), "invalid_value",
      "contents[0].parts[0].functionCall" },
    { SAYS(MODEL("{\"functionResponse\":{\"name\":\"f\"}}")),
      "invalid_value", "contents[0].parts[0].functionResponse" },
    { SAYS(MODEL("{\"functionCall\":{}}")), "missing_required_parameter",
      "contents[0].parts[0].functionCall.name" },
    { SAYS(MODEL("{\"functionCall\":1}")), "missing_required_parameter",
      "contents[0].parts[0].functionCall.name" },
    { SAYS(MODEL("{\"functionCall\":{\"name\":\"\"}}")),
      "missing_required_parameter",
      "contents[0].parts[0].functionCall.name" },
    { SAYS(MODEL("{\"functionCall\":{\"name\":\"f\",\"args\":\"{}\"}}")),
      "invalid_type", "contents[0].parts[0].functionCall.args" },
    { SAYS(MODEL("{\"functionCall\":{\"name\":\"f\",\"id\":1}}")),
      "invalid_type", "contents[0].parts[0].functionCall.id" },
    { SAYS(USER("{\"functionResponse\":{}}")), "missing_required_parameter",
      "contents[0].parts[0].functionResponse.name" },
    { SAYS(USER("{\"functionResponse\":{\"name\":\"f\",\"response\":1}}")),
      "invalid_type", "contents[0].parts[0].functionResponse.response" },
    { SAYS(USER("{\"functionResponse\":{\"name\":\"f\",\"parts\":1}}")),
      "invalid_type", "contents[0].parts[0].functionResponse.parts" },
    { SAYS(USER("{\"functionResponse\":{\"name\":\"f\",\"parts\":[{}]}}")),
      "unsupported_value", "contents[0].parts[0].functionResponse.parts" },

    { WITH("\"systemInstruction\":\"a\""), "invalid_type",
      "systemInstruction" },
    { WITH("\"systemInstruction\":{\"parts\":\"a\"}"), "invalid_type",
      "systemInstruction.parts" },
    { WITH("\"systemInstruction\":{\"parts\":[{\"inlineData\":{}}]}"),
      "unsupported_value", "systemInstruction.parts" },
    { WITH("\"cachedContent\":\"cachedContents/a\""),
      "unsupported_parameter", "cachedContent" },

    { CONFIG("\"topK\":true"), "invalid_type", "generationConfig.topK" },
    { CONFIG("\"temperature\":\"warm\""), "invalid_type",
      "generationConfig.temperature" },
    { CONFIG("\"temperature\":\"[1]\""), "invalid_type",
      "generationConfig.temperature" },
    { CONFIG("\"candidateCount\":2"), "unsupported_parameter",
      "generationConfig.candidateCount" },
    { CONFIG("\"candidate_count\":\"3\""), "unsupported_parameter",
      "generationConfig.candidateCount" },
    { CONFIG("\"responseLogprobs\":true"), "unsupported_parameter",
      "generationConfig.responseLogprobs" },
    { CONFIG("\"responseLogprobs\":1"), "invalid_type",
      "generationConfig.responseLogprobs" },
    { CONFIG("\"responseModalities\":\"TEXT\""), "invalid_type",
      "generationConfig.responseModalities" },
    { CONFIG("\"responseModalities\":[\"TEXT\",\"IMAGE\"]"),
      "unsupported_value", "generationConfig.responseModalities" },
    { CONFIG("\"stopSequences\":\"a\""), "invalid_type",
      "generationConfig.stopSequences" },
    { CONFIG("\"stopSequences\":[\"a\",1]"), "invalid_type",
      "generationConfig.stopSequences" },
    { CONFIG("\"responseMimeType\":\"text/x.enum\""), "unsupported_value",
      "generationConfig.responseMimeType" },
    { CONFIG("\"responseMimeType\":1"), "invalid_type",
      "generationConfig.responseMimeType" },
    { CONFIG("\"responseSchema\":1"), "invalid_type",
      "generationConfig.responseSchema" },
    { CONFIG("\"thinkingConfig\":1"), "invalid_type",
      "generationConfig.thinkingConfig" },
    { CONFIG("\"thinkingConfig\":{\"thinkingBudget\":-2}"),
      "invalid_value", "generationConfig.thinkingConfig.thinkingBudget" },
    { CONFIG("\"thinkingConfig\":{\"thinkingBudget\":1.5}"),
      "invalid_value", "generationConfig.thinkingConfig.thinkingBudget" },
    { CONFIG("\"thinkingConfig\":{\"thinkingLevel\":\"HUGE\"}"),
      "invalid_value", "generationConfig.thinkingConfig.thinkingLevel" },
    { CONFIG("\"thinkingConfig\":{\"thinkingLevel\":\"LOW\","
             "\"thinkingBudget\":1}"), "invalid_value",
      "generationConfig.thinkingConfig" },
    { CONFIG("\"thinkingConfig\":{\"includeThoughts\":1}"), "invalid_type",
      "generationConfig.thinkingConfig.includeThoughts" },

    { WITH("\"tools\":1"), "invalid_type", "tools" },
    { WITH("\"tools\":[1]"), "invalid_type", "tools[0]" },
    { WITH("\"tools\":[{},{\"googleSearch\":{}}]"), "unsupported_value",
      "tools[1]" },
    { WITH("\"tools\":[{\"code_execution\":{}}]"), "unsupported_value",
      "tools[0]" },
    { WITH("\"tools\":{\"urlContext\":{}}"), "unsupported_value",
      "tools[0]" },
    { WITH("\"tools\":[{\"functionDeclarations\":[],\"new\":{}}]"),
      "unsupported_value", "tools[0]" },
    { WITH("\"tools\":[{\"functionDeclarations\":1}]"), "invalid_type",
      "tools[0].functionDeclarations" },
    { TOOLS("1"), "invalid_type", "tools[0].functionDeclarations[0]" },
    { TOOLS(F("f") ",{}"), "missing_required_parameter",
      "tools[0].functionDeclarations[1].name" },
    { TOOLS("{\"name\":1}"), "invalid_type",
      "tools[0].functionDeclarations[0].name" },
    { TOOLS("{\"name\":\"f\",\"description\":1}"), "invalid_type",
      "tools[0].functionDeclarations[0].description" },
    { TOOLS("{\"name\":\"f\",\"parameters\":1}"), "invalid_type",
      "tools[0].functionDeclarations[0].parameters" },
    { TOOLS("{\"name\":\"f\",\"parameters\":{},"
            "\"parametersJsonSchema\":{}}"), "invalid_value",
      "tools[0].functionDeclarations[0].parametersJsonSchema" },

    { WITH("\"toolConfig\":1"), "invalid_type", "toolConfig" },
    { WITH("\"toolConfig\":{\"functionCallingConfig\":1}"), "invalid_type",
      "toolConfig.functionCallingConfig" },
    { WITH("\"toolConfig\":{\"functionCallingConfig\":{\"mode\":1}}"),
      "invalid_type", "toolConfig.functionCallingConfig.mode" },
    { WITH("\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"A\"}}"),
      "invalid_value", "toolConfig.functionCallingConfig.mode" },
    { WITH("\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\"}}"),
      "invalid_value", "toolConfig.functionCallingConfig.mode" },
    { WITH("\"toolConfig\":{\"functionCallingConfig\":{"
           "\"allowedFunctionNames\":[\"f\"]}}"), "invalid_value",
      "toolConfig.functionCallingConfig.allowedFunctionNames" },
    { WITH("\"toolConfig\":{\"functionCallingConfig\":{"
           "\"allowedFunctionNames\":[1]}}"), "invalid_value",
      "toolConfig.functionCallingConfig.allowedFunctionNames" }
};


static void
test_wrongs(void)
{
    char            *p, *json;
    ngx_int_t        rc;
    ngx_uint_t       i;
    ngx_pool_t      *pool;
    argo_error_t     err;
    argo_request_t   req;

    for (i = 0; i < count(wrongs); i++) {
        pool = test_pool();

        rc = read_only(pool, wrongs[i].in, &req, &err);

        ok(rc == NGX_DECLINED && err.status == 400
           && front_is(&err.code, wrongs[i].code)
           && front_is(&err.param, wrongs[i].param) && err.message.len,
           "%s: %s", wrongs[i].param, wrongs[i].code);

        if (!front_is(&err.param, wrongs[i].param)
            || !front_is(&err.code, wrongs[i].code))
        {
            test_show("param", err.param.data, err.param.len);
            test_show("code", err.code.data, err.code.len);
        }

        ngx_destroy_pool(pool);
    }

    /* calls in a row are counted */

    json = malloc(600 * 40 + 200);
    if (json == NULL) {
        abort();
    }

    pool = test_pool();
    p = json + sprintf(json, "{\"contents\":[{\"role\":\"model\","
                             "\"parts\":[");

    for (i = 0; i < 513; i++) {
        p += sprintf(p, "%s{\"functionCall\":{\"name\":\"f\"}}",
                     i ? "," : "");
    }

    strcpy(p, "]}]}");

    rc = read_only(pool, json, &req, &err);

    ok(rc == NGX_DECLINED
       && front_is(&err.param, "contents[0].parts[512].functionCall"),
       "more than 512 calls in a row");

    ngx_destroy_pool(pool);
    free(json);
}


/* ---- parameters */

static void
tell_node(char *buf, const char *name, const argo_json_t *node)
{
    if (node) {
        word(buf, name, NULL, "=");
        word(buf, "", &node->raw, node->taken ? " " : "(untaken) ");
    }
}


static const char *
tell_values(const argo_request_t *req)
{
    const argo_tool_t    *tool;
    const argo_change_t  *change;

    static char  buf[MAX_WORDS];

    static const char  *choices[] = { "", "auto ", "none ", "any ", "one " };
    static const char  *formats[] = { "", "plain ", "json ", "schema " };
    static const char  *thinks[] = { "", "disabled ", "enabled ",
                                     "adaptive " };

    buf[0] = '\0';

    tell_node(buf, "max", req->max_output);
    tell_node(buf, "temperature", req->temperature);
    tell_node(buf, "top_p", req->top_p);
    tell_node(buf, "top_k", req->top_k);
    tell_node(buf, "stop", req->stop);
    tell_node(buf, "seed", req->seed);
    tell_node(buf, "presence", req->presence_penalty);
    tell_node(buf, "frequency", req->frequency_penalty);
    tell_node(buf, "effort", req->effort);

    word(buf, thinks[req->thinking.type], NULL, "");
    tell_node(buf, "budget", req->thinking.budget);
    tell_node(buf, "display", req->thinking.display);

    word(buf, formats[req->format.type], NULL, "");
    tell_node(buf, "name", req->format.name);
    tell_node(buf, "schema", req->format.schema);

    word(buf, choices[req->tool_choice], NULL, "");
    word(buf, "", req->tool_name.len ? &req->tool_name : NULL,
         req->tool_name.len ? " " : "");

    for (tool = req->tools; tool; tool = tool->next) {
        word(buf, "tool ", &tool->name, " ");

        if (tool->description) {
            word(buf, "", &tool->description->raw, " ");
        }

        if (tool->parameters) {
            word(buf, "", &tool->parameters->raw, " ");
        }
    }

    for (change = req->changes; change; change = change->next) {
        word(buf, "| ", &change->note, " ");
    }

    return buf;
}


#define NOWORD  " dropped: no word for it at ARGO "

#define TOOLED(t, c)                                                          \
    WITH("\"tools\":[{\"functionDeclarations\":[" t "]}],"                    \
         "\"toolConfig\":{\"functionCallingConfig\":{" c "}}")


static const pair_t  values[] = {

    { "nothing", SAYS(HI), "" },
    { "numbers",
      CONFIG("\"maxOutputTokens\":10,\"temperature\":0.50,\"topP\":1,"
             "\"topK\":64,\"seed\":7,\"presencePenalty\":0.1,"
             "\"frequencyPenalty\":-1"),
      "max=10 temperature=0.50 top_p=1 top_k=64 seed=7 presence=0.1 "
      "frequency=-1 " },
    { "in snake_case, in strings",
      "{\"contents\":[" HI "],\"generation_config\":{"
      "\"max_output_tokens\":\"10\",\"top_p\":\"0.5\",\"top_k\":null}}",
      "max=10 top_p=0.5 " },
    { "stop sequences", CONFIG("\"stopSequences\":[\"a\",\"b\\n\"]"),
      "stop=[\"a\",\"b\\n\"] " },
    { "none of them", CONFIG("\"stopSequences\":[]"), "" },
    { "what is as nothing",
      CONFIG("\"candidateCount\":1,\"responseLogprobs\":false,"
             "\"responseModalities\":[\"TEXT\"],"
             "\"responseMimeType\":\"text/plain\",\"thinkingConfig\":{}"),
      "" },
    { "what is dropped",
      CONFIG("\"mediaResolution\":\"LOW\",\"logprobs\":2"),
      "| mediaResolution" NOWORD "| logprobs" NOWORD },
    { "what is dropped of the request",
      WITH("\"safetySettings\":[{}],\"labels\":{},\"x\":1,"
           "\"cachedContent\":\"\""),
      "| safetySettings" NOWORD "| labels" NOWORD "| x" NOWORD },
    { "parts with more in them, told once",
      SAYS(USER("{\"text\":\"a\",\"videoMetadata\":{}},"
                "{\"text\":\"a\",\"videoMetadata\":{}}")),
      "| videoMetadata dropped: no place for it in a message " },
    { "thoughts, told once",
      SAYS(HI "," MODEL("{\"text\":\"a\",\"thought\":true},"
                        "{\"text\":\"a\",\"thought\":true},"
                        "{\"text\":\"b\"}")),
      "| thought: dropped: only signatures go back to the model " },

    { "JSON", CONFIG("\"responseMimeType\":\"application/json\""), "json " },
    { "a schema of Google's",
      CONFIG("\"responseMimeType\":\"application/json\","
             "\"responseSchema\":{\"type\":\"OBJECT\",\"nullable\":true}"),
      "schema name=\"response\" schema={\"type\":[\"object\",\"null\"]} " },
    { "a JSON schema",
      CONFIG("\"response_json_schema\":{\"type\":\"object\","
             "\"nullable\":true}"),
      "schema name=\"response\" schema={\"type\":\"object\","
      "\"nullable\":true} " },

    { "a budget",
      CONFIG("\"thinkingConfig\":{\"thinkingBudget\":8192}"),
      "enabled budget=8192 " },
    { "thoughts and a budget",
      CONFIG("\"thinkingConfig\":{\"includeThoughts\":true,"
             "\"thinkingBudget\":-1}"),
      "adaptive display=\"summarized\" " },
    { "no thoughts",
      CONFIG("\"thinkingConfig\":{\"includeThoughts\":false,"
             "\"thinkingBudget\":0}"), "disabled " },
    { "a level",
      CONFIG("\"thinkingConfig\":{\"thinkingLevel\":\"HIGH\"}"),
      "effort=\"high\" " },
    { "no level",
      CONFIG("\"thinkingConfig\":{\"thinkingLevel\":"
             "\"THINKING_LEVEL_UNSPECIFIED\",\"thinking_budget\":5}"),
      "enabled budget=5 " },

    { "tools",
      WITH("\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\","
           "\"description\":\"d\",\"parameters\":{\"type\":\"OBJECT\"}},"
           "{\"name\":\"g\",\"parametersJsonSchema\":{\"type\":\"object\"},"
           "\"response\":{}}]},{},{\"function_declarations\":[" F("h")
           "]}]"),
      "tool f \"d\" {\"type\":\"object\"} tool g {\"type\":\"object\"} "
      "tool h | response" NOWORD },
    { "tools, no list",
      WITH("\"tools\":{\"functionDeclarations\":" F("f") "}"), "tool f " },
    { "no tools", WITH("\"tools\":[{\"googleSearch\":null},{}]"), "" },

    { "any may be called", TOOLED(F("f"), "\"mode\":\"AUTO\""),
      "auto tool f " },
    { "none", TOOLED(F("f"), "\"mode\":\"none\""), "none tool f " },
    { "no mode", TOOLED(F("f"), "\"mode\":\"MODE_UNSPECIFIED\""),
      "tool f " },
    { "one must be", TOOLED(F("f"), "\"mode\":\"ANY\""), "any tool f " },
    { "validated", TOOLED(F("f"), "\"mode\":\"VALIDATED\""),
      "auto tool f | mode: VALIDATED is AUTO at ARGO " },
    { "this one must be",
      TOOLED(F("f") "," F("g"), "\"mode\":\"ANY\","
             "\"allowedFunctionNames\":[\"g\"]"), "one g tool g " },
    { "one of these must be",
      TOOLED(F("f") "," F("g") "," F("h"), "\"mode\":\"ANY\","
             "\"allowed_function_names\":[\"h\",\"f\"]"),
      "any tool f tool h " },
    { "one of these may be",
      TOOLED(F("f") "," F("g"), "\"mode\":\"VALIDATED\","
             "\"allowedFunctionNames\":[\"f\"]"),
      "auto tool f | mode: VALIDATED is AUTO at ARGO " },
    { "more of the same",
      WITH("\"toolConfig\":{\"retrievalConfig\":{},"
           "\"functionCallingConfig\":{\"x\":1}}"),
      "| retrievalConfig" NOWORD "| x" NOWORD }
};


static void
test_values(void)
{
    ngx_int_t        rc;
    ngx_str_t        got;
    ngx_uint_t       i;
    ngx_pool_t      *pool;
    argo_error_t     err;
    argo_request_t   req;

    for (i = 0; i < count(values); i++) {
        pool = test_pool();

        rc = read_only(pool, values[i].in, &req, &err);

        if (ok(rc == NGX_OK, "%s: read", values[i].name)) {
            got = front_str(tell_values(&req));
            is_str(&got, values[i].out, "%s", values[i].name);

        } else {
            test_show("error", err.message.data, err.message.len);
        }

        ngx_destroy_pool(pool);
    }
}


/* where images are fetched, a URL is one */

static void
test_fetch(void)
{
    ngx_int_t        rc;
    ngx_str_t        got;
    ngx_pool_t      *pool;
    argo_error_t     err;
    argo_request_t   req;

    static const char  json[] =
        SAYS(USER("{\"fileData\":{\"mimeType\":\"image/png\",\"fileUri\":"
                  "\"https://a/b.png\"}}"));

    pool = test_pool();

    memset(&req, 0, sizeof(argo_request_t));

    req.document = front_str(json);
    req.fetch_images = 1;

    rc = argo_json_parse(pool, &req.document, ARGO_GEMINI_TREE_DEPTH,
                         &req.root, &err);

    if (rc == NGX_OK) {
        rc = argo_gemini_read_request(pool, &req, &err);
    }

    got = front_str(rc == NGX_OK ? tell(&req) : "");

    is_str(&got, "user image(https://a/b.png)", "an image to be fetched");

    ok(rc == NGX_OK && req.messages->parts->remote
       && front_is(&req.messages->parts->param,
                   "contents[0].parts[0].fileData.fileUri"),
       "its place is known");

    ngx_destroy_pool(pool);
}


/* ---- schemas */

static const pair_t  schemas[] = {

    { "JSON schema is not touched",
      "{ \"type\" : \"object\",\"nullable\":true,\"properties\":{\"type\":"
      "{\"type\":\"string\"}}}", NULL },
    { "a boolean", "true", NULL },
    { "types",
      "{\"type\":\"OBJECT\",\"properties\":{\"type\":{\"type\":\"STRING\"},"
      "\"STRING\":{\"type\":\"Integer\",\"format\":\"int32\"}},"
      "\"required\":[\"type\"]}",
      "{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"string\"},"
      "\"STRING\":{\"type\":\"integer\",\"format\":\"int32\"}},"
      "\"required\":[\"type\"]}" },
    { "in arrays and lists",
      "{\"anyOf\":[{\"type\":\"ARRAY\",\"items\":{\"type\":\"NUMBER\"}},"
      "{\"type\":\"BOOLEAN\"}],\"additionalProperties\":{\"type\":\"NULL\"},"
      "\"not\":false}",
      "{\"anyOf\":[{\"type\":\"array\",\"items\":{\"type\":\"number\"}},"
      "{\"type\":\"boolean\"}],\"additionalProperties\":{\"type\":\"null\"},"
      "\"not\":false}" },
    { "a list of types", "{\"type\":[\"STRING\",\"null\"]}",
      "{\"type\":[\"string\",\"null\"]}" },
    { "no known type", "{\"type\":\"COLOUR\",\"items\":3}", NULL }
};


static const pair_t  openapi[] = {

    { "nullable", "{\"type\":\"STRING\",\"nullable\":true}",
      "{\"type\":[\"string\",\"null\"]}" },
    { "not nullable", "{\"nullable\":false,\"type\":\"string\"}",
      "{\"type\":\"string\"}" },
    { "nullable, of any type", "{\"nullable\":true}", "{}" },
    { "nullable, of given values",
      "{\"type\":\"STRING\",\"enum\":[\"a\"],\"nullable\":true}",
      "{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",null]}" },
    { "nullable, null is among the values",
      "{\"enum\":[\"a\",null],\"nullable\":true}",
      "{\"enum\":[\"a\",null]}" },
    { "nullable, one of several",
      "{\"any_of\":[{\"type\":\"STRING\"}],\"nullable\":true}",
      "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}" },
    { "nullable, one of several and of a type",
      "{\"type\":\"STRING\",\"anyOf\":[{}],\"nullable\":true}",
      "{\"type\":[\"string\",\"null\"],\"anyOf\":[{}]}" },
    { "what is not said",
      "{\"type\":\"TYPE_UNSPECIFIED\",\"propertyOrdering\":[\"a\"],"
      "\"description\":\"d\"}", "{\"description\":\"d\"}" },
    { "snake_case and numbers in strings",
      "{\"min_items\":\"1\",\"maxItems\":\"10\",\"minLength\":2,"
      "\"max_length\":\"x\",\"pattern\":\"1\",\"property_ordering\":[]}",
      "{\"minItems\":1,\"maxItems\":10,\"minLength\":2,"
      "\"maxLength\":\"x\",\"pattern\":\"1\"}" },
    { "properties of these names",
      "{\"properties\":{\"nullable\":{\"nullable\":true},\"min_items\":{}}}",
      "{\"properties\":{\"nullable\":{},\"min_items\":{}}}" },
    { "values are not looked into",
      "{\"enum\":[{\"type\":\"STRING\"}],\"default\":{\"nullable\":true}}",
      NULL }
};


static void
test_schema(const pair_t *test, ngx_uint_t google)
{
    ngx_int_t      rc;
    ngx_str_t      json;
    ngx_pool_t    *pool;
    argo_json_t   *root, *schema;
    argo_error_t   err;

    pool = test_pool();
    json = front_str(test->in);

    if (argo_json_parse(pool, &json, 1, &root, &err) != NGX_OK) {
        abort();
    }

    rc = argo_gemini_schema(pool, root, google, &schema, &err);

    if (rc != NGX_OK || test->out == NULL) {
        ok(rc == NGX_OK && schema == root, "%s", test->name);

    } else {
        is_str(&schema->raw, test->out, "%s", test->name);
    }

    ngx_destroy_pool(pool);
}


static void
test_schemas(void)
{
    ngx_uint_t  i;

    for (i = 0; i < count(schemas); i++) {
        test_schema(&schemas[i], 0);
    }

    for (i = 0; i < count(openapi); i++) {
        test_schema(&openapi[i], 1);
    }
}


/* ---- over ARGO's legacy API */

static void
test_upstream(void)
{
    ngx_str_t         got;
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    argo_json_t      *root;
    argo_error_t      err;
    front_request_t   r;

    static const char  *up[] = {
        "model", "\"gpt4o\"",
        "user", "\"jdoe\"",
        "messages.0.role", "\"system\"",
        "messages.0.content", "\"Be\"",
        "messages.1.content", "\"Hi\"",
        "messages.2.role", "\"assistant\"",
        "messages.2.tool_calls.0.id", "\"call_0\"",
        "messages.2.tool_calls.0.function.arguments",
            "\"{\\\"a\\\":\\\"\\\\\\\"\\\"}\"",
        "messages.3.role", "\"tool\"",
        "messages.3.tool_call_id", "\"call_0\"",
        "messages.3.content", "\"1\"",
        "messages.4.role", "\"user\"",
        "messages.4.content.0.image_url.url",
            "\"data:image/png;base64,QUJD\"",
        "max_tokens", "9",
        "temperature", "0.5",
        "response_format.json_schema.schema", "{\"type\":\"string\"}",
        "tools.0.function.name", "\"f\"",
        "tools.0.function.parameters", "{\"type\":\"object\"}"
    };

    static const char  json[] =
        "{\"model\":\"gpt-4o\",\"contents\":[" HI ","
        MODEL("{\"functionCall\":{\"name\":\"f\",\"args\":{\"a\":\"\\\"\"}}}")
        "," USER("{\"functionResponse\":{\"name\":\"f\","
                 "\"response\":{\"output\":\"1\"}}},"
                 "{\"inlineData\":{\"mimeType\":\"image/png\","
                 "\"data\":\"QUJD\"}}") "],"
        "\"systemInstruction\":{\"parts\":[" SAID("Be") "]},"
        "\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\","
        "\"parameters\":{\"type\":\"OBJECT\"}}]}],"
        "\"safetySettings\":[],\"generationConfig\":{\"temperature\":0.5,"
        "\"maxOutputTokens\":9,\"responseMimeType\":\"application/json\","
        "\"responseSchema\":{\"type\":\"STRING\"}}}";

    pool = test_pool();

    is(read_one(pool, json, &r), NGX_OK, "a request for the legacy API");

    if (argo_json_parse(pool, &r.body, 12, &root, &err) != NGX_OK) {
        abort();
    }

    for (i = 0; i < count(up); i += 2) {
        got = front_raw(root, up[i]);
        is_str(&got, up[i + 1], "goes up: %s", up[i]);
    }

    is(argo_json_get(root, "messages")->count, 5, "goes up: messages");
    is(root->count, 7, "and nothing else");

    ngx_destroy_pool(pool);

    pool = test_pool();

    ok(read_one(pool, SAYS(USER("{\"functionResponse\":{\"name\":\"f\"}}")),
                &r) == NGX_DECLINED
       && front_is(&r.err.param, "contents[0].parts[0].functionResponse"),
       "a result of no call is refused by its place");

    ngx_destroy_pool(pool);
}


/* ---- a reply put together again */

#define MAX_TEXT  65536


typedef struct {
    const char      *wrong;
    char             parts[MAX_TEXT];   /* each ends with a line feed */
    size_t           len;
    char             kind;              /* of the last of them */
    ngx_str_t        finish;
    ngx_str_t        usage;
    ngx_str_t        error;
    ngx_uint_t       frames;
} fold_t;


static void
fold_add(fold_t *fold, const char *s, size_t n)
{
    if (fold->len + n >= MAX_TEXT) {
        fold->wrong = "too much";
        return;
    }

    memcpy(fold->parts + fold->len, s, n);
    fold->len += n;
    fold->parts[fold->len] = '\0';
}


static void
fold_head(fold_t *fold, char kind, const ngx_str_t *signature)
{
    if (fold->kind == kind && kind != 'c' && signature->len == 0) {
        return;
    }

    if (fold->len) {
        fold_add(fold, "\n", 1);
    }

    fold->kind = kind;

    fold_add(fold, &kind, 1);
    fold_add(fold, "[", 1);
    fold_add(fold, (char *) signature->data, signature->len);
    fold_add(fold, "]", 1);
}


/* an empty text says nothing, unless it is all there is */

static void
fold_part(fold_t *fold, argo_json_t *part, ngx_uint_t last)
{
    ngx_str_t     text, signature;
    ngx_uint_t    thought;
    argo_json_t  *call;

    signature = argo_json_inner(argo_json_get(part, "thoughtSignature"));
    call = argo_json_get(part, "functionCall");
    thought = front_raw_is(part, "thought", "true");

    if (call) {

        if (argo_json_get(part, "text")
            || argo_json_inner(argo_json_get(call, "id")).len == 0
            || argo_json_inner(argo_json_get(call, "name")).len == 0
            || front_at(call, "args") == NULL
            || front_at(call, "args")->type != ARGO_JSON_OBJECT)
        {
            fold->wrong = "a call that is none";
            return;
        }

        fold_head(fold, 'c', &signature);
        fold_add(fold, (char *) call->raw.data, call->raw.len);

        return;
    }

    if (argo_json_get(part, "text") == NULL
        || argo_json_get(part, "text")->type != ARGO_JSON_STRING)
    {
        fold->wrong = "a part that is no text and no call";
        return;
    }

    if (thought && signature.len) {
        fold->wrong = "a thought with a signature";
        return;
    }

    text = argo_json_inner(argo_json_get(part, "text"));

    if (text.len == 0 && signature.len == 0
        && !(last && (fold->len == 0 || fold->kind == 'h')))
    {
        return;
    }

    fold_head(fold, thought ? 'h' : 't', &signature);
    fold_add(fold, (char *) text.data, text.len);
}


static void
fold_frame(fold_t *fold, argo_json_t *root)
{
    argo_json_t  *part;

    if (fold->finish.len || fold->error.len) {
        fold->wrong = "something behind the last";
        return;
    }

    fold->error = front_raw(root, "error");

    if (fold->error.len) {
        return;
    }

    fold->frames++;
    fold->finish = front_raw(root, "candidates.0.finishReason");
    fold->usage = front_raw(root, "usageMetadata");

    if (!front_raw_is(root, "candidates.0.index", "0")
        || !front_raw_is(root, "candidates.0.content.role", "\"model\"")
        || front_raw(root, "modelVersion").len < 3
        || !front_raw_is(root, "responseId", "\"" FRONT_ID "\"")
        || argo_json_get(root, "candidates")->count != 1
        || (fold->finish.len == 0) != (fold->usage.len == 0))
    {
        fold->wrong = "what all responses have";
        return;
    }

    part = front_at(root, "candidates.0.content.parts");

    if (part == NULL || part->count == 0) {
        fold->wrong = "no parts";
        return;
    }

    for (part = part->child; part && fold->wrong == NULL; part = part->next) {
        fold_part(fold, part, fold->finish.len && part->next == NULL);
    }
}


static void
fold_bytes(ngx_pool_t *pool, fold_t *fold, const argo_front_t *front,
    const ngx_str_t *bytes, ngx_uint_t stream)
{
    u_char         *p, *end;
    argo_json_t    *root, *item;
    argo_error_t    err;
    front_event_t   ev;

    memset(fold, 0, sizeof(fold_t));

    if (stream && front == &argo_gemini_front) {

        p = bytes->data;
        end = p + bytes->len;

        while (p < end && fold->wrong == NULL) {
            fold->wrong = front_event(pool, &p, end, &ev);

            if (fold->wrong == NULL && (ev.name.len || ev.root == NULL)) {
                fold->wrong = "a name, or [DONE]";
            }

            if (fold->wrong == NULL) {
                fold_frame(fold, ev.root);
            }
        }

        return;
    }

    if (argo_json_parse(pool, bytes, 20, &root, &err) != NGX_OK) {
        fold->wrong = "no JSON";
        return;
    }

    if (!stream) {
        fold_frame(fold, root);
        return;
    }

    if (root->type != ARGO_JSON_ARRAY) {
        fold->wrong = "no array";
        return;
    }

    for (item = root->child; item && fold->wrong == NULL; item = item->next) {
        fold_frame(fold, item);
    }
}


static ngx_uint_t
fold_same(const fold_t *a, const fold_t *b)
{
    return a->wrong == NULL && b->wrong == NULL && a->len == b->len
           && memcmp(a->parts, b->parts, a->len) == 0
           && front_same(&a->finish, &b->finish)
           && front_same(&a->usage, &b->usage)
           && front_same(&a->error, &b->error);
}


/* ---- what a back would say, said by the test */

static argo_event_t  *script;
static ngx_uint_t     nscript;


static ngx_int_t
script_read_response(argo_stream_t *st, const ngx_str_t *body)
{
    ngx_int_t      rc;
    ngx_uint_t     i;
    argo_event_t   ev;

    (void) body;

    memset(&ev, 0, sizeof(argo_event_t));
    ev.type = ARGO_EVENT_START;

    rc = argo_stream_emit(st, &ev);

    for (i = 0; i < nscript && rc == NGX_OK; i++) {
        ev = script[i];
        rc = argo_stream_emit(st, &ev);
    }

    return rc;
}


/* the same in a stream: a byte stands for an event */

static ngx_int_t
script_read_bytes(argo_stream_t *st, u_char *p, size_t n)
{
    ngx_int_t      rc;
    argo_event_t   ev;

    for (rc = NGX_OK; n && rc == NGX_OK; n--, p++) {

        if (*p == 'S') {
            memset(&ev, 0, sizeof(argo_event_t));
            ev.type = ARGO_EVENT_START;

        } else {
            ev = script[*p - '0'];
        }

        rc = argo_stream_emit(st, &ev);
    }

    return rc;
}


static ngx_int_t
script_read_end(argo_stream_t *st)
{
    (void) st;

    return NGX_OK;
}


static const argo_back_t  script_back = {
    ngx_string("script"), ARGO_DIALECT_LEGACY, NULL, NULL, NULL,
    script_read_response, script_read_bytes, NULL, script_read_end, NULL
};


#define TEXT(s)       { .type = ARGO_EVENT_TEXT, .text = ngx_string(s) }
#define REFUSAL(s)    { .type = ARGO_EVENT_REFUSAL, .text = ngx_string(s) }
#define THOUGHT(s)    { .type = ARGO_EVENT_REASONING, .text = ngx_string(s) }
#define SIGNED(s)     { .type = ARGO_EVENT_SIGNATURE, .text = ngx_string(s),  \
                        .vendor = ARGO_FAMILY_ANTHROPIC }
#define REDACTED(s)   { .type = ARGO_EVENT_SIGNATURE, .text = ngx_string(s),  \
                        .vendor = ARGO_FAMILY_ANTHROPIC, .redacted = 1 }
#define GOOGLE(s)     { .type = ARGO_EVENT_SIGNATURE, .text = ngx_string(s),  \
                        .vendor = ARGO_FAMILY_GOOGLE }
#define OPENAI(s)     { .type = ARGO_EVENT_SIGNATURE, .text = ngx_string(s),  \
                        .vendor = ARGO_FAMILY_OPENAI }
#define CALL(i, d, n) { .type = ARGO_EVENT_TOOL_START, .index = i,            \
                        .id = ngx_string(d), .name = ngx_string(n) }
#define SCALL(i, n, s)                                                        \
                      { .type = ARGO_EVENT_TOOL_START, .index = i,            \
                        .name = ngx_string(n), .signature = ngx_string(s) }
#define ARGS(i, s)    { .type = ARGO_EVENT_TOOL_ARGS, .index = i,             \
                        .text = ngx_string(s) }
#define EARGS(i, s)   { .type = ARGO_EVENT_TOOL_ARGS, .index = i,             \
                        .text = ngx_string(s), .escaped = 1 }
#define USED(p, c, h, w, r)                                                   \
                      { .type = ARGO_EVENT_USAGE,                             \
                        .usage = { .prompt = p, .completion = c, .cached = h, \
                                   .cache_write = w, .reasoning = r } }
#define FINISH(f)     { .type = ARGO_EVENT_FINISH, .finish = f }
#define STOP          FINISH(ARGO_FINISH_STOP)

#define MAX_EVENTS    12


typedef struct {
    const char      *name;
    argo_event_t     events[MAX_EVENTS];
    ngx_uint_t       n;
    const char      *parts;             /* with thoughts asked for */
    const char      *finish;
    const char      *usage;
} script_t;


#define NONE  "\"usageMetadata\""

#define SEAL_A  "YW50aHJvcGljOlt7InRoaW5raW5nIjoiYVxuYiIsInNpZ25hdHVyZSI6IlMx" \
                "In1d"
#define SEAL_AB "YW50aHJvcGljOlt7InRoaW5raW5nIjoiYSIsInNpZ25hdHVyZSI6IlMxIn0s" \
                "eyJkYXRhIjoiRDEifV0="
#define SEAL_B  "YW50aHJvcGljOlt7InRoaW5raW5nIjoiYiIsInNpZ25hdHVyZSI6IlMyIn1d"

#define CALLED(d, n, a)  "{\"id\":\"" d "\",\"name\":\"" n "\",\"args\":" a "}"
#define OWN(i)           "call_" FRONT_ID "_" i


static script_t  scripts[] = {

    { "text", { TEXT("a\n"), TEXT("\"b"), USED(10, 5, 0, 0, 0), STOP }, 4,
      "t[]a\\n\\\"b", "STOP",
      "{\"promptTokenCount\":10,\"candidatesTokenCount\":5,"
      "\"totalTokenCount\":15}" },
    { "nothing", { STOP }, 1, "t[]", "STOP", NULL },
    { "all of the usage",
      { TEXT("a"), USED(100, 50, 60, 10, 20), STOP }, 3, "t[]a", "STOP",
      "{\"promptTokenCount\":100,\"cachedContentTokenCount\":60,"
      "\"candidatesTokenCount\":30,\"thoughtsTokenCount\":20,"
      "\"totalTokenCount\":150}" },
    { "more thoughts than tokens",
      { TEXT("a"), USED(1, 2, 0, 0, 3), STOP }, 3, "t[]a", "STOP",
      "{\"promptTokenCount\":1,\"candidatesTokenCount\":0,"
      "\"thoughtsTokenCount\":2,\"totalTokenCount\":3}" },

    { "the limit", { TEXT("a"), FINISH(ARGO_FINISH_LENGTH) }, 2, "t[]a",
      "MAX_TOKENS", NULL },
    { "the window", { TEXT("a"), FINISH(ARGO_FINISH_CONTEXT) }, 2, "t[]a",
      "MAX_TOKENS", NULL },
    { "a filter", { TEXT("a"), FINISH(ARGO_FINISH_CONTENT_FILTER) }, 2,
      "t[]a", "SAFETY", NULL },
    { "a stop sequence", { TEXT("a"), FINISH(ARGO_FINISH_STOP_SEQUENCE) }, 2,
      "t[]a", "STOP", NULL },
    { "a pause", { TEXT("a"), FINISH(ARGO_FINISH_PAUSE) }, 2, "t[]a",
      "STOP", NULL },
    { "a refusal is what the model says",
      { TEXT("a"), REFUSAL("No."), STOP }, 3, "t[]aNo.", "STOP", NULL },

    { "a call",
      { CALL(0, "c1", "f"), ARGS(0, "{\"a\":"), ARGS(0, "\"\\n\"}"),
        FINISH(ARGO_FINISH_TOOL_CALLS) }, 4,
      "c[]" CALLED("c1", "f", "{\"a\":\"\\n\"}"), "STOP", NULL },
    { "without arguments, without an id",
      { TEXT("a"), CALL(0, "", "f"), FINISH(ARGO_FINISH_TOOL_CALLS) }, 3,
      "t[]a\nc[]" CALLED(OWN("0"), "f", "{}"), "STOP", NULL },
    { "calls, and text after them",
      { CALL(0, "", "f"), EARGS(0, "{\\\"a\\\":\\\"\\\\ud8"),
        EARGS(0, "3d\\\\ude00\\\"}"), CALL(1, "", "g"), ARGS(1, " { } "),
        TEXT("b"), STOP }, 7,
      "c[]" CALLED(OWN("0"), "f", "{\"a\":\"\\ud83d\\ude00\"}")
      "\nc[]" CALLED(OWN("1"), "g", "{ }") "\nt[]b", "STOP", NULL },
    { "a line feed between arguments",
      { CALL(0, "c", "f"), ARGS(0, "{\n\"a\":\r\n1}\n"), STOP }, 3,
      "c[]" CALLED("c", "f", "{\"a\":1}"), "STOP", NULL },
    { "calls that Google signed",
      { SCALL(0, "f", "c2ln"), ARGS(0, "{}"), CALL(1, "c", "g"), STOP }, 4,
      "c[c2ln]" CALLED(OWN("0"), "f", "{}") "\nc[]" CALLED("c", "g", "{}"),
      "STOP", NULL },
    { "text that Google signed",
      { TEXT("a"), GOOGLE("c2ln"), STOP }, 3, "t[]a\nt[c2ln]", "STOP",
      NULL },

    { "thoughts", { THOUGHT("a"), THOUGHT("b"), TEXT("c"), STOP }, 4,
      "h[]ab\nt[]c", "STOP", NULL },
    { "thoughts and nothing else",
      { THOUGHT("a"), FINISH(ARGO_FINISH_LENGTH) }, 2, "h[]a\nt[]",
      "MAX_TOKENS", NULL },
    { "thoughts that are signed go with the text",
      { THOUGHT("a\n"), THOUGHT("b"), SIGNED("S1"), TEXT("c"), TEXT("d"),
        STOP }, 6, "h[]a\\nb\nt[" SEAL_A "]cd", "STOP", NULL },
    { "and with a call, with what nobody can read",
      { THOUGHT("a"), SIGNED("S1"), REDACTED("D1"), CALL(0, "c", "f"),
        ARGS(0, "{}"), STOP }, 6,
      "h[]a\nc[" SEAL_AB "]" CALLED("c", "f", "{}"), "STOP", NULL },
    { "and with the end",
      { THOUGHT("b"), SIGNED("S2"), FINISH(ARGO_FINISH_LENGTH) }, 3,
      "h[]b\nt[" SEAL_B "]", "MAX_TOKENS", NULL },
    { "between texts",
      { TEXT("x"), THOUGHT("b"), SIGNED("S2"), TEXT("y"), STOP }, 5,
      "t[]x\nh[]b\nt[" SEAL_B "]y", "STOP", NULL },
    { "what was not signed is no part of what is",
      { THOUGHT("a"), TEXT("x"), THOUGHT("b"), SIGNED("S2"),
        CALL(0, "c", "f"), STOP }, 6,
      "h[]a\nt[]x\nh[]b\nc[" SEAL_B "]" CALLED("c", "f", "{}"), "STOP",
      NULL },
    { "another vendor's is left out",
      { THOUGHT("a"), OPENAI("S1"), TEXT("x"), STOP }, 4, "h[]a\nt[]x",
      "STOP", NULL }
};


static const char  claude[] =
    "{\"model\":\"claude-sonnet-4.5\",\"contents\":[" HI "],"
    "\"generationConfig\":{\"thinkingConfig\":{\"includeThoughts\":true}}}";

static const char  quiet[] =
    "{\"model\":\"claude-sonnet-4.5\",\"contents\":[" HI "]}";


static void
read_request(ngx_pool_t *pool, const char *json, front_request_t *r)
{
    if (read_one(pool, json, r) != NGX_OK) {
        test_show("request", r->err.message.data, r->err.message.len);
        abort();
    }
}


static ngx_int_t
run_body(ngx_pool_t *pool, front_reply_t *reply, const argo_front_t *front,
    const argo_back_t *back, argo_request_t *req, ngx_str_t *body,
    ngx_uint_t stream)
{
    if (front_begin(pool, reply, front, back, req, stream) != NGX_OK) {
        return reply->rc;
    }

    reply->rc = argo_stream_body(&reply->st, body, &reply->out);

    return (reply->rc == NGX_ERROR) ? NGX_ERROR : front_end(pool, reply);
}


static void
test_script(script_t *test)
{
    fold_t            folds[3];
    ngx_str_t         body, parts;
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    pool = test_pool();
    body = front_str("x");

    read_request(pool, claude, &r);

    script = test->events;
    nscript = test->n;

    for (i = 0; i < 3; i++) {
        const argo_front_t  *front;

        front = (i == 2) ? &argo_gemini_array_front : &argo_gemini_front;

        ok(run_body(pool, &reply, front, &script_back, &r.req, &body, i != 0)
           == NGX_OK, "%s: %s", test->name,
           i == 0 ? "unary" : i == 1 ? "a stream" : "an array");

        fold_bytes(pool, &folds[i], front, &reply.bytes, i != 0);

        if (folds[i].wrong) {
            ok(0, "%s: %s", test->name, folds[i].wrong);
            test_show("bytes", reply.bytes.data, reply.bytes.len);
        }
    }

    parts.data = (u_char *) folds[0].parts;
    parts.len = folds[0].len;

    is_str(&parts, test->parts, "%s: its parts", test->name);

    parts.data = (u_char *) folds[1].parts;
    parts.len = folds[1].len;

    is_str(&parts, test->parts, "%s: those of the stream", test->name);

    ok(fold_same(&folds[0], &folds[1]) && fold_same(&folds[1], &folds[2]),
       "%s: all three are the same", test->name);

    ok(folds[0].finish.len == strlen(test->finish) + 2
       && memcmp(folds[0].finish.data + 1, test->finish,
                 strlen(test->finish)) == 0, "%s: its end", test->name);

    if (test->usage) {
        is_str(&folds[0].usage, test->usage, "%s: its usage", test->name);
    }

    /* without thoughts, what is signed is still there */

    read_request(pool, quiet, &r);

    run_body(pool, &reply, &argo_gemini_front, &script_back, &r.req, &body,
             0);
    fold_bytes(pool, &folds[0], &argo_gemini_front, &reply.bytes, 0);

    run_body(pool, &reply, &argo_gemini_front, &script_back, &r.req, &body,
             1);
    fold_bytes(pool, &folds[1], &argo_gemini_front, &reply.bytes, 1);

    ok(fold_same(&folds[0], &folds[1])
       && strstr(folds[0].parts, "h[") == NULL
       && (strstr(test->parts, "[YW50") == NULL)
          == (strstr(folds[0].parts, "[YW50") == NULL),
       "%s: without thoughts", test->name);

    ngx_destroy_pool(pool);
}


#define TAIL                                                                  \
    "],\"role\":\"model\"},\"index\":0}],\"modelVersion\":"                   \
    "\"claude-sonnet-4.5\",\"responseId\":\"" FRONT_ID "\"}"
#define PIECE(s)  "{\"candidates\":[{\"content\":{\"parts\":[" s TAIL
#define LAST                                                                  \
    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],"             \
    "\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],"            \
    "\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":2,"   \
    "\"totalTokenCount\":5},\"modelVersion\":\"claude-sonnet-4.5\","          \
    "\"responseId\":\"" FRONT_ID "\"}"


/* to the byte */

static void
test_bytes(void)
{
    ngx_str_t         body;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    static argo_event_t  events[] = {
        TEXT("a"), CALL(0, "c", "f"), ARGS(0, "{\"x\":1}"),
        USED(3, 2, 0, 0, 0), STOP
    };

    pool = test_pool();
    body = front_str("x");

    read_request(pool, quiet, &r);

    script = events;
    nscript = count(events);

    run_body(pool, &reply, &argo_gemini_front, &script_back, &r.req, &body,
             1);
    is_str(&reply.bytes,
           "data: " PIECE("{\"text\":\"a\"}") "\n\n"
           "data: " PIECE("{\"functionCall\":{\"id\":\"c\",\"name\":\"f\","
                          "\"args\":{\"x\":1}}}") "\n\n"
           "data: " LAST "\n\n", "a stream");

    run_body(pool, &reply, &argo_gemini_array_front, &script_back, &r.req,
             &body, 1);
    is_str(&reply.bytes,
           "[" PIECE("{\"text\":\"a\"}") "\n,\r\n"
           PIECE("{\"functionCall\":{\"id\":\"c\",\"name\":\"f\","
                 "\"args\":{\"x\":1}}}") "\n,\r\n" LAST "\n]", "an array");

    run_body(pool, &reply, &argo_gemini_array_front, &script_back, &r.req,
             &body, 0);
    is_str(&reply.bytes,
           "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"},"
           "{\"functionCall\":{\"id\":\"c\",\"name\":\"f\",\"args\":"
           "{\"x\":1}}}],\"role\":\"model\"},\"finishReason\":\"STOP\","
           "\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":3,"
           "\"candidatesTokenCount\":2,\"totalTokenCount\":5},"
           "\"modelVersion\":\"claude-sonnet-4.5\",\"responseId\":\""
           FRONT_ID "\"}", "a unary reply");

    ngx_destroy_pool(pool);
}


/* ---- what a model thought, there and back */

static void
test_round_trip(void)
{
    int               n;
    char              json[4096];
    ngx_str_t         body, got;
    ngx_pool_t       *pool;
    argo_json_t      *root;
    argo_error_t      err;
    front_reply_t     reply;
    argo_request_t    req;
    front_request_t   r;

    static argo_event_t  events[] = {
        { .type = ARGO_EVENT_REASONING, .escaped = 1,
          .text = ngx_string("a\\u00e9\\/\\n\\\"?") },
        { .type = ARGO_EVENT_REASONING, .escaped = 1,
          .text = ngx_string("\xc3\xa9>>") },
        { .type = ARGO_EVENT_SIGNATURE, .escaped = 1,
          .vendor = ARGO_FAMILY_ANTHROPIC,
          .text = ngx_string("EqQ+/\\u003d=") },
        REDACTED("RRR=="),
        CALL(0, "toolu_1", "f"), ARGS(0, "{\"a\":1}"),
        FINISH(ARGO_FINISH_TOOL_CALLS)
    };

    pool = test_pool();
    body = front_str("x");

    read_request(pool, quiet, &r);

    script = events;
    nscript = count(events);

    run_body(pool, &reply, &argo_gemini_front, &script_back, &r.req, &body,
             0);

    if (argo_json_parse(pool, &reply.bytes, 6, &root, &err) != NGX_OK) {
        abort();
    }

    got = front_raw(root, "candidates.0.content");

    n = snprintf(json, sizeof(json), "{\"contents\":[" HI ",%.*s,"
                 USER("{\"functionResponse\":{\"name\":\"f\","
                      "\"id\":\"toolu_1\"}}") "]}",
                 (int) got.len, got.data);

    ok(n > 0 && n < (int) sizeof(json)
       && read_only(pool, json, &req, &err) == NGX_OK,
       "a reply as the history of the next request");

    got = front_str(tell(&req));

    is_str(&got,
           "user! text(Hi); assistant thought(a\\u00e9\\/\\n\\\"?\xc3\xa9>>"
           " signed EqQ+/\\u003d=)thought( redacted RRR==)"
           "call(toolu_1 f {\"a\":1}); tool result(toolu_1 f text()!)",
           "what Claude thought comes back to the byte");

    ngx_destroy_pool(pool);
}


/* ---- failures */

typedef struct {
    ngx_uint_t    status;
    const char   *code;
    const char   *param;
    const char   *out;
} failure_t;


static const failure_t  errors[] = {
    { 400, "invalid_type", "contents[0]",
      "{\"error\":{\"code\":400,\"message\":\"a \\\"b\\\"\",\"status\":"
      "\"INVALID_ARGUMENT\",\"details\":[{\"@type\":\"type.googleapis.com/"
      "google.rpc.ErrorInfo\",\"reason\":\"INVALID_TYPE\",\"domain\":"
      "\"argo\"},{\"@type\":\"type.googleapis.com/google.rpc.BadRequest\","
      "\"fieldViolations\":[{\"field\":\"contents[0]\",\"description\":"
      "\"a \\\"b\\\"\"}]}]}}" },
    { 401, NULL, NULL, "{\"error\":{\"code\":401,\"message\":\"a \\\"b\\\"\","
      "\"status\":\"UNAUTHENTICATED\"}}" },
    { 429, "rate-limit.exceeded", NULL,
      "{\"error\":{\"code\":429,\"message\":\"a \\\"b\\\"\",\"status\":"
      "\"RESOURCE_EXHAUSTED\",\"details\":[{\"@type\":\"type.googleapis.com/"
      "google.rpc.ErrorInfo\",\"reason\":\"RATE_LIMIT_EXCEEDED\",\"domain\":"
      "\"argo\"}]}}" },
    { 200, NULL, NULL, "{\"error\":{\"code\":500,\"message\":\"a \\\"b\\\"\","
      "\"status\":\"INTERNAL\"}}" }
};


static void
test_errors(void)
{
    ngx_str_t      s;
    ngx_uint_t     i;
    argo_out_t     out;
    ngx_pool_t    *pool;
    argo_error_t   err;

    static const struct {
        ngx_uint_t   status;
        const char  *name;
    } names[] = {
        { 400, "INVALID_ARGUMENT" }, { 401, "UNAUTHENTICATED" },
        { 403, "PERMISSION_DENIED" }, { 404, "NOT_FOUND" },
        { 405, "UNIMPLEMENTED" }, { 408, "DEADLINE_EXCEEDED" },
        { 413, "INVALID_ARGUMENT" }, { 418, "INVALID_ARGUMENT" },
        { 422, "INVALID_ARGUMENT" }, { 429, "RESOURCE_EXHAUSTED" },
        { 500, "INTERNAL" }, { 502, "UNAVAILABLE" }, { 503, "UNAVAILABLE" },
        { 504, "DEADLINE_EXCEEDED" }, { 529, "UNAVAILABLE" },
        { 599, "INTERNAL" }
    };

    for (i = 0; i < count(names); i++) {
        ok(strcmp(argo_gemini_status(names[i].status), names[i].name) == 0,
           "%d is %s", (int) names[i].status, names[i].name);
    }

    pool = test_pool();

    for (i = 0; i < count(errors); i++) {
        memset(&err, 0, sizeof(argo_error_t));

        argo_error_set(&err, errors[i].status, errors[i].code,
                       errors[i].param, "a \"b\"");

        argo_out_init(&out, pool, 512, NULL, 1);
        argo_gemini_front.write_error(&err, &out);
        argo_out_flatten(&out, pool, &s);

        is_str(&s, errors[i].out, "an error of %d", (int) errors[i].status);
    }

    ngx_str_set(&err.request_id, "req\"1");

    argo_out_init(&out, pool, 512, NULL, 1);
    argo_gemini_array_front.write_error(&err, &out);
    argo_out_flatten(&out, pool, &s);

    is_str(&s, "{\"error\":{\"code\":500,\"message\":\"a \\\"b\\\"\","
               "\"status\":\"INTERNAL\",\"details\":[{\"@type\":"
               "\"type.googleapis.com/google.rpc.RequestInfo\","
               "\"requestId\":\"req\\\"1\"}]}}", "the id of a request");

    ngx_destroy_pool(pool);
}


/* Events by their numbers, then the end, or an error in place of it. */

static ngx_int_t
run_events(ngx_pool_t *pool, front_reply_t *reply, const argo_front_t *front,
    argo_request_t *req, const char *events, ngx_uint_t open)
{
    argo_error_t  err;

    memset(&err, 0, sizeof(argo_error_t));
    argo_error_set(&err, 504, "upstream_timeout", NULL, "late");

    front_begin(pool, reply, front, &script_back, req, 1);

    reply->st.open = open ? 1 : 0;

    front_push(reply, (u_char *) events, strlen(events));

    if (reply->rc == NGX_OK) {
        reply->rc = argo_stream_fail(&reply->st, &err, &reply->out);
    }

    argo_out_flatten(&reply->out, pool, &reply->bytes);

    return reply->rc;
}


#define FAILED                                                                \
    "{\"error\":{\"code\":504,\"message\":\"late\",\"status\":"               \
    "\"DEADLINE_EXCEEDED\",\"details\":[{\"@type\":\"type.googleapis.com/"    \
    "google.rpc.ErrorInfo\",\"reason\":\"UPSTREAM_TIMEOUT\",\"domain\":"      \
    "\"argo\"}]}}"


static void
test_failures(void)
{
    fold_t            fold;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    static argo_event_t  events[] = {
        TEXT("Hello"), THOUGHT("b"), CALL(0, "c", "f"), ARGS(0, "{\"x\""),
        CALL(1, "d", "g"), ARGS(0, "[]"), STOP
    };

    pool = test_pool();
    read_request(pool, quiet, &r);
    script = events;

    is(run_events(pool, &reply, &argo_gemini_front, &r.req, "S0", 0),
       NGX_DECLINED, "a failure in the middle");
    is_str(&reply.bytes, "data: " PIECE("{\"text\":\"Hello\"}") "\n\n"
           "data: " FAILED "\n\n", "is the last event");

    run_events(pool, &reply, &argo_gemini_array_front, &r.req, "S0", 0);
    is_str(&reply.bytes, "[" PIECE("{\"text\":\"Hello\"}") "\n,\r\n" FAILED
           "\n]", "is the last of an array");

    fold_bytes(pool, &fold, &argo_gemini_array_front, &reply.bytes, 1);
    ok(fold.wrong == NULL && fold.error.len, "which is still JSON");

    run_events(pool, &reply, &argo_gemini_front, &r.req, "S", 1);
    is_str(&reply.bytes, "data: " FAILED "\n\n",
           "behind a response header, as the only event");

    run_events(pool, &reply, &argo_gemini_array_front, &r.req, "S", 1);
    is_str(&reply.bytes, "[" FAILED "\n]",
           "behind a response header, alone in an array");

    is(run_events(pool, &reply, &argo_gemini_front, &r.req, "S", 0),
       NGX_DECLINED, "a failure at the start");
    ok(reply.bytes.len == 0 && !reply.st.started, "is one of HTTP's");

    is(run_events(pool, &reply, &argo_gemini_front, &r.req, "S123", 0),
       NGX_DECLINED, "a failure behind thoughts and a call, all kept back");
    ok(reply.bytes.len == 0 && !reply.st.started, "is one of HTTP's, too");

    is(run_events(pool, &reply, &argo_gemini_front, &r.req, "S234", 0),
       NGX_DECLINED, "arguments that are cut");
    ok(reply.bytes.len == 0 && reply.st.error.status == 502
       && front_is(&reply.st.error.code, "upstream_invalid_reply"),
       "are upstream's failure");

    is(run_events(pool, &reply, &argo_gemini_array_front, &r.req, "S0256", 0),
       NGX_DECLINED, "arguments that are no object");
    fold_bytes(pool, &fold, &argo_gemini_array_front, &reply.bytes, 1);
    ok(fold.wrong == NULL && fold.error.len && fold.finish.len == 0,
       "are told in the array");

    ngx_destroy_pool(pool);
}


static void
test_too_long(void)
{
    ngx_str_t         body;
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    static argo_event_t  events[] = {
        CALL(0, "c", "f"), ARGS(0, ""), ARGS(0, ""), ARGS(0, ""), STOP
    };

    pool = test_pool();
    read_request(pool, quiet, &r);

    body.len = ARGO_STREAM_MAX_TEXT / 3 + 1;
    body.data = malloc(body.len);
    if (body.data == NULL) {
        abort();
    }

    memset(body.data, ' ', body.len);

    for (i = 1; i <= 3; i++) {
        events[i].text = body;
    }

    script = events;
    nscript = count(events);

    ok(run_body(pool, &reply, &argo_gemini_front, &script_back, &r.req, &body,
                0) == NGX_DECLINED
       && front_is(&reply.st.error.code, "upstream_invalid_reply"),
       "arguments that are too long");

    free(body.data);
    ngx_destroy_pool(pool);
}


/* ---- what ARGO says, cut at each byte */

static ngx_uint_t
feed(ngx_pool_t *pool, front_reply_t *reply, const argo_front_t *front,
    const argo_back_t *back, argo_request_t *req, const ngx_str_t *text,
    size_t cut, ngx_uint_t complete, ngx_uint_t stream)
{
    if (front_begin(pool, reply, front, back, req, stream) != NGX_OK) {
        return NGX_ERROR;
    }

    (void) front_feed(reply, text, cut, complete);

    return argo_out_flatten(&reply->out, pool, &reply->bytes) == NGX_OK;
}


static void
test_cuts(const char *name, const char *json, const argo_back_t *back,
    const ngx_str_t *text, ngx_uint_t ends)
{
    size_t            cut, bad, step;
    fold_t            unary, whole, fold;
    ngx_uint_t        i;
    ngx_pool_t       *pool, *one;
    front_reply_t     reply;
    front_request_t   r;

    static const argo_front_t  *fronts[] = {
        &argo_gemini_front, &argo_gemini_array_front
    };

    pool = test_pool();
    read_request(pool, json, &r);

    feed(pool, &reply, fronts[0], back, &r.req, text, WHOLE, 1, 0);
    fold_bytes(pool, &unary, fronts[0], &reply.bytes, 0);

    ok(reply.rc == NGX_OK && unary.wrong == NULL && unary.finish.len,
       "%s: unary%s%s", name, unary.wrong ? ": " : "",
       unary.wrong ? unary.wrong : "");

    for (i = 0; i < 2; i++) {

        feed(pool, &reply, fronts[i], back, &r.req, text, WHOLE, 1, 1);
        fold_bytes(pool, &whole, fronts[i], &reply.bytes, 1);

        ok(reply.rc == NGX_OK && fold_same(&whole, &unary),
           "%s: %s", name, i ? "an array" : "a stream");

        bad = 0;
        step = text->len / 400 + 1;

        for (cut = 0; cut <= text->len; cut += step) {
            one = test_pool();

            feed(one, &reply, fronts[i], back, &r.req, text,
                 cut ? cut : BYTES, 1, 1);
            fold_bytes(one, &fold, fronts[i], &reply.bytes, 1);

            bad += (reply.rc != NGX_OK || !fold_same(&fold, &unary));

            ngx_destroy_pool(one);
        }

        is(bad, 0, "%s: cut in two, and at each byte", name);

        bad = 0;

        for (cut = 0; ends && cut < ends; cut += step) {
            ngx_str_t  part;

            one = test_pool();
            part.data = text->data;
            part.len = cut;

            feed(one, &reply, fronts[i], back, &r.req, &part, WHOLE, 0, 1);

            if (reply.bytes.len == 0) {
                bad += (reply.rc != NGX_DECLINED || reply.st.started);

            } else {
                fold_bytes(one, &fold, fronts[i], &reply.bytes, 1);

                bad += (reply.rc != NGX_DECLINED || fold.wrong
                        || fold.error.len == 0 || fold.finish.len);
            }

            ngx_destroy_pool(one);
        }

        if (ends) {
            is(bad, 0, "%s: cut short", name);
        }
    }

    ngx_destroy_pool(pool);
}


static void
test_recorded(void)
{
    size_t        len;
    ngx_str_t     text;
    ngx_uint_t    i;
    ngx_pool_t   *pool;

    static const struct {
        const char          *name;
        const char          *json;
        const argo_back_t   *back;
        const char          *end;       /* what comes before can't be all */
    } files[] = {
        { "argo-chat-stream-text.sse", CONFIG(""), &argo_openai_chat_back,
          "\"finish_reason\":\"stop\"" },
        { "argo-chat-stream-tool-call.sse", TOOLS(F("get_weather")),
          &argo_openai_chat_back, "\"finish_reason\":\"tool_calls\"" },
        { "openai-chat-stream-text.sse", CONFIG(""), &argo_openai_chat_back,
          NULL },
        { "openai-chat-stream-tool-call.sse", TOOLS(F("get_weather")),
          &argo_openai_chat_back, NULL },
        { "argo-messages-stream-text.sse", claude, &argo_anthropic_back,
          NULL },
        { "argo-messages-stream-tool-call.sse", claude,
          &argo_anthropic_back, NULL },
        { "anthropic-thinking.sse", claude, &argo_anthropic_back, NULL },
        { "anthropic-tool.sse", quiet, &argo_anthropic_back, NULL }
    };

    for (i = 0; i < count(files); i++) {
        pool = test_pool();
        text = front_file(pool, files[i].name);

        /* reading stops at a NUL, which there is room for */

        len = 0;

        if (files[i].back == &argo_anthropic_back) {
            while (len < text.len - 14
                   && memcmp(text.data + len, "event: message_stop", 19))
            {
                len++;
            }

            /* a delta with the reason may already be enough */

            while (len && memcmp(text.data + len, "event: message_delta",
                                 20))
            {
                len--;
            }
        }

        test_cuts(files[i].name, files[i].json, files[i].back, &text, len);

        ngx_destroy_pool(pool);
    }
}


static void
test_legacy(void)
{
    ngx_str_t         text;
    fold_t            fold;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    text = front_str("Hello \"you\" \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n");
    test_cuts("legacy text", SAYS(HI), &argo_legacy_back, &text, text.len);

    text = front_str("");
    test_cuts("no legacy text", SAYS(HI), &argo_legacy_back, &text, 0);

    pool = test_pool();
    read_request(pool, TOOLS(F("f")), &r);

    text = front_str("{\"response\":{\"content\":\"a\",\"tool_calls\":["
                     "{\"id\":\"c1\",\"type\":\"function\",\"function\":"
                     "{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}}]}}");

    run_body(pool, &reply, &argo_gemini_front, &argo_legacy_back, &r.req,
             &text, 1);
    fold_bytes(pool, &fold, &argo_gemini_front, &reply.bytes, 1);

    ok(fold.wrong == NULL
       && strcmp(fold.parts, "t[]a\nc[]" CALLED("c1", "f", "{\"x\":1}")) == 0,
       "a call of the legacy API");

    ngx_destroy_pool(pool);
}


/* ---- memory */

static ngx_int_t
all_of_it(ngx_pool_t *pool, const argo_front_t *front, const char *json,
    ngx_uint_t stream)
{
    ngx_int_t         rc;
    ngx_str_t         body;
    front_reply_t     reply;
    front_request_t   r;

    rc = read_one(pool, json, &r);
    if (rc != NGX_OK) {
        return rc;
    }

    body = front_str("x");

    return run_body(pool, &reply, front, &script_back, &r.req, &body,
                    stream);
}


static void
test_memory(void)
{
    ngx_int_t     rc;
    ngx_uint_t    i, j, bad;
    ngx_pool_t   *pool;

    static argo_event_t  events[] = {
        THOUGHT("a"), SIGNED("S"), REDACTED("D"), TEXT("b"),
        CALL(0, "c", "f"), ARGS(0, "{}"), CALL(1, "", "g"),
        GOOGLE("c2ln"), STOP
    };

    static const char  json[] =
        "{\"model\":\"claude-sonnet-4.5\",\"contents\":[" HI ","
        MODEL(SAID("a") "," SAID("b")
              ",{\"functionCall\":{\"name\":\"f\",\"args\":{\"a\":1}},"
              "\"thoughtSignature\":\"" SEALED "\"}") ","
        USER("{\"functionResponse\":{\"name\":\"f\","
             "\"response\":{\"a\":\"1\"}}},{\"inlineData\":{\"mimeType\":"
             "\"image/png\",\"data\":\"QQ\"}},{\"text\":\"x\",\"y\":1}")
        "],\"systemInstruction\":{\"parts\":[" SAID("Be") "]},"
        "\"generationConfig\":{\"topK\":\"5\",\"responseMimeType\":"
        "\"application/json\",\"responseSchema\":{\"type\":\"OBJECT\"},"
        "\"thinkingConfig\":{\"includeThoughts\":true,\"thinkingLevel\":"
        "\"LOW\"}},\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\","
        "\"parameters\":{\"type\":\"OBJECT\"}}]}],\"toolConfig\":{"
        "\"functionCallingConfig\":{\"mode\":\"VALIDATED\"}},"
        "\"safetySettings\":[]}";

    script = events;
    nscript = count(events);

    for (j = 0; j < 3; j++) {
        bad = 0;
        rc = NGX_ERROR;

        for (i = 1; i < 10000; i++) {
            pool = test_pool();

            ngx_shim_fail(i);
            rc = all_of_it(pool, j == 2 ? &argo_gemini_array_front
                                        : &argo_gemini_front, json, j != 0);

            if (!ngx_shim_failed()) {
                ngx_shim_fail(0);
                ngx_destroy_pool(pool);
                break;
            }

            ngx_shim_fail(0);
            bad += (rc != NGX_ERROR);
            ngx_destroy_pool(pool);
        }

        ok(rc == NGX_OK && bad == 0 && i > 50,
           "each of %d allocations may fail", (int) i - 1);
    }
}


/* a long stream takes no more memory than a short one */

static void
test_long(void)
{
    u_char            seven[1000];
    ngx_uint_t        i, before;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    static argo_event_t  events[] = { TEXT("a piece of text"), THOUGHT("a") };

    pool = test_pool();
    read_request(pool, CONFIG("\"thinkingConfig\":{\"includeThoughts\":true}"
                              ), &r);
    script = events;

    front_begin(pool, &reply, &argo_gemini_front, &script_back, &r.req, 1);
    front_push(&reply, (u_char *) "S01", 3);

    for (i = 0; i < sizeof(seven); i++) {
        seven[i] = '0' + i % 2;
    }

    /* what is written has memory of its own */

    argo_out_init(&reply.out, pool, 4 * 1024 * 1024, NULL, 1);
    reply.out.next = reply.out.block;
    argo_out_write(&reply.out, "x", 1);

    ngx_shim_fail(0);
    before = ngx_shim_count();

    front_push(&reply, seven, sizeof(seven));

    ok(reply.rc == NGX_OK && reply.out.size > 100000, "a long stream");
    is(ngx_shim_count() - before, 0, "takes nothing from the pool");

    ngx_destroy_pool(pool);
}


/* ---- against Google's own replies */

static const char *
unlike(const argo_json_t *ours, const argo_json_t *theirs)
{
    const char         *name;
    const argo_json_t  *member, *other;

    if (ours->type != theirs->type) {
        return "a type";
    }

    if (ours->type == ARGO_JSON_ARRAY) {

        for (member = ours->child; member && theirs->child;
             member = member->next)
        {
            name = unlike(member, theirs->child);
            if (name) {
                return name;
            }
        }

        return NULL;
    }

    if (ours->type != ARGO_JSON_OBJECT) {
        return NULL;
    }

    for (member = ours->child; member; member = member->next) {

        if (argo_str_is(&member->name, "args")
            || argo_str_is(&member->name, "baseModelId"))
        {
            continue;
        }

        other = argo_json_find(theirs, (char *) member->name.data,
                               member->name.len);

        if (other == NULL) {
            return (char *) member->name.data;
        }

        name = unlike(member, other);
        if (name) {
            return name;
        }
    }

    return NULL;
}


static const char *
unlike_stream(ngx_pool_t *pool, const ngx_str_t *ours,
    const ngx_str_t *theirs)
{
    u_char         *p, *q;
    const char     *name;
    front_event_t   one, other;

    p = ours->data;
    q = theirs->data;
    name = NULL;

    while (name == NULL && p < ours->data + ours->len) {
        name = front_event(pool, &p, ours->data + ours->len, &one);

        if (name == NULL) {
            name = front_event(pool, &q, theirs->data + theirs->len, &other);
        }

        if (name == NULL) {
            name = unlike(one.root, other.root);
        }
    }

    return name;
}


static void
test_shapes(void)
{
    ngx_str_t         body, theirs;
    ngx_uint_t        i;
    const char       *name;
    ngx_pool_t       *pool;
    argo_out_t        out;
    argo_json_t      *root, *vendor;
    argo_error_t      err;
    front_reply_t     reply;
    front_request_t   r;

    static argo_event_t  text[] = {
        TEXT("Hello"), USED(3, 2, 0, 0, 0), STOP
    };

    static argo_event_t  call[] = {
        SCALL(0, "get_weather", "c2ln"), ARGS(0, "{\"a\":1}"),
        USED(3, 2, 0, 0, 0), FINISH(ARGO_FINISH_TOOL_CALLS)
    };

    static const char  *files[] = {
        "gemini-text.json", "gemini-tool-followup.json",
        "gemini-stream-text.sse", "gemini-stream-tool-followup.sse"
    };

    pool = test_pool();
    body = front_str("x");
    read_request(pool, quiet, &r);

    for (i = 0; i < 4; i++) {
        script = (i % 2) ? call : text;
        nscript = (i % 2) ? count(call) : count(text);

        run_body(pool, &reply, &argo_gemini_front, &script_back, &r.req,
                 &body, i > 1);
        theirs = front_file(pool, files[i]);

        if (i < 2) {
            name = "no JSON";

            if (argo_json_parse(pool, &reply.bytes, 12, &root, &err)
                == NGX_OK
                && argo_json_parse(pool, &theirs, 12, &vendor, &err)
                   == NGX_OK)
            {
                name = unlike(root, vendor);
            }

            ok(name == NULL, "as in %s%s%.16s", files[i], name ? ": " : "",
               name ? name : "");
            continue;
        }

        name = unlike_stream(pool, &reply.bytes, &theirs);

        ok(name == NULL, "as in %s%s%.16s", files[i], name ? ": " : "",
           name ? name : "");
    }

    theirs = front_file(pool, "gemini-models.json");

    argo_out_init(&out, pool, 4096, NULL, 1);
    argo_gemini_write_model(front_models()->names[0].model,
                            &front_models()->names[0].name, &out);
    argo_out_flatten(&out, pool, &body);

    name = "no JSON";

    if (argo_json_parse(pool, &body, 12, &root, &err) == NGX_OK
        && argo_json_parse(pool, &theirs, 12, &vendor, &err) == NGX_OK)
    {
        name = unlike(root, front_at(vendor, "models.0"));
    }

    ok(name == NULL, "as in gemini-models.json");

    ngx_destroy_pool(pool);
}


/* ---- paths and lists */

static const struct {
    const char            *item;
    const char            *model;       /* NULL: there is none */
    argo_gemini_method_e   method;
} paths[] = {
    { "gpt-4o:generateContent", "gpt-4o", ARGO_GEMINI_GENERATE },
    { "argo:gpt-4o:generateContent", "argo:gpt-4o", ARGO_GEMINI_GENERATE },
    { "argo:gpt-4o:streamGenerateContent", "argo:gpt-4o",
      ARGO_GEMINI_STREAM },
    { "openai/gpt-4o:countTokens", "openai/gpt-4o", ARGO_GEMINI_COUNT },
    { "models/gpt-4o:countTokens", "gpt-4o", ARGO_GEMINI_COUNT },
    { "a:embedContent", "a", ARGO_GEMINI_NOT_SERVED },
    { "a:batchEmbedContents", "a", ARGO_GEMINI_NOT_SERVED },
    { "a:predict", "a", ARGO_GEMINI_NOT_SERVED },
    { "gpt-4o", "gpt-4o", ARGO_GEMINI_GET },
    { "argo:gpt-4o", "argo:gpt-4o", ARGO_GEMINI_GET },
    { "models/argo:gpt-4o", "argo:gpt-4o", ARGO_GEMINI_GET },
    { "gpt-4o:generatecontent", "gpt-4o:generatecontent", ARGO_GEMINI_GET },
    { "a:generateContent:x", "a:generateContent:x", ARGO_GEMINI_GET },
    { "a:", "a:", ARGO_GEMINI_GET },
    { ":generateContent", NULL, ARGO_GEMINI_GENERATE },
    { "models/:generateContent", NULL, ARGO_GEMINI_GENERATE },
    { "models/", NULL, ARGO_GEMINI_GET },
    { "", NULL, ARGO_GEMINI_GET }
};


static void
test_paths(void)
{
    ngx_int_t              rc;
    ngx_str_t              item, model;
    ngx_uint_t             i;
    argo_gemini_method_e   method;

    for (i = 0; i < count(paths); i++) {
        item = test_copy(paths[i].item, strlen(paths[i].item));

        rc = argo_gemini_path(&item, &model, &method);

        ok(method == paths[i].method
           && (paths[i].model ? rc == NGX_OK
                                && front_is(&model, paths[i].model)
                              : rc == NGX_DECLINED),
           "the path \"%s\"", paths[i].item);

        test_free(&item);
    }
}


static ngx_int_t
list(ngx_pool_t *pool, const char *size, const char *token,
    argo_json_t **root, argo_error_t *err)
{
    ngx_int_t            rc;
    ngx_str_t            s, t, bytes;
    argo_out_t           out;
    argo_gemini_page_t   page;

    s = front_str(size);
    t = front_str(token);

    memset(err, 0, sizeof(argo_error_t));

    rc = argo_gemini_read_page(&s, &t, &page, err);

    argo_out_init(&out, pool, 4096, NULL, 1);

    if (rc == NGX_OK) {
        rc = argo_gemini_write_models(front_models(), &page, &out, err);
    }

    if (rc != NGX_OK) {
        return out.size ? NGX_ERROR : rc;
    }

    if (argo_out_flatten(&out, pool, &bytes) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_json_parse(pool, &bytes, 5, root, err);
}


/* True if the model of that name is that row of the list. */

static ngx_uint_t
found(ngx_pool_t *pool, const argo_model_table_t *table,
    const ngx_str_t *name, const argo_json_t *row)
{
    ngx_str_t              asked, bytes;
    argo_out_t             out;
    const argo_model_t    *model;
    argo_gemini_method_e   method;

    (void) argo_gemini_path(name, &asked, &method);

    model = argo_model_find(table, &asked);
    if (model == NULL) {
        return 0;
    }

    argo_out_init(&out, pool, 1024, NULL, 1);
    argo_gemini_write_one(table, model, &asked, &out);
    argo_out_flatten(&out, pool, &bytes);

    return front_same(&bytes, &row->raw);
}


/* the administrator's names are rows of their own, and found as such */

static void
test_aliases(ngx_pool_t *pool)
{
    ngx_str_t                  name, bytes;
    ngx_uint_t                 rows, wrong;
    argo_out_t                 out;
    argo_json_t               *root, *node;
    argo_error_t               err;
    argo_model_table_t        *table;
    argo_gemini_page_t         page;

    static const argo_model_alias_t  aliases[] = {
        { ngx_string("Flash.Lite"), ngx_string("gemini25flash") },
        { ngx_string("argo:main"), ngx_string("gpt4o") }
    };

    table = argo_model_table_create(pool, aliases, 2);

    ngx_memzero(&page, sizeof(argo_gemini_page_t));
    page.size = ARGO_GEMINI_MAX_PAGE;

    argo_out_init(&out, pool, 4096, NULL, 1);
    (void) argo_gemini_write_models(table, &page, &out, &err);
    argo_out_flatten(&out, pool, &bytes);

    (void) argo_json_parse(pool, &bytes, 5, &root, &err);

    rows = 0;
    wrong = 0;

    for (node = argo_json_get(root, "models")->child; node; node = node->next)
    {
        name = argo_json_inner(argo_json_get(node, "name"));

        rows += front_is(&name, "models/Flash.Lite")
                || front_is(&name, "models/argo:main")
                || front_is(&name, "models/gpt-4o")
                || front_is(&name, "models/gemini-2.5-flash");
        wrong += !found(pool, table, &name, node);
    }

    is(rows, 4, "aliases and the models that they mean are listed");
    is(wrong, 0, "each is found by its name");
}


/* pages come to the same */

static void
test_pages(ngx_pool_t *pool, argo_json_t *all)
{
    char           token[256];
    ngx_str_t      name;
    ngx_uint_t     n, pages, wrong, usual;
    argo_json_t   *root, *node, *row;
    argo_error_t   err;

    row = argo_json_get(all, "models")->child;
    token[0] = '\0';
    wrong = 0;
    n = 0;

    for (pages = 0; pages < 100; pages++) {

        if (list(pool, "7", token, &root, &err) != NGX_OK) {
            wrong++;
            break;
        }

        for (node = argo_json_get(root, "models")->child;
             node && row;
             node = node->next, row = row->next)
        {
            wrong += !front_same(&node->raw, &row->raw);
            n++;
        }

        wrong += (node != NULL);

        name = argo_json_inner(argo_json_get(root, "nextPageToken"));
        if (name.len == 0) {
            break;
        }

        wrong += (argo_json_get(root, "models")->count != 7);
        memcpy(token, name.data, name.len);
        token[name.len] = '\0';
    }

    ok(wrong == 0 && row == NULL && pages == (n - 1) / 7,
       "%d pages of 7 models are the list", (int) pages + 1);

    usual = ngx_min(argo_json_get(all, "models")->count, ARGO_GEMINI_PAGE);

    ok(list(pool, "", "", &root, &err) == NGX_OK
       && argo_json_get(root, "models")->count == usual,
       "a page of 50 at most, where nothing is said");
    ok(list(pool, "0", "", &root, &err) == NGX_OK
       && argo_json_get(root, "models")->count == usual, "or 0");
    ok(list(pool, "99999999999999999999999999", "", &root, &err) == NGX_OK
       && argo_json_get(root, "models")->count
          == argo_json_get(all, "models")->count, "no page is too long");
    ok(list(pool, "-1", "", &root, &err) == NGX_DECLINED
       && front_is(&err.param, "pageSize") && err.status == 400,
       "a wrong size");
    ok(list(pool, "1", "nobody", &root, &err) == NGX_DECLINED
       && front_is(&err.param, "pageToken") && err.status == 400,
       "a wrong token");
}


static void
test_models(void)
{
    ngx_int_t             rc;
    ngx_str_t             name, bytes;
    ngx_uint_t            wrong;
    argo_out_t            out;
    ngx_pool_t           *pool;
    argo_json_t          *all, *node;
    argo_error_t          err;
    const argo_model_t   *model;

    pool = test_pool();

    rc = list(pool, "1000", "", &all, &err);

    ok(rc == NGX_OK && argo_json_get(all, "nextPageToken") == NULL
       && argo_json_get(all, "models")->count > 20, "all models");

    wrong = 0;

    for (node = argo_json_get(all, "models")->child; node; node = node->next)
    {
        name = argo_json_inner(argo_json_get(node, "name"));

        wrong += argo_json_get(node, "baseModelId") == NULL
                 || (node->next
                     && front_same(&argo_json_get(node, "baseModelId")->raw,
                                   &argo_json_get(node->next, "baseModelId")
                                        ->raw));
        wrong += !found(pool, front_models(), &name, node);

        wrong += memmem(name.data, name.len, "argo", 4) != NULL;
        wrong += (name.len < 8 || memcmp(name.data, "models/", 7)
                  || !front_raw_is(node, "supportedGenerationMethods",
                                   "[\"generateContent\",\"countTokens\","
                                   "\"streamGenerateContent\"]"));
    }

    is(wrong, 0, "each can be called, and is found by its name");

    test_pages(pool, all);
    test_aliases(pool);

    name = front_str("argo:gpt-4o");
    model = argo_model_find(front_models(), &name);

    argo_out_init(&out, pool, 4096, NULL, 1);
    argo_gemini_write_one(front_models(), model, &name, &out);
    argo_out_flatten(&out, pool, &bytes);

    is_str(&bytes,
           "{\"name\":\"models/gpt-4o\",\"baseModelId\":\"gpt4o\","
           "\"version\":\"001\",\"displayName\":\"GPT-4o\","
           "\"description\":\"GPT-4o, from openai, on ARGO\","
           "\"inputTokenLimit\":128000,\"outputTokenLimit\":16384,"
           "\"supportedGenerationMethods\":[\"generateContent\","
           "\"countTokens\",\"streamGenerateContent\"]}", "a model");

    name = front_str("ada002");
    model = argo_model_find(front_models(), &name);

    argo_out_init(&out, pool, 4096, NULL, 1);
    argo_gemini_write_model(model, &name, &out);
    argo_out_flatten(&out, pool, &bytes);

    ok(strstr((char *) bytes.data, "\"supportedGenerationMethods\":[]")
       != NULL, "a model that has no method here");

    ngx_destroy_pool(pool);
}


static void
test_replies(void)
{
    ngx_uint_t  i;

    for (i = 0; i < count(scripts); i++) {
        test_script(&scripts[i]);
    }
}


int
main(void)
{
    test_contents();
    test_wrongs();
    test_values();
    test_fetch();
    test_schemas();
    test_upstream();
    test_replies();
    test_bytes();
    test_round_trip();
    test_errors();
    test_failures();
    test_too_long();
    test_legacy();
    test_recorded();
    test_shapes();
    test_long();
    test_memory();
    test_paths();
    test_models();

    return front_done();
}
