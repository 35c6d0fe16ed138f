"""Do the estimates from controls hold the truth? estimates.py LOG prints a cell's rows, estimates.py table ESTIMATES.tsv [SEED...] the
table of docs/detection.md.

A row for the suspects of `--threshold auto` and one for AUM's, as many as there are wrong labels: verdict; noise rate, precision and
recall, each as estimated without the truth, its interval, and as it is.
"""
import sys

import numpy

import calibration
import cells

QUANTITIES = ("noise_rate", "precision", "recall")
COLUMNS = ("dataset", "noise", "seed", "score", "verdict") + tuple(
    name + end for name in QUANTITIES for end in ("", "_low", "_high", "_true"))


def header():
    return "#" + "\t".join(COLUMNS)


def cell(log):
    _, wrong, control = cells.samples(log)
    wrong = wrong & ~control
    for rule in (("--threshold", "auto"), ("--score", "aum", "--threshold", f"count:{max(int(wrong.sum()), 1)}")):
        names, values = cells.run("eval", log, "--estimate", *rule)
        row = dict(zip([name.lstrip("#") for name in names], values))
        listed = [int(line[0]) for line in cells.run("flag", log, *rule) if line[0][0] != "#"]
        hits = wrong[listed].sum()
        true = {"noise_rate": wrong.sum() / (~control).sum(), "precision": hits / len(listed) if listed else numpy.nan,
                "recall": hits / wrong.sum() if wrong.any() else numpy.nan}
        numbers = [text for name in QUANTITIES for text in (row[name], row[name + "_low"], row[name + "_high"], f"{true[name]:.6f}")]
        print(*cells.name(log), row["score"], row["verdict"], *numbers, sep="\t")


def shown(row, name):
    value, low, high, true = (float(row[name + end]) for end in ("", "_low", "_high", "_true"))
    if numpy.isnan(value):
        return f"- ({true:.3f})"
    mark = "" if low <= true <= high else " **no**"
    return f"{value:.3f}, {low:.3f} to {high:.3f} ({true:.3f}){mark}"


def table(rows):
    print("### Estimates from planted controls: estimate, interval (truth)\n")
    print("| data | noise | suspects of | verdict | noise rate | precision | recall |\n" + "|---" * 7 + "|")
    for row in rows:
        print(f"| {row['dataset']} | {row['noise']} | {row['score']} | {row['verdict']} | " +
              " | ".join(shown(row, name) for name in QUANTITIES) + " |")
    print()


def main():
    if len(sys.argv) == 2:
        cell(sys.argv[1])
    else:
        table(calibration.read(sys.argv[2], sys.argv[3:]))


if __name__ == "__main__":
    main()
