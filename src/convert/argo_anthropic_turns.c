
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * A conversation as Anthropic wants it: system text apart, user and assistant
 * in turn, the results of tools at the beginning of the turn that follows
 * their calls.
 */


#include "argo_anthropic_back.h"
#include "argo_json_write.h"
#include "argo_legacy.h"
#include "argo_part.h"


#define ARGO_TURN_PIECE  1024

/* what is said where nobody says anything, as ARGO itself does */
#define ARGO_TURN_CONTINUE                                                    \
    "{\"role\":\"user\",\"content\":"                                         \
    "[{\"type\":\"text\",\"text\":\"[continue]\"}]}"


typedef struct {
    const argo_request_t   *req;
    argo_out_t             *out;
    argo_json_t            *cache;      /* of the message, for its last part */
    unsigned                written:1;  /* a block of this turn has been */
    unsigned                final:1;    /* the turn is the last */
} argo_turn_writer_t;


static void argo_anthropic_write_turn(argo_turn_writer_t *w,
    const argo_anthropic_turn_t *before, const argo_anthropic_turn_t *turn);
static void argo_anthropic_write_results(argo_turn_writer_t *w,
    const argo_anthropic_turn_t *before, const argo_anthropic_turn_t *turn);
static void argo_anthropic_write_message(argo_turn_writer_t *w,
    const argo_message_t *message, ngx_uint_t last);
static void argo_anthropic_next_block(argo_turn_writer_t *w);
static void argo_anthropic_write_part(argo_turn_writer_t *w,
    const argo_part_t *part, ngx_uint_t last);
static void argo_anthropic_write_text(argo_turn_writer_t *w,
    const argo_part_t *part, ngx_uint_t last);
static void argo_anthropic_write_image(const argo_part_t *part,
    argo_out_t *out);
static void argo_anthropic_write_file(const argo_part_t *part,
    argo_out_t *out);
static void argo_anthropic_write_reasoning(const argo_part_t *part,
    argo_out_t *out);
static void argo_anthropic_write_call(argo_turn_writer_t *w,
    const argo_part_t *part);
static void argo_anthropic_write_input(const argo_part_t *part,
    argo_out_t *out);
static void argo_anthropic_write_result(argo_turn_writer_t *w,
    const argo_part_t *result);
static void argo_anthropic_write_result_parts(argo_turn_writer_t *w,
    const argo_part_t *result);
static void argo_anthropic_write_no_result(argo_turn_writer_t *w,
    const argo_part_t *call);
static void argo_anthropic_write_id(const ngx_str_t *id, argo_out_t *out);
static ngx_uint_t argo_anthropic_fetched(const argo_part_t *part);


ngx_int_t
argo_anthropic_next_turn(const argo_request_t *req, argo_message_t **next,
    argo_anthropic_turn_t *turn)
{
    ngx_uint_t       assistant;
    argo_message_t  *message;

    for (message = *next; message; message = message->next) {
        if (argo_anthropic_speaks(req, message)) {
            break;
        }
    }

    if (message == NULL) {
        *next = NULL;
        return NGX_DONE;
    }

    turn->first = message;
    turn->assistant = (message->role == ARGO_ROLE_ASSISTANT);

    for (message = message->next; message; message = message->next) {

        assistant = (message->role == ARGO_ROLE_ASSISTANT);

        if (assistant != turn->assistant
            && argo_anthropic_speaks(req, message))
        {
            break;
        }
    }

    turn->end = message;
    *next = message;

    return NGX_OK;
}


ngx_uint_t
argo_anthropic_speaks(const argo_request_t *req,
    const argo_message_t *message)
{
    const argo_part_t  *part;

    if (message->role == ARGO_ROLE_SYSTEM) {
        return 0;
    }

    for (part = message->parts; part; part = part->next) {
        if (argo_anthropic_is_shown(req, part)) {
            return 1;
        }
    }

    return argo_anthropic_refusal(req, message) != NULL;
}


ngx_uint_t
argo_anthropic_is_shown(const argo_request_t *req, const argo_part_t *part)
{
    switch (part->type) {

    case ARGO_PART_TEXT:
        return !argo_part_is_blank(&part->text);

    case ARGO_PART_REASONING:

        if (req->dialect == ARGO_DIALECT_MESSAGES) {
            return 1;
        }

        /* nobody but its vendor can read it, and only if it is signed */

        return part->vendor == ARGO_FAMILY_ANTHROPIC && part->signature.len;

    default:
        return 1;
    }
}


argo_json_t *
argo_anthropic_refusal(const argo_request_t *req,
    const argo_message_t *message)
{
    ngx_str_t     text;
    argo_json_t  *refusal;

    if (req->dialect != ARGO_DIALECT_CHAT || message->parts
        || message->role != ARGO_ROLE_ASSISTANT)
    {
        return NULL;
    }

    refusal = argo_json_get(message->node, "refusal");
    text = argo_json_inner(refusal);

    return argo_part_is_blank(&text) ? NULL : refusal;
}


void
argo_anthropic_write_messages(const argo_request_t *req, argo_out_t *out)
{
    ngx_uint_t              first;
    argo_message_t         *next;
    argo_turn_writer_t      w;
    argo_anthropic_turn_t   turn, before;

    ngx_memzero(&w, sizeof(argo_turn_writer_t));
    ngx_memzero(&before, sizeof(argo_anthropic_turn_t));

    w.req = req;
    w.out = out;

    first = 1;
    next = req->messages;

    while (argo_anthropic_next_turn(req, &next, &turn) == NGX_OK) {

        if (!first) {
            argo_out_lit(out, ",");

        } else if (turn.assistant && req->dialect != ARGO_DIALECT_MESSAGES) {
            /* a conversation begins with the user */
            argo_out_lit(out, ARGO_TURN_CONTINUE ",");
        }

        w.final = (next == NULL);

        argo_anthropic_write_turn(&w, &before, &turn);

        before = turn;
        first = 0;
    }

    if (req->dialect == ARGO_DIALECT_MESSAGES) {
        return;
    }

    if (first) {
        argo_out_lit(out, ARGO_TURN_CONTINUE);
        return;
    }

    /* calls that the conversation ends with */

    ngx_memzero(&turn, sizeof(argo_anthropic_turn_t));

    w.written = 0;

    argo_anthropic_write_results(&w, &before, &turn);

    if (w.written) {
        argo_out_lit(out, "]}");
    }
}


static void
argo_anthropic_write_turn(argo_turn_writer_t *w,
    const argo_anthropic_turn_t *before, const argo_anthropic_turn_t *turn)
{
    const argo_message_t  *message;

    if (turn->assistant) {
        argo_out_lit(w->out, "{\"role\":\"assistant\",\"content\":[");

    } else {
        argo_out_lit(w->out, "{\"role\":\"user\",\"content\":[");
    }

    w->written = 0;

    argo_anthropic_write_results(w, before, turn);

    for (message = turn->first;
         message != turn->end;
         message = message->next)
    {
        if (message->role != ARGO_ROLE_SYSTEM
            && message->role != ARGO_ROLE_TOOL)
        {
            argo_anthropic_write_message(w, message, w->final);
        }
    }

    argo_out_lit(w->out, "]}");
}


/*
 * The results that are in a turn; then one for each call before it that did
 * not get any (a client was interrupted), or Claude would refuse it all.
 */

static void
argo_anthropic_write_results(argo_turn_writer_t *w,
    const argo_anthropic_turn_t *before, const argo_anthropic_turn_t *turn)
{
    const argo_part_t     *part;
    const argo_message_t  *message;

    if (turn->assistant) {
        return;
    }

    for (message = turn->first;
         message != turn->end;
         message = message->next)
    {
        if (message->role == ARGO_ROLE_TOOL) {
            argo_anthropic_write_message(w, message, 0);
        }
    }

    if (w->req->dialect == ARGO_DIALECT_MESSAGES || !before->assistant) {
        return;
    }

    for (message = before->first;
         message != before->end;
         message = message->next)
    {
        for (part = message->parts; part; part = part->next) {

            if (part->type != ARGO_PART_TOOL_CALL || part->peer) {
                continue;
            }

            if (turn->first == NULL && !w->written) {
                argo_out_lit(w->out, ",{\"role\":\"user\",\"content\":[");
            }

            argo_anthropic_next_block(w);
            argo_anthropic_write_no_result(w, part);
        }
    }
}


static void
argo_anthropic_next_block(argo_turn_writer_t *w)
{
    if (w->written) {
        argo_out_lit(w->out, ",");
    }

    w->written = 1;
}


/* last: nothing follows, so that Claude goes on where it ends */

static void
argo_anthropic_write_message(argo_turn_writer_t *w,
    const argo_message_t *message, ngx_uint_t last)
{
    argo_json_t           *refusal;
    const argo_part_t     *part, *next, *end;
    const argo_message_t  *more;

    refusal = argo_anthropic_refusal(w->req, message);

    if (refusal) {
        argo_anthropic_next_block(w);
        argo_out_lit(w->out, "{\"type\":\"text\",\"text\":");
        argo_out_ref(w->out, refusal->raw.data, refusal->raw.len);
        argo_out_lit(w->out, "}");

        return;
    }

    for (more = message->next; more && last; more = more->next) {
        last = !argo_anthropic_speaks(w->req, more);
    }

    end = NULL;

    for (part = message->parts; part; part = part->next) {
        if (argo_anthropic_is_shown(w->req, part)) {
            end = part;
        }
    }

    for (part = message->parts; part; part = next) {
        next = part->next;

        if (!argo_anthropic_is_shown(w->req, part)) {
            continue;
        }

        /* some clients mark messages, not parts */

        w->cache = (part == end && w->req->dialect == ARGO_DIALECT_CHAT)
                   ? argo_json_get(message->node, "cache_control") : NULL;

        argo_anthropic_next_block(w);
        argo_anthropic_write_part(w, part, last && part == end
                                  && message->role == ARGO_ROLE_ASSISTANT);
    }
}


static void
argo_anthropic_write_part(argo_turn_writer_t *w, const argo_part_t *part,
    ngx_uint_t last)
{
    argo_out_t  *out;

    out = w->out;

    if (w->req->dialect == ARGO_DIALECT_MESSAGES && part->node
        && !argo_anthropic_fetched(part))
    {
        argo_out_ref(out, part->node->raw.data, part->node->raw.len);
        return;
    }

    switch (part->type) {

    case ARGO_PART_TEXT:
        argo_anthropic_write_text(w, part, last);
        return;

    case ARGO_PART_IMAGE:
        argo_anthropic_write_image(part, out);
        break;

    case ARGO_PART_FILE:
        argo_anthropic_write_file(part, out);
        break;

    case ARGO_PART_REASONING:
        argo_anthropic_write_reasoning(part, out);
        return;

    case ARGO_PART_TOOL_CALL:
        argo_anthropic_write_call(w, part);
        break;

    case ARGO_PART_TOOL_RESULT:
        argo_anthropic_write_result(w, part);
        break;

    default: /* ARGO_PART_OTHER: a refusal of OpenAI's is text */
        argo_out_lit(out, "{\"type\":\"text\",\"text\":");
        argo_out_ref(out, argo_json_get(part->raw, "refusal")->raw.data,
                     argo_json_get(part->raw, "refusal")->raw.len);
    }

    argo_anthropic_write_cache(part->cache ? part->cache : w->cache,
                               part->raw, out);
    argo_out_lit(out, "}");
}


/* An image, or a result with one in it, whose data has come since. */

static ngx_uint_t
argo_anthropic_fetched(const argo_part_t *part)
{
    if (part->data) {
        return 1;
    }

    for (part = part->parts; part; part = part->next) {
        if (part->data) {
            return 1;
        }
    }

    return 0;
}


static void
argo_anthropic_write_text(argo_turn_writer_t *w, const argo_part_t *part,
    ngx_uint_t last)
{
    ngx_str_t    text;
    argo_out_t  *out;

    out = w->out;

    /* Claude refuses blanks at the end of what it shall go on with */

    text = last ? argo_part_trim(&part->text) : part->text;

    argo_out_lit(out, "{\"type\":\"text\",\"text\":\"");
    argo_out_ref(out, text.data, text.len);
    argo_out_lit(out, "\"");
    argo_anthropic_write_cache(part->cache ? part->cache : w->cache,
                               part->raw, out);
    argo_out_lit(out, "}");
}


/* without the end of the block, as all that follow */

static void
argo_anthropic_write_image(const argo_part_t *part, argo_out_t *out)
{
    ngx_str_t  mime;

    argo_out_lit(out, "{\"type\":\"image\",\"source\":{\"type\":");

    if (!argo_part_has_data(part)) {
        argo_out_lit(out, "\"url\",\"url\":\"");
        argo_part_write_url(part, out);
        argo_out_lit(out, "\"}");
        return;
    }

    mime = argo_part_mime(part);

    argo_out_lit(out, "\"base64\",\"media_type\":\"");
    argo_out_str(out, &mime);
    argo_out_lit(out, "\",\"data\":\"");
    argo_part_write_data(part, out);
    argo_out_lit(out, "\"}");
}


static void
argo_anthropic_write_file(const argo_part_t *part, argo_out_t *out)
{
    ngx_str_t  mime;

    argo_out_lit(out, "{\"type\":\"document\",\"source\":{\"type\":");

    if (!argo_part_has_data(part)) {
        argo_out_lit(out, "\"url\",\"url\":\"");
        argo_part_write_url(part, out);

    } else {
        mime = argo_part_mime(part);

        argo_out_lit(out, "\"base64\",\"media_type\":\"");
        argo_out_str(out, &mime);
        argo_out_lit(out, "\",\"data\":\"");
        argo_part_write_data(part, out);
    }

    argo_out_lit(out, "\"}");

    if (part->name.len) {
        argo_out_lit(out, ",\"title\":\"");
        argo_out_str(out, &part->name);
        argo_out_lit(out, "\"");
    }
}


/* Not a byte may be another than it was. */

static void
argo_anthropic_write_reasoning(const argo_part_t *part, argo_out_t *out)
{
    if (part->redacted) {
        argo_out_lit(out, "{\"type\":\"redacted_thinking\",\"data\":\"");
        argo_out_ref(out, part->signature.data, part->signature.len);
        argo_out_lit(out, "\"}");
        return;
    }

    argo_out_lit(out, "{\"type\":\"thinking\",\"thinking\":\"");
    argo_out_ref(out, part->text.data, part->text.len);
    argo_out_lit(out, "\",\"signature\":\"");
    argo_out_ref(out, part->signature.data, part->signature.len);
    argo_out_lit(out, "\"}");
}


static void
argo_anthropic_write_call(argo_turn_writer_t *w, const argo_part_t *part)
{
    argo_out_t  *out;

    out = w->out;

    argo_out_lit(out, "{\"type\":\"tool_use\",\"id\":\"");
    argo_anthropic_write_id(&part->id, out);
    argo_out_lit(out, "\",\"name\":\"");
    argo_out_str(out, &part->name);
    argo_out_lit(out, "\",\"input\":");
    argo_anthropic_write_input(part, out);
}


/* What has been found to be an object is written as one. */

static void
argo_anthropic_write_input(const argo_part_t *part, argo_out_t *out)
{
    u_char  *p, *end, piece[ARGO_TURN_PIECE];
    size_t   n;

    if (part->custom) {
        argo_out_lit(out, "{\"input\":\"");
        argo_out_ref(out, part->text.data, part->text.len);
        argo_out_lit(out, "\"}");
        return;
    }

    if (part->args) {
        argo_out_ref(out, part->args->raw.data, part->args->raw.len);
        return;
    }

    if (argo_part_is_blank(&part->text)) {
        argo_out_lit(out, "{}");
        return;
    }

    p = part->text.data;
    end = p + part->text.len;

    while (p < end) {
        n = argo_json_unescape(&p, end, piece, sizeof(piece));

        if (n == 0) {
            break;
        }

        argo_out_write(out, piece, n);
    }
}


static void
argo_anthropic_write_result(argo_turn_writer_t *w, const argo_part_t *result)
{
    argo_out_t       *out;
    const ngx_str_t  *id;

    out = w->out;
    id = result->peer ? &result->peer->id : &result->id;

    argo_out_lit(out, "{\"type\":\"tool_result\",\"tool_use_id\":\"");

    if (w->req->dialect == ARGO_DIALECT_MESSAGES) {
        argo_out_str(out, id);

    } else {
        argo_anthropic_write_id(id, out);
    }

    argo_out_lit(out, "\",\"content\":");
    argo_anthropic_write_result_parts(w, result);

    if (result->failed) {
        argo_out_lit(out, ",\"is_error\":true");
    }
}


static void
argo_anthropic_write_result_parts(argo_turn_writer_t *w,
    const argo_part_t *result)
{
    ngx_uint_t           written;
    argo_out_t          *out;
    argo_json_t         *cache;
    const argo_part_t   *part;

    out = w->out;

    if (result->string && result->parts) {
        argo_out_lit(out, "\"");
        argo_out_ref(out, result->parts->text.data,
                     result->parts->text.len);
        argo_out_lit(out, "\"");
        return;
    }

    written = 0;
    cache = w->cache;
    w->cache = NULL;

    for (part = result->parts; part; part = part->next) {

        if (!argo_anthropic_is_shown(w->req, part)) {
            continue;
        }

        argo_out_write(out, written ? "," : "[", 1);
        argo_anthropic_write_part(w, part, 0);
        written = 1;
    }

    w->cache = cache;

    if (written) {
        argo_out_lit(out, "]");

    } else {
        argo_out_lit(out, "\"\"");
    }
}


static void
argo_anthropic_write_no_result(argo_turn_writer_t *w,
    const argo_part_t *call)
{
    argo_out_lit(w->out, "{\"type\":\"tool_result\",\"tool_use_id\":\"");
    argo_anthropic_write_id(&call->id, w->out);
    argo_out_lit(w->out, "\",\"content\":\"" ARGO_LEGACY_NO_RESULT "\"}");
}


/*
 * Claude takes ids of letters, digits, "_" and "-"; those of other vendors,
 * in a conversation that has changed its model, may have more in them.  What
 * is not taken is told by its code, so that different ids stay different.
 */

static void
argo_anthropic_write_id(const ngx_str_t *id, argo_out_t *out)
{
    u_char  c, *p, *end, code[3], piece[64];
    size_t  i, n;

    static const char  hex[] = "0123456789abcdef";

    p = id->data;
    end = p + id->len;

    while (p < end) {
        n = argo_json_unescape(&p, end, piece, sizeof(piece));

        if (n == 0) {
            break;
        }

        for (i = 0; i < n; i++) {
            c = piece[i];

            if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
                || (c >= 'a' && c <= 'z') || c == '_' || c == '-')
            {
                argo_out_write(out, &c, 1);
                continue;
            }

            code[0] = '_';
            code[1] = hex[c >> 4];
            code[2] = hex[c & 0xf];

            argo_out_write(out, code, 3);
        }
    }
}


ngx_uint_t
argo_anthropic_has_system(const argo_request_t *req)
{
    const argo_part_t     *part;
    const argo_message_t  *message;

    for (message = req->messages; message; message = message->next) {

        if (message->role != ARGO_ROLE_SYSTEM) {
            continue;
        }

        for (part = message->parts; part; part = part->next) {
            if (argo_anthropic_is_shown(req, part)) {
                return 1;
            }
        }
    }

    return 0;
}


void
argo_anthropic_write_system(const argo_request_t *req, argo_out_t *out)
{
    argo_turn_writer_t     w;
    const argo_message_t  *message;

    ngx_memzero(&w, sizeof(argo_turn_writer_t));

    w.req = req;
    w.out = out;

    for (message = req->messages; message; message = message->next) {
        if (message->role == ARGO_ROLE_SYSTEM) {
            argo_anthropic_write_message(&w, message, 0);
        }
    }
}


void
argo_anthropic_write_cache(const argo_json_t *cache, const argo_json_t *raw,
    argo_out_t *out)
{
    if (cache == NULL) {
        cache = argo_json_get(raw, "cache_control");
    }

    if (cache && cache->type == ARGO_JSON_OBJECT) {
        argo_out_lit(out, ",\"cache_control\":");
        argo_out_ref(out, cache->raw.data, cache->raw.len);
    }
}
