# Estimates from planted controls: eval --estimate, the columns of sweep, and what flag says; with and without the truth.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
make-log run.tidy full 6000 8 0 calibrated
make-log unknown.tidy full 6000 8 0 calibrated,no-truth
make-log plain.tidy margin 500 6 0
make-log class.tidy class 500 6 0 controls
listed() { grep -v '^#' "$@"; }
estimate() { tidy-analyze eval run.tidy --estimate "$@"; }

# The columns, and one line a score.
equals "columns" "$(estimate --score aum --threshold top:0.05 | head -1)" \
    "#score	rule	flagged	precision	precision_low	precision_high	recall	recall_low	recall_high	noise_rate	noise_rate_low	noise_rate_high	verdict"
estimate --score label-posterior,aum --threshold top:0.05 >both || fail "two scores"
equals "scores" "$(listed both | cut -f 1-3,13 | tr '\t\n' '  ')" "label-posterior top:0.05 300 applies aum top:0.05 300 applies "
# 300 of 6000 labels are wrong, and none of a control; the program must not know that.
listed both | awk -F '\t' '!($11 <= 300 / 5760 && 300 / 5760 <= $12) || !($5 <= $4 && $4 <= $6 && $8 <= $7 && $7 <= $9)' >bad
[ ! -s bad ] || fail "an interval without the rate, or without its own number: $(cat bad)"
for score in label-posterior aum; do
    tidy-analyze eval run.tidy --score $score --threshold top:0.05 | listed | cut -f 4,5 >truth
    paste truth <(listed both | grep "^$score") |
        awk -F '\t' '!($7 <= $1 && $1 <= $8 && $10 <= $2 && $2 <= $11)' >bad
    [ ! -s bad ] || fail "$score: precision or recall outside its interval: $(cat bad)"
done
equals "twice" "$(estimate --score aum --threshold top:0.05)" "$(estimate --score aum --threshold top:0.05)"
equals "auto" "$(estimate --threshold auto 2>/dev/null | listed | cut -f 1,2)" "label-posterior	expected-f1"
equals "json" "$(estimate --score aum --threshold top:0.05 --json | grep -c '"verdict":"applies"')" 1

# A list: the suspects of a score, of which no more is known than who they are.
tidy-analyze flag run.tidy --score aum --threshold top:0.05 >aum.suspects 2>said || fail "flag"
estimate <aum.suspects >list || fail "a list"
equals "a list's first columns" "$(listed list | cut -f 1-3)" "stdin	-	300"
equals "a list's rate" "$(listed list | cut -f 10-13)" "$(listed both | tail -1 | cut -f 10-13)"

# flag says the same, of any score.
listed both | tail -1 | awk -F '\t' '{ printf "%d suspects: precision %.3f (%.3f to %.3f), recall %.3f (%.3f to %.3f), where %.2f%% (%.2f to %.2f) of all labels are wrong; estimated from 240 controls, with 95%% intervals\n",
    $3, $4, $5, $6, $7, $8, $9, 100 * $10, 100 * $11, 100 * $12 }' | cmp -s - said || fail "flag says: $(cat said)"
tidy-analyze flag run.tidy 2>&1 >/dev/null | grep -c 'suspects: precision' >count
equals "what auto says" "$(cat count)" 1
tidy-analyze flag run.tidy --budget 100 2>&1 >/dev/null | grep -c '^100 suspects, of which' >count
equals "what a budget says" "$(cat count)" 1

# sweep: at a threshold the numbers are those of eval.
tidy-analyze sweep run.tidy --score aum >sweep || fail "sweep"
equals "columns of a sweep" "$(head -1 sweep | cut -f 6-)" \
    "estimated_precision	estimated_precision_low	estimated_precision_high	estimated_recall	estimated_recall_low	estimated_recall_high"
equals "a line of a sweep" "$(awk -F '\t' '$2 == 300' sweep | cut -f 6-11)" "$(listed both | tail -1 | cut -f 4-9)"
equals "lines of a sweep" "$(listed sweep | wc -l)" "$(tidy-analyze samples run.tidy --score aum | listed | cut -f 4 | grep -v nan | sort -u | wc -l)"
equals "columns without controls" "$(tidy-analyze sweep plain.tidy --score aum | head -1 | tr '\t' ' ')" "#threshold flagged precision recall f1"

# Without the truth: the numbers are those of controls that may be right by luck, and what is against the truth is nan.
equals "rate without truth" "$(tidy-analyze eval unknown.tidy --estimate --score aum --threshold top:0.05 | listed |
    awk -F '\t' '$11 < $10 && $10 < $12 && $11 < 300 / 5760 && 300 / 5760 < $12 { print $13 }')" applies
equals "truth in a sweep of unknown" "$(tidy-analyze sweep unknown.tidy --score aum | listed | cut -f 3-5 | sort -u | tr '\t' ' ')" "nan nan nan"
equals "numbers in a sweep of unknown" "$(tidy-analyze sweep unknown.tidy --score aum | listed | cut -f 6-11 | grep -c nan)" 0
fails 1 "the true labels are not known" tidy-analyze eval unknown.tidy --score aum --threshold top:0.05

# Verdicts: logs whose labels are all right, or with a handful of controls.
make-log right.tidy margin 6000 8 0 calibrated,all-right
tidy-analyze eval right.tidy --estimate --score aum --threshold top:0.05 | listed >none
equals "none found" "$(cut -f 4-11,13 none | tr '\t' ' ')" "nan nan nan nan nan nan nan nan none-found"
awk -F '\t' '!($12 < 0.002)' none >bad
[ ! -s bad ] || fail "the limit where nothing is wrong: $(cat bad)"
tidy-analyze flag right.tidy --score aum --threshold top:0.05 2>&1 >/dev/null | grep -c '^300 suspects; the 240 controls find no labels that are wrong at random, at most 0\.' >count
equals "what flag says of none" "$(cat count)" 1
make-log few.tidy margin 250 6 0 calibrated
equals "few controls" "$(tidy-analyze eval few.tidy --estimate --score aum --threshold top:0.05 | listed | cut -f 4,10,12,13)" "nan	nan	nan	few-controls"
tidy-analyze flag few.tidy 2>&1 >/dev/null | grep -c 'no estimate: the 10 controls tell as much as .* and 15 are needed' >count
equals "what flag says of few" "$(cat count)" 1
equals "a sweep of few" "$(tidy-analyze sweep few.tidy --score aum | listed | cut -f 6-11 | sort -u | tr '\t' ' ')" "nan nan nan nan nan nan"

# Against the definition.
needs_numpy
for what in predictions log-probs labels given; do
    tidy-analyze export run.tidy --what $what -o $what.npy || fail "export $what"
done
tidy-analyze flag run.tidy --score label-posterior --threshold top:0.05 >posterior.suspects 2>/dev/null
cp aum.suspects list.suspects
estimate --score label-posterior --threshold top:0.05 >posterior.tsv
estimate --score aum --threshold top:0.05 >aum.tsv
cp list list.tsv
/usr/bin/python3 -B "$TIDY_SOURCE/tests/analyze/estimate_numpy.py" . || fail "numbers differ from the definition"
for name in posterior aum; do
    tidy-analyze eval unknown.tidy --estimate --score ${name/posterior/label-posterior} --threshold top:0.05 >$name.tsv
done
tidy-analyze eval unknown.tidy --estimate <aum.suspects >list.tsv
/usr/bin/python3 -B "$TIDY_SOURCE/tests/analyze/estimate_numpy.py" . by-luck || fail "numbers without truth differ from the definition"

fails 1 "plain.tidy: has no controls to estimate from; 'tidy-record train --controls 0.01' plants some" \
    tidy-analyze eval plain.tidy --estimate --score aum --threshold top:0.05
fails 1 "an estimate needs --detail margin or more" tidy-analyze eval class.tidy --estimate \
    --score correctness --threshold top:0.1
fails 2 "so --score aum needs --threshold" tidy-analyze eval run.tidy --estimate --score aum
make-log planted.tidy margin 500 6 0 controls
tidy-analyze merge planted.tidy plain.tidy -o runs.tidy 2>/dev/null || fail "merge"
fails 1 "needs a log of one run, and this one has 2" tidy-analyze eval runs.tidy --estimate --score aum \
    --threshold top:0.1
finish
