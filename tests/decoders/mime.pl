#!/usr/bin/perl
# Reads messages, each after its length on a line of its own, and tells each as a line of JSON, as MIME-tools and
# MailTools read it: fields, decoded subject and mailboxes, parts with their decoded content, what was found wrong.
use strict;
use warnings;
use Encode qw(decode);
use JSON::PP;
use Mail::Address;
use MIME::Parser;

binmode STDIN;
binmode STDOUT;
$| = 1;
my $json = JSON::PP->new->ascii->canonical;
my $parser = MIME::Parser->new;
$parser->output_to_core(1);
$parser->tmp_to_core(1);
$parser->decode_headers(0);

sub words { my ($text) = @_; $text =~ s/\r?\n(?=[ \t])//g; $text =~ s/\r?\n\z//; return decode('MIME-Header', $text); }

sub mailboxes {
    my ($text) = @_;
    $text =~ s/\r?\n(?=[ \t])//g;
    return [ map { { name => words(unquoted($_->phrase)), address => decode('UTF-8', $_->address) } } Mail::Address->parse($text) ];
}

sub unquoted { my ($phrase) = @_; if ($phrase =~ s/\A"(.*)"\z/$1/s) { $phrase =~ s/\\(.)/$1/gs; } return $phrase; }

sub part {
    my ($entity) = @_;
    my $head = $entity->head;
    my %told = (
        type => scalar $entity->mime_type,
        charset => scalar $head->mime_attr('content-type.charset'),
        encoding => scalar $head->mime_encoding,
        id => scalar $head->get('Content-ID'),
        parts => [ map { part($_) } $entity->parts ],
    );
    if (my $body = $entity->bodyhandle) {
        my $octets = $body->as_string;
        $told{text} = $told{type} =~ /^text\// ? decode('UTF-8', $octets, Encode::FB_CROAK) : undef;
        $told{size} = length $octets;
    }
    return \%told;
}

while (defined(my $length = <STDIN>)) {
    my $message = '';
    read(STDIN, $message, $length + 0) == $length or die 'cut off';
    my $told = eval {
        my $entity = $parser->parse_data($message);
        my $head = $entity->head;
        my %seen;
        my @fields = map { [ $_, map { decode('UTF-8', $_) } $head->get_all($_) ] } grep { !$seen{lc $_}++ } $head->tags;
        {
            fields => \@fields,
            subject => words($head->get('Subject', 0) // ''),
            from => mailboxes($head->get('From', 0) // ''),
            to => mailboxes($head->get('To', 0) // ''),
            reply_to => mailboxes($head->get('Reply-To', 0) // ''),
            list_id => words($head->get('List-ID', 0) // ''),
            root => part($entity),
            wrong => [ $parser->results->errors, $parser->results->warnings ],
        };
    } // { died => "$@" };
    print $json->encode($told), "\n";
}
