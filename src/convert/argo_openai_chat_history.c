
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Messages of chat completions, written from argo_ir.h.  An assistant's
 * message that calls tools is written together with the results that follow
 * it.
 */


#include "argo_openai_chat.h"
#include "argo_json_write.h"
#include "argo_legacy.h"
#include "argo_part.h"
#include "argo_rules.h"
#include "argo_tool.h"


typedef struct {
    const argo_request_t  *req;
    argo_out_t            *out;
    unsigned               written:1;       /* a message has been */
    unsigned               pairs:1;         /* each call with its result */
    unsigned               no_blank:1;      /* text must not be blank */
    unsigned               ends:1;          /* a message will be added */
} argo_chat_history_t;


static ngx_int_t argo_chat_check_parts(ngx_pool_t *pool,
    const argo_part_t *part, argo_error_t *err);

static void argo_chat_begin(const argo_request_t *req,
    argo_chat_history_t *h, argo_out_t *out);
static void argo_chat_write_next(argo_chat_history_t *h);
static void argo_chat_write_message(argo_chat_history_t *h,
    const argo_message_t *message);
static const argo_message_t *argo_chat_write_exchange(
    argo_chat_history_t *h, const argo_message_t *message);
static void argo_chat_write_all_at_once(argo_chat_history_t *h,
    const argo_message_t *message, const argo_message_t *end);
static void argo_chat_write_one_by_one(argo_chat_history_t *h,
    const argo_message_t *message, const argo_message_t *end);
static ngx_uint_t argo_chat_is_answered(argo_chat_history_t *h,
    const argo_message_t *message, const argo_message_t *end);
static const argo_part_t *argo_chat_first_call(const argo_part_t *part);
static const argo_part_t *argo_chat_first_content(argo_chat_history_t *h,
    const argo_part_t *part);
static void argo_chat_write_content(argo_chat_history_t *h,
    const argo_message_t *message);
static ngx_uint_t argo_chat_is_plain(argo_chat_history_t *h,
    const argo_message_t *message, const argo_part_t *part);
static void argo_chat_write_joined(argo_chat_history_t *h,
    const argo_message_t *message, const argo_part_t *part);
static void argo_chat_write_call(const argo_part_t *call, argo_out_t *out);
static void argo_chat_write_arguments(const argo_part_t *call,
    argo_out_t *out);
static void argo_chat_write_result(argo_chat_history_t *h,
    const argo_part_t *call, const argo_message_t *answer);
static void argo_chat_write_output(argo_chat_history_t *h,
    const argo_part_t *result);
static void argo_chat_write_images(argo_chat_history_t *h,
    const argo_message_t *message, const argo_message_t *end);
static ngx_uint_t argo_chat_has_images(const argo_part_t *part);
static void argo_chat_write_rest(const argo_message_t *message,
    argo_out_t *out);


ngx_int_t
argo_chat_check_messages(ngx_pool_t *pool, const argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t        rc;
    argo_message_t  *message;

    for (message = req->messages; message; message = message->next) {

        if (message->role == ARGO_ROLE_TOOL) {
            /* those that answer something have been passed over */
            return argo_tool_unpaired(pool, message->parts, err);
        }

        rc = argo_chat_check_parts(pool, message->parts, err);
        if (rc != NGX_OK) {
            return rc;
        }

        if (argo_chat_first_call(message->parts) == NULL) {
            continue;
        }

        rc = argo_tool_pair(pool, req, message, err);
        if (rc != NGX_OK) {
            return rc;
        }

        while (message->next && message->next->role == ARGO_ROLE_TOOL) {
            message = message->next;

            rc = argo_chat_check_parts(pool, message->parts->parts, err);
            if (rc != NGX_OK) {
                return rc;
            }
        }
    }

    return NGX_OK;
}


/* A file has its data with it; no one fetches it. */

static ngx_int_t
argo_chat_check_parts(ngx_pool_t *pool, const argo_part_t *part,
    argo_error_t *err)
{
    ngx_int_t  rc;

    for ( /* void */ ; part; part = part->next) {

        if ((part->type != ARGO_PART_FILE || argo_part_has_data(part))
            && (part->type != ARGO_PART_OTHER || part->raw))
        {
            continue;
        }

        if (part->param.len == 0) {
            return argo_error_set(err, 400, "unsupported_value", "messages",
                                  "a part of a message has no form in chat "
                                  "completions");
        }

        rc = argo_error_setf(pool, err, 400, "unsupported_value", NULL,
                             "Vz", &part->param, " has no form in chat "
                             "completions, by which this model is called");

        if (rc == NGX_DECLINED) {
            err->param = part->param;
        }

        return rc;
    }

    return NGX_OK;
}


const argo_message_t *
argo_chat_last_result(const argo_message_t *message)
{
    while (message->next && message->next->role == ARGO_ROLE_TOOL) {
        message = message->next;
    }

    return message;
}


ngx_uint_t
argo_chat_count_calls(const argo_message_t *message)
{
    ngx_uint_t          n;
    const argo_part_t  *part;

    n = 0;

    for (part = message->parts; part; part = part->next) {
        n += (part->type == ARGO_PART_TOOL_CALL);
    }

    return n;
}


ngx_uint_t
argo_chat_lacks_user(const argo_request_t *req)
{
    const argo_message_t  *message;

    if (req->profile || req->target->family != ARGO_FAMILY_GOOGLE) {
        /* a rule knows better, and has added one */
        return 0;
    }

    for (message = req->messages; message; message = message->next) {
        if (message->role == ARGO_ROLE_USER) {
            return 0;
        }
    }

    return 1;
}


ngx_uint_t
argo_chat_refuses_blank(const argo_request_t *req)
{
    return req->profile ? !req->profile->blank_text
                        : req->target->family != ARGO_FAMILY_OPENAI;
}


static void
argo_chat_begin(const argo_request_t *req, argo_chat_history_t *h,
    argo_out_t *out)
{
    ngx_memzero(h, sizeof(argo_chat_history_t));

    h->req = req;
    h->out = out;
    h->no_blank = argo_chat_refuses_blank(req) ? 1 : 0;
    h->ends = argo_chat_lacks_user(req) ? 1 : 0;
    h->pairs = req->profile ? req->profile->pair_calls
                            : (req->target->family == ARGO_FAMILY_GOOGLE);
}


void
argo_chat_write_messages(const argo_request_t *req, argo_out_t *out)
{
    argo_chat_history_t    h;
    const argo_message_t  *message;

    argo_chat_begin(req, &h, out);

    for (message = req->messages; message; message = message->next) {

        if (argo_chat_first_call(message->parts)) {
            message = argo_chat_write_exchange(&h, message);

        } else {
            argo_chat_write_message(&h, message);
        }
    }

    if (h.ends) {
        argo_chat_write_next(&h);
        argo_out_lit(out, "{\"role\":\"user\",\"content\":\""
                          ARGO_CHAT_CONTINUE "\"}");
    }
}


void
argo_chat_write_one(const argo_request_t *req, const argo_message_t *message,
    argo_out_t *out)
{
    argo_chat_history_t  h;

    argo_chat_begin(req, &h, out);
    argo_chat_write_message(&h, message);
}


void
argo_chat_write_pairs(const argo_request_t *req,
    const argo_message_t *message, argo_out_t *out)
{
    argo_chat_history_t  h;

    argo_chat_begin(req, &h, out);

    h.pairs = 1;

    (void) argo_chat_write_exchange(&h, message);
}


static void
argo_chat_write_next(argo_chat_history_t *h)
{
    if (h->written) {
        argo_out_lit(h->out, ",");
    }

    h->written = 1;
}


/* Whoever has said nothing at all is left out, but for a user. */

static void
argo_chat_write_message(argo_chat_history_t *h,
    const argo_message_t *message)
{
    argo_out_t  *out;

    out = h->out;

    if (message->role != ARGO_ROLE_USER
        && argo_chat_first_content(h, message->parts) == NULL)
    {
        return;
    }

    argo_chat_write_next(h);

    switch (message->role) {

    case ARGO_ROLE_SYSTEM:
        argo_out_lit(out, "{\"role\":\"system\",\"content\":");
        break;

    case ARGO_ROLE_ASSISTANT:
        argo_out_lit(out, "{\"role\":\"assistant\",\"content\":");
        break;

    default:
        argo_out_lit(out, "{\"role\":\"user\",\"content\":");
    }

    argo_chat_write_content(h, message);
    argo_out_lit(out, "}");
}


/* Returns the last message that was written. */

static const argo_message_t *
argo_chat_write_exchange(argo_chat_history_t *h,
    const argo_message_t *message)
{
    const argo_message_t  *last;

    last = argo_chat_last_result(message);

    if (h->pairs && argo_chat_is_answered(h, message, last->next)) {
        argo_chat_write_one_by_one(h, message, last->next);

    } else {
        argo_chat_write_all_at_once(h, message, last->next);
    }

    argo_chat_write_images(h, message, last->next);

    return last;
}


/*
 * A conversation may end with calls; if it goes on, then those that were left
 * without a result (a client was interrupted) must get one, or all vendors
 * refuse it.
 */

static ngx_uint_t
argo_chat_is_answered(argo_chat_history_t *h, const argo_message_t *message,
    const argo_message_t *end)
{
    return message->next != end || end || h->ends;
}


static void
argo_chat_write_all_at_once(argo_chat_history_t *h,
    const argo_message_t *message, const argo_message_t *end)
{
    argo_out_t            *out;
    const argo_part_t     *call;
    const argo_message_t  *answer;

    out = h->out;

    argo_chat_write_next(h);
    argo_out_lit(out, "{\"role\":\"assistant\",\"content\":");
    argo_chat_write_content(h, message);
    argo_out_lit(out, ",\"tool_calls\":[");

    call = argo_chat_first_call(message->parts);

    while (call) {
        argo_chat_write_call(call, out);

        call = argo_chat_first_call(call->next);

        if (call) {
            argo_out_lit(out, ",");
        }
    }

    argo_out_lit(out, "]}");

    for (answer = message->next; answer != end; answer = answer->next) {
        argo_chat_write_result(h, answer->parts->peer, answer);
    }

    if (!argo_chat_is_answered(h, message, end)) {
        return;
    }

    for (call = argo_chat_first_call(message->parts);
         call;
         call = argo_chat_first_call(call->next))
    {
        if (call->peer == NULL) {
            argo_chat_write_result(h, call, NULL);
        }
    }
}


/*
 * Gemini wants a turn of N calls to be followed by one of N results, and what
 * ARGO makes of parallel calls is not that: they are written as if they had
 * been made one after the other.
 */

static void
argo_chat_write_one_by_one(argo_chat_history_t *h,
    const argo_message_t *message, const argo_message_t *end)
{
    ngx_uint_t             first;
    argo_out_t            *out;
    const argo_part_t     *call;
    const argo_message_t  *answer;

    out = h->out;
    first = 1;

    for (call = argo_chat_first_call(message->parts);
         call;
         call = argo_chat_first_call(call->next))
    {
        argo_chat_write_next(h);
        argo_out_lit(out, "{\"role\":\"assistant\",\"content\":");

        if (first) {
            argo_chat_write_content(h, message);

        } else {
            argo_out_lit(out, "\"\"");
        }

        argo_out_lit(out, ",\"tool_calls\":[");
        argo_chat_write_call(call, out);
        argo_out_lit(out, "]");

        if (first && h->req->dialect == ARGO_DIALECT_CHAT) {
            argo_chat_write_rest(message, out);
        }

        argo_out_lit(out, "}");

        for (answer = message->next; answer != end; answer = answer->next) {
            if (answer->parts == call->peer) {
                break;
            }
        }

        argo_chat_write_result(h, call, answer != end ? answer : NULL);

        first = 0;
    }
}


static const argo_part_t *
argo_chat_first_call(const argo_part_t *part)
{
    while (part && part->type != ARGO_PART_TOOL_CALL) {
        part = part->next;
    }

    return part;
}


/* What is to be written; what another model has thought is not. */

static const argo_part_t *
argo_chat_first_content(argo_chat_history_t *h, const argo_part_t *part)
{
    for ( /* void */ ; part; part = part->next) {

        switch (part->type) {

        case ARGO_PART_TOOL_CALL:
        case ARGO_PART_REASONING:
            break;

        case ARGO_PART_TEXT:

            if (h->no_blank && argo_part_is_blank(&part->text)) {
                break;
            }

            return part;

        default:
            return part;
        }
    }

    return NULL;
}


static void
argo_chat_write_content(argo_chat_history_t *h,
    const argo_message_t *message)
{
    argo_out_t         *out;
    const argo_part_t  *part;

    out = h->out;
    part = argo_chat_first_content(h, message->parts);

    if (part == NULL) {

        if (message->role == ARGO_ROLE_USER && h->no_blank) {
            argo_out_lit(out, "\"" ARGO_CHAT_CONTINUE "\"");

        } else {
            /* null makes ARGO's Gemini path fail */
            argo_out_lit(out, "\"\"");
        }

        return;
    }

    if (argo_chat_is_plain(h, message, part)) {
        argo_chat_write_joined(h, message, part);
        return;
    }

    argo_out_lit(out, "[");

    while (part) {
        argo_chat_write_part(part, out);

        part = argo_chat_first_content(h, part->next);

        if (part) {
            argo_out_lit(out, ",");
        }
    }

    argo_out_lit(out, "]");
}


/*
 * True if the content becomes one string.  Several texts stay apart for
 * OpenAI, whose own form that is; what ARGO makes for others of a list that
 * is no user's is not known.
 */

static ngx_uint_t
argo_chat_is_plain(argo_chat_history_t *h, const argo_message_t *message,
    const argo_part_t *part)
{
    ngx_uint_t  n;

    for (n = 0; part; n++) {

        if (part->type != ARGO_PART_TEXT) {
            return 0;
        }

        part = argo_chat_first_content(h, part->next);
    }

    return n == 1
           || (message->role != ARGO_ROLE_USER
               && h->req->target->family != ARGO_FAMILY_OPENAI);
}


static void
argo_chat_write_joined(argo_chat_history_t *h,
    const argo_message_t *message, const argo_part_t *part)
{
    argo_out_t  *out;

    out = h->out;

    argo_out_lit(out, "\"");

    while (part) {
        argo_out_ref(out, part->text.data, part->text.len);

        part = argo_chat_first_content(h, part->next);

        if (part && message->role == ARGO_ROLE_SYSTEM) {
            argo_out_lit(out, "\\n\\n");
        }
    }

    argo_out_lit(out, "\"");
}


void
argo_chat_write_part(const argo_part_t *part, argo_out_t *out)
{
    if (part->raw && part->data == NULL) {
        argo_out_ref(out, part->raw->raw.data, part->raw->raw.len);
        return;
    }

    switch (part->type) {

    case ARGO_PART_IMAGE:
        argo_out_lit(out, "{\"type\":\"image_url\",\"image_url\":"
                          "{\"url\":\"");
        argo_part_write_url(part, out);
        argo_out_lit(out, "\"");
        argo_legacy_write_member("detail", part->detail, out);
        argo_out_lit(out, "}}");
        break;

    case ARGO_PART_FILE:
        argo_out_lit(out, "{\"type\":\"file\",\"file\":{");

        if (part->name.len) {
            argo_out_lit(out, "\"filename\":\"");
            argo_out_str(out, &part->name);
            argo_out_lit(out, "\",");
        }

        argo_out_lit(out, "\"file_data\":\"");
        argo_part_write_url(part, out);
        argo_out_lit(out, "\"}}");
        break;

    default:
        argo_out_lit(out, "{\"type\":\"text\",\"text\":\"");
        argo_out_ref(out, part->text.data, part->text.len);
        argo_out_lit(out, "\"}");
    }
}


static void
argo_chat_write_call(const argo_part_t *call, argo_out_t *out)
{
    if (call->raw) {
        argo_out_ref(out, call->raw->raw.data, call->raw->raw.len);
        return;
    }

    argo_out_lit(out, "{\"id\":\"");
    argo_out_str(out, &call->id);
    argo_out_lit(out, "\",\"type\":\"function\",\"function\":{\"name\":\"");
    argo_out_str(out, &call->name);
    argo_out_lit(out, "\",\"arguments\":\"");
    argo_chat_write_arguments(call, out);
    argo_out_lit(out, "\"}");

    if (call->signature.len && call->vendor == ARGO_FAMILY_GOOGLE) {
        argo_out_lit(out, ",\"extra_content\":{\"google\":"
                          "{\"thought_signature\":\"");
        argo_out_ref(out, call->signature.data, call->signature.len);
        argo_out_lit(out, "\"}}");
    }

    argo_out_lit(out, "}");
}


/* The inside of a string, which is JSON. */

static void
argo_chat_write_arguments(const argo_part_t *call, argo_out_t *out)
{
    if (call->custom) {
        /* what was free text is the one argument of a function */
        argo_out_lit(out, "{\\\"input\\\":\\\"");
        argo_json_write_text(out, call->text.data, call->text.len);
        argo_out_lit(out, "\\\"}");

    } else if (call->args) {
        argo_json_write_text(out, call->args->raw.data, call->args->raw.len);

    } else if (call->text.len) {
        argo_out_ref(out, call->text.data, call->text.len);

    } else {
        argo_out_lit(out, "{}");
    }
}


static void
argo_chat_write_result(argo_chat_history_t *h, const argo_part_t *call,
    const argo_message_t *answer)
{
    argo_out_t  *out;

    out = h->out;

    argo_chat_write_next(h);

    if (answer && answer->node && h->req->dialect == ARGO_DIALECT_CHAT
        && !argo_chat_has_images(answer->parts->parts))
    {
        argo_out_ref(out, answer->node->raw.data, answer->node->raw.len);
        return;
    }

    argo_out_lit(out, "{\"role\":\"tool\",\"tool_call_id\":\"");
    argo_out_str(out, &call->id);
    argo_out_lit(out, "\"");

    if (h->req->target->family == ARGO_FAMILY_GOOGLE) {
        argo_out_lit(out, ",\"name\":\"");
        argo_out_str(out, &call->name);
        argo_out_lit(out, "\"");
    }

    argo_out_lit(out, ",\"content\":\"");

    if (answer) {
        argo_chat_write_output(h, answer->parts);

    } else {
        argo_out_lit(out, ARGO_CHAT_NO_RESULT);
    }

    argo_out_lit(out, "\"}");
}


/* Text is all that a tool's message may have: images follow it. */

static void
argo_chat_write_output(argo_chat_history_t *h, const argo_part_t *result)
{
    ngx_uint_t          written;
    argo_out_t         *out;
    const argo_part_t  *part;

    out = h->out;
    written = 0;

    if (result->failed) {
        argo_out_lit(out, ARGO_CHAT_FAILED);
    }

    for (part = argo_chat_first_content(h, result->parts);
         part;
         part = argo_chat_first_content(h, part->next))
    {
        if (part->type != ARGO_PART_TEXT) {
            continue;
        }

        if (written) {
            argo_out_lit(out, "\\n");
        }

        argo_out_ref(out, part->text.data, part->text.len);
        written = 1;
    }

    if (written) {
        return;
    }

    if (argo_chat_has_images(result->parts)) {
        argo_out_lit(out, ARGO_CHAT_SEE_IMAGE);

    } else if (h->no_blank) {
        argo_out_lit(out, ARGO_CHAT_NO_OUTPUT);
    }
}


/* The images of all results, as if the user had sent them. */

static void
argo_chat_write_images(argo_chat_history_t *h,
    const argo_message_t *message, const argo_message_t *end)
{
    ngx_uint_t             begun;
    argo_out_t            *out;
    const argo_part_t     *part;
    const argo_message_t  *answer;

    out = h->out;
    begun = 0;

    for (answer = message->next; answer != end; answer = answer->next) {

        if (!argo_chat_has_images(answer->parts->parts)) {
            continue;
        }

        if (begun) {
            argo_out_lit(out, ",");

        } else {
            argo_chat_write_next(h);
            argo_out_lit(out, "{\"role\":\"user\",\"content\":[");
            begun = 1;
        }

        argo_out_lit(out, "{\"type\":\"text\",\"text\":\"[result of ");
        argo_out_str(out, &answer->parts->peer->name);
        argo_out_lit(out, ", ");
        argo_out_str(out, &answer->parts->peer->id);
        argo_out_lit(out, "]\"}");

        for (part = answer->parts->parts; part; part = part->next) {

            if (part->type != ARGO_PART_TEXT) {
                argo_out_lit(out, ",");
                argo_chat_write_part(part, out);
            }
        }
    }

    if (begun) {
        argo_out_lit(out, "]}");
    }
}


static ngx_uint_t
argo_chat_has_images(const argo_part_t *part)
{
    for ( /* void */ ; part; part = part->next) {

        if (part->type != ARGO_PART_TEXT) {
            return 1;
        }
    }

    return 0;
}


/* What else a client of this very dialect has in a message. */

static void
argo_chat_write_rest(const argo_message_t *message, argo_out_t *out)
{
    const argo_json_t  *member;

    if (message->node == NULL) {
        return;
    }

    for (member = message->node->child; member; member = member->next) {

        if (member->taken || member->dropped) {
            continue;
        }

        argo_out_lit(out, ",");
        argo_out_ref(out, member->start, member->raw.data + member->raw.len
                                         - member->start);
    }
}
