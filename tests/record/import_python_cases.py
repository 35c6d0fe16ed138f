"""What import_python.sh asks of bindings/python: import_python_cases.py CASE. Run with python3-numpy."""
import json
import os
import pickle
import runpy
import subprocess
import sys

import numpy as np

import tidylog

SOURCE = os.environ["TIDY_SOURCE"]
random = np.random.default_rng(3)
EPOCHS, SAMPLES, CLASSES = 3, 300, 4
LOGITS = np.round(random.normal(0, 2, (EPOCHS, SAMPLES, CLASSES)) * 8).astype("f4") / 8
LABELS = random.integers(0, CLASSES, SAMPLES)
LOGITS[0, LABELS == 0, 0] += 6
LOGITS[:, 7] = [[0, 0, 0, 0], [0, 1, 2, 3], [1, 0, 0, 0]]
LABELS[7] = 3
LOGITS[:, 8] = [[9, 0, 0, 0]] * 3  # never right
LABELS[8] = 2


def scores(log):
    names = "correctness,forgetting-events,first-learned,confidence,variability,mean-loss,aum"
    detail = subprocess.run(["tidy-analyze", "info", log], stdout=subprocess.PIPE, check=True).stdout
    if b"detail\tclass" in detail:
        names = "correctness,forgetting-events,first-learned"
    out = subprocess.run(["tidy-analyze", "samples", log, "--score", names], stdout=subprocess.PIPE, check=True).stdout
    return np.genfromtxt(out.decode().replace("#", "").splitlines(), names=True, delimiter="\t")


def code_errors(log, margin):
    """How far off a margin of at most this size, its loss and its probability may be: docs/log-format.md."""
    detail = subprocess.run(["tidy-analyze", "info", log], stdout=subprocess.PIPE, check=True).stdout.decode()
    codes = next(line for line in detail.splitlines() if line.startswith("codes\t"))
    scale, density = (int(number) for number in codes.split("\t")[1].split())
    growth = np.sqrt(1 + (margin / 2) ** 2)
    widest = (np.log(CLASSES - 1) + 2 * (np.exp(1 / scale) - 1) * growth) / 512
    return 2 * (np.exp(0.5 / scale) - 1) * growth, np.maximum(widest, 0.5 / density), np.maximum(widest / 4, 0.127 / density)


def save():
    """The same predictions as arrays, for tidy-record import."""
    np.save("logits", LOGITS)
    np.save("labels", LABELS)


def write(path, convert_indices, convert_labels, convert_outputs, **more):
    order = np.arange(SAMPLES)
    with tidylog.Writer(path, SAMPLES, CLASSES, **more) as log:
        for epoch in range(EPOCHS):
            for rows in np.array_split(order, 3):
                log.step(epoch, convert_indices(rows), convert_labels(LABELS[rows]), convert_outputs(LOGITS[epoch][rows]))


def frameworks():
    kinds = {
        "lists": (list, lambda a: a.tolist(), lambda a: a.tolist()),
        "i4-f8": (lambda a: a.astype("i4"), lambda a: a.astype("u1"), lambda a: a.astype("f8")),
        "half": (lambda a: a.astype("u8"), lambda a: a.astype("i2"), lambda a: a.astype("f2")),
        "fortran": (np.asarray, np.asarray, np.asfortranarray),
        "strided": (np.asarray, np.asarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2]),
    }
    try:
        import torch

        kinds["torch"] = (torch.tensor, torch.tensor, lambda a: torch.tensor(a, requires_grad=True))
        kinds["torch-bfloat16"] = (torch.tensor, torch.tensor, lambda a: torch.tensor(a).bfloat16())
    except ImportError:
        print("torch is not installed: its arrays are skipped", file=sys.stderr)
    expected = scores("arrays.tidy")
    for name, convert in kinds.items():
        write(name + ".tidy", *convert, detail="full")
        got = scores(name + ".tidy")
        exact = name != "torch-bfloat16"  # 8 bits of mantissa; numbers below 16 in eighths have up to 7, the others more
        for column in expected.dtype.names:
            worst = np.nanmax(np.abs(got[column] - expected[column]))
            if worst > (1e-6 if exact else 0.5):
                sys.exit(f"{name}: {column} is off by {worst}")


def refuse():
    """A trainer that makes a mistake hears of it."""
    with open("stream", "wb") as out:
        log = tidylog.Writer(out, 10, 3)
        for arguments in [
            ([0, 1], [0], [[1.0, 0, 0]] * 2),
            ([0, 1], [0, 1], [[1.0, 0]] * 2),
            ([0, 1, 2], [0, 1, 2], np.zeros((3, 3), ">f4")),
            ([0, 1], [0, 1], np.zeros((3, 2), "f4")),
        ]:
            try:
                log.step(0, *arguments)
            except ValueError:
                continue
            sys.exit("no ValueError: %r" % (arguments,))
    try:
        with tidylog.Writer("wrong.tidy", 10, 3) as log:
            for i in range(100000):
                log.step(0, [i % 10], [i % 3], [[1.0, 0, 0]])
    except RuntimeError:
        pass
    else:
        sys.exit("the importer's failure was not noticed")
    try:
        with tidylog.Writer("stopped.tidy", SAMPLES, CLASSES) as log:
            for epoch in range(2):
                log.step(epoch, range(SAMPLES), LABELS, LOGITS[epoch])
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass


def peers():
    """Files as the peers write them, made here after their sources' own words (no peer is installed)."""
    predicted = LOGITS.argmax(-1)
    stats = {}
    for epoch in range(EPOCHS):
        for i in range(SAMPLES):
            history = stats.setdefault(i, [[], []])
            history[0].append((predicted[epoch] == LABELS).astype(int)[i])
            history[1].append(predicted[epoch][i])
    for protocol in (2, pickle.HIGHEST_PROTOCOL):
        with open("stats%d.pkl" % protocol, "wb") as file:
            pickle.dump(stats, file, protocol)
    with open("evil.pkl", "wb") as file:
        pickle.dump({0: os.system}, file)
    os.makedirs("training_dynamics", exist_ok=True)
    for epoch in range(EPOCHS):
        with open("training_dynamics/dynamics_epoch_%d.jsonl" % epoch, "w") as file:
            for i in random.permutation(SAMPLES):
                row = {"guid": int(i), "logits_epoch_%d" % epoch: LOGITS[epoch, i].tolist(), "gold": int(LABELS[i])}
                file.write(json.dumps(row, separators=(",", ":")) + "\n")
    with open("full_aum_records.csv", "w") as file:
        file.write("sample_id,num_measurements,target_logit,target_val,other_logit,other_val,margin,aum\n")
        for i in range(SAMPLES):
            total = 0
            for epoch in range(EPOCHS):
                row = LOGITS[epoch, i].astype("f8")
                others = np.where(np.arange(CLASSES) == LABELS[i], -np.inf, row)
                margin = row[LABELS[i]] - others.max()
                total += margin
                file.write("%d,%d,%r,%d,%r,%d,%r,%r\n" % (i, epoch + 1, float(row[LABELS[i]]), LABELS[i], float(others.max()),
                                                        others.argmax(), float(margin), float(total / (epoch + 1))))


def check_peers():
    expected = scores("arrays.tidy")
    for log, columns in {
        "interpretdl.tidy": ("correctness", "forgettingevents", "firstlearned"),
        "cartography.tidy": expected.dtype.names,
        "aum.tidy": ("correctness", "forgettingevents", "firstlearned"),
    }.items():
        got = scores(log)
        for column in columns:
            if not np.allclose(got[column], expected[column], rtol=0, atol=1e-6, equal_nan=True):
                sys.exit(f"{log}: {column} differs from that of the arrays")
    got = scores("aum.tidy")
    margin, loss, confidence = code_errors("aum.tidy", 16)  # margins are below 16 here
    if np.abs(got["aum"] - expected["aum"]).max() > margin:
        sys.exit("aum.tidy: AUM is off")
    if not (got["meanloss"] < expected["meanloss"] + loss).all() or not (got["confidence"] > expected["confidence"] - confidence).all():
        sys.exit("aum.tidy: loss is no lower bound")


def example():
    """Runs the example, and compares the log with what it computed."""
    kept = []

    class Recorded(tidylog.Writer):
        def step(self, epoch, indices, labels, logits):
            kept.append((epoch, indices.numpy().copy(), labels.numpy().copy(), logits.detach().numpy().astype("f8")))
            super().step(epoch, indices, labels, logits)

    tidylog.Writer = Recorded
    sys.argv = ["pytorch_train.py", "data", "example.tidy"]
    runpy.run_path(os.path.join(SOURCE, "examples", "pytorch_train.py"))
    samples = 1 + max(indices.max() for _, indices, _, _ in kept)
    right, margin = np.zeros(samples), np.zeros(samples)
    for _, indices, labels, z in kept:
        rows = np.arange(len(indices))
        others = z.copy()
        others[rows, labels] = -np.inf
        right[indices] += z.argmax(-1) == labels
        margin[indices] += (z[rows, labels] - others.max(-1)) / 5
    got = scores("example.tidy")
    if (got["correctness"] != right).any():
        sys.exit("correctness is not what was trained")
    if (np.abs(got["aum"] - margin) > code_errors("example.tidy", np.abs(margin) + 10)[0]).any():
        sys.exit("AUM is not what was trained")
    if len(set(got["correctness"])) < 2:
        sys.exit("nothing was learned")


globals()[sys.argv[1]]()
