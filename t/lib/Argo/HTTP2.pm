package Argo::HTTP2;

# Copyright (C) The ngx_http_argo_module authors

# Just enough of an HTTP/2 client for what programs can't be made to do: many
# streams on one connection, some of them cancelled or not read, headers and
# frames that nobody should send.  Of the headers of a reply it knows the
# status.

use warnings;
use strict;

use IO::Select;
use Socket qw/ IPPROTO_TCP TCP_NODELAY PF_INET SOCK_STREAM sockaddr_in
    inet_aton /;
use Time::HiRes qw/ time /;

use constant {
    DATA => 0, HEADERS => 1, RST_STREAM => 3, SETTINGS => 4, PING => 6,
    GOAWAY => 7, WINDOW_UPDATE => 8, CONTINUATION => 9,

    END_STREAM => 0x01, ACK => 0x01, END_HEADERS => 0x04, PADDED => 0x08,

    CANCEL => 8,
};


# window: how much of each stream is taken before window() allows more; all
# of it without.

sub new {
    my ($class, $port, %opt) = @_;

    socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
    connect($s, sockaddr_in($port, inet_aton('127.0.0.1')))
        or die "connect to $port: $!";
    setsockopt($s, IPPROTO_TCP, TCP_NODELAY, 1);
    binmode $s;

    my $self = bless {
        socket => $s,
        in => '',
        next => 1,
        streams => {},
        limited => defined $opt{window},
        timeout => 10 * Argo::Test::patience(),
    }, $class;

    my $window = defined $opt{window} ? $opt{window} : 2 ** 31 - 1;

    # SETTINGS_INITIAL_WINDOW_SIZE; then as much for the whole connection
    $self->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        . frame(SETTINGS, 0, 0, pack('nN', 4, $window))
        . frame(WINDOW_UPDATE, 0, 0, pack('N', 2 ** 31 - 1 - 65535)));

    return $self;
}


sub frame {
    my ($type, $flags, $id, $payload) = @_;

    return substr(pack('N', length $payload), 1)
        . pack('CCN', $type, $flags, $id) . $payload;
}


sub send {
    my ($self, $data) = @_;

    local $SIG{PIPE} = 'IGNORE';

    my $offset = 0;

    while ($offset < length $data) {
        my $n = syswrite $self->{socket}, $data, length($data) - $offset,
            $offset;
        return 0 unless defined $n;
        $offset += $n;
    }

    return 1;
}


# A header as a literal without index and without Huffman coding.

sub header {
    my ($name, $value) = @_;

    return "\0" . string($name) . string($value);
}


sub string {
    my ($s) = @_;

    return integer(7, length $s) . $s;
}


# A number whose first byte has room for some bits; those above are zero.

sub integer {
    my ($bits, $n) = @_;

    my $max = 2 ** $bits - 1;

    return chr $n if $n < $max;

    my $bytes = chr $max;

    for ($n -= $max; $n > 127; $n >>= 7) {
        $bytes .= chr(128 | $n & 127);
    }

    return $bytes . chr $n;
}


# The headers, in pairs, of an ordinary request.

sub headers {
    my ($uri) = @_;

    return (':method', 'POST', ':scheme', 'http', ':path', $uri,
        ':authority', 'localhost', 'content-type', 'application/json');
}


sub block {
    my (@headers) = @_;

    my $block = '';

    while (my ($name, $value) = splice @headers, 0, 2) {
        $block .= header($name, $value);
    }

    return $block;
}


# A stream that nothing has been sent of.

sub stream {
    my ($self) = @_;

    my $id = $self->{next};

    $self->{next} += 2;

    return $self->{streams}{$id} = { id => $id, status => 0, data => '' };
}


# Sends a POST with a body of at most one frame; returns the stream.

sub post {
    my ($self, $uri, $body) = @_;

    return $self->request([ headers($uri) ], $body);
}


# Sends headers, in pairs, and each piece of a body as a frame of its own.

sub request {
    my ($self, $headers, @pieces) = @_;

    my $s = $self->stream();
    my $last = pop @pieces;
    my $flags = defined $last ? END_HEADERS : END_HEADERS | END_STREAM;

    $self->send(join '', frame(HEADERS, $flags, $s->{id}, block(@$headers)),
        (map { frame(DATA, 0, $s->{id}, $_) } @pieces),
        defined $last ? frame(DATA, END_STREAM, $s->{id}, $last) : ());

    return $s;
}


# What becomes of a stream: the status of a reply that has come whole,
# "reset", "goaway" for an error of the connection, "closed" if that ended
# otherwise; "nothing" if the time is over.

sub outcome {
    my ($self, $stream) = @_;

    $self->until(sub { $stream->{ended} || $stream->{reset} });

    return $stream->{ended} ? $stream->{status}
        : $stream->{reset} ? 'reset'
        : $self->{goaway} ? 'goaway'
        : $self->{closed} ? 'closed' : 'nothing';
}


sub cancel {
    my ($self, $stream) = @_;

    $stream->{cancelled} = 1;

    return $self->send(frame(RST_STREAM, 0, $stream->{id},
        pack('N', CANCEL)));
}


# Allows n more bytes of a stream.

sub window {
    my ($self, $stream, $n) = @_;

    return $self->send(frame(WINDOW_UPDATE, 0, $stream->{id},
        pack('N', $n)));
}


# Reads until the condition is true; false if it does not become so.

sub until {
    my ($self, $condition) = @_;

    my $end = time() + $self->{timeout};

    until ($condition->()) {
        $self->read_frame($end) or return 0;
    }

    return 1;
}


sub read_frame {
    my ($self, $end) = @_;

    my $length;

    while (1) {
        if (length $self->{in} >= 9) {
            $length = unpack 'N', "\0" . substr $self->{in}, 0, 3;
            last if length $self->{in} >= 9 + $length;
        }

        return 0 if time() > $end;
        next unless IO::Select->new($self->{socket})->can_read(
            $end - time());

        next if sysread $self->{socket}, $self->{in}, 65536,
            length $self->{in};

        $self->{closed} = 1;
        return 0;
    }

    my ($type, $flags, $id) = unpack 'CCN', substr $self->{in}, 3, 6;
    my $payload = substr $self->{in}, 9, $length;

    substr $self->{in}, 0, 9 + $length, '';

    return $self->handle($type, $flags, $id, $payload);
}


sub handle {
    my ($self, $type, $flags, $id, $payload) = @_;

    my $stream = $self->{streams}{$id};

    if ($type == SETTINGS && !($flags & ACK)) {
        $self->send(frame(SETTINGS, ACK, 0, ''));

    } elsif ($type == PING && !($flags & ACK)) {
        $self->send(frame(PING, ACK, 0, $payload));

    } elsif ($type == GOAWAY) {
        return 1 unless unpack 'x4N', $payload;
        $self->{goaway} = 1;
        return 0;

    } elsif ($type == RST_STREAM && $stream) {
        $stream->{reset} = 1;

    } elsif ($type == HEADERS && $stream) {
        $stream->{status} = status($payload) unless $stream->{status};
        $stream->{ended} = 1 if $flags & END_STREAM;

    } elsif ($type == DATA && $stream) {
        die 'padding' if $flags & PADDED;

        $stream->{data} .= $payload;
        $stream->{ended} = 1 if $flags & END_STREAM;

        if (length $payload) {
            $self->send(frame(WINDOW_UPDATE, 0, 0,
                pack('N', length $payload)));
        }
    }

    return 1;
}


# The status comes first, as a number of the static table or as a literal.

sub status {
    my ($block) = @_;

    # change of the size of the dynamic table
    $block =~ s/^[\x20-\x3f]//;

    my %table = (0x88, 200, 0x89, 204, 0x8a, 206, 0x8b, 304, 0x8c, 400,
        0x8d, 404, 0x8e, 500);
    my $first = ord $block;

    return $table{$first} if $table{$first};
    return $1 if $block =~ /^[\x08\x18\x48]\x03(\d\d\d)/;

    return 'unknown';
}


sub close {
    my ($self) = @_;

    CORE::close($self->{socket});
}


1;
