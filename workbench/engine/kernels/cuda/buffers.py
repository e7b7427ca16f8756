"""The arrays of a program beside the parameters, listed once: so that they can be counted before they are allocated."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from workbench.engine.backend import Array, zeros
from workbench.engine.kernels.cuda import codes
from workbench.engine.kernels.forms import form_of
from workbench.engine.kernels.traced import VARYING
from workbench.engine.training.evaluation import EVALUATED_AT_ONCE
from workbench.engine.training.layout import Layout


class Room(NamedTuple):
    """What one array takes: its shape for one run and its dtype; the runs come first in the array's shape, or last."""

    shape: tuple[int, ...]
    dtype: DTypeLike
    runs_last: bool = False

    def shape_for(self, runs: int) -> tuple[int, ...]:
        """The array's shape."""
        return (*self.shape, runs) if self.runs_last else (runs, *self.shape)


Rooms = Mapping[str, Room]


def rooms_for_passes(layout: Layout, batch: int, learning: bool) -> dict[str, Room]:
    """One minibatch on its way: x, z and out of every layer, and, to learn, dl/da of the layer it has come back to."""
    rooms = {"x": Room((batch, layout.inputs), np.float32)}
    for number, layer in enumerate(layout.layers):
        rooms |= {
            f"{name}{number}": room for name, room in form_of(layer, codes.CUDA_FORMS).rooms(layer, batch).items()
        }
    del rooms[f"out{len(layout.layers) - 1}"]  # nobody reads what comes behind the output layer's z
    if learning and len(layout.layers) > 1:
        rooms["upper"] = Room((batch, *layout.layers[0].outputs), np.float32)
    return rooms


def rooms_for_data(layout: Layout, examples: int, classes: int, outputs: int) -> dict[str, Room]:
    """One split of each run: rows of the stored inputs, scaling, and labels or values, whichever the loss reads."""
    return {
        "index": Room((examples,), np.int32),
        "labels": Room((examples if classes else 0,), np.int32),
        "values": Room((0, outputs) if classes else (examples, outputs), np.float32),
        "scale": Room((layout.inputs,), np.float32),
        "shift": Room((layout.inputs,), np.float32),
    }


def rooms_for_runs(layout: Layout) -> dict[str, Room]:
    """What belongs to a run whatever the split: masks by layer, slope, and what is added up."""
    layers = (len(layout.layers),)
    return {
        "seeds": Room((), np.uint64),
        "keys": Room(layers, np.uint64, runs_last=True),
        "thresholds": Room(layers, np.uint32, runs_last=True),
        "scales": Room(layers, np.float32, runs_last=True),
        "slope": Room((), np.float32),
        "losses": Room((), np.float64),
        "hits": Room((), np.int64),
    }


def rooms_for_updates(examples: int, updates: int) -> dict[str, Room]:
    """An epoch's order, and the numbers that its updates read."""
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
    """Bytes that these arrays take for every run."""
    return sum(int(np.prod(room.shape)) * np.dtype(room.dtype).itemsize for room in rooms.values())


def allocated(rooms: Rooms, runs: int, xp: ModuleType) -> dict[str, Array]:
    """Zeros for so many runs."""
    return {name: zeros(room.shape_for(runs), room.dtype, xp) for name, room in rooms.items()}


def fill(arrays: Mapping[str, Array], xp: ModuleType, **values: np.ndarray) -> None:
    """Send values of the host to arrays of the device, each in the array's own dtype and shape."""
    for name, value in values.items():
        array = arrays[name]
        array[...] = xp.asarray(np.ascontiguousarray(value, dtype=array.dtype).reshape(array.shape))
