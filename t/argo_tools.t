#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for tools: what goes up to ARGO for each family of models, and what
# becomes of the calls that come down, whole and as a stream.

use warnings;
use strict;

use JSON::PP ();
use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;

my $t = Argo::Test->new();

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_user      jdoe;
    argo_upstream  /argo/;
    argo_upstream_api legacy;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location = /chat {
            argo_endpoint  chat_completions;
            argo_model     llama llama4;
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my $schema = { type => 'object',
    properties => { place => { type => 'string' } }, required => ['place'] };
my @tools = ({ type => 'function', function => { name => 'weather',
    description => "The weather \x{2600}", parameters => $schema } });

my %models = (gpt => 'gpt-4o', claude => 'claude-opus-4.6',
    gemini => 'gemini-2.5-pro', other => 'llama');

my %calls = (
    gpt => '{"id":"call_1","type":"function","function":{"name":"weather",'
        . '"arguments":"{\"place\":\"\u00dcbersee\"}"}}',
    claude => '{"id":"toolu_vrtx_1","input":{"place":"\u00dcbersee"},'
        . '"name":"weather","type":"tool_use"}',
    gemini => '{"id":null,"args":{"place":"\u00dcbersee"},'
        . '"name":"weather"}',
);

###############################################################################

# what goes up

reply('{"response":"Sunny"}');

my $sent = sent('gpt', tools => \@tools, tool_choice => 'required',
    parallel_tool_calls => \0);

is_deeply($sent->{tools}, \@tools, 'tools of OpenAI');
is($sent->{tool_choice}, 'required', 'tool choice of OpenAI');
ok(!$sent->{parallel_tool_calls} && exists $sent->{parallel_tool_calls},
    'parallel calls of OpenAI');

$sent = sent('claude', tools => \@tools, tool_choice => 'required',
    parallel_tool_calls => \0);

is_deeply($sent->{tools}, [{ name => 'weather', type => 'custom',
    description => "The weather \x{2600}", input_schema => $schema,
    cache_control => undef }], 'tools of Claude');
is($sent->{tool_choice}{type}, 'any', 'tool choice of Claude');
ok($sent->{tool_choice}{disable_parallel_tool_use},
    'parallel calls of Claude');
ok(!exists $sent->{parallel_tool_calls}, 'in no other place');

$sent = sent('gemini', tools => \@tools,
    tool_choice => { type => 'function', function => { name => 'weather' } },
    parallel_tool_calls => \0);

is_deeply($sent->{tools}, [{ name => 'weather', parameters => $schema,
    description => "The weather \x{2600}" }], 'tools of Gemini');
is_deeply($sent->{tool_choice}, { mode => 'FUNCTION_CALLING',
    allowed_function_names => ['weather'] }, 'tool choice of Gemini');
ok(!exists $sent->{parallel_tool_calls}, 'parallel calls of Gemini');

$sent = sent('other', tools => \@tools, tool_choice => 'auto',
    parallel_tool_calls => \1);

is(join(' ', sort keys %$sent), 'messages model user', 'others, no tools');
like($sent->{messages}[0]{content}, qr/weather.*The weather \x{2600}/s,
    'others, tools in words');

# a follow-up, without tools

my @history = (
    { role => 'user', content => 'Weather?' },
    { role => 'assistant', content => 'I look.', refusal => undef,
        annotations => [],
        tool_calls => [ map { { id => "call_$_", type => 'function',
            function => { name => 'weather',
                arguments => "{\"place\":\"P$_\"}" } } } 1, 2 ] },
    { role => 'tool', tool_call_id => 'call_2', content => 'two' },
    { role => 'tool', tool_call_id => 'call_1', content => 'one' },
    { role => 'user', content => 'So?' },
);

$sent = sent('gpt', messages => \@history);
is_deeply($sent->{messages}, \@history, 'history of OpenAI');

$sent = sent('claude', messages => \@history);

is_deeply([@{$sent->{messages}}[1 .. 2]], [
    { role => 'assistant', content => [
        { type => 'text', text => 'I look.' },
        map { { type => 'tool_use', id => "call_$_", name => 'weather',
            input => { place => "P$_" }, cache_control => undef } } 1, 2,
    ] },
    { role => 'user', content => [
        { type => 'tool_result', tool_use_id => 'call_2', content => 'two' },
        { type => 'tool_result', tool_use_id => 'call_1', content => 'one' },
    ] },
], 'history of Claude');

$sent = sent('gemini', messages => \@history);

is_deeply([@{$sent->{messages}}[1 .. 4]], [
    map { ({ role => 'assistant', content => $_ == 1 ? 'I look.' : '',
        tool_calls => [{ id => "call_$_", name => 'weather',
            args => { place => "P$_" } }] },
    { role => 'tool', tool_call_id => "call_$_", name => 'weather',
        content => $_ == 1 ? 'one' : 'two' }) } 1, 2
], 'history of Gemini');

# an interrupted turn

my @orphan = @history[0, 1, 3, 4];

$sent = sent('gpt', messages => \@orphan);
is_deeply($sent->{messages}[3], { role => 'tool', tool_call_id => 'call_2',
    content => '[no result]' }, 'result made up');

my $r = post('gpt', messages => [@history[0, 2]]);
is($r->{status}, 400, 'result without call');
is($r->json()->{error}{param}, 'messages[1].tool_call_id',
    'result without call, param');
is(scalar $g->requests(), 0, 'result without call, not sent');

$r = post('claude', messages => [$history[0], { role => 'assistant',
    tool_calls => [{ id => 'a', type => 'function', function => {
        name => 'f', arguments => '{"a"' } }] }]);
is($r->{status}, 400, 'arguments that are no JSON');
is($r->json()->{error}{param},
    'messages[1].tool_calls[0].function.arguments',
    'arguments that are no JSON, param');

$r = post('gpt', tools => [@tools, { type => 'custom',
    custom => { name => 'c' } }]);
is($r->{status}, 400, 'custom tool');
is($r->json()->{error}{param}, 'tools[1].type', 'custom tool, param');
is($r->json()->{error}{code}, 'unsupported_parameter', 'custom tool, code');

# what comes down

for my $family ('gpt', 'claude', 'gemini') {
    reply("{\"response\":{\"content\":\"I look.\",\"tool_calls\":"
        . "[$calls{$family},$calls{$family}]}}");

    check($family, 'I look.', 2, $family);

    reply("{\"response\":{\"content\":null,\"tool_calls\":"
        . "[$calls{$family}]}}");

    check($family, undef, 1, "$family, call alone");
}

reply('{"response":{"content":[{"type":"text","text":"I look."},'
    . "$calls{claude}],\"tool_calls\":null}}");
check('claude', 'I look.', 1, 'blocks');

reply('{"response":{"content":"I look.'
    . "{'id': 'toolu_vrtx_1', 'input': {'place': '\\u00dcbersee'}, "
    . "'name': 'weather', 'type': 'tool_use', 'cache_control': None}"
    . "{'id': 'toolu_vrtx_2', 'input': {'place': '\\\\xdcbersee'}, "
    . "'name': 'weather', 'type': 'tool_use'}\",\"tool_calls\":[]}}");
check('claude', 'I look.', 2, 'printed calls');

is(post('claude')->json()->{choices}[0]{finish_reason}, 'stop',
    'printed calls, no tools offered');

reply('{"response":"I look.\n<tool_call>{\"name\":\"weather\",'
    . '\"arguments\":{\"place\":\"\u00dcbersee\"}}</tool_call>"}');
check('other', "I look.\n", 1, 'calls in tags');

# the older form

reply("{\"response\":{\"content\":\"\",\"tool_calls\":[$calls{claude}]}}");

my @functions = map { $_->{function} } @tools;

$r = post('claude', functions => \@functions, function_call => 'auto');

my $message = $r->json()->{choices}[0]{message};

is(join(' ', sort keys %$message),
    'annotations content function_call refusal role', 'function call');
is($message->{function_call}{name}, 'weather', 'function call, name');
is(place($message->{function_call}{arguments}), "\x{dc}bersee",
    'function call, arguments');
is($r->json()->{choices}[0]{finish_reason}, 'function_call',
    'function call, finish');

my @deltas = deltas(post('claude', stream => \1,
    functions => \@functions));
is($deltas[1]{function_call}{name}, 'weather', 'function call, streamed');
is(join('', map { $_->{function_call}{arguments} || '' } @deltas),
    $message->{function_call}{arguments},
    'function call, arguments streamed');

# what ARGO says of its own failures

for (
    [ 'none type', '{"response":"\'NoneType\' object is not iterable"}',
        '502 server_error upstream_error' ],
    [ 'error in a success', '{"type":"error","error":{"type":"api_error",'
        . '"message":"{\'type\': \'error\', \'error\': {\'message\': '
        . '\'Boom\'}}"}}', '502 server_error upstream_invalid_reply' ],
    [ 'vendor error in a success', '{"response":"Error code: 400 - '
        . '{\'error\': {\'message\': \'Bad\', \'param\': \'x\', \'code\': '
        . '\'c\'}}"}', '400 invalid_request_error c' ],
    [ 'limit in a success', '{"detail":"Error code: 429 - slow"}',
        '429 rate_limit_error rate_limit_exceeded' ],
    [ 'outage', '{"error":"HTTPSConnectionPool(host=\'oauth2.googleapis.com'
        . '\', port=443): Max retries exceeded with url: /token"}',
        '502 server_error upstream_outage' ],
) {
    my ($name, $body, $expected) = @$_;

    reply($body);

    for my $members ([], [stream => \1, tools => \@tools]) {
        $r = post('gemini', @$members);
        my $e = $r->json()->{error};

        is("$r->{status} $e->{type} $e->{code}", $expected,
            @$members ? "$name, streamed" : $name);
    }
}

for my $text (
    "'NoneType' object is not iterable is what Python says",
    "Python: 'NoneType' object is not iterable",
    "Error code: 400 - {'error': 'x'} means that the request was wrong",
) {
    $g->answer($text);
    is(post('gpt')->json()->{choices}[0]{message}{content}, $text, $text);

    $g->stream(map { substr $text, 3 * $_, 3 } 0 .. length($text) / 3);
    is(post('gpt', stream => \1)->text(), $text, "$text, streamed");
}

$g->stream("'NoneType' object", ' is not iterable');
$r = post('gemini', stream => \1);
is($r->{status}, 502, 'none type, stream of text');
is($r->json()->{error}{code}, 'upstream_error',
    'none type, stream of text, code');

$t->done_testing();

###############################################################################

sub reply {
    my ($body) = @_;

    $g->script(undef, [
        [header => 'Content-Type', 'application/json'], [body => $body],
    ]);
}


sub post {
    my ($family, %members) = @_;

    $g->clear();

    return Argo::Client->new(port(8080))->post('/chat', Argo::Test::json({
        model => $models{$family},
        messages => [{ role => 'user', content => 'Hi' }],
        %members,
    }));
}


sub sent {
    my ($family, @members) = @_;

    my $r = post($family, @members);

    is($r->{status}, 200, 'accepted') or diag($r->{body});

    return $g->request_json();
}


sub deltas {
    my ($r) = @_;

    my @events = $r->events();

    is(scalar(grep { $_->{broken} } @events), 0, 'well-formed events');
    is(pop(@events)->{data}, '[DONE]', 'done');

    return map { $_->{json}{choices}[0]{delta} } @events;
}


# Arguments are JSON in a string of JSON.

sub place {
    my ($arguments) = @_;

    return JSON::PP->new->decode($arguments)->{place};
}


# The same calls, whole and as a stream, as the SDKs put them together.

sub check {
    my ($family, $text, $n, $name) = @_;

    my $choice = post($family, tools => \@tools)->json()->{choices}[0];

    is($choice->{message}{content}, $text, "$name, text");
    is($choice->{finish_reason}, 'tool_calls', "$name, finish");

    my $calls = $choice->{message}{tool_calls};
    my %ids = map { $_->{id} => 1 } @$calls;

    is(scalar @$calls, $n, "$name, calls");
    is(join(' ', map { $_->{type} } @$calls), join(' ', ('function') x $n),
        "$name, types");
    is(join(' ', map { $_->{function}{name} } @$calls),
        join(' ', ('weather') x $n), "$name, names");
    is_deeply([ map { place($_->{function}{arguments}) } @$calls ],
        [ ("\x{dc}bersee") x $n ], "$name, arguments");
    is(scalar(grep { !/^[A-Za-z0-9_-]+$/ } keys %ids), 0, "$name, ids");
    is($g->request()->{uri}, '/api/v1/resource/chat/', "$name, uri");

    my $r = post($family, tools => \@tools, stream => \1);

    is($r->header('content-type'), 'text/event-stream; charset=utf-8',
        "$name, stream");
    is($g->request()->{uri}, '/api/v1/resource/chat/', "$name, stream, uri");

    my (@folded, @starts);
    my $content = '';

    for my $delta (deltas($r)) {
        $content .= $delta->{content} if defined $delta->{content};

        for my $d (@{$delta->{tool_calls} || []}) {

            if (!$folded[$d->{index}]) {
                is(join(' ', sort keys %$d), 'function id index type',
                    "$name, start");
                is($d->{function}{arguments}, '', "$name, start, arguments");
                is($d->{index}, scalar @folded, "$name, start, index");

                $folded[$d->{index}] = { %{$d->{function}} };
                next;
            }

            is(join(' ', sort keys %$d), 'function index', "$name, more");
            is(join(' ', keys %{$d->{function}}), 'arguments',
                "$name, only arguments");

            $folded[$d->{index}]{arguments} .= $d->{function}{arguments};
        }
    }

    is($content, defined $text ? $text : '', "$name, text streamed");
    is_deeply(\@folded, [ map { $_->{function} } @$calls ],
        "$name, calls streamed");
}

###############################################################################
