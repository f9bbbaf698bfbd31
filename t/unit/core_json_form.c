
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
    "[]",
    "[]",
    "{}",
    "",
    "null",
    "null"
};


#define TEST_DOCUMENTS  (sizeof(test_documents) / sizeof(test_documents[0]))


static ngx_uint_t
test_same(const argo_json_t *a, const argo_json_t *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }

    return a->raw.data == b->raw.data && a->raw.len == b->raw.len
           && a->start == b->start && a->name.len == b->name.len
           && (a->name.len == 0
               || memcmp(a->name.data, b->name.data, a->name.len) == 0)
           && a->count == b->count && a->type == b->type
           && a->escaped == b->escaped && !a->taken && !a->dropped
           && test_same(a->child, b->child) && test_same(a->next, b->next);
}


/* Parses each in a copy of its own size, with the form and without. */

static ngx_uint_t
test_one(argo_json_form_t *form, ngx_pool_t *pool, const char *text,
    size_t len, ngx_uint_t depth)
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
    rc = argo_json_parse_alike(form, pool, &document, depth, &root, &err);

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
    argo_json_form_t   form;

    wrong = 0;

    for (i = 0; i < TEST_DOCUMENTS; i++) {

        pool = test_pool();
        memset(&form, 0, sizeof(form));

        for (k = 0; k < TEST_DOCUMENTS; k++) {
            const char  *a = test_documents[i], *b = test_documents[k];

            form.tries = 0;

            wrong += !test_one(&form, pool, a, strlen(a), depth);
            wrong += !test_one(&form, pool, a, strlen(a), depth);

            /* also cut short at each byte */

            for (n = 0; n <= strlen(b); n++) {
                wrong += !test_one(&form, pool, b, n, depth);
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
    argo_json_form_t   form;

    wrong = 0;

    for (i = 0; i < strlen(test_documents[1]); i++) {

        pool = test_pool();
        memset(&form, 0, sizeof(form));

        for (c = 0; c < 256; c++) {
            strcpy(text, test_documents[1]);

            form.tries = 0;

            wrong += !test_one(&form, pool, text, strlen(text), 5);

            text[i] = (char) c;

            wrong += !test_one(&form, pool, text,
                               strlen(test_documents[1]), 5);
        }

        ngx_destroy_pool(pool);
    }

    ok(wrong == 0, "any byte of a known document changed");
}


static void
test_use(void)
{
    ngx_str_t          document;
    ngx_pool_t        *pool;
    argo_json_t       *root;
    argo_error_t       err;
    argo_json_form_t   form;

    pool = test_pool();
    memset(&form, 0, sizeof(form));

    ok(test_one(&form, pool, test_documents[1], strlen(test_documents[1]), 5),
       "a first document");

    document = test_copy(test_documents[3], strlen(test_documents[3]));

    ok(argo_json_parse_alike(&form, pool, &document, 5, &root, &err) == NGX_OK
       && root == form.nodes,
       "one that is alike takes the tree of the one before");

    test_free(&document);

    document = test_copy("{\"other\":1}", 11);

    ok(argo_json_parse_alike(&form, pool, &document, 5, &root, &err) == NGX_OK
       && root != form.nodes,
       "one that is not does not");

    test_free(&document);
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
