#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for bodies that are larger than nginx is told to accept.

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

    argo_user             jdoe;
    argo_upstream         /argo/;
    argo_upstream_api legacy;
    argo_zone             argo 1m;
    argo_models_refresh  0;
    client_max_body_size  1k;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location /v1/ {
            argo_endpoint  auto;
        }

        location = /large {
            argo_endpoint         chat_completions;
            argo_upstream         /limited/;
            argo_upstream_api legacy;
            client_max_body_size  10m;
        }

        location /argo/ {
            internal;
            proxy_pass            http://127.0.0.1:8081/;
            client_max_body_size  0;
        }

        location /limited/ {
            internal;
            proxy_pass  http://127.0.0.1:8081/;
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

$g->answer('Hello');

my $uri = '/v1/chat/completions';
my $too_large = '413 invalid_request_error null request_too_large';

###############################################################################

is(post($uri, chat(100))->{status}, 200, 'small body');
is(post($uri, chat(1024 - length chat(0)))->{status}, 200, 'body of 1k');

$g->clear();

my $r = post($uri, chat(1025 - length chat(0)));
is($r->error(), $too_large, 'body of a byte more');
is($r->{complete}, 1, 'reply is whole');
like($r->header('x-request-id'), qr/^[0-9a-f]{32}$/, 'request id');

is(post($uri, chat(100000))->error(), $too_large, 'large body');
is(post($uri, chat(2000, 1))->error(), $too_large, 'large body for a stream');

# the size of a chunked body shows only later

$r = chunked(map { chat(300) } 1 .. 5);
is($r->error(), $too_large, 'chunked body');

$r = chunked(chat(100000));
is($r->error(), $too_large, 'large chunk');

# with Expect the body is never sent

my $c = client();
$c->write("POST $uri HTTP/1.1\r\nHost: localhost\r\n"
    . "Content-Length: 2000\r\nExpect: 100-continue\r\n\r\n");
is($c->response()->error(), $too_large, 'expectation of a large body');
$c->close();

# endpoints that need no body

$c = client();
$c->request('GET', '/v1/models', body => 'x' x 2000);
is($c->response()->error(), $too_large, 'large body for another endpoint');
$c->close();

is(() = $g->requests(), 0, 'nothing was sent');

# the limit of the location that ARGO is reached by

$r = post('/large', chat(500));
is($r->{status}, 200, 'small body for the second limit');

$g->clear();
$r = post('/large', chat(5000));
is($r->error(), $too_large, 'second limit');
is(post('/large', chat(5000, 1))->error(), $too_large,
    'second limit, stream');
is(() = $g->requests(), 0, 'nothing was sent past the second limit');

$t->done_testing();

###############################################################################

sub client {
    return Argo::Client->new(port(8080));
}


sub chat {
    my ($n, $stream) = @_;

    $stream = $stream ? '"stream":true,' : '';

    return "{${stream}\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\","
        . '"content":"' . 'x' x $n . '"}]}';
}


sub post {
    return client()->post(@_);
}


sub chunked {
    my $c = client();

    $c->request('POST', $uri, chunks => [ @_ ]);

    return $c->response();
}

###############################################################################
