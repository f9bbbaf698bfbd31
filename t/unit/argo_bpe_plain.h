
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Byte-pair encoding as its definition says it, slowly; and the token table
 * of a build.
 */


#ifndef _ARGO_BPE_PLAIN_H_INCLUDED_
#define _ARGO_BPE_PLAIN_H_INCLUDED_


#include "argo_bpe.h"

#include <stdio.h>
#include <stdlib.h>


#define PLAIN_SLOTS      (1 << 20)
#define PLAIN_MAX_PIECE  1024


typedef struct {
    argo_bpe_t   bpe;
    u_char      *table;
    size_t       size;
    uint32_t    *slots;             /* token + 1, by a hash of its bytes */
} plain_t;


static inline uint32_t
plain_hash(const u_char *p, size_t n)
{
    uint32_t  hash;

    for (hash = 2166136261u; n; n--) {
        hash = (hash ^ *p++) * 16777619u;
    }

    return (hash ^ hash >> 15) % PLAIN_SLOTS;
}


/* The token that n bytes are, or ARGO_BPE_NONE. */

static inline uint32_t
plain_find(const plain_t *plain, const u_char *p, size_t n)
{
    uint32_t   slot;
    ngx_str_t  bytes;

    slot = plain_hash(p, n);

    while (plain->slots[slot]) {

        if (argo_bpe_decode(&plain->bpe, plain->slots[slot] - 1, &bytes)
            == NGX_OK
            && bytes.len == n && ngx_memcmp(bytes.data, p, n) == 0)
        {
            return plain->slots[slot] - 1;
        }

        slot = (slot + 1) % PLAIN_SLOTS;
    }

    return ARGO_BPE_NONE;
}


/* Encodes one piece of at most PLAIN_MAX_PIECE bytes. */

static inline size_t
plain_encode(const plain_t *plain, const u_char *p, size_t n,
    uint32_t *tokens)
{
    size_t    i, parts, best, at[PLAIN_MAX_PIECE + 1];
    uint32_t  token, lowest;

    tokens[0] = plain_find(plain, p, n);

    if (tokens[0] != ARGO_BPE_NONE) {
        return 1;
    }

    for (i = 0; i <= n; i++) {
        at[i] = i;
    }

    parts = n;

    for ( ;; ) {
        lowest = ARGO_BPE_NONE;
        best = 0;

        for (i = 0; i + 2 <= parts; i++) {
            token = plain_find(plain, p + at[i], at[i + 2] - at[i]);

            if (token < lowest) {
                lowest = token;
                best = i;
            }
        }

        if (lowest == ARGO_BPE_NONE) {
            break;
        }

        for (i = best + 1; i < parts; i++) {
            at[i] = at[i + 1];
        }

        parts--;
    }

    for (i = 0; i < parts; i++) {
        tokens[i] = plain_find(plain, p + at[i], at[i + 1] - at[i]);
    }

    return parts;
}


/* Reads a table of the build in ARGO_BUILD_DIR; 0 if there is none. */

static inline int
plain_open(plain_t *plain, ngx_pool_t *pool, const char *name)
{
    int          rc;
    char         path[1024];
    FILE        *f;
    uint32_t     i, slot;
    ngx_str_t    s, bytes;
    const char  *dir, *problem;

    dir = getenv("ARGO_BUILD_DIR");

    (void) snprintf(path, sizeof(path), "%s/%s.argo", dir ? dir : "..",
                    name);

    f = fopen(path, "rb");
    if (f == NULL) {
        return 0;
    }

    (void) fseek(f, 0, SEEK_END);
    plain->size = ftell(f);
    rewind(f);

    plain->table = malloc(plain->size);
    plain->slots = calloc(PLAIN_SLOTS, sizeof(uint32_t));

    if (plain->table == NULL || plain->slots == NULL
        || fread(plain->table, 1, plain->size, f) != plain->size)
    {
        abort();
    }

    (void) fclose(f);

    s.data = (u_char *) name;
    s.len = strlen(name);

    rc = argo_bpe_open(&plain->bpe, pool, &s, plain->table, plain->size,
                       &problem);
    if (rc != NGX_OK) {
        fprintf(stderr, "%s %s\n", path, problem);
        abort();
    }

    for (i = 0; argo_bpe_decode(&plain->bpe, i, &bytes) == NGX_OK; i++) {

        slot = plain_hash(bytes.data, bytes.len);

        while (plain->slots[slot]) {
            slot = (slot + 1) % PLAIN_SLOTS;
        }

        plain->slots[slot] = i + 1;
    }

    return 1;
}


static inline void
plain_close(plain_t *plain)
{
    free(plain->table);
    free(plain->slots);
}


#endif /* _ARGO_BPE_PLAIN_H_INCLUDED_ */
