"""A trained network saved for inference: its weights and scaling in plain files. It predicts by the engine's forward
pass.

MLflow loads such a folder through `_load_pyfunc`, with this module as `loader_module`. No pickle is written or read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.engine.classes import named_class
from workbench.engine.errors import BadInput
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.evaluation import EVALUATED_AT_ONCE
from workbench.engine.training.network import Network
from workbench.measure.model_about import ABOUT_FILE, About
from workbench.measure.model_arrays import ARRAYS, WEIGHTS_FILE, check_shapes, examples_of, require_parts, shapes_of
from workbench.measure.model_layers import ModelLayers, layers_of
from workbench.measure.trained import as_classes

# Descriptions of a model's inputs and outputs, for its users.
INPUTS = "numbers as the dataset has them, unscaled"
CLASSES = "the probability of each class"
VALUES_MEANING = "what was to be predicted, in the units of the dataset"


@dataclass(frozen=True)
class Model:
    """One trained network with the weights its run ended with.

    parameters (size,) is a row of the engine's buffer. origin, unit, scale, shift (features,): an input x is read as
    (x - origin) / unit * scale + shift; the quotient is rounded to the working dtype, x and the difference are not.
    target_scale, target_shift (outputs,): an output y of a regression means y * scale + shift; empty for classes.
    examples (n, features): a few inputs as the dataset has them.
    """

    about: About
    parameters: np.ndarray
    origin: np.ndarray
    unit: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    target_scale: np.ndarray
    target_shift: np.ndarray
    examples: np.ndarray

    @property
    def says(self) -> str:
        """What `predict` gives, in words."""
        return VALUES_MEANING if LOSSES[self.about.loss].task == "regression" else CLASSES

    def predict(self, inputs: object) -> np.ndarray:
        """The network's prediction for inputs (n, features), as the dataset has them: (n, classes) probabilities, or
        (n, outputs) float64 values of a regression in the dataset's own units. Raises BadInput for another shape.
        """
        loss = LOSSES[self.about.loss]
        z = self._logits(inputs)
        with np.errstate(all="ignore"):  # z of inputs far beyond the training data need not be finite
            outputs = loss.predict(z)
        if loss.task == "regression":
            return outputs * self.target_scale + self.target_shift
        return as_classes(outputs)

    def classify(self, inputs: object) -> np.ndarray:
        """The class that the network names for each input: (n, features) -> (n,) int. It is -1 (`classes.NO_CLASS`)
        if two classes are equally probable or an output is NaN. Raises BadInput for a regression.
        """
        if LOSSES[self.about.loss].task == "regression":
            raise BadInput("classify: this network is of a regression, which has no classes; ask it to predict")
        return named_class(self._logits(inputs))

    @property
    def layers(self) -> ModelLayers:
        """Its layers by name, as `layers["hidden_1"].weights`: "hidden_1" and on, "convolution_1" and on, "output"."""
        return layers_of(self.about.layout, self.parameters)

    def activations(self, inputs: object) -> dict[str, np.ndarray]:
        """What each layer gives for inputs (n, features): (n, units) by the layer's name, of the output layer its z.

        Raises BadInput for inputs of another shape.
        """
        given = self._read(inputs)
        with np.errstate(all="ignore"):
            network = self._bound(given)
            z = network.forward()[0]
        hidden = [bound.a[0].reshape(len(given), *bound.layer.outputs).copy() for bound in network.layers[:-1]]
        return dict(zip(self.layers, [*hidden, z.copy()], strict=True))

    def __repr__(self) -> str:
        return f"a network that gives {self.says}\n{self.layers!r}"

    def save(self, folder: Path) -> None:
        """Write the network into a folder: every tensor by name and layer, and a JSON file that describes it."""
        folder.mkdir(parents=True, exist_ok=True)
        layers = enumerate(self.about.layout.to_numpy(self.parameters), start=1)
        named = {f"{name}_{number}": array for number, layer in layers for name, array in layer.items()}
        arrays = {name: getattr(self, name) for name in ARRAYS}
        np.savez_compressed(folder / WEIGHTS_FILE, allow_pickle=False, **named, **arrays)
        (folder / ABOUT_FILE).write_text(json.dumps(self.about.as_saved(), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Read what `save` wrote. Raises BadInput if another version of Workbench wrote it, or if the weights are not
        those of the network.
        """
        about = About.from_saved(json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8")))
        with np.load(folder / WEIGHTS_FILE, allow_pickle=False) as content:
            held = {name: content[name] for name in content.files}
        require_parts({name for name in ARRAYS if name in held}, ARRAYS)
        parameters = np.zeros((1, about.layout.size), about.dtype)
        tensors = {
            f"{name}_{number}": tensor[0]
            for number, view in enumerate(about.layout.views(parameters), start=1)
            for name, tensor in view.items()
        }
        shapes = {name: tensor.shape for name, tensor in tensors.items()} | shapes_of(about)
        check_shapes({name: array.shape for name, array in held.items() if name != "examples"}, shapes)
        for name, tensor in tensors.items():
            tensor[:] = held[name]
        arrays = {name: held[name] for name in ARRAYS} | {"examples": examples_of(held["examples"], about.inputs)}
        return cls(about, parameters[0], **arrays)

    def _logits(self, inputs: object) -> np.ndarray:
        """z of the output layer for inputs (n, features): (n, outputs). Raises BadInput for another shape."""
        given = self._read(inputs)
        parts = [self._forward(given[at : at + EVALUATED_AT_ONCE]) for at in range(0, len(given), EVALUATED_AT_ONCE)]
        return np.concatenate(parts) if parts else np.zeros((0, self.about.outputs), self.about.dtype)

    def _read(self, inputs: object) -> np.ndarray:
        """Inputs as numbers (n, features), also images. Raises BadInput for another shape."""
        try:
            given = np.atleast_2d(np.asarray(inputs))
        except ValueError:  # what NumPy says of rows of several lengths
            raise BadInput(
                f"inputs: found rows of several lengths; this network reads numbers (n, {self.about.inputs})"
            ) from None
        if self.about.image and given.shape[1:] in (self.about.image, self.about.image[:2]):
            given = given.reshape(len(given), -1)
        if given.ndim != 2 or given.shape[1] != self.about.inputs or given.dtype.kind not in "buif":
            found = f"{given.dtype} {given.shape}"
            images = f" or images {self.about.image}" if self.about.image else ""
            raise BadInput(f"inputs: found {found}; this network reads numbers (n, {self.about.inputs}){images}")
        return given

    def _forward(self, given: np.ndarray) -> np.ndarray:
        """z of the output layer: (n, features) -> (n, outputs), read and scaled as the engine does it."""
        with np.errstate(all="ignore"):  # what is far beyond the training data overflows, as in training
            return self._bound(given).forward()[0].copy()

    def _bound(self, given: np.ndarray) -> Network:
        """The network with these inputs, (n, features), scaled."""
        dtype = np.dtype(self.about.dtype)
        parameters = self.parameters[None].astype(dtype)
        network = Network(self.about.layout, parameters, None, np.array([self.about.slope], dtype), len(given))
        with np.errstate(all="ignore"):  # inputs far beyond the training data overflow, as in training
            network.inputs[0] = (given.astype(np.float64) - self.origin) / self.unit
            np.multiply(network.inputs[0], self.scale.astype(dtype), out=network.inputs[0])
            np.add(network.inputs[0], self.shift.astype(dtype), out=network.inputs[0])
        return network


def _load_pyfunc(path: str) -> Served:
    """MLflow calls this to load a model."""
    return Served(Model.load(Path(path)))


@dataclass(frozen=True)
class Served:
    """A model with the interface of MLflow's pyfunc."""

    model: Model

    # Untyped: MLflow would take type hints for the model's signature, and check every input against them.
    def predict(self, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ARG002
        """Probabilities of the classes, or the values of a regression in the units of the dataset."""
        return self.model.predict(model_input)
