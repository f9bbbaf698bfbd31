
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The converters as a command: standard input to standard output, the same
 * bytes for the same input, for golden files and for trying things by hand.
 *
 *     argo_convert [options] call     client's request -> how ARGO is called
 *     argo_convert [options] request  client's request -> request to ARGO
 *     argo_convert [options] reply    ARGO's reply     -> client's reply
 *     argo_convert [options] models   -> list of models
 *
 *     -r file   the client's request that the reply answers
 *     -f name   the client's dialect (openai_chat)
 *     -b name   ARGO's dialect (legacy)
 *     -u name   the ARGO user (jdoe)
 *     -s        the client wants a stream, whatever its request says
 *     -o        the client wants the usage in its stream
 *     -p        pseudo-streams: always call ARGO for a whole reply
 *     -w        the reply is bare text, not JSON
 *     -c n      feed bare text n bytes at a time
 *     -i        the reply was cut at its end
 *     -e n      the reply is an error with status n
 *
 * Exit status: 0; 3 if the client gets an error, its body is written and its
 * status and content type go to standard error; 1 for anything else.
 */


#include "argo_dialect.h"
#include "argo_json.h"
#include "argo_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


#define CONVERT_NOW  1776449057             /* 2026-04-17T18:04:17Z */


typedef struct {
    const char          *verb;
    const char          *request;
    const char          *front_name;
    const char          *back_name;
    const char          *user;
    size_t               cut;
    ngx_uint_t           status;
    unsigned             stream:1;
    unsigned             usage:1;
    unsigned             pseudo:1;
    unsigned             raw:1;
    unsigned             incomplete:1;

    ngx_pool_t          *pool;
    ngx_str_t            input;
    ngx_str_t            asked;     /* the request that a reply answers */
    const argo_front_t  *front;
    const argo_back_t   *back;
    argo_model_table_t  *models;
    argo_request_t       req;
    argo_call_t          call;
    argo_out_t           out;
    argo_error_t         err;
} convert_t;


static int convert_usage(void);
static int convert_options(convert_t *c, int argc, char **argv);
static ngx_int_t convert_run(convert_t *c);
static ngx_int_t convert_load(FILE *in, ngx_str_t *s);
static ngx_int_t convert_open(convert_t *c, ngx_str_t *document);
static ngx_int_t convert_reply(convert_t *c);
static ngx_int_t convert_feed(convert_t *c, argo_stream_t *st);
static int convert_finish(convert_t *c, ngx_int_t rc);
static void convert_print(argo_out_t *out);
static ngx_int_t convert_random(u_char *p, size_t n);


int
main(int argc, char **argv)
{
    int        status;
    convert_t  c;

    memset(&c, 0, sizeof(convert_t));

    if (convert_options(&c, argc, argv) != 0) {
        return convert_usage();
    }

    c.pool = ngx_create_pool(4096, NULL);
    if (c.pool == NULL) {
        return 1;
    }

    argo_out_init(&c.out, c.pool, 4096, NULL, 0);

    status = convert_finish(&c, convert_run(&c));

    ngx_destroy_pool(c.pool);
    free(c.input.data);
    free(c.asked.data);

    return status;
}


static ngx_int_t
convert_run(convert_t *c)
{
    ngx_int_t  rc;

    c->models = argo_model_table_create(c->pool, NULL, 0);
    if (c->models == NULL) {
        return NGX_ERROR;
    }

    if (strcmp(c->verb, "models") == 0) {
        argo_model_write_list(c->models, CONVERT_NOW, &c->out);
        return NGX_OK;
    }

    if (convert_load(stdin, &c->input) != NGX_OK) {
        return NGX_ERROR;
    }

    if (strcmp(c->verb, "reply") == 0) {
        return convert_reply(c);
    }

    rc = convert_open(c, &c->input);

    if (rc != NGX_OK) {
        return rc;
    }

    if (strcmp(c->verb, "call") == 0) {
        argo_out_str(&c->out, &c->call.tail);
        argo_out_lit(&c->out, " ");
        argo_out_str(&c->out, &c->call.accept);
        argo_out_lit(&c->out, "\n");

    } else {
        c->back->write_request(&c->req, &c->call, &c->out);
    }

    return NGX_OK;
}


static int
convert_usage(void)
{
    fprintf(stderr, "usage: argo_convert [-f front] [-b back] [-u user] "
                    "[-sopwi] [-c n] [-e status]\n"
                    "           [-r request] "
                    "call | request | reply | models\n");
    return 1;
}


static int
convert_options(convert_t *c, int argc, char **argv)
{
    int        opt;
    ngx_str_t  name;

    c->front_name = "openai_chat";
    c->back_name = "legacy";
    c->user = "jdoe";

    while ((opt = getopt(argc, argv, "r:f:b:u:sopwc:ie:")) != -1) {

        switch (opt) {

        case 'r':
            c->request = optarg;
            break;

        case 'f':
            c->front_name = optarg;
            break;

        case 'b':
            c->back_name = optarg;
            break;

        case 'u':
            c->user = optarg;
            break;

        case 's':
            c->stream = 1;
            break;

        case 'o':
            c->usage = 1;
            break;

        case 'p':
            c->pseudo = 1;
            break;

        case 'w':
            c->raw = 1;
            break;

        case 'c':
            c->cut = strtoul(optarg, NULL, 10);
            break;

        case 'i':
            c->incomplete = 1;
            break;

        case 'e':
            c->status = strtoul(optarg, NULL, 10);
            break;

        default:
            return 1;
        }
    }

    if (argc - optind != 1) {
        return 1;
    }

    c->verb = argv[optind];

    name.data = (u_char *) c->front_name;
    name.len = strlen(c->front_name);
    c->front = argo_front_find(&name);

    name.data = (u_char *) c->back_name;
    name.len = strlen(c->back_name);
    c->back = argo_back_find(&name);

    if (c->front == NULL || c->back == NULL
        || (strcmp(c->verb, "call") && strcmp(c->verb, "request")
            && strcmp(c->verb, "reply") && strcmp(c->verb, "models"))
        || (strcmp(c->verb, "reply") == 0 && c->request == NULL))
    {
        return 1;
    }

    return 0;
}


static ngx_int_t
convert_load(FILE *in, ngx_str_t *s)
{
    size_t   n, size;
    u_char  *p;

    size = 64 * 1024;

    s->len = 0;
    s->data = malloc(size);

    if (s->data == NULL) {
        return NGX_ERROR;
    }

    while ((n = fread(s->data + s->len, 1, size - s->len, in)) > 0) {
        s->len += n;

        if (s->len == size) {
            size *= 2;

            p = realloc(s->data, size);
            if (p == NULL) {
                return NGX_ERROR;
            }

            s->data = p;
        }
    }

    return ferror(in) ? NGX_ERROR : NGX_OK;
}


/* The way of a request: read, resolved, bound, planned. */

static ngx_int_t
convert_open(convert_t *c, ngx_str_t *document)
{
    ngx_int_t  rc;

    rc = argo_json_parse(c->pool, document, c->front->tree_depth,
                         &c->req.root, &c->err);
    if (rc != NGX_OK) {
        return rc;
    }

    c->req.document = *document;
    c->req.dialect = c->front->dialect;

    rc = c->front->read_request(c->pool, &c->req, &c->err);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = argo_model_resolve(c->pool, c->models, &c->req.model,
                            &c->req.target, &c->err);
    if (rc != NGX_OK) {
        return rc;
    }

    c->req.user.data = (u_char *) c->user;
    c->req.user.len = strlen(c->user);

    if (c->stream) {
        c->req.stream = 1;
    }

    if (c->usage) {
        c->req.include_usage = 1;
    }

    return c->back->plan_call(c->pool, &c->req, c->pseudo, &c->call,
                              &c->err);
}


static ngx_int_t
convert_reply(convert_t *c)
{
    FILE           *in;
    ngx_int_t       rc;
    argo_env_t      env;
    argo_stream_t  *st;

    in = fopen(c->request, "rb");
    if (in == NULL) {
        perror(c->request);
        return NGX_ERROR;
    }

    rc = convert_load(in, &c->asked);

    fclose(in);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    rc = convert_open(c, &c->asked);

    if (rc != NGX_OK) {
        return rc;
    }

    if (c->status) {
        rc = c->back->read_error(c->pool, c->status, &c->input, &c->err);
        return (rc == NGX_OK) ? NGX_DECLINED : rc;
    }

    env.now = CONVERT_NOW;
    env.random = convert_random;

    st = ngx_palloc(c->pool, sizeof(argo_stream_t));
    if (st == NULL) {
        return NGX_ERROR;
    }

    if (argo_stream_init(st, c->pool, c->front, c->back, &c->req, &env)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = c->raw ? convert_feed(c, st)
                : argo_stream_body(st, &c->input, &c->out);

    if (rc == NGX_DECLINED) {
        c->err = st->error;

        if (st->started) {
            /* the client has it already */
            rc = NGX_OK;
        }
    }

    return rc;
}


static ngx_int_t
convert_feed(convert_t *c, argo_stream_t *st)
{
    size_t      n, pos;
    ngx_int_t   rc;
    ngx_str_t  *reply = &c->input;

    for (pos = 0; pos < reply->len; pos += n) {
        n = reply->len - pos;

        if (c->cut) {
            n = ngx_min(n, c->cut);
        }

        rc = argo_stream_push(st, reply->data + pos, n, &c->out);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return argo_stream_end(st, !c->incomplete, &c->out);
}


static int
convert_finish(convert_t *c, ngx_int_t rc)
{
    if (rc == NGX_DECLINED) {
        fprintf(stderr, "%d application/json\n", (int) c->err.status);
        c->front->write_error(&c->err, &c->out);
    }

    if (rc == NGX_ERROR || c->out.failed) {
        fprintf(stderr, "out of memory or a broken invariant\n");
        return 1;
    }

    convert_print(&c->out);

    return (rc == NGX_DECLINED) ? 3 : 0;
}


static void
convert_print(argo_out_t *out)
{
    ngx_chain_t  *cl;

    for (cl = argo_out_take(out); cl; cl = cl->next) {
        fwrite(cl->buf->pos, 1, cl->buf->last - cl->buf->pos, stdout);
    }

    fflush(stdout);
}


/* not random at all: a golden file is exact */

static ngx_int_t
convert_random(u_char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        p[i] = i;
    }

    return NGX_OK;
}
