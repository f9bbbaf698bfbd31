
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Usage: tokens name table text
 *
 * Counts the tokens of a file three times and prints its bytes, its tokens
 * and the nanoseconds of CPU time of the fastest.
 */


#include "argo_bpe.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>


static u_char *
read_file(const char *path, size_t *size)
{
    long     n;
    FILE    *f;
    u_char  *p;

    f = fopen(path, "rb");

    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0) {
        fprintf(stderr, "can't read %s\n", path);
        exit(2);
    }

    rewind(f);
    p = malloc(n + 8);

    if (p == NULL || fread(p, 1, n, f) != (size_t) n) {
        fprintf(stderr, "can't read %s\n", path);
        exit(2);
    }

    fclose(f);
    *size = n;

    return p;
}


static double
cpu_time(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return ts.tv_sec * 1e9 + ts.tv_nsec;
}


int
main(int argc, char **argv)
{
    int                  i;
    double               start, spent, best;
    u_char              *table, *text;
    size_t               size, n;
    ngx_str_t            name;
    argo_bpe_t           bpe;
    const char          *problem;
    ngx_pool_t          *pool;
    argo_bpe_counter_t   counter;

    if (argc != 4) {
        fprintf(stderr, "usage: tokens name table text\n");
        return 2;
    }

    pool = ngx_create_pool(4096, NULL);
    table = read_file(argv[2], &size);
    text = read_file(argv[3], &n);
    name.data = (u_char *) argv[1];
    name.len = strlen(argv[1]);
    problem = "needs memory";
    best = 0;

    if (argo_bpe_open(&bpe, pool, &name, table, size, &problem) != NGX_OK) {
        fprintf(stderr, "%s %s\n", argv[2], problem);
        return 2;
    }

    for (i = 0; i < 3; i++) {
        ngx_memzero(&counter, sizeof(argo_bpe_counter_t));
        counter.bpe = &bpe;
        counter.pool = pool;

        start = cpu_time();
        argo_bpe_add(&counter, text, n);
        argo_bpe_end(&counter);
        spent = cpu_time() - start;

        if (i == 0 || spent < best) {
            best = spent;
        }
    }

    printf("%lu %lu %.0f\n", (unsigned long) n,
           (unsigned long) counter.count, best);

    free(table);
    free(text);
    ngx_destroy_pool(pool);

    return 0;
}
