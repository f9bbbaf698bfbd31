
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Tokens as OpenAI's models see them: byte-pair encoding of the pieces that
 * a pattern cuts the text into, as the encodings cl100k_base and o200k_base
 * define it.  There are no special tokens in a text: what looks like one is
 * text.  Bytes that are not UTF-8 are U+FFFD, one for each maximal
 * ill-formed part.
 */


#ifndef _ARGO_BPE_H_INCLUDED_
#define _ARGO_BPE_H_INCLUDED_


#include "argo_core.h"
#include "argo_bpe_table.h"
#include "argo_utf8.h"


/*
 * The longest piece, in bytes.  A longer one is cut: the pattern is then
 * matched as if the text ended there, behind the last whole character, and
 * goes on anew.  Bounds what a counter keeps of a text, and nothing that is
 * written to be read comes near.
 */
#define ARGO_BPE_MAX_PIECE  (64 * 1024)


typedef struct argo_bpe_s  argo_bpe_t;


/*
 * The length of the piece that begins at p, before end.  With final nothing
 * follows; else 0 says that the piece depends on what does.  Text is UTF-8
 * without fault; there is some, and at most ARGO_BPE_MAX_PIECE.
 */
typedef size_t (*argo_bpe_split_pt)(const u_char *p, const u_char *end,
    ngx_uint_t final);

size_t argo_bpe_split_cl100k(const u_char *p, const u_char *end,
    ngx_uint_t final);
size_t argo_bpe_split_o200k(const u_char *p, const u_char *end,
    ngx_uint_t final);


typedef struct {
    uint32_t                    token;
    ngx_str_t                   text;
} argo_bpe_special_t;


/* a short piece that was merged of late, and of how many tokens it is */

typedef struct {
    uint64_t                    first;      /* bytes of it */
    uint64_t                    last;
    uint32_t                    len;        /* 0: an empty entry */
    uint32_t                    count;
} argo_bpe_recent_t;


/* One encoding.  Counting writes to it: only one thread may at a time. */

struct argo_bpe_s {
    const argo_bpe_header_t    *header;
    argo_bpe_split_pt           split;
    const argo_bpe_special_t   *specials;   /* ended by token 0 */

    const argo_bpe_word_t      *words;
    const uint64_t             *filter;
    const uint64_t             *pairs;
    const uint64_t             *trie;
    const argo_bpe_info_t      *infos;
    const u_char               *bytes;

    uint32_t                   *stack;      /* of one piece */
    uint64_t                   *dead;
    argo_bpe_recent_t          *recent;
};


/*
 * Opens a table of size bytes, aligned to 8, that stays where it is.
 * NGX_DECLINED with *problem, the end of a sentence that begins with the
 * file's name, if it is not a whole table of the encoding that name says.
 * NGX_ERROR: no memory.
 */
ngx_int_t argo_bpe_open(argo_bpe_t *bpe, ngx_pool_t *pool,
    const ngx_str_t *name, const u_char *table, size_t size,
    const char **problem);

/*
 * The bytes that a token stands for, within the table; also of a special
 * one.  NGX_DECLINED if there is no such token.
 */
ngx_int_t argo_bpe_decode(const argo_bpe_t *bpe, uint64_t token,
    ngx_str_t *bytes);


/*
 * Counts a text that comes in parts, cut anywhere.  Begins zeroed, with the
 * first group set.  What is not yet a whole piece is kept, in memory of the
 * pool.
 */

typedef struct {
    const argo_bpe_t           *bpe;
    ngx_pool_t                 *pool;
    uint32_t                   *tokens;     /* NULL, or where they are put */
    size_t                      room;       /* there, in tokens */

    uint64_t                    count;      /* of what is not kept */
    u_char                     *kept;
    size_t                      len;
    size_t                      size;
    u_char                      part[ARGO_UTF8_MAX_HELD + 1];
    size_t                      npart;      /* of a character that was cut */
} argo_bpe_counter_t;

/*
 * Adds n bytes.  If there is no memory to keep an unfinished piece, it is
 * counted as if the text ended there.
 */
void argo_bpe_add(argo_bpe_counter_t *counter, const u_char *p, size_t n);

/* Ends the text: what is added next begins another one. */
void argo_bpe_end(argo_bpe_counter_t *counter);

/* Tokens of all texts, as if the last one ended here; more can be added. */
uint64_t argo_bpe_total(const argo_bpe_counter_t *counter);


#endif /* _ARGO_BPE_H_INCLUDED_ */
