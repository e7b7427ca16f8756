"""The loops over images of the compiled kernel: convolution, the gradients of its weights, and pooling, of a block.

The numbers of a block of examples lie with the examples innermost, (numbers, lanes): the lanes of a vector are
examples, every window of a convolution is a few rows of memory, and nothing is copied into patches. A stage is a
convolution with what follows it until the next one, and has a row of `STAGE_COLUMNS` integers.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.kernels.compiled.jit import ONE, ZERO, compiled, inner
from workbench.engine.kernels.compiled.native import floats, integers
from workbench.engine.kernels.compiled.part import part
from workbench.engine.kernels.compiled.pool_tile import keep_largest, to_winners
from workbench.engine.kernels.compiled.products import BIASES_PLACE, COLUMN_COUNT, ROW_COUNT, UNIT_COUNT, WEIGHTS_PLACE
from workbench.engine.kernels.compiled.sums import total
from workbench.engine.kernels.compiled.tile import LANES
from workbench.engine.kernels.compiled.window_tile import (
    SUM_COLUMNS,
    SUM_ROWS,
    USUAL_COLUMNS,
    WINDOW_HEIGHTS,
    WINDOW_VECTORS,
    multiply_window,
    sum_of_products,
)

# The columns of a stage's row: those of `products`; its windows over the image it reads; its pooling; and where its
# numbers begin in a block: what it reads, z, a, what its pooling leaves, and masks.
IMAGE_HEIGHT, IMAGE_WIDTH, CHANNELS, KERNEL, FILTERS, ABOVE, LEFT, DOWN, ACROSS, STRIDE = range(11, 21)
POOL_KIND, POOL_SIZE, POOLED_DOWN, POOLED_ACROSS, READS_AT, Z_AT, A_AT, POOLED_AT, MASK_AT = range(21, 30)
STAGE_COLUMNS = 30
NO_POOL, MAX_POOL, AVERAGE_POOL = range(3)
_MOST_FILTERS, _MANY_FILTERS = WINDOW_HEIGHTS[:2]
_HIGH, _WIDE = SUM_ROWS[0], SUM_COLUMNS[0]


def convolve(stage_at, weights_at, biases_at, image_at, z_at, lanes, first, end):
    """Rows `first` to `end` of the places, written to z (places, filters, lanes) = the biases (filters,) plus the
    products of weights (filters, kernel, kernel, channels) with the windows of an image (height, width, channels,
    lanes). What lies beyond its border is zero, so only what lies within is summed.
    """
    stage, weights, biases = integers(stage_at, STAGE_COLUMNS), floats(weights_at, 1), floats(biases_at, 1)
    image, z = floats(image_at, 1), floats(z_at, 1)
    height, width, channels, kernel = stage[IMAGE_HEIGHT], stage[IMAGE_WIDTH], stage[CHANNELS], stage[KERNEL]
    filters, across, stride = stage[FILTERS], stage[ACROSS], stage[STRIDE]
    for y in range(first, end):
        top = y * stride - stage[ABOVE]
        skipped, outer = max(0, -top), min(kernel, height - top) - max(0, -top)
        for x in range(across):
            left = x * stride - stage[LEFT]
            start, steps = max(0, -left), min(kernel, width - left) - max(0, -left)
            _multiply(
                filters, weights, (skipped * kernel + start) * channels, kernel, channels, image,
                (top + skipped) * width + left + start, width, biases, z, (y - first) * across + x, outer, steps, lanes,
            )  # fmt: skip


def convolve_back(stage_at, turned_at, zeros_at, z_at, back_at, lanes):
    """back (height, width, channels, lanes) = dl/d what a stage reads, from dl/dz (places, filters, lanes): a
    convolution by the weights turned round, (channels, kernel, kernel, filters).

    With a stride only every so many-th weight along an axis meets a window at a pixel, and which ones depends on the
    pixel's remainder. The turned weights lie remainder by remainder (`turned_place`).
    """
    stage, weights, zeros = integers(stage_at, STAGE_COLUMNS), floats(turned_at, 1), floats(zeros_at, 1)
    z, back = floats(z_at, 1), floats(back_at, 1)
    width, channels, kernel, filters = stage[IMAGE_WIDTH], stage[CHANNELS], stage[KERNEL], stage[FILTERS]
    down, across, stride = stage[DOWN], stage[ACROSS], stage[STRIDE]
    for y in range(stage[IMAGE_HEIGHT]):
        weight_y, top, high = _met(y + stage[ABOVE], kernel, stride)
        skipped, outer = max(0, -top), min(high, down - top) - max(0, -top)
        for x in range(width):
            weight_x, left, wide = _met(x + stage[LEFT], kernel, stride)
            start, steps = max(0, -left), min(wide, across - left) - max(0, -left)
            _multiply(
                channels, weights, ((weight_y + skipped) * kernel + weight_x + start) * filters, kernel, filters, z,
                (top + skipped) * across + left + start, across, zeros, back, y * width + x, outer, steps, lanes,
            )  # fmt: skip


@compiled
def turned_place(weight, kernel, stride):
    """The place of a weight along an axis of the turned weights: by remainders, and within these backwards."""
    remainder = weight % stride
    before = remainder * (kernel // stride) + min(remainder, kernel % stride)
    return before + _with_remainder(remainder, kernel, stride) - 1 - weight // stride


@inner
def _met(pixel, kernel, stride):
    """Along an axis, of a pixel counted from where the first window begins: the first of its turned weights, the place
    that this one meets, and how many there are.
    """
    if stride == 1:  # without a division at every pixel
        return 0, pixel - kernel + 1, kernel
    remainder, count = pixel % stride, _with_remainder(pixel % stride, kernel, stride)
    return remainder * (kernel // stride) + min(remainder, kernel % stride), pixel // stride - count + 1, count


@inner
def _with_remainder(remainder, kernel, stride):
    return kernel // stride + (1 if remainder < kernel % stride else 0)


@inner
def _multiply(rows, weights, weight, kernel, depth, image, pixel, width, first, c, place, outer, steps, lanes):
    """All rows of a place of c, (places, rows, lanes): the products of weights (rows, kernel, kernel, depth) from
    `weight` on with an image (pixels, depth, lanes), `width` pixels across, from `pixel` on; so many window rows of so
    many pixels.
    """
    columns, target = kernel * kernel * depth, place * rows * lanes
    for lane in range(0, lanes, WINDOW_VECTORS * LANES):
        vectors, row = min(WINDOW_VECTORS, (lanes - lane) // LANES), 0
        while row < rows:
            size = _tile_height(rows - row)
            multiply_window(
                size, vectors, weights, weight + row * columns, columns, kernel * depth, image,
                pixel * depth * lanes + lane, lanes, width * depth * lanes, first, row, c, target + row * lanes + lane,
                lanes, outer, steps * depth,
            )  # fmt: skip
            row += size


@inner
def _tile_height(missing):
    """How many of the filters that are missing a tile takes."""
    if missing >= _MOST_FILTERS:
        return _MOST_FILTERS
    return _MANY_FILTERS if missing >= _MANY_FILTERS else 2 if missing >= 2 else 1


def gradients(stage_at, block_at, g_at, is_first, lanes):
    """The gradients of a stage's weights and biases, from dl/dz in the place of z; added to g unless `is_first`."""
    stage, maps, g = integers(stage_at, STAGE_COLUMNS), floats(block_at, 1), floats(g_at, 1)
    _of_biases(stage, maps, lanes, g, is_first != 0)
    _of_weights(stage, maps, lanes, g, is_first != 0)


@inner
def _of_weights(stage, maps, lanes, g, is_first):
    """The gradients of the shared weights: the sum over all places and examples of dl/dz times what the weight read.

    Weights of one row of a window lie beside each other, and so does what they read. So they are summed together, over
    the places from which as much of such a row lies within the image.
    """
    height, width, channels = stage[IMAGE_HEIGHT], stage[IMAGE_WIDTH], stage[CHANNELS]
    kernel, rows, columns, stride = stage[KERNEL], stage[ROW_COUNT], stage[COLUMN_COUNT], stage[STRIDE]
    down, across = stage[DOWN], stage[ACROSS]
    reads_at, z_at = stage[READS_AT] * lanes, stage[Z_AT] * lanes
    if is_first:
        whole = part(g, stage[WEIGHTS_PLACE], rows * columns)
        for i in range(whole.size):
            whole[i] = ZERO
    for ky in range(kernel):
        shift = ky - stage[ABOVE]
        top = max(0, -(shift // stride))
        many, x = min(down, (height - 1 - shift) // stride + 1) - top, 0
        while x < across and many > 0:
            left = x * stride - stage[LEFT]
            start, end = max(0, -left), min(kernel, width - left)
            wide = 1
            if start == 0 and end == kernel:
                wide = min(across, (width - kernel + stage[LEFT]) // stride + 1) - x
            of_z = z_at + (top * across + x) * rows * lanes
            pixels = reads_at + ((top * stride + shift) * width + left + start) * channels * lanes
            target = stage[WEIGHTS_PLACE] + (ky * kernel + start) * channels
            _sums(
                maps, of_z, rows * lanes, across * rows * lanes, rows, pixels, stride * channels * lanes,
                stride * width * channels * lanes, (end - start) * channels, g, target, columns, many, wide, lanes,
            )  # fmt: skip
            x += wide


@inner
def _sums(maps, z_at, z_across, z_down, rows, x_at, x_across, x_down, columns, g, g_at, g_row, down, across,
          lanes):  # fmt: skip
    row = 0
    while row < rows:
        height, column = _HIGH if rows - row >= _HIGH else 1, 0
        while column < columns:
            more = columns - column
            width = _WIDE if more % _WIDE == 0 else min(more, USUAL_COLUMNS)
            sum_of_products(
                height, width, maps, z_at + row * lanes, lanes, z_across, z_down, maps, x_at + column * lanes, lanes,
                x_across, x_down, g, g_at + row * g_row + column, g_row, down, across, lanes,
            )  # fmt: skip
            column += width
        row += height


@inner
def _of_biases(stage, maps, lanes, g, is_first):
    rows, z_at = stage[ROW_COUNT], stage[Z_AT] * lanes
    target = part(g, stage[BIASES_PLACE], rows)
    places = stage[DOWN] * stage[ACROSS]
    for row in range(rows):
        found = ZERO if is_first else target[row]
        for place in range(places):
            found += total(part(maps, z_at + (place * rows + row) * lanes, lanes))
        target[row] = found


@compiled
def pool(stage, a, pooled, pooled_at, lanes, y):
    """Row y of what the pooling of a stage leaves, in the map from `pooled_at` on, of the rows of a that it reads: of
    each tile the largest, the mean, or all of it.
    """
    units, across = stage[UNIT_COUNT] * lanes, stage[ACROSS]
    kind, size = stage[POOL_KIND], stage[POOL_SIZE]
    share = ONE / np.float32(size * size)
    for x in range(stage[POOLED_ACROSS]):
        a_at, target_at = x * size * units, pooled_at + (y * stage[POOLED_ACROSS] + x) * units
        if kind == MAX_POOL:
            keep_largest(a, a_at, pooled, target_at, units, across * units, size, units)
            continue
        target = part(pooled, target_at, units)
        for row in range(size):
            for column in range(size):
                source = part(a, a_at + (row * across + column) * units, units)
                if row + column == 0:
                    for i in range(units):
                        target[i] = source[i]
                else:
                    for i in range(units):
                        target[i] += source[i]
        if kind == AVERAGE_POOL:
            for i in range(units):
                target[i] *= share


@compiled
def pool_back(stage, maps, back, dl_da, dl_da_at, lanes, y):
    """dl/da of the places that a row of the pooling reads, from `dl_da_at` on, from that of what the row left."""
    units, across, pooled_across = stage[UNIT_COUNT] * lanes, stage[ACROSS], stage[POOLED_ACROSS]
    kind, size = stage[POOL_KIND], stage[POOL_SIZE]
    a_at, share = (stage[A_AT] * lanes) + y * size * across * units, ONE / np.float32(size * size)
    if pooled_across * size < across:  # what is left over at the border gets nothing
        fill_zeros(part(dl_da, dl_da_at, size * across * units))
    for x in range(pooled_across):
        upper_at, first = (y * pooled_across + x) * units, x * size * units
        if kind == MAX_POOL:
            to_winners(maps, a_at + first, back, upper_at, dl_da, dl_da_at + first, units, across * units, size, units)
            continue
        upper = part(back, upper_at, units)
        for row in range(size):
            for column in range(size):
                target = part(dl_da, dl_da_at + first + (row * across + column) * units, units)
                for i in range(units):
                    target[i] = upper[i] * share


@inner
def fill_zeros(x):
    """x <- 0."""
    for i in range(x.size):
        x[i] = ZERO
