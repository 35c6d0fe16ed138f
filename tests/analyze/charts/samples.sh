# One sample's trajectory: what `export` has of it, and where `samples` says that it was forgotten.
. "$TIDY_SOURCE/tests/analyze/charts/charts.bash"
needs_numpy
check() {
    /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/charts/check_samples.py" chart.svg "$@" || fail "samples of $*"
}
printf '%s\n' ant bee cat dog elk fox gnu hen ibis jay >names
make-log run.tidy margin 3000 12 0
make-log full.tidy full 500 9 0
make-log class.tidy class 2000 15 0
make-log unknown.tidy margin 500 6 0 no-truth
make-log probes.tidy margin 1000 5 0 controls
for case in "run 0" "run 20" "run 7" "run 2999" "full 40" "class 60" "unknown 3" "probes 28"; do
    read -r log sample <<<"$case"
    draws samples $log.tidy --sample "$sample" --class-names names
    check $log.tidy "$sample"
done
forgetful=$(tidy-analyze samples run.tidy --score forgetting-events | sort -k4,4nr -k1,1n | head -n 1 | cut -f 1)
draws_everywhere samples run.tidy --sample "$forgetful" --class-names names
check run.tidy "$forgetful"
[ -n "$(tidy-analyze samples run.tidy --score forgotten-at | awk -v s="$forgetful" '$1 == s { print $4 }')" ] ||
    fail "no sample was forgotten"
make-log blocks.tidy class 40000 3 0 # three blocks of packed samples
for sample in 0 16383 16384 32767 32768 39999; do
    draws samples blocks.tidy --sample $sample --class-names names
    check blocks.tidy $sample
done
draws samples run.tidy --sample 20 --class-names names --epochs 3..3

# The image, where it is at hand; what a log does not say of its runs.
make-idx data 200 0 4 16
tidy-record train --data data --epochs 2 --noise 0.1 --threads 1 -o one.tidy 2>/dev/null || fail "train"
tidy-record train --data data --epochs 3 --noise 0.1 --threads 1 --seed 1 -o two.tidy 2>/dev/null || fail "train"
draws samples one.tidy --sample 3
/usr/bin/python3 -c 'import svg; assert len(svg.read("chart.svg").images) == 1' || fail "no image is drawn"
tidy-analyze merge one.tidy two.tidy -o both.tidy 2>/dev/null || fail "merge"
draws samples both.tidy --sample 3
/usr/bin/python3 -c 'import svg; assert svg.read("chart.svg").has("5 epochs of 2 runs")' || fail "runs are not counted"
mv data moved
tidy-analyze plot samples one.tidy --sample 3 >chart.gp 2>stderr || fail "without the image: $(cat stderr)"
grep -q "drawn without the image: .*--data DIR" stderr || fail "nothing is said of the image: $(cat stderr)"
draws samples one.tidy --sample 3 --data moved
fails 1 "nowhere" tidy-analyze plot samples one.tidy --sample 3 --data nowhere
fails 1 "there is no sample 3000; the last of its 3000 is --sample 2999" tidy-analyze plot samples run.tidy --sample 3000
fails 2 "plot samples: --sample N is needed" tidy-analyze plot samples run.tidy
fails 2 "plot samples takes no --count" tidy-analyze plot samples run.tidy --sample 1 --count 3
finish
