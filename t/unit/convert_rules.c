
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * argo_rules.h: the language of rules; that conf/argo_rules.conf says what is
 * built in; what is done to requests, spliced and converted; schemas.  At the
 * end each model gets many requests in each client's language, and what comes
 * out is judged by a table of what ARGO refuses that is made by hand from
 * what was seen of it.
 */


#include "argo_front.h"

#include "argo_legacy.h"
#include "argo_request.h"
#include "argo_rules.h"
#include "argo_schema.h"

#include <stdio.h>


#define MAX_WORDS   64
#define MAX_BODY    16384
#define MAX_LINES   256
#define SAMPLES     250


typedef struct {
    ngx_int_t          rc;
    argo_request_t     req;
    argo_error_t       err;
    argo_call_t        call;
    const argo_back_t *back;
    ngx_str_t          body;
    ngx_str_t          notes;           /* one a line */
} run_t;


typedef struct {
    const char        *name;
    const char        *front;
    const char        *back;            /* NULL: as it is routed */
    const char        *in;
    const char        *out;
    const char        *notes;
} case_t;


static argo_rules_t  *builtin;


static argo_rules_t *
rules_new(ngx_pool_t *pool)
{
    argo_rules_t  *rules;

    rules = argo_rules_create(pool);

    if (rules == NULL) {
        abort();
    }

    return rules;
}


/* Adds a line of words that blanks separate. */

static ngx_int_t
rules_add(argo_rules_t *rules, const char *line, argo_error_t *err)
{
    ngx_str_t   words[MAX_WORDS];
    ngx_uint_t  n;

    for (n = 0; *line && n < MAX_WORDS; n++) {
        words[n].data = (u_char *) line;
        words[n].len = strcspn(line, " ");

        line += words[n].len;
        line += strspn(line, " ");
    }

    return argo_rules_add(rules, words, n, err);
}


static const argo_profile_t *
rules_profile(argo_rules_t *rules, const char *id)
{
    argo_model_t  model;

    memset(&model, 0, sizeof(argo_model_t));
    model.id = front_str(id);

    return argo_rules_profile(rules, &model);
}


static ngx_int_t
run_read(ngx_pool_t *pool, const argo_front_t *front, const char *json,
    run_t *r)
{
    memset(r, 0, sizeof(run_t));

    r->req.document = front_str(json);
    r->req.dialect = front->dialect;

    r->rc = argo_json_parse(pool, &r->req.document, front->tree_depth,
                            &r->req.root, &r->err);

    if (r->rc == NGX_OK && front->dialect == ARGO_DIALECT_GEMINI) {

        /* its path has the model's name; here a member does */

        r->rc = argo_json_text(pool, argo_json_get(r->req.root, "model"),
                               &r->req.model);
        argo_json_get(r->req.root, "model")->taken = 1;
    }

    if (r->rc == NGX_OK) {
        r->rc = front->read_request(pool, &r->req, &r->err);
    }

    if (r->rc == NGX_OK) {
        r->rc = argo_model_resolve(pool, front_models(), &r->req.model,
                                   &r->req.target, &r->err);
    }

    return r->rc;
}


static ngx_int_t
run_tell(ngx_pool_t *pool, run_t *r)
{
    argo_out_t      out;
    argo_change_t  *change;

    argo_out_init(&out, pool, 512, NULL, 1);

    for (change = r->req.changes; change; change = change->next) {
        argo_out_str(&out, &change->note);
        argo_out_lit(&out, "\n");
    }

    return argo_out_flatten(&out, pool, &r->notes);
}


/* A request on its whole way, as the glue leads it. */

static ngx_int_t
run(ngx_pool_t *pool, argo_rules_t *rules, const char *front_name,
    const char *back_name, const char *json, run_t *r)
{
    ngx_str_t            name;
    argo_out_t           out;
    const argo_front_t  *front;

    name = front_str(front_name);
    front = argo_front_find(&name);

    if (front == NULL) {
        abort();
    }

    if (run_read(pool, front, json, r) != NGX_OK) {
        return r->rc;
    }

    if (back_name) {
        name = front_str(back_name);
        r->back = argo_back_find(&name);

    } else {
        r->back = argo_back_route(front->dialect, r->req.target->family, 1);
    }

    ngx_str_set(&r->req.user, "jdoe");

    r->req.profile = argo_rules_profile(rules, r->req.target);

    if (r->req.profile == NULL) {
        return r->rc = NGX_ERROR;
    }

    if (r->req.adapt && front->dialect != r->back->dialect) {
        r->rc = r->req.adapt(pool, &r->req, r->back->dialect, &r->err);
    }

    if (r->rc == NGX_OK) {
        r->rc = argo_rules_apply(pool, &r->req, r->back->dialect, &r->err);
    }

    if (r->rc == NGX_OK) {
        r->rc = r->back->plan_call(pool, &r->req, 0, &r->call, &r->err);
    }

    if (r->rc != NGX_OK) {
        return r->rc;
    }

    argo_out_init(&out, pool, 512, NULL, 0);
    r->back->write_request(&r->req, &r->call, &out);

    r->rc = argo_out_flatten(&out, pool, &r->body);

    return (r->rc == NGX_OK) ? run_tell(pool, r) : r->rc;
}


/* ---- the language */

static void
test_wrong_lines(void)
{
    size_t         i;
    ngx_pool_t    *pool;
    argo_error_t   err;
    argo_rules_t  *rules;

    static const struct {
        const char  *line;
        const char  *message;
    } cases[] = {
        { "gpt5", "a rule has a pattern of model ids, a name and values" },
        { "gpt5 temperature", "a rule has a pattern" },
        { "gpt5;x temperature any", "\"gpt5;x\" is no pattern of model ids" },
        { "gpt5, temperature any", "\"gpt5,\" is no pattern" },
        { ",gpt5 temperature any", "is no pattern" },
        { "gpt5,,gpt4 temperature any", "is no pattern" },
        { "gpt5 temprature any", "unknown rule \"temprature\": there are "
          "temperature, top_p, top_k, " },
        { "gpt5 temperature two", "invalid value of the rule "
          "\"temperature\": it takes any, one or none, and with any also "
          "\"max=\" and a number" },
        { "gpt5 temperature any max=", "invalid value" },
        { "gpt5 temperature any max=0", "invalid value" },
        { "gpt5 temperature any max=1.", "invalid value" },
        { "gpt5 temperature any max=.5", "invalid value" },
        { "gpt5 temperature any max=1.2345", "invalid value" },
        { "gpt5 temperature any max=1.2.3", "invalid value" },
        { "gpt5 temperature any max=x", "invalid value" },
        { "gpt5 temperature any max=99999999999999999999", "invalid" },
        { "gpt5 temperature one max=1", "invalid value" },
        { "gpt5 temperature any max=1 2", "invalid value" },
        { "gpt5 top_p any max=1", "invalid value of the rule \"top_p\": it "
          "takes any, one or none" },
        { "gpt5 exclusive yes", "it takes on or off" },
        { "gpt5 exclusive on off", "it takes on or off" },
        { "gpt5 thinking none", "it takes off, or of enabled, adaptive" },
        { "gpt5 efforts off low", "it takes off, or of none, minimal" },
        { "gpt5 efforts low highest", "it takes off, or of none, minimal" },
        { "gpt5 limit tokens", "it takes any, max_tokens or" },
        { "gpt5 limit max_tokens max_tokens", "it takes any, max_tokens" },
        { "gpt5 max_output 0", "it takes off or a number of tokens" },
        { "gpt5 max_output -5", "it takes off or a number of tokens" },
        { "gpt5 max_output 5k", "it takes off or a number of tokens" },
        { "gpt5 max_output 100000001", "it takes off or a number" },
        { "gpt5 max_output 99999999999999999999999", "off or a number" },
        { "gpt5 max_images many", "it takes off or a number of images" },
        { "gpt5 schema_only a{", "it takes off or keywords of JSON" },
        { "gpt5 drop model", "it takes off or names of parameters" },
        { "gpt5 drop seed messages", "it takes off or names of param" },
        { "gpt5 drop aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
          "ffffffffffggggg", "it takes off or names of parameters" }
    };

    pool = test_pool();
    rules = rules_new(pool);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&err, 0, sizeof(argo_error_t));

        if (!ok(rules_add(rules, cases[i].line, &err) == NGX_DECLINED
                && err.message.len >= strlen(cases[i].message)
                && memmem(err.message.data, err.message.len,
                          cases[i].message, strlen(cases[i].message)),
                "refused: %s", cases[i].line))
        {
            test_show("message", err.message.data, err.message.len);
        }
    }

    is(rules_profile(rules, "gpt5")->max_output, 0,
       "a line that was refused changes nothing");

    ngx_destroy_pool(pool);
}


static void
test_patterns(void)
{
    size_t         i;
    char           line[256];
    ngx_pool_t    *pool;
    argo_error_t   err;
    argo_rules_t  *rules;

    static const struct {
        const char  *patterns;
        const char  *id;
        ngx_uint_t   match;
    } cases[] = {
        { "*", "gpt5", 1 },
        { "gpt5", "gpt5", 1 },
        { "gpt5", "gpt52", 0 },
        { "gpt5", "gpt", 0 },
        { "gpt5*", "gpt5", 1 },
        { "gpt5*", "gpt56sol", 1 },
        { "gpt5*", "xgpt5", 0 },
        { "*mini", "gpt54mini", 1 },
        { "*mini", "gemini25pro", 0 },
        { "*mini*", "gemini25pro", 1 },
        { "gpt*mini", "gpt4omini", 1 },
        { "gpt*mi*ni", "gptmimini", 1 },
        { "g*t*m*x", "gptmimini", 0 },
        { "**", "a", 1 },
        { "claude*,gpt5", "gpt5", 1 },
        { "claude*,gpt5", "claudeopus5", 1 },
        { "claude*,gpt5", "gpt4", 0 },
        { "a,b,c*d", "cxxd", 1 },
        { "a,b,c*d", "b", 1 },
        { "a,b,c*d", "bb", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pool = test_pool();
        rules = rules_new(pool);

        snprintf(line, sizeof(line), "%s max_output 7", cases[i].patterns);

        is(rules_add(rules, line, &err), NGX_OK, "added: %s", line);
        is(rules_profile(rules, cases[i].id)->max_output == 7, cases[i].match,
           "%s and %s", cases[i].patterns, cases[i].id);

        ngx_destroy_pool(pool);
    }
}


static void
test_values(void)
{
    ngx_str_t             *word;
    ngx_pool_t            *pool;
    argo_error_t           err;
    argo_rules_t          *rules;
    const argo_profile_t  *profile, *other;

    pool = test_pool();
    rules = rules_new(pool);

    profile = rules_profile(rules, "any");

    ok(profile->temperature == ARGO_TAKES_ANY
       && profile->top_p == ARGO_TAKES_ANY && profile->efforts == 0x7f
       && profile->limit.len == 0 && profile->max_output == 0
       && profile->developer && profile->null_content && profile->blank_text
       && profile->lone_choice && profile->tools_effort
       && !profile->exclusive && !profile->pair_calls
       && !profile->schema_object && profile->schema_only == NULL,
       "without rules a model takes anything");

    is(rules_add(rules, "m temperature any max=1.25", &err), NGX_OK, "max");
    is(rules_add(rules, "m,n top_p one", &err), NGX_OK, "top_p");
    is(rules_add(rules, "m top_k none", &err), NGX_OK, "top_k");
    is(rules_add(rules, "m thinking adaptive default", &err), NGX_OK,
       "thinking");
    is(rules_add(rules, "m efforts none xhigh", &err), NGX_OK, "efforts");
    is(rules_add(rules, "m limit max_tokens", &err), NGX_OK, "limit");
    is(rules_add(rules, "m max_output 10", &err), NGX_OK, "max_output");
    is(rules_add(rules, "m max_output 100000000", &err), NGX_OK, "again");
    is(rules_add(rules, "m exclusive on", &err), NGX_OK, "exclusive");
    is(rules_add(rules, "m schema_only $ref type", &err), NGX_OK, "words");
    is(rules_add(rules, "m drop seed", &err), NGX_OK, "drop");
    is(rules_add(rules, "m drop off", &err), NGX_OK, "drop nothing");
    is(rules_add(rules, "n top_p any", &err), NGX_OK, "another model");

    profile = rules_profile(rules, "m");

    is(profile->temperature_max, 1250, "the greatest temperature");
    is(profile->top_p, ARGO_TAKES_ONE, "top_p of 1");
    is(profile->top_k, ARGO_TAKES_NONE, "no top_k");
    is(profile->thinking, ARGO_THINKS_ADAPTIVE|ARGO_THINKS_DEFAULT,
       "kinds of thinking");
    is(profile->efforts, ARGO_EFFORT_NONE|ARGO_EFFORT_XHIGH, "two efforts");
    is_str(&profile->limit, "max_tokens", "the name of the limit");
    is(profile->max_output, 100000000, "the later line wins");
    is(profile->exclusive, 1, "a flag");
    ok(profile->drop == NULL, "off takes back");

    word = profile->schema_only->elts;
    is(profile->schema_only->nelts, 2, "two keywords");
    is_str(&word[0], "$ref", "the first");
    is_str(&word[1], "type", "the second");

    other = rules_profile(rules, "n");
    is(other->top_p, ARGO_TAKES_ANY, "another model has rules of its own");
    ok(rules_profile(rules, "m") == profile, "a profile is made once");
    ok(rules_profile(rules, "n") == other, "of each model");

    ngx_destroy_pool(pool);
}


/* ---- what is built in */

typedef struct {
    char        *text;
    ngx_str_t    words[MAX_WORDS];
    ngx_uint_t   n;
} file_t;


/* The next line of the file in nginx's language, of which it uses a part. */

static ngx_uint_t
file_next(file_t *file)
{
    for (file->n = 0; ; ) {

        file->text += strspn(file->text, " \n");

        if (*file->text == '\0') {
            return file->n;
        }

        if (*file->text == '#') {
            file->text += strcspn(file->text, "\n");
            continue;
        }

        if (*file->text == ';') {
            file->text++;
            return file->n;
        }

        file->words[file->n].data = (u_char *) file->text;
        file->words[file->n].len = strcspn(file->text, " \n;#");
        file->text += file->words[file->n].len;
        file->n++;
    }
}


static char *
file_read(const char *name)
{
    char    *text;
    FILE    *f;
    size_t   n;

    f = fopen(name, "r");

    if (f == NULL) {
        return NULL;
    }

    text = calloc(1, 65536);

    if (text == NULL) {
        abort();
    }

    n = fread(text, 1, 65535, f);
    text[n] = '\0';

    fclose(f);

    return text;
}


static ngx_uint_t
profile_same(const ngx_array_t *a, const ngx_array_t *b)
{
    ngx_str_t   *p, *q;
    ngx_uint_t   i;

    if (a == NULL || b == NULL) {
        return a == b;
    }

    p = a->elts;
    q = b->elts;

    for (i = 0; i < a->nelts && i < b->nelts; i++) {
        if (!front_same(&p[i], &q[i])) {
            return 0;
        }
    }

    return a->nelts == b->nelts;
}


/* The file and what is compiled in say the same of every model. */

static void
test_file(void)
{
    char                  *text;
    file_t                 file;
    ngx_uint_t             i, lines, bad;
    ngx_pool_t            *pool;
    argo_error_t           err;
    argo_rules_t          *rules;
    argo_profile_t         a, b;
    argo_model_table_t    *table;

    text = file_read("conf/argo_rules.conf");

    if (!ok(text != NULL, "conf/argo_rules.conf can be read")) {
        return;
    }

    pool = test_pool();
    rules = rules_new(pool);

    file.text = text;
    lines = 0;
    bad = 0;

    while (file_next(&file)) {

        if (argo_rules_add(rules, file.words, file.n, &err) != NGX_OK) {
            test_show("refused", file.words[0].data, 70);
            bad++;
        }

        lines++;
    }

    is(bad, 0, "each line of it is a rule");
    ok(lines > 80, "and there are many");

    table = front_models();

    for (i = 0; i < table->nmodels; i++) {
        a = *argo_rules_profile(rules, &table->models[i]);
        b = *argo_rules_profile(builtin, &table->models[i]);

        /* clients ask for more than some models can write */

        ok(table->models[i].max_output == 0
           || table->models[i].max_output == a.max_output,
           "the limit of %s, as it is listed", table->models[i].id.data);

        ok(profile_same(a.schema_only, b.schema_only)
           && profile_same(a.schema_drop, b.schema_drop)
           && profile_same(a.drop, b.drop) && front_same(&a.limit, &b.limit),
           "lists for %s", table->models[i].id.data);

        a.schema_only = b.schema_only = NULL;
        a.schema_drop = b.schema_drop = NULL;
        a.drop = b.drop = NULL;
        ngx_str_null(&a.limit);
        ngx_str_null(&b.limit);

        is_mem(&a, sizeof(argo_profile_t), &b, sizeof(argo_profile_t),
               "what is built in for %s is what the file says",
               table->models[i].id.data);
    }

    ngx_destroy_pool(pool);
    free(text);
}


static void
test_unknown(void)
{
    const argo_profile_t  *profile;

    profile = rules_profile(builtin, "gpt9turbo");
    ok(profile->temperature == ARGO_TAKES_ONE
       && profile->top_p == ARGO_TAKES_NONE && !profile->tools_effort
       && argo_str_is(&profile->limit, "max_completion_tokens"),
       "a GPT that is not known is as the strictest one");

    profile = rules_profile(builtin, "claudeopus9");
    ok(profile->temperature == ARGO_TAKES_NONE
       && profile->thinking == (ARGO_THINKS_ADAPTIVE|ARGO_THINKS_DISABLED)
       && profile->default_output,
       "a Claude that is not known is as the strictest one");

    profile = rules_profile(builtin, "gemini9");
    ok(profile->min_output == 2048 && profile->schema_only
       && profile->pair_calls,
       "a Gemini that is not known is as the strictest one");

    profile = rules_profile(builtin, "llama");
    ok(profile->temperature == ARGO_TAKES_ANY && profile->schema_object,
       "a model of nobody known");
}


/* ---- requests, as t/fixtures/rules/requests.txt has them */

static char *
file_line(char **text)
{
    char  *line, *end;

    line = *text;
    end = strchr(line, '\n');

    if (end == NULL) {
        *text = line + strlen(line);
        return line;
    }

    *end = '\0';
    *text = end + 1;

    return line;
}


/* Words of a line, in place: the client's language, and the back's or NULL. */

static void
case_languages(char *line, case_t *c)
{
    char  *blank;

    c->front = line + 2;
    c->back = NULL;

    blank = strchr(line + 2, ' ');

    if (blank) {
        *blank = '\0';
        c->back = blank + 1;
    }
}


static void
test_case(const case_t *c)
{
    run_t        r;
    ngx_int_t    rc;
    ngx_pool_t  *pool;

    pool = test_pool();

    if (!is(run(pool, builtin, c->front, c->back, c->in, &r), NGX_OK,
            "%s", c->name))
    {
        test_show("error", r.err.message.data, r.err.message.len);
        ngx_destroy_pool(pool);
        return;
    }

    is_str(&r.body, c->out, "%s: what goes up", c->name);
    is_str(&r.notes, c->notes, "%s: what is told", c->name);

    if (c->notes[0] == '\0') {
        ok(r.req.changes == NULL && !r.req.rewrite_messages
           && !r.req.rewrite_tools, "%s: nothing is changed", c->name);
    }

    rc = argo_json_parse(pool, &r.body, ARGO_JSON_MAX_DEPTH, &r.req.root,
                         &r.err);
    is(rc, NGX_OK, "%s: it is JSON", c->name);

    ngx_destroy_pool(pool);
}


static void
test_requests(void)
{
    char        *text, *p, *line, *notes;
    case_t       c;
    ngx_uint_t   n;

    text = file_read("t/fixtures/rules/requests.txt");

    if (!ok(text != NULL, "t/fixtures/rules/requests.txt can be read")) {
        return;
    }

    notes = malloc(4096);

    if (notes == NULL) {
        abort();
    }

    memset(&c, 0, sizeof(case_t));
    notes[0] = '\0';
    n = 0;

    for (p = text; *p; ) {
        line = file_line(&p);

        switch (line[0]) {

        case '#':
            c.name = line + 2;
            notes[0] = '\0';
            break;

        case '>':
            case_languages(line, &c);
            break;

        case '{':
            c.in = line;
            break;

        case ':':
            strcat(notes, line + 2);
            strcat(notes, "\n");
            break;

        case '=':
            c.out = line + 2;
            c.notes = notes;
            test_case(&c);
            n++;
            break;
        }
    }

    ok(n > 80, "there are many cases");

    free(notes);
    free(text);
}


/*
 * What needs nothing goes up as it came: blanks, the order of keys, numbers
 * and escapes; all but the model and the user.
 */

static void
test_untouched(void)
{
    size_t       i;
    run_t        r;
    ngx_pool_t  *pool;

    static const struct {
        const char  *front;
        const char  *in;
        const char  *out;
    } cases[] = {
        { "openai_chat",
          "{ \"messages\":[ {\"content\":\"\\u0048i\", \"role\":\"user\"}],"
          "\"user\" : \"x\",\"temperature\":1.50, \"max_completion_tokens\""
          ":  1e3,\n\"model\":\"gpt-4.1\",\"top_p\":0.10,\"x\":{\"y\":[]}}",
          "{ \"messages\":[ {\"content\":\"\\u0048i\", \"role\":\"user\"}],"
          "\"user\" : \"jdoe\",\"temperature\":1.50, \"max_completion_tokens\""
          ":  1e3,\n\"model\":\"gpt41\",\"top_p\":0.10,\"x\":{\"y\":[]}}" },
        { "openai_chat",
          "{\"model\":\"gpt-5.2\",\"reasoning_effort\" :\"xhigh\",\"user\":1,"
          "\"tools\":[{\"function\":{\"parameters\":{ \"properties\":{\"a\":"
          "{}},\"type\":\"object\"},\"name\":\"f\"},\"type\":\"function\"}],"
          "\"tool_choice\":\"auto\",\"messages\":[{\"role\":\"system\","
          "\"content\":[{\"type\":\"text\",\"text\":\" \"}]}]}",
          "{\"model\":\"gpt52\",\"reasoning_effort\" :\"xhigh\",\"user\":"
          "\"jdoe\",\"tools\":[{\"function\":{\"parameters\":{ \"properties\""
          ":{\"a\":{}},\"type\":\"object\"},\"name\":\"f\"},\"type\":"
          "\"function\"}],\"tool_choice\":\"auto\",\"messages\":[{\"role\":"
          "\"system\",\"content\":[{\"type\":\"text\",\"text\":\" \"}]}]}" },
        { "openai_chat",
          "{\"model\":\"gemini-2.5-pro\",\"user\":\"\",\"temperature\":2,"
          "\"max_tokens\" : 2048,\"tools\":[{\"type\":\"function\","
          "\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\","
          "\"properties\":{\"const\":{\"type\":\"string\",\"format\":"
          "\"date-time\"}},\"required\":[\"const\"]}}}],\"messages\":"
          "[{\"role\":\"user\",\"content\":\"x\"}]}",
          "{\"model\":\"gemini25pro\",\"user\":\"jdoe\",\"temperature\":2,"
          "\"max_tokens\" : 2048,\"tools\":[{\"type\":\"function\","
          "\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\","
          "\"properties\":{\"const\":{\"type\":\"string\",\"format\":"
          "\"date-time\"}},\"required\":[\"const\"]}}}],\"messages\":"
          "[{\"role\":\"user\",\"content\":\"x\"}]}" },
        { "anthropic",
          "{\"stream\":true,\"max_tokens\": 9,\"thinking\" :{ \"type\":"
          "\"adaptive\"},\"model\":\"claude-opus-4-6\",\"top_p\":0.95,"
          "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],"
          "\"output_config\":{\"effort\":\"low\"},\"tools\":[{\"name\":\"f\","
          "\"input_schema\":{\"$schema\":\"x\",\"type\":\"object\"}}]}",
          "{\"stream\":true,\"max_tokens\": 9,\"thinking\" :{ \"type\":"
          "\"adaptive\"},\"model\":\"claudeopus46\",\"top_p\":0.95,"
          "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],"
          "\"output_config\":{\"effort\":\"low\"},\"tools\":[{\"name\":\"f\","
          "\"input_schema\":{\"$schema\":\"x\",\"type\":\"object\"}}]}" },
        { "openai_responses",
          "{\"input\":\"x\", \"model\" :\"gpt-5\",\"reasoning\":{\"effort\":"
          "\"low\"},\"include\":[\"reasoning.encrypted_content\"]}",
          "{\"input\":\"x\", \"model\" :\"gpt5\",\"reasoning\":{\"effort\":"
          "\"low\"},\"include\":[\"reasoning.encrypted_content\"]}" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pool = test_pool();

        is(run(pool, builtin, cases[i].front, NULL, cases[i].in, &r), NGX_OK,
           "a request that needs nothing, %lu", (unsigned long) i);
        is_str(&r.body, cases[i].out, "goes up as it came");
        ok(r.req.changes == NULL && !r.req.rewrite_messages
           && !r.req.rewrite_tools, "and nothing is told");

        ngx_destroy_pool(pool);
    }
}


/* A member that is there twice, within one that is changed. */

static void
test_nested_twice(void)
{
    run_t        r;
    ngx_pool_t  *pool;

    pool = test_pool();

    is(run(pool, builtin, "openai_responses", NULL,
           "{\"model\":\"gpt-5\",\"input\":\"x\",\"reasoning\":{\"effort\":"
           "\"none\", \"summary\":\"auto\", \"effort\":\"none\"}}", &r),
       NGX_OK, "an effort that is there twice");
    is_str(&r.body,
           "{\"model\":\"gpt5\",\"input\":\"x\",\"reasoning\":{\"summary\":"
           "\"auto\", \"effort\":\"minimal\"}}", "goes up once, changed");

    ngx_destroy_pool(pool);
}


/* ---- rules of a deployment's own */

static void
test_own_rules(void)
{
    run_t          r;
    ngx_pool_t    *pool;
    argo_error_t   err;
    argo_rules_t  *rules;

    static const char  chat[] =
        "{\"model\":\"gpt-4o\",\"user\":1,\"messages\":[{\"role\":\"user\","
        "\"content\":\"x\"}],\"seed\":1,\"logit_bias\":{},\"stop\":\"x\","
        "\"seed\":2,\"max_tokens\":5,\"temperature\":0.5}";

    static const char  gemini[] =
        "{\"model\":\"gpt-4o\",\"contents\":[{\"role\":\"user\",\"parts\":"
        "[{\"text\":\"x\"}]}],\"generationConfig\":{\"seed\":1,"
        "\"stopSequences\":[\"x\"]}}";

    pool = test_pool();
    rules = rules_new(pool);

    is(run(pool, rules, "openai_chat", NULL, chat, &r), NGX_OK,
       "without any rule");
    is_str(&r.notes, "", "nothing is changed");

    rules = rules_new(pool);

    is(rules_add(rules, "gpt4o drop seed logit_bias stop prediction", &err),
       NGX_OK, "a rule that drops");
    is(rules_add(rules, "gpt4o temperature any max=0.125", &err), NGX_OK,
       "a rule that caps");

    is(run(pool, rules, "openai_chat", NULL, chat, &r), NGX_OK,
       "a request of chat completions");
    is_str(&r.body, "{\"model\":\"gpt4o\",\"user\":\"jdoe\",\"messages\":"
           "[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,"
           "\"temperature\":0.125}", "without what is dropped");
    is_str(&r.notes,
           "temperature changed: the model takes no more\n"
           "seed dropped: the model does not take it\n"
           "logit_bias dropped: the model does not take it\n"
           "stop dropped: the model does not take it\n", "as is told");

    is(run(pool, rules, "gemini", NULL, gemini, &r), NGX_OK, "of Google's");
    is_str(&r.body, "{\"model\":\"gpt4o\",\"user\":\"jdoe\",\"messages\":"
           "[{\"role\":\"user\",\"content\":\"x\"}]}",
           "without what is dropped");

    ngx_destroy_pool(pool);
}


/* ---- images */

static char *
images_request(ngx_uint_t front, ngx_uint_t n)
{
    char        *json, *p;
    ngx_uint_t   i;

    static const char  *heads[] = {
        "{\"model\":\"gpt-4o\",\"user\":\"\",\"messages\":[{\"role\":"
        "\"user\",\"content\":[",
        "{\"model\":\"gpt-4o\",\"max_tokens\":9,\"messages\":[{\"role\":"
        "\"user\",\"content\":[",
        "{\"model\":\"gpt-4o\",\"input\":[{\"role\":\"user\","
        "\"content\":["
    };

    static const char  *images[] = {
        "{\"type\":\"image_url\",\"image_url\":{\"url\":"
        "\"data:image/png;base64,%06lu\"}},",
        "{\"type\":\"image\",\"source\":{\"type\":\"base64\","
        "\"media_type\":\"image/png\",\"data\":\"%06lu\"}},",
        "{\"type\":\"input_image\",\"image_url\":"
        "\"data:image/png;base64,%06lu\"},"
    };

    json = malloc(n * 128 + 512);

    if (json == NULL) {
        abort();
    }

    p = json + sprintf(json, "%s", heads[front]);

    for (i = 0; i < n; i++) {
        p += sprintf(p, images[front], (unsigned long) (i * 100 + 10));
    }

    (void) sprintf(p, "{\"type\":\"%s\",\"text\":\"?\"}]}]}",
                   (front == 2) ? "input_text" : "text");

    return json;
}


static ngx_uint_t
count_in(const ngx_str_t *s, const char *what)
{
    u_char      *p, *end;
    ngx_uint_t   n;

    n = 0;
    end = s->data + s->len;

    for (p = s->data; p; n++) {
        p = memmem(p, end - p, what, strlen(what));

        if (p == NULL) {
            break;
        }

        p += strlen(what);
    }

    return n;
}


static void
test_images(void)
{
    char               *json;
    run_t               r;
    ngx_uint_t          i;
    ngx_pool_t         *pool;

    static const char  *fronts[] = {
        "openai_chat", "anthropic", "openai_responses"
    };

    for (i = 0; i < 3; i++) {
        pool = test_pool();

        json = images_request(i, 50);
        is(run(pool, builtin, fronts[i], NULL, json, &r), NGX_OK,
           "as many images as may be, %s", fronts[i]);
        is(count_in(&r.body, "data:image/png;base64,"), 50, "all go up");
        is(count_in(&r.notes, "images"), 0, "nothing is told");
        is(r.req.rewrite_messages, 0, "messages stay");
        free(json);

        json = images_request(i, 53);
        is(run(pool, builtin, fronts[i], NULL, json, &r), NGX_OK,
           "too many images");
        is(count_in(&r.body, "data:image/png;base64,"), 50,
           "as many as may be go up");
        is(count_in(&r.body, "[image left out]"), 3, "others have a stand-in");
        is(count_in(&r.body, ",000210\""), 0, "the oldest is not there");
        is(count_in(&r.body, ",005210\""), 1, "the newest is");
        is(count_in(&r.notes, ": the oldest images are left out\n"), 1,
           "as is told");
        free(json);

        ngx_destroy_pool(pool);
    }
}


/* ---- descriptions of custom tools */

static void
test_descriptions(void)
{
    char          *json, *p;
    run_t          r;
    ngx_uint_t     i;
    ngx_str_t      text;
    ngx_pool_t    *pool;
    argo_json_t   *root, *node;

    json = malloc(16384);

    if (json == NULL) {
        abort();
    }

    p = json + sprintf(json, "{\"model\":\"gpt-5\",\"user\":1,\"messages\":"
                             "[{\"role\":\"user\",\"content\":\"x\"}],"
                             "\"tools\":[{\"type\":\"custom\",\"custom\":"
                             "{\"name\":\"exec\",\"description\":\"");

    for (i = 0; i < 400; i++) {
        p += sprintf(p, "\\n\\u00e9\\ud83d\\ude00\xc3\xa9");
    }

    (void) sprintf(p, "\"}}]}");

    pool = test_pool();

    if (!is(run(pool, builtin, "openai_chat", NULL, json, &r), NGX_OK,
            "a description of 8800 bytes"))
    {
        test_show("error", r.err.message.data, r.err.message.len);
    }

    is(argo_json_parse(pool, &r.body, 10, &root, &r.err), NGX_OK,
       "it goes up as JSON");

    node = argo_json_get(argo_json_get(root, "tools")->child, "custom");
    text = argo_json_inner(argo_json_get(node, "description"));

    ok(text.len <= 4096 && text.len > 4096 - 22, "with a shorter one");
    ok(count_in(&text, " [... the whole description is in a system message "
                       "at the beginning]") == 1, "that says where it is");
    ok(count_in(&text, "\\ud83d\\ude00") == count_in(&text, "\\ud83d"),
       "no character is cut");

    node = argo_json_get(root, "messages")->child;
    text = argo_json_inner(argo_json_get(node, "content"));

    ok(argo_json_is(argo_json_get(node, "role"), "system")
       && count_in(&text, "The description of the tool exec:\\n\\n") == 1
       && count_in(&text, "\\ude00") == 400, "and the whole in a message");

    ok(argo_json_is(argo_json_get(node->next, "content"), "x"),
       "before the others");

    ngx_destroy_pool(pool);
    free(json);
}


/* ---- schemas */

typedef struct {
    const char  *name;
    const char  *model;
    const char  *in;
    const char  *out;                   /* NULL: as it came */
} schema_t;


static const schema_t  schemas[] = {

    { "GPT, nothing wrong", "gpt5",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/A\"}},"
      "\"$defs\":{\"A\":{}},\"additionalProperties\":false}", NULL },

    { "GPT, blanks", "gpt5",
      "{ \"type\" : \"object\" , \"properties\" : { } }", NULL },

    { "GPT, nothing", "gpt5", "{}", "{\"type\":\"object\",\"properties\":{}}" },

    { "GPT, null", "gpt5", "null", "{\"type\":\"object\",\"properties\":{}}" },

    { "GPT, no properties", "gpt5", "{\"type\":\"object\"}",
      "{\"type\":\"object\",\"properties\":{}}" },

    { "Claude, no properties", "claudeopus5", "{\"type\":\"object\"}", NULL },

    { "Claude, no type", "claudeopus5", "{\"properties\":{\"a\":true}}",
      "{\"type\":\"object\",\"properties\":{\"a\":true}}" },

    { "Claude, a list of types", "claudeopus5",
      "{\"type\":[\"object\",\"null\"],\"title\":\"t\"}",
      "{\"type\":\"object\",\"title\":\"t\"}" },

    { "Claude, another type is left to upstream", "claudeopus5",
      "{\"type\":\"string\"}", NULL },

    { "Claude, a reference at the top", "claudeopus5",
      "{\"$ref\":\"#/$defs/A~1b\",\"$defs\":{\"A/b\":{\"type\":\"object\","
      "\"properties\":{\"x\":{\"$ref\":\"#/$defs/A~1b\"}},\"required\":"
      "[\"x\"]}}}",
      "{\"type\":\"object\",\"$defs\":{\"A/b\":{\"type\":\"object\","
      "\"properties\":{\"x\":{\"$ref\":\"#/$defs/A~1b\"}},\"required\":"
      "[\"x\"]}},\"properties\":{\"x\":{\"$ref\":\"#/$defs/A~1b\"}},"
      "\"required\":[\"x\"]}" },

    { "Claude, choices at the top", "claudeopus5",
      "{\"type\":\"object\",\"properties\":{\"k\":{\"type\":\"string\"}},"
      "\"required\":[\"k\"],\"oneOf\":[{\"properties\":{\"a\":{}},"
      "\"required\":[\"a\"]},{\"properties\":{\"k\":{},\"b\":{}}}],"
      "\"allOf\":[{\"properties\":{\"c\":{}},\"required\":[\"c\"]}]}",
      "{\"type\":\"object\",\"properties\":{\"k\":{\"type\":\"string\"},"
      "\"c\":{},\"a\":{},\"b\":{}},\"required\":[\"k\",\"c\"]}" },

    { "Claude, nothing but what is required", "claudeopus5",
      "{\"type\":\"object\",\"allOf\":[],\"properties\":{\"a\":{"
      "\"required\":[\"b\",null]}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{"
      "\"required\":[\"b\"]}}}" },

    { "Gemini, nothing wrong", "gemini25pro",
      "{\"type\":\"object\",\"properties\":{\"$ref\":{\"type\":\"array\","
      "\"items\":{\"type\":\"string\",\"enum\":[\"a\",\"b\"]}},"
      "\"additionalProperties\":{\"anyOf\":[{\"type\":\"string\"},"
      "{\"type\":\"integer\"}]}},\"required\":[\"$ref\"]}", NULL },

    { "Gemini, keywords", "gemini25pro",
      "{\"$schema\":\"s\",\"type\":\"object\",\"properties\":{\"a\":{\"type\":"
      "\"integer\",\"exclusiveMinimum\":0,\"multipleOf\":2,\"$comment\":"
      "\"c\",\"maximum\":5,\"exclusiveMaximum\":6}},\"additionalProperties\":"
      "false,\"patternProperties\":{\"^x\":{}},\"x-order\":1}",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\","
      "\"minimum\":0,\"maximum\":5}}}" },

    { "Gemini, an escaped keyword", "gemini25pro",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\","
      "\"\\u0063onst\":\"x\"}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\","
      "\"enum\":[\"x\"]}}}" },

    { "Gemini, const", "gemini25pro",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"const\":\"x\"},"
      "\"b\":{\"const\":1,\"type\":\"integer\"},\"c\":{\"const\":\"\"}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\","
      "\"enum\":[\"x\"]},\"b\":{\"type\":\"integer\"},\"c\":{\"type\":"
      "\"string\"}}}" },

    { "Gemini, enum", "gemini25pro",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\","
      "\"enum\":[\"x\",null,\"\",1,\"y\"]},\"b\":{\"type\":\"integer\","
      "\"enum\":[1,2]}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\","
      "\"enum\":[\"x\",\"y\"]},\"b\":{\"type\":\"integer\"}}}" },

    { "Gemini, types", "gemini25pro",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":[\"string\","
      "\"null\"]},\"b\":{\"type\":[\"string\",\"array\",\"null\"]},\"c\":"
      "{\"type\":\"null\"},\"d\":{\"type\":[\"array\"]},\"e\":{\"type\":"
      "[\"null\"]},\"f\":{\"type\":5}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\","
      "\"nullable\":true},\"b\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":"
      "\"array\",\"items\":{\"type\":\"string\"}}],\"nullable\":true},\"c\":"
      "{\"type\":\"string\",\"nullable\":true},\"d\":{\"type\":\"array\","
      "\"items\":{\"type\":\"string\"}},\"e\":{\"type\":\"string\","
      "\"nullable\":true},\"f\":{\"type\":\"string\"}}}" },

    { "Gemini, no type", "gemini25pro",
      "{\"properties\":{\"a\":{},\"b\":{\"description\":\"x\"},\"c\":"
      "{\"properties\":{}},\"d\":{\"items\":{}},\"e\":true,\"f\":[]}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},"
      "\"b\":{\"type\":\"string\",\"description\":\"x\"},\"c\":{\"type\":"
      "\"object\",\"properties\":{}},\"d\":{\"type\":\"array\",\"items\":"
      "{\"type\":\"string\"}},\"e\":{\"type\":\"string\"},\"f\":{\"type\":"
      "\"string\"}}}" },

    { "Gemini, arrays", "gemini25pro",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\"},"
      "\"b\":{\"type\":\"array\",\"items\":[{\"type\":\"integer\"},{}]},"
      "\"c\":{\"type\":\"array\",\"items\":[]}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\","
      "\"items\":{\"type\":\"string\"}},\"b\":{\"type\":\"array\",\"items\":"
      "{\"type\":\"integer\"}},\"c\":{\"type\":\"array\",\"items\":{\"type\":"
      "\"string\"}}}}" },

    { "Gemini, choices", "gemini25pro",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"anyOf\":[{\"type\":"
      "\"integer\",\"minimum\":1},{\"type\":\"null\"}],\"default\":null,"
      "\"description\":\"d\"},\"b\":{\"oneOf\":[{\"type\":\"integer\"},"
      "{\"type\":\"string\"},{\"type\":\"null\"}]},\"c\":{\"allOf\":"
      "[{\"$ref\":\"#/definitions/C\"}],\"title\":\"t\"}},\"definitions\":"
      "{\"C\":{\"type\":\"string\",\"enum\":[\"x\"],\"title\":\"C\"}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\","
      "\"default\":null,\"description\":\"d\",\"minimum\":1,\"nullable\":"
      "true},\"b\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}],"
      "\"nullable\":true},\"c\":{\"type\":\"string\",\"title\":\"t\","
      "\"enum\":[\"x\"]}}}" },

    { "Gemini, references", "gemini25pro",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/%24defs/A\","
      "\"description\":\"mine\"},\"b\":{\"$ref\":\"#/$defs/none\"},\"c\":"
      "{\"$ref\":\"http://x/y\"},\"d\":{\"$ref\":\"#\"},\"e\":{\"$ref\":1}},"
      "\"required\":[\"a\",\"zz\",7],\"$defs\":{\"A\":{\"type\":\"object\","
      "\"description\":\"its\",\"properties\":{\"next\":{\"$ref\":"
      "\"#/$defs/A\"},\"n\":{\"type\":\"integer\"}},\"required\":"
      "[\"next\"]}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\","
      "\"description\":\"mine\",\"properties\":{\"next\":{\"type\":"
      "\"object\"},\"n\":{\"type\":\"integer\"}},\"required\":[\"next\"]},"
      "\"b\":{\"type\":\"object\"},\"c\":{\"type\":\"object\"},\"d\":"
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\","
      "\"description\":\"mine\",\"properties\":{\"next\":{\"type\":"
      "\"object\"},\"n\":{\"type\":\"integer\"}},\"required\":[\"next\"]},"
      "\"b\":{\"type\":\"object\"},\"c\":{\"type\":\"object\"},\"d\":"
      "{\"type\":\"object\"},\"e\":{\"type\":\"object\"}},\"required\":"
      "[\"a\"]},\"e\":{\"type\":\"object\"}},\"required\":[\"a\"]}" },

    { "Gemini, formats", "gemini25pro",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\","
      "\"format\":\"uri\"},\"b\":{\"type\":\"integer\",\"format\":"
      "\"int32\"}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},"
      "\"b\":{\"type\":\"integer\",\"format\":\"int32\"}}}" }
};


static void
test_schema(const schema_t *s)
{
    ngx_str_t              doc, text, again;
    ngx_pool_t            *pool;
    argo_out_t             out;
    argo_json_t           *root, *made;
    argo_error_t           err;
    const argo_profile_t  *profile;

    pool = test_pool();
    doc = test_copy(s->in, strlen(s->in));
    profile = rules_profile(builtin, s->model);

    /* as the nodes of a tool's schema end: at its own members */

    is(argo_json_parse(pool, &doc, 1, &root, &err), NGX_OK, "%s", s->name);

    argo_out_init(&out, pool, 256, NULL, 0);
    argo_rules_write_schema(profile, root, &out);
    is(argo_out_flatten(&out, pool, &text), NGX_OK, "%s: written", s->name);
    is_str(&text, s->out ? s->out : s->in, "%s: as it should be", s->name);

    is(argo_rules_schema_refused(profile, root),
       s->out && root->type == ARGO_JSON_OBJECT,
       "%s: whether it is refused", s->name);

    if (is(argo_json_parse(pool, &text, 100, &made, &err), NGX_OK,
           "%s: it is JSON", s->name))
    {
        is(argo_rules_schema_refused(profile, made), 0,
           "%s: what was written is not refused", s->name);

        argo_out_init(&out, pool, 256, NULL, 0);
        argo_rules_write_schema(profile, made, &out);
        is(argo_out_flatten(&out, pool, &again), NGX_OK, "again");
        is_mem(again.data, again.len, text.data, text.len,
               "%s: and comes out again as it is", s->name);
    }

    test_free(&doc);
    ngx_destroy_pool(pool);
}


/* Each schema has two references to the next one: 2^40 if all were followed. */

static void
test_bomb(void)
{
    char          *json, *p;
    ngx_str_t      doc, text;
    ngx_uint_t     i;
    ngx_pool_t    *pool;
    argo_out_t     out;
    argo_json_t   *root;
    argo_error_t   err;

    pool = test_pool();
    json = malloc(16384);

    if (json == NULL) {
        abort();
    }

    p = json + sprintf(json, "{\"type\":\"object\",\"properties\":{\"a\":"
                             "{\"$ref\":\"#/$defs/d0\"}},\"$defs\":{");

    for (i = 0; i < 40; i++) {
        p += sprintf(p, "\"d%lu\":{\"type\":\"object\",\"properties\":{\"l\":"
                        "{\"$ref\":\"#/$defs/d%lu\"},\"r\":{\"allOf\":"
                        "[{\"$ref\":\"#/$defs/d%lu\"}]}}},",
                     (unsigned long) i, (unsigned long) i + 1,
                     (unsigned long) i + 1);
    }

    p += sprintf(p, "\"d40\":{}}}");

    doc.data = (u_char *) json;
    doc.len = p - json;

    is(argo_json_parse(pool, &doc, 4, &root, &err), NGX_OK, "a bomb");

    argo_out_init(&out, pool, 4096, NULL, 0);
    argo_rules_write_schema(rules_profile(builtin, "gemini25pro"), root, &out);
    is(argo_out_flatten(&out, pool, &text), NGX_OK, "is written");
    ok(text.len > 1000 && text.len < 2 * ARGO_SCHEMA_MAX_SIZE,
       "as far as is allowed: %lu bytes", (unsigned long) text.len);
    is(argo_json_parse(pool, &text, 100, &root, &err), NGX_OK,
       "and is JSON");

    ngx_destroy_pool(pool);
    free(json);
}


static void
test_schemas(void)
{
    size_t         i;
    ngx_str_t      text;
    argo_out_t     out;
    ngx_pool_t    *pool;

    for (i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        test_schema(&schemas[i]);
    }

    pool = test_pool();

    argo_out_init(&out, pool, 256, NULL, 0);
    argo_rules_write_schema(rules_profile(builtin, "claudeopus5"), NULL,
                            &out);
    is(argo_out_flatten(&out, pool, &text), NGX_OK, "a tool without a schema");
    is_str(&text, "{\"type\":\"object\",\"properties\":{}}",
           "has one without properties");

    ngx_destroy_pool(pool);

    test_bomb();
}


/*
 * ---- all models, many requests of each language
 *
 * What ARGO refuses, model by model, as it was seen or as the vendor says:
 * not what the rules say, but what they are there for.
 */

#define NO_TEMP    0x0001
#define ONE_TEMP   0x0002
#define NO_TOP_P   0x0004
#define NOT_BOTH   0x0008
#define NO_MAX     0x0010       /* max_tokens */
#define NO_TOOLS   0x0020       /* with an effort, on chat completions */
#define NO_WITH    0x0040       /* temperature or top_p with an effort */
#define ENABLED    0x0080
#define ADAPTIVE   0x0100
#define NO_TOP_K   0x0200
#define UNASKED    0x0400       /* thinks */

#define E_NONE     " none "
#define E_MIN      " minimal low medium high "
#define E_LMH      " low medium high "
#define E_NLMH     " none low medium high "
#define E_NLMHX    " none low medium high xhigh "
#define E_CLAUDE   " low medium high xhigh max "

typedef struct {
    const char  *id;
    const char  *name;
    unsigned     flags;
    const char  *efforts;
    int64_t      max;
    int64_t      min;
} fact_t;


static const fact_t  facts[] = {
    { "gpt35", "gpt-3.5-turbo", 0, "", 4096, 0 },
    { "gpt35large", "gpt-3.5-turbo-16k", 0, "", 16384, 0 },
    { "gpt4", "gpt-4", 0, "", 8192, 0 },
    { "gpt4large", "gpt-4-32k", 0, "", 32768, 0 },
    { "gpt4turbo", "gpt-4-turbo", 0, "", 4096, 0 },
    { "gpt4o", "gpt-4o", NO_MAX, "", 16384, 0 },
    { "gpt41", "gpt-4.1", 0, "", 16384, 0 },
    { "gpt41mini", "gpt-4.1-mini", 0, "", 16384, 0 },
    { "gpt41nano", "gpt-4.1-nano", 0, "", 16384, 0 },
    { "gpto1", "o1", NO_TEMP|NO_TOP_P|NO_MAX, E_LMH, 100000, 0 },
    { "gpto3mini", "o3-mini", NO_TEMP|NO_TOP_P|NO_MAX, E_LMH, 100000, 0 },
    { "gpto3", "o3", NO_TEMP|NO_TOP_P|NO_MAX, E_LMH, 100000, 0 },
    { "gpto4mini", "o4-mini", NO_TEMP|NO_TOP_P|NO_MAX, E_LMH, 100000, 0 },
    { "gpt5", "gpt-5", ONE_TEMP|NO_TOP_P|NO_MAX, E_MIN, 128000, 0 },
    { "gpt5mini", "gpt-5-mini", ONE_TEMP|NO_TOP_P|NO_MAX, E_MIN, 128000, 0 },
    { "gpt5nano", "gpt-5-nano", ONE_TEMP|NO_TOP_P|NO_MAX, E_MIN, 128000, 0 },
    { "gpt51", "gpt-5.1", NO_MAX|NO_WITH, E_NLMH, 128000, 0 },
    { "gpt52", "gpt-5.2", NO_MAX|NO_WITH, E_NLMHX, 128000, 0 },
    { "gpt54", "gpt-5.4", NO_MAX|NO_WITH|NO_TOOLS, E_NLMHX, 128000, 0 },
    { "gpt54mini", "gpt-5.4-mini", NO_MAX|NO_WITH|NO_TOOLS, E_NLMHX, 128000,
      0 },
    { "gpt54nano", "gpt-5.4-nano", NO_MAX|NO_WITH|NO_TOOLS, E_NLMHX, 128000,
      0 },
    { "gpt55", "gpt-5.5", ONE_TEMP|NO_TOP_P|NO_MAX, E_NLMHX, 128000, 0 },
    { "gpt56sol", "gpt-5.6-sol", ONE_TEMP|NO_MAX|NO_TOOLS, E_NLMHX, 128000,
      0 },
    { "gpt56terra", "gpt-5.6-terra", ONE_TEMP|NO_MAX|NO_TOOLS, E_NLMHX,
      128000, 0 },
    { "gpt56luna", "gpt-5.6-luna", ONE_TEMP|NO_MAX|NO_TOOLS, E_NLMHX, 128000,
      0 },

    { "gemini25pro", "gemini-2.5-pro", NO_TOP_K, "", 65536, 65 },
    { "gemini25flash", "gemini-2.5-flash", NO_TOP_K, "", 64536, 65 },
    { "gemini35flash", "gemini-3.5-flash", NO_TOP_K, "", 64000, 2048 },
    { "gemini31flashlite", "gemini-3.1-flash-lite", NO_TOP_K, "", 64000, 0 },

    { "claudeopus5", "claude-opus-5",
      NO_TEMP|NO_TOP_P|NO_TOP_K|ADAPTIVE|UNASKED, E_CLAUDE, 128000, 0 },
    { "claudeopus48", "claude-opus-4-8", NO_TEMP|NO_TOP_P|NO_TOP_K|ADAPTIVE,
      E_CLAUDE, 128000, 0 },
    { "claudeopus47", "claude-opus-4-7", NO_TEMP|NO_TOP_P|NO_TOP_K|ADAPTIVE,
      E_CLAUDE, 128000, 0 },
    { "claudeopus46", "claude-opus-4-6", NOT_BOTH|ENABLED|ADAPTIVE,
      E_LMH E_NONE, 128000, 0 },
    { "claudeopus45", "claude-opus-4-5", NOT_BOTH|ENABLED, E_LMH E_NONE,
      64000, 0 },
    { "claudeopus41", "claude-opus-4-1", NOT_BOTH|ENABLED, "", 32000, 0 },
    { "claudeopus4", "claude-opus-4-0", ENABLED, "", 32000, 0 },
    { "claudehaiku45", "claude-haiku-4-5", NOT_BOTH|ENABLED, E_LMH E_NONE,
      64000, 0 },
    { "claudesonnet5", "claude-sonnet-5", ONE_TEMP|NO_TOP_P|ADAPTIVE,
      E_CLAUDE, 64000, 0 },
    { "claudesonnet46", "claude-sonnet-4-6", NOT_BOTH|ENABLED|ADAPTIVE,
      E_LMH E_NONE, 64000, 0 },
    { "claudesonnet45", "claude-sonnet-4-5", NOT_BOTH|ENABLED, E_LMH E_NONE,
      64000, 0 },
    { "claudesonnet4", "claude-sonnet-4-0", ENABLED, "", 64000, 0 },
    { "claudesonnet37", "claude-3-7-sonnet", ENABLED, "", 128000, 0 },
    { "claudesonnet35v2", "claude-3-5-sonnet-20241022", 0, "", 8000, 0 },
    { "claudehaiku35", "claude-3-5-haiku", 0, "", 8000, 0 }
};


static double
number(const argo_json_t *node)
{
    char  text[64];

    snprintf(text, sizeof(text), "%.*s", (int) node->raw.len, node->raw.data);

    return strtod(text, NULL);
}


static argo_json_t *
member(const argo_json_t *obj, const char *name)
{
    argo_json_t  *node;

    node = obj ? argo_json_find(obj, name, strlen(name)) : NULL;

    return (node && node->type != ARGO_JSON_NULL) ? node : NULL;
}


static ngx_uint_t
effort_known(const fact_t *fact, const argo_json_t *effort)
{
    char       word[32];
    ngx_str_t  text;

    text = argo_json_inner(effort);
    snprintf(word, sizeof(word), " %.*s ", (int) text.len, text.data);

    return strstr(fact->efforts, word) != NULL;
}


/* Claude's thinking; *thinks says whether it will. */

static const char *
judge_thinking(const fact_t *fact, const argo_json_t *root, double limit,
    ngx_uint_t *thinks)
{
    argo_json_t  *thinking, *type, *budget;

    thinking = member(root, "thinking");
    type = member(thinking, "type");
    budget = member(thinking, "budget_tokens");

    *thinks = (fact->flags & UNASKED) ? 1 : 0;

    if (thinking == NULL) {
        return NULL;
    }

    if (argo_json_is(type, "disabled")) {
        *thinks = 0;
        return (fact->flags & (ENABLED|ADAPTIVE)) ? NULL : "disabled";
    }

    *thinks = 1;

    if (argo_json_is(type, "adaptive")) {
        return !(fact->flags & ADAPTIVE) ? "adaptive"
               : budget ? "adaptive with a budget" : NULL;
    }

    if (!(fact->flags & ENABLED)) {
        return "enabled";
    }

    return (budget == NULL || number(budget) < 1024
            || number(budget) >= limit) ? "the budget" : NULL;
}


static const char *
judge_claude(const fact_t *fact, const argo_json_t *root)
{
    ngx_uint_t    thinks;
    const char   *wrong;
    argo_json_t  *limit, *node, *type;

    limit = member(root, "max_tokens");

    if (limit == NULL) {
        return "no max_tokens";
    }

    wrong = judge_thinking(fact, root, number(limit), &thinks);

    if (wrong) {
        return wrong;
    }

    node = member(member(root, "output_config"), "effort");

    if (node && !effort_known(fact, node)) {
        return "effort";
    }

    node = member(root, "temperature");

    if (node && (number(node) > 1 || (thinks && number(node) != 1))) {
        return "temperature";
    }

    if (thinks && member(root, "top_k")) {
        return "top_k with thinking";
    }

    node = member(root, "top_p");

    if (thinks && node && number(node) < 0.95) {
        return "top_p with thinking";
    }

    type = member(member(root, "tool_choice"), "type");

    if (thinks && type
        && (argo_json_is(type, "any") || argo_json_is(type, "tool")))
    {
        return "thinking with a call that must be made";
    }

    if (type && member(root, "tools") == NULL) {
        return "tool_choice without tools";
    }

    return NULL;
}


static const char *
judge_openai(const fact_t *fact, const argo_json_t *root, ngx_uint_t chat)
{
    argo_json_t  *effort, *node;

    if (chat && (fact->flags & NO_MAX) && member(root, "max_tokens")) {
        return "max_tokens";
    }

    if (member(root, "max_tokens") && member(root, "max_completion_tokens")) {
        return "both limits";
    }

    if (member(root, "thinking") || member(root, "output_config")
        || member(root, "top_k"))
    {
        return "a member of another vendor";
    }

    effort = chat ? member(root, "reasoning_effort")
                  : member(member(root, "reasoning"), "effort");

    if (effort && !effort_known(fact, effort)) {
        return "effort";
    }

    if (effort && argo_json_is(effort, "none")) {
        effort = NULL;
    }

    if (chat && effort && member(root, "tools") && (fact->flags & NO_TOOLS)) {
        return "an effort with tools";
    }

    if (effort && (fact->flags & NO_WITH)) {
        node = member(root, "temperature");

        if ((node && number(node) != 1)
            || ((node = member(root, "top_p")) && number(node) != 1))
        {
            return "sampling with an effort";
        }
    }

    if (!member(root, "tools")
        && (member(root, "tool_choice") || member(root,
                                                  "parallel_tool_calls")))
    {
        return "tool_choice without tools";
    }

    return NULL;
}


static const char *
judge_limits(const fact_t *fact, const argo_json_t *root)
{
    size_t        i;
    argo_json_t  *node;

    static const char  *names[] = {
        "max_tokens", "max_completion_tokens", "max_output_tokens"
    };

    for (i = 0; i < 3; i++) {
        node = member(root, names[i]);

        if (node && (number(node) > (double) fact->max
                     || number(node) < (double) fact->min))
        {
            return names[i];
        }
    }

    return NULL;
}


/* NULL: ARGO would take it. */

static const char *
judge(const fact_t *fact, const run_t *r, const argo_json_t *root)
{
    const char   *wrong;
    argo_json_t  *node, *temperature, *top_p;

    wrong = judge_limits(fact, root);

    if (wrong) {
        return wrong;
    }

    temperature = member(root, "temperature");
    top_p = member(root, "top_p");

    if (temperature
        && ((fact->flags & NO_TEMP)
            || ((fact->flags & ONE_TEMP) && number(temperature) != 1)
            || number(temperature) > 2))
    {
        return "temperature";
    }

    if (top_p && (fact->flags & NO_TOP_P)) {
        return "top_p";
    }

    if (temperature && top_p && (fact->flags & NOT_BOTH)) {
        return "temperature and top_p";
    }

    if (member(root, "top_k") && (fact->flags & NO_TOP_K)) {
        return "top_k";
    }

    if (r->back == &argo_anthropic_back) {
        return judge_claude(fact, root);
    }

    if (r->back == &argo_openai_responses_back) {
        return judge_openai(fact, root, 0);
    }

    if (r->req.target->family == ARGO_FAMILY_GOOGLE
        && member(root, "max_completion_tokens"))
    {
        return "a limit that is not read";
    }

    for (node = member(root, "messages")->child; node; node = node->next) {

        if (argo_json_is(member(node, "role"), "developer")) {
            return "developer";
        }

        if (member(node, "content") == NULL
            && r->req.target->family == ARGO_FAMILY_GOOGLE)
        {
            return "content of null";
        }
    }

    return judge_openai(fact, root, 1);
}


/* ---- requests by chance, always the same ones */

static uint32_t  chance_state;


static ngx_uint_t
chance(ngx_uint_t n)
{
    chance_state = chance_state * 1664525 + 1013904223;

    return (chance_state >> 8) % n;
}


typedef struct {
    char         text[MAX_BODY];
    size_t       len;
} text_t;


static void __attribute__((format(printf, 2, 3)))
say(text_t *t, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    t->len += vsnprintf(t->text + t->len, MAX_BODY - t->len, format, args);
    va_end(args);
}


/* One of the values, or nothing at all. */

static void
say_one(text_t *t, const char *name, const char *const *values)
{
    ngx_uint_t  n;

    for (n = 0; values[n]; n++) {
        /* void */
    }

    n = chance(n * 2);

    if (n % 2 == 0) {
        say(t, ",\"%s\":%s", name, values[n / 2]);
    }
}


static const char *const  temperatures[] = {
    "0", "0.5", "1", "1.0", "2", "null", NULL
};
static const char *const  top_ps[] = { "0.1", "0.96", "1", NULL };
static const char *const  top_ks[] = { "1", "40", NULL };
static const char *const  limits[] = {
    "1", "64", "1000", "1025", "5000", "30000", "1000000",
    "100000000000000000000000", NULL
};
static const char *const  efforts[] = {
    "\"none\"", "\"minimal\"", "\"low\"", "\"medium\"", "\"high\"",
    "\"xhigh\"", "\"max\"", NULL
};
static const char *const  thinkings[] = {
    "{\"type\":\"disabled\"}", "{\"type\":\"adaptive\"}",
    "{\"type\":\"adaptive\",\"display\":\"omitted\"}",
    "{\"type\":\"enabled\",\"budget_tokens\":1}",
    "{\"type\":\"enabled\",\"budget_tokens\":1024}",
    "{\"type\":\"enabled\",\"budget_tokens\":20000}",
    "{\"type\":\"enabled\",\"budget_tokens\":100000000}", NULL
};
static const char *const  budgets[] = {
    "{\"thinkingBudget\":0}", "{\"thinkingBudget\":-1}",
    "{\"thinkingBudget\":100}", "{\"thinkingBudget\":9000}",
    "{\"thinkingLevel\":\"LOW\"}", "{\"thinkingLevel\":\"HIGH\"}", NULL
};


static void
say_chat(text_t *t, const char *model)
{
    ngx_uint_t  tools;

    static const char *const  choices[] = {
        "\"auto\"", "\"required\"",
        "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}", NULL
    };

    tools = chance(2);

    say(t, "{\"model\":\"%s\",\"messages\":[{\"role\":\"%s\","
           "\"content\":\"s\"},{\"role\":\"user\",\"content\":"
           "\"Hi\"}",
        model, chance(2) ? "system" : "developer");

    if (tools && chance(2)) {
        say(t, ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\""
               ":[{\"id\":\"c\",\"type\":\"function\",\"function\":"
               "{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":"
               "\"tool\",\"tool_call_id\":\"c\",\"content\":\"r\"}");
    }

    say(t, "]");

    if (tools) {
        say(t, ",\"tools\":[{\"type\":\"function\",\"function\":"
               "{\"name\":\"f\",\"parameters\":{}}}]");
        say_one(t, "tool_choice", choices);
    }

    say_one(t, "temperature", temperatures);
    say_one(t, "top_p", top_ps);
    say_one(t, "max_tokens", limits);
    say_one(t, "max_completion_tokens", limits);
    say_one(t, "reasoning_effort", efforts);
    say_one(t, "thinking", thinkings);
    say_one(t, "top_k", top_ks);
    say(t, "}");
}


static void
say_completions(text_t *t, const char *model)
{
    say(t, "{\"model\":\"%s\",\"prompt\":\"Hi\"", model);
    say_one(t, "temperature", temperatures);
    say_one(t, "top_p", top_ps);
    say_one(t, "max_tokens", limits);
    say(t, "}");
}


static void
say_responses(text_t *t, const char *model)
{
    ngx_uint_t  n;

    static const char *const  choices[] = {
        "\"auto\"", "\"required\"",
        "{\"type\":\"function\",\"name\":\"f\"}", NULL
    };

    say(t, "{\"model\":\"%s\",\"input\":\"Hi\"", model);

    if (chance(2)) {
        say(t, ",\"tools\":[{\"type\":\"function\",\"name\":\"f\","
               "\"parameters\":{}}]");
        say_one(t, "tool_choice", choices);
    }

    say_one(t, "temperature", temperatures);
    say_one(t, "top_p", top_ps);
    say_one(t, "max_output_tokens", limits);

    n = chance(9);

    if (n < 7) {
        say(t, ",\"reasoning\":{\"effort\":%s,\"summary\":\"auto\"}",
            efforts[n]);
    }

    say(t, "}");
}


static void
say_messages(text_t *t, const char *model)
{
    ngx_uint_t  n;

    static const char *const  choices[] = {
        "{\"type\":\"auto\"}", "{\"type\":\"any\"}",
        "{\"type\":\"tool\",\"name\":\"f\"}", NULL
    };

    static const char *const  warm[] = { "0", "0.5", "1", NULL };

    say(t, "{\"model\":\"%s\",\"max_tokens\":%s,\"messages\":"
           "[{\"role\":\"user\",\"content\":\"Hi\"}",
        model, limits[chance(7)]);

    n = chance(2);

    if (n && chance(2)) {
        say(t, ",{\"role\":\"assistant\",\"content\":[{\"type\":"
               "\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":"
               "{}}]},{\"role\":\"user\",\"content\":[{\"type\":"
               "\"tool_result\",\"tool_use_id\":\"c\",\"content\":"
               "\"r\"}]}");
    }

    say(t, "]");

    if (n) {
        say(t, ",\"tools\":[{\"name\":\"f\",\"input_schema\":"
               "{\"type\":\"object\"}}]");
        say_one(t, "tool_choice", choices);
    }

    say_one(t, "temperature", warm);
    say_one(t, "top_p", top_ps);
    say_one(t, "top_k", top_ks);
    say_one(t, "thinking", thinkings);

    n = chance(9);

    if (n < 7) {
        say(t, ",\"output_config\":{\"effort\":%s}", efforts[n]);
    }

    say(t, "}");
}


static void
say_gemini(text_t *t, const char *model)
{
    say(t, "{\"model\":\"%s\",\"contents\":[{\"role\":\"user\","
           "\"parts\":[{\"text\":\"Hi\"}]}],\"generationConfig\":"
           "{\"candidateCount\":1", model);
    say_one(t, "temperature", temperatures);
    say_one(t, "topP", top_ps);
    say_one(t, "topK", top_ks);
    say_one(t, "maxOutputTokens", limits);
    say_one(t, "thinkingConfig", budgets);
    say(t, "}}");
}


static const struct {
    const char  *front;
    void       (*say)(text_t *t, const char *model);
} speakers[] = {
    { "openai_chat", say_chat },
    { "openai_completions", say_completions },
    { "openai_responses", say_responses },
    { "anthropic", say_messages },
    { "gemini", say_gemini }
};


/* True if the request is one that ARGO takes once it has gone up. */

static ngx_uint_t
test_sample(argo_rules_t *rules, const fact_t *fact, const char *front,
    const text_t *t)
{
    run_t         r;
    ngx_pool_t   *pool;
    const char   *wrong;
    argo_json_t  *root;

    pool = test_pool();
    root = NULL;

    if (run(pool, rules, front, NULL, t->text, &r) != NGX_OK) {
        wrong = "refused here";
        r.body = r.err.message;

    } else if (argo_json_parse(pool, &r.body, ARGO_JSON_MAX_DEPTH, &root,
                               &r.err)
               != NGX_OK)
    {
        wrong = "no JSON";

    } else {
        wrong = judge(fact, &r, root);
    }

    if (wrong && rules == builtin) {
        printf("# %s, %s: %s\n# in:  %s\n# out: %.*s\n", fact->id, front,
               wrong, t->text, (int) r.body.len, r.body.data);
    }

    ngx_destroy_pool(pool);

    return wrong == NULL;
}


static ngx_uint_t
test_samples(argo_rules_t *rules, const fact_t *fact, ngx_uint_t speaker,
    text_t *t)
{
    ngx_uint_t  n, bad;

    bad = 0;
    chance_state = 1;

    for (n = 0; n < SAMPLES && bad < 3; n++) {
        t->len = 0;
        speakers[speaker].say(t, fact->name);

        bad += !test_sample(rules, fact, speakers[speaker].front, t);
    }

    return bad;
}


/* Without rules the same requests fail, so these tests can. */

static void
test_matrix(void)
{
    text_t        *t;
    size_t         i, k;
    ngx_pool_t    *pool;
    argo_rules_t  *none;

    t = malloc(sizeof(text_t));

    if (t == NULL) {
        abort();
    }

    pool = test_pool();
    none = rules_new(pool);

    for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {

        for (k = 0; k < sizeof(speakers) / sizeof(speakers[0]); k++) {

            is(test_samples(builtin, &facts[i], k, t), 0,
               "%s takes what %s clients send", facts[i].id,
               speakers[k].front);

            ok(test_samples(none, &facts[i], k, t) > 0,
               "and would not without rules");
        }
    }

    ngx_destroy_pool(pool);
    free(t);
}


/* ---- each allocation fails once */

static void
test_failures(void)
{
    size_t         i;
    run_t          r;
    ngx_int_t      rc;
    ngx_uint_t     n, bad;
    ngx_pool_t    *pool;
    argo_error_t   err;
    argo_rules_t  *rules;

    static const struct {
        const char  *front;
        const char  *in;
    } cases[] = {
        { "openai_chat",
          "{\"model\":\"gpt-5.6-sol\",\"max_tokens\":9000000,"
          "\"temperature\":0,\"messages\":[{\"role\":\"developer\","
          "\"content\":\"x\"}],\"thinking\":{\"type\":\"enabled\","
          "\"budget_tokens\":5},\"tools\":[{\"type\":\"function\","
          "\"function\":{\"name\":\"f\",\"parameters\":{}}}]}" },
        { "openai_chat",
          "{\"model\":\"gemini-2.5-pro\",\"messages\":[{\"role\":"
          "\"user\",\"content\":\" \"}],\"response_format\":{\"type\":"
          "\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":"
          "{\"$ref\":\"#\",\"required\":[\"a\"]}}}}" },
        { "anthropic",
          "{\"model\":\"claude-opus-4-7\",\"max_tokens\":64,"
          "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
          "\"temperature\":0,\"thinking\":{\"type\":\"enabled\","
          "\"budget_tokens\":5000,\"display\":\"omitted\"}}" },
        { "anthropic",
          "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":64,"
          "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
          "\"thinking\":{\"type\":\"adaptive\"},\"output_config\":"
          "{\"effort\":\"max\"}}" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bad = 0;

        for (n = 1; ; n++) {
            pool = test_pool();
            ngx_shim_fail(n);

            rc = run(pool, builtin, cases[i].front, NULL, cases[i].in, &r);

            if (!ngx_shim_failed()) {
                ngx_shim_fail(0);
                ngx_destroy_pool(pool);
                break;
            }

            ngx_shim_fail(0);
            bad += (rc != NGX_ERROR);

            ngx_destroy_pool(pool);
        }

        is(bad, 0, "each of %lu allocations for a request may fail",
           (unsigned long) n - 1);
        is(rc, NGX_OK, "and if none does all is well");
    }

    bad = 0;

    for (n = 1; ; n++) {
        pool = test_pool();
        ngx_shim_fail(n);

        rules = argo_rules_create(pool);
        rc = rules ? argo_rules_add_builtin(rules) : NGX_ERROR;

        if (rc == NGX_OK && rules_profile(rules, "gpt5") == NULL) {
            rc = NGX_ERROR;
        }

        if (rc == NGX_OK) {
            rc = rules_add(rules, "x y z", &err) == NGX_DECLINED ? NGX_OK
                                                                 : NGX_ERROR;
        }

        bad += ngx_shim_failed() && rc != NGX_ERROR;

        if (!ngx_shim_failed()) {
            ngx_shim_fail(0);
            ngx_destroy_pool(pool);
            break;
        }

        ngx_shim_fail(0);
        ngx_destroy_pool(pool);
    }

    is(bad, 0, "each of %lu allocations for rules may fail",
       (unsigned long) n - 1);
}


int
main(void)
{
    (void) front_models();

    builtin = rules_new(front_pool);

    is(argo_rules_add_builtin(builtin), NGX_OK, "the built-in rules");

    test_wrong_lines();
    test_patterns();
    test_values();
    test_file();
    test_unknown();
    test_requests();
    test_untouched();
    test_nested_twice();
    test_own_rules();
    test_images();
    test_descriptions();
    test_schemas();
    test_matrix();
    test_failures();

    return front_done();
}
