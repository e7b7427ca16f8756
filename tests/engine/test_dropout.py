"""Dropout: the share dropped, the masks, and that scaling while training is the notes' scaling of the weights."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.engine.layers.dropout import LEVELS, Dropout, Masks, mask_keys
from workbench.engine.training.loop import train
from workbench.engine.training.network import Network

from .cases import data_for, pack_of, small_layout

BATCH, UNITS = 500, 40


def masks_of(rate: float, seeds: list[int], step: int = 0, layers: int = 2, dtype: str = "float64") -> list[np.ndarray]:
    """The masks of one step, (runs, batch, units) for each layer."""
    columns = {"dropout_rate": np.full(len(seeds), rate)}
    dropout = Masks([Dropout((UNITS,))] * layers, columns, BATCH, np.dtype(dtype), np)
    streams = mask_keys(np.array(seeds), layers, np.array([step]))[0]
    return [mask.copy() for mask in dropout.draw(streams) if mask is not None]


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5, 0.8, 0.95])
def test_the_share_dropped_is_the_rate(rate: float) -> None:
    for mask in masks_of(rate, [0, 1, 2]):
        deviation = np.sqrt(rate * (1 - rate) / mask[0].size)
        assert np.abs((mask == 0).mean(axis=(1, 2)) - rate).max() < 5 * deviation


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", [0.1, 1 / 3, 0.5, 0.999, 0.9999999])
def test_what_stays_is_divided_by_the_share_kept(rate: float, dtype: str) -> None:
    (mask,) = masks_of(rate, [0, 1, 2, 3], layers=1, dtype=dtype)
    kept = np.unique(mask[mask != 0])
    assert mask.dtype == dtype
    assert len(kept) <= 1
    assert (np.abs(kept * (1 - rate) - 1) < 1 / LEVELS / (1 - rate)).all()
    assert np.isfinite(mask).all()


def test_masks_are_a_function_of_seed_step_and_layer() -> None:
    again = masks_of(0.5, [4], step=9)
    for mask, same in zip(masks_of(0.5, [4], step=9), again, strict=True):
        assert np.array_equal(mask, same)
    beside = masks_of(0.5, [1, 4, 7], step=9)
    for mask, same in zip(beside, again, strict=True):
        assert np.array_equal(mask[1], same[0])


def test_masks_are_fresh_at_every_step_in_every_layer_and_for_every_seed() -> None:
    masks = {
        (seed, step, layer): mask[0]
        for seed in (0, 1)
        for step in (0, 1, 2)
        for layer, mask in enumerate(masks_of(0.5, [seed], step=step))
    }
    for one in masks:
        for two in masks:
            if one < two:
                assert (masks[one] != masks[two]).mean() == pytest.approx(0.5, abs=0.03)


def test_masks_of_two_rates_are_nested() -> None:
    """A unit dropped at a lower rate is dropped at a higher one: runs that differ in the rate stay comparable."""
    lower, higher = masks_of(0.3, [5], layers=1)[0], masks_of(0.6, [5], layers=1)[0]
    assert (higher[lower == 0] == 0).all()


def test_a_layer_in_which_no_run_drops_anything_has_no_mask() -> None:
    of_inputs, of_units = Dropout((3,), "input_dropout_rate"), Dropout((4,))
    columns = {"input_dropout_rate": np.zeros(2), "dropout_rate": np.array([0.0, 0.5])}
    dropout = Masks([of_inputs, of_units], columns, BATCH, np.dtype("float64"), np)
    nothing, some = dropout.draw(mask_keys(np.arange(2), 2, np.array([0]))[0])
    assert dropout.any
    assert nothing is None
    assert (some[0] == 1).all()
    assert set(np.unique(some[1])) == {0, 2}
    assert not Masks([of_inputs], columns, BATCH, np.dtype("float64"), np).any


def test_scaling_while_training_is_the_notes_scaling_of_the_weights_at_test_time() -> None:
    """The notes train on masks of 0 and 1 and multiply the weights by (1 - rate) at test time.

    The network whose weights, after a masked layer, are (1 - rate) times theirs is the same in both worlds: trained on
    masks divided by (1 - rate), and read without any.
    """
    rate, layout, draw = 0.5, small_layout("relu", depth=2), np.random.default_rng(0)
    notes = np.zeros((1, layout.size))
    for view in layout.views(notes):
        for tensor in view.values():
            tensor[...] = draw.normal(size=tensor.shape)
    ours = notes.copy()
    for view in layout.views(ours):
        view["weights"][...] *= 1 - rate
    inputs = draw.normal(size=(1, 8, 3))
    masks = [(draw.random((1, 8, *layer.inputs)) >= rate).astype(float) for layer in layout.dropout]

    def output(parameters: np.ndarray, used: list[np.ndarray]) -> np.ndarray:
        network = Network(layout, parameters, None, np.zeros(1), 8, dropout=bool(used))
        network.inputs[...] = inputs
        return network.forward(used).copy()

    training = output(notes, masks), output(ours, [mask / (1 - rate) for mask in masks])
    np.testing.assert_allclose(training[1], training[0], rtol=1e-13)

    def notes_at_test_time() -> np.ndarray:
        x = inputs[0]
        for number, view in enumerate(layout.views(notes)):
            z = x @ (view["weights"][0] * (1 - rate)).T + view["biases"][0]
            x = np.maximum(z, 0) if number < 2 else z
        return x

    np.testing.assert_allclose(output(ours, [])[0], notes_at_test_time(), rtol=1e-13)


@pytest.mark.parametrize("rate", ["dropout_rate", "input_dropout_rate"])
def test_dropout_changes_training_and_only_training(rate: str) -> None:
    pack = pack_of(2, seed=[1, 1], epochs=2, **{rate: [0.0, 0.4]})
    untrained, trained, _ = train(pack, data_for(pack))
    for epoch, name, same in (
        (untrained, "validation_loss", True),
        (trained, "train_loss", False),
        (trained, "validation_loss", False),
    ):
        assert (epoch.metrics[name][0] == epoch.metrics[name][1]) == same


def test_the_inputs_and_the_hidden_layers_have_rates_of_their_own() -> None:
    pack = pack_of(3, seed=[1, 1, 1], epochs=1, dropout_rate=[0.4, 0, 0.4], input_dropout_rate=[0, 0.4, 0.4])
    *_, trained = train(pack, data_for(pack))
    assert len(set(trained.metrics["train_loss"])) == 3


def test_keys_of_masks_are_those_of_step_layer_and_run() -> None:
    whole = mask_keys(np.arange(4), 3, np.arange(10))
    assert whole.shape == (10, 3, 4)
    assert len(np.unique(whole)) == whole.size
    assert np.array_equal(mask_keys(np.array([2]), 3, np.array([7]))[0, :, 0], whole[7, :, 2])
