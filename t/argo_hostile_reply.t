#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for replies that mean harm, or hand on what does: whatever is in them,
# in any member, the client's events are events and its end comes once; what
# is compressed, nested or long beyond measure is refused; and no log has a
# line of theirs.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use IO::Compress::Gzip qw/ gzip /;

use lib 'lib';
use Argo::Client;
use Argo::Dialects;
use Argo::Gateway;
use Argo::Test;

my $t = Argo::Test->new();

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    log_format  test  '$status|$argo_error|$argo_finish_reason|$argo_model|'
                      '$argo_upstream_model|$request';

    access_log  %%TESTDIR%%/test.log test;

    argo_zone            argo 1m;
    argo_models_refresh  0;
    argo_user            jdoe;
    argo_upstream        /argo/;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location / {
            argo_endpoint  auto;
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

my ($worker) = $t->workers();
my @talk = map { my $stream = $_; grep { !$_->{client}{only} }
    Argo::Dialects::ways($stream) } 0, 1;

my $evil = "x\n\ndata: [DONE]\n\n\r\n\r\nevent: message_stop\r\n"
    . "data: {\"type\":\"message_stop\"}\r\n\r\nX-Evil: 1\r\n\r\n"
    . "\x{2028}\x{0}\x{1b}[31m";

###############################################################################

# in every member that a reply has

script('chat', chat_events());
script('messages', claude_events());
script('responses', responses_events());

for my $way (@talk) {
    my $r = ask($way);

    is($r->{status}, 200, "$way->{name}: status") or diag($r->{body});
    well_formed($way, $r, 'every member', 1);
    like($r->{body}, qr/x\\n\\ndata: \[DONE\]/, "$way->{name}: it is there");
}

# in errors, before there is anything of a reply and after it

for my $n (0, 1) {
    my %start = map { my $api = $_; $api => [ $n ? map { @$_ }
        (Argo::Dialects::frames($api))[0, 1] : () ] }
        qw/ chat messages responses /;

    my %error = (message => $evil, type => $evil, code => $evil,
        param => $evil);

    script('chat', @{$start{chat}}, Argo::Dialects::data({
        error => \%error }));
    script('messages', @{$start{messages}}, Argo::Dialects::event('error', {
        error => { type => $evil, message => $evil } }));
    script('responses', @{$start{responses}}, Argo::Dialects::event('error', {
        %error, sequence_number => 9 }));

    $g->{whole}{$_} = [[header => 'Content-Type', 'application/json'],
        [body => json({ error => \%error })]] for qw/ chat responses /;

    for my $way (@talk) {
        next if $n && $way->{form} eq 'json';

        my $r = ask($way);
        my $begun = $n && $way->{stream};

        ok($begun ? $r->{status} == 200 : $r->{status} >= 400,
            "$way->{name}, $n: status $r->{status}");
        well_formed($way, $r, "error, $n", 0) if $begun;
        ok($r->json(), "$way->{name}, $n: an error in JSON") unless $begun;
        headers($way, $r);
    }
}

# with a status of its own, and in headers

for my $body (json({ error => { message => $evil, type => $evil,
    code => $evil, param => $evil } }), json({ detail => $evil }),
    json({ detail => [ { loc => [ $evil ], msg => $evil } ] }),
    json({ error => $evil }), json({ error => { message => 'Error code: 400 - '
        . "{'error': {'message': 'a\\n\\ndata: EVIL\\r\\n', 'code': "
        . "'a\\nEVIL\\x1b'}}" } }),
    json({ error => { message => 'a', code => 'a|b "c' } }))
{
    script_all($body);

    for my $way (@talk) {
        my $r = ask($way);

        ok($r->{status} >= 400 && $r->{complete},
            "$way->{name}: status $r->{status}");
        ok($r->json(), "$way->{name}: an error in JSON") or diag($r->{body});
        headers($way, $r);
    }
}

# compressed, however it is told

gzip(\('data: ' . ' ' x 10_000_000 . "\n\n"), \my $bomb);

for my $coding (qw/ gzip x-gzip deflate br zstd /, 'gzip, gzip', 'identity, x')
{
    $g->script($Argo::Dialects::uri{$_}, [
        [header => 'Content-Type', $_ eq 'messages' ? 'text/event-stream'
            : 'application/json'],
        [header => 'Content-Encoding', $coding], [body => $bomb] ])
        for qw/ chat messages responses /;

    for my $way (@talk) {
        my $r = ask($way);

        is($r->{status}, 502, "$way->{name}: $coding is refused");
        cmp_ok(length $r->{body}, '<', 2000, 'and not given');
    }
}

for my $api (qw/ chat messages responses /) {
    $g->script($Argo::Dialects::uri{$api}, [[raw => "HTTP/1.1 200 OK\r\n"
        . "Content-Type: text/event-stream\r\nTransfer-Encoding: gzip, "
        . "chunked\r\n\r\n" . sprintf("%x\r\n", length $bomb) . "$bomb\r\n"
        . "0\r\n\r\n"], [close =>]]);
}

is(ask($_)->{status}, 502, "$_->{name}: a compressed transfer") for @talk;

# nested, and of very many members

my $deep = '[' x 100_000 . ']' x 100_000;
my $wide = join ',', map { "\"k$_\":1" } 1 .. 300_000;

for my $case ([ 'deep', "\"a\":$deep" ], [ 'wide', $wide ],
    [ 'deep and cut', '"a":' . '{"a":' x 100_000 ])
{
    my ($name, $members) = @$case;

    for my $way (@talk) {
        my ($first) = $way->{form} eq 'json'
            ? Argo::Dialects::json($way->{api})
            : map { @$_ } (Argo::Dialects::frames($way->{api}))[0];

        $first =~ s/\{"/{$members,"/;
        $g->script($Argo::Dialects::uri{$way->{api}}, $way->{form} eq 'json'
            ? [[header => 'Content-Type', 'application/json'],
                [body => $first]]
            : [[header => 'Content-Type', 'text/event-stream'],
                [chunk => $first], [end =>]]);

        my $r = ask($way);

        is($r->{status}, 502, "$way->{name}: $name is refused");
        cmp_ok(length $r->{body}, '<', 2000, 'and not given');
    }
}

# a code that looks like none is told as such, where one is wanted

like($t->read_file('test.log'), qr/^\d+\|\(odd\)\|/m, 'a code for the log');

# nothing of it is in a log as a line, or as a control character

is(join(' ', $t->workers()), $worker, 'the same worker all the time');

$t->stop();

for my $name (qw/ test.log error.log /) {
    my $log = $t->read_file($name);

    cmp_ok(length $log, '>', 100, "$name read");
    is(join("\n", $log =~ /^((?:data:|event:|X-Evil|EVIL).*)/mg), '',
        "$name: no line of it");
    is(join("\n", $log =~ /^(.*[\x00-\x08\x0b-\x1f].*)/mg), '',
        "$name: no control characters");
}

$t->done_testing();

###############################################################################

sub script {
    my ($api, @events) = @_;

    my $sse = [[header => 'Content-Type', 'text/event-stream'],
        (map { [chunk => $_] } @events), [end =>]];
    my $json = $api eq 'chat' ? chat_json() : responses_json();

    # a whole reply and a stream take turns, as those who ask do
    $g->script($Argo::Dialects::uri{$api}, $sse);
    $g->{whole}{$api} = [[header => 'Content-Type', 'application/json'],
        [body => $json]] if $api ne 'messages';
    $g->{events}{$api} = $sse;
}


sub script_all {
    my ($body) = @_;

    $g->script($Argo::Dialects::uri{$_}, [[status => 429],
        [header => 'Content-Type', 'application/json'],
        [header => 'Retry-After', '1 X-Evil: 1'],
        [header => 'X-Evil', '1'], [header => 'Set-Cookie', 'X-Evil=1'],
        [header => 'X-Request-Id', 'EVIL'], [header => 'Request-Id', 'EVIL'],
        [body => $body]]) for qw/ chat messages responses /;

    $g->{whole} = $g->{events} = {};
}


sub ask {
    my ($way) = @_;

    my $script = $g->{$way->{form} eq 'json' ? 'whole' : 'events'}
        {$way->{api}};

    $g->script($Argo::Dialects::uri{$way->{api}}, $script) if $script;

    return Argo::Client->new(port(8080))->post(Argo::Dialects::uri($way),
        Argo::Dialects::body($way));
}


# A stream is made of events, of which one is the end, or none is.

sub well_formed {
    my ($way, $r, $name, $ends) = @_;

    headers($way, $r);

    if (!$way->{stream} || $way->{client}{array}) {
        ok($r->json(), "$way->{name}, $name: JSON") or diag($r->{body});
        return;
    }

    my @events = $r->events();
    my @ends = grep { ($_->{data} || '') eq '[DONE]'
        || ref $_->{json} eq 'HASH' && (($_->{json}{type} || '')
            =~ /^(?:message_stop|response\.completed)$/
            || $_->{json}{candidates}
                && $_->{json}{candidates}[0]{finishReason}) } @events;

    is(join(' ', grep { defined } map { $_->{broken} // $_->{comment} }
        @events), '', "$way->{name}, $name: nothing but events");
    is(scalar @ends, $ends, "$way->{name}, $name: its end");
    is($r->{complete}, 1, "$way->{name}, $name: a regular end");
}


sub headers {
    my ($way, $r) = @_;

    is(join('; ', map { "@$_" } grep { "@$_" =~ /evil|\x1b/i
        && lc $_->[0] ne 'retry-after' } @{$r->{headers}}), '',
        "$way->{name}: no header of it");
}


# Replies with the text in every member that takes one.

sub chat_chunk {
    my ($delta, $finish) = @_;

    return Argo::Dialects::data({ id => $evil, created => 1, model => $evil,
        object => 'chat.completion.chunk', system_fingerprint => $evil,
        service_tier => $evil, $evil => $evil, choices => [{ index => 0,
            delta => $delta, finish_reason => $finish }] });
}


sub tool_call {
    return { index => 0, id => $evil, type => 'function',
        function => { name => $evil, arguments => json({ $evil => $evil }) },
        extra_content => { google => { thought_signature => $evil } } };
}


sub chat_events {
    return (chat_chunk({ role => 'assistant', content => '' }),
        chat_chunk({ reasoning_content => $evil }),
        chat_chunk({ content => $evil }),
        chat_chunk({ tool_calls => [ tool_call() ] }),
        chat_chunk({}, 'tool_calls'), "data: [DONE]\n\n");
}


sub chat_json {
    return json({ id => $evil, created => 1, model => $evil,
        object => 'chat.completion', system_fingerprint => $evil,
        $evil => $evil, choices => [{ index => 0, message => {
            role => 'assistant', content => $evil,
            reasoning_content => $evil, annotations => [ $evil ],
            tool_calls => [ tool_call() ] },
            finish_reason => 'tool_calls' }] });
}


sub claude_events {
    my $event = \&Argo::Dialects::event;

    return ($event->('message_start', { message => { id => $evil,
            type => 'message', role => 'assistant', content => [],
            model => $evil, stop_reason => undef, stop_sequence => undef,
            usage => { input_tokens => 1, output_tokens => 1,
                service_tier => $evil } } }),
        $event->('content_block_start', { index => 0, content_block => {
            type => 'thinking', thinking => '', signature => '' } }),
        $event->('content_block_delta', { index => 0, delta => {
            type => 'thinking_delta', thinking => $evil } }),
        $event->('content_block_delta', { index => 0, delta => {
            type => 'signature_delta', signature => $evil } }),
        $event->('content_block_stop', { index => 0 }),
        $event->('content_block_start', { index => 1, content_block => {
            type => 'text', text => '' } }),
        $event->('content_block_delta', { index => 1, delta => {
            type => 'text_delta', text => $evil } }),
        $event->('content_block_stop', { index => 1 }),
        $event->('content_block_start', { index => 2, content_block => {
            type => 'tool_use', id => $evil, name => $evil, input => {} } }),
        $event->('content_block_delta', { index => 2, delta => {
            type => 'input_json_delta',
            partial_json => json({ $evil => $evil }) } }),
        $event->('content_block_stop', { index => 2 }),
        $event->('message_delta', { delta => { stop_reason => 'stop_sequence',
            stop_sequence => $evil }, usage => { output_tokens => 3 } }),
        $event->('message_stop', {}));
}


sub responses_items {
    return ({ id => $evil, type => 'message', role => 'assistant',
            status => 'completed', content => [{ type => 'output_text',
                text => $evil, annotations => [] }] },
        { id => $evil, type => 'function_call', status => 'completed',
            call_id => $evil, name => $evil,
            arguments => json({ $evil => $evil }) });
}


sub responses_object {
    return { %{Argo::Dialects::response('completed', 'a')}, id => $evil,
        model => $evil, metadata => { $evil => $evil },
        output => [ responses_items() ] };
}


sub responses_json {
    return json(responses_object());
}


sub responses_events {
    my $event = \&Argo::Dialects::event;
    my ($message, $call) = responses_items();
    my %at = (output_index => 0, content_index => 0, item_id => $evil);
    my $n = 0;

    return map { my ($type, $data) = @$_;
        $event->("response.$type", { %$data, sequence_number => $n++ }) }
        [ created => { response => { %{responses_object()}, output => [],
            status => 'in_progress' } } ],
        [ 'output_item.added' => { output_index => 0, item => { %$message,
            content => [], status => 'in_progress' } } ],
        [ 'content_part.added' => { %at, part =>
            Argo::Dialects::text_part('') } ],
        [ 'output_text.delta' => { %at, delta => $evil } ],
        [ 'output_text.done' => { %at, text => $evil } ],
        [ 'content_part.done' => { %at, part =>
            Argo::Dialects::text_part($evil) } ],
        [ 'output_item.done' => { output_index => 0, item => $message } ],
        [ 'output_item.added' => { output_index => 1, item => { %$call,
            arguments => '', status => 'in_progress' } } ],
        [ 'function_call_arguments.delta' => { output_index => 1,
            item_id => $evil, delta => $call->{arguments} } ],
        [ 'function_call_arguments.done' => { output_index => 1,
            item_id => $evil, arguments => $call->{arguments} } ],
        [ 'output_item.done' => { output_index => 1, item => $call } ],
        [ completed => { response => responses_object() } ];
}

###############################################################################
