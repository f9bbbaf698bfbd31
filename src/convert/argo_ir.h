
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
#include "argo_out.h"


/* what clients and upstreams speak */

typedef enum {
    ARGO_DIALECT_CHAT = 0,          /* OpenAI's chat completions */
    ARGO_DIALECT_COMPLETIONS,
    ARGO_DIALECT_RESPONSES,
    ARGO_DIALECT_EMBEDDINGS,
    ARGO_DIALECT_MESSAGES,          /* Anthropic's */
    ARGO_DIALECT_GEMINI,            /* Google's generateContent */
    ARGO_DIALECT_LEGACY             /* ARGO's first API */
} argo_dialect_e;


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
    ARGO_PART_TOOL_CALL,            /* of an assistant's message */
    ARGO_PART_TOOL_RESULT,          /* the one part of a tool's message */
    ARGO_PART_REASONING,            /* of an assistant's message */
    ARGO_PART_FILE,                 /* a document, with its data */
    ARGO_PART_OTHER                 /* carried as it came */
} argo_part_e;


typedef struct argo_part_s     argo_part_t;
typedef struct argo_message_s  argo_message_t;
typedef struct argo_tool_s     argo_tool_t;


/*
 * One part of a message.  raw is the part as an OpenAI chat content part, a
 * tool call's as an item of "tool_calls"; NULL if the client's dialect has
 * another form and it must be written.  node is the part as it came, in the
 * client's dialect: all of them set it.
 *
 * A reasoning part belongs to a vendor, who alone understands its signature:
 * Anthropic's has text and signature, or, redacted, its data as signature;
 * OpenAI's has a summary as text and encrypted_content as signature.  Google
 * signs tool calls and texts: signature is set on those.
 */

struct argo_part_s {
    argo_part_e         type;
    ngx_str_t           text;       /* text, or an image's URL; if mime is
                                       set, base64 data of an image or file;
                                       or a call's arguments: JSON as the
                                       inside of a string; escaped */
    ngx_str_t           mime;       /* of data; len 0: text is a URL */
    ngx_str_t           signature;  /* escaped; len 0: none */
    argo_family_e       vendor;     /* of a signature */
    ngx_str_t           id;         /* of the tool call; escaped */
    ngx_str_t           name;       /* of the tool called, or of a file;
                                       escaped */
    argo_json_t        *args;       /* a call's arguments, if they came as a
                                       JSON object; text is then len 0 */
    argo_json_t        *cache;      /* cache_control; NULL: none */
    argo_json_t        *node;
    ngx_str_t           param;      /* where the client's request has a call's
                                       arguments, a result's id, the URL of
                                       an image; len 0: not to be told */
    argo_part_t        *parts;      /* of a tool's result */
    argo_json_t        *detail;     /* of an image; NULL: not said */
    const argo_out_t   *data;       /* of an image that was fetched: the data
                                       URL, in place of text */
    argo_part_t        *peer;       /* a call's result, a result's call; by
                                       the back */
    argo_json_t        *raw;
    argo_part_t        *next;
    unsigned            string:1;   /* a tool's result was a plain string */
    unsigned            remote:1;   /* an image to be fetched from its URL */
    unsigned            failed:1;   /* a tool's result is an error */
    unsigned            redacted:1; /* reasoning that nobody can read */
    unsigned            custom:1;   /* a call of a custom tool: text is no
                                       JSON but its input; escaped */
};


/*
 * One message.  Members of node that are not marked taken are unknown to
 * the dialect and go up as they came.
 */

struct argo_message_s {
    argo_role_e         role;
    argo_json_t        *role_node;
    argo_json_t        *node;       /* the whole message as it came, or NULL */
    argo_part_t        *parts;
    argo_message_t     *next;
    ngx_uint_t          index;      /* in the client's list, for errors */
    unsigned            string:1;   /* content was a plain string */
};


/*
 * A function that the model may call.  Slices are escaped.  What is no
 * function has its type and nothing but raw.
 */

struct argo_tool_s {
    ngx_uint_t          index;      /* in the client's list, for errors */
    argo_json_t        *type;       /* NULL: a function */
    argo_json_t        *node;       /* as it came, in the client's dialect */
    argo_json_t        *cache;      /* cache_control; NULL: none */
    ngx_str_t           name;
    argo_json_t        *description;    /* NULL: none */
    argo_json_t        *parameters;     /* JSON schema; NULL: none */
    argo_json_t        *strict;         /* NULL: not said */
    argo_json_t        *raw;        /* as an OpenAI chat tool, or NULL */
    argo_tool_t        *next;
    unsigned            custom:1;   /* takes free text: for upstream it is a
                                       function of one string, "input" */
};


typedef enum {
    ARGO_TOOL_CHOICE_NONE_SAID = 0,
    ARGO_TOOL_CHOICE_AUTO,
    ARGO_TOOL_CHOICE_NONE,
    ARGO_TOOL_CHOICE_REQUIRED,
    ARGO_TOOL_CHOICE_NAMED          /* of the tool tool_name */
} argo_tool_choice_e;


typedef enum {
    ARGO_PARALLEL_NOT_SAID = 0,
    ARGO_PARALLEL_YES,
    ARGO_PARALLEL_NO
} argo_parallel_e;


/*
 * The form of the answer, if the client's dialect says it in another place
 * than chat completions does.  Members of a schema are as they came; NULL:
 * not said.
 */

typedef enum {
    ARGO_FORMAT_NONE_SAID = 0,
    ARGO_FORMAT_TEXT,
    ARGO_FORMAT_JSON_OBJECT,
    ARGO_FORMAT_JSON_SCHEMA
} argo_format_e;


typedef struct {
    argo_format_e       type;
    argo_json_t        *name;
    argo_json_t        *description;
    argo_json_t        *schema;
    argo_json_t        *strict;
} argo_format_t;


typedef enum {
    ARGO_THINKING_NONE_SAID = 0,
    ARGO_THINKING_DISABLED,
    ARGO_THINKING_ENABLED,          /* with a budget */
    ARGO_THINKING_ADAPTIVE
} argo_thinking_e;


typedef struct {
    argo_thinking_e     type;
    argo_json_t        *node;       /* all that was said; NULL: nothing */
    argo_json_t        *budget;     /* a number, in tokens; NULL: not said */
    argo_json_t        *display;    /* NULL: not said */
} argo_thinking_t;


typedef struct argo_profile_s  argo_profile_t;
typedef struct argo_change_s   argo_change_t;


/*
 * What was done to a request that its client did not ask for, by a rule for
 * the model or since upstream has no word for it: argo_request.h.
 */

struct argo_change_s {
    ngx_str_t           note;       /* "temperature dropped": for the log and
                                       the client; no content of the client's */
    argo_json_t        *parent;     /* of node, if that is not the root */
    argo_json_t        *node;       /* the member; NULL: it is added */
    ngx_str_t           name;       /* its new name; len 0: as it was */
    ngx_str_t           value;      /* as JSON; data == NULL: dropped */
    argo_change_t      *next;
    unsigned            edit:1;     /* else only a note */
};


/*
 * Prepares a request for an API of another dialect than the client's: tells
 * what is dropped, and refuses what no other API has.  NGX_DECLINED with err.
 */
typedef ngx_int_t (*argo_adapt_request_pt)(ngx_pool_t *pool,
    argo_request_t *req, argo_dialect_e upstream, argo_error_t *err);


/*
 * Of the parameters (nodes of the client's document, or made by a rule) those
 * marked taken are the back's to write, under its own names; those not taken
 * have the name and form that OpenAI's chat completions give them, and go up
 * with the other members of root that nobody has taken, if the client speaks
 * OpenAI's language and upstream does.
 */

struct argo_request_s {
    argo_dialect_e      dialect;    /* the client's; by the caller */
    argo_json_t        *root;       /* members not taken go up as they came */
    ngx_str_t           document;   /* the body that root was made of */
    ngx_str_t           model;      /* as the client named it, unescaped */
    const argo_model_t *target;     /* resolved; set by the caller */
    ngx_str_t           user;       /* the bound ARGO name; by the caller */
    const argo_tokenizer_t  *tokenizer;     /* by the caller; NULL: none */
    argo_message_t     *messages;
    argo_message_t    **last_message;
    argo_json_t        *max_tokens;
    argo_json_t        *max_completion_tokens;
    argo_json_t        *max_output; /* the limit, in a dialect that has one
                                       name for it: the back chooses which */
    argo_format_t       format;
    argo_json_t        *effort;     /* of reasoning; a string */
    argo_thinking_t     thinking;
    argo_json_t        *verbosity;  /* of the text, from such a place */
    argo_json_t        *temperature;
    argo_json_t        *top_p;
    argo_json_t        *top_k;
    argo_json_t        *stop;       /* a string, or an array of them */
    argo_json_t        *seed;
    argo_json_t        *frequency_penalty;
    argo_json_t        *presence_penalty;
    argo_json_t        *n;
    argo_json_t        *logprobs;

    argo_tool_t        *tools;      /* NULL: none */
    argo_tool_t       **last_tool;
    argo_tool_choice_e  tool_choice;
    ngx_str_t           tool_name;  /* escaped */
    argo_parallel_e     parallel;

    /*
     * A client's request may ask for several replies, each of which is a
     * call of its own; the first holds what they share (model, target,
     * user are copied to all by the caller).
     */
    argo_request_t     *next;
    ngx_uint_t          choice;     /* index of this one */

    const argo_profile_t  *profile; /* what the model takes: argo_rules.h;
                                       by the caller; NULL: anything */
    argo_change_t      *changes;
    argo_change_t     **last_change;

    void               *front;      /* what the client's dialect keeps */
    argo_adapt_request_pt  adapt;   /* by the front; called once the model is
                                       resolved and the back is known, if
                                       that is of another dialect, before the
                                       rules; NULL: nothing to do */
    unsigned            rewrite_messages:1; /* a rule wants them written anew,
                                               though the dialect is the same */
    unsigned            rewrite_tools:1;
    unsigned            stream:1;
    unsigned            include_usage:1;
    unsigned            fetch_images:1; /* URLs of http and https will be; by
                                           the caller, before it is read */
};


typedef enum {
    ARGO_FINISH_NONE = 0,           /* upstream has not said that it ended */
    ARGO_FINISH_STOP,
    ARGO_FINISH_LENGTH,
    ARGO_FINISH_TOOL_CALLS,
    ARGO_FINISH_CONTENT_FILTER,
    ARGO_FINISH_STOP_SEQUENCE,      /* one of the request's; in text */
    ARGO_FINISH_PAUSE,              /* Anthropic's pause_turn */
    ARGO_FINISH_CONTEXT             /* no room left in the model's window */
} argo_finish_e;


typedef struct {
    uint64_t            prompt;
    uint64_t            completion;
    uint64_t            cached;     /* of prompt, read from a cache */
    uint64_t            cache_write;    /* of prompt, written to a cache */
    uint64_t            reasoning;  /* of completion */
    unsigned            known:1;    /* upstream told; else an estimate */
} argo_usage_t;


/*
 * What a reply is made of, in this order:
 *
 *     START (TEXT | REFUSAL | REASONING* SIGNATURE? | TOOL_START TOOL_ARGS*
 *            | USAGE)* FINISH
 *
 * or, at any point, ERROR and nothing after it.  A SIGNATURE ends a piece of
 * reasoning; the last USAGE counts, and one right after START tells of the
 * prompt.  Arguments follow the start of their call, before another begins.
 * A decoder emits FINISH only when upstream has said that the reply is
 * complete.  Plain text is cut only between characters; lead serves for what
 * was held back until the next bytes came, and is seldom more than one
 * character.
 */

typedef enum {
    ARGO_EVENT_START = 0,
    ARGO_EVENT_TEXT,
    ARGO_EVENT_REFUSAL,
    ARGO_EVENT_REASONING,
    ARGO_EVENT_SIGNATURE,           /* text: of vendor; redacted: its data */
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
    ngx_str_t           text;       /* TEXT, REFUSAL, REASONING, SIGNATURE,
                                       TOOL_ARGS; FINISH: the stop sequence */
    ngx_str_t           id;         /* TOOL_START, escaped; len 0: none */
    ngx_str_t           name;       /* TOOL_START, escaped */
    ngx_str_t           signature;  /* TOOL_START, Google's; escaped */
    argo_family_e       vendor;     /* of SIGNATURE */
    argo_finish_e       finish;
    argo_usage_t        usage;
    const argo_error_t *error;
    unsigned            escaped:1;  /* lead, text: inside of a JSON string */
    unsigned            redacted:1; /* SIGNATURE: all there is to see */
    unsigned            custom:1;   /* TOOL_START: of a custom tool, whose
                                       TOOL_ARGS are free text */
};


#endif /* _ARGO_IR_H_INCLUDED_ */
