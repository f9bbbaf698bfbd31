#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for embeddings: what the client gets, what ARGO sees, and how the
# inputs are shared out to calls that are merged in order, whole or not at
# all.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;

use IO::Compress::Gzip qw/ gzip /;
use JSON::PP ();
use MIME::Base64 qw/ decode_base64 /;

my $t = Argo::Test->new()->has(qw/ http_stub_status /);

# where the module finds its token tables, if they were made

my $build = $ENV{ARGO_BUILD_DIR} || '../build';
my $tables = -e "$build/cl100k_base.argo";

my $conf = <<'EOC';
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

    argo_zone           argo 1m;
    argo_models_refresh 0;

    log_format  test  "$arg_n: $status $argo_endpoint $argo_model "
                      "$argo_upstream_model $argo_user $argo_stream "
                      "$argo_prompt_tokens $argo_completion_tokens "
                      "$argo_total_tokens $argo_error $argo_upstream_calls";

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        access_log  %%TESTDIR%%/test.log test;

        client_max_body_size  8m;

        location = /embeddings {
            argo_endpoint  embeddings;
        }

        location /v1/ {
            argo_endpoint  auto;
        }

        location = /default {
            argo_endpoint                 embeddings;
            argo_default_model            gpt4o;
            argo_default_embedding_model  v3large;
        }

        location = /user {
            argo_endpoint  embeddings;
            argo_user      $http_x_user;
        }

        location = /slow {
            argo_endpoint  embeddings;
            argo_upstream  /slow/;
            argo_upstream_api legacy;
        }

        location = /refused {
            argo_endpoint  embeddings;
            argo_upstream  /refused/;
            argo_upstream_api legacy;
        }

        location /argo/ {
            internal;
            proxy_pass  http://127.0.0.1:8081/argoapi/;
        }

        location /slow/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/argoapi/;
            proxy_read_timeout  300ms;
        }

        location /refused/ {
            internal;
            proxy_pass  http://127.0.0.1:8082/;
        }

        location = /status {
            access_log   off;
            stub_status;
        }

        location = /other {
            access_log   off;
            proxy_pass   http://127.0.0.1:8081/other;
        }
    }
}
EOC

$t->write_file_expand('nginx.conf', $conf);

my $g = Argo::Test::Embedder->new($t, 8081);

$t->run();

my $uri = '/embeddings';
my $tail = '/argoapi/api/v1/resource/embed/';
my @vectors = ([vectors =>]);
my $posts = 0;

###############################################################################

# one input

normal();

my $r = post('"input":"text 7"');

is($r->{status}, 200, 'status');
is($r->header('content-type'), 'application/json', 'content type');
is($r->header('content-length'), length $r->{body}, 'content length');
like($r->header('x-request-id'), qr/^[0-9a-f]{32}$/, 'request id');
like($r->header('openai-processing-ms'), qr/^\d+$/, 'processing time');
is($r->header('openai-version'), '2020-10-01', 'version of the dialect');

my $j = $r->json();

is(join(' ', sort keys %$j), 'data model object usage', 'members');
is($j->{object}, 'list', 'object');
is($j->{model}, 'v3small', 'model as asked for');
is_deeply($j->{data}, [{ object => 'embedding', index => 0,
    embedding => vector(7) }], 'data');
like($r->{body}, qr/"prompt_tokens":[1-9]\d*,/, 'prompt tokens');
is($j->{usage}{prompt_tokens}, $j->{usage}{total_tokens}, 'total tokens');
is(join(' ', sort keys %{$j->{usage}}), 'prompt_tokens total_tokens',
    'members of usage');

my $tokens = $j->{usage}{total_tokens};

is(logged(), "200 embeddings v3small v3small jdoe 0 $tokens 0 $tokens - 1",
    'log');

# the request, as ARGO sees it

$r = post('"input":["a \u00e9 \"q\"","' . 'x' x 3000 . '"],"user":"eve",'
    . '"encoding_format":"float","x_unknown":[1],"model":"argo:v3-large"',
    no_model => 1, headers => [ 'Authorization', 'Bearer canary', 'Cookie',
    'canary', 'Accept-Encoding', 'gzip', 'User-Agent', 'OpenAI/1.0' ]);

is($r->{status}, 200, 'request with more members') or diag $r->{body};

my $request = $g->request();

is($request->{method}, 'POST', 'method');
is($request->{uri}, $tail, 'uri');
is($request->{body}, '{"user":"jdoe","model":"v3large","prompt":'
    . '["a \u00e9 \"q\"","' . 'x' x 3000 . '"]}', 'body');
is(join(' ', sort map { lc $_->[0] } @{$request->{headers}}),
    'accept accept-encoding content-length content-type host user-agent',
    'headers');
is(Argo::Gateway::header($request, 'Accept'), 'application/json', 'accept');
like(Argo::Gateway::header($request, 'User-Agent'),
    qr{^ngx_http_argo_module/[\d.]+ OpenAI/1\.0$}, 'user agent');
is($r->json()->{model}, 'argo:v3-large', 'model echoed');

# numerals as they came

my $numerals = '[0.012345678901234567,-1e-05,0,-0.0,1E2 , 3.25e+1,5]';

reply("{\"embedding\":[$numerals],\"x\":{\"embedding\":[1]}}");
$r = post('"input":"a"');
like($r->{body}, qr/"embedding":\Q$numerals\E\}\]/, 'numerals as they came');

reply(" { \"x\" : [ { } ] , \"embedding\" : [ [ 1 , 2 ] ] } \n");
is_deeply(post('"input":"a"')->json()->{data}[0]{embedding}, [1, 2],
    'white space');

# base64 is the same numbers

reply("{\"embedding\":[$numerals]}");
$r = post('"input":"a","encoding_format":"base64"');
is(floats($r), join(' ', unpack 'f*', pack 'f<*', 0.012345678901234567,
    -1e-05, 0, -0.0, 100, 32.5, 5), 'base64');

my @random = map { sprintf '%.17g', rand(2) - 1 } 1 .. 3072;

reply('{"embedding":[[' . join(', ', @random) . ']]}');
$r = post('"input":"a"');
is(scalar @{$r->json()->{data}[0]{embedding}}, 3072, 'long vector');
my $float = join ' ', unpack 'f*', pack 'f<*',
    @{$r->json()->{data}[0]{embedding}};
$r = post('"input":"a","encoding_format":"base64"');
is(floats($r), $float, 'base64 of a long vector');
unlike($r->{body}, qr/\\/, 'nothing escaped in base64');

# fewer dimensions: shortened, and of length 1 again

reply('{"embedding":[[' . join(', ', @random) . ']]}');

for my $format (qw/ float base64 /) {
    $r = post("\"input\":\"a\",\"encoding_format\":\"$format\","
        . '"dimensions":256,"model":"v3large"', no_model => 1);

    my @got = $format eq 'base64' ? split / /, floats($r)
        : @{$r->json()->{data}[0]{embedding}};
    my ($length, $expected, $worst) = (0, 0, 0);

    $expected += $_ * $_ for @random[0 .. 255];
    $length += $_ * $_ for @got;

    for (0 .. $#got) {
        my $d = abs($got[$_] - $random[$_] / sqrt $expected);
        $worst = $d if $d > $worst;
    }

    is(scalar @got, 256, "dimensions, $format");
    cmp_ok(abs($length - 1), '<', 1e-6, "length, $format");
    cmp_ok($worst, '<', 1e-7, "direction, $format");
    is(index($g->request()->{body}, 'dimensions'), -1,
        "dimensions not sent, $format");
}

unlike($r->{body}, qr/\d{12}/, 'no more digits than a float has');

reply('{"embedding":[[0.1,0.2,0.3]]}');
is_deeply(post('"input":"a","dimensions":3')->json()->{data}[0]{embedding},
    [0.1, 0.2, 0.3], 'as many dimensions as there are');
is(post('"input":"a","dimensions":4')->error(),
    '502 server_error null upstream_invalid_reply',
    'more dimensions than there are');

# names of models

normal();

for (['text-embedding-3-small', 'v3small'], ['text-embedding-ada-002',
    'ada002'], ['argo:text-embedding-3-large', 'v3large'], ['ADA002',
    'ada002'])
{
    my ($name, $id) = @$_;

    $r = post("\"input\":\"text 1\",\"model\":\"$name\"", no_model => 1);
    is($r->{status}, 200, "model $name");
    is($g->request_json()->{model}, $id, "id of $name");
    is($r->json()->{model}, $name, "model $name echoed");
}

$uri = '/default';
$r = post('"input":"text 1"', no_model => 1);
is($g->request_json()->{model}, 'v3large', 'default model');
is($r->json()->{model}, 'v3large', 'default model echoed');
is(post('"input":"text 1","model":null', no_model => 1)->{status}, 200,
    'default model for null');

$uri = '/v1/embeddings';
is(post('"input":"text 1"')->{status}, 200, 'path below auto');

$uri = '/embeddings';

# batches

for my $n (1, 2, 15, 16, 17, 32, 33, 40, 64, 65, 2048) {
    for my $format (qw/ float base64 /) {
        next if $n > 100 && $format eq 'base64';

        normal();
        $r = post(inputs($n) . ",\"encoding_format\":\"$format\"");

        is($r->{status}, 200, "$n inputs, $format") or diag($r->{body});
        is_deeply([ map { $format eq 'float' ? $_->{embedding}
            : [ unpack 'f<*', decode_base64($_->{embedding}) ] }
            @{$r->json()->{data}} ],
            [ map { vector($_) } 0 .. $n - 1 ], "order of $n, $format");
        is_deeply([ map { $_->{index} } @{$r->json()->{data}} ],
            [ 0 .. $n - 1 ], "indexes of $n, $format");

        my @sizes = sort { $b <=> $a } map {
            scalar @{JSON::PP::decode_json($_->{body})->{prompt}}
        } $g->requests();
        my @expected = ((16) x int($n / 16), $n % 16 ? $n % 16 : ());

        is_deeply(\@sizes, \@expected, "calls for $n, $format");
    }
}

# calls that end in another order

for my $order ([2, 1, 0], [1, 0, 2], [0, 2, 1], [2, 0, 1]) {
    $g->clear();
    batch($_, [wait_for => "b$_"], [vectors =>]) for 0 .. 2;

    my $c = client();
    $c->post_only($uri, body(inputs(40)));
    calls('text', 3);

    for (0 .. 2) {
        $g->signal("b$order->[$_]");
        $g->wait_event('done', $_ + 1);
    }

    $r = $c->response();
    is_deeply([ map { $_->{embedding} } @{$r->json()->{data}} ],
        [ map { vector($_) } 0 .. 39 ], "order @$order");
}

# replies in pieces, several at a time

$g->clear();
batch($_, [pieces =>]) for 0 .. 2;

$r = post(inputs(40) . ',"encoding_format":"base64"', keep => 1);
is_deeply([ map { [ unpack 'f<*', decode_base64($_->{embedding}) ] }
    @{$r->json()->{data}} ], [ map { vector($_) } 0 .. 39 ],
    'replies in pieces');

# no more than four at a time

$g->clear();
batch($_, [wait_for => "b$_"], [vectors =>]) for 0 .. 9;

my $c = client();
$c->post_only($uri, body(inputs(160, 'bound')));

for my $n (0 .. 9) {
    my $expected = $n + 4 < 10 ? $n + 4 : 10;

    calls('bound', $expected);
    settle();
    is(scalar(calls('bound', 0)), $expected, "calls after $n replies");
    $g->signal("b$n");
}

$r = $c->response();
is(scalar @{$r->json()->{data}}, 160, 'all of them');
is($r->json()->{data}[159]{index}, 159, 'last index');

# token ids, which ARGO does not take: decoded where there are tables; a
# character that is of several tokens, and one that is cut

my @ids = (
    [ '[1,2,3]', '"#$' ],
    [ '[[9906],[1917]]', 'Hello', ' world' ],
    [ '["a",[9906, 1917],"b"]', 'a', 'Hello world', 'b' ],
    [ "[\n9906\t,\r1917 ]", 'Hello world' ],
    [ '[76460,222]', "\x{1f600}" ],
    [ '[76460]', "\x{fffd}" ],
    [ '[1,201]', "\"\r" ],
    [ '[100257]', '<|endoftext|>' ],
);

check_ids($tables);

configure($conf =~ s/^( *)argo_zone /$1argo_tokenizer  off;\n$&/mr);
check_ids(0);
configure($conf);

# what clients do wrong

my @bad = (
    [ '"model":"v3small"', 'input missing_required_parameter' ],
    [ '"input":null,"model":"v3small"', 'input missing_required_parameter' ],
    [ '"input":"","model":"v3small"', 'input invalid_value' ],
    [ '"input":[],"model":"v3small"', 'input empty_array' ],
    [ '"input":["a",""],"model":"v3small"', 'input[1] invalid_value' ],
    [ '"input":["a",1],"model":"v3small"', 'input[1] invalid_type' ],
    [ '"input":["a",null],"model":"v3small"', 'input[1] invalid_type' ],
    [ '"input":{"a":1},"model":"v3small"', 'input invalid_type' ],
    [ '"input":5,"model":"v3small"', 'input invalid_type' ],
    [ '"input":true,"model":"v3small"', 'input invalid_type' ],
    [ '"input":[[]],"model":"v3small"', 'input[0] invalid_value' ],
    [ '"input":["a",[]],"model":"v3small"', 'input[1] invalid_value' ],
    (map { [ "\"input\":$_,\"model\":\"v3small\"",
            $tables ? 'input invalid_value' : 'input unsupported_value' ] }
        '[-1]', '[1.5]', '[1,"a"]', '[1,null]', '[1e2]', '[[1],[2,true]]',
        '[[1,[2]]]', '[100256]', '[99999999999999999999]', '["a",[3.0]]'),
    [ inputs(2049) . ',"model":"v3small"', 'input array_above_max_length' ],
    [ '"input":"a"', 'model missing_required_parameter' ],
    [ '"input":"a","model":5', 'model invalid_type' ],
    [ '"input":"a","model":"gpt4o"', 'model unsupported_model' ],
    [ '"input":"a","model":"v3small","encoding_format":"hex"',
        'encoding_format invalid_value' ],
    [ '"input":"a","model":"v3small","encoding_format":1',
        'encoding_format invalid_type' ],
    [ '"input":"a","model":"v3small","dimensions":0',
        'dimensions invalid_value' ],
    [ '"input":"a","model":"v3small","dimensions":-1',
        'dimensions invalid_value' ],
    [ '"input":"a","model":"v3small","dimensions":1.5',
        'dimensions invalid_value' ],
    [ '"input":"a","model":"v3small","dimensions":1e400',
        'dimensions invalid_value' ],
    [ '"input":"a","model":"v3small","dimensions":99999999999999999999',
        'dimensions invalid_value' ],
    [ '"input":"a","model":"v3small","dimensions":"5"',
        'dimensions invalid_type' ],
    [ '"input":"a","model":"v3small","dimensions":1537',
        'dimensions invalid_value' ],
    [ '"input":"a","model":"v3large","dimensions":3073',
        'dimensions invalid_value' ],
    [ '"input":"a","model":"ada002","dimensions":512',
        'dimensions unsupported_parameter' ],
);

for (@bad) {
    my ($members, $expected) = @$_;

    is(post($members, no_model => 1)->error(),
        "400 invalid_request_error $expected", substr $members, 0, 60);
    is(() = $g->requests(), 0, 'nothing sent');
}

is(post('"input":"a","model":"v9"', no_model => 1)->error(),
    '404 invalid_request_error model model_not_found', 'unknown model');

for (['', 'null invalid_json'], ['{', 'null invalid_json'],
    ['[]', 'null invalid_type'], ['{"input":"' . "\xff" . '"}',
    'null invalid_json'], ['{"input":' . '[' x 200 . ']' x 200 . '}',
    'null json_too_deep'])
{
    my ($body, $expected) = @$_;

    is(client()->post($uri, $body)->error(),
        "400 invalid_request_error $expected", 'body '
        . substr($body, 0, 20) =~ s/[^ -~]/./gr);
}

is(client()->post('/user', body('"input":"a"'))->error(),
    '401 authentication_error null missing_user', 'no user');

for my $method (qw/ GET HEAD PUT DELETE /) {
    $c = client();
    $c->request($method, $uri);
    $r = $c->response(head => $method eq 'HEAD');
    is($r->{status}, 405, "status for $method");
    is($r->header('allow'), 'POST', "allow for $method");
}

is(() = $g->requests(), 0, 'nothing sent for any of them');

# what ARGO does wrong, in the first, a middle and the last of eight calls:
# one error, and no vector of the others

my $html = "<html><title>502 Bad Gateway</title><body>canary</body></html>";
my $denial = "\x{26a0}\x{fe0f} **IMPORTANT AUTHENTICATION NOTICE FROM ARGO** "
    . "\x{26a0}\x{fe0f}\n\n\x{1f6ab} **ACCESS DENIED** \x{1f6ab}\n\nThe "
    . "username 'jdoe' is not authorized to use the Argo Gateway API.";
my $type = [header => 'Content-Type', 'application/json'];

gzip(\'{"embedding":[[1,2]]}', \my $gzipped);

my $unreachable = '502 server_error null upstream_unreachable';
my $incomplete = '502 server_error null upstream_incomplete';
my $invalid = '502 server_error null upstream_invalid_reply';
my $timeout = '504 server_error null upstream_timeout';

my @faults = (
    [ 'reset', $unreachable, [reset =>] ],
    [ 'close', $unreachable, [close =>] ],
    [ 'close in headers', $unreachable, [raw => "HTTP/1.1 200 OK\r\nX-"],
        [close =>] ],
    [ 'no HTTP', qr/^502 server_error null upstream_/,
        [raw => "garbage\r\n\r\n"], [close =>] ],
    [ 'cut length', $incomplete, $type, [header => 'Content-Length', 900],
        [data => '{"embedding":[[0.5,0.5'], [close =>] ],
    [ 'cut chunks', $incomplete, $type, [chunk => '{"embedding":[[0.5,0.5'],
        [close =>] ],
    [ 'cut at the end of a vector', $incomplete, $type,
        [chunk => '{"embedding":[[0.5,0.5]'], [close =>] ],
    [ 'reset in the body', qr/^502 server_error null upstream_/, $type,
        [chunk => '{"embedding":[[0.5,0.5'], [drain =>], [reset =>] ],
    [ 'bad chunk', qr/^502 server_error null upstream_/, $type,
        [header => 'Transfer-Encoding', 'chunked'], [data => "zz\r\n"],
        [close =>] ],
    fault(400, '{"error":{"message":"Bad thing","type":"x","param":"prompt",'
        . '"code":"c"}}', '400 invalid_request_error prompt c'),
    fault(401, '{"detail":"Who?"}', '401 authentication_error null null'),
    fault(403, '{"detail":"No."}', '403 permission_error null null'),
    fault(404, '{"detail":"Not Found"}',
        '404 invalid_request_error null null'),
    fault(408, '{"detail":"Late"}', '408 server_error null null'),
    fault(422, '{"detail":[{"loc":["body","prompt",0],"msg":"Input should be '
        . 'a valid string"}]}', '422 invalid_request_error null null'),
    fault(429, '{"error":{"message":"Slow down"}}',
        '429 rate_limit_error null rate_limit_exceeded'),
    fault(500, '{"detail":"Oops"}', '500 server_error null null'),
    fault(502, $html, '502 server_error null null'),
    fault(503, '', '503 server_error null null'),
    fault(529, '{"error":{"type":"overloaded_error","message":"Busy"}}',
        '529 server_error null null'),
    fault(302, '', $invalid), fault(201, '{"embedding":[[1]]}', $invalid),
    fault(200, '', $invalid), fault(200, 'canary', $invalid),
    fault(200, $html, $invalid), fault(200, '[]', $invalid),
    fault(200, '{}', $invalid), fault(200, '{"embedding":[]}', $invalid),
    fault(200, '{"embedding":[[]]}', $invalid),
    fault(200, '{"embedding":[1,2]}', $invalid),
    fault(200, '{"embedding":[[1,2]]}x', $invalid),
    fault(200, '{"embedding":[[1,2],[3,4]]}', $invalid),
    fault(200, '{"embedding":[' . join(',', ('[1,2]') x 15, '[1]') . ']}',
        $invalid),
    fault(200, '{"embedding":[' . join(',', ('[1,2]') x 17) . ']}', $invalid),
    fault(200, '{"embedding":[' . join(',', ('[1,NaN]') x 16) . ']}',
        $invalid),
    fault(200, '{"embedding":[' . join(',', ('[1,1e99]') x 16) . ']}',
        $invalid),
    fault(200, '{"embedding":[' . join(',', ('[1,2]') x 16) . ']',
        $invalid),
    fault(200, Argo::Test::json({ response => $denial }),
        '403 permission_error null argo_access_denied'),
    fault(200, Argo::Test::json({ response => 'You passed a messages field '
        . 'along with a system and or prompt field. Please only pass '
        . 'messages with any system and user prompts included, or only pass '
        . 'system and prompt alone.' }),
        '400 invalid_request_error null argo_rejected'),
    fault(200, '{"error":{"message":"Broken"}}', qr/^5\d\d server_error /),
    fault(200, '{"response":"Hello"}', $invalid),
    [ 'type text', $invalid, [header => 'Content-Type', 'text/plain'],
        [body => '{"embedding":[[1]]}'] ],
    [ 'no type', $invalid, [body => '{"embedding":[[1]]}'] ],
    [ 'compressed', $invalid, $type, [header => 'Content-Encoding', 'gzip'],
        [body => $gzipped] ],
    [ 'local file', qr/^502 server_error null upstream_/, $type,
        [header => 'X-Accel-Redirect', '/nginx.conf'], [body => ''] ],
);

for (@faults) {
    my ($name, $expected, @script) = @$_;

    for my $at (0, 4, 7) {
        normal();
        batch($at, @script);

        $r = post(inputs(128), keep => 1);

        ref $expected
            ? like($r->error(), $expected, "$name in call $at")
            : is($r->error(), $expected, "$name in call $at");
        unlike($r->{body}, qr/canary|"embedding"|<html/,
            "nothing else, $name in call $at");
        is($r->{complete}, 1, "whole error, $name in call $at");

        like(logged(), qr/^$r->{status}\ embeddings\ v3small\ v3small\ jdoe
            \ 0\ -\ -\ -\ \S+\ [1-8]$/x, "log, $name in call $at");
    }
}

# the others are given up at once, and no more are begun

for my $at (0, 3) {
    $g->clear();
    batch($_, [wait_close =>]) for 0 .. 7;
    batch($at, [wait_for => 'all'], [status => 429],
        [header => 'Retry-After', 9], $type, [body => '{}']);

    $c = client();
    $c->post_only($uri, body(inputs(128, "others$at")));
    calls("others$at", 4);
    $g->signal('all');
    $r = $c->response();

    is($r->error(), '429 rate_limit_error null rate_limit_exceeded',
        "error while others wait, call $at");
    is(join(',', $r->headers_named('retry-after')), '9',
        "time to wait, call $at");
    ok(gone("others$at", 3), "others closed, call $at");
    settle();
    is(scalar(calls("others$at", 0)), 4, "no others begun, call $at");

    # the connection goes on to serve

    normal();
    is($c->post($uri, body('"input":"text 1"'))->{status}, 200,
        "next request, call $at");
}

# in the middle of their replies as well

$g->clear();
batch($_, $type, [chunk => '{"embedding":[[0.5,'], [wait_close =>])
    for 0 .. 3;
batch(1, $type, [chunk => '{"embedding":['], [wait_for => 'all'],
    [chunk => 'x'], [end =>]);

$c = client();
$c->post_only($uri, body(inputs(128, 'replying')));
calls('replying', 4);
$g->signal('all');
is($c->response()->error(), $invalid, 'error while others reply');
ok(gone('replying', 3), 'others closed in their replies');

# silence, and nobody there

$g->clear();
batch($_, [wait_close =>]) for 0 .. 7;
$uri = '/slow';
is(post(inputs(128, 'silent'), keep => 1)->error(), $timeout, 'silence');
ok(gone('silent', 4), 'all closed after silence');
is(scalar(calls('silent', 0)), 4, 'no others begun after silence');

$g->clear();
batch($_, $type, [chunk => '{"embedding":[[0.5,'], [wait_close =>])
    for 0 .. 7;
is(post(inputs(128), keep => 1)->error(), $timeout, 'silence in the body');

$uri = '/refused';
is(post(inputs(128))->error(), $unreachable, 'refused');

$uri = '/embeddings';

# a client that goes away

for my $how (qw/ close reset /) {
    for (['before the replies', [wait_close =>]],
        ['in the replies', $type, [chunk => '{"embedding":[[0.5,'],
            [drain =>], [wait_close =>]])
    {
        my ($when, @script) = @$_;
        my $word = $how . @script;

        $g->clear();
        batch($_, @script) for 0 .. 7;

        $c = client();
        $c->post_only("$uri?n=$word", body(inputs(128, $word)));
        calls($word, 4);
        $c->$how();

        ok(gone($word, 4), "all closed, $how $when");
        like(logged($word), qr/^499 .* client_closed 4$/, "log, $how $when");
        is(scalar(calls($word, 0)), 4, "no others begun, $how $when");
    }
}

# nothing is left

undef $r;
undef $c;

ok($t->waitfor(sub {
    return client()->get('/status')->{body} =~ /^Active connections: 1 \n/;
}), 'no connection left');

normal();
is(scalar @{post(inputs(33))->json()->{data}}, 33, 'good reply at last');

$t->done_testing();

###############################################################################

sub configure {
    my ($conf) = @_;

    $t->write_file_expand('nginx.conf', $conf);
    $t->reload();

    # the old one may take a connection as long as it is there
    $t->waitfor(sub { my @workers = $t->workers(); @workers == 1 })
        or die 'the worker has not gone';
}


sub check_ids {
    my ($tables) = @_;

    for (@ids) {
        my ($input, @texts) = @$_;

        my $name = $input =~ s/\s/ /gr
            . ($tables ? ', tables' : ', no tables');

        normal();
        $g->clear();

        my $r = post("\"input\":$input");

        if (!$tables) {
            is($r->error(),
                '400 invalid_request_error input unsupported_value', $name);
            is(() = $g->requests(), 0, "$name, nothing sent");
            next;
        }

        is($r->{status}, 200, $name) or diag($r->{body});
        is(scalar @{$r->json()->{data}}, scalar @texts, "$name, vectors");
        is_deeply($g->request_json()->{prompt}, \@texts, "$name, sent");
        cmp_ok($r->json()->{usage}{prompt_tokens}, '>', 0, "$name, usage");
    }
}


sub client {
    return Argo::Client->new(port(8080));
}


sub body {
    my ($members) = @_;

    return "{\"model\":\"v3small\",$members}";
}


sub post {
    my ($members, %extra) = @_;

    $g->clear() unless $extra{keep};

    $posts++;

    return client()->post("$uri?n=$posts", $extra{no_model} ? "{$members}"
        : body($members), headers => $extra{headers} || []);
}


# Texts with numbers, and a word by which the calls that are made for them
# are known: one that was given up before may come to the gateway late.

sub inputs {
    my ($n, $word) = @_;

    $word = 'text' unless defined $word;

    return '"input":[' . join(',', map { "\"$word $_\"" } 0 .. $n - 1) . ']';
}


sub vector {
    my ($n) = @_;

    return Argo::Test::Embedder::vector($n);
}


# Numbers of the first vector of a reply in base64.

sub floats {
    my ($r) = @_;

    return join ' ', unpack 'f<*',
        decode_base64($r->json()->{data}[0]{embedding});
}


# One reply to any call.

sub reply {
    my ($json) = @_;

    batch($_) for 0 .. 9;

    $g->script(undef, [[header => 'Content-Type', 'application/json'],
        [body => $json]]);
}


# The reply to the call whose first text is that of a batch.

sub batch {
    my ($n, @script) = @_;

    $g->script("$tail#$n", @script ? [@script] : ());
}


# Good replies to all calls.

sub normal {
    $g->clear();
    batch($_) for 0 .. 9;
    $g->script(undef, @vectors ? [@vectors] : ());
}


sub fault {
    my ($status, $body, $expected) = @_;

    my $name = "$status " . substr $body, 0, 40;
    $name =~ s/[^ -~]/./g;

    return [ $name, $expected, [status => $status],
        [header => 'Content-Type', 'application/json'], [body => $body] ];
}


# The calls for texts with a word, when there are as many.

sub calls {
    my ($word, $n) = @_;

    my @calls;

    $t->waitfor(sub {
        @calls = grep { $_->{body} =~ /"$word \d/ } $g->requests();
        return @calls >= $n;
    });

    return @calls;
}


# True when as many of them have been closed by the other side.

sub gone {
    my ($word, $n) = @_;

    return $t->waitfor(sub {
        my %ids = map { $_->{id} => 1 } calls($word, 0);
        my @gone = grep { $_->{type} eq 'closed' && $ids{$_->{id}} }
            $g->records();
        return @gone >= $n;
    });
}


# What the worker had begun before this has come to the gateway after it.

sub settle {
    client()->get('/other');
}


# The line of the log for the request of post() that was last, or for one with
# a word in its URI, when it has come.

sub logged {
    my ($n) = @_;

    $n = $posts unless defined $n;

    return $t->waitfor(sub {
        return $t->read_file('test.log') =~ /^\Q$n\E: (.*)\n/m ? $1 : undef;
    }) || 'nothing logged';
}

###############################################################################

package Argo::Test::Embedder;

# A gateway whose vectors tell which text they are of, and whose scripts can
# be for a certain call of several: its URI is followed by "#" and the number
# of its first text divided by 16.

use base qw/ Argo::Gateway /;

BEGIN { require Argo::Gateway; }


sub read_request {
    my ($self) = @_;

    my $r = $self->SUPER::read_request() or return;

    my $json = eval { JSON::PP::decode_json($r->{body}) };
    $self->{texts} = $json ? $json->{prompt} : [ ];

    return $r;
}


sub take {
    my ($self, $uri) = @_;

    my ($n) = ($self->{texts}[0] || '') =~ /^\w+ (\d+)$/;
    my $batch = defined $n ? int($n / 16) : 0;

    my $known = $self->locked(sub {
        return $self->load()->{scripts}{"$uri#$batch"};
    });

    return $self->SUPER::take($known && @$known ? "$uri#$batch" : $uri);
}


# Numbers that a float has exactly.

sub vector {
    my ($n) = @_;

    return [ $n + 0.5, -$n / 64, 0.25 ];
}


sub json_vectors {
    my ($self) = @_;

    return '{"embedding":[' . join(', ', map {
        my ($n) = /(\d+)$/;
        '[' . join(', ', @{vector($n || 0)}) . ']';
    } @{$self->{texts}}) . ']}';
}


sub step_vectors {
    my ($self) = @_;

    $self->step_header('Content-Type', 'application/json');

    return $self->step_body($self->json_vectors());
}


sub step_pieces {
    my ($self) = @_;

    $self->step_header('Content-Type', 'application/json');

    for (unpack '(a7)*', $self->json_vectors()) {
        $self->step_chunk($_);
        $self->step_drain();
    }

    return $self->step_end();
}

###############################################################################
