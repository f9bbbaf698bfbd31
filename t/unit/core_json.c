
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * argo_json.h: the tree, its limits, and what is refused.
 */


#include "argo_test.h"
#include "argo_json.h"
#include "argo_out.h"
#include "argo_json_write.h"

#include <ctype.h>


#define TEST_DEEP  ARGO_JSON_MAX_DEPTH


/* A document with something of everything, also in hard-to-slice places. */

static const char  test_all[] =
    " \t\r\n{ \"model\" :\"gpt4o\" , \"n\":1,\"temperature\" : 1.10e+05 ,"
    "\"\\u0075ser\":\"al\\u0069ce\",\"tru\\\"e\":true, \"false\":false,"
    "\"null\" :null,\"\":\"\",\"empty\":[ ],\"none\":{ },"
    "\"big\":123456789012345678901234567890.5e400,"
    "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
    "\"text\":\"a\\n\\\"b\\\\\"}, { \"x\" : [ 1 , -2 ,\"\\t\", \"q\" , null,"
    "true,false,[[\"\\\\\"]],{}]}]} , {\"role\":\"assistant\"}],"
    "\"\xe2\x82\xac\":\"\xf0\x9f\x98\x80\",\"n\":2 , \"last\":\"\\\\\" } \n";


static argo_json_t *
test_parse(ngx_pool_t *pool, const char *text, ngx_uint_t depth)
{
    ngx_str_t      document;
    argo_json_t   *root;
    argo_error_t   err;

    document.len = strlen(text);
    document.data = (u_char *) text;

    memset(&err, 0, sizeof(err));

    if (argo_json_parse(pool, &document, depth, &root, &err) != NGX_OK) {
        printf("# %.*s\n", (int) err.message.len, err.message.data);
        return NULL;
    }

    return root;
}


/* Parses a copy of its own size, so that reading behind it is seen. */

static ngx_int_t
test_try(ngx_pool_t *pool, const void *p, size_t n, argo_error_t *err)
{
    ngx_int_t     rc;
    ngx_str_t     document;
    argo_json_t  *root;

    document = test_copy(p, n);

    memset(err, 0, sizeof(argo_error_t));

    rc = argo_json_parse(pool, &document, TEST_DEEP, &root, err);

    test_free(&document);

    return rc;
}


/*
 * Every node once more by itself: its slice must be a document that gives
 * the same node.  Returns how many nodes were not as they should be.
 */

static ngx_uint_t
test_reparse(ngx_pool_t *pool, const argo_json_t *node, ngx_uint_t depth)
{
    ngx_int_t      rc;
    ngx_uint_t     bad, count;
    argo_json_t   *again, *child;
    argo_error_t   err;

    rc = argo_json_parse(pool, &node->raw, TEST_DEEP, &again, &err);

    if (rc != NGX_OK || again->raw.data != node->raw.data
        || again->raw.len != node->raw.len || again->type != node->type
        || again->count != node->count || again->escaped != node->escaped)
    {
        return 1;
    }

    bad = 0;
    count = 0;

    for (child = node->child; child; child = child->next) {
        bad += test_reparse(pool, child, depth + 1);
        count++;
    }

    if (count != node->count && count != 0) {
        bad++;
    }

    return bad;
}


/* Members as one line: name, type, raw, children. */

static void
test_dump(argo_out_t *out, const argo_json_t *node)
{
    static const char  types[] = "nft0sao";

    if (node->name.data) {
        argo_out_str(out, &node->name);
        argo_out_lit(out, "=");
    }

    argo_out_write(out, &types[node->type], 1);

    if (node->escaped) {
        argo_out_lit(out, "\\");
    }

    if (node->type != ARGO_JSON_ARRAY && node->type != ARGO_JSON_OBJECT) {
        argo_out_lit(out, "<");
        argo_out_str(out, &node->raw);
        argo_out_lit(out, ">");
        return;
    }

    argo_out_int(out, node->count);
    argo_out_lit(out, "(");

    for (node = node->child; node; node = node->next) {
        test_dump(out, node);

        if (node->next) {
            argo_out_lit(out, " ");
        }
    }

    argo_out_lit(out, ")");
}


static void
test_tree(void)
{
    size_t        i;
    ngx_str_t     s;
    ngx_pool_t   *pool;
    argo_out_t    out;
    argo_json_t  *root;

    static const struct {
        const char  *text;
        ngx_uint_t   depth;
        const char  *dump;
    } table[] = {
        { "null", 0, "n<null>" },
        { "true", 0, "t<true>" },
        { "false", 0, "f<false>" },
        { "0", 0, "0<0>" },
        { " \r\n\t-12.50e-3 ", 0, "0<-12.50e-3>" },
        { "  1234", 0, "0<1234>" },
        { "\"\"", 0, "s<\"\">" },
        { " \"a b\" ", 0, "s<\"a b\">" },
        { " \"a\\\"b\"", 0, "s\\<\"a\\\"b\">" },
        { "[]", 9, "a0()" },
        { " [ ] ", 9, "a0()" },
        { "{}", 9, "o0()" },
        { "[1,\"\\n\" , \"\\t\",[\"\\\\\"],\"\\r\"]", 9,
          "a5(0<1> s\\<\"\\n\"> s\\<\"\\t\"> a1(s\\<\"\\\\\">) "
          "s\\<\"\\r\">)" },
        { "{\"a\":1,\"a\":{\"a\":[true]},\"\\u0061\":null}", 9,
          "o3(a=0<1> a=o1(a=a1(t<true>)) a=n<null>)" },
        { "{\"a\":[1,2,[3,4,5]],\"b\":{\"c\":1,\"d\":{\"e\":2}},\"f\":\"\"}",
          0, "o3()" },
        { "{\"a\":[1,2,[3,4,5]],\"b\":{\"c\":1,\"d\":{\"e\":2}},\"f\":\"\"}",
          1, "o3(a=a3() b=o2() f=s<\"\">)" },
        { "{\"a\":[1,2,[3,4,5]],\"b\":{\"c\":1,\"d\":{\"e\":2}},\"f\":\"\"}",
          2, "o3(a=a3(0<1> 0<2> a3()) b=o2(c=0<1> d=o1()) f=s<\"\">)" },
        { "[[\"\\n\",{\"\\n\":\"\\n\"}] , \"\\n\",{\"\\n\":\"\\n\"},\"\\n\"]",
          1, "a4(a2() s\\<\"\\n\"> o1() s\\<\"\\n\">)" },
        { "{\"\":{\"\":\"\"}}", 9, "o1(=o1(=s<\"\">))" }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        pool = test_pool();

        root = test_parse(pool, table[i].text, table[i].depth);

        if (ok(root != NULL, "parsed: %s", table[i].text)) {
            argo_out_init(&out, pool, 256, NULL, 1);
            test_dump(&out, root);
            (void) argo_out_flatten(&out, pool, &s);
            is_str(&s, table[i].dump, "its tree of depth %lu",
                   (unsigned long) table[i].depth);
        }

        ngx_destroy_pool(pool);
    }
}


static void
test_members(void)
{
    ngx_str_t     s;
    ngx_pool_t   *pool;
    argo_json_t  *root, *node;

    pool = test_pool();

    root = test_parse(pool, test_all, TEST_DEEP);

    if (!ok(root != NULL, "a document with everything")) {
        ngx_destroy_pool(pool);
        return;
    }

    ok(root->raw.data == (u_char *) strchr(test_all, '{')
       && root->raw.data + root->raw.len
          == (u_char *) strrchr(test_all, '}') + 1,
       "the root's slice is the object without the white space round it");
    ok(root->start == root->raw.data && root->name.data == NULL,
       "the root has no name");
    is(root->count, 15, "its members");
    is((long long) test_reparse(pool, root, 0), 0,
       "every slice is a document of its own");

    node = argo_json_get(root, "user");

    ok(node != NULL, "a name with an escape is found");
    is_str(&node->name, "user", "its name is unescaped");
    ok(memcmp(node->start, "\"\\u0075ser\"", 11) == 0,
       "it starts with its raw name");
    is_str(&node->raw, "\"al\\u0069ce\"", "its slice has its escapes");
    ok(node->escaped, "it is marked");

    node = argo_json_get(root, "tru\"e");
    ok(node && node->type == ARGO_JSON_TRUE, "a name with a quote in it");

    node = argo_json_get(root, "n");
    ok(node && argo_str_is(&node->raw, "2"), "the last of two is found");

    node = argo_json_get(root, "");
    ok(node && node->type == ARGO_JSON_STRING && !node->escaped,
       "the empty name");
    ok(memcmp(node->start, "\"\":\"\"", 5) == 0, "starts at its quote");

    node = argo_json_get(root, "\xe2\x82\xac");
    ok(node && argo_json_is(node, "\xf0\x9f\x98\x80"), "names beyond ASCII");

    node = argo_json_get(root, "big");
    is_str(&node->raw, "123456789012345678901234567890.5e400",
           "a big number keeps its digits");

    node = argo_json_get(root, "temperature");
    is_str(&node->raw, "1.10e+05", "as does a decimal");

    node = argo_json_get(root, "last");
    is_str(&node->raw, "\"\\\\\"", "a string of one backslash");
    ok(node->next == NULL, "the last member has no next");

    node = argo_json_get(root, "messages");
    ok(node->child->start == node->child->raw.data
       && node->child->name.data == NULL,
       "an array's element has no name");
    ok(*node->child->next->start == '{', "and starts where its slice does");

    ok(argo_json_get(root, "nothing") == NULL, "an unknown name");
    ok(argo_json_get(root, "mode") == NULL, "a part of a name");
    ok(argo_json_get(root, "models") == NULL, "more than a name");
    ok(argo_json_get(node, "role") == NULL, "a name in an array");
    ok(argo_json_get(NULL, "role") == NULL, "a name in nothing");

    /* unescaped names hold any byte */

    root = test_parse(pool, "{\"a\\u0000b\":1,\"\\ud800\":2,"
                      "\"\\ud83d\\ude00\\ude00\\ud83dx\":3}", 1);

    node = argo_json_get(root, "a\0b");
    ok(node && node->name.len == 3, "a name with a NUL");

    node = argo_json_get(root, "\xef\xbf\xbd");
    ok(node && argo_str_is(&node->raw, "2"), "a lone surrogate as a name");

    s = root->child->next->next->name;
    is_str(&s, "\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbdx",
           "a pair and halves of pairs in a name");

    ngx_destroy_pool(pool);
}


static void
test_slices(void)
{
    ngx_pool_t   *pool;
    ngx_uint_t    depth, bad;
    argo_json_t  *root, *full, *a, *b;

    pool = test_pool();

    full = test_parse(pool, test_all, TEST_DEEP);
    bad = 0;

    for (depth = 0; depth < 9; depth++) {
        root = test_parse(pool, test_all, depth);

        if (root == NULL || root->raw.len != full->raw.len
            || root->count != full->count)
        {
            bad++;
            continue;
        }

        bad += test_reparse(pool, root, 0);

        /* the same slices two levels down, with or without children */

        for (a = root->child, b = full->child; a; a = a->next, b = b->next) {

            if (a->raw.data != b->raw.data || a->raw.len != b->raw.len
                || a->start != b->start || a->count != b->count
                || a->name.len != b->name.len)
            {
                bad++;
            }

            if (depth == 1 && a->child) {
                bad++;
            }

            if (depth > 1 && (a->child == NULL) != (b->child == NULL)) {
                bad++;
            }
        }

        if ((depth == 0) != (root->child == NULL)) {
            bad++;
        }
    }

    is((long long) bad, 0, "slices do not depend on the tree's depth");

    ngx_destroy_pool(pool);
}


static void
test_refused(void)
{
    size_t         i;
    ngx_int_t      rc;
    ngx_pool_t    *pool;
    argo_error_t   err;

    static const char  *table[] = {
        "x", "nul", "nulll", "tru", "TRUE", "True", "NaN", "Infinity",
        "-Infinity", "undefined", "'a'", "a", "+1", "-", "01", "-01", "1.",
        ".5", "1.e5", "1e", "1e+", "0x10", "1_000", "--1", "\"", "\"a",
        "\"\\", "\"\\\"", "\"\\x\"", "\"\\u\"", "\"\\u12\"", "\"\\u12g4\"",
        "\"\\U0041\"", "\"a\nb\"", "\"a\tb\"", "\"\x01\"", "\"\x1f\"",
        "\"\\'\"", "[", "]", "{", "}", "[1", "[1,", "[1,]", "[,1]", "[,]",
        "[1 2]", "[1}", "{1}", "{]", "{\"a\"", "{\"a\"}", "{\"a\":", "{\"a\":}",
        "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{,\"a\":1}", "{a:1}",
        "{1:1}", "{\"a\":1 \"b\":2}", "{\"a\",1}", "{\"a\"::1}",
        "{\"a\":1:2}", "{null:1}", "{[]:1}", "{{}:1}", "{\"a\":1]", "[{]}",
        "1 2", "{} {}", "{},", "[] x", "{}]", "{}}", "\"a\" \"b\"",
        "{} \"b", "{} \"", "[] \"\\", "1 \"a", "\"a\"\"", "{}\x01",
        "{} tru", "{} -", "{} 1", "{} 1.", "// c\n1", "1 // c", "/* c */ 1",
        "[1,/* c */2]", "# c\n1", "\xef\xbb\xbf{}", "\xff", "\"\xff\"",
        "\"\x80\"", "\"\xc0\x80\"", "\"\xe0\x80\x80\"", "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "\"\xf0\x9f\x98\"", "\"\xc3",
        "\xc2\xa0{}", "{\"\xff\":1}", "\v1", "1\f", "[1,\f2]", "[\v]",
        "\f", "{\"a\"\v:1}", "{}\v", ",", ":", "[:]", "\\u0041", "[1,\"a]"
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        pool = test_pool();

        rc = test_try(pool, table[i], strlen(table[i]), &err);

        ok(rc == NGX_DECLINED && err.status == 400
           && err.type == ARGO_ERROR_INVALID_REQUEST
           && err.param.data == NULL && argo_str_is(&err.code, "invalid_json")
           && err.message.len > 20
           && memcmp(err.message.data, "invalid JSON at byte ", 21) == 0
           && err.message.data[err.message.len - 1] > ' '
           && err.message.data[err.message.len - 1] != '.',
           "refused: document %lu", (unsigned long) i);

        if (rc != NGX_DECLINED) {
            test_show("document", (u_char *) table[i], strlen(table[i]));
        }

        ngx_destroy_pool(pool);
    }

    /* NUL bytes, which the table cannot hold */

    pool = test_pool();

    is(test_try(pool, "\0", 1, &err), NGX_DECLINED, "a NUL");
    is(test_try(pool, "{}\0", 3, &err), NGX_DECLINED, "a NUL behind it");
    is(test_try(pool, "\"\0\"", 3, &err), NGX_DECLINED, "a NUL in a string");
    is(test_try(pool, "[1\0]", 4, &err), NGX_DECLINED, "a NUL in an array");

    ngx_destroy_pool(pool);
}


static void
test_messages(void)
{
    size_t         i;
    ngx_str_t      none;
    ngx_pool_t    *pool;
    argo_json_t   *root;
    argo_error_t   err;

    static const struct {
        const char  *text;
        const char  *message;
    } table[] = {
        { "", "the JSON document is empty" },
        { " \t\r\n ", "the JSON document is empty" },
        { "{\"secret\":x}",
          "invalid JSON at byte 11: invalid char in json text" },
        { "{\"secret\":1", "invalid JSON at byte 11: premature EOF" },
        { "{} {}", "invalid JSON at byte 4: trailing garbage" },
        { "{} \"secret", "invalid JSON at byte 3: trailing garbage" },
        { "[\"ab\xff\"]", "invalid JSON at byte 4: ill-formed UTF-8" },
        { "[1,\f2]", "invalid JSON at byte 3: control character" }
    };

    pool = test_pool();

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        is(test_try(pool, table[i].text, strlen(table[i].text), &err),
           NGX_DECLINED, "document %lu is refused", (unsigned long) i);
        is_str(&err.message, table[i].message, "with this message");
        is_str(&err.code, "invalid_json", "and this code");
    }

    ngx_str_null(&none);

    is(argo_json_parse(pool, &none, 1, &root, &err), NGX_DECLINED,
       "no document at all");

    /* whatever yajl says, it must not be a part of the document */

    is(test_try(pool, "[\"a\", SECRET]", 13, &err), NGX_DECLINED,
       "a bad word");
    err.message.data[err.message.len] = '\0';
    ok(strstr((char *) err.message.data, "SECRET") == NULL,
       "is not quoted in the message");

    ngx_destroy_pool(pool);
}


/* Any document but a number is not one if its end is missing. */

static void
test_truncation(void)
{
    size_t         i, k, n, start;
    ngx_uint_t     bad;
    ngx_pool_t    *pool;
    argo_error_t   err;

    static const char  *table[] = {
        test_all,
        "\"text \\u00e9 \\ud83d\\ude00 \\\\ \xe2\x82\xac\"",
        "[[[1.5e10,[],{}],\"\"],null]",
        "{\"a\":{\"b\":{\"c\":[true,false]}}}",
        "true",
        "null"
    };

    pool = test_pool();

    for (k = 0; k < sizeof(table) / sizeof(table[0]); k++) {
        n = strlen(table[k]);

        is(test_try(pool, table[k], n, &err), NGX_OK, "document %lu",
           (unsigned long) k);

        /* behind the last bracket there is but white space */

        start = n;

        while (table[k][start - 1] == ' ' || table[k][start - 1] == '\n') {
            start--;
        }

        bad = 0;

        for (i = 0; i < start; i++) {
            if (test_try(pool, table[k], i, &err) != NGX_DECLINED
                || !argo_str_is(&err.code, "invalid_json"))
            {
                bad++;
            }

            ngx_reset_pool(pool);
        }

        is((long long) bad, 0, "cut at every byte of %lu",
           (unsigned long) start);
    }

    ngx_destroy_pool(pool);
}


static ngx_str_t
test_nested(size_t levels, const char *open, const char *inner,
    const char *close)
{
    u_char     *p;
    size_t      i;
    ngx_str_t   s;

    s.len = levels * (strlen(open) + strlen(close)) + strlen(inner);
    s.data = malloc(s.len + 1);

    if (s.data == NULL) {
        abort();
    }

    p = s.data;

    for (i = 0; i < levels; i++) {
        p = ngx_cpymem(p, open, strlen(open));
    }

    p = ngx_cpymem(p, inner, strlen(inner));

    for (i = 0; i < levels; i++) {
        p = ngx_cpymem(p, close, strlen(close));
    }

    return s;
}


static void
test_depth(void)
{
    size_t         i, n;
    ngx_str_t      s;
    ngx_pool_t    *pool;
    ngx_uint_t     levels;
    argo_json_t   *root, *node;
    argo_error_t   err;

    static const struct {
        const char  *open;
        const char  *inner;
        const char  *close;
    } table[] = {
        { "[", "", "]" },
        { "[ ", "1", "]" },
        { "{\"a\":", "\"b\"", "}" },
        { "{\"\\n\":", "[]", "}" }
    };

    pool = test_pool();

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {

        n = ARGO_JSON_MAX_DEPTH - (table[i].inner[0] == '[');

        s = test_nested(n, table[i].open, table[i].inner, table[i].close);

        is(argo_json_parse(pool, &s, 1000000, &root, &err), NGX_OK,
           "as deep as may be: %s", table[i].open);

        levels = 0;

        for (node = root; node; node = node->child) {
            levels++;
        }

        is((long long) levels,
           (long long) (ARGO_JSON_MAX_DEPTH + (i == 1 || i == 2)),
           "with all its levels");

        is(argo_json_parse(pool, &s, 3, &root, &err), NGX_OK,
           "also with a tree of its first levels");

        free(s.data);

        s = test_nested(n + 1, table[i].open, table[i].inner, table[i].close);

        is(argo_json_parse(pool, &s, 1000, &root, &err), NGX_DECLINED,
           "one level more");
        is_str(&err.code, "json_too_deep", "its code");
        is_str(&err.message, "JSON is nested deeper than 100 levels",
               "its message");
        is(err.status, 400, "its status");
        is(argo_json_parse(pool, &s, 0, &root, &err), NGX_DECLINED,
           "also below the tree");

        free(s.data);

        s = test_nested(500000, table[i].open, table[i].inner, "");

        is(argo_json_parse(pool, &s, 1, &root, &err), NGX_DECLINED,
           "very much deeper");
        is_str(&err.code, "json_too_deep", "is no deeper for it");

        free(s.data);
    }

    ngx_destroy_pool(pool);
}


/* An array of n values that are written as "1,". */

static ngx_str_t
test_many(size_t n)
{
    size_t     i;
    ngx_str_t  s;

    s.len = 2 * n + 1;
    s.data = malloc(s.len);

    if (s.data == NULL) {
        abort();
    }

    s.data[0] = '[';

    for (i = 0; i < n; i++) {
        s.data[1 + 2 * i] = '1';
        s.data[2 + 2 * i] = ',';
    }

    s.data[s.len - 1] = ']';

    return s;
}


static void
test_nodes(void)
{
    ngx_str_t      s;
    ngx_pool_t    *pool;
    ngx_uint_t     n;
    argo_json_t   *root, *node;
    argo_error_t   err;

    pool = test_pool();

    s = test_many(ARGO_JSON_MAX_NODES - 1);

    ngx_shim_fail(0);

    is(argo_json_parse(pool, &s, 1, &root, &err), NGX_OK,
       "as many values as may be");
    ok(ngx_shim_count() < ARGO_JSON_MAX_NODES / 60, "many nodes each: %lu",
       (unsigned long) ngx_shim_count());

    n = 1;

    for (node = root->child; node; node = node->next) {
        n++;
    }

    is((long long) n, ARGO_JSON_MAX_NODES, "with a node each");

    free(s.data);
    ngx_reset_pool(pool);

    s = test_many(ARGO_JSON_MAX_NODES);

    is(argo_json_parse(pool, &s, 1, &root, &err), NGX_DECLINED,
       "one value more");
    is_str(&err.code, "json_too_large", "its code");
    is_str(&err.message, "JSON has more than 262144 values", "its message");
    is(err.status, 400, "its status");

    free(s.data);
    ngx_reset_pool(pool);

    s = test_many(4 * ARGO_JSON_MAX_NODES);

    is(argo_json_parse(pool, &s, 0, &root, &err), NGX_OK,
       "more than that below the tree");
    is(root->count, 4 * ARGO_JSON_MAX_NODES, "are counted");
    ok(root->child == NULL && root->raw.len == s.len, "and nothing more");

    free(s.data);
    ngx_destroy_pool(pool);
}


static void
test_text(void)
{
    size_t         i;
    ngx_str_t      s, inner;
    ngx_pool_t    *pool;
    argo_json_t   *node, number;

#define R "\xef\xbf\xbd"

    static const struct {
        const char  *raw;
        ngx_str_t    text;
    } table[] = {
        { "\"\"", ngx_string("") },
        { "\"abc\"", ngx_string("abc") },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
          ngx_string("\"\\/\b\f\n\r\t") },
        { "\"\\u0041\\u00e9\\u20AC\\uFFFF\"",
          ngx_string("A\xc3\xa9\xe2\x82\xac\xef\xbf\xbf") },
        { "\"\\u0000\\u001f\\u007f\\u0080\\u07ff\\u0800\"",
          ngx_string("\0\x1f\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80") },
        { "\"\\ud83d\\ude00\"", ngx_string("\xf0\x9f\x98\x80") },
        { "\"\\uD800\\uDC00\\uDBFF\\uDFFF\"",
          ngx_string("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf") },
        { "\"\\ud83d\"", ngx_string(R) },
        { "\"\\ude00\"", ngx_string(R) },
        { "\"a\\ud83db\"", ngx_string("a" R "b") },
        { "\"\\ud83d\\n\"", ngx_string(R "\n") },
        { "\"\\ud83d\\u0041\"", ngx_string(R "A") },
        { "\"\\ud83d\\ud83d\\ude00\"", ngx_string(R "\xf0\x9f\x98\x80") },
        { "\"\\ude00\\ud83d\"", ngx_string(R R) },
        { "\"\\ude00\\ude00\"", ngx_string(R R) },
        { "\"\\\\ud83d\"", ngx_string("\\ud83d") },
        { "\"\\\\\\\\\"", ngx_string("\\\\") },
        { "\"\xe2\x82\xac\\n\xf0\x9f\x98\x80\"",
          ngx_string("\xe2\x82\xac\n\xf0\x9f\x98\x80") }
    };

#undef R

    pool = test_pool();

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        node = test_parse(pool, table[i].raw, 0);

        inner = argo_json_inner(node);

        is_mem(inner.data, inner.len, table[i].raw + 1,
               strlen(table[i].raw) - 2, "inside of %s", table[i].raw);

        is(argo_json_text(pool, node, &s), NGX_OK, "text of %s",
           table[i].raw);
        is_mem(s.data, s.len, table[i].text.data, table[i].text.len,
               "is as expected");

        ok(node->escaped ? s.data != inner.data : s.data == inner.data,
           "it is copied only if it must be");

        ok(argo_json_text_is(node, (char *) table[i].text.data,
                             table[i].text.len),
           "it is found to be that");
        ok(!argo_json_text_is(node, (char *) s.data, s.len + 1)
           || s.len == 0,
           "but not one byte more");
        ok(s.len == 0 || !argo_json_text_is(node, (char *) s.data, s.len - 1),
           "nor one less");
    }

    ok(!argo_json_is(NULL, ""), "nothing is no text");
    is(argo_json_text(pool, NULL, &s), NGX_DECLINED, "and has none");

    inner = argo_json_inner(NULL);
    is((long long) inner.len, 0, "nor an inside");

    number = *test_parse(pool, "1", 0);

    ok(!argo_json_is(&number, "1"), "a number is no text");
    is(argo_json_text(pool, &number, &s), NGX_DECLINED, "and has none");

    inner = argo_json_inner(&number);
    is((long long) inner.len, 0, "nor an inside");

    ngx_destroy_pool(pool);
}


/* Text that is longer than any buffer used for comparing. */

static void
test_long_text(void)
{
    char          expected[512], raw[1024];
    size_t        i, n;
    ngx_str_t     part;
    ngx_pool_t   *pool;
    ngx_uint_t    bad;
    argo_json_t  *node;

    pool = test_pool();
    bad = 0;

    for (n = 1; n < 200; n++) {
        raw[0] = '"';
        memset(raw + 1, 'a', n);
        strcpy(raw + 1 + n, "\xe2\x82\xac\\n\xe2\x82\xac\\ud83d\\ude00z\"");

        memset(expected, 'a', n);
        strcpy(expected + n, "\xe2\x82\xac\n\xe2\x82\xac\xf0\x9f\x98\x80z");

        node = test_parse(pool, raw, 0);

        if (!argo_json_text_is(node, expected, strlen(expected))) {
            bad++;
        }

        for (i = 0; i < strlen(expected); i++) {
            expected[i] ^= 1;

            if (argo_json_text_is(node, expected, strlen(expected))) {
                bad++;
            }

            expected[i] ^= 1;

            part = test_copy(expected, i);

            if (argo_json_text_is(node, (char *) part.data, part.len)) {
                bad++;
            }

            test_free(&part);
        }

        ngx_reset_pool(pool);
    }

    is((long long) bad, 0, "long texts are compared to their end");

    ngx_destroy_pool(pool);
}


/* What argo_json_skip_string() should find, by the rules of RFC 8259. */

static size_t
test_string_end(const u_char *p, size_t n)
{
    size_t  i, k;

    for (i = 1; i < n; i++) {

        if (p[i] == '"') {
            return i + 1;
        }

        if (p[i] < 0x20) {
            return 0;
        }

        if (p[i] != '\\') {
            continue;
        }

        if (++i == n || strchr("\"\\/bfnrtu", p[i]) == NULL || p[i] == 0) {
            return 0;
        }

        if (p[i] == 'u') {
            for (k = 1; k <= 4; k++) {
                if (i + k >= n || !isxdigit(p[i + k])) {
                    return 0;
                }
            }

            i += 4;
        }
    }

    return 0;
}


/* Anything at each place of the blocks that a long text is looked at by. */

static void
test_long_strings(void)
{
    u_char      *p, *end;
    size_t       before, slashes, i, n, len, expected, wrong, tries;
    ngx_uint_t   escaped;

    static const char  *then[] = {
        "\"", "\", ", "x\"", "n\"", "u00e9\"", "u00g9\"", "u00e\"", "u00", "t",
        "/\"", "b\"", "f\"", "r\"", "a\"", "v\"", "B\"", "\001\"", "\n\"",
        "\177\"", "\303\251\"", "\303\\\"\"", "\303", "\\u", ""
    };

    wrong = 0;
    tries = 0;

    for (before = 0; before < 200; before++) {
        for (slashes = 0; slashes < 70; slashes++) {
            for (i = 0; i < sizeof(then) / sizeof(then[0]); i++) {

                len = strlen(then[i]);
                n = 1 + before + slashes + len;

                /* of just this size, so that a byte too many is seen */

                p = malloc(n);

                p[0] = '"';
                memset(p + 1, 'a', before);
                memset(p + 1 + before, '\\', slashes);
                memcpy(p + 1 + before + slashes, then[i], len);

                expected = test_string_end(p, n);

                if (len && (u_char) then[i][0] == 0xc3
                    && (u_char) then[i][1] != 0xa9)
                {
                    expected = 0;
                }

                escaped = 0;
                end = argo_json_skip_string(p, p + n, &escaped);

                if (end != (expected ? p + expected : NULL)
                    || (end && escaped != (slashes > 0)))
                {
                    wrong++;
                }

                tries++;
                free(p);
            }
        }
    }

    is(tries, 200 * 70 * sizeof(then) / sizeof(then[0]), "strings");
    is(wrong, 0, "each ends where it should, or does not");
}


static void
test_unescape(void)
{
    u_char      *src, *end, *dst, before;
    size_t       i, n, room, total, last;
    ngx_str_t    in, whole;
    ngx_uint_t   bad, stuck;

    static const char  text[] =
        "plain \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \\n\\u00e9\\u20ac"
        "\\ud83d\\ude00\\ud83d!\\u0000\\\\\\\"\xf0\x9f\x98\x80"
        "\xe2\x82\xac\xc3\xa9 and more plain text at its end\\/";

    in = test_copy(text, sizeof(text) - 1);
    end = in.data + in.len;

    whole.data = malloc(in.len);

    if (whole.data == NULL) {
        abort();
    }

    src = in.data;
    whole.len = argo_json_unescape(&src, end, whole.data, in.len);

    ok(src == end, "all of it is used if there is room");
    is((long long) whole.len, 74, "its length");

    bad = 0;
    stuck = 0;

    for (room = 4; room < 120; room++) {
        src = in.data;
        total = 0;

        while (src < end) {
            dst = malloc(room);

            if (dst == NULL) {
                abort();
            }

            n = argo_json_unescape(&src, end, dst, room);

            if (n == 0) {
                stuck++;
                free(dst);
                break;
            }

            if (n > room || total + n > whole.len
                || memcmp(whole.data + total, dst, n) != 0)
            {
                bad++;
                free(dst);
                break;
            }

            /* the next byte of the whole must begin a character */

            total += n;
            last = total;

            if (last < whole.len && (whole.data[last] & 0xc0) == 0x80) {
                bad++;
            }

            free(dst);
        }

        if (total != whole.len) {
            bad++;
        }
    }

    is((long long) bad, 0, "in pieces of 4 to 119 bytes, none within a"
       " character");
    is((long long) stuck, 0, "room for one character is enough to go on");

    dst = malloc(4);

    if (dst == NULL) {
        abort();
    }

    src = (u_char *) "\xf0\x9f\x98\x80";

    is((long long) argo_json_unescape(&src, src + 4, dst, 3), 0,
       "no part of a character is written");
    ok(*src == 0xf0, "nor used");

    src = (u_char *) "\\ud83d\\ude00";

    is((long long) argo_json_unescape(&src, src + 12, dst, 3), 0,
       "nor of an escaped one");
    ok(*src == '\\', "nor used");

    src = (u_char *) "a\\n";

    is((long long) argo_json_unescape(&src, src + 3, dst, 0), 0, "no room");
    ok(*src == 'a', "nothing used");

    free(dst);

    /* an escape that is cut off is left where it is */

    bad = 0;

    for (i = 1; i < 6; i++) {
        free(in.data);
        in = test_copy("\\u00e9", i);

        src = in.data;

        if (argo_json_unescape(&src, in.data + i, &before, 1) != 0
            || src != in.data)
        {
            bad++;
        }
    }

    is((long long) bad, 0, "nothing is read behind the end");

    test_free(&in);
    test_free(&whole);
}


static void
test_int(void)
{
    size_t        i;
    int64_t       n;
    ngx_int_t     rc;
    ngx_pool_t   *pool;

    static const struct {
        const char  *raw;
        ngx_int_t    rc;
        int64_t      n;
    } table[] = {
        { "0", NGX_OK, 0 },
        { "-0", NGX_OK, 0 },
        { "1", NGX_OK, 1 },
        { "-1", NGX_OK, -1 },
        { "21000", NGX_OK, 21000 },
        { "2.0", NGX_OK, 2 },
        { "-30.000", NGX_OK, -30 },
        { "9223372036854775807", NGX_OK, INT64_MAX },
        { "-9223372036854775808", NGX_OK, INT64_MIN },
        { "9223372036854775808", NGX_DECLINED, 0 },
        { "-9223372036854775809", NGX_DECLINED, 0 },
        { "99999999999999999999", NGX_DECLINED, 0 },
        { "-18446744073709551616", NGX_DECLINED, 0 },
        { "18446744073709551617", NGX_DECLINED, 0 },
        { "1.5", NGX_DECLINED, 0 },
        { "1.01", NGX_DECLINED, 0 },
        { "1e2", NGX_DECLINED, 0 },
        { "1.0e1", NGX_DECLINED, 0 },
        { "1E0", NGX_DECLINED, 0 },
        { "\"1\"", NGX_DECLINED, 0 },
        { "true", NGX_DECLINED, 0 },
        { "null", NGX_DECLINED, 0 },
        { "[1]", NGX_DECLINED, 0 }
    };

    pool = test_pool();

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        n = 4711;
        rc = argo_json_int(test_parse(pool, table[i].raw, 0), &n);

        ok(rc == table[i].rc && n == (rc == NGX_OK ? table[i].n : 4711),
           "the integer of %s", table[i].raw);
    }

    is(argo_json_int(NULL, &n), NGX_DECLINED, "nothing has none");

    ngx_destroy_pool(pool);
}


static void
test_names(void)
{
    size_t       i;
    ngx_str_t    s;
    ngx_pool_t  *pool;

    static const struct {
        const char  *raw;
        const char  *name;
    } table[] = {
        { "null", "null" },
        { "true", "a boolean" },
        { "false", "a boolean" },
        { "1", "a number" },
        { "\"\"", "a string" },
        { "[]", "an array" },
        { "{}", "an object" }
    };

    pool = test_pool();

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        s.data = (u_char *) argo_json_type_name(test_parse(pool, table[i].raw,
                                                           0));
        s.len = strlen((char *) s.data);
        is_str(&s, table[i].name, "what %s is called", table[i].raw);
    }

    s.data = (u_char *) argo_json_type_name(NULL);
    s.len = strlen((char *) s.data);
    is_str(&s, "nothing", "what a missing value is called");

    ngx_destroy_pool(pool);
}


/* Every byte of text, written and read back. */

static void
test_round_trip(void)
{
    u_char         text[6];
    uint32_t       ch, n;
    ngx_str_t      in, s, t;
    ngx_pool_t    *pool;
    argo_out_t     out;
    ngx_uint_t     bad;
    argo_json_t   *root;
    argo_error_t   err;

    pool = test_pool();
    bad = 0;

    for (ch = 0; ch < 0x11000; ch += (ch < 0x900) ? 1 : 17) {

        if (ch >= 0xd800 && ch <= 0xdfff) {
            continue;
        }

        n = 0;
        text[n++] = 'x';

        if (ch < 0x80) {
            text[n++] = (u_char) ch;

        } else if (ch < 0x800) {
            text[n++] = (u_char) (0xc0 | (ch >> 6));
            text[n++] = (u_char) (0x80 | (ch & 0x3f));

        } else if (ch < 0x10000) {
            text[n++] = (u_char) (0xe0 | (ch >> 12));
            text[n++] = (u_char) (0x80 | ((ch >> 6) & 0x3f));
            text[n++] = (u_char) (0x80 | (ch & 0x3f));

        } else {
            text[n++] = (u_char) (0xf0 | (ch >> 18));
            text[n++] = (u_char) (0x80 | ((ch >> 12) & 0x3f));
            text[n++] = (u_char) (0x80 | ((ch >> 6) & 0x3f));
            text[n++] = (u_char) (0x80 | (ch & 0x3f));
        }

        text[n++] = 'y';

        in.len = n;
        in.data = text;

        argo_out_init(&out, pool, 16, NULL, 0);
        argo_json_write_string(&out, &in);

        if (argo_out_flatten(&out, pool, &s) != NGX_OK
            || argo_json_parse(pool, &s, 0, &root, &err) != NGX_OK
            || argo_json_text(pool, root, &t) != NGX_OK
            || t.len != n || memcmp(t.data, text, n) != 0)
        {
            bad++;
        }

        ngx_reset_pool(pool);
    }

    is((long long) bad, 0, "text that is written is read back as it was");

    ngx_destroy_pool(pool);
}


static void
test_no_memory(void)
{
    ngx_int_t      rc;
    ngx_str_t      document, s;
    ngx_pool_t    *pool;
    ngx_uint_t     i, k, bad, n;
    argo_json_t   *root, *node;
    argo_error_t   err, before;

    static const struct {
        const char  *text;
        ngx_int_t    rc;
    } table[] = {
        { test_all, NGX_OK },
        { "{\"a\":x}", NGX_DECLINED },
        { "[\"\xff\"]", NGX_DECLINED },
        { "{} \"", NGX_DECLINED },
        { "{\"\\n\":1", NGX_DECLINED }
    };

    bad = 0;
    n = 0;

    for (k = 0; k < sizeof(table) / sizeof(table[0]); k++) {
        document.len = strlen(table[k].text);
        document.data = (u_char *) table[k].text;

        for (i = 1; i < 100; i++) {
            pool = test_pool();

            memset(&err, 0xa5, sizeof(err));
            before = err;

            ngx_shim_fail(i);
            rc = argo_json_parse(pool, &document, TEST_DEEP, &root, &err);

            if (!ngx_shim_failed()) {
                bad += (rc != table[k].rc);

                ngx_shim_fail(0);
                ngx_destroy_pool(pool);
                break;
            }

            n++;

            if (rc != NGX_ERROR || memcmp(&err, &before, sizeof(err)) != 0) {
                bad++;
            }

            ngx_shim_fail(0);
            ngx_destroy_pool(pool);
        }
    }

    ok(n > 5, "%lu allocations of the parser were made to fail",
       (unsigned long) n);
    is((long long) bad, 0, "each ends it with NGX_ERROR and no message");

    /* the messages about its limits */

    pool = test_pool();

    document = test_nested(ARGO_JSON_MAX_DEPTH + 1, "[", "", "]");

    ngx_shim_fail(1);
    is(argo_json_parse(pool, &document, 0, &root, &err), NGX_ERROR,
       "no memory for the root");

    ngx_shim_fail(2);
    is(argo_json_parse(pool, &document, 0, &root, &err), NGX_ERROR,
       "no memory for the message about the depth");
    ok(ngx_shim_failed(), "it was made to fail");

    ngx_shim_fail(0);
    free(document.data);

    node = test_parse(pool, "\"a\\n\"", 0);

    ngx_shim_fail(1);
    is(argo_json_text(pool, node, &s), NGX_ERROR, "no memory for a text");
    ok(ngx_shim_failed(), "it was made to fail");
    ngx_shim_fail(0);

    ngx_destroy_pool(pool);
}


int
main(void)
{
    test_tree();
    test_members();
    test_slices();
    test_refused();
    test_messages();
    test_truncation();
    test_depth();
    test_nodes();
    test_text();
    test_long_text();
    test_long_strings();
    test_unescape();
    test_int();
    test_names();
    test_round_trip();
    test_no_memory();

    return done();
}
