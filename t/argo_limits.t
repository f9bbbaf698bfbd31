#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for limits that are reached: connections, open files, room for bodies,
# clients and upstreams that are slow beyond measure, and clients that go away.
# Whoever can't be served is told so, the rest is, and nothing is left.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;
use Argo::Native;

my $aborts = $ENV{ARGO_TEST_ABORTS} || 1000;

my $t = Argo::Test->new()->has(qw/ http_stub_status /);

my $conf = <<'EOC';
%%TEST_GLOBALS%%

daemon off;
LIMIT

events {
    worker_connections  CONNECTIONS;
}

http {
    %%TEST_GLOBALS_HTTP%%

    %%TEST_GATEWAY_HTTP%%

    client_body_buffer_size  4k;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        %%TEST_GATEWAY_LOCATIONS%%
    }
}
EOC

configure(1024);

my $g = Argo::Gateway->new($t, 8081);

native_script($g, 0, 'Salve');

$t->run();

###############################################################################

# a byte at a time, each way

for my $case ([ 0, 'gpt4o', '' ], [ 3, 'claudehaiku45', '' ],
    [ 4, 'gpt4o', '' ], [ 0, 'gpt4o', '/legacy' ])
{
    my ($n, $model, $prefix) = @$case;
    my $name = $endpoints[$n]{name};
    my ($uri, $body) = ask($endpoints[$n], $model, stream => 1);

    native_script($g, 1, 'Salve, ', 'munde');

    my $whole = stable(Argo::Client->new(port(8080))
        ->post("$prefix$uri", $body)->{body});

    my @frames = $prefix ? 'Salve, munde' : $model =~ /claude/
        ? claude_frames('Salve, ', 'munde') : chat_frames('Salve, ', 'munde');
    my $type = $prefix ? 'text/plain' : 'text/event-stream';
    my $script = [[header => 'Content-Type', $type],
        (map { [chunk => $_] } map { split // } @frames), [end =>]];

    $g->script($_, $script) for qw{ /v1/chat/completions /v1/messages
        /api/v1/resource/streamchat/ };

    my $c = Argo::Client->new(port(8080));
    my $request = Argo::Client::format_request('POST', "$prefix$uri",
        body => $body, close => 1);

    $c->write($_) for split //, $request;

    my $got = '';

    while (sysread $c->{socket}, my $byte, 1) {
        $got .= $byte;
    }

    my $r = parsed($got);

    is($r->{status}, 200, "$name$prefix, byte by byte");

    if ($prefix) {
        # bare text has no other form than its pieces
        is(text_of($name, $r, 1), 'Salve, munde', "$name$prefix: text");

    } else {
        $r->finish();
        is(stable($r->{body}), $whole, "$name$prefix: the same");
    }

    is($r->{complete}, 1, "$name$prefix: a regular end");
}

###############################################################################

# clients that go away: ARGO is told, whatever the call was

my $begun = sub { my ($type, @frames) = @_;
    return [[header => 'Content-Type', $type],
        (map { ([chunk => $_], [drain =>]) } @frames), [wait_close =>]] };

for my $case (
    [ 'chat, streamed', 0, 'gpt4o', 1, '/v1/chat/completions',
        (chat_frames('Salve'))[0, 1] ],
    [ 'chat', 0, 'gpt4o', 0, '/v1/chat/completions' ],
    [ 'chat with Claude', 0, 'claudehaiku45', 0, '/v1/messages',
        (claude_frames('Salve'))[0 .. 2] ],
    [ 'chat with Claude, streamed', 0, 'claudehaiku45', 1, '/v1/messages',
        (claude_frames('Salve'))[0 .. 2] ],
    [ 'messages', 3, 'claudehaiku45', 0, '/v1/messages',
        (claude_frames('Salve'))[0 .. 2] ],
    [ 'messages, streamed', 3, 'claudehaiku45', 1, '/v1/messages',
        (claude_frames('Salve'))[0 .. 2] ],
    [ 'messages with GPT, streamed', 3, 'gpt4o', 1, '/v1/chat/completions',
        (chat_frames('Salve'))[0, 1] ],
    [ 'responses, streamed', 2, 'gpt4o', 1, '/v1/responses',
        (responses_frames('Salve'))[0 .. 3] ],
    [ 'responses with Claude', 2, 'claudehaiku45', 0, '/v1/messages',
        (claude_frames('Salve'))[0 .. 2] ],
    [ 'gemini, streamed', 4, 'gemini25flash', 1, '/v1/chat/completions',
        (chat_frames('Salve'))[0, 1] ],
    [ 'completions, streamed', 1, 'gpt4o', 1, '/v1/chat/completions',
        (chat_frames('Salve'))[0, 1] ])
{
    my ($name, $n, $model, $stream, $api, @frames) = @$case;
    my ($uri, $body) = ask($endpoints[$n], $model, stream => $stream);

    gone("$name, before an answer", $api, [[wait_close =>]], $uri, $body);

    next unless @frames;

    gone("$name, in an answer", $api, $begun->('text/event-stream', @frames),
        $uri, $body, $stream);
}

gone('count_tokens', '/v1/messages/count_tokens', [[wait_close =>]],
    '/v1/messages/count_tokens', '{"model":"claudehaiku45","messages":'
    . '[{"role":"user","content":"Hi"}]}');
gone('embeddings', '/v1/embeddings', [[wait_close =>]], '/v1/embeddings',
    '{"model":"v3small","input":"Hi"}');
gone('embeddings in parallel', '/v1/embeddings', [[wait_close =>]],
    '/v1/embeddings', '{"model":"v3small","input":['
    . join(',', ('"Hi"') x 40) . ']}');

###############################################################################

# many that go away: nothing is left

my ($worker) = $t->workers();
my $rss;

$g->script('/v1/chat/completions', $begun->('text/event-stream',
    (chat_frames('Salve'))[0, 1]));
$g->script('/v1/messages', $begun->('text/event-stream',
    (claude_frames('Salve'))[0 .. 2]));

for my $round (1 .. $aborts / 50) {
    my @clients;

    $g->clear();

    for my $i (1 .. 50) {
        my $c = Argo::Client->new(port(8080));

        $c->post_only(ask($endpoints[(0, 3, 4)[$i % 3]],
            $i & 1 ? 'gpt4o' : 'claudehaiku45', stream => $i % 5 != 0));
        push @clients, $c;
    }

    $_->reset() for @clients;

    $t->waitfor(sub { status() == 1 });
    $rss = $t->rss($worker) if $round == 4;
}

is(status(), 1, "no connection is left of $aborts");
is(join(' ', $t->workers()), $worker, 'the same worker');

SKIP: {
    skip 'no memory size of a process', 1 unless defined $rss;

    cmp_ok($t->rss($worker) - $rss, '<', 2048, 'memory, KB');
}

###############################################################################

# no room for a body

native_script($g, 0, 'Salve');

my ($uri, $large) = ask($endpoints[0], 'gpt4o', prompt => 'x' x 300_000);
my $temp = $t->testdir() . '/client_body_temp';

is(post($uri, $large)->{status}, 200, 'a body in a file');

# what is no directory has no room either, also for root

rename $temp, "$temp.away" or die "rename: $!";
$t->write_file('client_body_temp', '');

my $r = post($uri, $large);

is($r->error(), '500 server_error null null', 'no place for a body');
is(post(ask($endpoints[0], 'gpt4o'))->{status}, 200, 'small ones need none');

unlink $temp;
rename "$temp.away", $temp or die "rename: $!";

is(post($uri, $large)->{status}, 200, 'there is again');

SKIP: {
    my $mounted = $> == 0
        && system("mount -t tmpfs -o size=64k tmpfs '$temp' 2> /dev/null") == 0;

    skip 'no file system can be mounted', 2 unless $mounted;

    my $r = post($uri, $large);

    is($r->error(), '500 server_error null null', 'the disk is full');
    system("umount -l '$temp'");
    is(post($uri, $large)->{status}, 200, 'it is not any more');
}

###############################################################################

# no connections, no files: some are refused, and then all is well again

for my $case ([ 'connections', 24, '' ],
    [ 'open files', 1024, 'worker_rlimit_nofile 48;' ])
{
    my ($name, $connections, $limit) = @$case;

    configure($connections, $limit);
    $t->reload();
    $t->waitfor(sub { 1 == $t->workers() }, 20);

    native_script($g, 1, 'One', [wait_for => 'two'], ' two');
    $g->clear();

    my @clients;

    for (1 .. 60) {
        my $c = Argo::Client->new(port(8080), timeout => 20);

        $c->post_only(ask($endpoints[$_ & 1 ? 0 : 3], $_ & 1 ? 'gpt4o'
            : 'claudehaiku45', stream => 1));
        push @clients, $c;
    }

    # some get through
    ok($g->wait_event('request'), "$name: some are served");
    $t->waitfor(sub { $t->read_file('error.log') =~ /worker_connections\ are
        \ not\ enough|Too\ many\ open\ files/x });

    $g->signal('two');

    my (%how, @wrong);

    for my $c (@clients) {
        my $r = $c->head()->finish();

        if ($r->{status} == 200 && $r->{body} =~ / two/) {
            $how{served}++;

        } elsif ($r->{status} >= 500) {
            $how{refused}++;
            push @wrong, $r->{body} unless $r->json()
                && $r->json()->{error}{message};

        } elsif ($r->{status} == 0) {
            # nginx could not even take the connection
            $how{closed}++;

        } else {
            push @wrong, "$r->{status} $r->{body}";
        }

        $c->close();
    }

    is(join(' ', @wrong), '', "$name: who is refused is told so");
    cmp_ok($how{served}, '>', 0, "$name: some have an answer");

    ok($t->waitfor(sub { status() == 1 }), "$name: nothing is left");

    native_script($g, 0, 'Salve');
    is(post(ask($endpoints[0], 'gpt4o'))->{status}, 200,
        "$name: others are served");
}

$t->expect(qr/worker_connections\ are\ not\ enough|Too\ many\ open\ files
    |Not\ a\ directory|No\ space\ left|\[crit\].*client_body_temp/x);

$t->done_testing();

###############################################################################

sub configure {
    my ($connections, $limit) = @_;

    $limit = '' unless defined $limit;

    $t->write_file_expand('nginx.conf', $conf =~ s/LIMIT/$limit/r
        =~ s/CONNECTIONS/$connections/r);
}


# The gateway may still be at those who have gone.

sub post {
    my ($uri, $body) = @_;

    return Argo::Client->new(port(8080), timeout => 60)->post($uri, $body);
}


# A client that goes away once its request, or a part of its answer, is there.

sub gone {
    my ($name, $api, $script, $uri, $body, $stream) = @_;

    $g->script($api, $script);

    for my $how (qw/ close reset /) {
        $g->clear();

        my $c = Argo::Client->new(port(8080));

        $c->post_only($uri, $body);

        if ($stream) {
            my $r = $c->head();
            is($r->{status}, 200, "$name: begun");
            $r->next_event();

        } else {
            ok($g->wait_event('request'), "$name: asked");
        }

        $c->$how();

        my @requests = $g->requests();

        ok($g->wait_event('closed', scalar @requests), "$name: $how");
    }

    native_script($g, 0, 'Salve');
}


# Connections, with the one that asks; 0: it can't be told.

sub status {
    my $r = eval { Argo::Client->new(port(8080))->get('/status') };

    return $r && $r->{body} =~ /^Active connections: (\d+) / ? $1 : 0;
}


# A reply that was read in another way.

sub parsed {
    my ($bytes) = @_;

    my $c = bless { in => $bytes, eof => 1 }, 'Argo::Client';

    return $c->head();
}


sub stable {
    my ($body) = @_;

    $body =~ s/"(id|created|created_at|responseId)":("[^"]*"|\d+)/"$1":0/g;

    return $body;
}

###############################################################################
