package Argo::Test;

# Copyright (C) The ngx_http_argo_module authors

# Test harness: runs a real nginx with our modules in a directory of its own.
# The verbs are those of nginx-tests, so that a test file reads the same.
#
# Environment:
#
#   TEST_NGINX_BINARY        nginx to run; /usr/sbin/nginx by default
#   ARGO_BUILD_DIR           where the modules are; build/ of the repository
#                            by default; set and empty: they are compiled in
#   TEST_NGINX_GLOBALS       more directives for the main level
#   TEST_NGINX_GLOBALS_HTTP  more directives for the http level
#   TEST_NGINX_PRELOAD       LD_PRELOAD for nginx alone (sanitizer runtimes)
#   TEST_NGINX_WRAPPER       a command that nginx is run by (valgrind ...)
#   TEST_NGINX_DEBUG         error_log at debug level
#   TEST_NGINX_LEAVE         keep the test's directory
#   TEST_NGINX_PATIENCE      factor for all time limits

use warnings;
use strict;

use base qw/ Exporter /;

our @EXPORT = qw/ http http_get port json /;

use Cwd qw/ abs_path /;
use File::Basename qw/ dirname /;
use File::Path qw/ rmtree /;
use File::Temp qw/ tempdir /;
use IO::Socket::INET;
use JSON::PP ();
use POSIX qw/ :sys_wait_h /;
use Socket qw/ SOL_SOCKET SO_REUSEADDR sockaddr_in inet_aton PF_INET
    SOCK_STREAM /;
use Test::More qw//;
use Text::ParseWords qw/ shellwords /;
use Time::HiRes qw/ time sleep /;

use Argo::Client;

our $nginx = $ENV{TEST_NGINX_BINARY} || '/usr/sbin/nginx';

my $root = abs_path(dirname(__FILE__) . '/../../..');
my $self_in_use;
my %ports;
my $json = JSON::PP->new->utf8->canonical->allow_nonref;


sub new {
    my ($class) = @_;

    my $self = bless {
        pid => $$,
        daemons => [],
        level => $ENV{TEST_NGINX_DEBUG} ? 'debug' : 'info',
        dir => tempdir('argo-test-XXXXXXXX', TMPDIR => 1, CLEANUP => 0),
    }, $class;

    # workers may run as another user
    chmod 0755, $self->{dir};

    mkdir "$self->{dir}/logs" or die "mkdir: $!";

    Test::More::BAIL_OUT("no nginx at $nginx") unless -x $nginx;

    $self_in_use = $self;

    return $self;
}


# How much longer than usual things may take.

sub patience {
    return $ENV{TEST_NGINX_PATIENCE} if $ENV{TEST_NGINX_PATIENCE};
    return $ENV{TEST_NGINX_WRAPPER} ? 10 : $ENV{TEST_NGINX_PRELOAD} ? 3 : 1;
}


# ---- planning

sub plan {
    my ($self, $n) = @_;

    # two for the automatic tests
    Test::More::plan(tests => $n + 2);
    $self->{planned} = 1;

    return $self;
}


sub done_testing {
    my ($self) = @_;

    $self->final_tests();
    Test::More::done_testing();
}


sub version {
    my ($self) = @_;

    $self->{configure} = `'$nginx' -V 2>&1` unless $self->{configure};

    return $self->{configure} =~ m{nginx version: \S+?/([\d.]+)} ? $1 : '0';
}


sub has_version {
    my ($self, $wanted) = @_;

    my @have = split /\./, $self->version();
    my @want = split /\./, $wanted;

    while (@want) {
        my ($h, $w) = (shift(@have) || 0, shift @want);
        return 1 if $h > $w;
        return 0 if $h < $w;
    }

    return 1;
}


# Skips the file unless nginx has the features: names of http modules
# ("http_v2"), or programs after "bin:".

sub has {
    my ($self, @features) = @_;

    my $missing;

    $self->version();

    for my $f (@features) {
        if ($f =~ /^bin:(.*)/) {
            my $bin = $1;
            $missing = $bin unless grep { -x "$_/$bin" } split /:/,
                $ENV{PATH};

        } elsif ($f =~ /^http_(v2|v3|ssl|stub_status|auth_request|perl)/) {
            $missing = $f
                unless $self->{configure} =~ /--with-\Q$f\E_module/;

        } else {
            $missing = $f
                if $self->{configure} =~ /--without-\Q$f\E_module/;
        }

        Test::More::plan(skip_all => "$missing is missing") if $missing;
    }

    return $self;
}


# ---- files

sub testdir {
    return $_[0]{dir};
}


sub write_file {
    my ($self, $name, $content) = @_;

    open my $f, '>', "$self->{dir}/$name" or die "$name: $!";
    binmode $f;
    print $f $content;
    close $f or die "$name: $!";

    return $self;
}


sub write_file_expand {
    my ($self, $name, $content) = @_;

    return $self->write_file($name, $self->expand($content));
}


sub expand {
    my ($self, $content) = @_;

    $content =~ s/%%TEST_GLOBALS%%/$self->globals()/gmse;
    $content =~ s/%%TEST_GLOBALS_HTTP%%/$self->globals_http()/gmse;
    $content =~ s/ *%%TEST_GATEWAY_HTTP%%\n/gateway_http()/gmse;
    $content =~ s/ *%%TEST_GATEWAY_LOCATIONS%%\n/gateway_locations()/gmse;
    $content =~ s/%%TESTDIR%%/$self->{dir}/gms;
    $content = http2($content)
        if $content =~ / http2;/ && $self->has_version('1.25.1');
    $content =~ s/127\.0\.0\.1:(8\d\d\d)/'127.0.0.1:' . port($1)/gmse;
    $content =~ s/%%PORT_(\d+)%%/port($1)/gmse;

    return $content;
}


# Makes a certificate for a host that it is its own authority for, and a key.

sub certificate {
    my ($self, $cert, $key, $host) = @_;

    $host = 'localhost' unless defined $host;

    system("cd $self->{dir} && openssl req -x509 -newkey rsa:2048 -nodes"
        . " -days 30 -subj /CN=$host -addext subjectAltName=DNS:$host"
        . " -keyout $key -out $cert 2>> openssl.out") == 0
        or die 'no certificate: ' . $self->read_file('openssl.out');

    return $self;
}


sub read_file {
    my ($self, $name) = @_;

    open my $f, '<', "$self->{dir}/$name" or return '';
    binmode $f;
    local $/;
    my $content = <$f>;

    return defined $content ? $content : '';
}


sub globals {
    my ($self) = @_;

    my $s = "pid $self->{dir}/nginx.pid;\n"
        . "error_log $self->{dir}/error.log $self->{level};\n";

    # the test's directory belongs to whoever runs the test
    $s .= "user root;\n" if $> == 0;

    $s .= "load_module $_;\n" for $self->modules();
    $s .= $ENV{TEST_NGINX_GLOBALS} if $ENV{TEST_NGINX_GLOBALS};

    return $s;
}


sub modules {
    my ($self) = @_;

    my $dir = $ENV{ARGO_BUILD_DIR};

    return () if defined $dir && $dir eq '';

    $dir = defined $dir ? abs_path($dir) || $dir : "$root/build";

    my $module = "$dir/ngx_http_argo_module.so";
    my $sim = "$dir/ngx_http_argo_sim_module.so";

    Test::More::BAIL_OUT("$module is not there: run make first")
        unless -f $module;

    return ($module, -f $sim ? $sim : ());
}


sub globals_http {
    my ($self) = @_;

    $self->version();

    my $s = "root $self->{dir};\n"
        . "access_log $self->{dir}/access.log;\n"
        . "client_body_temp_path $self->{dir}/client_body_temp;\n";

    for my $m (qw/ proxy fastcgi uwsgi scgi /) {
        next if $self->{configure} =~ /--without-http_${m}_module/;
        $s .= "${m}_temp_path $self->{dir}/${m}_temp;\n";
    }

    $s .= $ENV{TEST_NGINX_GLOBALS_HTTP} if $ENV{TEST_NGINX_GLOBALS_HTTP};

    return $s;
}


# As newer ones write it: a server speaks HTTP/2 or does not, not a port.

sub http2 {
    my ($content) = @_;

    my @servers = split /(?=^ *server \{)/m, $content;

    for my $server (@servers) {
        $server =~ s/ http2;/;/g
            if $server =~ s/ http2;/;\n        http2  on;/;
    }

    return join '', @servers;
}


# What gateways of many tests have in common: all clients' endpoints at the
# root, over the legacy API below /legacy/, connections counted at /status, and
# ARGO at the port 8081.

sub gateway_http {
    return <<'EOC';
    argo_zone            argo 1m;
    argo_models_refresh  0;
    argo_user            jdoe;
    argo_upstream        /argo/;
EOC
}


sub gateway_locations {
    return <<'EOC';
        location / {
            argo_endpoint  auto;
        }

        location /legacy/ {
            argo_endpoint      auto;
            argo_upstream_api  legacy;
        }

        location = /status {
            access_log   off;
            stub_status;
        }

        location /argo/ {
            internal;
            client_max_body_size  0;
            proxy_pass            http://127.0.0.1:8081/;
            proxy_http_version    1.1;
            proxy_set_header      Connection "";
        }
EOC
}


# ---- ports

# The free port that stands for a number in the configuration.  A bound
# socket that never listens keeps others away from it, also from using it as
# the near end of a connection, and nginx can bind it nevertheless.

sub port {
    my ($number) = @_;

    return $ports{$number}{port} if $ports{$number};

    socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
    setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1) or die "setsockopt: $!";
    bind($s, sockaddr_in(0, inet_aton('127.0.0.1'))) or die "bind: $!";

    my ($port) = sockaddr_in(getsockname($s));
    $ports{$number} = { port => $port, socket => $s };

    return $port;
}


sub waitforsocket {
    my ($self, $peer) = @_;

    my $end = time() + 10 * patience();

    while (time() < $end) {
        return 1 if IO::Socket::INET->new(Proto => 'tcp', PeerAddr => $peer);
        sleep 0.02;
    }

    return 0;
}


# Waits until the condition is true; returns its value, or nothing when the
# time is over.

sub waitfor {
    my ($self, $condition, $seconds) = @_;

    my $end = time() + ($seconds || 10) * patience();

    while (1) {
        my $value = $condition->();
        return $value if $value;
        return if time() > $end;
        sleep 0.005;
    }
}


# ---- nginx

sub command {
    my ($self, @args) = @_;

    return (shellwords($ENV{TEST_NGINX_WRAPPER} || ''), $nginx,
        '-p', "$self->{dir}/", '-c', 'nginx.conf', @args);
}


sub exec_nginx {
    my ($self, $output, @args) = @_;

    open STDOUT, '>>', $output or POSIX::_exit(127);
    open STDERR, '>&', \*STDOUT or POSIX::_exit(127);
    $ENV{LD_PRELOAD} = $ENV{TEST_NGINX_PRELOAD} if $ENV{TEST_NGINX_PRELOAD};
    { no warnings; exec $self->command(@args); }
    POSIX::_exit(127);
}


sub run {
    my ($self) = @_;

    my $pid = fork();
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        $self->exec_nginx("$self->{dir}/stderr.log");
    }

    $self->{nginx} = $pid;

    my $started = $self->waitfor(sub {
        if (waitpid($pid, WNOHANG) == $pid) {
            delete $self->{nginx};
            die "nginx has not started:\n" . $self->read_file('stderr.log')
                . $self->read_file('error.log');
        }
        return -s "$self->{dir}/nginx.pid";
    }, 15);

    die "nginx has not started in time\n" unless $started;

    return $self;
}


# Tests the configuration; returns the exit code and what nginx said.

sub test_config {
    my ($self) = @_;

    my $output = "$self->{dir}/test.log";

    unlink $output;

    my $pid = fork();
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        $self->exec_nginx($output, '-t');
    }

    waitpid($pid, 0);

    return ($? >> 8, $self->read_file('test.log'));
}


# Makes nginx read its configuration again; returns when new workers serve.

sub reload {
    my ($self) = @_;

    my $before = () = $self->read_file('error.log') =~ /start worker process /g;

    kill 'HUP', $self->nginx_pid();

    return $self->waitfor(sub {
        my $now = () = $self->read_file('error.log')
            =~ /start worker process /g;
        return $now > $before;
    });
}


sub nginx_pid {
    my ($self) = @_;

    my ($pid) = $self->read_file('nginx.pid') =~ /^(\d+)/;

    return $pid || $self->{nginx};
}


# Process ids of the workers that live, of which there must be one.

sub workers {
    my ($self) = @_;

    my @pids;

    $self->waitfor(sub {
        my $log = $self->read_file('error.log');
        @pids = grep { kill 0, $_ } $log =~ /start worker process (\d+)/g;
    });

    return @pids;
}


# Resident memory of a process in KB; nothing where that can't be told, as of
# a program whose memory is mostly that of a sanitizer or of valgrind.

sub rss {
    my ($self, $pid) = @_;

    return if $ENV{TEST_NGINX_WRAPPER} || $ENV{TEST_NGINX_PRELOAD}
        || $ENV{ASAN_OPTIONS};

    open my $f, '<', "/proc/$pid/status" or return;

    while (<$f>) {
        return $1 if /^VmRSS:\s+(\d+)/;
    }

    return;
}


sub stop {
    my ($self) = @_;

    my $pid = delete $self->{nginx};

    return $self unless $pid;

    my $gone = sub { waitpid($pid, WNOHANG) != 0 };

    # else nginx would wait for the clients to close
    Argo::Client::close_all();

    kill 'QUIT', $pid;

    if (!$self->waitfor($gone, 8)) {
        $self->{stuck} = 'nginx did not stop gracefully: a request is left';
        kill 'TERM', $pid;

        if (!$self->waitfor($gone, 5)) {
            kill 'KILL', $pid;
            waitpid($pid, 0);
        }
    }

    return $self;
}


# ---- other processes

sub run_daemon {
    my ($self, $code, @args) = @_;

    my $pid = fork();
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        # a group of its own, so that its children go with it
        setpgrp(0, 0);
        undef $self_in_use;
        $self->{pid} = 0;
        $SIG{INT} = $SIG{TERM} = $SIG{HUP} = 'DEFAULT';

        eval {
            if (ref $code eq 'CODE') {
                $code->(@args);
            } else {
                exec $code, @args;
            }
            1;
        } or warn "daemon: $@";

        POSIX::_exit(0);
    }

    setpgrp($pid, $pid);
    push @{$self->{daemons}}, $pid;

    return $pid;
}


sub stop_daemons {
    my ($self) = @_;

    while (my $pid = pop @{$self->{daemons}}) {
        kill 'TERM', -$pid;
        waitpid($pid, 0);
    }

    return $self;
}


# ---- the end

# What no test may leave in the error log: alerts, and workers that died.


# A line of nginx's own at these levels that a test brings about on purpose.

sub expect {
    my ($self, $pattern) = @_;

    $self->{expected} = $pattern;

    return $self;
}


sub alerts {
    my ($self) = @_;

    my $expected = $self->{expected} || qr/(?!)/;

    my @lines = grep {
        /\[(?:alert|crit|emerg)\]|exited on signal|exited with code [1-9]/
            && !/$expected/
    } split /\n/, $self->read_file('error.log') . "\n"
        . $self->read_file('stderr.log');

    push @lines, $self->{stuck} if $self->{stuck};

    return join "\n", @lines;
}


# What sanitizers and valgrind say; valgrind prefixes it with a process id,
# and told to be quiet it says nothing else.

sub sanitizer_reports {
    my ($self) = @_;

    my @lines;

    for my $name (qw/ error.log stderr.log test.log /) {
        push @lines, grep {
            /Sanitizer|runtime error:|ERROR SUMMARY: [1-9]
                |^==\d+==.*(?:Invalid|uninitialised|overlap|Mismatched
                |in\ loss\ record|Process\ terminating)/x
        } split /\n/, $self->read_file($name);
    }

    return join "\n", @lines;
}


sub final_tests {
    my ($self) = @_;

    return if $self->{ended}++;

    $self->stop();
    $self->stop_daemons();

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::is($self->alerts(), '', 'no alerts');
    Test::More::is($self->sanitizer_reports(), '', 'no sanitizer errors');
}


sub cleanup {
    my ($self) = @_;

    return if $self->{cleaned}++;

    $self->stop();
    $self->stop_daemons();

    if ($ENV{TEST_NGINX_LEAVE}) {
        Test::More::diag("left in $self->{dir}");
    } else {
        rmtree($self->{dir}, { error => \my $ignored });
    }
}


sub DESTROY {
    my ($self) = @_;

    return unless $self->{pid} == $$;

    local ($@, $!, $?);

    $self->final_tests() if $self->{planned};
    $self->cleanup();
}


END {
    if (defined $self_in_use && $self_in_use->{pid} == $$) {
        my $status = $?;
        $self_in_use->final_tests() if $self_in_use->{planned};
        $self_in_use->cleanup();
        $? = $status;
    }
}


# an interrupted test stops what it has started

$SIG{INT} = $SIG{TERM} = $SIG{HUP} = sub { exit 1 };
$SIG{PIPE} = 'IGNORE';


# ---- requests as raw text

# Sends a request as it stands, reads until the connection is closed.

sub http {
    my ($request, %extra) = @_;

    my $c = $extra{client} || Argo::Client->new(port(8080));

    $c->write($request);

    return $c->read_all();
}


sub http_get {
    my ($uri, %extra) = @_;

    return http("GET $uri HTTP/1.0\r\nHost: localhost\r\n\r\n", %extra);
}


# Perl data as JSON text in UTF-8, with its keys in order.

sub json {
    return $json->encode($_[0]);
}


1;
