#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for requests that "worker_shutdown_timeout" does not wait for: each is
# ended with an error of its client's dialect, over each version of HTTP, with
# TLS and without, whatever it waits for.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use IO::Select;
use IO::Socket::INET;

use lib 'lib';
use Argo::Test;
use Argo::Curl;
use Argo::DNS;
use Argo::Gateway;
use Argo::HTTP2;
use Argo::Native;

my $t = Argo::Test->new()->has(qw/ http_v2 http_ssl bin:curl bin:openssl /);

plan(skip_all => 'curl without HTTP/2') unless Argo::Curl::has('HTTP2');

$t->certificate('cert.pem', 'key.pem');

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

worker_shutdown_timeout  1s;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_zone            argo 1m;
    argo_models_refresh  0;
    argo_user            jdoe;
    argo_upstream        /argo/;

    resolver             127.0.0.1:8053;
    resolver_timeout     300s;

    argo_image_fetch     /image/;
    argo_image_http      on;
    argo_image_ports     80 443 %%PORT_8083%% %%PORT_8084%%;
    argo_image_allow     127.0.0.1;
    argo_image_limits    time=300s;

    ssl_certificate      cert.pem;
    ssl_certificate_key  key.pem;

    proxy_http_version     1.1;
    proxy_set_header       Connection "";
    proxy_read_timeout     300s;
    proxy_connect_timeout  300s;

    server {
        listen       127.0.0.1:8080;
        listen       127.0.0.1:8443 ssl;
        listen       127.0.0.1:8085 http2;
        listen       127.0.0.1:8444 ssl http2;
        server_name  localhost;

        location / {
            argo_endpoint  auto;
        }

        location /legacy/ {
            argo_endpoint      auto;
            argo_upstream_api  legacy;
        }

        location /silent/ {
            argo_endpoint   auto;
            argo_upstream   /hold/;
            argo_heartbeat  0;
        }

        location /beating/ {
            argo_endpoint   auto;
            argo_upstream   /hold/;
            argo_heartbeat  100ms;
        }

        location /cut/ {
            argo_endpoint  auto;
            argo_upstream  /half/;
        }

        location /nameless/ {
            argo_endpoint  auto;
            argo_upstream  /name/;
        }

        location /shaking/ {
            argo_endpoint  auto;
            argo_upstream  /tls/;
        }

        location /argo/ {
            internal;
            proxy_pass  http://127.0.0.1:8081/;
        }

        location /hold/ {
            internal;
            proxy_pass  http://127.0.0.1:8082/;
        }

        location /half/ {
            internal;
            proxy_pass  http://127.0.0.1:8082/half/;
        }

        location /name/ {
            internal;
            set         $name silent.example.org;
            proxy_pass  http://$name/;
        }

        location /tls/ {
            internal;
            proxy_pass  https://127.0.0.1:8084/;
        }

        location /image/ {
            internal;

            proxy_pass
                $argo_image_scheme://$argo_image_address$argo_image_uri;
            proxy_set_header      Host $argo_image_host;
            proxy_redirect        off;
            proxy_ignore_headers  X-Accel-Redirect;
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);
my $hold = Argo::Gateway->new($t, 8082);
my $images = Argo::Gateway->new($t, 8083);

my $dns = Argo::DNS->new($t, 8053,
    'img.example.org' => [[ '127.0.0.1' ]],
    'silent.example.org' => [ undef ]);

# connections that nothing is said on
my $mute = IO::Socket::INET->new(Listen => 128, LocalAddr => '127.0.0.1',
    LocalPort => port(8084), ReuseAddr => 1) or die "listen: $!";

native_script($g, 1, 'One', [wait_close =>]);
$hold->script(undef, [[wait_close =>]]);

for my $path (qw{ v1/chat/completions v1/messages v1/embeddings }) {
    $hold->script("/half/$path", [
        [header => 'Content-Type', $path =~ /messages/ ? 'text/event-stream'
            : 'application/json'],
        [header => 'Content-Length', 1000], [data => '{'], [wait_close =>]]);
}

my $png = "\x89PNG\r\n\x1a\n";
my $server = 'http://img.example.org:' . port(8083);

$images->script('/whole', [[header => 'Content-Type', 'image/png'],
    [body => $png . 'x' x 100]]);
$images->script('/half', [[header => 'Content-Type', 'image/png'],
    [header => 'Content-Length', 1000], [data => $png], [wait_close =>]]);
$images->script('/moved', [[status => 302, 'Found'],
    [header => 'Location', "$server/silent"], [body => '']]);
$images->script(undef, [[wait_close =>]]);

$t->run();

my ($worker) = $t->workers();

###############################################################################

# streams that have begun: each client with each API

my @kinds = (
    [ 0, 'gpt4o', '' ], [ 1, 'gpt4o', '' ], [ 2, 'gpt4o', '' ],
    [ 3, 'claudehaiku45', '' ], [ 3, 'gpt4o', '' ],
    [ 4, 'claudehaiku45', '' ], [ 0, 'gpt4o', '/legacy' ],
    [ 3, 'claudehaiku45', '/legacy' ],
);

# what has nothing yet, whole or streamed, and for what reason

my @waiting = (
    [ 'chat', '/silent', ask($endpoints[0], 'gpt4o') ],
    [ 'chat, streamed', '/silent', ask($endpoints[0], 'gpt4o',
        stream => 1) ],
    [ 'responses', '/silent', ask($endpoints[2], 'gpt4o') ],
    [ 'messages', '/silent', ask($endpoints[3], 'claudehaiku45') ],
    [ 'messages, streamed', '/silent', ask($endpoints[3], 'claudehaiku45',
        stream => 1) ],
    [ 'Google\'s, streamed', '/silent', ask($endpoints[4], 'gpt4o',
        stream => 1) ],
    [ 'embeddings', '/silent', '/v1/embeddings', json(
        { model => 'v3small', input => 'Hi' }) ],
    [ 'many embeddings', '/silent', '/v1/embeddings', json(
        { model => 'v3small', input => [ ('Hi') x 40 ] }) ],
    [ 'a half reply', '/cut', ask($endpoints[0], 'gpt4o') ],
    [ 'a half reply that is put together', '/cut', ask($endpoints[3],
        'claudehaiku45') ],
    [ 'half embeddings', '/cut', '/v1/embeddings', json(
        { model => 'v3small', input => 'Hi' }) ],
    [ 'a name of ARGO\'s', '/nameless', ask($endpoints[0], 'gpt4o') ],
    [ 'a name of ARGO\'s, streamed', '/nameless', ask($endpoints[3],
        'claudehaiku45', stream => 1) ],
    [ 'TLS to ARGO', '/shaking', ask($endpoints[0], 'gpt4o') ],
    image('the name of an image', 0, 'http://silent.example.org/'),
    image('an image', 0, "$server/silent"),
    image('an image, streamed', 1, "$server/silent"),
    image('half an image', 0, "$server/half"),
    image('an image that has moved', 0, "$server/moved"),
    image('TLS to an image', 0, 'https://127.0.0.1:' . port(8084) . '/'),
    image('one of two images', 1, "$server/whole", "$server/silent"),
    image('ten images', 0, map { "$server/silent$_" } 1 .. 10),
);

my @transports = (
    [ 'HTTP/1.1', 'http', 8080, '--http1.1' ],
    [ 'HTTP/1.1 and TLS', 'https', 8443, '-k', '--http1.1' ],
    [ 'HTTP/2', 'http', 8085, '--http2-prior-knowledge' ],
    [ 'HTTP/2 and TLS', 'https', 8444, '-k', '--http2' ],
);

my (@live, @held, @beating);

for my $transport (@transports) {
    my ($name, $scheme, $number, @options) = @$transport;

    my $curl = Argo::Curl->new($t, "$scheme://127.0.0.1:" . port($number),
        @options);

    for my $kind (@kinds) {
        my ($n, $model, $prefix) = @$kind;
        my ($uri, $body) = ask($endpoints[$n], $model, stream => 1);
        my $c = $curl->start("$prefix$uri", $body);

        ok($c->until(qr/One/), "$name, $endpoints[$n]{name}: a stream");
        push @live, [ "$name, $endpoints[$n]{name}, $model$prefix", $c,
            $endpoints[$n]{name} ];
    }

    my ($uri, $body) = ask($endpoints[0], 'gpt4o', stream => 1);

    push @beating, [ "$name, heartbeats", $curl->start("/beating$uri",
        $body) ];

    push @held, map { my ($what, $prefix, $uri, $body) = @$_;
        [ "$name, $what", $curl->start("$prefix$uri", $body) ] } @waiting;
}

# many of them on one connection

my $h2 = Argo::HTTP2->new(port(8085));
my @streams = map { [ $_->[0], $h2->post("$_->[1]$_->[2]", $_->[3]) ] }
    @waiting;
my @begun;

for my $kind (@kinds) {
    my ($n, $model, $prefix) = @$kind;
    my ($uri, $body) = ask($endpoints[$n], $model, stream => 1);

    push @begun, $h2->post("$prefix$uri", $body);
}

ok($h2->until(sub { @begun == grep { $_->{data} =~ /One/ } @begun }),
    'streams on one connection');

# and clients that do not read

my $blind = Argo::HTTP2->new(port(8085), window => 0);
my ($uri, $body) = ask($endpoints[0], 'gpt4o', stream => 1);
my $closed = $blind->post($uri, $body);
my $slow = Argo::Client->new(port(8080), rcvbuf => 4096);

$hold->script('/v1/responses', [[header => 'Content-Type',
    'text/event-stream'], [fill => 100_000, (responses_frames('text'))[3]],
    [wait_close =>]]);
($uri, $body) = ask($endpoints[2], 'gpt4o', stream => 1);
$slow->post_only("/silent$uri", $body);

ok($hold->wait_event('blocked'), 'a client that does not read');

###############################################################################

# all of that is under way

my $times = @transports + 1;

is(scalar(grep { !$_->[1]->until(qr/: heartbeat/) } @beating), 0,
    'heartbeats');

my @shaking;

for (1 .. 2 * $times) {
    ok(IO::Select->new($mute)->can_read(30 * Argo::Test::patience()),
        'a connection for TLS');
    push @shaking, scalar $mute->accept();
}

# those that a client waits for, heartbeats and the slow one

ok($t->waitfor(sub {
    my @requests = grep { $_->{type} eq 'request' } $hold->records();
    return @requests >= (7 + 3 + 3) * $times + @transports + 1;
}, 30), 'calls of ARGO');

# of ten images four at a time

ok($t->waitfor(sub {
    my @requests = grep { $_->{type} eq 'request'
        && $_->{uri} =~ /silent|half/ } $images->records();
    return @requests >= (2 + 1 + 1 + 1 + 4) * $times;
}, 30), 'calls for images');

ok($t->waitfor(sub { grep { /silent/ } $dns->questions() }), 'names');
ok($t->reload(), 'reload');

###############################################################################

for my $live (@live) {
    my ($name, $c, $endpoint) = @$live;
    my $r = $c->finish();

    is($r->{complete}, 1, "$name: a regular end") or diag($r->{said});
    ended($name, $r->{body});
    is(text_of($endpoint, $r, 1), 'One', "$name: what had come");
}

for my $beating (@beating) {
    my ($name, $c) = @$beating;
    my $r = $c->finish();

    is("$r->{status} $r->{complete}", '200 1', "$name: a regular end");
    ended($name, $r->{body});
}

for my $held (@held) {
    my ($name, $c) = @$held;
    my $r = $c->finish();

    is("$r->{status} $r->{complete}", '503 1', "$name: status")
        or diag($r->{said});
    like($r->{body}, qr/"error":\s*\{.*The gateway was restarted/,
        "$name: an error");
    is($r->header('retry-after'), 5, "$name: may be tried again");
}

for my $case (@streams) {
    my ($name, $s) = @$case;

    is($h2->outcome($s), 503, "one connection, $name");
    like($s->{data}, qr/The gateway was restarted/,
        "one connection, $name: an error");
}

for my $s (@begun) {
    is($h2->outcome($s), 200, 'one connection: an end');
    ended('one connection', $s->{data});
}

# what can't be told to those who don't read is not told, nor a regular end

is($blind->outcome($closed), 'closed', 'a closed window: the connection ends');
ok(!$slow->response()->{complete}, 'a slow client: no regular end');

###############################################################################

ok($t->waitfor(sub { !kill 0, $worker }, 30), 'the worker is gone');

native_script($g, 0, 'Salve');

is(Argo::Client->new(port(8080))->post(ask($endpoints[0], 'gpt4o'))
    ->{status}, 200, 'the new one serves');

$t->done_testing();

###############################################################################

# A request with images, by their URLs.

sub image {
    my ($name, $stream, @urls) = @_;

    my $endpoint = $endpoints[0];

    my $body = json({ model => 'gpt4o', $stream ? (stream => \1) : (),
        messages => [{ role => 'user', content => [
            { type => 'text', text => 'Hi' },
            map { { type => 'image_url', image_url => { url => $_ } } } @urls
        ] }] });

    return [ $name, '/silent', $endpoint->{uri}, $body ];
}


# Checks how a stream has ended.

sub ended {
    my ($name, $body) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    like($body, qr/"error":\{[^\n]*The gateway was restarted/,
        "$name: an error");
    unlike($body, qr/\[DONE\]|message_stop|response\.completed
        |"finishReason"|"finish_reason":"/x, "$name: not as if complete");
}

###############################################################################
