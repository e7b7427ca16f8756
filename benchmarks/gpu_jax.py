"""JAX as a contestant on a GPU: one jitted function scans the steps of an epoch of all networks, by `vmap`."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.gpu_works import LEARNING_RATE, RATE, Work, data_of, first_weights, floats, orders, updates_of

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
EPOCHS_AHEAD = 2  # orders kept on the device, used in turn
Tree = Any


def loss_of(work: Work, parameters: Tree, x: jax.Array, labels: jax.Array, key: jax.Array) -> jax.Array:
    """Mean cross-entropy of a minibatch of one run."""
    filters, dense = parameters[: len(work.channels)], parameters[len(work.channels) :]
    if filters:
        x = features_of(work, filters, x)
    for number, (weights, biases) in enumerate(dense[:-1]):
        x = jax.nn.relu(x @ weights + biases)
        keep = jax.random.bernoulli(jax.random.fold_in(key, number), 1 - RATE, x.shape)
        x = jnp.where(keep, x / (1 - RATE), 0)
    weights, biases = dense[-1]
    log_probabilities = jax.nn.log_softmax(x @ weights + biases)
    return -jnp.take_along_axis(log_probabilities, labels[:, None], axis=1).mean()


def features_of(work: Work, filters: Tree, x: jax.Array) -> jax.Array:
    """What the dense layers read: convolutions over (batch, height, width, channels), ReLU, and pooling of 2 x 2."""
    x = x.reshape(-1, *work.image)
    for weights, biases in filters:
        x = jax.lax.conv_general_dilated(
            x, weights, (1, 1), work.padding.upper(), dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        x = jax.nn.relu(x + biases)
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return x.reshape(len(x), -1)


def step(work: Work, inputs: jax.Array, labels: jax.Array, state: Tree, index: jax.Array) -> tuple[Tree, jax.Array]:
    """One update of one run by Adam."""
    parameters, m, v, t, key = state
    key, own = jax.random.split(key)
    loss, g = jax.value_and_grad(partial(loss_of, work))(parameters, inputs[index], labels[index], own)
    t = t + 1
    m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, g)
    v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, g)
    rate, correction = LEARNING_RATE / (1 - BETA1**t), 1 / (1 - BETA2**t)
    parameters = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v * correction) + EPSILON), parameters, m, v)
    return (parameters, m, v, t, key), loss


class Vmapped:
    """All networks at once. `precision` as `jax.default_matmul_precision` has it: highest is float32."""

    def __init__(self, work: Work, precision: str = "highest") -> None:
        jax.config.update("jax_default_matmul_precision", precision)
        data, runs = data_of(work), np.arange(work.runs)
        self._inputs, self._labels = (jnp.asarray(part) for part in floats(work))
        self.run_steps = updates_of(work, data) * work.runs
        numbers = range(1, EPOCHS_AHEAD + 1)
        self._orders = [jnp.asarray(orders(work, data, epoch)) for epoch in numbers]
        first = first_weights(work)
        for number, layer in enumerate(work.architecture.layers[: len(work.channels)]):
            first[number] = first[number].reshape(-1, layer.kernel, layer.kernel, layer.inputs[-1], layer.units)
        parameters = [(jnp.array(w), jnp.zeros((work.runs, w.shape[-1]))) for w in first]
        moments = [jax.tree.map(jnp.zeros_like, parameters) for _ in range(2)]
        self._state = (parameters, *moments, jnp.zeros(work.runs), jax.vmap(jax.random.key)(runs))

        def epoch(state: Tree, inputs: jax.Array, labels: jax.Array, order: jax.Array) -> tuple[Tree, jax.Array]:
            state, losses = jax.lax.scan(partial(step, work, inputs, labels), state, order)
            return state, losses.mean()

        self._epoch = jax.jit(jax.vmap(epoch, in_axes=(0, None, None, 0)), donate_argnums=0)

    def epoch(self, number: int) -> float:
        """Train an epoch; the mean training loss."""
        order = self._orders[number % EPOCHS_AHEAD]
        self._state, losses = self._epoch(self._state, self._inputs, self._labels, order)
        jax.block_until_ready(self._state)
        return float(losses.mean())
