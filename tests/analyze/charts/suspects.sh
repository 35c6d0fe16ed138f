# The grid of suspects: images, labels and scores as the data set and `flag` have them.
. "$TIDY_SOURCE/tests/analyze/charts/charts.bash"
needs_numpy
check() {
    /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/charts/check_suspects.py" chart.svg chart.gp "$@" || fail "suspects of $*"
}
make-idx data 600 0 10 28
train="tidy-record train --data data --epochs 3 --threads 1"
$train --noise 0.1 -o run.tidy 2>/dev/null || fail "train"
$train -o unknown.tidy 2>/dev/null || fail "train"
$train --noise 0.1 --detail class -o class.tidy 2>/dev/null || fail "train"
draws_everywhere suspects run.tidy
draws suspects run.tidy
check data 24 run.tidy --score label-posterior
draws suspects run.tidy --score aum --count 40 --first 2
check data 40 run.tidy --score aum --first 2
draws suspects unknown.tidy --count 7
check data 7 unknown.tidy --score label-posterior
equals "images of an SVG whose pixels stay sharp" "$(grep -c "<image style='image-rendering:pixelated' " chart.svg)" 7
draws suspects class.tidy --count 1
check data 1 class.tidy --score majority-disagreement
for count in 2 100 600 1000; do # none has text any more, and there are no more than 600
    draws suspects run.tidy --count $count
done
[ "$(wc -c <chart.gp)" -lt 400000 ] || fail "a script of $(wc -c <chart.gp) bytes"
printf '%s of a name too long for a cell\n' 0 1 2 3 4 5 6 7 8 9 >long
draws suspects run.tidy --class-names long

make-log nowhere.tidy margin
fails 1 "nowhere.tidy does not say where its images are; --data DIR does" tidy-analyze plot suspects nowhere.tidy
mv data moved
fails 1 "data: no such folder.*; --data DIR says where the images of run.tidy are now" \
    tidy-analyze plot suspects run.tidy
draws suspects run.tidy --data moved
fails 2 "unknown score 'amu'" tidy-analyze plot suspects run.tidy --data moved --score amu
fails 2 "plot suspects takes no --threshold" tidy-analyze plot suspects run.tidy --threshold gmm
finish
