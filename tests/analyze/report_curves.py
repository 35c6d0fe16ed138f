"""The curves that a page must have: report_curves.py PAGE_SUSPECTS LABELS.npy PREDICTIONS.npy [MARGINS.npy]

Fails unless each suspect's curve is what the exported arrays make of it: the mean margin (or the share of right
predictions) of each bin on a scale that is the page's own, and a dash where a right prediction was followed by a wrong
one. Prints the largest margin's share of the scale that was found."""
import re
import sys

import numpy as np

BINS, LOW, DASHES = 24, 16, 19


def read_path(path, bins):
    """Levels (nan: a gap) and dashes, by SVG's grammar."""
    levels, dashes, x, y = np.full(bins, np.nan), np.zeros(bins, bool), 0.0, 0.0
    for command, numbers in re.findall(r"([Mmlh])([^Mmlh]*)", path):
        numbers = [float(n) for n in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", numbers)]
        if command == "h":
            if y == DASHES:
                dashes[round(x):round(x + numbers[0])] = True
            x += numbers[0]
            continue
        for dx, dy in zip(numbers[::2], numbers[1::2]):
            x, y = (dx, dy) if command == "M" else (x + dx, y + dy)
            if y <= LOW:
                levels[int(x)] = y
    return levels, dashes


def main():
    rows = [line.rstrip("\n").split("\t") for line in open(sys.argv[1], encoding="utf-8")]
    labels, predictions = np.load(sys.argv[2]), np.load(sys.argv[3])
    samples = np.array([int(row[0]) for row in rows])
    right = predictions[:, samples] == labels[samples]
    shown = np.load(sys.argv[4])[:, samples].astype(float) if len(sys.argv) > 4 else right.astype(float)
    epochs = len(shown)
    bins = min(epochs, BINS)
    of_bin = np.arange(epochs) * bins // epochs
    means = np.array([shown[of_bin == b].mean(axis=0) for b in range(bins)])
    forgotten = np.zeros_like(right)
    forgotten[1:] = right[:-1] & ~right[1:]
    dashes = np.array([forgotten[of_bin == b].any(axis=0) for b in range(bins)])

    scale = np.percentile(np.abs(means), 95) if len(sys.argv) > 4 else 0
    heights = (means / scale + 1) / 2 if scale > 0 else means
    levels = LOW * (1 - np.clip(heights, 0, 1))
    for i, row in enumerate(rows):
        got_levels, got_dashes = read_path(row[-1], bins)
        if not np.all(np.abs(got_levels - levels[:, i]) <= 0.501):
            sys.exit(f"sample {row[0]}: levels {got_levels}, expected {levels[:, i]}")
        if not np.array_equal(got_dashes, dashes[:, i]):
            sys.exit(f"sample {row[0]}: dashes {got_dashes}, expected {dashes[:, i]}")
    if not dashes.any() or len(rows) < 20:
        sys.exit("too little to compare")


main()
