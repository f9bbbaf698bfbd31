#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for heartbeats: a comment while ARGO is silent, before the first byte
# and in mid-stream; none where they would hide how a request failed, none
# longer than ARGO's own timeout, none in replies that are no event stream.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Client;
use Argo::Gateway;

my $t = Argo::Test->new();

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_user       jdoe;
    argo_upstream   /argo/;
    argo_upstream_api legacy;
    argo_heartbeat  50ms;

    argo_zone            argo 1m;
    argo_models_refresh  0;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location = /real {
            argo_endpoint  chat_completions;
        }

        location = /pseudo {
            argo_endpoint  chat_completions;
            argo_stream    pseudo;
        }

        location = /later {
            argo_endpoint   chat_completions;
            argo_stream     pseudo;
            argo_heartbeat  1h;
        }

        location = /off {
            argo_endpoint   chat_completions;
            argo_heartbeat  0;
        }

        location = /timeout {
            argo_endpoint  chat_completions;
            argo_upstream  /timeout/;
            argo_upstream_api legacy;
        }

        location /v1beta/ {
            argo_endpoint  gemini;
        }

        location = /health {
            argo_endpoint  health;
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
        }

        location /timeout/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
            proxy_read_timeout  500ms;
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my @type = (header => 'Content-Type', 'text/plain; charset=utf-8');

###############################################################################

# before the first byte, and in mid-stream; the gateway goes on only when a
# heartbeat has been seen

$g->script(undef, [
    [wait_for => 1], [@type], [chunk => 'Hello'], [wait_for => 2],
    [chunk => ' world'], [end =>],
]);

my $r = start('/real');
is($r->{status}, 200, 'header with the first heartbeat');
like($r->header('Content-Type'), qr{^text/event-stream},
    'type with the first heartbeat');
is(piece($r), ": heartbeat\n\n", 'heartbeat before the first byte');
$g->signal(1);
like(until_match($r, qr/"content":"Hello"/), qr/"content":"Hello"/, 'text');
like(until_match($r, qr/\n: heartbeat\n\n/), qr/: heartbeat\n\n/,
    'heartbeat in mid-stream');
$g->signal(2);
$r->finish();
is($r->{complete}, 1, 'regular end');
is($r->text(), 'Hello world', 'text around heartbeats');
like($r->{body}, qr/data: \[DONE\]\n\n\z/, 'done');

# while a unary call is under way

$g->clear()->script(undef, [
    [wait_for => 3], [header => 'Content-Type', 'application/json'],
    [body => '{"response":"Hello"}'],
]);

$r = start('/pseudo');
is(piece($r), ": heartbeat\n\n", 'heartbeat for a unary call');
$g->signal(3);
$r->finish();
is($r->text(), 'Hello', 'text of a unary call');

# what fails before has its status, what fails later is told in the stream

my $denied = '{"response":"**IMPORTANT AUTHENTICATION NOTICE FROM ARGO** x"}';

$g->clear()->script(undef, [
    [header => 'Content-Type', 'application/json'], [body => $denied],
]);

is(post('/later')->error(), '403 permission_error null argo_access_denied',
    'denial before the first heartbeat');

$g->clear()->script(undef, [
    [wait_for => 4], [header => 'Content-Type', 'application/json'],
    [body => $denied],
]);

$r = start('/pseudo');
piece($r);
$g->signal(4);
$r->finish();
is($r->{complete}, 1, 'late denial, regular end');
like($r->{body},
    qr/\ndata: \{"error":[^\n]*"code":"argo_access_denied"\}\}\n\n\z/,
    'late denial in the stream');
unlike($r->{body}, qr/\[DONE\]|"role"/, 'late denial, nothing else');

$g->clear()->script(undef, [ [wait_for => 5], [close =>] ]);

$r = start('/real');
piece($r);
$g->signal(5);
$r->finish();
like($r->{body}, qr/"type":"server_error"[^\n]*\n\n\z/, 'late failure');

# Google's stream of a JSON array: white space, before it and in it

my $array = '/v1beta/models/gpt-4o:streamGenerateContent';

$g->clear()->script(undef, [
    [wait_for => 8], [@type], [chunk => 'Hello'], [wait_for => 9],
    [chunk => ' world'], [end =>],
]);

$r = start($array);
is($r->{status}, 200, 'array, header with the first heartbeat');
like($r->header('Content-Type'), qr{^application/json}, 'array, type');
is(piece($r), "\n", 'array, heartbeat before the first byte');
is(piece($r), "\n", 'array, and another');
$g->signal(8);
like(until_match($r, qr/"text":"Hello"/), qr/^\n*\[\{/, 'array, begins');
is(piece($r), "\n", 'array, heartbeat in mid-stream');
$g->signal(9);
$r->finish();
is($r->{complete}, 1, 'array, regular end');
is(join('', map { $_->{candidates}[0]{content}{parts}[0]{text} }
    @{$r->json()}), 'Hello world', 'array, is JSON');

my $n = 10;

for my $uri ($array, "$array?alt=sse") {
    $g->clear()->script(undef, [ [wait_for => $n], [close =>] ]);

    $r = start($uri);
    piece($r);
    $g->signal($n++);
    $r->finish();
    is($r->{complete}, 1, "$uri, late failure, regular end");
    is(($uri eq $array ? $r->json() : [ map { $_->{json} }
        grep { $_->{json} } $r->events() ])->[0]{error}{code}, 502,
        "$uri, late failure");
}

$g->clear()->script(undef, [
    [header => 'Content-Type', 'application/json'], [body => $denied],
]);

is(client()->post($array, body(1, $array))->{status}, 403,
    'array, failure before the first heartbeat');

# only as long as ARGO is within its own timeout

$g->clear()->script(undef, [ [wait_close =>] ]);

$r = post('/timeout');
is($r->{complete}, 1, 'timeout, regular end');
like($r->{body}, qr/^: heartbeat\n\n/, 'timeout, heartbeats before');
like($r->{body}, qr/"code":"upstream_timeout"\}\}\n\n\z/, 'timeout, told');

# none that is not asked for

$g->clear()->script(undef, [
    [wait_for => 6], [@type], [chunk => 'Hello'], [end =>],
]);

my $c = client();
$c->post_only('/off', body(1));
select undef, undef, undef, 0.2;
$g->signal(6);
unlike($c->response()->{body}, qr/heartbeat/, 'none if off');

$g->clear()->script(undef, [
    [wait_for => 7], [header => 'Content-Type', 'application/json'],
    [body => '{"response":"Hello"}'],
]);

$c = client();
$c->post_only('/real', body(0));
select undef, undef, undef, 0.2;
$g->signal(7);
is($c->response()->json()->{choices}[0]{message}{content}, 'Hello',
    'none in a body');

# a client that goes away while only heartbeats are sent

$g->clear()->script(undef, [ [wait_close =>] ]);

$r = start('/real', $c = client());
piece($r);
$c->reset();
ok($g->wait_event('closed'), 'upstream closed');
is(client()->get('/health')->{status}, 200, 'worker alive');

$t->done_testing();

###############################################################################

sub client {
    return Argo::Client->new(port(8080));
}


sub body {
    my ($stream, $uri) = @_;

    return '{"contents":[{"parts":[{"text":"Hi"}]}]}'
        if defined $uri && $uri =~ /Content/;

    return '{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}],'
        . '"stream":' . ($stream ? 'true' : 'false') . '}';
}


sub post {
    my ($uri) = @_;

    return client()->post($uri, body(1));
}


my @kept;

sub start {
    my ($uri, $c) = @_;

    $c ||= client();
    push @kept, $c;

    $c->post_only($uri, body(1, $uri));

    return $c->head();
}


sub piece {
    my ($r) = @_;

    return $r->next_piece();
}


sub until_match {
    my ($r, $pattern) = @_;

    my $seen = '';

    while ($seen !~ $pattern) {
        my $piece = $r->next_piece();
        return $seen unless defined $piece;
        $seen .= $piece;
    }

    return $seen;
}

###############################################################################
