"""The order of an epoch drawn on the device is the one the data have; data with an order of their own keep it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from workbench.engine.kernels.cuda import draw_order
from workbench.engine.kernels.cuda.kernel import GraphTrainer
from workbench.engine.training.group import Group

from . import strict_device
from .cases import data_for, pack_of
from .cuda_on_host import HostMachine, needs_compiler


@pytest.mark.parametrize("at_a_time", [1, 100, 2**24])
def test_it_is_the_order_of_the_data(at_a_time: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw_order, "AT_A_TIME", at_a_time)
    pack = pack_of(5, seed=[3, 1, 3, 0, 9])
    data = data_for(pack)
    found = strict_device.zeros((5, data.train.index.shape[1]), np.int32)
    for epoch in (1, 2, 7):
        draw_order.draw(found, pack.columns["seed"], epoch, strict_device)
        np.testing.assert_array_equal(found.get(), data.order(epoch))
    assert draw_order.is_drawn_by_seed(data, pack.columns["seed"])


class OwnOrder:
    """Data that go through their examples backwards."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)

    def take(self, runs: np.ndarray) -> OwnOrder:
        return OwnOrder(self._data.take(runs))

    def order(self, _epoch: int) -> np.ndarray:
        index = self._data.train.index
        return np.tile(np.arange(index.shape[1])[::-1], (len(index), 1))


@needs_compiler
def test_data_with_an_order_of_their_own_keep_it() -> None:
    pack = pack_of(2, dtype="float32")
    data = OwnOrder(data_for(pack))
    assert not draw_order.is_drawn_by_seed(data, pack.columns["seed"])
    group = Group(pack, data)
    rows = SimpleNamespace(**vars(group._trainer._rows))  # type: ignore[attr-defined]
    trainer = GraphTrainer(rows, HostMachine())  # type: ignore[arg-type]
    trainer.train(1)
    np.testing.assert_array_equal(trainer._arrays["order"], data.order(1))
