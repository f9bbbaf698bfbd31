
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * argo_url.h: which URLs are read and as what, and which are refused.
 */


#include "argo_test.h"
#include "argo_url.h"


typedef struct {
    const char  *text;
    const char  *normal;
    const char  *authority;
    const char  *host;
    ngx_uint_t   port;
    const char  *uri;
} test_good_t;


static const test_good_t  test_good[] = {
    { "https://example.com", "https://example.com/", "example.com",
      "example.com", 443, "/" },
    { "HtTpS://ExAmPlE.CoM/A/b?C=d", "https://example.com/A/b?C=d",
      "example.com", "example.com", 443, "/A/b?C=d" },
    { "http://example.com/a.png", "http://example.com/a.png", "example.com",
      "example.com", 80, "/a.png" },
    { "https://example.com:443/", "https://example.com/", "example.com",
      "example.com", 443, "/" },
    { "http://example.com:443/", "http://example.com:443/",
      "example.com:443", "example.com", 443, "/" },
    { "https://example.com:8443?x", "https://example.com:8443/?x",
      "example.com:8443", "example.com", 8443, "/?x" },
    { "https://example.com:65535#f", "https://example.com:65535/",
      "example.com:65535", "example.com", 65535, "/" },
    { "https://example.com:1", "https://example.com:1/", "example.com:1",
      "example.com", 1, "/" },
    { "https://h/a?b#c?d", "https://h/a?b", "h", "h", 443, "/a?b" },
    { "https://h/a#/../..", "https://h/a", "h", "h", 443, "/a" },
    { "https://h/?a=http://x/@y", "https://h/?a=http://x/@y", "h", "h", 443,
      "/?a=http://x/@y" },
    { "https://h/@a:b", "https://h/@a:b", "h", "h", 443, "/@a:b" },
    { "https://a_b.s3-x.example/k", "https://a_b.s3-x.example/k",
      "a_b.s3-x.example", "a_b.s3-x.example", 443, "/k" },
    { "https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/",
      "xn--bcher-kva.example", "xn--bcher-kva.example", 443, "/" },
    { "https://1a.2b.c3/", "https://1a.2b.c3/", "1a.2b.c3", "1a.2b.c3", 443,
      "/" },
    { "https://8.8.8.8/x", "https://8.8.8.8/x", "8.8.8.8", "8.8.8.8", 443,
      "/x" },
    { "https://127.0.0.1:99/x", "https://127.0.0.1:99/x", "127.0.0.1:99",
      "127.0.0.1", 99, "/x" },
    { "https://[2001:DB8::1]/x", "https://[2001:db8::1]/x", "[2001:db8::1]",
      "[2001:db8::1]", 443, "/x" },
    { "https://[::FFFF:1.2.3.4]:80/", "https://[::ffff:1.2.3.4]:80/",
      "[::ffff:1.2.3.4]:80", "[::ffff:1.2.3.4]", 80, "/" },
    { "https://h/%41%0d%0a%00%2e%2E/", "https://h/%41%0d%0a%00%2e%2E/", "h",
      "h", 443, "/%41%0d%0a%00%2e%2E/" },
    { "https://h/b\xc3\xbc" "cher?q=\xff", "https://h/b%C3%BCcher?q=%FF",
      "h", "h", 443, "/b%C3%BCcher?q=%FF" },
    { "https://h/a/./b/../c", "https://h/a/c", "h", "h", 443, "/a/c" },
    { "https://h/../../x", "https://h/x", "h", "h", 443, "/x" },
    { "https://h/a/..", "https://h/", "h", "h", 443, "/" },
    { "https://h/a/.", "https://h/a/", "h", "h", 443, "/a/" },
    { "https://h/a/b/../", "https://h/a/", "h", "h", 443, "/a/" },
    { "https://h//a//../b", "https://h//a/b", "h", "h", 443, "//a/b" },
    { "https://h/.a/..b/...", "https://h/.a/..b/...", "h", "h", 443,
      "/.a/..b/..." },
    { "https://h/?../..", "https://h/?../..", "h", "h", 443, "/?../.." },
    { "https://h/[]!$&'()*+,;=:@-._~", "https://h/[]!$&'()*+,;=:@-._~", "h",
      "h", 443, "/[]!$&'()*+,;=:@-._~" }
};


static const char  *test_refused[] = {
    "", "h", "/", "//h/", "example.com/a", "https", "https:", "https:/",
    "https:/h", "https:h", "https//h", "https ://h/", " https://h/",
    "ftp://h/", "file:///etc/passwd", "gopher://h/", "data:image/png;base64,",
    "javascript:1", "httpss://h/", "http+unix://h/", "unix:/a", "https:\\\\h",
    "https:\\h/",

    /* no host, users */
    "https://", "https:///", "https:///etc/passwd", "https://?", "https://#",
    "https://:443/", "https://@h/", "https://u@h/", "https://u:p@h/",
    "https://example.com@127.0.0.1/", "https://127.0.0.1:80@example.com/",
    "https://a@b@c/", "https://u:@h/", "https://%75@h/",

    /* what ends the host for some and not for others */
    "https://example.com\\@127.0.0.1/", "https://127.0.0.1\\.example.com/",
    "https://h\\/a", "https://h/a\\b", "https://h/a?b\\c",
    "https://h\t/a", "https://h\r\n/a", "https://h/a\r\nHost: x",
    "https://h/a b", "https://h/a\tb", "https://h/a\x7f", "https://h/\x01",
    "https://h/?a\nb", "https://h/#a\nb", "https://h /", "\thttps://h/",
    "https://h/a\"b", "https://h/<a>", "https://h/a^b", "https://h/a`b",
    "https://h/{a}", "https://h/a|b", "https://h;/", "https://h,i/",
    "https://h&i/", "https://h=i/", "https://h!/", "https://h*/",
    "https://h(i)/", "https://h~/", "https://h'/", "https://$h/",

    /* percent signs */
    "https://h/%", "https://h/%4", "https://h/%zz", "https://h/a%4g",
    "https://%31%32%37.0.0.1/", "https://h%2f/", "https://h%00/",
    "https://%6c/",

    /* names */
    "https://.", "https://./", "https://..", "https://h./", "https://h../",
    "https://.h/", "https://a..b/", "https://-a/", "https://a-/",
    "https://a-.b/", "https://a.-b/", "https://127.0.0.1./",
    "https://example.com./", "https://b\xc3\xbc" "cher.example/",
    "https://\xe2\x91\xa0.example/", "https://ex\xc2\xad" "ample.com/",
    "https://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/",
    "https://127\xe3\x80\x82" "0.0.1/",

    /* forms of addresses that libraries know */
    "https://1/", "https://0/", "https://127.1/", "https://127.0.1/",
    "https://2130706433/", "https://017700000001/", "https://0x7f000001/",
    "https://0X7F000001/", "https://0x7f.0.0.1/", "https://0x7f.1/",
    "https://0177.0.0.1/", "https://127.0.0.01/", "https://127.0.0.0x1/",
    "https://127.0.0.256/", "https://256.256.256.256/", "https://1.2.3.4.5/",
    "https://example.1/", "https://example.0x1/", "https://a.1b/",
    "https://127.0.0.1a/", "https://169.254.43518/", "https://999/",
    "https://4294967296/", "https://1.2.3.4:/",

    /* IPv6 */
    "https://[]/", "https://[/", "https://]/", "https://[::1/",
    "https://::1/", "https://::1]/", "https://[::1]x/", "https://x[::1]/",
    "https://[[::1]]/", "https://[::1%eth0]/", "https://[::1%25eth0]/",
    "https://[fe80::1%251]/", "https://[1.2.3.4]/", "https://[::1.2.3]/",
    "https://[::g]/", "https://[:::]/", "https://[h]/", "https://[::1]:/",
    "https://[::1]:x/", "https://[::1]80/", "https://[v1.x]/",
    "https://1:2:3:4:5:6:7:8/",

    /* ports */
    "https://h:/", "https://h:0/", "https://h:00/", "https://h:0443/",
    "https://h:65536/", "https://h:99999999999999999999/", "https://h:-1/",
    "https://h:+1/", "https://h:44 3/", "https://h:443a/", "https://h:a/",
    "https://h:1:2/", "https://h:4294967739/", "https://h:0x50/",
    "https://h:8\xd9\xa1/"
};


typedef struct {
    const char  *base;
    const char  *reference;
    const char  *result;            /* NULL: refused */
} test_reference_t;


static const test_reference_t  test_references[] = {
    { "https://h/a/b?c", "https://i/j", "https://i/j" },
    { "https://h/a/b?c", "http://i/j", "http://i/j" },
    { "https://h/a/b?c", "HTTPS://I", "https://i/" },
    { "https://h/a/b?c", "//i/j", "https://i/j" },
    { "http://h/a/b?c", "//i/j?k#l", "http://i/j?k" },
    { "https://h:99/a/b?c", "/", "https://h:99/" },
    { "https://h:99/a/b?c", "/x?y#z", "https://h:99/x?y" },
    { "https://h/a/b?c", "?x", "https://h/a/b?x" },
    { "https://h/a/b?c", "#x", "https://h/a/b?c" },
    { "https://h/a/b?c", "x", "https://h/a/x" },
    { "https://h/a/b?c=/d/", "x", "https://h/a/x" },
    { "https://h/a/b/", "x/y", "https://h/a/b/x/y" },
    { "https://h/a/b", "../x", "https://h/x" },
    { "https://h/a/b", "../../../x", "https://h/x" },
    { "https://h/a/b", "./x", "https://h/a/x" },
    { "https://h/a/b", ".", "https://h/a/" },
    { "https://h/a/b", "..", "https://h/" },
    { "https://h", "x", "https://h/x" },
    { "https://h/a", "x@y", "https://h/x@y" },
    { "https://h/a", "x/y:z", "https://h/x/y:z" },
    { "https://[::1]:5/a", "b", "https://[::1]:5/b" },
    { "https://h/a", "\xc3\xbc", "https://h/%C3%BC" },
    { "https://h/a", "", NULL },
    { "https://h/a", "x y", NULL },
    { "https://h/a", "/x\r\nY: z", NULL },
    { "https://h/a", "\\\\i/", NULL },
    { "https://h/a", "/\\i/", NULL },
    { "https://h/a", "///i/", NULL },
    { "https://h/a", "//u@i/", NULL },
    { "https://h/a", "//127.1/", NULL },
    { "https://h/a", "//", NULL },
    { "https://h/a", "ftp://i/", NULL },
    { "https://h/a", "file:///etc/passwd", NULL },
    { "https://h/a", "https:x", NULL },
    { "https://h/a", "x:y", NULL },
    { "https://h/a", "data:image/png;base64,AAAA", NULL },
    { "https://h/a", "https://", NULL },
    { "https://h/a", "https://0x7f.1/", NULL },
    { "https://h/a", ":x", "https://h/:x" },
    { "https://h/a", "1:x", "https://h/1:x" }
};


#define test_rows(table)  (sizeof(table) / sizeof((table)[0]))


static ngx_int_t
test_parse(ngx_pool_t *pool, const char *text, size_t n, argo_url_t *url,
    const char **why)
{
    ngx_int_t  rc;
    ngx_str_t  s;

    /* freed at once: nothing may refer to it */

    s = test_copy(text, n);
    *why = NULL;

    rc = argo_url_parse(pool, &s, url, why);

    test_free(&s);

    return rc;
}


static void
test_accepted(ngx_pool_t *pool)
{
    ngx_uint_t          i;
    argo_url_t          url, again;
    const char         *why;
    const test_good_t  *row;

    for (i = 0; i < test_rows(test_good); i++) {
        row = &test_good[i];

        if (!is(test_parse(pool, row->text, strlen(row->text), &url, &why),
                NGX_OK, "%s", row->text))
        {
            printf("# %s\n", why);
            continue;
        }

        is_str(&url.text, row->normal, "%s, normal", row->text);
        is_str(&url.authority, row->authority, "%s, authority", row->text);
        is_str(&url.host, row->host, "%s, host", row->text);
        is_str(&url.uri, row->uri, "%s, uri", row->text);
        is(url.port, row->port, "%s, port", row->text);
        is(url.tls, strncmp(row->normal, "https:", 6) == 0, "%s, tls",
           row->text);

        is(test_parse(pool, (char *) url.text.data, url.text.len, &again,
                      &why),
           NGX_OK, "%s, read again", row->text);
        is_str(&again.text, row->normal, "%s, the same again", row->text);
    }

    is(test_parse(pool, "https://8.8.8.8/", 16, &url, &why), NGX_OK, "IPv4");
    is_mem(url.addr.data, url.addr.len, "\x08\x08\x08\x08", 4,
           "IPv4, address");

    is(test_parse(pool, "https://[::1]/", 14, &url, &why), NGX_OK, "IPv6");
    is_mem(url.addr.data, url.addr.len, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1",
           16, "IPv6, address");

    is(test_parse(pool, "https://h8/", 11, &url, &why), NGX_OK, "name");
    is((long long) url.addr.len, 0, "name, no address");
}


static void
test_declined(ngx_pool_t *pool)
{
    char         text[ARGO_URL_MAX + 2], label[66];
    ngx_uint_t   i;
    argo_url_t   url;
    const char  *why;

    for (i = 0; i < test_rows(test_refused); i++) {
        ok(test_parse(pool, test_refused[i], strlen(test_refused[i]), &url,
                      &why)
           == NGX_DECLINED && why, "\"%s\" is refused", test_refused[i]);
    }

    ok(test_parse(pool, "https://h/\0a", 12, &url, &why) == NGX_DECLINED,
       "a NUL byte in a path is refused");
    ok(test_parse(pool, "https://h\0.example/", 19, &url, &why)
       == NGX_DECLINED, "a NUL byte in a host is refused");

    memset(text, 'a', sizeof(text));
    memcpy(text, "https://h/", 10);

    is(test_parse(pool, text, ARGO_URL_MAX, &url, &why), NGX_OK,
       "the longest URL");
    is(test_parse(pool, text, ARGO_URL_MAX + 1, &url, &why), NGX_DECLINED,
       "a longer URL");

    memset(label, 'a', sizeof(label));

    (void) snprintf(text, sizeof(text), "https://%.63s.b/", label);
    is(test_parse(pool, text, strlen(text), &url, &why), NGX_OK,
       "the longest label");

    (void) snprintf(text, sizeof(text), "https://%.64s.b/", label);
    is(test_parse(pool, text, strlen(text), &url, &why), NGX_DECLINED,
       "a longer label");

    (void) snprintf(text, sizeof(text), "https://%.63s.%.63s.%.63s.%.61s/",
                    label, label, label, label);
    is(test_parse(pool, text, strlen(text), &url, &why), NGX_OK,
       "the longest name");

    (void) snprintf(text, sizeof(text), "https://%.63s.%.63s.%.63s.%.62s/",
                    label, label, label, label);
    is(test_parse(pool, text, strlen(text), &url, &why), NGX_DECLINED,
       "a longer name");
}


/* only what can stand in a line of a request comes out, whatever goes in */

static void
test_bytes(ngx_pool_t *pool)
{
    size_t       j, bad;
    ngx_uint_t   i, where;
    argo_url_t   url;
    const char  *why;

    static const struct {
        const char  *text;
        size_t       place;
    } rows[] = {
        { "https://hXst.example/", 9 },
        { "https://h/aXb", 11 },
        { "https://h/?aXb", 12 },
        { "https://h/#aXb", 12 }
    };

    char  text[32];

    bad = 0;

    for (where = 0; where < test_rows(rows); where++) {
        for (i = 0; i < 256; i++) {

            strcpy(text, rows[where].text);
            text[rows[where].place] = (char) i;

            if (test_parse(pool, text, strlen(rows[where].text), &url, &why)
                != NGX_OK)
            {
                continue;
            }

            for (j = 0; j < url.text.len; j++) {
                if (url.text.data[j] <= 0x20 || url.text.data[j] >= 0x7f) {
                    bad++;
                }
            }
        }
    }

    is((long long) bad, 0, "printable ASCII alone comes out");
}


static void
test_resolve(ngx_pool_t *pool)
{
    ngx_int_t                rc;
    ngx_str_t                s;
    ngx_uint_t               i;
    argo_url_t               base, url;
    const char              *why;
    const test_reference_t  *row;

    for (i = 0; i < test_rows(test_references); i++) {
        row = &test_references[i];

        (void) test_parse(pool, row->base, strlen(row->base), &base, &why);

        s = test_copy(row->reference, strlen(row->reference));
        rc = argo_url_resolve(pool, &base, &s, &url, &why);
        test_free(&s);

        if (row->result == NULL) {
            is(rc, NGX_DECLINED, "%s to \"%s\" is refused", row->base,
               row->reference);
            continue;
        }

        if (is(rc, NGX_OK, "%s to \"%s\"", row->base, row->reference)) {
            is_str(&url.text, row->result, "%s to \"%s\", result", row->base,
                   row->reference);
        }
    }
}


static void
test_no_memory(void)
{
    ngx_pool_t  *pool;
    argo_url_t   base, url;
    const char  *why;

    pool = test_pool();

    (void) argo_url_parse(pool, &STR("https://h/a"), &base, &why);

    ngx_shim_fail(1);
    is(argo_url_parse(pool, &STR("https://h/a"), &url, &why), NGX_ERROR,
       "no memory to parse");

    ngx_shim_fail(1);
    is(argo_url_resolve(pool, &base, &STR("b"), &url, &why), NGX_ERROR,
       "no memory to resolve");

    ngx_shim_fail(2);
    is(argo_url_resolve(pool, &base, &STR("b"), &url, &why), NGX_ERROR,
       "no memory to parse what was resolved");

    ngx_shim_fail(0);
    ngx_destroy_pool(pool);
}


int
main(void)
{
    ngx_pool_t  *pool;

    pool = test_pool();

    test_accepted(pool);
    test_declined(pool);
    test_bytes(pool);
    test_resolve(pool);

    ngx_destroy_pool(pool);

    test_no_memory();

    return done();
}
