# Training: steps of tidy-record's networks beside PyTorch's and the machine's limit.
option_nets="small resnet50" option_batch=128 option_peers=install option_data= option_epochs=2
peers=${TIDY_PEERS:-$SOURCE/build/peers}

train_help() {
    cat <<'HELP'
Training steps on random images beside PyTorch's and beside the machine's own limit, in turn, several rounds in one run.

usage: scripts/bench train [OPTION...]

options:
  --rounds N       rounds (5); a round's figure is the median of its steps, the first left out
  --nets NAMES     networks ("small resnet50"): small on 28x28 pixels, the others on 32x32
  --batch N        images of a step (128)
  --peers HOW      install (default): PyTorch's latest release and oneDNN 3 are brought from PyPI into build/peers (5 GB;
                   TIDY_PEERS names another folder) where they are not there; present: only what is there; none
  --data FOLDER    also whole epochs on MNIST in FOLDER, test set included, beside PyTorch's (resnet50: minutes an epoch)
  --epochs N       how many of these (2)
  --quick          one short round of the small network and no peers: says whether it runs, not how fast

All threads, PyTorch's too, spin for microseconds and then sleep, as tidy-record's do (OMP_WAIT_POLICY, GOMP_SPINCOUNT, unless they are set).
Debian's PyTorch is measured where PYTHON (/usr/bin/python3) has it: 'apt install python3-torch'.
The limit is the step's operations, padding left out, over the rate of oneDNN's matmul primitive in that precision, plus the bytes
that must move over the triad's bandwidth: all measured in the same round (tests/bench/bench_limits.c).

example:
  scripts/bench train --nets resnet50 --rounds 3
HELP
}

# The first step compiles and touches memory for the first time: left out.
median_step() { tail -n +2 | sort -n | awk '{ s[NR] = $1 } END { print NR ? s[int((NR + 1) / 2)] : "failed" }'; }

# rate NAME COMMAND...: notes images/s, and leaves the step's seconds in step; "-" where the command cannot run here.
rate() {
    local name=$1
    shift
    step=$(timeout 120 "$@" 2>"$scratch/stderr" | median_step) || step=failed
    if [ "$step" = failed ]; then
        note "$name images/s" "not here: $(head -c 120 "$scratch/stderr" | tr '\t\n' '  ')"
    else
        note "$name images/s" "$(calculate "$option_batch / $step")"
    fi
}

# ratio NAME SECONDS SECONDS [LIMIT]: how many times as long the first takes.
ratio() {
    [[ "$2 $3" == *failed* ]] || note "$1" "$(calculate "$2 / $3")" "${4:-}"
}

fastest() { printf '%s\n' "$@" | grep -v failed | sort -g | head -n 1 || true; }

bring_peers() {
    [ "$option_peers" = install ] || return 0
    mkdir -p "$peers"
    if [ ! -e "$peers/torch/bin/python" ]; then
        python3 -m venv "$peers/torch" && "$peers/torch/bin/pip" install -q torch >&2 ||
            { rm -rf "$peers/torch" && echo "bench train: pip cannot bring PyTorch" >&2; }
    fi
    if [ ! -e "$peers/onednn/include" ]; then
        python3 -m venv "$peers/onednn" && "$peers/onednn/bin/pip" install -q onednn-devel-cpu-gomp >&2 ||
            { rm -rf "$peers/onednn" && echo "bench train: pip cannot bring oneDNN" >&2; }
    fi
}

# A second build, with oneDNN 3: find_path and find_library take what they are told.
build_with_onednn3() {
    onednn3=
    [ -e "$peers/onednn/include/oneapi/dnnl/dnnl.h" ] && [ "$option_peers" != none ] || return 0
    onednn3=$SOURCE/build/onednn3
    cmake -S "$SOURCE" -B "$onednn3" -DCMAKE_BUILD_TYPE=Release -DTIDY_CUDA=OFF -DDNNL_INCLUDE_DIR="$peers/onednn/include" \
        -DDNNL_LIBRARY="$peers/onednn/lib/libdnnl.so" >/dev/null
    cmake --build "$onednn3" --target bench-step -j "$threads" >/dev/null
    onednn3=$onednn3/bin
}

torch_version() { "$1" -c 'import torch; print(torch.__version__)' 2>/dev/null; }

# peer PYTHON NAME NET SIZE LAYOUT PRECISION STEPS
peer() {
    rate "$2 $5 $6" "$1" "$SOURCE/scripts/peer_step.py" "$3" "$option_batch" "$7" "$threads" "$4" "$5" "$6"
}

# round NET SIZE STEPS
round() {
    local net=$1 size=$2 steps=$3 tidy_f32 tidy_bf16 debian=() latest=() latest_bf16 step
    "$BIN/bench-limits" "$net" "$option_batch" "$size" "$threads" >"$scratch/limits"
    rate "tidy f32" "$BIN/bench-step" "$net" "$option_batch" "$steps" "$threads" "$size" f32
    tidy_f32=$step
    rate "tidy bf16" "$BIN/bench-step" "$net" "$option_batch" "$steps" "$threads" "$size" bf16
    tidy_bf16=$step
    if [ -n "$onednn3" ]; then
        local precision
        for precision in f32 bf16; do
            rate "tidy $precision, oneDNN 3" "$onednn3/bench-step" "$net" "$option_batch" "$steps" "$threads" "$size" \
                "$precision"
        done
    fi
    if [ -n "$debian_version" ]; then
        for layout in contiguous channels_last; do
            peer "$debian_python" "PyTorch $debian_version" "$net" "$size" "$layout" f32 "$steps"
            debian+=("$step")
        done
    fi
    if [ -n "$latest_version" ]; then
        for layout in contiguous channels_last; do
            peer "$peers/torch/bin/python" "PyTorch $latest_version" "$net" "$size" "$layout" f32 "$steps"
            latest+=("$step")
        done
        peer "$peers/torch/bin/python" "PyTorch $latest_version" "$net" "$size" channels_last bf16 "$steps"
        latest_bf16=$step
    fi
    note "matmul f32 GFLOP/s" "$(calculate "$(value "$scratch/limits" matmul-f32) / 1e9")"
    note "matmul bf16 GFLOP/s" "$(calculate "$(value "$scratch/limits" matmul-bf16) / 1e9")"
    note "triad GB/s" "$(calculate "$(value "$scratch/limits" triad) / 1e9")"
    note "limit f32 images/s" "$(calculate "$option_batch / $(value "$scratch/limits" limit-f32)")"
    note "limit bf16 images/s" "$(calculate "$option_batch / $(value "$scratch/limits" limit-bf16)")"
    local share
    share=$(of_resnet "$net" "at least 0.75")
    ratio "share of the f32 limit reached" "$(value "$scratch/limits" limit-f32)" "$tidy_f32" "$share"
    ratio "share of the bf16 limit reached" "$(value "$scratch/limits" limit-bf16)" "$tidy_bf16" "$share"
    if [ -n "$debian_version" ]; then
        local best
        best=$(fastest "${debian[@]}")
        ratio "f32: PyTorch $debian_version's time, f32" "$best" "$tidy_f32" \
            "$([ "$net" = small ] && echo "at least 2.5" || echo "about 2")"
        ratio "bf16: PyTorch $debian_version's time, f32" "$best" "$tidy_bf16" "$(of_resnet "$net" "about 3.5")"
    fi
    if [ -n "$latest_version" ]; then
        ratio "f32: PyTorch $latest_version's time, f32" "$(fastest "${latest[@]}")" "$tidy_f32"
        ratio "bf16: PyTorch $latest_version's time, bf16" "$latest_bf16" "$tidy_bf16"
    fi
}

of_resnet() { [ "$1" = small ] || echo "$2"; }

# Two processes share the machine's cores: each has half of what one alone has, where they do not fight.
side_by_side() {
    local net=$1 size=$2 steps=$3 alone first second
    alone=$("$BIN/bench-step" "$net" "$option_batch" "$steps" "$threads" "$size" | median_step)
    "$BIN/bench-step" "$net" "$option_batch" "$steps" "$threads" "$size" >"$scratch/second" &
    first=$("$BIN/bench-step" "$net" "$option_batch" "$steps" "$threads" "$size" | median_step)
    wait $!
    second=$(median_step <"$scratch/second")
    note "two at once: both together against one" "$(calculate "$alone / $first + $alone / $second")" "about 1"
}

whole_epochs() {
    local net=${option_nets##* } table
    programs tidy-record tidy-analyze
    "$BIN/tidy-record" train --data "$option_data" --net "$net" --resize 32 --no-shuffle --noise every:100 --lr 0.001 \
        --weight-decay 0 --lr-schedule constant --epochs "$option_epochs" -o "$scratch/run.tidy" >&2
    "$debian_python" "$SOURCE/scripts/peer_epochs.py" "$option_data" "$option_epochs" "$threads" "$net" >"$scratch/peer"
    printf '\n## Epochs of %s, test set included\n' "$net"
    table=$("$BIN/tidy-analyze" epochs --no-overlap "$scratch/run.tidy")
    paste - "$scratch/peer" <<<"$table" |
        awk 'NR == 1 { print "#epoch\ttidy_seconds\ttidy_test_accuracy\tpytorch_seconds\tpytorch_test_accuracy\tratio"; next }
             { printf "%s\t%.0f\t%.4f\t%.0f\t%.4f\t%.2f\n", $1, $6, $4, $11, $10, $11 / $6 }'
}

bench_train() {
    local nets=$option_nets net size steps r
    debian_python=${PYTHON:-/usr/bin/python3}
    [ $quick = no ] || { nets=small option_batch=16 option_peers=none; }
    programs bench-step bench-limits
    bring_peers
    build_with_onednn3
    debian_version= latest_version=
    [ $quick = yes ] || debian_version=$(torch_version "$debian_python") || true
    [ "$option_peers" = none ] || latest_version=$(torch_version "$peers/torch/bin/python") || true
    print_machine
    [ -n "$debian_version$quick" ] || echo "#PyTorch of Debian: not here"
    [ "$option_peers" = none ] || [ -n "$latest_version" ] || echo "#PyTorch's latest release: not here, pip could not bring it"
    [ "$option_peers" = none ] || [ -n "$onednn3" ] || echo "#oneDNN 3: not here, pip could not bring it"
    for net in $nets; do
        size=32 steps=5
        [ "$net" != small ] || { size=28 steps=21; }
        [ $quick = no ] || steps=3
        for ((r = 0; r < rounds; r++)); do
            round "$net" "$size" "$steps"
            side_by_side "$net" "$size" "$steps"
        done
        print_table "A step of $net, batch $option_batch, $threads threads: $(calculate "$(value "$scratch/limits" flop) / 1e9") GFLOP, $(
            calculate "$(value "$scratch/limits" bytes-f32) / 1e6") MB to move in f32, $(
            calculate "$(value "$scratch/limits" bytes-bf16) / 1e6") MB in bf16"
    done
    [ -z "$option_data" ] || whole_epochs
}
