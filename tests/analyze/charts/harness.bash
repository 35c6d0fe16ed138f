# What the tests of charts share: gnuplot, and drawing in each way a chart can be drawn.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
command -v gnuplot >/dev/null || skip "gnuplot is not installed"
export PYTHONPATH="$TIDY_SOURCE/tests/analyze" PYTHONDONTWRITEBYTECODE=1

# draws NAME CHART LOG... [OPTION...]: draws NAME.png, .svg and .pdf, and NAME-dark.png, .svg and .pdf, on all of which
# neither tidy-analyze nor gnuplot may say a word, and of whose texts none may leave the picture.
draws() {
    local name=$1 ending theme
    shift
    for ending in png svg pdf; do
        for theme in "" -dark; do
            tidy-analyze plot "$@" --theme "$([ -z "$theme" ] && echo light || echo dark)" --force -o "$name$theme.$ending" 2>stderr ||
                { fail "plot $* as $ending: $(cat stderr)"; return; }
            [ ! -s stderr ] || fail "plot $* as $ending says: $(cat stderr)"
        done
    done
    tidy-analyze plot "$@" 2>stderr | gnuplot >/dev/null 2>>stderr || fail "plot $* | gnuplot"
    [ ! -s stderr ] || fail "plot $* | gnuplot says: $(cat stderr)"
    /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/charts/check_texts.py" "$name.svg" "$name-dark.svg" ||
        fail "texts of plot $*"
}
