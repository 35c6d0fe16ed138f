"""Checks precision-recall curves, drawn as SVG, against `sweep` and `eval`.

    check_pr.py SVG SCRIPT LOG SCORE[,SCORE...] RULE... [OPTION...]

A rule is for all scores, or "score:rule"; "any:rule" ignores scores. Options go to tidy-analyze."""

import math
import re
import subprocess
import sys

import svg

picture, script = svg.read(sys.argv[1]), open(sys.argv[2]).read()
log, scores = sys.argv[3], sys.argv[4].split(",")
option = next((i for i, word in enumerate(sys.argv) if word.startswith("--")), len(sys.argv))
rules, options = sys.argv[5:option], sys.argv[option:]


def table(command, *arguments):
    lines = subprocess.run(["tidy-analyze", command, log, *arguments, *options], check=True, stdout=subprocess.PIPE,
                           text=True).stdout.splitlines()
    names = lines[0].lstrip("#").split("\t")
    return [dict(zip(names, line.split("\t"))) for line in lines[1:]]


def to_segment(point, a, b):
    length = math.dist(a, b) ** 2
    t = 0 if length == 0 else ((point[0] - a[0]) * (b[0] - a[0]) + (point[1] - a[1]) * (b[1] - a[1])) / length
    t = max(0, min(1, t))
    return math.dist(point, (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))


x, y = picture.x_axis(right=picture.text("F1 .2").x), picture.y_axis()
colours = re.findall(r"set linetype \d linecolor rgb '(#\w+)'", script)
worth = {score: table("eval", "--score", score)[0] for score in scores}
order = sorted(scores, key=lambda score: -float(worth[score]["ap"]))
marks = []

for score in scores:
    colour = colours[order.index(score)]
    name, figures = picture.text(score), "AP %.3f, best F1 %.3f" % (
        float(worth[score]["ap"]), float(worth[score]["best_f1"]))
    assert any(t.text == figures and t.x == name.x and 0 < t.y - name.y < 40 for t in picture.texts), figures
    rows = [(float(row["recall"]), float(row["precision"])) for row in table("sweep", "--score", score)]
    while len(rows) > 1 and rows[-2][0] == rows[-1][0]:
        rows.pop()  # no more is found by these
    points = [(x.pixel(100 * recall), y.pixel(100 * precision)) for recall, precision in rows]
    curves = [c for c in picture.curves(colour) if c[0][0] < x.pixel(100) + 2]
    curve = [p for c in curves for p in c]
    if len(points) > 1:
        assert curve, "%s has no curve" % score
        worst = max(min(to_segment(p, a, b) for a, b in zip(curve, curve[1:])) for p in points)
        assert worst < 0.7, "%s: a threshold is %.2f pixels beside its curve" % (score, worst)
        for p in curve:
            assert min(to_segment(p, a, b) for a, b in zip(points, points[1:])) < 0.7, "%s: a stray %s" % (score, p)
    for rule in rules:
        of, _, own = rule.partition(":")
        if of in worth or of == "any":
            if of != score and not (of == "any" and score == scores[0]):
                continue
            rule = own
        row = table("eval", "--score", score, "--threshold", rule)[0]
        if row["flagged"] != "0":
            marks.append((rule, colour if of != "any" else None, x.pixel(100 * float(row["recall"])),
                          y.pixel(100 * float(row["precision"]))))

drawn = [p for p in picture.symbols if p.x < x.pixel(100) + 1]
assert len(drawn) - sum(len(table("sweep", "--score", s)) == 1 for s in scores) == len(marks), \
    "%d marks, expected %d" % (len(drawn), len(marks))
for rule, colour, at_x, at_y in marks:
    assert any(math.dist((p.x, p.y), (at_x, at_y)) < 0.7 and (colour is None or p.colour == colour.lower())
               for p in drawn), "%s is not marked at %.1f, %.1f" % (rule, at_x, at_y)

# Each mark has a name in the plot, but for those of the same rule at the same place; none lies on another, or leaves the plot.
names = [t for t in picture.texts if t.text in {rule for rule, *_ in marks}]
expected = []
for i, (rule, _, *at) in enumerate(marks):
    if not any(rule == other and math.dist(at, place) < 3 for other, _, *place in marks[:i]):
        expected.append(rule)
assert sorted(t.text for t in names) == sorted(expected), ([t.text for t in names], expected)
boxes = [picture.extent(t) for t in names]
for i, a in enumerate(boxes):
    assert a[0] > x.pixel(0) - 4 and a[2] < x.pixel(100) + 4, "%s leaves the plot" % names[i].text
    for b in boxes[:i]:
        assert a[2] <= b[0] + 4 or b[2] <= a[0] + 4 or a[3] <= b[1] + 4 or b[3] <= a[1] + 4, "names overlap"

# Lines of equal F1 end at f / (2 - f).
for f in 2, 4, 6, 8:
    label = picture.text("F1 .%d" % f)
    assert abs(label.y - label.size / 4 - y.pixel(100 * f / (20 - f))) < 4, "the end of F1 .%d" % f
