# Charts: gnuplot draws them without a word, as a script through a pipe and as files.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
command -v gnuplot >/dev/null || { echo "gnuplot is not installed: skipped"; exit 77; }
make-log run.tidy margin 1000 8 0
make-log class.tidy class 500 1 0
make-log unknown.tidy probs 500 40 0 no-truth
cp run.tidy "it's_{a} \"log\" @%.tidy"
cp run.tidy $'latin1-\xff.tidy'

is_png() { [ "$(head -c 8 "$1" | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ]; }

for log in *.tidy; do
    for chart in learning forgetting pr; do
        [ "$log $chart" != "unknown.tidy pr" ] || continue
        tidy-analyze plot $chart "$log" 2>stderr | gnuplot >chart.png 2>>stderr || fail "plot $chart $log | gnuplot"
        [ ! -s stderr ] || fail "plot $chart $log | gnuplot says: $(cat stderr)"
        is_png chart.png || fail "plot $chart $log: not a PNG"
    done
done
tidy-analyze plot pr run.tidy --score all 2>/dev/null >/dev/null && fail "more scores than colours are drawn"

tidy-analyze plot pr latin1*.tidy | grep -qF "label 2 'latin1-?.tidy: " || fail "a name that is not UTF-8 is not replaced"
tidy-analyze plot pr it*.tidy | grep -qF "label 2 'it''s_{a} \"log\" @%.tidy: " || fail "a name with quotes"

# Into files: the format by the ending, no overwriting unless asked, nothing left behind.
for ending in png svg pdf PNG; do
    tidy-analyze plot pr run.tidy -o "chart of.$ending" --force 2>stderr || fail "-o .$ending: $(cat stderr)"
    [ ! -s stderr ] || fail "-o .$ending says: $(cat stderr)"
done
is_png "chart of.png" && is_png "chart of.PNG" || fail "-o x.png is not a PNG"
grep -q "<svg" "chart of.svg" || fail "-o x.svg is not an SVG"
equals "-o x.pdf" "$(head -c 5 "chart of.pdf")" "%PDF-"
equals "permissions" "$(umask 027; tidy-analyze plot pr run.tidy -o new.png; stat -c %a new.png)" 640

echo precious >there.png
fails 1 "there.png exists already; --force replaces it" tidy-analyze plot pr run.tidy -o there.png
equals "a file that exists" "$(cat there.png)" precious
tidy-analyze plot pr run.tidy -o there.png --force || fail "--force"
is_png there.png || fail "--force does not replace"
fails 1 "no/such/x.png cannot be written: No such file or directory" tidy-analyze plot pr run.tidy -o no/such/x.png

# A dark page has a dark background, which the picture's first pixels show; and a chart takes only what its row says.
tidy-analyze plot pr run.tidy --theme dark -o dark.svg && grep -q 'fill="#16191d"\|rgb( 22, *25, *29)' dark.svg ||
    fail "--theme dark has no dark background"
fails 2 "plot forgetting takes no --threshold" tidy-analyze plot forgetting run.tidy --threshold gmm
fails 2 "plot forgetting takes no --score" tidy-analyze plot forgetting run.tidy --score aum
fails 2 "plot pr takes no second log" tidy-analyze plot pr run.tidy class.tidy
fails 2 "a chart and a log are needed" tidy-analyze plot pr

# gnuplot missing, or failing.
mkdir only broken
ln -s "$(command -v tidy-analyze)" only/
fails 1 "gnuplot is not installed; install it \('apt install gnuplot-nox'\)" \
    env PATH="$PWD/only" tidy-analyze plot pr run.tidy -o x.png
printf '#!/bin/sh\necho "line 3: out of ink" >&2\nexit 1\n' >broken/gnuplot
chmod +x broken/gnuplot
fails 1 "x.png: gnuplot failed: line 3: out of ink" env PATH="$PWD/broken:$PATH" tidy-analyze plot pr run.tidy -o x.png
[ ! -e x.png ] || fail "a chart that failed leaves a file"
equals "temporary files" "$(find . -name '*.png.*' | wc -l)" 0

# Titles state what the chart shows, from the log's own figures.
tidy-analyze plot pr run.tidy --score aum >script
recall=$(tidy-analyze sweep run.tidy --score aum | awk '!/#/ && $3 >= 0.9 { best = $4 } END { printf "%d", best * 50 + 0.5 }')
grep -q "set label 1 '$recall of 50 mislabelled images found at 90% precision by aum'" script ||
    fail "title of pr: $(grep 'label 1' script), expected $recall of 50"
never=$(tidy-analyze samples run.tidy --score never-learned,forgetting-events |
    awk '!/#/ && $2 != $3 && ($4 == 1 || $5 > 0) { n++ } END { printf "%.0f", n * 2 }')
tidy-analyze plot forgetting run.tidy | grep -q "label 1 '$never% of the mislabelled images were forgotten or never" ||
    fail "title of forgetting: expected $never%"
finish
