# What makes scripts/count-instructions fail, pass and skip, with a valgrind that counts what it is told.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
mkdir bin
cat >bin/valgrind <<'SCRIPT'
#!/bin/sh
echo "==1== Collected : $COUNTED" >&2
SCRIPT
chmod +x bin/valgrind
PATH=$scratch/bin:$PATH
export TIDY_COMPILER="GNU 12.2.0 Release" COUNTED
here="$TIDY_COMPILER, $(ldd --version | sed -n '1s/.* /glibc /p'), AVX2"
grep -qw avx2 /proc/cpuinfo || here=${here%, AVX2}

# says COUNT STATUS PATTERN [OPTION...]: of a guard recorded at 1,000,000 instructions.
says() {
    COUNTED=$1
    "$TIDY_SOURCE/scripts/count-instructions" --figures figures "${@:4}" >stdout 2>&1
    equals "$1 instructions: exit status" $? "$2"
    grep -qE -- "$3" stdout || fail "$1 instructions: no '$3' in '$(cat stdout)'"
}
recorded() { printf '#counted with: %s\n#guard\tinstructions\nreplay-class\t1000000\n' "$1" >figures; }

recorded "$here"
says 1029999 0 $'replay-class\t1029999\t1000000\t1.0300'
says 1030001 1 'took 1030001 instructions, recorded are 1000000: more than 3% above.*count-instructions --record replay-class'
says 960000 0 'faster than recorded.*count-instructions --record replay-class'
says 0 1 'counted nothing'
says 5 1 "no guard 'none'; there are replay-class" none
says 2000000 0 'replay-class' --record
equals "what was recorded" "$(tail -n 1 figures)" $'replay-class\t2000000'
recorded "GNU 1.0 Release, glibc 2.0, AVX2"
says 2000000 77 "skipped: here is '$here', the figures were recorded with 'GNU 1.0 Release, glibc 2.0, AVX2'"
finish
