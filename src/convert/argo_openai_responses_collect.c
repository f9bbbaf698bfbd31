
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's Responses: the events of a reply become items, which are written
 * at once, or announced and repeated in a stream.  Here the calls of
 * functions become what the client had offered: a custom tool's input, a
 * shell's action.
 */


#include "argo_openai_responses.h"


/* of what is kept; a usual reply fits in one */
#define ARGO_RESPONSES_BLOCK  4096


static ngx_int_t argo_openai_responses_collect_text(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_openai_responses_collect_signature(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_openai_responses_collect_call(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_openai_responses_name_call(argo_stream_t *st,
    argo_responses_item_t *item, const argo_event_t *ev);
static ngx_int_t argo_openai_responses_collect_end(argo_stream_t *st);
static argo_responses_item_t *argo_openai_responses_add_item(
    argo_stream_t *st, argo_responses_item_e type);
static argo_responses_part_t *argo_openai_responses_add_part(
    argo_stream_t *st, argo_responses_part_e type);
static ngx_int_t argo_openai_responses_append(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *text);
static ngx_int_t argo_openai_responses_seal(argo_stream_t *st,
    ngx_uint_t cut);
static ngx_int_t argo_openai_responses_seal_input(argo_stream_t *st,
    argo_responses_item_t *item, argo_json_t *root, ngx_uint_t cut);
static ngx_int_t argo_openai_responses_seal_action(argo_stream_t *st,
    argo_responses_item_t *item, argo_json_t *root);


ngx_int_t
argo_openai_responses_init_state(argo_stream_t *st)
{
    st->state = ngx_pcalloc(st->pool, sizeof(argo_responses_state_t));

    return st->state ? NGX_OK : NGX_ERROR;
}


ngx_int_t
argo_openai_responses_collect_event(argo_stream_t *st,
    const argo_event_t *ev)
{
    argo_responses_state_t  *state;

    if (st->state == NULL
        && argo_openai_responses_init_state(st) != NGX_OK)
    {
        return NGX_ERROR;
    }

    switch (ev->type) {

    case ARGO_EVENT_TEXT:
    case ARGO_EVENT_REFUSAL:
    case ARGO_EVENT_REASONING:
        return argo_openai_responses_collect_text(st, ev);

    case ARGO_EVENT_SIGNATURE:
        return argo_openai_responses_collect_signature(st, ev);

    case ARGO_EVENT_TOOL_START:
        return argo_openai_responses_collect_call(st, ev);

    case ARGO_EVENT_TOOL_ARGS:
        state = st->state;

        if (state->last == NULL
            || state->last->type != ARGO_RESPONSES_ITEM_CALL)
        {
            return argo_error_set(&st->error, 502, "upstream_invalid_reply",
                                  NULL, "ARGO's reply has something else in "
                                  "the middle of a tool call");
        }

        return argo_openai_responses_append(st, ev,
                                            &state->last->last_part->text);

    default: /* ARGO_EVENT_FINISH */
        return argo_openai_responses_collect_end(st);
    }
}


static ngx_int_t
argo_openai_responses_collect_text(argo_stream_t *st, const argo_event_t *ev)
{
    argo_responses_item_e    item;
    argo_responses_part_e    part;
    argo_responses_state_t  *state;

    state = st->state;

    switch (ev->type) {

    case ARGO_EVENT_REFUSAL:
        item = ARGO_RESPONSES_ITEM_MESSAGE;
        part = ARGO_RESPONSES_PART_REFUSAL;
        break;

    case ARGO_EVENT_REASONING:
        item = ARGO_RESPONSES_ITEM_REASONING;
        part = ARGO_RESPONSES_PART_SUMMARY;
        break;

    default: /* ARGO_EVENT_TEXT */
        item = ARGO_RESPONSES_ITEM_MESSAGE;
        part = ARGO_RESPONSES_PART_TEXT;
    }

    if ((state->last == NULL || state->last->type != item
         || state->last->sealed)
        && argo_openai_responses_add_item(st, item) == NULL)
    {
        return NGX_ERROR;
    }

    if ((state->last->last_part == NULL
         || state->last->last_part->type != part)
        && argo_openai_responses_add_part(st, part) == NULL)
    {
        return NGX_ERROR;
    }

    return argo_openai_responses_append(st, ev,
                                        &state->last->last_part->text);
}


/* The end of some thoughts, or all that may be seen of them. */

static ngx_int_t
argo_openai_responses_collect_signature(argo_stream_t *st,
    const argo_event_t *ev)
{
    argo_responses_item_t   *item;
    argo_responses_state_t  *state;

    state = st->state;
    item = state->last;

    if (item == NULL || item->type != ARGO_RESPONSES_ITEM_REASONING
        || item->sealed || ev->redacted)
    {
        item = argo_openai_responses_add_item(st,
                                              ARGO_RESPONSES_ITEM_REASONING);
        if (item == NULL) {
            return NGX_ERROR;
        }
    }

    switch (ev->vendor) {

    case ARGO_FAMILY_ANTHROPIC:
        item->vendor = ev->redacted ? ARGO_RESPONSES_ANTHROPIC_REDACTED
                                    : ARGO_RESPONSES_ANTHROPIC;
        break;

    case ARGO_FAMILY_GOOGLE:
        item->vendor = ARGO_RESPONSES_GOOGLE;
        break;

    default:
        item->vendor = "";
    }

    item->sealed = 1;

    return argo_openai_responses_append(st, ev, &item->signature);
}


static ngx_int_t
argo_openai_responses_collect_call(argo_stream_t *st, const argo_event_t *ev)
{
    ngx_int_t                rc;
    argo_event_t             signature;
    argo_responses_item_t   *item;
    argo_responses_part_e    part;
    argo_responses_state_t  *state;

    if (ev->signature.len) {

        /* a call has no place for it: it goes before, as thoughts would */

        ngx_memzero(&signature, sizeof(argo_event_t));

        signature.type = ARGO_EVENT_SIGNATURE;
        signature.vendor = ARGO_FAMILY_GOOGLE;
        signature.text = ev->signature;
        signature.escaped = 1;

        state = st->state;

        if (state->last) {
            state->last->sealed |= (state->last->type
                                    == ARGO_RESPONSES_ITEM_REASONING);
        }

        rc = argo_openai_responses_collect_signature(st, &signature);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    item = argo_openai_responses_add_item(st, ARGO_RESPONSES_ITEM_CALL);
    if (item == NULL) {
        return NGX_ERROR;
    }

    item->call = ev->index;

    if (argo_openai_responses_name_call(st, item, ev) != NGX_OK) {
        return NGX_ERROR;
    }

    if (item->late) {
        part = ARGO_RESPONSES_PART_ACTION;

    } else if (item->kind == ARGO_RESPONSES_CUSTOM) {
        part = ARGO_RESPONSES_PART_INPUT;

    } else {
        part = ARGO_RESPONSES_PART_ARGUMENTS;
    }

    return argo_openai_responses_add_part(st, part) ? NGX_OK : NGX_ERROR;
}


/* What the client calls it that upstream has called by a name of ours. */

static ngx_int_t
argo_openai_responses_name_call(argo_stream_t *st,
    argo_responses_item_t *item, const argo_event_t *ev)
{
    const ngx_str_t              *name;
    const argo_responses_tool_t  *tool;

    tool = argo_openai_responses_tool(st->request, &ev->name);
    name = &ev->name;

    if (tool) {
        item->kind = tool->kind;
        item->space = tool->space;
        name = &tool->name;
    }

    if (ev->custom) {
        /* free text, also upstream */
        item->kind = ARGO_RESPONSES_CUSTOM;

    } else {
        item->whole = (item->kind != ARGO_RESPONSES_FUNCTION);
        item->late = (argo_responses_kinds[item->kind].name != NULL);
    }

    /* they are repeated when what they came in may be gone */

    if (argo_stream_keep(st, &ev->id, &item->id) != NGX_OK
        || argo_stream_keep(st, name, &item->name) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_collect_end(argo_stream_t *st)
{
    argo_responses_state_t  *state;

    state = st->state;

    if (state->items) {
        return argo_openai_responses_seal(st,
                                   argo_openai_responses_status(st->finish)
                                   != ARGO_RESPONSES_COMPLETED);
    }

    /* who asks for the text of a reply shall find one, if an empty one */

    if (argo_openai_responses_add_item(st, ARGO_RESPONSES_ITEM_MESSAGE)
        == NULL
        || argo_openai_responses_add_part(st, ARGO_RESPONSES_PART_TEXT)
           == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static argo_responses_item_t *
argo_openai_responses_add_item(argo_stream_t *st, argo_responses_item_e type)
{
    argo_responses_item_t   *item;
    argo_responses_state_t  *state;

    state = st->state;

    if (argo_openai_responses_seal(st, 0) != NGX_OK) {
        return NULL;
    }

    item = ngx_pcalloc(st->pool, sizeof(argo_responses_item_t));
    if (item == NULL) {
        return NULL;
    }

    item->type = type;

    argo_out_init(&item->signature, st->pool, ARGO_RESPONSES_BLOCK, NULL,
                  !st->collect || st->text.copy);

    if (state->last) {
        item->index = state->last->index + 1;
        state->last->next = item;

    } else {
        state->items = item;
    }

    state->last = item;

    return item;
}


static argo_responses_part_t *
argo_openai_responses_add_part(argo_stream_t *st, argo_responses_part_e type)
{
    argo_responses_item_t   *item;
    argo_responses_part_t   *part;
    argo_responses_state_t  *state;

    state = st->state;
    item = state->last;

    part = ngx_pcalloc(st->pool, sizeof(argo_responses_part_t));
    if (part == NULL) {
        return NULL;
    }

    part->type = type;

    /* a body that stays can be referred to, unless it is streamed */

    argo_out_init(&part->text, st->pool, ARGO_RESPONSES_BLOCK, NULL,
                  !st->collect || st->text.copy);

    if (item->last_part) {
        part->index = item->last_part->index + 1;
        item->last_part->next = part;

    } else {
        item->parts = part;
    }

    item->last_part = part;

    return part;
}


static ngx_int_t
argo_openai_responses_append(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *text)
{
    argo_responses_state_t  *state;

    state = st->state;

    if (state->size + ev->lead.len + ev->text.len > ARGO_STREAM_MAX_TEXT) {
        return argo_error_set(&st->error, 502, "upstream_invalid_reply",
                              NULL, "ARGO's reply is too long");
    }

    state->size += ev->lead.len + ev->text.len;

    argo_openai_write_text(ev, text);

    return text->failed ? NGX_ERROR : NGX_OK;
}


/*
 * Nothing more will be added to the last item.  cut: it may lack its end, and
 * so an input is left out, since a client would run it.
 */

static ngx_int_t
argo_openai_responses_seal(argo_stream_t *st, ngx_uint_t cut)
{
    u_char                  *p, *plain;
    ngx_int_t                rc;
    ngx_str_t                text;
    argo_json_t             *root;
    argo_error_t             ignored;
    argo_responses_item_t   *item;
    argo_responses_state_t  *state;

    state = st->state;
    item = state->last;

    if (item == NULL || item->sealed) {
        return NGX_OK;
    }

    item->sealed = 1;

    if (!item->whole) {
        return NGX_OK;
    }

    if (argo_out_flatten(&item->parts->text, st->pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    plain = ngx_pnalloc(st->pool, text.len + 1);
    if (plain == NULL) {
        return NGX_ERROR;
    }

    p = text.data;
    text.len = argo_json_unescape(&p, p + text.len, plain, text.len);
    text.data = plain;

    rc = argo_json_parse(st->pool, &text, 1, &root, &ignored);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK || root->type != ARGO_JSON_OBJECT) {
        root = NULL;
    }

    if (item->kind == ARGO_RESPONSES_CUSTOM) {
        return argo_openai_responses_seal_input(st, item, root, cut);
    }

    return argo_openai_responses_seal_action(st, item, root);
}


/* Models are known to name the one member as they like, or to forget it. */

static ngx_int_t
argo_openai_responses_seal_input(argo_stream_t *st,
    argo_responses_item_t *item, argo_json_t *root, ngx_uint_t cut)
{
    ngx_str_t     text;
    argo_out_t   *out;
    argo_json_t  *node;

    node = argo_json_get(root, "input");

    if (node == NULL && root && root->count == 1) {
        node = root->child;
    }

    if (node && node->type == ARGO_JSON_STRING) {
        text = argo_json_inner(node);

    } else if (cut) {
        ngx_str_null(&text);

    } else {
        return NGX_OK;
    }

    out = &item->parts->text;

    argo_out_init(out, st->pool, ARGO_RESPONSES_BLOCK, NULL, 0);
    argo_out_ref(out, text.data, text.len);

    return out->failed ? NGX_ERROR : NGX_OK;
}


/* What is no object can be nothing but a function's arguments. */

static ngx_int_t
argo_openai_responses_seal_action(argo_stream_t *st,
    argo_responses_item_t *item, argo_json_t *root)
{
    argo_out_t  out;

    if (root == NULL) {
        item->kind = ARGO_RESPONSES_FUNCTION;
        item->parts->type = ARGO_RESPONSES_PART_ARGUMENTS;

        return NGX_OK;
    }

    if (item->kind != ARGO_RESPONSES_LOCAL_SHELL) {
        item->action = root->raw;
        return NGX_OK;
    }

    /* clients can't do without these */

    argo_out_init(&out, st->pool, ARGO_RESPONSES_BLOCK, NULL, 0);
    argo_out_lit(&out, "{");

    if (argo_json_get(root, "type") == NULL) {
        argo_out_lit(&out, "\"type\":\"exec\",");
    }

    if (argo_json_get(root, "env") == NULL) {
        argo_out_lit(&out, "\"env\":{},");
    }

    if (argo_json_get(root, "command") == NULL) {
        argo_out_lit(&out, "\"command\":[],");
    }

    argo_out_ref(&out, root->raw.data + 1, root->raw.len - 1);

    if (argo_out_flatten(&out, st->pool, &item->action) != NGX_OK) {
        return NGX_ERROR;
    }

    if (root->count == 0) {
        /* not a comma before the brace */
        item->action.len = item->action.len - root->raw.len;
        item->action.data[item->action.len++] = '}';
    }

    return NGX_OK;
}
