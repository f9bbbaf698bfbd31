package Argo::Native;

# Copyright (C) The ngx_http_argo_module authors

# ARGO's native APIs for Argo::Gateway: what each of them answers with a text,
# whole and as a stream; and the requests that clients of each kind make.

use warnings;
use strict;

use base qw/ Exporter /;

our @EXPORT = qw/ chat_body chat_frames claude_frames responses_body
    responses_frames reply sse native_script @endpoints ask text_of /;

use JSON::PP ();

use Argo::Client ();
use Argo::Test ();

my $true = JSON::PP::true;
my $false = JSON::PP::false;


# ---- what upstream says

sub reply {
    my ($body) = @_;

    return [[header => 'Content-Type', 'application/json'], [body => $body]];
}


sub sse {
    my (@frames) = @_;

    return [[header => 'Content-Type', 'text/event-stream; charset=utf-8'],
        (map { ref $_ ? $_ : [chunk => $_] } @frames), [end =>]];
}


sub data {
    my ($data) = @_;

    return 'data: ' . Argo::Test::json($data) . "\n\n";
}


sub event {
    my ($type, $data) = @_;

    return "event: $type\n" . data({ %$data, type => $type });
}


sub chat_body {
    my ($text) = @_;

    return Argo::Test::json({ id => 'c1', object => 'chat.completion',
        created => 1, model => 'm', choices => [{ index => 0,
            message => { role => 'assistant', content => $text },
            logprobs => undef, finish_reason => 'stop' }],
        usage => { prompt_tokens => 11, completion_tokens => 3,
            total_tokens => 14 } });
}


sub chunk {
    my ($delta, $finish) = @_;

    return data({ id => 'c1', object => 'chat.completion.chunk',
        created => 1, model => 'm', choices => [{ index => 0,
            delta => $delta, finish_reason => $finish }] });
}


# What is a reference among the texts is a step of its own.

sub chat_frames {
    my (@texts) = @_;

    return (chunk({ role => 'assistant', content => '' }),
        (map { ref $_ ? $_ : chunk({ content => $_ }) } @texts),
        chunk({}, 'stop'),
        data({ id => 'c1', object => 'chat.completion.chunk', created => 1,
            model => 'm', choices => [], usage => { prompt_tokens => 11,
                completion_tokens => 3, total_tokens => 14 } }),
        "data: [DONE]\n\n");
}


sub claude_frames {
    my (@texts) = @_;

    return (event('message_start', { message => { id => 'msg_1',
            type => 'message', role => 'assistant', content => [],
            model => 'm', stop_reason => undef, stop_sequence => undef,
            usage => { input_tokens => 11, output_tokens => 1 } } }),
        event('content_block_start', { index => 0,
            content_block => { type => 'text', text => '' } }),
        (map { ref $_ ? $_ : event('content_block_delta', { index => 0,
            delta => { type => 'text_delta', text => $_ } }) } @texts),
        event('content_block_stop', { index => 0 }),
        event('message_delta', { delta => { stop_reason => 'end_turn',
            stop_sequence => undef }, usage => { output_tokens => 3 } }),
        event('message_stop', {}));
}


sub response {
    my ($status, @output) = @_;

    return { id => 'resp_1', object => 'response', created_at => 1,
        model => 'm', status => $status, error => undef,
        incomplete_details => undef, output => \@output,
        parallel_tool_calls => $true, tool_choice => 'auto', tools => [],
        usage => $status eq 'completed' ? { input_tokens => 11,
            output_tokens => 3, total_tokens => 14 } : undef };
}


sub message_item {
    my ($text) = @_;

    return { id => 'msg_1', type => 'message', role => 'assistant',
        status => 'completed', content => [{ type => 'output_text',
            text => $text, annotations => [] }] };
}


sub responses_body {
    my ($text) = @_;

    return Argo::Test::json(response('completed', message_item($text)));
}


sub responses_frames {
    my (@texts) = @_;

    my $text = join '', grep { !ref $_ } @texts;

    return (event('response.created', { response => response('in_progress') }),
        event('response.output_item.added', { output_index => 0,
            item => { id => 'msg_1', type => 'message', role => 'assistant',
                status => 'in_progress', content => [] } }),
        event('response.content_part.added', { output_index => 0,
            content_index => 0, item_id => 'msg_1',
            part => { type => 'output_text', text => '',
                annotations => [] } }),
        (map { ref $_ ? $_ : event('response.output_text.delta', {
            output_index => 0, content_index => 0, item_id => 'msg_1',
            delta => $_ }) } @texts),
        event('response.output_text.done', { output_index => 0,
            content_index => 0, item_id => 'msg_1', text => $text }),
        event('response.output_item.done', { output_index => 0,
            item => message_item($text) }),
        event('response.completed', {
            response => response('completed', message_item($text)) }));
}


# Scripts all of ARGO's APIs, below a prefix, with an answer of these texts.

sub native_script {
    my ($gateway, $stream, @texts) = @_;

    my $text = join '', grep { !ref $_ } @texts;

    $gateway->script('/v1/messages', sse(claude_frames(@texts)));
    $gateway->script('/v1/chat/completions', $stream
        ? sse(chat_frames(@texts)) : reply(chat_body($text)));
    $gateway->script('/v1/responses', $stream
        ? sse(responses_frames(@texts)) : reply(responses_body($text)));
    $gateway->script('/v1/messages/count_tokens',
        reply('{"input_tokens":4711}'));
    $gateway->script('/v1/embeddings', reply('{"object":"list","data":'
        . '[{"object":"embedding","index":0,"embedding":[0.5,1]}],'
        . '"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}'));
    $gateway->script('/api/v1/resource/chat/', reply(Argo::Test::json(
        { response => $text })));
    $gateway->script('/api/v1/resource/embed/',
        reply('{"embedding":[[0.5,1]]}'));
    $gateway->script('/api/v1/resource/streamchat/', [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        (map { ref $_ ? $_ : [chunk => do { my $b = $_; utf8::encode($b);
            $b }] } @texts), [end =>] ]);

    return $gateway;
}


# ---- what clients ask

# name, path (with {model} in it), and the request without its model; with
# {stream} in the path a stream has another path

our @endpoints = (
    { name => 'chat/completions', uri => '/v1/chat/completions',
        prompt => sub { messages => [{ role => 'user', content => $_[0] }] } },
    { name => 'completions', uri => '/v1/completions',
        prompt => sub { prompt => $_[0] } },
    { name => 'responses', uri => '/v1/responses',
        prompt => sub { input => $_[0] } },
    { name => 'messages', uri => '/v1/messages',
        prompt => sub { max_tokens => 100,
            messages => [{ role => 'user', content => $_[0] }] } },
    { name => 'gemini',
        uri => '/v1beta/models/{model}:generateContent',
        stream => '/v1beta/models/{model}:streamGenerateContent?alt=sse',
        prompt => sub { contents => [{ parts => [{ text => $_[0] }] }] } },
);


# The path and the body of a request for one of them; with members (JSON
# text) before all others.

sub ask {
    my ($endpoint, $model, %opt) = @_;

    my $uri = $opt{stream} && $endpoint->{stream} || $endpoint->{uri};
    my %body = $endpoint->{prompt}->(defined $opt{prompt} ? $opt{prompt}
        : 'Hi');

    if ($uri !~ s/\{model\}/$model/) {
        $body{model} = $model;
        $body{stream} = $true if $opt{stream};
    }

    my $body = Argo::Test::json(\%body);

    $body =~ s/^\{/{$opt{members},/ if defined $opt{members};

    return ($uri, $body);
}


# The text of a reply, in characters.

sub text_of {
    my ($name, $reply, $stream) = @_;

    return stream_text($name, $reply->events()) if $stream;

    my $j = $reply->json() or return;

    return $name eq 'chat/completions' ? $j->{choices}[0]{message}{content}
        : $name eq 'completions' ? $j->{choices}[0]{text}
        : $name eq 'responses' ? $j->{output}[0]{content}[0]{text}
        : $name eq 'messages' ? $j->{content}[0]{text}
        : $j->{candidates}[0]{content}{parts}[0]{text};
}


sub stream_text {
    my ($name, @events) = @_;

    my $text = '';

    for my $e (@events) {
        my $j = $e->{json};

        next unless ref $j eq 'HASH';

        my $delta = $name eq 'chat/completions'
            ? $j->{choices} && @{$j->{choices}} && $j->{choices}[0]{delta}
                && $j->{choices}[0]{delta}{content}
            : $name eq 'completions'
            ? $j->{choices} && @{$j->{choices}} && $j->{choices}[0]{text}
            : $name eq 'responses'
            ? ($j->{type} || '') eq 'response.output_text.delta'
                && $j->{delta}
            : $name eq 'messages'
            ? ($j->{type} || '') eq 'content_block_delta'
                && $j->{delta}{text}
            : $j->{candidates} && $j->{candidates}[0]{content}
                && $j->{candidates}[0]{content}{parts}
                && $j->{candidates}[0]{content}{parts}[0]{text};

        $text .= $delta if defined $delta && length $delta;
    }

    return $text;
}


1;
