
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The halves of Google's generateContent: how a request is read, and how a
 * reply is written, as a stream of events or as a JSON array.  ARGO has no
 * such API: this is a client's dialect only.
 */


#ifndef _ARGO_GEMINI_H_INCLUDED_
#define _ARGO_GEMINI_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"
#include "argo_ir.h"
#include "argo_json.h"
#include "argo_openai.h"
#include "argo_out.h"
#include "argo_request.h"


/*
 * root, generateContentRequest, contents, content, parts, part,
 * functionResponse, parts, part, inlineData, data
 */
#define ARGO_GEMINI_TREE_DEPTH  10

/* the most function calls in a row; bounds the work of pairing them */
#define ARGO_GEMINI_MAX_CALLS   512

/*
 * What a model of another vendor needs back of what it thought goes to the
 * client as the signature of the part that follows: base64 of this and of a
 * JSON array of blocks.  Not all clients send thoughts back, all do signatures.
 */
#define ARGO_GEMINI_SEAL        "anthropic:"


/* req->front */

typedef struct {
    unsigned  thoughts:1;           /* the client wants to see them */
} argo_gemini_request_t;


/*
 * The model comes from the path: the caller has set req->model, and
 * req->stream.  A request for countTokens, which may be wrapped, is read as
 * well.
 */
ngx_int_t argo_gemini_read_request(ngx_pool_t *pool, argo_request_t *req,
    argo_error_t *err);

/* argo_gemini_contents.c: contents and systemInstruction, which may be NULL */

ngx_int_t argo_gemini_read_contents(ngx_pool_t *pool, argo_request_t *req,
    argo_json_t *contents, argo_json_t *system, argo_error_t *err);

/*
 * argo_gemini_schema.c: a schema as JSON Schema has it; node itself if it is
 * one.  openapi: it may be of Google's own kind, else only its types are
 * looked at.  NGX_DECLINED with err: it has too many values.
 */

ngx_int_t argo_gemini_schema(ngx_pool_t *pool, argo_json_t *node,
    ngx_uint_t openapi, argo_json_t **schema, argo_error_t *err);


/*
 * Finds a member by its name in camelCase, which may also be written in
 * snake_case, and marks it taken; the last of several.  NULL if there is
 * none, or it is null, or obj is no object.
 */
argo_json_t *argo_gemini_find(const argo_json_t *obj, const char *name);

/* True if the name is the one given, written in either way. */
ngx_uint_t argo_gemini_named(const ngx_str_t *name, const char *camel);

/*
 * Finds a member that need not be there; it is called like the last part of
 * the path, which names it in errors.
 */
ngx_int_t argo_gemini_get(argo_openai_place_t *at, const argo_json_t *obj,
    const char *path, unsigned types, const char *expected,
    argo_json_t **node);

/* The same for several, of which those not there are NULL in found. */
ngx_int_t argo_gemini_get_all(argo_openai_place_t *at,
    const argo_json_t *obj, const argo_openai_member_t *members,
    ngx_uint_t n, argo_json_t **found);

/* True if a text begins with these letters, in either case. */
ngx_uint_t argo_gemini_begins(const ngx_str_t *text, const char *word);

/* True if the word is a string of these letters, in either case. */
ngx_uint_t argo_gemini_is(const argo_json_t *node, const char *word);


/* argo_gemini.c */

/* The body of an error; also where no front is at hand, as in a list. */
void argo_gemini_write_error(const argo_error_t *err, argo_out_t *out);

/* The name that Google has for an HTTP status. */
const char *argo_gemini_status(ngx_uint_t status);


#endif /* _ARGO_GEMINI_H_INCLUDED_ */
