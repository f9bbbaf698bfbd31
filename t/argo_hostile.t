#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for clients, and models, that mean harm: whatever they send, ARGO sees
# the bound name alone, one request is one request, and a text is a text.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use IO::Compress::Gzip qw/ gzip /;

use lib 'lib';
use Argo::Test;
use Argo::Gateway;
use Argo::Hostile;
use Argo::Native;

my $t = Argo::Test->new();

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    log_format  test  '$status|$argo_user|$argo_model|$argo_error|'
                      '$http_user_agent|$request';

    access_log  %%TESTDIR%%/test.log test;

    argo_zone            argo 1m;
    argo_models_refresh  0;
    argo_user            jdoe;
    argo_upstream        /argo/;

    client_max_body_size  64m;

    server {
        listen                 127.0.0.1:8083;
        server_name            localhost;
        underscores_in_headers on;

        location / {
            argo_endpoint  auto;
        }

        location /credential/ {
            argo_endpoint  auto;
            argo_user      $argo_credential;
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
        }
    }

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location / {
            argo_endpoint  auto;
        }

        location /legacy/ {
            argo_endpoint      auto;
            argo_upstream_api  legacy;
        }

        # the path is decoded before it is looked at
        location ~ ^/as/(?<who>[^/]*)/chat$ {
            argo_endpoint  chat_completions;
            argo_user      $who;
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

native_script($g, 0, 'Salve');

$t->run();

my ($worker) = $t->workers();
my $chat = '{"model":"gpt4o","messages":[{"role":"user","content":"Hi"}]}';

###############################################################################

# whoever a client says it is, for each endpoint, API and vendor

for my $prefix ('', '/legacy') {
    for my $endpoint (@endpoints) {
        for my $model (qw/ gpt4o claudehaiku45 gemini25flash /) {
            my $name = "$endpoint->{name}, $model" . ($prefix && ', legacy');
            my @wrong;

            $g->clear();

            for my $members (@claims) {
                my ($uri, $body) = ask($endpoint, $model,
                    members => $members);

                post("$prefix$uri", $body, @credentials);
            }

            my @up = $g->requests();

            push @wrong, 'nothing came' unless @up;
            push @wrong, grep { length } map { identity($_, $prefix) } @up;

            is(join('; ', @wrong), '', "$name: identity");
        }
    }
}

# endpoints of other shapes

for my $case (
    [ '/v1/embeddings', '"model":"v3small","input":"Hi"' ],
    [ '/v1/messages/count_tokens', '"model":"claudehaiku45","messages":'
        . '[{"role":"user","content":"Hi"}]' ],
    [ '/legacy/v1/embeddings', '"model":"v3small","input":"Hi"' ],
    [ '/v1/chat', '"model":"gpt4o","messages":[{"role":"user",'
        . '"content":"Hi"}]' ],
    [ '/v1/embed', '"model":"v3small","prompt":["Hi"]' ])
{
    my ($uri, $rest) = @$case;
    my @wrong;

    $g->clear();
    post($uri, "{$_,$rest}", @credentials) for @claims;

    my @up = $g->requests();

    push @wrong, 'nothing came' unless @up;
    push @wrong, grep { length } map { identity($_,
        $uri =~ m{legacy|/chat$|embed$} ? 'legacy' : '') } @up;

    is(join('; ', @wrong), '', "$uri: identity");
}

# where nginx takes names with an underscore as well

for my $endpoint (@endpoints) {
    for my $model (qw/ gpt4o claudehaiku45 /) {
        my ($uri, $body) = ask($endpoint, $model);
        my @wrong;

        $g->clear();
        Argo::Client->new(port(8083))->post($uri, $body,
            headers => \@credentials);
        push @wrong, identity($g->request(), '');

        # which are no other way to write the others

        $g->clear();

        my $r = Argo::Client->new(port(8083))->post("/credential$uri", $body,
            headers => [ 'X_Api_Key', 'eve', 'X_Goog_Api_Key', 'eve',
                'Api_Key', 'eve', 'Anthropic_Beta', 'eve' ]);

        push @wrong, "status $r->{status}" if $r->{status} != 401;
        push @wrong, 'something upstream' if $g->requests();

        is(join('', @wrong), '', "$endpoint->{name}, $model: underscores");
    }
}

# names that a server could be talked into; their bytes go nowhere

for my $who ('eve%0d%0aX-Evil:%201', 'eve%0a', "eve%09x", 'eve%20x', 'e%22e',
    'e%5ce', 'eve%7f', 'e%c3%a9', 'e' x 1000)
{
    $g->clear();

    my $r = post("/as/$who/chat", $chat);

    is($r->{status}, 401, 'name ' . substr($who, 0, 30) . ' refused');
    is(scalar $g->requests(), 0, 'and unheard of upstream');
}

$g->clear();
is(post('/as/eve%00x/chat', $chat)->{status}, 400, 'a NUL in a path');
post('/as/jdoe/chat', $chat);
is(identity($g->request(), ''), '', 'a good one goes up');

###############################################################################

# one request is one request

my $evil = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
    . "Content-Length: 8\r\n\r\n{\"evil\"}";
my $line = "POST /v1/chat/completions HTTP/1.1\r\n";
my $host = "Host: localhost\r\nContent-Type: application/json\r\n";
my $n = length $chat;
my $chunked = sprintf("%x\r\n%s\r\n0\r\n\r\n", $n, $chat);

for my $case (
    [ 'both framings', "Content-Length: $n\r\nTransfer-Encoding: chunked",
        $chunked ],
    [ 'both framings, the other way',
        "Transfer-Encoding: chunked\r\nContent-Length: $n", $chunked ],
    [ 'two lengths', "Content-Length: $n\r\nContent-Length: 0", $chat ],
    [ 'the same length twice', "Content-Length: $n\r\nContent-Length: $n",
        $chat ],
    [ 'a list of lengths', "Content-Length: $n, $n", $chat ],
    [ 'a signed length', "Content-Length: +$n", $chat ],
    [ 'a negative length', 'Content-Length: -1', $chat ],
    [ 'a length in hex', 'Content-Length: 0x10', $chat ],
    [ 'a huge length', 'Content-Length: 99999999999999999999', $chat ],
    [ 'a length and more', "Content-Length: $n x", $chat ],
    [ 'a blank before the colon', "Content-Length : $n", $chat ],
    [ 'no name', ": $n", $chat ],
    [ 'a folded line', "X-A: b\r\n Content-Length: $n", $chat ],
    [ 'a folded line with a tab', "X-A: b\r\n\tc", $chat ],
    [ 'a bare CR in a value', "X-A: b\rContent-Length: $n", $chat ],
    [ 'a NUL in a value', "X-A: b\0c\r\nContent-Length: $n", $chat ],
    [ 'another coding', "Transfer-Encoding: xchunked", $chunked ],
    [ 'two codings', "Transfer-Encoding: gzip, chunked", $chunked ],
    [ 'identity', "Transfer-Encoding: identity\r\nContent-Length: $n",
        $chat ],
    [ 'chunked in quotes', 'Transfer-Encoding: "chunked"', $chunked ],
    [ 'a bad chunk', 'Transfer-Encoding: chunked', "zz\r\n$chat\r\n0\r\n\r\n" ],
    [ 'a huge chunk', 'Transfer-Encoding: chunked',
        "fffffffffffffffff\r\n$chat\r\n0\r\n\r\n" ],
    [ 'a negative chunk', 'Transfer-Encoding: chunked',
        "-1\r\n$chat\r\n0\r\n\r\n" ],
    [ 'a second host', "Host: evil\r\nContent-Length: $n", $chat ],
    [ 'a bad host', "Host: e vil/\r\nContent-Length: $n", $chat ])
{
    my ($name, $headers, $body) = @$case;

    $g->clear();

    my $got = http("$line$host$headers\r\n\r\n$body$evil");

    like($got, qr{^HTTP/1.1 (?:400|411|413|501) }, "$name refused");
    unlike($got, qr{HTTP/1.1 200}, "$name: no other request");
    is(scalar $g->requests(), 0, "$name: nothing upstream");
}

$g->clear();
unlike(http("POST /v1/chat/completions HTTP/1.0\r\n${host}"
    . "Transfer-Encoding: chunked\r\n\r\n$chunked"), qr{^HTTP/1.1 200},
    'chunks in HTTP/1.0');
is(scalar $g->requests(), 0, 'nothing upstream');

# what is right is right, and what follows it is a request of its own

$g->clear();

my $got = http("$line${host}Transfer-Encoding: chunked\r\n\r\n$chunked"
    . "$line${host}Connection: close\r\nContent-Length: $n\r\n\r\n$chat");

is(() = $got =~ m{HTTP/1.1 200}g, 2, 'two requests, two replies');

for my $up ($g->requests()) {
    is(Argo::Gateway::header($up, 'Transfer-Encoding'), '', 'no chunks go up');
    is(Argo::Gateway::header($up, 'Content-Length'), length $up->{body},
        'but a length');
}

# headers: many, long, and by which name

like(http("$line$host" . ('X-A: ' . 'b' x 7000 . "\r\n") x 10
    . "Content-Length: $n\r\n\r\n$chat"), qr{^HTTP/1.1 (?:400|494) },
    'headers of 70 KB');
is(post('/v1/chat/completions', $chat, map { ("X-$_" => 'x') } 1 .. 500)
    ->{status}, 200, '500 headers');

# Anthropic's, which go up as they came

my ($uri, $ask) = ask($endpoints[3], 'claudehaiku45');

for my $case (
    [ 'long', 'b' x 4000 ], [ 'quotes', 'a"b\\c' ], [ 'tab', "a\tb" ],
    [ 'UTF-8', "\xc3\xa9" ], [ 'delete', "a\x7fb" ],
    [ 'like headers', 'a: b; X-Evil: 1' ], [ 'empty', '' ])
{
    my ($name, $value) = @$case;

    for my $header (qw/ anthropic-version anthropic-beta /) {
        $g->clear();

        my $status = post($uri, $ask, $header, $value)->{status};
        my ($up) = $g->requests();

        ok($status == 200 || $status == 400, "$header, $name: status");
        next unless $up;

        my @sent = map { $_->[1] } grep { lc $_->[0] eq $header }
            @{$up->{headers}};

        ok(@sent <= 1, "$header, $name: once");
        ok(!grep({ lc $_->[0] eq 'x-evil' } @{$up->{headers}}),
            "$header, $name: no other header");
        is(identity($up, ''), '', "$header, $name: identity");
    }
}

for my $bytes ("a\rX-Evil: 1", "a\0b", "a\r\n X-Evil: 1") {
    $g->clear();
    http("POST $uri HTTP/1.1\r\n${host}Anthropic-Beta: $bytes\r\n"
        . 'Content-Length: ' . length($ask) . "\r\n\r\n$ask");
    is(scalar $g->requests(), 0, 'control characters: nothing upstream');
}

###############################################################################

# paths: what is internal stays so

native_script($g, 0, 'Salve');

for my $path (
    '/argo/v1/chat/completions', '//argo/v1/chat/completions',
    '/v1/../argo/v1/chat/completions', '/v1/%2e%2e/argo/v1/chat/completions',
    '/v1/..%2fargo/v1/chat/completions', '/%61rgo/v1/chat/completions',
    '/argo%2fv1/chat/completions', '/argo/;/v1/chat/completions',
    '/argo;x=1/v1/chat/completions', '/./argo/v1/chat/completions',
    '/v1//..//argo/v1/chat/completions', '/argo/v1/chat/completions?x',
    '/argo\\v1/chat/completions', '/ARGO/v1/chat/completions',
    '/argo/%2e%2e/argo/v1/chat/completions', '/v1/chat/completions;x=1',
    '/v1/chat/completions%00', '/v1/chat/completions%0d%0aX-Evil:%201',
    '/v1/chat%2fcompletions/..;/x', '/v1/%63hat/completions/x',
    '/v1/chat/completions/', '/v1/models/../../argo/v1/models')
{
    $g->clear();

    my $r = post($path, $chat);

    ok($r->{status} >= 400 && $r->{status} < 500, "$path: $r->{status}");
    is(scalar $g->requests(), 0, "$path: nothing upstream");
}

for my $path ('/v1/%63hat/completions', '//v1//chat/completions',
    '/x/../v1/chat/completions', '/v1/chat/./completions?user=eve')
{
    $g->clear();
    is(post($path, $chat)->{status}, 200, "$path is another way to write it");
    is($g->request()->{uri}, '/v1/chat/completions', 'and goes up as always');
    is(identity($g->request(), ''), '', 'with the bound name');
}

for my $model ('..%2f..%2fargo', 'a%0d%0aX-Evil:%201', 'a%22%5c', '%2e%2e',
    'gpt4o%2f..%2fx', 'gpt4o%00', 'gpt4o;x', 'a%7f%c3')
{
    $g->clear();

    my $r = post("/v1beta/models/$model:generateContent",
        '{"contents":[{"parts":[{"text":"Hi"}]}]}');

    ok($r->{status} == 404 || $r->{status} == 400, "model $model in a path");
    is($r->header('x-evil'), undef, 'no header of its own');
    is(scalar $g->requests(), 0, 'nothing upstream');
    ok($r->{body} !~ /^[\[{]/ || $r->json(), 'a well-formed reply');
}

###############################################################################

# bombs of JSON

native_script($g, 0, 'Salve');

my $end = ',"model":"gpt4o","messages":[{"role":"user","content":"Hi"}]}';

for my $case (
    [ '400 invalid_request_error null json_too_deep', 'deep arrays',
        '{"a":' . '[' x 500_000 . ']' x 500_000 . $end ],
    [ '400 invalid_request_error null json_too_deep', 'deep objects',
        '{"a":' . '{"a":' x 200 . '1' . '}' x 200 . $end ],
    [ '400 invalid_request_error null json_too_large', 'many members',
        '{' . join(',', map { "\"k$_\":1" } 1 .. 300_000) . $end ],
    [ '400 invalid_request_error null json_too_large', 'many messages',
        '{"model":"gpt4o","messages":[' . join(',',
            ('{"role":"user","content":"Hi"}') x 150_000) . ']}' ],
    [ '400 invalid_request_error null invalid_json', 'deep and cut',
        '{"a":' . '[' x 90 ],
    [ '400 invalid_request_error null invalid_json', 'a NUL byte',
        "{\"a\":\"\0\"$end" ],
    [ '400 invalid_request_error null invalid_json', 'no UTF-8',
        "{\"a\":\"\xff\xfe\"$end" ],
    [ '400 invalid_request_error null invalid_json', 'a surrogate in UTF-8',
        "{\"a\":\"\xed\xa0\x80\"$end" ],
    [ '400 invalid_request_error null invalid_json', 'a long form in UTF-8',
        "{\"a\":\"\xc0\xaf\"$end" ],
    [ '400 invalid_request_error null invalid_json', 'a line end in a string',
        "{\"a\":\"b\nc\"$end" ],
    [ '400 invalid_request_error null invalid_json', 'two documents',
        "$chat$chat" ],
    [ '400 invalid_request_error null invalid_json', 'NaN', "{\"a\":NaN$end" ],
    [ '400 invalid_request_error null invalid_json', 'a comment',
        "{/*x*/\"a\":1$end" ])
{
    my ($error, $name, $body) = @$case;

    $g->clear();
    is(post('/v1/chat/completions', $body)->error(), $error, $name);
    is(scalar $g->requests(), 0, "$name: nothing upstream");
}

for my $case (
    [ 'a number out of range', '"temperature":1e999999' ],
    [ 'a number of 100,000 digits', '"seed":' . '1' x 100_000 ],
    [ 'a lone surrogate', '"stop":"\ud800"' ],
    [ 'an escaped NUL', '"stop":"\u0000"' ],
    [ 'an empty name', '"":1' ],
    [ 'a name of 100,000 letters', '"' . 'a' x 100_000 . '":1' ],
    [ 'a name of a header', '"a\r\nX-Evil: 1":1' ],
    [ 'a name with a NUL', '"a\u0000b":1' ],
    [ 'a prototype', '"__proto__":{"a":1}' ])
{
    my ($name, $members) = @$case;

    for my $endpoint (@endpoints) {
        for my $model (qw/ gpt4o claudehaiku45 /) {
            $g->clear();

            my $r = post(ask($endpoint, $model, members => $members));

            ok($r->{status} == 200 || $r->{status} == 400,
                "$endpoint->{name}, $model, $name: $r->{status}");
            is($r->header('x-evil'), undef, 'no header of its own');
            ok($r->json(), 'a well-formed reply');
            is(join('; ', map { identity($_, '') } $g->requests()), '',
                'identity');
        }
    }
}

# what is compressed is not understood, neither way

gzip(\(' ' x 10_000_000 . $chat), \my $bomb);

$g->clear();
cmp_ok(post('/v1/chat/completions', $bomb, 'Content-Encoding', 'gzip')
    ->{status}, '>=', 400, 'a compressed request is refused');
is(scalar $g->requests(), 0, 'nothing upstream');

for my $endpoint (@endpoints) {
    for my $model (qw/ gpt4o claudehaiku45 /) {
        $g->script("/v1/$_", [[header => 'Content-Type', $model =~ /claude/
            ? 'text/event-stream' : 'application/json'],
            [header => 'Content-Encoding', 'gzip'], [body => $bomb]])
            for qw{ chat/completions responses messages };

        my $r = post(ask($endpoint, $model));

        is($r->{status}, 502,
            "$endpoint->{name}, $model: a compressed reply is refused");
        cmp_ok(length $r->{body}, '<', 2000, 'and not given');
    }
}

###############################################################################

# what a model says is text

my @texts = ("x\n\ndata: [DONE]\n\n", "\r\n\r\nevent: message_stop\r\ndata: "
    . "{\"type\":\"message_stop\"}\r\n\r\n", "\n\ndata: {\"error\":{}}\n\n",
    "\rdata: a\r\r", "\x{2028}\x{2029}\x{85}\x{feff}", ": comment\n\n",
    "</script>\"}]}\n\n", "\x{0}\x{1f}\x{7f}", "event: error\n\n0\r\n\r\n");
my $text = join '', @texts;

for my $prefix ('', '/legacy') {
    for my $endpoint (@endpoints) {
        for my $model (qw/ gpt4o claudehaiku45 gemini25flash /) {
            for my $stream (0, 1) {
                my $name = "$endpoint->{name}, $model"
                    . ($stream ? ', streamed' : '')
                    . ($prefix ? ', legacy' : '');

                native_script($g, $stream, @texts);

                my ($uri, $body) = ask($endpoint, $model, stream => $stream);
                my $r = post("$prefix$uri", $body);

                is($r->{status}, 200, "$name: status");
                is(text_of($endpoint->{name}, $r, $stream), $text,
                    "$name: text");

                next unless $stream;

                my @events = $r->events();
                my @ends = grep { ($_->{data} || '') eq '[DONE]'
                    || ref $_->{json} eq 'HASH' && ($_->{json}{type} || '')
                        =~ /^(?:message_stop|response\.completed)$/
                    || ref $_->{json} eq 'HASH' && $_->{json}{candidates}
                        && $_->{json}{candidates}[0]{finishReason} } @events;

                ok(!grep({ $_->{broken} || $_->{comment} } @events),
                    "$name: nothing but events");
                is(scalar @ends, 1, "$name: one end");
            }
        }
    }
}

###############################################################################

# nor is the name of a model more than a name, when it is given back

for my $endpoint (@endpoints) {
    next if $endpoint->{name} eq 'gemini';

    for my $model (qw/ gpt4o claudehaiku45 /) {
        native_script($g, 1, 'Salve');
        $g->clear();

        my ($uri, $body) = ask($endpoint, "\n\n$model\r\n\r\n", stream => 1);
        my $r = post($uri, $body);
        my @events = $r->{status} == 200 ? $r->events() : ();

        ok($r->{status} == 200 || $r->{status} == 404,
            "$endpoint->{name}: $model with line ends");
        ok(!grep({ $_->{broken} || $_->{comment} } @events),
            "$endpoint->{name}: $model, nothing but events");
        is(join('; ', map { identity($_, '') } $g->requests()), '',
            "$endpoint->{name}: $model, identity");
    }
}

###############################################################################

# a line of a log is one line

$g->clear();

for my $model ("a\nEVIL", "a\r\nEVIL", "a\x{0}EVIL", "a\x{1b}[31mEVIL",
    "a|EVIL|\x{85}")
{
    my $r = post('/v1/chat/completions', Argo::Test::json(
        { model => $model, messages => [] }), 'User-Agent',
        "a\x1b[31m\x7f\"EVIL");
    ok($r->{status} == 404 || $r->{status} == 400, 'a model that is none');
    ok($r->json(), 'a well-formed reply');
}

$t->waitfor(sub { $t->read_file('test.log') =~ /EVIL/ });

for my $log ($t->read_file('test.log'), $t->read_file('error.log')) {
    unlike($log, qr/^EVIL/m, 'no line of its own');
    unlike($log, qr/[\x00-\x08\x0b-\x1f]/, 'no control characters');
}

is(join(' ', $t->workers()), $worker, 'the same worker all the time');

$t->done_testing();

###############################################################################

sub post {
    my ($uri, $body, @headers) = @_;

    return Argo::Client->new(port(8080))->post($uri, $body,
        headers => \@headers);
}

###############################################################################
