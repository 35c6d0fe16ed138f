# Images of the report: each suspect's own pixels, and what is said where they cannot be shown.
. "$TIDY_SOURCE/tests/analyze/harness.bash"
page() { /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/html_page.py" "$@"; }
draws_nothing # the charts are not looked at here
suspects="--score aum --threshold top:0.2"

# shows LOG IDX HEADER SIZE BYTES: the report of LOG has 100 images of SIZE x SIZE, each the BYTES of the file after its header.
shows() {
    # shellcheck disable=SC2086 # options
    tidy-analyze report $1.tidy $suspects -o $1.html 2>stderr || fail "report: $(cat stderr)"
    page check $1.html || fail "$1.html is not well formed"
    tail -c +$(($3 + 1)) $2 | od -An -v -tx1 -w$5 | tr -d ' ' >pixels
    page images $1.html | awk -F '\t' -v size=$4 'NR == FNR { pixels[NR - 1] = $0; next }
        $2 != size || $3 != size || $4 != pixels[$1] { print "sample " $1 ": other pixels" }' pixels - >wrong
    [ ! -s wrong ] || fail "images: $(head -3 wrong)"
    equals "images" "$(page images $1.html | wc -l)" 100
}
make-idx data 500 100 10 28
tidy-record train --data data --epochs 2 --noise 0.1 --threads 1 -o run.tidy 2>/dev/null || fail "train"
shows run data/train-images-idx3-ubyte 16 28 784
make-idx colours 500 100 10 32 3
tidy-record train --data colours --epochs 2 --noise 0.1 --threads 1 -o colour.tidy 2>/dev/null || fail "train in colour"
shows colour colours/train-images-idx4-ubyte 20 32 3072

# Of several runs the longest says how many bins a curve has.
tidy-record train --data data --epochs 4 --noise 0.1 --threads 1 -o longer.tidy 2>/dev/null || fail "train"
tidy-analyze merge run.tidy longer.tidy -o runs.tidy 2>/dev/null || fail "merge"
tidy-analyze report runs.tidy $suspects -o runs.html 2>stderr || fail "a report of two runs: $(cat stderr)"
equals "curves over two runs" "$(grep -oE '<svg class=t [^>]*viewBox="0 0 4 20"' runs.html | wc -l)" 100

# Where they are not: moved away, of another data set, nowhere.
mv data elsewhere
fails 1 "data: .*; --data DIR says where the images of run.tidy are now" \
    tidy-analyze report run.tidy $suspects -o moved.html
equals "what is left of a failure" "$(find . -name 'moved*' | wc -l)" 0
tidy-analyze report run.tidy $suspects --data elsewhere -o moved.html 2>stderr || fail "--data: $(cat stderr)"
cmp <(page images run.html) <(page images moved.html) || fail "--data shows other images"
make-idx other 500 100 10 28
printf '\001' | dd of=other/train-images-idx3-ubyte bs=1 seek=100 conv=notrunc 2>/dev/null
fails 1 "other: is not the data set that run.tidy was recorded from .*--data DIR" \
    tidy-analyze report run.tidy $suspects --data other -o other.html
fails 1 "^tidy-analyze: --data: nowhere" tidy-analyze report run.tidy $suspects --data nowhere -o other.html
tidy-analyze report run.tidy $suspects --no-images -o none.html 2>stderr || fail "--no-images: $(cat stderr)"
equals "images of --no-images" "$(grep -c '<img' none.html)" 0
equals "suspects of --no-images" "$(page suspects none.html | cut -f 1-6)" "$(page suspects run.html | cut -f 1-6)"
fails 2 "--data elsewhere names images that --no-images leaves out" \
    tidy-analyze report run.tidy --data elsewhere --no-images -o other.html

# A log that was imported does not say where its images are, but one may know.
tidy-analyze export run.tidy --what predictions -o predictions.npy
tidy-analyze samples run.tidy --score correctness | cut -f 1,2 >labels.tsv
tidy-record import --predictions predictions.npy --labels labels.tsv -o imported.tidy 2>/dev/null || fail "import"
imported="--score forgetting-events --threshold top:0.1"
tidy-analyze report imported.tidy $imported -o imported.html 2>stderr || fail "an imported log: $(cat stderr)"
page text imported.html >text
grep -q "The log does not say where its images are; --data DIR shows them" text || fail "no word on missing images"
tidy-analyze report imported.tidy $imported --data elsewhere -o shown.html 2>stderr || fail "--data: $(cat stderr)"
equals "images of an imported log" "$(page images shown.html | wc -l)" 50
make-idx fewer 400 100 10 28
fails 1 "fewer: has 400 images, and imported.tidy is about 500" \
    tidy-analyze report imported.tidy $imported --data fewer -o fewer.html
finish
