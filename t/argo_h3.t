#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for clients that speak HTTP/3.

use warnings;
use strict;

use POSIX ();
use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Client;
use Argo::Gateway;

my $t = Argo::Test->new()->has(qw/ http_v3 http_ssl bin:curl bin:openssl /);

plan(skip_all => 'curl without HTTP/3')
    unless `curl --version` =~ /^Features:.*\bHTTP3\b/m;

my $dir = $t->testdir();

system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    . " -keyout $dir/key.pem -out $dir/cert.pem > $dir/openssl.log 2>&1") == 0
    or die "no certificate: " . $t->read_file('openssl.log');

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_user             jdoe;
    argo_upstream         /argo/;
    argo_zone             argo 1m;
    argo_models_refresh   0;
    client_max_body_size  10m;

    ssl_certificate       cert.pem;
    ssl_certificate_key   key.pem;
    ssl_protocols         TLSv1.3;

    server {
        listen       127.0.0.1:8080 ssl;
        listen       127.0.0.1:8080 quic;
        server_name  localhost;

        location / {
            argo_endpoint  auto;
        }

        location /legacy/ {
            argo_endpoint      auto;
            argo_upstream_api  legacy;
        }

        location = /denied {
            argo_endpoint  chat_completions;
            deny           all;
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

$t->run();

my $uri = '/legacy/v1/chat/completions';

###############################################################################

# unary

$g->answer('Hello');

my $r = post($uri, body(0), 'Authorization: Bearer canary', 'Cookie: canary');

is($r->{version}, '3', 'version');
is($r->{status}, 200, 'unary, status');
is($r->json()->{choices}[0]{message}{content}, 'Hello', 'unary, text');
is($g->request_json()->{user}, 'jdoe', 'unary, user');
unlike(join(' ', map { "@$_" } @{$g->request()->{headers}}), qr/canary/,
    'unary, no credential sent');

my $large = body(0) =~ s/Hi/'x' x 3000000/er;

is(post($uri, $large)->{status}, 200, 'large body');
is($g->request()->{body} =~ tr/x//, 3000000, 'large body came');

# errors

is(post($uri, '')->error(), '400 invalid_request_error null invalid_json',
    'empty body');
is(post('/denied', body(0))->error(), '403 permission_error null null',
    'denied');
is(curl('/v1/nothing')->error(), '404 invalid_request_error null unknown_url',
    'unknown path');
is(curl('/v1/health')->{body}, '{"status":"healthy"}', 'health');

# streams

$g->stream('Hel', 'lo');
$r = post($uri, body(1));

is($r->{status}, 200, 'stream, status');
is($r->text(), 'Hello', 'stream, text');
is($r->{complete}, 1, 'stream, regular end');
like($r->{body}, qr/data: \[DONE\]\n\n\z/, 'stream, done');

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [fill => 30000, "line of text\n"], [end =>],
]);
is(post($uri, body(1))->text(), "line of text\n" x 30000, 'long stream');

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'Hello'], [drain =>], [reset =>],
]);
$r = post($uri, body(1));

is($r->{complete}, 1, 'cut stream, regular end');
is(($r->events())[-1]{json}{error}{type}, 'server_error',
    'cut stream, error event');
unlike($r->{body}, qr/DONE/, 'cut stream, not done');

# each chunk is sent only when the client has read the one before it

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    (map { [wait_for => $_], [chunk => "<$_>"] } 1 .. 20),
    [wait_for => 'end'], [end =>],
]);

my ($pid, $out) = start($uri, body(1));
my $chunks = 0;

$g->signal(1);

while (defined(my $line = <$out>)) {
    next unless $line =~ /"content":"<(\d+)>"/;
    $chunks++ if $1 == $chunks + 1;
    $g->signal($chunks < 20 ? $chunks + 1 : 'end');
}

is($chunks, 20, 'paced chunks');
close $out;
waitpid($pid, 0);
is($?, 0, 'paced end');

# a client that can write to nobody any more closes its connection

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'Hello'], [wait_for => 'more'], [chunk => 'lo'],
    [wait_close =>],
]);

($pid, $out) = start($uri, body(1));

while (defined(my $line = <$out>)) {
    last if $line =~ /Hello/;
}

close $out;
$g->signal('more');

ok($g->wait_event('closed'), 'client gone in a stream');
waitpid($pid, 0);

$t->done_testing();

###############################################################################

sub body {
    my ($stream) = @_;

    $stream = $stream ? '"stream":true,' : '';

    return "{${stream}\"model\":\"gpt-4o\",\"messages\":"
        . '[{"role":"user","content":"Hi"}]}';
}


sub command {
    my ($uri, @args) = @_;

    return ('curl', '-sS', '-N', '-k', '--http3-only', '--max-time',
        10 * Argo::Test::patience(), @args,
        'https://127.0.0.1:' . port(8080) . $uri);
}


sub curl {
    my ($uri, @args) = @_;

    unlink "$dir/head.txt";
    $t->write_file('body.txt', '');

    my $code = system(command($uri, @args, '--stderr', "$dir/curl.log",
        '-D', "$dir/head.txt", '-o', "$dir/body.txt"));

    diag($t->read_file('curl.log')) if $code;

    my @lines = split /\r\n/,
        -e "$dir/head.txt" ? $t->read_file('head.txt') : '';
    my ($version, $status) = (shift(@lines) || '') =~ m{^HTTP/(\S+) (\d+)};

    return bless {
        version => $version,
        status => $status || 0,
        headers => [ map { [ split /: /, $_, 2 ] } @lines ],
        body => $t->read_file('body.txt'),
        complete => $code == 0 ? 1 : 0,
        done => 1,
    }, 'Argo::Client::Reply';
}


sub post {
    my ($uri, $body, @headers) = @_;

    $g->clear();
    $t->write_file('body', $body);

    return curl($uri, '--data-binary', "\@$dir/body",
        map { ('-H', $_) } 'Content-Type: application/json', @headers);
}


# Starts a client whose output is read as it comes.

sub start {
    my ($uri, $body) = @_;

    $t->write_file('body', $body);

    my @command = command($uri, '-H', 'Content-Type: application/json',
        '--data-binary', "\@$dir/body", '--stderr', "$dir/curl.log");

    pipe my $out, my $in or die "pipe: $!";

    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>&', $in or POSIX::_exit(1);
        close $in;
        close $out;
        exec @command or POSIX::_exit(1);
    }

    close $in;

    return ($pid, $out);
}
