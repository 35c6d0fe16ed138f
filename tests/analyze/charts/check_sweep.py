"""Checks a chart of all thresholds, drawn as SVG: check_sweep.py TABLE SWEEP SVG SCRIPT SCORE RULE...

TABLE is that of `samples` with the score as its last column, SWEEP that of `sweep` (empty where nothing is known),
"flagged RULE" those of `flag`, in the working folder."""

import bisect
import math
import re
import sys

import svg


def read(path):
    lines = [line.rstrip("\n").split("\t") for line in open(path)]
    return [name.lstrip("#") for name in lines[0]] if lines else [], lines[1:]


table, sweep, drawn, script_path, score, *rules = sys.argv[1:]
columns, rows = read(table)
picture, script = svg.read(drawn), open(script_path).read()
colours = dict(enumerate(re.findall(r"set linetype \d linecolor rgb '(#.{6})'", script.lower()), 1))
SIX_FIVE = re.compile(r"^[\d.]+,[\d.]+$")


class Row:
    """Columns of numbers by name."""

    def __init__(self, names, fields):
        for name, field in zip(names, fields):
            setattr(self, name, float(field))


names, lines = read(sweep)
thresholds = [Row(names, line) for line in lines]
has_truth = bool(thresholds) and not math.isnan(thresholds[0].recall)
has_estimate = "$estimated <<" in script

# Ticks: counts, and below them the threshold that flags as many; where `sweep` says nothing, the score of the last.
values = sorted((float(row[-1]) for row in rows if row[-1] != "nan"), reverse=True)
ticks = [t for t in picture.texts if t.anchor == "middle" and not t.rotated and svg.number(t) is not None]
upper = min(t.y for t in ticks)
counts = [t for t in ticks if abs(t.y - upper) < 1]
assert len(ticks) == 2 * len(counts), "each count has its score"
for count in counts:
    below = next(t for t in ticks if t is not count and abs(t.x - count.x) < 1)
    flagged = svg.number(count)
    want = next((t.threshold for t in thresholds if t.flagged >= flagged), values[int(flagged) - 1])
    says = "score %s at %s, not %g" % (below.text, count.text, want)
    assert abs(float(below.text) - want) <= 0.006 * abs(want), says
if len(counts) > 1:
    x = svg.Axis([(t.x, svg.number(t)) for t in counts], logarithmic=True)
y = picture.y_axis()


def strokes(linetype, dashed):
    """Curves of a colour, but for the lines to their names, right of the plot."""
    edge = max(p.points[0][0] for p in picture.paths if p.stroke in colours.values() and len(p.points) == 2)
    return [p.points for p in picture.paths if p.stroke == colours[linetype] and len(p.points) > 1
            and bool(p.dashes and SIX_FIVE.match(p.dashes)) == dashed and p.points[-1][0] < edge + 1]


def check_curve(name, linetype, dashed, points):
    """`points`, (flagged, percent), lie on the strokes, but for what cannot be seen."""
    points = [(x.pixel(n), y.pixel(v)) for n, v in points if not math.isnan(v)]
    drawn = sorted(p for stroke in strokes(linetype, dashed) for p in stroke)
    assert drawn, "%s is not drawn" % name
    xs = [p[0] for p in drawn]
    for px, py in points:
        i = bisect.bisect_left(xs, px)
        near = drawn[max(i - 3, 0):i + 3]
        low, high = min(p[1] for p in near), max(p[1] for p in near)
        assert low - 1.5 <= py <= high + 1.5, "%s at x = %g: %g is not in %g..%g" % (name, px, py, low, high)
    ends = {0: points[0], -1: points[-1]}
    for at, point in ends.items():
        assert math.dist(drawn[at], point) < 2, "%s ends at %s, not %s" % (name, drawn[at], point)


if len(counts) > 1:
    if has_truth:
        for name, linetype in (("precision", 3), ("recall", 4), ("f1", 7)):
            check_curve(name, linetype, False, [(t.flagged, 100 * getattr(t, name)) for t in thresholds])
    if score == "label-posterior" and not has_estimate:
        wrong, hits, expected = sum(values), 0, []
        for i, value in enumerate(values):
            hits += value
            if i + 1 == len(values) or values[i + 1] != value:
                expected.append((i + 1, 100 * hits / (i + 1), 100 * hits / wrong, 200 * hits / (i + 1 + wrong)))
        for column, linetype in ((1, 3), (2, 4), (3, 7)):
            check_curve("expected %d" % column, linetype, True, [(e[0], e[column]) for e in expected])
assert has_truth == picture.has("^true$") and picture.has("^expected$") == ("$expected_F1 <<" in script)

if "estimated_recall" in names and not math.isnan(thresholds[-1].estimated_recall):
    assert has_estimate and picture.has("^estimated$") and picture.has("^95% interval$")
    block = re.search(r"\$estimated << EOD\n(.*?)EOD", script, re.S)[1].splitlines()[1:]
    by_count = {t.flagged: t for t in thresholds}
    estimated = ["estimated_" + part + end for part in ("precision", "recall") for end in ("", "_low", "_high")]
    points = []
    for line in block:
        numbers = list(map(float, line.split("\t")))
        row = by_count[numbers[0]]
        for name, got in zip(estimated, numbers[1:7]):
            want = 100 * getattr(row, name)
            assert abs(got - want) <= 6e-4 * max(want, 0.01), "%s of %d: %g, not %g" % (name, numbers[0], got, want)
        p, r = 100 * row.estimated_precision, 100 * row.estimated_recall
        assert abs(numbers[7] - 2 * p * r / (p + r)) < 6e-4 * numbers[7] + 1e-3, "F1 of %d" % numbers[0]
        points.append(numbers)
    assert points[0][0] == thresholds[0].flagged and points[-1][0] == thresholds[-1].flagged and len(points) > 50
    for column, linetype in ((1, 3), (4, 4), (7, 7)):
        check_curve("estimate %d" % column, linetype, True, [(p[0], p[column]) for p in points])
    for column, linetype in ((2, 3), (5, 4)):  # the bands' corners
        corners = {(round(cx), round(cy)) for polygon, fill in picture.filled if fill == colours[linetype]
                   for cx, cy in polygon}
        for p in points:
            for value in p[column:column + 2]:
                at = x.pixel(p[0]), y.pixel(value)
                assert min(math.dist(at, c) for c in corners) < 2, "the band has no corner at %s" % (at,)
else:
    assert not has_estimate

# Rules: a line at as many as are flagged.
for rule in rules:
    flagged = len(read("flagged " + rule)[1])
    says = "%s flags %s" % (rule, format(flagged, ",") if flagged else "none")
    name = next(t for t in picture.texts if re.match(re.escape(says) + "(,|$)", t.text))
    if flagged and len(counts) > 1:
        at = x.pixel(flagged)
        assert abs(abs(name.x - at) - 8) < 1.5, "%s stands at %g, not %g" % (rule, name.x, at)
