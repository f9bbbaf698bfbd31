#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for the simulator's native routes: shapes as recorded, byte for byte
# where there is a recording, refusals as recorded, and faults.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use JSON::PP ();
use MIME::Base64 qw/ decode_base64 /;

use lib 'lib';
use Argo::Test;

my $t = Argo::Test->new();

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;
worker_processes 1;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    client_max_body_size  0;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location /argoapi/ {
            argo_simulator;
        }

        location /members/ {
            argo_simulator;
            argo_simulator_users  jdoe;
        }
    }
}
EOC

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

my %path = (
    chat => 'v1/chat/completions',
    messages => 'v1/messages',
    count => 'v1/messages/count_tokens',
    responses => 'v1/responses',
    embeddings => 'v1/embeddings',
);

my %weather = (type => 'object', properties => {
        location => { type => 'string' },
        unit => { enum => [ 'celsius', 'fahrenheit' ] } },
    required => [ 'location', 'unit' ]);

my %tools = (
    chat => { type => 'function', function => { name => 'get_weather',
        parameters => { %weather } } },
    messages => { name => 'get_weather', input_schema => { %weather } },
    responses => { type => 'function', name => 'get_weather',
        parameters => { %weather } },
);

$tools{count} = $tools{messages};

my $arguments = '{"location":"location","unit":"celsius"}';

$t->run();

my ($r, $j, @e);

###############################################################################

# chat completions of OpenAI's models, as recorded

for my $case (
    [ 'text', 'text', {} ],
    [ 'tool-call', 'tool call', { tools => [ $tools{chat} ] } ],
    [ 'starved', 'starved', { reasoning_effort => 'high',
        max_completion_tokens => 64 } ],
) {
    my ($file, $name, $members) = @$case;
    my %body = (model => 'gpt5mini', %$members);

    is_deeply([ shapes(post('chat', { %body, stream => \1 })->{body}) ],
        [ shapes(recorded("argo-chat-stream-$file.sse")) ],
        "chat stream - $name as recorded");

    is(sorted_shape(post('chat', \%body)->{body}),
        sorted_shape(recorded("argo-chat-$file.json")),
        "chat - $name as recorded");
}

my ($probe) = grep { $_->{model} eq 'gpt4o' && $_->{body} } probe();
$r = post('chat', {});

# as far as the recording goes
my $start = shape($probe->{body} =~ /^(.*,"violence":)/ ? $1 : '');
is(substr(shape($r->{body}), 0, length $start), $start,
    'chat order of keys as recorded');

is($r->{status}, 200, 'chat status');
is($r->header('content-type'), 'application/json', 'chat type');
is($r->header('vary'), undef, 'chat has no vary');

$r = post('chat', { stream => \1 });
is($r->header('content-type'), 'text/event-stream; charset=utf-8',
    'chat stream type');
is($r->header('vary'), 'Accept-Encoding', 'chat stream vary');
is($r->header('cache-control'), undef, 'chat stream cache control');
ok($r->{complete}, 'chat stream complete');

# what is said

is(said({ messages => [ user('Hi') ] }), 'You said: Hi', 'chat text');
is(text_of('Hi'), 'You said: Hi', 'chat stream text');
is(said({ messages => [ user('count to 3') ] }), "1\n2\n3", 'chat count');
is(text_of("repeat: \x{e9}\x{1f642}\n\"\\"),
    utf8("\x{e9}\x{1f642}\n\"\\"), 'chat stream escapes');
like(post('chat', { stream => \1, messages => [ user("repeat: \x{1f642}") ]
    })->{body}, qr/"content": "\\ud83d\\ude42"/, 'chat stream is ASCII');
is(said({ messages => [ user([
        { type => 'text', text => 'See' },
        { type => 'image_url', image_url => {
            url => 'data:image/png;base64,iVBORw0KGgo=' } } ]) ] }),
    "You said: See\n[image: image/png, 8 bytes]", 'chat image');

is(chat_ends({ messages => [ user('count to 9') ],
    max_completion_tokens => 3 }), "length 1\n2\n3\n", 'chat limit');
is(chat_ends({ model => 'gpt41', max_tokens => 1 }), 'length You ',
    'chat max_tokens');
is(chat_ends({ stop => 'said' }), 'stop You ', 'chat stop');
is(chat_ends({ stop => [ 'x', ':' ] }), 'stop You said', 'chat stops');

$j = post('chat', { model => 'gpt5mini', reasoning_effort => 'medium' })
    ->json();
is($j->{usage}{completion_tokens_details}{reasoning_tokens}, 128,
    'chat reasoning tokens');
is($j->{usage}{completion_tokens}, 131, 'chat completion tokens');
is($j->{usage}{total_tokens}, 131 + $j->{usage}{prompt_tokens},
    'chat total tokens');
is($j->{usage}{prompt_tokens_details}{cached_tokens}, 0, 'chat not cached');

$j = post('chat', { messages => [ user('x' x 5000),
    { role => 'assistant', content => 'y' }, user('Hi') ] })->json();
is($j->{usage}{prompt_tokens_details}{cached_tokens}, 1152, 'chat cached');

is(said({ response_format => { type => 'json_schema', json_schema => {
        name => 'x', schema => { type => 'object', properties => {
            a => { '$ref' => '#/$defs/A' }, b => { '$ref' => '#/$defs/B' } },
        required => [ 'a', 'b' ], '$defs' => {
            A => { type => 'array', items => { type => 'integer' } },
            B => { type => 'object', required => [ 'c' ], properties => {
                c => { anyOf => [ { type => 'boolean' } ] } } } } } } } }),
    '{"a":[1],"b":{"c":true}}', 'chat schema with references');
like(said({ response_format => { type => 'json_schema', json_schema => {
        name => 'x', schema => { type => 'object', required => [ 'a' ],
            properties => { a => { '$ref' => '#' } } } } } }),
    qr/^\{"a":\{"a":.*null/, 'chat schema in circles');
is(raw('chat', '{"model":"gpt55","temperature":1.0,"messages":[{"role":"user",'
    . '"content":"Hi"}]}')->{status}, 200, 'chat temperature 1.0');
is(said({ response_format => { type => 'json_object' } }),
    '{"answer":"You said: Hi"}', 'chat object');

# tools

is(calls({ tools => [ $tools{chat} ] }), "get_weather $arguments",
    'chat call');
is(calls({ tools => [ $tools{chat} ], messages => [ user('call twice') ] }),
    "get_weather $arguments, get_weather $arguments", 'chat two calls');
is(calls({ tools => [ $tools{chat} ], messages => [ user('call twice') ],
    parallel_tool_calls => \0 }), "get_weather $arguments",
    'chat no parallel calls');
is(calls({ tools => [ $tools{chat}, tool('other') ],
    messages => [ user('call other {"a":"}"} and call get_weather {} '
        . 'and call nothing {}') ] }),
    'other {"a":"}"}, get_weather {}', 'chat calls as asked');
is(calls({ tools => [ $tools{chat} ], tool_choice => 'none' }), '',
    'chat no call');
is(calls({ tools => [ $tools{chat}, tool('other') ], tool_choice =>
    { type => 'function', function => { name => 'other' } } }), 'other {}',
    'chat chosen');
is(calls({ tools => [ { type => 'custom', custom => { name => 'patch' } } ],
    messages => [ user("call patch a b\nc") ] }), 'custom patch a b',
    'chat custom tool');

$j = post('chat', { tools => [ $tools{chat} ],
    messages => [ user('say first') ] })->json();
is($j->{choices}[0]{message}{content}, 'Let me see.', 'chat text and call');
is($j->{choices}[0]{finish_reason}, 'tool_calls', 'chat finish of a call');

@e = post('chat', { stream => \1, tools => [ $tools{chat} ],
    messages => [ user('say first, call twice') ] })->events();
is(streamed_calls(@e), "get_weather $arguments, get_weather $arguments",
    'chat stream two calls');
is(Argo::Client::text(@e), 'Let me see.', 'chat stream text and calls');

@e = post('chat', { stream => \1, tools => [ { type => 'custom',
    custom => { name => 'patch' } } ] })->events();
is(join('', map { $_->{custom}{input} } map {
    @{$_->{json}{choices}[0]{delta}{tool_calls} || []} }
    grep { $_->{json}{choices}[0] } grep { ref $_->{json} } @e),
    'some "plain" text', 'chat stream custom tool');

my @history = (user('Hi'), { role => 'assistant', content => undef,
        tool_calls => [ map { { id => $_, type => 'function', function =>
            { name => 'get_weather', arguments => '{}' } } } 'a', 'b' ] },
    result('a', '18 C'), result('b', [ { type => 'text', text => 'dry' } ]));

is(said({ tools => [ $tools{chat} ], messages => [ @history ] }),
    "The tool answered: 18 C\ndry", 'chat results');

# refusals in an answer, and others on demand

$j = post('chat', {}, sim => 'refusal')->json()->{choices}[0];
is($j->{message}{refusal}, "I'm sorry, but I can't help with that.",
    'chat refusal');
is($j->{message}{content}, undef, 'chat refusal - content');

unlike(post('chat', { stream => \1 }, sim => 'nousage')->{body},
    qr/"total_tokens"/, 'chat stream without usage');

# Gemini

($probe) = grep { $_->{model} eq 'gemini25pro' && $_->{body} } probe();
is(shape(post('chat', { model => 'gemini25pro' })->{body}),
    shape($probe->{body}), 'Gemini as recorded');

$j = post('chat', { model => 'gemini25pro', messages => [ user('count to 99')
    ], max_tokens => 65 })->json();
is($j->{model}, 'gemini25pro', 'Gemini model');
is($j->{choices}[0]{finish_reason}, 'stop', 'Gemini hides a cut');
is($j->{usage}{completion_tokens}, 65, 'Gemini cut');
is(calls({ model => 'gemini25pro', tools => [ tool('f') ] }), 'f {}',
    'Gemini call');

@e = post('chat', { model => 'gemini25pro', stream => \1,
    stream_options => { include_usage => \1 } })->events();
is(Argo::Client::text(@e), 'You said: Hi', 'Gemini stream');
is($e[-2]{json}{usage}{completion_tokens}, 3, 'Gemini stream usage');
is($e[-1]{data}, '[DONE]', 'Gemini stream end');

# Claude on this path

$j = post('chat', { model => 'claudehaiku45', max_tokens => 100 })->json();
is($j->{choices}[0]{message}{content}, 'You said: Hi', 'Claude in chat');
is($j->{model}, 'claude-haiku-4-5-20251001', 'Claude in chat - model');
like($j->{id}, qr/^msg_vrtx_01\w{22}$/, 'Claude in chat - id');

for my $case (
    [ 'no limit', {} ],
    [ 'a limit that is ignored', { max_completion_tokens => 100 } ],
    [ 'a high limit', { max_tokens => 21001 } ],
) {
    my ($name, $members) = @$case;
    like(refusal('chat', { model => 'claudehaiku45', %$members }),
        qr/^500 ValueError Streaming is required for operations that may /,
        "Claude in chat with $name");
}

is(Argo::Client::text(post('chat', { model => 'claudehaiku45', stream => \1
    })->events()), 'You said: Hi', 'Claude in chat, streamed without limit');

###############################################################################

# messages, as recorded

for my $case (
    [ 'text', {} ],
    [ 'tool-call', { tools => [ $tools{messages} ] } ],
) {
    my ($file, $members) = @$case;

    is_deeply([ shapes(post('messages', { %$members, stream => \1 })->{body})
        ], [ shapes(recorded("argo-messages-stream-$file.sse")) ],
        "messages stream - $file as recorded");

    is(sorted_shape(post('messages', $members)->{body}),
        sorted_shape(recorded("argo-messages-$file.json")),
        "messages - $file as recorded");
}

$r = post('messages', { stream => \1 });
is($r->header('cache-control'), 'no-cache', 'messages stream cache control');
is($r->header('vary'), 'Accept-Encoding', 'messages stream vary');
is(message_text($r->events()), 'You said: Hi', 'messages stream text');

$r = post('messages', {});
is($r->header('vary'), 'Accept-Encoding', 'messages vary');
is($r->header('cache-control'), undef, 'messages cache control');

like(post('messages', { stream => \1, messages => [ user("repeat: \x{e9}") ]
    })->{body}, qr/"text": "\\u00e9"/, 'messages stream is ASCII');

# thinking

($probe) = grep { $_->{variant} eq 'thinking_adaptive_nobudget'
    && $_->{model} eq 'claudeopus46' } probe();

my %adaptive = (model => 'claudeopus46', thinking => { type => 'adaptive' });
my %budget = (max_tokens => 2000,
    thinking => { type => 'enabled', budget_tokens => 1024 });

$r = post('messages', \%adaptive);
like($r->{body}, qr/"content":\[\{"signature":"[\w+\/]{248}","thinking":"The/,
    'thinking');
is(block_shape($r->{body}), block_shape($probe->{body}),
    'thinking as recorded');

my $thinking = $r->json()->{content}[0];
my $thought = { role => 'assistant', content => [ $thinking,
    { type => 'text', text => 'You said: Hi' } ] };

is(post('messages', { %adaptive, messages => [ user('Hi'), $thought,
    user('Hi') ] })->{status}, 200, 'thinking comes back');

for my $member ('thinking', 'signature') {
    my $changed = { %$thinking };
    substr($changed->{$member}, 7, 1) = '*';

    is(refusal('messages', { %adaptive, messages => [ user('Hi'),
        { role => 'assistant', content => [ $changed ] }, user('Hi') ] }),
        '400 invalid_request_error messages.1.content.0: Invalid `signature` '
        . 'in `thinking` block', "thinking with another $member");
}

is(refusal('messages', { messages => [ user('Hi'),
    { role => 'assistant', content => [ { type => 'thinking',
        thinking => 'x' } ] }, user('Hi') ] }),
    '400 invalid_request_error messages.1.content.0.thinking.signature: '
    . 'Field required', 'thinking without signature');

@e = post('messages', { %budget, stream => \1 })->events();
is(join('', map { $_->{json}{delta}{thinking} // '' } @e),
    $thinking->{thinking}, 'thinking streamed');
is(join('', map { $_->{json}{delta}{signature} // '' } @e),
    $thinking->{signature}, 'signature streamed');
is(types(@e), 'message_start content_block_start content_block_delta '
    . 'content_block_stop content_block_start content_block_delta '
    . 'content_block_stop message_delta message_stop', 'thinking events');

is(join(' ', map { $_->{type} } @{post('messages',
    { model => 'claudeopus5' })->json()->{content}}), 'thinking text',
    'claudeopus5 always thinks');
is(join(' ', map { $_->{type} } @{post('messages', { model => 'claudeopus5',
    thinking => { type => 'disabled' } })->json()->{content}}), 'text',
    'claudeopus5 need not');

$j = post('messages', { %adaptive, thinking => { type => 'adaptive',
    display => 'omitted' } })->json();
is($j->{content}[0]{thinking}, '', 'thinking omitted');

$j = post('messages', \%budget, sim => 'redacted')->json();
is($j->{content}[0]{type}, 'redacted_thinking', 'redacted thinking');
is(post('messages', { %budget, messages => [ user('Hi'),
    { role => 'assistant', content => $j->{content} }, user('Hi') ] })
    ->{status}, 200, 'redacted thinking comes back');
like(refusal('messages', { messages => [ user('Hi'),
    { role => 'assistant', content => [ { type => 'redacted_thinking',
        data => 'EmwKabc' } ] }, user('Hi') ] }),
    qr/Invalid `data` in `redacted_thinking` block$/, 'other redacted data');
like(post('messages', { %budget, stream => \1 }, sim => 'redacted')->{body},
    qr/"content_block": \{"data": "EmwK\S+", "type": "redacted_thinking"\}/,
    'redacted thinking streamed');

# tools, limits, stops

is(message_ends({ tools => [ $tools{messages} ] }),
    "tool_use get_weather $arguments", 'messages call');
is(message_ends({ tools => [ $tools{messages} ],
    messages => [ user('call twice, say first') ] }),
    "tool_use Let me see. get_weather $arguments get_weather $arguments",
    'messages text and calls');
is(message_ends({ tools => [ $tools{messages} ], tool_choice =>
        { type => 'auto', disable_parallel_tool_use => \1 },
    messages => [ user('call twice') ] }),
    "tool_use get_weather $arguments", 'messages single call');
is(message_ends({ tools => [ $tools{messages} ],
    tool_choice => { type => 'none' } }), 'end_turn You said: Hi',
    'messages no call');
is(message_ends({ max_tokens => 2 }), 'max_tokens You said: ',
    'messages limit');
is(message_ends({ stop_sequences => [ 'q', 'said' ] }),
    'stop_sequence said You ', 'messages stop sequence');
is(message_ends({}, sim => 'refusal'),
    "refusal I'm sorry, but I can't help with that.", 'messages refusal');
is(message_ends({ output_config => { format => { type => 'json_schema',
    schema => { %weather } } } }), "end_turn $arguments", 'messages schema');

my @uses = (user('Hi'), { role => 'assistant', content => [ map {
        { type => 'tool_use', id => $_, name => 'get_weather', input => {} }
    } 'a', 'b' ] });
my @results = map { { type => 'tool_result', tool_use_id => $_->[0],
    content => $_->[1] } } [ a => '18 C' ],
    [ b => [ { type => 'text', text => 'dry' }, { type => 'image', source =>
        { type => 'base64', media_type => 'image/png',
            data => 'iVBORw0KGgo=' } } ] ];

is(message_ends({ messages => [ @uses, user([ @results ]) ] }),
    "end_turn The tool answered: 18 C\ndry\n[image: image/png, 8 bytes]",
    'messages results');
is(message_ends({ messages => [ @uses, user([ @results,
        { type => 'text', text => 'now' } ]) ] }),
    "end_turn The tool answered: 18 C\ndry\n[image: image/png, 8 bytes]",
    'messages results and more');

is(refusal('messages', { messages => [ @uses, user([ $results[0] ]) ] }),
    '400 invalid_request_error messages.1: `tool_use` ids were found without '
    . '`tool_result` blocks immediately after: b. Each `tool_use` block must '
    . 'have a corresponding `tool_result` block in the next message.',
    'use without result');
is(refusal('messages', { messages => [ user([ $results[0] ]) ] }),
    '400 invalid_request_error messages.0.content.0: unexpected '
    . '`tool_use_id` found in `tool_result` blocks: a. Each `tool_result` '
    . 'block must have a corresponding `tool_use` block in the previous '
    . 'message.', 'result without use');

like(refusal('messages', { %budget, messages => [ @uses,
    user([ @results ]) ] }), qr/^400[ ]invalid_request_error[ ]messages\.1
    \.content\.0\.type:[ ]Expected[ ]`thinking`[ ]or[ ]`redacted_thinking`,
    [ ]but[ ]found[ ]`tool_use`\./x, 'calls without thinking');

# usage

$j = post('messages', { system => 'x' x 400 })->json();
is($j->{usage}{input_tokens}, 102, 'messages input tokens');
is($j->{usage}{output_tokens}, 3, 'messages output tokens');
is(post('count', { system => 'x' x 400 })->{body}, '{"input_tokens":102}',
    'count tokens');
is(post('count', { without => 'max_tokens' })->{status}, 200,
    'count without max_tokens');

my @system = (system => [ { type => 'text', text => 'x' x 392,
    cache_control => { type => 'ephemeral' } } ]);

is_deeply([ usage({ @system }) ], [ 26, 78, 0 ], 'cache written');
is_deeply([ usage({ @system, messages => [ user('Hi'), { role => 'assistant',
    content => 'Hello' }, user('Hi') ] }) ], [ 28, 0, 83 ], 'cache read');

@e = post('messages', { @system, stream => \1 })->events();
is($e[0]{json}{message}{usage}{cache_creation_input_tokens}, 78,
    'cache in message_start');
is($e[0]{json}{message}{usage}{input_tokens}, 26,
    'input tokens in message_start');
is($e[-2]{json}{usage}{input_tokens}, 26, 'input tokens in message_delta');
is($e[-2]{json}{usage}{output_tokens}, 3, 'output tokens in message_delta');

# refusals

for my $case (
    [ 'no max_tokens', { without => 'max_tokens' },
        '400 invalid_request_error max_tokens is required' ],
    [ 'a model of OpenAI', { model => 'gpt4o' },
        "400 invalid_request_error Model 'gpt4o' is not supported on the "
        . '/v1/messages endpoint. This endpoint only supports Anthropic '
        . 'Claude models. For OpenAI and Gemini models, use '
        . '/argoapi/v1/chat/completions' ],
    [ 'system in messages', { messages => [ { role => 'system',
            content => 'x' }, user('Hi') ] },
        '400 invalid_request_error messages: Unexpected role "system". The '
        . 'Messages API accepts a top-level `system` parameter, not "system" '
        . 'as an input message role.' ],
    [ 'a blank text', { messages => [ user(" \n") ] },
        '400 invalid_request_error messages: text content blocks must '
        . 'contain non-whitespace text' ],
    [ 'a first turn of the assistant', { messages => [ { role => 'assistant',
            content => 'x' } ] },
        '400 invalid_request_error messages: first message must use the '
        . '"user" role' ],
    [ 'too many tokens', { max_tokens => 64001, stream => \1 },
        '400 invalid_request_error max_tokens: 64001 > 64000, which is the '
        . 'maximum allowed number of output tokens for '
        . 'claude-haiku-4-5-20251001' ],
    [ 'a foreign member', { reasoning_effort => 'low' },
        '400 invalid_request_error reasoning_effort: Extra inputs are not '
        . 'permitted' ],
    [ 'a schema without type', { tools => [ { name => 'f',
            input_schema => { properties => {} } } ] },
        '400 invalid_request_error tools.0.custom.input_schema.type: Field '
        . 'required' ],
    [ 'oneOf at the top', { tools => [ { name => 'f', input_schema =>
            { type => 'object', oneOf => [] } } ] },
        '400 invalid_request_error tools.0.custom.input_schema: input_schema '
        . 'does not support oneOf, allOf, or anyOf at the top level' ],
    [ 'tools of OpenAI', { tools => [ $tools{chat} ] },
        "400 invalid_request_error tools.0: Input tag 'function' found using "
        . "'type' does not match any of the expected tags: 'bash_20250124', "
        . "'custom', 'text_editor_20250124', 'text_editor_20250429', "
        . "'text_editor_20250728', 'web_search_20250305'" ],
    [ 'five breakpoints', { messages => [ map { ({ role => 'user', content =>
            [ { type => 'text', text => 'x', cache_control =>
                { type => 'ephemeral' } } ] }) } 1 .. 5 ] },
        '400 invalid_request_error A maximum of 4 blocks with cache_control '
        . 'may be provided. Found 5.' ],
    [ 'a hot temperature', { temperature => 1.5 },
        '400 invalid_request_error temperature: range: 0..1' ],
) {
    my ($name, $members, $expected) = @$case;
    is(refusal('messages', $members), $expected, "messages with $name");
}

like(refusal('messages', { max_tokens => 21001 }),
    qr/^500 api_error Streaming is required for operations that may take /,
    'messages too long for unary');
is(post('messages', { max_tokens => 21001, stream => \1 })->{status}, 200,
    'messages long enough for a stream');
is(post('messages', { max_tokens => 21000 })->{status}, 200,
    'messages just not too long');

# other replies on demand

$j = post('messages', {}, sim => 'answer=openai')->json();
is($j->{choices}[0]{message}{content}, 'You said: Hi', 'answer=openai');
is(Argo::Client::text(post('messages', { stream => \1 },
    sim => 'answer=openai')->events()), 'You said: Hi',
    'answer=openai in a stream');

$r = post('messages', {}, sim => 'answer=error');
is($r->{status}, 200, 'answer=error');
like($r->{body}, qr/^\{"type":"error","error":\{"type":"api_error","message":
    "\{'type':[ ]'error',[ ]'error':[ ]\{'details':[ ]None,[ ]'type':
    [ ]'api_error',[ ]'message':[ ]'Internal[ ]server[ ]error'\},
    [ ]'request_id':[ ]'req_vrtx_011C\w{20}'\}"\}\}$/x, 'answer=error body');

@e = post('messages', { stream => \1 }, sim => 'answer=event, after=3')
    ->events();
is(types(@e),
    'message_start content_block_start content_block_delta error',
    'answer=event');
is($e[-1]{json}{error}{type}, 'overloaded_error', 'answer=event type');
@e = post('messages', { stream => \1 },
    sim => 'answer=event, error_type=api_error')->events();
is(types(@e) . " $e[0]{json}{error}{type}", 'error api_error',
    'answer=event first');

like(types(post('messages', { stream => \1 }, sim => 'ping')->events()),
    qr/^message_start ping content_block_start/, 'ping');

###############################################################################

# responses

my @probes = map { $json->decode($_) }
    split /\n/, recorded('argo-responses-probe.jsonl');

for my $probe (@probes) {
    my $r = raw('responses', $json->encode($probe->{request}));
    my $seen = $probe->{body_snippet_truncated};

    utf8::encode($seen);
    $seen =~ s/"(?:[^"\\]|\\.)*$|\d*(?:\.\d*)?$|[a-z]+$//;

    my $expected = shape($seen);
    is(substr(shape($r->{body}), 0, length $expected), $expected,
        "responses of $probe->{model} as recorded");
}

$j = post('responses', { model => 'gpt55' })->json();
is($j->{model}, 'aiops-cels-gpt-5-5', 'responses model');
is($j->{output}[0]{phase}, 'final_answer', 'responses phase');
is($j->{status}, 'completed', 'responses status');
like(post('responses', {})->{body}, qr/"created_at":\d+\.0,/,
    'responses created_at is a float');

is_deeply([ order(post('responses', { stream => \1 })) ],
    [ order_of('responses-event-order-text.txt') ],
    'responses text - order of events');
is_deeply([ order(post('responses', { stream => \1, model => 'gpt5',
    reasoning => { effort => 'low' } })) ],
    [ order_of('responses-event-order-reasoning.txt') ],
    'responses reasoning - order of events');
is_deeply([ order(post('responses', { stream => \1, model => 'gpt5',
    reasoning => { effort => 'low' }, tools => [ $tools{responses} ] })) ],
    [ order_of('responses-event-order-tool-call.txt') ],
    'responses call - order of events');

for my $case (
    [ 'text', 'text', {} ],
    [ 'tool-call', 'call', { tools => [ $tools{responses} ] } ],
    [ 'incomplete', 'incomplete', { max_output_tokens => 16,
        input => 'count to 99' } ],
) {
    my ($file, $name, $members) = @$case;
    my @made = post('responses', { stream => \1, model => 'gpt54nano',
        %$members })->events();
    my @seen = Argo::Client::events(
        recorded("openai-responses-stream-$file.sse") =~ s/\s*\z/\n\n/r);

    is_deeply([ event_keys(@made) ], [ event_keys(@seen) ],
        "responses $name - keys of events");
    is(join(' ', map { $_->{json}{sequence_number} } @made),
        join(' ', 0 .. $#made), "responses $name - sequence");

    # what they add up to is what the last one holds, and a unary reply

    my ($last) = $made[-1]{json}{response};
    my @items = map { $_->{json}{item} }
        grep { $_->{event} eq 'response.output_item.done' } @made;
    is_deeply($last->{output}, \@items, "responses $name - items");
}

@e = post('responses', { stream => \1 })->events();
is(join('', map { $_->{json}{delta} }
    grep { $_->{event} eq 'response.output_text.delta' } @e),
    'You said: Hi', 'responses stream text');

# reasoning

my %thinker = (model => 'gpt5', reasoning => { effort => 'high',
    summary => 'auto' });

$j = post('responses', \%thinker)->json();
is(join(' ', map { $_->{type} } @{$j->{output}}), 'reasoning message',
    'responses reasoning');
is($j->{usage}{output_tokens_details}{reasoning_tokens}, 192,
    'responses reasoning tokens');
like($j->{output}[0]{summary}[0]{text}, qr/^\*\*Thinking/,
    'responses summary');

my $reasoning = $j->{output}[0];
my @turns = ({ role => 'user', content => 'Hi' }, $reasoning,
    $j->{output}[1], { role => 'user', content => 'Again' });

is(post('responses', { %thinker, input => [ @turns ] })->json()->{output}[1]
    {content}[0]{text}, 'You said: Again', 'responses reasoning comes back');

$reasoning->{encrypted_content} =~ s/.$/*/;
is(refusal('responses', { %thinker, input => [ @turns ] }),
    "400 BadRequestError The encrypted content for item $reasoning->{id} "
    . 'could not be verified. Reason: Encrypted content could not be '
    . 'decrypted or parsed.', 'responses other reasoning');
delete $reasoning->{encrypted_content};
like(refusal('responses', { %thinker, input => [ @turns ] }),
    qr/^400 BadRequestError Item with id '$reasoning->{id}' not found\./,
    'responses reasoning that is not kept');

@e = post('responses', { %thinker, stream => \1 })->events();
is(scalar(grep { $_->{event} =~ /summary_part\.added|summary_text\.done/ }
    @e), 2, 'responses summary streamed');

# tools

my @kinds = ($tools{responses}, { type => 'custom', name => 'patch' },
    { type => 'local_shell' }, { type => 'web_search' },
    { type => 'namespace', name => 'ns', tools => [ { type => 'function',
        name => 'inner', parameters => { type => 'object' } } ] });

is(items({ tools => [ @kinds ] }), "function_call get_weather $arguments",
    'responses call');
is(items({ tools => [ @kinds ], input => "call patch a b\ncall inner {} "
        . 'call local_shell {"command":["ls","-l"]}' }),
    'custom_tool_call patch a b, function_call ns.inner {}, '
    . 'local_shell_call ls -l', 'responses kinds of calls');
is(items({ input => [ { type => 'additional_tools', role => 'developer',
        tools => [ @kinds ] }, { role => 'user', content => 'call inner {}' }
    ] }), 'function_call ns.inner {}', 'responses tools in input');
is(items({ tools => [ @kinds ], tool_choice => { type => 'custom',
    name => 'patch' } }), 'custom_tool_call patch some "plain" text',
    'responses chosen');

@e = post('responses', { stream => \1, tools => [ $kinds[1] ] })->events();
is(join('', map { $_->{json}{delta} } grep { $_->{event}
    eq 'response.custom_tool_call_input.delta' } @e), 'some "plain" text',
    'responses custom tool streamed');
is((grep { $_->{event} eq 'response.custom_tool_call_input.done' } @e)[0]
    {json}{input}, 'some "plain" text', 'responses custom tool done');

my @called = ({ role => 'user', content => 'Hi' }, { type => 'function_call',
    call_id => 'a', name => 'get_weather', arguments => '{}' });
my @output = ({ type => 'function_call_output', call_id => 'a',
    output => '18 C' });

is(items({ input => [ @called, @output ] }), 'The tool answered: 18 C',
    'responses result');
is(refusal('responses', { input => [ @called ] }),
    '400 BadRequestError No tool output found for function call a.',
    'responses call without result');
is(refusal('responses', { input => [ @output ] }),
    '400 BadRequestError No tool call found for function call output with '
    . 'call_id a.', 'responses result without call');

is(items({ text => { format => { type => 'json_schema', name => 'x',
    schema => { %weather } } } }), $arguments, 'responses schema');
is(items({ input => [ { type => 'message', role => 'user', content => [
        { type => 'input_text', text => 'See' }, { type => 'input_image',
            image_url => 'data:image/png;base64,iVBORw0KGgo=' } ] } ] }),
    "You said: See\n[image: image/png, 8 bytes]", 'responses image');

$j = post('responses', {}, sim => 'refusal')->json();
is($j->{output}[0]{content}[0]{type}, 'refusal', 'responses refusal');
like(types(post('responses', { stream => \1 }, sim => 'refusal')->events()),
    qr/ response\.refusal\.delta response\.refusal\.done /,
    'responses refusal streamed');

for my $case (
    [ 'a model of Anthropic', { model => 'claudehaiku45' },
        qr/^400 BadRequestError Model 'claudehaiku45' is not supported on /],
    [ 'few tokens', { max_output_tokens => 5 },
        qr/^400 BadRequestError Invalid 'max_output_tokens': integer below / ],
    [ 'a member of chats', { messages => [] },
        qr/^400 BadRequestError Unknown parameter: 'messages'\.$/ ],
    [ 'an id of before', { previous_response_id => 'resp_1' },
        qr/^400 BadRequestError Previous response with id 'resp_1' not f/ ],
    [ 'a temperature', { model => 'gpto3', temperature => 1 },
        qr/^400 BadRequestError Unsupported parameter: 'temperature' is n/ ],
    [ 'an effort', { reasoning => { effort => 'low' } },
        qr/^400 BadRequestError Unsupported parameter: 'reasoning\.effort'/ ],
) {
    my ($name, $members, $expected) = @$case;
    like(refusal('responses', $members), $expected, "responses with $name");
}

@e = post('responses', { stream => \1 }, sim => 'answer=failed, after=2')
    ->events();
is(types(@e), 'response.created response.in_progress response.failed',
    'answer=failed');
is($e[-1]{json}{sequence_number}, 2, 'answer=failed sequence');
is(types(post('responses', { stream => \1 }, sim => 'answer=event')
    ->events()), 'error', 'answer=event of responses');

###############################################################################

# embeddings

$j = post('embeddings', { input => [ 'Hi', 'there' ] })->json();
is(join(' ', map { "$_->{object} $_->{index} " . @{$_->{embedding}} }
    @{$j->{data}}), 'embedding 0 1536 embedding 1 1536', 'embeddings');
is($j->{model}, 'text-embedding-3-small', 'embeddings model');
is_deeply($j->{usage}, { prompt_tokens => 3, total_tokens => 3 },
    'embeddings usage');

my $legacy = Argo::Client->new(port(8080))->post(
    '/argoapi/api/v1/resource/embed/', $json->encode({ user => 'jdoe',
        model => 'v3small', prompt => [ 'Hi' ] }))->json();
is_deeply($j->{data}[0]{embedding}, $legacy->{embedding}[0],
    'embeddings as of old');

my @floats = unpack 'f<*', decode_base64(post('embeddings',
    { encoding_format => 'base64' })->json()->{data}[0]{embedding});
is(scalar(@floats), 1536, 'embeddings in base64');
is(scalar(grep { abs($floats[$_] - $legacy->{embedding}[0][$_]) > 1e-7 }
    0 .. 1535), 0, 'embeddings in base64 - the same');

is(scalar @{post('embeddings', { model => 'text-embedding-3-large' })
    ->json()->{data}[0]{embedding}}, 3072, 'embeddings official name');
is(refusal('embeddings', { dimensions => 256 }), '400 BadRequestError This '
    . 'model does not support specifying dimensions.',
    'embeddings dimensions');
is(details(post('embeddings', { input => [ [ 1, 2 ] ] })),
    '422 string_type body.input.0 Input should be a valid string',
    'embeddings of tokens');
is(details(post('embeddings', { input => [ ('x') x 17 ] })),
    '422 too_long body.input List should have at most 16 items after '
    . 'validation, not 17', 'embeddings of 17');
like(post('embeddings', { model => 'gpt4o' })->{body},
    qr/^\{"detail":"Invalid model 'gpt4o'\. Valid models: ada002, v3small,/,
    'embeddings of a chat model');

###############################################################################

# who asks

my @bearer = (headers => [ 'Authorization', 'Bearer jdoe' ]);

is(raw('chat', '{"model":"gpt4o","messages":[{"role":"user","content":"Hi"}]'
    . '}', headers => [])->{body}, 'Internal Server Error', 'chat of nobody');
is(raw('embeddings', '{"model":"v3small","input":"Hi"}', headers => [])
    ->{status}, 500, 'embeddings of nobody');
is(post('chat', { user => 'jdoe' }, headers => [])->{status}, 200,
    'chat with user in the body');
like(post('chat', { user => 'denied' }, @bearer)->{body},
    qr/^\{"id":"msg_blocked_denied_\d+",/, 'chat: the body comes first');
is(post('messages', {}, headers => [ 'X-Api-Key', 'jdoe' ])->{status}, 200,
    'messages with a key');
is(post('messages', {}, @bearer)->{status}, 200, 'messages with a bearer');
is(refusal('messages', {}, headers => []),
    '401 authentication_error x-api-key header is required',
    'messages of nobody');
is(post('responses', {}, headers => [ 'X-Api-Key', 'jdoe' ])->{status}, 401,
    'responses with a key alone');
is(post('responses', { user => 'jdoe' }, @bearer)->{status}, 200,
    'responses with a bearer');

for my $route (qw/ chat messages responses embeddings /) {
    my @as = (headers => [ 'Authorization', 'Bearer mallory' ],
        location => '/members/');

    $r = post($route, {}, @as);
    is($r->{status}, 200, "$route denied");
    like($r->{body}, qr/"msg_blocked_mallory_\d+".*could not be validated/,
        "$route denied - notice");

    next if $route eq 'embeddings';

    like(post($route, { stream => \1 }, @as)->{body},
        qr/^(?=.*msg_blocked_mallory_\d).*ACCESS DENIED/s,
        "$route denied in a stream");
    like(post($route, {}, sim => 'text=denied')->{body},
        qr/"msg_blocked_jdoe_\d+".*is not authorized/, "$route text=denied");
}

is(sorted_shape(post('messages', {}, sim => 'text=denied')->{body}),
    '{"content":[{"text":"","type":""}],"id":"","model":"","role":"",'
    . '"stop_reason":"","type":"","usage":{"input_tokens":0,'
    . '"output_tokens":0}}', 'messages denied as captured');

###############################################################################

# parameters of single models: all that was probed, and what is stricter here

my %stricter = (
    (map { $_ => 'max_tokens' } qw/ gpt4o gpto3mini gpto3 gpto4mini /),
    (map { $_ => 'budget' } qw/ gemini25pro gemini25flash /),
    claudeopus41 => 'both',
);

for my $probe (probe()) {
    my $name = "$probe->{model} $probe->{variant}";
    my $request = $probe->{request};
    my $r = Argo::Client->new(port(8080))->post(
        "/argoapi/$probe->{path}", $json->encode($request), headers =>
            [ 'Authorization', 'Bearer jdoe' ]);
    my $stricter = $stricter{$probe->{model}} || '';

    if ($stricter eq 'max_tokens' && exists $request->{max_tokens}) {
        is($r->{status}, 400, "$name: max_tokens");
        next;
    }

    if ($stricter eq 'budget' && exists $request->{max_tokens}) {
        is($r->{status}, 500, "$name: budget");
        next;
    }

    if ($stricter eq 'both' && $request->{temperature} && $request->{top_p}) {
        is($r->{status}, 400, "$name: both");
        next;
    }

    is($r->{status}, $probe->{status}, "$name status");

    if ($probe->{status} != 200) {
        my ($seen, $made) = ($probe->{body}, $r->{body});
        utf8::encode($seen);
        s/(req_vrtx_)\w+/$1/ for $seen, $made;
        is($made, $seen, "$name body");
    }
}

for my $case (
    [ { model => 'gpto3', temperature => 1 }, 'unsupported_parameter' ],
    [ { model => 'gpto3', top_p => 1 }, 'unsupported_parameter' ],
    [ { model => 'gpt56sol', temperature => 0 }, 'unsupported_value' ],
    [ { model => 'gpt56sol', temperature => 1, top_p => 0.5 }, 200 ],
    [ { model => 'gpt54', temperature => 0, top_p => 0.5 }, 200 ],
    [ { model => 'gpt5nano', top_p => 1 }, 'unsupported_parameter' ],
    [ { model => 'gpt5', reasoning_effort => 'none' }, 'unsupported_value' ],
    [ { model => 'gpt5', reasoning_effort => 'minimal' }, 200 ],
    [ { model => 'gpt54', reasoning_effort => 'xhigh' }, 200 ],
    [ { reasoning_effort => 'low' }, 'unsupported_parameter' ],
    [ { model => 'gpt54', reasoning_effort => 'low',
        tools => [ $tools{chat} ] }, qr/Function tools with reasoning_eff/ ],
    [ { model => 'gpt54', reasoning_effort => 'none',
        tools => [ $tools{chat} ] }, 200 ],
    [ { model => 'gpt52', reasoning_effort => 'low',
        tools => [ $tools{chat} ] }, 200 ],
    [ { max_completion_tokens => 16385 }, 'invalid_value' ],
    [ { model => 'gpt41', max_tokens => 0 }, 'integer_below_min_value' ],
    [ { model => 'gemini35flash', max_tokens => 2047 },
        qr/^500 AttributeError 'NoneType' object has no attribute 'parts'$/ ],
    [ { model => 'gemini35flash', max_tokens => 2048 }, 200 ],
    [ { model => 'gemini31flashlite', max_tokens => 8 }, 200 ],
    [ { model => 'gemini35flash', max_completion_tokens => 8 }, 200 ],
    [ { model => 'claudeopus48', max_tokens => 9, temperature => 0,
        top_p => 0.5 }, 200 ],
    [ { model => 'claudesonnet5', max_tokens => 9, top_p => 1 },
        qr/`top_p` is deprecated for this model\./ ],
    [ { model => 'claudesonnet5', max_tokens => 9, temperature => 0 },
        qr/`temperature` is deprecated for this model\./ ],
    [ { model => 'claudehaiku45', max_tokens => 9, tools => [ $tools{chat} ],
        tool_choice => 'auto' }, qr/tool_choice: Input should be a valid d/ ],
    [ { model => 'gemini25pro', messages => [ user('Hi'),
        { role => 'assistant', content => undef }, user('Hi') ] },
        qr/^500 TypeError 'NoneType' object is not iterable$/ ],
    [ { model => 'gemini25pro', messages => [ spoken(@history) ] },
        qr/^500 ClientError Please ensure that the number of function respo/ ],
    [ { model => 'gemini25pro', messages => [ spoken(@history[0 .. 1]) ] },
        qr/^500 ClientError Please ensure that the number of function respo/ ],
    [ { model => 'gemini25pro', messages => [ { role => 'system',
        content => 'x' } ] }, qr/^500 ClientError .* a turn of the user\.$/ ],
    [ { model => 'claudehaiku45', max_tokens => 9,
        messages => [ user(' ') ] }, qr/must contain non-whitespace text$/ ],
    [ { messages => [ { role => 'developer', content => 'x' } ] },
        qr/^400 \w+ Unknown parameter: 'messages\[0\]\.tool_calls'\.$/ ],
    [ { messages => [ @history[0 .. 2] ] },
        qr/following tool_call_ids did not have response messages: b$/ ],
    [ { messages => [ user('Hi'), result('a', 'x') ] },
        qr/must be a response to a preceeding message with 'tool_calls'\.$/ ],
    [ { messages => [] }, 'empty_array' ],
    [ { messages => [ { role => 'user', content => undef } ] },
        qr/^400 \w+ Invalid value for 'content': expected a string, got n/ ],
    [ { messages => [ user([ map { { type => 'image_url', image_url =>
        { url => 'data:image/png;base64,iVBO' } } } 1 .. 51 ]) ] },
        'too_many_images' ],
    [ { tools => [ { type => 'custom', custom => { name => 'x',
        description => 'x' x 4097 } } ] }, 'string_above_max_length' ],
    [ { tools => [ { type => 'function', function => { name => 'x',
        description => 'x' x 13457 } } ] }, 200 ],
    [ { tools => [ tool('a b') ] }, 'invalid_value' ],
    [ { tools => [ $tools{messages} ] }, 'missing_required_parameter' ],
    [ { parallel_tool_calls => \1 }, qr/only allowed when 'tools' are spec/ ],
    [ { tool_choice => 'auto' }, qr/only allowed when 'tools' are specifie/ ],
    [ { stream_options => {} }, qr/only allowed when 'stream' is enabled\.$/ ],
    [ { thinking => {} }, qr/Unrecognized request argument supplied: think/ ],
    [ { model => 'gpt4olatest' }, qr/^400 \w+ The model does not exist$/ ],
    [ { model => 'GPT-5.6 Sol' }, 200 ],
    [ { model => 'gpt-4o' }, qr/^400 Invalid model 'gpt-4o'\. Valid models/ ],
) {
    my ($members, $expected) = @$case;
    my $r = post('chat', $members);
    my $name = 'chat ' . substr $json->encode($members), 0, 100;

    if ($expected eq '200') {
        is($r->{status}, 200, $name);

    } elsif (ref $expected) {
        like(refusal_of($r), $expected, $name);

    } else {
        like($r->{body}, qr/'code': '$expected'/, $name);
    }
}

for my $keyword (qw/ $schema $ref $defs additionalProperties const
    exclusiveMinimum exclusiveMaximum patternProperties oneOf not /)
{
    my %schema = (type => 'object', properties => { deep => { type => 'array',
        items => { anyOf => [ { $keyword => 1 } ] } } });
    my $tool = sub { { type => 'function', function => { name => 'f',
        parameters => $_[0] } } };

    like(refusal('chat', { model => 'gemini25pro',
        tools => [ $tool->({ %schema }) ] }),
        qr/^500 ClientError Invalid JSON payload rec.*name "\Q$keyword\E"/,
        "Gemini refuses $keyword");
    is(post('chat', { model => 'gemini25pro', tools => [ $tool->({
        type => 'object', properties => { $keyword => { type => 'string' } }
        }) ] })->{status}, 200, "Gemini and a property $keyword");
    is(post('chat', { tools => [ $tool->({ %schema }) ] })->{status}, 200,
        "OpenAI and $keyword");
}

###############################################################################

# faults

for my $route (qw/ chat messages responses /) {
    my $whole = post($route, { stream => \1 })->{body};

    like(post($route, {}, sim => 'status=503, body=html, retry_after=2')
        ->{body}, qr/503 Service Temporarily Unavailable/, "$route status");

    $r = post($route, { stream => \1 }, sim => 'cut=200');
    is(masked($r->{body}), masked(substr $whole, 0, 200), "$route cut");
    ok(!$r->{complete}, "$route cut - not complete");

    $r = post($route, { stream => \1 }, sim => 'end=200');
    is(masked($r->{body}), masked(substr $whole, 0, 200), "$route end");
    ok($r->{complete}, "$route end - complete");

    my $client = post_only($route, { stream => \1 });
    my @pieces;
    $r = $client->head();

    while (defined(my $piece = $r->next_chunk())) {
        push @pieces, $piece;
    }

    is(scalar(grep { !/\A[^\n].*\n\n\z/s || /\n\n./s } @pieces), 0,
        "$route: an event is a chunk");

    is(masked(post($route, { stream => \1 }, sim => 'chunk=7, interval=0')
        ->{body}), masked($whole), "$route in small pieces");
    is(post($route, {}, sim => 'noresponse')->{body}, '{"result":"nothing"}',
        "$route noresponse");
    is(post($route, {}, sim => 'malformed')->json(), undef,
        "$route malformed");
    is(post($route, { stream => \1 }, sim => 'badchunk')->{complete} ? 1 : 0,
        0, "$route badchunk");
    like(post($route, {}, sim => 'text=utf8')->{body},
        qr/ASCII, \xc3\xa9/, "$route text");
    is(scalar(() = post($route, { stream => \1 }, sim => 'chunks=5')
        ->{body} =~ /"chunk \d "/g), 5, "$route chunks");
}

for my $case (
    [ chat => {}, 'interval=1', 'interval needs chunk where the reply is '
        . 'not a stream' ],
    [ chat => { stream => \1 }, 'malformed',
        'malformed has no effect on a stream' ],
    [ chat => {}, 'end=3', 'end needs a stream' ],
    [ chat => {}, 'answer=openai', 'answer=openai needs v1/messages' ],
    [ chat => {}, 'ping', '"ping" has no effect on v1/chat/completions' ],
    [ chat => {}, 'nousage', 'ping and nousage need a stream' ],
    [ messages => {}, 'answer=event', 'the reply has no place for this '
        . 'event' ],
    [ messages => { stream => \1 }, 'answer=event, after=99', 'the reply has '
        . 'no place for this event' ],
    [ messages => { stream => \1 }, 'answer=failed', 'the reply has no place '
        . 'for this event' ],
    [ messages => {}, 'after=1', 'after and error_type need an answer that '
        . 'is an error' ],
    [ chat => { stream => \1 }, 'end=1, cut=2',
        'end leaves nothing for cut, reset, stall and badchunk' ],
    [ embeddings => {}, 'refusal', '"refusal" has no effect on v1/embeddings'
        ],
    [ count => {}, 'text=lorem',
        '"text" has no effect on v1/messages/count_tokens' ],
) {
    my ($route, $members, $sim, $expected) = @$case;
    is(post($route, $members, sim => $sim)->{body},
        $json->encode({ detail => "X-Argo-Sim: $expected" }),
        "$route $sim");
}

my $stats = Argo::Client->new(port(8080))->get('/argoapi/sim/stats')->json();
is($stats->{active}, 0, 'nothing left');
is($stats->{aborted}, 0, 'nothing aborted');
ok($stats->{routes}{$path{$_}}, "requests to $path{$_}") for sort keys %path;

$t->done_testing();

###############################################################################

sub utf8 {
    my ($text) = @_;

    utf8::encode($text);

    return $text;
}


sub recorded {
    my ($name) = @_;

    open my $f, '<:raw', "$FindBin::Bin/fixtures/recorded/$name"
        or die "$name: $!";
    local $/;

    return scalar <$f>;
}


sub probe {
    return map { $json->decode($_) }
        split /\n/, recorded('argo-probe.jsonl');
}


sub user {
    my ($content) = @_;

    return { role => 'user', content => $content };
}


sub result {
    my ($id, $content) = @_;

    return { role => 'tool', tool_call_id => $id, content => $content };
}


# The same messages without null.

sub spoken {
    return map { { %$_, content => $_->{content} // '' } } @_;
}


sub tool {
    my ($name) = @_;

    return { type => 'function', function => { name => $name,
        parameters => { type => 'object', properties => {} } } };
}


# The body of a request: usual members, unless others are given.

sub body {
    my ($route, $members) = @_;

    my %usual = (
        chat => { model => 'gpt4o', messages => [ user('Hi') ] },
        messages => { model => 'claudehaiku45', max_tokens => 100,
            messages => [ user('Hi') ] },
        count => { model => 'claudehaiku45', messages => [ user('Hi') ] },
        responses => { model => 'gpt4o', input => 'Hi' },
        embeddings => { model => 'v3small', input => 'Hi' },
    );

    my %body = (%{$usual{$route}}, %$members);
    my $without = delete $body{without};

    delete $body{$without} if $without;

    return $json->encode(\%body);
}


sub post_only {
    my ($route, $members, %opt) = @_;

    my $client = Argo::Client->new(port(8080));
    my @headers = @{$opt{headers} || [ 'Authorization', 'Bearer jdoe' ]};

    push @headers, 'X-Argo-Sim', $opt{sim} if defined $opt{sim};

    $client->post_only(($opt{location} || '/argoapi/') . $path{$route},
        body($route, $members), headers => [ @headers ]);

    return $client;
}


sub post {
    return post_only(@_)->response();
}


sub raw {
    my ($route, $body, %opt) = @_;

    return Argo::Client->new(port(8080))->post("/argoapi/$path{$route}",
        $body, headers => $opt{headers} || [ 'Authorization', 'Bearer jdoe' ]);
}


# JSON without its values: their types, the names and all blanks remain.

sub shape {
    my ($text) = @_;

    $text =~ s{("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)}
        { defined $2 ? "$1$2" : defined $3 ? '0' : '""' }ge;

    return $text;
}


# The shapes of a stream's events; repeated ones once.

sub shapes {
    my ($stream) = @_;

    my @shapes;

    for my $block (split /\n\n+/, $stream) {
        $block =~ s/^data: (?=\{)(.*)/'data: ' . shape($1)/me;
        push @shapes, $block unless @shapes && $shapes[-1] eq $block;
    }

    return @shapes;
}


sub sorted_shape {
    my ($text) = @_;

    my $data = $json->decode($text);

    return shape($json->encode($data));
}


# The shape of the first content block.

sub block_shape {
    my ($body) = @_;

    utf8::encode($body) if utf8::is_utf8($body);

    return $body =~ /"content":\[(\{.*?\})/ ? shape($1) : $body;
}


# Ids and times differ from request to request.

sub masked {
    my ($text) = @_;

    $text =~ s/((?:chatcmpl-|msg_|resp_)[\w]+)/'x' x length $1/ge;
    $text =~ s/"created(?:_at)?": ?\d+//g;
    $text =~ s/"completed_at":\d+//g;
    $text =~ s/("obfuscation": ?)"\w*"/$1/g;

    return $text;
}


# The texts of a chat.

sub said {
    return utf8(post('chat', @_)->json()->{choices}[0]{message}{content}
        // 'nothing');
}


sub text_of {
    my ($text) = @_;

    return Argo::Client::text(post('chat', { stream => \1,
        messages => [ user($text) ] })->events());
}


sub chat_ends {
    my $unary = post('chat', @_)->json()->{choices}[0];
    my @e = post('chat', { %{$_[0]}, stream => \1 })->events();
    my ($last) = map { $_->{json}{choices}[0]{finish_reason} }
        grep { $_->{json}{choices}[0]{finish_reason} }
        grep { ref $_->{json} && @{$_->{json}{choices}} } @e;
    my $result = "$unary->{finish_reason} $unary->{message}{content}";

    return $result eq "$last " . Argo::Client::text(@e) ? $result
        : "other in a stream: $last " . Argo::Client::text(@e);
}


sub calls {
    my $calls = post('chat', @_)->json()->{choices}[0]{message}{tool_calls};
    my %ids;

    return join ', ', map {
        $ids{$_->{id}}++ ? 'the same id'
            : $_->{type} eq 'custom'
                ? "custom $_->{custom}{name} $_->{custom}{input}"
                : "$_->{function}{name} $_->{function}{arguments}"
    } @{$calls || []};
}


sub streamed_calls {
    my (@events) = @_;

    my @calls;

    for my $e (grep { ref $_->{json} && @{$_->{json}{choices}} } @events) {
        for my $d (@{$e->{json}{choices}[0]{delta}{tool_calls} || []}) {
            my $call = $calls[$d->{index}] ||= { name => '', text => '' };
            $call->{name} .= $d->{function}{name} // '';
            $call->{text} .= $d->{function}{arguments};
        }
    }

    return join ', ', map { "$_->{name} $_->{text}" } @calls;
}


sub message_text {
    return join '', map { $_->{json}{delta}{text} // '' } @_;
}


# Types of events; repeated ones once.

sub types {
    my (@events) = @_;

    my @types;

    for my $e (@events) {
        my $type = $e->{event} // 'none';

        return "other in data: $type"
            if $e->{json} && $e->{json}{type} ne $type;
        push @types, $type unless @types && $types[-1] eq $type;
    }

    return join ' ', @types;
}


# How a message ends and what is in it, which has to be the same in a stream.

sub message_ends {
    my ($members, %opt) = @_;

    my $j = post('messages', $members, %opt)->json();
    my $result = join ' ', $j->{stop_reason},
        defined $j->{stop_sequence} ? $j->{stop_sequence} : (),
        map { $_->{type} eq 'text' ? $_->{text}
            : "$_->{name} " . $json->encode($_->{input}) } @{$j->{content}};

    my (@blocks, $delta);

    for my $e (post('messages', { %$members, stream => \1 }, %opt)->events())
    {
        my $d = $e->{json};

        if ($d->{type} eq 'content_block_start') {
            $blocks[$d->{index}] = $d->{content_block}{type} eq 'text' ? ''
                : "$d->{content_block}{name} ";

        } elsif ($d->{type} eq 'content_block_delta') {
            $blocks[$d->{index}] .= $d->{delta}{text}
                // $d->{delta}{partial_json};

        } elsif ($d->{type} eq 'message_delta') {
            $delta = $d->{delta};
        }
    }

    my $streamed = join ' ', $delta->{stop_reason},
        defined $delta->{stop_sequence} ? $delta->{stop_sequence} : (),
        @blocks;

    return $result eq $streamed ? $result : "other in a stream: $streamed";
}


sub usage {
    my $usage = post('messages', @_)->json()->{usage};

    return @$usage{qw/ input_tokens cache_creation_input_tokens
        cache_read_input_tokens /};
}


# The types of a stream's events, repeated ones once, as recorded.

sub order {
    my ($reply) = @_;

    return split / /, types($reply->events());
}


sub order_of {
    my ($name) = @_;

    return map { /^(\S+)/ } split /\n/, recorded($name);
}


# The names of members in events of each type, below the response's own.

sub event_keys {
    my (@events) = @_;

    my %keys;

    for my $e (@events) {
        my $data = { %{$e->{json}} };

        for my $name (qw/ item part /) {
            next unless $data->{$name};
            $data->{$name} = join ' ', sort keys %{$data->{$name}};
        }

        delete $data->{response};
        $keys{$e->{event}} = join ', ', map {
            /^(?:item|part)$/ ? "$_ ($data->{$_})" : $_ } sort keys %$data;
    }

    return map { "$_: $keys{$_}" } sort keys %keys;
}


sub items {
    my $j = post('responses', @_)->json();

    return join ', ', map {
        my $name = join '.', grep { defined } @$_{qw/ namespace name /};
        $_->{type} eq 'message' ? $_->{content}[0]{text}
            : $_->{type} eq 'local_shell_call'
                ? "$_->{type} @{$_->{action}{command}}"
                : "$_->{type} $name " . ($_->{arguments} // $_->{input})
    } @{$j->{output}};
}


# An error in one line: the vendor's own words, out of the wrapping.

sub refusal {
    my ($route, $members, %opt) = @_;

    return refusal_of(post($route, $members, %opt));
}


sub refusal_of {
    my ($r) = @_;

    my $j = $r->json();
    my $e = ref $j eq 'HASH' ? $j->{error} : undef;

    return "$r->{status} " . ($j->{detail} // $r->{body})
        unless ref $e eq 'HASH';

    my $message = $e->{message};

    if ($message =~ /'message': (['"])(.*?)(?<!\\)\1[,}]/s) {
        $message = $2;
        $message =~ s/\\(.)/$1/g;
    }

    return "$r->{status} $e->{type} $message";
}


# FastAPI's errors in one line each.

sub details {
    my ($r) = @_;

    my $j = $r->json();
    my $detail = ref $j eq 'HASH' ? $j->{detail} : undef;

    return "$r->{status} $r->{body}" unless ref $detail eq 'ARRAY';

    return "$r->{status} " . join ', ', map {
        "$_->{type} " . join('.', @{$_->{loc}}) . " $_->{msg}"
    } @$detail;
}

###############################################################################
