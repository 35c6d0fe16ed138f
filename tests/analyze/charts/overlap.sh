# How far scores agree: what `compare --agreement` says of each pair, and how many `flag` lists how often.
. "$TIDY_SOURCE/tests/analyze/charts/charts.bash"
check() {
    /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/charts/check_overlap.py" chart.svg chart.gp "$@" || fail "overlap of $*"
}
five=label-posterior,aum,mean-loss,forgetting-events,confidence
make-log run.tidy margin 2000 8 0
make-log other.tidy margin 2000 3 0
make-log unknown.tidy probs 2000 5 0 no-truth
make-log probes.tidy margin 1000 5 0 controls
make-log class.tidy class 2000 6 0
make-log few.tidy margin 40 2 0
make-log right.tidy margin 500 4 0 all-right
make-log never.tidy class 200 1 0

draws_everywhere overlap run.tidy
draws overlap run.tidy
check $five top:0.01 run.tidy
draws overlap run.tidy --score aum,correctness,mean-loss --threshold mean+2std --first 4
check aum,correctness,mean-loss mean+2std run.tidy --first 4
draws overlap run.tidy --score aum,confidence --threshold otsu
check aum,confidence otsu run.tidy
for log in unknown probes right; do
    draws overlap $log.tidy --threshold top:0.05
    check $five top:0.05 $log.tidy
done
draws overlap class.tidy --threshold gmm
check majority-disagreement,correctness,forgetting-events,mean-correct-epoch-or-never gmm class.tidy
draws overlap few.tidy --threshold count:3
check $five count:3 few.tidy
ten=label-posterior,aum,mean-loss,confidence,forgetting-events,mean-correct-epoch-or-never,correctness,variability,loss-at:3
ten=$ten,majority-disagreement
draws overlap run.tidy --score $ten --threshold top:0.1
check $ten top:0.1 run.tidy

# All values equal, or none: there is no correlation, and no rule finds two groups.
draws overlap never.tidy --score forgetting-events,correctness,mean-correct-epoch --threshold top:0.1
check forgetting-events,correctness,mean-correct-epoch top:0.1 never.tidy

# Two runs: by one score named as their files, by several as both.
draws overlap run.tidy other.tidy --score aum --threshold top:0.05
check aum top:0.05 run.tidy other.tidy
draws overlap run.tidy other.tidy --score aum,mean-loss --threshold top:0.05
/usr/bin/python3 - <<'END' || fail "names of runs and scores"
import svg
texts = [t.text for t in svg.read("chart.svg").texts]
for name in "run.tidy, aum", "other.tidy, mean-loss":
    assert texts.count(name) == 2, (name, texts)
END

fails 2 "room for 2 to 10 scores of all logs, not 1" tidy-analyze plot overlap run.tidy --score aum
fails 2 "room for 2 to 10 scores of all logs, not [0-9]+" tidy-analyze plot overlap run.tidy --score all
fails 2 "'gmm,otsu' is not one rule that cuts scores" tidy-analyze plot overlap run.tidy --threshold gmm,otsu
fails 2 "'ctrl' is not one rule that cuts scores" tidy-analyze plot overlap run.tidy --threshold ctrl
fails 2 "'expected-f1' needs probabilities" tidy-analyze plot overlap run.tidy --threshold expected-f1
fails 1 "no score flags anything by top:0.01, .*--threshold" tidy-analyze plot overlap few.tidy
fails 1 "few.tidy has 40 samples and run.tidy has 2000" tidy-analyze plot overlap run.tidy few.tidy --score aum
finish
