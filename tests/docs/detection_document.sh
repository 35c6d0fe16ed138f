# The tables of docs/detection.md are what the benchmark's scripts make of its results.
set -u -o pipefail
scripts=$TIDY_SOURCE/scripts/detection results=$TIDY_SOURCE/docs/detection
/usr/bin/python3 -c 'import numpy' 2>/dev/null || { echo "python3-numpy is not installed: skipped"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1
{
    /usr/bin/python3 "$scripts/tables.py" "$results/peers.tsv" "$results/ours.tsv" 2
    /usr/bin/python3 "$scripts/calibration.py" table "$results/calibration.tsv" 2
    /usr/bin/python3 "$scripts/estimates.py" table "$results/estimates.tsv" 2
} >"$scratch/tables.md" || exit 1
cmp "$scratch/tables.md" "$results/tables.md" || exit 1
# The first section whole, and the two last ones: every row stands in the document.
awk '/^### /{ shown = /Fashion-MNIST: average precision|Calibration|Estimates/ } shown && /^\| /' "$scratch/tables.md" >"$scratch/rows"
[ "$(wc -l <"$scratch/rows")" -gt 80 ] || { echo "FAILED: only $(wc -l <"$scratch/rows") rows"; exit 1; }
missing=$(grep -vxFf "$TIDY_SOURCE/docs/detection.md" "$scratch/rows")
[ -z "$missing" ] || { echo "FAILED: docs/detection.md lacks or differs in: $missing"; exit 1; }
