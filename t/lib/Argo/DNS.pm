package Argo::DNS;

# Copyright (C) The ngx_http_argo_module authors

# Name server that answers as a test tells it.  Each name has a list of
# answers: the first one is for the first question, the last one is repeated.
# An answer is a list of addresses; IPv4 ones answer questions of type A, IPv6
# ones those of type AAAA.  Questions of one type alone count.
#
#   Argo::DNS->new($t, 8053,
#       'img.example.org' => [[ '127.0.0.1' ]],
#       'changes.example.org' => [[ '127.0.0.1' ], [ '10.0.0.1' ]],
#       'silent.example.org' => [ undef ]);
#
# A name that is not in the list does not exist.

use warnings;
use strict;

use Socket qw/ PF_INET SOCK_DGRAM sockaddr_in inet_aton inet_pton AF_INET
    AF_INET6 /;

use Argo::Test ();


sub new {
    my ($class, $t, $number, %names) = @_;

    my $self = bless {
        t => $t,
        names => \%names,
        log => $t->testdir() . '/dns.log',
    }, $class;

    socket(my $s, PF_INET, SOCK_DGRAM, 0) or die "socket: $!";
    bind($s, sockaddr_in(Argo::Test::port($number), inet_aton('127.0.0.1')))
        or die "bind: $!";

    $t->run_daemon(sub { $self->serve($s) });
    close $s;

    return $self;
}


# Questions so far, "name type".

sub questions {
    my ($self) = @_;

    open my $f, '<', $self->{log} or return;
    chomp(my @questions = <$f>);

    return @questions;
}


sub clear {
    my ($self) = @_;

    unlink $self->{log};
}


sub serve {
    my ($self, $s) = @_;

    my $parent = getppid();

    while (getppid() == $parent) {
        my $read = '';
        vec($read, fileno($s), 1) = 1;
        select($read, undef, undef, 1) or next;

        my $peer = recv($s, my $query, 512, 0) or next;
        my $reply = $self->reply($query);

        send($s, $reply, 0, $peer) if defined $reply;
    }
}


sub reply {
    my ($self, $query) = @_;

    my $id = substr $query, 0, 2;
    my $at = 12;
    my @labels;

    while (my $n = ord substr $query, $at, 1) {
        push @labels, substr $query, $at + 1, $n;
        $at += $n + 1;
    }

    my $question = substr $query, 12, $at + 5 - 12;
    my ($type) = unpack 'n', substr $query, $at + 1, 2;
    my $name = lc join '.', @labels;
    my $text = $type == 1 ? 'A' : $type == 28 ? 'AAAA' : $type;

    open my $f, '>>', $self->{log} or return;
    syswrite $f, "$name $text\n";
    close $f;

    my $answers = $self->{names}{$name}
        or return $id . pack('n5', 0x8183, 1, 0, 0, 0) . $question;

    my $n = $self->{asked}{$name}{$text}++;
    my $addresses = $answers->[$n < $#$answers ? $n : -1] or return;
    my $family = $type == 1 ? AF_INET : AF_INET6;

    my @data = grep { defined } map { inet_pton($family, $_) } @$addresses;

    # nothing of it may be kept
    return $id . pack('n5', 0x8180, 1, scalar @data, 0, 0) . $question
        . join '', map { pack('nnnNn/a', 0xc00c, $type, 1, 0, $_) } @data;
}


1;
