
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The messages of a request.  An assistant's message that calls tools is
 * written together with the results that follow it: each vendor has its own
 * form for the two.
 */


#include "argo_legacy.h"
#include "argo_json_write.h"
#include "argo_part.h"
#include "argo_tool.h"


#define ARGO_LEGACY_PIECE  1024


typedef struct {
    const argo_request_t  *req;
    argo_out_t            *out;
    argo_family_e          family;
    unsigned               written:1;       /* a message has been */
    unsigned               instruct:1;      /* not yet been told of tools */
    unsigned               ends:1;          /* a message will be added */
} argo_legacy_history_t;


static argo_message_t *argo_legacy_write_one(argo_legacy_history_t *h,
    argo_message_t *message);
static void argo_legacy_write_next(argo_legacy_history_t *h);
static ngx_uint_t argo_legacy_lacks_user(const argo_request_t *req);
static ngx_uint_t argo_legacy_lacks_system(const argo_request_t *req);
static void argo_legacy_write_message(argo_legacy_history_t *h,
    const argo_message_t *message);
static void argo_legacy_write_refusal(const argo_message_t *message,
    argo_out_t *out);
static void argo_legacy_write_system(argo_legacy_history_t *h,
    const argo_message_t *message);
static void argo_legacy_write_members(argo_legacy_history_t *h,
    const argo_json_t *node);

static const argo_part_t *argo_legacy_first_content(const argo_part_t *part);
static const argo_part_t *argo_legacy_first_call(const argo_part_t *part);
static void argo_legacy_write_content(const argo_message_t *message,
    argo_out_t *out);
static void argo_legacy_write_parts(const argo_part_t *part, argo_out_t *out);
static void argo_legacy_write_part(const argo_part_t *part, argo_out_t *out);
static void argo_legacy_write_image(const argo_part_t *part, argo_out_t *out);
static void argo_legacy_write_rest(const argo_json_t *obj, const char *name,
    argo_out_t *out);

static argo_message_t *argo_legacy_write_exchange(argo_legacy_history_t *h,
    argo_message_t *message);
static void argo_legacy_openai_exchange(argo_legacy_history_t *h,
    const argo_message_t *message, const argo_message_t *end);
static void argo_legacy_claude_exchange(argo_legacy_history_t *h,
    const argo_message_t *message, const argo_message_t *end);
static void argo_legacy_gemini_exchange(argo_legacy_history_t *h,
    const argo_message_t *message, const argo_message_t *end);
static void argo_legacy_other_exchange(argo_legacy_history_t *h,
    const argo_message_t *message, const argo_message_t *end);
static ngx_uint_t argo_legacy_is_answered(argo_legacy_history_t *h,
    const argo_message_t *message, const argo_message_t *end);

static void argo_legacy_write_openai_call(const argo_part_t *call,
    argo_out_t *out);
static void argo_legacy_write_openai_result(argo_legacy_history_t *h,
    const argo_part_t *call, const argo_message_t *answer);
static void argo_legacy_write_claude_blocks(const argo_message_t *message,
    argo_out_t *out);
static void argo_legacy_write_claude_result(argo_legacy_history_t *h,
    const argo_part_t *call, const argo_message_t *answer);
static void argo_legacy_write_claude_id(const ngx_str_t *id,
    argo_out_t *out);
static void argo_legacy_write_gemini_call(const argo_part_t *call,
    argo_out_t *out);
static const argo_message_t *argo_legacy_answer(const argo_message_t *message,
    const argo_message_t *end, const argo_part_t *call);
static void argo_legacy_write_result_content(const argo_part_t *result,
    argo_out_t *out);
static void argo_legacy_write_arguments(const ngx_str_t *text,
    argo_out_t *out);
static void argo_legacy_write_calls_text(const argo_message_t *message,
    argo_out_t *out);
static void argo_legacy_write_results_text(argo_legacy_history_t *h,
    const argo_message_t *message, const argo_message_t *end);
static ngx_uint_t argo_legacy_is_text(const argo_part_t *part);
static void argo_legacy_write_text_head(ngx_uint_t list, argo_out_t *out);
static void argo_legacy_write_text_tail(ngx_uint_t list, argo_out_t *out);


/*
 * What OpenAI's clients send back of an answer of ours, and what means
 * nothing to other vendors: they refuse members that they don't know.
 */

static const ngx_str_t  argo_legacy_openai_members[] = {
    ngx_string("refusal"),
    ngx_string("annotations"),
    ngx_string("audio"),
    ngx_string("reasoning_content")
};


#define ARGO_LEGACY_NMEMBERS                                                  \
    (sizeof(argo_legacy_openai_members)                                       \
     / sizeof(argo_legacy_openai_members[0]))


void
argo_legacy_write_messages(const argo_request_t *req, argo_out_t *out)
{
    argo_message_t         *message;
    argo_legacy_history_t   h;

    ngx_memzero(&h, sizeof(argo_legacy_history_t));

    h.req = req;
    h.out = out;
    h.family = req->target->family;
    h.ends = argo_legacy_lacks_user(req);
    h.instruct = (h.family == ARGO_FAMILY_OTHER && argo_tool_callable(req));

    if (h.instruct && argo_legacy_lacks_system(req)) {
        argo_legacy_write_system(&h, NULL);
    }

    for (message = req->messages; message; message = message->next) {
        message = argo_legacy_write_one(&h, message);
    }

    if (h.ends) {
        argo_legacy_write_next(&h);
        argo_out_lit(out, "{\"role\":\"user\",\"content\":\"[continue]\"}");
    }
}


/* Returns the last message that was written. */

static argo_message_t *
argo_legacy_write_one(argo_legacy_history_t *h, argo_message_t *message)
{
    if (argo_legacy_first_call(message->parts)) {
        return argo_legacy_write_exchange(h, message);
    }

    if (message->role == ARGO_ROLE_SYSTEM && h->instruct) {
        argo_legacy_write_system(h, message);
        return message;
    }

    argo_legacy_write_message(h, message);

    return message;
}


static void
argo_legacy_write_next(argo_legacy_history_t *h)
{
    if (h->written) {
        argo_out_lit(h->out, ",");
    }

    h->written = 1;
}


/*
 * Claude and Gemini refuse a conversation in which no user speaks; to Claude
 * the result of a tool comes from the user.
 */

static ngx_uint_t
argo_legacy_lacks_user(const argo_request_t *req)
{
    argo_message_t  *message;

    if (req->target->family != ARGO_FAMILY_ANTHROPIC
        && req->target->family != ARGO_FAMILY_GOOGLE)
    {
        return 0;
    }

    for (message = req->messages; message; message = message->next) {

        if (message->role == ARGO_ROLE_USER
            || (message->role == ARGO_ROLE_TOOL
                && req->target->family == ARGO_FAMILY_ANTHROPIC))
        {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
argo_legacy_lacks_system(const argo_request_t *req)
{
    argo_message_t  *message;

    for (message = req->messages; message; message = message->next) {
        if (message->role == ARGO_ROLE_SYSTEM) {
            return 0;
        }
    }

    return 1;
}


static void
argo_legacy_write_message(argo_legacy_history_t *h,
    const argo_message_t *message)
{
    argo_out_t  *out;

    out = h->out;

    argo_legacy_write_next(h);

    argo_out_lit(out, "{\"role\":");

    switch (message->role) {

    case ARGO_ROLE_SYSTEM:
        /* ARGO does not know "developer" */
        argo_out_lit(out, "\"system\"");
        break;

    case ARGO_ROLE_USER:
        argo_out_lit(out, "\"user\"");
        break;

    case ARGO_ROLE_ASSISTANT:
        argo_out_lit(out, "\"assistant\"");
        break;

    default: /* ARGO_ROLE_OTHER */
        argo_out_str(out, &message->role_node->raw);
    }

    argo_out_lit(out, ",\"content\":");

    if (message->role != ARGO_ROLE_ASSISTANT) {
        argo_legacy_write_content(message, out);
        argo_legacy_write_untaken(message->node, out);

    } else if (message->parts == NULL && h->family != ARGO_FAMILY_OPENAI) {
        argo_legacy_write_refusal(message, out);
        argo_legacy_write_members(h, message->node);

    } else {
        argo_legacy_write_content(message, out);
        argo_legacy_write_members(h, message->node);
    }

    argo_out_lit(out, "}");
}


/* To other vendors a refusal is what the assistant has said. */

static void
argo_legacy_write_refusal(const argo_message_t *message, argo_out_t *out)
{
    argo_json_t  *refusal;

    refusal = argo_json_get(message->node, "refusal");

    if (refusal && refusal->type == ARGO_JSON_STRING) {
        argo_out_ref(out, refusal->raw.data, refusal->raw.len);
        return;
    }

    argo_legacy_write_content(message, out);
}


/* The first system message, or one that the client did not send. */

static void
argo_legacy_write_system(argo_legacy_history_t *h,
    const argo_message_t *message)
{
    ngx_uint_t          list;
    argo_out_t         *out;
    const argo_part_t  *part;

    out = h->out;
    part = message ? message->parts : NULL;
    list = !argo_legacy_is_text(part);

    h->instruct = 0;

    argo_legacy_write_next(h);
    argo_out_lit(out, "{\"role\":\"system\",\"content\":");

    if (list) {
        argo_out_lit(out, "[");
        argo_legacy_write_parts(part, out);
        argo_out_lit(out, ",");
    }

    argo_legacy_write_text_head(list, out);

    if (!list) {

        for ( /* void */ ; part; part = part->next) {
            argo_out_ref(out, part->text.data, part->text.len);
        }

        if (message && message->parts) {
            argo_out_lit(out, "\\n\\n");
        }
    }

    argo_legacy_write_instructions(h->req, out);
    argo_legacy_write_text_tail(list, out);

    if (list) {
        argo_out_lit(out, "]");
    }

    if (message) {
        argo_legacy_write_untaken(message->node, out);
    }

    argo_out_lit(out, "}");
}


/* What else an assistant's message has. */

static void
argo_legacy_write_members(argo_legacy_history_t *h, const argo_json_t *node)
{
    ngx_uint_t          i;
    const ngx_str_t    *name;
    const argo_json_t  *member;

    if (h->family == ARGO_FAMILY_OPENAI || node == NULL) {
        argo_legacy_write_untaken(node, h->out);
        return;
    }

    for (member = node->child; member; member = member->next) {

        if (member->taken) {
            continue;
        }

        for (i = 0; i < ARGO_LEGACY_NMEMBERS; i++) {
            name = &argo_legacy_openai_members[i];

            if (name->len == member->name.len
                && ngx_memcmp(name->data, member->name.data, name->len) == 0)
            {
                break;
            }
        }

        if (i == ARGO_LEGACY_NMEMBERS) {
            argo_out_lit(h->out, ",");
            argo_out_ref(h->out, member->start, member->raw.data
                                                + member->raw.len
                                                - member->start);
        }
    }
}


static const argo_part_t *
argo_legacy_first_content(const argo_part_t *part)
{
    while (part && (part->type == ARGO_PART_TOOL_CALL
                    || part->type == ARGO_PART_REASONING))
    {
        part = part->next;
    }

    return part;
}


static const argo_part_t *
argo_legacy_first_call(const argo_part_t *part)
{
    while (part && part->type != ARGO_PART_TOOL_CALL) {
        part = part->next;
    }

    return part;
}


static void
argo_legacy_write_content(const argo_message_t *message, argo_out_t *out)
{
    const argo_part_t  *part;

    part = argo_legacy_first_content(message->parts);

    if (part == NULL) {
        /* null makes ARGO's Gemini path fail */
        argo_out_lit(out, "\"\"");
        return;
    }

    if (message->string) {
        argo_out_lit(out, "\"");
        argo_out_ref(out, part->text.data, part->text.len);
        argo_out_lit(out, "\"");
        return;
    }

    argo_out_lit(out, "[");
    argo_legacy_write_parts(part, out);
    argo_out_lit(out, "]");
}


static void
argo_legacy_write_parts(const argo_part_t *part, argo_out_t *out)
{
    ngx_uint_t  written;

    written = 0;

    for (part = argo_legacy_first_content(part);
         part;
         part = argo_legacy_first_content(part->next))
    {
        if (written) {
            argo_out_lit(out, ",");
        }

        argo_legacy_write_part(part, out);
        written = 1;
    }
}


static void
argo_legacy_write_part(const argo_part_t *part, argo_out_t *out)
{
    if (part->raw && part->data == NULL) {
        argo_out_ref(out, part->raw->raw.data, part->raw->raw.len);
        return;
    }

    if (part->type == ARGO_PART_IMAGE) {
        argo_legacy_write_image(part, out);
        return;
    }

    argo_legacy_write_text_head(1, out);
    argo_out_ref(out, part->text.data, part->text.len);
    argo_legacy_write_text_tail(1, out);
}


/* An image that has been fetched keeps what else its part says. */

static void
argo_legacy_write_image(const argo_part_t *part, argo_out_t *out)
{
    argo_out_lit(out, "{\"type\":\"image_url\",\"image_url\":"
                      "{\"url\":\"");

    if (part->data) {
        argo_out_share(out, part->data);

    } else {
        argo_out_ref(out, part->text.data, part->text.len);
    }

    argo_out_lit(out, "\"");

    if (part->raw) {
        argo_legacy_write_rest(argo_json_get(part->raw, "image_url"), "url",
                               out);

    } else {
        argo_legacy_write_member("detail", part->detail, out);
    }

    argo_out_lit(out, "}");
    argo_legacy_write_rest(part->raw, "image_url", out);
    argo_out_lit(out, "}");
}


/* What an object has beside "type" and the member named. */

static void
argo_legacy_write_rest(const argo_json_t *obj, const char *name,
    argo_out_t *out)
{
    const argo_json_t  *member;

    if (obj == NULL) {
        return;
    }

    for (member = obj->child; member; member = member->next) {

        if (argo_str_is(&member->name, "type")
            || (member->name.len == ngx_strlen(name)
                && ngx_memcmp(member->name.data, name, member->name.len)
                   == 0))
        {
            continue;
        }

        argo_out_lit(out, ",");
        argo_out_ref(out, member->start, member->raw.data + member->raw.len
                                         - member->start);
    }
}


/* Writes calls and the results that follow; returns the last of these. */

static argo_message_t *
argo_legacy_write_exchange(argo_legacy_history_t *h, argo_message_t *message)
{
    argo_message_t  *last;

    for (last = message;
         last->next && last->next->role == ARGO_ROLE_TOOL;
         last = last->next)
    {
        /* void */
    }

    switch (h->family) {

    case ARGO_FAMILY_OPENAI:
        argo_legacy_openai_exchange(h, message, last->next);
        break;

    case ARGO_FAMILY_ANTHROPIC:
        argo_legacy_claude_exchange(h, message, last->next);
        break;

    case ARGO_FAMILY_GOOGLE:
        argo_legacy_gemini_exchange(h, message, last->next);
        break;

    default: /* ARGO_FAMILY_OTHER */
        argo_legacy_other_exchange(h, message, last->next);
    }

    return last;
}


/*
 * A conversation may end with calls; if it goes on, then those that were left
 * without a result (a client was interrupted) must get one, or all vendors
 * refuse it.
 */

static ngx_uint_t
argo_legacy_is_answered(argo_legacy_history_t *h,
    const argo_message_t *message, const argo_message_t *end)
{
    return message->next != end || end || h->ends;
}


static void
argo_legacy_openai_exchange(argo_legacy_history_t *h,
    const argo_message_t *message, const argo_message_t *end)
{
    argo_out_t            *out;
    const argo_part_t     *call;
    const argo_message_t  *answer;

    out = h->out;

    argo_legacy_write_next(h);
    argo_out_lit(out, "{\"role\":\"assistant\",\"content\":");
    argo_legacy_write_content(message, out);
    argo_out_lit(out, ",\"tool_calls\":[");

    call = argo_legacy_first_call(message->parts);

    while (call) {
        argo_legacy_write_openai_call(call, out);

        call = argo_legacy_first_call(call->next);

        if (call) {
            argo_out_lit(out, ",");
        }
    }

    argo_out_lit(out, "]");
    argo_legacy_write_members(h, message->node);
    argo_out_lit(out, "}");

    for (answer = message->next; answer != end; answer = answer->next) {
        argo_legacy_write_openai_result(h, answer->parts->peer, answer);
    }

    if (!argo_legacy_is_answered(h, message, end)) {
        return;
    }

    for (call = argo_legacy_first_call(message->parts);
         call;
         call = argo_legacy_first_call(call->next))
    {
        if (call->peer == NULL) {
            argo_legacy_write_openai_result(h, call, NULL);
        }
    }
}


/* All results that follow are one message of the user's. */

static void
argo_legacy_claude_exchange(argo_legacy_history_t *h,
    const argo_message_t *message, const argo_message_t *end)
{
    ngx_uint_t             written;
    argo_out_t            *out;
    const argo_part_t     *call;
    const argo_message_t  *answer;

    out = h->out;

    argo_legacy_write_next(h);
    argo_out_lit(out, "{\"role\":\"assistant\",\"content\":[");
    argo_legacy_write_claude_blocks(message, out);
    argo_out_lit(out, "]");
    argo_legacy_write_members(h, message->node);
    argo_out_lit(out, "}");

    if (!argo_legacy_is_answered(h, message, end)) {
        return;
    }

    argo_legacy_write_next(h);
    argo_out_lit(out, "{\"role\":\"user\",\"content\":[");

    written = 0;

    for (answer = message->next; answer != end; answer = answer->next) {

        if (written) {
            argo_out_lit(out, ",");
        }

        argo_legacy_write_claude_result(h, answer->parts->peer, answer);
        written = 1;
    }

    for (call = argo_legacy_first_call(message->parts);
         call;
         call = argo_legacy_first_call(call->next))
    {
        if (call->peer) {
            continue;
        }

        if (written) {
            argo_out_lit(out, ",");
        }

        argo_legacy_write_claude_result(h, call, NULL);
        written = 1;
    }

    argo_out_lit(out, "]}");
}


/*
 * Gemini wants a turn of N calls to be followed by one of N results, and what
 * ARGO makes of parallel calls is not that: they are written as if they had
 * been made one after the other.
 */

static void
argo_legacy_gemini_exchange(argo_legacy_history_t *h,
    const argo_message_t *message, const argo_message_t *end)
{
    ngx_uint_t          answered, first;
    argo_out_t         *out;
    const argo_part_t  *call, *next;

    out = h->out;
    answered = argo_legacy_is_answered(h, message, end);
    first = 1;

    for (call = argo_legacy_first_call(message->parts);
         call;
         call = argo_legacy_first_call(call->next))
    {
        argo_legacy_write_next(h);
        argo_out_lit(out, "{\"role\":\"assistant\",\"content\":");

        if (first) {
            argo_legacy_write_content(message, out);

        } else {
            argo_out_lit(out, "\"\"");
        }

        argo_out_lit(out, ",\"tool_calls\":[");
        argo_legacy_write_gemini_call(call, out);

        for (next = argo_legacy_first_call(call->next);
             next && !answered;
             next = argo_legacy_first_call(call->next))
        {
            call = next;
            argo_out_lit(out, ",");
            argo_legacy_write_gemini_call(call, out);
        }

        argo_out_lit(out, "]");

        if (first) {
            argo_legacy_write_members(h, message->node);
        }

        argo_out_lit(out, "}");

        if (answered) {
            argo_legacy_write_openai_result(h, call,
                                   argo_legacy_answer(message, end, call));
        }

        first = 0;
    }
}


/* Calls and results as text, in the form that the instructions give. */

static void
argo_legacy_other_exchange(argo_legacy_history_t *h,
    const argo_message_t *message, const argo_message_t *end)
{
    ngx_uint_t          list;
    argo_out_t         *out;
    const argo_part_t  *part;

    out = h->out;
    list = !argo_legacy_is_text(message->parts);

    argo_legacy_write_next(h);
    argo_out_lit(out, "{\"role\":\"assistant\",\"content\":");

    if (list) {
        argo_out_lit(out, "[");
        argo_legacy_write_parts(message->parts, out);
        argo_out_lit(out, ",");
    }

    argo_legacy_write_text_head(list, out);

    if (!list) {

        for (part = argo_legacy_first_content(message->parts);
             part;
             part = argo_legacy_first_content(part->next))
        {
            argo_out_ref(out, part->text.data, part->text.len);

            if (part->text.len) {
                argo_out_lit(out, "\\n");
            }
        }
    }

    argo_legacy_write_calls_text(message, out);
    argo_legacy_write_text_tail(list, out);

    if (list) {
        argo_out_lit(out, "]");
    }

    argo_legacy_write_members(h, message->node);
    argo_out_lit(out, "}");

    if (argo_legacy_is_answered(h, message, end)) {
        argo_legacy_write_results_text(h, message, end);
    }
}


static void
argo_legacy_write_openai_call(const argo_part_t *call, argo_out_t *out)
{
    if (call->raw) {
        argo_out_ref(out, call->raw->raw.data, call->raw->raw.len);
        return;
    }

    argo_out_lit(out, "{\"id\":\"");
    argo_out_str(out, &call->id);
    argo_out_lit(out, "\",\"type\":\"function\",\"function\":{\"name\":\"");
    argo_out_str(out, &call->name);
    argo_out_lit(out, "\",\"arguments\":\"");

    if (call->text.len) {
        argo_out_ref(out, call->text.data, call->text.len);

    } else {
        argo_out_lit(out, "{}");
    }

    argo_out_lit(out, "\"}}");
}


/* Gemini's have the same form; a name is what its own API knows them by. */

static void
argo_legacy_write_openai_result(argo_legacy_history_t *h,
    const argo_part_t *call, const argo_message_t *answer)
{
    argo_out_t       *out;
    const ngx_str_t  *name;

    out = h->out;

    argo_legacy_write_next(h);
    argo_out_lit(out, "{\"role\":\"tool\",\"content\":");
    argo_legacy_write_result_content(answer ? answer->parts : NULL, out);
    argo_out_lit(out, ",\"tool_call_id\":\"");
    argo_out_str(out, &call->id);
    argo_out_lit(out, "\"");

    name = answer ? &answer->parts->name : NULL;

    if (h->family == ARGO_FAMILY_GOOGLE) {
        name = &call->name;
    }

    if (name && name->len) {
        argo_out_lit(out, ",\"name\":\"");
        argo_out_str(out, name);
        argo_out_lit(out, "\"");
    }

    if (answer) {
        argo_legacy_write_untaken(answer->node, out);
    }

    argo_out_lit(out, "}");
}


static void
argo_legacy_write_claude_blocks(const argo_message_t *message,
    argo_out_t *out)
{
    ngx_uint_t          written;
    const argo_part_t  *part;

    written = 0;

    for (part = message->parts; part; part = part->next) {

        if (part->type == ARGO_PART_TEXT
            && argo_part_is_blank(&part->text))
        {
            /* refused by Claude, and usual beside calls */
            continue;
        }

        if (written) {
            argo_out_lit(out, ",");
        }

        written = 1;

        if (part->type != ARGO_PART_TOOL_CALL) {
            argo_legacy_write_part(part, out);
            continue;
        }

        argo_out_lit(out, "{\"id\":\"");
        argo_legacy_write_claude_id(&part->id, out);
        argo_out_lit(out, "\",\"input\":");
        argo_legacy_write_arguments(&part->text, out);
        argo_out_lit(out, ",\"name\":\"");
        argo_out_str(out, &part->name);
        argo_out_lit(out, "\",\"type\":\"tool_use\",\"cache_control\":null}");
    }
}


static void
argo_legacy_write_claude_result(argo_legacy_history_t *h,
    const argo_part_t *call, const argo_message_t *answer)
{
    argo_out_t  *out;

    out = h->out;

    argo_out_lit(out, "{\"type\":\"tool_result\",\"tool_use_id\":\"");
    argo_legacy_write_claude_id(&call->id, out);
    argo_out_lit(out, "\",\"content\":");
    argo_legacy_write_result_content(answer ? answer->parts : NULL, out);

    if (answer) {
        argo_legacy_write_untaken(answer->node, out);
    }

    argo_out_lit(out, "}");
}


/*
 * Claude takes ids of letters, digits, "_" and "-"; those of other vendors,
 * in a conversation that has changed its model, may have more in them.
 */

static void
argo_legacy_write_claude_id(const ngx_str_t *id, argo_out_t *out)
{
    u_char  c;
    size_t  i, run;

    run = 0;

    for (i = 0; i < id->len; i++) {
        c = id->data[i];

        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
            || (c >= 'a' && c <= 'z') || c == '_' || c == '-')
        {
            continue;
        }

        argo_out_write(out, id->data + run, i - run);
        argo_out_lit(out, "_");
        run = i + 1;
    }

    argo_out_write(out, id->data + run, i - run);
}


static void
argo_legacy_write_gemini_call(const argo_part_t *call, argo_out_t *out)
{
    argo_out_lit(out, "{\"id\":\"");
    argo_out_str(out, &call->id);
    argo_out_lit(out, "\",\"name\":\"");
    argo_out_str(out, &call->name);
    argo_out_lit(out, "\",\"args\":");
    argo_legacy_write_arguments(&call->text, out);
    argo_out_lit(out, "}");
}


/* The message that has the result of a call; NULL: there is none. */

static const argo_message_t *
argo_legacy_answer(const argo_message_t *message, const argo_message_t *end,
    const argo_part_t *call)
{
    const argo_message_t  *answer;

    for (answer = message->next; answer != end; answer = answer->next) {
        if (answer->parts->peer == call) {
            return answer;
        }
    }

    return NULL;
}


static void
argo_legacy_write_result_content(const argo_part_t *result, argo_out_t *out)
{
    if (result == NULL) {
        argo_out_lit(out, "\"" ARGO_LEGACY_NO_RESULT "\"");
        return;
    }

    if (result->parts == NULL) {
        argo_out_lit(out, "\"\"");
        return;
    }

    if (result->string) {
        argo_out_lit(out, "\"");
        argo_out_ref(out, result->parts->text.data, result->parts->text.len);
        argo_out_lit(out, "\"");
        return;
    }

    argo_out_lit(out, "[");
    argo_legacy_write_parts(result->parts, out);
    argo_out_lit(out, "]");
}


/* What has been found to say an object is written as one. */

static void
argo_legacy_write_arguments(const ngx_str_t *text, argo_out_t *out)
{
    u_char  *p, *end, piece[ARGO_LEGACY_PIECE];
    size_t   n;

    if (argo_part_is_blank(text)) {
        argo_out_lit(out, "{}");
        return;
    }

    p = text->data;
    end = p + text->len;

    while (p < end) {
        n = argo_json_unescape(&p, end, piece, sizeof(piece));

        if (n == 0) {
            break;
        }

        argo_out_write(out, piece, n);
    }
}


static void
argo_legacy_write_calls_text(const argo_message_t *message, argo_out_t *out)
{
    const argo_part_t  *call;

    call = argo_legacy_first_call(message->parts);

    while (call) {
        argo_legacy_write_call_text(call, out);

        call = argo_legacy_first_call(call->next);

        if (call) {
            argo_out_lit(out, "\\n");
        }
    }
}


/* All results in one message of the user's. */

static void
argo_legacy_write_results_text(argo_legacy_history_t *h,
    const argo_message_t *message, const argo_message_t *end)
{
    ngx_uint_t             list;
    argo_out_t            *out;
    const argo_part_t     *call, *part, *result;
    const argo_message_t  *answer;

    out = h->out;
    list = 0;

    for (answer = message->next; answer != end; answer = answer->next) {
        if (!argo_legacy_is_text(answer->parts->parts)) {
            list = 1;
        }
    }

    argo_legacy_write_next(h);
    argo_out_lit(out, "{\"role\":\"user\",\"content\":");

    if (list) {
        argo_out_lit(out, "[");
    }

    argo_legacy_write_text_head(list, out);

    for (call = argo_legacy_first_call(message->parts);
         call;
         call = argo_legacy_first_call(call->next))
    {
        result = call->peer;

        argo_legacy_write_result_head(call, out);

        if (result == NULL) {
            argo_out_lit(out, ARGO_LEGACY_NO_RESULT);

        } else if (argo_legacy_is_text(result->parts)) {

            for (part = result->parts; part; part = part->next) {
                argo_out_ref(out, part->text.data, part->text.len);
            }

        } else {
            argo_legacy_write_text_tail(1, out);
            argo_out_lit(out, ",");
            argo_legacy_write_parts(result->parts, out);
            argo_out_lit(out, ",");
            argo_legacy_write_text_head(1, out);
        }

        argo_legacy_write_result_tail(out);
    }

    argo_legacy_write_text_tail(list, out);

    if (list) {
        argo_out_lit(out, "]");
    }

    argo_out_lit(out, "}");
}


/* True if content is text and nothing else, or is not there. */

static ngx_uint_t
argo_legacy_is_text(const argo_part_t *part)
{
    for (part = argo_legacy_first_content(part);
         part;
         part = argo_legacy_first_content(part->next))
    {
        if (part->type != ARGO_PART_TEXT) {
            return 0;
        }
    }

    return 1;
}


static void
argo_legacy_write_text_head(ngx_uint_t list, argo_out_t *out)
{
    if (list) {
        argo_out_lit(out, "{\"type\":\"text\",\"text\":");
    }

    argo_out_lit(out, "\"");
}


static void
argo_legacy_write_text_tail(ngx_uint_t list, argo_out_t *out)
{
    argo_out_lit(out, "\"");

    if (list) {
        argo_out_lit(out, "}");
    }
}
