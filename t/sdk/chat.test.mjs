/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The official SDK: unary chat completions and the list of models, what the
 * program gets, and what ARGO gets.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { OpenAI, client, failure, messages, model, withGateway }
    from './lib/client.mjs';

const texts = {
    ascii: 'Plain "quoted" \\ text\twith\r\ncontrol characters\u0001.',
    latin: 'Grüße aus Übersee, naïve façade, ½ €',
    cyrillic: 'Съешь ещё этих мягких французских булок',
    cjk: '漢字かな交じり文、한국어 그리고 中文。',
    emoji: '🚀 👩‍🔬 👨‍👩‍👧‍👦 🇺🇸 é ⚠️ 🚫',
    separators: 'line\u2028paragraph\u2029bom\ufeffnul-like ␀ end',
    json: '{"response": "not the envelope", "error": null}',
    event: 'data: [DONE]\n\ndata: {"error":{"message":"quoted"}}\n\n',
};

const png = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1'
    + 'HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=';

const weather = {
    type: 'function',
    function: {
        name: 'get_weather',
        description: 'The weather of a place',
        parameters: {
            type: 'object',
            properties: { location: { type: 'string' } },
            required: ['location'],
        },
    },
};


describe('unary chat completion', () => withGateway((gateway) => {

    it('has the shape that the API promises', async () => {
        const before = Math.floor(Date.now() / 1000);
        const { data, response } = await client(gateway())
            .chat.completions.create({ model, messages }).withResponse();
        const after = Math.floor(Date.now() / 1000);

        assert.match(data.id, /^chatcmpl-[A-Za-z0-9]{29}$/);
        assert.equal(data.object, 'chat.completion');
        assert.ok(Number.isInteger(data.created));
        assert.ok(data.created >= before && data.created <= after + 1);
        assert.equal(data.model, model);
        assert.equal(data.choices.length, 1);

        const [choice] = data.choices;

        assert.equal(choice.index, 0);
        assert.equal(choice.finish_reason, 'stop');
        assert.equal(choice.logprobs, null);
        assert.ok('logprobs' in choice);
        assert.equal(choice.message.role, 'assistant');
        assert.ok(choice.message.content.length > 0);
        assert.equal(choice.message.refusal, null);
        assert.ok('refusal' in choice.message);
        assert.ok(!('tool_calls' in choice.message));

        const { usage } = data;

        for (const name of ['prompt_tokens', 'completion_tokens',
                            'total_tokens'])
        {
            assert.ok(Number.isInteger(usage[name]) && usage[name] > 0, name);
        }

        assert.equal(usage.total_tokens,
                     usage.prompt_tokens + usage.completion_tokens);

        assert.match(response.headers.get('content-type'),
                     /^application\/json/);
        assert.match(response.headers.get('x-request-id'), /^[0-9a-f]{32}$/);
        assert.match(response.headers.get('openai-processing-ms'), /^\d+$/);
        assert.equal(response.headers.get('openai-version'), '2020-10-01');
        assert.equal(data._request_id, response.headers.get('x-request-id'));
    });

    it('gives each reply an id of its own', async () => {
        const openai = client(gateway());
        const replies = await Promise.all(Array.from({ length: 10 }, () =>
            openai.chat.completions.create({ model, messages })));

        assert.equal(new Set(replies.map((reply) => reply.id)).size, 10);
        assert.equal(new Set(replies.map((r) => r._request_id)).size, 10);
    });

    it('names the model as the client did', async () => {
        for (const name of ['argo:gpt-4o', 'GPT-4o', 'gpt4o',
                            'claude-sonnet-4-6'])
        {
            const reply = await client(gateway())
                .chat.completions.create({ model: name, messages });

            assert.equal(reply.model, name);
        }
    });

    for (const [title, text] of Object.entries(texts)) {
        it(`carries text unharmed, both ways: ${title}`, async () => {
            const { upstream } = gateway();

            upstream.json(200, { response: text });

            const reply = await client(gateway(), { prefix: '/scripted' })
                .chat.completions.create({
                    model,
                    messages: [{ role: 'system', content: text },
                               { role: 'user', content: text }],
                });

            assert.equal(reply.choices[0].message.content, text);
            assert.deepEqual(upstream.body.messages,
                             [{ role: 'system', content: text },
                              { role: 'user', content: text }]);
        });
    }

    it('carries text that upstream has escaped', async () => {
        gateway().upstream.json(
            200, '{"response":"\\u00fc \\ud83d\\ude80 \\/ \\u6f22\\n"}');

        const reply = await client(gateway(), { prefix: '/scripted' })
            .chat.completions.create({ model, messages });

        assert.equal(reply.choices[0].message.content, 'ü 🚀 / 漢\n');
    });

    it('sends ARGO its own names and nothing of the client', async () => {
        const { upstream } = gateway();

        upstream.json(200, { response: 'Hello.' });

        await client(gateway(), {
            prefix: '/scripted',
            organization: 'org-client',
            project: 'project-client',
            defaultHeaders: { Cookie: 'session=secret' },
        }).chat.completions.create({
            model: 'argo:gpt-4o',
            messages,
            user: 'somebody-else',
            temperature: 0.25,
            stop: ['END'],
            seed: 12345678901,
            metadata: { unknown: 'kept' },
        });

        const [call] = upstream.calls;

        assert.equal(upstream.calls.length, 1);
        assert.equal(call.method, 'POST');
        assert.equal(call.url, '/argoapi/api/v1/resource/chat/');
        assert.deepEqual(upstream.body, {
            model: 'gpt4o',
            user: 'jdoe',
            messages,
            temperature: 0.25,
            stop: ['END'],
            seed: 12345678901,
            metadata: { unknown: 'kept' },
        });
        assert.equal(call.headers['content-type'], 'application/json');
        assert.equal(call.headers.accept, 'application/json');
        assert.equal(call.headers['accept-encoding'], 'identity');
        assert.match(call.headers['user-agent'],
                     /^ngx_http_argo_module\/\d+\.\d+\.\d+ \S/);

        for (const header of Object.keys(call.headers)) {
            assert.doesNotMatch(header,
                                /^(authorization|cookie|openai-|x-stainless)/);
        }
    });

    it('carries an image in a data URL, and other parts', async () => {
        const { upstream } = gateway();
        const content = [
            { type: 'text', text: 'What is in this picture? 🖼️' },
            { type: 'image_url', image_url: { url: png, detail: 'low' } },
        ];

        upstream.json(200, { response: 'A dot.' });

        const reply = await client(gateway(), { prefix: '/scripted' })
            .chat.completions.create({
                model, messages: [{ role: 'user', content }]
            });

        assert.equal(reply.choices[0].message.content, 'A dot.');
        assert.deepEqual(upstream.body.messages[0].content, content);
    });

    it('carries an image of 8 MB', async () => {
        const { upstream } = gateway();
        const url = 'data:image/png;base64,'
            + Buffer.alloc(6 * 1024 * 1024, 'picture').toString('base64');

        upstream.json(200, { response: 'Large.' });

        const reply = await client(gateway(), { prefix: '/scripted' })
            .chat.completions.create({
                model,
                messages: [{ role: 'user', content: [
                    { type: 'image_url', image_url: { url } }
                ] }],
            });

        assert.equal(reply.choices[0].message.content, 'Large.');
        assert.ok(upstream.body.messages[0].content[0].image_url.url === url);
    });

    it('lets response_format pass', async () => {
        const { upstream } = gateway();
        const formats = [
            { type: 'json_object' },
            { type: 'json_schema', json_schema: {
                name: 'answer', strict: true,
                schema: { type: 'object',
                          properties: { answer: { type: 'integer' } },
                          required: ['answer'],
                          additionalProperties: false },
            } },
        ];

        for (const response_format of formats) {
            upstream.json(200, { response: '{"answer": 42}' });

            const reply = await client(gateway(), { prefix: '/scripted' })
                .chat.completions.parse({ model, messages, response_format });

            assert.deepEqual(upstream.body.response_format, response_format);
            assert.deepEqual(JSON.parse(reply.choices[0].message.content),
                             { answer: 42 });
        }
    });

    it('gives tool calls of a gpt model', async () => {
        const { upstream } = gateway();
        const args = '{"location":"Zürich \\"HB\\""}';
        const call = {
            id: 'call_abc', type: 'function',
            function: { name: 'get_weather', arguments: args },
        };

        upstream.json(200, { response: { content: null,
                                         tool_calls: [call] } });

        const reply = await client(gateway(), { prefix: '/scripted' })
            .chat.completions.create({
                model, messages, tools: [weather], tool_choice: 'auto'
            });
        const [choice] = reply.choices;

        assert.deepEqual(upstream.body.tools, [weather]);
        assert.equal(upstream.body.tool_choice, 'auto');
        assert.equal(choice.finish_reason, 'tool_calls');
        assert.ok('content' in choice.message);
        assert.equal(choice.message.content || null, null);
        assert.deepEqual(choice.message.tool_calls, [call]);
    });

    it('leads a conversation with tools to its end', async () => {
        const { upstream } = gateway();
        const runs = [];

        upstream.script((response, call) => {
            const asked = JSON.parse(call.body).messages;
            const result = asked.find((message) => message.role === 'tool');

            response.setHeader('Content-Type', 'application/json');
            response.end(JSON.stringify({
                response: result ? `It is ${result.content}.` : {
                    content: '',
                    tool_calls: [{
                        id: 'call_1', type: 'function',
                        function: { name: 'get_weather',
                                    arguments: '{"location":"Lemont"}' },
                    }],
                },
            }));
        });

        const answer = await client(gateway(), { prefix: '/scripted' })
            .chat.completions.runTools({
                model, messages,
                tools: [{ ...weather, function: {
                    ...weather.function,
                    parse: JSON.parse,
                    function: ({ location }) => {
                        runs.push(location);
                        return 'sunny';
                    },
                } }],
            }).finalContent();

        assert.equal(answer, 'It is sunny.');
        assert.deepEqual(runs, ['Lemont']);
        assert.equal(upstream.calls.length, 2);
    });

    it('gives the tool calls that the simulator makes', async () => {
        const reply = await client(gateway()).chat.completions.create({
            model, messages, tools: [weather]
        });
        const [choice] = reply.choices;

        assert.equal(choice.finish_reason, 'tool_calls');
        assert.equal(choice.message.tool_calls[0].type, 'function');
        assert.equal(choice.message.tool_calls[0].function.name,
                     'get_weather');
        JSON.parse(choice.message.tool_calls[0].function.arguments);
    });
}));


describe('models', () => withGateway((gateway) => {

    it('are listed', async () => {
        const list = [];

        for await (const item of client(gateway()).models.list()) {
            list.push(item);
        }

        assert.ok(list.length > 30);

        for (const item of list) {
            assert.equal(typeof item.id, 'string');
            assert.equal(item.object, 'model');
            assert.ok(Number.isInteger(item.created));
            assert.equal(typeof item.owned_by, 'string');
        }

        const ids = list.map((item) => item.id);

        assert.equal(new Set(ids).size, ids.length);
        assert.ok(ids.includes('argo:gpt-4o'));
    });

    it('are the same each time', async () => {
        const [first, second] = [await client(gateway()).models.list(),
                                 await client(gateway()).models.list()];

        assert.deepEqual(first.data, second.data);
    });

    it('can each be retrieved by the id that is listed', async () => {
        const openai = client(gateway());

        for (const item of (await openai.models.list()).data) {
            const { _request_id, ...one } =
                await openai.models.retrieve(item.id);

            assert.equal(one.id, item.id);
            assert.equal(one.object, 'model');
            assert.equal(one.created, item.created);
            assert.equal(one.owned_by, item.owned_by);
            assert.match(_request_id, /^[0-9a-f]{32}$/);
        }
    });

    it('are found by names with a slash', async () => {
        const one = await client(gateway()).models.retrieve('openai/gpt-4o');

        assert.equal(one.id, 'openai/gpt-4o');
    });

    it('that are unknown are not found', async () => {
        const error = await failure(
            client(gateway()).models.retrieve('no-such-model'));

        assert.ok(error instanceof OpenAI.NotFoundError);
        assert.equal(error.code, 'model_not_found');
        assert.equal(error.param, 'model');
        assert.equal(error.type, 'invalid_request_error');
    });
}));
