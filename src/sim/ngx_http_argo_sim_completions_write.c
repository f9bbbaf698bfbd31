
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * POST v1/chat/completions: the reply.  OpenAI's models answer through
 * Azure, with whatever its library knows; the others in what ARGO itself
 * makes of their answers, which is little.
 */


#include "ngx_http_argo_sim_native.h"


#define NGX_HTTP_ARGO_SIM_SAFE                                                \
    "{'filtered':false,'severity':'safe'}"

#define NGX_HTTP_ARGO_SIM_NOT_FOUND                                           \
    "{'detected':false,'filtered':false}"

#define NGX_HTTP_ARGO_SIM_ANSWER_FILTERS                                      \
    "{'hate':" NGX_HTTP_ARGO_SIM_SAFE                                         \
    ",'protected_material_code':" NGX_HTTP_ARGO_SIM_NOT_FOUND                 \
    ",'protected_material_text':" NGX_HTTP_ARGO_SIM_NOT_FOUND                 \
    ",'self_harm':" NGX_HTTP_ARGO_SIM_SAFE                                    \
    ",'sexual':" NGX_HTTP_ARGO_SIM_SAFE                                       \
    ",'violence':" NGX_HTTP_ARGO_SIM_SAFE "}"

#define NGX_HTTP_ARGO_SIM_PROMPT_FILTERS                                      \
    "{'hate':" NGX_HTTP_ARGO_SIM_SAFE                                         \
    ",'jailbreak':" NGX_HTTP_ARGO_SIM_NOT_FOUND                               \
    ",'self_harm':" NGX_HTTP_ARGO_SIM_SAFE                                    \
    ",'sexual':" NGX_HTTP_ARGO_SIM_SAFE                                       \
    ",'violence':" NGX_HTTP_ARGO_SIM_SAFE "}"

#define NGX_HTTP_ARGO_SIM_DELTA_FILTERS                                       \
    "{'protected_material_code':" NGX_HTTP_ARGO_SIM_NOT_FOUND "}"

/* what a chunk of Azure's has besides names and dates; NULL: null */

typedef struct {
    const char       *role;
    const ngx_str_t  *content;
    const ngx_str_t  *refusal;
    const char       *finish;
    const char       *filters;

    /* a part of a call */
    ngx_uint_t        index;
    const ngx_http_argo_sim_call_t  *call;
    const ngx_str_t  *arguments;            /* NULL: its beginning */
} ngx_http_argo_sim_chunk_t;


static ngx_int_t ngx_http_argo_sim_azure(ngx_http_argo_sim_talk_t *talk);
static void ngx_http_argo_sim_azure_usage(
    const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print);
static ngx_int_t ngx_http_argo_sim_azure_stream(
    ngx_http_argo_sim_talk_t *talk);
static void ngx_http_argo_sim_azure_calls(
    const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print, uint64_t *noise);
static void ngx_http_argo_sim_azure_chunk(
    const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print,
    const ngx_http_argo_sim_chunk_t *chunk, uint64_t *noise);
static void ngx_http_argo_sim_azure_delta_call(
    const ngx_http_argo_sim_print_t *print,
    const ngx_http_argo_sim_chunk_t *chunk);
static void ngx_http_argo_sim_azure_tail(
    const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print);
static ngx_int_t ngx_http_argo_sim_plain(ngx_http_argo_sim_talk_t *talk);
static ngx_int_t ngx_http_argo_sim_plain_stream(
    ngx_http_argo_sim_talk_t *talk);
static void ngx_http_argo_sim_plain_chunk(
    const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print, const char *role,
    const ngx_str_t *content, ngx_int_t call, const char *finish);
static void ngx_http_argo_sim_plain_calls(
    const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print);
static const char *ngx_http_argo_sim_finish_reason(
    const ngx_http_argo_sim_talk_t *talk);
static ngx_uint_t ngx_http_argo_sim_wants_usage(
    const ngx_http_argo_sim_talk_t *talk);


ngx_int_t
ngx_http_argo_sim_write_completion(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t                         rc;
    const ngx_http_argo_sim_model_t  *model;

    model = talk->ctx->model;

    if (talk->blocked) {
        return talk->stream ? ngx_http_argo_sim_plain_stream(talk)
                            : ngx_http_argo_sim_plain(talk);
    }

    switch (model->family) {

    case NGX_HTTP_ARGO_SIM_ANTHROPIC:
        rc = ngx_http_argo_sim_id(talk, "msg_vrtx_01", 22, 0, 0, &talk->id);
        break;

    case NGX_HTTP_ARGO_SIM_GOOGLE:
        rc = ngx_http_argo_sim_id(talk, "", 23, 0, 0, &talk->id);
        break;

    default:
        rc = ngx_http_argo_sim_id(talk, "chatcmpl-", 29, 0, 0, &talk->id);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (model->family == NGX_HTTP_ARGO_SIM_OPENAI) {
        return talk->stream ? ngx_http_argo_sim_azure_stream(talk)
                            : ngx_http_argo_sim_azure(talk);
    }

    return talk->stream ? ngx_http_argo_sim_plain_stream(talk)
                        : ngx_http_argo_sim_plain(talk);
}


static ngx_int_t
ngx_http_argo_sim_azure(ngx_http_argo_sim_talk_t *talk)
{
    argo_out_t                 out;
    ngx_str_t                  null;
    ngx_uint_t                 refused, filtered;
    ngx_http_argo_sim_print_t  print;

    argo_out_init(&out, talk->request->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL,
                  1);

    print.out = &out;
    print.python = 0;

    ngx_str_null(&null);

    refused = (talk->finish == NGX_HTTP_ARGO_SIM_REFUSAL);
    filtered = (talk->text.len && talk->calls.nelts == 0);

    ngx_http_argo_sim_print(&print,
        "{'id':%s,'choices':[{'finish_reason':'%z','index':0,'logprobs':null,"
        "'message':{'content':%s,'refusal':%s,'role':'assistant',"
        "'audio':null,'function_call':null,'tool_calls':",
        &talk->id, ngx_http_argo_sim_finish_reason(talk),
        refused ? &null : &talk->text, refused ? &talk->text : &null);

    ngx_http_argo_sim_plain_calls(talk, &print);

    ngx_http_argo_sim_print(&print,
        ",'annotations':[]},'content_filter_results':");

    ngx_http_argo_sim_print(&print,
        filtered ? NGX_HTTP_ARGO_SIM_ANSWER_FILTERS : "{}");

    ngx_http_argo_sim_print(&print,
        "}],'created':%i,'model':%s,'object':'chat.completion',"
        "'service_tier':'default','system_fingerprint':null,'usage':",
        (ngx_int_t) ngx_time(), &talk->model);

    ngx_http_argo_sim_azure_usage(talk, &print);

    ngx_http_argo_sim_print(&print,
        ",'prompt_filter_results':[{'prompt_index':0,"
        "'content_filter_results':");

    ngx_http_argo_sim_print(&print,
        filtered ? NGX_HTTP_ARGO_SIM_PROMPT_FILTERS "}]}" : "{}}]}");

    return ngx_http_argo_sim_json(talk->request, talk->ctx, NGX_HTTP_OK,
                                  &out);
}


static void
ngx_http_argo_sim_azure_usage(const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print)
{
    ngx_http_argo_sim_print(print,
        "{'completion_tokens':%i,'prompt_tokens':%i,'total_tokens':%i,"
        "'completion_tokens_details':{'accepted_prediction_tokens':0,"
        "'audio_tokens':0,'reasoning_tokens':%i,"
        "'rejected_prediction_tokens':0},'prompt_tokens_details':"
        "{'audio_tokens':0,'cached_tokens':%i}}",
        (ngx_int_t) talk->output_tokens, (ngx_int_t) talk->input_tokens,
        (ngx_int_t) (talk->output_tokens + talk->input_tokens),
        (ngx_int_t) talk->reasoning_tokens, (ngx_int_t) talk->cache_read);
}


static ngx_int_t
ngx_http_argo_sim_azure_stream(ngx_http_argo_sim_talk_t *talk)
{
    u_char                     *p, *end;
    uint64_t                    noise;
    ngx_str_t                   piece;
    argo_out_t                  out;
    ngx_uint_t                  refused;
    ngx_http_argo_sim_chunk_t   chunk;
    ngx_http_argo_sim_print_t   print;

    argo_out_init(&out, talk->request->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL,
                  1);

    print.out = &out;
    print.python = 1;

    noise = ngx_http_argo_sim_hash(4, talk->id.data, talk->id.len);
    refused = (talk->finish == NGX_HTTP_ARGO_SIM_REFUSAL);

    ngx_http_argo_sim_print(&print,
        "data:{'id':'','choices':[],'created':0,'model':'','object':'',"
        "'service_tier':null,'system_fingerprint':null,'usage':null,"
        "'prompt_filter_results':[{'prompt_index':0,"
        "'content_filter_results':");

    ngx_http_argo_sim_print(&print,
        talk->text.len && talk->calls.nelts == 0
        ? NGX_HTTP_ARGO_SIM_PROMPT_FILTERS "}]}\n\n" : "{}}]}\n\n");

    ngx_str_set(&piece, "");

    if (talk->text.len || talk->calls.nelts == 0) {
        ngx_memzero(&chunk, sizeof(ngx_http_argo_sim_chunk_t));
        chunk.role = "assistant";
        chunk.content = &piece;
        ngx_http_argo_sim_azure_chunk(talk, &print, &chunk, &noise);
    }

    p = talk->text.data;
    end = p + talk->text.len;

    while (p < end) {
        piece.data = p;
        p = ngx_http_argo_sim_piece_of(talk, p, end);
        piece.len = p - piece.data;

        ngx_memzero(&chunk, sizeof(ngx_http_argo_sim_chunk_t));
        chunk.content = refused ? NULL : &piece;
        chunk.refusal = refused ? &piece : NULL;
        chunk.filters = NGX_HTTP_ARGO_SIM_DELTA_FILTERS;
        ngx_http_argo_sim_azure_chunk(talk, &print, &chunk, &noise);
    }

    ngx_http_argo_sim_azure_calls(talk, &print, &noise);

    ngx_memzero(&chunk, sizeof(ngx_http_argo_sim_chunk_t));
    chunk.finish = ngx_http_argo_sim_finish_reason(talk);
    ngx_http_argo_sim_azure_chunk(talk, &print, &chunk, &noise);

    if (!talk->ctx->options.nousage) {
        ngx_http_argo_sim_print(&print, "data:{'id':%s,'choices':[]",
                                &talk->id);
        ngx_http_argo_sim_azure_tail(talk, &print);
        ngx_http_argo_sim_azure_usage(talk, &print);
        ngx_http_argo_sim_obfuscate(&print, &noise);
        argo_out_lit(&out, "}\n\n");
    }

    argo_out_lit(&out, "data: [DONE]\n\n");

    return ngx_http_argo_sim_events(talk, &out);
}


static void
ngx_http_argo_sim_azure_calls(const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print, uint64_t *noise)
{
    u_char                     *p, *end;
    ngx_str_t                   piece;
    ngx_uint_t                  i;
    ngx_http_argo_sim_call_t   *call;
    ngx_http_argo_sim_chunk_t   chunk;

    call = talk->calls.elts;

    for (i = 0; i < talk->calls.nelts; i++) {

        ngx_memzero(&chunk, sizeof(ngx_http_argo_sim_chunk_t));
        chunk.role = (i == 0 && talk->text.len == 0) ? "assistant" : NULL;
        chunk.index = i;
        chunk.call = &call[i];
        ngx_http_argo_sim_azure_chunk(talk, print, &chunk, noise);

        p = call[i].arguments.data;
        end = p + call[i].arguments.len;

        while (p < end) {
            piece.data = p;
            p = ngx_http_argo_sim_fragment(p, end);
            piece.len = p - piece.data;

            chunk.role = NULL;
            chunk.arguments = &piece;
            ngx_http_argo_sim_azure_chunk(talk, print, &chunk, noise);
        }
    }
}


static void
ngx_http_argo_sim_azure_chunk(const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print,
    const ngx_http_argo_sim_chunk_t *chunk, uint64_t *noise)
{
    ngx_str_t  null, role, finish;

    ngx_str_null(&null);

    role.data = (u_char *) chunk->role;
    role.len = chunk->role ? ngx_strlen(chunk->role) : 0;

    finish.data = (u_char *) chunk->finish;
    finish.len = chunk->finish ? ngx_strlen(chunk->finish) : 0;

    ngx_http_argo_sim_print(print,
        "data:{'id':%s,'choices':[{'delta':{'content':%s,"
        "'function_call':null,'refusal':%s,'role':%s,'tool_calls':",
        &talk->id, chunk->content ? chunk->content : &null,
        chunk->refusal ? chunk->refusal : &null, &role);

    if (chunk->call) {
        ngx_http_argo_sim_azure_delta_call(print, chunk);

    } else {
        argo_out_lit(print->out, "null");
    }

    ngx_http_argo_sim_print(print,
        "},'finish_reason':%s,'index':0,'logprobs':null,"
        "'content_filter_results':", &finish);

    ngx_http_argo_sim_print(print, chunk->filters ? chunk->filters : "{}");
    ngx_http_argo_sim_print(print, "}]");

    ngx_http_argo_sim_azure_tail(talk, print);
    argo_out_lit(print->out, "null");
    ngx_http_argo_sim_obfuscate(print, noise);
    argo_out_lit(print->out, "}\n\n");
}


static void
ngx_http_argo_sim_azure_delta_call(const ngx_http_argo_sim_print_t *print,
    const ngx_http_argo_sim_chunk_t *chunk)
{
    ngx_str_t                        none;
    ngx_uint_t                       custom;
    const ngx_http_argo_sim_call_t  *call;

    call = chunk->call;
    custom = (call->offer->kind == NGX_HTTP_ARGO_SIM_CUSTOM);

    ngx_str_set(&none, "");

    ngx_http_argo_sim_print(print, "[{'index':%i,'id':",
                            (ngx_int_t) chunk->index);

    if (chunk->arguments == NULL) {
        ngx_http_argo_sim_print(print,
            custom ? "%s,'function':null,'type':'custom','custom':"
                     "{'input':%s,'name':'%r'}}]"
                   : "%s,'function':{'arguments':%s,'name':'%r'},"
                     "'type':'function'}]",
            &call->id, &none, &call->offer->name);

    } else {
        ngx_http_argo_sim_print(print,
            custom ? "null,'function':null,'type':null,'custom':"
                     "{'input':%s,'name':null}}]"
                   : "null,'function':{'arguments':%s,'name':null},"
                     "'type':null}]",
            chunk->arguments);
    }
}


static void
ngx_http_argo_sim_azure_tail(const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print)
{
    ngx_http_argo_sim_print(print,
        ",'created':%i,'model':%s,'object':'chat.completion.chunk',"
        "'service_tier':'default','system_fingerprint':null,'usage':",
        (ngx_int_t) ngx_time(), &talk->model);
}


static ngx_int_t
ngx_http_argo_sim_plain(ngx_http_argo_sim_talk_t *talk)
{
    argo_out_t                 out;
    ngx_str_t                  content;
    ngx_http_argo_sim_print_t  print;

    argo_out_init(&out, talk->request->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL,
                  1);

    print.out = &out;
    print.python = 0;

    content = talk->text;

    if (content.len == 0 && talk->calls.nelts) {
        ngx_str_null(&content);
    }

    ngx_http_argo_sim_print(&print,
        "{'id':%s,'object':'chat.completion','created':%i,'model':%s,"
        "'choices':[{'index':0,'message':{'role':'assistant','content':%s",
        &talk->id, (ngx_int_t) ngx_time(), &talk->model, &content);

    if (!talk->blocked) {
        ngx_http_argo_sim_print(&print, ",'tool_calls':");
        ngx_http_argo_sim_plain_calls(talk, &print);
    }

    ngx_http_argo_sim_print(&print,
        "},'finish_reason':'%z'}],'usage':{'prompt_tokens':%i,"
        "'completion_tokens':%i,'total_tokens':%i}}",
        ngx_http_argo_sim_finish_reason(talk),
        (ngx_int_t) talk->input_tokens, (ngx_int_t) talk->output_tokens,
        (ngx_int_t) (talk->input_tokens + talk->output_tokens));

    return ngx_http_argo_sim_json(talk->request, talk->ctx, NGX_HTTP_OK,
                                  &out);
}


static ngx_int_t
ngx_http_argo_sim_plain_stream(ngx_http_argo_sim_talk_t *talk)
{
    u_char                     *p, *end;
    ngx_str_t                   piece;
    argo_out_t                  out;
    const char                 *role;
    ngx_uint_t                  i;
    ngx_http_argo_sim_print_t   print;

    argo_out_init(&out, talk->request->pool, NGX_HTTP_ARGO_SIM_BLOCK, NULL,
                  1);

    print.out = &out;
    print.python = 1;

    role = "assistant";
    p = talk->text.data;
    end = p + talk->text.len;

    while (p < end) {
        piece.data = p;
        p = talk->blocked ? end : ngx_http_argo_sim_piece_of(talk, p, end);
        piece.len = p - piece.data;

        ngx_http_argo_sim_plain_chunk(talk, &print, role, &piece, -1, NULL);
        role = NULL;
    }

    for (i = 0; i < talk->calls.nelts; i++) {
        ngx_http_argo_sim_plain_chunk(talk, &print, role, NULL, i, NULL);
        role = NULL;
    }

    ngx_http_argo_sim_plain_chunk(talk, &print, role, NULL, -1,
                                  ngx_http_argo_sim_finish_reason(talk));

    if (!talk->blocked && ngx_http_argo_sim_wants_usage(talk)) {
        ngx_http_argo_sim_print(&print,
            "data:{'choices':[],'id':%s,'object':'chat.completion.chunk',"
            "'created':%i,'model':%s,'usage':{'prompt_tokens':%i,"
            "'completion_tokens':%i,'total_tokens':%i}}\n\n",
            &talk->id, (ngx_int_t) ngx_time(), &talk->model,
            (ngx_int_t) talk->input_tokens, (ngx_int_t) talk->output_tokens,
            (ngx_int_t) (talk->input_tokens + talk->output_tokens));
    }

    argo_out_lit(&out, "data: [DONE]\n\n");

    return ngx_http_argo_sim_events(talk, &out);
}


/* One call at most, whole; call < 0: none. */

static void
ngx_http_argo_sim_plain_chunk(const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print, const char *role,
    const ngx_str_t *content, ngx_int_t call, const char *finish)
{
    ngx_str_t                        reason;
    const ngx_http_argo_sim_call_t  *calls;

    calls = talk->calls.elts;

    ngx_http_argo_sim_print(print, "data:{'choices':[{'delta':{");

    if (role) {
        ngx_http_argo_sim_print(print, "'role':'%z'", role);
    }

    if (role && (content || call >= 0)) {
        ngx_http_argo_sim_print(print, ",");
    }

    if (content) {
        ngx_http_argo_sim_print(print, "'content':%s", content);
    }

    if (call >= 0) {
        ngx_http_argo_sim_print(print,
            "'tool_calls':[{'index':%i,'id':%s,'type':'function','function':"
            "{'name':'%r','arguments':%s}}]",
            call, &calls[call].id, &calls[call].offer->name,
            &calls[call].arguments);
    }

    reason.data = (u_char *) finish;
    reason.len = finish ? ngx_strlen(finish) : 0;

    ngx_http_argo_sim_print(print,
        "},'index':0,'finish_reason':%s}],'id':%s,"
        "'object':'chat.completion.chunk','created':%i,'model':%s}\n\n",
        &reason, &talk->id, (ngx_int_t) ngx_time(), &talk->model);
}


/* A unary reply's list of calls, or null. */

static void
ngx_http_argo_sim_plain_calls(const ngx_http_argo_sim_talk_t *talk,
    const ngx_http_argo_sim_print_t *print)
{
    ngx_uint_t                       i;
    const ngx_http_argo_sim_call_t  *call;

    if (talk->calls.nelts == 0) {
        argo_out_lit(print->out, "null");
        return;
    }

    call = talk->calls.elts;

    for (i = 0; i < talk->calls.nelts; i++) {
        ngx_http_argo_sim_print(print, i ? "," : "[");

        ngx_http_argo_sim_print(print,
            call[i].offer->kind == NGX_HTTP_ARGO_SIM_CUSTOM
            ? "{'id':%s,'custom':{'input':%s,'name':'%r'},'type':'custom'}"
            : "{'id':%s,'function':{'arguments':%s,'name':'%r'},"
              "'type':'function'}",
            &call[i].id, &call[i].arguments, &call[i].offer->name);
    }

    argo_out_lit(print->out, "]");
}


static const char *
ngx_http_argo_sim_finish_reason(const ngx_http_argo_sim_talk_t *talk)
{
    switch (talk->finish) {

    case NGX_HTTP_ARGO_SIM_CALLS:
        return "tool_calls";

    case NGX_HTTP_ARGO_SIM_LENGTH:
        /* of Gemini a cut never shows */
        return talk->ctx->model->family == NGX_HTTP_ARGO_SIM_GOOGLE
               ? "stop" : "length";

    default:
        return "stop";
    }
}


static ngx_uint_t
ngx_http_argo_sim_wants_usage(const ngx_http_argo_sim_talk_t *talk)
{
    argo_json_t  *options, *usage;

    if (talk->ctx->options.nousage) {
        return 0;
    }

    options = ngx_http_argo_sim_member(talk->ctx->root, "stream_options");
    usage = options ? argo_json_get(options, "include_usage") : NULL;

    return usage && usage->type == ARGO_JSON_TRUE;
}
