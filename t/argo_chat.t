#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for chat completions, unary: what the client gets, and what ARGO
# sees of the request.

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

        location = /v1/chat/completions {
            argo_endpoint  chat_completions;
        }

        location = /user {
            argo_endpoint  chat_completions;
            argo_user      $http_x_user;
        }

        location = /quoted {
            argo_endpoint  chat_completions;
            argo_user      'a"b\\c';
        }

        location = /alias {
            argo_endpoint  chat_completions;
            argo_model     fast gpt5nano;
            argo_model     gpt-4o claudehaiku45;
            argo_model     lab gptlab7;
        }

        location = /default {
            argo_endpoint       chat_completions;
            argo_default_model  argo:gpt-4.1-nano;
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/argoapi/;
            proxy_http_version  1.1;
            proxy_set_header    Host argo.example;
            proxy_set_header    Connection "";
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my $uri = '/v1/chat/completions';
my $messages = '[{"role":"system","content":"Be brief."},'
    . '{"role":"user","content":"Say \u0068i, \"J\u00fcrgen\" 😀"}]';

###############################################################################

# the reply

$g->answer("Hello!\n\"Quoted\" \\ and \x{e9}\x{4e2d}\x{1f600}");

my $before = time();
my $r = post($uri, "{\"model\":\"argo:gpt-4o\",\"messages\":$messages}");
my $after = time();

is($r->{status}, 200, 'status');
like($r->header('content-type'), qr{^application/json\b}, 'content type');
is($r->header('content-length'), length $r->{body}, 'content length');
like($r->header('x-request-id'), qr/^[0-9a-f]{32}$/, 'request id');
like($r->header('openai-processing-ms'), qr/^\d+$/, 'processing time');
is($r->header('openai-version'), '2020-10-01', 'version of the dialect');
is($r->header('cache-control'), undef, 'no cache control');
is(() = $r->headers_named('content-type'), 1, 'one content type');

my $j = $r->json();

is(join(' ', sort keys %$j), 'choices created id model object usage', 'members')
    or diag($r->{body});
like($j->{id}, qr/^chatcmpl-[A-Za-z0-9]{29}$/, 'id');
is($j->{object}, 'chat.completion', 'object');
ok($j->{created} >= $before - 1 && $j->{created} <= $after + 1, 'created');
is($j->{model}, 'argo:gpt-4o', 'model as asked for');

my $usage = $j->{usage};

is_deeply($j->{choices}, [{
    index => 0,
    logprobs => undef,
    finish_reason => 'stop',
    message => {
        role => 'assistant',
        content => "Hello!\n\"Quoted\" \\ and \x{e9}\x{4e2d}\x{1f600}",
        refusal => undef,
        annotations => [],
    },
}], 'choices');

like($r->{body}, qr/"created":\d+[,}]/, 'created is a number');
like($r->{body}, qr/"prompt_tokens":[1-9]\d*[,}]/, 'prompt tokens');
like($r->{body}, qr/"completion_tokens":[1-9]\d*[,}]/, 'completion tokens');
is($usage->{total_tokens}, $usage->{prompt_tokens}
    + $usage->{completion_tokens}, 'total tokens');

isnt(post($uri, "{\"model\":\"gpt-4o\",\"messages\":$messages}")->json()->{id},
    $j->{id}, 'another id');

# the request, as ARGO sees it

$r = post($uri, '{"model":"argo:gpt-4o","messages":' . $messages
    . ',"temperature":0.70,"stream":false,"stream_options":null,'
    . '"x_unknown":{"a":[1,2.50,"\u00e9"]}}');
is($r->{status}, 200, 'request with more members');

my $request = $g->request();
my $body = $g->request_json();

is($request->{method}, 'POST', 'method');
is($request->{uri}, '/argoapi/api/v1/resource/chat/', 'uri');
is(join(' ', sort keys %$body), 'messages model temperature user x_unknown',
    'members sent');
is($body->{model}, 'gpt4o', 'internal id');
is($body->{user}, 'jdoe', 'bound user');
cmp_ok(index($request->{body}, $messages), '>=', 0, 'messages as they came')
    or diag($request->{body});
like($request->{body}, qr/"temperature":0\.70[,}]/, 'number as it came');
like($request->{body}, qr/"x_unknown":\{"a":\[1,2\.50,"\\u00e9"\]\}/,
    'unknown member as it came');

# headers

$r = post($uri, "{\"model\":\"gpt-4o\",\"messages\":$messages}",
    'Authorization', 'Bearer sk-canary',
    'Proxy-Authorization', 'Basic canary',
    'Cookie', 'session=canary',
    'X-Api-Key', 'canary',
    'X-Forwarded-For', '192.0.2.1',
    'X-Stainless-Lang', 'canary',
    'OpenAI-Organization', 'canary',
    'Accept', 'text/html',
    'Accept-Encoding', 'gzip, br',
    'Accept-Language', 'de',
    'Range', 'bytes=0-1',
    'If-Modified-Since', 'Sat, 01 Jan 2000 00:00:00 GMT',
    'If-None-Match', '"canary"',
    'If-Range', '"canary"',
    'Referer', 'http://canary.example/',
    'Origin', 'http://canary.example',
    'TE', 'trailers',
    'Upgrade', 'canary',
    'Via', '1.1 canary',
    'Keep-Alive', 'timeout=1',
    'User-Agent', 'OpenAI/Python 1.2.3');

is($r->{status}, 200, 'request with many headers');

$request = $g->request();

is(join(' ', sort map { lc $_->[0] } @{$request->{headers}}),
    'accept accept-encoding content-length content-type host user-agent',
    'headers sent');
is(header('Host'), 'argo.example', 'header host');
is(header('Content-Type'), 'application/json', 'header content-type');
is(header('Accept'), 'application/json', 'header accept');
is(header('Accept-Encoding'), 'identity', 'header accept-encoding');
is(header('Content-Length'), length $request->{body},
    'header content-length');
like(header('User-Agent'),
    qr{^ngx_http_argo_module/\d+\.\d+\.\d+ OpenAI/Python 1\.2\.3$},
    'header user-agent');

post($uri, "{\"model\":\"gpt-4o\",\"messages\":$messages}");
$request = $g->request();
like(header('User-Agent'), qr{^ngx_http_argo_module/\d+\.\d+\.\d+$},
    'user-agent without the client\'s');

# the user is forced whatever the client says

for my $members ('"user":"eve"', '"user":"eve","user":"mallory"',
    '"\u0075ser":"eve"', '"user":"eve","\u0075se\u0072":"mallory"',
    '"user":null', '"user":{"user":"eve"}', '"user":[]')
{
    for my $json ("{$members,\"model\":\"gpt-4o\",\"messages\":$messages}",
        "{\"model\":\"gpt-4o\",\"messages\":$messages,$members}")
    {
        $r = post($uri, $json);
        is($r->{status}, 200, "user forced, status for $members");

        my $sent = $g->request()->{body};
        is($g->request_json()->{user}, 'jdoe', "user forced for $members");
        is(() = $sent =~ /"(?:u|\\u0075)se(?:r|\\u0072)"\s*:/g, 1,
            "user sent once for $members");
        unlike($sent, qr/eve|mallory/, "no other user for $members");
    }
}

# the user from a variable

post('/user', "{\"model\":\"gpt-4o\",\"messages\":$messages}",
    'X-User', 'asmith');
is($g->request_json()->{user}, 'asmith', 'user from a variable');

$r = post('/user', "{\"model\":\"gpt-4o\",\"messages\":$messages}");
is($r->error(), '401 authentication_error null missing_user',
    'no user from the variable');
is(() = $g->requests(), 0, 'nothing sent without a user');

$r = post('/user', "{\"model\":\"gpt-4o\",\"messages\":$messages}",
    'X-User', 'x","user":"root');
is($r->error(), '401 authentication_error null invalid_user',
    'user with quotes');

$r = post('/quoted', "{\"model\":\"gpt-4o\",\"messages\":$messages}");
is($r->error(), '401 authentication_error null invalid_user',
    'user of the configuration with quotes');
is(() = $g->requests(), 0, 'nothing sent for users that can\'t be');

# names of models

my @names = (
    [ 'gpt4o', 'gpt4o' ],
    [ 'gpt-4o', 'gpt4o' ],
    [ 'GPT-4o', 'gpt4o' ],
    [ 'argo:gpt-4o', 'gpt4o' ],
    [ 'argo:gpt4o', 'gpt4o' ],
    [ 'argo/gpt-4o', 'gpt4o' ],
    [ 'openai/gpt-4o', 'gpt4o' ],
    [ 'gpt-4o-2024-08-06', 'gpt4o' ],
    [ 'argo:gpt-o3-mini', 'gpto3mini' ],
    [ 'o3-mini', 'gpto3mini' ],
    [ 'gpt-4.1-mini', 'gpt41mini' ],
    [ 'claudeopus46', 'claudeopus46' ],
    [ 'argo:claude-opus-4.6', 'claudeopus46' ],
    [ 'argo:claude-sonnet-4-6', 'claudesonnet46' ],
    [ 'claude-opus-4-6[1m]', 'claudeopus46' ],
    [ 'claude-4.5-haiku', 'claudehaiku45' ],
    [ 'claude-haiku-4-5-20251001', 'claudehaiku45' ],
    [ 'anthropic/claude-sonnet-4.5', 'claudesonnet45' ],
    [ 'models/gemini-2.5-pro', 'gemini25pro' ],
    [ 'google/gemini-2.5-flash', 'gemini25flash' ],
    [ '\u0067pt-4o', 'gpt4o', 'gpt-4o' ],
);

for (@names) {
    my ($name, $id, $echo) = @$_;

    $r = post($uri, "{\"model\":\"$name\",\"messages\":$messages}");
    is($r->{status}, 200, "status for model $name");
    next unless $r->{status} == 200;
    is($g->request_json()->{model}, $id, "id of model $name");
    is($r->json()->{model}, defined $echo ? $echo : $name,
        "model $name echoed");
}

for my $name ('gpt-9', 'gpt-4oo', 'claude', 'argo:', '/', 'x' x 4000,
    'gpt-4o\u0000', '\ud800', 'gpt 4o"x')
{
    my $escaped = $name;
    $escaped =~ s/"/\\"/g;

    $r = post($uri, "{\"model\":\"$escaped\",\"messages\":$messages}");
    is($r->error(), '404 invalid_request_error model model_not_found',
        'unknown model ' . substr $name, 0, 20);
    is(() = $g->requests(), 0, 'nothing sent for an unknown model');
}

$r = post($uri, "{\"model\":\"gpt-4.1-nanoo\",\"messages\":$messages}");
like($r->message(), qr/gpt-4\.1-nano/, 'near match named');

# aliases, and a default for requests without a model

post('/alias', "{\"model\":\"fast\",\"messages\":$messages}");
is($g->request_json()->{model}, 'gpt5nano', 'alias');

post('/alias', "{\"model\":\"gpt-4o\",\"messages\":$messages}");
is($g->request_json()->{model}, 'claudehaiku45', 'alias wins');

post('/alias', "{\"model\":\"lab\",\"messages\":$messages}");
is($g->request_json()->{model}, 'gptlab7', 'alias of an unknown id');

$r = post('/default', "{\"messages\":$messages}");
is($g->request_json()->{model}, 'gpt41nano', 'default model');
is($r->json()->{model}, 'argo:gpt-4.1-nano', 'default model echoed');

post('/default', "{\"model\":\"gpt-4o\",\"messages\":$messages}");
is($g->request_json()->{model}, 'gpt4o', 'no default for a model given');

is(post('/default', "{\"model\":\"gpt-9\",\"messages\":$messages}")->error(),
    '404 invalid_request_error model model_not_found',
    'no default for an unknown model');

# shapes of replies

$r = reply('{"response":""}');
is($r->{status}, 200, 'empty text');
is($r->json()->{choices}[0]{message}{content}, '', 'content of empty text');
is($r->json()->{usage}{completion_tokens}, 0, 'tokens of empty text');

$r = reply('{"response":{"content":"Hi","tool_calls":[]}}');
is($r->json()->{choices}[0]{message}{content}, 'Hi', 'object with content');
is(join(' ', sort keys %{$r->json()->{choices}[0]{message}}),
    'annotations content refusal role', 'no tool calls');
is($r->json()->{choices}[0]{finish_reason}, 'stop', 'object with content ends');

$r = reply('{"response":{"content":"","tool_calls":[{"function":{"arguments":'
    . '"{\"location\":\"Chicago\"}","name":"get_weather"},'
    . '"id":"call_BpVo","type":"function"}]}}');
is($r->{status}, 200, 'tool call');
is_deeply($r->json()->{choices}[0]{message}{tool_calls}, [{
    id => 'call_BpVo',
    type => 'function',
    function => {
        name => 'get_weather',
        arguments => '{"location":"Chicago"}',
    },
}], 'tool calls');
is($r->json()->{choices}[0]{finish_reason}, 'tool_calls', 'tool calls end');

$r = reply(" \n\t{\"x\":[1,{}],\"response\":\"spaced\",\"y\":null}\n");
is($r->json()->{choices}[0]{message}{content}, 'spaced', 'other members');

$r = reply('{"response":"' . 'a\n\u00e9\ud83d\ude00' x 20000 . '"}');
is(length($r->json()->{choices}[0]{message}{content}), 4 * 20000,
    'long reply');
like($r->{body}, qr/"content":"(?:a\\n\\u00e9\\ud83d\\ude00){3}/,
    'escapes as they came');

# a reply that comes in pieces

$g->clear()->script(undef, [
    [header => 'Content-Type', 'application/json'],
    (map { [chunk => $_], [drain =>] } split //, '{"response":"piece"}'),
    [end =>]
]);

$r = raw_post($uri, "{\"model\":\"gpt-4o\",\"messages\":$messages}");
is($r->json()->{choices}[0]{message}{content}, 'piece', 'reply in pieces');

$t->done_testing();

###############################################################################

sub post {
    my ($uri, $body, @headers) = @_;

    $g->clear();

    return raw_post($uri, $body, @headers);
}


sub raw_post {
    my ($uri, $body, @headers) = @_;

    return Argo::Client->new(port(8080))->post($uri, $body,
        headers => \@headers);
}


sub reply {
    my ($json) = @_;

    $g->script(undef, [
        [header => 'Content-Type', 'application/json'],
        [body => $json],
    ]);

    return post($uri, "{\"model\":\"gpt-4o\",\"messages\":$messages}");
}


sub header {
    return Argo::Gateway::header($request, $_[0]);
}

###############################################################################
