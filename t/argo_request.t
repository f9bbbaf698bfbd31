#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for what clients send: everything that is wrong with a request, what
# is changed in a right one, and all the ways in which a body can come.

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

    argo_user             jdoe;
    argo_upstream         /argo/;
    argo_upstream_api legacy;
    client_max_body_size  100m;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location = /chat {
            argo_endpoint  chat_completions;
        }

        location = /small_buffer {
            argo_endpoint            chat_completions;
            client_body_buffer_size  1k;
        }

        location = /in_file {
            argo_endpoint             chat_completions;
            client_body_in_file_only  clean;
        }

        location = /single_buffer {
            argo_endpoint                  chat_completions;
            client_body_in_single_buffer   on;
            client_body_buffer_size        1k;
        }

        location /argo/ {
            internal;
            proxy_pass            http://127.0.0.1:8081/;
            proxy_http_version    1.1;
            proxy_set_header      Connection "";
            client_max_body_size  0;
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my $hi = '[{"role":"user","content":"Hi"}]';
my $chat = "{\"model\":\"gpt-4o\",\"messages\":$hi}";

$g->answer('Hello');

###############################################################################

# requests that are wrong: body, then type, param and code of the error

my @wrong = (
    [ 'empty body', '', 'null invalid_json' ],
    [ 'spaces only', " \r\n\t ", 'null invalid_json' ],
    [ 'no JSON', 'Hello', 'null invalid_json' ],
    [ 'cut JSON', substr($chat, 0, -1), 'null invalid_json' ],
    [ 'text behind', "$chat x", 'null invalid_json' ],
    [ 'two documents', $chat . $chat, 'null invalid_json' ],
    [ 'comment', "/* */ $chat", 'null invalid_json' ],
    [ 'trailing comma', '{"model":"gpt-4o",}', 'null invalid_json' ],
    [ 'single quotes', "{'model':'gpt-4o'}", 'null invalid_json' ],
    [ 'not UTF-8', "{\"model\":\"gpt-4o\xff\"}", 'null invalid_json' ],
    [ 'cut UTF-8', "{\"model\":\"gpt-4o\xe2\x82\"}", 'null invalid_json' ],
    [ 'control character', "{\"model\":\"gpt-4o\n\"}", 'null invalid_json' ],
    [ 'nul byte', "{\"model\":\"gpt-4o\"\0}", 'null invalid_json' ],
    [ 'bad escape', '{"model":"gpt-4o\x"}', 'null invalid_json' ],
    [ 'NaN', '{"temperature":NaN}', 'null invalid_json' ],
    [ 'form', 'model=gpt-4o&messages=1', 'null invalid_json' ],

    [ 'array', '[]', 'null invalid_type' ],
    [ 'string', '"gpt-4o"', 'null invalid_type' ],
    [ 'number', '12', 'null invalid_type' ],
    [ 'null', 'null', 'null invalid_type' ],

    [ 'deep array', '{"x":' . '[' x 100 . ']' x 100 . '}',
        'null json_too_deep' ],
    [ 'deep object', '{"x":' x 101 . '1' . '}' x 101, 'null json_too_deep' ],
    [ 'very deep array', '[' x 500000, 'null json_too_deep' ],
    [ 'many members', '{' . join(',', ('"a":1') x 262145) . '}',
        'null json_too_large' ],

    [ 'no model', "{\"messages\":$hi}", 'model missing_required_parameter' ],
    [ 'model null', "{\"model\":null,\"messages\":$hi}", undef ],
    [ 'model empty', "{\"model\":\"\",\"messages\":$hi}", undef ],
    [ 'model number', "{\"model\":4,\"messages\":$hi}",
        'model invalid_type' ],
    [ 'model array', "{\"model\":[\"gpt-4o\"],\"messages\":$hi}",
        'model invalid_type' ],

    [ 'no messages', '{"model":"gpt-4o"}',
        'messages missing_required_parameter' ],
    [ 'messages empty', '{"model":"gpt-4o","messages":[]}',
        'messages empty_array' ],
    [ 'messages string', '{"model":"gpt-4o","messages":"Hi"}',
        'messages invalid_type' ],
    [ 'messages object', '{"model":"gpt-4o","messages":{}}',
        'messages invalid_type' ],
    [ 'messages null', '{"model":"gpt-4o","messages":null}', undef ],
    [ 'messages of strings', '{"model":"gpt-4o","messages":["Hi"]}',
        'messages[0] invalid_type' ],
    [ 'role missing', '{"model":"gpt-4o","messages":[{"content":"Hi"}]}',
        'messages[0].role missing_required_parameter' ],
    [ 'role number', '{"model":"gpt-4o","messages":['
        . '{"role":"user","content":"a"},{"role":"user","content":"b"},'
        . '{"role":1,"content":"c"}]}',
        'messages[2].role invalid_type' ],
    [ 'role unknown', '{"model":"gpt-4o","messages":['
        . '{"role":"critic","content":"a"}]}',
        'messages[0].role invalid_value' ],
    [ 'content number', '{"model":"gpt-4o","messages":['
        . '{"role":"user","content":1}]}',
        'messages[0].content invalid_type' ],
    [ 'content object', '{"model":"gpt-4o","messages":['
        . '{"role":"user","content":{}}]}',
        'messages[0].content invalid_type' ],
    [ 'part string', '{"model":"gpt-4o","messages":['
        . '{"role":"user","content":["a"]}]}',
        'messages[0].content[0] invalid_type' ],
    [ 'part type number', '{"model":"gpt-4o","messages":['
        . '{"role":"user","content":[{"type":"text","text":"a"},'
        . '{"type":2}]}]}',
        'messages[0].content[1].type invalid_type' ],
    [ 'part text number', '{"model":"gpt-4o","messages":['
        . '{"role":"user","content":[{"type":"text","text":1}]}]}',
        'messages[0].content[0].text invalid_type' ],

    [ 'stream string', "{\"model\":\"gpt-4o\",\"messages\":$hi,"
        . '"stream":"true"}', 'stream invalid_type' ],
    [ 'stream number', "{\"model\":\"gpt-4o\",\"messages\":$hi,"
        . '"stream":1}', 'stream invalid_type' ],
    [ 'stream options string', "{\"model\":\"gpt-4o\",\"messages\":$hi,"
        . '"stream":true,"stream_options":"x"}',
        'stream_options invalid_type' ],
    [ 'include usage string', "{\"model\":\"gpt-4o\",\"messages\":$hi,"
        . '"stream":true,"stream_options":{"include_usage":"yes"}}',
        'stream_options.include_usage invalid_type' ],
    [ 'n string', "{\"model\":\"gpt-4o\",\"messages\":$hi,\"n\":\"1\"}",
        'n invalid_type' ],
    [ 'tools object', "{\"model\":\"gpt-4o\",\"messages\":$hi,"
        . '"tools":{}}', 'tools invalid_type' ],

    [ 'two answers', "{\"model\":\"gpt-4o\",\"messages\":$hi,\"n\":2}",
        'n unsupported_parameter' ],
    [ 'log probabilities', "{\"model\":\"gpt-4o\",\"messages\":$hi,"
        . '"logprobs":true}', 'logprobs unsupported_parameter' ],
    [ 'custom tool', "{\"model\":\"claude-opus-4.6\",\"messages\":$hi,"
        . '"tools":[{"type":"custom","custom":{"name":"f"}}]}',
        'tools[0].type unsupported_parameter' ],
);

for my $stream (0, 1) {
    for (@wrong) {
        my ($name, $body, $expected) = @$_;

        next unless defined $expected;
        next if $stream && $body !~ s/^(\{"model":"[^"]*")/$1,"stream":true/;
        next if $stream && $name =~ /^stream /;

        $g->clear();

        my $r = post('/chat', $body);
        is($r->error(), "400 invalid_request_error $expected",
            $name . ($stream ? ', stream' : ''))
            or diag(substr $r->{body}, 0, 300);
        is(() = $g->requests(), 0, "$name, nothing sent") if !$stream;
    }
}

# a null counts as a member that is not there

like(post('/chat', "{\"model\":null,\"messages\":$hi}")->error(),
    qr/^400 invalid_request_error model (?:invalid_type|missing_required)/,
    'model null');
like(post('/chat', "{\"model\":\"\",\"messages\":$hi}")->error(),
    qr/^40[04] invalid_request_error model /, 'model empty');
like(post('/chat', '{"model":"gpt-4o","messages":null}')->error(),
    qr/^400 invalid_request_error messages (?:invalid_type|missing_required)/,
    'messages null');

like(post('/chat', '{}')->error(),
    qr/^400 invalid_request_error (?:model|messages) missing_required_param/,
    'empty object');

# the limits themselves pass

ok(sent('{"model":"gpt-4o","messages":' . $hi . ',"x":' . '[' x 99
    . ']' x 99 . '}'), 'greatest depth');
ok(sent('{"model":"gpt-4o","messages":[' . join(',',
    ('{"role":"user","content":"a"}') x 20000) . ']}'), 'many messages');

# no message quotes what the client sent

unlike(post('/chat', '{"model":"gpt-4o","messages":[canary]}')->{body},
    qr/canary/, 'body not quoted');
unlike(post('/chat', '{"model":"gpt-4o","messages":"canary"}')->{body},
    qr/canary/, 'value not quoted');

# parameters that ask for nothing special

for my $members ('"n":1', '"n":null', '"logprobs":false', '"logprobs":null',
    '"tools":[]', '"tools":null', '"stream":false', '"stream":null',
    '"stream_options":null', '"max_tokens":null')
{
    ok(sent("{\"model\":\"gpt-4o\",\"messages\":$hi,$members}"),
        "passed with $members");
}

ok(sent("{\"model\":\"claude-opus-4.6\",\"messages\":$hi,\"tools\":[]}"),
    'empty tools of Claude');

ok(sent("{\"model\":\"gpt-4o\",\"messages\":$hi,\"tools\":[{\"type\":"
    . '"function","function":{"name":"f","parameters":{"x":1e400}}}],'
    . '"tool_choice":"auto"}'), 'tools of an OpenAI model');
like($g->request()->{body}, qr/"tools":\[\{"type":"function","function":\{
    "name":"f","parameters":\{"x":1e400\}\}\}\],"tool_choice":"auto"/x,
    'tools as they came');

# messages that are changed

is(messages('[{"role":"developer","content":"Be kind"},'
    . '{"role":"user","content":"a"}]'),
    '[{"role":"system","content":"Be kind"},{"role":"user","content":"a"}]',
    'developer to system');
is(messages('[{"content":"Be kind","\u0072ole":"d\u0065veloper","x":1.0},'
    . '{"role":"user","content":"a"}]')
    =~ s/"content":"Be kind"|"(?:r|\\u0072)ole":"system"|"x":1\.0//gr,
    '[{,,},{"role":"user","content":"a"}]', 'developer, escaped');
is(messages('[{"role":"user","content":"a"},{"role":"assistant",'
    . '"content":null,"tool_calls":[{"id":"c","type":"function","function":'
    . '{"name":"f","arguments":"{}"}}]},{"role":"tool","content":"b",'
    . '"tool_call_id":"c"}]'),
    '[{"role":"user","content":"a"},{"role":"assistant",'
    . '"content":"","tool_calls":[{"id":"c","type":"function","function":'
    . '{"name":"f","arguments":"{}"}}]},{"role":"tool","content":"b",'
    . '"tool_call_id":"c"}]', 'content null');

for my $model ('claude-opus-4.6', 'gemini-2.5-pro') {
    is(messages('[{"role":"system","content":"a"}]', $model),
        '[{"role":"system","content":"a"},'
        . '{"role":"user","content":"[continue]"}]',
        "user message added for $model");
    is(messages($hi, $model), $hi, "no user message added for $model");
    is(messages('[{"role":"developer","content":"a"},'
        . '{"role":"assistant","content":"b"}]', $model),
        '[{"role":"system","content":"a"},'
        . '{"role":"assistant","content":"b"},'
        . '{"role":"user","content":"[continue]"}]',
        "user message added last for $model");
}

is(messages('[{"role":"system","content":"a"}]'),
    '[{"role":"system","content":"a"}]', 'no user message for OpenAI');

# parts and members that we do nothing with

my $odd = '[{"role":"user","content":"a","name":"N","x":{"y":[1.50]}},'
    . '{"role":"user","content":[{"type":"text","text":"b","cache_control":'
    . '{"type":"ephemeral"}},{"type":"input_audio","input_audio":'
    . '{"data":"AAAA"}}]}]';

is(messages($odd), $odd, 'other members and parts as they came');

# at most 21000 tokens from Claude in one piece; else what the model can give

for (
    [ 'claude-opus-4.6', '"max_tokens":64000', '"max_tokens":21000' ],
    [ 'claude-opus-4.6', '"max_tokens":21001', '"max_tokens":21000' ],
    [ 'claude-opus-4.6', '"max_tokens":21000', '"max_tokens":21000' ],
    [ 'claude-opus-4.6', '"max_tokens":99999999999999999999',
        '"max_tokens":21000' ],
    [ 'claude-opus-4.6', '"max_tokens":100', '"max_tokens":100' ],
    [ 'gpt-4o', '"max_tokens":64000', '"max_tokens":16384' ],
    [ 'gpt-4o', '"max_tokens":16384', '"max_tokens":16384' ],
    [ 'gpt-4o', '"max_tokens":16383', '"max_tokens":16383' ],
    [ 'gpt-4o', '"max_tokens":99999999999999999999',
        '"max_tokens":16384' ],
    [ 'gemini-2.5-pro', '"max_tokens":65536', '"max_tokens":65536' ],
    [ 'gemini-2.5-pro', '"max_tokens":65537', '"max_tokens":65536' ],
) {
    my ($model, $in, $out) = @$_;

    ok(sent("{\"model\":\"$model\",\"messages\":$hi,$in}"),
        "$in for $model passed");
    my ($seen) = $g->request()->{body} =~ /("max_tokens":\d+)/;
    is($seen, $out, "$in for $model");
}

ok(sent("{\"model\":\"claude-opus-4.6\",\"messages\":$hi}"),
    'no limit for Claude');
unlike($g->request()->{body}, qr/max_tokens/, 'no limit added');

$g->clear();
$g->stream('Hello');
post('/chat', "{\"model\":\"claude-opus-4.6\",\"stream\":true,"
    . "\"messages\":$hi,\"max_tokens\":64000}");
like($g->request()->{body}, qr/"max_tokens":64000/,
    'no limit for a stream of Claude');
$g->answer('Hello');

# members that are unknown, byte for byte

my $unknown = '"x_big":12345678901234567890,"x_huge":1e400,"x_exp":-1.50E-07,'
    . '"x_esc":"\ud83d\ude00\/\u0000\ud800","x_empty":"","":{"":[]},'
    . '"x_nested":{"a":[[[{"b":null,"c":[true,false]}]]],"a":2},'
    . '"stop":["\n","END"],"seed":7,"response_format":{"type":"json_object"}';

ok(sent("{\"model\":\"gpt-4o\",\"messages\":$hi,$unknown}"),
    'unknown members passed');
cmp_ok(index($g->request()->{body}, $unknown), '>', 0,
    'unknown members as they came') or diag($g->request()->{body});

ok(sent("{ \"model\" :\n\"gpt-4o\" , \"messages\" : $hi ,\t"
    . '"x" : [ 1 , { "y" : "z" } ] }'), 'spaces passed');
like($g->request()->{body}, qr/"x"\s*:\s*\[ 1 , \{ "y" : "z" \} \]/,
    'spaces within a value as they came');
is($g->request_json()->{model}, 'gpt4o', 'model among spaces');

# members that come twice: the last one counts, and is the only one sent

ok(sent('{"model":"gpt-9","model":"gpt-4o","messages":"x","messages":'
    . $hi . ',"x":1,"x":2}'), 'members twice');
is(() = $g->request()->{body} =~ /"model"/g, 1, 'model once');
is(() = $g->request()->{body} =~ /"messages"/g, 1, 'messages once');
is($g->request_json()->{model}, 'gpt4o', 'last model');
is($g->request_json()->{messages}[0]{content}, 'Hi', 'last messages');

is(post('/chat', "{\"model\":\"gpt-4o\",\"messages\":$hi,"
    . '"messages":"x"}')->error(),
    '400 invalid_request_error messages invalid_type', 'last messages wrong');

ok(sent("{\"model\":\"gpt-4o\",\"messages\":$hi,\"stream\":true,"
    . '"\u0073tream":false}'), 'stream twice');
unlike($g->request()->{body}, qr/tream"/, 'no stream sent');

# images

my $image = '[{"role":"user","content":[{"type":"text","text":"What?"},'
    . '{"type":"image_url","image_url":{"url":"data:image/png;base64,'
    . 'iVBORw0KGgo=","detail":"low"}}]}]';

is(messages($image), $image, 'data URL as it came');
is(messages($image, 'claude-opus-4.6'), $image, 'data URL for Claude');

my $data = 'iVBORw0K' x (20 * 1024 * 1024 / 8);
$image =~ s/iVBORw0KGgo=/$data/;

$g->clear();
is(post('/chat', "{\"model\":\"gpt-4o\",\"messages\":$image}")->{status}, 200,
    'image of 20 MB');
cmp_ok(index($g->request()->{body}, $image), '>', 0,
    'image of 20 MB as it came');

$g->clear();
my $c = client();
$c->request('POST', '/chat', chunks => [
    "{\"model\":\"gpt-4o\",\"messages\":",
    unpack('(a1000003)*', $image), '}' ]);
is($c->response()->{status}, 200, 'image of 20 MB in chunks');
cmp_ok(index($g->request()->{body}, $image), '>', 0,
    'image of 20 MB in chunks as it came');
undef $image;
undef $data;

# ways a body can come

my $long = "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":"
    . '"' . join(' ', 1 .. 3000) . '"}]}';

for my $uri ('/chat', '/small_buffer', '/in_file', '/single_buffer') {
    for my $body ($chat, $long) {
        my $size = length $body;

        $g->clear();
        is(post($uri, $body)->{status}, 200, "$size bytes to $uri");
        is($g->request_json()->{messages}[0]{content} =~ tr/0-9Hi//,
            $body =~ /3000/ ? 10893 : 2, "$size bytes to $uri came");

        $g->clear();
        my $c = client();
        $c->request('POST', $uri, chunks => [ unpack '(a777)*', $body ]);
        is($c->response()->{status}, 200, "$size bytes in chunks to $uri");
        is($g->request()->{body} =~ tr/0-9Hi//,
            $body =~ tr/0-9Hi//,
            "$size bytes in chunks to $uri came");
        is($c->post($uri, $body)->{status}, 200,
            "$size bytes to $uri, keepalive after chunks");
    }
}

# one byte a chunk, one byte a packet

$c = client();
$g->clear();
$c->request('POST', '/chat', chunks => [ split //, $chat ]);
is($c->response()->{status}, 200, 'chunks of one byte');

$c->write($_) for split //, Argo::Client::format_request('POST', '/chat',
    body => $chat);
is($c->response()->{status}, 200, 'writes of one byte');
is(() = $g->requests(), 2, 'both came');

# HTTP/1.0

$c = client();
$c->request('POST', '/chat', version => '1.0', body => $chat);
my $r = $c->response();
is($r->{status}, 200, 'HTTP/1.0');
is($r->{framing}, 'length', 'HTTP/1.0 with a length');
ok($c->closed(), 'HTTP/1.0 closes');

$g->stream('Hel', 'lo');
$c = client();
$c->request('POST', '/chat', version => '1.0',
    body => $chat =~ s/^\{/{"stream":true,/r);
$r = $c->response();
is($r->{framing}, 'close', 'stream to HTTP/1.0 without framing');
is($r->text(), 'Hello', 'stream to HTTP/1.0');
like($r->{body}, qr/data: \[DONE\]\n\n\z/, 'stream to HTTP/1.0 ends');
$g->answer('Hello');

# Expect

$c = client();
$c->write("POST /chat HTTP/1.1\r\nHost: localhost\r\n"
    . 'Content-Length: ' . length($chat) . "\r\n"
    . "Expect: 100-continue\r\n\r\n");
is($c->head()->{status}, 100, 'continue');
$c->write($chat);
is($c->response()->{status}, 200, 'reply after continue');

# several requests on one connection

$c = client();
is($c->post('/chat', $chat)->{status}, 200, "request $_ of a connection")
    for 1 .. 5;
is($c->post('/chat', '{')->{status}, 400, 'error on a connection');
is($c->post('/chat', $chat)->{status}, 200, 'request after an error');

# pipelined

$g->clear();
$c = client();
my @bodies = map { $chat =~ s/Hi/question $_/r } 1 .. 10;
$c->write(join '', map { Argo::Client::format_request('POST', '/chat',
    body => $_) } @bodies, '{', $bodies[0]);
is($c->response()->{status}, 200, 'pipelined request') for 1 .. 10;
is($c->response()->{status}, 400, 'pipelined error');
is($c->response()->{status}, 200, 'pipelined request after an error');
is(join(' ', map { $_->{body} =~ /question (\d+)/ } $g->requests()),
    '1 2 3 4 5 6 7 8 9 10 1', 'pipelined requests in order');

# pipelined with streams

$g->script(undef, map {
    [ [header => 'Content-Type', 'text/plain'], [chunk => "answer "],
      [drain =>], [chunk => $_], [end =>] ]
} 1 .. 5);
$c = client();
$c->write(Argo::Client::format_request('POST', '/chat',
    body => $chat =~ s/^\{/{"stream":true,/r) x 5);
is($c->response()->text(), "answer $_", 'pipelined stream') for 1 .. 5;

# a body that does not come whole

$g->clear();
$c = client();
$c->write("POST /chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    . "\r\n{");
$c->close();
$g->answer('Hello');
is(post('/chat', $chat)->{status}, 200, 'another client after a cut body');
is(() = $g->requests(), 1, 'cut body not sent');

# other content types are read as JSON all the same

$c = client();
$c->request('POST', '/chat', body => $chat);
is($c->response()->{status}, 200, 'no content type');
$c->request('POST', '/chat', body => $chat, headers => [ 'Content-Type',
    'text/plain' ]);
is($c->response()->{status}, 200, 'other content type');

$t->done_testing();

###############################################################################

sub client {
    return Argo::Client->new(port(8080), timeout => 30);
}


sub post {
    my ($uri, $body) = @_;

    return client()->post($uri, $body);
}


# True if the request was answered and ARGO got it.

sub sent {
    my ($body) = @_;

    $g->clear();

    my $r = post('/chat', $body);

    diag(substr $r->{body}, 0, 300) if $r->{status} != 200;

    return $r->{status} == 200 && (() = $g->requests()) == 1;
}


# The messages as ARGO gets them.

sub messages {
    my ($messages, $model) = @_;

    $model = 'gpt-4o' unless defined $model;

    sent("{\"model\":\"$model\",\"messages\":$messages,\"x_end\":1}")
        or return 'not sent';

    my ($seen) = $g->request()->{body} =~ /"messages":(\[.*\])[,}]/s;

    return $seen;
}

###############################################################################
