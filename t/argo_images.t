#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for images that a request names by URL: what is fetched and sent up,
# what is refused, and that nothing but the address that was judged is ever
# connected to.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use IO::Socket::INET;
use MIME::Base64 qw/ encode_base64 /;
use lib 'lib';
use Argo::Test;
use Argo::Gateway;
use Argo::DNS;

my $t = Argo::Test->new()->has(qw/ http_stub_status /);

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_user      jdoe;
    argo_upstream  /argo/;
    argo_upstream_api legacy;

    resolver           127.0.0.1:8053;
    resolver_timeout   10s;

    argo_image_fetch   /image/;
    argo_image_http    on;
    argo_image_ports   80 443 %%PORT_8082%% %%PORT_8083%% %%PORT_8084%%;
    argo_image_allow   127.0.0.1;

    log_format  test  "$status $argo_error $argo_upstream_calls";

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        access_log  %%TESTDIR%%/test.log test;

        location / {
            argo_endpoint  chat_completions;
        }

        location = /off {
            argo_endpoint     chat_completions;
            argo_image_fetch  off;
        }

        location = /strict {
            argo_endpoint     chat_completions;
            argo_image_allow  192.0.2.1;
        }

        location = /denied {
            argo_endpoint    chat_completions;
            argo_image_deny  0.0.0.0/0 ::/0;
        }

        location = /https {
            argo_endpoint    chat_completions;
            argo_image_http  off;
        }

        location = /ports {
            argo_endpoint     chat_completions;
            argo_image_ports  80 443;
        }

        location = /small {
            argo_endpoint      chat_completions;
            argo_image_limits  count=3 size=1000 total=2000;
        }

        location = /quick {
            argo_endpoint      chat_completions;
            argo_image_limits  time=300ms;
        }

        location = /impatient {
            argo_endpoint     chat_completions;
            argo_image_fetch  /impatient/;
        }

        location = /responses {
            argo_endpoint  responses;
        }

        location = /elsewhere {
            argo_endpoint     chat_completions;
            argo_image_fetch  /elsewhere/;
        }

        location = /accel {
            argo_endpoint     chat_completions;
            argo_image_fetch  /accel/;
        }

        location = /file {
            argo_endpoint     chat_completions;
            argo_image_fetch  /file/;
        }

        location /image/ {
            internal;

            proxy_pass
                $argo_image_scheme://$argo_image_address$argo_image_uri;
            proxy_http_version    1.1;
            proxy_set_header      Host $argo_image_host;
            proxy_set_header      Connection "";
            proxy_redirect        off;
            proxy_ignore_headers  X-Accel-Redirect;

            # longer than any test waits: what ends sooner has been ended
            proxy_read_timeout    300s;
        }

        location /impatient/ {
            internal;

            proxy_pass
                $argo_image_scheme://$argo_image_address$argo_image_uri;
            proxy_http_version    1.1;
            proxy_set_header      Host $argo_image_host;
            proxy_set_header      Connection "";
            proxy_ignore_headers  X-Accel-Redirect;
            proxy_read_timeout    300ms;
        }

        # what it should not be

        location /elsewhere/ {
            internal;
            proxy_pass            http://127.0.0.1:8083;
            proxy_ignore_headers  X-Accel-Redirect;
        }

        location /accel/ {
            internal;
            proxy_pass
                $argo_image_scheme://$argo_image_address$argo_image_uri;
            proxy_set_header  Host $argo_image_host;
        }

        location /file/ {
            internal;
            alias  %%TESTDIR%%/file/;
        }

        location = /variables {
            add_header  X-Address "a$argo_image_address";
            return 204;
        }

        location /argo/ {
            internal;
            client_max_body_size  0;
            proxy_pass            http://127.0.0.1:8081/;
            proxy_http_version    1.1;
            proxy_set_header      Connection "";
        }

        location = /status {
            access_log   off;
            stub_status;
        }
    }
}
EOC

my $argo = Argo::Gateway->new($t, 8081);
my $g = Argo::Gateway->new($t, 8082);
my $other = Argo::Gateway->new($t, 8083);

# somebody connects to an address that is forbidden: it would be seen
my $trap = IO::Socket::INET->new(Proto => 'tcp', Listen => 5,
    ReuseAddr => 1, LocalAddr => '127.0.0.2', LocalPort => port(8082))
    or die "listen: $!";
$trap->blocking(0);

my $dns = Argo::DNS->new($t, 8053,
    'img.test' => [[ '127.0.0.1' ]],
    'img2.test' => [[ '127.0.0.1' ]],
    'rebind.test' => [[ '127.0.0.1' ], [ '127.0.0.2' ]],
    'mixed.test' => [[ '127.0.0.2', '10.0.0.1', '127.0.0.1', '::1' ]],
    'silent.test' => [ undef ],
    'empty.test' => [[]],
    'loopback.test' => [[ '127.0.0.2' ]],
    'private.test' => [[ '10.1.2.3', '192.168.1.1', '172.16.0.1' ]],
    'metadata.test' => [[ '169.254.169.254' ]],
    'shared.test' => [[ '100.64.0.1' ]],
    'zero.test' => [[ '0.0.0.0' ]],
    'group.test' => [[ '224.0.0.1', '255.255.255.255' ]],
    'loopback6.test' => [[ '::1' ]],
    'mapped.test' => [[ '::ffff:10.0.0.1', '::ffff:127.0.0.2' ]],
    'local6.test' => [[ 'fd00:ec2::254', 'fe80::1' ]],
    'nat64.test' => [[ '64:ff9b::7f00:2', '2002:7f00:2::1' ]],
);

$t->run();

my $png = "\x89PNG\r\n\x1a\n" . join '', map { chr } 0 .. 255;
my $jpeg = "\xff\xd8\xff\xe0" . 'jpeg' x 50;
my $gif = 'GIF89a' . 'gif' x 51;
my $webp = "RIFF\x20\0\0\0WEBPVP8 " . 'w' x 20;
my $base = 'http://img.test:' . port(8082);

$argo->answer('A cat.');

###############################################################################

# off, as it is if nothing is said

is(error('/off', "$base/a.png"), '400 invalid_request_error '
    . 'messages[0].content[1].image_url unsupported_value', 'off');
is(asked(), 0, 'off, nothing asked');
is(logged(), '400 unsupported_value 0', 'off, logged');
clear();

# fetched: what goes up, byte for byte

$g->script('/a.png?k=v&x=%20y', image($png, 'text/plain; charset=utf-8'));

my $r = chat('/v1', part("$base/a.png?k=v&x=%20y#part", '"detail":"low"'));

is($r->{status}, 200, 'fetched');
like($argo->request()->{body},
    qr/\Q"content":[{"type":"text","text":"What?"},${\ up(png => $png,
        ',"detail":"low"') }]\E/, 'fetched, sent up');
is($r->json()->{choices}[0]{message}{content}, 'A cat.', 'fetched, answer');

my $asked = $g->request();

is($asked->{method}, 'GET', 'asked, method');
is($asked->{uri}, '/a.png?k=v&x=%20y', 'asked, uri without the fragment');
is(Argo::Gateway::header($asked, 'Host'), 'img.test:' . port(8082),
    'asked, host');
is(Argo::Gateway::header($asked, 'User-Agent'),
    'ngx_http_argo_module/0.1.0', 'asked, agent');
is(Argo::Gateway::header($asked, 'Accept'),
    'image/png, image/jpeg, image/gif, image/webp', 'asked, accept');
is(Argo::Gateway::header($asked, 'Accept-Encoding'), 'identity',
    'asked, encoding');
is(Argo::Gateway::header($asked, 'Authorization')
    . Argo::Gateway::header($asked, 'Cookie')
    . Argo::Gateway::header($asked, 'Content-Type')
    . Argo::Gateway::header($asked, 'Content-Length'), '',
    'asked, nothing of the client');
is($asked->{body}, '', 'asked, no body');
is(join(' ', sort $dns->questions()), 'img.test A img.test AAAA',
    'name resolved once');

is(logged(), '200 - 1', 'one call of ARGO logged');

# every kind, every piece of it

for (
    [ 'png', $png ], [ 'jpeg', $jpeg ], [ 'gif', $gif ], [ 'webp', $webp ],
) {
    my ($type, $data) = @$_;

    clear();
    $g->script('/i', [
        (map { ([chunk => $_], [drain =>]) } unpack('(a5)*',
            substr($data, 0, 25)), substr($data, 25)), [end =>],
    ]);

    is(chat('/v1', part("$base/i"))->{status}, 200, "$type in pieces");
    like($argo->request()->{body}, qr/\Q${\ up($type => $data) }\E/,
        "$type in pieces, sent up");
}

# a large one

clear();
my $large = $png . 'large' x 400_000;
$g->script('/large', image($large));
is(chat('/v1', part("$base/large"))->{status}, 200, 'large');
ok(index($argo->request()->{body}, up(png => $large)) > 0,
    'large, sent up');

# the forms of a part; members of it are kept

clear();
$g->script('/i', image($gif));
$r = chat('/v1', "{\"image_url\":\"$base/i\",\"type\":\"image_url\","
    . "\"cache_control\" : {\"type\":\"x\"}}");
is($r->{status}, 200, 'bare string');
like($argo->request()->{body}, qr/\Q${\ substr(up(gif => $gif), 0, -1)
    },"cache_control" : {"type":"x"}}\E/, 'bare string, sent up');

clear();
$g->script('/i', image($gif));
(my $escaped = "$base/i") =~ s{/}{\\/}g;
$escaped =~ s/img/\\u0069mg/;
is(chat('/v1', part($escaped))->{status}, 200, 'escaped URL');
like($argo->request()->{body}, qr/\Q${\ up(gif => $gif) }\E/,
    'escaped URL, sent up');

clear();
$g->script('/i', image($gif));
$r = post('/responses', '{"model":"gpt-4o","input":[{"role":"user",'
    . '"content":[{"type":"input_image","detail":"high",'
    . "\"image_url\":\"$base/i\"}]}]}");
is($r->{status}, 200, 'responses');
like($argo->request()->{body}, qr/\Q${\ up(gif => $gif,
    ',"detail":"high"') }\E/, 'responses, sent up');

clear();
$g->script('/i', image($gif));
$argo->stream('A ', 'dog.');
$r = chat('/v1', part("$base/i"), 1);
is($r->text(), 'A dog.', 'stream');
like($argo->request()->{body}, qr/\Q${\ up(gif => $gif) }\E/,
    'stream, sent up');
$argo->answer('A cat.');

# a data URL beside it goes as it is

clear();
$g->script('/i', image($gif));
my $own = '{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}';
chat('/v1', "$own," . part("$base/i"));
like($argo->request()->{body}, qr/\Q$own,${\ up(gif => $gif) }\E/,
    'data URL beside it');

# several, at the same time, in their order; one URL once

clear();
$g->script("/$_", [[wait_for => "go$_"], @{image($gif . $_)}]) for 1 .. 6;

my $c = client();
$c->post_only('/v1', body(join ',', map { part("$base/$_") }
    1, 2, 3, 4, 1, 5, 6, 2));
ok($g->wait_event('request', 4), 'four at the same time');
is(scalar(my @first = $g->requests()), 4, 'not more than four');
$g->signal("go$_") for 4, 3, 2, 1, 6, 5;
is($c->response()->{status}, 200, 'several');
like($argo->request()->{body}, qr/\Q${\ join ',', map { up(gif => $gif . $_) }
    1, 2, 3, 4, 1, 5, 6, 2 }\E/, 'several, sent up in order');
is(join(' ', sort map { $_->{uri} } $g->requests()), '/1 /2 /3 /4 /5 /6',
    'each fetched once');

# redirects: every way of saying where

for (
    [ '301', '/to' ], [ '302', 'to' ], [ '303', "$base/to" ],
    [ '307', '//img2.test:' . port(8082) . '/to' ], [ '308', 'x/../to#x' ],
) {
    my ($status, $location) = @$_;

    clear();
    $g->script('/from', [[status => $status, 'Elsewhere'],
        [header => 'Location', $location], [chunk => 'x' x 100_000],
        [chunk => 'more'], [wait_close =>]]);
    $g->script('/to', image($gif));

    is(chat('/v1', part("$base/from"))->{status}, 200, "redirect $status");
    like($argo->request()->{body}, qr/\Q${\ up(gif => $gif) }\E/,
        "redirect $status, sent up");
}

clear();
$g->script("/$_", redirect('/' . ($_ + 1))) for 1 .. 4;
$g->script('/4', image($gif));
is(chat('/v1', part("$base/1"))->{status}, 200, 'three redirects');

clear();
$g->script('/4', redirect('/5'));
refused('/v1', "$base/1", 'image_fetch_failed', 'four redirects',
    qr/redirects too often/);
is(join(' ', map { $_->{uri} } $g->requests()), '/1 /2 /3 /4',
    'four redirects, the last not followed');

for (
    [ 'forbidden address', 'http://127.0.0.2:' . port(8082) . '/' ],
    [ 'forbidden name', 'http://loopback.test:' . port(8082) . '/' ],
    [ 'metadata', 'http://169.254.169.254/latest/meta-data/' ],
    [ 'IPv6', 'http://[::1]/' ],
    [ 'number', 'http://2130706434:' . port(8082) . '/' ],
    [ 'port', 'http://127.0.0.1:22/' ],
    [ 'user', 'http://a:b@img.test:' . port(8082) . '/a' ],
    [ 'file', 'file:///etc/passwd' ],
    [ 'data', 'data:image/png;base64,AA' ],
    [ 'backslashes', '\\\\loopback.test\\' ],
    [ 'blank', '/a b' ],
    [ 'nothing', '' ],
) {
    my ($name, $location) = @$_;

    clear();
    $g->script('/from', redirect($location));
    refused('/v1', "$base/from", qr/image_fetch_failed|invalid_image_url/,
        "redirect to $name");
    is(scalar(my @once = $g->requests()), 1, "redirect to $name, one call");
}

clear();
$g->script('/from', [[status => 300, 'Choices'], [header => 'Location',
    '/to'], [body => '']]);
refused('/v1', "$base/from", 'image_fetch_failed', 'redirect 300');

# the name means another address by then

clear();
$g->script('/from', [[wait_for => 'expired'], @{redirect('/to')}]);
$g->script('/to', image($gif));

$c = client();
$c->post_only('/v1', body(part('http://rebind.test:' . port(8082)
    . '/from')));
$g->wait_event('request');

# an answer of no lifetime is good for the second that it came in
my $now = time();
$t->waitfor(sub { time() > $now + 1 });
$g->signal('expired');

is($c->response()->error(), '400 invalid_request_error '
    . 'messages[0].content[1].image_url image_fetch_failed',
    'rebound before a redirect');
is(join(' ', map { $_->{uri} } $g->requests()), '/from',
    'rebound, not followed');
is(scalar(my @rebind = grep { $_ eq 'rebind.test A' } $dns->questions()), 2,
    'rebound, resolved again');

# of several addresses those are used that may be

clear();
$g->script('/i', image($gif));
is(chat('/v1', part('http://mixed.test:' . port(8082) . '/i'))->{status}, 200,
    'mixed addresses');
is(scalar(my @mixed = $g->requests()), 1, 'mixed addresses, the right one');

# forbidden hosts, and what is no host: nobody is called

for my $name (qw/ loopback private metadata shared zero group loopback6
    mapped local6 nat64 empty nowhere /)
{
    clear();
    refused('/v1', "http://$name.test:" . port(8082) . '/x?key=secret',
        'image_fetch_failed', "$name.test", qr/does not exist or has no addr/);
}

for my $host (qw/ 127.0.0.2 10.0.0.1 169.254.169.254 192.168.0.1 0.0.0.0
    100.64.0.1 [::1] [::] [::ffff:127.0.0.2] [::ffff:7f00:2] [fd00::1]
    [64:ff9b::7f00:2] [2002:7f00:2::] [fe80::1] [ff02::1] [2001:db8::1] /)
{
    clear();
    refused('/v1', "http://$host:" . port(8082) . '/', 'image_fetch_failed',
        $host, qr/no address/);
    is(scalar(my @none = $dns->questions()), 0, "$host, nothing resolved");
}

for my $url (
    (map { "http://$_:" . port(8082) . '/' } qw/ 127.2 0x7f000002 2130706434
        0177.0.0.2 127.0.0.02 127.0.0.2. img.test. [::1%25lo] [fe80::1%eth0]
        [::1]x %6c.test 127.0.0.1%2f.test u@img.test img.test:80 -a.test
        a..test b\u00fccher.test 127\u30020.0.1 /),
    'http://img.test:22/', 'http://img.test:0/', 'http://img.test:/',
    'http://:80/', 'http:///', 'http://', 'http:/img.test/', 'img.test/a',
    '//img.test/a', '', 'ftp://img.test/', 'file:///etc/passwd',
    'gopher://img.test/', 'unix:/run/x', 'javascript:1',
    "http://img.test\\\\\@127.0.0.2/", "http:\\\\\\\\img.test/",
    'http://img.test/a b', 'http://img.test/a\tb', 'http://img.test/\r\nX: y',
    'http://img.test/\u0000', 'http://img.test/%0', 'http://img.test/\u007f',
    'http://img.test/' . 'a' x 4096, "http://img.test/\\\"",
) {
    (my $name = substr $url, 0, 60) =~ s/\W{4,}/.../;

    clear();
    refused('/v1', $url, 'invalid_image_url', "\"$name\"");
    is(scalar(my @none = $dns->questions()), 0,
        "\"$name\", nothing resolved");
}

# what an administrator has not allowed, or has forbidden

clear();
refused('/strict', "$base/a", 'image_fetch_failed', 'name not allowed');
refused('/strict', 'http://127.0.0.1:' . port(8082) . '/a',
    'image_fetch_failed', 'address not allowed');
refused('/denied', 'http://93.184.216.34/a', 'image_fetch_failed',
    'public address denied', qr/no address/);
refused('/denied', 'http://[2606:2800:220:1::1]/a', 'image_fetch_failed',
    'public IPv6 address denied', qr/no address/);
is(scalar(my @calls = $g->requests()), 0, 'not allowed, no call');

$g->script('/i', image($gif));
is(chat('/denied', part("$base/i"))->{status}, 200,
    'allowed though all others are denied');

clear();
refused('/https', "$base/a", 'invalid_image_url', 'http', qr/https:/);
refused('/ports', "$base/a", 'invalid_image_url', 'port', qr/port/);
is(scalar(my @none = $g->requests()), 0, 'http and port, no call');

# limits

for (
    [ 'length told', [[body => $gif . 'x' x 900]] ],
    [ 'length not told', [[chunk => $gif . 'x' x 500], [drain =>],
        [chunk => 'x' x 500], [wait_close =>]] ],
) {
    my ($name, $script) = @$_;

    clear();
    $g->script('/i', $script);
    refused('/small', "$base/i", 'image_too_large', "too large, $name",
        qr/1000 bytes/);
}

clear();
$g->script('/i', image($gif . 'x' x 700));
is(chat('/small', part("$base/i"))->{status}, 200, 'just small enough');

clear();
$g->script("/$_", image($gif . 'x' x 700)) for 1, 2;
refused('/small', "$base/1", 'image_too_large', 'too large together',
    qr/together/, part("$base/2"));

clear();
$g->script('/1', image($gif . 'x' x 700));
refused('/small', "$base/1", 'image_too_large', 'too large twice',
    qr/together/, part("$base/1"));

clear();
refused('/small', "$base/1", 'too_many_images', 'too many', undef,
    map { part("$base/$_") } 2 .. 4);
is(scalar(@none = $dns->questions()), 0, 'too many, nothing resolved');

# what is no image, whatever it is called

for (
    [ 'html', '<!DOCTYPE html><html></html>' ], [ 'empty', '' ],
    [ 'short', "\x89PNG\r\n\x1a\n" ], [ 'svg', '<svg xmlns="x">    </svg>' ],
    [ 'json', '{"secret":"of the inside"}' ],
) {
    my ($name, $data) = @$_;

    clear();
    $g->script('/i', image($data, 'image/png'));
    refused('/v1', "$base/i", 'unsupported_image', $name);
}

# servers that fail

for (
    [ 'status 404', [[status => 404, 'Not Found'], [body => $gif]], qr/404/ ],
    [ 'status 206', [[status => 206, 'Partial'], [body => $gif]], qr/206/ ],
    [ 'status 500', [[status => 500, 'Oops'], [chunk => 'x' x 100_000],
        [wait_close =>]], qr/500/ ],
    [ '302 to nowhere', [[status => 302, 'Found'], [body => '']], qr/302/ ],
    [ 'cut', [[header => 'Content-Length', 999], [data => $gif],
        [drain =>], [close =>]], qr/broke off/ ],
    [ 'cut chunks', [[chunk => $gif], [drain =>], [close =>]],
        qr/broke off/ ],
    [ 'closed', [[close =>]], qr/reached/ ],
    [ 'reset', [[reset =>]], qr/reached/ ],
    [ 'no HTTP', [[raw => "SSH-2.0-x\r\n"], [close =>]], qr/reached|form/ ],
    [ 'compressed', [[header => 'Content-Encoding', 'gzip'], [body => $gif]],
        qr/form/ ],
    [ 'accel', [[header => 'X-Accel-Redirect', '/argo/x'],
        [body => 'x' x 20]], qr/PNG/ ],
    [ 'silent', [[wait_close =>]], qr/in time/ ],
    [ 'silent in the middle', [[chunk => $gif], [wait_close =>]],
        qr/broke off/ ],
) {
    my ($name, $script, $text) = @$_;

    clear();
    $g->script('/i', $script);
    refused($name =~ /silent/ ? '/impatient' : '/v1', "$base/i",
        $name eq 'accel' ? 'unsupported_image'
        : 'image_fetch_failed', $name, $text);
}

clear();
refused('/v1', 'http://img.test:' . port(8084) . '/', 'image_fetch_failed',
    'nobody there', qr/reached/);

# one that fails ends the others

clear();
$g->script('/slow', [[chunk => $gif], [wait_close =>]]);
$g->script('/bad', [[wait_for => 'bad'], [status => 404, 'Not Found'],
    [body => '']]);
$c = client();
$c->post_only('/v1', body(part("$base/slow") . ',' . part("$base/bad")));
$g->wait_event('request', 2);
$g->signal('bad');
$r = $c->response();
is($r->error(), '400 invalid_request_error '
    . 'messages[0].content[2].image_url image_fetch_failed', 'one of two');
ok($g->wait_event('closed'), 'one of two, the other ended');
$g->script('/on', image($gif));
is($c->post('/v1', body(part("$base/on")))->{status}, 200,
    'the connection serves on');

# all of it in time

clear();
$g->script('/i', [[chunk => $gif], map { ([chunk => 'x'], [wait_for => 'no'])
    } 1 .. 3]);
refused('/quick', "$base/i", 'image_fetch_failed', 'trickle', qr/time/);
ok($g->wait_event('closed'), 'trickle, ended');

clear();
refused('/quick', 'http://silent.test/', 'image_fetch_failed',
    'silent name server', qr/time/);

# clients that go away

for (
    [ 'while resolving', 'http://silent.test/x', 0 ],
    [ 'before the header', "$base/wait", 1 ],
    [ 'in the body', "$base/body", 1 ],
) {
    my ($name, $url, $called) = @$_;

    clear();
    $g->script('/wait', [[wait_close =>]]);
    $g->script('/body', [[chunk => $gif], [wait_close =>]]);

    $c = client();
    $c->post_only('/v1', body(part($url)));
    ok($called ? $g->wait_event('request')
        : $t->waitfor(sub { scalar(my @any = $dns->questions()) }),
        "$name, begun");
    $c->reset();
    ok($g->wait_event('closed'), "$name, ended") if $called;
    like(logged(), qr/^499 /, "$name, logged");
}

# in the middle of several

for my $how (qw/ close reset /) {
    clear();
    $g->script("/several$_", [[chunk => $gif], [wait_close =>]]) for 1 .. 6;

    $c = client();
    $c->post_only('/v1', body(join ',', map { part("$base/several$_") }
        1 .. 6));
    ok($g->wait_event('request', 4), "several, $how, begun");
    $c->$how();
    ok($g->wait_event('closed', 4), "several, $how, all of them ended");
    like(logged(), qr/^499 /, "several, $how, logged");
    is(scalar(my @several = $g->requests()), 4, "several, $how, no more");
}

# what is not configured as it must be is not the client's fault

clear();
$other->script(undef, image($gif));
$g->script('/i', image($gif));
is(error('/elsewhere', "$base/i"), '500 server_error null configuration',
    'another server');
is(error('/file', "$base/i"), '500 server_error null configuration',
    'no proxy_pass');
like($t->read_file('error.log'), qr/proxy_pass \$argo_image_scheme/,
    'proxy_pass, told how');

clear();
$g->script('/i', [[header => 'X-Accel-Redirect', '/argo/x'],
    [header => 'X-Accel-Redirect', '/file/x'], [body => $gif]]);
is(chat('/accel', part("$base/i"))->{status}, 200,
    'redirects within the gateway');
is($argo->request()->{method}, 'POST',
    'redirects within the gateway, not obeyed');

is(client()->get('/variables')->header('x-address'), 'a',
    'no variables elsewhere');

# nothing has gone where it must not, nothing is left, no secrets are logged

$r = $c = undef;

ok(!$trap->accept(), 'nobody has come to the forbidden address');
ok($t->waitfor(sub {
    return client()->get('/status')->{body} =~ /^Active connections: 1 \n/;
}), 'no connection left');
unlike($t->read_file('error.log'), qr/secret/, 'no query in the log');
like($t->read_file('error.log'), qr/\[info\].*image "http:\/\/private\.test:/,
    'but the URL');

# configuration

for (
    [ 'no resolver', '', 'argo_image_fetch /image/;',
        qr/"argo_image_fetch \/image\/" needs "resolver address;"/ ],
    [ 'prefix', 'resolver 127.0.0.1;', 'argo_image_fetch image;',
        qr/invalid prefix "image"/ ],
    [ 'port', 'resolver 127.0.0.1;', 'argo_image_ports 80 x;',
        qr/invalid port "x"/ ],
    [ 'network', 'resolver 127.0.0.1;', 'argo_image_allow 10.0.0.0/33;',
        qr/invalid network "10.0.0.0\/33"/ ],
    [ 'limit', 'resolver 127.0.0.1;', 'argo_image_limits sise=1;',
        qr/invalid parameter "sise=1"/ ],
    [ 'limit of nothing', 'resolver 127.0.0.1;', 'argo_image_limits count=0;',
        qr/invalid parameter "count=0"/ ],
    [ 'off without a resolver', '', 'argo_image_fetch off;', undef ],
) {
    my ($name, $http, $location, $message) = @$_;
    my $conf = Argo::Test->new();

    $conf->write_file_expand('nginx.conf', <<EOC);
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%
    $http

    server {
        listen 127.0.0.1:8080;

        location / {
            argo_endpoint chat_completions;
            argo_user jdoe;
            argo_upstream /argo/;
            argo_upstream_api legacy;
            $location
        }
    }
}
EOC

    my ($code, $output) = $conf->test_config();

    if ($message) {
        like($output, $message, "configuration, $name");
        like($output, qr/nginx\.conf:\d+/, "configuration, $name, line");
        isnt($code, 0, "configuration, $name, fails");
    } else {
        is($code, 0, "configuration, $name");
    }

    $conf->cleanup();
}

$t->done_testing();

###############################################################################

sub client {
    return Argo::Client->new(port(8080));
}


sub part {
    my ($url, $more) = @_;

    $more = $more ? ",$more" : '';

    return "{\"type\":\"image_url\",\"image_url\":{\"url\":\"$url\"$more}}";
}


# The same when it has been fetched.

sub up {
    my ($type, $data, $more) = @_;

    $more = '' unless defined $more;

    return '{"type":"image_url","image_url":{"url":"data:image/' . $type
        . ';base64,' . encode_base64($data, '') . "\"$more}}";
}


sub body {
    my ($parts, $stream) = @_;

    $stream = $stream ? '"stream":true,' : '';

    return "{${stream}\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\","
        . "\"content\":[{\"type\":\"text\",\"text\":\"What?\"},$parts]}]}";
}


sub post {
    my ($uri, $body) = @_;

    return client()->post($uri, $body);
}


sub chat {
    my ($uri, $parts, $stream) = @_;

    return post($uri, body($parts, $stream));
}


sub error {
    my ($uri, $url) = @_;

    return chat($uri, part($url))->error();
}


sub image {
    my ($data, $type) = @_;

    return [[header => 'Content-Type', $type || 'image/x-whatever'],
        [body => $data]];
}


sub redirect {
    my ($location) = @_;

    return [[status => 302, 'Found'], [header => 'Location', $location],
        [body => '']];
}


# An image is refused, ARGO is not called, and no address is told.

sub refused {
    my ($uri, $url, $code, $name, $text, @more) = @_;

    my $r = chat($uri, join ',', part($url), @more);

    my $place = qr/messages\[0\]\.content\[[1-5]\]\.image_url/;

    like($r->error(), qr/^400 invalid_request_error $place (?:$code)$/, $name);
    like($r->message(), $text, "$name, message") if $text;
    unlike($r->message(), qr/127\.0\.0|10\.|169\.254|::/,
        "$name, no address told");
    is(scalar(my @none = $argo->requests()), 0, "$name, ARGO not called");
}


sub asked {
    my @asked = ($g->requests(), $argo->requests(), $dns->questions());

    return scalar @asked;
}


sub clear {
    $_->clear() for $g, $other, $argo, $dns;

    # a worker logs a request when its reply has been sent, and before it
    # serves another: what is logged from now on is of the next request
    client()->get('/status');
    our $lines = () = $t->read_file('test.log') =~ /\n/g;
}


# The last line of the log.

sub logged {
    our $lines;

    $lines = 0 unless defined $lines;

    return $t->waitfor(sub {
        my @lines = split /\n/, $t->read_file('test.log');
        return @lines > $lines ? $lines[-1] : undef;
    }) || 'nothing logged';
}

###############################################################################
