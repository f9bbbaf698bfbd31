
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Preloaded into nginx: lets its allocations fail as the file that
 * ARGO_FAILMALLOC names says, which is mapped, so that a test can change it
 * at any time.  Of its numbers the first one is how many allocations from now
 * on are still good, 0: all; the second one is whether only the next one
 * fails (0) or all that come (1); the third counts those that have failed.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>


static volatile uint32_t  *control;

static void *(*next_malloc)(size_t size);
static void *(*next_calloc)(size_t n, size_t size);
static void *(*next_realloc)(void *p, size_t size);
static int (*next_posix_memalign)(void **p, size_t alignment, size_t size);

/* dlsym() allocates before there is anything to allocate with */
static char    early[65536];
static size_t  early_used;


static void *
early_alloc(size_t size)
{
    void  *p;

    size = (size + 15) & ~(size_t) 15;

    if (size > sizeof(early) - early_used) {
        abort();
    }

    p = early + early_used;
    early_used += size;

    return p;
}


static void
find(void)
{
    next_calloc = dlsym(RTLD_NEXT, "calloc");
    next_realloc = dlsym(RTLD_NEXT, "realloc");
    next_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
    next_malloc = dlsym(RTLD_NEXT, "malloc");
}


__attribute__((constructor)) static void
start(void)
{
    int          fd;
    void        *p;
    const char  *name;

    if (next_malloc == NULL) {
        find();
    }

    name = getenv("ARGO_FAILMALLOC");
    fd = name ? open(name, O_RDWR) : -1;

    if (fd == -1) {
        return;
    }

    p = mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);

    (void) close(fd);

    if (p != MAP_FAILED) {
        control = p;
    }
}


static int
fails(void)
{
    if (control == NULL || control[0] == 0) {
        return 0;
    }

    if (control[0] > 1) {
        control[0]--;
        return 0;
    }

    if (control[1] == 0) {
        control[0] = 0;
    }

    control[2]++;
    errno = ENOMEM;

    return 1;
}


void *
malloc(size_t size)
{
    if (next_malloc == NULL) {
        return early_alloc(size);
    }

    return fails() ? NULL : next_malloc(size);
}


void *
calloc(size_t n, size_t size)
{
    if (next_malloc == NULL) {
        return early_alloc(n * size);
    }

    return fails() ? NULL : next_calloc(n, size);
}


void *
realloc(void *p, size_t size)
{
    if (next_malloc == NULL) {
        abort();
    }

    return fails() ? NULL : next_realloc(p, size);
}


int
posix_memalign(void **p, size_t alignment, size_t size)
{
    if (next_malloc == NULL) {
        find();
    }

    return fails() ? ENOMEM : next_posix_memalign(p, alignment, size);
}


void
free(void *p)
{
    static void (*next_free)(void *p);

    if ((char *) p >= early && (char *) p < early + sizeof(early)) {
        return;
    }

    if (next_free == NULL) {
        next_free = dlsym(RTLD_NEXT, "free");
    }

    next_free(p);
}
