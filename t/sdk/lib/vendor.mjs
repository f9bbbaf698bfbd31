/*
 * Copyright (C) The ngx_http_argo_module authors
 *
 * ARGO's native API, scripted: one answer, written in whichever dialect the
 * module asks for it, unary or streamed.
 *
 * An answer is a list of blocks:
 *
 *   { text }
 *   { thinking, signature }      left out where the dialect has no word
 *   { call: { id, name, args, signature? } }
 *   { custom: { id, name, input } }      of a custom tool; Responses alone
 */

const usage = { input: 11, cached: 3, output: 7, reasoning: 2 };


/* Each event as one write, so that a reader sees what was sent early. */

async function stream(response, events) {
    response.writeHead(200, {
        'Content-Type': 'text/event-stream; charset=utf-8'
    });

    for (const { event, data } of events) {
        const text = typeof data === 'string' ? data : JSON.stringify(data);
        const name = event ? `event: ${event}\n` : '';

        await new Promise((resolve) => {
            response.write(`${name}data: ${text}\n\n`, resolve);
        });
    }

    response.end();
}


function json(response, body) {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(body));
}


/* A text in a few pieces, of which none cuts a character. */

function pieces(text) {
    const characters = [...text];
    const size = Math.ceil(characters.length / 3) || 1;
    const list = [];

    for (let i = 0; i < characters.length; i += size) {
        list.push(characters.slice(i, i + size).join(''));
    }

    return list;
}


const textOf = (blocks) => blocks.map(({ text }) => text ?? '').join('');
const callsOf = (blocks) => blocks.map(({ call }) => call).filter(Boolean);


function chat(response, request, blocks, { finish }) {
    const calls = callsOf(blocks).map(({ id, name, args, signature }) => ({
        id, type: 'function',
        function: { name, arguments: JSON.stringify(args) },
        ...signature && { extra_content: {
            google: { thought_signature: signature },
        } },
    }));
    const reason = { length: 'length', stop: 'stop' }[finish]
        ?? (calls.length > 0 ? 'tool_calls' : 'stop');
    const base = { id: 'chatcmpl-1', created: 1776449286,
                   model: `${request.model}-2025-08-07` };
    const counts = {
        prompt_tokens: usage.input, completion_tokens: usage.output,
        total_tokens: usage.input + usage.output,
        prompt_tokens_details: { cached_tokens: usage.cached },
        completion_tokens_details: { reasoning_tokens: usage.reasoning },
    };

    if (!request.stream) {
        return json(response, {
            ...base, object: 'chat.completion', usage: counts,
            choices: [{ index: 0, finish_reason: reason, logprobs: null,
                        message: { role: 'assistant', refusal: null,
                                   content: textOf(blocks),
                                   ...calls.length > 0
                                      && { tool_calls: calls } } }],
        });
    }

    const none = { content: null, refusal: null, role: null,
                   tool_calls: null };
    const chunk = (delta, finish_reason = null) => ({ data: {
        ...base, object: 'chat.completion.chunk', usage: null,
        choices: [{ index: 0, finish_reason, logprobs: null,
                    delta: { ...none, ...delta } }],
    } });

    return stream(response, [
        { data: { ...base, id: '', object: '', model: '', choices: [],
                  usage: null } },
        chunk({ role: 'assistant', content: '' }),
        ...pieces(textOf(blocks)).map((content) => chunk({ content })),
        ...calls.flatMap((call, index) => [
            chunk({ tool_calls: [{ ...call, index, function: {
                name: call.function.name, arguments: '' } }] }),
            ...pieces(call.function.arguments).map((part) =>
                chunk({ tool_calls: [{ index, id: null, type: null,
                    function: { name: null, arguments: part } }] })),
        ]),
        chunk({}, reason),
        ...request.stream_options?.include_usage
            ? [{ data: { ...base, object: 'chat.completion.chunk',
                         choices: [], usage: counts } }]
            : [],
        { data: '[DONE]' },
    ]);
}


function messages(response, request, blocks, { finish, stop }) {
    const content = blocks.flatMap(({ text, thinking, signature, call }) => {
        if (thinking !== undefined) {
            return { type: 'thinking', thinking, signature };
        }

        return call ? { type: 'tool_use', id: call.id, name: call.name,
                        input: call.args }
                    : { type: 'text', text };
    });
    const reason = stop !== undefined ? 'stop_sequence'
        : finish === 'length' ? 'max_tokens'
        : callsOf(blocks).length > 0 ? 'tool_use' : 'end_turn';
    const message = {
        id: 'msg_vrtx_01', type: 'message', role: 'assistant',
        model: 'claude-20251001', content: [], stop_reason: null,
        stop_sequence: null,
        usage: { input_tokens: usage.input, output_tokens: 1,
                 cache_creation_input_tokens: 0,
                 cache_read_input_tokens: usage.cached },
    };
    const end = { stop_reason: reason, stop_sequence: stop ?? null };

    if (!request.stream) {
        return json(response, {
            ...message, content, ...end,
            usage: { ...message.usage, output_tokens: usage.output },
        });
    }

    const event = (type, members) => ({ event: type,
                                        data: { type, ...members } });
    const deltas = {
        text: ({ text }) =>
            pieces(text).map((text) => ({ type: 'text_delta', text })),
        thinking: ({ thinking, signature }) => [
            ...pieces(thinking).map((thinking) =>
                ({ type: 'thinking_delta', thinking })),
            { type: 'signature_delta', signature },
        ],
        tool_use: ({ input }) => ['', ...pieces(JSON.stringify(input))]
            .map((partial_json) =>
                ({ type: 'input_json_delta', partial_json })),
    };
    const empty = {
        text: { text: '' }, thinking: { thinking: '', signature: '' },
        tool_use: { input: {} },
    };

    return stream(response, [
        event('message_start', { message }),
        ...content.flatMap((block, index) => [
            event('content_block_start', {
                index, content_block: { ...block, ...empty[block.type] } }),
            ...deltas[block.type](block).map((delta) =>
                event('content_block_delta', { index, delta })),
            event('content_block_stop', { index }),
        ]),
        event('message_delta', { delta: end,
                                 usage: { output_tokens: usage.output } }),
        event('message_stop', {}),
    ]);
}


function item(block, i) {
    if (block.thinking !== undefined) {
        return { id: `rs_${i}`, type: 'reasoning',
                 summary: [{ type: 'summary_text', text: block.thinking }],
                 encrypted_content: block.signature };
    }

    if (block.call) {
        return { id: `fc_${i}`, type: 'function_call', status: 'completed',
                 call_id: block.call.id, name: block.call.name,
                 ...block.call.namespace
                    && { namespace: block.call.namespace },
                 arguments: JSON.stringify(block.call.args) };
    }

    if (block.custom) {
        return { id: `ctc_${i}`, type: 'custom_tool_call',
                 status: 'completed', call_id: block.custom.id,
                 name: block.custom.name, input: block.custom.input };
    }

    return { id: `msg_${i}`, type: 'message', role: 'assistant',
             status: 'completed',
             content: [{ type: 'output_text', text: block.text,
                         annotations: [], logprobs: [] }] };
}


function itemEvents(event, done, output_index) {
    const at = { item_id: done.id, output_index };
    const begin = (members) => event('response.output_item.added', {
        output_index, item: { ...done, status: 'in_progress', ...members } });
    const end = event('response.output_item.done',
                      { output_index, item: done });

    if (done.type === 'reasoning') {
        const { status, ...started } = { ...done, summary: [] };

        return [event('response.output_item.added',
                      { output_index, item: started }), end];
    }

    if (done.type === 'custom_tool_call') {
        return [
            begin({ input: '' }),
            event('response.custom_tool_call_input.delta',
                  { ...at, delta: done.input }),
            event('response.custom_tool_call_input.done',
                  { ...at, input: done.input }),
            end,
        ];
    }

    if (done.type === 'function_call') {
        return [
            begin({ arguments: '' }),
            ...pieces(done.arguments).map((delta) =>
                event('response.function_call_arguments.delta',
                      { ...at, delta })),
            event('response.function_call_arguments.done',
                  { ...at, arguments: done.arguments, name: done.name }),
            end,
        ];
    }

    const [part] = done.content;
    const inside = { ...at, content_index: 0 };

    return [
        begin({ content: [] }),
        event('response.content_part.added',
              { ...inside, part: { ...part, text: '' } }),
        ...pieces(part.text).map((delta) =>
            event('response.output_text.delta',
                  { ...inside, delta, logprobs: [] })),
        event('response.output_text.done',
              { ...inside, text: part.text, logprobs: [] }),
        event('response.content_part.done', { ...inside, part }),
        end,
    ];
}


function responses(response, request, blocks) {
    const output = blocks.map(item);
    const object = (members) => ({
        id: 'resp_01', object: 'response', created_at: 1790470929.0,
        error: null, incomplete_details: null, instructions: null,
        metadata: {}, model: `aiops-cels-${request.model}`,
        parallel_tool_calls: true, temperature: 1.0, tool_choice: 'auto',
        tools: [], top_p: 1.0, usage: null, ...members,
    });
    const whole = object({
        status: 'completed', output,
        usage: { input_tokens: usage.input,
                 input_tokens_details: { cached_tokens: usage.cached,
                                         cache_write_tokens: 0 },
                 output_tokens: usage.output,
                 output_tokens_details: {
                     reasoning_tokens: usage.reasoning },
                 total_tokens: usage.input + usage.output },
    });

    if (!request.stream) {
        return json(response, whole);
    }

    const begun = object({ status: 'in_progress', output: [] });
    let sequence_number = 0;
    const event = (type, members) => ({ event: type, data: {
        type, sequence_number: sequence_number++, ...members } });

    return stream(response, [
        event('response.created', { response: begun }),
        event('response.in_progress', { response: begun }),
        ...output.flatMap((done, i) => itemEvents(event, done, i)),
        event('response.completed', { response: whole }),
    ]);
}


const dialects = {
    '/argoapi/v1/chat/completions': chat,
    '/argoapi/v1/messages': messages,
    '/argoapi/v1/responses': responses,
};


/* Answers one call of the module with the blocks. */

export function answer(response, call, blocks, options = {}) {
    const dialect = dialects[call.url.split('?')[0]];

    if (!dialect) {
        response.writeHead(404, { 'Content-Type': 'application/json' });
        response.end('{"detail":"Not Found"}');
        return undefined;
    }

    return dialect(response, JSON.parse(call.body), blocks, options);
}


/* All further calls of an Upstream are answered with the blocks. */

export function script(upstream, blocks, options) {
    upstream.script((response, call) =>
        answer(response, call, blocks, options));
}


/* One answer after the other; the last one for all further calls. */

export function scriptTurns(upstream, ...turns) {
    upstream.script((response, call) => answer(
        response, call, turns.length > 1 ? turns.shift() : turns[0]));
}
