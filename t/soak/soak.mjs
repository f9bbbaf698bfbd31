/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Many requests, and many clients that leave too early, in rounds, over
 * ARGO's legacy API and then over the native ones.  After each round nothing
 * may be left of it: no connection, no file descriptor, no call that still
 * runs, no memory.
 *
 *   node t/soak/soak.mjs
 *
 * Environment, beside that of t/sdk/lib/nginx.mjs:
 *
 *   SOAK_REQUESTS     keepalive requests a round; 10000
 *   SOAK_CONNECTIONS  connections that they use; 64
 *   SOAK_ABORTS       streams that are left, a round; 1000
 *   SOAK_ROUNDS       3; memory is compared from the second one on
 *   SOAK_APIS         "legacy native"
 *   SOAK_MEMORY       by how many KB a worker may grow from the second round
 *                     on, by the least of the earlier rounds and that of the
 *                     later ones; 512; "off" where a tool keeps books in the
 *                     same process (valgrind, ASan)
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';

import { Gateway } from '../sdk/lib/gateway.mjs';
import { NativeGateway } from '../sdk/lib/native.mjs';
import { waitFor } from '../sdk/lib/nginx.mjs';
import { HttpReader } from './reader.mjs';

const env = process.env;
const requests = Number(env.SOAK_REQUESTS ?? 10000);
const connections = Number(env.SOAK_CONNECTIONS ?? 64);
const aborts = Number(env.SOAK_ABORTS ?? 1000);
const rounds = Number(env.SOAK_ROUNDS ?? 3);
const apis = (env.SOAK_APIS ?? 'legacy native').split(' ');
const memory = env.SOAK_MEMORY === 'off' ? Infinity
                                         : Number(env.SOAK_MEMORY ?? 512);

/* how many clients wait at the same time to leave */
const batch = 50;

const question = 'Why is the beam unstable? 漢字 🚀 '.repeat(4);


function request(body, headers = '', path = '/v1/chat/completions') {
    const text = JSON.stringify(body);

    return `POST ${path} HTTP/1.1\r\n`
        + 'Host: gateway\r\n'
        + 'Content-Type: application/json\r\n'
        + headers
        + `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}


const chat = {
    model: 'gpt-4o',
    messages: [{ role: 'user', content: question }],
};

const streamed = { ...chat, stream: true };

/*
 * The kinds of request that take turns, and how each reply must end.  The
 * faults are among them because it is on these ways that memory is lost.
 */

const legacyKinds = [
    { text: request(chat), status: 200, ends: /"stop".*"total_tokens":.*\}$/s },
    { text: request(chat), status: 200, ends: /"stop".*"total_tokens":.*\}$/s },
    { text: request(streamed), status: 200, ends: /data: \[DONE\]\n\n$/ },
    { text: request({ ...streamed,
                      stream_options: { include_usage: true } }),
      status: 200, ends: /"usage":\{[^\n]*\n\ndata: \[DONE\]\n\n$/ },
    { text: request({ ...chat, model: 'no-such-model' }),
      status: 404, ends: /"code":"model_not_found"\}\}$/ },
    { text: request(chat, 'X-Argo-Sim: status=503, body=html\r\n'),
      status: 503, ends: /"type":"server_error".*\}$/s },
    { text: request(chat, 'X-Argo-Sim: malformed\r\n'),
      status: 502, ends: /"code":"upstream_invalid_reply"\}\}$/ },
    { text: request(chat, 'X-Argo-Sim: text=denied\r\n'),
      status: 403, ends: /"code":"argo_access_denied"\}\}$/ },
    { text: request(streamed, 'X-Argo-Sim: text=denied\r\n'),
      status: 403, ends: /"code":"argo_access_denied"\}\}$/ },
    { text: request(streamed, 'X-Argo-Sim: text=lorem, cut=30\r\n'),
      status: 200, ends: /"code":"upstream_incomplete"\}\}\n\n$/ },
];


/* The same for the native APIs: each client's, each of ARGO's. */

const claude = 'claude-haiku-4-5';
const hello = [{ role: 'user', content: question }];
const message = { model: claude, max_tokens: 500, messages: hello };
const contents = [{ parts: [{ text: question }] }];
const gemini = (model, method) => `/v1beta/models/${model}:${method}`;
const inputs = Array.from({ length: 40 }, (_, i) => `input ${i}`);

const ask = {
    chat: (sim, stream) => request({ ...chat, stream }, sim),
    claude: (sim, stream) => request({ ...chat, model: claude, stream }, sim),
    responses: (sim, stream) => request(
        { model: 'gpt-4o', input: question, stream }, sim, '/v1/responses'),
    messages: (sim, stream) => request({ ...message, stream }, sim,
                                       '/v1/messages'),
    messagesOfGpt: (sim, stream) => request(
        { ...message, model: 'gpt-4o', stream }, sim, '/v1/messages'),
    gemini: (sim, stream) => request({ contents }, sim, stream
        ? gemini('gemini-2.5-pro', 'streamGenerateContent?alt=sse')
        : gemini('gemini-2.5-pro', 'generateContent')),
    embeddings: (sim) => request(
        { model: 'text-embedding-3-small', input: inputs }, sim,
        '/v1/embeddings'),
};

const cut = 'X-Argo-Sim: text=lorem, size=5000, cut=6000\r\n';
const denied = 'X-Argo-Sim: text=denied\r\n';

const nativeKinds = [
    { text: ask.chat('', false), status: 200, ends: /"stop".*\}$/s },
    { text: ask.chat('', true), status: 200, ends: /data: \[DONE\]\n\n$/ },
    { text: ask.claude('', false), status: 200, ends: /"stop".*\}$/s },
    { text: ask.claude('', true), status: 200, ends: /data: \[DONE\]\n\n$/ },
    { text: ask.responses('', false), status: 200, ends: /"completed".*\}$/s },
    { text: ask.responses('', true), status: 200,
      ends: /event: response\.completed\ndata: .*\n\n$/ },
    { text: ask.messages('', false), status: 200, ends: /"end_turn".*\}$/s },
    { text: ask.messages('', true), status: 200,
      ends: /event: message_stop\ndata: .*\n\n$/ },
    { text: ask.messagesOfGpt('', true), status: 200,
      ends: /event: message_stop\ndata: .*\n\n$/ },
    { text: ask.gemini('', false), status: 200, ends: /"STOP".*\}$/s },
    { text: ask.gemini('', true), status: 200, ends: /"STOP".*\n\n$/ },
    { text: ask.embeddings('X-Argo-Sim: delay=1\r\n'), status: 200,
      ends: /"total_tokens":\d+\}\}$/ },
    { text: ask.chat(denied, true), status: 403,
      ends: /"argo_access_denied"\}\}$/ },
    { text: ask.messages(denied, true), status: 403,
      ends: /"permission_error".*\}$/ },
    { text: ask.chat(cut, true), status: 200,
      ends: /"code":"upstream_incomplete"\}\}\n\n$/ },
    { text: ask.messages(cut, true), status: 200,
      ends: /event: error\ndata: .*\n\n$/ },
    { text: ask.messages(cut, false), status: 502, ends: /"api_error".*\}$/ },
    { text: ask.responses('X-Argo-Sim: answer=failed, after=6\r\n', true),
      status: 200, ends: /\n\n$/ },
    { text: ask.embeddings('X-Argo-Sim: status=500\r\n'), status: 500,
      ends: /"server_error".*\}$/ },
];


/* How clients leave: by what they ask, and by how many calls that is. */

const texts = [
    [ask.chat, /"content": ?"[^"]/],
    [ask.messages, /"text": ?"[^"]/],
    [ask.claude, /"content": ?"[^"]/],
    [ask.responses, /output_text\.delta/],
    [ask.messagesOfGpt, /"text": ?"[^"]/],
    [ask.gemini, /"text": ?"[^"]/],
];

const plans = {
    legacy: {
        Gateway, kinds: legacyKinds,
        leaves: [{ text: (sim) => request(streamed, sim), calls: 1,
                   seen: /"delta":\{"content":"[^"]/ }],
    },
    native: {
        Gateway: NativeGateway, kinds: nativeKinds,
        leaves: [
            ...texts.map(([make, seen]) => (
                { text: (sim) => make(sim, true), calls: 1, seen })),
            { text: ask.embeddings, calls: 3 },
            { text: (sim) => ask.messages(sim, false), calls: 1 },
        ],
    },
};


/* One keepalive connection that takes requests as long as next() has any. */

async function talk(port, next) {
    const socket = net.connect(port, '127.0.0.1');
    const reader = new HttpReader(socket);

    await once(socket, 'connect');
    socket.setNoDelay(true);

    for (let kind = next(); kind; kind = next()) {
        socket.write(kind.text);

        const { status, body } = await reader.reply();

        assert.equal(status, kind.status, body);
        assert.match(body, kind.ends);
    }

    socket.end();
    await reader.closed;
}


async function keepaliveRequests(gateway, kinds) {
    let n = 0;

    const next = () => (n < requests ? kinds[n++ % kinds.length] : null);

    await Promise.all(Array.from({ length: connections },
                                 () => talk(gateway.port, next)));
}


/* Leaves by a reset and by an ordinary close in turn. */

function leave(socket, i) {
    if (i % 2) {
        socket.resetAndDestroy();
    } else {
        socket.destroy();
    }
}


/*
 * Clients that leave: before the first byte of the reply (the simulator has
 * the call and is silent), in mid-stream (they have seen text), and in the
 * middle of their own request (there is no call yet).
 */

async function abortBatch(gateway, size, kind, { text: make, calls: each,
                                                  seen: wanted }) {
    const sim = kind === 'waiting' ? 'delay=600000'
                                   : 'chunks=600, interval=200';
    const text = make(`X-Argo-Sim: ${sim}\r\n`);
    const before = await gateway.stats();
    const sockets = [];

    await Promise.all(Array.from({ length: size }, async () => {
        const socket = net.connect(gateway.port, '127.0.0.1');

        sockets.push(socket);
        socket.on('error', () => {});
        await once(socket, 'connect');

        if (kind === 'sending') {
            await new Promise((resolve) =>
                socket.write(text.slice(0, -20), resolve));

        } else {
            socket.write(text);
        }

        if (kind === 'streaming') {
            let seen = '';

            while (!wanted.test(seen)) {
                seen += (await once(socket, 'data'))[0];
            }

            assert.match(seen, /^HTTP\/1.1 200 /);
        }
    }));

    const calls = kind === 'sending' ? 0 : size * each;

    await gateway.untilStats(`${calls} calls to be under way`,
                             (stats) => stats.active === calls);

    sockets.forEach(leave);

    const after = await gateway.untilStats('the calls to be aborted',
        (stats) => stats.active === 0);

    assert.equal(after.requests, before.requests + calls);
    assert.equal(after.aborted, before.aborted + calls);
    assert.equal(after.completed, before.completed);
}


async function abortedStreams(gateway, leaves) {
    for (let left = aborts, i = 0; left > 0; i++) {
        const size = Math.min(batch, left);
        const how = leaves[(i >> 1) % leaves.length];

        await abortBatch(gateway, size,
                         i % 2 && how.seen ? 'streaming' : 'waiting', how);
        left -= size;
    }

    /* beyond the count: these are no streams yet */
    await abortBatch(gateway, Math.min(batch, aborts), 'sending', leaves[0]);
}


/* Waits until nothing goes on; nginx counts the connection that asks. */

async function idle(gateway) {
    await waitFor('connections of clients to be closed', async () =>
        await gateway.connections() === 1);

    const stats = await gateway.stats();

    assert.equal(stats.active, 0);
}


/*
 * What a worker has: memory in KB, and files beside the connections that it
 * keeps to the simulator, which is the one to know how many they are.
 */

async function holdings(gateway, pid) {
    const { files, kept } = await waitFor('counts to agree', async () => {
        const before = await gateway.connections(gateway.sim) - 1;
        const count = fs.readdirSync(`/proc/${pid}/fd`).length;
        const after = await gateway.connections(gateway.sim) - 1;

        return before === after && { files: count - after, kept: after };
    });
    const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');

    assert.ok(kept <= 64, `${kept} connections to upstream`);

    return { files, memory: Number(/^RssAnon:\s+(\d+)/m.exec(status)[1]) };
}


async function soak(api) {
    const { Gateway, kinds, leaves } = plans[api];
    const gateway = await Gateway.start();
    const seen = [];

    try {
        const worker = await gateway.worker();

        /* the connections that tried whether nginx listens are gone */
        await idle(gateway);

        const { files } = await holdings(gateway, worker);

        for (let round = 1; round <= rounds; round++) {
            const started = Date.now();

            await keepaliveRequests(gateway, kinds);
            await abortedStreams(gateway, leaves);
            await idle(gateway);

            assert.equal(await gateway.worker(), worker,
                         'the worker was replaced');

            /*
             * What the simulator has closed the worker may close a little
             * later; what it has lost it never does.
             */
            const now = await waitFor(`${files} file descriptors`, async () => {
                const held = await holdings(gateway, worker);

                return held.files === files && held;
            });

            seen.push(now.memory);
            console.log(`# ${api}, round ${round}: worker of ${now.memory} KB, `
                        + `${Math.round((Date.now() - started) / 1000)} s`);
        }

        /*
         * The first round fills pools, caches and the heap's free lists.
         * What the heap keeps goes up and down then; the least of many
         * rounds goes up only if something is left.
         */
        const later = rounds > 1 ? seen.slice(1) : seen;
        const half = Math.ceil(later.length / 2);
        const growth = Math.min(...later.slice(-half))
                       - Math.min(...later.slice(0, half));

        assert.ok(growth <= memory, `the worker grew by ${growth} KB`);
        assert.equal(await gateway.stop(), '');
        console.log(`ok, ${api}`);

    } finally {
        await gateway.cleanup();
    }
}

for (const api of apis) {
    await soak(api);
}
