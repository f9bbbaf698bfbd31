#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for replies that nginx compresses on their way to the client: what
# has been sent can be decoded at once.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;

use Compress::Raw::Zlib;

my $t = Argo::Test->new()->has(qw/ http_gzip /);

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_user        jdoe;
    argo_upstream    /argo/;
    argo_upstream_api legacy;

    gzip             on;
    gzip_min_length  0;
    gzip_types       text/event-stream application/json;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location = /chat {
            argo_endpoint  chat_completions;
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

###############################################################################

# unary

$g->answer('Hello');

my $r = post(0);
is($r->header('content-encoding'), 'gzip', 'unary, encoding');
like($r->header('content-type'), qr{^application/json\b}, 'unary, type');
like(inflate_all($r->{body}), qr/"content":"Hello"/, 'unary, body');
is(Argo::Gateway::header($g->request(), 'accept-encoding'), 'identity',
    'unary, ARGO asked for none');

$r = client()->post('/chat', '{', headers => [ 'Accept-Encoding', 'gzip' ]);
is($r->{status}, 400, 'error');
$r->{body} = inflate_all($r->{body})
    if ($r->header('content-encoding') || '') eq 'gzip';
is($r->error(), '400 invalid_request_error null invalid_json',
    'error, body');

# a stream: after each event that came, all of it can be decoded

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    (map { [wait_for => $_], [chunk => "<$_>"] } 1 .. 20),
    [wait_for => 'end'], [end =>],
]);

my $c = client();
$c->post_only('/chat', body(1), headers => [ 'Accept-Encoding', 'gzip' ]);
$g->signal(1);

$r = $c->head();
is($r->header('content-encoding'), 'gzip', 'stream, encoding');
is($r->header('content-type'), 'text/event-stream; charset=utf-8',
    'stream, type');

my $inflate = Compress::Raw::Zlib::Inflate->new(WindowBits => WANT_GZIP);
my ($plain, $chunks) = ('', 0);

while (defined(my $piece = $r->next_piece())) {
    my $status = $inflate->inflate($piece, my $out);
    $plain .= $out;

    last if $status == Z_STREAM_END;

    while ($plain =~ /<@{[ $chunks + 1 ]}>/) {
        $chunks++;
        $g->signal($chunks < 20 ? $chunks + 1 : 'end');
    }
}

is($chunks, 20, 'stream, each event decoded when it came');
$r->finish();
is($r->{complete}, 1, 'stream, regular end');
is(scalar(grep { $_->{broken} } Argo::Client::events($plain)), 0,
    'stream, well-formed events');
like($plain, qr/data: \[DONE\]\n\n\z/, 'stream, done');

# a stream that is cut

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'Hello'], [drain =>], [close =>],
]);

$r = post(1);
is($r->{complete}, 1, 'cut stream, regular end');
like(inflate_all($r->{body}), qr/Hello.*"type":"server_error"[^\n]*\n\n\z/s,
    'cut stream, error event');

# a large one to a slow client

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [fill => 200000, "line of text\n"], [end =>],
]);

$r = post(1);
$plain = inflate_all($r->{body});
is(Argo::Client::text(Argo::Client::events($plain)),
    "line of text\n" x 200000, 'long stream');
like($plain, qr/data: \[DONE\]\n\n\z/, 'long stream, done');

$t->done_testing();

###############################################################################

sub client {
    return Argo::Client->new(port(8080));
}


sub body {
    my ($stream) = @_;

    $stream = $stream ? '"stream":true,' : '';

    return "{${stream}\"model\":\"gpt-4o\",\"messages\":"
        . '[{"role":"user","content":"Hi"}]}';
}


sub post {
    my ($stream) = @_;

    $g->clear();

    return client()->post('/chat', body($stream),
        headers => [ 'Accept-Encoding', 'gzip' ]);
}


sub inflate_all {
    my ($data) = @_;

    my $inflate = Compress::Raw::Zlib::Inflate->new(WindowBits => WANT_GZIP);
    my $status = $inflate->inflate($data, my $out);

    return $status == Z_STREAM_END ? $out : "not whole: $status";
}

###############################################################################
