
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * ARGO's own API as the client's as well: a front and two backs that pass
 * on.  Of a request the user and the model are replaced, of a reply nothing
 * is; it is only looked at for soft errors.  Knows JSON and argo_ir.h,
 * nothing of HTTP.
 */


#include "argo_openai.h"
#include "argo_json_write.h"
#include "argo_legacy.h"
#include "argo_patch.h"


/* root, its members */
#define ARGO_DIRECT_TREE_DEPTH   1

/* reply, response, content */
#define ARGO_DIRECT_REPLY_DEPTH  2

#define ARGO_DIRECT_BLOCK        256


enum {
    ARGO_DIRECT_MODEL = 0,
    ARGO_DIRECT_STREAM,
    ARGO_DIRECT_NMEMBERS
};


static ngx_int_t argo_direct_read_request(ngx_pool_t *pool,
    argo_request_t *req, argo_error_t *err);
static ngx_int_t argo_direct_read_embed_request(ngx_pool_t *pool,
    argo_request_t *req, argo_error_t *err);
static ngx_int_t argo_direct_start_stream(argo_stream_t *st);
static void argo_direct_write_event(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_direct_write_response(argo_stream_t *st, argo_out_t *out);

static ngx_int_t argo_direct_plan_chat(ngx_pool_t *pool,
    const argo_request_t *req, ngx_uint_t pseudo, argo_call_t *call,
    argo_error_t *err);
static ngx_int_t argo_direct_plan_embed(ngx_pool_t *pool,
    const argo_request_t *req, ngx_uint_t pseudo, argo_call_t *call,
    argo_error_t *err);
static void argo_direct_write_request(const argo_request_t *req,
    const argo_call_t *call, argo_out_t *out);
static ngx_int_t argo_direct_quote(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *json);
static ngx_int_t argo_direct_read_chat_response(argo_stream_t *st,
    const ngx_str_t *body);
static ngx_int_t argo_direct_read_embed_response(argo_stream_t *st,
    const ngx_str_t *body);
static ngx_int_t argo_direct_read_response(argo_stream_t *st,
    const ngx_str_t *body, const char *member);
static ngx_int_t argo_direct_explain(argo_stream_t *st, argo_json_t *root,
    const ngx_str_t *body);
static ngx_int_t argo_direct_read_bytes(argo_stream_t *st, u_char *p,
    size_t n);
static ngx_int_t argo_direct_read_end(argo_stream_t *st);
static ngx_int_t argo_direct_emit(argo_stream_t *st, argo_event_e type,
    const ngx_str_t *text, ngx_uint_t escaped);
static ngx_int_t argo_direct_read_error(ngx_pool_t *pool, ngx_uint_t status,
    const ngx_str_t *body, argo_error_t *err);


const argo_front_t  argo_direct_front = {
    ngx_string("direct"),
    ARGO_DIALECT_LEGACY,
    ngx_string("text/plain; charset=utf-8"),
    ngx_null_string,
    ARGO_DIRECT_TREE_DEPTH,
    argo_direct_read_request,
    argo_direct_start_stream,
    argo_direct_write_event,
    argo_direct_write_response,
    argo_openai_write_error,
    NULL,
    1,
    1
};


/* the same for embeddings, of which there are no streams */

const argo_front_t  argo_direct_embed_front = {
    ngx_string("direct_embed"),
    ARGO_DIALECT_LEGACY,
    ngx_string("text/plain; charset=utf-8"),
    ngx_null_string,
    ARGO_DIRECT_TREE_DEPTH,
    argo_direct_read_embed_request,
    argo_direct_start_stream,
    argo_direct_write_event,
    argo_direct_write_response,
    argo_openai_write_error,
    NULL,
    1,
    1
};


const argo_back_t  argo_direct_chat_back = {
    ngx_string("direct_chat"),
    ARGO_DIALECT_LEGACY,
    argo_direct_plan_chat,
    argo_direct_write_request,
    NULL,
    argo_direct_read_chat_response,
    argo_direct_read_bytes,
    NULL,
    argo_direct_read_end,
    argo_direct_read_error
};


const argo_back_t  argo_direct_embed_back = {
    ngx_string("direct_embed"),
    ARGO_DIALECT_LEGACY,
    argo_direct_plan_embed,
    argo_direct_write_request,
    NULL,
    argo_direct_read_embed_response,
    argo_direct_read_bytes,
    NULL,
    argo_direct_read_end,
    argo_direct_read_error
};


/* in the order of the enum above; anything else is ARGO's to judge */

static const argo_openai_member_t
    argo_direct_members[ARGO_DIRECT_NMEMBERS] =
{
    { "model", ARGO_OPENAI_STRING, "a string" },
    { "stream", ARGO_OPENAI_ANY, "" }
};


static ngx_int_t
argo_direct_read_request(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t     rc;
    argo_json_t  *found[ARGO_DIRECT_NMEMBERS];

    rc = argo_openai_read_members(pool, req->root, argo_direct_members,
                                  ARGO_DIRECT_NMEMBERS, found, err);
    if (rc != NGX_OK) {
        return rc;
    }

    if (found[ARGO_DIRECT_MODEL]
        && argo_json_text(pool, found[ARGO_DIRECT_MODEL], &req->model)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    req->stream = (found[ARGO_DIRECT_STREAM]
                   && found[ARGO_DIRECT_STREAM]->type == ARGO_JSON_TRUE);

    return NGX_OK;
}


static ngx_int_t
argo_direct_read_embed_request(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t  rc;

    rc = argo_direct_read_request(pool, req, err);

    req->stream = 0;

    return rc;
}


static ngx_int_t
argo_direct_start_stream(argo_stream_t *st)
{
    (void) st;

    return NGX_OK;
}


static void
argo_direct_write_event(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    switch (ev->type) {

    case ARGO_EVENT_TEXT:
        /* text of a whole reply was only to be judged: see FINISH */

        if (!ev->escaped) {
            argo_out_write(out, ev->lead.data, ev->lead.len);
            argo_out_ref(out, ev->text.data, ev->text.len);
        }

        break;

    case ARGO_EVENT_FINISH:
        /* ARGO may answer a request for a stream with a document */
        argo_direct_write_response(st, out);
        break;

    default:
        /* bare text has no place for anything else, errors included */
        break;
    }
}


static void
argo_direct_write_response(argo_stream_t *st, argo_out_t *out)
{
    argo_out_ref(out, st->body.data, st->body.len);
}


static ngx_int_t
argo_direct_plan_chat(ngx_pool_t *pool, const argo_request_t *req,
    ngx_uint_t pseudo, argo_call_t *call, argo_error_t *err)
{
    (void) pool;
    (void) pseudo;
    (void) err;

    if (req->stream) {
        ngx_str_set(&call->tail, "api/v1/resource/streamchat/");
        ngx_str_set(&call->accept, "text/plain");
        call->frame = ARGO_FRAME_RAW;

        return NGX_OK;
    }

    ngx_str_set(&call->tail, "api/v1/resource/chat/");
    ngx_str_set(&call->accept, "application/json");
    call->frame = ARGO_FRAME_JSON;

    return NGX_OK;
}


static ngx_int_t
argo_direct_plan_embed(ngx_pool_t *pool, const argo_request_t *req,
    ngx_uint_t pseudo, argo_call_t *call, argo_error_t *err)
{
    (void) pool;
    (void) req;
    (void) pseudo;
    (void) err;

    ngx_str_set(&call->tail, "api/v1/resource/embed/");
    ngx_str_set(&call->accept, "application/json");
    call->frame = ARGO_FRAME_JSON;

    return NGX_OK;
}


static void
argo_direct_write_request(const argo_request_t *req, const argo_call_t *call,
    argo_out_t *out)
{
    argo_patch_t        patch;
    argo_member_edit_t  members[2];

    (void) call;

    argo_patch_init(&patch, out->pool, &req->document);

    ngx_str_set(&members[0].name, "user");
    ngx_str_set(&members[1].name, "model");

    if (argo_direct_quote(out->pool, &req->user, &members[0].value) != NGX_OK
        || argo_direct_quote(out->pool, &req->target->id, &members[1].value)
           != NGX_OK
        || argo_patch_members(&patch, req->root, members, 2) != NGX_OK)
    {
        out->failed = 1;
        return;
    }

    argo_patch_write(&patch, out);
}


static ngx_int_t
argo_direct_quote(ngx_pool_t *pool, const ngx_str_t *text, ngx_str_t *json)
{
    argo_out_t  out;

    argo_out_init(&out, pool, ARGO_DIRECT_BLOCK, NULL, 1);
    argo_json_write_string(&out, text);

    return argo_out_flatten(&out, pool, json);
}


static ngx_int_t
argo_direct_read_chat_response(argo_stream_t *st, const ngx_str_t *body)
{
    return argo_direct_read_response(st, body, "response");
}


static ngx_int_t
argo_direct_read_embed_response(argo_stream_t *st, const ngx_str_t *body)
{
    return argo_direct_read_response(st, body, "embedding");
}


/* Looks at what must be there, and whether its text is a soft error. */

static ngx_int_t
argo_direct_read_response(argo_stream_t *st, const ngx_str_t *body,
    const char *member)
{
    ngx_int_t     rc;
    ngx_str_t     text;
    argo_json_t  *root, *response;

    rc = argo_json_parse(st->pool, body, ARGO_DIRECT_REPLY_DEPTH, &root,
                         &st->error);

    if (rc == NGX_DECLINED) {
        argo_error_set(&st->error, 502, "upstream_invalid_reply", NULL,
                       "ARGO's reply is not valid JSON");
        return argo_stream_reject(st);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    response = argo_json_find(root, member, ngx_strlen(member));

    if (response == NULL) {
        return argo_direct_explain(st, root, body);
    }

    rc = argo_direct_emit(st, ARGO_EVENT_START, NULL, 0);

    if (response->type == ARGO_JSON_OBJECT) {
        response = argo_json_get(response, "content");
    }

    if (rc == NGX_OK && response && response->type == ARGO_JSON_STRING) {
        text = argo_json_inner(response);
        rc = argo_direct_emit(st, ARGO_EVENT_TEXT, &text, 1);
    }

    return (rc == NGX_OK)
           ? argo_direct_emit(st, ARGO_EVENT_FINISH, NULL, 0) : rc;
}


/*
 * The reply has another form: it may say why.  A refusal has the form of a
 * chat's also where vectors were asked for.
 */

static ngx_int_t
argo_direct_explain(argo_stream_t *st, argo_json_t *root,
    const ngx_str_t *body)
{
    if (argo_legacy_explain(st->pool, root, body, &st->error) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_stream_reject(st);
}


/* no character is waited for: what came goes on, whatever it is */

static ngx_int_t
argo_direct_read_bytes(argo_stream_t *st, u_char *p, size_t n)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    if (!st->begun) {
        rc = argo_direct_emit(st, ARGO_EVENT_START, NULL, 0);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    text.data = p;
    text.len = n;

    return argo_direct_emit(st, ARGO_EVENT_TEXT, &text, 0);
}


static ngx_int_t
argo_direct_read_end(argo_stream_t *st)
{
    ngx_int_t  rc;

    if (!st->begun) {
        rc = argo_direct_emit(st, ARGO_EVENT_START, NULL, 0);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return argo_direct_emit(st, ARGO_EVENT_FINISH, NULL, 0);
}


static ngx_int_t
argo_direct_emit(argo_stream_t *st, argo_event_e type, const ngx_str_t *text,
    ngx_uint_t escaped)
{
    argo_event_t  ev;

    ngx_memzero(&ev, sizeof(argo_event_t));

    ev.type = type;
    ev.escaped = escaped ? 1 : 0;

    if (text) {
        ev.text = *text;
    }

    if (type == ARGO_EVENT_FINISH) {
        ev.finish = ARGO_FINISH_STOP;
    }

    return argo_stream_emit(st, &ev);
}


/* The client gets such a reply as it came; this is for the log. */

static ngx_int_t
argo_direct_read_error(ngx_pool_t *pool, ngx_uint_t status,
    const ngx_str_t *body, argo_error_t *err)
{
    return argo_legacy_back.read_error(pool, status, body, err);
}
