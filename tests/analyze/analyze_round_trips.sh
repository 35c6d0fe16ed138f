# What tidy-analyze writes, tidy-record reads: arrays become the same log again, labels are what is trained on.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
run() { "$@" >/dev/null 2>stderr || fail "$*: $(tail -n 1 stderr)"; }

# Export and import: every score of class detail is the same, and of more detail to the rounding of f16 and float32.
for pair in class:predictions margin:predictions probs:log-probs probs:probs full:log-probs; do
    detail=${pair%:*} what=${pair#*:}
    make-log run.tidy "$detail" 300 6 0
    run tidy-analyze export run.tidy --what "$what" -o x.npy --force
    run tidy-analyze clean run.tidy --drop /dev/null -o labels.npy --force
    option=--$what
    [ "$what" != log-probs ] || option=--logits
    rm -f again.tidy*
    run tidy-record import "$option" x.npy --labels labels.npy --detail "$([ "$what" = predictions ] && echo class || echo full)" -o again.tidy
    scores=correctness,forgetting-events,first-learned,mean-correct-epoch-or-never,majority-disagreement
    [ "$what" = predictions ] || scores=$scores,confidence,mean-loss,aum,el2n,self-confidence
    paste <(tidy-analyze samples run.tidy --score $scores | cut -f2,4-) \
        <(tidy-analyze samples again.tidy --score $scores | cut -f2-) | tail -n +2 |
        awk -F'\t' '{ for (i = 1; i <= NF / 2; i++) { d = $i - $(i + NF / 2); tolerance = i <= 6 ? 1e-9 : 1e-3 * (1 + ($i < 0 ? -$i : $i))
                      if ($i != $(i + NF / 2) && (d > tolerance || d < -tolerance)) { print "sample " NR - 1 ", column " i ": " $i ", " $(i + NF / 2); exit } } }
                    END { if (NR != 300) print NR " samples" }' >differs
    [ ! -s differs ] || fail "$what of $detail: $(cat differs)"
done

# Suspects, labels, and a run that trains on them: what is left out is never presented, what was relabelled is so.
make-idx data 200 50 4 8
run tidy-record train --data data --epochs 2 --noise 0.1 -o noisy.tidy
tidy-analyze flag noisy.tidy --threshold count:10 >suspects
head -6 suspects >relabel
tail -n 5 suspects | cut -f1 >drop
for format in idx npy tsv csv; do
    run tidy-analyze clean noisy.tidy --relabel relabel --drop drop -o clean.$format
    run tidy-record train --data data --epochs 2 --labels clean.$format -o cleaned.tidy --force
    equals "labels trained on, $format" \
        "$(tidy-analyze samples cleaned.tidy --score correctness | tail -n +2 | awk -F'\t' '$NF != "nan"' | cut -f1,2)" \
        "$(tidy-analyze clean noisy.tidy --relabel relabel --drop drop 2>/dev/null | tail -n +2)"
    equals "samples never presented, $format" \
        "$(tidy-analyze samples cleaned.tidy --score correctness | awk -F'\t' '$NF == "nan"' | cut -f1)" "$(sort -n drop)"
done
finish
