
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Usage: make-tokens name ranks table
 *
 * Compiles a rank file (a line for each token: its bytes in base64, its
 * rank) into the table that argo_bpe_table.h describes.
 */


#include "argo_bpe_table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


#define MAX_LEN  256                /* bytes of a token */

#define ROOM     (16 * 1024 * 1024) /* entries of a trie */


/* an inner node of the trie: sorted[low, high) begin with it, and go on */

typedef struct {
    uint32_t             id;
    uint32_t             parent;
    uint32_t             low;
    uint32_t             high;
    uint32_t             rank;      /* lowest of these */
    uint32_t             depth;
    uint32_t             token;     /* that ends here, + 1 */
    unsigned char        label;
} node_t;


typedef struct {
    argo_bpe_header_t    header;

    unsigned char       *bytes;
    uint32_t            *offsets;
    uint32_t             tokens;

    argo_bpe_word_t     *words;
    uint64_t            *pairs;
    uint64_t            *filter;
    argo_bpe_info_t     *infos;

    uint32_t            *sorted;    /* tokens that can be merged, by bytes */
    uint32_t             nsorted;
    node_t              *inner;     /* nodes with children */
    uint32_t             ninner;
    uint32_t            *bases;     /* of them, by id */
    uint64_t            *trie;
    uint32_t             nodes;
    uint32_t             first;     /* no entry before it is free */
    unsigned char       *based;     /* this base has been given to a node */
} maker_t;


static maker_t  maker;


static void fail(const char *format, ...)
    __attribute__((noreturn, format(printf, 1, 2)));
static void *reserve(size_t n, size_t size);
static void read_ranks(const char *path);
static uint32_t add_rank(const char *line, uint32_t *used);
static int decode_base64(const char **p, unsigned char *out);
static void make_words(void);
static uint32_t find_word(const unsigned char *p, size_t n);
static void make_merges(void);
static int merge(uint32_t token, argo_bpe_info_t *info);
static void add_pair(uint32_t token);
static void make_shorter(void);
static void make_trie(void);
static int by_bytes(const void *one, const void *two);
static void collect(uint32_t parent, uint32_t low, uint32_t high,
    uint32_t depth, uint32_t token, unsigned char label);
static int by_rank(const void *one, const void *two);
static void place(const node_t *node);
static uint32_t find_base(const unsigned char *labels, int n);
static void write_table(const char *path);
static void write_section(FILE *f, const void *p, size_t n,
    uint64_t *offset);


#define token_bytes(token)  (maker.bytes + maker.offsets[token])
#define token_len(token)                                                      \
    (maker.offsets[(token) + 1] - maker.offsets[token])


int
main(int argc, char **argv)
{
    uint32_t  i;

    if (argc != 4 || strlen(argv[1]) >= sizeof(maker.header.name)) {
        fprintf(stderr, "usage: make-tokens name ranks table\n");
        return 2;
    }

    strcpy(maker.header.name, argv[1]);

    read_ranks(argv[2]);

    for (i = 0; i < 256; i++) {
        if (token_len(i) != 1) {
            fail("%s: token %u is not a single byte", argv[2], i);
        }
    }

    make_words();
    make_merges();
    make_shorter();
    make_trie();
    write_table(argv[3]);

    return 0;
}


static void
fail(const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    fprintf(stderr, "make-tokens: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);

    exit(1);
}


static void *
reserve(size_t n, size_t size)
{
    void  *p;

    p = calloc(n, size);
    if (p == NULL) {
        fail("no memory");
    }

    return p;
}


static void
read_ranks(const char *path)
{
    char       line[2 * MAX_LEN];
    FILE      *f;
    long       size;
    uint32_t   used;

    f = fopen(path, "r");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        fail("can't read %s", path);
    }

    size = ftell(f);
    rewind(f);

    maker.bytes = reserve(size + 8, 1);
    maker.offsets = reserve(ARGO_BPE_MAX_TOKENS + 1, sizeof(uint32_t));
    used = 0;

    while (fgets(line, sizeof(line), f)) {

        if (maker.tokens == ARGO_BPE_MAX_TOKENS) {
            fail("%s: too many tokens", path);
        }

        if (add_rank(line, &used) != maker.tokens) {
            fail("%s:%u: not the rank that is next", path, maker.tokens + 1);
        }

        maker.tokens++;
        maker.offsets[maker.tokens] = used;
    }

    fclose(f);

    if (maker.tokens < 257) {
        fail("%s: no rank file", path);
    }
}


/* Returns the rank. */

static uint32_t
add_rank(const char *line, uint32_t *used)
{
    int             n;
    char           *end;
    unsigned long   rank;
    uint32_t        start;

    start = *used;

    do {
        n = decode_base64(&line, maker.bytes + *used);
        *used += n;
    } while (n == 3);

    if (*used == start || *used - start > MAX_LEN || *line != ' ') {
        return ARGO_BPE_NONE;
    }

    rank = strtoul(line + 1, &end, 10);

    return (end == line + 1 || *end != '\n') ? ARGO_BPE_NONE : rank;
}


/* Decodes four characters; fewer than 3 bytes: no more come. */

static int
decode_base64(const char **p, unsigned char *out)
{
    int          i, n;
    uint32_t     bits;
    const char  *found;

    static const char  letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789+/";

    bits = 0;
    n = 0;

    for (i = 0; i < 4; i++) {
        found = **p ? strchr(letters, **p) : NULL;

        if (found) {
            bits |= (uint32_t) (found - letters) << (18 - 6 * i);
            n++;

        } else if (i == 0 || **p != '=') {
            return 0;
        }

        (*p)++;
    }

    for (i = 0; i < n - 1; i++) {
        out[i] = (unsigned char) (bits >> (16 - 8 * i));
    }

    return n - 1;
}


static void
make_words(void)
{
    size_t            n;
    uint32_t          i;
    uint64_t          key, slot;
    argo_bpe_word_t  *word;

    /* at most half of it is used: short ways for what is not there */

    while ((1u << maker.header.word_bits) < 2 * maker.tokens) {
        maker.header.word_bits++;
    }

    maker.words = reserve(1u << maker.header.word_bits,
                          sizeof(argo_bpe_word_t));

    for (i = 0; i < maker.tokens; i++) {
        n = token_len(i);

        if (n > maker.header.longest) {
            maker.header.longest = n;
        }

        if (find_word(token_bytes(i), n) != ARGO_BPE_NONE) {
            fail("token %u is there twice", i);
        }

        key = argo_bpe_word_key(token_bytes(i), n);
        slot = argo_bpe_word_slot(key, n, maker.header.word_bits);

        for ( ;; ) {
            word = &maker.words[slot];

            if (word->len == 0) {
                break;
            }

            slot = (slot + 1) & ((1u << maker.header.word_bits) - 1);
        }

        word->key = key;
        word->token = i;
        word->len = n;
    }
}


static uint32_t
find_word(const unsigned char *p, size_t n)
{
    uint64_t          key, slot;
    argo_bpe_word_t  *word;

    key = argo_bpe_word_key(p, n);
    slot = argo_bpe_word_slot(key, n, maker.header.word_bits);

    for ( ;; ) {
        word = &maker.words[slot];

        if (word->len == 0) {
            return ARGO_BPE_NONE;
        }

        if (word->key == key && word->len == n
            && memcmp(token_bytes(word->token), p, n) == 0)
        {
            return word->token;
        }

        slot = (slot + 1) & ((1u << maker.header.word_bits) - 1);
    }
}


/*
 * A token's bytes are always merged the same way, whatever stands around
 * them: so each has two parts, or none if merging its bytes leads elsewhere
 * (it can then only be a whole pre-token).
 */

static void
make_merges(void)
{
    uint32_t          i, lost;
    argo_bpe_info_t  *info;

    maker.infos = reserve(maker.tokens, sizeof(argo_bpe_info_t));
    maker.sorted = reserve(maker.tokens, sizeof(uint32_t));

    while ((1u << maker.header.pair_bits) < 2 * maker.tokens) {
        maker.header.pair_bits++;
    }

    /* one in ten of what is not there passes the filter */

    maker.header.filter_bits = maker.header.pair_bits + 2;

    maker.pairs = reserve(1u << maker.header.pair_bits, sizeof(uint64_t));
    maker.filter = reserve(1u << (maker.header.filter_bits - 6),
                           sizeof(uint64_t));

    lost = 0;

    for (i = 0; i < maker.tokens; i++) {
        info = &maker.infos[i];

        info->left = ARGO_BPE_NONE;
        info->right = ARGO_BPE_NONE;
        info->place = maker.offsets[i] << ARGO_BPE_LEN_BITS | token_len(i);

        if (i >= 256) {

            if (!merge(i, info)) {
                lost++;
                continue;
            }

            add_pair(i);
        }

        maker.sorted[maker.nsorted++] = i;
    }

    printf("%s: %u tokens, %u of them never merged\n", maker.header.name,
           maker.tokens, lost);
}


/* Merges as the definition says; true if that ends with the token. */

static int
merge(uint32_t token, argo_bpe_info_t *info)
{
    int                   i, n, best;
    size_t                at[MAX_LEN + 1];
    uint32_t              rank, lowest;
    const unsigned char  *p;

    p = token_bytes(token);
    n = token_len(token);

    for (i = 0; i <= n; i++) {
        at[i] = i;
    }

    while (n > 2) {
        best = -1;
        lowest = ARGO_BPE_NONE;

        for (i = 0; i + 2 <= n; i++) {
            rank = find_word(p + at[i], at[i + 2] - at[i]);

            if (rank < lowest) {
                lowest = rank;
                best = i;
            }
        }

        if (best == -1) {
            return 0;
        }

        for (i = best + 1; i < n; i++) {
            at[i] = at[i + 1];
        }

        n--;
    }

    info->left = find_word(p, at[1]);
    info->right = find_word(p + at[1], at[2] - at[1]);

    /* what argo_bpe.c builds on */

    if (info->left >= token || info->right >= token) {
        fail("token %u comes before what it is merged of", token);
    }

    return 1;
}


static void
add_pair(uint32_t token)
{
    uint64_t  key, hash, slot;

    key = argo_bpe_pair_key(maker.infos[token].left,
                            maker.infos[token].right);
    hash = argo_bpe_pair_hash(key);

    slot = argo_bpe_pair_slot(hash, maker.header.filter_bits);
    maker.filter[slot / 64] |= (uint64_t) 1 << (slot % 64);

    slot = argo_bpe_pair_slot(hash, maker.header.pair_bits);

    while (maker.pairs[slot]) {
        slot = (slot + 1) & ((1u << maker.header.pair_bits) - 1);
    }

    maker.pairs[slot] = key << ARGO_BPE_TOKEN_BITS | token;
}


static void
make_shorter(void)
{
    size_t    n;
    uint32_t  i, found;

    for (i = 0; i < maker.tokens; i++) {
        maker.infos[i].shorter = ARGO_BPE_NONE;

        for (n = token_len(i) - 1; n > 0; n--) {
            found = find_word(token_bytes(i), n);

            if (found != ARGO_BPE_NONE
                && (found < 256
                    || maker.infos[found].left != ARGO_BPE_NONE))
            {
                maker.infos[i].shorter = found;
                break;
            }
        }
    }
}


/*
 * Nodes on the way to tokens of low rank, which are the common ones, are
 * placed first, and so beside each other.
 */

static void
make_trie(void)
{
    uint32_t  i;

    maker.trie = reserve(ROOM, sizeof(uint64_t));
    maker.based = reserve(ROOM, 1);

    for (i = 0; i < ROOM; i++) {
        maker.trie[i] = argo_bpe_node(0, ARGO_BPE_NO_LABEL, 0);
    }

    maker.inner = reserve(maker.offsets[maker.tokens] + 1, sizeof(node_t));
    maker.bases = reserve(maker.offsets[maker.tokens] + 1, sizeof(uint32_t));

    qsort(maker.sorted, maker.nsorted, sizeof(uint32_t), by_bytes);
    collect(0, 0, maker.nsorted, 0, 0, 0);
    qsort(maker.inner, maker.ninner, sizeof(node_t), by_rank);

    /*
     * a node without children seems to have them at 0, the root has them
     * at ARGO_BPE_ROOT
     */

    maker.first = 2 * 256;
    maker.nodes = 2 * 256;
    maker.based[0] = 1;

    for (i = 0; i < maker.ninner; i++) {
        place(&maker.inner[i]);
    }
}


static int
by_bytes(const void *one, const void *two)
{
    int       rc;
    size_t    a, b;
    uint32_t  i, j;

    i = *(const uint32_t *) one;
    j = *(const uint32_t *) two;
    a = token_len(i);
    b = token_len(j);

    rc = memcmp(token_bytes(i), token_bytes(j), a < b ? a : b);

    return rc ? rc : (a > b) - (a < b);
}


/* Recursion is as deep as a token is long. */

static void
collect(uint32_t parent, uint32_t low, uint32_t high, uint32_t depth,
    uint32_t token, unsigned char label)
{
    node_t         *node;
    uint32_t        i, from, id;
    unsigned char   c;

    id = maker.ninner++;
    node = &maker.inner[id];

    node->id = id;
    node->parent = parent;
    node->low = low;
    node->high = high;
    node->rank = maker.sorted[low];
    node->depth = depth;
    node->token = token;
    node->label = label;

    for (i = low; i < high; i++) {
        if (maker.sorted[i] < node->rank) {
            node->rank = maker.sorted[i];
        }
    }

    for (from = low; from < high; from = i) {
        c = token_bytes(maker.sorted[from])[depth];

        for (i = from; i < high; i++) {
            if (token_bytes(maker.sorted[i])[depth] != c) {
                break;
            }
        }

        /* the shortest one is first, and may end here */

        token = 0;

        if (token_len(maker.sorted[from]) == depth + 1) {
            token = maker.sorted[from] + 1;
            from++;
        }

        if (from < i) {
            collect(id, from, i, depth + 1, token, c);
        }
    }
}


static int
by_rank(const void *one, const void *two)
{
    const node_t  *a, *b;

    a = one;
    b = two;

    if (a->rank != b->rank) {
        return (a->rank < b->rank) ? -1 : 1;
    }

    return (a->depth > b->depth) - (a->depth < b->depth);
}


/* Gives a node, whose parent has been placed, its children. */

static void
place(const node_t *node)
{
    int             n;
    uint32_t        i, base, token, next;
    unsigned char   c, labels[256];

    n = 0;

    for (i = node->low; i < node->high; i++) {
        c = token_bytes(maker.sorted[i])[node->depth];

        if (n == 0 || c != labels[n - 1]) {
            labels[n++] = c;
        }
    }

    base = (node->depth == 0) ? ARGO_BPE_ROOT : find_base(labels, n);

    maker.based[base] = 1;
    maker.bases[node->id] = base;

    if (node->depth) {
        maker.trie[maker.bases[node->parent] ^ node->label]
            = argo_bpe_node(base, node->label, node->token);
    }

    for (i = node->low; i < node->high; i++) {
        token = maker.sorted[i];
        c = token_bytes(token)[node->depth];
        next = (token_len(token) == node->depth + 1) ? token + 1 : 0;

        /* one that goes on is written again when it is placed */

        if (next
            || argo_bpe_node_label(maker.trie[base ^ c])
               == ARGO_BPE_NO_LABEL)
        {
            maker.trie[base ^ c] = argo_bpe_node(0, c, next);
        }
    }

    if ((base | 255) >= maker.nodes) {
        maker.nodes = (base | 255) + 1;
    }
}


/* Finds a base at which all labels are free. */

static uint32_t
find_base(const unsigned char *labels, int n)
{
    int       i;
    uint32_t  slot, base;

#define is_free(slot)                                                         \
    (argo_bpe_node_label(maker.trie[slot]) == ARGO_BPE_NO_LABEL)

    while (!is_free(maker.first)) {
        maker.first++;
    }

    for (slot = maker.first; slot < ROOM - 256; slot++) {

        base = slot ^ labels[0];

        if (!is_free(slot) || maker.based[base]) {
            continue;
        }

        for (i = 1; i < n; i++) {
            if (!is_free(base ^ labels[i])) {
                break;
            }
        }

        if (i == n) {
            return base;
        }
    }

    fail("the trie has no room");
}


static void
write_table(const char *path)
{
    FILE               *f;
    uint64_t            sum, offset;
    unsigned char      *table;
    argo_bpe_header_t  *h;

    h = &maker.header;

    memcpy(h->magic, ARGO_BPE_MAGIC, sizeof(h->magic));
    h->order = ARGO_BPE_ORDER;
    h->version = ARGO_BPE_VERSION;
    h->tokens = maker.tokens;
    h->nodes = maker.nodes;

    f = fopen(path, "w+b");
    if (f == NULL) {
        fail("can't write %s", path);
    }

    offset = 0;
    write_section(f, h, sizeof(argo_bpe_header_t), &offset);

    h->words = offset;
    write_section(f, maker.words,
                  sizeof(argo_bpe_word_t) << h->word_bits, &offset);
    h->filter = offset;
    write_section(f, maker.filter, (size_t) 1 << (h->filter_bits - 3),
                  &offset);
    h->pairs = offset;
    write_section(f, maker.pairs, sizeof(uint64_t) << h->pair_bits, &offset);
    h->trie = offset;
    write_section(f, maker.trie, sizeof(uint64_t) * maker.nodes, &offset);
    h->infos = offset;
    write_section(f, maker.infos, sizeof(argo_bpe_info_t) * maker.tokens,
                  &offset);
    h->bytes = offset;
    write_section(f, maker.bytes, maker.offsets[maker.tokens], &offset);
    h->size = offset;

    table = reserve(offset, 1);
    rewind(f);

    if (fread(table, 1, offset, f) != offset) {
        fail("can't read %s", path);
    }

    memcpy(table, h, sizeof(argo_bpe_header_t));
    sum = argo_bpe_checksum(0, table, offset);
    h->checksum = sum;

    rewind(f);

    if (fwrite(h, sizeof(argo_bpe_header_t), 1, f) != 1 || fclose(f) != 0) {
        fail("can't write %s", path);
    }

    free(table);
}


static void
write_section(FILE *f, const void *p, size_t n, uint64_t *offset)
{
    size_t  pad;

    static const char  zeros[8];

    pad = -n & 7;

    if (fwrite(p, 1, n, f) != n || fwrite(zeros, 1, pad, f) != pad) {
        fail("the table can't be written");
    }

    *offset += n + pad;
}
