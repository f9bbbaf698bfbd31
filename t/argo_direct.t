#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for ARGO's own API that is passed on: of a request nothing is changed
# but the user and the model, of a reply nothing at all.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;
use Argo::Faults;
use Argo::HTTP2;

my $t = Argo::Test->new()->has(qw/ http_v2 /);

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_user            jdoe;
    argo_upstream        /argo/;
    argo_upstream_api legacy;
    argo_zone            argo 1m;
    argo_models_refresh  0;
    argo_heartbeat       50ms;
    proxy_http_version   1.1;
    proxy_set_header     Connection "";

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location = /chat {
            argo_endpoint  chat;
        }

        location = /embed {
            argo_endpoint  embed;
        }

        location = /chatpseudo {
            argo_endpoint  chat;
            argo_stream    pseudo;
        }

        location = /chatslow {
            argo_endpoint  chat;
            argo_upstream  /slow/;
            argo_upstream_api legacy;
        }

        location = /embedslow {
            argo_endpoint  embed;
            argo_upstream  /slow/;
            argo_upstream_api legacy;
        }

        location = /chatpatient {
            argo_endpoint  chat;
            argo_upstream  /patient/;
            argo_upstream_api legacy;
        }

        location = /chatrefused {
            argo_endpoint  chat;
            argo_upstream  /refused/;
            argo_upstream_api legacy;
        }

        location = /embedrefused {
            argo_endpoint  embed;
            argo_upstream  /refused/;
            argo_upstream_api legacy;
        }

        location = /chatdefault {
            argo_endpoint       chat;
            argo_default_model  gpt-4o;
        }

        location = /embeddefault {
            argo_endpoint                 embed;
            argo_default_embedding_model  text-embedding-3-small;
        }

        location = /quoted {
            argo_endpoint  chat;
            argo_model     odd o\"\\dd;
        }

        location /v1/ {
            argo_endpoint  auto;
        }

        location /argo/ {
            internal;
            proxy_pass  http://127.0.0.1:8081/;
        }

        location /slow/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_read_timeout  200ms;
        }

        # for one reply that comes and one that does not
        location /patient/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_read_timeout  1s;
        }

        location /refused/ {
            internal;
            proxy_pass  http://127.0.0.1:8082/;
        }
    }

    server {
        listen       127.0.0.1:8083 http2;
        server_name  localhost;

        location = /chat {
            argo_endpoint  chat;
        }

        location /argo/ {
            internal;
            proxy_pass  http://127.0.0.1:8081/;
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my $bad = '400 invalid_request_error';

###############################################################################

# the request, byte by byte

$g->answer('Hello');

for (
    [ 'as usual', '{"user":"me","model":"gpt-4o","prompt":["Hi"]}',
        '{"user":"jdoe","model":"gpt4o","prompt":["Hi"]}' ],
    [ 'other order and blanks',
        " \r\n{ \"prompt\" :\t[ \"Hi\" ] , \"model\" : \"argo:gpt-4o\" ,\n "
        . "\"user\"\n:\n\"me\" }\n\n ",
        " \r\n{ \"prompt\" :\t[ \"Hi\" ] , \"model\" : \"gpt4o\" ,\n "
        . "\"user\"\n:\n\"jdoe\" }\n\n " ],
    [ 'no user', '{ "model":"gpt4o","prompt":["Hi"]}',
        '{"user":"jdoe", "model":"gpt4o","prompt":["Hi"]}' ],
    [ 'user twice', '{"user":"a","model":"gpt4o","user":"b"}',
        '{"user":"jdoe","model":"gpt4o","user":"jdoe"}' ],
    [ 'model twice', '{"model":"gpt-5","user":"a","model":"gpt-4o"}',
        '{"model":"gpt4o","user":"jdoe","model":"gpt4o"}' ],
    [ 'escaped names', '{"\u0075ser":"a","m\u006Fde\u006c":"gpt-4o"}',
        '{"\u0075ser":"jdoe","m\u006Fde\u006c":"gpt4o"}' ],
    [ 'user twice, once escaped',
        '{"user":"a","\u0075\u0073\u0065\u0072":"b","model":"gpt4o"}',
        '{"user":"jdoe","\u0075\u0073\u0065\u0072":"jdoe","model":"gpt4o"}' ],
    [ 'escaped value', '{"user":"\u0061","model":"gpt\u002d4o"}',
        '{"user":"jdoe","model":"gpt4o"}' ],
    [ 'user of another type', '{"user":{"user":"a"},"model":"gpt4o"}',
        '{"user":"jdoe","model":"gpt4o"}' ],
    [ 'user null', '{"user":null,"model":"gpt4o"}',
        '{"user":"jdoe","model":"gpt4o"}' ],
    [ 'inner names', '{"user":"a","x":{"user":"a","model":"gpt-4o","y":'
        . '[{"user":1,"model":[]}]},"model":"gpt4o"}',
        '{"user":"jdoe","x":{"user":"a","model":"gpt-4o","y":'
        . '[{"user":1,"model":[]}]},"model":"gpt4o"}' ],
    [ 'other case', '{"User":"a","MODEL":"b","model":"gpt4o","user":"c"}',
        '{"User":"a","MODEL":"b","model":"gpt4o","user":"jdoe"}' ],
    [ 'numbers', '{"user":"a","model":"gpt4o","temperature":1e400,'
        . '"top_p":0.10000000000000000000000,"seed":12345678901234567890,'
        . '"x":-0,"y":1E+2,"max_tokens":01e0}' =~ s/01e0/1.0e0/r,
        '{"user":"jdoe","model":"gpt4o","temperature":1e400,'
        . '"top_p":0.10000000000000000000000,"seed":12345678901234567890,'
        . '"x":-0,"y":1E+2,"max_tokens":1.0e0}' ],
    [ 'keys twice', '{"x":1,"model":"gpt4o","x":2,"user":"a","x":2}',
        '{"x":1,"model":"gpt4o","x":2,"user":"jdoe","x":2}' ],
    [ 'odd strings', '{"model":"gpt4o","user":"a","prompt":["\ud800","\udc00'
        . '\ud83d\ude00","\u0000","\/","\u00e9' . "\xc3\xa9\x7f" . '"]}',
        '{"model":"gpt4o","user":"jdoe","prompt":["\ud800","\udc00'
        . '\ud83d\ude00","\u0000","\/","\u00e9' . "\xc3\xa9\x7f" . '"]}' ],
    [ 'members of other APIs', '{"model":"gpt4o","user":"a","messages":'
        . '[{"role":"developer","content":null}],"system":"x","n":2,'
        . '"logprobs":true,"stop":[],"stream":false,"tools":[{}]}',
        '{"model":"gpt4o","user":"jdoe","messages":'
        . '[{"role":"developer","content":null}],"system":"x","n":2,'
        . '"logprobs":true,"stop":[],"stream":false,"tools":[{}]}' ],
    [ 'long', '{"model":"gpt-4o","prompt":["' . 'x' x 300000 . '"]}',
        '{"user":"jdoe","model":"gpt4o","prompt":["' . 'x' x 300000
        . '"]}' ],
) {
    my ($name, $body, $expected) = @$_;

    my $r = post('/chat', $body);
    is($r->{status}, 200, "$name, status") or diag($r->{body});
    ok($g->request()->{body} eq $expected, "$name, what ARGO gets")
        or diag(substr $g->request()->{body}, 0, 400);
}

is($g->request()->{uri}, '/api/v1/resource/chat/', 'uri');
is(Argo::Gateway::header($g->request(), 'Accept'), 'application/json',
    'accept');
is(Argo::Gateway::header($g->request(), 'Accept-Encoding'), 'identity',
    'accept encoding');
is($g->request()->{method}, 'POST', 'method');

is(post('/chatdefault', '{"user":"me","prompt":["Hi"]}')->{status}, 200,
    'default model');
is($g->request()->{body}, '{"model":"gpt4o","user":"jdoe","prompt":["Hi"]}',
    'default model, what ARGO gets');
is(post('/chatdefault', '{}')->{status}, 200, 'empty object');
is($g->request()->{body}, '{"user":"jdoe","model":"gpt4o"}',
    'empty object, what ARGO gets');
is(post('/chatdefault', ' { } ')->{status}, 200, 'empty object with blanks');
is($g->request()->{body}, ' {"user":"jdoe","model":"gpt4o" } ',
    'empty object with blanks, what ARGO gets');

$g->script(undef, [ [header => 'Content-Type', 'application/json'],
    [body => '{"embedding":[[0.1]]}'] ]);
is(post('/embeddefault', '{"prompt":["Hi"]}')->{status}, 200,
    'default model for embeddings');
is($g->request()->{body}, '{"user":"jdoe","model":"v3small","prompt":'
    . '["Hi"]}', 'default model for embeddings, what ARGO gets');
is(post('/embed', '{"user":"x","model":"text-embedding-3-large","prompt":'
    . '["Hi"],"stream":true}')->{status}, 200, 'embed');
is($g->request()->{body}, '{"user":"jdoe","model":"v3large","prompt":'
    . '["Hi"],"stream":true}', 'embed, what ARGO gets');
is($g->request()->{uri}, '/api/v1/resource/embed/', 'embed, uri');

# the reply, byte by byte

for (
    '{"response":"Hello"}',
    " {\n  \"response\" : \"H\\u00e9llo \\/ \\ud800\" ,\r\n\t\"x\": "
        . "[1e400, 1.50,12345678901234567890 ] }\n\n",
    '{"response":"one","response":"two"}',
    '{"response":{"content":"Hello","tool_calls":[{"a" : 1}]}}',
    '{"response":{"content":null,"tool_calls":[]}}',
    '{"response":""}',
    '{"response":null}',
    '{"x":{"response":1},"response":"\u0000' . "\xe2\x82\xac" . '"}',
    '{"response":"' . 'y' x 200000 . '"}',
) {
    my $name = substr($_, 0, 30) =~ s/\s/ /gr;

    for my $framing (qw/ length chunks bytes /) {
        next if $framing eq 'bytes' && length $_ > 1000;

        $g->script(undef, [
            [header => 'Content-Type', 'application/json'],
            $framing eq 'length' ? [body => $_]
                : $framing eq 'chunks' ? ([chunk => $_], [end =>])
                : ((map { ([chunk => $_]) } split //, $_), [end =>]),
        ]);

        my $r = post('/chat', '{"model":"gpt4o"}');

        is($r->{status}, 200, "$name, $framing, status");
        ok($r->{body} eq $_, "$name, $framing, body")
            or diag(substr $r->{body}, 0, 400);
        like($r->header('content-type'), qr{^application/json},
            "$name, $framing, type");
        like($r->header('x-request-id'), qr/^[0-9a-f]{32}$/,
            "$name, $framing, request id");
    }
}

my $vectors = '{"embedding": [[0.0123, -4.56e-05, 1E400],[]]}' . "\n";
$g->script(undef, [ [header => 'Content-Type', 'application/json'],
    [body => $vectors] ]);
is(post('/embed', '{"model":"v3small","prompt":["a","b"]}')->{body},
    $vectors, 'reply of embed');

# what shell users do

SKIP: {
    skip 'no curl or no jq', 2 if grep {
        my $program = $_;
        !grep { -x "$_/$program" } split /:/, $ENV{PATH};
    } qw/ curl jq /;

    $g->answer("Hello \"J\x{fc}rgen\"\n");

    my $uri = 'http://127.0.0.1:' . port(8080) . '/v1/chat';

    is(`curl -s -d '{"model":"gpt-4o","prompt":["Hi"]}' $uri | jq .response`,
        "\"Hello \\\"J\xc3\xbcrgen\\\"\\n\"\n", 'curl and jq');
    is(`curl -s -H 'Content-Type: application/json' -d '{"user":"me"}' $uri \\
        | jq -r .error.param`, "model\n", 'curl and jq, error');
}

# streams: bytes as they come

my @odd = ('Hello ', "\xff\xfe", "\xe2", "\x82", "\xac", "\xf0\x9f",
    "\x98\x80", "\0", "data: [DONE]\n\n", "\xed\xa0\x80", "\xc3");

for my $uri ('/chat', '/chatpseudo') {
    $g->stream(@odd);

    my $r = post($uri, '{"stream":true,"model":"gpt-4o","prompt":["Hi"]}');

    is($r->{status}, 200, "stream of $uri, status");
    is($r->header('content-type'), 'text/plain; charset=utf-8',
        "stream of $uri, type");
    is($r->header('content-length'), undef, "stream of $uri, no length");
    is($r->header('x-accel-buffering'), 'no', "stream of $uri, buffering");
    is($r->{complete}, 1, "stream of $uri, regular end");
    ok($r->{body} eq join('', @odd), "stream of $uri, bytes")
        or diag(unpack 'H*', $r->{body});
    is($g->request()->{uri}, '/api/v1/resource/streamchat/',
        "stream of $uri, uri");
    is($g->request()->{body}, '{"user":"jdoe","stream":true,"model":"gpt4o",'
        . '"prompt":["Hi"]}', "stream of $uri, what ARGO gets");
    is(Argo::Gateway::header($g->request(), 'Accept'), 'text/plain',
        "stream of $uri, accept");
    is(Argo::Gateway::header($g->request(), 'Accept-Encoding'), 'identity',
        "stream of $uri, accept encoding");
}

# each chunk goes on before the next one is there

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    (map { [wait_for => $_], [chunk => $odd[$_]] } 0 .. $#odd),
    [wait_for => 'end'], [end =>],
]);

my $c = client();
$c->post_only('/chat', stream());
$g->signal(0);

my $r = $c->head();
my @seen;

for my $i (0 .. $#odd) {
    my $bytes = '';

    while (length $bytes < length $odd[$i]) {
        my $piece = $r->next_piece();
        last unless defined $piece;
        $bytes .= $piece;
    }

    push @seen, $bytes;
    $g->signal($i < $#odd ? $i + 1 : 'end');
}

is_deeply([ map { unpack 'H*', $_ } @seen ],
    [ map { unpack 'H*', $_ } @odd ], 'paced chunks');
$r->finish();
is($r->{complete}, 1, 'paced chunks, regular end');

# a text cut at each byte

my $text = "a\xc3\xa9b\xe4\xb8\xad\xf0\x9f\x98\x80\xff\"\\\n\x01";
my @wrong;

for my $n (1 .. length($text) - 1) {
    $g->script(undef, [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        [chunk => substr $text, 0, $n], [drain =>],
        [chunk => substr $text, $n], [end =>],
    ]);
    push @wrong, $n if post('/chat', stream())->{body} ne $text;
}

is("@wrong", '', 'text cut at every byte');

# no text, a length in place of chunks, a document in place of a stream, a
# long text

$g->stream();
$r = post('/chat', stream());
is("$r->{status} $r->{complete} '$r->{body}'", "200 1 ''", 'empty stream');

$g->script(undef, [ [header => 'Content-Type', 'text/plain'],
    [body => 'With a length'] ]);
is(post('/chat', stream())->{body}, 'With a length', 'stream with a length');

$g->script(undef, [ [header => 'Content-Type', 'application/json'],
    [body => "{ \"response\": \"H\\u00e9llo\" }\n"] ]);
$r = post('/chat', stream());
is($r->{body}, "{ \"response\": \"H\\u00e9llo\" }\n",
    'document in place of a stream');

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [fill => 60000, "A line of the \xe2\x82 text\n"], [end =>],
]);
ok(post('/chat', stream())->{body} eq "A line of the \xe2\x82 text\n" x 60000,
    'long text');

# heartbeats have no place in bare text

$g->clear()->script(undef, [
    [wait_for => 'go'], [header => 'Content-Type', 'text/plain'],
    [chunk => 'Hello'], [end =>],
]);
$c = client();
$c->post_only('/chat', stream());
ok($g->wait_event('request'), 'no heartbeats, request');
select undef, undef, undef, 0.2;
$g->signal('go');
is($c->response()->{body}, 'Hello', 'no heartbeats');

# an answer that quotes a refusal, or begins like one

for my $said ("ARGO says: $Argo::Faults::denial", '**', 'I', "'",
    "\x{26a0}\x{fe0f} Careful", "'NoneType' object is what Python says",
    'Error code: 4')
{
    my $bytes = $said;
    utf8::encode($bytes);

    my $name = substr($said, 0, 9) =~ s/[^ -~]/./gr;

    $g->stream(split //, $bytes);
    is(post('/chat', stream())->{body}, $bytes, "answer $name, stream");

    $g->answer($said);
    is(post('/chat', '{"model":"gpt4o"}')->{body}, json({ response => $said }),
        "answer $name");
}

# what is wrong with a request

for my $uri ('/chat', '/embed') {
    my $wrong = $uri eq '/chat' ? 'v3small' : 'gpt4o';

    for (
        [ 'no body', '', "$bad null invalid_json" ],
        [ 'no JSON', '{"model":"gpt4o",}', "$bad null invalid_json" ],
        [ 'no object', '["model"]', "$bad null invalid_type" ],
        [ 'no model', '{"prompt":["Hi"]}',
            "$bad model missing_required_parameter" ],
        [ 'model number', '{"model":1}', "$bad model invalid_type" ],
        [ 'unknown model', '{"model":"no-such-model"}',
            '404 invalid_request_error model model_not_found' ],
        [ 'other kind of model', "{\"model\":\"$wrong\"}",
            "$bad model unsupported_model" ],
    ) {
        my ($name, $body, $expected) = @$_;

        is(post($uri, $body)->error(), $expected, "$name, $uri");
        is(scalar $g->requests(), 0, "$name, $uri, not sent on");
    }

    my $c = client();
    my $r = $c->get($uri);
    is($r->error(), '405 invalid_request_error null method_not_allowed',
        "GET $uri");
    is($r->header('allow'), 'POST', "GET $uri, allow");
}

# what fails before anything of a reply: what ARGO says with another status is
# passed on, all else is an error of the API

for my $mode (qw/ unary stream embed /) {
    my $uri = $mode eq 'embed' ? '/embed' : '/chat';
    my $body = $mode eq 'embed' ? '{"model":"v3small","prompt":["Hi"]}'
        : $mode eq 'stream' ? stream() : '{"model":"gpt4o"}';

    for my $f (Argo::Faults::early($mode eq 'stream')) {
        $g->script(undef, $f->{script});

        my $r = post($uri . $f->{where}, $body);
        my $name = "$f->{name}, $mode";

        is($r->{complete}, 1, "$name, regular end");

        if ($f->{reply}) {
            my ($status, $type, $reply) = @{$f->{reply}};

            is($r->{status}, $status, "$name, status");
            is($r->header('content-type'), $type, "$name, type");
            is($r->{body}, $reply, "$name, body");

        } elsif (ref $f->{error}) {
            like($r->error(), $f->{error}, $name);

        } else {
            is($r->error(), $f->{error}, $name);
        }
    }
}

# a denial is one however it is cut

for ([ $Argo::Faults::denial, $Argo::Faults::denied ],
    [ $Argo::Faults::misuse, $Argo::Faults::rejected ])
{
    my ($text, $expected) = @$_;
    my %seen;

    utf8::encode($text);

    for my $n (1 .. 70) {
        $g->script(undef, [
            [header => 'Content-Type', 'text/plain; charset=utf-8'],
            [chunk => substr $text, 0, $n], [drain =>],
            [chunk => substr $text, $n], [end =>],
        ]);
        $seen{post('/chat', stream())->error()}++;
    }

    is(join(', ', keys %seen), $expected, "cut at every byte: $expected");
}

# the time to wait goes on with a reply that does

$g->script(undef, [ [status => 429], [header => 'Retry-After', 17],
    [header => 'Content-Type', 'application/json'],
    [header => 'Set-Cookie', 'canary=1'], [body => '{ "detail":"x"}'] ]);
$r = post('/chat', '{"model":"gpt4o"}');
is("$r->{status} $r->{body}", '429 { "detail":"x"}', 'limit');
is(join(',', $r->headers_named('retry-after')), '17', 'time to wait');
is($r->header('set-cookie'), undef, 'no cookies');

# of an error reply that is cut nothing is made up

$g->script(undef, [ [status => 503],
    [header => 'Content-Type', 'application/json'],
    [header => 'Content-Length', 100], [data => '{"err'], [close =>] ]);
is(post('/chat', '{"model":"gpt4o"}')->error(),
    '503 server_error null null', 'cut error');

# a stream that fails when some of it has been sent is broken off, and what
# has come is passed on

for my $f (Argo::Faults::late()) {
    my $where = $f->{where} ? 'patient' : '';

    $g->clear()->script(undef, [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        [chunk => 'Hello'], $where ? () : [wait_for => 'go'],
        @{$f->{steps}},
    ]);

    my $c = client();
    $c->post_only("/chat$where", stream());

    my $r = $c->head();

    is($r->{status}, 200, "$f->{name}, status");
    is($r->next_piece(), 'Hello', "$f->{name}, first chunk");
    $g->signal('go');
    $r->finish();
    ok(!$r->{complete}, "$f->{name}, no regular end");
    is($r->{body}, 'Hello' . ($f->{text} || $f->{bytes} || ''),
        "$f->{name}, what has come");
    ok($c->closed(), "$f->{name}, connection closed");
}

# of HTTP/2 only the stream is reset

my $h2 = Argo::HTTP2->new(port(8083));

$g->stream('Hello');

my $s = $h2->post('/chat', stream());
ok($h2->until(sub { $s->{ended} || $s->{reset} }), 'HTTP/2, end');
is("$s->{status} $s->{data}", '200 Hello', 'HTTP/2, stream');
ok(!$s->{reset}, 'HTTP/2, not reset');

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [chunk => 'Hello'], [wait_for => 'go'], [close =>],
]);

$s = $h2->post('/chat', stream());
ok($h2->until(sub { $s->{data} eq 'Hello' }), 'HTTP/2, cut, text');
$g->signal('go');
ok($h2->until(sub { $s->{ended} || $s->{reset} }), 'HTTP/2, cut, end');
ok($s->{reset} && !$s->{ended}, 'HTTP/2, cut, reset');

$g->stream('again');
$s = $h2->post('/chat', stream());
ok($h2->until(sub { $s->{ended} || $s->{reset} }),
    'HTTP/2, connection kept');
is($s->{data}, 'again', 'HTTP/2, next stream');

# streams cut after each of their bytes: what came before is passed on, and
# never has a regular end

my @parts = ("J\xc3", "\xa9 ", "\xff lo");
my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";
my $reply = $head . join('', map { sprintf "%x\r\n%s\r\n", length $_, $_ }
    @parts) . "0\r\n\r\n";

@wrong = ();

for my $n (0 .. length($reply)) {
    $g->script(undef, [[raw => substr $reply, 0, $n], [close =>]]);

    my $r = post('/chat', stream());
    my $seen = $r->{status} == 200 ? "200 '$r->{body}' "
        . ($r->{complete} ? 'whole' : 'cut') : $r->error();
    my $expected = expected_of_cut($n);

    push @wrong, "at $n: $seen, not $expected" if $seen ne $expected;
}

is(join('; ', @wrong), '', 'stream cut everywhere');

my $json = '{"response":"Hello"}';
$reply = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    . 'Content-Length: ' . length($json) . "\r\n\r\n$json";
@wrong = ();

for my $n (0 .. length($reply) - 1) {
    $g->script(undef, [[raw => substr $reply, 0, $n], [close =>]]);

    my $expected = $n < index($reply, "\r\n\r\n") + 4
        ? $Argo::Faults::unreachable : $Argo::Faults::incomplete;
    my $seen = post('/chat', '{"model":"gpt4o"}')->error();

    push @wrong, "at $n: $seen" if $seen ne $expected;
}

is(join('; ', @wrong), '', 'reply cut everywhere');

$t->done_testing();

###############################################################################

sub client {
    return Argo::Client->new(port(8080));
}


sub post {
    my ($uri, $body) = @_;

    # the gateway's record is of this request alone
    $g->clear();

    return client()->post($uri, $body);
}


sub stream {
    return '{"model":"gpt4o","user":"me","prompt":["Hi"],"stream":true}';
}


sub expected_of_cut {
    my ($n) = @_;

    return $Argo::Faults::unreachable if $n < length $head;

    my $text = '';
    my $at = length $head;

    for my $part (@parts) {
        my $start = $at + length sprintf "%x\r\n", length $part;

        last if $n <= $start;

        $text .= substr $part, 0, $n - $start;
        $at = $start + length($part) + 2;
    }

    return "200 '$text' whole" if $n == length $reply;

    return length $text ? "200 '$text' cut" : $Argo::Faults::incomplete;
}

###############################################################################
