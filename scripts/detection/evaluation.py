"""The benchmark's measures, as docs/scores.md defines them, with bootstrap intervals, as rows of a table.

Intervals are the 2.5th and 97.5th percentile over RESAMPLES draws of n samples with replacement. The draws depend
on n alone, so all rows of a cell have the same ones.
"""
import numpy

RESAMPLES = 200
NAMES = ("dataset", "noise", "seed", "tool", "score", "of", "rule")
MEASURES = ("flagged", "precision", "recall", "f1", "f1_low", "f1_high", "ap", "ap_low", "ap_high", "auroc",
            "best_f1")


def header():
    return "#" + "\t".join(NAMES + MEASURES)


def text(value):
    return "-" if value is None else str(value) if isinstance(value, int) else f"{value:.5f}"


def share(part, whole):
    """part / whole, nan where whole is 0."""
    part, whole = numpy.asarray(part, float), numpy.asarray(whole, float)
    return numpy.divide(part, whole, out=numpy.full(whole.shape, numpy.nan), where=whole > 0)


def interval(values):
    return (numpy.nan, numpy.nan) if numpy.isnan(values).all() else numpy.nanpercentile(values, (2.5, 97.5))


class Evaluation:
    """Prints the rows of one cell; wrong is [n] bool."""

    def __init__(self, dataset, noise, seed, wrong):
        self.cell = (dataset, noise, str(seed))
        self.wrong = wrong
        random, n = numpy.random.default_rng(1), len(wrong)
        self.counts = numpy.zeros((RESAMPLES, n), numpy.uint8)  # how often a draw has the sample
        for counts in self.counts:
            counts[:] = numpy.bincount(random.integers(n, size=n), minlength=n)

    def row(self, tool, score, of, rule, **measures):
        print(*self.cell, tool, score, of, rule, *(text(measures.get(name)) for name in MEASURES), sep="\t")

    def flagged(self, tool, score, of, rule, flagged):
        """A row of the set that a rule flags, [n] bool."""
        hits, count, wrong = int((flagged & self.wrong).sum()), int(flagged.sum()), int(self.wrong.sum())
        draws = self.counts.astype(numpy.float32)
        sizes = flagged.astype(numpy.float32) + self.wrong
        low, high = interval(share(2 * (draws @ (flagged & self.wrong)), draws @ sizes))
        self.row(tool, score, of, rule, flagged=count, precision=share(hits, count), recall=share(hits, wrong),
                 f1=share(2 * hits, count + wrong), f1_low=low, f1_high=high)

    def ranked(self, tool, score, of, suspicion):
        """A row of a ranking by [n] values, the largest first; equal ones by index."""
        order = numpy.argsort(-suspicion, kind="stable")
        self.ordered(tool, score, of, order, suspicion[order])

    def ordered(self, tool, score, of, order, values):
        """A row of a ranking, most suspicious first; neighbours of equal value are a tie for auroc and best_f1."""
        hits = self.wrong[order]
        last = numpy.append(values[1:] != values[:-1], True)
        low, high = interval(self.resampled_precision(order))
        self.row(tool, score, of, "-", ap=average_precision(hits), ap_low=low, ap_high=high,
                 auroc=auroc(hits, last), best_f1=best_f1(hits, last))

    def resampled_precision(self, order):
        places = numpy.flatnonzero(self.wrong[order])
        result = numpy.full(RESAMPLES, numpy.nan)
        for draw, counts in enumerate(self.counts):
            counts = counts[order]
            copies = counts[places].astype(numpy.int64)
            if not copies.any():
                continue
            hits = copies.cumsum() - copies
            ranks = counts.cumsum(dtype=numpy.int64)[places] - copies
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
