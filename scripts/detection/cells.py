"""Reads a cell of the detection benchmark, the log of one run, through tidy-analyze.

Needs tidy-analyze in PATH. Controls take no part in what is compared: they were trained with wrong labels on
purpose. Samples below are the others, in the data set's order.
"""
import gzip
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass

import numpy


@dataclass
class Cell:
    dataset: str
    noise: str
    seed: int
    log: str
    samples: numpy.ndarray    # [n] index in the data set
    labels: numpy.ndarray     # [n] as given
    wrong: numpy.ndarray      # [n] bool
    predicted: numpy.ndarray  # [epochs][n] in the training forward pass, before the update, as all below
    losses: numpy.ndarray     # [epochs][n] of the given label
    log_probs: numpy.ndarray  # [epochs][n][classes], float32


def run(*arguments):
    """The lines that tidy-analyze prints, split at tabs."""
    output = subprocess.run(("tidy-analyze",) + arguments, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [line.split("\t") for line in output.splitlines()]


def info(log):
    return {row[0]: row[1] for row in run("info", log) if len(row) == 2}


def export(log, what):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.npy")
        subprocess.run(("tidy-analyze", "export", log, "--what", what, "-o", path), check=True)
        return numpy.load(path)


def name(log):
    """(data set, noise, seed) of DATASET-NOISE-SEED.tidy, where the noise is none or KIND-RATE."""
    parts = re.fullmatch(r"(.+)-(none|[a-z]+-[0-9.]+)-(\d+)\.tidy", os.path.basename(log))
    if not parts:
        raise SystemExit(f"{log}: a cell's log is named DATASET-NOISE-SEED.tidy")
    return parts[1], parts[2], int(parts[3])


def samples(log):
    """(labels as given [N], wrong [N], control [N]) of all N samples of the data set."""
    given = export(log, "given")
    truth = export(log, "truth") if "mislabelled-share" in info(log) else given
    return given.astype(numpy.int64), given != truth, export(log, "labels") != given


def load(log):
    """The cell of a log of --detail probs."""
    labels, wrong, control = samples(log)
    kept = numpy.flatnonzero(~control)
    return Cell(*name(log), log, kept, labels[kept], wrong[kept], export(log, "predictions")[:, kept],
                export(log, "losses")[:, kept], export(log, "log-probs")[:, kept])


def read_idx(folder, file, header):
    """The bytes after the header of an IDX file, plain or .gz."""
    path = os.path.join(folder, file)
    with (gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb")) as opened:
        return numpy.frombuffer(opened.read(), numpy.uint8, offset=header)
