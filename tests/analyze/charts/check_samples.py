"""Checks a sample's trajectory, drawn as SVG with the names of the file `names`: check_samples.py SVG LOG SAMPLE.
Its script is chart.gp."""

import re
import subprocess
import sys

import numpy

import svg

picture, log, sample = svg.read(sys.argv[1]), sys.argv[2], int(sys.argv[3])
names = open("names").read().split()


def run(*command):
    return subprocess.run(["tidy-analyze", *command], check=True, stdout=subprocess.PIPE, text=True).stdout


def array(what):
    subprocess.run(["tidy-analyze", "export", log, "--what", what, "-o", "array.npy", "--force"], check=True)
    return numpy.load("array.npy")


detail = next(line.split("\t")[1] for line in run("info", log).splitlines() if line.startswith("detail\t"))
predicted = array("predictions")[:, sample]
trained, given = int(array("labels")[sample]), int(array("given")[sample])
table = [line.split("\t") for line in run("samples", log, "--score", "forgotten-at").splitlines()]
row = dict(zip((name.lstrip("#") for name in table[0]), table[1 + sample]))
forgotten = [int(event.split(":")[0]) for event in row["forgotten-at"].split(",") if event]
truth = int(row["truth"]) if "truth" in row else None
epochs = len(predicted)

# Title: the most frequent class, the label itself where it is one of them.
counts = numpy.bincount(predicted, minlength=len(names))
most = trained if counts[trained] == counts.max() else int(counts.argmax())
title = "Sample %d, labelled '%s'%s, was taken for %s in %s%s" % (
    sample, names[given], " and trained as '%s'" % names[trained] if trained != given else "",
    "it" if most == trained else "'%s'" % names[most],
    "all %d epochs" % epochs if counts[most] == epochs else "%d of %d epochs" % (counts[most], epochs),
    ", and forgotten %d time%s" % (len(forgotten), "" if len(forgotten) == 1 else "s")
    if forgotten and most == trained else "")
assert picture.text(title)

# The rows: given label, the one trained on, the true one, then by count.
rows = sorted((t.y - t.size / 4, t.text) for t in picture.texts if t.text.split(" ")[0] in names + ["forgotten"]
              and t.anchor == "end" and not t.rotated)
order = list(dict.fromkeys([given, trained] + ([truth] if truth is not None else []) +
                           sorted(set(map(int, predicted)), key=lambda c: (-counts[c], c))))


def name_of(label):
    roles = ["given"] * (label == given) + ["trained"] * (label == trained != given) + ["true"] * (label == truth)
    return names[label] + (" (%s)" % ", ".join(roles) if roles else "")


expected = [name_of(label) for label in order[:8]] + ["forgotten"] * bool(forgotten)
assert [name for _, name in rows] == expected, (rows, expected)
height = {name: y for y, name in rows}

x = picture.x_axis()
blue, rust = re.findall(r"^set linetype [12] linecolor rgb '(.*?)'", open("chart.gp").read(), re.M)
points = {blue: picture.points(blue), rust: picture.points(rust)}
due = []
for epoch, label in enumerate(map(int, predicted), 1):
    due.append((blue if label == trained else rust, epoch, height[name_of(label)], "class"))
due += [(rust, epoch, height["forgotten"], "forgotten") for epoch in forgotten]
if detail != "class":
    y = picture.y_axis()
    due += [(blue if predicted[e] == trained else rust, e + 1, y.pixel(float(margin)), "margin")
            for e, margin in enumerate(array("margins")[:, sample])]
for colour, epoch, at, what in due:
    near = [p for p in points[colour] if abs(p[0] - x.pixel(epoch)) < 1 and abs(p[1] - at) < 2.5]
    assert near, "%s of epoch %d is not at (%.1f, %.1f): %s" % (what, epoch, x.pixel(epoch), at, points[colour])
    points[colour].remove(near[0])
assert not points[blue] and not points[rust], "more points than there are predictions: %s" % points
