
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's Responses, what a client gets: the events in which items come.
 * Every event that ends something repeats all of it, so a reply is kept while
 * it is streamed; a unary one is the same items written at once.  Knows
 * argo_ir.h, nothing of HTTP and nothing of what upstream speaks.
 */


#include "argo_openai_responses.h"
#include "argo_json_write.h"


static ngx_int_t argo_openai_responses_start_stream(argo_stream_t *st);

static void argo_openai_responses_write_event(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_responses_write_created(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_responses_catch_up(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_responses_end_item(argo_stream_t *st,
    argo_responses_status_e status, argo_out_t *out);
static void argo_openai_responses_write_delta(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_openai_responses_write_added(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_responses_write_part_added(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_responses_write_part_done(argo_stream_t *st,
    argo_out_t *out);
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


const argo_front_t  argo_openai_responses_front = {
    ngx_string("openai_responses"),
    ARGO_DIALECT_RESPONSES,
    ngx_string("text/event-stream; charset=utf-8"),
    ngx_null_string,
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
      "arguments", NULL },

    { NULL, "response.custom_tool_call_input.delta",
      "response.custom_tool_call_input.done", NULL,
      "input", NULL },

    { NULL, NULL, NULL, NULL, NULL, NULL }
};


static ngx_int_t
argo_openai_responses_start_stream(argo_stream_t *st)
{
    return argo_openai_responses_init_state(st);
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

    case ARGO_EVENT_SIGNATURE:
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

    while (state->item != state->last) {

        if (state->item) {
            argo_openai_responses_end_item(st, ARGO_RESPONSES_COMPLETED,
                                           out);
        }

        state->item = state->item ? state->item->next : state->items;
        state->part = NULL;

        if (!state->item->late) {
            argo_openai_responses_write_added(st, out);
        }
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
argo_openai_responses_end_item(argo_stream_t *st,
    argo_responses_status_e status, argo_out_t *out)
{
    const char              *delta;
    argo_responses_state_t  *state;

    state = st->state;

    if (state->item->late) {
        argo_openai_responses_write_added(st, out);
    }

    if (state->part) {
        delta = argo_responses_names[state->part->type].delta;

        if (state->item->whole && delta && state->part->text.size) {
            argo_openai_responses_begin_part(st, delta, out);
            argo_out_lit(out, ",\"delta\":\"");
            argo_stream_copy(out, &state->part->text);
            argo_out_lit(out, "\"}\n\n");
        }

        argo_openai_responses_write_part_done(st, out);
    }

    argo_openai_responses_begin(st, "response.output_item.done", out);
    argo_out_lit(out, ",\"output_index\":");
    argo_out_int(out, state->item->index);
    argo_out_lit(out, ",\"item\":");
    argo_openai_responses_write_item(st, state->item, status, out);
    argo_out_lit(out, "}\n\n");
}


static void
argo_openai_responses_write_delta(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    argo_responses_state_t  *state;

    state = st->state;

    if (state->item->whole || ev->lead.len + ev->text.len == 0) {
        /* of some calls only the end tells what they are */
        return;
    }

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

    if (names->done == NULL) {
        return;
    }

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
argo_openai_responses_write_finish(argo_stream_t *st, argo_out_t *out)
{
    argo_responses_status_e  status;

    status = argo_openai_responses_status(st->finish);

    argo_openai_responses_end_item(st, status, out);

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

    if (st->splice) {
        /* what upstream began may have been held back, and is gone then */

        state->created = st->started;
        state->sequence = st->started ? state->sequence : 0;
    }

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
