
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What ARGO refuses, and how: FastAPI's own validation first, then what the
 * vendors' libraries and ARGO itself say.  Texts that were not recorded are
 * modelled on the vendors'; docs/simulator.md tells which.
 */


#include "ngx_http_argo_sim.h"


typedef enum {
    NGX_HTTP_ARGO_SIM_FIELD_STRING = 0,
    NGX_HTTP_ARGO_SIM_FIELD_INTEGER,
    NGX_HTTP_ARGO_SIM_FIELD_STRINGS,        /* a list of them */
    NGX_HTTP_ARGO_SIM_FIELD_OBJECTS,
    NGX_HTTP_ARGO_SIM_FIELD_INPUT           /* a string, or a list */
} ngx_http_argo_sim_field_type_e;


typedef struct {
    const char  *name;
    ngx_uint_t   type;                      /* ..._field_type_e */
    ngx_uint_t   routes;                    /* that look at it */
    ngx_uint_t   required;                  /* by these */
} ngx_http_argo_sim_field_t;


static ngx_uint_t ngx_http_argo_sim_sent_json(ngx_http_request_t *r);
static void ngx_http_argo_sim_check_field(const argo_json_t *root,
    const ngx_http_argo_sim_field_t *field, ngx_uint_t kind,
    argo_out_t *out);
static void ngx_http_argo_sim_check_items(const argo_json_t *list,
    const ngx_http_argo_sim_field_t *field, ngx_uint_t kind,
    argo_out_t *out);
static void ngx_http_argo_sim_check_count(const argo_json_t *list,
    const char *name, argo_out_t *out);
static void ngx_http_argo_sim_invalid(argo_out_t *out, const char *type,
    const char *field, ngx_int_t item, const char *message,
    const ngx_str_t *input);
static ngx_int_t ngx_http_argo_sim_unprocessable(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, argo_out_t *out);
static ngx_int_t ngx_http_argo_sim_take(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static ngx_int_t ngx_http_argo_sim_check_user(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static ngx_int_t ngx_http_argo_sim_check_model(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static ngx_int_t ngx_http_argo_sim_check_talk(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static ngx_int_t ngx_http_argo_sim_check_messages(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static ngx_int_t ngx_http_argo_sim_check_turns(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static ngx_int_t ngx_http_argo_sim_check_tools(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);


/* in the order in which FastAPI would name them */

static const ngx_http_argo_sim_field_t  ngx_http_argo_sim_fields[] = {

    { "user", NGX_HTTP_ARGO_SIM_FIELD_STRING,
      NGX_HTTP_ARGO_SIM_LEGACY|NGX_HTTP_ARGO_SIM_COMPLETIONS
      |NGX_HTTP_ARGO_SIM_EMBEDDINGS,
      NGX_HTTP_ARGO_SIM_LEGACY },

    { "model", NGX_HTTP_ARGO_SIM_FIELD_STRING,
      NGX_HTTP_ARGO_SIM_ANY, NGX_HTTP_ARGO_SIM_ANY },

    { "messages", NGX_HTTP_ARGO_SIM_FIELD_OBJECTS,
      NGX_HTTP_ARGO_SIM_TALK|NGX_HTTP_ARGO_SIM_HISTORY,
      NGX_HTTP_ARGO_SIM_HISTORY },

    { "input", NGX_HTTP_ARGO_SIM_FIELD_INPUT,
      NGX_HTTP_ARGO_SIM_EMBEDDINGS|NGX_HTTP_ARGO_SIM_RESPONSES,
      NGX_HTTP_ARGO_SIM_EMBEDDINGS|NGX_HTTP_ARGO_SIM_RESPONSES },

    { "system", NGX_HTTP_ARGO_SIM_FIELD_STRING,
      NGX_HTTP_ARGO_SIM_TALK, 0 },

    { "prompt", NGX_HTTP_ARGO_SIM_FIELD_STRINGS,
      NGX_HTTP_ARGO_SIM_LEGACY, NGX_HTTP_ARGO_SIM_EMBED },

    { "max_tokens", NGX_HTTP_ARGO_SIM_FIELD_INTEGER,
      NGX_HTTP_ARGO_SIM_TALK|NGX_HTTP_ARGO_SIM_HISTORY, 0 },

    { "max_completion_tokens", NGX_HTTP_ARGO_SIM_FIELD_INTEGER,
      NGX_HTTP_ARGO_SIM_COMPLETIONS, 0 },

    { "max_output_tokens", NGX_HTTP_ARGO_SIM_FIELD_INTEGER,
      NGX_HTTP_ARGO_SIM_RESPONSES, 0 },

    { "tools", NGX_HTTP_ARGO_SIM_FIELD_OBJECTS,
      NGX_HTTP_ARGO_SIM_TALK|NGX_HTTP_ARGO_SIM_HISTORY
      |NGX_HTTP_ARGO_SIM_RESPONSES, 0 },

    { NULL, 0, 0, 0 }
};


ngx_int_t
ngx_http_argo_sim_check(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx,
    const ngx_str_t *document)
{
    ngx_int_t  rc;

    rc = ngx_http_argo_sim_check_document(r, ctx, document);

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_check_fields(r, ctx);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_take(r, ctx);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_check_user(r, ctx);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_check_model(r, ctx);
    }

    if (rc == NGX_OK && ctx->route->kind != NGX_HTTP_ARGO_SIM_EMBED) {
        rc = ngx_http_argo_sim_check_talk(r, ctx);
    }

    return rc;
}


ngx_int_t
ngx_http_argo_sim_check_document(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, const ngx_str_t *document)
{
    ngx_int_t     rc;
    ngx_str_t     null;
    argo_out_t    out;
    argo_error_t  err;

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL, 1);

    if (document->len == 0) {
        ngx_str_set(&null, "null");
        ngx_http_argo_sim_invalid(&out, "missing", NULL, -1,
                                  "Field required", &null);
        return ngx_http_argo_sim_unprocessable(r, ctx, &out);
    }

    rc = argo_json_parse(r->pool, document, ARGO_JSON_MAX_DEPTH, &ctx->root,
                         &err);

    if (rc == NGX_DECLINED) {
        argo_out_lit(&out,
                     "{\"detail\":[{\"type\":\"json_invalid\","
                     "\"loc\":[\"body\",0],\"msg\":\"JSON decode error\","
                     "\"input\":{},\"ctx\":{\"error\":");
        argo_json_write_string(&out, &err.message);
        argo_out_lit(&out, "}}");

        return ngx_http_argo_sim_unprocessable(r, ctx, &out);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->root->type != ARGO_JSON_OBJECT
        || !ngx_http_argo_sim_sent_json(r))
    {
        ngx_http_argo_sim_invalid(&out, "model_attributes_type", NULL, -1,
                                  "Input should be a valid dictionary or "
                                  "object to extract fields from",
                                  &ctx->root->raw);
        return ngx_http_argo_sim_unprocessable(r, ctx, &out);
    }

    return NGX_OK;
}


/* FastAPI takes a body of another type for bytes, one of none for JSON. */

static ngx_uint_t
ngx_http_argo_sim_sent_json(ngx_http_request_t *r)
{
    size_t            len;
    u_char           *p;
    ngx_table_elt_t  *h;

    h = r->headers_in.content_type;

    if (h == NULL) {
        return 1;
    }

    p = ngx_strlchr(h->value.data, h->value.data + h->value.len, ';');
    len = p ? (size_t) (p - h->value.data) : h->value.len;

    while (len && h->value.data[len - 1] == ' ') {
        len--;
    }

    return len == sizeof("application/json") - 1
           && ngx_strncasecmp(h->value.data, (u_char *) "application/json",
                              len)
              == 0;
}


ngx_int_t
ngx_http_argo_sim_check_fields(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx)
{
    argo_out_t                        out;
    const ngx_http_argo_sim_field_t  *field;

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL, 1);

    for (field = ngx_http_argo_sim_fields; field->name; field++) {

        if (field->routes & ctx->route->kind) {
            ngx_http_argo_sim_check_field(ctx->root, field, ctx->route->kind,
                                          &out);
        }
    }

    if (out.size == 0
        && (ctx->route->kind & NGX_HTTP_ARGO_SIM_TALK)
        && ngx_http_argo_sim_member(ctx->root, "messages") == NULL
        && ngx_http_argo_sim_member(ctx->root, "prompt") == NULL)
    {
        ngx_http_argo_sim_invalid(&out, "missing", "messages", -1,
                                  "Field required", &ctx->root->raw);
    }

    if (out.size || out.failed) {
        return ngx_http_argo_sim_unprocessable(r, ctx, &out);
    }

    return NGX_OK;
}


static void
ngx_http_argo_sim_check_field(const argo_json_t *root,
    const ngx_http_argo_sim_field_t *field, ngx_uint_t kind, argo_out_t *out)
{
    int64_t       n;
    argo_json_t  *value;

    value = argo_json_find(root, field->name, ngx_strlen(field->name));

    if (value == NULL) {

        if (field->required & kind) {
            ngx_http_argo_sim_invalid(out, "missing", field->name, -1,
                                      "Field required", &root->raw);
        }

        return;
    }

    if (value->type == ARGO_JSON_NULL && !(field->required & kind)) {
        return;
    }

    switch (field->type) {

    case NGX_HTTP_ARGO_SIM_FIELD_STRING:

        if (value->type != ARGO_JSON_STRING) {
            ngx_http_argo_sim_invalid(out, "string_type", field->name, -1,
                                      "Input should be a valid string",
                                      &value->raw);
        }

        break;

    case NGX_HTTP_ARGO_SIM_FIELD_INTEGER:

        if (argo_json_int(value, &n) != NGX_OK) {
            ngx_http_argo_sim_invalid(out, "int_type", field->name, -1,
                                      "Input should be a valid integer",
                                      &value->raw);
        }

        break;

    default: /* lists */

        if (field->type == NGX_HTTP_ARGO_SIM_FIELD_INPUT
            && value->type == ARGO_JSON_STRING)
        {
            break;
        }

        if (value->type != ARGO_JSON_ARRAY) {
            ngx_http_argo_sim_invalid(out, "list_type", field->name, -1,
                                      "Input should be a valid list",
                                      &value->raw);
            break;
        }

        ngx_http_argo_sim_check_items(value, field, kind, out);

        if (kind & (NGX_HTTP_ARGO_SIM_EMBED|NGX_HTTP_ARGO_SIM_EMBEDDINGS)) {
            ngx_http_argo_sim_check_count(value, field->name, out);
        }
    }
}


static void
ngx_http_argo_sim_check_items(const argo_json_t *list,
    const ngx_http_argo_sim_field_t *field, ngx_uint_t kind, argo_out_t *out)
{
    ngx_int_t     i;
    ngx_uint_t    strings;
    argo_json_t  *item;

    strings = field->type == NGX_HTTP_ARGO_SIM_FIELD_STRINGS
              || (field->type == NGX_HTTP_ARGO_SIM_FIELD_INPUT
                  && kind == NGX_HTTP_ARGO_SIM_EMBEDDINGS);

    for (i = 0, item = list->child; item; i++, item = item->next) {

        if (strings) {

            if (item->type != ARGO_JSON_STRING) {
                ngx_http_argo_sim_invalid(out, "string_type", field->name, i,
                                          "Input should be a valid string",
                                          &item->raw);
            }

        } else if (item->type != ARGO_JSON_OBJECT) {
            ngx_http_argo_sim_invalid(out, "dict_type", field->name, i,
                                      "Input should be a valid dictionary",
                                      &item->raw);
        }
    }
}


static void
ngx_http_argo_sim_check_count(const argo_json_t *list, const char *name,
    argo_out_t *out)
{
    ngx_uint_t  max;

    max = NGX_HTTP_ARGO_SIM_MAX_PROMPTS;

    if (list->count <= max) {
        return;
    }

    ngx_http_argo_sim_write(out, out->size ? "," : "{\"detail\":[");

    argo_out_lit(out, "{\"type\":\"too_long\",\"loc\":[\"body\",\"");
    ngx_http_argo_sim_write(out, name);
    argo_out_lit(out, "\"],\"msg\":\"List should have at most ");
    argo_out_int(out, max);
    argo_out_lit(out, " items after validation, not ");
    argo_out_int(out, list->count);
    argo_out_lit(out, "\",\"input\":");
    argo_out_str(out, &list->raw);
    argo_out_lit(out, ",\"ctx\":{\"field_type\":\"List\",\"max_length\":");
    argo_out_int(out, max);
    argo_out_lit(out, ",\"actual_length\":");
    argo_out_int(out, list->count);
    argo_out_lit(out, "}}");
}


/* Appends an item to FastAPI's list; item < 0: the field as a whole. */

static void
ngx_http_argo_sim_invalid(argo_out_t *out, const char *type,
    const char *field, ngx_int_t item, const char *message,
    const ngx_str_t *input)
{
    ngx_http_argo_sim_write(out, out->size ? "," : "{\"detail\":[");

    argo_out_lit(out, "{\"type\":\"");
    ngx_http_argo_sim_write(out, type);
    argo_out_lit(out, "\",\"loc\":[\"body\"");

    if (field) {
        argo_out_lit(out, ",\"");
        ngx_http_argo_sim_write(out, field);
        argo_out_lit(out, "\"");
    }

    if (item >= 0) {
        argo_out_lit(out, ",");
        argo_out_int(out, item);
    }

    argo_out_lit(out, "],\"msg\":\"");
    ngx_http_argo_sim_write(out, message);
    argo_out_lit(out, "\",\"input\":");
    argo_out_str(out, input);
    argo_out_lit(out, "}");
}


static ngx_int_t
ngx_http_argo_sim_unprocessable(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, argo_out_t *out)
{
    argo_out_lit(out, "]}");

    ctx->refusal = 1;

    return ngx_http_argo_sim_decline(ngx_http_argo_sim_json(r, ctx, 422, out));
}


argo_json_t *
ngx_http_argo_sim_member(const argo_json_t *root, const char *name)
{
    argo_json_t  *value;

    value = argo_json_find(root, name, ngx_strlen(name));

    return (value && value->type != ARGO_JSON_NULL) ? value : NULL;
}


static ngx_int_t
ngx_http_argo_sim_take(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    argo_json_t  *tools;

    ctx->messages = ngx_http_argo_sim_member(ctx->root, "messages");
    ctx->prompt = ngx_http_argo_sim_member(ctx->root, "prompt");

    tools = ngx_http_argo_sim_member(ctx->root, "tools");
    ctx->tools = (tools && tools->child) ? tools : NULL;

    return argo_json_text(r->pool, argo_json_get(ctx->root, "user"),
                          &ctx->user);
}


/* A denial looks like an answer, so the options apply to it. */

static ngx_int_t
ngx_http_argo_sim_check_user(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_str_t   text;
    ngx_uint_t  which;

    which = ngx_http_argo_sim_denial(r, ctx);

    if (which == 0) {
        return NGX_OK;
    }

    if (ngx_http_argo_sim_text(r, ctx, which, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_argo_sim_decline(ngx_http_argo_sim_say(r, ctx, &text));
}


ngx_uint_t
ngx_http_argo_sim_denial(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_str_t                     *user;
    ngx_uint_t                     i;
    ngx_http_argo_sim_loc_conf_t  *aslcf;

    aslcf = ngx_http_get_module_loc_conf(r, ngx_http_argo_sim_module);

    if (aslcf->users == NULL) {
        return argo_str_is(&ctx->user, "denied")
               ? NGX_HTTP_ARGO_SIM_TEXT_DENIED : 0;
    }

    user = aslcf->users->elts;

    for (i = 0; i < aslcf->users->nelts; i++) {

        if (user[i].len == ctx->user.len
            && ngx_memcmp(user[i].data, ctx->user.data, user[i].len) == 0)
        {
            return 0;
        }
    }

    return argo_str_is(&ctx->user, "denied")
           ? NGX_HTTP_ARGO_SIM_TEXT_DENIED : NGX_HTTP_ARGO_SIM_TEXT_DENIED2;
}


static ngx_int_t
ngx_http_argo_sim_check_model(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_str_t                         id;
    ngx_uint_t                        embedding;
    const ngx_http_argo_sim_model_t  *model;

    if (argo_json_text(r->pool, argo_json_get(ctx->root, "model"), &id)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    embedding = (ctx->route->kind == NGX_HTTP_ARGO_SIM_EMBED);

    model = ngx_http_argo_sim_find_model(&id);

    if (model == NULL || (model->dimensions != 0) != embedding) {
        return ngx_http_argo_sim_invalid_model(r, ctx, &id);
    }

    if (model->refused) {
        return ngx_http_argo_sim_dead_model(r, ctx);
    }

    ctx->model = model;

    return NGX_OK;
}


ngx_int_t
ngx_http_argo_sim_dead_model(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx)
{
    return ngx_http_argo_sim_decline(
               ngx_http_argo_sim_error(r, ctx, NGX_HTTP_BAD_REQUEST,
                                       "BadRequestError", "model_not_found",
                                       "The model does not exist"));
}


ngx_int_t
ngx_http_argo_sim_invalid_model(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, const ngx_str_t *id)
{
    ngx_str_t   text;
    argo_out_t  out;

    argo_out_init(&out, r->pool, 1024, NULL, 1);

    argo_out_lit(&out, "Invalid model '");
    argo_out_str(&out, id);
    argo_out_lit(&out, "'. Valid models: ");
    ngx_http_argo_sim_write_ids(&out, ctx->route->kind
                                      & (NGX_HTTP_ARGO_SIM_EMBED
                                         |NGX_HTTP_ARGO_SIM_EMBEDDINGS));

    if (argo_out_flatten(&out, r->pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_argo_sim_decline(
               ngx_http_argo_sim_detail(r, ctx, NGX_HTTP_BAD_REQUEST, &text));
}


static ngx_int_t
ngx_http_argo_sim_check_talk(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx)
{
    int64_t       max_tokens;
    ngx_int_t     rc;
    ngx_str_t     text;
    argo_json_t  *node;

    if (ctx->messages
        && (ctx->prompt || ngx_http_argo_sim_member(ctx->root, "system")))
    {
        if (ngx_http_argo_sim_text(r, ctx, NGX_HTTP_ARGO_SIM_TEXT_MISUSE,
                                   &text)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_argo_sim_decline(ngx_http_argo_sim_say(r, ctx, &text));
    }

    rc = ngx_http_argo_sim_check_messages(r, ctx);

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_check_turns(r, ctx);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_argo_sim_check_tools(r, ctx);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    node = ngx_http_argo_sim_member(ctx->root, "max_tokens");

    if (ctx->route->kind == NGX_HTTP_ARGO_SIM_CHAT
        && ctx->model->family == NGX_HTTP_ARGO_SIM_ANTHROPIC
        && node && argo_json_int(node, &max_tokens) == NGX_OK
        && max_tokens > NGX_HTTP_ARGO_SIM_MAX_UNARY_TOKENS)
    {
        return ngx_http_argo_sim_decline(
                   ngx_http_argo_sim_error(r, ctx,
                       NGX_HTTP_INTERNAL_SERVER_ERROR,
                       "ValueError", "internal_error",
                       "Streaming is required for operations that may take "
                       "longer than 10 minutes"));
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_check_messages(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx)
{
    u_char       *p, buf[256];
    ngx_int_t     i;
    argo_json_t  *message, *role, *content;

    message = ctx->messages ? ctx->messages->child : NULL;

    for (i = 0; message; i++, message = message->next) {
        role = argo_json_get(message, "role");
        content = argo_json_get(message, "content");

        if (role && argo_json_is(role, "developer")) {

            /* not the reason, but what ARGO says */

            p = ngx_sprintf(buf,
                    "Error code: 400 - {'error': {'message': \"Unknown "
                    "parameter: 'messages[%i].tool_calls'.\", 'type': "
                    "'invalid_request_error', 'param': "
                    "'messages[%i].tool_calls', 'code': "
                    "'unknown_parameter'}}", i, i);
            *p = '\0';

            return ngx_http_argo_sim_decline(
                       ngx_http_argo_sim_error(r, ctx, NGX_HTTP_BAD_REQUEST,
                                               "BadRequestError",
                                               "internal_error",
                                               (char *) buf));
        }

        if (ctx->model->family == NGX_HTTP_ARGO_SIM_GOOGLE
            && (content == NULL || content->type == ARGO_JSON_NULL))
        {
            return ngx_http_argo_sim_decline(
                       ngx_http_argo_sim_error(r, ctx,
                                           NGX_HTTP_INTERNAL_SERVER_ERROR,
                                           "TypeError", "internal_error",
                                           "'NoneType' object is not "
                                           "iterable"));
        }
    }

    return NGX_OK;
}


/* Claude and Gemini must have something that a user has said. */

static ngx_int_t
ngx_http_argo_sim_check_turns(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_str_t                    text;
    ngx_uint_t                   users, blank;
    argo_json_t                 *message, *role;
    ngx_http_argo_sim_family_e   family;

    family = ctx->model->family;

    if (family == NGX_HTTP_ARGO_SIM_OPENAI) {
        return NGX_OK;
    }

    users = (ctx->prompt && ctx->prompt->child) ? 1 : 0;
    blank = 0;

    message = ctx->messages ? ctx->messages->child : NULL;

    for ( /* void */ ; message; message = message->next) {
        role = argo_json_get(message, "role");

        if (role == NULL || !argo_json_is(role, "user")) {
            continue;
        }

        users++;

        if (ngx_http_argo_sim_content(r->pool,
                                      argo_json_get(message, "content"),
                                      &text)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        blank |= ngx_http_argo_sim_blank(&text);
    }

    if (family == NGX_HTTP_ARGO_SIM_GOOGLE && users == 0) {
        return ngx_http_argo_sim_decline(
                   ngx_http_argo_sim_error(r, ctx, NGX_HTTP_BAD_REQUEST,
                       "ClientError", "internal_error",
                       "400 INVALID_ARGUMENT. {'error': {'code': 400, "
                       "'message': 'contents must hold a turn of the user', "
                       "'status': 'INVALID_ARGUMENT'}}"));
    }

    if (family == NGX_HTTP_ARGO_SIM_ANTHROPIC && (users == 0 || blank)) {
        return ngx_http_argo_sim_decline(
                   ngx_http_argo_sim_error(r, ctx, NGX_HTTP_BAD_REQUEST,
                       "BadRequestError", "internal_error",
                       users == 0
                       ? "Error code: 400 - {'type': 'error', 'error': "
                         "{'type': 'invalid_request_error', 'message': "
                         "'messages: at least one message is required'}}"
                       : "Error code: 400 - {'type': 'error', 'error': "
                         "{'type': 'invalid_request_error', 'message': "
                         "'messages: text content blocks must contain "
                         "non-whitespace text'}}"));
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_argo_sim_blank(const ngx_str_t *text)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {

        if (ngx_strchr(" \t\r\n", text->data[i]) == NULL) {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_http_argo_sim_check_tools(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_str_t     text;
    argo_json_t  *tool;

    if (ctx->tools == NULL) {
        return NGX_OK;
    }

    if (ctx->route->kind == NGX_HTTP_ARGO_SIM_STREAM) {
        ngx_str_set(&text, "Tools are not supported on the streaming "
                           "endpoint. Please use the chat endpoint.");
        return ngx_http_argo_sim_decline(ngx_http_argo_sim_say(r, ctx, &text));
    }

    for (tool = ctx->tools->child; tool; tool = tool->next) {

        if (ngx_http_argo_sim_tool_function(ctx->model->family, tool)) {
            continue;
        }

        switch (ctx->model->family) {

        case NGX_HTTP_ARGO_SIM_ANTHROPIC:
            return ngx_http_argo_sim_decline(
                       ngx_http_argo_sim_error(r, ctx, NGX_HTTP_BAD_REQUEST,
                           "BadRequestError", "internal_error",
                           "Error code: 400 - {'type': 'error', 'error': "
                           "{'type': 'invalid_request_error', 'message': "
                           "'tools.0.custom.name: Field required'}}"));

        case NGX_HTTP_ARGO_SIM_GOOGLE:
            return ngx_http_argo_sim_decline(
                       ngx_http_argo_sim_error(r, ctx,
                                           NGX_HTTP_INTERNAL_SERVER_ERROR,
                                           "KeyError", "internal_error",
                                           "'name'"));

        default: /* NGX_HTTP_ARGO_SIM_OPENAI */
            return ngx_http_argo_sim_decline(
                       ngx_http_argo_sim_error(r, ctx, NGX_HTTP_BAD_REQUEST,
                           "BadRequestError", "internal_error",
                           "Error code: 400 - {'error': {'message': \"Missing "
                           "required parameter: 'tools[0].function'.\", "
                           "'type': 'invalid_request_error', 'param': "
                           "'tools[0].function', 'code': "
                           "'missing_required_parameter'}}"));
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_argo_sim_decline(ngx_int_t rc)
{
    return (rc == NGX_OK) ? NGX_DECLINED : rc;
}
