# The report: a page that is whole by itself and says what the other commands say.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
command -v gnuplot >/dev/null || skip "gnuplot is not installed"
page() { /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/html_page.py" "$@"; }
make-log run.tidy margin 1000 8 0
make-log class.tidy class 500 30 0
make-log unknown.tidy probs 500 40 0 no-truth

for log in run class unknown; do
    choice=
    [ $log != class ] || choice="--score forgetting-events --threshold top:0.05"
    tidy-analyze report $log.tidy $choice -o $log.html 2>stderr || fail "report $log.tidy: $(cat stderr)"
    page check $log.html || fail "$log.html is not well formed"
    tidy-analyze flag $log.tidy $choice 2>/dev/null | awk -F '\t' '!/#/ { print $1 "\t" $3 "\t" $4 }' >expected
    page suspects $log.html | cut -f 1-3 >got
    cmp got expected || fail "$log.html has other suspects than flag"
    [ -s got ] || fail "$log.html has no suspects"
done

# What the page says is what flag says, and its numbers are eval's: by the truth, by controls.
make-log controls.tidy full 6000 8 0 calibrated,no-truth
tidy-analyze report controls.tidy --count 5 -o controls.html 2>/dev/null || fail "report controls.tidy"
page check controls.html || fail "controls.html is not well formed"
for log in run unknown controls; do
    page text $log.html >$log.text
    tidy-analyze flag $log.tidy 2>&1 >/dev/null | grep -v "^auto:" >said
    [ -s said ] || fail "flag $log.tidy says nothing"
    grep -qF "$(cat said)." $log.text || fail "$log.html does not say '$(cat said)'"
done
tidy-analyze eval run.tidy --threshold auto 2>/dev/null | awk '!/#/ {
    printf "precision%.3fthe true labels\nrecall%.3fthe true labels\nF1%.3fthe true labels\n", $4, $5, $6 }' >numbers
tidy-analyze eval controls.tidy --estimate --threshold auto 2>/dev/null |
    awk -v controls="$(tidy-analyze info controls.tidy | awk '$1 == "probe-samples" { print $2 }') controls" '!/#/ {
    printf "precision%.3f%.3f to %.3f%s\n", $4, $5, $6, controls
    printf "recall%.3f%.3f to %.3f%s\n", $7, $8, $9, controls
    printf "among all%.4f%.4f to %.4f%s\n", $10, $11, $12, controls }' >>numbers
equals "numbers to look for" "$(wc -l <numbers)" 6
while read -r number; do
    cat run.text controls.text | grep -F "$number" >/dev/null || fail "no page says $number"
done <numbers
equals "the finding where the truth is known" "$(grep ^h1 run.text)" "h1	$(tidy-analyze flag run.tidy 2>/dev/null |
    awk '!/#/ { n++; hits += $3 != $6 } END { printf "%d of 50 mislabelled images found, among %d suspects", hits, n }')"
grep -qE '^h1.[0-9]+ of 6,000 images are suspects, of which [0-9]+% have a wrong label, as controls tell$' \
    controls.text || fail "the finding of controls: $(grep ^h1 controls.text)"

# What a suspect is shown with: score and probability, to three decimals.
tidy-analyze flag run.tidy 2>/dev/null |
    awk '!/#/ { x = sprintf("%s · %.3f · %.3f", $1, $2, $5); gsub(/ 0\./, " .", x); print x }' >expected
page suspects run.html | cut -f 6 >got
cmp got expected || fail "scores: $(diff got expected | head -4)"

# No suspects, and more suspects than are shown.
tidy-analyze report class.tidy -o none.html 2>stderr || fail "a report of no suspects: $(cat stderr)"
page check none.html || fail "a page of no suspects is not well formed"
equals "suspects of a page of none" "$(page suspects none.html | wc -l)" 0
page text none.html >text
grep -q "^p.There are none" text || fail "a page of no suspects does not say so"
tidy-analyze report run.tidy --score aum --threshold top:0.1 --count 7 -o seven.html 2>/dev/null
page suspects seven.html | awk -F '\t' '{ print $1 "\t" $2 "\t" $3 }' >got
tidy-analyze flag run.tidy --score aum --threshold top:0.1 2>/dev/null | awk -F '\t' '!/#/ { print $1 "\t" $3 "\t" $4 }' |
    head -7 | cmp - got || fail "--count 7 shows others than the first seven"
page text seven.html >text
grep -q "the first 7 of 100; 93 are left out" text || fail "--count does not say what is left out"

# Names are not trusted: of classes, of files. What they hold is text, wherever it stands.
hostile='"><script>alert(1)</script>&amp;\u003c'
cp run.tidy "\"><img src=x onerror=alert(2)>.tidy"
for class in 0 1 2 3 4 5 6 7 8 9; do echo "$class $hostile"; done >names
tidy-analyze report ./*onerror*.tidy --class-names names --score aum --threshold top:0.05 -o hostile.html 2>stderr ||
    fail "a log with a hostile name: $(cat stderr)"
page check hostile.html || fail "names become markup"
page suspects hostile.html | awk -F '\t' -v hostile="$hostile" '$4 != $2 " " hostile || $5 != $3 " " hostile' >wrong
[ ! -s wrong ] || fail "class names of suspects: $(head -1 wrong)"
page data hostile.html | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["classes"][7])' >got
equals "class 7 in the data" "$(cat got)" "7 $hostile"
equals "scripts of the page" "$(grep -o '<script' hostile.html | wc -l)" "$(grep -o '<script' run.html | wc -l)"

# Scripts keep decisions by the log's fingerprint: the same of a copy, another one of other labels.
fingerprint() { page data "$1" | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["fingerprint"])'; }
equals "fingerprint of a copy" "$(fingerprint hostile.html)" "$(fingerprint run.html)"
[ "$(fingerprint class.html)" != "$(fingerprint run.html)" ] || fail "two logs have one fingerprint"

# A page that cannot be made leaves nothing.
fails 2 "report: -o FILE.html is needed" tidy-analyze report run.tidy
fails 1 "run.html exists already; --force replaces it" tidy-analyze report run.tidy -o run.html
mkdir only
ln -s "$(command -v tidy-analyze)" only/
fails 1 "gnuplot is not installed; install it \('apt install gnuplot-nox'\)" \
    env PATH="$PWD/only" tidy-analyze report run.tidy --threshold top:0.1 --score aum -o x.html
equals "what a failure leaves" "$(find . -name 'x.html*' | wc -l)" 0
finish
