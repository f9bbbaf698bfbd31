
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Anthropic's Messages as clients speak them: how a request is read.  The
 * names of places and the words for what is wrong are those of the vendor's
 * own service, "messages.2.content.0.tool_use_id: Field required".
 */


#ifndef _ARGO_ANTHROPIC_FRONT_H_INCLUDED_
#define _ARGO_ANTHROPIC_FRONT_H_INCLUDED_


#include "argo_core.h"
#include "argo_dialect.h"
#include "argo_error.h"
#include "argo_ir.h"
#include "argo_json.h"
#include "argo_out.h"


/*
 * root, messages, message, content, block, content of a tool's result, block,
 * source, members
 */
#define ARGO_ANTHROPIC_TREE_DEPTH  8

/*
 * Gemini's signature of a call, which a client of this dialect has no other
 * place for, is given to it and taken back as a redacted thought whose data
 * begins with this.
 */
#define ARGO_ANTHROPIC_GOOGLE  "google:"

/* the code of what makes the SDK send a whole conversation */
#define ARGO_ANTHROPIC_THREAD_CODE  "thread_unsupported_request"


/* what a member's value may be */

#define ARGO_ANTHROPIC_IS(type)  (1u << ARGO_JSON_##type)
#define ARGO_ANTHROPIC_BOOL                                                   \
    (ARGO_ANTHROPIC_IS(TRUE) | ARGO_ANTHROPIC_IS(FALSE))


/*
 * The place in a request that an error is about.  A member of it is named
 * with its dot, ".type", or is "": the place itself.
 */

typedef struct {
    ngx_pool_t       *pool;
    argo_error_t     *err;
    const char       *list;             /* "messages"; NULL: the request */
    ngx_int_t         item;             /* -1: the list itself */
    ngx_int_t         block;            /* of its content; -1: the item */
    ngx_int_t         inner;            /* of that; -1: the block */
    unsigned          fetch_images:1;   /* URLs will be, or need not be */
} argo_anthropic_place_t;


/* Reads a request for a message; as argo_read_request_pt. */
ngx_int_t argo_anthropic_read_request(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err);

/*
 * Reads a request for a count of tokens: the same without a limit of the
 * answer's length, and images need not be there.
 */
ngx_int_t argo_anthropic_read_count_request(ngx_pool_t *pool,
    argo_request_t *req, argo_error_t *err);

/* Reads "system" (NULL: none) and "messages" into req. */
ngx_int_t argo_anthropic_read_messages(argo_anthropic_place_t *at,
    argo_request_t *req, argo_json_t *system, argo_json_t *messages);


/*
 * Finds a member, marks it taken and checks its type; null is as none.  Of
 * the name what is behind the last dot is the member's: the rest only names
 * the place.  *node is NULL if there is none, which for a member that must be
 * there is an error.
 */
ngx_int_t argo_anthropic_read_optional(argo_anthropic_place_t *at,
    argo_json_t *obj, const char *member, unsigned types, argo_json_t **node);
ngx_int_t argo_anthropic_read_member(argo_anthropic_place_t *at,
    argo_json_t *obj, const char *member, unsigned types, argo_json_t **node);

/* NGX_DECLINED if the node is not of one of the types. */
ngx_int_t argo_anthropic_check(argo_anthropic_place_t *at,
    const char *member, unsigned types, const argo_json_t *node);

/* Names a member of a place. */
ngx_int_t argo_anthropic_name_place(argo_anthropic_place_t *at,
    const char *member, ngx_str_t *name);

/* What is wrong in a place.  Both return NGX_DECLINED or NGX_ERROR. */
ngx_int_t argo_anthropic_missing(argo_anthropic_place_t *at,
    const char *member);
ngx_int_t argo_anthropic_wrong(argo_anthropic_place_t *at,
    const char *member, const char *code, const char *what);


#endif /* _ARGO_ANTHROPIC_FRONT_H_INCLUDED_ */
