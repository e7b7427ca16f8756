"""The network that a measurement examines: the configured architecture with random parameters, inputs and targets.

Arrays are float64, so that errors of identities stand out from rounding. Every draw is a function of the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.config import RunConfig
from workbench.data import describe
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES, Judged, customary_loss
from workbench.engine.training.architecture import Architecture
from workbench.engine.training.layout import Layout
from workbench.engine.training.network import Network

LARGEST_BIAS = 0.3  # deviation of biases and slopes. Equal ones, as at the start of training, could hide errors


def largest_error(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference of two arrays, relative to the largest entry of the expected one."""
    scale = float(np.abs(expected).max(initial=0.0))
    difference = float(np.abs(np.asarray(found) - expected).max(initial=0.0))
    return difference / scale if scale else difference


@dataclass(frozen=True)
class Subject:
    """One network and one batch: parameters (1, size), inputs (examples, features), targets as the loss reads them."""

    layout: Layout
    loss: str
    slope: float
    parameters: np.ndarray
    inputs: np.ndarray
    targets: np.ndarray
    rng: np.random.Generator

    @cached_property
    def size(self) -> int:
        """The length of a row of parameters, padding included."""
        return self.parameters.shape[1]

    def network(self, parameters: np.ndarray | None = None, inputs: np.ndarray | None = None) -> Network:
        """Networks over rows of parameters, (runs, size), each with gradients and the inputs (examples, features)."""
        rows = self.parameters.copy() if parameters is None else parameters
        read = self.inputs if inputs is None else inputs
        slopes = np.full(len(rows), self.slope)
        network = Network(self.layout, rows, np.zeros_like(rows), slopes, len(read), dropout=True)
        network.inputs[...] = read
        return network

    def judge(self, z: np.ndarray, targets: np.ndarray | None = None) -> Judged:
        """The losses, hits and dl/dz of outputs z, (runs, examples, outputs)."""
        wanted = self.targets if targets is None else targets
        return LOSSES[self.loss].judge(z, np.broadcast_to(wanted, (len(z), *wanted.shape)))


def subject(config: RunConfig, examples: int) -> Subject:
    """The configured network for data of its dataset's shape, with this many random examples."""
    facts, settings = describe(config.data), config.network
    loss = customary_loss(facts.classes) if settings.loss == "auto" else settings.loss
    outputs = LOSSES[loss].units(facts.outputs)
    layout = Layout(
        Architecture(facts.features, outputs, settings.depth, settings.width, settings.activation, settings.pieces)
    )
    rng = np.random.default_rng(config.seed)
    init = ACTIVATIONS[settings.activation].init if settings.init == "auto" else settings.init
    start = {"init": init, "seed": config.seed, "init_scale": settings.init_scale, "slope": settings.slope}
    parameters = layout.initial({name: np.array([value]) for name, value in start.items()}, np.float64)
    for view in layout.views(parameters):
        for name, tensor in view.items():
            if name != "weights":
                tensor[...] = LARGEST_BIAS * rng.standard_normal(tensor.shape)
    inputs = rng.standard_normal((examples, facts.features))
    if LOSSES[loss].task == "regression":
        targets: np.ndarray = rng.standard_normal((examples, outputs))
    else:
        targets = rng.integers(0, facts.classes, examples)
    return Subject(layout, loss, settings.slope, parameters, inputs, targets, rng)
