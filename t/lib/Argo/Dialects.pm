package Argo::Dialects;

# Copyright (C) The ngx_http_argo_module authors

# ARGO's native APIs as a test needs them: what clients ask, which API is
# called for it and in which form, what a good reply of each looks like, and
# what of an error each client must see.
#
# An API is one of chat, responses, messages, count, embeddings; a form is
# json or sse.  A client is a hash:
#
#   name
#   dialect  openai, responses, anthropic or gemini: that of its errors
#   uri      of a model and of whether a stream is wanted
#   ask      the body, as data, of the same
#   modes    which of 0 (one body) and 1 (a stream) there are
#   array    a stream is an array, not events

use warnings;
use strict;

use Argo::Client ();
use Argo::Test ();
use JSON::PP ();

our %uri = (
    chat => '/v1/chat/completions',
    responses => '/v1/responses',
    messages => '/v1/messages',
    count => '/v1/messages/count_tokens',
    embeddings => '/v1/embeddings',
);

our %models = (gpt => 'gpt-4o', claude => 'claudehaiku45');

my @hello = ({ role => 'user', content => 'hi' });
my @parts = ({ role => 'user', parts => [{ text => 'hi' }] });

our @clients = (
    client('chat', 'openai', '/v1/chat/completions', messages => \@hello),
    client('completions', 'openai', '/v1/completions', prompt => 'hi'),
    client('responses', 'responses', '/v1/responses', input => 'hi'),
    client('messages', 'anthropic', '/v1/messages', messages => \@hello,
        max_tokens => 100),

    { name => 'gemini', dialect => 'gemini', modes => [0, 1],
        uri => sub { "/v1beta/models/$_[0]:" . ($_[1]
            ? 'streamGenerateContent?alt=sse' : 'generateContent') },
        ask => sub { +{ contents => \@parts } } },

    { name => 'gemini array', dialect => 'gemini', modes => [1], array => 1,
        uri => sub { "/v1beta/models/$_[0]:streamGenerateContent" },
        ask => sub { +{ contents => \@parts } } },

    { name => 'count', dialect => 'anthropic', modes => [0],
        only => 'claude', uri => sub { '/v1/messages/count_tokens' },
        ask => sub { +{ model => $_[0], messages => \@hello } } },

    { name => 'embeddings', dialect => 'openai', modes => [0], only => 'gpt',
        uri => sub { '/v1/embeddings' },
        ask => sub { +{ model => 'v3small', input => ['hi'] } } },
);

# the type of an error, by its status

my %types = (
    openai => { 401 => 'authentication_error', 403 => 'permission_error',
        429 => 'rate_limit_error', 408 => 'server_error',
        4 => 'invalid_request_error', 5 => 'server_error' },
    anthropic => { 401 => 'authentication_error', 403 => 'permission_error',
        404 => 'not_found_error', 408 => 'timeout_error',
        413 => 'request_too_large', 429 => 'rate_limit_error',
        503 => 'overloaded_error', 504 => 'timeout_error',
        529 => 'overloaded_error', 4 => 'invalid_request_error',
        5 => 'api_error' },
    gemini => { 401 => 'UNAUTHENTICATED', 403 => 'PERMISSION_DENIED',
        404 => 'NOT_FOUND', 408 => 'DEADLINE_EXCEEDED',
        429 => 'RESOURCE_EXHAUSTED', 500 => 'INTERNAL',
        501 => 'UNIMPLEMENTED', 504 => 'DEADLINE_EXCEEDED',
        4 => 'INVALID_ARGUMENT', 5 => 'UNAVAILABLE' },
);

$types{responses} = $types{openai};

# what says, to a client, that a reply is whole

our %ends = (
    openai => qr/\[DONE\]|"finish_reason":"/,
    responses => qr/response\.completed|response\.incomplete
        |"status":"completed"/x,
    anthropic => qr/message_stop|message_delta|"stop_reason":"/,
    gemini => qr/"finishReason":/,
);


sub client {
    my ($name, $dialect, $uri, %ask) = @_;

    return {
        name => $name, dialect => $dialect, modes => [0, 1],
        uri => sub { $uri },
        ask => sub { +{ %ask, model => $_[0],
            $_[1] ? (stream => JSON::PP::true) : () } },
    };
}


# All ways to ask: hashes with client, model, stream, api, form, name.

sub ways {
    my ($stream) = @_;

    my @ways;

    for my $client (@clients) {
        for my $family (sort keys %models) {

            next if $client->{only} && $client->{only} ne $family;
            next unless grep { $_ == $stream } @{$client->{modes}};

            push @ways, {
                client => $client, model => $models{$family},
                stream => $stream, api($client, $family, $stream),
                name => "$client->{name}, $family"
                    . ($stream ? ', streamed' : ''),
            };
        }
    }

    return @ways;
}


sub api {
    my ($client, $family, $stream) = @_;

    my $name = $client->{name};

    # Claude is always streamed

    return (api => $name, form => 'json') if $client->{only};
    return (api => 'messages', form => 'sse') if $family eq 'claude';
    return (api => $name eq 'responses' ? 'responses' : 'chat',
            form => $stream ? 'sse' : 'json');
}


sub uri {
    my ($way) = @_;

    return $way->{client}{uri}->($way->{model}, $way->{stream});
}


sub body {
    my ($way) = @_;

    return Argo::Test::json($way->{client}{ask}->($way->{model},
        $way->{stream}));
}


# ---- what ARGO says

sub data {
    return 'data: ' . Argo::Test::json($_[0]) . "\n\n";
}


sub event {
    my ($type, $data) = @_;

    return "event: $type\n" . data({ %$data, type => $type });
}


sub chunk {
    my ($delta, $finish) = @_;

    return data({ id => 'c1', object => 'chat.completion.chunk',
        created => 1, model => 'gpt-4o-2024', usage => undef,
        choices => [{ index => 0, delta => $delta, logprobs => undef,
                      finish_reason => $finish }] });
}


# A whole reply as JSON, with a text.

sub json {
    my ($api, $text) = @_;

    $text = 'Salve' unless defined $text;

    return Argo::Test::json({ input_tokens => 4711 }) if $api eq 'count';

    return Argo::Test::json({ object => 'list', data => [{
        object => 'embedding', index => 0, embedding => [0.5, 0.25] }],
        model => 'x', usage => { prompt_tokens => 7, total_tokens => 7 } })
        if $api eq 'embeddings';

    return Argo::Test::json({ id => 'msg_1', type => 'message',
        role => 'assistant', model => 'claude-haiku',
        content => [{ type => 'text', text => $text }],
        stop_reason => 'end_turn', stop_sequence => undef,
        usage => { input_tokens => 11, output_tokens => 3 } })
        if $api eq 'messages';

    return Argo::Test::json(response('completed', $text))
        if $api eq 'responses';

    return Argo::Test::json({ id => 'c1', object => 'chat.completion',
        created => 1, model => 'gpt-4o-2024', choices => [{ index => 0,
            message => { role => 'assistant', content => $text,
                         refusal => undef },
            logprobs => undef, finish_reason => 'stop' }],
        usage => { prompt_tokens => 11, completion_tokens => 3,
                   total_tokens => 14 } });
}


sub message {
    my ($status, $text) = @_;

    return { id => 'msg_1', type => 'message', role => 'assistant',
        status => $status, content => defined $text ? [ text_part($text) ]
            : [] };
}


sub text_part {
    return { type => 'output_text', text => $_[0], annotations => [],
        logprobs => [] };
}


sub response {
    my ($status, $text) = @_;

    return { id => 'resp_1', object => 'response', created_at => 1,
        status => $status, error => undef, incomplete_details => undef,
        instructions => undef, metadata => {}, model => 'gpt-4o-2024',
        output => defined $text ? [ message('completed', $text) ] : [],
        parallel_tool_calls => JSON::PP::true, temperature => 1,
        tool_choice => 'auto', tools => [], top_p => 1,
        usage => defined $text ? { input_tokens => 11, output_tokens => 3,
            total_tokens => 14, input_tokens_details => { cached_tokens => 0 },
            output_tokens_details => { reasoning_tokens => 0 } } : undef };
}


# A whole reply as events: those up to the text, those of the text, one for
# each piece, and those that say that it is over.

sub frames {
    my ($api, @texts) = @_;

    @texts = ('Sal', 've') unless @texts;

    return $api eq 'messages' ? claude_frames(@texts)
        : $api eq 'responses' ? responses_frames(@texts)
        : (
        [ data({ id => '', choices => [], created => 0, model => '',
                 object => '', usage => undef }),
          chunk({ role => 'assistant', content => '' }) ],
        [ map { chunk({ content => $_ }) } @texts ],
        [ chunk({}, 'stop'),
          data({ id => 'c1', object => 'chat.completion.chunk', created => 1,
              model => 'gpt-4o-2024', choices => [],
              usage => { prompt_tokens => 11, completion_tokens => 3,
                         total_tokens => 14 } }),
          "data: [DONE]\n\n" ]);
}


sub claude_frames {
    my (@texts) = @_;

    return ([
        event('message_start', { message => { id => 'msg_1',
            type => 'message', role => 'assistant', content => [],
            model => 'claude-haiku', stop_reason => undef,
            stop_sequence => undef, usage => { input_tokens => 11,
                output_tokens => 1 } } }),
        event('content_block_start', { index => 0,
            content_block => { type => 'text', text => '' } }),
        event('ping', {}),
    ], [
        map { event('content_block_delta', { index => 0,
            delta => { type => 'text_delta', text => $_ } }) } @texts
    ], [
        event('content_block_stop', { index => 0 }),
        event('message_delta', { delta => { stop_reason => 'end_turn',
            stop_sequence => undef }, usage => { output_tokens => 3 } }),
        event('message_stop', {}),
    ]);
}


sub responses_frames {
    my (@texts) = @_;

    my $n = 0;
    my $add = sub { event("response.$_[0]", { %{$_[1]},
        sequence_number => $n++ }) };
    my %at = (output_index => 0, content_index => 0, item_id => 'msg_1');
    my $text = join '', @texts;

    return ([
        $add->('created', { response => response('in_progress') }),
        $add->('in_progress', { response => response('in_progress') }),
        $add->('output_item.added', { output_index => 0,
            item => message('in_progress') }),
        $add->('content_part.added', { %at, part => text_part('') }),
    ], [
        map { $add->('output_text.delta', { %at, delta => $_,
            logprobs => [] }) } @texts
    ], [
        $add->('output_text.done', { %at, text => $text, logprobs => [] }),
        $add->('content_part.done', { %at, part => text_part($text) }),
        $add->('output_item.done', { output_index => 0,
            item => message('completed', $text) }),
        $add->('completed', { response => response('completed', $text) }),
    ]);
}


# Scripts for Argo::Gateway.

sub head {
    my ($form) = @_;

    return [header => 'Content-Type', $form eq 'sse'
        ? 'text/event-stream; charset=utf-8' : 'application/json'];
}


sub good {
    my ($api, $form) = @_;

    return [head('json'), [body => json($api)]] if $form eq 'json';
    return [head('sse'), (map { [chunk => $_] } map { @$_ } frames($api)),
            [end =>]];
}


# ---- what the client sees

# The text of a whole reply; undef if it is none.

sub text {
    my ($way, $r) = @_;

    return unless $r->{status} == 200 && $r->{complete};
    return stream_text($way, $r) if $way->{stream};

    my $j = $r->json() or return;
    my $name = $way->{client}{name};

    return $j->{input_tokens} if $name eq 'count';
    return join ' ', @{$j->{data}[0]{embedding}} if $name eq 'embeddings';
    return $j->{choices}[0]{message}{content} if $name eq 'chat';
    return $j->{choices}[0]{text} if $name eq 'completions';
    return $j->{output}[0]{content}[0]{text} if $name eq 'responses';
    return $j->{content}[0]{text} if $name eq 'messages';
    return join '', map { $_->{text} }
        @{$j->{candidates}[0]{content}{parts}};
}


# All that a stream has; of events those that are broken as well.

sub items {
    my ($way, $r) = @_;

    if ($way->{client}{array}) {
        my $j = $r->json();
        return ref $j eq 'ARRAY' ? @$j : { broken => $r->{body} };
    }

    return map { $_->{json} || $_ } $r->events();
}


sub stream_text {
    my ($way, $r) = @_;

    my $name = $way->{client}{name};
    my $text = '';

    for my $j (items($way, $r)) {
        my $piece = $name eq 'chat' ? $j->{choices}[0]{delta}{content}
            : $name eq 'completions' ? $j->{choices}[0]{text}
            : $name eq 'messages' ? $j->{delta}{text}
            : $name eq 'responses'
                ? (($j->{type} // '') =~ /text\.delta$/ ? $j->{delta} : '')
            : join '', map { $_->{text} // '' }
                @{$j->{candidates}[0]{content}{parts} || []};

        $text .= $piece if defined $piece;
    }

    return $text;
}


sub good_text {
    my ($way) = @_;

    return $way->{api} eq 'count' ? 4711
        : $way->{api} eq 'embeddings' ? '0.5 0.25' : 'Salve';
}


# The error of a status as the dialect has it, in one line.

sub expected {
    my ($way, $status, $code, $param, $stream) = @_;

    my $dialect = $way->{client}{dialect};
    my $types = $types{$dialect};
    my $type = $types->{$status} || $types->{substr $status, 0, 1};

    # within a stream OpenAI's clients are told no other
    $type = 'server_error' if $stream && $dialect eq 'openai';

    return "$status $type" if $dialect eq 'anthropic';
    return "$status $type " . ($code eq 'null' ? 'null' : uc $code)
        if $dialect eq 'gemini';

    return join ' ', $status, $type, defined $param ? $param : 'null', $code;
}


# The same of a reply that is an error, or what is not right of it.

sub error {
    my ($way, $r) = @_;

    my $dialect = $way->{client}{dialect};

    return 'cut' unless $r->{complete};
    return $r->error() if $dialect eq 'openai' || $dialect eq 'responses';
    return "$r->{status} as " . ($r->header('content-type') || 'none')
        unless ($r->header('content-type') || '') eq 'application/json';

    my $j = $r->json();

    if ($dialect eq 'gemini') {
        return "$r->{status} with another code"
            if $j->{error}{code} != $r->{status};
        return join ' ', $r->{status}, gemini_error($j);
    }

    return "$r->{status} without its id" if !defined $j->{request_id}
        || $j->{request_id} ne $r->header('request-id');

    return join ' ', $r->{status}, anthropic_error($j);
}


sub anthropic_error {
    my ($j) = @_;

    return 'no error' unless ref $j eq 'HASH' && ref $j->{error} eq 'HASH'
        && $j->{type} eq 'error';
    return 'no message' unless length($j->{error}{message} // '');

    return $j->{error}{type};
}


sub gemini_error {
    my ($j) = @_;

    my $e = ref $j eq 'HASH' ? $j->{error} : undef;

    return 'no error' unless ref $e eq 'HASH';
    return 'no message' unless length($e->{message} // '');

    my ($info) = grep { $_->{'@type'} =~ /ErrorInfo$/ }
        @{$e->{details} || []};

    return join ' ', $e->{status}, $info ? $info->{reason} : 'null';
}


# The error that a stream ends with, in the form of expected(), with the
# status that it would have had.

sub stream_error {
    my ($way, $r, $status) = @_;

    my $dialect = $way->{client}{dialect};
    my @items = items($way, $r);
    my ($broken) = grep { exists $_->{broken} } @items;

    return 'cut' unless $r->{complete};
    return "status $r->{status}" unless $r->{status} == 200;
    return "broken: $broken->{broken}" if $broken;

    my $j = $items[-1] || {};

    return "$status " . anthropic_error($j) if $dialect eq 'anthropic';
    return join ' ', $j->{error}{code} // '-', gemini_error($j)
        if $dialect eq 'gemini';

    my $e = $j->{error};

    if ($dialect eq 'responses') {
        my $failed = $items[-2] || {};

        # ARGO's own, as it came
        return "$status $j->{response}{error}{code}"
            if $j->{type} eq 'response.failed'
                && $j->{response}{status} eq 'failed';

        return "$j->{type} at the end" unless $j->{type} eq 'error';
        return "$failed->{type} before it"
            unless $failed->{type} eq 'response.failed'
                && $failed->{response}{status} eq 'failed'
                && length $failed->{response}{error}{message};
        return 'sequence' unless join(',', map { $_->{sequence_number} }
            @items) eq join ',', 0 .. $#items;
    }

    return 'no error' unless ref $e eq 'HASH';
    return 'no message' unless length($e->{message} // '');

    return join ' ', $status, $e->{type}, $e->{param} // 'null',
        $e->{code} // 'null';
}


1;
