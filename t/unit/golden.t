#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors
#
# Golden files: t/fixtures/<front>-<back>/ holds what a client and ARGO say
# and what has to become of it.  For a case NAME
#
#     NAME.request.in.json    a client's request
#     NAME.request.gold.json  what goes up to ARGO
#     NAME.reply.in.json      ARGO's reply in one piece
#     NAME.reply.gold.json    ... for a client that wants one piece
#     NAME.reply.gold.sse     ... for one that wants a stream
#     NAME.stream.in.txt      ARGO's reply as bare text
#     NAME.stream.gold.sse    ... for a client that wants a stream
#     NAME.error-502.in.txt   ARGO's reply with status 502
#
# and gold-403.json in place of gold.* where the client gets an error with
# that status.  A reply answers NAME.request.in.json, or the default's.
#
# With ARGO_UPDATE_GOLD=1 the golden files are written instead; read what has
# become of them before you believe in it.

use warnings;
use strict;

use File::Basename qw/ basename dirname /;
use File::Temp qw/ tempdir /;
use JSON::PP;
use Test::More;

my $root = dirname(__FILE__) . '/../..';
my $build = $ENV{ARGO_BUILD_DIR} || "$root/build";
my $convert = "$build/unit/argo_convert";
my $update = $ENV{ARGO_UPDATE_GOLD};
my $temp = tempdir(CLEANUP => 1);
my $json = JSON::PP->new->utf8->canonical->allow_nonref;

-x $convert or BAIL_OUT("$convert is not built: make unit-build");

my $seen = 0;

for my $dir (glob "$root/t/fixtures/*-*") {

    my ($front, $back) = basename($dir) =~ /^(\w+)-(\w+)$/ or next;

    for my $in (sort glob "$dir/*.in.*") {
        my ($name, $kind) = basename($in) =~ /^([\w-]+)\.([\w-]+)\.in\.\w+$/
            or BAIL_OUT("$in has a name that says nothing");

        $seen++;

        check("$dir/$name", "$name, $kind", $kind, $in,
              ['-f', $front, '-b', $back]);
    }
}

cmp_ok($seen, '>=', 30, 'fixtures found');

done_testing();


sub check {
    my ($base, $label, $kind, $in, $options) = @_;

    my $request = -e "$base.request.in.json"
                  ? "$base.request.in.json"
                  : dirname($base) . '/default.request.in.json';
    my @reply = (@$options, '-r', $request);

    if ($kind eq 'request') {
        golden("$base.$kind", 'json', $label,
               run($in, @$options, 'request'));

    } elsif ($kind eq 'reply') {
        my $unary = run($in, @reply, 'reply');
        my $stream = run($in, @reply, '-s', '-o', 'reply');

        golden("$base.$kind", 'json', $label, $unary);

        if ($unary->{status}) {
            is_deeply($stream, $unary, "$label: the same, streamed");
            return;
        }

        golden("$base.$kind", 'sse', "$label, streamed", $stream);
        agree($unary->{out}, $stream->{out}, $label);

    } elsif ($kind eq 'stream') {
        check_stream($base, $label, $in, @reply);

    } elsif ($kind =~ /^error-(\d+)$/) {
        golden("$base.$kind", 'json', $label,
               run($in, @reply, '-e', $1, 'reply'));

    } else {
        fail("$label: unknown kind");
    }
}


sub check_stream {
    my ($base, $label, $in, @reply) = @_;

    my @stream = (@reply, '-s', '-o', '-w');
    my $whole = run($in, @stream, 'reply');

    golden("$base.stream", 'sse', $label, $whole);

    if (!$whole->{status}) {
        my ($text) = fold($whole->{out});
        my $expected = slurp($in);

        utf8::decode($expected);
        is($text, $expected, "$label: all of the text");
    }

    my @differ;

    for my $n (1 .. 31) {
        my $cut = run($in, @stream, '-c', $n, 'reply');

        push @differ, $n
            if $cut->{status} ne $whole->{status}
               || $json->encode([fold($cut->{out})])
                  ne $json->encode([fold($whole->{out})]);
    }

    is("@differ", '', "$label: the same in pieces of 1 to 31 bytes");

    my $cut = run($in, @stream, '-i', 'reply');

    if ($cut->{status}) {
        isnt($cut->{status}, '200', "$label: cut, an error");

    } else {
        like($cut->{out}, qr/\ndata: \{"error":\{[^\n]*\}\n\n\z/,
             "$label: cut, an error at the end");
        unlike($cut->{out}, qr/\[DONE\]|"finish_reason":"/,
               "$label: cut, no end");
    }
}


# what a client makes of a stream: text, calls, finish, usage, and the frames
# themselves but for the borders between pieces of text

sub fold {
    my ($sse) = @_;

    my ($text, @calls, $finish, $usage, @frames) = ('');

    for my $frame (split /\n\n/, $sse) {
        my ($data) = $frame =~ /^data: (.*)\z/s or return "not SSE: $frame";

        if ($data eq '[DONE]') {
            push @frames, $data;
            next;
        }

        my $chunk = eval { $json->decode($data) }
            or return "not JSON: $data";

        $usage = $chunk->{usage} if $chunk->{usage};

        my $choice = ($chunk->{choices} || [])->[0];
        my $delta = $choice ? $choice->{delta} : {};

        $finish = $choice->{finish_reason} if $choice->{finish_reason};

        for my $call (@{$delta->{tool_calls} || []}) {
            my $to = $calls[$call->{index}] ||= {};

            $to->{id} .= $call->{id} if defined $call->{id};
            $to->{type} .= $call->{type} if defined $call->{type};

            for (keys %{$call->{function}}) {
                $to->{function}{$_} .= $call->{function}{$_};
            }
        }

        if (defined $delta->{content} && !$delta->{role}) {
            $text .= $delta->{content};

            next if @frames && $frames[-1] eq 'text';
            push @frames, 'text';
            next;
        }

        push @frames, $data;
    }

    return ($text, \@calls, $finish, $usage, \@frames);
}


sub agree {
    my ($unary, $sse, $label) = @_;

    my ($text, $calls, $finish, $usage) = fold($sse);
    my $body = $json->decode($unary);
    my $choice = $body->{choices}[0];

    is($choice->{message}{content} // '', $text, "$label: the same text");
    is_deeply($choice->{message}{tool_calls} // [], $calls,
              "$label: the same calls");
    is($choice->{finish_reason}, $finish, "$label: the same end");
    is_deeply($body->{usage}, $usage, "$label: the same usage");
}


sub golden {
    my ($base, $suffix, $label, $got) = @_;

    my $file = $got->{status} ? "$base.gold-$got->{status}.json"
                              : "$base.gold.$suffix";

    if ($update) {
        open my $f, '>:raw', $file or die "$file: $!\n";
        print $f $got->{out};
        close $f or die "$file: $!\n";
    }

    # a golden file of another status must not be left beside it

    my @others = grep { $_ ne $file
                        && ($got->{status} || /gold-/) }
                 glob "$base.gold*";

    is("@others", '', "$label: status");
    is($got->{out}, -e $file ? slurp($file) : undef, $label);
}


sub run {
    my ($in, @args) = @_;

    my $pid = fork();
    defined $pid or die "fork: $!\n";

    if ($pid == 0) {
        open STDIN, '<', $in or die "$in: $!\n";
        open STDOUT, '>', "$temp/out" or die "$temp/out: $!\n";
        open STDERR, '>', "$temp/err" or die "$temp/err: $!\n";
        exec $convert, @args or die "$convert: $!\n";
    }

    waitpid $pid, 0;

    my $err = slurp("$temp/err");

    if ($? == 0) {
        return { status => '', out => slurp("$temp/out") };
    }

    if ($? == 3 << 8 && $err =~ /^(\d+) application\/json$/) {
        return { status => $1, out => slurp("$temp/out") };
    }

    diag("argo_convert @args < $in: $?: $err");

    return { status => 'failed', out => '' };
}


sub slurp {
    my ($file) = @_;

    open my $f, '<:raw', $file or die "$file: $!\n";
    local $/;
    my $content = <$f>;

    return $content // '';
}
