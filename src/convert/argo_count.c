
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The tokens of a prompt.
 */


#include "argo_count.h"


/*
 * What the vendors say of an image of usual size: Anthropic scales larger
 * ones down to about this, OpenAI cuts 1024 x 1024 into four tiles, Google
 * takes one tile of a fixed price.
 */
#define ARGO_COUNT_IMAGE_ANTHROPIC  1600
#define ARGO_COUNT_IMAGE_OPENAI     765
#define ARGO_COUNT_IMAGE_GOOGLE     258

/* a page of a document, which is about that many characters of base64 */
#define ARGO_COUNT_PAGE             2000
#define ARGO_COUNT_PAGE_SIZE        (100 * 1024)


static ngx_uint_t argo_count_next(argo_count_t *c);
static ngx_uint_t argo_count_part(argo_count_t *c, const argo_part_t *part);
static ngx_uint_t argo_count_tool(argo_count_t *c, const argo_tool_t *tool);
static size_t argo_count_cut(const ngx_str_t *text, size_t n);
static uint64_t argo_count_data(const argo_part_t *part, uint64_t image);


void
argo_count_begin(argo_count_t *c, argo_tokens_t *t, ngx_pool_t *pool,
    const argo_request_t *req)
{
    ngx_memzero(c, sizeof(argo_count_t));

    c->tokens = t;
    c->message = req->messages;
    c->part = req->messages ? req->messages->parts : NULL;
    c->tool = req->tools;

    argo_tokens_init(t, pool, req->tokenizer,
                     req->target ? &req->target->id : &req->model);
}


ngx_int_t
argo_count_step(argo_count_t *c, size_t n)
{
    size_t  size;

    for ( ;; ) {

        if (c->text.len == 0 && !argo_count_next(c)) {

            if (!c->done) {
                c->done = 1;
                argo_tokens_add_reply(c->tokens);
            }

            return NGX_OK;
        }

        if (n == 0) {
            return NGX_AGAIN;
        }

        size = c->text.len;

        if (size > n) {
            size = c->plain ? n : argo_count_cut(&c->text, n);
        }

        if (c->plain) {
            argo_tokens_add(c->tokens, c->text.data, size);

        } else {
            argo_tokens_add_escaped(c->tokens, c->text.data, size);
        }

        c->text.data += size;
        c->text.len -= size;

        n -= ngx_min(n, size);

        if (c->text.len == 0) {
            argo_tokens_end(c->tokens);
        }
    }
}


void
argo_count_prompt(argo_tokens_t *t, ngx_pool_t *pool,
    const argo_request_t *req)
{
    argo_count_t  c;

    argo_count_begin(&c, t, pool, req);

    (void) argo_count_step(&c, NGX_MAX_SIZE_T_VALUE);
}


/* Goes on to the next text that is not empty; 0: there is none. */

static ngx_uint_t
argo_count_next(argo_count_t *c)
{
    const argo_part_t  *part;

    while (c->message) {
        part = c->part;

        if (part == NULL && c->result) {
            c->part = c->result->next;
            c->result = NULL;

        } else if (part == NULL) {
            argo_tokens_add_message(c->tokens, c->message->role
                                               == ARGO_ROLE_ASSISTANT);

            c->message = c->message->next;
            c->part = c->message ? c->message->parts : NULL;

        } else if (part->type == ARGO_PART_TOOL_RESULT) {
            /* a result has none in it: not deeper than this */
            c->result = part;
            c->part = part->parts;

        } else if (!argo_count_part(c, part)) {
            c->part = part->next;
            c->field = 0;

        } else if (c->text.len) {
            return 1;
        }
    }

    while (c->tool) {

        if (!argo_count_tool(c, c->tool)) {
            c->tool = c->tool->next;
            c->field = 0;

        } else if (c->text.len) {
            return 1;
        }
    }

    return 0;
}


/*
 * The next of a part's texts; 0: it has no more.  Thoughts of earlier turns
 * are not shown to models again.
 */

static ngx_uint_t
argo_count_part(argo_count_t *c, const argo_part_t *part)
{
    c->plain = 0;

    if (part->type == ARGO_PART_TOOL_CALL && c->field == 0) {
        c->text = part->name;
        c->field++;
        return 1;
    }

    if ((part->type != ARGO_PART_TOOL_CALL && part->type != ARGO_PART_TEXT)
        || c->field > 1)
    {
        return 0;
    }

    c->field = 2;
    c->text = part->text;

    if (part->args) {
        c->text = part->args->raw;
        c->plain = 1;
    }

    return 1;
}


/* models read the definitions of their tools as text */

static ngx_uint_t
argo_count_tool(argo_count_t *c, const argo_tool_t *tool)
{
    c->plain = 0;

    switch (c->field++) {

    case 0:
        c->text = tool->name;
        return 1;

    case 1:
        c->text = argo_json_inner(tool->description);
        return 1;

    case 2:
        ngx_str_null(&c->text);

        if (tool->parameters) {
            c->text = tool->parameters->raw;
            c->plain = 1;
        }

        return 1;

    default:
        return 0;
    }
}


/* About n bytes of escaped text, without a part of an escape or of a pair. */

static size_t
argo_count_cut(const ngx_str_t *text, size_t n)
{
    u_char  *p, *last, *end;

    p = text->data;
    last = p + n;
    end = p + text->len;

    while (p < last) {

        p = memchr(p, '\\', last - p);

        if (p == NULL) {
            return n;
        }

        if (p + 1 < end && p[1] != 'u') {
            p += 2;
            continue;
        }

        /* a high surrogate: the other half is an escape as well */

        if (end - p >= 12 && (p[2] | 0x20) == 'd'
            && ngx_strchr("89abAB", p[3]) && p[6] == '\\')
        {
            p += 6;
        }

        p += 6;
    }

    return (size_t) (ngx_min(p, end) - text->data);
}


uint64_t
argo_count_request(ngx_pool_t *pool, const argo_request_t *req)
{
    argo_tokens_t  t;

    argo_count_prompt(&t, pool, req);

    return argo_count_total(&t, req);
}


uint64_t
argo_count_total(const argo_tokens_t *t, const argo_request_t *req)
{
    uint64_t               n, image;
    const argo_message_t  *message;

    switch (req->target ? req->target->family : ARGO_FAMILY_OTHER) {

    case ARGO_FAMILY_ANTHROPIC:
        image = ARGO_COUNT_IMAGE_ANTHROPIC;
        break;

    case ARGO_FAMILY_GOOGLE:
        image = ARGO_COUNT_IMAGE_GOOGLE;
        break;

    default:
        image = ARGO_COUNT_IMAGE_OPENAI;
    }

    n = argo_tokens_count(t);

    for (message = req->messages; message; message = message->next) {
        n += argo_count_data(message->parts, image);
    }

    return n ? n : 1;
}


static uint64_t
argo_count_data(const argo_part_t *part, uint64_t image)
{
    uint64_t  n;

    n = 0;

    for ( /* void */ ; part; part = part->next) {

        switch (part->type) {

        case ARGO_PART_IMAGE:
            n += image;
            break;

        case ARGO_PART_FILE:
            n += ARGO_COUNT_PAGE * (1 + part->text.len / ARGO_COUNT_PAGE_SIZE);
            break;

        case ARGO_PART_TOOL_RESULT:
            n += argo_count_data(part->parts, image);
            break;

        default:
            break;
        }
    }

    return n;
}


void
argo_count_write_anthropic(uint64_t n, argo_out_t *out)
{
    argo_out_lit(out, "{\"input_tokens\":");
    argo_out_int(out, n);
    argo_out_lit(out, "}");
}


void
argo_count_write_openai(uint64_t n, argo_out_t *out)
{
    argo_out_lit(out, "{\"object\":\"response.input_tokens\","
                      "\"input_tokens\":");
    argo_out_int(out, n);
    argo_out_lit(out, "}");
}


void
argo_count_write_gemini(uint64_t n, argo_out_t *out)
{
    argo_out_lit(out, "{\"totalTokens\":");
    argo_out_int(out, n);
    argo_out_lit(out, ",\"promptTokensDetails\":[{\"modality\":\"TEXT\","
                      "\"tokenCount\":");
    argo_out_int(out, n);
    argo_out_lit(out, "}]}");
}
