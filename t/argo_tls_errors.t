#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for TLS to ARGO that fails, whoever asks and however: a certificate
# that is not trusted, a server that speaks no TLS, a connection that ends or
# falls silent before the first byte and after it.  And for a reply that comes
# slower than any silence may last: it is whole.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Client;
use Argo::Dialects;
use Argo::Test;

my $t = Argo::Test->new()->has(qw/ http_ssl bin:openssl /);

my $conf = <<'EOC';
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_zone            argo 1m;
    argo_models_refresh  0;
    argo_user            jdoe;

    proxy_http_version             1.1;
    proxy_set_header               Connection "";
    proxy_set_header               X-Argo-Sim $argo_sim;
    proxy_ssl_verify               on;
    proxy_ssl_name                 argo.test;
    proxy_ssl_trusted_certificate  good.crt;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        set  $argo_sim $http_x_argo_sim;

        LOCATIONS
    }

    server {
        listen               127.0.0.1:8081 ssl;
        ssl_certificate      good.crt;
        ssl_certificate_key  good.key;

        location / {
            argo_simulator;
        }
    }

    server {
        listen               127.0.0.1:8082 ssl;
        ssl_certificate      bad.crt;
        ssl_certificate_key  bad.key;

        location / {
            argo_simulator;
        }
    }

    server {
        listen  127.0.0.1:8083;

        location / {
            argo_simulator;
        }
    }
}
EOC

my $location = <<'EOC';
        location /NAME/ {
            argo_endpoint  auto;
            argo_upstream  /u/NAME/;
        }

        location /legacy/NAME/ {
            argo_endpoint      auto;
            argo_upstream      /u/NAME/;
            argo_upstream_api  legacy;
        }

        location /u/NAME/ {
            internal;
            proxy_pass          https://127.0.0.1:PORT/;
            proxy_read_timeout  TIME;
        }

EOC

my @places = ([ 'good', 8081, '60s' ], [ 'slow', 8081, '300ms' ],
    [ 'patient', 8081, '2s' ], [ 'untrusted', 8082, '60s' ],
    [ 'plain', 8083, '60s' ]);

$conf =~ s{^ *LOCATIONS\n}{join '', map {
    my ($name, $port, $time) = @$_;
    $location =~ s/NAME/$name/gr =~ s/PORT/$port/r =~ s/TIME/$time/r;
} @places}me;

$t->write_file_expand('nginx.conf', $conf);

$t->certificate("$_.crt", "$_.key", 'argo.test') for qw/ good bad /;

$t->run();

my $unreachable = 'upstream_unreachable';
my $incomplete = 'upstream_incomplete';
my $timeout = 'upstream_timeout';

###############################################################################

for my $prefix ('', '/legacy') {
    for my $stream (0, 1) {

        my @ways = Argo::Dialects::ways($stream);
        my @talk = grep { !$_->{client}{only} } @ways;

        # as it should be

        for my $r (ask("$prefix/good", '', @ways)) {
            is($r->[1]{status}, 200, "$r->[0]{name}$prefix: good")
                or diag($r->[1]{body});
        }

        # no connection, and none that lasts until there is a byte

        failed("$prefix/untrusted", '', 502, $unreachable, 0, @ways);
        failed("$prefix/plain", '', 502, $unreachable, 0, @ways);

        failed("$prefix/good", $_, 502, $unreachable, 0, @ways)
            for qw/ cut reset /;
        failed("$prefix/slow", 'stall', 504, $timeout, 0, @ways);

        # some of a reply, and no more

        my $long = 'text=lorem, size=20000';

        for my $form (qw/ json sse /) {
            my @those = grep { $_->{form} eq $form } @talk;
            my $at = $form eq 'sse' && !$prefix ? 9000 : 1500;

            failed("$prefix/good", "$long, $_=$at", 502, $incomplete, $stream,
                @those) for qw/ cut badchunk /;
            failed("$prefix/slow", "$long, stall=$at", 504, $timeout, $stream,
                @those);
        }

        failed("$prefix/good", $_, 502, $incomplete, 0,
            grep { $_->{client}{only} } @ways) for qw/ cut=9 reset=9 /;

        # what had not been read is lost with a reset: in a stream there may
        # be text before the error, or none

        for my $r (ask("$prefix/good", "$long, reset=1500", @talk)) {
            my ($way, $reply) = @$r;

            ok($reply->{complete}, "$way->{name}$prefix: reset, whole");
            like($reply->{body}, qr/"error":/,
                "$way->{name}$prefix: reset, error");
            unlike($reply->{body},
                $Argo::Dialects::ends{$way->{client}{dialect}},
                "$way->{name}$prefix: reset, no end");
        }

        # a trickle, longer than proxy_read_timeout in all

        my @replies = map { ask("$prefix/patient", $_->[0], @{$_->[1]}) }
            [ 'chunk=400, interval=500', [ grep { $_->{form} eq 'sse' }
                @talk ] ],
            [ $prefix && $stream ? 'chunk=3, interval=500'
                : 'chunk=60, interval=500', [ grep { $_->{form} eq 'json' }
                @talk ] ],
            [ 'chunk=5000, interval=500', [ grep {
                $_->{client}{name} eq 'embeddings' } @ways ] ];

        for my $r (@replies) {
            my ($way, $reply) = @$r;
            my $text = Argo::Dialects::text($way, $reply);

            ok(defined $text, "$way->{name}$prefix: trickle, whole");

            next if $way->{client}{only};

            is($text, 'You said: hi', "$way->{name}$prefix: trickle, text");
            like($reply->{body},
                $Argo::Dialects::ends{$way->{client}{dialect}},
                "$way->{name}$prefix: trickle, end");
        }
    }
}

$t->done_testing();

###############################################################################

# The replies to all of them, which ask at the same time.

sub ask {
    my ($prefix, $sim, @ways) = @_;

    my @asked = map {
        my $c = Argo::Client->new(port(8080), timeout => 30);

        $c->post_only($prefix . Argo::Dialects::uri($_),
            Argo::Dialects::body($_), headers => [ $sim
                ? ('X-Argo-Sim', $sim) : () ]);
        [ $_, $c ];
    } @ways;

    return map { [ $_->[0], $_->[1]->response() ] } @asked;
}


sub failed {
    my ($prefix, $sim, $status, $code, $begun, @ways) = @_;

    for my $asked (ask($prefix, $sim, @ways)) {
        my ($way, $r) = @$asked;
        my $name = "$way->{name}, $prefix $sim";

        if ($way->{client}{name} eq 'count') {
            # what ARGO does not count is estimated
            is("$r->{status} " . ($r->header('x-argo-token-count') || 'none'),
                '200 estimate', $name);
            next;
        }

        my $got = $begun ? Argo::Dialects::stream_error($way, $r, $status)
            : Argo::Dialects::error($way, $r);

        $got = lc $got if $way->{client}{dialect} eq 'gemini';

        my $expected = Argo::Dialects::expected($way, $status, $code, undef,
            $begun);

        $expected = lc $expected if $way->{client}{dialect} eq 'gemini';

        is($got, $expected, $name) or diag(substr $r->{body}, -400);
        unlike($r->{body}, $Argo::Dialects::ends{$way->{client}{dialect}},
            "$name, no end");
    }
}

###############################################################################
