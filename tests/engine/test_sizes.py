"""What a pack takes is predicted before it trains; here the prediction is held against what is allocated."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.repetitions import mostly_thorough
from workbench.data.run_data import RunData
from workbench.engine.kernels.choice import numba_fault
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack
from workbench.engine.training.sizes import memory_of_pack

from .image_cases import image_data, image_pack

CLOSE = 0.15
NETWORKS: dict[str, tuple[dict[str, Any], tuple[int, int, int]]] = {
    "digits": ({"channels": (8, 16), "depth": 0, "batch_size": 32}, (8, 8, 1)),
    "dropout in large batches": (
        {"batch_size": 200, "channels": (8, 16), "map_dropout_rate": 0.2, "channel_dropout_rate": 0.2},
        (8, 8, 1),
    ),
    "colours, no pooling": ({"channels": (6,), "width": 16, "batch_size": 20, "pool": "none"}, (9, 7, 3)),
    "maxout, global average": (
        {"channels": (4, 6), "depth": 0, "activation": "maxout", "global_average": True, "batch_size": 64},
        (12, 12, 2),
    ),
    "wide dense layers": (
        {"channels": (8,), "depth": 2, "width": 256, "activation": "prelu", "kernel_size": 4, "batch_size": 32},
        (12, 12, 1),
    ),
}


def allocated(pack: Pack, data: RunData) -> int:
    """The most bytes of arrays that training holds at a time."""
    list(train(pack.take([0]), data.take(np.array([0]))))  # compiled and loaded before anything is counted
    gc.collect()
    tracemalloc.start()
    try:
        list(train(pack, data))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def predicted(pack: Pack, data: RunData) -> int:
    """What planning says of it."""
    outputs = LOSSES[pack.loss].units(data.outputs)
    sizes = {split: getattr(data, split).index.shape[1] for split in ("train", "validation", "test")}
    return memory_of_pack(pack, pack.architecture(data.inputs.shape[1], outputs, data.image), sizes)


@pytest.mark.skipif(bool(numba_fault()), reason="runs where Numba can be used")
@pytest.mark.parametrize("name", mostly_thorough(NETWORKS, "dropout in large batches", "wide dense layers"))
def test_the_memory_of_compiled_convolutional_networks_is_predicted(name: str) -> None:
    given, image = NETWORKS[name]
    pack = image_pack(4, kernel="compiled", dtype="float32", epochs=1, **given)
    data = image_data(pack, image, 600, np.uint8)
    assert predicted(pack, data) == pytest.approx(allocated(pack, data), rel=CLOSE)


@pytest.mark.parametrize("name", ["digits", "dropout in large batches"])
def test_the_memory_of_plain_convolutional_networks_is_predicted(name: str) -> None:
    given, image = NETWORKS[name]
    pack = image_pack(2, dtype="float32", epochs=1, **given)
    data = image_data(pack, image, 600, np.uint8)
    assert predicted(pack, data) == pytest.approx(allocated(pack, data), rel=CLOSE)


def test_masks_count_only_where_something_is_dropped() -> None:
    given, image = NETWORKS["dropout in large batches"]
    pack = image_pack(2, kernel="compiled", dtype="float32", **given)
    data = image_data(pack, image)
    rates = {name: np.zeros(2) for name in pack.columns if name.endswith("dropout_rate")}
    assert predicted(replace(pack, columns=pack.columns | rates), data) < predicted(pack, data)
