/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * An upstream whose behaviour a test scripts, for what the simulator does
 * not do: exact bytes, and a look at the request that came.
 */

import { once } from 'node:events';
import http from 'node:http';


export class Upstream {

    static async start() {
        const upstream = new Upstream();

        upstream.server = http.createServer((request, response) => {
            upstream.serve(request, response);
        });

        /* nginx keeps its connections longer than a test lives */
        upstream.server.keepAliveTimeout = 0;
        upstream.server.listen(0, '127.0.0.1');
        await once(upstream.server, 'listening');
        upstream.port = upstream.server.address().port;
        upstream.reset();

        return upstream;
    }

    /*
     * handler(response, call) answers all further calls.  Forgets the calls
     * that were made.
     */
    script(handler) {
        this.calls = [];
        this.handler = handler;
    }

    reset() {
        this.script((response) => {
            response.writeHead(500).end('nothing is scripted');
        });
    }

    json(status, body, headers = {}) {
        const text = typeof body === 'string' ? body : JSON.stringify(body);

        this.script((response) => {
            response.writeHead(status, { 'Content-Type': 'application/json',
                                         ...headers });
            response.end(text);
        });
    }

    /* The pieces, each written by itself, as text/plain. */

    text(...pieces) {
        this.script(async (response) => {
            response.writeHead(200, {
                'Content-Type': 'text/plain; charset=utf-8'
            });

            for (const piece of pieces) {
                await new Promise((resolve) => response.write(piece, resolve));
            }

            response.end();
        });
    }

    async serve(request, response) {
        const chunks = [];
        const call = {
            method: request.method,
            url: request.url,
            headers: request.headers,
            closed: false,
        };

        this.calls.push(call);

        /* also comes after a whole answer; writableFinished tells */
        response.on('close', () => {
            call.closed = true;
            call.aborted = !response.writableFinished;
        });

        try {
            for await (const chunk of request) {
                chunks.push(chunk);
            }
        } catch {
            return;         /* the caller has gone; "close" says so */
        }

        call.body = Buffer.concat(chunks).toString('utf8');

        await this.handler(response, call);
    }

    /* The body of the latest call, parsed. */

    get body() {
        return JSON.parse(this.calls.at(-1).body);
    }

    async stop() {
        if (!this.server.listening) {
            return;
        }

        this.server.closeAllConnections();
        this.server.close();
        await once(this.server, 'close');
    }
}
