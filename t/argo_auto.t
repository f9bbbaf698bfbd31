#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for "argo_endpoint auto": the endpoint is found by the path below
# the prefix of any kind of location.

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
    argo_zone      argo 1m;
    argo_models_refresh  0;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location /v1/ {
            argo_endpoint  auto;
        }

        location /deep/prefix/ {
            argo_endpoint  auto;
        }

        location /noslash {
            argo_endpoint  auto;
        }

        location /deep/v1/prefix/ {
            argo_endpoint  auto;
        }

        location ~ ^/regex/[^/]+/v1/ {
            argo_endpoint  auto;
        }

        location = /exact/v1/chat/completions {
            argo_endpoint  auto;
        }

        location = /exact/v1/models {
            argo_endpoint  auto;
        }

        location ^~ /first/ {
            argo_endpoint  auto;
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
        }
    }

    server {
        listen       127.0.0.1:8082;
        server_name  localhost;

        location / {
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

my $g = Argo::Gateway->new($t, 8081);

$g->script('/api/v1/resource/chat/', [
    [header => 'Content-Type', 'application/json'],
    [body => '{"response":"Hello"}'],
]);
$g->script('/api/v1/resource/embed/', [
    [header => 'Content-Type', 'application/json'],
    [body => '{"embedding":[[1.0,0.0]]}'],
]);
$g->script('/api/v1/resource/streamchat/', [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'Hello'], [end =>],
]);

$t->run();

my $body = '{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}';
my $prompt = '{"model":"gpt-4o","prompt":"Hi"}';
my $input = '{"model":"gpt-4o","input":"Hi"}';
my $text = '{"model":"v3small","input":"Hi"}';
my $texts = '{"model":"v3small","prompt":["Hi"]}';
my $message = '{"model":"gpt-4o","max_tokens":9,"messages":'
    . '[{"role":"user","content":"Hi"}]}';

# of "Hi", by the tables or by estimate

my $build = $ENV{ARGO_BUILD_DIR} || '../build';
my $count = -e "$build/o200k_base.argo" ? 8 : 1;
my $contents = '{"contents":[{"parts":[{"text":"Hi"}]}]}';
my $unknown = '404 invalid_request_error null unknown_url';
my $wrong_method = '405 invalid_request_error null method_not_allowed';

###############################################################################

# prefixes: port, prefix of the API

for (
    [ 8080, '/v1' ],
    [ 8080, '/deep/prefix' ],
    [ 8080, '/deep/prefix/v1' ],
    [ 8080, '/noslash' ],
    [ 8080, '/noslash/v1' ],
    [ 8080, '/deep/v1/prefix' ],
    [ 8080, '/deep/v1/prefix/v1' ],
    [ 8080, '/regex/any/v1' ],
    [ 8080, '/first' ],
    [ 8080, '/first/v1' ],
    [ 8082, '' ],
    [ 8082, '/v1' ],
) {
    my ($port, $prefix) = @$_;
    my $name = "$port$prefix";
    my $c = Argo::Client->new(port($port));

    is($c->post("$prefix/chat/completions", $body)->{status}, 200,
        "$name, chat");
    is($c->post("$prefix/chat/completions?a=b",
        $body =~ s/\{/{"stream":true,/r)->text(), 'Hello', "$name, stream");
    is($c->get("$prefix/chat/completions")->error(), $wrong_method,
        "$name, chat, wrong method");

    for (
        [ 'completions', $prompt, 'text_completion' ],
        [ 'responses', $input, 'response' ],
        [ 'embeddings', $text, 'list' ],
        [ 'chat', $prompt, undef, '{"response":"Hello"}' ],
        [ 'embed', $texts, undef, '{"embedding":[[1.0,0.0]]}' ],
    ) {
        my ($path, $body, $object, $whole) = @$_;

        my $r = $c->post("$prefix/$path", $body);
        is($r->{status}, 200, "$name, $path");
        is($r->json()->{object}, $object, "$name, $path, object");
        is($r->{body}, $whole, "$name, $path, body") if defined $whole;

        is($c->get("$prefix/$path")->error(), $wrong_method,
            "$name, $path, wrong method");
        is($c->post("$prefix/$path/x", $body)->error(), $unknown,
            "$name, $path, path below");
        is($c->post("$prefix/${path}x", $body)->error(), $unknown,
            "$name, $path, longer path");
    }

    my $counted = $c->post("$prefix/responses/input_tokens",
        '{"model":"gpt-4o","input":"Hi"}');
    is($counted->{body}, '{"object":"response.input_tokens","input_tokens":'
        . "$count}", "$name, responses/input_tokens");

    # Anthropic's, with its own errors

    for (
        [ 'messages', 'type', 'message' ],
        [ 'messages/count_tokens', 'input_tokens', $count ],
    ) {
        my ($path, $member, $value) = @$_;

        my $r = $c->post("$prefix/$path", $message);
        is($r->{status}, 200, "$name, $path");
        is($r->json()->{$member}, $value, "$name, $path, $member");

        for my $wrong (
            [ $c->get("$prefix/$path"), '405 invalid_request_error' ],
            [ $c->post("$prefix/$path/x", $message), '404 not_found_error' ],
        ) {
            my ($r, $expected) = @$wrong;
            is(join(' ', $r->{status}, $r->json()->{error}{type}), $expected,
                "$name, $path, $expected");
            is($r->json()->{type}, 'error', "$name, $path, envelope");
        }

        is($c->post("$prefix/${path}x", $message)->{status}, 404,
            "$name, $path, longer path");
    }

    # Google's are told from the list by their version or method

    for my $at ($prefix, $prefix =~ /v1$/ ? () : "$prefix/v1beta") {
        my $r = $c->post("$at/models/argo:gpt-4o:generateContent", $contents);

        is($r->{status}, 200, "$port$at, generateContent");
        is($r->json()->{candidates}[0]{content}{parts}[0]{text}, 'Hello',
            "$port$at, generateContent, text");

        $r = $c->post("$at/models/argo:gpt-4o:countTokens", $contents);
        is($r->json()->{totalTokens}, $count, "$port$at, countTokens");

        $r = $c->post("$at/models/argo:gpt-4o:nothing", $contents);
        is("$r->{status} $r->{body}" =~ s/^(404) .*"(NOT_FOUND)".*/$1 $2/rs,
            '404 NOT_FOUND', "$port$at, other method");

        # what a path allows goes by what it is

        for my $case ([ PUT => '/models', 'GET, HEAD' ],
            [ DELETE => '/models/argo:gpt-4o', 'GET, HEAD' ],
            [ PATCH => '/models', 'GET, HEAD' ],
            [ GET => '/models/argo:gpt-4o:generateContent', 'POST' ],
            [ PUT => '/models/argo:gpt-4o:countTokens', 'POST' ])
        {
            my ($method, $path, $allow) = @$case;

            # elsewhere that is the name of a model
            next if $path =~ /o:/ && $at !~ /v1beta$/;

            $c->request($method, "$at$path");
            $r = $c->response();

            is("$r->{status} " . $r->header('Allow'), "405 $allow",
                "$port$at, $method $path");
        }
    }

    is($c->get("$prefix/models")->json()->{object}, 'list',
        "$name, models");
    is($c->get("$prefix/models/argo:gpt-4o")->json()->{id}, 'argo:gpt-4o',
        "$name, model");
    is($c->get("$prefix/models/openai%2Fgpt-4o")->json()->{id},
        'openai/gpt-4o', "$name, model with a slash");
    is($c->get("$prefix/health")->{body}, '{"status":"healthy"}',
        "$name, health");
    like($c->get("$prefix/version")->{body}, qr/^\{"version":"/,
        "$name, version");

    for my $path ('/', $prefix =~ /v1$/ ? () : ('/v1', '/v1/')) {
        is($c->get("$prefix$path")->json()->{name}, 'ngx_http_argo_module',
            "$name, root $path");
    }

    for my $path ('/nothing', '/chat/', '/chat/completions/x',
        '/chat/completionsx', '/modelsx', '/health/x', '/healthx',
        '/refresh/x', '/v1x', '/CHAT/completions')
    {
        is($c->get("$prefix$path")->error(), $unknown, "$name, $path");
    }

    is($c->post("$prefix/nothing", $body)->error(), $unknown,
        "$name, unknown path with a body");
    is($c->get("$prefix/health")->{status}, 200, "$name, connection kept");
}

# of each route that is listed there is one

for my $path ([ 8080, '/v1/' ], [ 8082, '/' ]) {
    my $c = Argo::Client->new(port($path->[0]));
    my $routes = $c->get($path->[1])->json()->{routes};

    is(join(' ', sort map { $_->{path} =~ s{^/v1/}{/}r } @$routes),
        '/ /chat /chat/completions /completions /embed /embeddings /health '
        . '/messages /messages/count_tokens /models /refresh /responses '
        . '/responses/input_tokens /v1beta/models /version',
        "$path->[1], routes");

    for my $route (@$routes) {
        my ($method) = $route->{methods}[0];

        $c->request($method, $path->[0] == 8080
            ? "/v1$route->{path}" =~ s{^/v1/v1/}{/v1/}r : $route->{path},
            $method eq 'POST' ? (body => '{}') : ());
        unlike($c->response()->error(), qr/unknown_url|method_not_allowed/,
            "$path->[1], $method $route->{path}");
    }
}

# routes of the API that are not served

my $c = Argo::Client->new(port(8080));

for my $path (qw{ responses/resp_1 responses/resp_1/cancel
    responses/resp_1/input_items responses/compact
    conversations files batches images/generations audio/speech moderations
    fine_tuning/jobs assistants threads vector_stores })
{
    for my $method (qw/ GET POST DELETE /) {
        $c->request($method, "/v1/$path", body => '{}');
        is($c->response()->error(), $unknown, "$method /v1/$path");
    }
}

# locations for one path

is($c->post('/exact/v1/chat/completions', $body)->{status}, 200,
    'exact location, chat');
is($c->get('/exact/v1/models')->json()->{object}, 'list',
    'exact location, models');

# ways to write a path

is($c->post('/v1/chat%2Fcompletions', $body)->{status}, 200, 'encoded slash');
is($c->post('/v1//chat/completions', $body)->{status}, 200, 'two slashes');
is($c->post('/v1/x/../chat/completions', $body)->{status}, 200,
    'dots in a path');
is($c->get('/v1/models/x/../argo:gpt-4o')->json()->{id}, 'argo:gpt-4o',
    'dots in a path to a model');

# the internal location is not for clients

like($c->post('/argo/api/v1/resource/chat/', $body)->{status}, qr/^404$/,
    'internal location');

$t->done_testing();

###############################################################################
