
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Tools by their names, and calls with their results.
 */


#include "argo_tool.h"


static argo_part_t *argo_tool_match(argo_message_t *message,
    const argo_part_t *result);
static ngx_int_t argo_tool_pair_rest(argo_message_t *message,
    ngx_uint_t nresults);


ngx_uint_t
argo_tool_same(const ngx_str_t *a, const ngx_str_t *b)
{
    u_char  *p, *q, *pend, *qend, one[32], two[32];
    size_t   n, m;

    if (a->len == b->len
        && (a->len == 0 || ngx_memcmp(a->data, b->data, a->len) == 0))
    {
        return 1;
    }

    if (a->len == 0 || b->len == 0
        || (memchr(a->data, '\\', a->len) == NULL
            && memchr(b->data, '\\', b->len) == NULL))
    {
        return 0;
    }

    p = a->data;
    pend = p + a->len;
    q = b->data;
    qend = q + b->len;

    /* the same text is cut at the same places */

    do {
        n = argo_json_unescape(&p, pend, one, sizeof(one));
        m = argo_json_unescape(&q, qend, two, sizeof(two));

        if (n != m || ngx_memcmp(one, two, n) != 0) {
            return 0;
        }

    } while (n);

    return 1;
}


const argo_tool_t *
argo_tool_find(const argo_request_t *req, const ngx_str_t *name)
{
    const argo_tool_t  *tool;

    for (tool = req->tools; tool; tool = tool->next) {

        if (tool->type == NULL && argo_tool_same(&tool->name, name)) {
            return tool;
        }
    }

    return NULL;
}


ngx_uint_t
argo_tool_callable(const argo_request_t *req)
{
    return req->tools && req->tool_choice != ARGO_TOOL_CHOICE_NONE;
}


/*
 * A result that answers nothing is refused: to leave it out would be to drop,
 * unseen, what the client wants the model to know.
 */

ngx_int_t
argo_tool_pair(ngx_pool_t *pool, const argo_request_t *req,
    argo_message_t *message, argo_error_t *err)
{
    ngx_uint_t       n;
    argo_part_t     *call, *result, *lost;
    argo_message_t  *answer;

    n = 0;

    for (call = message->parts; call; call = call->next) {
        call->peer = NULL;

        if (call->type == ARGO_PART_TOOL_CALL && ++n > ARGO_TOOL_MAX_CALLS) {
            return argo_error_set(err, 400, "invalid_value", "messages",
                                  "a message has more than 512 tool calls");
        }
    }

    n = 0;
    lost = NULL;

    for (answer = message->next;
         answer && answer->role == ARGO_ROLE_TOOL;
         answer = answer->next)
    {
        result = answer->parts;
        result->peer = NULL;

        call = argo_tool_match(message, result);

        if (call) {
            call->peer = result;
            result->peer = call;
            continue;
        }

        if (lost == NULL) {
            lost = result;
        }

        if (++n > ARGO_TOOL_MAX_CALLS) {
            break;
        }
    }

    if (lost == NULL) {
        return NGX_OK;
    }

    /* Google's own API has no ids: there, order tells what belongs to what */

    if ((req->dialect == ARGO_DIALECT_GEMINI
         || req->target->family == ARGO_FAMILY_GOOGLE)
        && argo_tool_pair_rest(message, n) == NGX_OK)
    {
        return NGX_OK;
    }

    return argo_tool_unpaired(pool, lost, err);
}


static argo_part_t *
argo_tool_match(argo_message_t *message, const argo_part_t *result)
{
    argo_part_t  *call;

    if (result->id.len == 0) {
        return NULL;
    }

    for (call = message->parts; call; call = call->next) {

        if (call->type == ARGO_PART_TOOL_CALL
            && call->peer == NULL
            && argo_tool_same(&call->id, &result->id))
        {
            return call;
        }
    }

    return NULL;
}


/* Pairs by position, if there are as many calls left as results. */

static ngx_int_t
argo_tool_pair_rest(argo_message_t *message, ngx_uint_t nresults)
{
    ngx_uint_t       n;
    argo_part_t     *call;
    argo_message_t  *answer;

    n = 0;

    for (call = message->parts; call; call = call->next) {
        if (call->type == ARGO_PART_TOOL_CALL && call->peer == NULL) {
            n++;
        }
    }

    if (n != nresults) {
        return NGX_DECLINED;
    }

    answer = message->next;

    for (call = message->parts; call; call = call->next) {

        if (call->type != ARGO_PART_TOOL_CALL || call->peer) {
            continue;
        }

        while (answer->parts->peer) {
            answer = answer->next;
        }

        call->peer = answer->parts;
        answer->parts->peer = call;
    }

    return NGX_OK;
}


ngx_int_t
argo_tool_unpaired(ngx_pool_t *pool, const argo_part_t *result,
    argo_error_t *err)
{
    ngx_int_t  rc;

    if (result->param.len == 0) {
        return argo_error_set(err, 400, "invalid_value", NULL,
                              "the result of a tool answers no tool call of "
                              "the message before it");
    }

    rc = argo_error_setf(pool, err, 400, "invalid_value", NULL, "Vz",
                         &result->param, " names no unanswered tool call of "
                         "the assistant's message before it");

    if (rc == NGX_DECLINED) {
        err->param = result->param;
    }

    return rc;
}
