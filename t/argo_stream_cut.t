#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for replies that break off: cut after each of their bytes, reset,
# stalled, or with a framing that goes wrong.  What has begun as a stream ends
# with an error event, without "[DONE]", as a regular end of the response.

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

        location = /slow {
            argo_endpoint  chat_completions;
            argo_upstream  /slow/;
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
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my $unreachable = '502 server_error null upstream_unreachable';
my $incomplete = '502 server_error null upstream_incomplete';

###############################################################################

# a stream cut after each of its bytes

my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";
my @parts = ("W\xc3\xa9l", "lo \xf0\x9f\x98\x80", "\xe2\x82\xac");
my $reply = $head . join('', map { sprintf "%x\r\n%s\r\n", length $_, $_ }
    @parts) . "0\r\n\r\n";

is(cut_everywhere('/real', $reply, sub { payload($_[0], @parts) }), '',
    'stream cut everywhere');

# with a length in place of chunks

my $text = join '', @parts;

$head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "
    . length($text) . "\r\n\r\n";

is(cut_everywhere('/real', $head . $text, sub {
    return $_[0] < length $head ? undef : substr $text, 0,
        $_[0] - length $head;
}), '', 'stream with a length cut everywhere');

# unary replies, and streams made of them

my $json = '{"response":"H\u00e9llo"}';

for my $framing ('Content-Length: ' . length $json,
    'Transfer-Encoding: chunked')
{
    my $body = $framing =~ /chunked/
        ? sprintf("%x\r\n%s\r\n0\r\n\r\n", length $json, $json) : $json;
    my $reply = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        . "$framing\r\n\r\n$body";

    for my $uri ('/real', '/pseudo') {
        my %seen;

        for my $n (0 .. length($reply) - 1) {
            $g->script(undef, [[raw => substr $reply, 0, $n], [close =>]]);

            my $error = post($uri, $uri eq '/pseudo')->error();
            my $expected = $n < index($reply, "\r\n\r\n") + 4 ? $unreachable
                : $incomplete;

            $seen{"at $n: $error"}++ if $error ne $expected;
        }

        is(join(', ', sort keys %seen), '', "$framing of $uri cut everywhere");
    }
}

# other ways to break off, when the client has read something

for (
    [ 'close', [close =>] ],
    [ 'reset', [reset =>] ],
    [ 'bad chunk', [raw => "zz\r\n"], [wait_close =>] ],
    [ 'status line in the middle', [raw => "HTTP/1.1 502 Bad Gateway\r\n"
        . "Content-Type: text/html\r\n\r\n<html>"], [wait_close =>] ],
    [ 'cut chunk', [raw => "10\r\nworld"], [close =>] ],
    [ 'cut character', [raw => "1\r\n\xe2\r\n"], [close =>] ],
) {
    my ($name, @steps) = @$_;

    for my $usage (0, 1) {
        $g->clear()->script(undef, [
            [header => 'Content-Type', 'text/plain; charset=utf-8'],
            [chunk => 'Hello'], [wait_for => 'go'], @steps,
        ]);

        my $c = client();
        $c->post_only('/real', body(1, $usage));

        my $r = $c->head();
        is($r->{status}, 200, "$name, status");

        while (my $e = $r->next_event()) {
            last if $e->{data} =~ /Hello/;
        }

        $g->signal('go');

        is(broken_off($r), $name eq 'cut chunk' ? 'Helloworld' : 'Hello',
            $name) or diag($r->{body});

        # the connection is as good as before

        $g->stream('again');
        is($c->post('/real', body(1))->text(), 'again',
            "$name, connection kept");
    }
}

# silence

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'Hello'], [wait_close =>],
]);

my $c = client();
my $r = $c->post('/slow', body(1));
is(broken_off($r), 'Hello', 'silence in a stream') or diag($r->{body});
ok($g->wait_event('closed'), 'silent upstream is closed');
$g->stream('again');
is($c->post('/slow', body(1))->text(), 'again', 'silence, connection kept');

$g->script(undef, [
    [header => 'Content-Type', 'application/json'],
    [chunk => '{"response":'], [wait_close =>],
]);
is(post('/slow', 0)->error(), '504 server_error null upstream_timeout',
    'silence in a unary reply');

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => "\xe2"], [wait_close =>],
]);
is(post('/slow', 1)->error(), '504 server_error null upstream_timeout',
    'silence in the first character');

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [head =>], [wait_close =>],
]);
is(post('/slow', 1)->error(), '504 server_error null upstream_timeout',
    'silence after the header');

# to a client of HTTP/1.0

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'Hello'], [drain =>], [close =>],
]);
$c = client();
$c->request('POST', '/real', version => '1.0', body => body(1));
is(broken_off($c->response()), 'Hello', 'cut, HTTP/1.0');

# a long text that is cut

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [fill => 100000, "0123456789\n"], [drain =>], [close =>],
]);
is(length broken_off(post('/real', 1)), 1100000, 'long text that is cut');

$t->done_testing();

###############################################################################

sub client {
    return Argo::Client->new(port(8080));
}


sub body {
    my ($stream, $usage) = @_;

    $stream = $stream ? '"stream":true,' : '';
    $stream .= '"stream_options":{"include_usage":true},' if $usage;

    return "{${stream}\"model\":\"gpt-4o\",\"messages\":"
        . '[{"role":"user","content":"Hi"}]}';
}


sub post {
    my ($uri, $stream) = @_;

    return client()->post($uri, body($stream));
}


# The text of a stream that has ended with an error, as it must; or what is
# wrong with it.

sub broken_off {
    my ($r) = @_;

    my @events = $r->events();
    my $last = $events[-1] || {};

    return "status $r->{status}" if $r->{status} != 200;
    return 'response that has not ended' unless $r->{complete};
    return 'broken events' if grep { $_->{broken} } @events;
    return 'done' if $r->{body} =~ /\[DONE\]/;
    return 'finish reason' if $r->{body} =~ /"finish_reason":"/;
    return 'usage' if $r->{body} =~ /"usage":\{/;
    return 'no error event' unless ref $last->{json}{error} eq 'HASH';

    my $e = $last->{json}{error};

    return 'other keys of the event'
        unless join(' ', sort keys %{$last->{json}}) eq 'error';
    return 'other keys of the error'
        unless join(' ', sort keys %$e) eq 'code message param type';
    return "type $e->{type}" if $e->{type} ne 'server_error';
    return 'no message' unless length $e->{message};
    return 'several errors' if (grep { $_->{json}{error} } @events) > 1;

    return $r->text();
}


# The bytes of text in the first n of a reply in chunks; undef if its header
# isn't whole.

sub payload {
    my ($n, @parts) = @_;

    $n -= length $head;

    return if $n < 0;

    my $text = '';

    for my $part (@parts) {
        my $before = length sprintf "%x\r\n", length $part;

        last if $n <= $before;

        $text .= substr $part, 0, $n - $before;
        $n -= $before + length($part) + 2;
    }

    return $text;
}


# Cuts a streamed reply after each byte; returns what was not as it should.

sub cut_everywhere {
    my ($uri, $reply, $payload) = @_;

    my @wrong;

    for my $n (0 .. length $reply) {
        $g->script(undef, [[raw => substr $reply, 0, $n], [close =>]]);

        my $r = post($uri, 1);
        my $text = $payload->($n);
        my $seen;
        my $expected;

        if ($n == length $reply) {
            $expected = $text;
            $seen = $r->{complete} && $r->{body} =~ /data: \[DONE\]\n\n\z/
                ? $r->text() : 'not done';

        } else {
            # of a character cut in the middle nothing is sent
            my $whole = defined $text ? $text : '';
            utf8::decode($whole) or $whole =~ s/[\xc0-\xff][\x80-\xbf]*\z//;
            utf8::encode($whole) if utf8::is_utf8($whole);

            $expected = length $whole ? $whole
                : defined $text ? $incomplete : $unreachable;
            $seen = length $whole ? broken_off($r) : $r->error();
        }

        push @wrong, "at $n: $seen, not $expected" if $seen ne $expected;
    }

    return join "\n", @wrong;
}

###############################################################################
