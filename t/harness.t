#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for the harness itself: the scripted gateway and the client, with
# nothing but nginx's proxy_pass between them.

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

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location / {
            proxy_pass          http://127.0.0.1:8081/base/;
            proxy_http_version  1.1;
            proxy_buffering     off;
            proxy_set_header    Connection "";
        }

        location /refused {
            proxy_pass  http://127.0.0.1:8082;
        }

        location /ok {
            return 200 "fine\n";
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

$t->run();

###############################################################################

like(http_get('/ok'), qr/200 OK.*\n\nfine|200 OK.*\r\n\r\nfine/s, 'raw get');

my $c = Argo::Client->new(port(8080));
my $r = $c->get('/refused');

is($r->{status}, 502, 'held port refuses');
is($r->{complete}, 1, 'length reached');

$r = $c->get('/ok');
is($r->{body}, "fine\n", 'keepalive');

# pipelining

$c->write(Argo::Client::format_request('GET', '/ok') x 3);
is(join('', map { $c->response()->{body} } 1 .. 3), "fine\n" x 3,
    'pipelined');

# gateway: recorded requests, scripts in order

$g->script('/base/a', [[body => 'first']], [[status => 404, 'No'],
    [header => 'X-Foo', 'bar'], [body => 'second']]);

$r = $c->post('/a?x=y', '{"a":"\u00e9"}', headers => ['X-Mine', 'yes']);
is($r->{status}, 500, 'no script');
is($g->request()->{uri}, '/base/a?x=y', 'recorded uri');
is($g->request()->{method}, 'POST', 'recorded method');
is($g->request()->{body}, '{"a":"\u00e9"}', 'recorded body');
is(Argo::Gateway::header($g->request(), 'x-mine'), 'yes', 'recorded header');

$g->clear();

is($c->get('/a')->{body}, 'first', 'first script');
$r = $c->get('/a');
is("$r->{status} $r->{reason} $r->{body}", '404 No second', 'second script');
is($r->header('x-foo'), 'bar', 'scripted header');
is($c->get('/a')->{body}, 'second', 'last script again');
is(scalar(my @requests = $g->requests()), 3, 'requests counted');

# a body that was sent in chunks

$g->clear();
$c->request('POST', '/a', chunks => [ 'x' x 3, 'y' ]);
$c->response();
is($g->request()->{body}, 'xxxy', 'chunked request');

# a reply paced by the client

$g->clear()->script('/base/paced', [
    (map { [wait_for => $_], [chunk => "$_,"] } 1 .. 5), [end =>]
]);

$c->request('GET', '/paced');
$g->signal(1);
$r = $c->head();

my @pieces;

for my $n (2 .. 6) {
    push @pieces, $r->next_piece();
    $g->signal($n);
}

is("@pieces", '1, 2, 3, 4, 5,', 'paced pieces');
$r->finish();
is($r->{complete}, 1, 'regular end of chunks');
is($c->get('/ok')->{body}, "fine\n", 'keepalive after chunks');

# a reply in separate reads: nginx makes a chunk of each

$g->script('/base/drain', [
    (map { [chunk => $_], [drain =>] } 1 .. 9), [end =>]
]);

$r = $c->get('/drain');
is_deeply($r->{chunks}, [ (1) x 9 ], 'separate reads');

# cut replies

$g->script('/base/cut', [[chunk => 'some'], [close =>]]);

$r = Argo::Client->new(port(8080))->get('/cut');
is($r->{body}, 'some', 'cut reply came');
ok(!$r->{complete}, 'cut reply is not complete');

$g->script('/base/short', [[header => 'Content-Length', 10],
    [data => 'short'], [reset =>]]);

$r = Argo::Client->new(port(8080))->get('/short');
ok(!$r->{complete}, 'short reply is not complete');

$g->script('/base/raw', [[raw => "HTTP/1.1 200 OK\r\n\r\ntext"], [close =>]]);

$r = Argo::Client->new(port(8080))->get('/raw');
is($r->{body}, 'text', 'raw reply');

$g->script('/base/reset', [[reset =>]]);

is(Argo::Client->new(port(8080))->get('/reset')->{status}, 502, 'reset');

# a client that goes away

$g->clear()->script('/base/wait', [[chunk => 'x'], [wait_close =>]]);

$c = Argo::Client->new(port(8080));
$c->request('GET', '/wait');
$c->head()->next_piece();
$c->reset();

ok($g->wait_event('closed'), 'client has gone');

# a client that does not read

$g->clear()->script('/base/big', [[fill => 2000000, "0123456789abcdef"],
    [end =>]]);

$c = Argo::Client->new(port(8080), rcvbuf => 4096);
$c->request('GET', '/big');

my $blocked = $g->wait_event('blocked');
cmp_ok($blocked->{sent}, '<', 32000000, 'upstream throttled');

my $n = 0;
$r = $c->head();

while (defined(my $piece = $r->next_piece())) {
    $n += length $piece;
}

is($n, 32000000, 'all of it after all');
is($r->{complete}, 1, 'regular end of it');

# events

my @events = Argo::Client::events(": hi\n\ndata: {\"a\":1}\n\ndata: [DONE]\n\n"
    . "data:x\n\ndata: {\n\ntail");

is(scalar @events, 6, 'events');
is($events[0]{comment}, 'hi', 'event comment');
is($events[1]{json}{a}, 1, 'event data');
is($events[2]{data}, '[DONE]', 'event done');
is(scalar(grep { defined $_->{broken} } @events), 3, 'broken events');

like($t->read_file('error.log'), qr/start worker process/, 'error log');
ok(!$t->alerts(), 'no alerts so far');

$t->done_testing();

###############################################################################
