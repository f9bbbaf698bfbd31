#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for counts of long prompts: what clients ask for before they send it,
# and what Anthropic's are told at the start of a stream.  A count is made in
# steps, between which others are served, and nothing is left of one whose
# client has gone.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Client;
use Argo::Gateway;
use Argo::Dialects;
use Argo::Test;

use IO::Select;

my $t = Argo::Test->new()->has(qw/ http_stub_status /);

my $build = $ENV{ARGO_BUILD_DIR} || '../build';
my $tables = -e "$build/o200k_base.argo";

my $conf = <<'EOC';
%%TEST_GLOBALS%%

daemon off;

worker_processes 1;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_zone             argo 1m;
    argo_models_refresh   0;
    argo_user             jdoe;
    argo_upstream         /argo/;
    client_max_body_size  32m;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location / {
            argo_endpoint  auto;
        }

        location /legacy/ {
            argo_endpoint      auto;
            argo_upstream_api  legacy;
        }

        location /argo/ {
            internal;
            proxy_pass            http://127.0.0.1:8081/;
            proxy_http_version    1.1;
            proxy_set_header      Connection "";
            client_max_body_size  0;
        }

        location = /status {
            access_log   off;
            stub_status;
        }
    }
}
EOC

$t->write_file_expand('nginx.conf', $conf);

my $g = Argo::Gateway->new($t, 8081);

$t->run();

# what a text costs as a message of gpt-4o, beyond itself

my $around = $tables ? 7 : 0;

my @apis = (
    [ 'count_tokens', '/v1/messages/count_tokens', sub {
        '{"model":"' . $_[1] . '","messages":[{"role":"user","content":"'
            . $_[0] . '"}]}' }, 'input_tokens' ],
    [ 'input_tokens of Responses', '/v1/responses/input_tokens', sub {
        '{"model":"' . $_[1] . '","input":"' . $_[0] . '"}' },
        'input_tokens' ],
    [ 'countTokens', sub { "/v1beta/models/$_[0]:countTokens" }, sub {
        '{"contents":[{"role":"user","parts":[{"text":"' . $_[0]
            . '"}]}]}' }, 'totalTokens' ],
);

###############################################################################

# how it is counted, by size: a step has 256 KB

for my $api (@apis) {
    for my $size (1, 1000, 43689, 43690, 43691, 43692, 87381, 87382, 350000) {
        my $name = "$api->[0], $size words";

        # each is a token
        my $r = count($api, ' hello' x $size, 'gpt4o');
        is($r->{status}, 200, $name);
        is(number($api, $r), $tables ? $size + $around
            : int($size * 6 / 4 + 0.5), "$name, count")
            if $tables || $size % 2 == 0;
        is($r->header('x-argo-token-count'),
            $tables ? 'counted' : 'estimate', "$name, made here");
    }

    # text that is escaped, so that a step may end within an escape

    for my $text ('\u00fc', '\n\t', '\ud83d\ude00', 'x\\\\', "\xc3\xbc") {
        my $plain = { '\u00fc' => "\xc3\xbc", '\n\t' => '\n\t',
            '\ud83d\ude00' => "\xf0\x9f\x98\x80" }->{$text} // $text;

        for my $shift (0 .. 3) {
            my ($one, $two) = map { number($api, count($api,
                ' ' x $shift . "word $_ " x 60000, 'gpt4o')) }
                $text, $plain;

            cmp_ok($one, '>', 60000, "$api->[0], $text");
            is($one, $two, "$api->[0], $text as it came, $shift");
        }
    }

    # no calls for any of them

    is(scalar $g->requests(), 0, "$api->[0], not asked of ARGO");
}

# in several messages and tools, some of them long

my $message = sub { { role => $_[0], content => ' hello' x $_[1] } };
my $tool = { name => 'f', description => ' hello' x 50000,
    input_schema => { type => 'object' } };
my @sums = map { number($apis[0], Argo::Client->new(port(8080))->post(
    '/v1/messages/count_tokens', Argo::Test::json({ model => 'gpt4o',
        messages => $_->[0], $_->[1] ? (tools => [$_->[1]]) : () }))) }
    [[ $message->('user', 1) ]],
    [[ $message->('user', 1), $message->('assistant', 60000),
       $message->('user', 70000) ]],
    [[ $message->('user', 1) ], { %$tool, description => ' hello' }],
    [[ $message->('user', 1) ], $tool];

SKIP: {
    skip('no token tables', 2) unless $tables;

    is($sums[1] - $sums[0], 130000 + 8, 'several messages');
    is($sums[3] - $sums[2], 49999, 'a long tool');
}

# a prompt that takes long, and others beside it

my $long = join ' ', map { sprintf '%x', ($_ * 2654435761) % 4294967296 }
    1 .. 2 * 1024 * 1024 / 9;

for my $api (@apis) {

    my ($served, $small);

    # as long as it is not seen: the machine may be busy
    for my $try (1 .. 10) {
        my $c = ask($api, $long, 'gpt4o');
        my $other = Argo::Client->new(port(8080));

        $served = 0;
        $small = 'none';

        for (1 .. 3) {
            $small = $other->get('/health')->{body};
            last if readable($c);
            $served++;
        }

        my $r = $c->response();

        is($r->{status}, 200, "$api->[0], 2 MB");
        cmp_ok(number($api, $r), '>', 500000, "$api->[0], 2 MB, count");

        last if $served;
    }

    cmp_ok($served, '>', 0, "$api->[0], others are served meanwhile");
    is($small, '{"status":"healthy"}', "$api->[0], as they should");

    # the same number when there are several at a time

    my @clients = map { ask($api, $long, 'gpt4o') } 1 .. 3;
    my %numbers = map { number($api, $_->response()) => 1 } @clients;

    is(scalar keys %numbers, 1, "$api->[0], several at a time");
}

# clients that go

my ($worker) = $t->workers();
my $before;

for my $round (0 .. 12) {
    for my $api (@apis) {
        for my $how (qw/ close reset /) {
            my $c = ask($api, $long, 'gpt4o');

            Argo::Client->new(port(8080))->get('/health');
            $c->$how();
        }
    }

    is(count($apis[0], ' hello', 'gpt4o')->{status}, 200,
        "served after those that went, $round");
    is(idle(), 1, "no connection of them, $round");

    $before = $t->rss($worker) if $round == 3;
}

SKIP: {
    skip('no resident size', 1) unless defined $before;
    cmp_ok($t->rss($worker) - $before, '<', 8192, 'memory of them, KB');
}

is(join(' ', $t->workers()), $worker, 'the worker has lived');

# Claude's: ARGO counts, or it is estimated

$g->script('/v1/messages/count_tokens', Argo::Dialects::good('count', 'json'));
$g->clear();

my $r = count($apis[0], $long, 'claudehaiku45');
is(number($apis[0], $r), 4711, 'Claude, counted by ARGO');
is($r->header('x-argo-token-count'), 'upstream', 'Claude, said so');
is(length $g->request()->{body}, length body($apis[0], $long,
    'claudehaiku45'), 'Claude, all of it sent');

$g->script('/v1/messages/count_tokens', [[status => 503],
    [header => 'Content-Type', 'text/html'], [body => '<html>']]);

$r = count($apis[0], $long, 'claudehaiku45');
cmp_ok(number($apis[0], $r), '>', 500000, 'Claude, estimated');
is($r->header('x-argo-token-count'), 'estimate', 'Claude, said so as well');

$g->clear();

for my $model ('gpt4o', 'claudehaiku45', 'gemini25flash') {
    for my $api (@apis) {
        $r = count($api, ' hello' x 100000, $model, '/legacy');
        is($r->{status}, 200, "legacy, $api->[0], $model");
        is($r->header('x-argo-token-count'), $tables && $model =~ /gpt/
            ? 'counted' : 'estimate', "legacy, $api->[0], $model, how");
        cmp_ok(number($api, $r), '>=', 100000,
            "legacy, $api->[0], $model, number");
    }
}

is(scalar $g->requests(), 0, 'legacy, no calls');

# Anthropic's clients are told at the start of a stream

my $ask = '{"model":"gpt4o","max_tokens":9,"stream":true,"messages":'
    . '[{"role":"user","content":"%s"}]}';

for my $size (43000, 45000, 200000) {
    my $text = ' hello' x $size;
    my $number = number($apis[0], count($apis[0], $text, 'gpt4o'));

    for my $uri ('/v1/messages', '/legacy/v1/messages') {
        for my $late (0, 1) {
            my $name = "$uri, $size" . ($late ? ', late reply' : '');

            stream($uri, $late);

            my $c = Argo::Client->new(port(8080));
            $c->post_only($uri, sprintf $ask, $text);

            if ($late) {
                $g->wait_event('request');
                settle();
                $g->signal('go');
            }

            $r = $c->response();
            my ($start) = map { $_->{json} } $r->events();

            is($start->{type}, 'message_start', $name);
            is($start->{message}{usage}{input_tokens}, $number,
                "$name, tokens at the start");
            like($r->{body}, qr/"message_stop"\}\n\n\z/, "$name, end");
        }
    }
}

# one that goes while its prompt is counted, and one whose call fails

undef $r;

for my $uri ('/v1/messages', '/legacy/v1/messages') {
    for my $how (qw/ close reset /) {
        stream($uri, 1);

        my $c = Argo::Client->new(port(8080));
        $c->post_only($uri, sprintf $ask, $long);
        Argo::Client->new(port(8080))->get('/health');
        $c->$how();

        is(idle(), 1, "$uri, $how while it is counted");
    }

    $g->script(undef, [[reset =>]]);
    $g->script('/v1/chat/completions', [[reset =>]]);
    is(Argo::Client->new(port(8080))->post($uri, sprintf $ask, $long)
        ->{status}, 502, "$uri, reset while it is counted");
}

is(join(' ', $t->workers()), $worker, 'the worker has lived on');

# without tables

$t->write_file_expand('nginx.conf',
    $conf =~ s/^( *)argo_zone /$1argo_tokenizer off;\n$&/mr);
$t->reload();
$t->waitfor(sub { my @workers = $t->workers(); @workers == 1 });

for my $api (@apis) {
    for my $size (4, 4000, 400000) {
        $r = count($api, 'word' x $size, 'gpt4o');
        is(number($api, $r), $size, "$api->[0], no tables, $size");
        is($r->header('x-argo-token-count'), 'estimate',
            "$api->[0], no tables, $size, said so");
    }

    $r = count($api, $long, 'gpt4o');
    cmp_ok(abs(number($api, $r) - length($long) / 4), '<=', 1,
        "$api->[0], no tables, 2 MB");
}

$t->done_testing();

###############################################################################

sub body {
    my ($api, $text, $model) = @_;

    return $api->[2]->($text, $model);
}


sub ask {
    my ($api, $text, $model, $prefix) = @_;

    my $uri = ref $api->[1] ? $api->[1]->($model) : $api->[1];
    my $c = Argo::Client->new(port(8080));

    $c->post_only(($prefix // '') . $uri, body($api, $text, $model));

    return $c;
}


sub count {
    return ask(@_)->response();
}


sub number {
    my ($api, $r) = @_;

    return $r->json()->{$api->[3]};
}


sub readable {
    my ($c) = @_;

    return IO::Select->new($c->{socket})->can_read(0);
}


# The number of connections when nothing is left but the one that asks.

sub idle {
    my $n;

    $t->waitfor(sub {
        my $c = Argo::Client->new(port(8080));
        ($n) = $c->get('/status', close => 1)->{body}
            =~ /^Active connections: (\d+)/;
        return $n == 1;
    });

    return $n;
}


# A reply of either API, which may wait until it may come.

sub stream {
    my ($uri, $late) = @_;

    my @wait = $late ? ([wait_for => 'go']) : ();
    my @chunks = map { [chunk => $_] }
        map { @$_ } Argo::Dialects::frames('chat');

    $g->clear();

    $uri =~ /legacy/ ? $g->script(undef,
        [ @wait, [header => 'Content-Type', 'text/plain; charset=utf-8'],
          [chunk => 'Salve'], [end =>] ])
        : $g->script('/v1/chat/completions',
        [ @wait, Argo::Dialects::head('sse'), @chunks, [end =>] ]);
}


# Returns when nginx has had time for what it had to do: it has answered.

sub settle {
    Argo::Client->new(port(8080))->get('/health') for 1 .. 20;
}

###############################################################################
