
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Python literals to JSON.  What is right was taken from Python itself:
 * json.dumps(ast.literal_eval(text)).
 */


#include "argo_test.h"

#include "argo_json.h"
#include "argo_out.h"
#include "argo_python.h"


typedef struct {
    const char  *name;
    ngx_str_t    in;
    const char  *out;                   /* NULL: none */
    size_t       left;                  /* bytes that are not of it */
} literal_t;


static const literal_t  literals[] = {

    { "None", STR("None"), "null", 0 },
    { "True", STR("True"), "true", 0 },
    { "False", STR("False"), "false", 0 },
    { "null", STR("null"), "null", 0 },
    { "true", STR("true"), "true", 0 },
    { "false", STR("false"), "false", 0 },
    { "a longer word", STR("Nonesuch"), NULL, 0 },
    { "a shorter one", STR("Non"), NULL, 0 },
    { "another word", STR("nan"), NULL, 0 },
    { "inf", STR("inf"), NULL, 0 },
    { "-inf", STR("-inf"), NULL, 0 },

    { "zero", STR("0"), "0", 0 },
    { "an int", STR("-12345678901234567890123"), "-12345678901234567890123",
      0 },
    { "a float", STR("1.50"), "1.50", 0 },
    { "a small float", STR("1e-07"), "1e-07", 0 },
    { "a large float", STR("-1.5E+300"), "-1.5E+300", 0 },
    { "a leading zero", STR("007"), NULL, 0 },
    { "a hex number", STR("0x10"), NULL, 0 },
    { "a complex number", STR("1j"), NULL, 0 },
    { "an underscore", STR("1_000"), NULL, 0 },
    { "a point at the end", STR("1."), NULL, 0 },
    { "an exponent without digits", STR("1e"), NULL, 0 },
    { "a sign alone", STR("-"), NULL, 0 },
    { "a plus", STR("+1"), NULL, 0 },

    { "an empty string", STR("''"), "\"\"", 0 },
    { "the other quotes", STR("\"\""), "\"\"", 0 },
    { "quotes in quotes", STR("'say \"a\"'"), "\"say \\\"a\\\"\"", 0 },
    { "an apostrophe", STR("\"it's\""), "\"it's\"", 0 },
    { "both, escaped", STR("'\\'\"\\\"'"), "\"'\\\"\\\"\"", 0 },
    { "escapes", STR("'\\n\\r\\t\\b\\f\\\\'"), "\"\\n\\r\\t\\b\\f\\\\\"", 0 },
    { "rare escapes", STR("'\\a\\v'"), "\"\\u0007\\u000b\"", 0 },
    { "\\x", STR("'\\x00\\x1b\\x7f\\xe9\\xE9A'"),
      "\"\\u0000\\u001b\\u007f\xc3\xa9\xc3\xa9" "A\"", 0 },
    { "\\x of a quote", STR("'\\x22\\x5c\\x0a'"),
      "\"\\\"\\\\\\u000a\"", 0 },
    { "\\u", STR("'\\u20ac\\u2603'"), "\"\xe2\x82\xac\xe2\x98\x83\"", 0 },
    { "\\U", STR("'\\U0001f600'"), "\"\xf0\x9f\x98\x80\"", 0 },
    { "half a pair", STR("'\\ud83d'"), "\"\\ud83d\"", 0 },
    { "a pair", STR("'\\ud83d\\ude00'"), "\"\\ud83d\\ude00\"", 0 },
    { "octal", STR("'\\0\\12\\1012\\8'"),
      "\"\\u0000\\u000aA2\\\\8\"", 0 },
    { "an escape that is none", STR("'\\d\\%'"), "\"\\\\d\\\\%\"", 0 },
    { "a line that goes on", STR("'a\\\nb'"), "\"ab\"", 0 },
    { "raw line ends and tabs", STR("'a\nb\r\n\tc'"),
      "\"a\\nb\\r\\n\\tc\"", 0 },
    { "a raw NUL", STR("'a\0b'"), "\"a\\u0000b\"", 0 },
    { "UTF-8", STR("'\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80'"),
      "\"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80\"", 0 },
    { "bytes that are none", STR("'\xff\xc3'"),
      "\"\xef\xbf\xbd\xef\xbf\xbd\"", 0 },
    { "a character by its name", STR("'\\N{BULLET}'"), NULL, 0 },
    { "a character too large", STR("'\\U00110000'"), NULL, 0 },
    { "half an escape", STR("'\\x4'"), NULL, 0 },
    { "bytes", STR("b'a'"), NULL, 0 },
    { "an open string", STR("'a"), NULL, 0 },
    { "closed by the other quote", STR("'a\""), NULL, 0 },

    { "an empty dict", STR("{}"), "{}", 0 },
    { "an empty list", STR("[ ]"), "[]", 0 },
    { "an empty tuple", STR("()"), "[]", 0 },
    { "a tuple of one", STR("(1,)"), "[1]", 0 },
    { "a tuple", STR("(1, 'a')"), "[1,\"a\"]", 0 },
    { "a list", STR("[1, [2, []], None]"), "[1,[2,[]],null]", 0 },
    { "a comma at the end", STR("[1, {'a': 1,},]"), "[1,{\"a\":1}]", 0 },
    { "a dict", STR("{'a': 1, \"b\": {'c': ['d']}}"),
      "{\"a\":1,\"b\":{\"c\":[\"d\"]}}", 0 },
    { "blanks", STR("{\n 'a' :\t1 ,\r\n'b':2 }"), "{\"a\":1,\"b\":2}", 0 },
    { "keys that are no strings",
      STR("{1: 2, None: 3, True: 4, -1.5: 5}"),
      "{\"1\":2,\"null\":3,\"true\":4,\"-1.5\":5}", 0 },
    { "JSON", STR("{\"a\": [true, null, 1e5, \"\\u00e9\"]}"),
      "{\"a\":[true,null,1e5,\"\xc3\xa9\"]}", 0 },
    { "a key that is a list", STR("{[1]: 2}"), NULL, 0 },
    { "a set", STR("{1, 2}"), NULL, 0 },
    { "no comma", STR("[1 2]"), NULL, 0 },
    { "a comma first", STR("[,1]"), NULL, 0 },
    { "two commas", STR("[1,,2]"), NULL, 0 },
    { "no colon", STR("{'a' 1}"), NULL, 0 },
    { "no value", STR("{'a':}"), NULL, 0 },
    { "the wrong end", STR("[1)"), NULL, 0 },
    { "a key alone", STR("{'a'}"), NULL, 0 },
    { "an end alone", STR("}"), NULL, 0 },
    { "a call", STR("dict(a=1)"), NULL, 0 },
    { "an ellipsis", STR("[...]"), NULL, 0 },
    { "a name in a list", STR("[a]"), NULL, 0 },

    { "something behind it", STR("{'a': 1}{'b': 2}"), "{\"a\":1}", 8 },
    { "a blank behind it", STR("1 "), "1", 1 },
    { "a blank before it", STR(" 1"), NULL, 0 },
    { "strings side by side", STR("'a' 'b'"), "\"a\"", 4 },
    { "a comma behind it", STR("None, 1"), "null", 3 }
};


#define NLITERALS  (sizeof(literals) / sizeof(literals[0]))


static ngx_int_t
convert(ngx_pool_t *pool, const u_char *p, size_t n, ngx_str_t *json,
    size_t *left)
{
    ngx_int_t      rc;
    argo_out_t     out;
    const u_char  *src, *end;

    src = p;
    end = p + n;

    argo_out_init(&out, pool, 64, NULL, 1);

    rc = argo_python_to_json(&src, end, &out);

    *left = end - src;

    if (rc != NGX_OK) {
        return rc;
    }

    return argo_out_flatten(&out, pool, json);
}


static void
test_literals(void)
{
    size_t            left;
    ngx_str_t         in, json;
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    argo_json_t      *root;
    argo_error_t      err;
    const u_char     *p;
    const literal_t  *t;

    for (i = 0; i < NLITERALS; i++) {
        t = &literals[i];

        pool = test_pool();
        in = test_copy(t->in.data, t->in.len);

        if (t->out == NULL) {
            is(convert(pool, in.data, in.len, &json, &left), NGX_DECLINED,
               "%s: none", t->name);

        } else if (is(convert(pool, in.data, in.len, &json, &left), NGX_OK,
                      "%s", t->name))
        {
            is_str(&json, t->out, "%s: JSON", t->name);
            is(left, t->left, "%s: all of it", t->name);
            is(argo_json_parse(pool, &json, 9, &root, &err), NGX_OK,
               "%s: valid", t->name);
        }

        p = in.data;
        is(argo_python_to_json(&p, in.data + in.len, NULL),
           t->out ? NGX_OK : NGX_DECLINED, "%s: only checked", t->name);

        test_free(&in);
        ngx_destroy_pool(pool);
    }
}


/* A literal that is cut anywhere is none, and nothing behind it is read. */

static void
test_cut(void)
{
    size_t       n, left;
    ngx_str_t    in, json;
    ngx_uint_t   wrong;
    ngx_pool_t  *pool;

    static const ngx_str_t  text =
        ngx_string("{'id': 'toolu_1', \"in\\u0070ut\": {'a\\x41\\101': "
                   "[1.5e+10, None, (True, 'it\\'s \xe2\x82\xac')], 2: "
                   "-7}, 'cache_control': None}");

    wrong = 0;

    for (n = 0; n < text.len; n++) {
        pool = test_pool();
        in = test_copy(text.data, n);

        wrong += (convert(pool, in.data, n, &json, &left) != NGX_DECLINED);

        test_free(&in);
        ngx_destroy_pool(pool);
    }

    is(wrong, 0, "cut anywhere it is none");

    pool = test_pool();
    in = test_copy(text.data, text.len);

    is(convert(pool, in.data, in.len, &json, &left), NGX_OK, "whole it is");
    is_str(&json, "{\"id\":\"toolu_1\",\"input\":{\"aAA\":[1.5e+10,null,"
                  "[true,\"it's \xe2\x82\xac\"]],\"2\":-7},"
                  "\"cache_control\":null}", "and means this");

    test_free(&in);
    ngx_destroy_pool(pool);
}


static void
test_depth(void)
{
    u_char       text[2 * ARGO_PYTHON_MAX_DEPTH + 2];
    size_t       n, left;
    ngx_str_t    json;
    ngx_pool_t  *pool;

    pool = test_pool();

    n = ARGO_PYTHON_MAX_DEPTH;
    memset(text, '[', n);
    memset(text + n, ']', n);

    is(convert(pool, text, 2 * n, &json, &left), NGX_OK, "as deep as may be");
    is(json.len, 2 * n, "all of it");

    n++;
    memset(text, '[', n);
    memset(text + n, ']', n);

    is(convert(pool, text, 2 * n, &json, &left), NGX_DECLINED, "deeper");

    memset(text, '(', sizeof(text));

    is(convert(pool, text, sizeof(text), &json, &left), NGX_DECLINED,
       "without an end");

    ngx_destroy_pool(pool);
}


static void
test_memory(void)
{
    size_t        left;
    ngx_int_t     rc;
    ngx_str_t     json;
    ngx_uint_t    n, wrong, failed;
    ngx_pool_t   *pool;

    static u_char  text[] = "{'a': 'bcdefghijklmnopqrstuvwxyzabcdefghijklmnop"
                            "qrstuvwxyzabcdefghijklmnopqrstuvwxyz', 'b': [1]}";

    wrong = 0;

    for (n = 1; /* void */ ; n++) {
        pool = test_pool();

        ngx_shim_fail(n);
        rc = convert(pool, text, sizeof(text) - 1, &json, &left);

        failed = ngx_shim_failed();
        ngx_shim_fail(0);
        ngx_destroy_pool(pool);

        if (!failed) {
            break;
        }

        wrong += (rc != NGX_ERROR);
    }

    is(wrong, 0, "no memory, at each of %d places", (int) n - 1);
    is(rc, NGX_OK, "and with it");
}


int
main(void)
{
    test_literals();
    test_cut();
    test_depth();
    test_memory();

    return done();
}
