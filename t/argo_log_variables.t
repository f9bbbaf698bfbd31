#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for variables in the access log.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;

use JSON::PP ();

my $t = Argo::Test->new();

my @variables = qw/ argo_endpoint argo_model argo_upstream_model argo_user
    argo_stream argo_prompt_tokens argo_completion_tokens argo_total_tokens
    argo_ttft argo_finish_reason argo_error argo_upstream_calls status
    upstream_addr upstream_status upstream_response_time
    upstream_header_time upstream_bytes_received upstream_bytes_sent /;

my $format = join ',', map { "\"$_\":\"\$$_\"" } @variables;
my $conf = <<'EOC';
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_user      jdoe;
    argo_upstream  /argo/;
    argo_upstream_api legacy;
    argo_zone      argo 1m;
    argo_models_refresh  0;

    log_format  test  escape=json  '{FORMAT}';

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        access_log   %%TESTDIR%%/test.log test;

        location /v1/ {
            argo_endpoint  auto;
        }

        location = /pseudo {
            argo_endpoint  chat_completions;
            argo_stream    pseudo;
        }

        location = /denied {
            argo_endpoint  chat_completions;
            deny           all;
        }

        location = /nobody {
            argo_endpoint  chat_completions;
            argo_user      $http_x_user;
        }

        location = /slow {
            argo_endpoint  chat_completions;
            argo_upstream  /slow/;
            argo_upstream_api legacy;
        }

        location = /refused {
            argo_endpoint  chat_completions;
            argo_upstream  /refused/;
            argo_upstream_api legacy;
        }

        location = /other {
            return 200 "$argo_user,$argo_model,$argo_error";
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
            proxy_set_header    X-Seen "$argo_endpoint $argo_user
                $argo_upstream_model $argo_stream";
        }

        location /slow/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
            proxy_read_timeout  200ms;
        }

        location /refused/ {
            internal;
            proxy_pass          http://127.0.0.1:8082/;
        }
    }
}
EOC

$conf =~ s/FORMAT/$format/;
$conf =~ s/\$argo_user\s+\$argo_upstream/\$argo_user \$argo_upstream/;

$t->write_file_expand('nginx.conf', $conf);

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my $lines = 0;
my $uri = '/v1/chat/completions';
my $address = '127.0.0.1:' . port(8081);

###############################################################################

# success

$g->answer('Hello, how are you today?');

my $usage = post($uri, 0)->json()->{usage};

logged('unary',
    argo_endpoint => 'chat_completions',
    argo_model => 'argo:gpt-4o',
    argo_upstream_model => 'gpt4o',
    argo_user => 'jdoe',
    argo_stream => '0',
    argo_prompt_tokens => $usage->{prompt_tokens},
    argo_completion_tokens => $usage->{completion_tokens},
    argo_total_tokens => $usage->{total_tokens},
    argo_ttft => qr/^\d+\.\d{3}$/,
    argo_finish_reason => 'stop',
    argo_error => '',
    argo_upstream_calls => '1',
    status => '200',
    upstream_addr => $address,
    upstream_status => '200',
    upstream_response_time => qr/^\d+\.\d{3}$/,
    upstream_header_time => qr/^\d+\.\d{3}$/,
    upstream_bytes_received => qr/^[1-9]\d+$/,
    upstream_bytes_sent => qr/^[1-9]\d+$/,
);

is(Argo::Gateway::header($g->request(), 'X-Seen'),
    'chat_completions jdoe gpt4o 0', 'variables in the internal location');

$g->clear();
$g->stream('Hello, how are', ' you today?');
post($uri, 1);

logged('stream',
    argo_endpoint => 'chat_completions',
    argo_model => 'argo:gpt-4o',
    argo_stream => '1',
    argo_prompt_tokens => $usage->{prompt_tokens},
    argo_completion_tokens => $usage->{completion_tokens},
    argo_total_tokens => $usage->{total_tokens},
    argo_ttft => qr/^\d+\.\d{3}$/,
    argo_finish_reason => 'stop',
    argo_error => '',
    argo_upstream_calls => '1',
    status => '200',
    upstream_addr => $address,
    upstream_status => '200',
    upstream_response_time => qr/^\d+\.\d{3}$/,
    upstream_bytes_received => qr/^[1-9]\d+$/,
);

$g->answer('Hello, how are you today?');
post('/pseudo', 1);

logged('pseudo stream',
    argo_stream => '1',
    argo_prompt_tokens => $usage->{prompt_tokens},
    argo_completion_tokens => $usage->{completion_tokens},
    argo_finish_reason => 'stop',
    argo_error => '',
    upstream_status => '200',
);

# errors of the client's

client()->post($uri, '{');

logged('invalid request',
    argo_endpoint => 'chat_completions',
    argo_model => '',
    argo_user => 'jdoe',
    argo_prompt_tokens => '',
    argo_ttft => '',
    argo_finish_reason => '',
    argo_error => 'invalid_json',
    argo_upstream_calls => '0',
    status => '400',
    upstream_addr => '',
    upstream_status => '',
);

client()->post($uri, '{"model":"gpt-9","messages":[{"role":"user",'
    . '"content":"Hi"}]}');

logged('unknown model',
    argo_upstream_model => '',
    argo_error => 'model_not_found',
    argo_upstream_calls => '0',
    status => '404',
);

post('/nobody', 0);

logged('no user',
    argo_user => '',
    argo_error => 'missing_user',
    argo_upstream_calls => '0',
    status => '401',
);

post('/denied', 0);

logged('denied by nginx',
    argo_endpoint => 'chat_completions',
    argo_error => 'permission',
    status => '403',
);

client()->get($uri);

logged('wrong method',
    argo_endpoint => 'chat_completions',
    argo_error => 'method_not_allowed',
    status => '405',
);

client()->get('/v1/nothing');

logged('unknown path',
    argo_endpoint => '',
    argo_error => 'unknown_url',
    status => '404',
);

# errors of ARGO's

$g->script(undef, [
    [status => 500], [header => 'Content-Type', 'application/json'],
    [body => '{"error":{"message":"m","code":"internal_error"}}'],
]);
post($uri, 0);

logged('error of ARGO',
    argo_error => 'internal_error',
    argo_finish_reason => '',
    argo_upstream_calls => '1',
    status => '500',
    upstream_addr => $address,
    upstream_status => '500',
);

$g->script(undef, [
    [status => 503], [header => 'Content-Type', 'text/html'], [body => 'x'],
]);
post($uri, 1);

logged('error of ARGO without a code',
    argo_error => 'overloaded',
    status => '503',
    upstream_status => '503',
);

$g->stream('IMPORTANT AUTHENTICATION NOTICE FROM ARGO');
post($uri, 1);

logged('denial',
    argo_error => 'argo_access_denied',
    argo_finish_reason => '',
    argo_prompt_tokens => '',
    status => '403',
    upstream_status => '200',
);

$g->script(undef, [
    [header => 'Content-Type', 'text/plain'], [chunk => 'Hello'], [drain =>],
    [close =>],
]);
post($uri, 1);

logged('cut stream',
    argo_error => 'upstream_incomplete',
    argo_finish_reason => '',
    argo_prompt_tokens => qr/^\d+$/,
    argo_ttft => qr/^\d+\.\d{3}$/,
    status => '200',
    upstream_status => '200',
);

$g->script(undef, [[wait_close =>]]);
post('/slow', 0);

logged('silence',
    argo_error => 'upstream_timeout',
    argo_upstream_calls => '1',
    argo_ttft => '',
    status => '504',
    upstream_addr => $address,
    upstream_status => '504',
);

post('/refused', 0);

logged('refused',
    argo_error => 'upstream_unreachable',
    status => '502',
    upstream_addr => '127.0.0.1:' . port(8082),
    upstream_status => '502',
);

# clients that go away

$g->clear()->script(undef, [[wait_close =>]]);

my $c = client();
$c->post_only($uri, body(0));
$g->wait_event('request');
$c->reset();

logged('client gone before the reply',
    argo_endpoint => 'chat_completions',
    argo_model => 'argo:gpt-4o',
    argo_user => 'jdoe',
    argo_error => 'client_closed',
    argo_finish_reason => '',
    argo_upstream_calls => '1',
    status => '499',
    upstream_addr => $address,
);

$g->clear()->script(undef, [
    [header => 'Content-Type', 'text/plain'], [chunk => 'Hello, how'],
    [wait_close =>],
]);

$c = client();
$c->post_only($uri, body(1));

my $r = $c->head();

while (my $e = $r->next_event()) {
    last if $e->{data} =~ /Hello/;
}

$c->reset();

logged('client gone in a stream',
    argo_error => 'client_closed',
    argo_finish_reason => '',
    argo_stream => '1',
    argo_prompt_tokens => $usage->{prompt_tokens},
    argo_completion_tokens => qr/^[1-9]\d*$/,
    argo_ttft => qr/^\d+\.\d{3}$/,
    upstream_addr => $address,
    upstream_status => '200',
);

# other endpoints

client()->get('/v1/models');

logged('models', argo_endpoint => 'models', argo_model => '',
    argo_error => '', argo_upstream_calls => '0', status => '200');

client()->get('/v1/health');

logged('health', argo_endpoint => 'health', argo_error => '');

is(client()->get('/other')->{body}, ',,', 'variables elsewhere');

logged('elsewhere', argo_endpoint => '', argo_upstream_calls => '',
    status => '200');

$t->done_testing();

###############################################################################

sub client {
    return Argo::Client->new(port(8080));
}


sub body {
    my ($stream) = @_;

    $stream = $stream ? '"stream":true,' : '';

    return "{${stream}\"model\":\"argo:gpt-4o\",\"messages\":"
        . '[{"role":"user","content":"Say hello to everybody"}]}';
}


sub post {
    my ($uri, $stream) = @_;

    $g->clear();

    return client()->post($uri, body($stream));
}


# Compares the next line of the log with what it should say.

sub logged {
    my ($name, %expected) = @_;

    my $line = $t->waitfor(sub {
        return (split /\n/, $t->read_file('test.log'))[$lines];
    });

    $lines++;

    my $seen = eval { JSON::PP->new->utf8->decode($line) } || {};

    for my $variable (sort keys %expected) {
        my $value = $expected{$variable};

        if (ref $value) {
            like($seen->{$variable}, $value, "$name, $variable");
        } else {
            is($seen->{$variable}, $value, "$name, $variable");
        }
    }
}

###############################################################################
