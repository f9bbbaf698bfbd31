#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for everything that ARGO can do wrong before the client has been sent
# a byte: the client gets an error of the right status and type, whether it
# asked for a stream or not.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Faults;
use Argo::Test;
use Argo::Gateway;

use IO::Compress::Gzip qw/ gzip /;

my $t = Argo::Test->new();

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_user           jdoe;
    argo_upstream       /argo/;
    argo_upstream_api legacy;
    proxy_http_version  1.1;
    proxy_set_header    Connection "";

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location = /real {
            argo_endpoint  chat_completions;
        }

        location = /pseudo {
            argo_endpoint  chat_completions;
            argo_stream    pseudo;
        }

        location = /real_slow {
            argo_endpoint  chat_completions;
            argo_upstream  /slow/;
            argo_upstream_api legacy;
        }

        location = /pseudo_slow {
            argo_endpoint  chat_completions;
            argo_stream    pseudo;
            argo_upstream  /slow/;
            argo_upstream_api legacy;
        }

        location = /real_refused {
            argo_endpoint  chat_completions;
            argo_upstream  /refused/;
            argo_upstream_api legacy;
        }

        location = /pseudo_refused {
            argo_endpoint  chat_completions;
            argo_stream    pseudo;
            argo_upstream  /refused/;
            argo_upstream_api legacy;
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
        }

        location /slow/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_read_timeout  200ms;
        }

        location /refused/ {
            internal;
            proxy_pass          http://127.0.0.1:8082/;
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

# how the client asks, and by which location

my %modes = (unary => 'real', real => 'real', pseudo => 'pseudo');
my @modes = qw/ unary real pseudo /;

###############################################################################

# no reply at all

my $unreachable = $Argo::Faults::unreachable;
my $incomplete = $Argo::Faults::incomplete;
my $invalid = $Argo::Faults::invalid;
my $timeout = $Argo::Faults::timeout;

for my $mode (@modes) {
    is(post($mode, '_refused')->error(), $unreachable, "refused, $mode");

    $g->script(undef, [[wait_close =>]]);
    is(post($mode, '_slow')->error(), $timeout, "silence, $mode");

    $g->script(undef, [[raw => "HTTP/1.1 200 OK\r\nX-Fo"], [wait_close =>]]);
    is(post($mode, '_slow')->error(), $timeout, "silence in headers, $mode");
}

for my $mode (@modes) {
    $g->script(undef, [[reset =>]]);
    is(post($mode)->error(), $unreachable, "reset, $mode");

    $g->script(undef, [[close =>]]);
    is(post($mode)->error(), $unreachable, "close, $mode");

    $g->script(undef, [[raw => "HTTP/1.1 200 OK\r\nX-Fo"], [close =>]]);
    is(post($mode)->error(), $unreachable, "close in headers, $mode");

    $g->script(undef, [[raw => "garbage\r\n\r\ngarbage"], [close =>]]);
    like(post($mode)->error(), qr/^502 server_error null upstream_/,
        "no HTTP, $mode");

    $g->script(undef, [[raw => "HTTP/1.1 200 OK\r\nContent-Length: x\r\n"
        . "Content-Length: y\r\n\r\n"], [close =>]]);
    like(post($mode)->error(), qr/^502 server_error null upstream_/,
        "bad headers, $mode");
}

# statuses and bodies: what comes, what the client gets

for (@Argo::Faults::all_replies) {
    my ($status, $type, $body, $expected, $message) = @$_;

    my $name = "$status " . substr $body, 0, 40;
    $name =~ s/[^ -~]/./g;

    for my $mode (@modes) {
        reply($status, $Argo::Faults::types{$type}, $body);

        my $r = post($mode);
        is($r->error(), $expected, "$name, $mode");
        like($r->message(), $message, "message of $name, $mode");
        unlike($r->{body}, qr/<html|canary/, "no page in $name, $mode");
        is($r->{complete}, 1, "whole error of $name, $mode");
    }
}

# an error is one however much of its body comes

for my $mode (@modes) {
    $g->script(undef, [
        [status => 503], [header => 'Content-Type', 'application/json'],
        [header => 'Content-Length', 100], [data => '{"err'], [close =>],
    ]);
    is(post($mode)->error(), '503 server_error null null',
        "cut error, $mode");
}

# the time to wait is passed on

$g->script(undef, [
    [status => 429], [header => 'Retry-After', 17],
    [header => 'Content-Type', 'application/json'], [body => '{}'],
]);

for my $mode (@modes) {
    my $r = post($mode);
    is($r->{status}, 429, "status with time to wait, $mode");
    is(join(',', $r->headers_named('retry-after')), '17',
        "time to wait, $mode");
}

# headers of ARGO's are not passed on

$g->script(undef, [
    [status => 500], [header => 'Content-Type', 'application/json'],
    [header => 'Set-Cookie', 'canary=1'], [header => 'X-Canary', 'canary'],
    [header => 'Strict-Transport-Security', 'max-age=31536000'],
    [header => 'WWW-Authenticate', 'Negotiate'],
    [body => '{"message":"m"}'],
]);

for my $mode (@modes) {
    my $r = post($mode);
    is($r->{status}, 500, "status with headers, $mode");
    is(scalar(grep { "@$_" =~ /canary|Negotiate|31536000/i }
        @{$r->{headers}}), 0, "headers of ARGO, $mode");
}

# nor can it name a local file

$t->write_file('canary.txt', 'canary');
$t->write_file('canary.json', '{"response":"canary"}');

for my $mode (@modes) {
    for my $file (qw/ canary.txt canary.json chat /) {
        $g->script(undef, [
            [header => 'X-Accel-Redirect', "/$file"],
            [header => 'Content-Type', $file =~ /json/ ? 'application/json'
                : 'text/plain'], [body => ''],
        ]);

        my $r = post($mode);
        like($r->error(), qr/^502 server_error null upstream_/,
            "local file $file, $mode");
        unlike($r->{body}, qr/canary/, "local file $file not sent, $mode");
    }
}

# statuses that make no sense here

for my $status (201, 204, 206, 301, 302, 307, 304, 308, 399) {
    for my $mode (@modes) {
        $g->script(undef, [
            [status => $status],
            [header => 'Location', 'http://127.0.0.1:1/canary'],
            [header => 'Content-Type', 'application/json'],
            $status == 204 || $status == 304 ? [head =>]
                : [body => '{"response":"Hello"}'],
            [close =>],
        ]);

        my $r = post($mode);
        is($r->error(), $invalid, "status $status, $mode");
        is($r->header('location'), undef, "no location for $status, $mode");
    }
}

# bodies with status 200

for (@Argo::Faults::all_bodies) {
    my ($name, $type, $body) = @$_;

    for my $mode (@modes) {
        reply(200, $Argo::Faults::types{$type}, $body);

        my $r = post($mode);
        is($r->error(), $invalid, "$name, $mode") or diag($r->{body});
        unlike($r->{body}, qr/canary/, "$name not quoted, $mode");
    }
}

# text in place of JSON

for my $mode (qw/ unary pseudo /) {
    reply(200, 'text/plain', 'Hello');
    is(post($mode)->error(), $invalid, "text, $mode");
}

# JSON in place of text: an error of ARGO's own, or a reply after all

reply(200, 'application/json', '{"response":"Hello"}');
is(post('real')->text(), 'Hello', 'JSON in place of a stream');

# compressed replies

my $json = '{"response":"Hello"}';
gzip(\$json, \my $gzipped);

for my $mode (@modes) {
    for my $type ('application/json', 'text/plain; charset=utf-8') {
        $g->script(undef, [
            [header => 'Content-Type', $type],
            [header => 'Content-Encoding', 'gzip'],
            [body => $gzipped],
        ]);
        is(post($mode)->error(), $invalid, "compressed $type, $mode");
    }
}

# framing that is wrong from the start

for my $mode (@modes) {
    for ([ 'size', "zz\r\n" ], [ 'no size', "\r\n\r\n" ],
        [ 'status line', "HTTP/1.1 502 Bad Gateway\r\n\r\n" ],
        [ 'long size', 'f' x 40 . "\r\n" ])
    {
        my ($name, $bytes) = @$_;

        $g->script(undef, [
            [header => 'Content-Type', $mode eq 'real' ? 'text/plain'
                : 'application/json'],
            [header => 'Transfer-Encoding', 'chunked'],
            [data => $bytes], [close =>],
        ]);
        like(post($mode)->error(),
            qr/^502 server_error null upstream_(?:incomplete|invalid_reply)$/,
            "bad chunk, $name, $mode");
    }
}

# a stream whose end could not be told from a cut

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [data => 'Hello'], [close =>],
]);
is(post('real')->error(), $invalid, 'stream that ends with the connection');

# JSON tells its own end

$g->script(undef, [
    [header => 'Content-Type', 'application/json'], [data => $json],
    [close =>],
]);
is(post('unary')->json()->{choices}[0]{message}{content}, 'Hello',
    'reply that ends with the connection');

$g->script(undef, [
    [header => 'Content-Type', 'application/json'],
    [data => substr $json, 0, -1], [close =>],
]);
like(post('unary')->error(), qr/^502 server_error null upstream_/,
    'cut reply that ends with the connection');

# denials

my $denial = $Argo::Faults::denial;
my $misuse = $Argo::Faults::misuse;
my $denied = $Argo::Faults::denied;
my $rejected = $Argo::Faults::rejected;

for my $mode (@modes) {
    soft($mode, $denial);
    is(post($mode)->error(), $denied, "denial, $mode");

    soft($mode, lc $denial);
    is(post($mode)->error(), $denied, "denial in lower case, $mode");

    soft($mode, $misuse);
    is(post($mode)->error(), $rejected, "misuse, $mode");

    # an answer that quotes them is an answer

    for my $text ("ARGO says: $denial", "\"$misuse\"", 'You passed the exam',
        'IMPORTANT: read this', "\x{26a0}\x{fe0f} Careful", '**', 'I', 'Y')
    {
        soft($mode, $text);

        my $r = post($mode);
        is($r->{status}, 200, 'answer ' . substr($text, 0, 9) =~
            s/[^ -~]/./gr . ", $mode");

        my $bytes = $text;
        utf8::encode($bytes);

        if ($mode eq 'unary') {
            is($r->json()->{choices}[0]{message}{content}, $text,
                "its text, $mode");
        } else {
            is($r->text(), $bytes, "its text, $mode");
        }
    }
}

# cut at every byte

my $bytes = substr $denial, 0, 80;
utf8::encode($bytes);
my %seen;

for my $n (1 .. length($bytes) - 1) {
    $g->script(undef, [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        [chunk => substr $bytes, 0, $n], [drain =>],
        [chunk => substr $bytes, $n], [end =>],
    ]);
    $seen{post('real')->error()}++;
}

is(join(', ', sort keys %seen), $denied, 'denial cut at every byte');

%seen = ();

for my $n (1 .. length($misuse) - 1) {
    $g->script(undef, [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        [chunk => substr $misuse, 0, $n], [drain =>],
        [chunk => substr $misuse, $n], [end =>],
    ]);
    $seen{post('real')->error()}++;
}

is(join(', ', sort keys %seen), $rejected, 'misuse cut at every byte');

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    (map { [chunk => $_], [drain =>] } split //, $bytes), [end =>],
]);
is(post('real')->error(), $denied, 'denial in reads of a byte');

# a denial that is cut is no answer

for my $n (10, 40) {
    $g->script(undef, [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        [chunk => substr $bytes, 0, $n], [close =>],
    ]);
    is(post('real')->error(), $incomplete, "denial that ends at $n");
}

# after all of this a good reply still is one

soft('unary', 'Hello');
is(post('unary')->json()->{choices}[0]{message}{content}, 'Hello',
    'good reply at last');

$t->done_testing();

###############################################################################

sub post {
    my ($mode, $suffix) = @_;

    $suffix = '' unless defined $suffix;

    my $stream = $mode eq 'unary' ? 'false' : 'true';

    return Argo::Client->new(port(8080))->post("/$modes{$mode}$suffix",
        "{\"model\":\"gpt-4o\",\"stream\":$stream,\"messages\":"
        . '[{"role":"user","content":"Hi"}]}');
}


sub reply {
    my ($status, $type, $body) = @_;

    $g->script(undef, [
        [status => $status],
        (defined $type ? [header => 'Content-Type', $type] : ()),
        [body => $body],
    ]);
}


# A reply with a text, as the mode expects it.

sub soft {
    my ($mode, $text) = @_;

    if ($mode eq 'real') {
        utf8::encode($text);
        $g->stream($text);
        return;
    }

    $g->answer($text);
}

###############################################################################
