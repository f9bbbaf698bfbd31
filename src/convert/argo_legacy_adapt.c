
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Requests of clients who do not speak OpenAI's language, made ready for
 * ARGO's legacy API, which does: data of images as URLs, arguments of calls
 * as text; and what the API has no form for.
 */


#include "argo_legacy.h"
#include "argo_json_write.h"
#include "argo_part.h"


/* of what is written anew: heads of URLs, arguments */
#define ARGO_LEGACY_BLOCK   512

#define ARGO_LEGACY_FAILED  "[failed] "


static ngx_int_t argo_legacy_adapt_parts(ngx_pool_t *pool,
    argo_part_t **parts, argo_error_t *err);
static ngx_int_t argo_legacy_adapt_part(ngx_pool_t *pool, argo_part_t *part,
    argo_error_t *err);
static ngx_int_t argo_legacy_adapt_call(ngx_pool_t *pool, argo_part_t *part);
static ngx_int_t argo_legacy_adapt_image(ngx_pool_t *pool,
    argo_part_t *part);
static ngx_int_t argo_legacy_adapt_result(ngx_pool_t *pool,
    argo_part_t *part, argo_error_t *err);
static ngx_int_t argo_legacy_refuse_part(ngx_pool_t *pool,
    const argo_part_t *part, argo_error_t *err);
static void argo_legacy_write_taken(const char *name,
    const argo_json_t *node, argo_out_t *out);


ngx_int_t
argo_legacy_adapt(ngx_pool_t *pool, const argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t        rc;
    argo_message_t  *message;

    for (message = req->messages; message; message = message->next) {

        rc = argo_legacy_adapt_parts(pool, &message->parts, err);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_legacy_adapt_parts(ngx_pool_t *pool, argo_part_t **parts,
    argo_error_t *err)
{
    ngx_int_t     rc;
    argo_part_t  *part;

    while (*parts) {
        part = *parts;

        if (part->type == ARGO_PART_REASONING) {
            /* only the API of its vendor takes it back */
            *parts = part->next;
            continue;
        }

        rc = argo_legacy_adapt_part(pool, part, err);
        if (rc != NGX_OK) {
            return rc;
        }

        parts = &part->next;
    }

    return NGX_OK;
}


static ngx_int_t
argo_legacy_adapt_part(ngx_pool_t *pool, argo_part_t *part,
    argo_error_t *err)
{
    switch (part->type) {

    case ARGO_PART_TOOL_CALL:
        return argo_legacy_adapt_call(pool, part);

    case ARGO_PART_IMAGE:
        return argo_legacy_adapt_image(pool, part);

    case ARGO_PART_TOOL_RESULT:
        return argo_legacy_adapt_result(pool, part, err);

    case ARGO_PART_FILE:
    case ARGO_PART_OTHER:

        if (part->raw == NULL) {
            return argo_legacy_refuse_part(pool, part, err);
        }

        return NGX_OK;

    default: /* ARGO_PART_TEXT */
        return NGX_OK;
    }
}


static ngx_int_t
argo_legacy_adapt_call(ngx_pool_t *pool, argo_part_t *part)
{
    argo_out_t  out;

    if (part->args == NULL) {
        return NGX_OK;
    }

    argo_out_init(&out, pool, ARGO_LEGACY_BLOCK, NULL, 1);
    argo_json_write_text(&out, part->args->raw.data, part->args->raw.len);

    if (argo_out_flatten(&out, pool, &part->text) != NGX_OK) {
        return NGX_ERROR;
    }

    part->args = NULL;

    return NGX_OK;
}


/* As if it had been fetched: the data, which may be megabytes, stays. */

static ngx_int_t
argo_legacy_adapt_image(ngx_pool_t *pool, argo_part_t *part)
{
    argo_out_t  *out;

    if (part->mime.len == 0 || part->data) {
        return NGX_OK;
    }

    out = ngx_palloc(pool, sizeof(argo_out_t));
    if (out == NULL) {
        return NGX_ERROR;
    }

    argo_out_init(out, pool, ARGO_LEGACY_BLOCK, NULL, 0);
    argo_part_write_url(part, out);

    part->data = out;

    return out->failed ? NGX_ERROR : NGX_OK;
}


/* That a call has failed can be said in words alone. */

static ngx_int_t
argo_legacy_adapt_result(ngx_pool_t *pool, argo_part_t *part,
    argo_error_t *err)
{
    u_char       *p;
    argo_part_t  *text;

    text = part->parts;

    if (part->failed && text && text->type == ARGO_PART_TEXT
        && text->raw == NULL)
    {
        p = ngx_pnalloc(pool, sizeof(ARGO_LEGACY_FAILED) + text->text.len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(p, ARGO_LEGACY_FAILED, sizeof(ARGO_LEGACY_FAILED) - 1);
        ngx_memcpy(p + sizeof(ARGO_LEGACY_FAILED) - 1, text->text.data,
                   text->text.len);

        text->text.data = p;
        text->text.len += sizeof(ARGO_LEGACY_FAILED) - 1;

        part->failed = 0;
    }

    return argo_legacy_adapt_parts(pool, &part->parts, err);
}


static ngx_int_t
argo_legacy_refuse_part(ngx_pool_t *pool, const argo_part_t *part,
    argo_error_t *err)
{
    ngx_int_t  rc;

    if (part->param.len == 0) {
        return argo_error_set(err, 400, "unsupported_value", "messages",
                              "a part of a message has no form in ARGO's "
                              "legacy API");
    }

    rc = argo_error_setf(pool, err, 400, "unsupported_value", NULL, "Vz",
                         &part->param, " has no form in ARGO's legacy API");

    if (rc == NGX_DECLINED) {
        err->param = part->param;
    }

    return rc;
}


void
argo_legacy_write_params(const argo_request_t *req, argo_out_t *out)
{
    argo_legacy_write_taken("temperature", req->temperature, out);
    argo_legacy_write_taken("top_p", req->top_p, out);
    argo_legacy_write_taken("stop", req->stop, out);
    argo_legacy_write_taken("seed", req->seed, out);
    argo_legacy_write_taken("frequency_penalty", req->frequency_penalty, out);
    argo_legacy_write_taken("presence_penalty", req->presence_penalty, out);
}


/* others go up with all that nobody has taken */

static void
argo_legacy_write_taken(const char *name, const argo_json_t *node,
    argo_out_t *out)
{
    if (node && node->taken) {
        argo_legacy_write_member(name, node, out);
    }
}
