/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The official SDK: streamed chat completions, by iterator and by both
 * helpers.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ChatCompletionStream, client, collect, messages, model, textOf,
         withGateway } from './lib/client.mjs';

const long = Array.from({ length: 200 },
                        (_, i) => `${i}: Grüße 漢字 🚀👩‍🔬 "\\n" `);

const tools = [{
    type: 'function',
    function: { name: 'get_weather',
                parameters: { type: 'object',
                              properties: { location: { type: 'string' } } },
    },
}];


/* What must hold of the chunks of any complete stream of one choice. */

function checkChunks(chunks, { usage = false, finish = 'stop' } = {}) {
    const [first] = chunks;
    const ends = chunks.filter((c) => c.choices[0]?.finish_reason);

    assert.match(first.id, /^chatcmpl-[A-Za-z0-9]{29}$/);

    for (const chunk of chunks) {
        assert.equal(chunk.id, first.id);
        assert.equal(chunk.object, 'chat.completion.chunk');
        assert.equal(chunk.created, first.created);
        assert.equal(chunk.model, first.model);
    }

    const roles = chunks.filter((c) => 'role' in (c.choices[0]?.delta ?? {}));

    assert.deepEqual(roles, [first]);
    assert.equal(first.choices[0].delta.role, 'assistant');

    assert.equal(ends.length, 1);
    assert.equal(ends[0].choices[0].finish_reason, finish);
    assert.deepEqual(ends[0].choices[0].delta, {});
    assert.equal(chunks.indexOf(ends[0]), chunks.length - (usage ? 2 : 1));

    if (!usage) {
        assert.ok(chunks.every((chunk) => !('usage' in chunk)));
        return;
    }

    const last = chunks.at(-1);

    assert.deepEqual(last.choices, []);
    assert.ok(last.usage.prompt_tokens > 0);
    assert.ok(last.usage.completion_tokens > 0);
    assert.equal(last.usage.total_tokens,
                 last.usage.prompt_tokens + last.usage.completion_tokens);

    for (const chunk of chunks.slice(0, -1)) {
        assert.equal(chunk.usage, null);
    }
}


for (const [way, prefix] of [['streamed', ''], ['pseudo', '/pseudo']]) {

    describe(`stream of the simulator, ${way}`, () => withGateway((gw) => {

        it('is iterated', async () => {
            const stream = await client(gw(), { prefix })
                .chat.completions.create({ model, messages, stream: true });
            const { items, error } = await collect(stream);

            assert.equal(error, undefined);
            checkChunks(items);
            assert.equal(items[0].model, model);
            assert.ok(textOf(items).length > 0);
        });

        it('says the same as the unary reply', async () => {
            const openai = client(gw(), { prefix });
            const { items } = await collect(
                await openai.chat.completions.create({ model, messages,
                                                       stream: true }));
            const reply =
                await openai.chat.completions.create({ model, messages });

            assert.equal(textOf(items), reply.choices[0].message.content);
        });

        it('tells usage when asked', async () => {
            const openai = client(gw(), { prefix });
            const { items, error } = await collect(
                await openai.chat.completions.create({
                    model, messages, stream: true,
                    stream_options: { include_usage: true },
                }));

            assert.equal(error, undefined);
            checkChunks(items, { usage: true });

            const reply =
                await openai.chat.completions.create({ model, messages });

            assert.deepEqual(items.at(-1).usage, reply.usage);
        });

        it('tells no usage when asked not to', async () => {
            const { items } = await collect(
                await client(gw(), { prefix }).chat.completions.create({
                    model, messages, stream: true,
                    stream_options: { include_usage: false },
                }));

            checkChunks(items);
        });

        it('is gathered by the helper', async () => {
            const events = [];
            let text = '';
            const stream = client(gw(), { prefix })
                .chat.completions.stream({
                    model, messages, stream_options: { include_usage: true },
                })
                .on('connect', () => events.push('connect'))
                .on('chunk', () => events.push('chunk'))
                .on('content', (delta, snapshot) => {
                    text += delta;
                    assert.equal(snapshot, text);
                })
                .on('content.done', ({ content }) => {
                    events.push('content.done');
                    assert.equal(content, text);
                })
                .on('finalChatCompletion', () => events.push('final'))
                .on('end', () => events.push('end'));
            const completion = await stream.finalChatCompletion();
            const [choice] = completion.choices;

            await stream.done();

            assert.equal(completion.object, 'chat.completion');
            assert.equal(completion.choices.length, 1);
            assert.equal(choice.message.role, 'assistant');
            assert.equal(choice.message.content, text);
            assert.equal(choice.finish_reason, 'stop');
            assert.ok(completion.usage.total_tokens > 0);
            assert.equal(await stream.finalContent(), text);
            assert.deepEqual(await stream.totalUsage().then(
                (usage) => usage.total_tokens), completion.usage.total_tokens);
            assert.deepEqual(events.filter((event) => event !== 'chunk'),
                             ['connect', 'content.done', 'final', 'end']);
        });

        it('is handed on as a ReadableStream', async () => {
            const first = client(gw(), { prefix })
                .chat.completions.stream({ model, messages });
            const second = ChatCompletionStream
                .fromReadableStream(first.toReadableStream());

            assert.deepEqual((await second.finalChatCompletion()).choices,
                             (await first.finalChatCompletion()).choices);
        });

        it('is handed on from the plain iterator', async () => {
            const stream = await client(gw(), { prefix })
                .chat.completions.create({ model, messages, stream: true });
            const [left, right] = stream.tee();
            const helper = ChatCompletionStream
                .fromReadableStream(left.toReadableStream());
            const [content, { items }] = await Promise.all([
                helper.finalContent(), collect(right)
            ]);

            checkChunks(items);
            assert.equal(content, textOf(items));
        });

        it('carries tool calls of a gpt model', async () => {
            const openai = client(gw(), { prefix });
            const { items, error } = await collect(
                await openai.chat.completions.create({
                    model, messages, tools, stream: true,
                }));

            assert.equal(error, undefined);
            checkChunks(items, { finish: 'tool_calls' });

            const calls = items.flatMap(
                (chunk) => chunk.choices[0].delta.tool_calls ?? []);

            assert.equal(calls[0].index, 0);
            assert.equal(calls[0].type, 'function');
            assert.equal(calls[0].function.name, 'get_weather');
            assert.ok(calls[0].id);

            for (const call of calls.slice(1)) {
                assert.ok(!('id' in call) || call.index > 0);
            }

            const message = await openai.chat.completions
                .stream({ model, messages, tools }).finalMessage();

            assert.equal(message.tool_calls[0].function.name, 'get_weather');
            JSON.parse(message.tool_calls[0].function.arguments);
        });
    }));
}


describe('stream of the simulator', () => withGateway((gateway) => {

    it('comes in as many chunks as ARGO sends, in their order', async () => {
        const { items, error } = await collect(
            await client(gateway(), { sim: 'chunks=200, interval=20' })
                .chat.completions.create({ model, messages, stream: true }));

        assert.equal(error, undefined);
        checkChunks(items);
        assert.deepEqual(
            items.slice(1, -1).map((chunk) => chunk.choices[0].delta.content),
            Array.from({ length: 200 }, (_, i) => `chunk ${i + 1} `));
    });

    for (const text of ['utf8', 'quote']) {
        it(`is the same byte by byte: ${text}`, async () => {
            const reply = await client(gateway(), { sim: `text=${text}` })
                .chat.completions.create({ model, messages });
            const { items, error } = await collect(
                await client(gateway(), { sim: `text=${text}, chunk=1` })
                    .chat.completions.create({ model, messages,
                                               stream: true }));

            assert.equal(error, undefined);
            checkChunks(items);
            assert.equal(textOf(items), reply.choices[0].message.content);
        });
    }
}));


describe('scripted stream', () => withGateway((gateway) => {
    const openai = () => client(gateway(), { prefix: '/scripted' });

    it('carries pieces as they come, in order', async () => {
        gateway().upstream.text(...long);

        const { items, error } = await collect(
            await openai().chat.completions.create({ model, messages,
                                                     stream: true }));

        assert.equal(error, undefined);
        checkChunks(items);
        assert.equal(textOf(items), long.join(''));
    });

    it('carries each piece before the next one is there', async () => {
        const { upstream } = gateway();
        const seen = [];
        let go;

        upstream.script(async (response) => {
            response.writeHead(200, { 'Content-Type': 'text/plain' });

            for (let i = 0; i < 20; i++) {
                const received = new Promise((resolve) => { go = resolve; });

                response.write(`piece ${i};`);
                await received;
            }

            response.end();
        });

        const stream = await openai().chat.completions.create({
            model, messages, stream: true
        });

        for await (const chunk of stream) {
            const text = chunk.choices[0].delta.content;

            if (text) {
                seen.push(text);
                go();
            }
        }

        assert.deepEqual(seen, Array.from({ length: 20 },
                                          (_, i) => `piece ${i};`));
        assert.equal(upstream.calls[0].url,
                     '/argoapi/api/v1/resource/streamchat/');
        assert.equal(upstream.calls[0].headers.accept, 'text/plain');
        assert.ok(!('stream' in upstream.body));
        assert.ok(!('stream_options' in upstream.body));
    });

    it('never breaks a character', async () => {
        const text = 'é漢🚀👩‍🔬ﷺ';
        const bytes = Buffer.from(text);

        gateway().upstream.text(...Array.from(bytes,
                                              (byte) => Buffer.of(byte)));

        const { items, error } = await collect(
            await openai().chat.completions.create({ model, messages,
                                                     stream: true }));

        assert.equal(error, undefined);
        assert.equal(textOf(items), text);
    });

    it('may be of no text at all', async () => {
        gateway().upstream.text();

        const { items, error } = await collect(
            await openai().chat.completions.create({ model, messages,
                                                     stream: true }));

        assert.equal(error, undefined);
        checkChunks(items);
        assert.equal(textOf(items), '');
    });

    it('carries text that looks like an event', async () => {
        const text = 'data: [DONE]\n\ndata: {"error":{"message":"no"}}\n\n';

        gateway().upstream.text(text);

        const { items, error } = await collect(
            await openai().chat.completions.create({ model, messages,
                                                     stream: true }));

        assert.equal(error, undefined);
        assert.equal(textOf(items), text);
    });

    it('makes deltas of tool calls that the SDK puts together', async () => {
        const { upstream } = gateway();
        const calls = ['Lemont', 'Zürich "HB"'].map((location, i) => ({
            id: `call_${i}`, type: 'function',
            function: { name: 'get_weather',
                        arguments: JSON.stringify({ location }) },
        }));

        upstream.json(200, { response: { content: 'Let me look.',
                                         tool_calls: calls } });

        const stream = openai().chat.completions.stream({
            model, messages, tools, parallel_tool_calls: true,
        });
        const done = [];

        stream.on('tool_calls.function.arguments.done',
                  (event) => done.push([event.index, event.arguments]));

        const completion = await stream.finalChatCompletion();
        const [choice] = completion.choices;

        assert.equal(choice.finish_reason, 'tool_calls');
        assert.equal(choice.message.content, 'Let me look.');
        assert.deepEqual(
            choice.message.tool_calls.map(({ id, type, function: f }) => ({
                id, type,
                function: { name: f.name, arguments: f.arguments },
            })), calls);
        assert.deepEqual(done, calls.map((call, i) =>
            [i, call.function.arguments]));
        assert.equal(upstream.calls[0].url,
                     '/argoapi/api/v1/resource/chat/');
    });
}));


describe('many streams', () => withGateway((gateway) => {

    it('run at once, each with its own text', async () => {
        const { upstream } = gateway();
        const waiting = [];

        /* none ends before all have begun */
        upstream.script(async (response, call) => {
            const { content } = JSON.parse(call.body).messages[0];

            response.writeHead(200, { 'Content-Type': 'text/plain' });
            response.write(`begin ${content};`);

            await new Promise((resolve) => {
                waiting.push(resolve);

                if (waiting.length === 50) {
                    waiting.forEach((start) => start());
                }
            });

            for (let i = 0; i < 50; i++) {
                await new Promise((resolve) =>
                    response.write(` ${content}.${i}`, resolve));
            }

            response.end();
        });

        const openai = client(gateway(), { prefix: '/scripted' });

        await Promise.all(Array.from({ length: 50 }, async (_, n) => {
            const content = `stream-${n}-流れ`;
            const { items, error } = await collect(
                await openai.chat.completions.create({
                    model, stream: true,
                    messages: [{ role: 'user', content }],
                }));
            const expected = `begin ${content};` + Array.from(
                { length: 50 }, (_, i) => ` ${content}.${i}`).join('');

            assert.equal(error, undefined);
            checkChunks(items);
            assert.equal(textOf(items), expected);
        }));

        assert.equal(upstream.calls.length, 50);
    });

    it('run at once over the simulator', async () => {
        const openai = client(gateway());
        const replies = await Promise.all(Array.from({ length: 50 }, () =>
            openai.chat.completions.create({ model, messages, stream: true })
                .then(collect)));

        for (const { items, error } of replies) {
            assert.equal(error, undefined);
            checkChunks(items);
            assert.equal(textOf(items), textOf(replies[0].items));
        }

        assert.equal(new Set(replies.map(({ items }) => items[0].id)).size,
                     50);
        await gateway().untilStats('no active call', (s) => s.active === 0);
    });
}));
