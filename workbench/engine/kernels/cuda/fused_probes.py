"""The probes of networks that fit into the shared memory of a multiprocessor: one launch, a block for every run."""

from __future__ import annotations

import numpy as np

from workbench.engine.backend import to_host
from workbench.engine.kernels.cuda import fused
from workbench.engine.kernels.cuda.buffers import Room, allocated, fill, rooms_for_data
from workbench.engine.kernels.cuda.fused import BlockMachine, device_blocks, not_of_blocks
from workbench.engine.kernels.cuda.fused_probe_source import BLOCK_PROBES, probe_source, probes_take
from workbench.engine.kernels.cuda.kernel import flat, kept_as, of_split
from workbench.engine.kernels.cuda.launches import Launch
from workbench.engine.kernels.cuda.modules import ask
from workbench.engine.kernels.rows import Rows
from workbench.engine.rules.probes import PROBE_EXAMPLES, PROBES
from workbench.engine.training.layout import Layout
from workbench.engine.training.pack import Pack
from workbench.engine.training.probing import PlainProbes
from workbench.engine.training.reader import Data, FirstExamples


def supports(rows: Rows) -> bool:
    """Whether every probe of every epoch has a form here, and the networks fit into a block of the current device."""
    return not obstacle(rows.layout, int(rows.data.train.index.shape[1]))


def obstacle(layout: Layout, examples: int) -> str:
    """Why networks trained on so many examples cannot be probed in a block of the current device; "" if they can."""
    if other := next((n for n, probe in PROBES.items() if n not in BLOCK_PROBES and probe.moment != "end"), ""):
        return f"the probe {other} has no form within a block"
    if kind := not_of_blocks(layout):
        return f"layers of the kind {kind} have no form within a block"
    taken, largest = probes_take(layout, min(PROBE_EXAMPLES, examples)), fused.largest_shared()
    if taken <= largest:
        return ""
    return f"to probe a run takes {-(-taken // 1024):,} KiB of shared memory, and a block has {largest // 1024}"


def ask_ahead(pack: Pack, data: Data) -> None:
    """Have the compiler work on what a pack will need that is probed in blocks."""
    layout, examples = pack.layout(data), int(data.train.index.shape[1])
    if not obstacle(layout, examples):
        stored, batch = kept_as(data.inputs.dtype), min(PROBE_EXAMPLES, examples)
        ask(probe_source(pack, layout, stored, batch).text, fused.COMPILER_OPTIONS)


class FusedProbes:
    """Probes the networks in the rows of a group. See `probing.PlainProbes` for the same in array functions."""

    def __init__(self, rows: Rows, machine: BlockMachine | None = None) -> None:
        self._rows, self._machine, batch = rows, machine or device_blocks(), _batch(rows)
        train, layout, data = rows.data.train, rows.layout, rows.data
        self._stored = flat(rows.stored)
        self._source = probe_source(rows.pack, layout, self._stored.dtype, batch)
        rooms = rooms_for_data(layout, batch, data.classes, data.outputs)
        rooms |= {"slope": Room((), np.float32), "of_inputs": Room((), np.float64)}
        rooms |= {"found": Room((len(layout.layers), len(BLOCK_PROBES)), np.float64)}
        self._arrays = allocated(rooms, rows.pack.runs, rows.xp)
        first = FirstExamples(train, batch)
        fill(self._arrays, rows.xp, slope=rows.pack.columns["slope"], **of_split(data, first))

    def take(self, after_update: bool) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """All probes but those of a run's end, each (runs, layers) float64; and rms of dl/dx, (runs,)."""
        rows, names = self._rows, ("index", "labels", "values", "scale", "shift", "slope", "found", "of_inputs")
        arguments = (rows.weights, rows.previous, self._stored, *(self._arrays[name] for name in names))
        self._machine.launch(
            self._source,
            Launch("probe_run", (rows.pack.runs, 1), self._source.threads, (*arguments, int(after_update)),
                   self._source.bytes),
        )  # fmt: skip
        found = to_host(self._arrays["found"])
        return {name: found[:, :, place].copy() for place, name in enumerate(BLOCK_PROBES)}, to_host(
            self._arrays["of_inputs"]
        )

    def at_end(self, ending: np.ndarray) -> dict[str, np.ndarray]:
        """The probes taken when a run ends: the plain ones are used, since a run ends only once."""
        if ending.any():
            return PlainProbes(self._rows).at_end(ending)
        shape = len(ending), len(self._rows.layout.layers)
        return {name: np.full(shape, np.nan) for name, probe in PROBES.items() if probe.moment == "end"}


def _batch(rows: Rows) -> int:
    return min(PROBE_EXAMPLES, int(rows.data.train.index.shape[1]))
