"""The examples of a split as the compiled passes read them: which ones a minibatch has, and their inputs, scaled."""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from workbench.engine.kernels.compiled.jit import inner
from workbench.engine.kernels.compiled.native import FLOAT_BYTES, fetch
from workbench.engine.kernels.compiled.part import part

# Examples as the passes read them, all flat, row after row. images are bytes, floats are float32 inputs; one of the two
# is empty, so that one compilation serves both. index, labels and values (of a regression, else empty): each run's own
# on its split. scale and shift (runs, features); slope (runs,), left of zero; shape: height, width and channels of an
# image.
Examples = namedtuple("Examples", "images floats index labels values scale shift slope shape")
SOON, _CACHE_LINE = 4, 64  # how many examples later one is fetched for; bytes of a cache line


@inner
def read(examples, run, rows, x):
    """Write to x (batch * features,) the run's scaled and shifted examples with the numbers `rows` (batch,)."""
    images, floats, features = examples.images, examples.floats, examples.scale.shape[1]
    scale, shift = examples.scale[run], examples.shift[run]
    for i in range(rows.size):
        _fetch_soon(examples, rows, i, features)
        target, start = part(x, i * features, features), rows[i] * features
        if images.size > 0:
            pixels = part(images, start, features)
            for j in range(features):
                target[j] = np.float32(pixels[j]) * scale[j] + shift[j]
        else:
            numbers = part(floats, start, features)
            for j in range(features):
                target[j] = numbers[j] * scale[j] + shift[j]


@inner
def _fetch_soon(examples, rows, i, features):
    """Begin to fetch the example that is read soon after number i: it lies anywhere, so no processor would guess it."""
    if i + SOON < rows.size:
        start = rows[i + SOON] * features
        if examples.images.size > 0:
            fetch_pixels(examples.images, start, features)
        else:
            for j in range(0, features, _CACHE_LINE // FLOAT_BYTES):
                fetch(examples.floats, start + j)


@inner
def fetch_pixels(images, start, features):
    """Begin to fetch an image."""
    for j in range(0, features, _CACHE_LINE):
        fetch(images, start + j)


@inner
def read_moved(examples, run, rows, moves, x):
    """The same for images, each moved by `moves` (batch, 2) pixels down and to the right. What moves in is 0."""
    height, width, channels = examples.shape
    features, across = height * width * channels, width * channels
    scale, shift = examples.scale[run], examples.shift[run]
    for i in range(rows.size):
        _fetch_soon(examples, rows, i, features)
        down, right = np.int64(moves[i, 0]), np.int64(moves[i, 1]) * channels
        for y in range(height):
            at = y * across
            target, factors, added = (
                part(x, i * features + at, across),
                part(scale, at, across),
                part(shift, at, across),
            )
            for j in range(across):
                target[j] = added[j]
            if y - down < 0 or y - down >= height:
                continue
            source, first, last = (
                rows[i] * features + at - down * across - right,
                max(0, right),
                min(across, across + right),
            )
            if examples.images.size > 0:
                pixels = part(examples.images, source + first, last - first)
                for j in range(last - first):
                    target[first + j] = np.float32(pixels[j]) * factors[first + j] + added[first + j]
            else:
                numbers = part(examples.floats, source + first, last - first)
                for j in range(last - first):
                    target[first + j] = numbers[j] * factors[first + j] + added[first + j]


@inner
def choose(order, run, runs, start, batch, examples, outputs, scratch):
    """The rows, labels and values of a run's minibatch, `batch` positions of its order from `start` on."""
    count, order_length = examples.index.size // runs, order.size // runs
    chosen = part(order, run * order_length + start, batch)
    index, labels = part(examples.index, run * count, count), part(examples.labels, run * count, count)
    for i in range(batch):
        scratch.rows[i] = index[chosen[i]]
        scratch.labels[i] = labels[chosen[i]]
    if examples.values.size > 0:
        for i in range(batch):
            for k in range(outputs):
                scratch.values[i * outputs + k] = examples.values[(run * count + chosen[i]) * outputs + k]
