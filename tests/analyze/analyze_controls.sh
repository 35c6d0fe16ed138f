# Controls are trained on wrong labels and are no suspects: each output has them as if they were not there, with the labels
# that the data set gave them.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
# Of 500 samples 3, 28, ... 478 are controls: 20. The same logs without them have the same labels and truth.
for detail in class margin probs; do
    make-log $detail.tidy $detail 500 6 0 controls
    make-log plain-$detail.tidy $detail 500 6 0
done
seq 3 25 499 >controls
listed() { grep -v '^#' "$@" | cut -f1 | sort -n; }

equals "controls in info" "$(tidy-analyze info margin.tidy | grep ^probe | tr '\t\n' '  ')" "probes controls probe-samples 20 "
equals "wrong labels in info" "$(tidy-analyze info margin.tidy | grep ^mislabelled)" \
    "$(tidy-analyze info plain-margin.tidy | grep ^mislabelled)"

# samples: labels and truth as given, and no score of a control alone.
for detail in class margin probs; do
    tidy-analyze samples $detail.tidy >got || fail "samples of $detail"
    tidy-analyze samples plain-$detail.tidy >plain
    cmp -s <(cut -f 1-3 plain) <(cut -f 1-3 got) || fail "$detail: labels differ: $(diff <(cut -f 1-3 plain) <(cut -f 1-3 got) | head -3)"
    awk -F '\t' '!/^#/ { none = 0; for (i = 4; i <= NF; i++) none += $i == "nan"; if (none == NF - 3) print $1 }' got >unscored
    cmp -s controls unscored || fail "$detail: without any score are $(tr '\n' ' ' <unscored)"
    awk -F '\t' 'NR == FNR { control[$1]; next } $1 in control { for (i = 4; i <= NF; i++) if ($i != "nan") print $1 }' \
        controls got >scored
    [ ! -s scored ] || fail "$detail: controls with a score: $(tr '\n' ' ' <scored)"
done

# flag: no rule takes one, whatever it takes.
seq 0 499 | grep -vxFf controls >others
for rule in top:1 count:500 value:1000 mean+-100std; do
    tidy-analyze flag margin.tidy --score aum --threshold=$rule >suspects || fail "flag $rule"
    listed suspects | cmp -s others - || fail "$rule does not flag all samples but the controls"
done
for rule in gmm bmm otsu ctrl confident-learning prune-by-class prune-by-noise-rate both predicted-neq-given \
    low-self-confidence low-normalized-margin; do
    tidy-analyze flag probs.tidy --threshold $rule >suspects || fail "flag $rule"
    [ -s suspects ] && listed suspects | grep -xFf controls >flagged && fail "$rule flags controls: $(tr '\n' ' ' <flagged)"
done

# eval, sweep, compare: as many wrong labels; one flagged is one of the others.
tidy-analyze eval margin.tidy --score aum --threshold top:1 | cut -f 3-5 >got
equals "flagged and recall" "$(tail -1 got | cut -f 1,3)" "480	1"
equals "of a sweep" "$(tidy-analyze sweep margin.tidy | tail -1 | cut -f 2,4)" "480	1"
equals "of a comparison" "$(tidy-analyze compare margin.tidy --score aum --threshold top:1 | tail -1 | cut -f 4,6)" "480	1"
tidy-analyze compare margin.tidy plain-margin.tidy --agreement --score aum --threshold top:1 | tail -1 | cut -f 5,8-10 >got
equals "samples of an agreement" "$(cat got)" "480	480	500	480"

# clean: given labels again, unless a list says otherwise.
echo 0 >drop
cmp -s <(tidy-analyze clean margin.tidy --drop drop 2>/dev/null) <(tidy-analyze clean plain-margin.tidy --drop drop 2>/dev/null) ||
    fail "clean does not restore the given labels"
equals "what clean says" "$(tidy-analyze clean margin.tidy --drop drop 2>&1 >/dev/null)" \
    "$(tidy-analyze clean plain-margin.tidy --drop drop 2>&1 >/dev/null)"
fails 1 "sample 3 was trained on another label than the given one, so no other label can be suggested" \
    tidy-analyze clean margin.tidy --relabel <(head -1 controls)

# Charts: the shares of right and wrong labels are of samples that are no controls.
for chart in learning forgetting pr; do
    tidy-analyze plot $chart margin.tidy >$chart.gp || fail "plot $chart"
done
tidy-analyze export class.tidy --what predictions -o p.npy
for what in labels given truth; do tidy-analyze export class.tidy --what $what -o $what.npy; done
if /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
    /usr/bin/python3 -c '
import numpy as np
p, l, g, t = (np.load(f + ".npy") for f in ("p", "labels", "given", "truth"))
judged = l == g
for e in range(len(p)):
    right, wrong = judged & (g == t), judged & (g != t)
    shares = [100 * x.mean() for x in ((p[e] == g)[right], (p[e] == g)[wrong], (p[e] == t)[wrong])]
    print("\t".join("%.6g" % x for x in shares))' >expected
    tidy-analyze plot learning class.tidy | sed -n '/^\$run1/,/^EOD/p' | grep -v -e EOD -e '^#' | cut -f 6- >got
    cmp -s expected got || fail "the learning chart's shares: $(diff expected got | head -4)"
fi

# A part of the log has its controls; a run's controls have the scores of a run in which they are none.
tidy-analyze subset margin.tidy <(seq 0 27) -o subset.tidy 2>/dev/null || fail "subset"
equals "controls of a subset" "$(tidy-analyze samples subset.tidy --score aum | awk -F '\t' '$4 == "nan" { print $1 }')" 3
tidy-analyze merge margin.tidy plain-margin.tidy -o runs.tidy 2>/dev/null || fail "merge"
equals "unscored in two runs" "$(tidy-analyze samples runs.tidy --score aum | grep -c nan)" 0
equals "score of the run that has one" "$(tidy-analyze samples runs.tidy --score aum | awk '$1 == 3')" \
    "$(tidy-analyze samples plain-margin.tidy --score aum | awk '$1 == 3')"
tidy-analyze flag runs.tidy --threshold top:1 | listed >got
cmp -s <(seq 0 499) got || fail "in two runs, of which one has a score of each, all are suspects"
tidy-analyze merge --shards margin.tidy plain-margin.tidy -o shards.tidy 2>/dev/null || fail "merge --shards"
tidy-analyze samples shards.tidy --score aum | awk -F '\t' '$4 == "nan" { print $1 }' >got
cmp -s controls got || fail "controls of shards of which one has some: $(tr '\n' ' ' <got)"

# Suspects that are compared from epoch to epoch are none either: with a top as large as there are others, all stay.
equals "overlap" "$(tidy-analyze epochs margin.tidy --top 480 | tail -1 | cut -f 7)" 1
finish
