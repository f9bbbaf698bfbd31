#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for everything that ARGO's legacy API can do wrong, asked by clients
# of all dialects for a whole reply, for a stream, and for one that is made of
# a whole reply: each gets an error of its own dialect, with the right status
# and type, and nothing that says that a reply is complete.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Client;
use Argo::Dialects;
use Argo::Faults;
use Argo::Gateway;
use Argo::Test;

my $t = Argo::Test->new();

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
    argo_upstream_api    legacy;
    proxy_http_version   1.1;
    proxy_set_header     Connection "";

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        LOCATIONS

        location /u/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
        }

        location /u/slow/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_read_timeout  200ms;
        }

        # for what is silent when some of a reply has come

        location /u/late/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_read_timeout  2s;
        }

        location /u/refused/ {
            internal;
            proxy_pass          http://127.0.0.1:8082/;
        }
    }
}
EOC

my $location = <<'EOC';
        location /MODE/WHERE {
            argo_endpoint  auto;
            argo_upstream  /u/WHERE;
            argo_stream    MODE;
        }

EOC

$conf =~ s{^ *LOCATIONS\n}{join '', map {
    my $mode = $_;
    map { $location =~ s/MODE/$mode/gr =~ s/WHERE/$_/gr }
        '', 'slow/', 'late/', 'refused/';
} 'real', 'pseudo'}me;

$t->write_file_expand('nginx.conf', $conf);

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my ($worker) = $t->workers();

# of each dialect all clients that talk; what embeddings meet is in
# argo_embeddings.t

my %ways = map { my $stream = $_; $stream => [ grep { !$_->{client}{only} }
    Argo::Dialects::ways($stream) ] } 0, 1;

###############################################################################

for my $mode (qw/ unary real pseudo /) {

    my $raw = $mode eq 'real';
    my @ways = @{$ways{$mode eq 'unary' ? 0 : 1}};

    good($mode, @ways);

    for my $f (Argo::Faults::early($raw)) {
        $g->script(undef, $f->{script});
        check($mode, $f->{name}, $_->[0], $_->[1], early($f), 0)
            for ask($mode, $f->{where}, @ways);
    }

    good($mode, @ways);
}

# what fails when there was some text

for my $f (Argo::Faults::late()) {
    $g->script(undef, [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        [chunk => 'Salve'], [drain =>], @{$f->{steps}},
    ]);

    for my $asked (ask('real', $f->{where} && 'late', @{$ways{1}})) {
        my ($way, $r) = @$asked;

        check('real', $f->{name}, $way, $r, early($f), 1);
        like(Argo::Dialects::stream_text($way, $r),
            qr/^(?:Salve$f->{text})?$/, "$way->{name}, $f->{name}, its text")
            if $f->{text};
    }
}

good('real', @{$ways{1}});

is(join(' ', $t->workers()), $worker, 'the worker has lived');

$t->stop();

unlike($t->read_file('error.log'), qr/canary/, 'no bodies in the log');

$t->done_testing();

###############################################################################

sub ask {
    my ($mode, $where, @ways) = @_;

    my $path = $mode eq 'pseudo' ? '/pseudo' : '/real';

    $path .= "/$where" if $where;

    my @asked = map {
        my $c = Argo::Client->new(port(8080));

        $c->post_only($path . Argo::Dialects::uri($_),
            Argo::Dialects::body($_));
        [ $_, $c ];
    } @ways;

    return map { [ $_->[0], $_->[1]->response() ] } @asked;
}


sub good {
    my ($mode, @ways) = @_;

    $mode eq 'real' ? $g->stream('Sal', 've') : $g->answer('Salve');

    for my $asked (ask($mode, '', @ways)) {
        my ($way, $r) = @$asked;

        is(Argo::Dialects::text($way, $r), 'Salve', "$way->{name}, $mode")
            or diag("$r->{status} " . substr $r->{body}, 0, 300);
        like($r->{body}, $Argo::Dialects::ends{$way->{client}{dialect}},
            "$way->{name}, $mode, end");
    }
}


# Status, code and parameter of a fault, of which some have a pattern.

sub early {
    my ($f) = @_;

    if (defined $f->{error} && !ref $f->{error}) {
        my ($status, $type, $param, $code) = split / /, $f->{error};

        return [ $status, $code, $param eq 'null' ? undef : $param ];
    }

    return [ 502, $f->{code}, undef ];
}


sub check {
    my ($mode, $name, $way, $r, $expected, $begun) = @_;

    my ($status, $code, $param) = @$expected;
    my $what = "$way->{name}, $mode, $name";
    my $got = $begun ? Argo::Dialects::stream_error($way, $r, $status)
        : Argo::Dialects::error($way, $r);

    if (ref $code) {
        my $last = lc((split / /, $got)[-1]);
        $code = $last =~ $code ? $last : 'another';
    }

    is($got, Argo::Dialects::expected($way, $status, $code, $param, $begun),
        $what) or diag(substr $r->{body}, 0, 400);

    unlike($r->{body}, $Argo::Dialects::ends{$way->{client}{dialect}},
        "$what, no end");
    unlike($r->{body}, qr/canary|<html|IMPORTANT AUTH/, "$what, no bytes");
}

###############################################################################
