#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for conf-examples/: each is loaded as it is, but for addresses and
# paths, and serves a chat.  ARGO is the simulator behind TLS, for a client
# that sends ARGO's name and demands ARGO's certificate.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use MIME::Base64 qw/ encode_base64 /;
use lib 'lib';
use Argo::Test;
use Argo::DNS;

my $examples = '../conf-examples';
my $certificates;

# what is included by others and is no configuration by itself
my %parts = map { $_ => 1 } qw/ log.conf upstream.conf /;

my %tests = (
    'agents.conf' => \&test_agents,
    'container.conf' => \&test_plain,
    'cors.conf' => \&test_cors,
    'images.conf' => \&test_images,
    'minimal.conf' => \&test_plain,
    'production.conf' => \&test_production,
    'refresh.conf' => \&test_refresh,
    'reverse-proxy-tls.conf' => \&test_reverse_proxy,
    'simulator.conf' => \&test_simulator,
    'ssh-tunnel.conf' => \&test_plain,
    'unix-socket.conf' => \&test_unix_socket,
    'user-auth-request.conf' => \&test_auth_request,
    'user-basic.conf' => \&test_basic,
    'user-client-cert.conf' => \&test_client_cert,
    'user-credential.conf' => \&test_credential,
);

my %servers = (
    'images.conf' => <<'EOC',
    argo_image_allow 127.0.0.1;
    argo_image_ports 443 %%PORT_8445%%;

    server {
        listen 127.0.0.1:8445 ssl default_server;
        ssl_certificate %%TESTDIR%%/argo.crt;
        ssl_certificate_key %%TESTDIR%%/argo.key;
        access_log %%TESTDIR%%/stranger.log;
        return 200 "GIF89a of another host";
    }

    server {
        listen 127.0.0.1:8445 ssl;
        server_name gateway.example.org;
        ssl_certificate %%TESTDIR%%/gateway.crt;
        ssl_certificate_key %%TESTDIR%%/gateway.key;

        location = /from {
            return 302 /to?x=$http_host;
        }

        location = /to {
            return 200 "GIF89a $request_uri";
        }

        location = /down {
            return 302 http://$http_host/to;
        }
    }
EOC
    'refresh.conf' => <<'EOC',
    server {
        listen 127.0.0.1:8900;

        location = /releases.json {
            default_type application/json;
            return 200 '[{"tag_name":"v9.9.9"}]';
        }
    }

    # comes from another address

    server {
        listen 127.0.0.1:8090;

        location / {
            proxy_pass http://127.0.0.1:8080;
            proxy_bind 127.0.0.2;
        }
    }
EOC
    'reverse-proxy-tls.conf' => <<'EOC',
    server {
        listen 127.0.0.1:8090;
        access_log off;

        location / {
            proxy_pass https://127.0.0.1:8444;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For 203.0.113.7;
            proxy_set_header X-Request-ID front-1;
            proxy_buffering off;
        }
    }
EOC
    'unix-socket.conf' => <<'EOC',
    server {
        listen 127.0.0.1:8080;

        location / {
            proxy_pass http://unix:%%TESTDIR%%/argo.sock;
            proxy_buffering off;
        }
    }
EOC
    'user-auth-request.conf' => <<'EOC',
    map $http_authorization $checked_user {
        "Bearer key-of-alice" alice;
    }

    map $http_authorization $checked_status {
        default 401;
        "Bearer key-of-alice" 200;
        "Bearer key-of-nobody" 200;
    }

    server {
        listen 127.0.0.1:8900;

        location / {
            if ($checked_status = 401) {
                return 401;
            }

            add_header X-User $checked_user;
            return 200;
        }
    }
EOC
    'user-client-cert.conf' => <<'EOC',
    server {
        listen 127.0.0.1:8090;

        location / {
            proxy_pass https://127.0.0.1:8444;
            proxy_buffering off;
            proxy_ssl_certificate %%TESTDIR%%/alice.crt;
            proxy_ssl_certificate_key %%TESTDIR%%/alice.key;
        }
    }

    server {
        listen 127.0.0.1:8091;

        location / {
            proxy_pass https://127.0.0.1:8444;

            # the other server's session has its certificate in it
            proxy_ssl_session_reuse off;
        }
    }
EOC
);

# ARGO, and what it was asked
my $argo = <<'EOC';
    log_format argo_asked escape=json
        '{"body":"$request_body","agent":"$http_user_agent",'
        '"host":"$host","authorization":"$http_authorization"}';

    server {
        listen 127.0.0.1:8443 ssl;
        server_name apps.inside.anl.gov;

        ssl_certificate %%TESTDIR%%/argo.crt;
        ssl_certificate_key %%TESTDIR%%/argo.key;

        access_log %%TESTDIR%%/asked.log argo_asked if=$request_body;
        client_max_body_size 0;

        location /argoapi/ {
            argo_simulator;
        }
    }

    server {
        listen 127.0.0.1:8443 ssl default_server;
        ssl_reject_handshake on;
    }
EOC

my @names = map { m{([^/]+)$} } glob "$examples/*.conf";

Argo::Test->new()->has(qw/ http_ssl http_auth_request http_stub_status
    bin:openssl /);

$certificates = make_certificates();

for my $name (@names) {
    next if $parts{$name};

    subtest $name => sub {
        my $t = example($name);

        my ($code, $output) = $t->test_config();

        is($code, 0, 'configuration') or diag($output);

        if ($code == 0 && ok($tests{$name}, 'has a test')) {
            $t->run();
            $tests{$name}->($t);
        }

        $t->final_tests();
        $t->cleanup();
    };
}

is(join(' ', sort grep { !$parts{$_} } @names), join(' ', sort keys %tests),
    'all examples were there');

done_testing();

###############################################################################

# A test directory with the example in it, everything pointed at here.

sub example {
    my ($name) = @_;

    my $t = Argo::Test->new();
    my $dir = $t->testdir();

    mkdir "$dir/argo" or die "mkdir: $!";

    for my $part (sort keys %parts) {
        $t->write_file("argo/$part", localize($t, slurp($part)));
    }

    $t->write_file('argo/htpasswd', 'alice:' . crypt('secret', 'xy') . "\n");
    $t->write_file($_, $certificates->{$_}) for keys %$certificates;

    my $conf = localize($t, slurp($name));
    my $http = "    include $dir/extra.conf;\n";

    # one that has these directives itself can't have them twice
    $http .= "    %%TEST_GLOBALS_HTTP%%\n"
        unless $conf =~ /client_body_temp_path/;

    $conf =~ s/^(?:load_module|user|pid|error_log) .*\n//mg;
    $conf =~ s/^http \{\n/http {\n$http/m or die "$name: no http block";

    my $extra = ($servers{$name} || '') . $argo;

    $t->write_file_expand('extra.conf', $extra);
    $t->write_file_expand('nginx.conf',
        "%%TEST_GLOBALS%%\ndaemon off;\n\n$conf");

    return $t;
}


sub localize {
    my ($t, $conf) = @_;

    my $dir = $t->testdir();

    $conf =~ s/127\.0\.0\.1:44497/127.0.0.1:8080/g;
    $conf =~ s/listen 44497;/listen 127.0.0.1:8080;/g;
    $conf =~ s/127\.0\.0\.1:44498/127.0.0.1:8498/g;
    $conf =~ s/127\.0\.0\.1:9000/127.0.0.1:8900/g;
    $conf =~ s/listen 443 ssl/listen 127.0.0.1:8444 ssl/g;
    $conf =~ s/resolver 127\.0\.0\.53;/resolver 127.0.0.1:8053;/g;
    $conf =~ s/server apps\.inside\.anl\.gov:443;/server 127.0.0.1:8443;/g;
    $conf =~ s{/etc/ssl/certs/ca-certificates\.crt}{$dir/ca.crt}g;
    $conf =~ s{/etc/nginx/argo/}{$dir/argo/}g;
    $conf =~ s{/etc/nginx/tls/}{$dir/}g;
    $conf =~ s{/var/log/nginx/}{$dir/}g;
    $conf =~ s{/dev/stdout}{$dir/access.log}g;
    $conf =~ s{/tmp/nginx}{$dir/nginx}g;
    $conf =~ s{/home/jdoe/argo/}{$dir/}g;
    $conf =~ s/\$\{ARGO_USER\}/jdoe/g;

    return $t->expand($conf);
}


sub slurp {
    my ($name) = @_;

    open my $f, '<', "$examples/$name" or die "$name: $!";
    local $/;

    return scalar <$f>;
}


# A CA, certificates of ARGO and of a gateway, one of a client.

sub make_certificates {
    my $t = Argo::Test->new();
    my $dir = $t->testdir();
    my %files;

    my $openssl = sub {
        system("openssl @_ >>$dir/openssl.log 2>&1") == 0
            or die 'openssl: ' . $t->read_file('openssl.log');
    };

    my $key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';

    $t->write_file('openssl.cnf', "[req]\ndistinguished_name = dn\n[dn]\n"
        . "[ca]\nbasicConstraints = critical,CA:TRUE\n");

    $openssl->("req -x509 $key -config $dir/openssl.cnf -extensions ca",
        "-subj '/CN=Test CA' -days 2",
        "-keyout $dir/ca.key -out $dir/ca.crt");

    my %subjects = (
        argo => '/CN=apps.inside.anl.gov',
        gateway => '/CN=gateway.example.org',
        alice => '/O=Example/CN=alice',
    );

    for my $name (sort keys %subjects) {
        my ($cn) = $subjects{$name} =~ /CN=(.*)/;

        $t->write_file('san.cnf', "subjectAltName = DNS:$cn\n");
        $openssl->("req -new $key -config $dir/openssl.cnf",
            "-subj '$subjects{$name}'",
            "-keyout $dir/$name.key -out $dir/$name.csr");
        $openssl->("x509 -req -in $dir/$name.csr -days 2",
            "-CA $dir/ca.crt -CAkey $dir/ca.key -CAcreateserial",
            "-extfile $dir/san.cnf -out $dir/$name.crt");

        $files{"$name.$_"} = $t->read_file("$name.$_") for qw/ crt key /;
    }

    $files{'ca.crt'} = $files{'clients-ca.crt'} = $t->read_file('ca.crt');
    $t->cleanup();

    return \%files;
}

###############################################################################

sub chat {
    my ($port, %opt) = @_;

    my %body = (model => $opt{model} || 'gpt-4o',
        messages => [{ role => 'user', content => 'Hello' }]);

    $body{stream} = JSON::PP::true() if $opt{stream};

    return Argo::Client->new(port($port))->post(
        $opt{uri} || '/v1/chat/completions', json(\%body), %opt);
}


# A chat in both forms, and whose name it bore before ARGO.

sub serves {
    my ($t, $port, $user, %opt) = @_;

    my $r = chat($port, %opt);

    is($r->{status}, 200, 'chat');
    is($r->json()->{object}, 'chat.completion', 'chat, object');
    ok(length $r->json()->{choices}[0]{message}{content}, 'chat, content')
        or diag($r->{body});

    $r = chat($port, %opt, stream => 1);

    is($r->{status}, 200, 'stream');
    ok($r->{complete}, 'stream, complete');

    my @events = Argo::Client::events($r->{body});
    my $text = join '', map { $_->{json}{choices}[0]{delta}{content} // '' }
        grep { $_->{json} } @events;

    ok(length $text, 'stream, content');
    is($events[-1]{data}, '[DONE]', 'stream, end');

    my @asked = asked($t, 2);

    is(join(' ', map { $_->{user} } @asked), "$user $user", 'user');
}


# What ARGO was asked so far; n requests at least.

sub asked {
    my ($t, $n) = @_;

    my @asked = logged($t, 'asked.log', $n);

    for (@asked) {
        my $body = JSON::PP->new->utf8->decode($_->{body});

        is($_->{authorization}, "Bearer $body->{user}",
            'the ARGO user in place of the client\'s credential');
        is($_->{host}, 'apps.inside.anl.gov', 'host');
        like($_->{agent}, qr/^ngx_http_argo_module\//, 'user agent');
    }

    return map { JSON::PP->new->utf8->decode($_->{body}) } @asked;
}


# Lines of JSON of a log, of which there are n when nginx has written them.

sub logged {
    my ($t, $name, $n) = @_;

    $t->waitfor(sub { ($t->read_file($name) =~ tr/\n//) >= $n });

    return map { JSON::PP->new->utf8->decode($_) }
        split /\n/, $t->read_file($name);
}


sub test_plain {
    my ($t) = @_;

    serves($t, 8080, 'jdoe');

    my $c = Argo::Client->new(port(8080));

    is($c->get('/health')->{body}, '{"status":"healthy"}', 'health');
    is($c->get('/v1/models')->json()->{object}, 'list', 'models');
}


# The host of an image is told by its certificate, whatever its address is.

sub test_images {
    my ($t) = @_;

    Argo::DNS->new($t, 8053, map { $_ => [[ '127.0.0.1' ]] }
        'gateway.example.org', 'other.example.org');

    serves($t, 8080, 'jdoe');

    my $ask = sub {
        my ($url) = @_;

        return Argo::Client->new(port(8080))->post('/v1/chat/completions',
            json({ model => 'gpt-4o', messages => [{ role => 'user',
            content => [{ type => 'image_url',
            image_url => { url => $url } }] }] }));
    };

    my $port = port(8445);
    my $base = "https://gateway.example.org:$port";

    is($ask->("$base/from")->{status}, 200, 'image');

    my $url = (asked($t, 3))[2]->{messages}[0]{content}[0]{image_url}{url};

    is($url, 'data:image/gif;base64,' . encode_base64(
        "GIF89a /to?x=gateway.example.org:$port", ''), 'image, sent up');

    my $failed = '400 invalid_request_error '
        . 'messages[0].content[0].image_url image_fetch_failed';

    is($ask->("https://other.example.org:$port/to")->error(), $failed,
        'image, certificate of another host');
    is($t->read_file('stranger.log'), '', 'image, other host not asked');
    is($ask->("$base/down")->error(), $failed, 'image, redirect to http');
    is($ask->("https://127.0.0.1:$port/to")->error(), $failed,
        'image, address without a certificate');
    is(Argo::Client->new(port(8080))->get('/argo-image/')->{status}, 404,
        'image, clients do not come there');
}


sub test_simulator {
    my ($t) = @_;

    my $r = chat(8080);

    is($r->{status}, 200, 'chat');
    ok(length $r->json()->{choices}[0]{message}{content}, 'chat, content');

    $r = chat(8080, stream => 1);

    like($r->{body}, qr/\ndata: \[DONE\]\n\n\z/, 'stream, end');

    # the header reaches the simulator
    is(chat(8080, headers => [ 'X-Argo-Sim', 'status=503' ])->{status}, 503,
        'fault');
}


sub test_production {
    my ($t) = @_;

    serves($t, 8080, 'jdoe');

    my $c = Argo::Client->new(port(8080));

    my $r = $c->post('/v1/chat/completions', json({
        messages => [{ role => 'user', content => 'Hello' }] }));
    is($r->{status}, 200, 'default model');

    is($c->get('/v1/models')->json()->{object}, 'list', 'models');
    is($c->get('/v1/models/gpt-4o')->json()->{id}, 'gpt-4o', 'model');
    is($c->get('/health')->{status}, 200, 'health');
    is($c->get('/version')->{status}, 200, 'version');
    is($c->get('/nginx_status')->{status}, 200, 'status');
    is($c->get('/elsewhere')->error(),
        '404 invalid_request_error null unknown_url', 'elsewhere');

    my @lines = logged($t, 'argo.log', 7);

    # a request that has the list of models fetched is logged after that
    my ($unary) = grep { $_->{model} eq 'gpt-4o' && !$_->{stream} } @lines;
    my ($stream) = grep { $_->{stream} } @lines;
    my ($default) = grep { $_->{model} eq 'fast' } @lines;

    is($unary->{endpoint}, 'chat_completions', 'log, endpoint');
    is($unary->{user}, 'jdoe', 'log, user');
    is($unary->{model}, 'gpt-4o', 'log, model');
    is($unary->{upstream_model}, 'gpt4o', 'log, upstream model');
    is($unary->{stream}, '0', 'log, stream');
    is($stream->{stream}, '1', 'log, stream, a stream');
    is($unary->{finish_reason}, 'stop', 'log, finish reason');
    is($unary->{error}, '', 'log, no error');
    is($unary->{upstream_calls}, '1', 'log, calls');
    is($unary->{upstream_status}, '200', 'log, upstream status');
    like($stream->{ttft}, qr/^\d+\.\d{3}$/, 'log, time to first token');
    like($unary->{prompt_tokens}, qr/^[1-9]\d*$/, 'log, prompt tokens');
    is($unary->{total_tokens},
        $unary->{prompt_tokens} + $unary->{completion_tokens},
        'log, total tokens');
    is($default->{model}, 'fast', 'log, default model');
    is($default->{upstream_model}, 'gpt5mini', 'log, alias');
    is($lines[-1]{error}, 'unknown_url', 'log, error');
    ok(!(grep { $_->{uri} eq '/health' } @lines), 'log, no health checks');
}


sub test_refresh {
    my ($t) = @_;

    serves($t, 8080, 'jdoe');

    my $c = Argo::Client->new(port(8080));

    for my $uri ('/refresh', '/v1/refresh') {
        is($c->post($uri, '')->json()->{status}, 'ok', "POST $uri");
        is(Argo::Client->new(port(8090))->post($uri, '')->error(),
            '403 permission_error null null', "POST $uri of a stranger");
    }

    is($c->get('/v1/models')->header('x-argo-models-source'), 'live',
        'models');
    is(Argo::Client->new(port(8090))->get('/v1/models')->{status}, 200,
        'models for strangers');

    ok($t->waitfor(sub {
        my $version = Argo::Client->new(port(8080))->get('/version')->json();
        return ($version->{latest} // '') eq '9.9.9';
    }), 'latest version');
}


sub test_reverse_proxy {
    my ($t) = @_;

    serves($t, 8090, 'jdoe');

    my @lines = logged($t, 'argo.log', 2);

    is($lines[0]{remote_addr}, '203.0.113.7', 'real address');
    is($lines[0]{front}, '127.0.0.1', 'address of the proxy');
    is($lines[0]{front_request_id}, 'front-1', 'request id of the proxy');

    my $r = chat(8090);

    @lines = logged($t, 'argo.log', 3);
    is($r->header('x-request-id'), $lines[2]{request_id}, 'request id');
}


sub test_auth_request {
    my ($t) = @_;

    serves($t, 8080, 'alice',
        headers => [ 'Authorization', 'Bearer key-of-alice' ]);

    is(chat(8080)->error(), '401 authentication_error null null',
        'without a key');
    is(chat(8080, headers => [ 'Authorization', 'Bearer key-of-nobody' ])
        ->error(), '401 authentication_error null missing_user',
        'key of nobody');
    is(Argo::Client->new(port(8080))->get('/health')->{status}, 200,
        'health without a key');
}


sub test_basic {
    my ($t) = @_;

    # alice:secret, alice:wrong
    serves($t, 8080, 'alice',
        headers => [ 'Authorization', 'Basic YWxpY2U6c2VjcmV0' ]);

    is(chat(8080)->error(), '401 authentication_error null null',
        'without a password');

    my $r = chat(8080, headers => [ 'Authorization',
        'Basic YWxpY2U6d3Jvbmc=' ]);
    is($r->error(), '401 authentication_error null null', 'wrong password');
    like($r->header('www-authenticate'), qr/^Basic /, 'is asked for one');

    is(Argo::Client->new(port(8080))->get('/health')->{status}, 200,
        'health without a password');
}


sub test_client_cert {
    my ($t) = @_;

    serves($t, 8090, 'alice');

    is(chat(8091)->{status}, 400, 'without a certificate');
}


sub test_credential {
    my ($t) = @_;

    my @keys = ([ 'Authorization', 'Bearer asmith' ], [ 'x-api-key', 'jdoe' ],
        [ 'x-goog-api-key', 'bjones' ]);

    serves($t, 8080, 'asmith', headers => $keys[0]);

    is(chat(8080, headers => $_)->{status}, 200, "$_->[0]") for @keys;
    is(join(' ', map { $_->{user} } asked($t, 5)),
        'asmith asmith asmith jdoe bjones', 'each under his own name');

    is(chat(8080)->error(), '401 authentication_error null missing_user',
        'without a key');
    is(chat(8080, headers => [ 'Authorization', 'Bearer sk-proj-abcdef0123' ])
        ->error(), '401 authentication_error null missing_user',
        'a vendor\'s key');
    is(scalar(asked($t, 5)), 5, 'which are not sent on');
}


# The names that docs/clients tell of, and the models that they mean.

sub test_agents {
    my ($t) = @_;

    my @aliases = (
        'gemini-3.5-flash-lite' => 'gemini31flashlite',
        'gemini-3.8-flash' => 'gemini35flash',
        'gemini-3.1-pro-preview' => 'gemini25pro',
        'gemini-3.1-pro-preview-customtools' => 'gemini25pro',
        'claude-opus-5-5' => 'claudeopus5',
    );

    serves($t, 8080, 'jdoe');

    my @expected = ('gpt4o', 'gpt4o');

    while (my ($name, $id) = splice @aliases, 0, 2) {
        is(chat(8080, model => $name)->{status}, 200, $name);
        push @expected, $id;
    }

    is(join(' ', map { JSON::PP->new->utf8->decode($_->{body})->{model} }
        logged($t, 'asked.log', scalar @expected)), join(' ', @expected),
        'the models that are asked');
}


sub test_unix_socket {
    my ($t) = @_;

    ok(-S $t->testdir() . '/argo.sock', 'socket');
    serves($t, 8080, 'jdoe');
}


sub test_cors {
    my ($t) = @_;

    serves($t, 8080, 'jdoe');

    my @origin = (Origin => 'http://localhost:3000');
    my $r = chat(8080, headers => \@origin);

    is($r->{status}, 200, 'chat of a page');
    is($r->header('access-control-allow-origin'), $origin[1], 'allowed');
    like($r->header('access-control-expose-headers'), qr/\bx-request-id\b/,
        'request id can be read');

    $r = chat(8080, headers => [ Origin => 'https://evil.example.com' ]);
    is($r->header('access-control-allow-origin'), undef, 'not allowed');

    my $c = Argo::Client->new(port(8080));

    $c->request('OPTIONS', '/v1/chat/completions', headers => [ @origin,
        'Access-Control-Request-Method', 'POST',
        'Access-Control-Request-Headers', 'authorization,x-stainless-lang' ]);
    $r = $c->response();

    is($r->{status}, 204, 'preflight');
    is($r->header('access-control-allow-origin'), $origin[1],
        'preflight, origin');
    is($r->header('access-control-allow-headers'),
        'authorization,x-stainless-lang', 'preflight, headers');

    $r = $c->post('/v1/chat/completions', 'x', headers => \@origin);
    is($r->{status}, 400, 'an error');
    is($r->header('access-control-allow-origin'), $origin[1],
        'an error can be read');
}

###############################################################################
