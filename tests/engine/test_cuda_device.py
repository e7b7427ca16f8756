"""On a device: the captured steps are the plain kernel's, replays draw afresh, and memory stays within its count."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench.engine.backend import cuda_is_usable
from workbench.engine.kernels.cuda import memory
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.training.group import Group
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack

from .cases import STRENGTHS, assert_same_trainings, data_for, mixed_pack, pack_of

pytestmark = pytest.mark.skipif(not cuda_is_usable(), reason="CuPy is not installed or finds no device")

RUNS = 5


def graph(pack: Pack) -> Pack:
    return replace(pack, device="cuda", kernel="graph")


def mild(**given: Any) -> Pack:
    return pack_of(
        RUNS, dtype="float32", epochs=3, dropout_rate=[0, 0.5, 0.2, 0, 0], input_dropout_rate=[0, 0, 0.2, 0, 0], **given
    )


def assert_agrees_with_plain(pack: Pack, tolerance: float = 1e-4, **data_options: Any) -> None:
    data = data_for(pack, **data_options)
    for plain, fast in zip(train(pack, data), train(graph(pack), data), strict=True):
        for name, values in plain.metrics.items():
            np.testing.assert_allclose(fast.metrics[name], values, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation: str) -> None:
    assert_agrees_with_plain(mild(activation=activation, depth=3, slope=0.2, learning_rate=0.05), stored=np.uint8)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss(loss: str) -> None:
    assert_agrees_with_plain(mild(loss=loss, activation="tanh", learning_rate=0.02))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_with_penalties_of_every_kind(optimizer: str) -> None:
    assert_agrees_with_plain(mild(optimizer=optimizer, activation="tanh", **STRENGTHS))


def test_both_graphs_are_replayed_and_every_replay_has_masks_of_its_own() -> None:
    """67 updates an epoch: one by itself, four graphs of 16, two of one step. Equal masks would change every loss."""
    assert_agrees_with_plain(mild(activation="tanh", batch_size=8, learning_rate=0.05), examples=900)


def test_a_step_repeats_bit_for_bit() -> None:
    pack = graph(mixed_pack(RUNS, content=3, activation="tanh", optimizer="adam", dtype="float32"))
    data = data_for(pack)
    assert_same_trainings(list(train(pack, data)), list(train(pack, data)), RUNS)


def test_interruption_changes_nothing() -> None:
    pack = graph(mixed_pack(RUNS, content=7, optimizer="adam", dtype="float32", epochs=4, patience=0))
    data = data_for(pack)
    full, epochs = list(train(pack, data)), train(pack, data)
    state = [next(epochs).state() for _ in range(2)][-1]
    for one, two in zip(train(pack, data, state=state), full[2:], strict=True):
        np.testing.assert_allclose(one.metrics["test_loss"], two.metrics["test_loss"], rtol=1e-4)


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_products_have_the_precision_that_was_asked_for(precision: str) -> None:
    import cupy

    from workbench.engine.kernels.cuda.device import device_machine
    from workbench.engine.kernels.cuda.launches import Matrix, Product

    size, draw = 256, np.random.default_rng(0)
    left, right = (draw.normal(size=(2, size, size)).astype(np.float32) for _ in range(2))
    a, b, c = cupy.asarray(left), cupy.asarray(right), cupy.zeros((2, size, size), np.float32)
    here = [Matrix(array, size * size, size, size) for array in (c, a, b)]
    device_machine(precision).program([Product(*here, 2)]).run(1)
    error = np.abs(c.get() - left.astype(float) @ right.astype(float)).max() / np.sqrt(size)
    assert (error < 1e-5) == (precision == "float32")
    assert error < 1e-2


def test_a_pack_takes_no_more_memory_than_was_counted() -> None:
    import cupy

    pool, pack = cupy.get_default_memory_pool(), graph(mild(activation="maxout", width=256, batch_size=64))
    data = data_for(pack, examples=2000)
    Group(pack, data).epoch()  # whatever is loaded once
    pool.free_all_blocks()
    before = pool.used_bytes()
    group = Group(pack, data)
    for _ in range(2):
        group.epoch()
    examples = {split: getattr(data, split).index.shape[1] for split in ("train", "validation", "test")}
    architecture = pack.architecture(data.inputs.shape[1], data.outputs)
    counted = RUNS * memory.memory_per_run(pack, architecture, examples, data.classes)
    assert pool.used_bytes() - before <= counted + data.inputs.nbytes + 2**20
