"""Measurements: each gives what its row says, identities hold to rounding, and each sees an error planted under it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.measure.cases import tiny
from workbench.config import SECTIONS, SETTINGS, RunConfig
from workbench.engine.backend import cuda_is_usable
from workbench.engine.errors import BadInput
from workbench.engine.layers.dense import BoundDense
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES
from workbench.measure import INSTRUMENTS, MEASUREMENTS, machine_load, shifted_sigmoids, timings

EXACT = 1e-9
# What a measurement asks of its configuration beside its own name.
SUITED: dict[str, dict[str, Any]] = {
    "gradient_identities": {"network": {"activation": "prelu"}, "dropout": {"rate": 0.3, "input_rate": 0.2}},
    "dropout_average": {"network": {"depth": 1}, "dropout": {"rate": 0.4}},
    "shrinkage": {"penalty": {"l1": 0.01, "l2": 0.02}},
    "saddle_escape": {"optimizer": {"learning_rate": 0.001, "momentum": 0.8}},
    "tilted_cosine": {"optimizer": {"learning_rate": 0.02}},
    "memorizers": {"data": {"name": "digits"}},
}
# Which metrics are errors that must vanish.
IDENTITIES = {
    "matrix_form": ["matrix_form_error"],
    "gradient_identities": ["batch_gradient_error", "reversed_network_error", "output_delta_error"],
    "relu_as_maxout": ["relu_as_maxout_error"],
    "thin_networks": ["thin_network_error"],
    "optimizer_memory": ["adagrad_memory_error", "rmsprop_memory_error"],
    "momentum_unrolled": ["momentum_unrolled_error"],
    "adam_algorithm": ["adam_error", "adam_without_momentum_error", "adam_without_squares_error"],
    "shrinkage": ["l1_constant_error", "l2_decay_error", "crossover_error"],
    "dropout_average": ["geometric_average_error"],
    "memorizers": ["memorizer_train_error"],
}


def suited(name: str, **changes: Any) -> RunConfig:
    return tiny(measure=name, **(SUITED.get(name, {}) | changes))


def measured(name: str, **changes: Any) -> dict[str, float]:
    return INSTRUMENTS.measure(suited(name, **changes)).metrics


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times that nobody reads need not be waited for."""
    monkeypatch.setattr(timings, "LEAST", 1e-6)
    monkeypatch.setattr(timings, "BLOCKS", 1)


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_a_measurement_gives_the_finite_metrics_its_row_announces_and_tables_of_equal_columns(name: str) -> None:
    found = INSTRUMENTS.measure(suited(name))
    announced = {metric for metric in MEASUREMENTS[name].returns if cuda_is_usable() or not metric.startswith("gpu")}
    assert set(found.metrics) == announced
    assert all(np.isfinite(value) for value in found.metrics.values()), found.metrics
    for table in found.tables.values():
        assert len({len(column) for column in table.values()}) == 1


def test_the_instruments_can_be_sent_to_another_process() -> None:
    sent = pickle.loads(pickle.dumps(INSTRUMENTS))
    assert sent.measure(suited("matrix_form")).metrics == measured("matrix_form")


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_a_measurement_reads_settings_that_there_are(name: str) -> None:
    assert set(MEASUREMENTS[name].takes) <= {*SETTINGS, *SECTIONS}


@pytest.mark.parametrize("name", [name for name in MEASUREMENTS if not MEASUREMENTS[name].timing])
def test_a_measurement_is_a_function_of_its_configuration(name: str) -> None:
    assert measured(name) == measured(name)


@pytest.mark.parametrize("name", IDENTITIES)
def test_identities_hold_to_rounding(name: str) -> None:
    found = measured(name)
    assert {metric: found[metric] for metric in IDENTITIES[name] if found[metric] > EXACT} == {}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["cross_entropy", "softmax_squared_error"])
def test_the_gradient_identities_hold_for_every_activation_and_loss(activation: str, loss: str) -> None:
    found = measured("gradient_identities", network={"activation": activation, "loss": loss, "depth": 3})
    for metric in ("gradient_error", "batch_gradient_error", "forward_factor_error", "reversed_network_error"):
        assert found[metric] < 1e-6, metric
    assert found["gradients_checked"] > 0.95
    assert found.get("output_delta_error", 0) < EXACT
    assert ("output_delta_error" in found) == (loss == "cross_entropy")


def _leaning(value: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda *given: value(*given) + 1e-4


@pytest.mark.parametrize(
    ("name", "metric", "table", "row", "broken"),
    [
        ("gradient_identities", "gradient_error", ACTIVATIONS, "tanh",
         {"derivative": lambda *given: 1.001 * (1 - given[1] ** 2)}),
        ("gradient_identities", "output_delta_error", LOSSES, "cross_entropy",
         {"predict": _leaning(LOSSES["cross_entropy"].predict)}),
        ("relu_as_maxout", "relu_as_maxout_error", ACTIVATIONS, "relu", {"value": _leaning(ACTIVATIONS["relu"].value)}),
        ("thin_networks", "thin_network_error", ACTIVATIONS, "relu", {"value": _leaning(ACTIVATIONS["relu"].value)}),
        ("optimizer_memory", "adagrad_memory_error", OPTIMIZERS, "adagrad", {"update": OPTIMIZERS["adagrad"].update}),
        ("adam_algorithm", "adam_error", OPTIMIZERS, "adam", {"update": OPTIMIZERS["adam"].update}),
        ("momentum_unrolled", "momentum_unrolled_error", OPTIMIZERS, "momentum",
         {"update": OPTIMIZERS["momentum"].update}),
        ("shrinkage", "l1_constant_error", PENALTIES, "l1", {"apply": lambda w, g, at: g + 1.01 * at.l1 * np.sign(w)}),
        ("shrinkage", "l2_decay_error", PENALTIES, "l2", {"apply": lambda w, g, at: g + 1.01 * at.l2 * w}),
        ("shrinkage", "crossover_error", PENALTIES, "l2", {"apply": lambda w, g, at: g + 1.2 * at.l2 * w}),
    ],
)  # fmt: skip
def test_a_planted_error_is_seen(
    name: str, metric: str, table: dict[str, Any], row: str, broken: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"network": {"activation": "tanh"}} if row == "tanh" else {}
    assert measured(name, **changes)[metric] < 1e-6
    if "update" in broken:
        right = broken["update"]
        broken = {"update": lambda w, g, *slots, at: right(w, 1.001 * g * np.abs(g), *slots, at=at)}
    monkeypatch.setitem(table, row, replace(table[row], **broken))
    assert measured(name, **changes)[metric] > 1e-5


def test_a_layer_that_reads_or_sends_back_wrongly_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = BoundDense.pass_back
    monkeypatch.setattr(BoundDense, "pass_back", lambda self, out: np.multiply(right(self, out), 1.001, out=out))
    found = measured("gradient_identities", network={"activation": "tanh"})
    assert found["reversed_network_error"] > 1e-5
    assert found["gradient_error"] > 1e-5
    right_forward = BoundDense.forward

    def scaled(self: BoundDense, inputs: np.ndarray) -> np.ndarray:
        result = right_forward(self, 1.001 * inputs)
        self.inputs = inputs
        return result

    monkeypatch.setattr(BoundDense, "forward", scaled)
    assert measured("gradient_identities", network={"activation": "tanh"})["forward_factor_error"] > 1e-5
    assert measured("matrix_form")["matrix_form_error"] > 1e-5


def test_momentum_speeds_a_saddle_up_by_the_step_it_makes_longer() -> None:
    found = measured("saddle_escape", optimizer={"learning_rate": 2e-4, "momentum": 0.8})
    assert found["escape_speedup"] == pytest.approx(1, abs=0.1)
    assert found["escape_advantage_at_equal_step"] == pytest.approx(1, abs=0.1)
    without = measured("saddle_escape", optimizer={"learning_rate": 1e-3, "momentum": 0.0})
    assert without["escape_speedup"] == 1


def test_a_steeper_tilt_needs_less_momentum_and_none_does_without() -> None:
    found = measured("tilted_cosine")
    thresholds = [found[name] for name in MEASUREMENTS["tilted_cosine"].returns if name.startswith("threshold")]
    assert thresholds == sorted(thresholds, reverse=True)
    assert (found["escape_violations"], found["escaped_without_momentum"]) == (0, 0)


def test_a_sum_of_sigmoids_that_stay_as_they_are_tends_to_softplus(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured("shifted_sigmoids")
    assert found["steeper_sigmoids_order"] == pytest.approx(1, abs=1e-6)
    assert found["fixed_sigmoids_gap_to_softplus"] < 1e-5
    assert found["fixed_sigmoids_gap"] == pytest.approx(np.log(2), abs=1e-3)
    monkeypatch.setattr(shifted_sigmoids, "sigmoid", lambda z: (z > 0) * 0.999)
    assert measured("shifted_sigmoids")["steeper_sigmoids_gap"] > found["steeper_sigmoids_gap"]


def test_memorizers_know_their_training_labels_by_heart_also_wrong_ones() -> None:
    clean, noisy = measured("memorizers"), measured("memorizers", data={"name": "digits", "label_noise": 0.2})
    assert clean["memorizer_train_error"] == noisy["memorizer_train_error"] == 0
    assert noisy["moderate_train_error"] > 0.1
    assert noisy["nearest_neighbour_gap"] > clean["nearest_neighbour_gap"] + 0.1


def test_unscaled_weights_and_the_arithmetic_average_differ_from_the_scaled_network() -> None:
    found = measured("dropout_average")
    assert found["unscaled_average_difference"] > 1e-3
    assert found["arithmetic_average_difference"] > 1e-4


def test_the_geometric_average_is_exact_with_a_single_output_too() -> None:
    found = measured("dropout_average", data={"name": "breast_cancer"}, network={"depth": 1, "width": 6})
    assert found["geometric_average_error"] < EXACT
    assert found["unscaled_average_difference"] > 1e-3


@pytest.mark.parametrize(
    ("name", "changes", "line"),
    [
        (
            "dropout_average",
            {"data": {"name": "diabetes"}, "network": {"depth": 1}, "dropout": {"rate": 0.5}},
            "allowed with measure=dropout_average: a dataset of classes",
        ),
        ("dropout_average", {"network": {"depth": 2}, "dropout": {"rate": 0.5}}, "allowed are depth 1, at most 12"),
        ("relu_as_maxout", {"network": {"activation": "tanh"}}, "allowed with measure=relu_as_maxout: relu"),
        ("thin_networks", {"network": {"activation": "tanh"}}, "allowed with measure=thin_networks: relu or maxout"),
        ("memorizers", {"data": {"name": "diabetes"}}, "allowed with measure=memorizers: a dataset of classes"),
    ],
)
def test_a_configuration_that_cannot_be_measured_gets_one_line(name: str, changes: dict[str, Any], line: str) -> None:
    with pytest.raises(BadInput, match=line):
        INSTRUMENTS.measure(suited(name, **changes))


def test_the_load_of_a_machine_is_what_others_used_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(([100, 0, 0, 300, 0, 0, 0, 0], [130, 0, 10, 360, 0, 0, 0, 0]))  # 40 of 100 were used, 10 of them by us
    monkeypatch.setattr(machine_load, "_ticks", lambda: next(ticks))
    spent = iter((1.0, 1.0 + 10 / os.sysconf("SC_CLK_TCK")))
    monkeypatch.setattr(machine_load, "process_time", lambda: next(spent))
    assert machine_load.MachineLoad().of_others() == pytest.approx(0.3)


def test_where_no_counters_are_kept_the_time_spent_waiting_stands_for_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_load, "_COUNTERS", machine_load._COUNTERS / "none")
    for name, times in (("process_time", (0.0, 3.0)), ("perf_counter", (0.0, 4.0))):
        monkeypatch.setattr(machine_load, name, iter(times).__next__)
    assert machine_load.MachineLoad().of_others() == pytest.approx(0.25)
