
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Shapes of replies, and texts that do not depend on the request.  JSON is
 * written as ARGO's Python writes it: no blanks, UTF-8 unescaped.
 */


#include "ngx_http_argo_sim.h"


#define NGX_HTTP_ARGO_SIM_WARNING_SIGN  "\xe2\x9a\xa0\xef\xb8\x8f"
#define NGX_HTTP_ARGO_SIM_NO_ENTRY  "\xf0\x9f\x9a\xab"

#define NGX_HTTP_ARGO_SIM_LOREM_SIZE  1000


static void ngx_http_argo_sim_notice(argo_out_t *out, const ngx_str_t *user,
    const char *reason);
static ngx_int_t ngx_http_argo_sim_lorem(ngx_http_request_t *r, size_t size,
    ngx_str_t *text);
static ngx_int_t ngx_http_argo_sim_page(ngx_http_request_t *r,
    ngx_http_argo_sim_ctx_t *ctx);
static const char *ngx_http_argo_sim_error_type(ngx_uint_t status);


static ngx_str_t  ngx_http_argo_sim_type_json = ngx_string("application/json");
static ngx_str_t  ngx_http_argo_sim_type_html = ngx_string("text/html");
static ngx_str_t  ngx_http_argo_sim_type_text =
    ngx_string("text/plain; charset=utf-8");


ngx_int_t
ngx_http_argo_sim_json(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx,
    ngx_uint_t status, argo_out_t *out)
{
    ctx->status = status;
    ctx->type = ngx_http_argo_sim_type_json;
    ctx->streamed = 0;
    ctx->events = 0;

    return argo_out_flatten(out, r->pool, &ctx->body);
}


ngx_int_t
ngx_http_argo_sim_say(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx,
    const ngx_str_t *text)
{
    argo_out_t  out;

    if (ctx->route->kind == NGX_HTTP_ARGO_SIM_STREAM) {
        ctx->status = NGX_HTTP_OK;
        ctx->type = ngx_http_argo_sim_type_text;
        ctx->streamed = 1;
        ctx->body = *text;

        return NGX_OK;
    }

    argo_out_init(&out, r->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL, 1);

    argo_out_lit(&out, "{\"response\":");
    argo_json_write_string(&out, text);
    argo_out_lit(&out, "}");

    return ngx_http_argo_sim_json(r, ctx, NGX_HTTP_OK, &out);
}


ngx_int_t
ngx_http_argo_sim_detail(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx,
    ngx_uint_t status, const ngx_str_t *text)
{
    argo_out_t  out;

    argo_out_init(&out, r->pool, 1024, NULL, 1);

    argo_out_lit(&out, "{\"detail\":");
    argo_json_write_string(&out, text);
    argo_out_lit(&out, "}");

    ctx->refusal = 1;

    return ngx_http_argo_sim_json(r, ctx, status, &out);
}


ngx_int_t
ngx_http_argo_sim_error(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx,
    ngx_uint_t status, const char *type, const char *code, const char *text)
{
    argo_out_t  out;

    argo_out_init(&out, r->pool, 1024, NULL, 1);

    argo_out_lit(&out, "{\"error\":{\"message\":\"");
    argo_json_write_text(&out, (const u_char *) text, ngx_strlen(text));
    argo_out_lit(&out, "\",\"type\":\"");
    ngx_http_argo_sim_write(&out, type);
    argo_out_lit(&out, "\",\"code\":\"");
    ngx_http_argo_sim_write(&out, code);
    argo_out_lit(&out, "\"}}");

    ctx->refusal = 1;

    return ngx_http_argo_sim_json(r, ctx, status, &out);
}


ngx_int_t
ngx_http_argo_sim_text(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx,
    ngx_uint_t which, ngx_str_t *text)
{
    argo_out_t  out;

    argo_out_init(&out, r->pool, 1024, NULL, 1);

    switch (which) {

    case NGX_HTTP_ARGO_SIM_TEXT_DENIED:
        ngx_http_argo_sim_notice(&out, &ctx->user,
            "is not authorized to use the Argo Gateway API. Your ANL account "
            "was found but you do not appear in the authorized users list "
            "for your division.");
        break;

    case NGX_HTTP_ARGO_SIM_TEXT_DENIED2:
        ngx_http_argo_sim_notice(&out, &ctx->user,
            "could not be validated as an authorized Argo Gateway API user.");
        break;

    case NGX_HTTP_ARGO_SIM_TEXT_MISUSE:
        argo_out_lit(&out,
            "You passed a messages field along with a system and or prompt "
            "field. Please only pass messages with any system and user "
            "prompts included, or only pass system and prompt alone.");
        break;

    case NGX_HTTP_ARGO_SIM_TEXT_NONETYPE:
        argo_out_lit(&out, "'NoneType' object is not iterable");
        break;

    case NGX_HTTP_ARGO_SIM_TEXT_QUOTE:
        argo_out_lit(&out, "The notice that you ask about reads:");
        ngx_http_argo_sim_notice(&out, &ctx->user,
            "is not authorized to use the Argo Gateway API.");
        argo_out_lit(&out, "\nIt means that ARGO does not know the name.");
        break;

    case NGX_HTTP_ARGO_SIM_TEXT_LOREM:
        return ngx_http_argo_sim_lorem(r, ctx->options.size, text);

    case NGX_HTTP_ARGO_SIM_TEXT_UTF8:
        /* one to four bytes a character, and what is made of several */
        argo_out_lit(&out,
            "ASCII, \xc3\xa9\xc3\x9f\xc3\xb1 \xd0\xb6\xd7\xa9 "
            "\xe2\x82\xac\xe4\xb8\xad\xe6\x96\x87 "
            "\xf0\x9f\x99\x82\xf0\x9d\x84\x9e e\xcc\x81 "
            "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac.");
        break;

    default: /* NGX_HTTP_ARGO_SIM_TEXT_EMPTY */
        ngx_str_set(text, "");
        return NGX_OK;
    }

    return argo_out_flatten(&out, r->pool, text);
}


static void
ngx_http_argo_sim_notice(argo_out_t *out, const ngx_str_t *user,
    const char *reason)
{
    argo_out_lit(out, "\n\n" NGX_HTTP_ARGO_SIM_WARNING_SIGN
                      " **IMPORTANT AUTHENTICATION NOTICE FROM ARGO** "
                      NGX_HTTP_ARGO_SIM_WARNING_SIGN
                      "\n\n" NGX_HTTP_ARGO_SIM_NO_ENTRY
                      " **ACCESS DENIED** " NGX_HTTP_ARGO_SIM_NO_ENTRY
                      "\n\nThe username '");
    argo_out_str(out, user);
    argo_out_lit(out, "' ");
    ngx_http_argo_sim_write(out, reason);
    argo_out_lit(out, "\n\n** END NOTICE FROM ARGO **\n");
}


static ngx_int_t
ngx_http_argo_sim_lorem(ngx_http_request_t *r, size_t size, ngx_str_t *text)
{
    size_t         n;
    u_char        *p, *end;
    static u_char  lorem[] =
        "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do "
        "eiusmod tempor incididunt ut labore et dolore magna aliqua. ";

    if (size == 0) {
        size = NGX_HTTP_ARGO_SIM_LOREM_SIZE;
    }

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    text->len = size;

    for (end = p + size; p < end; p += n) {
        n = ngx_min(sizeof(lorem) - 1, (size_t) (end - p));
        ngx_memcpy(p, lorem, n);
    }

    return NGX_OK;
}


/* What status and body ask for. */

ngx_int_t
ngx_http_argo_sim_failure(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    u_char      *last, text[sizeof("Error code: 599 - simulated failure")];
    ngx_int_t    rc;
    ngx_str_t    message;
    ngx_uint_t   status;
    argo_out_t   out;

    status = ctx->options.status ? ctx->options.status : NGX_HTTP_OK;

    last = ngx_sprintf(text, "Error code: %ui - simulated failure%Z", status);

    message.data = text;
    message.len = last - text - 1;

    argo_out_init(&out, r->pool, 1024, NULL, 1);

    switch (ctx->options.body) {

    case NGX_HTTP_ARGO_SIM_BODY_HTML:
        return ngx_http_argo_sim_page(r, ctx);

    case NGX_HTTP_ARGO_SIM_BODY_EMPTY:
        ctx->status = status;
        return NGX_OK;

    case NGX_HTTP_ARGO_SIM_BODY_DETAIL_ARRAY:
        argo_out_lit(&out,
            "{\"detail\":[{\"type\":\"value_error\","
            "\"loc\":[\"body\",\"messages\",0,\"content\"],\"msg\":");
        argo_json_write_string(&out, &message);
        argo_out_lit(&out, ",\"input\":null}]}");

        return ngx_http_argo_sim_json(r, ctx, status, &out);

    case NGX_HTTP_ARGO_SIM_BODY_ERROR_STRING:
        argo_out_lit(&out, "{\"error\":");
        argo_json_write_string(&out, &message);
        argo_out_lit(&out, "}");

        return ngx_http_argo_sim_json(r, ctx, status, &out);

    case NGX_HTTP_ARGO_SIM_BODY_JSON:
        rc = ngx_http_argo_sim_error(r, ctx, status,
                                     ngx_http_argo_sim_error_type(status),
                                     "internal_error", (char *) text);
        break;

    default: /* NGX_HTTP_ARGO_SIM_BODY_DETAIL */
        rc = ngx_http_argo_sim_detail(r, ctx, status, &message);
    }

    /* it was asked for, with all the other options */
    ctx->refusal = 0;

    return rc;
}


/* nginx's error page, which is what stands before ARGO. */

static ngx_int_t
ngx_http_argo_sim_page(ngx_http_request_t *r, ngx_http_argo_sim_ctx_t *ctx)
{
    ngx_uint_t   i, status;
    argo_out_t   out;
    const char  *reason;

    static const struct {
        ngx_uint_t   status;
        const char  *reason;
    } reasons[] = {
        { 302, " Found" },
        { 400, " Bad Request" },
        { 403, " Forbidden" },
        { 404, " Not Found" },
        { 413, " Request Entity Too Large" },
        { 429, " Too Many Requests" },
        { 500, " Internal Server Error" },
        { 502, " Bad Gateway" },
        { 503, " Service Temporarily Unavailable" },
        { 504, " Gateway Time-out" },
        { 0, NULL }
    };

    status = ctx->options.status ? ctx->options.status : NGX_HTTP_OK;
    reason = "";

    for (i = 0; reasons[i].status; i++) {

        if (reasons[i].status == status) {
            reason = reasons[i].reason;
        }
    }

    argo_out_init(&out, r->pool, 1024, NULL, 1);

    argo_out_lit(&out, "<html>" CRLF "<head><title>");
    argo_out_int(&out, status);
    ngx_http_argo_sim_write(&out, reason);
    argo_out_lit(&out, "</title></head>" CRLF "<body>" CRLF "<center><h1>");
    argo_out_int(&out, status);
    ngx_http_argo_sim_write(&out, reason);
    argo_out_lit(&out, "</h1></center>" CRLF
                       "<hr><center>nginx</center>" CRLF
                       "</body>" CRLF "</html>" CRLF);

    if (ngx_http_argo_sim_json(r, ctx, status, &out) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->type = ngx_http_argo_sim_type_html;

    return NGX_OK;
}


/* The exception of the vendors' Python libraries. */

static const char *
ngx_http_argo_sim_error_type(ngx_uint_t status)
{
    switch (status) {

    case 400:
        return "BadRequestError";

    case 401:
        return "AuthenticationError";

    case 403:
        return "PermissionDeniedError";

    case 404:
        return "NotFoundError";

    case 409:
        return "ConflictError";

    case 422:
        return "UnprocessableEntityError";

    case 429:
        return "RateLimitError";

    default:
        return (status >= NGX_HTTP_INTERNAL_SERVER_ERROR)
               ? "InternalServerError" : "APIStatusError";
    }
}


void
ngx_http_argo_sim_write(argo_out_t *out, const char *text)
{
    argo_out_write(out, text, ngx_strlen(text));
}
