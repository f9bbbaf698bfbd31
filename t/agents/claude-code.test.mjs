/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Anthropic's Claude Code: one turn with a tool call, for models of all
 * vendors; counts and lists.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';

import { checkPicture, checkSimulated, checkTurn, describeAgent, pictureTurns,
         told } from './lib/agent.mjs';

const final = [{ text: 'The final answer.' }];
const thought = { thinking: 'Let me see.', signature: 'RXJVQ2tRQ0lEQg==' };

const shell = { call: {
    id: 'toolu_vrtx_01', name: 'Bash',
    args: { command: 'cat secret.txt', description: 'Read it' },
} };

const quiet = {
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    IS_SANDBOX: '1',
};


describeAgent('claude', {}, ({ gateway, ask }) => {

    const claude = (model, turn, { prompt, prefix, args = [], env } = {}) =>
        ask((place, base) => [
            ['-p', prompt ?? 'What is in secret.txt?', '--model', model,
             '--output-format', 'stream-json', '--verbose',
             '--dangerously-skip-permissions', ...args],
            { ...quiet, ANTHROPIC_BASE_URL: base,
              ANTHROPIC_AUTH_TOKEN: 'jdoe', ...env },
        ], turn, prefix);

    const turns = (...blocks) => (body, { secret }) =>
        body.includes(secret) ? final : blocks;

    const result = ({ stdout }) => stdout.split('\n').filter(Boolean)
        .map((line) => JSON.parse(line))
        .find(({ type }) => type === 'result');

    for (const [name, id] of [['argo:claude-sonnet-4.5', 'claudesonnet45'],
                              ['claude-opus-5', 'claudeopus5'],
                              ['claude-haiku-4-5', 'claudehaiku45']])
    {
        it(`runs a command, ${name}`, async () => {
            const told_ = await claude(
                name, turns(thought, { text: 'Let me see.' }, shell));

            checkTurn(told_, { path: '/argoapi/v1/messages', model: id });
            assert.equal(result(told_).is_error, false, told(told_));

            const { body, headers } = told_.calls.at(-1);
            const turn = body.messages.find(({ role }) =>
                role === 'assistant');

            assert.deepEqual(turn.content[0],
                             { type: 'thinking', ...thought });
            assert.match(headers['anthropic-beta'], /claude-code-/);
            assert.ok(JSON.stringify(body.system).includes('cache_control'));
        });
    }

    for (const [name, id] of [['argo:gpt-5', 'gpt5'],
                              ['argo:gpt-4.1', 'gpt41'],
                              ['argo:gemini-2.5-pro', 'gemini25pro']])
    {
        it(`runs a command, ${name}`, async () => {
            const told_ = await claude(
                name, turns({ text: 'Let me see.' }, shell));

            checkTurn(told_, { path: '/argoapi/v1/chat/completions',
                               model: id });
            assert.equal(result(told_).is_error, false, told(told_));
        });
    }

    for (const [name, id, path] of [
        ['claude-sonnet-4-6', 'claudesonnet46', '/argoapi/v1/messages'],
        ['argo:gpt-4.1', 'gpt41', '/argoapi/v1/chat/completions'],
        ['argo:gemini-2.5-pro', 'gemini25pro',
         '/argoapi/v1/chat/completions'],
    ]) {
        it(`shows a picture, ${name}`, async () => {
            checkPicture(
                await claude(name, pictureTurns({ call: {
                    id: 'toolu_vrtx_01', name: 'Read',
                    args: { file_path: 'picture.png' } } })),
                { path, model: id });
        });
    }

    it('knows how much of the context is used', async () => {
        const told_ = await claude('claude-sonnet-4-6', turns(shell));
        const { usage } = result(told_);

        assert.ok(usage.input_tokens > 0, told(told_));
        assert.ok(usage.output_tokens > 0, told(told_));
    });

    it('takes the user from its key as well', async () => {
        const told_ = await claude('claude-sonnet-4-6', turns(shell), {
            env: { ANTHROPIC_AUTH_TOKEN: '', ANTHROPIC_API_KEY: 'jdoe' } });

        checkTurn(told_, { path: '/argoapi/v1/messages',
                           model: 'claudesonnet46' });
    });

    it('asks for a form of the answer', async () => {
        const schema = { type: 'object', required: ['content'],
                         properties: { content: { type: 'string' } } };
        const told_ = await claude('claude-sonnet-4-6',
            (body, { secret }) => !body.includes(secret) ? [shell]
                : body.includes('toolu_vrtx_02') ? final
                : [{ call: { id: 'toolu_vrtx_02', name: 'StructuredOutput',
                             args: { content: secret } } }],
            { args: ['--json-schema', JSON.stringify(schema)] });

        assert.equal(told_.code, 0, told(told_));
        assert.deepEqual(result(told_).structured_output,
                         { content: told_.secret }, told(told_));
    });

    for (const name of ['claude-opus-5', 'claude-opus-4-7',
                        'claude-sonnet-4-6', 'claude-sonnet-4-5',
                        'claude-haiku-4-5', 'argo:gpt-5', 'argo:gpt-4.1',
                        'argo:gpt-5.6-sol', 'argo:gemini-2.5-pro'])
    {
        it(`sends nothing that ARGO refuses, ${name}`, async () => {
            const told_ = await claude(name, undefined, {
                prefix: '', prompt: 'call Bash {"command": "cat secret.txt"'
                    + ', "description": "Read it"}' });

            checkSimulated(told_);
            assert.equal(result(told_).is_error, false, told(told_));
        });
    }

    it('counts what its context is made of', async () => {
        const told_ = await ask((place, base) => [
            ['-p', '/context', '--model', 'claude-sonnet-4-6'],
            { ...quiet, ANTHROPIC_BASE_URL: base,
              ANTHROPIC_AUTH_TOKEN: 'jdoe' },
        ], () => final);
        const counts = told_.calls.filter(({ path }) =>
            path === '/argoapi/v1/messages/count_tokens');

        assert.equal(told_.code, 0, told(told_));
        assert.ok(counts.length > 10, `${counts.length} counts`);
        assert.match(told_.stdout, /Context Usage/i, told(told_));
    });

    it('finds the models', async () => {
        const told_ = await claude('claude-sonnet-4-6', turns(shell), {
            env: { CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: '1' } });

        checkTurn(told_, { path: '/argoapi/v1/messages',
                           model: 'claudesonnet46' });
        assert.match(gateway().front.read('access.log'),
                     /"GET \/scripted\/v1\/models\?limit=1000 [^"]+" 200 /);
    });

    it('says that ARGO denies access', async () => {
        const told_ = await claude('claude-sonnet-4-6', undefined, {
            prefix: '',
            env: { ANTHROPIC_CUSTOM_HEADERS: 'X-Argo-Sim: text=denied' } });

        assert.notEqual(told_.code, 0, told(told_));
        assert.match(told_.stdout, /403/, told(told_));
        assert.match(told_.stdout, /denied access/, told(told_));
    });
});
