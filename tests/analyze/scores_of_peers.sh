# What the peers' own programs made of a training run, against what ours make of its logits: import, samples, flag.
. "$TIDY_SOURCE/tests/analyze/harness.bash"

needs_numpy
if [ ! -d "$TIDY_PEER_VECTORS" ]; then
    skip "TIDY_PEER_VECTORS: no folder '$TIDY_PEER_VECTORS'"
fi
/usr/bin/python3 -B "$TIDY_SOURCE/tests/analyze/check_scores.py" peers . "$TIDY_PEER_VECTORS" || fail "scores or sets differ from the peers'"
finish
