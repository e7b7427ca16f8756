"""A convolutional layer in the compiled kernel: the places of its tensors, and the loops of its activation.

What is done with it stands in `images`, and `stages` says in which order.
"""

from __future__ import annotations

from workbench.engine.kernels.compiled import maxout
from workbench.engine.kernels.compiled.rule_loops import ActivationLoops, activation_loops
from workbench.engine.layers.convolution import Convolution
from workbench.engine.layers.maxout import Maxout
from workbench.engine.training.layout import Layout


def place(layout: Layout, number: int) -> list[int]:
    """As that of a dense layer, of the neurons that read its patches."""
    layer = layout.layers[number]
    assert isinstance(layer, Convolution)
    held = {tensor.name for tensor in layer.tensors}
    starts = [layout.start(number, name) if name in held else 0 for name in ("weights", "biases", "slopes")]
    return [*starts, layer.neurons.rows, layer.neurons.fan_in, layer.units]


def loops(layer: Convolution) -> ActivationLoops:
    """What follows z forwards and comes before it backwards: a unit and its examples are that many units to them."""
    return maxout.loops(layer.neurons) if isinstance(layer.neurons, Maxout) else activation_loops(layer.activation)
