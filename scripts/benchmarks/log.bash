# The log: what recording costs, how large it is, and how both grow.
option_nets="small resnet50" option_mnist=${MNIST:-$SOURCE/../shared/data/mnist} option_logs=
option_fashion_mnist=${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}

log_help() {
    cat <<'HELP'
The log: what it costs beside the training step, how many bytes a prediction takes, and how time and memory grow with
samples, epochs and classes (generated runs: tests/bench/generated_run.h).

usage: scripts/bench log [OPTION...]

options:
  --rounds N               rounds (5)
  --nets NAMES             networks whose step it is set beside ("small resnet50")
  --mnist FOLDER           MNIST (../shared/data/mnist); 15 epochs of it and 20 of Fashion-MNIST are recorded with the default
  --fashion-mnist FOLDER   network, for their bytes at class and margin detail (6 minutes); none: no recordings
  --logs FOLDER            where these two logs are kept, and not recorded again where they are there
  --quick                  one small round: says whether it runs, not how fast

The cost is processor time of the trainer's thread in the log and of the writer's thread, packing included, over the processor
time of a step that is not logged divided by its threads: what the step takes where nothing else runs, or a little less.

example:
  scripts/bench log --nets small --logs recorded
HELP
}

# Cost of each detail beside a network's step.
cost_beside_step() {
    local net=$1 steps=$2 detail limit data=$option_mnist
    for detail in class margin probs full; do
        "$BIN/bench-recording" "$net" 128 "$threads" f32 "$detail" "$steps" "$data" "$scratch/recording.tidy" >"$scratch/cost"
        limit=
        [ "$detail" != margin ] || limit="under 1"
        [ "$detail" != probs ] || limit="under 5"
        note "$net, $detail: cost, % of a step" "$(calculate "100 * $(value "$scratch/cost" cost)")" "$limit"
        note "$net, $detail: trainer's thread, µs a step" "$(value "$scratch/cost" append-us)"
        note "$net, $detail: writer's thread, µs a step" "$(value "$scratch/cost" writer-us)"
        note "$net, $detail: logged step over one that is not, on the clock" \
            "$(calculate "$(value "$scratch/cost" logged-step-ms) / $(value "$scratch/cost" step-ms)")"
    done
}

# generated NAME OPTION...: records a generated run; notes what it cost and how large it is.
generated() {
    local name=$1 log=$scratch/generated.tidy
    shift
    "$BIN/generate-log" -o "$log" --force --cost "$@" >"$scratch/cost"
    "$BIN/tidy-analyze" info "$log" >"$scratch/info"
    "$BIN/bench-replay" "$log" 3 >"$scratch/replay"
    note "$name: log, ns a prediction" "$(value "$scratch/cost" log-ns-a-prediction)"
    note "$name: bytes a prediction" "$(value "$scratch/info" bytes-per-prediction)"
    note "$name: file, bytes a prediction" "$(calculate "$(stat -c %s "$log") / $(value "$scratch/info" predictions)")"
    note "$name: largest memory, MB" "$(value "$scratch/cost" largest-memory-mb)"
    note "$name: longest append, ms" "$(value "$scratch/cost" longest-append-ms)"
    note "$name: replay, million predictions/s, 1 thread" "$(value "$scratch/replay" million-predictions-a-s)"
}

# recorded NAME DATA EPOCHS CLASS_LIMIT MARGIN_LIMIT: a real run's bytes. It is recorded once, with its logits; what a run of less
# detail would have logged is taken from that.
recorded() {
    local log=$option_logs/$1.tidy detail limit=$4
    [ -e "$log" ] || "$BIN/tidy-record" train --data "$2" --epochs "$3" --detail full --noise every:100 -o "$log" >&2
    for detail in class margin; do
        "$BIN/tidy-analyze" subset "$log" --detail $detail -o "$scratch/less.tidy" --force 2>/dev/null
        "$BIN/tidy-analyze" info "$scratch/less.tidy" >"$scratch/info"
        note "$1, $3 epochs, $detail: bytes a prediction" "$(value "$scratch/info" bytes-per-prediction)" "at most $limit"
        note "$1, $3 epochs, $detail: file, bytes a prediction" \
            "$(calculate "$(stat -c %s "$scratch/less.tidy") / $(value "$scratch/info" predictions)")"
        limit=$5
    done
}

bench_log() {
    local r net detail samples epochs classes sizes="10000 100000 1000000" steps
    programs bench-recording bench-replay generate-log tidy-analyze tidy-record
    [ -n "$option_logs" ] || option_logs=$scratch
    mkdir -p "$option_logs"
    print_machine
    if [ $quick = yes ]; then
        generated "200 samples, 10 epochs" --samples 200 --epochs 10
        print_table "Generated run"
        return
    fi
    if [ -e "$option_mnist" ]; then
        for ((r = 0; r < rounds; r++)); do
            for net in $option_nets; do
                # An epoch of the small network and a little more: packing an epoch is in it.
                steps=480
                [ "$net" = small ] || steps=20
                cost_beside_step "$net" "$steps"
            done
        done
        print_table "What logging costs while training on MNIST, batch 128"
    fi
    if [ "$option_mnist" != none ] && [ "$option_fashion_mnist" != none ]; then
        recorded mnist "$option_mnist" 15 0.03 0.8
        recorded fashion-mnist "$option_fashion_mnist" 20 0.07 1.0
        print_table "Stored bytes (keys and values) of recordings of the default network, every 100th label wrong"
    fi
    for ((r = 0; r < rounds; r++)); do
        for samples in $sizes; do
            generated "$samples samples, 10 epochs" --samples "$samples" --epochs 10
        done
        for epochs in 100 1000; do
            generated "10000 samples, $epochs epochs" --samples 10000 --epochs "$epochs"
        done
    done
    print_table "How the log grows: 10 classes, margin detail, generated"
    for ((r = 0; r < rounds; r++)); do
        for classes in 1000 21000; do
            generated "$classes classes, 100000 samples, 10 epochs" \
                --like imagenet --samples 100000 --epochs 10 --classes "$classes"
        done
    done
    print_table "Many classes: margin detail, generated"
}
