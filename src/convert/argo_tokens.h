
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Token counts where upstream tells none.  What is here is an estimate: one
 * token for each four bytes of ASCII, and one for each other character.
 * The interface is that of an incremental counter, so that exact counting
 * can take its place; cutting the text differently gives the same count.
 */


#ifndef _ARGO_TOKENS_H_INCLUDED_
#define _ARGO_TOKENS_H_INCLUDED_


#include "argo_core.h"


typedef struct {
    uint64_t    ascii;              /* bytes below 0x80 */
    uint64_t    wide;               /* characters beyond ASCII */
} argo_tokens_t;


/* Counts plain UTF-8 text. */
void argo_tokens_add(argo_tokens_t *t, const u_char *p, size_t n);

/*
 * Counts the inside of a JSON string as the text it stands for: an escape is
 * one character.  An escape must not be cut.
 */
void argo_tokens_add_escaped(argo_tokens_t *t, const u_char *p, size_t n);

/* The count so far, in tokens. */
uint64_t argo_tokens_count(const argo_tokens_t *t);


#endif /* _ARGO_TOKENS_H_INCLUDED_ */
