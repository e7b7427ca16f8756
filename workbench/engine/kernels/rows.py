"""The rows of a group that still train: what a kernel works on.

They are views of the group's buffers, with the settings and data of these runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from workbench.engine.backend import Array
from workbench.engine.training.layout import Layout
from workbench.engine.training.pack import Pack
from workbench.engine.training.reader import Data


@dataclass(frozen=True)
class Rows:
    """Some runs of a pack, in the order of their rows.

    weights, gradients, previous (the weights before an epoch's last update) and each slot are (runs, size); `stored`
    holds the inputs on the device, as `data.inputs` has them; `updates` is the number of updates in an epoch. So many
    `threads` may share the work of one run, if the kernel can.
    """

    pack: Pack
    layout: Layout
    data: Data
    weights: Array
    gradients: Array
    previous: Array
    slots: list[Array]
    stored: Array
    updates: int
    xp: ModuleType
    threads: int = 1
