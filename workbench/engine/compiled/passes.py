"""The compiled passes of one run over its row of the buffer: forward, backward, and whole epochs of them.

`places` (layers, 6) int64 tells each layer's offsets of weights, biases and slopes in the row, its rows, fan_in and
units. `scratch` holds the activations of one batch; products are BLAS's, through `np.dot`.
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from workbench.engine.compiled import activations, losses
from workbench.engine.compiled.jit import ONE, ZERO, compiled
from workbench.engine.compiled.masks import apply_fresh_mask
from workbench.engine.compiled.update import NUMBERS, keep_within_norm, update

# Flat float32 buffers for one batch: what the network reads; by layer z, a, what is left of a after its mask, and the
# mask
# (index 0 is the inputs' mask); dl/da of the layer the backward pass is at; slopes to read; integers for exp.
Scratch = namedtuple("Scratch", "x z a masked mask dl_da slope bits")
_WEIGHTS, _BIASES, _SLOPES, _ROWS, _FAN_IN, _UNITS = range(6)
_MAX_NORM = NUMBERS.index("max_norm")


@compiled
def matrix(row, start, rows, columns):
    """A matrix that lies in a row of the buffer."""
    return row[start : start + rows * columns].reshape(rows, columns)


@compiled
def read(stored, index, scale, shift, x):
    """x (batch, features) <- stored[index] * scale + shift, in float32.

    `stored` is a pair, bytes and floats, of which one is empty: so one compilation serves images and other data.
    """
    images, floats = stored
    for i in range(x.shape[0]):
        if len(images) > 0:
            pixels = images[index[i]]
            for j in range(x.shape[1]):
                x[i, j] = np.float32(pixels[j]) * scale[j] + shift[j]
        else:
            features = floats[index[i]]
            for j in range(x.shape[1]):
                x[i, j] = features[j] * scale[j] + shift[j]


@compiled
def forward(w, places, activation, slope, batch, scratch, masked, keys, thresholds, scales):
    """z of the output layer, (batch, outputs), for the inputs in scratch.x. `masked`: whether fresh masks are drawn."""
    last = len(places) - 1
    width = batch * places[0, _FAN_IN]
    if masked and thresholds[0] > 0:
        x = scratch.x[:width]
        apply_fresh_mask(x, x, scratch.mask[0, :width], keys[0], thresholds[0], scales[0])
    read_from = scratch.x[:width].reshape(batch, places[0, _FAN_IN])
    for layer in range(last + 1):
        rows, fan_in, units = places[layer, _ROWS], places[layer, _FAN_IN], places[layer, _UNITS]
        weights = matrix(w, places[layer, _WEIGHTS], rows, fan_in)
        z = scratch.z[layer, : batch * rows].reshape(batch, rows)
        np.dot(read_from, weights.T, z)
        activations.add_bias(z, w[places[layer, _BIASES] : places[layer, _BIASES] + rows])
        if layer < last:
            a = scratch.a[layer, : batch * units]
            left = _slopes(w, places[layer], activation, slope, scratch.slope)
            activations.forward(activation, z, a.reshape(batch, units), left, scratch.bits)
            if masked and thresholds[layer + 1] > 0:
                kept, mask = scratch.masked[layer, : a.size], scratch.mask[layer + 1, : a.size]
                apply_fresh_mask(a, kept, mask, keys[layer + 1], thresholds[layer + 1], scales[layer + 1])
                a = kept
            read_from = a.reshape(batch, units)
    return scratch.z[last, : batch * places[last, _ROWS]].reshape(batch, places[last, _ROWS])


@compiled
def backward(w, g, places, activation, slope, batch, scratch, masked, thresholds):
    """Write the gradient row g, given dl/dz of the output layer in scratch.z."""
    for layer in range(len(places) - 1, -1, -1):
        rows, fan_in = places[layer, _ROWS], places[layer, _FAN_IN]
        dl_dz = scratch.z[layer, : batch * rows].reshape(batch, rows)
        dropped = masked and thresholds[layer] > 0
        if layer == 0:
            inputs = scratch.x[: batch * fan_in]
        else:
            inputs = scratch.masked[layer - 1, : batch * fan_in] if dropped else scratch.a[layer - 1, : batch * fan_in]
        np.dot(dl_dz.T, inputs.reshape(batch, fan_in), matrix(g, places[layer, _WEIGHTS], rows, fan_in))
        _column_sums(dl_dz, g[places[layer, _BIASES] : places[layer, _BIASES] + rows])
        if layer > 0:
            upper = scratch.dl_da[: batch * fan_in]
            np.dot(dl_dz, matrix(w, places[layer, _WEIGHTS], rows, fan_in), upper.reshape(batch, fan_in))
            if dropped:
                mask = scratch.mask[layer, : upper.size]
                for i in range(upper.size):
                    upper[i] *= mask[i]
            before = places[layer - 1]
            z = scratch.z[layer - 1, : batch * before[_ROWS]].reshape(batch, before[_ROWS])
            a = scratch.a[layer - 1, : upper.size].reshape(batch, fan_in)
            left = _slopes(w, before, activation, slope, scratch.slope)
            activations.backward(
                activation, upper.reshape(batch, fan_in), z, a, left, g[before[_SLOPES] : before[_SLOPES] + fan_in]
            )


@compiled
def _slopes(w, place, activation, slope, buffer):
    """The slopes left of zero of a layer's units:

    Learned ones where they lie in w, else the run's one slope for all.
    """
    if activation == activations.PRELU:
        return w[place[_SLOPES] : place[_SLOPES] + place[_UNITS]]
    buffer[:] = slope
    return buffer[: place[_UNITS]]


@compiled
def _column_sums(matrix, out):
    out[:] = ZERO
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            out[j] += matrix[i, j]


@compiled
def train_epoch(
    codes, places, weights_end, w, g, first, second, previous, stored, index, labels, values, scale, shift, slope,
    varying, constant, masked, keys, thresholds, scales, scratch,
):  # fmt: skip
    """All updates of an epoch for one run; (mean loss, mean accuracy) as the minibatches went by.

    codes: activation, loss, optimizer. index and labels (updates, batch), values (updates, batch, outputs), varying
    (updates, 5) and constant (9,) as in `update.NUMBERS`, keys (updates, layers). `previous` receives the weights
    before the last update.
    """
    activation, loss_code, optimizer = codes
    updates, batch = index.shape
    numbers = np.empty(varying.shape[1] + constant.size, np.float32)
    numbers[varying.shape[1] :] = constant
    total, hits = 0.0, 0
    for step in range(updates):
        numbers[: varying.shape[1]] = varying[step]
        if step == updates - 1:
            previous[:] = w
        read(stored, index[step], scale, shift, scratch.x[: batch * scale.size].reshape(batch, scale.size))
        z = forward(w, places, activation, slope, batch, scratch, masked, keys[step], thresholds, scales)
        losses_sum, right = losses.judge(
            loss_code, z, labels[step], values[step], ONE / np.float32(batch), scratch.bits
        )
        backward(w, g, places, activation, slope, batch, scratch, masked, thresholds)
        update(optimizer, w, g, first, second, weights_end, numbers)
        if numbers[_MAX_NORM] > ZERO:
            for layer in range(len(places)):
                place = places[layer]
                keep_within_norm(matrix(w, place[_WEIGHTS], place[_ROWS], place[_FAN_IN]), numbers[_MAX_NORM])
        total += losses_sum
        hits += right
    return total / (updates * batch), hits / (updates * batch)


@compiled
def evaluate(codes, places, w, stored, index, labels, values, scale, shift, slope, chunk, scratch):
    """Mean loss and accuracy of one run on a whole split, every unit in use; index and labels (examples,)."""
    total, hits = 0.0, 0
    unused = np.zeros(0, np.uint64), np.zeros(0, np.uint32), np.zeros(0, np.float32)
    for start in range(0, len(index), chunk):
        end = min(start + chunk, len(index))
        batch = end - start
        read(stored, index[start:end], scale, shift, scratch.x[: batch * scale.size].reshape(batch, scale.size))
        z = forward(w, places, codes[0], slope, batch, scratch, False, unused[0], unused[1], unused[2])
        losses_sum, right = losses.judge(codes[1], z, labels[start:end], values[start:end], ONE, scratch.bits)
        total += losses_sum
        hits += right
    return total / len(index), hits / len(index)
