/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The official SDK: embeddings, which it asks for in base64 unless the
 * program names a format.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { OpenAI, client, failure, withGateway } from './lib/client.mjs';

const model = 'text-embedding-3-small';
const float32 = (numbers) => Array.from(Float32Array.from(numbers));
const length = (vector) => Math.hypot(...vector);


/* ARGO with vectors that tell which text they are of. */

function tellTexts(upstream) {
    upstream.script((response, call) => {
        const { prompt } = JSON.parse(call.body);

        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify({
            embedding: prompt.map((text) => [Number(text), 0.1, -1e-5]),
        }));
    });
}


describe('embeddings', () => withGateway((gateway) => {

    it('have the shape that the API promises', async () => {
        const { data, response } = await client(gateway())
            .embeddings.create({ model, input: 'a text' }).withResponse();

        assert.equal(data.object, 'list');
        assert.equal(data.model, model);
        assert.equal(data.data.length, 1);
        assert.equal(data.data[0].object, 'embedding');
        assert.equal(data.data[0].index, 0);
        assert.equal(data.data[0].embedding.length, 1536);
        assert.ok(Math.abs(length(data.data[0].embedding) - 1) < 1e-5);
        assert.ok(Number.isInteger(data.usage.prompt_tokens)
                  && data.usage.prompt_tokens > 0);
        assert.equal(data.usage.total_tokens, data.usage.prompt_tokens);
        assert.match(response.headers.get('x-request-id'), /^[0-9a-f]{32}$/);
        assert.equal(data._request_id, response.headers.get('x-request-id'));
    });

    it('are the same numbers in base64 and as numerals', async () => {
        const openai = client(gateway());
        const input = ['one text', 'another text'];
        const byDefault = await openai.embeddings.create({ model, input });
        const numerals = await openai.embeddings.create({
            model, input, encoding_format: 'float'
        });
        const base64 = await openai.embeddings.create({
            model, input, encoding_format: 'base64'
        });

        for (const i of [0, 1]) {
            const expected = float32(numerals.data[i].embedding);
            const bytes = Buffer.from(base64.data[i].embedding, 'base64');

            assert.equal(typeof base64.data[i].embedding, 'string');
            assert.deepEqual(Array.from(byDefault.data[i].embedding),
                             expected);
            assert.deepEqual(expected.map((_, k) => bytes.readFloatLE(k * 4)),
                             expected);
            assert.equal(bytes.length, expected.length * 4);
        }
    });

    it('can be shorter, and of length 1 again', async () => {
        const openai = client(gateway());
        const whole = await openai.embeddings.create({
            model, input: 'a text'
        });

        for (const encoding_format of ['float', undefined]) {
            const { data } = await openai.embeddings.create({
                model, input: 'a text', dimensions: 256, encoding_format
            });
            const first = Array.from(whole.data[0].embedding).slice(0, 256);
            const expected = first.map((x) => x / length(first));

            assert.equal(data[0].embedding.length, 256);
            assert.ok(Math.abs(length(data[0].embedding) - 1) < 1e-5);

            expected.forEach((x, i) => {
                assert.ok(Math.abs(data[0].embedding[i] - x) < 1e-6);
            });
        }
    });

    it('of 40 texts come in order, in three calls', async () => {
        const { upstream } = gateway();
        const input = Array.from({ length: 40 }, (_, i) => String(i));

        tellTexts(upstream);

        const before = upstream.calls.length;
        const reply = await client(gateway(), { prefix: '/scripted' })
            .embeddings.create({ model, input });

        assert.equal(upstream.calls.length - before, 3);
        assert.deepEqual(reply.data.map((item) => item.index),
                         input.map(Number));
        assert.deepEqual(reply.data.map((item) => Array.from(item.embedding)),
                         input.map((text) => float32([Number(text), 0.1,
                                                      -1e-5])));
    });

    it('of 40 texts come from the simulator', async () => {
        const input = Array.from({ length: 40 }, (_, i) => `text ${i}`);
        const openai = client(gateway());
        const all = await openai.embeddings.create({ model, input });
        const last = await openai.embeddings.create({
            model, input: input[39]
        });

        assert.equal(all.data.length, 40);
        assert.deepEqual(all.data[39].embedding, last.data[0].embedding);
        assert.notDeepEqual(all.data[0].embedding, all.data[39].embedding);
    });

    it('of a part that fails are an error', async () => {
        const { upstream } = gateway();
        const input = Array.from({ length: 40 }, (_, i) => String(i));

        upstream.script((response, call) => {
            const { prompt } = JSON.parse(call.body);
            const status = prompt[0] === '16' ? 429 : 200;

            response.writeHead(status, { 'Content-Type': 'application/json' });
            response.end(JSON.stringify(status === 200
                ? { embedding: prompt.map(() => [1]) }
                : { error: { message: 'Slow down' } }));
        });

        const error = await failure(
            client(gateway(), { prefix: '/scripted' })
                .embeddings.create({ model, input }));

        assert.ok(error instanceof OpenAI.RateLimitError);
        assert.equal(error.code, 'rate_limit_exceeded');
    });

    it('of token ids are those of their text', async () => {
        const openai = client(gateway());

        /* "hello world" in cl100k_base, and twice in one request */
        const ids = [15339, 1917];

        const { data: [text] } = await openai.embeddings.create({
            model, input: 'hello world',
        });
        const one = await openai.embeddings.create({ model, input: ids });
        const two = await openai.embeddings.create({
            model, input: [ids, ids],
        });

        assert.deepEqual(one.data[0].embedding, text.embedding);
        assert.deepEqual(two.data.map((item) => item.embedding),
            [text.embedding, text.embedding]);
        assert.equal(one.usage.prompt_tokens, 2);
    });

    it('of what can\'t be embedded are an error', async () => {
        const openai = client(gateway());

        for (const [request, param] of [
            [{ model, input: '' }, 'input'],
            [{ model, input: [] }, 'input'],
            [{ model, input: ['a', ''] }, 'input[1]'],
            [{ model, input: [1, 2, 1.5] }, 'input'],
            [{ model, input: [[1, 2], []] }, 'input[1]'],
            [{ model, input: [999999999] }, 'input'],
            [{ model, input: Array(2049).fill('a') }, 'input'],
            [{ model, input: 'a', dimensions: 2000 }, 'dimensions'],
            [{ model: 'ada002', input: 'a', dimensions: 5 }, 'dimensions'],
            [{ model: 'gpt-4o', input: 'a' }, 'model'],
        ]) {
            const error = await failure(openai.embeddings.create(request));

            assert.ok(error instanceof OpenAI.BadRequestError);
            assert.equal(error.param, param);
        }
    });
}));
