/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * The official SDK: responses, unary, iterated and by the helper; tools over
 * several turns; failures.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { OpenAI, client, collect, failure, model, withGateway }
    from './lib/client.mjs';

const input = 'Say something.';
const words = (n) => Array(n).fill('hello').join(' ');
const odd = 'Grüße 漢字 🚀👩‍🔬 "\\n" \u2028 data: [DONE]';
const models = ['gpt-4o', 'claude-sonnet-4-6', 'gemini-2.5-pro'];

const png = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1'
    + 'HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=';

const weather = {
    type: 'function',
    name: 'get_weather',
    description: 'The weather of a place',
    parameters: {
        type: 'object',
        properties: { location: { type: 'string' } },
        required: ['location'],
        additionalProperties: false,
    },
    strict: true,
};


/* A response without what differs from one to the next. */

function same(response) {
    const { id, created_at, _request_id, output, ...rest } = response;

    return {
        ...rest,
        output: output.map(({ id, call_id, parsed_arguments, ...item }) => ({
            ...item,
            ...item.content && {
                content: item.content.map(({ parsed, ...part }) => part),
            },
        })),
        output_parsed: undefined,
    };
}


/* What must hold of the events of any stream that is complete. */

function checkEvents(events, end = 'response.completed') {
    assert.equal(events[0].type, 'response.created');
    assert.equal(events[1].type, 'response.in_progress');
    assert.equal(events.at(-1).type, end);
    assert.deepEqual(events.map((event) => event.sequence_number),
                     events.map((event, i) => i));
}


describe('unary response', () => withGateway((gateway) => {

    it('has the shape that the API promises', async () => {
        const response = await client(gateway())
            .responses.create({ model, input, instructions: 'Be kind.' });

        assert.match(response.id, /^resp_\w+$/);
        assert.equal(response.object, 'response');
        assert.equal(response.status, 'completed');
        assert.equal(response.model, model);
        assert.equal(response.instructions, 'Be kind.');
        assert.equal(response.error, null);
        assert.equal(response.output_text, `You said: ${input}`);
        assert.equal(response.output.length, 1);
        assert.equal(response.usage.total_tokens,
                     response.usage.input_tokens
                     + response.usage.output_tokens);
        assert.match(response._request_id, /^[0-9a-f]{32}$/);
    });

    it('carries text unharmed, both ways', async () => {
        const { upstream } = gateway();

        upstream.json(200, { response: odd });

        const response = await client(gateway(), { prefix: '/scripted' })
            .responses.create({
                model, instructions: odd, input: [
                    { role: 'user', content: odd },
                    { role: 'assistant', content: 'Yes?' },
                    { role: 'user', content: [
                        { type: 'input_text', text: odd },
                    ] },
                ],
            });

        assert.equal(response.output_text, odd);
        assert.deepEqual(upstream.body, {
            model: 'gpt4o', user: 'jdoe', messages: [
                { role: 'system', content: odd },
                { role: 'user', content: odd },
                { role: 'assistant', content: 'Yes?' },
                { role: 'user', content: odd },
            ],
        });
    });

    it('carries an image in a data URL', async () => {
        const response = await client(gateway()).responses.create({
            model, input: [{ role: 'user', content: [
                { type: 'input_text', text: 'What is it?' },
                { type: 'input_image', image_url: png, detail: 'auto' },
            ] }],
        });

        assert.match(response.output_text, /image\/png, 68 bytes/);
    });

    it('gives back what it was given', async () => {
        const first = await client(gateway())
            .responses.create({ model, input });
        const second = await client(gateway()).responses.create({
            model, input: [{ role: 'user', content: input },
                           ...first.output,
                           { role: 'user', content: 'And now?' }],
        });

        assert.equal(second.output_text, 'You said: And now?');
    });

    it('is parsed as the format says', async () => {
        const { upstream } = gateway();
        const schema = {
            type: 'object', properties: { answer: { type: 'integer' } },
            required: ['answer'], additionalProperties: false,
        };

        upstream.json(200, { response: '{"answer": 42}' });

        const response = await client(gateway(), { prefix: '/scripted' })
            .responses.parse({
                model, input, text: { format: {
                    type: 'json_schema', name: 'answer', schema, strict: true,
                } },
            });

        assert.deepEqual(JSON.parse(response.output_text), { answer: 42 });
        assert.deepEqual(upstream.body.response_format, {
            type: 'json_schema',
            json_schema: { name: 'answer', schema, strict: true },
        });
    });
}));


for (const [way, prefix] of [['streamed', ''], ['pseudo', '/pseudo']]) {

    describe(`stream of a response, ${way}`, () => withGateway((gw) => {

        it('adds up to the unary response', async () => {
            const openai = client(gw(), { prefix });
            const request = { model, input: `repeat: ${odd}` };
            const { items, error } = await collect(
                await openai.responses.create({ ...request, stream: true }));
            const unary = await openai.responses.create(request);

            assert.equal(error, undefined);
            checkEvents(items);
            assert.equal(items.filter((event) =>
                event.type === 'response.output_text.delta')
                .map(({ delta }) => delta).join(''), odd);

            const { output_text, ...rest } = unary;

            assert.equal(output_text, odd);
            assert.deepEqual(same(items.at(-1).response), same(rest));
        });

        it('is gathered by the helper', async () => {
            const events = [];
            let text = '';
            const openai = client(gw(), { prefix });
            const request = { model, input: 'count to 20' };
            const stream = openai.responses.stream(request)
                .on('event', (event) => events.push(event))
                .on('response.output_text.delta', ({ delta, snapshot }) => {
                    text += delta;
                    assert.equal(snapshot, text);
                });
            const response = await stream.finalResponse();
            const unary = await openai.responses.create(request);

            checkEvents(events);
            assert.equal(text, unary.output_text);
            assert.equal(response.output_text, unary.output_text);
            assert.deepEqual(same(response).output, same(unary).output);
            assert.deepEqual(response.usage, unary.usage);
        });

        it('is iterated by the helper', async () => {
            const { items, error } = await collect(
                client(gw(), { prefix }).responses.stream({ model, input }));

            assert.equal(error, undefined);
            checkEvents(items);
        });
    }));
}


for (const model of models) {

    describe(`tools of ${model}`, () => withGateway((gateway) => {

        it('are called, and their results answered', async () => {
            const openai = client(gateway());
            const input = [{ role: 'user', content: 'How is it?' }];
            const first = await openai.responses.create({
                model, input, tools: [weather], tool_choice: 'required',
            });
            const [call] = first.output.filter(
                ({ type }) => type === 'function_call');

            assert.equal(call.name, 'get_weather');
            assert.equal(call.status, 'completed');
            assert.match(call.id, /^fc_/);
            assert.ok(call.call_id.length > 0);
            assert.deepEqual(JSON.parse(call.arguments),
                             { location: 'location' });
            assert.equal(first.tool_choice, 'required');
            assert.deepEqual(first.tools, [weather]);

            const second = await openai.responses.create({
                model, tools: [weather], input: [
                    ...input, ...first.output,
                    { type: 'function_call_output', call_id: call.call_id,
                      output: 'sunny' },
                ],
            });

            assert.equal(second.output_text, 'The tool answered: sunny');
        });

        it('are called in a stream', async () => {
            const openai = client(gateway());
            const events = [];
            let args = '';
            const request = { model, input: 'How is it?', tools: [weather] };
            const response = await openai.responses.stream(request)
                .on('event', (event) => events.push(event))
                .on('response.function_call_arguments.delta',
                    ({ delta, snapshot }) => {
                        args += delta;
                        assert.equal(snapshot, args);
                    })
                .finalResponse();
            const unary = await openai.responses.create(request);

            checkEvents(events);
            assert.deepEqual(JSON.parse(args), { location: 'location' });
            assert.deepEqual(same(response).output, same(unary).output);
            assert.deepEqual(response.output.map(({ type }) => type)
                .filter((type) => type !== 'message'), ['function_call']);
        });

        it('are not called when they must not be', async () => {
            const response = await client(gateway()).responses.create({
                model, input, tools: [weather], tool_choice: 'none',
            });

            assert.equal(response.output_text, `You said: ${input}`);
        });
    }));
}


describe('a response that is given up', () => withGateway((gateway) => {

    it('ends the call of ARGO', async () => {
        const before = await gateway().stats();
        const stream = client(gateway(),
                              { sim: 'chunks=1000, interval=50' })
            .responses.stream({ model, input });
        const failed = failure(stream.done());

        await new Promise((resolve) => {
            stream.once('response.output_text.delta', resolve);
        });
        stream.abort();

        assert.equal((await failed).constructor, OpenAI.APIUserAbortError);
        await gateway().untilStats('the call to end', (stats) =>
            stats.active === 0 && stats.aborted === before.aborted + 1);
    });
}));


describe('failures of responses', () => withGateway((gateway) => {

    for (const [param, more] of Object.entries({
        previous_response_id: { previous_response_id: 'resp_1' },
        conversation: { conversation: 'conv_1' },
        background: { background: true },
        'tools[0].type': { tools: [{ type: 'computer' }] },
        'input[0].type': { input: [{ type: 'item_reference', id: 'x' }] },
        'text.format.type': { text: { format: { type: 'xml' } } },
    })) {
        it(`names ${param}`, async () => {
            for (const stream of [false, true]) {
                const error = await failure(client(gateway())
                    .responses.create({ model, input, stream, ...more }));

                assert.equal(error.constructor, OpenAI.BadRequestError);
                assert.equal(error.param, param);
                assert.equal(error.type, 'invalid_request_error');
                assert.match(error.requestID, /^[0-9a-f]{32}$/);
            }
        });
    }

    it('are typed for what needs a memory', async () => {
        const { responses } = client(gateway());

        for (const ask of [() => responses.retrieve('resp_1'),
                           () => responses.delete('resp_1'),
                           () => responses.cancel('resp_1'),
                           () => responses.inputItems.list('resp_1')]) {
            const error = await failure(ask());

            assert.equal(error.constructor, OpenAI.NotFoundError);
            assert.equal(error.code, 'unknown_url');
        }
    });

    for (const [sim, Class] of [
        ['status=401', OpenAI.AuthenticationError],
        ['text=denied', OpenAI.PermissionDeniedError],
        ['text=misuse', OpenAI.BadRequestError],
        ['status=422, body=detail_array', OpenAI.UnprocessableEntityError],
        ['status=429, body=json', OpenAI.RateLimitError],
        ['text=nonetype', OpenAI.InternalServerError],
        ['status=502, body=html', OpenAI.InternalServerError],
        ['cut', OpenAI.InternalServerError],
        ['reset', OpenAI.InternalServerError],
    ]) {
        it(`have their class: ${sim}`, async () => {
            const openai = client(gateway(), { sim });

            for (const stream of [false, true]) {
                const error = await failure(
                    openai.responses.create({ model, input, stream }));

                assert.equal(error.constructor, Class, error.message);
            }

            const error = await failure(
                openai.responses.stream({ model, input }).finalResponse());

            assert.equal(error.constructor, Class, error.message);
        });
    }

    it('that come late are raised by the iterator', async () => {
        const { items, error } = await collect(
            await client(gateway(), { sim: 'chunks=5, cut=20' })
                .responses.create({ model, input, stream: true }));

        assert.ok(error instanceof OpenAI.APIError, `${error}`);
        assert.equal(error.code, 'upstream_incomplete');
        assert.equal(error.type, 'server_error');
        checkEvents(items, 'response.failed');

        const { response } = items.at(-1);

        assert.equal(response.status, 'failed');
        assert.equal(response.error.code, 'server_error');
        assert.equal(response.error.message, error.error.message);
        assert.match(response.output[0].content[0].text, /^chunk 1 chunk 2/);
        assert.equal(response.output[0].status, 'incomplete');
        assert.equal(response.usage, null);
    });

    it('that come late are raised by the helper', async () => {
        const error = await failure(
            client(gateway(), { sim: 'chunks=5, cut=20' })
                .responses.stream({ model, input }).finalResponse());

        assert.ok(error instanceof OpenAI.OpenAIError, `${error}`);
    });
}));


describe('input tokens', () => withGateway((gateway) => {

    const count = async (body) => (await client(gateway()).responses
        .inputTokens.count({ model, ...body })).input_tokens;

    it('has the shape that the API promises', async () => {
        const { data, response } = await client(gateway()).responses
            .inputTokens.count({ model, input }).withResponse();

        assert.equal(data.object, 'response.input_tokens');
        assert.ok(data.input_tokens > 0);
        assert.match(response.headers.get('x-argo-token-count'),
                     /^(counted|estimate)$/);
    });

    it('is what usage says of the same request', async () => {
        for (const body of [
            { input: words(1000) },
            { input: 'Hi', instructions: words(100) },
            { input: [{ role: 'user', content: words(10) },
                      { role: 'assistant', content: 'Yes' },
                      { role: 'user', content: [
                          { type: 'input_text', text: words(7) }] }] },
        ]) {
            const { usage } = await client(gateway()).responses
                .create({ model, ...body });

            assert.equal(await count(body), usage.input_tokens);
        }
    });

    it('counts tools, calls and their results', async () => {
        const call = { type: 'function_call', call_id: 'c1',
                       name: 'get_weather', arguments: '{"location":"x"}' };
        const output = (text) => ({ type: 'function_call_output',
                                    call_id: 'c1', output: text });
        const user = { role: 'user', content: 'Hi' };

        assert.ok(await count({ input, tools: [weather] })
                  > await count({ input }) + 20);
        assert.ok(await count({ input: [user, call, output(words(100))] })
                  > await count({ input: [user, call, output('')] }) + 90);
    });

    it('works for models of all vendors', async () => {
        for (const model of models) {
            assert.ok(await count({ model, input: words(50) }) >= 50, model);
        }
    });

    it('refuses what it can not count', async () => {
        for (const [code, body] of [
            ['missing_required_parameter', {}],
            ['unsupported_parameter', { input, previous_response_id: 'r1' }],
            ['unsupported_parameter', { input, conversation: 'c1' }],
            ['model_not_found', { input, model: 'none-such' }],
        ]) {
            const error = await failure(client(gateway()).responses
                .inputTokens.count({ model, ...body }));

            assert.equal(error.code, code);
            assert.equal(error.status, code === 'model_not_found' ? 404 : 400);
        }
    });
}));
