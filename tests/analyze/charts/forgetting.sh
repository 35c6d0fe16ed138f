# plot forgetting: bars are the shares that `samples` counts, the never-learned apart.
. "$TIDY_SOURCE/tests/analyze/charts/charts.bash"
make-log run.tidy margin 1000 8 0
make-log class.tidy class 1000 8 0
make-log unknown.tidy probs 500 40 0 no-truth
make-log one.tidy class 40 1 0
make-log right.tidy margin 200 3 0 all-right
cp "$TIDY_SOURCE/examples/seed-experiment.tidy" seed.tidy
draws_everywhere forgetting run.tidy
draws_everywhere forgetting unknown.tidy
for log in run class unknown one right seed; do
    draws forgetting $log.tidy
    mv chart.svg $log.svg
    tidy-analyze samples $log.tidy --score forgetting-events,never-learned >$log.tsv
    /usr/bin/python3 - $log <<'PYTHON' || fail "bars of $log"
import sys
import svg

log = sys.argv[1]
rows = [line.split("\t") for line in open(log + ".tsv").read().splitlines()]
head = rows[0]
events, never, label = head.index("forgetting-events"), head.index("never-learned"), 1
truth = head.index("truth") if "truth" in head else None
groups = {"clean": {}, "wrong": {}}
for row in rows[1:]:
    wrong = truth is not None and row[truth] not in ("-", "nan", row[label])
    bar = "never learned" if float(row[never]) == 1 else str(int(float(row[events])))
    bar = "10+" if bar.isdigit() and int(bar) >= 10 else bar
    group = groups["wrong" if wrong else "clean"]
    group[bar] = group.get(bar, 0) + 1
picture = svg.read(log + ".svg")
y = picture.y_axis()
baseline = y.pixel(0)
for group, colour in (("clean", "#1055a2"), ("wrong", "#bd4501")):
    bars, total = groups[group], sum(groups[group].values())
    boxes = [b for b in picture.boxes(colour) if abs(b.bottom - baseline) < 1.5]
    assert len(boxes) == len(bars), (group, bars, boxes)
    for name, count in bars.items():
        tick = picture.text(name)
        box = min(boxes, key=lambda b: abs((b.left + b.right) / 2 - tick.x))
        assert box.left - 3 <= tick.x <= box.right + 3 or groups["wrong"], (name, box, tick)
        share = 100 * count / total
        assert abs(y.value(box.top) - share) < 0.25, (group, name, y.value(box.top), share)
    if groups["wrong"]:
        words = "{:,} {}".format(total, "mislabelled" if group == "wrong" else "with the right label")
        picture.text(words)
PYTHON
done
finish
