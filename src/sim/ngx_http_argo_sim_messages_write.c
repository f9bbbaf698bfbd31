
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * POST v1/messages: the reply.
 */


#include "ngx_http_argo_sim_native.h"


static void ngx_http_argo_sim_message_usage(
    const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print, ngx_uint_t output);
static ngx_int_t ngx_http_argo_sim_message_unary(
    ngx_http_argo_sim_talk_t *talk, const ngx_str_t *redacted);
static ngx_int_t ngx_http_argo_sim_message_stream(
    ngx_http_argo_sim_talk_t *talk, const ngx_str_t *redacted);
static void ngx_http_argo_sim_message_thinking(
    const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print, ngx_uint_t *index);
static void ngx_http_argo_sim_message_text(
    const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print, ngx_uint_t *index);
static void ngx_http_argo_sim_message_call(
    const ngx_http_argo_sim_print_t *print,
    const ngx_http_argo_sim_call_t *call, ngx_uint_t *index);
static void ngx_http_argo_sim_message_delta(
    const ngx_http_argo_sim_print_t *print, const char *member,
    const ngx_str_t *piece, const char *type, ngx_uint_t index);
static void ngx_http_argo_sim_message_begin(
    const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print);
static void ngx_http_argo_sim_message_stop(
    const ngx_http_argo_sim_print_t *print, ngx_uint_t *index);
static ngx_int_t ngx_http_argo_sim_message_blocked(
    ngx_http_argo_sim_talk_t *talk);
static const char *ngx_http_argo_sim_stop_reason(
    const ngx_http_argo_sim_talk_t *talk);


ngx_int_t
ngx_http_argo_sim_write_message(ngx_http_argo_sim_talk_t *talk)
{
    ngx_str_t  redacted;

    if (talk->blocked && !talk->stream) {
        return ngx_http_argo_sim_message_blocked(talk);
    }

    if (!talk->blocked
        && ngx_http_argo_sim_id(talk, "msg_vrtx_01", 22, 0, 0, &talk->id)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_null(&redacted);

    if (talk->ctx->options.redacted
        && ngx_http_argo_sim_seal(talk, "EmwK", &redacted) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return talk->stream ? ngx_http_argo_sim_message_stream(talk, &redacted)
                        : ngx_http_argo_sim_message_unary(talk, &redacted);
}


static ngx_int_t
ngx_http_argo_sim_message_unary(ngx_http_argo_sim_talk_t *talk,
    const ngx_str_t *redacted)
{
    argo_out_t                       out;
    ngx_uint_t                       i, first;
    const ngx_http_argo_sim_call_t  *call;
    ngx_http_argo_sim_print_t        print;

    argo_out_init(&out, talk->request->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL,
                  1);

    print.out = &out;
    print.python = 0;
    first = 1;

    ngx_http_argo_sim_print(&print, "{'id':%s,'content':[", &talk->id);

    if (redacted->len) {
        ngx_http_argo_sim_print(&print,
            "{'data':%s,'type':'redacted_thinking'}", redacted);
        first = 0;

    } else if (talk->think) {
        ngx_http_argo_sim_print(&print,
            "{'signature':%s,'thinking':%s,'type':'thinking'}",
            &talk->signature, &talk->thinking);
        first = 0;
    }

    if (talk->text.len) {
        ngx_http_argo_sim_print(&print, first ? "" : ",");
        ngx_http_argo_sim_print(&print,
            "{'citations':null,'text':%s,'type':'text'}", &talk->text);
        first = 0;
    }

    call = talk->calls.elts;

    for (i = 0; i < talk->calls.nelts; i++) {
        ngx_http_argo_sim_print(&print, first ? "" : ",");
        ngx_http_argo_sim_print(&print,
            "{'id':%s,'input':%r,'name':'%r','type':'tool_use'}",
            &call[i].id, &call[i].arguments, &call[i].offer->name);
        first = 0;
    }

    ngx_http_argo_sim_print(&print,
        "],'model':%s,'role':'assistant','stop_reason':'%z',"
        "'stop_sequence':%s,'type':'message','usage':",
        &talk->model, ngx_http_argo_sim_stop_reason(talk), &talk->sequence);

    ngx_http_argo_sim_message_usage(talk, &print, talk->output_tokens);
    ngx_http_argo_sim_print(&print, ",'stop_details':null}");

    return ngx_http_argo_sim_json(talk->request, talk->ctx, NGX_HTTP_OK,
                                  &out);
}


static void
ngx_http_argo_sim_message_usage(const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print, ngx_uint_t output)
{
    ngx_http_argo_sim_print(print,
        "{'cache_creation':{'ephemeral_1h_input_tokens':0,"
        "'ephemeral_5m_input_tokens':%i},'cache_creation_input_tokens':%i,"
        "'cache_read_input_tokens':%i,'input_tokens':%i,'output_tokens':%i,"
        "'server_tool_use':null,'service_tier':null}",
        (ngx_int_t) talk->cache_creation, (ngx_int_t) talk->cache_creation,
        (ngx_int_t) talk->cache_read,
        (ngx_int_t) (talk->input_tokens - talk->cache_creation
                     - talk->cache_read),
        (ngx_int_t) output);
}


static ngx_int_t
ngx_http_argo_sim_message_stream(ngx_http_argo_sim_talk_t *talk,
    const ngx_str_t *redacted)
{
    argo_out_t                       out;
    ngx_uint_t                       i, index;
    const ngx_http_argo_sim_call_t  *call;
    ngx_http_argo_sim_print_t        print;

    argo_out_init(&out, talk->request->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL,
                  1);

    print.out = &out;
    print.python = 1;
    index = 0;

    ngx_http_argo_sim_message_begin(talk, &print);

    if (talk->ctx->options.ping) {
        argo_out_lit(&out, "event: ping\ndata: {\"type\": \"ping\"}\n\n");
    }

    if (redacted->len) {
        argo_out_lit(&out, "event: content_block_start\ndata: ");
        ngx_http_argo_sim_print(&print,
            "{'content_block':{'data':%s,'type':'redacted_thinking'},"
            "'index':%i,'type':'content_block_start'}\n\n",
            redacted, (ngx_int_t) index);
        ngx_http_argo_sim_message_stop(&print, &index);

    } else if (talk->think) {
        ngx_http_argo_sim_message_thinking(talk, &print, &index);
    }

    if (talk->text.len) {
        ngx_http_argo_sim_message_text(talk, &print, &index);
    }

    call = talk->calls.elts;

    for (i = 0; i < talk->calls.nelts; i++) {
        ngx_http_argo_sim_message_call(&print, &call[i], &index);
    }

    argo_out_lit(&out, "event: message_delta\ndata: ");

    ngx_http_argo_sim_print(&print,
        "{'delta':{'stop_reason':'%z','stop_sequence':%s,"
        "'stop_details':null},'type':'message_delta','usage':"
        "{'cache_creation_input_tokens':%i,'cache_read_input_tokens':%i,"
        "'input_tokens':%i,'output_tokens':%i,'server_tool_use':null}}\n\n",
        ngx_http_argo_sim_stop_reason(talk), &talk->sequence,
        (ngx_int_t) talk->cache_creation, (ngx_int_t) talk->cache_read,
        (ngx_int_t) (talk->input_tokens - talk->cache_creation
                     - talk->cache_read),
        (ngx_int_t) talk->output_tokens);

    argo_out_lit(&out, "event: message_stop\n"
                       "data: {\"type\": \"message_stop\"}\n\n");

    return ngx_http_argo_sim_events(talk, &out);
}


static void
ngx_http_argo_sim_message_begin(const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print)
{
    argo_out_lit(print->out, "event: message_start\ndata: ");

    ngx_http_argo_sim_print(print,
        "{'message':{'id':%s,'content':[],'model':%s,'role':'assistant',"
        "'stop_reason':null,'stop_sequence':null,'type':'message','usage':",
        &talk->id, &talk->model);

    /* what had been made when the first event was */

    ngx_http_argo_sim_message_usage(talk, print, talk->blocked ? 0
                                                 : talk->calls.nelts ? 16
                                                 : 8);

    ngx_http_argo_sim_print(print,
        ",'stop_details':null},'type':'message_start'}\n\n");
}


static void
ngx_http_argo_sim_message_thinking(const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print, ngx_uint_t *index)
{
    u_char     *p, *end;
    ngx_str_t   piece;

    argo_out_lit(print->out, "event: content_block_start\ndata: ");

    ngx_http_argo_sim_print(print,
        "{'content_block':{'signature':'','thinking':'','type':'thinking'},"
        "'index':%i,'type':'content_block_start'}\n\n", (ngx_int_t) *index);

    p = talk->thinking.data;
    end = p + talk->thinking.len;

    while (p < end) {
        piece.data = p;
        p = ngx_http_argo_sim_piece_of(talk, p, end);
        piece.len = p - piece.data;

        ngx_http_argo_sim_message_delta(print, "thinking", &piece,
                                        "thinking_delta", *index);
    }

    ngx_http_argo_sim_message_delta(print, "signature", &talk->signature,
                                    "signature_delta", *index);

    ngx_http_argo_sim_message_stop(print, index);
}


static void
ngx_http_argo_sim_message_text(const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print, ngx_uint_t *index)
{
    u_char     *p, *end;
    ngx_str_t   piece;

    argo_out_lit(print->out, "event: content_block_start\ndata: ");

    ngx_http_argo_sim_print(print,
        "{'content_block':{'citations':null,'text':'','type':'text'},"
        "'index':%i,'type':'content_block_start'}\n\n", (ngx_int_t) *index);

    p = talk->text.data;
    end = p + talk->text.len;

    while (p < end) {
        piece.data = p;
        p = talk->blocked ? end : ngx_http_argo_sim_piece_of(talk, p, end);
        piece.len = p - piece.data;

        ngx_http_argo_sim_message_delta(print, "text", &piece, "text_delta",
                                        *index);
    }

    ngx_http_argo_sim_message_stop(print, index);
}


static void
ngx_http_argo_sim_message_call(const ngx_http_argo_sim_print_t *print,
    const ngx_http_argo_sim_call_t *call, ngx_uint_t *index)
{
    u_char     *p, *end;
    ngx_str_t   piece;

    argo_out_lit(print->out, "event: content_block_start\ndata: ");

    ngx_http_argo_sim_print(print,
        "{'content_block':{'id':%s,'input':{},'name':'%r','type':'tool_use'},"
        "'index':%i,'type':'content_block_start'}\n\n",
        &call->id, &call->offer->name, (ngx_int_t) *index);

    p = call->arguments.data;
    end = p + call->arguments.len;

    /* the first one has nothing in it */
    ngx_str_set(&piece, "");

    for ( ;; ) {
        ngx_http_argo_sim_message_delta(print, "partial_json", &piece,
                                        "input_json_delta", *index);
        if (p == end) {
            break;
        }

        piece.data = p;
        p = ngx_http_argo_sim_fragment(p, end);
        piece.len = p - piece.data;
    }

    ngx_http_argo_sim_message_stop(print, index);
}


static void
ngx_http_argo_sim_message_delta(const ngx_http_argo_sim_print_t *print,
    const char *member, const ngx_str_t *piece, const char *type,
    ngx_uint_t index)
{
    argo_out_lit(print->out, "event: content_block_delta\ndata: ");

    ngx_http_argo_sim_print(print,
        "{'delta':{'%z':%s,'type':'%z'},'index':%i,"
        "'type':'content_block_delta'}\n\n",
        member, piece, type, (ngx_int_t) index);
}


static void
ngx_http_argo_sim_message_stop(const ngx_http_argo_sim_print_t *print,
    ngx_uint_t *index)
{
    argo_out_lit(print->out, "event: content_block_stop\ndata: ");

    ngx_http_argo_sim_print(print,
        "{'index':%i,'type':'content_block_stop'}\n\n",
        (ngx_int_t) (*index)++);
}


/* ARGO's own, as it was captured. */

static ngx_int_t
ngx_http_argo_sim_message_blocked(ngx_http_argo_sim_talk_t *talk)
{
    argo_out_t                 out;
    ngx_http_argo_sim_print_t  print;

    argo_out_init(&out, talk->request->pool, 1024, NULL, 1);

    print.out = &out;
    print.python = 0;

    ngx_http_argo_sim_print(&print,
        "{'id':%s,'type':'message','role':'assistant','content':"
        "[{'type':'text','text':%s}],'model':%s,'stop_reason':'end_turn',"
        "'usage':{'input_tokens':0,'output_tokens':0}}",
        &talk->id, &talk->text, &talk->model);

    return ngx_http_argo_sim_json(talk->request, talk->ctx, NGX_HTTP_OK,
                                  &out);
}


static const char *
ngx_http_argo_sim_stop_reason(const ngx_http_argo_sim_talk_t *talk)
{
    switch (talk->finish) {

    case NGX_HTTP_ARGO_SIM_CALLS:
        return "tool_use";

    case NGX_HTTP_ARGO_SIM_LENGTH:
        return "max_tokens";

    case NGX_HTTP_ARGO_SIM_STOP_SEQUENCE:
        return "stop_sequence";

    case NGX_HTTP_ARGO_SIM_REFUSAL:
        return "refusal";

    default:
        return "end_turn";
    }
}
