#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for connections that serve many requests, on both sides.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;

my $t = Argo::Test->new()->has(qw/ http_upstream_keepalive /);

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

    upstream argo {
        server     127.0.0.1:8081;
        keepalive  4;
    }

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        keepalive_requests  10000;

        location = /chat {
            argo_endpoint  chat_completions;
        }

        location = /pseudo {
            argo_endpoint  chat_completions;
            argo_stream    pseudo;
        }

        location /argo/ {
            internal;
            proxy_pass          http://argo/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$g->script('/api/v1/resource/chat/', [
    [header => 'Content-Type', 'application/json'],
    [body => '{"response":"Hello"}'],
]);
$g->script('/api/v1/resource/streamchat/', [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'Hel'], [chunk => 'lo'], [end =>],
]);

$t->run();

my ($worker) = $t->workers();

###############################################################################

my $c = client();
my $right = 0;

for (1 .. 100) {
    $right++ if unary($c) eq 'Hello' && stream($c, '/chat') eq 'Hello'
        && stream($c, '/pseudo') eq 'Hello';
}

is($right, 100, 'requests of all kinds on one connection');
is(connections(), 1, 'one connection to ARGO');

# errors on the way

$right = 0;

for my $body ('', '{', '[]', '{"model":"gpt-9","messages":[]}') {
    $right++ if $c->post('/chat', $body)->{status} >= 400
        && unary($c) eq 'Hello';
}

is($right, 4, 'errors in between');
is($c->get('/chat')->{status}, 405, 'wrong method in between');
is(unary($c), 'Hello', 'reply after a wrong method');

# errors of ARGO's keep the connections, too

$g->clear()->script('/api/v1/resource/chat/', [
    [status => 500], [header => 'Content-Type', 'application/json'],
    [body => '{"detail":"x"}'],
]);

is($c->post('/chat', body(0))->{status}, 500, 'error of ARGO') for 1 .. 3;
is(connections(), 1, 'connection to ARGO kept after errors');

# a denial in the middle of a stream is read to its end

$g->clear()->script('/api/v1/resource/streamchat/', [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'IMPORTANT AUTHENTICATION NOTICE FROM ARGO'], [drain =>],
    [chunk => ' and more'], [drain =>], [chunk => ' of it'], [end =>],
]);

is($c->post('/chat', body(1))->{status}, 403, 'denial') for 1 .. 3;
is(connections(), 1, 'connection to ARGO kept after denials');

# upstream connections that ARGO closes

$g->clear()->script('/api/v1/resource/chat/', [
    [header => 'Content-Type', 'application/json'],
    [header => 'Connection', 'close'],
    [body => '{"response":"Hello"}'], [close =>],
]);

is(unary($c), 'Hello', 'reply that closes the connection to ARGO') for 1 .. 3;
is(connections(), 3, 'three connections to ARGO');

$g->clear()->script('/api/v1/resource/chat/', [
    [header => 'Content-Type', 'application/json'],
    [body => '{"response":"Hello"}'], [drain =>], [close =>],
]);

$right = 0;

for (1 .. 20) {
    my $text = unary($c);
    $right++ if $text eq 'Hello' || $text =~ /upstream_unreachable/;
}

is($right, 20, 'connection closed by ARGO while idle');

# clients that want the connection closed

$c = client();
$c->request('POST', '/chat', close => 1, body => body(1));
$g->stream('x');
$g->script('/api/v1/resource/streamchat/', [
    [header => 'Content-Type', 'text/plain'], [chunk => 'Hello'], [end =>],
]);

my $r = $c->response();
is($r->{complete}, 1, 'stream with close, regular end');
ok($c->closed(), 'stream with close, closed');

# memory of the worker does not grow with the number of requests

SKIP: {
    my $before = $t->rss($worker);

    skip 'no memory size of a process', 1 unless defined $before;

    $g->script('/api/v1/resource/chat/', [
        [header => 'Content-Type', 'application/json'],
        [body => '{"response":"Hello"}'],
    ]);

    $c = client();
    $c->post('/chat', body($_ % 2)) for 1 .. 600;

    cmp_ok($t->rss($worker) - $before, '<', 1024, 'memory of the worker, KB');
}

$t->done_testing();

###############################################################################

sub client {
    return Argo::Client->new(port(8080));
}


sub body {
    my ($stream) = @_;

    $stream = $stream ? '"stream":true,' : '';

    return "{${stream}\"model\":\"gpt-4o\",\"messages\":"
        . '[{"role":"user","content":"Hi"}]}';
}


sub unary {
    my ($c) = @_;

    my $r = $c->post('/chat', body(0));

    return $r->{status} == 200
        ? $r->json()->{choices}[0]{message}{content} : $r->error();
}


sub stream {
    my ($c, $uri) = @_;

    my $r = $c->post($uri, body(1));

    return $r->{complete} && $r->{body} =~ /\[DONE\]\n\n\z/ ? $r->text()
        : $r->error();
}


# Connections to ARGO that requests since clear() have come by.

sub connections {
    my %seen = map { $_->{connection} => 1 } $g->requests();

    return scalar keys %seen;
}

###############################################################################
