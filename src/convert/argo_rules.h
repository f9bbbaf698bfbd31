
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What each model takes and refuses: a table of data, read from a file that
 * is shipped with the module and may be overridden.  The lines and words come
 * from the caller (the configuration's parser), so that a mistake is told
 * with its file and line.
 */


#ifndef _ARGO_RULES_H_INCLUDED_
#define _ARGO_RULES_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"
#include "argo_ir.h"
#include "argo_json.h"
#include "argo_out.h"


typedef enum {
    ARGO_TAKES_ANY = 0,
    ARGO_TAKES_ONE,                 /* only the value 1 */
    ARGO_TAKES_NONE
} argo_takes_e;


/* bits of efforts */

#define ARGO_EFFORT_NONE     0x01
#define ARGO_EFFORT_MINIMAL  0x02
#define ARGO_EFFORT_LOW      0x04
#define ARGO_EFFORT_MEDIUM   0x08
#define ARGO_EFFORT_HIGH     0x10
#define ARGO_EFFORT_XHIGH    0x20
#define ARGO_EFFORT_MAX      0x40

/* bits of thinking */

#define ARGO_THINKS_ENABLED   0x01
#define ARGO_THINKS_ADAPTIVE  0x02
#define ARGO_THINKS_DISABLED  0x04
#define ARGO_THINKS_DEFAULT   0x08      /* also if nothing is said of it */

/* a longer name of a schema's keyword or of a parameter is none */
#define ARGO_RULES_MAX_WORD  64


/* a profile: the sum of all rules whose pattern matches a model's id */

struct argo_profile_s {
    argo_takes_e    temperature;
    argo_takes_e    top_p;
    argo_takes_e    top_k;
    ngx_uint_t      temperature_max;    /* in thousandths; 0: no cap */
    ngx_uint_t      efforts;        /* 0: the parameter is not taken */
    ngx_uint_t      thinking;       /* 0: the parameter is not taken */
    ngx_str_t       limit;          /* "max_tokens" or
                                       "max_completion_tokens": of chat
                                       completions; len 0: either */
    ngx_uint_t      max_output;     /* tokens; 0: no cap */
    ngx_uint_t      min_output;     /* tokens; a smaller limit is raised */
    ngx_uint_t      default_output; /* tokens, where a limit must be said */
    ngx_uint_t      max_images;     /* in a request; 0: any number */
    ngx_uint_t      max_description;    /* of a custom tool, in bytes */
    ngx_array_t    *schema_only;    /* of ngx_str_t: the keywords that a
                                       schema may have; NULL: any */
    ngx_array_t    *schema_drop;    /* of ngx_str_t: keywords that a tool's
                                       schema must not have; NULL: none */
    ngx_array_t    *drop;           /* of ngx_str_t: other parameters that
                                       are refused; NULL: none */
    unsigned        exclusive:1;    /* temperature or top_p, not both */
    unsigned        developer:1;    /* the role is known; else "system" */
    unsigned        null_content:1; /* is taken; else "" */
    unsigned        blank_text:1;   /* is taken */
    unsigned        pair_calls:1;   /* each call in a message of its own,
                                       followed by its result */
    unsigned        tools_effort:1; /* tools and effort go together on chat
                                       completions */
    unsigned        effort_sampling:1;  /* temperature and top_p go together
                                           with an effort */
    unsigned        lone_choice:1;  /* tool_choice is taken without tools */
    unsigned        schema_object:1;    /* a tool's schema must be of the type
                                           object, without $ref */
    unsigned        schema_properties:1;    /* and say what is in it */
};


typedef struct argo_rules_s  argo_rules_t;


/*
 * An empty set of rules, in the pool: any model takes anything.  NULL: no
 * memory.
 */
argo_rules_t *argo_rules_create(ngx_pool_t *pool);

/* Adds the rules that are built in; those of conf/argo_rules.conf. */
ngx_int_t argo_rules_add_builtin(argo_rules_t *rules);

/*
 * Adds a line: patterns of model ids, joined by commas, the name of a rule,
 * its values.  NGX_DECLINED with err, whose message says what is wrong and
 * what would be right.  Later lines win.
 */
ngx_int_t argo_rules_add(argo_rules_t *rules, const ngx_str_t *words,
    ngx_uint_t n, argo_error_t *err);

/*
 * The profile of a model, by its id; made once for each.  No rules may be
 * added later.  NULL: no memory.
 */
const argo_profile_t *argo_rules_profile(argo_rules_t *rules,
    const argo_model_t *model);

/*
 * Makes the request one that its model takes on an API of the dialect given
 * (of a back): req->profile is set, target is resolved.  What is changed goes
 * to req->changes.  NGX_DECLINED with err if it can't be made so.
 *
 * Afterwards, but for the legacy API, at most one of max_tokens,
 * max_completion_tokens and max_output is set; effort is what upstream shall
 * be told as reasoning_effort, reasoning.effort or output_config.effort, and
 * thinking is said only for Claude, with a budget if it is of the type
 * ENABLED.
 */
ngx_int_t argo_rules_apply(ngx_pool_t *pool, argo_request_t *req,
    argo_dialect_e upstream, argo_error_t *err);

/*
 * Writes a tool's schema as the profile wants it; as it came if nothing in it
 * is refused.  schema may be NULL: an object without properties.
 */
void argo_rules_write_schema(const argo_profile_t *profile,
    const argo_json_t *schema, argo_out_t *out);

/* True if that would write something else than what came. */
ngx_uint_t argo_rules_schema_refused(const argo_profile_t *profile,
    const argo_json_t *schema);


#endif /* _ARGO_RULES_H_INCLUDED_ */
