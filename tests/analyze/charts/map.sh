# The data map: every sample in a disc, where `samples` says that it lies.
. "$TIDY_SOURCE/tests/analyze/charts/charts.bash"
make-log few.tidy margin 300 6 0
make-log many.tidy margin 6000 4 0
make-log unknown.tidy probs 2000 5 0 no-truth
make-log right.tidy margin 1500 5 0 all-right
make-log probes.tidy margin 500 5 0 controls
make-log once.tidy margin 40 1 0
make-log single.tidy margin 1 1 0
make-log class.tidy class 500 3 0
fails 1 "class.tidy: a data map needs probabilities, .* 'plot forgetting' shows" tidy-analyze plot map class.tidy

# The share in the title is that of the rule which it stands for.
title() {
    local share
    share=$(tidy-analyze eval "$1" --score confidence --threshold top:0.1 | awk '!/#/ { printf "%.0f", 100 * $5 }')
    grep -q "label 1 '$share% of the mislabelled images lie in the tenth hardest to learn'" chart.gp ||
        fail "title of $1: $(grep 'label 1' chart.gp), expected $share%"
}

draws_everywhere map few.tidy
for log in few many unknown right probes once single; do
    draws map $log.tidy
    tidy-analyze samples $log.tidy --score confidence,variability,correctness >table
    /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/charts/check_map.py" table chart.svg chart.gp || fail "map of $log"
    case $log in
    unknown | right)
        half=$(awk '!/#/ && !/nan/ { n++; low += $NF < 2.5 } END { printf "%.1f", 100 * low / n }' table)
        grep -q "label 1 '$half% of the images were predicted right in less than half" chart.gp ||
            fail "title of $log: $(grep 'label 1' chart.gp), expected $half%"
        ;;
    *) title $log.tidy ;;
    esac
done
tidy-analyze plot map probes.tidy | grep -q "; 20 without a score are left out." || fail "probes are not counted"
tidy-analyze plot map many.tidy --first 2 | grep -q 'cbrange \[0:2\]' || fail "--first 2 has not two epochs"
finish
