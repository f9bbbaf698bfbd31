/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The official SDKs and all that an upstream can do wrong: a program has a
 * whole reply if and only if upstream gave one, else an error of the class
 * that the SDK has for it; what may help is tried again, by as many calls of
 * upstream as there are tries, and what can't is not.
 */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import Anthropic from '@anthropic-ai/sdk';
import { ApiError, GoogleGenAI } from '@google/genai';

import { OpenAI } from './lib/client.mjs';
import { NativeGateway, describeNative, models } from './lib/native.mjs';
import { answer } from './lib/vendor.mjs';

const text = 'one two three four five';

const notice = '\n\n⚠️ **IMPORTANT AUTHENTICATION NOTICE FROM ARGO** ⚠️\n\n'
    + "🚫 **ACCESS DENIED** 🚫\n\nThe username 'jdoe' is not authorized to use"
    + ' the Argo Gateway API.';

const html = '<html><head><title>Sorry</title></head></html>';


/* ---- upstream */

/* What a good reply would be: its type, and what is written, in order. */

function good(call, said) {
    const reply = { parts: [] };
    const response = {
        writeHead(status, headers) {
            reply.status = status;
            reply.type = headers['Content-Type'];
        },
        write(data, done) {
            reply.parts.push(data);
            done?.();
        },
        end(data) {
            if (data !== undefined) {
                reply.parts.push(data);
            }
        },
    };

    if (call.url.endsWith('/embeddings')) {
        reply.type = 'application/json';
        reply.parts.push(JSON.stringify({
            object: 'list', model: 'm',
            data: [{ object: 'embedding', index: 0, embedding: [0.5, 1] }],
            usage: { prompt_tokens: 1, total_tokens: 1 },
        }));

        return reply;
    }

    return Promise.resolve(answer(response, call, [{ text: said }]))
        .then(() => reply);
}


const write = (response, data) =>
    new Promise((resolve) => response.write(data, resolve));

const error = (status, body, headers = {}) => (response) => {
    response.writeHead(status, { 'Content-Type': 'application/json',
                                 ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
};

const detail = { detail: 'No' };


/* Without a head of node's own. */

function raw(response, data) {
    return new Promise((resolve) => response.socket.write(data, resolve));
}


/* By tag: what is called when a stream's client has its first text. */

const told = new Map();


/*
 * The part of a reply with which a client's stream has its first text; comes
 * back when the client has read it.
 */

async function begin(response, call) {
    const [, tag] = /"(fault [^"]*)"/.exec(call.body);
    const read = tag.endsWith('true')
        && new Promise((resolve) => { told.set(tag, resolve); });

    const { type, parts } = await good(call, text);
    const first = parts.findIndex((part) => part.includes('one'));

    response.writeHead(200, { 'Content-Type': type });

    if (parts.length === 1) {
        await write(response, parts[0].slice(0, parts[0].length / 2));
        return;
    }

    for (const part of parts.slice(0, first + 1)) {
        await write(response, part);
    }

    await read;
}


/*
 * The faults: what upstream does, the status that the client must see, and
 * by which location; "late" is behind some text in a stream.
 */

const faults = {
    refused: { status: 502, prefix: '/dead', calls: 0 },
    'no TLS': { status: 502, prefix: '/tls', calls: 0 },
    reset: { status: 502, run: (r) => r.socket.resetAndDestroy() },
    closed: { status: 502, run: (r) => r.socket.destroy() },
    silent: { status: 504, prefix: '/slow', run: () => {} },
    400: { status: 400, run: error(400, detail) },
    401: { status: 401, run: error(401, detail) },
    403: { status: 403, run: error(403, detail) },
    404: { status: 404, run: error(404, detail) },
    422: { status: 422, run: error(422, detail) },
    429: { status: 429, run: error(429, detail, { 'Retry-After': '1' }) },
    500: { status: 500, run: error(500, detail) },
    '502 HTML': { status: 502, run: error(502, html,
        { 'Content-Type': 'text/html' }) },
    '503 HTML': { status: 503, run: error(503, html,
        { 'Content-Type': 'text/html', 'Retry-After': '1' }) },
    504: { status: 504, run: error(504, '') },
    'page with 200': { status: 502, run: error(200, html,
        { 'Content-Type': 'text/html' }) },
    'malformed JSON': { status: 502, run: error(200, '{"choices":[{') },
    'error with 200': { status: 429, run: error(200, { error: {
        message: 'Too many', type: 'rate_limit_error', param: null,
        code: null } }) },
    'malformed chunks': { status: 502, run: async (r, call) => {
        const { type } = await good(call, text);

        await raw(r, `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n`
            + 'Transfer-Encoding: chunked\r\n\r\nzz\r\n');
        r.socket.destroy();
    } },
    denial: { status: 403, talk: true, run: async (r, call) => {
        const { type, parts } = await good(call, notice);

        r.writeHead(200, { 'Content-Type': type });
        r.end(parts.join(''));
    } },

    cut: { status: 502, late: true, run: async (r, call) => {
        await begin(r, call);
        r.socket.destroy();
    } },
    'malformed chunk behind text': { status: 502, late: true,
        run: async (r, call) => {
            await begin(r, call);
            await raw(r, 'zz\r\n');
        } },
    'status line behind text': { status: 502, late: true,
        run: async (r, call) => {
            await begin(r, call);
            await raw(r, 'HTTP/1.1 502 Bad Gateway\r\n\r\n');
        } },
    stall: { status: 504, late: true, prefix: '/slow',
        run: (r, call) => begin(r, call) },

    trickle: { run: async (r, call) => {
        const { type, parts } = await good(call, text);

        r.writeHead(200, { 'Content-Type': type });

        for (const byte of parts.join('')) {
            await write(r, byte);
        }

        r.end();
    } },
};


/* ---- the SDKs */

function openai(gateway, { prefix, fetch }) {
    return new OpenAI({ apiKey: 'jdoe', maxRetries: 1, fetch,
                        baseURL: gateway.base(prefix, '/v1') });
}

function anthropic(gateway, { prefix, fetch }) {
    return new Anthropic({ apiKey: 'jdoe', maxRetries: 1, fetch,
                           baseURL: gateway.base(prefix) });
}

function google(gateway, { prefix, fetch }) {
    return new GoogleGenAI({ apiKey: 'jdoe', httpOptions: {
        baseUrl: gateway.base(prefix), fetch,
        retryOptions: { attempts: 2, initialDelay: 0.2 },
    } });
}


/*
 * A way to ask: call(sdk, tag, stream) gives a reply or an iterable; textOf()
 * and ended() look at a reply, or at all items of a stream.
 */

const chat = (model) => ({
    make: openai,
    call: (sdk, tag, stream) => sdk.chat.completions.create({
        model, stream, messages: [{ role: 'user', content: tag }] }),
    textOf: ({ choices }) => choices[0].message.content,
    ended: ({ choices }) => choices[0].finish_reason === 'stop',
    itemText: ({ choices }) => choices[0]?.delta.content,
    itemEnds: ({ choices }) => choices[0]?.finish_reason,
});

const completions = (model) => ({
    make: openai,
    call: (sdk, tag, stream) => sdk.completions.create({
        model, stream, prompt: tag }),
    textOf: ({ choices }) => choices[0].text,
    ended: ({ choices }) => choices[0].finish_reason === 'stop',
    itemText: ({ choices }) => choices[0]?.text,
    itemEnds: ({ choices }) => choices[0]?.finish_reason,
});

const responses = (model) => ({
    make: openai,
    call: (sdk, tag, stream) => sdk.responses.create({
        model, stream, input: tag }),
    textOf: (reply) => reply.output_text,
    ended: ({ status }) => status === 'completed',
    itemText: ({ type, delta }) =>
        type === 'response.output_text.delta' && delta,
    itemEnds: ({ type }) => type === 'response.completed'
        || type === 'response.incomplete',
});

const embeddings = {
    make: openai, unary: true,
    call: (sdk, tag) => sdk.embeddings.create({
        model: 'text-embedding-3-small', input: tag,
        encoding_format: 'float' }),
    textOf: ({ data }) => data[0].embedding.join() === '0.5,1' && text,
    ended: ({ data }) => data.length === 1,
};

const messages = (model) => ({
    make: anthropic,
    call: (sdk, tag, stream) => sdk.messages.create({
        model, stream, max_tokens: 100,
        messages: [{ role: 'user', content: tag }] }),
    textOf: ({ content }) => content[0].text,
    ended: ({ stop_reason: reason }) => reason === 'end_turn',
    itemText: ({ delta }) => delta?.text,
    itemEnds: ({ type }) => type === 'message_stop',
});

const generate = (model) => ({
    make: google,
    call: (sdk, tag, stream) => (stream ? sdk.models.generateContentStream
        : sdk.models.generateContent).call(sdk.models,
                                           { model, contents: tag }),
    textOf: (reply) => reply.text,
    ended: ({ candidates }) => candidates[0].finishReason === 'STOP',
    itemText: (item) => item.text,
    itemEnds: ({ candidates }) => candidates?.[0]?.finishReason,
});


function classOf(make, status) {
    const sdk = make === openai ? OpenAI : Anthropic;

    if (make === google) {
        return ApiError;
    }

    return { 400: sdk.BadRequestError, 401: sdk.AuthenticationError,
             403: sdk.PermissionDeniedError, 404: sdk.NotFoundError,
             422: sdk.UnprocessableEntityError, 429: sdk.RateLimitError,
           }[status] ?? sdk.InternalServerError;
}


const retried = (status) => status === 429 || status >= 500;


/* One fault by one way; the tag by which upstream knows it is the prompt. */

async function meet(gateway, title, way, name, stream) {
    const { status, late, prefix = '/scripted', calls } = faults[name];
    const { itemEnds = () => false } = way;
    const tag = `fault ${name}, ${title}, stream ${stream}`;
    let tries = 0;
    const sdk = way.make(gateway, { prefix, fetch: (...args) => {
        tries++;
        return fetch(...args);
    } });

    let reply;
    let thrown;
    const items = [];

    try {
        reply = await way.call(sdk, tag, stream);

        if (stream) {
            for await (const item of reply) {
                items.push(item);

                if (way.itemText(item)) {
                    told.get(tag)?.();
                }
            }
        }
    } catch (caught) {
        thrown = caught;
    }

    const seen = gateway.upstream.calls.filter(({ body }) =>
        body?.includes(`"${tag}"`)).length;
    const said = items.map((item) => way.itemText(item) || '').join('');
    const what = `${tag}: ${thrown}`;

    if (status === undefined) {
        assert.equal(thrown, undefined, what);
        assert.equal(stream ? said : way.textOf(reply), text, what);
        assert.ok(stream ? items.some(itemEnds) : way.ended(reply), what);
        assert.deepEqual([tries, seen], [1, 1], what);

        return;
    }

    assert.ok(thrown instanceof Error, what);
    assert.ok(!items.some(itemEnds), what);

    if (late && stream) {
        /* too late for a status, and for another try */
        assert.ok(text.startsWith(said) && said.length > 0, what);
        assert.equal(way.make === google || thrown instanceof
            (way.make === openai ? OpenAI : Anthropic).APIError, true, what);
        assert.deepEqual([tries, seen], [1, 1], what);

        return;
    }

    assert.ok(thrown instanceof classOf(way.make, status),
              `${what} of ${thrown.constructor.name}`);
    assert.equal(thrown.status, status, what);
    assert.equal(said, '', what);

    const expected = retried(status) ? 2 : 1;

    assert.deepEqual([tries, seen], [expected, calls ?? expected], what);
}


/* All at once, since the SDKs wait between their tries. */

function meetAll(gateway, ways) {
    it('tells what is whole, and what failed how', async () => {
        const meetings = Object.entries(ways).flatMap(([title, way]) =>
            [false, true].slice(0, way.unary ? 1 : 2).flatMap((stream) =>
                Object.keys(faults)
                    .filter((name) => !(way.unary && faults[name].talk))
                    .map((name) => [title, way, name, stream])));

        gateway().upstream.script(async (response, call) => {
            const [, name] = /"fault ([^,]*),/.exec(call.body);

            await faults[name].run(response, call);
        });

        const results = await Promise.allSettled(meetings.map((meeting) =>
            meet(gateway(), ...meeting)));

        assert.deepEqual(results.filter(({ reason }) => reason)
            .map(({ reason }) => reason.message), []);
        assert.ok(results.length >= 24 * Object.keys(ways).length);
    });
}


const { openai: gpt, anthropic: claude, google: gemini } = models;

describe("what OpenAI's SDK meets", () => {
    let gateway;

    before(async () => {
        gateway = await NativeGateway.start();
    });

    meetAll(() => gateway, {
        'a chat with GPT': chat(gpt),
        'a chat with Claude': chat(claude),
        'a chat with Gemini': chat(gemini),
        'a completion': completions(gpt),
        'a response of GPT': responses(gpt),
        'a response of Claude': responses(claude),
        'an embedding': embeddings,
    });

    it('leaves clean logs and nothing open', async () => {
        assert.equal(await gateway.stop(), '');
    });

    after(async () => {
        await gateway?.cleanup();
    });
});


describeNative("what Anthropic's SDK meets", (gateway) => {
    meetAll(gateway, { 'a message of Claude': messages(claude),
                       'a message of GPT': messages(gpt) });
});


describeNative("what Google's SDK meets", (gateway) => {
    meetAll(gateway, { 'content of Gemini': generate(gemini),
                       'content of Claude': generate(claude) });
});
