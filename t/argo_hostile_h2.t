#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for clients that mean harm and speak HTTP/2: whatever frames and
# headers they send, what goes up is one request of HTTP/1.1 with the bound
# name, or nothing; nothing is left, and the worker lives.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;
use Argo::Hostile;
use Argo::HTTP2;
use Argo::Native;

my $t = Argo::Test->new()->has(qw/ http_v2 http_stub_status /);

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    %%TEST_GATEWAY_HTTP%%

    client_max_body_size  1m;

    server {
        listen       127.0.0.1:8080 http2;
        server_name  localhost;

        %%TEST_GATEWAY_LOCATIONS%%

        location /credential/ {
            argo_endpoint  auto;
            argo_user      $argo_credential;
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

native_script($g, 0, 'Salve');

$t->run();

my ($worker) = $t->workers();
my $uri = '/v1/chat/completions';
my $chat = '{"model":"gpt4o","messages":[{"role":"user","content":"Hi"}]}';
my $n = length $chat;

# errors of nginx's own, of the stream, or of the connection
my $refused = qr/^(?:4\d\d|501|reset|goaway|closed)$/;

###############################################################################

# pseudo headers

my @method = (':method', 'POST');
my @scheme = (':scheme', 'http');
my @path = (':path', $uri);
my @authority = (':authority', 'localhost');

for my $case (
    [ 'no method', @scheme, @path, @authority ],
    [ 'no scheme', @method, @path, @authority ],
    [ 'no path', @method, @scheme, @authority ],
    [ 'neither authority nor host', @method, @scheme, @path ],
    [ 'two methods', @method, ':method', 'GET', @scheme, @path, @authority ],
    [ 'the same method twice', @method, @method, @scheme, @path,
        @authority ],
    [ 'two schemes', @method, @scheme, @scheme, @path, @authority ],
    [ 'two paths', @method, @scheme, @path, ':path', '/argo/v1/models',
        @authority ],
    [ 'two authorities', @method, @scheme, @path, @authority,
        ':authority', 'evil' ],
    [ 'an unknown one', Argo::HTTP2::headers($uri), ':user', 'eve' ],
    [ 'one of replies', Argo::HTTP2::headers($uri), ':status', '200' ],
    [ 'an empty name', Argo::HTTP2::headers($uri), '', 'x' ],
    [ 'a colon alone', Argo::HTTP2::headers($uri), ':', 'x' ],
    [ 'an empty method', ':method', '', @scheme, @path, @authority ],
    [ 'a method in lower case', ':method', 'post', @scheme, @path,
        @authority ],
    [ 'a method with a blank', ':method', 'POST /argo/', @scheme, @path,
        @authority ],
    [ 'a method with a line', ':method', "POST / HTTP/1.1\r\nX: y\r\n\r\nPOST",
        @scheme, @path, @authority ],
    [ 'CONNECT', ':method', 'CONNECT', @authority ],
    [ 'an odd scheme', @method, ':scheme', "http://evil/\r\n", @path,
        @authority ],
    [ 'an odd authority', @method, @scheme, @path, ':authority',
        'e vil/' ],
    [ 'an authority with a line', @method, @scheme, @path, ':authority',
        "localhost\r\nX-Evil: 1" ],
    [ 'an authority with a NUL', @method, @scheme, @path, ':authority',
        "localhost\0evil" ],
    [ 'a host that is another', Argo::HTTP2::headers($uri), 'host',
        'evil' ])
{
    my ($name, @headers) = @$case;

    refused($name, \@headers, $chat);
}

# where nginx takes them, they say no more than they would in their place

for my $case (
    [ 'method after a header', @scheme, @path, @authority, 'x-a', 'b',
        @method ],
    [ 'authority after a header', @method, @scheme, @path, 'x-a', 'b',
        @authority ],
    [ 'a host alone', @method, @scheme, @path, 'host', 'localhost' ],
    [ 'the same host', Argo::HTTP2::headers($uri), 'host', 'localhost' ],
    [ 'userinfo in the authority', @method, @scheme, @path, ':authority',
        'eve@localhost' ],
    [ 'a port in the authority', @method, @scheme, @path, ':authority',
        'localhost:99999' ],
    [ 'another scheme', @method, ':scheme', 'gopher', @path, @authority ])
{
    my ($name, @headers) = @$case;

    harmless($name, $uri, \@headers, $chat);
}

###############################################################################

# names and values

for my $case (
    [ 'a CR LF in a value', 'x-a', "b\r\nX-Evil: 1" ],
    [ 'a CR in a value', 'x-a', "b\rX-Evil: 1" ],
    [ 'a LF in a value', 'x-a', "b\nX-Evil: 1" ],
    [ 'a NUL in a value', 'x-a', "b\0" ],
    [ 'a request in a value', 'x-a', "b\r\n\r\nPOST $uri HTTP/1.1\r\n\r\n" ],
    [ 'a CR LF in an agent', 'user-agent', "a\r\nX-Evil: 1" ],
    [ 'a CR LF in a version', 'anthropic-version', "1\r\nX-Evil: 1" ],
    [ 'a CR LF in a name', "x-a\r\nx-evil", '1' ],
    [ 'a LF in a name', "x-a\nx-evil", '1' ],
    [ 'a NUL in a name', "x-a\0", '1' ],
    [ 'a colon in a name', 'x-a: b', '1' ],
    [ 'a blank in a name', 'content-length ', '3' ],
    [ 'a length in capitals', 'Content-Length', '3' ],
    [ 'a coding in capitals', 'Transfer-Encoding', 'chunked' ],
    [ 'a credential in capitals', 'Authorization', 'Bearer eve' ],
    [ 'a length with an underscore', 'content_length', '3' ],
    [ 'a tab before a name', "\tx-a", '1' ],
    [ 'no ASCII in a name', "x-\xe9", '1' ],
    [ 'a coding', 'transfer-encoding', 'chunked' ],
    [ 'a coding that is none', 'transfer-encoding', 'identity' ],
    [ 'a connection', 'connection', 'close, authorization' ],
    [ 'keep-alive', 'keep-alive', 'timeout=1' ],
    [ 'an upgrade', 'upgrade', 'websocket' ],
    [ 'a proxy\'s connection', 'proxy-connection', 'x-api-key' ],
    [ 'a te of trailers', 'te', 'trailers' ],
    [ 'a te of more', 'te', 'trailers, chunked' ],
    [ 'a trailer', 'trailer', 'authorization' ],
    [ 'an expectation', 'expect', '100-continue' ],
    [ 'settings', 'http2-settings', 'AAMAAABkAAQAAP__' ],
    [ 'another coding of the body', 'content-encoding', 'gzip' ],
    [ 'a range', 'range', 'bytes=0-0' ],
    [ 'a value of 5,000 bytes', 'x-a', 'b' x 5000 ],
    [ 'a name of 5,000 bytes', 'x' x 5000, 'b' ])
{
    my ($name, @header) = @$case;

    for my $endpoint (@endpoints[0, 3]) {
        my ($path, $body) = ask($endpoint, $endpoint->{name} eq 'messages'
            ? 'claudehaiku45' : 'gpt4o');
        my @headers = (Argo::HTTP2::headers($path), @header);

        if ("@header" =~ /[\r\n\0]/) {
            refused("$name, $endpoint->{name}", \@headers, $body);

        } else {
            harmless("$name, $endpoint->{name}", $path, \@headers, $body);
        }
    }
}

# a coding changes nothing about where a body ends

for my $body ("0\r\n\r\n$chat", sprintf("%x\r\n%s\r\n0\r\n\r\n", $n, $chat)) {
    refused('chunks in a body', [ Argo::HTTP2::headers($uri),
        'transfer-encoding', 'chunked' ], $body);
}

# many and long ones

refused('headers of 70 KB', [ Argo::HTTP2::headers($uri),
    map { ("x-$_", 'b' x 7000) } 1 .. 10 ], $chat);
harmless('500 headers', $uri, [ Argo::HTTP2::headers($uri),
    map { ("x-$_", 'x') } 1 .. 500 ], $chat);

###############################################################################

# lengths that are not those of the frames

my $half = int $n / 2;
my @halves = (substr($chat, 0, $half), substr $chat, $half);

for my $case (
    [ 'a length that is too large', [ $n + 1 ], $chat ],
    [ 'a length that is too small', [ $n - 1 ], $chat ],
    [ 'a length that the first frame has', [ $half ], @halves ],
    [ 'a length of 0', [ 0 ], $chat ],
    [ 'a length without a body', [ $n ] ],
    [ 'a length and an empty frame', [ $n ], '' ],
    [ 'two lengths', [ $n, 0 ], $chat ],
    [ 'two lengths, the other way', [ 0, $n ], $chat ],
    [ 'the same length twice', [ $n, $n ], $chat ],
    [ 'a list of lengths', [ "$n, $n" ], $chat ],
    [ 'a signed length', [ "+$n" ], $chat ],
    [ 'a negative length', [ -1 ], $chat ],
    [ 'a length in hex', [ '0x10' ], $chat ],
    [ 'a huge length', [ '99999999999999999999' ], $chat ],
    [ 'a length above the limit', [ 2 ** 30 ], $chat ],
    [ 'an empty length', [ '' ], $chat ],
    [ 'a length and a blank', [ "$n " ], $chat ],
    [ 'a length with a line', [ "$n\r\nX-Evil: 1" ], $chat ])
{
    my ($name, $lengths, @pieces) = @$case;

    refused($name, [ Argo::HTTP2::headers($uri),
        map { ('content-length', $_) } @$lengths ], @pieces);
}

harmless('the right length', $uri, [ Argo::HTTP2::headers($uri),
    'content-length', $n ], @halves);
harmless('no length', $uri, [ Argo::HTTP2::headers($uri) ],
    '', @halves, '', '');
harmless('a byte in a frame', $uri, [ Argo::HTTP2::headers($uri) ],
    split //, $chat);

###############################################################################

# paths

for my $path (
    "$uri HTTP/1.1\r\nX-Evil: 1\r\n\r\n", "$uri\r\nX-Evil: 1", "$uri\n",
    "$uri\r", "$uri\0", "$uri x", " $uri", "$uri\t", '', '*', 'v1',
    "http://localhost$uri", 'http://evil/', '//argo/v1/chat/completions',
    '/argo/v1/chat/completions', '/v1/../argo/v1/chat/completions',
    '/v1/..%2fargo/v1/chat/completions', '/%61rgo/v1/chat/completions',
    '/argo%2fv1/chat/completions', '/v1/%2e%2e/argo/v1/chat/completions',
    '/../../etc/passwd', '/v1/chat/completions;x', '/v1/chat/completions/',
    '/v1/chat%2f..%2f..%2fargo/v1/models', '/v1/chat/completions%00',
    '/v1/chat/completions%0d%0aX-Evil:%201', '/v1/chat/%2fcompletions/x',
    '#/v1/chat/completions', '/argo/#/v1/chat/completions',
    "/v1/\xff\xfe", '/v1/chat/completions%', '/v1/chat/completions%zz')
{
    refused('path ' . $path =~ s/([^ -~])/sprintf '<%02x>', ord $1/ger,
        [ @method, @scheme, ':path', $path, @authority ], $chat);
}

for my $path ('/v1/%63hat/completions', '//v1//chat/completions',
    '/v1/chat%2fcompletions', '/x/../v1/chat/completions',
    "$uri?user=eve", "$uri#x", "$uri?a#b", "$uri?x=%0d%0aX-Evil:%201",
    "$uri?" . 'x' x 3000)
{
    harmless('path ' . substr($path, 0, 50), $uri,
        [ Argo::HTTP2::headers($path) ], $chat);
}

###############################################################################

# whoever a client says it is, and some of it twice

my @said = map { lc } @credentials;

push @said, qw/ x-api-key mallory cookie user=mallory user eve /;

for my $prefix ('', '/legacy') {
    for my $endpoint (@endpoints) {
        for my $model (qw/ gpt4o claudehaiku45 gemini25flash /) {
            my @wrong;

            $g->clear();

            my $h2 = Argo::HTTP2->new(port(8080));

            my @streams = map { claim($h2, $prefix, $endpoint, $model, $_,
                @said) } @claims;

            push @wrong, 'status' if grep { !/^(?:200|400)$/ }
                map { $h2->outcome($_) } @streams;

            my @up = $g->requests();

            push @wrong, 'nothing came' unless @up;
            push @wrong, grep { length } map { identity($_, $prefix),
                framing($_, $_->{uri}) } @up;

            is(join('; ', @wrong), '', "$endpoint->{name}, $model"
                . ($prefix && ', legacy') . ': identity');

            $h2->close();
        }
    }
}

# of two credentials one counts, whatever there is behind it

for my $case (
    [ 'a bearer twice', 'authorization', 'Bearer jdoe',
        'authorization', 'Bearer eve' ],
    [ 'a key twice', 'x-api-key', 'jdoe', 'x-api-key', 'eve' ],
    [ 'a bearer and a key', 'x-api-key', 'eve',
        'authorization', 'Bearer jdoe' ],
    [ 'keys of several kinds', 'x-goog-api-key', 'eve', 'api-key', 'eve',
        'x-api-key', 'jdoe' ],
    [ 'a key in the path', 'x-goog-api-key', 'jdoe' ])
{
    my ($name, @headers) = @$case;

    for my $endpoint (@endpoints) {
        for my $model (qw/ gpt4o claudehaiku45 /) {
            my ($path, $body) = ask($endpoint, $model,
                members => '"user":"eve"');

            $path .= '?key=eve' if $name =~ /path/;

            $g->clear();

            my $h2 = Argo::HTTP2->new(port(8080));
            my $s = $h2->request([
                Argo::HTTP2::headers("/credential$path"), @headers ], $body);
            my $outcome = $h2->outcome($s);
            my @up = $g->requests();

            like($outcome, qr/^[24]00$/, "$name, $endpoint->{name}, $model");
            is(join('; ', map { identity($_, '') } @up), '', 'identity');
            is(scalar @up, $outcome == 200 ? 1 : 0, 'calls');
            $h2->close();
        }
    }
}

###############################################################################

# frames

for my $case (
    [ 'a body on no stream', sub { frame('DATA', 1, 0, $chat) } ],
    [ 'a body before its headers', sub { frame('DATA', 1, $_[0], $chat)
        . frame('HEADERS', 5, $_[0], head()) } ],
    [ 'headers on no stream', sub { frame('HEADERS', 5, 0, head()) } ],
    [ 'headers on a stream of the server\'s',
        sub { frame('HEADERS', 5, 2, head()) } ],
    [ 'headers that are broken off by a body', sub {
        frame('HEADERS', 0, $_[0], head()) . frame('DATA', 1, $_[0],
            $chat) } ],
    [ 'headers that go on elsewhere', sub { frame('HEADERS', 0, $_[0], head())
        . frame('CONTINUATION', 4, $_[0] + 2, '') } ],
    [ 'headers that go on before they begin', sub {
        frame('CONTINUATION', 4, $_[0], head()) } ],
    [ 'padding longer than the frame', sub { frame('HEADERS', 4, $_[0],
        head()) . frame('DATA', 9, $_[0], "\xff$chat") } ],
    [ 'padding longer than the headers', sub { frame('HEADERS', 13, $_[0],
        "\xff" . head()) } ],
    [ 'a frame larger than allowed', sub { frame('HEADERS', 4, $_[0],
        head()) . frame('DATA', 1, $_[0], 'x' x 2 ** 21) } ],
    [ 'a window that overflows', sub { frame('HEADERS', 4, $_[0], head())
        . frame('WINDOW_UPDATE', 0, $_[0], pack('N', 2 ** 31 - 1)) x 2 } ],
    [ 'a window of nothing', sub { frame('HEADERS', 4, $_[0], head())
        . frame('WINDOW_UPDATE', 0, $_[0], pack('N', 0)) } ],
    [ 'settings of a wrong size', sub { frame('SETTINGS', 0, 0, 'x') } ],
    [ 'settings that are out of range', sub {
        frame('SETTINGS', 0, 0, pack('nN', 4, 0xffffffff)) } ],
    [ 'a push', sub { frame(5, 4, $_[0], pack('N', 2) . head()) } ],
    [ 'an index that is none', sub { frame('HEADERS', 5, $_[0],
        head() . "\xff\xff\xff\xff\x7f") } ],
    [ 'an index of 0', sub { frame('HEADERS', 5, $_[0], head() . "\x80") } ],
    [ 'a length that never ends', sub { frame('HEADERS', 5, $_[0],
        head() . "\0\x7f" . "\xff" x 20) } ],
    [ 'a length beyond the headers', sub { frame('HEADERS', 5, $_[0],
        head() . "\0\x7fx") } ],
    [ 'Huffman that is none', sub { frame('HEADERS', 5, $_[0],
        head() . "\0\x84\xff\xff\xff\xff\x01a") } ],
    [ 'a table that is too large', sub { frame('HEADERS', 5, $_[0],
        "\x3f\xff\xff\xff\x7f" . head()) } ],
    [ 'a header ten thousand times', sub { frame('HEADERS', 5, $_[0], head()
        . "\x40" . Argo::HTTP2::string('x-a') . Argo::HTTP2::string('b' x 3000)
        . "\xbe" x 10_000) } ])
{
    my ($name, $bytes) = @$case;

    $g->clear();

    my $h2 = Argo::HTTP2->new(port(8080));
    my $s = $h2->stream();

    $h2->send($bytes->($s->{id}));

    like($h2->outcome($s), $refused, "$name: refused");
    is(scalar $g->requests(), 0, "$name: nothing upstream");
    $h2->close();
}

# what is unusual and right

for my $case (
    [ 'headers in many frames', sub {
        my ($first, @bytes) = split //, head();
        frame('HEADERS', 0, $_[0], $first) . join('', map {
            frame('CONTINUATION', 0, $_[0], $_) } @bytes)
        . frame('CONTINUATION', 4, $_[0], '')
        . frame('DATA', 1, $_[0], $chat) } ],
    [ 'padding', sub { frame('HEADERS', 12, $_[0], "\x05" . head()
        . "\0" x 5) . frame('DATA', 8, $_[0], "\xff$halves[0]"
        . "\0" x 255) . frame('DATA', 9, $_[0], "\x01$halves[1]\0") } ],
    [ 'a priority', sub { frame('HEADERS', 36, $_[0], pack('NC', 0, 15)
        . head()) . frame('DATA', 1, $_[0], $chat) } ],
    [ 'frames of no known type', sub { frame(77, 255, $_[0], 'x' x 100)
        . frame('HEADERS', 4, $_[0], head()) . frame(200, 0, 0, '')
        . frame('DATA', 1, $_[0], $chat) } ])
{
    my ($name, $bytes) = @$case;

    $g->clear();

    my $h2 = Argo::HTTP2->new(port(8080));
    my $s = $h2->stream();

    $h2->send($bytes->($s->{id}));

    is($h2->outcome($s), 200, $name);
    is($g->request()->{body} =~ /"Hi"/, 1, "$name: the body");
    is(identity($g->request(), '') . framing($g->request(), $uri), '',
        "$name: identity and framing");
    $h2->close();
}

# floods: headers that never end, and frames that want an answer

for my $case (
    [ 'empty continuations', frame('CONTINUATION', 0, 1, '') x 20_000 ],
    [ 'continuations of a byte', join '', map {
        frame('CONTINUATION', 0, 1, $_) } split //,
        Argo::HTTP2::header('x-a', 'b' x 100) x 300 ],
    [ 'continuations of 16 KB', frame('CONTINUATION', 0, 1,
        Argo::HTTP2::header('x-a', 'b' x 4000) x 4) x 200 ],
    [ 'pings', frame('PING', 0, 0, 'x' x 8) x 20_000 ],
    [ 'settings', frame('SETTINGS', 0, 0, pack('nN', 4, 65535)) x 20_000 ],
    [ 'empty pieces of a body', frame('DATA', 0, 1, '') x 20_000 ],
    [ 'priorities', frame(2, 0, 1, pack('NC', 3, 15)) x 20_000 ],
    [ 'windows', frame('WINDOW_UPDATE', 0, 1, pack('N', 1)) x 20_000 ])
{
    my ($name, $bytes) = @$case;

    $g->clear();

    my $h2 = Argo::HTTP2->new(port(8080));
    my $s = $h2->stream();

    $h2->send(frame('HEADERS', $name =~ /^(?:empty )?continuations/ ? 0 : 4,
        $s->{id}, head()) . $bytes);

    # whether it is refused or borne, others are served

    is(served(), 200, "$name: others are served");
    is(scalar $g->requests(), 1, "$name: nothing else upstream");
    $h2->close();
}

# trailers

for my $case (
    [ 'of a credential', 'authorization', 'Bearer eve' ],
    [ 'of a length', 'content-length', '3' ],
    [ 'of a coding', 'transfer-encoding', 'chunked' ],
    [ 'of a path', ':path', '/argo/v1/models' ],
    [ 'of a line', 'x-a', "b\r\nX-Evil: 1" ],
    [ 'of nothing' ])
{
    my ($name, @headers) = @$case;

    $g->clear();

    my $h2 = Argo::HTTP2->new(port(8080));
    my $s = $h2->stream();

    $h2->send(frame('HEADERS', 4, $s->{id}, head())
        . frame('DATA', 0, $s->{id}, $chat)
        . frame('HEADERS', 5, $s->{id}, Argo::HTTP2::block(@headers)));

    my $outcome = $h2->outcome($s);
    my @up = $g->requests();

    like($outcome, qr/$refused|^200$/, "trailers $name");
    is(join('', map { identity($_, '') . framing($_, $uri) } @up), '',
        'identity and framing');
    is(scalar @up, $outcome eq '200' ? 1 : 0, 'calls');
    $h2->close();
}

###############################################################################

# a body that is given up: there was no call

$g->clear();

my $h2 = Argo::HTTP2->new(port(8080));

for my $endpoint (@endpoints) {
    my ($path, $body) = ask($endpoint, 'gpt4o');
    my $s = $h2->stream();

    $h2->send(frame('HEADERS', 4, $s->{id}, Argo::HTTP2::block(
        Argo::HTTP2::headers($path)))
        . frame('DATA', 0, $s->{id}, substr $body, 0, 10));
    $h2->cancel($s);
}

my $s = $h2->post($uri, $chat);

is($h2->outcome($s), 200, 'a request after bodies that were given up');
is(scalar $g->requests(), 1, 'which is the only one');

# so is one whose connection ends

my $gone = Argo::HTTP2->new(port(8080));

$gone->send(frame('HEADERS', 4, 1, head()) . frame('DATA', 0, 1, $halves[0]));
$gone->close();

is($h2->outcome($h2->post($uri, $chat)), 200, 'a connection that ended');
is(scalar $g->requests(), 2, 'nothing upstream of it');

# a reply that is given up: upstream is closed

for my $prefix ('', '/legacy') {
    for my $endpoint (@endpoints) {
        for my $model (qw/ gpt4o claudehaiku45 /) {
            my $name = "$endpoint->{name}, $model" . ($prefix && ', legacy');

            native_script($g, 1, 'One', [wait_close =>]);
            $g->clear();

            my ($path, $body) = ask($endpoint, $model, stream => 1);
            my $s = $h2->post("$prefix$path", $body);

            ok($h2->until(sub { $s->{data} =~ /One/ }), "$name: a reply");
            $h2->cancel($s);
            ok($g->wait_event('closed'), "$name: given up");
        }
    }
}

is($h2->outcome($h2->post('/v1/health', '')), 405, 'and the connection lives');

# 200 requests that are given up at once

$g->clear();
$g->script($_, [[wait_close =>]]) for '/v1/chat/completions';

for my $stream ('', '"stream":true,') {
    my $body = $chat =~ s/^\{/\{$stream/r;

    $g->clear();
    $h2 = Argo::HTTP2->new(port(8080));

    for (1 .. 200) {
        my $s = $h2->post($uri, $body);
        $h2->cancel($s);
    }

    native_script($g, 0, 'Salve');
    is(served(), 200, 'others are served after 200 resets');

    ok($t->waitfor(sub {
        my @records = $g->records();
        my $begun = grep { $_->{type} eq 'request' } @records;
        my $over = grep { $_->{type} =~ /^(?:closed|done)$/ } @records;
        return $begun == $over;
    }), 'no call goes on');
    $h2->close();
    $g->script('/v1/chat/completions', [[wait_close =>]]);
}

###############################################################################

# many streams on a connection, more than nginx takes at a time

native_script($g, 0, 'Salve');
$g->clear();
$h2 = Argo::HTTP2->new(port(8080));

my @streams = map { $h2->post($uri, $chat) } 1 .. 128;
my %outcomes;

$outcomes{$h2->outcome($_)}++ for @streams;

is_deeply(\%outcomes, { 200 => 128 }, '128 streams');

$g->script('/v1/chat/completions', [[wait_for => 'go'], [header =>
    'Content-Type', 'application/json'], [body => chat_body('Salve')]]);
@streams = map { $h2->post($uri, $chat) } 1 .. 140;

ok($h2->until(sub { 12 == grep { $_->{reset} } @streams }),
    'what is above the limit is refused');
$g->signal('go');

%outcomes = ();
$outcomes{$h2->outcome($_)}++ for @streams;

is_deeply(\%outcomes, { 200 => 128, reset => 12 }, 'the others are served');
is(join('', map { identity($_, '') . framing($_, $uri) } $g->requests()), '',
    'identity and framing of all');
$h2->close();

###############################################################################

# a window of nothing: upstream waits; opened, all comes

for my $case (
    [ 'spliced', 0, 'gpt4o', '' ], [ 'spliced events', 3, 'claudehaiku45',
        '' ], [ 'converted', 3, 'gpt4o', '' ], [ 'converted to Google\'s', 4,
        'claudehaiku45', '' ], [ 'bare text', 0, 'gpt4o', '/legacy' ])
{
    my ($name, $which, $model, $prefix) = @$case;
    my $endpoint = $endpoints[$which];
    my $frame = $prefix ? "line of text " : $model =~ /claude/
        ? (claude_frames("line of text "))[2]
        : (chat_frames("line of text "))[1];
    my $times = int 24_000_000 / length $frame;

    native_script($g, 1, 'One', [fill => $times, $frame], ' two');
    $g->clear();

    my $h2 = Argo::HTTP2->new(port(8080), window => 0);
    my ($path, $body) = ask($endpoint, $model, stream => 1);
    my $s = $h2->post("$prefix$path", $body);

    ok($g->wait_event('blocked'), "$name: upstream made to wait");
    is($s->{data}, '', "$name: nothing has come");

    # a little at a time, and then all

    for my $n (1, 9, 90) {
        my $had = length $s->{data};
        $h2->window($s, $n);
        ok($h2->until(sub { length $s->{data} == $had + $n }),
            "$name: $n bytes");
    }

    $h2->window($s, 2 ** 30);
    is($h2->outcome($s), 200, "$name: the rest after all");

    my $text = join '', $s->{data} =~ /"(?:content|text)":"([^"]*)"/g;

    ok($text eq 'One' . 'line of text ' x $times . ' two', "$name: the text");
    $h2->close();
}

# one that never opens, and goes

native_script($g, 1, 'One', [fill => 200_000, (chat_frames('text'))[1]]);
$g->clear();
$h2 = Argo::HTTP2->new(port(8080), window => 0);
$s = $h2->post($uri, $chat =~ s/^\{/{"stream":true,/r);

ok($g->wait_event('blocked'), 'a window that stays closed');
$h2->cancel($s);
ok($g->wait_event('closed'), 'is given up');
$h2->close();

###############################################################################

is(served(), 200, 'requests are served');
is(join(' ', $t->workers()), $worker, 'the same worker all the time');

$t->done_testing();

###############################################################################

sub frame {
    my ($type, $flags, $id, $payload) = @_;

    return Argo::HTTP2::frame($type =~ /^\d/ ? $type
        : Argo::HTTP2->can($type)->(), $flags, $id, $payload);
}


# The headers of an ordinary request, encoded.

sub head {
    return Argo::HTTP2::block(Argo::HTTP2::headers($uri));
}


# Sends a request that must come to nothing.

sub refused {
    my ($name, $headers, @pieces) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    native_script($g, 0, 'Salve');
    $g->clear();

    my $h2 = Argo::HTTP2->new(port(8080));

    like($h2->outcome($h2->request($headers, @pieces)), $refused,
        "$name: refused");
    is(scalar $g->requests(), 0, "$name: nothing upstream");
    $h2->close();
}


# Sends one that may be refused, or be served as what it is.

sub harmless {
    my ($name, $path, $headers, @pieces) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    native_script($g, 0, 'Salve');
    $g->clear();

    my $h2 = Argo::HTTP2->new(port(8080));
    my $outcome = $h2->outcome($h2->request($headers, @pieces));
    my @up = $g->requests();

    like($outcome, qr/$refused|^200$/, "$name: $outcome");
    is(scalar @up, $outcome eq '200' ? 1 : 0, "$name: calls");
    is(join('; ', map { identity($_, '') . framing($_, $path) } @up), '',
        "$name: identity and framing");
    $h2->close();
}


# A request in which somebody claims to be another.

sub claim {
    my ($h2, $prefix, $endpoint, $model, $members, @headers) = @_;

    my ($path, $body) = ask($endpoint, $model, members => $members);

    return $h2->request([ Argo::HTTP2::headers("$prefix$path"), @headers ],
        $body);
}


# The status of an ordinary request on a connection of its own.

sub served {
    native_script($g, 0, 'Salve');

    my $h2 = Argo::HTTP2->new(port(8080));
    my $outcome = $h2->outcome($h2->post($uri, $chat));

    $h2->close();

    return $outcome;
}

###############################################################################
