/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What the SDK hides: the events of a stream, byte by byte, and the members
 * of each object.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { messages, model, withGateway } from './lib/client.mjs';


/* The events of a stream; each must be one "data:" line and a blank one. */

function events(body) {
    assert.ok(body.endsWith('\n\n'));

    return body.slice(0, -2).split('\n\n').map((event) => {
        assert.match(event, /^data: .*$/);
        return event.slice('data: '.length);
    });
}


function keys(object) {
    return Object.keys(object).sort().join(' ');
}


describe('on the wire', () => withGateway((gateway) => {

    const post = (body, { prefix = '/scripted', path = '/chat/completions',
                          headers = {} } = {}) =>
        fetch(gateway().url(prefix) + path, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json', ...headers },
            body: typeof body === 'string' ? body : JSON.stringify(body),
        });

    /* Checks a whole stream; returns its chunks. */

    function checkStream(body, texts, { usage = false } = {}) {
        const list = events(body);

        assert.equal(list.pop(), '[DONE]');
        assert.ok(!list.includes('[DONE]'));

        const chunks = list.map((event) => JSON.parse(event));
        const last = usage ? chunks.pop() : null;
        const more = usage ? ' usage' : '';

        for (const chunk of [...chunks, ...(last ? [last] : [])]) {
            assert.equal(chunk.id, chunks[0].id);
            assert.equal(chunk.object, 'chat.completion.chunk');
            assert.equal(chunk.created, chunks[0].created);
            assert.equal(chunk.model, model);
        }

        const allowed = /^(service_tier|system_fingerprint)$/;

        for (const chunk of chunks) {
            const [choice, ...others] = chunk.choices;
            const members = Object.keys(chunk)
                .filter((name) => !allowed.test(name)).sort().join(' ');

            assert.equal(members, `choices created id model object${more}`);
            assert.deepEqual(others, []);
            assert.equal(keys(choice), 'delta finish_reason index logprobs');
            assert.equal(choice.index, 0);
            assert.equal(choice.logprobs, null);

            if (usage) {
                assert.equal(chunk.usage, null);
            }
        }

        const deltas = chunks.map((chunk) => chunk.choices[0].delta);
        const ends = chunks.map((chunk) => chunk.choices[0].finish_reason);

        assert.deepEqual(deltas.shift(),
                         { role: 'assistant', content: '', refusal: null });
        assert.deepEqual(deltas.pop(), {});
        assert.equal(ends.pop(), 'stop');
        assert.ok(ends.every((reason) => reason === null));
        assert.deepEqual(deltas, texts.map((content) => ({ content })));

        if (last) {
            assert.deepEqual(last.choices, []);
        }

        return { chunks, last };
    }

    /* Pieces that arrive one by one, as the reader of body asks for them. */

    async function stepwise(texts, request) {
        let go;

        gateway().upstream.script(async (response) => {
            response.writeHead(200, { 'Content-Type': 'text/plain' });

            for (const text of texts) {
                const seen = new Promise((resolve) => { go = resolve; });

                response.write(text);
                await seen;
            }

            response.end();
        });

        const response = await post(request);
        const decoder = new TextDecoder();
        let body = '';
        let seen = 0;

        for await (const bytes of response.body) {
            body += decoder.decode(bytes, { stream: true });

            const now = body.split('"delta":{"content":').length - 1;

            if (now > seen) {
                assert.equal(now, seen + 1);
                seen = now;
                go();
            }
        }

        return { response, body };
    }

    const texts = ['One', ' two\n', '"three" \\', ' 漢字', ' 🚀'];

    it('a stream has its headers', async () => {
        gateway().upstream.text('Hello');

        const response = await post({ model, messages, stream: true });

        assert.equal(response.status, 200);
        assert.equal(response.headers.get('content-type'),
                     'text/event-stream; charset=utf-8');
        assert.equal(response.headers.get('cache-control'), 'no-cache');
        assert.equal(response.headers.get('x-accel-buffering'), 'no');
        assert.equal(response.headers.get('content-length'), null);
        assert.equal(response.headers.get('content-encoding'), null);
        assert.equal(response.headers.get('etag'), null);
        assert.equal(response.headers.get('openai-version'), '2020-10-01');
        assert.match(response.headers.get('openai-processing-ms'), /^\d+$/);
        assert.match(response.headers.get('x-request-id'), /^[0-9a-f]{32}$/);
        await response.text();
    });

    it('a stream is its events in order', async () => {
        const { body } = await stepwise(texts,
                                        { model, messages, stream: true });

        checkStream(body, texts);
    });

    it('a stream has usage when asked', async () => {
        const { body } = await stepwise(texts, {
            model, messages, stream: true,
            stream_options: { include_usage: true },
        });
        const { last } = checkStream(body, texts, { usage: true });

        assert.ok(Number.isInteger(last.usage.prompt_tokens));
        assert.ok(Number.isInteger(last.usage.completion_tokens));
        assert.equal(last.usage.total_tokens, last.usage.prompt_tokens
                                              + last.usage.completion_tokens);
    });

    it('a pseudo stream has the same events', async () => {
        const response = await post(
            { model, messages, stream: true,
              stream_options: { include_usage: true } },
            { prefix: '/pseudo' });
        const unary = await (await post({ model, messages },
                                        { prefix: '' })).json();
        const list = events(await response.text());
        const text = list.slice(0, -1).map((event) => JSON.parse(event))
            .map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');

        assert.equal(text, unary.choices[0].message.content);
        assert.equal(response.headers.get('content-type'),
                     'text/event-stream; charset=utf-8');
        assert.equal(list.at(-1), '[DONE]');
        assert.equal(list.filter((event) => event === '[DONE]').length, 1);
        assert.equal(list.filter((e) => e.includes('"role"')).length, 1);
        assert.deepEqual(JSON.parse(list.at(-2)).choices, []);
        assert.deepEqual(JSON.parse(list.at(-2)).usage, unary.usage);
    });

    it('tool calls are announced once, then argued', async () => {
        const calls = ['a', 'b'].map((name) => ({
            id: `call_${name}`, type: 'function',
            function: { name, arguments: `{"of":"${name}"}` },
        }));

        gateway().upstream.json(200, { response: { content: '',
                                                   tool_calls: calls } });

        const response = await post({
            model, messages, stream: true,
            tools: ['a', 'b'].map((name) => (
                { type: 'function', function: { name } })),
        });
        const list = events(await response.text());

        assert.equal(list.pop(), '[DONE]');

        const chunks = list.map((event) => JSON.parse(event));
        const deltas = chunks.flatMap((c) => c.choices[0].delta.tool_calls
                                             ?? []);
        const args = ['', ''];
        let latest = -1;

        for (const delta of deltas) {
            if (delta.index > latest) {
                assert.equal(delta.index, latest + 1);
                latest = delta.index;
                assert.equal(keys(delta), 'function id index type');
                assert.equal(keys(delta.function), 'arguments name');
                assert.equal(delta.id, calls[latest].id);
                assert.equal(delta.type, 'function');
                assert.equal(delta.function.name,
                             calls[latest].function.name);
            } else {
                assert.equal(delta.index, latest);
                assert.equal(keys(delta), 'function index');
                assert.equal(keys(delta.function), 'arguments');
            }

            args[latest] += delta.function.arguments;
        }

        assert.equal(latest, 1);
        assert.deepEqual(args, calls.map((call) => call.function.arguments));

        assert.deepEqual(chunks.at(-1).choices[0].delta, {});
        assert.equal(chunks.at(-1).choices[0].finish_reason, 'tool_calls');
    });

    it('a cut stream ends with an error event and no [DONE]', async () => {
        gateway().upstream.script((response) => {
            response.writeHead(200, { 'Content-Type': 'text/plain' });
            response.write('Half', () => response.socket.destroy());
        });

        const response = await post({ model, messages, stream: true });

        /* text() rejects unless the transfer ends as it should */
        const list = events(await response.text());
        const { error, ...others } = JSON.parse(list.at(-1));

        assert.equal(response.status, 200);
        assert.deepEqual(others, {});
        assert.equal(keys(error), 'code message param type');
        assert.equal(error.type, 'server_error');
        assert.equal(error.code, 'upstream_incomplete');
        assert.equal(error.param, null);
        assert.ok(!list.includes('[DONE]'));
        assert.ok(list.slice(0, -1).map((event) => JSON.parse(event))
            .every((chunk) => chunk.choices[0].finish_reason === null));
    });

    it('an error before the first byte is no stream', async () => {
        gateway().upstream.json(503, { detail: 'Down' });

        const response = await post({ model, messages, stream: true });
        const body = await response.json();

        assert.equal(response.status, 503);
        assert.match(response.headers.get('content-type'),
                     /^application\/json/);
        assert.deepEqual(body, { error: { message: 'Down',
                                          type: 'server_error',
                                          param: null, code: null } });
    });

    it('a unary reply has the members it must have', async () => {
        gateway().upstream.json(200, { response: 'Hello' });

        const body = await (await post({ model, messages })).json();
        const [choice] = body.choices;
        const allowed = /^(service_tier|system_fingerprint)$/;

        assert.deepEqual(
            Object.keys(body).filter((name) => !allowed.test(name)).sort(),
            ['choices', 'created', 'id', 'model', 'object', 'usage']);
        assert.equal(keys(choice), 'finish_reason index logprobs message');
        assert.deepEqual(
            Object.keys(choice.message)
                .filter((name) => name !== 'annotations').sort(),
            ['content', 'refusal', 'role']);
    });

    it('numbers and unknown members go up as they came', async () => {
        const { upstream } = gateway();

        upstream.json(200, { response: 'Hello' });

        const response = await post(
            '{"seed":12345678901234567890,"temperature":1.10,"x":1e400,'
            + '"model":"gpt-4o","user":"a","messages":[{"role":"user",'
            + '"content":"x","weight":0.10,"y":{"z":[1.0,-0]}}],"user":"b"}');

        assert.equal(response.status, 200);
        await response.text();

        const [{ body }] = upstream.calls;

        for (const part of ['"seed":12345678901234567890',
                            '"temperature":1.10', '"x":1e400',
                            '"weight":0.10', '"z":[1.0,-0]'])
        {
            assert.ok(body.includes(part), `${part} in ${body}`);
        }

        assert.equal(JSON.parse(body).user, 'jdoe');
        assert.equal(body.split('"user":').length - 1, 1);
    });

    for (const [title, body, code] of [
        ['nothing', '', 'invalid_json'],
        ['no JSON', '{"model":', 'invalid_json'],
        ['a list', '[]', 'invalid_type'],
        ['a hundred and one levels',
         `{"a":${'['.repeat(100)}${']'.repeat(100)}}`, 'json_too_deep'],
        ['far too many values',
         `{"a":[${'0,'.repeat(262144)}0]}`, 'json_too_large'],
    ]) {
        it(`a body of ${title} is refused`, async () => {
            const response = await post(body);
            const { error } = await response.json();

            assert.equal(response.status, 400);
            assert.equal(error.type, 'invalid_request_error');
            assert.equal(error.code, code);
            assert.equal(error.param, null);
        });
    }

    it('a model is retrieved by its encoded name', async () => {
        for (const name of ['argo:gpt-4o', 'argo%3Agpt-4o', 'openai/gpt-4o',
                            'openai%2Fgpt-4o'])
        {
            const response = await fetch(`${gateway().url()}/models/${name}`);
            const one = await response.json();

            assert.equal(response.status, 200, name);
            assert.equal(one.id, decodeURIComponent(name));
            assert.equal(one.object, 'model');
        }
    });

    it('health and version answer', async () => {
        const before = await gateway().stats();
        const health = await fetch(`${gateway().url()}/health`);
        const version = await fetch(`${gateway().url()}/version`);
        const head = await fetch(`${gateway().url()}/health`,
                                 { method: 'HEAD' });

        assert.deepEqual(await health.json(), { status: 'healthy' });
        assert.match(JSON.stringify(await version.json()),
                     /"\d+\.\d+\.\d+"/);
        assert.equal(head.status, 200);
        assert.equal(await head.text(), '');
        assert.deepEqual(await gateway().stats(), before);
    });
}));
