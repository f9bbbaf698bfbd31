
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
#include "argo_rules.h"
#include "argo_semver.h"
#include "argo_stream.h"

#include "ngx_http_argo_compat.h"


/* a bit of r->buffered: reply bytes wait for a client that reads slowly */
#define NGX_HTTP_ARGO_BUFFERED      0x08

/* a longer unary reply of ARGO is refused */
#define NGX_HTTP_ARGO_MAX_REPLY     (64 * 1024 * 1024)

/* of the client's User-Agent, what is sent on */
#define NGX_HTTP_ARGO_MAX_AGENT     512

/* a longer code of an error is not logged */
#define NGX_HTTP_ARGO_MAX_CODE      64

/* the largest blocks of output; those of a stream are kept until its end */
#define NGX_HTTP_ARGO_BLOCK         2048
#define NGX_HTTP_ARGO_STREAM_BLOCK  1024


typedef struct ngx_http_argo_endpoint_s  ngx_http_argo_endpoint_t;
typedef struct ngx_http_argo_ctx_s       ngx_http_argo_ctx_t;
typedef struct ngx_http_argo_images_s    ngx_http_argo_images_t;


/* one route: its name in the configuration, and what serves it */

struct ngx_http_argo_endpoint_s {
    ngx_str_t                        name;
    ngx_str_t                        path;      /* below the API's prefix */
    ngx_str_t                        allow;
    ngx_uint_t                       methods;   /* NGX_HTTP_GET and so on */
    ngx_http_handler_pt              handler;
    const argo_front_t              *front;     /* NULL: OpenAI's errors */
    const argo_back_t               *back;      /* NULL: by the model and
                                                   argo_upstream_api */
    argo_model_kind_e                kind;      /* of the models it takes */
    unsigned                         upstream:1;  /* needs ARGO, and a user */
    unsigned                         zone:1;
    unsigned                         item:1;    /* path may be followed by an
                                                   item's name */
    unsigned                         service:1; /* about the gateway: needs
                                                   no user */
    unsigned                         beta:1;    /* Google's: the path is below
                                                   v1beta */
};


/*
 * What all workers share, and what survives a reload.  Changed under the
 * zone's mutex; a single number may be read without.
 */

typedef struct {
    time_t                           fetched;   /* last success; 0: none */
    time_t                           next;      /* not to be tried before */
    time_t                           until;     /* somebody is at it */
    ngx_uint_t                       failures;  /* since the last success */
} ngx_http_argo_flight_t;

typedef struct ngx_http_argo_list_s    ngx_http_argo_list_t;
typedef struct ngx_http_argo_models_s  ngx_http_argo_models_t;

typedef struct {
    time_t                           created;   /* of models without a date */
    ngx_http_argo_list_t            *lists;

    ngx_http_argo_flight_t           release;
    size_t                           latest_len;
    u_char                           latest[ARGO_SEMVER_MAX_LEN];
} ngx_http_argo_shared_t;


typedef struct {
    ngx_shm_zone_t                  *zone;
    ngx_http_argo_shared_t          *shared;
    ngx_array_t                      models;    /* ngx_http_argo_models_t * */
    ngx_int_t                        request_id;  /* index of the variable */
    ngx_str_t                        tokenizer_dir;  /* len 0: not said */
    argo_tokenizer_t                 tokenizer;
    argo_rules_t                    *rules;     /* the built-in ones; NULL:
                                                   nobody needs them */
    argo_work_t                     *work;      /* of all streams of a
                                                   worker */
} ngx_http_argo_main_conf_t;


/* images by URL; lists are NULL if nothing is said */

typedef struct {
    ngx_str_t                        fetch;     /* internal location; len 0:
                                                   off */
    ngx_flag_t                       http;
    ngx_array_t                     *ports;     /* of in_port_t */
    ngx_array_t                     *allow;     /* of ngx_cidr_t */
    ngx_array_t                     *deny;      /* of ngx_cidr_t */
    ngx_uint_t                       count;
    size_t                           size;      /* of an image */
    size_t                           total;     /* of all data URLs */
    ngx_msec_t                       time;      /* for all of them */
} ngx_http_argo_image_conf_t;


typedef enum {
    NGX_HTTP_ARGO_API_NATIVE = 0,
    NGX_HTTP_ARGO_API_LEGACY
} ngx_http_argo_api_e;


typedef struct {
    const ngx_http_argo_endpoint_t  *endpoint;
    ngx_str_t                        file;      /* of argo_endpoint, for */
    ngx_uint_t                       line;      /*    messages */

    ngx_str_t                        upstream;
    ngx_uint_t                       api;       /* ngx_http_argo_api_e */
    ngx_flag_t                       responses; /* ARGO's own may be used */
    ngx_http_complex_value_t        *user;
    ngx_uint_t                       pseudo;
    ngx_msec_t                       heartbeat; /* 0: off */
    ngx_array_t                     *aliases;   /* of argo_model_alias_t */
    argo_model_table_t              *models;
    argo_rules_t                    *rules;
    ngx_str_t                        default_model;
    ngx_str_t                        default_embedding_model;
    ngx_http_argo_models_t          *live;      /* NULL: models are all */
    time_t                           models_refresh;    /* 0: never */
    ngx_str_t                        version_feed;
    ngx_http_argo_image_conf_t       image;
} ngx_http_argo_loc_conf_t;


/*
 * One call to ARGO: a subrequest whose reply is taken by the filters.  The
 * caller allocates it zeroed and sets the first group; the rest is told.
 */

typedef struct ngx_http_argo_call_s  ngx_http_argo_call_t;

/* takes bytes of the reply as they come; NGX_ERROR: no memory */
typedef ngx_int_t (*ngx_http_argo_bytes_pt)(ngx_http_request_t *r,
    ngx_http_argo_call_t *call, u_char *p, size_t n);

/* looks at the header of the reply, sr's, before anything else is taken */
typedef void (*ngx_http_argo_header_pt)(ngx_http_request_t *sr,
    ngx_http_argo_call_t *call);

/* the call is over; r is the main request */
typedef void (*ngx_http_argo_done_pt)(ngx_http_request_t *r,
    ngx_http_argo_call_t *call);

struct ngx_http_argo_call_s {
    argo_call_t                      how;
    ngx_str_t                        uri;       /* in place of argo_upstream
                                                   and how.tail; not ARGO */
    ngx_uint_t                       method;    /* NGX_HTTP_GET or POST */
    ngx_chain_t                     *body;
    size_t                           size;      /* of body */
    ngx_http_argo_header_pt          header;    /* NULL: nothing */
    ngx_http_argo_bytes_pt           bytes;     /* NULL: collect in reply */
    ngx_http_argo_done_pt            done;      /* background calls only */
    void                            *data;
    size_t                           limit;     /* of reply; 0: the common */
    unsigned                         background:1;  /* beside others */
    unsigned                         detached:1;    /* nobody waits for it:
                                                       no part of the
                                                       request */

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
    const argo_back_t               *back;      /* NULL: not chosen yet */
    ngx_str_t                        item;      /* path behind the endpoint */

    ngx_str_t                        user;
    argo_model_table_t              *models;    /* once they were asked for */
    ngx_pool_t                      *pool;      /* what request is made of */
    argo_request_t                   request;
    argo_stream_t                   *stream;
    void                            *data;      /* of the endpoint's handler */
    argo_usage_t                     usage;     /* without a stream */
    argo_error_t                     error;     /* told; status 0: none */

    ngx_http_argo_call_t            *calls;     /* all that were made */
    ngx_uint_t                       ncalls;
    ngx_http_argo_call_t            *pass;      /* whose reply is streamed on
                                                   or converted whole */
    ngx_http_argo_resume_pt          resume;    /* NULL: nothing is awaited */
    ngx_http_argo_images_t          *images;    /* NULL: none were sought */
    ngx_queue_t                      live;      /* if noted */

    /* a reply that is streamed on */
    ngx_chain_t                     *in;
    ngx_chain_t                     *busy;
    argo_out_t                       out;
    size_t                           taken;     /* since others had a turn */

    /* in place of an error page of nginx */
    ngx_chain_t                     *page;

    ngx_event_t                     *heartbeat;
    ngx_msec_t                       sent;      /* last output */

    ngx_str_t                        retry_after;
    ngx_msec_int_t                   ttft;      /* -1: nothing came yet */

    unsigned                         woken:1;   /* the parent is posted */
    unsigned                         paused:1;  /* upstream is not read */
    unsigned                         own:1;     /* the header is made by us */
    unsigned                         counted:1; /* usage is known */
    unsigned                         noted:1;   /* for the worker's end */
    unsigned                         shutdown:1;    /* which has come */
};


/* ngx_http_argo_handler.c: routes and the content handlers */

extern const ngx_http_argo_endpoint_t  ngx_http_argo_endpoints[];
extern const ngx_http_argo_endpoint_t  ngx_http_argo_auto;

const ngx_http_argo_endpoint_t *ngx_http_argo_find_endpoint(ngx_str_t *name);

/* Lists the names of all endpoints but "auto", for a message. */
ngx_int_t ngx_http_argo_endpoint_names(ngx_pool_t *pool, ngx_str_t *names);

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


/* ngx_http_argo_credential.c */

/*
 * The account name that the client gives as its credential, in lower case:
 * Authorization, x-api-key, api-key, x-goog-api-key or the argument "key".
 * What can't be an account name (a vendor's key) is taken for nothing:
 * NGX_DECLINED, as if there were none.
 */
ngx_int_t ngx_http_argo_credential(ngx_http_request_t *r, ngx_str_t *name);

/*
 * Google's clients may have their key in the request line: it is taken out
 * of there before anything is logged.
 */
ngx_int_t ngx_http_argo_hide_key(ngx_http_request_t *r);

/* Whether a name can go to ARGO: printable, without blanks and quotes. */
ngx_uint_t ngx_http_argo_valid_user(const ngx_str_t *name);


/* ngx_http_argo_pool.c */

/*
 * The pool for what is made of a body of so many bytes: the request's own, or
 * one that ends with it.  NULL: no memory.
 */
ngx_pool_t *ngx_http_argo_get_pool(ngx_http_request_t *r, size_t size);


/* ngx_http_argo_chat.c: POST handlers that convert */

ngx_int_t ngx_http_argo_chat_handler(ngx_http_request_t *r);

/*
 * Steps that they have in common: each returns NGX_OK, NGX_DECLINED with err,
 * or NGX_ERROR.  The first finds the user.  The second reads the body, of
 * which the tree is left in ctx->request.root, and chooses ctx->pool, in
 * which it is and what is made of it should be.  The third finds the model
 * that ctx->request.model means, or the default one if that is empty.
 */
ngx_int_t ngx_http_argo_bind_user(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);
ngx_int_t ngx_http_argo_parse_body(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, ngx_uint_t tree_depth, argo_error_t *err);
ngx_int_t ngx_http_argo_resolve(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);

/*
 * Random bytes for ids, which need not be secret: they are drawn for many at
 * once.
 */
ngx_int_t ngx_http_argo_random(u_char *p, size_t n);

/*
 * From the client's body, in ctx->request, to the call of ARGO, and its
 * failure to the client: for a body handler.
 */
void ngx_http_argo_chat_body_handler(ngx_http_request_t *r);


/* ngx_http_argo_count.c: how many tokens a request would be */

ngx_int_t ngx_http_argo_count_handler(ngx_http_request_t *r);

/*
 * Has a long prompt counted, while ARGO is at work, if the reply may need to
 * tell of it.
 */
ngx_int_t ngx_http_argo_count_ahead(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);


/* ngx_http_argo_gemini.c: Google's API, by the method in the path */

ngx_int_t ngx_http_argo_gemini_handler(ngx_http_request_t *r);


/* ngx_http_argo_embeddings.c */

ngx_int_t ngx_http_argo_embeddings_handler(ngx_http_request_t *r);


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
 * called, unless it is detached; for a background call after its own handler
 * "done".
 */
ngx_int_t ngx_http_argo_start_call(ngx_http_request_t *r,
    ngx_http_argo_call_t *call);

/*
 * Gives up a background call that has begun: its connection is closed, and
 * neither "done" nor ctx->resume will be called for it.
 */
void ngx_http_argo_cancel_call(ngx_http_argo_call_t *call);

/*
 * Says how the transfer of the reply went wrong: NGX_OK if it did not,
 * NGX_DECLINED and err otherwise.
 */
ngx_int_t ngx_http_argo_check_transfer(ngx_http_request_t *r,
    ngx_http_argo_call_t *call, argo_error_t *err);

/* A header by its name, in any case; NULL: there is none. */
ngx_table_elt_t *ngx_http_argo_find_header(ngx_list_t *headers,
    const ngx_str_t *name);

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


/* ngx_http_argo_heartbeat.c */

/*
 * Sends an SSE comment whenever ctx->pass has been silent for argo_heartbeat,
 * until it is stopped.  The first one takes the response header with it.
 */
ngx_int_t ngx_http_argo_start_heartbeat(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);
void ngx_http_argo_stop_heartbeat(ngx_http_argo_ctx_t *ctx);


/* ngx_http_argo_filter.c */

/*
 * Sends what has been written to ctx->out in the place of ctx->pass's reply;
 * NGX_AGAIN if the client does not take it now.
 */
ngx_int_t ngx_http_argo_pass_down(ngx_http_request_t *sr,
    ngx_http_argo_ctx_t *ctx, ngx_uint_t last);

ngx_int_t ngx_http_argo_filter_init(ngx_conf_t *cf);


/* ngx_http_argo_reply.c: what goes to the client */

/*
 * Sends a whole response with the JSON written to out as its body.  Returns
 * what a content handler returns.
 */
ngx_int_t ngx_http_argo_send(ngx_http_request_t *r, ngx_uint_t status,
    argo_out_t *out);

/* What $request_id is, which is made if there is none yet. */
ngx_int_t ngx_http_argo_get_id(ngx_http_request_t *r, ngx_str_t *id);

/* Adds a response header; name and value must outlive the request. */
ngx_int_t ngx_http_argo_add_header(ngx_http_request_t *r, const char *name,
    const ngx_str_t *value);

/* Sends err in the client's dialect, and logs it. */
ngx_int_t ngx_http_argo_send_error(ngx_http_request_t *r,
    const argo_error_t *err);

/* Sends a reply of ARGO's as it came, with its status and type. */
ngx_int_t ngx_http_argo_send_reply(ngx_http_request_t *r,
    ngx_http_argo_call_t *call);

/* Sends the header of a stream, unless it is out already. */
ngx_int_t ngx_http_argo_send_stream_header(ngx_http_request_t *r);

/* Sends a part of a stream, at once. */
ngx_int_t ngx_http_argo_send_flush(ngx_http_request_t *r, argo_out_t *out);

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

/* The code of an error as a log may have it. */
void ngx_http_argo_log_code(const argo_error_t *err, ngx_str_t *code);


/* ngx_http_argo_fetch.c: calls whose result all workers share */

/* a longer reply is refused */
#define NGX_HTTP_ARGO_MAX_FETCH  (1024 * 1024)

#define NGX_HTTP_ARGO_FETCH_NOW  ((time_t) -1)

typedef struct ngx_http_argo_fetch_s  ngx_http_argo_fetch_t;

/* takes a reply of success; NGX_DECLINED with fetch->error, or NGX_ERROR */
typedef ngx_int_t (*ngx_http_argo_take_pt)(ngx_http_request_t *r,
    ngx_http_argo_fetch_t *fetch);

struct ngx_http_argo_fetch_s {
    ngx_http_argo_call_t             call;      /* how, or uri; detached */
    ngx_http_argo_flight_t          *flight;
    ngx_http_argo_take_pt            take;
    const char                      *what;      /* for the log */
    unsigned                         told:1;    /* a failure need not be
                                                   logged here */

    argo_error_t                     error;     /* status 0: none */
    ngx_slab_pool_t                 *slab;
    unsigned                         aloft:1;
    unsigned                         keepalive:1;
};

/* True if what was fetched is older than age, and nobody is at it. */
ngx_uint_t ngx_http_argo_fetch_due(const ngx_http_argo_flight_t *flight,
    time_t age);

/*
 * Fetches what is older than age, or NGX_HTTP_ARGO_FETCH_NOW.  The caller
 * allocates fetch zeroed from the request's pool and sets the first group.
 * NGX_DECLINED if nothing was begun.  If it is not detached, ctx->resume is
 * called when it is over.
 */
ngx_int_t ngx_http_argo_fetch(ngx_http_request_t *r,
    ngx_http_argo_fetch_t *fetch, time_t age);


/* ngx_http_argo_models.c */

ngx_int_t ngx_http_argo_models_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_argo_refresh_handler(ngx_http_request_t *r);
char *ngx_http_argo_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Finds what a location with an endpoint has to do with ARGO's own list. */
ngx_int_t ngx_http_argo_merge_live(ngx_conf_t *cf,
    ngx_http_argo_loc_conf_t *conf);

/*
 * The models of a request: ARGO's own or, as long as its list is not known,
 * the built-in ones.  The same for the whole of the request, which keeps
 * them: pointers into the table may be held until it ends.
 */
argo_model_table_t *ngx_http_argo_models(ngx_http_request_t *r);

/*
 * Has ARGO's list fetched if it is old, by nobody's waiting.  To be called
 * when the request's own call is under way.
 */
void ngx_http_argo_touch_models(ngx_http_request_t *r);


/* ngx_http_argo_version.c */

ngx_int_t ngx_http_argo_version_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_argo_root_handler(ngx_http_request_t *r);


/* ngx_http_argo_image.c */

/*
 * Fetches the images that the client's request names by URL, and puts them
 * into its parts.  NGX_OK: all are there, or there are none; NGX_AGAIN: to be
 * called again from ctx->resume; NGX_DECLINED with err: one can't be fetched,
 * and everything that was begun has been ended.
 */
ngx_int_t ngx_http_argo_fetch_images(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx, argo_error_t *err);

/*
 * Ends a request that waits for images since the worker ends; 0 if it does
 * not.  The request may be gone then.
 */
ngx_uint_t ngx_http_argo_end_images(ngx_http_argo_ctx_t *ctx);

extern ngx_http_variable_t  ngx_http_argo_image_vars[];

void ngx_http_argo_init_image_conf(ngx_http_argo_image_conf_t *conf);
void ngx_http_argo_merge_image_conf(ngx_http_argo_image_conf_t *conf,
    ngx_http_argo_image_conf_t *prev);

/* Whether a location with an endpoint has what it needs to fetch images. */
ngx_int_t ngx_http_argo_check_image_conf(ngx_conf_t *cf,
    ngx_http_argo_loc_conf_t *conf);

char *ngx_http_argo_image_fetch(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_argo_image_ports(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_argo_image_networks(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_argo_image_limits(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* ngx_http_argo_rules.c */

char *ngx_http_argo_model_rules(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_argo_merge_rules(ngx_conf_t *cf, argo_rules_t **rules,
    argo_rules_t *prev);

/* What a model takes, here; NULL: no memory. */
const argo_profile_t *ngx_http_argo_rules_profile(ngx_http_request_t *r,
    const argo_model_t *model);

/*
 * Tells what was changed in a request, and in those behind it: to the log, at
 * "info", and to the client in "x-argo-changes".  Once, when the header of
 * the response is made.
 */
ngx_int_t ngx_http_argo_tell_changes(ngx_http_request_t *r,
    const argo_request_t *req);


/* ngx_http_argo_tokenizer.c */

char *ngx_http_argo_tokenizer(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Maps the token tables that there are. */
ngx_int_t ngx_http_argo_open_tokenizer(ngx_conf_t *cf);


/* ngx_http_argo_shutdown.c: what "worker_shutdown_timeout" leaves no time */

ngx_int_t ngx_http_argo_init_shutdown(ngx_cycle_t *cycle);
void ngx_http_argo_exit_shutdown(ngx_cycle_t *cycle);

/* Has a request that calls ARGO ended with an error when the worker is. */
ngx_int_t ngx_http_argo_note_request(ngx_http_request_t *r,
    ngx_http_argo_ctx_t *ctx);

/* What such a client is told; returns NGX_DECLINED. */
ngx_int_t ngx_http_argo_shutdown_error(argo_error_t *err);


/* ngx_http_argo_variables.c */

/* All of the module's, those of images as well. */
ngx_int_t ngx_http_argo_add_variables(ngx_conf_t *cf);


extern ngx_module_t  ngx_http_argo_module;


#endif /* _NGX_HTTP_ARGO_H_INCLUDED_ */
