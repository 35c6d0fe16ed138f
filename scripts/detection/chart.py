"""The chart of docs/detection.md: chart.py PEERS.tsv OURS.tsv [SEED...] prints a gnuplot program that writes a PNG.

A panel for each data set: the average precision of a few tools for each noise, with intervals, as in tables.py.
"""
import sys

from tables import DATASETS, noises_of, read, value

# The rows of tables.py that are shown, and their colours, which are those of tidy-analyze's charts.
SERIES = {
    "tidy `label-posterior`": ("tidy's label posterior", "#D55E00"),
    "aum `aum`": ("aum", "#0072B2"),
    "cleanlab `self_confidence` (cross-validated)": ("cleanlab, cross-validated", "#009E73"),
    "cleanlab `normalized_margin` (last)": ("cleanlab's margin, in training", "#56B4E9"),
    "small loss `mean-loss`": ("mean loss", "#CC79A7"),
    "Toneva et al. `forgetting-events`": ("forgetting events", "#E69F00"),
}
STYLE = """set terminal pngcairo size 1280, {height} font 'DejaVu Sans,12'
set border 3 linecolor rgb '#666666'
set tics nomirror out scale 0.5 textcolor rgb '#333333'
set grid ytics linetype 1 linecolor rgb '#dddddd' linewidth 1
set key above left samplen 1
set yrange [0:1]
set ylabel 'average precision'
set multiplot layout {panels}, 1"""


def label(noise):
    kind, _, rate = noise.partition("-")
    return f"{kind} {float(rate):.0%}%"  # gnuplot wants two


def panel(title, rankings, dataset):
    noises = noises_of(dataset, rankings)
    series = {name: rankings[dataset, name] for name in SERIES if (dataset, name) in rankings}
    for place, (name, rows) in enumerate(series.items()):
        aside = 0.1 * (place - (len(series) - 1) / 2)
        print(f"$series{place} << END")
        for x, noise in enumerate(noises):
            if rows[noise]:
                print(x + aside, *(value(rows[noise], column) for column in ("ap", "ap_low", "ap_high")))
        print("END")
    print(f"set title '{title}'")
    print(f"set xrange [-0.5:{len(noises) - 0.5}]")
    print("set xtics (" + ", ".join(f"'{label(noise)}' {x}" for x, noise in enumerate(noises)) + ")")
    print("plot " + ", ".join(f"$series{place} with yerrorbars linewidth 2 pointtype 7 pointsize 1.2 "
                              f"linecolor rgb '{SERIES[name][1]}' title \"{SERIES[name][0]}\""
                              for place, name in enumerate(series)))


def main():
    rankings, _ = read(sys.argv[1:3], sys.argv[3:])
    panels = [dataset for dataset in DATASETS if any(of == dataset for of, _ in rankings)]
    print(STYLE.format(panels=len(panels), height=60 + 420 * len(panels)))
    for dataset in panels:
        panel(DATASETS[dataset], rankings, dataset)
    print("unset multiplot")


if __name__ == "__main__":
    main()
