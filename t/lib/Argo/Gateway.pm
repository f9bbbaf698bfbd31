package Argo::Gateway;

# Copyright (C) The ngx_http_argo_module authors

# Upstream that plays ARGO byte by byte.  A test gives it a script for each
# reply, a list of steps:
#
#   [status => 502, 'Bad Gateway']   of the head, which goes out with the
#                                    first step that sends some of the body
#   [header => 'Name', 'value']
#   [body => $bytes]                 a whole body with its Content-Length
#   [chunk => $bytes]                a chunk of a chunked body
#   [end]                            the end of a chunked body
#   [data => $bytes]                 bytes of a body that has other framing:
#                                    the Content-Length given, or the close
#   [raw => $bytes]                  bytes as they are, without any head
#   [fill => $n, $line]              n times a line in chunks of 64 KB
#   [head]                           sends the head now
#   [drain]                          waits until the peer has read all that
#                                    was sent, so that what follows comes to
#                                    it in another read
#   [wait_for => 'token']            waits for signal('token') by the test
#   [wait_close]                     waits until the peer closes
#   [close]  [reset]                 ends the connection
#
# A step "wait_for" ends the script if the peer closes meanwhile.  What
# happens is recorded for the test: requests() and events().

use warnings;
use strict;

use Errno;
use Fcntl qw/ :flock /;
use IO::Select;
use IO::Handle;
use JSON::PP ();
use POSIX ();
use Socket qw/ PF_INET SOCK_STREAM SOCK_RAW SOL_SOCKET SO_REUSEADDR SO_LINGER
    IPPROTO_TCP TCP_NODELAY MSG_PEEK sockaddr_in inet_aton /;
use Storable ();
use Time::HiRes qw/ time sleep /;

use Argo::Test ();

my $json = JSON::PP->new->canonical->latin1;
my $count = 0;


# Starts a gateway at the port that stands for the number.

sub new {
    my ($class, $t, $number) = @_;

    my $self = bless {
        t => $t,
        number => $number,
        port => Argo::Test::port($number),
        dir => $t->testdir() . '/gateway' . $count++,
    }, $class;

    mkdir $self->{dir} or die "$self->{dir}: $!";
    open my $f, '>', "$self->{dir}/lock" or die "lock: $!";
    $self->{any} = [[ [status => 500, 'No Script'], [body => ''] ]];
    $self->store({});

    # listens before it forks: no need to wait for it
    socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
    setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
    bind($s, sockaddr_in($self->{port}, inet_aton('127.0.0.1')))
        or die "bind: $!";
    listen($s, 511) or die "listen: $!";

    $self->{daemon} = $t->run_daemon(sub { $self->serve($s) });
    close $s;

    return $self;
}


# ---- the test's side

# Sets the replies to a URI, or with undef to any that has none: the first
# script is for the first request, and so on; the last one is repeated.

sub script {
    my ($self, $uri, @scripts) = @_;

    $self->locked(sub {
        my $state = $self->load();
        $state->{scripts}{defined $uri ? $uri : ''} = \@scripts;
        $self->store($state);
    });

    return $self;
}


# The common scripts: a unary reply of ARGO's with a text, and a raw stream.

sub answer {
    my ($self, $text) = @_;

    return $self->script(undef, [
        [header => 'Content-Type', 'application/json'],
        [body => Argo::Test::json({ response => $text })],
    ]);
}


sub stream {
    my ($self, @chunks) = @_;

    return $self->script(undef, [
        [header => 'Content-Type', 'text/plain; charset=utf-8'],
        (map { [chunk => $_] } @chunks),
        [end =>],
    ]);
}


sub signal {
    my ($self, $token) = @_;

    open my $f, '>', "$self->{dir}/token.$token" or die "$token: $!";
}


# Forgets all requests and events so far, and all tokens.

sub clear {
    my ($self) = @_;

    unlink glob "$self->{dir}/token.*";
    unlink glob "$self->{dir}/body.*";
    unlink "$self->{dir}/log";

    return $self;
}


sub records {
    my ($self) = @_;

    open my $f, '<', "$self->{dir}/log" or return;
    binmode $f;

    # a line without its end is being written just now
    return map { $json->decode($_) } grep { /\n\z/ } <$f>;
}


# Requests that came: hashes with id, connection, method, uri, version,
# headers (list of pairs), body.

sub requests {
    my ($self) = @_;

    my @requests = grep { $_->{type} eq 'request' } $self->records();

    for my $r (@requests) {
        open my $f, '<', "$self->{dir}/body.$r->{id}" or next;
        binmode $f;
        local $/;
        $r->{body} = <$f>;
        $r->{body} = '' unless defined $r->{body};
    }

    return @requests;
}


# The only request since clear(); dies if there isn't just one.

sub request {
    my ($self) = @_;

    my @requests = $self->requests();

    die scalar(@requests) . " requests at the gateway, not one"
        unless @requests == 1;

    return $requests[0];
}


# Body of the only request, as data.

sub request_json {
    my ($self) = @_;

    return JSON::PP->new->utf8->decode($self->request()->{body});
}


sub header {
    my ($request, $name) = @_;

    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name }
        @{$request->{headers}};

    return join ', ', @values;
}


# Waits for an event of a type: "request", "done" (the script was played to
# its end), "closed" (the peer closed; sent: bytes sent by then), "blocked"
# (the peer does not read; sent).

sub wait_event {
    my ($self, $type, $n) = @_;

    $n ||= 1;

    return $self->{t}->waitfor(sub {
        my @found = grep { $_->{type} eq $type } $self->records();
        return @found >= $n ? $found[$n - 1] : undef;
    });
}


# ---- the server's side

sub locked {
    my ($self, $code) = @_;

    open my $lock, '>>', "$self->{dir}/lock" or die "lock: $!";
    flock $lock, LOCK_EX or die "flock: $!";

    return $code->();
}


sub load {
    my ($self) = @_;

    return Storable::retrieve("$self->{dir}/state");
}


sub store {
    my ($self, $state) = @_;

    Storable::nstore($state, "$self->{dir}/state");
}


# Takes the next script for a URI, and a number for the request.

sub take {
    my ($self, $uri) = @_;

    return $self->locked(sub {
        my $state = $self->load();
        my $id = ++$state->{id};
        my $scripts = $state->{scripts}{$uri} || $state->{scripts}{''}
            || $self->{any};
        my $script = @$scripts > 1 ? shift @$scripts : $scripts->[0];
        $self->store($state);
        return ($id, $script);
    });
}


sub record {
    my ($self, %record) = @_;

    open my $f, '>>', "$self->{dir}/log" or return;
    binmode $f;
    syswrite $f, $json->encode(\%record) . "\n";
}


sub serve {
    my ($self, $listen) = @_;

    my $parent = getppid();
    my $connection = 0;

    local $SIG{CHLD} = 'IGNORE';

    while (getppid() == $parent) {
        next unless IO::Select->new($listen)->can_read(1);

        accept(my $s, $listen) or next;
        $connection++;

        my $pid = fork();
        next if !defined $pid || $pid;

        close $listen;
        setsockopt($s, IPPROTO_TCP, TCP_NODELAY, 1);
        binmode $s;

        $self->{socket} = $s;
        $self->{connection} = $connection;
        $self->{in} = '';

        eval {
            1 while $self->serve_one();
            1;
        } or warn "gateway: $@";

        POSIX::_exit(0);
    }
}


# Serves one request; true if the connection can take another one.

sub serve_one {
    my ($self) = @_;

    my $r = $self->read_request() or return 0;
    my $script;

    ($self->{id}, $script) = $self->take($r->{uri});

    open my $f, '>', "$self->{dir}/body.$self->{id}" or die "body: $!";
    binmode $f;
    print $f delete $r->{body};
    close $f;

    $self->record(%$r, type => 'request', id => $self->{id},
        connection => $self->{connection});

    $self->{sent} = 0;
    $self->{status} = '200 OK';
    $self->{headers} = [];
    $self->{head_sent} = 0;
    $self->{chunked} = 0;
    $self->{framed} = 0;

    for my $step (@$script) {
        my ($verb, @args) = @$step;
        my $method = "step_$verb";

        return 0 unless $self->$method(@args);
    }

    $self->record(type => 'done', id => $self->{id}, sent => $self->{sent});

    return $self->{framed} && $r->{version} eq '1.1'
        && lc header($r, 'Connection') ne 'close';
}


sub fill {
    my ($self) = @_;

    return sysread $self->{socket}, $self->{in}, 262144, length $self->{in};
}


sub read_request {
    my ($self) = @_;

    while ($self->{in} !~ /\r\n\r\n/) {
        $self->fill() or return;
    }

    $self->{in} =~ s/^(.*?)\r\n\r\n//s;

    my ($line, @lines) = split /\r\n/, $1;
    my ($method, $uri, $version) = $line =~ m{^(\S+) (\S+) HTTP/(\S+)$};

    die "bad request line $line" unless defined $version;

    my $r = {
        method => $method,
        uri => $uri,
        version => $version,
        headers => [ map { [ split /: ?/, $_, 2 ] } @lines ],
    };

    my $length = header($r, 'Content-Length') || 0;

    while (length $self->{in} < $length) {
        $self->fill() or return;
    }

    $r->{body} = substr $self->{in}, 0, $length, '';

    return $r;
}


# True if the peer has closed its side.

sub peer_closed {
    my ($self, $seconds) = @_;

    return 0 unless IO::Select->new($self->{socket})->can_read($seconds);

    my $peer = recv($self->{socket}, my $byte, 1, MSG_PEEK);

    # more data would be another request
    if (defined $peer && length $byte) {
        sleep $seconds;
        return 0;
    }

    $self->record(type => 'closed', id => $self->{id},
        sent => $self->{sent});

    return 1;
}


sub send_bytes {
    my ($self, $data) = @_;

    my $offset = 0;
    my $blocked = 0;

    $self->{socket}->blocking(0);

    while ($offset < length $data) {
        if (!IO::Select->new($self->{socket})
            ->can_write($blocked ? undef : 0.5))
        {
            $self->record(type => 'blocked', id => $self->{id},
                sent => $self->{sent});
            $blocked = 1;
            next;
        }

        my $n = syswrite $self->{socket}, $data, length($data) - $offset,
            $offset;

        next if !defined $n && $!{EAGAIN};

        if (!defined $n) {
            $self->record(type => 'closed', id => $self->{id},
                sent => $self->{sent});
            return 0;
        }

        $offset += $n;
        $self->{sent} += $n;
    }

    $self->{socket}->blocking(1);

    return 1;
}


sub head {
    my ($self, @more) = @_;

    return '' if $self->{head_sent}++;

    my $s = "HTTP/1.1 $self->{status}\r\n";

    for my $h (@{$self->{headers}}, @more) {
        $s .= "$h->[0]: $h->[1]\r\n";
    }

    return "$s\r\n";
}


sub step_status {
    my ($self, $code, $reason) = @_;

    $self->{status} = "$code " . (defined $reason ? $reason : 'Status');
}


sub step_header {
    my ($self, $name, $value) = @_;

    push @{$self->{headers}}, [ $name, $value ];
}


sub step_head {
    my ($self) = @_;

    return $self->send_bytes($self->head());
}


sub step_body {
    my ($self, $data) = @_;

    $self->{framed} = 1;

    return $self->send_bytes($self->head([ 'Content-Length', length $data ])
        . $data);
}


sub step_chunk {
    my ($self, $data) = @_;

    $self->{chunked} = 1;

    return $self->send_bytes($self->head([ 'Transfer-Encoding', 'chunked' ])
        . sprintf("%x\r\n%s\r\n", length $data, $data));
}


sub step_end {
    my ($self) = @_;

    $self->{framed} = 1;

    return $self->send_bytes($self->head([ 'Transfer-Encoding', 'chunked' ])
        . "0\r\n\r\n");
}


sub step_data {
    my ($self, $data) = @_;

    return $self->send_bytes($self->head() . $data);
}


sub step_raw {
    my ($self, $data) = @_;

    return $self->send_bytes($data);
}


# Many chunks of one line repeated, n times in all.

sub step_fill {
    my ($self, $n, $line) = @_;

    my $per_chunk = int(65536 / length $line);

    while ($n) {
        my $lines = $n < $per_chunk ? $n : $per_chunk;
        $self->step_chunk($line x $lines) or return 0;
        $n -= $lines;
    }

    return 1;
}


# The queues of both sockets, as the system tells them, show whether all has
# arrived at the peer's, and whether the program behind that has read it.

sub step_drain {
    my ($self) = @_;

    my $end = time() + 10 * Argo::Test::patience();
    my $peer = getpeername($self->{socket}) or return 1;
    my ($here) = sockaddr_in(getsockname($self->{socket}));
    my ($there) = sockaddr_in($peer);

    while (time() < $end) {
        my ($unsent) = reverse queues($here, $there);
        my ($unread) = queues($there, $here);

        return 1 if !$unsent && !$unread;

        sleep 0.0005;
    }

    return 1;
}


# Lengths of the receive queue and of the send queue (until acknowledged) of
# the socket between two ports of 127.0.0.1; zeros if there is none.  This asks
# the kernel for one socket (struct inet_diag_req_v2); the file that is read
# where that fails lists all of them, and slowly.

sub queues {
    my ($local, $remote) = @_;

    my ($AF_NETLINK, $NETLINK_SOCK_DIAG, $SOCK_DIAG_BY_FAMILY) = (16, 4, 20);
    my ($NLM_F_REQUEST, $NLMSG_ERROR, $TCP_LISTEN) = (1, 2, 10);
    my $any = 0xffffffff;
    my $address = inet_aton('127.0.0.1');

    socket(my $s, $AF_NETLINK, SOCK_RAW, $NETLINK_SOCK_DIAG)
        or return queues_by_proc($local, $remote);

    # the family, the protocol; all states; the socket
    my $request = pack('CCxxL', PF_INET, IPPROTO_TCP, $any)
        . pack('nna4x12a4x12LLL', $local, $remote, $address, $address, 0,
            $any, $any);

    send($s, pack('LSSLL', 16 + length $request, $SOCK_DIAG_BY_FAMILY,
        $NLM_F_REQUEST, 1, 0) . $request, 0, pack('SSLL', $AF_NETLINK,
        0, 0, 0)) or return queues_by_proc($local, $remote);
    defined recv($s, my $reply, 8192, 0)
        or return queues_by_proc($local, $remote);

    my ($length, $type) = unpack 'LS', $reply;

    if ($type == $NLMSG_ERROR) {
        return -unpack('x16l', $reply) == Errno::ENOENT() ? (0, 0)
            : queues_by_proc($local, $remote);
    }

    my ($state, $receive, $send) = unpack 'x17Cx54LL', $reply;

    # where the one that was asked for is gone a listening one is found
    return $state == $TCP_LISTEN ? (0, 0) : ($receive, $send);
}


sub queues_by_proc {
    my ($local, $remote) = @_;

    my $row = sprintf ': 0100007F:%04X 0100007F:%04X ', $local, $remote;

    open my $f, '<', '/proc/net/tcp' or return (0, 0);

    for my $line (<$f>) {
        next if index($line, $row) < 0;
        return (hex $2, hex $1)
            if $line =~ / ([0-9A-F]{8}):([0-9A-F]{8}) /;
    }

    return (0, 0);
}


sub step_wait_for {
    my ($self, $token) = @_;

    until (-e "$self->{dir}/token.$token") {
        return 0 if $self->peer_closed(0.002);
    }

    return 1;
}


sub step_wait_close {
    my ($self) = @_;

    1 until $self->peer_closed(0.1);

    return 0;
}


sub step_close {
    my ($self) = @_;

    close $self->{socket};

    $self->record(type => 'done', id => $self->{id}, sent => $self->{sent});

    return 0;
}


sub step_reset {
    my ($self) = @_;

    setsockopt($self->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));

    return $self->step_close();
}


1;
