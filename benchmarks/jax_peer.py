"""JAX as a contestant, as its documentation has it: one jitted function scans the steps of an epoch, buffers donated.

Each process is bound to one core and XLA to one thread, at which JAX is at its best on a CPU. Masks come from its
default generator, threefry, which was several times as fast as `rbg` here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.works import LEARNING_RATE, Work, batches, data_of, first_weights, floats, updates_of

ACTIVATIONS = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "softplus": jax.nn.softplus}
EPOCHS_OF_A_RUN = 5  # one by one: after so many the next run's turn has come
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
Tree = Any


Forward = Callable[[Tree, jax.Array, jax.Array], jax.Array]  # (parameters, x, key) -> z of the output layer


def dense_layers(work: Work) -> Forward:
    """The forward pass of fully connected layers; the last has no activation."""

    def forward(parameters: Tree, x: jax.Array, key: jax.Array) -> jax.Array:
        for number, (weights, biases) in enumerate(parameters[:-1]):
            x = ACTIVATIONS[work.activation](x @ weights + biases)
            if work.dropout:
                keep = jax.random.bernoulli(jax.random.fold_in(key, number), 1 - work.dropout, x.shape)
                x = jnp.where(keep, x / (1 - work.dropout), 0)
        weights, biases = parameters[-1]
        return x @ weights + biases

    return forward


def epoch_of(forward: Forward) -> Callable[..., tuple[Tree, jax.Array]]:
    """A function (state, inputs, labels, order (updates, batch)) -> (state, mean loss): updates of one run."""

    def loss_of(parameters: Tree, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
        log_probabilities = jax.nn.log_softmax(forward(parameters, x, key))
        return -jnp.take_along_axis(log_probabilities, y[:, None], axis=1).mean()

    def step(inputs: jax.Array, labels: jax.Array, state: Tree, index: jax.Array) -> tuple[Tree, jax.Array]:
        parameters, m, v, t, key = state
        key, own = jax.random.split(key)
        x, y = (array.at[index].get(mode="promise_in_bounds") for array in (inputs, labels))
        loss, g = jax.value_and_grad(loss_of)(parameters, x, y, own)
        t = t + 1
        m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, g)
        v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, g)
        rate, correction = LEARNING_RATE / (1 - BETA1**t), 1 / (1 - BETA2**t)
        parameters = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v * correction) + EPSILON), parameters, m, v)
        return (parameters, m, v, t, key), loss

    def epoch(state: Tree, inputs: jax.Array, labels: jax.Array, order: jax.Array) -> tuple[Tree, jax.Array]:
        state, losses = jax.lax.scan(partial(step, inputs, labels), state, order)
        return state, losses.mean()

    return epoch


class _Peer:
    def __init__(self, work: Work, runs: np.ndarray, forward: Forward | None = None) -> None:
        self._forward = forward or dense_layers(work)
        self._work, self._runs, self._data = work, runs, data_of(work, runs)
        inputs, labels = floats(work)
        self._inputs, self._labels = jnp.asarray(inputs), jnp.asarray(labels, jnp.int32)
        self._updates = updates_of(work, self._data)
        self._first = first_weights(work, runs)
        self._losses: dict[tuple[int, int], float] = {}

    def losses(self) -> dict[tuple[int, int], float]:
        """Mean training loss by run and epoch."""
        return self._losses

    def _fresh(self, places: Any) -> Tree:
        """Parameters, both moments, time and key; a leading axis where `places` has one."""
        seeds = jnp.asarray(self._runs[places])
        weights = [np.moveaxis(first[places], seeds.ndim, -1) for first in self._first]  # units last
        parameters = [(jnp.array(w), jnp.zeros((*seeds.shape, w.shape[-1]))) for w in weights]
        keys = jax.vmap(jax.random.key)(seeds) if seeds.ndim else jax.random.key(seeds)
        # Every buffer of its own: they are donated.
        moments = [jax.tree.map(jnp.zeros_like, parameters) for _ in range(2)]
        return parameters, *moments, jnp.zeros(seeds.shape), keys


class OneByOne(_Peer):
    """One network after the other. A unit is an epoch of one run."""

    def __init__(self, work: Work, runs: np.ndarray, forward: Forward | None = None) -> None:
        super().__init__(work, runs, forward)
        self._epoch = jax.jit(epoch_of(self._forward), donate_argnums=0)
        self._order = cycle((place, epoch) for place in range(len(runs)) for epoch in range(1, EPOCHS_OF_A_RUN + 1))

    def turn(self, units: int) -> int:
        """Train; the updates that were done."""
        for _ in range(units):
            place, epoch = next(self._order)
            if epoch == 1:
                self._state = self._fresh(place)
            order = jnp.asarray(batches(self._work, self._data.take(np.array([place])), epoch)[0], jnp.int32)
            self._state, loss = self._epoch(self._state, self._inputs, self._labels, order)
            self._losses[int(self._runs[place]), epoch] = float(loss)
        jax.block_until_ready(self._state)
        return units * self._updates


class Vmapped(_Peer):
    """All networks at once, by `vmap`. A unit is an epoch of all runs."""

    def __init__(self, work: Work, runs: np.ndarray, forward: Forward | None = None) -> None:
        super().__init__(work, runs, forward)
        self._epoch = jax.jit(jax.vmap(epoch_of(self._forward), in_axes=(0, None, None, 0)), donate_argnums=0)
        self._state = self._fresh(np.arange(len(runs)))
        self._number = 0

    def turn(self, units: int) -> int:
        """Train; the updates of single runs that were done."""
        for _ in range(units):
            self._number += 1
            order = jnp.asarray(batches(self._work, self._data, self._number), jnp.int32)
            self._state, losses = self._epoch(self._state, self._inputs, self._labels, order)
            for run, loss in zip(self._runs, np.asarray(losses), strict=True):
                self._losses[int(run), self._number] = float(loss)
        jax.block_until_ready(self._state)
        return units * self._updates * len(self._runs)
