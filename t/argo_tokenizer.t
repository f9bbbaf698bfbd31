#!/usr/bin/perl

# Copyright (C) The ngx_http_argo_module authors

# Tests for argo_tokenizer: which tables are taken, what is refused, and that
# usage is counted with them.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Argo::Test;
use Argo::Client;
use Argo::Gateway;

my @names = map { "${_}_base.argo" } qw/ cl100k o200k /;
my $build = $ENV{ARGO_BUILD_DIR} || '../build';

plan(skip_all => 'no token tables') if grep { !-e "$build/$_" } @names;

my $t = Argo::Test->new();
my $dir = $t->testdir();

###############################################################################

# what is refused, with the remedy

my $conf = <<'EOC';
%%TEST_GLOBALS%%

daemon off;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    argo_user            jdoe;
    argo_upstream        /argo/;
    argo_upstream_api legacy;
    argo_models_refresh  0;

    TOKENIZER

    server {
        listen       127.0.0.1:8080;
        server_name  localhost;

        location /chat {
            argo_endpoint  chat_completions;
        }

        location /embeddings {
            argo_endpoint  embeddings;
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

my $remedy = qr/"make" makes the tables, .*"argo_tokenizer off;"/;

like(check("argo_tokenizer $dir/none;"),
    qr{open\(\) "$dir/none/cl100k_base.argo" failed.*$remedy}, 'no tables');

mkdir "$dir/tables";
copy($_, $_) for @names;

like(check("argo_tokenizer $dir/tables;"), qr/test is successful/, 'tables');

my $whole = read_table($names[0]);

my @wrong = (
    [ 'empty', '', qr/is not a token table/ ],
    [ 'text', "hello\n" x 1000, qr/is not a token table/ ],
    [ 'truncated', substr($whole, 0, length($whole) - 4096),
        qr/is not whole/ ],
    [ 'damaged', damaged($whole), qr/is damaged/ ],
    [ 'another', read_table($names[1]),
        qr/is the table of another encoding/ ],
);

for my $case (@wrong) {
    my ($name, $bytes, $problem) = @$case;

    write_table($names[0], $bytes);
    like(check("argo_tokenizer $dir/tables;"),
        qr{"$dir/tables/cl100k_base.argo" $problem: $remedy}, $name);
}

unlink "$dir/tables/$names[0]";
mkdir "$dir/tables/$names[0]";
like(check("argo_tokenizer $dir/tables;"), qr/is not a token table/,
    'directory');
rmdir "$dir/tables/$names[0]";

copy($names[0], $names[0]);

like(check("argo_tokenizer off; argo_tokenizer off;"), qr/is duplicate/,
    'twice');

###############################################################################

# usage, with tables and without

my $g = Argo::Gateway->new($t, 8081);
my $reply = "The answer isn't 42,\\nit's 1234567: \\u5b57 \\ud83d\\ude00.";

$g->script('/api/v1/resource/chat/', [
    [header => 'Content-Type', 'application/json'],
    [body => "{\"response\":\"$reply\"}"],
]);

$g->script('/api/v1/resource/streamchat/', [
    [header => 'Content-Type', 'text/plain'],
    (map { [chunk => $_], [drain => ] } "The ans", "wer isn",
        "'t 42,\nit's 123", "4567: \xe5", "\xad\x97 \xf0\x9f", "\x98\x80."),
    [end => ],
]);

check("argo_tokenizer $dir/tables;");
$t->run();

my $c = Argo::Client->new(port(8080));

# what tiktoken counts; and 4 for a message, 3 for the reply, of GPT-5 2

is(usage('gpt-4o'), '11 15', 'o200k_base');
is(usage('gpt-4'), '12 17', 'cl100k_base');
is(usage('gpt-5'), '10 15', 'o200k_base, GPT-5');
is(usage('gpt-4o', 1), '11 15', 'o200k_base, stream');
is(usage('gpt-4', 1), '12 17', 'cl100k_base, stream');

$t->done_testing();

###############################################################################

sub check {
    my ($directives) = @_;

    $t->write_file_expand('nginx.conf', $conf =~ s/TOKENIZER/$directives/r);

    return $t->test_config();
}


sub copy {
    my ($from, $to) = @_;

    write_table($to, slurp("$build/$from"));
}


sub slurp {
    my ($file) = @_;

    open my $f, '<:raw', $file or die "$file: $!\n";
    local $/;

    return scalar <$f>;
}


sub read_table {
    my ($name) = @_;

    return slurp("$build/$name");
}


sub write_table {
    my ($name, $bytes) = @_;

    my $file = "$dir/tables/$name";

    open my $f, '>:raw', "$file.new" or die "$file: $!\n";
    print $f $bytes;
    close $f or die "$file: $!\n";
    rename "$file.new", $file or die "$file: $!\n";
}


sub damaged {
    my ($bytes) = @_;

    my $at = int(length($bytes) / 2);

    substr($bytes, $at, 1) = chr(ord(substr($bytes, $at, 1)) ^ 1);

    return $bytes;
}


sub usage {
    my ($model, $stream) = @_;

    my $r = $c->post('/chat', '{"model":"' . $model . '",'
        . ($stream ? '"stream":true,"stream_options":{"include_usage":true},'
            : '')
        . '"messages":[{"role":"user","content":"What\'s the \\u0061nswer?"}'
        . ']}');

    my ($prompt) = $r->{body} =~ /"prompt_tokens":(\d+)/;
    my ($completion) = $r->{body} =~ /"completion_tokens":(\d+)/;

    return "$prompt $completion";
}
