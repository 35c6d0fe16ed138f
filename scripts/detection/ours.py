"""What tidy-analyze finds in a cell, in rows of evaluation.py's table: ours.py LOG [PROBS_LOG].

LOG is what a user has, a log of the default detail; PROBS_LOG the same run with whole probabilities, for the scores
that need them.
"""
import sys

import numpy

import cells
from evaluation import Evaluation

RULES = (("label-posterior", "expected-f1"), ("label-posterior", "value:0.5"), ("aum", "gmm"), ("aum", "bmm"),
         ("aum", "otsu"), ("aum", "ctrl"), ("mean-loss", "gmm"), ("mean-loss", "bmm"), ("mean-loss", "otsu"), ("forgetting-events", "gmm"),
         ("mean-correct-epoch", "mean+5std"), ("mean-correct-epoch-or-never", "mean+5std"))
PROBS_RULES = (("self-confidence", "confident-learning"), ("self-confidence", "prune-by-class"))


def listed(log, score, rule):
    """(samples, scores) that flag lists, in its order; infinity is a score that is not there."""
    rows = [row for row in cells.run("flag", log, "--score", score, "--threshold", rule) if row[0][0] != "#"]
    values = numpy.array([float(row[1]) for row in rows])
    return numpy.array([int(row[0]) for row in rows], int), numpy.nan_to_num(values, nan=numpy.inf)


def scores(log):
    columns = cells.run("samples", log, "--score", "all")[0]
    return [column for column in columns if column not in ("#sample", "label", "truth")]


def main():
    log, probs_log = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    dataset, noise, seed = cells.name(log)
    _, wrong, control = cells.samples(log)
    place = numpy.cumsum(~control) - 1  # among the samples that are compared
    evaluation = Evaluation(dataset, noise, seed, wrong[~control])
    default = scores(log)
    parts = [(log, cells.info(log)["detail"], default, RULES)]
    if probs_log:
        more = [score for score in scores(probs_log) if score not in default]
        parts.append((probs_log, "probs", more, PROBS_RULES))
    for part, of, names, rules in parts:
        for score in names:
            order, values = listed(part, score, "top:1")  # all samples, controls last
            compared = ~control[order]
            evaluation.ordered("tidy", score, of, place[order[compared]], values[compared])
        for score, rule in rules:
            flagged = numpy.zeros(len(place), bool)
            flagged[listed(part, score, rule)[0]] = True
            evaluation.flagged("tidy", score, of, rule, flagged[~control])


if __name__ == "__main__":
    main()
