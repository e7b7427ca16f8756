"""The compiled form of the probes: one forward and one backward pass of each run over its probe batch, and the sums.

Sums may be reordered here so that they vectorise. Training does not depend on them, and they agree with the plain
probes within rounding. `COMPILED_PROBES` are the rows of `PROBES` that have a compiled form.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.kernels.compiled import image_head, images, losses
from workbench.engine.kernels.compiled.example_reading import read
from workbench.engine.kernels.compiled.jit import ONE, ZERO, compiled, inner
from workbench.engine.kernels.compiled.kernel import WITHOUT_MASKS, examples_of, places_of, scratch_for
from workbench.engine.kernels.compiled.native import address_of, call
from workbench.engine.kernels.compiled.part import part
from workbench.engine.kernels.compiled.passes import (
    back_through_images,
    backward,
    forward,
    slopes_of,
    through_images,
)
from workbench.engine.kernels.compiled.products import (
    COLUMN_COUNT,
    GAIN_LOOP,
    ROW_COUNT,
    SLOPES_FROM,
    UNIT_COUNT,
    WEIGHTS_PLACE,
    through_weights,
)
from workbench.engine.kernels.compiled.sums import total, total_of_squared_differences, total_of_squares
from workbench.engine.kernels.rows import Rows
from workbench.engine.rules.probes import NEAR_ZERO, PROBE_EXAMPLES, PROBES, SATURATED
from workbench.engine.training.probing import probes_at_end
from workbench.engine.training.reader import FirstExamples

COMPILED_PROBES = (
    "activation_mean", "activation_deviation", "saturated", "gain", "dead", "gradient_z", "gradient_weights",
    "update_size", "weight_rms", "near_zero", "exact_zero",
)  # fmt: skip
(_MEAN, _DEVIATION, _SATURATED_PROBE, _GAIN_PROBE, _DEAD, _GRADIENT_Z, _GRADIENT_WEIGHTS, _UPDATE_SIZE, _WEIGHT_RMS,
 _NEAR_ZERO_PROBE, _EXACT_ZERO) = range(len(COMPILED_PROBES))  # fmt: skip
_NEAR, _SHARE = np.float32(NEAR_ZERO), np.float32(SATURATED)


def supports() -> bool:
    """Whether every probe of every epoch has a compiled form."""
    return all(name in COMPILED_PROBES or probe.moment == "end" for name, probe in PROBES.items())


class CompiledProbes:
    """Probes the networks in the rows of a group. See `probing.PlainProbes` for the same in NumPy."""

    def __init__(self, rows: Rows) -> None:
        self._rows, train = rows, rows.data.train
        self._batch = min(PROBE_EXAMPLES, train.index.shape[1])
        first = FirstExamples(train, self._batch)
        self._examples = examples_of(rows.data, first, rows.stored, rows.pack.columns["slope"])
        self._scratch, self._places = scratch_for(rows.layout, self._batch), places_of(rows.layout)
        self._flat = np.zeros(self._batch * rows.layout.largest_map, np.float32)
        self._steepest = np.array([layer.steepest for layer in rows.layout.layers], np.float32)

    def take(self, after_update: bool) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """All probes but those of a run's end, each (runs, layers) float64; and rms of dl/dx, (runs,)."""
        rows = self._rows
        values = np.full((len(COMPILED_PROBES), rows.pack.runs, len(rows.layout.layers)), np.nan)
        of_inputs = np.empty(rows.pack.runs)
        w, previous = (buffer.reshape(-1) for buffer in (rows.weights, rows.previous))
        _probe(
            losses.loss_loop(rows.pack.loss), self._places, w, previous, rows.gradients[0], after_update,
            self._examples, WITHOUT_MASKS, self._batch, self._steepest, self._scratch, self._flat, values, of_inputs,
        )  # fmt: skip
        return dict(zip(COMPILED_PROBES, values, strict=True)), of_inputs

    def at_end(self, ending: np.ndarray) -> dict[str, np.ndarray]:
        """The probes taken when a run ends: the plain ones, since a run ends only once."""
        return probes_at_end(self._rows, ending)


@compiled
def _probe(loss, places, w, previous, g, after_update, examples, timetable, batch, steepest, scratch, flat, values,
           of_inputs):  # fmt: skip
    """`COMPILED_PROBES` of every run and layer: values (names, runs, layers); rms of dl/dx: of_inputs (runs,)."""
    of_z, outputs = scratch.strides[0], places[-1, ROW_COUNT]
    last, stages, images_at = len(places) - 1, len(scratch.filters), address_of(scratch.images, 0)
    for run in range(len(of_inputs)):
        at, slope, first = run * g.size, examples.slope[run], run * batch
        read(examples, run, part(examples.index, first, batch), scratch.x)
        if stages > 0:
            through_images(w, at, slope, batch, scratch, False, run, 0, timetable)
        forward(w, at, places, slope, batch, scratch, False, run, 0, timetable)
        for number in range(stages):
            _of_stage(number, w, at, batch, steepest[number], scratch, flat, values[:, run, number])
        for layer in range(last + 1):
            found = values[:, run, stages + layer]
            _of_forward(places, layer, w, at, slope, batch, steepest[stages + layer], scratch, found)
        losses.judge(
            loss, part(scratch.z, last * of_z, batch * outputs), outputs, part(examples.labels, first, batch),
            part(examples.values, first * outputs, batch * outputs), ONE / np.float32(batch), scratch.judged,
        )  # fmt: skip
        backward(w, at, g, places, slope, batch, scratch, False, run, timetable)
        if stages > 0:
            back_through_images(w, at, g, places, batch, scratch, False, run, timetable)
        for number in range(stages):
            size = _write_map(scratch, w, at, number, images.MAP_Z, batch, flat)
            values[_GRADIENT_Z, run, number] = _rms(part(flat, 0, size)) * batch
            _of_weights(scratch.filters, number, w, at, previous, g, after_update, values[:, run, number])
        for layer in range(last + 1):
            found = values[:, run, stages + layer]
            found[_GRADIENT_Z] = _rms(part(scratch.z, layer * of_z, batch * places[layer, ROW_COUNT])) * batch
            _of_weights(places, layer, w, at, previous, g, after_update, found)
        if stages > 0:
            call(scratch.images[image_head.OF_INPUTS], (images_at, address_of(w, at), batch, address_of(flat, 0)))
            of_inputs[run] = _rms(part(flat, 0, batch * examples.scale.shape[1])) * batch
        else:
            through_weights(scratch.z, 0, batch, w, at, places, 0, scratch.dl_da, scratch.zeros, scratch.panel)
            of_inputs[run] = _rms(part(scratch.dl_da, 0, batch * places[0, COLUMN_COUNT])) * batch


@inner
def _of_weights(places, layer, w, at, previous, g, after_update, found):
    """The probes of a layer's weights and of their gradient."""
    size = places[layer, ROW_COUNT] * places[layer, COLUMN_COUNT]
    found[_GRADIENT_WEIGHTS] = _rms(part(g, places[layer, WEIGHTS_PLACE], size))
    weights = part(w, at + places[layer, WEIGHTS_PLACE], size)
    found[_WEIGHT_RMS], found[_NEAR_ZERO_PROBE], found[_EXACT_ZERO] = _sizes(weights)
    if after_update:
        before = part(previous, at + places[layer, WEIGHTS_PLACE], size)
        found[_UPDATE_SIZE] = _rms_of_difference(weights, before) / _rms(before)


@inner
def _write_map(scratch, w, at, number, which, batch, flat):
    """Write a map of a stage, example by example, to the beginning of flat; how many numbers it has."""
    images_at, w_at, size = address_of(scratch.images, 0), address_of(w, at), scratch.filters[number, -1]
    call(scratch.images[image_head.OF_STAGE], (images_at, w_at, number, which, batch, address_of(flat, 0)))
    return batch * size * scratch.filters[number, ROW_COUNT if which == images.MAP_Z else UNIT_COUNT]


@inner
def _of_stage(number, w, at, batch, steepest, scratch, flat, found):
    """The probes of a stage's convolution after the forward pass."""
    units = scratch.filters[number, UNIT_COUNT]
    size = _write_map(scratch, w, at, number, images.MAP_A, batch, flat)
    found[_MEAN], found[_DEVIATION] = _mean_and_deviation(part(flat, 0, size))
    _write_map(scratch, w, at, number, images.MAP_GAIN, batch, flat)  # as large
    gain = part(flat, 0, size)
    found[_GAIN_PROBE], found[_SATURATED_PROBE] = _rms(gain), _share_under(gain, _SHARE * steepest)
    found[_DEAD] = _share_dead(gain, part(scratch.masked, 0, units))


@inner
def _of_forward(places, layer, w, at, slope, batch, steepest, scratch, found):
    """The probes of a layer after the forward pass; only the first two of the output layer, whose activation belongs to
    the loss.
    """
    of_z, of_a = scratch.strides
    rows, units = places[layer, ROW_COUNT], places[layer, UNIT_COUNT]
    if layer == len(places) - 1:
        found[_MEAN], found[_DEVIATION] = _mean_and_deviation(part(scratch.z, layer * of_z, batch * rows))
        return
    a = part(scratch.a, layer * of_a, batch * units)
    found[_MEAN], found[_DEVIATION] = _mean_and_deviation(a)
    gain = part(scratch.masked, 0, batch * units)
    slope_at = slopes_of(w, at, places, layer, places[layer, SLOPES_FROM], slope, scratch.slope)
    z_from, a_from, gain_at = address_of(scratch.z, layer * of_z), address_of(a, 0), address_of(gain, 0)
    call(places[layer, GAIN_LOOP], (z_from, a_from, slope_at, gain_at, batch, rows, units))
    found[_GAIN_PROBE], found[_SATURATED_PROBE] = _rms(gain), _share_under(gain, _SHARE * steepest)
    found[_DEAD] = _share_dead(gain, part(scratch.masked, of_a, units))


@inner
def _mean_and_deviation(x):
    mean = total(x) / np.float32(x.size)
    return mean, np.sqrt(total_of_squares(x, mean) / np.float32(x.size))


@inner
def _rms(x):
    return np.sqrt(total_of_squares(x, ZERO) / np.float32(x.size))


@inner
def _rms_of_difference(x, y):
    return np.sqrt(total_of_squared_differences(x, y) / np.float32(x.size))


@inner
def _sizes(weights):
    """Root mean square, share near zero, share exactly zero."""
    near, zero = 0, 0
    for i in range(weights.size):
        near += abs(weights[i]) < _NEAR
        zero += weights[i] == ZERO
    return _rms(weights), near / weights.size, zero / weights.size


@inner
def _share_under(x, threshold):
    count = 0
    for i in range(x.size):
        count += abs(x[i]) < threshold
    return count / x.size


@inner
def _share_dead(gain, alive):
    """The share of units, the columns of gain (batch * units,), whose gain is 0 for every example."""
    units = alive.size
    for unit in range(units):
        alive[unit] = ZERO
    for start in range(0, gain.size, units):
        row = part(gain, start, units)
        for unit in range(units):
            alive[unit] = ONE if row[unit] != ZERO else alive[unit]
    dead = 0
    for unit in range(units):
        dead += alive[unit] == ZERO
    return dead / units
