
/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * argo_out.h: copies, references, blocks that come back.
 */


#include "argo_test.h"
#include "argo_out.h"


static int  test_tag_value;

#define TEST_TAG  ((ngx_buf_tag_t) &test_tag_value)


/* What a filter would write to the client. */

static ngx_str_t
test_join(ngx_chain_t *cl, u_char *buf, size_t size)
{
    ngx_str_t  s;

    s.data = buf;
    s.len = 0;

    for ( /* void */ ; cl; cl = cl->next) {

        if (s.len + (cl->buf->last - cl->buf->pos) > size) {
            abort();
        }

        memcpy(buf + s.len, cl->buf->pos, cl->buf->last - cl->buf->pos);
        s.len += cl->buf->last - cl->buf->pos;
    }

    return s;
}


static ngx_uint_t
test_links(ngx_chain_t *cl)
{
    ngx_uint_t  n;

    for (n = 0; cl; cl = cl->next) {
        n++;
    }

    return n;
}


/*
 * What must hold for every chain: no empty buffer, blocks temporary with our
 * tag, references memory without one, data within its buffer.
 */

static ngx_uint_t
test_sound(ngx_chain_t *cl, ngx_buf_tag_t tag)
{
    ngx_buf_t  *b;

    for ( /* void */ ; cl; cl = cl->next) {
        b = cl->buf;

        if (b->pos == b->last || b->pos != b->start || b->last > b->end) {
            return 0;
        }

        if (b->temporary == b->memory
            || b->tag != (b->temporary ? tag : NULL)
            || b->in_file || b->flush || b->sync || b->last_buf
            || b->last_in_chain || b->recycled || b->shadow)
        {
            return 0;
        }
    }

    return 1;
}


/* ngx_chain_update_chains() when all has been sent. */

static void
test_sent(ngx_pool_t *pool, ngx_chain_t **free_list, ngx_chain_t *cl,
    ngx_buf_tag_t tag)
{
    ngx_chain_t  *next;

    for ( /* void */ ; cl; cl = next) {
        next = cl->next;

        cl->buf->pos = cl->buf->last;

        if (cl->buf->tag != tag) {
            ngx_free_chain(pool, cl);
            continue;
        }

        cl->buf->pos = cl->buf->start;
        cl->buf->last = cl->buf->start;

        cl->next = *free_list;
        *free_list = cl;
    }
}


static void
test_writes(void)
{
    u_char        all[1000], buf[4096];
    size_t        i, n, sent;
    ngx_str_t     s;
    ngx_pool_t   *pool;
    argo_out_t    out;
    ngx_uint_t    block;
    ngx_chain_t  *cl;

    pool = test_pool();

    for (i = 0; i < sizeof(all); i++) {
        all[i] = (u_char) (i * 7);
    }

    for (block = 1; block <= 64; block++) {

        argo_out_init(&out, pool, block, TEST_TAG, 0);

        for (sent = 0, n = 0; sent < sizeof(all); sent += n) {
            n = ngx_min(1 + sent % 90, sizeof(all) - sent);
            argo_out_write(&out, all + sent, n);
        }

        if (out.failed || out.size != sizeof(all)
            || test_links(out.first) != (sizeof(all) + block - 1) / block
            || !test_sound(out.first, TEST_TAG))
        {
            break;
        }

        if (argo_out_flatten(&out, pool, &s) != NGX_OK
            || s.len != sizeof(all) || memcmp(s.data, all, s.len) != 0)
        {
            break;
        }

        cl = argo_out_take(&out);
        s = test_join(cl, buf, sizeof(buf));

        if (s.len != sizeof(all) || memcmp(s.data, all, s.len) != 0) {
            break;
        }
    }

    is((long long) block, 65, "writes fill blocks of 1 to 64 bytes");

    argo_out_init(&out, pool, 16, TEST_TAG, 0);

    ok(argo_out_take(&out) == NULL, "nothing to take at first");

    is(argo_out_flatten(&out, pool, &s), NGX_OK, "nothing to flatten");
    ok(s.len == 0 && s.data != NULL, "is an empty string, not none");

    argo_out_write(&out, NULL, 0);
    argo_out_lit(&out, "");
    argo_out_ref(&out, NULL, 0);

    ok(out.first == NULL && out.buf == NULL && !out.failed,
       "no bytes make no buffer");

    argo_out_lit(&out, "abc");
    argo_out_str(&out, &STR("\0d"));

    is((long long) out.size, 5, "the size of what was written");

    cl = argo_out_take(&out);
    s = test_join(cl, buf, sizeof(buf));

    is_mem(s.data, s.len, "abc\0d", 5, "literals and strings");
    is((long long) out.size, 0, "nothing is left after it was taken");
    ok(argo_out_take(&out) == NULL, "nothing to take twice");

    argo_out_lit(&out, "next");

    s = test_join(cl, buf, sizeof(buf));

    is_mem(s.data, s.len, "abc\0d", 5, "what was taken stays as it was");

    s = test_join(out.first, buf, sizeof(buf));

    is_str(&s, "next", "writing goes on after it was taken");

    ngx_destroy_pool(pool);
}


static void
test_ints(void)
{
    size_t       i;
    ngx_str_t    s;
    ngx_pool_t  *pool;
    argo_out_t   out;

    static const struct {
        int64_t      n;
        const char  *text;
    } table[] = {
        { 0, "0" },
        { 7, "7" },
        { 10, "10" },
        { -1, "-1" },
        { -10, "-10" },
        { 1234567890, "1234567890" },
        { INT64_MAX, "9223372036854775807" },
        { INT64_MIN, "-9223372036854775808" }
    };

    pool = test_pool();

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        argo_out_init(&out, pool, 3, TEST_TAG, 0);
        argo_out_int(&out, table[i].n);
        (void) argo_out_flatten(&out, pool, &s);
        is_str(&s, table[i].text, "the integer %s", table[i].text);
    }

    ngx_destroy_pool(pool);
}


static void
test_refs(void)
{
    u_char        big[2000], buf[8192];
    size_t        i;
    ngx_str_t     s, t;
    ngx_buf_t    *b;
    ngx_pool_t   *pool;
    argo_out_t    out;
    ngx_chain_t  *cl;

    pool = test_pool();

    for (i = 0; i < sizeof(big); i++) {
        big[i] = (u_char) (i * 11);
    }

    argo_out_init(&out, pool, 1024, TEST_TAG, 0);
    argo_out_ref(&out, big, ARGO_OUT_MIN_REF - 1);

    ok(out.first->buf->pos != big && out.first->buf->temporary,
       "a short reference is copied");

    (void) argo_out_take(&out);

    argo_out_ref(&out, big, ARGO_OUT_MIN_REF);

    b = out.first->buf;

    ok(b->pos == big && b->last == big + ARGO_OUT_MIN_REF && b->memory
       && b->tag == NULL,
       "a long one is not");
    is((long long) out.size, ARGO_OUT_MIN_REF, "its size counts");

    (void) argo_out_take(&out);

    /* a block around references */

    for (i = 0; i < 4; i++) {
        argo_out_lit(&out, "<");
        argo_out_int(&out, (int64_t) i);
        argo_out_ref(&out, big, sizeof(big));
        argo_out_lit(&out, ">");
    }

    is((long long) out.size, 4 * (3 + sizeof(big)), "the size of it all");
    is((long long) test_links(out.first), 9, "one buffer for each piece");
    ok(test_sound(out.first, TEST_TAG), "a sound chain");

    b = out.first->buf;
    cl = out.first->next->next;

    ok(cl->buf->start == b->end, "the rest of a block goes on being used");

    is(argo_out_flatten(&out, pool, &t), NGX_OK, "flattened");

    s = test_join(argo_out_take(&out), buf, sizeof(buf));

    ok(s.len == t.len && memcmp(s.data, t.data, s.len) == 0,
       "the same as the chain");
    ok(memcmp(s.data, "<0", 2) == 0 && memcmp(s.data + 2, big, 2000) == 0
       && memcmp(s.data + 2002, "><1", 3) == 0
       && memcmp(s.data + 2005, big, 2000) == 0
       && s.data[s.len - 1] == '>',
       "in the order of writing");

    /* with no block size only references will do */

    argo_out_init(&out, pool, 0, NULL, 0);
    argo_out_ref(&out, big, 600);
    argo_out_ref(&out, big + 600, 1400);

    ok(!out.failed && out.size == sizeof(big) && test_sound(out.first, NULL),
       "references without a block");

    argo_out_lit(&out, "x");

    ok(out.failed, "a copy without a block fails");
    ok(argo_out_take(&out) == NULL, "and leaves nothing to take");

    /* the source is used again */

    argo_out_init(&out, pool, 256, TEST_TAG, 1);
    argo_out_ref(&out, big, sizeof(big));
    (void) argo_out_flatten(&out, pool, &t);
    memset(big, 0, sizeof(big));

    s = test_join(out.first, buf, sizeof(buf));

    ok(s.len == sizeof(big) && memcmp(s.data, t.data, s.len) == 0,
       "with \"copy\" references are copies");
    is((long long) test_links(out.first), 8, "in blocks of the usual size");

    ngx_destroy_pool(pool);
}


static void
test_recycling(void)
{
    u_char        big[600], buf[8192], expected[8192];
    size_t        i, j, n, len;
    ngx_str_t     s;
    ngx_buf_t    *b;
    ngx_pool_t   *pool;
    argo_out_t    out;
    ngx_uint_t    bad, before;
    ngx_chain_t  *cl, *bare;

    pool = test_pool();
    memset(big, 'R', sizeof(big));

    argo_out_init(&out, pool, 512, TEST_TAG, 1);

    bad = 0;
    before = 0;

    for (i = 0; i < 1000; i++) {
        n = 1 + (i * 37) % 1500;

        for (j = 0; j < n; j++) {
            argo_out_write(&out, &"0123456789abcdef"[(i + j) % 16], 1);
        }

        cl = argo_out_take(&out);

        if (!test_sound(cl, TEST_TAG)) {
            bad++;
        }

        s = test_join(cl, buf, sizeof(buf));

        for (j = 0; j < n; j++) {
            expected[j] = (u_char) "0123456789abcdef"[(i + j) % 16];
        }

        if (s.len != n || memcmp(buf, expected, n) != 0) {
            bad++;
        }

        /* what the glue may have set on the way */

        cl->buf->flush = 1;
        cl->buf->last_in_chain = 1;
        cl->buf->recycled = 1;

        test_sent(pool, &out.free, cl, TEST_TAG);

        if (i == 100) {
            before = ngx_shim_count();
        }
    }

    is((long long) bad, 0, "1000 rounds in blocks that come back");
    is((long long) (ngx_shim_count() - before), 0,
       "take no memory once there are enough");

    /* references in between cut blocks into pieces; those come back too */

    argo_out_init(&out, pool, 512, TEST_TAG, 0);

    bad = 0;
    before = 0;

    for (i = 0; i < 2000; i++) {

        for (j = 0, len = 0; j <= i % 3; j++) {
            n = 1 + (i * 31 + j) % 200;
            memset(expected + len, 'a' + (int) j, n);
            argo_out_write(&out, expected + len, n);
            len += n;

            memcpy(expected + len, big, sizeof(big));
            argo_out_ref(&out, big, sizeof(big));
            len += sizeof(big);
        }

        cl = argo_out_take(&out);
        s = test_join(cl, buf, sizeof(buf));

        if (!test_sound(cl, TEST_TAG) || s.len != len
            || memcmp(buf, expected, len) != 0)
        {
            bad++;
        }

        test_sent(pool, &out.free, cl, TEST_TAG);

        for (cl = out.free; cl; cl = cl->next) {
            if (cl->buf->end - cl->buf->start < 1) {
                bad++;
            }
        }

        if (i == 1000) {
            before = test_links(out.free);
        }
    }

    is((long long) bad, 0, "2000 rounds with references in between");
    ok(test_links(out.free) <= before + 16, "pieces do not pile up (%lu, %lu)",
       (unsigned long) before, (unsigned long) test_links(out.free));

    /* a bare flush of the glue's own with the same tag */

    argo_out_init(&out, pool, 16, TEST_TAG, 0);

    bare = ngx_palloc(pool, sizeof(ngx_chain_t));
    b = ngx_pcalloc(pool, sizeof(ngx_buf_t));

    b->tag = TEST_TAG;
    b->flush = 1;
    b->sync = 1;
    bare->buf = b;
    bare->next = NULL;

    out.free = bare;

    argo_out_lit(&out, "text");

    s = test_join(out.first, buf, sizeof(buf));

    is_str(&s, "text", "a returned buffer without memory is left out");
    ok(test_sound(out.first, TEST_TAG) && out.free == NULL
       && out.first->buf != b,
       "and dropped from the free list");

    /* links of the pool are used before new ones are made */

    pool->chain = bare;
    bare->next = NULL;

    (void) argo_out_take(&out);
    argo_out_lit(&out, "text");

    ok(out.first == bare && pool->chain == NULL, "a link of the pool is used");

    ngx_destroy_pool(pool);
}


static void
test_script(argo_out_t *out, u_char *big, size_t n)
{
    argo_out_lit(out, "some text that takes more than one block");
    argo_out_int(out, -12345);
    argo_out_ref(out, big, n);
    argo_out_write(out, big, 300);
    argo_out_ref(out, big, n);
    argo_out_lit(out, "end");
}


static void
test_no_memory(void)
{
    u_char       big[600];
    size_t       size;
    ngx_str_t    s;
    ngx_pool_t  *pool;
    argo_out_t   out;
    ngx_uint_t   i, bad;

    memset(big, 'm', sizeof(big));

    bad = 0;

    for (i = 1; i < 1000; i++) {
        pool = test_pool();

        argo_out_init(&out, pool, 200, TEST_TAG, 0);

        ngx_shim_fail(i);
        test_script(&out, big, sizeof(big));

        if (!ngx_shim_failed()) {
            break;
        }

        if (!out.failed || argo_out_flatten(&out, pool, &s) != NGX_ERROR) {
            bad++;
        }

        size = out.size;
        test_script(&out, big, sizeof(big));

        if (out.size != size || argo_out_take(&out) != NULL) {
            bad++;
        }

        ngx_shim_fail(0);
        ngx_destroy_pool(pool);
    }

    ok(i > 10 && i < 1000, "%lu allocations were made to fail",
       (unsigned long) i - 1);
    is((long long) bad, 0, "each is remembered, and nothing is done after it");
    ok(!out.failed, "without a failure all is well");

    ngx_shim_fail(1);

    is(argo_out_flatten(&out, pool, &s), NGX_ERROR, "no memory to flatten");

    ngx_shim_fail(0);

    ok(!out.failed, "does not spoil the output");
    is(argo_out_flatten(&out, pool, &s), NGX_OK, "it can be flattened later");
    is((long long) s.len, (long long) out.size, "in full");

    ngx_destroy_pool(pool);
}


/* Several outputs become one, in which nothing is written twice. */

static void
test_moves(void)
{
    u_char        buf[256];
    ngx_str_t     s;
    argo_out_t    out, from, empty;
    ngx_pool_t   *pool;

    pool = test_pool();

    argo_out_init(&out, pool, 64, TEST_TAG, 1);
    argo_out_init(&from, pool, 64, TEST_TAG, 1);
    argo_out_init(&empty, pool, 64, TEST_TAG, 1);

    argo_out_move(&out, &empty);
    is((long long) out.size, 0, "nothing moved to nothing");

    argo_out_lit(&from, "one");
    argo_out_move(&out, &from);
    argo_out_lit(&out, ",");
    argo_out_lit(&from, "two");
    argo_out_lit(&out, ".");
    argo_out_move(&out, &from);
    argo_out_move(&out, &empty);
    argo_out_lit(&from, "three");

    is((long long) out.size, 8, "the size of what was moved");
    is((long long) from.size, 5, "and of what was written since");
    ok(test_sound(out.first, TEST_TAG), "a sound chain of both");

    s = test_join(out.first, buf, sizeof(buf));
    is_str(&s, "one,.two", "in the order of moving");

    s = test_join(from.first, buf, sizeof(buf));
    is_str(&s, "three", "what is written later stays apart");

    from.failed = 1;
    argo_out_move(&out, &from);
    ok(out.failed, "a failure is moved as well");

    ngx_destroy_pool(pool);
}


int
main(void)
{
    test_writes();
    test_ints();
    test_refs();
    test_recycling();
    test_moves();
    test_no_memory();

    return done();
}
