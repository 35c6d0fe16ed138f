# What the tests of charts share.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
command -v gnuplot >/dev/null || skip "gnuplot is not installed"
export PYTHONPATH="$TIDY_SOURCE/tests/analyze" PYTHONDONTWRITEBYTECODE=1

# draws KIND LOG... [OPTION...]: the chart is drawn, and gnuplot has nothing to say. The SVG and the script stay as
# chart.svg and chart.gp.
draws() {
    tidy-analyze plot "$@" >chart.gp 2>stderr || fail "plot $*: $(cat stderr)"
    tidy-analyze plot "$@" -o chart.svg --force 2>stderr || fail "plot $* -o chart.svg: $(cat stderr)"
    [ ! -s stderr ] || fail "plot $* -o chart.svg says: $(cat stderr)"
    checks_texts "$@"
}

# checks_texts KIND LOG...: of what draws has drawn.
checks_texts() {
    /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/charts/check_texts.py" chart.svg || fail "texts of plot $*"
}

# The same in every other format and theme, which is slow.
draws_everywhere() {
    local theme ending
    for theme in dark light; do
        for ending in png pdf svg; do
            tidy-analyze plot "$@" --theme $theme -o chart.$ending --force 2>stderr || fail "plot $*: $(cat stderr)"
            [ ! -s stderr ] || fail "plot $* --theme $theme -o chart.$ending says: $(cat stderr)"
        done
        checks_texts "$@" --theme $theme
    done
}
