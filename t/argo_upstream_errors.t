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

my $unreachable = '502 server_error null upstream_unreachable';
my $incomplete = '502 server_error null upstream_incomplete';
my $invalid = '502 server_error null upstream_invalid_reply';
my $timeout = '504 server_error null upstream_timeout';

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

my $html = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    . "<body>canary</body>\r\n</html>\r\n";

my @statuses = (
    [ 400, 'json', '{"error":{"message":"Bad thing","type":"x","param":"stop",'
        . '"code":"unsupported_value"}}',
        '400 invalid_request_error stop unsupported_value', qr/^Bad thing$/ ],
    [ 400, 'json', '{"error":{"message":"\u00e9 \"q\"","type":"BadRequest",'
        . '"code":null}}',
        '400 invalid_request_error null null', qr/^\xe9 "q"$/ ],
    [ 400, 'json', '{"error":"plain"}',
        '400 invalid_request_error null null', qr/^plain$/ ],
    [ 400, 'json', '{"detail":"plain"}',
        '400 invalid_request_error null null', qr/^plain$/ ],
    [ 400, 'json', '{"message":"plain"}',
        '400 invalid_request_error null null', qr/^plain$/ ],
    [ 422, 'json', '{"detail":[{"type":"string_type","loc":["body","prompt",'
        . '0],"msg":"Input should be a valid string","input":[1]},'
        . '{"loc":["body","user"],"msg":"Field required"}]}',
        '422 invalid_request_error null null',
        qr/prompt.*Input should be a valid string/s ],
    [ 401, 'json', '{"detail":"Who?"}',
        '401 authentication_error null null', qr/^Who\?$/ ],
    [ 403, 'json', '{"detail":"No."}',
        '403 permission_error null null', qr/^No\.$/ ],
    [ 404, 'json', '{"detail":"Not Found"}',
        '404 invalid_request_error null null', qr/^Not Found$/ ],
    [ 404, 'json', '{"error":{"message":"m","code":"model_not_found",'
        . '"param":null,"type":"t"}}',
        '404 invalid_request_error null model_not_found', qr/^m$/ ],
    [ 408, 'json', '{"detail":"Late"}',
        '408 server_error null null', qr/^Late$/ ],
    [ 413, 'html', $html,
        '413 invalid_request_error null null', qr/413.*HTML/ ],
    [ 429, 'json', '{"error":{"message":"Slow down","code":null}}',
        '429 rate_limit_error null rate_limit_exceeded', qr/^Slow down$/ ],
    [ 429, 'text', 'Error code: 429 - RESOURCE_EXHAUSTED',
        '429 rate_limit_error null rate_limit_exceeded', qr/429/ ],
    [ 500, 'json', '{"error":{"message":"\'NoneType\' object is not iterable",'
        . '"type":"TypeError","code":"internal_error"}}',
        '500 server_error null internal_error', qr/NoneType/ ],
    [ 500, 'json', '{"error":{"message":["x"],"code":5,"param":{}}}',
        '500 server_error null null', qr/500/ ],
    [ 500, 'json', '{"detail":{"a":1}}',
        '500 server_error null null', qr/500/ ],
    [ 500, 'json', '[]', '500 server_error null null', qr/500/ ],
    [ 500, 'json', '{', '500 server_error null null', qr/500/ ],
    [ 500, 'json', '', '500 server_error null null', qr/500/ ],
    [ 500, 'none', 'x', '500 server_error null null', qr/500/ ],
    [ 500, 'json', '{"message":""}', '500 server_error null null', qr/500/ ],
    [ 500, 'json', "{\"message\":\"\xff\"}",
        '500 server_error null null', qr/./ ],
    [ 501, 'json', '{"message":"m"}', '501 server_error null null', qr/^m$/ ],
    [ 502, 'html', $html, '502 server_error null null',
        qr/^ARGO answered 502 with an HTML page/ ],
    [ 503, 'html', $html, '503 server_error null null',
        qr/^ARGO answered 503 with an HTML page/ ],
    [ 503, 'json', '', '503 server_error null null', qr/503.*no usable/ ],
    [ 504, 'html', $html, '504 server_error null null',
        qr/^ARGO answered 504 with an HTML page/ ],
    [ 529, 'json', '{"error":{"type":"overloaded_error","message":"Busy"}}',
        '529 server_error null null', qr/^Busy$/ ],
    [ 500, 'json', '{"error":{"message":"' . 'x' x 100000 . '"}}',
        '500 server_error null null', qr/^x+/ ],
    [ 500, 'json', '[' x 5000, '500 server_error null null', qr/500/ ],
);

my %types = (
    json => 'application/json',
    html => 'text/html; charset=utf-8',
    text => 'text/plain; charset=utf-8',
);

for (@statuses) {
    my ($status, $type, $body, $expected, $message) = @$_;

    my $name = "$status " . substr $body, 0, 40;
    $name =~ s/[^ -~]/./g;

    for my $mode (@modes) {
        reply($status, $types{$type}, $body);

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

for (
    [ 'empty', 'json', '' ],
    [ 'cut JSON', 'json', '{"response":"Hello"' ],
    [ 'no JSON', 'json', 'Hello' ],
    [ 'text behind', 'json', '{"response":"Hello"}x' ],
    [ 'array', 'json', '["response"]' ],
    [ 'string', 'json', '"response"' ],
    [ 'no response', 'json', '{"Response":"Hello"}' ],
    [ 'empty object', 'json', '{}' ],
    [ 'number', 'json', '{"response":1}' ],
    [ 'boolean', 'json', '{"response":true}' ],
    [ 'null', 'json', '{"response":null}' ],
    [ 'list', 'json', '{"response":["Hello"]}' ],
    [ 'content number', 'json', '{"response":{"content":1}}' ],
    [ 'tool calls string', 'json',
        '{"response":{"content":"","tool_calls":"x"}}' ],
    [ 'content and tool calls number', 'json',
        '{"response":{"content":"canary","tool_calls":1}}' ],
    [ 'tool call number', 'json',
        '{"response":{"content":"","tool_calls":[1]}}' ],
    [ 'tool call without name', 'json', '{"response":{"content":"",'
        . '"tool_calls":[{"id":"a","type":"function","function":{}}]}}' ],
    [ 'not UTF-8', 'json', "{\"response\":\"\xff\"}" ],
    [ 'deep', 'json', '{"response":' . '[' x 200 . ']' x 200 . '}' ],
    [ 'page', 'html', $html ],
    [ 'page as JSON', 'json', $html ],
    [ 'no type', 'none', '{"response":"Hello"}' ],
) {
    my ($name, $type, $body) = @$_;

    for my $mode (@modes) {
        reply(200, $types{$type}, $body);

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

my $denial = "\n\n\x{26a0}\x{fe0f} **IMPORTANT AUTHENTICATION NOTICE FROM ARGO"
    . "** \x{26a0}\x{fe0f}\n\n\x{1f6ab} **ACCESS DENIED** \x{1f6ab}\n\n"
    . "The username 'jdoe' is not authorized to use the Argo Gateway API. "
    . "Your ANL account was found but you do not appear in the authorized "
    . "users list for your division.\n\n** END NOTICE FROM ARGO **";
my $misuse = 'You passed a messages field along with a system and or prompt '
    . 'field. Please only pass messages with any system and user prompts '
    . 'included, or only pass system and prompt alone.';
my $denied = '403 permission_error null argo_access_denied';
my $rejected = '400 invalid_request_error null argo_rejected';

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
