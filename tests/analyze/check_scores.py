"""Holds tidy-analyze against scores_numpy.py on random logs, and against the peers' own outputs.

    check_scores.py random FOLDER            logs of many kinds, at every detail, in windows, of two runs
    check_scores.py second-split FOLDER PREDICTIONS LOG   a log with two halves, as tests/common/read_log.py reads it
    check_scores.py peers FOLDER VECTORS     the recorded logits in VECTORS, and what the peers made of them

Logs are made by `tidy-record import` in FOLDER. Prints a line for each thing that differs; exits 1 where there is one.
"""
import json
import subprocess
import sys

import numpy as np

import scores_numpy as numpy_scores
from scores_numpy import Run

LOW = {
    "correctness", "unforgettable", "confidence", "variability", "threshold-closeness", "aum", "data-iq-aleatoric",
    "self-confidence", "normalized-margin", "confidence-weighted-entropy",
}
CLASS_SCORES = [
    "correctness", "forgetting-events", "never-learned", "unforgettable", "first-learned", "presentations-to-learn",
    "mean-correct-epoch", "mean-correct-epoch-or-never", "majority-disagreement",
]
MARGIN_SCORES = [
    "confidence", "variability", "threshold-closeness", "mean-loss", "loss-at", "loss-ema", "aum", "data-iq-aleatoric",
]
PROBS_SCORES = ["el2n", "self-confidence", "normalized-margin", "confidence-weighted-entropy"]
REAL_SCORES = CLASS_SCORES + MARGIN_SCORES + PROBS_SCORES
KEY_RULES = ["mean+2std", "mean+-0.5std", "top:0.13", "count:2", "gmm", "bmm", "otsu"]
failures = 0
checks = 0


def check(good, what):
    global failures, checks
    checks += 1
    if not good:
        failures += 1
        print("FAILED:", what)


# ---- the programs ---------------------------------------------------------------------------------------------------


def run_program(*arguments):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"FAILED: {' '.join(map(str, arguments))}: {done.stderr}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def import_log(name, logits, labels, detail):
    np.save("logits.npy", logits)
    np.save("labels.npy", np.asarray(labels, np.int64))
    run_program("tidy-record", "import", "--logits", "logits.npy", "--labels", "labels.npy", "--detail", detail,
                "--force", "-o", name)
    return name


def samples(log, *options):
    """A column of numbers for each score."""
    header, *rows = run_program("tidy-analyze", "samples", log, *options)
    table = np.array([[float(cell) for cell in row] for row in rows])
    return {name.lstrip("#"): table[:, i] for i, name in enumerate(header)}


def codes_of(log):
    """Scale and density of a log with --detail margin."""
    return [[int(number) for number in row[1].split()] for row in run_program("tidy-analyze", "info", log) if row[0] == "codes"][0]


def flagged(log, score, rule, *options):
    rows = run_program("tidy-analyze", "flag", log, "--score", score, "--threshold", rule, *options)[1:]
    return [int(row[0]) for row in rows]


# ---- comparing ------------------------------------------------------------------------------------------------------


def as_expected(run):
    expected = {name: getattr(numpy_scores, name.replace("-", "_"))(run) for name in REAL_SCORES}
    expected["label-posterior"] = numpy_scores.label_posterior(run)
    expected["ctrl"] = without(run.loss.T, numpy_scores.ctrl(run))
    expected["confident-learning"] = without(run.mean_q, numpy_scores.confident_learning(run))
    return expected


def without(rows, flags):
    """0 and 1, and nan where a row is not all numbers."""
    return np.where(np.isnan(rows).any(axis=1), np.nan, flags)


def same(got, expected, allowed):
    with np.errstate(invalid="ignore"):
        return (got == expected) | (np.isnan(got) & np.isnan(expected)) | (abs(got - expected) <= allowed)


def check_columns(what, table, expected, relative=1e-5, absolute=2e-7):
    for name, values in expected.items():
        values = np.asarray(values, float)
        whole = name in CLASS_SCORES and name not in ("mean-correct-epoch", "mean-correct-epoch-or-never",
                                                      "majority-disagreement")
        if whole or name in ("ctrl", "confident-learning"):
            good = same(table[name], values, 0)
        elif name == "label-posterior":
            good = same(table[name], values, 1e-4)
        else:
            good = same(table[name], values, np.maximum(relative * abs(values), absolute))
        bad = np.flatnonzero(~good)
        detail = f"sample {bad[0]}: {table[name][bad[0]]!r}, not {values[bad[0]]!r}" if len(bad) else ""
        check(len(bad) == 0, f"{what}: {name}: {len(bad)} differ; {detail}")


def keys_of(name, table, run):
    """What the program ranks by, from what it printed: the scores themselves are compared elsewhere."""
    keys = -table[name] if name in LOW else table[name].copy()
    never = ~run.right.any(axis=0)
    if name == "forgetting-events":
        keys[never] = run.epochs
    if name == "mean-correct-epoch-or-never":
        keys[never] = np.inf
    return keys


def flags_of(rule, keys):
    if rule.startswith("mean+"):
        return numpy_scores.past_deviation(keys, float(rule[5:-3]))
    if rule.startswith("top:"):
        return numpy_scores.first_of_ranking(keys, int(np.floor(float(rule[4:]) * len(keys) + 0.5)))
    if rule.startswith("count:"):
        return numpy_scores.first_of_ranking(keys, int(rule[6:]))
    return getattr(numpy_scores, rule)(keys)


def sets_of(run):
    both = numpy_scores.prune_by_class(run) & numpy_scores.prune_by_noise_rate(run)
    spared = numpy_scores.nearly_largest(run)
    return {
        "confident-learning": numpy_scores.confident_learning(run),
        "prune-by-class": numpy_scores.prune_by_class(run) & ~spared,
        "prune-by-noise-rate": numpy_scores.prune_by_noise_rate(run) & ~spared,
        "both": both & ~spared,
        "predicted-neq-given": numpy_scores.predicted_neq_given(run),
        "low-self-confidence": numpy_scores.low_quality(run, numpy_scores.self_confidence),
        "low-normalized-margin": numpy_scores.low_quality(run, numpy_scores.normalized_margin),
        "ctrl": numpy_scores.ctrl(run),
    }


def check_list(what, log, score, rule, flags, keys, *options):
    order = numpy_scores.ranking(keys)
    check(flagged(log, score, rule, *options) == list(order[flags[order]]), f"{what}: {score}, {rule}")


def check_sets(what, log, run, table, *options):
    keys = -table["self-confidence"]
    for rule, flags in sets_of(run).items():
        check_list(what, log, "self-confidence", rule, flags, keys, *options)


def check_posterior_suggestions(what, log, runs):
    """The most probable class but the given one; of several runs the surest suggestion."""
    posterior = np.array([numpy_scores.posterior_of_classes(run) for run in runs]).max(axis=0)
    posterior[np.arange(runs[0].samples), runs[0].labels] = -1
    rows = run_program("tidy-analyze", "flag", log, "--score", "label-posterior", "--threshold", "top:1")[1:]
    wrong = [row for row in rows if float(row[4]) > 0 and not (
        abs(float(row[4]) - posterior[int(row[0])].max()) < 1e-4 and
        posterior[int(row[0]), int(row[3])] > posterior[int(row[0])].max() - 1e-4)]
    check(len(rows) == runs[0].samples and not wrong, f"{what}: suggested by label-posterior: {wrong[:3]}")


# ---- what a log may lose at lower detail ------------------------------------------------------------------------------


def check_margin_detail(what, table, run, codes):
    """docs/log-format.md states the error of a margin, a loss and a probability. Each score moves by no more than the mean
    of what it is the mean of."""
    scale, density = codes
    growth = np.sqrt(1 + (run.margin / 2) ** 2)
    margin = 2 * (np.exp(0.5 / scale) - 1) * growth
    widest = (np.log(max(run.classes - 1, 1)) + 2 * (np.exp(1 / scale) - 1) * growth) / 512
    loss, confidence = np.maximum(widest, 0.5 / density), np.maximum(widest / 4, 0.127 / density)
    last, ema = loss[-1], loss[0]
    for error in loss[1:]:
        ema = 0.1 * ema + 0.9 * error
    bounds = {
        "aum": margin.mean(axis=0), "mean-loss": loss.mean(axis=0), "loss-at": last, "loss-ema": ema,
        "confidence": confidence.mean(axis=0), "threshold-closeness": confidence.mean(axis=0),
        "data-iq-aleatoric": confidence.mean(axis=0), "variability": np.sqrt((confidence**2).mean(axis=0)),
    }
    for name, bound in bounds.items():
        expected = getattr(numpy_scores, name.replace("-", "_"))(run)
        good = same(table[name], expected, bound + 1e-5 * abs(expected) + 1e-6)
        check(good.all(), f"{what}: {name} is further off than stated: samples {np.flatnonzero(~good)[:3]}")


# ---- random logs ------------------------------------------------------------------------------------------------------


def learnable(random, epochs, samples, classes, scale=1.0, noise=0.25):
    """Logits of a network that learns the true class, and some of the wrong labels by heart."""
    true = random.integers(classes, size=samples)
    labels = np.where(random.random(samples) < noise, random.integers(classes, size=samples), true)
    logits = random.normal(0, 1, (epochs, samples, classes))
    progress = np.arange(1, epochs + 1)[:, None] / epochs
    at = np.arange(samples)
    logits[:, at, true] += 3 * progress * random.random(samples)
    logits[:, at, labels] += 3 * progress**2 * random.random(samples)
    return (scale * logits).astype(np.float32), labels


def paired(random, epochs, samples, classes):
    """A quarter of the labels are those of the class after the true one."""
    logits, true = learnable(random, epochs, samples, classes, noise=0)
    labels = np.where(random.random(samples) < 0.25, (true + 1) % classes, true)
    logits[-2:, np.arange(samples), labels] += 1
    return logits, labels


def with_ties(random):
    """Whole logits, so that the largest is often several; every sample is there twice."""
    logits = random.integers(0, 3, (6, 40, 4)).astype(np.float32)
    labels = random.integers(4, size=40)
    return np.concatenate([logits, logits], axis=1), np.concatenate([labels, labels])


def never_learned(random):
    logits, labels = learnable(random, 5, 60, 4)
    logits[:, np.arange(0, 60, 2), labels[::2]] = -20
    logits[:, 1, labels[1]] = 20
    return logits, labels


def absent_class(random):
    logits, labels = learnable(random, 6, 70, 5, noise=0.5)
    labels[labels == 4] = 1
    labels[labels == 3] = 2
    labels[0] = 3
    return logits, labels


def not_numbers(random):
    logits, labels = learnable(random, 5, 60, 4)
    logits[2, 3, 1] = logits[0, 7, labels[7]] = np.nan
    logits[1, 9, 2] = np.inf
    logits[3, 11, (labels[11] + 1) % 4] = logits[4, 13, labels[13]] = -np.inf
    return logits, labels


KINDS = {
    "plain": lambda random: learnable(random, 8, 150, 5),
    "long": lambda random: learnable(random, 25, 60, 3),
    "ties": with_ties,
    "never-learned": never_learned,
    "one-class": lambda random: learnable(random, 4, 12, 1),
    "two-classes": lambda random: learnable(random, 7, 80, 2),
    "one-epoch": lambda random: learnable(random, 1, 90, 4),
    "absent-class": absent_class,
    "not-numbers": not_numbers,
    "few-samples": lambda random: learnable(random, 3, 4, 3),
    "one-sample": lambda random: learnable(random, 3, 1, 3),
    "many-classes": lambda random: learnable(random, 4, 90, 300, scale=2),
    "pairs": lambda random: paired(random, 6, 400, 6),
    "far-out": lambda random: learnable(random, 6, 80, 4, scale=25),
}


def check_kind(kind, seed):
    what = f"{kind}, seed {seed}"
    random = np.random.default_rng([seed, list(KINDS).index(kind)])
    logits, labels = KINDS[kind](random)
    classes = logits.shape[2]
    run = Run(logits, labels)
    log = import_log("full.tidy", logits, labels, "full")
    table = samples(log, "--score", "all")
    expected = as_expected(run)
    undecided = ["label-posterior"] if kind == "ties" else []  # of equal sums rounding decides which are anchors
    if classes == 1:
        undecided.append("confidence-weighted-entropy")  # the page divides by log 1
    expected = {name: column for name, column in expected.items() if name not in undecided}
    check(set(table) - {"sample", "label", "truth"} >= set(expected), f"{what}: scores are missing")
    check_columns(what, table, expected)
    check_sets(what, log, run, table)
    if kind in ("plain", "pairs", "two-classes"):
        check_posterior_suggestions(what, log, [run])
    for i, rule in enumerate(KEY_RULES):  # each with another score from kind to kind, so that all come together
        name = REAL_SCORES[(3 * i + list(KINDS).index(kind) + seed) % len(REAL_SCORES)]
        if name in expected and (rule != "count:2" or len(labels) > 1):
            keys = keys_of(name, table, run)
            check_list(what, log, name, rule, flags_of(rule, keys), keys)

    check_columns(f"{what}, class detail", samples(import_log("class.tidy", logits, labels, "class"), "--score", "all"),
                  {name: expected[name] for name in CLASS_SCORES})
    if classes > 1 and kind != "not-numbers":
        log = import_log("margin.tidy", logits, labels, "margin")
        check_margin_detail(f"{what}, margin detail", samples(log, "--score", "all"), run, codes_of(log))
    rounded = np.float16(np.float32(numpy_scores.log_softmax(np.float64(logits)))).astype(float)
    half = Run(logits, labels, log_probabilities=rounded)
    log = import_log("probs.tidy", logits, labels, "probs")
    table = samples(log, "--score", "all")
    check_columns(f"{what}, probs detail", table,
                  {name: column for name, column in as_expected(half).items() if name not in undecided})
    check_sets(f"{what}, probs detail", log, half, table)


def check_windows(seed):
    logits, labels = learnable(np.random.default_rng(seed), 9, 70, 4)
    log = import_log("windows.tidy", logits, labels, "full")
    for options, first, end in ((["--epochs", "2..5"], 2, 6), (["--epochs", "8..8"], 8, 9), (["--first", "3"], 0, 3),
                                (["--last", "4"], 5, 9)):
        run = Run(logits[first:end], labels, first)
        table = samples(log, "--score", "all", *options)
        check_columns(f"window {' '.join(options)}", table, as_expected(run))
        check_sets(f"window {' '.join(options)}", log, run, table, *options)


def check_runs(seed):
    random = np.random.default_rng(seed)
    logits, labels = learnable(random, 6, 80, 4)
    second = (logits + random.normal(0, 1, logits.shape)).astype(np.float32)
    runs = [Run(logits, labels), Run(second, labels)]
    logs = [import_log(f"run{i}.tidy", z, labels, "full") for i, z in enumerate((logits, second))]
    run_program("tidy-analyze", "merge", *logs, "--force", "-o", "runs.tidy")
    columns = [as_expected(run) for run in runs]
    check_posterior_suggestions("two runs", "runs.tidy", runs)
    check_columns("mean over runs", samples("runs.tidy", "--score", "all"),
                  {name: mean_of([c[name] for c in columns]) for name in columns[0]})
    worst = {name: worst_of(name, [c[name] for c in columns], runs) for name in columns[0]}
    check_columns("worst of runs", samples("runs.tidy", "--score", "all", "--over-runs", "worst"), worst)
    toneva = sum(keys_of("forgetting-events", c, run) for c, run in zip(columns, runs))
    table = samples("runs.tidy", "--score", "forgetting-events", "--over-runs", "toneva")
    check_columns("Toneva's sum", table, {"forgetting-events": toneva})

    table = samples("runs.tidy", "--score", "self-confidence")
    together = Run(np.concatenate([logits, second]), labels)
    sets = sets_of(together)
    sets["ctrl"] = numpy_scores.ctrl(runs[0]) & numpy_scores.ctrl(runs[1])
    for rule, flags in sets.items():
        check_list("two runs", "runs.tidy", "self-confidence", rule, flags, -table["self-confidence"])


def mean_of(columns):
    with np.errstate(invalid="ignore"):
        return np.nansum(columns, axis=0) / (~np.isnan(columns)).sum(axis=0)


def worst_of(name, columns, runs):
    """The value of the run in which the sample ranks first; the first of several."""
    keys = np.array([keys_of(name, {name: np.asarray(c, float)}, run) for c, run in zip(columns, runs)])
    best = np.where(np.isnan(keys), -np.inf, keys).argmax(axis=0)
    return np.where(np.isnan(keys).all(axis=0), np.nan, np.choose(best, columns))


def check_random():
    for kind in KINDS:
        check_kind(kind, 1)
    for seed in (2, 3):
        check_kind("plain", seed)
        check_kind("ties", seed)
    check_windows(4)
    check_runs(5)


# ---- a log with two halves --------------------------------------------------------------------------------------------


def check_second_split(predictions, log):
    """What was evaluated feeds second-split-forgetting alone; each half's other scores are those of its own epochs."""
    trained, evaluated, labels, epoch = {}, {}, {}, -1
    with open(predictions) as file:
        for line in file:
            kind, *words = line.split()
            epoch += kind == "epoch"
            if kind == "step":
                sample, label, predicted, apart = map(int, words[1:5])
                labels[sample] = label
                (evaluated if apart else trained).setdefault(sample, []).append(
                    (epoch, predicted == label, [float(word) for word in words[8:]]))
    epochs = epoch + 1
    table = samples(log, "--score", "all")
    check(len(labels) == len(table["sample"]) and 0 < len(evaluated) < len(labels), "second split: the samples")

    right = np.array([[seen[1] for seen in evaluated[sample]] for sample in sorted(evaluated)]).T
    forgetting = np.full(len(labels), np.nan)
    forgetting[sorted(evaluated)] = numpy_scores.second_split_forgetting(right)
    check_columns("second split", table, {"second-split-forgetting": forgetting})
    check(len(set(forgetting[sorted(evaluated)])) > 2, "second split: the test has few kinds of samples")

    halves = sorted(evaluated), sorted(set(labels) - set(evaluated))
    for half in halves:
        first = trained[half[0]][0][0]
        run = Run([[trained[sample][t][2] for sample in half] for t in range(len(trained[half[0]]))],
                  [labels[sample] for sample in half], first)
        expected = {name: getattr(numpy_scores, name.replace("-", "_"))(run) for name in REAL_SCORES}
        expected["mean-correct-epoch-or-never"] = np.where(
            run.right.any(axis=0), expected["mean-correct-epoch-or-never"], epochs)
        if first + run.epochs < epochs:
            expected["loss-at"] = np.full(len(half), np.nan)  # not trained on in the log's last epoch
        wrong = (~run.right).any(axis=0)
        expected["presentations-to-learn"] = np.where(wrong, first + expected["presentations-to-learn"], 0)
        check_columns(f"second split, half of epoch {first}", {name: column[half] for name, column in table.items()},
                      expected)


# ---- the peers' own outputs -------------------------------------------------------------------------------------------


def read_table(path):
    return np.genfromtxt(path, names=True, delimiter="\t")


def check_peers(vectors):
    logits, labels = np.load(f"{vectors}/logits.npy"), np.load(f"{vectors}/labels.npy")
    log = import_log("peers.tidy", logits, labels, "full")
    table = samples(log, "--score", "all")
    expected, cleanlab = read_table(f"{vectors}/expected.tsv"), read_table(f"{vectors}/cleanlab_scores.tsv")
    names = ["forgetting-events", "first-learned", "presentations-to-learn", "correctness", "mean-correct-epoch",
             "confidence", "variability", "threshold-closeness", "aum", "el2n", "mean-loss"]
    check_columns("peers", table, {name: expected[name.replace("-", "_")] for name in names})
    check_columns("cleanlab", table, {name.replace("_", "-"): cleanlab[name] for name in cleanlab.dtype.names[1:]})
    check(np.array_equal(np.where(table["never-learned"] == 1, -1, table["forgetting-events"]),
                         expected["interpretdl_count"]), "peers: InterpretDL's -1 where never learned")

    with open(f"{vectors}/expected.json") as file:
        sets = json.load(file)
    check(table["never-learned"].sum() == sets["never_learned"], "peers: never learned")
    check(table["unforgettable"].sum() == sets["unforgettable"], "peers: unforgettable")
    check(flagged(log, "mean-correct-epoch", "mean+5std") == sets["interpretdl_noisy_in_order"], "peers: InterpretDL's list")
    for name, members in sets.items():
        if name.startswith("cleanlab_") and isinstance(members[0], int):
            rule = name[len("cleanlab_") :].replace("_", "-")
            check(flagged(log, "self-confidence", rule) == members, f"peers: cleanlab's {rule}, in its order")


if __name__ == "__main__":
    if sys.argv[1] == "random":
        check_random()
    elif sys.argv[1] == "second-split":
        check_second_split(sys.argv[3], sys.argv[4])
    else:
        check_peers(sys.argv[3])
    print(f"{checks} checks, {failures} failed")
    sys.exit(failures > 0)
