# Side by side: compare says of each score and rule what eval says of one, and how far two agree.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
make-log run.tidy margin 1000 8 0
make-log other.tidy class 1000 5 0
make-log unknown.tidy class 1000 5 0 no-truth
make-log small.tidy class 500 5 0

table() { tidy-analyze compare "$@" 2>stderr || fail "compare $*: $(cat stderr)"; }
equals "columns" "$(table run.tidy --score aum | head -1 | tr '\t' ' ')" \
    "#log score rule flagged precision recall f1 ap auroc best_f1"
for score in aum forgetting-events loss-at:3; do
    for rule in gmm otsu mean+5std top:0.05; do
        equals "$score cut by $rule" \
            "$(table run.tidy --score correctness,aum,forgetting-events,loss-at:3 --threshold otsu,top:0.05,mean+5std,gmm |
                awk -F'\t' -v score=$score -v rule="$rule" '$2 == score && $3 == rule' | cut -f2-)" \
            "$(tidy-analyze eval run.tidy --score $score --threshold "$rule" | tail -1)"
    done
done
equals "all scores of each log, four rules each" "$(table run.tidy other.tidy | grep -v '#' | cut -f1 | uniq -c | xargs)" \
    "76 run.tidy 36 other.tidy"
equals "the standard rules" "$(table run.tidy --score aum | grep -v '#' | cut -f3 | xargs)" "gmm bmm otsu mean+5std"
equals "a window" "$(table run.tidy --first 3 --score aum --threshold otsu | tail -1 | cut -f2-)" \
    "$(tidy-analyze eval run.tidy --first 3 --score aum --threshold otsu | tail -1)"
flagged=$(tidy-analyze flag unknown.tidy --score correctness --threshold otsu | grep -vc '#')
equals "without the truth" "$(table unknown.tidy --score correctness --threshold otsu | tail -1)" \
    "$(printf 'unknown.tidy\tcorrectness\totsu\t%s\tnan\tnan\tnan\tnan\tnan\tnan' "$flagged")"

equals "a rule that ignores scores" "$(table run.tidy --score aum,confidence --threshold ctrl,otsu | cut -f2-6,8 | tail -1)" \
    "$(tidy-analyze eval run.tidy --score aum --threshold ctrl | tail -1 | cut -f2-5 | sed 's/^/-\t/')$(printf '\tnan')"

# Agreement. Confidence and its log-odds' mean rank samples much alike; a score and itself do exactly.
agree() { table "$@" --agreement; }
equals "columns of agreement" "$(agree run.tidy --score aum,confidence | head -1 | tr '\t' ' ')" \
    "#log_a score_a log_b score_b samples spearman rule suspects_a suspects_b both jaccard overlap"
equals "pairs of three scores" "$(agree run.tidy --score aum,confidence,mean-loss | grep -v '#' | cut -f2,4 | tr '\t\n' '- ')" \
    "aum-confidence aum-mean-loss confidence-mean-loss "
cp run.tidy copy.tidy
equals "a log and its copy" "$(agree run.tidy copy.tidy --score aum --threshold top:0.05 | tail -1 | cut -f5-)" \
    "$(printf '1000\t1\ttop:0.05\t50\t50\t50\t1\t1')"
equals "scores that both logs feed, in each pair" "$(agree run.tidy other.tidy copy.tidy | grep -v '#' | cut -f1,3 | uniq -c | xargs)" \
    "9 run.tidy other.tidy 19 run.tidy copy.tidy 9 other.tidy copy.tidy"

# The overlap is that of flag's lists; here they are cut by different rules in one call.
for rule in otsu count:70; do
    for score in aum correctness; do
        tidy-analyze flag run.tidy --score $score --threshold $rule | grep -v '#' | cut -f1 | sort >$score
    done
    agree run.tidy --score aum,correctness --threshold count:70,otsu | grep -P "\t$rule\t" | cut -f8- >got
    equals "overlap by $rule" "$(cut -f1-3 got | tr '\t' ' ')" "$(wc -l <aum) $(wc -l <correctness) $(comm -12 aum correctness | wc -l)"
    awk -F'\t' -v jaccard="$(comm -12 aum correctness | wc -l)/$(sort -u aum correctness | wc -l)" '{
        split(jaccard, part, "/"); smaller = $1 < $2 ? $1 : $2
        if (($4 - part[1] / part[2])^2 > 1e-12 || ($5 - part[1] / smaller)^2 > 1e-12) print $4, $5 }' got >wrong
    [ ! -s wrong ] || fail "shares by $rule: $(cat wrong)"
done

# Spearman against NumPy: ranks with ties shared, samples without one of the scores left out.
if /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
    tidy-analyze samples run.tidy --score correctness,mean-correct-epoch | tail -n +2 | cut -f4,5 >scores
    equals "Spearman's correlation" "$(agree run.tidy --score correctness,mean-correct-epoch | tail -1 | cut -f5,6)" \
        "$(/usr/bin/python3 -c '
import numpy as np
def ranks(x):
    return np.array([(x < v).sum() + ((x == v).sum() - 1) / 2 for v in x])
a = np.loadtxt("scores")
a = a[~np.isnan(a).any(1)]
print(len(a), np.float32(np.corrcoef(ranks(-a[:, 0]), ranks(a[:, 1]))[0, 1]), sep="\t")')"
fi

fails 2 "compare: missing argument" tidy-analyze compare --agreement
fails 2 "unknown score 'amu'" tidy-analyze compare run.tidy --score amu
fails 2 "unknown threshold rule 'gnm'; did you mean 'gmm'" tidy-analyze compare run.tidy --threshold otsu,gnm
fails 2 "unknown threshold rule ''" tidy-analyze compare run.tidy --threshold otsu,
fails 1 "other.tidy: score 'aum' needs --detail margin" tidy-analyze compare run.tidy other.tidy --score aum
fails 1 "small.tidy has 500 samples and run.tidy has 1000" tidy-analyze compare run.tidy small.tidy --agreement
fails 1 "missing.tidy: .*No such file" tidy-analyze compare run.tidy missing.tidy
finish
