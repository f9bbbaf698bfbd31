
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The parts of OpenAI's Responses API: how a request is read, what its tools
 * are for a model that knows functions only, and how a reply is written,
 * which repeats much of the request.
 */


#ifndef _ARGO_OPENAI_RESPONSES_H_INCLUDED_
#define _ARGO_OPENAI_RESPONSES_H_INCLUDED_


#include "argo_openai.h"


/* schemas lie anywhere in it, and may have to be changed at any depth */
#define ARGO_RESPONSES_TREE_DEPTH  ARGO_JSON_MAX_DEPTH

/* longest name of a function that upstreams take */
#define ARGO_RESPONSES_MAX_NAME  64

/* what the signature of thoughts begins with, if they are not OpenAI's */
#define ARGO_RESPONSES_ANTHROPIC           "anthropic:"
#define ARGO_RESPONSES_ANTHROPIC_REDACTED  "anthropic-redacted:"
#define ARGO_RESPONSES_GOOGLE              "google:"


enum {
    ARGO_RESPONSES_MODEL = 0,
    ARGO_RESPONSES_INPUT,
    ARGO_RESPONSES_INSTRUCTIONS,
    ARGO_RESPONSES_STREAM,
    ARGO_RESPONSES_STREAM_OPTIONS,
    ARGO_RESPONSES_USER,
    ARGO_RESPONSES_TOOLS,
    ARGO_RESPONSES_TOOL_CHOICE,
    ARGO_RESPONSES_PARALLEL,
    ARGO_RESPONSES_MAX_OUTPUT,
    ARGO_RESPONSES_MAX_TOOL_CALLS,
    ARGO_RESPONSES_TEXT,
    ARGO_RESPONSES_REASONING,
    ARGO_RESPONSES_TEMPERATURE,
    ARGO_RESPONSES_TOP_P,
    ARGO_RESPONSES_TOP_LOGPROBS,
    ARGO_RESPONSES_INCLUDE,
    ARGO_RESPONSES_TRUNCATION,
    ARGO_RESPONSES_METADATA,
    ARGO_RESPONSES_STORE,
    ARGO_RESPONSES_SERVICE_TIER,
    ARGO_RESPONSES_CACHE_KEY,
    ARGO_RESPONSES_SAFETY,
    ARGO_RESPONSES_CLIENT_METADATA,
    ARGO_RESPONSES_CONTEXT,
    ARGO_RESPONSES_PREVIOUS,
    ARGO_RESPONSES_CONVERSATION,
    ARGO_RESPONSES_BACKGROUND,
    ARGO_RESPONSES_PROMPT,
    ARGO_RESPONSES_MESSAGES,
    ARGO_RESPONSES_FUNCTIONS,
    ARGO_RESPONSES_FUNCTION_CALL,
    ARGO_RESPONSES_N,
    ARGO_RESPONSES_MAX_TOKENS,
    ARGO_RESPONSES_MAX_COMPLETION,
    ARGO_RESPONSES_FORMAT,
    ARGO_RESPONSES_EFFORT,
    ARGO_RESPONSES_VERBOSITY,
    ARGO_RESPONSES_NMEMBERS
};


/* what a client may call a tool, and how it wants to hear of a call */

typedef enum {
    ARGO_RESPONSES_FUNCTION = 0,
    ARGO_RESPONSES_CUSTOM,              /* of free text */
    ARGO_RESPONSES_LOCAL_SHELL,
    ARGO_RESPONSES_SHELL,
    ARGO_RESPONSES_APPLY_PATCH,
    ARGO_RESPONSES_TOOL_SEARCH,
    ARGO_RESPONSES_NKINDS
} argo_responses_kind_e;


typedef struct {
    const char             *tool;       /* the type among tools */
    const char             *call;       /* ... of the item that is a call */
    const char             *output;     /* ... of its result's */
    const char             *prefix;     /* of a call's id */
    const char             *member;     /* of a call: what it is made with */
    const char             *name;       /* as a function; NULL: its own */
    const char             *description;
    const char             *parameters;
} argo_responses_kind_t;


typedef struct argo_responses_tool_s  argo_responses_tool_t;

/* a tool by the name that upstream knows it by; all are escaped */

struct argo_responses_tool_s {
    argo_responses_kind_e   kind;
    ngx_str_t               flat;       /* for upstream */
    ngx_str_t               space;      /* the namespace; len 0: none */
    ngx_str_t               name;
    argo_tool_t            *tool;
    argo_responses_tool_t  *next;
};


typedef struct argo_responses_note_s  argo_responses_note_t;

struct argo_responses_note_s {
    const char             *name;
    const char             *what;
    argo_responses_note_t  *next;
};


/* what a reply, or another API, needs of its request: req->front */

typedef struct {
    argo_json_t            *found[ARGO_RESPONSES_NMEMBERS];  /* or NULL */
    argo_responses_tool_t  *tools;
    argo_responses_tool_t **last_tool;
    argo_responses_note_t  *notes;      /* for another API than its own */
    argo_error_t            refusal;    /* likewise */
    unsigned                refused:1;
} argo_responses_request_t;


/* argo_openai_responses_request.c */

ngx_int_t argo_openai_responses_read_request(ngx_pool_t *pool,
    argo_request_t *req, argo_error_t *err);

/*
 * Finds a member that need not be there, by the last part of a name with
 * dots; null is as none if it is among the types.
 */
ngx_int_t argo_openai_responses_read_optional(argo_openai_place_t *at,
    argo_json_t *obj, const char *member, unsigned types,
    const char *expected, argo_json_t **node);

/*
 * Remembers what is to be told if another API than OpenAI's Responses gets the
 * request; once for the same words.  NGX_ERROR: no memory.
 */
ngx_int_t argo_openai_responses_note(ngx_pool_t *pool, argo_request_t *req,
    const char *name, const char *what);


/* argo_openai_responses_items.c: what "input" is, if no string */

ngx_int_t argo_openai_responses_read_items(ngx_pool_t *pool,
    argo_request_t *req, argo_json_t *input, argo_error_t *err);

/*
 * Whose an "encrypted_content" is; signature, if not NULL, is what that vendor
 * has made, escaped.
 */
argo_family_e argo_openai_responses_vendor(const argo_json_t *content,
    ngx_str_t *signature, ngx_uint_t *redacted);


/* argo_openai_responses_tools.c */

extern const argo_responses_kind_t
    argo_responses_kinds[ARGO_RESPONSES_NKINDS];

/*
 * Adds the tools of a list to the request's.  "at" names the list itself, or
 * the item that has it in at->parts.
 */
ngx_int_t argo_openai_responses_read_tools(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *list);

ngx_int_t argo_openai_responses_read_choice(argo_openai_place_t *at,
    argo_request_t *req, argo_json_t *choice);

/* The tool that upstream knows by a name, escaped; NULL: none. */
const argo_responses_tool_t *argo_openai_responses_tool(
    const argo_request_t *req, const ngx_str_t *flat);

/*
 * The name of a tool for upstream, of one that is called but was not offered
 * as well.  NGX_ERROR: no memory.
 */
ngx_int_t argo_openai_responses_flat_name(ngx_pool_t *pool,
    const argo_request_t *req, argo_responses_kind_e kind,
    const ngx_str_t *space, const ngx_str_t *name, ngx_str_t *flat);


/*
 * Replies: items, of which parts are texts.  Of a call, what it is made with
 * is the one part.
 */

typedef enum {
    ARGO_RESPONSES_IN_PROGRESS = 0,
    ARGO_RESPONSES_COMPLETED,
    ARGO_RESPONSES_INCOMPLETE,
    ARGO_RESPONSES_FAILED               /* responses only, not items */
} argo_responses_status_e;


typedef enum {
    ARGO_RESPONSES_ITEM_MESSAGE = 0,
    ARGO_RESPONSES_ITEM_CALL,
    ARGO_RESPONSES_ITEM_REASONING
} argo_responses_item_e;


typedef enum {
    ARGO_RESPONSES_PART_TEXT = 0,
    ARGO_RESPONSES_PART_REFUSAL,
    ARGO_RESPONSES_PART_SUMMARY,
    ARGO_RESPONSES_PART_ARGUMENTS,
    ARGO_RESPONSES_PART_INPUT,          /* of a custom tool */
    ARGO_RESPONSES_PART_ACTION          /* of what has an object instead */
} argo_responses_part_e;


typedef struct argo_responses_part_s  argo_responses_part_t;
typedef struct argo_responses_item_s  argo_responses_item_t;


struct argo_responses_part_s {
    argo_responses_part_e   type;
    ngx_uint_t              index;
    argo_out_t              text;       /* escaped */
    argo_responses_part_t  *next;
};


struct argo_responses_item_s {
    argo_responses_item_e   type;
    argo_responses_kind_e   kind;       /* of a call */
    ngx_uint_t              index;
    ngx_uint_t              call;       /* which of the calls it is */
    ngx_str_t               id;         /* of the call; escaped */
    ngx_str_t               name;       /* of what is called; escaped */
    ngx_str_t               space;      /* its namespace; escaped */
    ngx_str_t               action;     /* JSON, if the call is of such */
    argo_out_t              signature;  /* of reasoning; escaped */
    const char             *vendor;     /* what that begins with */
    argo_responses_part_t  *parts;
    argo_responses_part_t  *last_part;
    argo_responses_item_t  *next;
    unsigned                sealed:1;   /* nothing will be added */
    unsigned                whole:1;    /* a call whose text is not known
                                           before its end */
    unsigned                late:1;     /* ... nor what it is */
    unsigned                direct:1;   /* custom, and free text upstream */
};


/* st->state */

typedef struct {
    argo_responses_item_t  *items;
    argo_responses_item_t  *last;
    size_t                  size;       /* of all texts */

    /* how far a stream is */
    int64_t                 sequence;
    argo_responses_item_t  *item;       /* announced, not done */
    argo_responses_part_t  *part;       /* likewise */
    unsigned                created:1;

    /* of a stream of upstream's own, which is only handed on */
    ngx_str_t               id;         /* escaped */
    ngx_str_t               created_at;
} argo_responses_state_t;


/* argo_openai_responses_object.c */

void argo_openai_responses_write_object(argo_stream_t *st,
    argo_responses_status_e status, const argo_error_t *err,
    argo_out_t *out);
void argo_openai_responses_write_item(argo_stream_t *st,
    const argo_responses_item_t *item, argo_responses_status_e status,
    argo_out_t *out);
void argo_openai_responses_write_item_id(argo_stream_t *st,
    const argo_responses_item_t *item, argo_out_t *out);
void argo_openai_responses_write_part(const argo_responses_part_t *part,
    ngx_uint_t empty, argo_out_t *out);
argo_responses_status_e argo_openai_responses_status(argo_finish_e finish);
const char *argo_openai_responses_error_code(const argo_error_t *err);


/* argo_openai_responses_collect.c: events become items */

ngx_int_t argo_openai_responses_init_state(argo_stream_t *st);
ngx_int_t argo_openai_responses_collect_event(argo_stream_t *st,
    const argo_event_t *ev);


#endif /* _ARGO_OPENAI_RESPONSES_H_INCLUDED_ */
