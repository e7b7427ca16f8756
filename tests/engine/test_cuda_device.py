"""On a device: the captured steps are the plain kernel's, replays draw afresh, and memory stays within its count."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench.engine.backend import cuda_is_usable
from workbench.engine.kernels.cuda import codes, memory, update
from workbench.engine.kernels.cuda.device import device_machine
from workbench.engine.kernels.cuda.fused import FusedTrainer, device_blocks
from workbench.engine.kernels.cuda.fused_probes import FusedProbes
from workbench.engine.kernels.cuda.fused_source import fused_source
from workbench.engine.kernels.cuda.launches import Launch, Matrix, Product
from workbench.engine.kernels.cuda.source import file_text
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.schedules import VARYING
from workbench.engine.training.group import Group
from workbench.engine.training.layout import Layout
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack
from workbench.engine.training.probing import PlainProbes
from workbench.engine.training.randomness import Purpose, keys, permutations

from .agreement import rounded_to_tf32
from .cases import RATES, STRENGTHS, assert_same_trainings, data_for, mixed_pack, pack_of
from .image_cases import image_data, image_pack, mixed_image_pack

pytestmark = pytest.mark.skipif(not cuda_is_usable(), reason="runs where CuPy finds a device: benchmarks/on_gpu.py")

RUNS = 5


KERNELS = ("graph", "fused")
FAMILIES = [list(table) for table in (ACTIVATIONS, LOSSES, OPTIMIZERS)]
EVERY_RULE = [tuple(rows[at % len(rows)] for rows in FAMILIES) for at in range(max(map(len, FAMILIES)))]
# Each form of a convolution and of pooling once, and products of a few sizes.
IMAGE_NETWORKS: list[dict[str, Any]] = [
    {"activation": "tanh", "channels": (8, 16)},
    {"activation": "prelu", "padding": "valid", "pool": "average", "kernel_size": 2},
    {"activation": "maxout", "pieces": 3, "stride": 2, "pool": "none", "kernel_size": 5},
    {"activation": "relu", "global_average": True, "depth": 0, "channels": (33, 5)},
]
each_kernel = pytest.mark.parametrize("kernel", KERNELS)


COMPARED = """
extern "C" __global__ void compare(const float* a, const float* b, int* different, int count) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        const float exact = __fdiv_rn(a[i], b[i]);
        if (fabsf(exact) > 1.2e-38f && quotient(a[i], b[i]) != exact) atomicAdd(different, 1);
        if (root(fabsf(a[i])) != __fsqrt_rn(fabsf(a[i]))) atomicAdd(different + 1, 1);
    }
}
"""


def on_device(pack: Pack, kernel: str = "graph") -> Pack:
    return replace(pack, device="cuda", kernel=kernel)


def mild(**given: Any) -> Pack:
    return pack_of(
        RUNS, dtype="float32", epochs=3, dropout_rate=[0, 0.5, 0.2, 0, 0], input_dropout_rate=[0, 0, 0.2, 0, 0], **given
    )


def assert_agrees_with_plain(pack: Pack, kernel: str, tolerance: float = 1e-4, **data_options: Any) -> None:
    data = data_for(pack, **data_options)
    for plain, fast in zip(train(pack, data), train(on_device(pack, kernel), data), strict=True):
        for name, values in plain.metrics.items():
            np.testing.assert_allclose(fast.metrics[name], values, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation: str) -> None:
    pack = mild(activation=activation, depth=3, slope=0.2, learning_rate=0.05)
    assert_agrees_with_plain(pack, "graph", stored=np.uint8)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss(loss: str) -> None:
    assert_agrees_with_plain(mild(loss=loss, activation="tanh", learning_rate=0.02), "graph")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_with_penalties_of_every_kind(optimizer: str) -> None:
    assert_agrees_with_plain(mild(optimizer=optimizer, activation="tanh", **STRENGTHS), "graph")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_when_products_update_weights_at_once(optimizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one layer that is wide enough has two tiles a run."""
    monkeypatch.setattr(update, "FILLING", 0)
    pack = mild(optimizer=optimizer, activation="tanh", width=128, batch_size=40, **STRENGTHS)
    assert_agrees_with_plain(pack, "graph", examples=400)


def test_tf32_trains_nearly_as_float32_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update, "FILLING", 0)
    pack = on_device(mild(optimizer="momentum", activation="tanh", width=128, batch_size=40))
    data = data_for(pack, examples=400)
    exact, rounded = (list(train(replace(pack, precision=name), data)) for name in ("float32", "tf32"))
    losses = [[epoch.metrics["train_loss"] for epoch in epochs] for epochs in (exact, rounded)]
    np.testing.assert_allclose(*losses, rtol=5e-3)
    assert not np.array_equal(*losses)


@pytest.mark.parametrize(("activation", "loss", "optimizer"), EVERY_RULE)
def test_every_rule_within_a_block(activation: str, loss: str, optimizer: str) -> None:
    """Every row of every family once: each combination is compiled by itself."""
    rate = 0.2 * RATES[optimizer]
    pack = mild(
        activation=activation, loss=loss, optimizer=optimizer, depth=1, slope=0.2, learning_rate=rate, **STRENGTHS
    )
    assert_agrees_with_plain(pack, "fused", stored=np.uint8)


@pytest.mark.parametrize(("activation", "loss", "optimizer"), EVERY_RULE)
def test_every_probe_of_a_block(activation: str, loss: str, optimizer: str) -> None:
    pack = mild(activation=activation, loss=loss, optimizer=optimizer, depth=1, slope=0.2, **STRENGTHS)
    group = Group(on_device(pack, "plain"), data_for(pack, stored=np.uint8))
    for after_update in (False, True):
        group.epoch()
        rows: Any = group._trainer._rows  # type: ignore[attr-defined]
        found, of_inputs = FusedProbes(rows).take(after_update)
        expected, of_plain_inputs = PlainProbes(rows).take(after_update)
        np.testing.assert_allclose(of_inputs, of_plain_inputs, rtol=1e-4)
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-6, err_msg=name)


def test_quotients_and_roots_within_a_kernel_are_the_compiler_s_own() -> None:
    """The device's fast instructions, scaled and corrected, against its IEEE 754 division and square root."""
    import cupy

    text = "\n".join([file_text("elementary"), COMPARED])
    kernel = cupy.RawModule(code=text, options=("-std=c++17",)).get_function("compare")
    draw = np.random.default_rng(0)
    exponents = draw.uniform(-11, 11, (2, 2**22))  # quotients above 2^-100
    a, b = (
        cupy.asarray(numbers) for numbers in (draw.normal(size=exponents.shape) * 10.0**exponents).astype(np.float32)
    )
    different = cupy.zeros(2, np.int32)
    kernel((64,), (256,), (a, b, different, np.int32(a.size)))
    assert different.get().tolist() == [0, 0]


@each_kernel
def test_both_graphs_are_replayed_and_every_step_has_masks_of_its_own(kernel: str) -> None:
    """67 updates an epoch: one by itself, four graphs of 16, two of one step. Equal masks would change every loss."""
    assert_agrees_with_plain(mild(activation="tanh", batch_size=8, learning_rate=0.05), kernel, examples=900)


@each_kernel
def test_a_step_repeats_bit_for_bit(kernel: str) -> None:
    pack = mixed_pack(RUNS, content=3, activation="tanh", optimizer="adam", dtype="float32")
    pack, data = on_device(pack, kernel), data_for(pack)
    assert_same_trainings(list(train(pack, data)), list(train(pack, data)), RUNS)


@each_kernel
def test_interruption_changes_nothing(kernel: str) -> None:
    pack = mixed_pack(RUNS, 7, activation="tanh", optimizer="adam", dtype="float32", epochs=4, patience=0)
    pack, data = on_device(pack, kernel), data_for(pack)
    full, epochs = list(train(pack, data)), train(pack, data)
    state = [next(epochs).state() for _ in range(2)][-1]
    for one, two in zip(train(pack, data, state=state), full[2:], strict=True):
        np.testing.assert_allclose(one.metrics["test_loss"], two.metrics["test_loss"], rtol=1e-4)


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_products_have_the_precision_that_was_asked_for(precision: str) -> None:
    import cupy

    size, draw = 256, np.random.default_rng(0)
    left, right = (draw.normal(size=(2, size, size)).astype(np.float32) for _ in range(2))
    a, b, c = cupy.asarray(left), cupy.asarray(right), cupy.zeros((2, size, size), np.float32)
    here = [Matrix(array, size * size, size, size) for array in (c, a, b)]
    device_machine(precision).program([Product(*here, 2)]).run(1)
    error = np.abs(c.get() - left.astype(float) @ right.astype(float)).max() / np.sqrt(size)
    assert (error < 1e-5) == (precision == "float32")
    assert error < 1e-2


def test_tensor_cores_multiply_what_an_update_needs_with_rounded_factors() -> None:
    """One step of SGD from zero weights leaves the gradient, in tiles that are full and not, times the rate."""
    import cupy

    (rows, columns, batch), draw = (68, 132, 20), np.random.default_rng(0)
    dl_dz, x = (draw.normal(size=(RUNS, batch, count)).astype(np.float32) for count in (rows, columns))
    varying = np.zeros((RUNS, 1, len(VARYING)), np.float32)
    varying[..., VARYING.index("learning_rate")] = 1.0
    weights, constant = np.zeros((RUNS, rows * columns)), np.zeros((RUNS, len(codes.constant())))
    factors = [cupy.asarray(array, np.float32) for array in (dl_dz, x, weights, *[weights] * 4)]
    numbers = [cupy.zeros(2, np.int64), *(cupy.asarray(array, np.float32) for array in (varying, constant, weights))]
    counters, varied, constants, previous = numbers
    tiles = -(-rows // codes.PRODUCT["ROWS"]) * -(-columns // codes.PRODUCT["COLUMNS"])
    arguments = (
        *factors, previous, counters, varied, constants, codes.optimizers().index("sgd"), 0, rows, columns, batch,
        rows * columns, 1,
    )  # fmt: skip
    launch = Launch("update_by_tf32_product", (RUNS, tiles), codes.PRODUCT["THREADS"], arguments)
    device_machine("tf32").program([launch]).run(1)
    left, right = (rounded_to_tf32(factor).astype(float) for factor in (dl_dz, x))
    expected = -(left.swapaxes(1, 2) @ right).reshape(RUNS, -1)
    np.testing.assert_allclose(factors[2].get(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("threads", [128, 256])
def test_a_network_that_fills_several_blocks_of_threads_agrees(threads: int) -> None:
    """The shape that is measured, with as few and as many threads as ever."""
    pack = pack_of(RUNS, dtype="float32", epochs=2, dropout_rate=0.2, optimizer="adam", width=32, batch_size=32)
    data = data_for(pack, examples=700, stored=np.uint8)
    plain, fused = (Group(one, data) for one in (pack, on_device(pack, "fused")))
    rows: Any = fused._trainer._rows  # type: ignore[attr-defined]
    fused._trainer = FusedTrainer(rows, threads=threads)
    for _ in range(3):
        one, two = plain.epoch(), fused.epoch()
    np.testing.assert_allclose(two.metrics["test_loss"], one.metrics["test_loss"], rtol=1e-4)


@pytest.mark.parametrize("examples", [1, 2, 1437, 5000])
def test_orders_drawn_by_blocks_are_those_of_the_data(examples: int) -> None:
    import cupy

    pack = pack_of(RUNS, dtype="float32", batch_size=1)
    seeds, order = cupy.asarray(pack.columns["seed"].astype(np.uint64)), cupy.zeros((RUNS, examples), np.int32)
    source = fused_source(pack, Layout(pack.architecture(5, 3)), np.dtype(np.float32))
    places = 1 << (examples - 1).bit_length()
    arguments = (order, seeds, int(Purpose.ORDER), 3, examples, places)
    device_blocks().launch(source, Launch("draw_order", (RUNS, 1), 256, arguments, 8 * places))
    expected = permutations(keys(pack.columns["seed"], Purpose.ORDER, step=3), examples)
    np.testing.assert_array_equal(order.get(), expected)


def mild_images(**given: Any) -> Pack:
    rates = {"map_dropout_rate": [0, 0.3, 0, 0, 0], "channel_dropout_rate": [0, 0, 0.3, 0, 0]}
    return image_pack(
        RUNS, dtype="float32", epochs=3, learning_rate=0.05, dropout_rate=[0, 0.2, 0, 0, 0], **rates | given
    )


@pytest.mark.parametrize("given", IMAGE_NETWORKS, ids=str)
def test_convolutional_networks_of_every_shape(given: dict[str, Any]) -> None:
    pack = mild_images(**given)
    data = image_data(pack, (13, 12, 2), examples=200, stored=np.uint8)
    for plain, fast in zip(train(pack, data), train(on_device(pack), data), strict=True):
        for name, values in plain.metrics.items():
            np.testing.assert_allclose(fast.metrics[name], values, rtol=1e-4, atol=1e-4, err_msg=name)


def test_a_step_over_images_repeats_bit_for_bit() -> None:
    pack = on_device(mixed_image_pack(RUNS, 3, activation="tanh", optimizer="adam", dtype="float32"))
    data = image_data(pack)
    assert_same_trainings(list(train(pack, data)), list(train(pack, data)), RUNS)


def test_graphs_over_images_are_replayed_and_packed_is_alone() -> None:
    """40 updates an epoch, so that both graphs are replayed. A library may multiply one run's matrices otherwise."""
    pack = on_device(mild_images(activation="tanh"))
    data = image_data(pack, examples=530)
    packed = list(train(pack, data))
    for run in range(RUNS):
        alone = list(train(pack.take([run]), data.take(np.array([run]))))
        for one, two in zip(alone, packed, strict=True):
            np.testing.assert_allclose(one.metrics["test_loss"][0], two.metrics["test_loss"][run], rtol=1e-4)


@pytest.mark.parametrize("of_images", [False, True], ids=["of rows", "of images"])
def test_a_pack_takes_no_more_memory_than_was_counted(of_images: bool) -> None:
    import cupy

    pool, pack = cupy.get_default_memory_pool(), on_device(mild(activation="maxout", width=256, batch_size=64))
    if of_images:
        pack = on_device(mild_images(activation="maxout", channels=(16, 32), batch_size=64))
    data = image_data(pack, (16, 16, 3), examples=2000) if of_images else data_for(pack, examples=2000)
    Group(pack, data).epoch()  # whatever is loaded once
    pool.free_all_blocks()
    before = pool.used_bytes()
    group = Group(pack, data)
    for _ in range(2):
        group.epoch()
    examples = {split: getattr(data, split).index.shape[1] for split in ("train", "validation", "test")}
    architecture = pack.architecture(data.inputs.shape[1], data.outputs, data.image)
    counted = RUNS * memory.memory_per_run(pack, architecture, examples, data.classes)
    assert pool.used_bytes() - before <= counted + data.inputs.nbytes + 2**20


@pytest.mark.parametrize(("kernel", "network"), [("graph", "cnn"), ("graph", "mlp"), ("fused", "mlp")])
@pytest.mark.parametrize("stored", [np.uint8, np.float32])
def test_images_move_within_the_launch_that_reads_them(kernel: str, network: str, stored: Any) -> None:
    """As with the plain kernel, bit for bit the same when repeated, and after an interruption."""
    pack = mild_images(network=network, shift_pixels=[0, 1, 2, 3, 1])
    data = image_data(pack, (13, 12, 2), examples=300, stored=stored)
    moved = on_device(pack, kernel)
    full = list(train(moved, data))
    for plain, fast in zip(train(pack, data), full, strict=True):
        for name, values in plain.metrics.items():
            np.testing.assert_allclose(fast.metrics[name], values, rtol=1e-4, atol=1e-4, err_msg=name)
    assert_same_trainings(list(train(moved, data)), full, RUNS)
    epochs = train(moved, data)
    state = [next(epochs).state() for _ in range(2)][-1]
    for one, two in zip(train(moved, data, state=state), full[2:], strict=True):
        np.testing.assert_allclose(one.metrics["test_loss"], two.metrics["test_loss"], rtol=1e-4)
