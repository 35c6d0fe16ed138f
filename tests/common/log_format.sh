#!/bin/bash
# A reader written in Python from docs/log-format.md alone must see in a log what the C reader sees.
set -euo pipefail
for program in mdb_dump python3; do
    if ! command -v $program > /dev/null; then
        echo "$program is not there: skipped"
        [ "${CI:-}" = true ] && exit 1 || exit 77
    fi
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$TIDY_BIN/log_format_fixture" write "$folder"

for log in class margin probs full ordered listed splits uneven old; do
    "$TIDY_BIN/log_format_fixture" dump "$folder/$log.tidy" > "$folder/c"
    mdb_dump -n -a "$folder/$log.tidy" | PYTHONDONTWRITEBYTECODE=1 python3 "$TIDY_SOURCE/tests/common/read_log.py" > "$folder/python"
    python3 - "$folder/c" "$folder/python" "$log" <<'PYTHON'
import math, sys

c, python = (open(path).read().splitlines() for path in sys.argv[1:3])
assert len(c) == len(python) > 400, (len(c), len(python))
for ours, theirs in zip(c, python):
    if ours == theirs:
        continue
    ours, theirs = ours.split(), theirs.split()
    # Whole numbers and text must be the same; real numbers of a step to float32's precision.
    assert ours[0] == theirs[0] == "step" and ours[:6] == theirs[:6] and len(ours) == len(theirs), (ours, theirs)
    for a, b in zip(map(float, ours[6:]), map(float, theirs[6:])):
        assert math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-7) or math.isnan(a) and math.isnan(b), (ours, theirs)
print(sys.argv[3] + ".tidy:", len(c), "lines agree")
PYTHON
done
