#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for what the gateway says of itself: the latest version, by a feed
# that is asked in the background, and the list of its routes.

use warnings;
use strict;

use JSON::PP ();
use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;

my ($version) = do {
    open my $f, '<', '../src/core/argo_core.h' or die "argo_core.h: $!";
    local $/;
    <$f> =~ /ARGO_VERSION\s+"([^"]+)"/;
};

my ($t, $g, $c);

my $conf = <<'EOC';
%%TEST_GLOBALS%%

daemon off;

worker_processes  2;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_zone          argo 1m;
    argo_version_feed  /feed?per_page=5;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location = /version {
            argo_endpoint  version;
        }

        location = /quiet {
            argo_endpoint      version;
            argo_version_feed  /nothing;
        }

        location / {
            argo_endpoint  root;
        }

        location /api/ {
            argo_endpoint        auto;
            argo_upstream        /argo/;
            argo_upstream_api legacy;
            argo_user            jdoe;
            argo_models_refresh  0;
        }

        location = /feed {
            internal;
            %%FEED%%
        }

        location = /nothing {
            internal;
            return 404;
        }
    }
}
EOC

my $proxy = 'proxy_pass http://127.0.0.1:8081/releases$is_args$args;';

###############################################################################

subtest 'newer version' => sub {
    start($proxy);

    $g->script('/releases?per_page=5', [
        [wait_for => 'feed'],
        [header => 'Content-Type', 'application/vnd.github+json'],
        [body => json([ { tag_name => 'v9.0.0-rc.1',
            prerelease => JSON::PP::true() }, { tag_name => 'v8.2.0' },
            { tag_name => 'nightly' }, { tag_name => 'v8.10.0' } ])],
    ]);

    my $r = $c->get('/version', headers => [ 'User-Agent', 'secret/1' ]);

    is($r->{status}, 200, 'answered before the feed');
    is(members($r), "$version null null null null", 'nothing known');
    is($r->header('connection'), 'close', 'the connection will be closed');

    ok($g->wait_event('request'), 'the feed is asked');

    for (1 .. 5) {
        $r = client()->get('/version');
        is(members($r), "$version null null null null", 'still unknown');
        is($r->header('connection'), 'keep-alive', 'another connection');
    }

    $g->signal('feed');

    ok($t->waitfor(sub { defined client()->get('/version')->json()->{latest} }),
        'the feed has answered');

    $r = client()->get('/version');
    is(members($r), "$version 8.10.0 false "
        . "Version 8.10.0 is available; this is $version time", 'known');
    is(scalar(keys %{$r->json()}), 5, 'no other members');

    my %seen = map { client()->get('/version')->{body} => 1 } 1 .. 20;
    is(join('|', keys %seen), $r->{body}, 'the same in all workers');

    is($c->closed(), 1, 'the first connection is closed');

    my $request = $g->request();
    is($request->{method}, 'GET', 'method');
    is($request->{body}, '', 'no body');
    is(Argo::Gateway::header($request, 'User-Agent'),
        "ngx_http_argo_module/$version", 'nothing of the client');
    is(Argo::Gateway::header($request, 'Accept'), 'application/json',
        'accept');

    like($t->read_file('error.log'),
        qr/\[notice\] .*ngx_http_argo_module 8\.10\.0 is available/,
        'notice in the log');

    ok($t->reload(), 'reload');
    is(client()->get('/version')->{body}, $r->{body}, 'kept over a reload');
    is(client()->get('/api/version')->{body}, $r->{body}, 'by path');
    is(scalar(my @requests = $g->requests()), 1, 'the feed was asked once');

    $c = client();
    $c->request('HEAD', '/version');
    my $head = $c->response(head => 1);
    is($head->{status}, 200, 'HEAD');
    is($head->header('content-length'), length $r->{body}, 'HEAD, length');
};

subtest 'the same version' => sub {
    start($proxy);
    reply([body => json({ version => "v$version+build.7" })]);
    asked();
    is(members(known()), "$version $version+build.7 true null time", 'known');
};

subtest 'an older version' => sub {
    start($proxy);
    reply([body => json({ 'dist-tags' => { latest => '0.0.1' } })]);
    asked();
    is(members(known()), "$version 0.0.1 true null time", 'known');
    unlike($t->read_file('error.log'), qr/is available, this is/, 'no notice');
};

subtest 'a file' => sub {
    start('alias %%TESTDIR%%/latest.json;',
        'latest.json' => '{"latest":"7.0.0"}');
    client()->get('/version');
    is(members(known()), "$version 7.0.0 false "
        . "Version 7.0.0 is available; this is $version time", 'known');
};

for (
    [ 'status 500', [status => 500], [body => '{"tag_name":"v9.0.0"}'] ],
    [ 'status 404', [status => 404], [body => '{"message":"Not Found"}'] ],
    [ 'a redirect', [status => 302], [header => 'Location', '/x'],
        [body => ''] ],
    [ 'HTML', [header => 'Content-Type', 'text/html'],
        [body => '<html></html>'] ],
    [ 'no version', [body => '{"tag_name":"nightly"}'] ],
    [ 'a cut', [header => 'Content-Length', 100],
        [data => '{"tag_name":"v9.0.0"}'], [close =>] ],
    [ 'nothing', [close =>] ],
    [ 'too much', [body => '"' . 'x' x 1_100_000 . '"'] ],
) {
    my ($name, @steps) = @$_;

    subtest $name => sub {
        start($proxy);
        $g->script('/releases?per_page=5', [ @steps ]);
        client()->get('/version');

        ok($t->waitfor(sub { $t->read_file('error.log')
            =~ /the release feed could not be fetched/ }), 'logged');

        is(members(client()->get('/version')), "$version null null null null",
            'nothing known') for 1 .. 3;
        is(scalar(my @requests = $g->requests()), 1, 'not asked again');
    };
}

subtest 'no such location' => sub {
    start($proxy);
    client()->get('/quiet');
    ok($t->waitfor(sub { $t->read_file('error.log')
        =~ /the release feed could not be fetched/ }), 'logged');
    is(members(client()->get('/quiet')), "$version null null null null",
        'nothing known');
};

subtest 'root' => sub {
    start($proxy);

    my $r = $c->get('/');
    is($r->{status}, 200, 'status');
    is($r->json()->{name}, 'ngx_http_argo_module', 'name');
    is($r->json()->{version}, $version, 'version');
    ok(length $r->json()->{message}, 'message');

    my %routes = map { $_->{path} => join ' ', @{$_->{methods}} }
        @{$r->json()->{routes}};

    is($routes{'/v1/chat/completions'}, 'POST', 'chat completions');
    is($routes{'/v1/models'}, 'GET HEAD', 'models');
    is($routes{'/refresh'}, 'POST', 'refresh');
    is($routes{'/health'}, 'GET HEAD', 'health');
    is($routes{'/version'}, 'GET HEAD', 'version');
    is($routes{'/'}, 'GET HEAD', 'root');

    is($c->get($_)->{body}, $r->{body}, "GET $_")
        for '/v1', '/v1/', '/any', '/api/', '/api/v1', '/api/v1/';

    my $length = length $r->{body};
    $c->request('HEAD', '/');
    $r = $c->response(head => 1);
    is($r->{status}, 200, 'HEAD');
    is($r->header('content-length'), $length, 'HEAD, length');
    is($c->post('/', '{}')->error(),
        '405 invalid_request_error null method_not_allowed', 'POST');

    # each route that is listed is there

    for my $path (sort keys %routes) {
        my ($method) = $routes{$path} =~ /(\w+)/;
        $c = client();
        $c->request($method, "/api$path", $method eq 'POST' ? (body => '')
            : ());
        $r = $c->response();
        isnt($r->{status}, $_, "$method $path, not $_") for 404, 405;
    }
};

subtest 'configuration' => sub {
    for (
        [ '/feed?per_page=5', 'feed', qr/invalid URI "feed" in "argo_vers/ ],
        [ '/feed?per_page=5', 'https://a.example/', qr/invalid URI "https:/ ],
        [ '/feed?per_page=5', '""', qr/invalid URI ""/ ],
        [ '/feed?per_page=5;', '/a; argo_version_feed /b;',
            qr/"argo_version_feed" directive is duplicate/ ],
    ) {
        my ($from, $to, $expected) = @$_;

        my ($code, $output) = check($conf =~ s/\Q$from\E/$to/r);
        isnt($code, 0, "feed $to");
        like($output, $expected, "feed $to, message");
    }

    my ($code, $output) = check($conf =~ s/argo_zone .*\n//r
        =~ s/location \/api\/ \{.*?\}//sr);
    isnt($code, 0, 'feed without a zone');
    like($output, qr/"argo_endpoint version" needs "argo_zone .*feed"/,
        'feed without a zone, message');

    ($code) = check($conf =~ s/argo_zone .*\n//r =~ s/argo_version_feed.*//gr
        =~ s/location \/api\/ \{.*?\}//sr);
    is($code, 0, 'no feed, no zone');

    for my $value ('x', '-1', '') {
        ($code, $output) = check($conf
            =~ s/argo_models_refresh  0/argo_models_refresh "$value"/r);
        isnt($code, 0, "argo_models_refresh \"$value\"");
    }
};

$t->final_tests();
$t->cleanup();

done_testing();

###############################################################################

sub start {
    my ($feed, %files) = @_;

    if ($t) {
        $t->final_tests();
        $t->cleanup();
    }

    $t = Argo::Test->new();
    $t->write_file($_, $files{$_}) for keys %files;
    $t->write_file_expand('nginx.conf', $conf =~ s/%%FEED%%/$feed/r);

    $g = Argo::Gateway->new($t, 8081);
    $t->run();

    $c = client();
}


sub check {
    my ($text) = @_;

    $t->write_file_expand('nginx.conf', $text =~ s/%%FEED%%/$proxy/r);

    return $t->test_config();
}


sub client {
    return Argo::Client->new(port(8080));
}


sub reply {
    $g->script('/releases?per_page=5', [
        [header => 'Content-Type', 'application/json'], @_ ]);
}


sub asked {
    client()->get('/version');
    ok($g->wait_event('request'), 'the feed is asked');
}


sub known {
    ok($t->waitfor(sub { defined client()->get('/version')->json()->{latest} }),
        'the feed has answered');

    return client()->get('/version');
}


# The members of a reply in one line.

sub members {
    my ($reply) = @_;

    my $j = $reply->json();

    my @values = map { !defined $_ ? 'null' : JSON::PP::is_bool($_)
        ? ($_ ? 'true' : 'false') : $_ }
        @{$j}{qw/ version latest up_to_date message checked_at /};

    $values[4] = 'time' if $values[4] =~ /^\d+$/
        && abs(time() - $values[4]) < 3600;

    return join ' ', @values;
}

###############################################################################
