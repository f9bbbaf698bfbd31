
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's Responses: the response object, in a unary reply and in the events
 * that carry it, and the items in it.
 */


#include "argo_openai_responses.h"
#include "argo_json_write.h"


static void argo_openai_responses_write_outcome(argo_stream_t *st,
    argo_responses_status_e status, const argo_error_t *err,
    argo_out_t *out);
static void argo_openai_responses_write_output(argo_stream_t *st,
    argo_responses_status_e status, argo_out_t *out);
static void argo_openai_responses_write_echo(argo_stream_t *st,
    ngx_uint_t member, const char *otherwise, argo_out_t *out);
static void argo_openai_responses_write_value(const char *name,
    const argo_json_t *node, const char *otherwise, argo_out_t *out);
static void argo_openai_responses_write_raw(const ngx_str_t *raw,
    argo_out_t *out);
static void argo_openai_responses_write_options(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_responses_write_tools(const argo_json_t *tools,
    argo_out_t *out);
static void argo_openai_responses_write_usage(argo_stream_t *st,
    argo_out_t *out);
static void argo_openai_responses_write_call(argo_stream_t *st,
    const argo_responses_item_t *item, argo_responses_status_e status,
    argo_out_t *out);
static void argo_openai_responses_write_member(const char *name,
    const ngx_str_t *value, argo_out_t *out);
static void argo_openai_responses_write_parts(
    const argo_responses_part_t *part, argo_out_t *out);


/* in the order of the enum in the header */

static const char  *argo_responses_status[] = {
    "in_progress",
    "completed",
    "incomplete",
    "failed"
};


/* the codes that clients know, others would be taken for "try again" */

static const ngx_str_t  argo_responses_codes[] = {
    ngx_string("context_length_exceeded"),
    ngx_string("insufficient_quota"),
    ngx_string("usage_not_included"),
    ngx_string("rate_limit_exceeded"),
    ngx_string("invalid_prompt")
};


#define ARGO_RESPONSES_NCODES                                                 \
    (sizeof(argo_responses_codes) / sizeof(argo_responses_codes[0]))


void
argo_openai_responses_write_object(argo_stream_t *st,
    argo_responses_status_e status, const argo_error_t *err, argo_out_t *out)
{
    argo_responses_state_t  *state;

    state = st->state;

    if (state->id.len) {
        argo_out_lit(out, "{\"id\":\"");
        argo_out_str(out, &state->id);

    } else {
        argo_out_lit(out, "{\"id\":\"resp_");
        argo_out_write(out, st->id, ARGO_ID_LEN);
    }

    argo_out_lit(out, "\",\"object\":\"response\",\"created_at\":");

    if (state->created_at.len) {
        argo_out_str(out, &state->created_at);

    } else {
        argo_out_int(out, st->env.now);
    }

    argo_openai_responses_write_outcome(st, status, err, out);

    argo_openai_responses_write_echo(st, ARGO_RESPONSES_INSTRUCTIONS, "null",
                                     out);
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_MAX_OUTPUT, "null",
                                     out);
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_MAX_TOOL_CALLS,
                                     "null", out);
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_METADATA, "{}", out);

    argo_out_lit(out, ",\"model\":");
    argo_json_write_string(out, &st->request->model);

    argo_openai_responses_write_output(st, status, out);
    argo_openai_responses_write_options(st, out);

    if (status == ARGO_RESPONSES_COMPLETED
        || status == ARGO_RESPONSES_INCOMPLETE)
    {
        argo_openai_responses_write_usage(st, out);

    } else {
        argo_out_lit(out, ",\"usage\":null");
    }

    argo_out_lit(out, ",\"user\":null}");
}



static void
argo_openai_responses_write_outcome(argo_stream_t *st,
    argo_responses_status_e status, const argo_error_t *err, argo_out_t *out)
{
    argo_out_lit(out, ",\"status\":\"");
    argo_openai_write_name(out, argo_responses_status[status]);
    argo_out_lit(out, "\",\"background\":false,\"error\":");

    if (err == NULL) {
        argo_out_lit(out, "null");

    } else {
        argo_out_lit(out, "{\"code\":\"");
        argo_openai_write_name(out, argo_openai_responses_error_code(err));
        argo_out_lit(out, "\",\"message\":");
        argo_json_write_string(out, &err->message);
        argo_out_lit(out, "}");
    }

    argo_out_lit(out, ",\"incomplete_details\":");

    if (status != ARGO_RESPONSES_INCOMPLETE) {
        argo_out_lit(out, "null");

    } else if (st->finish == ARGO_FINISH_CONTENT_FILTER) {
        argo_out_lit(out, "{\"reason\":\"content_filter\"}");

    } else {
        argo_out_lit(out, "{\"reason\":\"max_output_tokens\"}");
    }
}



static void
argo_openai_responses_write_output(argo_stream_t *st,
    argo_responses_status_e status, argo_out_t *out)
{
    argo_responses_item_t   *item;
    argo_responses_state_t  *state;

    state = st->state;

    argo_out_lit(out, ",\"output\":[");

    /* in a response that goes on, items come in events of their own */

    item = (status == ARGO_RESPONSES_IN_PROGRESS) ? NULL : state->items;

    for ( /* void */ ; item; item = item->next) {

        if (item->late && !item->sealed) {
            /* it never became anything that could be told */
            continue;
        }

        if (item->index) {
            argo_out_lit(out, ",");
        }

        /* only the last can have been cut */

        if (item->next || status == ARGO_RESPONSES_COMPLETED) {
            argo_openai_responses_write_item(st, item,
                                             ARGO_RESPONSES_COMPLETED, out);

        } else {
            argo_openai_responses_write_item(st, item,
                                             ARGO_RESPONSES_INCOMPLETE, out);
        }
    }

    argo_out_lit(out, "]");
}



/* a member of the request as it came, or what stands for it */

static void
argo_openai_responses_write_echo(argo_stream_t *st, ngx_uint_t member,
    const char *otherwise, argo_out_t *out)
{
    argo_responses_request_t  *front;

    static const char  *names[ARGO_RESPONSES_NMEMBERS] = {
        [ARGO_RESPONSES_INSTRUCTIONS] = "instructions",
        [ARGO_RESPONSES_TOOL_CHOICE] = "tool_choice",
        [ARGO_RESPONSES_PARALLEL] = "parallel_tool_calls",
        [ARGO_RESPONSES_MAX_OUTPUT] = "max_output_tokens",
        [ARGO_RESPONSES_MAX_TOOL_CALLS] = "max_tool_calls",
        [ARGO_RESPONSES_TEMPERATURE] = "temperature",
        [ARGO_RESPONSES_TOP_P] = "top_p",
        [ARGO_RESPONSES_TOP_LOGPROBS] = "top_logprobs",
        [ARGO_RESPONSES_TRUNCATION] = "truncation",
        [ARGO_RESPONSES_METADATA] = "metadata",
        [ARGO_RESPONSES_SERVICE_TIER] = "service_tier",
        [ARGO_RESPONSES_CACHE_KEY] = "prompt_cache_key",
        [ARGO_RESPONSES_SAFETY] = "safety_identifier"
    };

    front = st->request->front;

    argo_out_lit(out, ",");
    argo_openai_responses_write_value(names[member], front->found[member],
                                      otherwise, out);
}



static void
argo_openai_responses_write_value(const char *name, const argo_json_t *node,
    const char *otherwise, argo_out_t *out)
{
    argo_out_lit(out, "\"");
    argo_openai_write_name(out, name);
    argo_out_lit(out, "\":");

    if (node) {
        argo_openai_responses_write_raw(&node->raw, out);

    } else {
        argo_openai_write_name(out, otherwise);
    }
}



/* a line feed is a blank to JSON, and the end of an event's data */

static void
argo_openai_responses_write_raw(const ngx_str_t *raw, argo_out_t *out)
{
    u_char  *p, *start, *end;

    start = raw->data;
    end = start + raw->len;

    for (p = start; p < end; p++) {

        if (*p == LF || *p == CR) {
            argo_out_ref(out, start, p - start);
            start = p + 1;
        }
    }

    argo_out_ref(out, start, end - start);
}



static void
argo_openai_responses_write_options(argo_stream_t *st, argo_out_t *out)
{
    argo_json_t               *text, *reasoning, *node;
    argo_responses_request_t  *front;

    front = st->request->front;
    text = front->found[ARGO_RESPONSES_TEXT];
    reasoning = front->found[ARGO_RESPONSES_REASONING];

    argo_openai_responses_write_echo(st, ARGO_RESPONSES_PARALLEL, "true",
                                     out);
    argo_out_lit(out, ",\"previous_response_id\":null");
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_CACHE_KEY, "null",
                                     out);

    argo_out_lit(out, ",\"reasoning\":{");
    argo_openai_responses_write_value("effort",
                                      argo_json_get(reasoning, "effort"),
                                      "null", out);
    argo_out_lit(out, ",");
    argo_openai_responses_write_value("summary",
                                      argo_json_get(reasoning, "summary"),
                                      "null", out);
    argo_out_lit(out, "}");

    argo_openai_responses_write_echo(st, ARGO_RESPONSES_SAFETY, "null", out);
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_SERVICE_TIER,
                                     "\"default\"", out);
    argo_out_lit(out, ",\"store\":false");
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_TEMPERATURE, "null",
                                     out);

    node = argo_json_get(text, "format");

    if (node && node->type == ARGO_JSON_NULL) {
        node = NULL;
    }

    argo_out_lit(out, ",\"text\":{");
    argo_openai_responses_write_value("format", node, "{\"type\":\"text\"}",
                                      out);

    if (st->request->verbosity) {
        argo_out_lit(out, ",");
        argo_openai_responses_write_value("verbosity", st->request->verbosity,
                                          "null", out);
    }

    argo_out_lit(out, "}");

    argo_openai_responses_write_echo(st, ARGO_RESPONSES_TOOL_CHOICE,
                                     "\"auto\"", out);
    argo_openai_responses_write_tools(front->found[ARGO_RESPONSES_TOOLS],
                                      out);
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_TOP_LOGPROBS, "0",
                                     out);
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_TOP_P, "null", out);
    argo_openai_responses_write_echo(st, ARGO_RESPONSES_TRUNCATION,
                                     "\"disabled\"", out);
}



/* with the members that a client may count on, though it did not give them */

static void
argo_openai_responses_write_tools(const argo_json_t *tools, argo_out_t *out)
{
    const argo_json_t  *tool;

    argo_out_lit(out, ",\"tools\":[");

    for (tool = tools ? tools->child : NULL; tool; tool = tool->next) {

        if (!argo_json_is(argo_json_get(tool, "type"), "function")) {
            argo_openai_responses_write_raw(&tool->raw, out);

            if (tool->next) {
                argo_out_lit(out, ",");
            }

            continue;
        }

        argo_out_lit(out, "{\"type\":\"function\",");
        argo_openai_responses_write_value("name", argo_json_get(tool, "name"),
                                          "null", out);
        argo_out_lit(out, ",");
        argo_openai_responses_write_value("description",
                                          argo_json_get(tool, "description"),
                                          "null", out);
        argo_out_lit(out, ",");
        argo_openai_responses_write_value("parameters",
                                          argo_json_get(tool, "parameters"),
                                          "null", out);
        argo_out_lit(out, ",");
        argo_openai_responses_write_value("strict",
                                          argo_json_get(tool, "strict"),
                                          "false", out);
        argo_out_lit(out, "}");

        if (tool->next) {
            argo_out_lit(out, ",");
        }
    }

    argo_out_lit(out, "]");
}



static void
argo_openai_responses_write_usage(argo_stream_t *st, argo_out_t *out)
{
    argo_usage_t  usage;

    argo_stream_usage(st, &usage);

    argo_out_lit(out, ",\"usage\":{\"input_tokens\":");
    argo_out_int(out, usage.prompt);
    argo_out_lit(out, ",\"input_tokens_details\":{\"cached_tokens\":");
    argo_out_int(out, usage.cached);
    argo_out_lit(out, ",\"cache_write_tokens\":");
    argo_out_int(out, usage.cache_write);
    argo_out_lit(out, "},\"output_tokens\":");
    argo_out_int(out, usage.completion);
    argo_out_lit(out, ",\"output_tokens_details\":{\"reasoning_tokens\":");
    argo_out_int(out, usage.reasoning);
    argo_out_lit(out, "},\"total_tokens\":");
    argo_out_int(out, usage.prompt + usage.completion);
    argo_out_lit(out, "}");
}



/* in progress: as it is announced, before anything of it has come */

void
argo_openai_responses_write_item(argo_stream_t *st,
    const argo_responses_item_t *item, argo_responses_status_e status,
    argo_out_t *out)
{
    argo_responses_part_t  *part;

    part = (status == ARGO_RESPONSES_IN_PROGRESS) ? NULL : item->parts;

    argo_out_lit(out, "{\"id\":\"");
    argo_openai_responses_write_item_id(st, item, out);

    switch (item->type) {

    case ARGO_RESPONSES_ITEM_CALL:
        argo_openai_responses_write_call(st, item, status, out);
        return;

    case ARGO_RESPONSES_ITEM_REASONING:
        argo_out_lit(out, "\",\"type\":\"reasoning\",\"summary\":[");
        argo_openai_responses_write_parts(part, out);

        if (status == ARGO_RESPONSES_IN_PROGRESS || item->vendor == NULL) {
            break;
        }

        argo_out_lit(out, "],\"encrypted_content\":\"");
        argo_openai_write_name(out, item->vendor);
        argo_stream_copy(out, &item->signature);
        argo_out_lit(out, "\"}");

        return;

    default: /* ARGO_RESPONSES_ITEM_MESSAGE */
        argo_out_lit(out, "\",\"type\":\"message\",\"status\":\"");
        argo_openai_write_name(out, argo_responses_status[status]);
        argo_out_lit(out, "\",\"role\":\"assistant\",\"content\":[");
        argo_openai_responses_write_parts(part, out);
    }

    argo_out_lit(out, "]}");
}


static void
argo_openai_responses_write_parts(const argo_responses_part_t *part,
    argo_out_t *out)
{
    for ( /* void */ ; part; part = part->next) {

        argo_openai_responses_write_part(part, 0, out);

        if (part->next) {
            argo_out_lit(out, ",");
        }
    }
}


static void
argo_openai_responses_write_call(argo_stream_t *st,
    const argo_responses_item_t *item, argo_responses_status_e status,
    argo_out_t *out)
{
    const argo_responses_kind_t  *kind;

    kind = &argo_responses_kinds[item->kind];

    argo_out_lit(out, "\",\"type\":\"");
    argo_openai_write_name(out, kind->call);
    argo_out_lit(out, "\",\"status\":\"");
    argo_openai_write_name(out, argo_responses_status[status]);
    argo_out_lit(out, "\",\"");
    argo_openai_write_name(out, kind->member);
    argo_out_lit(out, "\":");

    if (item->action.len) {
        argo_openai_responses_write_raw(&item->action, out);

    } else {
        argo_out_lit(out, "\"");

        /* before its end such a text is not known */

        if (status != ARGO_RESPONSES_IN_PROGRESS
            && (item->sealed || !item->whole))
        {
            argo_stream_copy(out, &item->parts->text);
        }

        argo_out_lit(out, "\"");
    }

    argo_out_lit(out, ",\"call_id\":\"");
    argo_openai_write_call_id(st, &item->id, item->call, out);
    argo_out_lit(out, "\"");

    if (kind->name == NULL) {
        argo_openai_responses_write_member("name", &item->name, out);

        if (item->space.len) {
            argo_openai_responses_write_member("namespace", &item->space,
                                               out);
        }

    } else if (item->kind == ARGO_RESPONSES_TOOL_SEARCH) {
        argo_out_lit(out, ",\"execution\":\"client\"");
    }

    argo_out_lit(out, "}");
}


static void
argo_openai_responses_write_member(const char *name, const ngx_str_t *value,
    argo_out_t *out)
{
    argo_out_lit(out, ",\"");
    argo_openai_write_name(out, name);
    argo_out_lit(out, "\":\"");
    argo_out_str(out, value);
    argo_out_lit(out, "\"");
}


void
argo_openai_responses_write_item_id(argo_stream_t *st,
    const argo_responses_item_t *item, argo_out_t *out)
{
    switch (item->type) {

    case ARGO_RESPONSES_ITEM_CALL:
        argo_openai_write_name(out, argo_responses_kinds[item->kind].prefix);
        break;

    case ARGO_RESPONSES_ITEM_REASONING:
        argo_out_lit(out, "rs_");
        break;

    default: /* ARGO_RESPONSES_ITEM_MESSAGE */
        argo_out_lit(out, "msg_");
    }

    argo_out_write(out, st->id, ARGO_ID_LEN);
    argo_out_lit(out, "_");
    argo_out_int(out, item->index);
}



void
argo_openai_responses_write_part(const argo_responses_part_t *part,
    ngx_uint_t empty, argo_out_t *out)
{
    switch (part->type) {

    case ARGO_RESPONSES_PART_REFUSAL:
        argo_out_lit(out, "{\"type\":\"refusal\",\"refusal\":\"");
        break;

    case ARGO_RESPONSES_PART_SUMMARY:
        argo_out_lit(out, "{\"type\":\"summary_text\",\"text\":\"");
        break;

    default: /* ARGO_RESPONSES_PART_TEXT */
        argo_out_lit(out, "{\"type\":\"output_text\",\"annotations\":[],"
                          "\"logprobs\":[],\"text\":\"");
    }

    if (!empty) {
        argo_stream_copy(out, &part->text);
    }

    argo_out_lit(out, "\"}");
}



argo_responses_status_e
argo_openai_responses_status(argo_finish_e finish)
{
    switch (finish) {

    case ARGO_FINISH_LENGTH:
    case ARGO_FINISH_CONTEXT:
    case ARGO_FINISH_CONTENT_FILTER:
        return ARGO_RESPONSES_INCOMPLETE;

    default:
        return ARGO_RESPONSES_COMPLETED;
    }
}



const char *
argo_openai_responses_error_code(const argo_error_t *err)
{
    ngx_uint_t  i;

    for (i = 0; i < ARGO_RESPONSES_NCODES; i++) {

        if (err->code.len == argo_responses_codes[i].len
            && ngx_memcmp(err->code.data, argo_responses_codes[i].data,
                          err->code.len)
               == 0)
        {
            return (const char *) argo_responses_codes[i].data;
        }
    }

    switch (err->type) {

    case ARGO_ERROR_RATE_LIMIT:
        return "rate_limit_exceeded";

    case ARGO_ERROR_INVALID_REQUEST:
    case ARGO_ERROR_AUTHENTICATION:
    case ARGO_ERROR_PERMISSION:
    case ARGO_ERROR_NOT_FOUND:
    case ARGO_ERROR_TOO_LARGE:
        /* the one code after which nobody sends the same again */
        return "invalid_prompt";

    default:
        return "server_error";
    }
}
