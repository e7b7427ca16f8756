"""Every kind of layer keeps the contract of `engine/layers/base.py`: each row of `LAYERS`, on the examples it names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from math import prod
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from workbench.engine.errors import BadInput
from workbench.engine.kernels.choice import KERNELS, numba_fault, why_not_compiled, with_kernel
from workbench.engine.layers import LAYERS
from workbench.engine.layers.base import Batch, BoundLayer, Layer, Parameters, Shape
from workbench.engine.layers.dropout import BoundDropout
from workbench.engine.rules.activations import ACTIVATIONS, Activation
from workbench.engine.rules.initializers import initial_weights
from workbench.engine.training.layout import PADDING, Layout
from workbench.engine.training.loop import train

from .cases import assert_packing_changes_nothing, data_for, mixed_pack, pack_of, parameter_count

RUNS, EXAMPLES = 3, 4
STEP, TOLERANCE = 1e-6, 1e-6
LAYERS_TO_TEST = [
    pytest.param(layer, id=f"{kind}-{number}")
    for kind, row in LAYERS.items()
    for number, layer in enumerate(row.examples())
]


def keeps_shape(layer: Any) -> bool:
    """Whether what comes out has the shape of what went in."""
    return bool(layer.inputs == layer.outputs)


every_layer = pytest.mark.parametrize("layer", LAYERS_TO_TEST)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def layout_of(layer: Layer) -> Layout:
    """The layout of a network of this layer alone."""
    whole: Any = SimpleNamespace(sequence=(layer,), layers=(layer,) if layer.tensors else (), inputs=0, outputs=0)
    return Layout(whole)


def drawn(layer: Layer, runs: int, dtype: Any = np.float64) -> Parameters:
    """Random parameters for every run, weights and all else."""
    draw = np.random.default_rng(1)
    return {tensor.name: draw.normal(size=(runs, *tensor.shape)).astype(dtype) for tensor in layer.tensors}


def bound(
    layer: Layer, parameters: Parameters, runs: int, dtype: Any = np.float64, learning: bool = True
) -> BoundLayer:
    """The layer over these parameters; dropout drops the same units in every run."""
    gradients = {name: np.full_like(tensor, np.nan) for name, tensor in parameters.items()} if learning else None
    slope = np.full(runs, 0.2, dtype)
    found = layer.bind(parameters, gradients, Batch(runs, EXAMPLES, np.dtype(dtype), np, slope))
    if isinstance(found, BoundDropout):
        kept = np.random.default_rng(2).random((1, EXAMPLES, *found.layer.mask_shape)) < 0.6
        found.mask = np.repeat(2 * kept, runs, axis=0).astype(dtype)
    return found


def numbers(shape: Shape, runs: int, dtype: Any = np.float64, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(runs, EXAMPLES, *shape)).astype(dtype)


@dataclass
class Step:
    """What a step through the layer gives: a, the gradients and dl/d inputs."""

    a: np.ndarray
    gradients: Parameters
    back: np.ndarray


def step(layer: Layer, parameters: Parameters, inputs: np.ndarray, dl_da: np.ndarray) -> Step:
    one = bound(layer, parameters, len(inputs), inputs.dtype)
    a = one.forward(inputs.copy()).copy()
    one.backward(dl_da.copy())
    return Step(a, one.gradients or {}, one.pass_back(np.full(inputs.shape, np.nan, inputs.dtype)))


@pytest.mark.parametrize("kind", LAYERS)
def test_a_kind_has_examples_of_itself(kind: str) -> None:
    examples = LAYERS[kind].examples()
    assert examples
    assert all(type(layer) is LAYERS[kind] for layer in examples)


@every_layer
def test_shapes_are_as_promised(layer: Layer) -> None:
    assert bound(layer, drawn(layer, RUNS), RUNS).layer is layer
    found = step(layer, drawn(layer, RUNS), numbers(layer.inputs, RUNS), numbers(layer.outputs, RUNS))
    assert found.a.shape == (RUNS, EXAMPLES, *layer.outputs)
    assert found.back.shape == (RUNS, EXAMPLES, *layer.inputs)


@every_layer
def test_gain_and_dl_dz_are_there_together_if_there_is_an_activation(layer: Layer) -> None:
    one = bound(layer, drawn(layer, RUNS), RUNS)
    one.forward(numbers(layer.inputs, RUNS))
    gain = one.gain()
    one.backward(numbers(layer.outputs, RUNS))
    assert (gain is None) == (one.dl_dz is None)
    assert gain is None or gain.shape == (RUNS, EXAMPLES, *layer.outputs)
    assert layer.steepest > 0


@every_layer
def test_parameters_lie_as_they_are_declared(layer: Layer) -> None:
    layout = layout_of(layer)
    count = np.zeros((RUNS, layout.size), int)
    for view in layout.views(count):
        assert list(view) == [tensor.name for tensor in layer.tensors]
        for tensor in layer.tensors:
            assert view[tensor.name].shape == (RUNS, *tensor.shape)
            assert layout.start(0, tensor.name) % PADDING == 0
            view[tensor.name][...] += 1
            inside = count[:, : layout.weights_end].sum() == count.sum()
            assert inside or not tensor.is_weights
    assert count.max(initial=0) <= 1
    assert count.sum() == RUNS * parameter_count(layout)
    assert layout.weights_end == sum(
        -(-tensor.size // PADDING) * PADDING for tensor in layer.tensors if tensor.is_weights
    )


@every_layer
def test_weights_are_the_tensor_of_that_name_and_their_rows_are_bounded(layer: Layer) -> None:
    layout = layout_of(layer)
    weights = [tensor for tensor in layer.tensors if tensor.is_weights]
    assert [tensor.name for tensor in weights] == ["weights"][: len(weights)]
    assert all(tensor.fans and min(tensor.fans) > 0 for tensor in weights)
    buffer = np.arange(RUNS * layout.size, dtype=float).reshape(RUNS, layout.size)
    for view, rows in zip(layout.views(buffer), layout.weights(buffer), strict=bool(weights)):
        assert np.array_equal(rows, view["weights"].reshape(RUNS, len(view["weights"][0]), -1))
        assert np.shares_memory(rows, buffer)


@every_layer
def test_a_run_starts_where_its_columns_say(layer: Layer) -> None:
    columns = {"seed": np.arange(RUNS), "init": np.full(RUNS, "he"), "init_scale": np.zeros(RUNS)}
    columns["slope"] = np.array([0.1, 0.2, 0.3])
    layout = layout_of(layer)
    for view in layout.views(layout.initial(columns, np.float64)):
        for tensor in layer.tensors:
            for run, found in enumerate(view[tensor.name]):
                if tensor.is_weights:
                    expected = initial_weights("he", run, 0, tensor, 0.0)
                else:
                    expected = columns[tensor.start][run] if isinstance(tensor.start, str) else tensor.start
                assert np.array_equal(found, np.broadcast_to(expected, tensor.shape))


@every_layer
def test_gradients_agree_with_central_differences(layer: Layer) -> None:
    """Of the sum of all outputs, each times a number, in every parameter and every input."""
    parameters, inputs = drawn(layer, 1), numbers(layer.inputs, 1)
    weighted = numbers(layer.outputs, 1, seed=4)
    found = step(layer, parameters, inputs, weighted)

    def quotients(name: str, around: np.ndarray) -> np.ndarray:
        sides = []
        for sign in (1, -1):
            moved = around + sign * STEP * np.eye(around.size).reshape(around.size, *around.shape[1:])
            copies = {other: np.repeat(tensor, around.size, axis=0) for other, tensor in parameters.items()}
            read = moved if name == "inputs" else np.repeat(inputs, around.size, axis=0)
            copies |= {} if name == "inputs" else {name: moved}
            a = bound(layer, copies, around.size, learning=False).forward(read)
            sides.append((a * weighted).reshape(around.size, -1).sum(axis=1))
        return ((sides[0] - sides[1]) / (2 * STEP)).reshape(around.shape)

    np.testing.assert_allclose(found.back, quotients("inputs", inputs), rtol=TOLERANCE, atol=1e-8)
    assert found.gradients.keys() == parameters.keys()
    for name, tensor in parameters.items():
        np.testing.assert_allclose(
            found.gradients[name], quotients(name, tensor), rtol=TOLERANCE, atol=1e-8, err_msg=name
        )


@pytest.mark.parametrize("layer", [one for one in LAYERS_TO_TEST if keeps_shape(*one.values)])
def test_what_goes_back_may_be_written_over_what_came(layer: Layer) -> None:
    parameters, inputs, dl_da = drawn(layer, RUNS), numbers(layer.inputs, RUNS), numbers(layer.outputs, RUNS, seed=4)
    expected = step(layer, parameters, inputs, dl_da).back
    one = bound(layer, parameters, RUNS)
    one.forward(inputs.copy())
    one.backward(dl_da)
    assert one.pass_back(dl_da) is dl_da
    assert np.array_equal(dl_da, expected)


@every_layer
@every_dtype
def test_it_stays_in_its_dtype(layer: Layer, dtype: Any) -> None:
    found = step(
        layer, drawn(layer, RUNS, dtype), numbers(layer.inputs, RUNS, dtype), numbers(layer.outputs, RUNS, dtype)
    )
    assert {array.dtype for array in (found.a, found.back, *found.gradients.values())} == {np.dtype(dtype)}


@every_layer
@every_dtype
def test_packing_changes_nothing(layer: Layer, dtype: Any) -> None:
    parameters = drawn(layer, RUNS, dtype)
    inputs, dl_da = numbers(layer.inputs, RUNS, dtype), numbers(layer.outputs, RUNS, dtype, seed=4)
    packed = step(layer, parameters, inputs, dl_da)
    for run in range(RUNS):
        own = slice(run, run + 1)
        alone = step(layer, {name: tensor[own] for name, tensor in parameters.items()}, inputs[own], dl_da[own])
        assert np.array_equal(packed.a[own], alone.a)
        assert np.array_equal(packed.back[own], alone.back)
        for name, gradient in alone.gradients.items():
            assert np.array_equal(packed.gradients[name][own], gradient), name


def buffers_of(one: BoundLayer) -> Iterator[np.ndarray]:
    """The arrays it keeps for every example, each once."""
    found: dict[int, np.ndarray] = {}
    for array in vars(one).values():
        if isinstance(array, np.ndarray) and array.shape[:2] == (RUNS, EXAMPLES) and array.size > RUNS * EXAMPLES:
            found[array.ctypes.data] = array
    yield from found.values()


@every_layer
def test_it_keeps_what_is_counted_and_the_same_buffers_at_every_step(layer: Layer) -> None:
    one = bound(layer, drawn(layer, RUNS), RUNS)
    kept = list(buffers_of(one))
    assert sum(array.size for array in kept) == RUNS * EXAMPLES * layer.buffers
    inputs, dl_da, out = (numbers(shape, RUNS) for shape in (layer.inputs, layer.outputs, layer.inputs))
    for _ in range(2):
        assert any(np.shares_memory(one.forward(inputs), array) for array in (*kept, inputs))
        one.backward(dl_da)
        assert one.pass_back(out) is out
    held = [array for array in buffers_of(one) if not any(np.shares_memory(array, given) for given in (inputs, dl_da))]
    assert {id(array) for array in held} == {id(array) for array in kept}
    assert layer.touched >= prod(layer.inputs)
    assert layer.work(EXAMPLES) >= 0


@every_layer
def test_the_forms_it_names_are_there(layer: Layer) -> None:
    names = [f"workbench.engine.kernels.{kernel}.{module}" for kernel, module in layer.forms.items()]
    assert [name for name in names if not find_spec(name)] == []


# What is asked of a layer that is no row yet: `docs/add-a-layer.md` adds one.
CONTRACT = (
    test_shapes_are_as_promised,
    test_gain_and_dl_dz_are_there_together_if_there_is_an_activation,
    test_parameters_lie_as_they_are_declared,
    test_weights_are_the_tensor_of_that_name_and_their_rows_are_bounded,
    test_a_run_starts_where_its_columns_say,
    test_gradients_agree_with_central_differences,
    test_it_keeps_what_is_counted_and_the_same_buffers_at_every_step,
    test_the_forms_it_names_are_there,
)


@dataclass(frozen=True)
class Passing(Layer):
    """A layer without parameters, of which no kernel but the plain one has a form."""

    @classmethod
    def examples(cls) -> list[Layer]:
        return [cls((3,))]

    @property
    def outputs(self) -> Shape:
        return self.inputs

    @property
    def buffers(self) -> int:
        return 0

    def bind(self, parameters: Parameters, gradients: Parameters | None, batch: Batch) -> BoundLayer:  # noqa: ARG002
        return BoundPassing(self)


class BoundPassing(BoundLayer):
    def __init__(self, layer: Passing) -> None:
        self.layer = layer

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        self.inputs = self.a = inputs
        return inputs

    def backward(self, dl_da: np.ndarray) -> None:
        self.dl_da = dl_da

    def pass_back(self, out: np.ndarray) -> np.ndarray:
        out[...] = self.dl_da
        return out


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> str:
    """An activation whose hidden layers are of a kind that was added to the table."""
    monkeypatch.setitem(LAYERS, "passing", Passing)
    row = ACTIVATIONS["identity"]
    made = Activation("nothing", row.value, row.derivative, row.init, layer="passing")
    monkeypatch.setitem(ACTIVATIONS, "passing", made)
    return "passing"


def test_a_kind_without_a_form_in_a_kernel_is_refused_by_it_in_a_word(passing: str) -> None:
    pack = with_kernel(pack_of(1, activation=passing, dtype="float32"))
    assert pack.kernel == "plain"
    why = f"a layer of kind {passing}: it has no form in this kernel"
    assert why_not_compiled(pack) == (numba_fault() or why)
    on_device = pack_of(1, activation=passing, dtype="float32", device="cuda")
    assert KERNELS["graph"].obstacle(on_device) == why
    with pytest.raises(BadInput, match=f"kernel: found graph with {why}"):
        with_kernel(on_device, "graph")


def test_a_network_of_layers_that_pass_their_inputs_through_is_the_one_without_them(passing: str) -> None:
    """Two layers without parameters between the inputs and the only one that has some: nothing counts them."""
    given = {"dtype": "float64", "learning_rate": 0.05, "init": "glorot"}
    one, other = pack_of(2, activation=passing, depth=2, **given), pack_of(2, activation="identity", depth=0, **given)
    data = data_for(one)
    for found, expected in zip(train(one, data), train(other, data), strict=True):
        for name, values in expected.metrics.items():
            assert np.array_equal(found.metrics[name], values, equal_nan=True), name
        for name, values in expected.probes.items():
            assert np.array_equal(found.probes[name], values, equal_nan=True), name
    assert_packing_changes_nothing(mixed_pack(3, activation=passing, dtype="float64"))
