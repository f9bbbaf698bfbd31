
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Replies of ARGO's native chat completions, whole and as streams.  They come
 * in the forms of several vendors, printed by Python: null means absent.
 */


#include "argo_openai_chat.h"
#include "argo_json_write.h"
#include "argo_legacy.h"
#include "argo_openai.h"


/*
 * reply, choices, choice, message, tool_calls, call, extra_content, google,
 * thought_signature
 */
#define ARGO_CHAT_REPLY_DEPTH  8

#define ARGO_CHAT_PIECE        256


typedef struct {
    ngx_str_t      reason;
    argo_finish_e  finish;
} argo_chat_reason_t;


static ngx_int_t argo_chat_read_choices(argo_stream_t *st,
    argo_json_t *choices, ngx_uint_t whole, argo_patch_t *patch);
static ngx_int_t argo_chat_read_choice(argo_stream_t *st,
    argo_chat_choice_t *choice, argo_json_t *node, argo_patch_t *patch);
static argo_chat_choice_t *argo_chat_find_choice(argo_stream_t *st,
    const argo_json_t *node);
static ngx_int_t argo_chat_read_finish(argo_stream_t *st,
    argo_chat_choice_t *choice, argo_json_t *node, argo_patch_t *patch);
static argo_finish_e argo_chat_finish_of(const argo_json_t *reason);
static ngx_int_t argo_chat_read_usage(argo_stream_t *st, argo_json_t *usage);
static void argo_chat_number(const argo_json_t *obj, const char *name,
    uint64_t *value);
static ngx_int_t argo_chat_explain(argo_stream_t *st, argo_json_t *root,
    const ngx_str_t *body);

static ngx_int_t argo_chat_frame(argo_stream_t *st,
    const argo_sse_event_t *frame, argo_json_t *root, argo_json_t *choices,
    argo_json_t *usage);
static ngx_int_t argo_chat_forward(argo_stream_t *st,
    const argo_sse_event_t *frame, const argo_patch_t *patch);
static ngx_int_t argo_chat_edit_top(argo_stream_t *st, argo_json_t *root,
    argo_patch_t *patch);
static ngx_int_t argo_chat_keep_head(argo_stream_t *st,
    const argo_json_t *root);
static ngx_int_t argo_chat_finish(argo_stream_t *st);
static ngx_int_t argo_chat_write_last(argo_stream_t *st);
static ngx_int_t argo_chat_emit(argo_stream_t *st, argo_event_e type,
    argo_finish_e finish);


/* OpenAI's own, and what ARGO may let through of other vendors' */

static const argo_chat_reason_t  argo_chat_reasons[] = {
    { ngx_string("stop"), ARGO_FINISH_STOP },
    { ngx_string("length"), ARGO_FINISH_LENGTH },
    { ngx_string("tool_calls"), ARGO_FINISH_TOOL_CALLS },
    { ngx_string("function_call"), ARGO_FINISH_TOOL_CALLS },
    { ngx_string("content_filter"), ARGO_FINISH_CONTENT_FILTER },
    { ngx_string("end_turn"), ARGO_FINISH_STOP },
    { ngx_string("max_tokens"), ARGO_FINISH_LENGTH },
    { ngx_string("MAX_TOKENS"), ARGO_FINISH_LENGTH },
    { ngx_string("tool_use"), ARGO_FINISH_TOOL_CALLS },
    { ngx_string("stop_sequence"), ARGO_FINISH_STOP_SEQUENCE },
    { ngx_string("refusal"), ARGO_FINISH_CONTENT_FILTER },
    { ngx_string("SAFETY"), ARGO_FINISH_CONTENT_FILTER },
    { ngx_string("pause_turn"), ARGO_FINISH_PAUSE },
    { ngx_string("model_context_window_exceeded"), ARGO_FINISH_CONTEXT }
};


#define ARGO_CHAT_NREASONS                                                    \
    (sizeof(argo_chat_reasons) / sizeof(argo_chat_reasons[0]))


ngx_int_t
argo_chat_start_reply(argo_stream_t *st)
{
    int64_t             n;
    argo_out_t          out;
    argo_chat_reply_t  *reply;

    reply = ngx_pcalloc(st->pool, sizeof(argo_chat_reply_t));
    if (reply == NULL) {
        return NGX_ERROR;
    }

    st->back_state = reply;
    reply->expected = 1;

    if (!st->splice) {
        return NGX_OK;
    }

    if (argo_json_int(st->request->n, &n) == NGX_OK && n > 1
        && n <= ARGO_CHAT_MAX_CHOICES)
    {
        reply->expected = n;
    }

    argo_out_init(&out, st->pool, ARGO_CHAT_PIECE, NULL, 1);
    argo_json_write_string(&out, &st->request->model);

    return argo_out_flatten(&out, st->pool, &reply->model);
}


ngx_int_t
argo_chat_read_response(argo_stream_t *st, const ngx_str_t *body)
{
    ngx_int_t       rc;
    argo_json_t    *root, *choices;
    argo_patch_t    patch;

    rc = argo_stream_parse(st, body, ARGO_CHAT_REPLY_DEPTH, &root);

    if (rc == NGX_DECLINED) {
        return argo_legacy_bad_reply(st, "ARGO's reply is not valid JSON");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    choices = argo_json_get(root, "choices");

    if (choices == NULL || choices->type != ARGO_JSON_ARRAY
        || choices->count == 0)
    {
        return argo_chat_explain(st, root, body);
    }

    argo_patch_init(&patch, st->pool, body);

    if (argo_chat_emit(st, ARGO_EVENT_START, ARGO_FINISH_NONE) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = argo_chat_read_usage(st, argo_json_get(root, "usage"));
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_chat_read_choices(st, choices, 1, st->splice ? &patch : NULL);
    if (rc != NGX_OK || !st->ending) {
        return rc;
    }

    rc = argo_chat_finish(st);
    if (rc != NGX_OK || !st->splice) {
        return rc;
    }

    if (argo_chat_edit_top(st, root, &patch) != NGX_OK) {
        return NGX_ERROR;
    }

    st->started = 1;
    argo_patch_write(&patch, st->out);

    return NGX_OK;
}


static ngx_int_t
argo_chat_read_choices(argo_stream_t *st, argo_json_t *choices,
    ngx_uint_t whole, argo_patch_t *patch)
{
    ngx_int_t            rc;
    argo_json_t         *node;
    argo_chat_reply_t   *reply;
    argo_chat_choice_t  *choice;

    reply = st->back_state;

    for (node = choices->child; node; node = node->next) {

        if (node->type != ARGO_JSON_OBJECT) {
            return argo_legacy_bad_reply(st, "a choice in ARGO's reply is "
                                             "not an object");
        }

        choice = argo_chat_find_choice(st, node);

        if (choice == NULL) {
            return (reply->nchoices < ARGO_CHAT_MAX_CHOICES)
                   ? NGX_ERROR
                   : argo_legacy_bad_reply(st, "ARGO's reply has too many "
                                               "choices");
        }

        if (choice->index != 0 && !st->splice) {
            /* one was asked for, and there is a place for one */
            continue;
        }

        choice->whole = whole ? 1 : 0;

        rc = argo_chat_read_choice(st, choice, node, patch);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (reply->finished
        && reply->finished >= (whole ? reply->nchoices : reply->expected))
    {
        st->ending = 1;
    }

    return NGX_OK;
}


static ngx_int_t
argo_chat_read_choice(argo_stream_t *st, argo_chat_choice_t *choice,
    argo_json_t *node, argo_patch_t *patch)
{
    ngx_int_t     rc;
    argo_json_t  *message;

    message = choice->whole ? argo_json_get(node, "message")
                            : argo_json_get(node, "delta");

    if (message && message->type == ARGO_JSON_OBJECT) {
        rc = argo_chat_read_message(st, choice, message, patch);

    } else if (choice->whole
               || (message && message->type != ARGO_JSON_NULL))
    {
        rc = argo_legacy_bad_reply(st, "a choice in ARGO's reply has no "
                                       "message");

    } else {
        rc = NGX_OK;
    }

    return (rc == NGX_OK) ? argo_chat_read_finish(st, choice, node, patch)
                          : rc;
}


static argo_chat_choice_t *
argo_chat_find_choice(argo_stream_t *st, const argo_json_t *node)
{
    int64_t               index;
    argo_chat_reply_t    *reply;
    argo_chat_choice_t   *choice, **last;

    reply = st->back_state;

    if (argo_json_int(argo_json_get(node, "index"), &index) != NGX_OK) {
        index = 0;
    }

    for (last = &reply->choices; *last; last = &(*last)->next) {
        if ((*last)->index == index) {
            return *last;
        }
    }

    if (reply->nchoices == ARGO_CHAT_MAX_CHOICES) {
        return NULL;
    }

    choice = ngx_pcalloc(st->pool, sizeof(argo_chat_choice_t));
    if (choice == NULL) {
        return NULL;
    }

    choice->index = index;
    reply->nchoices++;

    *last = choice;

    return choice;
}


static ngx_int_t
argo_chat_read_finish(argo_stream_t *st, argo_chat_choice_t *choice,
    argo_json_t *node, argo_patch_t *patch)
{
    argo_json_t          *reason;
    argo_chat_reply_t    *reply;
    argo_member_edit_t    member;

    reply = st->back_state;
    reason = argo_json_get(node, "finish_reason");

    if (reason == NULL && patch && !choice->whole) {
        /* Gemini leaves it out, and clients must have it */

        ngx_str_set(&member.name, "finish_reason");
        ngx_str_set(&member.value, "null");

        return argo_patch_members(patch, node, &member, 1);
    }

    if (reason == NULL || reason->type == ARGO_JSON_NULL) {
        return NGX_OK;
    }

    if (reason->type != ARGO_JSON_STRING) {
        return argo_legacy_bad_reply(st, "\"finish_reason\" in ARGO's reply "
                                         "is not a string");
    }

    if (choice->finish == ARGO_FINISH_NONE) {
        choice->finish = argo_chat_finish_of(reason);
        reply->finished++;
    }

    if (choice->finish != ARGO_FINISH_STOP || choice->ncalls == 0) {
        return NGX_OK;
    }

    /* OpenAI says "stop" to who has told it what to call; it is no answer */

    choice->finish = ARGO_FINISH_TOOL_CALLS;

    if (patch && st->request->target
        && st->request->target->family == ARGO_FAMILY_GOOGLE)
    {
        ngx_str_set(&member.name, "finish_reason");
        ngx_str_set(&member.value, "\"tool_calls\"");

        return argo_patch_members(patch, node, &member, 1);
    }

    return NGX_OK;
}


static argo_finish_e
argo_chat_finish_of(const argo_json_t *reason)
{
    ngx_str_t   text;
    ngx_uint_t  i;

    text = argo_json_inner(reason);

    for (i = 0; i < ARGO_CHAT_NREASONS; i++) {

        if (text.len == argo_chat_reasons[i].reason.len
            && ngx_memcmp(text.data, argo_chat_reasons[i].reason.data,
                          text.len)
               == 0)
        {
            return argo_chat_reasons[i].finish;
        }
    }

    return ARGO_FINISH_STOP;
}


static ngx_int_t
argo_chat_read_usage(argo_stream_t *st, argo_json_t *usage)
{
    argo_json_t   *prompt, *completion;
    argo_event_t   ev;

    if (usage == NULL || usage->type != ARGO_JSON_OBJECT) {
        return NGX_OK;
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_USAGE;

    argo_chat_number(usage, "prompt_tokens", &ev.usage.prompt);
    argo_chat_number(usage, "completion_tokens", &ev.usage.completion);

    prompt = argo_json_get(usage, "prompt_tokens_details");
    completion = argo_json_get(usage, "completion_tokens_details");

    argo_chat_number(prompt, "cached_tokens", &ev.usage.cached);
    argo_chat_number(prompt, "cache_creation_tokens", &ev.usage.cache_write);
    argo_chat_number(completion, "reasoning_tokens", &ev.usage.reasoning);

    return argo_stream_emit(st, &ev);
}


static void
argo_chat_number(const argo_json_t *obj, const char *name, uint64_t *value)
{
    int64_t  n;

    if (argo_json_int(argo_json_find(obj, name, ngx_strlen(name)), &n)
        == NGX_OK
        && n >= 0)
    {
        *value = n;
    }
}


/* Something else than a reply: what is said of the failure must stay. */

static ngx_int_t
argo_chat_explain(argo_stream_t *st, argo_json_t *root,
    const ngx_str_t *body)
{
    ngx_int_t      rc;
    ngx_str_t      kept;
    argo_json_t   *error, *copy;

    error = argo_json_get(root, "error");

    if ((error == NULL || error->type == ARGO_JSON_NULL)
        && argo_json_get(root, "choices"))
    {
        return argo_legacy_bad_reply(st, "ARGO's reply has no choices");
    }

    if (argo_stream_keep(st, body, &kept) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = argo_json_parse(st->pool, &kept, ARGO_CHAT_REPLY_DEPTH, &copy,
                         &st->error);

    if (rc == NGX_OK) {
        rc = argo_legacy_explain(st->pool, copy, &kept, &st->error);
    }

    return (rc == NGX_OK) ? argo_stream_reject(st) : NGX_ERROR;
}


ngx_int_t
argo_chat_read_event(argo_stream_t *st, const argo_sse_event_t *frame)
{
    ngx_int_t     rc;
    argo_json_t  *root, *choices, *error, *usage;

    if (st->collect) {
        /* one body is to be made of it: not as it came */
        st->splice = 0;
    }

    if (argo_str_is(&frame->data, "[DONE]")) {

        if (st->ending) {
            return argo_chat_finish(st);
        }

        argo_error_set(&st->error, 502, "upstream_incomplete", NULL,
                       "ARGO's reply ended before it was complete");
        return argo_stream_reject(st);
    }

    rc = argo_stream_parse(st, &frame->data, ARGO_CHAT_REPLY_DEPTH, &root);

    if (rc == NGX_DECLINED) {
        return argo_legacy_bad_reply(st, "an event of ARGO's reply is not "
                                         "valid JSON");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    choices = argo_json_get(root, "choices");
    error = argo_json_get(root, "error");

    if (choices == NULL || choices->type != ARGO_JSON_ARRAY
        || (error && error->type != ARGO_JSON_NULL))
    {
        return argo_chat_explain(st, root, &frame->data);
    }

    usage = argo_json_get(root, "usage");

    if (usage && usage->type != ARGO_JSON_OBJECT) {
        usage = NULL;
    }

    if (choices->count == 0 && usage == NULL) {
        /* ARGO begins with such a one, and clients fail on it */
        return NGX_OK;
    }

    if (!st->begun) {
        rc = argo_chat_emit(st, ARGO_EVENT_START, ARGO_FINISH_NONE);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return argo_chat_frame(st, frame, root, choices, usage);
}


static ngx_int_t
argo_chat_frame(argo_stream_t *st, const argo_sse_event_t *frame,
    argo_json_t *root, argo_json_t *choices, argo_json_t *usage)
{
    ngx_int_t           rc;
    argo_json_t        *node;
    argo_patch_t        patch;
    argo_chat_reply_t  *reply;

    reply = st->back_state;

    argo_patch_init(&patch, st->scratch, &frame->data);

    rc = argo_chat_read_choices(st, choices, 0, st->splice ? &patch : NULL);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_chat_read_usage(st, usage);
    if (rc != NGX_OK || !st->splice) {
        return rc;
    }

    if (usage && st->request->include_usage) {
        reply->usage = 1;

    } else if (usage && choices->count == 0) {
        return NGX_OK;

    } else if (usage) {

        for (node = root->child; node; node = node->next) {
            if (argo_str_is(&node->name, "usage")) {
                node->dropped = 1;
            }
        }

        if (argo_patch_drop(&patch, root) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (argo_chat_edit_top(st, root, &patch) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_chat_forward(st, frame, &patch);
}


/* Lines that end with a carriage return alone are written anew. */

static ngx_int_t
argo_chat_forward(argo_stream_t *st, const argo_sse_event_t *frame,
    const argo_patch_t *patch)
{
    argo_sse_event_t  copy;

    if (frame->raw.len && frame->raw.data[frame->raw.len - 1] == LF) {
        return argo_stream_forward(st, frame, patch);
    }

    copy = *frame;
    copy.inside = 0;

    return argo_stream_forward(st, &copy, patch);
}


static ngx_int_t
argo_chat_edit_top(argo_stream_t *st, argo_json_t *root,
    argo_patch_t *patch)
{
    argo_chat_reply_t   *reply;
    argo_member_edit_t   member;

    reply = st->back_state;

    if (reply->head.data == NULL && !st->collect
        && argo_chat_keep_head(st, root) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_set(&member.name, "model");
    member.value = reply->model;

    return argo_patch_members(patch, root, &member, 1);
}


/* for an event that upstream may owe its client */

static ngx_int_t
argo_chat_keep_head(argo_stream_t *st, const argo_json_t *root)
{
    argo_out_t          out;
    argo_json_t        *id, *created;
    argo_chat_reply_t  *reply;

    reply = st->back_state;
    id = argo_json_get(root, "id");
    created = argo_json_get(root, "created");

    if (!st->request->include_usage) {
        ngx_str_set(&reply->head, "");
        return NGX_OK;
    }

    argo_out_init(&out, st->pool, ARGO_CHAT_PIECE, NULL, 1);

    if (id) {
        argo_out_lit(&out, "\"id\":");
        argo_out_str(&out, &id->raw);
        argo_out_lit(&out, ",");
    }

    if (created) {
        argo_out_lit(&out, "\"created\":");
        argo_out_str(&out, &created->raw);
        argo_out_lit(&out, ",");
    }

    return argo_out_flatten(&out, st->pool, &reply->head);
}


ngx_int_t
argo_chat_read_end(argo_stream_t *st)
{
    return st->ending ? argo_chat_finish(st) : NGX_OK;
}


static ngx_int_t
argo_chat_finish(argo_stream_t *st)
{
    ngx_int_t            rc;
    argo_chat_reply_t   *reply;
    argo_chat_choice_t  *choice;

    reply = st->back_state;

    for (choice = reply->choices; choice->next; choice = choice->next) {
        if (choice->index == 0) {
            break;
        }
    }

    rc = argo_chat_emit(st, ARGO_EVENT_FINISH, choice->finish);

    if (rc != NGX_OK || !st->splice || choice->whole) {
        return rc;
    }

    return argo_chat_write_last(st);
}


static ngx_int_t
argo_chat_write_last(argo_stream_t *st)
{
    ngx_int_t            rc;
    argo_out_t           out;
    argo_sse_event_t     frame;
    argo_chat_reply_t   *reply;

    reply = st->back_state;

    ngx_memzero(&frame, sizeof(argo_sse_event_t));

    if (st->request->include_usage && !reply->usage) {
        argo_out_init(&out, st->pool, ARGO_CHAT_PIECE, NULL, 1);

        argo_out_lit(&out, "data: {");
        argo_out_str(&out, &reply->head);
        argo_out_lit(&out, "\"object\":\"chat.completion.chunk\","
                           "\"model\":");
        argo_out_str(&out, &reply->model);
        argo_out_lit(&out, ",\"choices\":[],\"usage\":");
        argo_openai_write_usage(st, &out);
        argo_out_lit(&out, "}\n");

        if (argo_out_flatten(&out, st->pool, &frame.raw) != NGX_OK) {
            return NGX_ERROR;
        }

        rc = argo_stream_forward(st, &frame, NULL);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    ngx_str_set(&frame.raw, "data: [DONE]\n");

    return argo_stream_forward(st, &frame, NULL);
}


static ngx_int_t
argo_chat_emit(argo_stream_t *st, argo_event_e type, argo_finish_e finish)
{
    argo_event_t  ev;

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = type;
    ev.finish = finish;

    return argo_stream_emit(st, &ev);
}
