#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for the key that Google's clients put into the request line: it names
# the user as a header does, and it is in no log: neither in a variable of the
# access log nor in a line of the error log.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Client;
use Argo::Gateway;
use Argo::HTTP2;
use Argo::Dialects;
use Argo::Test;

my $t = Argo::Test->new()->has(qw/ http_v2 /);

my $conf = <<'EOC';
%%TEST_GLOBALS%%

daemon off;

worker_processes 1;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    log_format key '$arg_n| $request | $request_uri | $args | $query_string '
                   '| $arg_key | $is_args | $uri | $document_uri '
                   '| $upstream_addr $upstream_status | $status';

    access_log  %%TESTDIR%%/key.log key;
    access_log  %%TESTDIR%%/combined.log combined;

    argo_zone           argo 1m;
    argo_models_refresh 0;
    argo_user           $argo_credential;
    argo_upstream       /argo/;
    proxy_http_version  1.1;
    proxy_set_header    Connection "";

    server {
        listen       127.0.0.1:8080;
        listen       127.0.0.1:8083 http2;
        server_name  localhost;

        location / {
            argo_endpoint  auto;
        }

        location /refused/ {
            argo_endpoint  auto;
            argo_upstream  /refused_argo/;
        }

        location /rewritten/ {
            rewrite  ^/rewritten(/.*)$ $1 last;
        }

        location /twice/ {
            argo_endpoint  auto;
            rewrite        ^/twice(/.*)$ $1 last;
        }

        location /args/ {
            argo_endpoint  auto;
            rewrite        ^/args(/.*)$ $1?m=1 last;
        }

        location /tried/ {
            try_files  /none @argo;
        }

        location /denied/ {
            argo_endpoint  auto;
            deny           all;
            error_page     403 = @argo;
        }

        location /page/ {
            argo_endpoint  auto;
            deny           all;
            error_page     403 /page.html;
        }

        location = /page.html {
        }

        location /small/ {
            argo_endpoint         auto;
            client_max_body_size  10;
        }

        location /checked/ {
            argo_endpoint  auto;
            auth_request   /auth;
        }

        location = /auth {
            proxy_pass               http://127.0.0.1:8081/auth;
            proxy_pass_request_body  off;
            proxy_set_header         Content-Length "";
        }

        location @argo {
            argo_endpoint  auto;
        }

        location /argo/ {
            internal;
            proxy_pass  http://127.0.0.1:8081/;
        }

        location /refused_argo/ {
            internal;
            proxy_pass  http://127.0.0.1:8082/;
        }
    }
}
EOC

$t->write_file_expand('nginx.conf', $conf);
$t->write_file('page.html', 'a page');

my $g = Argo::Gateway->new($t, 8081);

$g->script('/v1/chat/completions', Argo::Dialects::good('chat', 'json'));
$g->script('/auth', [[body => '']]);

$t->run();

my $path = '/v1beta/models/gpt4o:generateContent';
my $body = '{"contents":[{"parts":[{"text":"hi"}]}]}';
my $n = 0;

###############################################################################

# arguments, and the user that they name; what is to be hidden begins with
# "canary" or "Aiza"

my @args = (
    [ 'key=canarya', 'canarya' ],
    [ 'key=canaryb&alt=json', 'canaryb' ],
    [ 'alt=json&key=canaryc', 'canaryc' ],
    [ 'a=1&key=canaryd&b=2', 'canaryd' ],
    [ 'KEY=canarye', 'canarye' ],
    [ 'a=1&Key=canaryf&', 'canaryf' ],
    [ 'key=canaryg&key=canaryh', 'canaryg' ],
    [ 'monkey=1&key=canaryi', 'canaryi' ],
    [ 'key=AizaCanary0123456789', undef ],
    [ 'key=AizaCanary=012?key=canaryj', undef ],
    [ 'key=canary%0ax', undef ],
    [ 'key=canary%2f%3F%26x', undef ],
    [ 'key=', undef ],
    [ 'key', undef ],
    [ 'key&a=1', undef ],
    [ '', undef ],

    # an empty one is none: the next one counts
    [ 'key=&key=canaryk', 'canaryk' ],
    [ '&&key=canaryl&&', 'canaryl' ],
);

for my $http2 (0, 1) {
    for (@args) {
        my ($args, $user) = @$_;

        check($http2, $path, $args, $user);
    }
}

# what nginx does with the request on its way, and what fails

for my $http2 (0, 1) {
    for my $where ('/rewritten', '/twice', '/args', '/tried', '/denied',
        '/checked')
    {
        check($http2, "$where$path", 'key=canarym&alt=json', 'canarym');
    }

    for my $uri ("/page$path", "/small$path", "/refused$path",
        '/v1beta/models/none:generateContent', '/v1beta/models/gpt4o:fly',
        '/nowhere', '/v1beta/models')
    {
        check($http2, $uri, 'key=canaryn', undef);
    }
}

# all that is left as it was

my $r = post("$path?monkey=1&alt=json&xkey=2&key=canaryo&n=last");
is($r->{status}, 200, 'other arguments');

$r = Argo::Client->new(port(8080))->get('/page.html?key=visible&n=page');
is($r->{body}, 'a page', 'a location of another kind');

# on one connection, and with what comes in pieces

my $c = Argo::Client->new(port(8080));

for my $name (qw/ canaryp canaryq canaryr /) {
    $g->clear();
    is($c->post("$path?key=$name", $body)->{status}, 200, "$name, kept");
    is(user(), $name, "$name, user");
}

$g->clear();

for my $piece (unpack '(a9)*', Argo::Client::format_request('POST',
    "$path?alt=json&key=canarys&n=pieces", body => $body))
{
    $c->write($piece);
    select undef, undef, undef, 0.001;
}

is($c->response()->{status}, 200, 'in pieces');
is(user(), 'canarys', 'in pieces, user');

$g->clear();
$c->write(Argo::Client::format_request('POST',
    "http://localhost$path?key=canaryt", body => $body));
is($c->response()->{status}, 200, 'absolute');
is(user(), 'canaryt', 'absolute, user');

# two at once

$c->write(join '', map { Argo::Client::format_request('POST',
    "$path?key=canary$_", body => $body) } 'u', 'v');
is($c->response()->{status}, 200, 'first of two at once');
is($c->response()->{status}, 200, 'second of them');

# one that goes while its body is awaited

$c = Argo::Client->new(port(8080));
$c->write("POST $path?key=canaryw&n=gone HTTP/1.1\r\nHost: localhost\r\n"
    . "Content-Length: 1000\r\n\r\n{");
$c->close();
$t->waitfor(sub { $t->read_file('key.log') =~ /^gone\|/m });

# nginx writes to the error log, at level debug, what it reads before any
# module can know of it; nothing else of it is there

$t->write_file_expand('nginx.conf',
    "error_log %%TESTDIR%%/debug.log debug;\n$conf");
$t->reload();
$t->waitfor(sub { my @workers = $t->workers(); @workers == 1 });

for my $http2 (0, 1) {
    for my $uri ($path, "/twice$path", "/refused$path", '/nowhere') {
        check($http2, $uri, 'key=AizaCanary0123456789', undef);
    }
}

$t->stop();

my $log = $t->read_file('key.log');

like($log, qr/^last\|.*monkey=1&alt=json&xkey=2&key=\*+&n=last/m,
    'the rest of the arguments in the log');
like($log, qr/^page\|.*key=visible/m, 'of another location all of them');
like($log, qr/^gone\|.*key=\*{7}/m, 'one that was gone');

is(canaries($log), '', 'no key in the access log');
is(canaries($t->read_file('combined.log')), '', 'nor in the usual one');
is(canaries($t->read_file('access.log')), '', 'nor in that of the server');

# a body that is too large nginx refuses before it comes to the module

my $early = qr/\[error\] .* client intended to send too large body/;
my $read = qr/\[debug\] \d+\#\d+: \*\d+ (?:http request line|http args|(?#
    )http2 header|http2 request line|http2 :path)/;

is(canaries($t->read_file('error.log') =~ s/^.*$early.*$//mgr), '',
    'no key in the error log');

my $debug = $t->read_file('debug.log');

SKIP: {
    skip('nginx has no debug log', 1) unless $debug =~ /\[debug\]/;

    is(canaries($debug =~ s/^.*$read.*$//mgr), '',
        'nor, but where it is read, at level debug');
}

$t->done_testing();

###############################################################################

# Asks, and looks at who it was for ARGO, and at the log.

sub check {
    my ($http2, $uri, $args, $user) = @_;

    my $name = "$uri?$args" . ($http2 ? ', HTTP/2' : '');

    $n++;
    $args .= ($args eq '' ? '' : '&') . "n=$n";
    $g->clear();

    if ($http2) {
        my $h = Argo::HTTP2->new(port(8083));
        my $stream = $h->post("$uri?$args", $body);

        ok($h->until(sub { $stream->{ended} || $stream->{reset} }),
            "$name, answered");
        $h->close();

    } else {
        ok(post("$uri?$args")->{status}, "$name, answered");
    }

    is(user(), $user, "$name, user");

    my $line;

    $t->waitfor(sub {
        ($line) = $t->read_file('key.log') =~ /^(?:$n|-)(\|.*n=$n\b.*)$/m;
    });

    is(canaries($line // 'canary: no line'), '', "$name, log");
}


sub post {
    my ($uri) = @_;

    return Argo::Client->new(port(8080))->post($uri, $body);
}


# Who asked ARGO.

sub user {
    my ($up) = grep { $_->{uri} =~ /^\/v1/ } $g->requests();

    return $up ? Argo::Gateway::header($up, 'Authorization')
        =~ s/^Bearer //r : undef;
}


# The lines that have what no log may have.

sub canaries {
    my ($text) = @_;

    return join "\n", grep { /canary|aiza/i } split /\n/, $text;
}

###############################################################################
