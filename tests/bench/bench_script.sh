# scripts/bench: each command runs in its quick mode and prints a table of numbers, its help names every option, and what it is
# not told to do is an error.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
bench=$TIDY_SOURCE/scripts/bench

# A row of each part of a benchmark, with three numbers in order.
row() {
    awk -F'\t' -v name="$1" '$1 == name && $2 > 0 && $2 <= $3 && $3 <= $4 { found = 1 } END { exit !found }' stdout ||
        fail "no row '$1' with numbers: $(cat stdout)"
}

for command in train log analyze; do
    "$bench" $command --quick --rounds 2 >stdout 2>stderr || fail "bench $command: $(cat stderr)"
    grep -q $'^#what\tmin\tmedian\tmax\tshould_be\tprocessor_ms$' stdout || fail "bench $command: no table"
    case $command in
    train)
        row "tidy f32 images/s"
        row "matmul f32 GFLOP/s"
        row "share of the f32 limit reached"
        row "two at once: both together against one"
        ;;
    log)
        row "200 samples, 10 epochs: log, ns a prediction"
        row "200 samples, 10 epochs: bytes a prediction"
        ;;
    analyze)
        row "6 M margins: all streamed scores, every sample printed, ms"
        row "115 M classes, one score: memory without the log's pages, bytes a sample"
        row "1.28 M samples: chart pr, drawn by gnuplot, ms"
        row "1 GB: info, ms"
        ;;
    esac
    "$bench" $command --help >help || fail "bench $command --help"
    for option in $(grep -ohE '^option_[a-z_]+|\boption_[a-z_]+=' "$TIDY_SOURCE/scripts/benchmarks/$command.bash" |
        sed 's/^option_//; s/=$//; s/_/-/g' | sort -u) rounds quick; do
        grep -qE -- "^  --$option( |$)" help || fail "bench $command --help does not name --$option"
    done
done

# The cost of the log beside a step, on a data set that is made here.
make-idx data 256 40 4 12 && bench-recording small 64 1 f32 margin 8 data run.tidy >cost 2>stderr ||
    fail "bench-recording: $(cat stderr)"
tidy-analyze verify run.tidy >verified || fail "what bench-recording logged is not whole"

errors() { # STATUS PATTERN ARGUMENT...
    "$bench" "${@:3}" >stdout 2>stderr
    equals "bench ${*:3}: exit status" $? "$1"
    grep -qE -- "$2" stderr || fail "bench ${*:3}: says '$(cat stderr)'"
}
errors 2 "scripts/bench train, log or analyze"
errors 2 "scripts/bench train, log or analyze" all
errors 2 "no option '--fast'; 'scripts/bench log --help'" log --fast 1
errors 2 "'--rounds' needs a value" log --rounds
errors 2 "--rounds: '0' is not a number above 0" log --rounds 0
errors 2 "what is 'now'" train now
finish
