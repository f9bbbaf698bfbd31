package Argo::Faults;

# Copyright (C) The ngx_http_argo_module authors

# The ways in which a call of ARGO fails, for the tests of each endpoint: what
# the gateway is to play, and the error that the client must get.
#
# A fault is a hash:
#
#   name
#   script   for Argo::Gateway
#   error    as of Argo::Client::Reply::error(), or a pattern for it
#   code     a pattern for the code of an error, where several are right
#   where    the kind of location that shows it: '', 'slow' for one with a
#            short timeout, 'refused' for one that nobody listens behind
#   reply    [status, content type, body] if ARGO has answered with an error
#            status

use warnings;
use strict;

use IO::Compress::Gzip qw/ gzip /;

use Argo::Test ();

our $denial = "\n\n\x{26a0}\x{fe0f} **IMPORTANT AUTHENTICATION NOTICE FROM "
    . "ARGO** \x{26a0}\x{fe0f}\n\n\x{1f6ab} **ACCESS DENIED** \x{1f6ab}\n\n"
    . "The username 'jdoe' is not authorized to use the Argo Gateway API. "
    . "Your ANL account was found but you do not appear in the authorized "
    . "users list for your division.\n\n** END NOTICE FROM ARGO **";

our $misuse = 'You passed a messages field along with a system and or prompt '
    . 'field. Please only pass messages with any system and user prompts '
    . 'included, or only pass system and prompt alone.';

our $denied = '403 permission_error null argo_access_denied';
our $rejected = '400 invalid_request_error null argo_rejected';
our $unreachable = '502 server_error null upstream_unreachable';
our $incomplete = '502 server_error null upstream_incomplete';
our $invalid = '502 server_error null upstream_invalid_reply';
our $timeout = '504 server_error null upstream_timeout';

my $html = "<html>\r\n<head><title>Bad Gateway</title></head>\r\n"
    . "<body>canary</body>\r\n</html>\r\n";

# of each form in which ARGO says that something went wrong

my @replies = (
    [ 400, 'json', '{"error":{"message":"Bad thing","type":"x",'
        . '"param":"stop","code":"unsupported_value"}}',
        '400 invalid_request_error stop unsupported_value' ],
    [ 400, 'json', '{"error":"plain"}',
        '400 invalid_request_error null null' ],
    [ 422, 'json', '{"detail":[{"loc":["body","user"],'
        . '"msg":"Field required"}]}',
        '422 invalid_request_error null null' ],
    [ 401, 'json', '{ "detail" : "Who?" }',
        '401 authentication_error null null' ],
    [ 403, 'json', '{"detail":"No."}', '403 permission_error null null' ],
    [ 404, 'json', '{"detail":"Not Found"}',
        '404 invalid_request_error null null' ],
    [ 408, 'json', '{"detail":"Late"}', '408 server_error null null' ],
    [ 413, 'html', $html, '413 invalid_request_error null null' ],
    [ 429, 'json', '{"error":{"message":"Slow down","code":null}}',
        '429 rate_limit_error null rate_limit_exceeded' ],
    [ 500, 'json', '{"error":{"message":"\'NoneType\' object is not '
        . 'iterable","type":"TypeError","code":"internal_error"}}',
        '500 server_error null internal_error' ],
    [ 500, 'json', '{"detail":{"a":1}}', '500 server_error null null' ],
    [ 500, 'json', '', '500 server_error null null' ],
    [ 502, 'html', $html, '502 server_error null null' ],
    [ 503, 'text', 'busy', '503 server_error null null' ],
    [ 529, 'json', '{"error":{"type":"overloaded_error","message":"Busy"}}',
        '529 server_error null null' ],

    # a vendor's error, as Python prints it
    [ 500, 'json', Argo::Test::json({ error => { message =>
        "Error code: 400 - {'error': {'message': \"Invalid 'stop'\", "
        . "'type': 'invalid_request_error', 'param': 'stop', "
        . "'code': 'invalid_value'}}", type => 'BadRequestError',
        code => 'internal_error' } }),
        '400 invalid_request_error stop invalid_value' ],
);

my %types = (
    json => 'application/json',
    html => 'text/html; charset=utf-8',
    text => 'text/plain; charset=utf-8',
);

# statuses of success, or none, that a reply can't have

my @bodies = (
    [ 'empty', 'json', '' ],
    [ 'cut JSON', 'json', '{"response":"canary"' ],
    [ 'no JSON', 'json', 'canary' ],
    [ 'text behind', 'json', '{"response":"canary"}x' ],
    [ 'array', 'json', '["response"]' ],
    [ 'no response', 'json', '{"Response":"canary"}' ],
    [ 'page', 'html', $html ],
    [ 'page as JSON', 'json', $html ],
    [ 'no type', 'none', '{"response":"canary"}' ],
);


# What fails before there is anything of a reply, or with all of it; raw: the
# call is for a raw stream.

sub early {
    my ($raw) = @_;

    my @type = (header => 'Content-Type', $raw ? 'text/plain; charset=utf-8'
        : 'application/json');

    return (
        { name => 'refused', where => 'refused', error => $unreachable,
            script => [[reset =>]] },
        { name => 'silence', where => 'slow', error => $timeout,
            script => [[wait_close =>]] },
        { name => 'silence in the header', where => 'slow',
            error => $timeout,
            script => [[raw => "HTTP/1.1 200 OK\r\nX-Fo"], [wait_close =>]] },
        { name => 'silence after the header', where => 'slow',
            error => $timeout, script => [[@type], [head =>],
                [wait_close =>]] },
        silent_body($raw),
        (map { { where => '', %$_ } }
            no_reply(@type), replies(), statuses(), bodies($raw),
            framing($raw), soft($raw)),
    );
}


sub silent_body {
    my ($raw) = @_;

    return if $raw;

    return { name => 'silence in the body', where => 'slow',
        error => $timeout, script => [
            [header => 'Content-Type', 'application/json'],
            [chunk => '{"response":'], [wait_close =>],
        ] };
}


sub no_reply {
    my (@type) = @_;

    return (
        { name => 'reset', error => $unreachable, script => [[reset =>]] },
        { name => 'close', error => $unreachable, script => [[close =>]] },
        { name => 'close in the header', error => $unreachable,
            script => [[raw => "HTTP/1.1 200 OK\r\nX-Fo"], [close =>]] },
        { name => 'close after the header', error => $incomplete,
            script => [[@type], [header => 'Content-Length', 100], [head =>],
                [close =>]] },
        { name => 'no HTTP', code => qr/^upstream_/,
            error => qr/^502 server_error null upstream_/,
            script => [[raw => "garbage\r\n\r\ngarbage"], [close =>]] },
    );
}


sub replies {
    return map {
        my ($status, $type, $body, $error) = @$_;

        { name => "$status " . substr($body, 0, 20) =~ s/\s/ /gr,
            error => $error, reply => [ $status, $types{$type}, $body ],
            script => [ [status => $status],
                [header => 'Content-Type', $types{$type}],
                [body => $body] ] };
    } @replies;
}


sub statuses {
    return map {
        { name => "status $_", error => $invalid, script => [
            [status => $_],
            [header => 'Location', 'http://127.0.0.1:1/canary'],
            [header => 'Content-Type', 'application/json'],
            $_ == 204 || $_ == 304 ? [head =>]
                : [body => '{"response":"canary"}'],
            [close =>],
        ] };
    } 201, 204, 301, 302, 304, 307;
}


sub bodies {
    my ($raw) = @_;

    my $json = '{"response":"canary"}';
    gzip(\$json, \my $gzipped);

    return (
        (map {
            my ($name, $type, $body) = @$_;

            { name => $name, error => $invalid, script => [
                $type eq 'none' ? ()
                    : [header => 'Content-Type', $types{$type}],
                [body => $body],
            ] };
        } @bodies, $raw ? () : [ 'text', 'text', 'canary' ]),

        (map {
            { name => "compressed $_", error => $invalid, script => [
                [header => 'Content-Type', $_],
                [header => 'Content-Encoding', 'gzip'],
                [body => $gzipped],
            ] };
        } $types{json}, $types{text}),
    );
}


# Chunks that are none, at the very start of a body; and for a raw stream, no
# framing at all, which could not be told from a cut.

sub framing {
    my ($raw) = @_;

    return (
        (map {
            my ($name, $bytes) = @$_;

            { name => "bad chunk, $name",
                error => qr/^502\ server_error\ null
                    \ upstream_(?:incomplete|invalid_reply)$/x,
                code => qr/^upstream_(?:incomplete|invalid_reply)$/,
                script => [
                    [header => 'Content-Type', $types{$raw ? 'text'
                        : 'json'}],
                    [header => 'Transfer-Encoding', 'chunked'],
                    [data => $bytes], [close =>],
                ] };
        } [ 'size', "zz\r\n" ], [ 'status line',
            "HTTP/1.1 502 Bad Gateway\r\n\r\n" ]),

        $raw ? { name => 'ended by the connection', error => $invalid,
            script => [ [header => 'Content-Type', $types{text}],
                [data => 'canary'], [close =>] ] } : (),
    );
}


# ARGO's refusals with status 200, in one piece and byte by byte.

sub soft {
    my ($raw) = @_;

    my @faults;

    for ([ 'denial', $denial, $denied ], [ 'misuse', $misuse, $rejected ],
        [ 'denial in lower case', lc $denial, $denied ])
    {
        my ($name, $text, $error) = @$_;
        my $bytes = $text;

        utf8::encode($bytes);
        $bytes = Argo::Test::json({ response => $text }) unless $raw;

        my @type = (header => 'Content-Type', $types{$raw ? 'text' : 'json'});

        push @faults,
            { name => $name, error => $error, script => [ [@type],
                $raw ? ([chunk => $bytes], [end =>]) : [body => $bytes] ] },
            { name => "$name in bytes", error => $error, script => [
                [@type], (map { [chunk => $_] } split //, $bytes),
                [end =>] ] };
    }

    # failures of its own, and of what it asked

    for (
        [ 'NoneType', "'NoneType' object is not iterable",
            '502 server_error null upstream_error' ],
        [ 'vendor out of resources',
            'Error code: 429 - RESOURCE_EXHAUSTED',
            '429 rate_limit_error null rate_limit_exceeded' ],
        [ 'vendor error as Python prints it', "Error code: 400 - {'error': "
            . "{'message': \"Unsupported parameter: 'top_p'.\", 'type': "
            . "'invalid_request_error', 'param': 'top_p', 'code': "
            . "'unsupported_parameter'}}",
            '400 invalid_request_error top_p unsupported_parameter' ],
        [ 'no connection to a vendor', "HTTPSConnectionPool(host="
            . "'oauth2.googleapis.com', port=443): Max retries exceeded with "
            . "url: /token (Caused by NewConnectionError('refused'))",
            '502 server_error null upstream_outage' ],
    ) {
        my ($name, $text, $error) = @$_;
        my @type = (header => 'Content-Type', $types{$raw ? 'text' : 'json'});

        push @faults, { name => $name, error => $error, script => [
            [@type], $raw ? ([chunk => $text], [end =>])
                : [body => Argo::Test::json({ response => $text })] ] };
    }

    push @faults, { name => 'error object', script => [
        [header => 'Content-Type', 'application/json'],
        [body => '{"error":{"message":"Too many","type":"rate_limit_error",'
            . '"param":null,"code":null}}'] ],
        error => '429 rate_limit_error null rate_limit_exceeded' };

    return @faults;
}


# What fails when a part of a raw stream has come, as the steps that follow;
# text: what of them counts as text, bytes: as bytes that are none.

sub late {
    my $cut = qr/^upstream_incomplete$/;

    return (
        { name => 'close', code => $cut, steps => [[close =>]] },
        { name => 'reset', code => $cut, steps => [[reset =>]] },
        { name => 'bad chunk', code => $cut, steps => [[raw => "zz\r\n"],
            [wait_close =>]] },
        { name => 'status line in the middle', code => $cut, steps => [
            [raw => "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n"
                . "\r\n<html>"], [wait_close =>]] },
        { name => 'cut chunk', code => $cut, text => 'world',
            steps => [[raw => "10\r\nworld"], [close =>]] },
        { name => 'cut character', code => $cut, bytes => "\xe2",
            steps => [[raw => "1\r\n\xe2\r\n"], [close =>]] },
        { name => 'silence', where => 'slow', error => $timeout,
            steps => [[wait_close =>]] },
    );
}


1;
