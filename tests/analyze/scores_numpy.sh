# Scores and rules of random logs against definitions in NumPy that share nothing with the programs.
. "$TIDY_SOURCE/tests/analyze/harness.bash"

needs_numpy
/usr/bin/python3 -B "$TIDY_SOURCE/tests/analyze/check_scores.py" random . || fail "scores or rules differ from the definitions"
finish
