#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for what a prompt, an answer and a key leave behind, with the error
# log at debug level: nothing in a log but what nginx itself writes of headers
# and addresses at that level, no file but nginx's buffer of a large body
# while it is needed, nothing in the shared zone, nothing for other clients.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use File::Find qw/ find /;

use lib 'lib';
use Argo::Test;
use Argo::Gateway;
use Argo::Native;

my $t = Argo::Test->new();

$t->{level} = 'debug';

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

# where a core file would go
working_directory  %%TESTDIR%%/cores;
worker_rlimit_core 0;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    access_log  %%TESTDIR%%/argo.log combined;

    log_format  all  '$argo_endpoint $argo_model $argo_user $argo_error '
                     '$argo_upstream_model $argo_finish_reason '
                     '$uri $status';

    access_log  %%TESTDIR%%/all.log all;

    argo_zone            argo 1m;
    argo_models_refresh  0;
    argo_user            jdoe;
    argo_upstream        /argo/;

    client_body_buffer_size  16k;

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

        location /refused/ {
            argo_endpoint  auto;
            argo_upstream  /nobody/;
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
        }

        location /nobody/ {
            internal;
            proxy_pass  http://127.0.0.1:8082/;
        }
    }
}
EOC

mkdir $t->testdir() . '/cores' or die "mkdir: $!";

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my ($worker) = $t->workers();

my $prompt = 'canary-prompt-4711';
my $answer = 'canary-answer-4711';
my $key = 'canary-key-4711';
my @models = qw/ gpt4o claudehaiku45 gemini25flash /;

###############################################################################

# success and failure, unary and streamed, through every endpoint

native_script($g, 0, "$answer ", $answer);

for my $prefix ('', '/legacy', '/refused') {
    for my $stream (0, 1) {

        native_script($g, $stream, "$answer ", $answer);

        my @status = map { statuses($prefix, $_, $stream) } @endpoints;
        my $expected = $prefix eq '/refused' ? 502 : 200;

        is(join(' ', @status), join(' ', ($expected) x @status),
            "all endpoints$prefix" . ($stream ? ', streamed' : ''));
    }
}

is(post('/v1/embeddings', '{"model":"v3small","input":"' . $prompt . '"}')
    ->{status}, 200, 'embeddings');
is(post('/v1/messages/count_tokens', '{"model":"claudehaiku45","messages":'
    . "[{\"role\":\"user\",\"content\":\"$prompt\"}]}")->{status}, 200,
    'count_tokens');
is(post('/v1/chat', '{"model":"gpt4o","messages":[{"role":"user","content":"'
    . "$prompt\"}]}")->{status}, 200, 'chat');

# what is refused before it comes to the module

for my $request ("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        . "Authorization: Bearer $key\r\nContent-Length: 99999999\r\n\r\n"
        . $prompt,
    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        . "Transfer-Encoding: chunked\r\n\r\nzz\r\n$prompt",
    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        . "Content-Length: 20\r\nContent-Length: 21\r\n\r\n$prompt")
{
    like(http($request), qr{^HTTP/1.1 4}, 'refused early');
}

# what ARGO says of a failure, before and in a stream

for my $script (
    [[status => 500], [header => 'Content-Type', 'application/json'],
        [body => "{\"error\":{\"message\":\"$answer\",\"type\":\"$answer\","
            . "\"code\":\"$answer \"}}"]],
    [[status => 400], [header => 'Content-Type', 'application/json'],
        [body => "{\"detail\":\"$answer\"}"]],
    [[status => 502], [header => 'Content-Type', 'text/html'],
        [body => "<html>$answer</html>"]],
    [[header => 'Content-Type', 'application/json'], [body => "{\"$answer"]],
    [[header => 'Content-Type', 'application/json'],
        [body => "{\"$answer\":[\"$answer\"]}"]],
    [[header => 'Content-Type', 'text/event-stream'],
        [chunk => "data: {\"$answer\n\n"], [end =>]],
    [[header => 'Content-Type', 'text/event-stream'],
        [chunk => "event: error\ndata: {\"type\":\"error\",\"error\":"
            . "{\"type\":\"$answer\",\"message\":\"$answer\"}}\n\n"],
        [end =>]],
    [[header => 'Content-Type', 'text/event-stream'],
        [chunk => (Argo::Native::claude_frames($answer))[0]],
        [chunk => (Argo::Native::claude_frames($answer))[2]], [drain =>],
        [reset =>]],
    [[header => 'Content-Type', 'text/event-stream'],
        [chunk => (Argo::Native::chat_frames($answer))[1]], [drain =>],
        [reset =>]])
{
    $g->script("/v1/$_", $script)
        for qw{ chat/completions messages responses };

    for my $stream (0, 1) {
        my @status = map { statuses('', $_, $stream) } @endpoints;
        ok(!grep({ !$_ } @status), 'a failure of each endpoint');
    }
}

# requests that are wrong; a member that is not known is told by its name

native_script($g, 0, 'Salve');

for my $endpoint (@endpoints) {
    for my $members ("\"none\":\"$prompt\"", "\"temperature\":\"$prompt\"",
        "\"tools\":\"$prompt\"", "\"messages\":\"$prompt\"",
        "\"model\":\"$prompt\"", "\"metadata\":{\"user_id\":\"$prompt\"}",
        "\"user\":\"$prompt\"", "\"$prompt")
    {
        ok(post(ask($endpoint, 'claudehaiku45', members => $members))
            ->{status}, "$endpoint->{name}, wrong");
    }
}

# clients after these get nothing of them

for my $endpoint (@endpoints) {
    my ($uri, $body) = ask($endpoint, 'gpt4o');

    for my $path ($uri, "/refused$uri", "$uri/none") {
        my $r = Argo::Client->new(port(8080))->post($path, $body);

        unlike($r->{body} . join(' ', map { "@$_" } @{$r->{headers}}),
            qr/canary/, "another client at $path");
    }
}

###############################################################################

# a large body, which nginx buffers, while it is needed

$g->clear();
$g->script('/v1/chat/completions', [[wait_for => 'go'],
    [header => 'Content-Type', 'application/json'],
    [body => chat_body($answer)]]);

my $c = Argo::Client->new(port(8080));

$c->post_only(ask($endpoints[0], 'gpt4o', prompt => $prompt . 'x' x 100_000));
$g->wait_event('request');

like(join(' ', holders()), qr{^\S+/client_body_temp/\d+ \(deleted\)$},
    'no file but the buffer of a request, which has no name');

$g->signal('go');
is($c->response()->{status}, 200, 'its reply');

ok($t->waitfor(sub { !holders() }), 'which goes with it');

# a large reply to a client that does not read

$g->script('/v1/chat/completions', sse(chat_frames(($answer x 100) x 400)));

$c = Argo::Client->new(port(8080), rcvbuf => 4096);
$c->post_only(ask($endpoints[0], 'gpt4o', stream => 1));
$c->head();

is(join(' ', holders()), '', 'no file for a reply');

$c->reset();

###############################################################################

# the zone

SKIP: {
    my @zones = zones($worker);

    skip 'no access to the memory of the worker', 3 unless @zones;

    my $all = join '', @zones;

    cmp_ok(length $all, '>=', 1 << 20, 'zone read');
    unlike($all, qr/canary-(?:prompt|answer)/, 'no text in the zone');
    unlike($all, qr/canary-key/, 'no key in the zone');
}

###############################################################################

# a worker that dies in the middle of it leaves no core file

SKIP: {
    skip 'a sanitizer, or valgrind, would report it', 2
        if $ENV{ASAN_OPTIONS} || $ENV{TEST_NGINX_WRAPPER};

    $g->clear();
    $g->script('/v1/chat/completions', [[wait_close =>]]);

    my $c = Argo::Client->new(port(8080));

    $c->post_only(ask($endpoints[0], 'gpt4o', prompt => $prompt));
    $g->wait_event('request');
    kill 'SEGV', $worker;
    $t->waitfor(sub { $t->read_file('error.log')
        =~ /worker process $worker exited on signal 11/ });

    unlike($t->read_file('error.log'), qr/core dumped/, 'no core');
    is(join(' ', glob $t->testdir() . '/cores/* /tmp/core*.' . $worker), '',
        'no file of a core');
}

# the memory of the zone outlives it, and has nothing either

my ($next) = $t->waitfor(sub { grep { $_ != $worker } $t->workers() })
    ? grep { $_ != $worker } $t->workers() : ();

SKIP: {
    my @zones = defined $next ? zones($next) : ();

    skip 'no access to the memory of the worker', 1 unless @zones;

    unlike(join('', @zones), qr/canary/, 'nothing in the zone that is kept');
}

$t->expect(qr/exited on signal 11/);

###############################################################################

# the logs

$t->stop();

my @entries = split m{^(?=\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[)}m,
    $t->read_file('error.log');

cmp_ok(scalar @entries, '>', 100, 'log read');

# what nginx itself tells of a request at the level debug: its line, its
# headers and arguments, and the head of what it sends upstream; what it calls
# a proxy header has no body

my $own = qr/^\S+\ \S+\ \[debug\]\ \S+\ \*\d+\ (?:
    http\ (?:header|request\ line|args|uri|script\ (?:copy|var|capture)
        |cleanup\ add|proxy\ header|exten):
    |http\ header:
    )/x;

my @told = grep { /canary/ } @entries;

is(join('', grep { !/\[debug\]/ } @told), '', 'nothing above the level debug');
is(join('', grep { /canary-(?:prompt|answer)/ } @told), '', 'no text');
is(join('', grep { !/$own/ } @told), '', 'no key but in nginx\'s own words');
ok((grep { /canary-key/ } @told), 'where it is');

for my $name (qw/ argo.log all.log /) {
    my $log = $t->read_file($name);

    like($log, qr/ 200/, "$name read");
    unlike($log, qr/canary-(?:answer|key)/, "$name: no answer, no key");

    # a model's name is told, also one that is none
    $log =~ s/^\S+ canary-prompt-4711 (.*argo_|.*model_not_found)/$1/mg;
    unlike($log, qr/canary/, "$name: no prompt");
}

is(join(' ', grep { !m{/(?:error\.log|gateway)} } holders()), '',
    'no file left');

$t->done_testing();

###############################################################################

sub statuses {
    my ($prefix, $endpoint, $stream) = @_;

    return map {
        my ($uri, $body) = ask($endpoint, $_, stream => $stream,
            prompt => $prompt);
        my $sep = $uri =~ /\?/ ? '&' : '?';

        $uri .= "${sep}key=$key" if $endpoint->{name} eq 'gemini';

        post("$prefix$uri", $body)->{status};
    } @models;
}


sub post {
    my ($uri, $body) = @_;

    return Argo::Client->new(port(8080))->post($uri, $body, headers => [
        'Authorization', "Bearer $key", 'X-Api-Key', $key,
        'X-Goog-Api-Key', $key, 'Cookie', "session=$key",
    ]);
}


# Files that hold a canary, those without a name included, but for what is the
# test's own, and the log that is looked at in the end.

sub holders {
    my %found;

    my $look = sub {
        my ($path, $name) = @_;

        open my $f, '<', $path or return;
        local $/;
        my $content = <$f>;

        $found{$name} = 1 if defined $content
            && $content =~ /canary-(?:prompt-4711x|answer|key)/;
    };

    find({ no_chdir => 1, wanted => sub {
        $look->($_, $_) if -f && !m{/(?:gateway\d|error\.log)};
    } }, $t->testdir());

    for my $fd (glob "/proc/$worker/fd/*") {
        my $name = readlink $fd;

        $look->($fd, $name) if defined $name && -f $fd
            && $name =~ / \(deleted\)$/;
    }

    return sort keys %found;
}


# What a process shares with others and no file has.

sub zones {
    my ($pid) = @_;

    my @zones;

    open my $maps, '<', "/proc/$pid/maps" or return;
    open my $mem, '<', "/proc/$pid/mem" or return;
    binmode $mem;

    while (my $line = <$maps>) {
        my ($from, $to) = $line =~ m{^([0-9a-f]+)-([0-9a-f]+) rw-s .*/dev/zero}
            or next;

        no warnings 'portable';

        my ($start, $end) = (hex $from, hex $to);
        my $bytes;

        sysseek $mem, $start, 0 or next;
        sysread $mem, $bytes, $end - $start or next;

        push @zones, $bytes;
    }

    return @zones;
}

###############################################################################
