/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The official SDK: text completions, unary and streamed.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { OpenAI, client, collect, failure, model, withGateway }
    from './lib/client.mjs';

const odd = 'Grüße 漢字 🚀👩‍🔬 "\\n" \u2028 data: [DONE]';


/* The texts of a stream's choices, by index. */

function texts(chunks) {
    const found = [];

    for (const { choices: [choice] } of chunks) {
        if (choice) {
            found[choice.index] = (found[choice.index] ?? '') + choice.text;
        }
    }

    return found;
}


describe('unary completion', () => withGateway((gateway) => {

    it('has the shape that the API promises', async () => {
        const reply = await client(gateway()).completions.create({
            model, prompt: 'Say something.',
        });

        assert.match(reply.id, /^cmpl-[A-Za-z0-9]{29}$/);
        assert.equal(reply.object, 'text_completion');
        assert.ok(Number.isInteger(reply.created));
        assert.equal(reply.model, model);
        assert.deepEqual(reply.choices, [{
            text: 'You said: Say something.',
            index: 0,
            logprobs: null,
            finish_reason: 'stop',
        }]);
        assert.ok(reply.usage.prompt_tokens > 0);
        assert.ok(reply.usage.completion_tokens > 0);
        assert.equal(reply.usage.total_tokens, reply.usage.prompt_tokens
                     + reply.usage.completion_tokens);
        assert.match(reply._request_id, /^[0-9a-f]{32}$/);
    });

    it('carries text unharmed, both ways', async () => {
        const { upstream } = gateway();

        upstream.json(200, { response: odd });

        const reply = await client(gateway(), { prefix: '/scripted' })
            .completions.create({ model, prompt: odd, temperature: 0.25,
                                  max_tokens: 17, stop: ['END'],
                                  user: 'somebody-else' });

        assert.equal(reply.choices[0].text, odd);
        assert.deepEqual(upstream.body, {
            model: 'gpt4o',
            user: 'jdoe',
            messages: [{ role: 'user', content: odd }],
            temperature: 0.25,
            max_tokens: 17,
            stop: ['END'],
        });
    });

    it('makes a choice for each of several prompts', async () => {
        const prompt = ['one', 'two', odd];
        const reply = await client(gateway())
            .completions.create({ model, prompt });

        assert.deepEqual(
            reply.choices.map(({ index, text }) => [index, text]),
            prompt.map((text, i) => [i, `You said: ${text}`]));
    });

    for (const vendor of ['claude-sonnet-4-6', 'gemini-2.5-pro']) {
        it(`is answered by ${vendor}`, async () => {
            const reply = await client(gateway())
                .completions.create({ model: vendor, prompt: 'Hello' });

            assert.equal(reply.choices[0].text, 'You said: Hello');
            assert.equal(reply.model, vendor);
        });
    }
}));


for (const [way, prefix] of [['streamed', ''], ['pseudo', '/pseudo']]) {

    describe(`stream of completions, ${way}`, () => withGateway((gw) => {

        it('says the same as the unary reply', async () => {
            const openai = client(gw(), { prefix });
            const prompt = `repeat: ${odd}`;
            const { items, error } = await collect(
                await openai.completions.create({ model, prompt,
                                                  stream: true }));
            const reply = await openai.completions.create({ model, prompt });

            assert.equal(error, undefined);
            assert.deepEqual(texts(items), [reply.choices[0].text]);
            assert.equal(new Set(items.map(({ id }) => id)).size, 1);
            assert.ok(items.every((chunk) =>
                chunk.object === 'text_completion' && !('usage' in chunk)));
            assert.deepEqual(
                items.map(({ choices: [c] }) => c.finish_reason)
                    .filter(Boolean), ['stop']);
            assert.equal(items.at(-1).choices[0].finish_reason, 'stop');
        });

        it('says the same for several prompts, with usage', async () => {
            const openai = client(gw(), { prefix });
            const prompt = ['count to 5', `repeat: ${odd}`, 'Hello'];
            const { items, error } = await collect(
                await openai.completions.create({
                    model, prompt, stream: true,
                    stream_options: { include_usage: true },
                }));
            const reply = await openai.completions.create({ model, prompt });

            assert.equal(error, undefined);
            assert.deepEqual(texts(items),
                             reply.choices.map(({ text }) => text));

            const last = items.pop();

            assert.deepEqual(last.choices, []);
            assert.deepEqual(last.usage, reply.usage);
            assert.ok(items.every(({ usage }) => usage === null));
            assert.deepEqual(
                items.map(({ choices: [c] }) => c)
                    .filter((c) => c.finish_reason)
                    .map(({ index }) => index), [0, 1, 2]);
        });
    }));
}


describe('errors of completions', () => withGateway((gateway) => {
    const request = { model, prompt: 'Hello' };

    for (const [param, value] of Object.entries({
        n: 2, best_of: 2, echo: true, suffix: 'x', logprobs: 1,
    })) {
        it(`names ${param}`, async () => {
            for (const stream of [false, true]) {
                const error = await failure(client(gateway())
                    .completions.create({ ...request, stream,
                                          [param]: value }));

                assert.equal(error.constructor, OpenAI.BadRequestError);
                assert.equal(error.param, param);
                assert.equal(error.code, 'unsupported_parameter');
                assert.match(error.requestID, /^[0-9a-f]{32}$/);
            }
        });
    }

    it('takes token ids', async () => {
        // "Hello world" in o200k_base
        const { choices } = await client(gateway())
            .completions.create({ model: 'gpt-4o', prompt: [13225, 2375] });

        assert.match(choices[0].text, /Hello world/);
    });

    it('names prompt', async () => {
        for (const prompt of [[-1], [[1], [1e9]], [], undefined]) {
            const error = await failure(client(gateway())
                .completions.create({ model, prompt }));

            assert.equal(error.constructor, OpenAI.BadRequestError);
            assert.equal(error.param, 'prompt');
        }
    });

    for (const [sim, Class] of [
        ['status=401', OpenAI.AuthenticationError],
        ['text=denied', OpenAI.PermissionDeniedError],
        ['text=misuse', OpenAI.BadRequestError],
        ['status=422, body=detail_array', OpenAI.UnprocessableEntityError],
        ['status=429, body=json', OpenAI.RateLimitError],
        ['text=nonetype', OpenAI.InternalServerError],
        ['status=502, body=html', OpenAI.InternalServerError],
        ['cut', OpenAI.InternalServerError],
        ['reset', OpenAI.InternalServerError],
    ]) {
        it(`has its class: ${sim}`, async () => {
            for (const stream of [false, true]) {
                for (const prompt of ['Hello', ['Hello', 'world']]) {
                    const error = await failure(
                        client(gateway(), { sim }).completions.create({
                            model, prompt, stream }));

                    assert.equal(error.constructor, Class, error.message);
                }
            }
        });
    }

    it('is raised in the middle of a stream', async () => {
        const { items, error } = await collect(
            await client(gateway(), { sim: 'chunks=5, cut=20' })
                .completions.create({ ...request, stream: true }));

        assert.ok(error instanceof OpenAI.APIError);
        assert.equal(error.code, 'upstream_incomplete');
        assert.equal(error.type, 'server_error');
        assert.match(texts(items)[0], /^chunk 1 chunk 2/);
        assert.ok(items.every(({ choices: [c] }) => !c.finish_reason));
    });

    it('is raised for the second of two prompts', async () => {
        const { upstream } = gateway();

        for (const stream of [false, true]) {
            upstream.script((response, call) => {
                if (upstream.calls.length === 2) {
                    response.writeHead(500, {
                        'Content-Type': 'application/json'
                    });
                    response.end('{"detail":"No more."}');
                    return;
                }

                response.setHeader('Content-Type', stream ? 'text/plain'
                                                          : 'application/json');
                response.end(stream ? 'First' : '{"response":"First"}');
            });

            const promise = client(gateway(), { prefix: '/scripted' })
                .completions.create({ model, prompt: ['a', 'b', 'c'],
                                      stream });

            if (!stream) {
                const error = await failure(promise);

                assert.equal(error.constructor, OpenAI.InternalServerError);
                assert.match(error.message, /No more\./);

            } else {
                const { items, error } = await collect(await promise);

                assert.deepEqual(texts(items), ['First']);
                assert.ok(error instanceof OpenAI.APIError);
                assert.match(error.message, /No more\./);
            }

            assert.equal(upstream.calls.length, 2);
        }
    });
}));
