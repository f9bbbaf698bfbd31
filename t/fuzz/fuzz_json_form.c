
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any lines as JSON documents that come one after the other, each of them also
 * with one of its strings or numbers changed, as the events of a stream are;
 * two successions of them, with the same forms.  What must hold:
 *
 *     argo_json_parse_alike() says what argo_json_parse() says of each
 *     the trees are the same, whatever was done to the one before
 */


#include "argo_fuzz.h"
#include "argo_json_form.h"


#define FUZZ_LINES     64
#define FUZZ_VARIANTS  3


typedef struct {
    argo_json_forms_t   forms;
    argo_json_likes_t   likes[2];
    ngx_pool_t         *pool;
    ngx_uint_t          depth;
} fuzz_alike_t;


static const char  *fuzz_texts[] = {
    "", "a", "some more text", "\\n", "\\u00e9\\ud83d", "\xe2\x82\xac",
    "\xff", "\\", "\n", "\\x", "\",\"b\":\"c", "\\\"", "]"
};


static const char  *fuzz_numbers[] = {
    "0", "-1", "12", "1.5", "1e9", "-0.0E-1", "00", "1.", "", "-", "1e", "+1",
    ".5", "12345678901234567890", "1,2", "0x1", "null"
};


#define FUZZ_NTEXTS    (sizeof(fuzz_texts) / sizeof(fuzz_texts[0]))
#define FUZZ_NNUMBERS  (sizeof(fuzz_numbers) / sizeof(fuzz_numbers[0]))


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
fuzz_document(fuzz_alike_t *alike, const u_char *p, size_t n)
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

    rc = argo_json_parse(alike->pool, &document, alike->depth, &other,
                         &expected);

    FUZZ_CHECK(argo_json_parse_alike(&alike->forms,
                                     &alike->likes[fuzz_chance(2)],
                                     alike->pool, &document, alike->depth,
                                     &root, &err)
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


static void
fuzz_put(fuzz_alike_t *alike, const u_char *line, size_t n, size_t start,
    size_t end, const char *text)
{
    u_char  *copy, *p;

    copy = malloc(n + strlen(text) + 1);
    FUZZ_CHECK(copy != NULL);

    p = ngx_cpymem(copy, line, start);
    p = ngx_cpymem(p, text, strlen(text));
    p = ngx_cpymem(p, line + end, n - end);

    fuzz_document(alike, copy, p - copy);

    free(copy);
}


/* The same line with another text or number in the place of one. */

static void
fuzz_variant(fuzz_alike_t *alike, const u_char *line, size_t n)
{
    size_t  start, end;

    start = fuzz_chance(n + 1);

    while (start < n && line[start] != '"'
           && (line[start] < '0' || line[start] > '9'))
    {
        start++;
    }

    if (start == n) {
        return;
    }

    end = start + 1;

    if (line[start] != '"') {

        while (end < n && line[end] >= '0' && line[end] <= '9') {
            end++;
        }

        fuzz_put(alike, line, n, start, end,
                 fuzz_numbers[fuzz_chance(FUZZ_NNUMBERS)]);
        return;
    }

    while (end < n && line[end] != '"') {
        end += (line[end] == '\\') ? 2 : 1;
    }

    fuzz_put(alike, line, n, start + 1, ngx_min(end, n),
             fuzz_texts[fuzz_chance(FUZZ_NTEXTS)]);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t               n;
    ngx_uint_t           i, k;
    const u_char        *p, *end, *eol;
    static fuzz_alike_t  alike;

    fuzz_begin(data, size);

    memset(&alike, 0, sizeof(fuzz_alike_t));

    alike.pool = ngx_create_pool(4096, NULL);
    FUZZ_CHECK(alike.pool != NULL);

    alike.depth = fuzz_chance(8);
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
            alike.likes[0].tries = 0;
            alike.likes[1].tries = 0;
        }

        fuzz_document(&alike, p, n);

        for (k = 0; k < FUZZ_VARIANTS; k++) {
            fuzz_variant(&alike, p, n);
        }

        if (fuzz_chance(16) == 0) {
            alike.depth = fuzz_chance(8);
        }

        if (eol == end) {
            break;
        }
    }

    ngx_destroy_pool(alike.pool);

    return 0;
}
