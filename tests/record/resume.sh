# tidy-record resume: the same values however the recording ended, and each thing that can be wrong.
. "$TIDY_SOURCE/tests/record/functions.sh"

train="tidy-record train --data data --epochs 16 --batch-size 40 --noise 0.05,pair"
expect 0 "" $train -o whole.tidy

# Records until the line of epoch $2 is there, then sends signal $1. Tries again where it came to its end before.
stop_after()
{
    local tries status
    for tries in 1 2 3 4 5; do
        $train --force -o run.tidy 2>log &
        wait_for "epoch $2/16" log
        kill -"$1" $! 2>/dev/null
        wait $! 2>/dev/null
        status=$?
        tidy-analyze info run.tidy | grep -qx "epochs-finished	16" || return $status
    done
    fail "it is too fast to be interrupted"
}

stop_after INT 3
[ $? = 130 ] || fail "Ctrl-C: $(cat log)"
grep -q "^stopped at epoch [0-9]*, step [0-9]*; 'tidy-record resume run.tidy' goes on$" log || fail "no word: $(cat log)"
expect 0 "epoch 16/16" tidy-record resume run.tidy
grep -q "from step " stderr || fail "from where: $(cat stderr)"
grep -q warning stderr && fail "a warning on the same machine: $(cat stderr)"
same_log whole.tidy run.tidy

stop_after TERM 5
[ $? = 143 ] || fail "SIGTERM: $(cat log)"
expect 0 "epoch 16/16" tidy-record resume run.tidy
same_log whole.tidy run.tidy

for epoch in 1 3 7; do
    stop_after KILL $epoch
    [ $? = 137 ] || fail "it ended before it was killed"
    expect 0 "epoch 16/16" tidy-record resume run.tidy
    same_log whole.tidy run.tidy
done

# Killed before the first checkpoint.
stop_after KILL 1
rm -f run.tidy.ckpt
compare-logs run.tidy run.tidy || fail "the log of a killed run"
tidy-record resume run.tidy 2>stderr
status=$?
if grep -q "is missing" stderr; then # it was killed in its third epoch or later
    [ $status = 1 ] || fail "exit code"
else
    same_log whole.tidy run.tidy
fi

# A second writer is refused, and the first is not disturbed.
env -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT tidy-record train --data data --epochs 100000 -o busy.tidy 2>log &
first=$!
wait_for "epoch 1/100000" log
# Its threads spin briefly, where the user has not chosen: it has started itself anew.
tr '\0' '\n' </proc/$first/environ | grep -qx "GOMP_SPINCOUNT=1000" || fail "the threads wait as OpenMP has it"
expect_error 1 "busy.tidy" tidy-record resume busy.tidy
expect_error 1 "busy.tidy" tidy-record train --data data --epochs 3 --force -o busy.tidy
kill -TERM $first
wait $first
[ $? = 143 ] || fail "the first writer: $(tail log)"
same_log busy.tidy busy.tidy

# Nothing to do; a cosine schedule has its end.
cp whole.tidy before
expect 0 "whole.tidy has all of its 16 epochs: nothing to do" tidy-record resume whole.tidy
expect 0 "nothing to do" tidy-record resume whole.tidy --epochs 16
expect_error 1 "the cosine schedule ends with epoch 16" tidy-record resume whole.tidy --epochs 30
cmp -s whole.tidy before || fail "the log was touched"

# More epochs of a constant schedule are those of a longer run; also with the data set elsewhere.
train="tidy-record train --data data --batch-size 20 --lr-schedule constant"
expect 0 "" $train --epochs 5 -o long.tidy
expect 0 "" $train --epochs 2 -o short.tidy
mv data moved
expect_error 1 "data" tidy-record resume short.tidy --epochs 5
make-idx data 600 90 4 12
printf '\1' | dd of=data/train-images-idx3-ubyte bs=1 seek=1000 conv=notrunc 2>/dev/null
expect_error 1 "is not the data set that the log was recorded from" tidy-record resume short.tidy --epochs 5
expect 0 "epoch 5/5" tidy-record resume short.tidy --epochs 5 --data moved
same_log long.tidy short.tidy
rm -r data && mv moved data

# Other threads than recorded: a warning, and it goes on.
expect 0 "warning: values may differ in their last digits" tidy-record resume short.tidy --epochs 6 --threads 3

# A checkpoint that is damaged, of another run, or gone.
cp short.tidy.ckpt kept
printf 'x' | dd of=short.tidy.ckpt bs=1 seek=5000 conv=notrunc 2>/dev/null
expect 1 "short.tidy.ckpt: checksum mismatch" tidy-record resume short.tidy --epochs 7
truncate -s 5000 short.tidy.ckpt
expect 1 "short.tidy.ckpt: is truncated" tidy-record resume short.tidy --epochs 7
cp whole.tidy.ckpt short.tidy.ckpt
expect 1 "short.tidy.ckpt: belongs to another run" tidy-record resume short.tidy --epochs 7
rm short.tidy.ckpt
expect_error 1 "short.tidy.ckpt: is missing" tidy-record resume short.tidy --epochs 7
cp kept short.tidy.ckpt
expect 0 "epoch 7/7" tidy-record resume short.tidy --epochs 7

# What is no log.
expect_error 1 "nowhere.tidy" tidy-record resume nowhere.tidy
echo "not a log" >text.tidy
expect_error 1 "text.tidy" tidy-record resume text.tidy
expect_error 2 "resume: missing argument; usage: tidy-record resume run.tidy" tidy-record resume
expect_error 2 "resume: surplus argument 'b'" tidy-record resume a b
