#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for rules of models against the simulator, which refuses what ARGO
# refuses: each model gets what clients of each language send, parameter by
# parameter and some of them together, and answers.  Without rules it often
# does not.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use JSON::PP ();

use lib 'lib';
use Argo::Client;
use Argo::Test;

my $t = Argo::Test->new();

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_zone            argo 1m;
    argo_models_refresh  0;
    argo_user            jdoe;
    argo_upstream        /argo/;

    keepalive_requests   100000;

    upstream sim {
        server     127.0.0.1:8081;
        keepalive  4;
    }

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location / {
            argo_endpoint  auto;
        }

        location /none/ {
            argo_endpoint     auto;
            argo_model_rules  none;
        }

        location /argo/ {
            internal;
            proxy_pass          http://sim/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
        }
    }

    server {
        listen       127.0.0.1:8081;
        server_name  localhost;

        location / {
            argo_simulator;
        }
    }
}
EOC

$t->run();

my $json = JSON::PP->new()->canonical(1)->allow_nonref(1);
my $client = Argo::Client->new(port(8080));

###############################################################################

my @models = qw/
    gpt35 gpt35large gpt4 gpt4large gpt4turbo gpt4o gpto1preview gpto1mini
    gpto1 gpto3mini gpto3
    gpto4mini gpt41 gpt41mini gpt41nano gpt5 gpt5mini gpt5nano gpt51 gpt52
    gpt54 gpt54mini gpt54nano gpt55 gpt56sol gpt56terra gpt56luna
    gemini25pro gemini25flash gemini35flash gemini31flashlite
    claudeopus5 claudeopus48 claudeopus47 claudeopus46 claudeopus45
    claudeopus41 claudeopus4 claudehaiku45 claudesonnet5 claudesonnet46
    claudesonnet45 claudesonnet4 claudesonnet37 claudesonnet35v2
    claudehaiku35
/;

my @efforts = qw/ none minimal low medium high xhigh max /;
my @limits = (16, 64, 1000, 1025, 5000, 30000, 1000000);

# a schema with all that Google and Anthropic do not take

my $schema = {
    '$schema' => 'http://json-schema.org/draft-07/schema#',
    type => 'object',
    additionalProperties => JSON::PP::false,
    properties => {
        city => { '$ref' => '#/$defs/city' },
        unit => { const => 'c' },
        when => { type => [ 'string', 'null' ], format => 'time' },
        many => { type => 'integer', exclusiveMinimum => 0 },
        more => { oneOf => [ { type => 'string' }, { type => 'null' } ] },
    },
    required => [ 'city' ],
    '$defs' => { city => { type => 'string' } },
};

my %chat = (
    plain => [ {} ],
    temperature => [ map { { temperature => $_ } } 0, 0.5, 1, 2 ],
    top_p => [ map { { top_p => $_ } } 0.1, 1 ],
    both => [ { temperature => 0.2, top_p => 0.9 } ],
    limits => [ map { { max_tokens => $_ }, { max_completion_tokens => $_ } }
        @limits ],
    'both limits' => [ { max_tokens => 5000, max_completion_tokens => 6000 } ],
    effort => [ map { { reasoning_effort => $_ } } @efforts ],
    'effort and sampling' => [ map { { reasoning_effort => $_,
        temperature => 0.2, top_p => 0.5, max_tokens => 9000 } } @efforts ],
    developer => [ messages([ 'developer', 'Be brief.' ], [ 'user', 'Hi' ]) ],
    blank => [ messages([ 'user', ' ' ], [ 'assistant', 'What?' ],
        [ 'user', 'Hi' ]) ],
    tools => [ map { { tools => [ chat_tool() ], %$_ } } {},
        { tool_choice => 'auto' }, { tool_choice => 'required' },
        { tool_choice => { type => 'function', function => { name => 'f' } } },
        map { { reasoning_effort => $_ } } @efforts ],
    'forced and effort' => [ { tools => [ chat_tool() ],
        tool_choice => 'required', reasoning_effort => 'high' } ],
    'choice alone' => [ { tool_choice => 'auto' }, { tools => [] },
        { parallel_tool_calls => JSON::PP::true } ],
    history => [ map { { messages => chat_history($_),
        tools => [ chat_tool() ] } } 1, 2 ],
    'history and effort' => [ map { { messages => chat_history($_),
        reasoning_effort => 'high', tools => [ chat_tool() ] } } 1, 2 ],
    stream => [ map { { stream => JSON::PP::true, %$_ } } {},
        { temperature => 0 }, { max_tokens => 64 } ],
    'other vendors' => [ { top_k => 5 },
        { thinking => { type => 'enabled', budget_tokens => 2000 } } ],
    format => [ map { { response_format => $_ } }
        { type => 'text' }, { type => 'json_object' },
        { type => 'json_schema', json_schema => { name => 's',
            schema => $schema } } ],
    tuning => [ { stop => [ 'END' ] }, { stop => '' }, { seed => 7 },
        { frequency_penalty => 0.5, presence_penalty => 0.5 },
        { logit_bias => { 50256 => -100 } }, { service_tier => 'auto' },
        { metadata => { a => 'b' }, store => JSON::PP::false },
        { verbosity => 'low' }, { prompt_cache_key => 'k' },
        { n => 1 }, { logprobs => JSON::PP::false }, { unknown => [ 1 ] } ],
    'null content' => [ { messages => [ { role => 'user', content => 'Hi' },
        { role => 'assistant', content => undef, refusal => 'No.' },
        { role => 'user', content => 'Well?' } ] } ],
    'thoughts and signatures' => [ { messages => foreign_history(),
        tools => [ chat_tool() ] } ],
    images => [ map { { messages => [ { role => 'user', content => [
        { type => 'text', text => 'Look' }, (image()) x $_ ] } ] } } 1, 51 ],
);

my %completions = (
    plain => [ {} ],
    temperature => [ map { { temperature => $_ } } 0, 1, 2 ],
    both => [ { temperature => 0.2, top_p => 0.9 } ],
    limits => [ map { { max_tokens => $_ } } @limits ],
);

my %responses = (
    plain => [ {} ],
    temperature => [ map { { temperature => $_ } } 0, 1, 2 ],
    both => [ { temperature => 0.2, top_p => 0.9 } ],
    limits => [ map { { max_output_tokens => $_ } } @limits ],
    effort => [ map { { reasoning => { effort => $_, summary => 'auto' },
        include => [ 'reasoning.encrypted_content' ] } } @efforts ],
    tools => [ map { { tools => [ { type => 'function', name => 'f',
        parameters => $schema, strict => JSON::PP::false } ], %$_ } } {},
        { tool_choice => 'required' }, map { { reasoning =>
        { effort => $_ } } } @efforts ],
);

$responses{'tools of agents'} = [ map { { tools => [ $_ ] } }
    { type => 'custom', name => 'c', description => 'd' x 5000,
        format => { type => 'grammar', syntax => 'lark',
            definition => 'start: /a/' } },
    { type => 'local_shell' }, { type => 'web_search' },
    { type => 'namespace', name => 'n', description => 'N', tools => [
        { type => 'function', name => 'f', parameters => $schema } ] } ];

$responses{format} = [ map { { text => { format => $_ } } }
    { type => 'json_object' },
    { type => 'json_schema', name => 's', schema => $schema } ];

$responses{'thoughts of others'} = [ map { { input => [
    { role => 'user', content => 'Hi' },
    { type => 'reasoning', summary => [ { type => 'summary_text',
        text => 'Hm.' } ], %$_ },
    { type => 'function_call', call_id => 'c', name => 'f',
        arguments => '{}' },
    { type => 'function_call_output', call_id => 'c', output => 'x' } ],
    tools => [ { type => 'function', name => 'f', parameters => $schema } ]
    } } {}, { encrypted_content => 'google:c2ln' }, { id => 'rs_A_0' } ];

my @thinking = ({ type => 'disabled' }, { type => 'adaptive' },
    map { { type => 'enabled', budget_tokens => $_ } } 1, 1024, 20000);

my %messages = (
    plain => [ {} ],
    temperature => [ map { { temperature => $_ } } 0, 0.5, 1 ],
    top => [ { top_p => 0.1 }, { top_k => 5 } ],
    both => [ { temperature => 0.2, top_p => 0.9 } ],
    limits => [ map { { max_tokens => $_ } } @limits ],
    effort => [ map { { output_config => { effort => $_ } } } @efforts ],
    thinking => [ map { { thinking => $_ } } @thinking ],
    'thinking and sampling' => [ map { { thinking => $_, top_k => 3,
        temperature => 0.3, max_tokens => 9000 } } @thinking ],
    'thinking and effort' => [ map { my $think = $_; map { {
        thinking => $think, output_config => { effort => $_ } } } @efforts }
        @thinking ],
    tools => [ map { { tools => [ claude_tool() ], %$_ } } {},
        { tool_choice => { type => 'any' } } ],
    'thinking and a call' => [ map { { thinking => $_,
        tools => [ claude_tool() ], tool_choice => { type => 'any' } } }
        @thinking ],
    history => [ map { { thinking => $_, tools => [ claude_tool() ],
        messages => claude_history() } } @thinking ],
    format => [ { output_config => { format => { type => 'json_schema',
        schema => $schema } } } ],
    'thoughts of others' => [ { tools => [ claude_tool() ],
        messages => [ { role => 'user', content => 'Hi' },
            { role => 'assistant', content => [
                { type => 'thinking', thinking => 'Hm.', signature => '' },
                { type => 'redacted_thinking', data => 'google:c2ln' },
                { type => 'tool_use', id => 'c', name => 'f', input => {} } ]
            },
            { role => 'user', content => [ { type => 'tool_result',
                tool_use_id => 'c', content => 'x' } ] } ] } ],
    system => [ { system => 'Be brief.', messages => [
        { role => 'user', content => 'Hi' },
        { role => 'system', content => 'Be polite.' } ] } ],
    blank => [ messages([ 'user', [ { type => 'text', text => ' ' },
        { type => 'text', text => 'Hi' } ] ]) ],
);

my %gemini = (
    plain => [ {} ],
    config => [ map { { generationConfig => $_ } }
        { temperature => 0 }, { temperature => 2 }, { topP => 0.1 },
        { temperature => 0.3, topP => 0.3, topK => 3 },
        (map { { maxOutputTokens => $_ } } @limits),
        (map { { thinkingConfig => { thinkingBudget => $_ } } } 0, -1, 500,
            5000),
        (map { { thinkingConfig => { thinkingLevel => $_ } } } 'LOW',
            'HIGH'),
        { responseMimeType => 'application/json' },
        { responseMimeType => 'application/json',
            responseSchema => { type => 'OBJECT', properties => { a => {
                type => 'STRING', nullable => JSON::PP::true } } } },
        { responseMimeType => 'application/json',
            responseJsonSchema => $schema },
        { stopSequences => [ 'END' ], seed => 7, presencePenalty => 0.5 } ],
    signatures => [ { contents => [
        { role => 'user', parts => [ { text => 'Hi' } ] },
        { role => 'model', parts => [ { functionCall => { name => 'f',
            args => {} }, thoughtSignature => 'c2ln' } ] },
        { role => 'user', parts => [ { functionResponse => { name => 'f',
            response => { output => 'x' } } } ] } ],
        tools => [ { functionDeclarations => [ { name => 'f' } ] } ] } ],
    tools => [ { tools => [ { functionDeclarations => [ { name => 'f',
        description => 'F', parametersJsonSchema => $schema } ] } ] } ],
);

# name, path, parameters, and what else there must be

my @clients = (
    [ 'chat', sub { 'v1/chat/completions' }, \%chat,
        messages([ 'user', 'Hi' ]) ],
    [ 'completions', sub { 'v1/completions' }, \%completions,
        { prompt => 'Hi' } ],
    [ 'responses', sub { 'v1/responses' }, \%responses, { input => 'Hi' } ],
    [ 'messages', sub { 'v1/messages' }, \%messages,
        { max_tokens => 2000, %{messages([ 'user', 'Hi' ])} } ],
    [ 'gemini', sub { "v1beta/models/$_[0]:generateContent" }, \%gemini,
        { contents => [ { role => 'user', parts => [ { text => 'Hi' } ] } ] }
    ],
);

my %unruly;
my $asked = 0;

for my $model (@models) {
    for (@clients) {
        my ($name, $path, $parameters, $rest) = @$_;

        my @bad;

        for my $parameter (sort keys %$parameters) {
            for my $members (@{$parameters->{$parameter}}) {
                my $said = ask("/" . $path->($model), $model, $rest, $members);

                push @bad, "$parameter: " . $json->encode($members) . ": $said"
                    if $said ne '';
            }
        }

        is(scalar @bad, 0, "$model takes what $name clients send")
            or diag(join "\n", @bad[0 .. ($#bad > 4 ? 4 : $#bad)]);
    }

    # one of what is refused without rules

    for ({ temperature => 0, top_p => 0.5 }, { max_tokens => 1000000 }) {
        $unruly{$model} = 1 if ask('/none/v1/chat/completions', $model,
            messages([ 'user', 'Hi' ]), $_) ne '';
    }
}

cmp_ok($asked, '>', 5000, "$asked requests");
is(scalar keys %unruly, scalar @models, 'without rules requests fail');

$t->done_testing();

###############################################################################

sub messages {
    return { messages => [ map { { role => $_->[0], content => $_->[1] } }
        @_ ] };
}


sub chat_tool {
    return { type => 'function', function => { name => 'f',
        description => 'F', parameters => $schema } };
}


sub claude_tool {
    return { name => 'f', description => 'F', input_schema => $schema };
}


# calls at once, answered

sub chat_history {
    my ($n) = @_;

    return [
        { role => 'user', content => 'Hi' },
        { role => 'assistant', content => undef, tool_calls => [ map { {
            id => "call_$_", type => 'function',
            function => { name => 'f', arguments => '{}' } } } 1 .. $n ] },
        map { { role => 'tool', tool_call_id => "call_$_", content => 'x' } }
            1 .. $n,
    ];
}


# begun with Claude and with Gemini

sub foreign_history {
    return [
        { role => 'user', content => 'Hi' },
        { role => 'assistant', content => 'Hm.', reasoning_content => 'Hm.',
            tool_calls => [ { id => 'c', type => 'function', function => {
                name => 'f', arguments => '{}' }, extra_content => { google =>
                { thought_signature => 'c2ln' } } } ] },
        { role => 'tool', tool_call_id => 'c', content => 'x' },
    ];
}


sub image {
    return { type => 'image_url', image_url => { url =>
        'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ'
        . 'AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==' } };
}


sub claude_history {
    return [
        { role => 'user', content => 'Hi' },
        { role => 'assistant', content => [ { type => 'tool_use',
            id => 'toolu_1', name => 'f', input => {} } ] },
        { role => 'user', content => [ { type => 'tool_result',
            tool_use_id => 'toolu_1', content => 'x' } ] },
    ];
}


# Empty if the model has answered, else what is wrong.

sub ask {
    my ($uri, $model, $rest, $members) = @_;

    my %body = (%$rest, %$members);
    $body{model} = $model unless $uri =~ /v1beta/;

    my $r = $client->post($uri, $json->encode(\%body));
    $asked++;

    if (($r->header('connection') || '') eq 'close') {
        $client->close();
        $client = Argo::Client->new(port(8080));
    }

    return "$r->{status} $r->{body}" if $r->{status} != 200;
    return "no end" unless $r->{complete};
    return "error $r->{body}" if $r->{body} =~ /"error"\s*:\s*\{/;

    return '';
}

###############################################################################
