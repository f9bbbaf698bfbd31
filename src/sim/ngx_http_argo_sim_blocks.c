
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Content blocks of v1/messages: their types, thinking that must come back
 * as it was, and tools that must be answered.
 */


#include "ngx_http_argo_sim_native.h"


static ngx_uint_t ngx_http_argo_sim_ends_blank(const argo_json_t *message);
static ngx_int_t ngx_http_argo_sim_check_content(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *before,
    const argo_json_t *message, ngx_uint_t i);
static ngx_int_t ngx_http_argo_sim_check_block(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *before,
    const argo_json_t *block, ngx_uint_t i, ngx_uint_t n);
static ngx_int_t ngx_http_argo_sim_check_text(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *text);
static ngx_int_t ngx_http_argo_sim_check_signature(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *block, ngx_uint_t i,
    ngx_uint_t n);
static ngx_int_t ngx_http_argo_sim_check_redacted(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *block, ngx_uint_t i,
    ngx_uint_t n);
static ngx_int_t ngx_http_argo_sim_check_uses(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *message, ngx_uint_t i);
static ngx_int_t ngx_http_argo_sim_check_thought(
    ngx_http_argo_sim_talk_t *talk, const argo_json_t *last, ngx_uint_t i);
static argo_json_t *ngx_http_argo_sim_find_block(const argo_json_t *message,
    const char *type, const char *member, const argo_json_t *id);


ngx_int_t
ngx_http_argo_sim_check_blocks(ngx_http_argo_sim_talk_t *talk)
{
    ngx_int_t     rc;
    ngx_uint_t    i, n;
    argo_json_t  *before, *message, *last;

    before = NULL;
    last = NULL;
    n = 0;

    message = talk->ctx->messages->child;

    for (i = 0; message; i++, message = message->next) {

        rc = ngx_http_argo_sim_check_content(talk, before, message, i);

        if (rc == NGX_OK) {
            rc = ngx_http_argo_sim_check_uses(talk, message, i);
        }

        if (rc != NGX_OK) {
            return rc;
        }

        if (argo_json_is(argo_json_get(message, "role"), "assistant")) {
            last = message;
            n = i;
        }

        before = message;
    }

    if (last == NULL) {
        return NGX_OK;
    }

    if (last->next == NULL && ngx_http_argo_sim_ends_blank(last)) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "messages: final assistant content cannot end with "
                   "trailing whitespace");
    }

    return ngx_http_argo_sim_check_thought(talk, last, n);
}


static ngx_uint_t
ngx_http_argo_sim_ends_blank(const argo_json_t *message)
{
    ngx_str_t     text;
    argo_json_t  *content;

    content = argo_json_get(message, "content");

    if (content->type == ARGO_JSON_ARRAY) {
        content = ngx_http_argo_sim_last(content);
        content = content ? argo_json_get(content, "text") : NULL;
    }

    if (content == NULL || content->type != ARGO_JSON_STRING) {
        return 0;
    }

    text = argo_json_inner(content);

    return text.len
           && (text.data[text.len - 1] == ' '
               || (text.len > 1 && text.data[text.len - 2] == '\\'
                   && text.data[text.len - 1] == 'n'));
}


static ngx_int_t
ngx_http_argo_sim_check_content(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *before, const argo_json_t *message, ngx_uint_t i)
{
    ngx_int_t     rc;
    ngx_uint_t    n, user;
    argo_json_t  *content, *block;

    content = argo_json_get(message, "content");
    user = argo_json_is(argo_json_get(message, "role"), "user");

    if (content == NULL) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "messages.%ui.content: Field required", i);
    }

    if (content->type != ARGO_JSON_ARRAY
        && content->type != ARGO_JSON_STRING)
    {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "messages.%ui.content: Input should be a valid list", i);
    }

    if ((user || message->next)
        && (content->type == ARGO_JSON_STRING ? content->raw.len == 2
                                              : content->child == NULL))
    {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "messages.%ui: all messages must have non-empty content "
                   "except for the optional final assistant message", i);
    }

    if (content->type == ARGO_JSON_STRING) {
        return user ? ngx_http_argo_sim_check_text(talk, content) : NGX_OK;
    }

    for (n = 0, block = content->child; block; n++, block = block->next) {

        rc = ngx_http_argo_sim_check_block(talk, before, block, i, n);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_check_block(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *before, const argo_json_t *block, ngx_uint_t i,
    ngx_uint_t n)
{
    ngx_str_t     text;
    argo_json_t  *type, *node;

    type = argo_json_get(block, "type");

    if (type == NULL || type->type != ARGO_JSON_STRING) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "messages.%ui.content.%ui.type: Field required", i, n);
    }

    if (argo_json_is(type, "text")) {
        return ngx_http_argo_sim_check_text(talk, argo_json_get(block,
                                                                "text"));
    }

    if (argo_json_is(type, "thinking")) {
        return ngx_http_argo_sim_check_signature(talk, block, i, n);
    }

    if (argo_json_is(type, "redacted_thinking")) {
        return ngx_http_argo_sim_check_redacted(talk, block, i, n);
    }

    if (argo_json_is(type, "tool_use")) {
        node = argo_json_get(block, "input");

        if (node == NULL || node->type != ARGO_JSON_OBJECT) {
            return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                       "messages.%ui.content.%ui.tool_use.input: Input "
                       "should be a valid dictionary", i, n);
        }

        return NGX_OK;
    }

    if (argo_json_is(type, "tool_result")) {
        node = argo_json_get(block, "tool_use_id");

        if (node && before
            && ngx_http_argo_sim_find_block(before, "tool_use", "id", node))
        {
            return NGX_OK;
        }

        ngx_str_set(&text, "");

        if (node && node->type == ARGO_JSON_STRING) {
            text = argo_json_inner(node);
        }

        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "messages.%ui.content.%ui: unexpected `tool_use_id` found "
                   "in `tool_result` blocks: %V. Each `tool_result` block "
                   "must have a corresponding `tool_use` block in the "
                   "previous message.", i, n, &text);
    }

    if (argo_json_is(type, "image") || argo_json_is(type, "document")
        || argo_json_is(type, "search_result")
        || argo_json_is(type, "server_tool_use")
        || argo_json_is(type, "web_search_tool_result"))
    {
        return NGX_OK;
    }

    text = argo_json_inner(type);

    return ngx_http_argo_sim_refuse(talk, NULL, NULL,
               "messages.%ui.content.%ui: Input tag '%V' found using 'type' "
               "does not match any of the expected tags: 'document', "
               "'image', 'redacted_thinking', 'search_result', "
               "'server_tool_use', 'text', 'thinking', 'tool_result', "
               "'tool_use', 'web_search_tool_result'", i, n, &text);
}


static ngx_int_t
ngx_http_argo_sim_check_text(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *text)
{
    ngx_str_t  said;

    ngx_str_set(&said, "");

    if (text && text->type == ARGO_JSON_STRING
        && argo_json_text(talk->request->pool, text, &said) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (said.len == 0) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "messages: text content blocks must be non-empty");
    }

    if (ngx_http_argo_sim_blank(&said)) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "messages: text content blocks must contain "
                   "non-whitespace text");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_check_signature(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *block, ngx_uint_t i, ngx_uint_t n)
{
    ngx_str_t     text, signature, made;
    ngx_pool_t   *pool;
    argo_json_t  *thinking, *node;

    pool = talk->request->pool;
    thinking = argo_json_get(block, "thinking");
    node = argo_json_get(block, "signature");

    if (thinking == NULL || thinking->type != ARGO_JSON_STRING
        || node == NULL || node->type != ARGO_JSON_STRING)
    {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "messages.%ui.content.%ui.thinking.%s: Field required",
                   i, n, node ? "thinking" : "signature");
    }

    if (argo_json_text(pool, thinking, &text) != NGX_OK
        || argo_json_text(pool, node, &signature) != NGX_OK
        || ngx_http_argo_sim_sign(pool, &text, &made) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (made.len != signature.len
        || ngx_memcmp(made.data, signature.data, made.len) != 0)
    {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "messages.%ui.content.%ui: Invalid `signature` in "
                   "`thinking` block", i, n);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_argo_sim_check_redacted(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *block, ngx_uint_t i, ngx_uint_t n)
{
    ngx_str_t     text;
    argo_json_t  *data;

    data = argo_json_get(block, "data");

    ngx_str_set(&text, "");

    if (data && data->type == ARGO_JSON_STRING
        && argo_json_text(talk->request->pool, data, &text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!ngx_http_argo_sim_sealed("EmwK", &text)) {
        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "messages.%ui.content.%ui: Invalid `data` in "
                   "`redacted_thinking` block", i, n);
    }

    return NGX_OK;
}


/* Each use of a tool is answered in the next message. */

static ngx_int_t
ngx_http_argo_sim_check_uses(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *message, ngx_uint_t i)
{
    ngx_str_t     text;
    argo_json_t  *content, *block, *type, *id;

    content = argo_json_get(message, "content");
    block = (content->type == ARGO_JSON_ARRAY) ? content->child : NULL;

    for ( /* void */ ; block; block = block->next) {
        type = argo_json_get(block, "type");

        if (!argo_json_is(type, "tool_use")) {
            continue;
        }

        id = argo_json_get(block, "id");

        if (id && message->next
            && ngx_http_argo_sim_find_block(message->next, "tool_result",
                                            "tool_use_id", id))
        {
            continue;
        }

        ngx_str_set(&text, "");

        if (id && id->type == ARGO_JSON_STRING) {
            text = argo_json_inner(id);
        }

        return ngx_http_argo_sim_refuse(talk, NULL, NULL,
                   "messages.%ui: `tool_use` ids were found without "
                   "`tool_result` blocks immediately after: %V. Each "
                   "`tool_use` block must have a corresponding `tool_result` "
                   "block in the next message.", i, &text);
    }

    return NGX_OK;
}


/* With a budget, calls that have just been answered follow thinking. */

static ngx_int_t
ngx_http_argo_sim_check_thought(ngx_http_argo_sim_talk_t *talk,
    const argo_json_t *last, ngx_uint_t i)
{
    ngx_str_t     text;
    argo_json_t  *thinking, *content, *type;

    thinking = ngx_http_argo_sim_member(talk->ctx->root, "thinking");
    type = thinking ? argo_json_get(thinking, "type") : NULL;

    content = argo_json_get(last, "content");

    if (type == NULL || !argo_json_is(type, "enabled")
        || !ngx_http_argo_sim_find_block(last, "tool_use", NULL, NULL))
    {
        return NGX_OK;
    }

    type = argo_json_get(content->child, "type");

    if (argo_json_is(type, "thinking")
        || argo_json_is(type, "redacted_thinking"))
    {
        return NGX_OK;
    }

    text = argo_json_inner(type);

    return ngx_http_argo_sim_refuse(talk, NULL, NULL,
               "messages.%ui.content.0.type: Expected `thinking` or "
               "`redacted_thinking`, but found `%V`. When `thinking` is "
               "enabled, a final `assistant` message must start with a "
               "thinking block (preceeding the lastmost set of `tool_use` "
               "and `tool_result` blocks). We recommend you include thinking "
               "blocks from previous turns. To avoid this requirement, "
               "disable `thinking`. Please consult our documentation at "
               "https://docs.claude.com/en/docs/build-with-claude/"
               "extended-thinking", i, &text);
}


/* member == NULL: any block of the type. */

static argo_json_t *
ngx_http_argo_sim_find_block(const argo_json_t *message, const char *type,
    const char *member, const argo_json_t *id)
{
    argo_json_t  *content, *block, *node;

    content = argo_json_get(message, "content");

    if (content == NULL || content->type != ARGO_JSON_ARRAY) {
        return NULL;
    }

    for (block = content->child; block; block = block->next) {
        node = argo_json_get(block, "type");

        if (node == NULL
            || !argo_json_text_is(node, type, ngx_strlen(type)))
        {
            continue;
        }

        if (member == NULL) {
            return block;
        }

        node = argo_json_find(block, member, ngx_strlen(member));

        if (node && node->raw.len == id->raw.len
            && ngx_memcmp(node->raw.data, id->raw.data, id->raw.len) == 0)
        {
            return block;
        }
    }

    return NULL;
}
