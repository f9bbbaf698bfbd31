
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The neutral things in the middle: a conversation on the way up, events on
 * the way down.  Text is carried as slices, escaped as it came, pointing
 * into the buffer that it came in.
 */


#ifndef _ARGO_IR_H_INCLUDED_
#define _ARGO_IR_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"
#include "argo_json.h"
#include "argo_model.h"


typedef enum {
    ARGO_ROLE_SYSTEM = 0,
    ARGO_ROLE_USER,
    ARGO_ROLE_ASSISTANT,
    ARGO_ROLE_TOOL,
    ARGO_ROLE_OTHER                 /* kept as the client wrote it */
} argo_role_e;


typedef enum {
    ARGO_PART_TEXT = 0,
    ARGO_PART_IMAGE,
    ARGO_PART_OTHER                 /* carried as it came */
} argo_part_e;


typedef struct argo_part_s     argo_part_t;
typedef struct argo_message_s  argo_message_t;


/*
 * One part of a message.  raw is the part as an OpenAI chat content part,
 * NULL if the client's dialect has another form and it must be written.
 */

struct argo_part_s {
    argo_part_e         type;
    ngx_str_t           text;       /* text, or an image's URL; escaped */
    argo_json_t        *raw;
    argo_part_t        *next;
};


/*
 * One message.  Members of node that are not marked taken are unknown to
 * the dialect and go up as they came.
 */

struct argo_message_s {
    argo_role_e         role;
    argo_json_t        *role_node;
    argo_json_t        *node;       /* the whole message as it came */
    argo_part_t        *parts;
    argo_message_t     *next;
    unsigned            string:1;   /* content was a plain string */
};


struct argo_request_s {
    argo_json_t        *root;       /* members not taken go up as they came */
    ngx_str_t           model;      /* as the client named it, unescaped */
    const argo_model_t *target;     /* resolved; set by the caller */
    ngx_str_t           user;       /* the bound ARGO name; by the caller */
    argo_message_t     *messages;
    argo_message_t    **last_message;
    argo_json_t        *max_tokens;
    argo_json_t        *max_completion_tokens;
    argo_json_t        *n;
    argo_json_t        *logprobs;
    argo_json_t        *tools;      /* NULL also for an empty list */
    argo_json_t        *tool_choice;
    argo_json_t        *parallel_tool_calls;
    unsigned            stream:1;
    unsigned            include_usage:1;
};


typedef enum {
    ARGO_FINISH_NONE = 0,           /* upstream has not said that it ended */
    ARGO_FINISH_STOP,
    ARGO_FINISH_LENGTH,
    ARGO_FINISH_TOOL_CALLS,
    ARGO_FINISH_CONTENT_FILTER
} argo_finish_e;


typedef struct {
    uint64_t            prompt;
    uint64_t            completion;
    uint64_t            cached;     /* of prompt */
    uint64_t            reasoning;  /* of completion */
    unsigned            known:1;    /* upstream told; else an estimate */
} argo_usage_t;


/*
 * What a reply is made of, in this order:
 *
 *     START (TEXT | REFUSAL | REASONING | TOOL_START TOOL_ARGS*)* USAGE?
 *     FINISH
 *
 * or, at any point, ERROR and nothing after it.  A decoder emits FINISH only
 * when upstream has said that the reply is complete.  Plain text is cut only
 * between characters; lead serves for what was held back until the next
 * bytes came, and is seldom more than one character.
 */

typedef enum {
    ARGO_EVENT_START = 0,
    ARGO_EVENT_TEXT,
    ARGO_EVENT_REFUSAL,
    ARGO_EVENT_REASONING,
    ARGO_EVENT_TOOL_START,
    ARGO_EVENT_TOOL_ARGS,
    ARGO_EVENT_USAGE,
    ARGO_EVENT_FINISH,
    ARGO_EVENT_ERROR
} argo_event_e;


struct argo_event_s {
    argo_event_e        type;
    ngx_uint_t          index;      /* of the tool call */
    ngx_str_t           lead;       /* TEXT: what comes before text */
    ngx_str_t           text;       /* TEXT, REFUSAL, REASONING, TOOL_ARGS */
    ngx_str_t           id;         /* TOOL_START, escaped; len 0: none */
    ngx_str_t           name;       /* TOOL_START, escaped */
    argo_finish_e       finish;
    argo_usage_t        usage;
    const argo_error_t *error;
    unsigned            escaped:1;  /* lead, text: inside of a JSON string */
};


#endif /* _ARGO_IR_H_INCLUDED_ */
