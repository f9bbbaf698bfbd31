/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The official SDK: a program that gives up also ends the call to ARGO,
 * whenever it does so, and hurts nobody else.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { OpenAI, client, collect, failure, messages, model, textOf,
         withGateway } from './lib/client.mjs';

const chat = { model, messages };
const streamed = { model, messages, stream: true };

/* longer than any test lives */
const never = 'delay=600000';
const endless = 'chunks=100000, interval=20';


describe('a client that gives up', () => withGateway((gateway) => {

    /* Runs leave(), and waits until the simulator has seen n calls end. */

    async function aborts(leave, n = 1) {
        const before = await gateway().stats();

        await leave(before);

        const after = await gateway().untilStats('the calls to be aborted',
            (stats) => stats.active === 0
                       && stats.aborted >= before.aborted + n);

        assert.equal(after.aborted, before.aborted + n);
        assert.equal(after.completed, before.completed);
    }

    const underWay = (n = 1) => gateway().untilStats('calls to be under way',
        (stats) => stats.active === n);

    for (const request of [chat, streamed]) {
        it(`before the first byte, stream: ${!!request.stream}`, async () => {
            await aborts(async () => {
                const controller = new AbortController();
                const failed = failure(client(gateway(), { sim: never })
                    .chat.completions.create(
                        request, { signal: controller.signal }));

                await underWay();
                controller.abort();

                assert.equal((await failed).constructor,
                             OpenAI.APIUserAbortError);
            });
        });
    }

    it('because its time is over', async () => {
        await aborts(async () => {
            const openai = client(gateway(), { sim: never, timeout: 250 });
            const error =
                await failure(openai.chat.completions.create(chat));

            assert.equal(error.constructor, OpenAI.APIConnectionTimeoutError);
        });
    });

    const ways = {
        'by its signal': (stream, controller) => controller.abort(),
        'by the stream itself': (stream) => stream.controller.abort(),
    };

    for (const [title, leave] of Object.entries(ways)) {
        for (const sim of [endless, 'text=lorem, stall=100']) {
            it(`in mid-stream, ${title}: ${sim}`, async () => {
                await aborts(async () => {
                    const controller = new AbortController();
                    const stream = await client(gateway(), { sim })
                        .chat.completions.create(
                            streamed, { signal: controller.signal });
                    let left = false;

                    await collect((async function* () {
                        for await (const chunk of stream) {
                            yield chunk;

                            if (!left && textOf([chunk]).length > 0) {
                                assert.equal(
                                    (await gateway().stats()).active, 1);
                                left = true;
                                leave(stream, controller);
                            }
                        }
                    })());

                    assert.ok(left);
                });
            });
        }
    }

    it('in mid-stream, by leaving the loop', async () => {
        await aborts(async () => {
            const stream = await client(gateway(), { sim: endless })
                .chat.completions.create(streamed);

            for await (const chunk of stream) {
                if (textOf([chunk]).length > 0) {
                    break;
                }
            }
        });
    });

    it('in mid-stream, by the helper', async () => {
        await aborts(async () => {
            const stream = client(gateway(), { sim: endless })
                .chat.completions.stream(chat);

            stream.once('content', () => stream.abort());

            const error = await failure(stream.done());

            assert.equal(error.constructor, OpenAI.APIUserAbortError);
        });
    });

    it('while others go on', async () => {
        const { upstream } = gateway();
        const openai = client(gateway(), { prefix: '/scripted' });
        let finish;

        upstream.script((response) => {
            response.writeHead(200, { 'Content-Type': 'text/plain' });
            response.write('begun, ');
            finish = () => response.end('ended');
        });

        const other = await openai.chat.completions.create(streamed);

        await aborts(async () => {
            const controllers = Array.from({ length: 20 },
                                           () => new AbortController());
            const failed = Promise.all(controllers.map(({ signal }) =>
                failure(client(gateway(), { sim: never })
                    .chat.completions.create(streamed, { signal }))));

            await underWay(20);
            controllers.forEach((controller) => controller.abort());
            await failed;
        }, 20);

        finish();

        const { items, error } = await collect(other);

        assert.equal(error, undefined);
        assert.equal(textOf(items), 'begun, ended');
    });

    it('and comes again', async () => {
        const reply = await client(gateway()).chat.completions.create(chat);

        assert.ok(reply.choices[0].message.content.length > 0);
    });
}));
