/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Anthropic's official SDK, with models of all vendors: messages, unary and
 * streamed, tools, images, thinking, structured output, errors, counts.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';

import Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { jsonSchemaOutputFormat } from '@anthropic-ai/sdk/helpers/json-schema';

import { collect, failure } from './lib/client.mjs';
import { describeNative, endless, has, models, never, odd, png }
    from './lib/native.mjs';
import { script, scriptTurns } from './lib/vendor.mjs';

const max_tokens = 1024;
const say = (content) => ({ max_tokens,
                            messages: [{ role: 'user', content }] });

const weather = {
    name: 'get_weather',
    description: 'The weather of a place',
    input_schema: {
        type: 'object',
        properties: { location: { type: 'string' } },
        required: ['location'],
    },
};

const answerSchema = {
    type: 'object', properties: { answer: { type: 'integer' } },
    required: ['answer'], additionalProperties: false,
};


function client(gateway, { prefix, sim, ...options } = {}) {
    return new Anthropic({
        apiKey: 'jdoe',
        baseURL: gateway.base(prefix),
        maxRetries: 0,
        defaultHeaders: sim ? { 'X-Argo-Sim': sim } : {},
        ...options,
    });
}


/* What must hold of the events of any stream that is complete. */

function checkEvents(events) {
    assert.equal(events[0].type, 'message_start');
    assert.deepEqual(events[0].message.content, []);
    assert.equal(events[0].message.stop_reason, null);
    assert.equal(events.at(-2).type, 'message_delta');
    assert.equal(events.at(-1).type, 'message_stop');

    let open = -1;
    let index = 0;

    for (const event of events) {
        switch (event.type) {

        case 'content_block_start':
            assert.equal(open, -1);
            assert.equal(event.index, index);
            open = index++;
            break;

        case 'content_block_delta':
            assert.equal(event.index, open);
            break;

        case 'content_block_stop':
            assert.equal(event.index, open);
            open = -1;
            break;

        default:
            assert.equal(open, -1, event.type);
        }
    }

    for (const type of ['message_start', 'message_delta', 'message_stop']) {
        assert.equal(events.filter((e) => e.type === type).length, 1, type);
    }
}


const textOf = (message) => message.content
    .map((block) => block.text ?? '').join('');


for (const [vendor, model] of Object.entries(models)) {

describeNative(`Anthropic's SDK, a model of ${vendor}`, (gateway) => {

    it('answers', async () => {
        const { data, response } = await client(gateway()).messages
            .create({ model, ...say('Hello') }).withResponse();

        assert.match(data.id, /^msg_/);
        has(data, { type: 'message', role: 'assistant', model,
                    stop_reason: 'end_turn', stop_sequence: null });
        assert.deepEqual(data.content.map(({ type, text }) =>
            ({ type, text })), [{ type: 'text', text: 'You said: Hello' }]);
        assert.ok(data.usage.input_tokens > 0);
        assert.ok(data.usage.output_tokens > 0);
        assert.ok(response.headers.get('request-id'));
        assert.equal(data._request_id, response.headers.get('request-id'));
    });

    it('answers without a limit that is too much for one call', async () => {
        const message = await client(gateway()).messages.create(
            { model, ...say('count to 2000'), max_tokens: 60000 },
            { timeout: 600000 });

        assert.equal(textOf(message).split('\n').length, 2000);
        assert.equal(message.stop_reason, 'end_turn');
    });

    it('streams', async () => {
        const stream = await client(gateway()).messages
            .create({ model, ...say('count to 50'), stream: true });
        const { items, error } = await collect(stream);

        assert.equal(error, undefined);
        checkEvents(items);
        assert.ok(items[0].message.usage.input_tokens > 0);
        assert.ok(items.at(-2).usage.output_tokens > 0);
        assert.equal(items.at(-2).delta.stop_reason, 'end_turn');
        assert.ok(items.filter((e) => e.type === 'content_block_delta')
                      .length > 10);
    });

    it('streams what it would answer unstreamed', async () => {
        const same = ({ id, usage, parsed_output, ...message }) =>
            JSON.parse(JSON.stringify({
                ...message, content: message.content.map(({ type, text }) =>
                    ({ type, text })),
            }));
        const sdk = client(gateway());
        const unary = await sdk.messages.create({ model,
                                                  ...say(`repeat: ${odd}`) });
        const stream = sdk.messages.stream({ model,
                                             ...say(`repeat: ${odd}`) });
        const pieces = [];

        stream.on('text', (piece) => pieces.push(piece));

        const message = await stream.finalMessage();

        assert.deepEqual(same(message), same(unary));
        assert.equal(pieces.join(''), odd);
        assert.equal(textOf(unary), odd);
    });

    for (const stream of [false, true]) {
        it(`calls a tool and reads its result, stream: ${stream}`,
           async () => {
            const sdk = client(gateway());
            const ask = async (messages) => {
                const body = { model, max_tokens, messages,
                               tools: [weather] };

                return stream
                    ? await sdk.messages.stream(body).finalMessage()
                    : await sdk.messages.create(body);
            };
            const question = { role: 'user', content: 'Is it warm?' };
            const first = await ask([question]);

            assert.equal(first.stop_reason, 'tool_use');

            const call = first.content.find(({ type }) =>
                type === 'tool_use');

            assert.equal(call.name, 'get_weather');
            assert.deepEqual(call.input, { location: 'location' });
            assert.ok(call.id.length > 0);

            const second = await ask([
                question,
                { role: 'assistant', content: first.content },
                { role: 'user', content: [
                    { type: 'tool_result', tool_use_id: call.id,
                      content: 'sunny' },
                ] },
            ]);

            assert.equal(second.stop_reason, 'end_turn');
            assert.equal(textOf(second), 'The tool answered: sunny');
        });

        it(`runs tools by itself, stream: ${stream}`, async () => {
            const asked = [];
            const tool = betaTool({
                name: weather.name, description: weather.description,
                inputSchema: weather.input_schema,
                run: async (input) => {
                    asked.push(input);
                    return 'sunny';
                },
            });
            const message = await client(gateway()).beta.messages
                .toolRunner({ model, ...say('Is it warm?'), stream,
                              tools: [tool] })
                .runUntilDone();

            assert.deepEqual(asked, [{ location: 'location' }]);
            assert.equal(textOf(message), 'The tool answered: sunny');
        });
    }

    it('is made to call a tool, or not to', async () => {
        const sdk = client(gateway());
        const other = { ...weather, name: 'get_time' };
        const body = { model, ...say('Now?'), tools: [weather, other] };
        const named = await sdk.messages.create(
            { ...body, tool_choice: { type: 'tool', name: 'get_time' } });

        assert.equal(named.content.find(({ type }) => type === 'tool_use')
                         .name, 'get_time');

        const none = await sdk.messages.create(
            { ...body, tool_choice: { type: 'none' } });

        assert.equal(none.stop_reason, 'end_turn');
        assert.equal(textOf(none), 'You said: Now?');
    });

    it('carries an image', async () => {
        const message = await client(gateway()).messages.create({
            model, ...say([
                { type: 'text', text: 'What is it?' },
                { type: 'image', source: { type: 'base64', data: png,
                                           media_type: 'image/png' } },
            ]),
        });

        assert.match(textOf(message), /image\/png, 68 bytes/);
    });

    it('carries a conversation', async () => {
        const { upstream } = gateway();

        script(upstream, [{ text: odd }]);

        const message = await client(gateway(), { prefix: '/scripted' })
            .messages.create({
                model, max_tokens, system: [{ type: 'text', text: odd }],
                messages: [
                    { role: 'user', content: odd },
                    { role: 'assistant', content: 'Yes?' },
                    { role: 'user', content: [{ type: 'text', text: odd }] },
                ],
            });

        assert.equal(textOf(message), odd);

        const call = upstream.calls.at(-1);
        const texts = JSON.stringify(JSON.parse(call.body))
            .split(JSON.stringify(odd).slice(1, -1)).length - 1;

        assert.equal(texts, 3);
        assert.equal(upstream.body.user ?? call.headers['x-api-key'],
                     'jdoe');
    });

    it('answers as a schema says', async () => {
        const { upstream } = gateway();

        script(upstream, [{ text: '{"answer":42}' }]);

        const message = await client(gateway(), { prefix: '/scripted' })
            .messages.parse({
                model, ...say('What is it?'), output_config: {
                    format: jsonSchemaOutputFormat(answerSchema),
                },
            });

        assert.deepEqual(message.parsed_output, { answer: 42 });
        assert.match(upstream.calls.at(-1).body,
                     /"type":"json_schema".*"answer":\{"type":"integer"\}/);
    });

    it('ends with its limit', async () => {
        const { upstream } = gateway();

        script(upstream, [{ text: 'One, two' }], { finish: 'length' });

        const sdk = client(gateway(), { prefix: '/scripted' });
        const body = { model, ...say('Count') };

        for (const message of [await sdk.messages.create(body),
                               await sdk.messages.stream(body)
                                   .finalMessage()])
        {
            assert.equal(message.stop_reason, 'max_tokens');
            assert.equal(textOf(message), 'One, two');
        }
    });

    it('tells the tokens that ARGO told', async () => {
        const { upstream } = gateway();

        script(upstream, [{ text: 'Hello' }]);

        const sdk = client(gateway(), { prefix: '/scripted' });
        const body = { model, ...say('Hello') };
        const unary = await sdk.messages.create(body);
        const { items } = await collect(
            await sdk.messages.create({ ...body, stream: true }));

        checkEvents(items);

        for (const usage of [unary.usage, items.at(-2).usage]) {
            assert.equal(usage.output_tokens, 7);
        }

        /* OpenAI's prompt_tokens count what was cached, Anthropic's don't */
        assert.equal(unary.usage.input_tokens
                     + (vendor === 'anthropic'
                        ? 0 : unary.usage.cache_read_input_tokens), 11);
        assert.equal(unary.usage.cache_read_input_tokens, 3);
        assert.ok(items[0].message.usage.input_tokens > 0);
    });

    it('counts tokens', async () => {
        const sdk = client(gateway());
        const count = async (content, more) => (await sdk.messages
            .countTokens({ model, messages: [{ role: 'user', content }],
                           ...more })).input_tokens;
        const short = await count('Hello');
        const long = await count('Hello, how are you today? '.repeat(100));

        assert.ok(short > 0);
        assert.ok(long > 10 * short, `${long} and ${short}`);
        assert.ok(await count('Hello', { tools: [weather] }) > short);
        assert.ok(await count('Hello', { system: 'Be kind.', tools: [] })
                  > short);
    });

    it('gives up before the first byte', async () => {
        await gateway().aborts(async () => {
            const controller = new AbortController();
            const failed = failure(client(gateway(), { sim: never })
                .messages.create({ model, ...say('Hello') },
                                 { signal: controller.signal }));

            await gateway().underWay();
            controller.abort();
            assert.ok(await failed instanceof Anthropic.APIUserAbortError);
        });
    });

    it('gives up in mid-stream', async () => {
        await gateway().aborts(async () => {
            const stream = client(gateway(), { sim: endless })
                .messages.stream({ model, ...say('Hello') });

            stream.once('text', () => stream.abort());
            assert.ok(await failure(stream.done())
                      instanceof Anthropic.APIUserAbortError);
        });
    });

    it('counts by itself where ARGO does not', async () => {
        const { upstream } = gateway();

        upstream.json(404, { detail: 'Not Found' });

        const { input_tokens } = await client(
            gateway(), { prefix: '/scripted' }).messages.countTokens(
                { model, messages: [{ role: 'user', content: 'Hello' }] });

        assert.ok(input_tokens > 0);
    });

    it('serves many at once', async () => {
        const sdk = client(gateway());

        await Promise.all(Array.from({ length: 40 }, async (unused, i) => {
            const body = { model, ...say(`repeat: I am ${i}.`) };
            const message = i % 2 ? await sdk.messages.create(body)
                : await sdk.messages.stream(body).finalMessage();

            assert.equal(textOf(message), `I am ${i}.`);
        }));
    });

    it('speaks over the legacy API as well', async () => {
        const sdk = client(gateway(), { prefix: '/legacy' });
        const unary = await sdk.messages.create({ model, ...say('Hello') });
        const streamed = await sdk.messages.stream({ model, ...say('Hello') })
            .finalMessage();

        for (const message of [unary, streamed]) {
            assert.equal(textOf(message), 'You said: Hello');
            assert.equal(message.stop_reason, 'end_turn');
            assert.ok(message.usage.input_tokens > 0);
        }
    });
});

}


describeNative("Anthropic's SDK, Claude's own", (gateway) => {
    const model = models.anthropic;
    const sdk = () => client(gateway(), { prefix: '/scripted' });

    const thought = { thinking: `Hm, ${odd}`, signature: 'RXJVQ2tRQ0lEQg==' };
    const call = { id: 'toolu_vrtx_01', name: 'get_weather',
                   args: { location: 'Köln' } };

    for (const stream of [false, true]) {
        it(`gives its thoughts and gets them back, stream: ${stream}`,
           async () => {
            const { upstream } = gateway();
            const question = { role: 'user', content: 'Is it warm?' };
            const body = {
                model, max_tokens: 4096, tools: [weather],
                thinking: { type: 'enabled', budget_tokens: 2048 },
            };
            const ask = async (messages) => stream
                ? await sdk().messages.stream({ ...body, messages })
                      .finalMessage()
                : await sdk().messages.create({ ...body, messages });

            scriptTurns(upstream, [thought, { text: 'Let me see.' }, { call }],
                        [{ text: 'It is.' }]);

            const first = await ask([question]);

            assert.deepEqual(
                first.content.map(({ citations, ...block }) => block), [
                    { type: 'thinking', ...thought },
                    { type: 'text', text: 'Let me see.' },
                    { type: 'tool_use', id: call.id, name: call.name,
                      input: call.args },
                ]);
            assert.deepEqual(upstream.body.thinking, body.thinking);

            const second = await ask([
                question,
                { role: 'assistant', content: first.content },
                { role: 'user', content: [
                    { type: 'tool_result', tool_use_id: call.id,
                      content: [{ type: 'text', text: '31 °C' }] },
                ] },
            ]);

            assert.equal(textOf(second), 'It is.');
            assert.deepEqual(upstream.body.messages[1].content,
                             first.content);
        });
    }

    it('keeps the order and the marks of a cached prompt', async () => {
        const { upstream } = gateway();
        const cache_control = { type: 'ephemeral', ttl: '1h' };
        const system = [{ cache_control, text: 'Be kind.', type: 'text' }];
        const tools = [{ ...weather, cache_control }];
        const messages = [{ content: [
            { cache_control, type: 'text', text: odd },
        ], role: 'user' }];

        script(upstream, [{ text: 'Yes.' }]);
        await sdk().messages.create({ tools, system, model, messages,
                                      max_tokens });

        const { body } = upstream.calls.at(-1);

        for (const part of [system, tools, messages]) {
            assert.ok(body.includes(JSON.stringify(part)), body);
        }
    });

    it("passes on what the client's version and betas are", async () => {
        const { upstream } = gateway();

        script(upstream, [{ text: 'Yes.' }]);
        await sdk().beta.messages.create({
            model, ...say('Hello'), betas: ['a-beta-2026-01-01', 'b-beta'],
        });

        const { headers } = upstream.calls.at(-1);

        assert.match(headers['anthropic-version'], /^\d{4}-\d\d-\d\d$/);
        assert.equal(headers['anthropic-beta'].replaceAll(' ', ''),
                     'a-beta-2026-01-01,b-beta');
        assert.equal(headers['x-api-key'], 'jdoe');
    });

    it('ends at a stop sequence', async () => {
        const { upstream } = gateway();

        script(upstream, [{ text: 'One, two' }], { stop: 'three' });

        const body = { model, ...say('Count'), stop_sequences: ['three'] };

        for (const message of [await sdk().messages.create(body),
                               await sdk().messages.stream(body)
                                   .finalMessage()])
        {
            assert.equal(message.stop_reason, 'stop_sequence');
            assert.equal(message.stop_sequence, 'three');
        }

        assert.deepEqual(upstream.body.stop_sequences, ['three']);
    });

    it('takes a system turn among the messages', async () => {
        const message = await client(gateway()).messages.create({
            model, max_tokens, messages: [
                { role: 'user', content: 'Hello' },
                { role: 'system', content: 'Be brief.' },
            ],
        });

        assert.equal(textOf(message), 'You said: Hello');
    });

    it('is answered in the form of OpenAI at times', async () => {
        const { upstream } = gateway();

        upstream.json(200, {
            id: 'chatcmpl-1', object: 'chat.completion', created: 1,
            model: 'claudeopus46', choices: [{
                index: 0, finish_reason: 'stop',
                message: { role: 'assistant', content: 'Hello' },
            }],
            usage: { prompt_tokens: 3, completion_tokens: 4,
                     total_tokens: 7 },
        });

        const message = await sdk().messages.create({ model, ...say('Hi') });

        assert.equal(message.type, 'message');
        assert.equal(textOf(message), 'Hello');
        assert.equal(message.stop_reason, 'end_turn');
        assert.equal(message.usage.input_tokens, 3);
    });
});


describeNative("Anthropic's SDK, thinking of other vendors", (gateway) => {
    const sdk = () => client(gateway(), { prefix: '/scripted' });

    for (const vendor of ['openai', 'google']) {
        it(`does not send ${vendor} what it does not know`, async () => {
            const { upstream } = gateway();

            script(upstream, [{ text: 'Yes.' }]);

            const message = await sdk().messages.create({
                model: vendor === 'openai' ? 'gpt-5' : models[vendor],
                max_tokens: 4096, top_k: 5,
                thinking: { type: 'enabled', budget_tokens: 2048 },
                system: [{ type: 'text', text: 'Be kind.',
                           cache_control: { type: 'ephemeral' } }],
                metadata: { user_id: 'someone' },
                stop_sequences: ['three'],
                messages: [
                    { role: 'user', content: 'Hello' },
                    { role: 'assistant', content: [
                        { type: 'thinking', thinking: 'Hm.',
                          signature: 'RXJVQ2tRQ0lEQg==' },
                        { type: 'text', text: 'Yes?' },
                    ] },
                    { role: 'user', content: 'And now?' },
                ],
            });

            assert.equal(textOf(message), 'Yes.');

            for (const name of ['thinking', 'max_tokens_to_sample', 'system',
                                'stop_sequences', 'metadata', 'top_k'])
            {
                assert.ok(!(name in upstream.body), name);
            }

            assert.ok(!upstream.calls.at(-1).body.includes('RXJVQ2tRQ0lEQg'));
            assert.ok(!upstream.calls.at(-1).body.includes('cache_control'));
        });
    }
});


describeNative("Anthropic's SDK, errors", (gateway) => {
    const model = models.anthropic;

    /* Checks an error as a program that handles it sees it. */

    function checkError(error, Class, type, message = /./) {
        assert.ok(error instanceof Class,
                  `${error.constructor.name}: ${error.message}`);
        assert.equal(error.error.type, 'error');
        assert.equal(error.error.error.type, type);
        assert.match(error.error.error.message, message);
        assert.ok(error.requestID);
        assert.equal(error.error.request_id, error.requestID);
    }

    const { openai, google, anthropic } = models;

    for (const model of ['gpt-4p', 'claude-nothing-9', 'gemini-nothing']) {
        it(`of the unknown model ${model}`, async () => {
            for (const stream of [false, true]) {
                const error = await failure(client(gateway()).messages
                    .create({ model, ...say('Hello'), stream }));

                checkError(error, Anthropic.NotFoundError,
                           'not_found_error');
                assert.equal(error.status, 404);
            }

            checkError(
                await failure(client(gateway()).messages.countTokens(
                    { model, messages: [{ role: 'user', content: 'x' }] })),
                Anthropic.NotFoundError, 'not_found_error');
        });
    }

    const wrong = [
        ['without messages', { model, max_tokens }, /messages/],
        ['with empty messages', { model, max_tokens, messages: [] },
         /messages/],
        ['with messages of the wrong type',
         { model, max_tokens, messages: 'Hello' }, /messages/],
        ['with a role of the wrong type',
         { model: openai, max_tokens, messages: [
             { role: 'user', content: 'x' }, { role: 7, content: 'y' }] },
         /messages\.1\.role|messages\[1\]\.role/],
        ['with content of the wrong type',
         { model: google, max_tokens, messages: [
             { role: 'user', content: 5 }] },
         /messages\.0\.content|messages\[0\]\.content/],
        ['for a tool of the server, of another vendor\'s model',
         { model: openai, ...say('x'), tools: [
             { type: 'web_search_20250305', name: 'web_search' }] },
         /tools/],
        ['for a result without a call',
         { model: openai, max_tokens, messages: [
             { role: 'user', content: [
                 { type: 'tool_result', tool_use_id: 'x', content: 'y' },
             ] }] },
         /tool_use_id|tool_result/],
    ];

    for (const [title, body, message] of wrong) {
        it(`of a request ${title}`, async () => {
            const error = await failure(
                client(gateway()).messages.create(body));

            checkError(error, Anthropic.BadRequestError,
                       'invalid_request_error', message);
        });
    }

    for (const model of [anthropic, openai]) {
        const classes = [
            [401, Anthropic.AuthenticationError, 'authentication_error'],
            [403, Anthropic.PermissionDeniedError, 'permission_error'],
            [429, Anthropic.RateLimitError, 'rate_limit_error'],
            [500, Anthropic.InternalServerError, 'api_error'],
            [503, Anthropic.InternalServerError, 'overloaded_error'],
            [529, Anthropic.InternalServerError, 'overloaded_error'],
        ];

        for (const [status, Class, type] of classes) {
            it(`of ARGO, ${status}, ${model}`, async () => {
                for (const stream of [false, true]) {
                    const error = await failure(
                        client(gateway(), { sim: `status=${status}` })
                            .messages.create({ model, ...say('Hello'),
                                               stream }));

                    checkError(error, Class, type);
                    assert.equal(error.status, status);
                }
            });
        }

        it(`of ARGO, denied, ${model}`, async () => {
            for (const stream of [false, true]) {
                checkError(
                    await failure(
                        client(gateway(), { sim: 'text=denied' })
                            .messages.create({ model, ...say('Hello'),
                                               stream })),
                    Anthropic.PermissionDeniedError, 'permission_error');
            }
        });

        it(`of ARGO, HTML, ${model}`, async () => {
            checkError(
                await failure(
                    client(gateway(), { sim: 'status=502, body=html' })
                        .messages.create({ model, ...say('Hello') })),
                Anthropic.InternalServerError, 'api_error');
        });

        it(`of a stream that is cut, ${model}`, async () => {
            const { items, error } = await collect(await client(
                gateway(), { sim: 'text=lorem, cut=1500' })
                .messages.create({ model, ...say('Hello'), stream: true }));

            assert.equal(items[0].type, 'message_start');
            assert.ok(!items.some(({ type }) => type === 'message_stop'));
            assert.ok(error instanceof Anthropic.APIError, String(error));
            assert.equal(error.error.type, 'error');
            assert.equal(error.error.error.type, 'api_error');
        });
    }

    it('is tried again', async () => {
        const { upstream } = gateway();
        let calls = 0;

        upstream.script((response) => {
            calls++;
            response.writeHead(429, { 'Content-Type': 'application/json',
                                      'Retry-After': '0' });
            response.end('{"error":{"message":"slow down"}}');
        });

        const error = await failure(
            client(gateway(), { prefix: '/scripted', maxRetries: 2 })
                .messages.create({ model: openai, ...say('Hello') }));

        assert.ok(error instanceof Anthropic.RateLimitError);
        assert.equal(calls, 3);
    });

    it('of an upstream that is not there', async () => {
        const error = await failure(
            client(gateway(), { prefix: '/dead' })
                .messages.create({ model, ...say('Hello') }));

        checkError(error, Anthropic.InternalServerError, 'api_error');
        assert.equal(error.status, 502);
    });

    it('inside of a 200', async () => {
        const { upstream } = gateway();

        upstream.json(200, { type: 'error', error: {
            type: 'api_error', message: "{'type': 'error', 'error': "
                + "{'type': 'api_error', 'message': 'Internal server "
                + "error'}}" } });

        const error = await failure(
            client(gateway(), { prefix: '/scripted' })
                .messages.create({ model, ...say('Hello') }));

        assert.ok(error instanceof Anthropic.InternalServerError,
                  String(error));
        assert.ok(error.status >= 500);
    });

    it('inside of a stream', async () => {
        const { upstream } = gateway();

        upstream.script((response) => {
            response.writeHead(200, { 'Content-Type': 'text/event-stream' });
            response.end('event: error\ndata: {"type":"error","error":'
                + '{"type":"overloaded_error","message":"Overloaded"}}\n\n');
        });

        const error = await failure(
            client(gateway(), { prefix: '/scripted' })
                .messages.stream({ model, ...say('Hello') }).finalMessage());

        assert.ok(error instanceof Anthropic.APIError, String(error));
        assert.match(error.message, /Overloaded/);
    });

    it("of nginx's own", async () => {
        const ask = (prefix, content) => failure(
            client(gateway(), { prefix })
                .messages.create({ model, ...say(content) }));

        checkError(await ask('/denied', 'Hello'),
                   Anthropic.PermissionDeniedError, 'permission_error');

        const large = await ask('/small', 'x'.repeat(2000));

        assert.equal(large.status, 413);
        checkError(large, Anthropic.APIError, 'request_too_large');

        await client(gateway(), { prefix: '/limited' })
            .messages.create({ model, ...say('Hello') });
        checkError(await ask('/limited', 'Hello'), Anthropic.RateLimitError,
                   'rate_limit_error');
    });

    it('of what is not made for this gateway', async () => {
        checkError(
            await failure(client(gateway()).messages.batches.list()),
            Anthropic.NotFoundError, 'not_found_error');
    });
});


describeNative('What Claude Code asks besides', (gateway) => {

    it('gets an answer from HEAD', async () => {
        const response = await fetch(`${gateway().base()}/`,
                                     { method: 'HEAD' });

        assert.equal(response.status, 200);
    });

    it('may put ?beta=true behind the path', async () => {
        for (const path of ['messages', 'messages/count_tokens']) {
            const response = await fetch(
                `${gateway().base()}/v1/${path}?beta=true`, {
                    method: 'POST',
                    headers: { 'Content-Type': 'application/json',
                               'anthropic-version': '2023-06-01',
                               'x-api-key': 'jdoe' },
                    body: JSON.stringify({ model: models.anthropic,
                        ...path === 'messages' && { max_tokens },
                        messages: [{ role: 'user', content: 'Hello' }] }),
                });

            assert.equal(response.status, 200, path);
            await response.json();
        }
    });

    it('finds models of its own', async () => {
        const page = await client(gateway()).models.list({ limit: 1000 });

        assert.ok(page.data.filter(({ id }) => id.startsWith('claude'))
                      .length > 5);
    });
});
