
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * JSON from templates, in FastAPI's way (no blanks, UTF-8) or in that of
 * Python's json.dumps(), which ARGO writes its events with.
 */


#include "ngx_http_argo_sim_native.h"


#define NGX_HTTP_ARGO_SIM_MAX_NOISE  16


static void ngx_http_argo_sim_print_text(
    const ngx_http_argo_sim_print_t *print, const ngx_str_t *text);
static void ngx_http_argo_sim_print_ascii(argo_out_t *out, u_char *p,
    u_char *end);


/* the first 16 are those of hexadecimal numbers */
static const char  ngx_http_argo_sim_digits[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";


void
ngx_http_argo_sim_print(const ngx_http_argo_sim_print_t *print,
    const char *format, ...)
{
    va_list           args;
    argo_out_t       *out;
    ngx_uint_t        quoted;
    const char       *p;
    const ngx_str_t  *s;

    out = print->out;
    quoted = 0;

    va_start(args, format);

    for (p = format; *p; p++) {

        if (*p == '\'') {
            quoted = !quoted;
            argo_out_lit(out, "\"");
            continue;
        }

        if (*p != '%') {
            argo_out_write(out, p, 1);

            if (print->python && !quoted && (*p == ',' || *p == ':')) {
                argo_out_lit(out, " ");
            }

            continue;
        }

        switch (*++p) {

        case 's':
            s = va_arg(args, const ngx_str_t *);

            if (s->data == NULL) {
                argo_out_lit(out, "null");
                break;
            }

            argo_out_lit(out, "\"");
            ngx_http_argo_sim_print_text(print, s);
            argo_out_lit(out, "\"");
            break;

        case 't':
            ngx_http_argo_sim_print_text(print,
                                         va_arg(args, const ngx_str_t *));
            break;

        case 'r':
            s = va_arg(args, const ngx_str_t *);
            argo_out_str(out, s);
            break;

        case 'z':
            ngx_http_argo_sim_write(out, va_arg(args, const char *));
            break;

        default: /* 'i' */
            argo_out_int(out, va_arg(args, ngx_int_t));
        }
    }

    va_end(args);
}


static void
ngx_http_argo_sim_print_text(const ngx_http_argo_sim_print_t *print,
    const ngx_str_t *text)
{
    u_char  *p, *start, *end;

    if (!print->python) {
        argo_json_write_text(print->out, text->data, text->len);
        return;
    }

    p = text->data;
    end = p + text->len;

    while (p < end) {
        start = p;

        while (p < end && *p < 0x80) {
            p++;
        }

        argo_json_write_text(print->out, start, p - start);
        start = p;

        while (p < end && *p >= 0x80) {
            p++;
        }

        ngx_http_argo_sim_print_ascii(print->out, start, p);
    }
}


/* UTF-8 as \u escapes; what is none becomes U+FFFD. */

static void
ngx_http_argo_sim_print_ascii(argo_out_t *out, u_char *p, u_char *end)
{
    u_char    buf[sizeof("\\ud83d\\ude00")], *start, *last;
    uint32_t  n;

    while (p < end) {
        start = p;
        n = ngx_utf8_decode(&p, end - p);

        if (n > 0x10ffff) {
            n = 0xfffd;
            p = start + 1;
        }

        if (n > 0xffff) {
            n -= 0x10000;
            last = ngx_sprintf(buf, "\\u%04xD\\u%04xD", 0xd800 + (n >> 10),
                               0xdc00 + (n & 0x3ff));

        } else {
            last = ngx_sprintf(buf, "\\u%04xD", n);
        }

        argo_out_write(out, buf, last - buf);
    }
}


void
ngx_http_argo_sim_obfuscate(const ngx_http_argo_sim_print_t *print,
    uint64_t *noise)
{
    u_char      buf[NGX_HTTP_ARGO_SIM_MAX_NOISE];
    ngx_str_t   text;
    ngx_uint_t  i;

    text.data = buf;
    text.len = ngx_http_argo_sim_draw(noise) % NGX_HTTP_ARGO_SIM_MAX_NOISE;

    for (i = 0; i < text.len; i++) {
        buf[i] = ngx_http_argo_sim_digits[ngx_http_argo_sim_draw(noise)
                                    % (sizeof(ngx_http_argo_sim_digits) - 1)];
    }

    ngx_http_argo_sim_print(print, ",'obfuscation':%s", &text);
}


ngx_int_t
ngx_http_argo_sim_events(ngx_http_argo_sim_talk_t *talk, argo_out_t *out)
{
    ngx_http_argo_sim_ctx_t  *ctx;

    ctx = talk->ctx;

    if (ngx_http_argo_sim_json(talk->request, ctx, NGX_HTTP_OK, out)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_set(&ctx->type, "text/event-stream; charset=utf-8");

    ctx->streamed = 1;
    ctx->events = 1;

    return NGX_OK;
}


ngx_str_t
ngx_http_argo_sim_echo(const argo_json_t *root, const char *name,
    const char *absent)
{
    ngx_str_t     raw;
    argo_json_t  *value;

    value = root ? ngx_http_argo_sim_member(root, name) : NULL;

    if (value) {
        return value->raw;
    }

    raw.data = (u_char *) absent;
    raw.len = ngx_strlen(absent);

    return raw;
}


ngx_int_t
ngx_http_argo_sim_id(const ngx_http_argo_sim_talk_t *talk,
    const char *prefix, ngx_uint_t n, ngx_uint_t hex, ngx_uint_t index,
    ngx_str_t *id)
{
    u_char           *p;
    size_t            len;
    uint64_t          state;
    ngx_uint_t        base;
    const ngx_str_t  *raw;

    len = ngx_strlen(prefix);
    raw = &talk->ctx->root->raw;
    base = hex ? 16 : sizeof(ngx_http_argo_sim_digits) - 1;

    p = ngx_pnalloc(talk->request->pool, len + n);
    if (p == NULL) {
        return NGX_ERROR;
    }

    state = ngx_http_argo_sim_hash(index, raw->data, raw->len);
    state = ngx_http_argo_sim_hash(state, (u_char *) prefix, len);

    id->data = p;
    id->len = len + n;

    p = ngx_cpymem(p, prefix, len);

    while (n--) {
        *p++ = ngx_http_argo_sim_digits[ngx_http_argo_sim_draw(&state) % base];
    }

    return NGX_OK;
}
