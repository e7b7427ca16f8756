"""The arrays of a program besides the parameters. They are listed in one place, so that they can be counted before they
are allocated.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from workbench.engine.backend import Array, zeros
from workbench.engine.errors import BadInput
from workbench.engine.kernels.cuda import codes
from workbench.engine.kernels.cuda.computed_layers import computed_layers, first_with_parameters, upper_name
from workbench.engine.kernels.forms import form_of
from workbench.engine.rules.schedules import VARYING
from workbench.engine.training.evaluation import EVALUATED_AT_ONCE
from workbench.engine.training.layout import Layout

MOST_NUMBERS = 2**30


class Room(NamedTuple):
    """The size of one array: its shape for one run and its dtype. The runs are the first axis of the array, or the
    last.
    """

    shape: tuple[int, ...]
    dtype: DTypeLike
    runs_last: bool = False

    def shape_for(self, runs: int) -> tuple[int, ...]:
        """The array's shape."""
        return (*self.shape, runs) if self.runs_last else (runs, *self.shape)


Rooms = Mapping[str, Room]


def rooms_for_passes(layout: Layout, batch: int, learning: bool) -> dict[str, Room]:
    """The arrays of one minibatch: x, what the form of every layer asks for and, for learning, dl/da of the layer that
    the backward pass has reached.
    """
    rooms, computed = {"x": Room((batch, layout.inputs), np.float32)}, computed_layers(layout)
    for number, (layer, *_) in enumerate(computed):
        form = form_of(layer, codes.CUDA_FORMS)
        own = form.rooms(layer, batch)
        if learning and hasattr(form, "rooms_to_learn"):
            own |= form.rooms_to_learn(layer, batch)
        rooms |= {f"{name}{number}": room for name, room in own.items()}
    # Nothing reads the output layer's `out`: its activation belongs to the loss.
    del rooms[f"out{len(computed) - 1}"]
    if learning:
        others = [behind.layer for behind in computed[first_with_parameters(computed) + 1 :]]
        rooms |= {upper_name(layer): Room((batch, prod(layer.inputs)), np.float32) for layer in others}
    return rooms


def rooms_for_data(layout: Layout, examples: int, classes: int, outputs: int) -> dict[str, Room]:
    """The arrays of one split of each run: rows of the stored inputs, scaling, and labels or values, whichever the loss
    reads.
    """
    return {
        "index": Room((examples,), np.int32),
        "labels": Room((examples if classes else 0,), np.int32),
        "values": Room((0, outputs) if classes else (examples, outputs), np.float32),
        "scale": Room((layout.inputs,), np.float32),
        "shift": Room((layout.inputs,), np.float32),
    }


def rooms_for_runs(layout: Layout) -> dict[str, Room]:
    """The arrays of a run that do not depend on the split: masks by layer of dropout, slope, how far its images move,
    and sums.
    """
    layers = (len(layout.dropout),)
    return {
        "seeds": Room((), np.uint64),
        "keys": Room(layers, np.uint64, runs_last=True),
        "thresholds": Room(layers, np.uint32, runs_last=True),
        "scales": Room(layers, np.float32, runs_last=True),
        "slope": Room((), np.float32),
        "shift_pixels": Room((), np.int32),
        "losses": Room((), np.float64),
        "hits": Room((), np.int64),
    }


def rooms_for_updates(examples: int, updates: int) -> dict[str, Room]:
    """The arrays for an epoch's order, and for the numbers that its updates read."""
    return {
        "order": Room((examples,), np.int32),
        "varying": Room((updates, len(VARYING)), np.float32),
        "constant": Room((len(codes.constant()),), np.float32),
    }


def training_rooms(
    layout: Layout, batch: int, examples: int, updates: int, classes: int, outputs: int
) -> dict[str, Room]:
    """Every array of a trainer that grows with the runs; `examples` of the training split."""
    return (
        rooms_for_passes(layout, batch, learning=True)
        | rooms_for_data(layout, examples, classes, outputs)
        | rooms_for_runs(layout)
        | rooms_for_updates(examples, updates)
    )


def evaluation_rooms(layout: Layout, examples: int, classes: int, outputs: int) -> dict[str, Room]:
    """Every array of an evaluator that grows with the runs; `examples` of the split."""
    return (
        rooms_for_passes(layout, min(EVALUATED_AT_ONCE, examples), learning=False)
        | rooms_for_data(layout, examples, classes, outputs)
        | rooms_for_runs(layout)
    )


def bytes_per_run(rooms: Rooms) -> int:
    """The bytes of these arrays for each run."""
    return sum(int(np.prod(room.shape)) * np.dtype(room.dtype).itemsize for room in rooms.values())


def allocated(rooms: Rooms, runs: int, xp: ModuleType) -> dict[str, Array]:
    """Arrays of zeros for that many runs.

    Raises BadInput if one has more numbers a run than device code counts, which counts them as an int: with some to
    spare, since a loop's last step goes beyond the end.
    """
    for name, room in rooms.items():
        if (numbers := prod(room.shape)) > MOST_NUMBERS:
            raise BadInput(
                f"kernel: found fused or graph with {numbers:,} numbers a run in the array {name}; allowed are "
                f"{MOST_NUMBERS:,}: a smaller training.batch_size, fewer channels or units, or kernel=plain"
            )
    return {name: zeros(room.shape_for(runs), room.dtype, xp) for name, room in rooms.items()}


def fill(arrays: Mapping[str, Array], xp: ModuleType, **values: np.ndarray) -> None:
    """Copy values from the host to arrays of the device, each in the array's own dtype and shape."""
    for name, value in values.items():
        array = arrays[name]
        array[...] = xp.asarray(np.ascontiguousarray(value, dtype=array.dtype).reshape(array.shape))
