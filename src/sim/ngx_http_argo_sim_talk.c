
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The answer of a native route, in neutral terms: what is said, what is
 * called, why it ends, and what it costs.
 */


#include "ngx_http_argo_sim_native.h"


/* "call name {...}" in what the user says; more than these are not made */
#define NGX_HTTP_ARGO_SIM_MAX_CALLS  16


static ngx_int_t ngx_http_argo_sim_speak(ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_speak_json(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_think(ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_call_tools(
    ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_asked_calls(
    ngx_http_argo_sim_talk_t *talk);
static const ngx_http_argo_sim_offer_t *ngx_http_argo_sim_asked(
    ngx_http_argo_sim_talk_t *talk, u_char *p, u_char *end);
static ngx_uint_t ngx_http_argo_sim_sound(ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_offer_t *offer, u_char *p, u_char *end);
static u_char *ngx_http_argo_sim_braces(u_char *p, u_char *end);
static ngx_int_t ngx_http_argo_sim_default_calls(
    ngx_http_argo_sim_talk_t *talk);
static const ngx_http_argo_sim_offer_t *ngx_http_argo_sim_chosen(
    ngx_http_argo_sim_talk_t *talk, ngx_uint_t n);
static ngx_int_t ngx_http_argo_sim_default_arguments(ngx_pool_t *pool,
    const ngx_http_argo_sim_offer_t *offer, ngx_str_t *arguments);
static ngx_http_argo_sim_call_t *ngx_http_argo_sim_add_call(
    ngx_http_argo_sim_talk_t *talk, const ngx_http_argo_sim_offer_t *offer);
static void ngx_http_argo_sim_stop_at(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *sequence);
static void ngx_http_argo_sim_spend(ngx_http_argo_sim_talk_t *talk);
static ngx_uint_t ngx_http_argo_sim_spend_text(
    const ngx_http_argo_sim_talk_t *talk, ngx_str_t *text,
    ngx_uint_t *budget);
static ngx_uint_t ngx_http_argo_sim_fragments(const ngx_str_t *text);
static void ngx_http_argo_sim_cache(ngx_http_argo_sim_talk_t *talk);


ngx_int_t
ngx_http_argo_sim_talk(ngx_http_argo_sim_talk_t *talk)
{
    argo_json_t                  *sequence;
    ngx_http_argo_sim_options_t  *options;

    options = &talk->ctx->options;

    if (ngx_http_argo_sim_speak(talk) != NGX_OK) {
        return NGX_ERROR;
    }

    if (talk->think && ngx_http_argo_sim_think(talk) != NGX_OK) {
        return NGX_ERROR;
    }

    if (options->refusal) {
        ngx_str_set(&talk->text, "I'm sorry, but I can't help with that.");
        talk->finish = NGX_HTTP_ARGO_SIM_REFUSAL;
        talk->calls.nelts = 0;
    }

    if (talk->stop && talk->stop->type == ARGO_JSON_STRING) {
        ngx_http_argo_sim_stop_at(talk, talk->stop);

    } else if (talk->stop) {

        for (sequence = talk->stop->child; sequence;
             sequence = sequence->next)
        {
            ngx_http_argo_sim_stop_at(talk, sequence);
        }
    }

    if (talk->calls.nelts && talk->finish == NGX_HTTP_ARGO_SIM_STOP) {
        talk->finish = NGX_HTTP_ARGO_SIM_CALLS;
    }

    ngx_http_argo_sim_spend(talk);
    ngx_http_argo_sim_cache(talk);

    return NGX_OK;
}


ngx_int_t
ngx_http_argo_sim_block(ngx_http_argo_sim_talk_t *talk, ngx_uint_t which)
{
    u_char               *p;
    const ngx_str_t      *user;
    ngx_http_request_t   *r;

    r = talk->request;
    user = &talk->ctx->user;

    p = ngx_pnalloc(r->pool, sizeof("msg_blocked__") + user->len
                             + NGX_TIME_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    talk->id.data = p;
    talk->id.len = ngx_sprintf(p, "msg_blocked_%V_%T", user, ngx_time()) - p;

    talk->blocked = 1;
    talk->calls.nelts = 0;
    talk->finish = NGX_HTTP_ARGO_SIM_STOP;

    if (talk->ctx->model) {
        talk->model = talk->ctx->model->id;
    }

    return ngx_http_argo_sim_text(r, talk->ctx, which, &talk->text);
}


static ngx_int_t
ngx_http_argo_sim_speak(ngx_http_argo_sim_talk_t *talk)
{
    argo_out_t                    out;
    ngx_http_request_t           *r;
    ngx_http_argo_sim_options_t  *options;

    r = talk->request;
    options = &talk->ctx->options;

    ngx_str_set(&talk->text, "");

    if (options->chunks) {
        return ngx_http_argo_sim_numbered(r, options->chunks, &talk->text);
    }

    if (options->text) {
        return ngx_http_argo_sim_text(r, talk->ctx, options->text,
                                      &talk->text);
    }

    if (talk->answered) {
        argo_out_init(&out, r->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL, 1);

        argo_out_lit(&out, "The tool answered: ");
        argo_out_str(&out, &talk->results);

        return argo_out_flatten(&out, r->pool, &talk->text);
    }

    if (talk->offers.nelts && talk->choice != NGX_HTTP_ARGO_SIM_CHOICE_NONE) {
        return ngx_http_argo_sim_call_tools(talk);
    }

    if (talk->schema || talk->object) {
        return ngx_http_argo_sim_speak_json(talk);
    }

    return ngx_http_argo_sim_compose(r, &talk->said, &talk->text);
}


static ngx_int_t
ngx_http_argo_sim_speak_json(ngx_http_argo_sim_talk_t *talk)
{
    ngx_str_t    text;
    argo_out_t   out;
    ngx_pool_t  *pool;

    pool = talk->request->pool;

    argo_out_init(&out, pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL, 1);

    if (talk->schema) {
        ngx_http_argo_sim_write_object(talk->schema, &out);
        return argo_out_flatten(&out, pool, &talk->text);
    }

    if (ngx_http_argo_sim_compose(talk->request, &talk->said, &text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    argo_out_lit(&out, "{\"answer\":");
    argo_json_write_string(&out, &text);
    argo_out_lit(&out, "}");

    return argo_out_flatten(&out, pool, &talk->text);
}


static ngx_int_t
ngx_http_argo_sim_think(ngx_http_argo_sim_talk_t *talk)
{
    argo_out_t   out;
    ngx_pool_t  *pool;

    pool = talk->request->pool;

    ngx_str_set(&talk->thinking, "");

    if (!talk->omitted) {
        argo_out_init(&out, pool, 256, NULL, 1);

        /* what JSON escapes, and what it need not */
        argo_out_lit(&out, "The user's message has ");
        argo_out_int(&out, talk->answered ? talk->results.len
                                          : talk->said.len);
        argo_out_lit(&out, " bytes \xe2\x80\x94\na \"short\" answer "
                           "will do.");

        if (argo_out_flatten(&out, pool, &talk->thinking) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_argo_sim_sign(pool, &talk->thinking, &talk->signature);
}


ngx_int_t
ngx_http_argo_sim_add_result(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *content)
{
    ngx_str_t    text;
    argo_out_t   out;
    ngx_pool_t  *pool;

    pool = talk->request->pool;

    if (ngx_http_argo_sim_content(pool, content, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!talk->answered) {
        talk->answered = 1;
        talk->results = text;

        return NGX_OK;
    }

    argo_out_init(&out, pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL, 1);

    argo_out_str(&out, &talk->results);
    argo_out_lit(&out, "\n");
    argo_out_str(&out, &text);

    return argo_out_flatten(&out, pool, &talk->results);
}


ngx_int_t
ngx_http_argo_sim_offer(ngx_http_argo_sim_talk_t *talk, ngx_uint_t kind,
    const argo_json_t *name, argo_json_t *schema, const argo_json_t *space)
{
    ngx_http_argo_sim_offer_t  *offer;

    offer = ngx_array_push(&talk->offers);
    if (offer == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(offer, sizeof(ngx_http_argo_sim_offer_t));

    offer->kind = kind;
    offer->schema = schema;

    if (name) {
        offer->name = argo_json_inner(name);

    } else {
        ngx_str_set(&offer->name, "local_shell");
    }

    if (space) {
        offer->space = argo_json_inner(space);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_call_tools(ngx_http_argo_sim_talk_t *talk)
{
    const ngx_str_t  *said;

    said = &talk->said;

    if (ngx_http_argo_sim_asked_calls(talk) != NGX_OK) {
        return NGX_ERROR;
    }

    if (talk->calls.nelts == 0
        && ngx_http_argo_sim_default_calls(talk) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (talk->calls.nelts == 0) {
        /* a choice that names no tool */
        return ngx_http_argo_sim_compose(talk->request, said, &talk->text);
    }

    if (ngx_strlcasestrn(said->data, said->data + said->len,
                         (u_char *) "say first", sizeof("say first") - 2))
    {
        ngx_str_set(&talk->text, "Let me see.");
    }

    return NGX_OK;
}


/* "call name {...}", where a tool has the name; "call name text" for text. */

static ngx_int_t
ngx_http_argo_sim_asked_calls(ngx_http_argo_sim_talk_t *talk)
{
    u_char                           *p, *start, *end, *last;
    ngx_http_argo_sim_call_t         *call;
    const ngx_http_argo_sim_offer_t  *offer;

    p = talk->said.data;
    end = p + talk->said.len;

    while (p + 5 < end
           && (p = ngx_strlcasestrn(p, end, (u_char *) "call ", 5 - 1)))
    {
        p += 5;
        offer = ngx_http_argo_sim_asked(talk, p, end);

        if (offer == NULL) {
            continue;
        }

        start = p + offer->name.len + 1;

        if (offer->kind == NGX_HTTP_ARGO_SIM_CUSTOM) {
            last = ngx_strlchr(start, end, LF);
            last = last ? last : end;

        } else {
            last = ngx_http_argo_sim_braces(start, end);
        }

        if (last == NULL
            || !ngx_http_argo_sim_sound(talk, offer, start, last))
        {
            continue;
        }

        call = ngx_http_argo_sim_add_call(talk, offer);
        if (call == NULL) {
            return NGX_ERROR;
        }

        call->arguments.data = start;
        call->arguments.len = last - start;

        p = last;

        if (talk->single || talk->calls.nelts == NGX_HTTP_ARGO_SIM_MAX_CALLS)
        {
            break;
        }
    }

    return NGX_OK;
}


/* The tool whose name and a blank stand at p. */

static const ngx_http_argo_sim_offer_t *
ngx_http_argo_sim_asked(ngx_http_argo_sim_talk_t *talk, u_char *p,
    u_char *end)
{
    ngx_uint_t                  i;
    ngx_http_argo_sim_offer_t  *offer;

    offer = talk->offers.elts;

    for (i = 0; i < talk->offers.nelts; i++) {

        if ((size_t) (end - p) > offer[i].name.len
            && p[offer[i].name.len] == ' '
            && ngx_memcmp(p, offer[i].name.data, offer[i].name.len) == 0)
        {
            return &offer[i];
        }
    }

    return NULL;
}


/* Arguments that are JSON have to be it. */

static ngx_uint_t
ngx_http_argo_sim_sound(ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_offer_t *offer, u_char *p, u_char *end)
{
    ngx_str_t     text;
    argo_error_t  err;
    argo_json_t  *root;

    text.data = p;
    text.len = end - p;

    return offer->kind == NGX_HTTP_ARGO_SIM_CUSTOM
           || argo_json_parse(talk->request->pool, &text, ARGO_JSON_MAX_DEPTH,
                              &root, &err)
              == NGX_OK;
}


/* What follows an object that begins at p; NULL if none does. */

static u_char *
ngx_http_argo_sim_braces(u_char *p, u_char *end)
{
    ngx_uint_t  depth, quoted;

    if (p == end || *p != '{') {
        return NULL;
    }

    depth = 0;
    quoted = 0;

    for ( /* void */ ; p < end; p++) {

        if (quoted) {

            if (*p == '\\') {
                p++;

            } else if (*p == '"') {
                quoted = 0;
            }

        } else if (*p == '"') {
            quoted = 1;

        } else if (*p == '{') {
            depth++;

        } else if (*p == '}' && --depth == 0) {
            return p + 1;
        }
    }

    return NULL;
}


/* The first tool or the chosen one; after "call twice" two of them. */

static ngx_int_t
ngx_http_argo_sim_default_calls(ngx_http_argo_sim_talk_t *talk)
{
    ngx_uint_t                        i, n;
    ngx_http_argo_sim_call_t         *call;
    const ngx_http_argo_sim_offer_t  *offer;

    n = 1;

    if (!talk->single
        && ngx_strlcasestrn(talk->said.data, talk->said.data + talk->said.len,
                            (u_char *) "call twice",
                            sizeof("call twice") - 2))
    {
        n = 2;
    }

    for (i = 0; i < n; i++) {
        offer = ngx_http_argo_sim_chosen(talk, i);

        if (offer == NULL) {
            return NGX_OK;
        }

        call = ngx_http_argo_sim_add_call(talk, offer);

        if (call == NULL
            || ngx_http_argo_sim_default_arguments(talk->request->pool, offer,
                                                   &call->arguments)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static const ngx_http_argo_sim_offer_t *
ngx_http_argo_sim_chosen(ngx_http_argo_sim_talk_t *talk, ngx_uint_t n)
{
    ngx_http_argo_sim_offer_t  *offer;

    offer = talk->offers.elts;

    if (talk->choice == NGX_HTTP_ARGO_SIM_CHOICE_NAMED) {
        return ngx_http_argo_sim_find_offer(talk, &talk->chosen);
    }

    return &offer[n % talk->offers.nelts];
}


const ngx_http_argo_sim_offer_t *
ngx_http_argo_sim_find_offer(const ngx_http_argo_sim_talk_t *talk,
    const ngx_str_t *name)
{
    ngx_uint_t                        i;
    const ngx_http_argo_sim_offer_t  *offer;

    offer = talk->offers.elts;

    for (i = 0; i < talk->offers.nelts; i++) {

        if (offer[i].name.len == name->len
            && ngx_memcmp(offer[i].name.data, name->data, name->len) == 0)
        {
            return &offer[i];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_argo_sim_default_arguments(ngx_pool_t *pool,
    const ngx_http_argo_sim_offer_t *offer, ngx_str_t *arguments)
{
    argo_out_t  out;

    if (offer->kind == NGX_HTTP_ARGO_SIM_CUSTOM) {
        ngx_str_set(arguments, "some \"plain\" text");
        return NGX_OK;
    }

    if (offer->kind == NGX_HTTP_ARGO_SIM_SHELL) {
        ngx_str_set(arguments, "{\"command\":[\"echo\",\"hi\"]}");
        return NGX_OK;
    }

    argo_out_init(&out, pool, 1024, NULL, 1);

    ngx_http_argo_sim_write_object(offer->schema, &out);

    return argo_out_flatten(&out, pool, arguments);
}


static ngx_http_argo_sim_call_t *
ngx_http_argo_sim_add_call(ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_offer_t *offer)
{
    ngx_int_t                  rc;
    ngx_uint_t                 n, kind;
    ngx_http_argo_sim_call_t  *call;

    n = talk->calls.nelts;
    kind = talk->ctx->route->kind;

    call = ngx_array_push(&talk->calls);
    if (call == NULL) {
        return NULL;
    }

    ngx_memzero(call, sizeof(ngx_http_argo_sim_call_t));

    call->offer = offer;

    if (kind == NGX_HTTP_ARGO_SIM_MESSAGES) {
        rc = ngx_http_argo_sim_id(talk, "toolu_vrtx_01", 22, 0, n, &call->id);

    } else {
        rc = ngx_http_argo_sim_id(talk, "call_", 24, 0, n, &call->id);
    }

    if (rc == NGX_OK && kind == NGX_HTTP_ARGO_SIM_RESPONSES) {
        rc = ngx_http_argo_sim_id(talk,
                 offer->kind == NGX_HTTP_ARGO_SIM_CUSTOM ? "ctc_"
                 : offer->kind == NGX_HTTP_ARGO_SIM_SHELL ? "lsh_" : "fc_",
                 50, 1, n, &call->item);
    }

    return (rc == NGX_OK) ? call : NULL;
}


static void
ngx_http_argo_sim_stop_at(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *sequence)
{
    size_t     i;
    ngx_str_t  text, *said;

    if (sequence->type != ARGO_JSON_STRING
        || argo_json_text(talk->request->pool, sequence, &text) != NGX_OK
        || text.len == 0)
    {
        return;
    }

    said = &talk->text;

    for (i = 0; i + text.len <= said->len; i++) {

        if (ngx_memcmp(said->data + i, text.data, text.len) == 0) {
            said->len = i;
            talk->sequence = text;
            talk->finish = NGX_HTTP_ARGO_SIM_STOP_SEQUENCE;
            talk->calls.nelts = 0;
            return;
        }
    }
}


/* Cuts what the limit does not allow, in the order in which it is made. */

static void
ngx_http_argo_sim_spend(ngx_http_argo_sim_talk_t *talk)
{
    ngx_uint_t                 i, n, budget;
    ngx_http_argo_sim_call_t  *call;

    budget = talk->limit ? talk->limit : NGX_MAX_INT_T_VALUE;

    talk->reasoning_tokens = ngx_min(talk->reasoning, budget);
    budget -= talk->reasoning_tokens;

    talk->thought = ngx_http_argo_sim_spend_text(talk, &talk->thinking,
                                                 &budget);
    n = talk->reasoning_tokens + talk->thought;

    i = talk->text.len;
    n += ngx_http_argo_sim_spend_text(talk, &talk->text, &budget);

    if (talk->text.len != i) {
        talk->calls.nelts = 0;
        talk->finish = NGX_HTTP_ARGO_SIM_LENGTH;
    }

    call = talk->calls.elts;

    for (i = 0; i < talk->calls.nelts; i++) {

        if (ngx_http_argo_sim_fragments(&call[i].arguments) > budget) {
            talk->calls.nelts = i;
            talk->finish = NGX_HTTP_ARGO_SIM_LENGTH;
            break;
        }

        budget -= ngx_http_argo_sim_fragments(&call[i].arguments);
        n += ngx_http_argo_sim_fragments(&call[i].arguments);
    }

    talk->output_tokens = n;
}


static ngx_uint_t
ngx_http_argo_sim_spend_text(const ngx_http_argo_sim_talk_t *talk,
    ngx_str_t *text, ngx_uint_t *budget)
{
    u_char      *p, *end;
    ngx_uint_t   n;

    p = text->data;
    end = p + text->len;

    for (n = 0; p < end && n < *budget; n++) {
        p = ngx_http_argo_sim_piece_of(talk, p, end);
    }

    text->len = p - text->data;
    *budget -= n;

    return n;
}


static ngx_uint_t
ngx_http_argo_sim_fragments(const ngx_str_t *text)
{
    u_char      *p, *end;
    ngx_uint_t   n;

    p = text->data;
    end = p + text->len;

    for (n = 0; p < end; n++) {
        p = ngx_http_argo_sim_fragment(p, end);
    }

    return n;
}


u_char *
ngx_http_argo_sim_piece_of(const ngx_http_argo_sim_talk_t *talk, u_char *p,
    u_char *end)
{
    return ngx_http_argo_sim_word(p, end, talk->ctx->options.chunks ? 2 : 1);
}


u_char *
ngx_http_argo_sim_fragment(u_char *p, u_char *end)
{
    ngx_uint_t  word;

#define ngx_http_argo_sim_is_word(c)                                          \
    ((c) >= 0x80 || (c) == '_' || ((c) >= '0' && (c) <= '9')                  \
     || (((c) | 0x20) >= 'a' && ((c) | 0x20) <= 'z'))

    word = ngx_http_argo_sim_is_word(*p);

    do {
        p++;
    } while (p < end && ngx_http_argo_sim_is_word(*p) == word);

    return p;
}


/* What a cache would have: the first turn writes it, the next ones read. */

static void
ngx_http_argo_sim_cache(ngx_http_argo_sim_talk_t *talk)
{
    ngx_uint_t  n;

    if (talk->ctx->route->kind != NGX_HTTP_ARGO_SIM_MESSAGES) {

        if (talk->later && talk->input_tokens >= 1024) {
            talk->cache_read = talk->input_tokens / 128 * 128;
        }

        return;
    }

    if (!talk->cached) {
        return;
    }

    n = talk->input_tokens * 3 / 4;

    if (talk->later) {
        talk->cache_read = n;

    } else {
        talk->cache_creation = n;
    }
}


ngx_uint_t
ngx_http_argo_sim_tokens(const argo_json_t *node)
{
    ngx_uint_t    n;
    argo_json_t  *child;

    if (node == NULL) {
        return 0;
    }

    if (node->type == ARGO_JSON_STRING) {
        return (argo_json_inner(node).len + 3) / 4;
    }

    n = 0;

    for (child = node->child; child; child = child->next) {
        n += ngx_http_argo_sim_tokens(child);
    }

    return n;
}
