#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for the simulator: every route, every refusal and every fault, with
# raw sockets, and some of them as nginx's own proxy sees them.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use JSON::PP ();
use List::Util qw/ sum /;

use lib 'lib';
use Argo::Test;

my $t = Argo::Test->new();

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;
worker_processes 1;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    client_max_body_size  0;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location /argoapi/ {
            argo_simulator;
        }

        location /bare {
            argo_simulator;
        }

        location "/a b/" {
            argo_simulator;
        }

        location /members/ {
            argo_simulator;
            argo_simulator_users  jdoe ac.smith;
        }

        location /slow/ {
            argo_simulator;
            argo_simulator_interval  1h;
        }

        location /impatient/ {
            argo_simulator;
            send_timeout  100ms;
        }

        location /limited/ {
            argo_simulator;
            limit_rate  200k;
        }

        location /unframed/ {
            argo_simulator;
            chunked_transfer_encoding  off;
        }

        location /file/ {
            argo_simulator;
            client_body_in_file_only  clean;
        }

        location /via/ {
            proxy_pass          http://127.0.0.1:8080/argoapi/;
            proxy_http_version  1.1;
            proxy_buffering     off;
            proxy_set_header    X-Argo-Sim $http_x_argo_sim;
        }

        location = /page.html {
            ssi  on;
        }
    }
}
EOC

$t->write_file('page.html',
    '<!--#include virtual="/argoapi/v1/models" -->');

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my $hour = 3600 * 1000;
my $resource = '/argoapi/api/v1/resource';

my %path = (
    chat => "$resource/chat/",
    stream => "$resource/streamchat/",
    embed => "$resource/embed/",
    models => '/argoapi/v1/models',
    health => "$resource/health/",
);

###############################################################################

# wrong places

for my $location ('~ ^/argoapi/', '@argo') {
    my $config = $t->read_file('nginx.conf');

    $t->write_file_expand('nginx.conf', <<"EOC");
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    server {
        listen  127.0.0.1:8080;

        location $location {
            argo_simulator;
        }
    }
}
EOC

    my ($code, $output) = $t->test_config();

    is($code, 1, "location $location");
    like($output, qr/"argo_simulator" directive needs a location given by/,
        "location $location - message");

    $t->write_file('nginx.conf', $config);
}

$t->run();

###############################################################################

# memory, before the worker has used much, and while a request holds it

my ($r, $c);

SKIP: {
    my ($worker) = $t->workers();
    my $rss = $worker && $t->rss($worker);

    skip 'no resident size', 2 unless $rss;

    $c = post_only('stream', {},
        sim => 'text=lorem, size=200000, chunk=1, stall=199999');
    $r = $c->head();
    1 while length $r->{body} < 199999 && defined $r->next_piece();

    # a hundred bytes a chunk would make 20 MB
    cmp_ok($t->rss($worker) - $rss, '<', 8000, 'memory of many chunks');
    is(length $r->{body}, 199999, 'many chunks');

    $c->close();
    $t->waitfor(sub { !stats()->{active} });
}

# routes

$r = get('health');

is($r->{status}, 200, 'health');
is($r->{body}, '{"status":"healthy"}', 'health body');
is($r->header('content-type'), 'application/json', 'json type');
is($r->header('strict-transport-security'),
    'max-age=31536000; includeSubDomains', 'strict transport security');
is($r->header('vary'), undef, 'no vary');

for my $tail ('v1/models', 'api/v1/models/') {
    my $before = time();
    $r = Argo::Client->new(port(8080))->get("/argoapi/$tail");
    my $models = $r->json();

    is($r->{status}, 200, "$tail");
    is($models->{object}, 'list', "$tail object");
    like($r->{body}, qr/^\{"object":"list","data":\[\{"id":"GPT-3.5[ ]Turbo",
        "internal_id":"gpt35","object":"model","created":\d+,
        "owned_by":"openai"\},/x, "$tail first model");
    is(scalar(@{$models->{data}}), 50, "$tail number of models");

    my %owners = map { $_->{internal_id} => $_->{owned_by} }
        @{$models->{data}};

    is(join(' ', @owners{qw/ claudeopus46 gemini25pro v3large /}),
        'anthropic google openai', "$tail owners");
    is(scalar(grep { $_->{created} < $before || $_->{created} > time() }
        @{$models->{data}}), 0, "$tail created now");
}

is(summary(raw('GET', '/argoapi/nowhere')), '404 {"detail":"Not Found"}',
    'unknown path');
is(summary(raw('POST', '/argoapi/v1/completions', body => '{}')),
    '404 {"detail":"Not Found"}', 'unknown path with body');
is(summary(raw('GET', '/argoapi/')), '404 {"detail":"Not Found"}',
    'no path');

$r = raw('DELETE', $path{health});
is(summary($r), '405 {"detail":"Method Not Allowed"}', 'wrong method');
is($r->header('allow'), 'GET', 'allow get');

$r = raw('GET', $path{chat});
is(summary($r), '405 {"detail":"Method Not Allowed"}', 'get of a chat');
is($r->header('allow'), 'POST', 'allow post');

$c = Argo::Client->new(port(8080));
$c->request('HEAD', $path{health});
is($c->response(head => 1)->{status}, 405, 'head');
is($c->get($path{health})->{status}, 200, 'keepalive after head');

$r = raw('POST', "$resource/chat?a=b", body => '{}');
is($r->{status}, 307, 'slash missing');
is($r->{body}, '', 'slash missing - no body');
is($r->header('location'),
    'http://localhost:' . port(8080) . "$resource/chat/?a=b",
    'slash missing - location');

is(raw('GET', '/argoapi/v1/models/')->header('location'),
    'http://localhost:' . port(8080) . '/argoapi/v1/models', 'slash too many');
is(raw('GET', '/a%20b/v1/models/')->header('location'),
    'http://localhost:' . port(8080) . '/a%20b/v1/models',
    'location is escaped');

is(raw('GET', '/bare/v1/models')->{status}, 200, 'location without slash');
is(raw('GET', '/bare/v1/models/')->header('location'),
    'http://localhost:' . port(8080) . '/bare/v1/models',
    'location without slash - location');

like(http_get('/page.html'), qr/500 Internal Server Error/, 'no subrequest');
like($t->read_file('error.log'), qr/simulator was reached by a subrequest/,
    'no subrequest - logged');

###############################################################################

# answers

$r = chat('Hello');
is($r->{status}, 200, 'chat');
is($r->{body}, '{"response":"You said: Hello"}', 'chat body');
is($r->{framing}, 'length', 'chat framing');
is($r->header('content-type'), 'application/json', 'chat type');
is($r->header('vary'), 'Accept-Encoding', 'chat vary');

is(said("h\x{e9} \x{4e2d}\x{1f642}\n\"\\"),
    "You said: h\x{e9} \x{4e2d}\x{1f642}\n\"\\", 'characters');
like(chat("h\x{e9}\x{1f642}")->{body}, qr/h\xc3\xa9\xf0\x9f\x99\x82/,
    'characters unescaped');
is(said("Please count to 5."), "1\n2\n3\n4\n5", 'count');
is(said("Count to 10001"), 'You said: Count to 10001', 'count too far');
is(said("repeat:  as it is"), 'as it is', 'repeat');
is(said(''), 'You said nothing.', 'nothing');

is(said([ { type => 'text', text => 'What is' },
    { type => 'text', text => 'this?' } ]), "You said: What is\nthis?",
    'parts');
is(said([ { type => 'text', text => 'See' },
    { type => 'image_url', image_url =>
        { url => 'data:image/png;base64,AAECAwQ=' } },
    { type => 'image_url', image_url => { url => 'http://example.com/' } },
    { type => 'input_audio' } ]),
    "You said: See\n[image: image/png, 5 bytes]\n[image: not a data URL]\n"
    . '[input_audio]', 'images');

is(post('chat', { messages => [ message(system => 'Be brief.'),
    message(user => 'one'), message(assistant => 'two'),
    message(user => 'three'), message(assistant => 'The answer is') ] })
    ->json()->{response}, 'You said: three', 'last text of the user');
is(post('chat', { messages => undef, system => 'Be brief.',
    prompt => [ 'one', 'two' ] })->json()->{response}, "You said: one\ntwo",
    'prompts');
is(post('chat', { stream => JSON::PP::true, unknown => [ {} ],
    temperature => 0.5 })->{status}, 200, 'unknown members');

# a body in a file, a chunked one, several requests on a connection

my $big = 'x' x 100_000;

is(post('chat', { messages => [ message(user => $big) ] },
    location => '/file/')->json()->{response}, "You said: $big",
    'body in a file');

$c = Argo::Client->new(port(8080));
my $body = body('chat', { messages => [ message(user => 'in chunks') ] });
$c->request('POST', $path{chat}, chunks => [ $body =~ /.{1,7}/gs ],
    headers => [ 'Content-Type', 'application/json' ]);
is($c->response()->json()->{response}, 'You said: in chunks',
    'chunked body');

$c = Argo::Client->new(port(8080));
$c->write(join '', map {
    Argo::Client::format_request('POST', $path{stream},
        body => body('stream', { messages => [ message(user => "$_") ] }),
        headers => [ 'Content-Type', 'application/json' ])
} 1 .. 3);
is(join(', ', map { $c->response()->{body} } 1 .. 3),
    'You said: 1, You said: 2, You said: 3', 'pipelined streams');

# streams

$r = stream('Hello, wide world');
is($r->{status}, 200, 'stream');
is($r->{body}, 'You said: Hello, wide world', 'stream body');
is($r->header('content-type'), 'text/plain; charset=utf-8', 'stream type');
is($r->header('content-length'), undef, 'stream length');
is(join(' ', @{$r->{chunks}}), '4 6 7 5 5', 'stream chunks');
is($r->{complete}, 1, 'stream complete');

my $word = join '', map { chr(0x4e00 + $_) } 1 .. 50;
$r = stream("repeat: $word");
is($r->{body}, utf8($word), 'long word');
is(join(' ', @{$r->{chunks}}), '63 63 24', 'long word cut between characters');

$r = stream('Hello', version => '1.0');
is($r->{framing}, 'close', 'stream over HTTP/1.0');
is($r->{body}, 'You said: Hello', 'stream over HTTP/1.0 - body');

###############################################################################

# refusals

is(refusal('chat', { user => undef }, 'user'),
    '422 missing body.user Field required', 'no user');
is(refusal('stream', { user => undef, model => undef }, 'user', 'model'),
    '422 missing body.user Field required'
    . ', missing body.model Field required', 'no user, no model');
is(refusal('embed', { prompt => undef }, 'prompt'),
    '422 missing body.prompt Field required', 'no prompt');
is(refusal('chat', { messages => undef }, 'messages'),
    '422 missing body.messages Field required', 'no messages, no prompt');
is(refusal('chat', { user => undef }),
    '422 string_type body.user Input should be a valid string', 'null user');
is(refusal('chat', { model => 5 }),
    '422 string_type body.model Input should be a valid string',
    'model of a wrong type');
is(refusal('chat', { messages => 'Hi' }),
    '422 list_type body.messages Input should be a valid list',
    'messages of a wrong type');
is(refusal('chat', { messages => [ message(user => 'Hi'), 'Hi' ] }),
    '422 dict_type body.messages.1 Input should be a valid dictionary',
    'message of a wrong type');
is(refusal('chat', { messages => undef, prompt => 'Hi' }, 'messages'),
    '422 list_type body.prompt Input should be a valid list',
    'prompt of a wrong type');
is(refusal('chat', { max_tokens => 'many' }),
    '422 int_type body.max_tokens Input should be a valid integer',
    'max_tokens of a wrong type');
is(post('chat', { system => undef, prompt => undef, max_tokens => undef,
    tools => undef })->{status}, 200, 'null is nothing');

is(post('chat', { user => undef }, without => [ 'user' ])->json()
    ->{detail}[0]{input}{model}, 'gpt4o', 'input of an error');

is(refusal_of(''), '422 missing body Field required', 'empty body');
is(refusal_of('{"user":'), '422 json_invalid body.0 JSON decode error',
    'cut body');
is(refusal_of('[1]'), '422 model_attributes_type body '
    . 'Input should be a valid dictionary or object to extract fields from',
    'body of a wrong type');
is(refusal_of(body('chat'), type => 'text/plain'),
    '422 model_attributes_type body '
    . 'Input should be a valid dictionary or object to extract fields from',
    'wrong content type');
is(raw('POST', $path{chat}, body => body('chat'),
    headers => [ 'Content-Type', 'Application/JSON ; charset=utf-8' ])
    ->{status}, 200, 'content type with a parameter');
is(raw('POST', $path{chat}, body => body('chat'))->{status}, 200,
    'no content type');

for my $route (qw/ chat stream embed /) {
    $r = post($route, { model => 'gpt9' });
    is($r->{status}, 400, "$route unknown model");
    like($r->json()->{detail},
        $route eq 'embed'
            ? qr/^Invalid model 'gpt9'. Valid models: ada002, v3small, v3large$/
            : qr/^Invalid model 'gpt9'. Valid models: gpt35, .*claudehaiku35$/,
        "$route unknown model - message");
}

is(post('chat', { model => 'v3small' })->{status}, 400,
    'chat with a model for embeddings');
is(post('embed', { model => 'gpt4o' })->{status}, 400,
    'embedding with a model for chat');
is(error('chat', { model => 'gpt4olatest' }),
    '400 BadRequestError model_not_found The model does not exist',
    'model that is listed only');

my $misuse = 'You passed a messages field along with a system and or prompt'
    . ' field. Please only pass messages with any system and user prompts'
    . ' included, or only pass system and prompt alone.';

is(post('chat', { system => 'Be brief.' })->{body},
    qq({"response":"$misuse"}), 'messages and system');
is(post('chat', { prompt => [ 'Hi' ] })->{body},
    qq({"response":"$misuse"}), 'messages and prompt');
is(post('stream', { prompt => [ 'Hi' ] })->{body}, $misuse,
    'messages and prompt in a stream');

is(error('chat', { messages => [ message(user => 'Hi'),
    message(developer => 'Be brief.') ] }),
    "400 BadRequestError internal_error Error code: 400 - {'error': "
    . "{'message': \"Unknown parameter: 'messages[1].tool_calls'.\", 'type': "
    . "'invalid_request_error', 'param': 'messages[1].tool_calls', 'code': "
    . "'unknown_parameter'}}", 'developer role');

for my $messages ([ message(user => 'Hi'), message(assistant => undef) ],
    [ message(user => 'Hi'), { role => 'assistant' } ])
{
    is(error('stream', { model => 'gemini25pro', messages => $messages }),
        "500 TypeError internal_error 'NoneType' object is not iterable",
        'no content for Gemini');
    is(post('chat', { model => 'gpt4o', messages => $messages })->{status},
        200, 'no content for others');
}

like(error('chat', { model => 'gemini25pro',
    messages => [ message(system => 'Hi') ] }),
    qr/^400 ClientError internal_error 400 INVALID_ARGUMENT/,
    'no user message for Gemini');
like(error('chat', { model => 'claudeopus46',
    messages => [ message(system => 'Hi') ] }),
    qr/^400 BadRequestError internal_error .*at least one message/,
    'no user message for Claude');
like(error('chat', { model => 'claudeopus46',
    messages => [ message(user => " \n") ] }),
    qr/^400 BadRequestError internal_error .*non-whitespace text/,
    'blank user message for Claude');
is(post('chat', { model => 'claudeopus46', messages => undef,
    prompt => [ 'Hi' ] })->{status}, 200, 'prompt for Claude');
is(post('chat', { messages => [ message(system => 'Hi') ] })->{status}, 200,
    'no user message for others');

is(error('chat', { model => 'claudehaiku45', max_tokens => 21001 }),
    '500 ValueError internal_error Streaming is required for operations that'
    . ' may take longer than 10 minutes', 'too many tokens for Claude');
is(post('chat', { model => 'claudehaiku45', max_tokens => 21000 })->{status},
    200, 'enough tokens for Claude');
is(post('stream', { model => 'claudehaiku45', max_tokens => 64000 })
    ->{status}, 200, 'more tokens in a stream');
is(post('chat', { model => 'gpt5', max_tokens => 64000 })->{status}, 200,
    'more tokens for others');

# denial

my $warning = "\x{26a0}\x{fe0f}";
my $forbidden = "\x{1f6ab}";
my $notice = "\n\n$warning **IMPORTANT AUTHENTICATION NOTICE FROM ARGO**"
    . " $warning\n\n$forbidden **ACCESS DENIED** $forbidden\n\n"
    . "The username '%s' %s\n\n** END NOTICE FROM ARGO **\n";
my $denied = 'is not authorized to use the Argo Gateway API. Your ANL account'
    . ' was found but you do not appear in the authorized users list for your'
    . ' division.';
my $denied2 = 'could not be validated as an authorized Argo Gateway API user.';

$r = post('chat', { user => 'denied' });
is($r->{status}, 200, 'denied user');
is($r->json()->{response}, sprintf($notice, 'denied', $denied),
    'denied user - notice');
is(post('stream', { user => 'denied', model => 'gpt9' })->{body},
    utf8(sprintf($notice, 'denied', $denied)), 'denied user in a stream');
is(post('embed', { user => 'denied' })->json()->{response},
    sprintf($notice, 'denied', $denied), 'denied user of an embedding');
is(post('chat', { user => 'ac.smith' }, location => '/members/')->json()
    ->{response}, 'You said: Hi', 'user of the list');
is(post('chat', { user => 'mallory' }, location => '/members/')->json()
    ->{response}, sprintf($notice, 'mallory', $denied2), 'unknown user');

###############################################################################

# tools

my $schema = {
    type => 'object',
    properties => {
        city => { type => 'string' },
        unit => { type => 'string', enum => [ 'celsius', 'kelvin' ] },
        days => { type => 'integer' },
        level => { type => [ 'number', 'null' ] },
        exact => { anyOf => [ { type => 'boolean' }, { type => 'null' } ] },
        tags => { type => 'array', items => { type => 'string' } },
        at => { type => 'OBJECT', required => [ 'lat' ],
            properties => { lat => { type => 'NUMBER' } } },
        kind => { const => 7 },
        none => { type => 'null' },
        optional => { type => 'string' },
    },
    required => [ qw/ city unit days level exact tags at kind none odd / ],
};
my $arguments = '{"city":"city","unit":"celsius","days":1,"level":1.5,'
    . '"exact":true,"tags":["tags"],"at":{"lat":1.5},"kind":7,"none":null,'
    . '"odd":"odd"}';

my %tools = (
    gpt4o => [
        { type => 'function', function => { name => 'get_weather',
            parameters => $schema } },
        { type => 'function', function => { name => 'stop' } },
    ],
    claudeopus46 => [
        { name => 'get_weather', input_schema => $schema },
        { name => 'stop' },
    ],
    gemini25pro => [
        { name => 'get_weather', parameters => $schema },
        { name => 'stop' },
    ],
);

my $id = qr/[0-9A-Za-z]{24}/;

$r = post('chat', { tools => $tools{gpt4o} });
like($r->{body}, qr/^\{"response":\{"content":"","tool_calls":\[\{"function":
    \{"arguments":"[^ ]*","name":"get_weather"\},"id":"call_$id",
    "type":"function"\}\]\}\}$/x, 'tool call');
is($r->json()->{response}{tool_calls}[0]{function}{arguments}, $arguments,
    'tool call - arguments');
is(post('chat', { tools => $tools{gpt4o} })->{body}, $r->{body},
    'tool call - the same again');
isnt(post('chat', { tools => $tools{gpt4o},
    messages => [ message(user => 'Ho') ] })->{body}, $r->{body},
    'tool call - another id');

$r = post('chat', { model => 'claudeopus46', tools => $tools{claudeopus46} });
like($r->{body}, qr/^\{"response":\{"content":"","tool_calls":\[\{
    "id":"toolu_vrtx_$id","input":\Q$arguments\E,"name":"get_weather",
    "type":"tool_use"\}\]\}\}$/x, 'tool call of Claude');

$r = post('chat', { model => 'gemini25pro', tools => $tools{gemini25pro} });
is($r->{body}, '{"response":{"content":"","tool_calls":[{"id":null,"args":'
    . $arguments . ',"name":"get_weather"}]}}', 'tool call of Gemini');

for my $choice (
    [ gpt4o => { type => 'function', function => { name => 'stop' } } ],
    [ claudeopus46 => { type => 'tool', name => 'stop' } ],
    [ gemini25pro => { mode => 'FUNCTION_CALLING',
        allowed_function_names => [ 'stop' ] } ])
{
    my ($model, $value) = @$choice;
    like(post('chat', { model => $model, tools => $tools{$model},
        tool_choice => $value })->{body}, qr/\{\}.*"name":"stop"/,
        "tool choice of $model");
}

for my $choice ([ gpt4o => 'none' ], [ claudeopus46 => { type => 'none' } ],
    [ gemini25pro => 'NONE' ])
{
    my ($model, $value) = @$choice;
    is(post('chat', { model => $model, tools => $tools{$model},
        tool_choice => $value })->{body},
        '{"response":{"content":"You said: Hi","tool_calls":[]}}',
        "no tool choice of $model");
}

is(post('chat', { tools => $tools{gpt4o}, messages => [
    message(user => 'Weather?'), message(assistant => ''),
    { role => 'tool', tool_call_id => 'call_1', content => '{"t":18}' } ] })
    ->{body}, '{"response":{"content":"The tool answered: {\"t\":18}",'
    . '"tool_calls":[]}}', 'tool result');
is(post('chat', { messages => [ message(user => 'Weather?'),
    { role => 'tool', tool_call_id => 'call_1', content => '18' } ] })
    ->{body}, '{"response":"The tool answered: 18"}',
    'tool result without tools');
is(post('chat', { model => 'claudeopus46', tools => $tools{claudeopus46},
    messages => [ message(user => 'Weather?'), message(user => [
        { type => 'tool_result', tool_use_id => 'toolu_1', content => [
            { type => 'text', text => 'sunny' } ] } ]) ] })->{body},
    '{"response":{"content":"The tool answered: sunny","tool_calls":[]}}',
    'tool result of Claude');
is(post('chat', { tools => [] })->{body}, '{"response":"You said: Hi"}',
    'no tools');

like(error('chat', { tools => $tools{claudeopus46} }),
    qr/^400 BadRequestError .*tools\[0\]\.function/, 'tools of another form');
like(error('chat', { model => 'claudeopus46', tools => $tools{gpt4o} }),
    qr/^400 BadRequestError .*tools\.0\.custom\.name: Field required/,
    'tools of another form for Claude');
is(error('chat', { model => 'gemini25pro', tools => $tools{gpt4o} }),
    "500 KeyError internal_error 'name'",
    'tools of another form for Gemini');
like(post('stream', { tools => $tools{gpt4o} })->{body},
    qr/^Tools are not supported on the streaming endpoint/,
    'tools in a stream');

###############################################################################

# embeddings

$r = post('embed', { prompt => [ 'one', 'two', 'one' ] });
my $vectors = $r->json()->{embedding};

is($r->{status}, 200, 'embedding');
is(scalar(@$vectors), 3, 'vectors');
is(scalar(@{$vectors->[0]}), 1536, 'dimensions');
ok(abs(1 - sum map { $_ * $_ } @{$vectors->[0]}) < 1e-6, 'unit length');
is_deeply($vectors->[0], $vectors->[2], 'same text, same vector');
ok(abs(sum map { $vectors->[0][$_] * $vectors->[1][$_] } 0 .. 1535) < 0.2,
    'other text, other vector');
unlike($r->{body}, qr/[^\d][.]\d|\d[.][^\d]|[ E]|\d0[,\]]|\.\d*0e/,
    'shortest digits');
like($r->{body}, qr/^\{"embedding":\[\[-?0\.\d+,/, 'embedding body');

is(join(' ', map {
    scalar @{post('embed', { model => $_ })->json()->{embedding}[0]}
} qw/ ada002 v3small v3large /), '1536 1536 3072', 'dimensions of models');
like(post('embed', { model => 'v3large', prompt => [ 1 .. 9 ] },
    strings => 1)->{body}, qr/[,\[]-?\d(?:\.\d+)?e-05[,\]]/,
    'small numbers as Python prints them');

is(post('embed', { prompt => [ ('a') x 16 ] })->{status}, 200,
    'sixteen prompts');
is(refusal('embed', { prompt => [ ('a') x 17 ] }),
    '422 too_long body.prompt List should have at most 16 items after '
    . 'validation, not 17', 'seventeen prompts');
is(refusal('embed', { prompt => [ 'a', [ 1, 2 ], 3 ] }),
    '422 string_type body.prompt.1 Input should be a valid string'
    . ', string_type body.prompt.2 Input should be a valid string',
    'token ids');
is(refusal('embed', { prompt => 'a' }),
    '422 list_type body.prompt Input should be a valid list', 'bare prompt');

###############################################################################

# the header: nothing is ignored

for my $case (
    [ chat => 'foo', 'unknown key "foo"' ],
    [ chat => 'delay=1, =2', 'unknown key ""' ],
    [ chat => 'delay=1, delay=2', '"delay" is given twice' ],
    [ chat => 'status=199', 'invalid value of "status": "199"' ],
    [ chat => 'status=600', 'invalid value of "status": "600"' ],
    [ chat => 'status=204', 'invalid value of "status": "204"' ],
    [ chat => 'status', 'invalid value of "status": ""' ],
    [ chat => 'body=xml', 'invalid value of "body": "xml"' ],
    [ chat => 'text=', 'invalid value of "text": ""' ],
    [ chat => 'delay=1s', 'invalid value of "delay": "1s"' ],
    [ chat => 'delay=-1', 'invalid value of "delay": "-1"' ],
    [ chat => 'cut=x', 'invalid value of "cut": "x"' ],
    [ chat => 'type=', 'invalid value of "type": ""' ],
    [ chat => 'gzip=1', 'invalid value of "gzip": "1"' ],
    [ chat => 'malformed=', 'invalid value of "malformed": ""' ],
    [ stream => 'chunk=0', 'invalid value of "chunk": "0"' ],
    [ stream => 'chunks=0', 'invalid value of "chunks": "0"' ],
    [ stream => 'malformed', '"malformed" has no effect on'
        . ' api/v1/resource/streamchat/' ],
    [ stream => 'noresponse', '"noresponse" has no effect on'
        . ' api/v1/resource/streamchat/' ],
    [ embed => 'text=lorem', '"text" has no effect on'
        . ' api/v1/resource/embed/' ],
    [ models => 'chunks=2', '"chunks" has no effect on v1/models' ],
    [ stream => 'cut=1, stall=2', 'only one of cut, reset, stall and'
        . ' badchunk is possible' ],
    [ stream => 'size=7', 'size needs text=lorem' ],
    [ stream => 'chunks=2, chunk=1', 'chunks has a text and a size of chunks'
        . ' of its own' ],
    [ stream => 'chunks=2, text=utf8', 'chunks has a text and a size of'
        . ' chunks of its own' ],
    [ chat => 'interval=5', 'interval needs chunk where the reply is not a'
        . ' stream' ],
    [ stream => 'interval=5, status=500', 'interval needs chunk where the'
        . ' reply is not a stream' ],
    [ chat => 'status=500, text=utf8', 'text, chunks, noresponse and'
        . ' malformed need an answer, which status and body replace' ],
    [ chat => 'body=html, malformed', 'text, chunks, noresponse and'
        . ' malformed need an answer, which status and body replace' ],
    [ chat => 'noresponse, text=utf8', 'noresponse leaves nothing for text,'
        . ' chunks and malformed' ],
    [ chat => 'cut=99', 'a fault after 99 bytes would not happen: the'
        . ' body\'s length is 27' ],
    [ chat => 'cut=27', 'a fault after 27 bytes would not happen: the'
        . ' body\'s length is 27' ],
    [ stream => 'reset=13', 'a fault after 13 bytes would not happen: the'
        . ' body\'s length is 12' ],
) {
    my ($route, $value, $message) = @$case;

    $r = $route eq 'models' ? get($route, sim => $value)
        : post($route, {}, sim => $value);

    is(join(' ', $r->{status}, $r->json()->{detail}),
        "400 X-Argo-Sim: $message", "$route $value");
}

is(post('stream', {}, sim => 'badchunk', version => '1.0')->json()->{detail},
    'X-Argo-Sim: badchunk needs a reply that can be chunked (HTTP/1.1)',
    'badchunk over HTTP/1.0');
is(post('stream', {}, sim => 'badchunk', location => '/unframed/')
    ->{status}, 400, 'badchunk without chunks');
is(post('chat', {}, sim => '')->{status}, 200, 'empty header');
is(post('chat', {}, sim => " text = utf8 ,delay=1,")->{status}, 200,
    'blanks in the header');
is(raw('POST', $path{chat}, body => body('chat'), headers => [
    'X-Argo-Sim', 'status=503', 'x-argo-sim', 'body=empty' ])->{body}, '',
    'two headers');

# status and body

my %bodies = (
    json => '{"error":{"message":"Error code: 429 - simulated failure",'
        . '"type":"RateLimitError","code":"internal_error"}}',
    html => "<html>\r\n<head><title>429 Too Many Requests</title></head>\r\n"
        . "<body>\r\n<center><h1>429 Too Many Requests</h1></center>\r\n"
        . "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
    detail => '{"detail":"Error code: 429 - simulated failure"}',
    detail_array => '{"detail":[{"type":"value_error","loc":["body",'
        . '"messages",0,"content"],"msg":"Error code: 429 - simulated'
        . ' failure","input":null}]}',
    error_string => '{"error":"Error code: 429 - simulated failure"}',
    empty => '',
);

for my $form (sort keys %bodies) {
    $r = post('stream', {}, sim => "status=429, body=$form, retry_after=7");

    is($r->{status}, 429, "body $form - status");
    is($r->{body}, $bodies{$form}, "body $form");
    is($r->header('content-type'), $form eq 'html' ? 'text/html'
        : $form eq 'empty' ? undef : 'application/json',
        "body $form - type");
    is($r->header('retry-after'), 7, "body $form - retry after");
}

is(summary(post('chat', {}, sim => 'status=500')),
    '500 {"detail":"Error code: 500 - simulated failure"}', 'status alone');
is(summary(post('chat', {}, sim => 'status=302')),
    '302 {"detail":"Error code: 302 - simulated failure"}', 'redirect');
is(summary(post('chat', {}, sim => 'status=201')),
    '201 {"response":"You said: Hi"}', 'status of an answer');
is(summary(post('chat', {}, sim => 'body=error_string')),
    '200 {"error":"Error code: 200 - simulated failure"}', 'body alone');
is(summary(post('chat', { user => undef }, sim => 'status=503')),
    '503 {"detail":"Error code: 503 - simulated failure"}',
    'no check before a failure');
is(get('models', sim => 'status=503')->{status}, 503, 'status of the models');
is(get('health', sim => 'status=503')->{status}, 503, 'status of the health');

# texts

is(text_of('text=denied'), sprintf($notice, 'jdoe', $denied), 'denied');
is(text_of('text=denied2'), sprintf($notice, 'jdoe', $denied2), 'denied2');
is(text_of('text=misuse'), $misuse, 'misuse');
is(text_of('text=nonetype'), "'NoneType' object is not iterable", 'nonetype');
is(text_of('text=empty'), '', 'empty');
is(text_of('chunks=3'), 'chunk 1 chunk 2 chunk 3 ', 'chunks');
like(text_of('text=quote'), qr/^The notice .*AUTHENTICATION NOTICE FROM ARGO/s,
    'quote');
like(text_of('text=utf8'), qr/\x{e9}.*\x{20ac}\x{4e2d}.*\x{1f642}/, 'utf8');
like(text_of('text=lorem'), qr/^Lorem ipsum dolor/, 'lorem');
is(length text_of('text=lorem'), 1000, 'lorem length');
is(length text_of('text=lorem, size=12345'), 12345, 'size');
is(post('chat', { tools => $tools{gpt4o} }, sim => 'text=misuse')->json()
    ->{response}{content}, $misuse, 'text where tools are');

$r = post('stream', {}, sim => 'text=empty');
is($r->{complete}, 1, 'empty stream is complete');

# chunks

$r = post('stream', {}, sim => 'chunks=200, interval=1');
is($r->{body}, join('', map { "chunk $_ " } 1 .. 200), '200 chunks in order');
is(scalar(@{$r->{chunks}}), 200, '200 chunks');

$r = post('stream', {}, sim => 'text=utf8, chunk=1');
is(join('', @{$r->{chunks}}), '1' x length $r->{body}, 'single bytes');

$r = post('stream', {}, sim => 'text=lorem, size=1000, chunk=300');
is(join(' ', @{$r->{chunks}}), '300 300 300 100', 'chunk');

$r = post('chat', {}, sim => 'chunk=1, interval=1');
is($r->{framing}, 'length', 'unary in pieces - framing');
is($r->{body}, '{"response":"You said: Hi"}', 'unary in pieces');

# what is wrong with a 200

$r = post('chat', {}, sim => 'malformed');
is($r->{complete}, 1, 'malformed is complete');
is($r->{body}, '{"response":"', 'malformed');
is(get('models', sim => 'malformed')->json(), undef, 'malformed models');
is(post('chat', {}, sim => 'noresponse')->{body}, '{"result":"nothing"}',
    'noresponse');
is(post('embed', {}, sim => 'noresponse')->{body}, '{"result":"nothing"}',
    'noresponse of an embedding');
is(post('chat', {}, sim => 'type=text/html; charset=x')
    ->header('content-type'), 'text/html; charset=x', 'type');
is(post('stream', {}, sim => 'type=none')->header('content-type'), undef,
    'type none');
is(post('stream', {}, sim => 'gzip')->header('content-encoding'), 'gzip',
    'gzip');

###############################################################################

# broken connections

$r = post('chat', {}, sim => 'cut=5');
is(join(' ', @$r{qw/ status framing body complete /}, $r->{client}{eof}),
    '200 length {"res 0 1', 'cut unary');
is($r->header('content-length'), 27, 'cut unary - length');
ok(!$r->{client}{reset}, 'cut unary - no reset');

$r = post('chat', {}, sim => 'cut=0');
is(join(' ', @$r{qw/ status body complete /}, $r->{client}{eof}),
    '200  0 1', 'cut after the header');

is(answer('stream', 'cut=0', '')->{eof}, 1, 'cut stream after the header');
is(answer('stream', 'cut=4', "4\r\nYou \r\n")->{eof}, 1,
    'cut between chunks');
is(answer('stream', 'cut=6', "4\r\nYou \r\n6\r\nsa")->{eof}, 1,
    'cut in a chunk');
is(answer('stream', 'cut=12', "4\r\nYou \r\n6\r\nsaid: \r\n2\r\nHi\r\n")
    ->{eof}, 1, 'cut before the last chunk');
is(answer('stream', 'cut=3, chunk=2, interval=1', "2\r\nYo\r\n2\r\nu")->{eof},
    1, 'cut after some time');
is(answer('stream', 'cut=5, status=500',
    '{"det')->{eof}, 1, 'cut failure');

$c = answer('stream', 'cut', undef);
is($c->{in} . $c->{eof}, '1', 'cut before the header');
ok(!$c->{reset}, 'cut before the header - no reset');

$r = post('stream', {}, sim => 'cut=6', version => '1.0');
is($r->{body}, 'You sa', 'cut without framing');

ok(answer('stream', 'reset=6', "4\r\nYou \r\n6\r\nsa")->{reset},
    'reset in a chunk');
ok(answer('chat', 'reset=5', '{"res')->{reset}, 'reset unary');

$c = answer('chat', 'reset, delay=1', undef);
is($c->{in}, '', 'reset before the header');
ok($c->{reset}, 'reset before the header - reset');

$c = answer('stream', 'badchunk=4', "4\r\nYou \r\n");
is($c->{stray}, "HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\n"
    . "Content-Type: text/html\r\nContent-Length: 0\r\n"
    . "Connection: close\r\n\r\n", 'head in a body');
is($c->{eof}, 1, 'head in a body - end');

$r = post('stream', {}, sim => 'badchunk=6');
is($r->{body}, 'You sa', 'badchunk cuts a piece');
like($r->{broken}, qr/chunk size HTTP/, 'badchunk');
$r = post('chat', {}, sim => 'badchunk');
is($r->{framing}, 'chunked', 'badchunk makes chunks');
is($r->{body}, '{"response":"', 'badchunk in the middle');

# as nginx's own proxy sees them

for my $case (
    [ 'stream', 'cut=6', 'You sa', qr/prematurely closed connection while/ ],
    [ 'stream', 'cut=4', 'You ', qr/prematurely closed connection while/ ],
    [ 'chat', 'cut=5', '{"res', qr/prematurely closed connection while/ ],
    [ 'stream', 'badchunk=4', 'You ', qr/upstream sent invalid chunked resp/ ],
    [ 'stream', 'reset=6', 'You sa', qr/recv\(\) failed.*reset by peer/ ],
) {
    my ($route, $value, $seen, $message) = @$case;
    my $mark = length $t->read_file('error.log');

    $r = post($route, {}, sim => $value, location => '/via/');

    # what nginx reads together with the fault it may drop
    is($r->{body}, substr($seen, 0, length $r->{body}),
        "$route $value through a proxy");
    ok(!$r->{complete}, "$route $value through a proxy - not complete");
    ok($t->waitfor(sub { substr($t->read_file('error.log'), $mark)
        =~ $message }), "$route $value through a proxy - logged");
}

for my $value ('cut', 'reset') {
    is(post('chat', {}, sim => $value, location => '/via/')->{status}, 502,
        "$value through a proxy");
}

$r = post('stream', {}, sim => 'chunks=50', location => '/via/');
is($r->{complete}, 1, 'stream through a proxy');
is($r->{body}, join('', map { "chunk $_ " } 1 .. 50),
    'stream through a proxy - body');

###############################################################################

# clients that go away

my $before = stats();

is($before->{active}, 0, 'nothing left');
is($before->{requests}, $before->{aborted} + $before->{completed},
    'requests add up');

is(aborted('stream', "delay=$hour"), 'active 1, aborted 1',
    'abort in a delay');
is(aborted('chat', "delay=$hour", reset => 1), 'active 1, aborted 1',
    'reset in a delay');
is(aborted('stream', "interval=$hour", seen => '4'),
    'active 1, aborted 1', 'abort between chunks');
is(aborted('stream', '', seen => '4', location => '/slow/'),
    'active 1, aborted 1', 'interval by configuration');
is(aborted('stream', 'stall=6', seen => "6\r\nsa"), 'active 1, aborted 1',
    'stall in a stream');
is(aborted('stream', 'stall=0', seen => "\r\n\r\n"), 'active 1, aborted 1',
    'stall after the header');
is(aborted('chat', 'stall=5', seen => '{"res'), 'active 1, aborted 1',
    'stall in unary');
is(aborted('chat', 'stall'), 'active 1, aborted 1',
    'stall before the header');
is(aborted('stream', 'text=lorem, size=20000000, chunk=10000', rcvbuf => 4096,
    seen => 'Lorem'), 'active 1, aborted 1', 'client that does not read');
is(aborted('stream', 'text=lorem, size=20000000, chunk=10000', rcvbuf => 4096,
    seen => 'Lorem', reset => 1), 'active 1, aborted 1',
    'reset of a client that does not read');
is(aborted('stream', 'text=lorem, size=20000000, chunk=10000', rcvbuf => 4096,
    seen => 'Lorem', stay => 1, location => '/impatient/'),
    'active 1, aborted 1', 'client that is given up');

$before = stats();
post('stream', {}, sim => $_) for 'chunks=3', 'cut=3', 'reset=3', 'badchunk';
post('chat', { model => 'gpt9' });
raw('GET', '/argoapi/nowhere');
my $after = $t->waitfor(sub { my $s = stats();
    $s->{completed} == $before->{completed} + 5 ? $s : undef });
is($after && $after->{aborted}, $before->{aborted},
    'faults and refusals are completed');
is(raw('GET', '/members/sim/stats')->json()->{requests}, $after->{requests},
    'one count for all locations');

# slow ones

$r = post('stream', {}, sim => 'text=lorem, size=5000000, chunk=9999',
    rcvbuf => 4096);
is($r->{complete}, 1, 'slow client');
is(length $r->{body}, 5_000_000, 'slow client - length');

my $lorem = $r->{body};
$r = post('chat', {}, sim => 'text=lorem, size=5000000', rcvbuf => 4096);
is(JSON::PP->new->utf8->decode($r->{body})->{response}, $lorem,
    'slow client of a unary reply');

$r = post('stream', {}, sim => 'text=lorem, size=30000, chunk=1000',
    location => '/limited/');
is($r->{body}, substr($lorem, 0, 30000), 'limit_rate');

$after = stats();

is($after->{active}, 0, 'nothing left at the end');
is($after->{requests}, $after->{aborted} + $after->{completed},
    'requests add up at the end');

$t->done_testing();

###############################################################################

sub utf8 {
    my ($text) = @_;

    utf8::encode($text);

    return $text;
}


sub message {
    my ($role, $content) = @_;

    return { role => $role, content => $content };
}


# The body of a request: usual members, unless others are given.  A member
# of the value undef is null; "without" takes members away.

sub body {
    my ($route, $members, %opt) = @_;

    my %body = $route eq 'embed'
        ? (user => 'jdoe', model => 'v3small', prompt => [ 'Hi' ])
        : (user => 'jdoe', model => 'gpt4o',
            messages => [ message(user => 'Hi') ]);

    %body = (%body, %{$members || {}});
    delete @body{@{$opt{without} || []}};

    if ($opt{strings}) {
        $_ = "$_" for @{$body{prompt}};
    }

    return $json->encode(\%body);
}


sub post_only {
    my ($route, $members, %opt) = @_;

    my $uri = $path{$route};
    my $client = Argo::Client->new(port(8080), rcvbuf => $opt{rcvbuf});
    my @headers = ('X-Argo-Sim', $opt{sim}) if defined $opt{sim};

    $uri =~ s{^/argoapi/}{$opt{location}} if $opt{location};

    $client->post_only($uri, body($route, $members, %opt),
        headers => [ @headers ], version => $opt{version});

    return $client;
}


sub post {
    return post_only(@_)->response();
}


sub get {
    my ($route, %opt) = @_;

    return Argo::Client->new(port(8080))->get($path{$route},
        headers => defined $opt{sim} ? [ 'X-Argo-Sim', $opt{sim} ] : []);
}


sub raw {
    my ($method, $uri, %opt) = @_;

    my $client = Argo::Client->new(port(8080));

    $client->request($method, $uri, %opt);

    return $client->response();
}


sub chat {
    my ($text) = @_;

    return post('chat', { messages => [ message(user => $text) ] });
}


sub said {
    return chat(@_)->json()->{response};
}


sub stream {
    my ($text, %opt) = @_;

    return post('stream', { messages => [ message(user => $text) ] }, %opt);
}


sub summary {
    my ($r) = @_;

    return "$r->{status} $r->{body}";
}


# FastAPI's errors in one line each.

sub details {
    my ($r) = @_;

    my $j = $r->json();
    my $detail = ref $j eq 'HASH' ? $j->{detail} : undef;

    return "$r->{status} $r->{body}" unless ref $detail eq 'ARRAY';

    return "$r->{status} " . join ', ', map {
        "$_->{type} " . join('.', @{$_->{loc}}) . " $_->{msg}"
    } @$detail;
}


sub refusal {
    my ($route, $members, @without) = @_;

    return details(post($route, $members, without => \@without));
}


sub refusal_of {
    my ($body, %opt) = @_;

    return details(raw('POST', $path{chat}, body => $body, headers =>
        [ 'Content-Type', $opt{type} || 'application/json' ]));
}


# ARGO's errors in one line.

sub error {
    my $r = post(@_);
    my $j = $r->json();
    my $e = ref $j eq 'HASH' ? $j->{error} : undef;

    return "$r->{status} $r->{body}" unless ref $e eq 'HASH';
    return join ' ', $r->{status}, @$e{qw/ type code message /};
}


# The text of an answer, which has to be the same on both routes.

sub text_of {
    my ($sim) = @_;

    my $text = post('chat', {}, sim => $sim)->json()->{response};
    my $streamed = post('stream', {}, sim => $sim)->{body};

    return $streamed eq utf8($text) ? $text : "other in a stream: $streamed";
}


# A broken reply, byte by byte: the body is compared with what it begins
# with, what follows is kept.  An undefined body: not even a header comes.

sub answer {
    my ($route, $sim, $expected) = @_;

    my $client = post_only($route, {}, sim => $sim);
    1 while $client->fill();

    ok(!$client->{timed_out}, "$route $sim ended");

    if (defined $expected) {
        my $in = $client->{in};
        $in =~ s/^HTTP.*?\r\n\r\n//s;
        is(substr($in, 0, length $expected), $expected, "$route $sim body");
        $client->{stray} = substr $in, length $expected;

        is($client->{stray}, '', "$route $sim nothing else")
            if $sim !~ /badchunk/;
    }

    return $client;
}


sub stats {
    return raw('GET', '/argoapi/sim/stats')->json();
}


# Leaves a request alone after something of its reply has been seen; tells
# how the counts went.

sub aborted {
    my ($route, $sim, %opt) = @_;

    my $was = stats();
    my $client = post_only($route, {}, sim => $sim, rcvbuf => $opt{rcvbuf},
        location => $opt{location});

    if ($opt{seen}) {
        while ($client->{in} !~ /\Q$opt{seen}\E/) {
            $client->fill() or return "not seen: $client->{in}";
        }
    }

    my $now = $t->waitfor(sub { my $s = stats(); $s->{active} ? $s : undef })
        || stats();
    my $result = "active $now->{active}";

    if ($opt{reset}) {
        $client->reset();

    } elsif (!$opt{stay}) {
        $client->close();
    }

    $now = $t->waitfor(sub { my $s = stats(); $s->{active} ? undef : $s })
        || stats();

    return "$result, aborted " . ($now->{aborted} - $was->{aborted});
}

###############################################################################
