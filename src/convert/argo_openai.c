
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What the fronts of OpenAI's API have in common.  Knows JSON and argo_ir.h,
 * nothing of HTTP and nothing of what upstream speaks.
 */


#include "argo_openai.h"
#include "argo_json_write.h"


enum {
    ARGO_OPENAI_TEMPERATURE = 0,
    ARGO_OPENAI_TOP_P,
    ARGO_OPENAI_TOP_K,
    ARGO_OPENAI_STOP,
    ARGO_OPENAI_SEED,
    ARGO_OPENAI_FREQUENCY_PENALTY,
    ARGO_OPENAI_PRESENCE_PENALTY,
    ARGO_OPENAI_REASONING_EFFORT,
    ARGO_OPENAI_VERBOSITY,
    ARGO_OPENAI_THINKING,
    ARGO_OPENAI_NPARAMS
};


static ngx_int_t argo_openai_find_members(ngx_pool_t *pool,
    argo_json_t *obj, const argo_openai_member_t *members, ngx_uint_t n,
    ngx_uint_t take, argo_json_t **found, argo_error_t *err);
static void argo_openai_read_thinking(argo_request_t *req,
    argo_json_t *node);
static ngx_uint_t argo_openai_is_data_url(argo_json_t *url);


/* in the order of the enum above */

static const argo_openai_member_t  argo_openai_params[ARGO_OPENAI_NPARAMS] = {
    { "temperature", ARGO_OPENAI_NUMBER, "a number" },
    { "top_p", ARGO_OPENAI_NUMBER, "a number" },

    /* not OpenAI's, but clients that know of Claude send it */
    { "top_k", ARGO_OPENAI_NUMBER, "a number" },

    { "stop", ARGO_OPENAI_STRING | ARGO_OPENAI_IS(ARRAY),
      "a string or an array" },
    { "seed", ARGO_OPENAI_NUMBER, "a number" },
    { "frequency_penalty", ARGO_OPENAI_NUMBER, "a number" },
    { "presence_penalty", ARGO_OPENAI_NUMBER, "a number" },
    { "reasoning_effort", ARGO_OPENAI_STRING, "a string" },
    { "verbosity", ARGO_OPENAI_STRING, "a string" },

    /* the same */
    { "thinking", ARGO_OPENAI_ANY, "" }
};


ngx_int_t
argo_openai_read_members(ngx_pool_t *pool, argo_json_t *obj,
    const argo_openai_member_t *members, ngx_uint_t n, argo_json_t **found,
    argo_error_t *err)
{
    return argo_openai_find_members(pool, obj, members, n, 1, found, err);
}


static ngx_int_t
argo_openai_find_members(ngx_pool_t *pool, argo_json_t *obj,
    const argo_openai_member_t *members, ngx_uint_t n, ngx_uint_t take,
    argo_json_t **found, argo_error_t *err)
{
    ngx_uint_t                   i;
    argo_json_t                 *node;
    const argo_openai_member_t  *member;

    for (i = 0; i < n; i++) {
        found[i] = NULL;
    }

    for (node = obj->child; node; node = node->next) {

        for (i = 0; i < n; i++) {
            member = &members[i];

            if (ngx_strlen(member->name) == node->name.len
                && ngx_memcmp(member->name, node->name.data, node->name.len)
                   == 0)
            {
                node->taken |= take;
                found[i] = node;
                break;
            }
        }
    }

    for (i = 0; i < n; i++) {
        member = &members[i];

        if (found[i] == NULL) {
            continue;
        }

        if (!(member->types & (1u << found[i]->type))) {
            return argo_error_setf(pool, err, 400, "invalid_type",
                                   member->name, "zzzzz", member->name,
                                   " must be ", member->expected, ", not ",
                                   argo_json_type_name(found[i]));
        }

        if (found[i]->type == ARGO_JSON_NULL) {
            found[i] = NULL;
        }
    }

    return NGX_OK;
}


ngx_int_t
argo_openai_read_params(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err)
{
    ngx_int_t     rc;
    argo_json_t  *found[ARGO_OPENAI_NPARAMS];

    rc = argo_openai_find_members(pool, req->root, argo_openai_params,
                                  ARGO_OPENAI_NPARAMS, 0, found, err);
    if (rc != NGX_OK) {
        return rc;
    }

    req->temperature = found[ARGO_OPENAI_TEMPERATURE];
    req->top_p = found[ARGO_OPENAI_TOP_P];
    req->top_k = found[ARGO_OPENAI_TOP_K];
    req->stop = found[ARGO_OPENAI_STOP];
    req->seed = found[ARGO_OPENAI_SEED];
    req->frequency_penalty = found[ARGO_OPENAI_FREQUENCY_PENALTY];
    req->presence_penalty = found[ARGO_OPENAI_PRESENCE_PENALTY];
    req->effort = found[ARGO_OPENAI_REASONING_EFFORT];
    req->verbosity = found[ARGO_OPENAI_VERBOSITY];

    argo_openai_read_thinking(req, found[ARGO_OPENAI_THINKING]);

    return NGX_OK;
}


/* Anthropic's form of it, if it is that. */

static void
argo_openai_read_thinking(argo_request_t *req, argo_json_t *node)
{
    argo_json_t      *type, *budget;
    argo_thinking_t  *thinking;

    thinking = &req->thinking;
    type = argo_json_get(node, "type");

    if (argo_json_is(type, "enabled")) {
        thinking->type = ARGO_THINKING_ENABLED;

    } else if (argo_json_is(type, "adaptive")) {
        thinking->type = ARGO_THINKING_ADAPTIVE;

    } else if (argo_json_is(type, "disabled")) {
        thinking->type = ARGO_THINKING_DISABLED;

    } else {
        return;
    }

    budget = argo_json_get(node, "budget_tokens");

    if (budget && budget->type == ARGO_JSON_NUMBER) {
        thinking->budget = budget;
    }

    thinking->node = node;
    thinking->display = argo_json_get(node, "display");
}


ngx_int_t
argo_openai_read_stream_options(ngx_pool_t *pool, argo_json_t *options,
    argo_request_t *req, argo_error_t *err)
{
    argo_json_t  *node;

    node = argo_json_get(options, "include_usage");

    if (node == NULL) {
        return NGX_OK;
    }

    if (!(ARGO_OPENAI_BOOL & (1u << node->type))) {
        return argo_error_setf(pool, err, 400, "invalid_type",
                               "stream_options.include_usage", "zz",
                               "stream_options.include_usage must be a "
                               "boolean, not ", argo_json_type_name(node));
    }

    req->include_usage = (node->type == ARGO_JSON_TRUE);

    return NGX_OK;
}


ngx_int_t
argo_openai_read_image(argo_openai_place_t *at, const char *member,
    argo_json_t *url, argo_part_t *part)
{
    part->type = ARGO_PART_IMAGE;
    part->text = argo_json_inner(url);

    if (argo_openai_is_data_url(url)) {
        return NGX_OK;
    }

    if (!at->fetch_images) {
        return argo_openai_wrong(at, member, "unsupported_value",
                                 "must hold a data URL: ARGO does not fetch "
                                 "images");
    }

    part->remote = 1;

    return argo_openai_name_place(at, member, &part->param);
}


static ngx_uint_t
argo_openai_is_data_url(argo_json_t *url)
{
    u_char     *p, scheme[5];
    size_t      i, n;
    ngx_str_t   inner;

    /* an image may have megabytes: only its beginning is unescaped */

    inner = argo_json_inner(url);
    p = inner.data;

    n = argo_json_unescape(&p, p + inner.len, scheme, sizeof(scheme));

    if (n != sizeof(scheme)) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        scheme[i] = ngx_tolower(scheme[i]);
    }

    return ngx_memcmp(scheme, "data:", sizeof(scheme)) == 0;
}


ngx_int_t
argo_openai_read_string(argo_openai_place_t *at, argo_json_t *obj,
    const char *member, argo_json_t **node)
{
    *node = argo_json_find(obj, member + 1, ngx_strlen(member) - 1);

    if (*node == NULL) {
        return argo_openai_missing(at, member);
    }

    if ((*node)->type != ARGO_JSON_STRING) {
        return argo_openai_mistyped(at, member, "a string", *node);
    }

    return NGX_OK;
}


ngx_int_t
argo_openai_missing(argo_openai_place_t *at, const char *member)
{
    return argo_openai_wrong(at, member, "missing_required_parameter",
                             "is missing");
}


ngx_int_t
argo_openai_mistyped(argo_openai_place_t *at, const char *member,
    const char *expected, const argo_json_t *node)
{
    ngx_int_t  rc;
    ngx_str_t  param;

    if (argo_openai_name_place(at, member, &param) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = argo_error_setf(at->pool, at->err, 400, "invalid_type", NULL,
                         "Vzzzz", &param, " must be ", expected, ", not ",
                         argo_json_type_name(node));

    if (rc == NGX_DECLINED) {
        at->err->param = param;
    }

    return rc;
}


ngx_int_t
argo_openai_wrong(argo_openai_place_t *at, const char *member,
    const char *code, const char *what)
{
    ngx_int_t  rc;
    ngx_str_t  param;

    if (argo_openai_name_place(at, member, &param) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = argo_error_setf(at->pool, at->err, 400, code, NULL, "Vzz", &param,
                         " ", what);

    if (rc == NGX_DECLINED) {
        at->err->param = param;
    }

    return rc;
}


ngx_int_t
argo_openai_name_place(argo_openai_place_t *at, const char *member,
    ngx_str_t *param)
{
    ngx_int_t     rc;
    argo_error_t  place;

    if (at->list == NULL) {
        rc = argo_error_setf(at->pool, &place, 400, NULL, NULL, "z",
                             *member == '.' ? member + 1 : member);

    } else if (at->part == -1) {
        rc = argo_error_setf(at->pool, &place, 400, NULL, NULL, "zzizz",
                             at->list, "[", at->item, "]", member);

    } else {
        rc = argo_error_setf(at->pool, &place, 400, NULL, NULL, "zzizzzizz",
                             at->list, "[", at->item, "]", at->parts, "[",
                             at->part, "]", member);
    }

    if (rc != NGX_DECLINED) {
        return NGX_ERROR;
    }

    *param = place.message;

    return NGX_OK;
}


void
argo_openai_write_text(const argo_event_t *ev, argo_out_t *out)
{
    if (ev->escaped) {
        argo_out_write(out, ev->lead.data, ev->lead.len);
        argo_out_ref(out, ev->text.data, ev->text.len);
        return;
    }

    argo_json_write_text(out, ev->lead.data, ev->lead.len);
    argo_json_write_text(out, ev->text.data, ev->text.len);
}


/* clients need an id to answer a call; not every upstream gives one */

void
argo_openai_write_call_id(const argo_stream_t *st, const ngx_str_t *id,
    ngx_uint_t index, argo_out_t *out)
{
    if (id->len) {
        argo_out_str(out, id);
        return;
    }

    argo_out_lit(out, "call_");
    argo_out_write(out, st->id, ARGO_ID_LEN);
    argo_out_lit(out, "_");
    argo_out_int(out, index);
}


void
argo_openai_write_top(const argo_stream_t *st, const char *prefix,
    const char *object, argo_out_t *out)
{
    argo_out_lit(out, "{\"id\":\"");
    argo_openai_write_name(out, prefix);
    argo_out_write(out, st->id, ARGO_ID_LEN);
    argo_out_lit(out, "\",\"object\":\"");
    argo_openai_write_name(out, object);
    argo_out_lit(out, "\",\"created\":");
    argo_out_int(out, st->env.now);
    argo_out_lit(out, ",\"model\":");
    argo_json_write_string(out, &st->request->model);
}


void
argo_openai_write_usage(const argo_stream_t *st, argo_out_t *out)
{
    argo_usage_t  usage;

    argo_stream_usage(st, &usage);

    argo_out_lit(out, "{\"prompt_tokens\":");
    argo_out_int(out, usage.prompt);
    argo_out_lit(out, ",\"completion_tokens\":");
    argo_out_int(out, usage.completion);
    argo_out_lit(out, ",\"total_tokens\":");
    argo_out_int(out, usage.prompt + usage.completion);
    argo_out_lit(out, ",\"prompt_tokens_details\":{\"cached_tokens\":");
    argo_out_int(out, usage.cached);
    argo_out_lit(out, ",\"audio_tokens\":0},"
                      "\"completion_tokens_details\":{\"reasoning_tokens\":");
    argo_out_int(out, usage.reasoning);
    argo_out_lit(out, ",\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
                      "\"rejected_prediction_tokens\":0}}");
}


const char *
argo_openai_finish_reason(argo_finish_e finish)
{
    switch (finish) {

    case ARGO_FINISH_LENGTH:
    case ARGO_FINISH_CONTEXT:
        return "length";

    case ARGO_FINISH_TOOL_CALLS:
        return "tool_calls";

    case ARGO_FINISH_CONTENT_FILTER:
        return "content_filter";

    default:
        /* ARGO_FINISH_STOP and others that end so; NONE is never sent */
        return "stop";
    }
}


const char *
argo_openai_error_type(const argo_error_t *err)
{
    switch (err->type) {

    case ARGO_ERROR_INVALID_REQUEST:
    case ARGO_ERROR_NOT_FOUND:
    case ARGO_ERROR_TOO_LARGE:
        return "invalid_request_error";

    case ARGO_ERROR_AUTHENTICATION:
        return "authentication_error";

    case ARGO_ERROR_PERMISSION:
        return "permission_error";

    case ARGO_ERROR_RATE_LIMIT:
        return "rate_limit_error";

    default:
        return "server_error";
    }
}


void
argo_openai_write_error(const argo_error_t *err, argo_out_t *out)
{
    argo_openai_write_error_as(err, argo_openai_error_type(err), out);
}


void
argo_openai_write_error_as(const argo_error_t *err, const char *type,
    argo_out_t *out)
{
    argo_out_lit(out, "{\"error\":");
    argo_openai_write_error_object(err, type, out);
    argo_out_lit(out, "}");
}


void
argo_openai_write_error_object(const argo_error_t *err, const char *type,
    argo_out_t *out)
{
    argo_out_lit(out, "{\"message\":");
    argo_json_write_string(out, &err->message);
    argo_out_lit(out, ",\"type\":\"");
    argo_openai_write_name(out, type);
    argo_out_lit(out, "\",\"param\":");
    argo_json_write_string_or_null(out, &err->param);
    argo_out_lit(out, ",\"code\":");
    argo_json_write_string_or_null(out, &err->code);
    argo_out_lit(out, "}");
}


void
argo_openai_write_error_event(const argo_error_t *err, argo_out_t *out)
{
    /* whatever it was: only this type tells clients to try again */

    argo_out_lit(out, "data: ");
    argo_openai_write_error_as(err, "server_error", out);
    argo_out_lit(out, "\n\n");
}
