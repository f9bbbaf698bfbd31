
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * A message of a reply of chat completions, or a delta of one: to events, and
 * to edits of what a client gets that speaks the same dialect.
 */


#include "argo_openai_chat.h"
#include "argo_json_write.h"
#include "argo_legacy.h"
#include "argo_openai.h"
#include "argo_tool.h"


#define ARGO_CHAT_PIECE  128

/* an id, its index, its type */
#define ARGO_CHAT_NEEDS  3


/* what a delta, or a message, has */

typedef struct {
    argo_json_t         *content;
    argo_json_t         *refusal;
    argo_json_t         *reasoning;
    argo_json_t         *tool_calls;
    argo_json_t         *function_call;
    ngx_uint_t           drop;          /* members that are left out */
} argo_chat_message_t;


/* one call */

typedef struct {
    argo_json_t         *node;
    argo_json_t         *index;         /* NULL: none */
    argo_json_t         *id;            /* a string that is not empty */
    argo_json_t         *type;          /* the same */
    argo_json_t         *callee;        /* its function, or custom tool */
    argo_json_t         *name;          /* a string that is not empty */
    argo_json_t         *args;
    int64_t              at;            /* of index; -1: none */
    unsigned             custom:1;
} argo_chat_call_t;


static ngx_int_t argo_chat_find_members(argo_stream_t *st,
    argo_chat_choice_t *choice, argo_json_t *node, argo_chat_message_t *m,
    ngx_uint_t edit);
static ngx_uint_t argo_chat_is_waste(argo_chat_choice_t *choice,
    const argo_json_t *member, ngx_uint_t named);
static ngx_int_t argo_chat_add_missing(argo_chat_choice_t *choice,
    const argo_json_t *node, argo_patch_t *patch);
static ngx_int_t argo_chat_emit_string(argo_stream_t *st,
    argo_chat_choice_t *choice, argo_event_e type, const argo_json_t *node);
static ngx_int_t argo_chat_read_content(argo_stream_t *st,
    argo_chat_choice_t *choice, argo_json_t *content);

static ngx_int_t argo_chat_read_call(argo_stream_t *st,
    argo_chat_choice_t *choice, argo_json_t *node, argo_patch_t *patch);
static void argo_chat_open_call(argo_json_t *node, argo_chat_call_t *call);
static ngx_int_t argo_chat_begins(argo_stream_t *st,
    const argo_chat_choice_t *choice, const argo_chat_call_t *call);
static ngx_int_t argo_chat_begin_call(argo_stream_t *st,
    argo_chat_choice_t *choice, argo_chat_call_t *call,
    argo_patch_t *patch);
static ngx_int_t argo_chat_keep_id(argo_stream_t *st,
    argo_chat_choice_t *choice, const argo_chat_call_t *call);
static ngx_int_t argo_chat_complete_call(argo_stream_t *st,
    argo_chat_choice_t *choice, const argo_chat_call_t *call,
    argo_patch_t *patch);
static ngx_int_t argo_chat_go_on(argo_chat_choice_t *choice,
    argo_chat_call_t *call, argo_patch_t *patch);
static ngx_int_t argo_chat_read_args(argo_stream_t *st,
    argo_chat_choice_t *choice, const argo_chat_call_t *call,
    argo_patch_t *patch);
static ngx_int_t argo_chat_read_function(argo_stream_t *st,
    argo_chat_choice_t *choice, argo_json_t *node, argo_patch_t *patch);
static ngx_int_t argo_chat_emit_start(argo_stream_t *st,
    argo_chat_choice_t *choice, const argo_chat_call_t *call);


ngx_int_t
argo_chat_read_message(argo_stream_t *st, argo_chat_choice_t *choice,
    argo_json_t *node, argo_patch_t *patch)
{
    ngx_int_t             rc;
    argo_json_t          *call;
    argo_chat_message_t   m;

    rc = argo_chat_find_members(st, choice, node, &m, patch != NULL);

    if (rc == NGX_OK) {
        rc = argo_chat_emit_string(st, choice, ARGO_EVENT_REASONING,
                                   m.reasoning);
    }

    if (rc == NGX_OK) {
        rc = argo_chat_read_content(st, choice, m.content);
    }

    if (rc == NGX_OK) {
        rc = argo_chat_emit_string(st, choice, ARGO_EVENT_REFUSAL,
                                   m.refusal);
    }

    if (m.tool_calls) {
        for (call = m.tool_calls->child;
             call && rc == NGX_OK;
             call = call->next)
        {
            rc = argo_chat_read_call(st, choice, call, patch);
        }
    }

    if (rc == NGX_OK && m.function_call) {
        rc = argo_chat_read_function(st, choice, m.function_call, patch);
    }

    if (rc != NGX_OK || patch == NULL) {
        return rc;
    }

    if (choice->whole
        && argo_chat_add_missing(choice, node, patch) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return m.drop ? argo_patch_drop(patch, node) : NGX_OK;
}


/* null is as not there; what is no string, no list, no object is wrong */

static ngx_int_t
argo_chat_find_members(argo_stream_t *st, argo_chat_choice_t *choice,
    argo_json_t *node, argo_chat_message_t *m, ngx_uint_t edit)
{
    ngx_uint_t    named;
    argo_json_t  *member, *role;

    ngx_memzero(m, sizeof(argo_chat_message_t));

    role = edit ? argo_chat_get_string(node, "role") : NULL;
    named = (role != NULL);

    for (member = node->child; member; member = member->next) {

        if (edit && argo_chat_is_waste(choice, member, named)) {
            member->dropped = 1;
            m->drop = 1;
            continue;
        }

        if (member->type == ARGO_JSON_NULL) {
            continue;
        }

        if (argo_str_is(&member->name, "content")) {
            m->content = member;

        } else if (argo_str_is(&member->name, "tool_calls")) {

            if (member->type != ARGO_JSON_ARRAY) {
                return argo_legacy_bad_reply(st, "\"tool_calls\" in ARGO's "
                                                 "reply is not a list");
            }

            m->tool_calls = member;

        } else if (argo_str_is(&member->name, "refusal")) {
            m->refusal = member;

        } else if (argo_str_is(&member->name, "reasoning_content")
                   || argo_str_is(&member->name, "reasoning"))
        {
            if (member->type == ARGO_JSON_STRING) {
                m->reasoning = member;
            }

        } else if (argo_str_is(&member->name, "function_call")) {
            m->function_call = member;
        }
    }

    if (named) {
        choice->named = 1;
    }

    return NGX_OK;
}


/*
 * What clients fail on, or put together wrongly.  A refusal of null stands
 * beside the role in OpenAI's own streams, and in all its whole replies.
 */

static ngx_uint_t
argo_chat_is_waste(argo_chat_choice_t *choice, const argo_json_t *member,
    ngx_uint_t named)
{
    ngx_uint_t        null;
    const ngx_str_t  *name;

    name = &member->name;
    null = (member->type == ARGO_JSON_NULL);

    if (argo_str_is(name, "tool_calls")) {
        return null
               || (member->type == ARGO_JSON_ARRAY && member->count == 0);
    }

    if (argo_str_is(name, "role")) {
        return !choice->whole && (null || choice->named);
    }

    if (argo_str_is(name, "refusal")) {
        return !choice->whole && null && (!named || choice->named);
    }

    return null && (argo_str_is(name, "function_call")
                    || argo_str_is(name, "audio"));
}


/* Gemini's replies have no more than what there is to say. */

static ngx_int_t
argo_chat_add_missing(argo_chat_choice_t *choice, const argo_json_t *node,
    argo_patch_t *patch)
{
    ngx_uint_t          n;
    argo_member_edit_t  members[2];

    (void) choice;

    n = 0;

    if (argo_json_get(node, "content") == NULL) {
        ngx_str_set(&members[n].name, "content");
        ngx_str_set(&members[n].value, "null");
        n++;
    }

    if (argo_json_get(node, "refusal") == NULL) {
        ngx_str_set(&members[n].name, "refusal");
        ngx_str_set(&members[n].value, "null");
        n++;
    }

    return n ? argo_patch_members(patch, node, members, n) : NGX_OK;
}


/* Of several choices the first is looked at, the others are sent on. */

static ngx_int_t
argo_chat_emit_string(argo_stream_t *st, argo_chat_choice_t *choice,
    argo_event_e type, const argo_json_t *node)
{
    argo_event_t  ev;

    if (node == NULL) {
        return NGX_OK;
    }

    if (node->type != ARGO_JSON_STRING) {
        return argo_legacy_bad_reply(st, "a text in ARGO's reply is not a "
                                         "string");
    }

    if (choice->index != 0 || node->raw.len == 2) {
        return NGX_OK;
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = type;
    ev.text = argo_json_inner(node);
    ev.escaped = 1;

    return argo_stream_emit(st, &ev);
}


/* A list of blocks is Claude's, if ARGO hands it on. */

static ngx_int_t
argo_chat_read_content(argo_stream_t *st, argo_chat_choice_t *choice,
    argo_json_t *content)
{
    ngx_int_t     rc;
    argo_json_t  *block;

    if (content == NULL || content->type != ARGO_JSON_ARRAY) {
        return argo_chat_emit_string(st, choice, ARGO_EVENT_TEXT, content);
    }

    for (block = content->child; block; block = block->next) {

        if (!argo_json_is(argo_json_get(block, "type"), "text")) {
            continue;
        }

        rc = argo_chat_emit_string(st, choice, ARGO_EVENT_TEXT,
                                   argo_json_get(block, "text"));
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_chat_read_call(argo_stream_t *st, argo_chat_choice_t *choice,
    argo_json_t *node, argo_patch_t *patch)
{
    ngx_int_t          rc;
    argo_chat_call_t   call;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_legacy_bad_reply(st, "a tool call in ARGO's reply is "
                                         "not an object");
    }

    argo_chat_open_call(node, &call);

    rc = argo_chat_begins(st, choice, &call);

    if (rc == NGX_ERROR) {
        return argo_legacy_bad_reply(st, "a tool call in ARGO's reply has "
                                         "no name, or no place");
    }

    if (rc == NGX_OK) {
        rc = argo_chat_begin_call(st, choice, &call, patch);

    } else {
        rc = patch ? argo_chat_go_on(choice, &call, patch) : NGX_OK;
    }

    return (rc == NGX_OK) ? argo_chat_read_args(st, choice, &call, patch)
                          : rc;
}


static void
argo_chat_open_call(argo_json_t *node, argo_chat_call_t *call)
{
    ngx_memzero(call, sizeof(argo_chat_call_t));

    call->node = node;
    call->index = argo_json_get(node, "index");
    call->id = argo_chat_get_string(node, "id");
    call->type = argo_chat_get_string(node, "type");
    call->callee = argo_json_get(node, "function");

    if (argo_json_int(call->index, &call->at) != NGX_OK || call->at < 0) {
        call->at = -1;
    }

    if ((call->callee == NULL || call->callee->type != ARGO_JSON_OBJECT)
        && argo_json_get(node, "custom"))
    {
        call->callee = argo_json_get(node, "custom");
        call->custom = 1;
    }

    call->name = argo_chat_get_string(call->callee, "name");
    call->args = call->custom ? argo_json_get(call->callee, "input")
                              : argo_json_get(call->callee, "arguments");

    if (call->args && call->args->type == ARGO_JSON_NULL) {
        call->args = NULL;
    }
}


/*
 * NGX_OK: it is the next call; NGX_DECLINED: a part of the one now;
 * NGX_ERROR: neither.  Gemini's calls come whole, all with the index 0 or
 * none, also without ids; others repeat name and id in each part.
 */

static ngx_int_t
argo_chat_begins(argo_stream_t *st, const argo_chat_choice_t *choice,
    const argo_chat_call_t *call)
{
    ngx_str_t  id;

    if (choice->whole || choice->ncalls == 0) {
        return call->name ? NGX_OK : NGX_ERROR;
    }

    if (call->at != -1 && call->at != choice->call) {

        if (call->name) {
            return NGX_OK;
        }

        /* a call before; where events are made of it, its place is gone */

        return (st->splice && call->at < choice->call) ? NGX_DECLINED
                                                       : NGX_ERROR;
    }

    if (call->name == NULL) {
        return NGX_DECLINED;
    }

    if (call->id) {
        id = argo_json_inner(call->id);

        return argo_tool_same(&id, &choice->id) ? NGX_DECLINED : NGX_OK;
    }

    return (choice->id.len == 0 && !choice->empty) ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
argo_chat_begin_call(argo_stream_t *st, argo_chat_choice_t *choice,
    argo_chat_call_t *call, argo_patch_t *patch)
{
    if (argo_chat_keep_id(st, choice, call) != NGX_OK) {
        return NGX_ERROR;
    }

    choice->call = (call->at != -1) ? call->at : (int64_t) choice->ncalls;
    choice->ncalls++;
    choice->empty = 1;

    if (patch
        && argo_chat_complete_call(st, choice, call, patch) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return argo_chat_emit_start(st, choice, call);
}


static ngx_int_t
argo_chat_keep_id(argo_stream_t *st, argo_chat_choice_t *choice,
    const argo_chat_call_t *call)
{
    ngx_str_t  id;

    ngx_str_null(&id);

    if (call->id) {
        id = argo_json_inner(call->id);
    }

    return argo_stream_keep(st, &id, &choice->id);
}


/* What the first part of a call must have. */

static ngx_int_t
argo_chat_complete_call(argo_stream_t *st, argo_chat_choice_t *choice,
    const argo_chat_call_t *call, argo_patch_t *patch)
{
    ngx_str_t            none;
    argo_out_t           out;
    ngx_uint_t           n;
    argo_member_edit_t   members[ARGO_CHAT_NEEDS];

    n = 0;

    if (!choice->whole && call->at != (int64_t) choice->ncalls - 1) {

        argo_out_init(&out, patch->pool, ARGO_CHAT_PIECE, NULL, 1);
        argo_out_int(&out, choice->ncalls - 1);

        ngx_str_set(&members[n].name, "index");

        if (argo_out_flatten(&out, patch->pool, &members[n++].value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (call->id == NULL) {
        ngx_str_null(&none);

        argo_out_init(&out, patch->pool, ARGO_CHAT_PIECE, NULL, 1);
        argo_out_lit(&out, "\"");
        argo_openai_write_call_id(st, &none,
                                  choice->index * ARGO_CHAT_MAX_CALLS
                                  + choice->ncalls - 1,
                                  &out);
        argo_out_lit(&out, "\"");

        ngx_str_set(&members[n].name, "id");

        if (argo_out_flatten(&out, patch->pool, &members[n++].value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (call->type == NULL) {
        ngx_str_set(&members[n].name, "type");

        if (call->custom) {
            ngx_str_set(&members[n].value, "\"custom\"");

        } else {
            ngx_str_set(&members[n].value, "\"function\"");
        }

        n++;
    }

    return n ? argo_patch_members(patch, call->node, members, n) : NGX_OK;
}


/* Clients put together what they get: nothing is said twice. */

static ngx_int_t
argo_chat_go_on(argo_chat_choice_t *choice, argo_chat_call_t *call,
    argo_patch_t *patch)
{
    argo_out_t           out;
    argo_json_t         *member;
    argo_member_edit_t   index;

    if (call->at == -1
        || (call->at == choice->call
            && call->at != (int64_t) choice->ncalls - 1))
    {
        argo_out_init(&out, patch->pool, ARGO_CHAT_PIECE, NULL, 1);
        argo_out_int(&out, choice->ncalls - 1);

        ngx_str_set(&index.name, "index");

        if (argo_out_flatten(&out, patch->pool, &index.value) != NGX_OK
            || argo_patch_members(patch, call->node, &index, 1) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    for (member = call->node->child; member; member = member->next) {

        if (argo_str_is(&member->name, "id")
            || argo_str_is(&member->name, "type"))
        {
            member->dropped = 1;
        }
    }

    if (argo_patch_drop(patch, call->node) != NGX_OK) {
        return NGX_ERROR;
    }

    if (call->callee == NULL || call->callee->type != ARGO_JSON_OBJECT) {
        return NGX_OK;
    }

    for (member = call->callee->child; member; member = member->next) {

        if (argo_str_is(&member->name, "name")) {
            member->dropped = 1;
        }
    }

    return argo_patch_drop(patch, call->callee);
}


/* Arguments that came as an object become the text of it. */

static ngx_int_t
argo_chat_read_args(argo_stream_t *st, argo_chat_choice_t *choice,
    const argo_chat_call_t *call, argo_patch_t *patch)
{
    ngx_str_t      text;
    argo_out_t     out;
    argo_event_t   ev;

    if (call->args == NULL) {
        return NGX_OK;
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_TOOL_ARGS;
    ev.index = st->tool_calls - 1;

    switch (call->args->type) {

    case ARGO_JSON_STRING:
        ev.text = argo_json_inner(call->args);
        ev.escaped = 1;
        break;

    case ARGO_JSON_OBJECT:
        ev.text = call->args->raw;

        if (patch == NULL) {
            break;
        }

        argo_out_init(&out, patch->pool, ARGO_CHAT_PIECE, NULL, 1);
        argo_json_write_string(&out, &call->args->raw);

        if (argo_out_flatten(&out, patch->pool, &text) != NGX_OK
            || argo_patch_edit(patch, call->args->raw.data,
                               call->args->raw.data + call->args->raw.len,
                               &text)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        break;

    default:
        return argo_legacy_bad_reply(st, "the arguments of a tool call in "
                                         "ARGO's reply are not a string");
    }

    if (ev.text.len == 0) {
        return NGX_OK;
    }

    choice->empty = 0;

    return (choice->index == 0) ? argo_stream_emit(st, &ev) : NGX_OK;
}


/* The older form: one call, without an id and an index. */

static ngx_int_t
argo_chat_read_function(argo_stream_t *st, argo_chat_choice_t *choice,
    argo_json_t *node, argo_patch_t *patch)
{
    ngx_int_t          rc;
    argo_json_t       *name;
    argo_chat_call_t   call;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_legacy_bad_reply(st, "\"function_call\" in ARGO's reply "
                                         "is not an object");
    }

    ngx_memzero(&call, sizeof(argo_chat_call_t));

    call.callee = node;
    call.name = argo_chat_get_string(node, "name");
    call.args = argo_json_get(node, "arguments");

    if (call.args && call.args->type == ARGO_JSON_NULL) {
        call.args = NULL;
    }

    if (choice->ncalls == 0) {

        if (call.name == NULL) {
            return argo_legacy_bad_reply(st, "a function call in ARGO's "
                                             "reply has no name");
        }

        choice->ncalls = 1;

        rc = argo_chat_emit_start(st, choice, &call);
        if (rc != NGX_OK) {
            return rc;
        }

    } else if (patch) {
        name = argo_json_get(node, "name");

        if (name) {
            name->dropped = 1;

            if (argo_patch_drop(patch, node) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

    return argo_chat_read_args(st, choice, &call, patch);
}


static ngx_int_t
argo_chat_emit_start(argo_stream_t *st, argo_chat_choice_t *choice,
    const argo_chat_call_t *call)
{
    argo_json_t   *node;
    argo_event_t   ev;

    if (choice->index != 0) {
        return NGX_OK;
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_TOOL_START;
    ev.index = st->tool_calls;
    ev.name = argo_json_inner(call->name);
    ev.custom = call->custom;

    if (call->id) {
        ev.id = argo_json_inner(call->id);
    }

    if (call->node) {
        node = argo_json_get(call->node, "extra_content");
        node = argo_chat_get_string(argo_json_get(node, "google"),
                                    "thought_signature");
        if (node) {
            ev.signature = argo_json_inner(node);
        }
    }

    return argo_stream_emit(st, &ev);
}


argo_json_t *
argo_chat_string(const argo_json_t *obj, const char *name, size_t len)
{
    argo_json_t  *node;

    node = argo_json_find(obj, name, len);

    return (node && node->type == ARGO_JSON_STRING && node->raw.len > 2)
           ? node : NULL;
}
