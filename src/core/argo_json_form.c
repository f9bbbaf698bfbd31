
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * A document is like the one that was learnt if everything but the texts of
 * strings is the same, byte for byte.  Then it is valid if these strings are,
 * and each node is where it was, moved by what the texts before it have
 * grown.
 */


#include "argo_json_form.h"


static ngx_uint_t argo_json_form_match(argo_json_form_t *form,
    const ngx_str_t *document);
static void argo_json_form_move(argo_json_form_t *form, u_char *p,
    const ngx_int_t *moved);
static void argo_json_form_learn(argo_json_form_t *form,
    const ngx_str_t *document, ngx_uint_t tree_depth,
    const argo_json_t *root);
static argo_json_t *argo_json_form_copy(argo_json_form_t *form,
    const ngx_str_t *document, const argo_json_t *node, ngx_uint_t *texts);


ngx_int_t
argo_json_parse_alike(argo_json_form_t *form, ngx_pool_t *pool,
    const ngx_str_t *document, ngx_uint_t tree_depth, argo_json_t **root,
    argo_error_t *err)
{
    ngx_int_t  rc;

    if (form->n && form->tree_depth == tree_depth
        && argo_json_form_match(form, document))
    {
        form->tries = 0;
        *root = form->nodes;
        return NGX_OK;
    }

    rc = argo_json_parse(pool, document, tree_depth, root, err);

    if (rc == NGX_OK && form->tries < ARGO_JSON_FORM_TRIES) {
        form->tries++;
        argo_json_form_learn(form, document, tree_depth, *root);
    }

    return rc;
}


static ngx_uint_t
argo_json_form_match(argo_json_form_t *form, const ngx_str_t *document)
{
    size_t                    n;
    u_char                   *p, *end, *known;
    ngx_int_t                 moved[ARGO_JSON_FORM_NODES + 1];
    ngx_uint_t                i, texts, escaped;
    const argo_json_place_t  *place;

    p = document->data;
    end = p + document->len;
    known = form->document;

    moved[0] = 0;
    texts = 0;

    for (i = 0; i < form->n; i++) {

        if (form->nodes[i].type != ARGO_JSON_STRING) {
            continue;
        }

        place = &form->places[i];

        n = form->document + place->raw + 1 - known;

        if ((size_t) (end - p) < n || ngx_memcmp(p, known, n) != 0) {
            return 0;
        }

        escaped = 0;

        p = argo_json_skip_string(p + n - 1, end, &escaped);
        if (p == NULL) {
            return 0;
        }

        form->nodes[i].escaped = escaped;
        known = form->document + place->end;

        moved[++texts] = (p - document->data) - place->end;
    }

    n = form->document + form->len - known;

    if ((size_t) (end - p) != n || ngx_memcmp(p, known, n) != 0) {
        return 0;
    }

    argo_json_form_move(form, document->data, moved);

    return 1;
}


static void
argo_json_form_move(argo_json_form_t *form, u_char *p, const ngx_int_t *moved)
{
    u_char                   *start;
    ngx_uint_t                i;
    argo_json_t              *node;
    const argo_json_place_t  *place;

    for (i = 0; i < form->n; i++) {
        node = &form->nodes[i];
        place = &form->places[i];

        start = p + moved[place->before];

        node->start = start + place->start;
        node->name.data = node->start + 1;
        node->raw.data = start + place->raw;
        node->raw.len = p + moved[place->within] + place->end
                        - node->raw.data;
        node->taken = 0;
        node->dropped = 0;
    }
}


/* What is too large for a form leaves it empty. */

static void
argo_json_form_learn(argo_json_form_t *form, const ngx_str_t *document,
    ngx_uint_t tree_depth, const argo_json_t *root)
{
    ngx_uint_t  texts;

    form->n = 0;

    if (document->len > ARGO_JSON_FORM_SIZE) {
        return;
    }

    texts = 0;

    if (argo_json_form_copy(form, document, root, &texts) == NULL) {
        form->n = 0;
        return;
    }

    form->len = document->len;
    form->tree_depth = tree_depth;

    ngx_memcpy(form->document, document->data, document->len);
}


/*
 * Copies a node and what is in it, in the order of the document; texts counts
 * the strings.
 */

static argo_json_t *
argo_json_form_copy(argo_json_form_t *form, const ngx_str_t *document,
    const argo_json_t *node, ngx_uint_t *texts)
{
    argo_json_t        *copy, **last;
    argo_json_place_t  *place;
    const argo_json_t  *child;

    if (form->n == ARGO_JSON_FORM_NODES
        || (node->name.len && node->name.data != node->start + 1))
    {
        /* too many, or a name with an escape in it */
        return NULL;
    }

    place = &form->places[form->n];
    copy = &form->nodes[form->n++];

    *copy = *node;
    copy->next = NULL;

    place->start = node->start - document->data;
    place->raw = node->raw.data - document->data;
    place->end = place->raw + node->raw.len;
    place->before = *texts;

    *texts += (node->type == ARGO_JSON_STRING);

    last = &copy->child;

    for (child = node->child; child; child = child->next) {

        *last = argo_json_form_copy(form, document, child, texts);
        if (*last == NULL) {
            return NULL;
        }

        last = &(*last)->next;
    }

    place->within = *texts;

    return copy;
}
