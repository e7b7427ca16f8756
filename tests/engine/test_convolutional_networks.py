"""Convolutional networks keep the promises: packed is alone, interrupted is not interrupted, gradients are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.repetitions import crossed, each_once
from workbench.engine.kernels.choice import KERNELS, numba_fault, why_not_compiled, with_kernel
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.training.loop import train
from workbench.engine.training.network import Network
from workbench.engine.training.pack import Pack

from .cases import alone, assert_same_course, course, layout_of, targets_for
from .image_cases import IMAGE, image_data, image_pack, mixed_image_pack
from .test_interruption import assert_goes_on, with_states

STEP, TOLERANCE = 1e-6, 1e-6
SHAPES: list[dict[str, Any]] = [
    {"kernel_size": kernel, "padding": padding, "stride": stride, "pool": pool, "global_average": whole}
    for kernel, padding, stride, pool, whole in each_once(
        (3, 2), ("same", "valid"), (1, 1, 2), ("max", "average", "none"), (False, True)
    )
]
RUNS = 3


def assert_packed_is_alone(pack: Pack, **options: Any) -> None:
    data = image_data(pack, **options)
    packed = list(train(pack, data))
    for run in range(pack.runs):
        assert_same_course(course(packed, run), course(alone(pack, data, run), 0))


@pytest.mark.parametrize(("dtype", "activation"), crossed(["float32", "float64"], ACTIVATIONS))
def test_packed_is_alone_for_every_activation(activation: str, dtype: str) -> None:
    assert_packed_is_alone(mixed_image_pack(RUNS, 1, activation=activation, dtype=dtype), stored=np.uint8)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_packed_is_alone_for_every_shape(shape: dict[str, Any]) -> None:
    given = shape if shape["pool"] != "none" else shape | {"channels": (2, 3, 2)}
    image = (13, 12, 1)
    assert_packed_is_alone(mixed_image_pack(RUNS, 2, **given, optimizer="adam", dtype="float32"), image=image)


@pytest.mark.parametrize(
    "optimizer", [pytest.param(name, marks=() if name == "adam" else pytest.mark.thorough) for name in OPTIMIZERS]
)
def test_from_the_state_of_any_epoch_training_goes_on_as_if_never_interrupted(optimizer: str) -> None:
    pack = mixed_image_pack(RUNS, 3, optimizer=optimizer, dtype="float32", epochs=[4, 2, 4])
    data = image_data(pack)
    full, states = with_states(train(pack, data))
    for state in states[1:3]:
        assert_goes_on(pack, data, full, state)


@pytest.mark.parametrize(("loss", "shape"), crossed(LOSSES, SHAPES[:3]), ids=str)
def test_gradients_of_the_whole_network_agree_with_central_differences(loss: str, shape: dict[str, Any]) -> None:
    """Of parameters and inputs, with masks over units and channels."""
    pack = image_pack(1, loss=loss, activation="tanh", **shape)
    image = (9, 8, 1)
    data = image_data(pack, image)
    layout, draw = layout_of(pack, data), np.random.default_rng(7)
    parameters = np.zeros((1, layout.size))
    for view in layout.views(parameters):
        for tensor in view.values():
            tensor[...] = draw.normal(scale=0.5, size=tensor.shape)
    inputs = draw.normal(size=(1, 2, layout.inputs))
    targets = targets_for(loss, 1, 2, layout.outputs, draw)
    masks = [(draw.random((1, 2, *layer.mask_shape)) < 0.7) / 0.7 for layer in layout.dropout]

    def objective(rows: np.ndarray, read: np.ndarray) -> np.ndarray:
        network = Network(layout, rows, None, np.full(len(rows), 0.1), 2, dropout=True)
        network.inputs[...] = read
        shared = [np.repeat(mask, len(rows), axis=0) for mask in masks]
        judged = LOSSES[loss].judge(network.forward(shared), np.repeat(targets, len(rows), axis=0))
        return judged.losses.mean(axis=1)

    gradients = np.zeros_like(parameters)
    network = Network(layout, parameters, gradients, np.full(1, 0.1), 2, dropout=True)
    network.inputs[...] = inputs
    network.backward(LOSSES[loss].judge(network.forward(masks), targets).delta / 2)
    some = draw.permutation(np.flatnonzero(parameters[0]))[:60]
    shifts = STEP * np.eye(layout.size)[some]
    sides = [objective(parameters + sign * shifts, inputs) for sign in (1, -1)]
    quotients = (sides[0] - sides[1]) / (2 * STEP)
    assert np.abs(gradients[0, some] - quotients).max() < TOLERANCE * max(1, np.abs(quotients).max())


def test_a_run_learns_and_its_filters_are_bounded_and_penalised() -> None:
    pack = image_pack(
        3, optimizer="adam", epochs=12, seed=0, max_norm=[0, 0.5, 0], l2=[0, 0, 3.0], learning_rate=0.02, init="he"
    )
    data = image_data(pack)
    *_, last = train(pack, data)
    weights = layout_of(pack, data).views(last.weights(np.arange(3)).last)[0]["weights"]
    norms = np.sqrt((weights.reshape(3, 3, -1) ** 2).sum(axis=2))
    assert norms[0].max() > 0.6
    assert norms[1].max() <= 0.5 + 1e-12
    assert np.abs(weights[2]).max() < 0.2 * np.abs(weights[0]).max()
    assert {end.summary["last_train_accuracy"] > 0.9 for end in last.ended if end.run == 0} == {True}


def test_probes_see_channels_that_are_dead() -> None:
    pack = image_pack(2, epochs=1, learning_rate=0.0001, activation="relu")
    data = image_data(pack)
    layout = layout_of(pack, data)
    *_, state = (epoch.state() for epoch in train(pack, data))
    first = layout.views(state["weights"])[0]
    first["weights"][1], first["biases"][1] = 0, [-1, 1, -1]  # two of three channels of the second run
    state["epoch"], state["training"] = np.array(0), np.ones(2, bool)
    *_, epoch = train(pack, data, state=state)
    assert epoch.probes["dead"][:, 0].tolist() == pytest.approx([0, 2 / 3])
    assert np.isnan(epoch.probes["dead"][:, -1]).all()
    assert np.isfinite(epoch.probes["gradient_z"]).all()
    assert epoch.probes["saturated"].shape == (2, 4)


def test_dropout_of_channels_drops_them_whole() -> None:
    pack = image_pack(2, channel_dropout_rate=[0.5, 0.0])
    data = image_data(pack)
    shapes = {layer.rate: layer.mask_shape for layer in layout_of(pack, data).dropout[:3]}
    assert shapes == {"input_dropout_rate": IMAGE, "map_dropout_rate": (3, 2, 3), "channel_dropout_rate": (1, 1, 3)}
    found, without = (course(train(one, data), 0) for one in (pack, image_pack(2)))
    assert not np.array_equal(found["metrics train_loss"], without["metrics train_loss"], equal_nan=True)


def test_auto_takes_a_kernel_that_has_convolutions_and_says_why_another_is_not_taken() -> None:
    strided = with_kernel(image_pack(1, dtype="float32", stride=2))
    assert strided.kernel == ("plain" if numba_fault() else "compiled")
    assert why_not_compiled(strided) == numba_fault()
    on_device = image_pack(1, dtype="float32", device="cuda")
    assert KERNELS["fused"].obstacle(on_device) == "a layer of kind convolution: it has no form within a block"
