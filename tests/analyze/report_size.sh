# 5,000 suspects of Fashion-MNIST: a page of at most 1.5 KB each, all included.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
command -v gnuplot >/dev/null || skip "gnuplot is not installed"
data=/usr/share/datasets/fashion-mnist
[ -d $data ] || skip "$data (package dataset-fashion-mnist) is not installed"
make-log run.tidy margin 60000 24 0
tidy-analyze report run.tidy --score aum --threshold count:5000 --data $data -o run.html 2>stderr ||
    fail "report: $(cat stderr)"
equals "suspects" "$(grep -c '^<article' run.html)" 5000
equals "images" "$(grep -c '^<article.*<img' run.html)" 5000
bytes=$(stat -c %s run.html)
echo "$bytes bytes, $((bytes / 5000)) a suspect"
[ "$bytes" -le $((5000 * 1500)) ] || fail "$((bytes / 5000)) bytes a suspect"

# The charts are what is large beside: all of them in less than half a megabyte.
sed -n '/<section id=charts/,/<\/section>/p' run.html >charts
echo "$(stat -c %s charts) bytes of charts"
[ "$(stat -c %s charts)" -lt 500000 ] || fail "charts of $(stat -c %s charts) bytes"
awk '/^<article/ && length($0) > longest { longest = length($0) } END { print longest " bytes of the longest suspect" }' run.html
finish
