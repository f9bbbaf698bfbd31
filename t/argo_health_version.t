#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for the endpoints "health" and "version".

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;

my $t = Argo::Test->new();

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location = /health {
            argo_endpoint  health;
        }

        location = /version {
            argo_endpoint  version;
        }

        location /any/ {
            argo_endpoint  health;
        }
    }
}
EOC

# that nothing is at ARGO's place is part of the test

$t->run();

###############################################################################

my $c = Argo::Client->new(port(8080));

my $r = $c->get('/health');
is($r->{status}, 200, 'health');
is($r->{body}, '{"status":"healthy"}', 'health, body');
like($r->header('content-type'), qr{^application/json\b}, 'health, type');

$r = $c->get('/version');
is($r->{status}, 200, 'version');
like($r->json()->{version}, qr/^\d+\.\d+\.\d+$/, 'version, number');
is(join(' ', sort keys %{$r->json()}),
    'checked_at latest message up_to_date version', 'version, members');
is(join(' ', map { defined $_ ? $_ : 'null' }
    @{$r->json()}{qw/ latest up_to_date message checked_at /}),
    'null null null null', 'version, nothing known of others');

my ($header) = do {
    open my $f, '<', '../src/core/argo_core.h' or die "argo_core.h: $!";
    local $/;
    <$f> =~ /ARGO_VERSION\s+"([^"]+)"/;
};
is($r->json()->{version}, $header, 'version of the source');

is($c->get('/health?probe=1')->{status}, 200, 'health, arguments');
is($c->get('/any/where')->{body}, '{"status":"healthy"}',
    'health at any path');

for my $uri ('/health', '/version') {
    my $length = length $c->get($uri)->{body};

    $c->request('HEAD', $uri);
    $r = $c->response(head => 1);
    is($r->{status}, 200, "HEAD $uri");
    is($r->header('content-length'), $length, "HEAD $uri, length");

    for my $method (qw/ POST PUT DELETE PATCH OPTIONS /) {
        $c->request($method, $uri, body => '{}');
        $r = $c->response();
        is($r->error(), '405 invalid_request_error null method_not_allowed',
            "$method $uri");
        is($r->header('allow'), 'GET, HEAD', "$method $uri, allow");
    }
}

# a body is not minded

$c->request('GET', '/health', body => 'x' x 10000);
is($c->response()->{status}, 200, 'GET with a body');
is($c->get('/health')->{status}, 200, 'connection kept after a body');

like(http("GET /health HTTP/1.0\r\n\r\n"), qr/\n\{"status":"healthy"\}$/,
    'HTTP/1.0');

$t->done_testing();

###############################################################################
