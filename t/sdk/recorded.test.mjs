/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What the official SDKs make of recorded streams that have gone through the
 * module: t/unit/convert_recorded.c checks that t/fixtures/clients has what
 * it writes, stream and body.  A server gives the stream to the SDK, in small
 * pieces, and what that reassembles must be the body.
 *
 * Of a stream that is passed on there is no body: with ARGO_TEST_WRITE set,
 * what the SDK has made of it is written to NAME.sdk.json.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync }
    from 'node:fs';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';

import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';

import { OpenAI } from './lib/client.mjs';

const folder = new URL('../fixtures/clients/', import.meta.url);
const messages = [{ role: 'user', content: 'Hi' }];
const piece = 97;

let server, base, bytes;


before(async () => {
    server = createServer((request, response) => {
        request.resume();
        request.on('end', async () => {
            response.writeHead(200, { 'Content-Type': 'text/event-stream' });

            for (let i = 0; i < bytes.length; i += piece) {
                await new Promise((resolve) => {
                    response.write(bytes.subarray(i, i + piece), resolve);
                });
            }

            response.end();
        });
    });

    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${server.address().port}`;
});

after(() => server.close());


const openai = () => new OpenAI({
    apiKey: 'jdoe', baseURL: `${base}/v1`, maxRetries: 0,
});


/* What the SDK has added to what came, or keeps apart. */

function plain(object, ...added) {
    const copy = JSON.parse(JSON.stringify(object));

    for (const name of ['_request_id', ...added]) {
        delete copy[name];
    }

    return copy;
}


/* The SDK does not add up members that it does not know. */

const known = ({ id, model, choices, usage }) => ({
    id, model, usage, choices: choices.map(({ index, message, ...rest }) => ({
        index,
        finish_reason: rest.finish_reason,
        role: message.role,
        content: message.content ?? '',
        refusal: message.refusal ?? null,
        tool_calls: (message.tool_calls ?? []).map((call) => ({
            id: call.id, type: call.type, name: call.function.name,
            arguments: call.function.arguments,
        })),
    })),
});


/* Parts of Google's: texts that follow each other are one. */

function joined(replies) {
    const parts = [];

    for (const { candidates } of replies) {
        for (const part of candidates[0].content.parts) {
            const last = parts.at(-1);

            if (part.text === undefined || last?.text === undefined
                || last.thought !== part.thought)
            {
                if (part.text !== '' || part.thoughtSignature) {
                    parts.push({ ...part });
                }

            } else {
                last.text += part.text;

                if (part.thoughtSignature) {
                    assert.equal(last.thoughtSignature, undefined);
                    last.thoughtSignature = part.thoughtSignature;
                }
            }
        }
    }

    const { candidates, usageMetadata, modelVersion, responseId } =
        replies.at(-1);

    return JSON.parse(JSON.stringify({
        parts, usageMetadata, modelVersion, responseId,
        finishReason: candidates[0].finishReason,
    }));
}


/* What the SDK of each client makes of the stream. */

const clients = {
    async chat() {
        return await openai().chat.completions
            .stream({ model: 'm', messages,
                      stream_options: { include_usage: true } })
            .finalChatCompletion();
    },

    async completions() {
        const whole = { choices: [] };
        const stream = await openai().completions.create({
            model: 'm', prompt: 'Hi', stream: true,
        });

        for await (const { choices, ...rest } of stream) {
            Object.assign(whole, rest);

            for (const { text, ...choice } of choices) {
                const last = whole.choices[choice.index];

                whole.choices[choice.index] = {
                    ...choice, text: (last?.text ?? '') + text,
                };
            }
        }

        return whole;
    },

    async responses() {
        const items = [];
        const stream = openai().responses.stream({ model: 'm', input: 'Hi' });

        stream.on('response.output_item.done', ({ item, output_index: i }) => {
            items[i] = item;
        });

        const response = plain(await stream.finalResponse(), 'output_text',
                               'output_parsed');

        for (const item of response.output) {
            delete item.parsed_arguments;
            item.content?.forEach((part) => delete part.parsed);
        }

        assert.deepEqual(JSON.parse(JSON.stringify(items)), response.output);

        return response;
    },

    async messages() {
        const sdk = new Anthropic({
            apiKey: 'jdoe', baseURL: base, maxRetries: 0,
        });

        const message = plain(await sdk.messages
            .stream({ model: 'm', max_tokens: 9, messages }).finalMessage(),
            'parsed_output');

        message.content.forEach((block) => delete block.parsed_output);

        return message;
    },

    async gemini() {
        const sdk = new GoogleGenAI({
            apiKey: 'jdoe', httpOptions: { baseUrl: base },
        });

        const replies = [];

        for await (const reply of await sdk.models.generateContentStream({
            model: 'm', contents: 'Hi',
        })) {
            replies.push(reply);
        }

        return joined(replies);
    },
};


/* What is compared of it, and of a body. */

const compared = {
    chat: known,
    gemini: (body) => joined([body]),
};


for (const [client, fold] of Object.entries(clients)) {
    describe(`recorded streams, ${client}`, () => {
        const here = new URL(`${client}/`, folder);
        const names = readdirSync(here).filter((s) => s.endsWith('.sse'));

        it('are there', () => assert.ok(names.length > 3));

        for (const name of names) {
            it(name, async () => {
                bytes = readFileSync(new URL(name, here));

                const body = new URL(name.replace('.sse', '.json'), here);
                const own = new URL(name.replace('.sse', '.sdk.json'), here);
                const part = compared[client] ?? plain;
                const folded = client === 'gemini' ? await fold()
                                                   : part(await fold());

                if (existsSync(body)) {
                    const json = JSON.parse(readFileSync(body));

                    assert.deepEqual(folded, part(json));
                    return;
                }

                if (process.env.ARGO_TEST_WRITE) {
                    writeFileSync(own, JSON.stringify(folded, null, 1) + '\n');
                }

                assert.deepEqual(plain(folded),
                                 JSON.parse(readFileSync(own)));
            });
        }
    });
}


describe('recorded streams, as an array of Google\'s', () => {
    const here = new URL('gemini-array/', folder);

    for (const name of readdirSync(here).filter((s) => s.endsWith('.json'))) {
        it(name, () => {
            const replies = JSON.parse(readFileSync(new URL(name, here)));
            const body = JSON.parse(
                readFileSync(new URL(`gemini/${name}`, folder)));

            assert.deepEqual(joined(replies), joined([body]));
        });
    }
});
