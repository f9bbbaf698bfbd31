
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * argo_request.h and argo_patch.h: what is dropped, changed, renamed and added
 * in a document that is sent on as it came otherwise; alone, and many of them
 * by chance, compared with a plain list of members.
 */


#include "argo_test.h"

#include "argo_json.h"
#include "argo_patch.h"
#include "argo_request.h"

#include <stdlib.h>
#include <string.h>


#define ROUNDS      20000
#define MAX_NAMES   6
#define MAX_MEMBERS 8


typedef struct {
    ngx_pool_t      *pool;
    argo_request_t   req;
    argo_error_t     err;
} doc_t;


static ngx_str_t
str(const char *s)
{
    ngx_str_t  str;

    str.data = (u_char *) s;
    str.len = strlen(s);

    return str;
}


static void
doc_open(doc_t *doc, const char *json)
{
    memset(doc, 0, sizeof(doc_t));

    doc->pool = test_pool();
    doc->req.document = test_copy(json, strlen(json));

    if (argo_json_parse(doc->pool, &doc->req.document, 8, &doc->req.root,
                        &doc->err)
        != NGX_OK)
    {
        abort();
    }
}


static void
doc_close(doc_t *doc)
{
    test_free(&doc->req.document);
    ngx_destroy_pool(doc->pool);
}


static argo_json_t *
get(argo_json_t *obj, const char *name)
{
    return argo_json_find(obj, name, strlen(name));
}


static ngx_int_t
doc_write(doc_t *doc, ngx_str_t *text)
{
    argo_out_t    out;
    argo_patch_t  patch;

    argo_patch_init(&patch, doc->pool, &doc->req.document);

    if (argo_request_patch(&doc->req, &patch) != NGX_OK) {
        return NGX_ERROR;
    }

    argo_out_init(&out, doc->pool, 64, NULL, 0);
    argo_patch_write(&patch, &out);

    return argo_out_flatten(&out, doc->pool, text);
}


static void
doc_is(doc_t *doc, const char *expected, const char *name)
{
    ngx_str_t     text;
    argo_json_t  *root;

    if (!is(doc_write(doc, &text), NGX_OK, "%s", name)) {
        return;
    }

    is_str(&text, expected, "%s: the document", name);
    is(argo_json_parse(doc->pool, &text, 8, &root, &doc->err), NGX_OK,
       "%s: it is JSON", name);
}


static void
notes_are(doc_t *doc, const char *expected, const char *name)
{
    char            notes[4096];
    argo_change_t  *change;

    notes[0] = '\0';

    for (change = doc->req.changes; change; change = change->next) {
        strncat(notes, (char *) change->note.data, change->note.len);
        strcat(notes, "\n");
    }

    is_mem(notes, strlen(notes), expected, strlen(expected),
           "%s: what is told", name);
}


/* ---- one change */

static void
test_drop(void)
{
    doc_t         doc;
    size_t        i;
    argo_json_t  *field, *node;

    static const struct {
        const char  *in;
        const char  *name;
        const char  *out;
    } cases[] = {
        { "{\"a\":1,\"b\":2,\"c\":3}", "a", "{\"b\":2,\"c\":3}" },
        { "{\"a\":1,\"b\":2,\"c\":3}", "b", "{\"a\":1,\"c\":3}" },
        { "{\"a\":1,\"b\":2,\"c\":3}", "c", "{\"a\":1,\"b\":2}" },
        { " { \"a\" : 1 , \"b\" : 2 } ", "a", " { \"b\" : 2 } " },
        { " { \"a\" : 1 , \"b\" : 2 } ", "b", " { \"a\" : 1 } " },
        { "{ \"a\" : {} }", "a", "{  }" },
        { "{\"a\":1,\"b\":2,\"a\":3}", "a", "{\"b\":2}" },
        { "{\"a\":1,\"\\u0061\":2,\"b\":3}", "a", "{\"b\":3}" },
        { "{\"a\":1,\"a\":2}", "a", "{}" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        doc_open(&doc, cases[i].in);

        node = get(doc.req.root, cases[i].name);
        field = node;

        is(argo_request_drop(doc.pool, &doc.req, NULL, &field,
                             cases[i].name, "why"),
           NGX_OK, "%s without %s", cases[i].in, cases[i].name);

        ok(field == NULL && node->taken && node->dropped,
           "the parameter is not set any more");

        doc_is(&doc, cases[i].out, "dropped");
        doc_close(&doc);
    }

    doc_open(&doc, "{\"o\":{\"a\":1,\"b\":[1,2]},\"a\":2}");

    node = get(doc.req.root, "o");
    field = get(node, "a");
    is(argo_request_drop(doc.pool, &doc.req, node, &field, "o.a", "y"),
       NGX_OK, "of an object within");

    field = get(node, "b")->child;
    is(argo_request_drop(doc.pool, &doc.req, get(node, "b"), &field, "one",
                         "z"),
       NGX_OK, "an item of a list");

    doc_is(&doc, "{\"o\":{\"b\":[2]},\"a\":2}", "within");
    notes_are(&doc, "o.a dropped: y\none dropped: z\n", "within");
    doc_close(&doc);
}


static void
test_set(void)
{
    doc_t         doc;
    ngx_str_t     value;
    argo_json_t  *field, *node;

    doc_open(&doc, "{\"a\" : \"x\", \"b\":[],\"a\":\"y\" }");

    node = get(doc.req.root, "a");
    field = node;
    value = str("17");

    is(argo_request_set(doc.pool, &doc.req, NULL, &field, ARGO_JSON_NUMBER,
                        "a", &value, "why"),
       NGX_OK, "another value");

    ok(field != node && field->taken && field->type == ARGO_JSON_NUMBER
       && node->taken, "is what the parameter is");
    is_str(&field->raw, "17", "and the text of it");

    doc_is(&doc, "{\"b\":[],\"a\":17 }", "once, though it came twice");

    value = str("18");
    is(argo_request_set(doc.pool, &doc.req, NULL, &field, ARGO_JSON_NUMBER,
                        "a", &value, "again"),
       NGX_OK, "changed again");
    doc_is(&doc, "{\"b\":[],\"a\":18 }", "changed again");

    is(argo_request_drop(doc.pool, &doc.req, NULL, &field, "a", "after all"),
       NGX_OK, "and dropped");
    doc_is(&doc, "{\"b\":[] }", "dropped after all");

    notes_are(&doc, "a changed: why\na changed: again\na dropped: after "
                    "all\n", "all of it");
    doc_close(&doc);
}


static void
test_add(void)
{
    doc_t         doc;
    ngx_str_t     value;
    argo_json_t  *a, *b, *c, *d;

    doc_open(&doc, "{ \"m\":1,\"o\":{},\"p\":{\"x\":1}}");

    a = b = c = d = NULL;

    value = str("1");
    is(argo_request_set(doc.pool, &doc.req, NULL, &a, ARGO_JSON_NUMBER, "a",
                        &value, "w"),
       NGX_OK, "set that was not there");

    value = str("\"y\"");
    is(argo_request_add(doc.pool, &doc.req, NULL, "q", &b, ARGO_JSON_STRING,
                        "e", &value, "w"),
       NGX_OK, "within an object that was not there");
    is_str(&b->raw, "\"y\"", "the parameter is not the object");

    is(argo_request_add(doc.pool, &doc.req, get(doc.req.root, "o"), "o", &c,
                        ARGO_JSON_STRING, "e", &value, "w"),
       NGX_OK, "within an empty object");

    value = str("3");
    is(argo_request_add(doc.pool, &doc.req, get(doc.req.root, "o"), "o", &d,
                        ARGO_JSON_NUMBER, "f", &value, "w"),
       NGX_OK, "and another");

    doc_is(&doc, "{\"a\":1,\"q\":{\"e\":\"y\"}, \"m\":1,\"o\":{\"e\":\"y\","
                 "\"f\":3},\"p\":{\"x\":1}}", "added");
    notes_are(&doc, "a added: w\nq.e added: w\no.e added: w\no.f added: w\n",
              "added");

    value = str("2");
    is(argo_request_set(doc.pool, &doc.req, NULL, &a, ARGO_JSON_NUMBER, "a",
                        &value, "w"),
       NGX_OK, "changed then");
    is(argo_request_drop(doc.pool, &doc.req, NULL, &d, "f", "w"), NGX_OK,
       "and dropped");

    doc_is(&doc, "{\"a\":2,\"q\":{\"e\":\"y\"}, \"m\":1,\"o\":{\"e\":\"y\"},"
                 "\"p\":{\"x\":1}}", "added, changed, dropped");
    doc_close(&doc);

    /* null is there, and is none */

    doc_open(&doc, "{\"a\":null,\"b\":1}");
    a = NULL;
    value = str("5");
    is(argo_request_set(doc.pool, &doc.req, NULL, &a, ARGO_JSON_NUMBER, "a",
                        &value, "w"),
       NGX_OK, "in place of null");
    doc_is(&doc, "{\"a\":5,\"b\":1}", "in place of null");
    doc_close(&doc);

    doc_open(&doc, "{}");
    a = NULL;
    is(argo_request_set(doc.pool, &doc.req, NULL, &a, ARGO_JSON_NUMBER, "a",
                        &value, "w"),
       NGX_OK, "to nothing");
    doc_is(&doc, "{\"a\":5}", "to nothing");
    doc_close(&doc);

    doc_open(&doc, "{\"l\":[ 1],\"e\":[]}");
    is(argo_request_add_item(doc.pool, &doc.req, get(doc.req.root, "l"), "l",
                             &value, "w"),
       NGX_OK, "an item");
    value = str("6");
    is(argo_request_add_item(doc.pool, &doc.req, get(doc.req.root, "l"), "l",
                             &value, "w"),
       NGX_OK, "another");
    is(argo_request_add_item(doc.pool, &doc.req, get(doc.req.root, "e"), "e",
                             &value, "w"),
       NGX_OK, "an item of an empty list");
    doc_is(&doc, "{\"l\":[5,6, 1],\"e\":[6]}", "items");
    doc_close(&doc);
}


static void
test_rename(void)
{
    doc_t         doc;
    ngx_str_t     value;
    argo_json_t  *field;

    doc_open(&doc, "{\"a\\\"\\u0041\" : 1, \"b\":2,\"c\":3}");

    field = doc.req.root->child;
    is(argo_request_rename(doc.pool, &doc.req, field, "a", "new", "w"),
       NGX_OK, "another name");
    doc_is(&doc, "{\"new\" : 1, \"b\":2,\"c\":3}", "renamed");

    value = str("9");
    is(argo_request_set(doc.pool, &doc.req, NULL, &field, ARGO_JSON_NUMBER,
                        "new", &value, "w"),
       NGX_OK, "and another value");
    doc_is(&doc, "{\"new\" : 9, \"b\":2,\"c\":3}", "renamed and changed");

    is(argo_request_drop(doc.pool, &doc.req, NULL, &field, "new", "w"),
       NGX_OK, "and dropped");
    doc_is(&doc, "{\"b\":2,\"c\":3}", "renamed, changed and dropped");
    doc_close(&doc);

    doc_open(&doc, "{\"a\":1,\"b\":2,\"a\":3}");
    is(argo_request_rename(doc.pool, &doc.req, get(doc.req.root, "a"), "a",
                           "b2", "w"),
       NGX_OK, "one of two");
    doc_is(&doc, "{\"b\":2,\"b2\":3}", "the last one counts");
    doc_close(&doc);
}


static void
test_untaken(void)
{
    char           *json, *p;
    doc_t           doc;
    ngx_uint_t      i, n;
    ngx_str_t       text;
    argo_change_t  *change;

    doc_open(&doc, "{\"a\":1,\"x y\":2,\"\":3,\"b\":4,\"\\r\\nH: v\":5,"
                   "\"c-d.e_F9\":6,\"b\":7}");

    get(doc.req.root, "a")->taken = 1;

    is(argo_request_drop_untaken(doc.pool, &doc.req, doc.req.root, "why"),
       NGX_OK, "what nobody has taken");
    doc_is(&doc, "{\"a\":1}", "is not there");
    notes_are(&doc, "a member dropped: why\na member dropped: why\n"
                    "b dropped: why\na member dropped: why\n"
                    "c-d.e_F9 dropped: why\nb dropped: why\n", "untaken");
    doc_close(&doc);

    doc_open(&doc, "{\"o\":{\"a\":1,\"b\":2}}");
    is(argo_request_drop_untaken(doc.pool, &doc.req,
                                 get(doc.req.root, "o"), "why"),
       NGX_OK, "of an object within");
    doc_is(&doc, "{\"o\":{}}", "within");
    doc_close(&doc);

    /* in no time, and not told one by one */

    json = malloc(2000000);

    if (json == NULL) {
        abort();
    }

    p = json + sprintf(json, "{\"model\":1");

    for (i = 0; i < 100000; i++) {
        p += sprintf(p, ",\"m%lu\":0", (unsigned long) i);
    }

    (void) sprintf(p, "}");

    doc_open(&doc, json);
    get(doc.req.root, "model")->taken = 1;

    is(argo_request_drop_untaken(doc.pool, &doc.req, doc.req.root, "why"),
       NGX_OK, "very many");
    is(doc_write(&doc, &text), NGX_OK, "are written");
    is_str(&text, "{\"model\":1}", "without all of them");

    n = 0;

    for (change = doc.req.changes; change; change = change->next) {
        n++;
    }

    is(n, ARGO_REQUEST_MAX_TOLD + 1, "some are told");
    is_str(&doc.req.changes->note, "m0 dropped: why", "the first");

    for (change = doc.req.changes; change->next; change = change->next) {
        /* void */
    }

    is_str(&change->note, "other members dropped: why", "and the others");

    doc_close(&doc);
    free(json);
}


/* ---- edits themselves */

static void
test_patch(void)
{
    ngx_str_t     doc, text, none;
    argo_out_t    out, put;
    ngx_pool_t   *pool;
    argo_json_t   node;
    argo_patch_t  patch;

    pool = test_pool();
    doc = test_copy("0123456789", 10);
    none = str("");

    argo_patch_init(&patch, pool, &doc);

    text = str("b");
    is(argo_patch_edit(&patch, doc.data + 5, doc.data + 7, &text), NGX_OK,
       "in the middle");
    text = str("a");
    is(argo_patch_edit(&patch, doc.data, doc.data + 1, &text), NGX_OK,
       "before it");
    text = str("d");
    is(argo_patch_edit(&patch, doc.data + 10, doc.data + 10, &text), NGX_OK,
       "at the end");
    text = str("c");
    is(argo_patch_edit(&patch, doc.data + 7, doc.data + 8, &text), NGX_OK,
       "next to it");
    text = str("+");
    is(argo_patch_edit(&patch, doc.data + 5, doc.data + 5, &text), NGX_OK,
       "added before one");

    is(argo_patch_edit(&patch, doc.data + 6, doc.data + 6, &none), NGX_ERROR,
       "within one");
    is(argo_patch_edit(&patch, doc.data + 4, doc.data + 6, &none), NGX_ERROR,
       "over the beginning of one");
    is(argo_patch_edit(&patch, doc.data + 7, doc.data + 9, &none), NGX_ERROR,
       "over the whole of one");
    is(argo_patch_edit(&patch, doc.data + 9, doc.data + 11, &none),
       NGX_ERROR, "behind the end");
    is(argo_patch_edit(&patch, doc.data - 1, doc.data, &none), NGX_ERROR,
       "before the beginning");
    is(argo_patch_edit(&patch, doc.data + 3, doc.data + 2, &none), NGX_ERROR,
       "backwards");

    argo_out_init(&put, pool, 16, NULL, 1);
    argo_out_lit(&put, "written");

    memset(&node, 0, sizeof(argo_json_t));
    node.raw.data = doc.data + 2;
    node.raw.len = 2;

    is(argo_patch_replace(&patch, &node, &put), NGX_OK, "by an output");
    is(argo_patch_replace(&patch, &node, &put), NGX_ERROR, "not twice");

    argo_out_init(&out, pool, 64, NULL, 0);
    argo_patch_write(&patch, &out);

    is(argo_out_flatten(&out, pool, &text), NGX_OK, "written");
    is_str(&text, "a1written4+bc89d", "with all edits in their places");

    test_free(&doc);
    ngx_destroy_pool(pool);
}


/* ---- many by chance */

static uint32_t  chance_state;


static ngx_uint_t
chance(ngx_uint_t n)
{
    chance_state = chance_state * 1664525 + 1013904223;

    return (chance_state >> 8) % n;
}


/* what the document should come to: the value of each name; 0: none */

typedef struct {
    char          json[512];
    unsigned long values[MAX_NAMES * 2];
    argo_json_t  *fields[MAX_NAMES];
} model_t;


static void
model_make(model_t *m)
{
    char        *p;
    ngx_uint_t   i, n, name;

    static const char  *blanks[] = { "", " ", "\n ", "\t" };

    memset(m, 0, sizeof(model_t));

    n = chance(MAX_MEMBERS);
    p = m->json + sprintf(m->json, "%s{%s", blanks[chance(4)],
                          blanks[chance(4)]);

    for (i = 0; i < n; i++) {
        name = chance(MAX_NAMES);
        m->values[name] = chance(1000) + 1;

        p += sprintf(p, "%s%s\"%s%c\"%s:%s%lu%s", i ? "," : "",
                     blanks[chance(4)], chance(4) ? "n" : "\\u006e",
                     (char) ('a' + name), blanks[chance(4)],
                     blanks[chance(4)], m->values[name], blanks[chance(4)]);
    }

    (void) sprintf(p, "}%s", blanks[chance(4)]);
}


static ngx_int_t
model_change(model_t *m, doc_t *doc, ngx_uint_t name, const char *label)
{
    ngx_int_t    rc;
    ngx_str_t    value;
    char        *text;

    static const char  *renamed[MAX_NAMES] = {
        "ra", "rb", "rc", "rd", "re", "rf"
    };

    switch (chance(4)) {

    case 0:

        if (m->fields[name] == NULL) {
            return NGX_OK;
        }

        rc = argo_request_drop(doc->pool, &doc->req, NULL, &m->fields[name],
                               label, "w");
        m->values[name] = 0;
        m->values[MAX_NAMES + name] = 0;
        return rc;

    case 1:

        /* once, as long as it is as it came */

        if (m->fields[name] == NULL || m->fields[name]->name.len == 0
            || m->values[name] == 0)
        {
            return NGX_OK;
        }

        m->values[MAX_NAMES + name] = m->values[name];
        m->values[name] = 0;

        return argo_request_rename(doc->pool, &doc->req, m->fields[name],
                                   label, renamed[name], "w");

    default:

        /* a name that was dropped is not added: who would do that */

        if (m->fields[name] == NULL
            && argo_json_find(doc->req.root, label, 2))
        {
            return NGX_OK;
        }

        text = ngx_palloc(doc->pool, 16);

        if (text == NULL) {
            abort();
        }

        value.data = (u_char *) text;
        value.len = sprintf(text, "%lu", (unsigned long) chance(1000) + 2000);

        if (m->values[MAX_NAMES + name]) {
            m->values[MAX_NAMES + name] = strtoul(text, NULL, 10);

        } else {
            m->values[name] = strtoul(text, NULL, 10);
        }

        return argo_request_set(doc->pool, &doc->req, NULL,
                                &m->fields[name], ARGO_JSON_NUMBER, label,
                                &value, "w");
    }
}


static ngx_uint_t
model_same(const model_t *m, const argo_json_t *root)
{
    char           name[3];
    int64_t        n;
    ngx_uint_t     i;
    argo_json_t   *node;

    name[2] = '\0';

    for (i = 0; i < MAX_NAMES * 2; i++) {
        name[0] = (i < MAX_NAMES) ? 'n' : 'r';
        name[1] = (char) ('a' + i % MAX_NAMES);

        node = argo_json_find(root, name, 2);

        if ((node == NULL) != (m->values[i] == 0)) {
            return 0;
        }

        if (node && (argo_json_int(node, &n) != NGX_OK
                     || n != (int64_t) m->values[i]))
        {
            return 0;
        }
    }

    return 1;
}


static void
test_chance(void)
{
    doc_t          doc;
    char           label[MAX_NAMES][3];
    model_t        m;
    ngx_str_t      text;
    ngx_uint_t     i, k, name, bad;
    argo_json_t   *root;

    for (i = 0; i < MAX_NAMES; i++) {
        (void) sprintf(label[i], "n%c", (char) ('a' + i));
    }

    bad = 0;
    chance_state = 7;

    for (i = 0; i < ROUNDS && bad < 5; i++) {
        model_make(&m);
        doc_open(&doc, m.json);

        for (k = 0; k < MAX_NAMES; k++) {
            m.fields[k] = argo_json_find(doc.req.root, label[k], 2);
        }

        for (k = chance(8); k; k--) {
            name = chance(MAX_NAMES);

            if (model_change(&m, &doc, name, label[name]) != NGX_OK) {
                abort();
            }
        }

        if (doc_write(&doc, &text) != NGX_OK
            || argo_json_parse(doc.pool, &text, 2, &root, &doc.err) != NGX_OK
            || !model_same(&m, root)
            || (doc.req.changes == NULL
                && (text.len != doc.req.document.len
                    || memcmp(text.data, doc.req.document.data, text.len)
                       != 0)))
        {
            bad++;
            test_show("in", (u_char *) m.json, strlen(m.json));
            test_show("out", text.data, text.len);
        }

        doc_close(&doc);
    }

    is(bad, 0, "%d documents, changed by chance", ROUNDS);
}


static void
test_failures(void)
{
    doc_t         doc;
    ngx_str_t     value, text;
    ngx_int_t     rc;
    ngx_uint_t    n, bad;
    argo_json_t  *a, *b, *c;

    bad = 0;
    value = str("7");

    for (n = 1; ; n++) {
        doc_open(&doc, "{\"a\":1,\"o\":{\"x\":1},\"z\":1,\"l\":[1]}");
        a = get(doc.req.root, "a");
        b = NULL;
        c = NULL;

        ngx_shim_fail(n);

        rc = argo_request_set(doc.pool, &doc.req, NULL, &a, ARGO_JSON_NUMBER,
                              "a", &value, "w");
        if (rc == NGX_OK) {
            rc = argo_request_add(doc.pool, &doc.req, NULL, "q", &b,
                                  ARGO_JSON_NUMBER, "e", &value, "w");
        }

        if (rc == NGX_OK) {
            rc = argo_request_add(doc.pool, &doc.req,
                                  get(doc.req.root, "o"), "o", &c,
                                  ARGO_JSON_NUMBER, "e", &value, "w");
        }

        if (rc == NGX_OK) {
            rc = argo_request_add_item(doc.pool, &doc.req,
                                       get(doc.req.root, "l"), "l", &value,
                                       "w");
        }

        if (rc == NGX_OK) {
            rc = argo_request_drop_untaken(doc.pool, &doc.req, doc.req.root,
                                           "w");
        }

        if (rc == NGX_OK) {
            rc = doc_write(&doc, &text);
        }

        if (!ngx_shim_failed()) {
            ngx_shim_fail(0);
            doc_close(&doc);
            break;
        }

        ngx_shim_fail(0);
        bad += (rc != NGX_ERROR);
        doc_close(&doc);
    }

    is(bad, 0, "each of %lu allocations may fail", (unsigned long) n - 1);
    is(rc, NGX_OK, "and if none does all is well");
}


int
main(void)
{
    test_drop();
    test_set();
    test_add();
    test_rename();
    test_untaken();
    test_patch();
    test_chance();
    test_failures();

    return done();
}
