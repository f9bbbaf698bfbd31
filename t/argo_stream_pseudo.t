#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for streams made of a unary reply of ARGO's.

use warnings;
use strict;

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
            argo_stream    pseudo;
        }

        location = /real {
            argo_endpoint  chat_completions;
            argo_stream    real;
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

###############################################################################

$g->answer("Hello \x{e9}\x{4e2d}\x{1f600}\n\"quoted\"");

my $r = post('/chat', '"stream":true,');

is($r->{status}, 200, 'status');
is($r->header('content-type'), 'text/event-stream; charset=utf-8',
    'content type');
is($r->header('cache-control'), 'no-cache', 'cache control');
is($r->header('x-accel-buffering'), 'no', 'buffering in front');
is($r->header('content-length'), undef, 'no content length');
like($r->header('x-request-id'), qr/^[0-9a-f]{32}$/, 'request id');
is($r->{complete}, 1, 'regular end');

my @events = $r->events();

is(scalar(grep { $_->{broken} } @events), 0, 'well-formed events');
is(pop(@events)->{data}, '[DONE]', 'done');
is_deeply($events[0]{json}{choices}, [{
    index => 0,
    delta => { role => 'assistant', content => '', refusal => undef },
    logprobs => undef,
    finish_reason => undef,
}], 'first chunk');
is_deeply($events[-1]{json}{choices}, [{
    index => 0,
    delta => {},
    logprobs => undef,
    finish_reason => 'stop',
}], 'last chunk');
is(scalar(grep { exists $_->{json}{usage} } @events), 0, 'no usage');
is($r->text(), "Hello \xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80\n\"quoted\"",
    'text');

my $request = $g->request();

is($request->{uri}, '/api/v1/resource/chat/', 'uri');
is(Argo::Gateway::header($request, 'Accept'), 'application/json', 'accept');
is(join(' ', sort keys %{$g->request_json()}), 'messages model user',
    'members sent');

# usage

@events = post('/chat', '"stream":true,"stream_options":'
    . '{"include_usage":true},')->events();

is(pop(@events)->{data}, '[DONE]', 'done after usage');

my $usage = pop(@events)->{json};

is_deeply($usage->{choices}, [], 'usage chunk without choices');
is_deeply($usage->{usage}, post('/chat', '')->json()->{usage},
    'usage of a unary reply');
is(scalar(grep { $_->{data} !~ /"usage":null[,}]/ } @events), 0,
    'usage null before');

# the limit of a unary reply of Claude's counts here

post('/chat', '"stream":true,"max_tokens":64000,', 'claude-opus-4.6');
is($g->request_json()->{max_tokens}, 21000, 'limit for Claude');

# tools can't be streamed by ARGO

$g->script(undef, [
    [header => 'Content-Type', 'application/json'],
    [body => '{"response":{"content":"","tool_calls":[{"function":'
        . '{"arguments":"{\"a\":\"\u00e9\"}","name":"f"},"id":"call_1",'
        . '"type":"function"},{"function":{"arguments":"{}","name":"g"},'
        . '"id":"call_2","type":"function"}]}}'],
]);

for my $uri ('/chat', '/real') {
    $r = post($uri, '"stream":true,"tools":[{"type":"function","function":'
        . '{"name":"f"}}],');
    is($r->header('content-type'), 'text/event-stream; charset=utf-8',
        "tool calls, content type of $uri");
    is($g->request()->{uri}, '/api/v1/resource/chat/',
        "tool calls, uri of $uri");

    @events = $r->events();
    is(scalar(grep { $_->{broken} } @events), 0,
        "tool calls, well-formed events of $uri");
    is(pop(@events)->{data}, '[DONE]', "tool calls, done of $uri");
    is($events[-1]{json}{choices}[0]{finish_reason}, 'tool_calls',
        "tool calls, finish reason of $uri");

    my @calls;

    for my $e (@events) {
        for my $d (@{$e->{json}{choices}[0]{delta}{tool_calls} || []}) {
            my $call = $calls[$d->{index}] ||= { arguments => '' };

            $call->{id} .= $d->{id} if defined $d->{id};
            $call->{type} .= $d->{type} if defined $d->{type};
            $call->{name} .= $d->{function}{name}
                if defined $d->{function}{name};
            $call->{arguments} .= $d->{function}{arguments};
        }
    }

    is_deeply(\@calls, [
        { id => 'call_1', type => 'function', name => 'f',
          arguments => "{\"a\":\"\x{e9}\"}" },
        { id => 'call_2', type => 'function', name => 'g',
          arguments => '{}' },
    ], "tool calls of $uri");
}

# a long text

my $long = join '', map { "Line $_ of it, \\u20ac\\n" } 1 .. 50000;

$g->script(undef, [
    [header => 'Content-Type', 'application/json'],
    [body => "{\"response\":\"$long\"}"],
]);

$r = post('/chat', '"stream":true,');
$long =~ s/\\u20ac\\n/\xe2\x82\xac\n/g;
is($r->text(), $long, 'long text');
is($r->{complete}, 1, 'long text, regular end');

# a real stream beside it

$g->stream('Hello');
is(post('/real', '"stream":true,')->text(), 'Hello', 'real stream');

$t->done_testing();

###############################################################################

sub post {
    my ($uri, $members, $model) = @_;

    $model = 'gpt-4o' unless defined $model;

    $g->clear();

    return Argo::Client->new(port(8080))->post($uri, "{$members\"model\":"
        . "\"$model\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
}

###############################################################################
