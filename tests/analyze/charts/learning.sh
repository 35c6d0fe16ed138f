# plot learning: curves pass through the values of `epochs` and through counts made from predictions, the learning rate
# goes in steps, several runs have names at their curves' ends.
. "$TIDY_SOURCE/tests/analyze/charts/charts.bash"
needs_numpy
make-log run.tidy margin 1000 8 0
make-log one.tidy class 500 1 0 no-truth
make-log long.tidy margin 40 1000 0
make-log unknown.tidy probs 500 40 0 no-truth
cp "$TIDY_SOURCE/examples/seed-experiment.tidy" seed.tidy
cp run.tidy again.tidy
tidy-analyze merge run.tidy again.tidy -o merged.tidy 2>stderr || fail "merge: $(cat stderr)"
for log in run one long unknown seed merged; do
    draws learning $log.tidy
    mv chart.svg $log.svg
    tidy-analyze epochs $log.tidy --no-overlap >$log.tsv
done
draws learning run.tidy unknown.tidy merged.tidy
mv chart.svg several.svg
draws learning run.tidy unknown.tidy merged.tidy merged.tidy merged.tidy
mv chart.svg many.svg
draws learning seed.tidy run.tidy
grep -q "^# title: 'Best of 2 runs, with 100.0% training accuracy after 100 epochs: seed.tidy'" chart.gp ||
    fail "where one of two runs has no test set: $(grep '^# title' chart.gp)"
# Of an imported log neither loss nor learning rate is known.
tidy-analyze export unknown.tidy --what predictions -o unknown.npy
tidy-analyze samples unknown.tidy | cut -f 1,2 >labels.tsv
tidy-record import --predictions unknown.npy --labels labels.tsv -o imported.tidy 2>stderr || fail "import: $(cat stderr)"
draws learning imported.tidy
grep -q "mean training loss\|'learning rate'" chart.gp && fail "panels of nothing are drawn"
[ "$(grep -c nan chart.gp)" -le 45 ] || fail "rates that are not known are in the data one by one"
draws_everywhere learning run.tidy
draws_everywhere learning run.tidy unknown.tidy
for log in run seed; do
    tidy-analyze export $log.tidy --what predictions -o $log.npy || fail "export $log"
    tidy-analyze samples $log.tidy | cut -f 1-3 >$log-samples.tsv
done
make-idx data 300 100 10 28
tidy-record train --data data --epochs 4 --lr-schedule cosine -o cosine.tidy 2>stderr || fail "recording: $(cat stderr)"
draws learning cosine.tidy
mv chart.svg cosine.svg
tidy-analyze epochs cosine.tidy --no-overlap >cosine.tsv

/usr/bin/python3 - <<'PYTHON' || fail "curves"
import numpy
import svg

COLOURS = ["#1055a2", "#bd4501", "#1ea290", "#840646", "#c68117", "#8b64f8", "#111111"]
SPLIT = 800  # pixels: the accuracies are at its left, loss and learning rate at its right


def table(log):
    return numpy.atleast_2d(numpy.genfromtxt(log + ".tsv", skip_header=1))


def passes(points, x, y, xs, values, tolerance):
    """Do the points, in pixels, say these values?"""
    assert len(points) == len(values), (len(points), len(values))
    for (px, py), at, value in zip(points, xs, values):
        assert abs(x.value(px) - at) < 0.01 * max(xs) + 0.01, (x.value(px), at)
        assert abs(y.value(py) - value) < tolerance, (y.value(py), value)


def curves(picture, colour, count, left):
    return [c for c in picture.curves(colour) if len(c) == count and (max(p[0] for p in c) < SPLIT) == left]


# One run without the truth: training and test; with it: shares of right and wrong labels, by NumPy.
for log in "unknown", "run", "seed":
    picture, epochs = svg.read(log + ".svg"), table(log)
    count = len(epochs)
    x, y = picture.x_axis(right=SPLIT), picture.y_axis(right=SPLIT)
    steps = numpy.arange(1, count + 1)
    if log == "unknown":
        expected = {0: epochs[:, 2], 6: epochs[:, 3]}
    else:
        predicted = numpy.load(log + ".npy")
        samples = numpy.genfromtxt(log + "-samples.tsv", skip_header=1, dtype=int)
        label, truth = samples[:, 1], samples[:, 2]
        wrong = label != truth
        expected = {0: (predicted[:, ~wrong] == label[~wrong]).mean(1), 1: (predicted[:, wrong] == label[wrong]).mean(1),
                    2: (predicted[:, wrong] == truth[wrong]).mean(1), 6: epochs[:, 3]}
    for colour, values in expected.items():
        if not numpy.isnan(values).any():
            passes(curves(picture, COLOURS[colour], count, True)[0], x, y, steps, 100 * values, 0.2)

# Loss and learning rate of the seed's log, whose rate is constant, each in its panel.
picture, epochs = svg.read("seed.svg"), table("seed")
right = [c for c in picture.curves(COLOURS[0]) if min(p[0] for p in c) > SPLIT]
heights = [t.y for t in picture.texts if t.text in ("mean training loss", "learning rate")]
assert len(right) == 2 and len(heights) == 2
loss, rate = sorted(right, key=lambda c: -len(c))
x = picture.x_axis(left=SPLIT)
ticks = [(t.y - t.size / 4, float(t.text)) for t in picture.texts if t.anchor == "end" and t.x > SPLIT]
panel = svg.Axis([t for t in ticks if t[0] < max(heights)])
passes(loss, x, panel, numpy.arange(1, len(epochs) + 1), epochs[:, 1], 0.02)
panel = svg.Axis([t for t in ticks if t[0] > max(heights)])
passes(rate, x, panel, [0, len(epochs)], [0.001, 0.001], 1e-5)

# Another's falls, and has two corners at the end of each epoch but the last: the old rate's and the new one's.
picture, rates = svg.read("cosine.svg"), table("cosine")[:, 4]
assert len(set(rates)) == 4
right = [c for c in picture.curves(COLOURS[0]) if min(p[0] for p in c) > SPLIT]
lower = max(t.y for t in picture.texts if t.text == "learning rate")
panel = svg.Axis([(t.y - t.size / 4, float(t.text)) for t in picture.texts
                  if t.anchor == "end" and t.x > SPLIT and t.y > lower])
passes(max(right, key=lambda c: min(p[1] for p in c)), picture.x_axis(left=SPLIT), panel, [0, 1, 1, 2, 2, 3, 3, 4],
       rates.repeat(2), 3e-4)

# One epoch is two points and no curve; a thousand are there, and few ticks.
picture = svg.read("one.svg")
y = picture.y_axis(right=SPLIT)
epochs = table("one")
for colour, column in ((0, 2), (6, 3)):
    point, = [p for p in picture.points(COLOURS[colour]) if p[0] < SPLIT]
    assert abs(y.value(point[1]) - 100 * epochs[0, column]) < 0.2, (point, epochs)
picture = svg.read("long.svg")
assert len(curves(picture, COLOURS[0], 1000, True)) == 1
assert sum(t.anchor == "middle" and t.x < SPLIT and t.text.isdigit() for t in picture.texts) <= 7

# Several runs: names at the ends; the test set's curve thick, training's thin; the best in the title.
picture = svg.read("several.svg")
last = {name: table(name)[-1, 3] for name in ("run", "unknown")}
best = max(last, key=last.get)
assert picture.has("^Best of 4 runs, with %.1f%% test accuracy after .* epochs: .*%s.tidy$" % (100 * last[best], best)), picture.texts[0]
x, y = picture.x_axis(right=SPLIT), picture.y_axis(right=SPLIT)
for number, name in enumerate(["run", "unknown"]):
    epochs = table(name)
    training, test = curves(picture, COLOURS[number], len(epochs), True)
    passes(training, x, y, numpy.arange(1, len(epochs) + 1), 100 * epochs[:, 2], 0.2)
    passes(test, x, y, numpy.arange(1, len(epochs) + 1), 100 * epochs[:, 3], 0.2)
    assert picture.text(name + ".tidy").x > max(p[0] for p in test)
picture.text("run 1 of merged.tidy")
svg.read("merged.svg").text("run 1")
svg.read("many.svg").text("8 runs")
PYTHON
finish
