# The table of epochs, and its overlap: what flag lists after each epoch is what is compared.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
make-log run.tidy margin 1000 6 0
make-log class.tidy class 1000 6 3
make-log begun.tidy margin 1000 0 3
make-log small.tidy class 50 2 0

overlaps() { tidy-analyze epochs "$@" | tail -n +2 | cut -f7 | tr '\n' ' '; }
# expected LOG SCORE N: the overlaps of flag's lists of N samples after each epoch.
expected() {
    local epoch
    printf 'nan '
    tidy-analyze flag "$1" --score "$2" --first 1 --threshold "count:$3" | grep -v '#' | cut -f1 | sort >before
    for epoch in 2 3 4 5 6; do
        tidy-analyze flag "$1" --score "${4:-$2}" --first $epoch --threshold "count:$3" | grep -v '#' | cut -f1 | sort >now
        awk -v shared="$(comm -12 before now | wc -l)" -v n="$3" 'BEGIN { printf "%.7g ", shared / n }'
        mv now before
    done
}
equals "columns" "$(tidy-analyze epochs run.tidy | head -1 | tr '\t' ' ')" \
    "#epoch loss accuracy test_accuracy lr seconds overlap"
equals "of 1% by aum" "$(overlaps run.tidy)" "$(expected run.tidy aum 10)"
equals "of 40 by aum" "$(overlaps run.tidy --top 40)" "$(expected run.tidy aum 40)"
equals "of 5% by forgetting events" "$(overlaps run.tidy --top 0.05 --score forgetting-events)" \
    "$(expected run.tidy forgetting-events 50)"
equals "by the loss of the epoch" "$(overlaps run.tidy --top 40 --score loss-at)" "$(expected run.tidy loss-at 40)"
equals "by a running mean of the loss" "$(overlaps run.tidy --top 40 --score loss-ema:0.5)" \
    "$(expected run.tidy loss-ema:0.5 40)"
equals "of a log of classes" "$(overlaps class.tidy --top 40)" "$(expected class.tidy correctness 40)"
equals "of all samples" "$(overlaps run.tidy --top 1000)" "nan 1 1 1 1 1 "
equals "of one sample where 1% is less" "$(tidy-analyze epochs small.tidy | tail -1 | cut -f7 | grep -c '^[01]$')" 1

# Without it the log is not replayed, and the other columns are the same.
equals "--no-overlap" "$(tidy-analyze epochs run.tidy --no-overlap)" "$(tidy-analyze epochs run.tidy | cut -f1-6)"
equals "no finished epoch" "$(tidy-analyze epochs begun.tidy | wc -l)" 1
equals "JSON" "$(tidy-analyze epochs run.tidy --json | head -1 | grep -c '"overlap":null}$')" 1

fails 2 "--top 1001: run.tidy has only 1000 samples" tidy-analyze epochs run.tidy --top 1001
fails 2 "--score majority-disagreement: it needs a sum for each class.*such as aum" \
    tidy-analyze epochs run.tidy --score majority-disagreement
fails 2 "works on one score" tidy-analyze epochs run.tidy --score aum,confidence
fails 1 "score 'aum' needs --detail margin" tidy-analyze epochs class.tidy --score aum
fails 1 "run.tidy: there is no run 2; it holds 1" tidy-analyze epochs run.tidy --run 2
finish
