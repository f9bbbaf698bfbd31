#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for rules of models: what is wrong in a file of them is told with its
# place and the remedy; which rules count where; what is told to the client and
# to the log; a reload.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use JSON::PP ();

use lib 'lib';
use Argo::Client;
use Argo::Test;
use Argo::Gateway;

my $t = Argo::Test->new();

my $conf = <<'EOC';
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_user          jdoe;
    argo_upstream      /argo/;
    HTTP

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        SERVER

        location = /chat {
            argo_endpoint  chat_completions;
            LOCATION
        }

        location = /builtin {
            argo_endpoint     chat_completions;
            argo_model_rules  builtin;
        }

        location = /none {
            argo_endpoint     chat_completions;
            argo_model_rules  none;
        }

        location = /more {
            argo_endpoint     chat_completions;
            argo_model_rules  more.conf;
        }

        location = /two {
            argo_endpoint     chat_completions;
            argo_model_rules  builtin more.conf other.conf;
        }

        location = /only {
            argo_endpoint     chat_completions;
            argo_model_rules  none other.conf;
        }

        location = /messages {
            argo_endpoint  messages;
        }

        location = /completions {
            argo_endpoint  completions;
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

$t->write_file('more.conf', <<'EOC');
# more than is built in

gpt4o                temperature  none;     # refused here
gpt4o,claudehaiku45  drop         seed
                                  logit_bias;

gpt5                 temperature  any;
EOC

$t->write_file('other.conf', "gpt4* temperature any max=0.5;\n");

###############################################################################

# what is wrong in a file, where, and what would be right; "here" is the line

my @wrong = (
    [ 'a line that is short', "gpt5 temperature; # here",
        qr/a rule has a pattern of model ids, a name and values, as "claude/ ],
    [ 'a name that there is not', "\n\ngpt5 temprature any; # here",
        qr/unknown rule "temprature": there are temperature, top_p, / ],
    [ 'a value that there is not', "gpt5 temperature any;\n"
        . "gpt5 temperature some; # here",
        qr/invalid value of the rule "temperature": it takes any, one or / ],
    [ 'a number that is none', "gpt5 max_output 64k; # here",
        qr/invalid value of the rule "max_output": it takes off or a num/ ],
    [ 'a pattern that is none', "gpt+ max_output 64; # here",
        qr/"gpt\+" is no pattern of model ids: it has letters, digits/ ],
    [ 'patterns with blanks', "gpt5, gpt4 max_output 64; # here",
        qr/"gpt5," is no pattern of model ids.*joined by commas/ ],
    [ 'a member without which nothing goes', "gpt5 drop messages; # here",
        qr/invalid value of the rule "drop": it takes off or names of / ],
    [ 'no end of the line', "gpt5 temperature any\n",
        qr/unexpected end of file, expecting ";" or "}"/ ],
    [ 'a block', "gpt5 { # here\n temperature any;\n}\n",
        qr/unexpected "\{"|a rule has a pattern/ ],
    [ 'a bracket too many', "gpt5 temperature any;\n} # here",
        qr/unexpected "}"/ ],
);

for (@wrong) {
    my ($name, $rules, $expected) = @$_;

    $t->write_file('wrong.conf', "$rules\n");

    my ($code, $said) = check(SERVER => 'argo_model_rules wrong.conf;');

    isnt($code, 0, $name);
    like($said, qr/\[emerg\].*$expected/, "$name, message");

    my $line = 0;
    my @lines = split /\n/, $rules;
    ($line) = grep { $lines[$_ - 1] =~ /here/ } 1 .. @lines;

    next unless $line;

    like($said, qr/\[emerg\].*wrong\.conf:$line\b/, "$name, place")
        or diag($said);
}

for (
    [ 'no file', 'argo_model_rules nowhere.conf;',
        qr/open\(\) ".*nowhere\.conf" failed .* in .*nginx\.conf:\d+/ ],
    [ 'nothing', 'argo_model_rules;',
        qr/invalid number of arguments in "argo_model_rules" directive/ ],
    [ 'an empty name', 'argo_model_rules "";',
        qr/invalid file "" in "argo_model_rules": it takes "builtin" or / ],
    [ '"none" that is not the first', 'argo_model_rules more.conf none;',
        qr/invalid file "none" in "argo_model_rules".*must be first/ ],
    [ '"builtin" beside "none"', 'argo_model_rules none builtin;',
        qr/invalid file "builtin" in "argo_model_rules"/ ],
    [ 'twice', "argo_model_rules none;\nargo_model_rules builtin;",
        qr/"argo_model_rules" directive is duplicate/ ],
) {
    my ($name, $directive, $expected) = @$_;

    my ($code, $said) = check(SERVER => $directive);

    isnt($code, 0, $name);
    like($said, qr/\[emerg\].*$expected/, "$name, message");
}

# the file that is shipped

my $shipped = "$FindBin::Bin/../conf/argo_rules.conf";

is((check(SERVER => "argo_model_rules none $shipped;"))[0], 0,
    'the shipped file alone');
is((check(HTTP => "argo_model_rules $shipped;",
    LOCATION => 'argo_model_rules none;'))[0], 0, 'on each level');

# which rules count

my ($code, $said) = check();
is($code, 0, 'no directive') or diag($said);

my $g = Argo::Gateway->new($t, 8081);

$g->script('/v1/chat/completions', [
    [header => 'Content-Type', 'application/json'],
    [body => '{"id":"c","object":"chat.completion","created":1,"model":"m",'
        . '"choices":[{"index":0,"message":{"role":"assistant","content":'
        . '"Salve"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,'
        . '"completion_tokens":1,"total_tokens":2}}'],
]);

$t->run();

my %gpt5 = (model => 'gpt-5', temperature => 0.7);
my %gpt4o = (model => 'gpt-4o', temperature => 0.7, seed => 1);

is(sent('/chat', %gpt5), 'gpt5', 'built-in rules if nothing is said');
is(sent('/builtin', %gpt5), 'gpt5', 'built-in rules');
is(sent('/none', %gpt5), 'gpt5 temperature=0.7', 'no rules');
is(sent('/more', %gpt5), 'gpt5 temperature=0.7', 'a rule that wins');
is(sent('/more', %gpt5, top_p => 0.5), 'gpt5 temperature=0.7',
    'built-in rules beside it');
is(sent('/more', %gpt4o), 'gpt4o', 'more is refused');
is(sent('/chat', %gpt4o), 'gpt4o seed=1 temperature=0.7', 'but not elsewhere');
is(sent('/two', %gpt4o), 'gpt4o temperature=0.5', 'the last file wins');
is(sent('/only', %gpt4o), 'gpt4o seed=1 temperature=0.5', 'one file alone');
is(sent('/only', %gpt5), 'gpt5 temperature=0.7', 'nothing is built in then');

# what is told

my $r = post('/more', %gpt4o, max_tokens => 100000);
is($r->{status}, 200, 'changed');
is($r->header('x-argo-changes'),
    'max_tokens renamed: the model takes max_completion_tokens; '
    . 'max_completion_tokens changed: the model gives no more; '
    . 'temperature dropped: the model does not take it; '
    . 'seed dropped: the model does not take it', 'the client is told');

$r = post('/chat', model => 'gpt-4o', temperature => 0.2);
is($r->header('x-argo-changes'), undef, 'nothing to tell');

$r = post('/chat', %gpt5, stream => JSON::PP::true);
is($r->header('x-argo-changes'),
    'temperature dropped: the model takes only 1', 'in a stream') or
    diag(explain($r));

# members of the client's choice are told by name, if at all

$r = client()->post('/messages', JSON::PP->new()->canonical(1)->encode({
    model => 'gpt-5', max_tokens => 9, "x\r\nSet-Cookie: a" => 1,
    "x" x 100 => 2, ok_name => 3,
    messages => [{ role => 'user', content => 'x' }],
}));

is($r->{status}, 200, 'unknown members');
is($r->header('set-cookie'), undef, 'no header of the client');
like($r->header('x-argo-changes'), qr/\bok_name dropped: /, 'a name');
unlike($r->header('x-argo-changes'), qr/Set|xxxx/, 'no other name');

# many of them

$r = client()->post('/messages', JSON::PP->new()->canonical(1)->encode({
    model => 'gpt-5', max_tokens => 9,
    (map { sprintf("member_%04d", $_) => 1 } 1 .. 500),
    messages => [{ role => 'user', content => 'x' }],
}));

is($r->{status}, 200, 'many unknown members');

my $told = $r->header('x-argo-changes');

cmp_ok(length($told), '<=', 1024, 'the header has an end');
like($told, qr/; \.\.\.\z/, 'which says that there is more');

# several prompts are several requests, changed alike

$r = client()->post('/completions', JSON::PP->new()->encode({
    model => 'gpt-5', temperature => 0.2, prompt => [ 'a', 'b', 'c' ] }));

is($r->{status}, 200, 'several prompts');
is($r->header('x-argo-changes'),
    'temperature dropped: the model takes only 1', 'are told of once');

# a reload

$t->write_file('other.conf', "gpt4* temperature none;\n");
ok($t->reload(), 'reload');

ok($t->waitfor(sub { sent('/only', %gpt4o) eq 'gpt4o seed=1' }),
    'new rules count');

# the log

$t->stop();

my $log = $t->read_file('error.log');

like($log, qr/\[info\].*argo rule: temperature dropped: the model takes only/,
    'changes are logged');
unlike($log, qr/argo rule:.*(?:0\.7|100000|Set-Cookie)/, 'no values are');

$t->done_testing();

###############################################################################

sub check {
    my (%parts) = @_;

    my $text = $conf;
    $text =~ s/\b(HTTP|SERVER|LOCATION)\b/$parts{$1} || ''/ge;

    $t->write_file_expand('nginx.conf', $text);

    return $t->test_config();
}

sub client {
    return Argo::Client->new(port(8080));
}

sub post {
    my ($uri, %members) = @_;

    return client()->post($uri, JSON::PP->new()->canonical(1)->encode({
        messages => [{ role => 'user', content => 'x' }], %members }));
}

# model and parameters of what goes up

sub sent {
    $g->clear();

    my $r = post(@_);

    return "status $r->{status}: $r->{body}" if $r->{status} != 200;

    my $up = $g->request_json();
    my $model = delete $up->{model};
    delete @$up{qw/ messages user /};

    return join ' ', $model, map { "$_=$up->{$_}" } sort keys %$up;
}

###############################################################################
