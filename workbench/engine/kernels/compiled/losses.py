"""The compiled form of each loss: it overwrites the output layer's z with dl/dz, and sums losses and hits of the batch.

z (batch * outputs,) is float32, row after row; labels (batch,) integers; values (batch * outputs,) float32, of a
regression. `scale` multiplies dl/dz: 1 / batch while training. Returns (sum of losses, number of hits);
`engine.classes` defines a hit.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.kernels.compiled.elementary import exp, tanh
from workbench.engine.kernels.compiled.jit import HALF, ONE, ZERO, compiled
from workbench.engine.kernels.compiled.part import part

CODES = {
    name: code
    for code, name in enumerate(("cross_entropy", "binary_cross_entropy", "squared_error", "softmax_squared_error"))
}
_CROSS_ENTROPY, _BINARY, _SQUARED, _SOFTMAX_SQUARED = range(4)
_LOWEST = np.float32(-np.inf)


@compiled
def judge(code, z, outputs, labels, values, scale):
    """Sum of losses and number of hits; z <- scale * dl/dz."""
    if code == _CROSS_ENTROPY:
        return _cross_entropy(z, outputs, labels, scale)
    if code == _BINARY:
        return _binary(z, labels, scale)
    if code == _SQUARED:
        return _squared(z, values, scale)
    if code == _SOFTMAX_SQUARED:
        return _softmax_squared(z, outputs, labels, scale)
    raise ValueError("no loss has that code")


@compiled
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


@compiled
def _exponentiate(z):
    for i in range(z.size):
        z[i] = exp(z[i])


@compiled
def _cross_entropy(z, outputs, labels, scale):
    hits, own = _shift(z, outputs, labels)
    _exponentiate(z)
    loss = -own
    for i in range(labels.size):
        row, total = part(z, i * outputs, outputs), ZERO
        for k in range(outputs):
            total += row[k]
        loss += np.float64(np.log(total))
        share = scale / total
        for k in range(outputs):
            row[k] *= share
        row[labels[i]] -= scale
    return loss, hits


@compiled
def _binary(z, labels, scale):
    loss, hits = 0.0, 0
    for i in range(z.size):
        logit, target = z[i], np.float32(labels[i])
        loss += np.float64(max(logit, ZERO) + np.log1p(np.exp(-abs(logit))) - target * logit)
        hits += (logit if target > ZERO else -logit) > ZERO
        z[i] = (tanh(logit * HALF) * HALF + HALF - target) * scale
    return loss, hits


@compiled
def _squared(z, values, scale):
    loss = 0.0
    for i in range(z.size):
        error = z[i] - values[i]
        loss += 0.5 * np.float64(error) * np.float64(error)
        z[i] = error * scale
    return loss, 0


@compiled
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
