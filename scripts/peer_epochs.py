"""The seed experiment's epochs in PyTorch: peer_epochs.py DATA EPOCHS THREADS [NET].

MNIST's order, batch 128, momentum SGD with learning rate 0.001, every 100th label replaced, predictions kept from the training
forward pass, test accuracy after each epoch; channels-last, its faster layout. Prints a table, a line an epoch.
"""
import gzip
import os
import sys
import time

import numpy as np
import torch

from peer_networks import ResNet

BATCH = 128


def read_idx(folder, name, header):
    path = os.path.join(folder, name)
    opener = gzip.open if os.path.exists(path + ".gz") else open
    with opener(path + ".gz" if opener is gzip.open else path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def load(folder, part):
    labels = torch.from_numpy(read_idx(folder, part + "-labels-idx1-ubyte", 8).astype(np.int64))
    images = torch.from_numpy(read_idx(folder, part + "-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28).astype(np.float32))
    images = torch.nn.functional.interpolate(images, size=(32, 32), mode="bilinear", align_corners=False)
    return (torch.floor(images + 0.5) / 255).contiguous(memory_format=torch.channels_last), labels


def main():
    folder, epochs, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    images, labels = load(folder, "train")
    test_images, test_labels = load(folder, "t10k")
    labels[::100] = (labels[::100] + torch.randint(1, 10, labels[::100].shape)) % 10
    model = ResNet(sys.argv[4] if len(sys.argv) > 4 else "resnet50").to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    predictions = np.zeros((epochs, len(labels)), np.uint8)
    print("#epoch\tloss\taccuracy\ttest_accuracy\tseconds")
    for epoch in range(epochs):
        start, total = time.monotonic(), 0.0
        model.train()
        for first in range(0, len(labels), BATCH):
            optimiser.zero_grad()
            logits = model(images[first:first + BATCH])
            loss = torch.nn.functional.cross_entropy(logits, labels[first:first + BATCH])
            loss.backward()
            optimiser.step()
            predictions[epoch, first:first + BATCH] = logits.argmax(1).numpy()
            total += loss.item() * len(logits)
        model.eval()
        with torch.no_grad():
            correct = sum((model(test_images[i:i + BATCH]).argmax(1) == test_labels[i:i + BATCH]).sum().item()
                          for i in range(0, len(test_labels), BATCH))
        accuracy = (predictions[epoch] == labels.numpy()).mean()
        print(f"{epoch}\t{total / len(labels):.5f}\t{accuracy:.5f}\t{correct / len(test_labels):.4f}"
              f"\t{time.monotonic() - start:.1f}", flush=True)


if __name__ == "__main__":
    main()
