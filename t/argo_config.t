#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for the configuration: what is wrong is refused, with the place and
# the remedy; what is right is inherited as it should be.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;

my $t = Argo::Test->new();

my $head = <<'EOC';
%%TEST_GLOBALS%%

daemon off;

events {
}

EOC

my $chat = 'argo_endpoint chat_completions;';
my $up = 'argo_upstream /argo/;';
my $user = 'argo_user jdoe;';
my $internal = 'location /argo/ { internal; proxy_pass http://127.0.0.1:8081/; '
    . 'proxy_set_header Connection ""; proxy_http_version 1.1; }';

###############################################################################

# what is wrong: directives of the http, server and location levels, and what
# nginx is to say; the line that it names has a comment "here"

my @wrong = (
    [ 'unknown endpoint', '', "$user $up", "argo_endpoint chats; # here",
        qr/unknown endpoint "chats".*auto, chat_completions, completions/ ],
    [ 'endpoint with an argument too many', '', "$user $up",
        "argo_endpoint chat_completions auto; # here",
        qr/invalid number of arguments in "argo_endpoint"/ ],
    [ 'endpoint twice', '', "$user $up", "$chat\n$chat # here",
        qr/"argo_endpoint" directive is duplicate/ ],
    [ 'endpoint of a server', '', "$user $up $chat # here", '',
        qr/"argo_endpoint" directive is not allowed here/ ],
    [ 'no upstream', '', $user, "$chat # here",
        qr/"argo_endpoint chat_completions" needs "argo_upstream / ],
    [ 'no user', '', $up, "$chat # here",
        qr/"argo_endpoint chat_completions" needs "argo_user / ],
    [ 'neither', '', '', "$chat # here", qr/needs "argo_/ ],
    [ 'no zone for models', '', "$user $up", "argo_endpoint models; # here",
        qr/"argo_endpoint models" needs "argo_zone / ],
    [ 'no zone for auto', '', "$user $up", "argo_endpoint auto; # here",
        qr/"argo_endpoint auto" needs "argo_zone / ],
    [ 'no upstream for auto', 'argo_zone argo 1m;', $user,
        "argo_endpoint auto; # here",
        qr/"argo_endpoint auto" needs "argo_upstream / ],
    [ 'no user for auto', 'argo_zone argo 1m;', $up,
        "argo_endpoint auto; # here",
        qr/"argo_endpoint auto" needs "argo_user / ],
    [ 'prefix without a slash', '', 'argo_upstream argo/; # here', '',
        qr/invalid prefix "argo\/" in "argo_upstream".*"\/"/ ],
    [ 'prefix of another server', '',
        'argo_upstream https://argo.example/; # here', '',
        qr/invalid prefix "https/ ],
    [ 'empty prefix', '', 'argo_upstream ""; # here', '',
        qr/invalid prefix ""/ ],
    [ 'prefix twice', '', "$up\n$up # here", '',
        qr/"argo_upstream" directive is duplicate/ ],
    [ 'user twice', '', "$user\n$user # here", '',
        qr/"argo_user" directive is duplicate/ ],
    [ 'unknown variable', '', "argo_user \$nothing;\n$up", "$chat",
        qr/unknown "nothing" variable/ ],
    [ 'no user for messages', '', $up, 'argo_endpoint messages; # here',
        qr/"argo_endpoint messages" needs "argo_user / ],
    [ 'no upstream for a count', '', $user,
        'argo_endpoint count_tokens; # here',
        qr/"argo_endpoint count_tokens" needs "argo_upstream / ],
    [ 'no zone for gemini', '', "$user $up", 'argo_endpoint gemini; # here',
        qr/"argo_endpoint gemini" needs "argo_zone / ],
    [ 'unknown API', '', 'argo_upstream_api soap; # here', '', qr/invalid
        [ ]value[ ]"soap"[ ]in[ ]"argo_upstream_api":.*"native"[ ]or
        [ ]"legacy"/x ],
    [ 'API twice', '', "argo_upstream_api native;\n"
        . 'argo_upstream_api native; # here', '',
        qr/"argo_upstream_api" directive is duplicate/ ],
    [ 'neither on nor off', '', 'argo_native_responses maybe; # here', '',
        qr/invalid value "maybe" in "argo_native_responses"/ ],
    [ 'unknown kind of stream', '', 'argo_stream fake; # here', '',
        qr/invalid value "fake"/ ],
    [ 'size of the zone', 'argo_zone argo 4x; # here', '', '',
        qr/invalid size "4x" in "argo_zone".*"4m"/ ],
    [ 'negative size of the zone', 'argo_zone argo -4m; # here', '', '',
        qr/invalid size "-4m"/ ],
    [ 'small zone', 'argo_zone argo 1k; # here', '', '',
        qr/"1k" in "argo_zone" is too small.*at least \d+k/ ],
    [ 'zone without a size', 'argo_zone argo; # here', '', '',
        qr/invalid number of arguments in "argo_zone"/ ],
    [ 'zone twice', "argo_zone argo 1m;\nargo_zone more 1m; # here", '', '',
        qr/"argo_zone" directive is duplicate/ ],
    [ 'zone of a server', '', 'argo_zone argo 1m; # here', '',
        qr/"argo_zone" directive is not allowed here/ ],
    [ 'unknown default', '', "$user $up argo_default_model gpt-9;",
        "$chat # here", qr/"argo_default_model gpt-9" is not a chat model/ ],
    [ 'default that embeds', '', "$user $up argo_default_model v3small;",
        "$chat # here",
        qr/"argo_default_model v3small" is not a chat model/ ],
    [ 'alias without an id', '', 'argo_model fast; # here', '',
        qr/invalid number of arguments in "argo_model"/ ],
    [ 'empty alias', '', 'argo_model "" gpt4o; # here', '',
        qr/"argo_model" takes a name/ ],
    [ 'empty id', '', 'argo_model fast ""; # here', '',
        qr/"argo_model" takes a name/ ],
    [ 'long alias', '', 'argo_model ' . 'x' x 200 . ' gpt4o; # here', '',
        qr/"argo_model" takes a name.*128/ ],
);

for (@wrong) {
    my ($name, $http, $server, $location, $expected) = @$_;

    my ($code, $said) = check($http, $server, $location);

    isnt($code, 0, $name);
    like($said, qr/\[emerg\].*$expected/, "$name, message");

    my $line = line_of('here');

    if ($line) {
        like($said, qr/\[emerg\].*nginx\.conf:$line\b/, "$name, place")
            or diag($said);
    }
}

# what is right

for (
    [ 'health alone', '', '', 'argo_endpoint health;' ],
    [ 'version alone', '', '', 'argo_endpoint version;' ],
    [ 'models without a user', 'argo_zone argo 1m;', '',
        'argo_endpoint models;' ],
    [ 'all in http', "argo_zone argo 1m; $user $up argo_upstream_api legacy; "
        . 'argo_stream real; argo_model a gpt4o; argo_model b gpt5; '
        . 'argo_default_model a;', '', 'argo_endpoint auto;' ],
    [ 'all in a server', 'argo_zone argo 1m;', "$user $up argo_upstream_api "
        . 'legacy; argo_stream pseudo; argo_model a gpt4o; '
        . 'argo_default_model gpt5;', 'argo_endpoint auto;' ],
    [ 'all in a location', 'argo_zone argo 1m;', '', "argo_endpoint auto; "
        . "$user $up argo_upstream_api legacy; argo_stream real; "
        . 'argo_model a gpt4o; argo_default_model a;' ],
    [ 'smallest zone', 'argo_zone argo 32k;', '', 'argo_endpoint models;' ],
    [ 'nothing at all', '', '', '' ],
    [ 'user of variables', '', $up,
        "$chat argo_user \"\$remote_user-\$arg_x\";" ],
    [ 'API of its own', '', "argo_upstream_api legacy; $user $up",
        "$chat argo_upstream_api legacy;" ],
    [ 'native API', '', "argo_upstream_api native; $user $up", $chat ],
    [ 'another API in a location', 'argo_upstream_api legacy;',
        "$user $up argo_native_responses off;",
        "$chat argo_upstream_api native; argo_native_responses on;" ],
    [ 'all endpoints of the native API', 'argo_zone argo 1m;', "$user $up",
        join ' ', 'argo_endpoint chat_completions;', map { "} location /$_ { "
            . "argo_endpoint $_;" } qw/ messages count_tokens gemini
            responses input_tokens embeddings / ],
) {
    my ($name, $http, $server, $location) = @$_;

    my ($code, $said) = check($http, $server, $location);

    is($code, 0, $name) or diag($said);
    unlike($said, qr/\[(?:emerg|alert|crit|error|warn)\]/,
        "$name, no complaint");
}

# the zone may come after what needs it

$t->write_file_expand('nginx.conf', $head . <<'EOC');
http {
    %%TEST_GLOBALS_HTTP%%

    server {
        listen  127.0.0.1:8080;

        location / {
            argo_endpoint  models;
        }
    }

    argo_zone  argo 1m;
}
EOC

is(($t->test_config())[0], 0, 'zone at the end');

# inheritance

$t->write_file_expand('nginx.conf', $head . <<'EOC');
http {
    %%TEST_GLOBALS_HTTP%%

    argo_user           from_http;
    argo_upstream       /argo/;
    argo_model          outer gpt5;
    argo_default_model  gpt-4o;
    argo_stream         pseudo;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        argo_upstream_api  legacy;

        location = /native {
            argo_endpoint      chat_completions;
            argo_upstream_api  native;
        }

        location /mixed/ {
            argo_upstream_api      native;
            argo_native_responses  off;

            location = /mixed/inherited {
                argo_endpoint  responses;
            }

            location = /mixed/on {
                argo_endpoint          responses;
                argo_native_responses  on;
            }

            location = /mixed/legacy {
                argo_endpoint      responses;
                argo_upstream_api  legacy;
            }
        }

        location = /http {
            argo_endpoint  chat_completions;
        }

        location = /location {
            argo_endpoint       chat_completions;
            argo_user           from_location;
            argo_upstream       /other/;
            argo_model          inner gpt5nano;
            argo_default_model  gpt-4.1;
            argo_stream         real;
        }

        location /outer/ {
            argo_endpoint  health;
            argo_user      from_outer;

            location = /outer/inner {
                argo_endpoint  chat_completions;
            }

            location = /outer/none {
            }
        }

        location = /limit {
            argo_endpoint  chat_completions;

            limit_except GET {
                allow  all;
            }
        }

        location = /if {
            argo_endpoint  chat_completions;
            argo_user      from_if_location;

            if ($arg_x) {
                set $y 1;
            }
        }

        location /argo/ {
            internal;
            proxy_pass  http://127.0.0.1:8081/;
        }

        location /other/ {
            internal;
            proxy_pass  http://127.0.0.1:8081/other/;
        }
    }

    server {
        listen       127.0.0.1:8082;
        server_name  localhost;

        argo_user           from_server;
        argo_upstream       /other/;
        argo_default_model  o3-mini;

        location = /server {
            argo_endpoint  chat_completions;
        }

        location /other/ {
            internal;
            proxy_pass  http://127.0.0.1:8081/other/;
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

is(seen(8080, '/http'), '/api/v1/resource/chat/ from_http gpt4o',
    'from http');
is(seen(8080, '/http', '"stream":true'),
    '/api/v1/resource/chat/ from_http gpt4o', 'from http, stream');
is(seen(8080, '/http', '"model":"outer"'),
    '/api/v1/resource/chat/ from_http gpt5', 'from http, alias');
is(seen(8080, '/location'),
    '/other/api/v1/resource/chat/ from_location gpt41', 'from a location');
is(seen(8080, '/location', '"stream":true'),
    '/other/api/v1/resource/streamchat/ from_location gpt41',
    'from a location, stream');
is(seen(8080, '/location', '"model":"inner"'),
    '/other/api/v1/resource/chat/ from_location gpt5nano',
    'from a location, alias');
is(seen(8080, '/location', '"model":"outer"'),
    '404 invalid_request_error model model_not_found',
    'outer alias not in a location');
is(seen(8082, '/server'), '/other/v1/chat/completions from_server '
    . 'gpto3mini', 'from a server, native by default');
is(seen(8080, '/native'), '/v1/chat/completions from_http gpt4o',
    'native in a location');
is(seen(8080, '/native', '"stream":true'), '/v1/chat/completions from_http '
    . 'gpt4o', 'native in a location, stream');
is(seen(8080, '/mixed/inherited', '"input":"Hi"'),
    '/v1/chat/completions from_http gpt4o', 'API of an outer location');
is(seen(8080, '/mixed/on', '"input":"Hi"'), '/v1/responses - gpt4o',
    'native responses in a location');
is(seen(8080, '/mixed/legacy', '"input":"Hi"'),
    '/api/v1/resource/chat/ from_http gpt4o', 'legacy within native');
is(seen(8080, '/outer/inner'), '/api/v1/resource/chat/ from_outer gpt4o',
    'from an outer location');
is(seen(8080, '/limit'), '/api/v1/resource/chat/ from_http gpt4o',
    'within limit_except');
is(seen(8080, '/if'), '/api/v1/resource/chat/ from_if_location gpt4o',
    'beside if');
is(seen(8080, '/if?x=1'), '/api/v1/resource/chat/ from_if_location gpt4o',
    'within if');

my $r = Argo::Client->new(port(8080))->get('/outer/none');
is($r->{status}, 404, 'endpoint not inherited');
like($r->{body}, qr/<html>/, 'page where no endpoint is');
is(Argo::Client->new(port(8080))->get('/outer/x')->{body},
    '{"status":"healthy"}', 'endpoint of an outer location');

$t->done_testing();

###############################################################################

# Writes a configuration and has nginx test it.

sub check {
    my ($http, $server, $location) = @_;

    $t->write_file_expand('nginx.conf', $head . "http {\n"
        . "%%TEST_GLOBALS_HTTP%%\n$http\n"
        . "server {\nlisten 127.0.0.1:8080;\n$internal\n$server\n"
        . "location /x {\n$location\n}\n}\n}\n");

    return $t->test_config();
}


sub line_of {
    my ($mark) = @_;

    my $n = 0;

    for my $line (split /\n/, $t->read_file('nginx.conf')) {
        $n++;
        return $n if $line =~ /# \Q$mark\E/;
    }

    return;
}


# What ARGO sees of a request: uri, user and model; or the error.

sub seen {
    my ($port, $uri, $members) = @_;

    $members = defined $members ? "$members," : '';

    $g->clear();
    $g->answer('Hello');

    my $r = Argo::Client->new(port($port))->post($uri, $members =~ /"input"/
        ? '{' . $members =~ s/,$//r . '}'
        : "{$members\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");

    return $r->error() unless $g->requests();

    my $body = $g->request_json();

    return join ' ', $g->request()->{uri}, $body->{user} // '-',
        $body->{model};
}

###############################################################################
