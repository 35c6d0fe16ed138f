#!/bin/bash
# A decoder written in Python from docs/log-format.md alone must find in packed epochs what C packed.
set -euo pipefail
if ! command -v python3 > /dev/null; then
    echo "python3 is not there: skipped"
    [ "${CI:-}" = true ] && exit 1 || exit 77
fi
"$TIDY_BIN/columns_fixture" | PYTHONPATH="$TIDY_SOURCE/tests/common" PYTHONDONTWRITEBYTECODE=1 python3 -c '
import sys

from read_columns import Past, unpack

epochs, modes = 0, [0, 0]
for line in sys.stdin:
    word, *fields = line.split() or [""]
    if word == "block":
        labels = [int(field) for field in fields[2:]]
        past = Past(int(fields[0]), fields[1], len(labels))
        continue
    body = bytes.fromhex(word)
    predicted, codes = ([int(field) for field in next(sys.stdin).split()] for _ in range(2))
    rows = unpack(past, body, labels)
    assert [row[0] for row in rows] == predicted
    assert [code for row in rows for code in row[1:]] == codes
    epochs += 1
    modes[body[0]] += 1
assert min(modes) > 200, modes
print(epochs, "epochs agree,", modes[1], "of them coded")
'
