#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for everything that ARGO's native APIs can do wrong, whoever asks and
# however: the client gets a whole reply if and only if ARGO has given one,
# else an error of its own dialect, with the right status and type; nothing
# that says that a reply is complete comes with it; and the connection and the
# worker serve the next request.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Client;
use Argo::Faults;
use Argo::Gateway;
use Argo::Dialects;
use Argo::Test;

my $t = Argo::Test->new();

# what stalls is waited for long enough for what is sent before, on a busy
# machine, too

my $stall = 600 * $t->patience() . 'ms';

$t->write_file_expand('nginx.conf', <<'EOC' =~ s/STALL/$stall/r);
%%TEST_GLOBALS%%

daemon off;

worker_processes 1;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_zone           argo 1m;
    argo_models_refresh 0;
    argo_user           jdoe;
    argo_upstream       /argo/;
    proxy_http_version  1.1;
    proxy_set_header    Connection "";
    keepalive_requests  100000;

    upstream kept {
        server              127.0.0.1:8081;
        keepalive           32;
        keepalive_requests  100000;
    }

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location / {
            argo_endpoint  auto;
        }

        # for good replies, on connections that are used again

        location /good/ {
            argo_endpoint  auto;
            argo_upstream  /good_argo/;
        }

        location /slow/ {
            argo_endpoint  auto;
            argo_upstream  /slow_argo/;
        }

        location /refused/ {
            argo_endpoint  auto;
            argo_upstream  /refused_argo/;
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
        }

        location /good_argo/ {
            internal;
            proxy_pass          http://kept/;
        }

        location /slow_argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_read_timeout  STALL;
        }

        location /refused_argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8082/;
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my ($worker) = $t->workers();
my %clients;
my %kept;

###############################################################################

# all ways to ask at once, each on a connection that it keeps

for my $stream (0, 1) {

    my @ways = Argo::Dialects::ways($stream);

    good(@ways);
    trickle(@ways);

    my @faults = faults(@ways);
    my $n = 0;

    for my $name (map { $_->{name} } @faults) {
        my ($of) = grep { $_->{name} eq $name } @faults;

        script($of->{by_api}, 'script');

        my @those = grep { $of->{by_api}{$_->{api}} } @ways;

        ask($of->{where}, @those);
        check($name, $_, $of->{by_api}{$_->{api}}, $clients{$_->{name}})
            for @those;

        # where the whole reply was there, a third of them will do: what
        # comes next asks all of them again
        $n++;
        good($of->{whole} ? grep { ($n + length $_->{name}) % 3 == 0 } @those
            : @those);
    }

    is(join(' ', map { "$_->{name}: $kept{$_->{name}}" }
        grep { $kept{$_->{name}} != 1 } @ways), '',
        'one connection for all of them');
}

# an event that is longer than any may be

for my $way (grep { $_->{client}{name} =~ /^(?:chat|messages)$/ }
    Argo::Dialects::ways(1))
{
    $g->script($Argo::Dialects::uri{$way->{api}}, [
        Argo::Faults::late_start($way->{api}, 'sse'), [chunk => 'data: "'],
        [fill => 17 * 1024, 'x' x 1024], [end =>] ]);

    ask('', $way);
    check('endless event', $way, { status => 502, after => 1,
        code => 'upstream_invalid_reply' }, $clients{$way->{name}});
}

good(map { Argo::Dialects::ways($_) } 0, 1);

is(join(' ', $t->workers()), $worker, 'the worker has lived');

$t->stop();

unlike($t->read_file('error.log'), qr/canary/, 'no bodies in the log');

$t->done_testing();

###############################################################################

# The faults by name, each with what it is for each API.

sub faults {
    my (@ways) = @_;

    my (@faults, %faults);
    my %form = map { $_->{api} => $_->{form} } @ways;

    for my $api (sort keys %form) {
        for my $fault (Argo::Faults::native($api, $form{$api})) {
            my $name = $fault->{name};

            # where it is cut depends on how long it is
            $name = 'cut ' . $faults{"$api cuts"}++
                if $name =~ /^cut at /;

            if (!$faults{$name}) {
                $faults{$name} = { name => $name, where => $fault->{where} };
                push @faults, $faults{$name};
            }

            $faults{$name}{by_api}{$api} = $fault;
            $faults{$name}{whole} = 1 if $fault->{said};
        }
    }

    return @faults;
}


sub script {
    my ($by_api) = @_;

    $g->script($Argo::Dialects::uri{$_}, $by_api->{$_}{script})
        for keys %$by_api;
}


# Sends what all of them ask, on the connection of each.

sub ask {
    my ($where, @ways) = @_;

    for my $way (@ways) {
        my $c = $clients{$way->{name}};

        if (!$c || $c->{eof}) {
            $c = $clients{$way->{name}} = Argo::Client->new(port(8080));
            $kept{$way->{name}}++;
        }

        $c->post_only(($where ? "/$where" : '') . Argo::Dialects::uri($way),
            Argo::Dialects::body($way));
    }
}


sub good {
    my (@ways) = @_;

    # of an API both forms, where all is asked for
    for my $form ('json', 'sse') {
        my @those = grep { $_->{form} eq $form } @ways;

        $g->script($Argo::Dialects::uri{$_},
            Argo::Dialects::good($_, $form)) for map { $_->{api} } @those;
        whole('good reply', 'good', @those);
    }
}


# Slow, in bytes, and with no more than the end of the last event.

sub trickle {
    my (@ways) = @_;

    for my $way (@ways) {
        my ($script) = Argo::Dialects::good($way->{api}, $way->{form});
        my $bytes = join '', map { $_->[1] } grep { $_->[0] =~ /chunk|body/ }
            @$script;

        $g->script($Argo::Dialects::uri{$way->{api}}, [
            Argo::Dialects::head($way->{form}),
            (map { [chunk => $_] } split //, $bytes), [end =>] ]);
    }

    whole('bytes', '', @ways);

    # what comes behind the end of a reply is no matter, nor is its transfer's

    my %ended;

    for my $way (grep { $_->{form} eq 'sse' } @ways) {
        my $bytes = join '', map { @$_ } Argo::Dialects::frames($way->{api});

        $ended{$way->{api}} = $bytes;
    }

    for my $tail ([ 'reset', [drain =>], [reset =>] ],
        [ 'close', [drain =>], [close =>] ],
        [ 'bad chunk', [drain =>], [raw => "zz\r\n"], [close =>] ],
        [ 'comment', [chunk => ": end\n\n"], [end =>] ])
    {
        my ($name, @steps) = @$tail;

        $g->script($Argo::Dialects::uri{$_}, [ Argo::Dialects::head('sse'),
            [chunk => $ended{$_}], @steps ]) for keys %ended;
        whole("$name behind the end", '',
            grep { $_->{form} eq 'sse' } @ways);
    }
}


sub whole {
    my ($name, $where, @ways) = @_;

    ask($where, @ways);

    for my $way (@ways) {
        my $r = $clients{$way->{name}}->response();
        my $ends = $Argo::Dialects::ends{$way->{client}{dialect}};

        is(Argo::Dialects::text($way, $r), Argo::Dialects::good_text($way),
            "$way->{name}: $name")
            or diag("$r->{status} " . substr $r->{body}, 0, 300);

        next if $way->{client}{only};

        like($r->{body}, $ends, "$way->{name}: $name, its end");
    }
}


sub check {
    my ($name, $way, $fault, $c) = @_;

    my $r = $c->response();
    my $what = "$way->{name}: $name";
    my $code = $fault->{code};
    my $got;

    # a count that ARGO has not made is made here, unless it is to blame

    if ($way->{api} eq 'count'
        && !($fault->{said} && $fault->{said} =~ /^(?:4(?!04|29)..)$/))
    {
        is("$r->{status} " . ($r->header('x-argo-token-count') || 'none'),
            '200 estimate', $what);
        return;
    }

    if ($name =~ /failed, (\w+), behind text/ && $way->{stream}
        && $way->{client}{name} eq 'responses' && $way->{api} eq 'responses')
    {
        # passed on
        is(Argo::Dialects::stream_error($way, $r, 200), "200 $1", $what);
        return;

    } elsif ($way->{stream} && $fault->{after}) {
        $got = Argo::Dialects::stream_error($way, $r, $fault->{status});
        like(Argo::Dialects::stream_text($way, $r), qr/^Sal(?:ve)?$/,
            "$what, text before it");

    } else {
        $got = Argo::Dialects::error($way, $r);
    }

    if (ref $code) {
        my $last = lc((split / /, $got)[-1]);
        $code = $last =~ $code ? $last : 'another';
    }

    is($got, Argo::Dialects::expected($way, $fault->{status}, $code,
        $fault->{param}, $way->{stream} && $fault->{after}), $what)
        or diag(substr $r->{body}, 0, 400);

    unlike($r->{body}, $Argo::Dialects::ends{$way->{client}{dialect}},
        "$what, no end");
    unlike($r->{body}, qr/canary|<html|IMPORTANT AUTH/, "$what, no bytes");
}

###############################################################################
