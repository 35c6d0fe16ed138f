# Memory and speed: a replay keeps 64 bytes a sample, whatever the log's length, and a thread a kind of sum changes nothing.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
samples=200000
generate-log -o short.tidy --like imagenet --samples $samples --epochs 2 --classes 1000 --batch-size 256 || fail "generate-log"
generate-log -o long.tidy --like imagenet --samples $samples --epochs 8 --classes 1000 --batch-size 256 || fail "generate-log"

# Of data (not the log's pages, which the kernel may take back): 64 bytes of dynamics; 2 of labels twice or thrice and 4 of
# the order for replaying; 4 + 4 + 2 x 8 for the ranking; 4 of a column and 8 + 64 of lists of classes predicted; 2 of flags.
# label-posterior takes 68 of means, 44 of rows, 12 of results and a column of 4.
# 16 MB are the program's own, its threads' and their batches of steps'. AddressSanitizer takes more.
bound_kilobytes=$(((samples * (64 + 6 + 4 + 24 + 4 + 8 + 64 + 2 + 128)) / 1024 + 16384))
if ! nm "$(command -v tidy-analyze)" | grep __asan_init >/dev/null; then # all of it: grep -q would break nm's pipe
    (ulimit -d $bound_kilobytes && tidy-analyze eval long.tidy --score all >limited 2>stderr) ||
        fail "eval of $samples samples within $bound_kilobytes KB of data: $(cat stderr)"
    tidy-analyze eval long.tidy --score all >unlimited || fail "eval"
    cmp -s limited unlimited || fail "eval within the bound gives another table"
    (ulimit -d $((samples * 64 / 1024)) && tidy-analyze eval short.tidy --score aum >stdout 2>stderr) &&
        fail "the limit on memory limits nothing"
fi

# Several threads give what one processor gives.
tidy-analyze samples long.tidy --score all >several || fail "samples"
taskset -c 0 tidy-analyze samples long.tidy --score all >one || fail "samples on one processor"
cmp -s several one || fail "one processor gives another table"

# A chart's script does not grow with the samples: only what shows is in it.
for chart in learning forgetting pr; do
    tidy-analyze plot $chart long.tidy >script || fail "plot $chart"
    [ "$(wc -c <script)" -lt 60000 ] || fail "plot $chart of $samples samples: a script of $(wc -c <script) bytes"
done

# Replayed twice, the classes predicted are the same: what a score says and what is suggested.
equals "most predicted class of those that disagree" \
    "$(tidy-analyze flag long.tidy --score majority-disagreement --threshold value:0.5 | awk '!/#/ && $3 == $4' | wc -l)" 0
finish
