#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for ARGO's own list of models: when it is fetched, by whom, what
# becomes of it, and what stays when it can't be had.

use warnings;
use strict;

use IO::Select;
use JSON::PP ();
use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Gateway;

my $t = Argo::Test->new();

# one way to ARGO for each part of the test, so that each has its own list

my @ways = qw/ main one two three four five six seven /;

my $endpoints = join "\n", map { <<"EOC" } @ways;
        location /$_/v1/ {
            argo_endpoint  auto;
            argo_upstream  /to-$_/;
            argo_upstream_api legacy;
        }

        location /to-$_/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/$_/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
        }
EOC

$t->write_file_expand('nginx.conf', <<"EOC");
%%TEST_GLOBALS%%

daemon off;

worker_processes  2;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_zone  argo 1m;
    argo_user  jdoe;

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

$endpoints

        location /never/v1/ {
            argo_endpoint        auto;
            argo_upstream        /to-main/;
            argo_upstream_api legacy;
            argo_models_refresh  0;
        }

        location /alias/v1/ {
            argo_endpoint  auto;
            argo_upstream  /to-main/;
            argo_upstream_api legacy;
            argo_model     fast nova9;
            argo_model     lab labmodel;
        }

        location /stale/v1/ {
            argo_endpoint        auto;
            argo_upstream        /to-main/;
            argo_upstream_api legacy;
            argo_models_refresh  1s;
        }

        location /dead/v1/ {
            argo_endpoint  auto;
            argo_upstream  /to-dead/;
            argo_upstream_api legacy;
        }

        location /to-dead/ {
            internal;
            proxy_pass  http://127.0.0.1:8089/;
        }
    }

    # the same prefix, and another way

    server {
        listen       127.0.0.1:8082;
        server_name  localhost;

        location /v1/ {
            argo_endpoint  auto;
            argo_upstream  /to-main/;
            argo_upstream_api legacy;
        }

        location /to-main/ {
            internal;
            proxy_pass          http://127.0.0.1:8081/other/;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
        }
    }
}
EOC

my $g = Argo::Gateway->new($t, 8081);

my $first = [ row('GPT-4o', 'gpt4o', 'openai'), row('Nova 9', 'nova9', 'ufo'),
    row('Claude Opus 4.6', 'claudeopus46', 'anthropic') ];

list_is('main', $first);
$g->script("/$_/api/v1/resource/chat/", [
    [header => 'Content-Type', 'application/json'],
    [body => '{"response":"Hello"}'],
]) for @ways;

$t->run();

###############################################################################

# without a reason ARGO is not asked

my $c = client();
my $r = $c->get('/never/v1/models');

is($r->{status}, 200, 'built-in list');
is($r->header('x-argo-models-source'), 'builtin', 'built-in list, source');
is($r->header('x-argo-models-age'), undef, 'built-in list, no age');
ok(ids($r)->{'argo:gpt-5'}, 'built-in list, ids');
is(chat('/never', 'gpt-5'), 200, 'chat by the built-in list');
is(asked('main'), 0, 'nothing was asked');

my $since = ids($r)->{'argo:gpt-4o'}{created};

# the first list is waited for

$r = client()->get('/main/v1/models');

is($r->{status}, 200, 'first list');
is($r->header('x-argo-models-source'), 'live', 'first list, source');
like($r->header('x-argo-models-age'), qr/^\d+$/, 'first list, age');

my $live = $r->{body};
my $ids = ids($r);

is(join(' ', sort keys %$ids), 'argo:claude-4.6-opus argo:claude-opus-4.6 '
    . 'argo:gpt-4o argo:nova-9 argo:text-embedding-3-large '
    . 'argo:text-embedding-3-small argo:text-embedding-ada-002',
    'first list, ids');
is($ids->{'argo:nova-9'}{owned_by}, 'ufo', 'owner as ARGO has it');
is($ids->{'argo:nova-9'}{argo_internal_id}, 'nova9', 'internal id');
is($ids->{'argo:gpt-4o'}{context_window}, 128000, 'limits are known');
is($ids->{'argo:gpt-4o'}{created}, $since, 'time of a built-in model');
cmp_ok($ids->{'argo:nova-9'}{created}, '>=', $since, 'time of a new model');
cmp_ok($ids->{'argo:nova-9'}{created}, '<=', time(), 'no time to come');

my ($request) = lists('main');

is($request->{method}, 'GET', 'ARGO was asked with GET');
is($request->{body}, '', 'without a body');
is(Argo::Gateway::header($request, 'Accept'), 'application/json', 'accept');
is(Argo::Gateway::header($request, 'Accept-Encoding'), 'identity',
    'not compressed');
is(Argo::Gateway::header($request, 'Content-Type'), '', 'no type');
like(Argo::Gateway::header($request, 'User-Agent'),
    qr/^ngx_http_argo_module/, 'by its name');
is(asked('main'), 1, 'once');

# it serves all workers, all locations, and chats

is(join('|', seen('/main/v1/models')), $live, 'the same in all workers');
is(join('|', seen('/never/v1/models')), $live, 'also where none is fetched');
is(asked('main'), 1, 'ARGO was not asked again');

$g->clear();
is(chat('/main', 'nova-9'), 200, 'chat with a new model');
is($g->request_json()->{model}, 'nova9', 'its internal id went up');
is(chat('/main', 'argo:claude-4-6-opus'), 200, 'chat with a known one');
is(client()->post('/main/v1/chat/completions', body('gpt-5'))->error(),
    '404 invalid_request_error model model_not_found',
    'chat with one that ARGO does not have');
is(client()->get('/main/v1/models/nova-9')->json()->{id}, 'nova-9',
    'single model');
is(client()->get('/main/v1/models/gpt-5')->error(),
    '404 invalid_request_error model model_not_found', 'unknown model');

# aliases

$ids = ids(client()->get('/alias/v1/models'));
is($ids->{fast}{argo_internal_id}, 'nova9', 'alias of a new model');
is($ids->{lab}{argo_internal_id}, 'labmodel', 'alias of an unlisted one');
ok($ids->{'argo:gpt-4o'}, 'others beside aliases');
is(chat('/alias', 'fast'), 200, 'chat by an alias');
is(client()->get('/main/v1/models/fast')->{status}, 404, 'alias elsewhere');

# another server leads elsewhere, whatever its prefix

list_is('other', [ row('Other 1', 'other1') ]);

$r = Argo::Client->new(port(8082))->get('/v1/models');
ok(ids($r)->{'argo:other-1'}, 'list of another server');
ok(!ids($r)->{'argo:nova-9'}, 'and not of this one');
is(join('|', seen('/main/v1/models')), $live, 'which has its own');

###############################################################################

# a client goes away while it waits

list_is('three', [ row('Three', 'three') ], [wait_for => 'never']);

$g->clear();
$c = client();
$c->request('GET', '/three/v1/models');
ok($g->wait_event('request'), 'waiting');
$c->close();
ok($g->wait_event('closed'), 'ARGO is told that the client went away');

$r = client()->get('/three/v1/models');
is($r->header('x-argo-models-source'), 'builtin', 'the next does not wait');

# that was a failure like others: what comes of it is seen below
list_is('three', [ row('Three', 'three') ]);

# what Anthropic's clients ask for

$r = client()->get('/main/v1/models?limit=1000');
is(join(' ', map { $_->{id} } @{$r->json()->{data}}), 'gpt-4o nova-9 '
    . 'claude-opus-4-6 text-embedding-ada-002 text-embedding-3-small '
    . 'text-embedding-3-large', 'ids without a prefix');
is($r->json()->{has_more}, 0, 'nothing more');

is(client()->get('/main/v1/models', headers => [ 'Anthropic-Version',
    '2023-06-01' ])->{body}, $r->{body}, 'by the header');

$r = client()->get('/main/v1/models?limit=2')->json();
is(join(' ', map({ $_->{id} } @{$r->{data}}), $r->{has_more}, $r->{first_id},
    $r->{last_id}), 'gpt-4o nova-9 1 gpt-4o nova-9', 'first page');

$r = client()->get('/main/v1/models?after_id=nova%2D9&limit=2')->json();
is(join(' ', map({ $_->{id} } @{$r->{data}}), $r->{has_more}),
    'claude-opus-4-6 text-embedding-ada-002 1', 'second page');

$r = client()->get('/main/v1/models?before_id=claude-opus-4-6&limit=1')
    ->json();
is(join(' ', map({ $_->{id} } @{$r->{data}}), $r->{has_more}), 'nova-9 1',
    'page before');

is(client()->get('/main/v1/models?limit=5000')->{status}, 200, 'large limit');

for my $limit ('0', '-1', 'x', '1.5', '99999999999999999999') {
    is(client()->get("/main/v1/models?limit=$limit")->error(),
        '400 invalid_request_error limit invalid_value', "limit $limit");
}

is(client()->get('/main/v1/models?after_id=nothing')->error(),
    '400 invalid_request_error after_id invalid_value', 'unknown after_id');
is(client()->get('/main/v1/models?before_id=nothing')->error(),
    '400 invalid_request_error before_id invalid_value',
    'unknown before_id');

###############################################################################

# refreshed by hand: the older format, with rows that are wrong

$g->script('/main/api/v1/models/', [
    [header => 'Content-Type', 'application/json'],
    [body => json({ data => [
        { id => 'gpt4o', model_name => 'GPT-4o' }, 7, {}, { id => 5 },
        { id => 'nova9', model_name => "Nova\n9" },
        { id => 'nova10', model_name => 'Nova 10' },
        { id => 'gpt4o', model_name => 'Twice' },
        { id => 'claudeopus46', model_name => 'Claude Opus 4.6' } ] })],
]);

$r = client()->post('/main/v1/refresh', '');

is($r->{status}, 200, 'refresh');
is(json($r->json()), json({ status => 'ok',
    message => 'Model list refreshed successfully',
    previous => { unique_models => 6, total_aliases => 7 },
    current => { unique_models => 6, total_aliases => 7, chat_models => 3,
        embed_models => 3 } }), 'refresh, answer');

$r = client()->get('/main/v1/models');
$ids = ids($r);

ok($ids->{'argo:nova-10'}, 'new model');
ok(!$ids->{'argo:nova-9'}, 'bad row left out');
is($ids->{'argo:gpt-4o'}{display_name}, 'GPT-4o', 'first of two rows');
is($ids->{'argo:gpt-4o'}{created}, $since, 'time stays');
is(left_out(), 1, 'rows left out are logged once');
like($t->read_file('error.log'),
    qr/rows of ARGO's list .* 4 invalid, 1 duplicate, 0 too many/,
    'rows left out are counted');

# a model that comes back has the time it had

my $nova = ids($live)->{'argo:nova-9'}{created};

$t->waitfor(sub { time() > $nova });
list_is('main', $first);
is(client()->post('/main/v1/refresh', '{}')->{status}, 200, 'refresh again');
$r = client()->get('/main/v1/models');
is($r->{body}, $live, 'the list of before, times and all');
is(client()->get('/main/v1/refresh')->error(),
    '405 invalid_request_error null method_not_allowed', 'GET refresh');

###############################################################################

# what can't be had leaves what was there

for (
    [ 'status 500', 500, 'null', [ [status => 500],
        [header => 'Content-Type', 'application/json'],
        [body => '{"detail":"oops"}'] ] ],
    [ 'status 503', 503, 'null', [ [status => 503],
        [header => 'Content-Type', 'text/html'],
        [body => '<html></html>'] ] ],
    [ 'status 404', 502, 'null', [ [status => 404],
        [header => 'Content-Type', 'application/json'],
        [body => '{"detail":"Not Found"}'] ] ],
    [ 'status 401', 502, 'null', [ [status => 401], [body => ''] ] ],
    [ 'a redirect', 502, 'upstream_invalid_reply', [ [status => 307],
        [header => 'Location', 'http://127.0.0.1/'], [body => ''] ] ],
    [ 'HTML', 502, 'upstream_invalid_reply', [
        [header => 'Content-Type', 'text/html'], [body => '<html>'] ] ],
    [ 'no JSON', 502, 'upstream_invalid_reply', [
        [header => 'Content-Type', 'application/json'], [body => '{"dat'] ] ],
    [ 'no list', 502, 'upstream_invalid_reply', [
        [header => 'Content-Type', 'application/json'],
        [body => '{"object":"list"}'] ] ],
    [ 'an empty list', 502, 'upstream_invalid_reply', [
        [header => 'Content-Type', 'application/json'],
        [body => '{"data":[]}'] ] ],
    [ 'bad rows alone', 502, 'upstream_invalid_reply', [
        [header => 'Content-Type', 'application/json'],
        [body => '{"data":[{"id":1}]}'] ] ],
    [ 'too much', 502, 'upstream_invalid_reply', [
        [header => 'Content-Type', 'application/json'],
        [body => '{"data":[' . ' ' x 1_100_000 . ']}'] ] ],
    [ 'compressed', 502, 'upstream_invalid_reply', [
        [header => 'Content-Type', 'application/json'],
        [header => 'Content-Encoding', 'gzip'], [body => 'x'] ] ],
    [ 'a cut', 502, 'upstream_incomplete', [
        [header => 'Content-Type', 'application/json'],
        [header => 'Content-Length', 1000],
        [data => '{"data":[{"id":"gpt4o"}]}'], [close =>] ] ],
    [ 'nothing', 502, 'upstream_unreachable', [ [close =>] ] ],
    [ 'a reset', 502, 'upstream_unreachable', [ [reset =>] ] ],
) {
    my ($name, $status, $code, $script) = @$_;

    $g->script('/main/api/v1/models/', $script);

    $r = client()->post('/main/v1/refresh', '');

    is($r->error(), "$status server_error null $code", "$name, error");
    is($r->json()->{status}, 'error', "$name, status");
    like($r->json()->{message}, qr/^Refresh failed: ./, "$name, message");
    is(join(' ', sort keys %{$r->json()}), 'error message status',
        "$name, members");
    is(client()->get('/never/v1/models')->{body}, $live, "$name, list stays");
}

is(client()->post('/dead/v1/refresh', '')->error(),
    '502 server_error null upstream_unreachable', 'nobody is there');

my $age = client()->get('/never/v1/models')->header('x-argo-models-age');

ok($t->waitfor(sub {
    client()->get('/never/v1/models')->header('x-argo-models-age') > $age
}), 'its age grows');

###############################################################################

# old: served nevertheless, and fetched by one alone

# at an age of 1 s, and past the pause after the failures

list_is('main', $first);
is(client()->post('/main/v1/refresh', '')->{status}, 200, 'works again');
ok($t->waitfor(sub {
    client()->get('/never/v1/models')->header('x-argo-models-age') >= 1
}), 'old list');

$g->clear();
list_is('main', [ row('Nova 11', 'nova11') ], [wait_for => 'stale']);

my @clients = map { client() } 1 .. 20;

$_->request('GET', '/stale/v1/models') for @clients;
my @replies = map { $_->response() } @clients;

is(scalar(grep { $_->{body} eq $live } @replies), 20,
    'all got the list at hand');
is(scalar(grep { ($_->header('connection') || '') eq 'close' } @replies), 1,
    'one was told that its connection ends');
is(chat('/stale', 'nova-9'), 200, 'chat meanwhile');
ok($t->waitfor(sub { asked('main') }), 'fetched meanwhile');
is(asked('main'), 1, 'by one request alone');

$g->signal('stale');

ok($t->waitfor(sub {
    ids(client()->get('/never/v1/models'))->{'argo:nova-11'}
}), 'new list');
is(join('|', map { scalar keys %{ids($_)} } seen('/never/v1/models')), 4,
    'new list in all workers');

# a chat fetches it, too, beside its own call

$t->waitfor(sub {
    client()->get('/never/v1/models')->header('x-argo-models-age') >= 1
});
$g->clear();
list_is('main', $first);

is(chat('/stale', 'nova-11'), 200, 'chat by the old list');
ok($t->waitfor(sub {
    client()->get('/never/v1/models')->{body} eq $live
}), 'and the next one is there');
is(asked('main'), 1, 'fetched once');

# what fails in the background is not tried again at once

$t->waitfor(sub {
    client()->get('/never/v1/models')->header('x-argo-models-age') >= 1
});
$g->clear();
$g->script('/main/api/v1/models/', [ [status => 500], [body => ''] ]);

is(client()->get('/stale/v1/models')->{body}, $live, 'old list again');
ok($t->waitfor(sub {
    $t->read_file('error.log')
        =~ /ARGO's list of models could not be fetched: .* answered 500/
}), 'failure logged');
is(client()->get('/stale/v1/models')->{body}, $live, 'list stays')
    for 1 .. 5;
is(chat('/stale', 'nova-9'), 200, 'chats as well');
is(asked('main'), 1, 'no more tries for now');
cmp_ok(client()->get('/stale/v1/models')->header('x-argo-models-age'), '>=',
    1, 'age tells');

###############################################################################

# the very first one: 20 at once, in a new list

$g->clear();
list_is('one', [ row('One', 'one') ], [wait_for => 'one']);

@clients = map { client() } 1 .. 20;

$_->request('GET', '/one/v1/models') for @clients;

# those that have to wait can't be told from those that were not served yet
# but by the others' being served

my @waiting = @clients;
my @served;

while (@waiting > 1) {
    my $select = IO::Select->new(map { $_->{socket} } @waiting);
    my %ready = map { $_ => 1 } $select->can_read(10 * $t->patience());
    last unless %ready;
    push @served, map { $_->response() }
        grep { $ready{$_->{socket}} } @waiting;
    @waiting = grep { !$ready{$_->{socket}} } @waiting;
}

is(scalar @served, 19, 'all but one are served');
is(scalar(grep { $_->header('x-argo-models-source') eq 'builtin' } @served),
    19, 'by the built-in list');
is(chat('/one', 'gpt-5'), 200, 'a chat does not wait');

$g->signal('one');

$r = $waiting[0]->response();
is($r->header('x-argo-models-source'), 'live', 'the one has the new list');
ok(ids($r)->{'argo:one'}, 'its models');
is(asked('one'), 1, 'which was fetched once');
is($waiting[0]->get('/one/v1/models')->{status}, 200, 'connection kept');

# it can't be had

$g->script('/two/api/v1/models/', [ [close =>] ]);

$r = client()->get('/two/v1/models');
is($r->{status}, 200, 'first list can not be had');
is($r->header('x-argo-models-source'), 'builtin', 'built-in one served');
ok(ids($r)->{'argo:gpt-5'}, 'its models');
is(client()->get('/two/v1/models')->{status}, 200, 'served again');
is(chat('/two', 'gpt-5'), 200, 'chat');
is(asked('two'), 1, 'but not asked again');

# a chat is the first one; its connection is to be closed, for the next
# request on it would have to wait

list_is('four', [ row('Four', 'four') ], [wait_for => 'four']);

$g->clear();
$c = client();
$r = $c->post('/four/v1/chat/completions', body('gpt-5'));
is($r->{status}, 200, 'chat is served by the built-in list');
is($r->header('connection'), 'close', 'its connection will be closed');
is(client()->get('/four/v1/models')->header('x-argo-models-source'),
    'builtin', 'another one is at it');
$g->signal('four');
ok($t->waitfor(sub {
    ids(client()->get('/four/v1/models'))->{'argo:four'}
}), 'the list comes');
ok($c->closed(), 'the connection is closed');
is(asked('four'), 1, 'fetched once');

# the list is quicker than the chat: nothing is to be seen of it

list_is('five', [ row('Five', 'five') ]);
$g->script('/five/api/v1/resource/chat/', [
    [wait_for => 'five'],
    [header => 'Content-Type', 'application/json'],
    [body => '{"response":"Hello"}'],
]);

$g->clear();
$c = client();
$c->post_only('/five/v1/chat/completions', body('gpt-5'));
ok($g->wait_event('request', 2), 'both are asked for');
ok($t->waitfor(sub {
    ids(client()->get('/five/v1/models'))->{'argo:five'}
}), 'list beside a chat');
$g->signal('five');
is($c->response()->{status}, 200, 'the chat');
is($c->get('/five/v1/models')->{status}, 200, 'its connection is kept');

# after a failure there is another try, though not at once

ok($t->waitfor(sub {
    ids(client()->get('/three/v1/models'))->{'argo:three'}
}, 30), 'list that a client did not wait for');

# which nobody waits for any more

$g->clear();
list_is('two', [ row('Two', 'two') ], [wait_for => 'two']);

ok($t->waitfor(sub {
    $r = client()->get('/two/v1/models');
    return $r->{status} != 200 || asked('two');
}, 30), 'another try');
is($r->header('x-argo-models-source'), 'builtin', 'is not waited for');

$g->signal('two');
ok($t->waitfor(sub {
    ids(client()->get('/two/v1/models'))->{'argo:two'}
}), 'and has a list');

###############################################################################

# a table is used for as long as a request uses it

list_is('six', [ row('Six', 'six') ]);
is(client()->get('/six/v1/models')->{status}, 200, 'list');

$g->script('/six/api/v1/resource/chat/', [
    [wait_for => 'six'],
    [header => 'Content-Type', 'application/json'],
    [body => '{"response":"Hello"}'],
]);

$g->clear();
@clients = map { client() } 1 .. 8;
$_->post_only('/six/v1/chat/completions', body('six')) for @clients;
ok($g->wait_event('request', 8), 'chats under way');

for my $n (1 .. 5) {
    list_is('six', [ row("Six $n", "six$n") ]);
    is(client()->post('/six/v1/refresh', '')->{status}, 200, "refresh $n");
    is(scalar(my @seen = seen('/six/v1/models')), 1, "list $n in all workers");
}

$g->signal('six');
is(join(' ', map { $_->response()->json()->{model} } @clients),
    join(' ', ('six') x 8), 'the chats end with their model');
is(client()->post('/six/v1/chat/completions', body('six'))->{status}, 404,
    'which is no more');

###############################################################################

# a reload keeps it all, and what is under way goes on

list_is('seven', [ row('Seven', 'seven') ], [wait_for => 'seven']);

$g->clear();
$c = client();
$c->request('GET', '/seven/v1/models');
ok($g->wait_event('request'), 'fetching');

ok($t->reload(), 'reload');
is(client()->get('/main/v1/models')->{body}, $live, 'list after a reload');
is(join('|', seen('/main/v1/models')), $live, 'in all workers');
is(client()->get('/seven/v1/models')->header('x-argo-models-source'),
    'builtin', 'it is known that an old worker is at it');
is(asked('main') + asked('seven'), 1, 'nothing was fetched anew');

$g->signal('seven');
ok(ids($c->response())->{'argo:seven'}, 'the old worker has it');
ok(ids(client()->get('/seven/v1/models'))->{'argo:seven'},
    'and so have the new ones');

$t->done_testing();

###############################################################################

sub client {
    return Argo::Client->new(port(8080));
}


sub row {
    my ($name, $id, $owner) = @_;

    return { id => $name, internal_id => $id, object => 'model',
        created => time(), $owner ? (owned_by => $owner) : () };
}


# What ARGO's list is from now on, behind one of the ways.

sub list_is {
    my ($way, $rows, @steps) = @_;

    $g->script("/$way/api/v1/models/", [
        @steps,
        [header => 'Content-Type', 'application/json'],
        [body => json({ object => 'list', data => $rows })],
    ]);
}


# How often the list was asked for, and these requests.

sub lists {
    my ($way) = @_;

    return grep { $_->{uri} eq "/$way/api/v1/models/" } $g->requests();
}


sub asked {
    return scalar(my @requests = lists(@_));
}


sub body {
    my ($model) = @_;

    return json({ model => $model,
        messages => [ { role => 'user', content => 'Hi' } ] });
}


sub chat {
    my ($prefix, $model) = @_;

    return client()->post("$prefix/v1/chat/completions", body($model))
        ->{status};
}


# The models of a list, by their ids.

sub ids {
    my ($reply) = @_;

    my $list = ref $reply ? $reply->json() : JSON::PP::decode_json($reply);

    return { map { $_->{id} => $_ } @{$list->{data}} };
}


# The different bodies that many connections, and so all workers, get.

sub seen {
    my ($uri) = @_;

    my @all = map { client() } 1 .. 20;
    my %seen;

    $_->request('GET', $uri, close => 1) for @all;
    $seen{$_->response()->{body}}++ for @all;

    return sort keys %seen;
}


sub left_out {
    return scalar(() = $t->read_file('error.log')
        =~ /rows of ARGO's list of models were left out/g);
}

###############################################################################
