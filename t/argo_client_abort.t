#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for clients that go away: ARGO is told at once, so that it stops
# working, and nothing is left behind.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;

my $t = Argo::Test->new()->has(qw/ http_stub_status /);

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

    log_format  test  "$status $argo_error";

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        access_log  %%TESTDIR%%/test.log test;

        location = /real {
            argo_endpoint  chat_completions;
        }

        location = /pseudo {
            argo_endpoint  chat_completions;
            argo_stream    pseudo;
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
        }

        location = /status {
            access_log   off;
            stub_status;
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my ($worker) = $t->workers();

###############################################################################

# before ARGO has answered, and in the middle of its answer

for my $how (qw/ close reset /) {
    for (
        [ 'unary', '/real', 0 ],
        [ 'stream', '/real', 1 ],
        [ 'pseudo stream', '/pseudo', 1 ],
    ) {
        my ($name, $uri, $stream) = @$_;

        $g->clear()->script(undef, [[wait_close =>]]);

        my $c = client();
        $c->post_only($uri, body($stream));
        ok($g->wait_event('request'), "$name, request came");
        $c->$how();
        ok($g->wait_event('closed'), "$name, $how before the answer");
        is(logged(), '499 client_closed', "$name, $how logged");

        $g->clear()->script(undef, [
            [header => 'Content-Type', $name eq 'stream' ? 'text/plain'
                : 'application/json'],
            [chunk => '{"response":'], [drain =>], [chunk => '"x'],
            [drain =>], [wait_close =>],
        ]);

        $c = client();
        $c->post_only($uri, body($stream));

        if ($name eq 'stream') {
            my $r = $c->head();
            is($r->{status}, 200, "$name, header came");
            while (my $e = $r->next_event()) {
                last if $e->{data} =~ /x/;
            }
        } else {
            $g->wait_event('request');
        }

        $c->$how();
        ok($g->wait_event('closed'), "$name, $how in the answer");
        like(logged(), $name eq 'stream' ? qr/^(?:200|499) client_closed$/
            : qr/^499 client_closed$/, "$name, $how in the answer logged");
    }
}

# while the request is still being sent

$g->clear();

my $c = client();
$c->write("POST /real HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    . "\r\n{");
$c->reset();
like(logged(), qr/^4\d\d /, 'request cut by the client');

$c = client();
$c->write("POST /real HTTP/1.1\r\nHost: localhost\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n5\r\n{");
$c->close();
like(logged(), qr/^4\d\d /, 'chunked request cut by the client');

is(() = $g->requests(), 0, 'nothing sent for a cut request');

# many at once, while ARGO sends

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain'], [fill => 20000, "0123456789\n"],
    [wait_close =>],
]);

my @clients = map { client() } 1 .. 40;

$_->post_only('/real', body(1)) for @clients;
$clients[$_]->head()->next_event() for 0 .. 19;
ok($g->wait_event('request', 40), 'many requests came');
$_->reset() for @clients;

ok($g->wait_event('closed', 40), 'all upstream connections closed');

# nothing is left: no connection but the one that asks

ok($t->waitfor(sub {
    return client()->get('/status')->{body} =~ /^Active connections: 1 \n/;
}), 'no connection left');

$g->answer('Hello');
is(client()->post('/real', body(0))->{status}, 200, 'good reply');
is(join(' ', $t->workers()), $worker, 'same worker');
unlike($t->read_file('error.log'), qr/\[(?:error|warn)\]/,
    'no errors logged');

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


# The next line of the log, when it has come.

sub logged {
    our $lines;

    $lines = 0 unless defined $lines;

    my $line = $t->waitfor(sub {
        my @lines = split /\n/, $t->read_file('test.log');
        return $lines[$lines];
    });

    $lines++;

    return defined $line ? $line : 'nothing logged';
}

###############################################################################
