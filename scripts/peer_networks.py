"""PyTorch twins of tidy-record's networks, for measuring and for fixtures: same layers, sizes and initial values.

A block's shortcut is a 1x1 projection where its shape changes, and a bottleneck's stride is on its 3x3
convolution (He et al. 2016).
"""
import torch
from torch import nn

STAGES = {
    "resnet18": ("basic", [2, 2, 2, 2]),
    "resnet50": ("bottleneck", [3, 4, 6, 3]),
    "resnet101": ("bottleneck", [3, 4, 23, 3]),
    "resnet152": ("bottleneck", [3, 8, 36, 3]),
}


class ConvolutionBatchNorm(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride=1, relu=True):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-5, momentum=0.1)
        self.relu = relu

    def forward(self, x, shortcut=None):
        x = self.norm(self.convolution(x))
        if shortcut is not None:
            x = x + shortcut
        return torch.relu(x) if self.relu else x


class Block(nn.Module):
    """One residual block: its layers in order, and the projection that its shortcut may go through."""

    def __init__(self, kind, inputs, filters, stride):
        super().__init__()
        if kind == "basic":
            outputs = filters
            self.layers = nn.ModuleList([
                ConvolutionBatchNorm(inputs, filters, 3, stride),
                ConvolutionBatchNorm(filters, outputs, 3),
            ])
        else:
            outputs = 4 * filters
            self.layers = nn.ModuleList([
                ConvolutionBatchNorm(inputs, filters, 1),
                ConvolutionBatchNorm(filters, filters, 3, stride),
                ConvolutionBatchNorm(filters, outputs, 1),
            ])
        self.projection = None
        if stride != 1 or inputs != outputs:
            self.projection = ConvolutionBatchNorm(inputs, outputs, 1, stride, relu=False)

    def forward(self, x):
        shortcut = x if self.projection is None else self.projection(x)
        for layer in self.layers[:-1]:
            x = layer(x)
        return self.layers[-1](x, shortcut)


class ResNet(nn.Module):
    def __init__(self, name, channels=1, classes=10):
        super().__init__()
        kind, depths = STAGES[name]
        self.stem = ConvolutionBatchNorm(channels, 64, 7, 2)
        self.pool = nn.MaxPool2d(3, 2, 1)
        blocks, inputs = [], 64
        for stage, depth in enumerate(depths):
            filters = 64 << stage
            for block in range(depth):
                blocks.append(Block(kind, inputs, filters, 2 if block == 0 and stage > 0 else 1))
                inputs = filters if kind == "basic" else 4 * filters
        self.blocks = nn.Sequential(*blocks)
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.blocks(self.pool(self.stem(x)))
        return self.linear(x.mean((2, 3)))


class Small(nn.Module):
    """The default network: 4 convolutions, a pool after each but the last, and a linear layer of all pixels."""

    def __init__(self, size, channels=1, classes=10):
        super().__init__()
        layers, inputs = [], channels
        for filters, kernel in ((16, 5), (32, 3), (64, 3), (128, 3)):
            layers += [ConvolutionBatchNorm(inputs, filters, kernel), nn.MaxPool2d(2)]
            inputs, size = filters, size // 2 if filters < 128 else size
        self.layers = nn.Sequential(*layers[:-1])
        self.linear = nn.Linear(inputs * size * size, classes)

    def forward(self, x):
        return self.linear(self.layers(x).flatten(1))


def network(name, size):
    return Small(size) if name == "small" else ResNet(name)


def layers_in_order(model):
    """The convolution layers in the order of tidy-record's table: stem, then each block's projection and layers."""
    yield model.stem
    for block in model.blocks:
        if block.projection is not None:
            yield block.projection
        yield from block.layers
