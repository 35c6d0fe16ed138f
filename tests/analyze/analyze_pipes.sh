# Tables and pipes: headers, JSON, and commands that feed each other.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
make-log run.tidy margin 1000 8 0
cp run.tidy again.tidy
make-log partial.tidy class 1000 3 5

header() { tidy-analyze "$@" | head -1 | tr '\t' ' '; }
equals "columns of eval" "$(header eval run.tidy --score aum)" \
    "#score rule flagged precision recall f1 ap auroc best_f1"
equals "columns of sweep" "$(header sweep run.tidy)" "#threshold flagged precision recall f1"
equals "columns of flag" "$(header flag run.tidy --threshold top:0.01)" "#sample score label suggested probability truth"
equals "columns of samples" "$(header samples run.tidy --score aum,loss-at:3,forgotten-at)" \
    "#sample label truth aum loss-at:3 forgotten-at"
equals "class scores of a class log" "$(header samples partial.tidy)" \
    "#sample label truth correctness forgetting-events never-learned unforgettable first-learned \
presentations-to-learn mean-correct-epoch mean-correct-epoch-or-never majority-disagreement"
equals "lines of samples" "$(tidy-analyze samples run.tidy | grep -vc '#')" 1000

# info knows where the run stands: 3 of 4 epochs, 5 of 16 steps.
value() { tidy-analyze info partial.tidy | awk -F'\t' -v key="$1" '$1 == key { print $2 }'; }
equals "epochs finished" "$(value epochs-finished)/$(value epochs-planned)" 3/4
equals "steps of the unfinished epoch" "$(value steps-of-unfinished-epoch)" 5
equals "mislabelled" "$(value mislabelled)" 50
equals "device" "$(value device)/$(value precision)/$(value deterministic)" cuda/bf16/yes
equals "predictions" "$(value predictions)" $((3 * 1000 + 5 * 64))

# A score cut by a rule, and the same suspects as a list through a pipe, are worth the same.
direct=$(tidy-analyze eval run.tidy --score aum --threshold top:0.05 | tail -1 | cut -f3-6)
piped=$(tidy-analyze flag run.tidy --score aum --threshold top:0.05 | cut -f1 | tidy-analyze eval run.tidy |
    tail -1 | cut -f3-6)
equals "eval of a list" "$piped" "$direct"
equals "the list's score column" \
    "$(tidy-analyze flag run.tidy --threshold count:9 | tidy-analyze eval run.tidy | tail -1 | cut -f1-3)" \
    "$(printf 'stdin\t-\t9')"
all=$(tidy-analyze flag run.tidy --score aum --threshold count:1000 | tidy-analyze eval run.tidy | tail -1 | cut -f7-9)
equals "ranking of a full list" "$all" "$(tidy-analyze eval run.tidy --score aum | tail -1 | cut -f7-9)"
equals "no rule" "$(tidy-analyze eval run.tidy --score aum | tail -1 | cut -f2-6)" "$(printf -- '-\tnan\tnan\tnan\tnan')"

# By hand: samples 0, 20, 40 ... are mislabelled, 50 of 1000. Listed: 20 (hit), 1 (miss), 0 (hit).
equals "a list by hand" "$(printf '#sample\n20\n\n1\textra\n0\n' | tidy-analyze eval run.tidy | tail -1 | cut -f3-6,9)" \
    "$(printf '3\t0.6666667\t0.04\t0.0754717\t0.0754717')"
equals "an empty list" "$(tidy-analyze eval run.tidy </dev/null | tail -1 | cut -f3-6)" "$(printf '0\tnan\t0\t0')"

# A threshold of the sweep, given back to flag, flags as many.
for score in aum mean-loss forgetting-events mean-correct-epoch-or-never; do
    for line in 2 5 9; do
        threshold=$(tidy-analyze sweep run.tidy --score $score | sed -n "${line}p" | cut -f1)
        [ -n "$threshold" ] || continue
        equals "sweep of $score, line $line" \
            "$(tidy-analyze flag run.tidy --score $score --threshold "value:$threshold" | grep -vc '#')" \
            "$(tidy-analyze sweep run.tidy --score $score | sed -n "${line}p" | cut -f2)"
    done
done
equals "best F1 is the sweep's largest" "$(tidy-analyze eval run.tidy --score aum | tail -1 | cut -f9)" \
    "$(tidy-analyze sweep run.tidy --score aum | grep -v '#' | cut -f5 | sort -g | tail -1)"

# Toneva's order of two equal runs is that of one, with twice the number: never learned counts as all eight epochs.
tidy-analyze merge run.tidy again.tidy -o twice.tidy || fail "merge"
tidy-analyze samples run.tidy --score forgetting-events,never-learned |
    awk '!/#/ { print $1, 2 * ($5 == 1 ? 8 : $4) }' | sort -s -k2,2n >expected
tidy-analyze samples twice.tidy --score forgetting-events --over-runs toneva | grep -v '#' |
    sort -t "$(printf '\t')" -s -k4,4g | cut -f1,4 | tr '\t' ' ' >order
cmp -s order expected || fail "Toneva's order over runs: $(diff order expected | head -3)"
equals "the mean of two equal runs" "$(tidy-analyze samples twice.tidy --score aum,correctness | md5sum)" \
    "$(tidy-analyze samples run.tidy --score aum,correctness | md5sum)"
equals "windows by name" "$(tidy-analyze samples run.tidy --epochs 0..2 | md5sum)" \
    "$(tidy-analyze samples run.tidy --first 3 | md5sum)"

# Most suspicious first: for AUM, low first.
tidy-analyze flag run.tidy --score aum --threshold count:50 | grep -v '#' | cut -f2 | sort -g -c 2>/dev/null ||
    fail "flag is not sorted by suspicion"

# JSON has the columns as keys, a missing value is null.
equals "JSON of eval" "$(tidy-analyze eval run.tidy --score aum --json | sed 's/:[^,}]*/:/g')" \
    '{"score":,"rule":,"flagged":,"precision":,"recall":,"f1":,"ap":,"auroc":,"best_f1":}'
tidy-analyze eval run.tidy --score aum --json | grep -q '"flagged":null' || fail "no null in JSON"
equals "JSON of info" "$(tidy-analyze info run.tidy --json | grep '"samples"')" '{"key":"samples","value":1000}'
equals "JSON lines of flag" "$(tidy-analyze flag run.tidy --threshold count:7 --json | grep -c '^{"sample":.*}$')" 7

# A reader that goes away ends the program quietly; another failed write is an error.
for command in "samples run.tidy" "sweep run.tidy" "flag run.tidy --score aum --threshold top:1" "plot pr run.tidy" "info run.tidy"; do
    tidy-analyze $command 2>stderr | head -1 >/dev/null || fail "$command | head -1: exit status ${PIPESTATUS[0]}"
    [ ! -s stderr ] || fail "$command | head -1: says $(cat stderr)"
    tidy-analyze $command >/dev/full 2>stderr
    equals "$command > /dev/full" "$? $(wc -l <stderr)" "1 1"
    grep -q "No space left on device" stderr || fail "$command > /dev/full: says $(cat stderr)"
done

# verify: good, then one damaged record after the other until predictions are hit.
tidy-analyze verify run.tidy >stdout 2>stderr || fail "verify of a good log fails: $(cat stderr)"
equals "lines about a good log" "$(grep -vc '#' stdout) $(grep -c 'none damaged' stderr)" "0 1"
found=0
for ((offset = 2048; offset < $(stat -c %s run.tidy); offset += 1500)); do
    cp run.tidy damaged.tidy
    printf '\xa5\x5a\xa5' | dd of=damaged.tidy bs=1 seek=$offset conv=notrunc status=none
    tidy-analyze verify damaged.tidy >stdout 2>stderr && continue
    grep -Eq '^(step|columns)' stdout || continue
    found=1
    equals "verify of a damaged log" "$(grep -c . stderr) $(grep -c 'records are damaged' stderr)" "1 1"
    tidy-analyze samples damaged.tidy >stdout 2>stderr
    equals "samples of a damaged log" "$? $(grep -c . stdout) $(grep -Ec 'step|columns of epoch' stderr)" "1 0 1"
    break
done
equals "a damaged record of predictions is found" $found 1
finish
