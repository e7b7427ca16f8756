"""A trained network kept to be asked: its weights and its scaling in plain files, and the engine's own forward pass.

MLflow loads such a folder by `_load_pyfunc` (`loader_module`); no pickle is written or read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.engine.errors import BadInput
from workbench.engine.evaluation import CHUNK
from workbench.engine.losses import LOSSES
from workbench.engine.network import Network
from workbench.engine.parameters import Architecture, Layout
from workbench.measure.measurement import Analysis
from workbench.measure.trained import as_classes, layout_of
from workbench.sweep.measures import Measured, Table, Trained

WEIGHTS_FILE, ABOUT_FILE = "weights.npz", "network.json"
EXAMPLES = 3  # test inputs kept with a model, as an example of what it reads
TABLE = "model"
_PARTS = ("parameters", "scale", "shift", "outputs", "examples")


@dataclass(frozen=True)
class About:
    """The network: its architecture (`engine.parameters`), loss, fixed slope of leaky ReLU, and working dtype."""

    inputs: int
    outputs: int
    depth: int
    width: int
    activation: str
    pieces: int
    loss: str
    slope: float
    dtype: str

    @property
    def layout(self) -> Layout:
        """Where each tensor lies in a row of parameters."""
        shape = Architecture(self.inputs, self.outputs, self.depth, self.width, self.activation, self.pieces)
        return Layout(shape)


@dataclass(frozen=True)
class Model:
    """One trained network with the weights its run ended with.

    parameters (size,) is a row of the engine's buffer; scale, shift (features,): an input is read as x * scale + shift.
    examples (n, features): a few inputs as they are stored.
    """

    about: About
    parameters: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    examples: np.ndarray

    def predict(self, inputs: Any) -> np.ndarray:
        """What the network says of inputs (n, features), as they are stored: (n, classes) probabilities, or
        (n, outputs) values of a regression, standardised as in training. Raises BadInput for another shape.
        """
        given = np.atleast_2d(np.asarray(inputs))
        if given.ndim != 2 or given.shape[1] != self.about.inputs or not np.issubdtype(given.dtype, np.number):
            found = f"{given.dtype} {given.shape}"
            raise BadInput(f"inputs: found {found}; this network reads numbers (n, {self.about.inputs})")
        loss = LOSSES[self.about.loss]
        parts = [loss.predict(self._forward(given[at : at + CHUNK])) for at in range(0, len(given), CHUNK)]
        outputs = np.concatenate(parts) if parts else np.zeros((0, self.about.outputs), self.about.dtype)
        return outputs if loss.task == "regression" else as_classes(outputs)

    def classify(self, inputs: Any) -> np.ndarray:
        """The most probable class of each input: (n, features) -> (n,) int."""
        return self.predict(inputs).argmax(axis=1)

    def save(self, folder: Path) -> None:
        """Write the network into a folder: every tensor by name and layer, and what it is."""
        folder.mkdir(parents=True, exist_ok=True)
        layers = enumerate(self.about.layout.to_numpy(self.parameters), start=1)
        named = {f"{name}_{number}": array for number, layer in layers for name, array in layer.items()}
        arrays = {"scale": self.scale, "shift": self.shift, "examples": self.examples}
        np.savez_compressed(folder / WEIGHTS_FILE, allow_pickle=False, **named, **arrays)
        (folder / ABOUT_FILE).write_text(json.dumps(asdict(self.about), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Read what `save` wrote. Raises BadInput where the weights are not those of the network."""
        about = About(**json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8")))
        with np.load(folder / WEIGHTS_FILE, allow_pickle=False) as content:
            held = {name: content[name] for name in content.files}
        parameters = np.zeros((1, about.layout.size), about.dtype)
        tensors = {
            f"{name}_{number}": tensor[0]
            for number, view in enumerate(about.layout.views(parameters), start=1)
            for name, tensor in view._asdict().items()
            if tensor is not None
        }
        shapes = {name: tensor.shape for name, tensor in tensors.items()}
        shapes |= {"scale": (about.inputs,), "shift": (about.inputs,)}
        _check_shapes({name: array.shape for name, array in held.items() if name != "examples"}, shapes)
        for name, tensor in tensors.items():
            tensor[:] = held[name]
        return cls(about, parameters[0], held["scale"], held["shift"], _examples(held["examples"], about.inputs))

    def _forward(self, given: np.ndarray) -> np.ndarray:
        """z of the output layer: (n, features) -> (n, outputs), scaled as the engine's reader does it."""
        dtype = np.dtype(self.about.dtype)
        parameters = self.parameters[None].astype(dtype)
        network = Network(self.about.layout, parameters, None, np.array([self.about.slope], dtype), len(given))
        np.multiply(given, self.scale.astype(dtype), out=network.inputs[0], casting="unsafe")
        np.add(network.inputs[0], self.shift.astype(dtype), out=network.inputs[0])
        return network.forward()[0].copy()


def _keep(trained: Trained) -> Measured:
    """The table that a model is made of again: part, place within it, value."""
    data = trained.data
    parts = {
        "parameters": trained.weights.final[0],
        "scale": np.ravel(data.scale),
        "shift": np.ravel(data.shift),
        "outputs": np.array([layout_of(trained).layers[-1].units]),
        "examples": data.inputs[data.test.index[0][:EXAMPLES]].ravel(),
    }
    table = {
        "part": np.repeat(list(parts), [len(values) for values in parts.values()]),
        "place": np.concatenate([np.arange(len(values)) for values in parts.values()]),
        "value": np.concatenate([np.asarray(values, np.float64) for values in parts.values()]),
    }
    return Measured({}, {TABLE: table})


def model_of(table: Table, params: Mapping[str, Any]) -> Model:
    """A model from the rows that `_keep` left of one run and the run's settings.

    Raises BadInput where the weights are not those of the network that the settings tell of.
    """
    part, value = np.asarray(table["part"]), np.asarray(table["value"], np.float64)
    held = {name: value[part == name] for name in _PARTS}
    _check_shapes({"outputs": held["outputs"].shape}, {"outputs": (1,)})
    about = About(
        inputs=len(held["scale"]),
        outputs=int(held["outputs"][0]),
        depth=int(params["network.depth"]),
        width=int(params["network.width"]),
        activation=str(params["network.activation"]),
        pieces=int(params["network.pieces"]),
        loss=str(params["network.loss"]),
        slope=float(params["network.slope"]),
        dtype=str(params["dtype"]),
    )
    fitting = {"parameters": (about.layout.size,), "scale": (about.inputs,), "shift": (about.inputs,)}
    _check_shapes({name: held[name].shape for name in fitting}, fitting)
    examples = _examples(held["examples"], about.inputs)
    return Model(about, held["parameters"].astype(about.dtype), held["scale"], held["shift"], examples)


def _check_shapes(found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Raises BadInput where an array is missing, one too many, or of another shape: NumPy would spread it silently."""
    for name in [*expected, *(name for name in found if name not in expected)]:
        if found.get(name) != expected.get(name):
            raise BadInput(
                f"{WEIGHTS_FILE}: {name} has the shape {found.get(name, 'of nothing')}; "
                f"this network has {expected.get(name, 'no such array')}"
            )


def _examples(values: np.ndarray, inputs: int) -> np.ndarray:
    """The examples kept with a model: (n, inputs)."""
    if values.size % max(inputs, 1) or not inputs:
        raise BadInput(f"{WEIGHTS_FILE}: examples holds {values.size} numbers; this network reads {inputs} each")
    return values.reshape(-1, inputs)


def _load_pyfunc(path: str) -> Served:
    """MLflow's entrance."""
    return Served(Model.load(Path(path)))


@dataclass(frozen=True)
class Served:
    """A model as MLflow's pyfunc asks it."""

    model: Model

    # Without types: MLflow would take them for the model's signature, and check every input by them.
    def predict(self, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ARG002
        """Probabilities of the classes, or the values of a regression."""
        return self.model.predict(model_input)


MODEL = {
    "model": Analysis(
        "keeps the final weights: a model that MLflow loads and serves, and workbench.load_run", (), _keep
    )
}
