
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any lines as JSON documents that come one after the other, each of them also
 * with the text of one of its strings changed, as the events of a stream are.
 * What must hold: argo_json_parse_alike() says what argo_json_parse() says of
 * each, and the trees are the same, whatever was done to the one before.
 */


#include "argo_fuzz.h"
#include "argo_json_form.h"


#define FUZZ_LINES     64
#define FUZZ_VARIANTS  3


static const char  *fuzz_texts[] = {
    "", "a", "some more text", "\\n", "\\u00e9\\ud83d", "\xe2\x82\xac",
    "\xff", "\\", "\n", "\\x", "\",\"b\":\"c", "\\\"", "]"
};


#define FUZZ_NTEXTS  (sizeof(fuzz_texts) / sizeof(fuzz_texts[0]))


static void
fuzz_alike(argo_json_t *a, const argo_json_t *b)
{
    for ( /* void */ ; a && b; a = a->next, b = b->next) {

        FUZZ_CHECK(a->raw.data == b->raw.data && a->raw.len == b->raw.len);
        FUZZ_CHECK(a->start == b->start && a->count == b->count);
        FUZZ_CHECK(a->type == b->type && a->escaped == b->escaped);
        FUZZ_CHECK(!a->taken && !a->dropped);
        FUZZ_CHECK(fuzz_same(&a->name, &b->name));
        FUZZ_CHECK((a->name.data == NULL) == (b->name.data == NULL));

        fuzz_alike(a->child, b->child);

        /* what a dialect does to a tree is not seen in the next one */

        a->taken = fuzz_chance(2);
        a->dropped = fuzz_chance(2);
    }

    FUZZ_CHECK(a == NULL && b == NULL);
}


static void
fuzz_document(argo_json_form_t *form, ngx_pool_t *pool, const u_char *p,
    size_t n, ngx_uint_t depth)
{
    ngx_int_t      rc;
    ngx_str_t      document;
    argo_json_t   *root, *other;
    argo_error_t   err, expected;

    /* in memory of its own that is gone when the next one comes */

    document.len = n;
    document.data = malloc(n ? n : 1);
    FUZZ_CHECK(document.data != NULL);

    if (n) {
        memcpy(document.data, p, n);
    }

    rc = argo_json_parse(pool, &document, depth, &other, &expected);

    FUZZ_CHECK(argo_json_parse_alike(form, pool, &document, depth, &root,
                                     &err)
               == rc);

    if (rc == NGX_OK) {
        fuzz_alike(root, other);

    } else {
        FUZZ_CHECK(err.status == expected.status
                   && fuzz_same(&err.code, &expected.code)
                   && fuzz_same(&err.message, &expected.message));
    }

    free(document.data);
}


/* The same line with another text in one of its strings. */

static void
fuzz_variant(argo_json_form_t *form, ngx_pool_t *pool, const u_char *line,
    size_t n, ngx_uint_t depth)
{
    size_t       i, len, start, end;
    u_char      *copy, *p;
    const char  *text;

    start = fuzz_chance(n + 1);

    while (start < n && line[start] != '"') {
        start++;
    }

    if (start == n) {
        return;
    }

    start++;

    for (i = start; i < n && line[i] != '"'; i++) {
        i += (line[i] == '\\');
    }

    end = ngx_min(i, n);

    text = fuzz_texts[fuzz_chance(FUZZ_NTEXTS)];
    len = strlen(text);

    copy = malloc(n + len);
    FUZZ_CHECK(copy != NULL);

    p = ngx_cpymem(copy, line, start);
    p = ngx_cpymem(p, text, len);
    p = ngx_cpymem(p, line + end, n - end);

    fuzz_document(form, pool, copy, p - copy, depth);

    free(copy);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t             n;
    ngx_uint_t         i, k, depth;
    ngx_pool_t        *pool;
    const u_char      *p, *end, *eol;
    argo_json_form_t   form;

    fuzz_begin(data, size);

    pool = ngx_create_pool(4096, NULL);
    FUZZ_CHECK(pool != NULL);

    memset(&form, 0, sizeof(argo_json_form_t));

    depth = fuzz_chance(8);
    end = data + size;

    for (p = data, i = 0; p < end && i < FUZZ_LINES; p = eol + 1, i++) {
        eol = memchr(p, '\n', end - p);
        eol = eol ? eol : end;
        n = eol - p;

        /* as the lines of an event are, behind the name of the field */

        if (n > 6 && memcmp(p, "data: ", 6) == 0) {
            p += 6;
            n -= 6;
        }

        if (fuzz_chance(4) == 0) {
            form.tries = 0;
        }

        fuzz_document(&form, pool, p, n, depth);

        for (k = 0; k < FUZZ_VARIANTS; k++) {
            fuzz_variant(&form, pool, p, n, depth);
        }

        if (fuzz_chance(16) == 0) {
            depth = fuzz_chance(8);
        }

        if (eol == end) {
            break;
        }
    }

    ngx_destroy_pool(pool);

    return 0;
}
