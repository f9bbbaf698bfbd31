
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's Responses, what ARGO gives for OpenAI's models.  Only clients that
 * speak the same are served by it: requests and replies go through as they
 * come, but for the model's name, the user's, and what a rule changes.
 */


#include "argo_openai_responses.h"
#include "argo_fault.h"
#include "argo_json_write.h"
#include "argo_legacy.h"
#include "argo_part.h"
#include "argo_request.h"
#include "argo_rules.h"


#define ARGO_RESPONSES_BLOCK  1024

/* root, output, item, content, part, members */
#define ARGO_RESPONSES_REPLY_DEPTH  5

/* event, response, usage, details, members */
#define ARGO_RESPONSES_EVENT_DEPTH  4


/* st->back_state */

typedef struct {
    ngx_str_t        model;             /* JSON: what the client asked for */
} argo_responses_back_t;


typedef ngx_int_t (*argo_responses_read_pt)(argo_stream_t *st,
    argo_json_t *root);

typedef struct {
    const char              *type;
    argo_responses_read_pt   read;
} argo_responses_event_t;


static ngx_int_t argo_openai_responses_plan_call(ngx_pool_t *pool,
    const argo_request_t *req, ngx_uint_t pseudo, argo_call_t *call,
    argo_error_t *err);
static ngx_int_t argo_openai_responses_plan_history(ngx_pool_t *pool,
    argo_request_t *req);
static ngx_uint_t argo_openai_responses_is_foreign(const argo_json_t *item);
static void argo_openai_responses_write_request(const argo_request_t *req,
    const argo_call_t *call, argo_out_t *out);
static ngx_int_t argo_openai_responses_patch(const argo_request_t *req,
    const argo_call_t *call, argo_patch_t *patch);
static ngx_int_t argo_openai_responses_patch_nested(
    const argo_request_t *req, argo_patch_t *patch, const argo_json_t *obj);
static ngx_int_t argo_openai_responses_patch_images(const argo_part_t *part,
    argo_patch_t *patch);
static ngx_int_t argo_openai_responses_patch_tools(const argo_request_t *req,
    argo_patch_t *patch);
static argo_out_t *argo_openai_responses_text(argo_patch_t *patch);
static ngx_int_t argo_openai_responses_string(ngx_pool_t *pool,
    const ngx_str_t *text, ngx_str_t *json);

static ngx_int_t argo_openai_responses_start_reply(argo_stream_t *st);
static ngx_int_t argo_openai_responses_read_response(argo_stream_t *st,
    const ngx_str_t *body);
static ngx_int_t argo_openai_responses_explain(argo_stream_t *st,
    argo_json_t *root, const ngx_str_t *body);
static ngx_int_t argo_openai_responses_read_output(argo_stream_t *st,
    argo_json_t *output);
static ngx_int_t argo_openai_responses_read_message(argo_stream_t *st,
    argo_json_t *item);
static ngx_int_t argo_openai_responses_read_reasoning(argo_stream_t *st,
    argo_json_t *item);
static ngx_int_t argo_openai_responses_read_call(argo_stream_t *st,
    argo_json_t *item, argo_responses_kind_e kind);
static ngx_int_t argo_openai_responses_write_body(argo_stream_t *st,
    argo_json_t *root);

static ngx_int_t argo_openai_responses_read_event(argo_stream_t *st,
    const argo_sse_event_t *frame);
static ngx_int_t argo_openai_responses_read_typed(argo_stream_t *st,
    argo_json_t *root, argo_json_t *type);
static ngx_int_t argo_openai_responses_read_untyped(argo_stream_t *st,
    argo_json_t *root);
static ngx_int_t argo_openai_responses_forward(argo_stream_t *st,
    const argo_sse_event_t *frame, argo_json_t *root, argo_json_t *type);
static ngx_int_t argo_openai_responses_read_created(argo_stream_t *st,
    argo_json_t *root);
static ngx_int_t argo_openai_responses_read_text_delta(argo_stream_t *st,
    argo_json_t *root);
static ngx_int_t argo_openai_responses_read_refusal_delta(argo_stream_t *st,
    argo_json_t *root);
static ngx_int_t argo_openai_responses_read_thought_delta(argo_stream_t *st,
    argo_json_t *root);
static ngx_int_t argo_openai_responses_read_args_delta(argo_stream_t *st,
    argo_json_t *root);
static ngx_int_t argo_openai_responses_read_added(argo_stream_t *st,
    argo_json_t *root);
static ngx_int_t argo_openai_responses_read_end_event(argo_stream_t *st,
    argo_json_t *root);
static ngx_int_t argo_openai_responses_fail(argo_stream_t *st,
    const argo_sse_event_t *frame, argo_json_t *root, argo_json_t *type);

static ngx_int_t argo_openai_responses_read_end(argo_stream_t *st);

static ngx_int_t argo_openai_responses_emit(argo_stream_t *st,
    argo_event_e type, argo_json_t *text);
static ngx_int_t argo_openai_responses_emit_end(argo_stream_t *st,
    argo_json_t *response);
static argo_finish_e argo_openai_responses_finish(argo_stream_t *st,
    argo_json_t *response);
static void argo_openai_responses_read_usage(argo_json_t *node,
    argo_usage_t *usage);
static uint64_t argo_openai_responses_number(argo_json_t *obj,
    const char *name);
static ngx_int_t argo_openai_responses_fault(argo_stream_t *st,
    argo_json_t *error, ngx_uint_t told);


const argo_back_t  argo_openai_responses_back = {
    ngx_string("openai_responses"),
    ARGO_DIALECT_RESPONSES,
    argo_openai_responses_plan_call,
    argo_openai_responses_write_request,
    argo_openai_responses_start_reply,
    argo_openai_responses_read_response,
    NULL,
    argo_openai_responses_read_event,
    argo_openai_responses_read_end,
    argo_legacy_read_error
};


/* events that say something; all are handed on */

static const argo_responses_event_t  argo_responses_events[] = {
    { "response.output_text.delta", argo_openai_responses_read_text_delta },
    { "response.function_call_arguments.delta",
      argo_openai_responses_read_args_delta },
    { "response.custom_tool_call_input.delta",
      argo_openai_responses_read_args_delta },
    { "response.reasoning_summary_text.delta",
      argo_openai_responses_read_thought_delta },
    { "response.reasoning_text.delta",
      argo_openai_responses_read_thought_delta },
    { "response.refusal.delta", argo_openai_responses_read_refusal_delta },
    { "response.output_item.added", argo_openai_responses_read_added },
    { "response.created", argo_openai_responses_read_created },
    { "response.completed", argo_openai_responses_read_end_event },
    { "response.incomplete", argo_openai_responses_read_end_event }
};


#define ARGO_RESPONSES_NEVENTS                                                \
    (sizeof(argo_responses_events) / sizeof(argo_responses_events[0]))


/* a response that has failed has no type of error, but one of these */

static const struct {
    const char  *code;
    const char  *type;

} argo_responses_codes[] = {
    { "rate_limit_exceeded", "rate_limit_error" },
    { "insufficient_quota", "rate_limit_error" },
    { "context_length_exceeded", "invalid_request_error" },
    { "invalid_prompt", "invalid_request_error" },
    { "invalid_image", "invalid_request_error" },
    { "image_too_large", "invalid_request_error" }
};


#define ARGO_RESPONSES_NCODES                                                 \
    (sizeof(argo_responses_codes) / sizeof(argo_responses_codes[0]))


static ngx_int_t
argo_openai_responses_plan_call(ngx_pool_t *pool, const argo_request_t *req,
    ngx_uint_t pseudo, argo_call_t *call, argo_error_t *err)
{
    if (req->dialect != ARGO_DIALECT_RESPONSES) {
        return argo_error_set(err, 500, NULL, NULL, "ARGO's Responses serve "
                              "clients of the same API only");
    }

    /* a plan is also what is told of it */

    if (argo_openai_responses_plan_history(pool, (argo_request_t *) req)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_set(&call->tail, "v1/responses");
    call->auth = ARGO_AUTH_BEARER;

    if (req->stream && !pseudo) {
        ngx_str_set(&call->accept, "text/event-stream");
        call->frame = ARGO_FRAME_SSE;

    } else {
        ngx_str_set(&call->accept, "application/json");
        call->frame = ARGO_FRAME_JSON;
    }

    return NGX_OK;
}


/*
 * A conversation may have begun with another vendor's model.  What that has
 * thought is told in items of ours, which OpenAI can't decrypt, or would look
 * for among its own.
 */

static ngx_int_t
argo_openai_responses_plan_history(ngx_pool_t *pool, argo_request_t *req)
{
    ngx_uint_t    told;
    argo_json_t  *list, *item;

    list = argo_json_get(req->root, "input");

    if (list == NULL || list->type != ARGO_JSON_ARRAY) {
        return NGX_OK;
    }

    told = 0;

    for (item = list->child; item; item = item->next) {

        if (!argo_openai_responses_is_foreign(item)) {
            continue;
        }

        item->dropped = 1;

        if (!told
            && argo_request_note(pool, req, "reasoning",
                                 "left out of the input: another model's")
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        told = 1;
    }

    return NGX_OK;
}


/*
 * Our ids end with the item's number; there is no "_" in OpenAI's own.  Some
 * clients leave out ids: what has neither that nor a content is of no use.
 */

static ngx_uint_t
argo_openai_responses_is_foreign(const argo_json_t *item)
{
    ngx_str_t     id;
    argo_json_t  *node;

    if (!argo_json_is(argo_json_get(item, "type"), "reasoning")) {
        return 0;
    }

    node = argo_json_get(item, "encrypted_content");

    if (node && node->type == ARGO_JSON_STRING && node->raw.len > 2) {
        return argo_openai_responses_vendor(node, NULL, NULL)
               != ARGO_FAMILY_OPENAI;
    }

    node = argo_json_get(item, "id");

    if (node == NULL || node->type == ARGO_JSON_NULL) {
        return 1;
    }

    id = argo_json_inner(node);

    return id.len > 3 && ngx_memcmp(id.data, "rs_", 3) == 0
           && ngx_strlchr(id.data + 3, id.data + id.len, '_') != NULL;
}


static void
argo_openai_responses_write_request(const argo_request_t *req,
    const argo_call_t *call, argo_out_t *out)
{
    argo_patch_t  patch;

    argo_patch_init(&patch, out->pool, &req->document);

    if (argo_openai_responses_patch(req, call, &patch) != NGX_OK) {
        out->failed = 1;
        return;
    }

    argo_patch_write(&patch, out);
}


static ngx_int_t
argo_openai_responses_patch(const argo_request_t *req,
    const argo_call_t *call, argo_patch_t *patch)
{
    ngx_uint_t             n;
    argo_json_t           *input;
    argo_message_t        *message;
    argo_member_edit_t     members[4];

    n = 0;

    ngx_str_set(&members[n].name, "model");

    if (argo_openai_responses_string(patch->pool, &req->target->id,
                                     &members[n++].value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (argo_json_get(req->root, "user")) {
        ngx_str_set(&members[n].name, "user");

        if (argo_openai_responses_string(patch->pool, &req->user,
                                         &members[n++].value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (req->stream && call->frame == ARGO_FRAME_JSON) {
        ngx_str_set(&members[n].name, "stream");
        ngx_str_set(&members[n].value, "false");
        n++;

        if (argo_json_get(req->root, "stream_options")) {
            ngx_str_set(&members[n].name, "stream_options");
            ngx_str_set(&members[n].value, "null");
            n++;
        }
    }

    if (argo_patch_members(patch, req->root, members, n) != NGX_OK
        || argo_request_patch(req, patch) != NGX_OK
        || argo_openai_responses_patch_nested(req, patch,
                                     argo_json_get(req->root, "reasoning"))
           != NGX_OK
        || argo_openai_responses_patch_nested(req, patch,
                                     argo_json_get(req->root, "text"))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    input = argo_json_get(req->root, "input");

    if (input && argo_patch_drop(patch, input) != NGX_OK) {
        return NGX_ERROR;
    }

    if (req->rewrite_tools && req->profile
        && argo_openai_responses_patch_tools(req, patch) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (message = req->messages; message; message = message->next) {
        if (argo_openai_responses_patch_images(message->parts, patch)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* What a rule has dropped without saying where it was. */

static ngx_int_t
argo_openai_responses_patch_nested(const argo_request_t *req,
    argo_patch_t *patch, const argo_json_t *obj)
{
    argo_json_t          *node;
    const argo_change_t  *change;

    if (obj == NULL || obj->dropped) {
        return NGX_OK;
    }

    for (change = req->changes; change; change = change->next) {
        if (change->edit && change->parent == obj) {
            /* done with all the others */
            return NGX_OK;
        }
    }

    for (node = obj->child; node; node = node->next) {
        if (node->dropped) {
            return argo_patch_drop(patch, obj);
        }
    }

    return NGX_OK;
}


/*
 * Images that were fetched take the place of their addresses, and what a rule
 * has made of an image takes that of its part.
 */

static ngx_int_t
argo_openai_responses_patch_images(const argo_part_t *part,
    argo_patch_t *patch)
{
    argo_out_t   *text;
    argo_json_t  *node;

    for ( /* void */ ; part; part = part->next) {

        if (part->parts
            && argo_openai_responses_patch_images(part->parts, patch)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        node = part->node;

        if (!argo_json_is(argo_json_get(node, "type"), "input_image")
            || (part->type == ARGO_PART_IMAGE && part->data == NULL))
        {
            continue;
        }

        text = argo_openai_responses_text(patch);
        if (text == NULL) {
            return NGX_ERROR;
        }

        if (part->type == ARGO_PART_IMAGE) {
            node = argo_json_get(node, "image_url");

            argo_out_lit(text, "\"");
            argo_part_write_url(part, text);
            argo_out_lit(text, "\"");

        } else {
            argo_out_lit(text, "{\"type\":\"input_text\",\"text\":\"");
            argo_out_str(text, &part->text);
            argo_out_lit(text, "\"}");
        }

        if (text->failed || node == NULL
            || argo_patch_replace(patch, node, text) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Schemas that the model does not take as they are. */

static ngx_int_t
argo_openai_responses_patch_tools(const argo_request_t *req,
    argo_patch_t *patch)
{
    u_char                    *p;
    argo_out_t                *schema;
    const argo_json_t         *node;
    argo_responses_tool_t     *tool;
    argo_responses_request_t  *front;

    front = req->front;

    for (tool = front->tools; tool; tool = tool->next) {

        node = tool->tool->parameters;

        if (node == NULL
            || !argo_rules_schema_refused(req->profile, node))
        {
            continue;
        }

        p = node->raw.data;

        if (p < patch->document.data
            || p >= patch->document.data + patch->document.len)
        {
            /* not the client's */
            continue;
        }

        schema = argo_openai_responses_text(patch);
        if (schema == NULL) {
            return NGX_ERROR;
        }

        argo_rules_write_schema(req->profile, node, schema);

        if (schema->failed
            || argo_patch_replace(patch, node, schema) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* What is written to it must stay until the request has been sent. */

static argo_out_t *
argo_openai_responses_text(argo_patch_t *patch)
{
    argo_out_t  *text;

    text = ngx_palloc(patch->pool, sizeof(argo_out_t));

    if (text) {
        argo_out_init(text, patch->pool, ARGO_RESPONSES_BLOCK, NULL, 0);
    }

    return text;
}


static ngx_int_t
argo_openai_responses_string(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *json)
{
    argo_out_t  out;

    argo_out_init(&out, pool, ARGO_RESPONSES_BLOCK, NULL, 0);
    argo_json_write_string(&out, text);

    return argo_out_flatten(&out, pool, json);
}


static ngx_int_t
argo_openai_responses_start_reply(argo_stream_t *st)
{
    argo_responses_back_t  *back;

    back = ngx_pcalloc(st->pool, sizeof(argo_responses_back_t));
    if (back == NULL) {
        return NGX_ERROR;
    }

    st->back_state = back;

    return argo_openai_responses_string(st->pool, &st->request->model,
                                        &back->model);
}


static ngx_int_t
argo_openai_responses_read_response(argo_stream_t *st, const ngx_str_t *body)
{
    ngx_int_t      rc;
    argo_json_t   *root, *error, *output;

    rc = argo_json_parse(st->pool, body, ARGO_RESPONSES_REPLY_DEPTH, &root,
                         &st->error);

    if (rc == NGX_DECLINED) {
        return argo_legacy_bad_reply(st, "ARGO's reply is not valid JSON");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    output = argo_json_get(root, "output");

    if (output == NULL || output->type != ARGO_JSON_ARRAY) {
        return argo_openai_responses_explain(st, root, body);
    }

    error = argo_json_get(root, "error");

    if ((error && error->type == ARGO_JSON_OBJECT)
        || argo_json_is(argo_json_get(root, "status"), "failed"))
    {
        return argo_openai_responses_fault(st, error, 0);
    }

    rc = argo_openai_responses_emit(st, ARGO_EVENT_START, NULL);

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_output(st, output);
    }

    if (rc == NGX_OK) {
        rc = argo_openai_responses_emit_end(st, root);
    }

    if (rc != NGX_OK || !st->splice) {
        return rc;
    }

    return argo_openai_responses_write_body(st, root);
}


/*
 * No response, but perhaps what stands for one elsewhere: ARGO's refusals come
 * in the form of a chat.
 */

static ngx_int_t
argo_openai_responses_explain(argo_stream_t *st, argo_json_t *root,
    const ngx_str_t *body)
{
    ngx_int_t      rc;
    ngx_str_t      text;
    argo_soft_t    soft;
    argo_json_t   *node;

    node = argo_json_get(root, "choices");
    node = node ? argo_json_get(node->child, "message") : NULL;
    node = argo_json_get(node, "content");

    rc = argo_json_text(st->pool, node, &text);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_memzero(&soft, sizeof(argo_soft_t));

    if (rc == NGX_OK
        && argo_soft_check(&soft, text.data, text.len, &st->error)
           == NGX_DECLINED)
    {
        return argo_stream_reject(st);
    }

    if (rc == NGX_OK) {
        return argo_legacy_bad_reply(st, "ARGO's reply is of another API");
    }

    rc = argo_legacy_explain(st->pool, root, body, &st->error);

    return (rc == NGX_OK) ? argo_stream_reject(st) : rc;
}


static ngx_int_t
argo_openai_responses_read_output(argo_stream_t *st, argo_json_t *output)
{
    ngx_int_t     rc;
    ngx_uint_t    i;
    const char   *call;
    argo_json_t  *item, *type;

    for (item = output->child; item; item = item->next) {

        type = argo_json_get(item, "type");
        rc = NGX_OK;

        if (argo_json_is(type, "message")) {
            rc = argo_openai_responses_read_message(st, item);

        } else if (argo_json_is(type, "reasoning")) {
            rc = argo_openai_responses_read_reasoning(st, item);
        }

        for (i = 0; i < ARGO_RESPONSES_NKINDS && rc == NGX_OK; i++) {
            call = argo_responses_kinds[i].call;

            if (argo_json_text_is(type, call, ngx_strlen(call))) {
                rc = argo_openai_responses_read_call(st, item, i);
            }
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_message(argo_stream_t *st, argo_json_t *item)
{
    ngx_int_t     rc;
    argo_json_t  *part, *type;

    part = argo_json_get(item, "content");

    for (part = part ? part->child : NULL; part; part = part->next) {

        type = argo_json_get(part, "type");
        rc = NGX_OK;

        if (argo_json_is(type, "output_text")) {
            rc = argo_openai_responses_emit(st, ARGO_EVENT_TEXT,
                                            argo_json_get(part, "text"));

        } else if (argo_json_is(type, "refusal")) {
            rc = argo_openai_responses_emit(st, ARGO_EVENT_REFUSAL,
                                            argo_json_get(part, "refusal"));
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_reasoning(argo_stream_t *st, argo_json_t *item)
{
    ngx_int_t      rc;
    argo_json_t   *part, *node;
    argo_event_t   ev;

    part = argo_json_get(item, "summary");

    for (part = part ? part->child : NULL; part; part = part->next) {

        rc = argo_openai_responses_emit(st, ARGO_EVENT_REASONING,
                                        argo_json_get(part, "text"));
        if (rc != NGX_OK) {
            return rc;
        }
    }

    node = argo_json_get(item, "encrypted_content");

    if (node == NULL || node->type != ARGO_JSON_STRING) {
        return NGX_OK;
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_SIGNATURE;
    ev.vendor = ARGO_FAMILY_OPENAI;
    ev.text = argo_json_inner(node);
    ev.escaped = 1;

    return argo_stream_emit(st, &ev);
}


/* As the front knows it: by the name that another upstream would use. */

static ngx_int_t
argo_openai_responses_read_call(argo_stream_t *st, argo_json_t *item,
    argo_responses_kind_e kind)
{
    ngx_int_t      rc;
    ngx_str_t      name, space;
    argo_json_t   *node;
    argo_event_t   ev;

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_TOOL_START;
    ev.index = st->tool_calls;
    ev.id = argo_json_inner(argo_json_get(item, "call_id"));
    ev.custom = (kind == ARGO_RESPONSES_CUSTOM);

    name = argo_json_inner(argo_json_get(item, "name"));
    space = argo_json_inner(argo_json_get(item, "namespace"));

    if (argo_openai_responses_flat_name(st->pool, st->request, kind, &space,
                                        &name, &ev.name)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = argo_stream_emit(st, &ev);
    if (rc != NGX_OK) {
        return rc;
    }

    node = argo_json_find(item, argo_responses_kinds[kind].member,
                          ngx_strlen(argo_responses_kinds[kind].member));
    if (node == NULL) {
        return NGX_OK;
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_TOOL_ARGS;
    ev.index = st->tool_calls - 1;

    if (node->type == ARGO_JSON_STRING) {
        ev.text = argo_json_inner(node);
        ev.escaped = 1;

    } else {
        ev.text = node->raw;
    }

    return argo_stream_emit(st, &ev);
}


static ngx_int_t
argo_openai_responses_write_body(argo_stream_t *st, argo_json_t *root)
{
    argo_patch_t            patch;
    argo_member_edit_t      member;
    argo_responses_back_t  *back;

    back = st->back_state;

    argo_patch_init(&patch, st->pool, &st->body);

    ngx_str_set(&member.name, "model");
    member.value = back->model;

    if (argo_json_get(root, "model")
        && argo_patch_members(&patch, root, &member, 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    st->started = 1;

    argo_patch_write(&patch, st->out);

    return st->out->failed ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_event(argo_stream_t *st,
    const argo_sse_event_t *frame)
{
    ngx_int_t     rc;
    argo_json_t  *root, *type;

    if (frame->data.len == 6 && ngx_memcmp(frame->data.data, "[DONE]", 6) == 0)
    {
        /* chat completions' habit: here only an event says so */
        return NGX_OK;
    }

    rc = argo_stream_parse(st, &frame->data, ARGO_RESPONSES_EVENT_DEPTH,
                           &root);

    if (rc == NGX_DECLINED || (rc == NGX_OK
                               && root->type != ARGO_JSON_OBJECT))
    {
        return argo_legacy_bad_reply(st, "an event of ARGO's reply is not "
                                         "a JSON object");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    type = argo_json_get(root, "type");

    if (type == NULL || type->type != ARGO_JSON_STRING) {
        return argo_openai_responses_read_untyped(st, root);
    }

    if (argo_json_is(type, "error")) {
        return argo_openai_responses_fault(st, root, 0);
    }

    if (argo_json_is(type, "response.failed")) {
        return argo_openai_responses_fail(st, frame, root, type);
    }

    if (!st->begun) {
        rc = argo_openai_responses_emit(st, ARGO_EVENT_START, NULL);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    rc = argo_openai_responses_read_typed(st, root, type);

    if (rc != NGX_OK) {
        return rc;
    }

    return argo_openai_responses_forward(st, frame, root, type);
}


static ngx_int_t
argo_openai_responses_read_typed(argo_stream_t *st, argo_json_t *root,
    argo_json_t *type)
{
    ngx_uint_t   i;
    const char  *name;

    for (i = 0; i < ARGO_RESPONSES_NEVENTS; i++) {
        name = argo_responses_events[i].type;

        if (argo_json_text_is(type, name, ngx_strlen(name))) {
            return argo_responses_events[i].read(st, root);
        }
    }

    return NGX_OK;
}


/* A failure, or a refusal in the form of a chat's stream. */

static ngx_int_t
argo_openai_responses_read_untyped(argo_stream_t *st, argo_json_t *root)
{
    ngx_int_t     rc;
    argo_json_t  *error, *choices, *content;

    error = argo_json_get(root, "error");

    if (error && error->type != ARGO_JSON_NULL) {
        return argo_openai_responses_fault(st, root, 0);
    }

    choices = argo_json_get(root, "choices");

    if (choices == NULL || choices->type != ARGO_JSON_ARRAY || st->judged) {
        return argo_legacy_bad_reply(st, "an event of ARGO's reply has no "
                                         "type");
    }

    rc = st->begun ? NGX_OK
                   : argo_openai_responses_emit(st, ARGO_EVENT_START, NULL);

    content = argo_json_get(choices->child, "delta");
    content = argo_json_get(content, "content");

    if (rc == NGX_OK && content) {
        rc = argo_openai_responses_emit(st, ARGO_EVENT_TEXT, content);
    }

    if (rc == NGX_OK && st->judged) {
        return argo_legacy_bad_reply(st, "ARGO's reply is of another API");
    }

    return rc;
}


/* As it came, but for the model's name, and a name if it has none. */

static ngx_int_t
argo_openai_responses_forward(argo_stream_t *st,
    const argo_sse_event_t *frame, argo_json_t *root, argo_json_t *type)
{
    int64_t                  n;
    argo_json_t             *response;
    argo_patch_t             patch, *edited;
    argo_sse_event_t         named;
    argo_member_edit_t       member;
    argo_responses_back_t   *back;
    argo_responses_state_t  *state;

    back = st->back_state;
    state = st->state;

    if (!st->splice || state == NULL) {
        return NGX_OK;
    }

    edited = NULL;
    response = argo_json_get(root, "response");

    if (argo_json_get(response, "model") || frame->name.len == 0) {
        edited = &patch;
        argo_patch_init(edited, st->scratch, &frame->data);
    }

    if (argo_json_get(response, "model")) {
        ngx_str_set(&member.name, "model");
        member.value = back->model;

        if (argo_patch_members(edited, response, &member, 1) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (frame->name.len == 0) {
        named = *frame;
        named.inside = 0;

        if (argo_json_text(st->scratch, type, &named.name) != NGX_OK) {
            return NGX_ERROR;
        }

        frame = &named;
    }

    if (argo_json_int(argo_json_get(root, "sequence_number"), &n)
        == NGX_OK && n >= 0 && n < NGX_MAX_INT32_VALUE)
    {
        state->sequence = n + 1;

    } else {
        state->sequence++;
    }

    return argo_stream_forward(st, frame, edited);
}


static ngx_int_t
argo_openai_responses_read_created(argo_stream_t *st, argo_json_t *root)
{
    ngx_str_t                text;
    argo_json_t             *response, *created;
    argo_responses_state_t  *state;

    state = st->state;
    response = argo_json_get(root, "response");

    if (state == NULL || state->id.len) {
        return NGX_OK;
    }

    /* an event of ours, should it fail, is of the same response */

    text = argo_json_inner(argo_json_get(response, "id"));

    if (argo_stream_keep(st, &text, &state->id) != NGX_OK) {
        return NGX_ERROR;
    }

    created = argo_json_get(response, "created_at");

    if (created == NULL || created->type != ARGO_JSON_NUMBER) {
        return NGX_OK;
    }

    return argo_stream_keep(st, &created->raw, &state->created_at);
}


static ngx_int_t
argo_openai_responses_read_text_delta(argo_stream_t *st, argo_json_t *root)
{
    return argo_openai_responses_emit(st, ARGO_EVENT_TEXT,
                                      argo_json_get(root, "delta"));
}


static ngx_int_t
argo_openai_responses_read_refusal_delta(argo_stream_t *st,
    argo_json_t *root)
{
    return argo_openai_responses_emit(st, ARGO_EVENT_REFUSAL,
                                      argo_json_get(root, "delta"));
}


static ngx_int_t
argo_openai_responses_read_thought_delta(argo_stream_t *st,
    argo_json_t *root)
{
    return argo_openai_responses_emit(st, ARGO_EVENT_REASONING,
                                      argo_json_get(root, "delta"));
}


static ngx_int_t
argo_openai_responses_read_args_delta(argo_stream_t *st, argo_json_t *root)
{
    return argo_openai_responses_emit(st, ARGO_EVENT_TOOL_ARGS,
                                      argo_json_get(root, "delta"));
}


static ngx_int_t
argo_openai_responses_read_added(argo_stream_t *st, argo_json_t *root)
{
    argo_json_t   *item, *name;
    argo_event_t   ev;

    item = argo_json_get(root, "item");
    name = argo_json_get(item, "call_id");

    if (name == NULL) {
        return NGX_OK;
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_TOOL_START;
    ev.index = st->tool_calls;
    ev.id = argo_json_inner(name);
    ev.name = argo_json_inner(argo_json_get(item, "name"));

    return argo_stream_emit(st, &ev);
}


static ngx_int_t
argo_openai_responses_read_end_event(argo_stream_t *st, argo_json_t *root)
{
    ngx_int_t               rc;
    argo_out_t              out;
    argo_json_t            *response;
    argo_patch_t            patch;
    argo_member_edit_t      member;
    argo_responses_back_t  *back;

    response = argo_json_get(root, "response");

    rc = argo_openai_responses_emit_end(st, response);

    if (rc != NGX_OK || !st->splice || !st->collect) {
        return rc;
    }

    /* asked for a document, upstream has sent a stream: it ends with one */

    if (response == NULL || response->type != ARGO_JSON_OBJECT) {
        return argo_legacy_bad_reply(st, "ARGO's reply has no response");
    }

    back = st->back_state;

    ngx_str_set(&member.name, "model");
    member.value = back->model;

    argo_out_init(&out, st->pool, ARGO_RESPONSES_BLOCK, NULL, 1);
    argo_patch_init(&patch, st->scratch, &response->raw);

    if (argo_json_get(response, "model")
        && argo_patch_members(&patch, response, &member, 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    argo_patch_write(&patch, &out);

    if (out.failed) {
        return NGX_ERROR;
    }

    st->started = 1;

    argo_out_move(st->out, &out);

    return NGX_OK;
}


/*
 * Where the client has seen something already, upstream's own event tells it
 * of the failure as well as ours would.
 */

static ngx_int_t
argo_openai_responses_fail(argo_stream_t *st, const argo_sse_event_t *frame,
    argo_json_t *root, argo_json_t *type)
{
    ngx_int_t     rc;
    argo_json_t  *error;

    error = argo_json_get(argo_json_get(root, "response"), "error");

    if (!st->splice || !st->started) {
        return argo_openai_responses_fault(st, error, 0);
    }

    rc = argo_openai_responses_forward(st, frame, root, type);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_openai_responses_fault(st, error, 1);
}


/* An event alone ends such a reply. */

static ngx_int_t
argo_openai_responses_read_end(argo_stream_t *st)
{
    (void) st;

    return NGX_OK;
}


/* Emits an event, with the text of a string that may be missing. */

static ngx_int_t
argo_openai_responses_emit(argo_stream_t *st, argo_event_e type,
    argo_json_t *text)
{
    argo_event_t  ev;

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = type;
    ev.escaped = 1;

    if (type == ARGO_EVENT_TOOL_ARGS) {
        ev.index = st->tool_calls ? st->tool_calls - 1 : 0;
    }

    if (type != ARGO_EVENT_START) {

        if (text == NULL || text->type != ARGO_JSON_STRING) {
            return NGX_OK;
        }

        ev.text = argo_json_inner(text);
    }

    return argo_stream_emit(st, &ev);
}


static ngx_int_t
argo_openai_responses_emit_end(argo_stream_t *st, argo_json_t *response)
{
    ngx_int_t      rc;
    argo_json_t   *usage;
    argo_event_t   ev;

    usage = argo_json_get(response, "usage");

    if (usage && usage->type == ARGO_JSON_OBJECT) {
        ngx_memzero(&ev, sizeof(argo_event_t));

        ev.type = ARGO_EVENT_USAGE;
        argo_openai_responses_read_usage(usage, &ev.usage);

        rc = argo_stream_emit(st, &ev);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = ARGO_EVENT_FINISH;
    ev.finish = argo_openai_responses_finish(st, response);

    return argo_stream_emit(st, &ev);
}


static argo_finish_e
argo_openai_responses_finish(argo_stream_t *st, argo_json_t *response)
{
    argo_json_t  *reason;

    reason = argo_json_get(argo_json_get(response, "incomplete_details"),
                           "reason");

    if (argo_json_is(reason, "content_filter")) {
        return ARGO_FINISH_CONTENT_FILTER;
    }

    if (reason || argo_json_is(argo_json_get(response, "status"),
                               "incomplete"))
    {
        return ARGO_FINISH_LENGTH;
    }

    return st->tool_calls ? ARGO_FINISH_TOOL_CALLS : ARGO_FINISH_STOP;
}


static void
argo_openai_responses_read_usage(argo_json_t *node, argo_usage_t *usage)
{
    argo_json_t  *details;

    ngx_memzero(usage, sizeof(argo_usage_t));

    usage->prompt = argo_openai_responses_number(node, "input_tokens");
    usage->completion = argo_openai_responses_number(node, "output_tokens");

    details = argo_json_get(node, "input_tokens_details");
    usage->cached = argo_openai_responses_number(details, "cached_tokens");
    usage->cache_write = argo_openai_responses_number(details,
                                                      "cache_write_tokens");

    details = argo_json_get(node, "output_tokens_details");
    usage->reasoning = argo_openai_responses_number(details,
                                                    "reasoning_tokens");
    usage->known = 1;
}


static uint64_t
argo_openai_responses_number(argo_json_t *obj, const char *name)
{
    int64_t  n;

    if (argo_json_int(argo_json_find(obj, name, ngx_strlen(name)), &n)
        != NGX_OK || n < 0)
    {
        return 0;
    }

    return n;
}


/*
 * The error object, or what has one; NULL: a failure without a word.  told:
 * the client knows it already.
 */

static ngx_int_t
argo_openai_responses_fault(argo_stream_t *st, argo_json_t *error,
    ngx_uint_t told)
{
    ngx_int_t      rc;
    ngx_str_t      text;
    ngx_uint_t     i;
    argo_json_t   *node;
    argo_fault_t   fault;

    struct {
        const char  *name;
        ngx_str_t   *value;

    } members[] = {
        { "message", &fault.message },
        { "type", &fault.type },
        { "code", &fault.code },
        { "param", &fault.param }
    };

    ngx_memzero(&fault, sizeof(argo_fault_t));

    node = argo_json_get(error, "error");

    if (node && node->type != ARGO_JSON_NULL) {
        error = node;

    } else if (argo_json_is(argo_json_get(error, "type"), "error")) {
        /* the event's own */
        members[1].name = "";
    }

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {

        node = argo_json_find(error, members[i].name,
                              ngx_strlen(members[i].name));

        if (i == 0 && node == NULL) {
            node = error;
        }

        rc = argo_json_text(st->pool, node, &text);

        if (rc == NGX_ERROR
            || (rc == NGX_OK
                && argo_stream_keep(st, &text, members[i].value) != NGX_OK))
        {
            return NGX_ERROR;
        }
    }

    for (i = 0; fault.type.len == 0 && i < ARGO_RESPONSES_NCODES; i++) {

        if (argo_json_text_is(argo_json_get(error, "code"),
                              argo_responses_codes[i].code,
                              ngx_strlen(argo_responses_codes[i].code)))
        {
            fault.type.data = (u_char *) argo_responses_codes[i].type;
            fault.type.len = ngx_strlen(fault.type.data);
        }
    }

    if (argo_fault_read(st->pool, 200, &fault, &st->error) != NGX_OK) {
        return NGX_ERROR;
    }

    if (told) {
        st->failed = 1;
        return NGX_DECLINED;
    }

    return argo_stream_reject(st);
}
