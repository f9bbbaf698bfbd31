
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as a client's request that goes up in another dialect than its
 * own, read there as a client's again.  What must hold: upstream would read
 * what the client has said
 *
 *     the same texts of the system, the user and the assistant, in order
 *     the same images, calls of tools and results of tools
 *     the same tools
 *
 * but for white space, which some dialects do not take everywhere, and for
 * what is put beside it.
 */


#define _GNU_SOURCE                     /* memmem() */

#include "argo_fuzz.h"
#include "argo_part.h"


typedef struct {
    const argo_front_t   *front;
    const argo_back_t    *back;
    const argo_front_t   *again;        /* who reads what back has written */
    const char           *model;
} fuzz_round_t;


typedef enum {
    FUZZ_SYSTEM = 0,
    FUZZ_USER,
    FUZZ_ASSISTANT,
    FUZZ_IMAGES,
    FUZZ_CALLS,
    FUZZ_RESULTS,
    FUZZ_TOOLS,
    FUZZ_SAID
} fuzz_said_e;


typedef struct {
    ngx_uint_t   n[FUZZ_SAID];
    ngx_str_t    text[FUZZ_SAID];
    ngx_uint_t   special;               /* tools that are no functions */
} fuzz_said_t;


static const fuzz_round_t  fuzz_rounds[] = {
    { &argo_openai_chat_front, &argo_anthropic_back, &argo_anthropic_front,
      "claudeopus46" },
    { &argo_openai_chat_front, &argo_openai_chat_back,
      &argo_openai_chat_front, "gpt4o" },
    { &argo_openai_completions_front, &argo_anthropic_back,
      &argo_anthropic_front, "claudeopus46" },
    { &argo_openai_completions_front, &argo_openai_chat_back,
      &argo_openai_chat_front, "gpt4o" },
    { &argo_openai_responses_front, &argo_openai_chat_back,
      &argo_openai_chat_front, "gpt4o" },
    { &argo_openai_responses_front, &argo_anthropic_back,
      &argo_anthropic_front, "claudeopus46" },
    { &argo_anthropic_front, &argo_openai_chat_back,
      &argo_openai_chat_front, "gpt4o" },
    { &argo_anthropic_front, &argo_anthropic_back, &argo_anthropic_front,
      "claudeopus46" },
    { &argo_gemini_front, &argo_openai_chat_back, &argo_openai_chat_front,
      "gemini25pro" },
    { &argo_gemini_front, &argo_anthropic_back, &argo_anthropic_front,
      "claudeopus46" },
    { NULL, NULL, NULL, NULL }
};


/* Room for what a request says; nothing in it is said twice. */

static void
fuzz_room(ngx_pool_t *pool, fuzz_said_t *said, size_t size)
{
    ngx_uint_t  i;

    said->special = 0;

    for (i = 0; i < FUZZ_SAID; i++) {
        said->n[i] = 0;
        said->text[i].len = 0;
        said->text[i].data = ngx_pnalloc(pool, size);

        FUZZ_CHECK(said->text[i].data != NULL);
    }
}


/* Appends the inside of a JSON string, unescaped and without white space. */

static void
fuzz_say(fuzz_said_t *said, fuzz_said_e what, const ngx_str_t *text)
{
    u_char      buf[64], *src, *end;
    size_t      i, n;
    ngx_str_t  *to;

    if (text->len == 0) {
        return;
    }

    to = &said->text[what];
    src = text->data;
    end = src + text->len;

    while (src < end) {
        n = argo_json_unescape(&src, end, buf, sizeof(buf));

        for (i = 0; i < n; i++) {
            if (buf[i] > ' ') {
                to->data[to->len++] = buf[i];
            }
        }
    }
}


/* The same of JSON as it stands. */

static void
fuzz_say_raw(fuzz_said_t *said, fuzz_said_e what, const ngx_str_t *text)
{
    size_t      i;
    ngx_str_t  *to;

    to = &said->text[what];

    for (i = 0; i < text->len; i++) {
        if (text->data[i] > ' ') {
            to->data[to->len++] = text->data[i];
        }
    }
}


static void
fuzz_part(ngx_pool_t *pool, fuzz_said_t *said, argo_role_e role,
    const argo_part_t *part)
{
    size_t       none;
    ngx_str_t    url;
    argo_out_t   out;
    fuzz_said_e  who;

    who = (role == ARGO_ROLE_SYSTEM) ? FUZZ_SYSTEM
          : (role == ARGO_ROLE_ASSISTANT) ? FUZZ_ASSISTANT
          : (role == ARGO_ROLE_TOOL) ? FUZZ_RESULTS : FUZZ_USER;

    switch (part->type) {

    case ARGO_PART_TEXT:
        fuzz_say(said, who, &part->text);
        break;

    case ARGO_PART_IMAGE:
        said->n[FUZZ_IMAGES]++;

        argo_out_init(&out, pool, 512, NULL, 1);
        argo_part_write_url(part, &out);
        url = fuzz_flat(pool, &out);
        fuzz_say(said, FUZZ_IMAGES, &url);
        break;

    case ARGO_PART_TOOL_CALL:
        said->n[FUZZ_CALLS]++;
        fuzz_say(said, FUZZ_CALLS, &part->name);

        if (part->args) {
            fuzz_say_raw(said, FUZZ_CALLS, &part->args->raw);

        } else if (!part->custom) {
            none = said->text[FUZZ_CALLS].len;
            fuzz_say(said, FUZZ_CALLS, &part->text);

            if (said->text[FUZZ_CALLS].len == none) {
                ngx_str_set(&url, "{}");
                fuzz_say(said, FUZZ_CALLS, &url);
            }
        }

        break;

    case ARGO_PART_TOOL_RESULT:
        said->n[FUZZ_RESULTS]++;

        for (part = part->parts; part; part = part->next) {
            fuzz_part(pool, said, ARGO_ROLE_TOOL, part);
        }

        break;

    default:
        break;
    }
}


static void
fuzz_refusal(fuzz_said_t *said, const argo_json_t *refusal)
{
    ngx_str_t  text;

    if (refusal && refusal->type == ARGO_JSON_STRING) {
        text = argo_json_inner(refusal);
        fuzz_say(said, FUZZ_ASSISTANT, &text);
    }
}


static void
fuzz_listen(ngx_pool_t *pool, const argo_request_t *req, fuzz_said_t *said)
{
    ngx_str_t              text;
    argo_part_t           *part;
    const argo_tool_t     *tool;
    const argo_message_t  *message;

    fuzz_room(pool, said, 4 * req->document.len + 4096);

    for (message = req->messages; message; message = message->next) {
        for (part = message->parts; part; part = part->next) {
            fuzz_part(pool, said, message->role, part);
        }

        if (message->parts == NULL && message->role == ARGO_ROLE_ASSISTANT
            && message->node)
        {
            /* one that has refused has said so */
            fuzz_refusal(said, argo_json_get(message->node, "refusal"));
        }
    }

    for (tool = req->tools; tool; tool = tool->next) {

        if (tool->type || tool->custom) {
            said->special = 1;
            continue;
        }

        said->n[FUZZ_TOOLS]++;
        fuzz_say(said, FUZZ_TOOLS, &tool->name);

        if (tool->description && tool->description->type == ARGO_JSON_STRING)
        {
            text = argo_json_inner(tool->description);
            fuzz_say(said, FUZZ_TOOLS, &text);
        }
    }
}


static ngx_uint_t
fuzz_holds(const ngx_str_t *s, const ngx_str_t *part)
{
    return part->len == 0
           || (s->len && memmem(s->data, s->len, part->data, part->len));
}


static ngx_int_t
fuzz_ask(ngx_pool_t *pool, const argo_front_t *front, const char *model,
    argo_request_t *req)
{
    argo_error_t  err;

    if (argo_json_parse(pool, &req->document, front->tree_depth, &req->root,
                        &err) != NGX_OK
        || req->root->type != ARGO_JSON_OBJECT)
    {
        return NGX_DECLINED;
    }

    req->dialect = front->dialect;
    req->model.data = (u_char *) model;
    req->model.len = strlen(model);
    ngx_str_set(&req->user, "jdoe");

    if (front->read_request(pool, req, &err) != NGX_OK) {
        return NGX_DECLINED;
    }

    req->model.data = (u_char *) model;
    req->model.len = strlen(model);

    return argo_model_resolve(pool, fuzz_table, &req->model, &req->target,
                              &err);
}


static void
fuzz_round(ngx_pool_t *pool, const fuzz_round_t *round,
    const ngx_str_t *document)
{
    ngx_uint_t       i;
    argo_out_t       out;
    argo_call_t      call;
    argo_error_t     err;
    fuzz_said_t      said, heard;
    argo_request_t   req, again;

    memset(&req, 0, sizeof(argo_request_t));
    memset(&call, 0, sizeof(argo_call_t));
    req.document = *document;

    if (fuzz_ask(pool, round->front, round->model, &req) != NGX_OK
        || req.next)
    {
        return;
    }

    fuzz_listen(pool, &req, &said);

    if (req.adapt && round->front->dialect != round->back->dialect
        && req.adapt(pool, &req, round->back->dialect, &err) != NGX_OK)
    {
        return;
    }

    if (round->back->plan_call(pool, &req, 0, &call, &err) != NGX_OK) {
        return;
    }

    memset(&again, 0, sizeof(argo_request_t));

    argo_out_init(&out, pool, 512, NULL, 0);
    round->back->write_request(&req, &call, &out);
    again.document = fuzz_flat(pool, &out);

    if (fuzz_ask(pool, round->again, round->model, &again) != NGX_OK) {
        /* ARGO may take what is refused here, and the other way round */
        return;
    }

    fuzz_listen(pool, &again, &heard);

    for (i = 0; i < FUZZ_SAID; i++) {

        if (i == FUZZ_TOOLS && said.special) {
            /* they may be functions there, between the others */
            continue;
        }

        if (!fuzz_holds(&heard.text[i], &said.text[i])
            || said.n[i] > heard.n[i])
        {
            fprintf(stderr, "%s to %s, %u: %u of %u\n%.*s\n%.*s\n%.*s\n",
                    (char *) round->front->name.data,
                    (char *) round->back->name.data, (unsigned) i,
                    (unsigned) heard.n[i], (unsigned) said.n[i],
                    (int) said.text[i].len, said.text[i].data,
                    (int) heard.text[i].len, heard.text[i].data,
                    (int) again.document.len, again.document.data);
            abort();
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t            document;
    ngx_pool_t          *pool;
    const fuzz_round_t  *round;

    fuzz_open();

    document.len = size;
    document.data = malloc(size ? size : 1);
    FUZZ_CHECK(document.data);

    if (size) {
        memcpy(document.data, data, size);
    }

    for (round = fuzz_rounds; round->front; round++) {
        pool = ngx_create_pool(4096, NULL);
        FUZZ_CHECK(pool != NULL);

        fuzz_round(pool, round, &document);

        ngx_destroy_pool(pool);
    }

    free(document.data);

    return 0;
}
