
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Data in a part of a message, and texts of nothing but blanks.
 */


#include "argo_part.h"


#define ARGO_PART_SCHEME  "data:"


static size_t argo_part_blank(const u_char *p, const u_char *end);
static ngx_uint_t argo_part_is_data_url(const ngx_str_t *url);
static ngx_str_t argo_part_head(const ngx_str_t *url);


ngx_uint_t
argo_part_is_blank(const ngx_str_t *text)
{
    size_t   n;
    u_char  *p, *end;

    p = text->data;
    end = p + text->len;

    while (p < end) {

        n = argo_part_blank(p, end);

        if (n == 0) {
            return 0;
        }

        p += n;
    }

    return 1;
}


/*
 * The length of the blank at p; 0: there is none.  Others than the space can
 * stand in a string only as escapes, and there a \v has none but \u000b.
 */

static size_t
argo_part_blank(const u_char *p, const u_char *end)
{
    if (*p == ' ') {
        return 1;
    }

    if (*p != '\\' || end - p < 2) {
        return 0;
    }

    if (memchr("nrtf", p[1], 4)) {
        return 2;
    }

    if (p[1] != 'u' || end - p < 6 || p[2] != '0' || p[3] != '0') {
        return 0;
    }

    if (p[4] == '2') {
        return (p[5] == '0') ? 6 : 0;
    }

    return (p[4] == '0' && memchr("9aAbBcCdD", p[5], 9)) ? 6 : 0;
}


ngx_str_t
argo_part_trim(const ngx_str_t *text)
{
    size_t      n;
    u_char     *p, *end;
    ngx_str_t   trimmed;

    p = text->data;
    end = p + text->len;

    trimmed.data = p;
    trimmed.len = 0;

    while (p < end) {

        n = argo_part_blank(p, end);

        if (n) {
            p += n;
            continue;
        }

        /* an escape as a whole: what follows its backslash begins none */

        p += (*p == '\\' && end - p > 1) ? 2 : 1;

        trimmed.len = p - trimmed.data;
    }

    return trimmed;
}


ngx_uint_t
argo_part_has_data(const argo_part_t *part)
{
    return part->data || part->mime.len || argo_part_is_data_url(&part->text);
}


/* schemes are compared without case; escapes in one are nobody's habit */

static ngx_uint_t
argo_part_is_data_url(const ngx_str_t *url)
{
    size_t  i;

    if (url->len < sizeof(ARGO_PART_SCHEME) - 1) {
        return 0;
    }

    for (i = 0; i < sizeof(ARGO_PART_SCHEME) - 1; i++) {
        if (ngx_tolower(url->data[i]) != ARGO_PART_SCHEME[i]) {
            return 0;
        }
    }

    return memchr(url->data, ',', url->len) != NULL;
}


/* what is before the data, with the comma */

static ngx_str_t
argo_part_head(const ngx_str_t *url)
{
    u_char     *comma;
    ngx_str_t   head;

    comma = memchr(url->data, ',', url->len);

    head.data = url->data;
    head.len = comma ? (size_t) (comma + 1 - url->data) : 0;

    return head;
}


ngx_str_t
argo_part_mime(const argo_part_t *part)
{
    size_t      i;
    ngx_buf_t  *b;
    ngx_str_t   url, mime;

    if (part->mime.len) {
        return part->mime;
    }

    url = part->text;

    if (part->data) {
        /* its head was written in one piece */

        b = part->data->first->buf;
        url.data = b->pos;
        url.len = b->last - b->pos;
    }

    ngx_str_null(&mime);

    if (!argo_part_is_data_url(&url)) {
        return mime;
    }

    mime = argo_part_head(&url);
    mime.data += sizeof(ARGO_PART_SCHEME) - 1;
    mime.len -= sizeof(ARGO_PART_SCHEME) - 1;

    for (i = 0; i < mime.len; i++) {
        if (mime.data[i] == ';' || mime.data[i] == ',') {
            break;
        }
    }

    mime.len = i;

    return mime;
}


void
argo_part_write_data(const argo_part_t *part, argo_out_t *out)
{
    size_t        skip;
    ngx_str_t     head;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (part->mime.len) {
        argo_out_ref(out, part->text.data, part->text.len);
        return;
    }

    if (part->data == NULL) {
        skip = argo_part_head(&part->text).len;
        argo_out_ref(out, part->text.data + skip, part->text.len - skip);
        return;
    }

    b = part->data->first->buf;
    head.data = b->pos;
    head.len = b->last - b->pos;
    skip = argo_part_head(&head).len;

    for (cl = part->data->first; cl; cl = cl->next) {
        b = cl->buf;
        argo_out_ref(out, b->pos + skip, b->last - b->pos - skip);
        skip = 0;
    }
}


void
argo_part_write_url(const argo_part_t *part, argo_out_t *out)
{
    if (part->data) {
        argo_out_share(out, part->data);
        return;
    }

    if (part->mime.len) {
        argo_out_lit(out, ARGO_PART_SCHEME);
        argo_out_str(out, &part->mime);
        argo_out_lit(out, ";base64,");
    }

    argo_out_ref(out, part->text.data, part->text.len);
}
