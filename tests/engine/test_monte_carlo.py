"""Monte-Carlo evaluation averages the network's outputs over dropout masks."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.evaluation import Evaluator
from workbench.engine.training.loop import train
from workbench.engine.training.monte_carlo import MonteCarlo
from workbench.engine.training.pack import Pack

from .cases import data_for, layout_of, pack_of


def trained(pack: Pack, **options: int) -> tuple[MonteCarlo, Evaluator, np.ndarray]:
    """Both evaluators of the trained networks on their test split, and the weights."""
    data = data_for(pack, **options)
    for epoch in train(pack, data):
        state = epoch.state()
    arguments = (pack, layout_of(pack, data), state["weights"], data.inputs, data, data.test)
    return MonteCarlo(*arguments), Evaluator(*arguments), state["weights"]


@pytest.mark.parametrize("loss", sorted(set(LOSSES) - {"softmax_squared_error"}))
def test_without_dropout_it_is_the_ordinary_evaluation(loss: str) -> None:
    monte_carlo, evaluator, _ = trained(pack_of(2, loss=loss, activation="tanh", learning_rate=0.05))
    for found, expected in zip(monte_carlo.evaluate(3), evaluator.evaluate(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_outputs_are_probabilities_and_more_masks_give_a_steadier_average() -> None:
    monte_carlo, _, _ = trained(pack_of(2, dropout_rate=0.5, epochs=5))
    many = monte_carlo.outputs(400)
    np.testing.assert_allclose(many.sum(axis=-1), 1)
    few = [np.abs(monte_carlo.outputs(samples) - many).mean() for samples in (2, 16, 128)]
    assert few[0] > few[1] > few[2]


def test_a_geometric_average_is_that_of_the_probabilities_made_to_sum_to_one() -> None:
    monte_carlo, _, _ = trained(pack_of(2, dropout_rate=0.5, epochs=5))
    single = monte_carlo.outputs(1)
    np.testing.assert_allclose(monte_carlo.outputs(1, geometric=True), single, rtol=1e-9)
    second = 2 * monte_carlo.outputs(2) - single
    product = np.sqrt(single * second)
    expected = product / product.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(monte_carlo.outputs(2, geometric=True), expected, rtol=1e-6)


def test_masks_use_each_run_s_own_rates() -> None:
    monte_carlo, evaluator, _ = trained(pack_of(2, dropout_rate=[0, 0.5]))
    loss, _ = monte_carlo.evaluate(4)
    plain, _ = evaluator.evaluate()
    assert loss[0] == pytest.approx(plain[0])
    assert loss[1] != pytest.approx(plain[1])


def test_it_is_a_function_of_the_seed_alone() -> None:
    pack = pack_of(3, dropout_rate=[0.5, 0.2, 0.5], input_dropout_rate=[0, 0.1, 0.1])
    data = data_for(pack)
    weights = np.random.default_rng(0).normal(size=(3, layout_of(pack, data).size))
    packed = MonteCarlo(pack, layout_of(pack, data), weights, data.inputs, data, data.test).outputs(3)
    for run in range(3):
        one, own = pack.take([run]), data.take(np.array([run]))
        alone = MonteCarlo(one, layout_of(one, own), weights[[run]], data.inputs, own, own.test).outputs(3)
        np.testing.assert_array_equal(alone[0], packed[run])


def test_the_average_over_all_masks_of_a_small_layer_is_reached() -> None:
    """With 4 hidden units there are 16 masks: their exact average is what many random ones come to."""
    pack = pack_of(1, depth=1, width=4, dropout_rate=0.5, activation="tanh", epochs=4)
    monte_carlo, _, weights = trained(pack)
    data = data_for(pack)
    first, second = layout_of(pack, data).to_numpy(weights[0])
    x = data.inputs[data.test.index[0]] * data.scale[0] + data.shift[0]
    a = np.tanh(x @ first["weights"].T + first["biases"])
    exact = 0
    for mask in product([0.0, 2.0], repeat=4):
        z = (a * np.array(mask)) @ second["weights"].T + second["biases"]
        e = np.exp(z - z.max(axis=1, keepdims=True))
        exact = exact + e / e.sum(axis=1, keepdims=True) / 16
    np.testing.assert_allclose(monte_carlo.outputs(4000)[0], exact, atol=0.02)


def test_awkward_numbers_of_examples_lose_none() -> None:
    monte_carlo, evaluator, _ = trained(pack_of(1, epochs=1), examples=1500)  # 300 test examples: a chunk and a rest
    np.testing.assert_allclose(monte_carlo.evaluate(1)[0], evaluator.evaluate()[0], rtol=1e-9)
