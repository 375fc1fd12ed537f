# Hashes, regular expressions, sorting, string building. Prints results that are the same on every platform.
use strict;
use warnings;

my ($total, $real) = (0, 0);

sub text {
    my ($seed) = @_;
    my @out;
    for my $i (1 .. 900) {
        $seed = ($seed * 1309 + 13849) & 65535;
        push @out, sprintf("%s%d=%x", chr(97 + $seed % 26), $seed % 100, $seed);
    }
    return join(",", @out);
}

for my $round (1 .. $ARGV[0]) {
    my $text = text($round);
    my (%count, %sum);
    while ($text =~ /([a-z])(\d+)=([0-9a-f]+)/g) {
        $count{$1}++;
        $sum{"$1$2"} += hex $3;
    }
    (my $changed = $text) =~ s/([aeiou])(\d)/uc($1) . ($2 + 1)/ge;
    $total += length($changed) + ($changed =~ tr/A-Z//);
    for my $key (sort { $sum{$a} <=> $sum{$b} || $a cmp $b } keys %sum) {
        $total = ($total * 31 + $sum{$key}) % 1000003;
    }
    my @matrix = map { my $i = $_; [map { 1 / ($i + $_ + 1) } 0 .. 11] } 0 .. 11;
    for my $i (0 .. 11) {
        for my $j (0 .. 11) {
            $real += $matrix[$i][$_] * $matrix[$_][$j] for 0 .. 11;
        }
    }
    $total += join("", reverse split //, substr($changed, 0, 500)) =~ /9.*?8/ ? 1 : 0;
}
printf "%d %.9f\n", $total, $real;
