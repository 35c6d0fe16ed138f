# Analysis: from a program's cold start to its output, beside other tools.
option_large_samples=1280000 option_large_epochs=90 option_logs=
interpretdl_seconds=14.1 # load 12.2, find_noisy_labels 1.05, forgetting statistics 0.90: measured once, on a machine of this class

analyze_help() {
    cat <<'HELP'
Analysis, from the program's start to its end: 6 million predictions beside NumPy's and InterpretDL's time, 115 million
predictions of 1,000 classes, a log of 1 GB, charts. Logs are generated (tests/bench/generated_run.h).

usage: scripts/bench analyze [OPTION...]

options:
  --rounds N          rounds (5)
  --large-samples N   samples of the large log (1280000)
  --large-epochs N    and its epochs (90)
  --logs FOLDER       where logs are kept (1.6 GB), and not generated again where they are there
  --quick             one round of small logs: says whether it runs, not how fast

example:
  scripts/bench analyze --rounds 3 --logs generated
HELP
}

# log NAME OPTION...: generates it where it is not there. Sets log to its path.
log() {
    log=$option_logs/$1.tidy
    [ -e "$log" ] || "$BIN/generate-log" -o "$log" "${@:2}"
}

# takes NAME LIMIT COMMAND...: notes a command's milliseconds on the clock.
takes() {
    timed "${@:3}"
    note "$1, ms" "$(calculate "1000 * $seconds")" "$2" "$(calculate "1000 * $processor")"
}

# resident NAME: the largest memory of the command timed last, less the log's pages, which the kernel may take back.
resident() {
    note "$1: memory without the log's pages, bytes a sample" \
        "$(calculate "($megabytes * 1048576 - $(stat -c %s "$log")) / $samples")" "$2"
}

# scores DETAIL...: those of these details that one replay feeds: not ctrl and label-posterior, which replay again
scores() {
    "$BIN/tidy-analyze" samples --help | awk -v details=" $* " '$3 ~ /^(high|low)$/ && index(details, " " $2 " ") && $1 != "ctrl" &&
        $1 !~ /second-split/ && $1 != "label-posterior" { print $1 }' | paste -sd,
}

small_logs() {
    local samples=60000 epochs=100 python=${PYTHON:-/usr/bin/python3}
    [ $quick = no ] || { samples=500 epochs=10; }
    log class-6m --samples $samples --epochs $epochs --detail class
    takes "6 M classes: all class scores, evaluated" "at most 40" "$BIN/tidy-analyze" eval "$log" --score "$(scores class)"
    note "6 M classes: InterpretDL's 14.1 s over that" "$(calculate "$interpretdl_seconds / $seconds")"
    takes "6 M classes: all class scores, every sample printed" "at most 80" \
        "$BIN/tidy-analyze" samples "$log" --score "$(scores class)"
    if "$python" -c 'import numpy' 2>/dev/null; then
        local vectorised ours
        vectorised=$("$python" "$SOURCE/scripts/peer_statistics.py" $samples $epochs)
        note "6 M classes: two statistics by NumPy, arrays in memory, ms" "$vectorised"
        takes "6 M classes: the same two, from the program's start" "" "$BIN/tidy-analyze" eval "$log" \
            --score forgetting-events,mean-correct-epoch
        ours=$(calculate "1000 * $seconds")
        note "6 M classes: NumPy's time over that" "$(calculate "$vectorised / $ours")"
    fi
    log margin-6m --samples $samples --epochs $epochs
    takes "6 M margins: all streamed scores, evaluated" "at most 100" \
        "$BIN/tidy-analyze" eval "$log" --score "$(scores class margin)"
    takes "6 M margins: all streamed scores, every sample printed" "at most 200" \
        "$BIN/tidy-analyze" samples "$log" --score "$(scores class margin)"
    takes "6 M margins: all scores with ctrl and label-posterior, evaluated" "" "$BIN/tidy-analyze" eval "$log" --score all
}

large_logs() {
    local samples=$option_large_samples epochs=$option_large_epochs chart
    [ $quick = no ] || { samples=2000 epochs=5; }
    log class-115m --like imagenet --classes 1000 --batch-size 256 --samples "$samples" --epochs "$epochs" --detail class
    takes "115 M classes: all class scores, evaluated" "at most 600, and its rankings" \
        "$BIN/tidy-analyze" eval "$log" --score "$(scores class)"
    resident "115 M classes, all class scores" ""
    takes "115 M classes: one score, evaluated" "at most 600" "$BIN/tidy-analyze" eval "$log" --score forgetting-events
    note "115 M classes: million predictions/s" "$(calculate "$samples * $epochs / $seconds / 1e6")"
    note "115 M classes: log's GB/s" "$(calculate "$(stat -c %s "$log") / $seconds / 1e9")"
    resident "115 M classes, one score" "64 and a block"
    timed taskset -c 0 "$BIN/tidy-analyze" eval "$log" --score forgetting-events
    note "115 M classes: one score on one core, ms" "$(calculate "1000 * $seconds")"
    log margin-115m --like imagenet --classes 1000 --batch-size 256 --samples "$samples" --epochs "$epochs"
    takes "115 M margins: one score (aum), evaluated" "" "$BIN/tidy-analyze" eval "$log" --score aum
    takes "115 M margins: all streamed scores, evaluated" "" "$BIN/tidy-analyze" eval "$log" --score "$(scores class margin)"
    resident "115 M margins, all streamed scores" ""

    # One epoch of as many samples: what is left is the work on samples.
    log class-one-epoch --like imagenet --classes 1000 --batch-size 256 --samples "$samples" --epochs 1
    takes "1.28 M samples, one epoch: eval" "at most 300" "$BIN/tidy-analyze" eval "$log" --score aum
    takes "1.28 M samples, one epoch: sweep" "at most 300" "$BIN/tidy-analyze" sweep "$log" --score aum
    log=$option_logs/class-115m.tidy
    for chart in learning forgetting pr noise overlap; do
        timed "$BIN/tidy-analyze" plot "$chart" "$log"
        cp "$scratch/stdout" "$scratch/chart.gnuplot"
        note "1.28 M samples: chart $chart, script's KB" "$(calculate "$(stat -c %s "$scratch/chart.gnuplot") / 1e3")" small
        takes "1.28 M samples: chart $chart, drawn by gnuplot" "under 2000" gnuplot "$scratch/chart.gnuplot"
    done
}

# A log of 1 GB: all logits of 1,000 classes.
wide_log() {
    local samples=25000
    [ $quick = no ] || samples=500
    log full-1gb --samples $samples --epochs 10 --classes 1000 --detail full
    takes "1 GB: info" "at most 5" "$BIN/tidy-analyze" info "$log"
}

bench_analyze() {
    local r log
    programs bench-command bench-columns generate-log tidy-analyze
    [ -n "$option_logs" ] || option_logs=$scratch
    mkdir -p "$option_logs"
    print_machine
    for ((r = 0; r < rounds; r++)); do
        small_logs
        large_logs
        wide_log
    done
    print_table "Analysis, from a program's start to its end, $(nproc) cores"
    [ $quick = yes ] || { printf '\n## Decoding of packed epochs, one core\n' && "$BIN/bench-columns"; }
}
