# bindings/python: a trainer's arrays of any framework give the log that the same numbers give in files; its mistakes and the
# importer's reach it; the converters read what the peers write.
. "$TIDY_SOURCE/tests/record/functions.sh"
/usr/bin/python3 -c 'import numpy' 2>/dev/null || { echo "python3-numpy is not installed: skipped"; exit 77; }
bindings=$TIDY_SOURCE/bindings/python
export PYTHONPATH=$bindings PYTHONDONTWRITEBYTECODE=1
try() { /usr/bin/python3 "$TIDY_SOURCE/tests/record/import_python_cases.py" "$1" 2>stderr || fail "$1: $(cat stderr)"; }
convert() { local name=$1; shift; /usr/bin/python3 "$bindings/from_$name.py" "$@"; }
[ "$(wc -l <"$bindings/tidylog.py")" -le 100 ] || fail "the writer has more than 100 lines"

try save
expect 0 "" tidy-record import --logits logits.npy --labels labels.npy --detail full -o arrays.tidy
try frameworks

# Mistakes. A step of all is 1 sample of 10, so that the importer notices the second label of sample 0 at step 10.
try refuse
grep -q "tidy-record: step 10 of the stream: sample 0 has label 1, and had 0 before; 0 finished epochs are kept in wrong.tidy" stderr ||
    fail "the label that changed: $(cat stderr)"
grep -q "tidy-record: the stream ended without its last frame, which says that all is there; 1 finished epoch is kept in stopped.tidy" stderr ||
    fail "the trainer that stopped: $(cat stderr)"
[ "$(tidy-analyze epochs stopped.tidy | wc -l)" = 2 ] || fail "one epoch and a header"
expect_error 1 "wrong.tidy exists already" tidy-record import - -o wrong.tidy
expect_error 1 "the stream ended within its header, after 0 bytes" tidy-record import - -o none.tidy
[ ! -e none.tidy ] || fail "a log of nothing"

# A stream kept in a file; labels that are known beforehand must agree.
/usr/bin/python3 -c '
import tidylog
with open("stream", "wb") as out, tidylog.Writer(out, 3, 2, epochs=1) as log:
    log.step(0, [2, 0, 1], [1, 0, 1], [[0.0, 1], [1, 0], [1, 0]])'
printf '0\t0\n1\t1\n2\t1\n' >labels.tsv
expect 0 "imported 1 epoch of 3 samples, 3 predictions" bash -c "tidy-record import - --labels labels.tsv --name three -o s.tidy <stream"
printf '0\t0\n1\t0\n2\t1\n' >labels.tsv
expect 1 "step 0 of the stream: sample 1 has label 1, and had 0 before" \
    bash -c "tidy-record import - --labels labels.tsv -o t.tidy <stream"
printf '0\t0\n2\t1\n' >labels.tsv
expect 1 "step 0 of the stream: sample 1 is in it, and its labels leave it out" \
    bash -c "tidy-record import - --labels labels.tsv -o u.tidy <stream"

# Peers' files.
try peers
convert interpretdl stats2.pkl -o i.tidy 2>stderr || fail "InterpretDL's protocol 2: $(cat stderr)"
grep -q "^[1-9][0-9]* samples were never right, and the file does not say their labels: --labels does$" stderr ||
    fail "labels that are made up are said: $(cat stderr)"
/usr/bin/python3 -c '
import numpy
print("\n".join("%d\t%d" % row for row in enumerate(numpy.load("labels.npy"))))' >given.tsv
convert interpretdl stats[!2]*.pkl --labels given.tsv -o interpretdl.tidy 2>stderr || fail "InterpretDL: $(cat stderr)"
grep -q "never right" stderr && fail "no label is made up: $(cat stderr)"
convert cartography training_dynamics --detail full -o cartography.tidy --ids ids 2>stderr || fail "Cartography: $(cat stderr)"
[ "$(sort -n ids | sed -n 3p)" = "2	2" ] || fail "ids"
convert aum full_aum_records.csv -o aum.tidy 2>stderr || fail "aum: $(cat stderr)"
grep -q "loss is a lower bound" stderr || fail "what the file has not is said"
try check_peers
convert aum full_aum_records.csv -o - 2>/dev/null | cmp -s - /dev/null && fail "the stream on stdout"

# And what is none of theirs.
says() { local text=$1; shift; "$@" 2>stderr && fail "$* went well"; grep -qF -- "$text" stderr || fail "$*: $(cat stderr)"; }
says "it asks for posix.system, which no record of predictions needs" convert interpretdl evil.pkl -o x.tidy
says "it cannot be read as InterpretDL's record" convert interpretdl full_aum_records.csv -o x.tidy
says "line 2 is none of full_aum_records.csv" convert aum given.tsv -o x.tidy
says "no dynamics_epoch_N.jsonl is there" convert cartography . -o x.tidy
says "tidy-record: aum.tidy exists already" convert aum full_aum_records.csv -o aum.tidy
sed -i '5s/gold/silver/' training_dynamics/dynamics_epoch_1.jsonl
says "dynamics_epoch_1.jsonl: line 5 is none of Cartography's" convert cartography training_dynamics -o x.tidy
[ ! -e x.tidy ] || fail "a log of nothing"

/usr/bin/python3 -c 'import torch' 2>/dev/null || { echo "python3-torch is not installed: its example was not run"; exit 0; }
try example
