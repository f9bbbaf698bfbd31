
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What the files that apply rules to a request share; nobody else's business.
 */


#ifndef _ARGO_RULES_APPLY_H_INCLUDED_
#define _ARGO_RULES_APPLY_H_INCLUDED_


#include "argo_core.h"
#include "argo_ir.h"
#include "argo_json.h"
#include "argo_request.h"
#include "argo_rules.h"


/* parameters, as the client's dialect names them */

typedef enum {
    ARGO_RULES_TEMPERATURE = 0,
    ARGO_RULES_TOP_P,
    ARGO_RULES_TOP_K,
    ARGO_RULES_EFFORT,
    ARGO_RULES_THINKING,
    ARGO_RULES_MAX_OUTPUT,
    ARGO_RULES_MESSAGES,
    ARGO_RULES_NPARAMS
} argo_rules_param_e;


typedef struct {
    ngx_pool_t            *pool;
    argo_request_t        *req;
    const argo_profile_t  *profile;
    argo_dialect_e         upstream;
    unsigned               spliced:1;   /* the client speaks it as well */
    unsigned               thinks:1;    /* Claude will; set by the thinking */
    unsigned               reasons:1;   /* an effort goes up that is active */
} argo_rules_job_t;


/* the least that Anthropic takes as a budget for thinking */
#define ARGO_RULES_MIN_BUDGET  1024


/* argo_rules_apply.c; all return NGX_OK or NGX_ERROR */

const char *argo_rules_name(const argo_rules_job_t *job,
    argo_rules_param_e param);

/* True if there is a value, which null is not. */
ngx_uint_t argo_rules_said(const argo_json_t *node);

ngx_int_t argo_rules_drop(argo_rules_job_t *job, argo_json_t **field,
    const char *name, const char *why);
ngx_int_t argo_rules_set(argo_rules_job_t *job, argo_json_t **field,
    argo_json_e type, const char *name, const ngx_str_t *value,
    const char *why);
ngx_int_t argo_rules_set_int(argo_rules_job_t *job, argo_json_t **field,
    const char *name, int64_t n, const char *why);

/* The limit of tokens that is set; NULL: none. */
argo_json_t **argo_rules_limit(argo_request_t *req);

/* argo_rules_think.c */
ngx_int_t argo_rules_apply_thinking(argo_rules_job_t *job);

/* argo_rules_talk.c: messages and tools */
ngx_int_t argo_rules_apply_messages(argo_rules_job_t *job);
ngx_int_t argo_rules_apply_tools(argo_rules_job_t *job);


#endif /* _ARGO_RULES_APPLY_H_INCLUDED_ */
