# What the tests of the program tidy-record share: a scratch folder with a small data set, and checks of what a command
# says and how it ends.
set -u
# A program without a plug-in beside it: its --device auto is the CPU on every machine. (Where TIDY_PROGRAMS is not set: the one
# that was built, with its plug-in.)
PATH=${TIDY_PROGRAMS:+$TIDY_PROGRAMS/alone/bin:}$TIDY_BIN:$PATH
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
make-idx data 600 100 4 12

fail()
{
    echo "$0: line ${BASH_LINENO[-2]}: $*" >&2
    exit 1
}

# expect CODE TEXT COMMAND...: the command exits with that code, and its stderr is or has the text.
expect()
{
    local code=$1 text=$2 status=0
    shift 2
    "$@" >stdout 2>stderr </dev/null || status=$?
    [ "$status" = "$code" ] || fail "exit code $status, not $code: $*: $(cat stderr)"
    [[ $(<stderr) == *"$text"* ]] || fail "stderr has no '$text': $*: $(cat stderr)"
}

# The same for a failure, which is one line on stderr that starts with the program's name.
expect_error()
{
    expect "$@"
    [ "$(wc -l <stderr)" = 1 ] || fail "not one line: $(cat stderr)"
    grep -q '^tidy-record: ' stderr || fail "no program name: $(cat stderr)"
    [ ! -s stdout ] || fail "stdout of '$*' has: $(cat stdout)"
}

same_log()
{
    compare-logs "$1" "$2" || fail "the logs differ"
}

# wait_for TEXT FILE: until a background command has written it.
wait_for()
{
    local tries
    for ((tries = 0; tries < 6000; tries++)); do
        grep -qF -- "$1" "$2" 2>/dev/null && return
        sleep 0.01
    done
    fail "no '$1' in $2: $(cat "$2")"
}
