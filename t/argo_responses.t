#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for responses: unary, streamed from ARGO's raw text stream, and
# streamed from unary calls.  What the events of a stream add up to is found
# by a reader that knows only the rules of the API, and must be the unary
# body.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;
use Argo::Faults;

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
    argo_zone           argo 1m;
    argo_models_refresh 0;
    proxy_http_version  1.1;
    proxy_set_header    Connection "";

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location = /real {
            argo_endpoint  responses;
        }

        location = /pseudo {
            argo_endpoint  responses;
            argo_stream    pseudo;
        }

        location = /realslow {
            argo_endpoint  responses;
            argo_upstream  /slow/;
            argo_upstream_api legacy;
        }

        location = /pseudoslow {
            argo_endpoint  responses;
            argo_stream    pseudo;
            argo_upstream  /slow/;
            argo_upstream_api legacy;
        }

        location = /realpatient {
            argo_endpoint  responses;
            argo_upstream  /patient/;
            argo_upstream_api legacy;
        }

        location = /realrefused {
            argo_endpoint  responses;
            argo_upstream  /refused/;
            argo_upstream_api legacy;
        }

        location = /pseudorefused {
            argo_endpoint  responses;
            argo_stream    pseudo;
            argo_upstream  /refused/;
            argo_upstream_api legacy;
        }

        location = /heartbeat {
            argo_endpoint   responses;
            argo_heartbeat  50ms;
        }

        location = /default {
            argo_endpoint       responses;
            argo_default_model  argo:gpt-4o;
        }

        location /v1/ {
            argo_endpoint  auto;
        }

        location /argo/ {
            internal;
            client_max_body_size  0;
            proxy_pass            http://127.0.0.1:8081/;
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

my $g = Argo::Gateway->new($t, 8081);

$t->run();

# how the client asks, and by which location

my %modes = (unary => 'real', real => 'real', pseudo => 'pseudo');
my @modes = qw/ unary real pseudo /;

my $png = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAw'
    . 'CAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=';

my $weather = '{"type":"function","name":"get_weather","description":"The '
    . 'weather of a place","parameters":{"type":"object","properties":'
    . '{"location":{"type":"string"}},"required":["location"]},'
    . '"strict":true}';
my $clock = '{"type":"function","name":"clock","parameters":{"type":"object",'
    . '"properties":{}}}';

###############################################################################

# a unary reply

$g->answer("Hello \"J\x{fc}rgen\"\n");

my $r = post('unary', '"input":"Say hello"');
my $j = $r->json();

is($r->{status}, 200, 'unary, status');
like($r->header('content-type'), qr{^application/json\b}, 'unary, type');
is($r->header('content-length'), length $r->{body}, 'unary, length');
like($r->header('x-request-id'), qr/^[0-9a-f]{32}$/, 'unary, request id');
is($r->header('openai-version'), '2020-10-01', 'unary, version');

is(join(' ', grep { !exists $j->{$_} } qw/ id object created_at status error
    incomplete_details instructions metadata model output
    parallel_tool_calls temperature tool_choice tools top_p
    max_output_tokens previous_response_id reasoning store text truncation
    user usage /), '', 'unary, members that must be there');
like($j->{id}, qr/^resp_[A-Za-z0-9]+$/, 'unary, id');
is($j->{object}, 'response', 'unary, object');
like($r->{body}, qr/"created_at":\d+[,}]/, 'unary, created');
cmp_ok(abs($j->{created_at} - time()), '<', 3600, 'unary, created now');
is($j->{status}, 'completed', 'unary, status');
is($j->{model}, 'argo:gpt-4o', 'unary, model as asked for');
is_deeply([ @$j{qw/ error incomplete_details instructions
    previous_response_id user max_output_tokens /} ], [ (undef) x 6 ],
    'unary, members that are null');
is_deeply($j->{metadata}, {}, 'unary, metadata');
is_deeply($j->{tools}, [], 'unary, tools');
is($j->{tool_choice}, 'auto', 'unary, choice of tools');
ok($j->{parallel_tool_calls}, 'unary, parallel calls');
is_deeply($j->{text}, { format => { type => 'text' } }, 'unary, text');
is_deeply($j->{reasoning}, { effort => undef, summary => undef },
    'unary, reasoning');
is($j->{truncation}, 'disabled', 'unary, truncation');
like($r->{body}, qr/"store":false[,}]/, 'unary, not stored');
is(scalar @{$j->{output}}, 1, 'unary, items');

my $item = $j->{output}[0];

is(join(' ', sort keys %$item), 'content id role status type',
    'unary, members of the item');
like($item->{id}, qr/^msg_\w+$/, 'unary, id of the item');
is("@$item{qw/ type role status /}", 'message assistant completed',
    'unary, item');
is_deeply($item->{content}, [ { type => 'output_text',
    text => "Hello \"J\x{fc}rgen\"\n", annotations => [], logprobs => [] } ],
    'unary, content');

my $u = $j->{usage};

is(join(' ', sort keys %$u), 'input_tokens input_tokens_details '
    . 'output_tokens output_tokens_details total_tokens', 'unary, usage');
is_deeply($u->{input_tokens_details}, { cached_tokens => 0,
    cache_write_tokens => 0 }, 'unary, details of the input');
is_deeply($u->{output_tokens_details}, { reasoning_tokens => 0 },
    'unary, details of the output');
cmp_ok($u->{input_tokens}, '>', 0, 'unary, input tokens');
cmp_ok($u->{output_tokens}, '>', 0, 'unary, output tokens');
is($u->{total_tokens}, $u->{input_tokens} + $u->{output_tokens},
    'unary, total of tokens');

# a stream, event by event

for my $mode (qw/ real pseudo /) {
    $mode eq 'real' ? $g->stream("Hel", 'lo') : $g->answer('Hello');
    $r = post($mode, '"input":"Say hello"');

    is($r->{status}, 200, "$mode, status");
    is($r->header('content-type'), 'text/event-stream; charset=utf-8',
        "$mode, type");
    is($r->header('cache-control'), 'no-cache', "$mode, cache control");
    is($r->header('x-accel-buffering'), 'no', "$mode, buffering");
    is($r->header('content-length'), undef, "$mode, no length");
    is($r->{complete}, 1, "$mode, regular end");

    my $deltas = $mode eq 'real' ? qr/(?:response\.output_text\.delta )+/
        : qr/response\.output_text\.delta /;
    like(join(' ', map { $_->{json}{type} } $r->events()),
        qr/^response\.created\ response\.in_progress
            \ response\.output_item\.added\ response\.content_part\.added
            \ $deltas
            response\.output_text\.done\ response\.content_part\.done
            \ response\.output_item\.done\ response\.completed$/x,
        "$mode, order of events");

    my $sequence = 0;

    for my $e ($r->events()) {
        is($e->{broken}, undef, "$mode, event $sequence");
        is($e->{event}, $e->{json}{type}, "$mode, name of $sequence");
        like($e->{data}, qr/"sequence_number":$sequence[,}]/,
            "$mode, number of $sequence");
        $sequence++;
    }

    my @events = map { $_->{json} } $r->events();
    my $created = $events[0]{response};

    is_deeply($events[1]{response}, $created, "$mode, created twice alike");
    is($created->{status}, 'in_progress', "$mode, status at first");
    is_deeply($created->{output}, [], "$mode, no output at first");
    is($created->{usage}, undef, "$mode, no usage at first");
    is(join(' ', sort keys %$created), join(' ', sort keys %$j),
        "$mode, the same members as of a unary reply");
    is_deeply($events[2]{item}, { id => $events[2]{item}{id},
        type => 'message', role => 'assistant', status => 'in_progress',
        content => [] }, "$mode, item at first");
    is_deeply($events[3], { type => 'response.content_part.added',
        sequence_number => 3, item_id => $events[2]{item}{id},
        output_index => 0, content_index => 0, part => {
            type => 'output_text', text => '', annotations => [],
            logprobs => [] } }, "$mode, part at first");

    my ($delta) = grep { $_->{type} =~ /delta$/ } @events;

    is(join(' ', sort keys %$delta), 'content_index delta item_id logprobs '
        . 'output_index sequence_number type', "$mode, members of a delta");

    my ($done) = grep { $_->{type} eq 'response.output_text.done' } @events;

    is(join(' ', sort keys %$done), 'content_index item_id logprobs '
        . 'output_index sequence_number text type',
        "$mode, members of the end of a text");
    is($events[-1]{response}{id}, $created->{id}, "$mode, id");
    unlike($r->{body}, qr/\[DONE\]/, "$mode, no mark of its end");
}

# what the events add up to is what a unary reply says: text, calls, both,
# several, none; for models of each vendor

my $call = { id => 'call_a"b', type => 'function', function => {
    name => 'get_weather', arguments => '{"location":"Z\u00fcrich"}' } };
my $claude = { id => 'toolu_vrtx_1', type => 'tool_use',
    name => 'get_weather', input => { location => "Z\x{fc}rich" } };
my $gemini = { id => undef, name => 'get_weather',
    args => { location => "Z\x{fc}rich" } };

for (
    [ 'text', 'gpt-4o', '', 'Hello', [ 'text Hello' ] ],
    [ 'empty text', 'gpt-4o', '', '', [ 'text ' ] ],
    [ 'text of Claude', 'claude-sonnet-4-6', '', 'Hello', [ 'text Hello' ] ],
    [ 'text with tools', 'gpt-4o', $weather,
        { content => 'Hello', tool_calls => [] }, [ 'text Hello' ] ],
    [ 'call', 'gpt-4o', $weather,
        { content => undef, tool_calls => [ $call ] },
        [ 'get_weather call_a"b' ] ],
    [ 'text and calls', 'gpt-4o', "$weather,$clock",
        { content => 'Let me see.', tool_calls => [ $call, { id => 'call_2',
            type => 'function', function => { name => 'clock',
            arguments => '{}' } } ] },
        [ 'text Let me see.', 'get_weather call_a"b', 'clock call_2' ] ],
    [ 'call of Claude', 'claude-sonnet-4-6', $weather,
        { content => '', tool_calls => [ $claude ] },
        [ 'get_weather toolu_vrtx_1' ] ],
    [ 'text and call of Claude', 'claude-sonnet-4-6', $weather,
        { content => 'Let me see.', tool_calls => [ $claude ] },
        [ 'text Let me see.', 'get_weather toolu_vrtx_1' ] ],
    [ 'leaked call of Claude', 'claude-sonnet-4-6', $weather,
        'Let me see.' . "{'id': 'toolu_vrtx_2', 'input': {'location': "
        . "'Z\x{fc}rich'}, 'name': 'get_weather', 'type': 'tool_use', "
        . "'cache_control': None}",
        [ 'text Let me see.', 'get_weather toolu_vrtx_2' ] ],
    [ 'call of Gemini', 'gemini-2.5-pro', $weather,
        { content => undef, tool_calls => [ $gemini ] },
        [ 'get_weather *' ] ],
    [ 'calls of Gemini', 'gemini-2.5-pro', "$weather,$clock",
        { content => undef, tool_calls => [ $gemini, { id => undef,
            name => 'clock', args => {} } ] },
        [ 'get_weather *', 'clock *' ] ],
) {
    my ($name, $model, $tools, $reply, $expected) = @$_;

    my $members = '"input":"Hi"' . (length $tools ? ",\"tools\":[$tools]"
        : '');

    $g->answer($reply);
    $r = post('unary', $members, model => $model);
    $j = $r->json();

    is($r->{status}, 200, "$name, status") or diag($r->{body});
    is(items($j), join(', ', @$expected), "$name, items")
        if !grep { /\*/ } @$expected;
    is(items($j) =~ s/ call_\w+/ */gr, join(', ', @$expected),
        "$name, items with ids made") if grep { /\*/ } @$expected;

    for my $c (grep { $_->{type} eq 'function_call' } @{$j->{output}}) {
        is(join(' ', sort keys %$c), 'arguments call_id id name status type',
            "$name, members of a call");
        like($c->{id}, qr/^fc_\w+$/, "$name, id of the item");
        like($c->{call_id}, qr/^\S+$/, "$name, id of the call");
        is($c->{status}, 'completed', "$name, status of the call");
        is_deeply(JSON::PP->new->decode($c->{arguments}),
            $c->{name} eq 'clock' ? {} : { location => "Z\x{fc}rich" },
            "$name, arguments");
    }

    my %ids = map { $_->{id} => 1 } @{$j->{output}};
    is(scalar keys %ids, scalar @{$j->{output}}, "$name, ids differ");

    for my $mode (qw/ pseudo real /) {
        if ($mode eq 'real') {
            # a request with tools is no stream to ARGO
            next if ref $reply || length $tools;
            utf8::encode(my $bytes = $reply);
            $g->stream(length $bytes ? split //, $bytes : ());
        } else {
            $g->answer($reply);
        }

        my $s = post($mode, $members, model => $model);
        my ($folded, $wrong) = fold($s);

        is($wrong, undef, "$name, $mode, events") or diag($s->{body});
        is_deeply(same($folded), same($j), "$name, $mode, adds up");
        is($g->request()->{uri}, '/api/v1/resource/'
            . ($mode eq 'real' ? 'stream' : '') . 'chat/',
            "$name, $mode, uri");
    }
}

# a request with tools is no stream to ARGO, whatever the location says

$g->answer({ content => undef, tool_calls => [ $call ] });
$r = post('real', "\"input\":\"Hi\",\"tools\":[$weather]");
is((fold($r))[1], undef, 'stream with tools, events');
is($g->request()->{uri}, '/api/v1/resource/chat/', 'stream with tools, uri');

my @events = map { $_->{json} } $r->events();

is(join(' ', map { $_->{type} =~ s/^response\.//r } @events),
    'created in_progress output_item.added function_call_arguments.delta '
    . 'function_call_arguments.done output_item.done completed',
    'events of a call');
is($events[2]{item}{arguments}, '', 'call at first');
is($events[2]{item}{name}, 'get_weather', 'name of the call at first');
is($events[2]{item}{call_id}, 'call_a"b', 'id of the call at first');
is(join(' ', sort keys %{$events[4]}), 'arguments item_id name output_index '
    . 'sequence_number type', 'members of the end of arguments');

# what of the request is told again

$g->answer('Hello');

my $told = '"input":"Hi","instructions":"Be \u00e9 \"kind\"","metadata":'
    . '{"a" : "b"},"temperature":0.70,"top_p":1e0,"max_output_tokens":2000,'
    . '"max_tool_calls":3,"parallel_tool_calls":false,"tool_choice":'
    . '"required","truncation":"auto","store":true,"user":"mallory",'
    . '"reasoning":{"effort":"low","summary":"auto"},"text":{"verbosity":'
    . '"high","format":{"type":"json_object"}},"prompt_cache_key":"k",'
    . "\"tools\":[$weather,$clock]";

for my $mode (qw/ unary pseudo /) {
    $r = post($mode, $told, model => 'gpt-5');
    $j = $mode eq 'unary' ? $r->json() : (fold($r))[0];

    is($j->{instructions}, "Be \x{e9} \"kind\"", "told again, $mode");
    is_deeply($j->{metadata}, { a => 'b' }, "metadata, $mode");
    like($r->{body}, qr/"temperature":0\.70,/, "temperature, $mode");
    like($r->{body}, qr/"top_p":1e0,/, "top_p, $mode");
    is($j->{max_output_tokens}, 2000, "limit, $mode");
    ok(!$j->{parallel_tool_calls}, "parallel calls, $mode");
    is($j->{tool_choice}, 'required', "choice, $mode");
    is($j->{truncation}, 'auto', "truncation, $mode");
    ok(!$j->{store}, "not stored, $mode");
    is($j->{user}, undef, "user, $mode");
    is_deeply($j->{reasoning}, { effort => 'low', summary => 'auto' },
        "reasoning, $mode");
    is_deeply($j->{text}, { verbosity => 'high',
        format => { type => 'json_object' } }, "text, $mode");
    is(join(' ', map { "$_->{type} $_->{name}" } @{$j->{tools}}),
        'function get_weather function clock', "tools, $mode");
    is(join(' ', sort keys %{$j->{tools}[1]}),
        'description name parameters strict type', "members, $mode");
    unlike($r->{body}, qr/mallory/, "user not told, $mode");
}

# what ARGO gets: members, and the items of the input as messages

for (
    [ 'string', '"input":"Hi \u00e9 \ud83d\ude00 \/"', 'gpt-4o', {
        messages => [ { role => 'user', content => "Hi \x{e9} \x{1f600} /" }
    ] } ],
    [ 'instructions', '"input":"Hi","instructions":"Be kind"', 'gpt-4o', {
        messages => [ { role => 'system', content => 'Be kind' },
            { role => 'user', content => 'Hi' } ] } ],
    [ 'roles', '"input":[{"role":"developer","content":"Be kind"},'
        . '{"role":"system","content":"Be short"},{"role":"user","content":'
        . '"Hi"},{"type":"message","role":"assistant","content":[{"type":'
        . '"output_text","text":"Yes?","annotations":[]}],"id":"msg_1",'
        . '"status":"completed"},{"role":"user","content":[{"type":'
        . '"input_text","text":"Bye"}]}]', 'gpt-4o', {
        messages => [ { role => 'system', content => 'Be kind' },
            { role => 'system', content => 'Be short' },
            { role => 'user', content => 'Hi' },
            { role => 'assistant', content => 'Yes?' },
            { role => 'user', content => 'Bye' } ] } ],
    [ 'image', '"input":[{"role":"user","content":[{"type":"input_text",'
        . '"text":"What?"},{"type":"input_image","image_url":"' . $png
        . '","detail":"low"}]}]', 'gpt-4o', {
        messages => [ { role => 'user', content => [
            { type => 'text', text => 'What?' },
            { type => 'image_url', image_url => { url => $png,
                detail => 'low' } } ] } ] } ],
    [ 'limit', '"input":"Hi","max_output_tokens":17', 'gpt-4o', {
        messages => [ { role => 'user', content => 'Hi' } ],
        max_tokens => 17 } ],
    [ 'limit of a model that reasons', '"input":"Hi","max_output_tokens":17,'
        . '"reasoning":{"effort":"low"}', 'gpto3', {
        messages => [ { role => 'user', content => 'Hi' } ],
        max_completion_tokens => 17, reasoning_effort => 'low' } ],
    [ 'format', '"input":"Hi","text":{"format":{"type":"json_schema","name":'
        . '"n","schema":{"type":"object"},"strict":true}}', 'gpt-4o', {
        messages => [ { role => 'user', content => 'Hi' } ],
        response_format => { type => 'json_schema', json_schema => {
            name => 'n', schema => { type => 'object' },
            strict => JSON::PP::true } } } ],
    [ 'results of tools', '"input":[{"role":"user","content":"Hi"},'
        . '{"type":"function_call","call_id":"c1","name":"get_weather",'
        . '"arguments":"{\"location\":\"here\"}","id":"fc_1"},'
        . '{"type":"function_call_output","call_id":"c1","output":"sunny"}],'
        . "\"tools\":[$weather],\"tool_choice\":\"auto\","
        . '"parallel_tool_calls":true', 'gpt-4o', {
        messages => [ { role => 'user', content => 'Hi' },
            { role => 'assistant', content => '', tool_calls => [
                { id => 'c1', type => 'function', function => {
                    name => 'get_weather',
                    arguments => '{"location":"here"}' } } ] },
            { role => 'tool', tool_call_id => 'c1', content => 'sunny' } ],
        tools => [ { type => 'function', function => {
            name => 'get_weather', description => 'The weather of a place',
            parameters => { type => 'object', properties => {
                location => { type => 'string' } },
                required => [ 'location' ] },
            strict => JSON::PP::true } } ],
        tool_choice => 'auto', parallel_tool_calls => JSON::PP::true } ],
) {
    my ($name, $members, $model, $expected) = @$_;

    $g->answer('Hello');
    $r = post('unary', $members, model => $model);
    is($r->{status}, 200, "$name, status") or diag($r->{body});

    my $seen = $g->request_json();
    is(delete $seen->{user}, 'jdoe', "$name, user");
    like(delete $seen->{model}, $model eq 'gpt-4o' ? qr/^gpt4o$/
        : qr/^gpto3$/, "$name, model");
    is_deeply($seen, $expected, "$name, what ARGO gets")
        or diag($g->request()->{body});
}

# numbers are not touched, nor is what is unknown

post('unary', '"input":"Hi","temperature":1e400,"max_output_tokens":'
    . '12345678901234567890,"seed":12345678901234567890,'
    . '"x-unknown":{"a":1.50,"b":"\ud800"}');
my $body = $g->request()->{body};

like($body, qr/"temperature":1e400[,}]/, 'large number as it came');
like($body, qr/"seed":12345678901234567890[,}]/, 'large integer as it came');
like($body, qr/"max_tokens":16384[,}]/, 'limit as the model has it');
like($body, qr/"x-unknown":\{"a":1\.50,"b":"\\ud800"\}/,
    'unknown member as it came');
unlike($body, qr/"(?:input|stream|store|max_output_tokens|instructions)":/,
    'members that a chat does not have');

# tools in the form of each vendor

for (
    [ 'claude-sonnet-4-6', 'name', '"auto"', sub {
        my ($seen) = @_;
        my ($tool) = @{$seen->{tools}};
        is($tool->{name}, 'get_weather', 'tool of Claude');
        is($tool->{input_schema}{required}[0], 'location',
            'schema of Claude');
        is($seen->{tool_choice}{type}, 'auto', 'choice of Claude');
    } ],
    [ 'claude-sonnet-4-6', 'named', '{"type":"function","name":'
        . '"get_weather"}', sub {
        my ($seen) = @_;
        is($seen->{tool_choice}{type}, 'tool', 'named choice of Claude');
        is($seen->{tool_choice}{name}, 'get_weather', 'its name');
    } ],
    [ 'gemini-2.5-pro', 'name', '"required"', sub {
        my ($seen) = @_;
        my ($tool) = @{$seen->{tools}};
        is($tool->{name}, 'get_weather', 'tool of Gemini');
        is($tool->{parameters}{required}[0], 'location',
            'schema of Gemini');
        is($seen->{tool_choice}, 'ANY', 'choice of Gemini');
    } ],
) {
    my ($model, $name, $choice, $check) = @$_;

    $g->answer('Hello');
    $r = post('unary', "\"input\":\"Hi\",\"tools\":[$weather],"
        . "\"tool_choice\":$choice", model => $model);
    is($r->{status}, 200, "$name, $model") or diag($r->{body});
    $check->($g->request_json());
}

# a turn that follows calls, for each vendor

my $history = '"input":[{"role":"user","content":"Hi"},'
    . '{"type":"function_call","call_id":"c1","name":"get_weather",'
    . '"arguments":"{\"location\":\"here\"}"},'
    . '{"type":"function_call","call_id":"c2","name":"clock",'
    . '"arguments":"{}"},'
    . '{"type":"function_call_output","call_id":"c1","output":"sunny"},'
    . '{"type":"function_call_output","call_id":"c2","output":"noon"}]';

$g->answer('Hello');

for my $tools ('', ",\"tools\":[$weather,$clock]") {
    my $with = length $tools ? 'with tools' : 'without tools';

    post('unary', $history . $tools, model => 'claude-sonnet-4-6');
    my @m = @{$g->request_json()->{messages}};
    my ($uses) = grep { $_->{role} eq 'assistant' } @m;
    my @uses = grep { $_->{type} eq 'tool_use' } @{$uses->{content}};
    my @results = grep { ref $_ && $_->{type} eq 'tool_result' }
        map { ref $_->{content} ? @{$_->{content}} : () } @m;

    is(join(' ', map { "$_->{id} $_->{name}" } @uses),
        'c1 get_weather c2 clock', "calls for Claude, $with");
    is_deeply($uses[0]{input}, { location => 'here' },
        "input for Claude, $with");
    is(join(' ', map { $_->{tool_use_id} } @results), 'c1 c2',
        "results for Claude, $with");

    post('unary', $history . $tools, model => 'gemini-2.5-pro');
    @m = @{$g->request_json()->{messages}};

    is(join(' ', map { $_->{role} } @m),
        'user assistant tool assistant tool', "pairs for Gemini, $with");
    is_deeply($m[1]{tool_calls}[0]{args}, { location => 'here' },
        "args for Gemini, $with");
    is(scalar @{$m[1]{tool_calls}}, 1, "one call each, $with");
}

# what is wrong with a request

my $bad = '400 invalid_request_error';

for (
    [ 'no body', '', "$bad null invalid_json" ],
    [ 'no JSON', '{"model":', "$bad null invalid_json" ],
    [ 'no object', '"x"', "$bad null invalid_type" ],
    [ 'no model', '{"input":"Hi"}', "$bad model missing_required_parameter" ],
    [ 'no input', '{"model":"gpt-4o"}',
        "$bad input missing_required_parameter" ],
    [ 'unknown model', '{"model":"no-such-model","input":"Hi"}',
        '404 invalid_request_error model model_not_found' ],
    [ 'model for embeddings', '{"model":"v3small","input":"Hi"}',
        "$bad model unsupported_model" ],
    [ 'model', '{"model":1,"input":"Hi"}', "$bad model invalid_type" ],
    [ 'input', 'input:1', "$bad input invalid_type" ],
    [ 'no items', 'input:[]', "$bad input empty_array" ],
    [ 'item', 'input:["Hi"]', "$bad input[0] invalid_type" ],
    [ 'item without anything', 'input:[{}]',
        "$bad input[0].type missing_required_parameter" ],
    [ 'role', 'input:[{"role":"robot","content":"x"}]',
        "$bad input[0].role invalid_value" ],
    [ 'role number', 'input:[{"role":1,"content":"x"}]',
        "$bad input[0].role invalid_type" ],
    [ 'no content', 'input:[{"role":"user"}]',
        "$bad input[0].content missing_required_parameter" ],
    [ 'content number', 'input:[{"role":"user","content":1}]',
        "$bad input[0].content invalid_type" ],
    [ 'no parts', 'input:[{"role":"user","content":[]}]',
        "$bad input[0].content empty_array" ],
    [ 'kind of part', 'input:[{"role":"user","content":[{"type":'
        . '"input_video","video_url":"x"}]}]',
        "$bad input[0].content[0].type unsupported_value" ],
    [ 'data of a file', 'input:[{"role":"user","content":[{"type":'
        . '"input_file","file_data":"x"}]}]',
        "$bad input[0].content[0].file_data invalid_value" ],
    [ 'file that is kept', 'input:[{"role":"user","content":[{"type":'
        . '"input_file","file_id":"f"}]}]',
        "$bad input[0].content[0] unsupported_value" ],
    [ 'file over this API', 'input:[{"role":"user","content":[{"type":'
        . '"input_text","text":"x"},{"type":"input_file","file_data":'
        . '"data:application/pdf;base64,JVBERi0="}]}]',
        "$bad input[0].content[1] unsupported_value" ],
    [ 'text of a part', 'input:[{"role":"user","content":[{"type":'
        . '"input_text","text":1}]}]',
        "$bad input[0].content[0].text invalid_type" ],
    [ 'file of an image', 'input:[{"role":"user","content":[{"type":'
        . '"input_image","file_id":"f"}]}]',
        "$bad input[0].content[0].file_id unsupported_value" ],
    [ 'reference', 'input:[{"role":"user","content":"x"},{"type":'
        . '"item_reference","id":"msg_1"}]',
        "$bad input[1].type unsupported_value" ],
    [ 'reference without type', 'input:[{"id":"msg_1"}]',
        "$bad input[0] unsupported_value" ],
    [ 'kind of item', 'input:[{"type":"computer_call"}]',
        "$bad input[0].type unsupported_value" ],
    [ 'call without name', 'input:[{"type":"function_call","call_id":"c",'
        . '"arguments":"{}"}]',
        "$bad input[0].name missing_required_parameter" ],
    [ 'output without id', 'input:[{"type":"function_call_output",'
        . '"output":"x"}]', "$bad input[0].call_id missing_required_parameter"
    ],
    [ 'output without output', 'input:[{"role":"user","content":"x"},'
        . '{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}'
        . ',{"type":"function_call_output","call_id":"c"}]',
        "$bad input[2].output missing_required_parameter" ],
    [ 'instructions', 'instructions:1', "$bad instructions invalid_type" ],
    [ 'earlier response', 'previous_response_id:"resp_1"',
        "$bad previous_response_id unsupported_parameter" ],
    [ 'conversation', 'conversation:"conv_1"',
        "$bad conversation unsupported_parameter" ],
    [ 'background', 'background:true',
        "$bad background unsupported_parameter" ],
    [ 'background string', 'background:"x"', "$bad background invalid_type" ],
    [ 'prompt', 'prompt:{"id":"p"}', "$bad prompt unsupported_parameter" ],
    [ 'messages', 'messages:[]', "$bad messages unsupported_parameter" ],
    [ 'n', 'n:1', "$bad n unsupported_parameter" ],
    [ 'max_tokens', 'max_tokens:5', "$bad max_tokens unsupported_parameter" ],
    [ 'response_format', 'response_format:{"type":"text"}',
        "$bad response_format unsupported_parameter" ],
    [ 'stream', 'stream:"yes"', "$bad stream invalid_type" ],
    [ 'limit', 'max_output_tokens:"x"',
        "$bad max_output_tokens invalid_type" ],
    [ 'metadata', 'metadata:[]', "$bad metadata invalid_type" ],
    [ 'text', 'text:"x"', "$bad text invalid_type" ],
    [ 'format', 'text:{"format":{"type":"xml"}}',
        "$bad text.format.type invalid_value" ],
    [ 'format without type', 'text:{"format":{}}',
        "$bad text.format.type missing_required_parameter" ],
    [ 'format without name', 'text:{"format":{"type":"json_schema",'
        . '"schema":{}}}', "$bad text.format.name missing_required_parameter"
    ],
    [ 'format without schema', 'text:{"format":{"type":"json_schema",'
        . '"name":"n"}}',
        "$bad text.format.schema missing_required_parameter" ],
    [ 'effort', 'reasoning:{"effort":1}',
        "$bad reasoning.effort invalid_type" ],
    [ 'reasoning', 'reasoning:"low"', "$bad reasoning invalid_type" ],
    [ 'tools', 'tools:{}', "$bad tools invalid_type" ],
    [ 'tool', 'tools:[1]', "$bad tools[0] invalid_type" ],
    [ 'kind of tool', 'tools:[{"type":"computer"}]',
        "$bad tools[0].type unsupported_value" ],
    [ 'tool without name', "tools:[$clock,{\"type\":\"function\"}]",
        "$bad tools[1].name missing_required_parameter" ],
    [ 'tool without a real name', 'tools:[{"type":"function","name":""}]',
        "$bad tools[0].name invalid_value" ],
    [ 'parameters', 'tools:[{"type":"function","name":"f","parameters":1}]',
        "$bad tools[0].parameters invalid_type" ],
    [ 'choice', 'tool_choice:"sometimes"', "$bad tool_choice invalid_value" ],
    [ 'kind of choice', 'tool_choice:{"type":"file_search"}',
        "$bad tool_choice.type unsupported_value" ],
    [ 'choice of none there is', 'tool_choice:{"type":"function","name":'
        . '"f"}', "$bad tool_choice invalid_value" ],
) {
    my ($name, $body, $expected) = @$_;

    if ($body =~ /^(\w+):(.*)$/s) {
        $body = "{\"model\":\"gpt-4o\",\"$1\":$2"
            . ($1 eq 'input' ? '' : ',"input":"Hi"') . '}';
    }

    $g->clear();
    is(client()->post('/real', $body)->error(), $expected, $name);
    is(scalar $g->requests(), 0, "$name, not sent on");

    next unless $body =~ /^\{.*\}$/s;

    $body =~ s/\{/{"stream":true,/ if $body !~ /"stream":/;
    is(client()->post('/real', $body)->error(), $expected,
        "$name, of a stream");
}

$g->answer('Hello');
is(client()->post('/default', '{"input":"Hi"}')->{status}, 200,
    'default model');
is(post('unary', '"input":"Hi","previous_response_id":null,"conversation":'
    . 'null,"background":false,"prompt":null,"tools":null,"tool_choice":null,'
    . '"store":null,"stream":null,"include":null,"text":null,'
    . '"reasoning":null,"metadata":null,"instructions":null')->{status}, 200,
    'null is as nothing');

# routes that need a memory

for my $path ('/responses/resp_1', '/responses/resp_1/cancel',
    '/responses/resp_1/input_items', '/responses/compact')
{
    for my $method (qw/ GET DELETE POST /) {
        my $c = client();
        $c->request($method, "/v1$path", body => '{}');
        is($c->response()->error(),
            '404 invalid_request_error null unknown_url', "$method $path");
    }
}

my $c = client();
$r = $c->get('/v1/responses');
is($r->error(), '405 invalid_request_error null method_not_allowed', 'GET');
is($r->header('allow'), 'POST', 'GET, allow');

# what fails before there is anything of a reply

for my $mode (@modes) {
    for my $f (Argo::Faults::early($mode eq 'real')) {
        $g->script(undef, $f->{script});
        $r = post($mode, '"input":"Hi"', where => $f->{where});

        if (ref $f->{error}) {
            like($r->error(), $f->{error}, "$f->{name}, $mode");
        } else {
            is($r->error(), $f->{error}, "$f->{name}, $mode");
        }

        unlike($r->{body}, qr/canary|event:/,
            "$f->{name}, $mode, nothing of it");
    }
}

# an answer that quotes a refusal is an answer

for my $mode (@modes) {
    for my $text ("ARGO says: $Argo::Faults::denial",
        "\"$Argo::Faults::misuse\"", '**', 'I', "\x{26a0}\x{fe0f} Careful")
    {
        say_text($mode, $text);
        $r = post($mode, '"input":"Hi"');
        $j = $mode eq 'unary' ? $r->json() : (fold($r))[0];
        is(items($j), "text $text", 'answer '
            . substr($text, 0, 9) =~ s/[^ -~]/./gr . ", $mode");
    }
}

# a stream that fails when some of it has been sent

for my $f (Argo::Faults::late()) {
    my $where = $f->{where} ? 'patient' : '';

    $g->clear()->script(undef, [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        [chunk => 'Hello'], $where ? () : [wait_for => 'go'],
        @{$f->{steps}},
    ]);

    my $c = client();
    $c->post_only("/real$where", body('real', '"input":"Hi"'));
    $r = $c->head();

    while (my $e = $r->next_event()) {
        last if $e->{data} =~ /Hello/;
    }

    $g->signal('go');
    $r->finish();
    failed_ok($r, $f, $f->{name}, 'Hello' . ($f->{text} || ''));

    $g->stream('again');
    is(items((fold($c->post('/real', body('real', '"input":"Hi"'))))[0]),
        'text again', "$f->{name}, connection kept");
}

# with a heartbeat before anything else

for (
    [ 'cut', $Argo::Faults::unreachable, [close =>] ],
    [ 'denial', $Argo::Faults::denied, @{text_script('real',
        $Argo::Faults::denial)} ],
    [ 'status', '500 server_error null null', [status => 500],
        [header => 'Content-Type', 'application/json'],
        [body => '{"detail":"m"}'] ],
    [ 'limit', '429 rate_limit_error null rate_limit_exceeded',
        [status => 429], [header => 'Content-Type', 'application/json'],
        [body => '{"detail":"m"}'] ],
) {
    my ($name, $error, @steps) = @$_;

    $g->clear()->script(undef, [ [wait_for => 'go'], @steps ]);

    my $c = client();
    $c->post_only('/heartbeat', body('real', '"input":"Hi"'));
    $r = $c->head();
    is($r->next_piece(), ": heartbeat\n\n", "late $name, heartbeat");
    $g->signal('go');
    $r->finish();

    failed_ok($r, { error => $error }, "late $name");
    is(join(' ', map { $_->{json}{type} } grep { $_->{json} } $r->events()),
        'response.created response.in_progress response.failed error',
        "late $name, all events");
}

$g->clear()->script(undef, [ [wait_for => 'go'],
    @{text_script('real', 'Hello')} ]);
$c = client();
$c->post_only('/heartbeat', body('real', '"input":"Hi"'));
$r = $c->head();
$r->next_piece();
$g->signal('go');
$r->finish();
($j, my $wrong) = fold($r);
is($wrong, undef, 'heartbeat, events');
is(items($j), 'text Hello', 'heartbeat, text');

# replies cut after each of their bytes

my $json = '{"response":"H\u00e9llo"}';
my $reply = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    . "Content-Length: " . length($json) . "\r\n\r\n$json";

for my $mode (qw/ unary pseudo /) {
    my %seen;

    for my $n (0 .. length($reply) - 1) {
        $g->script(undef, [[raw => substr $reply, 0, $n], [close =>]]);

        my $expected = $n < index($reply, "\r\n\r\n") + 4
            ? $Argo::Faults::unreachable : $Argo::Faults::incomplete;
        my $error = post($mode, '"input":"Hi"')->error();

        $seen{"at $n: $error"}++ if $error ne $expected;
    }

    is(join(', ', sort keys %seen), '', "$mode, cut everywhere");
}

my @parts = ("J\xc3\xa9l", "lo \xf0\x9f\x98\x80");
my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n";
$reply = $head . join('', map { sprintf "%x\r\n%s\r\n", length $_, $_ }
    @parts) . "0\r\n\r\n";
my @wrong;

for my $n (0 .. length($reply)) {
    $g->script(undef, [[raw => substr $reply, 0, $n], [close =>]]);
    $r = post('real', '"input":"Hi"');

    my ($folded, $wrong) = $r->{status} == 200 ? fold($r) : ();
    my $status = $folded ? $folded->{status} : $r->{status};
    my $expected = $n == length $reply ? 'completed'
        : $n <= length($head) + 3 ? 502 : 'failed';

    push @wrong, "at $n: $status, not $expected" if $status ne $expected;
    push @wrong, "at $n: $wrong" if defined $wrong;
}

is(join('; ', @wrong), '', 'stream cut everywhere');

# a text cut at each byte, though whole

my $text = "a\xc3\xa9b\xe4\xb8\xad\xf0\x9f\x98\x80c\xef\xbf\xbd"
    . "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa\xce\xbb\"\\\n\t\x01\x7f";
utf8::decode(my $decoded = $text);
@wrong = ();

for my $n (1 .. length($text) - 1) {
    $g->script(undef, [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        [chunk => substr $text, 0, $n], [drain =>],
        [chunk => substr $text, $n], [end =>],
    ]);

    my ($folded, $wrong) = fold(post('real', '"input":"Hi"'));
    push @wrong, $n if defined $wrong || items($folded) ne "text $decoded";
}

is("@wrong", '', 'text cut at every byte');

# a long one

$g->script(undef, [
    [header => 'Content-Type', 'text/plain; charset=utf-8'],
    [fill => 20000, "A line of the \xe2\x82\xac text\n"], [end =>],
]);
is(items((fold(post('real', '"input":"Hi"')))[0]), 'text '
    . "A line of the \x{20ac} text\n" x 20000, 'long text');

$t->done_testing();

###############################################################################

sub client {
    return Argo::Client->new(port(8080));
}


sub body {
    my ($mode, $members, $model) = @_;

    $model = 'argo:gpt-4o' unless defined $model;
    $members .= ',"stream":true' if $mode ne 'unary';

    return "{\"model\":\"$model\",$members}";
}


sub post {
    my ($mode, $members, %opt) = @_;

    my $where = defined $opt{where} ? $opt{where} : '';

    # the gateway's record is of this request alone
    $g->clear();

    return client()->post("/$modes{$mode}$where",
        body($mode, $members, $opt{model}));
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


# The items of a response in one line.

sub items {
    my ($response) = @_;

    return 'nothing' unless ref $response eq 'HASH';

    return join ', ', map {
        $_->{type} eq 'message' ? map { "text $_->{text}" } @{$_->{content}}
            : "$_->{name} $_->{call_id}"
    } @{$response->{output}};
}


# A response without what differs from one to the next: its time, and ids that
# were made for it.

sub same {
    my ($response) = @_;

    my $copy = JSON::PP->new->decode(JSON::PP->new->encode($response));

    $copy->{id} =~ s/_.*//;
    delete $copy->{created_at};

    for my $item (@{$copy->{output}}) {
        $item->{id} =~ s/_.*//;
        $item->{call_id} =~ s/^call_\w{10,}$/made/ if exists
            $item->{call_id};
    }

    return $copy;
}


# What the events of a stream add up to, and what is wrong with them.

sub fold {
    my ($r) = @_;

    return (undef, "status $r->{status}") if $r->{status} != 200;

    my @events = grep { !defined $_->{comment} } $r->events();
    my ($response, %open, $ended);
    my $n = 0;

    for my $e (@events) {
        my $j = $e->{json};

        return ($response, "broken: $e->{broken}") if defined $e->{broken};
        return ($response, "no object: $e->{data}") unless ref $j eq 'HASH';
        return ($response, "name $e->{event} of $j->{type}")
            unless $e->{event} eq $j->{type};
        return ($response, "number $j->{sequence_number}, not $n")
            unless $j->{sequence_number} == $n;
        return ($response, "$j->{type} after the end")
            if $ended && !($ended eq 'response.failed'
                && $j->{type} eq 'error');

        my $type = $j->{type} =~ s/^response\.//r;

        return ($response, "$type at $n") if $n == 0 && $type ne 'created'
            || $n == 1 && $type ne 'in_progress'
            || $n > 1 && $type =~ /^(?:created|in_progress)$/;
        $n++;

        if ($type =~ /^(?:created|in_progress)$/) {
            $response = $j->{response};
            next;
        }

        if ($type =~ /^(?:completed|incomplete|failed)$/) {
            my $last = $j->{response};

            return ($response, "status $last->{status} of $type")
                unless $last->{status} eq $type;
            return ($response, 'item that is open')
                if %open && $type ne 'failed';
            return ($response, 'other id')
                unless $last->{id} eq $response->{id};

            my $output = $response->{output};

            $_->{status} = 'incomplete' for grep {
                ($_->{status} || '') eq 'in_progress' } @$output;

            return ($response, 'output: ' . json($last->{output})
                . ', of the events: ' . json($output))
                unless json($last->{output}) eq json($output);

            # what only the end can tell
            $response = { %$last, output => $output };
            $ended = $j->{type};
            next;
        }

        if ($type eq 'error') {
            return ($response, 'error without a failure') unless $ended;
            next;
        }

        if ($type eq 'output_item.added') {
            return ($response, "index $j->{output_index}")
                unless $j->{output_index} == @{$response->{output}};
            return ($response, 'item that begins with content')
                if length($j->{item}{arguments} || '')
                    || @{$j->{item}{content} || []}
                    || $j->{item}{status} ne 'in_progress';
            return ($response, 'item while another is open') if %open;
            push @{$response->{output}}, $j->{item};
            $open{$j->{output_index}} = 1;
            next;
        }

        my $item = $response->{output}[$j->{output_index}];

        return ($response, "$type of item $j->{output_index}")
            unless $item && $open{$j->{output_index}};

        if ($type eq 'output_item.done') {
            $item->{status} = 'completed';
            return ($response, 'item: ' . json($j->{item}) . ', of the '
                . 'events: ' . json($item))
                unless json($j->{item}) eq json($item);
            delete $open{$j->{output_index}};
            next;
        }

        return ($response, "$type of item $j->{item_id}")
            unless $j->{item_id} eq $item->{id};

        if ($type eq 'function_call_arguments.delta') {
            $item->{arguments} .= $j->{delta};

        } elsif ($type eq 'function_call_arguments.done') {
            return ($response, "arguments $j->{arguments}")
                unless $j->{arguments} eq $item->{arguments}
                    && $j->{name} eq $item->{name};

        } elsif ($type eq 'content_part.added') {
            return ($response, "part $j->{content_index}")
                unless $j->{content_index} == @{$item->{content}};
            push @{$item->{content}}, $j->{part};

        } else {
            my $part = $item->{content}[$j->{content_index}];

            return ($response, "$type of part $j->{content_index}")
                unless $part;

            if ($type eq 'output_text.delta') {
                return ($response, 'empty delta')
                    unless length $j->{delta};
                $part->{text} .= $j->{delta};

            } elsif ($type eq 'output_text.done') {
                return ($response, "text $j->{text}")
                    unless $j->{text} eq $part->{text};

            } elsif ($type eq 'content_part.done') {
                return ($response, 'part ' . json($j->{part}))
                    unless json($j->{part}) eq json($part);

            } else {
                return ($response, "unknown $type");
            }
        }
    }

    return ($response, $ended ? undef : 'no end');
}


# A stream that has failed: "response.failed" with all that had come, and an
# event that the SDKs raise.

sub failed_ok {
    my ($r, $f, $name, $text) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($response, $wrong) = fold($r);

    is($wrong, undef, "$name, events") or diag($r->{body});
    is($r->{complete}, 1, "$name, regular end");
    is($response->{status}, 'failed', "$name, status");
    is(join(' ', sort keys %{$response->{error}}), 'code message',
        "$name, members of the response's error");
    is($response->{usage}, undef, "$name, usage");
    is(items($response), defined $text ? "text $text" : '', "$name, output");
    unlike($r->{body}, qr/response\.completed|\[DONE\]|_part\.done/,
        "$name, nothing that ends");

    my $expected = defined $f->{error} ? (split / /, $f->{error})[1] : '';
    is($response->{error}{code}, $expected eq 'rate_limit_error'
        ? 'rate_limit_exceeded' : $expected eq 'permission_error'
        ? 'invalid_prompt' : 'server_error', "$name, code of the response");

    my $last = ($r->events())[-1]{json};

    is($last->{type}, 'error', "$name, last event");
    is($last->{message}, $response->{error}{message}, "$name, its message");
    is(join(' ', sort keys %$last),
        'code error message param sequence_number type',
        "$name, its members");
    is(join(' ', sort keys %{$last->{error}}), 'code message param type',
        "$name, what SDKs raise");

    my $code = defined $last->{error}{code} ? $last->{error}{code} : 'null';

    $f->{code} ? like($code, $f->{code}, "$name, its code")
        : is($code, (split / /, $f->{error})[3], "$name, its code");
}

###############################################################################
