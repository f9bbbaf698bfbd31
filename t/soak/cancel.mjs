/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * How soon upstream is told that a client has gone, in the middle of what:
 * prints a table of the time from the client's close to that of the last of
 * upstream's connections.  Fails only if one is never closed.
 *
 *   node t/soak/cancel.mjs [times]
 *
 * The environment is that of t/sdk/lib/nginx.mjs.
 */

import { once } from 'node:events';
import net from 'node:net';

import { Nginx, waitFor } from '../sdk/lib/nginx.mjs';
import { Upstream } from '../sdk/lib/upstream.mjs';

const times = Number(process.argv[2] ?? 200);

const messages = [{ role: 'user', content: 'Hello' }];
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUg', 'base64');


const conf = (upstream) => (ports) => `
    argo_zone argo 1m;

    server {
        listen 127.0.0.1:${ports.front};

        argo_user jdoe;
        argo_upstream /argo/;
        argo_models_refresh 0;
        argo_image_fetch /image/;
        argo_image_http on;
        argo_image_ports ${upstream};
        argo_image_allow 127.0.0.1;
        resolver 127.0.0.1;

        location / {
            argo_endpoint auto;
        }

        location /argo/ {
            internal;
            proxy_pass http://127.0.0.1:${upstream}/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }

        location /image/ {
            internal;
            proxy_pass
                $argo_image_scheme://$argo_image_address$argo_image_uri;
            proxy_set_header Host $argo_image_host;
            proxy_ignore_headers X-Accel-Redirect;
        }
    }
`;


const event = (data) => `data: ${JSON.stringify(data)}\n\n`;

const chunk = event({ id: 'c', object: 'chat.completion.chunk', created: 1,
                      model: 'm', choices: [{ index: 0, finish_reason: null,
                          delta: { role: 'assistant', content: 'Hi' } }] });

const started = ['message_start', 'content_block_start',
                 'content_block_delta'].map((type, i) =>
    `event: ${type}\n` + event({ type, ...[
        { message: { id: 'm', type: 'message', role: 'assistant', model: 'm',
                     content: [], stop_reason: null, stop_sequence: null,
                     usage: { input_tokens: 1, output_tokens: 1 } } },
        { index: 0, content_block: { type: 'text', text: '' } },
        { index: 0, delta: { type: 'text_delta', text: 'Hi' } }][i] }))
    .join('');


/* What upstream does with each call; nothing is ever ended. */

const silent = () => {};

const begun = (type, data) => (response) => {
    response.writeHead(200, { 'Content-Type': type });
    response.write(data);
};

const image = (port) => [{ role: 'user', content: [0, 1, 2, 3].map((i) => (
    { type: 'image_url',
      image_url: { url: `http://127.0.0.1:${port}/${i}.png` } })) }];

const cases = (port) => [
    ['a stream, before the first byte', '/v1/chat/completions',
     { model: 'gpt-4o', stream: true, messages }, silent, 1],
    ['a stream, in the middle', '/v1/chat/completions',
     { model: 'gpt-4o', stream: true, messages },
     begun('text/event-stream', chunk), 1, 'Hi'],
    ["a stream of Claude's, in the middle", '/v1/messages',
     { model: 'claude-haiku-4-5', stream: true, max_tokens: 9, messages },
     begun('text/event-stream', started), 1, 'Hi'],
    ['a whole reply, before the first byte', '/v1/chat/completions',
     { model: 'gpt-4o', messages }, silent, 1],
    ['a whole reply, in the middle', '/v1/chat/completions',
     { model: 'gpt-4o', messages }, begun('application/json', '{"id":'), 1],
    ['four embeddings at a time', '/v1/embeddings',
     { model: 'text-embedding-3-small',
       input: Array.from({ length: 64 }, (_, i) => `${i}`) }, silent, 4],
    ['four images at a time', '/v1/chat/completions',
     { model: 'gpt-4o', messages: image(port) },
     begun('image/png', png), 4],
];


async function leave(port, upstream, [title, path, body, run, calls, text]) {
    let open = 0;
    let last;
    let seen = 0;

    upstream.script((response) => {
        seen++;
        open++;
        response.on('close', () => {
            last = performance.now();
            open--;
        });
        run(response);
    });

    const socket = net.connect(port, '127.0.0.1');
    const data = JSON.stringify(body);

    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: `
                 + `${Buffer.byteLength(data)}\r\n\r\n${data}`);

    await waitFor(`${calls} calls, ${title}`, () => seen === calls);

    for (let got = ''; text && !got.includes(text);) {
        got += (await once(socket, 'data'))[0];
    }

    const begin = performance.now();

    socket.destroy();
    await waitFor(`the calls to be closed, ${title}`, () => open === 0);

    return last - begin;
}


async function main() {
    const upstream = await Upstream.start();
    const nginx = await Nginx.start('ngx_http_argo_module', ['front'],
                                    conf(upstream.port));

    try {
        console.log(`| ${times} times each | median, ms | 99 % | most |`);
        console.log('|---|---|---|---|');

        for (const what of cases(upstream.port)) {
            const all = [];

            for (let i = 0; i < times; i++) {
                all.push(await leave(nginx.ports.front, upstream, what));
            }

            all.sort((a, b) => a - b);

            const at = (part) => all[Math.floor((times - 1) * part)]
                .toFixed(2);

            console.log(`| ${what[0]} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |`);
        }
    } finally {
        await nginx.stop();
        nginx.cleanup();
        await upstream.stop();
    }
}

await main();
