
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Any bytes as a text to count, the first of them saying in which encoding
 * and where it is cut.  What must hold:
 *
 *     however the text is cut, it is the same number of tokens
 *     the tokens stand for the text, with U+FFFD for what is no UTF-8
 *     each piece has the tokens that the definition gives it
 *     a piece that is found before the text ends is the one found then
 */


#include "ngx_shim.h"
#include "argo_bpe_plain.h"


#define FUZZ_CHECK(condition)                                                 \
    if (!(condition)) {                                                       \
        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);       \
        abort();                                                              \
    }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* UTF-8 with U+FFFD for what is none; there is room for three times n */

static size_t
fuzz_repair(const u_char *p, size_t n, u_char *out)
{
    size_t      len;
    u_char     *start;
    ngx_uint_t  valid;

    start = out;

    while (n) {
        len = argo_utf8_next(p, n, &valid);

        if (valid) {
            ngx_memcpy(out, p, len);
            out += len;

        } else {
            ngx_memcpy(out, "\xef\xbf\xbd", 3);
            out += 3;
        }

        p += len;
        n -= len;
    }

    return out - start;
}


static void
fuzz_pieces(const plain_t *plain, const u_char *p, const u_char *end,
    const uint32_t *tokens, size_t count)
{
    size_t         i, n, len, early, expected;
    uint32_t       plainly[PLAIN_MAX_PIECE];
    const u_char  *stop;

    i = 0;

    while (p < end) {
        stop = (end - p > ARGO_BPE_MAX_PIECE)
               ? p + argo_utf8_whole(p, ARGO_BPE_MAX_PIECE) : end;

        len = plain->bpe.split(p, stop, 1);
        FUZZ_CHECK(len > 0 && len <= (size_t) (stop - p));
        FUZZ_CHECK(argo_utf8_whole(p, len) == len);

        early = argo_utf8_whole(p, ngx_min((size_t) (stop - p), len + 4));

        n = plain->bpe.split(p, p + early, 0);
        FUZZ_CHECK(n == 0 || n == len);

        if (len > PLAIN_MAX_PIECE) {
            return;
        }

        expected = plain_encode(plain, p, len, plainly);

        FUZZ_CHECK(i + expected <= count);
        FUZZ_CHECK(ngx_memcmp(plainly, &tokens[i],
                              expected * sizeof(uint32_t)) == 0);

        i += expected;
        p += len;
    }

    FUZZ_CHECK(i == count);
}


static void
fuzz_text(const plain_t *plain, ngx_uint_t seed, const u_char *p, size_t n)
{
    size_t               i, len, room, count;
    u_char              *text, *decoded;
    uint32_t            *tokens;
    ngx_str_t            bytes;
    ngx_pool_t          *pool;
    argo_bpe_counter_t   whole, cut;

    room = 3 * n + 1;
    pool = ngx_create_pool(4096, NULL);
    text = malloc(room);
    tokens = malloc(room * sizeof(uint32_t));
    FUZZ_CHECK(pool && text && tokens);

    ngx_memzero(&whole, sizeof(argo_bpe_counter_t));
    whole.bpe = &plain->bpe;
    whole.pool = pool;
    cut = whole;
    whole.tokens = tokens;
    whole.room = room;

    argo_bpe_add(&whole, p, n);
    argo_bpe_end(&whole);
    count = whole.count;
    FUZZ_CHECK(count <= room);

    for (i = 0; i < n; i += len) {
        seed = seed * 1103515245 + 12345;
        len = (seed >> 16) % ((seed >> 24 & 3) ? 9 : 1500) + 1;
        len = ngx_min(len, n - i);

        argo_bpe_add(&cut, p + i, len);

        if (seed >> 28 & 1) {
            (void) argo_bpe_total(&cut);
        }
    }

    FUZZ_CHECK(argo_bpe_total(&cut) == count);
    argo_bpe_end(&cut);
    FUZZ_CHECK(cut.count == count && argo_bpe_total(&cut) == count);

    n = fuzz_repair(p, n, text);
    decoded = text;

    for (i = 0; i < count; i++) {
        FUZZ_CHECK(argo_bpe_decode(&plain->bpe, tokens[i], &bytes)
                   == NGX_OK);
        FUZZ_CHECK(bytes.len <= n - (decoded - text));
        FUZZ_CHECK(ngx_memcmp(decoded, bytes.data, bytes.len) == 0);
        decoded += bytes.len;
    }

    FUZZ_CHECK((size_t) (decoded - text) == n);

    fuzz_pieces(plain, text, text + n, tokens, count);

    free(tokens);
    free(text);
    ngx_destroy_pool(pool);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char            *copy;
    static plain_t     plain[2];
    static ngx_pool_t  *pool;
    static int         found;

    if (pool == NULL) {
        pool = ngx_create_pool(4096, NULL);
        found = plain_open(&plain[0], pool, "cl100k_base")
                && plain_open(&plain[1], pool, "o200k_base");

        if (!found) {
            fprintf(stderr, "no token tables: nothing is tested\n");
        }
    }

    if (!found || size == 0) {
        return 0;
    }

    /* so that reading beside the text is seen */

    copy = malloc(size);
    FUZZ_CHECK(copy);
    ngx_memcpy(copy, data, size);

    fuzz_text(&plain[copy[0] & 1], copy[0], copy + 1, size - 1);

    free(copy);

    return 0;
}
