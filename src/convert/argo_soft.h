
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Soft errors: replies with status 200 whose text is a refusal by ARGO
 * itself.  They are known by how the text begins, so that an answer which
 * quotes one is not taken for one, and ordinary text is decided upon at its
 * first letters.
 */


#ifndef _ARGO_SOFT_H_INCLUDED_
#define _ARGO_SOFT_H_INCLUDED_


#include "argo_core.h"
#include "argo_error.h"


/* the most text, in bytes, that is held back until it has been judged */
#define ARGO_SOFT_HOLD  512


typedef struct {
    uint32_t    candidates;         /* patterns that still match, a bit each */
    uint16_t    matched;            /* characters matched so far */
    uint16_t    seen;               /* bytes seen */
    uint8_t     emoji;              /* which decorating emoji, from 1 */
    uint8_t     emoji_seen;         /* bytes of it so far */
    unsigned    begun:1;            /* past the decoration */
} argo_soft_t;


/*
 * Judges more plain text.  NGX_OK: an ordinary reply, no need to ask again;
 * NGX_AGAIN: can't tell yet; NGX_DECLINED: a soft error, err is set.
 * A zeroed state starts.
 */
ngx_int_t argo_soft_check(argo_soft_t *soft, const u_char *p, size_t n,
    argo_error_t *err);


#endif /* _ARGO_SOFT_H_INCLUDED_ */
