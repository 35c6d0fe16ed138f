#!/usr/bin/env python3
"""Makes a log of Dataset Cartography's training_dynamics/dynamics_epoch_N.jsonl.

A line is {"guid": id, "logits_epoch_N": [...], "gold": label}. All of it is in the log, which is of --detail full where
that is asked for. Ids that are whole numbers are the samples' indices; others are numbered as they come, see --ids.
"""
import json
import os
import re
import sys

import converting


def read_epoch(path, epoch):
    with open(path) as lines:
        for at, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                yield row["guid"], int(row["gold"]), [float(x) for x in row["logits_epoch_%d" % epoch]]
            except (ValueError, KeyError, TypeError) as error:
                sys.exit("%s: line %d is none of Cartography's: %r" % (path, at, error))


def main():
    parser = converting.arguments(__doc__, "the folder training_dynamics")
    parser.add_argument("--detail", choices=["class", "margin", "probs", "full"], default="margin")
    options = parser.parse_args()
    try:
        names = [re.fullmatch(r"dynamics_epoch_(\d+)\.jsonl?", name) for name in os.listdir(options.source)]
    except OSError as error:
        sys.exit("%s: %s" % (options.source, error.strerror))
    files = sorted((int(name[1]), os.path.join(options.source, name[0])) for name in names if name)
    if not files:
        sys.exit("%s: no dynamics_epoch_N.jsonl is there" % options.source)
    # Once through for the ids and the classes, and once more to write, an epoch in memory at a time.
    ids, classes = {}, 0
    for epoch, path in files:
        for guid, gold, logits in read_epoch(path, epoch):
            ids[guid] = None
            classes = max(classes, gold + 1, len(logits))
    numbers = converting.number(ids, options.ids)
    if not numbers:
        sys.exit("%s: its files are empty" % options.source)
    if options.classes > classes:
        sys.exit("%s: it has logits of %d classes, not of %d" % (options.source, classes, options.classes))
    rows = ((epoch, [(numbers[guid], gold, logits) for guid, gold, logits in read_epoch(path, epoch)])
            for epoch, path in files)
    converting.write(options, max(numbers.values()) + 1, classes, options.detail, "logits", rows)


if __name__ == "__main__":
    main()
