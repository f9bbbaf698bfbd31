package Argo::Hostile;

# Copyright (C) The ngx_http_argo_module authors

# Clients that say that they are eve, or mallory, in all ways there are, and
# what a request that comes upstream may say of the one that is bound: jdoe.

use warnings;
use strict;

use base qw/ Exporter /;

our @EXPORT = qw/ @claims @credentials identity framing /;

use Argo::Gateway ();


# Members of a request's body.

our @claims = (
    '"user":"eve"',
    '"user":"eve","user":"mallory"',
    '"\u0075ser":"eve"',
    '"us\u0065r":"eve","user":"mallory","\u0075\u0073\u0065\u0072":"eve"',
    '"user":{"id":"eve"}',
    '"user":null',
    '"user":["eve"]',
    '"metadata":{"user_id":"eve"}',
    '"metadata":{"user_id":"eve","\u0075ser_id":"mallory"}',
    '"metadata":{"user_id":"eve"},"metadata":{"user\u005fid":"mallory"}',
    '"met\u0061data":{"user_id":"eve"}',
);


# Headers.

our @credentials = (
    'Authorization' => 'Bearer eve', 'X-Api-Key' => 'eve',
    'X-Goog-Api-Key' => 'eve', 'X_Api_Key' => 'eve',
    'Cookie' => 'user=eve', 'X-Forwarded-User' => 'eve',
    'Remote-User' => 'eve', 'Proxy-Authorization' => 'Basic ZXZl',
    'OpenAI-Organization' => 'eve', 'Connection' => 'X-Api-Key',
    'Transfer_Encoding' => 'chunked', 'Content_Length' => '3',
    'X-Original-URL' => '/eve', 'X-Rewrite-URL' => '/eve',
    'X-HTTP-Method-Override' => 'DELETE',
);


# What is wrong with the identity in a request that came upstream.

sub identity {
    my ($up, $legacy) = @_;

    my %headers = map { lc $_->[0] => $_->[1] } @{$up->{headers}};
    my $body = $up->{body};
    my @wrong;

    my ($bearer, $key) = @headers{qw/ authorization x-api-key /};

    push @wrong, "bearer $bearer" if defined $bearer
        && $bearer ne 'Bearer jdoe';
    push @wrong, "key $key" if defined $key && $key ne 'jdoe';
    push @wrong, 'no name' unless $legacy || defined $bearer || defined $key;

    for my $name (sort keys %headers) {
        push @wrong, "header $name: $headers{$name}"
            if "$name: $headers{$name}" =~ /\beve\b|ZXZl|mallory/
                || $name =~ /_|override|rewrite|cookie|original/;
    }

    # how JSON text may write the letters does not matter

    $body =~ s/\\u00([0-7][0-9a-f])/chr hex $1/gie;

    push @wrong, "user $1" while $body =~ /"user"\s*:\s*(?!"jdoe")([^,]*)/g;
    push @wrong, "user_id $1" while $up->{uri} =~ /messages/
        && $body =~ /"user_id"\s*:\s*(?!"jdoe")([^,]*)/g;
    push @wrong, 'no user' if $legacy && $body !~ /"user":"jdoe"/;

    return join ', ', @wrong;
}


# What is wrong with how it is framed: it must be one request of one body.

sub framing {
    my ($up, $uri) = @_;

    my (%times, @wrong);

    $times{lc $_->[0]}++ for @{$up->{headers}};

    push @wrong, "line $up->{method} $up->{uri} $up->{version}"
        if "$up->{method} $up->{uri} $up->{version}" ne "POST $uri 1.1";
    push @wrong, 'length' if Argo::Gateway::header($up, 'Content-Length')
        ne length $up->{body};
    push @wrong, 'host' unless $times{host};
    push @wrong, map { "$_ twice" } grep { $times{$_} > 1 } sort keys %times;

    push @wrong, map { "header $_->[0]: $_->[1]" }
        grep { $_->[0] =~ /^(?:connection|transfer-encoding|te|trailer
            |upgrade|keep-alive|proxy-connection|expect|http2-settings)$/xi
            || $_->[0] !~ /^[A-Za-z0-9-]+$/ || $_->[1] =~ /[\x00-\x1f\x7f]/
        } @{$up->{headers}};

    return join ', ', @wrong;
}


1;
