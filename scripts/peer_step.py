"""Times training steps of PyTorch on random images: peer_step.py NET BATCH STEPS THREADS contiguous|channels_last.

Prints one line a step, in seconds, as bench-step does.
"""
import sys
import time

import torch

from peer_resnet import ResNet


def main():
    name, batch, steps, threads, layout = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
    torch.set_num_threads(threads)
    memory_format = getattr(torch, layout + "_format" if layout == "contiguous" else layout)
    model = ResNet(name).to(memory_format=memory_format)
    images = torch.rand(batch, 1, 32, 32).to(memory_format=memory_format)
    labels = torch.randint(0, 10, (batch,))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    for _ in range(steps):
        start = time.monotonic()
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimiser.step()
        print(f"{time.monotonic() - start:.6f}", flush=True)


if __name__ == "__main__":
    main()
