
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Anthropic's Messages, as clients speak them.  What a request means is
 * written down in a short form and compared; every stream is put together
 * again by the rules of the protocol alone and must come to what the unary
 * reply says.
 */


#include "argo_front.h"

#include "argo_anthropic_front.h"
#include "argo_count.h"


#define MAX_BLOCKS  16
#define MAX_TEXT    65536


typedef struct {
    const char      *name;
    const char      *in;
    const char      *out;
} request_t;


typedef struct {
    const char      *name;
    const char      *in;
    const char      *code;
    const char      *param;
    const char      *message;
} wrong_t;


/* a stream on its way to what it means */

typedef struct {
    char             type[32];
    char             head[512];         /* what else the start says */
    char            *text;              /* escaped */
    size_t           len;
    char             signature[512];
    unsigned         stopped:1;
} block_t;


typedef struct {
    const char      *wrong;
    block_t          blocks[MAX_BLOCKS];
    ngx_uint_t       nblocks;
    ngx_uint_t       starts;
    ngx_uint_t       deltas;            /* message_delta */
    ngx_uint_t       stops;             /* message_stop */
    ngx_uint_t       errors;
    ngx_uint_t       pings;
    ngx_str_t        start_usage;
    ngx_str_t        head;              /* of the message */
    ngx_str_t        outcome;
    ngx_str_t        usage;
    ngx_str_t        error;
} fold_t;


static const char  hi[] = "{\"model\":\"gpt-4o\",\"max_tokens\":9,"
                          "\"messages\":[{\"role\":\"user\","
                          "\"content\":\"Hi\"}]}";


/* what a back would say, said by the test */

static argo_event_t  *script;
static ngx_uint_t     nscript;


static ngx_int_t
script_emit(argo_stream_t *st)
{
    ngx_int_t      rc;
    ngx_uint_t     i;
    argo_event_t   ev;

    memset(&ev, 0, sizeof(argo_event_t));
    ev.type = ARGO_EVENT_START;

    rc = argo_stream_emit(st, &ev);

    for (i = 0; i < nscript && rc == NGX_OK; i++) {
        ev = script[i];
        rc = argo_stream_emit(st, &ev);
    }

    return rc;
}


static ngx_int_t
script_read_response(argo_stream_t *st, const ngx_str_t *body)
{
    (void) body;

    return script_emit(st);
}


static const argo_back_t  script_back = {
    ngx_string("script"), ARGO_DIALECT_LEGACY, NULL, NULL, NULL,
    script_read_response, NULL, NULL, NULL, NULL
};


#define TEXT(s)       { .type = ARGO_EVENT_TEXT, .text = ngx_string(s) }
#define RAW(s)        { .type = ARGO_EVENT_TEXT, .text = ngx_string(s),       \
                        .escaped = 1 }
#define REFUSAL(s)    { .type = ARGO_EVENT_REFUSAL, .text = ngx_string(s) }
#define REASONING(s)  { .type = ARGO_EVENT_REASONING, .text = ngx_string(s) }
#define SIGNED(v, s)  { .type = ARGO_EVENT_SIGNATURE, .text = ngx_string(s),  \
                        .vendor = ARGO_FAMILY_##v }
#define REDACTED(s)   { .type = ARGO_EVENT_SIGNATURE, .text = ngx_string(s),  \
                        .vendor = ARGO_FAMILY_ANTHROPIC, .redacted = 1 }
#define CALL(i, d, n) { .type = ARGO_EVENT_TOOL_START, .index = i,            \
                        .id = ngx_string(d), .name = ngx_string(n) }
#define ARGS(i, s)    { .type = ARGO_EVENT_TOOL_ARGS, .index = i,             \
                        .text = ngx_string(s) }
#define USAGE(p, c, r, w, t)                                                  \
    { .type = ARGO_EVENT_USAGE, .usage = { .prompt = p, .completion = c,      \
      .cached = r, .cache_write = w, .reasoning = t } }
#define FINISH(f)     { .type = ARGO_EVENT_FINISH, .finish = f }

#define count(a)      (sizeof(a) / sizeof((a)[0]))


static void
set_script(argo_event_t *events, ngx_uint_t n)
{
    script = events;
    nscript = n;
}


/* ---- what a request means, in a short form */

static void
put(argo_out_t *out, const char *s)
{
    argo_out_write(out, s, strlen(s));
}


static void
put_node(argo_out_t *out, const char *name, const argo_json_t *node)
{
    if (node) {
        put(out, " ");
        put(out, name);
        put(out, "=");
        argo_out_str(out, &node->raw);
    }
}


static void
dump_parts(argo_out_t *out, const argo_part_t *part)
{
    static const char  *vendors[] = { "", "openai:", "claude:", "google:" };

    for ( /* void */ ; part; part = part->next) {

        switch (part->type) {

        case ARGO_PART_TEXT:
            put(out, " text(");
            argo_out_str(out, &part->text);
            break;

        case ARGO_PART_IMAGE:
            put(out, part->remote ? " remote(" : " image(");
            argo_out_str(out, &part->mime);
            put(out, "|");
            argo_out_str(out, &part->text);
            break;

        case ARGO_PART_FILE:
            put(out, " file(");
            argo_out_str(out, &part->name);
            put(out, "|");
            argo_out_str(out, &part->mime);
            put(out, "|");
            argo_out_str(out, &part->text);
            break;

        case ARGO_PART_TOOL_CALL:
            put(out, " call(");
            argo_out_str(out, &part->id);
            put(out, "|");
            argo_out_str(out, &part->name);
            put(out, "|");
            argo_out_str(out, &part->args->raw);
            break;

        case ARGO_PART_TOOL_RESULT:
            put(out, part->failed ? " failed(" : " result(");
            argo_out_str(out, &part->id);
            put(out, part->string ? "|s" : "|");
            dump_parts(out, part->parts);
            break;

        case ARGO_PART_REASONING:
            put(out, part->redacted ? " redacted(" : " thought(");
            argo_out_str(out, &part->text);
            break;

        default:
            put(out, " other(");
            argo_out_str(out, &part->param);
        }

        if (part->signature.len) {
            put(out, "|");
            put(out, vendors[part->vendor]);
            argo_out_str(out, &part->signature);
        }

        put(out, ")");

        if (part->cache) {
            put(out, "~");
        }
    }
}


static void
dump_values(argo_out_t *out, const argo_request_t *req)
{
    static const char  *thinking[] = { "other", "off", "budget", "adaptive" };
    static const char  *choice[] = { "", "auto", "none", "any", "tool" };

    if (req->stream) {
        put(out, " stream");
    }

    put_node(out, "limit", req->max_output);
    put_node(out, "temperature", req->temperature);
    put_node(out, "top_p", req->top_p);
    put_node(out, "top_k", req->top_k);
    put_node(out, "stop", req->stop);
    put_node(out, "effort", req->effort);

    if (req->thinking.node) {
        put(out, " thinking=");
        put(out, thinking[req->thinking.type]);
        put_node(out, "budget", req->thinking.budget);
        put_node(out, "display", req->thinking.display);
    }

    if (req->format.type == ARGO_FORMAT_JSON_SCHEMA) {
        put_node(out, "schema", req->format.schema);
    }

    if (req->tool_choice) {
        put(out, " choice=");
        put(out, choice[req->tool_choice]);
        argo_out_str(out, &req->tool_name);
    }

    if (req->parallel) {
        put(out, req->parallel == ARGO_PARALLEL_NO ? " one" : " many");
    }
}


static ngx_str_t
dump(ngx_pool_t *pool, const argo_request_t *req)
{
    ngx_str_t              s;
    argo_out_t             out;
    const argo_tool_t     *tool;
    const argo_message_t  *message;

    argo_out_init(&out, pool, 512, NULL, 1);

    for (message = req->messages; message; message = message->next) {
        argo_out_write(&out, &"SUAT"[message->role], 1);

        if (message->string) {
            put(&out, "s");
        }

        dump_parts(&out, message->parts);
        put(&out, ";");
    }

    for (tool = req->tools; tool; tool = tool->next) {
        put(&out, " tool(");

        if (tool->type) {
            argo_out_str(&out, &tool->type->raw);
        }

        argo_out_str(&out, &tool->name);
        put_node(&out, "d", tool->description);
        put_node(&out, "p", tool->parameters);
        put_node(&out, "strict", tool->strict);
        put(&out, tool->cache ? ")~" : ")");
    }

    dump_values(&out, req);

    if (argo_out_flatten(&out, pool, &s) != NGX_OK) {
        abort();
    }

    return s;
}


static ngx_int_t
read_only(ngx_pool_t *pool, const char *json, argo_read_request_pt read,
    argo_request_t *req, argo_error_t *err)
{
    ngx_int_t  rc;

    memset(req, 0, sizeof(argo_request_t));
    memset(err, 0, sizeof(argo_error_t));

    req->document = front_str(json);
    req->dialect = ARGO_DIALECT_MESSAGES;

    rc = argo_json_parse(pool, &req->document, ARGO_ANTHROPIC_TREE_DEPTH,
                         &req->root, err);

    return (rc == NGX_OK) ? read(pool, req, err) : rc;
}


#define BODY(messages, more)                                                  \
    "{\"model\":\"gpt-4o\",\"max_tokens\":9,\"messages\":[" messages "]"      \
    more "}"
#define MSG(role, content)                                                    \
    "{\"role\":\"" role "\",\"content\":" content "}"
#define USER(content)  BODY(MSG("user", "[" content "]"), "")
#define HI(more)       BODY(MSG("user", "\"Hi\""), "," more)
#define TXT(s)         "{\"type\":\"text\",\"text\":\"" s "\"}"
#define CACHE          "\"cache_control\":{\"type\":\"ephemeral\"}"
#define SOURCE(s)      "{\"type\":\"image\",\"source\":" s "}"
#define DOC(s)         "{\"type\":\"document\",\"title\":\"T\",\"source\":" s \
                       "}"
#define USE(id)        "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":"   \
                       "\"f\",\"input\":{\"a\": 1.0}}"
#define RESULT(id, c)  "{\"type\":\"tool_result\",\"tool_use_id\":\"" id      \
                       "\"" c "}"
#define ASSISTANT(c)   BODY(MSG("user", "\"Hi\"") ","                         \
                            MSG("assistant", "[" c "]"), "")


static const request_t  requests[] = {

    { "a string", hi, "Us text(Hi); limit=9" },

    { "an escape stays one",
      BODY(MSG("user", "\"a\\n\\u00e9\""), ""),
      "Us text(a\\n\\u00e9); limit=9" },

    { "system as a string", HI("\"system\":\"Be\""),
      "Ss text(Be);Us text(Hi); limit=9" },

    { "system of blocks",
      HI("\"system\":[" TXT("a") ",{\"type\":\"text\",\"text\":\"b\","
         CACHE "}]"),
      "S text(a) text(b)~;Us text(Hi); limit=9" },

    { "system that says nothing", HI("\"system\":\"\""),
      "Us text(Hi); limit=9" },

    { "system of no blocks", HI("\"system\":[]"), "Us text(Hi); limit=9" },

    { "system null", HI("\"system\":null"), "Us text(Hi); limit=9" },

    { "the role system among the messages",
      BODY(MSG("user", "\"Hi\"") "," MSG("system", "\"Be\"") ","
           MSG("system", "[" TXT("kind") "]"), ""),
      "Us text(Hi);Ss text(Be);Ss text(kind); limit=9" },

    { "several texts", USER(TXT("a") "," TXT("b")),
      "U text(a) text(b); limit=9" },

    { "one text is as good as a string", USER(TXT("a")),
      "Us text(a); limit=9" },

    { "one text with a mark for the cache",
      USER("{\"type\":\"text\",\"text\":\"a\"," CACHE "}"),
      "U text(a)~; limit=9" },

    { "an image with its data",
      USER(SOURCE("{\"type\":\"base64\",\"media_type\":\"image/png\","
                  "\"data\":\"AAAA\"}")),
      "U image(image/png|AAAA); limit=9" },

    { "an image in a data URL",
      USER(SOURCE("{\"type\":\"url\",\"url\":\"Data:image/png;base64,AA\"}")),
      "U image(|Data:image/png;base64,AA); limit=9" },

    { "a document",
      USER(DOC("{\"type\":\"base64\",\"media_type\":\"application/pdf\","
               "\"data\":\"AAAA\"}")),
      "U file(T|application/pdf|AAAA); limit=9" },

    { "a document elsewhere",
      USER(DOC("{\"type\":\"url\",\"url\":\"https://x/y.pdf\"}")),
      "U file(T||https://x/y.pdf); limit=9" },

    { "a document that is text",
      USER(DOC("{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":"
               "\"long\"}")),
      "Us text(long); limit=9" },

    { "a document of blocks",
      USER(DOC("{\"type\":\"content\",\"content\":[]}")),
      "U other(messages.0.content.0); limit=9" },

    { "blocks that are Anthropic's to know",
      USER(TXT("a") ",{\"type\":\"search_result\",\"content\":[]},"
           "{\"type\":\"new\"}"),
      "U text(a) other(messages.0.content.1) other(messages.0.content.2); "
      "limit=9" },

    { "a call", ASSISTANT(TXT("a") "," USE("toolu_1")),
      "Us text(Hi);A text(a) call(toolu_1|f|{\"a\": 1.0}); limit=9" },

    { "thoughts",
      ASSISTANT("{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":"
                "\"c2ln\\u003d\"},{\"type\":\"redacted_thinking\",\"data\":"
                "\"ZGF0\"}," TXT("a")),
      "Us text(Hi);A thought(hm|claude:c2ln\\u003d) redacted(|claude:ZGF0) "
      "text(a); limit=9" },

    { "thoughts that nobody has signed",
      ASSISTANT("{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":"
                "\"\"}," TXT("a") ",{\"type\":\"thinking\",\"thinking\":"
                "\"hm\"}"),
      "Us text(Hi);As text(a); limit=9" },

    { "a signature of Gemini's goes with the call that follows",
      ASSISTANT("{\"type\":\"redacted_thinking\",\"data\":\"google:Zm9v\"},"
                USE("a") "," USE("b")),
      "Us text(Hi);A call(a|f|{\"a\": 1.0}|google:Zm9v) "
      "call(b|f|{\"a\": 1.0}); limit=9" },

    { "an assistant's message without content", ASSISTANT(""),
      "Us text(Hi);A; limit=9" },

    { "a result",
      USER(RESULT("t1", ",\"content\":\"4\"")),
      "T result(t1|s text(4)); limit=9" },

    { "a result that failed",
      USER(RESULT("t1", ",\"content\":\"no\",\"is_error\":true," CACHE)),
      "T failed(t1|s text(no))~; limit=9" },

    { "a result of one text", USER(RESULT("t1", ",\"content\":[" TXT("a")
                                                "]")),
      "T result(t1|s text(a)); limit=9" },

    { "a result without content", USER(RESULT("t1", "")),
      "T result(t1|s text()); limit=9" },

    { "a result of an empty list", USER(RESULT("t1", ",\"content\":[]")),
      "T result(t1|s text()); limit=9" },

    { "a result with an image and other blocks",
      USER(RESULT("t1", ",\"content\":[" TXT("a") ","
           SOURCE("{\"type\":\"base64\",\"media_type\":\"image/gif\","
                  "\"data\":\"AA\"}") ",{\"type\":\"tool_reference\","
           "\"tool_name\":\"g\"},{\"type\":\"search_result\"}]")),
      "T result(t1| text(a) image(image/gif|AA) text(g) "
      "other(messages.0.content.0.content.3)); limit=9" },

    { "results come before what else the user says",
      USER(TXT("a") "," RESULT("t1", ",\"content\":\"1\"") "," TXT("b") ","
           RESULT("t2", ",\"content\":[" TXT("x") "," TXT("y") "]")),
      "T result(t1|s text(1));T result(t2| text(x) text(y));"
      "U text(a) text(b); limit=9" },

    { "parameters",
      HI("\"stream\":true,\"temperature\":0.50,\"top_p\":1,\"top_k\":5,"
         "\"stop_sequences\":[\"a\",\"b\"],\"metadata\":{}"),
      "Us text(Hi); stream limit=9 temperature=0.50 top_p=1 top_k=5 "
      "stop=[\"a\",\"b\"]" },

    { "no stop sequences", HI("\"stop_sequences\":[]"),
      "Us text(Hi); limit=9" },

    { "of two with one name the last counts",
      HI("\"top_k\":5,\"top_k\":6"), "Us text(Hi); limit=9 top_k=6" },

    { "a budget for thoughts",
      HI("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024,"
         "\"display\":\"updates\"}"),
      "Us text(Hi); limit=9 thinking=budget budget=1024 "
      "display=\"updates\"" },

    { "thoughts as the model likes",
      HI("\"thinking\":{\"type\":\"adaptive\"}"),
      "Us text(Hi); limit=9 thinking=adaptive" },

    { "no thoughts", HI("\"thinking\":{\"type\":\"disabled\"}"),
      "Us text(Hi); limit=9 thinking=off" },

    { "thoughts of a new kind",
      HI("\"thinking\":{\"type\":\"between_tools\"}"),
      "Us text(Hi); limit=9 thinking=other" },

    { "effort and schema",
      HI("\"output_config\":{\"effort\":\"high\",\"format\":{\"type\":"
         "\"json_schema\",\"schema\":{\"type\":\"object\"}}}"),
      "Us text(Hi); limit=9 effort=\"high\" schema={\"type\":\"object\"}" },

    { "a schema in the older place",
      HI("\"output_format\":{\"type\":\"json_schema\",\"schema\":{}}"),
      "Us text(Hi); limit=9 schema={}" },

    { "tools",
      HI("\"tools\":[{\"name\":\"f\",\"description\":\"F\",\"input_schema\":"
         "{\"type\":\"object\"},\"strict\":true," CACHE "},{\"type\":"
         "\"custom\",\"name\":\"g\",\"input_schema\":{}},{\"type\":"
         "\"web_search_20250305\",\"name\":\"web_search\"}]"),
      "Us text(Hi); tool(f d=\"F\" p={\"type\":\"object\"} strict=true)~ "
      "tool(g p={}) tool(\"web_search_20250305\") limit=9" },

    { "no tools", HI("\"tools\":[],\"tool_choice\":{\"type\":\"auto\"}"),
      "Us text(Hi); limit=9" },

    { "a choice",
      HI("\"tools\":[{\"name\":\"f\",\"input_schema\":{}}],\"tool_choice\":"
         "{\"type\":\"any\",\"disable_parallel_tool_use\":true}"),
      "Us text(Hi); tool(f p={}) limit=9 choice=any one" },

    { "a tool chosen by its name",
      HI("\"tools\":[{\"name\":\"f\",\"input_schema\":{}}],\"tool_choice\":"
         "{\"type\":\"tool\",\"name\":\"\\u0066\","
         "\"disable_parallel_tool_use\":false}"),
      "Us text(Hi); tool(f p={}) limit=9 choice=tool\\u0066 many" },

    { "a tool of Anthropic's chosen by its name",
      HI("\"tools\":[{\"type\":\"bash_20250124\",\"name\":\"bash\"}],"
         "\"tool_choice\":{\"type\":\"tool\",\"name\":\"bash\"}"),
      "Us text(Hi); tool(\"bash_20250124\") limit=9 choice=toolbash" },

    { "no tool to be called",
      HI("\"tools\":[{\"name\":\"f\",\"input_schema\":{}}],\"tool_choice\":"
         "{\"type\":\"none\"}"),
      "Us text(Hi); tool(f p={}) limit=9 choice=none" }
};


static void
test_requests(void)
{
    ngx_str_t         s;
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    argo_error_t      err;
    argo_request_t    req;

    for (i = 0; i < count(requests); i++) {
        pool = test_pool();

        if (is(read_only(pool, requests[i].in, argo_anthropic_read_request,
                         &req, &err),
               NGX_OK, "%s: is read", requests[i].name))
        {
            s = dump(pool, &req);
            is_str(&s, requests[i].out, "%s: means", requests[i].name);

        } else {
            test_show("message", err.message.data, err.message.len);
        }

        ngx_destroy_pool(pool);
    }
}


#define TYPE    "invalid_type"
#define VALUE   "invalid_value"
#define NONE    "missing_required_parameter"
#define FIELD   "Field required"


static const wrong_t  wrongs[] = {

    { "no limit", "{\"model\":\"m\",\"messages\":[]}", NONE, "max_tokens",
      FIELD },
    { "the limit null", "{\"max_tokens\":null,\"messages\":[]}", NONE,
      "max_tokens", FIELD },
    { "the limit a string", "{\"max_tokens\":\"9\"}", TYPE, "max_tokens",
      "Input should be a valid number" },
    { "the limit a fraction", BODY("", ",\"max_tokens\":1.5"), TYPE,
      "max_tokens", "Input should be a valid integer" },
    { "the limit nothing", BODY("", ",\"max_tokens\":0"), VALUE,
      "max_tokens", "Input should be greater than or equal to 1" },
    { "no messages", "{\"max_tokens\":1}", NONE, "messages", FIELD },
    { "no message", BODY("", ""), "empty_array", "messages",
      "at least one message is required" },
    { "messages no list", "{\"max_tokens\":1,\"messages\":{}}", TYPE,
      "messages", "Input should be a valid list" },
    { "a model that is a number", BODY("", ",\"model\":1"), TYPE, "model",
      "Input should be a valid string" },
    { "stream a string", BODY("", ",\"stream\":\"yes\""), TYPE, "stream",
      "Input should be a valid boolean" },
    { "temperature a string", BODY("", ",\"temperature\":\"1\""), TYPE,
      "temperature", "Input should be a valid number" },
    { "system a number", HI("\"system\":1"), TYPE, "system",
      "Input should be a valid string or a valid list" },
    { "an image in system", HI("\"system\":[{\"type\":\"image\"}]"), VALUE,
      "system.0", "`image` blocks can only be in `user` messages" },
    { "system without text", HI("\"system\":[{\"type\":\"text\"}]"), NONE,
      "system.0.text", FIELD },
    { "a thread", HI("\"thread\":{\"type\":\"create\"}"),
      "thread_unsupported_request", "thread",
      "The gateway keeps no threads; send the whole conversation in "
      "messages" },
    { "a stop sequence that is none", HI("\"stop_sequences\":[\"a\",1]"),
      TYPE, "stop_sequences.1", "Input should be a valid string" },

    { "a message that is none", BODY("1", ""), TYPE, "messages.0",
      "Input should be a valid dictionary" },
    { "no role", BODY("{\"content\":\"a\"}", ""), NONE, "messages.0.role",
      FIELD },
    { "a role that is none", BODY(MSG("tool", "\"a\""), ""), VALUE,
      "messages.0.role", "Input should be 'user', 'assistant' or 'system'" },
    { "no content", BODY("{\"role\":\"user\"}", ""), NONE,
      "messages.0.content", FIELD },
    { "content of a wrong type", BODY(MSG("user", "1"), ""), TYPE,
      "messages.0.content", "Input should be a valid string or a valid list" },
    { "a user who says nothing", BODY(MSG("user", "[]"), ""), "empty_array",
      "messages.0.content", "user messages must have non-empty content" },
    { "a block that is none", USER("\"a\""), TYPE, "messages.0.content.0",
      "Input should be a valid dictionary" },
    { "a block without type", USER("{}"), NONE, "messages.0.content.0.type",
      FIELD },
    { "a block's type a number", USER("{\"type\":1}"), TYPE,
      "messages.0.content.0.type", "Input should be a valid string" },
    { "a text without text", USER("{\"type\":\"text\"}"), NONE,
      "messages.0.content.0.text", FIELD },
    { "cache_control a string",
      USER("{\"type\":\"text\",\"text\":\"\",\"cache_control\":\"\"}"), TYPE,
      "messages.0.content.0.cache_control",
      "Input should be a valid dictionary" },

    { "an image without source", USER("{\"type\":\"image\"}"), NONE,
      "messages.0.content.0.source", FIELD },
    { "a source without type", USER(SOURCE("{}")), NONE,
      "messages.0.content.0.source.type", FIELD },
    { "a source of no type", USER(SOURCE("{\"type\":\"x\"}")), VALUE,
      "messages.0.content.0.source.type",
      "Input should be 'base64' or 'url'" },
    { "an image without data",
      USER(SOURCE("{\"type\":\"base64\",\"media_type\":\"image/png\"}")),
      NONE, "messages.0.content.0.source.data", FIELD },
    { "an image that is none",
      USER(SOURCE("{\"type\":\"base64\",\"media_type\":\"text/html\","
                  "\"data\":\"\"}")),
      VALUE, "messages.0.content.0.source.media_type",
      "Input should be 'image/jpeg', 'image/png', 'image/gif' or "
      "'image/webp'" },
    { "an image elsewhere",
      USER(TXT("a") "," SOURCE("{\"type\":\"url\",\"url\":\"https://x\"}")),
      "unsupported_value", "messages.0.content.1.source.url",
      "ARGO does not fetch images; send a source of type 'base64'" },
    { "an image in a file",
      USER(SOURCE("{\"type\":\"file\",\"file_id\":\"x\"}")),
      "unsupported_value", "messages.0.content.0.source.type",
      "The gateway keeps no files; send a source of type 'base64'" },
    { "a document in a file", USER(DOC("{\"type\":\"file\"}")),
      "unsupported_value", "messages.0.content.0.source.type",
      "The gateway keeps no files; send a source of type 'base64'" },
    { "a document without type",
      USER(DOC("{\"type\":\"base64\",\"media_type\":\"\",\"data\":\"\"}")),
      VALUE, "messages.0.content.0.source.media_type",
      "String should have at least 1 character" },
    { "a document without text", USER(DOC("{\"type\":\"text\"}")), NONE,
      "messages.0.content.0.source.data", FIELD },

    { "a call of the user's", USER(USE("a")), VALUE, "messages.0.content.0",
      "`tool_use` blocks can only be in `assistant` messages" },
    { "a result of the assistant's", ASSISTANT(RESULT("a", "")), VALUE,
      "messages.1.content.0",
      "`tool_result` blocks can only be in `user` messages" },
    { "a result in a result",
      USER(RESULT("a", ",\"content\":[" RESULT("b", "") "]")), VALUE,
      "messages.0.content.0.content.0",
      "`tool_result` blocks can only be in `user` messages" },
    { "a thought of the user's", USER("{\"type\":\"thinking\"}"), VALUE,
      "messages.0.content.0",
      "`thinking` blocks can only be in `assistant` messages" },
    { "a call without id",
      ASSISTANT(TXT("a") ",{\"type\":\"tool_use\",\"name\":\"f\",\"input\":"
                "{}}"),
      NONE, "messages.1.content.1.id", FIELD },
    { "a call without name",
      ASSISTANT("{\"type\":\"tool_use\",\"id\":\"f\",\"input\":{}}"), NONE,
      "messages.1.content.0.name", FIELD },
    { "a call without input",
      ASSISTANT("{\"type\":\"tool_use\",\"id\":\"f\",\"name\":\"f\"}"), NONE,
      "messages.1.content.0.input", FIELD },
    { "a call's input a string",
      ASSISTANT("{\"type\":\"tool_use\",\"id\":\"f\",\"name\":\"f\","
                "\"input\":\"{}\"}"),
      TYPE, "messages.1.content.0.input",
      "Input should be a valid dictionary" },
    { "a result of nothing",
      BODY(MSG("user", "\"a\"") "," MSG("assistant", "\"b\"") ","
           MSG("user", "[{\"type\":\"tool_result\"}]"), ""),
      NONE, "messages.2.content.0.tool_use_id", FIELD },
    { "is_error a string",
      USER(RESULT("a", ",\"is_error\":\"no\"")), TYPE,
      "messages.0.content.0.is_error", "Input should be a valid boolean" },
    { "a result of a wrong type", USER(RESULT("a", ",\"content\":{}")), TYPE,
      "messages.0.content.0.content",
      "Input should be a valid string or a valid list" },
    { "a text without text in a result",
      USER(TXT("a") "," RESULT("a", ",\"content\":[" TXT("a")
           ",{\"type\":\"text\"}]")),
      NONE, "messages.0.content.1.content.1.text", FIELD },
    { "a thought without text", ASSISTANT("{\"type\":\"thinking\"}"), NONE,
      "messages.1.content.0.thinking", FIELD },
    { "a redacted thought without data",
      ASSISTANT("{\"type\":\"redacted_thinking\"}"), NONE,
      "messages.1.content.0.data", FIELD },

    { "thinking without type", HI("\"thinking\":{}"), NONE, "thinking.type",
      FIELD },
    { "thinking without its budget",
      HI("\"thinking\":{\"type\":\"enabled\"}"), NONE,
      "thinking.enabled.budget_tokens", FIELD },
    { "thinking with a wrong budget",
      HI("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":\"1\"}"), TYPE,
      "thinking.enabled.budget_tokens", "Input should be a valid number" },
    { "effort a number", HI("\"output_config\":{\"effort\":1}"), TYPE,
      "output_config.effort", "Input should be a valid string" },
    { "a format without type", HI("\"output_config\":{\"format\":{}}"), NONE,
      "output_config.format.type", FIELD },
    { "a format of no type",
      HI("\"output_config\":{\"format\":{\"type\":\"text\"}}"), VALUE,
      "output_config.format.type", "Input should be 'json_schema'" },
    { "a format without schema",
      HI("\"output_format\":{\"type\":\"json_schema\"}"), NONE,
      "output_format.schema", FIELD },

    { "a tool that is none", HI("\"tools\":[1]"), TYPE, "tools.0",
      "Input should be a valid dictionary" },
    { "a tool without name", HI("\"tools\":[{\"input_schema\":{}}]"), NONE,
      "tools.0.custom.name", FIELD },
    { "a tool with an empty name",
      HI("\"tools\":[{\"name\":\"\",\"input_schema\":{}}]"), VALUE,
      "tools.0.custom.name", "String should have at least 1 character" },
    { "a tool without schema", HI("\"tools\":[{\"name\":\"f\"}]"), NONE,
      "tools.0.custom.input_schema", FIELD },
    { "a tool's schema a string",
      HI("\"tools\":[{\"type\":\"x\"},{\"name\":\"f\",\"input_schema\":"
         "\"{}\"}]"),
      TYPE, "tools.1.custom.input_schema",
      "Input should be a valid dictionary" },
    { "a tool's description a number",
      HI("\"tools\":[{\"name\":\"f\",\"description\":1}]"), TYPE,
      "tools.0.custom.description", "Input should be a valid string" },
    { "a choice without type",
      HI("\"tools\":[{\"type\":\"x\"}],\"tool_choice\":{}"), NONE,
      "tool_choice.type", FIELD },
    { "a choice of no type", HI("\"tool_choice\":{\"type\":\"x\"}"), VALUE,
      "tool_choice.type", "Input should be 'auto', 'any', 'tool' or 'none'" },
    { "a choice among nothing", HI("\"tool_choice\":{\"type\":\"any\"}"),
      VALUE, "tool_choice",
      "tool_choice may only be specified while providing tools" },
    { "a choice without name",
      HI("\"tools\":[{\"name\":\"f\",\"input_schema\":{}}],\"tool_choice\":"
         "{\"type\":\"tool\"}"),
      NONE, "tool_choice.tool.name", FIELD },
    { "a choice of what is not there",
      HI("\"tools\":[{\"name\":\"f\",\"input_schema\":{}}],\"tool_choice\":"
         "{\"type\":\"tool\",\"name\":\"g\"}"),
      VALUE, "tool_choice.tool.name", "Tool not found in provided tools" }
};


static void
test_wrongs(void)
{
    char              message[256];
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    argo_error_t      err;
    const wrong_t    *w;
    argo_request_t    req;

    for (i = 0; i < count(wrongs); i++) {
        pool = test_pool();
        w = &wrongs[i];

        is(read_only(pool, w->in, argo_anthropic_read_request, &req, &err),
           NGX_DECLINED, "%s: is refused", w->name);

        (void) snprintf(message, sizeof(message), "%s: %s", w->param,
                        w->message);

        is_str(&err.message, message, "%s: message", w->name);
        ok(front_is(&err.code, w->code) && front_is(&err.param, w->param)
           && err.status == 400, "%s: code, param, status", w->name);

        ngx_destroy_pool(pool);
    }
}


/* What ARGO's Claude would refuse must not go up as it came. */

static void
test_anew(void)
{
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    argo_error_t      err;
    argo_request_t    req;

    static const struct {
        const char   *name;
        const char   *in;
        ngx_uint_t    anew;
        ngx_uint_t    told;
    } cases[] = {
        { "an ordinary request", hi, 0, 0 },
        { "system", HI("\"system\":\"Be\""), 0, 0 },
        { "signed thoughts",
          ASSISTANT("{\"type\":\"thinking\",\"thinking\":\"hm\","
                    "\"signature\":\"s\"}"), 0, 0 },
        { "unsigned thoughts",
          ASSISTANT("{\"type\":\"thinking\",\"thinking\":\"hm\"},"
                    "{\"type\":\"thinking\",\"thinking\":\"hm\"}"), 1, 1 },
        { "a signature of Google's",
          ASSISTANT("{\"type\":\"redacted_thinking\",\"data\":"
                    "\"google:a\"}"), 1, 0 },
        { "the role system",
          BODY(MSG("user", "\"Hi\"") "," MSG("system", "\"Be\""), ""), 1, 0 }
    };

    for (i = 0; i < count(cases); i++) {
        pool = test_pool();

        is(read_only(pool, cases[i].in, argo_anthropic_read_request, &req,
                     &err),
           NGX_OK, "%s: is read", cases[i].name);
        ok(req.rewrite_messages == cases[i].anew
           && (req.changes != NULL) == cases[i].told
           && (req.changes == NULL || req.changes->next == NULL),
           "%s: %s", cases[i].name, cases[i].anew ? "written anew" : "not");

        ngx_destroy_pool(pool);
    }
}


/* What is left out for other vendors' models is told. */

static void
test_adapt(void)
{
    ngx_str_t         s;
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    argo_out_t        out;
    argo_error_t      err;
    argo_change_t    *change;
    argo_request_t    req;

    static const request_t  cases[] = {
        { "nothing", hi, "" },
        { "parameters that only Anthropic has",
          HI("\"metadata\":{},\"service_tier\":\"auto\",\"mcp_servers\":[],"
             "\"output_config\":{\"effort\":\"low\",\"task_budget\":{}},"
             "\"thinking\":{\"type\":\"between_tools\"}"),
          "metadata service_tier mcp_servers task_budget thinking " }
    };

    for (i = 0; i < count(cases); i++) {
        pool = test_pool();

        (void) read_only(pool, cases[i].in, argo_anthropic_read_request, &req,
                         &err);
        is(req.adapt(pool, &req, ARGO_DIALECT_CHAT, &err), NGX_OK,
           "adapted: %s", cases[i].name);

        argo_out_init(&out, pool, 512, NULL, 1);

        for (change = req.changes; change; change = change->next) {
            s = change->note;
            s.len = (u_char *) memchr(s.data, ' ', s.len) - s.data;
            argo_out_str(&out, &s);
            put(&out, " ");
        }

        (void) argo_out_flatten(&out, pool, &s);
        is_str(&s, cases[i].out, "adapted: %s: is told", cases[i].name);

        ngx_destroy_pool(pool);
    }
}


/* ---- the fold */

static void
fold_copy(char *to, size_t size, const ngx_str_t *s)
{
    size_t  n;

    n = ngx_min(s->len, size - 1);
    memcpy(to, s->data, n);
    to[n] = '\0';
}


static void
fold_block_start(fold_t *fold, argo_json_t *root)
{
    int64_t       n;
    block_t      *block;
    ngx_str_t     s;
    argo_json_t  *node;

    node = argo_json_get(root, "content_block");

    if (argo_json_int(argo_json_get(root, "index"), &n) != NGX_OK
        || n != (int64_t) fold->nblocks || fold->nblocks == MAX_BLOCKS)
    {
        fold->wrong = "a block's index is not the next";
        return;
    }

    if (fold->nblocks && !fold->blocks[fold->nblocks - 1].stopped) {
        fold->wrong = "a block begins before the one before ended";
        return;
    }

    block = &fold->blocks[fold->nblocks++];
    block->text = calloc(1, MAX_TEXT);

    s = argo_json_inner(argo_json_get(node, "type"));
    fold_copy(block->type, sizeof(block->type), &s);

    if (strcmp(block->type, "tool_use") == 0) {

        if (!front_raw_is(node, "input", "{}")) {
            fold->wrong = "a call does not begin with an empty input";
        }

        (void) snprintf(block->head, sizeof(block->head),
                        "\"id\":%.*s,\"name\":%.*s",
                        (int) front_raw(node, "id").len,
                        front_raw(node, "id").data,
                        (int) front_raw(node, "name").len,
                        front_raw(node, "name").data);

    } else if (strcmp(block->type, "redacted_thinking") == 0) {
        s = front_raw(node, "data");
        fold_copy(block->head, sizeof(block->head), &s);

    } else if (strcmp(block->type, "thinking") == 0) {

        if (!front_raw_is(node, "thinking", "\"\"")
            || !front_raw_is(node, "signature", "\"\""))
        {
            fold->wrong = "a thought does not begin empty";
        }

    } else if (strcmp(block->type, "text") != 0
               || !front_raw_is(node, "text", "\"\""))
    {
        fold->wrong = "a block of no type, or a text that begins with some";
    }
}


static void
fold_delta(fold_t *fold, argo_json_t *root)
{
    int64_t       n;
    ngx_uint_t    i;
    block_t      *block;
    ngx_str_t     s;
    argo_json_t  *node;

    static const char  *kinds[][3] = {
        { "text", "text_delta", "text" },
        { "thinking", "thinking_delta", "thinking" },
        { "thinking", "signature_delta", "signature" },
        { "tool_use", "input_json_delta", "partial_json" }
    };

    node = argo_json_get(root, "delta");

    if (argo_json_int(argo_json_get(root, "index"), &n) != NGX_OK
        || n + 1 != (int64_t) fold->nblocks
        || fold->blocks[n].stopped)
    {
        fold->wrong = "a delta of a block that is not open";
        return;
    }

    block = &fold->blocks[n];
    s = argo_json_inner(argo_json_get(node, "type"));

    for (i = 0; i < count(kinds); i++) {

        if (!front_is(&s, kinds[i][1])
            || strcmp(block->type, kinds[i][0]) != 0)
        {
            continue;
        }

        s = argo_json_inner(front_at(node, kinds[i][2]));

        if (i == 2) {
            if (block->signature[0]) {
                fold->wrong = "a signature comes twice";
            }

            fold_copy(block->signature, sizeof(block->signature), &s);
            return;
        }

        if (block->signature[0]) {
            fold->wrong = "a thought goes on after its signature";
        }

        if (block->len + s.len < MAX_TEXT) {
            memcpy(block->text + block->len, s.data, s.len);
            block->len += s.len;
        }

        return;
    }

    fold->wrong = "a delta of a wrong type";
}


static void
fold_message_start(fold_t *fold, argo_json_t *root)
{
    u_char       *content;
    argo_json_t  *message;

    message = argo_json_get(root, "message");

    if (fold->starts++) {
        fold->wrong = "message_start twice";
    }

    if (!front_raw_is(message, "content", "[]")
        || !front_raw_is(message, "stop_reason", "null")
        || !front_raw_is(message, "stop_sequence", "null")
        || !front_raw_is(message, "type", "\"message\"")
        || !front_raw_is(message, "role", "\"assistant\""))
    {
        fold->wrong = "a member of message_start is wrong";
    }

    fold->start_usage = front_raw(message, "usage");

    /* what the unary reply begins with, too */

    content = argo_json_get(message, "content")->start;
    fold->head.data = message->raw.data;
    fold->head.len = content - message->raw.data;
}


static void
fold_one(fold_t *fold, const front_event_t *ev)
{
    int64_t       n;
    ngx_str_t     type;
    argo_json_t  *root;

    root = ev->root;
    type = argo_json_inner(argo_json_get(root, "type"));

    if (!front_same(&type, &ev->name)) {
        fold->wrong = "the event's name is not its type";
        return;
    }

    if (fold->stops || fold->errors) {
        fold->wrong = "an event after the last";
        return;
    }

    if (front_is(&type, "error")) {
        fold->errors++;
        fold->error = front_raw(root, "error");
        return;
    }

    if (front_is(&type, "message_start")) {
        fold_message_start(fold, root);
        return;
    }

    if (fold->starts == 0) {
        fold->wrong = "an event before message_start";
        return;
    }

    if (front_is(&type, "ping")) {
        fold->pings++;

    } else if (fold->deltas && !front_is(&type, "message_stop")) {
        fold->wrong = "a block after message_delta";

    } else if (front_is(&type, "content_block_start")) {
        fold_block_start(fold, root);

    } else if (front_is(&type, "content_block_delta")) {
        fold_delta(fold, root);

    } else if (front_is(&type, "content_block_stop")) {

        if (argo_json_int(argo_json_get(root, "index"), &n) != NGX_OK
            || n + 1 != (int64_t) fold->nblocks
            || fold->blocks[n].stopped)
        {
            fold->wrong = "a block ends that is not open";
            return;
        }

        fold->blocks[n].stopped = 1;

    } else if (front_is(&type, "message_delta")) {
        fold->deltas++;
        fold->outcome = front_raw(root, "delta");
        fold->usage = front_raw(root, "usage");

        if (fold->nblocks && !fold->blocks[fold->nblocks - 1].stopped) {
            fold->wrong = "the message ends before its last block";
        }

    } else if (front_is(&type, "message_stop")) {
        fold->stops++;

        if (fold->deltas != 1) {
            fold->wrong = "message_stop without message_delta";
        }

    } else {
        fold->wrong = "an event of no type";
    }
}


static void
fold_stream(ngx_pool_t *pool, const ngx_str_t *bytes, fold_t *fold)
{
    u_char         *p, *end;
    front_event_t   ev;

    memset(fold, 0, sizeof(fold_t));

    p = bytes->data;
    end = p + bytes->len;

    while (p < end && fold->wrong == NULL) {
        fold->wrong = front_event(pool, &p, end, &ev);

        if (fold->wrong == NULL) {
            fold_one(fold, &ev);
        }
    }
}


static void
fold_free(fold_t *fold)
{
    ngx_uint_t  i;

    for (i = 0; i < fold->nblocks; i++) {
        free(fold->blocks[i].text);
    }
}


/* What the unary reply must be, by what the stream has said. */

static ngx_str_t
fold_message(ngx_pool_t *pool, fold_t *fold)
{
    u_char       *q, *input;
    size_t        len;
    block_t      *block;
    ngx_str_t     s;
    ngx_uint_t    i;
    argo_out_t    out;

    argo_out_init(&out, pool, 512, NULL, 1);
    argo_out_str(&out, &fold->head);
    put(&out, "\"content\":[");

    for (i = 0; i < fold->nblocks; i++) {
        block = &fold->blocks[i];

        if (i) {
            put(&out, ",");
        }

        put(&out, "{\"type\":\"");
        put(&out, block->type);
        put(&out, "\",");

        if (strcmp(block->type, "text") == 0) {
            put(&out, "\"text\":\"");
            argo_out_write(&out, block->text, block->len);
            put(&out, "\"}");

        } else if (strcmp(block->type, "thinking") == 0) {
            put(&out, "\"thinking\":\"");
            argo_out_write(&out, block->text, block->len);
            put(&out, "\",\"signature\":\"");
            put(&out, block->signature);
            put(&out, "\"}");

        } else if (strcmp(block->type, "redacted_thinking") == 0) {
            put(&out, "\"data\":");
            put(&out, block->head);
            put(&out, "}");

        } else {
            input = malloc(block->len + 1);
            q = (u_char *) block->text;
            len = argo_json_unescape(&q, q + block->len, input, block->len);

            put(&out, block->head);
            put(&out, ",\"input\":");

            if (len == 0) {
                put(&out, "{}");
            }

            argo_out_write(&out, input, len);
            put(&out, "}");
            free(input);
        }
    }

    put(&out, "],");
    argo_out_write(&out, fold->outcome.data + 1, fold->outcome.len - 2);
    put(&out, ",\"usage\":");
    argo_out_str(&out, &fold->usage);
    put(&out, "}");

    if (argo_out_flatten(&out, pool, &s) != NGX_OK) {
        abort();
    }

    return s;
}


/* ---- replies */

static ngx_int_t
reply_script(ngx_pool_t *pool, const char *json, ngx_uint_t stream,
    front_request_t *r, front_reply_t *reply)
{
    ngx_str_t  in, body;

    in = front_str(json);

    if (front_read(pool, &argo_anthropic_front, &argo_legacy_back, &in, r)
        != NGX_OK)
    {
        return r->rc;
    }

    ngx_str_set(&body, "{}");

    if (front_begin(pool, reply, &argo_anthropic_front, &script_back, &r->req,
                    stream)
        == NGX_OK)
    {
        reply->rc = argo_stream_body(&reply->st, &body, &reply->out);
    }

    return front_end(pool, reply);
}


/* The stream is whole, and comes to the unary reply, which is given. */

static void
check_script(const char *name, const char *json, const char *unary)
{
    fold_t             fold;
    ngx_str_t          s;
    ngx_pool_t        *pool;
    front_reply_t      whole, stream;
    front_request_t    r;

    pool = test_pool();

    is(reply_script(pool, json, STREAM, &r, &stream), NGX_OK, "%s: stream",
       name);
    fold_stream(pool, &stream.bytes, &fold);

    ok(fold.wrong == NULL && fold.starts == 1 && fold.stops == 1
       && fold.errors == 0, "%s: the stream is in order (%s)", name,
       fold.wrong ? fold.wrong : "");

    is(reply_script(pool, json, UNARY, &r, &whole), NGX_OK, "%s: unary",
       name);
    is_str(&whole.bytes, unary, "%s: the unary reply", name);

    s = fold_message(pool, &fold);
    is_mem(s.data, s.len, whole.bytes.data, whole.bytes.len,
           "%s: the stream comes to it", name);

    fold_free(&fold);
    ngx_destroy_pool(pool);
}


#define HEAD    "{\"id\":\"msg_" FRONT_ID "\",\"type\":\"message\",\"role\":" \
                "\"assistant\",\"model\":\"gpt-4o\",\"content\":["
#define TAIL(reason, usage)                                                   \
    "],\"stop_reason\":\"" reason "\",\"stop_sequence\":null,\"usage\":"      \
    usage "}"
#define TOKENS(i, w, r, o)                                                    \
    "{\"input_tokens\":" i ",\"cache_creation_input_tokens\":" w              \
    ",\"cache_read_input_tokens\":" r ",\"output_tokens\":" o
#define USED    TOKENS("1", "0", "0", "1") "}"


static void
test_texts(void)
{
    argo_event_t  plain[] = { TEXT("Hel"), TEXT("lo \"x\"\n"),
                              USAGE(1, 1, 0, 0, 0),
                              FINISH(ARGO_FINISH_STOP) };
    argo_event_t  raw[] = { RAW("a\\n"), TEXT("b"), USAGE(1, 1, 0, 0, 0),
                            FINISH(ARGO_FINISH_LENGTH) };
    argo_event_t  refusal[] = { TEXT("a"), REFUSAL("No."),
                                USAGE(1, 1, 0, 0, 0),
                                FINISH(ARGO_FINISH_STOP) };
    argo_event_t  none[] = { TEXT(""), USAGE(1, 1, 0, 0, 0),
                             FINISH(ARGO_FINISH_STOP) };
    argo_event_t  usage[] = { USAGE(100, 1, 60, 30, 0), TEXT("a"),
                              USAGE(100, 7, 60, 30, 4),
                              FINISH(ARGO_FINISH_STOP) };

    set_script(plain, count(plain));
    check_script("text", hi,
                 HEAD "{\"type\":\"text\",\"text\":\"Hello \\\"x\\\"\\n\"}"
                 TAIL("end_turn", USED));

    set_script(raw, count(raw));
    check_script("escaped text, cut", hi,
                 HEAD "{\"type\":\"text\",\"text\":\"a\\nb\"}"
                 TAIL("max_tokens", USED));

    set_script(refusal, count(refusal));
    check_script("a refusal", hi,
                 HEAD "{\"type\":\"text\",\"text\":\"aNo.\"}"
                 TAIL("refusal", USED));

    set_script(none, count(none));
    check_script("nothing", hi, HEAD TAIL("end_turn", USED));

    set_script(usage, count(usage));
    check_script("usage", hi,
                 HEAD "{\"type\":\"text\",\"text\":\"a\"}"
                 TAIL("end_turn", TOKENS("10", "30", "60", "7")
                      ",\"output_tokens_details\":{\"thinking_tokens\":4}}"));
}


static void
test_thoughts(void)
{
    argo_event_t  signed_[] = { REASONING("h\""), REASONING("m"),
                                SIGNED(ANTHROPIC, "c2ln\\/"),
                                REASONING("more"),
                                SIGNED(ANTHROPIC, "two"),
                                REDACTED("ZGF0"), TEXT("a"),
                                USAGE(1, 1, 0, 0, 0),
                                FINISH(ARGO_FINISH_STOP) };
    argo_event_t  hidden[] = { SIGNED(ANTHROPIC, "sig"), TEXT("a"),
                               USAGE(1, 1, 0, 0, 0),
                               FINISH(ARGO_FINISH_STOP) };
    argo_event_t  foreign[] = { REASONING("one"), SIGNED(OPENAI, "x"),
                                REASONING("two"), TEXT("a"),
                                USAGE(1, 1, 0, 0, 0),
                                FINISH(ARGO_FINISH_STOP) };
    argo_event_t  google[] = { TEXT("a"),
                               { .type = ARGO_EVENT_TOOL_START,
                                 .id = ngx_string("c"),
                                 .name = ngx_string("f"),
                                 .signature = ngx_string("Zm9v") },
                               ARGS(0, "{}"), SIGNED(GOOGLE, "YmFy"),
                               USAGE(1, 1, 0, 0, 0),
                               FINISH(ARGO_FINISH_TOOL_CALLS) };

    set_script(signed_, count(signed_));
    check_script("thoughts", hi,
                 HEAD "{\"type\":\"thinking\",\"thinking\":\"h\\\"m\","
                 "\"signature\":\"c2ln\\/\"},{\"type\":\"thinking\","
                 "\"thinking\":\"more\",\"signature\":\"two\"},{\"type\":"
                 "\"redacted_thinking\",\"data\":\"ZGF0\"},{\"type\":"
                 "\"text\",\"text\":\"a\"}" TAIL("end_turn", USED));

    check_script("thoughts that nobody wants", HI("\"thinking\":{\"type\":"
                                                  "\"disabled\"}"),
                 HEAD "{\"type\":\"text\",\"text\":\"a\"}"
                 TAIL("end_turn", USED));

    check_script("thoughts that shall not be shown",
                 HI("\"thinking\":{\"type\":\"adaptive\",\"display\":"
                    "\"omitted\"}"),
                 HEAD "{\"type\":\"text\",\"text\":\"a\"}"
                 TAIL("end_turn", USED));

    set_script(hidden, count(hidden));
    check_script("thoughts that are not shown", hi,
                 HEAD "{\"type\":\"thinking\",\"thinking\":\"\","
                 "\"signature\":\"sig\"},{\"type\":\"text\",\"text\":\"a\"}"
                 TAIL("end_turn", USED));

    set_script(foreign, count(foreign));
    check_script("thoughts of another vendor's", hi,
                 HEAD "{\"type\":\"thinking\",\"thinking\":\"one\","
                 "\"signature\":\"\"},{\"type\":\"thinking\",\"thinking\":"
                 "\"two\",\"signature\":\"\"},{\"type\":\"text\",\"text\":"
                 "\"a\"}" TAIL("end_turn", USED));

    set_script(google, count(google));
    check_script("signatures of Google's", hi,
                 HEAD "{\"type\":\"text\",\"text\":\"a\"},{\"type\":"
                 "\"redacted_thinking\",\"data\":\"google:Zm9v\"},{\"type\":"
                 "\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":{}},"
                 "{\"type\":\"redacted_thinking\",\"data\":\"google:YmFy\"}"
                 TAIL("tool_use", USED));
}


static void
test_calls(void)
{
    argo_event_t  calls[] = { TEXT("Let me."), CALL(0, "call_A-1", "f"),
                              ARGS(0, "{\"a\":\"\\\"x\\n\""), ARGS(0, "}"),
                              CALL(1, "", "g\\/"), CALL(2, "a:b|c", "h"),
                              ARGS(2, " {\"n\": 1.0} "),
                              USAGE(1, 1, 0, 0, 0),
                              FINISH(ARGO_FINISH_TOOL_CALLS) };
    argo_event_t  said[] = { CALL(0, "c", "f"), ARGS(0, " \n"),
                             TEXT("done"), USAGE(1, 1, 0, 0, 0),
                             FINISH(ARGO_FINISH_STOP) };

    set_script(calls, count(calls));
    check_script("calls", hi,
                 HEAD "{\"type\":\"text\",\"text\":\"Let me.\"},{\"type\":"
                 "\"tool_use\",\"id\":\"call_A-1\",\"name\":\"f\",\"input\":"
                 "{\"a\":\"\\\"x\\n\"}},{\"type\":\"tool_use\",\"id\":"
                 "\"toolu_" FRONT_ID "_1\",\"name\":\"g\\/\",\"input\":{}},"
                 "{\"type\":\"tool_use\",\"id\":\"toolu_a-3ab-7cc\","
                 "\"name\":\"h\",\"input\": {\"n\": 1.0} }"
                 TAIL("tool_use", USED));

    /* who runs tools looks for the reason, whatever upstream says */

    said[1] = (argo_event_t) ARGS(0, "");
    set_script(said, count(said));
    check_script("calls, and upstream says stop", hi,
                 HEAD "{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\","
                 "\"input\":{}},{\"type\":\"text\",\"text\":\"done\"}"
                 TAIL("tool_use", USED));
}


static void
test_outcomes(void)
{
    ngx_str_t          s;
    ngx_uint_t         i;
    ngx_pool_t        *pool;
    argo_json_t       *root;
    argo_error_t       err;
    front_reply_t      reply;
    front_request_t    r;

    static struct {
        argo_finish_e   finish;
        const char     *reason;
    } reasons[] = {
        { ARGO_FINISH_STOP, "\"end_turn\"" },
        { ARGO_FINISH_LENGTH, "\"max_tokens\"" },
        { ARGO_FINISH_TOOL_CALLS, "\"end_turn\"" },
        { ARGO_FINISH_CONTENT_FILTER, "\"refusal\"" },
        { ARGO_FINISH_STOP_SEQUENCE, "\"stop_sequence\"" },
        { ARGO_FINISH_PAUSE, "\"pause_turn\"" },
        { ARGO_FINISH_CONTEXT, "\"model_context_window_exceeded\"" }
    };

    static argo_event_t  events[] = { TEXT("a"),
                                      { .type = ARGO_EVENT_FINISH,
                                        .text = ngx_string("E\\nD") } };

    for (i = 0; i < count(reasons); i++) {
        pool = test_pool();

        events[1].finish = reasons[i].finish;
        set_script(events, count(events));

        (void) reply_script(pool, hi, UNARY, &r, &reply);

        if (argo_json_parse(pool, &reply.bytes, 4, &root, &err) != NGX_OK) {
            abort();
        }

        s = front_raw(root, "stop_reason");
        is_str(&s, reasons[i].reason, "reason %s", reasons[i].reason);

        s = front_raw(root, "stop_sequence");
        is_str(&s, reasons[i].finish == ARGO_FINISH_STOP_SEQUENCE
                   ? "\"E\\nD\"" : "null", "stop sequence of %s",
               reasons[i].reason);

        ngx_destroy_pool(pool);
    }
}


/* What is no JSON must not become an empty input. */

static void
test_bad_input(void)
{
    ngx_uint_t         i;
    ngx_pool_t        *pool;
    front_reply_t      reply;
    front_request_t    r;

    static const char  *bad[] = { "{\"a\":", "[1]", "\"{}\"", "null", "{} {}",
                                  "{'a': 1}" };

    argo_event_t  events[] = { CALL(0, "c", "f"), ARGS(0, "{}"),
                               CALL(1, "d", "f"), ARGS(1, ""),
                               FINISH(ARGO_FINISH_TOOL_CALLS) };

    set_script(events, count(events));

    for (i = 0; i < count(bad); i++) {
        pool = test_pool();
        events[3].text = front_str(bad[i]);

        is(reply_script(pool, hi, UNARY, &r, &reply), NGX_DECLINED,
           "arguments %s: an error", bad[i]);
        ok(reply.bytes.len == 0 && reply.st.error.status == 502
           && front_is(&reply.st.error.code, "upstream_invalid_reply"),
           "arguments %s: which", bad[i]);

        ngx_destroy_pool(pool);
    }

    pool = test_pool();
    events[3].text = front_str("{\"a\":");
    events[4].finish = ARGO_FINISH_LENGTH;

    is(reply_script(pool, hi, UNARY, &r, &reply), NGX_DECLINED,
       "arguments cut by max_tokens: an error");
    ok(reply.st.error.status == 400
       && front_is(&reply.st.error.param, "max_tokens"),
       "arguments cut by max_tokens: nothing to try again");

    ngx_destroy_pool(pool);
}


/* ---- message_start tells what the prompt costs */

static void
test_start(void)
{
    fold_t             fold;
    ngx_pool_t        *pool;
    front_reply_t      reply;
    front_request_t    r;

    argo_event_t  known[] = { USAGE(100, 1, 60, 30, 0), TEXT("Zebra"),
                              USAGE(120, 7, 60, 30, 0),
                              FINISH(ARGO_FINISH_STOP) };
    argo_event_t  unknown[] = { TEXT("abcdefgh"), FINISH(ARGO_FINISH_STOP) };

    pool = test_pool();
    set_script(known, count(known));

    (void) reply_script(pool, hi, STREAM, &r, &reply);
    fold_stream(pool, &reply.bytes, &fold);

    is_str(&fold.start_usage, TOKENS("10", "30", "60", "1") "}",
           "message_start has upstream's usage");
    is_str(&fold.usage, TOKENS("30", "30", "60", "7") "}",
           "message_delta has the last");
    is(fold.pings, 1, "a ping");
    fold_free(&fold);

    set_script(unknown, count(unknown));

    (void) reply_script(pool,
                        BODY(MSG("user", "\"abcdefghi\""), ""), STREAM, &r,
                        &reply);
    fold_stream(pool, &reply.bytes, &fold);

    is_str(&fold.start_usage, TOKENS("3", "0", "0", "0") "}",
           "message_start has an estimate");
    is_str(&fold.usage, TOKENS("3", "0", "0", "2") "}",
           "message_delta has one of the reply as well");
    fold_free(&fold);

    ngx_destroy_pool(pool);
}


/* ---- errors */

static void
test_errors(void)
{
    ngx_str_t      s;
    ngx_uint_t     i;
    ngx_pool_t    *pool;
    argo_out_t     out;
    argo_error_t   err;

    static struct {
        ngx_uint_t   status;
        const char  *type;
    } types[] = {
        { 400, "invalid_request_error" }, { 401, "authentication_error" },
        { 402, "billing_error" }, { 403, "permission_error" },
        { 404, "not_found_error" }, { 405, "invalid_request_error" },
        { 408, "timeout_error" }, { 413, "request_too_large" },
        { 422, "invalid_request_error" }, { 429, "rate_limit_error" },
        { 500, "api_error" }, { 502, "api_error" },
        { 503, "overloaded_error" }, { 504, "timeout_error" },
        { 529, "overloaded_error" }
    };

    char  expected[256];

    for (i = 0; i < count(types); i++) {
        pool = test_pool();

        (void) argo_error_set(&err, types[i].status, "a_code", "a_param",
                              "say \"no\"");
        argo_out_init(&out, pool, 512, NULL, 1);
        argo_anthropic_front.write_error(&err, &out);
        (void) argo_out_flatten(&out, pool, &s);

        (void) snprintf(expected, sizeof(expected),
                        "{\"type\":\"error\",\"error\":{\"type\":\"%s\","
                        "\"message\":\"say \\\"no\\\"\"}}", types[i].type);

        is_str(&s, expected, "the error of status %d", (int) types[i].status);

        ngx_destroy_pool(pool);
    }

    pool = test_pool();

    (void) argo_error_set(&err, 400, "thread_unsupported_request", "thread",
                          "No.");
    ngx_str_set(&err.request_id, "req_1");
    argo_out_init(&out, pool, 512, NULL, 1);
    argo_anthropic_front.write_error(&err, &out);
    (void) argo_out_flatten(&out, pool, &s);

    is_str(&s, "{\"type\":\"error\",\"error\":{\"type\":"
               "\"invalid_request_error\",\"message\":\"No.\",\"details\":"
               "{\"error_code\":\"thread_unsupported_request\","
               "\"unsupported\":[\"thread\"]}},\"request_id\":\"req_1\"}",
           "the error that makes the SDK send everything");

    ngx_destroy_pool(pool);
}


static void
test_failures(void)
{
    fold_t             fold;
    ngx_pool_t        *pool;
    argo_error_t       err;
    front_reply_t      reply;
    front_request_t    r;

    argo_event_t  cut[] = { REASONING("hm"), TEXT("a"),
                            { .type = ARGO_EVENT_ERROR, .error = &err } };

    (void) argo_error_set(&err, 529, NULL, NULL, "Overloaded");
    set_script(cut, count(cut));

    pool = test_pool();

    is(reply_script(pool, hi, STREAM, &r, &reply), NGX_DECLINED,
       "a stream fails");
    fold_stream(pool, &reply.bytes, &fold);
    ok(fold.wrong == NULL && fold.errors == 1 && fold.stops == 0
       && fold.deltas == 0, "a stream fails: in order");
    is_str(&fold.error, "{\"type\":\"overloaded_error\",\"message\":"
                        "\"Overloaded\"}", "a stream fails: the error");
    fold_free(&fold);

    is(reply_script(pool, hi, UNARY, &r, &reply), NGX_DECLINED,
       "a unary reply fails");
    is(reply.bytes.len, 0, "a unary reply fails: nothing is written");

    ngx_destroy_pool(pool);
}


/* ---- over ARGO's legacy API */

static void
test_legacy_text(void)
{
    size_t             i;
    ngx_str_t          in, text, first;
    ngx_uint_t         bad;
    ngx_pool_t        *pool, *each;
    fold_t             fold;
    front_reply_t      reply;
    front_request_t    r;

    text = front_str("Gr\xc3\xbc\xc3\x9f" "e \"\\\" \xf0\x9f\x98\x80\r\n"
                     "end");
    in = front_str(hi);
    pool = test_pool();

    is(front_read(pool, &argo_anthropic_front, &argo_legacy_back, &in, &r),
       NGX_OK, "legacy: read");
    is_str(&r.body, "{\"model\":\"gpt4o\",\"user\":\"jdoe\",\"messages\":"
                    "[{\"role\":\"user\",\"content\":\"Hi\"}],"
                    "\"max_tokens\":9}", "legacy: what goes up");

    front_begin(pool, &reply, &argo_anthropic_front, &argo_legacy_back,
                &r.req, STREAM);
    front_feed(&reply, &text, WHOLE, 1);
    front_end(pool, &reply);
    fold_stream(pool, &reply.bytes, &fold);

    ok(fold.wrong == NULL && fold.stops == 1 && fold.nblocks == 1,
       "legacy: a stream in order");
    ok(strcmp(fold.blocks[0].text, "Gr\xc3\xbc\xc3\x9f" "e \\\"\\\\\\\" "
              "\xf0\x9f\x98\x80\\r\\nend") == 0, "legacy: its text");
    first = fold.outcome;
    bad = 0;

    for (i = 0; i <= text.len; i++) {
        fold_t  again;

        each = test_pool();
        front_begin(each, &reply, &argo_anthropic_front, &argo_legacy_back,
                    &r.req, STREAM);
        front_feed(&reply, &text, (i == text.len) ? BYTES : i, 1);
        front_end(each, &reply);
        fold_stream(each, &reply.bytes, &again);

        if (again.wrong || again.nblocks != 1
            || again.blocks[0].len != fold.blocks[0].len
            || memcmp(again.blocks[0].text, fold.blocks[0].text,
                      again.blocks[0].len) != 0
            || !front_same(&again.outcome, &first))
        {
            bad++;
        }

        fold_free(&again);
        ngx_destroy_pool(each);
    }

    is(bad, 0, "legacy: the same, wherever it is cut");

    fold_free(&fold);
    ngx_destroy_pool(pool);
}


static const request_t  legacy[] = {

    { "parameters",
      HI("\"temperature\":0.50,\"top_p\":1,\"top_k\":4,\"stop_sequences\":"
         "[\"a\"],\"metadata\":{\"user_id\":\"u\"}"),
      "{\"model\":\"gpt4o\",\"user\":\"jdoe\",\"messages\":[{\"role\":"
      "\"user\",\"content\":\"Hi\"}],\"temperature\":0.50,\"top_p\":1,"
      "\"stop\":[\"a\"],\"max_tokens\":9}" },

    { "a conversation with tools",
      BODY(MSG("user", "[" TXT("a") ","
               SOURCE("{\"type\":\"base64\",\"media_type\":\"image/png\","
                      "\"data\":\"AAAA\"}") "]") ","
           MSG("assistant", "[{\"type\":\"thinking\",\"thinking\":\"hm\","
               "\"signature\":\"s\"}," USE("t1") "]") ","
           MSG("user", "[" RESULT("t1", ",\"content\":\"no\",\"is_error\":"
                                  "true") "," TXT("b") "]"),
           ",\"tools\":[{\"name\":\"f\",\"input_schema\":{}}]"),
      "{\"model\":\"gpt4o\",\"user\":\"jdoe\",\"messages\":[{\"role\":"
      "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":"
      "\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}"
      "]},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":"
      "\"t1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"{\\\"a\\\": 1.0}\"}}]},{\"role\":\"tool\","
      "\"content\":\"[failed] no\",\"tool_call_id\":\"t1\"},{\"role\":"
      "\"user\",\"content\":\"b\"}],\"max_tokens\":9,\"tools\":[{\"type\":"
      "\"function\",\"function\":{\"name\":\"f\",\"parameters\":{}}}]}" }
};


static const wrong_t  legacy_wrongs[] = {

    { "a block that only Anthropic has",
      USER(TXT("a") ",{\"type\":\"search_result\"}"), "unsupported_value",
      "messages.0.content.1", "has no form in ARGO's legacy API" },

    { "a document",
      USER(RESULT("t1", "") "," DOC("{\"type\":\"url\",\"url\":\"x\"}")),
      "unsupported_value", "messages.0.content.1",
      "has no form in ARGO's legacy API" },

    { "a result of no call",
      USER(RESULT("t1", "")), "invalid_value",
      "messages.0.content.0.tool_use_id",
      "names no unanswered tool call of the assistant's message before it" },

    { "servers of tools",
      HI("\"mcp_servers\":[{}]"), "unsupported_parameter", "mcp_servers",
      NULL }
};


static ngx_int_t
legacy_read(ngx_pool_t *pool, const char *json, front_request_t *r)
{
    argo_out_t  out;

    r->rc = read_only(pool, json, argo_anthropic_read_request, &r->req,
                      &r->err);

    if (r->rc == NGX_OK) {
        r->rc = argo_model_resolve(pool, front_models(), &r->req.model,
                                   &r->req.target, &r->err);
    }

    ngx_str_set(&r->req.user, "jdoe");

    if (r->rc == NGX_OK) {
        r->rc = r->req.adapt(pool, &r->req, ARGO_DIALECT_LEGACY, &r->err);
    }

    if (r->rc == NGX_OK) {
        r->rc = argo_legacy_back.plan_call(pool, &r->req, 0, &r->call,
                                           &r->err);
    }

    if (r->rc == NGX_OK) {
        argo_out_init(&out, pool, 512, NULL, 0);
        argo_legacy_back.write_request(&r->req, &r->call, &out);
        r->rc = argo_out_flatten(&out, pool, &r->body);
    }

    return r->rc;
}


static void
test_legacy(void)
{
    ngx_uint_t         i;
    ngx_pool_t        *pool;
    const wrong_t     *w;
    front_request_t    r;

    for (i = 0; i < count(legacy); i++) {
        pool = test_pool();

        is(legacy_read(pool, legacy[i].in, &r), NGX_OK, "legacy: %s",
           legacy[i].name);
        is_str(&r.body, legacy[i].out, "legacy: %s: what goes up",
               legacy[i].name);

        ngx_destroy_pool(pool);
    }

    for (i = 0; i < count(legacy_wrongs); i++) {
        pool = test_pool();
        w = &legacy_wrongs[i];

        is(legacy_read(pool, w->in, &r), NGX_DECLINED, "legacy: %s: refused",
           w->name);
        ok(front_is(&r.err.code, w->code) && front_is(&r.err.param, w->param),
           "legacy: %s: code and param", w->name);

        ngx_destroy_pool(pool);
    }
}


static void
test_legacy_call(void)
{
    fold_t             fold;
    ngx_str_t          in, body, s;
    ngx_pool_t        *pool;
    front_reply_t      reply;
    front_request_t    r;

    pool = test_pool();
    in = front_str(HI("\"tools\":[{\"name\":\"f\",\"input_schema\":{}}]"));
    body = front_str("{\"response\":{\"content\":\"w\",\"tool_calls\":[{"
                     "\"id\":\"c\",\"type\":\"function\",\"function\":{"
                     "\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]}}");

    is(front_read(pool, &argo_anthropic_front, &argo_legacy_back, &in, &r),
       NGX_OK, "legacy call: read");

    front_begin(pool, &reply, &argo_anthropic_front, &argo_legacy_back,
                &r.req, STREAM);
    reply.rc = argo_stream_body(&reply.st, &body, &reply.out);
    front_end(pool, &reply);
    fold_stream(pool, &reply.bytes, &fold);
    ok(fold.wrong == NULL && fold.stops == 1, "legacy call: a stream");
    s = fold_message(pool, &fold);

    front_begin(pool, &reply, &argo_anthropic_front, &argo_legacy_back,
                &r.req, UNARY);
    reply.rc = argo_stream_body(&reply.st, &body, &reply.out);
    front_end(pool, &reply);

    is_mem(s.data, s.len, reply.bytes.data, reply.bytes.len,
           "legacy call: it comes to the unary reply");
    ok(memmem(s.data, s.len, "\"input\":{\"a\":1}}", 16) != NULL,
       "legacy call: with its input");

    fold_free(&fold);
    ngx_destroy_pool(pool);
}


/* ---- what ARGO and OpenAI have been seen to send, over chat completions */

static const char  *recorded[] = {
    "argo-chat-stream-text.sse",
    "argo-chat-stream-tool-call.sse",
    "argo-chat-stream-starved.sse",
    "openai-chat-stream-text.sse",
    "openai-chat-stream-tool-call.sse",
    "openai-chat-stream-tool-followup.sse",
    "argo-chat-text.json",
    "argo-chat-tool-call.json",
    "argo-chat-starved.json",
    "openai-chat-tool-followup.json"
};


/*
 * Compares with the file t/fixtures/anthropic/NAME.gold.SUFFIX, or writes it
 * if ARGO_UPDATE_GOLD is set.
 */

static void
golden(ngx_pool_t *pool, const char *name, const char *suffix,
    const ngx_str_t *got)
{
    char        path[256];
    FILE       *f;
    ngx_str_t   expected;

    (void) snprintf(path, sizeof(path), "t/fixtures/anthropic/%s.gold.%s",
                    name, suffix);

    if (getenv("ARGO_UPDATE_GOLD")) {
        f = fopen(path, "wb");

        if (f == NULL || fwrite(got->data, 1, got->len, f) != got->len
            || fclose(f) != 0)
        {
            perror(path);
            exit(1);
        }
    }

    (void) snprintf(path, sizeof(path), "../anthropic/%s.gold.%s", name,
                    suffix);
    expected = front_file(pool, path);

    is_mem(got->data, got->len, expected.data, expected.len, "%s: %s", name,
           suffix);
}


static ngx_int_t
recorded_stream(ngx_pool_t *pool, argo_request_t *req, ngx_str_t *source,
    size_t cut, ngx_str_t *bytes)
{
    front_reply_t  reply;

    front_begin(pool, &reply, &argo_anthropic_front, &argo_openai_chat_back,
                req, STREAM);
    front_feed(&reply, source, cut, 1);
    (void) front_end(pool, &reply);

    *bytes = reply.bytes;

    return reply.rc;
}


static void
check_recorded_stream(const char *name, ngx_pool_t *pool,
    argo_request_t *req, ngx_str_t *source)
{
    fold_t        fold;
    size_t        cut, step;
    ngx_str_t     whole, bytes;
    ngx_uint_t    bad;
    ngx_pool_t   *each;

    is(recorded_stream(pool, req, source, WHOLE, &whole), NGX_OK,
       "%s: a stream", name);
    golden(pool, name, "sse", &whole);

    fold_stream(pool, &whole, &fold);
    ok(fold.wrong == NULL && fold.stops == 1 && fold.errors == 0,
       "%s: in order (%s)", name, fold.wrong ? fold.wrong : "");
    fold_free(&fold);

    /* at each byte of a short one, at some of a long one */

    step = 1 + source->len / 2000;
    bad = 0;

    for (cut = 1; cut < source->len + step; cut += step) {
        each = test_pool();

        if (recorded_stream(each, req, source,
                            (cut < source->len) ? cut : BYTES, &bytes)
            != NGX_OK
            || !front_same(&bytes, &whole))
        {
            bad++;
        }

        ngx_destroy_pool(each);
    }

    is(bad, 0, "%s: the same, wherever it is cut", name);
}


static void
check_recorded_body(const char *name, ngx_pool_t *pool,
    argo_request_t *req, ngx_str_t *source)
{
    fold_t          fold;
    ngx_str_t       s;
    front_reply_t   unary, stream;

    front_begin(pool, &unary, &argo_anthropic_front, &argo_openai_chat_back,
                req, UNARY);
    unary.rc = argo_stream_body(&unary.st, source, &unary.out);
    is(front_end(pool, &unary), NGX_OK, "%s: a body", name);
    golden(pool, name, "json", &unary.bytes);

    front_begin(pool, &stream, &argo_anthropic_front, &argo_openai_chat_back,
                req, STREAM);
    stream.rc = argo_stream_body(&stream.st, source, &stream.out);
    is(front_end(pool, &stream), NGX_OK, "%s: as a stream", name);

    fold_stream(pool, &stream.bytes, &fold);
    ok(fold.wrong == NULL && fold.stops == 1 && fold.errors == 0,
       "%s: in order (%s)", name, fold.wrong ? fold.wrong : "");

    s = fold_message(pool, &fold);
    is_mem(s.data, s.len, unary.bytes.data, unary.bytes.len,
           "%s: the stream comes to the body", name);

    fold_free(&fold);
}


/*
 * Claude's own bodies, for a client that wanted a stream: nothing can be
 * passed on as it came.
 */

static void
test_messages(void)
{
    fold_t             fold;
    ngx_str_t          in, source;
    ngx_uint_t         i;
    ngx_pool_t        *pool;
    front_reply_t      reply;
    front_request_t    r;

    static const char  *names[] = { "anthropic-text.json",
                                    "argo-messages-text.json",
                                    "argo-messages-tool-call.json" };

    in = front_str("{\"model\":\"claude-opus-4.6\",\"max_tokens\":9,"
                   "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");

    for (i = 0; i < count(names); i++) {
        pool = test_pool();

        (void) front_read(pool, &argo_anthropic_front, &argo_anthropic_back,
                          &in, &r);

        source = front_file(pool, names[i]);

        front_begin(pool, &reply, &argo_anthropic_front,
                    &argo_anthropic_back, &r.req, STREAM);
        reply.rc = argo_stream_body(&reply.st, &source, &reply.out);
        is(front_end(pool, &reply), NGX_OK, "%s: a stream", names[i]);
        golden(pool, names[i], "sse", &reply.bytes);

        fold_stream(pool, &reply.bytes, &fold);
        ok(fold.wrong == NULL && fold.stops == 1 && fold.errors == 0,
           "%s: in order (%s)", names[i], fold.wrong ? fold.wrong : "");

        fold_free(&fold);
        ngx_destroy_pool(pool);
    }
}


static void
test_recorded(void)
{
    ngx_str_t          in, source;
    ngx_uint_t         i;
    ngx_pool_t        *pool;
    front_request_t    r;

    in = front_str(HI("\"tools\":[{\"name\":\"get_weather\","
                      "\"input_schema\":{}}]"));

    for (i = 0; i < count(recorded); i++) {
        pool = test_pool();

        if (front_read(pool, &argo_anthropic_front, &argo_openai_chat_back,
                       &in, &r)
            != NGX_OK)
        {
            abort();
        }

        source = front_file(pool, recorded[i]);

        if (strstr(recorded[i], ".sse")) {
            check_recorded_stream(recorded[i], pool, &r.req, &source);

        } else {
            check_recorded_body(recorded[i], pool, &r.req, &source);
        }

        ngx_destroy_pool(pool);
    }
}


/* Gemini's signature of a call goes to the client and comes back. */

#define NEXT_TURN(model)                                                      \
    "{\"model\":\"" model "\",\"max_tokens\":9,\"messages\":["               \
    MSG("user", "\"Hi\"") "," MSG("assistant",                                \
        "[{\"type\":\"redacted_thinking\",\"data\":\"google:Zm9v\\u002b\"},"  \
        USE("t1") "]") ","                                                    \
    MSG("user", "[" RESULT("t1", ",\"content\":\"1\"") "]") "]}"


static void
test_signature(void)
{
    fold_t             fold;
    ngx_str_t          in, body, s;
    ngx_uint_t         i;
    ngx_pool_t        *pool;
    argo_json_t       *root;
    argo_error_t       err;
    front_reply_t      reply;
    front_request_t    r;

    pool = test_pool();

    in = front_str(HI("\"tools\":[{\"name\":\"f\",\"input_schema\":{}}]"));
    body = front_str("{\"choices\":[{\"index\":0,\"message\":{\"role\":"
                     "\"assistant\",\"content\":null,\"tool_calls\":[{"
                     "\"id\":\"t1\",\"type\":\"function\",\"function\":{"
                     "\"name\":\"f\",\"arguments\":\"{}\"},"
                     "\"extra_content\":{\"google\":{\"thought_signature\":"
                     "\"Zm9v\\u002b\"}}}]},\"finish_reason\":\"stop\"}]}");

    (void) front_read(pool, &argo_anthropic_front, &argo_openai_chat_back,
                      &in, &r);
    front_begin(pool, &reply, &argo_anthropic_front, &argo_openai_chat_back,
                &r.req, STREAM);
    reply.rc = argo_stream_body(&reply.st, &body, &reply.out);
    (void) front_end(pool, &reply);

    fold_stream(pool, &reply.bytes, &fold);
    ok(fold.wrong == NULL && fold.nblocks == 2
       && strcmp(fold.blocks[0].head, "\"google:Zm9v\\u002b\"") == 0,
       "a signature of Gemini's: the client gets it");
    fold_free(&fold);

    for (i = 0; i < 3; i++) {

        in = front_str(i == 0 ? NEXT_TURN("gemini-2.5-pro")
                              : i == 1 ? NEXT_TURN("gpt-5")
                                       : NEXT_TURN("claude-opus-4.6"));

        is(front_read(pool, &argo_anthropic_front,
                      (i == 2) ? &argo_anthropic_back
                               : &argo_openai_chat_back, &in, &r),
           NGX_OK, "a signature of Gemini's: the next turn");

        if (argo_json_parse(pool, &r.body, 9, &root, &err) != NGX_OK) {
            abort();
        }

        s = front_raw(root, "messages.1.tool_calls.0.extra_content.google."
                            "thought_signature");
        is_str(&s, i ? "" : "\"Zm9v\\u002b\"",
               "a signature of Gemini's: it goes back to Gemini alone");
        is(memmem(r.body.data, r.body.len, "Zm9v", 4) == NULL, i != 0,
           "a signature of Gemini's: nowhere else");
        is(r.req.changes == NULL, i == 0,
           "a signature of Gemini's: told if it is left out");
    }

    ngx_destroy_pool(pool);
}


/* ---- counts */

static uint64_t
count_of(const char *json, const char *model)
{
    uint64_t         n;
    ngx_pool_t      *pool;
    argo_error_t     err;
    argo_request_t   req;

    pool = test_pool();
    n = 0;

    if (read_only(pool, json, argo_anthropic_read_count_request, &req, &err)
        == NGX_OK)
    {
        req.model = front_str(model);

        if (argo_model_resolve(pool, front_models(), &req.model, &req.target,
                               &err)
            == NGX_OK)
        {
            n = argo_count_request(pool, &req);
        }
    }

    ngx_destroy_pool(pool);

    return n;
}


#define COUNT(messages, more)  "{\"messages\":[" messages "]" more "}"
#define PICTURE                                                               \
    SOURCE("{\"type\":\"url\",\"url\":\"https://x/y.png\"}")


static void
test_counts(void)
{
    ngx_str_t    s;
    ngx_pool_t  *pool;
    argo_out_t   out;

    is(count_of(COUNT(MSG("user", "\"abcdefgh\""), ""), "gpt-4o"), 2,
       "a count without max_tokens");
    is(count_of(COUNT(MSG("user", "\"\""), ""), "gpt-4o"), 1,
       "a count is never 0");
    is(count_of(COUNT(MSG("user", "[" PICTURE "]"), ""),
                "claude-opus-4.6"), 1600, "an image for Claude");
    is(count_of(COUNT(MSG("user", "[" PICTURE "," PICTURE "]"), ""),
                "gpt-4o"), 1530, "two for GPT");
    is(count_of(COUNT(MSG("user", "[" RESULT("t", ",\"content\":[" PICTURE
                                             "]") "]"), ""),
                "gemini-2.5-pro"), 258, "one in a result for Gemini");
    is(count_of(COUNT(MSG("user", "[" DOC("{\"type\":\"base64\","
                                           "\"media_type\":\"a\",\"data\":"
                                           "\"\"}") "]"), ""), "gpt-4o"),
       2000, "a document");
    is(count_of(COUNT(MSG("assistant", "[" USE("t") "]"),
                      ",\"tools\":[{\"name\":\"abcd\",\"description\":"
                      "\"abcd\",\"input_schema\":{\"a\":11}}]"), "gpt-4o"),
       7, "a call and a tool");

    pool = test_pool();

    argo_out_init(&out, pool, 512, NULL, 1);
    argo_count_write_anthropic(12, &out);
    argo_count_write_gemini(34, &out);
    (void) argo_out_flatten(&out, pool, &s);
    is_str(&s, "{\"input_tokens\":12}{\"totalTokens\":34,"
               "\"promptTokensDetails\":[{\"modality\":\"TEXT\","
               "\"tokenCount\":34}]}", "the answers");

    ngx_destroy_pool(pool);
}


/* ---- memory */

static ngx_int_t
sweep_once(const char *json, ngx_uint_t stream)
{
    ngx_int_t          rc;
    ngx_pool_t        *pool;
    front_reply_t      reply;
    front_request_t    r;

    pool = ngx_create_pool(4096, NULL);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = reply_script(pool, json, stream, &r, &reply);

    ngx_destroy_pool(pool);

    return rc;
}


static void
sweep(const char *name, const char *json, ngx_uint_t stream,
    ngx_int_t expected)
{
    ngx_int_t   rc;
    ngx_uint_t  i, n, bad;

    (void) front_models();

    n = 0;
    bad = 0;

    for (i = 1; ; i++) {
        ngx_shim_fail(i);
        rc = sweep_once(json, stream);

        if (!ngx_shim_failed()) {
            break;
        }

        n++;
        bad += (rc != NGX_ERROR);
    }

    bad += (rc != expected);
    ngx_shim_fail(0);

    ok(bad == 0 && n > 10, "%s: each of %d allocations may fail", name,
       (int) n);
}


static void
test_memory(void)
{
    argo_event_t  all[] = { REASONING("hm"), SIGNED(ANTHROPIC, "s"),
                            REDACTED("d"), TEXT("a"),
                            { .type = ARGO_EVENT_TOOL_START,
                              .id = ngx_string("c"),
                              .name = ngx_string("f"),
                              .signature = ngx_string("g") },
                            ARGS(0, "{\"a\":1}"),
                            FINISH(ARGO_FINISH_TOOL_CALLS) };
    argo_event_t  wrong[] = { CALL(0, "c", "f"), ARGS(0, "{"),
                              FINISH(ARGO_FINISH_TOOL_CALLS) };

    static const char  request[] =
        BODY(MSG("user", "[" TXT("a") ","
                 SOURCE("{\"type\":\"base64\",\"media_type\":\"image/png\","
                        "\"data\":\"AAAA\"}") "]") ","
             MSG("assistant", "[{\"type\":\"thinking\",\"thinking\":\"hm\"},"
                 USE("t1") "]") ","
             MSG("user", "[" RESULT("t1", ",\"is_error\":true") "]"),
             ",\"system\":[" TXT("a") "],\"tools\":[{\"name\":\"f\","
             "\"input_schema\":{}}],\"tool_choice\":{\"type\":\"any\"},"
             "\"output_format\":{\"type\":\"json_schema\",\"schema\":{}}");

    set_script(all, count(all));
    sweep("a unary reply", request, UNARY, NGX_OK);
    sweep("a stream", request, STREAM, NGX_OK);

    set_script(wrong, count(wrong));
    sweep("arguments that are none", hi, UNARY, NGX_DECLINED);
}


/* A stream of any length takes what a short one does. */

static ngx_uint_t
allocations(ngx_uint_t n)
{
    size_t             i;
    ngx_str_t          in;
    ngx_uint_t         made;
    ngx_pool_t        *pool;
    argo_out_t         out;
    argo_event_t       ev;
    front_reply_t      reply;
    front_request_t    r;

    pool = test_pool();
    in = front_str(hi);

    (void) front_read(pool, &argo_anthropic_front, &argo_legacy_back, &in,
                      &r);
    (void) front_begin(pool, &reply, &argo_anthropic_front, &script_back,
                       &r.req, STREAM);

    /* large enough for all: what remains is taken by the events */

    argo_out_init(&out, pool, 1024 * 1024, NULL, 1);
    out.next = out.block;
    put(&out, " ");
    reply.st.out = &out;

    ngx_shim_fail(0);
    memset(&ev, 0, sizeof(argo_event_t));
    (void) argo_stream_emit(&reply.st, &ev);

    for (i = 0; i < n; i++) {
        ev.type = (i % 2) ? ARGO_EVENT_TEXT : ARGO_EVENT_REASONING;
        ngx_str_set(&ev.text, "abc");
        (void) argo_stream_emit(&reply.st, &ev);
    }

    made = ngx_shim_count();
    ngx_destroy_pool(pool);

    return made;
}


static void
test_events(void)
{
    is((long long) allocations(1000), (long long) allocations(10),
       "events take no memory from the pool");
}


int
main(void)
{
    test_requests();
    test_wrongs();
    test_texts();
    test_thoughts();
    test_calls();
    test_outcomes();
    test_bad_input();
    test_start();
    test_errors();
    test_failures();
    test_legacy_text();
    test_legacy();
    test_legacy_call();
    test_recorded();
    test_messages();
    test_signature();
    test_anew();
    test_adapt();
    test_counts();
    test_memory();
    test_events();

    return front_done();
}
