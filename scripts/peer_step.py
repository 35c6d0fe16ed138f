"""Times training steps of PyTorch on random images: peer_step.py NET BATCH STEPS THREADS SIZE contiguous|channels_last f32|bf16.

bf16 is autocast, PyTorch's own way. Prints one line a step, in seconds, as bench-step does.
"""
import sys
import time

import torch

from peer_networks import network


def main():
    name, batch, steps, threads, size = sys.argv[1], *map(int, sys.argv[2:6])
    layout, precision = sys.argv[6:8]
    torch.set_num_threads(threads)
    memory_format = getattr(torch, layout + "_format" if layout == "contiguous" else layout)
    model = network(name, size).to(memory_format=memory_format)
    images = torch.rand(batch, 1, size, size).to(memory_format=memory_format)
    labels = torch.randint(0, 10, (batch,))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    for _ in range(steps):
        start = time.monotonic()
        optimiser.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimiser.step()
        print(f"{time.monotonic() - start:.6f}", flush=True)


if __name__ == "__main__":
    main()
