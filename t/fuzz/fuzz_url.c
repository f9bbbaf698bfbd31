
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as a URL, as a reference and as an address.  What must hold:
 *
 *     what comes out of a URL is printable ASCII without blanks
 *     a URL that was normalized reads as itself
 *     a host is a name without an address, or an address the library agrees
 *         with
 *     a reference gives what the URL that it makes gives
 *     base64 cut anywhere is the same
 */


#include "ngx_shim.h"
#include "argo_addr.h"
#include "argo_image.h"
#include "argo_url.h"

#include <arpa/inet.h>
#include <stdio.h>


#define FUZZ_CHECK(condition)                                                 \
    if (!(condition)) {                                                       \
        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);       \
        abort();                                                              \
    }


#define FUZZ_LINES  64


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static ngx_uint_t
fuzz_same(const ngx_str_t *a, const ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


static void
fuzz_url(ngx_pool_t *pool, const argo_url_t *url)
{
    size_t       i;
    u_char       addr[16];
    char         text[256];
    argo_url_t   again;
    const char  *why;

    for (i = 0; i < url->text.len; i++) {
        FUZZ_CHECK(url->text.data[i] > 0x20 && url->text.data[i] < 0x7f);
    }

    FUZZ_CHECK(url->host.len && url->host.len < sizeof(text));
    FUZZ_CHECK(url->authority.data == url->host.data);
    FUZZ_CHECK(url->uri.data == url->authority.data + url->authority.len);
    FUZZ_CHECK(url->uri.data + url->uri.len
               == url->text.data + url->text.len);
    FUZZ_CHECK(url->uri.data[0] == '/' && url->port != 0);
    FUZZ_CHECK(memchr(url->authority.data, '@', url->authority.len) == NULL);
    FUZZ_CHECK(memchr(url->uri.data, '#', url->uri.len) == NULL);

    memcpy(text, url->host.data, url->host.len);
    text[url->host.len] = '\0';

    if (url->addr.len == ARGO_ADDR_V6) {
        text[url->host.len - 1] = '\0';
        FUZZ_CHECK(inet_pton(AF_INET6, text + 1, addr) == 1
                   && memcmp(addr, url->addr.data, 16) == 0);

    } else if (url->addr.len == ARGO_ADDR_V4) {
        FUZZ_CHECK(inet_pton(AF_INET, text, addr) == 1
                   && memcmp(addr, url->addr.data, 4) == 0);

    } else {
        /* not even in the forms that are tolerated elsewhere */
        FUZZ_CHECK(inet_addr(text) == INADDR_NONE
                   && strcmp(text, "255.255.255.255") != 0);
    }

    FUZZ_CHECK(argo_url_parse(pool, &url->text, &again, &why)
               == (url->text.len > ARGO_URL_MAX ? NGX_DECLINED : NGX_OK));

    if (url->text.len <= ARGO_URL_MAX) {
        FUZZ_CHECK(fuzz_same(&again.text, &url->text)
                   && again.port == url->port && again.tls == url->tls);
    }
}


static void
fuzz_addr(const ngx_str_t *s)
{
    char          text[64];
    u_char        addr[16];
    argo_addr_t   ours;

    if (s->len >= sizeof(text) || memchr(s->data, '\0', s->len)) {
        return;
    }

    memcpy(text, s->data, s->len);
    text[s->len] = '\0';

    if (argo_addr_parse_v4(&ours, s->data, s->len) == NGX_OK) {
        FUZZ_CHECK(inet_pton(AF_INET, text, addr) == 1
                   && memcmp(addr, ours.data, 4) == 0);
        (void) argo_addr_public(&ours);

    } else {
        FUZZ_CHECK(inet_pton(AF_INET, text, addr) != 1);
    }

    if (argo_addr_parse_v6(&ours, s->data, s->len) == NGX_OK) {
        FUZZ_CHECK(inet_pton(AF_INET6, text, addr) == 1
                   && memcmp(addr, ours.data, 16) == 0);
        (void) argo_addr_public(&ours);

    } else {
        FUZZ_CHECK(inet_pton(AF_INET6, text, addr) != 1);
    }
}


static ngx_int_t
fuzz_image(ngx_pool_t *pool, const ngx_str_t *s, size_t split, ngx_str_t *url)
{
    ngx_int_t     rc;
    argo_out_t    out;
    argo_image_t  image;

    argo_out_init(&out, pool, 100, NULL, 0);
    argo_image_init(&image, &out);

    rc = argo_image_write(&image, s->data, split);

    if (rc == NGX_OK) {
        rc = argo_image_write(&image, s->data + split, s->len - split);
    }

    if (rc == NGX_OK) {
        rc = argo_image_end(&image);
    }

    FUZZ_CHECK(argo_out_flatten(&out, pool, url) == NGX_OK);
    FUZZ_CHECK(rc == NGX_OK || (rc == NGX_DECLINED && url->len == 0));

    return rc;
}


/* A line as a URL, as one that is relative to another, as an address. */

static void
fuzz_line(const u_char *p, size_t n)
{
    ngx_str_t     s;
    argo_url_t    base, url;
    ngx_pool_t   *pool;
    const char   *why;

    static ngx_str_t  home = ngx_string("https://example.com:99/a/b?c=d");

    pool = ngx_create_pool(4096, NULL);

    /* in memory of its own, so that a byte too many is seen */

    s.len = n;
    s.data = ngx_pnalloc(pool, n ? n : 1);
    FUZZ_CHECK(s.data != NULL);

    if (n) {
        memcpy(s.data, p, n);
    }

    if (argo_url_parse(pool, &s, &url, &why) == NGX_OK) {
        fuzz_url(pool, &url);
    }

    FUZZ_CHECK(argo_url_parse(pool, &home, &base, &why) == NGX_OK);

    if (argo_url_resolve(pool, &base, &s, &url, &why) == NGX_OK) {
        fuzz_url(pool, &url);
    }

    fuzz_addr(&s);

    ngx_destroy_pool(pool);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         i, split;
    ngx_int_t      rc;
    ngx_str_t      s, one, two;
    ngx_pool_t    *pool;
    const u_char  *p, *end, *eol;

    end = data + size;

    for (p = data, i = 0; i < FUZZ_LINES; p = eol + 1, i++) {
        eol = (p < end) ? memchr(p, '\n', end - p) : NULL;
        eol = eol ? eol : end;

        fuzz_line(p, eol - p);

        if (eol == end) {
            break;
        }
    }

    /* chance that is the same each time for the same input */

    for (i = 0, split = size; i < size; i++) {
        split += data[i];
    }

    pool = ngx_create_pool(4096, NULL);

    s.data = (u_char *) data;
    s.len = size;

    rc = fuzz_image(pool, &s, 0, &one);
    FUZZ_CHECK(fuzz_image(pool, &s, size ? split % size : 0, &two) == rc);
    FUZZ_CHECK(fuzz_same(&one, &two));

    ngx_destroy_pool(pool);

    return 0;
}
