# What the benchmarks share: options, programs, rounds, and the table of minimum, median and maximum.
# A benchmark is a file NAME.bash here with NAME_help, the text of its options, and bench_NAME, which measures and notes.

fail() {
    echo "bench $command: $*" >&2
    exit "${status:-1}"
}

# begin COMMAND OPTION...: reads the options that all benchmarks have; option_NAME of a benchmark's own is a variable
# that its file has set to the default.
begin() {
    command=$1
    quick=no rounds=
    shift
    while [ $# -gt 0 ]; do
        case $1 in
        --help)
            "${command}_help"
            exit 0
            ;;
        --quick) quick=yes ;;
        --*)
            local name=${1#--}
            local variable=option_${name//-/_}
            [ "$name" = rounds ] && variable=rounds
            [ -n "${!variable+set}" ] || status=2 fail "no option '$1'; 'scripts/bench $command --help' has those there are"
            [ $# -gt 1 ] || status=2 fail "'$1' needs a value"
            printf -v "$variable" '%s' "$2"
            shift
            ;;
        *) status=2 fail "what is '$1'? 'scripts/bench $command --help' has the options" ;;
        esac
        shift
    done
    [ -n "$rounds" ] || rounds=$([ $quick = yes ] && echo 1 || echo 5)
    [[ $rounds =~ ^[1-9][0-9]*$ ]] || status=2 fail "--rounds: '$rounds' is not a number above 0"
    threads=$(nproc)
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/tidy-bench-XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    # tidy-record's own setting where nothing else is set: its programs here have no main of its.
    export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive} GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-1000} LC_ALL=C
}

# programs NAME...: builds them, unless TIDY_BIN says where they are. Sets BIN.
programs() {
    if [ -n "${TIDY_BIN:-}" ]; then
        BIN=$TIDY_BIN
        return
    fi
    "$SOURCE/scripts/install-packages" libcmocka-dev >&2
    cmake -S "$SOURCE" -B "$SOURCE/build/release" -DCMAKE_BUILD_TYPE=Release >/dev/null
    cmake --build "$SOURCE/build/release" --target "$@" -j "$threads" >/dev/null
    BIN=$SOURCE/build/release/bin
}

# note NAME VALUE [LIMIT [PROCESSOR]]: one measured value of a row; a row has one a round. LIMIT is what it is to reach, in words,
# PROCESSOR the processors' milliseconds, which other work on the machine changes less.
note() {
    printf '%s\t%s\t%s\t%s\n' "$1" "$2" "${3:-}" "${4:-}" >>"$scratch/notes"
    [ $quick = yes ] || printf '  %s: %s\n' "$1" "$2" >&2
}

# value FILE NAME: of lines 'name, tab, value'.
value() { awk -F'\t' -v name="$2" '$1 == name { print $2 }' "$1"; }

calculate() { awk "BEGIN { printf \"%.6g\", $1 }"; }

# print_table TITLE: what was noted since the last one, rows in order, with minimum, median and maximum, and the least
# processor time.
print_table() {
    printf '\n## %s\n#what\tmin\tmedian\tmax\tshould_be\tprocessor_ms\n' "$1"
    awk -F'\t' '
        !($1 in count) { order[++rows] = $1; should[$1] = $3 }
        { values[$1, ++count[$1]] = $2 }
        $4 != "" && (!($1 in processor) || $4 < processor[$1]) { processor[$1] = $4 + 0 }
        END {
            for (r = 1; r <= rows; r++) {
                name = order[r]; n = 0
                for (i = 1; i <= count[name]; i++) {
                    v = values[name, i]
                    if (v !~ /^[-+0-9.e]+$/) { words = v; continue }
                    for (k = ++n; k > 1 && sorted[k - 1] + 0 > v + 0; k--) sorted[k] = sorted[k - 1]
                    sorted[k] = v
                }
                if (n == 0) printf "%s\t%s\t-\t-", name, words
                else printf "%s\t%.4g\t%.4g\t%.4g", name, sorted[1], sorted[int((n + 1) / 2)], sorted[n]
                printf "\t%s\t%s\n", should[name], (name in processor ? sprintf("%.4g", processor[name]) : "")
            }
        }' "$scratch/notes"
    rm -f "$scratch/notes"
}

print_machine() {
    local model
    model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
    printf '#machine: %s, %s cores,%s; rounds: %s\n' "$model" "$(nproc)" \
        "$(grep -m1 ^flags /proc/cpuinfo | grep -owE 'avx2|avx512f|avx512_bf16' | tr '\n' ' ' | sed 's/^/ /; s/ $//')" "$rounds"
    [ $quick = no ] || echo "#quick: everything is small, the figures say only that it runs"
    printf '#load of other work before: %s\n' "$(cut -d ' ' -f 1 /proc/loadavg)"
}

# timed COMMAND...: runs it, output to $scratch/stdout; sets seconds (on the clock), processor (its seconds) and megabytes
# (largest resident memory).
timed() {
    "$BIN/bench-command" "$scratch/took" "$@" >"$scratch/stdout" || fail "'$*' failed"
    read -r seconds processor megabytes <"$scratch/took"
}
