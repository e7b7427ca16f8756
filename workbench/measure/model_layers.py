"""The layers of a trained network by name: "hidden_1" to "hidden_N", "convolution_1", and "output"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from workbench.engine.errors import BadInput
from workbench.engine.layers.base import Layer
from workbench.engine.layers.convolution import Convolution
from workbench.engine.training.layout import Layout


@dataclass(frozen=True)
class ModelLayer:
    """One layer with its parameters: `tensors` by name, weights (units, inputs) with a row a neuron, biases (units,).

    `inputs` and `outputs` are shapes of one example.
    """

    name: str
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    tensors: Mapping[str, np.ndarray]

    @property
    def weights(self) -> np.ndarray:
        """Its weights. Raises BadInput if it has none of that name."""
        return self["weights"]

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.tensors:
            raise BadInput(f"{self.name}: found {name!r:.80}; allowed: {', '.join(self.tensors)}")
        return self.tensors[name]

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {' x '.join(map(str, one.shape))}" for name, one in self.tensors.items())
        return f"{self.name} ({self.kind}): {_shape(self.inputs)} -> {_shape(self.outputs)}; {shapes}"


class ModelLayers(Mapping[str, ModelLayer]):
    """The layers that have parameters, by name, in the order of the forward pass."""

    def __init__(self, found: Mapping[str, ModelLayer]) -> None:
        self._found = dict(found)

    def __getitem__(self, name: str) -> ModelLayer:
        if name not in self._found:
            raise BadInput(f"layer: found {name!r:.80}; allowed: {', '.join(self._found)}")
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._found.values()))


def layers_of(layout: Layout, parameters: np.ndarray) -> ModelLayers:
    """The layers of one row of parameters, (size,); their tensors are copies."""
    counted: Counter[str] = Counter()
    found: dict[str, ModelLayer] = {}
    for layer, tensors in zip(layout.layers, layout.to_numpy(parameters), strict=True):
        kind = _kind(layer)
        counted[kind] += 1
        name = "output" if layer is layout.layers[-1] else f"{kind}_{counted[kind]}"
        found[name] = ModelLayer(name, type(layer).__name__.lower(), layer.inputs, layer.outputs, tensors)
    return ModelLayers(found)


def _kind(layer: Layer) -> str:
    return "convolution" if isinstance(layer, Convolution) else "hidden"


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
