"""Are the probabilities of label-posterior probabilities? calibration.py LOG prints a cell's rows, calibration.py table
CALIBRATION.tsv [SEED...] the table of docs/detection.md, calibration.py chart CALIBRATION.tsv [SEED...] a gnuplot program of the
reliability diagram.

A row for each tenth of the probabilities, and one of all: how many samples, their mean probability, the share of wrong labels; of
all also the log loss, that of the constant base rate, and the expected calibration error over the probabilities above 0.1 (Guo et
al. 2017), the mean over their tenths, by samples, of the distance between probability and share.
"""
import csv
import sys

import numpy

import cells

COLUMNS = ("dataset", "noise", "seed", "from", "to", "samples", "probability", "wrong", "log_loss", "base_log_loss",
           "calibration_error")
STYLE = """set terminal pngcairo size 1280, {height} font 'DejaVu Sans,12'
set border 3 linecolor rgb '#666666'
set tics nomirror out scale 0.5 textcolor rgb '#333333'
set grid linetype 1 linecolor rgb '#dddddd' linewidth 1
set key top left samplen 2 noautotitle
set xrange [0:1]
set yrange [0:1]
set size square
set xlabel 'probability that the label is wrong'
set ylabel 'share of wrong labels'
set multiplot layout 1, {panels}"""
COLOURS = {"uniform": "#0072B2", "pair": "#D55E00", "matrix": "#009E73", "image": "#999999"}


def header():
    return "#" + "\t".join(COLUMNS)


def bernoulli_loss(probability, wrong):
    p = numpy.clip(probability, 1e-6, 1 - 1e-6)
    return float(-numpy.where(wrong, numpy.log(p), numpy.log1p(-p)).mean())


def cell(log):
    dataset, noise, seed = cells.name(log)
    _, wrong, _ = cells.samples(log)
    rows = [row for row in cells.run("samples", log, "--score", "label-posterior") if row[0][0] != "#"]
    probability = numpy.array([float(row[-1]) for row in rows])
    judged = ~numpy.isnan(probability)
    probability, wrong = probability[judged], wrong[judged]
    tenths = numpy.minimum((probability * 10).astype(int), 9)
    error, above = 0.0, probability > 0.1
    for tenth in range(10):
        there = tenths == tenth
        if there.any():
            print(dataset, noise, seed, tenth / 10, (tenth + 1) / 10, there.sum(), f"{probability[there].mean():.5f}",
                  f"{wrong[there].mean():.5f}", "-", "-", "-", sep="\t")
        there &= above
        if there.any():
            error += abs(probability[there].mean() - wrong[there].mean()) * there.sum() / above.sum()
    base = bernoulli_loss(numpy.full(len(wrong), wrong.mean()), wrong) if wrong.any() else 0.0
    print(dataset, noise, seed, 0, 1, len(wrong), f"{probability.mean():.5f}", f"{wrong.mean():.5f}",
          f"{bernoulli_loss(probability, wrong):.5f}", f"{base:.5f}", f"{error:.4f}", sep="\t")


def read(path, seeds):
    with open(path, newline="") as file:
        rows = [{key.lstrip("#"): value for key, value in row.items()} for row in csv.DictReader(file, delimiter="\t")]
    return [row for row in rows if not seeds or row["seed"] in seeds]


def table(rows):
    print("### Calibration of label-posterior\n")
    print("| data | noise | seed | wrong labels | expected | log loss | of the base rate | calibration error |\n" + "|---" * 8 + "|")
    for row in rows:
        if row["log_loss"] == "-":
            continue
        count = float(row["samples"])
        print(f"| {row['dataset']} | {row['noise']} | {row['seed']} | {count * float(row['wrong']):.0f} | "
              f"{count * float(row['probability']):.0f} | {float(row['log_loss']):.4f} | {float(row['base_log_loss']):.4f} | "
              f"{float(row['calibration_error']):.3f} |")


def chart(rows):
    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    print(STYLE.format(height=700, panels=len(datasets)))
    for dataset in datasets:
        lines, key = [], set()
        for noise in dict.fromkeys(row["noise"] for row in rows):
            points = [row for row in rows if (row["dataset"], row["noise"]) == (dataset, noise) and row["log_loss"] == "-"
                      and float(row["from"]) >= 0.1 and float(row["samples"]) >= 20]
            kind = noise.partition("-")[0]
            if kind not in COLOURS or not points:
                continue
            print(f"$points{len(lines)} << END")
            for row in points:
                print(row["probability"], row["wrong"])
            print("END")
            title = f" title '{kind}'" if kind not in key else ""
            key.add(kind)
            lines.append(f"$points{len(lines)} with linespoints pointtype 7 linewidth 2 linecolor rgb '{COLOURS[kind]}'{title}")
        print(f"set title '{dataset}'")
        print("plot " + ", ".join(["x linecolor rgb '#bbbbbb' dashtype 2"] + lines))
    print("unset multiplot")


def main():
    if len(sys.argv) == 2:
        cell(sys.argv[1])
    else:
        {"table": table, "chart": chart}[sys.argv[1]](read(sys.argv[2], sys.argv[3:]))


if __name__ == "__main__":
    main()
