#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for chat completions that are streamed from ARGO's raw text stream.

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

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location = /chat {
            argo_endpoint  chat_completions;
        }

        location = /buffered {
            argo_endpoint  chat_completions;
            argo_upstream  /buffered/;
            argo_upstream_api legacy;
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
        }

        # the module itself sees to it that a stream is not held up
        location /buffered/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
            proxy_buffering     on;
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

###############################################################################

# frames

$g->stream('Hel', "lo \"J\xc3\xbcrgen\"\n", '\\ <b> / &');

my $r = post();

is($r->{status}, 200, 'status');
is($r->header('content-type'), 'text/event-stream; charset=utf-8',
    'content type');
is($r->header('cache-control'), 'no-cache', 'cache control');
is($r->header('x-accel-buffering'), 'no', 'buffering in front');
is($r->header('content-length'), undef, 'no content length');
is($r->header('accept-ranges'), undef, 'no ranges');
is($r->header('etag'), undef, 'no etag');
is($r->header('last-modified'), undef, 'no time of modification');
like($r->header('x-request-id'), qr/^[0-9a-f]{32}$/, 'request id');
like($r->header('openai-processing-ms'), qr/^\d+$/, 'processing time');
is($r->header('openai-version'), '2020-10-01', 'version of the dialect');
is($r->{complete}, 1, 'regular end');

my @events = $r->events();

is(scalar(grep { $_->{broken} } @events), 0, 'well-formed events');
is($events[-1]{data}, '[DONE]', 'done');
is(scalar(grep { $_->{data} eq '[DONE]' } @events), 1, 'done once');

pop @events;

my $first = $events[0]{json};

like($first->{id}, qr/^chatcmpl-[A-Za-z0-9]{29}$/, 'id');
is($first->{object}, 'chat.completion.chunk', 'object');
is($first->{model}, 'argo:gpt-4o', 'model as asked for');
cmp_ok(abs($first->{created} - time()), '<', 3600, 'created');
is_deeply($first->{choices}, [{
    index => 0,
    delta => { role => 'assistant', content => '', refusal => undef },
    logprobs => undef,
    finish_reason => undef,
}], 'first chunk');

for my $member (qw/ id object created model /) {
    is(scalar(grep { $_->{json}{$member} ne $first->{$member} } @events), 0,
        "same $member in all chunks");
}

is(scalar(grep { exists $_->{json}{usage} } @events), 0, 'no usage');
is(scalar(grep { exists $_->{json}{choices}[0]{delta}{role} } @events), 1,
    'role once');
is(scalar(grep { $_->{data} !~ /"index":0[,}]/ } @events), 0, 'index');
is(scalar(grep { !exists $_->{json}{choices}[0]{finish_reason} } @events), 0,
    'finish reason in all chunks');

is_deeply($events[-1]{json}{choices}, [{
    index => 0,
    delta => {},
    logprobs => undef,
    finish_reason => 'stop',
}], 'last chunk');

is(scalar(grep { defined $_->{json}{choices}[0]{finish_reason} } @events), 1,
    'finish reason once');
is($r->text(), "Hello \"J\xc3\xbcrgen\"\n\\ <b> / &", 'text');

# what ARGO gets

my $request = $g->request();

is($request->{method}, 'POST', 'method');
is($request->{uri}, '/api/v1/resource/streamchat/', 'uri');
is(Argo::Gateway::header($request, 'Accept'), 'text/plain', 'accept');
is(Argo::Gateway::header($request, 'Accept-Encoding'), 'identity',
    'accept encoding');
is(join(' ', sort keys %{$g->request_json()}), 'messages model user',
    'members sent');

# usage

$r = post('"stream_options":{"include_usage":true,"include_obfuscation":'
    . 'false},');
@events = $r->events();

is(pop(@events)->{data}, '[DONE]', 'done after usage');

my $last = pop @events;

is_deeply($last->{json}{choices}, [], 'usage chunk without choices');
like($last->{data}, qr/"prompt_tokens":[1-9]\d*[,}]/, 'prompt tokens');
like($last->{data}, qr/"completion_tokens":[1-9]\d*[,}]/,
    'completion tokens');
is($last->{json}{usage}{total_tokens}, $last->{json}{usage}{prompt_tokens}
    + $last->{json}{usage}{completion_tokens}, 'total tokens');
is($last->{json}{id}, $events[0]{json}{id}, 'id of the usage chunk');
is(scalar(grep { $_->{data} !~ /"usage":null[,}]/ } @events), 0,
    'usage null before');
is($events[-1]{json}{choices}[0]{finish_reason}, 'stop',
    'finish chunk before the usage chunk');
unlike($g->request()->{body}, qr/stream/, 'options not sent');

my $usage = $last->{json}{usage};

$g->answer("Hello \"J\x{fc}rgen\"\n\\ <b> / &");
is_deeply(post('', 0)->json()->{usage}, $usage, 'usage of a unary reply');

$g->stream('Hello');
is(scalar(grep { exists $_->{json}{usage} }
    post('"stream_options":{"include_usage":false},')->events()), 0,
    'no usage if not wanted');

# an empty text

$g->stream();
$r = post();
is($r->{status}, 200, 'empty text, status');
is($r->{complete}, 1, 'empty text, regular end');
is(join(' ', map { defined $_->{json} ?
    defined $_->{json}{choices}[0]{finish_reason} ? 'finish' : 'chunk'
    : $_->{data} } $r->events()), 'chunk finish [DONE]', 'empty text, chunks');

# 200 chunks, each sent only when the client has read the one before it

my $paced = join '', map { "<$_>" } 1 .. 200;

for (
    [ '/chat', 'chunks' ],
    [ '/buffered', 'chunks' ],
    [ '/chat', 'a length' ],
    [ '/buffered', 'a length' ],
) {
    my ($uri, $framing) = @$_;

    $g->clear()->script(undef, [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        ($framing eq 'chunks' ? () :
            [header => 'Content-Length', length $paced]),
        (map { [wait_for => $_], [($framing eq 'chunks' ? 'chunk' : 'data')
            => "<$_>"] } 1 .. 200),
        $framing eq 'chunks' ? ([wait_for => 'end'], [end =>]) : (),
    ]);

    my $c = client();
    $c->post_only($uri, body());
    $g->signal(1);

    $r = $c->head();

    my ($text, $chunks) = ('', 0);

    while (my $e = $r->next_event()) {
        last if $e->{data} eq '[DONE]';

        my $content = $e->{json}{choices}[0]{delta}{content};
        next unless defined $content && length $content;

        $text .= $content;
        $chunks++;
        $g->signal($chunks < 200 ? $chunks + 1 : 'end');
    }

    is($chunks, 200, "paced chunks of $uri, $framing");
    is($text, $paced, "paced text of $uri, $framing");
    $r->finish();
    is($r->{complete}, 1, "paced end of $uri, $framing");
}

# the header does not wait for the end either

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'x'], [wait_for => 'go'], [end =>],
]);

my $c = client();
$c->post_only('/chat', body());
is($c->head()->{status}, 200, 'header before the end');
$g->signal('go');

# a text cut at every byte

my $text = "a\xc3\xa9b\xe4\xb8\xad\xf0\x9f\x98\x80c\xef\xbf\xbd"
    . "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa\xce\xbb\"\\\n\t\x01\x7f";

for my $n (1 .. length($text) - 1) {
    $g->script(undef, [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        [chunk => substr $text, 0, $n], [drain =>],
        [chunk => substr $text, $n], [end =>],
    ]);

    $r = post();
    is($r->text(), $text, "text cut at $n");
}

$g->stream(split //, $text);
is(post()->text(), $text, 'text in bytes');

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    (map { [chunk => $_], [drain =>] } split //, $text), [end =>],
]);
is(post()->text(), $text, 'text in reads of a byte');

# the whole reply cut at every byte, head, framing and all

my $reply = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n"
    . sprintf("%x\r\n%s\r\n", length $text, $text)
    . "5\r\nHello\r\n0\r\n\r\n";
my %seen;

for my $n (1 .. length($reply) - 1) {
    $g->script(undef, [
        [raw => substr $reply, 0, $n], [drain =>],
        [raw => substr $reply, $n], [close =>],
    ]);

    $r = post();
    $seen{$r->text() eq "${text}Hello" && $r->{complete}
        && $r->{body} =~ /data: \[DONE\]\n\n\z/ ? 'right'
        : "wrong at $n"}++;
}

is(join(' ', sort keys %seen), 'right', 'reply cut at every byte');

# bytes that are not UTF-8

for (
    [ "a\xff", "a\xef\xbf\xbd" ],
    [ "\xe2\x82", "\xef\xbf\xbd" ],
    [ "\xe2\x82(", "\xef\xbf\xbd(" ],
    [ "\xf0\x9f\x98", "\xef\xbf\xbd" ],
    [ "\xed\xa0\x80", "\xef\xbf\xbd" x 3 ],
    [ "\xc0\xaf", "\xef\xbf\xbd" x 2 ],
    [ "\x80\x80b", "\xef\xbf\xbd" x 2 . 'b' ],
) {
    my ($in, $out) = @$_;

    $g->stream($in);
    is(post()->text(), $out, 'repaired ' . unpack 'H*', $in);

    $g->script(undef, [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        (map { [chunk => $_], [drain =>] } split //, $in), [end =>],
    ]);
    is(post()->text(), $out, 'repaired in bytes ' . unpack 'H*', $in);
}

# a length in place of chunks

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [body => 'With a length'],
]);

$r = post();
is($r->text(), 'With a length', 'text with a length');
like($r->{body}, qr/data: \[DONE\]\n\n\z/, 'text with a length ends');

# a long text

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [fill => 60000, "A line of the \xe2\x82\xac text\n"], [end =>],
]);

is(post()->text(), "A line of the \xe2\x82\xac text\n" x 60000, 'long text');

# a member that comes late, and many streams on one connection

$g->stream('Hello');

$c = client();

for (1 .. 5) {
    $r = $c->post('/chat', '{"model":"gpt-4o","messages":[{"role":"user",'
        . '"content":"Hi"}],"stream":true}');
    is($r->text(), 'Hello', "stream $_ of a connection");
}

$t->done_testing();

###############################################################################

sub client {
    return Argo::Client->new(port(8080));
}


sub body {
    my ($members, $stream) = @_;

    $members = '' unless defined $members;
    $members .= '"stream":true,' unless defined $stream;

    return "{$members\"model\":\"argo:gpt-4o\",\"messages\":"
        . '[{"role":"user","content":"Hi there"}]}';
}


sub post {
    $g->clear();

    return client()->post('/chat', body(@_));
}

###############################################################################
