#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for the client's credential as the ARGO user: where it is looked for,
# what is taken for an account name, and that what is not (the key of a
# vendor) is neither sent to ARGO nor written to a log.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Client;
use Argo::Gateway;

my $t = Argo::Test->new();

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    log_format  user  '[$argo_user] [$argo_credential] $status';

    argo_upstream  /argo/;
    argo_upstream_api legacy;
    argo_user      $argo_credential;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        access_log   user.log user;

        location = /chat {
            argo_endpoint  chat_completions;
        }

        location = /named {
            argo_endpoint  chat_completions;
            argo_user      $arg_name;
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$g->script(undef, ([
    [header => 'Content-Type', 'application/json'],
    [body => '{"response":"Hello"}'],
]) x 100);

$t->run();

my $body = '{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}],'
    . '"user":"mallory"}';

###############################################################################

# where it is looked for

is(user('Authorization', 'Bearer jdoe'), 'jdoe', 'bearer');
is(user('Authorization', 'bearer jdoe'), 'jdoe', 'bearer in lower case');
is(user('Authorization', 'jdoe'), 'jdoe', 'authorization without a scheme');
is(user('x-api-key', 'jdoe'), 'jdoe', 'x-api-key');
is(user('api-key', 'jdoe'), 'jdoe', 'api-key');
is(user('X-Goog-Api-Key', 'jdoe'), 'jdoe', 'x-goog-api-key');
is(user_at('/chat?key=jdoe'), 'jdoe', 'argument');
is(user('x-api-key', 'second', 'Authorization', 'Bearer first'), 'first',
    'authorization before others');

# account names

for my $name (qw/ jdoe ac.jdoe b123456 j_doe j-doe J9 a /) {
    is(user('Authorization', "Bearer $name"), lc $name, "account $name");
}

is(user('Authorization', 'Bearer JDoe'), 'jdoe', 'lower case');

# what can't be one

my @keys = (
    'sk-canary0123456789', 'sk_canary', 'SK-canary', 'gsk_canary',
    'xai-canary', 'AIzaCanary', 'hf_canary', 'key-canary', 'pk-canary',
    'sk-ant-api03-canary-0123456789012345678901234567890123456789',
    'canary0123456789012345678901234567', 'eyJhbGciOiJIUzI1NiJ9.canary.x',
    '9canary', 'canary..x', 'canary.', '.canary', 'canary x', 'canary"x',
    'canary@anl.gov', "canary\xe9", 'canary%0a',
);

for my $key (@keys) {
    is(user('Authorization', "Bearer $key"), '401 missing_user', "not $key");
}

is(user('Authorization', 'Basic Y2FuYXJ5OmNhbmFyeQ=='), '401 missing_user',
    'not basic');
is(user(), '401 missing_user', 'none');
is(user('Authorization', ''), '401 missing_user', 'empty');
is(user('Authorization', 'Bearer sk-canary', 'x-api-key', 'jdoe'),
    '401 missing_user', 'a vendor key is not passed over for another');

unlike(join('', map { $_->{body} } $g->requests()), qr/canary|mallory/i,
    'keys not sent to ARGO');

# names of the administrator's choice

is(user_at('/named?name=jdoe'), 'jdoe', 'name of a variable');
is(user_at('/named?name=' . 'x' x 128), 'x' x 128, 'long name');
is(user_at('/named?name=' . 'x' x 129), '401 invalid_user', 'too long name');
is(user_at('/named?name="x'), '401 invalid_user', 'quote in a name');

$t->stop();

my $log = $t->read_file('user.log') . $t->read_file('error.log');
unlike($t->read_file('user.log'), qr/canary/i, 'keys not in the access log');
unlike($log =~ s/request: "[^"]*"//gr, qr/canary/i,
    'keys not in the error log');
like($log, qr/^\[jdoe\] \[jdoe\] 200$/m, 'names in the access log');

$t->done_testing();

###############################################################################

sub user {
    return user_at('/chat', @_);
}


sub user_at {
    my ($uri, @headers) = @_;

    my $n = () = $g->requests();
    my $r = Argo::Client->new(port(8080))->post($uri, $body,
        headers => \@headers);

    my @sent = $g->requests();

    if ($r->{status} != 200) {
        return 'sent' if @sent != $n;
        return "$r->{status} " . $r->json()->{error}{code};
    }

    return JSON::PP::decode_json($sent[-1]{body})->{user};
}

###############################################################################
