
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * URLs of http and https (RFC 3986), read strictly.
 */


#include "argo_url.h"


/* longest name and label of DNS */
#define ARGO_URL_MAX_NAME   253
#define ARGO_URL_MAX_LABEL  63

#define ARGO_URL_MAX_PORT   65535

#define ARGO_URL_PORT_LEN   (sizeof(":65535") - 1)


static const char *argo_url_check(const u_char *p, size_t n);
static ngx_uint_t argo_url_is_hex(const u_char *p, const u_char *end);
static size_t argo_url_scheme(const u_char *p, size_t n, argo_url_t *url);
static const char *argo_url_read_authority(argo_url_t *url, const u_char *p,
    const u_char *end, u_char *dst);
static const char *argo_url_read_host(argo_url_t *url, const u_char *p,
    size_t n);
static ngx_uint_t argo_url_is_name(const u_char *p, const u_char *end,
    const u_char **label);
static const char *argo_url_read_port(argo_url_t *url, const u_char *p,
    const u_char *end);
static u_char *argo_url_write_port(u_char *dst, ngx_uint_t port);
static void argo_url_read_uri(argo_url_t *url, const u_char *p,
    const u_char *end, u_char *dst);
static u_char *argo_url_encode(u_char *dst, u_char c);
static u_char *argo_url_remove_dots(u_char *path, u_char *end);
static ngx_uint_t argo_url_is_absolute(const ngx_str_t *reference);


ngx_int_t
argo_url_parse(ngx_pool_t *pool, const ngx_str_t *text, argo_url_t *url,
    const char **why)
{
    u_char        *dst;
    size_t         n;
    const u_char  *p, *end, *last;

    ngx_memzero(url, sizeof(argo_url_t));

    if (text->len > ARGO_URL_MAX) {
        *why = "is too long";
        return NGX_DECLINED;
    }

    *why = argo_url_check(text->data, text->len);
    if (*why) {
        return NGX_DECLINED;
    }

    n = argo_url_scheme(text->data, text->len, url);

    if (n == 0) {
        *why = "must begin with https:// or http://";
        return NGX_DECLINED;
    }

    p = text->data + n;
    end = text->data + text->len;

    for (last = p; last < end; last++) {
        if (*last == '/' || *last == '?' || *last == '#') {
            break;
        }
    }

    /* any byte may become three, and a path may be added */

    dst = ngx_pnalloc(pool, n + (last - p) + ARGO_URL_PORT_LEN
                            + (end - last) * 3 + 1);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    url->text.data = dst;

    dst = url->tls ? ngx_cpymem(dst, "https://", sizeof("https://") - 1)
                   : ngx_cpymem(dst, "http://", sizeof("http://") - 1);

    *why = argo_url_read_authority(url, p, last, dst);
    if (*why) {
        return NGX_DECLINED;
    }

    argo_url_read_uri(url, last, end, dst + url->authority.len);

    url->text.len = url->uri.data + url->uri.len - url->text.data;

    return NGX_OK;
}


/* Blanks, control characters, and what RFC 3986 has no place for. */

static const char *
argo_url_check(const u_char *p, size_t n)
{
    size_t  i;

    if (n == 0) {
        return "is empty";
    }

    for (i = 0; i < n; i++) {

        if (p[i] <= 0x20 || p[i] == 0x7f) {
            return "has a blank or a control character in it";
        }

        if (p[i] < 0x80 && strchr("\"<>\\^`{|}", p[i])) {
            return "has a character in it that must be percent-encoded";
        }

        if (p[i] == '%' && !argo_url_is_hex(&p[i + 1], p + n)) {
            return "has a percent sign in it without two hexadecimal digits";
        }
    }

    return NULL;
}


static ngx_uint_t
argo_url_is_hex(const u_char *p, const u_char *end)
{
    u_char      c;
    ngx_uint_t  i;

    if (end - p < 2) {
        return 0;
    }

    for (i = 0; i < 2; i++) {
        c = (u_char) (p[i] | 0x20);

        if (!(p[i] >= '0' && p[i] <= '9') && !(c >= 'a' && c <= 'f')) {
            return 0;
        }
    }

    return 1;
}


/* Returns the length of scheme and slashes; 0: it is none of ours. */

static size_t
argo_url_scheme(const u_char *p, size_t n, argo_url_t *url)
{
    size_t       i, len;
    ngx_uint_t   tls;
    const char  *scheme;

    for (tls = 0; tls < 2; tls++) {

        scheme = tls ? "https://" : "http://";
        len = ngx_strlen(scheme);

        if (n < len) {
            continue;
        }

        for (i = 0; i < len; i++) {
            if (ngx_tolower(p[i]) != (u_char) scheme[i]) {
                break;
            }
        }

        if (i == len) {
            url->tls = tls ? 1 : 0;
            return len;
        }
    }

    return 0;
}


static const char *
argo_url_read_authority(argo_url_t *url, const u_char *p, const u_char *end,
    u_char *dst)
{
    const char    *why;
    const u_char  *q, *colon;

    if (p == end) {
        return "has no host";
    }

    colon = NULL;

    for (q = p; q < end; q++) {

        if (*q == '@') {
            return "has a user name in it, which is not accepted";
        }

        if (*q >= 0x80) {
            return "has a host that is not ASCII: its punycode is needed";
        }

        /* the colons of IPv6 stand before a bracket */

        if (*q == ':') {
            colon = q;

        } else if (*q == ']') {
            colon = NULL;
        }
    }

    url->authority.data = dst;
    url->host.data = dst;
    url->host.len = (colon ? colon : end) - p;

    for (q = p; q < p + url->host.len; q++) {
        *dst++ = ngx_tolower(*q);
    }

    why = argo_url_read_host(url, url->host.data, url->host.len);
    if (why) {
        return why;
    }

    why = argo_url_read_port(url, colon, end);
    if (why) {
        return why;
    }

    if (url->port != (url->tls ? 443 : 80)) {
        *dst++ = ':';
        dst = argo_url_write_port(dst, url->port);
    }

    url->authority.len = dst - url->authority.data;

    return NULL;
}


static const char *
argo_url_read_host(argo_url_t *url, const u_char *p, size_t n)
{
    const u_char  *label;

    if (n == 0) {
        return "has no host";
    }

    if (*p == '[') {

        if (n < 2 || p[n - 1] != ']'
            || argo_addr_parse_v6(&url->addr, p + 1, n - 2) != NGX_OK)
        {
            url->addr.len = 0;
            return "has an invalid IPv6 address in it";
        }

        return NULL;
    }

    if (!argo_url_is_name(p, p + n, &label)) {
        return "has an invalid host name in it";
    }

    if (*label < '0' || *label > '9') {
        return NULL;
    }

    /*
     * No top-level domain begins with a digit.  127.1, 0177.0.0.1, 0x7f000001
     * and 2130706433 are addresses to some programs and names to others.
     */

    if (argo_addr_parse_v4(&url->addr, p, n) != NGX_OK) {
        url->addr.len = 0;
        return "has an invalid IPv4 address in it";
    }

    return NULL;
}


/* Checks labels; a dot at the end is as good as another host. */

static ngx_uint_t
argo_url_is_name(const u_char *p, const u_char *end, const u_char **label)
{
    const u_char  *start;

    if (end - p > ARGO_URL_MAX_NAME) {
        return 0;
    }

    for ( ;; ) {
        start = p;

        while (p < end && *p != '.') {

            if (!(*p >= 'a' && *p <= 'z') && !(*p >= '0' && *p <= '9')
                && *p != '-' && *p != '_')
            {
                return 0;
            }

            p++;
        }

        if (p == start || p - start > ARGO_URL_MAX_LABEL
            || *start == '-' || p[-1] == '-')
        {
            return 0;
        }

        if (p == end) {
            *label = start;
            return 1;
        }

        p++;
    }
}


/* p is at the colon; NULL: there is none */

static const char *
argo_url_read_port(argo_url_t *url, const u_char *p, const u_char *end)
{
    ngx_uint_t     port;
    const u_char  *start;

    if (p == NULL) {
        url->port = url->tls ? 443 : 80;
        return NULL;
    }

    port = 0;
    start = ++p;

    while (p < end && *p >= '0' && *p <= '9' && port <= ARGO_URL_MAX_PORT) {
        port = port * 10 + (*p++ - '0');
    }

    if (p == start || p != end || *start == '0' || port > ARGO_URL_MAX_PORT)
    {
        return "has an invalid port in it";
    }

    url->port = (in_port_t) port;

    return NULL;
}


static u_char *
argo_url_write_port(u_char *dst, ngx_uint_t port)
{
    u_char  digits[ARGO_URL_PORT_LEN], *p;

    p = digits + sizeof(digits);

    do {
        *--p = (u_char) ('0' + port % 10);
        port /= 10;
    } while (port);

    return ngx_cpymem(dst, p, digits + sizeof(digits) - p);
}


static void
argo_url_read_uri(argo_url_t *url, const u_char *p, const u_char *end,
    u_char *dst)
{
    url->uri.data = dst;

    if (p == end || *p != '/') {
        *dst++ = '/';
    }

    while (p < end && *p != '?' && *p != '#') {
        dst = argo_url_encode(dst, *p++);
    }

    dst = argo_url_remove_dots(url->uri.data, dst);

    url->path.data = url->uri.data;
    url->path.len = dst - url->uri.data;

    while (p < end && *p != '#') {
        dst = argo_url_encode(dst, *p++);
    }

    url->uri.len = dst - url->uri.data;
}


/* people write letters of their language into paths, and browsers do this */

static u_char *
argo_url_encode(u_char *dst, u_char c)
{
    static const u_char  hex[] = "0123456789ABCDEF";

    if (c < 0x80) {
        *dst++ = c;
        return dst;
    }

    *dst++ = '%';
    *dst++ = hex[c >> 4];
    *dst++ = hex[c & 0x0f];

    return dst;
}


/* Removes "." and ".." from a path that begins with a slash, in place. */

static u_char *
argo_url_remove_dots(u_char *path, u_char *end)
{
    size_t   n;
    u_char  *src, *dst, *next;

    dst = path;

    for (src = path; src < end; src = next) {

        next = src + 1;

        while (next < end && *next != '/') {
            next++;
        }

        n = next - src - 1;

        if ((n == 1 && src[1] == '.')
            || (n == 2 && src[1] == '.' && src[2] == '.'))
        {
            if (n == 2) {
                while (dst > path && *--dst != '/') { /* void */ }
            }

            if (next == end) {
                *dst++ = '/';
            }

            continue;
        }

        ngx_memmove(dst, src, next - src);
        dst += next - src;
    }

    return dst;
}


ngx_int_t
argo_url_resolve(ngx_pool_t *pool, const argo_url_t *base,
    const ngx_str_t *reference, argo_url_t *url, const char **why)
{
    u_char     *p;
    size_t      keep;
    ngx_str_t   text;

    if (reference->len == 0 || reference->len > ARGO_URL_MAX) {
        *why = reference->len ? "is too long" : "is empty";
        return NGX_DECLINED;
    }

    if (argo_url_is_absolute(reference)) {
        return argo_url_parse(pool, reference, url, why);
    }

    /* how much of the base stays */

    switch (reference->data[0]) {

    case '/':
        keep = base->uri.data - base->text.data;

        if (reference->len > 1 && reference->data[1] == '/') {
            keep = base->tls ? sizeof("https:") - 1 : sizeof("http:") - 1;
        }

        break;

    case '?':
        keep = base->path.data + base->path.len - base->text.data;
        break;

    case '#':
        keep = base->text.len;
        break;

    default:
        p = base->path.data + base->path.len;

        while (p[-1] != '/') {
            p--;
        }

        keep = p - base->text.data;
    }

    text.len = keep + reference->len;
    text.data = ngx_pnalloc(pool, text.len);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(text.data, base->text.data, keep);
    ngx_memcpy(p, reference->data, reference->len);

    return argo_url_parse(pool, &text, url, why);
}


/* "scheme:", whichever: only what has none is relative */

static ngx_uint_t
argo_url_is_absolute(const ngx_str_t *reference)
{
    u_char  c;
    size_t  i;

    for (i = 0; i < reference->len; i++) {

        c = ngx_tolower(reference->data[i]);

        if (c == ':') {
            return i > 0;
        }

        if (!(c >= 'a' && c <= 'z')
            && (i == 0
                || !((c >= '0' && c <= '9') || c == '+' || c == '-'
                     || c == '.')))
        {
            return 0;
        }
    }

    return 0;
}
