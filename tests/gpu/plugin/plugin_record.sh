# tidy-record with the real plug-in on the simulated device: devices, train, resume, and each reason why a GPU is of no use.
. "$TIDY_SOURCE/tests/record/functions.sh"
export LD_LIBRARY_PATH=$TIDY_SIMULATED_GPU XDG_CACHE_HOME=$scratch/cache
make-idx tiny 44 12 3 8
train=(tidy-record train --data tiny --batch-size 16 --threads 1)

# What is there; auto takes it and says so; the log says what computed.
tidy-record devices >devices || fail "devices"
grep -q "^cuda	yes	CUDA 13" devices || fail "the device is not usable: $(cat devices)"
expect 0 "with CUDA 13" "${train[@]}" --epochs 2 --noise every:10 -o auto.tidy
tidy-analyze info auto.tidy >info && grep -q "^device	cuda$" info || fail "the log does not say cuda: $(cat info)"
tidy-analyze verify auto.tidy >/dev/null || fail "a damaged log"
[ -n "$(ls cache/tidy)" ] || fail "chosen plans were not kept"

# The same run, with the plans kept, gives the same log; and nearly the CPU's: same samples, labels and order, and classes that differ
# for at most a few of the 88 predictions.
expect 0 "" "${train[@]}" --epochs 2 --noise every:10 --device cuda --deterministic -o a.tidy
expect 0 "" "${train[@]}" --epochs 2 --noise every:10 --device cuda --deterministic -o b.tidy
same_log a.tidy b.tidy
expect 0 "" "${train[@]}" --epochs 2 --noise every:10 --device cpu -o cpu.tidy
tidy-analyze samples a.tidy >a.samples && tidy-analyze samples cpu.tidy >cpu.samples || fail "samples"
cut -f 1,2,3 a.samples | diff - <(cut -f 1,2,3 cpu.samples) || fail "samples, given labels or truth differ from the CPU's"
[ "$(tidy-analyze epochs a.tidy | cut -f 1 | tr '\n' ' ')" = "$(tidy-analyze epochs cpu.tidy | cut -f 1 | tr '\n' ' ')" ] ||
    fail "epochs"

# Two halves of 21 and 20 samples, whose last steps have 5 and 4, and which are classified without training; the same after a resume.
seq 0 43 | awk '$1 % 15 != 0 { print $1 "\t" $1 % 3 }' >labels.tsv
halves=("${train[@]}" --labels labels.tsv --second-split 1 --lr-schedule constant --device cuda --deterministic)
expect 0 "3 left out" "${halves[@]}" --epochs 3 -o halves.tidy
tidy-analyze verify halves.tidy >/dev/null || fail "a damaged log of two halves"
expect 0 "" "${halves[@]}" --epochs 2 -o prolonged.tidy
expect 0 "epoch 3/3" tidy-record resume prolonged.tidy --epochs 3
same_log halves.tidy prolonged.tidy

# Every detail, precision and network option that changes what is computed or copied.
for detail in class probs full; do
    expect 0 "" "${train[@]}" --epochs 1 --device cuda --detail "$detail" --resize 12 --force -o d.tidy
done
for precision in tf32 bf16; do
    expect 0 "" "${train[@]}" --epochs 1 --device cuda --precision "$precision" --force -o d.tidy
    tidy-analyze info d.tidy | grep -q "^precision	$precision$" || fail "the log does not say $precision"
done
expect_error 1 "the CPU computes in f32 and bf16: --precision tf32 needs a GPU" "${train[@]}" --device cpu --precision tf32 -o e.tidy

# Interrupted and gone on with: the same log as without interruption.
expect 0 "" "${train[@]}" --epochs 2 --noise every:10 --device cuda --deterministic --lr-schedule constant -o whole.tidy
expect 0 "" "${train[@]}" --epochs 1 --noise every:10 --device cuda --deterministic --lr-schedule constant -o half.tidy
rm -r cache # the plans come from the checkpoint
expect 0 "" tidy-record resume half.tidy --epochs 2
compare-logs whole.tidy half.tidy || fail "a resumed run differs"

# From one device to the other.
expect 0 "warning: values may differ" tidy-record resume half.tidy --epochs 3 --device cpu
expect 0 "with CUDA 13" tidy-record resume half.tidy --epochs 4
tidy-analyze verify half.tidy >/dev/null || fail "a damaged log"
[ "$(tidy-analyze epochs half.tidy | grep -vc '^#')" = 4 ] || fail "four epochs: $(tidy-analyze epochs half.tidy)"

# unusable SCENARIO TEXT: `devices` and --device cuda say why and what to do, nothing is written, and auto takes the CPU.
unusable()
{
    export SIMULATED_GPU=$1
    tidy-record devices >devices || fail "devices in $1"
    grep "^cuda	no	" devices | grep -qF -- "$2" || fail "devices in $1: $(cat devices)"
    expect_error 1 "$2" "${train[@]}" --device cuda -o none.tidy
    [ ! -e none.tidy ] || fail "a log in spite of an error"
    expect 0 "with oneDNN" "${train[@]}" --epochs 1 --force -o fallback.tidy
    unset SIMULATED_GPU
}
unusable none "the NVIDIA driver shows no GPU: see what nvidia-smi lists"
unusable no-driver "no NVIDIA driver is installed: install version 580 or newer"
unusable old-driver "the NVIDIA driver is for CUDA 12.4, too old for CUDA 13.0: update it to version 580 or newer"
unusable old-device "is too old: it has compute capability 6.1, and 7.5 (Turing) is the least"

# A device without bf16 and TF32.
for precision in tf32 bf16; do
    SIMULATED_GPU=device=T4 expect_error 1 "computes no $precision (8.0 does): --precision f32" \
        "${train[@]}" --device cuda --precision "$precision" -o none.tidy
done
SIMULATED_GPU=device=T4 expect 0 "" "${train[@]}" --epochs 1 --device cuda --force -o t4.tidy

# Too little memory: how much is needed, and the largest batch that fits, in eights.
limited()
{
    SIMULATED_GPU=memory=367001600 expect_error 1 "$1" tidy-record train --data tiny --resize 128 --batch-size "$2" --device cuda \
        -o none.tidy
}
limited "out of memory on Simulated A100: a batch of 44 needs " 44
fits=$(sed -n 's/.* 0.09 GiB can be had; --batch-size \([0-9]*\) would fit$/\1/p' stderr)
[ -n "$fits" ] && [ "$fits" -ge 8 ] && [ "$fits" -lt 44 ] || fail "no batch size that would fit: $(cat stderr)"
limited "--batch-size $fits would fit" $((fits + 8))
SIMULATED_GPU=memory=1048576 expect_error 1 "not even a batch of 1 would fit: --device cpu" "${train[@]}" --device cuda -o none.tidy
[ ! -e none.tidy ] || fail "a log in spite of an error"

# A build without code for the device, and memory that is free in pieces only: cudaFuncGetAttributes and cudaMalloc fail.
fails_at()
{
    local site
    SIMULATED_GPU_CALLS=calls "${train[@]}" --epochs 1 --device cuda --force -o none.tidy 2>/dev/null
    rm none.tidy*
    site=$(awk -F '\t' -v name="$1" '$3 == name { print $1; exit }' calls)
    SIMULATED_GPU_FAULT=$site expect_error 1 "$2" "${train[@]}" --epochs 1 --device cuda -o none.tidy
}
fails_at cudaFuncGetAttributes "loading this build's kernels (one with -DCMAKE_CUDA_ARCHITECTURES=80 has them for it): no kernel image"
fails_at cudaMalloc "out of memory on Simulated A100: a batch of 16 needs 0.06 GiB, and 0.0"
