
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * JSON schemas of tools, for upstreams that know a part of JSON Schema.
 * What is refused is left out or said in other words; docs/rules.md tells
 * which.  A schema of which nothing is refused is not touched.
 */


#ifndef _ARGO_SCHEMA_H_INCLUDED_
#define _ARGO_SCHEMA_H_INCLUDED_


#include "argo_core.h"
#include "argo_json.h"
#include "argo_out.h"
#include "argo_rules.h"


/*
 * References are followed no deeper, nor once this much has been written;
 * what they stand for is then any object.
 */
#define ARGO_SCHEMA_MAX_REFS  32
#define ARGO_SCHEMA_MAX_SIZE  (512 * 1024)

/* schemas that become one, by references and "allOf"; others are left out */
#define ARGO_SCHEMA_MAX_PARTS  16

/* more required members are not compared with those that there are */
#define ARGO_SCHEMA_MAX_REQUIRED  64

/* bounds of the work: keywords and required members of a schema that is
   written anew, properties of several that become one, steps to where a
   reference leads */
#define ARGO_SCHEMA_MAX_NAMES   256
#define ARGO_SCHEMA_MAX_MERGED  2048
#define ARGO_SCHEMA_MAX_STEPS   10000000


/* what a keyword's value is */

typedef enum {
    ARGO_SCHEMA_VALUE = 0,          /* not looked into */
    ARGO_SCHEMA_ONE,                /* a schema, or a list of schemas */
    ARGO_SCHEMA_MAP,                /* names, each of a schema */
    ARGO_SCHEMA_TYPE,
    ARGO_SCHEMA_ENUM
} argo_schema_kind_e;


/*
 * True if the profile wants the schema, of a tool if "top", else of an
 * answer, in another form.  Takes no memory.
 */
ngx_uint_t argo_schema_refused(const argo_profile_t *profile,
    const argo_json_t *schema, ngx_uint_t top);

/* Writes it so; as it came if nothing is refused.  NULL: no properties. */
void argo_schema_write(const argo_profile_t *profile,
    const argo_json_t *schema, ngx_uint_t top, argo_out_t *out);

argo_schema_kind_e argo_schema_kind(const ngx_str_t *name);

/* True if Google knows a format, JSON; it refuses others. */
ngx_uint_t argo_schema_known_format(const ngx_str_t *raw);

/* True if a keyword is one that the profile does not want. */
ngx_uint_t argo_schema_refuses(const argo_profile_t *profile,
    const ngx_str_t *name);


#endif /* _ARGO_SCHEMA_H_INCLUDED_ */
