
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The file that a token table is: made by tools/make-tokens.c, mapped as it
 * is by argo_bpe.c.  Knows nothing of nginx.
 *
 * A header, then sections of 8-byte alignment, at the offsets that it names:
 *
 *     words     hash table of all tokens by their bytes
 *     filter    a bit for each pair's hash: most pairs are looked up in vain
 *     pairs     hash table of the tokens that are merged of two, by these
 *     trie      double array of the tokens that merging can lead to
 *     tokens    what else is known of each
 *     bytes     those of all tokens
 *
 * Tokens 0 to 255 are the single bytes, in some order; a merged token has a
 * higher number than those it is merged of.
 */


#ifndef _ARGO_BPE_TABLE_H_INCLUDED_
#define _ARGO_BPE_TABLE_H_INCLUDED_


#include <stdint.h>
#include <string.h>


#define ARGO_BPE_MAGIC         "ARGOBPE\n"
#define ARGO_BPE_ORDER         0x01020304
#define ARGO_BPE_VERSION       1

/* token numbers and hash keys have 20 bits */
#define ARGO_BPE_TOKEN_BITS    20
#define ARGO_BPE_TOKEN_MASK    ((1 << ARGO_BPE_TOKEN_BITS) - 1)
#define ARGO_BPE_MAX_TOKENS    ((1 << ARGO_BPE_TOKEN_BITS) - 2)

#define ARGO_BPE_NONE          0xffffffff


typedef struct {
    char        magic[8];
    uint32_t    order;
    uint32_t    version;
    uint64_t    size;               /* of the file, a multiple of 8 */
    uint64_t    checksum;           /* of the file, with 0 in its place */
    char        name[16];           /* of the encoding */
    uint32_t    tokens;
    uint32_t    longest;            /* token, in bytes */
    uint32_t    word_bits;          /* tables have 1 << bits entries */
    uint32_t    pair_bits;
    uint32_t    filter_bits;
    uint32_t    nodes;              /* entries of the trie */
    uint64_t    words;
    uint64_t    filter;
    uint64_t    pairs;
    uint64_t    trie;
    uint64_t    infos;
    uint64_t    bytes;
} argo_bpe_header_t;


/* of up to 8 bytes the key holds all, of more it is their hash */

typedef struct {
    uint64_t    key;
    uint32_t    token;
    uint32_t    len;                /* 0: an empty entry */
} argo_bpe_word_t;


typedef struct {
    uint32_t    left;               /* the two that it is merged of, */
    uint32_t    right;              /*    or ARGO_BPE_NONE */
    uint32_t    shorter;            /* the longest that it begins with, or
                                       ARGO_BPE_NONE */
    uint32_t    place;              /* of its bytes, and how many */
} argo_bpe_info_t;

#define ARGO_BPE_LEN_BITS          9

#define argo_bpe_info_len(info)                                               \
    ((info)->place & ((1 << ARGO_BPE_LEN_BITS) - 1))
#define argo_bpe_info_at(info)     ((info)->place >> ARGO_BPE_LEN_BITS)


/*
 * A node of the trie: the number of its token + 1, or 0 (20 bits); the byte
 * that led to it, or ARGO_BPE_NO_LABEL (9 bits); the base of its children in
 * the upper half, or 0.  A child is at base ^ byte, and no two nodes have the
 * same base, so that the byte alone tells whether it is there.  The children
 * of the root have ARGO_BPE_ROOT as their base.
 */

#define ARGO_BPE_ROOT          256
#define ARGO_BPE_NO_LABEL      256

#define argo_bpe_node(base, label, token)                                     \
    ((uint64_t) (base) << 32 | (uint64_t) (label) << ARGO_BPE_TOKEN_BITS      \
     | (token))

#define argo_bpe_node_base(node)   ((uint32_t) ((node) >> 32))
#define argo_bpe_node_label(node)                                             \
    ((uint32_t) (node) >> ARGO_BPE_TOKEN_BITS)
#define argo_bpe_node_token(node)                                             \
    ((uint32_t) (node) & ARGO_BPE_TOKEN_MASK)


/*
 * An entry of the pair table: left, right, what they are merged to; 0: empty,
 * as no merged token has the number 0.
 */

#define argo_bpe_pair_key(left, right)                                        \
    ((uint64_t) (left) << ARGO_BPE_TOKEN_BITS | (right))

#define argo_bpe_pair_hash(key)        ((key) * 0x9e3779b97f4a7c15ull)
#define argo_bpe_pair_slot(hash, bits)  ((hash) >> (64 - (bits)))


/* Up to 8 bytes as a number that no other bytes of this length have. */

static inline uint64_t
argo_bpe_load(const unsigned char *p, size_t n)
{
    uint16_t  half;
    uint32_t  low, high;
    uint64_t  word;

    if (n == 8) {
        memcpy(&word, p, 8);
        return word;
    }

    if (n >= 4) {
        memcpy(&low, p, 4);
        memcpy(&high, p + n - 4, 4);
        return (uint64_t) high << 32 | low;
    }

    if (n >= 2) {
        memcpy(&half, p, 2);
        return (uint64_t) p[n - 1] << 16 | half;
    }

    return n ? p[0] : 0;
}


/* The key of n bytes in the table of words. */

static inline uint64_t
argo_bpe_word_key(const unsigned char *p, size_t n)
{
    uint64_t  key;

    if (n <= 8) {
        return argo_bpe_load(p, n);
    }

    key = n;

    while (n > 8) {
        key = (key ^ argo_bpe_load(p, 8)) * 0x9e3779b97f4a7c15ull;
        key ^= key >> 32;
        p += 8;
        n -= 8;
    }

    return (key ^ argo_bpe_load(p, n)) * 0xd6e8feb86659fd93ull;
}


static inline uint64_t
argo_bpe_word_slot(uint64_t key, size_t n, unsigned int bits)
{
    key = (key ^ (uint64_t) n << 56) * 0x9e3779b97f4a7c15ull;
    key ^= key >> 32;

    return (key * 0xd6e8feb86659fd93ull) >> (64 - bits);
}


/* Of n bytes, a multiple of 8; sum is what came before, at first 0. */

static inline uint64_t
argo_bpe_checksum(uint64_t sum, const unsigned char *p, size_t n)
{
    size_t    i;
    uint64_t  word;

    for (i = 0; i + 8 <= n; i += 8) {
        memcpy(&word, p + i, 8);
        sum = (sum ^ word) * 0x9e3779b97f4a7c15ull;
        sum ^= sum >> 29;
    }

    return sum;
}


#endif /* _ARGO_BPE_TABLE_H_INCLUDED_ */
