# merge and subset: logs made of logs give the scores that theirs give; what does not fit is refused, nothing half-written.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
make-log run.tidy margin 500 4 3
cp run.tidy again.tidy
make-log other.tidy margin 400 4 0
make-log class.tidy class 500 4 0

# The value of a key in `info`.
info_of() {
    tidy-analyze info "$1" | awk -F '\t' -v key="$2" '$1 == key { print $2 }'
}

# A subset's samples have the scores that they had, under new numbers; the count is said.
tidy-analyze samples run.tidy --score forgetting-events,aum,correctness >whole
equals "lines of scores" "$(wc -l <whole)" 501
(echo '#sample'; seq 499 -5 0) >list
tidy-analyze subset run.tidy list -o subset.tidy 2>said || fail "subset: $(cat said)"
equals "what subset says" "$(cat said)" \
    "subset.tidy: 100 of the 500 samples of run.tidy, numbered from 0 in the same order"
tidy-analyze samples subset.tidy --score forgetting-events,aum,correctness | cut -f 2- >got
(head -n 1 whole; awk -F '\t' '$1 % 5 == 4' whole) | cut -f 2- >expected
cmp -s expected got || fail "the subset's scores differ: $(diff expected got | head -4)"
equals "epochs of the subset" "$(info_of subset.tidy epochs-planned) $(info_of subset.tidy epochs-finished)" "4 4"
tidy-analyze verify subset.tidy >/dev/null 2>&1 || fail "verify subset.tidy"
tidy-analyze subset run.tidy - -o from-stdin.tidy <list 2>/dev/null || fail "subset from standard input"
cmp -s subset.tidy from-stdin.tidy || fail "the same list on standard input gives another log"

# Less detail: the scores of a log that was recorded so, of all samples or a list's; the log that is read has more.
make-log full.tidy full 500 4 3
scores=forgetting-events,aum,mean-loss,confidence
tidy-analyze subset full.tidy --detail margin -o less.tidy 2>said || fail "subset --detail: $(cat said)"
equals "what subset --detail says" "$(cat said)" "less.tidy: the 500 samples of full.tidy, with --detail margin"
tidy-analyze samples less.tidy --score $scores >got
tidy-analyze samples run.tidy --score $scores >expected
cmp -s expected got || fail "the scores of less detail differ: $(diff expected got | head -4)"
equals "detail" "$(info_of less.tidy detail)" margin
tidy-analyze subset full.tidy list --detail class -o less.tidy --force 2>said || fail "subset LIST --detail: $(cat said)"
equals "what subset LIST --detail says" "$(cat said)" \
    "less.tidy: 100 of the 500 samples of full.tidy, numbered from 0 in the same order, with --detail class"
tidy-analyze samples less.tidy --score forgetting-events >got
tidy-analyze samples subset.tidy --score forgetting-events >expected
cmp -s expected got || fail "the scores of a list with less detail differ: $(diff expected got | head -4)"

# Two shards of a log are the log.
seq 0 199 >first
seq 200 499 >second
tidy-analyze subset run.tidy first -o shard1.tidy 2>/dev/null
tidy-analyze subset run.tidy second -o shard2.tidy 2>/dev/null
tidy-analyze merge --shards shard1.tidy shard2.tidy -o joined.tidy 2>said || fail "merge --shards: $(cat said)"
equals "what merge --shards says" "$(cat said)" "joined.tidy: 500 samples of 2 shards"
tidy-analyze samples joined.tidy --score forgetting-events,aum,correctness >got
cmp -s whole got || fail "the joined log's scores differ: $(diff whole got | head -4)"
equals "accuracy" "$(tidy-analyze epochs joined.tidy | cut -f 3)" "$(tidy-analyze epochs run.tidy | cut -f 3)"

# Runs.
equals "runs of one" "$(info_of run.tidy runs)" ""
tidy-analyze merge run.tidy again.tidy -o runs.tidy 2>said || fail "merge: $(cat said)"
equals "what merge says" "$(cat said)" "runs.tidy: 2 runs of 500 samples"
equals "runs" "$(info_of runs.tidy runs)" 2
tidy-analyze verify runs.tidy >/dev/null 2>said || fail "verify runs.tidy: $(cat said)"
one=$(tidy-analyze verify run.tidy 2>&1 >/dev/null | sed 's/.*: \([0-9]*\) records.*/\1/')
grep -q ": $((2 * one)) records checked, none damaged" said || fail "verify runs.tidy says $(cat said)"

# Splits and probes are in `info`. Of 300 samples every third is in the second split; of the others those that 7 divides
# (43 - 14 = 29) are in none.
mkdir formats
log_format_fixture write formats
equals "splits" "$(info_of formats/splits.tidy first-split) $(info_of formats/splits.tidy second-split) \
$(info_of formats/splits.tidy left-out) $(info_of formats/splits.tidy second-split-from-epoch)" "171 100 29 1"
# In steps of 64: 171 samples make 3, 100 make 2.
equals "steps of an epoch" "$(info_of formats/splits.tidy steps-per-epoch) \
$(info_of formats/splits.tidy steps-per-epoch-of-second-split)" "3 5"
equals "probes" "$(info_of formats/splits.tidy probes)" threshold-samples
equals "predictions of uneven epochs" "$(info_of formats/uneven.tidy predictions)" $((15 * 64 - 3 * 20))
equals "splits of one that has none" "$(info_of run.tidy first-split)$(info_of run.tidy probes)" ""

# What goes wrong leaves nothing behind.
listing() {
    ls | grep -vxE 'stdout|stderr|outside|before|after'
}
listing >before
fails 2 "two logs or more are needed" tidy-analyze merge run.tidy -o none.tidy
fails 2 "merge: -o FILE.tidy is needed" tidy-analyze merge run.tidy class.tidy
fails 2 "subset: -o FILE.tidy is needed" tidy-analyze subset run.tidy list
fails 2 "subset: missing argument" tidy-analyze subset -o none.tidy
fails 2 "subset: surplus argument" tidy-analyze subset run.tidy list list -o none.tidy
fails 2 "subset: a LIST of samples or --detail LEVEL is needed" tidy-analyze subset run.tidy -o none.tidy
fails 1 "run.tidy: it has --detail margin; a copy can have as much or less, not probs" \
    tidy-analyze subset run.tidy --detail probs -o none.tidy
fails 1 "other.tidy: it has 400 samples, run.tidy has 500" tidy-analyze merge run.tidy other.tidy -o none.tidy
fails 1 "class.tidy: it has --detail class, run.tidy has margin" \
    tidy-analyze merge --shards run.tidy class.tidy -o none.tidy
fails 1 "missing.tidy: .*[Nn]o such file" tidy-analyze merge run.tidy missing.tidy -o none.tidy
fails 1 "runs.tidy: the file exists" tidy-analyze merge run.tidy again.tidy -o runs.tidy
fails 1 "formats/splits.tidy: its samples cannot be copied apart: it has a second split" \
    tidy-analyze subset formats/splits.tidy first -o none.tidy
fails 1 "missing-list cannot be read" tidy-analyze subset run.tidy missing-list -o none.tidy
# A log that is read is not lost to its subset or an array, and counts once.
for arguments in "subset run.tidy list" "export run.tidy --what predictions"; do
    fails 1 "run.tidy is read, and so cannot be replaced" tidy-analyze $arguments -o run.tidy --force
done
fails 2 "merge: ./run.tidy is given twice" tidy-analyze merge run.tidy ./run.tidy -o none.tidy
fails 2 "-o: '-' is no name of a file" tidy-analyze export run.tidy --what predictions -o -
fails 2 "-o: '' is no name of a file" tidy-analyze subset run.tidy list -o ""
fails 1 "standard input: no sample is listed" tidy-analyze subset run.tidy - -o none.tidy
echo 500 >outside
fails 1 "outside, line 1: there is no sample 500" tidy-analyze subset run.tidy outside -o none.tidy
fails 1 "folder/none.tidy: cannot create it: No such file" tidy-analyze merge run.tidy again.tidy -o folder/none.tidy
listing >after
cmp -s before after || fail "files were left: $(diff before after)"

# --force replaces, also what is being read: the log then holds one run more.
tidy-analyze merge run.tidy runs.tidy -o runs.tidy --force 2>/dev/null || fail "merge --force over an input"
equals "runs" "$(info_of runs.tidy runs)" 3
finish
