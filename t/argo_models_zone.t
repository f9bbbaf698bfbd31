#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for a shared zone that is too small for ARGO's list of models: the
# log says so, and what was known before is served.

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

    argo_zone      argo 32k;
    argo_user      jdoe;
    argo_upstream  /argo/;
    argo_upstream_api legacy;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location /v1/ {
            argo_endpoint  auto;
        }

        location = /refresh {
            argo_endpoint  refresh;
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

my $large = join ',', map {
    json({ id => sprintf('Model %03d %s', $_, 'x' x 80),
        internal_id => sprintf('model%03d%s', $_, 'x' x 50) })
} 1 .. 500;

list_is($large);
$g->script('/api/v1/resource/chat/', [
    [header => 'Content-Type', 'application/json'],
    [body => '{"response":"Hello"}'],
]);

$t->run();

my $c = Argo::Client->new(port(8080));

###############################################################################

my $r = $c->get('/v1/models');

is($r->{status}, 200, 'list');
is($r->header('x-argo-models-source'), 'builtin', 'built-in list');
is(complaints(), 1, 'the log says why');
ok(logged("ARGO's list of models does not fit in the shared zone", '"argo"',
    'bytes for 500 models', '"argo_zone" must be larger'), 'and what to do');

$r = $c->post('/refresh', '');
is($r->error(), '500 server_error null zone_too_small', 'refresh');
is($r->json()->{status}, 'error', 'refresh, status');
like($r->json()->{message}, qr/^Refresh failed: .*shared memory/,
    'refresh, message');

is(chat('gpt-5'), 200, 'chat');

# one that fits

list_is('{"id":"Nova 9","internal_id":"nova9"}');

is($c->post('/refresh', '')->{status}, 200, 'a list that fits');
$r = $c->get('/v1/models');
is($r->header('x-argo-models-source'), 'live', 'is served');
my $live = $r->{body};
is(chat('nova-9'), 200, 'its models');

# and stays when the next one does not

list_is($large);

is($c->post('/refresh', '')->{status}, 500, 'too large again');
is($c->get('/v1/models')->{body}, $live, 'the list stays');
is(chat('nova-9'), 200, 'its models stay');
is(complaints(), 3, 'the log says so each time');

# as often as one likes

list_is('{"id":"Nova 9","internal_id":"nova9"}');

is(scalar(grep { $c->post('/refresh', '')->{status} == 200 } 1 .. 50), 50,
    'no room is lost');

###############################################################################

# more lists than there is room for

my $locations = join "\n", map {
    my $prefix = sprintf '/%s%04d', 'x' x 900, $_;
    "location $prefix/v1/ { argo_endpoint auto; argo_upstream $prefix/; }"
} 1 .. 60;

my $conf = $t->read_file('nginx.conf');
$conf =~ s/(location \/argo\/)/$locations\n$1/;
$t->write_file('nginx.conf', $conf);

ok($t->reload(), 'reload');
ok(logged('the shared zone "argo" has no room for the list of models of',
    '"argo_zone" must be larger'), 'the log says that too');

my $last = sprintf '/%s%04d', 'x' x 900, 60;

# the old worker, which does not know the place, may take some more

$t->waitfor(sub {
    $c = Argo::Client->new(port(8080));
    $r = $c->get("$last/v1/models");
    return $r->{status} == 200;
});

is($r->header('x-argo-models-source'), 'builtin', 'built-in list there');
is($c->post("$last/v1/refresh", '')->error(),
    '500 server_error null zone_too_small', 'no refresh there');
is($c->get('/v1/models')->{body}, $live, 'others have theirs');

$t->done_testing();

###############################################################################

sub list_is {
    my ($rows) = @_;

    $g->script('/api/v1/models/', [
        [header => 'Content-Type', 'application/json'],
        [body => "{\"data\":[$rows]}"],
    ]);
}


# True if a line of the log, an error, has all these texts in it.

sub logged {
    my @texts = @_;

    LINE: for my $line (split /\n/, $t->read_file('error.log')) {
        next if $line !~ /\[error\]/;
        index($line, $_) >= 0 or next LINE for @texts;
        return 1;
    }

    return 0;
}


sub complaints {
    return scalar(() = $t->read_file('error.log') =~ /does not fit in the/g);
}


sub chat {
    my ($model) = @_;

    return $c->post('/v1/chat/completions', json({ model => $model,
        messages => [ { role => 'user', content => 'Hi' } ] }))->{status};
}

###############################################################################
