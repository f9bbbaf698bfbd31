
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The load generator of the benchmark: one process, epoll, keepalive
 * connections, one request after the other on each.  Every reply is read to
 * the end that its framing gives it and checked; what the process under test
 * took of its CPU meanwhile is read from its CPU clock, in nanoseconds.
 *
 *     load -p port -u path -b file -c connections -n requests -w warmup
 *          -t tail -m count -P pid
 *
 * Times are those until the first byte of a reply's body and until its last
 * byte, in microseconds.  Prints one line of name=value pairs.  Exits with 1
 * if any reply was not what it should be: status 200, complete, ending with
 * tail, with count bytes '~' in its body.
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
#include <time.h>
#include <unistd.h>


#define MAX_CONNS  8192
#define MAX_TIMES  100000       /* requests whose times are kept */
#define HEAD_SIZE  8192
#define TAIL_SIZE  64
#define TIMEOUT    20000        /* without any byte, in milliseconds */


typedef enum {
    IN_HEAD = 0,
    IN_BODY,                    /* left bytes by Content-Length */
    IN_CHUNK_SIZE,
    IN_CHUNK_EXT,
    IN_CHUNK_DATA,
    IN_CHUNK_END,
    IN_TRAILER
} state_e;


typedef struct {
    int         fd;
    int         active;         /* a request is under way */
    state_e     state;
    char        head[HEAD_SIZE];
    size_t      nhead;
    uint64_t    left;           /* of the body or of the chunk */
    size_t      line;           /* length of the trailer's line so far */
    size_t      sent;           /* of the request */
    uint64_t    began;          /* when, in nanoseconds */
    int         told;           /* its body has begun */

    char        tail[TAIL_SIZE];
    size_t      ntail;
    uint64_t    body;
    uint64_t    marks;
    uint64_t    chunks;
} conn_t;


static void fail(const char *what);
static void load_request(const char *path, const char *file);
static void open_conn(conn_t *c);
static void start_request(conn_t *c);
static void send_request(conn_t *c);
static void read_reply(conn_t *c);
static int parse(conn_t *c, char *p, size_t n);
static int parse_head(conn_t *c);
static void take_body(conn_t *c, const char *p, size_t n);
static int finish_reply(conn_t *c);
static void bad_reply(conn_t *c, const char *why);
static void run(uint64_t total);
static uint64_t read_clock(clockid_t clock);
static void keep_time(unsigned *times, uint64_t n, uint64_t began);
static unsigned percentile(unsigned *times, unsigned percent);
static int compare(const void *a, const void *b);


static conn_t      conns[MAX_CONNS];
static int         nconns = 32;
static int         port;
static int         epfd;
static clockid_t   cpu_clock;

static char       *request;
static size_t      request_len;

static const char *want_tail = "";
static uint64_t    want_marks;

static uint64_t    to_start;
static uint64_t    done;
static uint64_t    errors;
static uint64_t    bytes;
static uint64_t    chunks;
static uint64_t    min_body, max_body;

static unsigned    first_times[MAX_TIMES];
static unsigned    last_times[MAX_TIMES];
static uint64_t    firsts;


static void
fail(const char *what)
{
    perror(what);
    exit(2);
}


static void
load_request(const char *path, const char *file)
{
    int     n;
    long    size;
    FILE   *f;

    f = fopen(file, "rb");
    if (f == NULL) {
        fail(file);
    }

    fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);

    request = malloc((size_t) size + 1024);
    if (request == NULL) {
        fail("malloc");
    }

    n = snprintf(request, 1024,
                 "POST %s HTTP/1.1\r\n"
                 "Host: 127.0.0.1\r\n"
                 "Content-Type: application/json\r\n"
                 "Accept: application/json\r\n"
                 "Authorization: Bearer bench\r\n"
                 "User-Agent: bench\r\n"
                 "Content-Length: %ld\r\n\r\n", path, size);

    if (fread(request + n, 1, (size_t) size, f) != (size_t) size) {
        fail(file);
    }

    fclose(f);
    request_len = (size_t) n + (size_t) size;
}


static void
open_conn(conn_t *c)
{
    int                 on;
    struct sockaddr_in  sin;
    struct epoll_event  ee;

    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd == -1) {
        fail("socket");
    }

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons((uint16_t) port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    if (connect(c->fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        fail("connect");
    }

    on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    ee.events = EPOLLIN;
    ee.data.ptr = c;
    if (epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &ee) == -1) {
        fail("epoll_ctl");
    }
}


static void
start_request(conn_t *c)
{
    if (to_start == 0) {
        return;
    }

    to_start--;

    c->active = 1;
    c->state = IN_HEAD;
    c->nhead = 0;
    c->ntail = 0;
    c->sent = 0;
    c->body = 0;
    c->marks = 0;
    c->chunks = 0;
    c->told = 0;
    c->began = read_clock(CLOCK_MONOTONIC);

    send_request(c);
}


static void
send_request(conn_t *c)
{
    ssize_t  n;

    /* the socket blocks: a request is small and the server reads it */
    while (c->sent < request_len) {
        n = send(c->fd, request + c->sent, request_len - c->sent,
                 MSG_NOSIGNAL);
        if (n == -1) {
            fail("send");
        }

        c->sent += (size_t) n;
    }
}


/* The connection is of no more use: another one goes on in its place. */

static void
bad_reply(conn_t *c, const char *why)
{
    if (errors++ < 5) {
        fprintf(stderr, "bad reply: %s (body %llu bytes, %llu marks, "
                "tail \"%.*s\", head \"%.*s\")\n", why,
                (unsigned long long) c->body, (unsigned long long) c->marks,
                (int) c->ntail, c->tail, (int) (c->nhead > 200 ? 200
                                                               : c->nhead),
                c->head);
    }

    close(c->fd);
    c->active = 0;

    open_conn(c);
    start_request(c);
}


/* Returns 1 if the reply is done, 0 if there is more of it, -1 if it's bad. */

static int
parse_head(conn_t *c)
{
    char  *p;

    if (strncmp(c->head, "HTTP/1.1 200 ", 13) != 0) {
        return -1;
    }

    if (strcasestr(c->head, "\r\nTransfer-Encoding: chunked")) {
        c->state = IN_CHUNK_SIZE;
        c->left = 0;
        return 0;
    }

    p = strcasestr(c->head, "\r\nContent-Length:");
    if (p == NULL || strcasestr(c->head, "\r\nConnection: close")) {
        return -1;
    }

    c->state = IN_BODY;
    c->left = strtoull(p + 17, NULL, 10);

    return c->left == 0;
}


static void
take_body(conn_t *c, const char *p, size_t n)
{
    size_t       keep;
    const char  *last, *m;

    if (!c->told) {
        c->told = 1;
        keep_time(first_times, firsts++, c->began);
    }

    c->body += n;
    last = p + n;

    for (m = p; m < last; m++) {
        m = memchr(m, '~', (size_t) (last - m));
        if (m == NULL) {
            break;
        }

        c->marks++;
    }

    if (n >= TAIL_SIZE) {
        memcpy(c->tail, last - TAIL_SIZE, TAIL_SIZE);
        c->ntail = TAIL_SIZE;
        return;
    }

    keep = c->ntail + n > TAIL_SIZE ? TAIL_SIZE - n : c->ntail;
    memmove(c->tail, c->tail + c->ntail - keep, keep);
    memcpy(c->tail + keep, p, n);
    c->ntail = keep + n;
}


/* Like parse_head(); a byte behind the end of the reply is bad as well. */

static int
parse(conn_t *c, char *p, size_t n)
{
    int     rc;
    char   *last, *eol;
    size_t  size;

    last = p + n;

    while (p < last) {

        switch (c->state) {

        case IN_HEAD:
            if (c->nhead == HEAD_SIZE - 1) {
                return -1;
            }

            c->head[c->nhead++] = *p++;

            if (c->nhead >= 4
                && memcmp(c->head + c->nhead - 4, "\r\n\r\n", 4) == 0)
            {
                c->head[c->nhead] = '\0';
                rc = parse_head(c);
                if (rc) {
                    return rc == 1 && p < last ? -1 : rc;
                }
            }

            break;

        case IN_BODY:
        case IN_CHUNK_DATA:
            size = (size_t) (last - p);
            if (size > c->left) {
                size = (size_t) c->left;
            }

            take_body(c, p, size);
            p += size;
            c->left -= size;

            if (c->left == 0) {
                if (c->state == IN_BODY) {
                    return p < last ? -1 : 1;
                }

                c->state = IN_CHUNK_END;
            }

            break;

        case IN_CHUNK_SIZE:
            if (*p == '\r' || *p == ';') {
                c->state = IN_CHUNK_EXT;
                break;
            }

            if (*p >= '0' && *p <= '9') {
                c->left = c->left * 16 + (uint64_t) (*p - '0');

            } else if ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'f') {
                c->left = c->left * 16 + (uint64_t) ((*p | 0x20) - 'a' + 10);

            } else {
                return -1;
            }

            p++;
            break;

        case IN_CHUNK_EXT:
            eol = memchr(p, '\n', (size_t) (last - p));
            if (eol == NULL) {
                p = last;
                break;
            }

            p = eol + 1;
            c->line = 0;
            c->chunks += c->left != 0;
            c->state = c->left ? IN_CHUNK_DATA : IN_TRAILER;
            break;

        case IN_CHUNK_END:
            if (*p != '\r' && *p != '\n') {
                return -1;
            }

            if (*p++ == '\n') {
                c->state = IN_CHUNK_SIZE;
            }

            break;

        case IN_TRAILER:
            if (*p == '\n') {
                if (c->line == 0) {
                    return p + 1 < last ? -1 : 1;
                }

                c->line = 0;

            } else if (*p != '\r') {
                c->line++;
            }

            p++;
            break;
        }
    }

    return 0;
}


/* Returns 0 if the reply is not what it should be. */

static int
finish_reply(conn_t *c)
{
    size_t  len;

    len = strlen(want_tail);

    if (c->marks != want_marks || c->ntail < len
        || memcmp(c->tail + c->ntail - len, want_tail, len) != 0)
    {
        return 0;
    }

    keep_time(last_times, done, c->began);

    c->active = 0;
    done++;
    bytes += c->body;
    chunks += c->chunks;

    if (min_body == 0 || c->body < min_body) {
        min_body = c->body;
    }

    if (c->body > max_body) {
        max_body = c->body;
    }

    return 1;
}


static void
read_reply(conn_t *c)
{
    int          rc;
    ssize_t      n;
    static char  buf[65536];

    n = recv(c->fd, buf, sizeof(buf), 0);

    if (n <= 0) {
        bad_reply(c, c->active ? "the connection was closed"
                               : "an idle connection was closed");
        return;
    }

    if (!c->active) {
        bad_reply(c, "bytes between replies");
        return;
    }

    rc = parse(c, buf, (size_t) n);

    if (rc == 0) {
        return;
    }

    if (rc == -1) {
        bad_reply(c, "status or framing");
        return;
    }

    if (!finish_reply(c)) {
        bad_reply(c, "not complete");
        return;
    }

    start_request(c);
}


static void
run(uint64_t total)
{
    int                 i, n;
    struct epoll_event  events[MAX_CONNS];

    to_start = total;
    done = 0;
    firsts = 0;
    bytes = 0;
    chunks = 0;
    min_body = 0;
    max_body = 0;

    for (i = 0; i < nconns; i++) {
        start_request(&conns[i]);
    }

    while (done + errors < total) {
        n = epoll_wait(epfd, events, MAX_CONNS, TIMEOUT);

        if (n == 0) {
            fprintf(stderr, "no reply in %d ms\n", TIMEOUT);
            exit(1);
        }

        for (i = 0; i < n; i++) {
            read_reply(events[i].data.ptr);
        }
    }
}


static uint64_t
read_clock(clockid_t clock)
{
    struct timespec  ts;

    if (clock_gettime(clock, &ts) == -1) {
        fail("clock_gettime");
    }

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


static void
keep_time(unsigned *times, uint64_t n, uint64_t began)
{
    if (n < MAX_TIMES) {
        times[n] = (unsigned) ((read_clock(CLOCK_MONOTONIC) - began) / 1000);
    }
}


static unsigned
percentile(unsigned *times, unsigned percent)
{
    size_t  n;

    n = done < MAX_TIMES ? (size_t) done : MAX_TIMES;
    if (n == 0) {
        return 0;
    }

    qsort(times, n, sizeof(unsigned), compare);

    return times[(n - 1) * percent / 100];
}


static int
compare(const void *a, const void *b)
{
    unsigned  x = *(const unsigned *) a, y = *(const unsigned *) b;

    return (x > y) - (x < y);
}


int
main(int argc, char **argv)
{
    int              i, opt;
    pid_t            pid;
    uint64_t         total, warmup, cpu, wall;
    const char      *path, *file;
    uint64_t         from, to;

    path = "/";
    file = NULL;
    total = 1000;
    warmup = 0;
    pid = getpid();

    while ((opt = getopt(argc, argv, "p:u:b:c:n:w:t:m:P:")) != -1) {
        switch (opt) {
        case 'p': port = atoi(optarg); break;
        case 'u': path = optarg; break;
        case 'b': file = optarg; break;
        case 'c': nconns = atoi(optarg); break;
        case 'n': total = strtoull(optarg, NULL, 10); break;
        case 'w': warmup = strtoull(optarg, NULL, 10); break;
        case 't': want_tail = optarg; break;
        case 'm': want_marks = strtoull(optarg, NULL, 10); break;
        case 'P': pid = atoi(optarg); break;
        default: return 2;
        }
    }

    if (port == 0 || file == NULL || nconns < 1 || nconns > MAX_CONNS
        || strlen(want_tail) > TAIL_SIZE)
    {
        fprintf(stderr, "wrong arguments, see the head of load.c\n");
        return 2;
    }

    prctl(PR_SET_PDEATHSIG, SIGTERM);

    if (clock_getcpuclockid(pid, &cpu_clock) != 0) {
        fprintf(stderr, "no CPU clock of process %d\n", (int) pid);
        return 2;
    }

    epfd = epoll_create1(0);
    if (epfd == -1) {
        fail("epoll_create1");
    }

    load_request(path, file);

    for (i = 0; i < nconns; i++) {
        open_conn(&conns[i]);
    }

    if (warmup) {
        run(warmup);
    }

    from = read_clock(CLOCK_MONOTONIC);
    cpu = read_clock(cpu_clock);

    if (errors == 0) {
        run(total);
    }

    cpu = read_clock(cpu_clock) - cpu;
    to = read_clock(CLOCK_MONOTONIC);

    wall = to - from;

    printf("requests=%llu errors=%llu cpu_ns=%llu wall_ns=%llu bytes=%llu "
           "chunks=%llu min_body=%llu max_body=%llu first=%u p50=%u "
           "p99=%u max=%u\n",
           (unsigned long long) done, (unsigned long long) errors,
           (unsigned long long) cpu, (unsigned long long) wall,
           (unsigned long long) bytes, (unsigned long long) chunks,
           (unsigned long long) min_body, (unsigned long long) max_body,
           percentile(first_times, 50), percentile(last_times, 50),
           percentile(last_times, 99), percentile(last_times, 100));

    return errors ? 1 : 0;
}
