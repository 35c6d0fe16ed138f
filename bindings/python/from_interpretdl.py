#!/usr/bin/env python3
"""Makes a log of InterpretDL's stats.pkl: {sample: [[1 where right, ...], [predicted class, ...]]}, a number an epoch.

It has predicted classes, so the log is of class detail. The given label is the class predicted where that was right. A
sample that never was right has no label in the file: --labels says it; else it gets the smallest class that was never
predicted for it, which leaves it as wrong as it is.
"""
import pickle
import struct
import sys

import converting

KINDS = {"i": "bhiq", "u": "BHIQ", "b": "????", "f": "?efd"}


class Dtype:
    """Stands for numpy.dtype, of which a pickled number needs the name alone."""

    def __init__(self, name, *_):
        self.letter = KINDS[name[0]][{1: 0, 2: 1, 4: 2, 8: 3}[int(name[1:])]]

    def __setstate__(self, state):
        if state[1] == ">":
            raise pickle.UnpicklingError("its numbers are big endian")


def scalar(dtype, data):
    """Stands for numpy's function of this name."""
    return struct.unpack("<" + dtype.letter, data if isinstance(data, bytes) else data.encode("latin1"))[0]


class Unpickler(pickle.Unpickler):
    """A pickle may run any program: nothing is let in but lists, dictionaries and NumPy's numbers."""

    SAFE = {
        ("numpy", "dtype"): Dtype,
        ("numpy.core.multiarray", "scalar"): scalar,
        ("numpy._core.multiarray", "scalar"): scalar,
        ("_codecs", "encode"): lambda text, encoding: text.encode(encoding),
    }

    def find_class(self, module, name):
        if (module, name) not in self.SAFE:
            raise pickle.UnpicklingError("it asks for %s.%s, which no record of predictions needs" % (module, name))
        return self.SAFE[module, name]


def read_labels(path):
    with open(path) as lines:
        rows = [line.replace(",", "\t").split("\t") for line in lines if line[:1].isdigit()]
    return {int(row[0]): int(row[1]) for row in rows}


def label_of(sample, right, predicted, known, classes):
    labels = {c for r, c in zip(right, predicted) if r}
    if sample in known:
        labels.add(known[sample])
    if not labels:
        return min(set(range(classes + 1)) - set(predicted)), True
    label = labels.pop()
    if labels or any(bool(r) != (c == label) for r, c in zip(right, predicted)):
        sys.exit("sample %d: what is right and what is predicted contradict each other" % sample)
    return label, False


def main():
    parser = converting.arguments(__doc__, "stats.pkl")
    parser.add_argument("--labels", help="the given labels: a line a sample, index, tab or comma, label")
    options = parser.parse_args()
    try:
        with open(options.source, "rb") as file:
            stats = Unpickler(file).load()
        histories = {int(i): (list(right), [int(c) for c in predicted]) for i, (right, predicted) in stats.items()}
        known = read_labels(options.labels) if options.labels else {}
    except (OSError, pickle.UnpicklingError, AttributeError, EOFError, TypeError, ValueError) as error:
        sys.exit("%s: it cannot be read as InterpretDL's record: %s" % (options.source, error))
    if not histories or any(len(right) != len(predicted) for right, predicted in histories.values()):
        sys.exit("%s: it has no predictions, or not one for each epoch" % options.source)
    largest = max(c for _, predicted in histories.values() for c in predicted)
    classes = max(options.classes, max([largest, *known.values()]) + 1)
    labels = {i: label_of(i, *history, known, classes) for i, history in histories.items()}
    invented = sum(unknown for _, unknown in labels.values())
    if invented:
        print("%d samples were never right, and the file does not say their labels: --labels does" % invented,
              file=sys.stderr)
    classes = max(classes, max(label for label, _ in labels.values()) + 1)
    epochs = max(len(right) for right, _ in histories.values())
    rows = ((t, [(i, labels[i][0], p[t]) for i, (_, p) in histories.items() if t < len(p)]) for t in range(epochs))
    converting.number(histories, options.ids)
    converting.write(options, max(histories) + 1, classes, "class", "predictions", rows)


if __name__ == "__main__":
    main()
