# docs/charts.md has every chart, with a picture as scripts/draw-charts draws it.
set -u -o pipefail
export PATH=$TIDY_BIN:$PATH PYTHONPATH=$TIDY_SOURCE/tests/analyze PYTHONDONTWRITEBYTECODE=1
command -v gnuplot >/dev/null || { echo "gnuplot is not installed: skipped"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

make-idx data 1000 200 10 28
tidy-record train --data data --epochs 2 --noise 0.05 -o run.tidy 2>stderr || fail "recording: $(cat stderr)"
"$TIDY_SOURCE/scripts/draw-charts" run.tidy drawn >stdout 2>stderr || fail "draw-charts: $(cat stderr)"
[ ! -s stderr ] && [ ! -s stdout ] || fail "draw-charts says: $(cat stdout stderr)"

document=$TIDY_SOURCE/docs/charts.md images=$TIDY_SOURCE/docs/images charts=0
for chart in $(tidy-analyze plot --help | sed -n '/^charts:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'); do
    charts=$((charts + 1))
    grep -qx "## $chart" "$document" || fail "docs/charts.md has no section '## $chart'"
    grep -q "](images/$chart.svg)" "$document" || fail "docs/charts.md has no picture of $chart"
    options=
    [ "$chart" != samples ] || options="--sample 1"
    # shellcheck disable=SC2086
    tidy-analyze plot "$chart" run.tidy $options --show 2>/dev/null | awk -F '\t' '
        /^# / || /^$/ { header = 0; next } /^#/ { header = NF; next } { rows++ } !header || NF > header { exit 1 }
        END { exit !rows }' || fail "the table of $chart has rows without names of columns: $(tidy-analyze plot "$chart" \
            run.tidy $options --show 2>/dev/null | head -3)"
    grep -qE "^for chart in .*\b$chart\b|plot $chart " "$TIDY_SOURCE/scripts/demo" || fail "scripts/demo draws no $chart"
    [ -s "drawn/$chart.svg" ] || fail "draw-charts draws no $chart"
    [ -s "$images/$chart.svg" ] || { fail "docs/images/$chart.svg is not there"; continue; }
    [ "$(wc -c <"$images/$chart.svg")" -le 160000 ] || fail "docs/images/$chart.svg is larger than 160,000 bytes"
    # The same texts but for figures, that is, drawn by this chart as it is.
    /usr/bin/python3 - "drawn/$chart.svg" "$images/$chart.svg" <<'PYTHON' || fail "docs/images/$chart.svg is not as draw-charts draws $chart"
import sys
import svg
drawn, shown = (svg.read(path) for path in sys.argv[1:])
words = lambda picture: {t.text for t in picture.texts if t.text.replace(" ", "").isalpha()}
missing = words(drawn) - words(shown)
assert len(missing) <= len(words(drawn)) / 2, missing
PYTHON
done
[ "$charts" -ge 7 ] || fail "plot --help lists only $charts charts"
[ "$failures" -eq 0 ]
