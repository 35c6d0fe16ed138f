# Without a rule flag chooses one and says what to expect; --budget lists what is worth reviewing; --review learns from what was
# found.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
make-log run.tidy margin 3000 8 0
make-log class.tidy class 500 6 0
listed() { grep -v '^#' "$@"; }

# auto: the rule that it names, and the same suspects.
tidy-analyze flag run.tidy >auto 2>said || fail "flag"
grep -qE '^auto: --score label-posterior --threshold expected-f1: ' said || fail "auto says $(cat said)"
tidy-analyze flag run.tidy --score label-posterior --threshold expected-f1 2>/dev/null | cmp -s - auto || fail "auto is not what it says"
tidy-analyze flag class.tidy 2>said >auto || fail "flag of classes"
equals "lines said of classes" "$(wc -l <said)" 1
grep -qE '^auto: --score majority-disagreement --threshold value:0.6: ' said || fail "auto says $(cat said)"
equals "eval of auto" "$(tidy-analyze eval run.tidy --threshold auto 2>/dev/null | tail -1)" \
    "$(tidy-analyze eval run.tidy --score label-posterior --threshold expected-f1 | tail -1)"
fails 2 "auto chooses the score too, here label-posterior: leave --score aum out" tidy-analyze flag run.tidy --score aum
fails 2 "expected-f1' needs probabilities" tidy-analyze flag run.tidy --score aum --threshold expected-f1

# expected-f1: no other cut of the probabilities has a larger expected F1 (by hand: 2 sum / (n + sum of all)).
tidy-analyze samples run.tidy --score label-posterior | listed | cut -f 4 | sort -gr |
    awk '{ p[NR] = $1; all += $1 }
         END { for (n = 1; n <= NR; n++) { sum += p[n]; f = 2 * sum / (n + all); if (f > best) { best = f; count = n } } print count }' >expected
equals "suspects of the largest expected F1" "$(tidy-analyze flag run.tidy 2>/dev/null | listed | wc -l)" "$(cat expected)"

# A budget: the most probable ones, and the sum of their probabilities is what is expected.
tidy-analyze flag run.tidy --budget 100 >budget 2>said || fail "budget"
equals "samples in the budget" "$(listed budget | wc -l)" 100
tidy-analyze flag run.tidy --score label-posterior --threshold count:100 2>/dev/null | cmp -s - budget || fail "the budget is not the top"
equals "expected in the budget" "$(sed -nE 's/^100 suspects, of which ([0-9]+) .*/\1/p' said)" \
    "$(listed budget | awk '{ sum += $2 } END { printf "%.0f", sum }')"
equals "a budget beyond all" "$(tidy-analyze flag run.tidy --budget 4000 2>/dev/null | listed | wc -l)" 3000
fails 2 "leave one out" tidy-analyze flag run.tidy --budget 5 --threshold top:0.1
fails 2 "--budget ranks by label-posterior" tidy-analyze flag run.tidy --budget 5 --score aum
fails 2 "--review updates label-posterior" tidy-analyze flag run.tidy --review budget --score aum --threshold top:0.1

# Reviewing it: nothing reviewed is listed again, the count is said, and the others move as docs/scores.md says.
{ echo "#sample	label"; listed budget | cut -f 1,6; } >decisions
tidy-analyze flag run.tidy --review decisions --budget 50 >next 2>said || fail "review"
listed next | cut -f 1 | grep -xFf <(cut -f 1 decisions) && fail "a reviewed sample is listed again"
equals "what was reviewed" "$(head -1 said)" "100 labels reviewed, $(listed budget | awk '$3 != $6' | wc -l) of them wrong"
tidy-analyze flag run.tidy --threshold top:1 --score label-posterior >before 2>/dev/null
tidy-analyze flag run.tidy --threshold count:2900 --score label-posterior --review decisions >after 2>/dev/null || fail "review of all"
/usr/bin/python3 "$TIDY_SOURCE/tests/analyze/review_numpy.py" before decisions after || fail "review differs from NumPy"

# A reviewer who finds nothing wrong makes all others less suspicious; one who finds all wrong more.
listed budget | cut -f 1,3 >right
listed budget | awk -v OFS='\t' '{ print $1, ($3 + 1) % 10 }' >wrong
total() { tidy-analyze flag run.tidy --budget 3000 --review "$1" 2>/dev/null | awk '!/#/ { sum += $2 } END { printf "%.0f", 1000 * sum }'; }
unreviewed=$(listed before | awk 'NR == FNR { seen[$1]; next } !($1 in seen) { sum += $2 } END { printf "%.0f", 1000 * sum }' right -)
[ "$(total right)" -lt "$unreviewed" ] || fail "nothing was wrong, yet $(total right)/1000 are expected of the others, $unreviewed before"
[ "$(total wrong)" -gt "$unreviewed" ] || fail "all were wrong, yet $(total wrong)/1000 are expected of the others, $unreviewed before"

# All of the least probable are wrong: that is not the noise that was assumed, and nothing is said of all the others.
listed before | tail -400 | awk -v OFS='\t' '{ print $1, ($3 + 1) % 10 }' >surprising
tidy-analyze flag run.tidy --budget 1 --review surprising 2>said >/dev/null
grep -qE "nothing can be said: the review found far more than was expected" said || fail "a surprise is not told: $(cat said)"

fails 1 "nowhere: .*No such file|nowhere cannot be opened" tidy-analyze flag run.tidy --budget 5 --review nowhere
cut -f 1 decisions >unlabelled
fails 1 "unlabelled: has no labels" tidy-analyze flag run.tidy --budget 5 --review unlabelled
echo "3	12" >beyond
fails 1 "beyond, line 1: '12' is no label" tidy-analyze flag run.tidy --budget 5 --review beyond
finish
