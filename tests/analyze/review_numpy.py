"""What reviewed labels say about the others, once more from docs/scores.md: usage: review_numpy.py BEFORE DECISIONS AFTER.

BEFORE and AFTER are tables of `flag --score label-posterior` without and with the decisions, a line a sample: its index and
label. The maximum of the posterior is found for slope, offset and all pairs' offsets at once, by Newton's method with
halved steps; the program goes coordinate by coordinate.
"""
import sys

import numpy


def table(path):
    rows = [line.rstrip("\n").split("\t") for line in open(path) if not line.startswith("#")]
    return {int(row[0]): (float(row[1]), int(row[2]), int(row[3])) for row in rows}


before, after = table(sys.argv[1]), table(sys.argv[3])
decisions = dict(tuple(map(int, line.split())) for line in open(sys.argv[2]) if not line.startswith("#"))


def log_odds(probability):
    clipped = min(max(probability, 1e-7), 1 - 1e-7)
    return numpy.log(clipped) - numpy.log1p(-clipped)


pairs = sorted({before[sample][1:] for sample in decisions})
rows, outcomes = [], []
for sample, label in decisions.items():
    probability, given, suggested = before[sample]
    rows.append([log_odds(probability), 1] + [float((given, suggested) == pair) for pair in pairs])
    outcomes.append(float(label != given))
rows, outcomes = numpy.array(rows), numpy.array(outcomes)
centre = numpy.array([1, 0] + [0] * len(pairs), float)
precision = numpy.array([1 / 0.1**2, 1 / 0.5**2] + [1.0] * len(pairs))


def loss(at):
    z = rows @ at
    return (numpy.logaddexp(0, z) - outcomes * z).sum() + (precision * (at - centre) ** 2).sum() / 2


at = centre.copy()
for _ in range(200):
    p = 1 / (1 + numpy.exp(-(rows @ at)))
    gradient = rows.T @ (p - outcomes) + precision * (at - centre)
    hessian = (rows * (p * (1 - p))[:, None]).T @ rows + numpy.diag(precision)
    step = numpy.linalg.solve(hessian, gradient)
    while loss(at - step) > loss(at) + 1e-12:
        step /= 2
    at = at - step
assert set(after) == set(before) - set(decisions), "reviewed samples are listed, or others are not"
worst = 0
for sample, (probability, given, suggested) in before.items():
    if sample in decisions:
        continue
    z = at[0] * log_odds(probability) + at[1]
    if (given, suggested) in pairs:
        z += at[2 + pairs.index((given, suggested))]
    worst = max(worst, abs(1 / (1 + numpy.exp(-z)) - after[sample][0]))
print(f"{len(decisions)} decisions, slope {at[0]:.4f}, offset {at[1]:.4f}, largest difference {worst:.2e}")
assert abs(at[0] - 1) > 0.01 or abs(at[1]) > 0.01, "the decisions change nothing, so nothing is tested"
assert worst < 1e-4
