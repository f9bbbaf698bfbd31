
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * argo_bpe.h: a sample of what the reference implementation makes of texts,
 * the definition done slowly, and files that are no tables.
 */


#include "argo_test.h"
#include "argo_bpe_plain.h"


static const char * const  test_names[] = { "cl100k_base", "o200k_base" };


static uint64_t
test_count(const argo_bpe_t *bpe, ngx_pool_t *pool, const u_char *p,
    size_t n, size_t step)
{
    size_t              i;
    argo_bpe_counter_t  counter;

    ngx_memzero(&counter, sizeof(argo_bpe_counter_t));
    counter.bpe = bpe;
    counter.pool = pool;

    for (i = 0; i < n; i += step) {
        argo_bpe_add(&counter, p + i, ngx_min(step, n - i));
    }

    return argo_bpe_total(&counter);
}


static size_t
test_unhex(const char *hex, u_char *out)
{
    size_t        n;
    unsigned int  byte;

    for (n = 0; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++) {
        out[n] = (u_char) byte;
    }

    return n;
}


static size_t
test_numbers(char *list, uint32_t *numbers)
{
    char    *p;
    size_t   n;

    n = 0;

    for (p = strtok(list, ","); p && *p != '-'; p = strtok(NULL, ",")) {
        numbers[n++] = (uint32_t) strtoul(p, NULL, 10);
    }

    return n;
}


static void
test_text(plain_t *plain, ngx_pool_t *pool, const u_char *text, size_t n,
    const uint32_t *expected, size_t count, ngx_uint_t line)
{
    size_t              step;
    uint32_t            tokens[8192];
    ngx_str_t           copy;
    argo_bpe_counter_t  counter;

    static const size_t  steps[] = { 1, 2, 3, 7, 64, 1000 };

    copy = test_copy(text, n);

    ngx_memzero(&counter, sizeof(argo_bpe_counter_t));
    counter.bpe = &plain->bpe;
    counter.pool = pool;
    counter.tokens = tokens;
    counter.room = sizeof(tokens) / sizeof(uint32_t);

    argo_bpe_add(&counter, copy.data, n);
    argo_bpe_end(&counter);

    is_mem(tokens, counter.count * sizeof(uint32_t), expected,
           count * sizeof(uint32_t), "%s, tokens of line %d",
           plain->bpe.header->name, (int) line);

    for (step = 0; step < sizeof(steps) / sizeof(size_t); step++) {

        if (test_count(&plain->bpe, pool, copy.data, n, steps[step])
            != count)
        {
            break;
        }
    }

    is(step, sizeof(steps) / sizeof(size_t), "%s, line %d cut",
       plain->bpe.header->name, (int) line);

    test_free(&copy);
}


static void
test_sample(plain_t *plain)
{
    int          i;
    char        *line, *parts[3];
    FILE        *f;
    size_t       n, room, count;
    u_char      *text;
    uint32_t    *expected;
    ngx_uint_t   number;
    ngx_pool_t  *pool;

    f = fopen("t/fixtures/tokens/sample.txt", "r");

    if (!ok(f != NULL, "sample")) {
        return;
    }

    line = NULL;
    room = 0;
    number = 0;
    text = malloc(4096);
    expected = malloc(8192 * sizeof(uint32_t));

    while (getline(&line, &room, f) > 0) {
        number++;

        parts[0] = line;

        for (i = 1; i < 3; i++) {
            parts[i] = strchr(parts[i - 1], ' ');
            *parts[i]++ = '\0';
        }

        n = test_unhex(parts[0], text);
        pool = test_pool();

        for (i = 0; i < 2; i++) {
            count = test_numbers(parts[i + 1], expected);
            test_text(&plain[i], pool, text, n, expected, count, number);
        }

        ngx_destroy_pool(pool);
    }

    ok(number > 500, "size of the sample");

    free(line);
    free(text);
    free(expected);
    (void) fclose(f);
}


/* Pieces of random bytes of an alphabet, against the definition. */

static void
test_definition(plain_t *plain)
{
    size_t               n, i, j, count;
    u_char               text[PLAIN_MAX_PIECE];
    uint32_t             seed, tokens[PLAIN_MAX_PIECE];
    ngx_uint_t           wrong;
    ngx_pool_t          *pool;

    static const char * const  alphabets[] = {
        "a", "ab", "etaoinsh", "abcdefghijklmnopqrstuvwxyz", "=-", " ", "A"
    };

    pool = test_pool();
    seed = 1;
    wrong = 0;

    for (i = 0; i < 2000; i++) {

        seed = seed * 1664525 + 1013904223;
        n = (seed >> 8) % ((i % 20) ? 40 : PLAIN_MAX_PIECE) + 1;

        for (j = 0; j < n; j++) {
            seed = seed * 1664525 + 1013904223;
            text[j] = alphabets[i % 7][(seed >> 10)
                                       % strlen(alphabets[i % 7])];
        }

        if (plain->bpe.split(text, text + n, 1) != n) {
            wrong++;
            continue;
        }

        count = plain_encode(plain, text, n, tokens);

        if (test_count(&plain->bpe, pool, text, n, n) != count) {
            wrong++;
        }
    }

    is(wrong, 0, "%s, as defined", plain->bpe.header->name);

    ngx_destroy_pool(pool);
}


/* What must neither take long nor be wrong: the same thing, often. */

static void
test_long(plain_t *plain)
{
    u_char      *text;
    size_t       i, j, n, size, rest;
    uint64_t     parts;
    ngx_pool_t  *pool;

    static const char * const  units[] = {
        "a", "=", "\xe5\xad\x97", "\xd0\xb6", "ab", "-="
    };

    size = 300000;
    text = malloc(size + 8);

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        pool = test_pool();
        n = strlen(units[i]);

        for (j = 0; j < size; j += n) {
            ngx_memcpy(text + j, units[i], n);
        }

        /* documented: cut behind the last whole character that has room */

        n = argo_utf8_whole(text, ARGO_BPE_MAX_PIECE);
        rest = j % n;
        parts = test_count(&plain->bpe, pool, text, n, n) * (j / n)
                + test_count(&plain->bpe, pool, text, rest, rest);

        is(test_count(&plain->bpe, pool, text, j, j), parts,
           "%s, long, \"%s\"", plain->bpe.header->name, units[i]);
        is(test_count(&plain->bpe, pool, text, j, 1000), parts,
           "%s, long, \"%s\", cut", plain->bpe.header->name, units[i]);
        is(test_count(&plain->bpe, pool, text, j, 70001), parts,
           "%s, long, \"%s\", cut seldom", plain->bpe.header->name,
           units[i]);

        ngx_destroy_pool(pool);
    }

    free(text);
}


/* White space is looked at up to its end before it is known what it is. */

static void
test_blanks(plain_t *plain)
{
    u_char      *text;
    size_t       i, size;
    uint64_t     count;
    ngx_pool_t  *pool;

    size = 200000;
    text = malloc(size);
    pool = test_pool();

    for (i = 0; i < 4; i++) {
        memset(text, ' ', size);

        if (i & 1) {
            text[10] = '\n';
        }

        if (i & 2) {
            text[size - 1] = 'x';
            text[70000] = '\n';
        }

        count = test_count(&plain->bpe, pool, text, size, size);

        ok(count > size / 200, "%s, blanks", plain->bpe.header->name);
        is(test_count(&plain->bpe, pool, text, size, 999), count,
           "%s, blanks, cut", plain->bpe.header->name);
    }

    ngx_destroy_pool(pool);
    free(text);
}


static void
test_texts(plain_t *plain)
{
    ngx_pool_t          *pool;
    argo_bpe_counter_t   counter;

    pool = test_pool();
    ngx_memzero(&counter, sizeof(argo_bpe_counter_t));
    counter.bpe = &plain->bpe;
    counter.pool = pool;

    is(argo_bpe_total(&counter), 0, "no text");
    argo_bpe_end(&counter);
    is(argo_bpe_total(&counter), 0, "no text, ended");

    argo_bpe_add(&counter, (u_char *) "hel", 3);
    argo_bpe_add(&counter, (u_char *) "lo", 2);
    is(argo_bpe_total(&counter), 1, "a word in two parts");
    argo_bpe_end(&counter);
    argo_bpe_add(&counter, (u_char *) "hello", 5);
    is(argo_bpe_total(&counter), 2, "another text");

    /* an unfinished character is one U+FFFD, which is not final */

    argo_bpe_end(&counter);
    argo_bpe_add(&counter, (u_char *) "\xe5\xad", 2);
    is(argo_bpe_total(&counter), 3, "a character without its end");
    argo_bpe_add(&counter, (u_char *) "\x97", 1);
    is(argo_bpe_total(&counter), 3, "and with it");

    ngx_destroy_pool(pool);
}


static void
test_no_memory(plain_t *plain)
{
    u_char      *text;
    uint64_t     count;
    ngx_uint_t   i;
    ngx_pool_t  *pool;

    text = malloc(200000);
    memset(text, 'a', 200000);

    for (i = 1; i < 20; i++) {
        pool = test_pool();

        ngx_shim_fail(i);
        count = test_count(&plain->bpe, pool, text, 200000, 700);
        ngx_shim_fail(0);

        ok(count >= 25000 && count < 26000, "no memory, allocation %d",
           (int) i);

        ngx_destroy_pool(pool);
    }

    free(text);
}


static void
test_decode(plain_t *plain, uint64_t special)
{
    ngx_str_t  bytes;

    is(argo_bpe_decode(&plain->bpe, special, &bytes), NGX_OK, "special");
    is_str(&bytes, "<|endoftext|>", "text of a special token");

    is(argo_bpe_decode(&plain->bpe, plain->bpe.header->tokens, &bytes),
       NGX_DECLINED, "number between");
    is(argo_bpe_decode(&plain->bpe, (uint64_t) -1, &bytes), NGX_DECLINED,
       "number too large");
    is(argo_bpe_decode(&plain->bpe, 0, &bytes), NGX_OK, "first token");
    is_str(&bytes, "!", "text of the first token");
}


static void
test_open(const u_char *table, size_t size, const char *name,
    const char *problem, const char *title)
{
    ngx_int_t    rc;
    ngx_str_t    s;
    argo_bpe_t   bpe;
    ngx_pool_t  *pool;
    const char  *got;

    pool = test_pool();
    s.data = (u_char *) name;
    s.len = strlen(name);
    got = "";

    rc = argo_bpe_open(&bpe, pool, &s, table, size, &got);

    is(rc, NGX_DECLINED, "%s", title);
    is_mem(got, strlen(got), problem, strlen(problem), "%s, why", title);

    ngx_destroy_pool(pool);
}


static void
test_wrong_tables(plain_t *plain)
{
    size_t              i;
    u_char             *table;
    argo_bpe_header_t  *h;

    table = plain->table;
    h = (argo_bpe_header_t *) (void *) table;

    test_open(table, 0, "cl100k_base", "is not a token table", "no bytes");
    test_open(table, sizeof(argo_bpe_header_t) - 8, "cl100k_base",
              "is not a token table", "a part of the header");
    test_open(table, sizeof(argo_bpe_header_t), "cl100k_base",
              "is not whole", "the header");
    test_open(table, plain->size - 8, "cl100k_base", "is not whole",
              "all but the end");
    test_open(table, plain->size, "o200k_base",
              "is the table of another encoding", "another encoding");
    test_open(table, plain->size, "p50k_base",
              "is a table of an encoding that is not known",
              "an unknown encoding");

    h->order = 0x04030201;
    test_open(table, plain->size, "cl100k_base",
              "was made on a machine with another byte order", "byte order");
    h->order = ARGO_BPE_ORDER;

    h->version++;
    test_open(table, plain->size, "cl100k_base",
              "was made by another version of the module", "version");
    h->version--;

    for (i = offsetof(argo_bpe_header_t, checksum); i < plain->size;
         i += (i < sizeof(argo_bpe_header_t)) ? 1 : plain->size / 7)
    {
        table[i] ^= 0x40;
        test_open(table, plain->size, "cl100k_base", "is damaged",
                  "a byte was changed");
        table[i] ^= 0x40;
    }

    table[0] ^= 1;
    test_open(table, plain->size, "cl100k_base", "is not a token table",
              "magic");
    table[0] ^= 1;

    /* the right sum of a wrong header */

    h->trie = h->size - 8;
    h->checksum = 0;
    h->checksum = argo_bpe_checksum(0, table, plain->size);
    test_open(table, plain->size, "cl100k_base", "is damaged",
              "a section that leaves the file");
}


int
main(void)
{
    int          i;
    plain_t      plain[2];
    ngx_pool_t  *pool;

    pool = test_pool();

    for (i = 0; i < 2; i++) {

        if (!plain_open(&plain[i], pool, test_names[i])) {
            printf("1..0 # SKIP no token tables\n");

            while (i--) {
                plain_close(&plain[i]);
            }

            ngx_destroy_pool(pool);

            return 0;
        }
    }

    test_sample(plain);

    for (i = 0; i < 2; i++) {
        test_definition(&plain[i]);
        test_long(&plain[i]);
        test_blanks(&plain[i]);
        test_texts(&plain[i]);
    }

    test_no_memory(&plain[0]);
    test_decode(&plain[0], 100257);
    test_decode(&plain[1], 199999);
    test_wrong_tables(&plain[0]);

    for (i = 0; i < 2; i++) {
        plain_close(&plain[i]);
    }

    ngx_destroy_pool(pool);

    return done();
}
