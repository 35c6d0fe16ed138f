# Every subcommand's --help names its options and shows an example that works.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
command -v gnuplot >/dev/null || { echo "gnuplot is not installed, and the examples use it: skipped"; exit 77; }
make-log run.tidy margin 500 4 0
for log in run1 run2 part1 part2; do
    make-log $log.tidy margin 500 4 0
done

tidy-analyze --help >help || fail "--help: exit status $?"
for command in info epochs samples flag eval sweep compare plot report merge subset clean export verify; do
    grep -qE "^  $command " help || fail "--help does not list $command"
    tidy-analyze $command --help >help-of-command 2>stderr || fail "$command --help: exit status $?"
    [ ! -s stderr ] || fail "$command --help: says $(cat stderr)"
    [[ "$command" =~ ^(plot|report|merge|subset|export)$ ]] || grep -q -- "--json" help-of-command || fail "$command --help does not list --json"
    ! grep -E '^.{101}' help-of-command || fail "$command --help has lines of more than 100 columns"
    sed -n '/^example/,$p' help-of-command | sed 1d >examples
    [ -s examples ] || fail "$command --help has no example"
    while read -r example; do
        bash -o pipefail -c "$example" >stdout 2>stderr </dev/null || fail "example '$example': $(cat stderr)"
        [[ "$command" =~ ^(report|merge|subset|clean|verify|flag|eval)$ ]] || [ ! -s stderr ] || fail "example '$example' says: $(cat stderr)"
    done <examples
done

# All scores are in the help of samples, and all of them work by name.
tidy-analyze samples --help | awk '$2 ~ /^(class|margin)$/ && $3 ~ /^(high|low)$/ { print $1 }' >scores
equals "scores that margin feeds" "$(wc -l <scores)" 20
while read -r score; do
    tidy-analyze samples run.tidy --score "$score" >/dev/null 2>stderr || fail "samples --score $score: $(cat stderr)"
done < <(grep -v second-split scores)
finish
