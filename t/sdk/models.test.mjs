/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * ARGO's own list of models, as the SDKs of OpenAI and Anthropic see it, and
 * as Claude Code asks for it.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import Anthropic from '@anthropic-ai/sdk';

import { OpenAI, client, failure, messages, withGateway }
    from './lib/client.mjs';


function anthropic(gateway, prefix = '/live') {
    return new Anthropic({
        apiKey: 'sk-test',
        baseURL: `http://127.0.0.1:${gateway.port}${prefix}`,
        maxRetries: 0,
    });
}


async function all(page) {
    const items = [];

    for await (const item of page) {
        items.push(item);
    }

    return items;
}


describe('OpenAI', () => withGateway((gateway) => {

    it('sees the list that ARGO has', async () => {
        const { data, response } = await client(gateway(), { prefix: '/live' })
            .models.list().withResponse();

        assert.equal(response.headers.get('x-argo-models-source'), 'live');
        assert.match(response.headers.get('x-argo-models-age'), /^\d+$/);

        const ids = data.data.map((item) => item.id);

        assert.equal(new Set(ids).size, ids.length);

        for (const id of ['argo:gpt-4o', 'argo:gpt-5.6-sol',
                          'argo:claude-opus-4.6', 'argo:claude-4.6-opus',
                          'argo:gemini-2.5-pro',
                          'argo:text-embedding-3-small'])
        {
            assert.ok(ids.includes(id), id);
        }

        for (const item of data.data) {
            assert.equal(item.object, 'model');
            assert.ok(Number.isInteger(item.created));
            assert.equal(typeof item.owned_by, 'string');
        }
    });

    it('retrieves each of it', async () => {
        const openai = client(gateway(), { prefix: '/live' });

        for (const item of (await openai.models.list()).data) {
            const { _request_id, ...one } =
                await openai.models.retrieve(item.id);

            assert.deepEqual(one, item);
        }
    });

    it('chats with a model that ARGO has just got', async () => {
        const openai = client(gateway(), { prefix: '/list' });
        const { upstream } = gateway();

        upstream.json(200, { object: 'list', data: [
            { id: 'Nova 9', internal_id: 'nova9', object: 'model',
              created: 1, owned_by: 'ufo' },
        ] });

        const list = await openai.models.list();
        const one = list.data.find((item) => item.id === 'argo:nova-9');

        assert.equal(one.owned_by, 'ufo');
        assert.notEqual(one.created, 1);

        upstream.json(200, { response: 'Hello' });

        const { choices } = await openai.chat.completions.create(
            { model: 'nova-9', messages });

        assert.equal(choices[0].message.content, 'Hello');
        assert.equal(upstream.body.model, 'nova9');

        const error = await failure(openai.chat.completions.create(
            { model: 'gpt-4o', messages }));

        assert.ok(error instanceof OpenAI.NotFoundError);
        assert.equal(error.code, 'model_not_found');
    });

    it('sees the built-in list when ARGO has none', async () => {
        const { data, response } = await client(gateway(), { prefix: '/dead' })
            .models.list().withResponse();

        assert.equal(response.headers.get('x-argo-models-source'), 'builtin');
        assert.ok(data.data.length > 30);
    });
}));


describe('Anthropic', () => withGateway((gateway) => {

    it('sees the list with its own names', async () => {
        const page = await anthropic(gateway()).models.list();

        assert.equal(page.has_more, false);
        assert.equal(page.first_id, page.data[0].id);
        assert.equal(page.last_id, page.data.at(-1).id);

        const ids = page.data.map((item) => item.id);

        assert.equal(new Set(ids).size, ids.length);
        assert.ok(ids.includes('claude-opus-4-6'));
        assert.ok(ids.includes('gpt-4o'));
        assert.ok(!ids.some((id) => id.startsWith('argo:')));

        for (const item of page.data) {
            assert.equal(item.type, 'model');
            assert.ok(item.display_name.length > 0);
            assert.match(item.created_at,
                         /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        }
    });

    it('goes through all pages', async () => {
        const sdk = anthropic(gateway());
        const whole = await all(sdk.models.list());

        for (const limit of [1, 7, whole.length, 1000]) {
            assert.deepEqual(await all(sdk.models.list({ limit })), whole,
                             `limit ${limit}`);
        }
    });

    it('goes back', async () => {
        const sdk = anthropic(gateway());
        const whole = (await sdk.models.list()).data;
        const page = await sdk.models.list(
            { limit: 3, before_id: whole[10].id });

        assert.deepEqual(page.data, whole.slice(7, 10));
        assert.equal(page.has_more, true);

        const before = await page.getNextPage();

        assert.deepEqual(before.data, whole.slice(4, 7));
    });

    it('retrieves each of it', async () => {
        const sdk = anthropic(gateway());

        for (const item of (await sdk.models.list()).data) {
            const one = await sdk.models.retrieve(item.id);

            assert.equal(one.id, item.id);
            assert.equal(one.type, 'model');
            assert.equal(one.display_name, item.display_name);
            assert.equal(one.created_at, item.created_at);
        }
    });

    it('is told what is wrong', async () => {
        const sdk = anthropic(gateway());

        assert.equal((await failure(sdk.models.retrieve('nothing'))).status,
                     404);
        assert.equal((await failure(sdk.models.list({ limit: 0 }))).status,
                     400);
        assert.equal((await failure(sdk.models.list({ after_id: 'x' })))
                         .status, 400);
    });
}));


describe('Claude Code', () => withGateway((gateway) => {

    it('finds models that it takes for its own', async () => {
        const url = `${gateway().url('/live')}/models?limit=1000`;
        const response = await fetch(url, {
            headers: { Authorization: 'Bearer token' },
            redirect: 'error',
        });

        assert.equal(response.status, 200);

        const { data } = await response.json();
        const own = data.filter(({ id }) => /^(claude|anthropic)/.test(id));

        assert.ok(own.length > 5);

        for (const { id, display_name } of own) {
            assert.match(id, /^claude-[a-z]+-[0-9]+(-[0-9]+)?(-v[0-9]+)?$/);
            assert.match(display_name, /^Claude /);
        }
    });

    it('gets an answer from HEAD', async () => {
        for (const path of ['/', '/models']) {
            const url = gateway().url('/live') + path;
            const response = await fetch(url, { method: 'HEAD' });

            assert.equal(response.status, 200, path);
        }
    });
}));
