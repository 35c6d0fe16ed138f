"""Labels that are wrong where the image is hard: usage: image_dependent_noise.py PROBS.npy TRUTH RATE SEED LABELS.npy

PROBS.npy, [epochs][samples][classes], is what another network predicted while it learned the true labels; its first
epoch is skipped. The round(RATE x samples) samples whose true class had the smallest mean probability get a wrong label,
drawn from the mean probabilities of the other classes. TRUTH is an IDX file of labels, plain or .gz.
"""
import gzip
import sys

import numpy

probs_path, truth_path, rate, seed, labels_path = sys.argv[1:]
probs = numpy.load(probs_path)[1:].mean(axis=0, dtype=numpy.float64)
with (gzip.open if truth_path.endswith(".gz") else open)(truth_path, "rb") as file:
    labels = numpy.frombuffer(file.read(), numpy.uint8, offset=8).astype(numpy.int32)
samples = numpy.arange(len(labels))
hardest = numpy.argsort(probs[samples, labels], kind="stable")[: round(float(rate) * len(labels))]
wrong = probs[hardest]
wrong[numpy.arange(len(hardest)), labels[hardest]] = 0
wrong /= wrong.sum(axis=1, keepdims=True)
drawn = numpy.random.default_rng(int(seed)).random(len(hardest))
labels[hardest] = (wrong.cumsum(axis=1) < drawn[:, None]).sum(axis=1).clip(max=wrong.shape[1] - 1)
numpy.save(labels_path, labels)
