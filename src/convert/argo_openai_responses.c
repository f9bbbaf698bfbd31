
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's Responses, what a client gets: items, and the events in which
 * they come.  Every event that ends something repeats all of it, so a reply
 * is kept while it is streamed; a unary one is the same items written at
 * once.  Knows argo_ir.h, nothing of HTTP and nothing of what upstream
 * speaks.
 */


#include "argo_openai_responses.h"
#include "argo_json_write.h"


/* of what is kept; a usual reply fits in one */
#define ARGO_RESPONSES_BLOCK  4096


typedef enum {
    ARGO_RESPONSES_IN_PROGRESS = 0,
    ARGO_RESPONSES_COMPLETED,
    ARGO_RESPONSES_INCOMPLETE,
    ARGO_RESPONSES_FAILED               /* responses only, not items */
} argo_responses_status_e;


typedef enum {
    ARGO_RESPONSES_ITEM_MESSAGE = 0,
    ARGO_RESPONSES_ITEM_CALL,
    ARGO_RESPONSES_ITEM_REASONING
} argo_responses_item_e;


typedef enum {
    ARGO_RESPONSES_PART_TEXT = 0,
    ARGO_RESPONSES_PART_REFUSAL,
    ARGO_RESPONSES_PART_SUMMARY,
    ARGO_RESPONSES_PART_ARGUMENTS
} argo_responses_part_e;


typedef struct argo_responses_part_s  argo_responses_part_t;
typedef struct argo_responses_item_s  argo_responses_item_t;


/* of a call, its arguments are the one part */

struct argo_responses_part_s {
    argo_responses_part_e      type;
    ngx_uint_t                 index;
    argo_out_t                 text;        /* escaped */
    argo_responses_part_t     *next;
};


struct argo_responses_item_s {
    argo_responses_item_e      type;
    ngx_uint_t                 index;
    ngx_uint_t                 call;        /* which of the calls it is */
    ngx_str_t                  id;          /* of the call; escaped */
    ngx_str_t                  name;        /* of the function; escaped */
    argo_responses_part_t     *parts;
    argo_responses_part_t     *last_part;
    argo_responses_item_t     *next;
};


/* st->state */

typedef struct {
    argo_responses_item_t     *items;
    argo_responses_item_t     *last;
    size_t                     size;        /* of all texts */

    /* how far a stream is */
    int64_t                    sequence;
    argo_responses_item_t     *item;        /* announced, not done */
    argo_responses_part_t     *part;        /* likewise */
    unsigned                   created:1;
} argo_responses_state_t;


static ngx_int_t argo_openai_responses_start_stream(argo_stream_t *st);
static ngx_int_t argo_openai_responses_collect_event(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_openai_responses_init_state(argo_stream_t *st);
static ngx_int_t argo_openai_responses_collect_text(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_openai_responses_collect_call(argo_stream_t *st,
    const argo_event_t *ev);
static argo_responses_item_t *argo_openai_responses_add_item(
    argo_stream_t *st, argo_responses_item_e type);
static argo_responses_part_t *argo_openai_responses_add_part(
    argo_stream_t *st, argo_responses_part_e type);
static ngx_int_t argo_openai_responses_append(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_openai_responses_copy(ngx_pool_t *pool,
    const ngx_str_t *from, ngx_str_t *to);

static void argo_openai_responses_write_event(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_responses_write_created(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_responses_catch_up(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_responses_write_delta(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_responses_write_added(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_responses_write_part_added(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_responses_write_part_done(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_responses_write_done(argo_stream_t *st,
    argo_responses_status_e status, argo_out_t *out);
static void argo_openai_responses_write_finish(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_responses_write_failure(argo_stream_t *st,
    const argo_error_t *err, argo_out_t *out);
static void argo_openai_responses_begin(argo_stream_t *st, const char *name,
    argo_out_t *out);
static void argo_openai_responses_begin_part(argo_stream_t *st,
    const char *name, argo_out_t *out);
static void argo_openai_responses_write_place(argo_stream_t *st,
    argo_out_t *out);

static void argo_openai_responses_write_response(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_responses_write_object(argo_stream_t *st,
    argo_responses_status_e status, const argo_error_t *err,
    argo_out_t *out);
static void argo_openai_responses_write_outcome(argo_stream_t *st,
    argo_responses_status_e status, const argo_error_t *err,
    argo_out_t *out);
static void argo_openai_responses_write_output(argo_stream_t *st,
    argo_responses_status_e status, argo_out_t *out);
static void argo_openai_responses_write_echo(argo_stream_t *st,
    ngx_uint_t member, const char *otherwise, argo_out_t *out);
static void argo_openai_responses_write_value(const char *name,
    const argo_json_t *node, const char *otherwise, argo_out_t *out);
static void argo_openai_responses_write_raw(const ngx_str_t *raw,
    argo_out_t *out);
static void argo_openai_responses_write_options(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_responses_write_tools(const argo_json_t *tools,
    argo_out_t *out);
static void argo_openai_responses_write_usage(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_responses_write_item(argo_stream_t *st,
    const argo_responses_item_t *item, argo_responses_status_e status,
    argo_out_t *out);
static void argo_openai_responses_write_item_id(argo_stream_t *st,
    const argo_responses_item_t *item, argo_out_t *out);
static void argo_openai_responses_write_part(
    const argo_responses_part_t *part, ngx_uint_t empty, argo_out_t *out);
static argo_responses_status_e argo_openai_responses_status(
    argo_finish_e finish);
static const char *argo_openai_responses_error_code(const argo_error_t *err);


const argo_front_t  argo_openai_responses_front = {
    ngx_string("openai_responses"),
    ngx_string("text/event-stream; charset=utf-8"),
    ARGO_RESPONSES_TREE_DEPTH,
    argo_openai_responses_read_request,
    argo_openai_responses_start_stream,
    argo_openai_responses_write_event,
    argo_openai_responses_write_response,
    argo_openai_write_error,
    argo_openai_responses_collect_event,
    0,
    0
};


/* in the order of the enum above */

static const char  *argo_responses_status[] = {
    "in_progress",
    "completed",
    "incomplete",
    "failed"
};


/* what the events of each kind of part are called; NULL: there is none */

typedef struct {
    const char  *added;
    const char  *delta;
    const char  *done;
    const char  *part_done;
    const char  *text;                  /* the member of "done" */
    const char  *index;                 /* the member that counts them */
} argo_responses_names_t;


static const argo_responses_names_t  argo_responses_names[] = {

    { "response.content_part.added", "response.output_text.delta",
      "response.output_text.done", "response.content_part.done",
      "text", "content_index" },

    { "response.content_part.added", "response.refusal.delta",
      "response.refusal.done", "response.content_part.done",
      "refusal", "content_index" },

    { "response.reasoning_summary_part.added",
      "response.reasoning_summary_text.delta",
      "response.reasoning_summary_text.done",
      "response.reasoning_summary_part.done",
      "text", "summary_index" },

    { NULL, "response.function_call_arguments.delta",
      "response.function_call_arguments.done", NULL,
      "arguments", NULL }
};


/* the codes that clients know, others would be taken for "try again" */

static const ngx_str_t  argo_responses_codes[] = {
    ngx_string("context_length_exceeded"),
    ngx_string("insufficient_quota"),
    ngx_string("usage_not_included"),
    ngx_string("rate_limit_exceeded"),
    ngx_string("invalid_prompt")
};


#define ARGO_RESPONSES_NCODES                                                 \
    (sizeof(argo_responses_codes) / sizeof(argo_responses_codes[0]))


static ngx_int_t
argo_openai_responses_start_stream(argo_stream_t *st)
{
    return argo_openai_responses_init_state(st);
}


static ngx_int_t
argo_openai_responses_init_state(argo_stream_t *st)
{
    st->state = ngx_pcalloc(st->pool, sizeof(argo_responses_state_t));

    return st->state ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
argo_openai_responses_collect_event(argo_stream_t *st,
    const argo_event_t *ev)
{
    argo_responses_state_t  *state;

    if (st->state == NULL
        && argo_openai_responses_init_state(st) != NGX_OK)
    {
        return NGX_ERROR;
    }

    switch (ev->type) {

    case ARGO_EVENT_TEXT:
    case ARGO_EVENT_REFUSAL:
    case ARGO_EVENT_REASONING:
        return argo_openai_responses_collect_text(st, ev);

    case ARGO_EVENT_TOOL_START:
        return argo_openai_responses_collect_call(st, ev);

    case ARGO_EVENT_TOOL_ARGS:
        return argo_openai_responses_append(st, ev);

    default: /* ARGO_EVENT_FINISH */
        break;
    }

    state = st->state;

    if (state->items) {
        return NGX_OK;
    }

    /* who asks for the text of a reply shall find one, if an empty one */

    if (argo_openai_responses_add_item(st, ARGO_RESPONSES_ITEM_MESSAGE)
        == NULL
        || argo_openai_responses_add_part(st, ARGO_RESPONSES_PART_TEXT)
           == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_collect_text(argo_stream_t *st, const argo_event_t *ev)
{
    argo_responses_item_e    item;
    argo_responses_part_e    part;
    argo_responses_state_t  *state;

    state = st->state;

    switch (ev->type) {

    case ARGO_EVENT_REFUSAL:
        item = ARGO_RESPONSES_ITEM_MESSAGE;
        part = ARGO_RESPONSES_PART_REFUSAL;
        break;

    case ARGO_EVENT_REASONING:
        item = ARGO_RESPONSES_ITEM_REASONING;
        part = ARGO_RESPONSES_PART_SUMMARY;
        break;

    default: /* ARGO_EVENT_TEXT */
        item = ARGO_RESPONSES_ITEM_MESSAGE;
        part = ARGO_RESPONSES_PART_TEXT;
    }

    if ((state->last == NULL || state->last->type != item)
        && argo_openai_responses_add_item(st, item) == NULL)
    {
        return NGX_ERROR;
    }

    if ((state->last->last_part == NULL
         || state->last->last_part->type != part)
        && argo_openai_responses_add_part(st, part) == NULL)
    {
        return NGX_ERROR;
    }

    return argo_openai_responses_append(st, ev);
}


static ngx_int_t
argo_openai_responses_collect_call(argo_stream_t *st, const argo_event_t *ev)
{
    argo_responses_item_t  *item;

    item = argo_openai_responses_add_item(st, ARGO_RESPONSES_ITEM_CALL);
    if (item == NULL) {
        return NGX_ERROR;
    }

    item->call = ev->index;

    /* they are repeated when what they came in may be gone */

    if (argo_openai_responses_copy(st->pool, &ev->id, &item->id) != NGX_OK
        || argo_openai_responses_copy(st->pool, &ev->name, &item->name)
           != NGX_OK
        || argo_openai_responses_add_part(st, ARGO_RESPONSES_PART_ARGUMENTS)
           == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static argo_responses_item_t *
argo_openai_responses_add_item(argo_stream_t *st, argo_responses_item_e type)
{
    argo_responses_item_t   *item;
    argo_responses_state_t  *state;

    state = st->state;

    item = ngx_pcalloc(st->pool, sizeof(argo_responses_item_t));
    if (item == NULL) {
        return NULL;
    }

    item->type = type;

    if (state->last) {
        item->index = state->last->index + 1;
        state->last->next = item;

    } else {
        state->items = item;
    }

    state->last = item;

    return item;
}


static argo_responses_part_t *
argo_openai_responses_add_part(argo_stream_t *st, argo_responses_part_e type)
{
    argo_responses_item_t   *item;
    argo_responses_part_t   *part;
    argo_responses_state_t  *state;

    state = st->state;
    item = state->last;

    part = ngx_pcalloc(st->pool, sizeof(argo_responses_part_t));
    if (part == NULL) {
        return NULL;
    }

    part->type = type;

    /* a body that stays can be referred to, unless it is streamed */

    argo_out_init(&part->text, st->pool, ARGO_RESPONSES_BLOCK, NULL,
                  !st->collect || st->text.copy);

    if (item->last_part) {
        part->index = item->last_part->index + 1;
        item->last_part->next = part;

    } else {
        item->parts = part;
    }

    item->last_part = part;

    return part;
}


static ngx_int_t
argo_openai_responses_append(argo_stream_t *st, const argo_event_t *ev)
{
    argo_out_t              *text;
    argo_responses_state_t  *state;

    state = st->state;
    text = &state->last->last_part->text;

    if (state->size + ev->lead.len + ev->text.len > ARGO_STREAM_MAX_TEXT) {
        return argo_error_set(&st->error, 502, "upstream_invalid_reply",
                              NULL, "ARGO's reply is too long");
    }

    state->size += ev->lead.len + ev->text.len;

    argo_openai_write_text(ev, text);

    return text->failed ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
argo_openai_responses_copy(ngx_pool_t *pool, const ngx_str_t *from,
    ngx_str_t *to)
{
    if (from->len == 0) {
        return NGX_OK;
    }

    to->data = ngx_pnalloc(pool, from->len);
    if (to->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(to->data, from->data, from->len);
    to->len = from->len;

    return NGX_OK;
}


static void
argo_openai_responses_write_event(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    switch (ev->type) {

    case ARGO_EVENT_START:
        argo_openai_responses_write_created(st, out);
        break;

    case ARGO_EVENT_TEXT:
    case ARGO_EVENT_REFUSAL:
    case ARGO_EVENT_REASONING:
    case ARGO_EVENT_TOOL_ARGS:
        argo_openai_responses_catch_up(st, out);
        argo_openai_responses_write_delta(st, ev, out);
        break;

    case ARGO_EVENT_TOOL_START:
        argo_openai_responses_catch_up(st, out);
        break;

    case ARGO_EVENT_FINISH:
        argo_openai_responses_catch_up(st, out);
        argo_openai_responses_write_finish(st, out);
        break;

    case ARGO_EVENT_ERROR:
        argo_openai_responses_write_failure(st, ev->error, out);
        break;

    default: /* ARGO_EVENT_USAGE goes with FINISH */
        break;
    }
}


static void
argo_openai_responses_write_created(argo_stream_t *st, argo_out_t *out)
{
    argo_responses_state_t  *state;

    state = st->state;
    state->created = 1;

    argo_openai_responses_begin(st, "response.created", out);
    argo_out_lit(out, ",\"response\":");
    argo_openai_responses_write_object(st, ARGO_RESPONSES_IN_PROGRESS, NULL,
                                       out);
    argo_out_lit(out, "}\n\n");

    argo_openai_responses_begin(st, "response.in_progress", out);
    argo_out_lit(out, ",\"response\":");
    argo_openai_responses_write_object(st, ARGO_RESPONSES_IN_PROGRESS, NULL,
                                       out);
    argo_out_lit(out, "}\n\n");
}


/* Ends what the latest event has ended, and announces what it has begun. */

static void
argo_openai_responses_catch_up(argo_stream_t *st, argo_out_t *out)
{
    argo_responses_state_t  *state;

    state = st->state;

    if (state->item != state->last) {

        if (state->item) {
            argo_openai_responses_write_part_done(st, out);
            argo_openai_responses_write_done(st, ARGO_RESPONSES_COMPLETED,
                                             out);
        }

        state->item = state->last;
        state->part = NULL;

        argo_openai_responses_write_added(st, out);
    }

    if (state->part != state->item->last_part) {

        if (state->part) {
            argo_openai_responses_write_part_done(st, out);
        }

        state->part = state->item->last_part;

        argo_openai_responses_write_part_added(st, out);
    }
}


static void
argo_openai_responses_write_delta(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    argo_responses_state_t  *state;

    state = st->state;

    argo_openai_responses_begin_part(st,
                              argo_responses_names[state->part->type].delta,
                              out);
    argo_out_lit(out, ",\"delta\":\"");
    argo_openai_write_text(ev, out);

    if (state->part->type == ARGO_RESPONSES_PART_TEXT) {
        argo_out_lit(out, "\",\"logprobs\":[]}\n\n");

    } else {
        argo_out_lit(out, "\"}\n\n");
    }
}


static void
argo_openai_responses_write_added(argo_stream_t *st, argo_out_t *out)
{
    argo_responses_state_t  *state;

    state = st->state;

    argo_openai_responses_begin(st, "response.output_item.added", out);
    argo_out_lit(out, ",\"output_index\":");
    argo_out_int(out, state->item->index);
    argo_out_lit(out, ",\"item\":");
    argo_openai_responses_write_item(st, state->item,
                                     ARGO_RESPONSES_IN_PROGRESS, out);
    argo_out_lit(out, "}\n\n");
}


static void
argo_openai_responses_write_part_added(argo_stream_t *st, argo_out_t *out)
{
    const char              *name;
    argo_responses_state_t  *state;

    state = st->state;
    name = argo_responses_names[state->part->type].added;

    if (name == NULL) {
        return;
    }

    argo_openai_responses_begin_part(st, name, out);
    argo_out_lit(out, ",\"part\":");
    argo_openai_responses_write_part(state->part, 1, out);
    argo_out_lit(out, "}\n\n");
}


static void
argo_openai_responses_write_part_done(argo_stream_t *st, argo_out_t *out)
{
    argo_responses_state_t        *state;
    const argo_responses_names_t  *names;

    state = st->state;
    names = &argo_responses_names[state->part->type];

    argo_openai_responses_begin_part(st, names->done, out);

    if (state->part->type == ARGO_RESPONSES_PART_ARGUMENTS) {
        argo_out_lit(out, ",\"name\":\"");
        argo_out_str(out, &state->item->name);
        argo_out_lit(out, "\"");
    }

    argo_out_lit(out, ",\"");
    argo_openai_write_name(out, names->text);
    argo_out_lit(out, "\":\"");
    argo_stream_copy(out, &state->part->text);

    if (state->part->type == ARGO_RESPONSES_PART_TEXT) {
        argo_out_lit(out, "\",\"logprobs\":[]}\n\n");

    } else {
        argo_out_lit(out, "\"}\n\n");
    }

    if (names->part_done == NULL) {
        return;
    }

    argo_openai_responses_begin_part(st, names->part_done, out);
    argo_out_lit(out, ",\"part\":");
    argo_openai_responses_write_part(state->part, 0, out);
    argo_out_lit(out, "}\n\n");
}


static void
argo_openai_responses_write_done(argo_stream_t *st,
    argo_responses_status_e status, argo_out_t *out)
{
    argo_responses_state_t  *state;

    state = st->state;

    argo_openai_responses_begin(st, "response.output_item.done", out);
    argo_out_lit(out, ",\"output_index\":");
    argo_out_int(out, state->item->index);
    argo_out_lit(out, ",\"item\":");
    argo_openai_responses_write_item(st, state->item, status, out);
    argo_out_lit(out, "}\n\n");
}


static void
argo_openai_responses_write_finish(argo_stream_t *st, argo_out_t *out)
{
    argo_responses_status_e  status;

    status = argo_openai_responses_status(st->finish);

    argo_openai_responses_write_part_done(st, out);
    argo_openai_responses_write_done(st, status, out);

    argo_openai_responses_begin(st, (status == ARGO_RESPONSES_COMPLETED)
                                    ? "response.completed"
                                    : "response.incomplete", out);
    argo_out_lit(out, ",\"response\":");
    argo_openai_responses_write_object(st, status, NULL, out);
    argo_out_lit(out, "}\n\n");
}


/*
 * Two events: clients that know the API read why from response.failed, while
 * the official SDKs raise an exception only for a member "error".  What had
 * been announced is not ended: it never was.
 */

static void
argo_openai_responses_write_failure(argo_stream_t *st,
    const argo_error_t *err, argo_out_t *out)
{
    argo_responses_state_t  *state;

    state = st->state;

    if (!state->created) {
        argo_openai_responses_write_created(st, out);
    }

    argo_openai_responses_begin(st, "response.failed", out);
    argo_out_lit(out, ",\"response\":");
    argo_openai_responses_write_object(st, ARGO_RESPONSES_FAILED, err, out);
    argo_out_lit(out, "}\n\n");

    argo_openai_responses_begin(st, "error", out);
    argo_out_lit(out, ",\"code\":\"");
    argo_openai_write_name(out, argo_openai_responses_error_code(err));
    argo_out_lit(out, "\",\"message\":");
    argo_json_write_string(out, &err->message);
    argo_out_lit(out, ",\"param\":");
    argo_json_write_string_or_null(out, &err->param);
    argo_out_lit(out, ",\"error\":");
    argo_openai_write_error_object(err, argo_openai_error_type(err), out);
    argo_out_lit(out, "}\n\n");
}


static void
argo_openai_responses_begin(argo_stream_t *st, const char *name,
    argo_out_t *out)
{
    size_t                   len;
    argo_responses_state_t  *state;

    state = st->state;
    len = ngx_strlen(name);

    argo_out_lit(out, "event: ");
    argo_out_write(out, name, len);
    argo_out_lit(out, "\ndata: {\"type\":\"");
    argo_out_write(out, name, len);
    argo_out_lit(out, "\",\"sequence_number\":");
    argo_out_int(out, state->sequence++);
}


/* begins an event about the part that is being written */

static void
argo_openai_responses_begin_part(argo_stream_t *st, const char *name,
    argo_out_t *out)
{
    argo_openai_responses_begin(st, name, out);
    argo_openai_responses_write_place(st, out);
}


static void
argo_openai_responses_write_place(argo_stream_t *st, argo_out_t *out)
{
    const char              *index;
    argo_responses_state_t  *state;

    state = st->state;
    index = argo_responses_names[state->part->type].index;

    argo_out_lit(out, ",\"item_id\":\"");
    argo_openai_responses_write_item_id(st, state->item, out);
    argo_out_lit(out, "\",\"output_index\":");
    argo_out_int(out, state->item->index);

    if (index) {
        argo_out_lit(out, ",\"");
        argo_openai_write_name(out, index);
        argo_out_lit(out, "\":");
        argo_out_int(out, state->part->index);
    }
}


static void
argo_openai_responses_write_response(argo_stream_t *st, argo_out_t *out)
{
    argo_openai_responses_write_object(st,
                               argo_openai_responses_status(st->finish),
                               NULL, out);
}


static void
argo_openai_responses_write_object(argo_stream_t *st,
    argo_responses_status_e status, const argo_error_t *err, argo_out_t *out)
{
    argo_out_lit(out, "{\"id\":\"resp_");
    argo_out_write(out, st->id, ARGO_ID_LEN);
    argo_out_lit(out, "\",\"object\":\"response\",\"created_at\":");
    argo_out_int(out, st->env.now);

    argo_openai_responses_write_outcome(st, status, err, out);

    argo_openai_responses_write_echo(st, ARGO_RESPONSES_INSTRUCTIONS, "null",
                                     out);
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_MAX_OUTPUT, "null",
                                     out);
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_MAX_TOOL_CALLS,
                                     "null", out);
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_METADATA, "{}", out);

    argo_out_lit(out, ",\"model\":");
    argo_json_write_string(out, &st->request->model);

    argo_openai_responses_write_output(st, status, out);
    argo_openai_responses_write_options(st, out);

    if (status == ARGO_RESPONSES_COMPLETED
        || status == ARGO_RESPONSES_INCOMPLETE)
    {
        argo_openai_responses_write_usage(st, out);

    } else {
        argo_out_lit(out, ",\"usage\":null");
    }

    argo_out_lit(out, ",\"user\":null}");
}


static void
argo_openai_responses_write_outcome(argo_stream_t *st,
    argo_responses_status_e status, const argo_error_t *err, argo_out_t *out)
{
    argo_out_lit(out, ",\"status\":\"");
    argo_openai_write_name(out, argo_responses_status[status]);
    argo_out_lit(out, "\",\"background\":false,\"error\":");

    if (err == NULL) {
        argo_out_lit(out, "null");

    } else {
        argo_out_lit(out, "{\"code\":\"");
        argo_openai_write_name(out, argo_openai_responses_error_code(err));
        argo_out_lit(out, "\",\"message\":");
        argo_json_write_string(out, &err->message);
        argo_out_lit(out, "}");
    }

    argo_out_lit(out, ",\"incomplete_details\":");

    if (status != ARGO_RESPONSES_INCOMPLETE) {
        argo_out_lit(out, "null");

    } else if (st->finish == ARGO_FINISH_LENGTH) {
        argo_out_lit(out, "{\"reason\":\"max_output_tokens\"}");

    } else {
        argo_out_lit(out, "{\"reason\":\"content_filter\"}");
    }
}


static void
argo_openai_responses_write_output(argo_stream_t *st,
    argo_responses_status_e status, argo_out_t *out)
{
    argo_responses_item_t   *item;
    argo_responses_state_t  *state;

    state = st->state;

    argo_out_lit(out, ",\"output\":[");

    /* in a response that goes on, items come in events of their own */

    item = (status == ARGO_RESPONSES_IN_PROGRESS) ? NULL : state->items;

    for ( /* void */ ; item; item = item->next) {

        /* only the last can have been cut */

        if (item->next || status == ARGO_RESPONSES_COMPLETED) {
            argo_openai_responses_write_item(st, item,
                                             ARGO_RESPONSES_COMPLETED, out);

        } else {
            argo_openai_responses_write_item(st, item,
                                             ARGO_RESPONSES_INCOMPLETE, out);
        }

        if (item->next) {
            argo_out_lit(out, ",");
        }
    }

    argo_out_lit(out, "]");
}


/* a member of the request as it came, or what stands for it */

static void
argo_openai_responses_write_echo(argo_stream_t *st, ngx_uint_t member,
    const char *otherwise, argo_out_t *out)
{
    argo_responses_request_t  *front;

    static const char  *names[ARGO_RESPONSES_NMEMBERS] = {
        [ARGO_RESPONSES_INSTRUCTIONS] = "instructions",
        [ARGO_RESPONSES_TOOL_CHOICE] = "tool_choice",
        [ARGO_RESPONSES_PARALLEL] = "parallel_tool_calls",
        [ARGO_RESPONSES_MAX_OUTPUT] = "max_output_tokens",
        [ARGO_RESPONSES_MAX_TOOL_CALLS] = "max_tool_calls",
        [ARGO_RESPONSES_TEMPERATURE] = "temperature",
        [ARGO_RESPONSES_TOP_P] = "top_p",
        [ARGO_RESPONSES_TOP_LOGPROBS] = "top_logprobs",
        [ARGO_RESPONSES_TRUNCATION] = "truncation",
        [ARGO_RESPONSES_METADATA] = "metadata",
        [ARGO_RESPONSES_SERVICE_TIER] = "service_tier",
        [ARGO_RESPONSES_CACHE_KEY] = "prompt_cache_key",
        [ARGO_RESPONSES_SAFETY] = "safety_identifier"
    };

    front = st->request->front;

    argo_out_lit(out, ",");
    argo_openai_responses_write_value(names[member], front->found[member],
                                      otherwise, out);
}


static void
argo_openai_responses_write_value(const char *name, const argo_json_t *node,
    const char *otherwise, argo_out_t *out)
{
    argo_out_lit(out, "\"");
    argo_openai_write_name(out, name);
    argo_out_lit(out, "\":");

    if (node) {
        argo_openai_responses_write_raw(&node->raw, out);

    } else {
        argo_openai_write_name(out, otherwise);
    }
}


/* a line feed is a blank to JSON, and the end of an event's data */

static void
argo_openai_responses_write_raw(const ngx_str_t *raw, argo_out_t *out)
{
    u_char  *p, *start, *end;

    start = raw->data;
    end = start + raw->len;

    for (p = start; p < end; p++) {

        if (*p == LF || *p == CR) {
            argo_out_ref(out, start, p - start);
            start = p + 1;
        }
    }

    argo_out_ref(out, start, end - start);
}


static void
argo_openai_responses_write_options(argo_stream_t *st, argo_out_t *out)
{
    argo_json_t               *text, *reasoning, *node;
    argo_responses_request_t  *front;

    front = st->request->front;
    text = front->found[ARGO_RESPONSES_TEXT];
    reasoning = front->found[ARGO_RESPONSES_REASONING];

    argo_openai_responses_write_echo(st, ARGO_RESPONSES_PARALLEL, "true",
                                     out);
    argo_out_lit(out, ",\"previous_response_id\":null");
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_CACHE_KEY, "null",
                                     out);

    argo_out_lit(out, ",\"reasoning\":{");
    argo_openai_responses_write_value("effort",
                                      argo_json_get(reasoning, "effort"),
                                      "null", out);
    argo_out_lit(out, ",");
    argo_openai_responses_write_value("summary",
                                      argo_json_get(reasoning, "summary"),
                                      "null", out);
    argo_out_lit(out, "}");

    argo_openai_responses_write_echo(st, ARGO_RESPONSES_SAFETY, "null", out);
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_SERVICE_TIER,
                                     "\"default\"", out);
    argo_out_lit(out, ",\"store\":false");
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_TEMPERATURE, "null",
                                     out);

    node = argo_json_get(text, "format");

    if (node && node->type == ARGO_JSON_NULL) {
        node = NULL;
    }

    argo_out_lit(out, ",\"text\":{");
    argo_openai_responses_write_value("format", node, "{\"type\":\"text\"}",
                                      out);

    if (st->request->verbosity) {
        argo_out_lit(out, ",");
        argo_openai_responses_write_value("verbosity", st->request->verbosity,
                                          "null", out);
    }

    argo_out_lit(out, "}");

    argo_openai_responses_write_echo(st, ARGO_RESPONSES_TOOL_CHOICE,
                                     "\"auto\"", out);
    argo_openai_responses_write_tools(front->found[ARGO_RESPONSES_TOOLS],
                                      out);
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_TOP_LOGPROBS, "0",
                                     out);
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_TOP_P, "null", out);
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_TRUNCATION,
                                     "\"disabled\"", out);
}


/* with the members that a client may count on, though it did not give them */

static void
argo_openai_responses_write_tools(const argo_json_t *tools, argo_out_t *out)
{
    const argo_json_t  *tool;

    argo_out_lit(out, ",\"tools\":[");

    for (tool = tools ? tools->child : NULL; tool; tool = tool->next) {

        argo_out_lit(out, "{\"type\":\"function\",");
        argo_openai_responses_write_value("name", argo_json_get(tool, "name"),
                                          "null", out);
        argo_out_lit(out, ",");
        argo_openai_responses_write_value("description",
                                          argo_json_get(tool, "description"),
                                          "null", out);
        argo_out_lit(out, ",");
        argo_openai_responses_write_value("parameters",
                                          argo_json_get(tool, "parameters"),
                                          "null", out);
        argo_out_lit(out, ",");
        argo_openai_responses_write_value("strict",
                                          argo_json_get(tool, "strict"),
                                          "false", out);
        argo_out_lit(out, "}");

        if (tool->next) {
            argo_out_lit(out, ",");
        }
    }

    argo_out_lit(out, "]");
}


static void
argo_openai_responses_write_usage(argo_stream_t *st, argo_out_t *out)
{
    argo_usage_t  usage;

    argo_stream_usage(st, &usage);

    argo_out_lit(out, ",\"usage\":{\"input_tokens\":");
    argo_out_int(out, usage.prompt);
    argo_out_lit(out, ",\"input_tokens_details\":{\"cached_tokens\":");
    argo_out_int(out, usage.cached);
    argo_out_lit(out, ",\"cache_write_tokens\":0},\"output_tokens\":");
    argo_out_int(out, usage.completion);
    argo_out_lit(out, ",\"output_tokens_details\":{\"reasoning_tokens\":");
    argo_out_int(out, usage.reasoning);
    argo_out_lit(out, "},\"total_tokens\":");
    argo_out_int(out, usage.prompt + usage.completion);
    argo_out_lit(out, "}");
}


/* in progress: as it is announced, before anything of it has come */

static void
argo_openai_responses_write_item(argo_stream_t *st,
    const argo_responses_item_t *item, argo_responses_status_e status,
    argo_out_t *out)
{
    argo_responses_part_t  *part;

    part = (status == ARGO_RESPONSES_IN_PROGRESS) ? NULL : item->parts;

    argo_out_lit(out, "{\"id\":\"");
    argo_openai_responses_write_item_id(st, item, out);

    switch (item->type) {

    case ARGO_RESPONSES_ITEM_CALL:
        argo_out_lit(out, "\",\"type\":\"function_call\",\"status\":\"");
        argo_openai_write_name(out, argo_responses_status[status]);
        argo_out_lit(out, "\",\"arguments\":\"");

        if (part) {
            argo_stream_copy(out, &part->text);
        }

        argo_out_lit(out, "\",\"call_id\":\"");
        argo_openai_write_call_id(st, &item->id, item->call, out);
        argo_out_lit(out, "\",\"name\":\"");
        argo_out_str(out, &item->name);
        argo_out_lit(out, "\"}");

        return;

    case ARGO_RESPONSES_ITEM_REASONING:
        argo_out_lit(out, "\",\"type\":\"reasoning\",\"summary\":[");
        break;

    default: /* ARGO_RESPONSES_ITEM_MESSAGE */
        argo_out_lit(out, "\",\"type\":\"message\",\"status\":\"");
        argo_openai_write_name(out, argo_responses_status[status]);
        argo_out_lit(out, "\",\"role\":\"assistant\",\"content\":[");
    }

    for ( /* void */ ; part; part = part->next) {

        argo_openai_responses_write_part(part, 0, out);

        if (part->next) {
            argo_out_lit(out, ",");
        }
    }

    argo_out_lit(out, "]}");
}


static void
argo_openai_responses_write_item_id(argo_stream_t *st,
    const argo_responses_item_t *item, argo_out_t *out)
{
    switch (item->type) {

    case ARGO_RESPONSES_ITEM_CALL:
        argo_out_lit(out, "fc_");
        break;

    case ARGO_RESPONSES_ITEM_REASONING:
        argo_out_lit(out, "rs_");
        break;

    default: /* ARGO_RESPONSES_ITEM_MESSAGE */
        argo_out_lit(out, "msg_");
    }

    argo_out_write(out, st->id, ARGO_ID_LEN);
    argo_out_lit(out, "_");
    argo_out_int(out, item->index);
}


static void
argo_openai_responses_write_part(const argo_responses_part_t *part,
    ngx_uint_t empty, argo_out_t *out)
{
    switch (part->type) {

    case ARGO_RESPONSES_PART_REFUSAL:
        argo_out_lit(out, "{\"type\":\"refusal\",\"refusal\":\"");
        break;

    case ARGO_RESPONSES_PART_SUMMARY:
        argo_out_lit(out, "{\"type\":\"summary_text\",\"text\":\"");
        break;

    default: /* ARGO_RESPONSES_PART_TEXT */
        argo_out_lit(out, "{\"type\":\"output_text\",\"annotations\":[],"
                          "\"logprobs\":[],\"text\":\"");
    }

    if (!empty) {
        argo_stream_copy(out, &part->text);
    }

    argo_out_lit(out, "\"}");
}


static argo_responses_status_e
argo_openai_responses_status(argo_finish_e finish)
{
    switch (finish) {

    case ARGO_FINISH_LENGTH:
    case ARGO_FINISH_CONTENT_FILTER:
        return ARGO_RESPONSES_INCOMPLETE;

    default:
        return ARGO_RESPONSES_COMPLETED;
    }
}


static const char *
argo_openai_responses_error_code(const argo_error_t *err)
{
    ngx_uint_t  i;

    for (i = 0; i < ARGO_RESPONSES_NCODES; i++) {

        if (err->code.len == argo_responses_codes[i].len
            && ngx_memcmp(err->code.data, argo_responses_codes[i].data,
                          err->code.len)
               == 0)
        {
            return (const char *) argo_responses_codes[i].data;
        }
    }

    switch (err->type) {

    case ARGO_ERROR_RATE_LIMIT:
        return "rate_limit_exceeded";

    case ARGO_ERROR_INVALID_REQUEST:
    case ARGO_ERROR_AUTHENTICATION:
    case ARGO_ERROR_PERMISSION:
    case ARGO_ERROR_NOT_FOUND:
    case ARGO_ERROR_TOO_LARGE:
        /* the one code after which nobody sends the same again */
        return "invalid_prompt";

    default:
        return "server_error";
    }
}
