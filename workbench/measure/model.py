"""A trained network saved for inference: its weights and scaling in plain files. It predicts by the engine's forward
pass.

MLflow loads such a folder through `_load_pyfunc`, with this module as `loader_module`. No pickle is written or read.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from workbench.config import SETTINGS
from workbench.config.setting import Value, integers
from workbench.engine.classes import named_class
from workbench.engine.errors import BadInput
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.architecture import Architecture, Images, ImageSettings
from workbench.engine.training.evaluation import EVALUATED_AT_ONCE
from workbench.engine.training.layout import Layout
from workbench.engine.training.network import Network
from workbench.measure.measurement import Analysis
from workbench.measure.model_layers import ModelLayers, layers_of
from workbench.measure.trained import as_classes, given_inputs, layout_of
from workbench.persons_code import RULE_FILES
from workbench.sweep.instruments import Measured, Table, Trained

Kind = TypeVar("Kind")
WEIGHTS_FILE, ABOUT_FILE = "weights.npz", "network.json"
INPUT_EXAMPLES = 3  # test inputs kept with a model, as an example of what it reads
MODEL_TABLE = "model"
# The parts of a model besides its architecture, and those among them that are saved as arrays beside the weights.
_ARRAYS = ("origin", "unit", "scale", "shift", "target_scale", "target_shift", "examples")
_MODEL_PARTS = ("parameters", "outputs", *_ARRAYS)
# Descriptions of a model's inputs and outputs, for its users.
INPUTS = "numbers as the dataset has them, unscaled"
CLASSES = "the probability of each class"
VALUES_MEANING = "what was to be predicted, in the units of the dataset"


@dataclass(frozen=True)
class About(Images):
    """The network: its architecture (`engine.training.architecture`), loss, fixed slope of leaky ReLU, and working
    dtype.
    """

    inputs: int
    outputs: int
    depth: int
    width: int
    activation: str
    pieces: int
    loss: str
    slope: float
    dtype: str
    image: tuple[int, ...] = ()
    widths: tuple[int, ...] = ()

    @property
    def layout(self) -> Layout:
        """The place of each tensor in a row of parameters."""
        shape = self.inputs, self.outputs, self.depth, self.width, self.activation, self.pieces, tuple(self.image)
        return Layout(Architecture(*shape, widths=tuple(self.widths), **self.of_images()))

    def as_saved(self) -> dict[str, object]:
        """Its fields by name; without those that only networks of images have if it is none, and without widths if all
        are equal.
        """
        left_out = set() if self.image else {*self.of_images(), "image"}
        left_out |= set() if self.widths else {"widths"}
        return {name: value for name, value in asdict(self).items() if name not in left_out}

    @classmethod
    def from_saved(cls, held: Mapping[str, object]) -> About:
        """Made from what `as_saved` returned, read from JSON. Raises BadInput if a field is missing or of another type,
        or if a rule of the network is unknown.
        """
        require_rules(_saved(held, "activation", str), _saved(held, "loss", str))
        return cls(
            inputs=_saved(held, "inputs", int), outputs=_saved(held, "outputs", int), depth=_saved(held, "depth", int),
            width=_saved(held, "width", int), activation=_saved(held, "activation", str),
            pieces=_saved(held, "pieces", int), loss=_saved(held, "loss", str), slope=_saved(held, "slope", float),
            dtype=_saved(held, "dtype", str), image=tuple(_saved(held, "image", list)) if "image" in held else (),
            widths=tuple(_saved(held, "widths", list)) if "widths" in held else (),
            **_image_settings({name: str(value) for name, value in held.items()}),
        )  # fmt: skip


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
        arrays = {name: getattr(self, name) for name in _ARRAYS}
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
        _require_parts({name for name in _ARRAYS if name in held}, _ARRAYS)
        parameters = np.zeros((1, about.layout.size), about.dtype)
        tensors = {
            f"{name}_{number}": tensor[0]
            for number, view in enumerate(about.layout.views(parameters), start=1)
            for name, tensor in view.items()
        }
        shapes = {name: tensor.shape for name, tensor in tensors.items()} | _shapes_of(about)
        _check_shapes({name: array.shape for name, array in held.items() if name != "examples"}, shapes)
        for name, tensor in tensors.items():
            tensor[:] = held[name]
        arrays = {name: held[name] for name in _ARRAYS} | {"examples": _examples(held["examples"], about.inputs)}
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


def _keep(trained: Trained) -> Measured:
    """The table from which `model_of` makes the model again: part, place within it, value."""
    data = trained.data
    parts = {
        "parameters": trained.weights.final[0],
        "outputs": np.array([layout_of(trained).outputs]),
        "origin": data.origin,
        "unit": data.unit,
        "scale": np.ravel(data.scale),
        "shift": np.ravel(data.shift),
        "target_scale": np.ravel(data.target_scale),
        "target_shift": np.ravel(data.target_shift),
        "examples": given_inputs(data, data.test.index[0][:INPUT_EXAMPLES]).ravel(),
    }
    if trained.pack.network != Images.network:
        parts["image"] = np.array(data.image)
    table = {
        "part": np.repeat(list(parts), [len(values) for values in parts.values()]),
        "place": np.concatenate([np.arange(len(values)) for values in parts.values()]),
        "value": np.concatenate([np.asarray(values, np.float64) for values in parts.values()]),
    }
    return Measured({}, {MODEL_TABLE: table})


def _saved(held: Mapping[str, object], name: str, kind: type[Kind]) -> Kind:
    value = held.get(name)
    if not isinstance(value, kind):
        raise BadInput(f"{ABOUT_FILE}: {name} is {value!r}; allowed: what Workbench saved, {kind.__name__}")
    return value


def model_of(table: Table, params: Mapping[str, Value]) -> Model:
    """A model from the rows that `_keep` wrote for one run, and the run's settings, or their texts in a store.

    Raises BadInput if another version of Workbench wrote them, if they are not of the network that the settings
    describe, or if a rule of it is unknown.
    """
    texts = {key: str(value) for key, value in params.items()}
    require_rules(texts["network.activation"], texts["network.loss"])
    part, value = np.asarray(table["part"]), np.asarray(table["value"], np.float64)
    held = {name: value[part == name] for name in (*_MODEL_PARTS, "image")}
    scalings = ("target_scale", "target_shift") if LOSSES[texts["network.loss"]].task == "regression" else ()
    _require_parts({name for name in _MODEL_PARTS if held[name].size}, ("origin", "unit", *scalings))
    _check_shapes({"outputs": held["outputs"].shape}, {"outputs": (1,)})
    about = About(
        inputs=len(held["scale"]),
        outputs=int(held["outputs"][0]),
        depth=int(texts["network.depth"]),
        width=int(texts["network.width"]),
        activation=texts["network.activation"],
        pieces=int(texts.get("network.pieces", str(SETTINGS["network.pieces"].default))),
        loss=texts["network.loss"],
        slope=float(texts.get("network.slope", str(SETTINGS["network.slope"].default))),
        dtype=texts["dtype"],
        image=tuple(map(int, held["image"])),
        widths=integers(texts.get("network.widths", "")) or (),
        **_image_settings({setting.engine: texts[key] for key, setting in SETTINGS.items() if key in texts}),
    )
    fitting = {"parameters": (about.layout.size,), **_shapes_of(about)}
    _check_shapes({name: held[name].shape for name in fitting}, fitting)
    arrays = {name: held[name] for name in _ARRAYS} | {"examples": _examples(held["examples"], about.inputs)}
    return Model(about, held["parameters"].astype(about.dtype), **arrays)


def require_rules(activation: str, loss: str) -> None:
    """Raise BadInput with the rule's name if a network uses a rule of a person's own that is not installed."""
    for kind, name, known in (("activation", activation, ACTIVATIONS), ("loss", loss, LOSSES)):
        if name not in known:
            raise BadInput(
                f"the network uses the {kind} {name!r:.80}, which is no rule of Workbench's: load it in the folder "
                f"whose rules/*.py has it{RULE_FILES.in_brackets()}"
            )


def _image_settings(texts: Mapping[str, str]) -> ImageSettings:
    """The settings of networks of images, from their texts; the defaults for a fully connected network."""
    if texts.get("network", Images.network) == Images.network:
        return Images().of_images()
    return {
        "network": texts["network"], "channels": integers(texts["channels"]) or (), "padding": texts["padding"],
        "kernel_size": int(texts["kernel_size"]), "stride": int(texts["stride"]), "pool": texts["pool"],
        "pool_size": int(texts["pool_size"]), "global_average": texts["global_average"] == "True",
    }  # fmt: skip


def _require_parts(held: Collection[str], needed: Collection[str]) -> None:
    missing = [name for name in needed if name not in held]
    if missing:
        raise BadInput(
            f"the kept model holds no {missing[0]}: another version of Workbench kept it, without all that its answers "
            f"need; the command that trained it trains it anew"
        )


def _shapes_of(about: About) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays that scale the inputs and, in a regression, the targets."""
    targets = (about.outputs if LOSSES[about.loss].task == "regression" else 0,)
    inputs = dict.fromkeys(("origin", "unit", "scale", "shift"), (about.inputs,))
    return {**inputs, "target_scale": targets, "target_shift": targets}


def _check_shapes(found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Raise BadInput if an array is missing, unexpected, or of another shape: NumPy would broadcast it silently."""
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


MODEL_ANALYSIS = {
    "model": Analysis(
        "keeps the final weights: a model that MLflow loads and serves, and workbench.load_run", (), _keep
    )
}
