
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * How all targets' inputs are changed: now and then by libFuzzer, which knows
 * bytes, else by values and members of JSON, wherever in the input they are
 * (in the events of a stream as well), and by events or lines as a whole.
 * What comes out is mostly JSON again, so that it gets beyond the parser.
 *
 * Knows nothing of what is tested: it reads JSON for itself, tolerantly.
 */


#include <stdint.h>
#include <stdlib.h>
#include <string.h>


#define MUTATE_SPANS  512
#define MUTATE_DEPTH  64


typedef struct {
    size_t  start;                      /* of the name, if it has one */
    size_t  value;
    size_t  end;
} mutate_span_t;


typedef struct {
    uint8_t        *data;
    size_t          size;
    size_t          max;
    mutate_span_t   spans[MUTATE_SPANS];
    size_t          n;
    uint64_t        seed;
} mutate_t;


size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
    unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t na,
    const uint8_t *b, size_t nb, uint8_t *out, size_t max, unsigned int seed);


static const char  *mutate_values[] = {
    "null", "true", "false", "0", "-1", "1", "1.5", "1e400", "\"\"", "\" \"",
    "[]", "{}", "[[]]", "[null]", "{\"\":0}", "\"\\u0000\"", "\"\\ud83d\"",
    "\"\\ud83d\\ude00\"", "\"x\"", "\"\\n\\\"\\\\\"", "9007199254740993",
    "18446744073709551616", "\"user\"", "\"auto\"", "\"text\"",
    "[[[[[[[[[[[[]]]]]]]]]]]]", "\"\xe2\x82\xac\"", "\"[DONE]\""
};


#define MUTATE_VALUES  (sizeof(mutate_values) / sizeof(mutate_values[0]))


static size_t
mutate_chance(mutate_t *m, size_t n)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;

    return (size_t) (m->seed % n);
}


static size_t
mutate_string(const mutate_t *m, size_t i)
{
    for (i++; i < m->size; i++) {

        if (m->data[i] == '"') {
            return i + 1;
        }

        if (m->data[i] == '\\') {
            i++;
        }
    }

    return m->size;
}


static void
mutate_found(mutate_t *m, size_t start, size_t value, size_t end)
{
    if (m->n < MUTATE_SPANS && end <= m->size) {
        m->spans[m->n].start = start;
        m->spans[m->n].value = value;
        m->spans[m->n].end = end;
        m->n++;
    }
}


static size_t
mutate_blank(const mutate_t *m, size_t i)
{
    while (i < m->size && m->data[i] && strchr(" \t\r\n", m->data[i])) {
        i++;
    }

    return i;
}


/* Finds values and members; what is between them does not matter. */

static void
mutate_scan(mutate_t *m)
{
    size_t         i, k, name, depth;
    mutate_span_t  open[MUTATE_DEPTH];

    m->n = 0;
    depth = 0;
    name = m->size;                     /* none */

    for (i = 0; i < m->size; i = k) {
        k = i + 1;

        switch (m->data[i]) {

        case '"':
            k = mutate_string(m, i);

            if (name == m->size && mutate_blank(m, k) < m->size
                && m->data[mutate_blank(m, k)] == ':')
            {
                name = i;
                k = mutate_blank(m, k) + 1;
                continue;
            }

            mutate_found(m, name < m->size ? name : i, i, k);
            break;

        case '{':
        case '[':
            if (depth < MUTATE_DEPTH) {
                open[depth].start = name < m->size ? name : i;
                open[depth].value = i;
            }

            depth++;
            break;

        case '}':
        case ']':
            if (depth && --depth < MUTATE_DEPTH) {
                mutate_found(m, open[depth].start, open[depth].value, k);
            }

            break;

        case ' ':
        case '\t':
        case '\r':
        case '\n':
            continue;

        default:
            if (m->data[i] == '\0' || !strchr("-0123456789tfn", m->data[i])) {
                break;
            }

            while (k < m->size && m->data[k]
                   && strchr("+-.0123456789eEaflnrsut", m->data[k]))
            {
                k++;
            }

            mutate_found(m, name < m->size ? name : i, i, k);
        }

        name = m->size;
    }
}


/* Puts n bytes, which are no part of data, in the place of others. */

static void
mutate_put(mutate_t *m, size_t start, size_t end, const uint8_t *p, size_t n)
{
    if (m->size - (end - start) + n > m->max) {
        return;
    }

    memmove(m->data + start + n, m->data + end, m->size - end);

    if (n) {
        memcpy(m->data + start, p, n);
    }

    m->size = m->size - (end - start) + n;
}


/* The same with a copy of what is elsewhere in data, and what is around it. */

static void
mutate_copy(mutate_t *m, size_t start, size_t end, const char *before,
    size_t from, size_t to, const char *behind)
{
    size_t    n;
    uint8_t  *copy;

    n = strlen(before) + (to - from) + strlen(behind);

    copy = malloc(n + 1);
    if (copy == NULL) {
        return;
    }

    memcpy(copy, before, strlen(before));
    memcpy(copy + strlen(before), m->data + from, to - from);
    memcpy(copy + n - strlen(behind), behind, strlen(behind));

    mutate_put(m, start, end, copy, n);

    free(copy);
}


static void
mutate_remove(mutate_t *m, const mutate_span_t *span)
{
    size_t  start, end;

    start = span->start;
    end = mutate_blank(m, span->end);

    if (end < m->size && m->data[end] == ',') {
        end++;

    } else {
        end = span->end;

        while (start && m->data[start - 1]
               && strchr(" \t\r\n", m->data[start - 1]))
        {
            start--;
        }

        if (start && m->data[start - 1] == ',') {
            start--;

        } else {
            start = span->start;
        }
    }

    mutate_put(m, start, end, NULL, 0);
}


/* Of two that are not within each other, each in the other's place. */

static void
mutate_swap(mutate_t *m, const mutate_span_t *a, const mutate_span_t *b,
    int named)
{
    size_t                n, x, y;
    uint8_t              *copy;
    const mutate_span_t  *first, *last;

    first = (a->value < b->value) ? a : b;
    last = (first == a) ? b : a;

    x = named ? first->start : first->value;
    y = named ? last->start : last->value;

    if (first->end > y) {
        return;
    }

    n = last->end - x;

    copy = malloc(n);
    if (copy == NULL) {
        return;
    }

    memcpy(copy, m->data + y, last->end - y);
    memcpy(copy + (last->end - y), m->data + first->end, y - first->end);
    memcpy(copy + (last->end - first->end), m->data + x, first->end - x);

    mutate_put(m, x, last->end, copy, n);

    free(copy);
}


/* A letter of a name or of a text, written as an escape. */

static void
mutate_escape(mutate_t *m, const mutate_span_t *span)
{
    char        text[7];
    size_t      i, end;
    uint8_t     c;
    const char  hex[] = "0123456789abcdef";

    if (m->data[span->start] != '"') {
        return;
    }

    end = mutate_string(m, span->start) - 1;
    if (end <= span->start + 1) {
        return;
    }

    i = span->start + 1 + mutate_chance(m, end - span->start - 1);
    c = m->data[i];

    if (c >= 0x80 || c == '\\' || c == '"' || m->data[i - 1] == '\\') {
        return;
    }

    memcpy(text, "\\u00", 4);
    text[4] = hex[c >> 4];
    text[5] = hex[c & 15];

    mutate_put(m, i, i + 1, (uint8_t *) text, 6);
}


static void
mutate_value(mutate_t *m, const mutate_span_t *a, const mutate_span_t *b)
{
    size_t       list;
    const char  *value;

    switch (mutate_chance(m, 9)) {

    case 0:
        mutate_remove(m, a);
        break;

    case 1:
        mutate_copy(m, a->start, a->start, "", a->start, a->end, ",");
        break;

    case 2:
        mutate_swap(m, a, b, 0);
        break;

    case 3:
        mutate_swap(m, a, b, 1);
        break;

    case 4:
        mutate_copy(m, a->value, a->end, "", b->value, b->end, "");
        break;

    case 5:
        mutate_copy(m, a->start, a->start, "", b->start, b->end, ",");
        break;

    case 6:
        list = mutate_chance(m, 2);
        mutate_copy(m, a->value, a->end, list ? "[" : "{\"a\":", a->value,
                    a->end, list ? "]" : "}");
        break;

    case 7:
        mutate_escape(m, a);
        break;

    default:
        value = mutate_values[mutate_chance(m, MUTATE_VALUES)];
        mutate_put(m, a->value, a->end, (uint8_t *) value, strlen(value));
    }
}


/* Where the line begins in which i is, or where the next one does. */

static size_t
mutate_line(const mutate_t *m, size_t i, int next)
{
    if (next) {
        while (i < m->size && m->data[i++] != '\n') {
            /* void */
        }

        return i;
    }

    while (i && m->data[i - 1] != '\n') {
        i--;
    }

    return i;
}


/* An event of a stream, or a line, goes, comes twice, or comes elsewhere. */

static void
mutate_lines(mutate_t *m)
{
    size_t  start, end, to;

    start = mutate_line(m, mutate_chance(m, m->size), 0);
    end = mutate_line(m, start, 1);

    while (end < m->size && m->data[end] != '\n' && mutate_chance(m, 4)) {
        end = mutate_line(m, end, 1);
    }

    if (end < m->size && m->data[end] == '\n') {
        end++;
    }

    to = mutate_line(m, mutate_chance(m, m->size), 0);

    switch (mutate_chance(m, 3)) {

    case 0:
        mutate_put(m, start, end, NULL, 0);
        break;

    case 1:
        mutate_copy(m, end, end, "", start, end, "");
        break;

    default:
        mutate_copy(m, to, to, "", start, end, "");
    }
}


static void
mutate_begin(mutate_t *m, uint8_t *data, size_t size, size_t max,
    unsigned int seed)
{
    m->data = data;
    m->size = size;
    m->max = max;
    m->seed = (seed + 1) * 0x9e3779b97f4a7c15 | 1;

    mutate_scan(m);
}


size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
    unsigned int seed)
{
    size_t           times;
    static mutate_t  m;

    mutate_begin(&m, data, size, max, seed);

    if (m.n == 0 || mutate_chance(&m, 3) == 0) {
        return LLVMFuzzerMutate(data, size, max);
    }

    for (times = 1 + mutate_chance(&m, 3); times && m.n && m.size; times--) {

        if (mutate_chance(&m, 6) == 0) {
            mutate_lines(&m);

        } else {
            mutate_value(&m, &m.spans[mutate_chance(&m, m.n)],
                         &m.spans[mutate_chance(&m, m.n)]);
        }

        mutate_scan(&m);
    }

    return m.size ? m.size : LLVMFuzzerMutate(data, size, max);
}


/* A member or a value of one input in that of another. */

size_t
LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t na, const uint8_t *b,
    size_t nb, uint8_t *out, size_t max, unsigned int seed)
{
    mutate_span_t         from, to;
    const uint8_t        *p;
    static mutate_t       m, other;

    if (na > max) {
        return 0;
    }

    if (na) {
        memcpy(out, a, na);
    }

    mutate_begin(&m, out, na, max, seed);
    mutate_begin(&other, (uint8_t *) b, nb, nb, seed);

    if (m.n == 0 || other.n == 0) {
        return 0;
    }

    to = m.spans[mutate_chance(&m, m.n)];
    from = other.spans[mutate_chance(&m, other.n)];

    if ((to.start == to.value) == (from.start == from.value)
        && mutate_chance(&m, 2))
    {
        p = b + from.start;
        mutate_put(&m, to.start, to.end, p, from.end - from.start);

    } else {
        p = b + from.value;
        mutate_put(&m, to.value, to.end, p, from.end - from.value);
    }

    return m.size;
}
