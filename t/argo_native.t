#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for ARGO's native APIs: which of them is called for what, what goes
# up, and how what comes down reaches the client.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use JSON::PP ();

use lib 'lib';
use Argo::Client;
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

    log_format argo "$status $argo_endpoint $argo_upstream_model "
                    "$argo_upstream_api $argo_stream $argo_prompt_tokens "
                    "$argo_completion_tokens $argo_cached_tokens "
                    "$argo_finish_reason $argo_error $argo_upstream_calls";

    access_log %%TESTDIR%%/argo.log argo;
    access_log %%TESTDIR%%/access.log combined;

    argo_zone           argo 1m;
    argo_models_refresh 0;
    argo_user           jdoe;
    argo_upstream       /argo/;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location / {
            argo_endpoint  auto;
        }

        location /chatty/ {
            argo_endpoint          auto;
            argo_native_responses  off;
        }

        location /key/ {
            argo_endpoint  auto;
            argo_user      $argo_credential;
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
            proxy_read_timeout  5s;
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

###############################################################################

my @hello = ({ role => 'user', content => 'hi' });

my $chat = '{"id":"c1","object":"chat.completion","created":1,'
    . '"model":"gpt-4o-2024","choices":[{"index":0,"message":'
    . '{"role":"assistant","content":"Salve","refusal":null},"logprobs":null,'
    . '"finish_reason":"stop"}],"usage":{"prompt_tokens":11,'
    . '"completion_tokens":3,"total_tokens":14,"prompt_tokens_details":'
    . '{"cached_tokens":5}}}';

my $responses = '{"id":"resp_1","created_at":1790470929.0,"error":null,'
    . '"incomplete_details":null,"instructions":null,"metadata":{},'
    . '"model":"aiops-gpt-4o","object":"response","output":[{"id":"msg_1",'
    . '"content":[{"annotations":[],"text":"Salve","type":"output_text",'
    . '"logprobs":[]}],"role":"assistant","status":"completed",'
    . '"type":"message"}],"parallel_tool_calls":true,"temperature":1.0,'
    . '"tool_choice":"auto","tools":[],"top_p":1.0,"status":"completed",'
    . '"usage":{"input_tokens":11,"input_tokens_details":{"cached_tokens":5},'
    . '"output_tokens":3,"output_tokens_details":{"reasoning_tokens":0},'
    . '"total_tokens":14}}';

my @claude = (
    event('message_start', { message => { id => 'msg_1', type => 'message',
        role => 'assistant', content => [], model => 'claude-haiku',
        stop_reason => undef, stop_sequence => undef,
        usage => { input_tokens => 6, cache_read_input_tokens => 5,
                   output_tokens => 1 } } }),
    event('content_block_start', { index => 0,
        content_block => { type => 'text', text => '' } }),
    event('content_block_delta', { index => 0,
        delta => { type => 'text_delta', text => 'Sal' } }),
    event('content_block_delta', { index => 0,
        delta => { type => 'text_delta', text => 've' } }),
    event('content_block_stop', { index => 0 }),
    event('message_delta', { delta => { stop_reason => 'end_turn',
        stop_sequence => undef }, usage => { output_tokens => 3 } }),
    event('message_stop', {}));

my @chat = (
    data({ id => '', choices => [], created => 0, model => '',
           object => '', usage => undef }),
    chunk({ role => 'assistant', content => '' }),
    chunk({ content => 'Sal', role => undef, tool_calls => undef }),
    chunk({ content => 've' }),
    chunk({}, 'stop'),
    data({ id => 'c1', object => 'chat.completion.chunk', created => 1,
           model => 'gpt-4o-2024', choices => [],
           usage => { prompt_tokens => 11, completion_tokens => 3,
                      total_tokens => 14,
                      prompt_tokens_details => { cached_tokens => 5 } } }),
    "data: [DONE]\n\n");

$g->script('/v1/chat/completions', reply($chat));
$g->script('/v1/responses', reply($responses));
$g->script('/v1/messages', sse(@claude));

# which API is called

my %ask = (
    'chat/completions' => sub { { model => $_[0], messages => \@hello } },
    'completions' => sub { { model => $_[0], prompt => 'hi' } },
    'responses' => sub { { model => $_[0], input => 'hi' } },
    'messages' => sub { { model => $_[0], max_tokens => 100,
                          messages => \@hello } },
);

my %route = (
    'chat/completions' => [ qw{ chat/completions messages } ],
    'completions' => [ qw{ chat/completions messages } ],
    'responses' => [ qw{ responses messages } ],
    'messages' => [ qw{ chat/completions messages } ],
);

my %text = (
    'chat/completions' => sub { $_[0]{choices}[0]{message}{content} },
    'completions' => sub { $_[0]{choices}[0]{text} },
    'responses' => sub { $_[0]{output}[0]{content}[0]{text} },
    'messages' => sub { $_[0]{content}[0]{text} },
);

my %said = (
    'chat/completions' => sub { $_[0]{choices}[0]{finish_reason} . ' '
        . join ' ', @{$_[0]{usage}}{qw/ prompt_tokens completion_tokens /},
          $_[0]{usage}{prompt_tokens_details}{cached_tokens} },
    'completions' => sub { $_[0]{choices}[0]{finish_reason} . ' '
        . join ' ', @{$_[0]{usage}}{qw/ prompt_tokens completion_tokens /},
          $_[0]{usage}{prompt_tokens_details}{cached_tokens} },
    'responses' => sub { $_[0]{status} . ' '
        . join ' ', @{$_[0]{usage}}{qw/ input_tokens output_tokens /},
          $_[0]{usage}{input_tokens_details}{cached_tokens} },
    'messages' => sub { $_[0]{stop_reason} . ' '
        . join ' ', @{$_[0]{usage}}{qw/ input_tokens output_tokens
                                        cache_read_input_tokens /} },
);

my %expected = (
    'chat/completions' => 'stop 11 3 5',
    'completions' => 'stop 11 3 5',
    'responses' => 'completed 11 3 5',
    'messages' => 'end_turn 6 3 5',
);

for my $endpoint (sort keys %ask) {
    for my $model ('argo:gpt-4o', 'claudehaiku45', 'gemini25flash') {

        my $claude = $model =~ /claude/;
        my $api = $model =~ /gemini/ && $endpoint eq 'responses'
            ? 'chat/completions' : $route{$endpoint}[$claude ? 1 : 0];
        my $name = "$endpoint, $model";

        $g->clear();

        my $r = post("/v1/$endpoint", $ask{$endpoint}->($model));

        is($r->{status}, 200, "$name: status");
        is($text{$endpoint}->($r->json()), 'Salve', "$name: text");
        is($said{$endpoint}->($r->json()), $expected{$endpoint},
            "$name: end and usage");
        is($r->json()->{model}, $model, "$name: model as asked for");

        my ($up) = $g->requests();
        my $body = decode($up->{body});

        is($up->{uri}, "/v1/$api", "$name: goes to $api");
        is($up->{method}, 'POST', "$name: by POST");
        is($body->{model}, $model =~ s/argo:gpt-4o/gpt4o/r, "$name: ARGO's id");

        is(header($up, 'authorization'), $claude ? undef : 'Bearer jdoe',
            "$name: bearer");
        is(header($up, 'x-api-key'), $claude ? 'jdoe' : undef,
            "$name: key");
        is(header($up, 'anthropic-version'),
            $claude ? '2023-06-01' : undef, "$name: version");
        is(!!$body->{stream}, !!$claude, "$name: streamed or not");
    }
}

$g->clear();
is(post('/chatty/v1/responses', $ask{responses}->('gpt4o'))->{status}, 200,
    'responses over chat');
is(($g->requests())[0]{uri}, '/v1/chat/completions', 'if ARGO\'s own is off');

# headers that are a part of the dialect go up, others do not

$g->clear();
post('/v1/messages?beta=true', $ask{messages}->('claudehaiku45'),
    'Anthropic-Version', '2026-10-21', 'Anthropic-Beta', 'a-1,b-2',
    'Authorization', 'Bearer sk-secret', 'X-Api-Key', 'sk-other',
    'Cookie', 'c=1', 'X-Stainless-Lang', 'js');

my ($up) = $g->requests();

is(header($up, 'anthropic-version'), '2026-10-21', 'version as it came');
is(header($up, 'anthropic-beta'), 'a-1,b-2', 'beta as it came');
is(header($up, 'x-api-key'), 'jdoe', 'no key of the client\'s');
is(header($up, 'authorization'), undef, 'nor its credential');
is(header($up, 'cookie'), undef, 'nor a cookie');
is(header($up, 'x-stainless-lang'), undef, 'nor anything else');
is($up->{uri}, '/v1/messages', 'no argument goes up');

# streams, every split

$g->script('/v1/chat/completions', sse(@chat));

for my $endpoint ('chat/completions', 'messages') {
    for my $model ('gpt4o', 'claudehaiku45') {

        my $name = "$endpoint, $model, streamed";
        my $ask = { %{$ask{$endpoint}->($model)}, stream => JSON::PP::true };
        my $whole = stable(post("/v1/$endpoint", $ask)->{body});
        my @frames = $model =~ /claude/ ? @claude : @chat;
        my $uri = $model =~ /claude/ ? '/v1/messages'
                                     : '/v1/chat/completions';

        like($whole, qr/Sal/, "$name: text");
        like($whole, $endpoint eq 'messages' ? qr/"message_stop"\}\n\n\z/
            : qr/data: \[DONE\]\n\n\z/, "$name: its end");

        my $bytes = join '', @frames;
        my $bad = 0;

        for my $at (map { $_ * 37 } 1 .. int(length($bytes) / 37)) {
            $g->script($uri, sse(substr($bytes, 0, $at),
                                 substr($bytes, $at)));
            my $r = post("/v1/$endpoint", $ask);
            $bad++ if stable($r->{body}) ne $whole || !$r->{complete};
        }

        is($bad, 0, "$name: cut in two anywhere");

        # ARGO breaks off

        my @cut = ([header => 'Content-Type', 'text/event-stream'],
                   (map { [chunk => $_] } @frames[0 .. 3]), [drain =>]);

        for my $how ([close =>], [reset =>], [end =>]) {
            $g->script($uri, [@cut, $how]);
            my $r = post("/v1/$endpoint", $ask);

            like($r->{body}, $endpoint eq 'messages'
                ? qr/\nevent: error\ndata: \{"type":"error".*"api_error"/
                : qr/\ndata: \{"error":\{.*"server_error"/,
                "$name: $how->[0] is an error");

            if ($endpoint eq 'messages') {
                my ($id) = $r->{body} =~ /"request_id":"([^"]*)"\}\s*$/;
                is($id, $r->header('request-id'),
                    "$name: $how->[0] tells which request it was");
            }

            unlike($r->{body}, qr/message_stop|\[DONE\]|end_turn|"stop"/,
                "$name: $how->[0] is no end");
        }

        $g->script($uri, sse(@frames));
    }
}

# a unary client of Claude's, and a stream that is cut

$g->script('/v1/messages', [
    [header => 'Content-Type', 'text/event-stream'],
    [chunk => join('', @claude[0 .. 3])], [drain =>], [close =>],
]);

for my $endpoint (sort keys %ask) {
    my $r = post("/v1/$endpoint", $ask{$endpoint}->('claudehaiku45'));

    is($r->{status}, 502, "$endpoint: a cut reply is an error");
    unlike($r->{body}, qr/Salve/, "$endpoint: nothing of it is given");
}

# errors, in the client's own form

my $refusal = '{"type":"error","error":{"type":"invalid_request_error",'
    . '"message":"Error code: 400 - {\'type\': \'error\', \'error\': '
    . '{\'type\': \'invalid_request_error\', \'message\': \'no such thing\'}'
    . ', \'request_id\': \'req_vrtx_1\'}"}}';

$g->script('/v1/messages', [
    [status => 400, 'Bad Request'],
    [header => 'Content-Type', 'application/json'], [body => $refusal],
]);

my $r = post('/v1/messages', $ask{messages}->('claudehaiku45'));
my $j = $r->json();

is($r->{status}, 400, 'refused: status');
is($j->{type}, 'error', 'Anthropic\'s envelope');
is($j->{error}{type}, 'invalid_request_error', 'type');
is($j->{error}{message}, 'no such thing', 'the vendor\'s own words');
is($j->{request_id}, $r->header('request-id'), 'request id');
like($j->{request_id}, qr/^[0-9a-f]{32}$/, 'which is nginx\'s');

$j = post('/v1/chat/completions', $ask{'chat/completions'}->('claudehaiku45'))
    ->json();
is($j->{error}{message}, 'no such thing', 'the same for OpenAI\'s client');
is($j->{error}{type}, 'invalid_request_error', 'its type');

$r = post('/v1beta/models/claudehaiku45:generateContent',
    { contents => [{ parts => [{ text => 'hi' }] }] });
$j = $r->json();

is($r->{status}, 400, 'the same for Google\'s');
is($j->{error}{code}, 400, 'its code');
is($j->{error}{status}, 'INVALID_ARGUMENT', 'and status');
is($j->{error}{message}, 'no such thing', 'and words');

# nginx's own errors

for my $case (
    [ '/v1/messages/none', qr/"type":"error".*"not_found_error"/s ],
    [ '/v1beta/none', qr/"code":404.*"NOT_FOUND"/s ],
    [ '/v1/none', qr/"code":"unknown_url"/ ])
{
    my $r = post($case->[0], {});
    is($r->{status}, 404, "$case->[0]: status");
    like($r->{body}, $case->[1], "$case->[0]: envelope");
}

# a model that is none: its name as the client gave it, in each envelope

my $name = "none \"such\"\n\x{20ac}" . 'x' x 80;
my $quoted
    = qr/^The model "none "such"\n\x{20ac}x+\.\.\." does not exist here;/;
my $part = join '', map { sprintf '%%%02X', ord } split //,
    do { my $n = $name; utf8::encode($n); $n };

for my $case (
    [ '/v1/chat/completions', { messages => \@hello } ],
    [ '/v1/completions', { prompt => 'hi' } ],
    [ '/v1/responses', { input => 'hi' } ],
    [ '/v1/messages', { messages => \@hello, max_tokens => 5 } ],
    [ "/v1beta/models/$part:generateContent",
        { contents => [{ parts => [{ text => 'hi' }] }] } ])
{
    my ($uri, $body) = @$case;

    $r = post($uri, $uri =~ /beta/ ? $body : { %$body, model => $name });
    is($r->{status}, 404, "$uri, unknown model");

    my $message = $r->json()->{error}{message};

    like($message, $quoted, "$uri, its name");
    like($message, qr{; GET /v1/models lists those that do$}, "$uri, remedy");
    cmp_ok(length $message, '<', 200, "$uri, not all of it");
}

# Google's paths

$g->script('/v1/messages', sse(@claude));
$g->script('/v1/chat/completions', reply($chat));

for my $case (
    [ '/v1beta/models/gpt4o:generateContent', 'gpt4o' ],
    [ '/v1/models/argo:gpt-4o:generateContent', 'argo:gpt-4o' ],
    [ '/v1beta/models/argo%3Agpt-4o:generateContent', 'argo:gpt-4o' ],
    [ '/v1beta/models/claudehaiku45:generateContent', 'claudehaiku45' ])
{
    my ($uri, $model) = @$case;

    $r = post($uri, { contents => [{ parts => [{ text => 'hi' }] }] });
    $j = $r->json();

    is($r->{status}, 200, "$uri: status");
    is($j->{candidates}[0]{content}{parts}[0]{text}, 'Salve', "$uri: text");
    is($j->{modelVersion}, $model, "$uri: model");
    is($j->{usageMetadata}{promptTokenCount}, 11, "$uri: usage");
}

$r = post('/v1beta/models/claudehaiku45:streamGenerateContent',
    { contents => [{ parts => [{ text => 'hi' }] }] });
is(ref $r->json(), 'ARRAY', 'a stream as an array');
like($r->header('content-type'), qr{^application/json}, 'is JSON');

$r = post('/v1beta/models/claudehaiku45:streamGenerateContent?alt=sse',
    { contents => [{ parts => [{ text => 'hi' }] }] });
like($r->header('content-type'), qr{^text/event-stream}, 'or events');
is(join('', map { $_->{json}{candidates}[0]{content}{parts}[0]{text} // '' }
    $r->events()), 'Salve', 'with the text');

$r = post('/v1beta/models/none-such:generateContent',
    { contents => [{ parts => [{ text => 'hi' }] }] });
is($r->{status}, 404, 'a model that is none');
is($r->json()->{error}{status}, 'NOT_FOUND', 'in Google\'s words');

is(post('/v1beta/models/gpt4o:fly', {})->{status}, 404, 'no such method');

# the key in the request line

$g->clear();
post('/key/v1beta/models/gpt4o:generateContent?key=asmith&alt=json',
    { contents => [{ parts => [{ text => 'hi' }] }] });
is(header(($g->requests())[0], 'authorization'), 'Bearer asmith',
    'the key names the user');
post('/key/v1beta/models/gpt4o:generateContent?alt=json&key=AIzaSyCanary1',
    { contents => [{ parts => [{ text => 'hi' }] }] });

# lists of models

$j = get('/v1beta/models')->json();
ok((grep { $_->{name} eq 'models/gpt-4o' } @{$j->{models}}),
    'Google\'s list');
ok(!(grep { $_->{name} =~ /argo/ } @{$j->{models}}), 'without prefixes');
is(scalar(keys %{{ map { $_->{baseModelId} => 1 } @{$j->{models}} }}),
    scalar @{$j->{models}}, 'one row a model');

for my $name ('gpt-4o', 'argo:gpt-4o', 'gpt4o', 'models/argo:gpt-4o') {
    is_deeply(get("/v1beta/models/$name")->json(),
        (grep { $_->{name} eq 'models/gpt-4o' } @{$j->{models}})[0],
        "one of it by $name");
}

is(get('/v1beta/models/none')->json()->{error}{status}, 'NOT_FOUND',
    'none of it');
is(get('/v1/models')->json()->{object}, 'list', 'OpenAI\'s list');
ok(get('/v1/models', 'x-goog-api-key', 'jdoe')->json()->{models},
    'Google\'s client at that path');

# counts

$g->script('/v1/messages/count_tokens', reply('{"input_tokens":4711}'));
$g->clear();

my $count = { model => 'claudehaiku45', messages => \@hello };

$r = post('/v1/messages/count_tokens?beta=true', $count);
is($r->json()->{input_tokens}, 4711, 'counted by ARGO');
is($r->header('x-argo-token-count'), 'upstream', 'and said so');
is(($g->requests())[0]{uri}, '/v1/messages/count_tokens', 'asked there');
is(header(($g->requests())[0], 'x-api-key'), 'jdoe', 'with the name');
is(decode(($g->requests())[0]{body})->{model}, 'claudehaiku45',
    'of the model');

$g->script('/v1/messages/count_tokens',
    [[status => 404, 'Not Found'], [header => 'Content-Type',
     'application/json'], [body => '{"detail":"Not Found"}']]);

$r = post('/v1/messages/count_tokens', $count);
cmp_ok($r->json()->{input_tokens}, '>', 0, 'estimated');
is($r->header('x-argo-token-count'), 'estimate', 'and said so');

$g->script('/v1/messages/count_tokens',
    [[status => 400, 'Bad Request'], [header => 'Content-Type',
     'application/json'], [body => $refusal]]);
is(post('/v1/messages/count_tokens', $count)->{status}, 400,
    'a refusal is one');

$g->clear();
$r = post('/v1/messages/count_tokens', { %$count, model => 'gpt4o' });
cmp_ok($r->json()->{input_tokens}, '>', 0, 'counted here');
is($r->header('x-argo-token-count'), 'counted', 'and said so');
is(scalar($g->requests()), 0, 'without ARGO');

$r = post('/v1beta/models/gpt4o:countTokens',
    { contents => [{ parts => [{ text => 'hi' }] }] });
cmp_ok($r->json()->{totalTokens}, '>', 0, 'countTokens');
is(post('/v1/messages/count_tokens', { model => 'gpt4o' })->{status}, 400,
    'nothing to count');

# probes of clients

is(head('/')->{status}, 200, 'HEAD /');
is(get('/v1/responses', 'Connection', 'Upgrade', 'Upgrade', 'websocket')
    ->{status}, 426, 'no web sockets');

# embeddings

$g->script('/v1/embeddings', reply('{"object":"list","data":[{"object":'
    . '"embedding","index":0,"embedding":[0.5,0.25]}],"model":"x",'
    . '"usage":{"prompt_tokens":7,"total_tokens":7}}'));
$g->clear();

$r = post('/v1/embeddings', { model => 'v3small', input => 'a' });
is_deeply($r->json()->{data}[0]{embedding}, [0.5, 0.25], 'a vector');
is($r->json()->{usage}{prompt_tokens}, 7, 'its usage');
is(header(($g->requests())[0], 'authorization'), 'Bearer jdoe', 'by name');
is_deeply(decode(($g->requests())[0]{body}),
    { model => 'v3small', user => 'jdoe', input => ['a'] }, 'what went up');

$t->stop();

my $log = $t->read_file('argo.log');

like($log, qr/^200 chat_completions gpt4o openai_chat 0 11 3 5 stop - 1$/m,
    'logged: chat');
like($log, qr/^200 messages claudehaiku45 anthropic 1 11 3 5 stop - 1$/m,
    'logged: messages');
like($log, qr/^200 gemini gpt4o openai_chat 0 11 3 5 stop - 1$/m,
    'logged: gemini');
unlike($t->read_file('access.log') . $t->read_file('error.log'),
    qr/AIzaSyCanary1|key=asmith|sk-secret|sk-other/, 'no key in any log');

$t->done_testing();

###############################################################################

sub post {
    my ($uri, $body, @headers) = @_;

    return Argo::Client->new(Argo::Test::port(8080))
        ->post($uri, Argo::Test::json($body), headers => \@headers);
}


sub get {
    my ($uri, @headers) = @_;

    return Argo::Client->new(Argo::Test::port(8080))
        ->get($uri, headers => \@headers);
}


sub head {
    my ($uri) = @_;

    my $c = Argo::Client->new(Argo::Test::port(8080));

    $c->request('HEAD', $uri, close => 1);

    my ($status) = $c->read_all() =~ m{^HTTP/1.1 (\d+)};

    return { status => $status };
}


sub decode {
    my ($body) = @_;

    return JSON::PP->new->latin1->decode($body);
}


# The value of a header that came upstream.

sub header {
    my ($request, $name) = @_;

    my @values = map { $_->[1] } grep { lc $_->[0] eq $name }
        @{$request->{headers}};

    return $values[0];
}


# Ids and times differ between two replies.

sub stable {
    my ($body) = @_;

    $body =~ s/"(id|created)":("[^"]*"|\d+)/"$1":0/g;

    return $body;
}


sub reply {
    my ($body) = @_;

    return [[header => 'Content-Type', 'application/json'], [body => $body]];
}


sub sse {
    return [[header => 'Content-Type', 'text/event-stream; charset=utf-8'],
            (map { [chunk => $_] } grep { length } @_), [end =>]];
}


sub data {
    my ($data) = @_;

    return 'data: ' . Argo::Test::json($data) . "\n\n";
}


sub chunk {
    my ($delta, $finish) = @_;

    return data({ id => 'c1', object => 'chat.completion.chunk',
        created => 1, model => 'gpt-4o-2024', usage => undef,
        choices => [{ index => 0, delta => $delta, logprobs => undef,
                      finish_reason => $finish }] });
}


sub event {
    my ($type, $data) = @_;

    return "event: $type\n" . data({ %$data, type => $type });
}
