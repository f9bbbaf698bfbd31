
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Soft errors: replies with status 200 whose text is not a model's but
 * ARGO's.  Its notices are known by how they begin, so that an answer which
 * quotes one is not taken for one; what its own program says of a failure is
 * known only if nothing else follows.  Ordinary text is decided upon at its
 * first letters.
 */


#ifndef _ARGO_SOFT_H_INCLUDED_
#define _ARGO_SOFT_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"


/* the most text, in bytes, in which a notice must have been recognised */
#define ARGO_SOFT_HOLD  512

/* the most, in bytes, that is held back since it begins like a failure */
#define ARGO_SOFT_HOLD_FAILURE  4096


typedef struct {
    uint32_t    candidates;         /* patterns that still match, a bit each */
    uint16_t    matched;            /* characters matched so far */
    uint16_t    seen;               /* bytes seen */
    uint8_t     emoji;              /* which decorating emoji, from 1 */
    uint8_t     emoji_seen;         /* bytes of it so far */
    unsigned    begun:1;            /* past the decoration */
    unsigned    failure:1;          /* begins like one: its end will tell */
} argo_soft_t;


/*
 * Judges more plain text.  NGX_OK: an ordinary reply, no need to ask again;
 * NGX_AGAIN: can't tell yet; NGX_DECLINED: a soft error, err is set.
 * A zeroed state starts.  If soft->failure at the end, and all of the reply
 * is still held back, argo_fault_is_sentence() knows.
 */
ngx_int_t argo_soft_check(argo_soft_t *soft, const u_char *p, size_t n,
    argo_error_t *err);


#endif /* _ARGO_SOFT_H_INCLUDED_ */
