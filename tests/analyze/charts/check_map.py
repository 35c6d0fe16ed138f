"""Checks a data map, drawn as SVG, against the samples' table: check_map.py TABLE SVG SCRIPT.

Where a panel has a disc a sample, each has its place and its colour's value. Where samples are binned, each
sample belongs to the disc that is nearest to it in the picture; how many those are, and their mean correctness,
must be what the script's data block says for that disc."""

import math
import re
import sys

import svg

lines = [line.rstrip("\n").split("\t") for line in open(sys.argv[1])]
columns, rows = lines[0], [line for line in lines[1:] if "nan" not in line[-3:]]
columns = [name.lstrip("#") for name in columns]
place = {name: columns.index(name) for name in ("label", "confidence", "variability", "correctness")}
has_truth = "truth" in columns
is_wrong = [has_truth and row[columns.index("truth")] != row[place["label"]] for row in rows]
samples = [tuple(float(row[place[name]]) for name in ("variability", "confidence", "correctness")) for row in rows]
groups = [[s for s, w in zip(samples, is_wrong) if w == wrong] for wrong in (False, True)]
panels = 2 if any(line[columns.index("truth")] != line[place["label"]] for line in lines[1:] if has_truth) else 1

picture = svg.read(sys.argv[2])
blocks = re.findall(r"\$samples\d << EOD\n(.*?)EOD", open(sys.argv[3]).read(), re.S)
assert len(blocks) == panels, "%d data blocks, expected %d" % (len(blocks), panels)
middle = 600 if panels == 2 else 1e9
y = picture.y_axis()
discs = [p for p in picture.symbols if p.symbol == "gpPt6"]
if panels == 2:
    for group, name in zip(groups, ("with the right label", "mislabelled")):
        assert picture.has(r"^%s %s$" % (format(len(group), ","), name)), "heading of the %s" % name

for panel, (group, block) in enumerate(zip(groups, blocks)):
    left, right = (0, middle) if panel == 0 else (middle, 1100)
    x = picture.x_axis(left=left, right=min(right, 1080))
    cells = [tuple(map(float, line.split("\t"))) for line in block.splitlines()[1:]]
    drawn = sorted((p.x, p.y) for p in discs if left <= p.x < min(right, 1065))
    expected = sorted((x.pixel(cell[0]), y.pixel(cell[1])) for cell in cells)
    assert len(drawn) == len(expected), "panel %d: %d discs, expected %d" % (panel, len(drawn), len(expected))
    for got in drawn:
        assert min(math.dist(got, e) for e in expected) < 1, "panel %d: a disc at %s" % (panel, got)
    assert sum(cell[3] for cell in cells) == len(group), "panel %d: %d samples" % (panel, sum(c[3] for c in cells))
    if len(cells) == len(group):
        for cell in cells:  # four digits of each
            nearest = min(group, key=lambda s: max(abs(s[i] - cell[i]) for i in range(3)))
            assert all(abs(nearest[i] - cell[i]) <= 5.1e-4 * abs(cell[i]) for i in range(3)), (cell, nearest)
        continue
    centres = [(x.pixel(cell[0]), y.pixel(cell[1])) for cell in cells]
    counts, sums, unsure = [0] * len(cells), [0.0] * len(cells), 0
    for variability, confidence, correctness in group:
        at = (x.pixel(variability), y.pixel(confidence))
        distances = sorted((math.dist(at, c), i) for i, c in enumerate(centres))[:2]
        counts[distances[0][1]] += 1
        sums[distances[0][1]] += correctness
        assert distances[0][0] < 13 / math.sqrt(3) + 0.1, "a sample is outside of all hexagons"
        unsure += len(distances) > 1 and distances[1][0] - distances[0][0] < 0.1  # the ticks are not that exact
    differ = sum(abs(count - cell[3]) for count, cell in zip(counts, cells)) / 2
    assert differ <= unsure, "panel %d: %d samples in other discs, %d may be" % (panel, differ, unsure)
    assert unsure < 0.02 * len(group), "the check is blunt"
    same = [i for i, cell in enumerate(cells) if counts[i] == cell[3]]
    wrong = sum(abs(sums[i] / counts[i] - cells[i][2]) > 1e-3 * max(cells[i][2], 1) for i in same)
    assert wrong <= 2 * unsure and len(same) > len(cells) / 2, "panel %d: %d mean colours differ" % (panel, wrong)
