
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The upstream of the benchmark: one process, epoll, canned replies, all of
 * them keepalive.  It stands for ARGO (legacy chat and streamchat) and for a
 * server that speaks OpenAI's chat completions itself, so that a plain
 * proxy_pass has the same bytes to hand to its client as the module has.
 *
 *     upstream port pace
 *
 * The last part of the path chooses the reply.  "/paced/" anywhere in it
 * sends one chunk each pace milliseconds; else all of it is sent at once, so
 * that how many chunks are read together depends on the reader alone.
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>


#define MAX_FD       16384
#define HEAD_SIZE    16384
#define MAX_WRITES   520
#define CHUNKS       256

/* 20 bytes; the '~' appears nowhere else, so that load can count chunks */
#define CHUNK        "~ a chunk of a reply"

/* makes a chat completion of some 600 bytes, most of which are its frame */
#define ANSWER                                                                \
    "The RF system of sector 12 tripped first, at 04:17; the current fell "   \
    "to zero within a second~"


/* a reply is a list of writes: a head, then what a server sends at a time */

typedef struct {
    char       *data;
    size_t      len;
} piece_t;


typedef struct {
    const char *path;
    const char *accept;         /* of the request; NULL: any */
    piece_t     pieces[MAX_WRITES];
    unsigned    npieces;
    piece_t     whole;          /* the same in one piece */
} reply_t;


typedef struct {
    int         fd;             /* 0: unused */
    char        head[HEAD_SIZE];
    size_t      nhead;
    size_t      body;           /* bytes of the request's body to skip */
    reply_t    *reply;          /* NULL: reading a request */
    unsigned    piece;
    size_t      sent;           /* of the piece */
    uint64_t    due;            /* the tick of the next piece; paced only */
    int         paced;
} conn_t;


static void fail(const char *what);
static int listen_on(const char *port);
static void add_piece(reply_t *reply, const char *data, size_t len);
static void add_chunk(reply_t *reply, const char *data);
static void add_head(reply_t *reply, const char *type);
static void make_replies(void);
static void make_json(reply_t *reply, const char *body);
static void make_raw(reply_t *reply);
static void make_sse(reply_t *reply);
static void make_azure(reply_t *reply);
static void make_claude(reply_t *reply);
static void make_vectors(reply_t *reply, unsigned n);
static void join(piece_t *whole, const piece_t *piece);
static void close_conn(conn_t *c);
static void accept_conns(int lfd);
static void read_conn(conn_t *c);
static size_t parse_head(conn_t *c, size_t len);
static void start_reply(conn_t *c);
static int send_some(conn_t *c);
static void send_due(uint64_t tick);


static conn_t      conns[MAX_FD];
static int         last_fd;
static int         epfd;
static uint64_t    now;         /* in ticks of a millisecond */
static uint64_t    pace;

static reply_t     replies[] = {
    { .path = "/resource/chat/" },
    { .path = "/resource/streamchat/" },
    { .path = "/unary" },
    { .path = "/sse" },

    /* ARGO's native APIs, and the same for a plain proxy_pass */
    { .path = "/v1/chat/completions", .accept = "text/event-stream" },
    { .path = "/azure" },
    { .path = "/v1/chat/completions" },
    { .path = "/v1/messages" },
    { .path = "/claude" },
    { .path = "/v1/embeddings" },
    { .path = "/vectors" },
    { .path = NULL }
};


static void
fail(const char *what)
{
    perror(what);
    exit(1);
}


static int
listen_on(const char *port)
{
    int                 fd, on;
    struct sockaddr_in  sin;

    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd == -1) {
        fail("socket");
    }

    on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons((uint16_t) atoi(port));
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    if (bind(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        || listen(fd, 511) == -1)
    {
        fail("listen");
    }

    return fd;
}


static void
add_piece(reply_t *reply, const char *data, size_t len)
{
    piece_t  *p;

    if (reply->npieces == MAX_WRITES) {
        fprintf(stderr, "too many pieces in a reply\n");
        exit(1);
    }

    p = &reply->pieces[reply->npieces++];
    p->len = len;
    p->data = malloc(len);
    if (p->data == NULL) {
        fail("malloc");
    }

    memcpy(p->data, data, len);
}


static void
add_chunk(reply_t *reply, const char *data)
{
    int   n;
    char  buf[1024];

    n = snprintf(buf, sizeof(buf), "%zx\r\n%s\r\n", strlen(data), data);
    add_piece(reply, buf, (size_t) n);
}


static void
add_head(reply_t *reply, const char *type)
{
    int   n;
    char  buf[512];

    n = snprintf(buf, sizeof(buf),
                 "HTTP/1.1 200 OK\r\n"
                 "Content-Type: %s\r\n"
                 "Transfer-Encoding: chunked\r\n"
                 "Connection: keep-alive\r\n\r\n", type);
    add_piece(reply, buf, (size_t) n);
}


static void
make_json(reply_t *reply, const char *body)
{
    int   n;
    char  buf[2048];

    n = snprintf(buf, sizeof(buf),
                 "HTTP/1.1 200 OK\r\n"
                 "Content-Type: application/json\r\n"
                 "Content-Length: %zu\r\n"
                 "Connection: keep-alive\r\n\r\n%s", strlen(body), body);
    add_piece(reply, buf, (size_t) n);
}


static void
make_raw(reply_t *reply)
{
    unsigned  i;

    add_head(reply, "text/plain; charset=utf-8");

    for (i = 0; i < CHUNKS; i++) {
        add_chunk(reply, CHUNK);
    }

    add_piece(reply, "0\r\n\r\n", 5);
}


#define SSE(delta, finish)                                                    \
    "data: {\"id\":\"chatcmpl-BenchBenchBenchBenchBenchBenc\","               \
    "\"object\":\"chat.completion.chunk\",\"created\":1790000000,"            \
    "\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,\"delta\":{" delta "},"   \
    "\"logprobs\":null,\"finish_reason\":" finish "}]}\n\n"


static void
make_sse(reply_t *reply)
{
    unsigned  i;

    add_head(reply, "text/event-stream; charset=utf-8");

    add_chunk(reply, SSE("\"role\":\"assistant\",\"content\":\"\","
                         "\"refusal\":null", "null"));

    for (i = 0; i < CHUNKS; i++) {
        add_chunk(reply, SSE("\"content\":\"" CHUNK "\"", "null"));
    }

    add_chunk(reply, SSE("", "\"stop\""));
    add_chunk(reply, "data: [DONE]\n\n");
    add_piece(reply, "0\r\n\r\n", 5);
}


#define AZURE(delta, finish)                                                  \
    "data: {\"id\": \"chatcmpl-BenchBenchBenchBenchBenchBenc\", "              \
    "\"choices\": [{\"delta\": {" delta "}, \"finish_reason\": " finish ", "  \
    "\"index\": 0, \"logprobs\": null, \"content_filter_results\": {}}], "    \
    "\"created\": 1790000000, \"model\": \"gpt-4o-2024-11-20\", "             \
    "\"object\": \"chat.completion.chunk\", \"service_tier\": \"default\", "  \
    "\"system_fingerprint\": null, \"usage\": null, "                        \
    "\"obfuscation\": \"59Aip\"}\n\n"


/* chat completions as ARGO streams them for OpenAI's models */

static void
make_azure(reply_t *reply)
{
    unsigned  i;

    add_head(reply, "text/event-stream; charset=utf-8");

    add_chunk(reply, AZURE("\"content\": \"\", \"function_call\": null, "
                           "\"refusal\": null, \"role\": \"assistant\", "
                           "\"tool_calls\": null", "null"));

    for (i = 0; i < CHUNKS; i++) {
        add_chunk(reply, AZURE("\"content\": \"" CHUNK "\", "
                               "\"function_call\": null, "
                               "\"refusal\": null, \"role\": null, "
                               "\"tool_calls\": null", "null"));
    }

    add_chunk(reply, AZURE("\"content\": null, \"function_call\": null, "
                           "\"refusal\": null, \"role\": null, "
                           "\"tool_calls\": null", "\"stop\""));
    add_chunk(reply, "data: [DONE]\n\n");
    add_piece(reply, "0\r\n\r\n", 5);
}


#define EVENT(type, rest)                                                     \
    "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"


static void
make_claude(reply_t *reply)
{
    unsigned  i;

    add_head(reply, "text/event-stream; charset=utf-8");

    add_chunk(reply, EVENT("message_start", ",\"message\":{\"id\":"
              "\"msg_vrtx_01Bench\",\"type\":\"message\",\"role\":"
              "\"assistant\",\"model\":\"claude-haiku-4-5-20251001\","
              "\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"
              "\"usage\":{\"input_tokens\":50,\"output_tokens\":1}}"));
    add_chunk(reply, EVENT("content_block_start", ",\"index\":0,"
              "\"content_block\":{\"type\":\"text\",\"text\":\"\"}"));

    for (i = 0; i < CHUNKS; i++) {
        add_chunk(reply, EVENT("content_block_delta", ",\"index\":0,"
                  "\"delta\":{\"type\":\"text_delta\",\"text\":\"" CHUNK
                  "\"}"));
    }

    add_chunk(reply, EVENT("content_block_stop", ",\"index\":0"));
    add_chunk(reply, EVENT("message_delta", ",\"delta\":{\"stop_reason\":"
              "\"end_turn\",\"stop_sequence\":null},\"usage\":"
              "{\"output_tokens\":2048}"));
    add_chunk(reply, EVENT("message_stop", ""));
    add_piece(reply, "0\r\n\r\n", 5);
}


/* vectors of 1536 numbers; a '~' where load looks for one */

static void
make_vectors(reply_t *reply, unsigned n)
{
    char      *buf, *p, *body;
    unsigned   i, k;

    buf = malloc((size_t) n * 1536 * 16 + 4096);
    if (buf == NULL) {
        fail("malloc");
    }

    body = buf + 1024;
    p = body + sprintf(body, "{\"object\":\"list\",\"data\":[");

    for (i = 0; i < n; i++) {
        p += sprintf(p, "%s{\"object\":\"embedding\",\"index\":%u,"
                     "\"embedding\":[", i ? "," : "", i);

        for (k = 0; k < 1536; k++) {
            p += sprintf(p, "%s-0.0%08u", k ? "," : "",
                         (i * 1536 + k) * 7919 % 100000000);
        }

        p += sprintf(p, "]}");
    }

    p += sprintf(p, "],\"model\":\"text-embedding-3-small\",\"usage\":"
                 "{\"prompt_tokens\":%u,\"total_tokens\":%u}}", n, n);

    k = (unsigned) sprintf(buf, "HTTP/1.1 200 OK\r\n"
                           "Content-Type: application/json\r\n"
                           "Content-Length: %zu\r\n"
                           "Connection: keep-alive\r\n\r\n",
                           (size_t) (p - body));

    memmove(buf + k, body, (size_t) (p - body));
    add_piece(reply, buf, k + (size_t) (p - body));
    free(buf);
}


static void
make_replies(void)
{
    reply_t  *reply;
    unsigned  i;

    make_json(&replies[0], "{\"response\":\"" ANSWER "\"}");
    make_raw(&replies[1]);
    make_json(&replies[2],
              "{\"id\":\"chatcmpl-BenchBenchBenchBenchBenchBenc\","
              "\"object\":\"chat.completion\",\"created\":1790000000,"
              "\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,"
              "\"message\":{\"role\":\"assistant\",\"content\":\"" ANSWER
              "\",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,"
              "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":50,"
              "\"completion_tokens\":24,\"total_tokens\":74,"
              "\"prompt_tokens_details\":{\"cached_tokens\":0,"
              "\"audio_tokens\":0},\"completion_tokens_details\":{"
              "\"reasoning_tokens\":0,\"audio_tokens\":0,"
              "\"accepted_prediction_tokens\":0,"
              "\"rejected_prediction_tokens\":0}}}");
    make_sse(&replies[3]);
    make_azure(&replies[4]);
    make_azure(&replies[5]);
    add_piece(&replies[6], replies[2].pieces[0].data,
              replies[2].pieces[0].len);
    make_claude(&replies[7]);
    make_claude(&replies[8]);
    make_vectors(&replies[9], 16);
    make_vectors(&replies[10], 64);

    for (reply = replies; reply->path; reply++) {
        for (i = 0; i < reply->npieces; i++) {
            join(&reply->whole, &reply->pieces[i]);
        }
    }
}


static void
join(piece_t *whole, const piece_t *piece)
{
    whole->data = realloc(whole->data, whole->len + piece->len);
    if (whole->data == NULL) {
        fail("realloc");
    }

    memcpy(whole->data + whole->len, piece->data, piece->len);
    whole->len += piece->len;
}


static void
close_conn(conn_t *c)
{
    close(c->fd);
    c->fd = 0;
}


static void
accept_conns(int lfd)
{
    int                  fd, on;
    conn_t              *c;
    struct epoll_event   ee;

    for ( ;; ) {
        fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK);
        if (fd == -1) {
            return;
        }

        if (fd >= MAX_FD) {
            close(fd);
            continue;
        }

        /* each chunk must leave on its own */
        on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

        c = &conns[fd];
        c->fd = fd;
        c->nhead = 0;
        c->body = 0;
        c->reply = NULL;

        if (fd > last_fd) {
            last_fd = fd;
        }

        ee.events = EPOLLIN | EPOLLOUT | EPOLLET;
        ee.data.ptr = c;
        if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ee) == -1) {
            fail("epoll_ctl");
        }
    }
}


/* Returns how much of the buffer is used up; 0: the head is not complete. */

static size_t
parse_head(conn_t *c, size_t len)
{
    int       i;
    char     *end, *p, *eol;
    size_t    plen;

    end = memmem(c->head, len, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }

    *end = '\0';

    p = strcasestr(c->head, "\r\nContent-Length:");
    c->body = p ? strtoul(p + 17, NULL, 10) : 0;

    eol = strstr(c->head, " HTTP/1.1");
    if (eol == NULL || strcasestr(c->head, "\r\nTransfer-Encoding:")) {
        fprintf(stderr, "unexpected request: \"%s\"\n", c->head);
        exit(1);
    }

    *eol = '\0';
    c->paced = strstr(c->head, "/paced/") != NULL;

    for (i = 0; replies[i].path; i++) {
        plen = strlen(replies[i].path);

        if ((size_t) (eol - c->head) > plen
            && memcmp(eol - plen, replies[i].path, plen) == 0
            && (replies[i].accept == NULL
                || strstr(eol + 1, replies[i].accept)))
        {
            c->reply = &replies[i];
            return (size_t) (end - c->head) + 4;
        }
    }

    fprintf(stderr, "no reply for \"%s\"\n", c->head);
    exit(1);
}


static void
start_reply(conn_t *c)
{
    c->piece = 0;
    c->sent = 0;

    /* streams are spread over the ticks, as they would be in life */
    c->due = now + 1 + (uint64_t) c->fd % pace;

    if (!c->paced) {
        send_some(c);
    }
}


static void
read_conn(conn_t *c)
{
    size_t   used, n;
    ssize_t  rc;

    for ( ;; ) {

        if (c->nhead == HEAD_SIZE) {
            fprintf(stderr, "request too large\n");
            exit(1);
        }

        rc = recv(c->fd, c->head + c->nhead, HEAD_SIZE - c->nhead, 0);

        if (rc == -1 && errno == EAGAIN) {
            return;
        }

        if (rc <= 0) {
            close_conn(c);
            return;
        }

        c->nhead += (size_t) rc;

        if (c->reply == NULL) {
            used = parse_head(c, c->nhead);
            if (used == 0) {
                continue;
            }

            c->nhead -= used;
        }

        /* what is left in the buffer is body, and there is no pipelining */
        n = c->nhead < c->body ? c->nhead : c->body;
        c->body -= n;
        c->nhead = 0;

        if (c->body == 0) {
            start_reply(c);
            if (c->fd == 0) {
                return;
            }
        }
    }
}


/*
 * Sends the next piece, or the whole reply.  Returns 1 if the socket took
 * all of it.
 */

static int
send_some(conn_t *c)
{
    ssize_t   rc;
    piece_t  *p;

    p = c->paced ? &c->reply->pieces[c->piece] : &c->reply->whole;

    rc = send(c->fd, p->data + c->sent, p->len - c->sent, MSG_NOSIGNAL);

    if (rc == -1) {
        if (errno != EAGAIN) {
            close_conn(c);
        }

        return 0;
    }

    c->sent += (size_t) rc;
    if (c->sent < p->len) {
        return 0;
    }

    c->sent = 0;
    c->piece++;

    if (!c->paced || c->piece == c->reply->npieces) {
        c->reply = NULL;
    }

    return 1;
}


static void
send_due(uint64_t tick)
{
    int      i;
    conn_t  *c;

    for (i = 0; i <= last_fd; i++) {
        c = &conns[i];

        if (c->fd == 0 || c->reply == NULL || c->body || !c->paced) {
            continue;
        }

        if (c->due <= tick && send_some(c)) {
            c->due = tick + pace;
        }
    }
}


int
main(int argc, char **argv)
{
    int                 i, n, lfd, tfd;
    conn_t             *c;
    uint64_t            expired;
    struct itimerspec   it;
    struct epoll_event  ee, events[256];

    if (argc != 3 || atoi(argv[2]) < 1) {
        fprintf(stderr, "usage: upstream port pace\n");
        return 1;
    }

    prctl(PR_SET_PDEATHSIG, SIGTERM);

    pace = (uint64_t) atoi(argv[2]);
    make_replies();

    lfd = listen_on(argv[1]);
    epfd = epoll_create1(0);
    tfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (epfd == -1 || tfd == -1) {
        fail("epoll_create1");
    }

    memset(&it, 0, sizeof(it));
    it.it_interval.tv_nsec = 1000000;
    it.it_value.tv_nsec = 1000000;
    timerfd_settime(tfd, 0, &it, NULL);

    ee.events = EPOLLIN;
    ee.data.ptr = &lfd;
    epoll_ctl(epfd, EPOLL_CTL_ADD, lfd, &ee);
    ee.data.ptr = &tfd;
    epoll_ctl(epfd, EPOLL_CTL_ADD, tfd, &ee);

    for ( ;; ) {
        n = epoll_wait(epfd, events, 256, -1);

        for (i = 0; i < n; i++) {

            if (events[i].data.ptr == &lfd) {
                accept_conns(lfd);
                continue;
            }

            if (events[i].data.ptr == &tfd) {
                if (read(tfd, &expired, sizeof(expired)) > 0) {
                    now += expired;
                    send_due(now);
                }

                continue;
            }

            c = events[i].data.ptr;

            if (c->fd && (events[i].events & (EPOLLIN|EPOLLHUP|EPOLLERR))) {
                read_conn(c);
            }

            /* a blocked reply goes on; a paced one waits for its tick */
            if (c->fd && c->reply && c->body == 0 && !c->paced) {
                send_some(c);
            }
        }
    }
}
