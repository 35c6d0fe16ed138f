# The histogram of a score: every sample in a bar, every rule's line between what `flag` lists and what it does not.
. "$TIDY_SOURCE/tests/analyze/charts/charts.bash"
make-log run.tidy margin 3000 12 0
make-log class.tidy class 2000 12 0
make-log unknown.tidy margin 1000 8 0 no-truth
make-log right.tidy margin 1000 8 0 all-right
make-log probes.tidy margin 1000 8 0 controls
make-log once.tidy margin 40 1 0
make-log single.tidy margin 1 1 0

# check LOG SCORE RULE...: draws, and checks against the tables of `samples` and `flag`.
check() {
    local log=$1 score=$2 rule
    shift 2
    draws scores $log --score $score --threshold "$(IFS=,; echo "$*")"
    tidy-analyze samples $log --score $score >table
    for rule; do
        tidy-analyze flag $log --score $score --threshold $rule 2>/dev/null >"flagged $rule" || fail "flag $rule"
    done
    /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/charts/check_histogram.py" table chart.svg chart.gp "$@" ||
        fail "scores of $log: $score $*"
}

check run.tidy aum gmm bmm otsu mean+2.5std mean+5std top:0.05 count:150 value:0.1
check run.tidy label-posterior expected-f1 gmm bmm otsu mean+2.5std
check run.tidy mean-loss mean+2.5std otsu
check run.tidy correctness gmm otsu value:3
check class.tidy majority-disagreement value:0.6 gmm otsu mean+2.5std
check unknown.tidy aum gmm otsu
check right.tidy aum gmm count:0
check probes.tidy aum gmm mean+2.5std
check once.tidy aum otsu
check single.tidy aum otsu count:1
check run.tidy mean-correct-epoch-or-never mean+5std top:0.01

draws_everywhere scores run.tidy
draws_everywhere scores class.tidy --threshold bmm
tidy-analyze plot scores probes.tidy | grep -q "Without a score, not drawn: 40\." || fail "probes are not counted"

# The defaults are flag's: the first rule is what it flags of itself.
tidy-analyze flag run.tidy 2>/dev/null >flagged
hits=$(awk -F '\t' '!/#/ && $3 != $6 { n++ } END { print n + 0 }' flagged)
tidy-analyze plot scores run.tidy | grep -q "label 1 'expected-f1 finds $hits of 150 mislabelled images at " ||
    fail "title: $(tidy-analyze plot scores run.tidy | grep 'label 1'), expected $hits"
tidy-analyze plot scores unknown.tidy | grep -q "label 1 'expected-f1 flags [0-9,]* of 1,000 images'" ||
    fail "title without the truth: $(tidy-analyze plot scores unknown.tidy | grep 'label 1')"
# Of the chart's own rules those are left out that do not go with the score.
tidy-analyze plot scores run.tidy --score aum | grep -q "label 1 'gmm finds" || fail "aum: gmm is not the first rule"

fails 2 "--threshold ctrl flags the same whatever the score is" tidy-analyze plot scores run.tidy --threshold gmm,ctrl
fails 2 "--threshold expected-f1 goes with --score label-posterior, not aum" \
    tidy-analyze plot scores run.tidy --score aum --threshold auto
fails 2 "has room for 8 rules, not 9" \
    tidy-analyze plot scores run.tidy --threshold gmm,bmm,otsu,gmm,bmm,otsu,gmm,bmm,otsu
finish
