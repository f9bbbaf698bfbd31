package Argo::Client;

# Copyright (C) The ngx_http_argo_module authors

# HTTP/1.x client for tests: sends exactly what it is told, and reads
# replies step by step.  It knows whether a reply has ended as its framing
# demands, which a cut one has not.

use warnings;
use strict;

use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Scalar::Util qw/ weaken /;
use Socket qw/ IPPROTO_TCP TCP_NODELAY SOL_SOCKET SO_LINGER SO_RCVBUF
    sockaddr_in inet_aton PF_INET SOCK_STREAM /;
use Time::HiRes qw/ time /;


my %clients;


# rcvbuf: size of the receive buffer, to have a client that stops reading
# soon noticed.

sub new {
    my ($class, $port, %opt) = @_;

    socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket: $!";

    if ($opt{rcvbuf}) {
        setsockopt($s, SOL_SOCKET, SO_RCVBUF, $opt{rcvbuf});
    }

    connect($s, sockaddr_in($port, inet_aton('127.0.0.1')))
        or die "connect to $port: $!";
    setsockopt($s, IPPROTO_TCP, TCP_NODELAY, 1);
    binmode $s;

    my $self = bless {
        socket => $s,
        in => '',
        eof => 0,
        timeout => ($opt{timeout} || 10) * Argo::Test::patience(),
    }, $class;

    weaken($clients{$self} = $self);

    return $self;
}


sub DESTROY {
    my ($self) = @_;

    delete $clients{$self};
}


# Closes all connections that are open: nginx, told to stop, waits some time
# for clients to close theirs.

sub close_all {
    $_->close() for grep { defined } values %clients;
}


sub write {
    my ($self, $data) = @_;

    my $offset = 0;
    my $end = time() + $self->{timeout};

    local $SIG{PIPE} = 'IGNORE';

    while ($offset < length $data) {
        IO::Select->new($self->{socket})->can_write($end - time())
            or return 0;
        my $n = syswrite $self->{socket}, $data,
            length($data) - $offset > 65536 ? 65536
                : length($data) - $offset, $offset;
        return 0 unless defined $n;
        $offset += $n;
    }

    return 1;
}


# Writes a request.  headers is a list of pairs; a body gets a
# Content-Length unless there is a list "chunks", which is sent chunked.

sub request {
    my ($self, $method, $uri, %opt) = @_;

    return $self->write(Argo::Client::format_request($method, $uri, %opt));
}


sub format_request {
    my ($method, $uri, %opt) = @_;

    my $version = $opt{version} || '1.1';
    my $s = "$method $uri HTTP/$version\r\n";
    my @headers = @{$opt{headers} || []};
    my $body = '';

    $s .= "Host: localhost\r\n" unless $opt{no_host};
    $s .= "Connection: close\r\n" if $opt{close};

    if ($opt{chunks}) {
        push @headers, 'Transfer-Encoding', 'chunked';
        $body = join '', map { sprintf "%x\r\n%s\r\n", length $_, $_ }
            @{$opt{chunks}};
        $body .= "0\r\n\r\n";

    } elsif (defined $opt{body}) {
        push @headers, 'Content-Length', length $opt{body};
        $body = $opt{body};
    }

    while (my ($name, $value) = splice @headers, 0, 2) {
        $s .= "$name: $value\r\n";
    }

    return "$s\r\n$body";
}


# POST of a JSON body, and the whole reply.

sub post {
    my ($self, $uri, $body, %opt) = @_;

    $self->post_only($uri, $body, %opt);

    return $self->response();
}


sub post_only {
    my ($self, $uri, $body, %opt) = @_;

    return $self->request('POST', $uri, %opt, body => $body,
        headers => [ 'Content-Type', 'application/json',
            @{$opt{headers} || []} ]);
}


sub get {
    my ($self, $uri, %opt) = @_;

    $self->request('GET', $uri, %opt);

    return $self->response();
}


# Reads more into the buffer; false at the end, on an error or too late.

sub fill {
    my ($self) = @_;

    return 0 if $self->{eof};

    if (!IO::Select->new($self->{socket})->can_read($self->{timeout})) {
        $self->{timed_out} = 1;
        return 0;
    }

    my $n = sysread $self->{socket}, $self->{in}, 65536, length $self->{in};

    if (!defined $n) {
        $self->{reset} = 1;
        $self->{eof} = 1;
        return 0;
    }

    $self->{eof} = 1 if $n == 0;

    return $n;
}


sub read_all {
    my ($self) = @_;

    1 while $self->fill();

    return delete($self->{in}) . ($self->{in} = '');
}


# True if the server closes the connection now, with nothing more sent.

sub closed {
    my ($self) = @_;

    return 0 if length $self->{in};

    1 while !$self->{eof} && !$self->{timed_out} && !length $self->{in}
        && $self->fill();

    return $self->{eof} && !length $self->{in};
}


# Reads the head of a reply; body and the rest follow with next_piece() or
# finish().  A head that does not come gives a reply of status 0.

sub head {
    my ($self, %opt) = @_;

    my $r = bless { client => $self, status => 0, headers => [], body => '',
        chunks => [], head_only => $opt{head}, started => time() },
        'Argo::Client::Reply';

    while ($self->{in} !~ /\r\n\r\n/) {
        if (!$self->fill()) {
            $r->{done} = 1;
            return $r;
        }
    }

    $self->{in} =~ s/^(.*?)\r\n\r\n//s;

    my ($line, @lines) = split /\r\n/, $1;

    if ($line !~ m{^HTTP/(\d\.\d) (\d\d\d) ?(.*)$}) {
        $r->{done} = 1;
        $r->{broken} = "status line $line";
        return $r;
    }

    ($r->{version}, $r->{status}, $r->{reason}) = ($1, $2, $3);

    for (@lines) {
        my ($name, $value) = /^([^:]+):[ \t]*(.*?)[ \t]*$/;

        if (!defined $name) {
            $r->{broken} = "header line $_";
            next;
        }

        push @{$r->{headers}}, [ $name, $value ];
    }

    my $te = $r->header('transfer-encoding');
    my $length = $r->header('content-length');

    if ($opt{head} || $r->{status} == 204 || $r->{status} == 304
        || $r->{status} < 200)
    {
        $r->{framing} = 'none';
        $r->{done} = $r->{complete} = 1;

    } elsif (defined $te) {
        $r->{framing} = 'chunked';

    } elsif (defined $length) {
        $r->{framing} = 'length';
        $r->{left} = $length;

        if ($length == 0) {
            $r->{done} = $r->{complete} = 1;
        }

    } else {
        $r->{framing} = 'close';
    }

    return $r;
}


# A whole reply.

sub response {
    my ($self, %opt) = @_;

    return $self->head(%opt)->finish();
}


sub close {
    my ($self) = @_;

    CORE::close($self->{socket});
}


# Closes so that the other side gets a reset.

sub reset {
    my ($self) = @_;

    setsockopt($self->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    CORE::close($self->{socket});
}


# Parses a whole event stream into events: hashes with data, event, id and
# comment.  Strict: what is not a well-formed block is an event "broken".

sub events {
    my ($text) = @_;

    my @events;

    while ($text =~ s/^(.*?)\n\n//s) {
        push @events, event($1);
    }

    push @events, { broken => $text } if length $text;

    return @events;
}


sub event {
    my ($block) = @_;

    my %event;

    for my $line (split /\n/, $block) {
        if ($line =~ /^: ?(.*)/) {
            $event{comment} = $1;

        } elsif ($line =~ /^(data|event|id|retry): (.*)$/s) {
            $event{$1} = exists $event{$1} ? "$event{$1}\n$2" : $2;

        } else {
            $event{broken} = $line;
        }
    }

    if (defined $event{data} && $event{data} ne '[DONE]') {
        $event{json} = eval {
            JSON::PP->new->utf8->allow_nonref->decode($event{data})
        };
        $event{broken} = "not JSON: $event{data}" if $@;
    }

    return \%event;
}


# The text, in UTF-8, that events of a chat completion stream add up to.

sub text {
    my (@events) = @_;

    my $text = '';

    for my $e (@events) {
        my $choices = ref $e->{json} eq 'HASH' && $e->{json}{choices};
        next unless $choices && @$choices;
        my $content = $choices->[0]{delta}{content};
        $text .= $content if defined $content;
    }

    utf8::encode($text);

    return $text;
}


package Argo::Client::Reply;

use warnings;
use strict;


# The value of a header; several are joined as the standard has it.

sub header {
    my ($self, $name) = @_;

    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name }
        @{$self->{headers}};

    return @values ? join ', ', @values : undef;
}


sub headers_named {
    my ($self, $name) = @_;

    return map { $_->[1] } grep { lc $_->[0] eq lc $name }
        @{$self->{headers}};
}


# Reads the next piece of the body, as the server cut it; undef at the end.

sub next_piece {
    my ($self) = @_;

    my $c = $self->{client};

    return if $self->{done};

    if ($self->{framing} eq 'chunked') {
        return $self->next_chunk();
    }

    if (!length $c->{in} && !$c->fill()) {
        $self->{done} = 1;
        $self->{complete} = $self->{framing} eq 'close' && $c->{eof}
            && !$c->{reset} && !$c->{timed_out} ? 1 : 0;
        return;
    }

    my $piece;

    if ($self->{framing} eq 'length') {
        $piece = substr $c->{in}, 0, $self->{left}, '';
        $self->{left} -= length $piece;

        if ($self->{left} == 0) {
            $self->{done} = $self->{complete} = 1;
        }

    } else {
        $piece = $c->{in};
        $c->{in} = '';
    }

    $self->{body} .= $piece;

    return $piece;
}


sub next_chunk {
    my ($self) = @_;

    my $c = $self->{client};
    my $size;

    while (1) {
        if ($c->{in} =~ /^([0-9a-fA-F]+)[^\r\n]*\r\n/) {
            $size = hex $1;
            last if length($c->{in}) >= $+[0] + $size + 2;

        } elsif ($c->{in} =~ /^[^\r]*\r\n/ || length $c->{in} > 100) {
            $self->{broken} = 'chunk size ' . substr $c->{in}, 0, 40;
            $self->{done} = 1;
            return;
        }

        if (!$c->fill()) {
            # what came of an unfinished chunk counts as seen
            if ($c->{in} =~ /^[0-9a-fA-F]+[^\r\n]*\r\n(.*)$/s) {
                $self->{body} .= $1;
            }
            $self->{done} = 1;
            return;
        }
    }

    $c->{in} =~ s/^[0-9a-fA-F]+[^\r\n]*\r\n//;

    my $piece = substr $c->{in}, 0, $size, '';

    if (substr($c->{in}, 0, 2, '') ne "\r\n") {
        $self->{broken} = 'no line end after a chunk';
        $self->{done} = 1;
        return;
    }

    if ($size == 0) {
        $self->{done} = $self->{complete} = 1;
        return;
    }

    push @{$self->{chunks}}, $size;
    $self->{body} .= $piece;

    return $piece;
}


# Reads all that is left of the body.

sub finish {
    my ($self) = @_;

    1 while defined $self->next_piece();

    return $self;
}


# Reads up to the end of the next event of an event stream; undef if the
# body ends before.

sub next_event {
    my ($self) = @_;

    $self->{events_at} = 0 unless defined $self->{events_at};

    while (1) {
        my $end = index $self->{body}, "\n\n", $self->{events_at};

        if ($end >= 0) {
            my $block = substr $self->{body}, $self->{events_at},
                $end - $self->{events_at};
            $self->{events_at} = $end + 2;
            return Argo::Client::event($block);
        }

        return unless defined $self->next_piece();
    }
}


# All events of the body.

sub events {
    my ($self) = @_;

    $self->finish();

    return Argo::Client::events($self->{body});
}


# The text that the events of a chat completion stream add up to.

sub text {
    my ($self) = @_;

    return Argo::Client::text($self->events());
}


# The body as data; undef if it isn't JSON.

sub json {
    my ($self) = @_;

    $self->finish();

    return scalar eval {
        JSON::PP->new->utf8->allow_nonref->decode($self->{body})
    };
}


# An OpenAI error in one line, to be compared: "400 type param code".

sub error {
    my ($self) = @_;

    my $j = $self->json();
    my $e = ref $j eq 'HASH' ? $j->{error} : undef;

    return "$self->{status} without an error object"
        unless ref $e eq 'HASH';

    return "$self->{status} with keys " . join ' ', sort keys %$e
        unless join(' ', sort keys %$e) eq 'code message param type';

    return "$self->{status} without a message"
        unless defined $e->{message} && length $e->{message};

    return "$self->{status} as " . ($self->header('content-type') || 'none')
        unless ($self->header('content-type') || '')
            =~ m{^application/json(?:;|$)};

    return join ' ', $self->{status},
        map { defined $_ ? $_ : 'null' } @$e{qw/ type param code /};
}


sub message {
    my ($self) = @_;

    my $j = $self->json();

    return ref $j eq 'HASH' && ref $j->{error} eq 'HASH'
        ? $j->{error}{message} : undef;
}


1;
