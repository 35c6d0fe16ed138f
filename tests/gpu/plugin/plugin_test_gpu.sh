# scripts/test-gpu as on a machine with a GPU: all that it builds, runs and measures, on the simulated device.
. "$TIDY_SOURCE/tests/record/functions.sh"
export XDG_CACHE_HOME=$scratch/cache SIMULATED_GPU_LEAKS=off # the kernels' suites keep their stream to the end
make-idx tiny 44 12 3 8
test_gpu=("$TIDY_SOURCE/scripts/test-gpu" --build "$(dirname "$TIDY_BIN")" --net small --epochs 2 --batch-size 16 --resize 8 "$scratch/tiny")

LD_LIBRARY_PATH=$TIDY_SIMULATED_GPU "${test_gpu[@]}" >table 2>messages || fail "exit code $?: $(cat messages)"
grep -q "^test-gpu: on CUDA 13.0" messages || fail "what the device is: $(cat messages)"
for suite in test-gpu-batch_norm test-gpu-softmax_cross_entropy test-plugin_training; do
    grep -q "^test-gpu: passed: $suite" messages || fail "$suite was not run: $(cat messages)"
done
grep -q "^#machine: .*Simulated A100.*; bound: A100$" table || fail "the machine: $(cat table)"
for precision in f32 tf32 bf16; do
    awk -F '\t' -v precision=$precision '$1 == precision && $2 > 0 && $3 > 0 && $4 ~ /^0[.][0-9]+$/ && $5 ~ /iB$/ { found = 1 }
                                         END { exit !found }' table || fail "no row of $precision: $(cat table)"
done

# Without a device: one line that says why, and 77.
status=0
LD_LIBRARY_PATH=$TIDY_SIMULATED_GPU SIMULATED_GPU=none "${test_gpu[@]}" >table 2>messages || status=$?
[ "$status" = 77 ] && [ ! -s table ] && [ "$(wc -l <messages)" = 1 ] || fail "exit code $status: $(cat table messages)"
grep -q "^test-gpu: no usable GPU: the NVIDIA driver shows no GPU" messages || fail "$(cat messages)"
