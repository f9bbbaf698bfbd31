
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Google's generateContent, what a client gets: each event is a whole
 * response with a piece of the answer in it, as a server-sent event or as an
 * element of a JSON array; a unary one has all pieces.  Knows argo_ir.h,
 * nothing of HTTP and nothing of what upstream speaks.
 */


#include "argo_gemini.h"
#include "argo_base64.h"
#include "argo_json_write.h"
#include "argo_stream.h"


/* of what is kept; arguments of a usual call fit in one */
#define ARGO_GEMINI_BLOCK  1024

#define ARGO_GEMINI_BEGIN  "{\"candidates\":[{\"content\":{\"parts\":["
#define ARGO_GEMINI_END    "],\"role\":\"model\"}"


typedef enum {
    ARGO_GEMINI_TEXT = 0,
    ARGO_GEMINI_THOUGHT,
    ARGO_GEMINI_CALL
} argo_gemini_part_e;


typedef struct argo_gemini_part_s  argo_gemini_part_t;

struct argo_gemini_part_s {
    argo_gemini_part_e    type;
    argo_out_t            text;         /* or arguments, as they come;
                                           escaped */
    argo_out_t            seal;         /* blocks that it hands on */
    ngx_str_t             signature;    /* Google's; escaped */
    ngx_str_t             id;           /* of a call; escaped */
    ngx_str_t             name;         /* of a function; escaped */
    ngx_str_t             args;         /* a JSON object */
    ngx_uint_t            index;        /* of a call */
    argo_gemini_part_t   *next;
};


/* st->state */

typedef struct {
    argo_gemini_part_t   *parts;        /* of a unary reply */
    argo_gemini_part_t   *last;
    argo_gemini_part_t   *call;         /* whose arguments are coming */
    argo_gemini_part_t   *ready;        /* a whole call, to be written */
    argo_out_t            thought;      /* not signed yet; escaped */
    argo_out_t            seal;         /* for the next part */
    ngx_str_t             signature;    /* likewise, Google's */
    size_t                size;         /* of all that is kept */
    unsigned              begun:1;      /* something has been written */
} argo_gemini_state_t;


static ngx_int_t argo_gemini_start_stream(argo_stream_t *st);
static ngx_int_t argo_gemini_init_state(argo_stream_t *st);
static void argo_gemini_init_out(argo_stream_t *st, argo_out_t *out);

static ngx_int_t argo_gemini_collect_event(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_gemini_collect_text(argo_stream_t *st,
    argo_gemini_part_e type, const argo_event_t *ev);
static ngx_int_t argo_gemini_collect_thought(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_gemini_collect_signature(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_gemini_collect_finish(argo_stream_t *st);
static ngx_int_t argo_gemini_begin_call(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_gemini_end_call(argo_stream_t *st);
static ngx_int_t argo_gemini_append(argo_stream_t *st, argo_out_t *out,
    const argo_event_t *ev);
static argo_gemini_part_t *argo_gemini_make_part(argo_stream_t *st,
    argo_gemini_part_e type);
static void argo_gemini_add(argo_gemini_state_t *state,
    argo_gemini_part_t *part);

static void argo_gemini_write_event(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_gemini_write_text(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_gemini_write_thought(argo_stream_t *st,
    const argo_event_t *ev, argo_out_t *out);
static void argo_gemini_write_ready(argo_stream_t *st, argo_out_t *out);
static void argo_gemini_write_finish(argo_stream_t *st, argo_out_t *out);
static void argo_gemini_write_failure(argo_stream_t *st,
    const argo_error_t *err, argo_out_t *out);
static void argo_gemini_begin_frame(argo_stream_t *st, argo_out_t *out);
static void argo_gemini_end_frame(argo_stream_t *st, ngx_uint_t last,
    argo_out_t *out);

static void argo_gemini_write_response(argo_stream_t *st, argo_out_t *out);
static void argo_gemini_write_part(argo_stream_t *st,
    const argo_gemini_part_t *part, argo_out_t *out);
static void argo_gemini_write_call(argo_stream_t *st,
    const argo_gemini_part_t *part, argo_out_t *out);
static void argo_gemini_write_signature(const argo_out_t *seal,
    const ngx_str_t *signature, argo_out_t *out);
static void argo_gemini_write_outcome(argo_stream_t *st, argo_out_t *out);
static void argo_gemini_write_identity(argo_stream_t *st, argo_out_t *out);
static void argo_gemini_write_usage(argo_stream_t *st, argo_out_t *out);
static void argo_gemini_write_details(const argo_error_t *err,
    argo_out_t *out);
static void argo_gemini_write_reason(const ngx_str_t *code, argo_out_t *out);
static ngx_uint_t argo_gemini_shows_thoughts(const argo_stream_t *st);
static const char *argo_gemini_finish_reason(argo_finish_e finish);


const argo_front_t  argo_gemini_front = {
    ngx_string("gemini"),
    ARGO_DIALECT_GEMINI,
    ngx_string("text/event-stream"),
    ngx_null_string,
    ARGO_GEMINI_TREE_DEPTH,
    argo_gemini_read_request,
    argo_gemini_start_stream,
    argo_gemini_write_event,
    argo_gemini_write_response,
    argo_gemini_write_error,
    argo_gemini_collect_event,
    0,
    0
};


/* what a client gets that does not ask for events */

const argo_front_t  argo_gemini_array_front = {
    ngx_string("gemini_array"),
    ARGO_DIALECT_GEMINI,
    ngx_string("application/json"),
    ngx_string("\n"),
    ARGO_GEMINI_TREE_DEPTH,
    argo_gemini_read_request,
    argo_gemini_start_stream,
    argo_gemini_write_event,
    argo_gemini_write_response,
    argo_gemini_write_error,
    argo_gemini_collect_event,
    0,
    0
};


typedef struct {
    ngx_uint_t     http;
    const char    *name;
} argo_gemini_status_t;


static const argo_gemini_status_t  argo_gemini_statuses[] = {
    { 400, "INVALID_ARGUMENT" },
    { 401, "UNAUTHENTICATED" },
    { 403, "PERMISSION_DENIED" },
    { 404, "NOT_FOUND" },
    { 405, "UNIMPLEMENTED" },
    { 408, "DEADLINE_EXCEEDED" },
    { 409, "ABORTED" },
    { 429, "RESOURCE_EXHAUSTED" },
    { 499, "CANCELLED" },
    { 500, "INTERNAL" },
    { 501, "UNIMPLEMENTED" },
    { 502, "UNAVAILABLE" },
    { 503, "UNAVAILABLE" },
    { 504, "DEADLINE_EXCEEDED" },
    { 529, "UNAVAILABLE" }
};


#define ARGO_GEMINI_NSTATUSES                                                 \
    (sizeof(argo_gemini_statuses) / sizeof(argo_gemini_statuses[0]))


static ngx_int_t
argo_gemini_start_stream(argo_stream_t *st)
{
    argo_out_t  out;

    if (argo_gemini_init_state(st) != NGX_OK) {
        return NGX_ERROR;
    }

    /* what ends all events but the last */

    argo_out_init(&out, st->pool, ARGO_GEMINI_BLOCK, NULL, 1);

    argo_out_lit(&out, "}" ARGO_GEMINI_END ",\"index\":0}]");
    argo_gemini_write_identity(st, &out);

    return argo_out_flatten(&out, st->pool, &st->head);
}


static ngx_int_t
argo_gemini_init_state(argo_stream_t *st)
{
    argo_gemini_state_t  *state;

    state = ngx_pcalloc(st->pool, sizeof(argo_gemini_state_t));
    if (state == NULL) {
        return NGX_ERROR;
    }

    argo_gemini_init_out(st, &state->thought);
    argo_gemini_init_out(st, &state->seal);

    st->state = state;

    return NGX_OK;
}


/* a body that stays can be referred to, unless it is streamed */

static void
argo_gemini_init_out(argo_stream_t *st, argo_out_t *out)
{
    argo_out_init(out, st->pool, ARGO_GEMINI_BLOCK, NULL,
                  !st->collect || st->text.copy);
}


static ngx_int_t
argo_gemini_collect_event(argo_stream_t *st, const argo_event_t *ev)
{
    ngx_int_t             rc;
    argo_gemini_state_t  *state;

    if (st->state == NULL && argo_gemini_init_state(st) != NGX_OK) {
        return NGX_ERROR;
    }

    state = st->state;
    state->ready = NULL;

    if (state->call && ev->type != ARGO_EVENT_TOOL_ARGS) {
        rc = argo_gemini_end_call(st);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (state->thought.size && ev->type != ARGO_EVENT_REASONING
        && ev->type != ARGO_EVENT_SIGNATURE)
    {
        /* nobody has signed it: nobody wants it back */
        argo_gemini_init_out(st, &state->thought);
    }

    switch (ev->type) {

    case ARGO_EVENT_TEXT:
    case ARGO_EVENT_REFUSAL:
        return st->collect ? argo_gemini_collect_text(st, ARGO_GEMINI_TEXT, ev)
                           : NGX_OK;

    case ARGO_EVENT_REASONING:
        return argo_gemini_collect_thought(st, ev);

    case ARGO_EVENT_SIGNATURE:
        return argo_gemini_collect_signature(st, ev);

    case ARGO_EVENT_TOOL_START:
        return argo_gemini_begin_call(st, ev);

    case ARGO_EVENT_TOOL_ARGS:
        return argo_gemini_append(st, &state->call->text, ev);

    default: /* ARGO_EVENT_FINISH */
        return st->collect ? argo_gemini_collect_finish(st) : NGX_OK;
    }
}


static ngx_int_t
argo_gemini_collect_text(argo_stream_t *st, argo_gemini_part_e type,
    const argo_event_t *ev)
{
    argo_gemini_part_t   *part;
    argo_gemini_state_t  *state;

    state = st->state;
    part = state->last;

    if (part == NULL || part->type != type
        || (type == ARGO_GEMINI_TEXT
            && (state->seal.size || state->signature.len)))
    {
        part = argo_gemini_make_part(st, type);
        if (part == NULL) {
            return NGX_ERROR;
        }

        argo_gemini_add(state, part);
    }

    return argo_gemini_append(st, &part->text, ev);
}


/* Thoughts of Claude's must come back as they were. */

static ngx_int_t
argo_gemini_collect_thought(argo_stream_t *st, const argo_event_t *ev)
{
    ngx_int_t             rc;
    argo_gemini_state_t  *state;

    state = st->state;

    if (st->collect && argo_gemini_shows_thoughts(st)) {
        rc = argo_gemini_collect_text(st, ARGO_GEMINI_THOUGHT, ev);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (st->request->target == NULL
        || st->request->target->family != ARGO_FAMILY_ANTHROPIC)
    {
        return NGX_OK;
    }

    return argo_gemini_append(st, &state->thought, ev);
}


static ngx_int_t
argo_gemini_collect_signature(argo_stream_t *st, const argo_event_t *ev)
{
    ngx_int_t             rc;
    argo_out_t           *seal;
    argo_gemini_state_t  *state;

    state = st->state;
    seal = &state->seal;

    if (ev->vendor == ARGO_FAMILY_GOOGLE) {
        return argo_stream_keep(st, &ev->text, &state->signature);
    }

    if (ev->vendor != ARGO_FAMILY_ANTHROPIC) {
        return NGX_OK;
    }

    if (seal->size) {
        argo_out_lit(seal, ",");
    }

    if (ev->redacted) {
        argo_out_lit(seal, "{\"data\":\"");

    } else {
        argo_out_lit(seal, "{\"thinking\":\"");
        argo_out_move(seal, &state->thought);
        argo_out_lit(seal, "\",\"signature\":\"");
    }

    rc = argo_gemini_append(st, seal, ev);

    argo_out_lit(seal, "\"}");

    return (rc == NGX_OK && seal->failed) ? NGX_ERROR : rc;
}


/* who asks for the text of a reply shall find one, if an empty one */

static ngx_int_t
argo_gemini_collect_finish(argo_stream_t *st)
{
    argo_gemini_part_t   *part;
    argo_gemini_state_t  *state;

    state = st->state;

    if (state->last && state->last->type != ARGO_GEMINI_THOUGHT
        && state->seal.size == 0 && state->signature.len == 0)
    {
        return NGX_OK;
    }

    part = argo_gemini_make_part(st, ARGO_GEMINI_TEXT);
    if (part == NULL) {
        return NGX_ERROR;
    }

    argo_gemini_add(state, part);

    return NGX_OK;
}


static ngx_int_t
argo_gemini_begin_call(argo_stream_t *st, const argo_event_t *ev)
{
    argo_gemini_part_t   *part;
    argo_gemini_state_t  *state;

    state = st->state;

    part = argo_gemini_make_part(st, ARGO_GEMINI_CALL);
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->index = ev->index;

    if (argo_stream_keep(st, &ev->id, &part->id) != NGX_OK
        || argo_stream_keep(st, &ev->name, &part->name) != NGX_OK
        || (ev->signature.len
            && argo_stream_keep(st, &ev->signature, &part->signature)
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    state->call = part;

    if (st->collect) {
        argo_gemini_add(state, part);
    }

    return NGX_OK;
}


/* Arguments are an object here: what came as text must be one. */

static ngx_int_t
argo_gemini_end_call(argo_stream_t *st)
{
    u_char               *p;
    ngx_int_t             rc;
    ngx_str_t             text, json;
    argo_json_t          *root;
    argo_error_t          ignored;
    argo_gemini_part_t   *part;
    argo_gemini_state_t  *state;

    state = st->state;
    part = state->call;

    state->call = NULL;
    state->ready = part;

    ngx_str_set(&part->args, "{}");

    if (part->text.size == 0) {
        return NGX_OK;
    }

    if (argo_out_flatten(&part->text, st->pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    /* no escape is shorter than what it stands for */

    json.data = ngx_pnalloc(st->pool, text.len);
    if (json.data == NULL) {
        return NGX_ERROR;
    }

    p = text.data;
    json.len = argo_json_unescape(&p, p + text.len, json.data, text.len);

    rc = argo_json_parse(st->pool, &json, 0, &root, &ignored);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_OK && root->type == ARGO_JSON_OBJECT) {
        part->args = root->raw;
        return NGX_OK;
    }

    return argo_error_set(&st->error, 502, "upstream_invalid_reply", NULL,
                          "the arguments of a tool call in ARGO's reply are "
                          "not a JSON object");
}


static ngx_int_t
argo_gemini_append(argo_stream_t *st, argo_out_t *out,
    const argo_event_t *ev)
{
    argo_gemini_state_t  *state;

    state = st->state;

    if (state->size + ev->lead.len + ev->text.len > ARGO_STREAM_MAX_TEXT) {
        return argo_error_set(&st->error, 502, "upstream_invalid_reply",
                              NULL, "ARGO's reply is too long");
    }

    state->size += ev->lead.len + ev->text.len;

    argo_openai_write_text(ev, out);

    return out->failed ? NGX_ERROR : NGX_OK;
}


/* Text and calls take with them what is to be handed on. */

static argo_gemini_part_t *
argo_gemini_make_part(argo_stream_t *st, argo_gemini_part_e type)
{
    argo_gemini_part_t   *part;
    argo_gemini_state_t  *state;

    state = st->state;

    part = ngx_pcalloc(st->pool, sizeof(argo_gemini_part_t));
    if (part == NULL) {
        return NULL;
    }

    part->type = type;

    argo_gemini_init_out(st, &part->text);

    if (type == ARGO_GEMINI_THOUGHT) {
        return part;
    }

    part->seal = state->seal;
    part->signature = state->signature;

    argo_gemini_init_out(st, &state->seal);
    ngx_str_null(&state->signature);

    return part;
}


static void
argo_gemini_add(argo_gemini_state_t *state, argo_gemini_part_t *part)
{
    if (state->last) {
        state->last->next = part;

    } else {
        state->parts = part;
    }

    state->last = part;
}


static void
argo_gemini_write_event(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    argo_gemini_state_t  *state;

    state = st->state;

    if (ev->type == ARGO_EVENT_ERROR) {
        argo_gemini_write_failure(st, ev->error, out);
        return;
    }

    if (state->ready) {
        argo_gemini_write_ready(st, out);
        state->ready = NULL;
    }

    switch (ev->type) {

    case ARGO_EVENT_TEXT:
    case ARGO_EVENT_REFUSAL:
        argo_gemini_write_text(st, ev, out);
        break;

    case ARGO_EVENT_REASONING:

        if (argo_gemini_shows_thoughts(st)) {
            argo_gemini_write_thought(st, ev, out);
        }

        break;

    case ARGO_EVENT_FINISH:
        argo_gemini_write_finish(st, out);
        break;

    default:
        break;
    }

    /* as long as all was kept back, an error is still one of HTTP's */

    st->started = state->begun;
}


static void
argo_gemini_write_text(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    argo_gemini_state_t  *state;

    state = st->state;

    argo_gemini_begin_frame(st, out);

    argo_out_lit(out, ARGO_GEMINI_BEGIN "{\"text\":\"");
    argo_openai_write_text(ev, out);
    argo_out_lit(out, "\"");

    if (state->seal.size || state->signature.len) {
        argo_gemini_write_signature(&state->seal, &state->signature, out);

        argo_gemini_init_out(st, &state->seal);
        ngx_str_null(&state->signature);
    }

    argo_out_str(out, &st->head);
    argo_gemini_end_frame(st, 0, out);
}


static void
argo_gemini_write_thought(argo_stream_t *st, const argo_event_t *ev,
    argo_out_t *out)
{
    argo_gemini_begin_frame(st, out);

    argo_out_lit(out, ARGO_GEMINI_BEGIN "{\"text\":\"");
    argo_openai_write_text(ev, out);
    argo_out_lit(out, "\",\"thought\":true");
    argo_out_str(out, &st->head);

    argo_gemini_end_frame(st, 0, out);
}


static void
argo_gemini_write_ready(argo_stream_t *st, argo_out_t *out)
{
    argo_gemini_state_t  *state;

    state = st->state;

    argo_gemini_begin_frame(st, out);

    argo_out_lit(out, ARGO_GEMINI_BEGIN "{");
    argo_gemini_write_call(st, state->ready, out);
    argo_out_str(out, &st->head);

    argo_gemini_end_frame(st, 0, out);
}


static void
argo_gemini_write_finish(argo_stream_t *st, argo_out_t *out)
{
    argo_gemini_state_t  *state;

    state = st->state;

    argo_gemini_begin_frame(st, out);

    argo_out_lit(out, ARGO_GEMINI_BEGIN "{\"text\":\"\"");
    argo_gemini_write_signature(&state->seal, &state->signature, out);
    argo_out_lit(out, "}");
    argo_gemini_write_outcome(st, out);

    argo_gemini_end_frame(st, 1, out);
}


static void
argo_gemini_write_failure(argo_stream_t *st, const argo_error_t *err,
    argo_out_t *out)
{
    argo_gemini_begin_frame(st, out);
    argo_gemini_write_error(err, out);
    argo_gemini_end_frame(st, 1, out);
}


static void
argo_gemini_begin_frame(argo_stream_t *st, argo_out_t *out)
{
    argo_gemini_state_t  *state;

    state = st->state;

    if (st->front != &argo_gemini_array_front) {
        argo_out_lit(out, "data: ");

    } else if (state->begun) {
        argo_out_lit(out, ",\r\n");

    } else {
        argo_out_lit(out, "[");
    }

    state->begun = 1;
}


static void
argo_gemini_end_frame(argo_stream_t *st, ngx_uint_t last, argo_out_t *out)
{
    argo_out_lit(out, "\n");

    if (st->front != &argo_gemini_array_front) {
        argo_out_lit(out, "\n");

    } else if (last) {
        argo_out_lit(out, "]");
    }
}


static void
argo_gemini_write_response(argo_stream_t *st, argo_out_t *out)
{
    argo_gemini_part_t   *part;
    argo_gemini_state_t  *state;

    state = st->state;

    argo_out_lit(out, ARGO_GEMINI_BEGIN);

    for (part = state->parts; part; part = part->next) {
        argo_gemini_write_part(st, part, out);

        if (part->next) {
            argo_out_lit(out, ",");
        }
    }

    argo_gemini_write_outcome(st, out);
}


static void
argo_gemini_write_part(argo_stream_t *st, const argo_gemini_part_t *part,
    argo_out_t *out)
{
    argo_out_lit(out, "{");

    switch (part->type) {

    case ARGO_GEMINI_CALL:
        argo_gemini_write_call(st, part, out);
        break;

    case ARGO_GEMINI_THOUGHT:
        argo_out_lit(out, "\"text\":\"");
        argo_stream_copy(out, &part->text);
        argo_out_lit(out, "\",\"thought\":true");
        break;

    default: /* ARGO_GEMINI_TEXT */
        argo_out_lit(out, "\"text\":\"");
        argo_stream_copy(out, &part->text);
        argo_out_lit(out, "\"");
        argo_gemini_write_signature(&part->seal, &part->signature, out);
    }

    argo_out_lit(out, "}");
}


static void
argo_gemini_write_call(argo_stream_t *st, const argo_gemini_part_t *part,
    argo_out_t *out)
{
    u_char  *p, *start, *end;

    argo_out_lit(out, "\"functionCall\":{\"id\":\"");
    argo_openai_write_call_id(st, &part->id, part->index, out);
    argo_out_lit(out, "\",\"name\":\"");
    argo_out_str(out, &part->name);
    argo_out_lit(out, "\",\"args\":");

    /* a line feed is a blank to JSON, and the end of an event's data */

    start = part->args.data;
    end = start + part->args.len;

    for (p = start; p < end; p++) {

        if (*p == LF || *p == CR) {
            argo_out_write(out, start, p - start);
            start = p + 1;
        }
    }

    argo_out_ref(out, start, end - start);
    argo_out_lit(out, "}");

    argo_gemini_write_signature(&part->seal, &part->signature, out);
}


static void
argo_gemini_write_signature(const argo_out_t *seal,
    const ngx_str_t *signature, argo_out_t *out)
{
    ngx_buf_t      *b;
    ngx_chain_t    *cl;
    argo_base64_t   base64;

    if (seal->size == 0 && signature->len == 0) {
        return;
    }

    argo_out_lit(out, ",\"thoughtSignature\":\"");

    if (seal->size == 0) {
        argo_out_str(out, signature);
        argo_out_lit(out, "\"");
        return;
    }

    argo_base64_init(&base64);
    argo_base64_write(&base64, (u_char *) ARGO_GEMINI_SEAL "[",
                      sizeof(ARGO_GEMINI_SEAL "[") - 1, out);

    for (cl = seal->first; cl; cl = cl->next) {
        b = cl->buf;
        argo_base64_write(&base64, b->pos, b->last - b->pos, out);
    }

    argo_base64_write(&base64, (u_char *) "]", 1, out);
    argo_base64_end(&base64, out);

    argo_out_lit(out, "\"");
}


/* what ends the last event, or the only answer */

static void
argo_gemini_write_outcome(argo_stream_t *st, argo_out_t *out)
{
    const char  *reason;

    reason = argo_gemini_finish_reason(st->finish);

    argo_out_lit(out, ARGO_GEMINI_END ",\"finishReason\":\"");
    argo_out_write(out, reason, ngx_strlen(reason));
    argo_out_lit(out, "\",\"index\":0}]");

    argo_gemini_write_usage(st, out);
    argo_gemini_write_identity(st, out);
}


static void
argo_gemini_write_identity(argo_stream_t *st, argo_out_t *out)
{
    argo_out_lit(out, ",\"modelVersion\":");
    argo_json_write_string(out, &st->request->model);
    argo_out_lit(out, ",\"responseId\":\"");
    argo_out_write(out, st->id, ARGO_ID_LEN);
    argo_out_lit(out, "\"}");
}


/* Google does not count thoughts among the candidates' tokens. */

static void
argo_gemini_write_usage(argo_stream_t *st, argo_out_t *out)
{
    argo_usage_t  usage;

    argo_stream_usage(st, &usage);

    if (usage.reasoning > usage.completion) {
        usage.reasoning = usage.completion;
    }

    argo_out_lit(out, ",\"usageMetadata\":{\"promptTokenCount\":");
    argo_out_int(out, usage.prompt);

    if (usage.cached) {
        argo_out_lit(out, ",\"cachedContentTokenCount\":");
        argo_out_int(out, usage.cached);
    }

    argo_out_lit(out, ",\"candidatesTokenCount\":");
    argo_out_int(out, usage.completion - usage.reasoning);

    if (usage.reasoning) {
        argo_out_lit(out, ",\"thoughtsTokenCount\":");
        argo_out_int(out, usage.reasoning);
    }

    argo_out_lit(out, ",\"totalTokenCount\":");
    argo_out_int(out, usage.prompt + usage.completion);
    argo_out_lit(out, "}");
}


void
argo_gemini_write_error(const argo_error_t *err, argo_out_t *out)
{
    ngx_uint_t   status;
    const char  *name;

    /* clients take what is no failing status for no failure */

    status = (err->status >= 400 && err->status < 600) ? err->status : 500;
    name = argo_gemini_status(status);

    argo_out_lit(out, "{\"error\":{\"code\":");
    argo_out_int(out, status);
    argo_out_lit(out, ",\"message\":");
    argo_json_write_string(out, &err->message);
    argo_out_lit(out, ",\"status\":\"");
    argo_out_write(out, name, ngx_strlen(name));
    argo_out_lit(out, "\"");

    argo_gemini_write_details(err, out);

    argo_out_lit(out, "}}");
}


static void
argo_gemini_write_details(const argo_error_t *err, argo_out_t *out)
{
    const char  *sep;

    sep = ",\"details\":[";

    if (err->code.len) {
        argo_out_write(out, sep, ngx_strlen(sep));
        argo_out_lit(out, "{\"@type\":\"type.googleapis.com/"
                          "google.rpc.ErrorInfo\",\"reason\":\"");
        argo_gemini_write_reason(&err->code, out);
        argo_out_lit(out, "\",\"domain\":\"argo\"}");
        sep = ",";
    }

    if (err->param.len) {
        argo_out_write(out, sep, ngx_strlen(sep));
        argo_out_lit(out, "{\"@type\":\"type.googleapis.com/"
                          "google.rpc.BadRequest\",\"fieldViolations\":["
                          "{\"field\":");
        argo_json_write_string(out, &err->param);
        argo_out_lit(out, ",\"description\":");
        argo_json_write_string(out, &err->message);
        argo_out_lit(out, "}]}");
        sep = ",";
    }

    if (err->request_id.len) {
        argo_out_write(out, sep, ngx_strlen(sep));
        argo_out_lit(out, "{\"@type\":\"type.googleapis.com/"
                          "google.rpc.RequestInfo\",\"requestId\":");
        argo_json_write_string(out, &err->request_id);
        argo_out_lit(out, "}");
        sep = ",";
    }

    if (*sep == ',' && sep[1] == '\0') {
        argo_out_lit(out, "]");
    }
}


/* Google's reasons are constants: capitals, digits, underscores. */

static void
argo_gemini_write_reason(const ngx_str_t *code, argo_out_t *out)
{
    u_char  c;
    size_t  i;

    for (i = 0; i < code->len; i++) {
        c = ngx_toupper(code->data[i]);

        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) {
            c = '_';
        }

        argo_out_write(out, &c, 1);
    }
}


const char *
argo_gemini_status(ngx_uint_t status)
{
    ngx_uint_t  i;

    for (i = 0; i < ARGO_GEMINI_NSTATUSES; i++) {
        if (argo_gemini_statuses[i].http == status) {
            return argo_gemini_statuses[i].name;
        }
    }

    return (status < 500) ? "INVALID_ARGUMENT" : "INTERNAL";
}


static ngx_uint_t
argo_gemini_shows_thoughts(const argo_stream_t *st)
{
    const argo_gemini_request_t  *front;

    front = st->request->front;

    return front && front->thoughts;
}


static const char *
argo_gemini_finish_reason(argo_finish_e finish)
{
    switch (finish) {

    case ARGO_FINISH_LENGTH:
    case ARGO_FINISH_CONTEXT:
        return "MAX_TOKENS";

    case ARGO_FINISH_CONTENT_FILTER:
        return "SAFETY";

    default: /* Google has no word of its own for calls */
        return "STOP";
    }
}
