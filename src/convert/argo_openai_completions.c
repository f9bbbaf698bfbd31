
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's text completions, as a client speaks them.  A prompt becomes what
 * one user says in a conversation; of several prompts each is a request of
 * its own.  Knows JSON and argo_ir.h, nothing of HTTP and nothing of what
 * upstream speaks.
 */


#include "argo_openai.h"
#include "argo_token_ids.h"


/* root, prompt, its items, the tokens of an item */
#define ARGO_COMPLETIONS_TREE_DEPTH   3

/* each prompt is a call of its own, one after the other */
#define ARGO_COMPLETIONS_MAX_PROMPTS  128

#define ARGO_COMPLETIONS_BLOCK        256

#define ARGO_COMPLETIONS_TOO_MANY                                             \
    "prompt must have at most 128 items"


enum {
    ARGO_COMPLETIONS_MODEL = 0,
    ARGO_COMPLETIONS_PROMPT,
    ARGO_COMPLETIONS_USER,
    ARGO_COMPLETIONS_STREAM,
    ARGO_COMPLETIONS_STREAM_OPTIONS,
    ARGO_COMPLETIONS_MAX_TOKENS,
    ARGO_COMPLETIONS_N,
    ARGO_COMPLETIONS_ECHO,
    ARGO_COMPLETIONS_SUFFIX,
    ARGO_COMPLETIONS_BEST_OF,
    ARGO_COMPLETIONS_LOGPROBS,
    ARGO_COMPLETIONS_MESSAGES,
    ARGO_COMPLETIONS_TOOLS,
    ARGO_COMPLETIONS_NMEMBERS
};


/* what a client may ask for and no chat upstream can do */

typedef struct {
    ngx_uint_t        member;
    ngx_uint_t      (*found)(const argo_json_t *node);
    const char       *message;
} argo_completions_gap_t;


static ngx_int_t argo_openai_completions_read_request(ngx_pool_t *pool,
    argo_request_t *req, argo_error_t *err);
static ngx_int_t argo_openai_completions_check(argo_json_t **found,
    argo_error_t *err);
static ngx_uint_t argo_openai_completions_more_than_one(
    const argo_json_t *node);
static ngx_uint_t argo_openai_completions_not_empty(const argo_json_t *node);
static ngx_uint_t argo_openai_completions_true(const argo_json_t *node);
static ngx_uint_t argo_openai_completions_any(const argo_json_t *node);
static ngx_int_t argo_openai_completions_read_prompts(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t *prompt, argo_error_t *err);
static ngx_int_t argo_openai_completions_check_prompt(ngx_pool_t *pool,
    argo_json_t *node, ngx_uint_t index, argo_error_t *err);
static ngx_int_t argo_openai_completions_decode(ngx_pool_t *pool,
    argo_request_t *req, argo_dialect_e upstream, argo_error_t *err);
static ngx_int_t argo_openai_completions_set_prompt(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t *prompt);

static ngx_int_t argo_openai_completions_start_stream(argo_stream_t *st);
static void argo_openai_completions_write_event(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_completions_write_end(argo_stream_t *st,
    const char *reason, argo_out_t *out);
static void argo_openai_completions_write_choice_end(ngx_uint_t index,
    const char *reason, argo_out_t *out);
static void argo_openai_completions_write_response(argo_stream_t *st,
    argo_out_t *out);
static const char *argo_openai_completions_reason(argo_finish_e finish);


const argo_front_t  argo_openai_completions_front = {
    ngx_string("openai_completions"),
    ARGO_DIALECT_COMPLETIONS,
    ngx_string("text/event-stream; charset=utf-8"),
    ngx_null_string,
    ARGO_COMPLETIONS_TREE_DEPTH,
    argo_openai_completions_read_request,
    argo_openai_completions_start_stream,
    argo_openai_completions_write_event,
    argo_openai_completions_write_response,
    argo_openai_write_error,
    NULL,
    0,
    0
};


/* in the order of the enum above */

static const argo_openai_member_t
    argo_completions_members[ARGO_COMPLETIONS_NMEMBERS] =
{
    { "model", ARGO_OPENAI_IS(STRING), "a string" },
    { "prompt", ARGO_OPENAI_IS(STRING) | ARGO_OPENAI_IS(ARRAY)
      | ARGO_OPENAI_IS(NULL), "a string or an array" },

    /* whatever it is, the bound name takes its place */
    { "user", ARGO_OPENAI_ANY, "" },

    { "stream", ARGO_OPENAI_BOOL, "a boolean" },
    { "stream_options", ARGO_OPENAI_OBJECT, "an object" },
    { "max_tokens", ARGO_OPENAI_NUMBER, "a number" },
    { "n", ARGO_OPENAI_NUMBER, "a number" },
    { "echo", ARGO_OPENAI_BOOL, "a boolean" },
    { "suffix", ARGO_OPENAI_STRING, "a string" },
    { "best_of", ARGO_OPENAI_NUMBER, "a number" },
    { "logprobs", ARGO_OPENAI_ANY, "" },

    /* of chat completions; they would get in the way of what is made here */
    { "messages", ARGO_OPENAI_ANY, "" },
    { "tools", ARGO_OPENAI_ANY, "" }
};


static const argo_completions_gap_t  argo_completions_gaps[] = {

    { ARGO_COMPLETIONS_N, argo_openai_completions_more_than_one,
      "n must be 1: one choice is made for each prompt" },

    { ARGO_COMPLETIONS_BEST_OF, argo_openai_completions_more_than_one,
      "best_of must be 1: ARGO does not rate its answers" },

    { ARGO_COMPLETIONS_ECHO, argo_openai_completions_true,
      "echo is not supported: ARGO answers prompts as a conversation" },

    { ARGO_COMPLETIONS_SUFFIX, argo_openai_completions_not_empty,
      "suffix is not supported: ARGO answers prompts as a conversation" },

    { ARGO_COMPLETIONS_LOGPROBS, argo_openai_completions_any,
      "logprobs is not supported: ARGO does not give them" },

    { ARGO_COMPLETIONS_MESSAGES, argo_openai_completions_any,
      "messages is not a parameter of text completions: send a prompt, or "
      "use chat completions" },

    { ARGO_COMPLETIONS_TOOLS, argo_openai_completions_not_empty,
      "tools is not a parameter of text completions: use chat completions" }
};


#define ARGO_COMPLETIONS_NGAPS                                                \
    (sizeof(argo_completions_gaps) / sizeof(argo_completions_gaps[0]))


static ngx_int_t
argo_openai_completions_read_request(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t     rc;
    argo_json_t  *node, *found[ARGO_COMPLETIONS_NMEMBERS];

    rc = argo_openai_read_members(pool, req->root, argo_completions_members,
                                  ARGO_COMPLETIONS_NMEMBERS, found, err);
    if (rc != NGX_OK) {
        return rc;
    }

    node = found[ARGO_COMPLETIONS_MODEL];

    if (node && argo_json_text(pool, node, &req->model) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = argo_openai_completions_check(found, err);
    if (rc != NGX_OK) {
        return rc;
    }

    node = found[ARGO_COMPLETIONS_STREAM];

    req->stream = (node && node->type == ARGO_JSON_TRUE);
    req->max_output = found[ARGO_COMPLETIONS_MAX_TOKENS];

    rc = argo_openai_read_params(pool, req, err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_openai_read_stream_options(pool,
                                         found[ARGO_COMPLETIONS_STREAM_OPTIONS],
                                         req, err);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_openai_completions_read_prompts(pool, req,
                                            found[ARGO_COMPLETIONS_PROMPT],
                                            err);
}


static ngx_int_t
argo_openai_completions_check(argo_json_t **found, argo_error_t *err)
{
    int64_t                        n;
    ngx_uint_t                     i;
    const argo_json_t             *node;
    const argo_completions_gap_t  *gap;

    node = found[ARGO_COMPLETIONS_N];

    if (node && (argo_json_int(node, &n) != NGX_OK || n < 1)) {
        return argo_error_set(err, 400, "invalid_value", "n",
                              "n must be a positive integer");
    }

    for (i = 0; i < ARGO_COMPLETIONS_NGAPS; i++) {
        gap = &argo_completions_gaps[i];
        node = found[gap->member];

        if (node && gap->found(node)) {
            return argo_error_set(err, 400, "unsupported_parameter",
                                  argo_completions_members[gap->member].name,
                                  gap->message);
        }
    }

    return NGX_OK;
}


static ngx_uint_t
argo_openai_completions_more_than_one(const argo_json_t *node)
{
    int64_t  n;

    return argo_json_int(node, &n) != NGX_OK || n > 1;
}


static ngx_uint_t
argo_openai_completions_not_empty(const argo_json_t *node)
{
    if (node->type == ARGO_JSON_STRING) {
        return node->raw.len > 2;
    }

    return node->type != ARGO_JSON_ARRAY || node->count > 0;
}


static ngx_uint_t
argo_openai_completions_true(const argo_json_t *node)
{
    return node->type == ARGO_JSON_TRUE;
}


static ngx_uint_t
argo_openai_completions_any(const argo_json_t *node)
{
    (void) node;

    return 1;
}


static ngx_int_t
argo_openai_completions_read_prompts(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *prompt, argo_error_t *err)
{
    ngx_int_t        rc;
    ngx_uint_t       i;
    argo_json_t     *node;
    argo_request_t  *one, *last;

    if (prompt == NULL) {
        return argo_error_set(err, 400, "missing_required_parameter",
                              "prompt", "prompt is missing");
    }

    if (prompt->type == ARGO_JSON_STRING) {
        return argo_openai_completions_set_prompt(pool, req, prompt);
    }

    if (prompt->count == 0) {
        return argo_error_set(err, 400, "empty_array", "prompt",
                              "prompt must have at least one item");
    }

    if (prompt->child->type == ARGO_JSON_NUMBER) {
        /* one prompt, as token ids */
        return argo_openai_completions_set_prompt(pool, req, prompt);
    }

    i = 0;

    for (node = prompt->child; node; node = node->next) {

        rc = argo_openai_completions_check_prompt(pool, node, i++, err);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (prompt->count > ARGO_COMPLETIONS_MAX_PROMPTS) {
        return argo_error_set(err, 400, "array_above_max_length", "prompt",
                              ARGO_COMPLETIONS_TOO_MANY);
    }

    last = NULL;
    i = 0;

    for (node = prompt->child; node; node = node->next) {

        if (last == NULL) {
            one = req;

        } else {
            one = ngx_palloc(pool, sizeof(argo_request_t));
            if (one == NULL) {
                return NGX_ERROR;
            }

            *one = *req;
            last->next = one;
        }

        one->next = NULL;
        one->choice = i++;

        if (argo_openai_completions_set_prompt(pool, one, node) != NGX_OK) {
            return NGX_ERROR;
        }

        last = one;
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_completions_check_prompt(ngx_pool_t *pool, argo_json_t *node,
    ngx_uint_t index, argo_error_t *err)
{
    ngx_int_t            rc;
    argo_error_t         place;
    argo_openai_place_t  at;

    if (node->type == ARGO_JSON_STRING) {
        return NGX_OK;
    }

    if (node->child && node->type == ARGO_JSON_ARRAY
        && node->child->type == ARGO_JSON_NUMBER)
    {
        /* token ids: what they are is known when the model is */
        return NGX_OK;
    }

    if (node->child == NULL && node->type == ARGO_JSON_ARRAY) {

        rc = argo_error_setf(pool, &place, 400, NULL, NULL, "ziz", "prompt[",
                             (ngx_int_t) index, "]");
        if (rc != NGX_DECLINED) {
            return rc;
        }

        rc = argo_error_setf(pool, err, 400, "invalid_value", NULL, "Vz",
                             &place.message, " must not be empty");
        if (rc == NGX_DECLINED) {
            err->param = place.message;
        }

        return rc;
    }

    at.pool = pool;
    at.err = err;
    at.list = "prompt";
    at.item = index;
    at.part = -1;

    return argo_openai_mistyped(&at, "", "a string", node);
}


static ngx_int_t
argo_openai_completions_set_prompt(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *prompt)
{
    argo_part_t     *part;
    argo_message_t  *message;

    part = ngx_pcalloc(pool, sizeof(argo_part_t));
    if (part == NULL) {
        return NGX_ERROR;
    }

    message = ngx_pcalloc(pool, sizeof(argo_message_t));
    if (message == NULL) {
        return NGX_ERROR;
    }

    part->type = ARGO_PART_TEXT;

    req->front = NULL;
    req->adapt = NULL;

    if (prompt->type == ARGO_JSON_STRING) {
        part->text = argo_json_inner(prompt);

    } else {
        req->front = prompt;
        req->adapt = argo_openai_completions_decode;
    }

    message->role = ARGO_ROLE_USER;
    message->parts = part;
    message->string = 1;

    req->messages = message;
    req->last_message = &message->next;

    return NGX_OK;
}


/* A prompt of token ids, which no upstream takes. */

static ngx_int_t
argo_openai_completions_decode(ngx_pool_t *pool, argo_request_t *req,
    argo_dialect_e upstream, argo_error_t *err)
{
    ngx_int_t     rc;
    argo_json_t  *text;

    rc = argo_token_ids_decode(pool, req->tokenizer, &req->target->id,
                               req->front, &text, "prompt", err);

    if (rc == NGX_OK) {
        req->messages->parts->text = argo_json_inner(text);
    }

    return rc;
}


/* what is the same in all chunks, up to the inside of a choice's text */

static ngx_int_t
argo_openai_completions_start_stream(argo_stream_t *st)
{
    argo_out_t  out;

    argo_out_init(&out, st->pool, ARGO_COMPLETIONS_BLOCK, NULL, 1);

    argo_out_lit(&out, "data: ");
    argo_openai_write_top(st, "cmpl-", "text_completion", &out);
    argo_out_lit(&out, ",\"choices\":[");

    st->head_len = out.size;

    argo_out_lit(&out, "{\"text\":\"");

    return argo_out_flatten(&out, st->pool, &st->head);
}


static void
argo_openai_completions_write_event(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out)
{
    switch (ev->type) {

    case ARGO_EVENT_TEXT:
    case ARGO_EVENT_REFUSAL:
        /* a refusal has no place of its own here: it is what was said */
        argo_out_str(out, &st->head);
        argo_openai_write_text(ev, out);
        argo_openai_completions_write_end(st, NULL, out);
        break;

    case ARGO_EVENT_FINISH:
        argo_out_str(out, &st->head);
        argo_openai_completions_write_end(st,
                                  argo_openai_completions_reason(ev->finish),
                                  out);

        if (st->request->next) {
            break;
        }

        if (st->request->include_usage) {
            argo_out_write(out, st->head.data, st->head_len);
            argo_out_lit(out, "],\"usage\":");
            argo_openai_write_usage(st, out);
            argo_out_lit(out, "}\n\n");
        }

        argo_out_lit(out, "data: [DONE]\n\n");
        break;

    case ARGO_EVENT_ERROR:
        argo_openai_write_error_event(ev->error, out);
        break;

    default:
        /* this dialect has no place for tools and REASONING */
        break;
    }
}


static void
argo_openai_completions_write_end(argo_stream_t *st, const char *reason,
    argo_out_t *out)
{
    argo_openai_completions_write_choice_end(st->request->choice, reason,
                                             out);

    /* who asked for usage gets the key in every chunk */

    if (st->request->include_usage) {
        argo_out_lit(out, "],\"usage\":null}\n\n");

    } else {
        argo_out_lit(out, "]}\n\n");
    }
}


/* from behind the text of a choice to its end; reason may be NULL */

static void
argo_openai_completions_write_choice_end(ngx_uint_t index,
    const char *reason, argo_out_t *out)
{
    argo_out_lit(out, "\",\"index\":");
    argo_out_int(out, index);

    if (reason == NULL) {
        argo_out_lit(out, ",\"logprobs\":null,\"finish_reason\":null}");
        return;
    }

    argo_out_lit(out, ",\"logprobs\":null,\"finish_reason\":\"");
    argo_openai_write_name(out, reason);
    argo_out_lit(out, "\"}");
}


static void
argo_openai_completions_write_response(argo_stream_t *st, argo_out_t *out)
{
    argo_choice_t  *choice;

    argo_openai_write_top(st, "cmpl-", "text_completion", out);
    argo_out_lit(out, ",\"choices\":[");

    for (choice = st->choices; choice; choice = choice->next) {

        argo_out_lit(out, "{\"text\":\"");
        argo_stream_copy(out, &choice->text);
        argo_stream_copy(out, &choice->refusal);
        argo_openai_completions_write_choice_end(choice->index,
                             argo_openai_completions_reason(choice->finish),
                             out);

        if (choice->next) {
            argo_out_lit(out, ",");
        }
    }

    argo_out_lit(out, "],\"usage\":");
    argo_openai_write_usage(st, out);
    argo_out_lit(out, "}");
}


/* there are no tools here: a reply that calls one has just ended */

static const char *
argo_openai_completions_reason(argo_finish_e finish)
{
    return (finish == ARGO_FINISH_TOOL_CALLS)
           ? "stop" : argo_openai_finish_reason(finish);
}
