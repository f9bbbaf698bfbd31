/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * Tools with the official SDK: loops in which the model calls, the program
 * answers, and the model goes on, with each vendor's models, whole and as
 * streams.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { client, collect, withGateway } from './lib/client.mjs';

const models = {
    gpt: 'gpt-4o',
    claude: 'claude-opus-4.6',
    gemini: 'gemini-2.5-pro',
};

const ask = [{ role: 'user', content: 'Which is warmer, Oslo or Rome?' }];

const schema = {
    type: 'object',
    properties: { place: { type: 'string' } },
    required: ['place'],
};


/* Tools for a runner; log gets each call that was made. */

function runnable(log) {
    const tool = (name, result) => ({
        type: 'function',
        function: {
            name,
            description: `The ${name} of a place`,
            parameters: schema,
            parse: JSON.parse,
            function: ({ place }) => {
                log.push(`${name} ${place}`);
                return result(place);
            },
        },
    });

    return [
        tool('weather', (place) => ({ place, degrees: place.length })),
        tool('time', () => 'noon, "about" 12:00\nor so'),
    ];
}


/* A call as each vendor's models make it. */

const call = {
    gpt: (id, name, args) => ({
        id: `call_${id}`,
        type: 'function',
        function: { name, arguments: JSON.stringify(args) },
    }),
    claude: (id, name, args) => ({
        id: `toolu_vrtx_${id}`, name, input: args, type: 'tool_use',
    }),
    gemini: (id, name, args) => ({ id: null, name, args }),
};


/* What came up of calls and results: [kind, name or content, ...]. */

const exchange = {
    gpt: (message) => message.role === 'tool'
        ? [['result', message.content]]
        : (message.tool_calls ?? []).map(({ function: f }) =>
            ['call', f.name, JSON.parse(f.arguments)]),

    claude: (message) => Array.isArray(message.content)
        ? message.content.filter(({ type }) => type !== 'text')
            .map((block) => block.type === 'tool_result'
                ? ['result', block.content]
                : ['call', block.name, block.input])
        : [],

    gemini: (message) => message.role === 'tool'
        ? [['result', message.content]]
        : (message.tool_calls ?? []).map(({ name, args }) =>
            ['call', name, args]),
};


function run(gateway, options, params) {
    const runner = client(gateway, options)
        .chat.completions.runTools({ messages: ask, ...params });
    const finished = [];

    runner.on('message', (message) => finished.push(message));

    return { runner, finished };
}


describe('tools', () => withGateway((gateway) => {

    for (const [family, model] of Object.entries(models)) {
        for (const stream of [false, true]) {
            const how = stream ? 'streamed' : 'whole';

            it(`run with the simulator: ${family}, ${how}`, async () => {
                const log = [];
                const { runner } = run(gateway(), {},
                    { model, stream, tools: runnable(log) });
                const text = await runner.finalContent();

                assert.deepEqual(log, ['weather place']);
                assert.equal(text,
                    'The tool answered: {"place":"place","degrees":5}');
            });

            it(`run over three rounds: ${family}, ${how}`, async () => {
                const make = call[family];
                const replies = [
                    { content: 'Two at once.', tool_calls: [
                        make(1, 'weather', { place: 'Oslo' }),
                        make(2, 'weather', { place: 'Rome' }),
                    ] },
                    { content: '', tool_calls: [
                        make(3, 'time', { place: 'Ĳsland "x"\n' }),
                    ] },
                    { content: 'Rome.', tool_calls: [] },
                ];

                gateway().upstream.script((response) => {
                    response.writeHead(200,
                                       { 'Content-Type': 'application/json' });
                    response.end(JSON.stringify(
                        { response: replies.shift() }));
                });

                const log = [];
                const { runner, finished } = run(gateway(),
                    { prefix: '/scripted' },
                    { model, stream, tools: runnable(log) });

                assert.equal(await runner.finalContent(), 'Rome.');
                assert.deepEqual(log, ['weather Oslo', 'weather Rome',
                                       'time Ĳsland "x"\n']);
                assert.equal(finished.filter(({ role }) => role === 'tool')
                    .length, 3);

                const { calls, body } = gateway().upstream;

                assert.equal(calls.length, 3);
                assert.ok(calls.every(({ url }) =>
                    url.endsWith('/api/v1/resource/chat/')));

                const oslo = '{"place":"Oslo","degrees":4}';
                const rome = '{"place":"Rome","degrees":4}';
                const first = ['call', 'weather', { place: 'Oslo' }];
                const second = ['call', 'weather', { place: 'Rome' }];

                assert.deepEqual(
                    body.messages.flatMap(exchange[family]), [
                        ...(family === 'gemini'
                            ? [first, ['result', oslo], second,
                               ['result', rome]]
                            : [first, second, ['result', oslo],
                               ['result', rome]]),
                        ['call', 'time', { place: 'Ĳsland "x"\n' }],
                        ['result', 'noon, "about" 12:00\nor so'],
                    ]);
            });
        }

        it(`a stream's deltas make up the unary message: ${family}`,
           async () => {
            const tools = runnable([]).map(({ type, function: f }) => ({
                type,
                function: { name: f.name, description: f.description,
                            parameters: f.parameters },
            }));
            const params = { model, messages: ask, tools };
            const openai = client(gateway());
            const unary = await openai.chat.completions.create(params);
            const stream = openai.chat.completions.stream(params);
            const { items } = await collect(stream);
            const final = await stream.finalChatCompletion();
            const [{ message, finish_reason: reason }] = unary.choices;
            const [choice] = final.choices;

            assert.equal(reason, 'tool_calls');
            assert.equal(choice.finish_reason, 'tool_calls');
            assert.equal(message.content, null);
            assert.equal(message.tool_calls.length, 1);
            assert.deepEqual(
                choice.message.tool_calls.map(({ type, function: f }) =>
                    [type, f.name, f.arguments]),
                message.tool_calls.map(({ type, function: f }) =>
                    [type, f.name, f.arguments]));

            const deltas = items.flatMap(({ choices }) =>
                choices[0]?.delta.tool_calls ?? []);

            assert.equal(deltas[0].index, 0);
            assert.equal(deltas[0].type, 'function');
            assert.equal(deltas[0].function.name, 'weather');
            assert.equal(deltas[0].function.arguments, '');
            assert.ok(deltas.slice(1).every((delta) =>
                Object.keys(delta).sort().join() === 'function,index'));
        });

        it(`tool_choice: ${family}`, async () => {
            const tools = runnable([]).map(({ type, function: f }) => ({
                type, function: { name: f.name, parameters: f.parameters },
            }));
            const create = (choice) => client(gateway())
                .chat.completions.create({ model, messages: ask, tools,
                                           tool_choice: choice });

            const none = await create('none');

            assert.equal(none.choices[0].finish_reason, 'stop');
            assert.ok(none.choices[0].message.content.length > 0);

            const named = await create({ type: 'function',
                                         function: { name: 'time' } });

            assert.equal(named.choices[0].message.tool_calls[0]
                .function.name, 'time');
        });
    }

    it('calls that ARGO has printed into the text are made', async () => {
        const replies = [
            { content: 'I look.{\'id\': \'toolu_vrtx_1\', \'input\': '
                + '{\'place\': "it\'s Rome"}, \'name\': \'weather\', '
                + '\'type\': \'tool_use\', \'cache_control\': None}',
              tool_calls: [] },
            { content: 'Done.', tool_calls: [] },
        ];

        gateway().upstream.script((response) => {
            response.writeHead(200, { 'Content-Type': 'application/json' });
            response.end(JSON.stringify({ response: replies.shift() }));
        });

        const log = [];
        const { runner } = run(gateway(), { prefix: '/scripted' },
            { model: models.claude, stream: true, tools: runnable(log) });

        assert.equal(await runner.finalContent(), 'Done.');
        assert.deepEqual(log, ['weather it\'s Rome']);
        assert.deepEqual(gateway().upstream.body.messages[1].content, [
            { type: 'text', text: 'I look.' },
            { type: 'tool_use', id: 'toolu_vrtx_1', name: 'weather',
              input: { place: 'it\'s Rome' }, cache_control: null },
        ]);
    });
}));
