# Every `sh` block of the documents runs as it is written, but on a data set of a few hundred images in place of the one named.
# (`console` blocks are shown and not run: they take minutes.)
set -u -o pipefail
PATH=$TIDY_BIN:$PATH
command -v gnuplot >/dev/null || { echo "gnuplot is not installed, and the examples use it: skipped"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0 blocks=0

for document in "$TIDY_SOURCE"/*.md "$TIDY_SOURCE"/docs/*.md; do
    mkdir "$scratch/work"
    cd "$scratch/work" || exit 1
    make-idx data 1000 200 10 28
    awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$document" |
        sed "s#/usr/share/datasets/fashion-mnist#data#g" >"$scratch/script"
    blocks=$((blocks + $(grep -c '^```sh$' "$document")))
    if ! bash -e -o pipefail "$scratch/script" >"$scratch/stdout" 2>"$scratch/stderr" </dev/null; then
        echo "FAILED: an example of ${document#"$TIDY_SOURCE"/}: $(tail -n 3 "$scratch/stderr")"
        failures=$((failures + 1))
    fi
    cd "$scratch" && rm -rf "$scratch/work"
done

# Files and scripts that the documents name are there.
for document in "$TIDY_SOURCE"/*.md "$TIDY_SOURCE"/docs/*.md; do
    grep -oE '\]\([^)#:]+\)' "$document" | tr -d '()]' | while read -r link; do
        [ -e "$(dirname "$document")/$link" ] || echo "FAILED: $(basename "$document") links to $link, which is not there"
    done
    grep -oE '\./scripts/[a-z-]+' "$document" | sort -u | while read -r script; do
        [ -x "$TIDY_SOURCE/$script" ] || echo "FAILED: $(basename "$document") names $script, which is not there"
    done
done >"$scratch/missing"
cat "$scratch/missing"
[ -s "$scratch/missing" ] && failures=$((failures + 1))
[ "$blocks" -ge 2 ] || { echo "FAILED: only $blocks sh blocks found in the documents"; failures=$((failures + 1)); }
[ "$failures" -eq 0 ]
