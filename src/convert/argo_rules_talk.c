
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Rules for what is said: messages and tools.  Mostly the backs know how to
 * write them; here a request that is spliced is marked if it needs that.
 */


#include "argo_rules_apply.h"
#include "argo_part.h"
#include "argo_schema.h"
#include "argo_utf8.h"


/* stands for an image that is one too many */
#define ARGO_RULES_NO_IMAGE  "[image left out]"

#define ARGO_RULES_BLOCK     1024

/* what a description ends with that goes on elsewhere */
#define ARGO_RULES_MORE                                                       \
    " [... the whole description is in a system message at the beginning]"


static ngx_int_t argo_rules_check_roles(argo_rules_job_t *job);
static ngx_int_t argo_rules_check_content(argo_rules_job_t *job);
static ngx_int_t argo_rules_check_blank(argo_rules_job_t *job);
static ngx_uint_t argo_rules_has_blank(const argo_part_t *part,
    ngx_uint_t results);
static ngx_int_t argo_rules_check_images(argo_rules_job_t *job);
static ngx_uint_t argo_rules_count_images(const argo_part_t *part);
static ngx_uint_t argo_rules_drop_images(argo_part_t *part, ngx_uint_t n);
static ngx_int_t argo_rules_check_pairs(argo_rules_job_t *job);
static ngx_int_t argo_rules_anew(argo_rules_job_t *job, const char *why);

static ngx_int_t argo_rules_lone_choice(argo_rules_job_t *job);
static ngx_int_t argo_rules_check_tools(argo_rules_job_t *job);
static ngx_int_t argo_rules_check_descriptions(argo_rules_job_t *job);
static ngx_int_t argo_rules_move_description(argo_rules_job_t *job,
    argo_json_t *list, argo_tool_t *tool);
static size_t argo_rules_cut(const ngx_str_t *text, size_t max);
static ngx_int_t argo_rules_check_format(argo_rules_job_t *job);
static ngx_int_t argo_rules_set_schema(argo_rules_job_t *job,
    argo_json_t *parent, argo_json_t **schema);


ngx_int_t
argo_rules_apply_messages(argo_rules_job_t *job)
{
    if (argo_rules_check_images(job) != NGX_OK) {
        return NGX_ERROR;
    }

    if (job->upstream == ARGO_DIALECT_LEGACY) {

        /* its back has ways of its own */

        return NGX_OK;
    }

    if (argo_rules_check_roles(job) != NGX_OK
        || argo_rules_check_content(job) != NGX_OK
        || argo_rules_check_blank(job) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return argo_rules_check_pairs(job);
}


/* In a request that is spliced, for others messages are written anyway. */

static ngx_int_t
argo_rules_anew(argo_rules_job_t *job, const char *why)
{
    if (job->spliced) {
        job->req->rewrite_messages = 1;
    }

    return argo_request_note(job->pool, job->req,
                             argo_rules_name(job, ARGO_RULES_MESSAGES), why);
}


static ngx_int_t
argo_rules_check_roles(argo_rules_job_t *job)
{
    argo_message_t  *message;

    if (job->profile->developer || job->upstream != ARGO_DIALECT_CHAT
        || !job->spliced)
    {
        return NGX_OK;
    }

    for (message = job->req->messages; message; message = message->next) {

        if (message->role_node && argo_json_is(message->role_node,
                                               "developer"))
        {
            return argo_rules_anew(job, "the role developer is system");
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_rules_check_content(argo_rules_job_t *job)
{
    argo_json_t     *content;
    argo_message_t  *message;

    if (job->profile->null_content || job->upstream != ARGO_DIALECT_CHAT
        || !job->spliced)
    {
        return NGX_OK;
    }

    for (message = job->req->messages; message; message = message->next) {

        if (message->node == NULL) {
            continue;
        }

        content = argo_json_get(message->node, "content");

        if (!argo_rules_said(content)) {
            return argo_rules_anew(job, "content of null is \"\"");
        }
    }

    return NGX_OK;
}


/* The back leaves it out, if it is asked to write the messages. */

static ngx_int_t
argo_rules_check_blank(argo_rules_job_t *job)
{
    argo_message_t  *message;

    if (job->profile->blank_text) {
        return NGX_OK;
    }

    for (message = job->req->messages; message; message = message->next) {

        if (argo_rules_has_blank(message->parts,
                                 job->upstream == ARGO_DIALECT_CHAT))
        {
            return argo_rules_anew(job, "text of blanks is left out");
        }
    }

    return NGX_OK;
}


static ngx_uint_t
argo_rules_has_blank(const argo_part_t *part, ngx_uint_t results)
{
    for ( /* void */ ; part; part = part->next) {

        if (part->type == ARGO_PART_TEXT && argo_part_is_blank(&part->text))
        {
            return 1;
        }

        if (results && part->type == ARGO_PART_TOOL_RESULT
            && argo_rules_has_blank(part->parts, 0))
        {
            return 1;
        }
    }

    return 0;
}


/* The oldest ones are left out. */

static ngx_int_t
argo_rules_check_images(argo_rules_job_t *job)
{
    ngx_uint_t       n;
    argo_message_t  *message;

    if (job->profile->max_images == 0) {
        return NGX_OK;
    }

    n = 0;

    for (message = job->req->messages; message; message = message->next) {
        n += argo_rules_count_images(message->parts);
    }

    if (n <= job->profile->max_images) {
        return NGX_OK;
    }

    n -= job->profile->max_images;

    for (message = job->req->messages; message; message = message->next) {
        n = argo_rules_drop_images(message->parts, n);
    }

    return argo_rules_anew(job, "the oldest images are left out");
}


static ngx_uint_t
argo_rules_count_images(const argo_part_t *part)
{
    ngx_uint_t  n;

    n = 0;

    for ( /* void */ ; part; part = part->next) {

        if (part->type == ARGO_PART_IMAGE) {
            n++;

        } else if (part->type == ARGO_PART_TOOL_RESULT) {
            n += argo_rules_count_images(part->parts);
        }
    }

    return n;
}


/* Returns how many are still to be left out. */

static ngx_uint_t
argo_rules_drop_images(argo_part_t *part, ngx_uint_t n)
{
    argo_json_t  *node;
    argo_part_t  *next;

    for ( /* void */ ; part && n; part = part->next) {

        if (part->type == ARGO_PART_TOOL_RESULT) {
            n = argo_rules_drop_images(part->parts, n);

        } else if (part->type == ARGO_PART_IMAGE) {
            next = part->next;
            node = part->node;
            ngx_memzero(part, sizeof(argo_part_t));

            part->next = next;
            part->node = node;      /* where it is in the document */
            ngx_str_set(&part->text, ARGO_RULES_NO_IMAGE);

            n--;
        }
    }

    return n;
}


/* The back pairs calls and results, if it is asked to write them. */

static ngx_int_t
argo_rules_check_pairs(argo_rules_job_t *job)
{
    ngx_uint_t       calls;
    argo_part_t     *part;
    argo_message_t  *message;

    if (!job->profile->pair_calls || !job->spliced
        || job->upstream != ARGO_DIALECT_CHAT)
    {
        return NGX_OK;
    }

    calls = 0;

    for (message = job->req->messages; message; message = message->next) {

        if (message->role == ARGO_ROLE_TOOL) {

            if (calls == 0) {
                break;
            }

            calls = 0;
            continue;
        }

        if (calls) {
            break;
        }

        for (part = message->parts; part; part = part->next) {
            calls += (part->type == ARGO_PART_TOOL_CALL);
        }

        if (calls > 1) {
            break;
        }
    }

    if (message == NULL && calls == 0) {
        return NGX_OK;
    }

    return argo_rules_anew(job, "each call is followed by its result");
}


ngx_int_t
argo_rules_apply_tools(argo_rules_job_t *job)
{
    if (job->upstream == ARGO_DIALECT_LEGACY) {
        return NGX_OK;
    }

    if (argo_rules_lone_choice(job) != NGX_OK
        || argo_rules_check_descriptions(job) != NGX_OK
        || argo_rules_check_format(job) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return argo_rules_check_tools(job);
}


/* What is said of tools that there are none of. */

static ngx_int_t
argo_rules_lone_choice(argo_rules_job_t *job)
{
    ngx_uint_t       i;
    argo_json_t     *node;
    argo_request_t  *req;

    static const char  *names[] = {
        "tools", "tool_choice", "parallel_tool_calls", NULL
    };

    req = job->req;

    if (job->profile->lone_choice || !job->spliced || req->tools
        || req->root == NULL)
    {
        return NGX_OK;
    }

    for (i = 0; names[i]; i++) {
        node = argo_json_find(req->root, names[i], ngx_strlen(names[i]));

        if (node && !node->dropped
            && argo_rules_drop(job, &node, names[i], "there are no tools")
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_rules_check_tools(argo_rules_job_t *job)
{
    argo_tool_t  *tool;

    for (tool = job->req->tools; tool; tool = tool->next) {

        if (tool->type == NULL
            && argo_schema_refused(job->profile, tool->parameters, 1))
        {
            break;
        }
    }

    if (tool == NULL) {
        return NGX_OK;
    }

    if (job->spliced) {
        job->req->rewrite_tools = 1;
    }

    return argo_request_note(job->pool, job->req, "tools",
                             "schemas are said as the model takes them");
}


/*
 * A custom tool's description may be longer than chat completions take: the
 * model reads it in a message then.
 */

static ngx_int_t
argo_rules_check_descriptions(argo_rules_job_t *job)
{
    argo_json_t  *list;
    argo_tool_t  *tool;

    if (job->profile->max_description == 0 || !job->spliced
        || job->upstream != ARGO_DIALECT_CHAT || job->req->root == NULL)
    {
        return NGX_OK;
    }

    list = argo_json_get(job->req->root, "messages");

    if (list == NULL || list->child == NULL) {
        return NGX_OK;
    }

    for (tool = job->req->tools; tool; tool = tool->next) {

        if (tool->custom && tool->description
            && argo_json_inner(tool->description).len
               > job->profile->max_description
            && argo_rules_move_description(job, list, tool) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
argo_rules_move_description(argo_rules_job_t *job, argo_json_t *list,
    argo_tool_t *tool)
{
    size_t       max;
    ngx_str_t    text, value;
    argo_out_t   out;

    text = argo_json_inner(tool->description);

    argo_out_init(&out, job->pool, ARGO_RULES_BLOCK, NULL, 1);
    argo_out_lit(&out, "{\"role\":\"system\",\"content\":\""
                       "The description of the tool ");
    argo_out_str(&out, &tool->name);
    argo_out_lit(&out, ":\\n\\n");
    argo_out_str(&out, &text);
    argo_out_lit(&out, "\"}");

    if (argo_out_flatten(&out, job->pool, &value) != NGX_OK
        || argo_request_add_item(job->pool, job->req, list, "messages",
                                 &value, "the description of a tool")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    max = job->profile->max_description;
    max -= ngx_min(max, sizeof(ARGO_RULES_MORE) - 1);
    text.len = argo_rules_cut(&text, max);

    argo_out_init(&out, job->pool, ARGO_RULES_BLOCK, NULL, 1);
    argo_out_lit(&out, "\"");
    argo_out_str(&out, &text);
    argo_out_lit(&out, ARGO_RULES_MORE "\"");

    if (argo_out_flatten(&out, job->pool, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_request_set(job->pool, job->req,
                            argo_json_get(tool->node, "custom"),
                            &tool->description, ARGO_JSON_STRING, "tools",
                            &value, "the model takes no longer description");
}


/* How much of escaped text can be kept: no escape, no character is cut. */

static size_t
argo_rules_cut(const ngx_str_t *text, size_t max)
{
    u_char      *p, *end;
    size_t       n;
    ngx_uint_t   valid;

    p = text->data;
    end = p + text->len;

    while (p < end) {

        if (*p == '\\') {
            n = (p[1] == 'u') ? 6 : 2;

            /* a surrogate and its other half */

            if (n == 6 && (p[2] | 0x20) == 'd' && ngx_strchr("89abAB", p[3])
                && end - p >= 12 && p[6] == '\\')
            {
                n = 12;
            }

        } else {
            n = argo_utf8_next(p, end - p, &valid);
        }

        if (p + n > text->data + max) {
            break;
        }

        p += n;
    }

    return p - text->data;
}


/* The schema of the answer: of chat completions' own, or of others'. */

static ngx_int_t
argo_rules_check_format(argo_rules_job_t *job)
{
    argo_json_t     *format, *schema;
    argo_request_t  *req;

    req = job->req;

    if (job->upstream != ARGO_DIALECT_CHAT) {
        return NGX_OK;
    }

    if (!job->spliced) {
        return argo_rules_set_schema(job, NULL, &req->format.schema);
    }

    format = req->root ? argo_json_get(req->root, "response_format") : NULL;
    format = format ? argo_json_get(format, "json_schema") : NULL;
    schema = format ? argo_json_get(format, "schema") : NULL;

    return argo_rules_set_schema(job, format, &schema);
}


static ngx_int_t
argo_rules_set_schema(argo_rules_job_t *job, argo_json_t *parent,
    argo_json_t **schema)
{
    ngx_str_t   text;
    argo_out_t  out;

    if (*schema == NULL || !argo_schema_refused(job->profile, *schema, 0)) {
        return NGX_OK;
    }

    argo_out_init(&out, job->pool, ARGO_RULES_BLOCK, NULL, 1);
    argo_schema_write(job->profile, *schema, 0, &out);

    if (argo_out_flatten(&out, job->pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    return argo_request_set(job->pool, job->req, parent, schema,
                            ARGO_JSON_OBJECT, "response_format", &text,
                            "its schema is said as the model takes it");
}
