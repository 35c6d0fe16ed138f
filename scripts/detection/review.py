"""What a reviewer with a budget finds: review.py LOG prints a row for each of five rounds of 500 labels.

The reviewer takes what `flag --budget` lists and answers with the truth; the next round knows all answers (`--review`). Columns:
how many wrong labels were expected in the round and among all labels not reviewed yet, with their intervals ("-" where flag says
that it cannot tell), and how many there were.
"""
import re
import subprocess
import sys
import tempfile

import cells

ROUNDS, BUDGET = 5, 500
COLUMNS = ("dataset", "noise", "seed", "round", "expected", "low", "high", "found", "left_expected", "left_low",
           "left_high", "left")
SAID = re.compile(r"of which (\d+) \((\d+) to (\d+)\) .*?(?:of (\d+) \((\d+) to (\d+)\) among|nothing can be said)")


def header():
    return "#" + "\t".join(COLUMNS)


def main():
    log = sys.argv[1]
    _, wrong, control = cells.samples(log)
    truth = cells.export(log, "truth") if wrong.any() else cells.export(log, "given")
    left = int((wrong & ~control).sum())
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as decisions:
        for number in range(1, ROUNDS + 1):
            done = subprocess.run(("tidy-analyze", "flag", log, "--budget", str(BUDGET), "--review", decisions.name),
                                  check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            listed = [int(line.split("\t")[0]) for line in done.stdout.splitlines() if line[0] != "#"]
            expected = SAID.search(done.stderr).groups()
            found = int(wrong[listed].sum())
            shown = [part or "-" for part in expected]
            print(*cells.name(log), number, *shown[:3], found, *shown[3:], left, sep="\t")
            left -= found
            for sample in listed:
                print(sample, truth[sample], sep="\t", file=decisions)
            decisions.flush()


if __name__ == "__main__":
    main()
