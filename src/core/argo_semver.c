
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Numbers are compared as text, so that they may be of any size.
 */


#include "argo_semver.h"


static ngx_int_t argo_semver_number(u_char **p, u_char *end,
    ngx_str_t *number);
static ngx_int_t argo_semver_identifiers(u_char **p, u_char *end,
    ngx_uint_t build, ngx_str_t *s);
static ngx_uint_t argo_semver_is_number(const u_char *p, size_t n);
static void argo_semver_identifier(u_char **p, u_char *end, ngx_str_t *s);
static ngx_int_t argo_semver_cmp_text(const ngx_str_t *a, const ngx_str_t *b,
    ngx_uint_t numbers);
static ngx_int_t argo_semver_cmp_pre(const ngx_str_t *a, const ngx_str_t *b);


ngx_int_t
argo_semver_parse(const ngx_str_t *s, argo_semver_t *version)
{
    u_char      *p, *end;
    ngx_str_t    build;
    ngx_uint_t   i;

    if (s->len > ARGO_SEMVER_MAX_LEN) {
        return NGX_DECLINED;
    }

    p = s->data;
    end = p + s->len;

    if (p < end && (*p == 'v' || *p == 'V')) {
        p++;
    }

    version->text.data = p;
    version->text.len = end - p;

    ngx_str_null(&version->pre);

    for (i = 0; i < 3; i++) {

        if (i > 0 && (p == end || *p++ != '.')) {
            return NGX_DECLINED;
        }

        if (argo_semver_number(&p, end, &version->numbers[i]) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    if (p < end && *p == '-') {
        p++;

        if (argo_semver_identifiers(&p, end, 0, &version->pre) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    if (p < end && *p == '+') {
        p++;

        if (argo_semver_identifiers(&p, end, 1, &build) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    return (p == end) ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
argo_semver_number(u_char **p, u_char *end, ngx_str_t *number)
{
    number->data = *p;

    while (*p < end && **p >= '0' && **p <= '9') {
        (*p)++;
    }

    number->len = *p - number->data;

    if (number->len == 0 || (number->len > 1 && number->data[0] == '0')) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* Identifiers with dots between them: a pre-release, or build metadata. */

static ngx_int_t
argo_semver_identifiers(u_char **p, u_char *end, ngx_uint_t build,
    ngx_str_t *s)
{
    u_char     c;
    ngx_str_t  part;

    s->data = *p;

    for ( ;; ) {
        part.data = *p;

        while (*p < end) {
            c = **p;

            if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
                  || (c >= 'A' && c <= 'Z') || c == '-'))
            {
                break;
            }

            (*p)++;
        }

        part.len = *p - part.data;

        if (part.len == 0) {
            return NGX_DECLINED;
        }

        if (!build && part.len > 1 && part.data[0] == '0'
            && argo_semver_is_number(part.data, part.len))
        {
            return NGX_DECLINED;
        }

        if (*p == end || **p != '.') {
            break;
        }

        (*p)++;
    }

    s->len = *p - s->data;

    return NGX_OK;
}


static ngx_uint_t
argo_semver_is_number(const u_char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return 0;
        }
    }

    return 1;
}


ngx_int_t
argo_semver_cmp(const argo_semver_t *a, const argo_semver_t *b)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    for (i = 0; i < 3; i++) {
        rc = argo_semver_cmp_text(&a->numbers[i], &b->numbers[i], 1);
        if (rc != 0) {
            return rc;
        }
    }

    return argo_semver_cmp_pre(&a->pre, &b->pre);
}


/* Numbers have no leading zeroes: the longer one is the higher one. */

static ngx_int_t
argo_semver_cmp_text(const ngx_str_t *a, const ngx_str_t *b,
    ngx_uint_t numbers)
{
    ngx_int_t  rc;

    if (numbers && a->len != b->len) {
        return (a->len > b->len) ? 1 : -1;
    }

    rc = ngx_memcmp(a->data, b->data, ngx_min(a->len, b->len));
    if (rc != 0) {
        return rc;
    }

    return (ngx_int_t) (a->len > b->len) - (ngx_int_t) (a->len < b->len);
}


static ngx_int_t
argo_semver_cmp_pre(const ngx_str_t *a, const ngx_str_t *b)
{
    u_char     *p, *q, *pend, *qend;
    ngx_int_t   rc, anum, bnum;
    ngx_str_t   one, two;

    if (a->len == 0 || b->len == 0) {
        /* a release follows its pre-releases */
        return (ngx_int_t) (a->len == 0) - (ngx_int_t) (b->len == 0);
    }

    p = a->data;
    pend = p + a->len;
    q = b->data;
    qend = q + b->len;

    while (p < pend && q < qend) {
        argo_semver_identifier(&p, pend, &one);
        argo_semver_identifier(&q, qend, &two);

        anum = argo_semver_is_number(one.data, one.len);
        bnum = argo_semver_is_number(two.data, two.len);

        if (anum != bnum) {
            /* numbers come before words */
            return anum ? -1 : 1;
        }

        rc = argo_semver_cmp_text(&one, &two, anum);
        if (rc != 0) {
            return rc;
        }
    }

    return (ngx_int_t) (p < pend) - (ngx_int_t) (q < qend);
}


static void
argo_semver_identifier(u_char **p, u_char *end, ngx_str_t *s)
{
    s->data = *p;

    while (*p < end && **p != '.') {
        (*p)++;
    }

    s->len = *p - s->data;

    if (*p < end) {
        (*p)++;
    }
}
