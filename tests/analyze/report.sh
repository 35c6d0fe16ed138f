# The report: a page that is whole by itself and says what the other commands say.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
command -v gnuplot >/dev/null || skip "gnuplot is not installed"
page() { /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/html_page.py" "$@"; }
make-log run.tidy margin 1000 8 0
make-log class.tidy class 500 30 0
make-log unknown.tidy probs 500 40 0 no-truth

for log in run class unknown; do
    tidy-analyze report $log.tidy -o $log.html 2>stderr || fail "report $log.tidy: $(cat stderr)"
    page check $log.html || fail "$log.html is not well formed"
    tidy-analyze flag $log.tidy 2>/dev/null | awk -F '\t' '!/#/ { print $1 "\t" $3 "\t" $4 }' >expected
    page suspects $log.html | cut -f 1-3 >got
    cmp got expected || fail "$log.html has other suspects than flag"
    [ -s got ] || fail "$log.html has no suspects"
done

# The numbers of the page are flag's and eval's.
page text run.html >text
tidy-analyze eval run.tidy --threshold auto 2>/dev/null | awk '!/#/ {
    printf "precision%.3f\nrecall%.3f\nF1%.3f\n", $4, $5, $6 }' | while read -r number; do
    grep -qF "$number" text || echo "$number"
done >missing
[ ! -s missing ] || fail "the page does not say: $(cat missing)"

# What a suspect is shown with: score and probability, to three decimals.
tidy-analyze flag run.tidy 2>/dev/null |
    awk '!/#/ { x = sprintf("%s · %.3f · %.3f", $1, $2, $5); gsub(/ 0\./, " .", x); print x }' >expected
page suspects run.html | cut -f 6 >got
cmp got expected || fail "scores: $(diff got expected | head -4)"

# A page that cannot be made leaves nothing.
fails 2 "report: -o FILE.html is needed" tidy-analyze report run.tidy
fails 1 "run.html exists already; --force replaces it" tidy-analyze report run.tidy -o run.html
mkdir only
ln -s "$(command -v tidy-analyze)" only/
fails 1 "gnuplot is not installed; install it \('apt install gnuplot-nox'\)" \
    env PATH="$PWD/only" tidy-analyze report run.tidy --threshold top:0.1 --score aum -o x.html
equals "what a failure leaves" "$(find . -name 'x.html*' | wc -l)" 0
finish
