"""Checks a histogram of a score, drawn as SVG: check_histogram.py TABLE SVG SCRIPT RULE...

TABLE is that of `samples` with the score as its last column, "flagged RULE" those of `flag`, in the working
folder."""

import bisect
import math
import re
import sys

import svg


def read(path):
    lines = [line.rstrip("\n").split("\t") for line in open(path)]
    return [name.lstrip("#") for name in lines[0]], lines[1:]


columns, rows = read(sys.argv[1])
picture, script, rules = svg.read(sys.argv[2]), open(sys.argv[3]).read(), sys.argv[4:]
RIGHT, WRONG, GAUSSIANS = re.findall(r"set linetype [123] linecolor rgb '(#.{6})'", script)
label, truth = columns.index("label"), columns.index("truth") if "truth" in columns else None
never_infinite = columns[-1] == "mean-correct-epoch-or-never"
epochs = max(float(row[-1]) for row in rows if row[-1] != "nan")


def value(row):
    return math.inf if never_infinite and float(row[-1]) == epochs else float(row[-1])


scores = {row[0]: value(row) for row in rows if row[-1] != "nan"}
wrong = {row[0] for row in rows if truth is not None and row[label] != row[truth] and row[0] in scores}
x = picture.x_axis()
y = picture.y_axis(logarithmic=True) if len(re.findall(r"set ytics .*", script)[0].split(",")) > 2 else None
width = float(re.search(r"^width = (\S+)", script, re.M)[1])
plot_bottom = max(box.bottom for box in picture.boxes(RIGHT) + picture.boxes(WRONG))


def check_bars(fill, samples, share):
    """Each bar is as high as it has samples, and all are in some bar."""
    finite = sorted(scores[s] for s in samples if math.isfinite(scores[s]))
    infinite = len(samples) - len(finite)
    drawn = 0
    bars = [b for b in picture.boxes(fill) if abs(b.bottom - plot_bottom) < 0.1]
    for bar in bars:
        count = round(y.value(bar.top)) if y else len(samples)
        middle = x.value((bar.left + bar.right) / 2)
        assert abs((bar.right - bar.left) * abs(x.scale) - share * width) < 0.02 * width + 2 * abs(x.scale), "width"
        low, high, fuzz = middle - width / 2, middle + width / 2, 0.08 * width
        least = bisect.bisect_left(finite, high - fuzz) - bisect.bisect_right(finite, low + fuzz)
        most = bisect.bisect_right(finite, high + fuzz) - bisect.bisect_left(finite, low - fuzz)
        if infinite and bar is max(bars, key=lambda b: b.left):
            least = most = infinite
        slack = 0.01 * count
        says = "a bar at %g has %d, not %d to %d" % (middle, count, least, most)
        assert least - slack <= count <= most + slack, says
        drawn += count
    assert abs(drawn - len(samples)) <= 0.003 * len(samples), "%d of %d samples are drawn" % (drawn, len(samples))


check_bars(RIGHT, [s for s in scores if s not in wrong], 0.92)
if wrong:
    check_bars(WRONG, list(wrong), 0.46)

# Lines and their names.
low_is_suspicious = picture.has("more suspicious.*" + re.escape(columns[-1]))
uprights = {p.points[0][0] for p in picture.paths if len(p.points) == 2 and p.points[0][0] == p.points[1][0]
            and abs(p.points[0][1] - p.points[1][1]) > 50}
names = []
for rule in rules:
    flagged = {row[0] for row in read("flagged " + rule)[1]}
    hits, count = len(flagged & wrong), format(len(flagged), ",")
    text = "%s flags %s" % (rule, count if flagged else "none")
    if flagged and wrong:
        share = 100 * hits / len(flagged)
        text += ", precision %.0f%%" % share if share == 100 or share < 99.5 else r", precision %.1f%%" % share
    name = picture.text(text)
    names.append(name)
    if not flagged:
        continue
    sign = -1 if low_is_suspicious else 1
    last = min(sign * scores[s] for s in flagged)
    rest = [sign * scores[s] for s in scores if s not in flagged]
    cut = sign * (last + max(rest)) / 2 if rest else None
    lines = [u for u in uprights if abs(abs(name.x - u) - 8) < 1]
    assert lines, "%s has no line beside its name" % rule
    if cut is not None and math.isfinite(cut):
        assert min(abs(u - x.pixel(cut)) for u in lines) < 1, "%s is at %s, not %g" % (rule, lines, x.pixel(cut))
for i, a in enumerate(map(picture.extent, names)):
    for b in map(picture.extent, names[:i]):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], "names overlap: %s" % rules

# A mixture of EM has its data's mean and, but for what is added to each variance, its variance; its components'
# curves meet where the rule cuts, and are drawn as their densities say.
gaussians = re.findall(r"^gmm\d\(x\) = normal\(x, (\S+), (\S+), (\S+)\)", script, re.M)
if gaussians:
    (n1, m1, d1), (n2, m2, d2) = parts = [tuple(map(float, part)) for part in gaussians]
    finite = [s for s in scores.values() if math.isfinite(s)]
    spread = max(finite) - min(finite)
    mean = sum(finite) / len(finite)
    variance = sum((s - mean) ** 2 for s in finite) / len(finite)
    assert abs(n1 + n2 - len(finite)) < 1e-3 * len(finite), "the components have %g samples" % (n1 + n2)
    assert abs((n1 * m1 + n2 * m2) / (n1 + n2) - mean) < 1e-3 * spread, "the mixture's mean is not the scores'"
    mixed = sum(n * (d**2 + (m - mean) ** 2) for n, m, d in parts) / (n1 + n2)
    assert abs(mixed - variance - 5e-4 * spread**2) < 1e-3 * variance, "the mixture's variance is not the scores'"

    def density(part, at):
        n, m, d = part
        return width * n * math.exp(-0.5 * ((at - m) / d) ** 2) / (d * math.sqrt(2 * math.pi))

    suspicious = {row[0] for row in read("flagged gmm")[1]}
    for s, at in scores.items():
        a, b = density(parts[0], at), density(parts[1], at)
        beyond = (at < m1) if low_is_suspicious else (at > m1)
        assert not beyond or abs(a - b) < 1e-3 * a or (b > a) == (s in suspicious), "%s lies on the other side" % s
    points = [p for curve in picture.curves(GAUSSIANS) if len(curve) > 20 for p in curve]

    def distance(point):
        at, height = x.value(point[0]), math.log(y.value(point[1]))
        return min(abs(math.log(max(density(part, at), 1e-9)) - height) for part in parts)

    off = [p for p in points[5:-5] if distance(p) > 0.15 and p[1] < plot_bottom - 3]
    assert len(points) > 50 and len(off) < 0.02 * len(points), "%d of %d points are off" % (len(off), len(points))
