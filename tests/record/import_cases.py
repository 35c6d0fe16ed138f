"""Arrays for import_arrays.sh, and what is to come out of them, by NumPy.

make: writes the arrays into the current folder. check TABLE: compares a table of 'tidy-analyze samples' with the scores of
logits.npy, computed here in double precision.
"""
import sys

import numpy as np

EPOCHS, SAMPLES, CLASSES = 3, 2000, 4


def make():
    random = np.random.default_rng(7)
    # Of half precision, so that every type holds the same numbers; rounded, so that there are ties.
    logits = np.round(random.normal(0, 3, (EPOCHS, SAMPLES, CLASSES)) * 4) / 4
    truth = random.integers(0, CLASSES, SAMPLES)
    labels = np.where(random.random(SAMPLES) < 0.1, (truth + 1) % CLASSES, truth)
    logits[:, np.arange(SAMPLES), truth] += 2
    logits[1, 3] = 0
    shifted = logits - logits.max(-1, keepdims=True)
    probs = np.exp(shifted) / np.exp(shifted).sum(-1, keepdims=True)
    np.save("labels", labels)
    np.save("truth", truth.astype("u1"))
    np.save("logits", logits.astype("<f4"))
    np.save("f2", logits.astype("<f2"))
    np.save("f8", logits.astype("<f8"))
    np.save("fortran", np.asfortranarray(logits.astype("<f4")))
    np.save("whole", (logits * 4).astype("<i2"))
    np.save("times4", (logits * 4).astype("<f4"))
    np.save("probs", probs)
    np.save("predictions", logits.argmax(-1).astype("<u2"))
    for epoch in range(EPOCHS):
        np.save(f"epoch{epoch}", logits[epoch].astype("<f4"))
        np.save(f"fortran{epoch}", np.asfortranarray(logits[epoch].astype("<f4")))
        np.save(f"predictions{epoch}", logits[epoch].argmax(-1))
    np.save("short", logits[0, :-1].astype("<f4"))
    np.save("double", logits[0].astype("<f8"))
    np.save("big-endian", logits.astype(">f4"))
    np.save("four", logits.reshape(EPOCHS, SAMPLES, 2, 2))
    np.save("empty", logits[:0].astype("<f4"))
    np.save("labels-wrong", np.where(np.arange(SAMPLES) == 7, CLASSES, labels))
    np.save("labels-short", labels[:-1])
    np.save("labels-out", np.where(np.arange(SAMPLES) == 7, -1, labels))
    wrong = probs.copy()
    wrong[2, 9] *= 0.5
    np.save("probs-sum", wrong)
    wrong = probs.copy()
    wrong[0, 5, :2] += (1.5, -1.5)
    np.save("probs-negative", wrong)
    hard = np.zeros((1, 4, 2), "<f4")
    hard[0] = [[1, 0], [0, 1], [1, 0], [np.nan, 1]]
    np.save("probs-hard", hard)
    np.save("nan", np.array([[[1, 0], [np.nan, 2], [np.inf, 0], [0, 1]]], "<f4"))
    np.save("labels-4", np.array([0, 0, 1, 0]))


def check(table):
    logits, labels = np.load("logits.npy").astype("f8"), np.load("labels.npy")
    rows = np.arange(SAMPLES)
    q = np.exp(logits - logits.max(-1, keepdims=True))
    q /= q.sum(-1, keepdims=True)
    given = q[:, rows, labels]
    others = logits.copy()
    others[:, rows, labels] = -np.inf
    onehot = np.eye(CLASSES)[labels]
    expected = {
        "correctness": (logits.argmax(-1) == labels).sum(0),
        "confidence": given.mean(0),
        "variability": given.std(0),
        "mean-loss": -np.log(given).mean(0),
        "aum": (logits[:, rows, labels] - others.max(-1)).mean(0),
        "el2n": np.linalg.norm(q - onehot, axis=-1).mean(0),
    }
    with open(table) as lines:
        columns = lines.readline().lstrip("#").split()
        values = [line.split() for line in lines]
    for name, numbers in expected.items():
        got = np.array([row[columns.index(name)] for row in values], "f8")
        worst = np.abs(got - numbers).max()
        if not worst <= (0 if name == "correctness" else 1e-5):
            sys.exit(f"{table}: {name} is off by {worst}")


make() if sys.argv[1] == "make" else check(sys.argv[2])
