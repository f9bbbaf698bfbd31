/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Preloaded into nginx: upstreams that send as fast as they can, and clients
 * that read as fast as they can, whatever the machine.  A peer's port is one
 * of the first if there is a file "flood.<port>" in the directory that
 * ARGO_FLOOD names:
 *
 *   - what is read from it fills the buffer, until its end,
 *   - there is always more to be read,
 *   - nothing is read before there is a file "open.<port>"; that somebody
 *     waits for it is told by a file "at.<port>".
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>


/* milliseconds, after which things are as they would be without this */
#define PATIENCE  20000

#define FILES  65536


static char      dir[PATH_MAX];

/* of the peer of each file that has one */
static uint16_t  ports[FILES];


/* a worker has another environment */

__attribute__((constructor)) static void
start(void)
{
    const char  *value;

    value = getenv("ARGO_FLOOD");
    snprintf(dir, sizeof(dir), "%s", value ? value : "/nonexistent");
}


static int
there_is(const char *what, int port)
{
    char  name[2 * PATH_MAX];

    snprintf(name, sizeof(name), "%s/%s.%d", dir, what, port);

    return access(name, F_OK) == 0;
}


static void
tell(const char *what, int port)
{
    int   fd;
    char  name[2 * PATH_MAX];

    snprintf(name, sizeof(name), "%s/%s.%d", dir, what, port);

    fd = open(name, O_WRONLY|O_CREAT, 0644);

    if (fd != -1) {
        close(fd);
    }
}


/* the port of a peer that floods, or 0; it can't be asked once it is gone */

static int
flood(int fd)
{
    int  port;

    port = (fd >= 0 && fd < FILES) ? ports[fd] : 0;

    return (port && there_is("flood", port)) ? port : 0;
}


int
connect(int fd, const struct sockaddr *sa, socklen_t len)
{
    static int  (*next)(int, const struct sockaddr *, socklen_t);

    if (next == NULL) {
        next = (int (*)(int, const struct sockaddr *, socklen_t))
               dlsym(RTLD_NEXT, "connect");
    }

    if (sa->sa_family == AF_INET && fd >= 0 && fd < FILES) {
        ports[fd] = ntohs(((const struct sockaddr_in *) sa)->sin_port);
    }

    return next(fd, sa, len);
}


int
close(int fd)
{
    static int  (*next)(int);

    if (next == NULL) {
        next = (int (*)(int)) dlsym(RTLD_NEXT, "close");
    }

    if (fd >= 0 && fd < FILES) {
        ports[fd] = 0;
    }

    return next(fd);
}


static int
wait_for(int fd, short events)
{
    struct pollfd  pfd;

    pfd.fd = fd;
    pfd.events = events;

    return poll(&pfd, 1, PATIENCE) == 1;
}


ssize_t
recv(int fd, void *buf, size_t n, int flags)
{
    int             i, port;
    size_t          got;
    ssize_t         rc;

    static ssize_t (*next)(int, void *, size_t, int);

    if (next == NULL) {
        next = (ssize_t (*)(int, void *, size_t, int))
               dlsym(RTLD_NEXT, "recv");
    }

    port = (flags & MSG_PEEK) ? 0 : flood(fd);

    if (port == 0) {
        return next(fd, buf, n, flags);
    }

    for (i = 0; i < PATIENCE && !there_is("open", port); i++) {
        tell("at", port);
        usleep(1000);
    }

    for (got = 0; got < n; got += rc) {
        rc = next(fd, (char *) buf + got, n - got, flags);

        if (rc == -1 && errno == EAGAIN && wait_for(fd, POLLIN)) {
            rc = 0;
            continue;
        }

        if (rc <= 0) {
            return got ? (ssize_t) got : rc;
        }
    }

    return got;
}


int
ioctl(int fd, unsigned long request, ...)
{
    void         *arg;
    va_list       args;

    static int  (*next)(int, unsigned long, ...);

    va_start(args, request);
    arg = va_arg(args, void *);
    va_end(args);

    if (next == NULL) {
        next = (int (*)(int, unsigned long, ...)) dlsym(RTLD_NEXT, "ioctl");
    }

    if (request == FIONREAD && flood(fd)) {
        *(int *) arg = 1 << 30;
        return 0;
    }

    return next(fd, request, arg);
}


ssize_t
writev(int fd, const struct iovec *iov, int n)
{
    int             i;
    size_t          sent, skip;
    ssize_t         rc;
    struct iovec    left[IOV_MAX];

    static ssize_t (*next)(int, const struct iovec *, int);

    if (next == NULL) {
        next = (ssize_t (*)(int, const struct iovec *, int))
               dlsym(RTLD_NEXT, "writev");
    }

    sent = 0;

    for ( ;; ) {

        for (i = 0, skip = sent; i < n && skip >= iov[i].iov_len; i++) {
            skip -= iov[i].iov_len;
        }

        if (i == n) {
            return sent;
        }

        memcpy(left, iov + i, (n - i) * sizeof(struct iovec));
        left[0].iov_base = (char *) left[0].iov_base + skip;
        left[0].iov_len -= skip;

        rc = next(fd, left, n - i);

        if (rc >= 0) {
            sent += rc;

        } else if (errno != EAGAIN || !wait_for(fd, POLLOUT)) {
            return sent ? (ssize_t) sent : -1;
        }
    }
}
