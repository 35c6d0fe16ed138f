"""Cross-validation with tidy-record's network: probabilities of networks that never saw the sample, for cleanlab.

usage: crossval.py labels LOG FOLDS FOLD LABELS.npy    the labels that LOG trained on, -1 in the left-out fold
       crossval.py probs PROBS.npy FOLDS LOG FOLD_LOG...    of each left-out fold by its network, [N][classes]

LOG is a cell's log, FOLD_LOG.ckpt the checkpoint of the run that trained on FOLD's labels. Folds are stratified by
label and drawn with the cell's seed. The network is run here from the checkpoint's weights
(docs/checkpoint-format.md): its accuracy on the test set has to be the one that the run logged, but for images
between two classes that rounding decides.
"""
import struct
import sys

import numpy
import torch
from sklearn.model_selection import StratifiedKFold

import cells

# The network 'small': convolutions of kernel size and channels, a max pool after all but the last; a linear layer.
CONVOLUTIONS = ((5, 16), (3, 32), (3, 64), (3, 128))
PIXELS, CLASSES = 3 * 3, 10
BATCH = 500
TIE = 1e-5  # of two logits: so close that the order of a sum decides


def left_out(log, labels, folds):
    splits = StratifiedKFold(folds, shuffle=True, random_state=cells.name(log)[2]).split(labels, labels)
    return [test for _, test in splits]


def write_labels(log, folds, fold, path):
    labels = cells.export(log, "labels")
    labels[left_out(log, labels, int(folds))[int(fold)]] = -1
    numpy.save(path, labels)


class Network:
    def __init__(self, checkpoint):
        with open(checkpoint, "rb") as file:
            content = file.read()
        parameters, statistics = struct.unpack_from("<QQ", content, 56)
        places = (parameters, 72), (statistics, 72 + 8 * parameters)
        self.parameters, self.statistics = (torch.from_numpy(numpy.frombuffer(content, "<f4", *place).copy())
                                            for place in places)
        self.convolutions, inputs = [], 1
        for kernel, outputs in CONVOLUTIONS:
            weights = self.take("parameters", kernel, kernel, inputs, outputs).permute(3, 2, 0, 1).contiguous()
            scale, shift = self.take("parameters", outputs), self.take("parameters", outputs)
            mean, variance = self.take("statistics", outputs), self.take("statistics", outputs)
            self.convolutions.append((weights, mean, variance, scale, shift))
            inputs = outputs
        self.weights = self.take("parameters", PIXELS * inputs, CLASSES)
        self.bias = self.take("parameters", CLASSES)
        if len(self.parameters) or len(self.statistics):
            raise SystemExit(f"{checkpoint}: not the network 'small' for 28 x 28 pixels and {CLASSES} classes")

    def take(self, name, *shape):
        values, count = getattr(self, name), numpy.prod(shape)
        setattr(self, name, values[count:])
        return values[:count].reshape(shape)

    def logits(self, images):
        """images: bytes [n][28][28]"""
        x = torch.from_numpy(images.astype(numpy.float32)).unsqueeze(1) / 255
        for place, (weights, mean, variance, scale, shift) in enumerate(self.convolutions):
            x = torch.nn.functional.conv2d(x, weights, padding=weights.shape[-1] // 2)
            x = torch.nn.functional.batch_norm(x, mean, variance, scale, shift, eps=1e-5).relu()
            if place < len(self.convolutions) - 1:
                x = torch.nn.functional.max_pool2d(x, 2)
        return x.permute(0, 2, 3, 1).flatten(1) @ self.weights + self.bias

    def all_logits(self, images):
        with torch.no_grad():
            return torch.cat([self.logits(images[i:i + BATCH]) for i in range(0, len(images), BATCH)])


def check(network, log):
    """That the network is the run's, and is run here as it was there."""
    about = cells.info(log)
    images = cells.read_idx(about["data"], "t10k-images-idx3-ubyte", 16).reshape(-1, 28, 28)
    labels = cells.read_idx(about["data"], "t10k-labels-idx1-ubyte", 8)
    logits = network.all_logits(images)
    largest = logits.topk(2).values
    ties = int((largest[:, 0] - largest[:, 1] < TIE).sum())
    right = int((logits.argmax(1).numpy() == labels).sum())
    logged = float(about["test-accuracy"]) * len(labels)
    if abs(right - logged) > ties + 0.5:
        raise SystemExit(f"{log}: {right} of {len(labels)} test images right, where the run logged {logged:.0f}")


def write_probabilities(path, folds, log, fold_logs):
    labels = cells.export(log, "labels")
    images = cells.read_idx(cells.info(log)["data"], "train-images-idx3-ubyte", 16).reshape(-1, 28, 28)
    probs = numpy.zeros((len(labels), CLASSES), numpy.float32)
    for fold_log, test in zip(fold_logs, left_out(log, labels, int(folds)), strict=True):
        network = Network(fold_log + ".ckpt")
        check(network, fold_log)
        probs[test] = network.all_logits(images[test]).softmax(1).numpy()
    numpy.save(path, probs)


def main():
    torch.set_num_threads(1)
    if sys.argv[1] == "labels":
        write_labels(*sys.argv[2:])
    else:
        write_probabilities(*sys.argv[2:5], sys.argv[5:])


if __name__ == "__main__":
    main()
