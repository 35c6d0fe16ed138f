"""Estimates from planted controls in NumPy, written from docs/scores.md alone: usage: estimate_numpy.py FOLDER [by-luck].

FOLDER has arrays of a log with controls, as `tidy-analyze export` writes them (predictions, log-probs, labels, given),
scores.tsv of `samples`, and tables of `eval --estimate`: posterior.tsv, aum.tsv and list.tsv, each with its suspects in
NAME.suspects. by-luck: controls were drawn without knowing the truth. Holds the numbers without their intervals against the definition; the mixture is fitted by search over a grid
that zooms in, where the program goes by Newton's method.
"""
import sys

import numpy as np

import scores_numpy
from scores_numpy import Run

WIDTH, LOWEST, BINS, ZERO = 0.25, -32, 160, 128
folder = sys.argv[1]


def load(name):
    return np.load(f"{folder}/{name}.npy")


def fit(ordinary, controls, ratio):
    """(mistakes, clean, decay) that are the most probable."""
    x = (np.arange(len(ordinary)) + 0.5) * WIDTH
    low, high = np.array([-16, -30, -1.5]), np.array([0, 8, 1.5])
    centre, reach = (low + high) / 2, (high - low) / 2
    for _ in range(45):
        grids = [np.unique(np.clip(c + np.linspace(-r, r, 13), a, b)) for c, r, a, b in zip(centre, reach, low, high)]
        mistakes, clean, decay = (g.ravel() for g in np.meshgrid(*grids, indexing="ij"))
        h = np.exp(mistakes)[:, None] + np.exp(clean[:, None] - np.exp(decay)[:, None] * x)
        surprise = decay**2 / (2 * 0.35**2) - (ordinary * np.log(h) - (ordinary + controls) * np.log(h + ratio)).sum(1)
        best = surprise.argmin()
        centre, reach = np.array([mistakes[best], clean[best], decay[best]]), reach * 0.7
    return np.exp(centre)


# ---- the posterior: fitted to samples that are no controls, asked of all for the label trained on ------------------------

labels, given = load("labels").astype(int), load("given").astype(int)
control = labels != given
log_probs, predictions = load("log-probs").astype(float), load("predictions").astype(int)
run = Run(log_probs, labels, log_probabilities=log_probs)
run.predicted, run.right = predictions, predictions == labels
posterior, transition, pairs = scores_numpy.judge_labels(run, control)
at, classes = np.arange(len(labels)), run.classes
of_label = posterior[at, labels]
others = posterior.copy()
others[at, labels] = 0
log_odds = np.log(others.sum(1)) - np.log(of_label)
suggested = others.argmax(1)
bins = np.clip(np.floor((log_odds - LOWEST) / WIDTH), 0, BINS - 1).astype(int)
true_counts = posterior[~control].sum(0)

# ---- groups ------------------------------------------------------------------------------------------------------------

off = ~np.eye(classes, dtype=bool)
rate_of_others = transition[off & ~pairs].min() if (off & ~pairs).any() else 0
apart = pairs & (transition > 1.5 * rate_of_others) & (true_counts[:, None] * transition > 20)
group = np.repeat(np.arange(classes)[:, None], classes, 1)
group[apart] = classes + np.arange(apart.sum())
rows = np.arange(classes + apart.sum()) < classes
prior = true_counts[:, None] * np.maximum(transition, 1e-7) * off
prior /= prior.sum()


def by_group(values):
    return np.bincount(group[off], values[off], len(rows))


# ---- the fit -----------------------------------------------------------------------------------------------------------

ordinary = np.flatnonzero(~control)
planted = np.flatnonzero(control)
count, true_class, planted_label = len(ordinary), given[planted], labels[planted]
in_bins = np.bincount(bins[ordinary], minlength=BINS)
wrong = (np.arange(BINS) >= ZERO) * 1.0
for _ in range(3):
    found = np.zeros((classes, classes))
    past = ordinary[bins[ordinary] >= ZERO]
    np.add.at(found, (suggested[past], labels[past]), wrong[bins[past]])
    number, number_past = np.zeros((2, classes, classes))
    np.add.at(number, (true_class, planted_label), 1)
    np.add.at(number_past, (true_class, planted_label), bins[planted] >= ZERO)
    of_group, past_of_group = by_group(number), by_group(number_past)
    share = np.zeros(len(rows))
    for part in (rows, ~rows):
        pooled = (past_of_group[part].sum() + 0.5) / (of_group[part].sum() + 1)
        share[part] = (past_of_group[part] + 2 * pooled) / (of_group[part] + 2)
    mistakes = (by_group(found) + by_group(prior)) / share
    present = by_group(prior * (number > 0))
    pair = (true_class, planted_label)
    weights = mistakes[group[pair]] * prior[pair] / present[group[pair]] / number[pair]
    weights /= weights.sum()
    effective = 1 / (weights**2).sum()
    control_bins = np.bincount(bins[planted], weights, BINS)
    from_the_top = np.cumsum(control_bins[::-1])
    start = min(BINS - 1 - int(np.argmax(from_the_top >= 0.9)), ZERO)
    a, b, c = fit(in_bins[start:], control_bins[start:] * effective, effective / count)
    x = (np.arange(BINS) - start + 0.5) * WIDTH
    wrong = np.where(np.arange(BINS) < start, 0, a / (a + b * np.exp(-c * x)))

before = min(control_bins[:start].sum(), 0.95)
all_wrong = (in_bins * wrong).sum() / (1 - before)
chance = 1  # of a control, to be wrong
if sys.argv[2:] == ["by-luck"]:
    rate = all_wrong / count / (1 + all_wrong / count / (classes - 1))
    chance = 1 - rate / (classes - 1)
    all_wrong, before = rate * count, max((before - (1 - chance)) / chance, 0)


def expected_of(flagged, keys, list_only):
    """Precision and recall."""
    found = wrong[bins[flagged]].sum()
    early = bins[flagged] < start
    if list_only:
        late = all_wrong * before * early.sum() / max(in_bins[:start].sum(), 1)
    else:
        late = all_wrong * weights[(keys[planted] >= keys[flagged].min()) & (bins[planted] < start)].sum() / chance
        late = min(late, all_wrong * before)
    return (found + late) / len(flagged), (found + late) / all_wrong


# ---- against the program -----------------------------------------------------------------------------------------------

failures = 0
aum = -run.margin.mean(0)
for name, keys in (("posterior", log_odds), ("aum", aum), ("list", None)):
    header, line = (row.rstrip("\n").split("\t") for row in open(f"{folder}/{name}.tsv"))
    got = dict(zip(header, line))
    flagged = np.array([int(row.split("\t")[0]) for row in open(f"{folder}/{name}.suspects") if row[0] != "#"])
    precision, recall = expected_of(flagged, keys, keys is None)
    for column, expected in (("precision", precision), ("recall", recall), ("noise_rate", all_wrong / count)):
        if not abs(float(got[column]) - expected) < 1e-3:
            failures += 1
            print(f"FAILED: {column} of {name}: {got[column]}, not {expected:.6f}")
sys.exit(failures > 0)
