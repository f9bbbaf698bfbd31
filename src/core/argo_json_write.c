
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Plain text to the inside of a JSON string.
 */


#include "argo_json_write.h"
#include "argo_json.h"
#include "argo_utf8.h"


#define ARGO_JSON_REPLACEMENT  "\xef\xbf\xbd"           /* U+FFFD */

static void argo_json_write_escape(argo_out_t *out, u_char c);


void
argo_json_write_text(argo_out_t *out, const u_char *p, size_t n)
{
    size_t         len;
    ngx_uint_t     valid;
    const u_char  *run, *end;

    if (n == 0) {
        return;
    }

    run = p;
    end = p + n;

    for ( ;; ) {
        p = argo_json_plain((u_char *) p, (u_char *) end);

        if (p == end) {
            break;
        }

        if (*p < 0x80) {
            argo_out_write(out, run, p - run);
            argo_json_write_escape(out, *p++);
            run = p;
            continue;
        }

        len = argo_utf8_next(p, end - p, &valid);

        if (!valid) {
            argo_out_write(out, run, p - run);
            argo_out_lit(out, ARGO_JSON_REPLACEMENT);
            run = p + len;
        }

        p += len;
    }

    argo_out_write(out, run, end - run);
}


void
argo_json_write_string(argo_out_t *out, const ngx_str_t *s)
{
    argo_out_lit(out, "\"");
    argo_json_write_text(out, s->data, s->len);
    argo_out_lit(out, "\"");
}


void
argo_json_write_string_or_null(argo_out_t *out, const ngx_str_t *s)
{
    if (s->data == NULL) {
        argo_out_lit(out, "null");
        return;
    }

    argo_json_write_string(out, s);
}


static void
argo_json_write_escape(argo_out_t *out, u_char c)
{
    u_char  esc[6];

    static const u_char  hex[] = "0123456789abcdef";

    esc[0] = '\\';

    switch (c) {

    case '"':
    case '\\':
        esc[1] = c;
        break;

    case '\b':
        esc[1] = 'b';
        break;

    case '\f':
        esc[1] = 'f';
        break;

    case '\n':
        esc[1] = 'n';
        break;

    case '\r':
        esc[1] = 'r';
        break;

    case '\t':
        esc[1] = 't';
        break;

    default:
        esc[1] = 'u';
        esc[2] = '0';
        esc[3] = '0';
        esc[4] = hex[c >> 4];
        esc[5] = hex[c & 0xf];

        argo_out_write(out, esc, 6);
        return;
    }

    argo_out_write(out, esc, 2);
}
