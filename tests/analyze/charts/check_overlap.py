"""Checks how far scores agree, drawn as SVG, against `compare --agreement` and `flag`.

    check_overlap.py SVG SCRIPT SCORE[,SCORE...] RULE LOG... [OPTION...]

Several logs go with one score. Options go to tidy-analyze."""

import re
import subprocess
import sys

import svg

picture, scores, rule = svg.read(sys.argv[1]), sys.argv[3].split(","), sys.argv[4]
colours = re.findall(r"set linetype \d linecolor rgb '(#\w+)'", open(sys.argv[2]).read())
option = next((i for i, word in enumerate(sys.argv) if word.startswith("--")), len(sys.argv))
logs, options = sys.argv[5:option], sys.argv[option:]


def table(*command):
    lines = subprocess.run(["tidy-analyze", *command, "--threshold", rule, *options], check=True,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.splitlines()
    names = lines[0].lstrip("#").split("\t")
    return [dict(zip(names, line.split("\t"))) for line in lines[1:]]


names = scores if len(logs) == 1 else logs
flagged, wrong = [], set()
for log in logs:
    for score in scores:
        suspects = table("flag", log, "--score", score)
        flagged.append({s["sample"] for s in suspects})
        wrong |= {s["sample"] for s in suspects if s.get("truth", s["label"]) != s["label"]}
has_truth = any("mislabelled" == t.text for t in picture.texts)

# The matrix: by the names at its rows and below its columns.
rows = {t.text: t.y - t.size / 4 for t in picture.texts if t.anchor == "end" and not t.rotated and t.text in names}
assert sorted(rows) == sorted(names), rows
y = [rows[name] for name in names]
height = y[1] - y[0]
numbers = [t for t in picture.texts
           if t.anchor == "middle" and re.fullmatch(r"-?[\d.,]+|-", t.text) and t.x < 745
           and y[0] - height / 2 < t.y < y[-1] + height / 2]
x = sorted({round(t.x) for t in numbers})
assert len(x) == len(names) and y == sorted(y), (x, y)
cells = {(min(range(len(y)), key=lambda i: abs(y[i] - t.y + t.size / 4)), x.index(round(t.x))): t.text for t in numbers}
assert len(cells) == len(names) ** 2, cells


def percent(part, whole):
    """Whole, but for what would read 0 or 100 and is not."""
    value = 100 * part / whole
    for text in "%.0f%%" % value, "%.1f%%" % value:
        if part in (0, whole) or float(text[:-1]) not in (0, 100):
            return text
    return "<0.1%" if value < 50 else ">99.9%"


def two_digits(text):
    return "-" if text == "nan" else "%.2f" % float(text)


shades = {}
for name, i in zip(names, range(len(names))):
    assert cells[i, i] == format(len(flagged[i]), ","), (name, cells[i, i])
lines = table("compare", *logs, "--agreement", "--score", ",".join(scores))
assert len(lines) == len(names) * (len(names) - 1) // 2
for line in lines:
    side = ("score_a", "score_b") if len(logs) == 1 else ("log_a", "log_b")
    i, j = names.index(line[side[0]]), names.index(line[side[1]])
    assert cells[i, j] == two_digits(line["spearman"]), (line, cells[i, j])
    assert cells[j, i] == two_digits(line["jaccard"]), (line, cells[j, i])
    shades[i, j], shades[j, i] = float(line["spearman"]), float(line["jaccard"])
    both, either = len(flagged[i] & flagged[j]), len(flagged[i] | flagged[j])
    assert either == 0 or abs(float(line["jaccard"]) - both / either) < 1e-6
drawn = {}
for element in re.finditer(r"<polygon fill = '(.*?)' fill-opacity='(.*?)'  points = '(.*?)'", open(sys.argv[1]).read()):
    corners = svg.pairs(element[3])
    at = sum(c[0] for c in corners[:4]) / 4, sum(c[1] for c in corners[:4]) / 4
    if at[0] < 745:
        drawn[min(range(len(y)), key=lambda i: abs(y[i] - at[1])), min(range(len(x)), key=lambda i: abs(x[i] - at[0]))] = \
            float(element[2])
assert set(drawn) == {at for at, value in shades.items() if value == value}, drawn
for at, opacity in drawn.items():
    assert abs(opacity - 0.06 - 0.49 * max(shades[at], 0)) < 0.02, (at, opacity, shades[at])

# The bars: how many samples exactly so many flag, and of these how many are mislabelled.
axis = picture.y_axis(left=745)
ticks = {int(t.text): t.x for t in picture.texts if t.anchor == "middle" and t.x > 745 and t.y > axis.pixel(0) and
         re.fullmatch(r"\d+", t.text)}
assert sorted(ticks) == list(range(1, len(names) + 1)), ticks
votes = {}
for samples in flagged:
    for sample in samples:
        votes[sample] = votes.get(sample, 0) + 1
for count, at in ticks.items():
    of = {sample for sample, n in votes.items() if n == count}
    for colour, expected in ((colours[0], len(of)), (colours[1], len(of & wrong) if has_truth else 0)):
        bars = [b for b in picture.boxes(colour) if b.left < at < b.right and b.bottom > axis.pixel(0) - 2 and
                b.left > 745]
        top = min((b.top for b in bars), default=axis.pixel(0))
        assert abs(top - axis.pixel(expected)) < 1, "%d: a bar of %.1f, expected %d" % (count, axis.value(top), expected)
    above = {t.text for t in picture.texts if abs(t.x - at) < 1 and t.y < axis.pixel(0)}
    assert format(len(of), ",") in above, (count, above)
    if has_truth and of:
        share = percent(len(of & wrong), len(of))
        assert share in above or share + " wrong" in above, (count, above)

everyone = {sample for sample, n in votes.items() if n == len(names)}
who = ("both" if len(names) == 2 else "all %d" % len(names)) + (" scores" if len(logs) == 1 else " runs")
if not everyone or not has_truth:
    title = "Of the %s images that are flagged, %s flag %s" % (format(len(votes), ","), who,
                                                              format(len(everyone), ",") if everyone else "none")
else:
    alone = {sample for sample, n in votes.items() if n == 1}
    title = "Flagged by %s: %s are mislabelled" % (who, percent(len(everyone & wrong), len(everyone)))
    title += "; by one alone: %s" % percent(len(alone & wrong), len(alone)) if alone else ""
assert picture.text(title)
