
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Byte-pair encoding over a table that is mapped as it is.
 *
 * The definition is: merge, again and again, the two neighbours in a piece
 * whose bytes together are the token of lowest number, the first of several.
 * What that leads to is found without doing it.  Two tokens can be
 * neighbours in a result only if they are the result of their own bytes
 * alone, and a row of tokens is the result if all neighbours in it can be;
 * so there is just one such row for each beginning of the piece.  It is
 * extended by the longest token that can follow, then by shorter ones, and
 * taken back where none can.  A place from which the end was not reached is
 * not tried again, so the work grows with the length alone.
 */


#include "argo_bpe.h"


/* kept text begins with this much memory */
#define ARGO_BPE_KEPT   1024

/* room that is left behind it: for one character */
#define ARGO_BPE_SPARE  4

#define ARGO_BPE_REPLACEMENT  "\xef\xbf\xbd"

/* names and words that are no tokens come again and again in a text */
#define ARGO_BPE_RECENT_BITS  11
#define ARGO_BPE_RECENT_LEN   16


typedef struct {
    ngx_str_t                   name;
    argo_bpe_split_pt           split;
    const argo_bpe_special_t   *specials;
} argo_bpe_encoding_t;


static const char *argo_bpe_check(const argo_bpe_header_t *h,
    const u_char *table, size_t size, const ngx_str_t *name);
static ngx_uint_t argo_bpe_check_sections(const argo_bpe_header_t *h);
static ngx_uint_t argo_bpe_check_section(const argo_bpe_header_t *h,
    uint64_t offset, uint64_t n, size_t size);
static void argo_bpe_add_valid(argo_bpe_counter_t *counter, const u_char *p,
    size_t n);
static const u_char *argo_bpe_keep(argo_bpe_counter_t *counter,
    const u_char *p, const u_char *end);
static ngx_int_t argo_bpe_grow(argo_bpe_counter_t *counter, size_t size);
static void argo_bpe_finish(argo_bpe_counter_t *counter);
static const u_char *argo_bpe_take(argo_bpe_counter_t *counter,
    const u_char *p, const u_char *end, ngx_uint_t final);
static size_t argo_bpe_piece(const argo_bpe_t *bpe, const u_char *p,
    size_t n, uint32_t *tokens, size_t room);
static size_t argo_bpe_short(const argo_bpe_t *bpe, const u_char *p,
    size_t n);
static uint32_t argo_bpe_lookup(const argo_bpe_t *bpe, const u_char *p,
    size_t n);
static size_t argo_bpe_merge(const argo_bpe_t *bpe, const u_char *p,
    size_t n);
static uint32_t argo_bpe_longest(const argo_bpe_t *bpe, const u_char *p,
    const u_char *end);
static ngx_uint_t argo_bpe_neighbours(const argo_bpe_t *bpe, uint32_t left,
    uint32_t right);
static uint32_t argo_bpe_pair(const argo_bpe_t *bpe, uint32_t left,
    uint32_t right);


#define argo_bpe_len(bpe, token)                                              \
    argo_bpe_info_len(&(bpe)->infos[token])
#define argo_bpe_text(bpe, token)                                             \
    ((bpe)->bytes + argo_bpe_info_at(&(bpe)->infos[token]))


static const argo_bpe_special_t  argo_bpe_cl100k_specials[] = {
    { 100257, ngx_string("<|endoftext|>") },
    { 100258, ngx_string("<|fim_prefix|>") },
    { 100259, ngx_string("<|fim_middle|>") },
    { 100260, ngx_string("<|fim_suffix|>") },
    { 100276, ngx_string("<|endofprompt|>") },
    { 0, ngx_null_string }
};


static const argo_bpe_special_t  argo_bpe_o200k_specials[] = {
    { 199999, ngx_string("<|endoftext|>") },
    { 200018, ngx_string("<|endofprompt|>") },
    { 0, ngx_null_string }
};


static const argo_bpe_encoding_t  argo_bpe_encodings[] = {
    { ngx_string("cl100k_base"), argo_bpe_split_cl100k,
      argo_bpe_cl100k_specials },
    { ngx_string("o200k_base"), argo_bpe_split_o200k,
      argo_bpe_o200k_specials },
    { ngx_null_string, NULL, NULL }
};


ngx_int_t
argo_bpe_open(argo_bpe_t *bpe, ngx_pool_t *pool, const ngx_str_t *name,
    const u_char *table, size_t size, const char **problem)
{
    const argo_bpe_header_t    *h;
    const argo_bpe_encoding_t  *encoding;

    for (encoding = argo_bpe_encodings; encoding->split; encoding++) {

        if (encoding->name.len == name->len
            && ngx_memcmp(encoding->name.data, name->data, name->len) == 0)
        {
            break;
        }
    }

    if (encoding->split == NULL) {
        *problem = "is a table of an encoding that is not known";
        return NGX_DECLINED;
    }

    h = (const argo_bpe_header_t *) (const void *) table;

    *problem = argo_bpe_check(h, table, size, name);

    if (*problem) {
        return NGX_DECLINED;
    }

    bpe->header = h;
    bpe->split = encoding->split;
    bpe->specials = encoding->specials;

    bpe->words = (const void *) (table + h->words);
    bpe->filter = (const void *) (table + h->filter);
    bpe->pairs = (const void *) (table + h->pairs);
    bpe->trie = (const void *) (table + h->trie);
    bpe->infos = (const void *) (table + h->infos);
    bpe->bytes = table + h->bytes;

    bpe->stack = ngx_palloc(pool, ARGO_BPE_MAX_PIECE * sizeof(uint32_t));
    bpe->dead = ngx_palloc(pool, (ARGO_BPE_MAX_PIECE / 64 + 1)
                                 * sizeof(uint64_t));

    bpe->recent = ngx_pcalloc(pool, sizeof(argo_bpe_recent_t)
                                    << ARGO_BPE_RECENT_BITS);

    return (bpe->stack && bpe->dead && bpe->recent) ? NGX_OK : NGX_ERROR;
}


static const char *
argo_bpe_check(const argo_bpe_header_t *h, const u_char *table, size_t size,
    const ngx_str_t *name)
{
    uint64_t           sum;
    argo_bpe_header_t  copy;

    if (size < sizeof(argo_bpe_header_t)
        || ngx_memcmp(h->magic, ARGO_BPE_MAGIC, sizeof(h->magic)) != 0)
    {
        return "is not a token table";
    }

    if (h->order != ARGO_BPE_ORDER) {
        return "was made on a machine with another byte order";
    }

    if (h->version != ARGO_BPE_VERSION) {
        return "was made by another version of the module";
    }

    if (h->size != size || (size & 7) != 0) {
        return "is not whole";
    }

    copy = *h;
    copy.checksum = 0;

    sum = argo_bpe_checksum(0, (u_char *) &copy, sizeof(copy));
    sum = argo_bpe_checksum(sum, table + sizeof(copy), size - sizeof(copy));

    if (sum != h->checksum || !argo_bpe_check_sections(h)) {
        return "is damaged";
    }

    if (name->len >= sizeof(h->name)
        || ngx_memcmp(h->name, name->data, name->len) != 0
        || h->name[name->len] != '\0')
    {
        return "is the table of another encoding";
    }

    return NULL;
}


/* A header that was made to deceive could pass all but this. */

static ngx_uint_t
argo_bpe_check_sections(const argo_bpe_header_t *h)
{
    if (h->tokens < 256 || h->tokens > ARGO_BPE_MAX_TOKENS
        || h->word_bits > 24 || h->word_bits == 0
        || h->pair_bits > 24 || h->pair_bits == 0
        || h->filter_bits > 30 || h->filter_bits < 6
        || h->nodes > h->size / sizeof(uint64_t))
    {
        return 0;
    }

    return argo_bpe_check_section(h, h->words, (uint64_t) 1 << h->word_bits,
                                  sizeof(argo_bpe_word_t))
           && argo_bpe_check_section(h, h->filter,
                                     (uint64_t) 1 << (h->filter_bits - 6),
                                     sizeof(uint64_t))
           && argo_bpe_check_section(h, h->pairs,
                                     (uint64_t) 1 << h->pair_bits,
                                     sizeof(uint64_t))
           && argo_bpe_check_section(h, h->trie, h->nodes, sizeof(uint64_t))
           && argo_bpe_check_section(h, h->infos, h->tokens,
                                     sizeof(argo_bpe_info_t))
           && argo_bpe_check_section(h, h->bytes, 0, 1);
}


static ngx_uint_t
argo_bpe_check_section(const argo_bpe_header_t *h, uint64_t offset,
    uint64_t n, size_t size)
{
    return (offset & 7) == 0 && offset <= h->size
           && n <= (h->size - offset) / size;
}


ngx_int_t
argo_bpe_decode(const argo_bpe_t *bpe, uint64_t token, ngx_str_t *bytes)
{
    const argo_bpe_special_t  *special;

    if (token < bpe->header->tokens) {
        bytes->data = (u_char *) argo_bpe_text(bpe, token);
        bytes->len = argo_bpe_len(bpe, token);
        return NGX_OK;
    }

    for (special = bpe->specials; special->token; special++) {

        if (special->token == token) {
            *bytes = special->text;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* Hands on what is valid, and U+FFFD for what is not. */

void
argo_bpe_add(argo_bpe_counter_t *counter, const u_char *p, size_t n)
{
    size_t         len;
    uint64_t       word;
    ngx_uint_t     valid;
    const u_char  *q, *end;

    end = p + n;

    while (counter->npart && p < end) {
        counter->part[counter->npart++] = *p++;

        if (argo_utf8_whole(counter->part, counter->npart) == 0) {
            continue;
        }

        (void) argo_utf8_next(counter->part, counter->npart, &valid);

        if (valid) {
            argo_bpe_add_valid(counter, counter->part, counter->npart);

        } else {
            argo_bpe_add_valid(counter, (u_char *) ARGO_BPE_REPLACEMENT, 3);
            /* it was not a part of what had been cut */
            p--;
        }

        counter->npart = 0;
    }

    q = p;

    while (q < end) {

        if (*q < 0x80) {
            q++;

            while (end - q >= 8) {
                ngx_memcpy(&word, q, 8);

                if (word & 0x8080808080808080ull) {
                    break;
                }

                q += 8;
            }

            continue;
        }

        len = argo_utf8_next(q, end - q, &valid);

        if (valid) {
            q += len;
            continue;
        }

        argo_bpe_add_valid(counter, p, q - p);

        if (argo_utf8_whole(q, end - q) == 0) {
            ngx_memcpy(counter->part, q, end - q);
            counter->npart = end - q;
            return;
        }

        argo_bpe_add_valid(counter, (u_char *) ARGO_BPE_REPLACEMENT, 3);

        q += len;
        p = q;
    }

    argo_bpe_add_valid(counter, p, q - p);
}


static void
argo_bpe_add_valid(argo_bpe_counter_t *counter, const u_char *p, size_t n)
{
    const u_char  *q, *end;

    end = p + n;

    while (p < end) {

        if (counter->len == 0) {
            p = argo_bpe_take(counter, p, end, 0);

            if (p == end) {
                return;
            }
        }

        q = argo_bpe_keep(counter, p, end);

        if (q == NULL) {
            argo_bpe_finish(counter);
            q = argo_bpe_take(counter, p, end, 1);
        }

        p = q;
    }
}


/*
 * Appends to what is kept, and takes the pieces in it once it is much.
 * Returns how far the text has been used, NULL if there is no memory.
 */

static const u_char *
argo_bpe_keep(argo_bpe_counter_t *counter, const u_char *p,
    const u_char *end)
{
    size_t         n, old, rest;
    const u_char  *q;

    n = end - p;
    old = counter->len;

    if (old == 0) {
        /* it has been looked at: a piece that the text does not end */

        if (argo_bpe_grow(counter, 2 * n) != NGX_OK) {
            return NULL;
        }

        ngx_memcpy(counter->kept, p, n);
        counter->len = n;

        return end;
    }

    if (counter->size - old < ARGO_BPE_SPARE) {
        return NULL;
    }

    if (n > counter->size - old) {
        n = argo_utf8_whole(p, counter->size - old);
    }

    ngx_memcpy(counter->kept + old, p, n);
    counter->len = old + n;

    if (counter->size - counter->len >= ARGO_BPE_SPARE) {
        return p + n;
    }

    q = argo_bpe_take(counter, counter->kept, counter->kept + counter->len,
                      0);
    rest = counter->kept + counter->len - q;

    if (rest <= n) {
        /* nothing old is left: go on where the text is */
        counter->len = 0;
        return p + n - rest;
    }

    ngx_memmove(counter->kept, q, rest);
    counter->len = rest;

    /* else a long piece would be looked at again and again */

    if (rest > counter->size / 2) {
        (void) argo_bpe_grow(counter, 2 * counter->size);
    }

    return p + n;
}


static ngx_int_t
argo_bpe_grow(argo_bpe_counter_t *counter, size_t size)
{
    u_char  *p;

    /* take() leaves at most a longest piece */

    size = ngx_max(size, ARGO_BPE_KEPT);
    size = ngx_min(size, ARGO_BPE_MAX_PIECE + 2 * ARGO_BPE_SPARE);

    if (size <= counter->size) {
        return NGX_OK;
    }

    p = ngx_pnalloc(counter->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (counter->len) {
        ngx_memcpy(p, counter->kept, counter->len);
    }

    if (counter->kept) {
        (void) ngx_pfree(counter->pool, counter->kept);
    }

    counter->kept = p;
    counter->size = size;

    return NGX_OK;
}


void
argo_bpe_end(argo_bpe_counter_t *counter)
{
    if (counter->npart) {
        counter->npart = 0;
        argo_bpe_add_valid(counter, (u_char *) ARGO_BPE_REPLACEMENT, 3);
    }

    argo_bpe_finish(counter);
}


/* Takes what is kept as if the text ended there. */

static void
argo_bpe_finish(argo_bpe_counter_t *counter)
{
    if (counter->len) {
        (void) argo_bpe_take(counter, counter->kept,
                             counter->kept + counter->len, 1);
        counter->len = 0;
    }
}


uint64_t
argo_bpe_total(const argo_bpe_counter_t *counter)
{
    argo_bpe_counter_t  copy;

    copy = *counter;
    copy.tokens = NULL;

    if (copy.npart && copy.size - copy.len >= 3) {
        /* behind what is kept there is nothing */
        ngx_memcpy(copy.kept + copy.len, ARGO_BPE_REPLACEMENT, 3);
        copy.len += 3;
        copy.npart = 0;
    }

    argo_bpe_finish(&copy);

    if (copy.npart) {
        (void) argo_bpe_take(&copy, (u_char *) ARGO_BPE_REPLACEMENT,
                             (u_char *) ARGO_BPE_REPLACEMENT + 3, 1);
    }

    return copy.count;
}


/* Counts the pieces from p on; returns where the first unfinished one is. */

static const u_char *
argo_bpe_take(argo_bpe_counter_t *counter, const u_char *p,
    const u_char *end, ngx_uint_t final)
{
    size_t             n, used;
    ngx_uint_t         last;
    const u_char      *stop;
    const argo_bpe_t  *bpe;

    bpe = counter->bpe;

    while (p < end) {
        stop = end;
        last = final;

        if (end - p > ARGO_BPE_MAX_PIECE) {
            stop = p + argo_utf8_whole(p, ARGO_BPE_MAX_PIECE);
            last = 1;
        }

        n = bpe->split(p, stop, last);

        if (n == 0) {
            break;
        }

        if (counter->tokens == NULL) {
            counter->count += argo_bpe_piece(bpe, p, n, NULL, 0);

        } else {
            used = ngx_min(counter->room, counter->count);
            counter->count += argo_bpe_piece(bpe, p, n,
                                             counter->tokens + used,
                                             counter->room - used);
        }

        p += n;
    }

    return p;
}


/* Returns how many tokens a piece is, and puts as many as have room. */

static size_t
argo_bpe_piece(const argo_bpe_t *bpe, const u_char *p, size_t n,
    uint32_t *tokens, size_t room)
{
    uint32_t  token;

    token = argo_bpe_lookup(bpe, p, n);

    if (token != ARGO_BPE_NONE) {

        if (room) {
            tokens[0] = token;
        }

        return 1;
    }

    if (tokens == NULL && n <= ARGO_BPE_RECENT_LEN) {
        return argo_bpe_short(bpe, p, n);
    }

    n = argo_bpe_merge(bpe, p, n);

    if (room) {
        ngx_memcpy(tokens, bpe->stack, ngx_min(n, room) * sizeof(uint32_t));
    }

    return n;
}


static size_t
argo_bpe_short(const argo_bpe_t *bpe, const u_char *p, size_t n)
{
    uint64_t            first, last, hash;
    argo_bpe_recent_t  *recent;

    /* both overlap in what has between 8 and 16 bytes */

    first = argo_bpe_load(p, ngx_min(n, 8));
    last = (n > 8) ? argo_bpe_load(p + n - 8, 8) : 0;

    hash = argo_bpe_pair_hash(first ^ argo_bpe_pair_hash(last + n));
    recent = &bpe->recent[argo_bpe_pair_slot(hash, ARGO_BPE_RECENT_BITS)];

    if (recent->first != first || recent->last != last || recent->len != n) {
        recent->first = first;
        recent->last = last;
        recent->len = n;
        recent->count = argo_bpe_merge(bpe, p, n);
    }

    return recent->count;
}


/* The token that a piece is as a whole. */

static ngx_inline uint32_t
argo_bpe_lookup(const argo_bpe_t *bpe, const u_char *p, size_t n)
{
    uint64_t                key, slot;
    const argo_bpe_word_t  *word;

    if (n > bpe->header->longest) {
        return ARGO_BPE_NONE;
    }

    key = argo_bpe_word_key(p, n);
    slot = argo_bpe_word_slot(key, n, bpe->header->word_bits);

    for ( ;; ) {
        word = &bpe->words[slot];

        if (word->key == key && word->len == n
            && (n <= 8
                || ngx_memcmp(argo_bpe_text(bpe, word->token), p, n) == 0))
        {
            return word->token;
        }

        if (word->len == 0) {
            return ARGO_BPE_NONE;
        }

        slot = (slot + 1) & (((uint64_t) 1 << bpe->header->word_bits) - 1);
    }
}


/* Leaves the tokens of a piece in bpe->stack; returns how many. */

static size_t
argo_bpe_merge(const argo_bpe_t *bpe, const u_char *p, size_t n)
{
    size_t     at, next, depth;
    uint32_t   token, *stack;
    uint64_t  *dead;

    stack = bpe->stack;
    dead = bpe->dead;

    ngx_memzero(dead, (n / 64 + 1) * sizeof(uint64_t));

    at = 0;
    depth = 0;
    token = argo_bpe_longest(bpe, p, p + n);

    for ( ;; ) {
        next = at + argo_bpe_len(bpe, token);

        if (!(dead[next / 64] >> (next % 64) & 1)
            && (depth == 0
                || argo_bpe_neighbours(bpe, stack[depth - 1], token)))
        {
            stack[depth++] = token;
            at = next;

            if (at == n) {
                return depth;
            }

            token = argo_bpe_longest(bpe, p + at, p + n);
            continue;
        }

        token = bpe->infos[token].shorter;

        while (token == ARGO_BPE_NONE) {

            if (depth == 0) {
                /* no table that was made right leads here */
                return n;
            }

            dead[at / 64] |= (uint64_t) 1 << (at % 64);

            token = stack[--depth];
            at -= argo_bpe_len(bpe, token);
            token = bpe->infos[token].shorter;
        }
    }
}


/* The longest token that the text begins with. */

static ngx_inline uint32_t
argo_bpe_longest(const argo_bpe_t *bpe, const u_char *p, const u_char *end)
{
    uint32_t  base, found;
    uint64_t  node;

    base = ARGO_BPE_ROOT;
    found = 0;

    do {
        node = bpe->trie[base ^ *p];

        if (argo_bpe_node_label(node) != *p) {
            break;
        }

        if (argo_bpe_node_token(node)) {
            found = argo_bpe_node_token(node);
        }

        base = argo_bpe_node_base(node);

    } while (base && ++p < end);

    return found - 1;
}


/*
 * Whether left and right, side by side, stay as they are.  Looks at what
 * stood on both sides of the border between them, from now back to when
 * each was a single byte, undoing the merge that was made last: at no time
 * may it have been the turn of the two at the border.
 */

static ngx_uint_t
argo_bpe_neighbours(const argo_bpe_t *bpe, uint32_t left, uint32_t right)
{
    uint32_t  limit;

    limit = ARGO_BPE_NONE;

    for ( ;; ) {

        if (argo_bpe_pair(bpe, left, right) < limit) {
            return 0;
        }

        /*
         * of two equal merges the left one was made first: undo the right
         * one, before which an equal one at the border would have come
         */

        if (left > right) {
            if (left < 256) {
                return 1;
            }

            limit = left;
            left = bpe->infos[left].right;

        } else {
            if (right < 256) {
                return 1;
            }

            limit = right + 1;
            right = bpe->infos[right].left;
        }
    }
}


/* What two tokens are merged to. */

static ngx_inline uint32_t
argo_bpe_pair(const argo_bpe_t *bpe, uint32_t left, uint32_t right)
{
    uint64_t  key, hash, slot, pair;

    key = argo_bpe_pair_key(left, right);
    hash = argo_bpe_pair_hash(key);

    slot = argo_bpe_pair_slot(hash, bpe->header->filter_bits);

    if (!(bpe->filter[slot / 64] >> (slot % 64) & 1)) {
        return ARGO_BPE_NONE;
    }

    slot = argo_bpe_pair_slot(hash, bpe->header->pair_bits);

    for ( ;; ) {
        pair = bpe->pairs[slot];

        if (pair == 0) {
            return ARGO_BPE_NONE;
        }

        if (pair >> ARGO_BPE_TOKEN_BITS == key) {
            return pair & ARGO_BPE_TOKEN_MASK;
        }

        slot = (slot + 1) & (((uint64_t) 1 << bpe->header->pair_bits) - 1);
    }
}
