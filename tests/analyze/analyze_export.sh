# Arrays for NumPy: their values are those that the scores are made from, whatever the order in which they were recorded.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
/usr/bin/python3 -c 'import numpy' 2>/dev/null || { echo "numpy is not installed, and reads the arrays: skipped"; exit 77; }
for detail in class margin probs full; do
    make-log $detail.tidy $detail 300 6 0
done
python() { /usr/bin/python3 -c "import numpy as np; $1" "${@:2}"; }
export_() {
    tidy-analyze export "$@" 2>stderr || fail "export $*: $(cat stderr)"
    [ ! -s stderr ] || fail "export $*: says $(cat stderr)"
}
column() { tidy-analyze samples "$1" --score "$2" | tail -n +2 | cut -f4; }
# near WHAT FILE EXPRESSION TOLERANCE: the lines of FILE are the expression of `a`, the array, `y`, the labels.
near() {
    python "
a = np.load('x.npy').astype('f8'); y = np.loadtxt('labels', dtype=int); e = np.loadtxt('$2')
got = $3
if not np.allclose(got, e, rtol=$4, atol=$4): print('largest difference', np.abs(got - e).max())" >differs
    [ ! -s differs ] || fail "$1: $(cat differs)"
}
tidy-analyze samples class.tidy --score correctness | tail -n +2 | cut -f2 >labels

# Every array against scores of docs/scores.md that follow from it.
for detail in class margin probs full; do
    export_ $detail.tidy --what predictions -o x.npy --force
    equals "predictions of $detail" "$(python 'a = np.load("x.npy"); print(a.shape, a.dtype, a.min() >= 0, a.max() < 10)')" \
        "(6, 300) int32 True True"
    column $detail.tidy correctness >scores
    near "predictions of $detail" scores '(a == y).sum(0)' 0
done
for detail in margin probs full; do
    for pair in margins:aum losses:mean-loss confidences:confidence; do
        export_ $detail.tidy --what ${pair%:*} -o x.npy --force
        column $detail.tidy ${pair#*:} >scores
        near "${pair%:*} of $detail" scores 'a.mean(0)' 1e-5
    done
    equals "type of $detail" "$(python 'a = np.load("x.npy"); print(a.shape, a.dtype)')" "(6, 300) float32"
done
for detail in probs full; do
    export_ $detail.tidy --what probs -o x.npy --force
    equals "probs of $detail" "$(python 'a = np.load("x.npy"); print(a.shape, a.dtype)')" "(6, 300, 10) float32"
    column $detail.tidy self-confidence >scores
    near "probs of $detail" scores 'a.mean(0)[np.arange(300), y]' 1e-5
    near "probabilities of $detail sum to 1" <(yes 1 | head -300) 'a.sum(2).mean(0)' 1e-3
    export_ $detail.tidy --what log-probs -o y.npy --force
    python 'print(np.abs(np.exp(np.load("y.npy").astype("f8")) - np.load("x.npy")).max() < 1e-6)' | grep -q True ||
        fail "log-probs of $detail are no logarithms of probs"
done

# A window of epochs.
export_ margin.tidy --what margins -o x.npy --force
export_ margin.tidy --what margins --epochs 2..4 -o window.npy
export_ margin.tidy --what margins --last 2 -o last.npy
equals "windows" "$(python 'a, w, l = (np.load(f) for f in ("x.npy", "window.npy", "last.npy"))
print((w == a[2:5]).all(), w.shape, (l == a[4:]).all(), l.shape)')" "True (3, 300) True (2, 300)"

# An epoch that has begun but not ended is not there; nor is anything where none has.
make-log partial.tidy margin 300 2 3
export_ partial.tidy --what losses -o partial.npy
equals "finished epochs" "$(python 'print(np.load("partial.npy").shape)')" "(2, 300)"
make-log begun.tidy margin 300 0 3
fails 1 "begun.tidy: no epoch is finished yet" tidy-analyze export begun.tidy --what losses -o x2.npy

# Labels, which are those of make-log: every 20th is wrong, and of every 25 samples one is a control.
make-log controls.tidy class 300 6 0 controls
for what in labels given truth; do
    export_ controls.tidy --what $what -o $what.npy
done
equals "labels" "$(python 'l, g, t = (np.load(f + ".npy") for f in ("labels", "given", "truth"))
print(l.shape, l.dtype, *(np.flatnonzero(d).tolist() for d in (l != g, g != t)), sep="; ")')" \
    "(300,); int32; [$(seq -s ', ' 3 25 299)]; [$(seq -s ', ' 0 20 299)]"
equals "what a control is trained on" \
    "$(python 'l, g = (np.load(f) for f in ("labels.npy", "given.npy")); print(set((l - g)[l != g] % 10))')" "{1}"
python 'print(*np.load("given.npy"), sep="\n")' >got
tidy-analyze samples controls.tidy | tail -n +2 | cut -f2 | cmp -s - got || fail "given labels are not those of samples"
# Of 300 samples, those that 3 does not divide and 7 does are left out.
mkdir formats
log_format_fixture write formats
export_ formats/splits.tidy --what labels -o left.npy
equals "left out" "$(python 'print((np.load("left.npy") == -1).sum())')" 29
make-log no-truth.tidy class 300 6 0 no-truth
export_ no-truth.tidy --what given -o same.npy
export_ no-truth.tidy --what labels -o same2.npy
cmp -s same.npy same2.npy || fail "without probes the labels trained on are the given ones"

# What is refused leaves no file.
fails 1 "no-truth.tidy: 'truth' is not known" tidy-analyze export no-truth.tidy --what truth -o x2.npy
fails 2 "--what labels is the same in all epochs" tidy-analyze export margin.tidy --what labels --first 2 -o x2.npy
fails 2 "--what ARRAY is needed" tidy-analyze export margin.tidy -o x2.npy
fails 2 "-o FILE.npy is needed" tidy-analyze export margin.tidy --what losses
fails 2 "did you mean 'margins'" tidy-analyze export margin.tidy --what margin -o x2.npy
fails 1 "class.tidy: 'margins' needs --detail margin or more" tidy-analyze export class.tidy --what margins -o x2.npy
fails 1 "margin.tidy: 'probs' needs --detail probs or more" tidy-analyze export margin.tidy --what probs -o x2.npy
fails 2 "has 6 finished epochs" tidy-analyze export margin.tidy --what losses --epochs 5..6 -o x2.npy
fails 1 "margin.tidy: there is no run 1" tidy-analyze export margin.tidy --what losses --run 1 -o x2.npy
fails 1 "x.npy exists already; --force replaces it" tidy-analyze export margin.tidy --what losses -o x.npy
(ulimit -f 4; tidy-analyze export margin.tidy --what losses -o x2.npy) 2>stderr
equals "a full disk" "$? $(wc -l <stderr) $(grep -c 'cannot be written: File too large' stderr)" "1 1 1"
equals "files that are no arrays" "$(find . -name 'x2.npy*')" ""
finish
