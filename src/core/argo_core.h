
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What every file of the project may use.  core/ and convert/ know nginx's
 * types and pools and nothing of HTTP; see docs/architecture.md.
 */


#ifndef _ARGO_CORE_H_INCLUDED_
#define _ARGO_CORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define ARGO_VERSION  "0.1.0"


typedef struct argo_error_s    argo_error_t;
typedef struct argo_json_s     argo_json_t;
typedef struct argo_model_s    argo_model_t;
typedef struct argo_request_s  argo_request_t;
typedef struct argo_stream_s   argo_stream_t;
typedef struct argo_event_s    argo_event_t;

typedef struct argo_tokenizer_s  argo_tokenizer_t;


/*
 * What the pure code needs from the world, handed in by the caller so that
 * a test can give fixed values.
 */

typedef struct {
    time_t       now;                                  /* seconds, UTC */
    ngx_int_t  (*random)(u_char *p, size_t n);         /* fills n bytes */
} argo_env_t;


/*
 * Return codes of core/ and convert/:
 *
 *     NGX_OK        done
 *     NGX_AGAIN     more input is needed
 *     NGX_DECLINED  the data is wrong, the caller's or upstream's; the
 *                   argo_error_t that was passed says what and how
 *     NGX_ERROR     no memory, or a broken invariant; no argo_error_t is set
 */


#define argo_str_is(s, literal)                                               \
    ((s)->len == sizeof(literal) - 1                                          \
     && ngx_memcmp((s)->data, literal, sizeof(literal) - 1) == 0)


#endif /* _ARGO_CORE_H_INCLUDED_ */
