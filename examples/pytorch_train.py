"""A small network in PyTorch whose predictions go into a log: pytorch_train.py FOLDER_WITH_IDX run.tidy"""
import gzip
import os
import sys

import torch

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bindings", "python"))
import tidylog


def read(name, header):
    path = os.path.join(sys.argv[1], name)
    opened = open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz")
    with opened as file:
        return torch.frombuffer(bytearray(file.read()[header:]), dtype=torch.uint8)


labels = read("train-labels-idx1-ubyte", 8).long()
images = read("train-images-idx3-ubyte", 16).view(len(labels), -1) / 255
classes = int(labels.max()) + 1
network = torch.nn.Sequential(torch.nn.Linear(images.shape[1], 64), torch.nn.ReLU(), torch.nn.Linear(64, classes))
optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)

with tidylog.Writer(sys.argv[2], samples=len(labels), classes=classes, epochs=5) as log:
    for epoch in range(5):
        for indices in torch.randperm(len(labels)).split(128):
            logits = network(images[indices])
            log.step(epoch, indices, labels[indices], logits)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(logits, labels[indices]).backward()
            optimizer.step()
