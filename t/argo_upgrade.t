#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for streams that live while nginx is reloaded again and again, while
# its program is replaced, and while a worker is killed.
#
# ARGO_TEST_STREAMS is how many streams there are, ARGO_TEST_RELOADS how many
# reloads: 100 and 5 by default, 500 and 20 are what the documents tell of.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use IO::Select;
use Socket qw/ PF_INET SOCK_STREAM SOL_SOCKET SO_REUSEADDR sockaddr_in
    inet_aton /;

use lib 'lib';
use Argo::Test;
use Argo::Native;

my $streams = $ENV{ARGO_TEST_STREAMS} || 100;
my $reloads = $ENV{ARGO_TEST_RELOADS} || 5;

my $t = Argo::Test->new();

plan(skip_all => 'not under a wrapper') if $ENV{TEST_NGINX_WRAPPER};

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

# a program started by hand is not replaced: its parent must have gone
daemon on;

worker_processes 2;

events {
    worker_connections  4096;
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_zone            argo 1m;
    argo_models_refresh  1h;
    argo_user            jdoe;
    argo_upstream        /argo/;

    server {
        listen       127.0.0.1:8080 backlog=1024;
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
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
            proxy_read_timeout  300s;
        }
    }
}
EOC

my $dir = $t->testdir();

socket(my $listen, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($listen, SOL_SOCKET, SO_REUSEADDR, 1);
bind($listen, sockaddr_in(port(8081), inet_aton('127.0.0.1')))
    or die "bind: $!";
listen($listen, 1024) or die "listen: $!";

$t->run_daemon(sub { upstream($listen) });
close $listen;

$t->write_file('list', '');
start();

ok($t->waitfor(sub { kept() }), 'ARGO\'s list of models is there');

# each client with each API: spliced, converted, and bare text

my @kinds = (
    [ 0, 'gpt4o', '' ], [ 3, 'claudehaiku45', '' ], [ 3, 'gpt4o', '' ],
    [ 2, 'gpt4o', '' ], [ 4, 'claudehaiku45', '' ], [ 0, 'gpt4o', '/legacy' ],
);

###############################################################################

# reloads

my @live = map { begin($kinds[$_ % @kinds]) } 0 .. $streams - 1;

is(scalar @live, $streams, "$streams streams have begun");

my $reloaded = 0;

for (1 .. $reloads) {
    $reloaded++ if $t->reload();

    # one that begins in between
    push @live, begin($kinds[$_ % @kinds]);
}

is($reloaded, $reloads, "$reloads reloads");

go_on(1);

is(broken(@live), '', 'no stream is broken by a reload');

ok($t->waitfor(sub { 2 == $t->workers() }, 30), 'the old workers are gone');
ok(kept(), 'the shared zone is kept');

###############################################################################

# another program takes over

go_on(0);

@live = map { begin($kinds[$_ % @kinds]) } 0 .. $streams - 1;

my $old = $t->nginx_pid();

kill 'USR2', $old;

ok($t->waitfor(sub { -s $t->testdir() . '/nginx.pid.oldbin'
    && $t->read_file('nginx.pid') =~ /^\d+\n/
    && $t->nginx_pid() != $old }), 'the new program runs');

my $new = $t->nginx_pid();

# its zone is its own
$t->write_file('list', '');

kill 'WINCH', $old;

push @live, map { begin($kinds[$_ % @kinds]) } 0 .. 5;

go_on(1);

is(broken(@live), '', 'no stream is broken by an upgrade');

kill 'QUIT', $old;

ok($t->waitfor(sub { gone($old) }, 30), 'the old program ends');
ok(!gone($new), 'the new one goes on');

$t->{nginx} = $new;

is(answered(), 200, 'and serves');
ok($t->waitfor(sub { kept() }), 'with a list of its own');

###############################################################################

# a worker that dies takes its own connections along, and nothing else

# a sanitizer takes the second one for a fault of the program's

for my $signal ('KILL', $ENV{ASAN_OPTIONS} ? () : 'SEGV') {
    go_on(0);

    my @own = map { begin($kinds[$_ % @kinds]) } 0 .. 19;
    my @pids = children($new);
    my ($victim) = grep { connections($_) } @pids;

    ok(defined $victim, 'a worker with connections');

    my %his = map { $_ => 1 } peers($victim);
    my @his = grep { $his{$_->{port}} } @own;
    my @others = grep { !$his{$_->{port}} } @own;

    kill $signal, $victim;

    ok($t->waitfor(sub { 2 == grep { $_ != $victim } children($new) }),
        "$signal: another worker takes its place");

    go_on(1);

    is(scalar(grep { !$_->{reply}->finish()->{complete} } @his),
        scalar @his, "$signal: its streams are broken off");
    is(broken(@others), '', "$signal: no other is");

    is(answered(), 200, "$signal: others serve");
    ok(kept(), "$signal: the zone is usable");
}

###############################################################################

Argo::Client::close_all();
kill 'QUIT', delete $t->{nginx};
ok($t->waitfor(sub { gone($new) }, 30), 'the end');

$t->expect(qr/exited\ on\ signal\ (?:9|11)|open\ socket\ \#\d+\ left\ in
    \ connection|aborting|changing\ binary|kill\(\d+,\ \d+\)\ failed/x);

$t->done_testing();

###############################################################################

# Plays ARGO for any number of streams in one process: the first half of an
# answer, and once the test says so, the other.

sub upstream {
    my ($listen) = @_;

    my $select = IO::Select->new($listen);
    my %in;
    my %rest;

    while (1) {
        for my $s ($select->can_read(0.02)) {

            if ($s == $listen) {
                accept(my $client, $listen) or next;
                $select->add($client);
                $in{$client} = '';
                next;
            }

            if (!sysread $s, $in{$s}, 65536, length $in{$s}) {
                $select->remove($s);
                delete $in{$s};
                delete $rest{$s};
                close $s;
                next;
            }

            $in{$s} =~ /^\S+ (\S+) .*?\r\n\r\n/s or next;

            my ($uri, $head) = ($1, $+[0]);
            my ($length) = $in{$s} =~ /^Content-Length: (\d+)/mi;

            next if length $in{$s} < $head + ($length || 0);

            my ($now, $later) = answer($uri,
                substr $in{$s}, $head, $length || 0);

            $in{$s} = '';
            syswrite $s, $now;
            $rest{$s} = [ $s, $later ] if length $later;
        }

        next unless -e "$dir/go";

        syswrite $_->[0], $_->[1] for values %rest;
        %rest = ();
    }
}


# What goes out at once, and what is held back.

sub answer {
    my ($uri, $body) = @_;

    my $head = "HTTP/1.1 200 OK\r\nContent-Type: ";

    if ($uri eq '/v1/models') {
        # given once to each that asks first
        return "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
            unless unlink "$dir/list";

        return whole($head, '{"data":['
            . '{"id":"GPT-4o","internal_id":"gpt4o"},'
            . '{"id":"Claude Haiku 4.5","internal_id":"claudehaiku45"},'
            . '{"id":"Kept in the Zone","internal_id":"keptinzone"}]}'), '';
    }

    return whole($head, chat_body('Salve')), ''
        if $uri =~ /chat.completions/ && $body !~ /"stream":true/;

    my @frames = $uri =~ /streamchat/ ? ('One', ' two')
        : $uri =~ /messages/ ? claude_frames('One', ' two')
        : $uri =~ /responses/ ? responses_frames('One', ' two')
        : chat_frames('One', ' two');

    my ($second) = grep { $frames[$_] =~ / two/ } 0 .. $#frames;
    my @chunks = map { sprintf "%x\r\n%s\r\n", length $_, $_ } @frames;

    return ($head . ($uri =~ /streamchat/ ? 'text/plain'
        : 'text/event-stream') . "\r\nTransfer-Encoding: chunked\r\n\r\n"
        . join('', @chunks[0 .. $second - 1]),
        join('', @chunks[$second .. $#chunks]) . "0\r\n\r\n");
}


sub whole {
    my ($head, $body) = @_;

    return "${head}application/json\r\nContent-Length: " . length($body)
        . "\r\n\r\n$body";
}


# Lets the streams end, or holds those that begin from now on.

sub go_on {
    my ($yes) = @_;

    $yes ? $t->write_file('go', '') : unlink "$dir/go";
}


# In the background, as a system does.

sub start {
    my $pid = fork();
    die "fork: $!" unless defined $pid;

    $t->exec_nginx($t->testdir() . '/stderr.log') if $pid == 0;

    waitpid($pid, 0);

    die 'nginx has not started: ' . $t->read_file('stderr.log') if $?;

    $t->waitfor(sub { $t->read_file('nginx.pid') =~ /^\d+\n/ });
    $t->{nginx} = $t->nginx_pid();
}


# True if a process has ended, also if nobody has asked for its status.

sub gone {
    my ($pid) = @_;

    open my $f, '<', "/proc/$pid/stat" or return 1;
    my $line = <$f>;

    return !defined $line || $line =~ /^\d+ \(.*\) Z /;
}


# Begins a stream and reads its first text.

sub begin {
    my ($kind) = @_;

    my ($n, $model, $prefix) = @$kind;
    my $name = $endpoints[$n]{name};
    my ($uri, $body) = ask($endpoints[$n], $model, stream => 1);
    my $c = Argo::Client->new(port(8080), timeout => 60);

    $c->post_only("$prefix$uri", $body);

    my $r = $c->head();
    my @events;

    while (my $e = $r->next_event()) {
        push @events, $e;
        last if Argo::Native::stream_text($name, @events) =~ /One/;
    }

    my ($port) = Socket::sockaddr_in(getsockname($c->{socket}));

    return { name => $name, reply => $r, port => $port, client => $c };
}


# What is wrong with streams that should have ended well.

sub broken {
    my (@live) = @_;

    my %wrong;

    for my $s (@live) {
        my $r = $s->{reply}->finish();
        my $what = !$r->{complete} ? 'cut'
            : $r->{body} =~ /"error":\{/ ? 'error'
            : text_of($s->{name}, $r, 1) ne 'One two' ? 'text'
            : $r->{body} !~ /\[DONE\]|message_stop|response\.completed
                |"finishReason"/x ? 'no end' : next;

        $wrong{"$s->{name}: $what"}++;
    }

    return join ', ', map { "$_ ($wrong{$_})" } sort keys %wrong;
}


# True if the list of models is ARGO's, which has been given once only.

sub kept {
    my $r = Argo::Client->new(port(8080))->get('/v1/models');

    return ($r->header('x-argo-models-source') || '') eq 'live'
        && $r->{body} =~ /keptinzone/;
}


sub answered {
    return Argo::Client->new(port(8080))->post(ask($endpoints[0], 'gpt4o'))
        ->{status};
}


# The workers of a master.

sub children {
    my ($pid) = @_;

    my @pids;

    for my $file (glob '/proc/[0-9]*/stat') {
        open my $f, '<', $file or next;
        my $line = <$f>;
        next unless defined $line;

        my ($child, $state, $parent) = $line =~ /^(\d+) \(.*\) (\S) (\d+)/;
        push @pids, $child if $parent == $pid && $state ne 'Z';
    }

    return @pids;
}


# The ports of the clients that a process has connections with.

sub peers {
    my ($pid) = @_;

    my %inodes = map { /socket:\[(\d+)\]/ ? ($1 => 1) : () }
        map { readlink $_ || '' } glob "/proc/$pid/fd/*";
    my $own = sprintf '%04X', port(8080);
    my @ports;

    open my $f, '<', '/proc/net/tcp' or return;

    while (my $line = <$f>) {
        my @field = split ' ', $line;
        next unless $field[9] && $inodes{$field[9]};
        next unless $field[1] =~ /:$own$/ && $field[3] eq '01';
        push @ports, hex $1 if $field[2] =~ /:([0-9A-F]{4})$/;
    }

    return @ports;
}


sub connections {
    return scalar peers($_[0]);
}

###############################################################################
