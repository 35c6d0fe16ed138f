# The matrix of given and suggested labels: what `flag` lists, counted.
. "$TIDY_SOURCE/tests/analyze/charts/charts.bash"
check() {
    /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/charts/check_noise.py" chart.svg chart.gp "$@" || fail "noise of $*"
}
make-log run.tidy margin 3000 8 0
make-log full.tidy full 2000 6 0
make-log unknown.tidy probs 2000 5 0 no-truth
make-log probes.tidy margin 1000 5 0 controls
make-log class.tidy class 2000 6 0

draws_everywhere noise run.tidy --score aum --threshold top:0.08
draws noise run.tidy --score aum --threshold top:0.08
check run.tidy --score aum --threshold top:0.08
draws noise run.tidy --score mean-loss --threshold otsu --first 3
check run.tidy --score mean-loss --threshold otsu --first 3
for log in full unknown probes; do
    draws noise $log.tidy --score label-posterior --threshold top:0.05
    check $log.tidy --score label-posterior --threshold top:0.05
done
draws noise class.tidy --score majority-disagreement --threshold value:0.6
check class.tidy --score majority-disagreement --threshold value:0.6

# Without options as flag, and it says what auto chose.
tidy-analyze plot noise run.tidy -o chart.svg --force 2>stderr || fail "plot noise: $(cat stderr)"
tidy-analyze plot noise run.tidy >chart.gp 2>/dev/null
grep -q "auto: --score label-posterior --threshold expected-f1" stderr || fail "auto is not said: $(cat stderr)"
check run.tidy
/usr/bin/python3 - <<'END' || fail "the caption's estimate is of another pair than the title, or not there"
import re, svg
words = " ".join(t.text for t in svg.read("chart.svg").texts)
given, other = re.search("Most suspects: '(.)' that looks like '(.)'", words).groups()
assert re.search("estimated: [0-9.]+%% of '%s' are labelled '%s'" % (other, given), words), words
END

# As a table, where stdout is no terminal: the pairs of labels with their counts.
diff <(tidy-analyze plot noise run.tidy --score aum --threshold top:0.08 --show | awk -F'\t' '!/^#/ && $4 { print $5, $6, $4 }' | sort) \
    <(tidy-analyze flag run.tidy --score aum --threshold top:0.08 |
        awk -F'\t' '!/^#/ && $3 != $4 { n[$3 " " $4]++ } END { for (pair in n) print pair, n[pair] }' | sort) || fail "the table"

# Names from a file: on both axes, long ones cut, and in the title; more classes than fit.
printf 'class of a very long name that nobody reads, number %s\n' 0 1 2 3 4 5 6 7 8 9 >long
draws noise run.tidy --score aum --threshold top:0.08 --class-names long
/usr/bin/python3 - <<'END' || fail "long names"
import svg
texts = svg.read("chart.svg").texts
assert sum(t.text.startswith("class of a v") and t.text.endswith("…") for t in texts) == 20, [t.text for t in texts]
END
cat >odd <<'END'
'tis
it''s
'
''
%s
100%
{/Bold x}
"
\n
\
END
draws noise run.tidy --score aum --threshold top:0.08 --class-names odd
/usr/bin/python3 - <<'END' || fail "odd names"
import svg
texts = [t.text for t in svg.read("chart.svg").texts]
for name in "\u2019tis", "it'\u2019s", "\u2019", "\u2019\u2019", "%s", "100%", "{/Bold x}", '"', "\\n", "\\":
    assert texts.count(name) == 2, (name, texts)
END
generate-log -o many.tidy --classes 60 --samples 6000 --epochs 5 --detail class --noise 0.2 >/dev/null
draws noise many.tidy --score majority-disagreement --threshold top:0.3
check many.tidy --score majority-disagreement --threshold top:0.3
generate-log -o most.tidy --classes 21000 --samples 3000 --epochs 4 --detail class --noise 0.3 >/dev/null
draws noise most.tidy --score majority-disagreement --threshold top:0.3
[ "$(wc -c <chart.gp)" -lt 20000 ] || fail "a script of $(wc -c <chart.gp) bytes"
check most.tidy --score majority-disagreement --threshold top:0.3
generate-log -o two.tidy --classes 2 --samples 500 --epochs 4 --noise 0.1 >/dev/null
draws noise two.tidy --score aum --threshold top:0.1
check two.tidy --score aum --threshold top:0.1

fails 1 "none of the 0 suspects by aum, count:0 has another label suggested.*--threshold" \
    tidy-analyze plot noise run.tidy --score aum --threshold count:0
fails 2 "unknown threshold rule 'gmm,otsu'" tidy-analyze plot noise run.tidy --score aum --threshold gmm,otsu
fails 2 "unknown score 'amu'" tidy-analyze plot noise run.tidy --score amu --threshold gmm
finish
