
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * JSON as a tree of slices of the document, in one pass; nothing is
 * unescaped but the names of members, no number is converted.
 * The document must be in one piece and must outlive the tree.
 */


#ifndef _ARGO_JSON_H_INCLUDED_
#define _ARGO_JSON_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"


/*
 * Deepest nesting that is accepted: yajl_gen and several upstream parsers
 * refuse 128 levels.
 */
#define ARGO_JSON_MAX_DEPTH  100

/*
 * Most values that get a node of their own; bounds the memory of a tree to
 * about 18 MB.  Values below tree_depth get none and are not counted.
 */
#define ARGO_JSON_MAX_NODES  (256 * 1024)


typedef enum {
    ARGO_JSON_NULL = 0,
    ARGO_JSON_FALSE,
    ARGO_JSON_TRUE,
    ARGO_JSON_NUMBER,
    ARGO_JSON_STRING,
    ARGO_JSON_ARRAY,
    ARGO_JSON_OBJECT
} argo_json_e;


struct argo_json_s {
    ngx_str_t     raw;              /* as it stands; a string with quotes */
    ngx_str_t     name;             /* of an object's member, unescaped */
    u_char       *start;            /* of the member's name, or raw.data */
    argo_json_t  *next;             /* in the same array or object */
    argo_json_t  *child;            /* first, or NULL */
    uint32_t      count;            /* of children, also those without node */
    unsigned      type:4;           /* argo_json_e */
    unsigned      escaped:1;        /* a string with a backslash in it */
    unsigned      taken:1;          /* a dialect has understood this member */
    unsigned      dropped:1;        /* it is not to be sent on */
};


/*
 * Parses a document.  Values deeper than tree_depth (the root is at 0) are
 * checked but get no nodes: their parent's raw slice is all there is.
 * Returns NGX_DECLINED with err (400; code "invalid_json", "json_too_deep"
 * or "json_too_large"; the message never quotes the document).
 */
ngx_int_t argo_json_parse(ngx_pool_t *pool, const ngx_str_t *document,
    ngx_uint_t tree_depth, argo_json_t **root, argo_error_t *err);

/*
 * Finds a member by its unescaped name; the last of several, as every
 * common parser does.  NULL if there is none or obj is not an object.
 */
argo_json_t *argo_json_find(const argo_json_t *obj, const char *name,
    size_t len);

#define argo_json_get(obj, literal)                                           \
    argo_json_find(obj, literal, sizeof(literal) - 1)

/* The inside of a string's raw slice: still escaped, without its quotes. */
ngx_str_t argo_json_inner(const argo_json_t *node);

/*
 * The text of a string, unescaped; points into the document when nothing
 * had to be unescaped.  A lone surrogate becomes U+FFFD.
 */
ngx_int_t argo_json_text(ngx_pool_t *pool, const argo_json_t *node,
    ngx_str_t *text);

/*
 * Unescapes the inside of a valid JSON string, at most size bytes of
 * result; *src is moved behind what was used.  Returns the bytes written.
 * A character is never written in part.
 */
size_t argo_json_unescape(u_char **src, u_char *end, u_char *dst,
    size_t size);

/*
 * Finds the first byte that is not ASCII, or that can't stand in a JSON
 * string as it is; end if there is none.
 */
u_char *argo_json_plain(u_char *p, u_char *end);

/*
 * What is behind the string whose opening quote is at p, or NULL if it is not
 * valid; *escaped becomes 1 if there is a backslash in it.
 */
u_char *argo_json_skip_string(u_char *p, u_char *end, ngx_uint_t *escaped);

/* What is behind the number at p, where there is a byte; NULL: it is none. */
u_char *argo_json_skip_number(u_char *p, u_char *end);

/* True if node is a string whose text is the one given. */
ngx_uint_t argo_json_text_is(const argo_json_t *node, const char *text,
    size_t len);

#define argo_json_is(node, literal)                                           \
    argo_json_text_is(node, literal, sizeof(literal) - 1)

/*
 * The value of a number that is an integer and fits.  NGX_DECLINED for
 * anything else.
 */
ngx_int_t argo_json_int(const argo_json_t *node, int64_t *value);

/* A type's name as an error message would say it: "a string", "an object". */
const char *argo_json_type_name(const argo_json_t *node);


#endif /* _ARGO_JSON_H_INCLUDED_ */
