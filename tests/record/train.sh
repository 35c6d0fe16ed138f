# tidy-record train: what it records, what it prints, and each thing that can be wrong.
. "$TIDY_SOURCE/tests/record/functions.sh"

# Two lines for the newcomer: what is recorded, and each epoch's result; nothing on stdout.
expect 0 "epoch 2/2: loss " tidy-record train --data data --epochs 2 --noise every:100 -o a.tidy
[ ! -s stdout ] || fail "stdout is for data"
grep -q "^recording small ([0-9]* parameters) on data (600 images, 12x12x1, 4 classes, 6 labels planted wrong) with oneDNN [^,]*, [0-9]* threads*, [0-9.]* [KMG]iB, into a.tidy$" stderr ||
    fail "what is recorded: $(cat stderr)"
grep -q "^epoch 1/2: loss [-0-9.e]*, accuracy [01][0-9.]*, test accuracy [01][0-9.]*, lr 0[0-9.]*, .* images/s), .* left$" stderr ||
    fail "an epoch's line: $(cat stderr)"
grep -q $'\r' stderr && fail "a live line where stderr is no terminal"
[ -s a.tidy ] && [ -s a.tidy.ckpt ] || fail "log and checkpoint"

# The same seed gives the same values; another seed, other ones.
expect 0 "" tidy-record train --data data --epochs 2 --noise every:100 -o b.tidy
same_log a.tidy b.tidy
expect 0 "" tidy-record train --data data --epochs 2 --noise every:100 --seed 2 -o c.tidy
compare-logs a.tidy c.tidy 2>difference && fail "another seed gave the same log"
grep -q "different seed" difference || fail "$(cat difference)"

# Without a test set; every detail; the order of the data set; resized; other networks.
make-idx untested 100 0 4 12
expect 0 "epoch 1/1: loss" tidy-record train --data untested --epochs 1 -o d.tidy
grep -q "test accuracy" stderr && fail "test accuracy without a test set"
for detail in class margin probs full; do
    expect 0 "" tidy-record train --data untested --epochs 1 --detail "$detail" --no-shuffle --resize 16 --force -o d.tidy
done
expect 0 "recording resnet18 (" tidy-record train --data untested --net resnet18 --epochs 1 --batch-size 100 --force -o d.tidy

# A log of logits that is reduced to margins is the log that records margins.
for detail in margin full; do
    expect 0 "" tidy-record train --data data --noise 0.1 --epochs 2 --detail $detail -o $detail.tidy
done
tidy-analyze subset full.tidy --detail margin -o reduced.tidy 2>said || fail "$(cat said)"
for what in predictions margins losses; do
    for log in margin reduced; do
        tidy-analyze export $log.tidy --what $what -o $log.npy --force
    done
    cmp margin.npy reduced.npy || fail "$what of logits differ from those recorded"
done
for log in margin reduced; do
    tidy-analyze info $log.tidy | grep -E '^steps-(records|bytes)' >$log.steps
done
cmp margin.steps reduced.steps || fail "the reduced log's steps have other sizes"

# --net list is a table.
tidy-record train --net list >list || fail "--net list"
[ "$(head -n 1 list | cut -f 1)" = "#name" ] || fail "the table's header"
for network in small resnet18 resnet50 resnet101 resnet152; do
    grep -q "^$network	" list || fail "no $network in the list"
done
expect_error 1 "cannot write to standard output" bash -c 'tidy-record train --net list >/dev/full'

# The examples of --help work, on a smaller data set.
for command in train resume devices; do
    tidy-record $command --help >help || fail "$command --help"
    sed -n '/^example:/,$ s/^  //p' help | sed 's#/usr/share/datasets/fashion-mnist#data#' >examples
    [ -s examples ] || fail "no example"
    while read -r line; do
        expect 0 "" bash -c "$line"
    done <examples
done
rm run.tidy*

# Wrong usage: exit 2, nothing written.
usage()
{
    expect_error 2 "$@"
    [ ! -e run.tidy ] && [ ! -e run.tidy.ckpt ] || fail "'$*' left a file"
}
usage "no data set given: --data DIR" tidy-record train
usage "did you mean 'resnet50'?" tidy-record train --data data --net resent50
usage "unknown network 'vgg'" tidy-record train --data data --net vgg
usage "did you mean '--epochs'" tidy-record train --data data --epoch 3
usage "'x' is not a whole number" tidy-record train --data data --epochs x
usage "is out of range" tidy-record train --data data --epochs 0
usage "'nan' is not a number" tidy-record train --data data --lr nan
usage "is out of range" tidy-record train --data data --lr -1
usage "is out of range" tidy-record train --data data --momentum 1.5
usage "is out of range" tidy-record train --data data --batch-size 0
usage "did you mean 'cosine'?" tidy-record train --data data --lr-schedule cosin
usage "did you mean 'margin'?" tidy-record train --data data --detail margn
usage "unknown choice 'gpu'" tidy-record train --data data --device gpu
usage "--noise" tidy-record train --data data --noise every:0
usage "train: surplus argument 'data'; usage: tidy-record train --data DIR" tidy-record train data --data data
usage "did you mean 'train'?" tidy-record trian --data data

# What cannot be done: exit 1, nothing written.
failure()
{
    expect_error 1 "$@"
    [ ! -e run.tidy ] && [ ! -e run.tidy.ckpt ] || fail "'$*' left a file"
}
failure "nowhere" tidy-record train --data nowhere
failure "row 1 (class 0) sums to 0.9" tidy-record train --data data --noise 0.1,matrix:<(echo 0.9)
failure "no-such-file: cannot be opened" tidy-record train --data data --noise 0.1,matrix:no-such-file
failure "data set has 4" tidy-record train --data data --noise 0.1,matrix:<(echo 1)
failure "nowhere: No such file" tidy-record train --data data -o nowhere/run.tidy
mkdir broken && cp data/* broken && truncate -s -1 broken/train-images-idx3-ubyte
failure "train-images-idx3-ubyte" tidy-record train --data broken
failure "label" tidy-record train --data data --classes 3

# A log or a checkpoint that is there is never replaced unasked.
cp a.tidy before && cp a.tidy.ckpt before.ckpt
expect_error 1 "a.tidy: exists; 'tidy-record resume a.tidy' goes on with it, --force replaces it" \
    tidy-record train --data data -o a.tidy
cmp -s a.tidy before && cmp -s a.tidy.ckpt before.ckpt || fail "the log was touched"
cp a.tidy.ckpt run.tidy.ckpt
expect_error 1 "run.tidy.ckpt: exists" tidy-record train --data data
cmp -s run.tidy.ckpt before.ckpt || fail "the checkpoint was touched"
rm run.tidy.ckpt
expect 0 "" tidy-record train --data data --epochs 1 --seed 5 --force -o a.tidy

# A learning rate that is far too large: a message, and a log that can be read.
expect 1 "tidy-record: the loss is not a number in epoch " tidy-record train --data data --lr 1000 --weight-decay 1
same_log run.tidy run.tidy

# No room for the checkpoint: a message, and a log that can be read.
small_files()
{
    (trap '' XFSZ && ulimit -f 64 && exec "$@")
}
expect 1 "run.tidy.ckpt: the checkpoint cannot be written: File too large" small_files tidy-record train --data data --force
[ ! -e run.tidy.ckpt ] && [ ! -e run.tidy.ckpt.new ] || fail "half a checkpoint"
same_log run.tidy run.tidy
