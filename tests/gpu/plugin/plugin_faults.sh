# Every call of the CUDA libraries that can fail is made to fail once, at each place where the plug-in makes it: each time
# tidy-record ends with one line and a log that is good or not there, and nothing leaks.
. "$TIDY_SOURCE/tests/record/functions.sh"
export LD_LIBRARY_PATH=$TIDY_SIMULATED_GPU
make-idx tiny 16 4 3 8
cat >run <<'END'
#!/usr/bin/env bash
# run FOLDER FAULT: records in the folder under a fault, and says on stdout what is wrong with the way it ended.
mkdir -p "$1" && cd "$1" || exit 1
export XDG_CACHE_HOME=$PWD/cache SIMULATED_GPU_FAULT=$2
# LeakSanitizer stops the process from outside to look at it, which on a busy machine fails now and then: then once more.
for try in 1 2 3 4 5 6 7 8 9; do
    status=0
    tidy-record train --data ../tiny --epochs 2 --batch-size 8 --device cuda --threads 1 --force -o run.tidy \
        >stdout 2>stderr || status=$?
    grep -q 'LeakSanitizer has encountered a fatal error' stderr || break
    rm -rf cache
done
lines=$(grep -c '^tidy-record: ' stderr)
if [ "$status" = 0 ]; then
    # A fault that costs nothing (a plan left out, a cache not written, a clean-up) leaves a whole log.
    unset SIMULATED_GPU_FAULT
    tidy-analyze verify run.tidy >/dev/null 2>&1 || echo "fault $2: exit 0 and no good log"
    exit
fi
[ "$status" = 1 ] || echo "fault $2: exit code $status: $(tail -n 3 stderr)"
[ "$lines" = 1 ] || echo "fault $2: $lines lines of error: $(tail -n 3 stderr)"
grep -q '^simulated GPU' stderr && echo "fault $2: misuse: $(grep '^simulated GPU' stderr)"
if [ -e run.tidy ]; then
    tidy-analyze verify run.tidy >/dev/null 2>stderr.verify || echo "fault $2: the log is damaged: $(cat stderr.verify)"
fi
END
chmod +x run

# A run without a fault counts the calls.
mkdir clean && (cd clean && SIMULATED_GPU_CALLS=$scratch/calls XDG_CACHE_HOME=$PWD/cache tidy-record train --data ../tiny \
    --epochs 2 --batch-size 8 --device cuda --threads 1 -o run.tidy >stdout 2>stderr) || fail "without a fault: $(cat clean/stderr)"
sites=$(grep -c . calls)
[ "$sites" -ge 40 ] || fail "only $sites places where a call can fail: the plug-in has more"

# Each place fails at its first call, at its last, and there as a device that is lost for good. (Under AddressSanitizer, where a run
# takes seconds, at its first call.)
if ldd "$(command -v tidy-record)" | grep libasan >/dev/null; then
    cut -f 1 calls >faults
else
    awk -F '\t' '{ print $1; if ($2 > 1) print $1 ":" $2; print $1 ":" $2 ":sticky" }' calls >faults
fi
xargs -P "$(nproc)" -I FAULT ./run at-FAULT FAULT <faults >wrong || fail "the runs"
[ ! -s wrong ] || fail "$(head -n 20 wrong)"

# Most of them do end the run: a fault that no one notices is no test.
ended=$(cat at-*/stderr | grep -c '^tidy-record: ')
[ "$((2 * ended))" -ge "$(grep -c . faults)" ] || fail "only $ended of $(grep -c . faults) faults ended a run"
echo "$sites places, $(grep -c . faults) faults, $ended runs ended with an error"
