
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Semantic versions: what is one, and which is the higher one.
 */


#include "argo_test.h"

#include "argo_semver.h"


/* each lower than the next */

static const char  *ordered[] = {
    "0.0.0-0",
    "0.0.0",
    "0.0.1",
    "0.0.9",
    "0.0.10",
    "0.1.0-rc.1",
    "0.1.0",
    "0.9.0",
    "0.10.0",
    "1.0.0-0",
    "1.0.0-1",
    "1.0.0-2",
    "1.0.0-10",
    "1.0.0-18446744073709551615",
    "1.0.0-18446744073709551616",
    "1.0.0--",
    "1.0.0-1a",
    "1.0.0-A",
    "1.0.0-a",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.1.0",
    "1.0.0-alpha.2",
    "1.0.0-alpha.10",
    "1.0.0-alpha.beta",
    "1.0.0-alpha-",
    "1.0.0-alpha0",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0-rc.1.0",
    "1.0.0",
    "1.0.1-alpha",
    "1.2.3",
    "1.2.20",
    "1.10.0",
    "2.0.0",
    "10.0.0",
    "99999999999999999999.0.0",
    "100000000000000000000.0.0"
};


static const char  *equal[][2] = {
    { "1.0.0", "1.0.0" },
    { "v1.0.0", "1.0.0" },
    { "V1.0.0-rc.1", "1.0.0-rc.1" },
    { "1.0.0+build", "1.0.0" },
    { "1.0.0+build.1", "1.0.0+build.2" },
    { "1.0.0+001", "1.0.0+-" },
    { "1.0.0-alpha+x", "1.0.0-alpha+y.z" },
    { "1.0.0-0a", "1.0.0-0a" }
};


static const char  *invalid[] = {
    "",
    "v",
    "vv1.0.0",
    "1",
    "1.0",
    "1.0.",
    "1.0.0.",
    "1.0.0.0",
    ".1.0.0",
    "1..0",
    "01.0.0",
    "1.00.0",
    "1.0.01",
    "-1.0.0",
    "+1.0.0",
    "1.0.0-",
    "1.0.0-+x",
    "1.0.0-a..b",
    "1.0.0-.a",
    "1.0.0-a.",
    "1.0.0-01",
    "1.0.0-a.00",
    "1.0.0+",
    "1.0.0+a..b",
    "1.0.0+a+b",
    "1.0.0-a_b",
    "1.0.0 ",
    " 1.0.0",
    "1.0.0\n",
    "1.0.x",
    "1.0.0-\xc3\xa4",
    "release-1.0.0",
    "latest",
    "1.0.0-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
};


#define count_of(array)  (sizeof(array) / sizeof(array[0]))


/* Parses a copy behind which nothing may be read. */

static ngx_int_t
parse(const char *text, ngx_str_t *s, argo_semver_t *version)
{
    *s = test_copy(text, strlen(text));

    return argo_semver_parse(s, version);
}


static ngx_int_t
compare(const char *one, const char *two)
{
    ngx_int_t      rc;
    ngx_str_t      s, t;
    argo_semver_t  a, b;

    if (parse(one, &s, &a) != NGX_OK || parse(two, &t, &b) != NGX_OK) {
        rc = -99;

    } else {
        rc = argo_semver_cmp(&a, &b);
        rc = (rc > 0) - (rc < 0);
    }

    test_free(&s);
    test_free(&t);

    return rc;
}


static void
test_parts(void)
{
    ngx_str_t      s;
    argo_semver_t  version;

    is(parse("v1.22.333-rc.1-x.7+build.01", &s, &version), NGX_OK,
       "all parts");
    is_str(&version.text, "1.22.333-rc.1-x.7+build.01", "text without v");
    is_str(&version.numbers[0], "1", "major");
    is_str(&version.numbers[1], "22", "minor");
    is_str(&version.numbers[2], "333", "patch");
    is_str(&version.pre, "rc.1-x.7", "pre-release");
    test_free(&s);

    is(parse("1.2.3+b", &s, &version), NGX_OK, "no pre-release");
    is(version.pre.len, 0, "empty pre-release");
    test_free(&s);
}


int
main(void)
{
    ngx_str_t      s;
    ngx_uint_t     i, k;
    argo_semver_t  version;

    test_parts();

    for (i = 0; i < count_of(ordered); i++) {
        for (k = 0; k < count_of(ordered); k++) {

            if (compare(ordered[i], ordered[k])
                != (ngx_int_t) (i > k) - (ngx_int_t) (i < k))
            {
                break;
            }
        }

        ok(k == count_of(ordered), "%s among all%s%s", ordered[i],
           (k < count_of(ordered)) ? ", not " : "",
           (k < count_of(ordered)) ? ordered[k] : "");
    }

    for (i = 0; i < count_of(equal); i++) {
        is(compare(equal[i][0], equal[i][1]), 0, "%s is %s", equal[i][0],
           equal[i][1]);
    }

    for (i = 0; i < count_of(invalid); i++) {
        is(parse(invalid[i], &s, &version), NGX_DECLINED,
           "\"%s\" is no version", invalid[i]);
        test_free(&s);
    }

    return done();
}
