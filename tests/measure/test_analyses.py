"""Analyses of trained networks: each gives what its row says, is right where the answer is known, and sees an error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.measure.cases import tiny, trained
from workbench.config import RunConfig
from workbench.engine.errors import BadInput
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.epoch import Weights
from workbench.engine.training.monte_carlo import MonteCarlo
from workbench.measure import ANALYSES, INSTRUMENTS
from workbench.measure.calibration import calibration_error, reliability
from workbench.measure.dropout_inference import unscaled
from workbench.measure.linear_probes import probe_accuracy, standardisation, untrained_weights
from workbench.measure.smoothness import jacobian_norms
from workbench.measure.trained import NetworkOnSplit, layout_of, share_named
from workbench.sweep.instruments import Trained

IMAGES = tiny(
    data={"name": "digits", "train_size": 100}, network={"name": "cnn", "channels": [2], "width": 5},
    training={"epochs": 1}, dropout={"rate": 0.3, "channel_rate": 0.3},
)  # fmt: skip
# What an analysis asks of a run beside its own name.
SUITED = {
    "logistic_regression": tiny(
        data={"name": "breast_cancer"}, dtype="float64", network={"depth": 0}, penalty={"l2": 0.05},
        optimizer={"name": "momentum", "learning_rate": 0.05}, training={"epochs": 300, "batch_size": 370},
    ),
    "monte_carlo": tiny(dropout={"rate": 0.3, "input_rate": 0.2}),
    "learned_slopes": tiny(network={"activation": "prelu"}),
    "filters": IMAGES,
}  # fmt: skip


def suited(name: str) -> RunConfig:
    return SUITED.get(name, tiny())


@pytest.mark.parametrize("name", ANALYSES)
def test_an_analysis_gives_the_finite_metrics_its_row_announces_and_tables_of_equal_columns(name: str) -> None:
    found = INSTRUMENTS.analyse(name, trained(suited(name)))
    assert set(found.metrics) == set(ANALYSES[name].returns)
    assert all(np.isfinite(value) for value in found.metrics.values()), found.metrics
    for table in found.tables.values():
        assert len({len(column) for column in table.values()}) == 1


@pytest.mark.parametrize("name", [name for name, row in ANALYSES.items() if not row.dense_only])
def test_an_analysis_of_a_network_that_reads_images_gives_finite_metrics_too(name: str) -> None:
    found = INSTRUMENTS.analyse(name, trained(IMAGES))
    assert all(np.isfinite(value) for value in found.metrics.values()), found.metrics


def test_the_weights_behind_dropped_channels_are_those_that_grow() -> None:
    run = trained(IMAGES)
    before, after = (layout_of(run).views(rows)[:] for rows in (run.weights.final, unscaled(run, run.weights.final)))
    shares = [(own["weights"] / grown["weights"]).mean() for own, grown in zip(before, after, strict=True)]
    assert shares == pytest.approx([1, 0.7, 0.7, 0.7])


def test_a_metric_that_no_row_announces_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ANALYSES, "jacobian", replace(ANALYSES["jacobian"], returns=("train_log_jacobian",)))
    with pytest.raises(KeyError, match="jacobian gave test_log_jacobian"):
        INSTRUMENTS.analyse("jacobian", trained(tiny()))


@pytest.mark.parametrize("activation", ["relu", "tanh", "maxout", "prelu"])
def test_the_jacobian_is_that_of_finite_differences(activation: str) -> None:
    run = trained(tiny(network={"activation": activation}, dtype="float64"))
    view = NetworkOnSplit(run, run.weights.last, "test")
    step, squares = 1e-6, np.zeros(len(view.logits))
    for feature in range(run.data.inputs.shape[1]):
        shifted = []
        for sign in (1, -1):
            moved = NetworkOnSplit(run, run.weights.last, "test")
            moved.network.inputs[0, :, feature] += sign * step
            shifted.append(moved.network.forward()[0].copy())
        squares += (((shifted[0] - shifted[1]) / (2 * step)) ** 2).sum(axis=1)
    np.testing.assert_allclose(jacobian_norms(view), np.sqrt(squares), rtol=1e-5)


def test_calibration_is_perfect_where_confidence_comes_true_and_else_the_distance() -> None:
    probabilities = np.array([[0.75, 0.25]] * 4)
    assert calibration_error(reliability(probabilities, np.array([True, True, True, False]))) == pytest.approx(0)
    assert calibration_error(reliability(probabilities, np.zeros(4, bool))) == pytest.approx(0.75)


def test_what_names_no_class_is_right_in_no_analysis() -> None:
    """A network of zeros: its probabilities are equal, its test accuracy is 0 by whoever counts."""
    run = trained(tiny())
    silent = replace(run, weights=Weights(*(np.zeros_like(run.weights.final),) * 3))
    found = INSTRUMENTS.analyse("calibration+monte_carlo+pruning", silent)
    accuracies = {name: value for name, value in found.metrics.items() if name.endswith("accuracy")}
    assert len(accuracies) > 6
    assert set(accuracies.values()) == {0.0}
    assert found.metrics["last_calibration_error"] == pytest.approx(0.25)


def test_a_tied_vote_of_another_model_is_no_hit() -> None:
    votes, kinds = np.array([[0.5, 0.5, 0.0], [0.2, 0.2, 0.6], [1 / 3] * 3]), np.array([3, 5, 7])
    assert share_named(votes, kinds, np.array([3, 7, 3])) == pytest.approx(1 / 3)
    assert share_named(np.array([-1.0, 0.0, 2.0, 2.0]), kinds[:2], np.array([3, 3, 5, 3])) == 0.5


def test_probabilities_that_do_not_sum_to_one_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert INSTRUMENTS.analyse("calibration", trained(tiny())).metrics["last_probability_sum_error"] < 1e-6
    broken = replace(LOSSES["cross_entropy"], predict=lambda z: 1.01 * LOSSES["softmax_squared_error"].predict(z))
    monkeypatch.setitem(LOSSES, "cross_entropy", broken)
    assert INSTRUMENTS.analyse("calibration", trained(tiny())).metrics["last_probability_sum_error"] > 1e-3


def test_linear_probes_start_from_the_weights_the_run_started_from() -> None:
    run = trained(tiny(network={"activation": "prelu"}, optimizer={"learning_rate": 1e-12}, training={"epochs": 1}))
    np.testing.assert_allclose(untrained_weights(run), run.weights.last, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_a_probe_reads_units_of_any_size_and_passes_over_those_that_never_move(dtype: type, size: float) -> None:
    moving = np.random.default_rng(0).standard_normal((50, 1))
    still = np.full((50, 1), 0.7) * (1 + np.finfo(dtype).eps * (moving > 0))
    features = (np.hstack([moving, still, np.zeros((50, 1))]) * size).astype(dtype)
    mean, deviation = standardisation(features)
    assert deviation[0] == pytest.approx(moving.std() * size)
    assert deviation[1:].tolist() == [np.inf, np.inf]
    labels = (moving[:, 0] > 0).astype(int)
    assert probe_accuracy(features, labels, features, labels) > 0.9
    assert mean.shape == (3,)


def test_the_probe_of_the_last_layer_reads_what_the_network_has_learned() -> None:
    found = INSTRUMENTS.analyse("linear_probes", trained(tiny(training={"epochs": 30}))).metrics
    assert found["linear_probe_trained"] > 0.8


def test_without_dropout_all_forms_of_inference_are_one() -> None:
    found = INSTRUMENTS.analyse("monte_carlo", trained(tiny(dtype="float64"))).metrics
    assert found["scaled_test_loss"] == pytest.approx(found["unscaled_test_loss"], rel=1e-12)
    assert found["scaled_test_loss"] == pytest.approx(found["monte_carlo_test_loss"], rel=1e-9)
    assert found["scaled_test_loss"] == pytest.approx(found["geometric_test_loss"], rel=1e-9)


def test_unscaled_weights_are_those_of_the_notes_layer_by_layer() -> None:
    run = trained(tiny(dropout={"rate": 0.5, "input_rate": 0.2}, dtype="float64"))
    layout = layout_of(run)
    found, ours = layout.views(unscaled(run, run.weights.final)), layout.views(run.weights.final)
    for number, (one, other) in enumerate(zip(found, ours, strict=True)):
        np.testing.assert_allclose(one["weights"] * (0.5 if number else 0.8), other["weights"], rtol=1e-12)
        np.testing.assert_array_equal(one["biases"], other["biases"])


def test_the_average_over_masks_is_the_engines() -> None:
    run = trained(SUITED["monte_carlo"])
    masks = MonteCarlo(run.pack, layout_of(run), run.weights.final, run.data.inputs, run.data, run.data.test)
    loss, accuracy = masks.evaluate(100)
    found = INSTRUMENTS.analyse("monte_carlo", run).metrics
    assert (found["monte_carlo_test_loss"], found["monte_carlo_test_accuracy"]) == pytest.approx((loss[0], accuracy[0]))


def test_pruning_nothing_changes_nothing_and_zeros_are_counted() -> None:
    run = trained(tiny())
    whole = NetworkOnSplit(run, run.weights.final, "test")
    found = INSTRUMENTS.analyse("pruning+weight_histogram", run)
    assert found.metrics["pruned_0_accuracy"] == whole.accuracy
    assert found.metrics["weight_exact_zero"] == 0
    half = run.weights.final.copy()
    for view in layout_of(run).views(half):
        view["weights"][:, ::2] = 0
    zeroed = Trained(run.pack, run.data, replace(run.weights, final=half))
    assert INSTRUMENTS.analyse("weight_histogram", zeroed).metrics["weight_exact_zero"] == pytest.approx(0.5, abs=0.1)
    shares = INSTRUMENTS.analyse("weight_histogram", zeroed).tables["weight_histogram"]
    for layer in np.unique(shares["layer"]):
        assert shares["share"][shares["layer"] == layer].sum() == pytest.approx(1)


def test_slopes_that_learn_move_and_others_do_not() -> None:
    assert INSTRUMENTS.analyse("learned_slopes", trained(SUITED["learned_slopes"])).metrics["slope_distance"] > 1e-4
    assert INSTRUMENTS.analyse("learned_slopes", trained(tiny())).metrics["slope_distance"] == 0


def test_a_network_without_hidden_layers_is_scikit_learns_logistic_regression_and_another_penalty_is_not() -> None:
    run = trained(SUITED["logistic_regression"])
    found = INSTRUMENTS.analyse("logistic_regression", run).metrics
    assert found["logistic_weights_error"] < 1e-3
    other = replace(run.pack, columns=run.pack.columns | {"l2": run.pack.columns["l2"] * 1.1})
    wrong = INSTRUMENTS.analyse("logistic_regression", Trained(other, run.data, run.weights)).metrics
    assert wrong["logistic_weights_error"] > 5e-3


def test_logistic_regression_of_another_network_is_refused_in_one_line() -> None:
    with pytest.raises(BadInput, match="allowed are depth 0, binary_cross_entropy and l2 over 0"):
        INSTRUMENTS.analyse("logistic_regression", trained(tiny()))


def test_filters_are_kept_as_they_began_and_as_they_ended() -> None:
    run = trained(IMAGES)
    table = INSTRUMENTS.analyse("filters", run).tables["filters"]
    for when, parameters in (("before", untrained_weights(run)), ("after", run.weights.final)):
        kept = {name: values[table["when"] == when] for name, values in table.items()}
        weights = layout_of(run).views(parameters)[0]["weights"][0]
        places = tuple(kept[name] - 1 for name in ("filter", "row", "column", "channel"))
        assert np.array_equal(weights[places], kept["weight"])
        assert len(set(zip(*places, strict=True))) == weights.size


def test_feature_maps_are_what_the_first_convolution_makes_of_test_images() -> None:
    run = trained(IMAGES)
    table = INSTRUMENTS.analyse("filters", run).tables["feature_maps"]
    for when, parameters in (("before", untrained_weights(run)), ("after", run.weights.final)):
        kept = {name: values[table["when"] == when] for name, values in table.items()}
        places = tuple(kept[name] - 1 for name in ("image", "row", "column", "channel"))
        first = NetworkOnSplit(run, parameters, "test").network.layers[0].a[0]
        np.testing.assert_allclose(kept["value"], first[places], rtol=1e-4, atol=1e-5)
        assert len(kept["value"]) == first[:3, ..., :6].size
    images = table["value"][table["when"] == "input"]
    assert np.array_equal(images, run.data.inputs[run.data.test.index[0, :3]].ravel())
