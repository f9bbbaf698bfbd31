
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The answer of a chat: a function of the last thing that the user said.
 */


#include "ngx_http_argo_sim.h"


#define NGX_HTTP_ARGO_SIM_MAX_COUNT  10000


static ngx_int_t ngx_http_argo_sim_count_to(const ngx_str_t *said);
static ngx_int_t ngx_http_argo_sim_said(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, ngx_str_t *said);
static ngx_int_t ngx_http_argo_sim_quote_result(ngx_http_request_t *r,
    const argo_json_t *result, ngx_str_t *text);
static ngx_int_t ngx_http_argo_sim_say_and_call(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, const ngx_str_t *text, argo_json_t *tool);
static ngx_int_t ngx_http_argo_sim_write_part(ngx_pool_t *pool,
    const argo_json_t *part, argo_out_t *out);
static ngx_int_t ngx_http_argo_sim_write_image(ngx_pool_t *pool,
    const argo_json_t *url, argo_out_t *out);
static ngx_int_t ngx_http_argo_sim_write_source(ngx_pool_t *pool,
    const argo_json_t *source, argo_out_t *out);
static void ngx_http_argo_sim_write_size(const ngx_str_t *type, u_char *p,
    u_char *end, argo_out_t *out);


ngx_int_t
ngx_http_argo_sim_answer(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_int_t     rc;
    ngx_str_t     said, text;
    argo_json_t  *tool, *result;

    tool = NULL;
    result = ngx_http_argo_sim_tool_result(ctx);

    ngx_str_set(&text, "");

    if (ctx->options.chunks) {
        rc = ngx_http_argo_sim_numbered(r, ctx->options.chunks, &text);

    } else if (ctx->options.text) {
        rc = ngx_http_argo_sim_text(r, ctx, ctx->options.text, &text);

    } else if (result) {
        rc = ngx_http_argo_sim_quote_result(r, result, &text);

    } else {
        tool = ngx_http_argo_sim_tool(ctx);
        rc = NGX_OK;

        if (tool == NULL) {
            rc = ngx_http_argo_sim_said(r, ctx, &said);

            if (rc == NGX_OK) {
                rc = ngx_http_argo_sim_compose(r, &said, &text);
            }
        }
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->tools) {
        return ngx_http_argo_sim_say_and_call(r, ctx, &text, tool);
    }

    return ngx_http_argo_sim_say(r, ctx, &text);
}


ngx_int_t
ngx_http_argo_sim_compose(ngx_http_request_t *r, const ngx_str_t *said,
    ngx_str_t *text)
{
    u_char      *p, *end;
    ngx_int_t    i, n;
    argo_out_t   out;

    if (said->len == 0) {
        ngx_str_set(text, "You said nothing.");
        return NGX_OK;
    }

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL, 1);

    p = said->data;
    end = p + said->len;

    n = ngx_http_argo_sim_count_to(said);

    if (said->len >= 7 && ngx_strncmp(p, "repeat:", 7) == 0) {

        for (p += 7; p < end && *p == ' '; p++) { /* void */ }

        argo_out_write(&out, p, end - p);

    } else if (n) {

        for (i = 1; i <= n; i++) {

            if (i > 1) {
                argo_out_lit(&out, "\n");
            }

            argo_out_int(&out, i);
        }

    } else {
        argo_out_lit(&out, "You said: ");
        argo_out_str(&out, said);
    }

    return argo_out_flatten(&out, r->pool, text);
}


/* The number in "count to 10", wherever it stands; or 0. */

static ngx_int_t
ngx_http_argo_sim_count_to(const ngx_str_t *said)
{
    u_char     *p, *digits, *end;
    ngx_int_t   n;

    if (said->len < sizeof("count to 1") - 1) {
        return 0;
    }

    end = said->data + said->len;

    p = ngx_strlcasestrn(said->data, end, (u_char *) "count to ",
                         sizeof("count to ") - 2);
    if (p == NULL) {
        return 0;
    }

    digits = p + sizeof("count to ") - 1;

    for (p = digits; p < end && *p >= '0' && *p <= '9'; p++) { /* void */ }

    n = ngx_atoi(digits, p - digits);

    return (n > 0 && n <= NGX_HTTP_ARGO_SIM_MAX_COUNT) ? n : 0;
}


/* The text of the last message of the user, or all prompts. */

static ngx_int_t
ngx_http_argo_sim_said(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx,
    ngx_str_t *said)
{
    argo_json_t  *message, *content, *role;

    if (ctx->messages == NULL) {
        return ngx_http_argo_sim_content(r->pool, ctx->prompt, said);
    }

    content = NULL;

    for (message = ctx->messages->child; message; message = message->next) {
        role = argo_json_get(message, "role");

        if (role && argo_json_is(role, "user")) {
            content = argo_json_get(message, "content");
        }
    }

    return ngx_http_argo_sim_content(r->pool, content, said);
}


ngx_int_t
ngx_http_argo_sim_numbered(ngx_http_request_t *r, ngx_uint_t chunks,
    ngx_str_t *text)
{
    ngx_uint_t  i;
    argo_out_t  out;

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL, 1);

    for (i = 1; i <= chunks; i++) {
        argo_out_lit(&out, "chunk ");
        argo_out_int(&out, i);
        argo_out_lit(&out, " ");
    }

    return argo_out_flatten(&out, r->pool, text);
}


static ngx_int_t
ngx_http_argo_sim_quote_result(ngx_http_request_t *r,
    const argo_json_t *result, ngx_str_t *text)
{
    ngx_str_t   content;
    argo_out_t  out;

    if (ngx_http_argo_sim_content(r->pool, result, &content) != NGX_OK) {
        return NGX_ERROR;
    }

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL, 1);

    argo_out_lit(&out, "The tool answered: ");
    argo_out_str(&out, &content);

    return argo_out_flatten(&out, r->pool, text);
}


/* Where tools were sent, "response" is an object, with a call or without. */

static ngx_int_t
ngx_http_argo_sim_say_and_call(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx, const ngx_str_t *text, argo_json_t *tool)
{
    argo_out_t  out;

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL, 1);

    argo_out_lit(&out, "{\"response\":{\"content\":");
    argo_json_write_string(&out, text);
    argo_out_lit(&out, ",\"tool_calls\":[");

    if (tool
        && ngx_http_argo_sim_tool_call(r, ctx, tool, &out) != NGX_OK)
    {
        return NGX_ERROR;
    }

    argo_out_lit(&out, "]}}");

    return ngx_http_argo_sim_json(r, ctx, NGX_HTTP_OK, &out);
}


ngx_int_t
ngx_http_argo_sim_content(ngx_pool_t *pool, const argo_json_t *content,
    ngx_str_t *text)
{
    argo_out_t    out;
    argo_json_t  *part;

    ngx_str_set(text, "");

    if (content == NULL) {
        return NGX_OK;
    }

    if (content->type == ARGO_JSON_STRING) {
        return argo_json_text(pool, content, text);
    }

    if (content->type == ARGO_JSON_OBJECT) {
        *text = content->raw;
        return NGX_OK;
    }

    argo_out_init(&out, pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL, 1);

    for (part = content->child; part; part = part->next) {

        if (out.size) {
            argo_out_lit(&out, "\n");
        }

        if (ngx_http_argo_sim_write_part(pool, part, &out) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return out.size ? argo_out_flatten(&out, pool, text) : NGX_OK;
}


/* A prompt, a text part, an image, a result; others by their type. */

static ngx_int_t
ngx_http_argo_sim_write_part(ngx_pool_t *pool, const argo_json_t *part,
    argo_out_t *out)
{
    ngx_str_t     text;
    argo_json_t  *type, *member;

    if (part->type == ARGO_JSON_STRING) {

        if (argo_json_text(pool, part, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        argo_out_str(out, &text);
        return NGX_OK;
    }

    type = argo_json_get(part, "type");

    if (type == NULL || type->type != ARGO_JSON_STRING) {
        argo_out_lit(out, "[part without a type]");
        return NGX_OK;
    }

    member = argo_json_get(part, "text");

    if (member && member->type == ARGO_JSON_STRING
        && (argo_json_is(type, "text") || argo_json_is(type, "input_text")
            || argo_json_is(type, "output_text")))
    {
        if (argo_json_text(pool, member, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        argo_out_str(out, &text);
        return NGX_OK;
    }

    member = argo_json_get(part, "image_url");

    if (argo_json_is(type, "image_url") && member) {
        return ngx_http_argo_sim_write_image(pool,
                                             member->type == ARGO_JSON_STRING
                                             ? member
                                             : argo_json_get(member, "url"),
                                             out);
    }

    if (argo_json_is(type, "input_image") && member) {
        return ngx_http_argo_sim_write_image(pool, member, out);
    }

    member = argo_json_get(part, "source");

    if (argo_json_is(type, "image") && member) {
        return ngx_http_argo_sim_write_source(pool, member, out);
    }

    if (argo_json_text(pool, type, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    argo_out_lit(out, "[");
    argo_out_str(out, &text);
    argo_out_lit(out, "]");

    return NGX_OK;
}


/* So that a test sees that all of a picture has come through. */

static ngx_int_t
ngx_http_argo_sim_write_image(ngx_pool_t *pool, const argo_json_t *url,
    argo_out_t *out)
{
    u_char     *p, *comma, *end;
    ngx_str_t   text, type;

    if (url == NULL || url->type != ARGO_JSON_STRING) {
        argo_out_lit(out, "[image: no url]");
        return NGX_OK;
    }

    if (argo_json_text(pool, url, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    p = text.data;
    end = p + text.len;

    comma = ngx_strlchr(p, end, ',');

    if (text.len < 5 || ngx_strncmp(p, "data:", 5) != 0 || comma == NULL) {
        argo_out_lit(out, "[image: not a data URL]");
        return NGX_OK;
    }

    type.data = p + 5;
    type.len = comma - type.data;

    p = ngx_strlchr(type.data, comma, ';');

    if (p) {
        type.len = p - type.data;
    }

    ngx_http_argo_sim_write_size(&type, comma + 1, end, out);

    return NGX_OK;
}


/* Anthropic's form of it. */

static ngx_int_t
ngx_http_argo_sim_write_source(ngx_pool_t *pool, const argo_json_t *source,
    argo_out_t *out)
{
    ngx_str_t     type, text;
    argo_json_t  *media, *data;

    media = argo_json_get(source, "media_type");
    data = argo_json_get(source, "data");

    if (media == NULL || media->type != ARGO_JSON_STRING
        || data == NULL || data->type != ARGO_JSON_STRING)
    {
        argo_out_lit(out, "[image: not a data URL]");
        return NGX_OK;
    }

    if (argo_json_text(pool, media, &type) != NGX_OK
        || argo_json_text(pool, data, &text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_argo_sim_write_size(&type, text.data, text.data + text.len, out);

    return NGX_OK;
}


/* What base64 from p to end stands for. */

static void
ngx_http_argo_sim_write_size(const ngx_str_t *type, u_char *p, u_char *end,
    argo_out_t *out)
{
    size_t  n;

    n = end - p;

    while (n && p[n - 1] == '=') {
        n--;
    }

    argo_out_lit(out, "[image: ");
    argo_out_str(out, type);
    argo_out_lit(out, ", ");
    argo_out_int(out, n / 4 * 3 + (n % 4) * 3 / 4);
    argo_out_lit(out, " bytes]");
}


argo_json_t *
ngx_http_argo_sim_last(const argo_json_t *list)
{
    argo_json_t  *item;

    item = list ? list->child : NULL;

    while (item && item->next) {
        item = item->next;
    }

    return item;
}
