
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's Responses over models that know functions only: what agents offer
 * and call in other forms goes up as functions, and their calls come back as
 * what they were offered as.  Thoughts with their signatures.  Requests are
 * those that agents were seen to send, with other texts.
 */


#include "argo_responses.h"
#include "argo_request.h"


static ngx_int_t
read_for(ngx_pool_t *pool, const argo_back_t *back, const char *json,
    front_request_t *r)
{
    ngx_str_t  *s;

    s = ngx_palloc(pool, sizeof(ngx_str_t));
    if (s == NULL) {
        abort();
    }

    *s = front_str(json);

    return front_read(pool, &argo_openai_responses_front, back, s, r);
}


/* ---- requests */

static ngx_uint_t
noted(const argo_request_t *req, const char *what)
{
    const argo_change_t  *change;

    for (change = req->changes; change; change = change->next) {

        if (change->note.len >= strlen(what)
            && memmem(change->note.data, change->note.len, what,
                      strlen(what)))
        {
            return 1;
        }
    }

    return 0;
}


static void
show_up(const front_request_t *r)
{
    printf("# %d\n", (int) r->rc);
    test_show("message", r->err.message.data, r->err.message.len);
    test_show("body", r->body.data, r->body.len);
}


/* The body that goes up, as a tree. */

static argo_json_t *
up(ngx_pool_t *pool, const front_request_t *r)
{
    argo_json_t   *root;
    argo_error_t   err;

    if (r->rc != NGX_OK
        || argo_json_parse(pool, &r->body, 12, &root, &err) != NGX_OK)
    {
        show_up(r);
        return NULL;
    }

    return root;
}


#define GRAMMAR  "{\"type\":\"grammar\",\"syntax\":\"lark\","                 \
                 "\"definition\":\"start: /a/\\n\"}"


static void
test_offers(void)
{
    ngx_pool_t       *pool;
    argo_json_t      *root;
    front_request_t   r;

    pool = test_pool();

    read_for(pool, &argo_legacy_back,
             "{\"model\":\"gpt-4o\",\"input\":\"Hi\",\"tools\":["
             "{\"type\":\"custom\",\"name\":\"patch\",\"description\":"
             "\"Free \\\"text\\\"\",\"format\":" GRAMMAR "},"
             "{\"type\":\"custom\",\"name\":\"plain\",\"format\":{\"type\":"
             "\"text\"}},"
             "{\"type\":\"namespace\",\"name\":\"functions\",\"tools\":["
             "{\"type\":\"function\",\"name\":\"wait\"}]},"
             "{\"type\":\"namespace\",\"name\":\"team\",\"description\":\"d\""
             ",\"tools\":[{\"type\":\"function\",\"name\":\"wait\"},"
             "{\"type\":\"custom\",\"name\":\"say\"}]},"
             "{\"type\":\"function\",\"name\":\"team__wait\"},"
             "{\"type\":\"local_shell\"},{\"type\":\"web_search\"},"
             "{\"type\":\"tool_search\"},{\"type\":\"tool_search\","
             "\"execution\":\"client\",\"description\":\"find\"},"
             "{\"type\":\"web_search\"}],"
             "\"tool_choice\":{\"type\":\"custom\",\"name\":\"say\","
             "\"namespace\":\"team\"}}", &r);

    root = up(pool, &r);

    ok(front_raw_is(root, "tools.0.function.description",
                    "\"Free \\\"text\\\"\\n\\nThe input must follow this "
                    "grammar (lark):\\nstart: /a/\\n\""),
       "a grammar goes with the description");
    ok(front_raw_is(root, "tools.0.function.parameters.required",
                    "[\"input\"]")
       && front_raw_is(root, "tools.0.function.name", "\"patch\""),
       "free text is a function of one string");
    ok(front_at(root, "tools.1.function.description") == NULL
       && front_raw_is(root, "tools.1.function.name", "\"plain\""),
       "no grammar, no description");
    ok(front_raw_is(root, "tools.2.function.name", "\"wait\""),
       "the usual namespace is none");
    ok(front_raw_is(root, "tools.3.function.name", "\"team__wait\"")
       && front_raw_is(root, "tools.4.function.name", "\"team__say\""),
       "others go before the name");
    ok(front_raw_is(root, "tools.5.function.name",
                    "\"team__wait_dd39234b\""),
       "a name that is taken gets a hash");
    ok(front_raw_is(root, "tools.6.function.name", "\"local_shell\"")
       && front_raw_is(root, "tools.7.function.name", "\"tool_search\"")
       && front_raw_is(root, "tools.7.function.description", "\"find\"")
       && front_at(root, "tools.8") == NULL, "what the client runs");
    ok(front_raw_is(root, "tool_choice.function.name", "\"team__say\""),
       "a choice by its namespace");
    ok(noted(&r.req, "web_search dropped")
       && noted(&r.req, "tool_search dropped"), "what is dropped is told");

    ngx_destroy_pool(pool);
}


static void
test_names(void)
{
    ngx_str_t         name, again;
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    argo_json_t      *root;
    front_request_t   r;

    static const char  *offers[] = {
        "{\"type\":\"namespace\",\"name\":"
        "\"a_namespace_whose_name_is_as_long_as_a_name_may_be_and_more\","
        "\"tools\":[{\"type\":\"function\",\"name\":\"function_one\"},"
        "{\"type\":\"function\",\"name\":\"function_two\"}]}",

        "{\"type\":\"namespace\",\"name\":\"m.c p\\u00e9\",\"tools\":["
        "{\"type\":\"function\",\"name\":\"f.g\"},"
        "{\"type\":\"function\",\"name\":\"f g\"}]}"
    };

    char  json[1024];

    for (i = 0; i < count(offers); i++) {
        pool = test_pool();

        (void) snprintf(json, sizeof(json), "{\"model\":\"gpt-4o\","
                        "\"input\":\"Hi\",\"tools\":[%s]}", offers[i]);

        read_for(pool, &argo_legacy_back, json, &r);
        root = up(pool, &r);

        name = front_raw(root, "tools.0.function.name");
        again = front_raw(root, "tools.1.function.name");

        ok(name.len > 2 && name.len <= 66 && again.len <= 66
           && !front_same(&name, &again)
           && strspn((char *) name.data + 1, "abcdefghijklmnopqrstuvwxyz"
                     "0123456789_-") == name.len - 2,
           "a name that could not be one is made so");

        read_for(pool, &argo_legacy_back, json, &r);
        root = up(pool, &r);
        again = front_raw(root, "tools.0.function.name");

        ok(front_same(&name, &again), "... and is the same each time");

        ngx_destroy_pool(pool);
    }

    pool = test_pool();

    read_for(pool, &argo_legacy_back,
             "{\"model\":\"gpt-4o\",\"input\":[{\"type\":"
             "\"additional_tools\",\"tools\":[{\"type\":\"function\","
             "\"name\":\"f\",\"description\":\"old\"},{\"type\":\"function\""
             ",\"name\":\"g\"}]},{\"type\":\"additional_tools\",\"tools\":["
             "{\"type\":\"function\",\"name\":\"f\",\"description\":"
             "\"new\"}]},{\"role\":\"user\",\"content\":\"Hi\"}]}", &r);
    root = up(pool, &r);

    ok(front_raw_is(root, "tools.0.function.description", "\"new\"")
       && front_raw_is(root, "tools.1.function.name", "\"g\"")
       && front_at(root, "tools.2") == NULL,
       "of two with one name the later counts");

    ngx_destroy_pool(pool);
}


static void
test_history(void)
{
    ngx_pool_t       *pool;
    argo_json_t      *root;
    front_request_t   r;

    pool = test_pool();

    read_for(pool, &argo_legacy_back,
             "{\"model\":\"gpt-4o\",\"tools\":[{\"type\":\"namespace\","
             "\"name\":\"team\",\"tools\":[{\"type\":\"function\",\"name\":"
             "\"list\"}]}],\"input\":["
             "{\"type\":\"custom_tool_call\",\"call_id\":\"c1\",\"name\":"
             "\"patch\",\"input\":\"say \\\"hi\\\"\\n\"},"
             "{\"type\":\"custom_tool_call_output\",\"call_id\":\"c1\","
             "\"output\":[{\"type\":\"input_text\",\"text\":\"a\"},"
             "{\"type\":\"input_text\",\"text\":\"b\"}]},"
             "{\"type\":\"function_call\",\"call_id\":\"c2\",\"name\":"
             "\"list\",\"namespace\":\"team\",\"arguments\":\"{}\"},"
             "{\"type\":\"function_call_output\",\"call_id\":\"c2\","
             "\"output\":\"o\"},"
             "{\"type\":\"local_shell_call\",\"id\":\"c3\",\"call_id\":null,"
             "\"action\":{\"type\":\"exec\",\"command\":[\"ls\"]}},"
             "{\"type\":\"local_shell_call_output\",\"id\":\"c3\","
             "\"output\":\"files\"},"
             "{\"type\":\"apply_patch_call\",\"call_id\":\"c4\","
             "\"operation\":{\"type\":\"delete_file\",\"path\":\"p\"}},"
             "{\"type\":\"apply_patch_call_output\",\"call_id\":\"c4\","
             "\"status\":\"completed\"},"
             "{\"type\":\"shell_call\",\"call_id\":\"c5\",\"action\":{"
             "\"commands\":[\"ls\"]}},"
             "{\"type\":\"shell_call_output\",\"call_id\":\"c5\",\"output\":"
             "[{\"stdout\":\"x\",\"stderr\":\"\",\"outcome\":{\"type\":"
             "\"exit\",\"exit_code\":0}}]},"
             "{\"type\":\"web_search_call\",\"id\":\"ws\"},"
             "{\"type\":\"tool_search_call\",\"call_id\":\"c6\","
             "\"execution\":\"client\",\"arguments\":{\"query\":\"q\"}},"
             "{\"type\":\"tool_search_output\",\"call_id\":\"c6\","
             "\"execution\":\"client\",\"status\":\"completed\",\"tools\":["
             "{\"type\":\"function\",\"name\":\"found\",\"defer_loading\":"
             "true}]},{\"role\":\"user\",\"content\":\"Hi\"}]}", &r);

    root = up(pool, &r);

    ok(front_raw_is(root, "messages.0.tool_calls.0.function.arguments",
                    "\"{\\\"input\\\":\\\"say \\\\\\\"hi\\\\\\\"\\\\n\\\"}"
                    "\"")
       && front_raw_is(root, "messages.0.tool_calls.0.function.name",
                       "\"patch\""), "an input becomes an argument");
    ok(front_raw_is(root, "messages.1.tool_call_id", "\"c1\""),
       "... with its output");
    ok(front_raw_is(root, "messages.2.tool_calls.0.function.name",
                    "\"team__list\""), "a call in a namespace");
    ok(front_raw_is(root, "messages.4.tool_calls.0.function.arguments",
                    "\"{\\\"type\\\":\\\"exec\\\",\\\"command\\\":"
                    "[\\\"ls\\\"]}\"")
       && front_raw_is(root, "messages.4.tool_calls.0.id", "\"c3\"")
       && front_raw_is(root, "messages.5.content", "\"files\""),
       "a shell's action, by its own id");
    ok(front_raw_is(root, "messages.6.tool_calls.0.function.name",
                    "\"apply_patch\"")
       && front_raw_is(root, "messages.7.content", "\"completed\""),
       "a patch");
    ok(front_raw_is(root, "messages.8.tool_calls.0.function.name",
                    "\"shell\"")
       && front_raw_is(root, "messages.9.content",
                       "\"[{\\\"stdout\\\":\\\"x\\\",\\\"stderr\\\":"
                       "\\\"\\\",\\\"outcome\\\":{\\\"type\\\":\\\"exit\\\","
                       "\\\"exit_code\\\":0}}]\""),
       "another shell's output, as text");
    ok(front_raw_is(root, "messages.10.tool_calls.0.function.name",
                    "\"tool_search\"")
       && front_raw_is(root, "messages.12.content", "\"Hi\""), "a search");
    ok(front_raw_is(root, "tools.0.function.name", "\"team__list\"")
       && front_raw_is(root, "tools.1.function.name", "\"found\""),
       "... and what it found can be called");
    ok(noted(&r.req, "web_search_call dropped"), "what is dropped is told");

    ngx_destroy_pool(pool);
}


/* ---- thoughts */

#define THOUGHTS                                                              \
    "{\"role\":\"user\",\"content\":\"Hi\"},"                                 \
    "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[{\"type\":"         \
    "\"summary_text\",\"text\":\"hm \\u00e9\"}],\"content\":null,"            \
    "\"encrypted_content\":\"anthropic:EqQB\\/+=\"},"                         \
    "{\"type\":\"reasoning\",\"summary\":[],"                                 \
    "\"encrypted_content\":\"anthropic-redacted:ABC=\"},"                     \
    "{\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":\"gAAA\"},"\
    "{\"type\":\"reasoning\",\"summary\":[{\"text\":\"unsigned\"}]},"         \
    "{\"role\":\"assistant\",\"content\":\"Well\"},"                          \
    "{\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":"           \
    "\"google:sig+\"},"                                                       \
    "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\","          \
    "\"arguments\":\"{}\"},"                                                  \
    "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"o\"},"\
    "{\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":"           \
    "\"anthropic:late\"}"


static void
test_thoughts_up(void)
{
    ngx_pool_t       *pool;
    argo_json_t      *root;
    argo_part_t      *part;
    front_request_t   r;

    pool = test_pool();

    read_for(pool, &argo_anthropic_back, "{\"model\":\"claude-opus-4.6\","
             "\"input\":[" THOUGHTS "]}", &r);

    if (ok(r.rc == NGX_OK && r.req.messages && r.req.messages->next,
           "thoughts for Claude"))
    {
        part = r.req.messages->next->parts;

        ok(part->type == ARGO_PART_REASONING
           && front_is(&part->text, "hm \\u00e9")
           && front_is(&part->signature, "EqQB\\/+=") && !part->redacted,
           "signed thoughts, not changed by a byte");

        part = part->next;

        ok(part && part->type == ARGO_PART_REASONING && part->redacted
           && front_is(&part->signature, "ABC="), "redacted ones");

        part = part ? part->next : NULL;

        ok(part && part->type == ARGO_PART_TEXT && part->next
           && part->next->type == ARGO_PART_TOOL_CALL
           && part->next->signature.len == 0 && part->next->next == NULL,
           "no others, and what led to nothing is left out");
        ok(noted(&r.req, "reasoning dropped"), "which is told");

        root = up(pool, &r);

        ok(front_raw_is(root, "messages.1.content.0",
                        "{\"type\":\"thinking\",\"thinking\":\"hm \\u00e9\""
                        ",\"signature\":\"EqQB\\/+=\"}")
           && front_raw_is(root, "messages.1.content.1.type",
                           "\"redacted_thinking\"")
           && front_raw_is(root, "messages.1.content.1.data", "\"ABC=\"")
           && front_raw_is(root, "messages.1.content.2.text", "\"Well\""),
           "as Claude wrote them");

    } else {
        show_up(&r);
    }

    read_for(pool, &argo_openai_chat_back, "{\"model\":\"gemini-2.5-pro\","
             "\"input\":[" THOUGHTS "]}", &r);

    if (ok(r.rc == NGX_OK && r.req.messages && r.req.messages->next,
           "thoughts for Gemini"))
    {
        part = r.req.messages->next->parts;

        ok(part->type == ARGO_PART_TEXT && part->next
           && part->next->type == ARGO_PART_TOOL_CALL
           && part->next->vendor == ARGO_FAMILY_GOOGLE
           && front_is(&part->next->signature, "sig+"),
           "a call's signature goes with it");
        ok(r.req.messages->next->string == 1, "... and the text is a string");

    } else {
        show_up(&r);
    }

    read_for(pool, &argo_legacy_back, "{\"model\":\"claude-opus-4.6\","
             "\"input\":[" THOUGHTS "]}", &r);
    root = up(pool, &r);

    ok(root && memmem(r.body.data, r.body.len, "EqQB", 4) == NULL
       && memmem(r.body.data, r.body.len, "hm ", 3) == NULL
       && memmem(r.body.data, r.body.len, "google", 6) == NULL,
       "the legacy API has no place for them");

    ngx_destroy_pool(pool);
}


/* ---- replies */

static const char  agent[] =
    "{\"model\":\"gpt-4o\",\"input\":\"Hi\",\"tools\":["
    "{\"type\":\"custom\",\"name\":\"patch\",\"format\":" GRAMMAR "},"
    "{\"type\":\"namespace\",\"name\":\"functions\",\"tools\":[{\"type\":"
    "\"custom\",\"name\":\"exec\"}]},{\"type\":\"namespace\",\"name\":"
    "\"team\",\"tools\":[{\"type\":\"function\",\"name\":\"list\"}]},"
    "{\"type\":\"local_shell\"},{\"type\":\"shell\"},"
    "{\"type\":\"apply_patch\"},{\"type\":\"tool_search\",\"execution\":"
    "\"client\"}]}";


#define SIGNATURE(v, s)  { .type = ARGO_EVENT_SIGNATURE, .vendor = v,         \
                           .text = ngx_string(s), .escaped = 1 }
#define REDACTED(s)      { .type = ARGO_EVENT_SIGNATURE, .redacted = 1,       \
                           .vendor = ARGO_FAMILY_ANTHROPIC,                   \
                           .text = ngx_string(s), .escaped = 1 }
#define SIGNED(i, d, n, s)                                                    \
                         { .type = ARGO_EVENT_TOOL_START, .index = i,         \
                           .id = ngx_string(d), .name = ngx_string(n),        \
                           .signature = ngx_string(s) }
#define FREE(i, d, n)    { .type = ARGO_EVENT_TOOL_START, .index = i,         \
                           .id = ngx_string(d), .name = ngx_string(n),        \
                           .custom = 1 }


static void
test_calls(void)
{
    fold_t            fold;
    ngx_str_t         unary;
    ngx_pool_t       *pool;
    argo_json_t      *root;
    argo_error_t      err;
    front_request_t   r;

    argo_event_t  calls[] = {
        TEXT("Let me"),
        CALL(0, "c0", "patch"), ARGS(0, "{\"inp"), ARGS(0, "ut\":\"say "),
        ARGS(0, "\\\"hi\\\"\\n\"}"),
        CALL(1, "c1", "exec"), ARGS(1, "{\"code\":\"x\"}"),
        CALL(2, "c2", "team__list"), ARGS(2, "{}"),
        CALL(3, "c3", "local_shell"),
        ARGS(3, "{\"command\":[\"ls\"],\n\"timeout_ms\":5}"),
        CALL(4, "c4", "apply_patch"),
        ARGS(4, "{\"type\":\"delete_file\",\"path\":\"p\"}"),
        CALL(5, "c5", "tool_search"), ARGS(5, "{\"query\":\"q\"}"),
        CALL(6, "c6", "shell"), ARGS(6, "no object"),
        CALL(7, "c7", "patch"), ARGS(7, "*** Begin"),
        CALL(8, "c8", "patch"),
        CALL(9, "c9", "local_shell"), ARGS(9, "{ }"),
        FREE(10, "c10", "exec"), ARGS(10, "free "), ARGS(10, "text"),
        CALL(11, "c11", "unknown"), ARGS(11, "{}"),
        FINISH(ARGO_FINISH_TOOL_CALLS)
    };

    pool = test_pool();

    is(read_for(pool, &argo_legacy_back, agent, &r), NGX_OK, "an agent");

    set_script(calls, count(calls));
    run_script(pool, &r.req, "calls of all kinds", &fold, &unary);

    argo_json_parse(pool, &unary, 6, &root, &err);

    ok(front_raw_is(root, "output.1",
                    "{\"id\":\"ctc_" FRONT_ID "_1\",\"type\":"
                    "\"custom_tool_call\",\"status\":\"completed\","
                    "\"input\":\"say \\\"hi\\\"\\n\",\"call_id\":\"c0\","
                    "\"name\":\"patch\"}"), "free text");
    ok(front_raw_is(root, "output.2.input", "\"x\"")
       && front_raw_is(root, "output.2.namespace", "\"functions\"")
       && front_raw_is(root, "output.2.name", "\"exec\""),
       "... by another name, in a namespace");
    ok(front_raw_is(root, "output.3",
                    "{\"id\":\"fc_" FRONT_ID "_3\",\"type\":"
                    "\"function_call\",\"status\":\"completed\","
                    "\"arguments\":\"{}\",\"call_id\":\"c2\",\"name\":"
                    "\"list\",\"namespace\":\"team\"}"),
       "a function in a namespace");
    ok(front_raw_is(root, "output.4",
                    "{\"id\":\"lsh_" FRONT_ID "_4\",\"type\":"
                    "\"local_shell_call\",\"status\":\"completed\","
                    "\"action\":{\"type\":\"exec\",\"env\":{},\"command\":"
                    "[\"ls\"],\"timeout_ms\":5},\"call_id\":\"c3\"}"),
       "a shell");
    ok(front_raw_is(root, "output.5.operation",
                    "{\"type\":\"delete_file\",\"path\":\"p\"}")
       && front_raw_is(root, "output.5.type", "\"apply_patch_call\""),
       "a patch");
    ok(front_raw_is(root, "output.6.arguments", "{\"query\":\"q\"}")
       && front_raw_is(root, "output.6.execution", "\"client\"")
       && front_raw_is(root, "output.6.type", "\"tool_search_call\""),
       "a search for tools");
    ok(front_raw_is(root, "output.7.type", "\"function_call\"")
       && front_raw_is(root, "output.7.arguments", "\"no object\"")
       && front_raw_is(root, "output.7.name", "\"shell\""),
       "what is no action stays a function's call");
    ok(front_raw_is(root, "output.8.input", "\"*** Begin\""),
       "text that was not wrapped");
    ok(front_raw_is(root, "output.9.input", "\"\""), "no text");
    ok(front_raw_is(root, "output.10.action",
                    "{\"type\":\"exec\",\"env\":{},\"command\":[]}"),
       "an action without anything");
    ok(front_raw_is(root, "output.11.input", "\"free text\"")
       && front_raw_is(root, "output.11.type", "\"custom_tool_call\""),
       "text that upstream has free as well");
    ok(front_raw_is(root, "output.12.type", "\"function_call\"")
       && front_raw_is(root, "output.12.name", "\"unknown\"")
       && front_at(root, "output.12.namespace") == NULL,
       "a function that was not offered");
    ok(front_raw_is(root, "tools.0.format.type", "\"grammar\"")
       && front_raw_is(root, "tools.1.type", "\"namespace\""),
       "tools are repeated as they were offered");

    ngx_destroy_pool(pool);
}


/* A call that may lack its end must not be one that a client runs. */

static void
test_cut_calls(void)
{
    fold_t            fold;
    ngx_str_t         unary, body;
    ngx_pool_t       *pool;
    argo_json_t      *root;
    argo_error_t      err;
    front_reply_t     reply;
    front_request_t   r;

    argo_event_t  cut[] = {
        CALL(0, "c0", "patch"), ARGS(0, "{\"input\":\"rm -r /tm"),
        FINISH(ARGO_FINISH_LENGTH)
    };

    argo_event_t  action[] = {
        CALL(0, "c0", "local_shell"), ARGS(0, "{\"command\":[\"rm\""),
        FINISH(ARGO_FINISH_CONTEXT)
    };

    argo_event_t  failed[] = {
        TEXT("a"), CALL(0, "c0", "patch"), ARGS(0, "{\"input\":\"erase"),
        { .type = ARGO_EVENT_ERROR, .error = &err }
    };

    argo_event_t  late[] = {
        TEXT("a"), CALL(0, "c0", "local_shell"), ARGS(0, "{\"command\":"),
        { .type = ARGO_EVENT_ERROR, .error = &err }
    };

    pool = test_pool();
    read_for(pool, &argo_legacy_back, agent, &r);

    set_script(cut, count(cut));
    run_script(pool, &r.req, "a cut input", &fold, &unary);
    argo_json_parse(pool, &unary, 6, &root, &err);

    ok(front_raw_is(root, "output.0.input", "\"\"")
       && front_raw_is(root, "output.0.status", "\"incomplete\"")
       && front_raw_is(root, "status", "\"incomplete\""), "... is left out");

    set_script(action, count(action));
    run_script(pool, &r.req, "a cut action", &fold, &unary);
    argo_json_parse(pool, &unary, 6, &root, &err);

    ok(front_raw_is(root, "output.0.type", "\"function_call\"")
       && front_raw_is(root, "output.0.status", "\"incomplete\"")
       && front_raw_is(root, "incomplete_details.reason",
                       "\"max_output_tokens\""), "... is none");

    argo_error_set(&err, 502, "upstream_incomplete", NULL, "cut");
    ngx_str_set(&body, "");

    set_script(failed, count(failed));
    run_body(pool, &reply, &script_back, &r.req, &body, STREAM);
    fold_stream(pool, &fold, &reply.bytes);

    ok(fold.wrong == NULL && fold.failed && front_is(&fold.last, "error"),
       "a failure in an input%s%s", fold.wrong ? ": " : "",
       fold.wrong ? fold.wrong : "");
    ok(memmem(reply.bytes.data, reply.bytes.len, "erase", 5) == NULL,
       "... which nobody gets");

    argo_error_set(&err, 502, "upstream_incomplete", NULL, "cut");

    set_script(late, count(late));
    run_body(pool, &reply, &script_back, &r.req, &body, STREAM);
    fold_stream(pool, &fold, &reply.bytes);

    ok(fold.wrong == NULL && fold.failed && fold.nitems == 1,
       "a failure in an action%s%s", fold.wrong ? ": " : "",
       fold.wrong ? fold.wrong : "");

    ngx_destroy_pool(pool);
}


static void
test_thoughts_down(void)
{
    fold_t            fold;
    ngx_str_t         unary;
    ngx_pool_t       *pool;
    argo_json_t      *root;
    argo_error_t      err;
    front_request_t   r;

    argo_event_t  thoughts[] = {
        REASONING("hm"), REASONING(" ho"),
        SIGNATURE(ARGO_FAMILY_ANTHROPIC, "EqQB\\/+="),
        REDACTED("ABC="), REDACTED("DEF="),
        SIGNATURE(ARGO_FAMILY_ANTHROPIC, "alone"),
        REASONING("more"),
        SIGNED(0, "c0", "patch", "sig+"), ARGS(0, "{\"input\":\"x\"}"),
        SIGNED(1, "c1", "team__list", "sig2"), ARGS(1, "{}"),
        TEXT("a"),
        SIGNATURE(ARGO_FAMILY_OPENAI, "gAAA"),
        FINISH(ARGO_FINISH_STOP)
    };

    pool = test_pool();
    read_for(pool, &argo_legacy_back, agent, &r);

    set_script(thoughts, count(thoughts));
    run_script(pool, &r.req, "thoughts", &fold, &unary);
    argo_json_parse(pool, &unary, 6, &root, &err);

    ok(front_raw_is(root, "output.0",
                    "{\"id\":\"rs_" FRONT_ID "_0\",\"type\":\"reasoning\","
                    "\"summary\":[{\"type\":\"summary_text\",\"text\":"
                    "\"hm ho\"}],\"encrypted_content\":"
                    "\"anthropic:EqQB\\/+=\"}"), "signed");
    ok(front_raw_is(root, "output.1.encrypted_content",
                    "\"anthropic-redacted:ABC=\"")
       && front_raw_is(root, "output.1.summary", "[]")
       && front_raw_is(root, "output.2.encrypted_content",
                       "\"anthropic-redacted:DEF=\""), "redacted");
    ok(front_raw_is(root, "output.3.encrypted_content",
                    "\"anthropic:alone\""), "a signature alone");
    ok(front_raw_is(root, "output.4.summary.0.text", "\"more\"")
       && front_at(root, "output.4.encrypted_content") == NULL, "unsigned");
    ok(front_raw_is(root, "output.5.encrypted_content", "\"google:sig+\"")
       && front_raw_is(root, "output.6.type", "\"custom_tool_call\"")
       && front_raw_is(root, "output.7.encrypted_content",
                       "\"google:sig2\"")
       && front_raw_is(root, "output.8.name", "\"list\""),
       "a call's signature goes before it");
    ok(front_raw_is(root, "output.10.encrypted_content", "\"gAAA\""),
       "OpenAI's own");

    ngx_destroy_pool(pool);
}


/* ---- streams of ARGO's chat completions and messages, cut anywhere */

#define CHUNK(delta)                                                          \
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1," \
    "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{" delta "},"         \
    "\"finish_reason\":null}]}\n\n"
#define TOOL(i, more, args)                                                   \
    CHUNK("\"tool_calls\":[{\"index\":" #i "," more "\"function\":{" args "}}]")
#define MESSAGE(type, rest)                                                   \
    "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"


static const char  chat_reply[] =
    CHUNK("\"role\":\"assistant\",\"content\":\"Hello\"")
    TOOL(0, "\"id\":\"c0\",\"type\":\"function\",",
         "\"name\":\"patch\",\"arguments\":\"\"")
    TOOL(0, "", "\"arguments\":\"{\\\"input\\\":\\\"x\\\\n\"")
    TOOL(0, "", "\"arguments\":\"y\\\"}\"")
    TOOL(1, "\"id\":\"c1\",\"type\":\"function\",",
         "\"name\":\"team__list\",\"arguments\":\"{}\"")
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,"
    "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},"
    "\"finish_reason\":\"tool_calls\"}]}\n\n"
    "data: [DONE]\n\n";

static const char  messages_reply[] =
    MESSAGE("message_start", ",\"message\":{\"id\":\"m\",\"type\":"
            "\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":"
            "[],\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}")
    MESSAGE("content_block_start", ",\"index\":0,\"content_block\":{"
            "\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
    MESSAGE("content_block_delta", ",\"index\":0,\"delta\":{\"type\":"
            "\"thinking_delta\",\"thinking\":\"hm\"}")
    MESSAGE("content_block_delta", ",\"index\":0,\"delta\":{\"type\":"
            "\"signature_delta\",\"signature\":\"EqQB+/=\"}")
    MESSAGE("content_block_stop", ",\"index\":0")
    MESSAGE("content_block_start", ",\"index\":1,\"content_block\":{"
            "\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"patch\","
            "\"input\":{}}")
    MESSAGE("content_block_delta", ",\"index\":1,\"delta\":{\"type\":"
            "\"input_json_delta\",\"partial_json\":\"{\\\"input\\\":\"}")
    MESSAGE("content_block_delta", ",\"index\":1,\"delta\":{\"type\":"
            "\"input_json_delta\",\"partial_json\":\"\\\"x\\\"}\"}")
    MESSAGE("content_block_stop", ",\"index\":1")
    MESSAGE("message_delta", ",\"delta\":{\"stop_reason\":\"tool_use\","
            "\"stop_sequence\":null},\"usage\":{\"output_tokens\":9}")
    MESSAGE("message_stop", "");


static void
check_cuts(const char *name, const argo_back_t *back, const char *reply,
    const char *id, const char *type)
{
    size_t            cut, last;
    fold_t            fold, part;
    ngx_str_t         text;
    ngx_uint_t        bad, untold;
    ngx_pool_t       *pool, *kept;
    argo_json_t      *root;
    argo_error_t      err;
    front_reply_t     one, other;
    front_request_t   r;

    kept = test_pool();
    text = front_str(reply);
    bad = 0;
    untold = 0;

    read_for(kept, back, agent, &r);

    front_begin(kept, &one, &argo_openai_responses_front, back, &r.req,
                STREAM);
    front_feed(&one, &text, WHOLE, 1);
    front_end(kept, &one);
    fold_stream(kept, &fold, &one.bytes);

    ok(one.rc == NGX_OK && fold.wrong == NULL
       && front_is(&fold.last, "response.completed"), "%s: a right stream%s",
       name, fold.wrong ? fold.wrong : "");

    argo_json_parse(kept, &fold.response, 6, &root, &err);

    ok(front_raw_is(root, id, type)
       && front_raw_is(root, "output.1.type", "\"custom_tool_call\""),
       "%s: its items", name);

    /* what is sure to be before the end */

    last = text.len - 200;

    for (cut = 1; cut < text.len; cut++) {
        pool = test_pool();

        front_begin(pool, &other, &argo_openai_responses_front, back, &r.req,
                    STREAM);
        front_feed(&other, &text, cut, 1);
        front_end(pool, &other);

        bad += (other.rc != NGX_OK
                || !front_same(&other.bytes, &one.bytes));

        if (cut < last) {
            front_begin(pool, &other, &argo_openai_responses_front, back,
                        &r.req, STREAM);
            front_push(&other, text.data, cut);
            other.rc = argo_stream_end(&other.st, 1, &other.out);
            front_end(pool, &other);

            if (other.bytes.len) {
                fold_stream(pool, &part, &other.bytes);
                untold += (part.wrong != NULL || !part.failed
                           || other.rc != NGX_DECLINED);

            } else {
                untold += (other.rc != NGX_DECLINED);
            }
        }

        ngx_destroy_pool(pool);
    }

    is((long long) bad, 0, "%s: cut in two anywhere it is the same", name);
    is((long long) untold, 0, "%s: cut off anywhere it has failed", name);

    ngx_destroy_pool(kept);
}


static void
test_cuts(void)
{
    check_cuts("chat completions", &argo_openai_chat_back, chat_reply,
               "output.2",
               "{\"id\":\"fc_" FRONT_ID "_2\",\"type\":\"function_call\","
               "\"status\":\"completed\",\"arguments\":\"{}\","
               "\"call_id\":\"c1\",\"name\":\"list\",\"namespace\":"
               "\"team\"}");
    check_cuts("messages", &argo_anthropic_back, messages_reply,
               "output.0.encrypted_content", "\"anthropic:EqQB+/=\"");
}


/* ---- what agents send */

typedef struct {
    const char         *file;
    ngx_uint_t          tools;
    const char         *has;            /* among the names that go up */
} agent_t;


typedef struct {
    const argo_back_t  *back;
    const char         *model;
    const char         *name;           /* of a tool; NULL: as it came */
} way_t;


/* As front_read(), but to a model of our choice. */

static void
send_agent(ngx_pool_t *pool, const ngx_str_t *json, const way_t *way,
    front_request_t *r)
{
    argo_out_t  out;

    memset(r, 0, sizeof(front_request_t));

    r->req.dialect = ARGO_DIALECT_RESPONSES;
    r->req.document = *json;

    r->rc = argo_json_parse(pool, json,
                            argo_openai_responses_front.tree_depth,
                            &r->req.root, &r->err);

    if (r->rc == NGX_OK) {
        r->rc = argo_openai_responses_front.read_request(pool, &r->req,
                                                         &r->err);
    }

    r->req.model = front_str(way->model);
    ngx_str_set(&r->req.user, "jdoe");

    if (r->rc == NGX_OK) {
        r->rc = argo_model_resolve(pool, front_models(), &r->req.model,
                                   &r->req.target, &r->err);
    }

    if (r->rc == NGX_OK && way->name) {
        r->rc = r->req.adapt(pool, &r->req, way->back->dialect, &r->err);
    }

    if (r->rc == NGX_OK) {
        r->rc = way->back->plan_call(pool, &r->req, 0, &r->call, &r->err);
    }

    if (r->rc == NGX_OK) {
        argo_out_init(&out, pool, 512, NULL, 0);
        way->back->write_request(&r->req, &r->call, &out);
        r->rc = argo_out_flatten(&out, pool, &r->body);
    }
}


static void
check_agent(const agent_t *agent, const way_t *way)
{
    ngx_str_t          json, model;
    ngx_uint_t         n;
    ngx_pool_t        *pool;
    argo_json_t       *root, *tool;
    argo_tool_t       *one;
    front_request_t    r;

    pool = test_pool();
    json = front_file(pool, agent->file);

    send_agent(pool, &json, way, &r);
    root = up(pool, &r);

    ok(root != NULL, "%s, %s: goes up", agent->file, way->model);

    for (one = r.req.tools, n = 0; one; one = one->next) {
        n++;
    }

    is((long long) n, (long long) agent->tools, "%s, %s: all its tools",
       agent->file, way->model);

    if (way->name == NULL) {
        model = argo_json_get(r.req.root, "model")->raw;
        n = model.data - json.data;

        ok(r.body.len == json.len - model.len + 6
           && memcmp(r.body.data, json.data, n) == 0
           && memcmp(r.body.data + n, "\"gpt5\"", 6) == 0
           && memcmp(r.body.data + n + 6, model.data + model.len,
                     json.len - n - model.len) == 0,
           "%s: as it came", agent->file);

        ngx_destroy_pool(pool);
        return;
    }

    tool = argo_json_get(root, "tools");
    n = 0;

    for (tool = tool ? tool->child : NULL; tool; tool = tool->next) {
        n += argo_json_text_is(front_at(tool, way->name), agent->has,
                               strlen(agent->has));
    }

    is((long long) n, 1, "%s, %s: the model can call %s", agent->file,
       way->model, agent->has);
    ok(memmem(r.body.data, r.body.len, "client_metadata", 15) == NULL,
       "%s, %s: nothing that only OpenAI knows", agent->file, way->model);

    ngx_destroy_pool(pool);
}


static void
test_agents(void)
{
    ngx_uint_t  i, j;

    static const agent_t  agents[] = {
        { "codex-functions.json", 12, "multi_agent_v1__spawn_agent" },
        { "codex-custom.json", 9, "apply_patch" },
        { "codex-additional-tools.json", 9, "exec" },
        { "codex-namespace.json", 9, "collaboration__list_agents" },
        { "opencode-responses.json", 9, "bash" }
    };

    static const way_t  ways[] = {
        { &argo_openai_responses_back, "gpt-5", NULL },
        { &argo_openai_chat_back, "gpt-5", "function.name" },
        { &argo_openai_chat_back, "gemini-2.5-pro", "function.name" },
        { &argo_anthropic_back, "claude-opus-4.6", "name" },
        { &argo_legacy_back, "gpt-4o", "function.name" }
    };

    for (i = 0; i < count(agents); i++) {
        for (j = 0; j < count(ways); j++) {
            check_agent(&agents[i], &ways[j]);
        }
    }
}


/* ---- memory */

static ngx_int_t
sweep_once(const ngx_str_t *json, ngx_uint_t stream)
{
    ngx_int_t         rc;
    ngx_str_t         body;
    ngx_pool_t       *pool;
    front_reply_t     reply;
    front_request_t   r;

    pool = ngx_create_pool(4096, NULL);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&body, "");

    rc = front_read(pool, &argo_openai_responses_front, &argo_legacy_back,
                    json, &r);

    if (rc == NGX_OK) {
        run_body(pool, &reply, &script_back, &r.req, &body, stream);
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
    ngx_str_t   json;
    ngx_uint_t  i, stream, n;

    argo_event_t  events[] = {
        REASONING("hm"), SIGNATURE(ARGO_FAMILY_ANTHROPIC, "EqQB"),
        CALL(0, "c0", "patch"), ARGS(0, "{\"input\":\"x\"}"),
        CALL(1, "c1", "local_shell"), ARGS(1, "{\"command\":[\"ls\"]}"),
        SIGNED(2, "c2", "team__list", "sig"), ARGS(2, "{}"),
        FINISH(ARGO_FINISH_TOOL_CALLS)
    };

    json = front_str(
        "{\"model\":\"gpt-4o\",\"tools\":[{\"type\":\"custom\",\"name\":"
        "\"patch\",\"format\":" GRAMMAR "},{\"type\":\"namespace\","
        "\"name\":\"team\",\"tools\":[{\"type\":\"function\",\"name\":"
        "\"list\"}]},{\"type\":\"local_shell\"},{\"type\":\"web_search\"}],"
        "\"input\":[" THOUGHTS ",{\"type\":\"custom_tool_call\","
        "\"call_id\":\"c1\",\"name\":\"patch\",\"input\":\"x\"},"
        "{\"type\":\"custom_tool_call_output\",\"call_id\":\"c1\","
        "\"output\":\"o\"}],\"tool_choice\":{\"type\":\"local_shell\"}}");

    set_script(events, count(events));
    (void) front_models();

    bad = 0;
    n = 0;
    rc = NGX_ERROR;

    for (stream = 0; stream < 2; stream++) {

        for (i = 1; i < 10000; i++) {
            ngx_shim_fail(i);
            rc = sweep_once(&json, stream);

            if (!ngx_shim_failed()) {
                break;
            }

            n++;
            bad += (rc != NGX_ERROR);
        }

        bad += (rc != NGX_OK);
    }

    ngx_shim_fail(0);

    ok(bad == 0 && n > 50, "each of %d allocations may fail", (int) n);
}


int
main(void)
{
    test_offers();
    test_names();
    test_history();
    test_thoughts_up();
    test_calls();
    test_cut_calls();
    test_thoughts_down();
    test_cuts();
    test_agents();
    test_memory();

    return front_done();
}
