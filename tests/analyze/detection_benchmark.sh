# scripts/detection measures as 'tidy-analyze eval' does: two programs that know nothing of each other agree.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
needs_numpy
scripts=$TIDY_SOURCE/scripts/detection
export PYTHONDONTWRITEBYTECODE=1

# ours FOLDER: its log's rows, as score, rule, flagged, precision, recall, f1, ap, auroc, best_f1.
ours() {
    /usr/bin/python3 "$scripts/ours.py" "$1/fashion-mnist-uniform-0.05-1.tidy" >rows 2>stderr ||
        fail "ours.py: $(cat stderr)"
    cut -f 5,7-11,14,17,18 rows
}

# agree WHAT ROWS EXPECTED: the same lines, numbers to the 5 digits that rows have; '-' is what a row does not have.
agree() {
    paste "$2" "$3" | awk -F'\t' -v what="$1" '
        { half = NF / 2
          for (i = 1; i <= half; i++) {
              got = $i; expected = $(i + half)
              if (got == expected || got == "-" || got == "nan" && expected == "nan") continue
              gap = got - expected
              if (got !~ /^[0-9.]+$/ || gap > 6e-6 || gap < -6e-6)
                  print what ": " $1 " " $2 ", column " i ": got " got ", expected " expected } }' >differs
    [ ! -s differs ] || fail "$(head -n 3 differs)"
    [ "$(wc -l <"$2")" -eq "$(wc -l <"$3")" ] || fail "$1: $(wc -l <"$2") rows, expected $(wc -l <"$3")"
    [ -s "$2" ] || fail "$1: no rows"
}



mkdir whole controls
make-log whole/fashion-mnist-uniform-0.05-1.tidy margin 600 6 0
make-log controls/fashion-mnist-uniform-0.05-1.tidy margin 600 6 0 controls
for folder in whole controls; do
    log=$folder/fashion-mnist-uniform-0.05-1.tidy
    ours $folder >all
    # Rankings. With controls, which eval ranks last, only scores that all others have, and no AUROC.
    awk -F'\t' '$2 == "-"' all >rankings
    tidy-analyze eval $log --score all | grep -v '^#' >expected
    if [ $folder = controls ]; then
        grep -E '^(aum|mean-loss|confidence|forgetting-events)' rankings | cut -f 1-7 >some
        grep -E '^(aum|mean-loss|confidence|forgetting-events)' expected | cut -f 1-7 >some_expected
        agree "rankings with controls" some some_expected
    else
        agree "rankings" rankings expected
    fi
    # Sets.
    awk -F'\t' -v OFS='\t' '$2 != "-" { print $1, $2, $3, $4, $5, $6 }' all >sets
    while IFS=$'\t' read -r score rule _; do
        tidy-analyze eval $log --score "$score" --threshold "$rule" | grep -v '^#' | cut -f 1-6
    done <sets >expected
    agree "sets of $folder" sets expected
done

# Intervals hold what they are about, and a ranking without wrong labels has none.
ours whole >/dev/null
equals "intervals around their value" "$(awk -F'\t' '$14 != "-" && !($15 <= $14 && $14 <= $16)' rows | wc -l)" 0
make-log fashion-mnist-none-1.tidy margin 200 4 0 no-truth
/usr/bin/python3 "$scripts/ours.py" fashion-mnist-none-1.tidy >rows 2>stderr || fail "ours.py: $(cat stderr)"
equals "AP where no label is wrong" "$(awk -F'\t' '$7 == "-" { print $14 }' rows | sort -u)" nan
equals "F1 where no label is wrong" "$(awk -F'\t' '$7 != "-" && $8 > 0 { print $11 }' rows | sort -u)" 0.00000
finish
