"""Convolution and pooling are what the notes say: patches, shared weights, a reversed network with turned weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.repetitions import crossed, each_once
from workbench.engine.layers.average_pooling import AveragePooling
from workbench.engine.layers.base import Batch, BoundLayer, Layer, Parameters
from workbench.engine.layers.convolution import PADDINGS, Convolution
from workbench.engine.layers.dense import Dense
from workbench.engine.layers.global_average import GlobalAverage
from workbench.engine.layers.max_pooling import MaxPooling
from workbench.engine.layers.windows import pixels_before, places_along, reached
from workbench.engine.rules.activations import ACTIVATIONS

from . import test_layers
from .test_layers import bound, drawn, numbers, step

RUNS, EXAMPLES = 2, 4
STRIDES = (1, 2, 3)


def forward(layer: Layer, parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
    return bound(layer, parameters, len(inputs), inputs.dtype).forward(inputs).copy()


def one_by_one(layer: Convolution, parameters: Parameters, inputs: np.ndarray) -> np.ndarray:
    """z of every unit: the patch it reads, with zeros beyond the border, times the weights of its channel."""
    weights, biases = parameters["weights"], parameters["biases"]
    z = np.zeros((*inputs.shape[:2], *layer.places, weights.shape[1]))
    reach = layer.kernel + layer.stride * max(layer.places)
    padded = np.pad(inputs, ((0, 0), (0, 0), (reach, reach), (reach, reach), (0, 0)))
    for row, column in np.ndindex(*layer.places):
        top, left = (reach + layer.stride * np.array([row, column]) - layer.before).tolist()
        patch = padded[:, :, top : top + layer.kernel, left : left + layer.kernel]
        z[:, :, row, column] = np.einsum("rbijc,rkijc->rbk", patch, weights) + biases[:, None]
    return z


def every_convolution(activation: str = "identity") -> list[Convolution]:
    return [
        Convolution((6, 5, 2), 3, kernel, activation, stride, padding)
        for kernel, stride, padding in each_once((3, 2, 1, 4), STRIDES, PADDINGS)
    ]


@pytest.mark.parametrize("layer", every_convolution(), ids=str)
def test_every_unit_reads_its_patch_and_shares_the_weights_of_its_channel(layer: Convolution) -> None:
    parameters, inputs = drawn(layer, RUNS), numbers(layer.inputs, RUNS)
    np.testing.assert_allclose(forward(layer, parameters, inputs), one_by_one(layer, parameters, inputs), atol=1e-12)


@pytest.mark.parametrize(("activation", "padding", "stride"), crossed([*ACTIVATIONS], PADDINGS, (1, 2)), ids=str)
def test_gradients_of_every_activation_padding_and_stride(activation: str, padding: str, stride: int) -> None:
    test_layers.test_gradients_agree_with_central_differences(Convolution((4, 3, 2), 2, 3, activation, stride, padding))


@pytest.mark.parametrize("kernel", [1, 2, 3])
def test_the_way_back_is_a_convolution_with_the_weights_turned_by_180_degrees(kernel: int) -> None:
    """Of `valid` patches: the reversed network reads dl/dz, with zeros around it, by the turned weights."""
    layer = Convolution((6, 5, 2), 3, kernel, padding="valid")
    parameters, inputs = drawn(layer, RUNS), numbers(layer.inputs, RUNS)
    dl_dz = numbers(layer.outputs, RUNS, seed=4)
    back = step(layer, parameters, inputs, dl_dz).back
    around = ((0, 0), (0, 0), (kernel - 1, kernel - 1), (kernel - 1, kernel - 1), (0, 0))
    padded = np.pad(dl_dz, around)
    reversed_layer = Convolution(padded.shape[2:], 2, kernel, padding="valid")
    turned = parameters["weights"][:, :, ::-1, ::-1].transpose(0, 4, 2, 3, 1)
    no_biases = np.zeros((RUNS, 2))
    found = forward(reversed_layer, {"weights": np.ascontiguousarray(turned), "biases": no_biases}, padded)
    np.testing.assert_allclose(found, back, atol=1e-12)


@pytest.mark.parametrize("activation", ["relu", "maxout"])
def test_a_shifted_image_gives_shifted_maps_away_from_the_border(activation: str) -> None:
    layer = Convolution((9, 9, 2), 3, 3, activation)
    parameters, inputs = drawn(layer, RUNS), numbers(layer.inputs, RUNS)
    shifted = np.roll(inputs, (2, 1), axis=(2, 3))
    found, expected = (forward(layer, parameters, image) for image in (shifted, np.ascontiguousarray(inputs)))
    assert np.array_equal(found[:, :, 3:-1, 2:-1], expected[:, :, 1:-3, 1:-2])
    assert not np.array_equal(found, expected)


@pytest.mark.parametrize("activation", ["tanh", "prelu", "maxout"])
def test_a_kernel_that_covers_the_image_is_a_dense_layer_bit_for_bit(activation: str) -> None:
    layer = Convolution((3, 3, 2), 4, 3, activation, padding="valid")
    dense = layer.neurons
    assert isinstance(dense, Dense)
    assert layer.outputs == (1, 1, 4)
    parameters = drawn(layer, RUNS)
    as_rows = {name: array.reshape(RUNS, len(array[0]), -1) if name == "weights" else array
               for name, array in parameters.items()}  # fmt: skip
    inputs, dl_da = numbers(layer.inputs, RUNS), numbers(layer.outputs, RUNS, seed=4)
    found = step(layer, parameters, inputs, dl_da)
    expected = step(dense, as_rows, inputs.reshape(RUNS, EXAMPLES, -1), dl_da.reshape(RUNS, EXAMPLES, -1))
    assert np.array_equal(found.a.ravel(), expected.a.ravel())
    assert np.array_equal(found.back.ravel(), expected.back.ravel())
    for name, gradient in expected.gradients.items():
        assert np.array_equal(found.gradients[name].ravel(), gradient.ravel()), name


def test_fan_in_is_the_size_of_a_patch() -> None:
    weights, *_ = Convolution((8, 8, 3), 5, 3, "relu").tensors
    assert (weights.shape, weights.fans) == ((5, 3, 3, 3), (27, 45))


@pytest.mark.parametrize(
    ("size", "window", "stride"), [(5, 3, 1), (5, 3, 2), (4, 2, 2), (4, 4, 3), (3, 5, 1), (1, 1, 2)]
)
@pytest.mark.parametrize("padding", PADDINGS)
def test_windows_reach_what_lies_within_the_image(size: int, window: int, stride: int, padding: str) -> None:
    places, before = places_along(size, window, stride, padding), pixels_before(size, window, stride, padding)
    for offset in range(window):
        expected = [(place, place * stride + offset - before) for place in range(places)]
        expected = [pair for pair in expected if 0 <= pair[1] < size]
        windows, pixels = reached(offset, size, places, stride, before)
        assert list(zip(range(places)[windows], range(size)[pixels], strict=True)) == expected


@pytest.mark.parametrize(
    ("size", "window", "stride", "before"),
    [(5, 3, 1, 1), (5, 5, 1, 2), (5, 2, 1, 0), (5, 4, 1, 1), (4, 3, 2, 0), (5, 3, 2, 1), (4, 2, 2, 0)],
)
def test_zeros_around_an_image_are_shared_out_evenly_and_the_odd_one_follows_it(
    size: int, window: int, stride: int, before: int
) -> None:
    assert pixels_before(size, window, stride, "same") == before


def test_same_keeps_the_size_and_valid_reads_no_border() -> None:
    assert Convolution((8, 7, 1), 2, 5).outputs == (8, 7, 2)
    assert Convolution((8, 7, 1), 2, 3, stride=2).outputs == (4, 4, 2)
    assert Convolution((8, 7, 1), 2, 5, padding="valid").outputs == (4, 3, 2)
    assert Convolution((8, 7, 1), 2, 3, stride=2, padding="valid").outputs == (3, 3, 2)


def pooled(layer: Any, inputs: np.ndarray, dl_da: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    one: BoundLayer = layer.bind({}, None, Batch(1, 1, np.dtype(float), np, np.zeros(1)))
    a = one.forward(inputs)
    one.backward(dl_da)
    return a, one.pass_back(np.full_like(inputs, np.nan))


IMAGE = np.array([[1, 4, 2.0], [3, 4, 9], [5, 6, 7]])[None, None, :, :, None]
ONE = np.ones((1, 1, 1, 1, 1))


def test_max_pooling_hands_the_gradient_to_the_first_of_the_largest() -> None:
    a, back = pooled(MaxPooling((3, 3, 1), 2), IMAGE, 2 * ONE)
    assert a.ravel() == [4]
    assert back[0, 0, :, :, 0].tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 0]]


def test_average_pooling_shares_the_gradient_out() -> None:
    a, back = pooled(AveragePooling((3, 3, 1), 2), IMAGE, 2 * ONE)
    assert a.ravel() == [3]
    assert back[0, 0, :, :, 0].tolist() == [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 0]]


def test_global_average_pooling_is_the_mean_over_the_image() -> None:
    a, back = pooled(GlobalAverage((3, 3, 1)), IMAGE, 9 * ONE[..., 0, 0])
    assert a.ravel() == pytest.approx([IMAGE.mean()])
    np.testing.assert_allclose(back, 1)
