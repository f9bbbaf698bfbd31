
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Release feeds: the forms that are read, and which release counts.
 */


#include "argo_test.h"

#include "argo_release.h"


typedef struct {
    const char  *feed;
    const char  *latest;                /* NULL: none */
    const char  *with_pre;              /* with pre-releases, or NULL */
} release_case_t;


static const release_case_t  cases[] = {

    /* one release */
    { "{\"tag_name\":\"v1.2.3\"}", "1.2.3", "1.2.3" },
    { "{\"tag_name\":\"1.2.3\",\"prerelease\":false}", "1.2.3", "1.2.3" },
    { "{\"version\":\"1.2.3\"}", "1.2.3", "1.2.3" },
    { "{\"latest\":\"1.2.3\"}", "1.2.3", "1.2.3" },
    { "{\"dist-tags\":{\"latest\":\"1.2.3\",\"next\":\"2.0.0-rc.1\"}}",
      "1.2.3", "1.2.3" },
    { "{\"name\":\"x\",\"dist-tags\":{\"latest\":\"1.2.3\"},"
      "\"versions\":{\"1.2.3\":{\"dist\":{\"a\":[[[1]]]}}}}", "1.2.3",
      "1.2.3" },
    { " {\"tag\\u005fname\" : \"v1\\u002e2.3\"}\n", "1.2.3", "1.2.3" },

    /* a text that is no version leaves it to the next member */
    { "{\"tag_name\":\"nightly\",\"version\":\"1.2.3\"}", "1.2.3", "1.2.3" },
    { "{\"tag_name\":null,\"latest\":\"1.2.3\"}", "1.2.3", "1.2.3" },
    { "{\"latest\":{\"version\":\"9.0.0\"},\"dist-tags\":{\"latest\":"
      "\"1.2.3\"}}", "1.2.3", "1.2.3" },

    /* several */
    { "[{\"tag_name\":\"v1.9.0\"},{\"tag_name\":\"v1.10.0\"},"
      "{\"tag_name\":\"v1.2.0\"}]", "1.10.0", "1.10.0" },
    { "[{\"tag_name\":\"v2.0.0-rc.1\",\"prerelease\":true},"
      "{\"tag_name\":\"v1.0.0\",\"prerelease\":false}]", "1.0.0",
      "2.0.0-rc.1" },
    { "[{\"tag_name\":\"v3.0.0\",\"prerelease\":true},"
      "{\"tag_name\":\"v1.0.0\"}]", "1.0.0", "3.0.0" },
    { "[{\"tag_name\":\"v2.0.0-rc.1\"},{\"tag_name\":\"v1.0.0\"}]", "1.0.0",
      "2.0.0-rc.1" },
    { "[{\"tag_name\":\"v9.0.0\",\"draft\":true},{\"tag_name\":\"v1.0.0\"}]",
      "1.0.0", "1.0.0" },
    { "[{\"tag_name\":\"nightly\"},7,null,[],\"v8.0.0\",{},"
      "{\"tag_name\":5},{\"tag_name\":\"v1.0.0\"}]", "1.0.0", "1.0.0" },

    /* nothing */
    { "[{\"tag_name\":\"v2.0.0-rc.1\",\"prerelease\":true}]", NULL,
      "2.0.0-rc.1" },
    { "[]", NULL, NULL },
    { "{}", NULL, NULL },
    { "[[{\"tag_name\":\"v1.0.0\"}]]", NULL, NULL },
    { "{\"tag_name\":\"latest\"}", NULL, NULL },
    { "{\"tag_name\":123}", NULL, NULL },
    { "{\"dist-tags\":\"1.0.0\"}", NULL, NULL },
    { "{\"dist-tags\":{\"next\":\"1.0.0\"}}", NULL, NULL },
    { "\"1.0.0\"", NULL, NULL },
    { "null", NULL, NULL },
    { "", NULL, NULL },
    { "<html>", NULL, NULL },
    { "{\"tag_name\":\"v1.2.3\"", NULL, NULL },
    { "{\"tag_name\":\"v1.2.3\"} x", NULL, NULL }
};


#define count_of(array)  (sizeof(array) / sizeof(array[0]))


static void
check(const release_case_t *c, ngx_uint_t pre)
{
    ngx_int_t       rc;
    ngx_str_t       feed;
    ngx_pool_t     *pool;
    const char     *expected;
    argo_error_t    err;
    argo_semver_t   latest;

    pool = test_pool();
    feed = test_copy(c->feed, strlen(c->feed));
    expected = pre ? c->with_pre : c->latest;

    rc = argo_release_latest(pool, &feed, pre, &latest, &err);

    if (expected == NULL) {
        if (is(rc, NGX_DECLINED, "nothing in %s", c->feed)) {
            is(err.status, 502, "status");
        }

    } else if (is(rc, NGX_OK, "%s", c->feed)) {
        is_str(&latest.text, expected, "latest, %s pre-releases",
               pre ? "with" : "without");
    }

    test_free(&feed);
    ngx_destroy_pool(pool);
}


/* Each allocation in turn fails. */

static void
check_memory(const char *text)
{
    ngx_int_t       rc;
    ngx_str_t       feed;
    ngx_uint_t      n;
    ngx_pool_t     *pool;
    argo_error_t    err;
    argo_semver_t   latest;

    feed = test_copy(text, strlen(text));

    for (n = 1; n < 1000; n++) {
        pool = test_pool();

        ngx_shim_fail(n);
        rc = argo_release_latest(pool, &feed, 0, &latest, &err);

        if (!ngx_shim_failed()) {
            ngx_shim_fail(0);
            ngx_destroy_pool(pool);
            break;
        }

        ngx_shim_fail(0);

        if (rc != NGX_ERROR) {
            is(rc, NGX_ERROR, "allocation %lu fails", (unsigned long) n);
        }

        ngx_destroy_pool(pool);
    }

    ok(n > 1 && n < 1000, "failed allocations, %lu of them",
       (unsigned long) n - 1);

    test_free(&feed);
}


int
main(void)
{
    ngx_uint_t  i;

    for (i = 0; i < count_of(cases); i++) {
        check(&cases[i], 0);
        check(&cases[i], 1);
    }

    check_memory("[{\"tag_name\":\"v1\\u002e2.3\"},{\"tag_name\":\"nightly\"},"
                 "{\"dist-tags\":{\"latest\":\"1.2\\u002e4\"}}]");

    return done();
}
