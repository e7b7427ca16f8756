"""Training images move on a device as elsewhere: the same moves, drawn there from seed and step; run on the host."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench.engine.kernels.choice import with_kernel
from workbench.engine.kernels.cuda import fused
from workbench.engine.kernels.cuda.fused_source import fused_source
from workbench.engine.kernels.cuda.launches import Launch
from workbench.engine.layers.dropout import LEVELS, Dropout, Masks
from workbench.engine.training.layout import Layout
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack
from workbench.engine.training.randomness import Purpose, keys
from workbench.engine.training.reader import Reader
from workbench.engine.training.shifts import moves

from .blocks_on_host import blocks_on_the_host
from .cases import assert_same_trainings
from .cuda_on_host import HostBlocks, HostMachine, needs_compiler
from .graph_on_host import on_the_host
from .image_cases import image_data, image_pack

pytestmark = needs_compiler
MOST, STEP, BATCH = [0, 1, 3], 7, 6
IMAGES = [(6, 5, 2), (5, 7, 1), (4, 4, 3)]  # rows that are read by four and rows that are not
CASES = [("graph", "cnn"), ("graph", "mlp"), ("fused", "mlp")]


@contextmanager
def way(monkeypatch: pytest.MonkeyPatch, name: str, backwards: bool = False) -> Iterator[None]:
    """Inside, the kernel called graph is the one of that name, on the host."""
    inside: AbstractContextManager[None] = (
        on_the_host(monkeypatch, HostMachine(backwards), 0)
        if name == "graph"
        else blocks_on_the_host(monkeypatch, HostBlocks(backwards))
    )
    with inside:
        yield


def shifting(network: str, **given: Any) -> Pack:
    given = {"shift_pixels": MOST, "seed": [4, 4, 5], "dtype": "float32", "learning_rate": 0.05, "epochs": 2} | given
    return image_pack(len(MOST), network=network, kernel="graph", input_dropout_rate=[0, 0.2, 0.2], **given)


def expected_inputs(pack: Pack, data: Any, order: np.ndarray) -> np.ndarray:
    """What the plain kernel reads at that step: (runs, batch, features)."""
    columns, features = pack.columns, data.inputs.shape[1]
    x = np.empty((pack.runs, BATCH, features), np.float32)
    rows = np.take_along_axis(data.train.index, order, axis=1)[:, STEP * BATCH : (STEP + 1) * BATCH]
    by = moves(columns, np.array([100 + STEP]), BATCH)[0]
    Reader(data.inputs, data, BATCH, np.dtype(np.float32), np).read(rows, x, by)
    masks = Masks([Dropout((features,), "input_dropout_rate")], columns, BATCH, np.dtype(np.float32), np)
    (mask,) = masks.draw(keys(columns["seed"], Purpose.DROPOUT, step=100 + STEP)[None])
    return x if mask is None else x * mask


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("stored", [np.uint8, np.float32])
def test_what_is_read_is_the_plain_kernel_s_bit_for_bit(image: tuple[int, int, int], stored: Any) -> None:
    pack = shifting("mlp", batch_size=BATCH)
    data = image_data(pack, image, examples=90, stored=stored)
    order, features = data.order(1).astype(np.int32), int(np.prod(image))
    levels = np.rint(pack.columns["input_dropout_rate"] * LEVELS)
    x = np.full((pack.runs, BATCH, features), np.nan, np.float32)
    arguments = (
        data.inputs, data.train.index.astype(np.int32), order, np.array([STEP, 100 + STEP]),
        data.scale.astype(np.float32), data.shift.astype(np.float32),
        keys(pack.columns["seed"], Purpose.DROPOUT, step=100 + STEP), levels.astype(np.uint32),
        (LEVELS / (LEVELS - levels)).astype(np.float32), pack.columns["seed"].astype(np.uint64),
        pack.columns["shift_pixels"].astype(np.int32), x, int(Purpose.SHIFT), order.shape[1], BATCH, *image,
    )  # fmt: skip
    kernel = "read_moved_bytes" if stored == np.uint8 else "read_moved_floats"
    HostMachine().launch(Launch(kernel, (pack.runs, 2), 32, arguments))
    np.testing.assert_array_equal(x, expected_inputs(pack, data, order))


@pytest.mark.parametrize(("name", "network"), CASES)
@pytest.mark.parametrize("stored", [np.uint8, np.float32])
def test_images_move_as_with_the_plain_kernel(
    name: str, network: str, stored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = shifting(network)
    data = image_data(pack, stored=stored)
    with way(monkeypatch, name):
        fast = list(train(pack, data))
    for plain, other in zip(train(replace(pack, kernel="plain"), data), fast, strict=True):
        for metric, values in plain.metrics.items():
            np.testing.assert_allclose(other.metrics[metric], values, rtol=3e-5, atol=3e-5, err_msg=metric)


@pytest.mark.parametrize(("name", "network"), CASES)
def test_interruption_and_the_order_of_threads_change_nothing(
    name: str, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = shifting(network, epochs=[3, 2, 3])
    data = image_data(pack, stored=np.uint8)
    with way(monkeypatch, name):
        full, states = [], []
        for epoch in train(pack, data):
            full.append(epoch)
            states.append(pickle.dumps(epoch.state()))
        for number in (0, 1):
            rest = list(train(pack, data, state=pickle.loads(states[number])))
            assert_same_trainings(rest, full[number + 1 :], len(MOST))
    with way(monkeypatch, name, backwards=True):
        assert_same_trainings(list(train(pack, data)), full, len(MOST))


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "network"), CASES)
def test_a_run_moves_alone_as_in_a_pack_and_what_does_not_move_is_as_ever(
    name: str, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = shifting(network)
    data = image_data(pack, stored=np.uint8)
    with way(monkeypatch, name):
        *_, packed = train(pack, data)
        for run in range(pack.runs):
            *_, last = train(pack.take([run]), data.take(np.array([run])))
            assert last.ended[0].summary == pytest.approx(packed.ended[run].summary, rel=1e-5, nan_ok=True)


@pytest.mark.parametrize(("name", "network"), CASES)
def test_only_training_images_move(name: str, network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    still = shifting(network, learning_rate=0.0, seed=4)
    with way(monkeypatch, name):
        for epoch in train(still, image_data(still)):
            for metric in ("validation_loss", "test_loss"):
                assert len(set(epoch.metrics[metric].tolist())) == 1, metric


def test_both_kernels_of_a_device_take_it_and_moving_takes_no_room_in_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that end leave others behind: whether these fit a block may not hang on whether any of them moves."""
    dense, images = (shifting(network, device="cuda") for network in ("mlp", "cnn"))
    assert (with_kernel(dense).kernel, with_kernel(images).kernel) == ("fused", "graph")
    layout = Layout(dense.architecture(60, 3))
    sizes = {fused_source(dense, layout, np.dtype(np.uint8), moving=image).bytes for image in ((), (6, 5, 2))}
    assert len(sizes) == 1
    monkeypatch.setattr(fused, "largest_shared", lambda: sizes.pop())
    assert fused.fits(dense, layout)
