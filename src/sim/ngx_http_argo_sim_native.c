
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * A POST to a native route: who asks, for which model, and what every
 * route does alike.
 */


#include "ngx_http_argo_sim_native.h"


static ngx_int_t ngx_http_argo_sim_open(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_credential(ngx_http_argo_sim_talk_t *talk);
static ngx_uint_t ngx_http_argo_sim_bearer(ngx_http_request_t *r,
    ngx_str_t *user);
static ngx_uint_t ngx_http_argo_sim_api_key(ngx_http_request_t *r,
    ngx_str_t *user);
static ngx_int_t ngx_http_argo_sim_anonymous(ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_native_model(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_deny(ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_dispatch(ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_error_reply(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_error_event(
    ngx_http_argo_sim_talk_t *talk);


ngx_int_t
ngx_http_argo_sim_native(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx,
    const ngx_str_t *document)
{
    ngx_int_t                  rc;
    ngx_uint_t                 answer;
    ngx_http_argo_sim_talk_t   talk;

    rc = ngx_http_argo_sim_check_document(r, ctx, document);

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_check_fields(r, ctx);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_open(r, ctx, &talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_credential(&talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_native_model(&talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_deny(&talk);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_dispatch(&talk);
    }

    if (rc != NGX_OK || ctx->refusal) {
        return rc;
    }

    if (ctx->options.noresponse) {
        return ngx_http_argo_sim_literal(r, ctx, NGX_HTTP_OK,
                                         "{\"result\":\"nothing\"}");
    }

    answer = ctx->options.answer;

    if (answer == NGX_HTTP_ARGO_SIM_REPLY_ERROR) {
        return ngx_http_argo_sim_error_reply(&talk);
    }

    if (answer == NGX_HTTP_ARGO_SIM_REPLY_EVENT
        || answer == NGX_HTTP_ARGO_SIM_REPLY_FAILED)
    {
        return ngx_http_argo_sim_error_event(&talk);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_open(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx,
    ngx_http_argo_sim_talk_t *talk)
{
    argo_json_t  *stream;

    ngx_memzero(talk, sizeof(ngx_http_argo_sim_talk_t));

    talk->request = r;
    talk->ctx = ctx;

    ngx_str_set(&talk->said, "");

    if (ngx_array_init(&talk->offers, r->pool, 4,
                       sizeof(ngx_http_argo_sim_offer_t))
        != NGX_OK
        || ngx_array_init(&talk->calls, r->pool, 4,
                          sizeof(ngx_http_argo_sim_call_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->messages = ngx_http_argo_sim_member(ctx->root, "messages");

    if (ctx->route->kind & NGX_HTTP_ARGO_SIM_NATIVE_TALK) {
        stream = ngx_http_argo_sim_member(ctx->root, "stream");
        talk->stream = (stream && stream->type == ARGO_JSON_TRUE);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_credential(ngx_http_argo_sim_talk_t *talk)
{
    ngx_uint_t                found;
    argo_json_t              *user;
    ngx_http_request_t       *r;
    ngx_http_argo_sim_ctx_t  *ctx;

    r = talk->request;
    ctx = talk->ctx;
    user = NULL;
    found = 0;

    switch (ctx->route->kind) {

    case NGX_HTTP_ARGO_SIM_MESSAGES:
    case NGX_HTTP_ARGO_SIM_COUNT:
        found = ngx_http_argo_sim_api_key(r, &ctx->user);
        break;

    case NGX_HTTP_ARGO_SIM_RESPONSES:
        break;

    default: /* chat completions, embeddings */

        user = ngx_http_argo_sim_member(ctx->root, "user");

        if (user && argo_json_inner(user).len) {
            return argo_json_text(r->pool, user, &ctx->user);
        }
    }

    if (found || ngx_http_argo_sim_bearer(r, &ctx->user)) {
        return NGX_OK;
    }

    return ngx_http_argo_sim_anonymous(talk);
}


static ngx_uint_t
ngx_http_argo_sim_bearer(ngx_http_request_t *r, ngx_str_t *user)
{
    ngx_str_t  *value;

    if (r->headers_in.authorization == NULL) {
        return 0;
    }

    value = &r->headers_in.authorization->value;

    if (value->len <= 7
        || ngx_strncasecmp(value->data, (u_char *) "Bearer ", 7) != 0)
    {
        return 0;
    }

    user->data = value->data + 7;
    user->len = value->len - 7;

    return 1;
}


static ngx_uint_t
ngx_http_argo_sim_api_key(ngx_http_request_t *r, ngx_str_t *user)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == sizeof("x-api-key") - 1 && h[i].value.len
                && ngx_strncmp(h[i].lowcase_key, "x-api-key", h[i].key.len)
                   == 0)
            {
                *user = h[i].value;
                return 1;
            }
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_argo_sim_anonymous(ngx_http_argo_sim_talk_t *talk)
{
    argo_out_t                out;
    ngx_http_argo_sim_ctx_t  *ctx;

    ctx = talk->ctx;

    switch (ctx->route->kind) {

    case NGX_HTTP_ARGO_SIM_MESSAGES:
    case NGX_HTTP_ARGO_SIM_COUNT:
        return ngx_http_argo_sim_fail(talk, NGX_HTTP_UNAUTHORIZED, NULL,
                                      "x-api-key header is required");

    case NGX_HTTP_ARGO_SIM_RESPONSES:
        return ngx_http_argo_sim_fail(talk, NGX_HTTP_UNAUTHORIZED,
                                      "AuthenticationError",
                                      "Authorization header is required");
    }

    /* an exception that nothing in ARGO catches */

    argo_out_init(&out, talk->request->pool, 64, NULL, 1);
    argo_out_lit(&out, "Internal Server Error");

    if (ngx_http_argo_sim_json(talk->request, ctx,
                               NGX_HTTP_INTERNAL_SERVER_ERROR, &out)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_set(&ctx->type, "text/plain; charset=utf-8");
    ctx->refusal = 1;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_argo_sim_native_model(ngx_http_argo_sim_talk_t *talk)
{
    ngx_str_t                         name;
    ngx_uint_t                        kind, fits;
    ngx_http_request_t               *r;
    ngx_http_argo_sim_ctx_t          *ctx;
    const ngx_http_argo_sim_model_t  *model;

    r = talk->request;
    ctx = talk->ctx;
    kind = ctx->route->kind;

    if (argo_json_text(r->pool, argo_json_get(ctx->root, "model"), &name)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    model = ngx_http_argo_sim_find_name(&name);

    if (kind & (NGX_HTTP_ARGO_SIM_MESSAGES|NGX_HTTP_ARGO_SIM_COUNT)) {

        if (model == NULL || model->family != NGX_HTTP_ARGO_SIM_ANTHROPIC) {
            return ngx_http_argo_sim_fail(talk, NGX_HTTP_BAD_REQUEST, NULL,
                       "Model '%V' is not supported on the /v1/messages "
                       "endpoint. This endpoint only supports Anthropic "
                       "Claude models. For OpenAI and Gemini models, use "
                       "/argoapi/v1/chat/completions", &name);
        }

    } else if (kind == NGX_HTTP_ARGO_SIM_RESPONSES) {

        if (model == NULL || model->family != NGX_HTTP_ARGO_SIM_OPENAI
            || model->dimensions)
        {
            return ngx_http_argo_sim_fail(talk, NGX_HTTP_BAD_REQUEST,
                       "BadRequestError",
                       "Model '%V' is not supported on the /v1/responses "
                       "endpoint. This endpoint only supports OpenAI models. "
                       "For Anthropic and Gemini models, use "
                       "/argoapi/v1/chat/completions", &name);
        }

    } else {
        fits = model && (model->dimensions != 0)
                        == (kind == NGX_HTTP_ARGO_SIM_EMBEDDINGS);
        if (!fits) {
            return ngx_http_argo_sim_invalid_model(r, ctx, &name);
        }
    }

    if (model->refused) {
        return ngx_http_argo_sim_dead_model(r, ctx);
    }

    ctx->model = model;
    talk->rule = ngx_http_argo_sim_rule(model);

    talk->model.data = (u_char *) talk->rule->snapshot;
    talk->model.len = ngx_strlen(talk->rule->snapshot);

    return NGX_OK;
}


/* Of embeddings and counts too, in the shape of an answer. */

static ngx_int_t
ngx_http_argo_sim_deny(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t                 rc;
    ngx_uint_t                which;
    ngx_http_argo_sim_ctx_t  *ctx;

    ctx = talk->ctx;

    which = ngx_http_argo_sim_denial(talk->request, ctx);

    if (which == 0
        && (ctx->options.text == NGX_HTTP_ARGO_SIM_TEXT_DENIED
            || ctx->options.text == NGX_HTTP_ARGO_SIM_TEXT_DENIED2))
    {
        which = ctx->options.text;
    }

    if (which == 0) {
        return NGX_OK;
    }

    if (ngx_http_argo_sim_block(talk, which) != NGX_OK) {
        return NGX_ERROR;
    }

    switch (ctx->route->kind) {

    case NGX_HTTP_ARGO_SIM_MESSAGES:
    case NGX_HTTP_ARGO_SIM_COUNT:
        rc = ngx_http_argo_sim_write_message(talk);
        break;

    case NGX_HTTP_ARGO_SIM_RESPONSES:
        rc = ngx_http_argo_sim_write_response(talk);
        break;

    default:
        rc = ngx_http_argo_sim_write_completion(talk);
    }

    return ngx_http_argo_sim_decline(rc);
}


static ngx_int_t
ngx_http_argo_sim_dispatch(ngx_http_argo_sim_talk_t *talk)
{
    switch (talk->ctx->route->kind) {

    case NGX_HTTP_ARGO_SIM_COMPLETIONS:
        return ngx_http_argo_sim_completions(talk);

    case NGX_HTTP_ARGO_SIM_MESSAGES:
        return ngx_http_argo_sim_messages(talk);

    case NGX_HTTP_ARGO_SIM_COUNT:
        return ngx_http_argo_sim_count_tokens(talk);

    case NGX_HTTP_ARGO_SIM_RESPONSES:
        return ngx_http_argo_sim_responses(talk);

    default: /* NGX_HTTP_ARGO_SIM_EMBEDDINGS */
        return ngx_http_argo_sim_embeddings(talk);
    }
}


/* An error object, and the status 200 all the same. */

static ngx_int_t
ngx_http_argo_sim_error_reply(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t                 rc;
    ngx_str_t                 id;
    ngx_http_argo_sim_ctx_t  *ctx;

    ctx = talk->ctx;
    ctx->events = 0;

    if (ngx_http_argo_sim_id(talk, "req_vrtx_011C", 20, 0, 0, &id)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->route->kind
        & (NGX_HTTP_ARGO_SIM_MESSAGES|NGX_HTTP_ARGO_SIM_COUNT))
    {
        rc = ngx_http_argo_sim_fail(talk, NGX_HTTP_OK, NULL,
                 "{'type': 'error', 'error': {'details': None, 'type': "
                 "'%*s', 'message': 'Internal server error'}, "
                 "'request_id': '%V'}",
                 ctx->options.error_type.len ? ctx->options.error_type.len
                                             : sizeof("api_error") - 1,
                 ctx->options.error_type.len ? ctx->options.error_type.data
                                             : (u_char *) "api_error",
                 &id);
    } else {
        rc = ngx_http_argo_sim_fail(talk, NGX_HTTP_OK, "InternalServerError",
                 "Error code: 500 - {'error': {'message': 'The server had an "
                 "error while processing your request. Sorry about that!', "
                 "'type': '%*s', 'param': None, 'code': None}}",
                 ctx->options.error_type.len ? ctx->options.error_type.len
                                             : sizeof("server_error") - 1,
                 ctx->options.error_type.len ? ctx->options.error_type.data
                                             : (u_char *) "server_error");
    }

    /* it was asked for, with all the other options */
    ctx->refusal = 0;

    return (rc == NGX_DECLINED) ? NGX_OK : rc;
}


/* The stream that has been made, up to an event that is an error. */

static ngx_int_t
ngx_http_argo_sim_error_event(ngx_http_argo_sim_talk_t *talk)
{
    u_char                     *p, *end;
    ngx_str_t                   head, type;
    argo_out_t                  out;
    ngx_uint_t                  n, kind;
    ngx_http_argo_sim_ctx_t    *ctx;
    ngx_http_argo_sim_print_t   print;

    ctx = talk->ctx;
    kind = ctx->route->kind;
    type = ctx->options.error_type;

    if (type.len == 0) {
        ngx_str_set(&type, "overloaded_error");
    }

    p = ctx->body.data;
    end = p + ctx->body.len;

    for (n = 0; n < ctx->options.after && p < end; p++) {

        if (p + 1 < end && p[0] == LF && p[1] == LF) {
            p++;
            n++;
        }
    }

    if (!ctx->events || n != ctx->options.after || p == end
        || (ctx->options.answer == NGX_HTTP_ARGO_SIM_REPLY_FAILED
            && kind != NGX_HTTP_ARGO_SIM_RESPONSES))
    {
        ngx_str_set(&head, "X-Argo-Sim: the reply has no place for this "
                           "event");
        return ngx_http_argo_sim_detail(talk->request, ctx,
                                        NGX_HTTP_BAD_REQUEST, &head);
    }

    head.data = ctx->body.data;
    head.len = p - head.data;

    argo_out_init(&out, talk->request->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL,
                  1);
    argo_out_str(&out, &head);

    print.out = &out;
    print.python = (kind != NGX_HTTP_ARGO_SIM_RESPONSES);

    if (kind == NGX_HTTP_ARGO_SIM_MESSAGES) {
        argo_out_lit(&out, "event: error\ndata: ");
        ngx_http_argo_sim_print(&print, "{'type':'error','error':{'type':%s,"
            "'message':'Overloaded'}}", &type);

    } else if (kind == NGX_HTTP_ARGO_SIM_COMPLETIONS) {
        argo_out_lit(&out, "data: ");
        ngx_http_argo_sim_print(&print, "{'error':{'message':'Overloaded',"
            "'type':%s,'code':'internal_error'}}", &type);

    } else if (ctx->options.answer == NGX_HTTP_ARGO_SIM_REPLY_FAILED) {
        argo_out_lit(&out, "event: response.failed\ndata: ");
        ngx_http_argo_sim_print(&print, "{'type':'response.failed',"
            "'response':{'id':%s,'object':'response','created_at':%i.0,"
            "'status':'failed','error':{'code':'server_error','message':"
            "'Overloaded'},'incomplete_details':null,'model':%s,'output':[],"
            "'usage':null},'sequence_number':%i}",
            &talk->id, (ngx_int_t) ngx_time(), &talk->model, (ngx_int_t) n);

    } else {
        argo_out_lit(&out, "event: error\ndata: ");
        ngx_http_argo_sim_print(&print, "{'type':'error','code':%s,'message':"
            "'Overloaded','param':null,'sequence_number':%i}",
            &type, (ngx_int_t) n);
    }

    argo_out_lit(&out, "\n\n");

    return ngx_http_argo_sim_events(talk, &out);
}
