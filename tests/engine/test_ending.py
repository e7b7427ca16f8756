"""How runs end: after their epochs, out of patience, or diverged, and what is said of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from workbench.data.run_data import RunData
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.training.early_stopping import above_bound, improves, out_of_patience
from workbench.engine.training.ending import digest, end_runs
from workbench.engine.training.epoch import Epoch, RunEnd
from workbench.engine.training.group import Group
from workbench.engine.training.loop import train
from workbench.engine.training.network import Network
from workbench.engine.training.pack import Pack

from .cases import HUGE_RATE, RATES, alone, assert_same_course, course, data_for, layout_of, pack_of

SPLITS = ("train", "validation", "test")


def trained(pack: Pack, data: RunData) -> tuple[list[Epoch], list[RunEnd], dict[str, np.ndarray]]:
    """All epochs, the end of every run in the order of the pack, and the last state."""
    epochs = []
    for epoch in train(pack, data):
        epochs.append(epoch)
        state = epoch.state()
    ends = sorted((end for epoch in epochs for end in epoch.ended), key=lambda end: end.run)
    assert [end.run for end in ends] == list(range(pack.runs))
    return epochs, ends, state


def overfitting_pack(runs: int, **given: object) -> Pack:
    """Large steps on noisy labels: the validation loss soon rises."""
    return pack_of(runs, activation="tanh", width=16, **{"learning_rate": 1.0} | given)


# --- divergence -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_that_diverges_says_so_and_leaves_its_neighbours_alone(optimizer: str, dtype: str) -> None:
    rates = np.array([0.01, HUGE_RATE[dtype], 0.02])
    pack = pack_of(3, optimizer=optimizer, learning_rate=rates, epochs=4, dtype=dtype, depth=3)
    data = data_for(pack)
    epochs, ends, _ = trained(pack, data)
    assert [end.outcome for end in ends] == ["finished", "diverged", "finished"]
    assert ends[1].reason == f"the loss was not finite at epoch {ends[1].epochs}"
    assert 1 <= ends[1].epochs <= 4
    assert not any(1 in epoch.runs for epoch in epochs if epoch.number > ends[1].epochs)
    for run in (0, 2):
        assert_same_course(course(epochs, run), course(alone(pack, data, run), 0))


def test_a_training_loss_that_is_not_finite_is_a_divergence_whatever_the_validation_loss_is() -> None:
    pack = pack_of(2, epochs=4)
    group = Group(pack, data_for(pack))
    metrics = {"validation_loss": np.array([1.0, 1.0]), "train_loss": np.array([np.nan, 1.0])}
    group.epoch_number = 0
    assert end_runs(group, metrics) == []  # the untrained network has no training loss
    group.epoch_number = 1
    (end,) = end_runs(group, metrics)
    assert (end.run, end.outcome, end.reason) == (0, "diverged", "the loss was not finite at epoch 1")


def test_all_runs_may_diverge() -> None:
    pack = pack_of(3, learning_rate=HUGE_RATE["float64"])
    epochs, ends, _ = trained(pack, data_for(pack))
    assert {end.outcome for end in ends} == {"diverged"}
    assert epochs[-1].number < 3


def test_a_run_that_diverges_keeps_its_best_epoch() -> None:
    pack = pack_of(1, learning_rate=HUGE_RATE["float64"])
    epochs, (end,), _ = trained(pack, data_for(pack))
    assert end.best_epoch == 0
    assert end.summary["best_validation_loss"] == epochs[0].metrics["validation_loss"][0]
    assert not np.isfinite(end.summary["last_train_loss"] + end.summary["last_validation_loss"])


def test_a_network_that_is_not_finite_from_the_start_diverges_at_epoch_zero() -> None:
    pack = pack_of(2, init="normal", init_scale=[np.inf, 0.1])
    _, ends, _ = trained(pack, data_for(pack))
    assert (ends[0].outcome, ends[0].epochs) == ("diverged", 0)
    assert ends[1].outcome == "finished"


# --- early stopping -------------------------------------------------------------------------------------------------


def test_a_loss_that_is_not_a_number_is_never_the_best() -> None:
    assert improves(np.array([1.0, 2.0, np.nan, np.nan]), np.array([2.0, 2.0, 2.0, np.inf])).tolist() == [1, 0, 0, 0]


def test_patience_zero_never_runs_out() -> None:
    best_epoch, patience = np.array([0, 0, 3, 3]), np.array([0, 5, 2, 3])
    assert out_of_patience(5, best_epoch, patience).tolist() == [False, True, True, False]


@pytest.mark.parametrize("patience", [1, 2, 4])
def test_a_run_stops_after_its_patience_without_a_new_best(patience: int) -> None:
    pack = overfitting_pack(3, epochs=60, patience=patience)
    data = data_for(pack, label_noise=0.3)
    epochs, ends, _ = trained(pack, data)
    for end in ends:
        losses = course(epochs, end.run)["metrics validation_loss"]
        best = np.minimum.accumulate(losses)
        is_new = np.r_[True, losses[1:] < best[:-1]]
        stale = [number - np.flatnonzero(is_new[: number + 1])[-1] for number in range(len(losses))]
        assert stale[-1] == patience
        assert max(stale[:-1], default=0) < patience
        assert end.outcome == "finished"
        assert end.reason == f"no better validation loss within its patience, stopped at epoch {end.epochs}"
        assert end.epochs == len(losses) - 1 < 60


def test_without_patience_a_run_goes_on_to_its_last_epoch() -> None:
    pack = overfitting_pack(2, epochs=[9, 12])
    _, ends, _ = trained(pack, data_for(pack, label_noise=0.3))
    assert [(end.epochs, end.reason) for end in ends] == [(9, ""), (12, "")]


@pytest.mark.parametrize("patience", [0, 2])
def test_the_best_is_that_of_the_best_epoch_and_the_last_that_of_the_last(patience: int) -> None:
    pack = overfitting_pack(4, epochs=12, patience=patience)
    data = data_for(pack, label_noise=0.3)
    epochs, ends, _ = trained(pack, data)
    for end in ends:
        history = course(epochs, end.run)
        losses = history["metrics validation_loss"]
        assert end.best_epoch == int(np.argmin(losses))
        for split in ("validation", "test"):
            for name in ("loss", "accuracy"):
                values = history[f"metrics {split}_{name}"]
                assert end.summary[f"best_{split}_{name}"] == values[end.best_epoch]
                assert end.summary[f"last_{split}_{name}"] == values[-1]


@pytest.mark.parametrize("patience", [0, 2])
def test_the_digest_is_of_the_best_weights_with_patience_and_of_the_last_without(patience: int) -> None:
    pack = overfitting_pack(3, epochs=12, patience=patience)
    data = data_for(pack, label_noise=0.3)
    _, ends, state = trained(pack, data)
    kept, other = ("best_weights", "weights") if patience else ("weights", "best_weights")
    for end in ends:
        assert end.weights_digest == digest(state[kept][end.run])
        assert end.weights_digest != digest(state[other][end.run])


def test_best_weights_are_the_weights_after_the_best_epoch() -> None:
    pack = overfitting_pack(2, seed=[2, 3], epochs=12, learning_rate=0.1)
    data = data_for(pack, label_noise=0.3)
    weights = []
    for epoch in train(pack, data):
        state = epoch.state()
        weights.append(state["weights"])
    for run in range(2):
        best_epoch = int(state["best_epoch"][run])
        assert 0 < best_epoch < 12
        assert np.array_equal(state["best_weights"][run], weights[best_epoch][run])


def test_the_summary_of_the_training_split_is_an_evaluation_of_all_of_it_with_every_unit_in_use() -> None:
    pack = overfitting_pack(2, epochs=6, dropout_rate=0.4)
    data = data_for(pack)
    _, ends, state = trained(pack, data)
    layout = layout_of(pack, data)
    for kind, buffer in (("last", "weights"), ("best", "best_weights")):
        network = Network(layout, state[buffer], None, np.zeros(2), data.train.index.shape[1])
        network.inputs[...] = data.inputs[data.train.index] * data.scale + data.shift
        judged = LOSSES[pack.loss].judge(network.forward(), data.train.targets)
        for end in ends:
            assert end.summary[f"{kind}_train_loss"] == pytest.approx(judged.losses[end.run].mean(), rel=1e-12)
            assert end.summary[f"{kind}_train_accuracy"] == pytest.approx(judged.correct[end.run].mean(), rel=1e-12)


def test_the_summary_names_every_split_and_metric() -> None:
    pack = pack_of(1, epochs=1)
    _, (end,), _ = trained(pack, data_for(pack))
    expected = {
        f"{kind}_{split}_{name}" for kind in ("last", "best") for split in SPLITS for name in ("loss", "accuracy")
    }
    assert end.summary.keys() == expected


def test_a_digest_depends_on_every_bit_but_the_sign_of_zero() -> None:
    row = np.array([0.5, 0.0, -1.0])
    assert digest(row) == digest(np.array([0.5, -0.0, -1.0]))
    assert digest(row) != digest(np.nextafter(row, 1))
    assert len(digest(row)) == 16


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_digest_does_not_tell_one_nan_from_another(dtype: type) -> None:
    """Which one a diverged run ends with depends on the processor's lanes, and so on its neighbours."""
    nan = dtype(np.nan)
    assert np.signbit(-nan) != np.signbit(nan)
    assert digest(np.array([0.5, nan])) == digest(np.array([0.5, -nan]))
    assert digest(np.array([0.5, nan])) != digest(np.array([nan, 0.5]))


def test_the_untrained_network_is_epoch_zero_and_has_no_training_metrics() -> None:
    pack = pack_of(2, epochs=1)
    first, second = train(pack, data_for(pack))
    assert (first.number, second.number) == (0, 1)
    for name in ("train_loss", "train_accuracy", "learning_rate"):
        assert np.isnan(first.metrics[name]).all()
        assert np.isfinite(second.metrics[name]).all()
    assert np.isfinite(first.metrics["validation_loss"]).all()
    assert first.examples == 0


def test_a_regression_has_losses_and_no_accuracies() -> None:
    pack = pack_of(2, loss="squared_error", activation="tanh", epochs=3, learning_rate=0.05)
    epochs, ends, _ = trained(pack, data_for(pack))
    for epoch in epochs:
        assert all(np.isnan(epoch.metrics[f"{split}_accuracy"]).all() for split in SPLITS)
    assert all(end.summary["last_validation_loss"] < epochs[0].metrics["validation_loss"][end.run] for end in ends)


def test_training_learns() -> None:
    for optimizer in OPTIMIZERS:
        # The customary rate of an optimizer is for larger networks and longer trainings than this one.
        rates = RATES[optimizer] * np.array([1.0, 3.0, 10.0])
        pack = pack_of(3, optimizer=optimizer, activation="tanh", epochs=25, seed=1, learning_rate=rates)
        epochs = list(train(pack, data_for(pack)))
        assert any(learned(course(epochs, run)) for run in range(pack.runs)), optimizer


def learned(said: Mapping[str, Any]) -> bool:
    losses = said["metrics train_loss"]
    return losses[-1] < 0.6 * losses[:2][-1] and said["last_train_accuracy"] > 0.8


@pytest.mark.parametrize(
    ("bounds", "above"),
    [
        ([], []),
        (["", ""], [False, False]),
        (["", "5:0.5"], [False, True]),
        (["6:0.5", "5:0.5+6:0.1"], [False, True]),
    ],
)
def test_only_a_run_above_its_own_bound_of_this_epoch_is_above_one(bounds: list[str], above: list[bool]) -> None:
    losses = np.full(len(bounds), 0.75)
    assert above_bound(5, losses, np.array(bounds, str)).tolist() == above
