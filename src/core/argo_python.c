
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Python literals to JSON.  One pass with a stack of its own, so that no
 * text can make it recurse.
 */


#include "argo_python.h"
#include "argo_json_write.h"
#include "argo_utf8.h"


/* what may come next */

typedef enum {
    ARGO_PYTHON_VALUE = 0,
    ARGO_PYTHON_FIRST_VALUE,        /* or the end of the list */
    ARGO_PYTHON_NEXT_VALUE,         /* the same after a comma */
    ARGO_PYTHON_FIRST_KEY,          /* or the end of the dict */
    ARGO_PYTHON_NEXT_KEY,
    ARGO_PYTHON_AFTER_VALUE         /* a comma, an end, or nothing */
} argo_python_state_e;


typedef struct {
    const u_char         *p;
    const u_char         *end;
    argo_out_t           *out;      /* or NULL */
    ngx_uint_t            depth;
    argo_python_state_e   state;

    /* the character that ends each dict, list and tuple */
    u_char                ends[ARGO_PYTHON_MAX_DEPTH];
} argo_python_t;


typedef struct {
    ngx_str_t             name;
    ngx_str_t             json;
} argo_python_word_t;


static ngx_int_t argo_python_step(argo_python_t *py);
static ngx_int_t argo_python_value(argo_python_t *py);
static ngx_int_t argo_python_open(argo_python_t *py, u_char c);
static ngx_int_t argo_python_close(argo_python_t *py);
static ngx_int_t argo_python_key(argo_python_t *py);
static ngx_int_t argo_python_after(argo_python_t *py);
static ngx_int_t argo_python_scalar(argo_python_t *py);
static ngx_int_t argo_python_string(argo_python_t *py);
static ngx_int_t argo_python_escape(argo_python_t *py);
static ngx_int_t argo_python_hex(argo_python_t *py, ngx_uint_t digits);
static void argo_python_octal(argo_python_t *py);
static ngx_int_t argo_python_code(argo_python_t *py, uint32_t code);
static ngx_int_t argo_python_number(argo_python_t *py);
static ngx_uint_t argo_python_digits(argo_python_t *py);
static ngx_int_t argo_python_word(argo_python_t *py);
static ngx_uint_t argo_python_is_word(u_char c);
static void argo_python_blank(argo_python_t *py);
static void argo_python_write(argo_python_t *py, const void *p, size_t n);
static void argo_python_text(argo_python_t *py, const u_char *p, size_t n);


#define argo_python_lit(py, literal)                                          \
    argo_python_write(py, literal, sizeof(literal) - 1)


static const argo_python_word_t  argo_python_words[] = {
    { ngx_string("None"), ngx_string("null") },
    { ngx_string("True"), ngx_string("true") },
    { ngx_string("False"), ngx_string("false") },
    { ngx_string("null"), ngx_string("null") },
    { ngx_string("true"), ngx_string("true") },
    { ngx_string("false"), ngx_string("false") }
};


#define ARGO_PYTHON_NWORDS                                                    \
    (sizeof(argo_python_words) / sizeof(argo_python_words[0]))


ngx_int_t
argo_python_to_json(const u_char **src, const u_char *end, argo_out_t *out)
{
    ngx_int_t      rc;
    argo_python_t  py;

    py.p = *src;
    py.end = end;
    py.out = out;
    py.depth = 0;
    py.state = ARGO_PYTHON_VALUE;

    do {
        rc = argo_python_step(&py);

    } while (rc == NGX_OK
             && (py.depth || py.state != ARGO_PYTHON_AFTER_VALUE));

    *src = py.p;

    return rc;
}


static ngx_int_t
argo_python_step(argo_python_t *py)
{
    if (py->depth) {
        /* at the top a blank is none of the literal's */
        argo_python_blank(py);
    }

    if (py->p == py->end) {
        return NGX_DECLINED;
    }

    switch (py->state) {

    case ARGO_PYTHON_FIRST_VALUE:
    case ARGO_PYTHON_FIRST_KEY:
    case ARGO_PYTHON_NEXT_VALUE:
    case ARGO_PYTHON_NEXT_KEY:

        /* Python allows a comma before the end, and needs it in "(1,)" */

        if (*py->p == py->ends[py->depth - 1]) {
            return argo_python_close(py);
        }

        break;

    case ARGO_PYTHON_AFTER_VALUE:
        return argo_python_after(py);

    default: /* ARGO_PYTHON_VALUE */
        break;
    }

    if (py->state == ARGO_PYTHON_NEXT_VALUE
        || py->state == ARGO_PYTHON_NEXT_KEY)
    {
        argo_python_lit(py, ",");
    }

    if (py->state == ARGO_PYTHON_FIRST_KEY
        || py->state == ARGO_PYTHON_NEXT_KEY)
    {
        return argo_python_key(py);
    }

    return argo_python_value(py);
}


static ngx_int_t
argo_python_value(argo_python_t *py)
{
    switch (*py->p) {

    case '{':
        return argo_python_open(py, '}');

    case '[':
        return argo_python_open(py, ']');

    case '(':
        return argo_python_open(py, ')');

    default:
        py->state = ARGO_PYTHON_AFTER_VALUE;
        return argo_python_scalar(py);
    }
}


static ngx_int_t
argo_python_open(argo_python_t *py, u_char c)
{
    if (py->depth == ARGO_PYTHON_MAX_DEPTH) {
        return NGX_DECLINED;
    }

    py->p++;
    py->ends[py->depth++] = c;

    if (c == '}') {
        argo_python_lit(py, "{");
        py->state = ARGO_PYTHON_FIRST_KEY;

    } else {
        argo_python_lit(py, "[");
        py->state = ARGO_PYTHON_FIRST_VALUE;
    }

    return NGX_OK;
}


static ngx_int_t
argo_python_close(argo_python_t *py)
{
    py->p++;
    py->depth--;

    if (py->ends[py->depth] == '}') {
        argo_python_lit(py, "}");

    } else {
        argo_python_lit(py, "]");
    }

    py->state = ARGO_PYTHON_AFTER_VALUE;

    return NGX_OK;
}


/* A key and its colon. */

static ngx_int_t
argo_python_key(argo_python_t *py)
{
    ngx_int_t   rc;
    ngx_uint_t  string;

    string = (*py->p == '\'' || *py->p == '"');

    if (!string) {
        argo_python_lit(py, "\"");
    }

    rc = argo_python_scalar(py);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!string) {
        argo_python_lit(py, "\"");
    }

    argo_python_blank(py);

    if (py->p == py->end || *py->p != ':') {
        return NGX_DECLINED;
    }

    py->p++;
    argo_python_lit(py, ":");

    py->state = ARGO_PYTHON_VALUE;

    return NGX_OK;
}


static ngx_int_t
argo_python_after(argo_python_t *py)
{
    u_char  c;

    c = py->ends[py->depth - 1];

    if (*py->p == c) {
        return argo_python_close(py);
    }

    if (*py->p != ',') {
        return NGX_DECLINED;
    }

    py->p++;
    py->state = (c == '}') ? ARGO_PYTHON_NEXT_KEY : ARGO_PYTHON_NEXT_VALUE;

    return NGX_OK;
}


static ngx_int_t
argo_python_scalar(argo_python_t *py)
{
    u_char  c;

    c = *py->p;

    if (c == '\'' || c == '"') {
        return argo_python_string(py);
    }

    if (c == '-' || (c >= '0' && c <= '9')) {
        return argo_python_number(py);
    }

    return argo_python_word(py);
}


static ngx_int_t
argo_python_string(argo_python_t *py)
{
    u_char         quote;
    const u_char  *run;

    quote = *py->p++;
    run = py->p;

    argo_python_lit(py, "\"");

    for ( ;; ) {

        while (py->p < py->end && *py->p != quote && *py->p != '\\') {
            py->p++;
        }

        if (py->p == py->end) {
            return NGX_DECLINED;
        }

        argo_python_text(py, run, py->p - run);

        if (*py->p++ == quote) {
            argo_python_lit(py, "\"");
            return NGX_OK;
        }

        if (argo_python_escape(py) != NGX_OK) {
            return NGX_DECLINED;
        }

        run = py->p;
    }
}


/* What is behind a backslash. */

static ngx_int_t
argo_python_escape(argo_python_t *py)
{
    u_char  c;

    if (py->p == py->end) {
        return NGX_DECLINED;
    }

    c = *py->p++;

    switch (c) {

    case '\'':
    case '"':
    case '\\':
        argo_python_text(py, &c, 1);
        return NGX_OK;

    case 'n':
        argo_python_lit(py, "\\n");
        return NGX_OK;

    case 'r':
        argo_python_lit(py, "\\r");
        return NGX_OK;

    case 't':
        argo_python_lit(py, "\\t");
        return NGX_OK;

    case 'b':
        argo_python_lit(py, "\\b");
        return NGX_OK;

    case 'f':
        argo_python_lit(py, "\\f");
        return NGX_OK;

    case 'a':
        return argo_python_code(py, 0x07);

    case 'v':
        return argo_python_code(py, 0x0b);

    case LF:
        /* the string goes on in the next line */
        return NGX_OK;

    case 'x':
        return argo_python_hex(py, 2);

    case 'u':
        return argo_python_hex(py, 4);

    case 'U':
        return argo_python_hex(py, 8);

    case 'N':
        /* a character by its name: repr() never writes that */
        return NGX_DECLINED;
    }

    py->p--;

    if (c >= '0' && c <= '7') {
        argo_python_octal(py);
        return NGX_OK;
    }

    /* to Python it is a backslash like any character */

    argo_python_lit(py, "\\\\");

    return NGX_OK;
}


static ngx_int_t
argo_python_hex(argo_python_t *py, ngx_uint_t digits)
{
    u_char    c;
    uint32_t  code;

    code = 0;

    for ( /* void */ ; digits; digits--) {

        if (py->p == py->end) {
            return NGX_DECLINED;
        }

        c = *py->p;

        if (c >= '0' && c <= '9') {
            c -= '0';

        } else {
            c |= 0x20;

            if (c < 'a' || c > 'f') {
                return NGX_DECLINED;
            }

            c = c - 'a' + 10;
        }

        code = (code << 4) | c;
        py->p++;
    }

    return argo_python_code(py, code);
}


static void
argo_python_octal(argo_python_t *py)
{
    uint32_t    code;
    ngx_uint_t  n;

    code = 0;

    for (n = 0; n < 3 && py->p < py->end; n++) {

        if (*py->p < '0' || *py->p > '7') {
            break;
        }

        code = code * 8 + (*py->p++ - '0');
    }

    (void) argo_python_code(py, code);
}


static ngx_int_t
argo_python_code(argo_python_t *py, uint32_t code)
{
    size_t      n;
    u_char      text[6];
    ngx_uint_t  i;

    static const u_char  hex[] = "0123456789abcdef";

    if (code > 0x10ffff) {
        return NGX_DECLINED;
    }

    if (code < 0x20 || code == 0x7f || (code >= 0xd800 && code < 0xe000)) {

        /* half a pair stays an escape: JSON can say that, UTF-8 can't */

        text[0] = '\\';
        text[1] = 'u';

        for (i = 0; i < 4; i++) {
            text[2 + i] = hex[(code >> (12 - 4 * i)) & 0xf];
        }

        argo_python_write(py, text, 6);

        return NGX_OK;
    }

    if (code < 0x80) {
        text[0] = (u_char) code;
        n = 1;

    } else if (code < 0x800) {
        text[0] = (u_char) (0xc0 | (code >> 6));
        text[1] = (u_char) (0x80 | (code & 0x3f));
        n = 2;

    } else if (code < 0x10000) {
        text[0] = (u_char) (0xe0 | (code >> 12));
        text[1] = (u_char) (0x80 | ((code >> 6) & 0x3f));
        text[2] = (u_char) (0x80 | (code & 0x3f));
        n = 3;

    } else {
        text[0] = (u_char) (0xf0 | (code >> 18));
        text[1] = (u_char) (0x80 | ((code >> 12) & 0x3f));
        text[2] = (u_char) (0x80 | ((code >> 6) & 0x3f));
        text[3] = (u_char) (0x80 | (code & 0x3f));
        n = 4;
    }

    argo_python_text(py, text, n);

    return NGX_OK;
}


/* An int or a float, digits as they stand. */

static ngx_int_t
argo_python_number(argo_python_t *py)
{
    const u_char  *start;

    start = py->p;

    if (*py->p == '-') {
        py->p++;
    }

    if (py->p < py->end && *py->p == '0') {
        py->p++;

    } else if (!argo_python_digits(py)) {
        return NGX_DECLINED;
    }

    if (py->p < py->end && *py->p == '.') {
        py->p++;

        if (!argo_python_digits(py)) {
            return NGX_DECLINED;
        }
    }

    if (py->p < py->end && (*py->p | 0x20) == 'e') {
        py->p++;

        if (py->p < py->end && (*py->p == '+' || *py->p == '-')) {
            py->p++;
        }

        if (!argo_python_digits(py)) {
            return NGX_DECLINED;
        }
    }

    if (py->p < py->end && argo_python_is_word(*py->p)) {
        /* "0x10", "1j", "1_000", "007" */
        return NGX_DECLINED;
    }

    argo_python_write(py, start, py->p - start);

    return NGX_OK;
}


static ngx_uint_t
argo_python_digits(argo_python_t *py)
{
    const u_char  *start;

    start = py->p;

    while (py->p < py->end && *py->p >= '0' && *py->p <= '9') {
        py->p++;
    }

    return py->p > start;
}


static ngx_int_t
argo_python_word(argo_python_t *py)
{
    size_t                     n;
    ngx_uint_t                 i;
    const argo_python_word_t  *word;

    for (n = 0;
         n < (size_t) (py->end - py->p) && argo_python_is_word(py->p[n]);
         n++)
    {
        /* void */
    }

    for (i = 0; i < ARGO_PYTHON_NWORDS; i++) {
        word = &argo_python_words[i];

        if (word->name.len == n
            && ngx_memcmp(word->name.data, py->p, n) == 0)
        {
            py->p += n;
            argo_python_write(py, word->json.data, word->json.len);

            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static ngx_uint_t
argo_python_is_word(u_char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
           || (c >= 'a' && c <= 'z') || c == '_' || c >= 0x80;
}


static void
argo_python_blank(argo_python_t *py)
{
    while (py->p < py->end
           && (*py->p == ' ' || *py->p == '\t' || *py->p == CR
               || *py->p == LF))
    {
        py->p++;
    }
}


static void
argo_python_write(argo_python_t *py, const void *p, size_t n)
{
    if (py->out) {
        argo_out_write(py->out, p, n);
    }
}


static void
argo_python_text(argo_python_t *py, const u_char *p, size_t n)
{
    if (py->out) {
        argo_json_write_text(py->out, p, n);
    }
}
