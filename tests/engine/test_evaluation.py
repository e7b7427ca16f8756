"""Evaluation in chunks is the plain evaluation of the whole split, whatever its size; and every example is used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workbench.data.run_data import RunData, Split
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training import evaluation
from workbench.engine.training.evaluation import EVALUATED_AT_ONCE, Evaluator
from workbench.engine.training.loop import train
from workbench.engine.training.network import Network
from workbench.engine.training.pack import Pack

from .cases import data_for, layout_of, pack_of

SIZES = [1, 2, EVALUATED_AT_ONCE - 1, EVALUATED_AT_ONCE, EVALUATED_AT_ONCE + 1, 270, 2 * EVALUATED_AT_ONCE + 1]


def resized(data: RunData, size: int) -> RunData:
    """The same data with a test split of that size, drawn at random."""
    runs = len(data.seeds)
    rows = np.random.default_rng(size).integers(0, len(data.inputs), (runs, size))
    labels = np.random.default_rng(size + 1).integers(0, 3, (runs, size))
    outputs = np.random.default_rng(size + 1).normal(size=(runs, size, 2))
    return replace(data, test=Split(rows, labels if data.classes else outputs))


def plain_evaluation(pack: Pack, data: RunData, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The whole split in one forward pass."""
    split = data.test
    slope = pack.columns["slope"].astype(weights.dtype)
    network = Network(layout_of(pack, data), weights, None, slope, split.index.shape[1])
    network.inputs[...] = data.inputs[split.index] * data.scale + data.shift
    judged = LOSSES[pack.loss].judge(network.forward(), split.targets)
    accuracy = np.full(pack.runs, np.nan) if judged.correct is None else judged.correct.mean(axis=1)
    return judged.losses.mean(axis=1), accuracy


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
@pytest.mark.parametrize("size", SIZES)
def test_a_split_of_any_size_is_evaluated_as_a_whole(size: int, loss: str) -> None:
    pack = pack_of(3, loss=loss, activation="leaky_relu", slope=[0.0, 0.1, 0.3])
    data = resized(data_for(pack), size)
    weights = next(iter(train(pack, data))).state()["weights"]
    evaluator = Evaluator(pack, layout_of(pack, data), weights, data.inputs, data, data.test)
    expected = plain_evaluation(pack, data, weights)
    for _ in range(2):  # the buffers are used again and again
        for found, wanted in zip(evaluator.evaluate(), expected, strict=True):
            assert found.dtype == np.float64
            np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("size", [5, 7, 8, 9, 16, 17])
def test_every_example_counts_once(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a chunk of 8: an accuracy of exactly one hit in `size` wherever the hit stands."""
    monkeypatch.setattr(evaluation, "EVALUATED_AT_ONCE", 8)
    pack = pack_of(1, depth=0)
    data = resized(data_for(pack), size)
    weights = next(iter(train(pack, data))).state()["weights"]
    layout = layout_of(pack, data)
    network = Network(layout, weights, None, np.zeros(1), size)
    network.inputs[...] = data.inputs[data.test.index] * data.scale + data.shift
    said = network.forward()[0].argmax(axis=-1)
    for place in range(size):
        labels = np.where(np.arange(size) == place, said, (said + 1) % 3)[None]
        split = Split(data.test.index, labels)
        assert Evaluator(pack, layout, weights, data.inputs, data, split).evaluate()[1][0] == pytest.approx(1 / size)


def test_bytes_and_floats_of_the_same_examples_are_evaluated_alike() -> None:
    pack = pack_of(2, epochs=1)
    as_bytes = data_for(pack, stored=np.uint8)
    as_floats = replace(as_bytes, inputs=as_bytes.inputs.astype(np.float32))
    for one, two in zip(train(pack, as_bytes), train(pack, as_floats), strict=True):
        assert np.array_equal(one.metrics["test_loss"], two.metrics["test_loss"])


def test_metrics_of_an_epoch_are_those_of_its_weights() -> None:
    pack = pack_of(3, activation="sigmoid", epochs=[1, 3, 2], dropout_rate=0.3)
    data = data_for(pack)
    for epoch in train(pack, data):
        loss, accuracy = plain_evaluation(pack, data, epoch.state()["weights"])
        np.testing.assert_allclose(epoch.metrics["test_loss"], loss[epoch.runs], rtol=1e-12)
        np.testing.assert_allclose(epoch.metrics["test_accuracy"], accuracy[epoch.runs], rtol=1e-12)


def test_an_epoch_trains_on_every_full_minibatch_in_the_datas_order() -> None:
    """One linear layer and plain gradient descent, written out."""
    pack = pack_of(2, depth=0, loss="squared_error", learning_rate=[0.1, 0.05], batch_size=8, epochs=2)
    data = data_for(pack)
    layout = layout_of(pack, data)
    epochs = list(_with_weights(pack, data))
    for run in range(2):
        (layer,) = layout.to_numpy(epochs[0][1][run])
        weights, biases = layer["weights"], layer["biases"]
        x = data.inputs[data.train.index[run]] * data.scale[run] + data.shift[run]
        targets, rate = data.train.targets[run], pack.columns["learning_rate"][run]
        for number in (1, 2):
            order, losses = data.order(number)[run], []
            for start in range(0, len(order) - 7, 8):
                rows = order[start : start + 8]
                error = x[rows] @ weights.T + biases - targets[rows]
                losses.append((error**2).sum(axis=1).mean() / 2)
                weights = weights - rate * error.T @ x[rows] / 8
                biases = biases - rate * error.mean(axis=0)
            epoch, state = epochs[number]
            assert epoch.metrics["train_loss"][run] == pytest.approx(np.mean(losses), rel=1e-12)
            (found,) = layout.to_numpy(state[run])
            np.testing.assert_allclose(found["weights"], weights, rtol=1e-11)
            np.testing.assert_allclose(found["biases"], biases, rtol=1e-11)


def _with_weights(pack: Pack, data: RunData) -> list:
    return [(epoch, epoch.state()["weights"]) for epoch in train(pack, data)]
