/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Google's official SDK, with models of all vendors: generateContent, unary
 * and streamed, tools, images, thoughts, structured output, errors, counts,
 * lists.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';

import { ApiError, FunctionCallingConfigMode, GoogleGenAI, Type }
    from '@google/genai';

import { collect, failure } from './lib/client.mjs';
import { describeNative, endless, has, models, never, odd, png }
    from './lib/native.mjs';
import { script, scriptTurns } from './lib/vendor.mjs';

const weather = {
    name: 'get_weather',
    description: 'The weather of a place',
    parameters: {
        type: Type.OBJECT,
        properties: { location: { type: Type.STRING } },
        required: ['location'],
    },
};

const tools = [{ functionDeclarations: [weather] }];


/* The SDK's own choice of a version is v1, that of Gemini CLI v1beta. */

function client(gateway, { prefix, sim, ...options } = {}) {
    return new GoogleGenAI({
        apiKey: 'jdoe',
        httpOptions: {
            baseUrl: gateway.base(prefix),
            headers: sim ? { 'X-Argo-Sim': sim } : {},
        },
        ...options,
    });
}


async function streamed(sdk, request) {
    return await collect(await sdk.models.generateContentStream(request));
}


const textOf = (chunks) => chunks.map(({ text }) => text ?? '').join('');


function checkChunks(chunks) {
    const reasons = chunks.map(({ candidates }) =>
        candidates?.[0]?.finishReason);

    assert.ok(chunks.length > 0);
    assert.equal(reasons.filter(Boolean).length, 1, String(reasons));

    for (const { candidates } of chunks) {
        if (candidates) {
            assert.equal(candidates.length, 1);
            assert.equal(candidates[0].index ?? 0, 0);
        }
    }

    assert.ok(chunks.at(-1).usageMetadata.totalTokenCount > 0);
}


for (const [vendor, model] of Object.entries(models)) {

describeNative(`Google's SDK, a model of ${vendor}`, (gateway) => {

    for (const apiVersion of ['v1', 'v1beta']) {
        it(`answers, ${apiVersion}`, async () => {
            const reply = await client(gateway(), { apiVersion })
                .models.generateContent({ model, contents: 'Hello' });

            assert.equal(reply.text, 'You said: Hello');
            assert.equal(reply.candidates.length, 1);
            has(reply.candidates[0], { finishReason: 'STOP' });
            assert.equal(reply.candidates[0].content.role, 'model');
            assert.equal(reply.modelVersion, model);
            assert.ok(reply.responseId.length > 0);

            const { promptTokenCount, candidatesTokenCount,
                    totalTokenCount } = reply.usageMetadata;

            assert.ok(promptTokenCount > 0);
            assert.ok(candidatesTokenCount > 0);
            assert.ok(totalTokenCount
                      >= promptTokenCount + candidatesTokenCount);
        });

        it(`streams, ${apiVersion}`, async () => {
            const { items, error } = await streamed(
                client(gateway(), { apiVersion }),
                { model, contents: 'count to 50' });

            assert.equal(error, undefined);
            checkChunks(items);
            assert.ok(items.length > 10);
            assert.equal(textOf(items).split('\n').length, 50);
        });
    }

    it('takes the name of the model as the SDK knows it', async () => {
        for (const name of [`models/${model}`, `argo:${model}`]) {
            const reply = await client(gateway()).models.generateContent(
                { model: name, contents: 'Hello' });

            assert.equal(reply.text, 'You said: Hello', name);
        }
    });

    it('streams what it would answer unstreamed', async () => {
        const request = { model, contents: `repeat: ${odd}` };
        const sdk = client(gateway());
        const unary = await sdk.models.generateContent(request);
        const { items } = await streamed(sdk, request);

        assert.equal(unary.text, odd);
        assert.equal(textOf(items), odd);
        assert.deepEqual(items.at(-1).usageMetadata, unary.usageMetadata);
    });

    for (const stream of [false, true]) {
        it(`calls a tool and reads its result, stream: ${stream}`,
           async () => {
            const sdk = client(gateway());
            const ask = async (contents) => {
                const request = { model, contents, config: { tools } };

                if (!stream) {
                    const reply = await sdk.models.generateContent(request);

                    return reply.candidates[0].content.parts;
                }

                const { items, error } = await streamed(sdk, request);

                assert.equal(error, undefined);
                checkChunks(items);
                return items.flatMap(({ candidates }) =>
                    candidates?.[0].content?.parts ?? []);
            };
            const question = { role: 'user',
                               parts: [{ text: 'Is it warm?' }] };
            const first = await ask([question]);
            const calls = first.filter((part) => part.functionCall);

            assert.equal(calls.length, 1);

            const { functionCall } = calls[0];

            assert.equal(functionCall.name, 'get_weather');
            assert.deepEqual(functionCall.args, { location: 'location' });

            const second = await ask([
                question, { role: 'model', parts: first },
                { role: 'user', parts: [{ functionResponse: {
                    ...functionCall.id && { id: functionCall.id },
                    name: 'get_weather', response: { output: 'sunny' },
                } }] },
            ]);

            assert.match(second.map(({ text }) => text).join(''),
                         /^The tool answered: .*sunny/s);
        });
    }

    it('runs tools by itself', async () => {
        const asked = [];
        const reply = await client(gateway()).models.generateContent({
            model, contents: 'Is it warm?', config: { tools: [{
                tool: async () => ({ functionDeclarations: [weather] }),
                callTool: async (calls) => calls.map((call) => {
                    asked.push(call.args);
                    return { functionResponse: {
                        id: call.id, name: call.name,
                        response: { output: 'sunny' } } };
                }),
            }] },
        });

        assert.deepEqual(asked, [{ location: 'location' }]);
        assert.match(reply.text, /^The tool answered: .*sunny/s);
    });

    it('is made to call a tool, or not to', async () => {
        const sdk = client(gateway());
        const other = { ...weather, name: 'get_time' };
        const ask = async (functionCallingConfig) =>
            await sdk.models.generateContent({
                model, contents: 'Now?', config: {
                    tools: [{ functionDeclarations: [weather, other] }],
                    toolConfig: { functionCallingConfig },
                },
            });
        const named = await ask({
            mode: FunctionCallingConfigMode.ANY,
            allowedFunctionNames: ['get_time'],
        });

        assert.equal(named.functionCalls[0].name, 'get_time');

        const none = await ask({ mode: FunctionCallingConfigMode.NONE });

        assert.equal(none.text, 'You said: Now?');
    });

    it('carries an image', async () => {
        const reply = await client(gateway()).models.generateContent({
            model, contents: [{ role: 'user', parts: [
                { text: 'What is it?' },
                { inlineData: { mimeType: 'image/png', data: png } },
            ] }],
        });

        assert.match(reply.text, /image\/png, 68 bytes/);
    });

    it('carries a conversation', async () => {
        const { upstream } = gateway();

        script(upstream, [{ text: odd }]);

        const chat = client(gateway(), { prefix: '/scripted' }).chats.create({
            model, config: { systemInstruction: odd },
            history: [{ role: 'user', parts: [{ text: odd }] },
                      { role: 'model', parts: [{ text: 'Yes?' }] }],
        });

        assert.equal((await chat.sendMessage({ message: odd })).text, odd);

        const texts = JSON.stringify(upstream.body)
            .split(JSON.stringify(odd).slice(1, -1)).length - 1;

        assert.equal(texts, 3);

        const next = await chat.sendMessageStream({ message: 'More' });

        assert.equal(textOf((await collect(next)).items), odd);
        assert.equal(upstream.body.messages.filter(({ role }) =>
            role === 'assistant').length, 2);
    });

    it('answers as a schema says', async () => {
        const { upstream } = gateway();
        const ask = async (config) => {
            script(upstream, [{ text: '{"answer":42}' }]);

            const reply = await client(gateway(), { prefix: '/scripted' })
                .models.generateContent({
                    model, contents: 'What is it?', config: {
                        responseMimeType: 'application/json', ...config,
                    },
                });

            assert.deepEqual(JSON.parse(reply.text), { answer: 42 });
            return upstream.calls.at(-1).body;
        };

        for (const config of [
            { responseSchema: {
                type: Type.OBJECT, required: ['answer'],
                properties: { answer: { type: Type.INTEGER } } } },
            { responseJsonSchema: {
                type: 'object', required: ['answer'],
                properties: { answer: { type: 'integer' } } } },
        ]) {
            assert.match(await ask(config),
                         /\\?"answer\\?":\{\\?"type\\?":\\?"integer/);
        }
    });

    it('ends with its limit', async () => {
        const { upstream } = gateway();
        const request = { model, contents: 'Count',
                          config: { maxOutputTokens: 2048 } };

        script(upstream, [{ text: 'One, two' }], { finish: 'length' });

        const sdk = client(gateway(), { prefix: '/scripted' });
        const reply = await sdk.models.generateContent(request);
        const { items } = await streamed(sdk, request);

        has(reply.candidates[0], { finishReason: 'MAX_TOKENS' });
        checkChunks(items);
        assert.ok(items.some(({ candidates }) =>
            candidates?.[0].finishReason === 'MAX_TOKENS'));
        assert.ok(Object.values(upstream.body).includes(2048));
    });

    it('hands on what generationConfig says', async () => {
        const { upstream } = gateway();

        script(upstream, [{ text: 'Yes.' }]);
        await client(gateway(), { prefix: '/scripted' })
            .models.generateContent({
                model, contents: 'Hello', config: {
                    temperature: 0.25, stopSequences: ['three', 'four'],
                    maxOutputTokens: 3000,
                },
            });

        assert.equal(upstream.body.temperature, 0.25);
        assert.deepEqual(upstream.body.stop ?? upstream.body.stop_sequences,
                         ['three', 'four']);
        assert.ok(!('generationConfig' in upstream.body));
        assert.ok(!('contents' in upstream.body));
    });

    it('tells the tokens that ARGO told', async () => {
        const { upstream } = gateway();
        const request = { model, contents: 'Hello' };

        script(upstream, [{ text: 'Hello' }]);

        const sdk = client(gateway(), { prefix: '/scripted' });
        const { usageMetadata } = await sdk.models.generateContent(request);
        const { items } = await streamed(sdk, request);

        for (const usage of [usageMetadata, items.at(-1).usageMetadata]) {
            assert.equal(usage.cachedContentTokenCount, 3);
            assert.equal(usage.candidatesTokenCount
                         + (usage.thoughtsTokenCount ?? 0), 7);
            assert.equal(usage.totalTokenCount,
                         usage.promptTokenCount + 7);
        }
    });

    it('counts tokens', async () => {
        const count = async (contents) =>
            (await client(gateway()).models.countTokens({ model, contents }))
                .totalTokens;
        const short = await count('Hello');
        const long = await count('Hello, how are you today? '.repeat(100));

        assert.ok(short > 0);
        assert.ok(long > 10 * short, `${long} and ${short}`);
    });

    it('is found in the list', async () => {
        const sdk = client(gateway(), { apiVersion: 'v1beta' });
        const one = await sdk.models.get({ model });

        assert.match(one.name, /^models\/[^:]+$/);
        assert.equal((await sdk.models.get({ model: `argo:${model}` })).name,
                     one.name);
        assert.ok(one.displayName.length > 0);
        assert.ok(one.supportedActions.includes('generateContent'));
    });

    it('gives up before the first byte', async () => {
        await gateway().aborts(async () => {
            const controller = new AbortController();
            const failed = failure(client(gateway(), { sim: never })
                .models.generateContent({
                    model, contents: 'Hello',
                    config: { abortSignal: controller.signal },
                }));

            await gateway().underWay();
            controller.abort();
            assert.match((await failed).name, /AbortError|Error/);
        });
    });

    it('gives up in mid-stream', async () => {
        await gateway().aborts(async () => {
            const controller = new AbortController();
            const stream = await client(gateway(), { sim: endless })
                .models.generateContentStream({
                    model, contents: 'Hello',
                    config: { abortSignal: controller.signal },
                });

            await collect((async function* () {
                for await (const chunk of stream) {
                    yield chunk;
                    controller.abort();
                }
            })());
        });
    });

    it('serves many at once', async () => {
        const sdk = client(gateway());

        await Promise.all(Array.from({ length: 40 }, async (unused, i) => {
            const request = { model, contents: `repeat: I am ${i}.` };
            const text = i % 2
                ? (await sdk.models.generateContent(request)).text
                : textOf((await streamed(sdk, request)).items);

            assert.equal(text, `I am ${i}.`);
        }));
    });

    it('speaks over the legacy API as well', async () => {
        const sdk = client(gateway(), { prefix: '/legacy' });
        const request = { model, contents: 'Hello' };
        const reply = await sdk.models.generateContent(request);
        const { items } = await streamed(sdk, request);

        checkChunks(items);
        assert.equal(reply.text, 'You said: Hello');
        assert.equal(textOf(items), 'You said: Hello');
    });
});

}


describeNative("Google's SDK, thoughts", (gateway) => {
    const sdk = () => client(gateway(), { prefix: '/scripted' });
    const config = {
        tools, thinkingConfig: { includeThoughts: true,
                                 thinkingBudget: 2048 },
    };

    for (const stream of [false, true]) {
        it(`of Claude come and go back, stream: ${stream}`, async () => {
            const { upstream } = gateway();
            const model = models.anthropic;
            const signature = 'RXJVQ2tRQ0lEQg==';
            const question = { role: 'user', parts: [{ text: 'Warm?' }] };

            scriptTurns(upstream, [
                { thinking: `Hm, ${odd}`, signature },
                { call: { id: 'toolu_01', name: 'get_weather',
                          args: { location: 'Köln' } } },
            ], [{ text: 'It is.' }]);

            const request = { model, contents: [question], config };
            const parts = stream
                ? (await streamed(sdk(), request)).items.flatMap(
                    ({ candidates }) => candidates?.[0].content?.parts ?? [])
                : (await sdk().models.generateContent(request))
                    .candidates[0].content.parts;

            assert.equal(upstream.body.thinking.budget_tokens, 2048);
            assert.equal(parts.filter(({ thought }) => thought)
                             .map(({ text }) => text).join(''),
                         `Hm, ${odd}`);
            assert.ok(parts.some(({ thoughtSignature }) => thoughtSignature));

            const reply = await sdk().models.generateContent({
                model, config, contents: [
                    question, { role: 'model', parts },
                    { role: 'user', parts: [{ functionResponse: {
                        id: parts.find((p) => p.functionCall)
                            .functionCall.id,
                        name: 'get_weather', response: { output: 31 },
                    } }] },
                ],
            });

            assert.equal(reply.text, 'It is.');

            const blocks = upstream.body.messages[1].content;

            assert.deepEqual(blocks.find(({ type }) => type === 'thinking'),
                { type: 'thinking', thinking: `Hm, ${odd}`, signature });
        });
    }

    it('become an effort for models of OpenAI', async () => {
        const { upstream } = gateway();

        script(upstream, [{ text: 'Yes.' }]);

        const reply = await sdk().models.generateContent({
            model: 'gpt-5', contents: 'Hello',
            config: { thinkingConfig: { thinkingBudget: 24576 } },
        });

        assert.equal(reply.text, 'Yes.');
        assert.equal(upstream.body.reasoning_effort, 'high');
        assert.ok(!('thinking' in upstream.body));
    });
});


describeNative("Google's SDK, lists", (gateway) => {

    for (const apiVersion of ['v1', 'v1beta']) {
        it(`sees all models, ${apiVersion}`, async () => {
            const sdk = client(gateway(), { apiVersion });
            const pager = await sdk.models.list({ config: { pageSize: 10 } });
            const names = [];

            for await (const model of pager) {
                names.push(model.name);
            }

            assert.equal(new Set(names).size, names.length);

            const bare = (name) => name.replace(/^models\/(argo:)?/, '')
                .replaceAll('.', '-');

            for (const model of Object.values(models)) {
                assert.ok(names.some((name) => bare(name) === bare(model)),
                          model);
            }

            assert.ok(!names.some((name) => name.includes('argo')));

            for (const name of names.slice(0, 10)) {
                assert.equal((await sdk.models.get({ model: name })).name,
                             name);
            }
        });
    }
});


describeNative("Google's SDK, errors", (gateway) => {

    /* The SDK's message is the body as it came. */

    function checkError(error, code, status, message = /./) {
        assert.ok(error instanceof ApiError, String(error));
        assert.equal(error.status, code);

        const body = JSON.parse(error.message);

        assert.deepEqual(Object.keys(body), ['error']);
        has(body.error, { code, status, message });
    }

    for (const [vendor, model] of Object.entries(models)) {
        const classes = [[401, 'UNAUTHENTICATED'], [403, 'PERMISSION_DENIED'],
                         [429, 'RESOURCE_EXHAUSTED'], [500, 'INTERNAL'],
                         [503, 'UNAVAILABLE']];

        for (const [code, status] of classes) {
            it(`of ARGO, ${code}, ${vendor}`, async () => {
                const sdk = client(gateway(), { sim: `status=${code}` });
                const request = { model, contents: 'Hello' };

                checkError(
                    await failure(sdk.models.generateContent(request)),
                    code, status);
                checkError(
                    await failure(sdk.models.generateContentStream(request)),
                    code, status);
            });
        }

        it(`of ARGO, denied, ${vendor}`, async () => {
            checkError(
                await failure(client(gateway(), { sim: 'text=denied' })
                    .models.generateContent({ model, contents: 'Hello' })),
                403, 'PERMISSION_DENIED');
        });

        it(`of a stream that is cut, ${vendor}`, async () => {
            const { items, error } = await streamed(
                client(gateway(), { sim: 'text=lorem, cut=1500' }),
                { model, contents: 'Hello' });

            assert.ok(items.length > 0);
            assert.ok(!items.some(({ candidates }) =>
                candidates?.[0].finishReason));
            assert.ok(error instanceof Error, 'no error at all');
        });
    }

    it('of an unknown model', async () => {
        for (const name of ['gpt-4p', 'gemini-nothing']) {
            const sdk = client(gateway());

            checkError(
                await failure(sdk.models.generateContent(
                    { model: name, contents: 'Hello' })),
                404, 'NOT_FOUND', /does not exist/);
            checkError(
                await failure(sdk.models.countTokens(
                    { model: name, contents: 'Hello' })), 404, 'NOT_FOUND');
        }

        checkError(
            await failure(client(gateway(), { apiVersion: 'v1beta' })
                .models.get({ model: 'gpt-4p' })), 404, 'NOT_FOUND');
    });

    it('of an invalid request', async () => {
        const { google: model } = models;
        const sdk = client(gateway());
        const url = `${gateway().base()}/v1beta/models/${model}`
            + ':generateContent';
        const bodies = ['', '[]', '{"contents":7}', '{"contents":[]}',
                        '{"contents":[{"parts":7}]}', '{"contents"'];

        for (const body of bodies) {
            const response = await fetch(url, { method: 'POST', body,
                headers: { 'Content-Type': 'application/json',
                           'x-goog-api-key': 'jdoe' } });
            const { error } = await response.json();

            assert.equal(response.status, 400, body);
            has(error, { code: 400, status: 'INVALID_ARGUMENT' }, body);
        }

        checkError(
            await failure(sdk.models.generateContent({
                model: models.openai, contents: 'Hello',
                config: { tools: [{ googleSearch: {} }] },
            })), 400, 'INVALID_ARGUMENT', /tools\[0\]/);
    });

    it('of what is not made for this gateway', async () => {
        checkError(
            await failure(client(gateway()).models.embedContent(
                { model: 'text-embedding-3-small', contents: ['a'] })),
            404, 'NOT_FOUND');
    });

    it("of nginx's own", async () => {
        const { openai: model } = models;
        const ask = (prefix, contents) => failure(
            client(gateway(), { prefix })
                .models.generateContent({ model, contents }));

        checkError(await ask('/denied', 'Hello'), 403, 'PERMISSION_DENIED');
        checkError(await ask('/small', 'x'.repeat(2000)), 413,
                   'INVALID_ARGUMENT');
        checkError(await ask('/dead', 'Hello'), 502, 'UNAVAILABLE');

        await client(gateway(), { prefix: '/limited' })
            .models.generateContent({ model, contents: 'Hello' });
        checkError(await ask('/limited', 'Hello'), 429,
                   'RESOURCE_EXHAUSTED');
    });
});


describeNative('Gemini without the SDK', (gateway) => {
    const body = JSON.stringify({
        contents: [{ role: 'user', parts: [{ text: 'count to 20' }] }],
    });
    const post = async (path, headers = {}) => await fetch(
        `${gateway().base()}/v1beta/models/${path}`, {
            method: 'POST', body,
            headers: { 'Content-Type': 'application/json', ...headers },
        });

    it('streams an array where SSE is not asked for', async () => {
        const response =
            await post(`${models.google}:streamGenerateContent`);

        assert.equal(response.status, 200);
        assert.match(response.headers.get('content-type'),
                     /^application\/json/);

        const chunks = await response.json();

        assert.ok(Array.isArray(chunks));
        assert.ok(chunks.length > 3);
        assert.equal(chunks.flatMap(({ candidates }) =>
            candidates?.[0].content?.parts ?? [])
                .map(({ text }) => text).join('').split('\n').length, 20);
    });

    it('sends events without [DONE]', async () => {
        const response =
            await post(`${models.openai}:streamGenerateContent?alt=sse`);
        const text = await response.text();

        assert.match(response.headers.get('content-type'),
                     /^text\/event-stream/);
        assert.ok(!text.includes('[DONE]'));

        for (const line of text.split(/\r?\n/).filter(Boolean)) {
            assert.match(line, /^data: \{/);
            JSON.parse(line.slice(6));
        }
    });

    it('keeps a key in the query out of the log', async () => {
        const response =
            await post(`${models.google}:generateContent?key=AIzaSecret42`);

        assert.equal(response.status, 200);
        await response.json();
        await gateway().untilStats('the end', ({ active }) => active === 0);

        for (const name of ['access.log', 'error.log']) {
            assert.ok(!gateway().front.read(name).includes('AIzaSecret42'),
                      name);
        }
    });
});
