"""A dense layer in the compiled kernel: the places of its tensors, and the loops of its activation."""

from __future__ import annotations

from workbench.engine.kernels.compiled.rule_loops import ActivationLoops, activation_loops
from workbench.engine.layers.dense import Dense, as_dense
from workbench.engine.training.layout import Layout


def place(layout: Layout, number: int) -> list[int]:
    """The row of `places` of that layer (`products`): where its weights, biases and slopes begin, and its shape.

    Slopes that are not learned have the place 0, which is never read.
    """
    layer = as_dense(layout.layers[number])
    held = {tensor.name for tensor in layer.tensors}
    starts = [layout.start(number, name) if name in held else 0 for name in ("weights", "biases", "slopes")]
    return [*starts, layer.rows, layer.fan_in, layer.units]


def loops(layer: Dense) -> ActivationLoops:
    """The loops that follow z in the forward pass and precede it in the backward pass."""
    return activation_loops(layer.activation)
