/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The official SDK as an ordinary program uses it.  ARGO_TEST_SDK names the
 * package: "openai", the newest release, or "openai-v6", the last one that
 * its makers support on Node 18 and 20.
 */

import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';

import { Gateway } from './gateway.mjs';

const name = process.env.ARGO_TEST_SDK || 'openai';
const sdk = await import(name);

export const OpenAI = sdk.default;
export const { ChatCompletionStream } =
    await import(`${name}/lib/ChatCompletionStream`);

export const model = 'gpt-4o';
export const messages = [{ role: 'user', content: 'Say something.' }];


/*
 * A client of the gateway, by default one that does not try again; sim is
 * the fault that the simulator is to show.
 */

export function client(gateway, { prefix, sim, ...options } = {}) {
    return new OpenAI({
        apiKey: 'sk-test',
        baseURL: gateway.url(prefix),
        maxRetries: 0,
        defaultHeaders: sim ? { 'X-Argo-Sim': sim } : {},
        ...options,
    });
}


/*
 * To be called at the top of a suite: gives it a gateway, and ends with a
 * test of what nginx has left in its logs.
 */

export function withGateway(suite) {
    const holder = {};

    before(async () => {
        holder.gateway = await Gateway.start();
    });

    suite(() => holder.gateway);

    it('leaves clean logs and nothing open', async () => {
        assert.equal(await holder.gateway.stop(), '');
    });

    after(async () => {
        await holder.gateway?.cleanup();
    });
}


/* What a rejected promise was rejected with. */

export async function failure(promise) {
    try {
        await promise;
    } catch (error) {
        return error;
    }

    assert.fail('should have failed');
}


/* All that comes of an async iterable, and the error that ended it. */

export async function collect(iterable) {
    const items = [];

    try {
        for await (const item of iterable) {
            items.push(item);
        }
    } catch (error) {
        return { items, error };
    }

    return { items };
}


export function textOf(chunks) {
    return chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '')
        .join('');
}
