"""The compiled update of one run: penalties and optimizer, fused, over blocks of the flat row that stay in the
first-level cache.

`numbers` is one row of float32 in the order of `NUMBERS`: everything a rule of `OPTIMIZERS` or `PENALTIES` may read at
a step.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.kernels.compiled.jit import ONE, ZERO, compiled, summing
from workbench.engine.kernels.compiled.part import part

CODES = {name: code for code, name in enumerate(("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"))}
_SGD, _MOMENTUM, _NESTEROV, _ADAGRAD, _RMSPROP, _ADAM = range(6)

VARYING = ("learning_rate", "momentum", "next_momentum", "bias1", "bias2")
CONSTANT = ("alpha", "beta1", "beta2", "epsilon", "l1", "l2", "decay", "l1_proximal", "max_norm")
NUMBERS = VARYING + CONSTANT
(_RATE, _LAMBDA, _NEXT, _BIAS1, _BIAS2, _ALPHA, _BETA1, _BETA2, _EPSILON, _L1, _L2, _DECAY, _PROXIMAL, _MAX_NORM) = (
    range(14)
)
_BLOCK = 4096  # elements


@compiled
def update(code, w, g, first, second, at, weights_end, numbers):
    """One update of a run's row of w, which begins at `at`, by the gradient row g;

    first and second are its slots, where the optimizer has them, in rows like those of w.
    """
    for start in range(0, g.size, _BLOCK):
        size = min(_BLOCK, g.size - start)
        # Only what lies before weights_end is penalised; w and g of this block are still in cache when the optimizer
        # comes.
        penalised = min(size, max(weights_end - start, 0))
        w_of, g_of = part(w, at + start, size), part(g, start, size)
        _before(part(w, at + start, penalised), g_of, numbers)
        _optimize(code, w_of, g_of, part(first, at + start, size), part(second, at + start, size), numbers)
        if numbers[_PROXIMAL] > ZERO:
            _shrink(part(w, at + start, penalised), numbers[_RATE] * numbers[_PROXIMAL])


@compiled
def keep_within_norm(w, at, rows, fan_in, largest):
    """Scale every row of weights (rows, fan_in), from `at` on, whose norm is over `largest` back to it."""
    for row in range(rows):
        weights = part(w, at + row * fan_in, fan_in)
        norm = _norm(weights)
        if norm > largest:
            for i in range(fan_in):
                weights[i] *= largest / norm


@summing
def _norm(weights):
    square = ZERO
    for i in range(weights.size):
        square += weights[i] * weights[i]
    return np.sqrt(square)


@compiled
def _before(w, g, numbers):
    l1, l2, keep = numbers[_L1], numbers[_L2], ONE - numbers[_RATE] * numbers[_DECAY]
    if l1 > ZERO:
        for i in range(w.size):
            g[i] += l1 * (np.float32(w[i] > ZERO) - np.float32(w[i] < ZERO))
    if l2 > ZERO:
        for i in range(w.size):
            g[i] += l2 * w[i]
    if keep != ONE:
        for i in range(w.size):
            w[i] *= keep


@compiled
def _shrink(w, threshold):
    for i in range(w.size):
        w[i] = max(w[i] - threshold, ZERO) + min(w[i] + threshold, ZERO)


@compiled
def _optimize(code, w, g, first, second, numbers):
    rate, momentum, epsilon = numbers[_RATE], numbers[_LAMBDA], numbers[_EPSILON]
    if code == _ADAM:
        _adam(w, g, first, second, numbers)
    elif code == _SGD:
        for i in range(w.size):
            w[i] -= rate * g[i]
    elif code == _MOMENTUM:
        for i in range(w.size):
            first[i] = momentum * first[i] - rate * g[i]
            w[i] += first[i]
    elif code == _NESTEROV:
        ahead = numbers[_NEXT]
        for i in range(w.size):
            step = rate * g[i]
            first[i] = momentum * first[i] - step
            w[i] = w[i] - step + ahead * first[i]
    elif code == _ADAGRAD:
        for i in range(w.size):
            first[i] += g[i] * g[i]
            w[i] -= rate * g[i] / (np.sqrt(first[i]) + epsilon)
    else:
        alpha = numbers[_ALPHA]
        for i in range(w.size):
            first[i] = alpha * first[i] + (ONE - alpha) * (g[i] * g[i])
            w[i] -= rate * g[i] / (np.sqrt(first[i]) + epsilon)


@compiled
def _adam(w, g, first, second, numbers):
    beta1, beta2, epsilon = numbers[_BETA1], numbers[_BETA2], numbers[_EPSILON]
    step, correction = numbers[_RATE] / numbers[_BIAS1], ONE / numbers[_BIAS2]
    for i in range(w.size):
        m = beta1 * first[i] + (ONE - beta1) * g[i]
        v = beta2 * second[i] + (ONE - beta2) * (g[i] * g[i])
        first[i], second[i] = m, v
        w[i] -= step * m / (np.sqrt(v * correction) + epsilon)
