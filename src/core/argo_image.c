
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Bytes of an image to a data URL.
 */


#include "argo_image.h"


static ngx_int_t argo_image_begin(argo_image_t *image);
static const char *argo_image_type(const u_char *p);


#define argo_image_is(p, magic)                                               \
    (ngx_memcmp(p, magic, sizeof(magic) - 1) == 0)


void
argo_image_init(argo_image_t *image, argo_out_t *out)
{
    ngx_memzero(image, sizeof(argo_image_t));

    image->out = out;

    argo_base64_init(&image->base64);
}


ngx_int_t
argo_image_write(argo_image_t *image, const u_char *p, size_t n)
{
    while (n && image->nhead < ARGO_IMAGE_HEAD) {
        image->head[image->nhead++] = *p++;
        n--;
    }

    if (image->nhead < ARGO_IMAGE_HEAD) {
        return NGX_OK;
    }

    if (!image->begun && argo_image_begin(image) != NGX_OK) {
        return NGX_DECLINED;
    }

    argo_base64_write(&image->base64, p, n, image->out);

    return image->out->failed ? NGX_ERROR : NGX_OK;
}


ngx_int_t
argo_image_end(argo_image_t *image)
{
    if (!image->begun) {
        return NGX_DECLINED;
    }

    argo_base64_end(&image->base64, image->out);

    return image->out->failed ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
argo_image_begin(argo_image_t *image)
{
    const char  *type;

    type = argo_image_type(image->head);

    if (type == NULL) {
        return NGX_DECLINED;
    }

    image->begun = 1;

    argo_out_lit(image->out, "data:image/");
    argo_out_write(image->out, type, ngx_strlen(type));
    argo_out_lit(image->out, ";base64,");

    argo_base64_write(&image->base64, image->head, ARGO_IMAGE_HEAD,
                      image->out);
    return NGX_OK;
}


static const char *
argo_image_type(const u_char *p)
{
    if (argo_image_is(p, "\x89PNG\r\n\x1a\n")) {
        return "png";
    }

    if (argo_image_is(p, "\xff\xd8\xff")) {
        return "jpeg";
    }

    if (argo_image_is(p, "GIF87a") || argo_image_is(p, "GIF89a")) {
        return "gif";
    }

    if (argo_image_is(p, "RIFF") && argo_image_is(p + 8, "WEBP")) {
        return "webp";
    }

    return NULL;
}
