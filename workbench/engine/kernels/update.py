"""One update of all parameters of a group: penalties and optimizer, in one pass over the flat buffers.

The pass goes block by block, so that the temporaries of the plain formulas stay in cache however large the network is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.rules.at import At
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES, Penalty, strengths
from workbench.engine.training.layout import Layout

BLOCK = 32768  # elements: a dozen temporaries of this size fit a second-level cache


@dataclass
class _Block:
    """A rectangle of the flat buffers: some runs' rows, some columns."""

    rows: slice
    weights: Array
    gradients: Array
    slots: list[Array]
    penalties: list[Penalty]
    at: At = field(default_factory=At)


class Update:
    """Binds one group's buffers.

    weights, gradients and each slot are (runs, size); columns (runs,) each, see `pack.COLUMNS`.
    """

    def __init__(
        self,
        optimizer: str,
        layout: Layout,
        weights: Array,
        gradients: Array,
        slots: list[Array],
        columns: Mapping[str, np.ndarray],
        xp: ModuleType,
    ) -> None:
        self._rule = OPTIMIZERS[optimizer]
        numbers = strengths(columns)
        used = [penalty for name, penalty in PENALTIES.items() if numbers[name].any() and penalty.moment != "rows"]
        constant = [name for name, values in numbers.items() if values.dtype.kind in "iuf"]
        self._blocks = [
            _Block(rows, weights[rows, part], gradients[rows, part], [slot[rows, part] for slot in slots], penalties)
            for start, end, penalties in ((0, layout.weights_end, used), (layout.weights_end, layout.size, []))
            for rows, part in _rectangles(len(weights), start, end)
        ]
        for block in self._blocks:
            for name in constant:
                setattr(block.at, name, _column(numbers[name][block.rows], weights.dtype, xp))
        self._max_norm = At(max_norm=_column(columns["max_norm"], weights.dtype, xp)[..., None])
        self._bounded = layout.weights(weights) if columns["max_norm"].any() else []

    def step(self, varying: Mapping[str, Array]) -> None:
        """Apply one update; `varying` holds what changes with the step, each (runs, 1): see `schedules.timetable`."""
        for block in self._blocks:
            for name, column in varying.items():
                setattr(block.at, name, column[block.rows])
            self._step_block(block)
        for weights in self._bounded:
            weights[...] = PENALTIES["max_norm"].apply(weights, None, self._max_norm)  # type: ignore[arg-type]

    def _step_block(self, block: _Block) -> None:
        w, g, at = block.weights, block.gradients, block.at
        for penalty in block.penalties:
            if penalty.moment == "gradient":
                g = penalty.apply(w, g, at)
        for penalty in block.penalties:
            if penalty.moment == "before":
                w = penalty.apply(w, g, at)
        w, *slots = self._rule.update(w, g, *block.slots, at=at)
        for penalty in block.penalties:
            if penalty.moment == "after":
                w = penalty.apply(w, g, at)
        block.weights[...] = w
        for slot, value in zip(block.slots, slots, strict=True):
            slot[...] = value


def _rectangles(runs: int, start: int, end: int) -> Iterator[tuple[slice, slice]]:
    """Cut runs x [start, end) into rectangles of at most `BLOCK` elements."""
    rows = max(1, BLOCK // max(1, end - start))
    for row in range(0, runs, rows):
        for left in range(start, end, BLOCK):
            yield slice(row, row + rows), slice(left, min(left + BLOCK, end))


def _column(values: np.ndarray, dtype: np.dtype, xp: ModuleType) -> Array:
    return xp.asarray(values.astype(dtype))[:, None]
