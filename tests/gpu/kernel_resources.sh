# scripts/kernel-resources: no kernel spills, each is in the table once, occupancy is what NVIDIA's calculator
# gives, and faults are found. Two architectures, to be quick: the oldest, and one where kernels need more
# registers.
set -u -o pipefail
PATH=$TIDY_BIN:$PATH:/usr/local/cuda/bin
command -v nvcc >/dev/null || { echo "nvcc, which tells what kernels take, is not installed: skipped"; exit 77; }
command -v check-occupancy >/dev/null || { echo "built without CUDA: skipped"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
resources() { "$TIDY_SOURCE/scripts/kernel-resources" "$@" >"$scratch/table" 2>"$scratch/stderr"; }

resources -a "75 90" || fail "a kernel does not keep to its registers: $(cat "$scratch/stderr")"
[ -s "$scratch/stderr" ] && fail "messages, though all is well: $(cat "$scratch/stderr")"
head -n 1 "$scratch/table" | grep -q '^#kernel' || fail "the table has no header"

duplicates=$(grep -v '^#' "$scratch/table" | cut -f 1,2 | sort | uniq -d)
[ -z "$duplicates" ] || fail "twice in the table: $duplicates"
for kernel in batch_norm_moments batch_norm_forward_few_rows; do
    rows=$(cut -f 1 "$scratch/table" | grep -cx "$kernel")
    [ "$rows" = 2 ] || fail "$kernel has $rows rows, not one for each architecture"
done
# kernels/batch_norm.cu launches that many blocks for each multiprocessor: they must all fit it at once.
while read -r kernel blocks; do
    awk -v kernel="$kernel" -v blocks="$blocks" '$1 == kernel { seen++; if ($9 < blocks) low = 1 }
        END { exit low || seen != 2 }' "$scratch/table" || fail "a multiprocessor does not hold $blocks of $kernel"
done <<'END'
batch_norm_forward_few_rows 2
batch_norm_backward_few_rows 2
batch_norm_moments 4
batch_norm_gradient_sums 4
batch_norm_finish_moments 3
batch_norm_finish_gradients 3
batch_norm_normalise 4
batch_norm_gradient 4
END
check-occupancy <"$scratch/table" || fail "occupancy differs"

# A fault must be said of the kernel that has it.
expect_fault() {
    resources -a 80 "$TIDY_SOURCE/tests/gpu/fixtures/$1" && fail "$1 passed"
    grep -q "^kernel-resources: $2" "$scratch/stderr" || fail "$1: no message '$2', but: $(cat "$scratch/stderr")"
}
expect_fault spilling_kernel.cu 'spilling (sm_80) spills [1-9]'
expect_fault spilling_kernel.cu 'spilling (sm_80) has a stack frame of [1-9]'
expect_fault unbounded_kernel.cu 'unbounded (sm_80) has no __launch_bounds__'

resources -a 80 "$scratch/missing.cu" && fail "a file that is not there passed"
resources --wrong
[ $? -eq 2 ] || fail "a wrong option is not wrong usage"

[ "$failures" -eq 0 ]
