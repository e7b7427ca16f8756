"""The model of a run as a table, which is kept with its pack: the analysis that writes it, and the model read back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.config import SETTINGS
from workbench.config.setting import Value, integers
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.architecture import Images
from workbench.measure.measurement import Analysis
from workbench.measure.model import Model
from workbench.measure.model_about import About, image_settings, require_rules
from workbench.measure.model_arrays import ARRAYS, check_shapes, examples_of, require_parts, shapes_of
from workbench.measure.trained import given_inputs, layout_of
from workbench.sweep.instruments import Measured, Table, Trained

MODEL_TABLE = "model"
INPUT_EXAMPLES = 3  # test inputs kept with a model, as an example of what it reads
_MODEL_PARTS = ("parameters", "outputs", *ARRAYS)


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
    require_parts({name for name in _MODEL_PARTS if held[name].size}, ("origin", "unit", *scalings))
    check_shapes({"outputs": held["outputs"].shape}, {"outputs": (1,)})
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
        **image_settings({setting.engine: texts[key] for key, setting in SETTINGS.items() if key in texts}),
    )
    fitting = {"parameters": (about.layout.size,), **shapes_of(about)}
    check_shapes({name: held[name].shape for name in fitting}, fitting)
    arrays = {name: held[name] for name in ARRAYS} | {"examples": examples_of(held["examples"], about.inputs)}
    return Model(about, held["parameters"].astype(about.dtype), **arrays)


MODEL_ANALYSIS = {
    "model": Analysis(
        "keeps the final weights: a model that MLflow loads and serves, and workbench.load_run", (), _keep
    )
}
