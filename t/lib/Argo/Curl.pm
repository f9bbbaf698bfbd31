package Argo::Curl;

# Copyright (C) The ngx_http_argo_module authors

# Clients of what Perl alone does not speak: TLS, and HTTP/2 and HTTP/3 as
# others do.  Each request is a process of its own.
#
#   my $curl = Argo::Curl->new($t, 'https://127.0.0.1:4711', qw/ -k --http2 /);
#   my $r = $curl->post($uri, $body, 'X-Header: value');
#
#   my $c = $curl->start($uri, $body);
#   $c->until(qr/Hello/);
#   my $r = $c->finish();

use warnings;
use strict;

use IO::Select;
use POSIX ();
use Time::HiRes qw/ time /;

use Argo::Client ();
use Argo::Test ();

my $count = 0;


sub new {
    my ($class, $t, $base, @options) = @_;

    return bless { t => $t, base => $base, options => \@options }, $class;
}


# Has bodies written to files, as fast as they come; until() does not see them
# then.

sub to_files {
    my ($self) = @_;

    $self->{to_files} = 1;

    return $self;
}


# True if the program that is installed has a feature ("HTTP3").

sub has {
    my ($feature) = @_;

    return scalar `curl --version` =~ /^Features:.*\b\Q$feature\E\b/m;
}


# Whole replies, as Argo::Client has them; options of curl's follow the path.

sub get {
    my ($self, $uri, @options) = @_;

    return $self->run($uri, @options)->finish();
}


sub post {
    my ($self, $uri, $body, @headers) = @_;

    return $self->start($uri, $body, @headers)->finish();
}


# Begins a POST of JSON.

sub start {
    my ($self, $uri, $body, @headers) = @_;

    my $name = 'curl' . $count . '.request';

    $self->{t}->write_file($name, $body);

    return $self->run($uri, '--data-binary',
        '@' . $self->{t}->testdir() . "/$name",
        map { ('-H', $_) } 'Content-Type: application/json', @headers);
}


sub run {
    my ($self, $uri, @options) = @_;

    my $files = $self->{t}->testdir() . '/curl' . $count++;

    my @command = ('curl', '-sS', '-N', '--max-time',
        30 * Argo::Test::patience(), @{$self->{options}}, '--stderr',
        "$files.log", '-D', "$files.head",
        $self->{to_files} ? ('-o', "$files.body") : (),
        @options, $self->{base} . $uri);

    pipe my $out, my $in or die "pipe: $!";

    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>&', $in or POSIX::_exit(1);
        close $in;
        close $out;
        exec @command or POSIX::_exit(1);
    }

    close $in;
    binmode $out;

    return bless { pid => $pid, out => $out, files => $files, body => '',
        to_files => $self->{to_files},
        head_only => scalar grep { $_ eq '--head' } @options },
        'Argo::Curl::Request';
}


# Has a gateway send each of its chunks, "<1>" and so on, when the client has
# read the one before it; the script waits for the tokens 1, 2, ... and "end".
# Returns how many came.

sub paced {
    my ($request, $gateway, $n) = @_;

    for my $i (1 .. $n) {
        $gateway->signal($i);
        $request->until(qr/"content":"<$i>"/) or return $i - 1;
    }

    $gateway->signal('end');

    return $n;
}


package Argo::Curl::Request;

use warnings;
use strict;

use Time::HiRes qw/ time /;


# Reads until the body is as wanted; false if it does not become so.

sub until {
    my ($self, $wanted) = @_;

    my $end = time() + 10 * Argo::Test::patience();

    while ($self->{body} !~ $wanted) {
        return 0 if time() > $end || !$self->fill($end - time());
    }

    return 1;
}


sub fill {
    my ($self, $seconds) = @_;

    IO::Select->new($self->{out})->can_read($seconds) or return 0;

    return sysread $self->{out}, $self->{body}, 65536, length $self->{body};
}


# Takes nothing more, which curl sees when it has something to write.

sub stop_reading {
    my ($self) = @_;

    CORE::close(delete $self->{out}) if $self->{out};
}


sub close {
    my ($self) = @_;

    $self->stop_reading();
    waitpid($self->{pid}, 0);
}


sub kill {
    my ($self) = @_;

    CORE::kill('KILL', $self->{pid});
    $self->close();
}


# The reply, when all of it is there; complete if curl found it so, else there
# is what it said.

sub finish {
    my ($self) = @_;

    1 while $self->fill();

    $self->close();

    my $code = $?;

    my @lines = split /\r\n/, content("$self->{files}.head");
    my ($version, $status) = (shift(@lines) || '') =~ m{^HTTP/(\S+) (\d+)};

    return bless {
        version => $version,
        status => $status || 0,
        headers => [ map { [ split /: /, $_, 2 ] } @lines ],
        body => $self->{head_only} ? ''
            : $self->{to_files} ? content("$self->{files}.body")
            : $self->{body},
        complete => $code == 0 ? 1 : 0,
        said => content("$self->{files}.log"),
        done => 1,
    }, 'Argo::Client::Reply';
}


sub content {
    my ($name) = @_;

    open my $f, '<', $name or return '';
    binmode $f;
    local $/;
    my $content = <$f>;

    return defined $content ? $content : '';
}


1;
