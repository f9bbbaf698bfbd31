/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenCode: one turn with a tool call, by each of the providers that it can
 * speak to a gateway with, for models of all vendors.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';

import { checkPicture, checkSimulated, checkTurn, describeAgent, pictureTurns,
         told } from './lib/agent.mjs';

const final = [{ text: 'The final answer.' }];

const shell = { call: {
    id: 'call_1', name: 'bash',
    args: { command: 'cat secret.txt', description: 'Read it' },
} };

/* of OpenCode, besides its configuration */
const quiet = {
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
    OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
    OPENCODE_DISABLE_MODELS_FETCH: '1',
};


describeAgent('opencode', {}, ({ ask }) => {

    const opencode = (npm, model, turn, { prompt, prefix, headers } = {}) =>
        ask((place, base) => {
            const path = npm === '@ai-sdk/google' ? '/v1beta' : '/v1';

            place.write('home/.config/opencode/opencode.json', {
                autoupdate: false, share: 'disabled', permission: 'allow',
                model: `argo/${model}`, small_model: `argo/${model}`,
                provider: { argo: {
                    npm, name: 'ARGO',
                    options: { baseURL: base + path, apiKey: 'jdoe',
                               headers },
                    models: { [model]: {
                        name: model, tool_call: true, attachment: true,
                        modalities: { input: ['text', 'image'],
                                      output: ['text'] },
                        limit: { context: 128000, output: 16000 },
                    } },
                } },
            });

            return [['run', '--auto', '--format', 'json',
                     ...prompt ?? ['What is in secret.txt?']], quiet];
        }, turn, prefix);

    /* it also asks for a title, without any tools */
    const turns = (...blocks) => (body, { secret }) =>
        !JSON.parse(body).tools ? [{ text: 'A title' }]
            : body.includes(secret) ? final : blocks;

    const compatible = '@ai-sdk/openai-compatible';
    const chat = '/argoapi/v1/chat/completions';
    const messages = '/argoapi/v1/messages';

    for (const [npm, name, id, path] of [
        [compatible, 'argo:gpt-4.1', 'gpt41', chat],
        [compatible, 'argo:claude-opus-4.6', 'claudeopus46', messages],
        ['@ai-sdk/openai', 'argo:gpt-5', 'gpt5', '/argoapi/v1/responses'],
        ['@ai-sdk/anthropic', 'argo:claude-sonnet-4.5', 'claudesonnet45',
         messages],
        ['@ai-sdk/google', 'argo:gemini-2.5-pro', 'gemini25pro', chat],
    ]) {
        it(`runs a command, ${npm}, ${name}`, async () => {
            const result = await opencode(
                npm, name, turns({ text: 'Let me see.' }, shell));

            checkTurn(result, { path, model: id });
            assert.doesNotMatch(result.stdout, /"type":"error"/,
                                told(result));
        });
    }

    for (const [npm, name, id, path] of [
        [compatible, 'argo:gpt-4.1', 'gpt41', chat],
        ['@ai-sdk/anthropic', 'claude-sonnet-4-5', 'claudesonnet45',
         messages],
    ]) {
        it(`shows a picture, ${npm}`, async () => {
            const turn = pictureTurns({ call: {
                id: 'call_1', name: 'read',
                args: { filePath: 'picture.png' } } });

            checkPicture(
                await opencode(npm, name, (body) => JSON.parse(body).tools
                    ? turn(body) : [{ text: 'A title' }]),
                { path, model: id });
        });
    }

    /* words of their own: others come with quotes around them */
    const prompt = ['call', 'bash',
                    '{"command":"cat<secret.txt","description":"Read"}'];

    for (const [npm, name] of [
        [compatible, 'argo:gpt-5'], [compatible, 'argo:claude-opus-5'],
        [compatible, 'argo:gemini-2.5-pro'],
        ['@ai-sdk/openai', 'argo:gpt-5.5'],
        ['@ai-sdk/anthropic', 'claude-sonnet-4-5'],
        ['@ai-sdk/google', 'argo:gemini-3.5-flash'],
    ]) {
        it(`sends nothing that ARGO refuses, ${npm}, ${name}`, async () => {
            checkSimulated(await opencode(npm, name, undefined, {
                prefix: '', prompt }));
        });
    }

    it('says that ARGO denies access', async () => {
        const result = await opencode(compatible, 'argo:gpt-4.1', undefined, {
            prefix: '', headers: { 'X-Argo-Sim': 'text=denied' } });

        assert.match(result.stdout + result.stderr, /denied access/,
                     told(result));
    });
});
