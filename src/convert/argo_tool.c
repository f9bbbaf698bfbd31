
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Tools by their names.
 */


#include "argo_tool.h"


ngx_uint_t
argo_tool_same(const ngx_str_t *a, const ngx_str_t *b)
{
    u_char  *p, *q, *pend, *qend, one[32], two[32];
    size_t   n, m;

    if (a->len == b->len
        && (a->len == 0 || ngx_memcmp(a->data, b->data, a->len) == 0))
    {
        return 1;
    }

    if (a->len == 0 || b->len == 0
        || (memchr(a->data, '\\', a->len) == NULL
            && memchr(b->data, '\\', b->len) == NULL))
    {
        return 0;
    }

    p = a->data;
    pend = p + a->len;
    q = b->data;
    qend = q + b->len;

    /* the same text is cut at the same places */

    do {
        n = argo_json_unescape(&p, pend, one, sizeof(one));
        m = argo_json_unescape(&q, qend, two, sizeof(two));

        if (n != m || ngx_memcmp(one, two, n) != 0) {
            return 0;
        }

    } while (n);

    return 1;
}


const argo_tool_t *
argo_tool_find(const argo_request_t *req, const ngx_str_t *name)
{
    const argo_tool_t  *tool;

    for (tool = req->tools; tool; tool = tool->next) {

        if (tool->type == NULL && argo_tool_same(&tool->name, name)) {
            return tool;
        }
    }

    return NULL;
}


ngx_uint_t
argo_tool_callable(const argo_request_t *req)
{
    return req->tools && req->tool_choice != ARGO_TOOL_CHOICE_NONE;
}
