
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Anthropic's Messages, the conversation that a client sends: messages and
 * the blocks that they are made of.  A tool's result, here a block of the
 * user's, becomes a message of its own.
 */


#include "argo_anthropic_front.h"
#include "argo_part.h"
#include "argo_request.h"


#define ARGO_ANTHROPIC_STRING_OR_LIST                                         \
    (ARGO_ANTHROPIC_IS(STRING) | ARGO_ANTHROPIC_IS(ARRAY))


/* where a type of block may be */

#define ARGO_ANTHROPIC_IN_SYSTEM     0x01
#define ARGO_ANTHROPIC_IN_USER       0x02
#define ARGO_ANTHROPIC_IN_ASSISTANT  0x04
#define ARGO_ANTHROPIC_IN_RESULT     0x08


/* a conversation on its way to messages */

typedef struct {
    argo_anthropic_place_t   at;
    argo_request_t          *req;
    argo_part_t            **last;      /* where the next part goes */
    ngx_str_t                signature; /* Gemini's, of the call to come */
    unsigned                 told:1;    /* that thoughts are left out */
} argo_anthropic_reader_t;


typedef ngx_int_t (*argo_anthropic_block_pt)(argo_anthropic_reader_t *in,
    argo_json_t *node, argo_part_t *part);

typedef struct {
    const char               *type;
    ngx_uint_t                places;
    argo_anthropic_block_pt   read;
    const char               *misplaced;    /* NULL: as it came */
} argo_anthropic_block_type_t;


static ngx_int_t argo_anthropic_read_system(argo_anthropic_reader_t *in,
    argo_json_t *system);
static ngx_int_t argo_anthropic_read_message(argo_anthropic_reader_t *in,
    argo_json_t *node);
static ngx_int_t argo_anthropic_read_role(argo_anthropic_reader_t *in,
    argo_json_t *node, argo_role_e *role, argo_json_t **role_node);
static ngx_int_t argo_anthropic_read_content(argo_anthropic_reader_t *in,
    argo_json_t *content, argo_message_t *message);
static ngx_int_t argo_anthropic_read_blocks(argo_anthropic_reader_t *in,
    argo_json_t *list, ngx_uint_t place);
static ngx_int_t argo_anthropic_read_block(argo_anthropic_reader_t *in,
    argo_json_t *node, ngx_uint_t place);
static ngx_int_t argo_anthropic_read_typed(argo_anthropic_reader_t *in,
    argo_json_t *node, ngx_uint_t place, argo_part_t *part);
static argo_part_t *argo_anthropic_add_text(argo_anthropic_reader_t *in,
    argo_json_t *text);
static argo_message_t *argo_anthropic_make_message(
    argo_anthropic_reader_t *in, argo_role_e role);
static void argo_anthropic_add_message(argo_anthropic_reader_t *in,
    argo_message_t *message);

static ngx_int_t argo_anthropic_read_text(argo_anthropic_reader_t *in,
    argo_json_t *node, argo_part_t *part);
static ngx_int_t argo_anthropic_read_image(argo_anthropic_reader_t *in,
    argo_json_t *node, argo_part_t *part);
static ngx_int_t argo_anthropic_read_url(argo_anthropic_reader_t *in,
    argo_json_t *source, argo_part_t *part);
static ngx_int_t argo_anthropic_read_document(argo_anthropic_reader_t *in,
    argo_json_t *node, argo_part_t *part);
static ngx_int_t argo_anthropic_read_data(argo_anthropic_reader_t *in,
    argo_json_t *source, argo_part_t *part);
static ngx_int_t argo_anthropic_refuse_file(argo_anthropic_reader_t *in);
static ngx_int_t argo_anthropic_read_call(argo_anthropic_reader_t *in,
    argo_json_t *node, argo_part_t *part);
static ngx_int_t argo_anthropic_read_result(argo_anthropic_reader_t *in,
    argo_json_t *node, argo_part_t *part);
static ngx_int_t argo_anthropic_read_result_content(
    argo_anthropic_reader_t *in, argo_json_t *content, argo_part_t *part);
static ngx_int_t argo_anthropic_read_thought(argo_anthropic_reader_t *in,
    argo_json_t *node, argo_part_t *part);
static ngx_int_t argo_anthropic_read_redacted(argo_anthropic_reader_t *in,
    argo_json_t *node, argo_part_t *part);
static ngx_int_t argo_anthropic_read_reference(argo_anthropic_reader_t *in,
    argo_json_t *node, argo_part_t *part);


/* others are kept as they came: new ones are Anthropic's to know */

static const argo_anthropic_block_type_t  argo_anthropic_blocks[] = {

    { "text", ARGO_ANTHROPIC_IN_SYSTEM | ARGO_ANTHROPIC_IN_USER
              | ARGO_ANTHROPIC_IN_ASSISTANT | ARGO_ANTHROPIC_IN_RESULT,
      argo_anthropic_read_text, NULL },

    { "image", ARGO_ANTHROPIC_IN_USER | ARGO_ANTHROPIC_IN_RESULT,
      argo_anthropic_read_image,
      "`image` blocks can only be in `user` messages" },

    { "document", ARGO_ANTHROPIC_IN_USER | ARGO_ANTHROPIC_IN_RESULT,
      argo_anthropic_read_document,
      "`document` blocks can only be in `user` messages" },

    { "tool_use", ARGO_ANTHROPIC_IN_ASSISTANT, argo_anthropic_read_call,
      "`tool_use` blocks can only be in `assistant` messages" },

    { "tool_result", ARGO_ANTHROPIC_IN_USER, argo_anthropic_read_result,
      "`tool_result` blocks can only be in `user` messages" },

    { "thinking", ARGO_ANTHROPIC_IN_ASSISTANT, argo_anthropic_read_thought,
      "`thinking` blocks can only be in `assistant` messages" },

    { "redacted_thinking", ARGO_ANTHROPIC_IN_ASSISTANT,
      argo_anthropic_read_redacted,
      "`redacted_thinking` blocks can only be in `assistant` messages" },

    { "tool_reference", ARGO_ANTHROPIC_IN_RESULT,
      argo_anthropic_read_reference, NULL }
};


#define ARGO_ANTHROPIC_NBLOCKS                                                \
    (sizeof(argo_anthropic_blocks) / sizeof(argo_anthropic_blocks[0]))


ngx_int_t
argo_anthropic_read_messages(argo_anthropic_place_t *at, argo_request_t *req,
    argo_json_t *system, argo_json_t *messages)
{
    ngx_int_t                 rc;
    argo_json_t              *node;
    argo_anthropic_reader_t   in;

    ngx_memzero(&in, sizeof(argo_anthropic_reader_t));

    in.at = *at;
    in.req = req;
    in.at.block = -1;
    in.at.inner = -1;

    req->messages = NULL;
    req->last_message = &req->messages;

    if (messages->count == 0) {
        return argo_anthropic_wrong(&in.at, "messages", "empty_array",
                                    "at least one message is required");
    }

    if (system) {
        rc = argo_anthropic_read_system(&in, system);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    in.at.list = "messages";
    in.at.item = 0;

    for (node = messages->child; node; node = node->next) {

        in.at.block = -1;
        in.at.inner = -1;

        rc = argo_anthropic_read_message(&in, node);
        if (rc != NGX_OK) {
            return rc;
        }

        in.at.item++;
    }

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_read_system(argo_anthropic_reader_t *in, argo_json_t *system)
{
    ngx_int_t        rc;
    argo_json_t     *node;
    argo_message_t  *message;

    if (system->type == ARGO_JSON_STRING ? system->raw.len == 2
                                         : system->count == 0)
    {
        /* says nothing */
        return NGX_OK;
    }

    message = argo_anthropic_make_message(in, ARGO_ROLE_SYSTEM);
    if (message == NULL) {
        return NGX_ERROR;
    }

    if (system->type == ARGO_JSON_STRING) {
        if (argo_anthropic_add_text(in, system) == NULL) {
            return NGX_ERROR;
        }

        message->string = 1;
        argo_anthropic_add_message(in, message);

        return NGX_OK;
    }

    in->at.list = "system";
    in->at.item = 0;

    for (node = system->child; node; node = node->next) {

        rc = argo_anthropic_read_block(in, node, ARGO_ANTHROPIC_IN_SYSTEM);
        if (rc != NGX_OK) {
            return rc;
        }

        in->at.item++;
    }

    argo_anthropic_add_message(in, message);

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_read_message(argo_anthropic_reader_t *in, argo_json_t *node)
{
    ngx_int_t        rc;
    argo_role_e      role;
    argo_json_t     *role_node, *content;
    argo_message_t  *message;

    rc = argo_anthropic_check(&in->at, "", ARGO_ANTHROPIC_IS(OBJECT), node);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_anthropic_read_role(in, node, &role, &role_node);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_anthropic_read_member(&in->at, node, ".content",
                                    ARGO_ANTHROPIC_STRING_OR_LIST, &content);
    if (rc != NGX_OK) {
        return rc;
    }

    message = argo_anthropic_make_message(in, role);
    if (message == NULL) {
        return NGX_ERROR;
    }

    message->node = node;
    message->role_node = role_node;

    return argo_anthropic_read_content(in, content, message);
}


static ngx_int_t
argo_anthropic_read_role(argo_anthropic_reader_t *in, argo_json_t *node,
    argo_role_e *role, argo_json_t **role_node)
{
    ngx_int_t  rc;

    *role = ARGO_ROLE_USER;

    rc = argo_anthropic_read_member(&in->at, node, ".role",
                                    ARGO_ANTHROPIC_IS(STRING), role_node);
    if (rc != NGX_OK) {
        return rc;
    }

    if (argo_json_is(*role_node, "user")) {
        return NGX_OK;
    }

    if (argo_json_is(*role_node, "assistant")) {
        *role = ARGO_ROLE_ASSISTANT;
        return NGX_OK;
    }

    if (argo_json_is(*role_node, "system")) {
        *role = ARGO_ROLE_SYSTEM;

        /* ARGO's Claude knows no such role: it goes to "system" */
        in->req->rewrite_messages = 1;

        return NGX_OK;
    }

    return argo_anthropic_wrong(&in->at, ".role", "invalid_value",
                                "Input should be 'user', 'assistant' or "
                                "'system'");
}


/* The message is added, unless results of tools are all that was in it. */

static ngx_int_t
argo_anthropic_read_content(argo_anthropic_reader_t *in,
    argo_json_t *content, argo_message_t *message)
{
    ngx_int_t    rc;
    ngx_uint_t   place;

    if (content->type == ARGO_JSON_STRING) {
        if (argo_anthropic_add_text(in, content) == NULL) {
            return NGX_ERROR;
        }

        message->string = 1;
        argo_anthropic_add_message(in, message);

        return NGX_OK;
    }

    if (content->count == 0 && message->role == ARGO_ROLE_USER) {
        return argo_anthropic_wrong(&in->at, ".content", "empty_array",
                                    "user messages must have non-empty "
                                    "content");
    }

    switch (message->role) {

    case ARGO_ROLE_SYSTEM:
        place = ARGO_ANTHROPIC_IN_SYSTEM;
        break;

    case ARGO_ROLE_ASSISTANT:
        place = ARGO_ANTHROPIC_IN_ASSISTANT;
        break;

    default: /* ARGO_ROLE_USER */
        place = ARGO_ANTHROPIC_IN_USER;
    }

    rc = argo_anthropic_read_blocks(in, content, place);
    if (rc != NGX_OK) {
        return rc;
    }

    if (message->parts == NULL && message->role == ARGO_ROLE_USER) {
        return NGX_OK;
    }

    /* one text is what every upstream takes as a string */

    message->string = (message->parts && message->parts->next == NULL
                       && message->parts->type == ARGO_PART_TEXT
                       && message->parts->cache == NULL);

    argo_anthropic_add_message(in, message);

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_read_blocks(argo_anthropic_reader_t *in, argo_json_t *list,
    ngx_uint_t place)
{
    ngx_int_t     rc;
    ngx_int_t    *at;
    argo_json_t  *node;

    ngx_str_null(&in->signature);

    at = (place == ARGO_ANTHROPIC_IN_RESULT) ? &in->at.inner : &in->at.block;
    *at = 0;

    for (node = list->child; node; node = node->next) {

        rc = argo_anthropic_read_block(in, node, place);
        if (rc != NGX_OK) {
            return rc;
        }

        (*at)++;
    }

    *at = -1;

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_read_block(argo_anthropic_reader_t *in, argo_json_t *node,
    ngx_uint_t place)
{
    ngx_int_t      rc;
    argo_part_t   *part, **last;

    rc = argo_anthropic_check(&in->at, "", ARGO_ANTHROPIC_IS(OBJECT), node);
    if (rc != NGX_OK) {
        return rc;
    }

    part = ngx_pcalloc(in->at.pool, sizeof(argo_part_t));
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->node = node;
    last = in->last;

    rc = argo_anthropic_read_typed(in, node, place, part);

    /* parts of a result were read meanwhile */
    in->last = last;

    if (rc == NGX_DONE) {
        /* it has found its place, or has none */
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    *in->last = part;
    in->last = &part->next;

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_read_typed(argo_anthropic_reader_t *in, argo_json_t *node,
    ngx_uint_t place, argo_part_t *part)
{
    ngx_int_t                           rc;
    ngx_uint_t                          i;
    argo_json_t                        *type;
    const argo_anthropic_block_type_t  *block;

    rc = argo_anthropic_read_member(&in->at, node, ".type",
                                    ARGO_ANTHROPIC_IS(STRING), &type);

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_optional(&in->at, node, ".cache_control",
                                          ARGO_ANTHROPIC_IS(OBJECT),
                                          &part->cache);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < ARGO_ANTHROPIC_NBLOCKS; i++) {
        block = &argo_anthropic_blocks[i];

        if (!argo_json_text_is(type, block->type, ngx_strlen(block->type))) {
            continue;
        }

        if (block->places & place) {
            return block->read(in, node, part);
        }

        if (block->misplaced) {
            return argo_anthropic_wrong(&in->at, "", "invalid_value",
                                        block->misplaced);
        }
    }

    part->type = ARGO_PART_OTHER;

    return argo_anthropic_name_place(&in->at, "", &part->param);
}


static argo_part_t *
argo_anthropic_add_text(argo_anthropic_reader_t *in, argo_json_t *text)
{
    argo_part_t  *part;

    part = ngx_pcalloc(in->at.pool, sizeof(argo_part_t));
    if (part == NULL) {
        return NULL;
    }

    part->type = ARGO_PART_TEXT;
    part->text = argo_json_inner(text);

    *in->last = part;
    in->last = &part->next;

    return part;
}


static argo_message_t *
argo_anthropic_make_message(argo_anthropic_reader_t *in, argo_role_e role)
{
    argo_message_t  *message;

    message = ngx_pcalloc(in->at.pool, sizeof(argo_message_t));
    if (message == NULL) {
        return NULL;
    }

    message->role = role;
    message->index = in->at.item;

    in->last = &message->parts;

    return message;
}


static void
argo_anthropic_add_message(argo_anthropic_reader_t *in,
    argo_message_t *message)
{
    *in->req->last_message = message;
    in->req->last_message = &message->next;
}


static ngx_int_t
argo_anthropic_read_text(argo_anthropic_reader_t *in, argo_json_t *node,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *text;

    rc = argo_anthropic_read_member(&in->at, node, ".text",
                                    ARGO_ANTHROPIC_IS(STRING), &text);
    if (rc != NGX_OK) {
        return rc;
    }

    part->type = ARGO_PART_TEXT;
    part->text = argo_json_inner(text);

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_read_image(argo_anthropic_reader_t *in, argo_json_t *node,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *source, *type;

    rc = argo_anthropic_read_member(&in->at, node, ".source",
                                    ARGO_ANTHROPIC_IS(OBJECT), &source);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_anthropic_read_member(&in->at, source, ".source.type",
                                    ARGO_ANTHROPIC_IS(STRING), &type);
    if (rc != NGX_OK) {
        return rc;
    }

    part->type = ARGO_PART_IMAGE;

    if (argo_json_is(type, "base64")) {
        return argo_anthropic_read_data(in, source, part);
    }

    if (argo_json_is(type, "url")) {
        return argo_anthropic_read_url(in, source, part);
    }

    if (argo_json_is(type, "file")) {
        return argo_anthropic_refuse_file(in);
    }

    return argo_anthropic_wrong(&in->at, ".source.type", "invalid_value",
                                "Input should be 'base64' or 'url'");
}


static ngx_int_t
argo_anthropic_read_url(argo_anthropic_reader_t *in, argo_json_t *source,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *url;

    rc = argo_anthropic_read_member(&in->at, source, ".source.url",
                                    ARGO_ANTHROPIC_IS(STRING), &url);
    if (rc != NGX_OK) {
        return rc;
    }

    part->text = argo_json_inner(url);

    if (argo_part_has_data(part)) {
        return NGX_OK;
    }

    if (!in->at.fetch_images) {
        return argo_anthropic_wrong(&in->at, ".source.url",
                                    "unsupported_value",
                                    "ARGO does not fetch images; send a "
                                    "source of type 'base64'");
    }

    part->remote = 1;

    return argo_anthropic_name_place(&in->at, ".source.url", &part->param);
}


static ngx_int_t
argo_anthropic_read_document(argo_anthropic_reader_t *in, argo_json_t *node,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *source, *type, *title, *text;

    title = NULL;

    rc = argo_anthropic_read_member(&in->at, node, ".source",
                                    ARGO_ANTHROPIC_IS(OBJECT), &source);

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_member(&in->at, source, ".source.type",
                                        ARGO_ANTHROPIC_IS(STRING), &type);
    }

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_optional(&in->at, node, ".title",
                                          ARGO_ANTHROPIC_IS(STRING), &title);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (title) {
        part->name = argo_json_inner(title);
    }

    part->type = ARGO_PART_FILE;

    if (argo_json_is(type, "base64")) {
        rc = argo_anthropic_read_data(in, source, part);

    } else if (argo_json_is(type, "url")) {
        rc = argo_anthropic_read_member(&in->at, source, ".source.url",
                                        ARGO_ANTHROPIC_IS(STRING), &text);
        if (rc == NGX_OK) {
            part->text = argo_json_inner(text);
        }

    } else if (argo_json_is(type, "text")) {
        /* every model reads it, as what it is */

        rc = argo_anthropic_read_member(&in->at, source, ".source.data",
                                        ARGO_ANTHROPIC_IS(STRING), &text);
        if (rc == NGX_OK) {
            part->type = ARGO_PART_TEXT;
            part->text = argo_json_inner(text);
        }

    } else if (argo_json_is(type, "file")) {
        return argo_anthropic_refuse_file(in);

    } else {
        part->type = ARGO_PART_OTHER;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    return argo_anthropic_name_place(&in->at, "", &part->param);
}


static ngx_int_t
argo_anthropic_read_data(argo_anthropic_reader_t *in, argo_json_t *source,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *mime, *data;

    rc = argo_anthropic_read_member(&in->at, source, ".source.media_type",
                                    ARGO_ANTHROPIC_IS(STRING), &mime);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_anthropic_read_member(&in->at, source, ".source.data",
                                    ARGO_ANTHROPIC_IS(STRING), &data);
    if (rc != NGX_OK) {
        return rc;
    }

    if (part->type == ARGO_PART_IMAGE && !argo_json_is(mime, "image/png")
        && !argo_json_is(mime, "image/jpeg")
        && !argo_json_is(mime, "image/gif")
        && !argo_json_is(mime, "image/webp"))
    {
        return argo_anthropic_wrong(&in->at, ".source.media_type",
                                    "invalid_value",
                                    "Input should be 'image/jpeg', "
                                    "'image/png', 'image/gif' or "
                                    "'image/webp'");
    }

    if (mime->raw.len == 2) {
        return argo_anthropic_wrong(&in->at, ".source.media_type",
                                    "invalid_value",
                                    "String should have at least 1 "
                                    "character");
    }

    part->mime = argo_json_inner(mime);
    part->text = argo_json_inner(data);

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_refuse_file(argo_anthropic_reader_t *in)
{
    return argo_anthropic_wrong(&in->at, ".source.type", "unsupported_value",
                                "The gateway keeps no files; send a source "
                                "of type 'base64'");
}


static ngx_int_t
argo_anthropic_read_call(argo_anthropic_reader_t *in, argo_json_t *node,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *id, *name;

    rc = argo_anthropic_read_member(&in->at, node, ".id",
                                    ARGO_ANTHROPIC_IS(STRING), &id);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_anthropic_read_member(&in->at, node, ".name",
                                    ARGO_ANTHROPIC_IS(STRING), &name);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_anthropic_read_member(&in->at, node, ".input",
                                    ARGO_ANTHROPIC_IS(OBJECT), &part->args);
    if (rc != NGX_OK) {
        return rc;
    }

    part->type = ARGO_PART_TOOL_CALL;
    part->id = argo_json_inner(id);
    part->name = argo_json_inner(name);

    if (in->signature.len) {
        part->signature = in->signature;
        part->vendor = ARGO_FAMILY_GOOGLE;

        ngx_str_null(&in->signature);
    }

    return argo_anthropic_name_place(&in->at, ".input", &part->param);
}


static ngx_int_t
argo_anthropic_read_result(argo_anthropic_reader_t *in, argo_json_t *node,
    argo_part_t *part)
{
    ngx_int_t        rc;
    argo_json_t     *id, *failed, *content;
    argo_message_t  *message;

    failed = NULL;
    content = NULL;

    rc = argo_anthropic_read_member(&in->at, node, ".tool_use_id",
                                    ARGO_ANTHROPIC_IS(STRING), &id);

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_optional(&in->at, node, ".is_error",
                                          ARGO_ANTHROPIC_BOOL, &failed);
    }

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_optional(&in->at, node, ".content",
                                          ARGO_ANTHROPIC_STRING_OR_LIST,
                                          &content);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    part->type = ARGO_PART_TOOL_RESULT;
    part->id = argo_json_inner(id);
    part->failed = (failed && failed->type == ARGO_JSON_TRUE);

    if (argo_anthropic_name_place(&in->at, ".tool_use_id", &part->param)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = argo_anthropic_read_result_content(in, content, part);
    if (rc != NGX_OK) {
        return rc;
    }

    message = argo_anthropic_make_message(in, ARGO_ROLE_TOOL);
    if (message == NULL) {
        return NGX_ERROR;
    }

    message->parts = part;

    argo_anthropic_add_message(in, message);

    return NGX_DONE;
}


static ngx_int_t
argo_anthropic_read_result_content(argo_anthropic_reader_t *in,
    argo_json_t *content, argo_part_t *part)
{
    ngx_int_t     rc;
    ngx_str_t     signature;
    argo_part_t  *text;

    in->last = &part->parts;

    if (content == NULL
        || (content->type == ARGO_JSON_ARRAY && content->count == 0))
    {
        /* a tool that has nothing to say */

        text = ngx_pcalloc(in->at.pool, sizeof(argo_part_t));
        if (text == NULL) {
            return NGX_ERROR;
        }

        text->type = ARGO_PART_TEXT;
        text->text.data = (u_char *) "";

        part->parts = text;
        part->string = 1;

        return NGX_OK;
    }

    if (content->type == ARGO_JSON_STRING) {
        part->string = 1;
        return argo_anthropic_add_text(in, content) ? NGX_OK : NGX_ERROR;
    }

    signature = in->signature;

    rc = argo_anthropic_read_blocks(in, content, ARGO_ANTHROPIC_IN_RESULT);

    in->signature = signature;

    if (rc != NGX_OK) {
        return rc;
    }

    part->string = (part->parts->next == NULL
                    && part->parts->type == ARGO_PART_TEXT
                    && part->parts->cache == NULL);

    return NGX_OK;
}


static ngx_int_t
argo_anthropic_read_thought(argo_anthropic_reader_t *in, argo_json_t *node,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *text, *signature;

    signature = NULL;

    rc = argo_anthropic_read_member(&in->at, node, ".thinking",
                                    ARGO_ANTHROPIC_IS(STRING), &text);

    if (rc == NGX_OK) {
        rc = argo_anthropic_read_optional(&in->at, node, ".signature",
                                          ARGO_ANTHROPIC_IS(STRING),
                                          &signature);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (signature && signature->raw.len > 2) {
        part->type = ARGO_PART_REASONING;
        part->text = argo_json_inner(text);
        part->signature = argo_json_inner(signature);
        part->vendor = ARGO_FAMILY_ANTHROPIC;

        return NGX_OK;
    }

    /* another vendor's model has thought it: Claude would refuse it */

    in->req->rewrite_messages = 1;

    if (in->told) {
        return NGX_DONE;
    }

    in->told = 1;

    if (argo_request_note(in->at.pool, in->req,
                          "thinking without a signature", "dropped")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_DONE;
}


static ngx_int_t
argo_anthropic_read_redacted(argo_anthropic_reader_t *in, argo_json_t *node,
    argo_part_t *part)
{
    size_t        len;
    ngx_int_t     rc;
    ngx_str_t     inner;
    argo_json_t  *data;

    rc = argo_anthropic_read_member(&in->at, node, ".data",
                                    ARGO_ANTHROPIC_IS(STRING), &data);
    if (rc != NGX_OK) {
        return rc;
    }

    inner = argo_json_inner(data);
    len = sizeof(ARGO_ANTHROPIC_GOOGLE) - 1;

    if (inner.len > len
        && ngx_memcmp(inner.data, ARGO_ANTHROPIC_GOOGLE, len) == 0)
    {
        /* it belongs to the call that follows, and is nothing to Claude */

        in->signature.data = inner.data + len;
        in->signature.len = inner.len - len;

        in->req->rewrite_messages = 1;

        return NGX_DONE;
    }

    part->type = ARGO_PART_REASONING;
    part->signature = inner;
    part->vendor = ARGO_FAMILY_ANTHROPIC;
    part->redacted = 1;

    return NGX_OK;
}


/* a tool that was found: for other vendors' models it is named */

static ngx_int_t
argo_anthropic_read_reference(argo_anthropic_reader_t *in, argo_json_t *node,
    argo_part_t *part)
{
    ngx_int_t     rc;
    argo_json_t  *name;

    rc = argo_anthropic_read_member(&in->at, node, ".tool_name",
                                    ARGO_ANTHROPIC_IS(STRING), &name);
    if (rc != NGX_OK) {
        return rc;
    }

    part->type = ARGO_PART_TEXT;
    part->text = argo_json_inner(name);

    return NGX_OK;
}
