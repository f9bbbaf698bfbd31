/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Google's Gemini CLI: one turn with a tool call, for models of all vendors.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';

import { checkPicture, checkSimulated, checkTurn, describeAgent, pictureTurns,
         told } from './lib/agent.mjs';

const final = [{ text: 'The final answer.' }];

const shell = (id) => ({ call: {
    id, name: 'run_shell_command',
    args: { command: 'cat secret.txt', description: 'Read it' },
} });

const settings = {
    general: { enableAutoUpdate: false,
               enableAutoUpdateNotification: false },
    privacy: { usageStatisticsEnabled: false },
    security: { auth: { selectedType: 'gemini-api-key' } },
    telemetry: { enabled: false },
};


describeAgent('gemini', { node: 20 }, ({ ask }) => {

    const gemini = (model, turn, { prompt, prefix, env } = {}) =>
        ask((place, base) => {
            place.write('home/.gemini/settings.json', settings);

            return [['-p', prompt ?? 'What is in secret.txt?', '-y',
                     ...model ? ['-m', model] : [],
                     '--output-format', 'json'],
                    { GEMINI_CLI_TRUST_WORKSPACE: 'true',
                      GOOGLE_GEMINI_BASE_URL: base,
                      GEMINI_API_KEY: 'jdoe', ...env }];
        }, turn, prefix);

    const turns = (...blocks) => (body, { secret }) =>
        body.includes(secret) ? final : blocks;

    const reply = ({ stdout }) =>
        JSON.parse(stdout.slice(stdout.indexOf('{')));

    for (const [name, id, path] of [
        ['gemini-2.5-pro', 'gemini25pro', '/argoapi/v1/chat/completions'],
        ['argo:gemini-2.5-flash', 'gemini25flash',
         '/argoapi/v1/chat/completions'],
        ['argo:gpt-4.1', 'gpt41', '/argoapi/v1/chat/completions'],
        ['argo:gpt-5', 'gpt5', '/argoapi/v1/chat/completions'],
        ['argo:claude-sonnet-4.5', 'claudesonnet45', '/argoapi/v1/messages'],
    ]) {
        it(`runs a command, ${name}`, async () => {
            const result = await gemini(
                name, turns({ text: 'Let me see.' }, shell('call_1')));

            checkTurn(result, { path, model: id });

            const { stats } = reply(result);

            assert.equal(stats.tools.totalSuccess, 1, told(result));
            assert.ok(Object.values(stats.models)[0].tokens.prompt > 0,
                      told(result));
        });
    }

    it('runs two commands at once', async () => {
        const result = await gemini('gemini-2.5-pro', (body, { secret }) =>
            body.split(secret).length > 2 ? final
                : [shell('call_1'), shell('call_2')]);

        checkTurn(result, { path: '/argoapi/v1/chat/completions',
                            model: 'gemini25pro' });
        assert.equal(reply(result).stats.tools.totalSuccess, 2,
                     told(result));
    });

    for (const [name, id, path] of [
        ['gemini-2.5-pro', 'gemini25pro', '/argoapi/v1/chat/completions'],
        ['argo:claude-sonnet-4.5', 'claudesonnet45', '/argoapi/v1/messages'],
    ]) {
        it(`shows a picture, ${name}`, async () => {
            checkPicture(
                await gemini(name, pictureTurns({ call: {
                    id: 'call_1', name: 'read_file',
                    args: { file_path: 'picture.png' } } })),
                { path, model: id });
        });
    }

    for (const [complexity_score, id] of [[7, 'gemini35flash'],
                                          [95, 'gemini25pro']])
    {
        it(`chooses a model by itself, ${id}`, async () => {
            const result = await gemini(undefined, (body, place) =>
                JSON.parse(body).tools ? turns(shell('call_1'))(body, place)
                    : [{ text: JSON.stringify({
                        complexity_reasoning: 'So it is.', complexity_score,
                    }) }]);

            checkTurn(result, { path: '/argoapi/v1/chat/completions',
                                model: id });
            assert.equal(result.calls[0].body.model, 'gemini31flashlite');
            assert.doesNotMatch(result.stderr, /Classifier.* failed/,
                                told(result));
        });
    }

    for (const name of ['gemini-2.5-pro', 'argo:gemini-3.5-flash',
                        'argo:gpt-4.1', 'argo:gpt-5',
                        'argo:claude-sonnet-4.5', 'argo:claude-opus-5'])
    {
        it(`sends nothing that ARGO refuses, ${name}`, async () => {
            checkSimulated(await gemini(name, undefined, {
                prefix: '', prompt: 'call run_shell_command {"command": '
                    + '"cat secret.txt", "description": "Read it"}' }));
        });
    }

    it('says that ARGO denies access', async () => {
        const result = await gemini('gemini-2.5-flash', undefined, {
            prefix: '',
            env: { GEMINI_CLI_CUSTOM_HEADERS: 'X-Argo-Sim: text=denied' } });

        assert.notEqual(result.code, 0, told(result));
        assert.match(result.stdout + result.stderr, /denied access/,
                     told(result));
    });
});
