
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * JSON documents by chance, the same for the same seed: requests and replies
 * that are right, in the oddest of clothes.  Members in any order, and
 * several of one name; names and strings with escapes that need not be, with
 * NULs and half of surrogate pairs; numbers that no type holds; members that
 * nobody knows, nested deeply; blanks.
 */


#ifndef _ARGO_GENERATE_H_INCLUDED_
#define _ARGO_GENERATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <stdlib.h>
#include <string.h>


#define GEN_SIZE         (64 * 1024)
#define GEN_MAX_MEMBERS  24


typedef enum {
    GEN_CHAT = 0,                   /* OpenAI's chat completions */
    GEN_MESSAGES                    /* Anthropic's messages */
} gen_dialect_e;


typedef struct {
    uint64_t         seed;
    gen_dialect_e    dialect;
    size_t           len;
    u_char           buf[GEN_SIZE];
    ngx_uint_t       stream;        /* what the last request said */
} gen_t;


/* writes a member's value */
typedef void (*gen_value_pt)(gen_t *g);


typedef struct {
    const char      *name;
    gen_value_pt     value;
    ngx_uint_t       percent;       /* how often it is there */
} gen_member_t;


static inline void gen_any(gen_t *g, ngx_uint_t depth);


static inline ngx_uint_t
gen_random(gen_t *g, ngx_uint_t n)
{
    g->seed = g->seed * 6364136223846793005ull + 1442695040888963407ull;

    return (g->seed >> 33) % n;
}


static inline void
gen_write(gen_t *g, const void *p, size_t n)
{
    if (g->len + n > GEN_SIZE) {
        abort();
    }

    memcpy(g->buf + g->len, p, n);
    g->len += n;
}


static inline void
gen_text(gen_t *g, const char *text)
{
    gen_write(g, text, strlen(text));
}


static inline void
gen_blank(gen_t *g)
{
    static const char  *blanks[] = {
        "", "", "", "", "", "", " ", "\n", "\t", "\r\n", "  ", "\n    "
    };

    gen_text(g, blanks[gen_random(g, 12)]);
}


/* Characters of a name or a string, as escapes now and then. */

static inline void
gen_letters(gen_t *g, const char *text)
{
    char  escape[8];

    for ( /* void */ ; *text; text++) {

        if (gen_random(g, 40) == 0 && (u_char) *text < 0x80) {
            (void) snprintf(escape, sizeof(escape),
                            gen_random(g, 2) ? "\\u%04x" : "\\u%04X",
                            (unsigned) (u_char) *text);
            gen_text(g, escape);

        } else {
            gen_write(g, text, 1);
        }
    }
}


static inline void
gen_name(gen_t *g, const char *name)
{
    gen_text(g, "\"");
    gen_letters(g, name);
    gen_text(g, "\"");
}


static inline void
gen_string(gen_t *g)
{
    ngx_uint_t  n;

    static const char  *pieces[] = {
        "a", "Hello", " ", "\\n", "\\u0000", "\\ud800", "\\udc00x",
        "\\ud83d\\ude00", "\\ud83d\\ud83d\\ude00", "\\/", "/", "\\\"",
        "\\\\", "\\b\\f\\r\\t", "\xc3\xa9", "\xe2\x82\xac",
        "\xf0\x9f\x98\x80", "\\u00e9", "\x7f", "{\\\"a\\\":1}", "data: ",
        "\\u2028", "\xe2\x80\xa8", "[DONE]", "\\uFFFF", "\xef\xbf\xbe",
        "model", "usage", "]}", "null"
    };

    gen_text(g, "\"");

    for (n = gen_random(g, 6); n; n--) {
        gen_text(g, pieces[gen_random(g, sizeof(pieces)
                                         / sizeof(pieces[0]))]);
    }

    gen_text(g, "\"");
}


/* Not empty, and no notice of ARGO's. */

static inline void
gen_said(gen_t *g)
{
    gen_string(g);

    g->len--;
    gen_text(g, "said\"");
}


static inline void
gen_number(gen_t *g)
{
    static const char  *numbers[] = {
        "0", "-0", "1", "1.0", "1.10", "1e400", "-1E-400", "0.1e+1",
        "9007199254740993", "18446744073709551616", "-9223372036854775809",
        "123456789012345678901234567890.5", "3.14159265358979323846",
        "1e5", "2E0", "0.0000001"
    };

    gen_text(g, numbers[gen_random(g, 16)]);
}


static inline void
gen_bool(gen_t *g)
{
    gen_text(g, gen_random(g, 2) ? "true" : "false");
}


static inline void
gen_null(gen_t *g)
{
    gen_text(g, "null");
}


/* Nested deeply, now and then. */

static inline void
gen_deep(gen_t *g)
{
    ngx_uint_t  i, n;

    n = gen_random(g, 80);

    for (i = 0; i < n; i++) {
        gen_text(g, (i & 1) ? "{\"a\":" : "[");
    }

    gen_number(g);

    while (i--) {
        gen_text(g, (i & 1) ? "}" : "]");
    }
}


static inline void
gen_any(gen_t *g, ngx_uint_t depth)
{
    ngx_uint_t  i, n;

    switch (gen_random(g, depth ? 9 : 6)) {

    case 0:
        gen_null(g);
        break;

    case 1:
        gen_bool(g);
        break;

    case 2:
    case 3:
        gen_number(g);
        break;

    case 4:
    case 5:
        gen_string(g);
        break;

    case 6:
        n = gen_random(g, 4);

        gen_text(g, "[");
        gen_blank(g);

        for (i = 0; i < n; i++) {
            gen_text(g, i ? "," : "");
            gen_blank(g);
            gen_any(g, depth - 1);
        }

        gen_blank(g);
        gen_text(g, "]");
        break;

    case 7:
        n = gen_random(g, 4);

        gen_text(g, "{");
        gen_blank(g);

        for (i = 0; i < n; i++) {
            gen_text(g, i ? "," : "");
            gen_blank(g);
            gen_string(g);
            gen_blank(g);
            gen_text(g, ":");
            gen_blank(g);
            gen_any(g, depth - 1);
        }

        gen_blank(g);
        gen_text(g, "}");
        break;

    default:
        gen_deep(g);
    }
}


static inline void
gen_unknown(gen_t *g)
{
    gen_any(g, 3);
}


/*
 * An object of the members, in any order, some of them twice, with others
 * between that nobody knows.
 */

static inline void
gen_object(gen_t *g, const gen_member_t *members, ngx_uint_t twice,
    ngx_uint_t unknown)
{
    ngx_uint_t           i, n, k;
    const gen_member_t  *order[GEN_MAX_MEMBERS], *swap;

    static const gen_member_t  strange[] = {
        { "x", gen_unknown, 0 }, { "X-Model", gen_unknown, 0 },
        { "", gen_unknown, 0 }, { "models", gen_unknown, 0 },
        { "Model", gen_unknown, 0 }, { "\xc3\xa9\xe2\x82\xac", gen_unknown, 0 }
    };

    n = 0;

    for (i = 0; members[i].name; i++) {

        if (gen_random(g, 100) >= members[i].percent) {
            continue;
        }

        order[n++] = &members[i];

        if (twice && gen_random(g, 12) == 0 && n < GEN_MAX_MEMBERS - 8) {
            order[n++] = &members[i];
        }
    }

    for (k = unknown ? gen_random(g, 3) : 0; k; k--) {
        order[n++] = &strange[gen_random(g, 6)];
    }

    for (i = n; i > 1; i--) {
        k = gen_random(g, i);
        swap = order[k];
        order[k] = order[i - 1];
        order[i - 1] = swap;
    }

    gen_text(g, "{");

    for (i = 0; i < n; i++) {
        gen_text(g, i ? "," : "");
        gen_blank(g);
        gen_name(g, order[i]->name);
        gen_blank(g);
        gen_text(g, ":");
        gen_blank(g);
        order[i]->value(g);
        gen_blank(g);
    }

    gen_text(g, "}");
}


/* ---- requests */

static inline void
gen_model(gen_t *g)
{
    gen_text(g, (g->dialect == GEN_CHAT) ? "\"gpt-4o\""
                                         : "\"claude-opus-4.6\"");
}


static inline void
gen_max_tokens(gen_t *g)
{
    gen_text(g, gen_random(g, 2) ? "100" : "4096");
}


static inline void
gen_options(gen_t *g)
{
    static const gen_member_t  members[] = {
        { "include_usage", gen_bool, 50 },
        { "include_obfuscation", gen_bool, 50 },
        { NULL, NULL, 0 }
    };

    if (gen_random(g, 8) == 0) {
        gen_null(g);
        return;
    }

    gen_object(g, members, 1, 1);
}


static inline void
gen_user_role(gen_t *g)
{
    gen_text(g, "\"user\"");
}


static inline void
gen_text_type(gen_t *g)
{
    gen_text(g, "\"text\"");
}


static inline void
gen_content(gen_t *g)
{
    ngx_uint_t  i, n;

    static const gen_member_t  part[] = {
        { "type", gen_text_type, 100 },
        { "text", gen_said, 100 },
        { NULL, NULL, 0 }
    };

    if (gen_random(g, 2)) {
        gen_said(g);
        return;
    }

    n = 1 + gen_random(g, 3);

    gen_text(g, "[");

    for (i = 0; i < n; i++) {
        gen_text(g, i ? "," : "");
        gen_blank(g);
        gen_object(g, part, 0, 1);
        gen_blank(g);
    }

    gen_text(g, "]");
}


static inline void
gen_messages(gen_t *g)
{
    ngx_uint_t  i, n;

    static const gen_member_t  message[] = {
        { "role", gen_user_role, 100 },
        { "content", gen_content, 100 },
        { NULL, NULL, 0 }
    };

    n = 1 + gen_random(g, 3);

    gen_text(g, "[");

    for (i = 0; i < n; i++) {
        gen_text(g, i ? "," : "");
        gen_blank(g);
        gen_object(g, message, 0, 1);
        gen_blank(g);
    }

    gen_text(g, "]");
}


static inline void
gen_schema(gen_t *g)
{
    static const gen_member_t  members[] = {
        { "$ref", gen_string, 20 },
        { "properties", gen_unknown, 80 },
        { "additionalProperties", gen_bool, 50 },
        { NULL, NULL, 0 }
    };

    gen_object(g, members, 1, 1);
}


static inline void
gen_tool_name(gen_t *g)
{
    gen_text(g, "\"get_weather\"");
}


static inline void
gen_function(gen_t *g)
{
    static const gen_member_t  members[] = {
        { "name", gen_tool_name, 100 },
        { "description", gen_string, 50 },
        { "parameters", gen_schema, 80 },
        { "strict", gen_bool, 20 },
        { NULL, NULL, 0 }
    };

    gen_object(g, members, 0, 1);
}


static inline void
gen_function_type(gen_t *g)
{
    gen_text(g, "\"function\"");
}


static inline void
gen_tools(gen_t *g)
{
    static const gen_member_t  openai[] = {
        { "type", gen_function_type, 100 },
        { "function", gen_function, 100 },
        { NULL, NULL, 0 }
    };

    static const gen_member_t  anthropic[] = {
        { "name", gen_tool_name, 100 },
        { "description", gen_string, 50 },
        { "input_schema", gen_schema, 100 },
        { NULL, NULL, 0 }
    };

    gen_text(g, "[");
    gen_object(g, (g->dialect == GEN_CHAT) ? openai : anthropic, 0, 1);
    gen_text(g, "]");
}


static inline ngx_str_t
gen_done(gen_t *g)
{
    ngx_str_t  document;

    gen_blank(g);

    document.data = g->buf;
    document.len = g->len;

    return document;
}


/* A request that is right, in g->buf. */

static inline ngx_str_t
gen_request(gen_t *g, gen_dialect_e dialect)
{
    static const gen_member_t  chat[] = {
        { "model", gen_model, 100 },
        { "messages", gen_messages, 100 },
        { "user", gen_unknown, 40 },
        { "stream", gen_bool, 60 },
        { "stream_options", gen_options, 40 },
        { "temperature", gen_number, 40 },
        { "top_p", gen_number, 20 },
        { "seed", gen_number, 20 },
        { "stop", gen_string, 20 },
        { "tools", gen_tools, 30 },
        { "metadata", gen_unknown, 30 },
        { "max_tokens", gen_max_tokens, 30 },
        { NULL, NULL, 0 }
    };

    static const gen_member_t  messages[] = {
        { "model", gen_model, 100 },
        { "messages", gen_messages, 100 },
        { "max_tokens", gen_max_tokens, 100 },
        { "system", gen_content, 40 },
        { "stream", gen_bool, 60 },
        { "temperature", gen_number, 40 },
        { "top_p", gen_number, 20 },
        { "tools", gen_tools, 30 },
        { NULL, NULL, 0 }
    };

    g->len = 0;
    g->dialect = dialect;

    gen_blank(g);
    gen_object(g, (dialect == GEN_CHAT) ? chat : messages, 1, 1);

    return gen_done(g);
}


/* ---- replies */

static inline void
gen_chat_object(gen_t *g)
{
    gen_text(g, "\"chat.completion\"");
}


static inline void
gen_chunk_object(gen_t *g)
{
    gen_text(g, "\"chat.completion.chunk\"");
}


static inline void
gen_created(gen_t *g)
{
    gen_text(g, "1776449057");
}


static inline void
gen_assistant(gen_t *g)
{
    gen_text(g, "\"assistant\"");
}


static inline void
gen_zero(gen_t *g)
{
    gen_text(g, "0");
}


static inline void
gen_stop(gen_t *g)
{
    gen_text(g, gen_random(g, 2) ? "\"stop\"" : "\"length\"");
}


static inline void
gen_empty_list(gen_t *g)
{
    gen_text(g, gen_random(g, 2) ? "null" : "[]");
}


static inline void
gen_usage(gen_t *g)
{
    gen_text(g, "{\"prompt_tokens\": 1, \"completion_tokens\":2,"
                "\"total_tokens\":3}");
}


static inline void
gen_chat_message(gen_t *g)
{
    static const gen_member_t  members[] = {
        { "role", gen_assistant, 100 },
        { "content", gen_said, 80 },
        { "refusal", gen_null, 60 },
        { "tool_calls", gen_empty_list, 60 },
        { "function_call", gen_null, 60 },
        { "audio", gen_null, 60 },
        { NULL, NULL, 0 }
    };

    gen_object(g, members, 0, 1);
}


static inline void
gen_chat_choices(gen_t *g)
{
    static const gen_member_t  members[] = {
        { "index", gen_zero, 100 },
        { "message", gen_chat_message, 100 },
        { "finish_reason", gen_stop, 100 },
        { "logprobs", gen_null, 50 },
        { NULL, NULL, 0 }
    };

    gen_text(g, "[");
    gen_blank(g);
    gen_object(g, members, 0, 1);
    gen_blank(g);
    gen_text(g, "]");
}


static inline void
gen_chat_delta(gen_t *g)
{
    static const gen_member_t  members[] = {
        { "role", gen_null, 60 },
        { "content", gen_said, 90 },
        { "refusal", gen_null, 60 },
        { "tool_calls", gen_empty_list, 60 },
        { "function_call", gen_null, 60 },
        { "audio", gen_null, 30 },
        { NULL, NULL, 0 }
    };

    gen_object(g, members, 0, 1);
}


static inline void
gen_chunk_choices(gen_t *g)
{
    static const gen_member_t  members[] = {
        { "index", gen_zero, 100 },
        { "delta", gen_chat_delta, 100 },
        { "finish_reason", gen_null, 100 },
        { "logprobs", gen_null, 50 },
        { NULL, NULL, 0 }
    };

    gen_text(g, "[");
    gen_blank(g);
    gen_object(g, members, 0, 1);
    gen_blank(g);
    gen_text(g, "]");
}


static inline void
gen_message_content(gen_t *g)
{
    static const gen_member_t  block[] = {
        { "type", gen_text_type, 100 },
        { "text", gen_said, 100 },
        { "citations", gen_null, 50 },
        { NULL, NULL, 0 }
    };

    gen_text(g, "[");
    gen_object(g, block, 0, 1);
    gen_text(g, "]");
}


static inline void
gen_message_type(gen_t *g)
{
    gen_text(g, "\"message\"");
}


static inline void
gen_end_turn(gen_t *g)
{
    gen_text(g, "\"end_turn\"");
}


static inline void
gen_message_usage(gen_t *g)
{
    gen_text(g, "{\"input_tokens\": 1, \"output_tokens\":2}");
}


/* A whole reply, in g->buf. */

static inline ngx_str_t
gen_reply(gen_t *g, gen_dialect_e dialect)
{
    static const gen_member_t  chat[] = {
        { "id", gen_string, 100 },
        { "object", gen_chat_object, 100 },
        { "created", gen_created, 100 },
        { "model", gen_string, 90 },
        { "choices", gen_chat_choices, 100 },
        { "usage", gen_usage, 80 },
        { "service_tier", gen_unknown, 40 },
        { "system_fingerprint", gen_unknown, 40 },
        { NULL, NULL, 0 }
    };

    static const gen_member_t  messages[] = {
        { "id", gen_string, 100 },
        { "type", gen_message_type, 100 },
        { "role", gen_assistant, 100 },
        { "model", gen_string, 90 },
        { "content", gen_message_content, 100 },
        { "stop_reason", gen_end_turn, 100 },
        { "stop_sequence", gen_null, 60 },
        { "usage", gen_message_usage, 100 },
        { NULL, NULL, 0 }
    };

    g->len = 0;
    g->dialect = dialect;

    gen_blank(g);
    gen_object(g, (dialect == GEN_CHAT) ? chat : messages, 0, 1);

    return gen_done(g);
}


/*
 * A chunk of a chat's stream, with text in it, in one line.
 */

static inline ngx_str_t
gen_chunk(gen_t *g)
{
    static const gen_member_t  members[] = {
        { "id", gen_string, 100 },
        { "object", gen_chunk_object, 100 },
        { "created", gen_created, 100 },
        { "model", gen_string, 90 },
        { "choices", gen_chunk_choices, 100 },
        { "usage", gen_null, 50 },
        { "usage", gen_usage, 20 },
        { "obfuscation", gen_string, 50 },
        { NULL, NULL, 0 }
    };

    size_t  i;

    g->len = 0;
    g->dialect = GEN_CHAT;

    gen_object(g, members, 0, 1);
    gen_blank(g);

    for (i = 0; i < g->len; i++) {
        if (g->buf[i] == '\n' || g->buf[i] == '\r') {
            g->buf[i] = ' ';
        }
    }

    return (ngx_str_t) { g->len, g->buf };
}


#endif /* _ARGO_GENERATE_H_INCLUDED_ */
