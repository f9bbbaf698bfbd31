
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's Responses, what a client sends: items become the messages of a
 * conversation.  What needs a memory that outlives the request is refused by
 * name.  docs/conversion/responses.md has the tables.
 */


#include "argo_openai_responses.h"
#include "argo_json_write.h"
#include "argo_part.h"


#define ARGO_RESPONSES_BLOCK  1024


/* input on its way to messages */

typedef struct {
    argo_openai_place_t   at;
    argo_request_t       *req;
    argo_message_t       *assistant;    /* that the next item may join */
    argo_part_t         **last;         /* of its parts */
    argo_part_t          *thoughts;     /* for what the assistant says next */
    argo_part_t         **last_thought;
    ngx_str_t             signature;    /* likewise, Google's */
    ngx_uint_t            messages;     /* made of items */
    unsigned              calls:1;      /* it has called a tool */
} argo_responses_reader_t;


typedef ngx_int_t (*argo_responses_item_pt)(argo_responses_reader_t *in,
    argo_json_t *item);

typedef struct {
    const char               *type;
    argo_responses_item_pt    read;
} argo_responses_item_type_t;


static ngx_int_t argo_openai_responses_read_item(argo_responses_reader_t *in,
    argo_json_t *item);
static const char *argo_openai_responses_hosted_item(
    const argo_json_t *type);
static ngx_int_t argo_openai_responses_read_message(
    argo_responses_reader_t *in, argo_json_t *item);
static ngx_int_t argo_openai_responses_read_role(argo_responses_reader_t *in,
    argo_json_t *item, argo_role_e *role);
static ngx_int_t argo_openai_responses_read_call(argo_responses_reader_t *in,
    argo_json_t *item, argo_responses_kind_e kind);
static ngx_int_t argo_openai_responses_read_call_name(
    argo_responses_reader_t *in, argo_json_t *item,
    argo_responses_kind_e kind, ngx_str_t *flat);
static ngx_int_t argo_openai_responses_read_arguments(
    argo_responses_reader_t *in, argo_json_t *item,
    argo_responses_kind_e kind, ngx_str_t *text);
static ngx_int_t argo_openai_responses_read_call_id(
    argo_responses_reader_t *in, argo_json_t *item,
    argo_responses_kind_e kind, ngx_str_t *id);
static ngx_int_t argo_openai_responses_read_output(
    argo_responses_reader_t *in, argo_json_t *item,
    argo_responses_kind_e kind);
static ngx_int_t argo_openai_responses_read_result(
    argo_responses_reader_t *in, argo_json_t *item,
    argo_responses_kind_e kind, argo_part_t *part);
static ngx_int_t argo_openai_responses_read_reasoning(
    argo_responses_reader_t *in, argo_json_t *item);
static ngx_int_t argo_openai_responses_read_signature(
    argo_responses_reader_t *in, argo_json_t *item, argo_part_t *part);
static ngx_int_t argo_openai_responses_read_summary(
    argo_responses_reader_t *in, argo_json_t *item, ngx_str_t *text);
static ngx_int_t argo_openai_responses_read_more_tools(
    argo_responses_reader_t *in, argo_json_t *item);
static ngx_int_t argo_openai_responses_read_content(
    argo_responses_reader_t *in, const char *member, argo_json_t *content,
    argo_part_t **parts, ngx_uint_t *string);
static ngx_int_t argo_openai_responses_read_part(argo_openai_place_t *at,
    argo_json_t *node, argo_part_t *part);
static ngx_int_t argo_openai_responses_read_image(argo_openai_place_t *at,
    argo_json_t *node, argo_part_t *part);
static ngx_int_t argo_openai_responses_read_file(argo_openai_place_t *at,
    argo_json_t *node, argo_part_t *part);
static argo_message_t *argo_openai_responses_add_message(
    argo_responses_reader_t *in, argo_role_e role);
static void argo_openai_responses_add_thoughts(argo_responses_reader_t *in);
static ngx_int_t argo_openai_responses_escape(ngx_pool_t *pool,
    const char *head, const ngx_str_t *text, const char *tail,
    ngx_str_t *escaped);


static const argo_responses_item_type_t  argo_responses_items[] = {
    { "message", argo_openai_responses_read_message },
    { "reasoning", argo_openai_responses_read_reasoning },
    { "additional_tools", argo_openai_responses_read_more_tools }
};


#define ARGO_RESPONSES_NITEMS                                                 \
    (sizeof(argo_responses_items) / sizeof(argo_responses_items[0]))


/* what OpenAI has run, and what is told of it */

static const char  *argo_responses_hosted_items[] = {
    "web_search_call dropped: only OpenAI's own models know it",
    "file_search_call dropped: only OpenAI's own models know it",
    "code_interpreter_call dropped: only OpenAI's own models know it",
    "image_generation_call dropped: only OpenAI's own models know it",
    "mcp_call dropped: only OpenAI's own models know it",
    "mcp_list_tools dropped: only OpenAI's own models know it",
    "mcp_approval_request dropped: only OpenAI's own models know it",
    "mcp_approval_response dropped: only OpenAI's own models know it"
};


#define ARGO_RESPONSES_NHOSTED                                                \
    (sizeof(argo_responses_hosted_items)                                      \
     / sizeof(argo_responses_hosted_items[0]))


ngx_int_t
argo_openai_responses_read_items(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *input, argo_error_t *err)
{
    ngx_int_t                 rc;
    argo_json_t              *item;
    argo_responses_reader_t   in;

    if (input->count == 0) {
        return argo_error_set(err, 400, "empty_array", "input",
                              "input must have at least one item");
    }

    ngx_memzero(&in, sizeof(argo_responses_reader_t));

    in.req = req;
    in.last_thought = &in.thoughts;
    in.at.pool = pool;
    in.at.err = err;
    in.at.fetch_images = req->fetch_images;
    in.at.list = "input";

    for (item = input->child; item; item = item->next) {

        in.at.part = -1;

        rc = argo_openai_responses_read_item(&in, item);
        if (rc != NGX_OK) {
            return rc;
        }

        in.at.item++;
    }

    if (in.messages == 0) {
        return argo_error_set(err, 400, "invalid_value", "input",
                              "input must have an item that says something");
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_item(argo_responses_reader_t *in,
    argo_json_t *item)
{
    ngx_int_t     rc;
    ngx_uint_t    i;
    const char   *name;
    argo_json_t  *type;

    if (item->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(&in->at, "", "an object", item);
    }

    type = argo_json_get(item, "type");

    if (type == NULL || type->type == ARGO_JSON_NULL) {

        /* only messages may go without, and references */

        if (argo_json_get(item, "role")) {
            return argo_openai_responses_read_message(in, item);
        }

        if (argo_json_get(item, "id")) {
            return argo_openai_wrong(&in->at, "", "unsupported_value",
                                     "refers to an earlier item: the "
                                     "gateway keeps none");
        }
    }

    rc = argo_openai_read_string(&in->at, item, ".type", &type);
    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < ARGO_RESPONSES_NITEMS; i++) {
        name = argo_responses_items[i].type;

        if (argo_json_text_is(type, name, ngx_strlen(name))) {
            return argo_responses_items[i].read(in, item);
        }
    }

    for (i = 0; i < ARGO_RESPONSES_NKINDS; i++) {
        name = argo_responses_kinds[i].call;

        if (argo_json_text_is(type, name, ngx_strlen(name))) {
            return argo_openai_responses_read_call(in, item, i);
        }

        name = argo_responses_kinds[i].output;

        if (argo_json_text_is(type, name, ngx_strlen(name))) {
            return argo_openai_responses_read_output(in, item, i);
        }
    }

    name = argo_openai_responses_hosted_item(type);

    if (name) {
        return argo_openai_responses_note(in->at.pool, in->req, "input",
                                          name);
    }

    if (argo_json_is(type, "item_reference")) {
        return argo_openai_wrong(&in->at, ".type", "unsupported_value",
                                 "must not be item_reference: the gateway "
                                 "keeps no items");
    }

    return argo_openai_wrong(&in->at, ".type", "unsupported_value",
                             "is of a kind that the model that was asked "
                             "for has no place for");
}


static const char *
argo_openai_responses_hosted_item(const argo_json_t *type)
{
    ngx_uint_t   i;
    const char  *note;

    for (i = 0; i < ARGO_RESPONSES_NHOSTED; i++) {
        note = argo_responses_hosted_items[i];

        if (argo_json_text_is(type, note, strchr(note, ' ') - note)) {
            return note;
        }
    }

    return NULL;
}


static ngx_int_t
argo_openai_responses_read_message(argo_responses_reader_t *in,
    argo_json_t *item)
{
    ngx_int_t         rc;
    ngx_uint_t        string;
    argo_role_e       role;
    argo_json_t      *content;
    argo_part_t      *parts;
    argo_message_t   *message;

    rc = argo_openai_responses_read_role(in, item, &role);
    if (rc != NGX_OK) {
        return rc;
    }

    content = argo_json_get(item, "content");

    if (content == NULL) {
        return argo_openai_missing(&in->at, ".content");
    }

    rc = argo_openai_responses_read_content(in, ".content", content, &parts,
                                            &string);
    if (rc != NGX_OK) {
        return rc;
    }

    if (parts == NULL) {
        return argo_openai_wrong(&in->at, ".content", "empty_array",
                                 "must have at least one part");
    }

    if (role == ARGO_ROLE_ASSISTANT && in->calls) {

        /* a call's results must follow it: what was said joins the call */

        message = in->assistant;
        message->string = 0;

    } else {
        message = argo_openai_responses_add_message(in, role);
        if (message == NULL) {
            return NGX_ERROR;
        }

        message->string = (string && in->thoughts == NULL) ? 1 : 0;
    }

    if (role == ARGO_ROLE_ASSISTANT) {
        argo_openai_responses_add_thoughts(in);
    }

    *in->last = parts;

    while (*in->last) {
        in->last = &(*in->last)->next;
    }

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_role(argo_responses_reader_t *in,
    argo_json_t *item, argo_role_e *role)
{
    ngx_int_t     rc;
    argo_json_t  *node;

    *role = ARGO_ROLE_OTHER;

    rc = argo_openai_read_string(&in->at, item, ".role", &node);
    if (rc != NGX_OK) {
        return rc;
    }

    if (argo_json_is(node, "user")) {
        *role = ARGO_ROLE_USER;

    } else if (argo_json_is(node, "assistant")) {
        *role = ARGO_ROLE_ASSISTANT;

    } else if (argo_json_is(node, "system")
               || argo_json_is(node, "developer"))
    {
        *role = ARGO_ROLE_SYSTEM;

    } else {
        return argo_openai_wrong(&in->at, ".role", "invalid_value",
                                 "must be one of user, assistant, system "
                                 "and developer");
    }

    return NGX_OK;
}


/* Calls of whatever kind are those of functions from here on. */

static ngx_int_t
argo_openai_responses_read_call(argo_responses_reader_t *in,
    argo_json_t *item, argo_responses_kind_e kind)
{
    const char    *member;
    ngx_int_t      rc;
    argo_part_t   *part;

    part = ngx_pcalloc(in->at.pool, sizeof(argo_part_t));
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->type = ARGO_PART_TOOL_CALL;
    part->node = item;

    rc = argo_openai_responses_read_call_id(in, item, kind, &part->id);

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_call_name(in, item, kind,
                                                  &part->name);
    }

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_arguments(in, item, kind,
                                                  &part->text);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    member = (kind == ARGO_RESPONSES_FUNCTION) ? ".arguments" : "";

    if (argo_openai_name_place(&in->at, member, &part->param) != NGX_OK) {
        return NGX_ERROR;
    }

    /* calls made at once, and what was said before, are one message */

    if (in->assistant == NULL
        && argo_openai_responses_add_message(in, ARGO_ROLE_ASSISTANT) == NULL)
    {
        return NGX_ERROR;
    }

    if (in->thoughts) {
        in->assistant->string = 0;
    }

    argo_openai_responses_add_thoughts(in);

    if (in->signature.len) {
        part->signature = in->signature;
        part->vendor = ARGO_FAMILY_GOOGLE;
        ngx_str_null(&in->signature);
    }

    *in->last = part;
    in->last = &part->next;
    in->calls = 1;

    return NGX_OK;
}


/* Some clients put a call's id where the item's own is. */

static ngx_int_t
argo_openai_responses_read_call_id(argo_responses_reader_t *in,
    argo_json_t *item, argo_responses_kind_e kind, ngx_str_t *id)
{
    ngx_int_t     rc;
    argo_json_t  *node;

    node = argo_json_get(item, "call_id");

    if ((node == NULL || node->type == ARGO_JSON_NULL)
        && argo_responses_kinds[kind].name && argo_json_get(item, "id"))
    {
        rc = argo_openai_read_string(&in->at, item, ".id", &node);

    } else {
        rc = argo_openai_read_string(&in->at, item, ".call_id", &node);
    }

    if (rc == NGX_OK) {
        *id = argo_json_inner(node);
    }

    return rc;
}


static ngx_int_t
argo_openai_responses_read_call_name(argo_responses_reader_t *in,
    argo_json_t *item, argo_responses_kind_e kind, ngx_str_t *flat)
{
    ngx_int_t     rc;
    ngx_str_t     name, space;
    argo_json_t  *node;

    ngx_str_null(&name);
    ngx_str_null(&space);

    if (argo_responses_kinds[kind].name == NULL) {

        rc = argo_openai_read_string(&in->at, item, ".name", &node);
        if (rc != NGX_OK) {
            return rc;
        }

        name = argo_json_inner(node);

        rc = argo_openai_responses_read_optional(&in->at, item, ".namespace",
                                                 ARGO_OPENAI_STRING,
                                                 "a string", &node);
        if (rc != NGX_OK) {
            return rc;
        }

        if (node) {
            space = argo_json_inner(node);
        }
    }

    return argo_openai_responses_flat_name(in->at.pool, in->req, kind, &space,
                                           &name, flat);
}


/* The inside of a string that is JSON, as a function's arguments are. */

static ngx_int_t
argo_openai_responses_read_arguments(argo_responses_reader_t *in,
    argo_json_t *item, argo_responses_kind_e kind, ngx_str_t *text)
{
    ngx_int_t     rc;
    ngx_str_t     inner;
    argo_json_t  *node;

    switch (kind) {

    case ARGO_RESPONSES_FUNCTION:
        rc = argo_openai_read_string(&in->at, item, ".arguments", &node);

        if (rc == NGX_OK) {
            *text = argo_json_inner(node);
        }

        return rc;

    case ARGO_RESPONSES_CUSTOM:
        rc = argo_openai_read_string(&in->at, item, ".input", &node);
        if (rc != NGX_OK) {
            return rc;
        }

        inner = argo_json_inner(node);

        return argo_openai_responses_escape(in->at.pool, "{\"input\":\"",
                                            &inner, "\"}", text);

    default:
        break;
    }

    node = argo_json_find(item, argo_responses_kinds[kind].member,
                          ngx_strlen(argo_responses_kinds[kind].member));

    if (node == NULL || node->type != ARGO_JSON_OBJECT) {
        return argo_openai_wrong(&in->at, "",
                                 node ? "invalid_type"
                                      : "missing_required_parameter",
                                 "must say, as an object, what was called");
    }

    return argo_openai_responses_escape(in->at.pool, "", &node->raw, "",
                                        text);
}


static ngx_int_t
argo_openai_responses_read_output(argo_responses_reader_t *in,
    argo_json_t *item, argo_responses_kind_e kind)
{
    ngx_int_t     rc;
    argo_part_t  *part;

    part = ngx_pcalloc(in->at.pool, sizeof(argo_part_t));
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->type = ARGO_PART_TOOL_RESULT;
    part->node = item;

    rc = argo_openai_responses_read_call_id(in, item, kind, &part->id);

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_result(in, item, kind, part);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    in->at.part = -1;

    if (argo_openai_name_place(&in->at, ".call_id", &part->param) != NGX_OK
        || argo_openai_responses_add_message(in, ARGO_ROLE_TOOL) == NULL)
    {
        return NGX_ERROR;
    }

    *in->last = part;

    return NGX_OK;
}


/*
 * Text or parts, or where the API has a form of its own, that as text: a
 * model can read it.  What a search for tools has found can be called.
 */

static ngx_int_t
argo_openai_responses_read_result(argo_responses_reader_t *in,
    argo_json_t *item, argo_responses_kind_e kind, argo_part_t *part)
{
    ngx_int_t     rc;
    ngx_uint_t    string;
    argo_json_t  *output;

    if (kind == ARGO_RESPONSES_TOOL_SEARCH) {
        rc = argo_openai_responses_read_more_tools(in, item);
        if (rc != NGX_OK) {
            return rc;
        }

        output = argo_json_get(item, "tools");

    } else {
        output = argo_json_get(item, "output");

        if (output == NULL && kind == ARGO_RESPONSES_APPLY_PATCH) {
            output = argo_json_get(item, "status");
        }
    }

    if (output == NULL) {
        return argo_openai_missing(&in->at, ".output");
    }

    if (argo_responses_kinds[kind].name == NULL
        || output->type == ARGO_JSON_STRING)
    {
        rc = argo_openai_responses_read_content(in, ".output", output,
                                                &part->parts, &string);
        if (rc != NGX_OK) {
            return rc;
        }

        part->string = string ? 1 : 0;

        return NGX_OK;
    }

    part->parts = ngx_pcalloc(in->at.pool, sizeof(argo_part_t));
    if (part->parts == NULL) {
        return NGX_ERROR;
    }

    part->string = 1;

    return argo_openai_responses_escape(in->at.pool, "", &output->raw, "",
                                        &part->parts->text);
}


/*
 * What a model thought goes back to the vendor alone that can read it, with
 * what the assistant says or calls next.
 */

static ngx_int_t
argo_openai_responses_read_reasoning(argo_responses_reader_t *in,
    argo_json_t *item)
{
    ngx_int_t     rc;
    argo_part_t  *part;

    part = ngx_pcalloc(in->at.pool, sizeof(argo_part_t));
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->type = ARGO_PART_REASONING;
    part->node = item;

    rc = argo_openai_responses_read_signature(in, item, part);

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_summary(in, item, &part->text);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (part->vendor == ARGO_FAMILY_GOOGLE) {

        /* it belongs to the call that follows */

        in->signature = part->signature;
        return NGX_OK;
    }

    *in->last_thought = part;
    in->last_thought = &part->next;

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_signature(argo_responses_reader_t *in,
    argo_json_t *item, argo_part_t *part)
{
    ngx_int_t     rc;
    ngx_uint_t    redacted;
    argo_json_t  *node;

    rc = argo_openai_responses_read_optional(&in->at, item,
                                             ".encrypted_content",
                                             ARGO_OPENAI_STRING, "a string",
                                             &node);

    if (rc != NGX_OK || node == NULL) {
        return rc;
    }

    part->vendor = argo_openai_responses_vendor(node, &part->signature,
                                                &redacted);
    part->redacted = redacted ? 1 : 0;

    return NGX_OK;
}


argo_family_e
argo_openai_responses_vendor(const argo_json_t *content,
    ngx_str_t *signature, ngx_uint_t *redacted)
{
    size_t       len;
    ngx_str_t    text;
    ngx_uint_t   i;

    static const struct {
        const char     *prefix;
        argo_family_e   vendor;
        ngx_uint_t      redacted;

    } vendors[] = {
        { ARGO_RESPONSES_ANTHROPIC, ARGO_FAMILY_ANTHROPIC, 0 },
        { ARGO_RESPONSES_ANTHROPIC_REDACTED, ARGO_FAMILY_ANTHROPIC, 1 },
        { ARGO_RESPONSES_GOOGLE, ARGO_FAMILY_GOOGLE, 0 },
        { "", ARGO_FAMILY_OPENAI, 0 }
    };

    text = argo_json_inner(content);
    len = 0;

    for (i = 0; vendors[i].prefix[0]; i++) {
        len = ngx_strlen(vendors[i].prefix);

        if (text.len > len
            && ngx_memcmp(text.data, vendors[i].prefix, len) == 0)
        {
            break;
        }

        len = 0;
    }

    if (signature) {
        signature->data = text.data + len;
        signature->len = text.len - len;
        *redacted = vendors[i].redacted;
    }

    return vendors[i].vendor;
}


/* Usually one part, which must not change by a byte. */

static ngx_int_t
argo_openai_responses_read_summary(argo_responses_reader_t *in,
    argo_json_t *item, ngx_str_t *text)
{
    ngx_str_t     part;
    argo_out_t    out;
    argo_json_t  *list, *node;

    list = argo_json_get(item, "summary");

    if (list == NULL || list->type == ARGO_JSON_NULL) {
        return NGX_OK;
    }

    if (list->type != ARGO_JSON_ARRAY) {
        return argo_openai_mistyped(&in->at, ".summary", "an array", list);
    }

    if (list->count == 1) {
        *text = argo_json_inner(argo_json_get(list->child, "text"));
        return NGX_OK;
    }

    argo_out_init(&out, in->at.pool, ARGO_RESPONSES_BLOCK, NULL, 0);

    for (node = list->child; node; node = node->next) {

        part = argo_json_inner(argo_json_get(node, "text"));

        if (out.size && part.len) {
            argo_out_lit(&out, "\\n\\n");
        }

        argo_out_ref(&out, part.data, part.len);
    }

    return argo_out_flatten(&out, in->at.pool, text);
}


/* some clients hand in their tools as an item */

static ngx_int_t
argo_openai_responses_read_more_tools(argo_responses_reader_t *in,
    argo_json_t *item)
{
    ngx_int_t     rc;
    argo_json_t  *tools;

    tools = argo_json_get(item, "tools");

    if (tools == NULL) {
        return argo_openai_missing(&in->at, ".tools");
    }

    if (tools->type != ARGO_JSON_ARRAY) {
        return argo_openai_mistyped(&in->at, ".tools", "an array", tools);
    }

    in->at.parts = ".tools";
    in->at.part = 0;

    rc = argo_openai_responses_read_tools(&in->at, in->req, tools);

    in->at.part = -1;

    return rc;
}


/* Reads a string or a list of parts; *parts is NULL for an empty list. */

static ngx_int_t
argo_openai_responses_read_content(argo_responses_reader_t *in,
    const char *member, argo_json_t *content, argo_part_t **parts,
    ngx_uint_t *string)
{
    ngx_int_t      rc;
    argo_part_t   *part, **last;
    argo_json_t   *node;

    *parts = NULL;
    last = parts;

    if (content->type == ARGO_JSON_STRING) {
        part = ngx_pcalloc(in->at.pool, sizeof(argo_part_t));
        if (part == NULL) {
            return NGX_ERROR;
        }

        part->text = argo_json_inner(content);
        part->node = content;

        *parts = part;
        *string = 1;

        return NGX_OK;
    }

    if (content->type != ARGO_JSON_ARRAY) {
        return argo_openai_mistyped(&in->at, member,
                                    "a string or an array", content);
    }

    in->at.parts = member;
    in->at.part = 0;

    for (node = content->child; node; node = node->next) {

        part = ngx_pcalloc(in->at.pool, sizeof(argo_part_t));
        if (part == NULL) {
            return NGX_ERROR;
        }

        part->node = node;

        rc = argo_openai_responses_read_part(&in->at, node, part);
        if (rc != NGX_OK) {
            return rc;
        }

        *last = part;
        last = &part->next;

        in->at.part++;
    }

    in->at.part = -1;

    /* one text is what every upstream takes as a string */

    *string = (*parts && (*parts)->next == NULL
               && (*parts)->type == ARGO_PART_TEXT);

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_part(argo_openai_place_t *at, argo_json_t *node,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *type, *text;

    if (node->type != ARGO_JSON_OBJECT) {
        return argo_openai_mistyped(at, "", "an object", node);
    }

    rc = argo_openai_read_string(at, node, ".type", &type);
    if (rc != NGX_OK) {
        return rc;
    }

    if (argo_json_is(type, "input_image")) {
        return argo_openai_responses_read_image(at, node, part);
    }

    if (argo_json_is(type, "input_file")) {
        return argo_openai_responses_read_file(at, node, part);
    }

    if (argo_json_is(type, "input_text") || argo_json_is(type, "output_text")
        || argo_json_is(type, "text"))
    {
        rc = argo_openai_read_string(at, node, ".text", &text);

    } else if (argo_json_is(type, "refusal")) {
        rc = argo_openai_read_string(at, node, ".refusal", &text);

    } else {
        return argo_openai_wrong(at, ".type", "unsupported_value",
                                 "must be one of input_text, input_image, "
                                 "input_file, output_text and refusal: ARGO "
                                 "takes no others");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    part->type = ARGO_PART_TEXT;
    part->text = argo_json_inner(text);

    return NGX_OK;
}


static ngx_int_t
argo_openai_responses_read_image(argo_openai_place_t *at, argo_json_t *node,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *url;

    rc = argo_openai_responses_read_optional(at, node, ".image_url",
                                             ARGO_OPENAI_STRING, "a string",
                                             &url);
    if (rc != NGX_OK) {
        return rc;
    }

    if (url == NULL && argo_json_get(node, "file_id")) {
        return argo_openai_wrong(at, ".file_id", "unsupported_value",
                                 "can't be used: the gateway keeps no files");
    }

    if (url == NULL) {
        return argo_openai_missing(at, ".image_url");
    }

    rc = argo_openai_responses_read_optional(at, node, ".detail",
                                             ARGO_OPENAI_STRING, "a string",
                                             &part->detail);
    if (rc != NGX_OK) {
        return rc;
    }

    return argo_openai_read_image(at, ".image_url", url, part);
}


static ngx_int_t
argo_openai_responses_read_file(argo_openai_place_t *at, argo_json_t *node,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *data, *name;

    name = NULL;

    if (argo_json_get(node, "file_id") || argo_json_get(node, "file_url")) {
        return argo_openai_wrong(at, "", "unsupported_value",
                                 "must have its data with it, in file_data: "
                                 "the gateway keeps and fetches no files");
    }

    rc = argo_openai_read_string(at, node, ".file_data", &data);

    if (rc == NGX_OK) {
        rc = argo_openai_responses_read_optional(at, node, ".filename",
                                                 ARGO_OPENAI_STRING,
                                                 "a string", &name);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    part->type = ARGO_PART_FILE;
    part->text = argo_json_inner(data);

    if (!argo_part_has_data(part)) {
        return argo_openai_wrong(at, ".file_data", "invalid_value",
                                 "must be a data URL");
    }

    if (name) {
        part->name = argo_json_inner(name);
    }

    return argo_openai_name_place(at, "", &part->param);
}


static argo_message_t *
argo_openai_responses_add_message(argo_responses_reader_t *in,
    argo_role_e role)
{
    argo_message_t  *message;

    message = ngx_pcalloc(in->at.pool, sizeof(argo_message_t));
    if (message == NULL) {
        return NULL;
    }

    message->role = role;
    message->index = in->at.item;

    *in->req->last_message = message;
    in->req->last_message = &message->next;

    if (role != ARGO_ROLE_ASSISTANT) {

        /* thoughts that led to nothing */

        in->thoughts = NULL;
        in->last_thought = &in->thoughts;
        ngx_str_null(&in->signature);
    }

    in->assistant = (role == ARGO_ROLE_ASSISTANT) ? message : NULL;
    in->last = &message->parts;
    in->calls = 0;
    in->messages++;

    return message;
}


static void
argo_openai_responses_add_thoughts(argo_responses_reader_t *in)
{
    if (in->thoughts == NULL) {
        return;
    }

    *in->last = in->thoughts;
    in->last = in->last_thought;

    in->thoughts = NULL;
    in->last_thought = &in->thoughts;
}


/* Text as the inside of a string, between what is written in front, behind. */

static ngx_int_t
argo_openai_responses_escape(ngx_pool_t *pool, const char *head,
    const ngx_str_t *text, const char *tail, ngx_str_t *escaped)
{
    argo_out_t  out;

    argo_out_init(&out, pool, ARGO_RESPONSES_BLOCK, NULL, 0);

    argo_json_write_text(&out, (u_char *) head, ngx_strlen(head));
    argo_json_write_text(&out, text->data, text->len);
    argo_json_write_text(&out, (u_char *) tail, ngx_strlen(tail));

    return argo_out_flatten(&out, pool, escaped);
}
