# --precision bf16 on the CPU: the same values each time and after resume, a log that knows; on a processor without it an error,
# and a run that goes on in f32.
. "$TIDY_SOURCE/tests/record/functions.sh"

train="tidy-record train --data data --device cpu --precision bf16 --batch-size 40 --noise 0.05 --lr-schedule constant"

# oneDNN's variable takes the instructions away. One line, no log.
export ONEDNN_MAX_CPU_ISA=AVX2
expect_error 1 "this processor has no instructions for bf16 (oneDNN" $train --epochs 1 -o no.tidy
grep -q ": leave --precision out to compute in f32$" stderr || fail "no way on: $(cat stderr)"
[ ! -e no.tidy ] || fail "a log that nobody recorded"
unset ONEDNN_MAX_CPU_ISA

grep -q avx512_bf16 /proc/cpuinfo || {
    echo "skipped: this processor has no AVX-512 with bf16"
    exit 77
}

expect 0 ", bf16, " $train --epochs 4 -o whole.tidy
[ "$(tidy-analyze info whole.tidy | grep -P '^precision\t')" = "precision	bf16" ] || fail "$(tidy-analyze info whole.tidy)"
expect 0 "" $train --epochs 4 -o again.tidy
same_log whole.tidy again.tidy
expect 0 "" $train --epochs 2 -o parts.tidy
expect 0 ", bf16, " tidy-record resume parts.tidy --epochs 4
grep -q warning stderr && fail "a warning on the same machine: $(cat stderr)"
same_log whole.tidy parts.tidy

# Other values than f32's, and as good: the last epoch's loss differs by less than a tenth, in the sum of four seeds. Of
# one seed it may differ by a fifth in either direction: rounding grows while a network trains.
loss()
{
    tidy-analyze epochs "$1" | tail -n 1 | cut -f 2
}
losses=
for seed in 1 2 3 4; do
    expect 0 "" $train --epochs 4 --seed $seed -o bf16-$seed.tidy
    expect 0 "" tidy-record train --data data --device cpu --batch-size 40 --noise 0.05 --lr-schedule constant --epochs 4 \
        --seed $seed -o f32-$seed.tidy
    [ "$(loss bf16-$seed.tidy)" != "$(loss f32-$seed.tidy)" ] || fail "bf16 is f32"
    losses+="$(loss bf16-$seed.tidy) $(loss f32-$seed.tidy)"$'\n'
done
awk '{ bf16 += $1; f32 += $2 } END { ratio = bf16 / f32; exit !(ratio > 0.9 && ratio < 1.1) }' <<<"${losses%$'\n'}" ||
    fail "bf16 and f32: $losses"

# What was recorded in bf16 goes on where there is none.
ONEDNN_MAX_CPU_ISA=AVX2 expect 0 "warning: recorded in bf16; the CPU goes on in f32" tidy-record resume parts.tidy --epochs 5
