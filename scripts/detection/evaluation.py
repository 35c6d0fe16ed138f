"""The measures of the detection benchmark, as docs/scores.md defines them, with bootstrap intervals, and its table of results.

Intervals are the 2.5th and 97.5th percentile over RESAMPLES draws of n samples with replacement. The draws depend on n alone,
so all rows of a cell have the same ones.
"""
import numpy

RESAMPLES = 200
COLUMNS = ("dataset", "noise", "seed", "tool", "score", "of", "rule", "flagged", "precision", "recall", "f1", "f1_low", "f1_high",
           "ap", "ap_low", "ap_high", "auroc", "best_f1")


def header():
    return "#" + "\t".join(COLUMNS)


def interval(values):
    return numpy.nanpercentile(values, (2.5, 97.5)) if not numpy.isnan(values).all() else (numpy.nan, numpy.nan)


class Evaluation:
    """Prints the rows of one cell; wrong is [n] bool."""

    def __init__(self, dataset, noise, seed, wrong):
        self.cell = (dataset, noise, str(seed))
        self.wrong = wrong
        random = numpy.random.default_rng(1)
        self.counts = numpy.stack([numpy.bincount(random.integers(len(wrong), size=len(wrong)), minlength=len(wrong))
                                   for _ in range(RESAMPLES)]).astype(numpy.uint8)

    def row(self, tool, score, of, rule, **measures):
        texts = (measures.get(column) for column in COLUMNS[7:])
        print("\t".join(self.cell + (tool, score, of, rule) + tuple(
            "-" if value is None else str(value) if isinstance(value, int) else f"{value:.5f}" for value in texts)), flush=True)

    def flagged(self, tool, score, of, rule, flagged):
        """A row of the set that a rule flags, [n] bool."""
        hits, count, wrong = int((flagged & self.wrong).sum()), int(flagged.sum()), int(self.wrong.sum())
        weights = self.counts.astype(numpy.float32)
        parts = weights @ (flagged & self.wrong), weights @ (flagged.astype(numpy.float32) + self.wrong)
        low, high = interval(numpy.divide(2 * parts[0], parts[1], out=numpy.full(RESAMPLES, numpy.nan), where=parts[1] > 0))
        self.row(tool, score, of, rule, flagged=count, precision=hits / count if count else numpy.nan,
                 recall=hits / wrong if wrong else numpy.nan, f1=2 * hits / (count + wrong) if count + wrong else numpy.nan,
                 f1_low=low, f1_high=high)

    def ranked(self, tool, score, of, suspicion):
        """A row of a ranking by [n] values, the largest first; equal ones by index."""
        order = numpy.argsort(-suspicion, kind="stable")
        self.ordered(tool, score, of, order, suspicion[order])

    def ordered(self, tool, score, of, order, values):
        """A row of a ranking, most suspicious first; neighbours with equal values are one tie for auroc and best_f1."""
        hits = self.wrong[order]
        last = numpy.append(values[1:] != values[:-1], True)
        low, high = interval(self.resampled_precision(order))
        self.row(tool, score, of, "-", ap=average_precision(hits), ap_low=low, ap_high=high, auroc=auroc(hits, last),
                 best_f1=best_f1(hits, last))

    def resampled_precision(self, order):
        places = numpy.flatnonzero(self.wrong[order])
        result = numpy.full(RESAMPLES, numpy.nan)
        for draw, counts in enumerate(self.counts):
            counts = counts[order]
            copies = counts[places].astype(numpy.int64)
            if not copies.any():
                continue
            hits, ranks = copies.cumsum() - copies, counts.cumsum(dtype=numpy.int64)[places] - copies
            total = 0.0
            for copy in range(1, copies.max() + 1):  # copies of one sample follow each other
                there = copies >= copy
                total += ((hits[there] + copy) / (ranks[there] + copy)).sum()
            result[draw] = total / copies.sum()
        return result


def average_precision(hits):
    places = numpy.flatnonzero(hits)
    return float((numpy.arange(1, len(places) + 1) / (places + 1)).mean()) if len(places) else numpy.nan


def auroc(hits, last):
    """last: [n] where a tie ends."""
    wrong, right = hits.cumsum()[last], (~hits).cumsum()[last]
    if wrong[-1] == 0 or right[-1] == 0:
        return numpy.nan
    before = numpy.append(0, right[:-1])
    won = numpy.diff(wrong, prepend=0) * (right[-1] - (before + right) / 2)
    return float(won.sum() / (wrong[-1] * right[-1]))


def best_f1(hits, last):
    wrong = hits.sum()
    cuts = numpy.flatnonzero(last)
    return float((2 * hits.cumsum()[cuts] / (cuts + 1 + wrong)).max()) if wrong else numpy.nan
