#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for TLS to ARGO: a certificate that is verified; one of another name,
# an expired one and one of an unknown authority, which must be a 502 and a
# clear line in the log; replies that are cut, and a record that does not
# decrypt while the client does not read, at which nginx before 1.23.3 would
# not stop reading (its ticket 2418).

use warnings;
use strict;

use IO::Select;
use IO::Socket::INET;
use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Client;

my $t = Argo::Test->new()->has(qw/ http_ssl bin:openssl /)
    ->expect(qr/\[crit\].*SSL_read\(\) failed.*bad record mac/);

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_user  jdoe;

    proxy_http_version             1.1;
    proxy_set_header               Connection "";
    proxy_set_header               X-Argo-Sim $argo_sim;
    proxy_ssl_verify               on;
    proxy_ssl_server_name          on;
    proxy_ssl_name                 argo.test;
    proxy_ssl_trusted_certificate  ca.crt;
    proxy_buffer_size              512k;
    proxy_buffers                  4 512k;


    server {
        listen       127.0.0.1:8080 sndbuf=32k;
        server_name  localhost;

        location /good/    { argo_endpoint auto; argo_upstream /u/good/;
                             argo_upstream_api legacy;
                             set $argo_sim $http_x_argo_sim; }
        location /name/    { argo_endpoint auto; argo_upstream /u/name/;
                             argo_upstream_api legacy;
                             set $argo_sim $http_x_argo_sim; }
        location /expired/ { argo_endpoint auto; argo_upstream /u/expired/;
                             argo_upstream_api legacy;
                             set $argo_sim $http_x_argo_sim; }
        location /unknown/ { argo_endpoint auto; argo_upstream /u/unknown/;
                             argo_upstream_api legacy;
                             set $argo_sim $http_x_argo_sim; }
        location /plain/   { argo_endpoint auto; argo_upstream /u/plain/;
                             argo_upstream_api legacy;
                             set $argo_sim $http_x_argo_sim; }
        location /middle/  { argo_endpoint auto; argo_upstream /u/middle/;
                             argo_upstream_api legacy;
                             set $argo_sim $http_x_argo_sim; }

        location /u/good/    { internal; proxy_pass https://127.0.0.1:8081/; }
        location /u/name/    { internal; proxy_pass https://127.0.0.1:8082/; }
        location /u/expired/ { internal; proxy_pass https://127.0.0.1:8083/; }
        location /u/unknown/ { internal; proxy_pass https://127.0.0.1:8084/; }
        location /u/plain/   { internal; proxy_pass https://127.0.0.1:8085/; }
        location /u/middle/  { internal; proxy_pass https://127.0.0.1:8086/; }
    }

    argo_zone argo 1m;

    server {
        listen               127.0.0.1:8081 ssl;
        ssl_certificate      good.crt;
        ssl_certificate_key  good.key;
        location / { argo_simulator; }
    }

    server {
        listen               127.0.0.1:8082 ssl;
        ssl_certificate      name.crt;
        ssl_certificate_key  name.key;
        location / { argo_simulator; }
    }

    server {
        listen               127.0.0.1:8083 ssl;
        ssl_certificate      expired.crt;
        ssl_certificate_key  expired.key;
        location / { argo_simulator; }
    }

    server {
        listen               127.0.0.1:8084 ssl;
        ssl_certificate      unknown.crt;
        ssl_certificate_key  unknown.key;
        location / { argo_simulator; }
    }

    server {
        listen  127.0.0.1:8085;
        location / { argo_simulator; }
    }
}
EOC

authority('ca');
authority('other');
certificate('good', 'argo.test', 'ca', 30);
certificate('name', 'else.test', 'ca', 30);
certificate('expired', 'argo.test', 'ca', -1);
certificate('unknown', 'argo.test', 'other', 30);

$t->run_daemon(\&middle, port(8086), port(8081));
$t->waitforsocket('127.0.0.1:' . port(8086));
$t->run();

###############################################################################

# a certificate in order

is(post('/good/', 0)->json()->{choices}[0]{message}{content}, 'You said: Hi',
    'unary');
is(post('/good/', 1)->text(), 'You said: Hi', 'stream');
is(post('/middle/', 1)->text(), 'You said: Hi', 'stream through the middle');

# certificates that are not

my %log = (
    name => qr/upstream SSL certificate does not match "argo.test"/,
    expired => qr/certificate verify error: \(10:certificate has expired\)/,
    unknown => qr/certificate verify error: \(\d+:/,
    plain => qr/SSL_do_handshake\(\) failed/,
);

for my $what (sort keys %log) {
    for my $stream (0, 1) {
        is(post("/$what/", $stream)->error(),
            '502 server_error null upstream_unreachable',
            "$what, stream $stream");
    }

    like($t->read_file('error.log'), $log{$what}, "$what, log");
}

# replies that are cut

for my $fault ('cut=0', 'cut=40', 'reset=40') {
    is(post('/good/', 0, "text=lorem, $fault")->error(),
        '502 server_error null upstream_incomplete', "unary, $fault");
}

is(post('/good/', 1, 'text=lorem, cut=0')->error(),
    '502 server_error null upstream_incomplete', 'stream, cut=0');

for my $fault ('cut=400', 'reset=400') {
    my $r = post('/good/', 1, "text=lorem, chunk=100, $fault");
    is($r->{complete}, 1, "stream, $fault, regular end");
    like($r->{body}, qr/"content":".*"type":"server_error"[^\n]*\n\n\z/s,
        "stream, $fault, error event");
    unlike($r->{body}, qr/\[DONE\]|"stop"/, "stream, $fault, not done");
}

# a record that does not decrypt

my $r = post('/middle/', 1, 'text=lorem, size=3000, stall=2000');
like($r->{body}, qr/"content":".*"type":"server_error"[^\n]*\n\n\z/s,
    'bad record, error event');

# the same while the client does not read and upstream's buffer has room

my $c = Argo::Client->new(port(8080), rcvbuf => 4096);
$c->post_only('/middle/v1/chat/completions', body(1),
    headers => [ 'X-Argo-Sim',
        'text=lorem, size=400000, chunk=1000, stall=300000' ]);
$r = $c->head();

$t->waitfor(sub { $t->read_file('middle.log') =~ /bad record after 3/ });

is(Argo::Client->new(port(8080))->get('/good/v1/health')->{status}, 200,
    'bad record and a blocked client, worker alive');

$r->finish();
is($r->{complete}, 1, 'bad record and a blocked client, regular end');
like($r->{body}, qr/"type":"server_error"[^\n]*\n\n\z/,
    'bad record and a blocked client, error event');

$t->done_testing();

###############################################################################

sub body {
    my ($stream) = @_;

    return '{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}],'
        . '"stream":' . ($stream ? 'true' : 'false') . '}';
}


sub post {
    my ($uri, $stream, $sim) = @_;

    return Argo::Client->new(port(8080))->post($uri . 'v1/chat/completions',
        body($stream), headers => [ $sim ? ('X-Argo-Sim', $sim) : () ]);
}


sub openssl {
    my $dir = $t->testdir();

    system("cd $dir && openssl @_ >>$dir/openssl.out 2>&1") == 0
        or die "openssl @_: " . $t->read_file('openssl.out');
}


sub authority {
    my ($name) = @_;

    openssl("req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=$name"
        . " -keyout $name.key -out $name.crt");
}


sub certificate {
    my ($name, $host, $ca, $days) = @_;

    $t->write_file("$name.ext", "subjectAltName=DNS:$host\n");

    openssl("req -newkey rsa:2048 -nodes -subj /CN=$host"
        . " -keyout $name.key -out $name.csr");
    openssl("x509 -req -in $name.csr -CA $ca.crt -CAkey $ca.key"
        . " -CAcreateserial -extfile $name.ext -out $name.crt "
        . validity($days));
}


# OpenSSL 3.5 has no days below zero any more, 3.0 has no dates yet.

sub validity {
    my ($days) = @_;

    return "-days $days"
        if $days > 0 || `openssl x509 -help 2>&1` !~ /-not_after/;

    return '-not_before 20200101000000Z -not_after 20200102000000Z';
}


# Passes bytes on; when the server has paused in mid-stream it adds a record
# that can't be decrypted.

sub middle {
    my ($port, $to) = @_;

    my $server = IO::Socket::INET->new(Listen => 5, ReuseAddr => 1,
        LocalAddr => "127.0.0.1:$port") or die "listen: $!";

    open my $log, '>>', $t->testdir() . '/middle.log' or die $!;
    $log->autoflush(1);

    while (my $down = $server->accept()) {
        my $up = IO::Socket::INET->new("127.0.0.1:$to") or next;
        my $select = IO::Select->new($down, $up);
        my ($asked, $bytes) = (0, 0);

        while (1) {
            my @ready = $select->can_read($bytes > 2000 ? 1 : undef);

            if (!@ready) {
                last if $asked > 1;
                $asked = 2;

                syswrite $down, "\x17\x03\x03\x00\x20" . 'x' x 32;
                print $log "bad record after $bytes\n";
                next;
            }

            for my $from (@ready) {
                my $n = sysread $from, my $data, 65536;
                goto CLOSE unless $n;

                if ($from == $up) {
                    $bytes += $n if $asked;
                } else {
                    $asked = 1;
                }

                my $dest = $from == $up ? $down : $up;
                while (length $data) {
                    my $sent = syswrite $dest, $data or goto CLOSE;
                    substr $data, 0, $sent, '';
                }
            }
        }

    CLOSE:
        close $up;
        close $down;
    }
}

###############################################################################
