"""JAX's convolutional networks as contestants, in two forms: its own convolution, and a product with patches.

Its convolution is slow within a scan on a CPU. Patches are shifted views of the images, beside each other. Pooling is
a maximum over axes: `reduce_window` has a slow derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import jax_peer
from benchmarks.jax_peer import ACTIVATIONS, Forward, Tree
from benchmarks.works import POOL, Work, batches, dataset

Convolve = Callable[[jax.Array, jax.Array, str], jax.Array]  # (x, weights, padding) -> z without biases


def convolution(x: jax.Array, weights: jax.Array, padding: str) -> jax.Array:
    """x (batch, height, width, channels), weights (kernel, kernel, channels, filters): JAX's own."""
    return jax.lax.conv_general_dilated(x, weights, (1, 1), padding.upper(), dimension_numbers=("NHWC", "HWIO", "NHWC"))


def patches(x: jax.Array, weights: jax.Array, padding: str) -> jax.Array:
    """The same as a product of every patch with the weights."""
    kernel = weights.shape[0]
    if padding == "same":
        before, behind = (kernel - 1) // 2, kernel // 2
        x = jnp.pad(x, ((0, 0), (before, behind), (before, behind), (0, 0)))
    down, across = (size - kernel + 1 for size in x.shape[1:3])
    shifted = [x[:, row : row + down, column : column + across] for row, column in product(range(kernel), repeat=2)]
    return jnp.concatenate(shifted, axis=-1) @ weights.reshape(-1, weights.shape[-1])


FORMS: dict[str, Convolve] = {"convolution": convolution, "patches": patches}


def layers_of(work: Work, form: str) -> Forward:
    """The forward pass: convolutions with pooling, then fully connected layers."""
    image, dense, count = dataset(work.examples).image, jax_peer.dense_layers(work), len(work.channels)

    def forward(parameters: Tree, x: jax.Array, key: jax.Array) -> jax.Array:
        x = x.reshape(len(x), *image)
        for weights, biases in parameters[:count]:
            x = _pooled(ACTIVATIONS[work.activation](FORMS[form](x, weights, work.padding) + biases))
        return dense(parameters[count:], x.reshape(len(x), -1), key)

    return forward


def _pooled(x: jax.Array) -> jax.Array:
    batch, height, width, channels = x.shape
    down, across = height // POOL, width // POOL
    within = x[:, : down * POOL, : across * POOL]
    return within.reshape(batch, down, POOL, across, POOL, channels).max(axis=(2, 4))


class OneByOne(jax_peer.OneByOne):
    """One network after the other. A unit is an epoch of one run."""

    def __init__(self, work: Work, runs: np.ndarray, form: str) -> None:
        super().__init__(work, runs, layers_of(work, form))


class Vmapped(jax_peer.Vmapped):
    """All networks at once, by `vmap`. A unit is an eighth of an epoch of all runs."""

    def __init__(self, work: Work, runs: np.ndarray, form: str) -> None:
        super().__init__(work, runs, layers_of(work, form))
        self._parts: list[np.ndarray] = []
        self._sum: Any = 0.0

    def turn(self, units: int) -> int:
        """Train; the updates of single runs that were done."""
        steps = sum(self._one_part() for _ in range(units))
        jax.block_until_ready(self._state)
        return steps * len(self._runs)

    def losses(self) -> dict[tuple[int, int], float]:
        """Mean training loss by run and epoch; the epoch that has begun is trained to its end first."""
        while self._parts:
            self._one_part()
        return self._losses

    def _one_part(self) -> int:
        """An eighth of the updates of an epoch, or what is left of it."""
        if not self._parts:
            self._number, self._sum = self._number + 1, 0.0
            order, size = batches(self._work, self._data, self._number), -(-self._updates // 8)
            self._parts = [order[:, start : start + size] for start in range(0, self._updates, size)]
        part = jnp.asarray(self._parts.pop(0), jnp.int32)
        self._state, losses = self._epoch(self._state, self._inputs, self._labels, part)
        self._sum = self._sum + losses * part.shape[1]
        if not self._parts:
            means = np.asarray(self._sum) / self._updates
            self._losses |= {(int(run), self._number): float(mean) for run, mean in zip(self._runs, means, strict=True)}
        return part.shape[1]
