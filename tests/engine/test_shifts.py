"""Training images are moved by a few pixels, drawn from seed and step alone, in every kernel; nothing else moves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.engine.errors import BadInput
from workbench.engine.kernels.choice import numba_fault
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack
from workbench.engine.training.shifts import moved, moves

from .cases import alone, assert_same_course, course, data_for, pack_of
from .image_cases import image_data, image_pack

MOST = [0, 1, 2]
NETWORKS: dict[str, dict[str, Any]] = {"cnn": {}, "mlp": {"network": "mlp"}}
KERNEL_NAMES = ["plain", pytest.param("compiled", marks=pytest.mark.skipif(bool(numba_fault()), reason="needs Numba"))]


def shifting(kernel: str, **given: Any) -> Pack:
    given = {"shift_pixels": MOST, "seed": 4, "dtype": "float32", "kernel": kernel, "learning_rate": 0.05, **given}
    return image_pack(len(MOST), **given)


def test_every_move_is_as_likely_and_a_function_of_seed_and_step() -> None:
    columns = {"seed": np.array([3, 3, 4]), "shift_pixels": np.array([1, 2, 2])}
    found = moves(columns, np.arange(400), 50)
    for run, most in enumerate(columns["shift_pixels"]):
        values, counts = np.unique(found[:, run], return_counts=True)
        assert values.tolist() == list(range(-most, most + 1))
        np.testing.assert_allclose(counts / counts.sum(), 1 / len(values), atol=0.01)
    later = {name: values[1:] for name, values in columns.items()}
    np.testing.assert_array_equal(moves(later, np.arange(7, 9), 50), found[7:9, 1:])
    assert not np.array_equal(found[:, 1], found[:, 2])


def test_an_image_moves_down_and_to_the_right_and_zeros_follow() -> None:
    image = np.arange(1, 13, dtype=np.uint8)  # (2, 3, 2)
    by = np.array([[[0, 0], [1, 0], [0, 1], [-1, -2]]], np.int16)
    found = moved(np.tile(image, (1, 4, 1)), by, (2, 3, 2), np).reshape(4, 2, 3, 2)
    whole = image.reshape(2, 3, 2)
    np.testing.assert_array_equal(found[0], whole)
    np.testing.assert_array_equal(found[1], [np.zeros((3, 2)), whole[0]])
    np.testing.assert_array_equal(found[2], np.concatenate([np.zeros((2, 1, 2)), whole[:, :2]], axis=1))
    assert (found[3, 0, 0].tolist(), found[3].sum()) == (whole[1, 2].tolist(), whole[1, 2].sum())


@pytest.mark.parametrize("stored", [np.uint8, np.float32])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.skipif(bool(numba_fault()), reason="runs where Numba can be used")
def test_kernels_move_images_alike(network: str, stored: Any) -> None:
    packs = [shifting(kernel, **NETWORKS[network]) for kernel in ("plain", "compiled")]
    data = image_data(packs[0], stored=stored)
    for plain, fast in zip(*(train(pack, data) for pack in packs), strict=True):
        for name, values in plain.metrics.items():
            np.testing.assert_allclose(fast.metrics[name], values, rtol=3e-5, atol=3e-5, err_msg=name)


@pytest.mark.parametrize("kernel", KERNEL_NAMES)
def test_packed_is_alone_and_no_shift_is_as_if_there_were_none(kernel: str) -> None:
    pack = shifting(kernel, map_dropout_rate=0.2)
    data = image_data(pack)
    packed = list(train(pack, data))
    for run in range(pack.runs):
        assert_same_course(course(packed, run), course(alone(pack, data, run), 0))
    losses = packed[-1].metrics["train_loss"]
    assert len(set(losses.tolist())) == len(MOST)


def test_only_training_images_move() -> None:
    still = shifting("plain", learning_rate=0.0)
    for epoch in train(still, image_data(still)):
        for name in ("validation_loss", "test_loss"):
            assert len(set(epoch.metrics[name].tolist())) == 1, name


@pytest.mark.parametrize(
    ("pack", "said"),
    [
        (pack_of(1, shift_pixels=1), "data.shift: found 1, allowed is 0, as the examples are no images"),
        (image_pack(1, shift_pixels=5), "data.shift: found 5, allowed are 0 to 4, less than the images"),
    ],
)
def test_what_cannot_be_moved_is_refused(pack: Pack, said: str) -> None:
    data = image_data(pack) if pack.network == "cnn" else data_for(pack)
    with pytest.raises(BadInput, match=said):
        next(train(pack, data))


def test_pixels_with_an_origin_of_their_own_cannot_change_places() -> None:
    pack = image_pack(1, shift_pixels=1)
    data = image_data(pack)
    object.__setattr__(data, "origin", np.full_like(data.origin, 1e6))
    with pytest.raises(BadInput, match="cannot change places"):
        next(train(pack, data))
