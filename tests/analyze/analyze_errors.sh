# What goes wrong: one clear line, nothing on stdout, exit status 1, or 2 for wrong usage.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
make-log run.tidy margin 500 4 0
cp run.tidy again.tidy
make-log class.tidy class 500 4 0
make-log unknown.tidy margin 500 4 0 no-truth
make-log begun.tidy margin 500 0 3
head -c 9000 run.tidy >truncated.tidy
echo "not a log" >text.tidy

# Files.
for command in info epochs samples sweep verify "flag --threshold top:0.1" "eval --score aum" "plot pr"; do
    set -- $command
    fails 1 "missing.tidy: .*[Nn]o such file" tidy-analyze "$@" missing.tidy
    fails 1 "text.tidy: .*not a" tidy-analyze "$@" text.tidy
    fails 1 "truncated.tidy: " tidy-analyze "$@" truncated.tidy
done
for command in samples sweep "flag --threshold top:0.1" "eval --score aum" "plot pr" "plot learning" "plot forgetting"; do
    set -- $command
    fails 1 "begun.tidy: no epoch is finished yet" tidy-analyze "$@" begun.tidy
done

# Usage.
fails 2 "no command given" tidy-analyze
fails 2 "unknown command 'flags'; did you mean 'flag'" tidy-analyze flags run.tidy
fails 2 "flag: missing argument; usage: tidy-analyze flag run.tidy" tidy-analyze flag --threshold top:0.1
fails 2 "surplus argument 'class.tidy'" tidy-analyze epochs run.tidy class.tidy
fails 2 "unknown option '--tresh'" tidy-analyze flag run.tidy --tresh top:0.1
fails 2 "works on one score" tidy-analyze flag run.tidy --score aum,confidence --threshold gmm
fails 2 "works on one score" tidy-analyze sweep run.tidy --score all
fails 2 "--threshold cuts a score" tidy-analyze eval run.tidy --threshold gmm

fails 2 "agreement needs two scores, or two logs" tidy-analyze compare run.tidy --agreement --score aum
fails 2 "--top 1.5: .* whole" tidy-analyze epochs run.tidy --top 1.5

# Scores and rules.
fails 2 "unknown score 'amu'; did you mean 'aum'" tidy-analyze samples run.tidy --score amu
fails 2 "'loss-at:EPOCH': 9 is out of range \(0 to 3\)" tidy-analyze eval run.tidy --score loss-at:9
fails 1 "class.tidy: score 'aum' needs --detail margin or more; this log was recorded with --detail class" \
    tidy-analyze eval class.tidy --score aum
fails 1 "run.tidy: score 'el2n' needs --detail probs or more" tidy-analyze flag run.tidy --score el2n --threshold otsu
fails 2 "unknown threshold rule 'gnm'; did you mean 'gmm'" tidy-analyze flag run.tidy --threshold gnm
fails 2 "threshold 'top:x': 'x' is not a number" tidy-analyze flag run.tidy --threshold top:x
fails 2 "threshold 'top:nan': 'nan' is not a number" tidy-analyze eval run.tidy --score aum --threshold top:nan
fails 2 "threshold 'top:2': 2 is out of range" tidy-analyze eval run.tidy --score all --threshold top:2
fails 2 "threshold 'count:501': run.tidy has only 500 samples" tidy-analyze eval run.tidy --score all --threshold count:501

# Windows of epochs, and several runs; run.tidy has four epochs.
window_fails() {
    local status=$1 pattern=$2
    shift 2
    for command in samples "flag --threshold top:0.1" "eval --score aum" sweep "plot pr"; do
        fails "$status" "$pattern" tidy-analyze $command run.tidy "$@"
    done
}
window_fails 2 "--epochs 2..4: run.tidy has 4 finished epochs, 0..3" --epochs 2..4
window_fails 2 "--epochs 3..2: the first epoch comes after the last" --epochs 3..2
window_fails 2 "--epochs 3: two epochs are needed, as in 3..20" --epochs 3
window_fails 2 "--epochs: 'a' is not a whole number" --epochs a..3
window_fails 2 "--epochs: '' is not a whole number" --epochs 1..
window_fails 2 "--first 5: run.tidy has 4 finished epochs, 0..3" --first 5
window_fails 2 "--last: 0 is out of range" --last 0
window_fails 2 "--epochs, --first and --last exclude each other" --first 2 --last 2
window_fails 2 "--over-runs: unknown choice 'mena'; did you mean 'mean'" --over-runs mena
fails 2 "'loss-at:EPOCH': 3 is out of range \(1 to 2\)" tidy-analyze samples run.tidy --score loss-at:3 --epochs 1..2
fails 1 "run.tidy: score 'second-split-forgetting' needs a run in two phases.*'tidy-record train --second-split' records" \
    tidy-analyze samples run.tidy --score second-split-forgetting
fails 2 "plot learning takes no --epochs, --first, --last" tidy-analyze plot learning run.tidy --first 2
tidy-analyze merge run.tidy again.tidy -o twice.tidy 2>/dev/null || fail "merge"
fails 2 "--over-runs toneva orders by forgetting-events only, not by 'aum'" \
    tidy-analyze sweep twice.tidy --score aum --over-runs toneva
fails 1 "twice.tidy: forgotten-at lists the epochs of one run, and this log has 2" \
    tidy-analyze samples twice.tidy --score forgotten-at

# Truth that is not known.
fails 1 "unknown.tidy: the true labels are not known" tidy-analyze eval unknown.tidy --score aum
fails 1 "unknown.tidy: the true labels are not known" tidy-analyze sweep unknown.tidy
fails 1 "unknown.tidy: the true labels are not known" tidy-analyze plot pr unknown.tidy

# Lists on standard input: the message names the line.
list_fails() {
    printf "$1" >list
    fails 1 "standard input, $2" bash -c 'tidy-analyze eval run.tidy <list'
}
list_fails '#sample\n3\nx7\n' "line 3: 'x7' is not a sample index"
list_fails '3\n-4\n' "line 2: '-4' is not a sample index"
list_fails '3\n4.0\n' "line 2: '4.0' is not a sample index"
list_fails '3 5\n{"sample":1}\n' "line 2: '\{\"sample\":1\}' is not a sample index"
list_fails '3\n500\n' "line 2: there is no sample 500: the log's go from 0 to 499"
list_fails '3\n99999999999999999999999\n' "line 2: there is no sample 9999"
list_fails '3\n\n7\n3\n' "line 4: sample 3 is listed already in line 1"
fails 1 "standard input cannot be read" bash -c 'tidy-analyze eval run.tidy <.'
if command -v script >/dev/null; then
    script -qec "tidy-analyze eval run.tidy" /dev/null >stdout 2>&1 </dev/null
    grep -q "eval: name scores with --score, or pipe a list of samples in" stdout ||
        fail "eval on a terminal says: $(cat stdout)"
fi

# Charts.
fails 2 "unknown chart 'lerning'; did you mean 'learning'" tidy-analyze plot lerning run.tidy
fails 2 "plot learning takes no --score" tidy-analyze plot learning run.tidy --score aum
fails 2 "x.jpg: charts are drawn as .png, .svg or .pdf" tidy-analyze plot pr run.tidy -o x.jpg
fails 2 "a chart has room for 7 scores, not 19" tidy-analyze plot pr run.tidy --score all
fails 2 "--force goes with -o FILE" tidy-analyze plot pr run.tidy --force
finish
