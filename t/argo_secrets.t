#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for what must never be written down: credentials, prompts and answers
# are in neither log, whatever goes wrong.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;

my $t = Argo::Test->new();

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_user                jdoe;
    argo_upstream            /argo/;
    argo_upstream_api legacy;
    client_body_buffer_size  1k;
    client_max_body_size     10k;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location = /chat {
            argo_endpoint  chat_completions;
        }

        location = /pseudo {
            argo_endpoint  chat_completions;
            argo_stream    pseudo;
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

        location = /nobody {
            argo_endpoint  chat_completions;
            argo_user      $http_x_user;
        }

        location = /denied {
            argo_endpoint  chat_completions;
            deny           all;
        }

        location /argo/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
        }

        location /slow/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/;
            proxy_read_timeout  200ms;
        }

        location /refused/ {
            internal;
            proxy_pass  http://127.0.0.1:8082/;
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

my $prompt = 'prompt-canary-4711';
my $answer = 'answer-canary-4711';
my $key = 'key-canary-4711';

###############################################################################

# success

answer(200, "{\"response\":\"$answer\"}");

my $r = post('/chat', messages());
is($r->{status}, 200, 'unary');
like($r->{body}, qr/$answer/, 'unary, answer');
like($g->request()->{body}, qr/$prompt/, 'unary, prompt');
is(post('/pseudo', '"stream":true,' . messages())->{status}, 200,
    'pseudo stream');
is(post('/chat', messages(' ' x 5000))->{status}, 200, 'prompt in a file');

$g->stream($answer);
is(post('/chat', '"stream":true,' . messages())->{status}, 200, 'stream');

# requests that are wrong

for (
    [ 'not JSON', "\"messages\":$prompt" ],
    [ 'wrong messages', "\"messages\":\"$prompt\"" ],
    [ 'wrong message', "\"messages\":[\"$prompt\"]" ],
    [ 'wrong role', "\"messages\":[{\"role\":\"$prompt\",\"content\":1}]" ],
    [ 'wrong part', '"messages":[{"role":"user","content":[{"type":'
        . "\"$prompt\",\"text\":1},{\"$prompt\":1}]}]" ],
    [ 'wrong name', "\"$prompt\":1,\"messages\":[]" ],
    [ 'wrong parameter', "\"n\":\"$prompt\"," . messages() ],
    [ 'wrong model', "\"model\":\"$prompt\"," . messages() ],
) {
    my ($name, $members) = @$_;

    cmp_ok(post('/chat', $members)->{status}, '>=', 400, $name);
}

is(post('/nobody', messages())->{status}, 401, 'no user');
is(post('/denied', messages())->{status}, 403, 'denied');
is(post('/chat', messages(' ' x 20000))->{status}, 413, 'too large');

# replies that are wrong

for my $uri ('/chat', '/pseudo') {
    for my $stream ('', '"stream":true,') {
        for (
            [ 500, "{\"error\":{\"message\":\"$answer\",\"code\":\"x\"}}" ],
            [ 400, "{\"detail\":\"$answer\"}" ],
            [ 502, "<html>$answer</html>" ],
            [ 200, "{\"$answer\":\"$answer\"}" ],
            [ 200, "{\"response\":[\"$answer\"]}" ],
            [ 200, "$answer" ],
            [ 200, '{"response":"You passed a messages field along with a '
                . "system and or prompt field. $answer\"}" ],
            [ 302, $answer ],
        ) {
            my ($status, $body) = @$_;

            answer($status, $body);
            cmp_ok(post($uri, $stream . messages())->{status}, '>=', 400,
                "error of $uri, $status $body");
        }

        $g->script(undef, [
            [header => 'Content-Type', 'text/plain'],
            [chunk => "$answer $answer"], [drain =>], [raw => $answer],
            [close =>],
        ]);
        like(post($uri, $stream . messages())->{body}, qr/"type":"server_err/,
            "cut reply of $uri");
    }
}

$g->script(undef, [[raw => "HTTP/1.1 200 OK\r\n$answer\r\n\r\n"], [close =>]]);
post('/chat', messages());
$g->script(undef, [[wait_close =>]]);
is(post('/slow', messages())->{status}, 504, 'silence');
is(post('/refused', messages())->{status}, 502, 'refused');

# a client that goes away

$g->clear()->script(undef, [[wait_close =>]]);

my $c = Argo::Client->new(port(8080));
$c->post_only('/chat', '{"model":"gpt-4o",' . messages() . '}',
    headers => [ 'Authorization', "Bearer $key" ]);
ok($g->wait_event('request'), 'client to go away');
$c->reset();
ok($g->wait_event('closed'), 'client gone');

# a broken request line or header is nginx's own to log, a body is not

$t->stop();

my $error_log = $t->read_file('error.log');

like($error_log, qr/request failed with status/, 'failures logged');
unlike($error_log, qr/$prompt/, 'no prompt in the error log');
unlike($error_log, qr/$key/, 'no key in the error log');

# what ARGO sends in place of a header is logged by nginx itself
$error_log =~ s/^.*upstream sent (?:invalid header|no valid).*\n//mg;

unlike($error_log, qr/$answer/, 'no answer in the error log');

my $access_log = $t->read_file('access.log');

like($access_log, qr{POST /chat}, 'requests logged');
unlike($access_log, qr/canary-4711/, 'nothing in the access log');

$t->done_testing();

###############################################################################

sub messages {
    my ($more) = @_;

    $more = '' unless defined $more;

    return "\"messages\":[{\"role\":\"user\",\"content\":\"$prompt$more\"}]";
}


sub answer {
    my ($status, $body) = @_;

    $g->script(undef, [
        [status => $status],
        [header => 'Content-Type', $body =~ /^</ ? 'text/html'
            : 'application/json'],
        [header => 'Set-Cookie', $answer],
        [body => $body],
    ]);
}


sub post {
    my ($uri, $members) = @_;

    $g->clear();

    return Argo::Client->new(port(8080))->post($uri,
        "{\"model\":\"gpt-4o\",$members}", headers => [
            'Authorization', "Bearer $key",
            'Cookie', "session=$key",
            'X-Api-Key', $key,
        ]);
}

###############################################################################
