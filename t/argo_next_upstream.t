#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for several upstream servers: a request that one of them may have
# begun to work on is not sent to another.

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

    upstream argo {
        server  127.0.0.1:8081 max_fails=0;
        server  127.0.0.1:8082 max_fails=0 backup;
    }

    upstream refused {
        server  127.0.0.1:8083 max_fails=0;
        server  127.0.0.1:8082 max_fails=0 backup;
    }

    log_format  test  "$upstream_addr $upstream_status $argo_upstream_calls";

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        access_log  %%TESTDIR%%/test.log test;

        location = /chat {
            argo_endpoint  chat_completions;
        }

        location = /refused {
            argo_endpoint  chat_completions;
            argo_upstream  /refused/;
            argo_upstream_api legacy;
        }

        location /argo/ {
            internal;
            proxy_pass           http://argo/;
            proxy_http_version   1.1;
            proxy_set_header     Connection "";
            proxy_read_timeout   200ms;
            proxy_next_upstream  error timeout invalid_header http_500
                                 http_502 http_503 http_504 http_403
                                 http_404 http_429;
        }

        location /refused/ {
            internal;
            proxy_pass          http://refused/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
        }
    }
}
EOC

my $g1 = Argo::Gateway->new($t, 8081);
my $g2 = Argo::Gateway->new($t, 8082);

$t->run();

###############################################################################

for my $stream (0, 1) {
    my $kind = $stream ? 'stream' : 'unary';

    if ($stream) {
        $g2->stream('Hello');
    } else {
        $g2->answer('Hello');
    }

    for my $status (403, 404, 429, 500, 502, 503, 504) {
        $g1->clear()->script(undef, [
            [status => $status], [header => 'Content-Type', 'text/html'],
            [body => '<html>'],
        ]);
        $g2->clear();

        is(post('/chat', $stream)->{status}, $status, "$kind, $status");
        is(() = $g1->requests(), 1, "$kind, $status, one request");
        is(() = $g2->requests(), 0, "$kind, $status, no other");
    }

    for (
        [ 'reset', 502, [reset =>] ],
        [ 'close', 502, [close =>] ],
        [ 'silence', 504, [wait_close =>] ],
        [ 'bad header', 502, [raw => "HTTP/1.1 200 OK\r\nX: \0\r\n\r\n"],
            [close =>] ],
    ) {
        my ($name, $status, @steps) = @$_;

        $g1->clear()->script(undef, \@steps);
        $g2->clear();

        is(post('/chat', $stream)->{status}, $status, "$kind, $name");
        is(() = $g1->requests(), 1, "$kind, $name, one request");
        is(() = $g2->requests(), 0, "$kind, $name, no other");
    }

    # a server that has not seen the request is another matter

    $g2->clear();

    my $r = post('/refused', $stream);
    is($r->{status}, 200, "$kind, refused by the first");
    is(() = $g2->requests(), 1, "$kind, sent to the second");
    is($g2->request()->{method}, 'POST', "$kind, method at the second");
    is($g2->request_json()->{user}, 'jdoe', "$kind, body at the second");
    is($stream ? $r->text() : $r->json()->{choices}[0]{message}{content},
        'Hello', "$kind, reply of the second");

    # written when the reply has been sent, so it may come after it

    my $expected = '127.0.0.1:' . port(8083) . ', 127.0.0.1:' . port(8082)
        . ' 502, 200 1';
    my $line;

    $t->waitfor(sub {
        ($line) = $t->read_file('test.log') =~ /([^\n]*)\n\z/;
        return ($line || '') eq $expected;
    });
    is($line, $expected, "$kind, both in the log");
}

$t->done_testing();

###############################################################################

sub post {
    my ($uri, $stream) = @_;

    $stream = $stream ? '"stream":true,' : '';

    return Argo::Client->new(port(8080))->post($uri, "{$stream\"model\":"
        . '"gpt-4o","messages":[{"role":"user","content":"Hi"}]}');
}

###############################################################################
