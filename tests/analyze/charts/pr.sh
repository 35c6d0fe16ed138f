# Precision-recall curves: every threshold where `sweep` says, every rule where `eval` says, names that can be read.
. "$TIDY_SOURCE/tests/analyze/charts/charts.bash"
make-log run.tidy margin 1000 8 0
make-log full.tidy full 2000 6 0
make-log class.tidy class 500 5 0
make-log once.tidy margin 40 1 0
make-log probes.tidy margin 500 5 0 controls
check() {
    /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/charts/check_pr.py" chart.svg chart.gp "$@" || fail "pr of $*"
}

draws_everywhere pr run.tidy
draws pr run.tidy
check run.tidy label-posterior,aum,mean-loss,forgetting-events gmm label-posterior:expected-f1
draws pr class.tidy
check class.tidy correctness,forgetting-events,majority-disagreement,mean-correct-epoch-or-never gmm \
    majority-disagreement:value:0.6
draws pr run.tidy --score aum --first 3 --threshold top:0.02,otsu,gmm,count:80
check run.tidy aum top:0.02 otsu gmm count:80 --first 3
draws pr full.tidy --threshold ctrl,both,top:0.05,mean+2std
check full.tidy label-posterior,aum,mean-loss,forgetting-events top:0.05 mean+2std any:ctrl any:both
cp "$TIDY_SOURCE/examples/seed-experiment.tidy" .
draws pr seed-experiment.tidy --score mean-loss,aum --threshold top:0.01
check seed-experiment.tidy mean-loss,aum top:0.01
for log in once probes; do
    draws pr $log.tidy --threshold top:0.1
    check $log.tidy label-posterior,aum,mean-loss,forgetting-events top:0.1
done

# One threshold, which flags everything; and a score that nobody has.
draws pr once.tidy --score forgetting-events --threshold count:40
check once.tidy forgetting-events count:40
draws pr once.tidy --score mean-correct-epoch --threshold gmm

fails 2 "threshold 'expected-f1' goes with --score label-posterior, which is not drawn" \
    tidy-analyze plot pr run.tidy --score aum --threshold gmm,expected-f1
fails 2 "unknown threshold rule 'gnm'; did you mean 'gmm'" tidy-analyze plot pr run.tidy --threshold otsu,gnm
fails 1 "the true labels are not known" tidy-analyze plot pr $(make-log unknown.tidy margin 50 2 0 no-truth && echo unknown.tidy)
fails 1 "no label is wrong, so there is no recall to draw" \
    tidy-analyze plot pr $(make-log right.tidy margin 50 2 0 all-right && echo right.tidy)
finish
