#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for upstreams that send faster than their replies can be converted:
# others have their turn meanwhile, and whatever becomes of the client or of
# the upstream just then, nothing is left.  A preloaded library makes sure that
# there is always more to be read, and that clients take all at once.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Curl;
use Argo::Gateway;
use Argo::Native;

my $t = Argo::Test->new()->has(qw/ http_stub_status bin:cc bin:curl /);

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

    log_format  order  "$arg_n $status $argo_error";
    access_log  %%TESTDIR%%/order.log  order;

    proxy_http_version  1.1;
    proxy_set_header    Connection "";

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

        location /other/ {
            argo_endpoint  auto;
            argo_upstream  /other-argo/;
        }

        location /brief/ {
            argo_endpoint  auto;
            argo_upstream  /brief-argo/;
        }

        location /brief/legacy/ {
            argo_endpoint      auto;
            argo_upstream      /brief-argo/;
            argo_upstream_api  legacy;
        }

        location /silent/ {
            argo_endpoint  auto;
            argo_upstream  /silent-argo/;
        }

        location /silent/legacy/ {
            argo_endpoint      auto;
            argo_upstream      /silent-argo/;
            argo_upstream_api  legacy;
        }

        location = /status {
            access_log   off;
            stub_status;
        }

        location /argo/ {
            internal;
            proxy_pass  http://127.0.0.1:8081/;
        }

        # a timeout that passes while a test holds the worker
        location /brief-argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_read_timeout  500ms;
        }

        location /silent-argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_read_timeout  2s;
        }

        location /other-argo/ {
            internal;
            proxy_pass  http://127.0.0.1:8082/;
        }
    }
}
EOC

my $dir = $t->testdir();

system("cc -O1 -shared -fPIC -o $dir/flood.so preload/flood.c -ldl") == 0
    or die 'the library can\'t be made';

$ENV{ARGO_FLOOD} = $dir;
$ENV{TEST_NGINX_PRELOAD} = "$dir/flood.so";

# the sanitizer of nginx itself would have to be loaded first
$ENV{ASAN_OPTIONS} .= ':verify_asan_link_order=0' if $ENV{ASAN_OPTIONS};

my $g = Argo::Gateway->new($t, 8081);
my $other = Argo::Gateway->new($t, 8082);

$t->write_file('flood.' . port($_), '') for 8081, 8082;

$t->run();

my ($worker) = $t->workers();
my $curl = Argo::Curl->new($t, 'http://127.0.0.1:' . port(8080))->to_files();
my $n = 0;

# name, endpoint, model, prefix of the path, whether the client streams

my @ways = (
    [ 'bare text to chat', 0, 'gpt4o', '/legacy', 1 ],
    [ 'bare text to messages', 3, 'claudehaiku45', '/legacy', 1 ],
    [ 'chat to chat', 0, 'gpt4o', '', 1 ],
    [ 'chat to messages', 3, 'gpt4o', '', 1 ],
    [ 'messages to messages', 3, 'claudehaiku45', '', 1 ],
    [ 'messages to chat', 0, 'claudehaiku45', '', 1 ],
    [ 'messages to a whole reply', 3, 'claudehaiku45', '', 0 ],
    [ 'responses to responses', 2, 'gpt4o', '', 1 ],
    [ 'chat to Google\'s', 4, 'gpt4o', '', 1 ],
);

###############################################################################

# another request is answered before the flood is over

for my $way (@ways) {
    my ($name, $endpoint, undef, undef, $stream) = @$way;

    hold(8081);
    script($g, $way, 3_000_000, 'whole');

    # its connection is open, the other's is not yet

    my $kept = Argo::Client->new(port(8080));

    is($kept->get('/v1/health?n=0')->{status}, 200, "$name: a connection");

    my ($flood, $id) = begin($way);

    ok(held(8081), "$name: the flood");

    my $small = Argo::Client->new(port(8080));

    $kept->request('GET', "/v1/health?n=kept$id");
    $small->request('GET', "/v1/health?n=new$id");

    release(8081);

    is($_->response()->{status}, 200, "$name: another request")
        for $kept, $small;

    my $r = $flood->finish();

    # events of responses tell the text again at its end

    my $text = $stream ? join('', $r->{body}
        =~ /"(?:content|text|delta)":"([^"]*)"/g)
        : text_of($endpoints[$endpoint]{name}, $r, 0);

    is("$r->{status} $r->{complete}", '200 1', "$name: the flood is over");
    is($text =~ tr/~//, 3_000_000 / 20 + ($endpoint == 2 ? 3 : 0),
        "$name: and all came");

    ok($t->waitfor(sub { $t->read_file('order.log') =~ /^$id /m }),
        "$name: the log");

    my @order = $t->read_file('order.log') =~ /^((?:kept|new)?$id) /mg;

    is($order[-1], $id, "$name: others first") or diag("@order");
    is(scalar @order, 3, "$name: all");
    $_->close() for $kept, $small;
}

###############################################################################

# the client goes while there is more to be read

for my $way (@ways) {
    my $name = $way->[0];

    hold(8081);
    script($g, $way, 3_000_000, 'wait_close');

    my ($flood) = begin($way);

    ok(held(8081), "$name: a flood to be left");
    $flood->kill();
    release(8081);

    ok($g->wait_event('closed'), "$name: left, upstream closed");
}

# upstream is cut, or ends too early

for my $end ('reset', 'close') {
    for my $way (@ways) {
        my ($name, undef, undef, undef, $stream) = @$way;

        $name .= ", $end";
        hold(8081);
        script($g, $way, 100_000, $end);

        my ($flood) = begin($way);

        ok(held(8081), "$name: a flood to be cut");
        ok($g->wait_event('done'), "$name: it is cut");
        release(8081);

        broken($name, $flood->finish(), $stream);
    }
}

# the worker was away for longer than upstream may be silent, because of
# another; what there is then to be read comes too late, or just in time

for my $way (@ways) {
    my ($name) = @$way;

    hold(8081);
    hold(8082);
    script($g, $way, 100_000_000, 'wait_close');
    $other->script('/v1/chat/completions', [
        [header => 'Content-Type', 'application/json'],
        [body => chat_body('Salve')], [close =>] ]);

    my ($flood, $id) = begin($way, '/brief');

    ok(held(8081), "$name: a flood that is interrupted");

    my $c = Argo::Client->new(port(8080), timeout => 30);
    my ($uri, $body) = ask($endpoints[0], 'gpt4o');

    $c->post_only("/other$uri", $body);
    release(8081);

    ok(held(8082), "$name: the worker is away");
    select undef, undef, undef, 0.6;
    release(8082);

    is($c->response()->{status}, 200, "$name: the other is answered");

    $flood->kill();

    ok($t->waitfor(sub { $t->read_file('order.log') =~ /^$id /m }),
        "$name: it is over");
    ok($g->wait_event('closed'), "$name: upstream is closed");
}

# upstream is silent after all: its time is over

for my $way (@ways[0, 2, 4, 6]) {
    my ($name, undef, undef, undef, $stream) = @$way;

    unlink "$dir/flood." . port(8081);
    script($g, $way, 100_000, 'wait_close');

    my ($flood, $id) = begin($way, '/silent');
    my $r = $flood->finish();

    broken("$name, silent", $r, $stream);
    ok($g->wait_event('closed'), "$name, silent: upstream is closed");
    ok($t->waitfor(sub {
        $t->read_file('order.log') =~ /^$id \d+ upstream_timeout$/m
    }), "$name, silent: the log");
}

###############################################################################

ok($t->waitfor(sub {
    my $c = Argo::Client->new(port(8080));
    my $body = $c->get('/status')->{body};
    $c->close();
    return $body =~ /^Active connections: 1 \n/;
}), 'no connection is left');

is(join(' ', $t->workers()), $worker, 'the same worker all the time');

$t->done_testing();

###############################################################################

# An upstream that is about to flood, and is not read yet.

sub hold {
    my ($number) = @_;

    $t->write_file('flood.' . port($number), '');
    unlink map { "$dir/$_." . port($number) } 'open', 'at';
}


sub held {
    my ($number) = @_;

    return $t->waitfor(sub { -e "$dir/at." . port($number) });
}


sub release {
    my ($number) = @_;

    $t->write_file('open.' . port($number), '');
}


# Has ARGO answer with so many bytes of text, and then all that makes it
# "whole", or one more step.

sub script {
    my ($gateway, $way, $size, $end) = @_;

    my ($name, $endpoint, $model, $prefix) = @$way;
    my $text = 'a text of no length~';

    # how the events are made knows one text; the others are like it

    my @frames = $prefix ? $text
        : $model =~ /claude/ ? claude_frames($text)
        : $endpoints[$endpoint]{name} eq 'responses'
        ? responses_frames($text) : chat_frames($text);
    my ($at) = grep { $frames[$_] =~ /~/ } 0 .. $#frames;
    $gateway->clear()->script(undef, [
        [header => 'Content-Type', $prefix ? 'text/plain; charset=utf-8'
            : 'text/event-stream'],
        (map { [chunk => $_] } @frames[0 .. $at - 1]),
        [fill => $size / length $text, $frames[$at]],
        $end ne 'whole' ? [$end =>]
            : ((map { [chunk => $_] } @frames[$at + 1 .. $#frames]),
                [end =>], [close =>]),
    ]);
}


# Begins a request; returns it and how the log calls it.

sub begin {
    my ($way, $where) = @_;

    my (undef, $endpoint, $model, $prefix, $stream) = @$way;

    $prefix = "$where$prefix" if defined $where;

    my ($uri, $body) = ask($endpoints[$endpoint], $model, stream => $stream);

    $n++;
    $uri .= ($uri =~ /\?/ ? '&' : '?') . "n=$n";

    return ($curl->start("$prefix$uri", $body), $n);
}


# Checks the end of a reply that could not come whole.

sub broken {
    my ($name, $r, $stream) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is("$r->{status} $r->{complete}", $stream ? '200 1'
        : $name =~ /silent/ ? '504 1' : '502 1', "$name: status");
    like($r->{body}, qr/"error":\s*\{/, "$name: an error");
    unlike($r->{body}, qr/\[DONE\]|message_stop|response\.completed
        |"finishReason"|"finish_reason":"/x, "$name: not as if complete");
}

###############################################################################
