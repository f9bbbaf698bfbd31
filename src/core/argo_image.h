
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The bytes of an image become a data URL as they come.  What kind of image
 * it is its first bytes tell, whatever anybody says.
 */


#ifndef _ARGO_IMAGE_H_INCLUDED_
#define _ARGO_IMAGE_H_INCLUDED_


#include "argo_base64.h"
#include "argo_core.h"
#include "argo_out.h"


/* bytes that are needed to know the kind; no image has less */
#define ARGO_IMAGE_HEAD  12


typedef struct {
    argo_out_t     *out;
    argo_base64_t   base64;
    u_char          head[ARGO_IMAGE_HEAD];
    size_t          nhead;
    unsigned        begun:1;
} argo_image_t;


/* out takes "data:image/png;base64,...", and nothing before it is known. */
void argo_image_init(argo_image_t *image, argo_out_t *out);

/* NGX_DECLINED: these are no PNG, JPEG, GIF or WebP. */
ngx_int_t argo_image_write(argo_image_t *image, const u_char *p, size_t n);
ngx_int_t argo_image_end(argo_image_t *image);


#endif /* _ARGO_IMAGE_H_INCLUDED_ */
