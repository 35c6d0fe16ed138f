# What tidy-record train makes of samples: label files, truths, threshold samples, halves, an early end; and that each is gone on with.
. "$TIDY_SOURCE/tests/record/functions.sh"

info()
{
    tidy-analyze info "$1" | awk -F'\t' -v key="$2" '$1 == key { print $2 }'
}

# A run of 2 epochs that is prolonged to 4 is that of 4 epochs: resume takes everything from the log.
check_resume()
{
    expect 0 "" $train "$@" --epochs 4 -o whole.tidy --force
    expect 0 "" $train "$@" --epochs 2 -o part.tidy --force
    rm -f labels.tsv truth.tsv
    expect 0 "epoch 4/4" tidy-record resume part.tidy --epochs 4
    same_log whole.tidy part.tidy
    tidy-analyze verify whole.tidy >verified || fail "$(cat verified)"
}
train="tidy-record train --data data --lr-schedule constant"

# Labels of a file: every third sample is left out, the first 30 of the others are labelled 0 (right for 4, 8, 16, 20, 28, 32, 40, 44).
write_labels()
{
    seq 0 599 | awk '$1 % 3 != 0 { print $1 "\t" ($1 < 45 ? 0 : $1 % 4) }' >labels.tsv
    seq 0 599 | awk '{ print $1 "\t" $1 % 4 }' >truth.tsv
}
write_labels
expect 0 "(600 images, 12x12x1, 4 classes, 200 left out)" $train --labels labels.tsv --epochs 1 -o a.tidy
[ "$(tidy-analyze samples a.tidy | grep -c '^[0-9]')" = 600 ] || fail "a line for each sample"
expect 0 "(600 images, 12x12x1, 4 classes, 22 labels wrong, 200 left out)" \
    $train --labels labels.tsv --truth truth.tsv --epochs 1 -o b.tidy
tidy-analyze samples a.tidy >a.tsv && tidy-analyze samples b.tidy >b.tsv || fail "the logs cannot be analysed"
expect 0 ", 40 labels planted wrong, 200 left out)" $train --labels labels.tsv --noise 0.1,pair --epochs 1 -o c.tidy
check_resume --labels labels.tsv --noise every:7
write_labels
check_resume --labels labels.tsv --truth truth.tsv

# Threshold samples: an extra class for round(600 / 5) of them, that the test set has not.
expect 0 "4 classes)" $train --epochs 1 -o d.tidy
expect 0 "(600 images, 12x12x1, 5 classes, 120 threshold-samples)" $train --threshold-samples 1 --epochs 1 --force -o d.tidy
[ "$(info d.tidy classes)" = 5 ] || fail "$(tidy-analyze info d.tidy)"
check_resume --threshold-samples 2 --noise 0.1

# Controls: round(0.05 * 600) of them, beside the noise that is planted without them, and also in halves.
expect 0 "(600 images, 12x12x1, 4 classes, 60 labels planted wrong, 30 controls)" \
    $train --noise 0.1 --controls 0.05 --epochs 2 -o k.tidy
expect 0 "" $train --noise 0.1 --epochs 2 -o l.tidy
for what in given truth; do
    for log in k l; do
        tidy-analyze export $log.tidy --what $what -o $log.$what.npy || fail "export"
    done
    cmp k.$what.npy l.$what.npy || fail "$what differs with controls"
done
compare-logs k.tidy l.tidy 2>difference && fail "--controls changes nothing"
grep -q "different probes" difference || fail "$(cat difference)"
[ "$(tidy-analyze samples k.tidy --score aum | awk '$4 == "nan"' | wc -l)" = 30 ] || fail "30 samples have no score"
check_resume --controls 0.05 --noise 0.1
write_labels
expect 0 ", 200 left out, 20 controls)" $train --labels labels.tsv --controls 0.05 --epochs 1 -o k.tidy --force
check_resume --labels labels.tsv --controls 0.05
check_resume --second-split 1 --controls 0.05

# Two halves, and the same ones exchanged.
expect 0 "" $train --second-split 2 --epochs 3 -o e.tidy
expect 0 "" $train --second-split 2 --swap-halves --epochs 3 -o f.tidy
compare-logs e.tidy f.tidy 2>difference && fail "--swap-halves exchanges nothing"
grep -q "different parts" difference || fail "$(cat difference)"
check_resume --second-split 1 --detail full

# An end where suspects are stable: the log is whole, and goes on where one says for how long.
stable="$train --noise 0.02 --epochs 60 --lr 0.02 --stop-when-stable"
expect 0 "the most suspicious samples no longer change: ended after epoch" $stable -o g.tidy
ended=$(info g.tidy epochs-finished)
[ "$ended" -ge 4 ] && [ "$ended" -lt 60 ] || fail "ended after $ended"
[ "$(info g.tidy epochs-planned)" = "$ended" ] || fail "$(tidy-analyze info g.tidy)"
expect 0 "g.tidy has all of its $ended epochs: nothing to do" tidy-record resume g.tidy
expect 0 "epoch $((ended + 2))/$((ended + 2))" tidy-record resume g.tidy --epochs $((ended + 2))
expect 0 "" $train --noise 0.02 --epochs 60 --lr 0.02 --detail class --stop-when-stable -o h.tidy
expect 0 "30 controls" $stable --controls 0.05 -o i.tidy
[ "$(info i.tidy epochs-finished)" -lt 60 ] || fail "does not end with controls"

# Options that do not go together, or files that cannot be what is asked for: nothing is written.
failure()
{
    expect_error "$@"
    [ ! -e run.tidy ] && [ ! -e run.tidy.ckpt ] || fail "'$*' left a file"
}
write_labels
failure 2 "--second-split 4 needs more epochs than that: --epochs 5 or more, not 4" $train --second-split 4 --epochs 4
failure 2 "--swap-halves exchanges the halves of --second-split N" $train --swap-halves
failure 2 "--stop-when-stable cannot be had with --second-split" $train --stop-when-stable --second-split 2
failure 2 "--threshold-samples" $train --threshold-samples first
failure 2 "--controls cannot be had with --threshold-samples: leave one out" $train --controls 0.1 --threshold-samples 1
for share in 0.6 nan -0.1 few; do
    failure 2 "--controls" $train --controls=$share
done
failure 1 "--controls 0.0001: of 600 samples that is none" $train --controls 0.0001
failure 1 "--controls 0.5: 300 samples are wanted, but only 240 have a label that is not known to be wrong" \
    $train --controls 0.5 --noise 0.6
failure 1 "of 600 samples there are 5 draws of 120, not 6" $train --threshold-samples 6
failure 1 "nowhere.idx" $train --labels nowhere.idx
failure 1 "labels.tsv: has no label for sample 0" $train --truth labels.tsv
printf '0\t4\n' >wrong.tsv
failure 1 "wrong.tsv: " $train --labels wrong.tsv
printf '600\t1\n' >wrong.tsv
failure 1 "wrong.tsv: " $train --labels wrong.tsv

# Names of classes: of the data set's own file, or of --class-names; nothing else of the data set changes by them.
names_of()
{
    : >none
    tidy-analyze clean "$1" --drop none -o named.csv --force 2>stderr || fail "$(cat stderr)"
    tail -n +2 named.csv | sort -t, -k2,2n -u | cut -d, -f3 | paste -sd' '
}
make-idx named 600 0 4 12
expect 0 "" $train --data named --epochs 1 -o n.tidy --force
[ "$(head -n 1 <(tidy-analyze clean n.tidy --drop /dev/null -o n.csv 2>/dev/null; cat n.csv))" = "sample,label" ] ||
    fail "names from nowhere"
printf 'ant\nbee\r\ncat\ndog\n' >named/classes.txt
expect 0 "" $train --data named --epochs 1 -o o.tidy --force
[ "$(names_of o.tidy)" = "ant bee cat dog" ] || fail "names of classes.txt: $(names_of o.tidy)"
[ "$(tidy-analyze info n.tidy | grep data-digest)" = "$(tidy-analyze info o.tidy | grep data-digest)" ] || fail "digest"
printf 'one\ntwo\nthree\nfour\n' >names
expect 0 "" $train --data named --class-names names --threshold-samples 1 --epochs 1 -o o.tidy --force
[ "$(names_of o.tidy)" = "one two three four" ] || fail "names of --class-names: $(names_of o.tidy)"
mkdir prefix # as EMNIST has it
for file in named/t*; do cp "$file" "prefix/emnist-x-${file#named/}"; done
printf '0 48\n1 49\n3 65 97\n2 50\n' >prefix/emnist-x-mapping.txt
printf 'of\nother\nfiles\n' >prefix/classes.txt
expect 0 "" $train --data prefix/emnist-x --epochs 1 -o o.tidy --force
[ "$(names_of o.tidy)" = "0 1 2 A/a" ] || fail "names of a mapping: $(names_of o.tidy)"
echo five >>named/classes.txt
failure 1 "named/classes.txt: it has 5 lines, and there are 4 classes" tidy-record train --data named -o p.tidy
failure 1 "nowhere: cannot open it" $train --class-names nowhere -o p.tidy
[ ! -e p.tidy ] || fail "a log is left of a failure"
