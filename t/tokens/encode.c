
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Usage: encode name table
 *
 * Reads texts, each with its length before it (32 bits), and writes the
 * tokens of each with their number before them.  Each text is counted a
 * second time, cut at places that depend on the text alone; if that gives
 * another count the program ends with 1.
 */


#include "argo_bpe.h"

#include <stdio.h>
#include <stdlib.h>


static const argo_bpe_t *open_table(const char *name, const char *path,
    ngx_pool_t *pool);
static uint64_t count_cut(const argo_bpe_t *bpe, const u_char *text,
    size_t n);


int
main(int argc, char **argv)
{
    u_char              *text;
    uint32_t             n, count, *tokens;
    ngx_pool_t          *pool;
    argo_bpe_counter_t   counter;

    if (argc != 3) {
        fprintf(stderr, "usage: encode name table\n");
        return 2;
    }

    pool = ngx_create_pool(4096, NULL);
    if (pool == NULL) {
        return 2;
    }

    ngx_memzero(&counter, sizeof(argo_bpe_counter_t));
    counter.bpe = open_table(argv[1], argv[2], pool);

    while (fread(&n, sizeof(n), 1, stdin) == 1) {

        /* a text has no more tokens than bytes, three for each wrong one */

        text = malloc(n + 1);
        tokens = malloc((3 * (size_t) n + 1) * sizeof(uint32_t));

        if (text == NULL || tokens == NULL || fread(text, 1, n, stdin) != n) {
            return 2;
        }

        counter.pool = ngx_create_pool(4096, NULL);
        counter.tokens = tokens;
        counter.room = 3 * (size_t) n + 1;
        counter.count = 0;
        counter.kept = NULL;
        counter.size = 0;

        argo_bpe_add(&counter, text, n);
        argo_bpe_end(&counter);

        count = (uint32_t) counter.count;

        if (count_cut(counter.bpe, text, n) != count) {
            fprintf(stderr, "another count when the text is cut:\n%.*s\n",
                    (int) n, text);
            return 1;
        }

        if (fwrite(&count, sizeof(count), 1, stdout) != 1
            || fwrite(tokens, sizeof(uint32_t), count, stdout) != count)
        {
            return 2;
        }

        ngx_destroy_pool(counter.pool);
        free(tokens);
        free(text);
    }

    ngx_destroy_pool(pool);

    return fflush(stdout) == 0 ? 0 : 2;
}


static const argo_bpe_t *
open_table(const char *name, const char *path, ngx_pool_t *pool)
{
    long         size;
    FILE        *f;
    u_char      *table;
    ngx_str_t    s;
    const char  *problem;

    static argo_bpe_t  bpe;

    f = fopen(path, "rb");

    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) <= 0) {
        fprintf(stderr, "can't read %s\n", path);
        exit(2);
    }

    rewind(f);
    table = ngx_palloc(pool, size);

    if (table == NULL || fread(table, 1, size, f) != (size_t) size) {
        fprintf(stderr, "can't read %s\n", path);
        exit(2);
    }

    fclose(f);

    s.data = (u_char *) name;
    s.len = strlen(name);
    problem = "needs memory";

    if (argo_bpe_open(&bpe, pool, &s, table, size, &problem) != NGX_OK) {
        fprintf(stderr, "%s %s\n", path, problem);
        exit(2);
    }

    return &bpe;
}


static uint64_t
count_cut(const argo_bpe_t *bpe, const u_char *text, size_t n)
{
    size_t              len;
    uint32_t            seed;
    uint64_t            count;
    argo_bpe_counter_t  counter;

    ngx_memzero(&counter, sizeof(argo_bpe_counter_t));

    counter.bpe = bpe;
    counter.pool = ngx_create_pool(4096, NULL);
    seed = (uint32_t) n + (n ? text[n / 2] : 0);

    while (n) {
        seed = seed * 1103515245 + 12345;
        len = (seed >> 16) % ((seed >> 30) ? 7 : 300) + 1;
        len = ngx_min(len, n);

        argo_bpe_add(&counter, text, len);

        text += len;
        n -= len;
    }

    count = argo_bpe_total(&counter);
    argo_bpe_end(&counter);

    if (counter.count != count) {
        count = (uint64_t) -1;
    }

    ngx_destroy_pool(counter.pool);

    return count;
}
