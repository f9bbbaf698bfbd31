#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for clients that speak HTTP/2.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Curl;
use Argo::Gateway;
use Argo::HTTP2;

my $t = Argo::Test->new()->has(qw/ http_v2 bin:curl /);

plan(skip_all => 'curl without HTTP/2') unless Argo::Curl::has('HTTP2');

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_user             jdoe;
    argo_upstream         /argo/;
    argo_upstream_api legacy;
    argo_zone             argo 1m;
    argo_models_refresh  0;
    client_max_body_size  1k;

    server {
        listen       127.0.0.1:8080 http2;
        server_name  localhost;

        location /v1/ {
            argo_endpoint  auto;
        }

        location = /pseudo {
            argo_endpoint  chat_completions;
            argo_stream    pseudo;
        }

        location = /large {
            argo_endpoint            chat_completions;
            client_max_body_size     100m;
            client_body_buffer_size  1k;
        }

        location = /denied {
            argo_endpoint  chat_completions;
            deny           all;
        }

        location /argo/ {
            internal;
            proxy_pass            http://127.0.0.1:8081/;
            proxy_http_version    1.1;
            proxy_set_header      Connection "";
            client_max_body_size  0;
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my $curl = Argo::Curl->new($t, 'http://127.0.0.1:' . port(8080),
    '--http2-prior-knowledge');
my $uri = '/v1/chat/completions';

###############################################################################

# unary

$g->answer('Hello');

my $r = post($uri, body(0), 'Authorization: Bearer canary',
    'Cookie: a=canary', 'Cookie: b=canary', 'TE: trailers');

is($r->{version}, '2', 'version');
is($r->{status}, 200, 'unary, status');
like($r->header('content-type'), qr{^application/json\b}, 'unary, type');
is($r->header('content-length'), length $r->{body}, 'unary, length');
like($r->header('x-request-id'), qr/^[0-9a-f]{32}$/, 'unary, request id');
is($r->json()->{choices}[0]{message}{content}, 'Hello', 'unary, text');
is($g->request_json()->{user}, 'jdoe', 'unary, user');
is(join(' ', sort map { lc $_->[0] } @{$g->request()->{headers}}),
    'accept accept-encoding content-length content-type host user-agent',
    'unary, headers sent');

# bodies

my $large = body(0) =~ s/Hi/'x' x 3000000/er;
$r = post('/large', $large);
is($r->{status}, 200, 'large body in a file');
is($g->request()->{body} =~ tr/x//, 3000000, 'large body came');

is(post($uri, '')->error(), '400 invalid_request_error null invalid_json',
    'empty body');
is(post($uri, '{"model":"gpt-4o"}')->error(),
    '400 invalid_request_error messages missing_required_parameter',
    'wrong body');

# errors before the body is read

is(early($uri, 'content-length', 3000),
    '413 invalid_request_error request_too_large', 'too large');
is(early('/denied'), '403 permission_error null', 'denied');
is($curl->get($uri)->error(),
    '405 invalid_request_error null method_not_allowed', 'wrong method');
is($curl->get($uri)->header('allow'), 'POST', 'wrong method, allow');
is($curl->get('/v1/nothing')->error(),
    '404 invalid_request_error null unknown_url', 'unknown path');

# other endpoints

is($curl->get('/v1/health')->{body}, '{"status":"healthy"}', 'health');
is($curl->get('/v1/models/argo:gpt-4o')->json()->{id}, 'argo:gpt-4o', 'model');

$r = $curl->get('/v1/health', '--head');
is($r->{status}, 200, 'HEAD');
is($r->{body}, '', 'HEAD without a body');

# streams

$g->stream('Hel', "lo \xf0\x9f\x98\x80");
$r = post($uri, body(1));
is($r->{status}, 200, 'stream, status');
is($r->header('content-type'), 'text/event-stream; charset=utf-8',
    'stream, type');
is($r->text(), "Hello \xf0\x9f\x98\x80", 'stream, text');
is($r->{complete}, 1, 'stream, regular end');
like($r->{body}, qr/data: \[DONE\]\n\n\z/, 'stream, done');

$g->answer('Hello');
is(post('/pseudo', body(1))->text(), 'Hello', 'pseudo stream');

# each chunk is sent only when the client has read the one before it

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    (map { [wait_for => $_], [chunk => "<$_>"] } 1 .. 50),
    [wait_for => 'end'], [end =>],
]);

my $c = $curl->start($uri, body(1));

is(Argo::Curl::paced($c, $g, 50), 50, 'paced chunks');
is($c->finish()->{complete}, 1, 'paced end');

# cut

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'Hello'], [drain =>], [reset =>],
]);
$r = post($uri, body(1));
is($r->{status}, 200, 'cut stream, status');
is($r->{complete}, 1, 'cut stream, regular end');
is($r->text(), 'Hello', 'cut stream, text');
is(($r->events())[-1]{json}{error}{type}, 'server_error',
    'cut stream, error event');
unlike($r->{body}, qr/DONE/, 'cut stream, not done');

# ARGO refuses

$g->stream('IMPORTANT AUTHENTICATION NOTICE FROM ARGO');
is(post($uri, body(1))->error(), '403 permission_error null '
    . 'argo_access_denied', 'denial in a stream');

# a client that goes away

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'Hello'], [wait_close =>],
]);

$c = $curl->start($uri, body(1));
ok($c->until(qr/Hello/), 'a stream');
$c->kill();
ok($g->wait_event('closed'), 'client gone in a stream');

$g->clear()->script(undef, [[wait_close =>]]);

$c = $curl->start($uri, body(0));
ok($g->wait_event('request'), 'request came');
$c->kill();
ok($g->wait_event('closed'), 'client gone before the reply');

# many streams on one connection

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    (map { [chunk => 'x' x 1000], [drain =>] } 1 .. 20), [end =>],
]);

my $h2 = Argo::HTTP2->new(port(8080));
my @streams = map { $h2->post($uri, body(1)) } 1 .. 16;

ok($h2->until(sub { !grep { !$_->{ended} } @streams }), 'parallel streams');
is(join(' ', map { $_->{status} } @streams), join(' ', (200) x 16),
    'parallel streams, status');
is(join(' ', map { length text($_) } @streams), join(' ', (20000) x 16),
    'parallel streams, text');

# one is cancelled, the others go on

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'Hel'], [wait_for => 'go'], [chunk => 'lo'], [end =>],
]);

@streams = map { $h2->post($uri, body(1)) } 1 .. 3;

ok($h2->until(sub { 3 == grep { $_->{data} =~ /Hel/ } @streams }),
    'streams to be cancelled');
$h2->cancel($streams[1]);
ok($g->wait_event('closed'), 'cancelled stream, upstream closed');
$g->signal('go');
ok($h2->until(sub { $streams[0]{ended} && $streams[2]{ended} }),
    'streams beside a cancelled one end');
is(text($streams[0]) . text($streams[2]), 'HelloHello',
    'streams beside a cancelled one');

# cancelled before the reply has come

$g->clear()->script(undef, [[wait_close =>]]);

@streams = map { $h2->post($uri, body($_)) } 0, 1;

ok($g->wait_event('request', 2), 'requests to be cancelled');
$h2->cancel($_) for @streams;
ok($g->wait_event('closed', 2), 'cancelled requests, upstream closed');

$g->answer('Hello');

my $s = $h2->post($uri, body(0));
ok($h2->until(sub { $s->{ended} }), 'request after cancelled ones');
is($s->{status}, 200, 'request after cancelled ones, status');

# one is not read, the others go on; then all of it comes

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [fill => 200000, "line of this long text\n"], [end =>],
]);

$h2 = Argo::HTTP2->new(port(8080), window => 1000);
$s = $h2->post($uri, body(1));

ok($h2->until(sub { length $s->{data} == 1000 }), 'window filled');
ok($g->wait_event('blocked'), 'upstream made to wait');

$g->answer('Hello');

my $other = $h2->post($uri, body(0));
ok($h2->until(sub { $other->{ended} }), 'another stream meanwhile');

$h2->window($s, 2 ** 30);
ok($h2->until(sub { $s->{ended} }), 'the rest after all');
is(join('', $s->{data} =~ /"delta":\{"content":"([^"]*)"\}/g),
    'line of this long text\n' x 200000, 'text of the rest');

# a connection that is closed under its streams

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'Hello'], [wait_close =>],
]);

$h2 = Argo::HTTP2->new(port(8080));
@streams = map { $h2->post($uri, body(1)) } 1 .. 5;
ok($h2->until(sub { 5 == grep { $_->{data} =~ /Hello/ } @streams }),
    'streams of a connection to be closed');
$h2->close();
ok($g->wait_event('closed', 5), 'closed connection, upstreams closed');

# a long one

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [fill => 30000, "line of text\n"], [end =>],
]);
is(post($uri, body(1))->text(), "line of text\n" x 30000, 'long stream');

$t->done_testing();

###############################################################################

sub body {
    my ($stream) = @_;

    $stream = $stream ? '"stream":true,' : '';

    return "{${stream}\"model\":\"gpt-4o\",\"messages\":"
        . '[{"role":"user","content":"Hi"}]}';
}


sub post {
    my ($uri, $body, @headers) = @_;

    $g->clear();

    return $curl->post($uri, $body, @headers);
}


# The error that headers alone are answered with; a client that went on to
# send would race with the stream's reset.

sub early {
    my ($uri, @headers) = @_;

    my $h2 = Argo::HTTP2->new(port(8080));
    my $s = $h2->stream();

    $h2->send(Argo::HTTP2::frame(Argo::HTTP2::HEADERS,
        Argo::HTTP2::END_HEADERS, $s->{id}, Argo::HTTP2::block(
            Argo::HTTP2::headers($uri), @headers)));

    my $status = $h2->outcome($s);
    my ($type, $code) = $s->{data} =~ /"type":"(\w+)".*"code":"?(\w+)/;

    $h2->close();

    return join ' ', $status, map { defined $_ ? $_ : 'none' } $type, $code;
}


sub text {
    return Argo::Client::text(Argo::Client::events($_[0]{data}));
}

###############################################################################
