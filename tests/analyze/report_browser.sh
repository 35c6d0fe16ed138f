# The report in a browser: reviewed by keyboard, kept over a reload, saved, and applied; and what the page itself promises.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
command -v gnuplot >/dev/null || skip "gnuplot is not installed"
command -v chromedriver >/dev/null && /usr/bin/python3 -c 'import selenium' 2>/dev/null ||
    skip "Chromium cannot be driven (packages chromium-driver, python3-selenium)"
drive() { timeout 300 /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/report_browser.py" "$@"; }
make-idx data 500 100 10 28
tidy-record train --data data --epochs 2 --noise 0.1 --threads 1 -o run.tidy 2>/dev/null || fail "train"
tidy-analyze report run.tidy --score aum --threshold top:0.2 -o report.html 2>stderr || fail "report: $(cat stderr)"

mkdir saved pictures
drive review report.html saved >wrong 2>&1 || fail "the browser cannot be driven"
[ ! -s wrong ] || fail "review: $(head -20 wrong)"
tidy-analyze clean run.tidy --decisions saved/decisions.tsv >cleaned 2>stderr || fail "clean --decisions: $(cat stderr)"
equals "what the decisions do" "$(cut -d ';' -f 1 stderr)" "498 labels as given, 1 changed, 1 samples left out"
while IFS=$'\t' read -r sample decision label; do
    [ "$decision" != remove ] || label=
    equals "sample $sample, $decision" "$(awk -v sample="$sample" '$1 == sample { print $2 }' cleaned)" "$label"
done < <(tail -n +2 saved/decisions.tsv)

make-idx twelve 600 60 12 28
tidy-record train --data twelve --epochs 1 --noise 0.1 --threads 1 -o twelve.tidy 2>/dev/null || fail "train"
tidy-analyze report twelve.tidy --score aum --threshold count:200 -o twelve.html 2>stderr || fail "report: $(cat stderr)"
drive corners twelve.html >wrong 2>&1 || fail "the browser cannot be driven"
[ ! -s wrong ] || fail "corners: $(head -20 wrong)"

drive page report.html pictures >wrong 2>&1 || fail "the browser cannot be driven"
[ ! -s wrong ] || fail "page: $(head -20 wrong)"
finish
