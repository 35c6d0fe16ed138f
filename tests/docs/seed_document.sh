# The tables of docs/seed-experiment.md are what its script makes of the log in examples/.
set -u -o pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$TIDY_SOURCE/scripts/seed-experiment" tables \
    "$TIDY_SOURCE/examples/seed-experiment.tidy" "$scratch" || exit 1
for table in rule.tsv scores.tsv; do
    cmp "$scratch/$table" "$TIDY_SOURCE/docs/seed-experiment/$table" || exit 1
done
[ "$(wc -l <"$scratch/tables.md")" -gt 40 ] || { echo "FAILED: only $(wc -l <"$scratch/tables.md") rows"; exit 1; }
missing=$(grep -vxFf "$TIDY_SOURCE/docs/seed-experiment.md" "$scratch/tables.md")
[ -z "$missing" ] || { echo "FAILED: docs/seed-experiment.md lacks or differs in: $missing"; exit 1; }
