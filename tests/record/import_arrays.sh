# tidy-record import of NumPy's arrays: every shape, type and order gives the log that training would have made, and what is
# wrong with an array is said and leaves nothing.
. "$TIDY_SOURCE/tests/record/functions.sh"
/usr/bin/python3 -c 'import numpy' 2>/dev/null || { echo "python3-numpy is not installed: skipped"; exit 77; }
cases=$TIDY_SOURCE/tests/record/import_cases.py
/usr/bin/python3 "$cases" make || fail "the arrays"
quiet() { "$@" 2>/dev/null; }

# import LOG ARGUMENT...: into LOG, with the labels; scores in LOG.tsv.
import()
{
    local log=$1
    shift
    expect 0 "imported 3 epochs of 2000 samples, 6000 predictions, into $log" \
        tidy-record import --labels labels.npy -o "$log" "$@"
    [ "$(wc -l <stderr)" = 1 ] && [ ! -s stdout ] || fail "one line, on stderr"
    [ -e "$log-lock" ] && fail "a lock file is left"
    quiet tidy-analyze verify "$log" >/dev/null || fail "$log is damaged"
    quiet tidy-analyze samples "$log" --score all >"$log.tsv" || fail "$log cannot be analysed"
}
same_scores() { cmp -s "$1.tsv" "$2.tsv" || fail "$1 and $2 have other scores"; }

# The numbers of double precision, from logits, and from probabilities, whose logarithms are rounded to float32.
import logits --logits logits.npy --detail full
/usr/bin/python3 "$cases" check logits.tsv || fail "scores of logits"
import probs --probs probs.npy --detail full
/usr/bin/python3 "$cases" check probs.tsv || fail "scores of probabilities"

# The same numbers in another type, order, or in files of one epoch each: the same log, but for what it says of itself.
import other --logits f2.npy --detail full && same_scores logits other && rm other*
import other --logits f8.npy --detail full && same_scores logits other && rm other*
import other --logits fortran.npy --detail full && same_scores logits other && rm other*
import other --logits epoch0.npy epoch1.npy epoch2.npy --detail full && same_scores logits other && rm other*
import other --detail full --logits fortran0.npy --classes 4 fortran1.npy fortran2.npy && same_scores logits other && rm other*
import whole --logits whole.npy && import times4 --logits times4.npy && same_scores whole times4

# Classes alone, as what the logits say of them.
import class --logits logits.npy --detail class
import other --predictions predictions.npy && same_scores class other && rm other*
import other --predictions predictions0.npy predictions1.npy predictions2.npy && same_scores class other
tidy-analyze info other | grep -q "^detail	class$" || fail "detail"

# Margin is the default; truth feeds eval; a name and classes' names are kept.
printf 'a\nb\nc\nd\n' >names
expect 0 "" tidy-record import --logits logits.npy --labels labels.npy --truth truth.npy --class-names names --name fashion -o m.tidy
tidy-analyze info m.tidy >info
for line in "detail	margin" "data-name	fashion" "epochs-finished	3" "samples	2000"; do
    grep -q "^$line" info || fail "info has no '$line': $(cat info)"
done
tidy-analyze eval m.tidy --score aum --threshold top:0.1 >eval || fail "eval"

# Zeros and what is not a number.
expect 0 "" tidy-record import --probs probs-hard.npy --labels labels-4.npy --detail full -o hard.tidy
quiet tidy-analyze samples hard.tidy --score correctness,aum,mean-loss >hard.tsv
# -log 2^-149 = 103.2789
[ "$(sed 1d hard.tsv | cut -f 2-)" = "$(printf '%s\n' '1	103.2789	0' '0	-103.2789	103.2789' '0	-103.2789	103.2789' '0	nan	nan')" ] ||
    [ "$(sed 1d hard.tsv | awk '{ printf "%s %.3f %.3f\n", $(NF - 2), $(NF - 1), $NF }')" = "1 103.279 0.000
0 -103.279 103.279
0 -103.279 103.279
0 nan nan" ] || fail "probabilities of 0: $(cat hard.tsv)"
expect 0 "" tidy-record import --logits nan.npy --labels labels-4.npy -o nan.tidy
quiet tidy-analyze samples nan.tidy --score correctness,mean-loss >nan.tsv
[ "$(sed 1d nan.tsv | awk '{ print $(NF - 1), ($NF == "nan") }')" = "1 0
0 1
0 1
0 0" ] || fail "logits that are not numbers: $(cat nan.tsv)"

# Samples that the labels leave out are in no step, and count as missing nowhere.
expect 0 "imported 3 epochs of 2000 samples, 5997 predictions" tidy-record import --logits logits.npy --labels labels-out.npy -o out.tidy
grep -q missing stderr && fail "left out is not missing"
[ "$(quiet tidy-analyze samples out.tidy --score mean-loss | awk -F '\t' '$1 == 7 { print $NF }')" = nan ] || fail "sample 7 is there"

# Wrong usage and wrong arrays: one line that says what, where and what to do, and no file.
refused()
{
    local code=$1
    shift
    expect_error "$code" "$@"
    [ -z "$(compgen -G 'run.tidy*')" ] || fail "'$*' left $(echo run.tidy*)"
}
import="tidy-record import --labels labels.npy"
refused 2 "name the arrays (--logits, --probs or --predictions), or - for a stream" tidy-record import
refused 2 "name the arrays" $import
refused 2 "no labels given: --labels FILE" tidy-record import --logits logits.npy
refused 2 "both --logits and --probs were given" $import --logits logits.npy --probs probs.npy
refused 2 "predicted classes feed --detail class and no other" $import --predictions predictions.npy --detail margin
refused 1 "none.npy: cannot open it: No such file" $import --logits none.npy
refused 1 "four.npy: it has 4 dimensions" $import --logits four.npy
refused 1 "labels.npy: its shape is [2000]; logits are [epochs][samples][classes] in one file, or [samples][classes] in one an epoch" \
    $import --logits labels.npy
refused 1 "logits.npy: its shape is [3][2000][4]; predicted classes are [epochs][samples] in one file" $import --predictions logits.npy
refused 1 "logits.npy: it has several epochs ([3][2000][4]), and of several files each is one epoch" \
    $import --logits epoch0.npy logits.npy
refused 1 "short.npy: [1999][4] of type f4, and epoch0.npy is [2000][4] of type f4: epochs must be of the same samples" \
    $import --logits epoch0.npy epoch1.npy short.npy
refused 1 "double.npy: [2000][4] of type f8, and epoch0.npy is [2000][4] of type f4" $import --logits epoch0.npy double.npy
refused 1 "big-endian.npy: its numbers are big endian (>f4); in Python, a.astype('<f4')" $import --logits big-endian.npy
refused 1 "empty.npy: it is empty: its shape is [0][2000][4]" $import --logits empty.npy
head -c 5000 logits.npy >cut.npy
refused 1 "cut.npy: truncated: 4872 bytes of elements where its shape needs 96000" $import --logits cut.npy
refused 1 "names: not an NPY file" $import --logits names
refused 1 "labels-wrong.npy: sample 7 has label 4; labels are 0 to 3" tidy-record import --labels labels-wrong.npy --logits logits.npy
refused 1 "labels-short.npy: it has labels of 1999 samples, and there are 2000" tidy-record import --labels labels-short.npy --logits logits.npy
refused 1 "--classes says 5, and the predictions are of 4 classes" $import --logits logits.npy --classes 5
refused 1 "probs-sum.npy: sample 9 in epoch 2: its probabilities sum to 0.5, not to 1; logits are imported with --logits" \
    $import --probs probs-sum.npy
refused 1 "probs-negative.npy: sample 5 in epoch 0: a probability is below 0" $import --probs probs-negative.npy
refused 1 "logits.npy: sample 0 in epoch 0: " $import --probs logits.npy
refused 1 "labels are 0 to 2" $import --predictions predictions.npy --classes 3
refused 1 "names: it has 4 lines, and there are 5 classes" $import --predictions predictions.npy --classes 5 --class-names names
refused 1 "nowhere/run.tidy" $import --logits logits.npy -o nowhere/run.tidy

# What is there is replaced only where that is asked for, and stays where the import fails.
cp m.tidy before
expect_error 1 "m.tidy exists already; --force replaces it" $import --logits logits.npy -o m.tidy
expect_error 1 "probs-sum.npy: sample 9" $import --probs probs-sum.npy --force -o m.tidy
cmp -s m.tidy before || fail "the log was touched"
touch m.tidy.ckpt
expect 0 "" $import --logits logits.npy --force -o m.tidy
cmp -s m.tidy before && fail "the log was not replaced"
[ ! -e m.tidy.ckpt ] || fail "another run's checkpoint lies beside the log"
/usr/bin/python3 -c "import numpy; numpy.save('all-out', numpy.full(2000, -1)); numpy.save('column', numpy.load('labels.npy')[:, None])"
expect_error 1 "all-out.npy: it has no labels: every sample is left out" tidy-record import --logits logits.npy --labels all-out.npy -o none.tidy
expect_error 1 "a label a sample; in Python, a.ravel() makes it of [N][1]" tidy-record import --logits logits.npy --labels column.npy -o none.tidy
expect_error 1 "these are probabilities, and imported with --probs" $import --logits probs.npy -o none.tidy
expect_error 2 "import: - is a stream, and --logits names arrays" $import - --logits logits.npy -o none.tidy
expect_error 1 "logits.npy is read, and so cannot be replaced" $import --logits logits.npy -o logits.npy --force
expect_error 1 "missing/none.tidy cannot be written: No such" $import --logits logits.npy -o missing/none.tidy
[ ! -e none.tidy ] || fail "none.tidy was made"
[ -z "$(tidy-analyze info m.tidy | grep -E "nan|^seed|^threads|^order|^lr")" ] || fail "info says what is not known"
tidy-record import --help | grep -E '^.{101}' && fail "lines of import --help of more than 100 columns"
[ -z "$(compgen -G '*import-*')" ] || fail "left: $(echo *import-*)"
small_files() { (trap '' XFSZ && ulimit -f 64 && exec "$@"); }
expect_error 1 "; nothing was written to large.tidy" small_files $import --logits logits.npy --detail full -o large.tidy
grep -q "cannot write step [0-9]*: " stderr || fail "$(cat stderr)"
grep -q "resume" stderr && fail "an import cannot be gone on with: $(cat stderr)"
[ -z "$(compgen -G 'large*')" ] || fail "left: $(echo large*)"

# The examples of --help work.
tidy-record import --help | sed -n '/^example/,$ s/^  //p' | grep -v train.py >examples
[ "$(wc -l <examples)" = 2 ] || fail "examples: $(cat examples)"
for epoch in 0 1; do /usr/bin/python3 -c "import numpy; numpy.save('epoch-$epoch', numpy.load('probs.npy')[$epoch])"; done
while read -r line; do
    expect 0 "imported" bash -c "$line"
done <examples
