"""The parts of a step of the compiled kernel, each as a loop that runs it `count` times as the step calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from workbench.engine.kernels.compiled import example_reading, losses, nonzero_columns, passes, products
from workbench.engine.kernels.compiled.jit import ONE
from workbench.engine.kernels.compiled.masks import apply_fresh_mask
from workbench.engine.kernels.compiled.native import address_of, call
from workbench.engine.kernels.compiled.part import part
from workbench.engine.kernels.compiled.products import ROW_COUNT as ROWS
from workbench.engine.kernels.compiled.products import SLOPES_FROM as SLOPES
from workbench.engine.kernels.compiled.products import UNIT_COUNT as UNITS
from workbench.engine.kernels.compiled.update import update


def _loop(function: Callable[..., None]) -> Any:
    """The loop compiled without counting references to arrays, since a step counts none either."""
    return numba.njit(error_model="numpy", fastmath={"contract"}, _nrt=False)(function)


@_loop
def choose(count, order, examples, scratch, batch, runs, updates, outputs):
    """The rows and labels of a minibatch."""
    for n in range(count):
        example_reading.choose(order, n % runs, runs, n % updates * batch, batch, examples, outputs, scratch)


@_loop
def read(count, examples, scratch, runs, w, places):
    """Its inputs, scaled, without columns of zeros where these are left out."""
    looks = nonzero_columns.forget(scratch.nonzero)
    for n in range(count):
        if looks:
            nonzero_columns.read_nonzero(examples, n % runs, scratch.rows, scratch.x, w, 0, places, scratch.nonzero)
        if not nonzero_columns.are_left_out(scratch.nonzero):
            example_reading.read(examples, n % runs, scratch.rows, scratch.x)


@_loop
def forward_product(count, w, places, scratch, batch, layer, size, runs):
    """z of a layer."""
    of_z, of_a = scratch.strides
    for n in range(count):
        at = n % runs * size
        if layer == 0 and nonzero_columns.are_left_out(scratch.nonzero):
            nonzero_columns.weighted_sums(w, at, places, scratch.x, batch, scratch.z, scratch.panel, scratch.nonzero)
        elif layer == 0:
            products.weighted_sums(w, at, places, 0, scratch.x, 0, batch, scratch.z, 0, scratch.panel)
        else:
            x_at, z_at = (layer - 1) * of_a, layer * of_z
            products.weighted_sums(w, at, places, layer, scratch.a, x_at, batch, scratch.z, z_at, scratch.panel)


@_loop
def gradient_product(count, places, scratch, batch, layer, g):
    """dl/dW of a layer."""
    of_z, of_a = scratch.strides
    for _ in range(count):
        if layer == 0 and nonzero_columns.are_left_out(scratch.nonzero):
            nonzero_columns.weight_gradient(
                scratch.z, batch, scratch.x, places, g, scratch.zeros, scratch.panel, scratch.nonzero
            )
        elif layer == 0:
            products.weight_gradient(scratch.z, 0, batch, scratch.x, 0, places, 0, g, scratch.zeros, scratch.panel)
        else:
            z_at, x_at = layer * of_z, (layer - 1) * of_a
            products.weight_gradient(
                scratch.z, z_at, batch, scratch.a, x_at, places, layer, g, scratch.zeros, scratch.panel
            )


@_loop
def backward_product(count, w, places, scratch, batch, layer, size, runs):
    """dl/dx of a layer."""
    z_at = layer * scratch.strides[0]
    for n in range(count):
        at = n % runs * size
        products.through_weights(
            scratch.z, z_at, batch, w, at, places, layer, scratch.dl_da, scratch.zeros, scratch.panel
        )


@_loop
def bias_gradient(count, places, scratch, batch, layer, g):
    """dl/db of a layer."""
    z_at = layer * scratch.strides[0]
    for _ in range(count):
        products.column_sums(scratch.z, z_at, batch, places, layer, scratch.ones, g, scratch.zeros)


@_loop
def activation(count, w, places, scratch, batch, layer):
    """A layer's activation."""
    of_z, of_a = scratch.strides
    rows, units, source = places[layer, ROWS], places[layer, UNITS], places[layer, SLOPES]
    for _ in range(count):
        slope = passes.slopes_of(w, 0, places, layer, source, ONE, scratch.slope)
        z, a = address_of(scratch.z, layer * of_z), address_of(scratch.a, layer * of_a)
        call(places[layer, products.FORWARD_LOOP], (z, a, slope, batch, rows, units))


@_loop
def derivative(count, w, places, scratch, batch, layer, g):
    """dl/dz of a layer from dl/da."""
    of_z, of_a = scratch.strides
    rows, units, source = places[layer, ROWS], places[layer, UNITS], places[layer, SLOPES]
    for _ in range(count):
        slope = passes.slopes_of(w, 0, places, layer, source, ONE, scratch.slope)
        upper, z, a = (
            address_of(scratch.dl_da, 0),
            address_of(scratch.z, layer * of_z),
            address_of(scratch.a, layer * of_a),
        )
        gradient = address_of(g, places[layer, products.SLOPES_PLACE])
        call(places[layer, products.BACKWARD_LOOP], (upper, z, a, slope, gradient, batch, rows, units))


@_loop
def mask(count, scratch, places, batch, layer, timetable):
    """A layer's inputs dropped, and the gradient that flows back through the mask."""
    of_a, size = scratch.strides[1], batch * places[layer, products.COLUMN_COUNT]
    at = (layer - 1) * of_a
    source, target, drawn = (
        part(scratch.a, at, size),
        part(scratch.masked, at, size),
        part(scratch.mask, at + of_a, size),
    )
    key, threshold, scale = timetable.keys[0, 0, layer], timetable.thresholds[0, layer], timetable.scales[0, layer]
    for _ in range(count):
        apply_fresh_mask(source, target, drawn, key, threshold, scale)
        for i in range(size):
            scratch.dl_da[i] *= drawn[i]


@_loop
def judge(count, loss, places, scratch, batch, logits):
    """The loss; it needs new logits every time."""
    outputs = places[-1, products.ROW_COUNT]
    z = part(scratch.z, (len(places) - 1) * scratch.strides[0], batch * outputs)
    for _ in range(count):
        for i in range(z.size):
            z[i] = logits[i]
        losses.judge(loss, z, outputs, scratch.labels, scratch.values, ONE / np.float32(batch), scratch.judged)


@_loop
def update_row(count, updating, w, g, size, runs, weights_end):
    """The optimizer."""
    for n in range(count):
        update(updating, w, g, n % runs * size, weights_end)
