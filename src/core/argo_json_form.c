
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * A document is like the one that was learnt if everything but the texts of
 * strings and the numbers is the same, byte for byte.  Then it is valid if
 * these are, and each node is where it was, moved by what those before it have
 * grown.
 */


#include "argo_json_form.h"


static argo_json_form_t *argo_json_form_find(argo_json_forms_t *forms,
    argo_json_likes_t *likes, const ngx_str_t *document,
    ngx_uint_t tree_depth);
static ngx_uint_t argo_json_form_match(argo_json_form_t *form,
    const ngx_str_t *document, ngx_uint_t tree_depth);
static inline u_char *argo_json_form_skip(argo_json_t *node, u_char *p,
    u_char *end);
static void argo_json_form_move(argo_json_form_t *form, u_char *p,
    const ngx_int_t *moved);
static ngx_uint_t argo_json_form_learn(argo_json_form_t *form,
    const ngx_str_t *document, ngx_uint_t tree_depth,
    const argo_json_t *root);
static argo_json_t *argo_json_form_copy(argo_json_form_t *form,
    const ngx_str_t *document, const argo_json_t *node);


#define argo_json_form_varies(type)                                           \
    ((type) == ARGO_JSON_STRING || (type) == ARGO_JSON_NUMBER)


ngx_int_t
argo_json_parse_alike(argo_json_forms_t *forms, argo_json_likes_t *likes,
    ngx_pool_t *pool, const ngx_str_t *document, ngx_uint_t tree_depth,
    argo_json_t **root, argo_error_t *err)
{
    ngx_int_t          rc;
    argo_json_form_t  *form;

    if (likes->tries == ARGO_JSON_FORM_TRIES
        || document->len > ARGO_JSON_FORM_MATCH)
    {
        return argo_json_parse(pool, document, tree_depth, root, err);
    }

    form = argo_json_form_find(forms, likes, document, tree_depth);

    if (form) {
        likes->tries = 0;
        *root = form->nodes;
        return NGX_OK;
    }

    rc = argo_json_parse(pool, document, tree_depth, root, err);

    if (rc != NGX_OK) {
        return rc;
    }

    likes->tries++;

    if (document->len <= ARGO_JSON_FORM_SIZE) {
        likes->last = forms->next;

        if (argo_json_form_learn(&forms->forms[likes->last], document,
                                 tree_depth, *root))
        {
            forms->next = (forms->next + 1) % ARGO_JSON_FORMS;
        }
    }

    return NGX_OK;
}


/* Most likely it is the form of the document before. */

static argo_json_form_t *
argo_json_form_find(argo_json_forms_t *forms, argo_json_likes_t *likes,
    const ngx_str_t *document, ngx_uint_t tree_depth)
{
    ngx_uint_t  i;

    if (argo_json_form_match(&forms->forms[likes->last], document,
                             tree_depth))
    {
        return &forms->forms[likes->last];
    }

    for (i = 0; i < ARGO_JSON_FORMS; i++) {

        if (i != likes->last
            && argo_json_form_match(&forms->forms[i], document, tree_depth))
        {
            likes->last = i;
            return &forms->forms[i];
        }
    }

    return NULL;
}


static ngx_uint_t
argo_json_form_match(argo_json_form_t *form, const ngx_str_t *document,
    ngx_uint_t tree_depth)
{
    size_t                    n;
    u_char                   *p, *end, *known;
    ngx_int_t                 moved[ARGO_JSON_FORM_NODES + 1];
    ngx_uint_t                i;
    const argo_json_place_t  *place;

    if (form->n == 0 || form->tree_depth != tree_depth) {
        return 0;
    }

    p = document->data;
    end = p + document->len;
    known = form->document;

    moved[0] = 0;

    for (i = 0; i < form->ntexts; i++) {

        place = &form->places[form->texts[i]];

        n = form->document + place->raw - known;

        if ((size_t) (end - p) <= n || ngx_memcmp(p, known, n) != 0) {
            return 0;
        }

        p = argo_json_form_skip(&form->nodes[form->texts[i]], p + n, end);
        if (p == NULL) {
            return 0;
        }

        known = form->document + place->end;

        moved[i + 1] = (p - document->data) - place->end;
    }

    n = form->document + form->len - known;

    if ((size_t) (end - p) != n || ngx_memcmp(p, known, n) != 0) {
        return 0;
    }

    argo_json_form_move(form, document->data, moved);

    return 1;
}


/* what is behind the string or the number at p, or NULL: it is another thing */

static inline u_char *
argo_json_form_skip(argo_json_t *node, u_char *p, u_char *end)
{
    ngx_uint_t  escaped;

    if (node->type == ARGO_JSON_NUMBER) {
        return argo_json_skip_number(p, end);
    }

    if (*p != '"') {
        return NULL;
    }

    escaped = 0;

    p = argo_json_skip_string(p, end, &escaped);
    node->escaped = escaped;

    return p;
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

        if (node->name.data) {
            /* what is no member has none */
            node->name.data = node->start + 1;
        }

        node->raw.data = start + place->raw;
        node->raw.len = p + moved[place->within] + place->end
                        - node->raw.data;
        node->taken = 0;
        node->dropped = 0;
    }
}


/* What has too many nodes for a form leaves it empty. */

static ngx_uint_t
argo_json_form_learn(argo_json_form_t *form, const ngx_str_t *document,
    ngx_uint_t tree_depth, const argo_json_t *root)
{
    form->n = 0;
    form->ntexts = 0;

    if (argo_json_form_copy(form, document, root) == NULL) {
        form->n = 0;
        return 0;
    }

    form->len = document->len;
    form->tree_depth = tree_depth;

    ngx_memcpy(form->document, document->data, document->len);

    return 1;
}


/* Copies a node and what is in it, in the order of the document. */

static argo_json_t *
argo_json_form_copy(argo_json_form_t *form, const ngx_str_t *document,
    const argo_json_t *node)
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
    place->before = form->ntexts;

    if (argo_json_form_varies(node->type)) {
        form->texts[form->ntexts++] = copy - form->nodes;
    }

    last = &copy->child;

    for (child = node->child; child; child = child->next) {

        *last = argo_json_form_copy(form, document, child);
        if (*last == NULL) {
            return NULL;
        }

        last = &(*last)->next;
    }

    place->within = form->ntexts;

    return copy;
}
