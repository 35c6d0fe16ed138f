# scripts/test-gpu without a GPU: programs that only say what the real ones would, and what the script makes of it.
set -u
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/build/bin" "$scratch/tools"
cp "$TIDY_BIN/gpu-roofline" "$scratch/build/bin"
PATH=$scratch/tools:$PATH

fail()
{
    echo "test_gpu_script: line ${BASH_LINENO[0]}: $*" >&2
    exit 1
}

program()
{
    { echo '#!/bin/bash'; cat; } >"$scratch/$1"
    chmod +x "$scratch/$1"
}

# run CODE TEXT: the script ends with that code, and its stderr has the text.
run()
{
    local status=0
    "$TIDY_SOURCE/scripts/test-gpu" --build "$scratch/build" "$scratch/data" >"$scratch/stdout" 2>"$scratch/stderr" ||
        status=$?
    [ "$status" = "$1" ] || fail "exit code $status, not $1: $(cat "$scratch/stderr")"
    grep -qF -- "$2" "$scratch/stderr" || fail "no '$2' in: $(cat "$scratch/stderr")"
}

device()
{
    printf '#device\tusable\tabout\ncpu\tyes\tsome processor\ncuda\t%s\t%s\n' "$1" "$2" >"$scratch/devices"
}

# The recorder refuses the precisions that are files in refused/, and fails in those in broken/; the log has 60000
# images in epochs of 2.5 and 2 seconds.
mkdir "$scratch/refused" "$scratch/broken"
program build/bin/tidy-record <<END
[ "\$1" = devices ] && exec cat "$scratch/devices"
arguments="\$*" precision=\${arguments#*--precision } precision=\${precision%% *}
exec >&2
[ ! -e "$scratch/refused/\$precision" ] || { echo "tidy-record: the device has no \$precision: --precision f32"; exit 1; }
[ ! -e "$scratch/broken/\$precision" ] || { echo "tidy-record: out of memory"; exit 1; }
echo "\$arguments" >>"$scratch/recorded"
echo "recording resnet50 (9 parameters) on data (60000 images) with a GPU, 2 threads, 1.5 GiB, into run.tidy"
END
program build/bin/tidy-analyze <<'END'
case $1 in
epochs)
    printf '#epoch\tloss\taccuracy\ttest_accuracy\tlr\tseconds\n'
    printf '0\t1\t.5\t.6\t1\t2.5\n1\t1\t.5\t.75\t1\t2\n'
    ;;
info) printf 'samples\t60000\nimage\t28x28x1\nclasses\t10\n' ;;
esac
END
program build/bin/test-gpu-add <<<'exit 0'
program build/bin/test-plugin_step <<<'echo "needs a simulated device: skipped"; exit 77'
program tools/compute-sanitizer <<END
echo "\$*" >>"$scratch/sanitized"
END

# No usable GPU: 77, and one line that says why.
device no "no driver: install one"
run 77 "no usable GPU: no driver: install one"
[ "$(wc -l <"$scratch/stderr")" = 1 ] && [ ! -s "$scratch/stdout" ] || fail "not one line"

# Everything passes: a row for each precision; memcheck over both programs, the other tools over the kernels'.
device yes "NVIDIA A100-SXM4-40GB, 40 GiB, compute capability 8.0"
run 0 "skipped: test-plugin_step: needs a simulated device"
[ "$(wc -l <"$scratch/sanitized")" = 5 ] || fail "sanitizer: $(cat "$scratch/sanitized")"
grep -q -- "--no-shuffle --noise every:100" "$scratch/recorded" || fail "$(cat "$scratch/recorded")"
for precision in f32 tf32 bf16; do
    bound=$("$TIDY_BIN/gpu-roofline" --device A100 --precision $precision | awk -F'\t' 'END { print $NF }')
    share=$(awk "BEGIN { printf \"%.3f\", 30000 / $bound }") # 60000 images in 2 seconds
    grep -qP "^$precision\t30000\t$bound\t$share\t1.5 GiB\t.75$" "$scratch/stdout" || fail "$(cat "$scratch/stdout")"
done

# A precision that the device has not is left out; one that it is known to have must work.
touch "$scratch/refused/tf32" "$scratch/refused/bf16"
device yes "Tesla T4, 15 GiB"
run 0 "not in bf16: tidy-record: the device has no bf16"
[ "$(grep -c . "$scratch/stdout")" = 3 ] || fail "$(cat "$scratch/stdout")"
device yes "NVIDIA A100-SXM4-40GB, 40 GiB"
run 1 "FAILED: recording in tf32"

# A device whose name only begins like a known one has no bound.
device yes "NVIDIA L40S, 48 GiB"
run 0 "not in tf32"
grep -qP "^f32\t30000\tnan\tnan\t" "$scratch/stdout" || fail "$(cat "$scratch/stdout")"
rm "$scratch"/refused/*
device yes "NVIDIA GeForce RTX 3060, 12 GiB"
run 0 "on NVIDIA GeForce RTX 3060"
grep -q "bound: RTX 3060" "$scratch/stdout" || fail "$(cat "$scratch/stdout")"

# Whatever fails is named, the rest still runs, and the end is 1.
touch "$scratch/broken/bf16"
run 1 "FAILED: recording in bf16"
grep -q "out of memory" "$scratch/stderr" && grep -q "^f32" "$scratch/stdout" || fail "$(cat "$scratch/stderr")"
rm "$scratch/broken/bf16"
program build/bin/test-gpu-add <<<'echo "values differ"; exit 3'
run 1 "FAILED: test-gpu-add: exit code 3"
grep -q "values differ" "$scratch/stderr" && grep -q "^f32" "$scratch/stdout" || fail "$(cat "$scratch/stderr")"
rm "$scratch/build/bin/test-gpu-add" "$scratch/build/bin/test-plugin_step"
run 1 "no test-gpu-* or test-plugin_*"
