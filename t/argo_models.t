#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for the list of models, and for single ones.

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

worker_processes  3;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_zone  argo 1m;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location /v1/models {
            argo_endpoint  models;
        }

        location /named/ {
            argo_endpoint  models;
        }

        location /alias/models {
            argo_endpoint  models;
            argo_model     "my model" gpt5nano;
            argo_model     org/lab:x gptlab7;
        }

        location ~ ^/regex/(.*)$ {
            argo_endpoint  models;
        }
    }
}
EOC

$t->run();

###############################################################################

my $c = client();
my $r = $c->get('/v1/models');

is($r->{status}, 200, 'list, status');
like($r->header('content-type'), qr{^application/json\b}, 'list, type');
like($r->header('x-request-id'), qr/^[0-9a-f]{32}$/, 'list, request id');
is($r->{framing}, 'length', 'list, length');

my $list = $r->json();
my @models = @{$list->{data}};
my %models = map { $_->{id} => $_ } @models;

is($list->{object}, 'list', 'list, object');
cmp_ok(scalar @models, '>', 40, 'list, many names');
is(scalar keys %models, scalar @models, 'list, names once');
is(scalar(grep { $_->{object} ne 'model' } @models), 0, 'models, object');
is(scalar(grep { !defined $_->{owned_by} || !length $_->{owned_by} }
    @models), 0, 'models, owner');
is(scalar(grep { $_->{id} !~ /^argo:[a-z0-9.-]+$/ } @models), 0,
    'models, ids');

my %created = map { $_->{created} => 1 } @models;

is(scalar keys %created, 1, 'models, one time');
like($r->{body}, qr/"created":\d+[,}]/, 'models, time is a number');
cmp_ok(abs((keys %created)[0] - time()), '<', 3600, 'models, time');

for my $id (qw/ argo:gpt-4o argo:gpt-o3-mini argo:o3-mini argo:gpt-4.1-nano
    argo:claude-opus-4.6 argo:claude-4.6-opus argo:gemini-2.5-pro
    argo:text-embedding-3-small /)
{
    ok($models{$id}, "listed $id");
}

is($models{'argo:gpt-4o'}{owned_by}, $models{'argo:o3-mini'}{owned_by},
    'one owner of two');
isnt($models{'argo:gpt-4o'}{owned_by},
    $models{'argo:claude-opus-4.6'}{owned_by}, 'another owner');

# both kinds of clients find what they look for

is(scalar(grep { ($_->{type} || '') ne 'model' } @models), 0,
    'models, type');
is(scalar(grep { !length($_->{display_name} || '') } @models), 0,
    'models, display name');
is(scalar(grep { ($_->{created_at} || '')
    !~ /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ } @models), 0,
    'models, time in words');
ok(exists $list->{has_more} && !$list->{has_more}, 'list, no more');
is($list->{first_id}, $models[0]{id}, 'list, first');
is($list->{last_id}, $models[-1]{id}, 'list, last');

is($c->get('/v1/models?x=%00&limits=1')->{body}, $r->{body},
    'list with arguments');
is($c->get('/v1/models/')->{body}, $r->{body}, 'list with a slash');

# each listed one can be had by its name

my $wrong = 0;

for my $id (keys %models) {
    $r = $c->get("/v1/models/$id");
    $wrong++ if $r->{status} != 200
        || json($r->json()) ne json($models{$id});
}

is($wrong, 0, 'each model by its name');

# names of all kinds

for (
    [ 'gpt-4o', 'gpt-4o' ],
    [ 'gpt4o', 'gpt4o' ],
    [ 'argo%3Agpt-4o', 'argo:gpt-4o' ],
    [ 'argo%3agpt%2D4o', 'argo:gpt-4o' ],
    [ 'argo/gpt-4o', 'argo/gpt-4o' ],
    [ 'argo%2Fgpt-4o', 'argo/gpt-4o' ],
    [ 'openai/gpt-4o', 'openai/gpt-4o' ],
    [ 'anthropic%2fclaude-opus-4.6', 'anthropic/claude-opus-4.6' ],
    [ 'models/gemini-2.5-pro', 'models/gemini-2.5-pro' ],
    [ 'models%2Fgemini-2.5-pro', 'models/gemini-2.5-pro' ],
    [ 'claude-opus-4-6[1m]', 'claude-opus-4-6[1m]' ],
    [ 'claude-opus-4-6%5B1m%5D', 'claude-opus-4-6[1m]' ],
    [ 'GPT-4o?x=y', 'GPT-4o' ],
) {
    my ($path, $id) = @$_;

    $r = $c->get("/v1/models/$path");
    is($r->{status}, 200, "status of $path");
    next if $r->{status} != 200;
    is($r->json()->{id}, $id, "id of $path");
    is($r->json()->{object}, 'model', "object of $path");
    like($r->{body}, qr/"created":\d+[,}]/, "time of $path");
    ok($r->json()->{owned_by}, "owner of $path");
}

for my $path ('gpt-9', 'argo:', '%22', '%00', 'x' x 3000, 'gpt-4o/x',
    '%FF%FE')
{
    $r = $c->get("/v1/models/$path");

    # some of them nginx itself takes for a bad request
    my $expected = $path eq '%00' ? '400 invalid_request_error null null'
        : '404 invalid_request_error model model_not_found';

    if ($path eq '%00') {
        is($r->{status}, 400, 'nul in a path');
        $c = client();
        next;
    }

    is($r->error(), $expected, 'unknown model ' . substr $path, 0, 10);
}

like($c->get('/v1/models/gpt-4.1-nanoo')->message(), qr/gpt-4\.1-nano/,
    'near match named');

# methods

$c = client();
my $length = length $c->get('/v1/models')->{body};
$c->request('HEAD', '/v1/models');
$r = $c->response(head => 1);
is($r->{status}, 200, 'HEAD');
is($r->header('content-length'), $length, 'HEAD, length');

$c->request('HEAD', '/v1/models/gpt-9');
$r = $c->response(head => 1);
is($r->{status}, 404, 'HEAD of an unknown model');
is($c->get('/v1/models/gpt-4o')->{status}, 200, 'connection kept after HEAD');

for my $method (qw/ POST PUT DELETE OPTIONS /) {
    for my $path ('/v1/models', '/v1/models/gpt-4o') {
        $c->request($method, $path, body => '{}');
        $r = $c->response();
        is($r->error(), '405 invalid_request_error null method_not_allowed',
            "$method $path");
        is($r->header('allow'), 'GET, HEAD', "$method $path, allow");
    }
}

# locations of other names

is($c->get('/named/models/argo:gpt-4o')->json()->{id}, 'argo:gpt-4o',
    'another location');
is($c->get('/named/v1/models')->json()->{object}, 'list',
    'another location, list');
is($c->get('/regex/v1/models/argo:gpt-4o')->json()->{id}, 'argo:gpt-4o',
    'regular expression');

# aliases

%models = map { $_->{id} => $_ }
    @{$c->get('/alias/models')->json()->{data}};

ok($models{'my model'}, 'alias listed');
ok($models{'org/lab:x'}, 'alias of an unknown id listed');
ok($models{'argo:gpt-4o'}, 'others still listed');
is($c->get('/alias/models/my%20model')->json()->{id}, 'my model',
    'alias by name');
is($c->get('/alias/models/org/lab:x')->json()->{id}, 'org/lab:x',
    'alias with a slash');
is($c->get('/v1/models/my%20model')->error(),
    '404 invalid_request_error model model_not_found', 'alias elsewhere');

# the time is the same in all workers, and after a reload

my ($created) = keys %created;

is(join(' ', times_seen()), $created, 'time in all workers');

# another second, so that a new time would be seen
$t->waitfor(sub { time() > $created });

ok($t->reload(), 'reload');
is(join(' ', times_seen()), $created, 'time after a reload');

$t->done_testing();

###############################################################################

sub client {
    return Argo::Client->new(port(8080));
}


# The times that several connections, and so several workers, tell.

sub times_seen {
    my %seen;

    my @clients = map { client() } 1 .. 20;

    $_->request('GET', '/v1/models/gpt-4o', close => 1) for @clients;
    $seen{$_->response()->json()->{created}}++ for @clients;

    return sort keys %seen;
}

###############################################################################
