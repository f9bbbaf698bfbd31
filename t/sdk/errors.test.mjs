/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The official SDK: which of its error classes a failure becomes, what the
 * error tells, and what the SDK tries again.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { OpenAI, client, collect, failure, messages, model, textOf,
         withGateway } from './lib/client.mjs';
import { Gateway } from './lib/gateway.mjs';

const chat = { model, messages };
const streamed = { model, messages, stream: true };


/* Checks an error as a program that handles it sees it. */

function checkError(error, Class, expected) {
    assert.equal(error.constructor, Class,
                 `${error.constructor.name}: ${error.message}`);

    for (const [name, value] of Object.entries(expected)) {
        if (value instanceof RegExp) {
            assert.match(error[name], value);
        } else {
            assert.equal(error[name], value, `${name} of ${error.message}`);
        }
    }

    assert.match(error.requestID, /^[0-9a-f]{32}$/);
    assert.match(error.headers.get('content-type'), /^application\/json/);
    assert.deepEqual(Object.keys(error.error).sort(),
                     ['code', 'message', 'param', 'type']);
    assert.ok(error.error.message.length > 0);
}


describe('errors of the request', () => withGateway((gateway) => {
    const invalid = { status: 400, type: 'invalid_request_error' };
    const cases = [
        ['without a model', { messages },
         { code: 'missing_required_parameter', param: 'model' }],
        ['without messages', { model },
         { code: 'missing_required_parameter', param: 'messages' }],
        ['with empty messages', { model, messages: [] },
         { code: 'empty_array', param: 'messages' }],
        ['with messages of the wrong type', { model, messages: 'Hello' },
         { code: 'invalid_type', param: 'messages' }],
        ['with a role of the wrong type',
         { model, messages: [...messages, ...messages,
                             { role: 7, content: 'x' }] },
         { code: 'invalid_type', param: 'messages[2].role' }],
        ['with a part of the wrong type',
         { model, messages: [{ role: 'user', content: [
             { type: 'text', text: 'x' }, { type: 5 }] }] },
         { code: 'invalid_type', param: 'messages[0].content[1].type' }],
        ['with a model of the wrong type', { model: 4, messages },
         { code: 'invalid_type', param: 'model' }],
        ['with stream of the wrong type', { ...chat, stream: 'yes' },
         { code: 'invalid_type', param: 'stream' }],
        ['for several choices', { ...chat, n: 2 },
         { code: 'unsupported_parameter', param: 'n' }],
        ['for logprobs', { ...chat, logprobs: true },
         { code: 'unsupported_parameter', param: 'logprobs' }],
        ['for tools of a Claude model',
         { model: 'claude-sonnet-4-6', messages, tools: [
             { type: 'function', function: { name: 'f' } }] },
         { code: 'unsupported_parameter', param: 'tools' }],
    ];

    for (const [title, body, expected] of cases) {
        it(`${title}`, async () => {
            checkError(
                await failure(client(gateway())
                    .chat.completions.create(body)),
                OpenAI.BadRequestError, { ...invalid, ...expected });
        });
    }

    it('for several choices, as a stream', async () => {
        checkError(
            await failure(client(gateway())
                .chat.completions.create({ ...streamed, n: 2 })),
            OpenAI.BadRequestError,
            { ...invalid, code: 'unsupported_parameter', param: 'n' });
    });

    for (const body of [chat, streamed]) {
        it(`for an unknown model, stream: ${!!body.stream}`, async () => {
            checkError(
                await failure(client(gateway()).chat.completions.create(
                    { ...body, model: 'gpt-4p' })),
                OpenAI.NotFoundError,
                { status: 404, type: 'invalid_request_error',
                  code: 'model_not_found', param: 'model',
                  message: /argo:gpt-4o/ });
        });
    }

    it('of the stream helper', async () => {
        checkError(
            await failure(client(gateway()).chat.completions.stream(
                { messages, model: 'no-such-model' }).finalContent()),
            OpenAI.NotFoundError, { code: 'model_not_found' });
    });

    it('that is not made for this gateway', async () => {
        checkError(
            await failure(client(gateway()).files.list()),
            OpenAI.NotFoundError,
            { status: 404, type: 'invalid_request_error',
              code: 'unknown_url', param: null });
    });

    it('of the wrong method', async () => {
        const error = await failure(
            client(gateway()).get('/chat/completions'));

        checkError(error, OpenAI.APIError,
                   { status: 405, type: 'invalid_request_error',
                     code: 'method_not_allowed', param: null });
        assert.equal(error.headers.get('allow'), 'POST');
    });

    it('that is too large', async () => {
        checkError(
            await failure(client(gateway(), { prefix: '/small' })
                .chat.completions.create({
                    model, messages: [{ role: 'user',
                                        content: 'x'.repeat(2000) }],
                })),
            OpenAI.APIError,
            { status: 413, type: 'invalid_request_error',
              code: 'request_too_large', param: null });
    });

    it('whose user is not known', async () => {
        checkError(
            await failure(client(gateway(), { prefix: '/nouser' })
                .chat.completions.create(chat)),
            OpenAI.AuthenticationError,
            { status: 401, type: 'authentication_error',
              code: 'missing_user', param: null });
    });

    it('without the password that nginx wants', async () => {
        checkError(
            await failure(client(gateway(), { prefix: '/password' })
                .chat.completions.create(chat)),
            OpenAI.AuthenticationError,
            { status: 401, type: 'authentication_error',
              code: null, param: null });
    });

    it('that nginx denies', async () => {
        checkError(
            await failure(client(gateway(), { prefix: '/denied' })
                .chat.completions.create(chat)),
            OpenAI.PermissionDeniedError,
            { status: 403, type: 'permission_error',
              code: null, param: null });
    });

    it('that comes too soon after the one before', async () => {
        const openai = client(gateway(), { prefix: '/limited' });

        await openai.chat.completions.create(chat);

        checkError(
            await failure(openai.chat.completions.create(chat)),
            OpenAI.RateLimitError,
            { status: 429, type: 'rate_limit_error',
              code: 'rate_limit_exceeded', param: null });
    });
}));


describe('errors of ARGO', () => withGateway((gateway) => {
    const openai = () => client(gateway(), { prefix: '/scripted' });
    const server = { type: 'server_error', param: null };
    const html = '<html><head><title>502 Bad Gateway</title></head></html>';
    const cases = [
        [400, { error: { message: 'Invalid model', type: 'x', code: 'bad',
                         param: 'model' } },
         OpenAI.BadRequestError,
         { type: 'invalid_request_error', code: 'bad', param: 'model',
           message: '400 Invalid model' }],
        [400, { error: 'just a string' }, OpenAI.BadRequestError,
         { type: 'invalid_request_error', code: null, param: null,
           message: '400 just a string' }],
        [401, { detail: 'Who are you?' }, OpenAI.AuthenticationError,
         { type: 'authentication_error', message: '401 Who are you?' }],
        [403, { message: 'Not for you' }, OpenAI.PermissionDeniedError,
         { type: 'permission_error', message: '403 Not for you' }],
        [404, { detail: 'Not Found' }, OpenAI.NotFoundError,
         { type: 'invalid_request_error', message: '404 Not Found' }],
        [422, { detail: [{ loc: ['body', 'messages'],
                           msg: 'field required', type: 'missing' }] },
         OpenAI.UnprocessableEntityError,
         { type: 'invalid_request_error',
           message: /messages.*field required/s }],
        [429, { detail: 'Slow down' }, OpenAI.RateLimitError,
         { type: 'rate_limit_error', code: 'rate_limit_exceeded',
           message: '429 Slow down' }],
        [500, { error: { message: 'Streaming is required', code: null } },
         OpenAI.InternalServerError,
         { ...server, message: '500 Streaming is required' }],
        [502, html, OpenAI.InternalServerError,
         { ...server, message: /^502 .*HTML/ }],
        [503, '', OpenAI.InternalServerError,
         { ...server, message: /^503 ./ }],
        [504, html, OpenAI.InternalServerError,
         { ...server, message: /^504 .*HTML/ }],
    ];

    for (const [status, body, Class, expected] of cases) {
        for (const request of [chat, streamed]) {
            const what = `${status} ${JSON.stringify(body).slice(0, 30)}`
                + `, stream: ${!!request.stream}`;

            it(`are passed on: ${what}`, async () => {
                const text = typeof body === 'string' ? body
                                                      : JSON.stringify(body);

                gateway().upstream.json(status, text, {
                    'Content-Type': text.startsWith('<') ? 'text/html'
                                                         : 'application/json',
                });

                checkError(
                    await failure(openai().chat.completions.create(request)),
                    Class, { status, ...expected });
            });
        }
    }

    for (const request of [chat, streamed]) {
        const what = `stream: ${!!request.stream}`;

        it(`keep Retry-After, ${what}`, async () => {
            gateway().upstream.json(429, { detail: 'Wait' },
                                    { 'Retry-After': '7' });

            const error =
                await failure(openai().chat.completions.create(request));

            assert.equal(error.headers.get('retry-after'), '7');
        });

        it(`denial in a 200, ${what}`, async () => {
            const text = '\n\n⚠️ **IMPORTANT AUTHENTICATION NOTICE FROM ARGO**'
                + " ⚠️\n\n🚫 **ACCESS DENIED** 🚫\n\nThe username 'jdoe' is"
                + ' not authorized to use the Argo Gateway API.';

            if (request.stream) {
                gateway().upstream.text(text.slice(0, 20), text.slice(20));
            } else {
                gateway().upstream.json(200, { response: text });
            }

            checkError(
                await failure(openai().chat.completions.create(request)),
                OpenAI.PermissionDeniedError,
                { status: 403, type: 'permission_error',
                  code: 'argo_access_denied', param: null });
        });

        it(`misuse told in a 200, ${what}`, async () => {
            const text = 'You passed a messages field along with a system and'
                + ' or prompt field. Please only pass messages with any'
                + ' system and user prompts included, or only pass system'
                + ' and prompt alone.';

            if (request.stream) {
                gateway().upstream.text(text);
            } else {
                gateway().upstream.json(200, { response: text });
            }

            checkError(
                await failure(openai().chat.completions.create(request)),
                OpenAI.BadRequestError,
                { status: 400, type: 'invalid_request_error',
                  code: 'argo_rejected', param: null });
        });

        it(`a redirect, ${what}`, async () => {
            gateway().upstream.json(307, '', { Location: '/elsewhere' });

            checkError(
                await failure(openai().chat.completions.create(request)),
                OpenAI.InternalServerError,
                { ...server, status: 502, code: 'upstream_invalid_reply' });
        });

        it(`nobody there, ${what}`, async () => {
            checkError(
                await failure(client(gateway(), { prefix: '/dead' })
                    .chat.completions.create(request)),
                OpenAI.InternalServerError,
                { ...server, status: 502, code: 'upstream_unreachable' });
        });

        it(`no answer in time, ${what}`, async () => {
            checkError(
                await failure(client(gateway(), { prefix: '/slow',
                                                  sim: 'delay=60000' })
                    .chat.completions.create(request)),
                OpenAI.InternalServerError,
                { ...server, status: 504, code: 'upstream_timeout' });
        });

        it(`a reset instead of an answer, ${what}`, async () => {
            gateway().upstream.script((response) => {
                response.socket.resetAndDestroy();
            });

            checkError(
                await failure(openai().chat.completions.create(request)),
                OpenAI.InternalServerError,
                { ...server, status: 502, code: 'upstream_unreachable' });
        });
    }

    const invalid = [
        ['is not JSON', 'Hello!', 'application/json'],
        ['has no response', '{"result":"Hello!"}', 'application/json'],
        ['has a response of the wrong type', '{"response":5}',
         'application/json'],
        ['is a page', html, 'text/html'],
    ];

    for (const [title, body, type] of invalid) {
        it(`a 200 that ${title}`, async () => {
            gateway().upstream.json(200, body, { 'Content-Type': type });

            checkError(
                await failure(openai().chat.completions.create(chat)),
                OpenAI.InternalServerError,
                { ...server, status: 502, code: 'upstream_invalid_reply' });
        });
    }

    it('a page in place of a stream', async () => {
        gateway().upstream.json(200, html, { 'Content-Type': 'text/html' });

        checkError(
            await failure(openai().chat.completions.create(streamed)),
            OpenAI.InternalServerError,
            { ...server, status: 502, code: 'upstream_invalid_reply' });
    });

    it('a unary reply that is cut', async () => {
        gateway().upstream.script((response) => {
            response.writeHead(200, { 'Content-Type': 'application/json',
                                      'Content-Length': 1000 });
            response.write('{"response":"Hello', () => {
                response.socket.destroy();
            });
        });

        checkError(
            await failure(openai().chat.completions.create(chat)),
            OpenAI.InternalServerError,
            { ...server, status: 502, code: 'upstream_incomplete' });
    });

    it('a stream that is cut before its first byte', async () => {
        gateway().upstream.script((response) => {
            response.writeHead(200, { 'Content-Type': 'text/plain' });
            response.flushHeaders();
            response.socket.end();
        });

        checkError(
            await failure(openai().chat.completions.create(streamed)),
            OpenAI.InternalServerError,
            { ...server, status: 502, code: 'upstream_incomplete' });
    });

    for (const way of ['destroy', 'resetAndDestroy']) {
        it(`a stream that is cut later, ${way}`, async () => {
            const { upstream } = gateway();
            let cut;

            upstream.script((response) => {
                response.writeHead(200, { 'Content-Type': 'text/plain' });
                response.write('The answer is 4');
                cut = () => response.socket[way]();
            });

            const stream = await openai().chat.completions.create(streamed);
            const items = [];
            const error = await failure((async () => {
                for await (const chunk of stream) {
                    items.push(chunk);

                    if (textOf(items) === 'The answer is 4') {
                        cut();
                    }
                }
            })());

            assert.equal(error.constructor, OpenAI.APIError);
            assert.equal(error.type, 'server_error');
            assert.equal(error.param, null);
            assert.equal(error.code, 'upstream_incomplete');
            assert.equal(error.status, undefined);
            assert.match(error.requestID, /^[0-9a-f]{32}$/);
            assert.ok(error.message.length > 0);
            assert.equal(textOf(items), 'The answer is 4');
            assert.ok(items.every((c) => c.choices[0].finish_reason === null));
        });
    }

    it('a stream that is silent after its header', async () => {
        checkError(
            await failure(client(gateway(), { prefix: '/slow',
                                              sim: 'stall=0' })
                .chat.completions.create(streamed)),
            OpenAI.InternalServerError, { ...server, status: 504,
                                          code: 'upstream_timeout' });
    });

    it('a stream that falls silent', async () => {
        const stream = await client(gateway(), {
            prefix: '/slow', sim: 'text=lorem,stall=40'
        }).chat.completions.create(streamed);
        const { items, error } = await collect(stream);

        assert.equal(error.constructor, OpenAI.APIError);
        assert.equal(error.type, 'server_error');
        assert.equal(error.code, 'upstream_timeout');
        assert.equal(error.param, null);
        assert.equal(textOf(items).length, 40);
        assert.ok(items.every((c) => c.choices[0].finish_reason === null));
    });

    for (const sim of ['cut=40', 'reset=40', 'badchunk=40']) {
        it(`a stream that is broken: ${sim}`, async () => {
            const stream = await client(gateway(), {
                sim: `text=lorem, interval=1, ${sim}`
            }).chat.completions.create(streamed);
            const { items, error } = await collect(stream);

            assert.equal(error.constructor, OpenAI.APIError);
            assert.equal(error.type, 'server_error');
            assert.equal(error.code, 'upstream_incomplete');
            assert.ok(textOf(items).length <= 40);
            assert.ok(items.every((c) => c.choices[0].finish_reason === null));
        });
    }

    it('a cut stream, as the helper tells it', async () => {
        gateway().upstream.script((response) => {
            response.writeHead(200, { 'Content-Type': 'text/plain' });
            response.write('The answer', () => response.socket.destroy());
        });

        const error = await failure(openai().chat.completions
            .stream(chat).finalChatCompletion());

        assert.ok(error instanceof OpenAI.APIError);
        assert.equal(error.type, 'server_error');
    });
}));


describe('retries', () => withGateway((gateway) => {
    const patient = () => client(gateway(), { prefix: '/scripted',
                                              maxRetries: 2 });

    /*
     * Asks for each status at once, since the SDK waits between its tries;
     * returns how many calls each took.
     */
    async function callsFor(statuses) {
        const { upstream } = gateway();
        const calls = {};

        upstream.script((response, call) => {
            const status = Number(JSON.parse(call.body).messages[0].content);

            calls[status] = (calls[status] ?? 0) + 1;
            response.writeHead(status, { 'Content-Type': 'application/json',
                                         'Retry-After': '1' });
            response.end('{"detail":"No"}');
        });

        await Promise.all(statuses.map(async (status) => {
            const error = await failure(patient().chat.completions.create(
                { model, messages: [{ role: 'user', content: `${status}` }] }
            ));

            assert.equal(error.status, status);
        }));

        return calls;
    }

    it('are made where they may help', async () => {
        assert.deepEqual(await callsFor([408, 429, 500, 502, 503, 504]),
                         { 408: 3, 429: 3, 500: 3, 502: 3, 503: 3, 504: 3 });
    });

    it('are not made where they would be in vain', async () => {
        assert.deepEqual(await callsFor([400, 401, 403, 404, 413, 422]),
                         { 400: 1, 401: 1, 403: 1, 404: 1, 413: 1, 422: 1 });
    });

    it('are not made after a denial', async () => {
        const { upstream } = gateway();

        upstream.json(200, { response:
            '\n\n⚠️ **IMPORTANT AUTHENTICATION NOTICE FROM ARGO** ⚠️\n\n' });

        const error = await failure(patient().chat.completions.create(chat));

        assert.equal(error.status, 403);
        assert.equal(upstream.calls.length, 1);
    });

    for (const request of [chat, streamed]) {
        it(`succeed in the end, stream: ${!!request.stream}`, async () => {
            const { upstream } = gateway();

            upstream.script((response) => {
                if (upstream.calls.length < 3) {
                    response.socket.destroy();
                    return;
                }

                if (request.stream) {
                    response.writeHead(200, { 'Content-Type': 'text/plain' });
                    response.end('At last.');
                } else {
                    response.setHeader('Content-Type', 'application/json');
                    response.end('{"response":"At last."}');
                }
            });

            const reply = await patient().chat.completions.create(request);
            const text = request.stream
                ? textOf((await collect(reply)).items)
                : reply.choices[0].message.content;

            assert.equal(text, 'At last.');
            assert.equal(upstream.calls.length, 3);
        });
    }

    it('are not made once a stream has begun', async () => {
        const { upstream } = gateway();

        upstream.script((response) => {
            response.writeHead(200, { 'Content-Type': 'text/plain' });
            response.write('Half of', () => response.socket.destroy());
        });

        const { error } = await collect(
            await patient().chat.completions.create(streamed));

        assert.equal(error.constructor, OpenAI.APIError);
        assert.equal(upstream.calls.length, 1);
    });
}));


describe('a gateway that is down', () => {

    it('is a failed connection', async () => {
        const gateway = await Gateway.start();

        try {
            const openai = client(gateway);

            await openai.chat.completions.create(chat);
            assert.equal(await gateway.stop(), '');

            const error = await failure(openai.chat.completions.create(chat));

            assert.equal(error.constructor, OpenAI.APIConnectionError);
            assert.equal(error.status, undefined);
        } finally {
            await gateway.cleanup();
        }
    });
});
