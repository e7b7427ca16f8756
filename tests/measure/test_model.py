"""A kept model says what the engine says, after any number of journeys through files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.measure.cases import tiny, trained
from workbench.engine.activations import ACTIVATIONS
from workbench.engine.errors import BadInput
from workbench.engine.losses import LOSSES
from workbench.measure import ANALYSES
from workbench.measure.model import TABLE, Model, _load_pyfunc, model_of
from workbench.measure.trained import View, as_classes
from workbench.sweep.identity import numbers

CASES: dict[str, Any] = {
    **{name: {"network": {"activation": name}} for name in ACTIVATIONS},
    "two classes": {"data": {"name": "breast_cancer"}},
    "bytes": {"data": {"name": "digits"}, "training": {"epochs": 1}},
    "regression": {"data": {"name": "diabetes"}},
    "no hidden layer": {"network": {"depth": 0}},
    "float64": {"dtype": "float64", "data": {"name": "blobs", "scaling": "unit"}},
}


def kept(case: str) -> tuple[Model, View]:
    """The model of a trained run, and the engine's own view of its test data."""
    config = tiny(**CASES[case])
    run = trained(config)
    model = model_of(ANALYSES["model"].analyse(run).tables[TABLE], numbers(config))
    return model, View(run, run.weights.final, "test")


@pytest.mark.parametrize("case", CASES)
def test_predictions_are_the_engines(case: str) -> None:
    model, view = kept(case)
    run = trained(tiny(**CASES[case]))
    outputs = model.predict(run.data.inputs[run.data.test.index[0]])
    loss = LOSSES[model.about.loss]
    expected = loss.predict(view.logits)
    if loss.task != "regression":
        expected = as_classes(expected)
        np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)
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


@pytest.mark.parametrize("inputs", [np.zeros((2, 3)), np.zeros((1, 1, 2)), [["a", "b"]]], ids=["wide", "deep", "words"])
def test_inputs_of_another_shape_are_refused(inputs: Any) -> None:
    with pytest.raises(BadInput, match=r"this network reads numbers \(n, 2\)"):
        kept("relu")[0].predict(inputs)


def test_one_input_and_none_are_inputs() -> None:
    model, _ = kept("relu")
    assert model.predict(model.examples[0]).shape == (1, model.about.outputs)
    assert model.predict(np.zeros((0, 2))).shape == (0, model.about.outputs)
    assert model.classify(model.examples).tolist() == model.predict(model.examples).argmax(axis=1).tolist()


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


@pytest.mark.parametrize("part", ["parameters", "scale", "shift", "outputs", "examples"])
def test_rows_of_a_model_that_do_not_fit_its_settings_are_refused(part: str) -> None:
    config = tiny(**CASES["relu"])
    table = ANALYSES["model"].analyse(trained(config)).tables[TABLE]
    kept_rows = np.ones(len(table["part"]), bool)
    kept_rows[np.flatnonzero(np.asarray(table["part"]) == part)[-1]] = False
    with pytest.raises(BadInput, match=r"^weights\.npz: "):
        model_of({name: np.asarray(column)[kept_rows] for name, column in table.items()}, numbers(config))
