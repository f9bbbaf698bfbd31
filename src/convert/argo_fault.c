
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Failures of upstream: unwrapped, and put into classes by the first rule
 * that fits.  The order of the rules counts: texts about retries quote what
 * was tried, and traces have numbers in them that look like statuses.
 */


#include "argo_fault.h"
#include "argo_json.h"
#include "argo_python.h"
#include "argo_utf8.h"


/* how often one library's error may be wrapped in another's */
#define ARGO_FAULT_MAX_WRAPS  4

/* list, error, its members */
#define ARGO_FAULT_DEPTH      2

#define ARGO_FAULT_PREFIX     "Error code: "


#define argo_fault_is_blank(c)                                                \
    ((c) == ' ' || (c) == '\t' || (c) == CR || (c) == LF)


typedef struct {
    ngx_pool_t          *pool;
    ngx_uint_t           status;    /* of the reply */
    ngx_uint_t           number;    /* the status that the text tells; 0 */
    ngx_str_t            text;      /* as it was before it was unwrapped */
    argo_fault_t        *fault;
    argo_error_t        *err;
} argo_fault_ctx_t;


typedef struct {
    const char          *type;
    ngx_uint_t           status;
} argo_fault_type_t;


static ngx_int_t argo_fault_unwrap(argo_fault_ctx_t *ctx);
static ngx_uint_t argo_fault_number(argo_fault_ctx_t *ctx, const u_char **p,
    const u_char *end);
static ngx_int_t argo_fault_literal(argo_fault_ctx_t *ctx, const u_char *p,
    const u_char *end);
static ngx_int_t argo_fault_take(argo_fault_ctx_t *ctx, argo_json_t *root);
static ngx_int_t argo_fault_member(ngx_pool_t *pool, const argo_json_t *obj,
    const char *name, ngx_str_t *value);

static ngx_uint_t argo_fault_limited(const argo_fault_ctx_t *ctx);
static ngx_uint_t argo_fault_overloaded(const argo_fault_ctx_t *ctx);
static ngx_uint_t argo_fault_invalid(const argo_fault_ctx_t *ctx);
static ngx_uint_t argo_fault_outage(const argo_fault_ctx_t *ctx);
static ngx_int_t argo_fault_other(argo_fault_ctx_t *ctx);
static ngx_uint_t argo_fault_keep(ngx_uint_t status);
static ngx_uint_t argo_fault_type_status(const ngx_str_t *type);
static ngx_int_t argo_fault_set(argo_fault_ctx_t *ctx, ngx_uint_t status,
    const char *code, const char *prefix, const char *suffix);

static ngx_uint_t argo_fault_has(const argo_fault_ctx_t *ctx,
    const char *what);
static ngx_uint_t argo_fault_find(const ngx_str_t *s, const char *what);
static ngx_uint_t argo_fault_is(const ngx_str_t *s, const char *what);
static ngx_uint_t argo_fault_begins(const ngx_str_t *s, const char *what);
static ngx_uint_t argo_fault_is_none(const ngx_str_t *text);
static ngx_uint_t argo_fault_is_name(const ngx_str_t *code);
static ngx_uint_t argo_fault_is_code(const ngx_str_t *text);
static void argo_fault_trim(ngx_str_t *s);
static ngx_uint_t argo_fault_word(const u_char *p, const u_char *end);


/* Anthropic's names; OpenAI's are among them, or say nothing of a status */

static const argo_fault_type_t  argo_fault_types[] = {
    { "invalid_request_error", 400 },
    { "authentication_error", 401 },
    { "permission_error", 403 },
    { "not_found_error", 404 },
    { "request_too_large", 413 },
    { "rate_limit_error", 429 },
    { "overloaded_error", 503 },
    { "timeout_error", 504 }
};


#define ARGO_FAULT_NTYPES                                                     \
    (sizeof(argo_fault_types) / sizeof(argo_fault_types[0]))


ngx_int_t
argo_fault_read(ngx_pool_t *pool, ngx_uint_t status, argo_fault_t *fault,
    argo_error_t *err)
{
    argo_fault_ctx_t  ctx;

    ngx_memzero(&ctx, sizeof(argo_fault_ctx_t));

    argo_fault_trim(&fault->message);

    if (fault->message.len == 0) {
        ngx_str_set(&fault->message, "it does not say what");
    }

    ctx.pool = pool;
    ctx.status = status;
    ctx.text = fault->message;
    ctx.fault = fault;
    ctx.err = err;

    if (argo_fault_unwrap(&ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (fault->message.len > ARGO_FAULT_MAX_MESSAGE) {
        fault->message.len = argo_utf8_whole(fault->message.data,
                                             ARGO_FAULT_MAX_MESSAGE);
    }

    if (argo_fault_limited(&ctx)) {
        return argo_fault_set(&ctx, 429, "rate_limit_exceeded", "", "");
    }

    if (argo_fault_overloaded(&ctx)) {

        if (status == 503 || status == 529) {
            /* as it came */
            return argo_fault_set(&ctx, status, NULL, "", "");
        }

        return argo_fault_set(&ctx, (ctx.number == 529) ? 529 : 503,
                              "upstream_overloaded", "", "");
    }

    if (argo_fault_has(&ctx, "Streaming is required for operations")) {

        /*
         * It comes with 500, but trying again is of no use: what the client
         * has asked for decides.
         */

        ngx_str_set(&fault->param, "max_tokens");

        return argo_fault_set(&ctx, 400, "streaming_required",
                              "ARGO refuses a Claude call that is not "
                              "streamed and may take long: lower max_tokens, "
                              "or ask for a stream without tools (", ")");
    }

    if (argo_fault_invalid(&ctx)) {
        return argo_fault_set(&ctx, (status == 422 || ctx.number == 422)
                              ? 422 : 400, NULL, "", "");
    }

    if (argo_fault_outage(&ctx)) {
        return argo_fault_set(&ctx, 502, "upstream_outage",
                              "ARGO's backend failed: neither the request "
                              "nor this gateway is at fault, try again later "
                              "(", ")");
    }

    return argo_fault_other(&ctx);
}


/*
 * "Error code: 400 - {'error': {'message': ...}}", a dict alone, or Google's
 * "400 INVALID_ARGUMENT. {'error': ...}": what is inside takes the place of
 * what it came in, as long as there is something inside.
 */

static ngx_int_t
argo_fault_unwrap(argo_fault_ctx_t *ctx)
{
    ngx_int_t      rc;
    ngx_uint_t     i, number;
    const u_char  *p, *end;

    for (i = 0; i < ARGO_FAULT_MAX_WRAPS; i++) {

        p = ctx->fault->message.data;
        end = p + ctx->fault->message.len;

        number = argo_fault_number(ctx, &p, end);

        if (number) {
            ctx->number = number;
        }

        if (p == end || *p != '{') {
            return NGX_OK;
        }

        rc = argo_fault_literal(ctx, p, end);

        if (rc != NGX_OK) {
            return (rc == NGX_DECLINED) ? NGX_OK : rc;
        }
    }

    return NGX_OK;
}


/* Finds the number, if there is one, and moves p to what is behind it. */

static ngx_uint_t
argo_fault_number(argo_fault_ctx_t *ctx, const u_char **p, const u_char *end)
{
    size_t         len;
    ngx_int_t      n;
    ngx_uint_t     wrapped;
    const u_char  *q;

    len = sizeof(ARGO_FAULT_PREFIX) - 1;

    for (q = *p; (size_t) (end - q) >= len; q++) {
        if (ngx_memcmp(q, ARGO_FAULT_PREFIX, len) == 0) {
            break;
        }
    }

    wrapped = ((size_t) (end - q) >= len);
    q = wrapped ? q + len : *p;

    if (end - q < 3) {
        return 0;
    }

    n = 0;

    for (len = 0; len < 3; len++) {

        if (q[len] < '0' || q[len] > '9') {
            return 0;
        }

        n = n * 10 + (q[len] - '0');
    }

    q += 3;

    if (n < 400 || n > 599) {
        return 0;
    }

    if (wrapped) {

        if (end - q >= 4 && ngx_memcmp(q, " - ", 3) == 0) {
            *p = q + 3;
        }

        return n;
    }

    /* a number alone is one only before a word such as INVALID_ARGUMENT */

    if (end - q < 3 || *q != ' ' || q[1] < 'A' || q[1] > 'Z'
        || q[2] < 'A' || q[2] > 'Z')
    {
        return 0;
    }

    for (q++; q < end && argo_fault_word(q, q + 1); q++) { /* void */ }

    while (q < end && (*q == '.' || *q == ' ')) {
        q++;
    }

    *p = q;

    return n;
}


/* NGX_DECLINED: it can't be read, or says nothing */

static ngx_int_t
argo_fault_literal(argo_fault_ctx_t *ctx, const u_char *p, const u_char *end)
{
    ngx_int_t      rc;
    ngx_str_t      text;
    argo_out_t     out;
    argo_json_t   *root;
    argo_error_t   ignored;

    argo_out_init(&out, ctx->pool, 1024, NULL, 1);

    rc = argo_python_to_json(&p, end, &out);
    if (rc != NGX_OK) {
        return rc;
    }

    if (argo_out_flatten(&out, ctx->pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = argo_json_parse(ctx->pool, &text, ARGO_FAULT_DEPTH, &root,
                         &ignored);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_fault_take(ctx, root);
}


static ngx_int_t
argo_fault_take(argo_fault_ctx_t *ctx, argo_json_t *root)
{
    int64_t        n;
    ngx_int_t      rc;
    argo_json_t   *error;
    argo_fault_t   fault;

    ngx_memzero(&fault, sizeof(argo_fault_t));

    error = argo_json_get(root, "error");

    if (error == NULL || error->type != ARGO_JSON_OBJECT) {
        error = root;
    }

    rc = argo_json_text(ctx->pool, argo_json_get(error, "message"),
                        &fault.message);

    if (rc == NGX_DECLINED) {
        rc = argo_json_text(ctx->pool, argo_json_get(root, "error"),
                            &fault.message);
    }

    if (rc == NGX_DECLINED) {
        rc = argo_json_text(ctx->pool, argo_json_get(root, "detail"),
                            &fault.message);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    argo_fault_trim(&fault.message);

    if (fault.message.len == 0) {
        return NGX_DECLINED;
    }

    if (argo_fault_member(ctx->pool, error, "type", &fault.type) != NGX_OK
        || argo_fault_member(ctx->pool, error, "code", &fault.code) != NGX_OK
        || argo_fault_member(ctx->pool, error, "param", &fault.param)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (fault.type.len == 0
        && argo_fault_member(ctx->pool, error, "status", &fault.type)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* Google's code is a number */

    if (argo_json_int(argo_json_get(error, "code"), &n) == NGX_OK
        && n >= 400 && n <= 599)
    {
        ctx->number = n;
    }

    *ctx->fault = fault;

    return NGX_OK;
}


static ngx_int_t
argo_fault_member(ngx_pool_t *pool, const argo_json_t *obj, const char *name,
    ngx_str_t *value)
{
    ngx_int_t  rc;

    rc = argo_json_text(pool, argo_json_find(obj, name, ngx_strlen(name)),
                        value);

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


static ngx_uint_t
argo_fault_limited(const argo_fault_ctx_t *ctx)
{
    return ctx->status == 429 || ctx->number == 429
           || argo_fault_is(&ctx->fault->type, "rate_limit_error")
           || argo_fault_has(ctx, "RESOURCE_EXHAUSTED")
           || argo_fault_has(ctx, "too many 429 error responses");
}


static ngx_uint_t
argo_fault_overloaded(const argo_fault_ctx_t *ctx)
{
    return ctx->status == 529 || ctx->number == 529
           || argo_fault_is(&ctx->fault->type, "overloaded_error")
           || argo_fault_has(ctx, "overloaded_error");
}


static ngx_uint_t
argo_fault_invalid(const argo_fault_ctx_t *ctx)
{
    if (ctx->number) {
        return ctx->number == 400 || ctx->number == 422;
    }

    if (ctx->status == 400 || ctx->status == 422) {
        return 1;
    }

    return (ctx->status == 200 || ctx->status >= 500)
           && (argo_fault_is(&ctx->fault->type, "invalid_request_error")
               || argo_fault_is(&ctx->fault->type, "INVALID_ARGUMENT"));
}


/* What ARGO could not reach, or could not get a token from. */

static ngx_uint_t
argo_fault_outage(const argo_fault_ctx_t *ctx)
{
    if (ctx->status != 200 && ctx->status != 401 && ctx->status != 403
        && ctx->status < 500)
    {
        return 0;
    }

    return argo_fault_has(ctx, "Max retries exceeded")
           || argo_fault_has(ctx, "HTTPSConnectionPool(")
           || argo_fault_has(ctx, "HTTPConnectionPool(")
           || argo_fault_has(ctx, "googleapis.com");
}


static ngx_int_t
argo_fault_other(argo_fault_ctx_t *ctx)
{
    ngx_uint_t     status;
    argo_fault_t  *fault;

    fault = ctx->fault;
    status = ctx->status;

    if (ctx->number && argo_fault_keep(ctx->number)
        && (status == 200 || status == 400 || status >= 500)
        && (status < 500 || ctx->number < 500))
    {
        /* the vendor's, which ARGO's own only wraps */
        return argo_fault_set(ctx, ctx->number, NULL, "", "");
    }

    if (status == 200 || status >= 500) {

        if (argo_fault_type_status(&fault->type)) {
            return argo_fault_set(ctx, argo_fault_type_status(&fault->type),
                                  NULL, "", "");
        }

        if (argo_fault_begins(&fault->message, "'NoneType' object ")) {

            /* its own fault, but one that a larger limit can help against */

            return argo_fault_set(ctx, (status == 200) ? 502 : status,
                                  (status == 200) ? "upstream_error" : NULL,
                                  "ARGO failed inside: ",
                                  argo_fault_find(&fault->message, "'parts'")
                                  ? " (a Gemini model may have spent all of "
                                    "its max_tokens on thoughts)" : "");
        }
    }

    if (status == 200) {

        if (fault->type.len || fault->code.len) {
            return argo_fault_set(ctx, 502, "upstream_error", "ARGO failed: ",
                                  "");
        }

        return argo_fault_set(ctx, 502, "upstream_invalid_reply",
                              "ARGO answered 200 with an error: ", "");
    }

    if (!argo_fault_keep(status)) {
        return argo_fault_set(ctx, 502, "upstream_invalid_reply", "", "");
    }

    return argo_fault_set(ctx, status, NULL, "", "");
}


/* Statuses whose meaning for the client is the same as for us. */

static ngx_uint_t
argo_fault_keep(ngx_uint_t status)
{
    switch (status) {

    case 400:
    case 401:
    case 403:
    case 404:
    case 408:
    case 413:
    case 422:
    case 429:
        return 1;
    }

    return status >= 500 && status <= 599;
}


static ngx_uint_t
argo_fault_type_status(const ngx_str_t *type)
{
    ngx_uint_t  i;

    for (i = 0; i < ARGO_FAULT_NTYPES; i++) {
        if (argo_fault_is(type, argo_fault_types[i].type)) {
            return argo_fault_types[i].status;
        }
    }

    return 0;
}


/*
 * A code given here that upstream's own is better than is that of a limit
 * that was reached: which one.
 */

static ngx_int_t
argo_fault_set(argo_fault_ctx_t *ctx, ngx_uint_t status, const char *code,
    const char *prefix, const char *suffix)
{
    argo_fault_t  *fault;

    fault = ctx->fault;

    if (argo_error_setf(ctx->pool, ctx->err, status, code, NULL, "zVz",
                        prefix, &fault->message, suffix)
        != NGX_DECLINED)
    {
        return NGX_ERROR;
    }

    if (status == 502 && code) {
        return NGX_OK;
    }

    if (fault->param.len) {
        ctx->err->param = fault->param;
    }

    if (argo_fault_is_name(&fault->code) && (code == NULL || status == 429)) {
        ctx->err->code = fault->code;
    }

    return NGX_OK;
}


/* A code is a name: what has control characters in it is none. */

static ngx_uint_t
argo_fault_is_name(const ngx_str_t *code)
{
    size_t  i;

    for (i = 0; i < code->len; i++) {

        if (code->data[i] < 0x20) {
            return 0;
        }
    }

    return code->len > 0;
}


static ngx_uint_t
argo_fault_has(const argo_fault_ctx_t *ctx, const char *what)
{
    return argo_fault_find(&ctx->text, what)
           || argo_fault_find(&ctx->fault->message, what);
}


static ngx_uint_t
argo_fault_find(const ngx_str_t *s, const char *what)
{
    u_char  *p, *end;
    size_t   len;

    len = ngx_strlen(what);

    if (s->len < len) {
        return 0;
    }

    end = s->data + s->len - len + 1;

    for (p = s->data; p < end; p++) {

        p = memchr(p, what[0], end - p);

        if (p == NULL) {
            return 0;
        }

        if (ngx_memcmp(p, what, len) == 0) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
argo_fault_is(const ngx_str_t *s, const char *what)
{
    return s->len == ngx_strlen(what) && argo_fault_begins(s, what);
}


static ngx_uint_t
argo_fault_begins(const ngx_str_t *s, const char *what)
{
    size_t  len;

    len = ngx_strlen(what);

    return s->len >= len && len && ngx_memcmp(s->data, what, len) == 0;
}


ngx_uint_t
argo_fault_is_sentence(const ngx_str_t *text)
{
    ngx_str_t  s;

    s = *text;
    argo_fault_trim(&s);

    if (argo_fault_begins(&s, "HTTPSConnectionPool(")
        || argo_fault_begins(&s, "HTTPConnectionPool("))
    {
        return s.data[s.len - 1] == ')'
               && argo_fault_find(&s, "): Max retries exceeded with url: ");
    }

    return argo_fault_is_none(&s) || argo_fault_is_code(&s);
}


/* "'NoneType' object is not iterable", "... has no attribute 'parts'" */

static ngx_uint_t
argo_fault_is_none(const ngx_str_t *text)
{
    u_char     *p, *end;
    ngx_str_t   s;

    if (!argo_fault_begins(text, "'NoneType' object ")) {
        return 0;
    }

    s.data = text->data + sizeof("'NoneType' object ") - 1;
    s.len = text->len - (sizeof("'NoneType' object ") - 1);

    p = s.data;
    end = p + s.len;

    if (argo_fault_begins(&s, "is not ")) {
        return argo_fault_word(p + sizeof("is not ") - 1, end);
    }

    if (argo_fault_begins(&s, "has no attribute '")) {
        return end[-1] == '\''
               && argo_fault_word(p + sizeof("has no attribute '") - 1,
                                  end - 1);
    }

    return argo_fault_is(&s, "does not support item assignment")
           || argo_fault_is(&s, "does not support item deletion")
           || argo_fault_is(&s, "cannot be interpreted as an integer");
}


/* "Error code: 400 - {...}", "Error code: 429 - RESOURCE_EXHAUSTED" */

static ngx_uint_t
argo_fault_is_code(const ngx_str_t *text)
{
    u_char        *end;
    ngx_uint_t     i;
    const u_char  *p;

    if (!argo_fault_begins(text, ARGO_FAULT_PREFIX)) {
        return 0;
    }

    p = text->data + sizeof(ARGO_FAULT_PREFIX) - 1;
    end = text->data + text->len;

    if (end - p < 7) {
        return 0;
    }

    for (i = 0; i < 3; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return 0;
        }
    }

    if (ngx_memcmp(p + 3, " - ", 3) != 0) {
        return 0;
    }

    p += 6;

    if (*p != '{') {
        return argo_fault_word(p, end);
    }

    return argo_python_to_json(&p, end, NULL) == NGX_OK && p == end;
}


static void
argo_fault_trim(ngx_str_t *s)
{
    while (s->len && argo_fault_is_blank(s->data[0])) {
        s->data++;
        s->len--;
    }

    while (s->len && argo_fault_is_blank(s->data[s->len - 1])) {
        s->len--;
    }
}


/* True if there is something, and all of it is of an identifier. */

static ngx_uint_t
argo_fault_word(const u_char *p, const u_char *end)
{
    if (p >= end) {
        return 0;
    }

    for ( /* void */ ; p < end; p++) {

        if ((*p < '0' || *p > '9') && (*p < 'A' || *p > 'Z')
            && (*p < 'a' || *p > 'z') && *p != '_')
        {
            return 0;
        }
    }

    return 1;
}
