# Each suspect's curve is what the log's own arrays make of it, for few and for many epochs, with and without margins.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
needs_numpy
draws_nothing # the charts are not looked at here
make-log short.tidy margin 1000 8 0
make-log long.tidy margin 300 100 0
make-log class.tidy class 400 30 0
make-log thousand.tidy margin 200 1000 0

for log in short long class thousand; do
    tidy-analyze report $log.tidy --score forgetting-events --threshold top:0.2 -o $log.html 2>stderr ||
        fail "report $log.tidy: $(cat stderr)"
    /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/html_page.py" suspects $log.html >suspects
    arrays="labels predictions margins"
    [ $log != class ] || arrays="labels predictions"
    rm -f ./*.npy
    for array in $arrays; do
        tidy-analyze export $log.tidy --what "$array" -o "$array.npy"
    done
    # shellcheck disable=SC2086 # a word an array
    /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/report_curves.py" suspects $(printf '%s.npy ' $arrays) ||
        fail "the curves of $log.tidy"
    awk -F '\t' 'length($NF) > 200 { print $1 ": " length($NF) }' suspects >long-paths
    [ ! -s long-paths ] || fail "$log.tidy has paths of more than 200 bytes: $(head -3 long-paths)"
done
finish
