
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What the tests of OpenAI's Responses share: a back that says what a test
 * wants, and the fold: a stream put together again by the rules of the
 * protocol alone, event by event.
 */


#ifndef _ARGO_RESPONSES_H_INCLUDED_
#define _ARGO_RESPONSES_H_INCLUDED_


#include "argo_front.h"


#define MAX_ITEMS   16
#define MAX_PARTS   8
#define MAX_TEXT    4096


/* a stream on its way to what it means */

typedef struct {
    char             text[MAX_TEXT];    /* escaped */
    size_t           len;
    unsigned         done:1;            /* its text */
    unsigned         part_done:1;
} part_t;


typedef struct {
    ngx_str_t        type;
    ngx_str_t        id;
    ngx_str_t        raw;               /* as it was when done */
    part_t           parts[MAX_PARTS];
    ngx_uint_t       nparts;
} item_t;


typedef struct {
    const char      *wrong;
    item_t           items[MAX_ITEMS];
    ngx_uint_t       nitems;
    ngx_uint_t       events;
    ngx_str_t        response;          /* of the last event that has one */
    ngx_str_t        last;              /* the type of the last event */
    ngx_str_t        order;             /* all types, repeated ones once */
    ngx_uint_t       failed;
} fold_t;


/* what a back would say, said by the test */

static argo_event_t  *script;
static ngx_uint_t     nscript;


static inline ngx_int_t
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


static const argo_back_t  script_back = {
    ngx_string("script"), ARGO_DIALECT_LEGACY, NULL, NULL, NULL,
    script_read_response, NULL, NULL, NULL, NULL
};


#define TEXT(s)       { .type = ARGO_EVENT_TEXT, .text = ngx_string(s) }
#define REFUSAL(s)    { .type = ARGO_EVENT_REFUSAL, .text = ngx_string(s) }
#define REASONING(s)  { .type = ARGO_EVENT_REASONING, .text = ngx_string(s) }
#define CALL(i, d, n) { .type = ARGO_EVENT_TOOL_START, .index = i,            \
                        .id = ngx_string(d), .name = ngx_string(n) }
#define ARGS(i, s)    { .type = ARGO_EVENT_TOOL_ARGS, .index = i,             \
                        .text = ngx_string(s) }
#define FINISH(f)     { .type = ARGO_EVENT_FINISH, .finish = f }

#define count(a)      (sizeof(a) / sizeof((a)[0]))


static inline void
set_script(argo_event_t *events, ngx_uint_t n)
{
    script = events;
    nscript = n;
}


/* ---- the fold */

static inline item_t *
fold_item(fold_t *fold, argo_json_t *root)
{
    int64_t    n;
    ngx_str_t  id;

    if (argo_json_int(argo_json_get(root, "output_index"), &n) != NGX_OK
        || n < 0 || (ngx_uint_t) n >= fold->nitems)
    {
        fold->wrong = "an event about an item that was not announced";
        return NULL;
    }

    id = argo_json_inner(argo_json_get(root, "item_id"));

    if (!front_same(&id, &fold->items[n].id)) {
        fold->wrong = "item_id is not that of the item";
        return NULL;
    }

    if (fold->items[n].raw.len) {
        fold->wrong = "an event about an item that was done";
        return NULL;
    }

    return &fold->items[n];
}


static inline part_t *
fold_part(fold_t *fold, argo_json_t *root)
{
    int64_t        n;
    item_t        *item;
    argo_json_t   *index;

    item = fold_item(fold, root);

    if (item == NULL) {
        return NULL;
    }

    n = 0;
    index = front_at(root, front_is(&item->type, "reasoning")
                           ? "summary_index" : "content_index");

    if (front_is(&item->type, "function_call")
        || front_is(&item->type, "custom_tool_call"))
    {
        if (argo_json_get(root, "content_index")) {
            fold->wrong = "a call with a content_index";
        }

    } else if (argo_json_int(index, &n) != NGX_OK) {
        fold->wrong = "no index of the part";
        return NULL;
    }

    if (n < 0 || (ngx_uint_t) n >= item->nparts) {
        fold->wrong = "an event about a part that was not announced";
        return NULL;
    }

    return &item->parts[n];
}


/* A call that is made with an object, which comes in one piece. */

static inline ngx_uint_t
fold_has_object(argo_json_t *node)
{
    ngx_uint_t    i;
    argo_json_t  *object;

    static const char  *known[] = {
        "local_shell_call", "action",
        "shell_call", "action",
        "apply_patch_call", "operation",
        "tool_search_call", "arguments"
    };

    for (i = 0; i < count(known); i += 2) {

        if (argo_json_text_is(argo_json_get(node, "type"), known[i],
                              strlen(known[i])))
        {
            object = argo_json_find(node, known[i + 1],
                                    strlen(known[i + 1]));

            return object && object->type == ARGO_JSON_OBJECT;
        }
    }

    return 0;
}


static inline void
fold_added(fold_t *fold, argo_json_t *root)
{
    int64_t        n;
    item_t        *item;
    argo_json_t   *node;

    node = argo_json_get(root, "item");

    if (fold->nitems && fold->items[fold->nitems - 1].raw.len == 0) {
        fold->wrong = "an item was announced before the last was done";
        return;
    }

    if (argo_json_int(argo_json_get(root, "output_index"), &n) != NGX_OK
        || (ngx_uint_t) n != fold->nitems || n == MAX_ITEMS)
    {
        fold->wrong = "items are not announced in their order";
        return;
    }

    item = &fold->items[fold->nitems++];
    item->type = argo_json_inner(argo_json_get(node, "type"));
    item->id = argo_json_inner(argo_json_get(node, "id"));

    if (front_is(&item->type, "message")) {

        if (!front_raw_is(node, "content", "[]")
            || !front_raw_is(node, "role", "\"assistant\"")
            || !front_raw_is(node, "status", "\"in_progress\""))
        {
            fold->wrong = "a message that is new is not empty";
        }

    } else if (front_is(&item->type, "function_call")) {

        if (!front_raw_is(node, "arguments", "\"\"")
            || !front_raw_is(node, "status", "\"in_progress\""))
        {
            fold->wrong = "a call that is new has arguments";
        }

        item->nparts = 1;

    } else if (front_is(&item->type, "custom_tool_call")) {

        if (!front_raw_is(node, "input", "\"\"")
            || !front_raw_is(node, "status", "\"in_progress\""))
        {
            fold->wrong = "a custom call that is new has an input";
        }

        item->nparts = 1;

    } else if (fold_has_object(node)) {

        if (!front_raw_is(node, "status", "\"in_progress\"")) {
            fold->wrong = "a call that is new is not in progress";
        }

    } else if (!front_is(&item->type, "reasoning")
               || !front_raw_is(node, "summary", "[]")
               || argo_json_get(node, "encrypted_content"))
    {
        fold->wrong = "an item of no known type";
    }
}


static inline void
fold_part_added(fold_t *fold, argo_json_t *root, const char *index)
{
    int64_t   n;
    item_t   *item;

    item = fold_item(fold, root);

    if (item == NULL) {
        return;
    }

    if (argo_json_int(argo_json_find(root, index, strlen(index)), &n)
        != NGX_OK
        || (ngx_uint_t) n != item->nparts || n == MAX_PARTS
        || (n > 0 && !item->parts[n - 1].part_done))
    {
        fold->wrong = "parts are not announced in their order";
        return;
    }

    if (!front_raw_is(root, "part.text", "\"\"")
        && !front_raw_is(root, "part.refusal", "\"\""))
    {
        fold->wrong = "a part that is new is not empty";
    }

    if (front_raw_is(root, "part.type", "\"output_text\"")
        && (!front_raw_is(root, "part.annotations", "[]")
            || !front_raw_is(root, "part.logprobs", "[]")))
    {
        fold->wrong = "a part of text lacks a member";
    }

    item->nparts++;
}


static inline void
fold_delta(fold_t *fold, argo_json_t *root, ngx_uint_t text)
{
    part_t     *part;
    ngx_str_t   delta;

    part = fold_part(fold, root);

    if (part == NULL) {
        return;
    }

    delta = argo_json_inner(argo_json_get(root, "delta"));

    if (delta.len == 0 || part->done || part->len + delta.len > MAX_TEXT) {
        fold->wrong = "an empty delta, or one behind the end";
        return;
    }

    if (text != (argo_json_get(root, "logprobs") != NULL)) {
        fold->wrong = "logprobs belong to text, and to nothing else";
    }

    memcpy(part->text + part->len, delta.data, delta.len);
    part->len += delta.len;
}


static inline ngx_uint_t
fold_text_is(const part_t *part, argo_json_t *node)
{
    ngx_str_t  text;

    if (node == NULL || node->type != ARGO_JSON_STRING) {
        return 0;
    }

    text = argo_json_inner(node);

    return text.len == part->len
           && memcmp(text.data, part->text, text.len) == 0;
}


static inline void
fold_done(fold_t *fold, argo_json_t *root, const char *member)
{
    part_t  *part;

    part = fold_part(fold, root);

    if (part == NULL) {
        return;
    }

    if (part->done || !fold_text_is(part, front_at(root, member))) {
        fold->wrong = "done is not the sum of the deltas";
    }

    part->done = 1;
}


static inline void
fold_part_done(fold_t *fold, argo_json_t *root)
{
    part_t       *part;
    argo_json_t  *text;

    part = fold_part(fold, root);

    if (part == NULL) {
        return;
    }

    text = front_at(root, "part.text");

    if (!part->done || part->part_done
        || !fold_text_is(part, text ? text : front_at(root, "part.refusal")))
    {
        fold->wrong = "a part that is done is not the sum of its deltas";
    }

    part->part_done = 1;
}


static inline void
fold_item_done(fold_t *fold, argo_json_t *root)
{
    item_t        *item;
    part_t        *part;
    ngx_str_t      type, id;
    ngx_uint_t     i;
    argo_json_t   *node, *list, *text;

    node = argo_json_get(root, "item");

    if (fold->nitems == 0) {
        fold->wrong = "an item is done that was not announced";
        return;
    }

    item = &fold->items[fold->nitems - 1];
    type = argo_json_inner(argo_json_get(node, "type"));
    id = argo_json_inner(argo_json_get(node, "id"));

    if (!front_same(&type, &item->type) || !front_same(&id, &item->id)) {
        fold->wrong = "an item that is done is another one";
        return;
    }

    if (front_is(&type, "function_call")) {

        if (!item->parts[0].done
            || !fold_text_is(&item->parts[0], argo_json_get(node,
                                                            "arguments")))
        {
            fold->wrong = "a call's arguments are not the sum of the deltas";
        }

        item->raw = node->raw;
        return;
    }

    if (front_is(&type, "custom_tool_call")) {

        if (!item->parts[0].done
            || !fold_text_is(&item->parts[0], argo_json_get(node, "input")))
        {
            fold->wrong = "an input is not the sum of the deltas";
        }

        item->raw = node->raw;
        return;
    }

    if (fold_has_object(node)) {
        item->raw = node->raw;
        return;
    }

    list = front_at(node, front_is(&type, "message") ? "content"
                                                     : "summary");

    if (list == NULL || list->count != item->nparts) {
        fold->wrong = "an item that is done has not its parts";
        return;
    }

    list = list->child;

    for (i = 0; i < item->nparts; i++, list = list->next) {
        part = &item->parts[i];
        text = argo_json_get(list, "text");

        if (!part->part_done
            || !fold_text_is(part, text ? text
                                        : argo_json_get(list, "refusal")))
        {
            fold->wrong = "an item's part is not the sum of its deltas";
        }
    }

    item->raw = node->raw;
}


static inline void
fold_end(fold_t *fold, argo_json_t *root)
{
    ngx_uint_t    i;
    argo_json_t  *node;

    node = front_at(root, "response.output");

    if (node == NULL || node->count != fold->nitems) {
        fold->wrong = "the output has not the items that came";
        return;
    }

    node = node->child;

    for (i = 0; i < fold->nitems; i++, node = node->next) {

        if (fold->failed) {
            continue;
        }

        if (!front_same(&node->raw, &fold->items[i].raw)) {
            fold->wrong = "an item of the output is not as it was done";
        }
    }
}


static inline void
fold_event(fold_t *fold, front_event_t *ev)
{
    const char   *type;
    argo_json_t  *root;

    static char  name[128];

    root = ev->root;

    memcpy(name, ev->name.data, ev->name.len);
    name[ev->name.len] = '\0';
    type = name;

    if (fold->events < 2
        && strcmp(type, fold->events ? "response.in_progress"
                                     : "response.created"))
    {
        fold->wrong = "a stream begins in another way";
        return;
    }

    if (argo_json_get(root, "response")) {
        fold->response = front_raw(root, "response");
    }

    if (fold->events < 2) {

        if (!front_raw_is(root, "response.status", "\"in_progress\"")
            || !front_raw_is(root, "response.output", "[]")
            || !front_raw_is(root, "response.usage", "null")
            || !front_raw_is(root, "response.incomplete_details", "null"))
        {
            fold->wrong = "a response that has begun is not empty";
        }

    } else if (strcmp(type, "response.output_item.added") == 0) {
        fold_added(fold, root);

    } else if (strcmp(type, "response.content_part.added") == 0) {
        fold_part_added(fold, root, "content_index");

    } else if (strcmp(type, "response.reasoning_summary_part.added") == 0) {
        fold_part_added(fold, root, "summary_index");

    } else if (strcmp(type, "response.output_text.delta") == 0) {
        fold_delta(fold, root, 1);

    } else if (strcmp(type, "response.refusal.delta") == 0
               || strcmp(type, "response.reasoning_summary_text.delta") == 0
               || strcmp(type, "response.custom_tool_call_input.delta") == 0
               || strcmp(type, "response.function_call_arguments.delta")
                  == 0)
    {
        fold_delta(fold, root, 0);

    } else if (strcmp(type, "response.output_text.done") == 0
               || strcmp(type, "response.reasoning_summary_text.done") == 0)
    {
        fold_done(fold, root, "text");

    } else if (strcmp(type, "response.refusal.done") == 0) {
        fold_done(fold, root, "refusal");

    } else if (strcmp(type, "response.custom_tool_call_input.done") == 0) {
        fold_done(fold, root, "input");

    } else if (strcmp(type, "response.function_call_arguments.done") == 0) {
        fold_done(fold, root, "arguments");

        if (argo_json_get(root, "name") == NULL) {
            fold->wrong = "arguments are done without the function's name";
        }

    } else if (strcmp(type, "response.content_part.done") == 0
               || strcmp(type, "response.reasoning_summary_part.done") == 0)
    {
        fold_part_done(fold, root);

    } else if (strcmp(type, "response.output_item.done") == 0) {
        fold_item_done(fold, root);

    } else if (strcmp(type, "response.completed") == 0
               || strcmp(type, "response.incomplete") == 0)
    {
        fold_end(fold, root);

    } else if (strcmp(type, "response.failed") == 0) {
        fold->failed = 1;
        fold_end(fold, root);

    } else if (strcmp(type, "error") != 0 || !fold->failed) {
        fold->wrong = "an event of no known type";
    }
}


static inline void
fold_note(ngx_pool_t *pool, fold_t *fold, const ngx_str_t *type)
{
    if (fold->order.data == NULL) {
        fold->order.data = ngx_palloc(pool, 8192);

        if (fold->order.data == NULL) {
            abort();
        }
    }

    if (front_same(&fold->last, type)
        || fold->order.len + type->len + 1 > 8192)
    {
        return;
    }

    memcpy(fold->order.data + fold->order.len, type->data, type->len);
    fold->order.len += type->len;
    fold->order.data[fold->order.len++] = '\n';
}


static inline void
fold_stream(ngx_pool_t *pool, fold_t *fold, const ngx_str_t *bytes)
{
    u_char         *p, *end;
    int64_t         n;
    ngx_str_t       type;
    front_event_t   ev;

    memset(fold, 0, sizeof(fold_t));

    p = bytes->data;
    end = p + bytes->len;

    while (p < end && fold->wrong == NULL) {

        fold->wrong = front_event(pool, &p, end, &ev);

        if (fold->wrong) {
            return;
        }

        if (ev.root == NULL) {
            fold->wrong = "a [DONE]";
            return;
        }

        type = argo_json_inner(argo_json_get(ev.root, "type"));

        if (!front_same(&type, &ev.name)) {
            fold->wrong = "the event line is not the type";
            return;
        }

        if (argo_json_int(argo_json_get(ev.root, "sequence_number"), &n)
            != NGX_OK
            || (ngx_uint_t) n != fold->events)
        {
            fold->wrong = "the sequence has a gap";
            return;
        }

        if (front_is(&fold->last, "response.completed")
            || front_is(&fold->last, "response.incomplete")
            || front_is(&fold->last, "error"))
        {
            fold->wrong = "an event behind the last";
            return;
        }

        fold_event(fold, &ev);
        fold_note(pool, fold, &type);

        fold->last = type;
        fold->events++;
    }
}


/* ---- replies */

static inline void
run_body(ngx_pool_t *pool, front_reply_t *reply, const argo_back_t *back,
    argo_request_t *req, const ngx_str_t *body, ngx_uint_t stream)
{
    front_begin(pool, reply, &argo_openai_responses_front, back, req,
                stream);

    if (reply->rc == NGX_OK) {
        reply->rc = argo_stream_body(&reply->st, body, &reply->out);
        front_end(pool, reply);
    }
}



/* The same events, unary and streamed; returns the fold of the latter. */

static inline void
run_script(ngx_pool_t *pool, argo_request_t *req, const char *name,
    fold_t *fold, ngx_str_t *unary)
{
    ngx_str_t      body;
    front_reply_t  reply;

    ngx_str_set(&body, "");

    run_body(pool, &reply, &script_back, req, &body, UNARY);
    is(reply.rc, NGX_OK, "%s: unary", name);
    *unary = reply.bytes;

    run_body(pool, &reply, &script_back, req, &body, STREAM);
    fold_stream(pool, fold, &reply.bytes);

    ok(reply.rc == NGX_OK && fold->wrong == NULL, "%s: a right stream%s%s",
       name, fold->wrong ? ": " : "", fold->wrong ? fold->wrong : "");

    is_mem(unary->data, unary->len, fold->response.data, fold->response.len,
           "%s: unary is what the events come to", name);
}


#endif /* _ARGO_RESPONSES_H_INCLUDED_ */
