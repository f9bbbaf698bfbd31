#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for text completions: unary, streamed from ARGO's raw text stream, and
# streamed from unary calls; one prompt and several.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;
use Argo::Faults;

my $t = Argo::Test->new();

# where the module finds its token tables, if they were made

my $build = $ENV{ARGO_BUILD_DIR} || '../build';
my $tables = -e "$build/o200k_base.argo";

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

    #TOKENIZER

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location /real {
            argo_endpoint  completions;
        }

        location /pseudo {
            argo_endpoint  completions;
            argo_stream    pseudo;
        }

        location = /realslow {
            argo_endpoint  completions;
            argo_upstream  /slow/;
            argo_upstream_api legacy;
        }

        location = /pseudoslow {
            argo_endpoint  completions;
            argo_stream    pseudo;
            argo_upstream  /slow/;
            argo_upstream_api legacy;
        }

        location = /realpatient {
            argo_endpoint  completions;
            argo_upstream  /patient/;
            argo_upstream_api legacy;
        }

        location = /pseudopatient {
            argo_endpoint  completions;
            argo_stream    pseudo;
            argo_upstream  /patient/;
            argo_upstream_api legacy;
        }

        location = /realrefused {
            argo_endpoint  completions;
            argo_upstream  /refused/;
            argo_upstream_api legacy;
        }

        location = /pseudorefused {
            argo_endpoint  completions;
            argo_stream    pseudo;
            argo_upstream  /refused/;
            argo_upstream_api legacy;
        }

        location = /default {
            argo_endpoint       completions;
            argo_default_model  argo:gpt-4o;
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

        # for one reply that comes and one that does not
        location /patient/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_read_timeout  1s;
        }

        location /refused/ {
            internal;
            proxy_pass          http://127.0.0.1:8082/;
        }
    }
}
EOC

$t->write_file_expand('nginx.conf', $conf);

my $g = Argo::Gateway->new($t, 8081);

$t->run();

# how the client asks, and by which location

my %modes = (unary => 'real', real => 'real', pseudo => 'pseudo');
my @modes = qw/ unary real pseudo /;

my $id = qr/cmpl-[A-Za-z0-9]{29}/;
my $usage = qr/\{"prompt_tokens":[1-9]\d*,"completion_tokens":\d+,
    "total_tokens":[1-9]\d*,
    "prompt_tokens_details":\{"cached_tokens":0,"audio_tokens":0\},
    "completion_tokens_details":\{"reasoning_tokens":0,"audio_tokens":0,
    "accepted_prediction_tokens":0,"rejected_prediction_tokens":0\}\}/x;

###############################################################################

# a unary reply, byte by byte

$g->answer("Hello \"J\x{fc}rgen\"\n");

my $r = post('unary', '"Say hello"');

is($r->{status}, 200, 'unary, status');
like($r->header('content-type'), qr{^application/json\b}, 'unary, type');
is($r->header('content-length'), length $r->{body}, 'unary, length');
like($r->header('x-request-id'), qr/^[0-9a-f]{32}$/, 'unary, request id');
like($r->header('openai-processing-ms'), qr/^\d+$/, 'unary, time');
is($r->header('openai-version'), '2020-10-01', 'unary, version');
like($r->{body}, qr/\A\{"id":"$id","object":"text_completion",
    "created":\d+,"model":"argo:gpt-4o","choices":\[\{
    "text":"Hello\ \\"J\xc3\xbcrgen\\"\\n","index":0,"logprobs":null,
    "finish_reason":"stop"\}\],"usage":$usage\}\z/x, 'unary, body');
cmp_ok(abs($r->json()->{created} - time()), '<', 3600, 'unary, created');

my $one = $r->json()->{usage};

is($one->{total_tokens}, $one->{prompt_tokens} + $one->{completion_tokens},
    'unary, total of tokens');

# what ARGO gets

my $request = $g->request();

is($request->{method}, 'POST', 'method');
is($request->{uri}, '/api/v1/resource/chat/', 'uri');
is(Argo::Gateway::header($request, 'Accept'), 'application/json', 'accept');
is(Argo::Gateway::header($request, 'Accept-Encoding'), 'identity',
    'accept encoding');
is(Argo::Gateway::header($request, 'Content-Type'), 'application/json',
    'content type');
is_deeply($g->request_json(), { model => 'gpt4o', user => 'jdoe',
    messages => [ { role => 'user', content => 'Say hello' } ] },
    'body');

post('unary', '"A \u00e9 \ud83d\ude00 \"q\" \/ \n"', '"user":"mallory",'
    . '"temperature":1e400,"seed":12345678901234567890,"stop":["END"],'
    . '"unknown":{"user":"kept","stream":true},"n":1,"best_of":1,'
    . '"echo":false,"suffix":"","max_tokens":17');
$request = $g->request()->{body};

like($request, qr/"content":"A \\u00e9 \\ud83d\\ude00 \\"q\\" \\\/ \\n"/,
    'prompt as it came');
like($request, qr/"temperature":1e400[,}]/, 'large number as it came');
like($request, qr/"seed":12345678901234567890[,}]/,
    'large integer as it came');
like($request, qr/"stop":\["END"\]/, 'stop');
like($request, qr/"unknown":\{"user":"kept","stream":true\}/,
    'unknown member as it came');
like($request, qr/"max_tokens":17[,}]/, 'limit of tokens');
like($request, qr/"user":"jdoe"/, 'user is bound');
unlike($request, qr/mallory/, 'user of the client');
unlike($request, qr/"(?:prompt|echo|suffix|best_of|n|stream_options)":/,
    'members that a chat does not have');

post('unary', '"Hi"', '"logprobs":null,"best_of":null,"echo":null,'
    . '"suffix":null,"n":null,"stream":null,"stream_options":null,'
    . '"max_tokens":null');
is(join(' ', sort keys %{$g->request_json()}), 'messages model user',
    'null is as nothing');

post('unary', '"Hi"', '"max_tokens":17', model => 'gpto3');
like($g->request()->{body}, qr/"max_completion_tokens":17[,}]/,
    'limit of tokens of a model that reasons');

# a stream, byte by byte

for my $mode (qw/ real pseudo /) {
    say_text($mode, 'Hello');
    $r = post($mode, '"Say hello"');

    is($r->{status}, 200, "$mode, status");
    is($r->header('content-type'), 'text/event-stream; charset=utf-8',
        "$mode, type");
    is($r->header('cache-control'), 'no-cache', "$mode, cache control");
    is($r->header('x-accel-buffering'), 'no', "$mode, buffering");
    is($r->header('content-length'), undef, "$mode, no length");
    is($r->{complete}, 1, "$mode, regular end");
    like($r->{body}, qr/\A
        data:\ (\{"id":"$id","object":"text_completion","created":\d+,
            "model":"argo:gpt-4o","choices":\[)\{"text":"Hello","index":0,
            "logprobs":null,"finish_reason":null\}\]\}\n\n
        data:\ \g{1}\{"text":"","index":0,"logprobs":null,
            "finish_reason":"stop"\}\]\}\n\n
        data:\ \[DONE\]\n\n\z/x, "$mode, body");
    is($g->request()->{uri}, $mode eq 'real'
        ? '/api/v1/resource/streamchat/' : '/api/v1/resource/chat/',
        "$mode, uri");
    is_deeply($g->request_json(), { model => 'gpt4o', user => 'jdoe',
        messages => [ { role => 'user', content => 'Say hello' } ] },
        "$mode, request");

    $r = post($mode, '"Say hello"', '"stream_options":{"include_usage":true}');
    like($r->{body}, qr/\A
        data:\ (\{"id":"$id","object":"text_completion","created":\d+,
            "model":"argo:gpt-4o","choices":\[)\{"text":"Hello","index":0,
            "logprobs":null,"finish_reason":null\}\],"usage":null\}\n\n
        data:\ \g{1}\{"text":"","index":0,"logprobs":null,
            "finish_reason":"stop"\}\],"usage":null\}\n\n
        data:\ \g{1}\],"usage":$usage\}\n\n
        data:\ \[DONE\]\n\n\z/x, "$mode, body with usage");

    my $streamed = ($r->events())[-2]{json}{usage};
    $g->answer('Hello');
    is_deeply(post('unary', '"Say hello"')->json()->{usage}, $streamed,
        "$mode, usage of a unary reply");

    say_text($mode, 'Hello');
    unlike(post($mode, '"Say hello"',
        '"stream_options":{"include_usage":false}')->{body}, qr/usage/,
        "$mode, no usage if not wanted");

    say_text($mode, '');
    $r = post($mode, '"Say hello"');
    is(shape($r), '0:stop done', "$mode, empty text");
}

say_text('unary', '');
is(post('unary', '"Hi"')->json()->{choices}[0]{text}, '', 'empty text');

# a request of a kind that ARGO does not know is no stream of tools

$g->script(undef, [
    [header => 'Content-Type', 'application/json'],
    [body => '{"response":{"content":"Let me see.","tool_calls":[{"id":"a",'
        . '"type":"function","function":{"name":"f","arguments":"{}"}}]}}'],
]);

$r = post('unary', '"Hi"');
is($r->json()->{choices}[0]{text}, 'Let me see.', 'call of a tool, text');
is($r->json()->{choices}[0]{finish_reason}, 'stop',
    'call of a tool, finish reason');

# several prompts

my @texts = ('First', "Second \x{20ac}", '', 'Fourth');
my $prompts = '["one","two","three","four"]';

say_each('unary', @texts);
$r = post('unary', $prompts);

is($r->{status}, 200, 'several, status');
is_deeply([ map { [ @$_{qw/ index text finish_reason logprobs /} ] }
    @{$r->json()->{choices}} ],
    [ map { [ $_, $texts[$_], 'stop', undef ] } 0 .. $#texts ],
    'several, choices');
is_deeply([ map { JSON::PP::decode_json($_->{body})->{messages} }
    $g->requests() ],
    [ map { [ { role => 'user', content => $_ } ] }
        qw/ one two three four / ], 'several, what ARGO gets');
is(scalar(grep { JSON::PP::decode_json($_->{body})->{model} ne 'gpt4o'
    || JSON::PP::decode_json($_->{body})->{user} ne 'jdoe' } $g->requests()),
    0, 'several, model and user');

my $sum = $r->json()->{usage};
my %single = (prompt_tokens => 0, completion_tokens => 0);
my @words = qw/ one two three four /;

for my $i (0 .. $#texts) {
    say_text('unary', $texts[$i]);
    my $u = post('unary', "\"$words[$i]\"")->json()->{usage};
    $single{$_} += $u->{$_} for keys %single;
}

is($sum->{prompt_tokens}, $single{prompt_tokens}, 'several, prompt tokens');
is($sum->{completion_tokens}, $single{completion_tokens},
    'several, completion tokens');
is($sum->{total_tokens}, $sum->{prompt_tokens} + $sum->{completion_tokens},
    'several, total of tokens');

for my $mode (qw/ real pseudo /) {
    say_each($mode, @texts);
    $r = post($mode, $prompts,
        '"stream_options":{"include_usage":true}');

    my @events = $r->events();
    my @ids = map { $_->{json}{id} } grep { $_->{json} } @events;

    is(shape($r), '0+ 0:stop 1+ 1:stop 2:stop 3+ 3:stop usage done',
        "several, $mode, order");
    is(scalar(grep { $_ ne $ids[0] } @ids), 0, "several, $mode, one id");
    is_deeply([ map { text_of($r, $_) } 0 .. $#texts ],
        [ map { my $s = $_; utf8::encode($s); $s } @texts ],
        "several, $mode, texts");
    is_deeply($events[-2]{json}{usage}, $sum, "several, $mode, usage");
    is(scalar(grep { $_->{data} !~ /"usage":null\}/ } @events[0 .. $#events
        - 2]), 0, "several, $mode, usage null before");
    is(scalar(() = $r->{body} =~ /\[DONE\]/g), 1, "several, $mode, done");
    is($r->{complete}, 1, "several, $mode, regular end");

    say_each($mode, @texts);
    $r = post($mode, $prompts);
    unlike($r->{body}, qr/usage/, "several, $mode, no usage");
    is(shape($r), '0+ 0:stop 1+ 1:stop 2:stop 3+ 3:stop done',
        "several, $mode, order without usage");
}

say_text('unary', 'Hello');
is(scalar @{post('unary', '["one"]')->json()->{choices}}, 1,
    'list of one prompt');
is(scalar @{post('unary', '[' . join(',', ('"x"') x 128) . ']')->json()
    ->{choices}}, 128, 'as many prompts as there may be');

# the first choice is on its way while the second is being made

for my $mode (qw/ real pseudo /) {
    my @type = (header => 'Content-Type', $mode eq 'real' ? 'text/plain'
        : 'application/json');
    my @body = $mode eq 'real' ? ([chunk => 'Second'], [end =>])
        : [body => '{"response":"Second"}'];

    $g->clear()->script(undef, text_script($mode, 'First'),
        [ [wait_for => 'go'], [@type], @body ]);

    my $c = client();
    $c->post_only("/$mode", body($mode, '["one","two"]'));
    $r = $c->head();

    my ($e, $seen);

    while ($e = $r->next_event()) {
        $seen = $e->{json}{choices}[0];
        last if defined $seen->{finish_reason};
    }

    is($seen->{index}, 0, "first of two at once, $mode");
    $g->signal('go');
    $r->finish();
    is(text_of($r, 1), 'Second', "second of two, $mode");
}

# a client that goes away ends the call that is under way, and no other is made

for my $mode (@modes) {
    $g->clear()->script(undef, text_script($mode, 'First'),
        [ [wait_close =>] ]);

    my $c = client();
    $c->post_only("/$modes{$mode}", body($mode, '["one","two","three"]'));
    ok($g->wait_event('request', 2), "second call, $mode");
    $c->reset();
    ok($g->wait_event('closed'), "call of a client that has gone, $mode");
    is(scalar $g->requests(), 2, "no other call, $mode");
}

# prompts of token ids: the text that they are goes up and is counted

my @ids = (
    [ '[13225,2375]', 'gpt-4o', 'Hello world' ],
    [ '[9906,1917]', 'gpt-4', 'Hello world' ],
    [ '[9906,1917]', 'claude-opus-4.6', 'Hello world' ],
    [ "[\n13225\t,\r2375 ]", 'gpt-4o', 'Hello world' ],
    [ '[[13225],[2375]]', 'gpt-4o', 'Hello', ' world' ],
    [ '["a",[13225,2375],"b"]', 'gpt-4o', 'a', 'Hello world', 'b' ],
    [ '[76460,222]', 'gpt-4', "\x{1f600}" ],
    [ '[76460]', 'gpt-4', "\x{fffd}" ],
    [ '[1,201]', 'gpt-4', "\"\r" ],
);

for my $case ($tables ? @ids : ()) {
    my ($prompt, $model, @expected) = @$case;

    for my $mode (@modes) {
        my $name = "token ids $prompt, $mode";
        my $more = $mode eq 'unary' ? ''
            : '"stream_options":{"include_usage":true}';

        say_text($mode, 'Hello');
        $r = post($mode, $prompt, $more, model => $model);
        is($r->{status}, 200, $name);
        is_deeply([ map { JSON::PP::decode_json($_->{body})->{messages}[0] }
            $g->requests() ], [ map { { role => 'user', content => $_ } }
            @expected ], "$name, what ARGO gets");

        my $tokens = usage_of($mode, $r);

        say_text($mode, 'Hello');
        is_deeply($tokens, usage_of($mode, post($mode, json(\@expected),
            $more, model => $model)), "$name, usage");
    }
}

# a connection goes on after several prompts

say_text('unary', 'Hello');
my $c = client();

for (1 .. 3) {
    is(scalar @{$c->post('/real', body('unary', '["one","two"]'))->json()
        ->{choices}}, 2, "connection kept, $_");
}

# what is wrong with a request, and how that is told

my $bad = '400 invalid_request_error';

for (
    [ 'no body', '', "$bad null invalid_json" ],
    [ 'no JSON', '{"model":', "$bad null invalid_json" ],
    [ 'no object', '[]', "$bad null invalid_type" ],
    [ 'no model', '{"prompt":"Hi"}',
        "$bad model missing_required_parameter" ],
    [ 'no prompt', '{"model":"gpt-4o"}',
        "$bad prompt missing_required_parameter" ],
    [ 'prompt null', members('"prompt":null'),
        "$bad prompt missing_required_parameter" ],
    [ 'prompt number', members('"prompt":1'), "$bad prompt invalid_type" ],
    [ 'prompt object', members('"prompt":{}'), "$bad prompt invalid_type" ],
    [ 'prompt boolean', members('"prompt":true'),
        "$bad prompt invalid_type" ],
    [ 'no prompts', members('"prompt":[]'), "$bad prompt empty_array" ],
    (map { [ "token ids $_", members("\"prompt\":$_"),
            "$bad prompt " . ($tables ? 'invalid_value'
                : 'unsupported_value') ] }
        '[-1]', '[1.5]', '[1,"a"]', '[1,null]', '[1e2]', '[[1],[2,true]]',
        '[[1,[2]]]', '[200019]', '[99999999999999999999]', '["a",[3.0]]'),
    [ 'no token ids', members('"prompt":["Hi",[]]'),
        "$bad prompt[1] invalid_value" ],
    [ 'prompt and token id', members('"prompt":["Hi",3]'),
        "$bad prompt[1] invalid_type" ],
    [ 'item null', members('"prompt":["Hi",null]'),
        "$bad prompt[1] invalid_type" ],
    [ 'item object', members('"prompt":[{}]'),
        "$bad prompt[0] invalid_type" ],
    [ 'item list of strings', members('"prompt":["a","b",["c"]]'),
        "$bad prompt[2] invalid_type" ],
    [ 'too many prompts', members('"prompt":['
        . join(',', ('"x"') x 129) . ']'),
        "$bad prompt array_above_max_length" ],
    [ 'n', 'n:2', "$bad n unsupported_parameter" ],
    [ 'n none', 'n:0', "$bad n invalid_value" ],
    [ 'n fraction', 'n:1.5', "$bad n invalid_value" ],
    [ 'n string', 'n:"1"', "$bad n invalid_type" ],
    [ 'best_of', 'best_of:2', "$bad best_of unsupported_parameter" ],
    [ 'best_of string', 'best_of:"2"', "$bad best_of invalid_type" ],
    [ 'echo', 'echo:true', "$bad echo unsupported_parameter" ],
    [ 'echo string', 'echo:"x"', "$bad echo invalid_type" ],
    [ 'suffix', 'suffix:"x"', "$bad suffix unsupported_parameter" ],
    [ 'suffix number', 'suffix:1', "$bad suffix invalid_type" ],
    [ 'logprobs', 'logprobs:5', "$bad logprobs unsupported_parameter" ],
    [ 'logprobs none', 'logprobs:0', "$bad logprobs unsupported_parameter" ],
    [ 'messages', 'messages:[]', "$bad messages unsupported_parameter" ],
    [ 'tools', 'tools:[{"type":"function","function":{"name":"f"}}]',
        "$bad tools unsupported_parameter" ],
    [ 'stream string', 'stream:"yes"', "$bad stream invalid_type" ],
    [ 'stream options', 'stream_options:1',
        "$bad stream_options invalid_type" ],
    [ 'usage string', 'stream_options:{"include_usage":"x"}',
        "$bad stream_options.include_usage invalid_type" ],
    [ 'max_tokens string', 'max_tokens:"x"',
        "$bad max_tokens invalid_type" ],
    [ 'model number', '{"model":1,"prompt":"Hi"}',
        "$bad model invalid_type" ],
    [ 'model for embeddings', '{"model":"v3small","prompt":"Hi"}',
        "$bad model unsupported_model" ],
    [ 'unknown model', '{"model":"no-such-model","prompt":"Hi"}',
        '404 invalid_request_error model model_not_found' ],
) {
    my ($name, $body, $expected) = @$_;

    $body = members("\"prompt\":\"Hi\",\"$1\":$2")
        if $body =~ /^(\w+):(.*)$/;

    $g->clear();
    is(client()->post('/real', $body)->error(), $expected, $name);
    is(scalar $g->requests(), 0, "$name, not sent on");

    next unless $body =~ /^\{.*\}$/;

    $body =~ s/\{/{"stream":true,/ if $body !~ /"stream":/;
    is(client()->post('/real', $body)->error(), $expected,
        "$name, of a stream");
}

# token ids where there are no tables

configure($conf =~ s/#TOKENIZER/argo_tokenizer  off;/r);

for my $prompt ('[1,2,3]', '[[1,2],[3]]', '["Hi",[3]]') {
    $g->clear();
    $r = client()->post('/real', members("\"prompt\":$prompt"));
    is($r->error(), "$bad prompt unsupported_value", "no tables, $prompt");
    like($r->json()->{error}{message}, qr/token tables/,
        "no tables, $prompt, why");
    is(scalar $g->requests(), 0, "no tables, $prompt, not sent on");
}

configure($conf);

$g->answer('Hello');
is(client()->post('/default', '{"prompt":"Hi"}')->{status}, 200,
    'default model');

$c = client();
$r = $c->get('/real');
is($r->error(), '405 invalid_request_error null method_not_allowed', 'GET');
is($r->header('allow'), 'POST', 'GET, allow');

# what fails before there is anything of a reply

for my $mode (@modes) {
    for my $f (Argo::Faults::early($mode eq 'real')) {
        $g->script(undef, $f->{script});
        $r = post($mode, '"Hi"', '', where => $f->{where});
        error_is($r, $f->{error}, "$f->{name}, $mode");
        unlike($r->{body}, qr/canary/, "$f->{name}, $mode, nothing of it");
    }
}

# the same of the second of three prompts: a unary reply is that error alone,
# a stream ends with it

for my $mode (@modes) {
    for my $f (Argo::Faults::early($mode eq 'real')) {
        next if $f->{where} && $f->{name} ne 'silence';

        $g->clear()->script(undef, text_script($mode, 'First'),
            $f->{script}, text_script($mode, 'canary'));

        $r = post($mode, '["one","two","three"]', '',
            where => $f->{where} && 'patient');

        if ($mode eq 'unary') {
            error_is($r, $f->{error}, "second, $f->{name}, $mode");

        } else {
            is(shape($r), '0+ 0:stop error', "second, $f->{name}, $mode");
            is(text_of($r, 0), 'First', "second, $f->{name}, $mode, first");
            is($r->{complete}, 1, "second, $f->{name}, $mode, regular end");
            in_band_is($r, $f, "second, $f->{name}, $mode, error");
        }

        unlike($r->{body}, qr/canary/,
            "second, $f->{name}, $mode, nothing of the others");
        is(scalar $g->requests(), 2, "second, $f->{name}, $mode, calls");
    }
}

# an answer that quotes a refusal is an answer

for my $mode (@modes) {
    for my $text ("ARGO says: $Argo::Faults::denial",
        "\"$Argo::Faults::misuse\"", 'You passed the exam', '**', 'I',
        "\x{26a0}\x{fe0f} Careful", "'", 'Error code')
    {
        say_text($mode, $text);

        my $bytes = $text;
        utf8::encode($bytes);

        is(text_of(post($mode, '"Hi"'), 0), $bytes, 'answer '
            . substr($text, 0, 9) =~ s/[^ -~]/./gr . ", $mode");
    }
}

# a stream that fails when some of it has been sent

for my $f (Argo::Faults::late()) {
    for my $prompt ('"Hi"', '["Hi","there"]') {
        my $where = $f->{where} ? 'patient' : '';

        $g->clear()->script(undef,
            $prompt =~ /^\[/ ? text_script('real', 'Before') : (),
            [
                [header => 'Content-Type', 'text/plain; charset=utf-8'],
                [chunk => 'Hello'], $where ? () : [wait_for => 'go'],
                @{$f->{steps}},
            ]);

        my $c = client();
        $c->post_only("/real$where", body('real', $prompt,
            '"stream_options":{"include_usage":true}'));
        $r = $c->head();

        while (my $e = $r->next_event()) {
            last if $e->{data} =~ /Hello/;
        }

        $g->signal('go');
        $r->finish();

        my $n = $prompt =~ /^\[/ ? 1 : 0;
        my $name = "$f->{name} in the middle of $n";

        like(shape($r), $n ? qr/^0\+ 0:stop (?:1\+ )+error$/
            : qr/^(?:0\+ )+error$/, $name);
        is(text_of($r, $n), 'Hello' . ($f->{text} || ''), "$name, text");
        is($r->{complete}, 1, "$name, regular end");
        in_band_is($r, $f, "$name, error");

        $g->script(undef, text_script('real', 'again'));
        is(text_of($c->post('/real', body('real', '"Hi"')), 0), 'again',
            "$name, connection kept");
    }
}

# replies cut after each of their bytes

my $json = '{"response":"H\u00e9llo"}';

for my $framing ('Content-Length: ' . length $json,
    'Transfer-Encoding: chunked')
{
    my $body = $framing =~ /chunked/
        ? sprintf("%x\r\n%s\r\n0\r\n\r\n", length $json, $json) : $json;
    my $reply = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        . "$framing\r\n\r\n$body";

    for my $mode (qw/ unary pseudo /) {
        my %seen;

        for my $n (0 .. length($reply) - 1) {
            $g->script(undef, [[raw => substr $reply, 0, $n], [close =>]]);

            my $expected = $n < index($reply, "\r\n\r\n") + 4
                ? $Argo::Faults::unreachable : $Argo::Faults::incomplete;
            my $error = post($mode, '"Hi"')->error();

            $seen{"at $n: $error"}++ if $error ne $expected;
        }

        is(join(', ', sort keys %seen), '',
            "$framing, $mode, cut everywhere");
    }
}

my @parts = ("J\xc3\xa9l", "lo \xf0\x9f\x98\x80", "\xe2\x82\xac");
my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";
my $reply = $head . join('', map { sprintf "%x\r\n%s\r\n", length $_, $_ }
    @parts) . "0\r\n\r\n";
my @wrong;

for my $n (0 .. length($reply)) {
    $g->script(undef, [[raw => substr $reply, 0, $n], [close =>]]);
    $r = post('real', '"Hi"');

    my $seen = $r->{status} == 200
        ? join ' ', shape($r) =~ s/(?:0\+ )+/0+ /r, text_of($r, 0),
            $r->{complete} ? 'whole' : 'cut'
        : $r->error();
    my $expected = expected_of_cut($n);

    push @wrong, "at $n: $seen, not $expected" if $seen ne $expected;
}

is(join('; ', @wrong), '', 'stream cut everywhere');

# a text cut at each byte, though whole

my $text = "a\xc3\xa9b\xe4\xb8\xad\xf0\x9f\x98\x80c\xef\xbf\xbd"
    . "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa\xce\xbb\"\\\n\t\x01\x7f";
@wrong = ();

for my $n (1 .. length($text) - 1) {
    $g->script(undef, [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        [chunk => substr $text, 0, $n], [drain =>],
        [chunk => substr $text, $n], [end =>],
    ]);
    $r = post('real', '"Hi"');
    push @wrong, $n if text_of($r, 0) ne $text
        || grep { $_->{broken} } $r->events();
}

is("@wrong", '', 'text cut at every byte');

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    (map { [chunk => $_], [drain =>] } split //, $text), [end =>],
]);
is(text_of(post('real', '"Hi"'), 0), $text, 'text in reads of a byte');

$g->stream("a\xff\xe2\x82");
is(text_of(post('real', '"Hi"'), 0), "a\xef\xbf\xbd\xef\xbf\xbd",
    'bytes that are not UTF-8');

$t->done_testing();

###############################################################################

sub client {
    return Argo::Client->new(port(8080));
}


sub configure {
    my ($conf) = @_;

    $t->write_file_expand('nginx.conf', $conf);
    $t->reload();

    # the old one may take a connection as long as it is there
    $t->waitfor(sub { my @workers = $t->workers(); @workers == 1 })
        or die 'the worker has not gone';
}


sub members {
    my ($members) = @_;

    return "{\"model\":\"gpt-4o\",$members}";
}


sub body {
    my ($mode, $prompt, $more, $model) = @_;

    $model = 'argo:gpt-4o' unless defined $model;
    $more = defined $more && length $more ? ",$more" : '';
    $more .= ',"stream":true' if $mode ne 'unary';

    return "{\"model\":\"$model\",\"prompt\":$prompt$more}";
}


sub post {
    my ($mode, $prompt, $more, %opt) = @_;

    my $where = defined $opt{where} ? $opt{where} : '';

    # the gateway's record is of this request alone
    $g->clear();

    return client()->post("/$modes{$mode}$where",
        body($mode, $prompt, $more, $opt{model}));
}


sub usage_of {
    my ($mode, $r) = @_;

    return $mode eq 'unary' ? $r->json()->{usage}
        : ($r->events())[-2]{json}{usage};
}


sub text_script {
    my ($mode, $text) = @_;

    if ($mode eq 'real') {
        utf8::encode($text);

        return [
            [header => 'Content-Type', 'text/plain; charset=utf-8'],
            (length $text ? [chunk => $text] : ()), [end =>],
        ];
    }

    return [
        [header => 'Content-Type', 'application/json'],
        [body => json({ response => $text })],
    ];
}


sub say_text {
    my ($mode, $text) = @_;

    $g->script(undef, text_script($mode, $text));
}


sub say_each {
    my ($mode, @texts) = @_;

    $g->script(undef, map { text_script($mode, $_) } @texts);
}


# The events of a stream in short: "0+" for text of choice 0, "0:stop" for its
# end.

sub shape {
    my ($r) = @_;

    return "status $r->{status}" if $r->{status} != 200;

    return join ' ', map {
        my $e = $_;
        my $choice = $e->{json} && $e->{json}{choices}
            && $e->{json}{choices}[0];

        defined $e->{broken} ? 'broken'
        : !defined $e->{data} ? 'no data'
        : $e->{data} eq '[DONE]' ? 'done'
        : $e->{json}{error} ? 'error'
        : !$choice ? 'usage'
        : defined $choice->{finish_reason}
            ? "$choice->{index}:$choice->{finish_reason}"
            . (length $choice->{text} ? ' with text' : '')
        : "$choice->{index}+";
    } $r->events();
}


# The text of a choice in UTF-8.

sub text_of {
    my ($r, $index) = @_;

    return "status $r->{status}" if $r->{status} != 200;

    my $text = '';
    my @bodies = $r->header('content-type') =~ /^text/
        ? map { $_->{json} || () } $r->events() : $r->json();

    for my $choice (map { @{$_->{choices} || []} } @bodies) {
        $text .= $choice->{text} if $choice->{index} == $index;
    }

    utf8::encode($text);

    return $text;
}


sub error_is {
    my ($r, $expected, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return ref $expected ? like($r->error(), $expected, $name)
        : is($r->error(), $expected, $name);
}


# The error at the end of a stream: type and members are always the same, what
# went wrong is told by the code.

sub in_band_is {
    my ($r, $f, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $last = ($r->events())[-1]{json};
    my $e = $last->{error};

    return is(join(' ', keys %$last), 'error', $name)
        unless join(' ', keys %$last) eq 'error' && ref $e eq 'HASH';

    return is(join(' ', sort keys %$e), 'code message param type', $name)
        unless join(' ', sort keys %$e) eq 'code message param type'
            && length $e->{message};

    return is($e->{type}, 'server_error', $name)
        unless $e->{type} eq 'server_error';

    my $code = defined $e->{code} ? $e->{code} : 'null';

    return $f->{code} ? like($code, $f->{code}, $name)
        : is($code, (split / /, $f->{error})[3], $name);
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

    return "0+ 0:stop done $text whole" if $n == length $reply;

    # of a character cut in the middle nothing is sent

    1 while !utf8::decode(my $copy = $text) && chop $text;

    return length $text ? "0+ error $text whole"
        : $Argo::Faults::incomplete;
}

###############################################################################
