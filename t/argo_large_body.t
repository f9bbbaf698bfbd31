#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for large requests, for which a worker keeps memory: several at a
# time, and one after the other, each reaches ARGO as it was sent.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;

my $t = Argo::Test->new();

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_zone      argo 4m;
    argo_models_refresh  0;
    argo_user      jdoe;
    argo_upstream  /argo/;

    client_body_buffer_size  8m;
    client_max_body_size     8m;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location /v1/ {
            argo_endpoint  auto;
        }

        location /legacy/v1/ {
            argo_endpoint      auto;
            argo_upstream_api  legacy;
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my ($worker) = $t->workers();
my $reply = Argo::Test::json({
    response => 'Hello',
    id => 'chatcmpl-1', object => 'chat.completion', created => 1,
    model => 'gpt-4o',
    choices => [{ index => 0, finish_reason => 'stop',
                  message => { role => 'assistant', content => 'Hello' } }],
    usage => { prompt_tokens => 1, completion_tokens => 1,
               total_tokens => 2 },
});

###############################################################################

# more at a time than a worker keeps memory for, of sizes that it keeps it
# for, and of some that are too much, or too little

for my $round (1, 2) {
    for (['/v1', 40, 300, 900], ['/legacy/v1', 300, 900], ['/v1', 4000]) {
        my ($prefix, @sizes) = @$_;

        my @bodies = map { body("$round-$_", $sizes[$_ % @sizes]) } 1 .. 7;
        my @clients = map { Argo::Client->new(port(8080)) } @bodies;

        $g->clear()->script(undef, [
            [wait_for => 'go'],
            [header => 'Content-Type', 'application/json'], [body => $reply],
        ]);

        $clients[$_]->post_only("$prefix/chat/completions", $bodies[$_])
            for 0 .. $#clients;

        ok($g->wait_event('request', scalar @bodies),
            "$prefix, @sizes: all came at once");

        my %came = map { texts($_->{body}) => 1 } $g->requests();

        is(scalar(grep { $came{texts($_)} } @bodies), scalar @bodies,
            "$prefix, @sizes: each as it was sent");

        $g->signal('go');

        is(join(' ', map { $_->response()->{status} } @clients),
            join(' ', (200) x @clients), "$prefix, @sizes: all answered");
    }
}

# what a worker keeps has an end

my $before;

for my $n (1 .. 60) {
    $before = $t->rss($worker) if $n == 20;

    $g->clear()->script(undef, [
        [header => 'Content-Type', 'application/json'], [body => $reply],
    ]);

    my $r = Argo::Client->new(port(8080))->post('/v1/chat/completions',
        body($n, $n * 50));

    is($r->{status}, 200, "request $n of a growing conversation");
}

SKIP: {
    skip 'memory is not measured', 1 unless defined $before;

    cmp_ok($t->rss($worker) - $before, '<', 16 * 1024,
        'no more memory is kept');
}

is(join(' ', $t->workers()), $worker, 'same worker');

$t->done_testing();

###############################################################################

# a conversation of so many messages

sub body {
    my ($name, $n) = @_;

    return '{"model":"gpt-4o","messages":[' . join(',', map {
        my $role = $_ % 2 ? 'user' : 'assistant';
        qq({"role":"$role","content":[{"type":"text","text":"$name $_ \\"a\\n)
            . 'x' x 200 . qq("}]});
    } 1 .. $n + 1 - $n % 2) . ']}';
}


# all texts of a conversation, in the client's or in ARGO's form

sub texts {
    my ($body) = @_;

    return join '',
        $body =~ /"(?:text|content)":"((?:[^"\\]|\\.)*+)"/g;
}

###############################################################################
