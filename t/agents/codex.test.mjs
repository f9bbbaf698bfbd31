/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * OpenAI's Codex CLI: one turn with a tool call, for models of all vendors.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';

import { checkPicture, checkSimulated, checkTurn, describeAgent, pictureTurns,
         told } from './lib/agent.mjs';

const final = [{ text: 'The final answer.' }];

/* an effort that comes and must be given back, as OpenAI's models do */
const thought = { thinking: 'Let me see.', signature: 'RW5jcnlwdGVk' };

const config = (base, provider = '') => `
model_provider = "argo"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.argo]
name = "ARGO"
base_url = "${base}/v1"
wire_api = "responses"
env_key = "ARGO_USER"
request_max_retries = 0
stream_max_retries = 0
${provider}
`;


describeAgent('codex', {}, ({ ask }) => {

    const codex = (model, turn, { prompt, prefix } = {}) =>
        ask((place, base) => {
            place.write('home/.codex/config.toml', config(base));

            return [['exec', '--skip-git-repo-check', '--ephemeral',
                     '--json', '--dangerously-bypass-approvals-and-sandbox',
                     '-m', model, prompt ?? 'What is in secret.txt?'],
                    { ARGO_USER: 'jdoe' }];
        }, turn, prefix);

    const shell = { call: { id: 'call_1', name: 'exec_command',
                            args: { cmd: 'cat secret.txt' } } };

    /* by the first answer, and by the one that knows the result */
    const turns = (...blocks) => (body, { secret }) =>
        body.includes(secret) ? final : blocks;

    const checkClean = (result) => {
        assert.doesNotMatch(result.stdout, /Reconnecting/, told(result));
        assert.doesNotMatch(result.stdout + result.stderr,
                            /unsupported call/, told(result));
        assert.match(result.stdout, /"type":"turn\.completed"/,
                     told(result));
    };

    for (const [name, id] of [['argo:gpt-5', 'gpt5'], ['gpt-5.5', 'gpt55']]) {
        it(`runs a command, ${name}`, async () => {
            const result = await codex(name, turns(thought, shell));

            checkTurn(result, { path: '/argoapi/v1/responses', model: id });
            checkClean(result);

            /* its reasoning has come back as it was */
            assert.ok(result.calls.at(-1).body.input.some((item) =>
                item.type === 'reasoning'
                && item.encrypted_content === thought.signature),
                told(result));
        });
    }

    for (const [name, id, path] of [
        ['argo:claude-sonnet-4.5', 'claudesonnet45', '/argoapi/v1/messages'],
        ['argo:gemini-2.5-pro', 'gemini25pro',
         '/argoapi/v1/chat/completions'],
    ]) {
        it(`runs a command, ${name}`, async () => {
            const result = await codex(
                name, turns({ text: 'Let me see.' }, shell));

            checkTurn(result, { path, model: id });
            checkClean(result);
        });
    }

    it('gives back what Claude has thought', async () => {
        const result = await codex('claude-opus-5', turns(thought, shell));

        checkTurn(result, { path: '/argoapi/v1/messages',
                            model: 'claudeopus5' });
        checkClean(result);

        assert.ok(result.calls.at(-1).body.messages.some(({ content }) =>
            Array.isArray(content)
            && content[0].type === 'thinking'
            && content[0].thinking === thought.thinking
            && content[0].signature === thought.signature), told(result));
    });

    it('gives back what Gemini has signed', async () => {
        const result = await codex('gemini-2.5-pro', turns({
            call: { ...shell.call, signature: thought.signature },
        }));

        checkTurn(result, { path: '/argoapi/v1/chat/completions',
                            model: 'gemini25pro' });
        checkClean(result);

        assert.ok(result.calls.at(-1).body.messages.some((message) =>
            message.tool_calls?.[0].extra_content?.google
                .thought_signature === thought.signature), told(result));
    });

    it('runs a command by its own script', async () => {
        const result = await codex('gpt-5.6-sol', turns({ custom: {
            id: 'call_1', name: 'exec',
            input: 'const r = await tools.exec_command('
                + '{cmd: "cat secret.txt"}); text(r.output);' } }));

        checkTurn(result, { path: '/argoapi/v1/responses',
                            model: 'gpt56sol' });
        checkClean(result);
    });

    for (const [name, id, path] of [
        ['gpt-5.5', 'gpt55', '/argoapi/v1/responses'],
        ['argo:claude-sonnet-4.5', 'claudesonnet45', '/argoapi/v1/messages'],
        ['argo:gemini-2.5-pro', 'gemini25pro',
         '/argoapi/v1/chat/completions'],
    ]) {
        it(`shows a picture, ${name}`, async () => {
            const result = await codex(name, pictureTurns({ call: {
                id: 'call_1', name: 'view_image',
                args: { path: 'picture.png' } } }));

            checkPicture(result, { path, model: id });
            checkClean(result);
        });
    }

    it('patches a file', async () => {
        const patch = '*** Begin Patch\n*** Add File: new.txt\n+made\n'
            + '*** End Patch';
        const result = await codex('gpt-5.5', (body) =>
            body.includes('custom_tool_call_output') ? final
                : [{ custom: { id: 'call_1', name: 'apply_patch',
                               input: patch } }]);

        checkClean(result);
        assert.match(result.stdout, /"type":"file_change".*new\.txt.*add/,
                     told(result));
        assert.ok(result.stdout.includes('The final answer.'), told(result));
    });

    it('calls a tool in a namespace', async () => {
        const result = await codex('gpt-5.6-sol', (body) =>
            body.includes('function_call_output') ? final
                : [{ call: { id: 'call_1', name: 'list_agents', args: {},
                             namespace: 'collaboration' } }]);

        checkClean(result);
        assert.match(result.calls.at(-1).text, /agent_status/,
                     told(result));
    });

    const script = 'const r = await tools.exec_command'
        + '({cmd: "cat secret.txt"}); text(r.output);';

    for (const [name, prompt] of [
        ['argo:gpt-4.1', 'call exec_command {"cmd": "cat secret.txt"}'],
        ['argo:gpt-5', 'call exec_command {"cmd": "cat secret.txt"}'],
        ['gpt-5.5', 'call exec_command {"cmd": "cat secret.txt"}'],
        ['gpt-5.6-sol', `call exec ${script}`],
        ['argo:claude-opus-5',
         'call exec_command {"cmd": "cat secret.txt"}'],
        ['argo:claude-sonnet-4.5',
         'call exec_command {"cmd": "cat secret.txt"}'],
        ['argo:gemini-2.5-pro',
         'call exec_command {"cmd": "cat secret.txt"}'],
    ]) {
        it(`sends nothing that ARGO refuses, ${name}`, async () => {
            const result = await codex(name, undefined,
                                       { prompt, prefix: '' });

            checkSimulated(result);
            checkClean(result);
        });
    }

    it('says that ARGO denies access', async () => {
        const result = await ask((place, base) => {
            place.write('home/.codex/config.toml', config(base,
                'http_headers = { "X-Argo-Sim" = "text=denied" }'));

            return [['exec', '--skip-git-repo-check', '--ephemeral',
                     '--json', '-m', 'argo:gpt-4.1', 'Hello'],
                    { ARGO_USER: 'jdoe' }];
        }, undefined, '');

        assert.notEqual(result.code, 0, told(result));
        assert.match(result.stdout, /403/, told(result));
        assert.match(result.stdout, /denied access/, told(result));
    });

    it('does without WebSockets at once', async () => {
        const result = await ask((place, base) => [
            ['exec', '--skip-git-repo-check', '--ephemeral', '--json',
             '--dangerously-bypass-approvals-and-sandbox',
             '-c', `openai_base_url=${base}/v1`,
             '-m', 'gpt-5.5', 'What is in secret.txt?'],
            { CODEX_API_KEY: 'jdoe' },
        ], turns(shell));

        checkTurn(result, { path: '/argoapi/v1/responses', model: 'gpt55' });
        checkClean(result);
    });
});
