
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * ARGO's native chat completions, OpenAI's for every family of models.  A
 * client's request of the same dialect is sent on as it came, and so is the
 * reply; all others are written from argo_ir.h.  Knows JSON and argo_ir.h,
 * nothing of HTTP.  docs/conversion/openai-chat.md has the tables.
 */


#include "argo_openai_chat.h"
#include "argo_legacy.h"
#include "argo_request.h"


typedef struct {
    ngx_uint_t  (*found)(const argo_request_t *req, ngx_uint_t pseudo);
    const char   *param;
    const char   *message;
} argo_chat_gap_t;


static ngx_int_t argo_chat_plan_call(ngx_pool_t *pool,
    const argo_request_t *req, ngx_uint_t pseudo, argo_call_t *call,
    argo_error_t *err);
static argo_request_t *argo_chat_mutable(const argo_request_t *req);
static ngx_uint_t argo_chat_many_choices(const argo_request_t *req,
    ngx_uint_t pseudo);
static ngx_uint_t argo_chat_logprobs(const argo_request_t *req,
    ngx_uint_t pseudo);
static ngx_int_t argo_chat_plan_own(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err);
static ngx_int_t argo_chat_plan_tools(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err);
static ngx_int_t argo_chat_plan_notes(ngx_pool_t *pool,
    argo_request_t *req);
static void argo_chat_look(const argo_part_t *part, ngx_uint_t *thoughts,
    ngx_uint_t *cache);
static void argo_chat_write_request(const argo_request_t *req,
    const argo_call_t *call, argo_out_t *out);


const argo_back_t  argo_openai_chat_back = {
    ngx_string("openai_chat"),
    ARGO_DIALECT_CHAT,
    argo_chat_plan_call,
    argo_chat_write_request,
    argo_chat_start_reply,
    argo_chat_read_response,
    NULL,
    argo_chat_read_event,
    argo_chat_read_end,
    argo_legacy_read_error
};


/* what a client may ask for and would not get */

static const argo_chat_gap_t  argo_chat_gaps[] = {

    { argo_chat_many_choices, "n",
      "n must be 1: there is a place for one choice only in this reply" },

    { argo_chat_logprobs, "logprobs",
      "logprobs is not supported: there is no place for them in this reply" }
};


#define ARGO_CHAT_NGAPS                                                       \
    (sizeof(argo_chat_gaps) / sizeof(argo_chat_gaps[0]))


static ngx_int_t
argo_chat_plan_call(ngx_pool_t *pool, const argo_request_t *req,
    ngx_uint_t pseudo, argo_call_t *call, argo_error_t *err)
{
    ngx_int_t               rc;
    ngx_uint_t              i;
    argo_request_t         *request;
    const argo_chat_gap_t  *gap;

    for (i = 0; i < ARGO_CHAT_NGAPS; i++) {
        gap = &argo_chat_gaps[i];

        if (gap->found(req, pseudo)) {
            return argo_error_set(err, 400, "unsupported_parameter",
                                  gap->param, gap->message);
        }
    }

    request = argo_chat_mutable(req);

    rc = (req->dialect == ARGO_DIALECT_CHAT)
         ? argo_chat_plan_splice(pool, request, err)
         : argo_chat_plan_own(pool, request, err);

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_str_set(&call->tail, "v1/chat/completions");
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


/* a plan is also what is told of it: notes, and members that are dropped */

static argo_request_t *
argo_chat_mutable(const argo_request_t *req)
{
    return (argo_request_t *) req;
}


/* a stream that is made of a whole reply is written anew */

static ngx_uint_t
argo_chat_many_choices(const argo_request_t *req, ngx_uint_t pseudo)
{
    int64_t  n;

    return req->n
           && (req->dialect != ARGO_DIALECT_CHAT || (req->stream && pseudo))
           && (argo_json_int(req->n, &n) != NGX_OK || n != 1);
}


static ngx_uint_t
argo_chat_logprobs(const argo_request_t *req, ngx_uint_t pseudo)
{
    return req->logprobs && req->logprobs->type == ARGO_JSON_TRUE
           && (req->dialect != ARGO_DIALECT_CHAT || (req->stream && pseudo));
}


static ngx_int_t
argo_chat_plan_own(ngx_pool_t *pool, argo_request_t *req, argo_error_t *err)
{
    ngx_int_t        rc;
    argo_request_t  *one;

    for (one = req; one; one = one->next) {

        rc = argo_chat_check_messages(pool, one, err);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    rc = argo_chat_plan_tools(pool, req, err);
    if (rc != NGX_OK) {
        return rc;
    }

    if (req->top_k
        && argo_request_drop(pool, req, NULL, &req->top_k, "top_k",
                             "unknown to chat completions")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (req->dialect != ARGO_DIALECT_COMPLETIONS
        && req->dialect != ARGO_DIALECT_RESPONSES
        && argo_request_drop_untaken(pool, req, req->root,
                                     "unknown to chat completions")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return argo_chat_plan_notes(pool, req);
}


static ngx_int_t
argo_chat_plan_tools(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t           rc;
    argo_error_t        place;
    const argo_tool_t  *tool;

    for (tool = req->tools; tool; tool = tool->next) {

        if (tool->type == NULL || tool->raw) {
            continue;
        }

        if (argo_error_setf(pool, &place, 400, NULL, NULL, "ziz", "tools[",
                            (ngx_int_t) tool->index, "].type")
            != NGX_DECLINED)
        {
            return NGX_ERROR;
        }

        rc = argo_error_setf(pool, err, 400, "unsupported_parameter", NULL,
                             "Vz", &place.message, " must be function: this "
                             "model is called by chat completions, which "
                             "run no tools");

        if (rc == NGX_DECLINED) {
            err->param = place.message;
        }

        return rc;
    }

    return NGX_OK;
}


/* What has no place in chat completions, and is left out each time. */

static ngx_int_t
argo_chat_plan_notes(ngx_pool_t *pool, argo_request_t *req)
{
    ngx_uint_t           thoughts, cache;
    argo_part_t         *part;
    const argo_tool_t   *tool;
    argo_message_t      *message;

    thoughts = 0;
    cache = 0;

    for (message = req->messages; message; message = message->next) {

        argo_chat_look(message->parts, &thoughts, &cache);

        if (req->target->family != ARGO_FAMILY_OPENAI) {
            continue;
        }

        for (part = message->parts; part; part = part->next) {

            if (part->type != ARGO_PART_REASONING && part->signature.len) {
                /* Google's, which OpenAI has no member for */
                ngx_str_null(&part->signature);
                thoughts = 1;
            }
        }
    }

    for (tool = req->tools; tool; tool = tool->next) {
        cache |= (tool->cache != NULL);
    }

    if (thoughts
        && argo_request_note(pool, req, "reasoning",
                             "left out of the history: another model's")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (cache
        && argo_request_note(pool, req, "cache_control",
                             "left out: unknown to chat completions")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (req->thinking.node
        && argo_request_note(pool, req, "thinking",
                             "left out: unknown to chat completions")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (req->tools && req->parallel == ARGO_PARALLEL_NO
        && req->target->family == ARGO_FAMILY_GOOGLE)
    {
        return argo_request_note(pool, req, "parallel_tool_calls",
                                 "left out: Gemini can't be told");
    }

    return NGX_OK;
}


static void
argo_chat_look(const argo_part_t *part, ngx_uint_t *thoughts,
    ngx_uint_t *cache)
{
    for ( /* void */ ; part; part = part->next) {

        *thoughts |= (part->type == ARGO_PART_REASONING);
        *cache |= (part->cache != NULL);

        if (part->type == ARGO_PART_TOOL_RESULT) {
            /* a result has none in it: not deeper than this */
            argo_chat_look(part->parts, thoughts, cache);
        }
    }
}


static void
argo_chat_write_request(const argo_request_t *req, const argo_call_t *call,
    argo_out_t *out)
{
    if (req->dialect == ARGO_DIALECT_CHAT) {
        argo_chat_write_spliced(req, call, out);

    } else {
        argo_chat_write_own(req, call, out);
    }
}
