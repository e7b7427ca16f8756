"""An epoch of a run by several threads, for wide networks of which there are fewer than cores.

Each thread computes its columns or rows of every product, its examples of every activation and its part of every
update. Every number is computed by one thread, as it would be if there were no other, so no number depends on how many
there are. Between phases the threads wait for each other (`meeting.py`): between two of these meetings no thread reads
what another one writes, but for what comes to nothing. A product of more than `PANEL_DEPTH` steps reads its own sums
back in whole vectors, so up to `LANES` - 1 numbers beyond its part, which another thread may be writing. It multiplies
them lane by lane, and writes none of these lanes.

See `passes.train_epoch` for the same by one thread.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.kernels.compiled import losses
from workbench.engine.kernels.compiled.example_reading import choose, read, read_moved
from workbench.engine.kernels.compiled.jit import ONE, ZERO, compiled, inner
from workbench.engine.kernels.compiled.masks import fresh_mask_from
from workbench.engine.kernels.compiled.meeting import meet
from workbench.engine.kernels.compiled.native import address_of, call
from workbench.engine.kernels.compiled.part import part
from workbench.engine.kernels.compiled.passes import limit_norms, slopes_of
from workbench.engine.kernels.compiled.products import (
    BACKWARD_LOOP,
    COLUMN_COUNT,
    FORWARD_LOOP,
    ROW_COUNT,
    SLOPES_FROM,
    SLOPES_PLACE,
    UNIT_COUNT,
    column_sums,
    some_through_weights,
    some_weight_gradient,
    some_weighted_sums,
)
from workbench.engine.kernels.compiled.subnormals import FLUSHING, float_control, set_float_control
from workbench.engine.kernels.compiled.tile import HEIGHTS, PANEL
from workbench.engine.kernels.compiled.update import COMPILED_BLOCK, update_some

_TALLEST_TILE = HEIGHTS[0]
_PAIR = 2  # examples: a mask is drawn for two units at a time, so a thread begins at an even one


@compiled
def share_epoch(loss, updating, places, weights_end, w, g, previous, examples, order, timetable, scratch, batch,
                means, thread, threads, meeting, rest):  # fmt: skip
    """What thread number `thread` of `threads` does of all updates of an epoch for every run.

    The buffers of `scratch` are those of all threads, but for panel, slope, rows, labels, values and judged, which each
    has for itself; so has each the numbers of `updating`. meeting, rest: see `meet`.
    """
    control = float_control()
    set_float_control(control | FLUSHING)
    updates, moving = timetable.varying.shape[1], timetable.places
    numbers, size, outputs = updating.numbers, g.size, places[-1, ROW_COUNT]
    z = part(scratch.z, (len(places) - 1) * scratch.strides[0], batch * outputs)
    begin, end = _share(batch, _PAIR, thread, threads)
    own_from, own_to = _share(size, COMPILED_BLOCK, thread, threads)
    for run in range(len(means)):
        at, masked, slope = run * size, timetable.masked[run], examples.slope[run]
        total, hits = 0.0, 0.0
        for k in range(numbers.size):
            numbers[k] = timetable.constant[run, k]
        for step in range(updates):
            for k in range(moving.size):
                numbers[moving[k]] = timetable.varying[run, step, k]
            choose(order, run, len(means), step * batch, batch, examples, outputs, scratch)
            _read_some(examples, run, step, timetable, begin, end, scratch)
            if masked and timetable.thresholds[run, 0] > 0:
                columns = places[0, COLUMN_COUNT]
                _mask_some(scratch.x, 0, scratch.x, scratch.mask, 0, columns, begin, end, run, step, 0, timetable)
            meet(meeting, threads, rest)
            _forward(w, at, places, slope, batch, scratch, masked, run, step, timetable, thread, threads, meeting, rest)
            if thread == 0:
                scale = ONE / np.float32(batch)
                lost, right = losses.judge(loss, z, outputs, scratch.labels, scratch.values, scale, scratch.judged)
                total += lost
                hits += right
            meet(meeting, threads, rest)
            _backward(w, at, g, places, slope, batch, scratch, masked, run, timetable, thread, threads, meeting, rest)
            if step == updates - 1:
                for p in range(at + own_from, at + own_to):
                    previous[p] = w[p]
            update_some(updating, w, g, at, weights_end, own_from, own_to)
            if timetable.max_norm[run] > ZERO:
                meet(meeting, threads, rest)
                if thread == 0:
                    limit_norms(w, at, places, timetable.max_norm[run])
        if thread == 0:
            means[run, 0], means[run, 1] = total / (updates * batch), hits / (updates * batch)
    set_float_control(control)


@inner
def _share(size, unit, thread, threads):
    """From where to before where this thread's part of so many elements reaches, in whole units but for the last."""
    units = (size + unit - 1) // unit
    return min(size, units * thread // threads * unit), min(size, units * (thread + 1) // threads * unit)


@inner
def _read_some(examples, run, step, timetable, begin, end, scratch):
    """The examples from `begin` to before `end` of a minibatch whose rows stand in scratch.rows."""
    features, count = examples.scale.shape[1], end - begin
    rows, x = part(scratch.rows, begin, count), part(scratch.x, begin * features, count * features)
    if timetable.moves.shape[1] > 0:
        read_moved(examples, run, rows, timetable.moves[run, step, begin:end], x)
    else:
        read(examples, run, rows, x)


@inner
def _mask_some(source, at, target, mask, mask_at, units, begin, end, run, step, layer, timetable):
    """A fresh mask for some examples of a layer, and their units times it."""
    first, size = begin * units, (end - begin) * units
    own = part(mask, mask_at + first, size)
    key, threshold, scale = (
        timetable.keys[run, step, layer],
        timetable.thresholds[run, layer],
        timetable.scales[run, layer],
    )
    fresh_mask_from(own, first, key, threshold, scale)
    given, masked = part(source, at + first, size), part(target, at + first, size)
    for i in range(size):
        masked[i] = given[i] * own[i]


@inner
def _forward(w, at, places, slope, batch, scratch, masked, run, step, timetable, thread, threads, meeting, rest):
    last = len(places) - 1
    of_z, of_a = scratch.strides
    x, x_at = scratch.x, 0
    begin, end = _share(batch, _PAIR, thread, threads)
    for layer in range(last + 1):
        z_at, a_at, rows, units = layer * of_z, layer * of_a, places[layer, ROW_COUNT], places[layer, UNIT_COUNT]
        first, beyond = _share(rows, PANEL, thread, threads)
        some_weighted_sums(w, at, places, layer, x, x_at, batch, scratch.z, z_at, scratch.panel, first, beyond)
        meet(meeting, threads, rest)
        if layer < last:
            slope_at = slopes_of(w, at, places, layer, places[layer, SLOPES_FROM], slope, scratch.slope)
            z_from, a_from = address_of(scratch.z, z_at + begin * rows), address_of(scratch.a, a_at + begin * units)
            if begin < end:  # a loop needs examples
                call(places[layer, FORWARD_LOOP], (z_from, a_from, slope_at, end - begin, rows, units))
            x, x_at = scratch.a, a_at
            if masked and timetable.thresholds[run, layer + 1] > 0:
                _mask_some(
                    scratch.a, a_at, scratch.masked, scratch.mask, a_at + of_a, units, begin, end, run, step, layer + 1,
                    timetable,
                )  # fmt: skip
                x = scratch.masked
            meet(meeting, threads, rest)


@inner
def _backward(w, at, g, places, slope, batch, scratch, masked, run, timetable, thread, threads, meeting, rest):
    """The gradient row g, whole when all threads have been through, given dl/dz of the output layer in scratch.z."""
    of_z, of_a = scratch.strides
    begin, end = _share(batch, _PAIR, thread, threads)
    for layer in range(len(places) - 1, -1, -1):
        rows, columns = places[layer, ROW_COUNT], places[layer, COLUMN_COUNT]
        z_at, below = layer * of_z, (layer - 1) * of_a
        dropped = masked and timetable.thresholds[run, layer] > 0
        x, x_at = (scratch.x, 0) if layer == 0 else (scratch.masked if dropped else scratch.a, below)
        first, beyond = _share(rows, _TALLEST_TILE, thread, threads)
        some_weight_gradient(
            scratch.z, z_at, batch, x, x_at, places, layer, g, scratch.zeros, scratch.panel, first, beyond
        )
        if thread == threads - 1:
            column_sums(scratch.z, z_at, batch, places, layer, scratch.ones, g, scratch.zeros)
        if layer > 0:
            first, beyond = _share(columns, PANEL, thread, threads)
            some_through_weights(
                scratch.z, z_at, batch, w, at, places, layer, scratch.dl_da, scratch.zeros, scratch.panel, first, beyond
            )
            meet(meeting, threads, rest)
            if dropped:
                mask = part(scratch.mask, below + of_a, batch * columns)
                for i in range(begin * columns, end * columns):
                    scratch.dl_da[i] *= mask[i]
            slope_at = slopes_of(w, at, places, layer - 1, places[layer - 1, SLOPES_FROM], slope, scratch.slope)
            rows_below = places[layer - 1, ROW_COUNT]
            upper = address_of(scratch.dl_da, begin * columns)
            a_from = address_of(scratch.a, below + begin * columns)
            z_from = address_of(scratch.z, z_at - of_z + begin * rows_below)
            unread = address_of(g, places[layer - 1, SLOPES_PLACE])  # slopes that are learned are not shared
            if begin < end:
                call(
                    places[layer - 1, BACKWARD_LOOP],
                    (upper, z_from, a_from, slope_at, unread, end - begin, rows_below, columns),
                )
            meet(meeting, threads, rest)
    meet(meeting, threads, rest)
