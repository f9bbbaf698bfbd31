#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for clients that speak HTTP/3.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Curl;
use Argo::Gateway;

my $t = Argo::Test->new()->has(qw/ http_v3 http_ssl bin:curl bin:openssl /);

plan(skip_all => 'curl without HTTP/3') unless Argo::Curl::has('HTTP3');

$t->certificate('cert.pem', 'key.pem');

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_user             jdoe;
    argo_upstream         /argo/;
    argo_zone             argo 1m;
    argo_models_refresh   0;
    client_max_body_size  10m;

    ssl_certificate       cert.pem;
    ssl_certificate_key   key.pem;
    ssl_protocols         TLSv1.3;

    server {
        listen       127.0.0.1:8080 ssl;
        listen       127.0.0.1:8080 quic;
        server_name  localhost;

        location / {
            argo_endpoint  auto;
        }

        location /legacy/ {
            argo_endpoint      auto;
            argo_upstream_api  legacy;
        }

        location = /denied {
            argo_endpoint  chat_completions;
            deny           all;
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

my $curl = Argo::Curl->new($t, 'https://127.0.0.1:' . port(8080), '-k',
    '--http3-only');
my $uri = '/legacy/v1/chat/completions';

###############################################################################

# unary

$g->answer('Hello');

my $r = post($uri, body(0), 'Authorization: Bearer canary', 'Cookie: canary');

is($r->{version}, '3', 'version');
is($r->{status}, 200, 'unary, status');
is($r->json()->{choices}[0]{message}{content}, 'Hello', 'unary, text');
is($g->request_json()->{user}, 'jdoe', 'unary, user');
unlike(join(' ', map { "@$_" } @{$g->request()->{headers}}), qr/canary/,
    'unary, no credential sent');

my $large = body(0) =~ s/Hi/'x' x 3000000/er;

is(post($uri, $large)->{status}, 200, 'large body');
is($g->request()->{body} =~ tr/x//, 3000000, 'large body came');

# errors

is(post($uri, '')->error(), '400 invalid_request_error null invalid_json',
    'empty body');
is(post('/denied', body(0))->error(), '403 permission_error null null',
    'denied');
is($curl->get('/v1/nothing')->error(),
    '404 invalid_request_error null unknown_url', 'unknown path');
is($curl->get('/v1/health')->{body}, '{"status":"healthy"}', 'health');

# streams

$g->stream('Hel', 'lo');
$r = post($uri, body(1));

is($r->{status}, 200, 'stream, status');
is($r->text(), 'Hello', 'stream, text');
is($r->{complete}, 1, 'stream, regular end');
like($r->{body}, qr/data: \[DONE\]\n\n\z/, 'stream, done');

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [fill => 30000, "line of text\n"], [end =>],
]);
is(post($uri, body(1))->text(), "line of text\n" x 30000, 'long stream');

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'Hello'], [drain =>], [reset =>],
]);
$r = post($uri, body(1));

is($r->{complete}, 1, 'cut stream, regular end');
is(($r->events())[-1]{json}{error}{type}, 'server_error',
    'cut stream, error event');
unlike($r->{body}, qr/DONE/, 'cut stream, not done');

# each chunk is sent only when the client has read the one before it

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    (map { [wait_for => $_], [chunk => "<$_>"] } 1 .. 20),
    [wait_for => 'end'], [end =>],
]);

my $c = $curl->start($uri, body(1));

is(Argo::Curl::paced($c, $g, 20), 20, 'paced chunks');
is($c->finish()->{complete}, 1, 'paced end');

# a client that can write to nobody any more closes its connection

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'Hello'], [wait_for => 'more'], [chunk => 'lo'],
    [wait_close =>],
]);

$c = $curl->start($uri, body(1));

ok($c->until(qr/Hello/), 'a stream');
$c->stop_reading();
$g->signal('more');

ok($g->wait_event('closed'), 'client gone in a stream');
$c->close();

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

###############################################################################
