"""How large things are: bytes of a run, and how many runs are walked through an epoch together."""

from __future__ import annotations

import numpy as np

from workbench.engine.losses import LOSSES
from workbench.engine.optimizers import OPTIMIZERS
from workbench.engine.pack import Pack
from workbench.engine.parameters import Layout
from workbench.engine.reader import Data

# Larger groups spread Python's cost per call over more runs, until their buffers leave the cache.
CACHE = 6 * 2**20  # bytes
LARGEST_GROUP = 64


def bytes_per_run(pack: Pack, data: Data) -> int:
    """Bytes that a training step of one run touches: parameters, gradients, slots, activations and one minibatch."""
    layout = Layout(pack.architecture(data.inputs.shape[1], LOSSES[pack.loss].units(data.outputs)))
    parameters = layout.size * (2 + len(OPTIMIZERS[pack.optimizer].slots))
    activations = pack.batch_size * sum(layer.fan_in + 2 * layer.rows + layer.units for layer in layout.layers)
    return (parameters + activations) * np.dtype(pack.dtype).itemsize


def runs_per_group(pack: Pack, data: Data) -> int:
    """How many runs share a group: as many as stay in cache on the CPU, all of them on a GPU."""
    if pack.device != "cpu":
        return pack.runs
    return int(np.clip(CACHE // bytes_per_run(pack, data), 1, LARGEST_GROUP))
