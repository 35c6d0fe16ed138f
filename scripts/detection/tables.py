"""The tables of docs/detection.md from the benchmark's rows: tables.py PEERS.tsv OURS.tsv [SEED...] prints them.

One table of average precision and one of F1 for each data set. A value over several seeds is their mean, and so are
the ends of its interval. By default the seeds are all there are.
"""
import csv
import sys
from collections import defaultdict

import numpy

NOISES = ("uniform-0.01", "uniform-0.05", "uniform-0.2", "uniform-0.4", "pair-0.1", "pair-0.2", "pair-0.4",
          "matrix-0.2", "image-0.05", "image-0.2")
# Of tidy-analyze's rankings: AUM, and those that no peer has. All are in OURS.tsv.
SHOWN = ("label-posterior", "aum", "correctness", "majority-disagreement")
PROBABILITIES = ("last", "mean", "cross-validated")
DATASETS = {"fashion-mnist": "Fashion-MNIST", "mnist": "MNIST"}


def read(paths, seeds):
    """{(data set, row name): {noise: [rows of seeds]}}, of the rankings and of the sets, in the files' order."""
    rankings, sets = (defaultdict(lambda: defaultdict(list)) for _ in range(2))
    for path in paths:
        with open(path, newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                if seeds and row["seed"] not in seeds:
                    continue
                if row["rule"] == "-" and (row["tool"] != "tidy" or row["score"] in SHOWN):
                    rankings[row["#dataset"], row_name(row)][row["noise"]].append(row)
                elif row["rule"] != "-":
                    sets[row["#dataset"], row_name(row)][row["noise"]].append(row)
    return rankings, sets


def row_name(row):
    """tool `score` `rule` (probabilities), without what does not apply."""
    named = [f"`{row[column]}`" for column in ("score", "rule") if row[column] != "-"]
    return " ".join([row["tool"]] + named + ([f"({row['of']})"] if row["of"] in PROBABILITIES else []))


def value(rows, column):
    values = [float(row[column]) for row in rows]
    return numpy.mean(values) if values else numpy.nan


def text(number):
    return "-" if numpy.isnan(number) else f"{number:.3f}".lstrip("0") if number < 1 else "1.000"


def cell(rows, column, best):
    if not rows:
        return "-"
    number = value(rows, column)
    shown = f"**{text(number)}**" if number >= best - 0.0005 else text(number)
    return f"{shown} ({text(value(rows, column + '_low'))} to {text(value(rows, column + '_high'))})"


def noises_of(dataset, entries):
    return [noise for noise in NOISES if any(of == dataset and noise in rows for (of, _), rows in entries.items())]


def table(dataset, entries, column, with_none):
    noises = noises_of(dataset, entries)
    rows = {name: rows for (of, name), rows in entries.items() if of == dataset}
    best = {noise: numpy.nanmax([value(row[noise], column) for row in rows.values()]) for noise in noises}
    head = noises + (["flagged of none"] if with_none else [])
    print("| | " + " | ".join(head) + " |\n|" + "---|" * (len(head) + 1))
    for name, row in rows.items():
        shown = [cell(row[noise], column, best[noise]) for noise in noises]
        if with_none:
            shown.append(f"{value(row['none'], 'flagged'):.0f}" if row["none"] else "-")
        print(f"| {name} | " + " | ".join(shown) + " |")
    print()


def main():
    rankings, sets = read(sys.argv[1:3], sys.argv[3:])
    for dataset, title in DATASETS.items():
        for entries, column, what in ((rankings, "ap", "average precision"), (sets, "f1", "F1 of the flagged")):
            if any(of == dataset for of, _ in entries):
                print(f"### {title}: {what}\n")
                table(dataset, entries, column, column == "f1")


if __name__ == "__main__":
    main()
