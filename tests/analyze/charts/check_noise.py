"""Checks the matrix of given and suggested labels, drawn as SVG, against `flag`: check_noise.py SVG SCRIPT LOG
[OPTION...]. Options go to `tidy-analyze flag`."""

import re
import subprocess
import sys
from collections import Counter

import svg

picture, script, log, options = svg.read(sys.argv[1]), open(sys.argv[2]).read(), sys.argv[3], sys.argv[4:]


def table(*command):
    lines = subprocess.run(["tidy-analyze", *command], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           text=True).stdout.splitlines()
    names = lines[0].lstrip("#").split("\t")
    return [dict(zip(names, line.split("\t"))) for line in lines[1:]]


suspects = table("flag", log, *options)
has_truth = "truth" in suspects[0]
pairs = Counter((int(s["label"]), int(s["suggested"])) for s in suspects if s["label"] != s["suggested"])
wrong, found = Counter(), Counter()
if has_truth:
    epochs = ["--first", options[options.index("--first") + 1]] if "--first" in options else []
    wrong.update((int(s["label"]), int(s["truth"])) for s in table("samples", log, "--score", "correctness", *epochs)
                 if s["label"] != s["truth"])
    found.update((int(s["label"]), int(s["truth"])) for s in suspects
                 if s["suggested"] == s["truth"] != s["label"])

(given, other), most = min(pairs.items(), key=lambda pair: (-pair[1], pair[0]))
title = "Most suspects: '%d' that looks like '%d' (%s of %s)" % (given, other, format(most, ","),
                                                              format(len(suspects), ","))
assert picture.text(title)

# Rows and columns by the names at their ends: classes in their order, and in the last what has no row of its own.
rows = sorted((t.y - t.size / 4, t.text) for t in picture.texts
              if t.anchor == "end" and not t.rotated and re.fullmatch(r"\d+|all others", t.text))
row_x = max(t.x for t in picture.texts if t.anchor == "end" and t.text == rows[0][1])
names = [name for _, name in rows]
bottom = max(t.y for t in picture.texts if t.text == names[0])
columns = sorted((t.x, t.text) for t in picture.texts
                 if t.anchor == "middle" and abs(t.y - bottom) < 2 and t.text in names)
assert [name for _, name in columns] == names, (columns, names)
classes = [int(name) for name in names if name != "all others"]
assert classes == sorted(classes)
if names[-1] == "all others":
    assert len(classes) <= 12 and given in classes and other in classes
    shown = Counter()
    for pair, _ in sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0])):
        shown.update(pair)
        if len(shown) >= 11:
            break
    assert set(list(shown)[:11]) <= set(classes), "classes of more frequent pairs are left out"


def place(label):
    return classes.index(label) if label in classes else len(classes)


def by_place(counts):
    sums = Counter()
    for (row, column), count in counts.items():
        sums[place(row), place(column)] += count
    return sums


suspects_of, wrong_of, found_of = by_place(pairs), by_place(wrong), by_place(found)
x, y = [at for at, _ in columns], [at for at, _ in rows]
width, height = (x[1] - x[0]), (y[1] - y[0])
texts = {}
for t in picture.texts:
    if re.fullmatch(r"[\d,]+|\d+/\d+", t.text) and row_x + 1 < t.x and y[0] - height / 2 < t.y < y[-1] + height / 2:
        column = min(range(len(x)), key=lambda i: abs(x[i] - t.x))
        row = min(range(len(y)), key=lambda i: abs(y[i] - t.y + t.size / 4))
        texts.setdefault((row, column), set()).add(t.text)
below = any("/" in text for cell in texts.values() for text in cell)
assert below or not has_truth or height < 38, "found and wrong are not there"
assert not below or picture.has("x/y: found of all labels"), "x/y is not explained"
for row in range(len(names)):
    for column in range(len(names)):
        expected, at = set(), (row, column)
        if suspects_of[at]:
            expected.add(format(suspects_of[at], ","))
        if below and wrong_of[at]:
            expected.add("%d/%d" % (found_of[at], wrong_of[at]))
        assert texts.get(at, set()) == expected, "%s: %s, expected %s" % (at, texts.get(at), expected)

# The shades: as opaque as its share of the most frequent pair, on a scale of 6% to 55%.
cells = {}
for element in re.finditer(r"<polygon fill = '(.*?)' fill-opacity='(.*?)'  points = '(.*?)'", open(sys.argv[1]).read()):
    corners = svg.pairs(element[3])
    at_x, at_y = sum(c[0] for c in corners[:4]) / 4, sum(c[1] for c in corners[:4]) / 4
    cells[min(range(len(y)), key=lambda i: abs(y[i] - at_y)), min(range(len(x)), key=lambda i: abs(x[i] - at_x))] = \
        float(element[2])
own = range(len(classes))
assert set(cells) == {(i, j) for i in own for j in own if i != j}, sorted(cells)
for at, opacity in cells.items():
    assert abs(opacity - 0.06 - 0.49 * suspects_of[at] / most) < 0.02, (at, opacity)
