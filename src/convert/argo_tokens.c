
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Token counts: which encoding is a model's, and the estimate.  Of the
 * latter only sums are kept, so that it does not matter in which pieces the
 * text comes.
 */


#include "argo_tokens.h"
#include "argo_json.h"


#define ARGO_TOKENS_ASCII  4        /* bytes of ASCII text in a token */

/* of escaped text, what is unescaped at once */
#define ARGO_TOKENS_BLOCK  2048


static void argo_tokens_unescape(argo_tokens_t *t, const u_char *p,
    size_t n);
static size_t argo_tokens_add_escape(argo_tokens_t *t, const u_char *p,
    size_t n);
static ngx_int_t argo_tokens_hex(const u_char *p, size_t n);


const ngx_str_t  argo_encoding_names[ARGO_ENCODINGS] = {
    ngx_string("cl100k_base"),
    ngx_string("o200k_base")
};


/* the first row whose prefix fits; the last one fits all */

static const argo_tokens_rule_t  argo_tokens_rules[] = {
    { ngx_string("gpt5"), ARGO_ENCODING_O200K, 4, 2, 2, 1 },
    { ngx_string("gpto"), ARGO_ENCODING_O200K, 4, 0, 3, 1 },
    { ngx_string("gpt4o"), ARGO_ENCODING_O200K, 4, 0, 3, 1 },
    { ngx_string("gpt41"), ARGO_ENCODING_O200K, 4, 0, 3, 1 },
    { ngx_string("gpt4"), ARGO_ENCODING_CL100K, 4, 0, 3, 1 },
    { ngx_string("gpt3"), ARGO_ENCODING_CL100K, 4, 0, 3, 1 },
    { ngx_string("ada002"), ARGO_ENCODING_CL100K, 0, 0, 0, 1 },
    { ngx_string("v3"), ARGO_ENCODING_CL100K, 0, 0, 0, 1 },
    { ngx_string(""), ARGO_ENCODING_CL100K, 0, 0, 0, 0 }
};


const argo_tokens_rule_t *
argo_tokens_rule(const ngx_str_t *id)
{
    const argo_tokens_rule_t  *rule;

    for (rule = argo_tokens_rules; rule->prefix.len; rule++) {

        if (id->len >= rule->prefix.len
            && ngx_memcmp(id->data, rule->prefix.data, rule->prefix.len)
               == 0)
        {
            break;
        }
    }

    return rule;
}


void
argo_tokens_init(argo_tokens_t *t, ngx_pool_t *pool,
    const argo_tokenizer_t *tokenizer, const ngx_str_t *id)
{
    const argo_tokens_rule_t  *rule;

    ngx_memzero(t, sizeof(argo_tokens_t));

    if (tokenizer == NULL) {
        return;
    }

    rule = argo_tokens_rule(id);

    if (tokenizer->encodings[rule->encoding]) {
        t->rule = rule;
        t->counter.bpe = tokenizer->encodings[rule->encoding];
        t->counter.pool = pool;
    }
}


void
argo_tokens_add(argo_tokens_t *t, const u_char *p, size_t n)
{
    size_t    i, ascii, wide;
    uint64_t  v, high;

    if (t->rule) {
        argo_bpe_add(&t->counter, p, n);
        return;
    }

    ascii = n;
    wide = 0;

    /* eight bytes at once: high bits are counted by a multiplication */

    for (i = 0; n - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        ngx_memcpy(&v, p + i, sizeof(uint64_t));

        high = (v >> 7) & 0x0101010101010101;

        if (high) {
            ascii -= (high * 0x0101010101010101) >> 56;
            wide += ((high & (v >> 6)) * 0x0101010101010101) >> 56;
        }
    }

    for ( /* void */ ; i < n; i++) {
        ascii -= (p[i] >= 0x80);
        wide += (p[i] >= 0xc0);
    }

    t->ascii += ascii;
    t->wide += wide;
}


void
argo_tokens_add_escaped(argo_tokens_t *t, const u_char *p, size_t n)
{
    size_t         used;
    const u_char  *end, *next;

    if (n == 0) {
        return;
    }

    if (t->rule) {
        argo_tokens_unescape(t, p, n);
        return;
    }

    end = p + n;

    while (p < end) {
        next = memchr(p, '\\', end - p);
        if (next == NULL) {
            next = end;
        }

        argo_tokens_add(t, p, next - p);
        p = next;

        if (p < end) {
            used = argo_tokens_add_escape(t, p, end - p);
            p += used;
        }
    }
}


static void
argo_tokens_unescape(argo_tokens_t *t, const u_char *p, size_t n)
{
    u_char        *src, *end, plain[ARGO_TOKENS_BLOCK];
    const u_char  *escape;

    escape = memchr(p, '\\', n);

    if (escape == NULL) {
        argo_bpe_add(&t->counter, p, n);
        return;
    }

    argo_bpe_add(&t->counter, p, escape - p);

    src = (u_char *) escape;
    end = (u_char *) p + n;

    while (src < end) {
        n = argo_json_unescape(&src, end, plain, sizeof(plain));

        if (n == 0) {
            /* no JSON: counted as it stands */
            argo_bpe_add(&t->counter, src, end - src);
            return;
        }

        argo_bpe_add(&t->counter, plain, n);
    }
}


/* p is at a backslash; returns the length of the escape */

static size_t
argo_tokens_add_escape(argo_tokens_t *t, const u_char *p, size_t n)
{
    ngx_int_t  code, low;

    if (n < 2 || p[1] != 'u') {
        t->ascii++;
        return ngx_min(n, 2);
    }

    code = argo_tokens_hex(p + 2, n - 2);

    if (code >= 0 && code < 0x80) {
        t->ascii++;
        return 6;
    }

    t->wide++;

    if (code >= 0xd800 && code < 0xdc00
        && n >= 12 && p[6] == '\\' && p[7] == 'u')
    {
        low = argo_tokens_hex(p + 8, n - 8);

        if (low >= 0xdc00 && low < 0xe000) {
            return 12;
        }
    }

    return ngx_min(n, 6);
}


static ngx_int_t
argo_tokens_hex(const u_char *p, size_t n)
{
    u_char      c;
    ngx_int_t   value;
    ngx_uint_t  i;

    if (n < 4) {
        return -1;
    }

    value = 0;

    for (i = 0; i < 4; i++) {
        c = p[i] | 0x20;

        if (c >= '0' && c <= '9') {
            value = value * 16 + c - '0';

        } else if (c >= 'a' && c <= 'f') {
            value = value * 16 + c - 'a' + 10;

        } else {
            return -1;
        }
    }

    return value;
}


void
argo_tokens_end(argo_tokens_t *t)
{
    if (t->rule) {
        argo_bpe_end(&t->counter);
    }
}


void
argo_tokens_add_message(argo_tokens_t *t, ngx_uint_t assistant)
{
    if (t->rule) {
        t->overhead += t->rule->message;

        if (assistant) {
            t->overhead += t->rule->assistant;
        }
    }
}


void
argo_tokens_add_reply(argo_tokens_t *t)
{
    if (t->rule) {
        t->overhead += t->rule->reply;
    }
}


uint64_t
argo_tokens_count(const argo_tokens_t *t)
{
    if (t->rule) {
        return argo_bpe_total(&t->counter) + t->overhead;
    }

    return (t->ascii + ARGO_TOKENS_ASCII - 1) / ARGO_TOKENS_ASCII + t->wide;
}


ngx_uint_t
argo_tokens_exact(const argo_tokens_t *t)
{
    return t->rule && t->rule->own;
}
