"""The compiled form of each loss: it overwrites the output layer's z with dl/dz, and sums losses and hits of the batch.

z (batch * outputs,) is float32, row after row; labels (batch,) integers; values (batch * outputs,) float32, of a
regression. `scale` multiplies dl/dz: 1 / batch while training. Returns (sum of losses, number of hits);
`engine.classes` defines a hit. Each loss is a function that is called by its address, so only the one in use is
compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from workbench.engine.backend import zeros
from workbench.engine.kernels.compiled import softmax
from workbench.engine.kernels.compiled.elementary import bits_of, exp, float_of, tanh
from workbench.engine.kernels.compiled.jit import HALF, ONE, ZERO, inner
from workbench.engine.kernels.compiled.native import address_of, call, doubles, floats, integers
from workbench.engine.kernels.compiled.part import part
from workbench.engine.kernels.compiled.rule_loops import address, called
from workbench.engine.kernels.compiled.softmax import kept_by

_LOWEST = np.float32(-np.inf)
_SUMS = 8  # of which two are used: what a loss keeps lies behind them, on a cache line
_DOUBLE_BYTES = 8


@inner
def judge(loop, z, outputs, labels, values, scale, judged):
    """Sum of losses and number of hits by the loss at the address `loop`; z <- scale * dl/dz. `judged` is scratch of
    `judging_scratch`.
    """
    z_at, labels_at, values_at = address_of(z, 0), address_of(labels, 0), address_of(values, 0)
    bits = np.int64(bits_of(scale))
    call(loop, (z_at, outputs, labels_at, values_at, labels.size, bits, address_of(judged, 0)))
    return judged[0], judged[1]


def judging_scratch(batch: int, outputs: int) -> np.ndarray:
    """Room for the sums of a batch, and for what a loss keeps while it works, in float64."""
    return zeros((_SUMS + -(-kept_by(batch, outputs) // 2),), np.float64, np)


@cache
def loss_loop(name: str) -> int:
    """The address of a loss, compiled."""
    return address(LOSS_LOOPS[name])


def run_loss(name: str, z: np.ndarray, labels: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Sum of losses and number of hits of a batch, computed by a loss's loop; z (batch, outputs) <- dl/dz."""
    judged, one = judging_scratch(*z.shape), int(np.float32(1).view(np.int32))
    z_at, labels_at, values_at, judged_at = (array.ctypes.data for array in (z, labels, values, judged))
    called(loss_loop(name), z_at, z.shape[1], labels_at, values_at, len(z), one, judged_at)
    return float(judged[0]), float(judged[1])


@inner
def _shift(z, outputs, labels):
    """Subtract each row's largest logit.

    Returns the number of rows in which only the true class has the largest logit, and the sum of the true classes'
    shifted logits.
    """
    hits, own = 0, 0.0
    for i in range(labels.size):
        row, largest, below = part(z, i * outputs, outputs), _LOWEST, 0
        score = row[labels[i]]
        for k in range(outputs):
            largest = max(row[k], largest)  # in this order NaN stays NaN
            below += row[k] < score
        hits += below == outputs - 1
        for k in range(outputs):
            row[k] -= largest
        own += np.float64(row[labels[i]])
    return hits, own


@inner
def _exponentiate(z):
    for i in range(z.size):
        z[i] = exp(z[i])


@inner
def _binary(z, labels, scale):
    loss, hits = 0.0, 0
    for i in range(z.size):
        logit, target = z[i], np.float32(labels[i])
        loss += np.float64(max(logit, ZERO) + np.log1p(np.exp(-abs(logit))) - target * logit)
        hits += (logit if target > ZERO else -logit) > ZERO
        z[i] = (tanh(logit * HALF) * HALF + HALF - target) * scale
    return loss, hits


@inner
def _squared(z, values, scale):
    loss = 0.0
    for i in range(z.size):
        error = z[i] - values[i]
        loss += 0.5 * np.float64(error) * np.float64(error)
        z[i] = error * scale
    return loss, 0


@inner
def _softmax_squared(z, outputs, labels, scale):
    hits, _ = _shift(z, outputs, labels)
    _exponentiate(z)
    loss = 0.0
    for i in range(labels.size):
        row, total = part(z, i * outputs, outputs), ZERO
        for k in range(outputs):
            total += row[k]
        mixed = ZERO
        for k in range(outputs):
            row[k] /= total
            error = row[k] - (ONE if k == labels[i] else ZERO)
            loss += 0.5 * np.float64(error) * np.float64(error)
            mixed += error * row[k]
        for k in range(outputs):
            error = row[k] - (ONE if k == labels[i] else ZERO)
            row[k] *= (error - mixed) * scale
    return loss, hits


def cross_entropy(z_at, outputs, labels_at, values_at, count, scale_bits, judged_at):
    """The loop of cross_entropy."""
    z, labels, scale = floats(z_at, count * outputs), integers(labels_at, count), float_of(np.int32(scale_bits))
    kept = floats(judged_at + _DOUBLE_BYTES * _SUMS, 0)
    _note(softmax.cross_entropy(z, outputs, labels, scale, kept), judged_at)


def binary_cross_entropy(z_at, outputs, labels_at, values_at, count, scale_bits, judged_at):
    """The loop of binary_cross_entropy."""
    z, labels, scale = floats(z_at, count * outputs), integers(labels_at, count), float_of(np.int32(scale_bits))
    _note(_binary(z, labels, scale), judged_at)


def squared_error(z_at, outputs, labels_at, values_at, count, scale_bits, judged_at):
    """The loop of squared_error."""
    size = count * outputs
    _note(_squared(floats(z_at, size), floats(values_at, size), float_of(np.int32(scale_bits))), judged_at)


def softmax_squared_error(z_at, outputs, labels_at, values_at, count, scale_bits, judged_at):
    """The loop of softmax_squared_error."""
    z, labels, scale = floats(z_at, count * outputs), integers(labels_at, count), float_of(np.int32(scale_bits))
    _note(_softmax_squared(z, outputs, labels, scale), judged_at)


@inner
def _note(found, judged_at):
    judged = doubles(judged_at, 2)
    judged[0], judged[1] = found


LOSS_LOOPS: dict[str, Callable[..., None]] = {
    loop.__name__: loop for loop in (cross_entropy, binary_cross_entropy, squared_error, softmax_squared_error)
}
