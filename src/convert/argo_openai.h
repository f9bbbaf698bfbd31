
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What the fronts of OpenAI's API have in common: how members are checked,
 * how a wrong one is named, errors, usage.
 */


#ifndef _ARGO_OPENAI_H_INCLUDED_
#define _ARGO_OPENAI_H_INCLUDED_


#include "argo_core.h"
#include "argo_dialect.h"
#include "argo_error.h"
#include "argo_ir.h"
#include "argo_json.h"
#include "argo_out.h"
#include "argo_stream.h"


/* what a member's value may be */

#define ARGO_OPENAI_IS(type)    (1u << ARGO_JSON_##type)
#define ARGO_OPENAI_ANY         ((1u << (ARGO_JSON_OBJECT + 1)) - 1)
#define ARGO_OPENAI_BOOL                                                      \
    (ARGO_OPENAI_IS(TRUE) | ARGO_OPENAI_IS(FALSE) | ARGO_OPENAI_IS(NULL))
#define ARGO_OPENAI_NUMBER                                                    \
    (ARGO_OPENAI_IS(NUMBER) | ARGO_OPENAI_IS(NULL))
#define ARGO_OPENAI_OBJECT                                                    \
    (ARGO_OPENAI_IS(OBJECT) | ARGO_OPENAI_IS(NULL))
#define ARGO_OPENAI_STRING                                                    \
    (ARGO_OPENAI_IS(STRING) | ARGO_OPENAI_IS(NULL))


typedef struct {
    const char       *name;
    unsigned          types;            /* that are accepted */
    const char       *expected;         /* the same in words */
} argo_openai_member_t;


/*
 * The place in a request that an error is about, "input[2].content[0]".  A
 * member of it is named with its dot, ".type", or is "": the place itself.
 */

typedef struct {
    ngx_pool_t       *pool;
    argo_error_t     *err;
    const char       *list;             /* "input"; NULL: the request */
    ngx_int_t         item;
    const char       *parts;            /* ".content" */
    ngx_int_t         part;             /* -1: the item itself */
    unsigned          fetch_images:1;   /* as in the request */
} argo_openai_place_t;


/*
 * Finds known members of a request and marks them taken; of several with one
 * name the last counts, and null is as none.  NGX_DECLINED: one is of a wrong
 * type.
 */
ngx_int_t argo_openai_read_members(ngx_pool_t *pool, argo_json_t *obj,
    const argo_openai_member_t *members, ngx_uint_t n, argo_json_t **found,
    argo_error_t *err);

/*
 * Reads the parameters that chat completions and text completions have in
 * common, and that go up as they came: they are not marked taken.
 */
ngx_int_t argo_openai_read_params(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err);

/* Reads stream_options, which may be NULL. */
ngx_int_t argo_openai_read_stream_options(ngx_pool_t *pool,
    argo_json_t *options, argo_request_t *req, argo_error_t *err);

/*
 * Makes part an image, if its URL, a string, is one that can be sent up or
 * will be fetched.
 */
ngx_int_t argo_openai_read_image(argo_openai_place_t *at, const char *member,
    argo_json_t *url, argo_part_t *part);

/* The member of an object that must be a string and must be there. */
ngx_int_t argo_openai_read_string(argo_openai_place_t *at, argo_json_t *obj,
    const char *member, argo_json_t **node);

/* Names a member of a place: "messages[2].content[0].type". */
ngx_int_t argo_openai_name_place(argo_openai_place_t *at, const char *member,
    ngx_str_t *name);

/* What is wrong in a place.  All return NGX_DECLINED or NGX_ERROR. */
ngx_int_t argo_openai_missing(argo_openai_place_t *at, const char *member);
ngx_int_t argo_openai_mistyped(argo_openai_place_t *at, const char *member,
    const char *expected, const argo_json_t *node);
ngx_int_t argo_openai_wrong(argo_openai_place_t *at, const char *member,
    const char *code, const char *what);


/* Writes the text of an event as the inside of a JSON string. */
void argo_openai_write_text(const argo_event_t *ev, argo_out_t *out);

/* Writes the id of a tool call: upstream's, or one of our own. */
void argo_openai_write_call_id(const argo_stream_t *st, const ngx_str_t *id,
    ngx_uint_t index, argo_out_t *out);

/* Writes what begins every object of a reply: id, object, created, model. */
void argo_openai_write_top(const argo_stream_t *st, const char *prefix,
    const char *object, argo_out_t *out);

/* Writes the usage object of chat and text completions. */
void argo_openai_write_usage(const argo_stream_t *st, argo_out_t *out);

/* The reason of a finish, in the words of the API. */
const char *argo_openai_finish_reason(argo_finish_e finish);

/* The type of an error, in the words of the API. */
const char *argo_openai_error_type(const argo_error_t *err);

/* Writes the body of an error; "as" gives it another type than its own. */
void argo_openai_write_error(const argo_error_t *err, argo_out_t *out);
void argo_openai_write_error_as(const argo_error_t *err, const char *type,
    argo_out_t *out);

/* Writes what is inside of it: message, type, param, code. */
void argo_openai_write_error_object(const argo_error_t *err,
    const char *type, argo_out_t *out);

/* Writes an error as an event of a stream, of the type that is retried. */
void argo_openai_write_error_event(const argo_error_t *err, argo_out_t *out);

#define argo_openai_write_name(out, s)  argo_out_write(out, s, ngx_strlen(s))


#endif /* _ARGO_OPENAI_H_INCLUDED_ */
