"""PyTorch's convolutional networks as contestants: modules one by one, and all runs as groups of one convolution."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from benchmarks import torch_peer
from benchmarks.torch_peer import ACTIVATIONS, dense_layers, started
from benchmarks.works import POOL, Work, dataset


class First(NamedTuple):
    """Initial weights as PyTorch has them: `filters` (runs, filters, channels, kernel, kernel), `dense` (runs, rows,
    fan_in).
    """

    filters: list[torch.Tensor]
    dense: list[torch.Tensor]


def channels_first(work: Work, first: list[torch.Tensor]) -> First:
    """The initial weights for images whose channels come first, which the first dense layer reads too."""
    count = len(work.channels)
    filters = [weights.permute(0, 1, 4, 2, 3).contiguous() for weights in first[:count]]
    lost = work.kernel - 1 if work.padding == "valid" else 0
    height, width, _ = dataset(work.examples).image
    for _ in filters:
        height, width = (height - lost) // POOL, (width - lost) // POOL
    runs, rows, _ = first[count].shape
    reads = first[count].view(runs, rows, height, width, -1).permute(0, 1, 4, 2, 3).reshape(runs, rows, -1)
    return First(filters, [reads, *first[count + 1 :]])


class OneByOne(torch_peer.OneByOne):
    """One network after the other. A unit is an epoch of one run."""

    def _fresh(self, place: int) -> nn.Sequential:
        """The network of a run with its initial weights."""
        first, (height, width, channels) = channels_first(self._work, self._first), dataset(self._work.examples).image
        modules: list[nn.Module] = [nn.Unflatten(1, (channels, height, width))]
        for filters in first.filters:
            made = nn.Conv2d(filters.shape[2], filters.shape[1], self._work.kernel, padding=self._work.padding)
            modules += [started(made, filters[place]), ACTIVATIONS[self._work.activation](), nn.MaxPool2d(POOL)]
        dense = dense_layers(self._work, [weights[place] for weights in first.dense])
        return nn.Sequential(*modules, nn.Flatten(), dense)


class Grouped(torch_peer.Ensemble):
    """All networks at once: the runs are the groups of one convolution. A unit is an eighth of an epoch of all runs."""

    def _dense_weights(self) -> list[torch.Tensor]:
        return channels_first(self._work, self._first).dense

    def _before_them(self) -> list[nn.Parameter]:
        filters = channels_first(self._work, self._first).filters
        self._kernels = [nn.Parameter(weights.flatten(0, 1)) for weights in filters]
        self._kernel_biases = [nn.Parameter(torch.zeros(len(weights))) for weights in self._kernels]
        return [*self._kernels, *self._kernel_biases]

    def _features(self, inputs: torch.Tensor) -> torch.Tensor:
        """(runs, batch, pixels) -> (runs, batch, features)."""
        runs, batch, _ = inputs.shape
        height, width, channels = dataset(self._work.examples).image
        a = inputs.transpose(0, 1).reshape(batch, runs * channels, height, width)
        for weights, biases in zip(self._kernels, self._kernel_biases, strict=True):
            z = functional.conv2d(a, weights, biases, padding=self._work.padding, groups=runs)
            a = functional.max_pool2d(self._activation(z), POOL)
        return a.view(batch, runs, -1).transpose(0, 1)
