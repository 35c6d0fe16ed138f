#!/usr/bin/env python3
"""Makes a log of the aum package's full_aum_records.csv (AUMCalculator(..., compressed=False)).

A row has the given label's logit and the largest other one: target_logit and other_logit are the logits, target_val and
other_val the classes. So margin, AUM and the predicted class are exact. The other classes' logits are not in the file and
count as minus infinity: loss is a lower bound, confidence an upper one. Ids that are whole numbers are the samples'
indices; others are numbered as they come, see --ids.
"""
import csv
import math
import sys

import converting


def read_rows(path):
    """(id, epoch, label, its logit, other class, its logit)"""
    with open(path, newline="") as file:
        for at, row in enumerate(csv.DictReader(file), 2):
            try:
                name = row["sample_id"]
                yield (int(name) if name.isdecimal() else name, int(row["num_measurements"]) - 1, int(row["target_val"]),
                       float(row["target_logit"]), int(row["other_val"]), float(row["other_logit"]))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                sys.exit("%s: line %d is none of full_aum_records.csv: %r" % (path, at, error))


def main():
    options = converting.arguments(__doc__, "full_aum_records.csv").parse_args()
    try:
        rows = list(read_rows(options.source))
    except OSError as error:
        sys.exit("%s: %s" % (options.source, error.strerror))
    if not rows:
        sys.exit("%s: it has no records" % options.source)
    numbers = converting.number((row[0] for row in rows), options.ids)
    classes = max(max(row[2], row[4]) for row in rows) + 1
    width = max(classes, options.classes)
    epochs = {}
    for name, epoch, label, logit, other, other_logit in rows:
        logits = [-math.inf] * width
        logits[label], logits[other] = logit, other_logit
        epochs.setdefault(epoch, []).append((numbers[name], label, logits))
    print("loss is a lower bound and confidence an upper one: the file has two logits of each prediction", file=sys.stderr)
    converting.write(options, max(numbers.values()) + 1, classes, "margin", "logits", sorted(epochs.items()))


if __name__ == "__main__":
    main()
