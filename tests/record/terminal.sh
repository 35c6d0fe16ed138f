# tidy-record on a terminal: a live line that is replaced, and Ctrl-C as the terminal sends it.
. "$TIDY_SOURCE/tests/record/functions.sh"
command -v script >/dev/null || { echo "script (util-linux) is not there: skipped" >&2; exit 77; }

# Keys that are typed; the terminal stays open while descriptor 3 is.
mkfifo keys
exec 3<>keys

# One line that each update replaces; the epochs' lines stay.
script -qec "tidy-record train --data data --epochs 10 --batch-size 20" /dev/null <keys >screen || fail "$(cat screen)"
grep -qP '\repoch \d+/10, step \d+, loss [-.e0-9]+, accuracy [01]\.\d+, \d+ s left, \d+ images/s' screen ||
    fail "no live line: $(cat -v screen)"
grep -qP '\r\x1b\[Kepoch 10/10: loss' screen || fail "the live line is in the way: $(cat -v screen)"

# The character that Ctrl-C types, twice as an impatient user does, sent once the recording runs.
script -qec "tidy-record train --data data --epochs 100000 --batch-size 20 --force" /dev/null <keys >screen &
wait_for "epoch 1/100000" screen
printf '\003\003' >&3
wait $!
status=$?
[ $status = 130 ] || fail "exit code $status: $(tail -n 3 screen)"
grep -q "stopped at epoch .*'tidy-record resume run.tidy' goes on" screen || fail "no word: $(tail -n 3 screen)"
same_log run.tidy run.tidy
