
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The glue between nginx and the dialects: configuration, the context of a
 * request, and what the files of src/http/ offer to each other.
 */


#ifndef _NGX_HTTP_ARGO_H_INCLUDED_
#define _NGX_HTTP_ARGO_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "argo_core.h"
#include "argo_dialect.h"
#include "argo_error.h"
#include "argo_model.h"
#include "argo_out.h"
#include "argo_stream.h"

#include "ngx_http_argo_compat.h"


/* a bit of r->buffered: reply bytes wait for a client that reads slowly */
#define NGX_HTTP_ARGO_BUFFERED      0x08

/* a longer unary reply of ARGO is refused */
#define NGX_HTTP_ARGO_MAX_REPLY     (64 * 1024 * 1024)

/* of the client's User-Agent, what is sent on */
#define NGX_HTTP_ARGO_MAX_AGENT     512

/* blocks of output; a streamed chunk rarely needs a second one */
#define NGX_HTTP_ARGO_BLOCK         4096


typedef struct ngx_http_argo_endpoint_s  ngx_http_argo_endpoint_t;
typedef struct ngx_http_argo_ctx_s       ngx_http_argo_ctx_t;


/* one route: its name in the configuration, and what serves it */

struct ngx_http_argo_endpoint_s {
    ngx_str_t                        name;
    ngx_str_t                        path;      /* below the API's prefix */
    ngx_str_t                        allow;
    ngx_uint_t                       methods;   /* NGX_HTTP_GET and so on */
    ngx_http_handler_pt              handler;
    unsigned                         upstream:1;  /* needs ARGO, and a user */
    unsigned                         zone:1;
    unsigned                         item:1;    /* path may be followed by an
                                                   item's name */
};


/* what all workers share, and what survives a reload */

typedef struct {
    time_t                           created;   /* of the model list */
} ngx_http_argo_shared_t;


typedef struct {
    ngx_shm_zone_t                  *zone;
    ngx_int_t                        request_id;  /* index of the variable */
} ngx_http_argo_main_conf_t;


typedef struct {
    const ngx_http_argo_endpoint_t  *endpoint;
    ngx_str_t                        file;      /* of argo_endpoint, for */
    ngx_uint_t                       line;      /*    messages */

    ngx_str_t                        upstream;
    const argo_back_t               *back;
    ngx_http_complex_value_t        *user;
    ngx_uint_t                       pseudo;
    ngx_array_t                     *aliases;   /* of argo_model_alias_t */
    argo_model_table_t              *models;
    ngx_str_t                        default_model;
} ngx_http_argo_loc_conf_t;


/*
 * One call to ARGO: a subrequest whose reply is taken by the filters.  The
 * caller allocates it zeroed and sets the first group; the rest is told.
 */

typedef struct ngx_http_argo_call_s  ngx_http_argo_call_t;

/* takes bytes of the reply as they come; NGX_ERROR: no memory */
typedef ngx_int_t (*ngx_http_argo_bytes_pt)(ngx_http_request_t *r,
    ngx_http_argo_call_t *call, u_char *p, size_t n);

/* the call is over; r is the main request */
typedef void (*ngx_http_argo_done_pt)(ngx_http_request_t *r,
    ngx_http_argo_call_t *call);

struct ngx_http_argo_call_s {
    argo_call_t                      how;
    ngx_uint_t                       method;    /* NGX_HTTP_GET or POST */
    ngx_chain_t                     *body;
    size_t                           size;      /* of body */
    ngx_http_argo_bytes_pt           bytes;     /* NULL: collect in reply */
    ngx_http_argo_done_pt            done;      /* background calls only */
    void                            *data;
    unsigned                         background:1;  /* beside others */

    ngx_http_request_t              *sr;
    ngx_http_argo_call_t            *next;
    ngx_int_t                        rc;        /* it was finalized with */
    ngx_uint_t                       status;    /* 0: no reply header came */
    ngx_str_t                        content_type;
    ngx_str_t                        retry_after;
    argo_error_t                     error;     /* status 0: none */
    ngx_str_t                        reply;
    size_t                           reply_size;    /* allocated */
    void                           (*finalize)(ngx_http_request_t *r,
                                               ngx_int_t rc);
    unsigned                         timed_out:1;   /* behind its header */
    unsigned                         streaming:1;   /* converted as it comes */
    unsigned                         last:1;    /* the reply came whole */
    unsigned                         ended:1;   /* the subrequest is over */
};


typedef void (*ngx_http_argo_resume_pt)(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);


/*
 * Lives on the main request only: an error_page or a redirect within the
 * internal location wipes the contexts of a subrequest.
 */

struct ngx_http_argo_ctx_s {
    const ngx_http_argo_endpoint_t  *endpoint;  /* NULL: no such route */
    const argo_front_t              *front;
    const argo_back_t               *back;
    ngx_str_t                        item;      /* path behind the endpoint */

    ngx_str_t                        user;
    argo_request_t                   request;
    argo_stream_t                   *stream;
    argo_error_t                     error;     /* told; status 0: none */

    ngx_http_argo_call_t            *calls;     /* all that were made */
    ngx_uint_t                       ncalls;
    ngx_http_argo_call_t            *pass;      /* whose reply is streamed on
                                                   or converted whole */
    ngx_http_argo_resume_pt          resume;    /* NULL: nothing is awaited */

    /* a reply that is streamed on */
    ngx_chain_t                     *in;
    ngx_chain_t                     *busy;
    argo_out_t                       out;

    /* in place of an error page of nginx */
    ngx_chain_t                     *page;

    ngx_str_t                        retry_after;
    ngx_msec_int_t                   ttft;      /* -1: nothing came yet */

    unsigned                         woken:1;   /* the parent is posted */
    unsigned                         paused:1;  /* upstream is not read */
    unsigned                         own:1;     /* the header is made by us */
};


/* ngx_http_argo_handler.c: routes and the content handlers */

extern const ngx_http_argo_endpoint_t  ngx_http_argo_auto;

const ngx_http_argo_endpoint_t *ngx_http_argo_find_endpoint(ngx_str_t *name);

/*
 * Finds the route of a request by its path, which is taken below the name of
 * the location; *item becomes what follows the route's own path.  NULL if
 * there is none.
 */
const ngx_http_argo_endpoint_t *ngx_http_argo_route(ngx_http_request_t *r,
    ngx_str_t *item);

ngx_int_t ngx_http_argo_handler(ngx_http_request_t *r);

/* The context of a request, made if need be; NULL if there is no memory. */
ngx_http_argo_ctx_t *ngx_http_argo_get_ctx(ngx_http_request_t *r);


/* ngx_http_argo_chat.c: POST handlers that convert */

ngx_int_t ngx_http_argo_chat_handler(ngx_http_request_t *r);


/* ngx_http_argo_body.c */

/*
 * Gives the client's body in one piece, without copying if nginx has it so
 * already.  len 0 if there is none.  NGX_ERROR if it can't be read.
 */
ngx_int_t ngx_http_argo_read_body(ngx_http_request_t *r, ngx_str_t *body);

/* Gives a subrequest a body of its own: a chain of size bytes in memory. */
ngx_int_t ngx_http_argo_set_body(ngx_http_request_t *sr, ngx_chain_t *body,
    size_t size);


/* ngx_http_argo_call.c */

/*
 * Starts a call.  A foreground one (ctx->pass) sends its reply on in the
 * order of nginx's subrequests; background ones run beside each other, and
 * their replies are only collected.  When a call is over, ctx->resume is
 * called; for a background call after its own handler "done".
 */
ngx_int_t ngx_http_argo_start_call(ngx_http_request_t *r,
    ngx_http_argo_call_t *call);

/*
 * Says how the transfer of the reply went wrong: NGX_OK if it did not,
 * NGX_DECLINED and err otherwise.
 */
ngx_int_t ngx_http_argo_check_transfer(ngx_http_request_t *r,
    ngx_http_argo_call_t *call, argo_error_t *err);

/*
 * The main request's write event handler while something is awaited: wakes
 * ctx->resume.  May be called at any time.
 */
void ngx_http_argo_wake(ngx_http_request_t *r);

/* Watches the client while only background calls are under way. */
ngx_int_t ngx_http_argo_watch_client(ngx_http_request_t *r);

/* Finds the call that a subrequest makes; NULL if it is none of ours. */
ngx_http_argo_call_t *ngx_http_argo_find_call(ngx_http_request_t *sr,
    ngx_http_argo_ctx_t **ctx);


/* ngx_http_argo_filter.c */

ngx_int_t ngx_http_argo_filter_init(ngx_conf_t *cf);


/* ngx_http_argo_reply.c: what goes to the client */

/*
 * Sends a whole response with the JSON written to out as its body.  Returns
 * what a content handler returns.
 */
ngx_int_t ngx_http_argo_send(ngx_http_request_t *r, ngx_uint_t status,
    argo_out_t *out);

/* Adds a response header; name and value must outlive the request. */
ngx_int_t ngx_http_argo_add_header(ngx_http_request_t *r, const char *name,
    const ngx_str_t *value);

/* Sends err in the client's dialect, and logs it. */
ngx_int_t ngx_http_argo_send_error(ngx_http_request_t *r,
    const argo_error_t *err);

/* Sends the header of a stream, unless it is out already. */
ngx_int_t ngx_http_argo_send_stream_header(ngx_http_request_t *r);

/* Sends the end of a stream.  Returns what a content handler returns. */
ngx_int_t ngx_http_argo_send_last(ngx_http_request_t *r, argo_out_t *out);

/*
 * Makes the error response of nginx that is about to be sent ours: sets the
 * header and leaves the body in ctx->page.
 */
ngx_int_t ngx_http_argo_replace_page(ngx_http_request_t *r);

/* Milliseconds since the request's start. */
ngx_msec_int_t ngx_http_argo_elapsed(ngx_http_request_t *r);

/* Logs a failure, once, where it is final; nothing of the client's text. */
void ngx_http_argo_log_error(ngx_http_request_t *r, const argo_error_t *err);


/* ngx_http_argo_models.c */

ngx_int_t ngx_http_argo_models_handler(ngx_http_request_t *r);
char *ngx_http_argo_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


/* ngx_http_argo_variables.c */

ngx_int_t ngx_http_argo_add_variables(ngx_conf_t *cf);


extern ngx_module_t  ngx_http_argo_module;


#endif /* _NGX_HTTP_ARGO_H_INCLUDED_ */
