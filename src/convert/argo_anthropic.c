
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Anthropic's words for reasons and usage.
 */


#include "argo_anthropic.h"


typedef struct {
    ngx_str_t      name;
    argo_finish_e  finish;
} argo_anthropic_reason_t;


static ngx_uint_t argo_anthropic_read_count(const argo_json_t *node,
    uint64_t *count);


/* the first of several for one meaning is the one that is written */

static const argo_anthropic_reason_t  argo_anthropic_reasons[] = {
    { ngx_string("end_turn"), ARGO_FINISH_STOP },
    { ngx_string("max_tokens"), ARGO_FINISH_LENGTH },
    { ngx_string("tool_use"), ARGO_FINISH_TOOL_CALLS },
    { ngx_string("stop_sequence"), ARGO_FINISH_STOP_SEQUENCE },
    { ngx_string("refusal"), ARGO_FINISH_CONTENT_FILTER },
    { ngx_string("pause_turn"), ARGO_FINISH_PAUSE },
    { ngx_string("model_context_window_exceeded"), ARGO_FINISH_CONTEXT }
};


#define ARGO_ANTHROPIC_NREASONS                                               \
    (sizeof(argo_anthropic_reasons) / sizeof(argo_anthropic_reasons[0]))


argo_finish_e
argo_anthropic_finish(const argo_json_t *reason)
{
    ngx_uint_t                      i;
    const argo_anthropic_reason_t  *r;

    if (reason == NULL || reason->type != ARGO_JSON_STRING) {
        return ARGO_FINISH_NONE;
    }

    for (i = 0; i < ARGO_ANTHROPIC_NREASONS; i++) {
        r = &argo_anthropic_reasons[i];

        if (argo_json_text_is(reason, (char *) r->name.data, r->name.len)) {
            return r->finish;
        }
    }

    /* one that is not known yet: the reply has ended */

    return ARGO_FINISH_STOP;
}


const char *
argo_anthropic_stop_reason(argo_finish_e finish)
{
    ngx_uint_t  i;

    for (i = 0; i < ARGO_ANTHROPIC_NREASONS; i++) {
        if (argo_anthropic_reasons[i].finish == finish) {
            return (char *) argo_anthropic_reasons[i].name.data;
        }
    }

    return NULL;
}


ngx_uint_t
argo_anthropic_read_usage(const argo_json_t *node, argo_usage_t *usage)
{
    uint64_t    input;
    ngx_uint_t  known;

    input = usage->prompt - usage->cached - usage->cache_write;

    known = argo_anthropic_read_count(argo_json_get(node, "input_tokens"),
                                      &input);
    known |= argo_anthropic_read_count(
                                argo_json_get(node, "cache_read_input_tokens"),
                                &usage->cached);
    known |= argo_anthropic_read_count(
                            argo_json_get(node, "cache_creation_input_tokens"),
                            &usage->cache_write);
    known |= argo_anthropic_read_count(argo_json_get(node, "output_tokens"),
                                       &usage->completion);

    usage->prompt = input + usage->cached + usage->cache_write;

    node = argo_json_get(node, "output_tokens_details");

    (void) argo_anthropic_read_count(argo_json_get(node, "thinking_tokens"),
                                     &usage->reasoning);

    if (known) {
        usage->known = 1;
    }

    return known;
}


/* null, and what is no count, is as if it were not there */

static ngx_uint_t
argo_anthropic_read_count(const argo_json_t *node, uint64_t *count)
{
    int64_t  n;

    if (node == NULL || argo_json_int(node, &n) != NGX_OK || n < 0
        || n > INT32_MAX)
    {
        return 0;
    }

    *count = n;

    return 1;
}


void
argo_anthropic_write_usage(const argo_usage_t *usage, argo_out_t *out)
{
    uint64_t  cached;

    cached = usage->cached + usage->cache_write;

    argo_out_lit(out, "{\"input_tokens\":");
    argo_out_int(out, usage->prompt > cached ? usage->prompt - cached : 0);
    argo_out_lit(out, ",\"cache_creation_input_tokens\":");
    argo_out_int(out, usage->cache_write);
    argo_out_lit(out, ",\"cache_read_input_tokens\":");
    argo_out_int(out, usage->cached);
    argo_out_lit(out, ",\"output_tokens\":");
    argo_out_int(out, usage->completion);

    if (usage->reasoning) {
        argo_out_lit(out, ",\"output_tokens_details\":{\"thinking_tokens\":");
        argo_out_int(out, usage->reasoning);
        argo_out_lit(out, "}");
    }

    argo_out_lit(out, "}");
}
