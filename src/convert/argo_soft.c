
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Recognition of replies in which ARGO itself refuses: one byte after the
 * other, so that the verdict does not depend on how the text was cut.
 */


#include "argo_soft.h"


#define argo_soft_same(c, p)                                                  \
    ((c) == (p) || ((p) == '#' && (c) >= '0' && (c) <= '9'))


/* no status: how a failure begins */

typedef struct {
    ngx_str_t     text;             /* lower case; '#' is any digit */
    ngx_uint_t    status;
    const char   *code;
    const char   *message;
} argo_soft_pattern_t;


#define ARGO_SOFT_DENIED                                                      \
    "ARGO denied access: it does not know the user name of this request as "  \
    "an authorized user of its API"


static const argo_soft_pattern_t  argo_soft_patterns[] = {

    { ngx_string("important authentication notice from argo"),
      403, "argo_access_denied", ARGO_SOFT_DENIED },

    { ngx_string("authentication notice from argo"),
      403, "argo_access_denied", ARGO_SOFT_DENIED },

    { ngx_string("you passed a messages field along with a system and or "
                 "prompt field"),
      400, "argo_rejected",
      "ARGO rejected the request: it takes either \"messages\" or \"system\" "
      "and \"prompt\", not both" },

    { ngx_string("'nonetype' object "), 0, NULL, NULL },
    { ngx_string("error code: ### - "), 0, NULL, NULL },
    { ngx_string("httpsconnectionpool(host="), 0, NULL, NULL },
    { ngx_string("httpconnectionpool(host="), 0, NULL, NULL }
};


#define ARGO_SOFT_NPATTERNS                                                   \
    (sizeof(argo_soft_patterns) / sizeof(argo_soft_patterns[0]))


/* what the notice is decorated with, besides stars and blanks */

static const ngx_str_t  argo_soft_emoji[] = {
    ngx_string("\xe2\x9a\xa0"),             /* U+26A0, warning sign */
    ngx_string("\xef\xb8\x8f"),             /* U+FE0F, shown as an emoji */
    ngx_string("\xf0\x9f\x9a\xab")          /* U+1F6AB, no entry */
};


#define ARGO_SOFT_NEMOJI                                                      \
    (sizeof(argo_soft_emoji) / sizeof(argo_soft_emoji[0]))


static ngx_int_t argo_soft_decoration(argo_soft_t *soft, u_char c);
static ngx_int_t argo_soft_match(argo_soft_t *soft, u_char c,
    argo_error_t *err);


ngx_int_t
argo_soft_check(argo_soft_t *soft, const u_char *p, size_t n,
    argo_error_t *err)
{
    size_t     i;
    ngx_int_t  rc;

    for (i = 0; i < n; i++) {

        if (soft->failure) {
            n -= i;

            if (n > (size_t) (ARGO_SOFT_HOLD_FAILURE - soft->seen)) {
                soft->failure = 0;
                return NGX_OK;
            }

            soft->seen += n;

            return NGX_AGAIN;
        }

        rc = soft->begun ? NGX_DECLINED : argo_soft_decoration(soft, p[i]);

        if (rc == NGX_DECLINED) {
            rc = argo_soft_match(soft, p[i], err);
        }

        if (rc != NGX_AGAIN) {
            return rc;
        }

        if (++soft->seen == ARGO_SOFT_HOLD && !soft->failure) {
            return NGX_OK;
        }
    }

    return NGX_AGAIN;
}


/* NGX_DECLINED: the text proper begins here */

static ngx_int_t
argo_soft_decoration(argo_soft_t *soft, u_char c)
{
    ngx_uint_t        i;
    const ngx_str_t  *emoji;

    if (soft->emoji) {
        emoji = &argo_soft_emoji[soft->emoji - 1];

        if (c != emoji->data[soft->emoji_seen]) {
            return NGX_OK;
        }

        if (++soft->emoji_seen == emoji->len) {
            soft->emoji = 0;
        }

        return NGX_AGAIN;
    }

    switch (c) {

    case ' ':
    case '\t':
    case CR:
    case LF:
    case '*':
    case '#':
        return NGX_AGAIN;
    }

    for (i = 0; i < ARGO_SOFT_NEMOJI; i++) {
        if (c == argo_soft_emoji[i].data[0]) {
            soft->emoji = i + 1;
            soft->emoji_seen = 1;
            return NGX_AGAIN;
        }
    }

    soft->begun = 1;
    soft->candidates = (1u << ARGO_SOFT_NPATTERNS) - 1;

    return NGX_DECLINED;
}


static ngx_int_t
argo_soft_match(argo_soft_t *soft, u_char c, argo_error_t *err)
{
    ngx_uint_t                  i;
    const argo_soft_pattern_t  *pattern;

    c = ngx_tolower(c);

    for (i = 0; i < ARGO_SOFT_NPATTERNS; i++) {

        if (!(soft->candidates & (1u << i))) {
            continue;
        }

        pattern = &argo_soft_patterns[i];

        if (!argo_soft_same(c, pattern->text.data[soft->matched])) {
            soft->candidates &= ~(1u << i);
            continue;
        }

        if (soft->matched + 1u != pattern->text.len) {
            continue;
        }

        if (pattern->status) {
            return argo_error_set(err, pattern->status, pattern->code, NULL,
                                  pattern->message);
        }

        soft->failure = 1;

        return NGX_AGAIN;
    }

    soft->matched++;

    return soft->candidates ? NGX_AGAIN : NGX_OK;
}
