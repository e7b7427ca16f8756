"""A kept model says what the engine says, after any number of journeys through files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.measure.cases import tiny, trained
from workbench.engine.classes import NO_CLASS
from workbench.engine.errors import BadInput
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.measure import ANALYSES
from workbench.measure.kept_model import MODEL_TABLE, model_of
from workbench.measure.model import Model, _load_pyfunc
from workbench.measure.trained import NetworkOnSplit, as_classes, given_inputs
from workbench.sweep.instruments import Trained
from workbench.sweep.planning.identity import numbers

CASES: dict[str, Any] = {
    **{name: {"network": {"activation": name}} for name in ACTIVATIONS},
    "two classes": {"data": {"name": "breast_cancer"}},
    "bytes": {"data": {"name": "digits"}, "training": {"epochs": 1}},
    "regression": {"data": {"name": "diabetes"}},
    "no hidden layer": {"network": {"depth": 0}},
    "images": {"data": {"name": "digits"}, "network": {"name": "cnn", "channels": [2, 3]}, "training": {"epochs": 1}},
    "float64": {"dtype": "float64", "data": {"name": "blobs", "scaling": "unit"}},
}


def kept(case: str) -> tuple[Model, NetworkOnSplit]:
    """The model of a trained run, and the engine's own view of its test data."""
    config = tiny(**CASES[case])
    run = trained(config)
    model = model_of(ANALYSES["model"].analyse(run).tables[MODEL_TABLE], numbers(config))
    return model, NetworkOnSplit(run, run.weights.final, "test")


@pytest.mark.parametrize("case", CASES)
def test_predictions_are_the_engines(case: str) -> None:
    model, view = kept(case)
    run = trained(tiny(**CASES[case]))
    outputs = model.predict(given_inputs(run.data, run.data.test.index[0]))
    loss = LOSSES[model.about.loss]
    expected = loss.predict(view.logits)
    if loss.task != "regression":
        expected = as_classes(expected)
        np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)
    else:
        expected = expected * run.data.target_scale[0] + run.data.target_shift[0]
    np.testing.assert_allclose(outputs, expected, rtol=2e-4, atol=2e-6)
    np.testing.assert_array_equal(model.parameters, run.weights.final[0])


@pytest.mark.parametrize("case", CASES)
def test_a_saved_model_is_the_same_to_the_last_bit_and_holds_no_pickle(case: str, tmp_path: Path) -> None:
    model, _ = kept(case)
    model.save(tmp_path)
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as held:
        assert all(held[name].dtype != object for name in held.files)
    again = Model.load(tmp_path)
    assert again.about == model.about
    np.testing.assert_array_equal(again.predict(model.examples), model.predict(model.examples))
    np.testing.assert_array_equal(_load_pyfunc(str(tmp_path)).predict(model.examples), model.predict(model.examples))


def test_a_network_of_images_reads_them_in_their_shape_too() -> None:
    model, _ = kept("images")
    flat = model.examples
    for shape in ((3, 8, 8), (3, 8, 8, 1)):
        assert np.array_equal(model.classify(flat.reshape(shape)), model.classify(flat))
    for wrong in (flat.reshape(3, 4, 16), np.zeros((2, 63))):
        with pytest.raises(BadInput, match=r"this network reads numbers \(n, 64\) or images \(8, 8, 1\)"):
            model.predict(wrong)


def test_a_dense_network_is_saved_as_it_was_before_there_were_others(tmp_path: Path) -> None:
    kept("relu")[0].save(tmp_path)
    assert set(json.loads((tmp_path / "network.json").read_text())) == {
        "inputs", "outputs", "depth", "width", "activation", "pieces", "loss", "slope", "dtype",
    }  # fmt: skip


@pytest.mark.parametrize(
    "inputs",
    [np.zeros((2, 3)), np.zeros((1, 1, 2)), [["a", "b"]], [[1, 2], [3]]],
    ids=["wide", "deep", "words", "ragged"],
)
def test_inputs_of_another_shape_are_refused(inputs: Any) -> None:
    with pytest.raises(BadInput, match=r"this network reads numbers \(n, 2\)"):
        kept("relu")[0].predict(inputs)


def test_inputs_beyond_the_dtype_have_no_prediction_and_no_warning() -> None:
    assert np.isnan(kept("relu")[0].predict([[1e300, 1.0]])).all()


def test_one_input_and_none_are_inputs() -> None:
    model, _ = kept("relu")
    assert model.predict(model.examples[0]).shape == (1, model.about.outputs)
    assert model.predict(np.zeros((0, 2))).shape == (0, model.about.outputs)
    assert model.classify(model.examples).tolist() == model.predict(model.examples).argmax(axis=1).tolist()


@pytest.mark.parametrize("case", ["relu", "two classes"])
def test_a_network_that_tells_no_classes_apart_names_none(case: str) -> None:
    model, _ = kept(case)
    silent = replace(model, parameters=np.zeros_like(model.parameters))
    assert silent.classify(model.examples).tolist() == [NO_CLASS] * len(model.examples)
    assert model.classify(np.full((2, model.about.inputs), np.nan)).tolist() == [NO_CLASS] * 2


@pytest.fixture
def own_data(tmp_path: Path) -> Callable[..., Any]:
    """Keeps the model of a run on arrays of one's own, and gives the run too."""

    def keep(dtype: str, **arrays: np.ndarray) -> tuple[Model, Trained]:
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.npz"
        np.savez(file, **arrays)
        data = {"name": "npz", "path": str(file)}
        config = tiny(data=data, dtype=dtype, network={"depth": 0}, training={"epochs": 20})
        run = trained(config)
        return model_of(ANALYSES["model"].analyse(run).tables[MODEL_TABLE], numbers(config)), run

    return keep


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("offset", "size"), [(0, 1.0), (1e9, 1.0), (3, 1e-50), (-4e11, 1e-9), (0, 1e200)])
def test_a_regression_answers_in_the_units_of_its_data(own_data: Any, dtype: str, offset: float, size: float) -> None:
    z = np.random.default_rng(0).standard_normal((200, 2))
    targets = (2 * z[:, 0] + z[:, 1] + offset) * size
    model, run = own_data(dtype, inputs=(z + offset) * size, targets=targets)
    found = model.predict((z + offset) * size)[:, 0]
    assert found.dtype == np.float64
    np.testing.assert_allclose((found - targets) / size, 0, atol=0.05 + 1e-14 * abs(offset))
    assert model.says == "what was to be predicted, in the units of the dataset"
    np.testing.assert_allclose(model.examples, ((z + offset) * size)[run.data.test.index[0][:3]], rtol=1e-15)


def test_an_offset_of_the_inputs_does_not_change_what_a_model_says(own_data: Any) -> None:
    z = np.round(np.random.default_rng(0).standard_normal((200, 2)) * 2**10) / 2**10  # exact at any of these offsets
    plain, _ = own_data("float32", inputs=z, targets=(z.sum(axis=1) > 0).astype(int))
    far, _ = own_data("float32", inputs=z + 2.0**40, targets=(z.sum(axis=1) > 0).astype(int))
    np.testing.assert_allclose(far.predict(z + 2.0**40), plain.predict(z), atol=1e-4)
    assert (far.classify(z + 2.0**40) == (z.sum(axis=1) > 0)).mean() > 0.95


def test_what_another_version_kept_is_one_line(tmp_path: Path) -> None:
    config = tiny(**CASES["regression"])
    table = ANALYSES["model"].analyse(trained(config)).tables[MODEL_TABLE]
    for name in ("origin", "target_scale"):
        left = {column: values[table["part"] != name] for column, values in table.items()}
        with pytest.raises(BadInput, match=f"the kept model holds no {name}: another version of Workbench kept it"):
            model_of(left, numbers(config))
    model = model_of(table, numbers(config))
    model.save(tmp_path)
    with np.load(tmp_path / "weights.npz") as held:
        older = {name: held[name] for name in held.files if name != "unit"}
    np.savez(tmp_path / "weights.npz", **older)
    with pytest.raises(BadInput, match="the kept model holds no unit"):
        Model.load(tmp_path)


def test_a_regression_has_no_classes() -> None:
    with pytest.raises(BadInput, match="this network is of a regression"):
        kept("regression")[0].classify(np.zeros((1, 10)))


@pytest.mark.parametrize("name", ["weights_1", "biases_1", "scale", "shift", "one too many", "one too few", "examples"])
def test_weights_of_another_shape_than_the_network_s_are_refused(name: str, tmp_path: Path) -> None:
    """NumPy would spread an array of shape (1, 1) over a whole layer, and nobody would hear of it."""
    model, _ = kept("relu")
    model.save(tmp_path)
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as content:
        held = {key: content[key] for key in content.files}
    first = next(key for key in held if key.startswith(name.split("_")[0][:6]) or name.startswith("one"))
    if name == "one too few":
        del held[first]
    else:
        held["slopes_9" if name == "one too many" else first] = np.ones((1, 1), np.float32)
    np.savez(tmp_path / "weights.npz", allow_pickle=False, **held)
    with pytest.raises(BadInput, match=r"^weights\.npz: "):
        Model.load(tmp_path)


def test_layers_have_names_their_tensors_and_what_they_give() -> None:
    model, view = kept("images")
    assert list(model.layers) == ["convolution_1", "convolution_2", "hidden_1", "hidden_2", "output"]
    with pytest.raises(BadInput, match="layer: found 'first'; allowed: convolution_1"):
        model.layers["first"]
    with pytest.raises(BadInput, match="output: found 'bias'; allowed: weights, biases"):
        model.layers["output"]["bias"]
    dense, view = kept("relu")
    inputs = given_inputs(trained(tiny(**CASES["relu"])).data, view.split.index[0])
    given = dense.activations(inputs)
    assert list(given) == list(dense.layers)
    last = dense.layers["output"]
    hidden = given[list(given)[-2]]
    np.testing.assert_allclose(hidden @ last.weights.T + last["biases"], given["output"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(given["output"], view.logits, rtol=2e-4, atol=2e-5)
    assert "output (dense)" in repr(dense)
