#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for a reload, and for a graceful stop, in the middle of streams.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;

my $t = Argo::Test->new();

my $conf = <<'EOC';
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_user      USER;
    argo_upstream  /argo/;
    argo_upstream_api legacy;
    argo_zone      argo 1m;

    argo_models_refresh  0;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location /v1/ {
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

$t->write_file_expand('nginx.conf', $conf =~ s/USER/before/r);

my $g = Argo::Gateway->new($t, 8081);

$g->script('/api/v1/resource/streamchat/', [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'One'], [wait_for => 'two'], [chunk => ', two'],
    [wait_for => 'three'], [chunk => ', three'], [end =>],
]);
$g->script('/api/v1/resource/chat/', [
    [wait_for => 'answer'], [header => 'Content-Type', 'application/json'],
    [body => '{"response":"Hello"}'],
]);

$t->run();

###############################################################################

my @streams = map { begin() } 1 .. 3;
my $unary = client();
$unary->post_only('/v1/chat/completions', body(0));
$g->wait_event('request', 4);

is(scalar @streams, 3, 'streams before');

$t->write_file_expand('nginx.conf', $conf =~ s/USER/after/r);
ok($t->reload(), 'reload');

# new workers serve while the old ones still stream

$g->signal('answer');

my $after = $t->waitfor(sub {
    client()->post('/v1/chat/completions', body(0));
    return grep { $_->{body} =~ /"user":"after"/ } $g->requests();
});

ok($after, 'new configuration serves');
is($unary->response()->json()->{choices}[0]{message}{content}, 'Hello',
    'unary request of before');

$g->signal('two');

is(next_text($_), ', two', 'stream goes on') for @streams;

$g->signal('three');

for my $r (@streams) {
    is($r->text(), 'One, two, three', 'stream of before');
    like($r->{body}, qr/data: \[DONE\]\n\n\z/, 'stream of before, done');
    is($r->{complete}, 1, 'stream of before, regular end');
}

# the old workers are gone then

ok($t->waitfor(sub { 1 == (() = $t->workers()) }), 'one worker left');
like($t->read_file('error.log'), qr/exited with code 0/,
    'regular exit of the old worker');
unlike($t->read_file('error.log'), qr/open socket .* left in connection/,
    'nothing left in the old worker');

# a broken configuration changes nothing

$g->clear();

my $r = begin();

$t->write_file_expand('nginx.conf', $conf =~ s/argo_zone.*\n//r);
kill 'HUP', $t->nginx_pid();

ok($t->waitfor(sub {
    return $t->read_file('error.log') =~ /needs "argo_zone/;
}), 'broken configuration refused');

$g->signal($_) for qw/ two three answer /;
is($r->text(), 'One, two, three', 'stream beside a refused configuration');
is(client()->post('/v1/chat/completions', body(0))->{status}, 200,
    'request after a refused configuration');

# a graceful stop waits for streams

$g->clear();

$r = begin();
kill 'QUIT', $t->nginx_pid();
$t->waitfor(sub { $t->read_file('error.log') =~ /gracefully shutting down/ });
$g->signal($_) for qw/ two three /;
is($r->text(), 'One, two, three', 'stream in a graceful stop');
is($r->{complete}, 1, 'stream in a graceful stop, regular end');

# the refusal above is no alert that should not be there

$t->stop();
$t->write_file('error.log', $t->read_file('error.log')
    =~ s/^.*\[emerg\].*needs "argo_zone.*\n//mgr);

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


# Begins a stream and reads its first text.

sub begin {
    my $c = client();

    $c->post_only('/v1/chat/completions', body(1));

    my $r = $c->head();

    return next_text($r) eq 'One' ? $r : ();
}


sub next_text {
    my ($r) = @_;

    while (my $e = $r->next_event()) {
        my $text = $e->{json}{choices}[0]{delta}{content};
        return $text if defined $text && length $text;
    }

    return '';
}

###############################################################################
