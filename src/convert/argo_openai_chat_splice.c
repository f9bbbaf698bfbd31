
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * A client's request for chat completions on its way to ARGO's: the document
 * as it came, with edits.
 */


#include "argo_openai_chat.h"
#include "argo_json_write.h"
#include "argo_part.h"
#include "argo_request.h"
#include "argo_rules.h"


#define ARGO_CHAT_PIECE    256

#define ARGO_CHAT_MEMBERS  3


static ngx_int_t argo_chat_plan_thoughts(ngx_pool_t *pool,
    argo_request_t *req, argo_message_t *message);
static ngx_int_t argo_chat_plan_signatures(ngx_pool_t *pool,
    argo_request_t *req, argo_message_t *message);
static ngx_uint_t argo_chat_is_thought(const argo_json_t *member);
static ngx_uint_t argo_chat_unwinds(const argo_request_t *req,
    const argo_message_t *message);

static ngx_int_t argo_chat_patch_request(const argo_request_t *req,
    const argo_call_t *call, argo_patch_t *patch);
static ngx_int_t argo_chat_quote(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *value);
static void argo_chat_drop_twins(const argo_request_t *req);
static ngx_uint_t argo_chat_same_name(const argo_json_t *a,
    const argo_json_t *b);
static ngx_uint_t argo_chat_streams(const argo_request_t *req);
static ngx_int_t argo_chat_patch_options(const argo_request_t *req,
    argo_patch_t *patch);
static ngx_int_t argo_chat_set_value(argo_patch_t *patch,
    const argo_json_t *node, const ngx_str_t *value);

static ngx_uint_t argo_chat_has_fetched(const argo_part_t *part);
static ngx_int_t argo_chat_patch_messages(const argo_request_t *req,
    argo_patch_t *patch);
static ngx_int_t argo_chat_patch_pairs(const argo_request_t *req,
    const argo_message_t *message, const argo_message_t *last,
    argo_patch_t *patch);
static ngx_int_t argo_chat_patch_message(const argo_request_t *req,
    const argo_message_t *message, argo_patch_t *patch);
static ngx_int_t argo_chat_patch_content(const argo_request_t *req,
    const argo_message_t *message, argo_patch_t *patch);
static ngx_uint_t argo_chat_is_another(const argo_message_t *message,
    const argo_json_t *content);
static ngx_int_t argo_chat_write_anew(const argo_message_t *message,
    const argo_json_t *content, argo_patch_t *patch);
static const argo_part_t *argo_chat_content_parts(
    const argo_message_t *message);
static ngx_uint_t argo_chat_says_something(const argo_request_t *req,
    const argo_message_t *message);
static ngx_int_t argo_chat_set_content(const argo_message_t *message,
    const argo_json_t *content, const ngx_str_t *value,
    argo_patch_t *patch);
static ngx_int_t argo_chat_patch_parts(const argo_request_t *req,
    const argo_message_t *message, argo_json_t *content,
    argo_patch_t *patch);
static ngx_int_t argo_chat_patch_part(const argo_part_t *part,
    argo_patch_t *patch);
static ngx_int_t argo_chat_patch_more(const argo_request_t *req,
    const argo_json_t *list, argo_patch_t *patch);

static ngx_int_t argo_chat_patch_tools(const argo_request_t *req,
    argo_patch_t *patch);
static ngx_int_t argo_chat_patch_schema(const argo_request_t *req,
    const argo_tool_t *tool, argo_patch_t *patch);
static ngx_uint_t argo_chat_is_changed(const argo_request_t *req,
    const argo_json_t *node);
static ngx_uint_t argo_chat_is_inside(const argo_request_t *req,
    const argo_json_t *node);
static argo_out_t *argo_chat_piece(ngx_pool_t *pool);


/* what this module tells its clients of Claude's thoughts */

static const ngx_str_t  argo_chat_thoughts[] = {
    ngx_string("reasoning_content"),
    ngx_string("thinking_blocks")
};


#define ARGO_CHAT_NTHOUGHTS                                                   \
    (sizeof(argo_chat_thoughts) / sizeof(argo_chat_thoughts[0]))


ngx_int_t
argo_chat_plan_splice(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err)
{
    argo_json_t     *choice;
    argo_message_t  *message;

    choice = argo_json_get(req->root, "tool_choice");

    if (req->target->family == ARGO_FAMILY_GOOGLE && choice
        && !choice->dropped && argo_json_is(choice, "auto")
        && argo_request_drop(pool, req, NULL, &choice, "tool_choice",
                             "it is auto anyway")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (message = req->messages; message; message = message->next) {

        if (message->role == ARGO_ROLE_ASSISTANT && message->node
            && (argo_chat_plan_thoughts(pool, req, message) != NGX_OK
                || argo_chat_plan_signatures(pool, req, message) != NGX_OK))
        {
            return NGX_ERROR;
        }
    }

    if (!req->rewrite_messages) {
        return NGX_OK;
    }

    /* calls that will be unwound must be paired, if they can be */

    for (message = req->messages; message; message = message->next) {

        if (argo_chat_unwinds(req, message)) {
            return argo_chat_check_messages(pool, req, err);
        }
    }

    return NGX_OK;
}


/*
 * A conversation may have begun with Claude, whose thoughts its client sends
 * back as we have told them: other vendors refuse a member that they don't
 * know.
 */

static ngx_int_t
argo_chat_plan_thoughts(ngx_pool_t *pool, argo_request_t *req,
    argo_message_t *message)
{
    argo_json_t  *member, *field;

    if (req->target->family != ARGO_FAMILY_OPENAI
        && req->target->family != ARGO_FAMILY_GOOGLE)
    {
        return NGX_OK;
    }

    for (member = message->node->child; member; member = member->next) {

        if (!argo_chat_is_thought(member) || member->dropped) {
            continue;
        }

        if (argo_chat_unwinds(req, message)
            || (req->rewrite_messages
                && !argo_chat_says_something(req, message)))
        {
            /* the message is written anew, or not at all */

            member->dropped = 1;

            if (argo_request_note(pool, req, "reasoning",
                                  "left out of the history: another model's")
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            continue;
        }

        field = member;

        if (argo_request_drop(pool, req, message->node, &field, "reasoning",
                              "another model's")
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Likewise Gemini's signature of a call, which OpenAI has no member for. */

static ngx_int_t
argo_chat_plan_signatures(ngx_pool_t *pool, argo_request_t *req,
    argo_message_t *message)
{
    argo_part_t  *part;
    argo_json_t  *extra;

    if (req->target->family != ARGO_FAMILY_OPENAI
        || argo_chat_unwinds(req, message))
    {
        return NGX_OK;
    }

    for (part = message->parts; part; part = part->next) {

        if (part->type != ARGO_PART_TOOL_CALL || part->signature.len == 0) {
            continue;
        }

        extra = argo_json_get(part->node, "extra_content");

        if (extra && !extra->dropped
            && argo_request_drop(pool, req, part->node, &extra, "reasoning",
                                 "another model's")
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
argo_chat_is_thought(const argo_json_t *member)
{
    ngx_uint_t        i;
    const ngx_str_t  *name;

    for (i = 0; i < ARGO_CHAT_NTHOUGHTS; i++) {
        name = &argo_chat_thoughts[i];

        if (name->len == member->name.len
            && ngx_memcmp(name->data, member->name.data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* Calls that are not each followed by their result, of a model that asks so. */

static ngx_uint_t
argo_chat_unwinds(const argo_request_t *req, const argo_message_t *message)
{
    ngx_uint_t  calls;

    if (!req->rewrite_messages || req->profile == NULL
        || !req->profile->pair_calls || message->node == NULL)
    {
        return 0;
    }

    calls = argo_chat_count_calls(message);

    if (calls == 0 || (message->next == NULL && !argo_chat_lacks_user(req))) {
        return 0;
    }

    /* one call, one result: as it should be */

    return calls > 1 || message->next == NULL
           || argo_chat_last_result(message) != message->next;
}


void
argo_chat_write_spliced(const argo_request_t *req, const argo_call_t *call,
    argo_out_t *out)
{
    argo_patch_t  patch;

    argo_patch_init(&patch, out->pool, &req->document);

    if (argo_chat_patch_request(req, call, &patch) != NGX_OK) {
        out->failed = 1;
        return;
    }

    argo_patch_write(&patch, out);
}


static ngx_int_t
argo_chat_patch_request(const argo_request_t *req, const argo_call_t *call,
    argo_patch_t *patch)
{
    ngx_uint_t             n, streams;
    argo_member_edit_t     members[ARGO_CHAT_MEMBERS];

    ngx_str_set(&members[0].name, "model");
    ngx_str_set(&members[1].name, "user");

    if (argo_chat_quote(patch->pool, &req->target->id, &members[0].value)
        != NGX_OK
        || argo_chat_quote(patch->pool, &req->user, &members[1].value)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    n = 2;
    streams = (call->frame == ARGO_FRAME_SSE);

    if (streams != argo_chat_streams(req)) {
        ngx_str_set(&members[n].name, "stream");

        if (streams) {
            ngx_str_set(&members[n].value, "true");

        } else {
            ngx_str_set(&members[n].value, "false");
        }

        n++;
    }

    argo_chat_drop_twins(req);

    if (argo_patch_members(patch, req->root, members, n) != NGX_OK) {
        return NGX_ERROR;
    }

    if (streams && argo_chat_patch_options(req, patch) != NGX_OK) {
        return NGX_ERROR;
    }

    if (argo_chat_patch_messages(req, patch) != NGX_OK
        || argo_chat_patch_tools(req, patch) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return argo_request_patch(req, patch);
}


static ngx_int_t
argo_chat_quote(ngx_pool_t *pool, const ngx_str_t *text, ngx_str_t *value)
{
    argo_out_t  out;

    argo_out_init(&out, pool, ARGO_CHAT_PIECE, NULL, 1);
    argo_json_write_string(&out, text);

    return argo_out_flatten(&out, pool, value);
}


/*
 * Of members with one name the last counts: if that one is dropped or changed
 * or has another name from now on, those before it must not take its place.
 */

static void
argo_chat_drop_twins(const argo_request_t *req)
{
    argo_json_t          *node;
    const argo_change_t  *change;

    for (change = req->changes; change; change = change->next) {

        if (!change->edit || change->node == NULL || change->parent) {
            continue;
        }

        for (node = req->root->child; node; node = node->next) {

            if (node != change->node
                && argo_chat_same_name(node, change->node))
            {
                node->dropped = 1;
            }
        }
    }
}


static ngx_uint_t
argo_chat_same_name(const argo_json_t *a, const argo_json_t *b)
{
    return a->name.len == b->name.len
           && (a->name.len == 0
               || ngx_memcmp(a->name.data, b->name.data, a->name.len) == 0);
}


/* What the client's document says, of which upstream would read the last. */

static ngx_uint_t
argo_chat_streams(const argo_request_t *req)
{
    argo_json_t  *node;

    node = argo_json_get(req->root, "stream");

    return node && node->type == ARGO_JSON_TRUE;
}


/* The gateway wants the usage, whether or not its client does. */

static ngx_int_t
argo_chat_patch_options(const argo_request_t *req, argo_patch_t *patch)
{
    argo_json_t         *node, *usage;
    argo_member_edit_t   member;

    static const ngx_str_t  options = ngx_string("{\"include_usage\":true}");

    node = argo_json_get(req->root, "stream_options");

    if (node == NULL || node->dropped) {
        ngx_str_set(&member.name, "stream_options");
        member.value = options;

        return argo_patch_members(patch, req->root, &member, 1);
    }

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_chat_set_value(patch, node, &options);
    }

    usage = argo_json_get(node, "include_usage");

    if (usage && usage->type == ARGO_JSON_TRUE) {
        return NGX_OK;
    }

    ngx_str_set(&member.name, "include_usage");
    ngx_str_set(&member.value, "true");

    return argo_patch_members(patch, node, &member, 1);
}


static ngx_int_t
argo_chat_set_value(argo_patch_t *patch, const argo_json_t *node,
    const ngx_str_t *value)
{
    return argo_patch_edit(patch, node->raw.data,
                           node->raw.data + node->raw.len, value);
}


static ngx_int_t
argo_chat_patch_messages(const argo_request_t *req, argo_patch_t *patch)
{
    argo_json_t           *list, *node;
    const argo_message_t  *message, *last;

    list = argo_json_get(req->root, "messages");

    if (!req->rewrite_messages) {

        for (message = req->messages; message; message = message->next) {

            if (argo_chat_has_fetched(message->parts)
                && argo_chat_patch_message(req, message, patch) != NGX_OK)
            {
                return NGX_ERROR;
            }
        }

        return argo_chat_patch_more(req, list, patch);
    }

    /* a rule may have taken some out */

    for (node = list->child; node; node = node->next) {
        node->dropped = 1;
    }

    for (message = req->messages; message; message = message->next) {

        if (message->node && argo_chat_says_something(req, message)) {
            message->node->dropped = 0;
        }
    }

    for (message = req->messages; message; message = message->next) {

        if (message->node == NULL || message->node->dropped) {
            continue;
        }

        last = argo_chat_last_result(message);

        if (argo_chat_unwinds(req, message)) {

            if (argo_chat_patch_pairs(req, message, last, patch) != NGX_OK) {
                return NGX_ERROR;
            }

            message = last;
            continue;
        }

        if (argo_chat_patch_message(req, message, patch) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (argo_chat_patch_more(req, list, patch) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_patch_drop(patch, list);
}


static ngx_uint_t
argo_chat_has_fetched(const argo_part_t *part)
{
    for ( /* void */ ; part; part = part->next) {

        if (part->data
            || (part->type == ARGO_PART_TOOL_RESULT
                && argo_chat_has_fetched(part->parts)))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
argo_chat_patch_pairs(const argo_request_t *req,
    const argo_message_t *message, const argo_message_t *last,
    argo_patch_t *patch)
{
    argo_out_t   *out;
    argo_json_t   range;

    out = argo_chat_piece(patch->pool);
    if (out == NULL) {
        return NGX_ERROR;
    }

    argo_chat_write_pairs(req, message, out);

    if (out->failed) {
        return NGX_ERROR;
    }

    range.raw.data = message->node->raw.data;
    range.raw.len = last->node->raw.data + last->node->raw.len
                    - range.raw.data;

    return argo_patch_replace(patch, &range, out);
}


static ngx_int_t
argo_chat_patch_message(const argo_request_t *req,
    const argo_message_t *message, argo_patch_t *patch)
{
    static const ngx_str_t  role = ngx_string("\"system\"");

    if (message->role == ARGO_ROLE_SYSTEM
        && req->profile && !req->profile->developer
        && argo_json_is(message->role_node, "developer")
        && argo_chat_set_value(patch, message->role_node, &role) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return argo_chat_patch_content(req, message, patch);
}


static ngx_int_t
argo_chat_patch_content(const argo_request_t *req,
    const argo_message_t *message, argo_patch_t *patch)
{
    ngx_str_t     value;
    argo_json_t  *content, *refusal;

    content = argo_json_get(message->node, "content");

    if (argo_chat_says_something(req, message) == 2) {

        if (argo_chat_is_another(message, content)) {
            return argo_chat_write_anew(message, content, patch);
        }

        return (content->type == ARGO_JSON_ARRAY)
               ? argo_chat_patch_parts(req, message, content, patch) : NGX_OK;
    }

    if (content && content->type != ARGO_JSON_NULL
        && !argo_chat_refuses_blank(req))
    {
        return NGX_OK;
    }

    switch (message->role) {

    case ARGO_ROLE_USER:
        ngx_str_set(&value, "\"" ARGO_CHAT_CONTINUE "\"");
        break;

    case ARGO_ROLE_TOOL:
        ngx_str_set(&value, "\"" ARGO_CHAT_NO_OUTPUT "\"");
        break;

    default:

        if (req->profile && req->profile->null_content
            && (content == NULL || content->type == ARGO_JSON_NULL))
        {
            return NGX_OK;
        }

        ngx_str_set(&value, "\"\"");

        /* to other vendors a refusal is what the assistant has said */

        refusal = argo_json_get(message->node, "refusal");

        if (refusal && refusal->type == ARGO_JSON_STRING
            && req->target->family != ARGO_FAMILY_OPENAI)
        {
            value = refusal->raw;
        }
    }

    return argo_chat_set_content(message, content, &value, patch);
}


/* True if a rule has put a text where there was none, or another. */

static ngx_uint_t
argo_chat_is_another(const argo_message_t *message,
    const argo_json_t *content)
{
    const argo_part_t  *part;

    if (content == NULL) {
        return 1;
    }

    for (part = argo_chat_content_parts(message); part; part = part->next) {

        if (part->type == ARGO_PART_TOOL_CALL
            || part->type == ARGO_PART_REASONING)
        {
            continue;
        }

        if (content->type == ARGO_JSON_ARRAY) {

            if (part->node == NULL) {
                return 1;
            }

        } else if (part->text.data != content->raw.data + 1) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
argo_chat_write_anew(const argo_message_t *message,
    const argo_json_t *content, argo_patch_t *patch)
{
    ngx_str_t            value;
    ngx_uint_t           written;
    argo_out_t          *out;
    const argo_part_t   *part;

    out = argo_chat_piece(patch->pool);
    if (out == NULL) {
        return NGX_ERROR;
    }

    argo_out_lit(out, "[");
    written = 0;

    for (part = argo_chat_content_parts(message); part; part = part->next) {

        if (part->type == ARGO_PART_TOOL_CALL
            || part->type == ARGO_PART_REASONING)
        {
            continue;
        }

        if (written) {
            argo_out_lit(out, ",");
        }

        argo_chat_write_part(part, out);
        written = 1;
    }

    argo_out_lit(out, "]");

    if (content) {
        return argo_patch_replace(patch, content, out);
    }

    if (argo_out_flatten(out, patch->pool, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_chat_set_content(message, NULL, &value, patch);
}


static const argo_part_t *
argo_chat_content_parts(const argo_message_t *message)
{
    return (message->role == ARGO_ROLE_TOOL && message->parts)
           ? message->parts->parts : message->parts;
}


/*
 * 2: the content says something; 1: something else must be there for it; 0:
 * the message says nothing at all and can be left out.
 */

static ngx_uint_t
argo_chat_says_something(const argo_request_t *req,
    const argo_message_t *message)
{
    ngx_uint_t          refuses;
    const argo_part_t  *part;

    refuses = argo_chat_refuses_blank(req);

    for (part = argo_chat_content_parts(message); part; part = part->next) {

        switch (part->type) {

        case ARGO_PART_TOOL_CALL:
        case ARGO_PART_REASONING:
            break;

        case ARGO_PART_TEXT:

            if (refuses && argo_part_is_blank(&part->text)) {
                break;
            }

            return 2;

        default:
            return 2;
        }
    }

    if (!refuses) {
        return 1;
    }

    switch (message->role) {

    case ARGO_ROLE_SYSTEM:
        return 0;

    case ARGO_ROLE_ASSISTANT:
        return argo_chat_count_calls(message)
               || argo_chat_get_string(message->node, "refusal");

    default:
        return 1;
    }
}


static ngx_int_t
argo_chat_set_content(const argo_message_t *message,
    const argo_json_t *content, const ngx_str_t *value,
    argo_patch_t *patch)
{
    argo_member_edit_t  member;

    if (content) {
        return argo_chat_set_value(patch, content, value);
    }

    ngx_str_set(&member.name, "content");
    member.value = *value;

    return argo_patch_members(patch, message->node, &member, 1);
}


static ngx_int_t
argo_chat_patch_parts(const argo_request_t *req,
    const argo_message_t *message, argo_json_t *content,
    argo_patch_t *patch)
{
    ngx_uint_t          refuses;
    argo_json_t        *node;
    const argo_part_t  *part;

    refuses = req->rewrite_messages && argo_chat_refuses_blank(req);

    if (req->rewrite_messages) {
        for (node = content->child; node; node = node->next) {
            node->dropped = 1;
        }
    }

    for (part = argo_chat_content_parts(message); part; part = part->next) {

        if (part->node == NULL || part->type == ARGO_PART_TOOL_CALL
            || part->type == ARGO_PART_REASONING)
        {
            continue;
        }

        if (refuses && part->type == ARGO_PART_TEXT
            && argo_part_is_blank(&part->text))
        {
            continue;
        }

        part->node->dropped = 0;

        if (argo_chat_patch_part(part, patch) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return argo_patch_drop(patch, content);
}


/* An image that was fetched; a part in the place of another. */

static ngx_int_t
argo_chat_patch_part(const argo_part_t *part, argo_patch_t *patch)
{
    argo_out_t   *out;
    argo_json_t  *url;

    if (part->data == NULL && part->raw) {
        return NGX_OK;
    }

    out = argo_chat_piece(patch->pool);
    if (out == NULL) {
        return NGX_ERROR;
    }

    if (part->data == NULL) {
        argo_chat_write_part(part, out);
        return argo_patch_replace(patch, part->node, out);
    }

    argo_out_lit(out, "\"");
    argo_part_write_url(part, out);
    argo_out_lit(out, "\"");

    url = argo_json_get(part->node, "image_url");

    if (url && url->type == ARGO_JSON_OBJECT) {
        url = argo_json_get(url, "url");
    }

    return url ? argo_patch_replace(patch, url, out) : NGX_ERROR;
}


/*
 * What a rule has added, or what Gemini asks for: that a user speaks.  The
 * place of all that is the end.
 */

static ngx_int_t
argo_chat_patch_more(const argo_request_t *req, const argo_json_t *list,
    argo_patch_t *patch)
{
    u_char                *end;
    ngx_str_t              text;
    ngx_uint_t             written;
    argo_out_t             out;
    const argo_json_t     *node;
    const argo_message_t  *message;

    written = 0;

    for (node = list->child; node; node = node->next) {
        written |= !node->dropped;
    }

    argo_out_init(&out, patch->pool, ARGO_CHAT_PIECE, NULL, 1);

    for (message = req->messages; message; message = message->next) {

        if (message->node) {
            continue;
        }

        if (written++) {
            argo_out_lit(&out, ",");
        }

        argo_chat_write_one(req, message, &out);
    }

    if (argo_chat_lacks_user(req)) {

        if (written++) {
            argo_out_lit(&out, ",");
        }

        argo_out_lit(&out, "{\"role\":\"user\",\"content\":\""
                           ARGO_CHAT_CONTINUE "\"}");
    }

    if (argo_out_flatten(&out, patch->pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    end = list->raw.data + list->raw.len - 1;

    return text.len ? argo_patch_edit(patch, end, end, &text) : NGX_OK;
}


static ngx_int_t
argo_chat_patch_tools(const argo_request_t *req, argo_patch_t *patch)
{
    const argo_tool_t  *tool;

    if (!req->rewrite_tools || req->profile == NULL) {
        return NGX_OK;
    }

    for (tool = req->tools; tool; tool = tool->next) {

        if (tool->type == NULL && !tool->custom && tool->node
            && argo_rules_schema_refused(req->profile, tool->parameters)
            && argo_chat_patch_schema(req, tool, patch) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_chat_patch_schema(const argo_request_t *req, const argo_tool_t *tool,
    argo_patch_t *patch)
{
    argo_out_t          *out;
    argo_json_t         *function;
    argo_member_edit_t   member;

    if (tool->parameters
        && (!argo_chat_is_inside(req, tool->parameters)
            || argo_chat_is_changed(req, tool->parameters)))
    {
        return NGX_OK;
    }

    out = argo_chat_piece(patch->pool);
    if (out == NULL) {
        return NGX_ERROR;
    }

    argo_rules_write_schema(req->profile, tool->parameters, out);

    if (tool->parameters) {
        return argo_patch_replace(patch, tool->parameters, out);
    }

    function = argo_json_get(tool->node, "function");

    ngx_str_set(&member.name, "parameters");

    if (argo_out_flatten(out, patch->pool, &member.value) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_patch_members(patch, function ? function : tool->node,
                              &member, 1);
}


/* A change of that very node is made with all others. */

static ngx_uint_t
argo_chat_is_changed(const argo_request_t *req, const argo_json_t *node)
{
    const argo_change_t  *change;

    for (change = req->changes; change; change = change->next) {
        if (change->edit && change->node == node) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
argo_chat_is_inside(const argo_request_t *req, const argo_json_t *node)
{
    return node->raw.data >= req->document.data
           && node->raw.data < req->document.data + req->document.len;
}


static argo_out_t *
argo_chat_piece(ngx_pool_t *pool)
{
    argo_out_t  *out;

    out = ngx_palloc(pool, sizeof(argo_out_t));
    if (out == NULL) {
        return NULL;
    }

    argo_out_init(out, pool, ARGO_CHAT_PIECE, NULL, 0);

    return out;
}
