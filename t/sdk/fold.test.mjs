/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * What Anthropic's SDK makes of the streams in t/fixtures/anthropic-fold:
 * t/unit/convert_anthropic_back.c wants the same of the module.  With
 * ARGO_TEST_WRITE set the expectations are written, not compared.
 */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';

import { MessageStream } from '@anthropic-ai/sdk/lib/MessageStream';

const folder = new URL('../fixtures/anthropic-fold/', import.meta.url);


async function fold(sse) {
    const lines = sse.split('\n').filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5).trim() + '\n');
    const bytes = new TextEncoder().encode(lines.join(''));

    const stream = MessageStream.fromReadableStream(new ReadableStream({
        start(controller) {
            controller.enqueue(bytes);
            controller.close();
        },
    }));

    const message = JSON.parse(JSON.stringify(await stream.finalMessage()));

    delete message._request_id;
    delete message.parsed_output;

    for (const block of message.content) {
        delete block.parsed_output;
    }

    return message;
}


describe('streams of messages, folded', () => {
    const names = readdirSync(folder).filter((name) => name.endsWith('.sse'));

    for (const name of names) {
        it(name, async () => {
            const sse = readFileSync(new URL(name, folder), 'utf8');
            const text = JSON.stringify(await fold(sse), null, 1) + '\n';
            const golden = new URL(name.replace('.sse', '.json'), folder);

            if (process.env.ARGO_TEST_WRITE) {
                writeFileSync(golden, text);
            }

            assert.equal(text, readFileSync(golden, 'utf8'));
        });
    }
});
