# The tables of docs/seed-experiment.md are what its script makes of the logs in examples/.
set -u -o pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
document=$TIDY_SOURCE/docs/seed-experiment.md
# tables LOG FOLDER: the script's tables of a log are those in FOLDER.
tables() {
    "$TIDY_SOURCE/scripts/seed-experiment" tables "$TIDY_SOURCE/examples/$1.tidy" "$scratch/$1" || exit 1
    for table in rule.tsv scores.tsv; do
        cmp "$scratch/$1/$table" "$2/$table" || exit 1
    done
}
tables seed-experiment "$TIDY_SOURCE/docs/seed-experiment"
tables seed-experiment-60000 "$TIDY_SOURCE/docs/seed-experiment/60000"
rows=$scratch/seed-experiment/tables.md
[ "$(wc -l <"$rows")" -gt 40 ] || { echo "FAILED: only $(wc -l <"$rows") rows"; exit 1; }
missing=$(grep -vxFf "$document" "$rows")
[ -z "$missing" ] || { echo "FAILED: docs/seed-experiment.md lacks or differs in: $missing"; exit 1; }
sed -n '/^## All 60,000 images/,$p' "$document" | grep -E '^\| [0-9]' >"$scratch/stated"
[ "$(wc -l <"$scratch/stated")" -ge 8 ] || { echo "FAILED: the rows of 60,000 images are not found"; exit 1; }
wrong=$(grep -vxFf "$scratch/seed-experiment-60000/tables.md" "$scratch/stated")
[ -z "$wrong" ] || { echo "FAILED: docs/seed-experiment.md states of 60,000 images: $wrong"; exit 1; }
