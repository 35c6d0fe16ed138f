# What the shell tests of tidy-analyze share: a scratch folder to work in, the programs, and checks.
set -u -o pipefail
export LC_ALL=C PATH="$TIDY_BIN:$PATH"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tidy-analyze-test-XXXXXX")
finished=no
# A script that ends before `finish` has failed, whatever bash makes of it.
trap 'status=$?; rm -rf "$scratch"; [ $finished = yes ] || [ $status -ne 0 ] || exit 1' EXIT
cd "$scratch" || exit 1
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

finish() {
    finished=yes
    [ "$failures" -eq 0 ] || echo "$failures checks failed"
    [ "$failures" -eq 0 ]
    exit
}

# equals WHAT GOT EXPECTED
equals() {
    [ "$2" = "$3" ] || fail "$1: got '$2', expected '$3'"
}

# fails STATUS PATTERN COMMAND...: exits with STATUS, prints nothing to stdout and one line to stderr that starts with
# the program's name and matches PATTERN (extended regular expression).
fails() {
    local status=$1 pattern=$2 got
    shift 2
    "$@" >stdout 2>stderr </dev/null
    got=$?
    [ "$got" -eq "$status" ] || fail "$*: exit status $got, expected $status"
    [ ! -s stdout ] || fail "$*: wrote to stdout: $(head -c 200 stdout)"
    [ "$(wc -l <stderr)" -eq 1 ] || fail "$*: $(wc -l <stderr) lines on stderr, expected 1: $(head -c 400 stderr)"
    grep -qE "^tidy-analyze: " stderr || fail "$*: the message does not name the program: $(cat stderr)"
    grep -qE -- "$pattern" stderr || fail "$*: says '$(cat stderr)', expected '$pattern'"
}

# skip WHY: ends the test as skipped, or as failed where CI=true.
skip() {
    echo "$1: skipped"
    [ "${CI:-}" != true ] || exit 1
    exit 77
}

# Skips where Debian's python3-numpy is missing.
needs_numpy() {
    /usr/bin/python3 -c 'import numpy' 2>/dev/null || skip "/usr/bin/python3 has no NumPy (package python3-numpy)"
}

# draws_nothing: from here on a gnuplot that draws an empty picture stands in for the real one, which takes a second a page.
draws_nothing() {
    mkdir empty-pictures
    printf '#!/bin/sh\necho "<svg viewBox=\\"0 0 1 1\\"><desc></desc></svg>"\n' >empty-pictures/gnuplot
    chmod +x empty-pictures/gnuplot
    PATH=$PWD/empty-pictures:$PATH
}
