
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * POST v1/responses: the reply.  The response object is ARGO's, as far as it
 * was seen; the events are OpenAI's, since those of ARGO were not.
 */


#include "ngx_http_argo_sim_native.h"


typedef struct {
    ngx_http_argo_sim_talk_t   *talk;
    ngx_http_argo_sim_print_t   print;
    argo_out_t                  out;
    uint64_t                    noise;
    ngx_uint_t                  sequence;   /* of the next event */
    ngx_uint_t                  index;      /* of the item at hand */
    ngx_str_t                   message;    /* id; or NULL */
    ngx_str_t                   reasoning;  /* id; or NULL */
    ngx_str_t                   sealed;
    const char                 *summary;    /* or NULL */
} ngx_http_argo_sim_responder_t;


#define NGX_HTTP_ARGO_SIM_SUMMARY                                             \
    "**Thinking it over**\n\nThe user wants an \"answer\"."


static ngx_int_t ngx_http_argo_sim_responder(
    ngx_http_argo_sim_responder_t *re, ngx_http_argo_sim_talk_t *talk);
static void ngx_http_argo_sim_response_object(
    ngx_http_argo_sim_responder_t *re, ngx_uint_t done);
static void ngx_http_argo_sim_response_options(
    ngx_http_argo_sim_responder_t *re);
static void ngx_http_argo_sim_response_usage(
    ngx_http_argo_sim_responder_t *re, ngx_uint_t done);
static void ngx_http_argo_sim_response_output(
    ngx_http_argo_sim_responder_t *re);
static void ngx_http_argo_sim_reasoning_item(
    ngx_http_argo_sim_responder_t *re, ngx_uint_t done);
static void ngx_http_argo_sim_message_item(ngx_http_argo_sim_responder_t *re,
    ngx_uint_t done);
static void ngx_http_argo_sim_message_part(ngx_http_argo_sim_responder_t *re,
    const ngx_str_t *text);
static void ngx_http_argo_sim_call_item(ngx_http_argo_sim_responder_t *re,
    const ngx_http_argo_sim_call_t *call, ngx_uint_t done);
static ngx_int_t ngx_http_argo_sim_response_stream(
    ngx_http_argo_sim_responder_t *re);
static void ngx_http_argo_sim_event(ngx_http_argo_sim_responder_t *re,
    const char *type);
static void ngx_http_argo_sim_event_end_of(
    ngx_http_argo_sim_responder_t *re);
static void ngx_http_argo_sim_stream_reasoning(
    ngx_http_argo_sim_responder_t *re);
static void ngx_http_argo_sim_stream_summary(
    ngx_http_argo_sim_responder_t *re);
static void ngx_http_argo_sim_stream_message(
    ngx_http_argo_sim_responder_t *re);
static void ngx_http_argo_sim_stream_call(ngx_http_argo_sim_responder_t *re,
    const ngx_http_argo_sim_call_t *call);
static const char *ngx_http_argo_sim_response_status(
    const ngx_http_argo_sim_talk_t *talk);


ngx_int_t
ngx_http_argo_sim_write_response(ngx_http_argo_sim_talk_t *talk)
{
    ngx_http_argo_sim_responder_t  re;

    if (ngx_http_argo_sim_responder(&re, talk) != NGX_OK) {
        return NGX_ERROR;
    }

    if (talk->stream) {
        return ngx_http_argo_sim_response_stream(&re);
    }

    ngx_http_argo_sim_response_object(&re, 1);

    return ngx_http_argo_sim_json(talk->request, talk->ctx, NGX_HTTP_OK,
                                  &re.out);
}


static ngx_int_t
ngx_http_argo_sim_responder(ngx_http_argo_sim_responder_t *re,
    ngx_http_argo_sim_talk_t *talk)
{
    argo_json_t  *node;

    ngx_memzero(re, sizeof(ngx_http_argo_sim_responder_t));

    re->talk = talk;
    re->print.out = &re->out;

    argo_out_init(&re->out, talk->request->pool, NGX_HTTP_ARGO_SIM_BLOCK,
                  NULL, 1);

    if (!talk->blocked) {

        if (ngx_http_argo_sim_id(talk, "resp_", 50, 1, 0, &talk->id)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        talk->model.data = (u_char *) talk->rule->deployment;
        talk->model.len = ngx_strlen(talk->rule->deployment);
    }

    re->noise = ngx_http_argo_sim_hash(5, talk->id.data, talk->id.len);

    if (talk->reasoning && !talk->blocked) {

        if (ngx_http_argo_sim_id(talk, "rs_", 50, 1, 0, &re->reasoning)
            != NGX_OK
            || ngx_http_argo_sim_seal(talk, "gAAAAABq", &re->sealed)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        node = ngx_http_argo_sim_member(talk->ctx->root, "reasoning");
        node = node ? ngx_http_argo_sim_member(node, "summary") : NULL;
        re->summary = node ? NGX_HTTP_ARGO_SIM_SUMMARY : NULL;
    }

    /* what is starved by its own reasoning says nothing at all */

    if (talk->text.len
        || (talk->calls.nelts == 0
            && talk->finish != NGX_HTTP_ARGO_SIM_LENGTH))
    {
        return ngx_http_argo_sim_id(talk, "msg_", 50, 1, 0, &re->message);
    }

    return NGX_OK;
}


/* In the order of OpenAI's Python library, as ARGO prints it. */

static void
ngx_http_argo_sim_response_object(ngx_http_argo_sim_responder_t *re,
    ngx_uint_t done)
{
    ngx_str_t                  instructions, metadata, parallel, choice;
    ngx_str_t                  tools, temperature, top_p;
    ngx_uint_t                 cut;
    argo_json_t               *root;
    ngx_http_argo_sim_talk_t  *talk;

    talk = re->talk;
    root = talk->ctx->root;
    cut = (done && talk->finish == NGX_HTTP_ARGO_SIM_LENGTH);

    instructions = ngx_http_argo_sim_echo(root, "instructions", "null");
    metadata = ngx_http_argo_sim_echo(root, "metadata", "{}");
    parallel = ngx_http_argo_sim_echo(root, "parallel_tool_calls", "true");
    temperature = ngx_http_argo_sim_echo(root, "temperature", "1.0");
    choice = ngx_http_argo_sim_echo(root, "tool_choice", "\"auto\"");
    tools = ngx_http_argo_sim_echo(root, "tools", "[]");
    top_p = ngx_http_argo_sim_echo(root, "top_p",
                (talk->rule->flags & NGX_HTTP_ARGO_SIM_HAS_PHASE) ? "0.98"
                                                                 : "1.0");

    ngx_http_argo_sim_print(&re->print,
        "{'id':%s,'created_at':%i.0,'error':null,'incomplete_details':%z,"
        "'instructions':%r,'metadata':%r,'model':%s,'object':'response',"
        "'output':[",
        &talk->id, (ngx_int_t) ngx_time(),
        cut ? "{\"reason\":\"max_output_tokens\"}" : "null",
        &instructions, &metadata, &talk->model);

    if (done) {
        ngx_http_argo_sim_response_output(re);
    }

    ngx_http_argo_sim_print(&re->print,
        "],'parallel_tool_calls':%r,'temperature':%r,'tool_choice':%r,"
        "'tools':%r,'top_p':%r,'background':false,'completed_at':",
        &parallel, &temperature, &choice, &tools, &top_p);

    if (done && !cut) {
        ngx_http_argo_sim_print(&re->print, "%i.0", (ngx_int_t) ngx_time());

    } else {
        ngx_http_argo_sim_print(&re->print, "null");
    }

    ngx_http_argo_sim_response_options(re);

    ngx_http_argo_sim_print(&re->print, ",'status':'%z',",
                            done ? ngx_http_argo_sim_response_status(talk)
                                 : "in_progress");

    ngx_http_argo_sim_response_usage(re, done);
}


static void
ngx_http_argo_sim_response_options(ngx_http_argo_sim_responder_t *re)
{
    ngx_str_t     limit, effort, summary, service;
    argo_json_t  *root, *reasoning;

    root = re->talk->ctx->root;
    reasoning = ngx_http_argo_sim_member(root, "reasoning");

    limit = ngx_http_argo_sim_echo(root, "max_output_tokens", "null");
    service = ngx_http_argo_sim_echo(root, "service_tier", "\"default\"");
    effort = ngx_http_argo_sim_echo(reasoning, "effort",
                 re->talk->rule->reasoning ? "\"medium\"" : "null");
    summary = ngx_http_argo_sim_echo(reasoning, "summary", "null");

    ngx_http_argo_sim_print(&re->print,
        ",'conversation':null,'max_output_tokens':%r,'max_tool_calls':null,"
        "'previous_response_id':null,'prompt':null,'prompt_cache_key':null,"
        "'prompt_cache_retention':null,'reasoning':{'effort':%r,"
        "'generate_summary':null,'summary':%r},'safety_identifier':null,"
        "'service_tier':%r", &limit, &effort, &summary, &service);
}


static void
ngx_http_argo_sim_response_usage(ngx_http_argo_sim_responder_t *re,
    ngx_uint_t done)
{
    ngx_str_t                  text, store;
    argo_json_t               *root;
    ngx_http_argo_sim_talk_t  *talk;

    talk = re->talk;
    root = talk->ctx->root;

    text = ngx_http_argo_sim_echo(root, "text",
               "{\"format\":{\"type\":\"text\"},\"verbosity\":\"medium\"}");
    store = ngx_http_argo_sim_echo(root, "store", "true");

    ngx_http_argo_sim_print(&re->print,
        "'text':%r,'top_logprobs':0,'truncation':'disabled','usage':",
        &text);

    if (done) {
        ngx_http_argo_sim_print(&re->print,
            "{'input_tokens':%i,'input_tokens_details':{'cached_tokens':%i},"
            "'output_tokens':%i,'output_tokens_details':"
            "{'reasoning_tokens':%i},'total_tokens':%i}",
            (ngx_int_t) talk->input_tokens, (ngx_int_t) talk->cache_read,
            (ngx_int_t) talk->output_tokens,
            (ngx_int_t) talk->reasoning_tokens,
            (ngx_int_t) (talk->input_tokens + talk->output_tokens));

    } else {
        ngx_http_argo_sim_print(&re->print, "null");
    }

    ngx_http_argo_sim_print(&re->print,
        ",'user':null,'content_filters':null,'frequency_penalty':0.0,"
        "'presence_penalty':0.0,'store':%r}", &store);
}


static void
ngx_http_argo_sim_response_output(ngx_http_argo_sim_responder_t *re)
{
    ngx_uint_t                       i, first;
    const ngx_http_argo_sim_call_t  *call;

    first = 1;

    if (re->reasoning.len) {
        ngx_http_argo_sim_reasoning_item(re, 1);
        first = 0;
    }

    if (re->message.len) {
        ngx_http_argo_sim_print(&re->print, first ? "" : ",");
        ngx_http_argo_sim_message_item(re, 1);
        first = 0;
    }

    call = re->talk->calls.elts;

    for (i = 0; i < re->talk->calls.nelts; i++) {
        ngx_http_argo_sim_print(&re->print, first ? "" : ",");
        ngx_http_argo_sim_call_item(re, &call[i], 1);
        first = 0;
    }
}


static void
ngx_http_argo_sim_reasoning_item(ngx_http_argo_sim_responder_t *re,
    ngx_uint_t done)
{
    ngx_str_t  summary;

    ngx_http_argo_sim_print(&re->print, "{'id':%s,'summary':[",
                            &re->reasoning);

    if (done && re->summary) {
        summary.data = (u_char *) re->summary;
        summary.len = ngx_strlen(re->summary);

        ngx_http_argo_sim_print(&re->print,
                                "{'text':%s,'type':'summary_text'}",
                                &summary);
    }

    ngx_http_argo_sim_print(&re->print,
        "],'type':'reasoning','content':[],'encrypted_content':%s,"
        "'status':null}", &re->sealed);
}


static void
ngx_http_argo_sim_message_item(ngx_http_argo_sim_responder_t *re,
    ngx_uint_t done)
{
    ngx_http_argo_sim_talk_t  *talk;

    talk = re->talk;

    ngx_http_argo_sim_print(&re->print, "{'id':%s,'content':[",
                            &re->message);

    if (done) {
        ngx_http_argo_sim_message_part(re, &talk->text);
    }

    ngx_http_argo_sim_print(&re->print,
        "],'role':'assistant','status':'%z','type':'message','phase':%z}",
        done ? ngx_http_argo_sim_response_status(talk) : "in_progress",
        !(talk->rule->flags & NGX_HTTP_ARGO_SIM_HAS_PHASE) ? "null"
        : talk->calls.nelts ? "\"commentary\""
        : "\"final_answer\"");
}


static void
ngx_http_argo_sim_message_part(ngx_http_argo_sim_responder_t *re,
    const ngx_str_t *text)
{
    if (re->talk->finish == NGX_HTTP_ARGO_SIM_REFUSAL) {
        ngx_http_argo_sim_print(&re->print,
                                "{'refusal':%s,'type':'refusal'}", text);
        return;
    }

    ngx_http_argo_sim_print(&re->print,
        "{'annotations':[],'text':%s,'type':'output_text','logprobs':[]}",
        text);
}


static void
ngx_http_argo_sim_call_item(ngx_http_argo_sim_responder_t *re,
    const ngx_http_argo_sim_call_t *call, ngx_uint_t done)
{
    ngx_str_t     none, command;
    const char   *status;
    argo_error_t  err;
    argo_json_t  *root, *node;

    ngx_str_set(&none, "");
    status = done ? "completed" : "in_progress";

    switch (call->offer->kind) {

    case NGX_HTTP_ARGO_SIM_CUSTOM:
        ngx_http_argo_sim_print(&re->print,
            "{'call_id':%s,'input':%s,'name':'%r','type':'custom_tool_call',"
            "'id':%s,'status':'%z'",
            &call->id, done ? &call->arguments : &none, &call->offer->name,
            &call->item, status);
        break;

    case NGX_HTTP_ARGO_SIM_SHELL:

        ngx_str_set(&command, "[]");

        if (argo_json_parse(re->talk->request->pool, &call->arguments,
                            ARGO_JSON_MAX_DEPTH, &root, &err)
            == NGX_OK)
        {
            node = argo_json_get(root, "command");

            if (node) {
                command = node->raw;
            }
        }

        ngx_http_argo_sim_print(&re->print,
            "{'id':%s,'action':{'command':%r,'env':{},'type':'exec',"
            "'timeout_ms':null,'user':null,'working_directory':null},"
            "'call_id':%s,'status':'%z','type':'local_shell_call'",
            &call->item, &command, &call->id, status);
        break;

    default: /* NGX_HTTP_ARGO_SIM_FUNCTION */

        ngx_http_argo_sim_print(&re->print,
            "{'arguments':%s,'call_id':%s,'name':'%r','type':'function_call',"
            "'id':%s,'status':'%z'",
            done ? &call->arguments : &none, &call->id, &call->offer->name,
            &call->item, status);
    }

    if (call->offer->space.len) {
        ngx_http_argo_sim_print(&re->print, ",'namespace':'%r'",
                                &call->offer->space);
    }

    ngx_http_argo_sim_print(&re->print, "}");
}


static ngx_int_t
ngx_http_argo_sim_response_stream(ngx_http_argo_sim_responder_t *re)
{
    ngx_uint_t                       i;
    ngx_http_argo_sim_talk_t        *talk;
    const ngx_http_argo_sim_call_t  *call;

    talk = re->talk;

    ngx_http_argo_sim_event(re, "response.created");
    ngx_http_argo_sim_print(&re->print, ",'response':");
    ngx_http_argo_sim_response_object(re, 0);
    ngx_http_argo_sim_event_end_of(re);

    ngx_http_argo_sim_event(re, "response.in_progress");
    ngx_http_argo_sim_print(&re->print, ",'response':");
    ngx_http_argo_sim_response_object(re, 0);
    ngx_http_argo_sim_event_end_of(re);

    if (re->reasoning.len) {
        ngx_http_argo_sim_stream_reasoning(re);
    }

    if (re->message.len) {
        ngx_http_argo_sim_stream_message(re);
    }

    call = talk->calls.elts;

    for (i = 0; i < talk->calls.nelts; i++) {
        ngx_http_argo_sim_stream_call(re, &call[i]);
    }

    ngx_http_argo_sim_event(re, talk->finish == NGX_HTTP_ARGO_SIM_LENGTH
                                ? "response.incomplete"
                                : "response.completed");
    ngx_http_argo_sim_print(&re->print, ",'response':");
    ngx_http_argo_sim_response_object(re, 1);
    ngx_http_argo_sim_event_end_of(re);

    return ngx_http_argo_sim_events(talk, &re->out);
}


static void
ngx_http_argo_sim_event(ngx_http_argo_sim_responder_t *re, const char *type)
{
    argo_out_lit(&re->out, "event: ");
    ngx_http_argo_sim_write(&re->out, type);
    argo_out_lit(&re->out, "\ndata: ");
    ngx_http_argo_sim_print(&re->print, "{'type':'%z'", type);
}


static void
ngx_http_argo_sim_event_end_of(ngx_http_argo_sim_responder_t *re)
{
    ngx_http_argo_sim_print(&re->print, ",'sequence_number':%i}\n\n",
                            (ngx_int_t) re->sequence++);
}


static void
ngx_http_argo_sim_stream_reasoning(ngx_http_argo_sim_responder_t *re)
{
    ngx_http_argo_sim_event(re, "response.output_item.added");
    ngx_http_argo_sim_print(&re->print, ",'item':");
    ngx_http_argo_sim_reasoning_item(re, 0);
    ngx_http_argo_sim_print(&re->print, ",'output_index':%i",
                            (ngx_int_t) re->index);
    ngx_http_argo_sim_event_end_of(re);

    if (re->summary) {
        ngx_http_argo_sim_stream_summary(re);
    }

    ngx_http_argo_sim_event(re, "response.output_item.done");
    ngx_http_argo_sim_print(&re->print, ",'item':");
    ngx_http_argo_sim_reasoning_item(re, 1);
    ngx_http_argo_sim_print(&re->print, ",'output_index':%i",
                            (ngx_int_t) re->index++);
    ngx_http_argo_sim_event_end_of(re);
}


static void
ngx_http_argo_sim_stream_summary(ngx_http_argo_sim_responder_t *re)
{
    u_char     *p, *end;
    ngx_str_t   text, piece;
    ngx_int_t   index;

    index = re->index;
    text.data = (u_char *) re->summary;
    text.len = ngx_strlen(re->summary);

    ngx_http_argo_sim_event(re, "response.reasoning_summary_part.added");
    ngx_http_argo_sim_print(&re->print,
        ",'item_id':%s,'output_index':%i,'part':{'type':'summary_text',"
        "'text':''},'summary_index':0", &re->reasoning, index);
    ngx_http_argo_sim_event_end_of(re);

    p = text.data;
    end = p + text.len;

    while (p < end) {
        piece.data = p;
        p = ngx_http_argo_sim_word(p, end, 1);
        piece.len = p - piece.data;

        ngx_http_argo_sim_event(re, "response.reasoning_summary_text.delta");
        ngx_http_argo_sim_print(&re->print, ",'delta':%s,'item_id':%s",
                                &piece, &re->reasoning);
        ngx_http_argo_sim_obfuscate(&re->print, &re->noise);
        ngx_http_argo_sim_print(&re->print,
            ",'output_index':%i,'summary_index':0", index);
        ngx_http_argo_sim_event_end_of(re);
    }

    ngx_http_argo_sim_event(re, "response.reasoning_summary_text.done");
    ngx_http_argo_sim_print(&re->print,
        ",'item_id':%s,'output_index':%i,'summary_index':0,'text':%s",
        &re->reasoning, index, &text);
    ngx_http_argo_sim_event_end_of(re);

    ngx_http_argo_sim_event(re, "response.reasoning_summary_part.done");
    ngx_http_argo_sim_print(&re->print,
        ",'item_id':%s,'output_index':%i,'part':{'type':'summary_text',"
        "'text':%s},'summary_index':0", &re->reasoning, index, &text);
    ngx_http_argo_sim_event_end_of(re);
}


static void
ngx_http_argo_sim_stream_message(ngx_http_argo_sim_responder_t *re)
{
    u_char                    *p, *end;
    ngx_str_t                  piece, none;
    ngx_int_t                  index;
    ngx_uint_t                 refused;
    ngx_http_argo_sim_talk_t  *talk;

    talk = re->talk;
    index = re->index;
    refused = (talk->finish == NGX_HTTP_ARGO_SIM_REFUSAL);

    ngx_str_set(&none, "");

    ngx_http_argo_sim_event(re, "response.output_item.added");
    ngx_http_argo_sim_print(&re->print, ",'item':");
    ngx_http_argo_sim_message_item(re, 0);
    ngx_http_argo_sim_print(&re->print, ",'output_index':%i", index);
    ngx_http_argo_sim_event_end_of(re);

    ngx_http_argo_sim_event(re, "response.content_part.added");
    ngx_http_argo_sim_print(&re->print,
        ",'content_index':0,'item_id':%s,'output_index':%i,'part':",
        &re->message, index);
    ngx_http_argo_sim_message_part(re, &none);
    ngx_http_argo_sim_event_end_of(re);

    p = talk->text.data;
    end = p + talk->text.len;

    while (p < end) {
        piece.data = p;
        p = talk->blocked ? end : ngx_http_argo_sim_piece_of(talk, p, end);
        piece.len = p - piece.data;

        ngx_http_argo_sim_event(re, refused ? "response.refusal.delta"
                                            : "response.output_text.delta");
        ngx_http_argo_sim_print(&re->print,
            ",'content_index':0,'delta':%s,'item_id':%s", &piece,
            &re->message);
        ngx_http_argo_sim_print(&re->print, refused ? "" : ",'logprobs':[]");
        ngx_http_argo_sim_obfuscate(&re->print, &re->noise);
        ngx_http_argo_sim_print(&re->print, ",'output_index':%i", index);
        ngx_http_argo_sim_event_end_of(re);
    }

    ngx_http_argo_sim_event(re, refused ? "response.refusal.done"
                                        : "response.output_text.done");
    ngx_http_argo_sim_print(&re->print,
        refused ? ",'content_index':0,'item_id':%s,'output_index':%i,"
                  "'refusal':%s"
                : ",'content_index':0,'item_id':%s,'output_index':%i,"
                  "'logprobs':[],'text':%s",
        &re->message, index, &talk->text);
    ngx_http_argo_sim_event_end_of(re);

    ngx_http_argo_sim_event(re, "response.content_part.done");
    ngx_http_argo_sim_print(&re->print,
        ",'content_index':0,'item_id':%s,'output_index':%i,'part':",
        &re->message, index);
    ngx_http_argo_sim_message_part(re, &talk->text);
    ngx_http_argo_sim_event_end_of(re);

    ngx_http_argo_sim_event(re, "response.output_item.done");
    ngx_http_argo_sim_print(&re->print, ",'item':");
    ngx_http_argo_sim_message_item(re, 1);
    ngx_http_argo_sim_print(&re->print, ",'output_index':%i", index);
    ngx_http_argo_sim_event_end_of(re);

    re->index++;
}


static void
ngx_http_argo_sim_stream_call(ngx_http_argo_sim_responder_t *re,
    const ngx_http_argo_sim_call_t *call)
{
    u_char     *p, *end;
    ngx_str_t   piece;
    ngx_int_t   index;
    ngx_uint_t  custom;

    index = re->index++;
    custom = (call->offer->kind == NGX_HTTP_ARGO_SIM_CUSTOM);

    ngx_http_argo_sim_event(re, "response.output_item.added");
    ngx_http_argo_sim_print(&re->print, ",'item':");
    ngx_http_argo_sim_call_item(re, call, 0);
    ngx_http_argo_sim_print(&re->print, ",'output_index':%i", index);
    ngx_http_argo_sim_event_end_of(re);

    p = call->arguments.data;
    end = p + call->arguments.len;

    if (call->offer->kind == NGX_HTTP_ARGO_SIM_SHELL) {
        p = end;
    }

    while (p < end) {
        piece.data = p;
        p = ngx_http_argo_sim_fragment(p, end);
        piece.len = p - piece.data;

        ngx_http_argo_sim_event(re,
            custom ? "response.custom_tool_call_input.delta"
                   : "response.function_call_arguments.delta");
        ngx_http_argo_sim_print(&re->print, ",'delta':%s,'item_id':%s",
                                &piece, &call->item);
        ngx_http_argo_sim_obfuscate(&re->print, &re->noise);
        ngx_http_argo_sim_print(&re->print, ",'output_index':%i", index);
        ngx_http_argo_sim_event_end_of(re);
    }

    if (call->offer->kind != NGX_HTTP_ARGO_SIM_SHELL) {
        ngx_http_argo_sim_event(re,
            custom ? "response.custom_tool_call_input.done"
                   : "response.function_call_arguments.done");
        ngx_http_argo_sim_print(&re->print,
            custom ? ",'input':%s,'item_id':%s,'output_index':%i"
                   : ",'arguments':%s,'item_id':%s,'output_index':%i",
            &call->arguments, &call->item, index);
        ngx_http_argo_sim_event_end_of(re);
    }

    ngx_http_argo_sim_event(re, "response.output_item.done");
    ngx_http_argo_sim_print(&re->print, ",'item':");
    ngx_http_argo_sim_call_item(re, call, 1);
    ngx_http_argo_sim_print(&re->print, ",'output_index':%i", index);
    ngx_http_argo_sim_event_end_of(re);
}


static const char *
ngx_http_argo_sim_response_status(const ngx_http_argo_sim_talk_t *talk)
{
    return talk->finish == NGX_HTTP_ARGO_SIM_LENGTH ? "incomplete"
                                                    : "completed";
}
