
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Embeddings: ARGO's reply, an object with a list of vectors, converted as
 * it comes.
 *
 * The numbers of a vector go out as they came if the client wants numerals
 * and all of them; else they are read into a row, and written from there.
 * Of what else may be in the reply only strings and brackets are told apart.
 */


#include "argo_embeddings.h"
#include "argo_json_write.h"
#include "argo_legacy.h"

#include <math.h>


#define ARGO_EMBEDDINGS_BLOCK  32768

/* a member that is counted: no index, nor tokens, of any reply */
#define ARGO_EMBEDDINGS_MAX_INTEGER  1000000000

/* the tree of a reply that has no vectors */
#define ARGO_EMBEDDINGS_ERROR_DEPTH  4


typedef enum {
    ARGO_EMBEDDINGS_START = 0,
    ARGO_EMBEDDINGS_NAME_OR_END,
    ARGO_EMBEDDINGS_NAME,
    ARGO_EMBEDDINGS_IN_NAME,
    ARGO_EMBEDDINGS_COLON,
    ARGO_EMBEDDINGS_VALUE,
    ARGO_EMBEDDINGS_IN_STRING,
    ARGO_EMBEDDINGS_IN_SCALAR,
    ARGO_EMBEDDINGS_SKIP,           /* within an array or object */
    ARGO_EMBEDDINGS_SKIP_STRING,
    ARGO_EMBEDDINGS_AFTER_VALUE,
    ARGO_EMBEDDINGS_END,
    ARGO_EMBEDDINGS_LIST,           /* of vectors, just begun */
    ARGO_EMBEDDINGS_VECTOR,         /* must begin */
    ARGO_EMBEDDINGS_AFTER_VECTOR,
    ARGO_EMBEDDINGS_NUMBER,         /* must begin */
    ARGO_EMBEDDINGS_IN_NUMBER,      /* which was cut */
    ARGO_EMBEDDINGS_AFTER_NUMBER
} argo_embeddings_state_e;


/* whose members are read; only the native reply has more than the first */

typedef enum {
    ARGO_EMBEDDINGS_REPLY = 0,
    ARGO_EMBEDDINGS_ITEM,           /* of the list "data" */
    ARGO_EMBEDDINGS_USAGE
} argo_embeddings_level_e;


static void argo_embeddings_keep(argo_embeddings_reply_t *reply,
    const u_char *p, size_t n);
static const u_char *argo_embeddings_part(argo_embeddings_reply_t *reply,
    const u_char *p, const u_char *end);
static ngx_int_t argo_embeddings_member(argo_embeddings_reply_t *reply,
    u_char c);
static ngx_int_t argo_embeddings_end_object(argo_embeddings_reply_t *reply);
static ngx_int_t argo_embeddings_scalar(argo_embeddings_reply_t *reply,
    u_char c);
static ngx_int_t argo_embeddings_end_scalar(argo_embeddings_reply_t *reply);
static ngx_int_t argo_embeddings_value(argo_embeddings_reply_t *reply,
    u_char c);
static ngx_int_t argo_embeddings_open(argo_embeddings_reply_t *reply,
    u_char c);
static ngx_int_t argo_embeddings_skip(argo_embeddings_reply_t *reply,
    u_char c);
static ngx_int_t argo_embeddings_list(argo_embeddings_reply_t *reply,
    u_char c);
static ngx_int_t argo_embeddings_begin_vector(argo_embeddings_reply_t *reply);
static ngx_uint_t argo_embeddings_name_is(argo_embeddings_reply_t *reply,
    const char *text);
static const u_char *argo_embeddings_text(argo_embeddings_reply_t *reply,
    const u_char *p, const u_char *end);
static const u_char *argo_embeddings_vector(argo_embeddings_reply_t *reply,
    const u_char *p, const u_char *end);
static const u_char *argo_embeddings_numbers(argo_embeddings_reply_t *reply,
    const u_char *p, const u_char *end);
static ngx_int_t argo_embeddings_number(argo_embeddings_reply_t *reply,
    u_char c);
static ngx_int_t argo_embeddings_cut_number(argo_embeddings_reply_t *reply);
static void argo_embeddings_begin(argo_embeddings_reply_t *reply);
static void argo_embeddings_store(argo_embeddings_reply_t *reply,
    float value);
static ngx_int_t argo_embeddings_finish(argo_embeddings_reply_t *reply);
static void argo_embeddings_normalise(float *row, ngx_uint_t n);
static void argo_embeddings_write_base64(argo_embeddings_reply_t *reply);
static void argo_embeddings_write_floats(argo_embeddings_reply_t *reply);
static ngx_int_t argo_embeddings_explain(argo_embeddings_reply_t *reply);


#define argo_embeddings_is_space(c)                                           \
    ((c) == ' ' || (c) == '\n' || (c) == '\r' || (c) == '\t')

#define argo_embeddings_is_numeric(c)                                         \
    (((c) >= '0' && (c) <= '9') || (c) == '-' || (c) == '.' || (c) == 'e'     \
     || (c) == 'E' || (c) == '+')


ngx_int_t
argo_embeddings_init_reply(argo_embeddings_reply_t *reply, ngx_pool_t *pool,
    const argo_embeddings_request_t *req, ngx_uint_t first, ngx_uint_t n)
{
    float  *row;

    row = reply->row;

    ngx_memzero(reply, sizeof(argo_embeddings_reply_t));

    reply->pool = pool;
    reply->row = row;
    reply->first = first;
    reply->expected = n;
    reply->dimensions = req->dimensions;
    reply->base64 = req->base64;
    reply->native = req->native;

    argo_out_init(&reply->out, pool, ARGO_EMBEDDINGS_BLOCK, NULL, 1);

    if (req->dimensions) {
        reply->room = req->dimensions;

    } else if (req->base64) {
        reply->room = ARGO_EMBEDDINGS_ROW;
    }

    if (reply->room && reply->row == NULL) {

        reply->row = ngx_palloc(pool, reply->room * sizeof(float));
        if (reply->row == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
argo_embeddings_push(argo_embeddings_reply_t *reply, u_char *data, size_t n)
{
    const u_char  *p, *end;

    if (reply->head_len < ARGO_EMBEDDINGS_HEAD) {
        argo_embeddings_keep(reply, data, n);
    }

    if (n > ARGO_EMBEDDINGS_MAX_REPLY - reply->seen) {
        reply->failed = 1;
        return NGX_OK;
    }

    reply->seen += n;

    p = data;
    end = p + n;

    while (p < end && !reply->failed) {
        p = argo_embeddings_part(reply, p, end);
    }

    return reply->out.failed ? NGX_ERROR : NGX_OK;
}


static void
argo_embeddings_keep(argo_embeddings_reply_t *reply, const u_char *p,
    size_t n)
{
    n = ngx_min(n, ARGO_EMBEDDINGS_HEAD - reply->head_len);

    ngx_memcpy(reply->head + reply->head_len, p, n);
    reply->head_len += n;
}


static const u_char *
argo_embeddings_part(argo_embeddings_reply_t *reply, const u_char *p,
    const u_char *end)
{
    ngx_int_t  rc;

    switch (reply->state) {

    case ARGO_EMBEDDINGS_IN_NAME:
    case ARGO_EMBEDDINGS_IN_STRING:
    case ARGO_EMBEDDINGS_SKIP_STRING:
        return argo_embeddings_text(reply, p, end);

    case ARGO_EMBEDDINGS_NUMBER:
    case ARGO_EMBEDDINGS_IN_NUMBER:
    case ARGO_EMBEDDINGS_AFTER_NUMBER:
        return argo_embeddings_vector(reply, p, end);
    }

    if (argo_embeddings_is_space(*p)) {

        if (reply->state == ARGO_EMBEDDINGS_IN_SCALAR
            && argo_embeddings_end_scalar(reply) != NGX_OK)
        {
            reply->failed = 1;
        }

        return p + 1;
    }

    switch (reply->state) {

    case ARGO_EMBEDDINGS_VALUE:
        rc = argo_embeddings_value(reply, *p);
        break;

    case ARGO_EMBEDDINGS_SKIP:
        rc = argo_embeddings_skip(reply, *p);
        break;

    case ARGO_EMBEDDINGS_LIST:
    case ARGO_EMBEDDINGS_VECTOR:
    case ARGO_EMBEDDINGS_AFTER_VECTOR:
        rc = argo_embeddings_list(reply, *p);
        break;

    default:
        rc = argo_embeddings_member(reply, *p);
    }

    if (rc != NGX_OK) {
        reply->failed = 1;
    }

    return p + 1;
}


/* A character of an object itself, up to a member's colon and behind it. */

static ngx_int_t
argo_embeddings_member(argo_embeddings_reply_t *reply, u_char c)
{
    if (reply->state == ARGO_EMBEDDINGS_IN_SCALAR) {

        if (c != ',' && c != '}') {
            return argo_embeddings_scalar(reply, c);
        }

        if (argo_embeddings_end_scalar(reply) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    if (c == '{' && reply->state == ARGO_EMBEDDINGS_START) {
        reply->state = ARGO_EMBEDDINGS_NAME_OR_END;
        return NGX_OK;
    }

    if (c == '"' && (reply->state == ARGO_EMBEDDINGS_NAME_OR_END
                     || reply->state == ARGO_EMBEDDINGS_NAME))
    {
        reply->name_len = 0;
        reply->state = ARGO_EMBEDDINGS_IN_NAME;
        return NGX_OK;
    }

    if (c == ':' && reply->state == ARGO_EMBEDDINGS_COLON) {
        reply->state = ARGO_EMBEDDINGS_VALUE;
        return NGX_OK;
    }

    if (c == ',' && reply->state == ARGO_EMBEDDINGS_AFTER_VALUE) {
        reply->state = ARGO_EMBEDDINGS_NAME;
        return NGX_OK;
    }

    if (c == '}' && (reply->state == ARGO_EMBEDDINGS_AFTER_VALUE
                     || reply->state == ARGO_EMBEDDINGS_NAME_OR_END))
    {
        return argo_embeddings_end_object(reply);
    }

    return NGX_DECLINED;
}


static ngx_int_t
argo_embeddings_end_object(argo_embeddings_reply_t *reply)
{
    switch (reply->level) {

    case ARGO_EMBEDDINGS_ITEM:
        reply->level = ARGO_EMBEDDINGS_REPLY;
        reply->state = ARGO_EMBEDDINGS_AFTER_VECTOR;

        return reply->item ? NGX_OK : NGX_DECLINED;

    case ARGO_EMBEDDINGS_USAGE:
        reply->level = ARGO_EMBEDDINGS_REPLY;
        reply->state = ARGO_EMBEDDINGS_AFTER_VALUE;
        break;

    default:
        reply->state = ARGO_EMBEDDINGS_END;
        break;
    }

    return NGX_OK;
}


/* Of true, null, and numbers any further character is taken. */

static ngx_int_t
argo_embeddings_scalar(argo_embeddings_reply_t *reply, u_char c)
{
    if (reply->index || reply->usage) {

        if (c < '0' || c > '9'
            || reply->integer > ARGO_EMBEDDINGS_MAX_INTEGER)
        {
            return NGX_DECLINED;
        }

        reply->integer = reply->integer * 10 + (c - '0');

        return NGX_OK;
    }

    return (argo_embeddings_is_numeric(c) || (c >= 'a' && c <= 'z'))
           ? NGX_OK : NGX_DECLINED;
}


/* Vectors that come in another order than the inputs would be mixed up. */

static ngx_int_t
argo_embeddings_end_scalar(argo_embeddings_reply_t *reply)
{
    reply->state = ARGO_EMBEDDINGS_AFTER_VALUE;

    if (reply->index
        && reply->integer != reply->vectors - (reply->item ? 1 : 0))
    {
        return NGX_DECLINED;
    }

    if (reply->usage) {
        reply->tokens = reply->integer;
        reply->known = 1;
    }

    reply->index = 0;
    reply->usage = 0;

    return NGX_OK;
}


/* The first character of a member's value. */

static ngx_int_t
argo_embeddings_value(argo_embeddings_reply_t *reply, u_char c)
{
    if (c == '"') {
        reply->state = ARGO_EMBEDDINGS_IN_STRING;
        return NGX_OK;
    }

    if (c == '[' || c == '{') {
        return argo_embeddings_open(reply, c);
    }

    reply->integer = 0;

    reply->index = (reply->level == ARGO_EMBEDDINGS_ITEM
                    && argo_embeddings_name_is(reply, "index"));

    reply->usage = (reply->level == ARGO_EMBEDDINGS_USAGE
                    && argo_embeddings_name_is(reply, "prompt_tokens"));

    reply->state = ARGO_EMBEDDINGS_IN_SCALAR;

    return argo_embeddings_scalar(reply, c);
}


/* The vectors, what they are in, or something to be passed over. */

static ngx_int_t
argo_embeddings_open(argo_embeddings_reply_t *reply, u_char c)
{
    if (c == '[' && reply->level == ARGO_EMBEDDINGS_REPLY
        && argo_embeddings_name_is(reply, reply->native ? "data"
                                                        : "embedding"))
    {
        if (reply->found) {
            /* which one would be meant? */
            return NGX_DECLINED;
        }

        reply->found = 1;
        reply->state = ARGO_EMBEDDINGS_LIST;

        return NGX_OK;
    }

    if (c == '[' && reply->level == ARGO_EMBEDDINGS_ITEM
        && argo_embeddings_name_is(reply, "embedding"))
    {
        if (reply->item) {
            return NGX_DECLINED;
        }

        reply->item = 1;

        return argo_embeddings_begin_vector(reply);
    }

    if (c == '{' && reply->native && reply->level == ARGO_EMBEDDINGS_REPLY
        && argo_embeddings_name_is(reply, "usage"))
    {
        reply->level = ARGO_EMBEDDINGS_USAGE;
        reply->state = ARGO_EMBEDDINGS_NAME_OR_END;

        return NGX_OK;
    }

    reply->depth = 1;
    reply->state = ARGO_EMBEDDINGS_SKIP;

    return NGX_OK;
}


static ngx_int_t
argo_embeddings_skip(argo_embeddings_reply_t *reply, u_char c)
{
    if (c == '"') {
        reply->state = ARGO_EMBEDDINGS_SKIP_STRING;

    } else if (c == '[' || c == '{') {
        reply->depth++;

    } else if ((c == ']' || c == '}') && --reply->depth == 0) {
        reply->state = ARGO_EMBEDDINGS_AFTER_VALUE;
    }

    return NGX_OK;
}


/* A character of the list, around its vectors. */

static ngx_int_t
argo_embeddings_list(argo_embeddings_reply_t *reply, u_char c)
{
    if (c == ']' && reply->state != ARGO_EMBEDDINGS_VECTOR) {
        reply->state = ARGO_EMBEDDINGS_AFTER_VALUE;
        return NGX_OK;
    }

    if (c == ',' && reply->state == ARGO_EMBEDDINGS_AFTER_VECTOR) {
        reply->state = ARGO_EMBEDDINGS_VECTOR;
        return NGX_OK;
    }

    if (reply->state == ARGO_EMBEDDINGS_AFTER_VECTOR) {
        return NGX_DECLINED;
    }

    if (c == '{' && reply->native) {
        reply->item = 0;
        reply->level = ARGO_EMBEDDINGS_ITEM;
        reply->state = ARGO_EMBEDDINGS_NAME_OR_END;

        return NGX_OK;
    }

    return (c == '[' && !reply->native)
           ? argo_embeddings_begin_vector(reply) : NGX_DECLINED;
}


static ngx_int_t
argo_embeddings_begin_vector(argo_embeddings_reply_t *reply)
{
    if (reply->vectors == reply->expected) {
        return NGX_DECLINED;
    }

    argo_embeddings_begin(reply);
    reply->state = ARGO_EMBEDDINGS_NUMBER;

    return NGX_OK;
}


static ngx_uint_t
argo_embeddings_name_is(argo_embeddings_reply_t *reply, const char *text)
{
    size_t   n;
    u_char  *p, name[ARGO_EMBEDDINGS_MAX_NAME];

    if (reply->name_len > ARGO_EMBEDDINGS_MAX_NAME) {
        return 0;
    }

    p = reply->name;
    n = argo_json_unescape(&p, p + reply->name_len, name, sizeof(name));

    return p == reply->name + reply->name_len
           && n == ngx_strlen(text) && ngx_memcmp(name, text, n) == 0;
}


/* The inside of a string, up to its closing quote. */

static const u_char *
argo_embeddings_text(argo_embeddings_reply_t *reply, const u_char *p,
    const u_char *end)
{
    u_char  c;

    while (p < end) {
        c = *p++;

        if (reply->escape) {
            reply->escape = 0;

        } else if (c == '\\') {
            reply->escape = 1;

        } else if (c == '"') {

            reply->state =
                (reply->state == ARGO_EMBEDDINGS_IN_NAME)
                ? ARGO_EMBEDDINGS_COLON
                : (reply->state == ARGO_EMBEDDINGS_IN_STRING)
                ? ARGO_EMBEDDINGS_AFTER_VALUE : ARGO_EMBEDDINGS_SKIP;

            return p;
        }

        if (reply->state == ARGO_EMBEDDINGS_IN_NAME) {

            /* a longer name is not the one that is looked for */

            if (reply->name_len < ARGO_EMBEDDINGS_MAX_NAME) {
                reply->name[reply->name_len] = c;
            }

            reply->name_len++;
        }
    }

    return p;
}


/*
 * The inside of a vector, up to its closing bracket.  What goes out as it
 * came is copied in runs.
 */

static const u_char *
argo_embeddings_vector(argo_embeddings_reply_t *reply, const u_char *p,
    const u_char *end)
{
    const u_char  *start;

    start = p;

    while (p < end && !reply->failed
           && reply->state != ARGO_EMBEDDINGS_AFTER_VECTOR)
    {
        if (reply->state == ARGO_EMBEDDINGS_NUMBER
            && end - p > ARGO_FLOAT_MAX_NUMERAL
            && !argo_embeddings_is_space(*p))
        {
            p = argo_embeddings_numbers(reply, p, end);
            continue;
        }

        if (argo_embeddings_number(reply, *p) != NGX_OK) {
            reply->failed = 1;
        }

        p++;
    }

    if (reply->room == 0) {
        argo_out_write(&reply->out, start, p - start);
    }

    if (reply->state != ARGO_EMBEDDINGS_AFTER_VECTOR) {
        return p;
    }

    if (argo_embeddings_finish(reply) != NGX_OK) {
        reply->failed = 1;
    }

    if (reply->native) {
        /* there are other members of its item */
        reply->state = ARGO_EMBEDDINGS_AFTER_VALUE;
    }

    return p;
}


/*
 * The fast way: numbers that are here whole for sure, with a comma and at
 * most one space between.
 */

static const u_char *
argo_embeddings_numbers(argo_embeddings_reply_t *reply, const u_char *p,
    const u_char *end)
{
    float          value;
    const u_char  *last, *next;

    last = end - ARGO_FLOAT_MAX_NUMERAL;
    value = 0;

    do {
        next = reply->room ? argo_float_read(p, end, &value)
                           : argo_float_skip(p, end);

        if (next == NULL) {
            reply->failed = 1;
            return p;
        }

        p = next;

        if (reply->room) {
            argo_embeddings_store(reply, value);
        }

        reply->numbers++;

        if (p == end || *p != ',') {
            reply->state = ARGO_EMBEDDINGS_AFTER_NUMBER;
            return p;
        }

        p++;

        if (p < end && *p == ' ') {
            p++;
        }

    } while (p < last);

    return p;
}


/* One character of a vector, where another number may have been cut. */

static ngx_int_t
argo_embeddings_number(argo_embeddings_reply_t *reply, u_char c)
{
    if (argo_embeddings_is_numeric(c)) {

        if (reply->state == ARGO_EMBEDDINGS_AFTER_NUMBER
            || reply->numeral_len == ARGO_FLOAT_MAX_NUMERAL)
        {
            return NGX_DECLINED;
        }

        reply->numeral[reply->numeral_len++] = c;
        reply->state = ARGO_EMBEDDINGS_IN_NUMBER;

        return NGX_OK;
    }

    if (reply->state == ARGO_EMBEDDINGS_IN_NUMBER
        && argo_embeddings_cut_number(reply) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (argo_embeddings_is_space(c)) {
        return NGX_OK;
    }

    /* neither an empty vector, nor Python's NaN and Infinity */

    if (reply->state != ARGO_EMBEDDINGS_AFTER_NUMBER) {
        return NGX_DECLINED;
    }

    if (c == ',') {
        reply->state = ARGO_EMBEDDINGS_NUMBER;
        return NGX_OK;
    }

    reply->state = ARGO_EMBEDDINGS_AFTER_VECTOR;

    return (c == ']') ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
argo_embeddings_cut_number(argo_embeddings_reply_t *reply)
{
    float          value;
    const u_char  *end;

    end = reply->numeral + reply->numeral_len;

    if (argo_float_read(reply->numeral, end, &value) != end) {
        return NGX_DECLINED;
    }

    if (reply->room) {
        argo_embeddings_store(reply, value);
    }

    reply->numbers++;
    reply->numeral_len = 0;
    reply->state = ARGO_EMBEDDINGS_AFTER_NUMBER;

    return NGX_OK;
}


static void
argo_embeddings_begin(argo_embeddings_reply_t *reply)
{
    argo_out_t  *out;

    out = &reply->out;

    if (reply->first || reply->vectors) {
        argo_out_lit(out, ",");
    }

    argo_out_lit(out, "{\"object\":\"embedding\",\"index\":");
    argo_out_int(out, reply->first + reply->vectors);
    argo_out_lit(out, ",\"embedding\":");

    if (reply->base64) {
        argo_out_lit(out, "\"");

    } else {
        argo_out_lit(out, "[");
    }

    reply->numbers = 0;
    reply->filled = 0;
}


/* Of a shortened vector the first numbers are kept; else all are written. */

static void
argo_embeddings_store(argo_embeddings_reply_t *reply, float value)
{
    if (reply->filled == reply->room) {

        if (reply->dimensions) {
            return;
        }

        argo_embeddings_write_base64(reply);
        reply->filled = 0;
    }

    reply->row[reply->filled++] = value;
}


static ngx_int_t
argo_embeddings_finish(argo_embeddings_reply_t *reply)
{
    argo_out_t  *out;

    out = &reply->out;

    if (reply->vectors == 0) {
        reply->length = reply->numbers;

    } else if (reply->length != reply->numbers) {
        return NGX_DECLINED;
    }

    reply->vectors++;

    if (reply->room == 0) {
        argo_out_lit(out, "}");
        return NGX_OK;
    }

    if (reply->dimensions) {

        if (reply->dimensions > reply->numbers) {
            return NGX_DECLINED;
        }

        if (reply->dimensions < reply->numbers) {
            argo_embeddings_normalise(reply->row, reply->filled);
        }
    }

    if (reply->base64) {
        argo_embeddings_write_base64(reply);
        argo_out_lit(out, "\"}");

    } else {
        argo_embeddings_write_floats(reply);
        argo_out_lit(out, "]}");
    }

    return NGX_OK;
}


/* OpenAI's rule for shortened vectors: their length is 1 again. */

static void
argo_embeddings_normalise(float *row, ngx_uint_t n)
{
    double      sum;
    ngx_uint_t  i;

    sum = 0;

    for (i = 0; i < n; i++) {
        sum += (double) row[i] * row[i];
    }

    if (sum == 0) {
        return;
    }

    sum = sqrt(sum);

    for (i = 0; i < n; i++) {
        row[i] = (float) (row[i] / sum);
    }
}


/* Little-endian floats in standard base64, as numpy and the SDKs read them. */

static void
argo_embeddings_write_base64(argo_embeddings_reply_t *reply)
{
    argo_float_write_base64(reply->row, reply->filled, &reply->out);
}


static void
argo_embeddings_write_floats(argo_embeddings_reply_t *reply)
{
    u_char      *p, buf[ARGO_FLOAT_LEN + 1];
    ngx_uint_t   i;

    for (i = 0; i < reply->filled; i++) {
        p = buf;

        if (i) {
            *p++ = ',';
        }

        p = argo_float_write(p, reply->row[i]);

        argo_out_write(&reply->out, buf, p - buf);
    }
}


ngx_int_t
argo_embeddings_end(argo_embeddings_reply_t *reply)
{
    if (reply->failed || reply->state != ARGO_EMBEDDINGS_END
        || !reply->found)
    {
        return argo_embeddings_explain(reply);
    }

    if (reply->vectors != reply->expected) {
        return argo_error_set(&reply->error, 502, "upstream_invalid_reply",
                              NULL, "ARGO's reply has not one vector for "
                              "each input");
    }

    return NGX_OK;
}


/* The reply has another form: it may say why. */

static ngx_int_t
argo_embeddings_explain(argo_embeddings_reply_t *reply)
{
    ngx_int_t      rc;
    ngx_str_t      body;
    argo_json_t   *root;
    argo_error_t  *err, ignored;

    err = &reply->error;
    root = NULL;
    rc = NGX_DECLINED;

    body.data = reply->head;
    body.len = reply->head_len;

    if (!reply->found && reply->seen <= ARGO_EMBEDDINGS_HEAD) {
        rc = argo_json_parse(reply->pool, &body, ARGO_EMBEDDINGS_ERROR_DEPTH,
                             &root, &ignored);
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        return argo_error_set(err, 502, "upstream_invalid_reply", NULL,
                              "ARGO's reply is no list of vectors");
    }

    rc = argo_legacy_explain(reply->pool, root, &body, err);

    return (rc == NGX_OK) ? NGX_DECLINED : rc;
}
