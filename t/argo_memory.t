#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for memory that can't be had: each of the first allocations that a
# request makes fails, alone or with all behind it.  The client gets an error,
# or a reply that is visibly cut, or after all a whole one; the worker lives,
# nothing is left, and the next request is answered.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Client;
use Argo::Dialects;
use Argo::Gateway;
use Argo::Test;

my $t = Argo::Test->new()->has(qw/ http_stub_status bin:cc /);

# what has its own malloc() takes no other
plan(skip_all => 'not with another malloc()') if $ENV{ASAN_OPTIONS}
    || $ENV{TEST_NGINX_WRAPPER} || $ENV{TEST_NGINX_PRELOAD};

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    %%TEST_GATEWAY_HTTP%%
    client_body_buffer_size  1m;
    client_max_body_size     64m;
    keepalive_requests       100000;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        %%TEST_GATEWAY_LOCATIONS%%
    }
}
EOC

my $dir = $t->testdir();

system("cc -O1 -shared -fPIC -o $dir/failmalloc.so preload/failmalloc.c -ldl")
    == 0 or die 'the library can\'t be made';

$t->write_file('control', "\0" x 4096);
$ENV{ARGO_FAILMALLOC} = "$dir/control";
$ENV{TEST_NGINX_PRELOAD} = "$dir/failmalloc.so";

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my ($worker) = $t->workers();

###############################################################################

my $long = 'x' x 300_000;
my $failures = 0;

for my $stream (0, 1) {
    my @ways = Argo::Dialects::ways($stream);

    for my $way (@ways) {
        script($way, 'Salve');
        meet($way, '', Argo::Dialects::body($way), 'Salve');
    }

    # over the legacy API, and with a body that takes memory of its own

    my ($chat) = grep { $_->{name} =~ /^chat, gpt/ } @ways;
    my ($messages) = grep { $_->{name} =~ /^messages, claude/ } @ways;

    $g->script('/api/v1/resource/chat/', [
        [header => 'Content-Type', 'application/json'],
        [body => '{"response":"Salve"}'] ]);
    $g->script('/api/v1/resource/streamchat/', [
        [header => 'Content-Type', 'text/plain'], [chunk => 'Sal'],
        [chunk => 've'], [end =>] ]);

    meet($_, '/legacy', Argo::Dialects::body($_), 'Salve')
        for $chat, $messages;

    for my $way ($chat, $messages) {
        script($way, $long);
        meet($way, '', Argo::Dialects::body($way) =~ s/"hi"/"$long"/r, $long);
    }
}

note("$failures allocations have failed");
cmp_ok($failures, '>', 300, 'allocations have failed');

is(join(' ', $t->workers()), $worker, 'the worker has lived');

Argo::Client::close_all();

ok($t->waitfor(sub {
    return Argo::Client->new(port(8080))->get('/status')->{body}
        =~ /^Active connections: 1 \n/;
}), 'no connection is left');

$t->expect(qr/\[emerg\].*(?:malloc|memalign)\(.*failed|\[alert\].*ENOMEM/);

$t->done_testing();

###############################################################################

sub script {
    my ($way, $text) = @_;

    my $form = $way->{form};

    $g->script($Argo::Dialects::uri{$way->{api}}, $form eq 'json'
        ? [ Argo::Dialects::head('json'),
            [body => Argo::Dialects::json($way->{api}, $text)] ]
        : [ Argo::Dialects::head('sse'),
            (map { [chunk => $_] } map { @$_ }
                Argo::Dialects::frames($way->{api}, $text)), [end =>] ]);
}


# One way to ask, with failures at every point; ends when none was reached.

sub meet {
    my ($way, $prefix, $body, $text) = @_;

    my $uri = $prefix . Argo::Dialects::uri($way);
    my $name = "$way->{name}$prefix, " . length($body) . ' bytes';
    my (@wrong, $c);

    $text = Argo::Dialects::good_text($way) if $way->{client}{only};

    for my $all (0, 1) {
        for my $n (1 .. 60) {
            if (!$c || $c->{eof}) {
                $c = Argo::Client->new(port(8080));
                $c->get('/status');
            }

            control($n, $all);

            my $r = $c->post($uri, $body);
            my $failed = control(0, 0);

            $failures += $failed;
            push @wrong, "$n, $all: $_"
                for grep { length } wrong($way, $r, $text);

            if (!$r->{complete}) {
                $c->close();
                $c = undef;
            }

            last if $failed == 0;
        }
    }

    is(join('; ', @wrong), '', $name);

    my $r = Argo::Client->new(port(8080))->post($uri, $body);

    is(Argo::Dialects::text($way, $r), $text, "$name: and then is answered");
}


# What is wrong with a reply when memory was short.

sub wrong {
    my ($way, $r, $text) = @_;

    # cut, or nothing at all
    return '' unless $r->{complete};

    if ($r->{status} != 200) {
        return "status $r->{status}" if $r->{status} < 500;
        return '';
    }

    my $got = eval { Argo::Dialects::text($way, $r) };

    return 'no reply' unless defined $got;
    return '' if $got eq $text && $r->{body}
        =~ ($way->{client}{only} ? qr/./
            : $Argo::Dialects::ends{$way->{client}{dialect}});
    return '' if $way->{stream} && $r->{body} =~ /"error":/
        && $r->{body} !~ $Argo::Dialects::ends{$way->{client}{dialect}};

    # what ARGO can't be asked for is estimated
    return '' if $way->{api} eq 'count';

    return 'another text: ' . substr $r->{body}, 0, 200;
}


# Lets allocations fail from the n-th on, 0: none; says how many have.

sub control {
    my ($n, $all) = @_;

    open my $f, '+<', "$dir/control" or die "control: $!";
    binmode $f;

    sysread $f, my $numbers, 12;
    sysseek $f, 0, 0;
    syswrite $f, pack 'LLL', $n, $all, 0;

    return (unpack 'LLL', $numbers)[2];
}

###############################################################################
