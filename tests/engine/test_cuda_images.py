"""Convolutional networks in the kernel for NVIDIA devices: its own source and plans, run on the host, against the plain
kernel's.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.repetitions import crossed, each_once, mostly_thorough
from workbench.engine.errors import BadInput
from workbench.engine.kernels.choice import with_kernel
from workbench.engine.kernels.cuda import convolution
from workbench.engine.kernels.cuda.buffers import allocated, fill, rooms_for_passes, rooms_for_runs
from workbench.engine.kernels.cuda.launches import Launch
from workbench.engine.kernels.cuda.passes import Passes
from workbench.engine.kernels.forms import form_of
from workbench.engine.layers import LAYERS
from workbench.engine.layers.base import Layer
from workbench.engine.layers.convolution import Convolution
from workbench.engine.layers.dense import Dense
from workbench.engine.layers.dropout import Dropout
from workbench.engine.layers.flatten import Flatten
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.training.layout import Layout
from workbench.engine.training.network import Network
from workbench.engine.training.pack import Pack

from . import strict_device
from .cases import assert_same_trainings
from .cuda_on_host import HostMachine, needs_compiler
from .graph_on_host import trained
from .image_cases import image_data, image_pack, mixed_image_pack

__all__ = ["trained"]  # a fixture
pytestmark = needs_compiler
RUNS, BATCH, TOLERANCE = 3, 6, 3e-5
COMPUTING = [
    pytest.param(layer, id=f"{kind}-{number}")
    for kind, row in LAYERS.items()
    if "cuda" in row.forms and hasattr(form_of(row, "cuda"), "forward")
    for number, layer in enumerate(row.examples())
]
SHAPES: list[dict[str, Any]] = [
    {"kernel_size": kernel, "padding": padding, "stride": stride, "pool": pool, "global_average": whole}
    for kernel, padding, stride, pool, whole in [
        *each_once((3, 2, 5, 1), ("same", "valid"), (1, 2, 1, 3), ("max", "average", "none"), (False, True)),
        (2, "valid", 2, "max", False),
        (4, "same", 3, "none", True),
        (3, "valid", 1, "average", False),
    ]
]


def mild(**given: Any) -> Pack:
    """A pack that learns, with dropout of every kind, and that small roundings do not send elsewhere."""
    rates = {"map_dropout_rate": [0, 0.3, 0], "channel_dropout_rate": [0, 0.3, 0.3], "dropout_rate": [0, 0.2, 0]}
    given = {"input_dropout_rate": [0, 0.1, 0], "dtype": "float32", "epochs": 2, "learning_rate": 0.05} | given
    return image_pack(RUNS, **rates | given)


def assert_agrees_with_plain(trained: Any, pack: Pack, image: tuple[int, int, int], **options: Any) -> None:
    """The same metrics after every epoch of a few, within float32's rounding."""
    data = image_data(pack, image, **options)
    for plain, fast in zip(trained(pack, data, kernel="plain"), trained(pack, data), strict=True):
        for name, values in plain.metrics.items():
            np.testing.assert_allclose(fast.metrics[name], values, rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)


def around(layer: Layer) -> tuple[Layer, ...]:
    """A network in which the layer stands between two that have parameters."""
    kind = (Convolution, layer.inputs[-1], 1) if len(layer.inputs) > 1 else (Dense, layer.inputs[-1])
    before = kind[0](layer.inputs, *kind[1:], "tanh")
    flat = () if len(layer.outputs) == 1 else (Flatten(layer.outputs),)
    last = Dense((flat[0] if flat else layer).outputs, 3)
    return (Dropout(layer.inputs, "input_dropout_rate", in_place=True), before, layer, *flat, last)


@pytest.mark.parametrize("layer", COMPUTING)
def test_every_layer_between_others_is_its_plain_form_in_both_directions(layer: Layer) -> None:
    sequence = around(layer)
    layers = tuple(one for one in sequence if one.tensors)
    features = int(np.prod(layer.inputs))
    architecture: Any = SimpleNamespace(sequence=sequence, layers=layers, inputs=features, outputs=3)
    layout, draw, pack = Layout(architecture), np.random.default_rng(4), image_pack(RUNS, dtype="float32")
    weights = np.zeros((RUNS, layout.size), np.float32)
    for view in layout.views(weights):
        for tensor in view.values():
            tensor[...] = draw.normal(size=tensor.shape)
    gradients, expected, slope = np.zeros_like(weights), np.zeros_like(weights), np.full(RUNS, 0.2, np.float32)
    network = Network(layout, weights, expected, slope, BATCH)
    x, delta = (draw.normal(size=(RUNS, BATCH, size)).astype(np.float32) for size in (features, 3))
    network.inputs[...] = x
    z = network.forward().copy()
    network.backward(delta)

    arrays = allocated(rooms_for_passes(layout, BATCH, learning=True) | rooms_for_runs(layout), RUNS, np)
    fill(arrays, np, slope=slope, x=x)
    arrays["counters"] = np.zeros(2, np.int64)
    stored, machine = np.zeros(0, np.float32), HostMachine()
    passes = Passes(
        pack, layout, weights, gradients, stored, arrays | dict.fromkeys(UNREAD, stored), BATCH, BATCH, True
    )
    last = len(passes.layers) - 1
    machine.program([part for part in passes.forward() if not is_reading(part)]).run(1)
    biases = layout.views(weights)[-1]["biases"][:, None]
    np.testing.assert_allclose(arrays[f"z{last}"] + biases, z, rtol=1e-5, atol=1e-5)
    arrays[f"z{last}"][...] = delta
    machine.program([*passes.backward()]).run(1)
    of_judge = layout.start(len(layers) - 1, "biases")  # which writes these gradients
    np.testing.assert_allclose(gradients[:, :of_judge], expected[:, :of_judge], rtol=1e-4, atol=1e-4)


UNREAD = ("index", "order", "scale", "shift")


def is_reading(part: Any) -> bool:
    return isinstance(part, Launch) and part.kernel.startswith("read_")


@pytest.mark.parametrize(("activation", "shape"), crossed(ACTIVATIONS, SHAPES))
def test_every_activation_and_shape_of_network_agrees(activation: str, shape: dict[str, Any], trained: Any) -> None:
    image = (13, 12, 1) if shape["padding"] == "valid" else (7, 6, 2)
    if shape["padding"] == "valid" and shape["stride"] > 1:
        shape = shape | {"channels": (3,)}
    assert_agrees_with_plain(trained, mild(activation=activation, pieces=3, **shape), image, stored=np.uint8)


@pytest.mark.parametrize("rows", [1, 12])
def test_sums_over_any_number_of_parts_agree(rows: int, trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part for every example, and parts of one example or of several; products that are more than a grid holds."""
    monkeypatch.setattr(convolution, "ROWS_A_PART", rows)
    monkeypatch.setattr(convolution, "LARGEST_GRID", 5)
    for activation in ("prelu", "maxout"):
        assert_agrees_with_plain(trained, mild(activation=activation, channels=(4, 33), epochs=1), (5, 4, 2))


def test_the_parts_of_a_sum_are_as_large_as_they_may_be_whatever_the_number_of_runs() -> None:
    layer = Convolution((8, 8, 1), 2, 3)
    assert [convolution.parts_of(layer, batch) for batch in (1, 16, 32, 7, 37)] == [1, 1, 2, 1, 37]
    assert convolution.parts_of(layer, 10007) == 1  # a prime: in no fewer parts than launches have blocks
    assert convolution.parts_of(Convolution((64, 64, 1), 2, 3), 512) == 256


def test_penalties_and_max_norm_act_on_filters_too(trained: Any) -> None:
    pack = mild(activation="tanh", optimizer="adam", l1=0.001, l2=0.01, max_norm=[0, 0.5, 0.9], learning_rate=0.01)
    assert_agrees_with_plain(trained, pack, (7, 6, 2))


def test_a_network_without_convolutions_and_one_without_dense_layers_agree(trained: Any) -> None:
    for given in ({"channels": (), "global_average": True}, {"channels": (3,), "depth": 0}):
        assert_agrees_with_plain(trained, mild(activation="tanh", **given), (5, 4, 2))


@pytest.mark.parametrize("activation", mostly_thorough(["prelu", "maxout"], "maxout"))
def test_no_number_hangs_on_the_order_of_the_threads_or_on_when_something_aside_is_done(
    activation: str, trained: Any
) -> None:
    pack = mild(activation=activation, optimizer="adam", depth=2, channels=(3, 8), max_norm=0.9, epochs=1)
    data = image_data(pack)
    expected = trained(pack, data)
    for machine in (HostMachine(backwards=True), HostMachine(late=True)):
        assert_same_trainings(trained(pack, data, machine), expected, RUNS)


def test_packed_is_alone(trained: Any) -> None:
    pack = mixed_image_pack(RUNS, 4, activation="prelu", optimizer="adam", dtype="float32", patience=0, epochs=2)
    data = image_data(pack)
    ends = {end.run: end for epoch in trained(pack, data) for end in epoch.ended}
    for run in range(RUNS):
        *_, last = trained(pack.take([run]), data.take(np.array([run])))
        assert last.ended[0].summary == pytest.approx(ends[run].summary, rel=1e-4, nan_ok=True)


def test_host_and_device_are_kept_apart(monkeypatch: pytest.MonkeyPatch, trained: Any) -> None:
    pack = mixed_image_pack(RUNS, 5, activation="prelu", optimizer="adam", dtype="float32", epochs=1)
    data = image_data(pack, stored=np.uint8)
    expected = trained(pack, data)
    monkeypatch.setitem(sys.modules, "cupy", strict_device)
    assert_same_trainings(trained(replace(pack, device="cuda"), data), expected, RUNS)


def test_auto_takes_graphs_and_blocks_refuse_convolutions_in_a_line() -> None:
    pack = image_pack(RUNS, dtype="float32", device="cuda")
    assert with_kernel(pack).kernel == with_kernel(replace(pack, precision="tf32")).kernel == "graph"
    why = "a layer of kind convolution: it has no form within a block"
    with pytest.raises(BadInput, match=f"kernel: found fused with {why}"):
        with_kernel(pack, "fused")
    assert with_kernel(replace(pack, network="mlp")).kernel == "fused"
    assert with_kernel(image_pack(RUNS, dtype="float64", device="cuda")).kernel == "plain"
