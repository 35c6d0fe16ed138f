# Scores of a log that tidy-record made with two halves, against NumPy on what tests/common/read_log.py reads of it.
. "$TIDY_SOURCE/tests/analyze/harness.bash"

needs_numpy
command -v mdb_dump >/dev/null || skip "mdb_dump is not there"
make-idx data 300 0 4 12
tidy-record train --device cpu --data data --noise 0.2 --lr 0.1 --second-split 3 --epochs 7 --detail full -o run.tidy 2>said ||
    fail "$(cat said)"
mdb_dump -n -a run.tidy | /usr/bin/python3 -B "$TIDY_SOURCE/tests/common/read_log.py" >predictions.txt || fail "the log cannot be read"
/usr/bin/python3 -B "$TIDY_SOURCE/tests/analyze/check_scores.py" second-split . predictions.txt run.tidy ||
    fail "scores differ from the definitions"
finish
