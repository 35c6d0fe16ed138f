# From lists of suspects to labels: what becomes of each sample, in every format, and what is refused.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
make-log run.tidy margin 1000 8 0
make-log begun.tidy class 1000 0 3
make-log unknown.tidy class 1000 2 0 no-truth

label_of() { tidy-analyze samples run.tidy --score aum | awk -F'\t' -v sample="$1" '$1 == sample { print $2 }'; }
truth_of() { tidy-analyze samples run.tidy --score aum | awk -F'\t' -v sample="$1" '$1 == sample { print $3 }'; }
# cleaned LINE...: the table's lines of some samples, `-` where a sample is left out. LISTS is what is asked for.
cleaned() {
    local sample
    for sample; do
        awk -F'\t' -v sample="$sample" '$1 == sample { found = $2 } END { printf "%s ", found == "" ? "-" : found }' table
    done
}
clean() { tidy-analyze clean run.tidy "$@" >table 2>stderr || fail "clean $*: $(cat stderr)"; }

# One list: the others stay as given, or with --keep are left out.
printf '3\n20\n' >list
clean --drop list
equals "dropped, and not" "$(cleaned 2 3 20 21)" "$(label_of 2) - - $(label_of 21) "
equals "header and lines" "$(head -1 table) $(wc -l <table)" "$(printf '#sample\tlabel') 999"
clean --keep list
equals "kept, and not" "$(cleaned 2 3 20 21)" "- $(label_of 3) $(label_of 20) - "
equals "lines" "$(wc -l <table)" 3
clean --drop /dev/null
equals "an empty list" "$(wc -l <table)" 1001

# New labels from the list: from `suggested`, from a second column; else those that flag suggests.
other=$(((($(label_of 3)) + 1) % 10))
printf '3\t%s\n20 7\n' $other >list
clean --relabel list
equals "labels of two columns" "$(cleaned 2 3 20)" "$(label_of 2) $other 7 "
printf '#sample\tlabel\n3\t%s\n' $other >list
clean --relabel list
equals "labels below 'label'" "$(cleaned 3)" "$other "
printf '#sample\tlabel\tsuggested\ttruth\n3\t0\t%s\t1\n' $other >list
clean --relabel list
equals "labels below 'suggested'" "$(cleaned 3)" "$other "
tidy-analyze flag run.tidy --score aum --threshold count:40 >suspects
clean --relabel suspects
expected=$(grep -v '#' suspects | cut -f1,4 | sort -n)
equals "flag's suggestions" "$(grep -v '#' suspects | cut -f1 | sort -n | while read -r sample; do
    grep -P "^$sample\t" table; done)" "$expected"
cut -f1 suspects >list
clean --relabel list
equals "a list without labels" "$(grep -v '#' suspects | cut -f1 | sort -n | while read -r sample; do
    grep -P "^$sample\t" table; done)" "$expected"
tidy-analyze flag run.tidy --score aum --threshold count:40 | cut -f1,2 >list
tidy-analyze clean run.tidy --relabel - <list >again 2>stderr || fail "a score is taken for a label: $(cat stderr)"
equals "from standard input" "$(cat again)" "$(cat table)"

# Lists combined. By hand: of 50 wrong labels (0, 20, 40 ...) one is dropped, one is corrected, and one more is made.
echo 0 >drop
printf '20\t%s\n1\t%s\n' "$(truth_of 20)" $(((($(truth_of 1)) + 1) % 10)) >relabel
clean --drop drop --relabel relabel
equals "what is said" "$(cat stderr)" \
    "997 labels as given, 2 changed, 1 samples left out; 49 of 999 labels are wrong, where 50 of 1000 were"
equals "dropped and relabelled" "$(cleaned 0 20 2)" "- $(truth_of 20) $(label_of 2) "
printf '40\n41\n' >keep
clean --drop drop --relabel relabel --keep keep
equals "lines of kept and relabelled" "$(wc -l <table)" 5
equals "what is said of them" "$(cat stderr)" \
    "2 labels as given, 2 changed, 996 samples left out; 2 of 4 labels are wrong, where 50 of 1000 were"
tidy-analyze clean unknown.tidy --drop drop 2>stderr >table
equals "without the truth" "$(cat stderr)" "999 labels as given, 0 changed, 1 samples left out"
tidy-analyze clean begun.tidy --drop drop >table 2>stderr || fail "no finished epoch is needed to drop: $(cat stderr)"
equals "JSON" "$(tidy-analyze clean run.tidy --keep drop --json 2>/dev/null)" "{\"sample\":0,\"label\":$(label_of 0)}"

# A reviewer's decisions: every sample as decided, all others as given; --review of flag reads the same list.
printf '#sample\tdecision\tlabel\n40\tremove\n20\trelabel\t%s\n3\tkeep\t%s\n60\tremove\t-\n' "$(truth_of 20)" "$(label_of 3)" >decisions
clean --decisions decisions
equals "decided, and not" "$(cleaned 40 20 3 60 2)" "- $(truth_of 20) $(label_of 3) - $(label_of 2) "
equals "what is said of decisions" "$(cat stderr)" \
    "997 labels as given, 1 changed, 2 samples left out; 47 of 998 labels are wrong, where 50 of 1000 were"
clean --decisions - --drop drop <decisions
equals "decisions and a list" "$(cleaned 40 20 0)" "- $(truth_of 20) - "
printf '40 %s\n20 %s\n3 %s\n60 %s\n' "$(truth_of 40)" "$(truth_of 20)" "$(label_of 3)" "$(truth_of 60)" >reviewed
equals "decisions as a review" "$(tidy-analyze flag run.tidy --budget 20 --review decisions 2>said; cat said)" \
    "$(tidy-analyze flag run.tidy --budget 20 --review reviewed 2>said; cat said)"
grep -q "^4 labels reviewed, 3 of them wrong" said || fail "what a review counts: $(cat said)"
undecided() {
    printf "#sample\tdecision\tlabel\n$1" >list
    fails 1 "list, line 2: $2" tidy-analyze clean run.tidy --decisions list
}
undecided "5\tkeep\t$(((($(label_of 5)) + 1) % 10))\n" "sample 5 is to keep the label .*, but was given $(label_of 5): the decisions are about other data"
undecided '5\tdrop\t1\n' "'drop' is no decision: it is keep, relabel or remove"
undecided '5\n' "'' is no decision"
undecided '5\trelabel\n' "the new label is missing: it is due in column 3"
undecided '5\trelabel\t10\n' "'10' is no label: the log's go from 0 to 9"
fails 1 "decisions is a list of decisions: give it to --decisions" tidy-analyze clean run.tidy --drop decisions
fails 1 "drop is no list of decisions: its first line is not '#sample" tidy-analyze clean run.tidy --decisions drop

# Formats. A label for each sample as a byte; two bytes each, -1 first, where one is left out.
all=$(tidy-analyze samples run.tidy --score aum | grep -v '#' | cut -f2)
tidy-analyze clean run.tidy --drop /dev/null -o all.idx 2>stderr || fail "-o all.idx: $(cat stderr)"
equals "IDX header" "$(head -c 8 all.idx | od -An -tx1 | tr -d ' ')" 00000801000003e8
equals "IDX labels" "$(tail -c +9 all.idx | od -An -v -tu1 -w1 | tr -d ' ')" "$all"
tidy-analyze clean run.tidy --drop drop -o some.idx 2>stderr || fail "-o some.idx: $(cat stderr)"
equals "IDX with one left out" "$(head -c 12 some.idx | od -An -tx1 | tr -d ' ')" \
    "00000b01000003e8ffff00$(printf '%02x' "$(label_of 1)")"
for format in tsv csv npy; do
    tidy-analyze clean run.tidy --drop drop -o some.$format 2>stderr || fail "-o some.$format: $(cat stderr)"
done
tidy-analyze clean run.tidy --drop drop >table 2>/dev/null
equals "TSV" "$(grep -v '^#' some.tsv)" "$(grep -v '^#' table)"
equals "CSV" "$(tail -n +2 some.csv | cut -d, -f1,2 | tr , '\t')" "$(grep -v '^#' table)"
seq -f 'class %g' 0 9 >names
tidy-analyze clean run.tidy --drop drop -o named.csv --class-names names 2>stderr || fail "names: $(cat stderr)"
equals "CSV with names" "$(sed -n 2p named.csv)" "1,$(label_of 1),class $(label_of 1)"
if /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
    equals "NPY" "$(/usr/bin/python3 -c 'import numpy; a = numpy.load("some.npy"); print(a.shape, a[0], *a[1:], sep="\n")')" \
        "$(printf '(1000,)\n-1\n'; echo "$all" | tail -n +2)"
fi

# Files: never over another, nothing left behind.
echo precious >there.idx
fails 1 "there.idx exists already; --force replaces it" tidy-analyze clean run.tidy --drop drop -o there.idx
equals "a file that exists" "$(cat there.idx)" precious
tidy-analyze clean run.tidy --drop drop -o there.idx --force 2>stderr || fail "--force: $(cat stderr)"
cmp -s there.idx some.idx || fail "--force does not replace"
fails 1 "no/such.idx cannot be written" tidy-analyze clean run.tidy --drop drop -o no/such.idx

# What is refused: usage, lists, labels.
fails 2 "a list is needed" tidy-analyze clean run.tidy
fails 2 "only one list can come from standard input" tidy-analyze clean run.tidy --drop - --keep -
fails 2 "'x.txt': a file of labels ends in .idx, .npy, .tsv or .csv" tidy-analyze clean run.tidy --drop drop -o x.txt
fails 2 "--class-names goes with -o FILE.csv" tidy-analyze clean run.tidy --drop drop -o x.idx --class-names names
fails 2 "--json is for standard output" tidy-analyze clean run.tidy --drop drop -o x.idx --json
fails 1 "nowhere cannot be opened: No such file" tidy-analyze clean run.tidy --drop nowhere
fails 1 "sample 0 is in two lists, drop and again" bash -c 'echo 0 >again; tidy-analyze clean run.tidy --drop drop --keep again'
refuses() {
    printf "$1" >list
    fails 1 "list, $2" tidy-analyze clean run.tidy --relabel list
}
refuses '#sample suggested\n5 10\n' "line 2: '10' is no label: the log's go from 0 to 9"
refuses '#sample suggested\n5 nan\n' "line 2: 'nan' is no label"
refuses '5 1\n6\n' "line 2: the new label is missing: it is due in column 2"
refuses '5 1\n5 2\n' "line 2: sample 5 is listed already in line 1"
refuses '1000 1\n' "line 1: there is no sample 1000"
printf '5\n' >list
fails 1 "begun.tidy: no epoch is finished yet" tidy-analyze clean begun.tidy --relabel list
[ ! -e x.idx ] || fail "a command that failed leaves a file"
finish
