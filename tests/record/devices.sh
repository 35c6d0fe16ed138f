# Devices: which one is taken, what is said where one cannot be, and runs that go on on another one. The program is the real one,
# its plug-in is not CUDA's: it computes on the CPU (fake_plugin.c).
. "$TIDY_SOURCE/tests/record/functions.sh"

make-idx data 180 40 4 12
path=$PATH
# The program with the plug-in of that name; `alone` has none.
with()
{
    PATH=$TIDY_PROGRAMS/$1/bin:$path
    hash -r
}

# unusable TEXT: `devices` says so, --device cuda fails with it, --device auto takes the CPU.
unusable()
{
    expect 0 "" tidy-record devices
    [ "$(head -n 1 stdout)" = "#device	usable	about" ] || fail "the table's header: $(cat stdout)"
    [ "$(sed -n 2p stdout | cut -f 1-2)" = "cpu	yes" ] || fail "no CPU: $(cat stdout)"
    sed -n 2p stdout | cut -f 3 | grep -q "processors, oneDNN [0-9.]*" || fail "what CPU: $(cat stdout)"
    [[ $(sed -n 3p stdout) == "cuda	no	"*"$1"* ]] || fail "cuda has no '$1': $(cat stdout)"
    [ "$(wc -l <stdout)" = 3 ] || fail "more devices: $(cat stdout)"
    expect_error 1 "device 'cuda' cannot be used: $(sed -n 3p stdout | cut -f 3)" \
        tidy-record train --data data --device cuda --epochs 1 -o no.tidy
    [ ! -e no.tidy ] || fail "a log without a device"
    expect 0 "with oneDNN " tidy-record train --data data --epochs 1 --force -o auto.tidy
    [ "$(info auto.tidy device)" = cpu ] || fail "the log's device: $(info auto.tidy device)"
}

info()
{
    tidy-analyze info "$1" | awk -F'\t' -v key="$2" '$1 == key { print $2 }'
}

# Each thing that can be missing, and what to do.
with alone
unusable "this tidy-record was built without CUDA: build with -DTIDY_CUDA=ON where the CUDA toolkit and cuDNN are"
with needs-cudnn
unusable "libcudnn-fake.so is not found: install cuDNN 9 for CUDA 13"
with needs-cudart
unusable "libcudart-fake.so is not found: install CUDA 13's runtime libraries"
with needs-cublas
unusable "libcublas-fake.so is not found: install CUDA 13's runtime libraries"
with other-version
unusable "libtidy-cuda.so is of version 0.0.1, this tidy-record of $(tidy-record --version | cut -d ' ' -f 2): use the one"
with no-structure
unusable "libtidy-cuda.so is not tidy-record's plug-in: it has no 'tidy_cuda_plugin'"
with unfit
unusable "function_of_another_build): use the one that was built with this tidy-record"
with good
FAKE_CUDA_UNUSABLE="no NVIDIA driver: install one" unusable "no NVIDIA driver: install one"

# Where all is there it is used: beside the program, where the linker looks, with its libraries.
expect 0 "" tidy-record devices --json
grep -qx '{"device":"cuda","usable":"yes","about":"a fake GPU"}' stdout || fail "$(cat stdout)"
expect 0 "" env LD_LIBRARY_PATH="$TIDY_PROGRAMS/needs-cudnn/libraries" "$TIDY_PROGRAMS/needs-cudnn/bin/tidy-record" devices
grep -qx "cuda	yes	a fake GPU" stdout || fail "$(cat stdout)"
expect 0 "" env LD_LIBRARY_PATH="$TIDY_PROGRAMS/good/lib" "$TIDY_PROGRAMS/alone/bin/tidy-record" devices
grep -qx "cuda	yes	a fake GPU" stdout || fail "$(cat stdout)"
expect_error 1 "cannot write to standard output" bash -c 'tidy-record devices >/dev/full'
expect_error 2 "devices: surplus argument 'gpu'" tidy-record devices gpu

# Nothing but a need for it loads the plug-in.
export FAKE_CUDA_TRANSCRIPT=$scratch/transcript
expect 0 "" tidy-record train --data data --device cpu --epochs 1 -o unloaded.tidy
expect 0 "" tidy-record resume unloaded.tidy
expect 0 "" tidy-record train --help
expect 0 "" tidy-record train --net list
expect 0 "" tidy-record devices --help
expect 0 "" tidy-record --version
[ ! -e transcript ] || fail "the plug-in was loaded: $(cat transcript)"

# auto takes it and says so; the log knows, and differs in nothing else from the CPU's.
train="tidy-record train --data data --batch-size 20 --noise 0.05 --lr-schedule constant"
expect 0 "with fake CUDA 13.0, " $train --epochs 6 -o auto.tidy --force
grep -q "^recording small .* with fake CUDA 13.0, [0-9]* threads*, 1.5 GiB, into auto.tidy$" stderr || fail "$(head -n 1 stderr)"
[ "$(<transcript)" = $'loaded\nprecision f32, deterministic 0, logits 0, plans none' ] || fail "$(<transcript)"
[ "$(info auto.tidy device) $(info auto.tidy precision)" = "cuda f32" ] || fail "$(tidy-analyze info auto.tidy)"
info auto.tidy versions | grep -q "^tidy-record [0-9.]*, fake CUDA 13.0, LMDB " || fail "$(info auto.tidy versions)"
expect 0 "with oneDNN" $train --device cpu --epochs 6 -o cpu.tidy
compare-logs auto.tidy cpu.tidy 2>difference && fail "the log does not say what it was recorded on"
grep -q "different device" difference || fail "$(cat difference)"
tidy-analyze samples auto.tidy >auto.tsv && tidy-analyze samples cpu.tidy >cpu.tsv
cmp auto.tsv cpu.tsv || fail "other values"

# What is asked for arrives, and is in the log; --deterministic is nothing to refuse for the CPU, precision is.
rm transcript
expect 0 "with fake CUDA 13.0, bf16, " $train --device cuda --precision bf16 --deterministic --detail full --epochs 1 -o bf16.tidy
grep -qx "precision bf16, deterministic 1, logits 1, plans none" transcript || fail "$(<transcript)"
[ "$(info bf16.tidy precision) $(info bf16.tidy deterministic)" = "bf16 yes" ] || fail "$(tidy-analyze info bf16.tidy)"
expect 0 "" $train --device cpu --deterministic --epochs 1 -o deterministic.tidy
[ "$(info deterministic.tidy deterministic)" = yes ] || fail "the log forgot --deterministic"
expect_error 1 "the CPU computes in f32 and bf16: --precision tf32 needs a GPU" \
    $train --device cpu --precision tf32 --epochs 1 -o no.tidy
expect_error 2 "did you mean 'bf16'?" $train --precision bf61 -o no.tidy
expect_error 2 "unknown choice 'half'; one of: f32, tf32, bf16" $train --precision half -o no.tidy
[ ! -e no.tidy ] || fail "a log that nobody recorded"

# A run goes on as it was recorded, with the plans that were chosen.
rm transcript
expect 0 "" $train --device cuda --deterministic --precision tf32 --epochs 2 -o plans.tidy
expect 0 "from step " tidy-record resume plans.tidy --epochs 4
grep -q warning stderr && fail "a warning on the same device: $(cat stderr)"
[ "$(sed -n 4p transcript)" = "precision tf32, deterministic 1, logits 0, plans first choice" ] || fail "$(<transcript)"
expect 0 "" $train --device cuda --deterministic --precision tf32 --epochs 4 -o whole.tidy
same_log whole.tidy plans.tidy

# It goes on on another device where it is told to: in the CPU's precision, and to the GPU's again.
expect 0 "warning: recorded in tf32; the CPU goes on in f32" tidy-record resume plans.tidy --epochs 5 --device cpu
grep -q "warning: values may differ in their last digits: recorded on .*fake CUDA 13.0.* now on .*oneDNN" stderr ||
    fail "no warning of other values: $(cat stderr)"
expect 0 "" tidy-record resume plans.tidy --epochs 6
tail -n 1 transcript | grep -q "precision tf32, deterministic 1, logits 0, plans none" || fail "$(<transcript)"
[ "$(info plans.tidy device)" = cuda ] || fail "the log's device"

expect 0 "" $train --device cpu --epochs 2 -o across.tidy
expect 0 "with fake CUDA 13.0, " tidy-record resume across.tidy --epochs 4 --device cuda
expect 0 "oneDNN" tidy-record resume across.tidy --epochs 6
same_log cpu.tidy across.tidy

# Where the recorded device is gone, nothing is taken in its place unasked.
expect 0 "" $train --device cuda --epochs 2 -o gone.tidy
cp gone.tidy before
with alone
expect_error 1 "gone.tidy: was recorded on 'cuda'. device 'cuda' cannot be used: this tidy-record was built without CUDA" \
    tidy-record resume gone.tidy --epochs 6
grep -q -- "--device cpu goes on" stderr || fail "no way on: $(cat stderr)"
expect_error 1 "device 'cuda' cannot be used" tidy-record resume gone.tidy --epochs 6 --device cuda
cmp -s gone.tidy before || fail "the log was touched"
expect 0 "oneDNN" tidy-record resume gone.tidy --epochs 6 --device cpu
with good
same_log auto.tidy gone.tidy

# A device that fails in the middle ends the run with its word and a good log: at 9 steps an epoch, in the fifth.
expect 1 "tidy-record: the fake GPU is gone" env FAKE_CUDA_FAILS_AT=43 $train --device cuda --epochs 6 -o failed.tidy
[ "$(info failed.tidy epochs-finished) $(info failed.tidy steps-of-unfinished-epoch)" = "4 7" ] || fail "$(tidy-analyze info failed.tidy)"
tidy-analyze verify failed.tidy >verified || fail "$(cat verified)"
expect 0 "from step 36" tidy-record resume failed.tidy
same_log auto.tidy failed.tidy
