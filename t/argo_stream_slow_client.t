#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for a client that stops reading a long stream: what waits for it is
# bounded, ARGO is made to wait, and in the end all of it arrives.

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

    argo_user      jdoe;
    argo_upstream  /argo/;
    argo_upstream_api legacy;

    server {
        listen       127.0.0.1:8080 sndbuf=32k;
        server_name  localhost;

        location = /chat {
            argo_endpoint  chat_completions;
        }

        location = /health {
            argo_endpoint  health;
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_read_timeout  600s;
            proxy_set_header    Connection "";
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my $line = "0123456789 abcdefghijklmnopqrstuvwxyz \xe2\x82\xac \"quoted\"\n";
my $lines = int(50 * 1024 * 1024 / length $line);

$g->script('/api/v1/resource/streamchat/',
    [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        [fill => 1000, $line],
        [end =>],
    ],
    [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        [fill => $lines, $line],
        [end =>],
    ],
);

###############################################################################

# once before, so that the worker has what it needs anyway

is(length post()->text(), 1000 * length $line, 'short stream');

my ($worker) = $t->workers();
my $before = $t->rss($worker);

# nothing is read but the header

$g->clear();

my $c = Argo::Client->new(port(8080), rcvbuf => 16384, timeout => 60);
$c->post_only('/chat', body());

my $r = $c->head();
is($r->{status}, 200, 'header of a long stream');

my $blocked = $g->wait_event('blocked');

ok($blocked, 'upstream made to wait');
cmp_ok($blocked->{sent}, '<', 25 * 1024 * 1024, 'little taken from it');

SKIP: {
    skip 'no memory size of a process', 1 unless defined $before;

    cmp_ok($t->rss($worker) - $before, '<', 4096, 'memory of the worker, KB');
}

# others are served meanwhile

is(Argo::Client->new(port(8080))->get('/health')->{status}, 200,
    'another client');

# now all of it

my ($bytes, $events, $wrong, $done, $rest) = (0, 0, 0, 0, '');
my $text = '';
my $most = 0;

while (defined(my $piece = $r->next_piece())) {
    $rest .= $piece;
    $r->{body} = '';

    if ($r->{pieces}++ % 500 == 0) {
        my $rss = $t->rss($worker);
        $most = $rss if defined $rss && $rss > $most;
    }

    while ($rest =~ /\G(.*?)\n\n/gcs) {
        my $event = $1;

        if ($event eq 'data: [DONE]') {
            $done++;

        } elsif ($event =~ /"delta":\{"content":"((?:[^"\\]|\\.)*)"\}/) {
            my $content = $1;
            $content =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ge;
            $events++;
            $text .= $content;
            $bytes += length $content;

            # whole lines are compared and dropped
            while (length $text >= length $line) {
                $wrong++ if substr($text, 0, length $line, '') ne $line;
            }

        } elsif ($event !~ /"role":"assistant"|"finish_reason":"stop"/) {
            $wrong++;
        }
    }

    substr $rest, 0, pos($rest) || 0, '';
}

is($bytes, $lines * length $line, 'whole text after all');
is($wrong, 0, 'nothing wrong in it');
is("$rest$text", '', 'nothing cut in it');
is($done, 1, 'done');
is($r->{complete}, 1, 'regular end');

SKIP: {
    skip 'no memory size of a process', 1 unless defined $before;

    cmp_ok($most - $before, '<', 4096, 'memory of the worker until the end');
}

# a client that stops reading and goes away

$g->clear();

$c = Argo::Client->new(port(8080), rcvbuf => 16384);
$c->post_only('/chat', body());
$c->head();
$g->wait_event('blocked');
$c->reset();

ok($g->wait_event('closed'), 'upstream closed when the client goes');
is(Argo::Client->new(port(8080))->get('/health')->{status}, 200,
    'worker alive');

$t->done_testing();

###############################################################################

sub body {
    return '{"model":"gpt-4o","stream":true,"messages":'
        . '[{"role":"user","content":"Hi"}]}';
}


sub post {
    return Argo::Client->new(port(8080))->post('/chat', body());
}

###############################################################################
