
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * argo_json_form.h: whatever documents come one after the other, each gives
 * the tree that it gives by itself.
 */


#include "argo_test.h"
#include "argo_json_form.h"


#define EVENT(text, n)                                                        \
    "{\"id\":\"a\",\"choices\":[{\"delta\":{\"content\":\"" text "\","        \
    "\"refusal\":null},\"index\":" n "}],\"model\":\"gpt\",\"none\":{}}"


static const char  *test_documents[] = {
    EVENT("", "0"),
    EVENT("Hello", "0"),
    EVENT("Hello", "0"),
    EVENT("\\n\\u00e9\\ud83d\\ude00\\\"", "0"),
    EVENT("\xe2\x82\xac", "0"),
    EVENT("x", "1"),
    EVENT("x", "12"),
    EVENT("x", "-0.5e+3"),
    EVENT("x", "012"),
    EVENT("x", "1e"),
    EVENT("x", "-"),
    EVENT("x", ""),
    EVENT("x", "null"),
    EVENT("x", "\"12\""),
    EVENT("\xff", "12"),
    EVENT("\n", "12"),
    EVENT("\\x", "12"),
    EVENT("a\",\"b\":\"c", "12"),
    EVENT("a", "12") " ",
    EVENT("a", "12") "x",
    " " EVENT("a", "12"),
    EVENT("a", "12"),
    "{\"id\":\"a\",\"choices\":[{\"delta\":{\"content\":\"a",
    EVENT("a", "12"),
    "{\"i\\u0064\":\"a\",\"b\":{\"c\":\"d\"}}",
    "{\"i\\u0064\":\"abc\",\"b\":{\"c\":\"d\"}}",
    "{\"\":\"a\",\"b\":{\"c\":\"d\"}}",
    "{\"\":\"ab\",\"b\":{\"c\":\"de\"}}",
    "{\"a\":{\"b\":{\"c\":{\"d\":\"deep\"}}},\"e\":\"f\"}",
    "{\"a\":{\"b\":{\"c\":{\"d\":\"deep\"}}},\"e\":\"fg\"}",
    "{\"a\":{\"b\":{\"c\":{\"d\":\"deeper\"}}},\"e\":\"fg\"}",
    "\"text\"",
    "\"another\"",
    "[\"a\",\"b\",[\"c\"],{}]",
    "[\"a\",\"\",[\"cdef\"],{}]",
    "[\"a\",\"\",[\"cdef\"],{},1]",
    "[\"a\",\"\",[\"cdef\"],{},1234]",
    "[-1,[22],3.5]",
    "[1,[2],3]",
    "17",
    "1",
    "[]",
    "[]",
    "{}",
    "",
    "null",
    "null"
};


/* large: not for the stack */
static argo_json_forms_t  forms;


#define TEST_DOCUMENTS  (sizeof(test_documents) / sizeof(test_documents[0]))


static ngx_uint_t
test_same(const argo_json_t *a, const argo_json_t *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }

    return a->raw.data == b->raw.data && a->raw.len == b->raw.len
           && a->start == b->start && a->name.len == b->name.len
           && (a->name.data == NULL) == (b->name.data == NULL)
           && (a->name.len == 0
               || memcmp(a->name.data, b->name.data, a->name.len) == 0)
           && a->count == b->count && a->type == b->type
           && a->escaped == b->escaped && !a->taken && !a->dropped
           && test_same(a->child, b->child) && test_same(a->next, b->next);
}


/* Parses each in a copy of its own size, with the form and without. */

static ngx_uint_t
test_one(argo_json_forms_t *forms, argo_json_likes_t *likes,
    ngx_pool_t *pool, const char *text, size_t len, ngx_uint_t depth)
{
    ngx_int_t      rc, expected;
    ngx_str_t      document;
    ngx_uint_t     same;
    argo_json_t   *root, *other;
    argo_error_t   err;

    document = test_copy(text, len);

    root = NULL;
    other = NULL;

    expected = argo_json_parse(pool, &document, depth, &other, &err);
    rc = argo_json_parse_alike(forms, likes, pool, &document, depth, &root,
                               &err);

    same = (rc == expected && test_same(root, other));

    if (root) {
        /* what a dialect does to it must not be seen in the next */
        root->taken = 1;
        root->dropped = 1;
    }

    test_free(&document);

    return same;
}


static void
test_pairs(ngx_uint_t depth)
{
    size_t             i, k, n;
    ngx_uint_t         wrong;
    ngx_pool_t        *pool;
    argo_json_likes_t  likes;

    wrong = 0;

    for (i = 0; i < TEST_DOCUMENTS; i++) {

        pool = test_pool();
        memset(&forms, 0, sizeof(forms));
        memset(&likes, 0, sizeof(likes));

        for (k = 0; k < TEST_DOCUMENTS; k++) {
            const char  *a = test_documents[i], *b = test_documents[k];

            likes.tries = 0;

            wrong += !test_one(&forms, &likes, pool, a, strlen(a), depth);
            wrong += !test_one(&forms, &likes, pool, a, strlen(a), depth);

            /* also cut short at each byte */

            for (n = 0; n <= strlen(b); n++) {
                wrong += !test_one(&forms, &likes, pool, b, n, depth);
            }
        }

        ngx_destroy_pool(pool);
    }

    ok(wrong == 0, "any two documents in turn, depth %d", (int) depth);
}


/* One byte of a document that is known is changed to any other. */

static void
test_bytes(void)
{
    char               text[256];
    size_t             i;
    unsigned           c;
    ngx_uint_t         wrong;
    ngx_pool_t        *pool;
    argo_json_likes_t  likes;

    wrong = 0;

    for (i = 0; i < strlen(test_documents[1]); i++) {

        pool = test_pool();
        memset(&forms, 0, sizeof(forms));
        memset(&likes, 0, sizeof(likes));

        for (c = 0; c < 256; c++) {
            strcpy(text, test_documents[1]);

            likes.tries = 0;

            wrong += !test_one(&forms, &likes, pool, text, strlen(text), 5);

            text[i] = (char) c;

            wrong += !test_one(&forms, &likes, pool, text,
                               strlen(test_documents[1]), 5);
        }

        ngx_destroy_pool(pool);
    }

    ok(wrong == 0, "any byte of a known document changed");
}


static ngx_uint_t
test_parse(argo_json_likes_t *likes, ngx_pool_t *pool, const char *text,
    argo_json_t **root)
{
    ngx_int_t     rc;
    ngx_str_t     document;
    argo_error_t  err;

    document = test_copy(text, strlen(text));

    rc = argo_json_parse_alike(&forms, likes, pool, &document, 5, root, &err);

    test_free(&document);

    return rc == NGX_OK;
}


static ngx_uint_t
test_known(const argo_json_t *root)
{
    ngx_uint_t  i;

    for (i = 0; i < ARGO_JSON_FORMS; i++) {
        if (root == forms.forms[i].nodes) {
            return 1;
        }
    }

    return 0;
}


static void
test_use(void)
{
    char               text[32], large[2 * ARGO_JSON_FORM_SIZE];
    ngx_uint_t         i, known;
    ngx_pool_t        *pool;
    argo_json_t       *root;
    argo_json_likes_t  likes, other, none;

    pool = test_pool();
    memset(&forms, 0, sizeof(forms));
    memset(&likes, 0, sizeof(likes));
    memset(&none, 0, sizeof(none));

    other = none;

    ok(test_parse(&likes, pool, EVENT("Hello", "0"), &root)
       && !test_known(root),
       "a first document");

    ok(test_parse(&likes, pool, EVENT("you", "12"), &root) && test_known(root),
       "one that is alike takes the tree of the one before");

    ok(test_parse(&other, pool, EVENT("there", "3"), &root)
       && test_known(root),
       "as does the first of another stream");

    ok(test_parse(&likes, pool, "{\"other\":1}", &root)
       && !test_known(root),
       "one that is not does not");

    ok(test_parse(&likes, pool, EVENT("again", "3"), &root)
       && test_known(root),
       "both are known from then on");

    memset(large, ' ', sizeof(large));
    memcpy(large, "[1", 2);
    large[sizeof(large) - 2] = ']';
    large[sizeof(large) - 1] = '\0';

    known = 0;

    for (i = 0; i < 2 * ARGO_JSON_FORMS; i++) {
        other = none;
        known += !test_parse(&other, pool, large, &root) || test_known(root);
    }

    ok(known == 0, "what is large is not learnt");

    ok(test_parse(&likes, pool, EVENT("yes", "3"), &root) && test_known(root),
       "and does not push out what is known");

    known = 0;

    for (i = 0; i < ARGO_JSON_FORMS; i++) {
        other = none;
        sprintf(text, "{\"k%d\":0}", (int) i);

        known += !test_parse(&other, pool, text, &root) || test_known(root);
    }

    other = none;

    ok(known == 0 && test_parse(&other, pool, EVENT("no", "3"), &root)
       && !test_known(root),
       "what is new pushes out what is old");

    other = none;
    known = 0;

    for (i = 0; i < ARGO_JSON_FORM_TRIES; i++) {
        sprintf(text, "{\"t%d\":0}", (int) i);

        known += !test_parse(&other, pool, text, &root) || test_known(root);
    }

    ok(known == 0 && test_parse(&other, pool, text, &root)
       && !test_known(root),
       "where all differ nothing is compared any more");

    ngx_destroy_pool(pool);
}


int
main(void)
{
    ngx_uint_t  depth;

    for (depth = 0; depth < 6; depth++) {
        test_pairs(depth);
    }

    test_bytes();
    test_use();

    return done();
}
