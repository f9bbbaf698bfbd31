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

use Argo::Dialects ();
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

our %types = (
    json => 'application/json',
    html => 'text/html; charset=utf-8',
    text => 'text/plain; charset=utf-8',
);

# the same for the test that is about nothing else, each with what its message
# must be

our @all_replies = (
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

our @all_bodies = (
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


# ---- the native APIs

# Faults of these are hashes as well, of an API and a form (see Argo::Dialects):
#
#   name
#   where    as above
#   script   for Argo::Gateway, where a part of a reply has not come
#   status   that the client must get, with what has not begun
#   code     its code, or a pattern for it
#   param    its parameter, if it names one
#   said     the status if ARGO has answered with a failing one
#   after    a reply had begun: a stream's client has its first text
#   begun    that may be so, or not

our @native_apis = (
    [ 'chat', 'json' ], [ 'chat', 'sse' ], [ 'responses', 'json' ],
    [ 'responses', 'sse' ], [ 'messages', 'sse' ], [ 'count', 'json' ],
    [ 'embeddings', 'json' ],
);


sub native {
    my ($api, $form) = @_;

    return (
        native_silence($api, $form),
        map { { where => '', %$_ } }
            native_no_reply($form), native_replies($form),
            native_bodies($api, $form), native_framing($form),
            native_soft($api, $form), native_late($api, $form),
            native_cuts($api, $form),
    );
}


sub failed {
    my ($name, $status, $code, @script) = @_;

    return { name => $name, status => $status, code => $code,
        script => \@script };
}


sub native_silence {
    my ($api, $form) = @_;

    my @head = (Argo::Dialects::head($form), [head =>]);
    my @late = late_start($api, $form);

    return map { { %$_, code => "upstream_timeout", status => 504,
            where => 'slow' } } (
        failed('silence', 0, 0, [wait_close =>]),
        failed('silence in the header', 0, 0,
            [raw => "HTTP/1.1 200 OK\r\nX-Fo"], [wait_close =>]),
        failed('silence after the header', 0, 0, @head, [wait_close =>]),
        { %{failed('stall in the body', 0, 0, @late, [wait_close =>])},
            after => 1 },
        { %{failed('event that never ends, stall', 0, 0, @late,
            [chunk => 'data: {"id":'], [wait_close =>])}, after => 1 },
    );
}


sub native_no_reply {
    my ($form) = @_;

    my @head = Argo::Dialects::head($form);
    my $none = 'upstream_unreachable';

    return (
        { %{failed('refused', 502, $none, [reset =>])},
            where => 'refused' },
        failed('reset', 502, $none, [reset =>]),
        failed('close', 502, $none, [close =>]),
        failed('close in the header', 502, $none,
            [raw => "HTTP/1.1 200 OK\r\nX-Fo"], [close =>]),
        failed('no HTTP', 502, qr/^upstream_/,
            [raw => "garbage\r\n\r\ngarbage"], [close =>]),
        failed('close after the header', 502, 'upstream_incomplete', @head,
            [header => 'Content-Length', 100], [head =>], [drain =>],
            [close =>]),
    );
}


# What is in a failing reply, and what is made of it: 1.8 and 1.9 of what is
# known of ARGO; status, type, body, then status, code, parameter.

my $python = sub {
    my ($n, $vendor) = @_;

    return Argo::Test::json({ error => { message => "Error code: $n - $vendor",
        type => 'Error', code => 'internal_error', param => undef } });
};

my @native_replies = (
    [ 400, 'json', '{"error":{"message":"Bad thing","type":"x",'
        . '"param":"stop","code":"unsupported_value"}}',
        400, 'unsupported_value', 'stop' ],
    [ 400, 'json', '{"type":"error","error":{"type":"invalid_request_error",'
        . '"message":"messages: text content blocks must be non-empty"}}',
        400, 'null' ],
    [ 400, 'json', $python->(400, "{'type': 'error', 'error': {'type': "
        . "'invalid_request_error', 'message': 'It\\'s \"odd\"'}, "
        . "'request_id': 'req_1'}"), 400, 'null' ],
    [ 422, 'json', '{"detail":[{"type":"missing","loc":["body","user"],'
        . '"msg":"Field required","input":null}]}', 422, 'null' ],
    [ 401, 'json', '{"detail":"Who?"}', 401, 'null' ],
    [ 403, 'json', '{"detail":"No."}', 403, 'null' ],
    [ 404, 'json', '{"detail":"Not Found"}', 404, 'null' ],
    [ 408, 'json', '{"detail":"Late"}', 408, 'null' ],
    [ 413, 'html', $html, 413, 'null' ],
    [ 429, 'json', '{"error":{"message":"Slow down","code":null}}',
        429, 'rate_limit_exceeded' ],
    [ 500, 'json', $python->(429, "{'error': {'code': 429, 'message': "
        . "'Resource exhausted.', 'status': 'RESOURCE_EXHAUSTED'}}"),
        429, qr/^(?:429|rate_limit_exceeded)$/ ],
    [ 500, 'json', $python->(400, "{'error': {'message': \"Invalid 'stop'\", "
        . "'type': 'invalid_request_error', 'param': 'stop', 'code': "
        . "'invalid_value'}}"), 400, 'invalid_value', 'stop' ],
    [ 500, 'json', $python->(529, "{'type': 'error', 'error': {'type': "
        . "'overloaded_error', 'message': 'Overloaded'}}"),
        529, 'upstream_overloaded' ],
    [ 500, 'json', '{"error":{"message":"\'NoneType\' object is not '
        . 'iterable","type":"TypeError","code":"internal_error"}}',
        500, 'internal_error' ],
    [ 500, 'json', '{"detail":{"a":1}}', 500, 'null' ],
    [ 500, 'json', '', 500, 'null' ],
    [ 501, 'text', 'none', 501, 'null' ],
    [ 502, 'html', $html, 502, 'null' ],
    [ 503, 'text', 'busy', 503, 'null' ],
    [ 504, 'html', $html, 504, 'null' ],
    [ 529, 'json', '{"error":{"type":"overloaded_error","message":"Busy"}}',
        529, 'null' ],
);


sub native_replies {
    return map {
        my ($said, $type, $body, $status, $code, $param) = @$_;

        { name => "$said " . substr($body, 0, 60) =~ s/\s/ /gr,
            said => $said, status => $status, code => $code,
            param => $param, script => [ [status => $said],
                [header => 'Content-Type', $types{$type}],
                [body => $body] ] };
    } @native_replies;
}


# Statuses and bodies that a good reply does not have.

sub native_bodies {
    my ($api, $form) = @_;

    my $invalid = 'upstream_invalid_reply';
    my $json = Argo::Dialects::json($api);
    my $good = $form eq 'sse'
        ? join '', map { @$_ } Argo::Dialects::frames($api) : $json;
    my $type = (Argo::Dialects::head($form))[0][2];

    gzip(\$good, \my $gzipped);

    return (
        (map { { %{failed("status $_", 502, $invalid, [status => $_],
            [header => 'Location', 'http://127.0.0.1:1/canary'],
            [header => 'Content-Type', $type],
            $_ == 204 || $_ == 304 ? [head =>] : [body => $good],
            [close =>])} } } 201, 204, 301, 304, 307),

        failed('compressed', 502, $invalid,
            [header => 'Content-Type', $type],
            [header => 'Content-Encoding', 'gzip'], [body => $gzipped]),

        (map { failed($_->[0], 502, $invalid,
            $_->[1] eq 'none' ? () : [header => 'Content-Type', $_->[1]],
            [body => $_->[2]]) }
            [ 'page', $types{html}, $html ],
            [ 'text', $types{text}, $good ],
            [ 'no type', 'none', $good ],
            [ 'page as JSON', $types{json}, $html ],
            [ 'empty JSON', $types{json}, '' ],
            [ 'cut JSON', $types{json}, substr $json, 0, -1 ],
            [ 'text behind JSON', $types{json}, "${json}x" ],
            [ 'array', $types{json}, "[$json]" ],
            [ 'string', $types{json}, '"canary"' ],
            [ 'other object', $types{json}, '{"canary":1}' ],
            $form eq 'json' ? [ 'events', 'text/event-stream', $good ] : ()),

        $form eq 'sse' ? (
            failed('no event', 502, 'upstream_incomplete',
                [header => 'Content-Type', $type], [body => '']),
            failed('comments alone', 502, 'upstream_incomplete',
                [header => 'Content-Type', $type], [body => ": a\n\n:b\n\n"]),
            failed('event that is no JSON', 502, $invalid,
                [header => 'Content-Type', $type],
                [body => "data: {\"canary\n\n"]),
            # Anthropic may add kinds of events: what is none is passed over
            failed('event that is no object', 502, $api eq 'messages'
                ? 'upstream_incomplete' : $invalid,
                [header => 'Content-Type', $type], [body => "data: 5\n\n"]),
        ) : (),

        failed('error object', 429, 'rate_limit_exceeded',
            Argo::Dialects::head('json'),
            [body => '{"error":{"message":"Too many",'
                . '"type":"rate_limit_error","param":null,"code":null}}']),
        failed('error object of Anthropic\'s', native_overloaded($api),
            Argo::Dialects::head('json'),
            [body => '{"type":"error","error":{"type":"overloaded_error",'
                . '"message":"Overloaded"}}']),
    );
}


sub native_framing {
    my ($form) = @_;

    return map {
        my ($name, $bytes) = @$_;

        failed("bad chunk, $name", 502,
            qr/^upstream_(?:incomplete|invalid_reply)$/,
            Argo::Dialects::head($form),
            [header => 'Transfer-Encoding', 'chunked'], [data => $bytes],
            [close =>])
    } [ 'size', "zz\r\n" ], [ 'long size', 'f' x 40 . "\r\n" ],
        [ 'status line', "HTTP/1.1 502 Bad Gateway\r\n\r\n" ];
}


# ARGO's notices as a reply of the API, whole, cut anywhere, and as one body
# where events were asked for; and failures that come as one.

sub native_soft {
    my ($api, $form) = @_;

    return if $api eq 'count' || $api eq 'embeddings';

    my @faults;

    for ([ 'denial', $denial, 403, 'argo_access_denied' ],
        [ 'misuse', $misuse, 400, 'argo_rejected' ])
    {
        my ($name, $text, @error) = @$_;
        my @words = $text =~ /(.{1,7})/gs;

        push @faults, failed("$name as JSON", @error,
            Argo::Dialects::head('json'),
            [body => Argo::Dialects::json($api, $text)]);

        if ($form eq 'json') {
            push @faults, failed("$name in bytes", @error,
                Argo::Dialects::head('json'), (map { [chunk => $_] }
                    split //, Argo::Dialects::json($api, $text)), [end =>]);
            next;
        }

        for ([ 'one event', $text ], [ 'events', @words ],
            [ 'letters', split //, $text ])
        {
            my ($how, @texts) = @$_;
            my $bytes = join '', map { @$_ }
                Argo::Dialects::frames($api, @texts);

            push @faults, failed("$name, $how", @error,
                Argo::Dialects::head('sse'), [chunk => $bytes], [end =>]);
            push @faults, failed("$name, $how, in pieces", @error,
                Argo::Dialects::head('sse'), (map { [chunk => $_] }
                    unpack '(a37)*', $bytes), [end =>]);
        }
    }

    push @faults, native_error_events($api) if $form eq 'sse';

    push @faults, map { failed("failed as JSON, $_->[0]", @{$_}[1, 2],
        Argo::Dialects::head('json'), [body => Argo::Test::json({
            %{Argo::Dialects::response('failed')}, error => {
                code => $_->[0], message => 'Broken' } })]) }
        [ 'server_error', 502, 'upstream_error' ],
        [ 'rate_limit_exceeded', 429, 'rate_limit_exceeded' ],
        [ 'invalid_prompt', 400, 'invalid_prompt' ] if $api eq 'responses';

    return @faults;
}


# That the vendor is busy is told with a status of its own by Anthropic.

sub native_overloaded {
    my ($api) = @_;

    return $api eq 'messages' ? (529, 'null') : (503, 'upstream_overloaded');
}


# An error that comes as an event, first or behind some text; that something
# like the end of a good reply comes after it makes it no better.

sub native_error_events {
    my ($api) = @_;

    my @start = late_start($api, 'sse');
    my ($before, $texts, $ends) = Argo::Dialects::frames($api);
    my @events;

    if ($api eq 'messages') {
        @events = (
            [ 'overloaded', Argo::Dialects::event('error', { error => {
                type => 'overloaded_error', message => 'Overloaded' } }),
                native_overloaded($api) ],
            [ 'invalid', Argo::Dialects::event('error', { error => {
                type => 'invalid_request_error', message => 'Bad' } }),
                400, 'null' ]);

    } elsif ($api eq 'responses') {
        @events = (
            [ 'limit', Argo::Dialects::event('error', {
                code => 'rate_limit_exceeded', message => 'Slow',
                param => undef, sequence_number => 4 }),
                429, 'rate_limit_exceeded' ],
            (map { my ($code, @error) = @$_;
                [ "failed, $code", Argo::Dialects::event('response.failed', {
                    sequence_number => 4, response => {
                        %{Argo::Dialects::response('failed')}, error => {
                            code => $code, message => 'Broken' } } }),
                    @error ] }
                [ 'server_error', 502, 'upstream_error' ],
                [ 'rate_limit_exceeded', 429, 'rate_limit_exceeded' ],
                [ 'invalid_prompt', 400, 'invalid_prompt' ]));

    } else {
        @events = (
            [ 'limit', Argo::Dialects::data({ error => { message => 'Slow',
                type => 'rate_limit_error', param => undef,
                code => undef } }), 429, 'rate_limit_exceeded' ],
            [ 'printed', Argo::Dialects::data({ error => { message =>
                "Error code: 400 - {'error': {'message': 'Bad', 'type': "
                . "'invalid_request_error', 'param': 'stop', 'code': "
                . "'invalid_value'}}", type => 'BadRequestError' } }),
                400, 'invalid_value', 'stop' ]);
    }

    return map {
        my ($name, $event, $status, $code, $param) = @$_;

        map { { %{failed("error event, $name, $_->[0]", $status, $code,
            @{$_}[2 .. $#$_], [chunk => $event],
            (map { [chunk => $_] } @$ends), [end =>])},
            param => $param, after => $_->[1] } }
            [ 'first', 0, Argo::Dialects::head('sse') ],
            [ 'behind the start', 0, Argo::Dialects::head('sse'),
                map { [chunk => $_] } @$before ],
            [ 'behind text', 1, @start ];
    } @events;
}


# The steps up to where a reply has begun, and its client has read that.

sub late_start {
    my ($api, $form) = @_;

    return (Argo::Dialects::head($form),
        [chunk => substr Argo::Dialects::json($api), 0, 20], [drain =>])
        if $form eq 'json';

    my ($before, $texts) = Argo::Dialects::frames($api);

    return (Argo::Dialects::head($form),
        (map { [chunk => $_] } @$before, $texts->[0]), [drain =>]);
}


# What fails when a part of a reply has come.

sub native_late {
    my ($api, $form) = @_;

    my @start = late_start($api, $form);
    my $cut = 'upstream_incomplete';
    my $sse = $form eq 'sse';
    my ($texts, $ends) = (Argo::Dialects::frames($api))[1, 2];

    return map { { %$_, status => 502, after => 1 } } (
        failed('cut: close', 0, $cut, @start, [close =>]),
        failed('cut: reset', 0, $cut, @start, [reset =>]),
        failed('cut: end', 0, $sse ? $cut : 'upstream_invalid_reply', @start,
            [end =>]),
        failed('cut: bad chunk', 0, $cut, @start, [raw => "zz\r\n"],
            [wait_close =>]),
        failed('cut: status line', 0, $cut, @start,
            [raw => "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n"
                . "\r\n<html>canary"], [wait_close =>]),
        failed('cut: in a chunk', 0, $cut, @start,
            [raw => "ff\r\ndata: {\"canary"], [close =>]),

        $sse ? (
            failed('event that never ends, close', 0, $cut, @start,
                [chunk => 'data: {"id":'], [close =>]),
            failed('event that never ends, end', 0, $cut, @start,
                [chunk => 'data: {"id":'], [end =>]),
            failed('event without its empty line', 0, $cut, @start,
                [chunk => $texts->[1] =~ s/\n\n$//r], [end =>]),
            failed('broken event', 0, 'upstream_invalid_reply', @start,
                [chunk => "data: {\"canary\n\n"], [end =>]),
        ) : (),
    );
}


# Cut at bytes all over the reply, before it says that it is complete.

sub native_cuts {
    my ($api, $form) = @_;

    return if $form eq 'json';

    my ($before, $texts, $ends) = Argo::Dialects::frames($api);
    my $bytes = join '', @$before, @$texts;
    my $visible = length join '', @$before, $texts->[0];
    my $n = 9;

    return map {
        my $at = int $_ * length($bytes) / $n;

        map { { %{failed("cut at $at: $_->[0]", 502, 'upstream_incomplete',
            Argo::Dialects::head('sse'),
            ($at ? [chunk => substr $bytes, 0, $at] : [head =>]),
            [drain =>], $_)}, after => $at >= $visible } }
            [close =>], [end =>];
    } 1 .. $n;
}


1;
