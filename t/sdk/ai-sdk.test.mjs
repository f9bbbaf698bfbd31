/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The AI SDK with its providers for OpenAI (Responses and chat completions),
 * Anthropic and Google, each with models of all vendors.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';

import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, Output, RetryError, embed, embedMany, generateText,
         jsonSchema, stepCountIs, streamText, tool } from 'ai';

import { collect, failure } from './lib/client.mjs';
import { describeNative, endless, models, never, odd, png }
    from './lib/native.mjs';
import { answer as answerCall, script, scriptTurns }
    from './lib/vendor.mjs';

const answer = jsonSchema({
    type: 'object', properties: { answer: { type: 'integer' } },
    required: ['answer'], additionalProperties: false,
});

const location = jsonSchema({
    type: 'object', properties: { location: { type: 'string' } },
    required: ['location'], additionalProperties: false,
});


const providers = {
    'OpenAI, Responses': (settings) => createOpenAI(settings).responses,
    'OpenAI, chat': (settings) => createOpenAI(settings).chat,
    Anthropic: (settings) => createAnthropic(settings),
    Google: ({ baseURL, ...settings }) =>
        createGoogle({ ...settings, baseURL: `${baseURL}beta` }),
};


function settings(gateway, { prefix = '', sim } = {}) {
    return { apiKey: 'jdoe', baseURL: gateway.base(prefix, '/v1'),
             headers: sim ? { 'X-Argo-Sim': sim } : {} };
}


/* A tool that notes what it was called with. */

function weather(asked) {
    return { get_weather: tool({
        description: 'The weather of a place', inputSchema: location,
        execute: async (input) => {
            asked.push(input);
            return 'sunny';
        },
    }) };
}


/*
 * The model answers with an object: as its text, or, where the provider
 * takes the model for one that knows no schemas, by calling a tool.
 */

function scriptObject(upstream, object) {
    upstream.script((response, call) => {
        const [tool] = JSON.parse(call.body).tools ?? [];

        return answerCall(response, call, [tool
            ? { call: { id: 'toolu_1', args: object,
                        name: tool.name ?? tool.function.name } }
            : { text: JSON.stringify(object) }]);
    });
}


/*
 * Nothing is stored, so what was said must not be given back as a reference.
 * streamText() reports errors in its stream, and prints them besides.
 */

const once = {
    maxRetries: 0, providerOptions: { openai: { store: false } },
};

const quiet = { ...once, onError() {} };


for (const [name, provider] of Object.entries(providers)) {

describeNative(`AI SDK, ${name}`, (gateway) => {

    for (const [vendor, id] of Object.entries(models)) {
        const model = (options) =>
            provider(settings(gateway(), options))(id);

        it(`answers, ${vendor}`, async () => {
            const reply = await generateText({
                model: model(), prompt: 'Hello', ...once });

            assert.equal(reply.text, 'You said: Hello');
            assert.equal(reply.finishReason, 'stop');
            assert.ok(reply.usage.inputTokens > 0);
            assert.ok(reply.usage.outputTokens > 0);
        });

        it(`streams, ${vendor}`, async () => {
            const reply = streamText({ model: model(), ...quiet,
                                       prompt: `repeat: ${odd}` });
            const { items, error } = await collect(reply.textStream);

            assert.equal(error, undefined);
            assert.equal(items.join(''), odd);
            assert.ok(items.length > 1);
            assert.equal(await reply.finishReason, 'stop');
            assert.ok((await reply.usage).inputTokens > 0);
            assert.ok((await reply.usage).outputTokens > 0);
        });

        it(`runs a tool, ${vendor}`, async () => {
            const asked = [];
            const reply = await generateText({
                model: model(), prompt: 'Is it warm?', ...once,
                tools: weather(asked), stopWhen: stepCountIs(3),
            });

            assert.deepEqual(asked, [{ location: 'location' }]);
            assert.equal(reply.steps.length, 2);
            assert.equal(reply.steps[0].finishReason, 'tool-calls');
            assert.match(reply.text, /^The tool answered: .*sunny/s);
        });

        it(`runs a tool in a stream, ${vendor}`, async () => {
            const asked = [];
            const reply = streamText({
                model: model(), prompt: 'Is it warm?', ...quiet,
                tools: weather(asked), stopWhen: stepCountIs(3),
            });

            assert.match(await reply.text,
                         /^The tool answered: .*sunny/s);
            assert.deepEqual(asked, [{ location: 'location' }]);
            assert.equal((await reply.steps).length, 2);
        });

        it(`carries an image, ${vendor}`, async () => {
            const reply = await generateText({
                model: model(), ...once,
                messages: [{ role: 'user', content: [
                    { type: 'text', text: 'What is it?' },
                    { type: 'file', mediaType: 'image/png', data: png },
                ] }],
            });

            assert.match(reply.text, /image\/png, 68 bytes/);
        });

        it(`carries a conversation, ${vendor}`, async () => {
            const { upstream } = gateway();

            script(upstream, [{ text: odd }]);

            const reply = await generateText({
                model: model({ prefix: '/scripted' }), system: odd,
                ...once, maxOutputTokens: 3000, messages: [
                    { role: 'user', content: odd },
                    { role: 'assistant', content: 'Yes?' },
                    { role: 'user', content: odd },
                ],
            });

            assert.equal(reply.text, odd);

            const texts = JSON.stringify(upstream.body)
                .split(JSON.stringify(odd).slice(1, -1)).length - 1;

            assert.equal(texts, 3);
            assert.ok(Object.values(upstream.body).includes(3000));
        });

        it(`answers as a schema says, ${vendor}`, async () => {
            const { upstream } = gateway();

            scriptObject(upstream, { answer: 42 });

            const reply = await generateText({
                model: model({ prefix: '/scripted' }), ...once,
                prompt: 'What is it?',
                output: Output.object({ schema: answer }),
            });

            assert.deepEqual(reply.output, { answer: 42 });
            assert.match(upstream.calls.at(-1).body,
                         /\\?"answer\\?":\{\\?"type\\?":\\?"integer/);
        });

        it(`calls several tools at once, ${vendor}`, async () => {
            const { upstream } = gateway();
            const asked = [];
            const call = (n) => ({ call: {
                id: `call_${n}`, name: 'get_weather',
                args: { location: `place ${n}` } } });

            scriptTurns(upstream, [{ text: 'Let me see.' }, call(1), call(2)],
                        [{ text: 'Warm.' }]);

            const reply = streamText({
                model: model({ prefix: '/scripted' }), ...quiet,
                prompt: 'Is it warm?', tools: weather(asked),
                stopWhen: stepCountIs(3),
            });

            assert.equal(await reply.text, 'Warm.');
            assert.deepEqual(asked, [{ location: 'place 1' },
                                     { location: 'place 2' }]);

            const sent = JSON.stringify(upstream.body);

            for (const text of ['place 1', 'place 2', 'sunny']) {
                assert.ok(sent.includes(text), sent);
            }
        });

        it(`fails as its own class, ${vendor}`, async () => {
            for (const [status, retry] of [[401, false], [403, false],
                                           [429, true], [500, true]])
            {
                const error = await failure(generateText({
                    model: model({ sim: `status=${status}` }),
                    prompt: 'Hello', ...once }));

                assert.ok(APICallError.isInstance(error), String(error));
                assert.equal(error.statusCode, status);
                assert.equal(error.isRetryable, retry);

                /* only an error of the provider's own form is understood */
                assert.ok(error.data?.error.message.length > 0);
                assert.equal(error.message, error.data.error.message);
            }
        });

        it(`notices that a stream is cut, ${vendor}`, async () => {
            let seen;
            const reply = streamText({
                model: model({ sim: 'text=lorem, size=9000, cut=9000' }),
                prompt: 'Hello', ...once,
                onError: ({ error }) => { seen = error; },
            });
            const { items } = await collect(reply.stream);

            assert.ok(seen, 'no error was reported');
            assert.ok(!items.some((part) => part.type === 'finish'
                                  && part.finishReason === 'stop'));
        });

        it(`gives up, ${vendor}`, async () => {
            await gateway().aborts(async () => {
                const controller = new AbortController();
                const failed = failure(generateText({
                    model: model({ sim: never }), prompt: 'Hello',
                    ...once, abortSignal: controller.signal }));

                await gateway().underWay();
                controller.abort();
                assert.equal((await failed).name, 'AbortError');
            });
        });

        it(`gives up in mid-stream, ${vendor}`, async () => {
            await gateway().aborts(async () => {
                const controller = new AbortController();
                const reply = streamText({
                    model: model({ sim: endless }), prompt: 'Hello', ...quiet,
                    abortSignal: controller.signal });

                await collect((async function* () {
                    for await (const text of reply.textStream) {
                        yield text;
                        controller.abort();
                    }
                })());
            });
        });
    }

    it('says which model is unknown', async () => {
        const error = await failure(generateText({
            model: provider(settings(gateway()))('gpt-4p'),
            prompt: 'Hello', ...once }));

        assert.ok(APICallError.isInstance(error), String(error));
        assert.equal(error.statusCode, 404);
        assert.match(error.message, /argo:gpt/);
    });
});

}


describeNative('AI SDK, reasoning', (gateway) => {

    it("of OpenAI's models goes there and back", async () => {
        const { upstream } = gateway();
        const model = createOpenAI(settings(
            gateway(), { prefix: '/scripted' })).responses('gpt-5');
        const thought = { thinking: `Hm, ${odd}`, signature: 'RW5jcnlwdGVk' };

        scriptTurns(upstream, [thought, { call: {
            id: 'call_1', name: 'get_weather', args: { location: 'Köln' } } }],
                    [{ text: 'Warm.' }]);

        const reply = await generateText({
            model, prompt: 'Is it warm?', maxRetries: 0,
            tools: weather([]), stopWhen: stepCountIs(3),
            providerOptions: { openai: {
                reasoningEffort: 'low', reasoningSummary: 'auto',
                store: false, include: ['reasoning.encrypted_content'],
            } },
        });

        assert.equal(reply.text, 'Warm.');
        assert.equal(reply.steps[0].reasoningText, thought.thinking);
        assert.equal(upstream.body.reasoning.effort, 'low');
        assert.ok(upstream.body.input.some((item) =>
            item.type === 'reasoning'
            && item.encrypted_content === thought.signature));
    });

    it("of Claude's goes there and back", async () => {
        const { upstream } = gateway();
        const model = createAnthropic(settings(
            gateway(), { prefix: '/scripted' }))('claude-sonnet-4-5');
        const thought = { thinking: `Hm, ${odd}`, signature: 'RXJVQ2tRQ0k=' };

        scriptTurns(upstream, [thought, { call: {
            id: 'toolu_1', name: 'get_weather',
            args: { location: 'Köln' } } }], [{ text: 'Warm.' }]);

        const reply = streamText({
            model, prompt: 'Is it warm?', ...quiet,
            tools: weather([]), stopWhen: stepCountIs(3),
            providerOptions: { anthropic: {
                thinking: { type: 'enabled', budgetTokens: 2048 } } },
        });

        assert.equal(await reply.text, 'Warm.');
        assert.equal((await reply.steps)[0].reasoningText, thought.thinking);
        assert.deepEqual(
            upstream.body.messages[1].content.find(({ type }) =>
                type === 'thinking'),
            { type: 'thinking', ...thought });
    });
});


describeNative('AI SDK, the rest', (gateway) => {

    it('embeds, more than ARGO takes at once', async () => {
        const model = createOpenAI(settings(gateway()))
            .embedding('text-embedding-3-small');
        const values = Array.from({ length: 40 }, (unused, i) => `text ${i}`);
        const many = await embedMany({ model, values, maxRetries: 0 });

        assert.equal(many.embeddings.length, 40);
        assert.ok(many.usage.tokens > 0);

        const one = await embed({ model, value: values[17], maxRetries: 0 });

        assert.equal(one.embedding.length, 1536);
        assert.deepEqual(one.embedding, many.embeddings[17]);
    });

    it('completes', async () => {
        const model = createOpenAI(settings(gateway()))
            .completion(models.openai);
        const reply = await generateText({ model, prompt: 'Hello',
                                           maxRetries: 0 });

        assert.match(reply.text, /Hello/);
    });

    it('tries again', async () => {
        const { upstream } = gateway();
        const model = createOpenAI(settings(
            gateway(), { prefix: '/scripted' })).chat(models.openai);
        let calls = 0;

        upstream.script((response) => {
            calls++;
            response.writeHead(429, { 'Content-Type': 'application/json',
                                      'Retry-After': '0' });
            response.end('{"error":{"message":"slow down"}}');
        });

        const error = await failure(generateText({
            model, prompt: 'Hello', maxRetries: 1 }));

        assert.ok(RetryError.isInstance(error), String(error));
        assert.equal(calls, 2);
    });
});
