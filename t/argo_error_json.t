#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for errors that nginx itself makes of requests to an endpoint: clients
# of the API get them as JSON.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;

my $t = Argo::Test->new()->has(qw/ http_auth_request /);

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
    argo_zone      argo 1m;

    argo_models_refresh  0;

    limit_req_zone   $uri$http_x_client zone=one:1m rate=1r/m;
    limit_conn_zone  $http_x_client zone=conn:1m;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location = /deny {
            argo_endpoint  chat_completions;
            deny           all;
        }

        location = /health_deny {
            argo_endpoint  health;
            deny           all;
        }

        location /auto/ {
            argo_endpoint  auto;
            deny           all;
        }

        location = /basic {
            argo_endpoint         chat_completions;
            argo_user             $remote_user;
            auth_basic            "the lab";
            auth_basic_user_file  %%TESTDIR%%/htpasswd;
        }

        location = /auth_request {
            argo_endpoint  chat_completions;
            auth_request   /auth;
        }

        location = /auth {
            internal;
            return 401 "canary";
        }

        location = /limit429 {
            argo_endpoint     chat_completions;
            limit_req         zone=one;
            limit_req_status  429;
        }

        location = /limit503 {
            argo_endpoint  chat_completions;
            limit_req      zone=one;
        }

        location = /limit_conn {
            argo_endpoint      chat_completions;
            limit_conn         conn 1;
            limit_conn_status  429;
        }

        location = /limit_except {
            argo_endpoint  chat_completions;

            limit_except POST {
                deny  all;
            }
        }

        location = /return {
            argo_endpoint  chat_completions;

            if ($arg_status = 400) {
                return 400;
            }

            if ($arg_status = 404) {
                return 404;
            }

            if ($arg_status = 410) {
                return 410;
            }

            if ($arg_status = 418) {
                return 418 "canary";
            }

            if ($arg_status = 500) {
                return 500;
            }

            if ($arg_status = 503) {
                return 503;
            }

            return 403;
        }

        location = /error_page {
            argo_endpoint  chat_completions;
            error_page     403 /page.html;
            deny           all;
        }

        location = /error_page_own {
            argo_endpoint  chat_completions;
            error_page     403 /page.html;
        }

        location = /page.html {
            return 403 "own page";
        }

        location = /no_upstream {
            argo_endpoint  chat_completions;
            argo_upstream  /nothing/there/;
            argo_upstream_api legacy;
        }

        location = /itself {
            argo_endpoint  chat_completions;
            argo_upstream  /loop/;
            argo_upstream_api legacy;
        }

        location /loop/ {
            argo_endpoint  auto;
        }

        location = /returned {
            argo_endpoint  chat_completions;
            argo_upstream  /return_upstream/;
            argo_upstream_api legacy;
        }

        location /return_upstream/ {
            internal;
            default_type  application/json;
            return 200 '{"response":"Hello"}';
        }

        location = /other {
            deny  all;
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

$t->write_file('htpasswd', "asmith:{PLAIN}secret\n");

my $g = Argo::Gateway->new($t, 8081);

$g->answer('Hello');

$t->run();

###############################################################################

my $denied = '403 permission_error null null';

for my $uri ('/deny', '/health_deny', '/auto/models', '/auto/nothing',
    '/auto/v1/chat/completions')
{
    my $r = client()->get($uri);
    is($r->error(), $denied, "denied $uri");
    is($r->{complete}, 1, "denied $uri, whole");
    is($r->header('content-length'), length $r->{body},
        "denied $uri, length");
    is(scalar(my @types = $r->headers_named('content-type')), 1,
        "denied $uri, one type");
    like($r->header('x-request-id'), qr/^[0-9a-f]{32}$/,
        "denied $uri, request id");
}

# with a body that is not read, and several on one connection

my $c = client();

for my $body (body(), body('x' x 100000)) {
    is($c->post('/deny', $body)->error(), $denied, 'denied with a body')
        for 1 .. 3;
}

is(post('/limit_except')->{status}, 200, 'limit_except, allowed');
is(client()->get('/limit_except')->error(), $denied,
    'limit_except, not allowed');

# HEAD

for my $uri ('/deny', '/return?status=503') {
    my $length = length $c->get($uri)->{body};

    $c->request('HEAD', $uri);
    my $r = $c->response(head => 1);
    is($r->{status}, $uri eq '/deny' ? 403 : 503, "HEAD $uri");
    like($r->header('content-type'), qr{^application/json\b},
        "HEAD $uri, type");
    is($r->header('content-length'), $length, "HEAD $uri, length");
}

is($c->get('/deny')->error(), $denied, 'connection kept after HEAD');

# HTTP/1.0

$c = client();
$c->request('GET', '/deny', version => '1.0');
is($c->response()->error(), $denied, 'HTTP/1.0');

# credentials

my $unauthorized = '401 authentication_error null null';
my $r = post('/basic');

is($r->error(), $unauthorized, 'no credentials');
is($r->header('www-authenticate'), 'Basic realm="the lab"',
    'credentials asked for');
is(post('/basic', 'Authorization', 'Basic YXNtaXRoOndyb25n')->error(),
    $unauthorized, 'wrong credentials');

$g->clear();
is(post('/basic', 'Authorization', 'Basic YXNtaXRoOnNlY3JldA==')->{status},
    200, 'right credentials');
is($g->request_json()->{user}, 'asmith', 'user of the credentials');

$r = post('/auth_request');
is($r->error(), $unauthorized, 'auth_request');
unlike($r->{body}, qr/canary/, 'auth_request, body of ours');

# limits

my %limits = (
    limit429 => '429 rate_limit_error null rate_limit_exceeded',
    limit503 => '503 server_error null null',
);

for my $limit (sort keys %limits) {
    is(post("/$limit")->{status}, 200, "first of $limit");

    $r = post("/$limit");
    is($r->error(), $limits{$limit}, "second of $limit");
    like($r->header('retry-after'), qr/^\d+$/, "time to wait of $limit");
}

$g->script(undef, [
    [wait_for => 'go'], [header => 'Content-Type', 'application/json'],
    [body => '{"response":"Hello"}'],
]);
$g->clear();
$c = client();
$c->post_only('/limit_conn', body(), headers => [ 'X-Client', 1 ]);
$g->wait_event('request');
is(post('/limit_conn', 'X-Client', 1)->error(), $limits{limit429},
    'second connection');
$g->signal('go');
is($c->response()->{status}, 200, 'first connection');
$g->answer('Hello');

# return

for (
    [ 400, '400 invalid_request_error null null' ],
    [ 403, $denied ],
    [ 404, '404 invalid_request_error null unknown_url' ],
    [ 410, '410 invalid_request_error null null' ],
    [ 418, '418 invalid_request_error null null' ],
    [ 500, '500 server_error null null' ],
    [ 503, '503 server_error null null' ],
) {
    my ($status, $expected) = @$_;

    $r = post("/return?status=$status");
    is($r->error(), $expected, "return $status");
    unlike($r->{body}, qr/canary|<html/, "return $status, body of ours");
}

# a page of the administrator's own is his choice

$r = post('/error_page');
is("$r->{status} $r->{body}", '403 own page', 'page of his own');

# but what we answer ourselves is not an error of nginx

$g->stream('IMPORTANT AUTHENTICATION NOTICE FROM ARGO');
$r = client()->post('/error_page_own', body() =~ s/\{/{"stream":true,/r);
is($r->error(), '403 permission_error null argo_access_denied',
    'no page for our own error');
$g->answer('Hello');

# where there is no endpoint nothing is changed

$r = client()->get('/other');
like($r->{body}, qr/<html>/, 'page elsewhere');

# an internal location that is none

for my $uri ('/no_upstream', '/itself', '/returned') {
    for my $stream (0, 1) {
        my $body = $stream ? body() =~ s/\{/{"stream":true,/r : body();

        $r = client()->post($uri, $body);
        like($r->error(), qr/^50\d server_error null /,
            "wrong configuration $uri $stream");
    }
}

$t->done_testing();

###############################################################################

sub client {
    return Argo::Client->new(port(8080));
}


sub body {
    my ($text) = @_;

    $text = 'Hi' unless defined $text;

    return '{"model":"gpt-4o","messages":[{"role":"user","content":'
        . "\"$text\"}]}";
}


sub post {
    my ($uri, @headers) = @_;

    return client()->post($uri, body(), headers => \@headers);
}

###############################################################################
