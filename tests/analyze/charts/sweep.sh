# Precision, recall and F1 of every threshold: the curves go through the numbers of `sweep`, bands and dashes through its
# estimates, or through what label-posterior's probabilities add up to.
. "$TIDY_SOURCE/tests/analyze/charts/charts.bash"
make-log run.tidy margin 3000 12 0
make-log class.tidy class 2000 12 0
make-log unknown.tidy margin 1000 8 0 no-truth
make-log controls.tidy full 6000 8 0 calibrated
make-log blind.tidy full 6000 8 0 calibrated,no-truth
make-log right.tidy margin 500 4 0 all-right
make-log few.tidy margin 500 6 0 controls,no-truth
make-log once.tidy margin 40 1 0
make-log single.tidy margin 1 1 0

# check LOG SCORE RULE...
check() {
    local log=$1 score=$2 rule
    shift 2
    draws sweep $log --score $score --threshold "$(IFS=,; echo "$*")"
    tidy-analyze samples $log --score $score >table
    tidy-analyze sweep $log --score $score >sweep 2>/dev/null || : >sweep
    for rule; do
        tidy-analyze flag $log --score $score --threshold $rule 2>/dev/null >"flagged $rule" || fail "flag $rule"
    done
    /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/charts/check_sweep.py" table sweep chart.svg chart.gp $score "$@" ||
        fail "sweep of $log: $score $*"
}
check run.tidy label-posterior expected-f1 gmm otsu
check run.tidy aum gmm mean+2.5std top:0.05
check class.tidy majority-disagreement value:0.6 gmm
check class.tidy forgetting-events gmm
check unknown.tidy label-posterior expected-f1 otsu
check controls.tidy label-posterior expected-f1 top:0.05
check controls.tidy aum gmm
check blind.tidy aum gmm count:300
check once.tidy aum otsu
check single.tidy aum count:1 count:0
draws_everywhere sweep run.tidy
draws_everywhere sweep blind.tidy

# Titles: the best F1 of all thresholds, and what the first rule reaches; without the truth what controls say of it.
tidy-analyze sweep run.tidy | awk '!/#/ && $5 > best { best = $5; n = $2 } END { printf "Best F1: %.1f%% with %d flagged", 100 * best, n }' >best
tidy-analyze eval run.tidy --score label-posterior --threshold expected-f1 |
    awk '!/#/ { printf "; expected-f1 flags %d and reaches %.1f%%", $3, 100 * $6 }' >>best
tidy-analyze plot sweep run.tidy | grep -qF "label 1 '$(cat best)'" ||
    fail "title: $(tidy-analyze plot sweep run.tidy | grep 'label 1'), expected $(cat best)"
tidy-analyze eval blind.tidy --estimate --score aum --threshold count:300 |
    awk '!/#/ { printf "count:300 flags 300: precision %.0f%% (%.0f%% to %.0f%%), recall %.0f%% (%.0f%% to %.0f%%)", 100 * $4, 100 * $5, 100 * $6, 100 * $7, 100 * $8, 100 * $9 }' >estimate
tidy-analyze plot sweep blind.tidy --score aum --threshold count:300 | grep -qF "label 1 '$(cat estimate)'" ||
    fail "title without the truth: $(tidy-analyze plot sweep blind.tidy --score aum --threshold count:300 | grep 'label 1'), expected $(cat estimate)"
tidy-analyze plot sweep few.tidy | grep -q "The controls give no estimate: none-found\." || fail "no verdict"

fails 1 "right.tidy: no label is wrong, so there is no recall" tidy-analyze plot sweep right.tidy
fails 1 "unknown.tidy: the true labels are not known" tidy-analyze plot sweep unknown.tidy --score aum
fails 1 "few.tidy: the true labels are not known, and the controls give no estimate \([a-z-]*\); --score label-posterior" \
    tidy-analyze plot sweep few.tidy --score aum
finish
