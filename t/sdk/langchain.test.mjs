/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * LangChain's ChatOpenAI, over chat completions and over Responses, and its
 * OpenAIEmbeddings, with models of all vendors.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';

import { AIMessage, HumanMessage, SystemMessage, ToolMessage }
    from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';

import { collect, failure } from './lib/client.mjs';
import { describeNative, endless, models, never, odd, png }
    from './lib/native.mjs';
import { script } from './lib/vendor.mjs';

/* nothing of a test is reported to a service */
process.env.LANGSMITH_TRACING = 'false';

/* LangChain takes crypto for a global, which Node.js 18 does not have */
const NODE = 20;

const place = {
    type: 'object', properties: { location: { type: 'string' } },
    required: ['location'],
};


function options(gateway, { prefix, sim, ...more } = {}) {
    return {
        apiKey: 'jdoe', maxRetries: 0, ...more,
        configuration: {
            baseURL: gateway.base(prefix, '/v1'),
            defaultHeaders: sim ? { 'X-Argo-Sim': sim } : {},
        },
    };
}


function weather(asked) {
    return tool(async (input) => {
        asked.push(input);
        return 'sunny';
    }, { name: 'get_weather', description: 'The weather of a place',
         schema: place });
}


for (const useResponsesApi of [false, true]) {
    for (const [vendor, model] of Object.entries(models)) {

describeNative(`LangChain, ${useResponsesApi ? 'Responses' : 'chat'}, `
               + `a model of ${vendor}`, (gateway) => {

    const chat = (more) => new ChatOpenAI(
        options(gateway(), { model, useResponsesApi, ...more }));

    it('answers', async () => {
        const reply = await chat().invoke('Hello');

        assert.equal(reply.text, 'You said: Hello');
        assert.ok(reply.usage_metadata.input_tokens > 0);
        assert.ok(reply.usage_metadata.output_tokens > 0);
        assert.equal(reply.usage_metadata.total_tokens,
                     reply.usage_metadata.input_tokens
                     + reply.usage_metadata.output_tokens);
    });

    it('streams', async () => {
        const { items, error } = await collect(
            await chat().stream(`repeat: ${odd}`));

        assert.equal(error, undefined);
        assert.equal(items.map(({ text }) => text).join(''), odd);

        const whole = items.reduce((all, chunk) => all.concat(chunk));

        assert.ok(whole.usage_metadata.output_tokens > 0);
    });

    it('calls a tool and reads its result', async () => {
        const asked = [];
        const one = weather(asked);
        const bound = chat().bindTools([one]);
        const question = new HumanMessage('Is it warm?');
        const first = await bound.invoke([question]);

        assert.equal(first.tool_calls.length, 1);

        const result = await one.invoke(first.tool_calls[0]);

        assert.ok(result instanceof ToolMessage);
        assert.deepEqual(asked, [{ location: 'location' }]);

        const second = await bound.invoke([question, first, result]);

        assert.equal(second.text, 'The tool answered: sunny');
    });

    it('calls a tool in a stream', async () => {
        const stream = await chat().bindTools([weather([])])
            .stream('Is it warm?');
        const { items, error } = await collect(stream);

        assert.equal(error, undefined);

        const whole = items.reduce((all, chunk) => all.concat(chunk));

        assert.equal(whole.tool_calls.length, 1);
        assert.equal(whole.tool_calls[0].name, 'get_weather');
        assert.deepEqual(whole.tool_calls[0].args, { location: 'location' });
    });

    it('carries an image', async () => {
        const reply = await chat().invoke([new HumanMessage({ content: [
            { type: 'text', text: 'What is it?' },
            { type: 'image_url',
              image_url: { url: `data:image/png;base64,${png}` } },
        ] })]);

        assert.match(reply.text, /image\/png, 68 bytes/);
    });

    it('carries a conversation', async () => {
        const { upstream } = gateway();

        script(upstream, [{ text: odd }]);

        const reply = await chat({ prefix: '/scripted', maxTokens: 3000 })
            .invoke([new SystemMessage(odd), new HumanMessage(odd),
                     new AIMessage('Yes?'), new HumanMessage(odd)]);

        assert.equal(reply.text, odd);

        const texts = JSON.stringify(upstream.body)
            .split(JSON.stringify(odd).slice(1, -1)).length - 1;

        assert.equal(texts, 3);
        assert.ok(Object.values(upstream.body).includes(3000));
    });

    it('answers as a schema says', async () => {
        const { upstream } = gateway();

        script(upstream, [{ text: '{"answer":42}' }]);

        const reply = await chat({ prefix: '/scripted' })
            .withStructuredOutput({
                title: 'Answer', type: 'object', required: ['answer'],
                properties: { answer: { type: 'integer' } },
                additionalProperties: false,
            }, { method: 'jsonSchema' })
            .invoke('What is it?');

        assert.deepEqual(reply, { answer: 42 });
        assert.match(upstream.calls.at(-1).body,
                     /"answer":\{"type":"integer"/);
    });

    it('fails with the status that ARGO has', async () => {
        for (const status of [400, 401, 403, 429, 500]) {
            const error = await failure(
                chat({ sim: `status=${status}` }).invoke('Hello'));

            assert.equal(error.status, status, String(error));
            assert.match(error.message, /simulated failure/);
        }
    });

    it('notices that a stream is cut', async () => {
        const sim = 'text=lorem, size=9000, cut=9000';
        const { items, error } = await collect(
            await chat({ sim }).stream('Hello'));

        assert.ok(items.length > 0);
        assert.ok(error instanceof Error, 'no error at all');
    });

    it('gives up', async () => {
        await gateway().aborts(async () => {
            const controller = new AbortController();
            const failed = failure(chat({ sim: never })
                .invoke('Hello', { signal: controller.signal }));

            await gateway().underWay();
            controller.abort();
            assert.match((await failed).message, /abort/i);
        });
    });

    it('gives up in mid-stream', async () => {
        await gateway().aborts(async () => {
            const controller = new AbortController();
            const stream = await chat({ sim: endless })
                .stream('Hello', { signal: controller.signal });

            await collect((async function* () {
                for await (const chunk of stream) {
                    yield chunk;
                    controller.abort();
                }
            })());
        });
    });
}, NODE);

    }
}


describeNative('LangChain, the rest', (gateway) => {

    const embeddings = (more) => new OpenAIEmbeddings(options(
        gateway(), { model: 'text-embedding-3-small', ...more }));

    it('embeds, more than ARGO takes at once', async () => {
        const texts = Array.from({ length: 40 }, (unused, i) => `text ${i}`);
        const vectors = await embeddings().embedDocuments(texts);

        assert.equal(vectors.length, 40);
        assert.ok(vectors.every((vector) => vector.length === 1536));
        assert.deepEqual(await embeddings().embedQuery(texts[23]),
                         vectors[23]);
    });

    it('embeds in fewer dimensions', async () => {
        const vector = await embeddings({ dimensions: 256 })
            .embedQuery('Hello');

        assert.equal(vector.length, 256);
        assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6);
    });

    it('says which model is unknown', async () => {
        const error = await failure(
            embeddings({ model: 'text-embedding-9' }).embedQuery('Hello'));

        assert.equal(error.status, 404, String(error));
    });

    it('serves a batch', async () => {
        const chat = new ChatOpenAI(options(
            gateway(), { model: models.anthropic, maxConcurrency: 8 }));
        const texts = Array.from({ length: 30 }, (unused, i) => `I am ${i}.`);
        const replies = await chat.batch(
            texts.map((text) => `repeat: ${text}`));

        assert.deepEqual(replies.map(({ text }) => text), texts);
    });
}, NODE);
