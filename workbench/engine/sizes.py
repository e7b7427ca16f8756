"""How large things are: bytes of a run, and how many runs are walked through an epoch together."""

from __future__ import annotations

import numpy as np

from workbench.engine.evaluation import CHUNK
from workbench.engine.losses import LOSSES
from workbench.engine.optimizers import OPTIMIZERS
from workbench.engine.pack import Pack
from workbench.engine.parameters import Architecture, Layout
from workbench.engine.probes import EXAMPLES
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
    if pack.kernel == "compiled":
        return LARGEST_GROUP  # each run is walked through its epoch alone
    return int(np.clip(CACHE // bytes_per_run(pack, data), 1, LARGEST_GROUP))


def memory_per_run(pack: Pack, architecture: Architecture) -> int:
    """Bytes that a run takes while its pack trains.

    Parameters, their gradients, slots, best and previous copies, and the activations of a step, an evaluation and a
    probe.
    """
    layout = Layout(architecture)
    copies = 4 + len(OPTIMIZERS[pack.optimizer].slots)
    widths = sum(layer.fan_in + 2 * layer.rows + 2 * layer.units for layer in layout.layers)
    examples = pack.batch_size + 2 * CHUNK + EXAMPLES
    return (copies * layout.size + examples * widths) * np.dtype(pack.dtype).itemsize
