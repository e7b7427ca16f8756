"""The compiled passes of one run: forward, backward, and whole epochs of them.

All arrays are flat: a matrix is stored row by row in a one-dimensional array from `at` on, and is accessed through a
`part` of it. `places` (layers, 11) int64 holds, for each layer, the offsets of its weights, biases and slopes in a
run's row, its rows, columns and units (`products`), and its loops.
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from workbench.engine.kernels.compiled import image_head, losses, nonzero_columns
from workbench.engine.kernels.compiled.example_reading import choose, read, read_moved
from workbench.engine.kernels.compiled.jit import ONE, ZERO, compiled, inlined, inner
from workbench.engine.kernels.compiled.masks import apply_fresh_mask
from workbench.engine.kernels.compiled.native import address_of, call, floats
from workbench.engine.kernels.compiled.part import part
from workbench.engine.kernels.compiled.products import (
    BACKWARD_LOOP,
    COLUMN_COUNT,
    FIXED_SLOPE,
    FORWARD_LOOP,
    OWN_SLOPES,
    ROW_COUNT,
    SLOPES_FROM,
    SLOPES_PLACE,
    UNIT_COUNT,
    WEIGHTS_PLACE,
    column_sums,
    through_weights,
    weight_gradient,
    weighted_sums,
)
from workbench.engine.kernels.compiled.subnormals import FLUSHING, float_control, set_float_control
from workbench.engine.kernels.compiled.update import keep_within_norm, update

# Buffers for one batch of one run. x: the network's inputs; nonzero: those not left out, see `nonzero_columns`. By
# layer: z; a; masked, a times its mask; mask, whose layer 0 belongs to the inputs. dl_da: of the layer that the
# backward pass has reached. slope: the slopes of that layer. panel, zeros and ones: for the products. rows, labels and
# values: of the minibatch. strides: how many numbers a layer has in z, and in a, masked and mask. features: what the
# first dense layer reads, x itself, or what the stages of a network of images leave of it. These have integers and
# numbers of their own, `images` and `maps`, and in `filters` the first columns of `places` for each stage; all three
# are empty in other networks. judged: see `losses`.
Scratch = namedtuple(
    "Scratch",
    "x nonzero z a masked mask dl_da slope panel zeros ones rows labels values judged strides features images maps "
    "filters",
)
# What the steps of an epoch read. constant (runs, numbers); varying (runs, updates, columns), whose column k replaces
# number `places[k]` at every step; max_norm (runs,), 0 for none; masked: whether a run has masks; moves (runs, updates,
# batch, 2): how far the images of a minibatch are moved, for 0 updates if none are; keys of the masks (runs, updates,
# layers); thresholds and scales (runs, layers).
# The last three are those of the dropout layers of a network's stages.
Timetable = namedtuple(
    "Timetable",
    "varying places constant max_norm masked moves keys thresholds scales image_keys image_thresholds image_scales",
)


@inlined
def forward(w, at, places, slope, batch, scratch, masked, run, step, timetable):
    """The forward pass of the run whose row of w begins at `at`, for the inputs in scratch.x. The z of every layer
    stays in scratch.z.

    `masked`: whether fresh masks are drawn, those of the run's step.
    """
    last = len(places) - 1
    of_z, of_a = scratch.strides
    x, x_at = scratch.features, 0
    if masked and timetable.thresholds[run, 0] > 0:
        _mask(x, 0, x, 0, scratch.mask, 0, batch * places[0, COLUMN_COUNT], run, step, 0, timetable)
    for layer in range(last + 1):
        z_at, a_at, rows, units = layer * of_z, layer * of_a, places[layer, ROW_COUNT], places[layer, UNIT_COUNT]
        if layer == 0 and nonzero_columns.are_left_out(scratch.nonzero):
            nonzero_columns.weighted_sums(w, at, places, x, batch, scratch.z, scratch.panel, scratch.nonzero)
        else:
            weighted_sums(w, at, places, layer, x, x_at, batch, scratch.z, z_at, scratch.panel)
        if layer < last:
            slope_at = slopes_of(w, at, places, layer, places[layer, SLOPES_FROM], slope, scratch.slope)
            z_from, a_from = address_of(scratch.z, z_at), address_of(scratch.a, a_at)
            call(places[layer, FORWARD_LOOP], (z_from, a_from, slope_at, batch, rows, units))
            x, x_at = scratch.a, a_at
            if masked and timetable.thresholds[run, layer + 1] > 0:
                size, mask_at = batch * units, a_at + of_a
                _mask(x, a_at, scratch.masked, a_at, scratch.mask, mask_at, size, run, step, layer + 1, timetable)
                x = scratch.masked


@inner
def _mask(source, source_at, target, target_at, mask, mask_at, size, run, step, layer, timetable):
    source, target, mask = part(source, source_at, size), part(target, target_at, size), part(mask, mask_at, size)
    key, threshold = timetable.keys[run, step, layer], timetable.thresholds[run, layer]
    apply_fresh_mask(source, target, mask, key, threshold, timetable.scales[run, layer])


@inlined
def backward(w, at, g, places, slope, batch, scratch, masked, run, timetable):
    """Write the gradient row g, given dl/dz of the output layer in scratch.z; dl/dz of every layer stays there."""
    of_z, of_a = scratch.strides
    for layer in range(len(places) - 1, -1, -1):
        columns, z_at, below = places[layer, COLUMN_COUNT], layer * of_z, (layer - 1) * of_a
        dropped = masked and timetable.thresholds[run, layer] > 0
        if layer == 0 and nonzero_columns.are_left_out(scratch.nonzero):
            x = scratch.features
            nonzero_columns.weight_gradient(
                scratch.z, batch, x, places, g, scratch.zeros, scratch.panel, scratch.nonzero
            )
        elif layer == 0:
            weight_gradient(scratch.z, z_at, batch, scratch.features, 0, places, layer, g, scratch.zeros, scratch.panel)
        else:
            x = scratch.masked if dropped else scratch.a
            weight_gradient(scratch.z, z_at, batch, x, below, places, layer, g, scratch.zeros, scratch.panel)
        column_sums(scratch.z, z_at, batch, places, layer, scratch.ones, g, scratch.zeros)
        if layer > 0:
            through_weights(scratch.z, z_at, batch, w, at, places, layer, scratch.dl_da, scratch.zeros, scratch.panel)
            if dropped:
                mask = part(scratch.mask, below + of_a, batch * columns)
                for i in range(mask.size):
                    scratch.dl_da[i] *= mask[i]
            slope_at = slopes_of(w, at, places, layer - 1, places[layer - 1, SLOPES_FROM], slope, scratch.slope)
            upper, a_from = address_of(scratch.dl_da, 0), address_of(scratch.a, below)
            z_from, slope_gradient = address_of(scratch.z, z_at - of_z), address_of(g, places[layer - 1, SLOPES_PLACE])
            loop, rows_below = places[layer - 1, BACKWARD_LOOP], places[layer - 1, ROW_COUNT]
            call(loop, (upper, z_from, a_from, slope_at, slope_gradient, batch, rows_below, columns))


@inner
def through_images(w, at, slope, batch, scratch, masked, run, step, timetable):
    """Before the forward pass of a network that reads images: its stages, which write what its dense layers read."""
    floats(scratch.images[image_head.RUN_SLOPE], 1)[0] = slope
    thresholds, keys, scales = _dropped(timetable, run, step) if masked else (0, 0, 0)
    images_at, w_at = address_of(scratch.images, 0), address_of(w, at)
    call(scratch.images[image_head.RUN_FORWARD], (images_at, w_at, batch, thresholds, keys, scales))


@inner
def back_through_images(w, at, g, places, batch, scratch, masked, run, timetable):
    """After the backward pass of a network that reads images: the gradients of its stages."""
    through_weights(scratch.z, 0, batch, w, at, places, 0, scratch.dl_da, scratch.zeros, scratch.panel)
    images_at, thresholds = address_of(scratch.images, 0), _dropped(timetable, run, 0)[0] if masked else 0
    call(scratch.images[image_head.RUN_BACKWARD], (images_at, address_of(w, at), address_of(g, 0), batch, thresholds))


@inner
def _dropped(timetable, run, step):
    """The addresses of a run's thresholds, of a step's keys and of the run's scales, of the stages' dropout layers."""
    layers, updates = timetable.image_thresholds.shape[1], timetable.image_keys.shape[1]
    keys = address_of(timetable.image_keys, (run * updates + step) * layers)
    thresholds = address_of(timetable.image_thresholds, run * layers)
    return thresholds, keys, address_of(timetable.image_scales, run * layers)


@inner
def slopes_of(w, at, places, layer, source, slope, buffer):
    """The address of the slopes of a layer's units: learned ones in w, else the run's one slope for all."""
    if source == OWN_SLOPES:
        return address_of(w, at + places[layer, SLOPES_PLACE])
    if source == FIXED_SLOPE:
        for unit in range(places[layer, UNIT_COUNT]):
            buffer[unit] = slope
    return address_of(buffer, 0)


@inner
def _read(examples, run, rows, w, at, places, scratch, looks):
    """Write the run's examples with the numbers `rows` to scratch.x, without columns of zeros if it `looks` for them
    and finds enough. Returns whether to look again.
    """
    if looks:
        looks = nonzero_columns.read_nonzero(examples, run, rows, scratch.x, w, at, places, scratch.nonzero)
    if not nonzero_columns.are_left_out(scratch.nonzero):
        read(examples, run, rows, scratch.x)
    return looks


@compiled
def train_epoch(loss, updating, places, weights_end, w, g, previous, examples, order, timetable, scratch, batch,
                means):  # fmt: skip
    """All updates of an epoch for every run. `means` (runs, 2) receives the mean loss and accuracy of the minibatches,
    each measured before its update.

    loss: its loop; updating: `UpdateRules`. w and previous: the runs' rows, one after the other. order: the
    positions of each run in its training split, flat. All runs share the gradient row g, so it stays in cache.
    `previous` receives the weights before the last update.
    """
    control = float_control()
    set_float_control(control | FLUSHING)
    updates, moving = timetable.varying.shape[1], timetable.places
    numbers, size, outputs = updating.numbers, g.size, places[-1, ROW_COUNT]
    z = part(scratch.z, (len(places) - 1) * scratch.strides[0], batch * outputs)
    for run in range(len(means)):
        at, masked, slope = run * size, timetable.masked[run], examples.slope[run]
        total, hits = 0.0, 0.0
        # A mask of the inputs is drawn for whole examples. A run that found too few dark columns looks no more.
        looks = nonzero_columns.forget(scratch.nonzero) and not (masked and timetable.thresholds[run, 0] > 0)
        # Numbers one by one: an array as a whole may not fit, and compiling that error's message takes two seconds.
        for k in range(numbers.size):
            numbers[k] = timetable.constant[run, k]
        for step in range(updates):
            for k in range(moving.size):
                numbers[moving[k]] = timetable.varying[run, step, k]
            if step == updates - 1:
                for p in range(at, at + size):
                    previous[p] = w[p]
            choose(order, run, len(means), step * batch, batch, examples, outputs, scratch)
            if timetable.moves.shape[1] > 0:
                read_moved(examples, run, scratch.rows, timetable.moves[run, step], scratch.x)
            else:
                looks = _read(examples, run, scratch.rows, w, at, places, scratch, looks)
            if len(scratch.filters) > 0:
                through_images(w, at, slope, batch, scratch, masked, run, step, timetable)
            forward(w, at, places, slope, batch, scratch, masked, run, step, timetable)
            scale = ONE / np.float32(batch)
            lost, right = losses.judge(loss, z, outputs, scratch.labels, scratch.values, scale, scratch.judged)
            backward(w, at, g, places, slope, batch, scratch, masked, run, timetable)
            if len(scratch.filters) > 0:
                back_through_images(w, at, g, places, batch, scratch, masked, run, timetable)
            update(updating, w, g, at, weights_end)
            if timetable.max_norm[run] > ZERO:
                limit_norms(w, at, places, timetable.max_norm[run])
                limit_norms(w, at, scratch.filters, timetable.max_norm[run])
            total += lost
            hits += right
        means[run, 0], means[run, 1] = total / (updates * batch), hits / (updates * batch)
    set_float_control(control)


@inner
def limit_norms(w, at, places, largest):
    """Scale down every row of the layers' weights whose norm is over `largest`."""
    for layer in range(len(places)):
        keep_within_norm(
            w, at + places[layer, WEIGHTS_PLACE], places[layer, ROW_COUNT], places[layer, COLUMN_COUNT], largest
        )


@compiled
def evaluate(loss, places, w, size, examples, timetable, chunk, scratch, means):
    """Write to `means` (runs, 2) the mean loss and accuracy of every run on a whole split, without dropout."""
    count, outputs = examples.index.size // len(means), places[-1, ROW_COUNT]
    output_at = (len(places) - 1) * scratch.strides[0]
    for run in range(len(means)):
        total, hits, looks = 0.0, 0.0, nonzero_columns.forget(scratch.nonzero)
        for start in range(0, count, chunk):
            batch, first = min(chunk, count - start), run * count + start
            rows = part(examples.index, first, batch)
            looks = _read(examples, run, rows, w, run * size, places, scratch, looks)
            if len(scratch.filters) > 0:
                through_images(w, run * size, examples.slope[run], batch, scratch, False, run, 0, timetable)
            forward(w, run * size, places, examples.slope[run], batch, scratch, False, run, 0, timetable)
            lost, right = losses.judge(
                loss, part(scratch.z, output_at, batch * outputs), outputs, part(examples.labels, first, batch),
                part(examples.values, first * outputs, batch * outputs), ONE, scratch.judged,
            )  # fmt: skip
            total += lost
            hits += right
        means[run, 0], means[run, 1] = total / count, hits / count
