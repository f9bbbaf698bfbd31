
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The path of a reply.  Knows events and their order, nothing of any
 * dialect's bytes.
 */


#include "argo_stream.h"
#include "argo_count.h"
#include "argo_fault.h"
#include "argo_json_write.h"


/* of what is collected; a usual reply fits in one */
#define ARGO_STREAM_BLOCK  4096

/* the trees of most events fit in one block of the scratch pool */
#define ARGO_WORK_SCRATCH  4096

/* the first room for text that waits to be judged */
#define ARGO_STREAM_HELD  128

/* more of them are not kept for the next event */
#define ARGO_WORK_BLOCKS   8


static void argo_stream_init_collect(argo_stream_t *st);
static ngx_int_t argo_stream_make_id(argo_stream_t *st);
static ngx_int_t argo_stream_start_reply(argo_stream_t *st);
static ngx_int_t argo_stream_events(argo_stream_t *st, u_char *p, size_t n);
static ngx_int_t argo_stream_use_work(argo_stream_t *st);
static void argo_work_reset(argo_work_t *work);
static void argo_work_drop(void *data);
static void argo_stream_write_frame(const argo_sse_event_t *frame,
    const argo_patch_t *patch, argo_out_t *out);
static void argo_stream_end_frame(const argo_sse_event_t *frame,
    argo_out_t *out);
static void argo_stream_begin_count(argo_stream_t *st);
static ngx_int_t argo_stream_text(argo_stream_t *st, argo_event_t *ev);
static ngx_int_t argo_stream_judge(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_stream_judge_slice(argo_stream_t *st,
    const ngx_str_t *s, ngx_uint_t escaped);
static ngx_int_t argo_stream_judge_whole(argo_stream_t *st);
static ngx_int_t argo_stream_hold(argo_stream_t *st, argo_event_t *ev);
static ngx_int_t argo_stream_reserve(argo_stream_t *st, size_t n);
static ngx_int_t argo_stream_release(argo_stream_t *st);
static ngx_int_t argo_stream_deliver(argo_stream_t *st,
    const argo_event_t *ev);
static void argo_stream_count(argo_stream_t *st, const argo_event_t *ev);
static ngx_int_t argo_stream_collect(argo_stream_t *st,
    const argo_event_t *ev);
static ngx_int_t argo_stream_collect_call(argo_stream_t *st,
    const argo_event_t *ev);
static void argo_stream_append(argo_out_t *out, const ngx_str_t *s,
    ngx_uint_t escaped);
static ngx_int_t argo_stream_respond(argo_stream_t *st);
static ngx_int_t argo_stream_result(argo_stream_t *st, ngx_int_t rc);


ngx_int_t
argo_stream_init(argo_stream_t *st, ngx_pool_t *pool,
    const argo_front_t *front, const argo_back_t *back,
    argo_request_t *req, const argo_env_t *env)
{
    ngx_memzero(st, sizeof(argo_stream_t));

    st->pool = pool;
    st->front = front;
    st->back = back;
    st->request = req;
    st->env = *env;
    st->collect = !req->stream;

    argo_out_init(&st->frames, pool, ARGO_STREAM_BLOCK, NULL, 1);

    st->splice = (front->dialect == back->dialect && back->read_event);
    st->past.known = 1;

    if (argo_stream_make_id(st) != NGX_OK
        || argo_stream_start_reply(st) != NGX_OK)
    {
        return NGX_ERROR;
    }

    argo_stream_begin_count(st);

    if (st->collect) {
        argo_stream_init_collect(st);
        return NGX_OK;
    }

    return front->start_stream(st);
}


static void
argo_stream_init_collect(argo_stream_t *st)
{
    argo_out_init(&st->text, st->pool, ARGO_STREAM_BLOCK, NULL, 1);
    argo_out_init(&st->refusal, st->pool, ARGO_STREAM_BLOCK, NULL, 1);
    argo_out_init(&st->reasoning, st->pool, ARGO_STREAM_BLOCK, NULL, 1);

    st->calls = NULL;
    st->last_call = NULL;
}


static ngx_int_t
argo_stream_make_id(argo_stream_t *st)
{
    ngx_uint_t  i;

    static const char  letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz";

    if (st->env.random(st->id, ARGO_ID_LEN) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < ARGO_ID_LEN; i++) {
        st->id[i] = letters[st->id[i] % (sizeof(letters) - 1)];
    }

    return NGX_OK;
}


static ngx_int_t
argo_stream_start_reply(argo_stream_t *st)
{
    st->back_state = NULL;
    st->ending = 0;
    st->sse.pool = st->pool;

    argo_sse_reset(&st->sse);

    ngx_str_null(&st->stop_sequence);

    return st->back->start_reply ? st->back->start_reply(st) : NGX_OK;
}


static void
argo_stream_begin_count(argo_stream_t *st)
{
    argo_request_t          *req;
    const ngx_str_t         *id;
    const argo_tokenizer_t  *tokenizer;

    req = st->request;
    id = req->target ? &req->target->id : &req->model;

    argo_count_begin(&st->count, &st->prompt, st->pool, req);

    /* native APIs tell the usage: a rough count is for replies that are cut */

    tokenizer = st->back->read_event ? NULL : req->tokenizer;

    argo_tokens_init(&st->completion, st->pool, tokenizer, id);
}


ngx_int_t
argo_stream_count_prompt(argo_stream_t *st, size_t n)
{
    return st->usage.known ? NGX_OK : argo_count_step(&st->count, n);
}


ngx_int_t
argo_stream_push(argo_stream_t *st, u_char *p, size_t n, argo_out_t *out)
{
    if (st->failed) {
        return NGX_DECLINED;
    }

    if (st->finished || n == 0) {
        /* upstream has nothing more to say that a client would want */
        return NGX_OK;
    }

    st->out = out;

    return argo_stream_result(st, st->back->read_event
                                  ? argo_stream_events(st, p, n)
                                  : st->back->read_bytes(st, p, n));
}


static ngx_int_t
argo_stream_events(argo_stream_t *st, u_char *p, size_t n)
{
    u_char            *end;
    ngx_int_t          rc;
    argo_sse_event_t   frame;

    if (argo_stream_use_work(st) != NGX_OK) {
        return NGX_ERROR;
    }

    end = p + n;

    for ( ;; ) {
        rc = argo_sse_next(&st->sse, &p, end, &frame);

        if (rc == NGX_AGAIN) {
            return NGX_OK;
        }

        if (rc == NGX_DECLINED) {
            argo_error_set(&st->error, 502, "upstream_invalid_reply", NULL,
                           "an event of ARGO's reply is too long");
            return argo_stream_reject(st);
        }

        if (rc != NGX_OK) {
            return rc;
        }

        rc = st->back->read_event(st, &frame);

        argo_work_reset(st->work);
        st->scratch = st->work->scratch;

        if (rc != NGX_OK || st->finished) {
            return rc;
        }
    }
}


ngx_int_t
argo_stream_parse(argo_stream_t *st, const ngx_str_t *data,
    ngx_uint_t tree_depth, argo_json_t **root)
{
    argo_error_t  ignored;

    return argo_json_parse_alike(&st->work->forms, &st->likes, st->scratch,
                                 data, tree_depth, root, &ignored);
}


static ngx_int_t
argo_stream_use_work(argo_stream_t *st)
{
    if (st->work == NULL) {

        st->work = argo_work_create(st->pool);
        if (st->work == NULL) {
            return NGX_ERROR;
        }
    }

    st->scratch = st->work->scratch;
    st->scratch->log = st->work->pool->log;

    return NGX_OK;
}


argo_work_t *
argo_work_create(ngx_pool_t *pool)
{
    argo_work_t         *work;
    ngx_pool_cleanup_t  *cln;

    work = ngx_pcalloc(pool, sizeof(argo_work_t));
    if (work == NULL) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    work->scratch = ngx_create_pool(ARGO_WORK_SCRATCH, pool->log);
    if (work->scratch == NULL) {
        return NULL;
    }

    work->pool = pool;

    cln->handler = argo_work_drop;
    cln->data = work;

    return work;
}


/* What an unusual event has taken is given back. */

static void
argo_work_reset(argo_work_t *work)
{
    ngx_uint_t   n;
    ngx_pool_t  *pool;

    n = 0;

    for (pool = work->scratch; pool && n <= ARGO_WORK_BLOCKS;
         pool = pool->d.next)
    {
        n++;
    }

    if (n > ARGO_WORK_BLOCKS) {

        pool = ngx_create_pool(ARGO_WORK_SCRATCH, work->scratch->log);

        if (pool) {
            ngx_destroy_pool(work->scratch);
            work->scratch = pool;
            return;
        }
    }

    ngx_reset_pool(work->scratch);
}


static void
argo_work_drop(void *data)
{
    argo_work_t *work = data;

    /* the one that the pool had first may be gone */
    work->scratch->log = work->pool->log;

    ngx_destroy_pool(work->scratch);
}


ngx_int_t
argo_stream_body(argo_stream_t *st, const ngx_str_t *body, argo_out_t *out)
{
    ngx_int_t  rc;

    if (st->failed) {
        return NGX_DECLINED;
    }

    if (st->finished) {
        return NGX_OK;
    }

    st->out = out;

    /* the body stays: what was collected of it can be referred to */

    st->body = *body;
    st->text.copy = 0;

    if (!st->collect) {
        /* asked for a stream, upstream has answered with a document */
        st->splice = 0;
    }

    if (argo_stream_use_work(st) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = st->back->read_response(st, body);

    argo_work_reset(st->work);

    if (rc == NGX_OK && !st->finished) {
        argo_error_set(&st->error, 502, "upstream_incomplete", NULL,
                       "ARGO's reply ended before it was complete");
        rc = argo_stream_reject(st);
    }

    return argo_stream_result(st, rc);
}


ngx_int_t
argo_stream_end(argo_stream_t *st, ngx_uint_t complete, argo_out_t *out)
{
    ngx_int_t  rc;

    if (st->failed) {
        return NGX_DECLINED;
    }

    if (st->finished) {
        return NGX_OK;
    }

    st->out = out;

    if (st->back->read_event && argo_stream_use_work(st) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = (complete || st->ending) ? st->back->read_end(st) : NGX_OK;

    if (rc == NGX_OK && !st->finished) {
        argo_error_set(&st->error, 502, "upstream_incomplete", NULL,
                       "ARGO's reply ended before it was complete");
        rc = argo_stream_reject(st);
    }

    return argo_stream_result(st, rc);
}


ngx_int_t
argo_stream_fail(argo_stream_t *st, const argo_error_t *err, argo_out_t *out)
{
    if (st->failed) {
        return NGX_DECLINED;
    }

    if (st->finished) {
        return NGX_OK;
    }

    if (st->ending) {
        /* it broke behind the end of the reply */
        return argo_stream_end(st, 0, out);
    }

    st->out = out;
    st->error = *err;

    return argo_stream_result(st, argo_stream_reject(st));
}


ngx_int_t
argo_stream_next(argo_stream_t *st, argo_request_t *req)
{
    argo_usage_t  usage;

    if (!st->finished || st->failed) {
        return NGX_ERROR;
    }

    argo_stream_usage(st, &usage);

    st->request = req;
    st->past = usage;
    st->finish = ARGO_FINISH_NONE;
    st->tool_calls = 0;
    st->nheld = 0;
    st->ncarry = 0;
    st->escaped = 0;
    st->begun = 0;
    st->judged = 0;
    st->finished = 0;

    ngx_str_null(&st->body);
    ngx_memzero(&st->usage, sizeof(argo_usage_t));
    ngx_memzero(&st->soft, sizeof(argo_soft_t));

    argo_stream_begin_count(st);

    if (st->collect) {
        argo_stream_init_collect(st);
    }

    return argo_stream_start_reply(st);
}


static ngx_int_t
argo_stream_result(argo_stream_t *st, ngx_int_t rc)
{
    if (st->out->failed) {
        return NGX_ERROR;
    }

    return rc;
}


ngx_int_t
argo_stream_emit(argo_stream_t *st, argo_event_t *ev)
{
    ngx_int_t  rc;

    if (st->failed) {
        return NGX_DECLINED;
    }

    /* events out of order are a dialect's fault, not upstream's */

    if (st->finished) {
        return NGX_ERROR;
    }

    if (ev->type != ARGO_EVENT_ERROR
        && (ev->type == ARGO_EVENT_START) == st->begun)
    {
        return NGX_ERROR;
    }

    switch (ev->type) {

    case ARGO_EVENT_START:
        /* the client gets it with the first thing that it is to see */
        st->begun = 1;
        return NGX_OK;

    case ARGO_EVENT_TEXT:
        return argo_stream_text(st, ev);

    case ARGO_EVENT_USAGE:
        st->usage = ev->usage;
        st->usage.known = 1;
        return NGX_OK;

    case ARGO_EVENT_ERROR:
        st->error = *ev->error;
        return argo_stream_reject(st);

    case ARGO_EVENT_TOOL_START:
        if (ev->index != st->tool_calls && !st->splice) {
            return NGX_ERROR;
        }

        st->tool_calls++;
        break;

    case ARGO_EVENT_TOOL_ARGS:
        if (ev->index + 1 != st->tool_calls && !st->splice) {
            return NGX_ERROR;
        }

        break;

    default:
        break;
    }

    if (ev->type == ARGO_EVENT_FINISH && st->nheld && st->soft.failure) {
        rc = argo_stream_judge_whole(st);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (argo_stream_release(st) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ev->type == ARGO_EVENT_FINISH) {
        st->finish = ev->finish;
        st->finished = 1;

        if (argo_stream_keep(st, &ev->text, &st->stop_sequence) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return argo_stream_deliver(st, ev);
}


/* what an event says is gone with it, unless it is of a whole reply */

ngx_int_t
argo_stream_keep(argo_stream_t *st, const ngx_str_t *text, ngx_str_t *kept)
{
    *kept = *text;

    if (text->len == 0 || st->body.len) {
        return NGX_OK;
    }

    kept->data = ngx_pnalloc(st->pool, text->len);
    if (kept->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(kept->data, text->data, text->len);

    return NGX_OK;
}


ngx_int_t
argo_stream_forward(argo_stream_t *st, const argo_sse_event_t *frame,
    const argo_patch_t *patch)
{
    if (st->failed) {
        return NGX_DECLINED;
    }

    if (!st->judged) {
        argo_stream_write_frame(frame, patch, &st->frames);
        return st->frames.failed ? NGX_ERROR : NGX_OK;
    }

    st->started = 1;

    if (st->frames.size) {
        argo_out_move(st->out, &st->frames);
    }

    argo_stream_write_frame(frame, patch, st->out);

    return st->out->failed ? NGX_ERROR : NGX_OK;
}


static void
argo_stream_write_frame(const argo_sse_event_t *frame,
    const argo_patch_t *patch, argo_out_t *out)
{
    u_char             *p, *end;
    ngx_str_t           data;
    argo_out_t          text;

    if (patch == NULL) {
        argo_out_write(out, frame->raw.data, frame->raw.len);
        argo_stream_end_frame(frame, out);
        return;
    }

    if (frame->inside) {
        p = frame->raw.data;
        end = frame->data.data + frame->data.len;

        argo_out_write(out, p, frame->data.data - p);
        argo_patch_write(patch, out);
        argo_out_write(out, end, p + frame->raw.len - end);
        argo_stream_end_frame(frame, out);

        return;
    }

    /* data of several lines */

    argo_out_init(&text, patch->pool, ARGO_STREAM_BLOCK, NULL, 1);
    argo_patch_write(patch, &text);

    if (argo_out_flatten(&text, patch->pool, &data) != NGX_OK) {
        out->failed = 1;
        return;
    }

    argo_sse_write(out, &frame->name, &data);
}


/* the empty line; behind a bare CR one line feed would only end that line */

static void
argo_stream_end_frame(const argo_sse_event_t *frame, argo_out_t *out)
{
    if (frame->raw.data[frame->raw.len - 1] == CR) {
        argo_out_lit(out, "\n");
    }

    argo_out_lit(out, "\n");
}


ngx_int_t
argo_stream_reject(argo_stream_t *st)
{
    argo_event_t  ev;

    st->failed = 1;

    if (st->started || st->open) {
        st->error.request_id = st->request_id;

        ngx_memzero(&ev, sizeof(argo_event_t));

        ev.type = ARGO_EVENT_ERROR;
        ev.error = &st->error;

        st->front->write_event(st, &ev, st->out);
    }

    return NGX_DECLINED;
}


static ngx_int_t
argo_stream_text(argo_stream_t *st, argo_event_t *ev)
{
    if (ev->lead.len + ev->text.len == 0) {
        return NGX_OK;
    }

    if (st->judged) {
        return argo_stream_deliver(st, ev);
    }

    switch (argo_stream_judge(st, ev)) {

    case NGX_AGAIN:
        return argo_stream_hold(st, ev);

    case NGX_DECLINED:
        return argo_stream_reject(st);

    default: /* NGX_OK */
        break;
    }

    st->judged = 1;

    if (st->nheld == 0) {
        return argo_stream_deliver(st, ev);
    }

    if (st->escaped == ev->escaped
        && st->nheld + ev->lead.len <= ARGO_STREAM_HOLD)
    {
        /* both in one event: lead is behind what was held */

        if (argo_stream_reserve(st, ev->lead.len) != NGX_OK) {
            return NGX_ERROR;
        }

        if (ev->lead.len) {
            ngx_memcpy(st->held + st->nheld, ev->lead.data, ev->lead.len);
        }

        ev->lead.len += st->nheld;
        ev->lead.data = st->held;
        st->nheld = 0;

        return argo_stream_deliver(st, ev);
    }

    if (argo_stream_release(st) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_stream_deliver(st, ev);
}


static ngx_int_t
argo_stream_judge(argo_stream_t *st, const argo_event_t *ev)
{
    ngx_int_t  rc;

    rc = argo_stream_judge_slice(st, &ev->lead, ev->escaped);

    if (rc == NGX_AGAIN) {
        rc = argo_stream_judge_slice(st, &ev->text, ev->escaped);
    }

    return rc;
}


static ngx_int_t
argo_stream_judge_slice(argo_stream_t *st, const ngx_str_t *s,
    ngx_uint_t escaped)
{
    u_char     *p, *end, plain[64];
    size_t      n;
    ngx_int_t   rc;

    if (s->len == 0) {
        return NGX_AGAIN;
    }

    if (!escaped) {
        return argo_soft_check(&st->soft, s->data, s->len, &st->error);
    }

    rc = NGX_AGAIN;
    p = s->data;
    end = p + s->len;

    while (p < end && rc == NGX_AGAIN) {
        n = argo_json_unescape(&p, end, plain, sizeof(plain));
        if (n == 0) {
            return NGX_OK;
        }

        rc = argo_soft_check(&st->soft, plain, n, &st->error);
    }

    return rc;
}


/* The reply ends, and all of its text is what was held. */

static ngx_int_t
argo_stream_judge_whole(argo_stream_t *st)
{
    u_char        *p;
    ngx_str_t      text;
    argo_fault_t   fault;

    text.data = ngx_pnalloc(st->pool, st->nheld);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    if (st->escaped) {
        p = st->held;
        text.len = argo_json_unescape(&p, p + st->nheld, text.data,
                                      st->nheld);

    } else {
        ngx_memcpy(text.data, st->held, st->nheld);
        text.len = st->nheld;
    }

    if (!argo_fault_is_sentence(&text)) {
        return NGX_OK;
    }

    ngx_memzero(&fault, sizeof(argo_fault_t));
    fault.message = text;

    if (argo_fault_read(st->pool, 200, &fault, &st->error) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_stream_reject(st);
}


static ngx_int_t
argo_stream_hold(argo_stream_t *st, argo_event_t *ev)
{
    u_char  *p;

    if ((st->nheld && st->escaped != ev->escaped)
        || st->nheld + ev->lead.len + ev->text.len > ARGO_STREAM_HOLD)
    {
        /*
         * only escaped text can be longer than what has been judged of it,
         * and ARGO does not write its notices in escapes alone
         */

        st->judged = 1;

        if (argo_stream_release(st) != NGX_OK) {
            return NGX_ERROR;
        }

        return argo_stream_deliver(st, ev);
    }

    if (argo_stream_reserve(st, ev->lead.len + ev->text.len) != NGX_OK) {
        return NGX_ERROR;
    }

    st->escaped = ev->escaped;

    p = st->held + st->nheld;

    if (ev->lead.len) {
        p = ngx_cpymem(p, ev->lead.data, ev->lead.len);
    }

    if (ev->text.len) {
        p = ngx_cpymem(p, ev->text.data, ev->text.len);
    }

    st->nheld = p - st->held;

    return NGX_OK;
}


/* Makes room for n bytes more; most text is judged by its first letters. */

static ngx_int_t
argo_stream_reserve(argo_stream_t *st, size_t n)
{
    u_char  *p;
    size_t   size;

    if (st->nheld + n <= st->held_size) {
        return NGX_OK;
    }

    size = ngx_max(2 * st->held_size, ARGO_STREAM_HELD);
    size = ngx_max(size, st->nheld + n);

    p = ngx_pnalloc(st->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (st->nheld) {
        ngx_memcpy(p, st->held, st->nheld);
    }

    st->held = p;
    st->held_size = size;

    return NGX_OK;
}


/* What comes now is no text: what was held is all there is to judge. */

static ngx_int_t
argo_stream_release(argo_stream_t *st)
{
    argo_event_t  ev;

    st->judged = 1;

    if (st->nheld == 0) {
        return NGX_OK;
    }

    ngx_memzero(&ev, sizeof(argo_event_t));

    /* lead is never referred to, which this must not be: it is reused */

    ev.type = ARGO_EVENT_TEXT;
    ev.escaped = st->escaped;
    ev.lead.data = st->held;
    ev.lead.len = st->nheld;

    st->nheld = 0;

    return argo_stream_deliver(st, &ev);
}


static ngx_int_t
argo_stream_deliver(argo_stream_t *st, const argo_event_t *ev)
{
    ngx_int_t     rc;
    argo_event_t  start;

    argo_stream_count(st, ev);

    /* what begins a message, and what ends any reply, tells the usage */

    if (ev->type == ARGO_EVENT_FINISH
        || (!st->started && st->front->dialect == ARGO_DIALECT_MESSAGES))
    {
        (void) argo_stream_count_prompt(st, NGX_MAX_SIZE_T_VALUE);
    }

    if (st->splice) {
        /* what the client gets, the back writes */
        return NGX_OK;
    }

    if (st->front->collect_event) {
        rc = st->front->collect_event(st, ev);

        if (rc == NGX_DECLINED) {
            return argo_stream_reject(st);
        }

        if (rc != NGX_OK) {
            return rc;
        }

        if (st->collect) {
            return (ev->type == ARGO_EVENT_FINISH)
                   ? argo_stream_respond(st) : NGX_OK;
        }

    } else if (st->collect) {
        return argo_stream_collect(st, ev);
    }

    if (!st->started) {
        st->started = 1;

        ngx_memzero(&start, sizeof(argo_event_t));
        start.type = ARGO_EVENT_START;

        st->front->write_event(st, &start, st->out);
    }

    st->front->write_event(st, ev, st->out);

    return st->out->failed ? NGX_ERROR : NGX_OK;
}


static void
argo_stream_count(argo_stream_t *st, const argo_event_t *ev)
{
    if (ev->type != st->counted || ev->type == ARGO_EVENT_TOOL_START) {
        argo_tokens_end(&st->completion);
        st->counted = ev->type;
    }

    if (ev->escaped) {
        argo_tokens_add_escaped(&st->completion, ev->lead.data,
                                ev->lead.len);
        argo_tokens_add_escaped(&st->completion, ev->text.data,
                                ev->text.len);

    } else {
        argo_tokens_add(&st->completion, ev->lead.data, ev->lead.len);
        argo_tokens_add(&st->completion, ev->text.data, ev->text.len);
    }

    argo_tokens_add_escaped(&st->completion, ev->name.data, ev->name.len);
}


static ngx_int_t
argo_stream_collect(argo_stream_t *st, const argo_event_t *ev)
{
    argo_out_t  *out;

    switch (ev->type) {

    case ARGO_EVENT_TEXT:
        out = &st->text;
        break;

    case ARGO_EVENT_REFUSAL:
        out = &st->refusal;
        break;

    case ARGO_EVENT_REASONING:
        out = &st->reasoning;
        break;

    case ARGO_EVENT_SIGNATURE:
        return NGX_OK;

    case ARGO_EVENT_TOOL_START:
    case ARGO_EVENT_TOOL_ARGS:
        return argo_stream_collect_call(st, ev);

    default: /* ARGO_EVENT_FINISH */
        return argo_stream_respond(st);
    }

    if (out->size + ev->lead.len + ev->text.len > ARGO_STREAM_MAX_TEXT) {
        argo_error_set(&st->error, 502, "upstream_invalid_reply", NULL,
                       "ARGO's reply is too long");
        return argo_stream_reject(st);
    }

    if (ev->lead.len) {
        /* what was held is not where it came from: never referred to */

        if (ev->escaped) {
            argo_out_write(out, ev->lead.data, ev->lead.len);

        } else {
            argo_json_write_text(out, ev->lead.data, ev->lead.len);
        }
    }

    argo_stream_append(out, &ev->text, ev->escaped);

    return out->failed ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
argo_stream_collect_call(argo_stream_t *st, const argo_event_t *ev)
{
    argo_tool_call_t  *call;

    if (ev->type == ARGO_EVENT_TOOL_START) {
        call = ngx_pcalloc(st->pool, sizeof(argo_tool_call_t));
        if (call == NULL) {
            return NGX_ERROR;
        }

        if (argo_stream_keep(st, &ev->id, &call->id) != NGX_OK
            || argo_stream_keep(st, &ev->name, &call->name) != NGX_OK
            || argo_stream_keep(st, &ev->signature, &call->signature)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        argo_out_init(&call->args, st->pool, ARGO_STREAM_BLOCK, NULL,
                      st->text.copy);

        if (st->last_call) {
            st->last_call->next = call;

        } else {
            st->calls = call;
        }

        st->last_call = call;

        return NGX_OK;
    }

    /* arguments follow the start of their call */

    call = st->last_call;

    argo_stream_append(&call->args, &ev->text, ev->escaped);

    return call->args.failed ? NGX_ERROR : NGX_OK;
}


static void
argo_stream_append(argo_out_t *out, const ngx_str_t *s, ngx_uint_t escaped)
{
    if (escaped) {
        argo_out_ref(out, s->data, s->len);

    } else {
        argo_json_write_text(out, s->data, s->len);
    }
}


/* The response is written when all the replies it is made of are there. */

static ngx_int_t
argo_stream_respond(argo_stream_t *st)
{
    argo_choice_t  *choice;

    choice = ngx_pcalloc(st->pool, sizeof(argo_choice_t));
    if (choice == NULL) {
        return NGX_ERROR;
    }

    choice->index = st->request->choice;
    choice->text = st->text;
    choice->refusal = st->refusal;
    choice->reasoning = st->reasoning;
    choice->calls = st->calls;
    choice->finish = st->finish;

    if (st->last_choice) {
        st->last_choice->next = choice;

    } else {
        st->choices = choice;
    }

    st->last_choice = choice;

    if (st->request->next) {
        return NGX_OK;
    }

    st->started = 1;

    st->front->write_response(st, st->out);

    return st->out->failed ? NGX_ERROR : NGX_OK;
}


void
argo_stream_copy(argo_out_t *out, const argo_out_t *from)
{
    ngx_chain_t  *cl;

    for (cl = from->first; cl; cl = cl->next) {
        argo_out_ref(out, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }
}


void
argo_stream_usage(const argo_stream_t *st, argo_usage_t *usage)
{
    if (st->usage.known) {
        *usage = st->usage;

    } else {
        ngx_memzero(usage, sizeof(argo_usage_t));

        usage->prompt = argo_tokens_count(&st->prompt);
        usage->completion = argo_tokens_count(&st->completion);
    }

    usage->prompt += st->past.prompt;
    usage->completion += st->past.completion;
    usage->cached += st->past.cached;
    usage->cache_write += st->past.cache_write;
    usage->reasoning += st->past.reasoning;
    usage->known = st->usage.known && st->past.known;
}
